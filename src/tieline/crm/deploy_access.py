# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Deployed permission sets, record types and records of custom metadata types: files become rows.

A permission set's file says all of it: object and field permissions that it does not name are taken away.
"""

from __future__ import annotations

import re
from typing import Any

from .metadata import Catalogue, ObjectType, Rights
from .package import Node, Problem
from .permissions import check_permission_row, follow, grant_fields, grant_object, new_ids
from .rest import Call
from .rights import grantable
from .saving.drafts import Saved
from .schema import add_record_types
from .standard_setup import PERMISSIONS
from .values import read_value

_SET_ELEMENTS = frozenset({
    "applicationVisibilities", "classAccesses", "customMetadataTypeAccesses", "customPermissions",
    "customSettingAccesses", "description", "externalClientAppAccesses", "fieldPermissions", "flowAccesses",
    "fullName", "hasActivationRequired", "label", "license", "objectPermissions", "pageAccesses",
    "recordTypeVisibilities", "servicePresenceStatusAccesses", "tabSettings", "userPermissions",
})  # fmt: skip
_FLAGS = ("allowRead", "allowCreate", "allowEdit", "allowDelete", "viewAllRecords", "modifyAllRecords")
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")


def _saved(results: list[Saved]) -> str:
    if results[0].faults:
        raise Problem(results[0].faults[0].message)
    return results[0].id or ""


async def deploy_permission_set(
    call: Call, catalogue: Catalogue, name: str, node: Node
) -> tuple[bool, bool, str]:
    """A permission set with all of its permissions; answers whether it is new, whether it changed, and its id."""
    node.only(_SET_ELEMENTS, "PermissionSet")
    values: dict[str, Any] = {"Label": node.need("label")[:80], "Description": node.get("description")}
    values["HasActivationRequired"] = node.flag("hasActivationRequired")
    values |= {f"Permissions{permission}": False for permission in PERMISSIONS}
    for element in node.all("userPermissions"):
        permission = element.need("name")
        if permission not in PERMISSIONS:
            raise Problem(f"Unknown user permission: {permission[:60]}", element.line)
        values[f"Permissions{permission}"] = element.flag("enabled")
    objects = _object_permissions(catalogue, node)
    fields = _field_permissions(catalogue, node)
    described = call.catalogue.whole.objects["PermissionSet"]
    row = await call.conn.fetchrow(
        'SELECT * FROM data."PermissionSet" WHERE lower("Name") = lower($1) AND NOT "IsDeleted"', name
    )
    created = row is None
    changed = created
    if row is None:
        set_id = _saved(await call.records.create(described, [{"Name": name} | values]))
    else:
        set_id = row["Id"]
        if any(row[key] != content for key, content in values.items()):
            _saved(await call.records.update(described, [(set_id, values)]))
            changed = True
    rows = 0
    for object_name, rights in objects.items():
        rows += await grant_object(call.conn, [set_id], object_name, rights)
    for object_name, names in fields.items():
        rows += await grant_fields(call.conn, [set_id], object_name, names)
    named = [f"{object_name}.{item}" for object_name, names in fields.items() for item in names]
    for table, column, kept in (
        ("ObjectPermissions", "SobjectType", list(objects)),
        ("FieldPermissions", "Field", named),
    ):
        gone = await call.conn.fetch(
            f'DELETE FROM data."{table}" WHERE "ParentId" = $1 AND NOT "{column}" = ANY($2) RETURNING "Id"',
            set_id,
            kept,
        )
        rows += len(gone)
    if rows:
        await follow(call.conn, catalogue.whole.objects["ObjectPermissions"])
    return created, changed or rows > 0, set_id


def _object_permissions(catalogue: Catalogue, node: Node) -> dict[str, Rights]:
    found: dict[str, Rights] = {}
    for element in node.all("objectPermissions"):
        value = _object(catalogue, element.need("object"), element)
        if not grantable(value):
            raise Problem(f"Object permissions cannot be given on {value.name}", element.line)
        rights = Rights(*(element.flag(flag) for flag in _FLAGS))
        keys = (
            "PermissionsRead", "PermissionsCreate", "PermissionsEdit", "PermissionsDelete",
            "PermissionsViewAllRecords", "PermissionsModifyAllRecords",
        )  # fmt: skip
        flags = (getattr(rights, slot) for slot in Rights.__slots__)
        row: dict[str, Any] = {"SobjectType": value.name} | dict(zip(keys, flags, strict=True))
        check_permission_row(catalogue, catalogue.whole.objects["ObjectPermissions"], row)
        found[value.name] = rights
    for tag in ("customSettingAccesses", "customMetadataTypeAccesses"):
        for element in node.all(tag):
            if element.flag("enabled"):
                found[_object(catalogue, element.need("name"), element).name] = Rights(read=True)
    return found


def _field_permissions(catalogue: Catalogue, node: Node) -> dict[str, dict[str, bool]]:
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


async def deploy_record_type(call: Call, value: ObjectType, node: Node) -> tuple[bool, bool, str]:
    """A record type of an object; answers whether it is new, whether it changed, and its id."""
    name = node.need("fullName")
    if not _NAME.fullmatch(name) or len(name) > 80:
        raise Problem(f"The record type name {name[:60]!r} is not valid", node.line)
    values: dict[str, Any] = {
        "Name": node.need("label")[:80],
        "IsActive": node.flag("active", True),
        "Description": node.get("description"),
    }
    described = call.catalogue.whole.objects["RecordType"]
    row = await call.conn.fetchrow(
        'SELECT * FROM data."RecordType" WHERE "SobjectType" = $1 AND lower("DeveloperName") = lower($2)'
        ' AND NOT "IsDeleted"',
        value.name,
        name,
    )
    if row is None:
        ids = await new_ids(call.conn, described.key_prefix, 1)
        await add_record_types(call.conn, value)
        await call.conn.execute(
            'INSERT INTO data."RecordType" ("Id", "Name", "DeveloperName", "SobjectType", "IsActive", "Description",'
            ' "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")'
            " VALUES ($1, $2, $3, $4, $5, $6, false, now(), $7, now(), $7, now())",
            ids[0], values["Name"], name, value.name, values["IsActive"], values["Description"], call.caller.user_id,
        )  # fmt: skip
        await follow(call.conn, described)
        return True, True, ids[0]
    if all(row[key] == content for key, content in values.items()):
        return False, False, row["Id"]
    _saved(await call.records.update(described, [(row["Id"], values)]))
    return False, True, row["Id"]


async def deploy_metadata_record(
    call: Call, catalogue: Catalogue, name: str, node: Node
) -> tuple[bool, bool, str]:
    """A record `Type.Record` of a custom metadata type; answers whether it is new, whether it changed, and its id."""
    type_name, _, record_name = name.partition(".")
    value = catalogue.whole.get(f"{type_name}__mdt")
    if value is None or value.kind != "metadata_type":
        raise Problem(f"In field: fullName - no CustomObject named {type_name[:60]}__mdt found", node.line)
    if not _NAME.fullmatch(record_name) or len(record_name) > 40:
        raise Problem(f"The record name {record_name[:60]!r} is not valid", node.line)
    label = node.need("label")[:40]
    row: dict[str, Any] = {
        "DeveloperName": record_name,
        "MasterLabel": label,
        "Label": label,
        "QualifiedApiName": record_name,
        "Language": "en_US",
    }
    given: dict[str, Any] = {}
    for element in node.all("values"):
        item = value.get(element.need("field"))
        if item is None or not item.custom:
            raise Problem(
                f"In field: field - no CustomField named {value.name}.{element.need('field')[:60]} found",
                element.line,
            )
        given[item.name] = read_value(item, element.get("value"))
    for item in value.fields.values():
        if item.custom:
            default = item.default is True if item.type == "boolean" else item.default
            content = given.get(item.name)
            row[item.name] = read_value(item, default) if content is None else content
            if item.required and row[item.name] is None:
                raise Problem(f"Required field is missing: {item.name}", node.line)
    before = await call.conn.fetchrow(
        f'SELECT * FROM {value.table} WHERE lower("DeveloperName") = lower($1)',
        record_name,
    )
    names = list(row)
    columns = ", ".join(value.fields[key].column for key in names)
    if before is not None:
        if all(before[key] == content for key, content in row.items()):
            return False, False, before["Id"]
        sets = ", ".join(f"{value.fields[key].column} = ${position}" for position, key in enumerate(names, 3))
        await call.conn.execute(
            f'UPDATE {value.table} SET {sets}, "LastModifiedDate" = now(), "LastModifiedById" = $2,'
            ' "SystemModstamp" = now() WHERE "Id" = $1',
            before["Id"], call.caller.user_id, *row.values(),
        )  # fmt: skip
        return False, True, before["Id"]
    record_id = (await new_ids(call.conn, value.key_prefix, 1))[0]
    places = ", ".join(f"${position}" for position in range(3, len(names) + 3))
    await call.conn.execute(
        f'INSERT INTO {value.table} ("Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate",'
        f' "LastModifiedById", "SystemModstamp", {columns}) VALUES ($1, false, now(), $2, now(), $2, now(), {places})',
        record_id, call.caller.user_id, *row.values(),
    )  # fmt: skip
    return True, True, record_id
