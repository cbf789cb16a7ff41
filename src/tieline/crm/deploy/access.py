# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Deployed permission sets, record types and records of custom metadata types: files become rows.

A permission set's file says all of it: object and field permissions that it does not name are taken away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..access.permissions import drop_permission_set, follow, grant_fields, grant_object, grant_tab, new_ids
from ..access.tabs import KEPT, SAID, SETTING
from ..metadata import Catalogue, ObjectType
from ..saving.drafts import Saved
from ..schema import add_record_types
from ..standard_setup import PERMISSIONS
from ..values import read_value, write_value
from .archive import Absent, Node, Problem, group, leaf
from .deployment import Component, Deployment
from .naming import check_developer_name, local_name, namespace_of
from .permission_nodes import (
    field_nodes,
    field_permissions,
    object_nodes,
    object_permissions,
    record_type_of,
    user_permissions,
)
from .profiles import open_record_types, record_type_nodes

SET_MODELLED = frozenset({
    "customMetadataTypeAccesses", "customSettingAccesses", "description", "fieldPermissions", "fullName",
    "hasActivationRequired", "label", "objectPermissions", "recordTypeVisibilities", "tabSettings",
    "userPermissions",
})  # fmt: skip
RECORD_TYPE_MODELLED = frozenset({"active", "description", "fullName", "label"})
RECORD_MODELLED = frozenset({"fullName", "label", "values"})


def _saved(results: list[Saved]) -> str:
    if results[0].faults:
        raise Problem(results[0].faults[0].message)
    return results[0].id or ""


async def apply_permission_set(deployment: Deployment, component: Component) -> None:
    """A permission set with all of its permissions."""
    await deployment.reload()
    call, catalogue, node = deployment.call, deployment.catalogue, component.node
    check_developer_name(component.name, node.line)
    name = local_name(component.name)
    values: dict[str, Any] = {"Label": node.need("label")[:80], "Description": node.get("description")}
    values["HasActivationRequired"] = node.flag("hasActivationRequired")
    values |= {f"Permissions{permission}": False for permission in PERMISSIONS}
    values |= {f"Permissions{name}": enabled for name, enabled in user_permissions(node).items()}
    objects = object_permissions(catalogue, node)
    fields = field_permissions(catalogue, node)
    types = dict.fromkeys(
        (
            record_type_of(catalogue, element.need("recordType"), element)[1].id
            for element in node.all("recordTypeVisibilities")
            if element.flag("visible")
        ),
        False,
    )
    described = call.catalogue.whole.objects["PermissionSet"]
    row = await call.conn.fetchrow(
        'SELECT * FROM data."PermissionSet" WHERE lower("Name") = lower($1) AND NOT "IsDeleted"', name
    )
    created = row is None
    changed = created
    if row is None:
        set_id = _saved(await call.records.create(described, [{"Name": name} | values]))
        if deployment.namespace:
            await call.conn.execute(
                'UPDATE data."PermissionSet" SET "NamespacePrefix" = $2 WHERE "Id" = $1',
                set_id,
                deployment.namespace,
            )
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
    tabs = {
        element.need("tab"): KEPT[element.need("visibility")]
        for element in node.all("tabSettings")
        if element.need("visibility") != "None"
    }
    for tab, visibility in tabs.items():
        rows += await grant_tab(call.conn, set_id, tab, visibility)
    named = [f"{object_name}.{item}" for object_name, names in fields.items() for item in names]
    for table, column, kept in (
        ("ObjectPermissions", "SobjectType", list(objects)),
        ("FieldPermissions", "Field", named),
        (SETTING, "Name", list(tabs)),
    ):
        gone = await call.conn.fetch(
            f'DELETE FROM data."{table}" WHERE "ParentId" = $1 AND NOT "{column}" = ANY($2) RETURNING "Id"',
            set_id,
            kept,
        )
        rows += len(gone)
    closed = await call.conn.fetch(
        "DELETE FROM meta.record_type_access WHERE set_id = $1 AND NOT record_type_id = ANY($2) RETURNING set_id",
        set_id,
        list(types),
    )
    rows += len(closed) + await open_record_types(call.conn, set_id, types)
    if rows:
        await follow(call.conn, catalogue.whole.objects["ObjectPermissions"])
    component.created, component.changed, component.id = created, changed or rows > 0, set_id


async def apply_record_type(deployment: Deployment, component: Component) -> None:
    """A record type of an object."""
    call, node = deployment.call, component.node
    object_name, _, full_name = component.name.partition(".")
    value = deployment.object(object_name, node.line)
    check_developer_name(full_name, node.line)
    name = local_name(full_name)
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
        if await add_record_types(call.conn, value):
            deployment.stale = True
            await deployment.reload()
        await call.conn.execute(
            'INSERT INTO data."RecordType" ("Id", "Name", "DeveloperName", "SobjectType", "IsActive", "Description",'
            ' "NamespacePrefix", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById",'
            ' "SystemModstamp") VALUES ($1, $2, $3, $4, $5, $6, $8, false, now(), $7, now(), $7, now())',
            ids[0], values["Name"], name, value.name, values["IsActive"], values["Description"], call.caller.user_id,
            deployment.namespace,
        )  # fmt: skip
        await follow(call.conn, described)
        deployment.stale = True
        component.created, component.changed, component.id = True, True, ids[0]
        return
    component.id = row["Id"]
    if any(row[key] != content for key, content in values.items()):
        _saved(await call.records.update(described, [(row["Id"], values)]))
        component.changed = True


