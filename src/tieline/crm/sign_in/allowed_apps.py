"""What a user allowed apps to do, for that user: the list, and taking it back."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import answering, visiting
from ..errors import not_found
from ..web import json_response

_PATH = "/console/api/allowed-apps"
_MINE = """
SELECT a.client_id, a.label, a.kind, granted.scopes, granted.since, granted.used_at, granted.lasting
  FROM auth.app a JOIN (
    SELECT client_id, max(used_at) AS used_at, min(since) AS since, count(*) FILTER (WHERE lasting) AS lasting,
           (SELECT array_agg(DISTINCT s ORDER BY s) FROM unnest(string_to_array(string_agg(words, ' '), ' ')) s) AS scopes
      FROM (
        SELECT g.client_id, g.used_at, g.created_at AS since, array_to_string(g.scopes, ' ') AS words,
               EXISTS (SELECT 1 FROM auth.refresh_token r WHERE r.grant_id = g.id AND r.replaced_at IS NULL) AS lasting
          FROM auth.grant g WHERE g.user_id = $1 AND g.client_id IS NOT NULL
        UNION ALL
        SELECT p.client_id, NULL, NULL, array_to_string(p.scopes, ' '), false
          FROM auth.approval p WHERE p.user_id = $1
      ) said GROUP BY client_id
  ) granted ON granted.client_id = a.client_id
 ORDER BY lower(a.label), a.client_id
"""


@answering
async def list_mine(request: Request) -> Response:
    """The apps that the user allowed something: `{client_id, label, kind, scopes, since, used_at, lasting}`.

    `lasting` counts the authorisations that outlive a session.
    """
    async with visiting(request) as visit:
        rows = await visit.conn.fetch(_MINE, visit.caller.user_id)
    shown = [
        dict(row) | {name: row[name].isoformat() if row[name] else None for name in ("since", "used_at")}
        for row in rows
    ]
    return json_response({"apps": shown})


@answering
async def revoke_mine(request: Request) -> Response:
    """Takes back all that the user allowed an app: its tokens end, and it has to ask again."""
    client_id = request.path_params["client_id"]
    async with visiting(request) as visit, visit.conn.transaction():
        gone = False
        for table in ("grant", "approval"):
            done = await visit.conn.execute(
                f"DELETE FROM auth.{table} WHERE user_id = $1 AND client_id = $2",  # noqa: S608 - names of ours
                visit.caller.user_id,
                client_id,
            )
            gone = gone or done != "DELETE 0"
        if not gone:
            raise not_found()
    return json_response(None, 204)


ROUTES = [
    Route(_PATH, list_mine),
    Route(f"{_PATH}/{{client_id}}", revoke_mine, methods=["DELETE"]),
]
