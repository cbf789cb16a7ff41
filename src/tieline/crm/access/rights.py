"""What a user may do with objects and fields: read from permission rows, answered by two functions and one view.

`visible_part` cuts the catalogue down to what a user may see; whatever works on that part cannot show more. Which
records of an object a user reaches is a question of `sharing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..language import Language, language_of
from ..metadata import Catalogue, Field, ObjectType, RecordTypeInfo, Rights
from ..standard_setup import PERMISSIONS

VIEW_ALL_FIELDS = "ViewAllFields"
EVERYTHING = frozenset(PERMISSIONS) | {VIEW_ALL_FIELDS}
"""What the program itself holds when it furnishes an org."""
_MAX_VIEWS = 200
ALL = Rights(True, True, True, True, True, True)
_NONE = Rights()
_ACTIVITIES: Mapping[str, str] = {"Task": "EditTask", "Event": "EditEvent"}
_CALL_FIELDS = frozenset(
    {"CallType", "CallDurationInSeconds", "CallDisposition", "CallObject", "TaskSubtype", "IsArchived"}
)
_SETUP: Mapping[str, tuple[str | None, str]] = {
    "PermissionSet": ("ViewSetup", "ManageUsers"),
    "PermissionSetAssignment": ("ViewSetup", "AssignPermissionSets"),
    "ObjectPermissions": ("ViewSetup", "ManageUsers"),
    "FieldPermissions": ("ViewSetup", "ManageUsers"),
    "PermissionSetTabSetting": ("ViewSetup", "ManageUsers"),
    "SetupAuditTrail": ("ViewSetup", "ViewSetup"),
    "UserLogin": ("ManageUsers", "ManageUsers"),
    "User": (None, "ManageUsers"),
    "Profile": (None, "ManageUsers"),
    "UserRole": (None, "ManageUsers"),
    "Group": (None, "ManageUsers"),
    "GroupMember": (None, "ManageUsers"),
    "QueueSobject": (None, "ManageUsers"),
}
"""Permissions needed to read and to write an object of Set-up; None: everybody. Others: CustomizeApplication."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The user on whose behalf something is done.

    `permissions` None is the program itself, acting with what the profile's name says.
    """

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
    permission_sets: tuple[str, ...] = ()
    permissions: frozenset[str] | None = None

    @property
    def words(self) -> Language:
        """The language of labels and sentences for the user."""
        return language_of(self.language)

    @property
    def held(self) -> frozenset[str]:
        """The user permissions that profile and permission sets give."""
        if self.permissions is not None:
            return self.permissions
        return EVERYTHING if self.profile == "System Administrator" else frozenset()

    def may(self, permission: str) -> bool:
        """True where the user holds a user permission such as `ManageUsers`."""
        return permission in self.held

    @property
    def administrator(self) -> bool:
        """True where the user may change set-up and metadata."""
        return self.may("CustomizeApplication")


def grantable(value: ObjectType) -> bool:
    """True for objects that ObjectPermissions rows open: neither Set-up nor activities."""
    return (
        value.name not in _ACTIVITIES
        and value.shares is None
        and not (value.setup and value.kind == "standard")
    )


def permissionable(value: ObjectType, item: Field) -> bool:
    """True for fields that FieldPermissions rows open; every other field comes with its object."""
    if value.kind not in ("standard", "custom") or value.setup or item.hidden or item.master:
        return False
    if item.required or item.name_field or item.name in ("Id", "OwnerId", "RecordTypeId"):
        return False
    if item.name in value.compound_of:
        return False
    if value.name in _ACTIVITIES and item.name in _CALL_FIELDS:
        return False
    return item.custom or item.createable or item.updateable or not item.stored


def rights(caller: Caller, value: ObjectType) -> Rights:
    """The rights of a user on an object; narrowed by what the object allows to anybody."""
    granted = _granted(caller, value)
    return Rights(
        granted.read,
        granted.create and value.createable,
        granted.edit and value.updateable,
        granted.delete and value.deletable,
        granted.view_all,
        granted.modify_all,
    )


def _granted(caller: Caller, value: ObjectType) -> Rights:
    held = caller.held
    if value.shares is not None:
        return _of_share_rows(caller, value)
    if value.setup and value.kind == "standard":
        reads, writes = _SETUP.get(value.name, (None, "CustomizeApplication"))
        write = writes in held
        return Rights(write or reads is None or reads in held, write, write, write, True, write)
    if value.kind not in ("standard", "custom"):
        return ALL if "CustomizeApplication" in held else _of_rows(caller, value)
    if "ModifyAllData" in held:
        return ALL
    activity = _ACTIVITIES.get(value.name)
    if activity is not None:
        write = activity in held
        granted = Rights(True, write, write, write)
    else:
        granted = _of_rows(caller, value)
    return granted | Rights(read=True, view_all=True) if "ViewAllData" in held else granted


def _of_share_rows(caller: Caller, value: ObjectType) -> Rights:
    """Who reads an object sees who shares its records; which rows may be written is a question of the records."""
    base = value.catalogue.objects.get(value.shares or "") if value.catalogue else None
    if base is None or base.sharing == "ControlledByParent" or (base.custom and base.sharing == "ReadWrite"):
        return _NONE
    read = _granted(caller, base).read
    return Rights(read, read, read, read)


def _of_rows(caller: Caller, value: ObjectType) -> Rights:
    granted = _NONE
    for permission_set in caller.permission_sets:
        row = value.grants.get(permission_set)
        if row is not None:
            granted = granted | row
    return granted


def record_types(caller: Caller, value: ObjectType) -> list[RecordTypeInfo]:
    """The record types that a user may give to records.

    Until a profile or a permission set names one of an object's, everybody has all that are active.
    """
    active = [info for info in value.record_types if info.active]
    if not any(info.access for info in value.record_types):
        return active
    return [info for info in active if any(set_id in caller.permission_sets for set_id, _ in info.access)]


def default_record_type(caller: Caller, value: ObjectType) -> RecordTypeInfo | None:
    """The record type of a new record that names none: what the user's profile says."""
    for info in record_types(caller, value):
        if any(default and set_id in caller.permission_sets for set_id, default in info.access):
            return info
    return None


