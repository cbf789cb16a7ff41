# ruff: noqa: S608 - identifiers are constants, values are parameters
"""Permission rows: what stands in them on an org's first day, and what is checked and follows when they change.

A profile's permissions are those of the permission set it owns. Rows are read into the catalogue, so each change of
ObjectPermissions, FieldPermissions, PermissionSet or RecordType raises the catalogue's version; assignments are read
with each request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import Fault
from ..ids import make_id
from ..metadata import Catalogue, Field, ObjectType, Rights
from ..standard_setup import PERMISSIONS
from .rights import grantable, permissionable

ADMINISTRATOR, STANDARD_USER = "System Administrator", "Standard User"
READ_ONLY, MINIMUM_ACCESS = "Read Only", "Minimum Access - Salesforce"
PROFILES = (ADMINISTRATOR, STANDARD_USER, READ_ONLY, MINIMUM_ACCESS)
"""The profiles that come with an org."""
EVERY_RIGHT = Rights(True, True, True, True, True, True)
WORK = Rights(True, True, True)
READ = Rights(True)
DELETABLE_BY_USERS = ("Account", "Contact", "Lead", "Opportunity")
"""What a standard user may delete, and therefore merge, where sharing lets them; cases and custom objects stay."""
IN_CATALOGUE = frozenset({"PermissionSet", "ObjectPermissions", "FieldPermissions", "RecordType"})
"""Objects whose rows the catalogue contains."""
_PERMISSIONS_OF: Mapping[str, frozenset[str]] = {
    ADMINISTRATOR: frozenset(PERMISSIONS),
    STANDARD_USER: frozenset({"ApiEnabled", "EditTask", "EditEvent", "ConvertLeads"}),
    READ_ONLY: frozenset({"ApiEnabled"}),
}
_STAMP = '"IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"'
_STAMPS = "false, now(), $1, now(), $1, now()"
_RIGHTS = (
    '"PermissionsRead", "PermissionsCreate", "PermissionsEdit", "PermissionsDelete",'
    ' "PermissionsViewAllRecords", "PermissionsModifyAllRecords"'
)


async def _instance(conn: Any) -> str:
    return await conn.fetchval("SELECT value #>> '{}' FROM meta.setting WHERE name = 'instance'")


async def new_ids(conn: Any, prefix: str, count: int) -> list[str]:
    """Fresh record ids with a key prefix."""
    instance = await _instance(conn)
    rows = await conn.fetch("SELECT nextval('meta.record_number') AS n FROM generate_series(1, $1)", count)
    return [make_id(prefix, instance, row["n"]) for row in rows]


async def _system_user(conn: Any) -> str:
    return make_id("005", await _instance(conn), 0)


# -- granting ------------------------------------------------------------------------------------------------


async def grant_object(conn: Any, set_ids: Iterable[str], object_name: str, rights: Rights) -> int:
    """Makes ObjectPermissions say `rights`; answers how many rows were not so before."""
    user = await _system_user(conn)
    changed = 0
    for set_id in set_ids:
        found = await conn.fetchrow(
            f'SELECT "Id", {_RIGHTS} FROM data."ObjectPermissions"'
            ' WHERE "ParentId" = $1 AND "SobjectType" = $2 AND NOT "IsDeleted"',
            set_id,
            object_name,
        )
        wanted = tuple(getattr(rights, name) for name in Rights.__slots__)
        if found is not None and tuple(found)[1:] == wanted:
            continue
        changed += 1
        if found is not None:
            await conn.execute(
                f'UPDATE data."ObjectPermissions" SET ({_RIGHTS}) = ($2, $3, $4, $5, $6, $7),'
                ' "LastModifiedDate" = now(), "SystemModstamp" = now() WHERE "Id" = $1',
                found["Id"],
                *wanted,
            )
            continue
        record_id = (await new_ids(conn, "110", 1))[0]
        await conn.execute(
            f'INSERT INTO data."ObjectPermissions" ({_STAMP}, "Id", "ParentId", "SobjectType", {_RIGHTS})'
            f" VALUES ({_STAMPS}, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            user, record_id, set_id, object_name, *wanted,
        )  # fmt: skip
    return changed


async def grant_fields(
    conn: Any, set_ids: Iterable[str], object_name: str, fields: Mapping[str, bool]
) -> int:
    """Makes FieldPermissions open fields (name, whether editable); answers how many rows were not so before."""
    user = await _system_user(conn)
    changed = 0
    for set_id in set_ids:
        have = {
            row["Field"]: row
            for row in await conn.fetch(
                'SELECT "Id", "Field", "PermissionsRead" AS read, "PermissionsEdit" AS edit'
                ' FROM data."FieldPermissions"'
                ' WHERE "ParentId" = $1 AND "SobjectType" = $2 AND NOT "IsDeleted"',
                set_id,
                object_name,
            )
        }
        wanted = {f"{object_name}.{name}": edit for name, edit in fields.items()}
        stale = [
            (have[name]["Id"], edit)
            for name, edit in wanted.items()
            if name in have and (not have[name]["read"] or have[name]["edit"] != edit)
        ]
        if stale:
            await conn.executemany(
                'UPDATE data."FieldPermissions" SET "PermissionsRead" = true, "PermissionsEdit" = $2,'
                ' "LastModifiedDate" = now(), "SystemModstamp" = now() WHERE "Id" = $1',
                stale,
            )
        fresh = [name for name in wanted if name not in have]
        if fresh:
            ids = await new_ids(conn, "01k", len(fresh))
            await conn.execute(
                f'INSERT INTO data."FieldPermissions" ({_STAMP}, "Id", "ParentId", "SobjectType", "Field",'
                f' "PermissionsRead", "PermissionsEdit") SELECT {_STAMPS}, r.id, $2, $3, r.field, true, r.edit'
                " FROM unnest($4::text[], $5::text[], $6::bool[]) AS r(id, field, edit)",
                user, set_id, object_name, ids, fresh, [wanted[name] for name in fresh],
            )  # fmt: skip
        changed += len(stale) + len(fresh)
    return changed


async def grant_tab(conn: Any, set_id: str, name: str, visibility: str | None) -> int:
    """Makes a permission set show a tab: `DefaultOn`, `DefaultOff`, None for no more; answers 0 where it was so."""
    found = await conn.fetchrow(
        'SELECT "Id", "Visibility" FROM data."PermissionSetTabSetting"'
        ' WHERE "ParentId" = $1 AND lower("Name") = lower($2) AND NOT "IsDeleted"',
        set_id,
        name,
    )
    if (found["Visibility"] if found else None) == visibility:
        return 0
    if visibility is None:
        await conn.execute('DELETE FROM data."PermissionSetTabSetting" WHERE "Id" = $1', found["Id"])
    elif found is not None:
        await conn.execute(
            'UPDATE data."PermissionSetTabSetting" SET "Visibility" = $2, "LastModifiedDate" = now(),'
            ' "SystemModstamp" = now() WHERE "Id" = $1',
            found["Id"],
            visibility,
        )
    else:
        await conn.execute(
            f'INSERT INTO data."PermissionSetTabSetting" ({_STAMP}, "Id", "ParentId", "Name", "Visibility")'
            f" VALUES ({_STAMPS}, $2, $3, $4, $5)",
            await _system_user(conn),
            (await new_ids(conn, "01P", 1))[0],
            set_id,
            name,
            visibility,
        )
    return 1


async def sets_of_profiles(conn: Any, *names: str) -> list[str]:
    """Ids of the permission sets that profiles of these names own."""
    rows = await conn.fetch(
        'SELECT s."Id" FROM data."PermissionSet" s JOIN data."Profile" p ON p."Id" = s."ProfileId"'
        ' WHERE p."Name" = ANY($1) AND s."IsOwnedByProfile" AND NOT s."IsDeleted" ORDER BY s."Id"',
        list(names),
    )
    return [row["Id"] for row in rows]


def openable_fields(value: ObjectType) -> dict[str, bool]:
    """Every field of an object that permission rows open, editable where it can be written."""
    return {
        item.name: item.createable or item.updateable or bool(item.components)
        for item in value.fields.values()
        if permissionable(value, item)
    }


async def open_object(conn: Any, value: ObjectType, *, to_users: bool) -> None:
    """Gives the administrators' profile all of a new object, and the users' profiles what they work with."""
    if grantable(value):
        await grant_object(conn, await sets_of_profiles(conn, ADMINISTRATOR), value.name, EVERY_RIGHT)
        if to_users:
            given = WORK if value.kind in ("standard", "custom", "platform_event") else READ
            if value.name in DELETABLE_BY_USERS:
                given |= Rights(delete=True)
            await grant_object(conn, await sets_of_profiles(conn, STANDARD_USER), value.name, given)
            await grant_object(conn, await sets_of_profiles(conn, READ_ONLY), value.name, READ)
    await open_fields(conn, value, openable_fields(value), to_users=to_users)


async def users_may_delete(conn: Any) -> None:
    """For orgs of before: the users' profile may delete what it still has in the form it was given."""
    for set_id in await sets_of_profiles(conn, STANDARD_USER):
        await conn.execute(
            'UPDATE data."ObjectPermissions" SET "PermissionsDelete" = true, "LastModifiedDate" = now(),'
            ' "SystemModstamp" = now() WHERE "ParentId" = $1 AND "SobjectType" = ANY($2) AND NOT "IsDeleted"'
            ' AND "PermissionsRead" AND "PermissionsCreate" AND "PermissionsEdit"',
            set_id,
            list(DELETABLE_BY_USERS),
        )
    await conn.execute("UPDATE meta.catalogue SET version = version + 1")


