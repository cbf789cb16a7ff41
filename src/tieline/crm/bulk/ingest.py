"""Taking a job's records in: CSV to records through the same verbs as any other door, batch by batch.

Each batch is one transaction that saves its records, says what became of them and counts them, so that a job which
is taken up again after a crash does nothing twice. Batches are cut by number of rows, the same way every time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from ..access.questions import Caller, visible_part
from ..errors import Fault
from ..metadata import Catalogue, Field, ObjectType
from ..orgs import Org
from ..records import Records
from ..saving import recycle_bin
from ..saving.drafts import Saved
from .csv_text import CsvProblem, Reader, records_of, written
from .jobs import Job

BATCH = 1_000
"""Records of one transaction: the event loop is held for a twentieth of a second at most."""
PARALLEL = 2
"""Batches under way: while the database works on one, the next is read."""
ATTEMPTS = 8
_TRUE = frozenset({"true", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "no", "n", "off", "0"})
_CROSSED = (
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.SerializationError,
)
"""How two transactions tell each other to begin again."""


class Stopped(Exception):
    """The job is no longer to be done: it was aborted or deleted."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the CSV: a field, or a reference that is given by a key of the record it points to."""

    field: Field
    target: ObjectType | None = None
    key: Field | None = None


async def data_of(org: Org, job_id: str) -> AsyncGenerator[bytes]:
    """What was sent to a job, piece by piece."""
    number = 0
    while True:
        async with org.connection() as conn:
            piece: bytes | None = await conn.fetchval(
                "SELECT content FROM meta.bulk_data WHERE job_id = $1 AND number = $2", job_id, number
            )
        if piece is None:
            return
        yield piece
        number += 1


async def batches_of(org: Org, job: Job, reader: Reader) -> AsyncGenerator[tuple[int, list[list[str]]]]:
    """The job's records in numbered batches. CsvProblem behind the last that can be read."""
    number, waiting = 0, list[list[str]]()
    problem: CsvProblem | None = None
    try:
        async for rows in records_of(data_of(org, job.id), reader):
            waiting += rows
            start = 0
            while len(waiting) - start >= BATCH:
                yield number, waiting[start : start + BATCH]
                number, start = number + 1, start + BATCH
            del waiting[:start]
    except CsvProblem as found:
        problem = found
    if waiting:
        yield number, waiting
    if problem is not None:
        raise problem


def columns_of(job: Job, names: Sequence[str], visible: Catalogue) -> list[Column]:
    """What the header's names mean to the job. CsvProblem where one means nothing."""
    value = visible.get(job.object_name)
    if value is None:
        raise CsvProblem(f"InvalidBatch : Entity not found : {job.object_name}")
    columns = [_column(value, name, visible) for name in names]
    given = {column.field.name for column in columns if column.target is None}
    needed = {"update": "Id", "delete": "Id", "hardDelete": "Id", "upsert": job.external_id}.get(
        job.operation
    )
    if needed is not None and needed not in given:
        raise CsvProblem(f"InvalidBatch : Missing required field : {needed}")
    if job.operation in ("delete", "hardDelete") and len(columns) > 1:
        raise CsvProblem("InvalidBatch : A delete takes the column Id and no other")
    return columns


def _column(value: ObjectType, name: str, visible: Catalogue) -> Column:
    found = value.get(name)
    if found is not None and not found.hidden:
        return Column(found)
    path, dot, key_name = name.rpartition(".")
    kind, colon, relationship = path.rpartition(":")
    reference = value.by_relationship.get(relationship.lower()) if dot else None
    if reference is not None:
        for target_name in reference.reference_to:
            target = visible.get(target_name)
            if target is None or (colon and target.name.lower() != kind.lower()):
                continue
            key = target.get(key_name)
            if key is not None and (key.external_id or key.type == "id"):
                return Column(reference, target, key)
    raise CsvProblem(f"InvalidBatch : Field name not found : {name[:80]}")


