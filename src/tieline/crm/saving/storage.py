# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Rows of the tables: locking, finding by key, inserting, updating, and what a refusal by the database means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from ..errors import Fault
from ..metadata import COLUMN_TYPES, Field, ObjectType
from ..query.search import search_vector
from ..schema import searched_expression
from .drafts import Draft, Row

_NOW = "date_trunc('milliseconds', clock_timestamp())"
_SYSTEM = frozenset(
    {"IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
)


def storage_fault(error: Exception) -> Fault:
    """What Salesforce would say for a refusal by the database that is nobody's mistake."""
    if isinstance(error, asyncpg.exceptions.LockNotAvailableError | asyncpg.exceptions.DeadlockDetectedError):
        return Fault("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record", fields=[])
    if isinstance(error, asyncpg.exceptions.QueryCanceledError):
        return Fault("QUERY_TIMEOUT", "Your query request was running for too long.", status=400)
    raise error


async def lock(conn: Any, value: ObjectType, ids: Sequence[str]) -> dict[str, Row]:
    """Rows by id, deleted ones included, locked until the transaction ends."""
    columns = ", ".join(item.column for item in value.fields.values() if item.stored)
    rows = await conn.fetch(
        f'SELECT {columns} FROM {value.table} WHERE "Id" = ANY($1) ORDER BY "Id" FOR UPDATE', list(ids)
    )
    return {row["Id"]: dict(row) for row in rows}


def existing(value: ObjectType, raw_id: str, record_id: str | None, present: Mapping[str, Row]) -> Row:
    """The live row of an id among locked ones. 404 or MALFORMED_ID otherwise."""
    if record_id is None:
        raise Fault("MALFORMED_ID", f"malformed id {raw_id[:80]}", fields=["Id"])
    if record_id[:3] != value.key_prefix:
        raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404, fields=[])
    row = present.get(record_id)
    if row is None:
        raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404, fields=[])
    if row["IsDeleted"]:
        raise Fault("ENTITY_IS_DELETED", "entity is deleted", status=404, fields=[])
    return row


async def by_key(conn: Any, value: ObjectType, key: Field, values: list[Any]) -> dict[str, list[str]]:
    """Ids of live records by compared key."""
    expression = searched_expression(key)
    folded = key.textual and not key.case_sensitive
    compared = [item.lower() if folded and isinstance(item, str) else item for item in values]
    kind = COLUMN_TYPES.get(key.type, "text").split(" ")[0]
    kind = "double precision" if kind == "double" else kind
    rows = await conn.fetch(
        f'SELECT "Id", {expression} AS k FROM {value.table} '
        f'WHERE {expression} = ANY($1::{kind}[]) AND NOT "IsDeleted" ORDER BY "Id" LIMIT 2000',
        compared,
    )
    found: dict[str, list[str]] = {}
    for row in rows:
        name = str(row["k"]) if key.case_sensitive else str(row["k"]).lower()
        found.setdefault(name, []).append(row["Id"])
    return found


async def insert(conn: Any, value: ObjectType, drafts: Sequence[Draft], user_id: str) -> None:
    """Adds rows, in order, with one statement: opening a table's indexes costs as much as writing a row."""
    rows = [draft.row for draft in drafts]
    columns: dict[str, tuple[str, list[Any]]] = {}
    for name, item in value.fields.items():
        if name in _SYSTEM or not item.stored:
            continue
        # A column without any value is left out: the database fills it with none, too.
        content = [row.get(name) for row in rows]
        if any(one is not None for one in content):
            columns[item.column] = (f"{COLUMN_TYPES.get(item.type, 'text')}", content)
    if value.searchable:
        columns["_search"] = ("text", [search_vector(value, row) for row in rows])
    names = [f"v{position}" for position in range(len(columns))]
    given = [name + "::tsvector" * (column == "_search") for name, column in zip(names, columns, strict=True)]
    arrays = [
        f"${position}::{kind.partition(' COLLATE')[0]}[]"
        for position, (kind, _) in enumerate(columns.values(), start=2)
    ]
    sql = (
        f'INSERT INTO {value.table} ({", ".join(columns)}, "IsDeleted", "CreatedDate", "CreatedById",'
        f' "LastModifiedDate", "LastModifiedById", "SystemModstamp")'
        f" SELECT {', '.join(given)}, false, {_NOW}, $1, {_NOW}, $1, {_NOW}"
        f" FROM unnest({', '.join(arrays)}) AS given({', '.join(names)})"
    )
    await conn.execute(sql, user_id, *(content for _, content in columns.values()))


async def update(conn: Any, value: ObjectType, drafts: Sequence[Draft], user_id: str) -> None:
    """Writes what was given and what follows from it."""
    touched = {name for draft in drafts for name in draft.given}
    touched.update(item.name for item in value.fields.values() if item.calculated and item.stored)
    if "CaseNumber" in value.fields:
        touched.discard("CaseNumber")
    names = sorted(touched)
    sets = [f"{value.fields[name].column} = ${position}" for position, name in enumerate(names, start=3)]
    sets += [f'"LastModifiedDate" = {_NOW}', '"LastModifiedById" = $2', f'"SystemModstamp" = {_NOW}']
    if value.searchable:
        sets.append(f"_search = ${len(names) + 3}::text::tsvector")
    sql = f'UPDATE {value.table} SET {", ".join(sets)} WHERE "Id" = $1'
    rows = [
        [draft.record_id, user_id]
        + [draft.row.get(name) for name in names]
        + ([search_vector(value, draft.row)] if value.searchable else [])
        for draft in drafts
    ]
    await _write_rows(conn, sql, rows)


async def _write_rows(conn: Any, sql: str, rows: list[list[Any]]) -> None:
    if len(rows) == 1:
        await conn.execute(sql, *rows[0])
    else:
        await conn.executemany(sql, rows)


async def duplicate(conn: Any, value: ObjectType, draft: Draft, error: Any) -> Fault:
    """What a unique index that refused a draft says."""
    if error.constraint_name == "one_permissionsetassignment":
        return Fault(
            "DUPLICATE_VALUE",
            f"Duplicate PermissionSetAssignment. Assignee: {draft.row['AssigneeId'][:15]}; "
            f"Permission Set: {draft.row['PermissionSetId'][:15]}",
            fields=["AssigneeId", "PermissionSetId"],
        )
    item = value.unique_indexes.get(error.constraint_name or "")
    if item is None:
        return Fault("DUPLICATE_VALUE", "duplicate value found: unknown", fields=[])
    found = await by_key(conn, value, item, [draft.row[item.name]])
    others = [other for ids in found.values() for other in ids]
    shown = others[0][:15] if others else "unknown"
    return Fault(
        "DUPLICATE_VALUE",
        f"duplicate value found: {item.name} duplicates value on record with id: {shown}",
        fields=[item.name],
    )
