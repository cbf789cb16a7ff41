"""What the console asks about components: the script and words of one, and calls of Apex methods."""

from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..access.questions import Caller
from ..console import answering, visiting
from ..deploy.components import all_stored, stored
from ..errors import Fault, not_found
from ..web import json_response, read_json, server_of
from .bundles import BUNDLE, backgrounds, runnable
from .labels import labels
from .twins import AuraHandledException

_NAME = re.compile(r"[A-Za-z]\w{0,99}")


@answering
async def component(request: Request) -> Response:
    """How a component is run: `{script, host, styles, namespace, labels}`; `{script: null}` where this org cannot run it."""
    name: str = request.path_params["name"]
    async with visiting(request) as visit:
        if not _NAME.fullmatch(name) or await stored(visit.conn, BUNDLE, name) is None:
            raise not_found()
        found = await runnable(visit.conn, server_of(request).settings.web_dist, name)
        if found is None:
            return json_response({"script": None})
        compiled, twin, namespace = found
        prefix = f"{namespace}__" if namespace else ""
        return json_response(
            {
                "script": f"/assets/lwc/{twin.script}",
                "host": f"/assets/lwc/{compiled.host}",
                "styles": f"/assets/lwc/{compiled.styles}",
                "namespace": namespace,
                "labels": await labels(visit.conn, twin.labels, prefix, visit.caller.words),
            }
        )


@answering
async def background_components(request: Request) -> Response:
    """What runs in the background of console apps: `[{script, namespace}]`."""
    async with visiting(request) as visit:
        return json_response(await backgrounds(visit.conn, server_of(request).settings.web_dist))


@answering
async def apex(request: Request) -> Response:
    """Calls an Apex method with named parameters; its answer, or `[{errorCode, message}]`."""
    class_name: str = request.path_params["class_name"]
    method_name: str = request.path_params["method"]
    body: Any = await read_json(request)
    if body is not None and not isinstance(body, dict):
        raise Fault("JSON_PARSER_ERROR", "The parameters must be a JSON object")
    parameters: dict[str, Any] = body or {}
    async with visiting(request) as visit:
        row = next(
            (
                each
                for each in await all_stored(visit.conn, "ApexClass")
                if each.name == (f"{each.namespace}__{class_name}" if each.namespace else class_name)
            ),
            None,
        )
        method = server_of(request).twins.get(class_name, {}).get(method_name)
        if row is None or method is None:
            raise not_found()
        if not await _may_call(visit.conn, visit.caller, row.name):
            raise Fault(
                "INSUFFICIENT_ACCESS",
                f"You do not have access to the Apex class named '{class_name}'.",
                status=403,
            )
        around = nullcontext() if getattr(method, "calls_out", False) else visit.conn.transaction()
        try:
            async with around:
                return json_response(await method(visit.call, parameters))
        except AuraHandledException as told:
            raise Fault("APEX_ERROR", str(told)) from None


async def _may_call(conn: Any, caller: Caller, class_name: str) -> bool:
    """Whether the profile (that of administrators opens every class) or a permission set opens a class."""
    if caller.administrator:
        return True
    names = await conn.fetch(
        'SELECT coalesce("NamespacePrefix" || \'__\', \'\') || "Name" AS name FROM data."PermissionSet"'
        ' WHERE "Id" = ANY($1) AND NOT "IsDeleted"',
        list(caller.permission_sets),
    )
    for row in names:
        kept = await stored(conn, "PermissionSet", row["name"])
        for access in kept.source.all("classAccesses") if kept and kept.source else ():
            if access.get("apexClass") == class_name and access.flag("enabled"):
                return True
    return False


ROUTES = [
    Route("/console/api/components", background_components),
    Route("/console/api/components/{name}", component),
    Route("/console/api/apex/{class_name}/{method}", apex, methods=["POST"]),
]
