"""The way from an HTTP request with an access token to a `Call`, and the REST endpoint itself."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from .errors import Fault, not_found, session_expired
from .events.tables import on_behalf
from .faults.faults import Rule
from .language import asked_language, speak
from .options import call_options
from .orgs import Org
from .query.running import batch_size
from .rest import (
    MAX_VERSION,
    MIN_VERSION,
    Call,
    Reply,
    dispatch,
    find_route,
    no_fault,
    not_acceptable,
    versions,
)
from .sign_in import auth
from .sign_in.door import bearer, org_named
from .soap.xml_values import simple_document
from .web import json_response, origin_here, place_of, read_json


def api_version(text: str) -> str:
    """`66.0` for `v66.0`. NOT_FOUND for a version that is not served."""
    found = re.fullmatch(r"v(\d\d)\.0", text)
    if not found or not MIN_VERSION <= int(found.group(1)) <= MAX_VERSION:
        raise not_found()
    return f"{found.group(1)}.0"


def raw_path_behind(request: Request, prefix: str) -> str:
    """The path behind `prefix`, still percent-encoded: an external id may contain a slash."""
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    path = re.sub(r"/{2,}", "/", raw.split(b"?")[0].decode("latin-1"))
    return path.removeprefix(prefix).strip("/")


async def org_of_token(request: Request) -> Org:
    """The org an access token names, where the door is open to any; else the door's."""
    return await org_named(request, bearer(request))


@asynccontextmanager
async def calling(
    request: Request, org: Org, version: str, session_id: str | None = None, language: str | None = None
) -> AsyncGenerator[Call]:
    """The call of the token's user. INVALID_SESSION_ID where there is none; counts against the daily limit.

    `session_id` is the token where it did not come in the Authorization header, `language` one that the request asks
    for otherwise than by Accept-Language; the user's own holds where neither names one of the org's.
    """
    token = session_id or bearer(request)
    if not token:
        if "authorization" in request.headers:
            raise Fault("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE", status=401)
        raise session_expired()
    async with org.connection() as conn:
        holder = await auth.holder_of(conn, token)
        if holder is None:
            raise session_expired()
        asked = asked_language((language or "").replace("_", "-") or request.headers.get("accept-language"))
        caller = replace(holder.caller, language=asked) if asked else holder.caller
        speak(caller.language)
        if not holder.scopes & {"api", "full"}:
            raise Fault(
                "INVALID_SESSION_ID", "This session is not valid for use with the REST API", status=401
            )
        if not caller.may("ApiEnabled"):
            raise Fault(
                "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner", status=403
            )
        if await org.usage.count(conn) > org.usage.maximum:
            raise Fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        failing: Rule | None = request.scope.get("crm.records_rule")
        call = Call(
            org,
            conn,
            await org.catalogue(conn, holder.version),
            caller,
            version,
            origin_here(request),
            batch_size(request.headers.get("sforce-query-options")),
            call_options(request.headers),
            failing.row_fault if failing else no_fault,
        )
        if not org.capturing or request.method in ("GET", "HEAD"):
            yield call
            return
        async with on_behalf(conn, f"com/salesforce/api/rest/{version};client={call.options.client}"):
            yield call


def answer(org: Org, reply: Reply, *, xml: str = "") -> Response:
    """A reply on the wire, with the limit header every answer carries; in XML where its root has a name."""
    headers = dict(reply.headers) | {"Sforce-Limit-Info": org.usage.header}
    if reply.status == 401:
        headers["WWW-Authenticate"] = "Token"
    if xml and reply.body is not None:
        if reply.status >= 400:
            return _xml_response("Errors", {"Error": reply.body}, reply.status, headers)
        return _xml_response(_type_of(reply.body) if xml == "*" else xml, reply.body, reply.status, headers)
    return json_response(reply.body, reply.status, headers)


def _xml_response(root: str, body: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    safe = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(
        simple_document(root, body),
        status,
        headers=safe | dict(headers or {}),
        media_type="application/xml;charset=UTF-8",
    )


def _type_of(body: Any) -> str:
    return str(body["attributes"]["type"])


def wants_xml(request: Request) -> bool:
    """True for somebody who takes XML and no JSON."""
    accepted = request.headers.get("accept", "")
    return "xml" in accepted and not any(kind in accepted for kind in ("json", "*/*", "application/*"))


def _root_in_xml(method: str, path: str) -> str:
    """What the root of an answer in XML is called. NOT_ACCEPTABLE where there is JSON only."""
    found, _ = find_route("GET" if method == "HEAD" else method, path)
    if not found.xml:
        raise not_acceptable()
    return found.xml


async def rest(request: Request) -> Response:
    """`/services/data/...` with an access token."""
    text = raw_path_behind(request, "/services/data")
    if not text and place_of(request) != "lightning":
        if wants_xml(request):
            return _xml_response("Versions", {"Version": versions()}, 200)
        return json_response(versions())
    org = await org_of_token(request)
    xml = "Errors" if wants_xml(request) else ""
    try:
        if place_of(request) == "lightning":
            raise not_found()
        version, _, path = text.partition("/")
        version = api_version(version)
        if path.endswith(".xml") and path.count("/") < 3:
            path, xml = path.removesuffix(".xml"), "Errors"
        if xml:
            xml = _root_in_xml(request.method, path)
        body = await read_json(request) if request.method in ("POST", "PATCH", "PUT") else None
        async with calling(request, org, version) as call:
            reply = await dispatch(
                call, request.method, path, dict(request.query_params), body, request.headers
            )
    except Fault as fault:
        reply = Reply(fault.status, [fault.as_row()])
    return answer(org, reply, xml=xml)
