"""Several requests in one: composite, collections and graphs.

A graph is one transaction: all of its nodes or none. Collections answer row by row in the order given.
Importing this module enters its resources into `rest.ROUTES`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import asyncpg

from .addressed import external_key
from .errors import Fault
from .ids import parse_id
from .metadata import ObjectType
from .query.running import attributes
from .rest import Call, Reply, Request, dispatch, route, split_url
from .saving.drafts import Saved
from .saving.storage import storage_fault
from .values import write_value

MAX_SUBREQUESTS = 25
MAX_HEAVY = 5
MAX_DEPTH = 15
MAX_RECORDS = 200
MAX_CHUNKS = 10
MAX_GRAPHS = 75
MAX_NODES = 500
MAX_FAILED_GRAPHS = 14
_REFERENCE = re.compile(r"@\{([A-Za-z0-9_]+)((?:\.[A-Za-z0-9_]+|\[\d+\])*)\}")
_STEP = re.compile(r"\.([A-Za-z0-9_]+)|\[(\d+)\]")
_REFERENCE_ID = re.compile(r"[A-Za-z0-9_]+")
_HEAVY = re.compile(r"/v\d\d\.0/(query|queryAll|composite/sobjects)(/|$)")
_HALTED = "The transaction was rolled back since another operation in the same transaction failed."


class _RollBack(Exception):
    """Leaves a transaction without keeping anything."""


def _halted(message: str = _HALTED) -> list[dict[str, Any]]:
    return [{"errorCode": "PROCESSING_HALTED", "message": message}]


def resolve(value: Any, results: Mapping[str, Any], *, in_url: bool = False) -> Any:
    """`value` with every `@{ref.path}` replaced by what that subrequest answered.

    A string that is one reference keeps the type it refers to. Fault where there is no such value.
    """
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole and not in_url:
            return _referred(whole, results)

        def written(found: re.Match[str]) -> str:
            text = str(_referred(found, results))
            return quote(text, safe="") if in_url else text

        return _REFERENCE.sub(written, value)
    if isinstance(value, list):
        items: list[Any] = value
        return [resolve(item, results) for item in items]
    if isinstance(value, dict):
        entries: dict[str, Any] = value
        return {name: resolve(item, results) for name, item in entries.items()}
    return value


def _referred(found: re.Match[str], results: Mapping[str, Any]) -> Any:
    current: Any = results.get(found.group(1))
    for step in _STEP.finditer(found.group(2)):
        name, index = step.groups()
        if name is not None and isinstance(current, dict):
            entries: dict[str, Any] = current
            current = entries.get(name)
        elif index is not None and isinstance(current, list):
            items: list[Any] = current
            current = items[int(index)] if int(index) < len(items) else None
        else:
            current = None
    if current is None or isinstance(current, dict | list):
        raise Fault(
            "PROCESSING_HALTED",
            f"Invalid reference specified. No value for {found.group(1)}{found.group(2)} found in "
            f"{found.group(1)}",
        )
    return current


def references(value: Any) -> set[str]:
    """Reference ids that a subrequest's URL or body mentions."""
    if isinstance(value, str):
        return {found.group(1) for found in _REFERENCE.finditer(value)}
    if isinstance(value, list):
        items: list[Any] = value
        return set[str]().union(*(references(item) for item in items))
    if isinstance(value, dict):
        entries: dict[str, Any] = value
        return set[str]().union(*(references(item) for item in entries.values()))
    return set()


