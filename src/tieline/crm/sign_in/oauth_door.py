"""OAuth, OpenID and identity endpoints for programs: requests in, answers in the format that was asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..ids import parse_id
from ..rest import MAX_VERSION, MIN_VERSION
from ..soap.xml_values import simple_document
from ..web import client_address, json_response, org_of, origin_here, place_of, read_form
from . import auth, openid, tokens
from .door import bearer, org_named

_IDENTITY_SCOPES = frozenset({"id", "api", "full", "openid", "profile", "email", "address", "phone", "web"})
_SAFE = {"Cache-Control": "no-store", "Pragma": "no-cache", "X-Content-Type-Options": "nosniff"}


def _format(request: Request, asked: str | None) -> str:
    """`json`, `xml` or `urlencoded`: by parameter, else by the Accept header."""
    if asked in ("json", "xml", "urlencoded"):
        return asked
    accepted = request.headers.get("accept", "").split(",")[0].split(";")[0].strip().lower()
    known = {"application/xml": "xml", "text/xml": "xml", "application/x-www-form-urlencoded": "urlencoded"}
    return known.get(accepted, "json")


def _send(kind: str, root: str, body: Mapping[str, Any], status: int = 200) -> Response:
    if kind == "xml":
        return Response(
            simple_document(root, body), status, headers=_SAFE, media_type="application/xml;charset=UTF-8"
        )
    if kind == "urlencoded":
        return Response(
            urlencode(body),
            status,
            headers=_SAFE,
            media_type="application/x-www-form-urlencoded;charset=UTF-8",
        )
    return json_response(body, status, _SAFE)


def _demand(request: Request, org: auth.Org, form: Mapping[str, str]) -> tokens.Demand:
    authorization = request.headers.get("authorization")
    return tokens.Demand(org, form, authorization, origin_here(request), client_address(request))


async def token(request: Request) -> Response:
    """`/services/oauth2/token`."""
    form = await read_form(request)
    org = await org_named(request, form.get("code") or form.get("refresh_token") or "")
    kind = _format(request, form.get("format"))
    try:
        return _send(kind, "OAuth", await tokens.token(_demand(request, org, form)))
    except tokens.OAuthError as error:
        return _send(kind, "OAuth", error.body(), error.status)


async def revoke(request: Request) -> Response:
    """`/services/oauth2/revoke`."""
    form = await read_form(request) if request.method == "POST" else dict(request.query_params)
    text = form.get("token", "")
    try:
        await tokens.revoke(await org_named(request, text), text)
        return json_response(None, headers=_SAFE)
    except tokens.OAuthError as error:
        return _send(_format(request, form.get("format")), "OAuth", error.body(), error.status)


async def introspect(request: Request) -> Response:
    """`/services/oauth2/introspect`."""
    form = await read_form(request)
    org = await org_named(request, form.get("token", ""))
    try:
        return json_response(await tokens.introspect(_demand(request, org, form)))
    except tokens.OAuthError as error:
        return json_response(error.body(), 401 if error.error.startswith("invalid_client") else error.status)


# -- who the user is -----------------------------------------------------------------------------------------


def _refuse(word: str, status: int) -> Response:
    return Response(word, status, headers=_SAFE, media_type="text/plain")


async def _holder(request: Request) -> tuple[auth.Org, auth.TokenHolder] | Response:
    """The token's org and user; the token may stand in the header, in the form or, for a GET, in the query."""
    text = bearer(request)
    if not text and request.method == "POST":
        form = await read_form(request)
        text = form.get("access_token") or form.get("oauth_token") or ""
    if not text and request.method == "GET":
        text = request.query_params.get("oauth_token", "")
    if not text:
        return _refuse("Missing_OAuth_Token", 403)
    org = await org_named(request, text)
    async with org.connection() as conn:
        holder = await auth.holder_of(conn, text)
    if holder is None or not holder.scopes & _IDENTITY_SCOPES:
        return _refuse("Bad_OAuth_Token", 403)
    return org, holder


async def userinfo(request: Request) -> Response:
    """`/services/oauth2/userinfo`."""
    found = await _holder(request)
    if isinstance(found, Response):
        return found
    org, holder = found
    async with org.connection() as conn:
        return json_response(await openid.userinfo(conn, org, holder, origin_here(request)), headers=_SAFE)


async def identity(request: Request) -> Response:
    """`/id/{org}/{user}`, each id of 15 or 18 characters."""
    found = await _holder(request)
    if isinstance(found, Response):
        return found
    org, holder = found
    org_id, user_id = parse_id(request.path_params["org_id"]), parse_id(request.path_params["user_id"])
    if org_id is None or user_id is None:
        return _refuse("Bad_Id", 404)
    if org_id != org.org_id:
        return _refuse("Wrong_Org", 403)
    if user_id != holder.caller.user_id:
        return _refuse("No_Access", 404)
    version = request.query_params.get("version")
    known = re.fullmatch(r"(\d\d)\.0", version or "")
    if version not in (None, "latest") and not (known and MIN_VERSION <= int(known[1]) <= MAX_VERSION):
        return _refuse("Invalid_Version", 406)
    async with org.connection() as conn:
        document = await openid.identity(conn, org, holder, origin_here(request), version)
    kind = _format(request, request.query_params.get("format"))
    return _send("json" if kind == "urlencoded" else kind, "user", document)


async def discovery(request: Request) -> Response:
    """`/.well-known/openid-configuration`, for pages of any origin."""
    if place_of(request) == "lightning":
        return _refuse("Not found", 404)
    body = openid.discovery(org_of(request), origin_here(request))
    return json_response(body, headers={"Access-Control-Allow-Origin": "*"})


async def keys(request: Request) -> Response:
    """`/id/keys`: what id tokens are checked with, for pages of any origin."""
    async with org_of(request).connection() as conn:
        body = await openid.keys(conn, org_of(request))
    return json_response(body, headers={"Access-Control-Allow-Origin": "*"})


_OAUTH = "/services/oauth2"

ROUTES = [
    Route(f"{_OAUTH}/token", token, methods=["POST"]),
    Route(f"{_OAUTH}/revoke", revoke, methods=["GET", "POST"]),
    Route(f"{_OAUTH}/introspect", introspect, methods=["POST"]),
    Route(f"{_OAUTH}/userinfo", userinfo, methods=["GET", "POST"]),
    Route("/.well-known/openid-configuration", discovery),
    Route("/id/keys", keys),
    Route("/id/{org_id}/{user_id}", identity),
]
