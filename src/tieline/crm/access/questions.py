"""The questions every door asks about a user: may they read, write, see this field, reach this row; and the refusals."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import Fault, unsupported_type
from ..metadata import Catalogue, Field, ObjectType
from .rights import Caller, default_record_type, permissionable, record_types, rights, visible_part
from .sharing import row_condition

__all__ = [
    "Caller", "default_record_type", "permissionable", "readable", "readonly", "record_types", "require",
    "require_read", "rights", "visible", "visible_part",
]  # fmt: skip


def readable(caller: Caller, value: ObjectType, item: Field) -> bool:
    """True where the user may see this field. A query that names one they may not see fails like one that names
    a field that does not exist."""
    seen = visible_part(_around(value), caller).objects.get(value.name)
    return seen is not None and item.name in seen.fields


def visible(caller: Caller, value: ObjectType, alias: str, param: Callable[[Any], str]) -> str | None:
    """SQL that holds for the rows of `value` which the user may see, or None where that is all of them.

    `alias` is the table's name in the statement; `param` takes a value and answers its placeholder (`$3`).
    """
    return row_condition(_around(value), caller, value, alias, param)


def _around(value: ObjectType) -> Catalogue:
    return value.catalogue or Catalogue(0, {value.name: value})


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
        raise Fault(
            "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
            f"entity type cannot be inserted: {value.label}",
            about=value,
        )
    raise readonly()


def readonly() -> Fault:
    """INSUFFICIENT_ACCESS_OR_READONLY."""
    return Fault(
        "INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status=403, fields=[]
    )
