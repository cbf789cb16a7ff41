"""Running compiled queries: rows to records, pages to locators.

A page without ORDER BY is continued after its last id, so that records made or deleted in between neither shift
nor double it; a sorted one is continued by offset. Locators live two days and belong to the user who asked.
"""

from __future__ import annotations

import secrets
from typing import Any

from . import record_access
from .access import Caller
from .compile import Compiled, compile_query
from .errors import Fault
from .ids import ALPHABET, checksum
from .metadata import Catalogue
from .soql import Query, parse
from .values import write_value

DEFAULT_BATCH = 2000


def attributes(type_name: str, record_id: str, version: str) -> dict[str, str]:
    """The `attributes` of a record in an answer."""
    return {"type": type_name, "url": f"/services/data/v{version}/sobjects/{type_name}/{record_id}"}


def batch_size(options: str | None) -> int:
    """Rows a page has, from `Sforce-Query-Options: batchSize=n`."""
    for part in (options or "").split(","):
        name, _, number = part.strip().partition("=")
        if name.lower() == "batchsize" and number.strip().isdigit():
            return max(200, min(DEFAULT_BATCH, int(number)))
    return DEFAULT_BATCH


async def run_query(
    conn: Any,
    catalogue: Catalogue,
    caller: Caller,
    soql: str,
    *,
    version: str,
    deleted_too: bool = False,
    batch: int = DEFAULT_BATCH,
) -> dict[str, Any]:
    """The first page: `{totalSize, done, records, nextRecordsUrl?}`."""
    query = parse(soql)
    if query.source.lower() == "userrecordaccess":
        return await record_access.answer(conn, catalogue, caller, query, version=version)
    compiled = compile_query(query, catalogue, caller, deleted_too=deleted_too)
    if compiled.is_count:
        total = await conn.fetchval(compiled.count_sql, *compiled.params)
        return {"totalSize": total, "done": True, "records": []}
    wanted = batch + 1 if compiled.limit is None else min(batch + 1, compiled.limit)
    rows = await conn.fetch(compiled.page(wanted), *compiled.params)
    more = len(rows) > batch
    rows = rows[:batch]
    records = await shape(conn, catalogue, caller, compiled, rows, version)
    answer: dict[str, Any] = {"totalSize": len(records), "done": True, "records": records}
    if more:
        total = await conn.fetchval(compiled.count_sql, *compiled.params)
        body = "01g" + "".join(secrets.choice(ALPHABET) for _ in range(12))
        cursor = body + checksum(body)
        await conn.execute("DELETE FROM meta.query_cursor WHERE created_at < now() - interval '2 days'")
        await conn.execute(
            "INSERT INTO meta.query_cursor (id, user_id, soql, deleted_too, total, positions)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            cursor,
            caller.user_id,
            soql,
            deleted_too,
            total,
            {str(batch): rows[-1][0]},
        )
        answer |= {"totalSize": total, "done": False, "nextRecordsUrl": _locator(version, cursor, batch)}
    return answer


async def run_more(
    conn: Any, catalogue: Catalogue, caller: Caller, locator: str, *, version: str, batch: int = DEFAULT_BATCH
) -> dict[str, Any]:
    """The page behind a locator `01g...-2000`. INVALID_QUERY_LOCATOR where it is unknown or too old."""
    cursor, _, offset_text = locator.partition("-")
    row = await conn.fetchrow(
        "SELECT * FROM meta.query_cursor WHERE id = $1 AND user_id = $2"
        " AND created_at > now() - interval '2 days'",
        cursor,
        caller.user_id,
    )
    if row is None or not offset_text.isdigit() or offset_text not in row["positions"]:
        raise Fault("INVALID_QUERY_LOCATOR", "invalid query locator")
    offset = int(offset_text)
    last_id: str = row["positions"][offset_text]
    compiled = compile_query(parse(row["soql"]), catalogue, caller, deleted_too=row["deleted_too"])
    wanted = batch + 1
    if compiled.limit is not None:
        wanted = min(wanted, compiled.limit - offset)
    if compiled.sorted:
        rows = await conn.fetch(compiled.page(wanted, offset), *compiled.params)
    else:
        rows = await conn.fetch(compiled.page_after(wanted), *compiled.params, last_id)
    more = len(rows) > batch
    rows = rows[:batch]
    records = await shape(conn, catalogue, caller, compiled, rows, version)
    answer: dict[str, Any] = {"totalSize": row["total"], "done": not more, "records": records}
    if more:
        following = str(offset + len(rows))
        await conn.execute(
            "UPDATE meta.query_cursor SET positions = positions || $2 WHERE id = $1",
            cursor,
            {following: rows[-1][0]},
        )
        answer["nextRecordsUrl"] = _locator(version, cursor, offset + len(rows))
    return answer


async def shape(
    conn: Any, catalogue: Catalogue, caller: Caller, compiled: Compiled, rows: list[Any], version: str
) -> list[dict[str, Any]]:
    """Records as the API writes them, with parents nested and children filled in."""
    name = compiled.value.name
    records: list[dict[str, Any]] = []
    for row in rows:
        record: dict[str, Any] = {"attributes": attributes(name, row[0], version)}
        for column in compiled.columns:
            target: dict[str, Any] | None = record
            for depth in range(1, len(column.path)):
                key = column.path[:depth]
                part = key[-1]
                value, position = compiled.parents[key]
                parent_id = row[position]
                if target is None:
                    break
                if part not in target:
                    if parent_id is None:
                        target[part] = None
                    else:
                        found = value or catalogue.of_id(parent_id)
                        shown = attributes(found.name if found else "Name", parent_id, version)
                        if value is None:
                            shown["type"] = "Name"  # what a polymorphic parent is called
                        target[part] = {"attributes": shown}
                target = target[part]
            if target is not None:
                target[column.path[-1]] = write_value(row[column.position])
        records.append(record)
    for child in compiled.children:
        await _fill_children(conn, catalogue, caller, child, rows, records, version)
    return records


async def _fill_children(
    conn: Any,
    catalogue: Catalogue,
    caller: Caller,
    child: Any,
    rows: list[Any],
    records: list[dict[str, Any]],
    version: str,
) -> None:
    ids = [row[0] for row in rows]
    query: Query = child.query
    reference = child.reference
    unlimited = Query(query.select, query.source, None, query.where, query.order, None, None, False)
    compiled = compile_query(
        unlimited,
        catalogue,
        caller,
        source=child.value,
        extra=lambda scope: f"t.{reference.column} = ANY({scope.param(ids)})",
    )
    found = await conn.fetch(compiled.page(50_000, also=f"t.{reference.column}"), *compiled.params)
    shaped = await shape(conn, catalogue, caller, compiled, found, version)
    grouped: dict[str, list[dict[str, Any]]] = {}
    for row, record in zip(found, shaped, strict=True):
        mine = grouped.setdefault(row[len(row) - 1], [])
        if query.limit is None or len(mine) < query.limit:
            mine.append(record)
    for row, record in zip(rows, records, strict=True):
        mine = grouped.get(row[0])
        record[child.name] = {"totalSize": len(mine), "done": True, "records": mine} if mine else None


def _locator(version: str, cursor: str, offset: int) -> str:
    return f"/services/data/v{version}/query/{cursor}-{offset}"
