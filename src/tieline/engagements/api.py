"""The portal's view of engagements: history, one engagement with its story, who waits and who works."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import json
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import ColumnElement, func, or_, select, tuple_
from sqlalchemy.engine import Row
from sqlalchemy.exc import SQLAlchemyError

from tieline import numbers
from tieline.agents.tables import agent
from tieline.bus import Bus, Message, Subscription
from tieline.calllog.tables import delivery
from tieline.db.database import Transaction
from tieline.engagements.following import RECORDS
from tieline.engagements.record import NAMED
from tieline.engagements.refusals import EngagementNotFound
from tieline.engagements.related import RecordNow, record_of, related_now
from tieline.engagements.tables import engagement, engagement_event, offer
from tieline.errors import InputInvalid
from tieline.identity.service import SignedIn
from tieline.identity.tables import app_user
from tieline.queues import service as queues
from tieline.queues.tables import disposition, queue, queue_member, queue_number
from tieline.web.http import Guard, uuid_or

_LIVE_EVERY_S = 0.25
"""Hints to a page are gathered for so long after the last ones: at most four a second."""
_LIVE_GATHER_S = 0.02
_LIVE_COMMENT_S = 15.0
_WATCHING_S = 20.0


ConsoleOrigins = Callable[[Transaction], Awaitable[Mapping[UUID, str]]]
"""Connection -> the origin whose pages show its records; given by the composition root."""
WatchRecords = Callable[[Transaction], Awaitable[None]]
"""Told at least every `_WATCHING_S` while somebody has records of the account on a page; given by the composition
root."""


def router(
    guard: Guard,
    bus: Bus,
    console_origins: ConsoleOrigins,
    record_now: RecordNow,
    watch_records: WatchRecords,
) -> APIRouter:
    """Routes of engagements, queues and the live hints."""
    routes = APIRouter(prefix="/api/v1", tags=["engagements"])

    @routes.get("/engagements")
    async def history(
        request: Request,
        limit: int = Query(50, ge=1, le=200),
        cursor: str | None = Query(None, max_length=200),
        queue_id: str | None = Query(None, alias="queue", max_length=40),
        state: Literal["open", "answered", "abandoned", "unanswered", "failed"] | None = None,
        q: str | None = Query(None, max_length=100),
    ) -> dict[str, Any]:
        """Engagements, newest first. `q` finds a number typed in any way, or a name: the agent's, or the record's,
        as it is now or was when the engagement was open."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            query = _seen_by(who, _listing(tx, record_now))
            if queue_id:
                query = query.where(engagement.c.queue_id == uuid_or(queue_id, EngagementNotFound))
            if state:
                query = query.where(engagement.c.outcome == state)
            if q and q.strip():
                query = query.where(_found_by(q.strip(), record_now))
            if cursor:
                query = query.where(
                    tuple_(engagement.c.arrived_at, engagement.c.id) < tuple_(*_from_cursor(cursor))
                )
            rows = await tx.all(query.limit(limit + 1))
            origins = await console_origins(tx)
            more = len(rows) > limit
            return {
                "engagements": [_row(r, who.language, tx.now, origins) for r in rows[:limit]],
                "next_cursor": _to_cursor(rows[limit - 1]) if more else None,
            }

    @routes.get("/engagements/{engagement_id}")
    async def one(engagement_id: str, request: Request) -> dict[str, Any]:
        """One engagement with its offers, its story in order and its call log's delivery."""
        who = guard.who(request)
        id = uuid_or(engagement_id, EngagementNotFound)
        async with guard.db.view(who.account_id) as tx:
            row = await tx.one(_seen_by(who, _listing(tx, record_now)).where(engagement.c.id == id))
            if row is None:
                raise EngagementNotFound
            offers = await tx.all(
                select(offer, app_user.c.name)
                .join(
                    app_user,
                    (app_user.c.account_id == offer.c.account_id) & (app_user.c.id == offer.c.agent_id),
                )
                .where(offer.c.account_id == who.account_id, offer.c.engagement_id == id)
                .order_by(offer.c.offered_at)
            )
            story = await tx.all(
                select(engagement_event)
                .where(
                    engagement_event.c.account_id == who.account_id, engagement_event.c.engagement_id == id
                )
                .order_by(engagement_event.c.sequence)
            )
            names = {str(o.agent_id): o.name for o in offers}
            origins = await console_origins(tx)
            return {
                **_row(row, who.language, tx.now, origins),
                "notes": row.notes,
                "end_cause": row.end_cause,
                "dialled": numbers.display(row.dialled_e164, None) if row.dialled_e164 else None,
                "timings": {
                    "waited_ms": _waited(row, tx.now),
                    "talked_ms": _talked(row, tx.now),
                    "held_ms": row.held_ms,
                    "wrap_up_ms": _ms(row.closed_at - row.ended_at)
                    if row.closed_at and row.ended_at and row.connected_at
                    else 0,
                },
                "offers": [
                    {
                        "agent": {"id": str(o.agent_id), "name": o.name},
                        "offered_at": o.offered_at,
                        "ended_at": o.ended_at,
                        "state": o.state,
                    }
                    for o in offers
                ],
                "story": [
                    {
                        "sequence": s.sequence,
                        "at": s.at,
                        "name": s.name,
                        "data": {**s.data, **_agent_name(s.data, names)},
                    }
                    for s in story
                ],
                "delivery": _delivery(row, origins),
            }

    @routes.get("/queues")
    async def queues_now(request: Request) -> dict[str, Any]:
        """Every queue: its numbers, who waits, who could take a call."""
        who = guard.who(request)
        own = who.account_id
        waiting = (
            select(
                engagement.c.queue_id,
                func.count().label("waiting"),
                func.min(engagement.c.queued_at).label("since"),
            )
            .where(engagement.c.account_id == own, engagement.c.state.in_(("queued", "offered")))
            .group_by(engagement.c.queue_id)
            .subquery()
        )
        async with guard.db.view(own) as tx:
            free = (
                select(queue_member.c.queue_id, func.count().label("ready"))
                .join(
                    agent,
                    (agent.c.account_id == queue_member.c.account_id)
                    & (agent.c.user_id == queue_member.c.user_id),
                )
                .where(queues.AVAILABLE)
                .group_by(queue_member.c.queue_id)
                .subquery()
            )
            rows = await tx.all(
                select(queue, waiting.c.waiting, waiting.c.since, free.c.ready)
                .outerjoin(waiting, waiting.c.queue_id == queue.c.id)
                .outerjoin(free, free.c.queue_id == queue.c.id)
                .where(queue.c.account_id == own)
                .order_by(queue.c.name),
                {"of_account": own, "now": tx.now},
            )
            lines = await tx.all(select(queue_number).where(queue_number.c.account_id == own))
        return {
            "queues": [
                {
                    "id": str(r.id),
                    "name": r.name,
                    "slug": r.slug,
                    "numbers": [
                        {"e164": n.e164, "display": numbers.display(n.e164, None)}
                        for n in lines
                        if n.queue_id == r.id
                    ],
                    "waiting": r.waiting or 0,
                    "longest_wait_since": r.since,
                    "ready_agents": r.ready or 0,
                }
                for r in rows
            ]
        }

    @routes.get("/live")
    async def live(request: Request, records: bool = False) -> StreamingResponse:
        """Server-sent hints that agents, engagements, queues or the CRM's records changed: read them again then.

        An agent hears of their own engagements and their own user only, and everybody when the session behind the page
        has ended.
        `records` is for pages that show records of the CRM: these are then kept as fresh as for a call.
        """
        who = guard.who(request)

        async def watch() -> None:
            # Who cannot be told now is told next time; the page stays.
            with contextlib.suppress(SQLAlchemyError, OSError):
                async with guard.db.account(who.account_id) as tx:
                    await watch_records(tx)

        return StreamingResponse(
            _hints(bus, who, request, watch if records else None),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return routes


async def _hints(
    bus: Bus, who: SignedIn, request: Request, watch: Callable[[], Awaitable[None]] | None
) -> AsyncGenerator[str]:
    kinds: set[str] = set()
    wake = asyncio.Event()
    ended = False

    def hint(*hints: str) -> None:
        kinds.update(hints)
        wake.set()

    def told(kind: str, about: UUID | None, *hints: str) -> Subscription:
        def on_message(message: Message) -> None:
            if message.account_id == who.account_id:
                hint(*hints)

        return bus.subscribe(kind, about, on_message, lambda: hint(*hints))

    def end(_: Message) -> None:
        nonlocal ended
        ended = True
        hint("session")

    subscriptions = [bus.subscribe("session", who.session_id, end, lambda: hint("session"))]
    if watch:
        subscriptions.append(told(RECORDS, None, "records"))
    if who.manages:
        subscriptions.append(told("agent", None, "agents", "queues"))
        subscriptions.append(told("engagement", None, "engagements", "queues"))
        subscriptions.append(told("connection", None, "connections"))
        subscriptions.append(told("user", None, "users"))
        subscriptions.append(told("oauth_app", None, "apps"))
        subscriptions.append(told("account", None, "account"))
        subscriptions.append(told("reasons", None, "agents", "statuses"))
    else:
        subscriptions.append(told("agent", who.user_id, "engagements"))
        subscriptions.append(told("user", who.user_id, "users"))
    sent_at = 0.0
    try:
        yield ": tieline\n\n"
        watched_at = -math.inf
        while not ended and not await request.is_disconnected():
            if watch and time.monotonic() >= watched_at + _WATCHING_S - _LIVE_COMMENT_S:
                watched_at = time.monotonic()
                await watch()
            try:
                async with asyncio.timeout(_LIVE_COMMENT_S):
                    await wake.wait()
            except TimeoutError:
                if datetime.now(UTC) >= who.expires_at:
                    yield _line("session")
                    return
                yield ": still here\n\n"
                continue
            # What one transaction announces comes together; a first change is told at once, a storm seldom.
            await asyncio.sleep(max(_LIVE_GATHER_S, sent_at + _LIVE_EVERY_S - time.monotonic()))
            wake.clear()
            names = sorted(kinds)
            kinds.clear()
            sent_at = time.monotonic()
            yield "".join(_line(name) for name in names)
    finally:
        for subscription in subscriptions:
            subscription.close()


def _line(kind: str) -> str:
    return f"data: {json.dumps({'kind': kind})}\n\n"


def _listing(tx: Transaction, record_now: RecordNow) -> Any:
    return (
        select(
            engagement,
            related_now(record_now).label("related_now"),
            queue.c.name.label("queue_name"),
            app_user.c.name.label("agent_name"),
            disposition.c.label.label("disposition_label"),
            delivery.c.state.label("delivery_state"),
            delivery.c.attempts,
            delivery.c.next_at,
            delivery.c.delivered_at,
            delivery.c.records,
            delivery.c.error_code,
            delivery.c.error_message,
        )
        .select_from(
            NAMED.outerjoin(
                delivery,
                (delivery.c.account_id == engagement.c.account_id)
                & (delivery.c.engagement_id == engagement.c.id),
            )
        )
        .where(engagement.c.account_id == tx.account_id)
        .order_by(engagement.c.arrived_at.desc(), engagement.c.id.desc())
    )


def _found_by(q: str, record_now: RecordNow) -> Any:
    pattern = f"%{_like(q)}%"
    conditions: list[Any] = [app_user.c.name.ilike(pattern)]
    conditions.append(_names_in(engagement.c.related).ilike(pattern))
    # Behind OFFSET 0 it is looked up once, not for each member.
    now = select(related_now(record_now).label("record")).offset(0).subquery()
    conditions.append(select(_names_in(now.c.record)).scalar_subquery().ilike(pattern))
    number = numbers.parse(q, ("US", "JP"))
    # Part of a number, without the zero that countries dial before it. What has letters is a name, be there digits in it.
    digits = "" if any(c.isalpha() for c in q) else "".join(c for c in q if c.isdigit()).lstrip("0")
    if number is not None:
        conditions.append(engagement.c.number_e164 == number.e164)
    if len(digits) >= 3:
        conditions.append(engagement.c.number_e164.like(f"%{digits}%"))
    return or_(*conditions)


def _names_in(record: ColumnElement[Any]) -> ColumnElement[str]:
    """A record's names, whichever way round the reader sees them."""
    members = ("name", "first_name", "last_name", "first_name")
    return func.concat_ws(" ", *(record[member].astext for member in members))


def _like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _row(row: Row[Any], language: str, now: datetime, origins: Mapping[UUID, str]) -> dict[str, Any]:
    home = {"ja": "JP", "en": "US"}[language]
    record = record_of(row, language)
    return {
        "id": str(row.id),
        "direction": row.direction,
        "state": row.state,
        "queue": {"id": str(row.queue_id), "name": row.queue_name},
        "party": {
            "e164": row.number_e164,
            "display": numbers.display(row.number_e164, home) if row.number_e164 else row.number_raw,
            "extension": row.number_extension,
            "withheld": row.withheld,
            "claimed_name": row.claimed_name,
        },
        "record": {
            **record,
            "url": _record_url(row, record["object_type"], record["id"], origins),
        }
        if record
        else None,
        "agent": {"id": str(row.agent_id), "name": row.agent_name} if row.agent_id else None,
        "arrived_at": row.arrived_at,
        "connected_at": row.connected_at,
        "ended_at": row.ended_at,
        "waited_ms": _waited(row, now),
        "talked_ms": _talked(row, now),
        "outcome": row.outcome,
        "disposition": row.disposition_label,
        "delivery": row.delivery_state or "none",
    }


def _delivery(row: Row[Any], origins: Mapping[UUID, str]) -> dict[str, Any] | None:
    if row.delivery_state is None:
        return None
    return {
        "state": row.delivery_state,
        "attempts": row.attempts,
        "next_attempt_at": row.next_at if row.delivery_state == "pending" else None,
        "delivered_at": row.delivered_at,
        "error": {"code": row.error_code, "message": row.error_message} if row.error_code else None,
        "records": [
            {"object_type": kind, "id": id, "url": _record_url(row, kind, id, origins)}
            for kind, id in row.records.items()
        ],
    }


def _record_url(row: Row[Any], object_type: str, id: str, origins: Mapping[UUID, str]) -> str | None:
    origin = origins.get(row.connection_id)
    return f"{origin}/lightning/r/{object_type}/{id}/view" if origin else None


def _seen_by(who: SignedIn, query: Any) -> Any:
    """Agents see the engagements they had; those who manage see all of the account's."""
    return query if who.manages else query.where(engagement.c.agent_id == who.user_id)


def _agent_name(data: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    name = names.get(data.get("agent_id", ""))
    return {"agent": name} if name else {}


def _waited(row: Row[Any], now: datetime) -> int:
    if row.queued_at is None:
        return 0
    return _ms((row.connected_at or row.ended_at or now) - row.queued_at)


def _talked(row: Row[Any], now: datetime) -> int:
    return _ms((row.ended_at or now) - row.connected_at) if row.connected_at else 0


def _ms(duration: timedelta) -> int:
    return max(0, round(duration.total_seconds() * 1000))


def _to_cursor(row: Row[Any]) -> str:
    return base64.urlsafe_b64encode(f"{row.arrived_at.isoformat()}|{row.id}".encode()).decode()


def _from_cursor(cursor: str) -> tuple[datetime, UUID]:
    try:
        at, _, id = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
        return datetime.fromisoformat(at), UUID(id)
    except (ValueError, binascii.Error):
        raise InputInvalid(field="cursor") from None
