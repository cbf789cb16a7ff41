"""Set-up's doors to sharing rules: what there is, and removing one. Packages bring them."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import answering
from ..errors import not_found
from ..schema import bump, load_catalogue
from ..setup import administering
from ..web import json_response
from .objects import follow_rules


@answering
async def list_rules(request: Request) -> Response:
    """All sharing rules: `{rules: [{object, name, label, access, shared_to, shared_from}]}`."""
    async with administering(request) as visit:
        rules = [
            {
                "object": rule.object_name,
                "name": rule.name,
                "label": rule.label,
                "access": rule.access,
                "shared_to": rule.shared_to,
                "shared_from": rule.shared_from,
            }
            for value in visit.call.catalogue.whole.objects.values()
            for rule in value.sharing_rules
        ]
    return json_response({"rules": rules})


@answering
async def remove_rule(request: Request) -> Response:
    """Removes a rule; what it shared is shared no more."""
    async with administering(request) as visit, visit.conn.transaction():
        object_name: str | None = await visit.conn.fetchval(
            "DELETE FROM meta.sharing_rule WHERE object_name = $1 AND name = $2 RETURNING object_name",
            request.path_params["object"],
            request.path_params["name"],
        )
        if object_name is None:
            raise not_found()
        await bump(visit.conn)
        await follow_rules(visit.conn, await load_catalogue(visit.conn), object_name)
    return json_response(None, 204)


ROUTES = [
    Route("/console/api/setup/sharing-rules", list_rules),
    Route("/console/api/setup/sharing-rules/{object}/{name}", remove_rule, methods=["DELETE"]),
]
