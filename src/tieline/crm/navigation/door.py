"""What the console asks about its user's choices: another app, notes, widths of columns."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import answering, visiting
from ..errors import Fault, not_found
from ..web import json_response, read_json
from .apps import all_apps
from .choices import choice, choose
from .shown import APP

_KINDS = frozenset({APP, "notes", "widths"})


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    if name.partition(".")[0] not in _KINDS:
        raise not_found()
    return name


@answering
async def get_choice(request: Request) -> Response:
    """What the user chose: `{value}`, null where nothing."""
    name = _name(request)
    async with visiting(request) as visit:
        return json_response({"value": await choice(visit.conn, visit.caller.user_id, name)})


@answering
async def put_choice(request: Request) -> Response:
    """Keeps what the user chose: `{value}`; null forgets it."""
    name = _name(request)
    body: Any = await read_json(request)
    if not isinstance(body, dict) or "value" not in body:
        raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object with value")
    value: Any = body["value"]
    async with visiting(request) as visit:
        known = [app.name for app in await all_apps(visit.conn)] if name == APP else []
        if name == APP and value is not None and value not in known:
            raise Fault("INVALID_INPUT", "There is no app of this name", fields=["value"])
        await choose(visit.conn, visit.caller.user_id, name, value)
        return json_response({"value": value})


ROUTES = [
    Route("/console/api/choices/{name}", get_choice),
    Route("/console/api/choices/{name}", put_choice, methods=["PUT"]),
]
