"""REST routes of the portal: consent, developer apps, added apps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.engine import Row

from tieline.errors import NotAllowed, NotFound, TielineError
from tieline.identity.service import SignedIn
from tieline.oauth import apps, grants, registration
from tieline.oauth.rules import LONGEST_URI, MOST_URIS, challenge_is_sound, uri_fits, with_answer
from tieline.oauth.scopes import SCOPES, asked, not_theirs
from tieline.oauth.tables import oauth_app
from tieline.web.http import Guard, uuid_or
from tieline.web.pages import Pages

Scope = Literal["contact_center_preferences:read", "contact_center_users:manage", "user_info:read"]


class RequestUnsafe(TielineError):
    """An authorization request that must not be answered to where it says: nobody knows whose address that is.

    `params.reason`: `unknown_app`, `other_account`, `redirect_uri`, `repeated`.
    """

    code, status = "authorization_refused", 400


class AppWanted(BaseModel):
    """An app as it is to be."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(max_length=200)
    redirect_uris: list[str] = Field(max_length=3 * MOST_URIS)
    scopes: list[Scope] = Field(max_length=len(SCOPES))


class NewApp(AppWanted):
    """An app to be made. One that runs where it cannot keep a secret is not confidential."""

    confidential: bool


class AppChange(AppWanted):
    """A change of an app; `version` is the one that was read."""

    version: int = Field(ge=0, le=2**31 - 2)


class AppShown(BaseModel):
    """A developer app."""

    id: str
    name: str
    client_id: str
    confidential: bool
    redirect_uris: list[str]
    scopes: list[str]
    version: int
    created_by: str | None
    created_at: datetime
    secret_at: datetime | None
    grants: int


class AppMade(BaseModel):
    """A new app, or one with a new secret. The secret is told this once; null for a public app."""

    app: AppShown
    secret: str | None


class Consent(BaseModel):
    """The user's answer to an authorization request, whose query comes along as it was."""

    model_config = ConfigDict(extra="forbid")

    query: str = Field(max_length=8000)
    allow: bool


