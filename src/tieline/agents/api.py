"""REST routes of statuses: the fixed ones, and the account's reasons for being not ready."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from tieline.agents import reasons
from tieline.agents.reasons import MOST, Reason
from tieline.oauth.scopes import PREFERENCES
from tieline.web.document import for_apps
from tieline.web.http import Guard


class ReasonShown(BaseModel):
    """A reason for being not ready. `name` is the one in the reader's language."""

    code: str = Field(examples=["lunch"])
    name: str = Field(examples=["Lunch"])
    name_en: str = Field(examples=["Lunch"])
    name_ja: str = Field(examples=["昼食"])
    active: bool


class Statuses(BaseModel):
    """The statuses that an agent may have, and the reasons that go with `not_ready`."""

    statuses: list[Literal["ready", "not_ready", "occupied", "offline"]]
    reasons: list[ReasonShown]
    version: str = Field(
        description="Send it back with a change; it tells whether somebody else changed the list."
    )


class WantedReason(BaseModel):
    """A reason as it is to be; without code it is a new one."""

    model_config = ConfigDict(extra="forbid")

    code: str | None = Field(None, min_length=1, max_length=60)
    name_en: str = Field(max_length=200)
    name_ja: str = Field("", max_length=200)
    active: bool = True


class WantedReasons(BaseModel):
    """The whole list, in order. A reason that is there already may be switched off, but not left out."""

    model_config = ConfigDict(extra="forbid")

    version: str = Field(max_length=40)
    reasons: list[WantedReason] = Field(max_length=MOST)


def router(guard: Guard) -> APIRouter:
    """Routes of statuses."""
    routes = APIRouter(prefix="/api/v1", tags=["statuses"])

    @routes.get("/statuses", **for_apps(PREFERENCES))
    async def statuses(request: Request) -> Statuses:
        """The account's statuses and reasons, in the order in which agents see them."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            return _shown(await reasons.listed(tx), who.language)

    @routes.put("/statuses/reasons")
    async def change(request: Request, wanted: WantedReasons) -> Statuses:
        """Change the reasons: names, order, active. Callbars follow at once."""
        who = guard.who(request)
        async with guard.db.account(who.account_id) as tx:
            written = await reasons.change(
                tx,
                wanted.version,
                [Reason(r.code or "", r.name_en, r.name_ja, r.active) for r in wanted.reasons],
            )
        return _shown(written, who.language)

    return routes


def _shown(listed: Sequence[Reason], language: str) -> Statuses:
    return Statuses(
        statuses=["ready", "not_ready", "occupied", "offline"],
        reasons=[
            ReasonShown(
                code=reason.code,
                name=reason.name(language),
                name_en=reason.name_en,
                name_ja=reason.name_ja,
                active=reason.active,
            )
            for reason in listed
        ],
        version=reasons.version_of(listed),
    )
