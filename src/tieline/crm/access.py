"""What a user may do with an object: one table by profile, one function that reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import Fault, unsupported_type
from .metadata import ObjectType


@dataclass(frozen=True, slots=True)
class Rights:
    """What may be done with the records of one object."""

    read: bool = False
    create: bool = False
    edit: bool = False
    delete: bool = False


@dataclass(frozen=True, slots=True)
class Caller:
    """The user on whose behalf something is done."""

    user_id: str
    username: str
    name: str
    profile: str
    language: str
    locale: str
    time_zone: str
    email: str = ""
    first_name: str | None = None
    last_name: str = ""
    call_center_id: str | None = None

    @property
    def administrator(self) -> bool:
        """True where the user may change set-up, metadata and every record."""
        return self.profile == "System Administrator"


_ALL = Rights(True, True, True, True)
_WORK = Rights(True, True, True, False)
_READ = Rights(True)
_NONE = Rights()

_STANDARD_USER: Mapping[str, Rights] = {
    "Account": _WORK,
    "Contact": _WORK,
    "Lead": _WORK,
    "Opportunity": _WORK,
    "Case": _WORK,
    "Task": _WORK,
    "Event": _WORK,
    "User": _READ,
    "Profile": _READ,
    "Organization": _READ,
    "TaskStatus": _READ,
    "LeadStatus": _READ,
    "RecordType": _READ,
    "CallCenter": _READ,
    "custom": _WORK,
    "list_setting": _READ,
}
_PROFILES: Mapping[str, Mapping[str, Rights]] = {"Standard User": _STANDARD_USER}


def rights(caller: Caller, value: ObjectType) -> Rights:
    """The rights of a user on an object; narrowed by what the object allows to anybody."""
    if caller.administrator:
        granted = _ALL
    else:
        table = _PROFILES.get(caller.profile, {})
        granted = table.get(value.name) or table.get(value.kind, _NONE)
    return Rights(
        granted.read,
        granted.create and value.createable,
        granted.edit and value.updateable,
        granted.delete and value.deletable,
    )


def require_read(caller: Caller, value: ObjectType) -> None:
    """INVALID_TYPE, as if the object did not exist, where the user may not read it."""
    if not rights(caller, value).read:
        raise unsupported_type(value.name)


def require(caller: Caller, value: ObjectType, action: str) -> None:
    """Refuses `create`, `edit` or `delete` that the user may not do."""
    granted = rights(caller, value)
    if not granted.read:
        raise unsupported_type(value.name)
    if getattr(granted, action):
        return
    if action == "create":
        raise Fault("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {value.label}")
    raise Fault(
        "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status=403, fields=[]
    )
