# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""The recycle bin in the console: what the user may bring back, by object; bringing it back, removing it for good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .access.questions import require_read, rights
from .access.sharing import row_condition
from .console import Visit, answering, named, visiting
from .errors import Fault, not_found
from .metadata import ObjectType
from .records import Records
from .saving.drafts import Saved
from .saving.recycle_bin import empty, undelete
from .values import format_datetime
from .web import json_response, read_json

MAX_AT_ONCE = 200
_PEOPLE = ("FirstName", "LastName")
MAX_PAGE = 200
_BODY = 'FROM meta.recycled r JOIN {table} t ON t."Id" = r.record_id WHERE r.object_name = $1 AND r.root_id = r.record_id'


def _in_reach(visit: Visit, value: ObjectType, scope: str, params: list[Any]) -> str:
    """Conditions on what somebody deleted that the user may bring back; with `mine`, that the user deleted."""

    def param(content: Any) -> str:
        params.append(content)
        return f"${len(params)}"

    condition = row_condition(visit.call.catalogue, visit.caller, value, "t", param, "delete")
    text = f" AND {condition}" if condition else ""
    return text + (f' AND t."LastModifiedById" = {param(visit.caller.user_id)}' if scope == "mine" else "")


def _scope(request: Request) -> str:
    scope = request.query_params.get("scope", "mine")
    if scope not in ("mine", "all"):
        raise Fault("INVALID_INPUT", "scope must be mine or all", fields=["scope"])
    return scope


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, "")
    return min(int(text), most) if text.isdecimal() and len(text) < 9 else default


@answering
async def list_objects(request: Request) -> Response:
    """`?scope=mine|all`: `{objects: [{name, label_plural, count}]}`, those with records in the bin."""
    scope = _scope(request)
    found: list[dict[str, Any]] = []
    async with visiting(request) as visit:
        rows = await visit.conn.fetch(
            "SELECT DISTINCT object_name FROM meta.recycled WHERE root_id = record_id ORDER BY object_name"
        )
        for row in rows:
            value = visit.call.catalogue.get(row["object_name"])
            if value is None or value.setup or not rights(visit.caller, value).delete:
                continue
            params: list[Any] = [value.name]
            body = _BODY.format(table=value.table) + _in_reach(visit, value, scope, params)
            count: int = await visit.conn.fetchval(f"SELECT count(*) {body}", *params)
            if count:
                label = value.label_plural_in(visit.language)
                found.append({"name": value.name, "label_plural": label, "count": count})
    return json_response({"objects": found})


@answering
async def list_records(request: Request) -> Response:
    """Of one object, the last deleted first: `{records: [{id, name, ..., deleted_at, deleted_by, with}], total}`.

    `?scope=mine|all&limit=&offset=`; `with` is how many records went along and come back along.
    """
    scope = _scope(request)
    limit, offset = _number(request, "limit", 50, MAX_PAGE), _number(request, "offset", 0, 1_000_000)
    async with visiting(request) as visit:
        value = visit.call.catalogue.get(request.path_params["object"])
        if value is None or value.setup:
            raise not_found()
        require_read(visit.caller, value)
        if not rights(visit.caller, value).delete:
            return json_response({"records": [], "total": 0})
        params: list[Any] = [value.name]
        body = _BODY.format(table=value.table) + _in_reach(visit, value, scope, params)
        name = f"t.{value.name_field.column}" if value.name_field else 't."Id"'
        total: int = await visit.conn.fetchval(f"SELECT count(*) {body}", *params)
        # Of people the parts of their names, which screens order by language.
        parts = [value.fields[part] for part in _PEOPLE if value.person and part in value.fields]
        more = "".join(f", t.{part.column}" for part in parts)
        rows = await visit.conn.fetch(
            f'SELECT r.record_id, {name} AS name, r.deleted_at{more}, t."LastModifiedById" AS deleted_by,'
            " (SELECT count(*) - 1 FROM meta.recycled w WHERE w.root_id = r.record_id) AS along"
            f" {body} ORDER BY r.deleted_at DESC, r.record_id LIMIT {max(limit, 1):d} OFFSET {offset:d}",
            *params,
        )
        people = await named(visit, {"User": {row["deleted_by"] for row in rows}})
        for found in people.values():
            found["name"] = found.pop("Name")
    return json_response(
        {
            "records": [
                {
                    "id": row["record_id"],
                    "name": row["name"],
                    "deleted_at": format_datetime(row["deleted_at"]),
                    "deleted_by": {"id": row["deleted_by"], "name": None} | people.get(row["deleted_by"], {}),
                    "with": row["along"],
                }
                | {part.name: row[part.name] for part in parts}
                for row in rows
            ],
            "total": total,
        }
    )  # fmt: skip


async def _each(request: Request, work: Callable[[Records, list[str]], Awaitable[list[Saved]]]) -> Response:
    body: Any = await read_json(request)
    ids: Any = body.get("ids") if isinstance(body, dict) else None
    if not isinstance(ids, list) or not ids:
        raise Fault("INVALID_INPUT", "ids must be a list of record ids", fields=["ids"])
    asked: list[Any] = ids
    if len(asked) > MAX_AT_ONCE:
        raise Fault("EXCEEDED_ID_LIMIT", f"A call takes at most {MAX_AT_ONCE} records", fields=["ids"])
    async with visiting(request) as visit, visit.conn.transaction():
        saved = await work(visit.call.records, [str(item) for item in asked])
    results = [
        {"id": str(given), "success": one.success, "errors": [fault.as_row() for fault in one.faults]}
        for given, one in zip(asked, saved, strict=True)
    ]
    return json_response({"results": results})


@answering
async def restore(request: Request) -> Response:
    """`{ids}`: brings records back with what went along; one answer each: `{results: [{id, success, errors}]}`."""
    return await _each(request, undelete)


@answering
async def purge(request: Request) -> Response:
    """`{ids}`: removes records for good with what went along; answers as restoring does."""
    return await _each(request, empty)


ROUTES = [
    Route("/console/api/recycle-bin", list_objects),
    Route("/console/api/recycle-bin/restore", restore, methods=["POST"]),
    Route("/console/api/recycle-bin/purge", purge, methods=["POST"]),
    Route("/console/api/recycle-bin/{object}", list_records),
]
