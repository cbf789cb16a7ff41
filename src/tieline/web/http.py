"""Errors, security headers, sessions and their protection, for every REST door.

Deny by default: before anything of a request is looked at, `Guard.enter` asks the table of roles (`identity/roles.py`)
who may come in at its route; writes that a cookie authorises need the session's CSRF token in a header and an origin
that is ours.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tieline.db.database import Database
from tieline.errors import InputInvalid, NotAllowed, TemporarilyUnavailable, TielineError, TooMany
from tieline.identity import roles
from tieline.identity import service as identity
from tieline.identity.service import Came, SignedIn
from tieline.identity.sessions import device_of
from tieline.ids import new_id
from tieline.oauth import grants
from tieline.oauth.grants import AppAccess, TokenInvalid
from tieline.oauth.limits import PER_MINUTE, Counter
from tieline.oauth.scopes import SCOPES
from tieline.settings import Settings

log = structlog.get_logger()

MAX_BODY = 1024 * 1024
LARGER = {"/api/v1/users/import": 4 * 1024 * 1024}
"""Bodies that may be larger: a file of ten thousand users."""
PORTAL_COOKIE = "tieline_session"

BASE_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
"""Policy of every response that is not a page of ours; pages say more."""


class OriginRefused(NotAllowed):
    """A write or a socket from a page that is not ours."""

    code = "origin_refused"


class CsrfMissing(NotAllowed):
    """A write without the session's CSRF token."""

    code = "csrf_missing"


class SecondStepMissing(NotAllowed):
    """The account wants a second step of this user, who has none yet."""

    code = "second_step_missing"


class BodyTooLarge(TielineError):
    """The request's body is larger than any request of this door needs."""

    code, status = "body_too_large", 413


_BEARER_ERRORS = {"token_invalid": "invalid_token", "scope_missing": "insufficient_scope"}
"""What RFC 6750 calls them."""


def problem(request_id: str, error: TielineError) -> JSONResponse:
    """The error as problem+json (RFC 9457)."""
    body = {
        "type": "about:blank",
        "title": error.code.replace("_", " "),
        "status": error.status,
        "code": error.code,
        "params": error.params,
        "request_id": request_id,
    }
    headers = {"Cache-Control": "no-store"}
    if "retry_after_s" in error.params:
        headers["Retry-After"] = str(error.params["retry_after_s"])
    if error.code in _BEARER_ERRORS:
        headers["WWW-Authenticate"] = f'Bearer realm="Tieline", error="{_BEARER_ERRORS[error.code]}"'
    elif error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Tieline"'
    return JSONResponse(body, error.status, headers, media_type="application/problem+json")


@dataclass(frozen=True, slots=True)
class Guard:
    """Sessions at the REST doors."""

    db: Database
    settings: Settings
    _asked: Counter = field(default_factory=lambda: Counter(PER_MINUTE))

    def csrf(self, who: SignedIn) -> str:
        """The CSRF token of a portal session."""
        return identity.csrf_token(self.settings.keys.derive("csrf"), who.session_id)

    async def enter(self, request: HTTPConnection) -> None:
        """Let in who has the right that the request's route belongs to; every route depends on it.

        That is the portal session of somebody with one of the right's roles or, where the route is told to apps, an
        app's token within its scope. Sockets ask for themselves, in their first message. Raises `NotSignedIn`,
        `NotAllowed` and what `session` and `app` raise.
        """
        if not isinstance(request, Request):
            return
        route = request.scope["route"]
        named = f"{request.method} {route.path}"
        if named in roles.OPEN:
            return
        right = roles.BY_ROUTE.get(named)
        if right is None:
            raise NotAllowed
        if (scope := scope_of(route)) is not None and "authorization" in request.headers:
            request.state.who = await self.app(request, scope)
            return
        who = await self.session(request)
        if who.must_add_step and not right.early:
            raise SecondStepMissing
        who.need(right.key)
        request.state.who = who

    def who(self, request: Request) -> SignedIn:
        """Who has been let in."""
        return request.state.who

    async def session(self, request: Request) -> SignedIn:
        """The portal session of the request; writes are checked for origin and CSRF token."""
        who = await identity.whose(self.db, request.cookies.get(PORTAL_COOKIE), "portal")
        if request.method not in ("GET", "HEAD"):
            self.check_origin(request.headers)
            if request.headers.get("x-csrf-token") != self.csrf(who):
                raise CsrfMissing
        return who

    async def app(self, request: Request, scope: str) -> AppAccess:
        """The user for whom the request's token acts, within `scope`. Counts the request."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not 0 < len(token) <= 200:
            raise TokenInvalid
        who = await grants.whose(self.db, token)
        left, wait = self._asked.count(who.session_id)
        request.state.headers = {
            "RateLimit-Limit": str(PER_MINUTE),
            "RateLimit-Remaining": str(max(0, left)),
            "RateLimit-Reset": str(wait),
        }
        if left < 0:
            raise TooMany(retry_after_s=wait)
        who.need_scope(scope)
        who.need(SCOPES[scope])
        return who

    async def callbar(self, request: Request) -> SignedIn:
        """The callbar session whose bearer token the request carries."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return await identity.whose(self.db, token if scheme.lower() == "bearer" else None, "callbar")

    def vanity(self, request: Request) -> str | None:
        """The name below our public host at which the request came in; None at the public host itself."""
        name, _, rest = request.headers.get("host", "").lower().partition(".")
        return name if rest == self.settings.public_host else None

    def ours(self, origin: str | None) -> bool:
        """Whether a page of this origin is a page of ours: the public origin or a vanity host below it."""
        if origin is None:
            return False
        want, got = urlsplit(self.settings.public_url), urlsplit(origin)
        return got.scheme == want.scheme and (
            got.netloc == want.netloc
            or (got.netloc.endswith(f".{want.netloc}") and got.netloc.count("@") == 0)
        )

    def check_origin(self, headers: Headers) -> None:
        """Raise `OriginRefused` unless the browser says that the request comes from a page of ours."""
        if not self.ours(headers.get("origin")):
            raise OriginRefused