def _subrequests(body: Mapping[str, Any], name: str, limit: int) -> list[dict[str, Any]]:
    """The checked list of subrequests. The whole request fails where one is not well formed."""
    raw = body.get(name)
    if not isinstance(raw, list) or not raw:
        raise Fault("JSON_PARSER_ERROR", f"{name} must be a list with at least one subrequest")
    items: list[Any] = raw
    if len(items) > limit:
        raise Fault("LIMIT_EXCEEDED", f"The number of subrequests cannot be more than {limit}")
    seen: set[str] = set()
    for item in items:
        if not isinstance(item, dict):
            raise Fault("JSON_PARSER_ERROR", "a subrequest must be a JSON object")
        entry: dict[str, Any] = item
        reference = entry.get("referenceId")
        if not isinstance(reference, str) or not _REFERENCE_ID.fullmatch(reference):
            raise Fault("INVALID_INPUT", "referenceId must consist of letters, digits and underscores")
        if reference in seen:
            raise Fault("INVALID_INPUT", f"Duplicate referenceId {reference}")
        if not isinstance(entry.get("method"), str) or not isinstance(entry.get("url"), str):
            raise Fault("INVALID_INPUT", f"method and url are required in subrequest {reference}")
        seen.add(reference)
    return items


async def _subrequest(call: Call, entry: Mapping[str, Any], results: Mapping[str, Any]) -> Reply:
    try:
        path, query = split_url(call, resolve(entry["url"], results, in_url=True))
        body = resolve(entry.get("body"), results)
        if (failing := call.row_fault()) is not None and not path.startswith("composite"):
            raise failing
    except Fault as fault:
        return Reply(fault.status, [fault.as_row()])
    if path.startswith(("composite", "metadata")) and not path.startswith("composite/sobjects"):
        return Reply(400, [Fault("INVALID_INPUT", "This resource cannot be a subrequest").as_row()])
    given: Any = entry.get("httpHeaders")
    headers: dict[str, Any] = given if isinstance(given, dict) else {}
    named = {name.lower(): str(value) for name, value in headers.items()}
    return await dispatch(call, entry["method"].upper(), path, query, body, named)


def _part(entry: Mapping[str, Any], reply: Reply) -> dict[str, Any]:
    return {
        "body": reply.body,
        "httpHeaders": dict(reply.headers),
        "httpStatusCode": reply.status,
        "referenceId": entry["referenceId"],
    }


@route("GET", "composite")
async def resources(call: Call, request: Request) -> Reply:
    """Where the requests of several requests are."""
    names = ("batch", "graph", "sobjects", "tree")
    return Reply(body={name: f"{call.base}/composite/{name}" for name in names})


def _check_heavy(entries: Sequence[Mapping[str, Any]]) -> None:
    heavy = sum(bool(_HEAVY.search(entry["url"].partition("?")[0])) for entry in entries)
    if heavy > MAX_HEAVY:
        raise Fault(
            "LIMIT_EXCEEDED", f"The number of queries and collections cannot be more than {MAX_HEAVY}"
        )


@route("POST", "composite")
async def composite(call: Call, request: Request) -> Reply:
    """Up to 25 subrequests in order; with allOrNone one failure undoes and halts the rest."""
    body = request.body_object()
    entries = _subrequests(body, "compositeRequest", MAX_SUBREQUESTS)
    _check_heavy(entries)
    results: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    if body.get("allOrNone") is not True:
        for entry in entries:
            reply = await _subrequest(call, entry, results)
            if reply.status < 300:
                results[entry["referenceId"]] = reply.body
            parts.append(_part(entry, reply))
        return Reply(body={"compositeResponse": parts})
    failed = -1
    try:
        async with call.conn.transaction():
            for position, entry in enumerate(entries):
                reply = await _subrequest(call, entry, results)
                parts.append(_part(entry, reply))
                if reply.status >= 300 or _has_failed_rows(reply.body):
                    failed = position
                    raise _RollBack
                results[entry["referenceId"]] = reply.body
    except _RollBack:
        parts = [
            parts[position] if position == failed else _part(entry, Reply(400, _halted()))
            for position, entry in enumerate(entries)
        ]
    return Reply(body={"compositeResponse": parts})


def _has_failed_rows(body: Any) -> bool:
    if not isinstance(body, list):
        return False
    items: list[Any] = body
    return any(isinstance(item, dict) and item.get("success") is False for item in items)


# -- graphs --------------------------------------------------------------------------------------------------


