"""The callbar's page, its sign-in and its socket.

The page lives in the CRM's frame, on another site: no third-party cookie comes back there. It may be framed by
the origins of one connection only, and knows no account before somebody has signed in (see the decision on
signing in within a third-party frame).
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Request, Response, WebSocket
from pydantic import BaseModel, Field

from tieline.callbar import wire
from tieline.callbar.socket import CallbarDoor
from tieline.errors import NotFound, NotSignedIn
from tieline.identity import service as identity
from tieline.identity.service import Issued
from tieline.web.http import Guard, came_from, uuid_or
from tieline.web.pages import Pages

ADAPTER_PATH = "/cci/multi/callbar-cti"
OPEN_CTI_PATH = "/support/api/66.0/lightning/opencti_min.js"


class ConnectionUnknown(NotFound):
    """No connection may be embedded by this origin."""

    code = "connection_unknown"


@dataclass(frozen=True, slots=True)
class Embedding:
    """A connection and the origins that may embed its callbar."""

    connection_id: UUID
    account_id: UUID
    origins: tuple[str, ...]


FindEmbedding = Callable[[str], Awaitable[Embedding | None]]
"""Origin -> the one connection that it may embed, if there is one; given by the composition root."""


class Grant(BaseModel):
    """What the pop-up asks for on behalf of the frame that opened it."""

    connection_id: str = Field(max_length=40)
    origin: str = Field(max_length=300)
    challenge: str = Field(pattern=r"^[A-Za-z0-9_-]{43}$")
    digits: str | None = Field(default=None, pattern=r"^[0-9]{2}$")
    """What the user has read in the frame, where the pop-up has no opener to hand a code to."""


class Redemption(BaseModel):
    """The frame's half: the code it was handed, the secret it kept."""

    connection_id: str = Field(max_length=40)
    code: str = Field(max_length=100)
    secret: str = Field(min_length=20, max_length=100)


class Collection(BaseModel):
    """A frame whose pop-up could not hand the code over: it proves itself by its secret."""

    connection_id: str = Field(max_length=40)
    secret: str = Field(min_length=20, max_length=100)


class Resumption(BaseModel):
    """A reloaded frame."""

    connection_id: str = Field(max_length=40)


