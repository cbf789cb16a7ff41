"""Bulk jobs as rows: making them, moving them from state to state, and how the API shows them.

An ingest job is Open until its data is complete, then UploadComplete, InProgress, and at last JobComplete, Failed or
Aborted. A query job begins with UploadComplete. Only `runner.py` moves a job that is InProgress, except to Aborted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..access.questions import Caller, rights
from ..errors import Fault, not_found
from ..ids import make_id, parse_id
from ..metadata import Catalogue, Field, ObjectType
from ..options import CallOptions
from ..query.compile import compile_query
from ..query.soql import parse
from ..query.soql_tree import Query
from ..rest import Call
from ..values import format_datetime
from .csv_text import DELIMITERS, LINE_ENDINGS

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
QUERIES = ("query", "queryAll")
ENDED = ("JobComplete", "Failed", "Aborted")
MAX_UPLOAD = 150 * 1024 * 1024
MAX_MULTIPART = 100_000
"""Characters of data that may come along with the request that makes the job."""
MAX_ROWS_A_DAY = 100_000_000
MAX_QUERIES_A_DAY = 10_000
KEPT_DAYS = 7
PER_LIST = 1_000
_RIGHTS = {"insert": "create", "update": "edit", "upsert": "edit", "delete": "delete", "hardDelete": "delete"}


@dataclass(frozen=True, slots=True)
class Job:
    """One row of `meta.bulk_job`."""

    id: str
    kind: str
    operation: str
    object_name: str
    user_id: str
    state: str
    external_id: str | None
    soql: str | None
    delimiter: str
    line_ending: str
    api_version: str
    options: Mapping[str, Any]
    processed: int
    failed: int
    retries: int
    busy_ms: int
    problem: str | None
    uploaded: bool
    deleted: bool
    created_at: Any
    changed_at: Any

    @property
    def call_options(self) -> CallOptions:
        """What the headers asked for when the job was made."""
        return CallOptions(**self.options)

    def as_json(self, *, detailed: bool = True) -> dict[str, Any]:
        """As the API shows it; `detailed` adds what the answer to making or moving it leaves out."""
        shown: dict[str, Any] = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object_name,
            "createdById": self.user_id,
            "createdDate": format_datetime(self.created_at),
            "systemModstamp": format_datetime(self.changed_at),
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.api_version),
            "lineEnding": self.line_ending,
            "columnDelimiter": self.delimiter,
        }
        if self.kind == "ingest":
            shown["contentUrl"] = f"services/data/v{self.api_version}/jobs/ingest/{self.id}/batches"
            if self.external_id:
                shown["externalIdFieldName"] = self.external_id
        if not detailed:
            return shown
        shown |= {
            "jobType": "V2Ingest" if self.kind == "ingest" else "V2Query",
            "numberRecordsProcessed": self.processed,
            "retries": self.retries,
            "totalProcessingTime": self.busy_ms,
        }
        if self.kind == "ingest":
            shown |= {
                "numberRecordsFailed": self.failed,
                "apiActiveProcessingTime": self.busy_ms,
                "apexProcessingTime": 0,
            }
        else:
            shown["isPkChunkingSupported"] = True
        if self.problem:
            shown["errorMessage"] = self.problem
        return shown


def job_of(row: Mapping[str, Any]) -> Job:
    """The job of a row with all columns."""
    return Job(**dict(row))


# -- making --------------------------------------------------------------------------------------------------


def _choice(body: Mapping[str, Any], name: str, known: Mapping[str, str], default: str) -> str:
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str) or value.upper() not in known:
        raise Fault("INVALIDJOB", f"InvalidJob : {name} must be one of {', '.join(known)}")
    return value.upper()


def _known(body: Mapping[str, Any], names: frozenset[str]) -> None:
    for name in body:
        if name not in names:
            raise Fault("JSON_PARSER_ERROR", f'Unrecognized field "{name[:80]}"')
    if str(body.get("contentType") or "CSV").upper() != "CSV":
        raise Fault("INVALIDJOB", "InvalidJob : contentType must be CSV")


_INGEST = frozenset({
    "assignmentRuleId", "columnDelimiter", "contentType", "externalIdFieldName", "lineEnding", "object", "operation",
})  # fmt: skip
_QUERY = frozenset({"columnDelimiter", "contentType", "lineEnding", "operation", "query"})


async def make_ingest(call: Call, body: Mapping[str, Any]) -> Job:
    """A new job that takes records in, Open. A `Fault` where it could never be done."""
    _known(body, _INGEST)
    operation = body.get("operation")
    if operation not in OPERATIONS:
        raise Fault("INVALIDJOB", f"InvalidJob : operation must be one of {', '.join(OPERATIONS)}")
    name = body.get("object")
    value = call.catalogue.get(name) if isinstance(name, str) else None
    if value is None or value.kind == "metadata_type":
        raise Fault(
            "INVALIDENTITY", f"InvalidEntity : Entity '{str(name)[:80]}' is not supported by the Bulk API."
        )
    granted = rights(call.caller, value)
    if not getattr(granted, _RIGHTS[operation]) and not (operation == "upsert" and granted.create):
        raise Fault(
            "INSUFFICIENT_ACCESS", f"entity type cannot be written by {operation}: {value.label}", status=403
        )
    if operation == "hardDelete" and not call.caller.may("ModifyAllData"):
        raise Fault(
            "FEATURENOTENABLED",
            "FeatureNotEnabled : hardDelete needs the permission Modify All Data",
            status=403,
        )
    return await _insert(
        call,
        kind="ingest",
        operation=str(operation),
        object_name=value.name,
        state="Open",
        external_id=_key(value, body) if operation == "upsert" else None,
        soql=None,
        delimiter=_choice(body, "columnDelimiter", DELIMITERS, "COMMA"),
        line_ending=_choice(body, "lineEnding", LINE_ENDINGS, "LF"),
    )


def _key(value: ObjectType, body: Mapping[str, Any]) -> str:
    name = body.get("externalIdFieldName")
    key = value.get(name) if isinstance(name, str) else None
    if key is None or not (key.external_id or key.type == "id"):
        raise Fault(
            "INVALIDJOB",
            f"InvalidJob : Field name provided, {str(name)[:80]} does not match an External ID, Salesforce Id, or "
            f"indexed field for {value.name}",
        )
    return key.name


async def make_query(call: Call, body: Mapping[str, Any]) -> Job:
    """A new job that puts a query's records out, ready to be done. A `Fault` where the query is refused."""
    _known(body, _QUERY)
    if body.get("operation") not in QUERIES:
        raise Fault("INVALIDJOB", f"InvalidJob : operation must be one of {', '.join(QUERIES)}")
    soql = body.get("query")
    if not isinstance(soql, str) or not soql.strip():
        raise Fault("INVALIDJOB", "InvalidJob : query must be a SOQL statement")
    today = await call.conn.fetchval(
        "SELECT count(*) FROM meta.bulk_job WHERE kind = 'query' AND created_at > now() - interval '1 day'"
    )
    if today >= MAX_QUERIES_A_DAY:
        raise Fault(
            "EXCEEDEDQUOTA", f"ExceededQuota : {MAX_QUERIES_A_DAY} query jobs in 24 hours", status=403
        )
    query = bulk_query(soql)
    compiled = compile_query(
        query, call.catalogue, call.caller, deleted_too=body["operation"] == "queryAll",
        version=int(float(call.version)),
    )  # fmt: skip
    if compiled.aggregated or compiled.is_count:
        raise Fault("API_ERROR", "Aggregate functions are not supported in Bulk Query")
    return await _insert(
        call,
        kind="query",
        operation=str(body["operation"]),
        object_name=compiled.value.name,
        state="UploadComplete",
        external_id=None,
        soql=soql,
        delimiter=_choice(body, "columnDelimiter", DELIMITERS, "COMMA"),
        line_ending=_choice(body, "lineEnding", LINE_ENDINGS, "LF"),
    )


