"""Deployments as they are asked for, run beside the requests, and told of: whole or not at all.

Each has a database connection of its own, which holds a lock with the deployment's number while it lives. A deployment
whose lock nobody holds and that is not done has died with its process: nothing of it is left, and it is told as failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import structlog

from ..database import connect
from ..errors import Fault, not_found
from ..ids import make_id
from ..rest import Call
from ..saving.storage import storage_fault
from ..schema import load_catalogue
from ..values import format_datetime
from .archive import Package, read_package
from .deployment import Component, Deployment
from .progress import Progress
from .run import Stopped, run

log: Any = structlog.get_logger("tieline.crm.deploy")
MAX_WAITING = 10
"""Deployments of one org that wait or run at a time."""
_LOCK = 0x6465706C  # "depl"
_ATTEMPTS = 3
_OPTIONS = (
    "allowMissingFiles", "autoUpdatePackage", "checkOnly", "ignoreWarnings", "performRetrieve", "purgeOnDelete",
    "rollbackOnError", "singlePackage",
)  # fmt: skip
_BUSY = (
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.DeadlockDetectedError,
)


_ENDED = frozenset({"Succeeded", "SucceededPartial", "Failed", "Canceled"})


class _Undo(Exception):
    """Leaves the deployment's transaction without keeping anything."""


