# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""The recycle bin: what one deletion took with it, so that undeleting brings all of it back, and emptying it.

Each deleted record names the record whose deletion took it along (its root); lookups that were cleared are kept
beside it and are set again where nothing else stands there now.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .changes import announce
from .metadata import Catalogue, Field, ObjectType
from .shares.rows import forget_by_hand, forget_groups

_NOW = "date_trunc('milliseconds', clock_timestamp())"


async def delete(
    conn: Any, catalogue: Catalogue, value: ObjectType, ids: Sequence[str], user_id: str
) -> None:
    """Deletes live records with what belongs to them; each of `ids` is the root of what goes with it."""
    await _delete(conn, catalogue, value, {record_id: record_id for record_id in ids}, user_id)


async def _delete(
    conn: Any, catalogue: Catalogue, value: ObjectType, roots: dict[str, str], user_id: str
) -> None:
    ids = list(roots)
    gone = await conn.fetch(
        f'UPDATE {value.table} SET "IsDeleted" = true, "LastModifiedDate" = {_NOW}, '
        f'"LastModifiedById" = $2, "SystemModstamp" = {_NOW} WHERE "Id" = ANY($1) AND NOT "IsDeleted" RETURNING "Id"',
        ids,
        user_id,
    )
    if not gone:
        return
    taken = [row["Id"] for row in gone]
    await conn.execute(
        "INSERT INTO meta.recycled (record_id, object_name, root_id)"
        " SELECT r.id, $1, r.root FROM unnest($2::text[], $3::text[]) AS r(id, root)"
        " ON CONFLICT (record_id) DO UPDATE SET root_id = excluded.root_id, deleted_at = now()",
        value.name,
        taken,
        [roots[record_id] for record_id in taken],
    )
    await announce(conn, [(value.name, record_id, "deleted") for record_id in taken])
    if value.name == "Group":
        await forget_groups(conn, taken)
    for child, reference in catalogue.children.get(value.name, []):
        if reference.on_delete in ("keep", "restrict"):
            continue
        if reference.on_delete == "cascade":
            rows = await conn.fetch(
                f'SELECT "Id", {reference.column} AS parent FROM {child.table}'
                f' WHERE {reference.column} = ANY($1) AND NOT "IsDeleted"',
                taken,
            )
            if rows:
                inherited = {row["Id"]: roots[row["parent"]] for row in rows}
                await _delete(conn, catalogue, child, inherited, user_id)
        else:
            await _clear(conn, child, reference, taken, roots)


async def _clear(
    conn: Any, child: ObjectType, reference: Field, targets: list[str], roots: dict[str, str]
) -> None:
    rows = await conn.fetch(
        f'SELECT "Id", {reference.column} AS parent FROM {child.table}'
        f' WHERE {reference.column} = ANY($1) AND NOT "IsDeleted" FOR UPDATE',
        targets,
    )
    if not rows:
        return
    await conn.execute(
        f'UPDATE {child.table} SET {reference.column} = NULL, "SystemModstamp" = {_NOW} WHERE "Id" = ANY($1)',
        [row["Id"] for row in rows],
    )
    await conn.executemany(
        "INSERT INTO meta.recycled_link (root_id, object_name, field_name, record_id, target_id)"
        " VALUES ($1, $2, $3, $4, $5)",
        [(roots[row["parent"]], child.name, reference.name, row["Id"], row["parent"]) for row in rows],
    )
    await announce(conn, [(child.name, row["Id"], "updated") for row in rows])


async def undelete(conn: Any, catalogue: Catalogue, root_id: str, user_id: str) -> None:
    """Brings back a deleted record with what its deletion took along."""
    rows = await conn.fetch(
        "DELETE FROM meta.recycled WHERE root_id = $1 RETURNING record_id, object_name", root_id
    )
    by_object: dict[str, list[str]] = {}
    for row in rows:
        by_object.setdefault(row["object_name"], []).append(row["record_id"])
    for name, ids in by_object.items():
        value = catalogue.objects.get(name)
        if value is not None:
            await conn.execute(
                f'UPDATE {value.table} SET "IsDeleted" = false, "LastModifiedDate" = {_NOW}, "LastModifiedById" = $2,'
                f' "SystemModstamp" = {_NOW} WHERE "Id" = ANY($1)',
                ids,
                user_id,
            )
            await announce(conn, [(name, record_id, "undeleted") for record_id in ids])
    links = await conn.fetch("DELETE FROM meta.recycled_link WHERE root_id = $1 RETURNING *", root_id)
    for link in links:
        value = catalogue.objects.get(link["object_name"])
        reference = value.fields.get(link["field_name"]) if value else None
        if value is not None and reference is not None:
            await conn.execute(
                f'UPDATE {value.table} SET {reference.column} = $2, "SystemModstamp" = {_NOW}'
                f' WHERE "Id" = $1 AND {reference.column} IS NULL AND NOT "IsDeleted"',
                link["record_id"],
                link["target_id"],
            )
            await announce(conn, [(value.name, link["record_id"], "updated")])


async def purge(conn: Any, catalogue: Catalogue, root_ids: Sequence[str]) -> None:
    """Removes deleted records for good, with what their deletion took along."""
    rows = await conn.fetch(
        "DELETE FROM meta.recycled WHERE root_id = ANY($1) RETURNING record_id, object_name", list(root_ids)
    )
    by_object: dict[str, list[str]] = {}
    for row in rows:
        by_object.setdefault(row["object_name"], []).append(row["record_id"])
    for name, ids in by_object.items():
        value = catalogue.objects.get(name)
        if value is not None:
            await forget_by_hand(conn, ids)
            await conn.execute(f'DELETE FROM {value.table} WHERE "Id" = ANY($1) AND "IsDeleted"', ids)
    await conn.execute("DELETE FROM meta.recycled_link WHERE root_id = ANY($1)", list(root_ids))
