# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""The REST resources under `/services/data/vXX.0/`: one table of routes, used by HTTP and by composite.

A handler gets a `Call` (who, which org, on which connection) and answers a `Reply`; it knows nothing of HTTP.
Handlers marked as writing run in one transaction, which a refusal rolls back. What a resource lacks is the
`lacks` of its route, and what is missing altogether is in `MISSING`: the guide's page of coverage is made of both.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

import asyncpg

from .access.questions import Caller, rights, visible_part
from .describe import describe, summary
from .errors import Fault, Faults, no_such_column, not_found
from .ids import parse_id
from .metadata import Catalogue, ObjectType
from .options import ORDINARY, CallOptions
from .orgs import Org
from .preconditions import describe_unchanged, entity_tag, require_unchanged, unchanged
from .query.columns import column_metadata
from .query.running import DEFAULT_BATCH, attributes, run_more, run_query
from .query.sosl import Search, answer_search, parameterized, parse_search
from .records import Records
from .saving.drafts import Saved
from .saving.storage import storage_fault
from .values import format_datetime, parse_datetime, write_value

MIN_VERSION, MAX_VERSION = 50, 67
STORAGE_MB = 10_240
_SEASONS = ("Winter", "Spring", "Summer")


def no_fault() -> None:
    """What meets a record on ordinary days."""


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
    options: CallOptions = ORDINARY
    row_fault: Callable[[], Fault | None] = no_fault
    door: str = ""
    """Of SOAP: `u` for partner, `c` for enterprise."""
    namespace: str | None = None
    """Of a managed package that is being installed: what it holds may be changed."""

    def __post_init__(self) -> None:
        """Every door sees what its user may see: `catalogue` is cut down here, once."""
        object.__setattr__(self, "catalogue", visible_part(self.catalogue, self.caller))

    @property
    def records(self) -> Records:
        """Verbs on records as this caller."""
        return Records(
            self.org, self.conn, self.catalogue, self.caller,
            options=self.options, version=self.version, namespace=self.namespace,
        )  # fmt: skip

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
    """What a handler is asked: path parameters, query parameters, JSON body, headers (names in lower case)."""

    path: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def body_object(self) -> dict[str, Any]:
        """The body as an object. JSON_PARSER_ERROR otherwise."""
        if not isinstance(self.body, dict):
            raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
        found: dict[str, Any] = self.body
        return found


Handler = Callable[[Call, Request], Awaitable[Reply]]
DESCRIBED: list[Callable[[Call, str], ObjectType | None]] = []
"""Where describes find objects that keep no records; other doors enter theirs by being imported."""
ALLOCATIONS: list[Callable[[Call], Awaitable[Mapping[str, Mapping[str, int]]]]] = []
"""What other doors add to the limits resource; they enter it by being imported."""


@dataclass(frozen=True)
class Route:
    """A resource: method, path pattern with `{names}`, handler, whether it writes, and what it lacks."""

    method: str
    pattern: str
    handler: Handler
    writes: bool = False
    lacks: str = ""
    xml: str = ""
    """What an answer's root is called in XML, `*` for a record's type; empty where there is JSON only."""

    def match(self, parts: Sequence[str]) -> dict[str, str] | None:
        """The named parts, where the pattern matches."""
        found: dict[str, str] = {}
        for wanted, part in zip(self.pattern.split("/"), parts, strict=True):
            if wanted.startswith("{"):
                found[wanted[1:-1]] = unquote(part)
            elif wanted != part:
                return None
        return found


ROUTES: list[Route] = []
_by_length: dict[int, list[Route]] = {}


def route(
    method: str, pattern: str, *, writes: bool = False, lacks: str = "", xml: str = ""
) -> Callable[[Handler], Handler]:
    """Enters a handler into the table. Of two that match, the one with fewer named parts answers."""

    def enter(handler: Handler) -> Handler:
        made = Route(method, pattern, handler, writes, lacks, xml)
        ROUTES.append(made)
        same = _by_length.setdefault(pattern.count("/"), [])
        same.append(made)
        same.sort(key=lambda known: known.pattern.count("{"))
        return handler

    return enter


