"""The jobs of one org, done in the background by whichever process comes first.

A job is held by an advisory lock of its database, which ends with the process or its connection; what the job has
done by then is in its batches. Ingest and query jobs have a line each, so that neither waits for the other.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import structlog

from ..errors import Fault
from ..orgs import Org, connect
from ..sign_in.auth import caller_of_user
from .csv_text import CsvProblem
from .extract import extract
from .ingest import Stopped, ingest
from .jobs import Job, job_of

log: Any = structlog.get_logger("tieline.crm")
LOOK_S = 30.0
"""How often a process looks for jobs that others have left behind."""
RETRIES = 3
_AGAIN_S = 2.0
_UNREACHABLE = (
    OSError,
    TimeoutError,
    asyncpg.exceptions.InterfaceError,
    asyncpg.exceptions.PostgresConnectionError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.TooManyConnectionsError,
    asyncpg.exceptions.InvalidCatalogNameError,
    asyncpg.exceptions.ObjectNotInPrerequisiteStateError,
)


class Bulk:
    """An org's background work on bulk jobs."""

    def __init__(self, org: Org):
        self.org = org
        self._wakes = {"ingest": asyncio.Event(), "query": asyncio.Event()}
        self._tasks = [
            asyncio.create_task(self._line(kind), name=f"bulk-{kind}-{org.name}") for kind in self._wakes
        ]

    def wake(self, kind: str) -> None:
        """There is a job to do."""
        if kind in self._wakes:
            self._wakes[kind].set()

    async def close(self) -> None:
        """Leaves jobs as they are; the next process goes on with them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _line(self, kind: str) -> None:
        while True:
            wait = LOOK_S
            self._wakes[kind].clear()
            try:
                while await self._next(kind):
                    pass
            except _UNREACHABLE as error:
                log.warning("bulk_waits", org=self.org.name, kind=type(error).__name__)
                wait = _AGAIN_S
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wakes[kind].wait(), wait)

    async def _next(self, kind: str) -> bool:
        """Does the oldest job that nobody is at; False where there is none."""
        async with self.org.connection() as conn:
            rows = await conn.fetch(
                "SELECT id FROM meta.bulk_job WHERE kind = $1 AND state IN ('UploadComplete', 'InProgress')"
                " AND NOT deleted ORDER BY created_at, id LIMIT 100",
                kind,
            )
        if not rows:
            return False
        holder = await connect(self.org.settings, self.org.database)
        try:
            for row in rows:
                taken = await holder.fetchval(
                    "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", row["id"]
                )
                if taken:
                    begun = await holder.fetchrow(
                        "UPDATE meta.bulk_job SET state = 'InProgress', changed_at = now() WHERE id = $1"
                        " AND state IN ('UploadComplete', 'InProgress') AND NOT deleted RETURNING *",
                        row["id"],
                    )
                    if begun is not None:
                        await self._do(job_of(begun))
                        return True
            return False
        finally:
            holder.terminate()

    async def _do(self, job: Job) -> None:
        try:
            async with self.org.connection() as conn:
                caller = await caller_of_user(conn, job.user_id)
            if caller is None:
                raise Fault("INSUFFICIENT_ACCESS", "the user who made the job is no longer active")
            work = ingest if job.kind == "ingest" else extract
            await work(self.org, job, caller)
        except Stopped:
            return
        except CsvProblem as problem:
            await self._end(job, "Failed", str(problem))
        except Fault as fault:
            await self._end(job, "Failed", f"{fault.code} : {fault.message}")
        except _UNREACHABLE:
            raise
        except Exception as error:
            log.error("bulk_failed", org=self.org.name, kind=type(error).__name__)
            if job.retries >= RETRIES:
                await self._end(job, "Failed", "InternalServerError : An unexpected error occurred.")
                return
            async with self.org.connection() as conn:
                await conn.execute("UPDATE meta.bulk_job SET retries = retries + 1 WHERE id = $1", job.id)
        else:
            await self._end(job, "JobComplete", None)

    async def _end(self, job: Job, state: str, problem: str | None) -> None:
        async with self.org.connection() as conn:
            await conn.execute(
                "UPDATE meta.bulk_job SET state = $2, problem = $3, changed_at = now()"
                " WHERE id = $1 AND state = 'InProgress'",
                job.id,
                state,
                problem,
            )