def router(guard: Guard, pages: Pages, door: CallbarDoor, find_embedding: FindEmbedding) -> APIRouter:
    """Routes of the callbar."""
    routes = APIRouter(tags=["callbar"])

    async def embedding_of(connection_id: str, origin: str | None) -> tuple[Embedding, str]:
        found = await find_embedding(origin) if origin else None
        if origin is None or found is None or str(found.connection_id) != connection_id:
            raise ConnectionUnknown
        return found, origin

    def set_cookie(response: Response, connection_id: UUID, token: str, expires_at: datetime) -> None:
        # `Partitioned` keeps the cookie apart by the page on top; it is shared by every org under one
        # top-level site, hence a name per connection. Starlette cannot write that attribute with its API.
        seconds = max(0, int(expires_at.timestamp() - datetime.now(expires_at.tzinfo).timestamp()))
        response.headers.append(
            "set-cookie",
            f"{cookie_name(connection_id)}={token}; Path=/api/v1/callbar; Max-Age={seconds}; HttpOnly; Secure; "
            "SameSite=None; Partitioned",
        )

    def described(issued_token: str, expires_at: datetime, language: str) -> dict[str, Any]:
        return {"token": issued_token, "expires_at": expires_at, "language": language}

    @routes.get(ADAPTER_PATH)
    async def page(request: Request) -> Response:
        """The callbar, to be framed by exactly the origins of the connection that names the asking page."""
        asked = {key.lower(): value for key, value in request.query_params.items()}.get("sfdciframeorigin")
        origin = origin_of(asked) or origin_of(request.headers.get("referer"))
        found = await find_embedding(origin) if origin else None
        if found is None:
            return pages.page("callbar", {"not_connected": True, "asked_by": origin}, status=200)
        config = {
            "connection_id": str(found.connection_id),
            "host_origin": origin,
            "opencti_url": f"{origin}{OPEN_CTI_PATH}",
        }
        return pages.page(
            "callbar", config, frame_ancestors=" ".join(found.origins), scripts_from=str(origin)
        )

    @routes.post("/api/v1/callbar/grants")
    async def grant(wanted: Grant, request: Request) -> dict[str, str]:
        """For the pop-up, with a portal session: a one-time code for the frame that knows the secret."""
        who = guard.who(request)
        found, origin = await embedding_of(wanted.connection_id, wanted.origin)
        if found.account_id != who.account_id:
            raise ConnectionUnknown
        if wanted.digits is not None:
            await identity.grant_by_digits(
                guard.db,
                who,
                connection_id=found.connection_id,
                origin=origin,
                challenge=wanted.challenge,
                digits=wanted.digits,
            )
            return {"origin": origin}
        code = await identity.grant_callbar(
            guard.db, who, connection_id=found.connection_id, origin=origin, challenge=wanted.challenge
        )
        return {"code": code, "origin": origin}

    @routes.post("/api/v1/callbar/session")
    async def redeem(wanted: Redemption, request: Request, response: Response) -> dict[str, Any]:
        """For the frame: a session of its own for code and secret."""
        guard.check_origin(request.headers)
        issued: Issued = await identity.redeem_callbar(
            guard.db,
            connection_id=uuid_or(wanted.connection_id, ConnectionUnknown),
            code=wanted.code,
            secret=wanted.secret,
            came=came_from(request),
        )
        connection_id = issued.who.connection_id
        assert connection_id is not None
        set_cookie(response, connection_id, issued.token, issued.expires_at)
        return described(issued.token, issued.expires_at, issued.who.language)

    @routes.post("/api/v1/callbar/session/collect", response_model=None)
    async def collect(wanted: Collection, request: Request, response: Response) -> dict[str, Any] | None:
        """For a frame that shows digits: its session once they were typed into the pop-up; 204 until then."""
        guard.check_origin(request.headers)
        connection_id = uuid_or(wanted.connection_id, ConnectionUnknown)
        issued = await identity.collect_callbar(
            guard.db, connection_id=connection_id, secret=wanted.secret, came=came_from(request)
        )
        if issued is None:
            response.status_code = 204
            return None
        set_cookie(response, connection_id, issued.token, issued.expires_at)
        return described(issued.token, issued.expires_at, issued.who.language)

    @routes.post("/api/v1/callbar/session/renew")
    async def renew(request: Request, response: Response) -> dict[str, Any]:
        """Prolong this callbar's session in mid-shift; token and cookie stay the same."""
        guard.check_origin(request.headers)
        who = await guard.callbar(request)
        expires_at = await identity.renew_callbar(guard.db, who)
        token = request.headers["authorization"].partition(" ")[2]
        assert who.connection_id is not None
        set_cookie(response, who.connection_id, token, expires_at)
        return described(token, expires_at, who.language)

    @routes.post("/api/v1/callbar/session/resume", response_model=None)
    async def resume(wanted: Resumption, request: Request) -> dict[str, Any] | Response:
        """For a reloaded frame: the bearer token again, by its `Partitioned` cookie; 204 when there is none.

        Having no session yet is no error, and browsers write errors into the page's console.
        """
        guard.check_origin(request.headers)
        connection_id = uuid_or(wanted.connection_id, ConnectionUnknown)
        token = request.cookies.get(cookie_name(connection_id))
        try:
            who = await identity.whose(guard.db, token, "callbar")
        except NotSignedIn:
            return Response(status_code=204)
        if who.connection_id != connection_id or token is None:
            return Response(status_code=204)
        return described(token, who.expires_at, who.language)

    @routes.delete("/api/v1/callbar/session", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        """Sign this callbar out."""
        guard.check_origin(request.headers)
        who = await guard.callbar(request)
        await identity.sign_out(guard.db, who)
        assert who.connection_id is not None
        set_cookie(response, who.connection_id, "", who.expires_at.fromtimestamp(0, who.expires_at.tzinfo))

    @routes.websocket("/callbar/socket")
    async def socket(websocket: WebSocket) -> None:
        offered = websocket.headers.get("sec-websocket-protocol", "")
        if not guard.ours(websocket.headers.get("origin")) or wire.SUBPROTOCOL not in [
            p.strip() for p in offered.split(",")
        ]:
            await websocket.close(1008)
            return
        await websocket.accept(wire.SUBPROTOCOL)
        await door.serve(websocket)

    return routes


def cookie_name(connection_id: UUID) -> str:
    """The cookie of a connection's callbar; its id is not told in clear to whoever reads cookie names."""
    return f"tieline_callbar_{hashlib.sha256(connection_id.bytes).hexdigest()[:12]}"


def origin_of(url: str | None) -> str | None:
    """The origin of a URL, or None when it is none of http(s)."""
    if not url:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        return None
    return f"{parts.scheme}://{parts.netloc}".lower()
