# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""What may be chosen in a field that points to records: seen lately, or found by what is typed."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..access.questions import require_read, rights
from ..console import Visit, answering, visiting
from ..errors import not_found
from ..layouts import LIST_COLUMNS
from ..metadata import Field, ObjectType
from ..query.search import tsquery
from ..query.search_access import seen_hits, words_match
from ..web import json_response

MAX_FOUND = 15
MAX_TEXT = 200
_NOT_SHOWN = frozenset({"reference", "textarea", "boolean", "address", "datetime"})


@answering
async def lookup(request: Request) -> Response:
    """`{records: [{id, object, label, name, FirstName?, LastName?, about, about_type}]}` for `q`; seen lately without it."""
    async with visiting(request) as visit:
        value = visit.call.catalogue.get(request.path_params["object"])
        if value is None:
            raise not_found()
        require_read(visit.caller, value)
        item = value.get(request.path_params["field"])
        if item is None or item.type != "reference":
            raise not_found()
        text = request.query_params.get("q", "").replace("\x00", "").strip()[:MAX_TEXT]
        only = request.query_params.get("of", "")
        found: list[dict[str, Any]] = []
        for name in item.reference_to:
            target = visit.call.catalogue.get(name)
            if target is None or not rights(visit.caller, target).read or (only and name != only):
                continue
            found += await _found(visit, value, item, target, text)
        return json_response({"records": found[: MAX_FOUND * 2]})


async def _found(
    visit: Visit, value: ObjectType, item: Field, target: ObjectType, text: str
) -> list[dict[str, Any]]:
    name = target.name_field
    if name is None:
        return []
    shown = [
        target.fields[each]
        for each in (
            *(("FirstName", "LastName") if target.person else ()),
            *LIST_COLUMNS.get(target.name, ()),
        )
        if each in target.fields and target.fields[each].type not in _NOT_SHOWN
    ]
    fields = list({each.name: each for each in (name, *shown)}.values())
    params: list[Any] = []
    where = ['NOT t."IsDeleted"'] if "IsDeleted" in target.fields else ["true"]
    join, order = "", f'lower(t.{name.column}), t."Id"'
    owned = item.name == "OwnerId"
    if target.name == "User" and (owned or not value.setup):
        where.append('t."IsActive"')
    if target.name == "Group" and owned:
        params.append(value.name)
        where.append(
            't."Type" = \'Queue\' AND EXISTS (SELECT 1 FROM data."QueueSobject" q WHERE q."QueueId" = t."Id"'
            f' AND q."SobjectType" = ${len(params)} AND NOT q."IsDeleted")'
        )
    condition = tsquery(text, "ALL") if text and target.searchable else None
    if condition is not None:
        params.append(condition)
        where.append(f"t._search @@ ${len(params)}::text::tsquery")
        hits = await seen_hits(visit.conn, target, words_match(condition))
        if hits is not None:
            params.append(hits)
            where.append(f't."Id" = ANY(${len(params)})')
    elif text:
        params.append("%" + re.sub(r"([\\%_])", r"\\\1", text.lower()) + "%")
        compared = [
            name.column,
            *(target.fields[each].column for each in ("FirstName", "LastName") if target.person),
        ]
        where.append("(" + " OR ".join(f"lower(t.{each}) LIKE ${len(params)}" for each in compared) + ")")
    elif not target.setup:
        params.append(visit.caller.user_id)
        join = f'JOIN meta.recent r ON r.record_id = t."Id" AND r.user_id = ${len(params)}'
        order = "r.viewed_at DESC"
    where.append("true" + visit.call.records.only_reachable(target, "t", params))
    columns = ", ".join(f"t.{each.column}" for each in fields)
    rows = await visit.conn.fetch(
        f'SELECT t."Id", {columns} FROM {target.table} t {join} WHERE {" AND ".join(where)}'
        f" ORDER BY {order} LIMIT {MAX_FOUND:d}",
        *params,
    )
    parts = {"FirstName", "LastName", name.name}
    return [
        {
            "id": row["Id"],
            "object": target.name,
            "label": target.label_in(visit.language),
            "name": row[name.name],
            "about": None if about is None else str(row[about.name]),
            "about_type": None if about is None else about.type,
        }
        | {part: row[part] for part in ("FirstName", "LastName") if target.person and part in target.fields}
        for row in rows
        for about in (next((each for each in fields if each.name not in parts and row[each.name]), None),)
    ]


ROUTES = [Route("/console/api/lookup/{object}/{field}", lookup)]