async def apply_metadata_record(deployment: Deployment, component: Component) -> None:
    """A record `Type.Record` of a custom metadata type."""
    call, node = deployment.call, component.node
    type_name, _, full_name = component.name.partition(".")
    value = deployment.catalogue.get(f"{type_name}__mdt")
    if value is None or value.kind != "metadata_type":
        raise Problem(f"In field: fullName - no CustomObject named {type_name[:60]}__mdt found", node.line)
    check_developer_name(full_name, node.line, 40)
    record_name = local_name(full_name)
    label = node.need("label")[:40]
    row: dict[str, Any] = {
        "DeveloperName": record_name,
        "MasterLabel": label,
        "Label": label,
        "QualifiedApiName": full_name,
        "NamespacePrefix": namespace_of(full_name),
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
            component.id = before["Id"]
            return
        sets = ", ".join(f"{value.fields[key].column} = ${position}" for position, key in enumerate(names, 3))
        await call.conn.execute(
            f'UPDATE {value.table} SET {sets}, "LastModifiedDate" = now(), "LastModifiedById" = $2,'
            ' "SystemModstamp" = now() WHERE "Id" = $1',
            before["Id"], call.caller.user_id, *row.values(),
        )  # fmt: skip
        component.changed, component.id = True, before["Id"]
        return
    record_id = (await new_ids(call.conn, value.key_prefix, 1))[0]
    places = ", ".join(f"${position}" for position in range(3, len(names) + 3))
    await call.conn.execute(
        f'INSERT INTO {value.table} ("Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate",'
        f' "LastModifiedById", "SystemModstamp", {columns}) VALUES ($1, false, now(), $2, now(), $2, now(), {places})',
        record_id, call.caller.user_id, *row.values(),
    )  # fmt: skip
    component.created, component.changed, component.id = True, True, record_id


# -- reading back and deleting --------------------------------------------------------------------------------


async def permission_set_names(conn: Any, catalogue: Catalogue) -> list[str]:
    """Permission sets that belong to no profile."""
    rows = await conn.fetch(
        'SELECT "Name", "NamespacePrefix" FROM data."PermissionSet" WHERE NOT "IsDeleted" AND NOT "IsOwnedByProfile"'
    )
    return sorted(
        f"{row['NamespacePrefix']}__{row['Name']}" if row["NamespacePrefix"] else row["Name"] for row in rows
    )


async def _permission_set(conn: Any, name: str) -> Any:
    return await conn.fetchrow(
        'SELECT * FROM data."PermissionSet" WHERE lower("Name") = lower($1) AND NOT "IsDeleted"'
        ' AND NOT "IsOwnedByProfile"',
        local_name(name),
    )


async def read_permission_set(conn: Any, catalogue: Catalogue, name: str) -> Sequence[Node] | None:
    """A permission set with all of its permissions."""
    row = await _permission_set(conn, name)
    if row is None:
        return None
    found = [leaf("label", row["Label"]), leaf("hasActivationRequired", bool(row["HasActivationRequired"]))]
    if row["Description"]:
        found.append(leaf("description", row["Description"]))
    found += [
        group("userPermissions", leaf("enabled", True), leaf("name", permission))
        for permission in PERMISSIONS
        if row[f"Permissions{permission}"]
    ]
    found += await object_nodes(conn, catalogue, row["Id"])
    found += await field_nodes(conn, row["Id"])
    types = [(value, info) for value in catalogue.objects.values() for info in value.record_types]
    found += record_type_nodes(types, row["Id"], defaults=False)
    for line in await conn.fetch(
        f'SELECT "Name", "Visibility" FROM data."{SETTING}"'
        ' WHERE "ParentId" = $1 AND NOT "IsDeleted" ORDER BY "Name"',
        row["Id"],
    ):
        found.append(
            group("tabSettings", leaf("tab", line["Name"]), leaf("visibility", SAID[line["Visibility"]]))
        )
    return found


async def remove_permission_set(deployment: Deployment, component: Component) -> None:
    """Deletes a permission set. Problem while somebody has it."""
    conn = deployment.conn
    row = await _permission_set(conn, component.name)
    if row is None:
        raise Absent(f"No PermissionSet named: {component.name[:80]} found")
    if await conn.fetchval(
        'SELECT 1 FROM data."PermissionSetAssignment" WHERE "PermissionSetId" = $1 AND NOT "IsDeleted" LIMIT 1',
        row["Id"],
    ):
        raise Problem(
            "You can't delete this permission set because it's assigned to users: remove the assignments first"
        )
    await drop_permission_set(conn, row["Id"])
    component.id = row["Id"]
    await follow(conn, deployment.catalogue.objects["PermissionSet"])


async def remove_tab(deployment: Deployment, component: Component) -> None:
    """Deletes a tab with what permission sets say of it."""
    if component.name not in await deployment.names("CustomTab"):
        raise Absent(f"No CustomTab named: {component.name[:80]} found")
    await deployment.conn.execute(f'DELETE FROM data."{SETTING}" WHERE "Name" = $1', component.name)


async def record_type_names(conn: Any, catalogue: Catalogue) -> list[str]:
    """`Object.RecordType`."""
    return sorted(
        f"{value.name}.{info.developer_name}"
        for value in catalogue.objects.values()
        for info in value.record_types
    )


async def read_record_type(conn: Any, catalogue: Catalogue, name: str) -> Sequence[Node] | None:
    """A record type."""
    object_name, _, full_name = name.partition(".")
    row = await conn.fetchrow(
        'SELECT * FROM data."RecordType" WHERE "SobjectType" = $1 AND lower("DeveloperName") = lower($2)'
        ' AND NOT "IsDeleted"',
        object_name,
        local_name(full_name),
    )
    if row is None:
        return None
    found = [leaf("fullName", full_name), leaf("active", bool(row["IsActive"])), leaf("label", row["Name"])]
    return [*found, leaf("description", row["Description"])] if row["Description"] else found


async def remove_record_type(deployment: Deployment, component: Component) -> None:
    """Deletes a record type that no record has."""
    object_name, _, full_name = component.name.partition(".")
    value = deployment.object(object_name, None)
    row = next((info for info in value.record_types if info.developer_name == local_name(full_name)), None)
    if row is None:
        raise Absent(f"No RecordType named: {component.name[:90]} found")
    if "RecordTypeId" in value.fields and await deployment.conn.fetchval(
        f'SELECT 1 FROM {value.table} WHERE "RecordTypeId" = $1 LIMIT 1', row.id
    ):
        raise Problem(f"The record type {full_name[:60]} is used by records of {value.name}")
    await deployment.conn.execute('DELETE FROM data."RecordType" WHERE "Id" = $1', row.id)
    for table in ("layout_assignment", "record_type_access"):
        await deployment.conn.execute(f"DELETE FROM meta.{table} WHERE record_type_id = $1", row.id)
    await follow(deployment.conn, deployment.catalogue.objects["RecordType"])
    deployment.stale = True


async def metadata_record_names(conn: Any, catalogue: Catalogue) -> list[str]:
    """`Type.Record` of every record of a custom metadata type."""
    found: list[str] = []
    for value in catalogue.objects.values():
        if value.kind == "metadata_type":
            rows = await conn.fetch(
                f'SELECT "QualifiedApiName" AS name FROM {value.table} WHERE NOT "IsDeleted"'
            )
            found += [f"{value.name.removesuffix('__mdt')}.{row['name']}" for row in rows]
    return sorted(found)


def _metadata_type(catalogue: Catalogue, name: str) -> tuple[ObjectType | None, str]:
    type_name, _, full_name = name.partition(".")
    value = catalogue.get(f"{type_name}__mdt")
    return (value if value is not None and value.kind == "metadata_type" else None), full_name


async def read_metadata_record(conn: Any, catalogue: Catalogue, name: str) -> Sequence[Node] | None:
    """A record of a custom metadata type with its values."""
    value, full_name = _metadata_type(catalogue, name)
    row = None
    if value is not None:
        row = await conn.fetchrow(
            f'SELECT * FROM {value.table} WHERE lower("QualifiedApiName") = lower($1) AND NOT "IsDeleted"',
            full_name,
        )
    if value is None or row is None:
        return None
    values = [
        group("values", leaf("field", item.name), _value_node(item.type, row[item.name]))
        for item in sorted(value.fields.values(), key=lambda item: item.name)
        if item.custom
    ]
    return [leaf("label", row["MasterLabel"]), *values]


_XSD: Mapping[str, str] = {
    "boolean": "xsd:boolean", "date": "xsd:date", "datetime": "xsd:dateTime", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "int": "xsd:int",
}  # fmt: skip


def _value_node(kind: str, content: Any) -> Node:
    if content is None:
        return Node("value", nil=True)
    return Node("value", leaf("value", write_value(content)).text, type=_XSD.get(kind, "xsd:string"))


async def remove_metadata_record(deployment: Deployment, component: Component) -> None:
    """Deletes a record of a custom metadata type."""
    value, full_name = _metadata_type(deployment.catalogue, component.name)
    gone = None
    if value is not None:
        gone = await deployment.conn.fetchval(
            f'DELETE FROM {value.table} WHERE lower("QualifiedApiName") = lower($1) RETURNING "Id"', full_name
        )
    if gone is None:
        raise Absent(f"No CustomMetadata named: {component.name[:90]} found")
    component.id = gone