def bulk_query(soql: str) -> Query:
    """The query, where a bulk job can do it. `Fault` otherwise."""
    query = parse(soql)
    if query.offset:
        raise Fault("API_ERROR", "OFFSET is not supported in Bulk Query")
    if any(isinstance(item, Query) for item in query.select):
        raise Fault("API_ERROR", "Nested queries are not supported in Bulk Query")
    if query.group is not None:
        raise Fault("API_ERROR", "GROUP BY is not supported in Bulk Query")
    return query


async def _insert(call: Call, **columns: Any) -> Job:
    number = await call.conn.fetchval("SELECT nextval('meta.record_number')")
    columns |= {
        "id": make_id("750", call.org.instance, number),
        "user_id": call.caller.user_id,
        "api_version": call.version,
        "options": {name: getattr(call.options, name) for name in CallOptions.__slots__},
    }
    await forget_old(call.conn)
    names = ", ".join(columns)
    values = ", ".join(f"${position}" for position in range(1, len(columns) + 1))
    row = await call.conn.fetchrow(
        f"INSERT INTO meta.bulk_job ({names}) VALUES ({values}) RETURNING *",  # noqa: S608 - names are ours
        *columns.values(),
    )
    return job_of(row)


async def forget_old(conn: Any) -> None:
    """Removes jobs and their data a week after they were made."""
    await conn.execute(
        "DELETE FROM meta.bulk_job WHERE created_at < now() - make_interval(days => $1)", KEPT_DAYS
    )


