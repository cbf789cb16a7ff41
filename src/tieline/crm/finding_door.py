# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""What the console's search finds, by object, and what its user saw last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .access.questions import rights
from .console import (
    Visit,
    answering,
    column_of,
    named,
    number_of,
    references,
    row_of,
    typed,
    visiting,
    with_people,
)
from .listviews.standard import default_columns
from .metadata import ObjectType
from .query.search import matched_fields, searched_fields, tsquery
from .query.search_access import seen_hits, words_match
from .records import Row
from .values import format_datetime
from .web import json_response

MAX_FOUND = 2_000
"""Results of one object that can be paged to: more are found by searching for more words."""


async def _group(
    visit: Visit, value: ObjectType, text: str, condition: str, limit: int, offset: int
) -> dict[str, Any] | None:
    """What is found of one object, by name; None where nothing is."""
    columns = default_columns(value)
    shown = with_people(value, columns)
    searched = searched_fields(value, "ALL")
    everything = {item.name: item for item in [*shown, *searched]}
    selected = ", ".join(f"t.{item.column}" for item in everything.values())
    name_order = f"lower(t.{value.name_field.column}), " if value.name_field else ""
    params: list[Any] = [condition]
    only = visit.call.records.only_reachable(value, "t", params)
    hits = await seen_hits(visit.conn, value, words_match(condition))
    if hits is not None:
        params.append(hits)
        only += f' AND t."Id" = ANY(${len(params)})'
    rows = await visit.conn.fetch(
        f'SELECT t."Id", {selected} FROM {value.table} t WHERE t._search @@ $1::text::tsquery'
        f' AND NOT t."IsDeleted"{only} ORDER BY {name_order}t."Id" LIMIT {limit + 1:d} OFFSET {offset:d}',
        *params,
    )
    if not rows:
        return None
    found: Sequence[Any] = rows[:limit]
    names = await references(visit, value, found, columns)
    return {
        "object": value.name,
        "label": value.label_in(visit.language),
        "label_plural": value.label_plural_in(visit.language),
        "has_more": len(rows) > limit and offset + limit < MAX_FOUND,
        "columns": [column_of(visit, item) for item in columns],
        "records": [
            row_of(row, shown, names)
            | {
                "matched": [
                    {
                        "api_name": item,
                        "label": value.fields[item].label_in(visit.language),
                        "value": row[item],
                    }
                    for item in matched_fields(value, row, text, searched)
                ]
            }
            for row in found
        ],
    }


@answering
async def search(request: Request) -> Response:
    """Found records by object: `{groups: [{object, label, label_plural, has_more, columns, records}]}`."""
    async with visiting(request) as visit:
        text = typed(request, "q")
        asked = [name for name in request.query_params.get("objects", "").split(",") if name]
        limit = max(number_of(request, "limit", 25, 200), 1)
        offset = number_of(request, "offset", 0, MAX_FOUND)
        condition = tsquery(text, "ALL")
        groups: list[dict[str, Any]] = []
        catalogue = visit.call.catalogue
        for name in asked or list(catalogue.objects):
            value = catalogue.get(name)
            if (
                condition is None
                or value is None
                or not value.searchable
                or not rights(visit.caller, value).read
            ):
                continue
            group = await _group(visit, value, text, condition, limit, offset)
            if group is not None:
                groups.append(group)
        return json_response({"groups": groups})


@answering
async def recent(request: Request) -> Response:
    """What the user saw last, of one object or all: `{records: [{id, name, object, label, first_name, last_name,
    viewed_at}]}`."""
    async with visiting(request) as visit:
        rows = await visit.conn.fetch(
            "SELECT record_id, object_name, viewed_at FROM meta.recent WHERE user_id = $1"
            " AND ($2 = '' OR object_name = $2) ORDER BY viewed_at DESC LIMIT $3",
            visit.caller.user_id,
            request.query_params.get("object", "").replace("\x00", "")[:80],
            max(number_of(request, "limit", 20, 100), 1),
        )
        wanted: dict[str, set[str]] = {}
        for row in rows:
            value = visit.call.catalogue.objects.get(row["object_name"])
            if value is not None:
                wanted.setdefault(value.name, set()).add(row["record_id"])
        live: dict[str, Row] = {}
        for name, ids in wanted.items():
            value = visit.call.catalogue.objects[name]
            present = await visit.call.records.fetch(value, list(ids), [value.fields["Id"]])
            live |= await named(visit, {name: set(present)})
        return json_response(
            {
                "records": [
                    {
                        "id": row["record_id"],
                        "name": live[row["record_id"]]["Name"],
                        "object": row["object_name"],
                        "label": visit.call.catalogue.objects[row["object_name"]].label_in(visit.language),
                        "first_name": live[row["record_id"]].get("FirstName"),
                        "last_name": live[row["record_id"]].get("LastName"),
                        "viewed_at": format_datetime(row["viewed_at"]),
                    }
                    for row in rows
                    if row["record_id"] in live
                ]
            }
        )


ROUTES = [
    Route("/console/api/search", search),
    Route("/console/api/recent", recent),
]
