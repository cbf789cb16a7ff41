# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""The REST resources under `/services/data/vXX.0/`: one table of routes, used by HTTP and by composite.

A handler gets a `Call` (who, which org, on which connection) and answers a `Reply`; it knows nothing of HTTP.
Handlers marked as writing run in one transaction, which a refusal rolls back.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

import asyncpg

from .access import Caller, rights, visible_part
from .describe import describe, summary
from .errors import Fault, Faults, no_such_column, not_found
from .ids import parse_id
from .metadata import Catalogue, Field, ObjectType
from .options import CallOptions
from .orgs import Org
from .query import DEFAULT_BATCH, attributes, run_more, run_query
from .records import Records, Saved, storage_fault
from .sosl import parameterized, parse_search, run_search
from .values import format_datetime, parse_datetime, write_value

MIN_VERSION, MAX_VERSION = 50, 67
_SEASONS = ("Winter", "Spring", "Summer")


@dataclass(frozen=True)
class Call:
    """One request's circumstances. `origin` is how the asker reaches the org."""

    org: Org
    conn: Any
    catalogue: Catalogue
    caller: Caller
    version: str
    origin: str
    batch: int = DEFAULT_BATCH
    options: CallOptions = field(default_factory=CallOptions)

    def __post_init__(self) -> None:
        """Every door sees what its user may see: `catalogue` is cut down here, once."""
        object.__setattr__(self, "catalogue", visible_part(self.catalogue, self.caller))

    @property
    def records(self) -> Records:
        """Verbs on records as this caller."""
        return Records(
            self.org, self.conn, self.catalogue, self.caller, options=self.options, version=self.version
        )

    @property
    def base(self) -> str:
        """`/services/data/vXX.0`."""
        return f"/services/data/v{self.version}"


@dataclass(frozen=True)
class Reply:
    """An answer before it is written: body None means none."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Request:
    """What a handler is asked: path parameters, query parameters, JSON body."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None

    def body_object(self) -> dict[str, Any]:
        """The body as an object. JSON_PARSER_ERROR otherwise."""
        if not isinstance(self.body, dict):
            raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
        found: dict[str, Any] = self.body
        return found


Handler = Callable[[Call, Request], Awaitable[Reply]]


@dataclass(frozen=True)
class Route:
    """A resource: method, path pattern with `{names}`, handler, and whether it writes."""

    method: str
    pattern: str
    handler: Handler
    writes: bool = False

    def compiled(self) -> re.Pattern[str]:
        """The pattern as a regular expression over the path behind the version."""
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.pattern)))


ROUTES: list[Route] = []
_compiled: list[tuple[Route, re.Pattern[str]]] = []


def route(method: str, pattern: str, *, writes: bool = False) -> Callable[[Handler], Handler]:
    """Enters a handler into the table."""

    def enter(handler: Handler) -> Handler:
        made = Route(method, pattern, handler, writes)
        ROUTES.append(made)
        _compiled.append((made, made.compiled()))
        return handler

    return enter


def versions() -> list[dict[str, str]]:
    """All API versions served."""
    return [
        {
            "label": f"{_SEASONS[(number - 50) % 3]} '{21 + (number - 50) // 3}",
            "url": f"/services/data/v{number}.0",
            "version": f"{number}.0",
        }
        for number in range(MIN_VERSION, MAX_VERSION + 1)
    ]


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route for a path behind the version. NOT_FOUND or METHOD_NOT_ALLOWED otherwise."""
    path = re.sub(r"/{2,}", "/", path).strip("/")
    wrong_method = False
    for candidate, pattern in _compiled:
        found = pattern.fullmatch(path)
        if found:
            if candidate.method == method:
                return candidate, {name: unquote(value) for name, value in found.groupdict().items()}
            wrong_method = True
    if wrong_method:
        raise Fault(
            "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are GET,HEAD,POST", status=405
        )
    raise not_found()


async def dispatch(call: Call, method: str, path: str, query: Mapping[str, str], body: Any) -> Reply:
    """Answers one request; refusals become replies, whatever was begun is rolled back."""
    try:
        if method == "POST" and query.get("_HttpMethod", "").upper() in ("PATCH", "DELETE", "PUT"):
            method = query["_HttpMethod"].upper()
        found, parameters = find_route("GET" if method == "HEAD" else method, path)
        request = Request(parameters, query, body)
        if not found.writes:
            return await found.handler(call, request)
        async with call.conn.transaction():
            return await found.handler(call, request)
    except Faults as faults:
        return Reply(faults.faults[0].status, [fault.as_row() for fault in faults.faults])
    except Fault as fault:
        return Reply(fault.status, [fault.as_row()])
    except asyncpg.PostgresError as error:
        fault = storage_fault(error)
        return Reply(fault.status, [fault.as_row()])


def split_url(call: Call, url: str) -> tuple[str, dict[str, str]]:
    """Path behind the version and query parameters of a composite subrequest's URL."""
    path, _, query = url.partition("?")
    found = re.fullmatch(r"/services/data/v(\d\d)\.0/(.+)", path)
    if not found or not MIN_VERSION <= int(found.group(1)) <= MAX_VERSION:
        raise not_found()
    return found.group(2), dict(parse_qsl(query, keep_blank_values=True))