def router(guard: Guard, pages: Pages) -> APIRouter:
    """Routes of developer apps, added apps and consent."""
    routes = APIRouter(tags=["oauth"])
    issuer = guard.settings.public_url

    @routes.get("/oauth/authorize", include_in_schema=False)
    async def authorize() -> Response:
        """The page that asks the user. It is shown by no other page: a click there would not be the user's."""
        page = pages.page("portal", {})
        page.headers["X-Frame-Options"] = "DENY"
        page.headers["Referrer-Policy"] = "no-referrer"
        return page

    async def understood(who: SignedIn, query: str) -> _Asked | str:
        """The request, or where to go with what is wrong with it. Raises `RequestUnsafe` where there is no such place."""
        pairs = _pairs(query)
        given = dict(pairs)
        if len(given) != len(pairs):
            raise RequestUnsafe(reason="repeated")
        async with guard.db.system() as tx:
            app: Row[Any] | registration.Waiting | None = await tx.one(
                select(oauth_app).where(oauth_app.c.client_id == given.get("client_id", ""))
            )
            if app is None:
                app = await registration.waiting(tx, given.get("client_id", ""))
        if app is None:
            raise RequestUnsafe(reason="unknown_app")
        if not isinstance(app, registration.Waiting) and app.account_id != who.account_id:
            raise RequestUnsafe(reason="other_account", account=who.account_name)
        uri = given.get("redirect_uri", "")
        if not uri_fits(uri, app.redirect_uris, public=app.secret_hash is None):
            raise RequestUnsafe(reason="redirect_uri", app=app.name)
        state = given.get("state")

        def back(error: str, description: str) -> str:
            return with_answer(uri, error=error, error_description=description, state=state, iss=issuer)

        if given.get("response_type") != "code":
            return back("unsupported_response_type", "response_type must be code.")
        if given.get("response_mode", "query") != "query":
            return back("invalid_request", "response_mode must be query.")
        if not challenge_is_sound(given.get("code_challenge"), given.get("code_challenge_method")):
            return back(
                "invalid_request", "PKCE is required: code_challenge with code_challenge_method=S256."
            )
        scopes = asked(given.get("scope"), app.scopes)
        if not scopes:
            return back("invalid_scope", "The app may not ask for these scopes.")
        return _Asked(app, uri, state, scopes, given["code_challenge"])

    @routes.get("/api/v1/oauth/request")
    async def request_shown(request: Request) -> dict[str, Any]:
        """What an authorization request, given as this one's query, asks for; or where to go because it cannot be met."""
        who = guard.who(request)
        found = await understood(who, request.url.query)
        if isinstance(found, str):
            return {"redirect_to": found}
        return {
            "app": {"name": found.app.name, "goes_to": found.uri.split("?")[0], "new": found.is_new},
            "account": who.account_name,
            "scopes": found.scopes,
            "not_yours": not_theirs(found.scopes, who.roles),
        }

    @routes.post("/api/v1/oauth/consent")
    async def consent(request: Request, answer: Consent) -> dict[str, str]:
        """Allow an app what it asks for, or do not; gives where the browser goes on."""
        who = guard.who(request)
        found = await understood(who, answer.query)
        if isinstance(found, str):
            return {"redirect_to": found}
        if not answer.allow:
            to = with_answer(found.uri, error="access_denied", state=found.state, iss=issuer)
            return {"redirect_to": to}
        if not_theirs(found.scopes, who.roles):
            raise NotAllowed(needs="administrator")
        if isinstance(found.app, registration.Waiting):
            who.need("apps")
            app_id = await registration.let_in(guard.db, found.app, who.account_id, who.user_id)
        else:
            app_id = found.app.id
        async with guard.db.account(who.account_id) as tx:
            code = await grants.make_code(
                tx,
                app_id=app_id,
                user_id=who.user_id,
                redirect_uri=found.uri,
                scopes=found.scopes,
                challenge=found.challenge,
            )
        return {"redirect_to": with_answer(found.uri, code=code, state=found.state, iss=issuer)}

    @routes.get("/api/v1/developer-apps")
    async def listed(request: Request) -> dict[str, list[AppShown]]:
        """The account's developer apps, by name."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            return {"apps": [_shown(row) for row in await apps.listed(tx)]}

    @routes.post("/api/v1/developer-apps", status_code=201)
    async def make(request: Request, wanted: NewApp) -> AppMade:
        """Make a developer app. Its secret is told this once."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            id, secret = await apps.make(tx, _draft(wanted), confidential=wanted.confidential, by=who.user_id)
            return AppMade(app=_shown(await apps.one(tx, id)), secret=secret)

    @routes.put("/api/v1/developer-apps/{app_id}")
    async def change(request: Request, app_id: str, wanted: AppChange) -> AppShown:
        """Change an app; refused when somebody else has changed it since it was read."""
        who = guard.who(request)
        id = uuid_or(app_id, NotFound)
        async with guard.db.account(who.account_id) as tx:
            await apps.change(tx, id, wanted.version, _draft(wanted))
            return _shown(await apps.one(tx, id))

    @routes.post("/api/v1/developer-apps/{app_id}/secret")
    async def rotate(request: Request, app_id: str) -> AppMade:
        """Give an app a new secret, told this once; the old one is refused from now on."""
        who = guard.who(request)
        id = uuid_or(app_id, NotFound)
        async with guard.db.account(who.account_id) as tx:
            secret = await apps.rotate_secret(tx, id)
            return AppMade(app=_shown(await apps.one(tx, id)), secret=secret)

    @routes.delete("/api/v1/developer-apps/{app_id}", status_code=204)
    async def delete(request: Request, app_id: str) -> None:
        """Delete an app; whatever was allowed to it ends at once."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            await apps.remove(tx, uuid_or(app_id, NotFound))

    @routes.get("/api/v1/added-apps")
    async def added(request: Request) -> dict[str, list[dict[str, Any]]]:
        """Apps that users of the account let in: who, what for, since when, last used."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            return {"apps": _added(await grants.added(tx))}

    @routes.delete("/api/v1/added-apps/{app_id}", status_code=204)
    async def remove(request: Request, app_id: str) -> None:
        """Take back everything that was allowed to an app: its tokens are dead at once."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            await grants.remove(tx, uuid_or(app_id, NotFound))

    @routes.delete("/api/v1/added-apps/{app_id}/grants/{grant_id}", status_code=204)
    async def remove_one(request: Request, app_id: str, grant_id: str) -> None:
        """Take back what one user allowed an app, once."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            await grants.remove(tx, uuid_or(app_id, NotFound), uuid_or(grant_id, NotFound))

    return routes


class _Asked:
    """An authorization request that can be answered."""

    def __init__(
        self,
        app: Row[Any] | registration.Waiting,
        uri: str,
        state: str | None,
        scopes: Sequence[str],
        challenge: str,
    ) -> None:
        self.app, self.uri, self.state, self.scopes, self.challenge = app, uri, state, list(scopes), challenge

    @property
    def is_new(self) -> bool:
        """Whether the account knows the app only once this is allowed."""
        return isinstance(self.app, registration.Waiting)


def _pairs(query: str) -> list[tuple[str, str]]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=50, errors="strict")
    except (ValueError, UnicodeDecodeError):
        raise RequestUnsafe(reason="repeated") from None
    if any("\0" in value or len(value) > 2000 for _, value in pairs):
        raise RequestUnsafe(reason="repeated")
    return pairs


def _draft(wanted: AppWanted) -> apps.Draft:
    return apps.Draft(wanted.name, [uri[: LONGEST_URI + 1] for uri in wanted.redirect_uris], wanted.scopes)


def _shown(row: Row[Any]) -> AppShown:
    return AppShown(
        id=str(row.id),
        name=row.name,
        client_id=row.client_id,
        confidential=row.secret_hash is not None,
        redirect_uris=list(row.redirect_uris),
        scopes=list(row.scopes),
        version=row.version,
        created_by=row.created_by_name,
        created_at=row.created_at,
        secret_at=row.secret_at,
        grants=row.grants,
    )


def _added(rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    by_app: dict[UUID, dict[str, Any]] = {}
    for row in rows:
        app = by_app.setdefault(row.app_id, {"id": str(row.app_id), "name": row.app_name, "grants": []})
        app["grants"].append(
            {
                "id": str(row.id),
                "by": {"name": row.user_name, "email": row.user_email},
                "scopes": list(row.scopes),
                "created_at": row.created_at,
                "used_at": row.used_at,
                "ends_at": row.until,
                "access_tokens": row.access_tokens,
            }
        )
    return list(by_app.values())