class Shell:
    """Outermost ASGI layer: request ids, size limit, security headers on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = str(new_id())
        scope.setdefault("state", {})["request_id"] = request_id
        length = Headers(scope=scope).get("content-length", "0")
        most = LARGER.get(scope["path"], MAX_BODY)
        if not length.isdigit() or int(length) > most:
            await problem(request_id, BodyTooLarge(limit=most))(scope, receive, send)
            return
        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > most:
                raise BodyTooLarge(limit=most)
            return message

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", BASE_CSP)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Referrer-Policy", "same-origin")
                headers.setdefault("X-Request-Id", request_id)
                for name, value in scope["state"].get("headers", {}).items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, limited, secured)


def install_errors(app: FastAPI) -> None:
    """Turn every failure into problem+json, with nothing of our inside in it."""

    async def of_ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, TielineError)
        return problem(_request_id(request), error)

    async def of_validation(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))
        return problem(_request_id(request), InputInvalid(field=field, rule=first["type"]))

    async def of_http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        if error.status_code == 400:  # what the framework says of a body that is no text
            return problem(_request_id(request), InputInvalid(field="", rule="json_invalid"))
        codes = {404: "not_found", 405: "method_not_allowed"}
        fact = TielineError()
        fact.code, fact.status = codes.get(error.status_code, "request_refused"), error.status_code
        return problem(_request_id(request), fact)

    async def of_database(request: Request, error: Exception) -> JSONResponse:
        # A text with a NUL in it, which PostgreSQL has no place for: no other answer would ever come.
        if isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) == "22021":
            return problem(_request_id(request), InputInvalid(field="", rule="characters"))
        log.error("database", error=type(error).__name__, request_id=_request_id(request))
        return problem(_request_id(request), TemporarilyUnavailable(retry_after_s=2))

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        log.error("request.failed", request_id=_request_id(request), exc_info=error)
        return problem(_request_id(request), TielineError())

    app.add_exception_handler(TielineError, of_ours)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)
    for kind in (InterfaceError, PoolTimeout, ConnectionError):
        app.add_exception_handler(kind, of_database)
    app.add_exception_handler(DBAPIError, of_database)
    app.add_exception_handler(Exception, unexpected)


def _request_id(request: Request) -> str:
    return str(request.scope.get("state", {}).get("request_id", ""))


def scope_of(route: Any) -> str | None:
    """The scope by which an app's token opens a route; None where none does."""
    security = (getattr(route, "openapi_extra", None) or {}).get("security")
    return next(iter(security[0]["app"])) if security else None


def came_from(request: Request) -> Came:
    """Where a request came from, as a session remembers it."""
    return Came(client_address(request), device_of(request.headers.get("user-agent", "")[:500]))


def client_address(request: Any) -> str:
    """The address the request came from, as uvicorn (told of trusted proxies) sees it."""
    return request.client.host if request.client else "unknown"


def cursor_of(name: str, id: UUID) -> str:
    """The place behind this row in a list by name, as clients carry it."""
    return base64.urlsafe_b64encode(json.dumps([name, str(id)], ensure_ascii=False).encode()).decode()


def place_of(cursor: str) -> tuple[str, UUID]:
    """The place that a cursor names. Raises `InputInvalid`."""
    try:
        name, id = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        if not isinstance(name, str) or "\0" in name:
            raise ValueError
        return name, UUID(id)
    except (ValueError, TypeError, AttributeError) as error:
        raise InputInvalid("no place in the list", field="after") from error


def uuid_or(text: str, error: type[TielineError]) -> UUID:
    """The id, or the error that says there is no such thing."""
    try:
        return UUID(text)
    except ValueError:
        raise error from None