async def open_fields(conn: Any, value: ObjectType, fields: Mapping[str, bool], *, to_users: bool) -> None:
    """Gives the administrators' profile new fields, and the users' profiles, too, where asked for."""
    if fields:
        names = (ADMINISTRATOR, STANDARD_USER) if to_users else (ADMINISTRATOR,)
        await grant_fields(conn, await sets_of_profiles(conn, *names), value.name, fields)
    if fields and to_users:
        seen = dict.fromkeys(fields, False)
        await grant_fields(conn, await sets_of_profiles(conn, READ_ONLY), value.name, seen)


async def make_profiles(conn: Any, creator: str) -> dict[str, str]:
    """Makes those profiles that come with an org and are not there; answers the ids of all of them by name."""
    known = {row["Name"]: row["Id"] for row in await conn.fetch('SELECT "Id", "Name" FROM data."Profile"')}
    for name in PROFILES:
        if name not in known:
            known[name] = (await new_ids(conn, "00e", 1))[0]
            held = _PERMISSIONS_OF.get(name, frozenset())
            await conn.execute(
                f'INSERT INTO data."Profile" ({_STAMP}, "Id", "Name", "UserType", "PermissionsModifyAllData",'
                f" \"PermissionsApiEnabled\") VALUES ({_STAMPS}, $2, $3, 'Standard', $4, $5)",
                creator, known[name], name, "ModifyAllData" in held, "ApiEnabled" in held,
            )  # fmt: skip
    return known


