# ruff: noqa: S608 - identifiers are constants, values are parameters
"""Deployed profiles: what a file names is changed, everything else stays as it is.

Also what profiles and permission sets say of record types, and profiles of page layouts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote

from ..access.permissions import (
    drop_permission_set,
    follow,
    grant_fields,
    grant_object,
    new_ids,
    own_sets,
    sets_of_profiles,
)
from ..metadata import Catalogue, ObjectType, RecordTypeInfo
from ..schema import bump
from ..standard_setup import PERMISSIONS
from .archive import Absent, Node, Problem, group, leaf
from .components import names_of
from .deployment import Component, Deployment
from .permission_nodes import (
    field_nodes,
    field_permissions,
    object_nodes,
    object_permissions,
    record_type_of,
    user_permissions,
)

API_NAMES: Mapping[str, str] = {
    "Admin": "System Administrator",
    "Standard": "Standard User",
    "ReadOnly": "Read Only",
}
"""What the Metadata API calls the profiles that come with an org; others are called as they are."""
MODELLED = frozenset({
    "custom", "fieldPermissions", "fullName", "layoutAssignments", "objectPermissions", "recordTypeVisibilities",
    "userPermissions",
})  # fmt: skip


def profile_name(api_name: str) -> str:
    """The profile's name in the org."""
    return API_NAMES.get(api_name) or unquote(api_name)


async def apply(deployment: Deployment, component: Component) -> None:
    """Changes a profile, or makes one."""
    await deployment.reload()
    conn, catalogue, node = deployment.conn, deployment.catalogue, component.node
    name = profile_name(component.name)
    if not 0 < len(name) <= 255:
        raise Problem("The name of a profile has 1 to 255 characters", node.line)
    objects = object_permissions(catalogue, node)
    fields = field_permissions(catalogue, node)
    permissions = user_permissions(node)
    layouts = await _layouts(deployment, node)
    types = _record_types(catalogue, node)
    profile_id = await conn.fetchval('SELECT "Id" FROM data."Profile" WHERE "Name" = $1', name)
    if profile_id is None:
        profile_id = (await new_ids(conn, "00e", 1))[0]
        await conn.execute(
            'INSERT INTO data."Profile" ("IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate",'
            ' "LastModifiedById", "SystemModstamp", "Id", "Name", "UserType", "PermissionsModifyAllData",'
            " \"PermissionsApiEnabled\") VALUES (false, now(), $1, now(), $1, now(), $2, $3, 'Standard', false, false)",
            deployment.call.caller.user_id,
            profile_id,
            name,
        )
        await own_sets(conn)
        component.created = True
    set_id = (await sets_of_profiles(conn, name))[0]
    changed = 0
    for permission, enabled in permissions.items():
        changed += await _changes(
            conn,
            f'UPDATE data."PermissionSet" SET "Permissions{permission}" = $2, "LastModifiedDate" = now()'
            f' WHERE "Id" = $1 AND "Permissions{permission}" IS DISTINCT FROM $2',
            set_id,
            enabled,
        )
    for object_name, rights in objects.items():
        changed += await grant_object(conn, [set_id], object_name, rights)
    for object_name, names in fields.items():
        changed += await grant_fields(conn, [set_id], object_name, names)
    for (object_name, type_id), layout in layouts.items():
        changed += await _changes(
            conn,
            "INSERT INTO meta.layout_assignment VALUES ($1, $2, $3, $4) ON CONFLICT (set_id, object_name,"
            " record_type_id) DO UPDATE SET layout = excluded.layout WHERE layout_assignment.layout <> excluded.layout",
            set_id,
            object_name,
            type_id,
            layout,
        )
    changed += await open_record_types(conn, set_id, types)
    if changed or component.created:
        await follow(conn, catalogue.whole.objects["PermissionSet"])
    component.changed, component.id = component.created or changed > 0, profile_id


async def _changes(conn: Any, statement: str, *params: Any) -> int:
    status: str = await conn.execute(statement, *params)
    return int(status.rpartition(" ")[2])


async def _layouts(deployment: Deployment, node: Node) -> dict[tuple[str, str], str]:
    """Layouts by object and record type's id, '' for records without one."""
    known = await deployment.names("Layout")
    found: dict[tuple[str, str], str] = {}
    for element in node.all("layoutAssignments"):
        layout = unquote(element.need("layout"))
        if layout not in known:
            raise Problem(f"In field: layout - no Layout named {layout[:80]} found", element.line)
        object_name = layout.partition("-")[0]
        record_type = element.get("recordType")
        type_id = ""
        if record_type:
            value, info = record_type_of(deployment.catalogue, record_type, element)
            type_id = info.id
            if value.name != object_name:
                raise Problem(f"{record_type[:80]} is no record type of {object_name[:60]}", element.line)
        for name in ("Task", "Event") if object_name == "Activity" else (object_name,):
            found[name, type_id] = layout
    return found


