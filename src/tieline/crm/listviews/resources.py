"""List views as the REST API tells them: `sobjects/{name}/listviews`, their description and their results."""

from __future__ import annotations

from typing import Any

from ..errors import not_found
from ..metadata import Field, ObjectType
from ..query.running import run_query
from ..rest import Call, Reply, Request, route
from . import rows, store
from .definition import ListView, soql_of, where_soql

MAX_RESULTS = 2_000
"""Rows that one answer of `results` has."""
_PAGE = 25


def _language(call: Call) -> str:
    return "ja" if call.caller.language == "ja" else "en"


def _object(call: Call, request: Request) -> ObjectType:
    value = call.records.object(request.path["name"])
    if value.setup:
        raise not_found()
    return value


async def _view(call: Call, value: ObjectType, request: Request) -> ListView:
    view = await store.find_view(call.conn, call.caller, value, request.path["id"])
    if view is None:
        raise not_found()
    return view


def _summary(call: Call, view: ListView) -> dict[str, Any]:
    url = f"{call.base}/sobjects/{view.object_name}/listviews/{view.id}"
    return {
        "describeUrl": f"{url}/describe",
        "developerName": view.name,
        "id": view.id,
        "label": view.label_in(_language(call)),
        "resultsUrl": f"{url}/results",
        "soqlCompatible": True,
        "url": url,
    }


def _path(item: Field) -> str:
    """How a list names a column: look-ups by the name they show."""
    return f"{item.relationship}.Name" if item.type == "reference" and item.relationship else item.name


@route("GET", "sobjects/{name}/listviews", lacks="all views in one page")
async def list_views(call: Call, request: Request) -> Reply:
    """The list views of an object that the user sees."""
    value = _object(call, request)
    views = await store.views_of(call.conn, call.caller, value)
    return Reply(
        body={
            "done": True,
            "listviews": [_summary(call, view) for view in views],
            "nextRecordsUrl": None,
            "size": len(views),
            "sobjectType": value.name,
        }
    )


@route("GET", "sobjects/{name}/listviews/{id}")
async def list_view(call: Call, request: Request) -> Reply:
    """One list view in short."""
    value = _object(call, request)
    return Reply(body=_summary(call, await _view(call, value, request)))


def _columns(call: Call, value: ObjectType, view: ListView, order: Field, down: bool) -> list[dict[str, Any]]:
    stamps = ("Id", "CreatedDate", "LastModifiedDate", "SystemModstamp")
    shown = rows.columns_of(view, value)
    hidden = [value.fields[name] for name in stamps if name in value.fields]
    found: list[dict[str, Any]] = []
    for item in [*shown, *(item for item in hidden if item not in shown)]:
        label = item.label_in(_language(call))
        sorted_ = item.name == order.name
        found.append(
            {
                "ascendingLabel": None,
                "descendingLabel": None,
                "fieldNameOrPath": _path(item),
                "hidden": item not in shown,
                "label": label,
                "selectListItem": f"toLabel({item.name})" if item.type == "picklist" else _path(item),
                "sortDirection": ("descending" if down else "ascending") if sorted_ else None,
                "sortIndex": 0 if sorted_ else None,
                "sortable": rows.sortable(item),
                "type": item.type,
            }
        )
    return found


@route("GET", "sobjects/{name}/listviews/{id}/describe", lacks="whereCondition is the SOQL text, not a tree")
async def describe_view(call: Call, request: Request) -> Reply:
    """What a list view consists of, and the SOQL that finds its records."""
    value = _object(call, request)
    view = await _view(call, value, request)
    order, down = rows.order_of(view, value, "", False)
    columns = _columns(call, value, view, order, down)
    ordered = rows.order_soql(order, down)
    query = soql_of(view, value, [column["selectListItem"] for column in columns], call.caller.time_zone)
    return Reply(
        body={
            "columns": columns,
            "id": view.id,
            "orderBy": [
                {
                    "fieldNameOrPath": _path(order),
                    "nullsPosition": "last" if down else "first",
                    "sortDirection": "descending" if down else "ascending",
                }
            ],
            "query": f"{query} ORDER BY {ordered}",
            "relatedEntityId": None,
            "scope": view.scope,
            "scopeEntityId": None,
            "sobjectType": value.name,
            "whereCondition": where_soql(view, value, call.caller.time_zone) or None,
        }
    )


@route("GET", "sobjects/{name}/listviews/{id}/results")
async def results(call: Call, request: Request) -> Reply:
    """Rows of a list view, `limit` (25, at most 2000) from `offset` on."""
    value = _object(call, request)
    view = await _view(call, value, request)
    order, down = rows.order_of(view, value, "", False)
    columns = _columns(call, value, view, order, down)
    query = soql_of(view, value, [column["selectListItem"] for column in columns], call.caller.time_zone)
    limit = _number(request, "limit", _PAGE, MAX_RESULTS)
    offset = _number(request, "offset", 0, MAX_RESULTS)
    found = await run_query(
        call.conn,
        call.catalogue,
        call.caller,
        f"{query} ORDER BY {rows.order_soql(order, down)} LIMIT {limit} OFFSET {offset}",
        version=call.version,
    )
    records: list[dict[str, Any]] = found["records"]
    return Reply(
        body={
            "columns": columns,
            "developerName": view.name,
            "done": len(records) < limit,
            "id": view.id,
            "label": view.label_in(_language(call)),
            "records": [
                {
                    "columns": [
                        {
                            "fieldNameOrPath": column["fieldNameOrPath"],
                            "value": _value(record, column["fieldNameOrPath"]),
                        }
                        for column in columns
                    ]
                }
                for record in records
            ],
            "size": len(records),
        }
    )


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query.get(name, "")
    return min(int(text), most) if text.isdigit() and len(text) < 9 else default


def _value(record: dict[str, Any], path: str) -> str | None:
    """The content at a path, as the text that this resource gives for everything."""
    content: Any = record
    for part in path.split("."):
        content = content.get(part) if isinstance(content, dict) else None
    if content is None or isinstance(content, str):
        return content
    return str(content).lower() if isinstance(content, bool) else str(content)