def options_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Deploy options as they are kept; `rollbackOnError` holds unless it is said not to."""
    found: dict[str, Any] = {name: _flag(given.get(name)) in ("true", "1") for name in _OPTIONS}
    found["rollbackOnError"] = _flag(given.get("rollbackOnError")) not in ("false", "0")
    tests: Any = given.get("runTests")
    found["runTests"] = [str(name)[:80] for name in list(tests)[:1000]] if isinstance(tests, list) else None  # pyright: ignore[reportUnknownVariableType]
    found["testLevel"] = str(given["testLevel"])[:40] if given.get("testLevel") else None
    return found


def _flag(given: Any) -> str:
    """What a flag says, in small letters: simple-salesforce writes `True` and `False`, as Python does."""
    return str(given).strip().lower()


def require_modify_metadata(call: Call) -> None:
    """INSUFFICIENT_ACCESS for who may not deploy."""
    if not call.caller.administrator:
        raise Fault("INSUFFICIENT_ACCESS", "This needs the permission Modify Metadata", status=403)


Finish = Callable[[Deployment], Awaitable[None]]
"""What is done at the end of a deployment, within its transaction, when no component has failed."""


@dataclass(frozen=True)
class Job:
    """What is to be deployed, and how."""

    package: Package
    options: Mapping[str, Any]
    namespace: str | None = None
    finish: Finish | None = None


async def start(call: Call, raw: bytes, options: Mapping[str, Any]) -> dict[str, Any]:
    """Begins a deployment; answers its result so far. Refuses what is no package before anything is kept."""
    require_modify_metadata(call)
    return await begin(call, Job(await asyncio.to_thread(read_package, raw), options_of(options)))


async def begin(call: Call, job: Job) -> dict[str, Any]:
    """Begins the deployment of a package that has been read; answers its result so far."""
    running = call.org.deployments
    if len(running.progress) >= MAX_WAITING:
        raise Fault(
            "LIMIT_EXCEEDED", f"{MAX_WAITING} deployments are waiting already: try again later", status=503
        )
    number = await call.conn.fetchval("SELECT nextval('meta.record_number')")
    deployment_id = make_id("0Af", call.org.instance, number)
    result = _result(call, deployment_id, job.options, datetime.now(UTC), Progress())
    conn = await connect(call.org.settings, call.org.database)
    try:
        # Held before the row can be seen, so that whoever sees the row without the lock knows.
        await conn.execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", deployment_id)
        await conn.execute(
            "INSERT INTO meta.deployment (id, user_id, result) VALUES ($1, $2, $3)",
            deployment_id,
            call.caller.user_id,
            result,
        )
    except BaseException:
        conn.terminate()
        raise
    progress = running.progress[deployment_id] = Progress()
    own = replace(call, conn=conn)
    running.begin(_work(own, deployment_id, job, progress))
    return result


async def _work(call: Call, deployment_id: str, job: Job, progress: Progress) -> None:
    started = datetime.now(UTC)
    try:
        result = await _attempts(call, deployment_id, job, progress, started)
        await call.conn.execute("UPDATE meta.deployment SET result = $2 WHERE id = $1", deployment_id, result)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        log.error("deployment_lost", kind=type(error).__name__)
    finally:
        call.org.deployments.progress.pop(deployment_id, None)
        try:
            await call.conn.close(timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            call.conn.terminate()


async def _attempts(
    call: Call, deployment_id: str, job: Job, progress: Progress, started: datetime
) -> dict[str, Any]:
    """Runs the deployment, again where others held what it needs; answers its result."""
    conn = call.conn
    fault: Fault | None = None
    outcomes: list[Component] = []
    await conn.execute("SET lock_timeout = '20min'")
    await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        for attempt in range(_ATTEMPTS):
            progress.begin()
            outcomes, fault = [], None
            try:
                outcomes = await _once(call, deployment_id, job, progress)
                break
            except _BUSY as error:
                fault = storage_fault(error)
                await asyncio.sleep(0.5 * (attempt + 1))
            except Stopped:
                progress.status = "Canceled"
                break
    except asyncpg.PostgresError as error:
        fault = storage_fault(error)
    except Fault as refused:
        fault = refused
    except Exception as error:
        log.error("deployment_failed", kind=type(error).__name__, where=_where(error))
        fault = Fault("UNKNOWN_EXCEPTION", "An unexpected error occurred.")
    finally:
        await conn.execute("SELECT pg_advisory_unlock($1)", _LOCK)
    if progress.status != "Canceled":
        failed = fault is not None or any(outcome.failed for outcome in outcomes)
        partly = failed and fault is None and not job.options["rollbackOnError"] and progress.deployed > 0
        progress.status = "SucceededPartial" if partly else "Failed" if failed else "Succeeded"
    result = _result(call, deployment_id, job.options, started, progress, outcomes)
    if fault is not None:
        result |= {"errorStatusCode": fault.code, "errorMessage": fault.message}
    return result


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""


async def _once(call: Call, deployment_id: str, job: Job, progress: Progress) -> list[Component]:
    outcomes: list[Component] = []
    try:
        async with call.conn.transaction():
            # A deployment must not make everybody else queue behind a lock it waits for.
            await call.conn.execute("SET LOCAL lock_timeout = '5s'")
            own = replace(call, catalogue=await load_catalogue(call.conn), namespace=job.namespace)
            deployment = Deployment(
                own, job.package, own.catalogue.whole, job.namespace, job.finish is not None
            )
            outcomes = deployment.outcomes
            await run(deployment, progress)
            if job.finish is not None and not any(outcome.failed for outcome in outcomes):
                await job.finish(deployment)
            asked = await call.conn.fetchval(
                "SELECT result->>'status' FROM meta.deployment WHERE id = $1", deployment_id
            )
            if progress.stopping or asked == "Canceling":
                raise Stopped
            failed = any(outcome.failed for outcome in outcomes)
            if job.options["checkOnly"] or (failed and job.options["rollbackOnError"]):
                raise _Undo
    except _Undo:
        pass
    return outcomes


def _result(
    call: Call,
    deployment_id: str,
    options: Mapping[str, Any],
    started: datetime,
    progress: Progress,
    outcomes: list[Component] | None = None,
) -> dict[str, Any]:
    """A deployment's result in the words of both doors."""
    done = progress.status in _ENDED
    begun, now = format_datetime(started), format_datetime(datetime.now(UTC))
    found = outcomes or []
    kept = [outcome for outcome in found if not outcome.failed]
    whole = progress.status in ("Succeeded", "SucceededPartial")
    return {
        "id": deployment_id,
        "status": progress.status,
        "done": done,
        "success": progress.status == "Succeeded",
        "checkOnly": options["checkOnly"],
        "ignoreWarnings": options["ignoreWarnings"],
        "rollbackOnError": options["rollbackOnError"],
        "numberComponentsTotal": len(found),
        "numberComponentsDeployed": len(kept) if whole else 0,
        "numberComponentErrors": len(found) - len(kept),
        "numberTestsTotal": 0,
        "numberTestsCompleted": 0,
        "numberTestErrors": 0,
        "runTestsEnabled": bool(options["runTests"]),
        "createdBy": call.caller.user_id,
        "createdByName": call.caller.name,
        "createdDate": begun,
        "startDate": begun,
        "lastModifiedDate": now,
        **({"completedDate": now} if done else {}),
        "details": {
            "componentSuccesses": [outcome.as_json(now) for outcome in kept],
            "componentFailures": [outcome.as_json(now) for outcome in found if outcome.failed],
            "runTestResult": {
                "numTestsRun": 0, "numFailures": 0, "totalTime": 0, "successes": list[Any](),
                "failures": list[Any](), "codeCoverage": list[Any](), "codeCoverageWarnings": list[Any](),
            },
        },
        "options": dict(options),
    }  # fmt: skip