def _record_types(catalogue: Catalogue, node: Node) -> dict[str, bool | None]:
    """By record type's id: None where it is closed, otherwise whether it is the default."""
    found: dict[str, bool | None] = {}
    defaults: dict[str, str] = {}
    for element in node.all("recordTypeVisibilities"):
        value, info = record_type_of(catalogue, element.need("recordType"), element)
        visible, default = element.flag("visible"), element.flag("default")
        if default and not visible:
            raise Problem("A default record type must be visible", element.line)
        if default and defaults.setdefault(value.name, info.id) != info.id:
            raise Problem(f"{value.name} has more than one default record type", element.line)
        found[info.id] = default if visible else None
    return found


async def open_record_types(conn: Any, set_id: str, types: Mapping[str, bool | None]) -> int:
    """Makes a permission set say this of record types; answers how many rows were not so before."""
    changed = 0
    for type_id, default in types.items():
        if default is None:
            changed += await _changes(
                conn,
                "DELETE FROM meta.record_type_access WHERE set_id = $1 AND record_type_id = $2",
                set_id,
                type_id,
            )
            continue
        if default:
            changed += await _changes(
                conn,
                'UPDATE meta.record_type_access a SET is_default = false FROM data."RecordType" r, data."RecordType" s'
                ' WHERE a.set_id = $1 AND a.is_default AND a.record_type_id <> $2 AND r."Id" = a.record_type_id'
                ' AND s."Id" = $2 AND r."SobjectType" = s."SobjectType"',
                set_id,
                type_id,
            )
        changed += await _changes(
            conn,
            "INSERT INTO meta.record_type_access VALUES ($1, $2, $3) ON CONFLICT (set_id, record_type_id) DO UPDATE SET"
            " is_default = excluded.is_default WHERE record_type_access.is_default <> excluded.is_default",
            set_id,
            type_id,
            default,
        )
    if changed:
        await bump(conn)
    return changed


# -- reading back and deleting --------------------------------------------------------------------------------


async def names(conn: Any, catalogue: Catalogue) -> list[str]:
    """All profiles, as the Metadata API calls them."""
    called = {name: api_name for api_name, name in API_NAMES.items()}
    rows = await conn.fetch('SELECT "Name" FROM data."Profile" WHERE NOT "IsDeleted"')
    return sorted(called.get(row["Name"]) or quote(row["Name"], safe=" -_().,&") for row in rows)


async def read(conn: Any, catalogue: Catalogue, name: str) -> Sequence[Node] | None:
    """A profile with its permissions, record types and layouts."""
    full_name = profile_name(name)
    sets = await sets_of_profiles(conn, full_name)
    if not sets:
        return None
    row = await conn.fetchrow('SELECT * FROM data."PermissionSet" WHERE "Id" = $1', sets[0])
    found = [leaf("custom", full_name not in API_NAMES.values())]
    found += [
        group("userPermissions", leaf("enabled", True), leaf("name", permission))
        for permission in PERMISSIONS
        if row[f"Permissions{permission}"]
    ]
    found += await object_nodes(conn, catalogue, row["Id"])
    found += await field_nodes(conn, row["Id"])
    types = {info.id: (value, info) for value in catalogue.objects.values() for info in value.record_types}
    for line in await conn.fetch(
        "SELECT layout, record_type_id FROM meta.layout_assignment WHERE set_id = $1 ORDER BY layout, record_type_id",
        row["Id"],
    ):
        known = types.get(line["record_type_id"])
        found.append(
            group(
                "layoutAssignments",
                leaf("layout", quote(line["layout"], safe=" -_().,&")),
                leaf("recordType", _full_name(*known)) if known else None,
            )
        )
    found += record_type_nodes(types.values(), row["Id"], defaults=True)
    return found


def _full_name(value: ObjectType, info: RecordTypeInfo) -> str:
    return f"{value.name}.{info.developer_name}"


def record_type_nodes(types: Any, set_id: str, *, defaults: bool) -> list[Node]:
    """`recordTypeVisibilities` of a permission set or profile, by name."""
    found: list[Node] = []
    for value, info in sorted(types, key=lambda pair: _full_name(*pair)):
        default = dict(info.access).get(set_id)
        if default is not None:
            found.append(
                group(
                    "recordTypeVisibilities",
                    leaf("default", default) if defaults else None,
                    leaf("recordType", _full_name(value, info)),
                    leaf("visible", True),
                )
            )
    return found


async def remove(deployment: Deployment, component: Component) -> None:
    """Deletes a profile that nobody has."""
    conn, name = deployment.conn, profile_name(component.name)
    row = await conn.fetchrow('SELECT "Id" FROM data."Profile" WHERE "Name" = $1', name)
    if row is None:
        raise Absent(f"No Profile named: {component.name[:80]} found")
    if component.name in API_NAMES or component.name not in await names_of(conn, "Profile"):
        raise Problem(f"The profile {name[:80]} came with the org and cannot be deleted")
    if await conn.fetchval('SELECT 1 FROM data."User" WHERE "ProfileId" = $1 LIMIT 1', row["Id"]):
        raise Problem(f"The profile {name[:80]} is assigned to users: give them another one first")
    for set_id in await sets_of_profiles(conn, name):
        await drop_permission_set(conn, set_id)
    await conn.execute('DELETE FROM data."Profile" WHERE "Id" = $1', row["Id"])
    await follow(conn, deployment.catalogue.whole.objects["PermissionSet"])
    component.id = row["Id"]
