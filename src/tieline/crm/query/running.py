"""Running compiled queries: rows to records, pages to locators.

A page without ORDER BY is continued after its last id, so that records made or deleted in between neither shift
nor double it; a sorted one is continued by offset. Locators live two days and belong to the user who asked. Children
come in pages, too, whose locators say of which parent they are.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from ..access import record_access
from ..access.questions import Caller
from ..errors import Fault
from ..ids import ALPHABET, checksum
from ..metadata import Catalogue
from ..values import write_value
from .compile import MAX_AGGREGATED, Child, Choice, Compiled, Leaf, Shape, compile_query
from .definitions import with_definitions
from .soql import parse
from .soql_tree import Query

DEFAULT_BATCH = 2000
_LONG = 20_000
_VIEWED = 200
_Records = list[tuple[str, dict[str, Any]]]
"""Ids and records, in the order of the answer."""


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


async def _parsed(soql: str) -> Query:
    """Long statements are read beside the event loop, which has others to serve meanwhile."""
    return await asyncio.to_thread(parse, soql) if len(soql) > _LONG else parse(soql)


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
    query = await _parsed(soql)
    if query.source.lower() == "userrecordaccess":
        return await record_access.answer(conn, catalogue, caller, query, version=version)
    catalogue = with_definitions(catalogue, query.source)
    compiled = compile_query(query, catalogue, caller, deleted_too=deleted_too, version=int(float(version)))
    if compiled.is_count:
        total = await conn.fetchval(compiled.count_sql, *compiled.params)
        return {"totalSize": total, "done": True, "records": []}
    page = MAX_AGGREGATED if compiled.aggregated else batch
    wanted = page + 1 if compiled.limit is None else min(page + 1, compiled.limit)
    rows = await conn.fetch(compiled.page(wanted), *compiled.params)
    if compiled.aggregated:
        return _aggregated(compiled, rows)
    more = len(rows) > batch
    rows = rows[:batch]
    run = _Run(conn, catalogue, caller, version, batch, soql, deleted_too)
    records = await run.records(compiled, rows)
    if "VIEW" in query.purposes and not compiled.value.setup:
        await _viewed(conn, caller, compiled.value.name, [row[0] for row in rows[:_VIEWED]])
    answer: dict[str, Any] = {"totalSize": len(records), "done": True, "records": records}
    if more:
        total = await conn.fetchval(compiled.count_sql, *compiled.params)
        cursor = await run.keep(total, {str(batch): rows[-1][0]})
        answer |= {"totalSize": total, "done": False, "nextRecordsUrl": _locator(version, cursor, batch)}
    return answer


def _aggregated(compiled: Compiled, rows: Sequence[Any]) -> dict[str, Any]:
    if len(rows) > MAX_AGGREGATED:
        raise Fault(
            "EXCEEDED_ID_LIMIT",
            "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch",
        )
    records = [
        {"attributes": {"type": "AggregateResult"}}
        | {
            name: _written(entry, row)
            for name, entry in compiled.shape.entries.items()
            if isinstance(entry, Leaf)
        }
        for row in rows
    ]
    return {"totalSize": len(records), "done": True, "records": records}


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
    known = row is not None and offset_text.isascii() and offset_text.isdigit()
    if row is None or not known or offset_text not in row["positions"]:
        raise Fault("INVALID_QUERY_LOCATOR", "invalid query locator")
    offset = int(offset_text)
    positions: dict[str, Any] = row["positions"]
    query = await _parsed(row["soql"])
    catalogue = with_definitions(catalogue, query.source)
    compiled = compile_query(
        query,
        catalogue,
        caller,
        deleted_too=row["deleted_too"],
        version=int(float(version)),
    )
    run = _Run(conn, catalogue, caller, version, batch, row["soql"], row["deleted_too"])
    if "children" in positions:
        rows, compiled = await _more_children(run, compiled, positions, offset)
    else:
        wanted = batch + 1
        if compiled.limit is not None:
            wanted = min(wanted, compiled.limit - offset)
        if compiled.sorted:
            rows = await conn.fetch(compiled.page(wanted, offset), *compiled.params)
        else:
            rows = await conn.fetch(compiled.page_after(wanted), *compiled.params, positions[offset_text])
    more = len(rows) > batch
    rows = rows[:batch]
    records = await run.records(compiled, rows, positions.get("children", ()))
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


async def _more_children(
    run: _Run, compiled: Compiled, positions: Mapping[str, Any], offset: int
) -> tuple[list[Any], Compiled]:
    """Rows after the first `offset` of the children that a locator is about, and their query."""
    child: Child | None = None
    for depth, name in enumerate(positions["children"], start=1):
        entry = compiled.shape.entries.get(name)
        if not isinstance(entry, Child):  # the org's metadata changed since
            raise Fault("INVALID_QUERY_LOCATOR", "invalid query locator")
        child = entry
        compiled = run.compile_child(child, depth)
    assert child is not None
    wanted = run.batch + 1
    if child.query.limit is not None:
        wanted = min(wanted, child.query.limit - offset)
    sql = compiled.of_parents(child.reference, offset, wanted)
    return await run.conn.fetch(sql, *compiled.params, [positions["parent"]]), compiled


async def _viewed(conn: Any, caller: Caller, name: str, ids: list[str]) -> None:
    """Enters what FOR VIEW asked for among the things the user looked at."""
    await conn.execute(
        "INSERT INTO meta.recent (user_id, record_id, object_name) SELECT $1, id, $3 FROM unnest($2::text[]) id"
        " ON CONFLICT (user_id, record_id) DO UPDATE SET viewed_at = now()",
        caller.user_id,
        ids,
        name,
    )


def _written(entry: Leaf, row: Any) -> Any:
    stored = row[entry.position]
    return write_value(stored) if entry.write is None else entry.write(stored)


class _Run:
    """One answer in the making: who asked what, where."""

    def __init__(
        self,
        conn: Any,
        catalogue: Catalogue,
        caller: Caller,
        version: str,
        batch: int = DEFAULT_BATCH,
        soql: str = "",
        deleted_too: bool = False,
    ):
        self.conn = conn
        self.catalogue = catalogue
        self.caller = caller
        self.version = version
        self.batch = batch
        self.soql = soql
        self.deleted_too = deleted_too

    async def records(
        self, compiled: Compiled, rows: Sequence[Any], above: Sequence[str] = ()
    ) -> list[dict[str, Any]]:
        """Records as the API writes them, with parents nested and children filled in.

        `above` are the names of the relationships that lead to this query, where it is a child subquery.
        """
        made: _Records = []
        for row in rows:
            record = self._record(compiled.shape, row)
            if record is not None:
                made.append((row[0], record))
        for child in compiled.children:
            await self._fill(child, made, (*above, child.name))
        return [record for _, record in made]

    def compile_child(self, child: Child, depth: int) -> Compiled:
        """A child subquery as a statement of its own."""
        return compile_query(
            child.query,
            self.catalogue,
            self.caller,
            deleted_too=self.deleted_too,
            version=int(float(self.version)),
            child=child,
            depth=depth,
        )

    async def keep(self, total: int, positions: Mapping[str, Any]) -> str:
        """Remembers a result of several pages; answers the locator's id."""
        body = "01g" + "".join(secrets.choice(ALPHABET) for _ in range(12))
        cursor = body + checksum(body)
        await self.conn.execute("DELETE FROM meta.query_cursor WHERE created_at < now() - interval '2 days'")
        await self.conn.execute(
            "INSERT INTO meta.query_cursor (id, user_id, soql, deleted_too, total, positions)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            cursor,
            self.caller.user_id,
            self.soql,
            self.deleted_too,
            total,
            positions,
        )
        return cursor

    def _record(self, shape: Shape, row: Any) -> dict[str, Any] | None:
        record_id = row[shape.position]
        if record_id is None:
            return None
        value = shape.value or self.catalogue.of_id(record_id)
        shown = attributes(value.name if value else "Name", record_id, self.version)
        if shape.value is None:
            shown["type"] = "Name"  # what a parent of several types is called
        record: dict[str, Any] = {"attributes": shown}
        for name, entry in shape.entries.items():
            if isinstance(entry, Leaf):
                record[name] = _written(entry, row)
            elif isinstance(entry, Shape):
                record[name] = self._record(entry, row)
            elif isinstance(entry, Choice):
                record[name] = self._chosen(entry, row)
            else:
                record[name] = None
        return record

    def _chosen(self, choice: Choice, row: Any) -> dict[str, Any] | None:
        target = self.catalogue.of_id(row[choice.position] or "")
        if target is None:
            return None
        shape = choice.branches.get(target.name)
        if shape is not None:
            return self._record(shape, row)
        return None if choice.otherwise is None else self._record(choice.otherwise, row)

    async def _fill(self, child: Child, parents: _Records, path: tuple[str, ...]) -> None:
        compiled = self.compile_child(child, len(path))
        wanted = self.batch + 1
        if child.query.limit is not None:
            wanted = min(wanted, child.query.limit)
        found = await self.conn.fetch(
            compiled.of_parents(child.reference, 0, wanted),
            *compiled.params,
            [parent_id for parent_id, _ in parents],
        )
        rows: dict[str, list[Any]] = {}
        for row in found:
            rows.setdefault(row[len(row) - 1], []).append(row)
        kept = [row for mine in rows.values() for row in mine[: self.batch]]
        shaped = iter(await self.records(compiled, kept, path))
        for parent_id, mine in rows.items():
            records = [next(shaped) for _ in mine[: self.batch]]
            answer: dict[str, Any] = {"totalSize": len(records), "done": True, "records": records}
            if len(mine) > self.batch:
                answer |= await self._rest(child, compiled, parent_id, path)
            rows[parent_id] = [answer]
        for parent_id, record in parents:
            mine = rows.get(parent_id)
            record[child.name] = mine[0] if mine else None

    async def _rest(
        self, child: Child, compiled: Compiled, parent_id: str, path: tuple[str, ...]
    ) -> dict[str, Any]:
        """What an answer says of the children that did not fit."""
        back = f"t.{child.reference.column} = ${len(compiled.params) + 1}"
        total = await self.conn.fetchval(
            f"SELECT count(*) {compiled.body} WHERE {compiled.where} AND {back}",
            *compiled.params,
            parent_id,
        )
        if child.query.limit is not None:
            total = min(total, child.query.limit)
        positions = {str(self.batch): "", "children": list(path), "parent": parent_id}
        cursor = await self.keep(total, positions)
        return {
            "totalSize": total,
            "done": False,
            "nextRecordsUrl": _locator(self.version, cursor, self.batch),
        }


async def shape(
    conn: Any, catalogue: Catalogue, caller: Caller, compiled: Compiled, rows: Sequence[Any], version: str
) -> list[dict[str, Any]]:
    """Records of rows that were fetched elsewhere (by a search)."""
    return await _Run(conn, catalogue, caller, version).records(compiled, rows)


def _locator(version: str, cursor: str, offset: int) -> str:
    return f"/services/data/v{version}/query/{cursor}-{offset}"