def visible_part(catalogue: Catalogue, caller: Caller) -> Catalogue:
    """The objects and fields that a user may see, with what may be written; kept until the catalogue moves."""
    whole = catalogue.whole
    key = (caller.permission_sets, caller.held)
    found = whole.views.get(key)
    if found is None:
        if len(whole.views) >= _MAX_VIEWS:
            whole.views.clear()
        objects: dict[str, ObjectType] = {}
        for name, value in whole.objects.items():
            granted = rights(caller, value)
            if granted.read:
                objects[name] = replace(
                    value,
                    fields=_visible_fields(caller, value),
                    createable=granted.create,
                    updateable=granted.edit,
                    deletable=granted.delete,
                )
        found = Catalogue(whole.version, objects, whole)
        whole.views[key] = found
    return found


def _visible_fields(caller: Caller, value: ObjectType) -> dict[str, Field]:
    granted: dict[str, bool] = {}
    for permission_set in caller.permission_sets:
        for name, edit in value.field_grants.get(permission_set, {}).items():
            granted[name] = edit or granted.get(name, False)
    found: dict[str, Field] = {}
    for name, item in value.fields.items():
        if item.hidden or not _name_may_be_read(caller, value, item):
            continue
        ruler = value.fields[value.compound_of.get(name, name)]
        if caller.may(VIEW_ALL_FIELDS) or not permissionable(value, ruler):
            found[name] = item
        elif ruler.name in granted:
            writable = granted[ruler.name] or not (item.createable or item.updateable)
            found[name] = item if writable else replace(item, createable=False, updateable=False)
    return found


def _name_may_be_read(caller: Caller, value: ObjectType, item: Field) -> bool:
    """Developer names of presence statuses are for those who see Set-up."""
    if value.name != "ServicePresenceStatus" or item.name != "DeveloperName":
        return True
    return caller.may("ViewDeveloperName") or caller.may("ViewSetup")
