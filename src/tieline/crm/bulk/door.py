"""`jobs/ingest` and `jobs/query` over HTTP: JSON about jobs, CSV in and out, never a whole upload in memory."""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from ..errors import Fault, not_found
from ..gateway import answer, api_version, calling, org_of_token
from ..orgs import Org, connect
from ..rest import ALLOCATIONS, Call, Reply
from ..web import parse_json, place_of, read_body, read_json
from . import jobs
from .csv_text import CsvProblem, Reader, records_of, written
from .ingest import batches_of
from .jobs import MAX_MULTIPART, MAX_UPLOAD, Job

PATH = re.compile(r"/services/data/[^/]*/jobs(/.*)?")
"""What `RestFirst` leaves to these routes: bodies and answers that are not JSON."""
_PIECE = 1024 * 1024
_ROWS_PER_ANSWER = 250_000
_UPLOAD_S = 600
_Work = Callable[[Request, Call], Awaitable[Response]]
_After = Callable[[Request, Org], Awaitable[None]]


def _door(work: _Work, after: _After | None = None) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for an access token; refusals in the API's words.

    `after` goes on with what `work` has found when the call's connection, of which there are few, is free again.
    """

    async def endpoint(request: Request) -> Response:
        org = await org_of_token(request)
        try:
            if place_of(request) == "lightning" or _kind(request) not in ("ingest", "query"):
                raise not_found()
            version = api_version(f"v{request.path_params['version']}")
            async with calling(request, org, version) as call:
                response = await work(request, call)
            if after is not None:
                await after(request, org)
            return response
        except Fault as fault:
            return answer(org, Reply(fault.status, [fault.as_row()]))

    return endpoint


def _said(call: Call, job: Job, status: int = 200, *, detailed: bool = True) -> Response:
    return answer(call.org, Reply(status, job.as_json(detailed=detailed)))


async def _body(request: Request) -> dict[str, Any]:
    body = await read_json(request)
    if not isinstance(body, dict):
        raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    found: dict[str, Any] = body
    return found


def _kind(request: Request) -> str:
    return request.url.path.split("/")[5]


async def _found(request: Request, call: Call) -> Job:
    return await jobs.find(call.conn, call.caller, _kind(request), request.path_params["id"])


# -- jobs ----------------------------------------------------------------------------------------------------


async def _make(request: Request, call: Call) -> Response:
    if _kind(request) == "query":
        job = await jobs.make_query(call, await _body(request))
        call.org.wake("query")
        return _said(call, job, detailed=False)
    if request.headers.get("content-type", "").lower().startswith("multipart/"):
        return await _make_with_data(request, call)
    return _said(call, await jobs.make_ingest(call, await _body(request)), detailed=False)


async def _make_with_data(request: Request, call: Call) -> Response:
    """A job and its data in one request: nothing is left but to wait for it."""
    about, content = _parts(await read_body(request), request.headers["content-type"])
    if len(content) > 4 * MAX_MULTIPART or len(content.decode("utf-8", "replace")) > MAX_MULTIPART:
        raise Fault("INVALIDJOB", f"InvalidJob : Multipart data has more than {MAX_MULTIPART} characters")
    body = parse_json(about)
    if not isinstance(body, dict):
        raise Fault("JSON_PARSER_ERROR", "The part named job must be a JSON object")
    given: dict[str, Any] = body
    async with call.conn.transaction():
        job = await jobs.make_ingest(call, given)
        await _store(call.conn, job, 0, content)
        await call.conn.execute("UPDATE meta.bulk_job SET uploaded = true WHERE id = $1", job.id)
        job = await jobs.move(call.conn, job, "UploadComplete")
    call.org.wake("ingest")
    return _said(call, job, detailed=False)


def _parts(body: bytes, content_type: str) -> tuple[bytes, bytes]:
    """The parts `job` and `content` of a multipart body."""
    found = re.search(r'boundary="?([^";,]{1,70})"?', content_type, re.IGNORECASE)
    if found is None:
        raise Fault("INVALIDJOB", "InvalidJob : The multipart body names no boundary")
    parts: dict[str, bytes] = {}
    for part in (b"\r\n" + body.lstrip()).split(b"\r\n--" + found.group(1).encode())[1:-1][:10]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="?(\w+)"?', head)
        if name is not None:
            parts[name.group(1).decode()] = content
    if "job" not in parts or "content" not in parts:
        raise Fault("INVALIDJOB", "InvalidJob : The multipart body must have the parts job and content")
    return parts["job"], parts["content"]


async def _list(request: Request, call: Call) -> Response:
    kind = _kind(request)
    after = request.query_params.get("queryLocator")
    found, following = await jobs.listed(call.conn, call.caller, kind, after)
    more = f"/services/data/v{call.version}/jobs/{kind}?queryLocator={following}" if following else None
    shown = [job.as_json(detailed=False) | {"jobType": job.as_json()["jobType"]} for job in found]
    return answer(call.org, Reply(body={"done": more is None, "records": shown, "nextRecordsUrl": more}))


async def _read(request: Request, call: Call) -> Response:
    return _said(call, await _found(request, call))


async def _change(request: Request, call: Call) -> Response:
    job = await _found(request, call)
    state = (await _body(request)).get("state")
    job = await jobs.move(call.conn, job, state)
    if state == "UploadComplete":
        call.org.wake("ingest")
    return _said(call, job, detailed=False)


async def _delete(request: Request, call: Call) -> Response:
    job = await _found(request, call)
    async with call.conn.transaction():
        await jobs.remove(call.conn, job)
    return answer(call.org, Reply(204))


# -- data in -------------------------------------------------------------------------------------------------


async def _may_upload(request: Request, call: Call) -> Response:
    job = await _found(request, call)
    kind = request.headers.get("content-type", "text/csv").split(";")[0].strip().lower()
    if kind != "text/csv":
        raise Fault("UNSUPPORTED_MEDIA_TYPE", f"Content-Type not supported: {kind[:80]}", status=415)
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > MAX_UPLOAD:
        raise _too_large()
    if job.state != "Open":
        raise Fault("INVALIDJOBSTATE", f"Job {job.id} is {job.state} and takes no data")
    request.state.job = job
    return answer(call.org, Reply(201))


async def _upload(request: Request, org: Org) -> None:
    """Data of an open job, kept as it comes, on a connection of its own; a request that breaks off leaves nothing."""
    job: Job = request.state.job
    conn = await connect(org.settings, org.database)
    try:
        async with asyncio.timeout(_UPLOAD_S), conn.transaction():
            taken = await conn.fetchval(
                "UPDATE meta.bulk_job SET uploaded = true, changed_at = now()"
                " WHERE id = $1 AND state = 'Open' AND NOT uploaded RETURNING id",
                job.id,
            )
            if taken is None:
                raise Fault(
                    "INVALIDBATCH",
                    f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the current "
                    "Job then create a new Job and make sure you only do 'PUT' once on a given Job.",
                )
            number = 0
            async for piece in _pieces(request):
                await _store(conn, job, number, piece)
                number += 1
    finally:
        conn.terminate()


async def _store(conn: Any, job: Job, number: int, piece: bytes) -> None:
    await conn.execute(
        "INSERT INTO meta.bulk_data (job_id, number, content) VALUES ($1, $2, $3)", job.id, number, piece
    )


def _too_large() -> Fault:
    return Fault(
        "INVALIDBATCH",
        f"InvalidBatch : The data is larger than {MAX_UPLOAD >> 20} MB: use several jobs",
        status=413,
    )


async def _pieces(request: Request) -> AsyncGenerator[bytes]:
    """The body, decompressed, in pieces of one size. Its limit is that of the text."""
    coding = request.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "gzip"):
        raise Fault("UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding not supported: {coding[:80]}", status=415)
    unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16) if coding == "gzip" else None
    waiting, total = bytearray(), 0
    async for chunk in request.stream():
        rest = chunk
        while rest:
            if unpacking is None:
                content, rest = rest, b""
            else:
                try:
                    content = unpacking.decompress(rest, _PIECE)
                except zlib.error:
                    raise Fault("INVALIDBATCH", "InvalidBatch : The body is not gzip") from None
                rest = unpacking.unconsumed_tail
            total += len(content)
            if total > MAX_UPLOAD:
                raise _too_large()
            waiting += content
            while len(waiting) >= _PIECE:
                yield bytes(waiting[:_PIECE])
                del waiting[:_PIECE]
    if unpacking is not None and not unpacking.eof:
        raise Fault("INVALIDBATCH", "InvalidBatch : The compressed body is not complete")
    if waiting:
        yield bytes(waiting)


# -- data out ------------------------------------------------------------------------------------------------


def _csv(org: Org, content: AsyncGenerator[bytes], headers: dict[str, str] | None = None) -> Response:
    everything = {
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Sforce-Limit-Info": org.usage.header,
    } | (headers or {})
    return StreamingResponse(content, headers=everything, media_type="text/csv")


async def _results(request: Request, call: Call) -> Response:
    """What became of a job's records: `successfulResults`, `failedResults` or `unprocessedrecords`."""
    job = await _found(request, call)
    which = request.path_params["which"].lower()
    if job.state not in jobs.ENDED:
        raise Fault("INVALIDJOBSTATE", f"Job {job.id} is {job.state}: its results are not complete yet")
    if which == "unprocessedrecords":
        return _csv(call.org, _unprocessed(call.org, job))
    if which not in ("successfulresults", "failedresults"):
        raise not_found()
    good = which == "successfulresults"
    return _csv(call.org, _of_batches(call.org, job, "successes" if good else "failures", good))


