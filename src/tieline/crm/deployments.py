"""Deployments as they are asked for and kept: over REST or from the console, whole or not at all, with their outcome."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from .console import answering, visiting
from .deploy import Outcome, run
from .errors import Fault, not_found
from .gateway import answer, api_version, calling, org_of_token
from .ids import make_id
from .package import read_package
from .rest import Call, Reply, Request, route
from .saving.storage import storage_fault
from .schema import load_catalogue
from .values import format_datetime
from .web import MAX_DEPLOY, TooLarge, json_response, parse_json, read_body

_LOCK = 0x6465706C  # "depl"


class _Undo(Exception):
    """Leaves the deployment's transaction without keeping anything."""


async def deploy(call: Call, raw: bytes, options: dict[str, Any]) -> dict[str, Any]:
    """Deploys a zip; answers the deployment's result, which is also stored."""
    if not call.caller.administrator:
        raise Fault("INSUFFICIENT_ACCESS", "This needs the permission Modify Metadata", status=403)
    package = read_package(raw)
    check_only = options.get("checkOnly") is True
    started = format_datetime(datetime.now(UTC))
    outcomes: list[Outcome] = []
    try:
        async with call.conn.transaction():
            # A deployment must not make everybody else queue behind a lock it waits for.
            await call.conn.execute("SET LOCAL lock_timeout = '5s'")
            await call.conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            fresh = replace(call, catalogue=await load_catalogue(call.conn))
            outcomes = await run(fresh, package)
            if check_only or any(outcome.problem for outcome in outcomes):
                raise _Undo
            for outcome in outcomes:
                if outcome.changed and outcome.file in package.files:
                    await call.conn.execute(
                        "INSERT INTO meta.component (type, full_name, content_hash) VALUES ($1, $2, $3)"
                        " ON CONFLICT (type, full_name) DO UPDATE SET content_hash = excluded.content_hash,"
                        " deployed_at = now()",
                        outcome.type,
                        outcome.name,
                        hashlib.sha256(package.files[outcome.file]).digest(),
                    )
    except _Undo:
        pass
    except (
        asyncpg.exceptions.LockNotAvailableError,
        asyncpg.exceptions.DeadlockDetectedError,
        asyncpg.exceptions.QueryCanceledError,
    ) as error:
        raise storage_fault(error) from None
    finished = format_datetime(datetime.now(UTC))
    failures = [outcome.as_json(finished) for outcome in outcomes if outcome.problem]
    successes = [outcome.as_json(finished) for outcome in outcomes if not outcome.problem]
    number = await call.conn.fetchval("SELECT nextval('meta.record_number')")
    deployment_id = make_id("0Af", call.org.instance, number)
    result: dict[str, Any] = {
        "id": deployment_id,
        "status": "Failed" if failures else "Succeeded",
        "done": True,
        "success": not failures,
        "checkOnly": check_only,
        "ignoreWarnings": False,
        "rollbackOnError": True,
        "numberComponentsTotal": len(outcomes),
        "numberComponentsDeployed": 0 if failures else len(successes),
        "numberComponentErrors": len(failures),
        "numberTestsTotal": 0,
        "numberTestsCompleted": 0,
        "numberTestErrors": 0,
        "runTestsEnabled": False,
        "createdBy": call.caller.user_id,
        "createdByName": call.caller.name,
        "createdDate": started,
        "startDate": started,
        "lastModifiedDate": finished,
        "completedDate": finished,
        "details": {
            "componentSuccesses": successes,
            "componentFailures": failures,
            "runTestResult": {
                "numTestsRun": 0, "numFailures": 0, "totalTime": 0, "successes": list[Any](),
                "failures": list[Any](), "codeCoverage": list[Any](), "codeCoverageWarnings": list[Any](),
            },
        },
    }  # fmt: skip
    await call.conn.execute(
        "INSERT INTO meta.deployment (id, user_id, result) VALUES ($1, $2, $3)",
        deployment_id,
        call.caller.user_id,
        result,
    )
    return result


async def parts(request: HttpRequest) -> tuple[bytes, dict[str, Any]]:
    """The zip and the options of a multipart request."""
    raw = await read_body(request, MAX_DEPLOY)

    async def stream() -> AsyncGenerator[bytes]:
        yield raw

    try:
        parser = MultiPartParser(
            request.headers, stream(), max_files=2, max_fields=4, max_part_size=1024 * 1024
        )
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError):
        raise Fault("INVALID_MULTIPART_REQUEST", "The multipart body cannot be read") from None
    archive: bytes | None = None
    options: Any = {}
    for name, item in form.multi_items():
        content = item if isinstance(item, str) else await item.read()
        if name in ("json", "entity_content"):
            options = parse_json(content.encode() if isinstance(content, str) else content)
        elif name == "file" and isinstance(content, bytes):
            archive = content
    await form.close()
    if archive is None:
        raise Fault("INVALID_MULTIPART_REQUEST", "The part 'file' with the zip archive is missing")
    deploy_options: Any = options.get("deployOptions") if isinstance(options, dict) else None
    return archive, deploy_options if isinstance(deploy_options, dict) else {}


def begun(id: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What the start of a deployment answers: the outcome is asked for by id."""
    pending = {"id": id, "status": "Pending", "done": False, "success": False}
    return {"id": id, "deployOptions": dict(options), "deployResult": pending}


async def start(request: HttpRequest) -> Response:
    """`POST /services/data/vXX.0/metadata/deployRequest`: 201; the outcome is asked for by id."""
    org = await org_of_token(request)
    try:
        version = api_version(f"v{request.path_params['version']}")
        async with calling(request, org, version) as call:
            raw, options = await parts(request)
            result = await deploy(call, raw, options)
        where = f"/services/data/v{version}/metadata/deployRequest/{result['id']}"
        return answer(org, Reply(201, begun(result["id"], options) | {"url": where}, {"Location": where}))
    except TooLarge:
        fault = Fault("REQUEST_ENTITY_TOO_LARGE", "The package is larger than 50 MB", status=413)
    except Fault as refused:
        fault = refused
    return answer(org, Reply(fault.status, [fault.as_row()]))


@route("GET", "metadata/deployRequest/{id}")
async def status(call: Call, request: Request) -> Reply:
    """The outcome of a deployment; details only where asked for."""
    result = await call.conn.fetchval(
        "SELECT result FROM meta.deployment WHERE id = $1 OR left(id, 15) = $1", request.path["id"]
    )
    if result is None or not call.caller.administrator:
        raise not_found()
    if request.query.get("includeDetails", "").lower() != "true":
        result = {name: content for name, content in result.items() if name != "details"}
    options = {"checkOnly": result["checkOnly"], "rollbackOnError": True, "singlePackage": True}
    return Reply(body={"id": result["id"], "deployOptions": options, "deployResult": result})


@answering
async def deploy_package(request: HttpRequest) -> Response:
    """A deployment under the console's session: an org's first, before any app can authorise itself."""
    api_version(f"v{request.path_params['version']}")
    async with visiting(request) as visit:
        archive, options = await parts(request)
        result = await deploy(visit.call, archive, options)
        return json_response(begun(result["id"], options), 201)
