"""Signing in to the portal."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from tieline.errors import NotSignedIn
from tieline.identity import service as identity
from tieline.identity.service import SignedIn
from tieline.web.http import PORTAL_COOKIE, Guard, client_address


class Credentials(BaseModel):
    """What the sign-in page sends."""

    email: str = Field(min_length=3, max_length=254)
    password: str = Field(min_length=1, max_length=200)


def router(guard: Guard) -> APIRouter:
    """Routes of `/api/v1/session`."""
    routes = APIRouter(prefix="/api/v1", tags=["session"])

    def described(who: SignedIn) -> dict[str, Any]:
        return {
            "user": {
                "id": str(who.user_id),
                "name": who.name,
                "email": who.email,
                "language": who.language,
                "roles": sorted(who.roles),
            },
            "account": {"name": who.account_name},
            "csrf_token": guard.csrf(who),
        }

    @routes.post("/session")
    async def sign_in(credentials: Credentials, request: Request, response: Response) -> dict[str, Any]:
        """Sign in: sets the session's cookie. A session that was there stays with whoever has it."""
        guard.check_origin(request.headers)
        issued = await identity.sign_in(
            guard.db, credentials.email, credentials.password, address=client_address(request)
        )
        response.set_cookie(
            PORTAL_COOKIE,
            issued.token,
            expires=issued.expires_at,
            httponly=True,
            samesite="lax",
            secure=guard.settings.public_url.startswith("https:"),
        )
        return described(issued.who)

    @routes.get("/session", response_model=None)
    async def session(request: Request) -> dict[str, Any] | Response:
        """Who is signed in; 204 when nobody is, which is no error."""
        try:
            return described(await guard.portal(request))
        except NotSignedIn:
            return Response(status_code=204)

    @routes.delete("/session", status_code=204)
    async def sign_out(request: Request, response: Response) -> None:
        """Sign out: the session is dead at once, everywhere."""
        await identity.sign_out(guard.db, await guard.portal(request))
        response.delete_cookie(PORTAL_COOKIE)

    @routes.delete("/sessions", status_code=204)
    async def sign_out_everywhere(request: Request, response: Response) -> None:
        """End every session of the user: portal, callbars, on every computer."""
        await identity.sign_out_everywhere(guard.db, await guard.portal(request))
        response.delete_cookie(PORTAL_COOKIE)

    return routes