async def _names(org: Org, job: Job) -> list[str]:
    """The header of a job's data, as far as it can be read."""
    reader = Reader(job.delimiter, job.line_ending)
    try:
        async for _ in batches_of(org, job, reader):
            break
    except CsvProblem:
        pass
    return reader.names


async def _of_batches(org: Org, job: Job, column: str, good: bool) -> AsyncGenerator[bytes]:
    header = ["sf__Id", "sf__Created" if good else "sf__Error", *await _names(org, job)]
    yield written([header], job.delimiter, job.line_ending).encode()
    number = -1
    while True:
        async with org.connection() as conn:
            row = await conn.fetchrow(
                f"SELECT number, {column} AS content FROM meta.bulk_batch"  # noqa: S608 - one of two names
                " WHERE job_id = $1 AND number > $2 ORDER BY number LIMIT 1",
                job.id,
                number,
            )
        if row is None:
            return
        number = row["number"]
        if row["content"]:
            yield row["content"]


async def _unprocessed(org: Org, job: Job) -> AsyncGenerator[bytes]:
    """Records that no batch has taken, as far as they can be read."""
    async with org.connection() as conn:
        rows = await conn.fetch("SELECT number FROM meta.bulk_batch WHERE job_id = $1", job.id)
    done = {row["number"] for row in rows}
    reader = Reader(job.delimiter, job.line_ending)
    begun = False
    try:
        async for number, batch in batches_of(org, job, reader):
            if not begun:
                begun = True
                yield written([reader.names], job.delimiter, job.line_ending).encode()
            if number not in done:
                yield written(batch, job.delimiter, job.line_ending).encode()
    except CsvProblem:
        pass
    if not begun and reader.names:
        yield written([reader.names], job.delimiter, job.line_ending).encode()


