"""The REST door of deployments: `metadata/deployRequest`, for tokens and for the console's session."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from ..console import answering, visiting
from ..errors import Fault
from ..gateway import answer, api_version, calling, org_of_token
from ..rest import Call, Reply, Request, route
from ..web import MAX_DEPLOY, TooLarge, json_response, parse_json, read_body
from . import jobs


async def _parts(request: HttpRequest) -> tuple[bytes, dict[str, Any]]:
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


def _begun(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the start of a deployment answers: the outcome is asked for by id."""
    shown = {name: content for name, content in result.items() if name not in ("options", "details")}
    return {"id": result["id"], "deployOptions": result["options"], "deployResult": shown}


async def start(request: HttpRequest) -> Response:
    """`POST /services/data/vXX.0/metadata/deployRequest`: 201; the outcome is asked for by id."""
    org = await org_of_token(request)
    try:
        version = api_version(f"v{request.path_params['version']}")
        async with calling(request, org, version) as call:
            raw, options = await _parts(request)
            result = await jobs.start(call, raw, options)
        where = f"/services/data/v{version}/metadata/deployRequest/{result['id']}"
        return answer(org, Reply(201, _begun(result) | {"url": where}, {"Location": where}))
    except TooLarge:
        fault = Fault("REQUEST_ENTITY_TOO_LARGE", "The package is larger than 50 MB", status=413)
    except Fault as refused:
        fault = refused
    return answer(org, Reply(fault.status, [fault.as_row()]))


@route("GET", "metadata/deployRequest/{id}")
async def status(call: Call, request: Request) -> Reply:
    """The outcome of a deployment; details only where asked for."""
    result = await jobs.status(call, request.path["id"])
    body = _begun(result)
    if request.query.get("includeDetails", "").lower() == "true":
        body["deployResult"]["details"] = result["details"]
    return Reply(body=body)


@route("PATCH", "metadata/deployRequest/{id}")
async def cancel(call: Call, request: Request) -> Reply:
    """`{"deployResult": {"status": "Canceling"}}`: 202; what is done stays done."""
    asked: Any = request.body_object().get("deployResult")
    if not isinstance(asked, dict) or asked.get("status") != "Canceling":  # pyright: ignore[reportUnknownMemberType]
        raise Fault("INVALID_INPUT", "deployResult.status must be Canceling")
    return Reply(202, _begun(await jobs.cancel(call, request.path["id"])))


@answering
async def deploy_package(request: HttpRequest) -> Response:
    """A deployment under the console's session: an org's first, before any app can authorise itself."""
    api_version(f"v{request.path_params['version']}")
    async with visiting(request) as visit:
        archive, options = await _parts(request)
        return json_response(_begun(await jobs.start(visit.call, archive, options)), 201)