MISSING: Sequence[tuple[str, str]] = (
    (
        "`Accept: application/xml` or `.xml`",
        "XML of versions, resources, `sobjects`, records and queries; else `NOT_ACCEPTABLE`; bodies are JSON",
    ),
    ("`query?explain=`", "refused with `FUNCTIONALITY_NOT_ENABLED`"),
    ("`sobjects/{name}/{id}/{blob field}`", "no fields of type base64"),
    ("`sobjects/{name}/describe/approvalLayouts`, `process/*`", "no approvals, no process rules"),
    ("`ui-api/list-*`", "`sobjects/{name}/listviews` tells the same views"),
    ("`search/scopeOrder`, `search/layout`, `search/suggestions`", "search answers records only"),
    ("`/services/async` (Bulk API 1.0)", "Bulk API 2.0: `jobs/ingest`, `jobs/query`"),
    (
        "`/u/{StreamingChannel}`, `/topic/{Name}?{field}={value}`",
        "PushTopics, with the filter in their queries",
    ),
    ("other `tooling/*`, `analytics/*`, `chatter/*`, `connect/*`, `actions/*`", "not part of this org"),
    (
        "`graphql`, `ui-api/layout`, `ui-api/record-ui`, `ui-api/record-defaults`",
        "records and object info only",
    ),
)
"""Resources of Salesforce that this org does not have, and what one gets or uses instead."""


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
    """The route for a path behind the version. NOT_FOUND, METHOD_NOT_ALLOWED or NOT_ACCEPTABLE otherwise."""
    parts = [part for part in path.split("/") if part] or [""]
    if len(parts) < 4 and parts[-1].endswith((".json", ".xml")):
        parts[-1], _, form = parts[-1].rpartition(".")
        if form == "xml":
            raise not_acceptable()
    allowed: set[str] = set()
    for candidate in _by_length.get(len(parts) - 1, ()):
        if candidate.method != method and candidate.method in allowed:
            continue
        found = candidate.match(parts)
        if found is not None:
            if candidate.method == method:
                return candidate, found
            allowed.add(candidate.method)
    if allowed:
        if "GET" in allowed:
            allowed.add("HEAD")
        raise Fault(
            "METHOD_NOT_ALLOWED",
            f"HTTP Method '{method}' not allowed. Allowed are {','.join(sorted(allowed))}",
            status=405,
        )
    raise not_found()


def not_acceptable() -> Fault:
    """406 for somebody who takes XML only."""
    return Fault("NOT_ACCEPTABLE", "This resource answers JSON only: ask for application/json", status=406)


async def dispatch(
    call: Call,
    method: str,
    path: str,
    query: Mapping[str, str],
    body: Any,
    headers: Mapping[str, str] | None = None,
) -> Reply:
    """Answers one request; refusals become replies, whatever was begun is rolled back."""
    try:
        if method == "POST" and query.get("_HttpMethod", "").upper() in ("PATCH", "DELETE", "PUT"):
            method = query["_HttpMethod"].upper()
        found, parameters = find_route("GET" if method == "HEAD" else method, path)
        request = Request(parameters, query, body, headers or {})
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


@route("GET", "", xml="urls")
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
        "quickActions",
        "compactLayouts",
        "ui-api",
        "jobs",
        "tooling",
    )
    links = {name: f"{base}/{name}" for name in names}
    links["metadata"] = f"{base}/metadata"
    links["identity"] = f"{call.origin}/id/{call.org.org_id}/{call.caller.user_id}"
    return Reply(body=links)


