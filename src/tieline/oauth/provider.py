"""The OAuth 2.0 doors that apps use: metadata, token, revocation, userinfo (RFC 6749, 7009, 7636, 8414, 9207, 9700).

Their errors are worded as those standards say, not as ours. A parameter that comes twice is refused, whoever it helps.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.engine import Row

from tieline.errors import TooMany
from tieline.identity.service import digest
from tieline.oauth import grants, registration
from tieline.oauth.limits import FAILURES_PER_MINUTE, REGISTRATIONS_PER_MINUTE, Counter
from tieline.oauth.scopes import SCOPES, USER_INFO, asked
from tieline.oauth.tables import oauth_app
from tieline.web.document import for_apps
from tieline.web.http import Guard, client_address

_LONGEST = 2000
_NOT_KEPT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class Refused(Exception):
    """An error of RFC 6749, section 5.2."""

    def __init__(self, error: str, description: str, status: int = 400, **headers: str) -> None:
        super().__init__(description)
        self.answer = JSONResponse(
            {"error": error, "error_description": description}, status, {**_NOT_KEPT, **headers}
        )


class AccountRef(BaseModel):
    """An account, by name."""

    id: str
    name: str = Field(examples=["Northern Light"])


class UserInfo(BaseModel):
    """The user who let the app in; `sub` is the user's id and never changes."""

    sub: str
    name: str = Field(examples=["Ann Lee"])
    email: str = Field(examples=["ann@example.com"])
    locale: str = Field(examples=["en"])
    roles: list[str] = Field(examples=[["administrator"]])
    account: AccountRef


class Registration(BaseModel):
    """An org that introduces itself (RFC 7591); what else such a request may say is not looked at."""

    model_config = ConfigDict(extra="ignore")

    redirect_uris: list[str] = Field(max_length=1)


class GrantShown(BaseModel):
    """What a token comes of: who allowed it, when, and until when it holds unless it is used."""

    by: str = Field(examples=["Ann Lee"])
    email: str = Field(examples=["ann@example.com"])
    account: AccountRef
    scopes: list[str]
    allowed_at: datetime
    ends_at: datetime