async def readers_profiles(conn: Any, catalogue: Catalogue) -> None:
    """For orgs of before: the profiles of those who only read, and of those who get all from permission sets."""
    if not await conn.fetchval('SELECT EXISTS (SELECT 1 FROM data."Profile")'):
        return  # an org in the making gets them with its first rows
    await make_profiles(conn, await _system_user(conn))
    await own_sets(conn)
    sets = await sets_of_profiles(conn, READ_ONLY)
    for value in catalogue.objects.values():
        if value.setup and value.kind == "standard":
            continue
        if grantable(value):
            await grant_object(conn, sets, value.name, READ)
        if fields := dict.fromkeys(openable_fields(value), False):
            await grant_fields(conn, sets, value.name, fields)
    await conn.execute("UPDATE meta.catalogue SET version = version + 1")


async def furnish_profiles(conn: Any, catalogue: Catalogue) -> None:
    """Gives each profile that has none a permission set of its own, with what its users have had."""
    await own_sets(conn)
    for value in catalogue.objects.values():
        if not value.setup or value.kind != "standard":
            await open_object(conn, value, to_users=True)


async def own_sets(conn: Any) -> None:
    """Gives each profile that has none a permission set of its own."""
    user = await _system_user(conn)
    for profile in await conn.fetch(
        'SELECT p."Id", p."Name" FROM data."Profile" p WHERE NOT EXISTS (SELECT 1 FROM'
        ' data."PermissionSet" s WHERE s."ProfileId" = p."Id" AND s."IsOwnedByProfile") ORDER BY p."Id"'
    ):
        held = _PERMISSIONS_OF.get(profile["Name"], frozenset())
        columns = ", ".join(f'"Permissions{permission}"' for permission in PERMISSIONS)
        flags = ", ".join("true" if permission in held else "false" for permission in PERMISSIONS)
        set_id = (await new_ids(conn, "0PS", 1))[0]
        await conn.execute(
            f'INSERT INTO data."PermissionSet" ({_STAMP}, "Id", "Name", "Label", "ProfileId",'
            f' "IsOwnedByProfile", "IsCustom", "Type", {columns})'
            f" VALUES ({_STAMPS}, $2, $3, $3, $4, true, false, 'Profile', {flags})",
            user, set_id, f"X{profile['Id'][:15]}", profile["Id"],
        )  # fmt: skip


async def drop_permission_set(conn: Any, set_id: str) -> None:
    """Takes a permission set away with its permissions and assignments."""
    for table, column in (
        ("PermissionSetAssignment", "PermissionSetId"),
        ("ObjectPermissions", "ParentId"),
        ("FieldPermissions", "ParentId"),
        ("PermissionSetTabSetting", "ParentId"),
        ("PermissionSet", "Id"),
    ):
        await conn.execute(f'DELETE FROM data."{table}" WHERE "{column}" = $1', set_id)
    await conn.execute("DELETE FROM auth.app_access WHERE parent_id = $1", set_id)
    for table in ("layout_assignment", "record_type_access"):
        await conn.execute(f"DELETE FROM meta.{table} WHERE set_id = $1", set_id)