@route("GET", "limits", lacks="allocations of what this org has, no others")
async def limits(call: Call, request: Request) -> Reply:
    """Allocations and what is left of them."""
    usage = call.org.usage
    if not call.conn.is_in_transaction():
        await usage.sync(call.conn)  # other processes' requests too, and in a transaction it could be undone
    remaining = max(usage.maximum - usage.used, 0)
    stored = await call.conn.fetchval("SELECT pg_database_size(current_database()) >> 20")
    shown: dict[str, Mapping[str, int]] = {
        "DailyApiRequests": {"Max": usage.maximum, "Remaining": remaining},
        "DataStorageMB": {"Max": STORAGE_MB, "Remaining": max(STORAGE_MB - stored, 0)},
    }
    for more in ALLOCATIONS:
        shown |= await more(call)
    return Reply(body=shown)


@route("GET", "limits/recordCount")
async def record_count(call: Call, request: Request) -> Reply:
    """How many records there are of the named objects, or of all that the user may read."""
    names = [name for name in request.query.get("sObjects", "").split(",") if name.strip()]
    if names:
        found = [call.catalogue.get(name.strip()) for name in names[:100]]
    else:
        found = sorted(call.catalogue.objects.values(), key=lambda item: item.name)
    counts: list[dict[str, Any]] = []
    for value in found:
        if value is not None and rights(call.caller, value).read:
            live = ' WHERE NOT "IsDeleted"' if "IsDeleted" in value.fields else ""
            count = await call.conn.fetchval(f"SELECT count(*) FROM {value.table}{live}")
            counts.append({"count": count, "name": value.name})
    return Reply(body={"sObjects": counts})


@route("GET", "sobjects", xml="DescribeGlobal")
async def describe_global(call: Call, request: Request) -> Reply:
    """All objects the user may read."""
    if await describe_unchanged(call.conn, request.headers, call.caller.user_id):
        return Reply(304)
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
    name = request.path["name"]
    found = (find(call, name) for find in DESCRIBED if call.catalogue.get(name) is None)
    value = next((one for one in found if one is not None), None) or call.records.object(name)
    if await describe_unchanged(call.conn, request.headers, call.caller.user_id):
        return Reply(304)
    return Reply(body=describe(value, call.catalogue, call.caller, call.version))


@route("POST", "sobjects/{name}", writes=True)
async def create(call: Call, request: Request) -> Reply:
    """Makes a record: 201 and its id."""
    value = call.records.object(request.path["name"])
    saved = one(await call.records.create(value, [request.body_object()]))
    location = {"Location": f"{call.base}/sobjects/{value.name}/{saved.id}"}
    told = [Fault("OPERATION_ENQUEUED", saved.event).as_save_error()] if saved.event else []
    return Reply(201, {"id": saved.id, "success": True, "errors": told}, location)


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


@route("GET", "sobjects/{name}/{id}", xml="*")
async def read(call: Call, request: Request) -> Reply:
    """A record by id."""
    value = call.records.object(request.path["name"])
    return await record_reply(call, value, record_id_of(request.path["id"]), request)


def record_id_of(text: str) -> str:
    """The id in a path. MALFORMED_ID for what only looks like one, NOT_FOUND for anything else."""
    record_id = parse_id(text)
    if record_id is None and len(text) in (15, 18):
        raise Fault("MALFORMED_ID", f"malformed id {text}")
    if record_id is None:
        raise not_found("Provided external ID field does not exist or is not accessible: " + text)
    return record_id


