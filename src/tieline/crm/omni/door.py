"""What the Omni-Channel utility and the toolkit behind it ask: the user's statuses, and changing between them."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import Visit, answering, visiting
from ..errors import Fault
from ..ids import parse_id
from ..web import json_response, read_json
from .presence import capacity_of, current, enabled, leave, statuses_for, take


async def _picture(visit: Visit) -> dict[str, Any]:
    """Everything about the user's presence now. API names are for those who may see them."""
    user_id = visit.caller.user_id
    on = await enabled(visit.conn)
    names = visit.caller.may("ViewDeveloperName") or visit.caller.may("ViewSetup")

    def shown(status: dict[str, Any]) -> dict[str, Any]:
        return status if names else status | {"api_name": None}

    now = await current(visit.conn, user_id) if on else None
    return {
        "enabled": on,
        "statuses": [shown(status) for status in await statuses_for(visit.conn, user_id)] if on else [],
        "current": shown(now) if now else None,
        "capacity": await capacity_of(visit.conn, user_id),
    }


@answering
async def show_presence(request: Request) -> Response:
    """`{enabled, statuses, current, capacity}` of the signed-in user."""
    async with visiting(request) as visit:
        return json_response(await _picture(visit))


@answering
async def change_presence(request: Request) -> Response:
    """Takes a status: `{status_id}`; null takes the user offline."""
    body: Any = await read_json(request)
    wanted: Any = body.get("status_id") if isinstance(body, dict) else None
    async with visiting(request) as visit:
        if not await enabled(visit.conn):
            raise Fault("FUNCTIONALITY_NOT_ENABLED", "Omni-Channel is not enabled for this org.")
        user_id = visit.caller.user_id
        if wanted is None:
            await leave(visit.conn, user_id)
        else:
            allowed = await statuses_for(visit.conn, user_id)
            await take(visit.conn, user_id, parse_id(wanted) or "", allowed)
        return json_response(await _picture(visit))


ROUTES = [
    Route("/console/api/presence", show_presence),
    Route("/console/api/presence", change_presence, methods=["PUT"]),
]
