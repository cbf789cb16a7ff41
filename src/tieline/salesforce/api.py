"""REST routes of connections. Administrators only; the callback is where the org sends the browser back to."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.engine import Row

from tieline.errors import NotFound, TielineError
from tieline.salesforce.connections import ConnectionDraft, Connections, Salesforce, listed
from tieline.web.http import Guard, uuid_or

PORTAL_PAGE = "/portal/connections"


class NewConnection(BaseModel):
    """A connection to be authorised. The addresses belong to environment `embedded` only."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=80)
    environment: Literal["production", "sandbox", "embedded"]
    client_id: str = Field(min_length=1, max_length=255)
    client_secret: str | None = Field(default=None, max_length=255)
    api_base: str | None = Field(default=None, max_length=255)
    login_origin: str | None = Field(default=None, max_length=255)
    embedding_origins: list[str] = Field(default=[], max_length=10)


def router(salesforce: Salesforce, guard: Guard) -> APIRouter:
    """Routes of connections."""
    connections = Connections(salesforce)
    routes = APIRouter(tags=["connections"])

    @routes.post("/api/v1/connections", status_code=201)
    async def create(request: Request, new: NewConnection) -> dict[str, str]:
        """Begin a connection; the browser goes to `authorize_url`."""
        who = await guard.administrator(request)
        async with guard.db.account(who.account_id) as tx:
            connection_id, url = await connections.begin(
                tx,
                ConnectionDraft(
                    name=new.name,
                    environment=new.environment,
                    client_id=new.client_id,
                    client_secret=new.client_secret or None,
                    api_base=new.api_base,
                    login_origin=new.login_origin,
                    embedding_origins=tuple(new.embedding_origins),
                ),
                who.user_id,
            )
        return {"id": str(connection_id), "authorize_url": url}

    @routes.post("/api/v1/connections/{connection_id}/authorise")
    async def authorise(request: Request, connection_id: str) -> dict[str, str]:
        """Authorise a connection again."""
        who = await guard.administrator(request)
        async with guard.db.account(who.account_id) as tx:
            url = await connections.authorise(tx, uuid_or(connection_id, NotFound), who.user_id)
        return {"id": connection_id, "authorize_url": url}

    @routes.get("/api/v1/connections")
    async def every(request: Request) -> dict[str, Any]:
        """The account's connections."""
        who = await guard.administrator(request)
        async with guard.db.account(who.account_id) as tx:
            return {"connections": [_shown(row) for row in await listed(tx)]}

    @routes.delete("/api/v1/connections/{connection_id}", status_code=204)
    async def remove(request: Request, connection_id: str) -> Response:
        """Remove a connection: tokens are revoked and erased."""
        who = await guard.administrator(request)
        await connections.remove(who.account_id, uuid_or(connection_id, NotFound))
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
        who = await guard.administrator(request)
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
        "state": row.state,
        "login_origin": row.login_origin,
        "org_id": row.org_id,
        "embedding_origins": list(row.embedding_origins),
        "country_codes": row.org_settings.get("country_codes", []),
        "settings_read_at": time("org_settings_at"),
        "index": {"state": row.index_state, "checked_at": time("index_checked_at")},
        "error": {"code": row.error_code, "at": time("error_at")} if row.error_code else None,
        "created_at": time("created_at"),
    }
