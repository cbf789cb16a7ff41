"""REST routes of the account's settings. Administrators only."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from tieline import audit
from tieline.identity import accounts
from tieline.identity.accounts import PLANS, seats_of
from tieline.web.http import Guard


class AccountChange(BaseModel):
    """An account as it is to be; `version` is the one that was read."""

    model_config = ConfigDict(extra="forbid")

    version: int
    name: str = Field(max_length=200)
    vanity: str = Field(max_length=100)
    time_zone: str = Field(max_length=60)
    language: Literal["en", "ja"]
    outbound_codes: list[Annotated[str, Field(max_length=10)]] = Field(max_length=200)
    test_phone: bool
    web_calls: bool
    managers_second_step: bool


def router(guard: Guard) -> APIRouter:
    """Routes of `/api/v1/account`."""
    routes = APIRouter(prefix="/api/v1", tags=["account"])

    async def shown(account_id: UUID) -> dict[str, Any]:
        async with guard.db.view(account_id) as tx:
            row = await accounts.settings_of(tx)
            used = await accounts.seats_used(tx)
            changes = await audit.recent(tx, accounts.AREA)
        return {
            "version": row.version,
            **{name: getattr(row, name) for name in accounts.SETTINGS},
            "public_host": guard.settings.public_host,
            "plan": row.plan,
            "seats": seats_of(row),
            "seats_used": used,
            "applications": PLANS[row.plan].applications,
            "changes": audit.shown(changes),
        }

    @routes.get("/account")
    async def read(request: Request) -> dict[str, Any]:
        """The account's settings, its plan and seats, and who changed what."""
        return await shown(guard.who(request).account_id)

    @routes.put("/account")
    async def change(request: Request, wanted: AccountChange) -> dict[str, Any]:
        """Change the settings, all at once; refused when somebody else has changed them since they were read."""
        who = guard.who(request)
        await accounts.change(
            guard.db,
            who.account_id,
            wanted.version,
            wanted.model_dump(exclude={"version"}),
            who.by,
        )
        return await shown(who.account_id)

    return routes