# -- asking -------------------------------------------------------------------------------------------------


async def status(call: Call, deployment_id: str) -> dict[str, Any]:
    """A deployment's result, or how far it is. NOT_FOUND for an id that is none."""
    if not call.caller.administrator:
        raise not_found()
    result = await _row(call, deployment_id)
    if result["done"]:
        return result
    progress = call.org.deployments.progress.get(result["id"])
    if progress is not None:
        # Ended, but not yet written down with what came of it: whoever is told so would not ask again.
        going = "InProgress" if progress.status in _ENDED else progress.status
        return result | {
            "status": "Canceling" if progress.stopping else going,
            "numberComponentsTotal": progress.total,
            "numberComponentsDeployed": progress.deployed,
            "numberComponentErrors": progress.errors,
        }
    async with call.conn.transaction():
        alone = await call.conn.fetchval(
            "SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0))", result["id"]
        )
        result = await _row(call, deployment_id)  # it may have ended meanwhile
        if alone and not result["done"]:
            now = format_datetime(datetime.now(UTC))
            result |= {
                "status": "Failed",
                "done": True,
                "completedDate": now,
                "lastModifiedDate": now,
                "errorStatusCode": "SERVER_UNAVAILABLE",
                "errorMessage": "The server was stopped while the deployment ran: nothing of it was kept. Deploy again.",
            }
            await call.conn.execute(
                "UPDATE meta.deployment SET result = $2 WHERE id = $1", result["id"], result
            )
    return result


async def _row(call: Call, deployment_id: str) -> dict[str, Any]:
    result: dict[str, Any] | None = await call.conn.fetchval(
        "SELECT result FROM meta.deployment WHERE id = $1 OR left(id, 15) = $1", deployment_id
    )
    if result is None:
        raise not_found("INVALID_CROSS_REFERENCE_KEY: invalid cross reference id")
    result.setdefault("options", options_of(result))
    return result


async def cancel(call: Call, deployment_id: str) -> dict[str, Any]:
    """Asks a deployment to stop; answers its result so far. What is done stays done."""
    result = await status(call, deployment_id)
    if result["done"]:
        return result
    progress = call.org.deployments.progress.get(result["id"])
    if progress is not None:
        progress.stopping = True
    else:
        await call.conn.execute(
            "UPDATE meta.deployment SET result = jsonb_set(result, '{status}', '\"Canceling\"')"
            " WHERE id = $1 AND NOT (result->>'done')::boolean",
            result["id"],
        )
    return result | {"status": "Canceling"}
