"""Snapshots over HTTP, for test suites: `PUT`, `DELETE` and `POST .../load` of `/services/snapshots/{name}`.

Who may set faults may use it. A suite in any language so starts from a known org without starting a program.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import snapshots
from .errors import Fault
from .faults.door import org_to_control
from .web import json_response

_PATH = "/services/snapshots"


async def _listed(request: Request) -> Response:
    org = await org_to_control(request)
    found = [
        {"name": kept.name, "created_at": kept.created_at.isoformat()}
        for kept in await snapshots.listed(org.settings)
        if kept.org == org.name
    ]
    return json_response({"org": org.name, "snapshots": found})


async def _one(request: Request) -> Response:
    org, name = await org_to_control(request), request.path_params["name"]
    verbs = {"PUT": snapshots.save, "DELETE": snapshots.delete, "POST": snapshots.load}
    verb = verbs[request.method]
    await verb(org.settings, org.name, name)
    return json_response(None, 204)


async def door(request: Request) -> Response:
    """Lists, saves, loads or deletes; 204 when it is done."""
    try:
        return await (_one(request) if "name" in request.path_params else _listed(request))
    except snapshots.SnapshotError as error:
        return json_response([Fault("INVALID_INPUT", str(error)).as_row()], 400)
    except Fault as fault:
        return json_response([fault.as_row()], fault.status)


ROUTES = [
    Route(_PATH, door),
    Route(f"{_PATH}/{{name}}", door, methods=["PUT", "DELETE"]),
    Route(f"{_PATH}/{{name}}/load", door, methods=["POST"]),
]