def router(guard: Guard) -> APIRouter:
    """Routes under `/oauth`, and the metadata that leads to them."""
    routes = APIRouter(tags=["oauth"])
    failures = Counter(FAILURES_PER_MINUTE)
    registrations = Counter(REGISTRATIONS_PER_MINUTE)
    issuer = guard.settings.public_url

    @routes.get("/.well-known/oauth-authorization-server", include_in_schema=False)
    async def metadata() -> dict[str, Any]:
        """Where everything is (RFC 8414)."""
        methods = ["client_secret_basic", "client_secret_post", "none"]
        return {
            "issuer": issuer,
            "authorization_endpoint": f"{issuer}/oauth/authorize",
            "token_endpoint": f"{issuer}/oauth/token",
            "revocation_endpoint": f"{issuer}/oauth/revoke",
            "userinfo_endpoint": f"{issuer}/oauth/userinfo",
            "registration_endpoint": f"{issuer}/oauth/register",
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_methods_supported": methods,
            "revocation_endpoint_auth_methods_supported": methods,
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": list(SCOPES),
            "authorization_response_iss_parameter_supported": True,
        }

    async def client(request: Request, form: Mapping[str, str]) -> Row[Any]:
        """The app that asks, proven by its secret if it has one."""
        address = client_address(request)
        left, wait = failures.count(address, 0)
        if left <= 0:
            raise Refused(
                "invalid_client", "Too many failures. Try later.", 429, **{"Retry-After": str(wait)}
            )
        id, secret = form.get("client_id"), form.get("client_secret")
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        if scheme:
            basic = _basic(given) if scheme.lower() == "basic" else None
            if basic is None or secret is not None or id not in (None, basic[0]):
                raise Refused(
                    "invalid_request", "Authenticate in one way: Basic, or client_id and client_secret."
                )
            id, secret = basic
        async with guard.db.system() as tx:
            app = await tx.one(select(oauth_app).where(oauth_app.c.client_id == (id or "")))
        known = app is not None and (
            secret is None
            if app.secret_hash is None
            else hmac.compare_digest(bytes(app.secret_hash), digest(secret or ""))
        )
        if app is None or not known:
            failures.count(address)
            raise Refused(
                "invalid_client",
                "The client or its secret is wrong.",
                401,
                **{"WWW-Authenticate": 'Basic realm="Tieline"'},
            )
        return app

    async def issued(request: Request) -> JSONResponse:
        form = await _form(request)
        kind = _one(form, "grant_type")
        if kind not in ("authorization_code", "refresh_token"):
            raise Refused("unsupported_grant_type", "authorization_code or refresh_token.")
        app = await client(request, form)
        try:
            if kind == "authorization_code":
                tokens = await grants.exchange_code(
                    guard.db,
                    app,
                    code=_one(form, "code"),
                    redirect_uri=_one(form, "redirect_uri"),
                    verifier=_one(form, "code_verifier"),
                )
            else:
                narrowed = asked(form["scope"], app.scopes) if form.get("scope", "").strip() else None
                if narrowed is None and form.get("scope", "").strip():
                    raise Refused("invalid_scope", "More than what was allowed.")
                tokens = await grants.refresh(
                    guard.db, app, token=_one(form, "refresh_token"), asked=narrowed
                )
        except grants.GrantRefused as error:
            raise Refused(error.error, str(error)) from error
        body = {
            "access_token": tokens.access_token,
            "token_type": "Bearer",
            "expires_in": int(grants.ACCESS_LIFE.total_seconds()),
            "refresh_token": tokens.refresh_token,
            "scope": " ".join(tokens.scopes),
        }
        return JSONResponse(body, headers=_NOT_KEPT)

    @routes.post("/oauth/token", include_in_schema=False)
    async def token(request: Request) -> Response:
        """Tokens for a code or a refresh token."""
        try:
            return await issued(request)
        except Refused as refused:
            return refused.answer

    @routes.post("/oauth/register", include_in_schema=False)
    async def register(request: Request, wanted: Registration) -> Response:
        """A client for an org of Salesforce's (RFC 7591); it can do nothing until an administrator lets it in."""
        left, wait = registrations.count(client_address(request))
        if left < 0:
            raise TooMany(retry_after_s=wait)
        uri = wanted.redirect_uris[0] if wanted.redirect_uris else ""
        if not registration.is_orgs(uri, trust_loopback=guard.settings.trust_loopback_crm):
            return Refused(
                "invalid_redirect_uri",
                "The callback of an org of Salesforce's: https://X.my.salesforce.com/…",
            ).answer
        client_id, secret = await registration.register(guard.db, uri)
        body = {
            "client_id": client_id,
            "client_secret": secret,
            "client_secret_expires_at": 0,
            "redirect_uris": [uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": "client_secret_basic",
            "scope": " ".join(SCOPES),
        }
        return JSONResponse(body, 201, headers=_NOT_KEPT)

    @routes.get("/oauth/grant", **for_apps(USER_INFO))
    async def grant(request: Request, response: Response) -> GrantShown:
        """What this token comes of."""
        who = await guard.app(request, USER_INFO)
        response.headers.update(_NOT_KEPT)
        async with guard.db.account(who.account_id) as tx:
            allowed_at, ends_at = await grants.times(tx, who.session_id)
        account = AccountRef(id=str(who.account_id), name=who.account_name)
        return GrantShown(
            by=who.name,
            email=who.email,
            account=account,
            scopes=[scope for scope in SCOPES if scope in who.scopes],
            allowed_at=allowed_at,
            ends_at=ends_at,
        )

    @routes.delete("/oauth/grant", status_code=204, **for_apps(USER_INFO))
    async def give_back(request: Request) -> None:
        """Give back what was allowed: this token, and every other one that came of it, is dead at once."""
        who = await guard.app(request, USER_INFO)
        async with guard.db.account(who.account_id) as tx:
            await grants.give_back(tx, who.session_id)

    @routes.post("/oauth/revoke", include_in_schema=False)
    async def revoke(request: Request) -> Response:
        """Give a token back (RFC 7009)."""
        try:
            form = await _form(request)
            app = await client(request, form)
            await grants.revoke(guard.db, app, _one(form, "token"))
        except Refused as refused:
            return refused.answer
        return Response(status_code=200, headers=_NOT_KEPT)

    @routes.get("/oauth/userinfo", **for_apps(USER_INFO))
    @routes.post("/oauth/userinfo", include_in_schema=False)
    async def userinfo(request: Request, response: Response) -> UserInfo:
        """Who allowed this token."""
        who = await guard.app(request, USER_INFO)
        response.headers.update(_NOT_KEPT)
        return UserInfo(
            sub=str(who.user_id),
            name=who.name,
            email=who.email,
            locale=who.language,
            roles=sorted(who.roles),
            account=AccountRef(id=str(who.account_id), name=who.account_name),
        )

    return routes


async def _form(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Refused("invalid_request", "Send application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl((await request.body()).decode("ascii"), keep_blank_values=True, max_num_fields=50)
    except (UnicodeDecodeError, ValueError):
        raise Refused("invalid_request", "The form cannot be read.") from None
    form = dict(pairs)
    if len(form) != len(pairs) or any(len(value) > _LONGEST or "\0" in value for value in form.values()):
        raise Refused("invalid_request", "A parameter comes twice or is too long.")
    return form


def _one(form: Mapping[str, str], name: str) -> str:
    value = form.get(name, "")
    if not value:
        raise Refused("invalid_request", f"{name} is missing.")
    return value


def _basic(text: str) -> tuple[str, str] | None:
    try:
        id, colon, secret = base64.b64decode(text, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (unquote_plus(id), unquote_plus(secret)) if colon else None
