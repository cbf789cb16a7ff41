# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""The step that gives an org roles, groups, permissions as rows, a recycle bin and the fields that came with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..schema import install, load_catalogue, update_field
from ..standard import STANDARD_OBJECTS
from . import sharing
from .permissions import furnish_profiles, new_ids

_RECYCLE_BIN = """
CREATE TABLE meta.recycled (
    record_id text COLLATE "C" PRIMARY KEY, object_name text NOT NULL, root_id text COLLATE "C" NOT NULL,
    deleted_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX recycled_by_root ON meta.recycled (root_id);
CREATE TABLE meta.recycled_link (
    root_id text COLLATE "C" NOT NULL, object_name text NOT NULL, field_name text NOT NULL,
    record_id text COLLATE "C" NOT NULL, target_id text COLLATE "C" NOT NULL
);
CREATE INDEX recycled_link_by_root ON meta.recycled_link (root_id);
"""
_ONE_OF_EACH = (
    ("PermissionSetAssignment", "AssigneeId", "PermissionSetId"),
    ("ObjectPermissions", "ParentId", "SobjectType"),
    ("FieldPermissions", "ParentId", "Field"),
    ("GroupMember", "GroupId", "UserOrGroupId"),
    ("QueueSobject", "QueueId", "SobjectType"),
    ("RecordType", "SobjectType", "DeveloperName"),
)


_DERIVED = (
    """UPDATE data."Opportunity" SET "IsClosed" = "StageName" IN ('Closed Won', 'Closed Lost'),
       "IsWon" = "StageName" = 'Closed Won', "ForecastCategory" = CASE "StageName" WHEN 'Closed Won' THEN 'Closed'
       WHEN 'Closed Lost' THEN 'Omitted' ELSE 'Pipeline' END""",
    """UPDATE data."Task" SET "IsHighPriority" = true WHERE "Priority" = 'High'""",
    """UPDATE data."Case" SET "ClosedDate" = "LastModifiedDate" WHERE "IsClosed" AND "ClosedDate" IS NULL""",
)
"""What fields and tables that are new would hold, had they always been there."""


async def objects_and_access(conn: Any) -> None:
    """Roles, groups, permissions as rows and the fields this release adds; profiles keep what their users had."""
    await conn.execute(sharing.TABLES)
    await conn.execute(_RECYCLE_BIN)
    await install(conn, STANDARD_OBJECTS)
    for name, first, second in _ONE_OF_EACH:
        await conn.execute(
            f'CREATE UNIQUE INDEX one_{name.lower()} ON data."{name}" ("{first}", lower("{second}"))'
            ' WHERE NOT "IsDeleted"'
        )
    for value in (await load_catalogue(conn)).objects.values():
        owner = value.fields.get("OwnerId")
        if value.custom and owner is not None and owner.reference_to == ("User",):
            await update_field(conn, value, owner, replace(owner, reference_to=("User", "Group")))
    # Custom objects stay open to those who use them.
    await furnish_profiles(conn, await load_catalogue(conn))
    await conn.execute(
        'INSERT INTO data."UserLogin" ("Id", "UserId", "IsDeleted", "CreatedDate", "CreatedById",'
        ' "LastModifiedDate", "LastModifiedById", "SystemModstamp") SELECT r.id, r.user_id, false, now(), r.user_id,'
        " now(), r.user_id, now() FROM unnest($1::text[], $2::text[]) AS r(id, user_id)",
        *await _logins(conn),
    )
    for statement in _DERIVED:
        await conn.execute(statement)
    for value in (await load_catalogue(conn)).objects.values():
        # What went with what is not known: each of them comes back alone.
        await conn.execute(
            "INSERT INTO meta.recycled (record_id, object_name, root_id, deleted_at)"
            f' SELECT "Id", $1, "Id", "SystemModstamp" FROM {value.table} WHERE "IsDeleted"',
            value.name,
        )
    await sharing.recompute(conn)


async def _logins(conn: Any) -> tuple[list[str], list[str]]:
    users = [row["Id"] for row in await conn.fetch('SELECT "Id" FROM data."User" ORDER BY "Id"')]
    return await new_ids(conn, "0Yw", len(users)), users