# -- resources -----------------------------------------------------------------------------------------------


@route("GET", "")
async def resources(call: Call, request: Request) -> Reply:
    """Where everything is."""
    base = call.base
    names = (
        "sobjects",
        "query",
        "queryAll",
        "search",
        "parameterizedSearch",
        "composite",
        "limits",
        "recent",
    )
    links = {name: f"{base}/{name}" for name in names}
    links["metadata"] = f"{base}/metadata"
    links["identity"] = f"{call.origin}/id/{call.org.org_id}/{call.caller.user_id}"
    return Reply(body=links)


@route("GET", "limits")
async def limits(call: Call, request: Request) -> Reply:
    """Allocations and what is left of them."""
    usage = call.org.usage
    remaining = max(usage.maximum - usage.used, 0)
    return Reply(
        body={
            "DailyApiRequests": {"Max": usage.maximum, "Remaining": remaining},
            "DataStorageMB": {"Max": 1024, "Remaining": 1024},
            "FileStorageMB": {"Max": 1024, "Remaining": 1024},
        }
    )


@route("GET", "sobjects")
async def describe_global(call: Call, request: Request) -> Reply:
    """All objects the user may read."""
    found = [
        summary(value, call.caller, call.version)
        for value in sorted(call.catalogue.objects.values(), key=lambda item: item.name)
        if rights(call.caller, value).read
    ]
    return Reply(body={"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})


@route("GET", "sobjects/{name}")
async def basic_information(call: Call, request: Request) -> Reply:
    """One object in short, and what the user saw of it last."""
    value = call.records.object(request.path["name"])
    rows = await call.conn.fetch(
        "SELECT record_id FROM meta.recent WHERE user_id = $1 AND object_name = $2"
        " ORDER BY viewed_at DESC LIMIT 10",
        call.caller.user_id,
        value.name,
    )
    items = [await _recent_item(call, value, row["record_id"]) for row in rows]
    return Reply(
        body={
            "objectDescribe": summary(value, call.caller, call.version),
            "recentItems": [item for item in items if item],
        }
    )


async def _recent_item(call: Call, value: ObjectType, record_id: str) -> dict[str, Any] | None:
    fields = [value.fields["Id"]] + ([value.name_field] if value.name_field else [])
    row = (await call.records.fetch(value, [record_id], fields)).get(record_id)
    if row is None:
        return None
    return {"attributes": attributes(value.name, record_id, call.version)} | row


@route("GET", "sobjects/{name}/describe")
async def describe_object(call: Call, request: Request) -> Reply:
    """One object in full."""
    value = call.records.object(request.path["name"])
    return Reply(body=describe(value, call.catalogue, call.caller, call.version))


@route("POST", "sobjects/{name}", writes=True)
async def create(call: Call, request: Request) -> Reply:
    """Makes a record: 201 and its id."""
    value = call.records.object(request.path["name"])
    saved = one(await call.records.create(value, [request.body_object()]))
    location = {"Location": f"{call.base}/sobjects/{value.name}/{saved.id}"}
    return Reply(201, {"id": saved.id, "success": True, "errors": []}, location)


@route("GET", "sobjects/{name}/updated")
async def updated(call: Call, request: Request) -> Reply:
    """Ids of records made or changed in a span of time."""
    value, start, end = _span(call, request)
    params: list[Any] = [start, end]
    reachable = call.records.only_reachable(value, "t", params)
    rows = await call.conn.fetch(
        f'SELECT "Id" FROM {value.table} t WHERE "SystemModstamp" >= $1 AND "SystemModstamp" < $2'
        f' AND NOT "IsDeleted"{reachable} ORDER BY "SystemModstamp", "Id" LIMIT 600000',
        *params,
    )
    return Reply(body={"ids": [row["Id"] for row in rows], "latestDateCovered": format_datetime(end)})


@route("GET", "sobjects/{name}/deleted")
async def deleted(call: Call, request: Request) -> Reply:
    """Ids of records deleted in a span of time."""
    value, start, end = _span(call, request)
    params: list[Any] = [start, end]
    reachable = call.records.only_reachable(value, "t", params)
    rows = await call.conn.fetch(
        f'SELECT "Id", "SystemModstamp" FROM {value.table} t WHERE "SystemModstamp" >= $1'
        f' AND "SystemModstamp" < $2 AND "IsDeleted"{reachable} ORDER BY "SystemModstamp", "Id" LIMIT 600000',
        *params,
    )
    return Reply(
        body={
            "deletedRecords": [
                {"id": row["Id"], "deletedDate": format_datetime(row["SystemModstamp"])} for row in rows
            ],
            "earliestDateAvailable": format_datetime(datetime.now(UTC) - timedelta(days=30)),
            "latestDateCovered": format_datetime(end),
        }
    )


def _span(call: Call, request: Request) -> tuple[ObjectType, datetime, datetime]:
    value = call.records.object(request.path["name"])
    # A plus sign that was not escaped arrives as a space.
    ends = [parse_datetime(request.query.get(name, "").replace(" ", "+")) for name in ("start", "end")]
    start, end = ends
    if start is None or end is None:
        raise Fault("INVALID_REPLICATION_DATE", "start and end must be dates in ISO 8601")
    now = datetime.now(UTC)
    if start >= end:
        raise Fault("INVALID_REPLICATION_DATE", "startDate after endDate")
    if start < now - timedelta(days=30):
        raise Fault("INVALID_REPLICATION_DATE", "startDate before org replication enabled date")
    return value, start, min(end, now)


@route("GET", "sobjects/{name}/{id}")
async def read(call: Call, request: Request) -> Reply:
    """A record by id."""
    value = call.records.object(request.path["name"])
    record_id = parse_id(request.path["id"])
    if record_id is None:
        raise not_found(
            "Provided external ID field does not exist or is not accessible: " + request.path["id"]
        )
    return Reply(body=await _record(call, value, record_id, request.query.get("fields")))


async def _record(call: Call, value: ObjectType, record_id: str, asked: str | None) -> dict[str, Any]:
    fields = list(value.fields.values())
    if asked:
        fields = [value.fields["Id"]]
        for name in asked.split(","):
            item = value.get(name.strip())
            if item is None:
                raise no_such_column(name.strip(), value.name)
            if item not in fields:
                fields.append(item)
    row = (await call.records.fetch(value, [record_id], fields)).get(record_id)
    if row is None:
        raise not_found()
    return {"attributes": attributes(value.name, record_id, call.version)} | {
        name: write_value(content) for name, content in row.items()
    }


@route("PATCH", "sobjects/{name}/{id}", writes=True)
async def update(call: Call, request: Request) -> Reply:
    """Changes a record by id: 204."""
    value = call.records.object(request.path["name"])
    one(await call.records.update(value, [(request.path["id"], request.body_object())]))
    return Reply(204)


@route("DELETE", "sobjects/{name}/{id}", writes=True)
async def delete(call: Call, request: Request) -> Reply:
    """Deletes a record by id: 204."""
    value = call.records.object(request.path["name"])
    one(await call.records.delete(value, [request.path["id"]]))
    return Reply(204)


def external_key(value: ObjectType, name: str) -> Field:
    """The field a record may be addressed by. NOT_FOUND otherwise."""
    item = value.get(name)
    if item is None or not (item.external_id or item.type == "id"):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return item


@route("GET", "sobjects/{name}/{field}/{value}")
async def read_by_external_id(call: Call, request: Request) -> Reply:
    """A record by external id; 300 with all when several match."""
    value = call.records.object(request.path["name"])
    matches = await call.records.matches(
        value, external_key(value, request.path["field"]), request.path["value"]
    )
    if not matches:
        raise not_found()
    if len(matches) > 1:
        return Reply(300, [f"{call.base}/sobjects/{value.name}/{record_id}" for record_id in matches])
    return Reply(body=await _record(call, value, matches[0], request.query.get("fields")))


@route("PATCH", "sobjects/{name}/{field}/{value}", writes=True)
async def upsert(call: Call, request: Request) -> Reply:
    """Changes the record with an external id or makes it: 200 or 201; 300 when several match."""
    value = call.records.object(request.path["name"])
    key = external_key(value, request.path["field"])
    raw: Any = request.path["value"]
    update_only = request.query.get("updateOnly", "").lower() == "true"
    results = await call.records.upsert(value, key, [(raw, request.body_object())], update_only=update_only)
    if results[0].faults and results[0].faults[0].status == 300:
        matches = await call.records.matches(value, key, raw)
        return Reply(300, [f"{call.base}/sobjects/{value.name}/{record_id}" for record_id in matches])
    saved = one(results)
    body = {"id": saved.id, "success": True, "errors": list[Any](), "created": saved.created}
    return Reply(201 if saved.created else 200, body)


@route("DELETE", "sobjects/{name}/{field}/{value}", writes=True)
async def delete_by_external_id(call: Call, request: Request) -> Reply:
    """Deletes the record with an external id: 204."""
    value = call.records.object(request.path["name"])
    matches = await call.records.matches(
        value, external_key(value, request.path["field"]), request.path["value"]
    )
    if len(matches) != 1:
        raise not_found()
    one(await call.records.delete(value, matches))
    return Reply(204)


def one(results: list[Saved]) -> Saved:
    """The only result, or its faults as an exception."""
    if results[0].faults:
        raise Faults(results[0].faults)
    return results[0]


# -- query and search ----------------------------------------------------------------------------------------


def _asked(request: Request) -> str:
    text = request.query.get("q")
    if text is None:
        raise Fault("MALFORMED_QUERY", "SOQL statement is required: parameter q")
    return text


@route("GET", "query")
async def query(call: Call, request: Request) -> Reply:
    """A query's first page."""
    return Reply(
        body=await run_query(
            call.conn, call.catalogue, call.caller, _asked(request), version=call.version, batch=call.batch
        )
    )


@route("GET", "queryAll")
async def query_all(call: Call, request: Request) -> Reply:
    """A query's first page, deleted records included."""
    return Reply(
        body=await run_query(
            call.conn,
            call.catalogue,
            call.caller,
            _asked(request),
            version=call.version,
            batch=call.batch,
            deleted_too=True,
        )
    )


@route("GET", "query/{locator}")
async def query_more(call: Call, request: Request) -> Reply:
    """A further page."""
    return Reply(
        body=await run_more(
            call.conn,
            call.catalogue,
            call.caller,
            request.path["locator"],
            version=call.version,
            batch=call.batch,
        )
    )


route("GET", "queryAll/{locator}")(query_more)


@route("GET", "search")
async def search(call: Call, request: Request) -> Reply:
    """SOSL."""
    text = request.query.get("q")
    if text is None:
        raise Fault("MALFORMED_SEARCH", "No search term found. The search term must be enclosed in braces.")
    found = await run_search(call.conn, call.catalogue, call.caller, parse_search(text), version=call.version)
    return Reply(body={"searchRecords": found})


@route("POST", "parameterizedSearch")
async def parameterized_search(call: Call, request: Request) -> Reply:
    """A search without SOSL."""
    asked = parameterized(call.catalogue, request.body_object())
    found = await run_search(call.conn, call.catalogue, call.caller, asked, version=call.version)
    return Reply(body={"searchRecords": found})


@route("GET", "parameterizedSearch")
async def parameterized_search_by_url(call: Call, request: Request) -> Reply:
    """A search without SOSL, in the URL: `sobject`, `Contact.fields`, `Contact.limit` and so on."""
    body: dict[str, Any] = dict(request.query)
    names = [name for name in str(body.pop("sobject", "")).split(",") if name]
    body["sobjects"] = [
        {"name": name}
        | {
            part: request.query[f"{name}.{part}"]
            for part in ("fields", "where", "limit", "orderBy")
            if f"{name}.{part}" in request.query
        }
        for name in names
    ]
    asked = parameterized(call.catalogue, body)
    found = await run_search(call.conn, call.catalogue, call.caller, asked, version=call.version)
    return Reply(body={"searchRecords": found})


@route("GET", "recent")
async def recent(call: Call, request: Request) -> Reply:
    """What the user viewed last."""
    limit = request.query.get("limit", "200")
    rows = await call.conn.fetch(
        "SELECT record_id, object_name FROM meta.recent WHERE user_id = $1 ORDER BY viewed_at DESC LIMIT $2",
        call.caller.user_id,
        min(int(limit), 200) if limit.isdigit() else 200,
    )
    items: list[dict[str, Any]] = []
    for row in rows:
        value = call.catalogue.objects.get(row["object_name"])
        item = await _recent_item(call, value, row["record_id"]) if value else None
        if item:
            items.append(item)
    return Reply(body=items)
