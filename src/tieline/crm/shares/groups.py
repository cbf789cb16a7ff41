"""Groups that come by themselves: two for each role, and everybody. Records are shared with them."""

from __future__ import annotations

from typing import Any

from ..access.permissions import new_ids
from ..ids import make_id

EVERYBODY = "AllInternalUsers"
_ROLE_GROUPS = ("Role", "RoleAndSubordinates")


async def furnish_groups(conn: Any) -> None:
    """Makes the groups of roles that have none yet, and the group of everybody."""
    rows = await conn.fetch(
        'SELECT r."Id", r."Name", k.kind, coalesce(r."DeveloperName", regexp_replace(r."Name", \'[^A-Za-z0-9]+\', \'_\','
        " 'g')) AS developer_name FROM data.\"UserRole\" r CROSS JOIN unnest($1::text[]) AS k(kind)"
        ' WHERE NOT r."IsDeleted" AND NOT EXISTS (SELECT 1 FROM data."Group" g WHERE g."RelatedId" = r."Id"'
        ' AND g."Type" = k.kind AND NOT g."IsDeleted") ORDER BY r."Id", k.kind',
        list(_ROLE_GROUPS),
    )
    wanted = [
        (row["Name"][:40], row["developer_name"][:80], row["kind"], row["Id"]) for row in rows
    ]  # fmt: skip
    if not await conn.fetchval(
        'SELECT EXISTS (SELECT 1 FROM data."Group" WHERE "Type" = \'Organization\' AND NOT "IsDeleted")'
    ):
        wanted.append(("All Internal Users", EVERYBODY, "Organization", None))
    if not wanted:
        return
    system = make_id(
        "005", await conn.fetchval("SELECT value #>> '{}' FROM meta.setting WHERE name = 'instance'"), 0
    )
    ids = await new_ids(conn, "00G", len(wanted))
    await conn.executemany(
        'INSERT INTO data."Group" ("Id", "Name", "DeveloperName", "Type", "RelatedId", "DoesIncludeBosses", "OwnerId",'
        ' "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")'
        " VALUES ($1, $2, $3, $4, $5, true, $6, false, now(), $6, now(), $6, now())",
        [(record_id, *group, system) for record_id, group in zip(ids, wanted, strict=True)],
    )
