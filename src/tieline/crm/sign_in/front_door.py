"""From a token to a signed-in browser: `singleaccess` gives an address that opens the org once, within a minute."""

from __future__ import annotations

import secrets
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..web import (
    MY_COOKIE,
    json_response,
    local_path,
    org_of,
    place_of,
    read_form,
    redirect,
    set_cookie,
)
from . import auth
from .door import HOME, bearer, org_named, refuse

SECONDS = 60
_SCOPES = frozenset({"web", "full"})


async def single_access(request: Request) -> Response:
    """`/services/oauth2/singleaccess`: `{frontdoor_uri}` for the token's user; `redirect_uri` is a path of the org."""
    form = await read_form(request) if request.method == "POST" else dict(request.query_params)
    token = bearer(request) or form.get("access_token", "")
    org = await org_named(request, token)
    path = local_path("/" + form.get("redirect_uri", "").lstrip("/"), "/")
    async with org.connection() as conn:
        holder = await auth.holder_of(conn, token) if token else None
        if holder is None:
            return json_response({"error": "invalid_token", "error_description": "invalid token"}, 401)
        if not holder.scopes & _SCOPES:
            body = {"error": "invalid_scope", "error_description": "the access token needs the scope web"}
            return json_response(body, 403)
        code = secrets.token_urlsafe(32)
        await conn.execute("DELETE FROM auth.front_door WHERE expires_at < now()")
        await conn.execute(
            "INSERT INTO auth.front_door (hash, user_id, path, expires_at)"
            " VALUES ($1, $2, $3, now() + make_interval(secs => $4))",
            auth.token_hash(code),
            holder.caller.user_id,
            path,
            SECONDS,
        )
    origin = org.settings.my_origin(org.name)
    return json_response({"frontdoor_uri": f"{origin}/secur/frontdoor.jsp?{urlencode({'otp': code})}"})


async def front_door(request: Request) -> Response:
    """`/secur/frontdoor.jsp?otp=`: a code that has just been given becomes a session, once."""
    org = org_of(request)
    if place_of(request) != "my":
        return redirect(f"{org.settings.my_origin(org.name)}/secur/frontdoor.jsp?{request.url.query}", 302)
    code = request.query_params.get("otp", "")
    async with org.connection() as conn:
        row = await conn.fetchrow(
            "DELETE FROM auth.front_door WHERE hash = $1 RETURNING user_id, path, expires_at > now() AS live",
            auth.token_hash(code),
        )
        caller = await auth.caller_of_user(conn, row["user_id"]) if row and row["live"] else None
        if row is None or caller is None:
            return refuse(request, "error_front_door", status=403, back="/")
        hours = org.settings.console_session_hours
        secret = await auth.open_session(conn, "my", caller.user_id, hours)
    path: str = row["path"]
    to_console = path == "/" or path.startswith("/lightning/")
    origin = org.settings.lightning_origin(org.name) if to_console else ""
    response = redirect(origin + (HOME if path == "/" else path), 302)
    set_cookie(request, response, MY_COOKIE, secret, seconds=hours * 3600)
    return response


ROUTES = [
    Route("/services/oauth2/singleaccess", single_access, methods=["GET", "POST"]),
    Route("/secur/frontdoor.jsp", front_door),
]
