"""Permissions as files of profiles and permission sets write them, read and written."""

from __future__ import annotations

from typing import Any

from ..access.permissions import check_permission_row
from ..access.rights import grantable
from ..metadata import Catalogue, ObjectType, RecordTypeInfo, Rights
from ..standard_setup import PERMISSIONS
from .archive import Node, Problem, group, leaf
from .naming import local_name

_FLAGS = ("allowRead", "allowCreate", "allowEdit", "allowDelete", "viewAllRecords", "modifyAllRecords")
_COLUMNS = (
    "PermissionsRead", "PermissionsCreate", "PermissionsEdit", "PermissionsDelete",
    "PermissionsViewAllRecords", "PermissionsModifyAllRecords",
)  # fmt: skip
"""The columns of ObjectPermissions, in the order of `_FLAGS` and of `Rights`."""


def user_permissions(node: Node) -> dict[str, bool]:
    """User permissions by name."""
    found: dict[str, bool] = {}
    for element in node.all("userPermissions"):
        permission = element.need("name")
        if permission not in PERMISSIONS:
            raise Problem(f"Unknown user permission: {permission[:60]}", element.line)
        found[permission] = element.flag("enabled")
    return found


def object_permissions(catalogue: Catalogue, node: Node) -> dict[str, Rights]:
    """Rights by object."""
    found: dict[str, Rights] = {}
    for element in node.all("objectPermissions"):
        value = _object(catalogue, element.need("object"), element)
        if not grantable(value):
            raise Problem(f"Object permissions cannot be given on {value.name}", element.line)
        rights = Rights(*(element.flag(flag) for flag in _FLAGS))
        flags = (getattr(rights, slot) for slot in Rights.__slots__)
        row: dict[str, Any] = {"SobjectType": value.name} | dict(zip(_COLUMNS, flags, strict=True))
        check_permission_row(catalogue, catalogue.whole.objects["ObjectPermissions"], row)
        found[value.name] = rights
    for tag in ("customSettingAccesses", "customMetadataTypeAccesses"):
        for element in node.all(tag):
            if element.flag("enabled"):
                found[_object(catalogue, element.need("name"), element).name] = Rights(read=True)
    return found


def field_permissions(catalogue: Catalogue, node: Node) -> dict[str, dict[str, bool]]:
    """By object: the fields that may be read, and whether they may be edited."""
    found: dict[str, dict[str, bool]] = {}
    for element in node.all("fieldPermissions"):
        object_name, _, field_name = element.need("field").partition(".")
        value = _object(catalogue, object_name, element)
        item = value.get(field_name)
        if item is None:
            raise Problem(
                f"In field: field - no CustomField named {element.need('field')[:90]} found", element.line
            )
        if item.required:
            raise Problem(f"You cannot deploy to a required field: {value.name}.{item.name}", element.line)
        row: dict[str, Any] = {
            "SobjectType": value.name,
            "Field": f"{value.name}.{item.name}",
            "PermissionsRead": element.flag("readable"),
            "PermissionsEdit": element.flag("editable"),
        }
        check_permission_row(catalogue, catalogue.whole.objects["FieldPermissions"], row)
        if row["PermissionsRead"]:
            found.setdefault(value.name, {})[item.name] = row["PermissionsEdit"]
    return found


def _object(catalogue: Catalogue, name: str, node: Node) -> ObjectType:
    value = catalogue.whole.get(name)
    if value is None:
        raise Problem(f"In field: field - no CustomObject named {name[:60]} found", node.line)
    return value


def record_type_of(catalogue: Catalogue, full_name: str, node: Node) -> tuple[ObjectType, RecordTypeInfo]:
    """The record type `Object.Name`. Problem where there is none."""
    object_name, _, name = full_name.partition(".")
    value = catalogue.whole.get(object_name)
    for info in value.record_types if value is not None else ():
        if value is not None and info.developer_name.lower() == local_name(name).lower():
            return value, info
    raise Problem(f"In field: recordType - no RecordType named {full_name[:90]} found", node.line)


async def object_nodes(conn: Any, catalogue: Catalogue, set_id: str) -> list[Node]:
    """The object permissions of a permission set, as files write them."""
    found: list[Node] = []
    for line in await conn.fetch(
        'SELECT * FROM data."ObjectPermissions" WHERE "ParentId" = $1 AND NOT "IsDeleted" ORDER BY "SobjectType"',
        set_id,
    ):
        value = catalogue.get(line["SobjectType"])
        if value is None:
            continue
        if value.kind in ("list_setting", "hierarchy_setting", "metadata_type"):
            tag = "customMetadataTypeAccesses" if value.kind == "metadata_type" else "customSettingAccesses"
            found.append(group(tag, leaf("enabled", bool(line["PermissionsRead"])), leaf("name", value.name)))
            continue
        flags = [leaf(flag, bool(line[column])) for flag, column in zip(_FLAGS, _COLUMNS, strict=True)]
        found.append(
            group(
                "objectPermissions", *sorted([*flags, leaf("object", value.name)], key=lambda item: item.tag)
            )
        )
    return found


async def field_nodes(conn: Any, set_id: str) -> list[Node]:
    """The field permissions of a permission set, as files write them."""
    lines = await conn.fetch(
        'SELECT * FROM data."FieldPermissions" WHERE "ParentId" = $1 AND NOT "IsDeleted" ORDER BY "Field"',
        set_id,
    )
    return [
        group(
            "fieldPermissions",
            leaf("editable", bool(line["PermissionsEdit"])),
            leaf("field", line["Field"]),
            leaf("readable", bool(line["PermissionsRead"])),
        )
        for line in lines
    ]