# -- when rows change ----------------------------------------------------------------------------------------


def _object_named(catalogue: Catalogue, row: Mapping[str, Any]) -> ObjectType:
    value = catalogue.whole.get(str(row.get("SobjectType") or ""))
    if value is None:
        raise Fault(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"Sobject Type Name: bad value for restricted picklist field: {row.get('SobjectType')}",
            fields=["SobjectType"],
        )
    return value


def _depends(right: str, value: ObjectType, *on: str) -> Fault:
    needed = ", ".join(f"{name} {value.label_plural}" for name in on)
    return Fault(
        "FIELD_INTEGRITY_EXCEPTION",
        f"Permission {right} {value.label_plural} depends on permission(s): {needed}",
        fields=[],
    )


def check_permission_row(catalogue: Catalogue, value: ObjectType, row: dict[str, Any]) -> None:
    """Refuses permission rows that say nothing or contradict themselves; spells names as the catalogue does."""
    if value.name == "ObjectPermissions":
        target = _object_named(catalogue, row)
        if not grantable(target):
            raise Fault(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"Sobject Type Name: bad value for restricted picklist field: {target.name}",
                fields=["SobjectType"],
            )
        row["SobjectType"] = target.name
        has = {name: bool(row.get(f"Permissions{name}")) for name in _NEEDS} | {
            "Read": bool(row.get("PermissionsRead"))
        }
        for right, needed in _NEEDS.items():
            missing = [name for name in needed if not has[name]]
            if has[right] and missing:
                raise _depends(
                    _SHOWN.get(right, right), target, *(_SHOWN.get(name, name) for name in missing)
                )
    elif value.name == "FieldPermissions":
        target = _object_named(catalogue, row)
        named, _, field_name = str(row.get("Field") or "").partition(".")
        item = target.get(field_name)
        if named.lower() != target.name.lower() or item is None or not permissionable(target, item):
            raise Fault(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"Field Name: bad value for restricted picklist field: {row.get('Field')}",
                fields=["Field"],
            )
        row["SobjectType"], row["Field"] = target.name, f"{target.name}.{item.name}"
        if row.get("PermissionsEdit") and not row.get("PermissionsRead"):
            raise Fault(
                "FIELD_INTEGRITY_EXCEPTION",
                "Field permission Edit depends on permission: Read",
                fields=["PermissionsEdit"],
            )
    elif value.name in ("RecordType", "QueueSobject"):
        row["SobjectType"] = _object_named(catalogue, row).name
    elif value.name == "PermissionSet":
        _check_name(row)


_NEEDS: Mapping[str, tuple[str, ...]] = {
    "Create": ("Read",),
    "Edit": ("Read",),
    "Delete": ("Read", "Edit"),
    "ViewAllRecords": ("Read",),
    "ModifyAllRecords": ("Read", "Edit", "Delete", "ViewAllRecords"),
}
_SHOWN: Mapping[str, str] = {"ViewAllRecords": "View All", "ModifyAllRecords": "Modify All"}


def _check_name(row: Mapping[str, Any]) -> None:
    name = str(row.get("Name") or "")
    letters = name.replace("_", "")
    if (
        not (letters.isascii() and letters.isalnum() and name[:1].isalpha())
        or "__" in name
        or name.endswith("_")
    ):
        raise Fault(
            "INVALID_FIELD",
            "The Permission Set API Name can only contain underscores and alphanumeric characters. It must be "
            "unique, begin with a letter, not include spaces, not end with an underscore, and not contain two "
            "consecutive underscores.",
            fields=["Name"],
        )


async def follow(conn: Any, value: ObjectType) -> None:
    """After rows of `value` were written: the catalogue and the profiles' own columns follow."""
    if value.name == "PermissionSet":
        await conn.execute(
            'UPDATE data."Profile" p SET "PermissionsModifyAllData" = s."PermissionsModifyAllData",'
            ' "PermissionsApiEnabled" = s."PermissionsApiEnabled" FROM data."PermissionSet" s'
            ' WHERE s."ProfileId" = p."Id" AND s."IsOwnedByProfile" AND'
            ' (p."PermissionsModifyAllData", p."PermissionsApiEnabled")'
            ' IS DISTINCT FROM (s."PermissionsModifyAllData", s."PermissionsApiEnabled")'
        )
    if value.name in IN_CATALOGUE:
        await conn.execute("UPDATE meta.catalogue SET version = version + 1")


def opened(value: ObjectType, item: Field) -> dict[str, bool]:
    """The field as `open_fields` takes it; empty where it comes with its object."""
    return (
        {item.name: item.createable or item.updateable or bool(item.components)}
        if permissionable(value, item)
        else {}
    )