@route("POST", "composite/graph")
async def graphs(call: Call, request: Request) -> Reply:
    """Up to 75 graphs with together 500 nodes; each succeeds or fails alone, as a whole."""
    body = request.body_object()
    raw = body.get("graphs")
    if not isinstance(raw, list) or not raw:
        raise Fault("JSON_PARSER_ERROR", "graphs must be a list with at least one graph")
    asked: list[Any] = raw
    if len(asked) > MAX_GRAPHS:
        raise Fault("LIMIT_EXCEEDED", f"The number of graphs cannot be more than {MAX_GRAPHS}")
    plans: list[tuple[str, list[dict[str, Any]]]] = []
    ids: set[str] = set()
    nodes = 0
    for item in asked:
        if not isinstance(item, dict):
            raise Fault("JSON_PARSER_ERROR", "a graph must be a JSON object")
        graph: dict[str, Any] = item
        graph_id = graph.get("graphId")
        if not isinstance(graph_id, str) or not graph_id or graph_id in ids:
            raise Fault("INVALID_INPUT", "graphId must be given and unique in the request")
        ids.add(graph_id)
        entries = _subrequests(graph, "compositeRequest", MAX_NODES)
        nodes += len(entries)
        plans.append((graph_id, _in_order(entries)))
    if nodes > MAX_NODES:
        raise Fault("LIMIT_EXCEEDED", f"The number of nodes cannot be more than {MAX_NODES}")
    answers: list[dict[str, Any]] = []
    failures = 0
    for graph_id, entries in plans:
        if failures >= MAX_FAILED_GRAPHS:
            message = "The request was halted because too many graphs failed."
            parts = [_part(entry, Reply(400, _halted(message))) for entry in entries]
            good = False
        else:
            parts, good = await _run_graph(call, entries)
        failures += not good
        answers.append(
            {"graphId": graph_id, "graphResponse": {"compositeResponse": parts}, "isSuccessful": good}
        )
    return Reply(body={"graphs": answers})


