"""What the contact center knows of the set-up of one org, for the set-up guide of the package.

The org asks with the token that its administrator allowed, and says which org it is; it is told of that org's
connection in the token's account and of nothing else. The guide's page concludes from it together with what only the
org knows (`sfdx/…/classes/TielineGuide.cls`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import and_, func, select
from sqlalchemy.engine import Row

from tieline.calllog.tables import call_log, delivery
from tieline.db.database import Transaction
from tieline.identity.tables import account, app_user
from tieline.oauth.scopes import USERS
from tieline.salesforce import survey
from tieline.salesforce.connections import status_of
from tieline.salesforce.org_settings import OrgSettings
from tieline.salesforce.tables import connection, org_user, softphone_layout
from tieline.web.document import for_apps
from tieline.web.http import Guard

OLD = timedelta(seconds=15)
"""A survey of this age is asked for anew, as long as somebody looks at the guide."""
_NO_POP = re.compile(r"^(do_?n[o'’]?t_?pop|no_?pop|pop_?to_?nothing|none)$", re.IGNORECASE)
_POPS = ("NoMatch", "SingleMatch", "MultipleMatches")


class UtilityItem(BaseModel):
    """Whether an app of the org has the softphone among its utility items, and when the org said so."""

    state: Literal["ok", "missing", "unknown"]
    names: str = Field(default="", description="The apps that have it.")
    at: datetime | None = None


class Agents(BaseModel):
    """Active agents with this connection as their client integration."""

    joined: int
    not_found: int = Field(description="Of them, those for whom the org has no user, or several.")


class Layout(BaseModel):
    """What the softphone layout that an agent's page reported last says of incoming calls."""

    at: datetime
    missing: list[str] = Field(
        description="Numbers of matches for which nothing is opened: NoMatch, SingleMatch, MultipleMatches."
    )


class TestCall(BaseModel):
    """The last call that an agent of this org took or made and that was answered."""

    at: datetime
    logged: Literal["delivered", "pending", "failed"]


class SetUp(BaseModel):
    """The set-up of one org, as far as the contact center knows it."""

    hosts: list[str] = Field(
        description="Hosts that a call center may point to.", examples=[["contact.example.com"]]
    )
    connection: Literal["none", "connected", "not_reachable", "needs_sign_in", "disconnected"]
    asking: bool = Field(description="The org is being asked: ask again in a few seconds.")
    utility_item: UtilityItem
    agents: Agents
    country_codes: list[str] = Field(examples=[["1", "81"]])
    index: str = Field(examples=["ready"])
    layout: Layout | None
    test_call: TestCall | None


def router(guard: Guard) -> APIRouter:
    """The route that orgs ask."""
    routes = APIRouter(tags=["set-up"])
    public = urlsplit(guard.settings.public_url).netloc.lower()

    @routes.get("/api/v1/salesforce/set-up", **for_apps(USERS))
    async def set_up(
        request: Request,
        org: str = Query("", max_length=18, description="The Salesforce org's id, of 15 or 18 characters."),
    ) -> SetUp:
        """How far the set-up of an org has come."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            vanity = await tx.scalar(select(account.c.vanity).where(account.c.id == tx.account_id))
            return await _read(tx, org, [public, f"{vanity}.{public}".lower()])

    return routes


async def _read(tx: Transaction, org: str, hosts: list[str]) -> SetUp:
    rows = await tx.all(
        select(connection).where(
            connection.c.account_id == tx.account_id,
            func.left(connection.c.org_id, 15) == org[:15],
            connection.c.state != "removed",
        )
    )
    # One that works comes before those that do not, the newest before older ones.
    row = max(rows, key=lambda each: (each.state == "connected", each.created_at), default=None)
    if row is None:
        return SetUp(
            hosts=hosts,
            connection="none",
            asking=False,
            utility_item=UtilityItem(state="unknown"),
            agents=Agents(joined=0, not_found=0),
            country_codes=[],
            index="none",
            layout=None,
            test_call=None,
        )
    status: Any = status_of(row)
    asking = status == "connected" and (row.surveyed_at is None or row.surveyed_at < tx.now - OLD)
    if asking and (row.survey_asked_at is None or row.survey_asked_at < tx.now - OLD):
        await survey.ask(tx, [row.id])
    return SetUp(
        hosts=hosts,
        connection=status,
        asking=asking,
        utility_item=_utility_item(row),
        agents=await _agents(tx, row),
        country_codes=list(OrgSettings.from_json(row.org_settings).country_codes),
        index=str(row.index_state),
        layout=await _layout(tx, row),
        test_call=await _test_call(tx, row),
    )


def _utility_item(row: Row[Any]) -> UtilityItem:
    finding: Mapping[str, Any] | None = row.survey.get("console")
    if finding is None or finding["state"] == "unknown":
        return UtilityItem(state="unknown")
    if finding["state"] in ("ok", "note"):
        return UtilityItem(state="ok", names=str(finding["params"].get("names") or ""), at=row.surveyed_at)
    return UtilityItem(state="missing", at=row.surveyed_at)


async def _agents(tx: Transaction, row: Row[Any]) -> Agents:
    known = and_(
        org_user.c.account_id == app_user.c.account_id,
        org_user.c.user_id == app_user.c.id,
        org_user.c.connection_id == app_user.c.connection_id,
    )
    counted = await tx.one(
        select(
            func.count().label("joined"),
            func.count().filter(org_user.c.matched_at.is_not(None), org_user.c.found != 1).label("not_found"),
        )
        .select_from(app_user.outerjoin(org_user, known))
        .where(
            app_user.c.account_id == tx.account_id,
            app_user.c.connection_id == row.id,
            app_user.c.active,
            app_user.c.roles.contains(["agent"]),
        )
    )
    assert counted is not None
    return Agents(joined=counted.joined, not_found=counted.not_found)


async def _layout(tx: Transaction, row: Row[Any]) -> Layout | None:
    mine = softphone_layout.c
    found = await tx.one(
        select(mine.layout, mine.reported_at)
        .where(mine.account_id == tx.account_id, mine.connection_id == row.id)
        .order_by(mine.reported_at.desc())
        .limit(1)
    )
    if found is None:
        return None
    pops = (found.layout.get("Inbound") or {}).get("screenPopSettings") or {}
    return Layout(at=found.reported_at, missing=[name for name in _POPS if not _opens(pops.get(name))])


def _opens(setting: Mapping[str, Any] | None) -> bool:
    """Whether something is opened, as the callbar reads it: how the value is called that opens nothing is not published."""
    return setting is not None and not _NO_POP.search(str(setting.get("screenPopType")))


async def _test_call(tx: Transaction, row: Row[Any]) -> TestCall | None:
    found = await tx.one(
        select(delivery.c.state, call_log.c.created_at)
        .select_from(
            delivery.join(
                call_log,
                and_(
                    call_log.c.account_id == delivery.c.account_id,
                    call_log.c.engagement_id == delivery.c.engagement_id,
                ),
            )
        )
        .where(
            delivery.c.account_id == tx.account_id,
            delivery.c.connection_id == row.id,
            call_log.c.content["outcome"].astext == "answered",
        )
        # Ids grow with time, so that the newest is found by the primary key.
        .order_by(delivery.c.engagement_id.desc())
        .limit(1)
    )
    if found is None:
        return None
    logged: Any = found.state if found.state in ("delivered", "pending") else "failed"
    return TestCall(at=found.created_at, logged=logged)
