"""REST routes of agents: what each of them is doing now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from sqlalchemy import Integer, Text, Uuid, bindparam, func, select, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tieline.agents import reasons
from tieline.agents.tables import agent
from tieline.db.statement import Found, Statement
from tieline.errors import NotFound
from tieline.identity.tables import app_user
from tieline.oauth.scopes import PREFERENCES
from tieline.queues.tables import queue, queue_member
from tieline.web.document import for_apps
from tieline.web.http import Guard, cursor_of, place_of, uuid_or


class PresenceShown(BaseModel):
    """What an agent is doing; `status` is what the agent chose, `state` what follows from it and from calls."""

    state: str = Field(examples=["occupied"])
    status: str = Field(examples=["ready"])
    reason: str | None = Field(
        description="Code of the reason for `not_ready`, see `/api/v1/statuses`.", examples=[None]
    )
    reason_name: str | None = Field(examples=[None])
    since: datetime


class AgentShown(BaseModel):
    """An agent."""

    id: str = Field(json_schema_extra={"format": "uuid"})
    name: str = Field(examples=["Ann Lee"])
    email: str = Field(examples=["ann@example.com"])
    presence: PresenceShown
    queues: list[str] = Field(examples=[["Support"]])


class AgentPage(BaseModel):
    """A page of agents by name; `next` leads to the next one."""

    agents: list[AgentShown]
    next: str | None


_queues = (
    select(func.array_agg(aggregate_order_by(queue.c.name, queue.c.name)))
    .select_from(queue_member)
    .join(queue, (queue.c.account_id == queue_member.c.account_id) & (queue.c.id == queue_member.c.queue_id))
    .where(queue_member.c.account_id == agent.c.account_id, queue_member.c.user_id == agent.c.user_id)
    .correlate(agent)
    .scalar_subquery()
)
_AGENTS = (
    select(
        agent.c.user_id,
        agent.c.status,
        agent.c.reason,
        agent.c.presence,
        agent.c.presence_since,
        app_user.c.name,
        app_user.c.email,
        _queues.label("queues"),
    )
    .join(app_user, (app_user.c.account_id == agent.c.account_id) & (app_user.c.id == agent.c.user_id))
    .where(agent.c.account_id == bindparam("of_account", type_=Uuid))
)
_BY_NAME = _AGENTS.order_by(app_user.c.name, app_user.c.id).limit(bindparam("most", type_=Integer))
_PAGE = Statement(_BY_NAME)
_PAGE_AFTER = Statement(
    _BY_NAME.where(
        tuple_(app_user.c.name, app_user.c.id)
        > tuple_(bindparam("after_name", type_=Text), bindparam("after_id", type_=Uuid))
    )
)
_ONE = Statement(_AGENTS.where(agent.c.user_id == bindparam("of_agent", type_=Uuid)))


def router(guard: Guard) -> APIRouter:
    """Routes of `/api/v1/agents`."""
    routes = APIRouter(prefix="/api/v1", tags=["statuses"])

    @routes.get("/agents", **for_apps(PREFERENCES))
    async def agents(
        request: Request,
        after: str = Query("", max_length=900, description="`next` of the page before."),
        limit: int = Query(200, ge=1, le=200, description="Agents of a page."),
    ) -> AgentPage:
        """Every agent's status now, by name."""
        who = guard.who(request)
        given: dict[str, Any] = {"of_account": who.account_id, "most": limit + 1}
        if after:
            given["after_name"], given["after_id"] = place_of(after)
        async with guard.db.view(who.account_id) as tx:
            named = {reason.code: reason.name(who.language) for reason in await reasons.listed(tx)}
            rows = await tx.find(_PAGE_AFTER if after else _PAGE, given)
        page = rows[:limit]
        return AgentPage(
            agents=[_shown(row, named) for row in page],
            next=cursor_of(page[-1].name, page[-1].user_id) if len(rows) > limit else None,
        )

    @routes.get("/agents/{user_id}", **for_apps(PREFERENCES, NotFound))
    async def one(request: Request, user_id: str) -> AgentShown:
        """One agent's status now."""
        who = guard.who(request)
        id = uuid_or(user_id, NotFound)
        async with guard.db.view(who.account_id) as tx:
            named = {reason.code: reason.name(who.language) for reason in await reasons.listed(tx)}
            row = await tx.find_one(_ONE, {"of_account": who.account_id, "of_agent": id})
        if row is None:
            raise NotFound("no such agent")
        return _shown(row, named)

    return routes


def _shown(row: Found, named: Mapping[str, str]) -> AgentShown:
    reason = row.reason if row.status == "not_ready" else None
    return AgentShown(
        id=str(row.user_id),
        name=row.name,
        email=row.email,
        presence=PresenceShown(
            state=row.presence,
            status=row.status,
            reason=reason,
            reason_name=named.get(reason) if reason else None,
            since=row.presence_since,
        ),
        queues=list(row.queues or ()),
    )