# -- finding and moving --------------------------------------------------------------------------------------


def sees_all(caller: Caller) -> bool:
    """Whether a user sees the jobs of others."""
    return caller.may("ViewAllData")


async def find(conn: Any, caller: Caller, kind: str, raw_id: str) -> Job:
    """A job that the user may see. NOT_FOUND otherwise."""
    row = await conn.fetchrow(
        "SELECT * FROM meta.bulk_job WHERE id = $1 AND kind = $2 AND NOT deleted", parse_id(raw_id), kind
    )
    if row is None or not (row["user_id"] == caller.user_id or sees_all(caller)):
        raise not_found()
    return job_of(row)


async def move(conn: Any, job: Job, state: object) -> Job:
    """What a client may do to a job's state: UploadComplete or Aborted."""
    allowed = ("UploadComplete", "Aborted") if job.kind == "ingest" else ("Aborted",)
    if state not in allowed:
        raise Fault("INVALIDJOB", f"InvalidJob : state must be {' or '.join(allowed)}")
    before = ("Open",) if state == "UploadComplete" else ("Open", "UploadComplete", "InProgress")
    if state == "UploadComplete":
        taken = await conn.fetchval(
            "SELECT coalesce(sum(processed), 0) FROM meta.bulk_job WHERE kind = 'ingest'"
            " AND created_at > now() - interval '1 day'"
        )
        if taken >= MAX_ROWS_A_DAY:
            raise Fault("EXCEEDEDQUOTA", f"ExceededQuota : {MAX_ROWS_A_DAY} records in 24 hours", status=403)
    row = await conn.fetchrow(
        "UPDATE meta.bulk_job SET state = $2, changed_at = now() WHERE id = $1 AND state = ANY($3) RETURNING *",
        job.id,
        state,
        list(before),
    )
    if row is None:
        raise Fault("INVALIDJOBSTATE", f"Job {job.id} is {job.state} and cannot become {state}")
    return job_of(row)


async def remove(conn: Any, job: Job) -> None:
    """Forgets a job's data and hides it; what it did is still counted against the day's limits."""
    removable = ("UploadComplete", *ENDED)
    gone = await conn.fetchval(
        "UPDATE meta.bulk_job SET deleted = true, changed_at = now(),"
        " state = CASE state WHEN 'UploadComplete' THEN 'Aborted' ELSE state END"
        " WHERE id = $1 AND state = ANY($2) RETURNING id",
        job.id,
        list(removable),
    )
    if gone is None:
        raise Fault("INVALIDJOBSTATE", f"Job {job.id} is {job.state}: abort it before it can be deleted")
    await conn.execute("DELETE FROM meta.bulk_data WHERE job_id = $1", job.id)
    await conn.execute("DELETE FROM meta.bulk_batch WHERE job_id = $1", job.id)


async def listed(conn: Any, caller: Caller, kind: str, after: str | None) -> tuple[list[Job], str | None]:
    """Jobs, oldest first, and where the next page begins."""
    rows = await conn.fetch(
        "SELECT * FROM meta.bulk_job WHERE kind = $1 AND NOT deleted AND ($2 OR user_id = $3)"
        " AND ($4::text IS NULL OR (created_at, id) > (SELECT created_at, id FROM meta.bulk_job WHERE id = $4))"
        " ORDER BY created_at, id LIMIT $5",
        kind,
        sees_all(caller),
        caller.user_id,
        after,
        PER_LIST + 1,
    )
    found = [job_of(row) for row in rows]
    return found[:PER_LIST], found[PER_LIST - 1].id if len(found) > PER_LIST else None


async def allocations(conn: Any) -> dict[str, dict[str, int]]:
    """What bulk jobs may still do today, for the limits resource."""
    row = await conn.fetchrow(
        "SELECT count(*) FILTER (WHERE kind = 'query') AS queries,"
        " coalesce(sum(ceil(processed / 10000.0)) FILTER (WHERE kind = 'ingest'), 0)::bigint AS batches"
        " FROM meta.bulk_job WHERE created_at > now() - interval '1 day'"
    )
    batches = MAX_ROWS_A_DAY // 10_000
    return {
        "DailyBulkApiBatches": {"Max": batches, "Remaining": max(batches - row["batches"], 0)},
        "DailyBulkV2QueryJobs": {
            "Max": MAX_QUERIES_A_DAY,
            "Remaining": max(MAX_QUERIES_A_DAY - row["queries"], 0),
        },
    }


def field_named(catalogue: Catalogue, job: Job) -> Field | None:
    """The field by which an upsert finds records."""
    value = catalogue.get(job.object_name)
    return value.get(job.external_id) if value and job.external_id else None
