# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Putting a query's records into CSV: the database writes the lines, within one snapshot, in pages.

A job that is interrupted begins again: its pages are kept with its last one or not at all.
"""

from __future__ import annotations

import time
from typing import Any

from ..access.questions import Caller
from ..errors import Fault
from ..orgs import Org
from ..query.compile import Choice, Compiled, Leaf, Shape, compile_query
from .csv_text import DELIMITERS, LINE_ENDINGS
from .ingest import Stopped
from .jobs import Job, bulk_query

PAGE = 10_000
"""Records of one page as it is kept; what is asked for is cut from those."""

_AS_TEXT = {
    "timestamptz": "to_char({0} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')",
    "time": "to_char({0}, 'HH24:MI:SS.MS\"Z\"')",
    "date": "to_char({0}, 'YYYY-MM-DD')",
    "bool": "CASE {0} WHEN true THEN 'true' WHEN false THEN 'false' END",
    "float8": "CASE WHEN {0} = trunc({0}) AND abs({0}) < 1e15 THEN {0}::bigint || '.0' ELSE {0}::text END",
    "int4": "{0}::text",
    "int8": "{0}::text",
}
"""How a column of each type is written; numbers and true or false need no look for quotes."""


def names_and_places(shape: Shape, above: tuple[str, ...] = ()) -> list[tuple[str, int]]:
    """Column names as the answer's header has them, with the place of each in a row. `Fault` for what has no text."""
    found: list[tuple[str, int]] = []
    for name, entry in shape.entries.items():
        if isinstance(entry, Leaf) and entry.write is None:
            found.append((".".join((*above, name)), entry.position))
        elif isinstance(entry, Shape):
            found += names_and_places(entry, (*above, name))
        else:
            kind = "TYPEOF" if isinstance(entry, Choice) else "FORMAT()"
            raise Fault("API_ERROR", f"{kind} is not supported in Bulk Query")
    return found


async def line_sql(conn: Any, compiled: Compiled, places: list[int], delimiter: str) -> str:
    """A statement that answers each record as one line of CSV."""
    limit = f" LIMIT {compiled.limit:d}" if compiled.limit is not None else ""
    order = f" ORDER BY {compiled.order}" if compiled.order else ""
    tail = f"{compiled.body} WHERE {compiled.where}{order}{limit}"
    statement = await conn.prepare(f"SELECT {', '.join(compiled.select)} {tail}")
    kinds = [attribute.type.name for attribute in statement.get_attributes()]
    if any(kinds[place] == "jsonb" for place in places):
        raise Fault("FUNCTIONALITY_NOT_ENABLED", "Selecting compound data not supported in Bulk Query")
    named = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(compiled.select))
    parts = [_quoted(kinds[place], f"c{place}") for place in places]
    between = DELIMITERS[delimiter]
    return f"SELECT {f' || {_literal(between)} || '.join(parts)} FROM (SELECT {named} {tail}) rows"


def _quoted(kind: str, column: str) -> str:
    form = _AS_TEXT.get(kind)
    if form is not None:
        return f"""'"' || coalesce({form.format(column)}, '') || '"'"""
    return f"""'"' || replace(coalesce({column}::text, ''), '"', '""') || '"'"""


def _literal(char: str) -> str:
    return "E'\\t'" if char == "\t" else f"'{char}'"


async def extract(org: Org, job: Job, caller: Caller) -> None:
    """Writes all records of a query job. `Fault` where the query is refused, Stopped where the job has ended."""
    async with org.connection() as conn:
        catalogue = await org.catalogue(conn)
        compiled = compile_query(
            bulk_query(job.soql or ""), catalogue, caller, deleted_too=job.operation == "queryAll",
            version=int(float(job.api_version)),
        )  # fmt: skip
        async with conn.transaction(isolation="repeatable_read"):
            await conn.execute("DELETE FROM meta.bulk_batch WHERE job_id = $1", job.id)
            columns = names_and_places(compiled.shape)
            header = '"' + f'"{DELIMITERS[job.delimiter]}"'.join(name for name, _ in columns) + '"'
            sql = await line_sql(conn, compiled, [place for _, place in columns], job.delimiter)
            await _pages(org, conn, job, sql, compiled.params, header)


async def _pages(org: Org, conn: Any, job: Job, sql: str, params: list[Any], header: str) -> None:
    ending = LINE_ENDINGS[job.line_ending]
    began, number, total = time.monotonic(), 0, 0
    cursor = await conn.cursor(sql, *params)
    while True:
        rows = await cursor.fetch(PAGE)
        if rows or not number:
            text = "".join([row[0] + ending for row in rows])
            await conn.execute(
                "INSERT INTO meta.bulk_batch (job_id, number, records, failed, successes, failures)"
                " VALUES ($1, $2, $3, 0, $4, $5)",
                job.id,
                number,
                len(rows),
                text.encode(),
                (header + ending).encode() if not number else b"",
            )
        number, total = number + 1, total + len(rows)
        await _note(org, job, total, time.monotonic() - began)
        if len(rows) < PAGE:
            return


async def _note(org: Org, job: Job, total: int, seconds: float) -> None:
    """Tells how far the job is, beside its own transaction. Stopped where it is no longer wanted."""
    async with org.connection() as conn:
        state = await conn.fetchval(
            "UPDATE meta.bulk_job SET processed = $2, busy_ms = $3, changed_at = now() WHERE id = $1 RETURNING state",
            job.id,
            total,
            int(seconds * 1000),
        )
    if state != "InProgress":
        raise Stopped
