"""What the console asks of lists: their rows, the views there are, and one's own views made, changed and pinned."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import (
    Visit,
    answering,
    column_of,
    number_of,
    references,
    row_of,
    seen_object,
    typed,
    visiting,
    with_people,
)
from ..errors import Fault, not_found
from ..ids import parse_id
from ..metadata import ObjectType
from ..navigation.choices import choice, choose
from ..web import json_response, read_json
from . import rows, store
from .definition import ListView, operators_of

RECENT = "recent"
MAX_PAGE = 200


def _shown(visit: Visit, value: ObjectType, view: ListView) -> dict[str, Any]:
    """A view as the console knows it; its columns are those that the user sees."""
    kept = view.definition()
    del kept["label_ja"]
    return kept | {
        "columns": [item.name for item in rows.columns_of(view, value)],
        "id": view.id,
        "name": view.name,
        "label": view.label_in(visit.language),
        "public": view.public,
        "standard": view.standard,
        "mine": view.owner_id == visit.caller.user_id and not view.standard,
        "may_change": store.may_change(visit.caller, view),
    }


async def _chosen(visit: Visit, value: ObjectType, asked: str) -> ListView | None:
    """The view that is asked for, or where none is, the pinned one; None: what was seen last."""
    if asked.lower() in (RECENT, "__recent"):
        return None
    views = await store.views_of(visit.conn, visit.caller, value)
    if asked and asked != "all":
        view = await store.find_view(visit.conn, visit.caller, value, asked)
        if view is None:
            raise not_found()
        return view
    if not asked:
        pinned = await choice(visit.conn, visit.caller.user_id, f"pin.{value.name}")
        if pinned == RECENT:
            return None
        for view in views:
            if view.id == pinned:
                return view
    return views[0] if views else ListView("", value.name, f"All{value.name}", f"All {value.label_plural}")


@answering
async def list_records(request: Request) -> Response:
    """A page of an object's records: `{records, columns, total, more_than, has_more, sort, descending, view}`."""
    async with visiting(request) as visit:
        value = seen_object(visit, request.path_params["object"])
        view = await _chosen(visit, value, request.query_params.get("view", ""))
        shown = view or ListView("", value.name, "", "")
        columns = rows.columns_of(shown, value)
        fields = with_people(value, columns)
        asked: dict[str, Any] = {
            "search": typed(request, "search"),
            "sort": request.query_params.get("sort", ""),
            "down": request.query_params.get("dir", "").lower() == "desc",
            "limit": max(number_of(request, "limit", 50, MAX_PAGE), 1),
            "offset": number_of(request, "offset", 0, rows.MAX_OFFSET),
        }
        if view is None:
            page = await rows.recent(visit.call, value, fields, **asked)
        else:
            after = parse_id(request.query_params.get("after", "")) or ""
            page = await rows.page(visit.call, value, view, fields, after=after, **asked)
        names = await references(visit, value, page.rows, columns)
        return json_response(
            {
                "records": [row_of(row, fields, names) for row in page.rows],
                "columns": [column_of(visit, item) | {"sortable": rows.sortable(item)} for item in columns],
                "total": page.total,
                "more_than": page.more_than,
                "has_more": page.has_more,
                "sort": page.sort,
                "descending": page.descending,
                "view": _shown(visit, value, view) if view is not None else None,
            }
        )


@answering
async def list_views(request: Request) -> Response:
    """The views a user sees of an object: `{views, pinned, may_share}`; `pinned` is an id, `recent` or null."""
    async with visiting(request) as visit:
        value = seen_object(visit, request.path_params["object"])
        views = await store.views_of(visit.conn, visit.caller, value)
        pinned = await choice(visit.conn, visit.caller.user_id, f"pin.{value.name}")
        return json_response(
            {
                "views": [_shown(visit, value, view) for view in views],
                "pinned": pinned if pinned == RECENT or any(view.id == pinned for view in views) else None,
                "may_share": visit.caller.administrator,
            }
        )


@answering
async def list_fields(request: Request) -> Response:
    """The fields that a view may show, and the operators each may be filtered by."""
    async with visiting(request) as visit:
        value = seen_object(visit, request.path_params["object"])
        ja = visit.language == "ja"
        return json_response(
            {
                "fields": [
                    column_of(visit, item)
                    | {
                        "sortable": rows.sortable(item),
                        "operators": list(operators_of(item)),
                        "picklist": [
                            {
                                "value": each.value,
                                "label": (each.label_ja or each.label) if ja else each.label,
                            }
                            for each in item.picklist
                        ],
                    }
                    for item in value.fields.values()
                    if item.type != "address" and item.name not in ("IsDeleted", "SystemModstamp")
                ]
            }
        )


async def _body(request: Request) -> dict[str, Any]:
    body: Any = await read_json(request)
    if not isinstance(body, dict):
        raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    return body


async def _named(visit: Visit, value: ObjectType, asked: str) -> ListView:
    view = await store.find_view(visit.conn, visit.caller, value, asked)
    if view is None:
        raise not_found()
    return view


@answering
async def create_view(request: Request) -> Response:
    """Makes a view, a copy of another where `clone` names one: 201 and the view."""
    body = await _body(request)
    async with visiting(request) as visit, visit.conn.transaction():
        value = seen_object(visit, request.path_params["object"])
        start = ListView("", value.name, "", "")
        if body.get("clone"):
            start = await _named(visit, value, str(body["clone"]))
        made = await store.create(visit.conn, visit.call.org.instance, visit.caller, value, start, body)
        return json_response(_shown(visit, value, made), 201)


@answering
async def change_view(request: Request) -> Response:
    """Changes a view: what the request says of it, the rest stays."""
    body = await _body(request)
    async with visiting(request) as visit, visit.conn.transaction():
        value = seen_object(visit, request.path_params["object"])
        view = await _named(visit, value, request.path_params["id"])
        return json_response(
            _shown(visit, value, await store.change(visit.conn, visit.caller, value, view, body))
        )


@answering
async def delete_view(request: Request) -> Response:
    """Deletes a view: 204."""
    async with visiting(request) as visit:
        value = seen_object(visit, request.path_params["object"])
        await store.delete(visit.conn, visit.caller, await _named(visit, value, request.path_params["id"]))
        return Response(status_code=204)


@answering
async def pin_view(request: Request) -> Response:
    """What opens first for an object from now on: `{view}`, an id, `recent` or null."""
    body = await _body(request)
    async with visiting(request) as visit:
        value = seen_object(visit, request.path_params["object"])
        asked: Any = body.get("view")
        if asked is not None and asked != RECENT:
            asked = (await _named(visit, value, str(asked))).id
        await choose(visit.conn, visit.caller.user_id, f"pin.{value.name}", asked)
        return json_response({"pinned": asked})


ROUTES = [
    Route("/console/api/list/{object}", list_records),
    Route("/console/api/lists/{object}", list_views),
    Route("/console/api/lists/{object}", create_view, methods=["POST"]),
    Route("/console/api/lists/{object}/fields", list_fields),
    Route("/console/api/lists/{object}/pin", pin_view, methods=["PUT"]),
    Route("/console/api/lists/{object}/{id}", change_view, methods=["PATCH"]),
    Route("/console/api/lists/{object}/{id}", delete_view, methods=["DELETE"]),
]