async def record_reply(call: Call, value: ObjectType, record_id: str, request: Request) -> Reply:
    """A record as asked for: all fields or some, or 304 where the asker's copy is still right."""
    asked = request.query.get("fields")
    fields = list(value.fields.values())
    if asked:
        fields = [value.fields["Id"]]
        for name in asked.split(","):
            item = value.get(name.strip())
            if item is None:
                raise no_such_column(name.strip(), value.name)
            if item not in fields:
                fields.append(item)
    shown = {item.name for item in fields}
    stamps = [value.fields[name] for name in ("LastModifiedDate", "SystemModstamp") if name in value.fields]
    row = (
        await call.records.fetch(value, [record_id], fields + [item for item in stamps if item not in fields])
    ).get(record_id)
    if row is None:
        raise not_found()
    headers = {"ETag": entity_tag(row)} if value.name == "Account" else {}
    if unchanged(request.headers, row, tagged=value.name == "Account"):
        return Reply(304, headers=headers)
    body: dict[str, Any] = {"attributes": attributes(value.name, record_id, call.version)}
    for name, content in row.items():
        if name in shown:
            body[name] = write_value(content)
    return Reply(200, body, headers)


async def _still(call: Call, value: ObjectType, raw_id: str, request: Request) -> None:
    """412 where the record has changed since the asker's copy, as conditional headers say."""
    if not any(name in request.headers for name in ("if-match", "if-unmodified-since", "if-none-match")):
        return
    record_id = parse_id(raw_id)
    columns = [
        value.fields[name] for name in ("Id", "LastModifiedDate", "SystemModstamp") if name in value.fields
    ]
    row = (await call.records.fetch(value, [record_id or ""], columns)).get(record_id or "")
    if row is not None:
        require_unchanged(request.headers, row, tagged=value.name == "Account")


@route("PATCH", "sobjects/{name}/{id}", writes=True)
async def update(call: Call, request: Request) -> Reply:
    """Changes a record by id: 204."""
    value = call.records.object(request.path["name"])
    await _still(call, value, request.path["id"], request)
    one(await call.records.update(value, [(request.path["id"], request.body_object())]))
    return Reply(204)


@route("DELETE", "sobjects/{name}/{id}", writes=True)
async def delete(call: Call, request: Request) -> Reply:
    """Deletes a record by id: 204."""
    value = call.records.object(request.path["name"])
    await _still(call, value, request.path["id"], request)
    one(await call.records.delete(value, [request.path["id"]]))
    return Reply(204)


def one(results: Sequence[Saved]) -> Saved:
    """The only result, or its faults as an exception."""
    if results[0].faults:
        raise Faults(results[0].faults)
    return results[0]


# -- query and search ----------------------------------------------------------------------------------------


def _asked(request: Request) -> str:
    if "explain" in request.query:
        raise Fault(
            "FUNCTIONALITY_NOT_ENABLED", "Query plans are not available in this org: leave out explain"
        )
    text = request.query.get("q")
    if text is None:
        raise Fault("MALFORMED_QUERY", "SOQL statement is required: parameter q")
    return text


@route("GET", "query", xml="QueryResult")
async def query(call: Call, request: Request) -> Reply:
    """A query's first page, or with `columns=true` what its columns are."""
    if request.query.get("columns", "").lower() == "true":
        return Reply(body=column_metadata(_asked(request), call.catalogue, call.caller))
    return Reply(
        body=await run_query(
            call.conn, call.catalogue, call.caller, _asked(request), version=call.version, batch=call.batch
        )
    )


@route("GET", "queryAll", xml="QueryResult")
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


@route("GET", "query/{locator}", xml="QueryResult")
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


route("GET", "queryAll/{locator}", xml="QueryResult")(query_more)


@route("GET", "search")
async def search(call: Call, request: Request) -> Reply:
    """SOSL."""
    text = request.query.get("q")
    if text is None:
        raise Fault("MALFORMED_SEARCH", "No search term found. The search term must be enclosed in braces.")
    return await _found(call, parse_search(text))


async def _found(call: Call, asked: Search) -> Reply:
    found = await answer_search(call.conn, call.catalogue, call.caller, asked, version=call.version)
    return Reply(body=found)


@route("POST", "parameterizedSearch")
async def parameterized_search(call: Call, request: Request) -> Reply:
    """A search without SOSL."""
    return await _found(call, parameterized(call.catalogue, request.body_object()))


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
    return await _found(call, parameterized(call.catalogue, body))


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