async def _page(request: Request, call: Call) -> Response:
    """Records of a query job: `maxRecords` of them, from where the locator says."""
    job = await _found(request, call)
    if job.state != "JobComplete":
        raise Fault("INVALIDJOBSTATE", f"Job {job.id} is {job.state}: its results cannot be read")
    start = _number(request, "locator", 0, least=0)
    wanted = _number(request, "maxRecords", _ROWS_PER_ANSWER, least=1)
    if start > job.processed:
        raise Fault("INVALID_LOCATOR", "The locator is not one of this job")
    end = min(start + wanted, job.processed)
    headers = {
        "Sforce-Locator": str(end) if end < job.processed else "null",
        "Sforce-NumberOfRecords": str(end - start),
    }
    return _csv(call.org, _records(call.org, job, start, end), headers)


def _number(request: Request, name: str, default: int, *, least: int) -> int:
    text = request.query_params.get(name)
    if text is None or text in ("", "null"):
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > 12 or int(text) < least:
        raise Fault("INVALID_LOCATOR" if name == "locator" else "INVALID_INPUT", f"{name} is not valid")
    return int(text)


async def _records(org: Org, job: Job, start: int, end: int) -> AsyncGenerator[bytes]:
    number = position = 0
    async with org.connection() as conn:
        header: bytes = await conn.fetchval(
            "SELECT failures FROM meta.bulk_batch WHERE job_id = $1 AND number = 0", job.id
        )
        rows = await conn.fetch(
            "SELECT number, records FROM meta.bulk_batch WHERE job_id = $1 ORDER BY number", job.id
        )
    yield header or b""
    for row in rows:
        number, count = row["number"], row["records"]
        if position < end and position + count > start:
            async with org.connection() as conn:
                content: bytes = await conn.fetchval(
                    "SELECT successes FROM meta.bulk_batch WHERE job_id = $1 AND number = $2", job.id, number
                )
            yield await _cut(job, header, content or b"", start - position, end - position, count)
        position += count


async def _cut(job: Job, header: bytes, content: bytes, start: int, end: int, count: int) -> bytes:
    """Of a page's records those from `start` to `end`; records may have line breaks inside."""
    if start <= 0 and end >= count:
        return content

    async def whole() -> AsyncGenerator[bytes]:
        yield header + content

    rows: list[Sequence[str]] = []
    async for found in records_of(whole(), Reader(job.delimiter, job.line_ending)):
        rows += found
    return written(rows[max(start, 0) : end], job.delimiter, job.line_ending).encode()


_DATA = "/services/data/v{version}/jobs"
_JOBS = _DATA + "/{kind}"
_ENDPOINTS: Sequence[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = (
    ("POST", _JOBS, _door(_make)),
    ("GET", _JOBS, _door(_list)),
    ("GET", _JOBS + "/{id}", _door(_read)),
    ("PATCH", _JOBS + "/{id}", _door(_change)),
    ("DELETE", _JOBS + "/{id}", _door(_delete)),
    ("PUT", _DATA + "/ingest/{id}/batches", _door(_may_upload, _upload)),
    ("GET", _DATA + "/query/{id}/results", _door(_page)),
    ("GET", _DATA + "/ingest/{id}/{which}", _door(_results)),
)
ROUTES = [
    Route(path + slash, endpoint, methods=[method])
    for method, path, endpoint in _ENDPOINTS
    for slash in ("", "/")
]
ALLOCATIONS.append(lambda call: jobs.allocations(call.conn))