async def _run_graph(call: Call, entries: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    results: dict[str, Any] = {}
    parts: list[dict[str, Any]] = []
    failed: tuple[int, Reply] = (-1, Reply())
    try:
        async with call.conn.transaction():
            for position, entry in enumerate(entries):
                reply = await _subrequest(call, entry, results)
                if reply.status >= 300 or _has_failed_rows(reply.body):
                    failed = position, reply
                    raise _RollBack
                results[entry["referenceId"]] = reply.body
                parts.append(_part(entry, reply))
        return parts, True
    except _RollBack:
        pass
    except asyncpg.PostgresError as error:
        failed = 0, Reply(400, [storage_fault(error).as_row()])
    where, reply = failed
    return [
        _part(entry, reply if position == where else Reply(400, _halted()))
        for position, entry in enumerate(entries)
    ], False


def _in_order(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Nodes so that each stands behind those it refers to; otherwise as given. Cycles are refused."""
    by_id = {entry["referenceId"]: entry for entry in entries}
    needs = {
        entry["referenceId"]: (references(entry["url"]) | references(entry.get("body"))) & by_id.keys()
        for entry in entries
    }
    ordered: list[dict[str, Any]] = []
    placed: set[str] = set()
    waiting = [entry["referenceId"] for entry in entries]
    depth = 0
    while waiting:
        depth += 1
        if depth > MAX_DEPTH:
            raise Fault("LIMIT_EXCEEDED", f"A graph cannot be deeper than {MAX_DEPTH}")
        ready = [name for name in waiting if needs[name] <= placed]
        if not ready:
            raise Fault("INVALID_INPUT", "The graph contains a cycle of references")
        for name in ready:
            ordered.append(by_id[name])
            placed.add(name)
        waiting = [name for name in waiting if name not in placed]
    return ordered


# -- collections ---------------------------------------------------------------------------------------------


def _rows(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    raw = body.get("records")
    if not isinstance(raw, list) or not raw:
        raise Fault("INVALID_INPUT", "records must be a list with at least one record")
    items: list[Any] = raw
    if len(items) > MAX_RECORDS:
        raise Fault(
            "EXCEEDED_ID_LIMIT",
            f"record limit reached. cannot submit more than {MAX_RECORDS} records into this call",
        )
    if not all(isinstance(item, dict) for item in items):
        raise Fault("JSON_PARSER_ERROR", "a record must be a JSON object")
    return items


def _type_of(call: Call, row: Mapping[str, Any], record_id: object = None) -> ObjectType | None:
    about: Any = row.get("attributes")
    name: Any = about.get("type") if isinstance(about, dict) else None
    if isinstance(name, str):
        return call.catalogue.get(name)
    found = parse_id(record_id) if record_id else None
    return call.catalogue.of_id(found) if found else None


def _chunks(types: Sequence[ObjectType | None]) -> list[tuple[ObjectType | None, int, int]]:
    """Runs of neighbours of one type, as (type, start, end)."""
    found: list[tuple[ObjectType | None, int, int]] = []
    for position, value in enumerate(types):
        if found and found[-1][0] is value:
            found[-1] = (value, found[-1][1], position + 1)
        else:
            found.append((value, position, position + 1))
    if len(found) > MAX_CHUNKS:
        raise Fault(
            "INVALID_INPUT", f"Records of different types must not alternate in more than {MAX_CHUNKS} chunks"
        )
    return found


def _unknown(row: Mapping[str, Any]) -> Saved:
    about: Any = row.get("attributes")
    name: Any = about.get("type") if isinstance(about, dict) else None
    return Saved(faults=(Fault("INVALID_TYPE", f"sObject type '{name}' is not supported."),))


def _result(saved: Saved, *, with_created: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = {} if saved.id is None or saved.faults else {"id": saved.id}
    answer["success"] = saved.success
    answer["errors"] = [fault.as_save_error() for fault in saved.faults]
    if with_created and saved.success:
        answer["created"] = saved.created
    return answer


async def _collect(
    call: Call,
    all_or_none: bool,
    rows: Sequence[Any],
    work: Callable[[Sequence[Any]], Awaitable[list[Saved]]],
    *,
    with_created: bool = False,
) -> Reply:
    """Runs `work` on the rows in a transaction; with allOrNone a refused row undoes the others and says so."""
    failing = [call.row_fault() for _ in rows]
    results: list[Saved] = []
    try:
        async with call.conn.transaction():
            saved = iter(await work([row for row, fault in zip(rows, failing, strict=True) if fault is None]))
            results = [Saved(faults=(fault,)) if fault else next(saved) for fault in failing]
            if all_or_none and any(result.faults for result in results):
                raise _RollBack
    except _RollBack:
        undone = Fault(
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using AllOrNone header",
        )
        results = [result if result.faults else Saved(faults=(undone,)) for result in results]
    return Reply(body=[_result(result, with_created=with_created) for result in results])


@route("POST", "composite/sobjects")
async def create_many(call: Call, request: Request) -> Reply:
    """Makes up to 200 records."""
    body = request.body_object()

    async def work(rows: Sequence[Any]) -> list[Saved]:
        results: list[Saved] = []
        for value, start, end in _chunks([_type_of(call, row) for row in rows]):
            if value is None:
                results += [_unknown(row) for row in rows[start:end]]
            else:
                results += await _per_chunk(call.records.create(value, rows[start:end]), end - start)
        return results

    return await _collect(call, body.get("allOrNone") is True, _rows(body), work)


async def _per_chunk(work: Any, count: int) -> list[Saved]:
    """A refusal of a whole chunk (no right to the object) as a refusal of each row."""
    try:
        return await work
    except Fault as fault:
        return [Saved(faults=(fault,))] * count


@route("PATCH", "composite/sobjects")
async def update_many(call: Call, request: Request) -> Reply:
    """Changes up to 200 records by id."""
    body = request.body_object()

    async def work(rows: Sequence[Any]) -> list[Saved]:
        results: list[Saved] = []
        keyed = [(str(row.get("id") or row.get("Id") or ""), row) for row in rows]
        types = [_type_of(call, row, record_id) for record_id, row in keyed]
        for value, start, end in _chunks(types):
            if value is None:
                results += [_unknown(row) for row in rows[start:end]]
                continue
            inputs = [
                (record_id, {name: item for name, item in row.items() if name.lower() != "id"})
                for record_id, row in keyed[start:end]
            ]
            results += await _per_chunk(call.records.update(value, inputs), end - start)
        return results

    return await _collect(call, body.get("allOrNone") is True, _rows(body), work)


@route("PATCH", "composite/sobjects/{name}/{field}")
async def upsert_many(call: Call, request: Request) -> Reply:
    """Upserts up to 200 records of one type by external id."""
    body = request.body_object()
    value = call.records.object(request.path["name"])
    key = external_key(value, request.path["field"])

    def key_of(row: Mapping[str, Any]) -> Any:
        return next((item for name, item in row.items() if name.lower() == key.name.lower()), None)

    async def work(rows: Sequence[Any]) -> list[Saved]:
        return await _per_chunk(
            call.records.upsert(value, key, [(key_of(row), row) for row in rows]), len(rows)
        )

    return await _collect(call, body.get("allOrNone") is True, _rows(body), work, with_created=True)


def _ids(text: str, limit: int) -> list[str]:
    ids = [part.strip() for part in text.split(",") if part.strip()]
    if not ids:
        raise Fault("REQUIRED_FIELD_MISSING", "ids are required")
    if len(ids) > limit:
        raise Fault("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {limit} ids")
    return ids


@route("DELETE", "composite/sobjects")
async def delete_many(call: Call, request: Request) -> Reply:
    """Deletes up to 200 records by id."""

    async def work(ids: Sequence[str]) -> list[Saved]:
        results: list[Saved] = []
        types = [_type_of(call, {}, record_id) for record_id in ids]
        for value, start, end in _chunks(types):
            if value is None:
                fault = Fault("MALFORMED_ID", "malformed id", fields=["Id"])
                results += [Saved(faults=(fault,)) for _ in ids[start:end]]
            else:
                results += await _per_chunk(call.records.delete(value, ids[start:end]), end - start)
        return results

    ids = _ids(request.query.get("ids", ""), MAX_RECORDS)
    return await _collect(call, request.query.get("allOrNone", "").lower() == "true", ids, work)


async def _read_many(call: Call, name: str, ids: list[str], fields: list[str]) -> Reply:
    value = call.records.object(name)
    items = [value.fields["Id"]]
    for asked in fields:
        item = value.get(asked)
        if item is None:
            raise Fault("INVALID_FIELD", f"No such column '{asked}' on entity '{value.name}'.")
        if item not in items:
            items.append(item)
    parsed = [parse_id(record_id) for record_id in ids]
    found = await call.records.fetch(value, [item for item in parsed if item], items)
    return Reply(
        body=[
            {"attributes": attributes(value.name, record_id, call.version)}
            | {column: write_value(content) for column, content in found[record_id].items()}
            if record_id in found
            else None
            for record_id in (item or "" for item in parsed)
        ]
    )


@route("GET", "composite/sobjects/{name}")
async def read_many(call: Call, request: Request) -> Reply:
    """Reads records by id; null where there is none."""
    fields = [part.strip() for part in request.query.get("fields", "Id").split(",") if part.strip()]
    return await _read_many(call, request.path["name"], _ids(request.query.get("ids", ""), 2000), fields)


@route("POST", "composite/sobjects/{name}")
async def read_many_by_body(call: Call, request: Request) -> Reply:
    """Reads records by id, the ids in the body."""
    body = request.body_object()
    ids, fields = body.get("ids"), body.get("fields")
    if not isinstance(ids, list) or not isinstance(fields, list):
        raise Fault("INVALID_INPUT", "ids and fields must be lists")
    id_list: list[Any] = ids
    field_list: list[Any] = fields
    return await _read_many(
        call,
        request.path["name"],
        _ids(",".join(str(item) for item in id_list), 2000),
        [str(item) for item in field_list],
    )