@dataclass(slots=True)
class _Batch:
    """One batch on its way: the CSV's rows, what they say, and what became of each."""

    job: Job
    records: Records
    value: ObjectType
    columns: Sequence[Column]
    rows: Sequence[list[str]]

    async def done(self) -> list[tuple[str, Saved]]:
        """The id that each row is about, where one is known, and its result."""
        inputs: list[dict[str, Any]] = []
        broken: dict[int, Fault] = {}
        related = [await self._related(place, column) for place, column in enumerate(self.columns)]
        for position, row in enumerate(self.rows):
            try:
                inputs.append(self._input(row, related))
            except Fault as fault:
                broken[position] = fault
        saved = iter(await self._saved(inputs)) if inputs else iter(())
        found: list[tuple[str, Saved]] = []
        id_place = next((n for n, column in enumerate(self.columns) if column.field.type == "id"), None)
        for position, row in enumerate(self.rows):
            result = Saved(faults=(broken[position],)) if position in broken else next(saved)
            found.append((result.id or (row[id_place] if id_place is not None else ""), result))
        return found

    def _input(self, row: Sequence[str], related: Sequence[Mapping[str, str] | None]) -> dict[str, Any]:
        """What one row asks for. An empty field says nothing; #N/A takes the value away."""
        given: dict[str, Any] = {}
        for column, text, known in zip(self.columns, row, related, strict=True):
            if not text:
                continue
            if text == "#N/A":
                given[column.field.name] = None
            elif column.key is not None and known is not None:
                if text not in known:
                    entity = column.target.name if column.target else ""
                    raise Fault(
                        "INVALID_FIELD",
                        f"Foreign key external ID: {text[:255]} not found for field {column.key.name} in entity "
                        f"{entity}",
                        fields=[column.field.name],
                    )
                given[column.field.name] = known[text]
            elif column.field.type == "boolean" and (word := text.strip().lower()) in _TRUE | _FALSE:
                given[column.field.name] = word in _TRUE
            else:
                given[column.field.name] = text
        return given

    async def _related(self, place: int, column: Column) -> dict[str, str] | None:
        """Ids of the records that a column's keys name; a key of several records names none."""
        if column.target is None or column.key is None:
            return None
        texts = {row[place] for row in self.rows} - {"", "#N/A"}
        return await self.records.named(column.target, column.key, sorted(texts))

    async def _saved(self, inputs: Sequence[dict[str, Any]]) -> list[Saved]:
        job, records, value = self.job, self.records, self.value
        try:
            if job.operation == "insert":
                return await records.create(value, inputs)
            if job.operation == "upsert":
                key = value.fields[job.external_id or "Id"]
                return await records.upsert(value, key, [(given.get(key.name), given) for given in inputs])
            ids = [str(given.pop("Id", None) or "") for given in inputs]
            if job.operation == "update":
                return await records.update(value, list(zip(ids, inputs, strict=True)))
            results = await records.delete(value, ids)
            if job.operation == "hardDelete":
                await recycle_bin.empty(
                    records, [result.id for result in results if result.id and result.success]
                )
            return results
        except Fault as fault:  # of the object as a whole, such as rights that were taken away
            return [Saved(faults=(fault,)) for _ in inputs]


def error_text(faults: Sequence[Fault]) -> str:
    """What `sf__Error` says: `CODE:message:fields --`."""
    return ";".join(f"{fault.code}:{fault.message}:{','.join(fault.fields or ())} --" for fault in faults)


async def do_batch(
    org: Org, job: Job, caller: Caller, names: Sequence[str], number: int, rows: list[list[str]]
) -> None:
    """Saves one batch and what became of it, or nothing where another process has. Stopped where the job has ended."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with org.connection() as conn, conn.transaction():
                if org.capturing:
                    origin = f"com/salesforce/api/bulk/{job.api_version};client={job.call_options.client}"
                    await conn.execute("SELECT set_config('crm.origin', $1, true)", origin)
                await _one_batch(org, conn, job, caller, names, number, rows)
            return
        except asyncpg.exceptions.UniqueViolationError as error:
            if error.as_dict().get("table_name") != "bulk_batch":
                raise
            return
        except _CROSSED:
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(0.05 * attempt)


async def _one_batch(
    org: Org, conn: Any, job: Job, caller: Caller, names: Sequence[str], number: int, rows: list[list[str]]
) -> None:
    began = time.monotonic()
    catalogue = await org.catalogue(conn)
    visible = visible_part(catalogue, caller)
    columns = columns_of(job, names, visible)
    records = Records(org, conn, catalogue, caller, options=job.call_options, version=job.api_version)
    value = catalogue.whole.objects[job.object_name]
    results = await _Batch(job, records, value, columns, rows).done()
    good: list[list[object]] = []
    bad: list[list[object]] = []
    for row, (record_id, saved) in zip(rows, results, strict=True):
        if saved.faults:
            bad.append([record_id, error_text(saved.faults), *row])
        else:
            good.append([record_id, "true" if saved.created else "false", *row])
    await conn.execute(
        "INSERT INTO meta.bulk_batch (job_id, number, records, failed, successes, failures)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        job.id,
        number,
        len(rows),
        len(bad),
        written(good, job.delimiter, job.line_ending).encode(),
        written(bad, job.delimiter, job.line_ending).encode(),
    )
    state = await conn.fetchval(
        "UPDATE meta.bulk_job SET processed = processed + $2, failed = failed + $3, busy_ms = busy_ms + $4,"
        " changed_at = now() WHERE id = $1 RETURNING state",
        job.id,
        len(rows),
        len(bad),
        int((time.monotonic() - began) * 1000),
    )
    if state != "InProgress":
        raise Stopped


async def ingest(org: Org, job: Job, caller: Caller) -> None:
    """Does all batches of a job that have not been done. CsvProblem where the data cannot be read to its end."""
    async with org.connection() as conn:
        rows = await conn.fetch("SELECT number FROM meta.bulk_batch WHERE job_id = $1", job.id)
        visible = visible_part(await org.catalogue(conn), caller)
    done = {row["number"] for row in rows}
    reader = Reader(job.delimiter, job.line_ending)
    turns = asyncio.Semaphore(PARALLEL)
    problem: CsvProblem | None = None

    async def work(number: int, batch: list[list[str]]) -> None:
        try:
            await do_batch(org, job, caller, reader.names, number, batch)
        finally:
            turns.release()

    try:
        async with asyncio.TaskGroup() as group:
            try:
                async for number, batch in batches_of(org, job, reader):
                    if number == 0:
                        columns_of(job, reader.names, visible)
                    if number in done:
                        continue
                    await turns.acquire()
                    group.create_task(work(number, batch))
            except CsvProblem as found:
                problem = found
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    if problem is None and reader.names:
        columns_of(job, reader.names, visible)
    if problem is None and not reader.names:
        problem = CsvProblem("InvalidBatch : The data has no header")
    if problem is not None:
        raise problem
