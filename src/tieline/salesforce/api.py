"""REST routes of connections. Administrators only; the callback is where the org sends the browser back to."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from sqlalchemy.engine import Row

from tieline.errors import NotFound, TielineError
from tieline.identity import accounts
from tieline.identity.tables import account
from tieline.salesforce import call_centers, survey
from tieline.salesforce.connections import (
    RELATED_DOMAINS,
    ConnectionDraft,
    Connections,
    Environment,
    Salesforce,
    embedded_by,
    impact,
    integrations_on,
    listed,
    living,
    need_integrations,
    set_related_domains,
    status_of,
)
from tieline.salesforce.org_settings import Told
from tieline.web.http import Guard, uuid_or

PORTAL_PAGE = "/portal/connections"
JUST_NOW = timedelta(seconds=5)
"""What an org has said within this time is not asked of it again, however often somebody clicks."""


class Org(BaseModel):
    """Where an org is and as whose client we come. Addresses: `login_origin` of environments `domain` and `embedded`, the
    others of `embedded` only."""

    model_config = ConfigDict(extra="forbid")

    environment: Environment
    client_id: str = Field(min_length=1, max_length=255)
    client_secret: str | None = Field(default=None, max_length=255)
    api_base: str | None = Field(default=None, max_length=255)
    login_origin: str | None = Field(default=None, max_length=255)
    embedding_origins: list[str] = Field(default=[], max_length=10)

    def draft(self, name: str = "") -> ConnectionDraft:
        """As connections take it."""
        return ConnectionDraft(
            name=name,
            environment=self.environment,
            client_id=self.client_id.strip(),
            client_secret=(self.client_secret or "").strip() or None,
            api_base=self.api_base,
            login_origin=self.login_origin,
            embedding_origins=tuple(self.embedding_origins),
        )


class NewConnection(Org):
    """A connection to be authorised."""

    name: str = Field(min_length=1, max_length=80)


class Change(BaseModel):
    """What of a connection is to be another: its name, at once; its org, once that is authorised."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = Field(default=None, min_length=1, max_length=80)
    org: Org | None = None


class Domains(BaseModel):
    """All related domains of a connection."""

    model_config = ConfigDict(extra="forbid")

    domains: list[Annotated[str, Field(max_length=300)]] = Field(max_length=RELATED_DOMAINS)


