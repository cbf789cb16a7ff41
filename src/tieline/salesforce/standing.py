"""What an org may ask about itself: whether it is connected, to whom, and how far its phone index is."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, func, select

from tieline.db.database import Transaction
from tieline.oauth.scopes import USERS
from tieline.salesforce.connections import status_of
from tieline.salesforce.org_settings import OrgSettings
from tieline.salesforce.tables import connection
from tieline.web.document import for_apps
from tieline.web.http import Guard

_CONNECTED = ("connected", "reconnect")
_SHORT_ID = 15
"""An org's id names it by so many characters; the rest is a checksum that not everybody gives."""


class PhoneIndex(BaseModel):
    """How far the index is by which callers are recognised."""

    state: Literal["none", "loading", "ready"] = Field(
        description="none: not begun; loading: being read from the org; ready. A first load recognises nobody, one for "
        "other country codes those who were known before."
    )
    loaded: int = Field(description="Records read by the last load so far.")
    total: int | None = Field(
        description="Records with a number that the org had when the load began; null if it did not say."
    )


class OrgConnection(BaseModel):
    """The org's connection to the account."""

    name: str
    status: Literal["connected", "not_reachable", "needs_sign_in"]
    country_codes: list[str] = Field(description="Dialling codes that numbers are read with now.")
    index: PhoneIndex


class Integration(BaseModel):
    """An org's place in the contact center."""

    connection: OrgConnection | None = Field(description="null: the org is not connected to this account.")
    elsewhere: bool = Field(description="The org is connected to another account.")


def router(guard: Guard) -> APIRouter:
    """The route of `/api/v1/integration`."""
    routes = APIRouter(prefix="/api/v1", tags=["integration"])

    @routes.get("/integration", **for_apps(USERS))
    async def integration(
        request: Request,
        org: str = Query("", max_length=18, description="The Salesforce org's id, of 15 or 18 characters."),
    ) -> Integration:
        """How an org stands with the account: its connection, and its phone index."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            found = await _connection(tx, org)
        if found is not None or len(org) < _SHORT_ID:
            return Integration(connection=found, elsewhere=False)
        # No more than that is told, and only to whoever knows the org's id, which addresses do not tell.
        async with guard.db.system() as tx:
            connected = connection.c.state == "connected"  # one whose grant is gone keeps the org for nobody
            elsewhere = await tx.scalar(
                select(func.count()).select_from(connection).where(_is(org), connected)
            )
        return Integration(connection=None, elsewhere=bool(elsewhere))

    return routes


def _is(org: str) -> ColumnElement[bool]:
    return (func.left(connection.c.org_id, _SHORT_ID) == org[:_SHORT_ID]) & connection.c.state.in_(_CONNECTED)


async def _connection(tx: Transaction, org: str) -> OrgConnection | None:
    row = await tx.one(
        select(connection)
        .where(connection.c.account_id == tx.account_id, _is(org))
        .order_by("state")
        .limit(1)
    )
    if row is None:
        return None
    return OrgConnection.model_validate(
        {
            "name": row.name,
            "status": status_of(row),
            "country_codes": OrgSettings.from_json(row.org_settings).country_codes,
            "index": {"state": row.index_state, "loaded": row.index_loaded, "total": row.index_total},
        }
    )