def router(salesforce: Salesforce, guard: Guard, told: Told) -> APIRouter:
    """Routes of connections."""
    connections = Connections(salesforce)
    routes = APIRouter(tags=["connections"])

    @routes.post("/api/v1/connections", status_code=201)
    async def create(request: Request, new: NewConnection) -> dict[str, str]:
        """Begin a connection; the browser goes to `authorize_url`."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            await need_integrations(tx)
            await accounts.check_applications(tx)
            connection_id, url = await connections.begin(tx, new.draft(new.name), who.user_id)
        return {"id": str(connection_id), "authorize_url": url}

    @routes.post("/api/v1/connections/{connection_id}/authorise")
    async def authorise(request: Request, connection_id: str) -> dict[str, str]:
        """Authorise a connection again."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            await need_integrations(tx)
            url = await connections.authorise(tx, uuid_or(connection_id, NotFound), who.user_id)
        return {"id": connection_id, "authorize_url": url}

    @routes.get("/api/v1/connections")
    async def every(request: Request) -> dict[str, Any]:
        """The account's connections."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            return {
                "integrations": await integrations_on(tx),
                "connections": [_shown(row) for row in await listed(tx)],
                "embedded_allowed": guard.settings.trust_loopback_crm,
                "callback": connections.redirect_uri,
            }

    @routes.patch("/api/v1/connections/{connection_id}")
    async def change(request: Request, connection_id: str, wanted: Change) -> dict[str, str | None]:
        """Rename a connection, or have it authorised for another org; until then it is what it was."""
        who = guard.who(request)
        id = uuid_or(connection_id, NotFound)
        url: str | None = None
        async with guard.db.account(who.account_id) as tx:
            await need_integrations(tx)
            await living(tx, id)
            if wanted.name is not None:
                await connections.rename(tx, id, wanted.name)
            if wanted.org is not None:
                url = await connections.move(tx, id, wanted.org.draft(), who.user_id)
        return {"id": connection_id, "authorize_url": url}

    @routes.put("/api/v1/connections/{connection_id}/related-domains")
    async def relate(request: Request, connection_id: str, wanted: Domains) -> dict[str, list[str]]:
        """Say which origins beside the org's own may embed the callbar and talk to it."""
        who = guard.who(request)
        async with guard.db.system(who.account_id) as tx:
            await need_integrations(tx)
            kept = await set_related_domains(tx, uuid_or(connection_id, NotFound), wanted.domains)
        return {"domains": kept}

    @routes.post("/api/v1/connections/{connection_id}/check", status_code=202)
    async def check(request: Request, connection_id: str) -> dict[str, str]:
        """Have the org asked, one by one, whether everything is set up; the live line tells when it has answered."""
        who = guard.who(request)
        id = uuid_or(connection_id, NotFound)
        async with guard.db.account(who.account_id) as tx:
            row = await living(tx, id)
            if row.surveyed_at is None or row.surveyed_at < tx.now - JUST_NOW:
                await survey.ask(tx, [id])
        return {"id": connection_id}

    @routes.get("/api/v1/call-center/{document}", response_class=Response)
    async def call_center(request: Request, document: call_centers.Document) -> Response:
        """A call center definition with our own addresses, to be imported in the org."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            vanity = await tx.scalar(select(account.c.vanity).where(account.c.id == tx.account_id))
        name = {"standard": "tieline-call-center.xml", "sso": "tieline-call-center-sso.xml"}[document]
        return Response(
            call_centers.definition(document, guard.settings.public_url, str(vanity)),
            media_type="application/xml",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    @routes.get("/api/v1/connections/{connection_id}/impact")
    async def removal(request: Request, connection_id: str) -> dict[str, int]:
        """What removing the connection would do: users who lose their client integration, call logs that stay here."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            return await impact(tx, uuid_or(connection_id, NotFound))

    @routes.delete("/api/v1/connections/{connection_id}", status_code=204)
    async def remove(request: Request, connection_id: str) -> Response:
        """Remove a connection: tokens are revoked and erased."""
        who = guard.who(request)
        await connections.remove(who.account_id, uuid_or(connection_id, NotFound))
        return Response(status_code=204)

    @routes.post("/api/v1/salesforce/settings-changed", status_code=204)
    async def settings_changed(request: Request) -> Response:
        """A page of an org says that settings have changed. Nothing of the request but its origin is looked at, and
        the answer is the same for everybody."""
        origin = request.headers.get("origin", "")[:300].lower()
        async with guard.db.system() as tx:
            row = await embedded_by(tx, origin) if origin else None
        if row is not None:
            told.changed(row.account_id, row.id)
        return Response(status_code=204)

    @routes.get("/oauth/salesforce/callback", include_in_schema=False)
    async def callback(
        request: Request,
        state: str = Query("", max_length=200),
        code: str | None = Query(None, max_length=2000),
        error: str | None = Query(None, max_length=200),
        iss: str | None = Query(None, max_length=255),
    ) -> Response:
        """Where the org sends the browser; it goes on to the list, which tells how it went."""
        who = guard.who(request)
        try:
            connection_id = await connections.finish(
                user_id=who.user_id, state=state, code=code, error=error, issuer=iss
            )
            told = {"connected": str(connection_id)}
        except TielineError as failure:
            told = {"failed": failure.code, "reason": str(failure.params.get("reason") or "")}
        return RedirectResponse(
            f"{PORTAL_PAGE}?{urlencode({name: value for name, value in told.items() if value})}",
            status_code=303,
            headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"},
        )

    return routes


def _shown(row: Row[Any]) -> dict[str, Any]:
    def time(name: str) -> str | None:
        value = getattr(row, name)
        return value.isoformat() if value else None

    return {
        "id": str(row.id),
        "name": row.name,
        "environment": row.environment,
        "status": status_of(row),
        "login_origin": row.login_origin,
        "org_id": row.org_id,
        "embedding_origins": list(row.embedding_origins),
        "related_domains": list(row.related_domains),
        "connected_by": row.connected_by,
        "connected_at": time("connected_at"),
        "succeeded_at": time("succeeded_at"),
        "api_requests": {"used": row.api_used, "limit": row.api_limit} if row.api_limit else None,
        "country_codes": row.org_settings.get("country_codes", []),
        "settings_read_at": time("org_settings_at"),
        "index": {"state": row.index_state, "checked_at": time("index_checked_at")},
        "error": {"code": row.error_code, "at": time("error_at")} if row.error_code else None,
        "token_at": time("token_at"),
        "survey": {"checks": row.survey, "at": time("surveyed_at"), "error": row.survey_error},
        "created_at": time("created_at"),
    }
