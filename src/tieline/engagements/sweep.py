"""What time brings: deadlines, lost seats, requests nobody confirmed, offers nobody made.

Every web node sweeps; whoever locks a row first acts on it. A sweep finds nothing that a living node has not
done already, unless something died or a switch fell silent: so an idle installation sweeps for nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import bindparam, delete, func, or_, select
from sqlalchemy.exc import DBAPIError

from tieline.agents.tables import agent, callbar_command
from tieline.db.database import Database, Transaction
from tieline.db.statement import Found, Statement
from tieline.engagements.service import Engagements
from tieline.engagements.tables import engagement, switch_event
from tieline.errors import TielineError

TICK_S = 0.25
_SLOW_EVERY = 8
"""Every so many ticks also: route what waits, resend commands."""
KEEP_FACTS = timedelta(hours=72)
"""Repeats of a switch event are recognised for so long."""
_CLEAN_EVERY = 2400
SEATS_GRACE_S = 5.0
"""After a standstill seats count as lost only when callbars have had this time to renew them."""

_DUE = Statement(
    select(engagement.c.account_id, engagement.c.id).where(
        or_(engagement.c.deadline_at <= func.tieline_now(), engagement.c.pending_until <= func.tieline_now())
    )
)
_UNLESS_HELD = Statement(
    select(engagement)
    .where(engagement.c.account_id == bindparam("of_account"), engagement.c.id == bindparam("of_id"))
    .with_for_update(skip_locked=True, key_share=True)
)

log = structlog.get_logger()


class Sweep:
    """The sweep of one process."""

    def __init__(self, db: Database, engagements: Engagements) -> None:
        self._db = db
        self._engagements = engagements
        self._seats_from = 0.0

    async def run(self) -> None:
        """Until cancelled. What fails in one part of a sweep does not keep the others from their work."""
        tick = 0
        swept = time.monotonic()
        while True:
            now = time.monotonic()
            if now - swept > SEATS_GRACE_S:
                # This process stood still, perhaps with all others: callbars renew their seats first.
                self._seats_from = now + SEATS_GRACE_S
            swept = now
            parts = [self.deadlines]
            if tick % _SLOW_EVERY == 0:
                parts += [self._engagements.desk.sweep, self.waiting]
                if now >= self._seats_from:
                    parts.append(self.seats)
            if tick % _CLEAN_EVERY == 0:
                parts.append(self.clean)
            for part in parts:
                await self._do(part)
            tick += 1
            await asyncio.sleep(TICK_S)

    async def _do(self, part: Callable[[], Awaitable[None]]) -> None:
        try:
            await part()
        except Exception:
            log.exception("sweep", part=part.__name__)
            # After an absence of the database every seat looks lost until it is renewed.
            self._seats_from = time.monotonic() + SEATS_GRACE_S
            await asyncio.sleep(1)

    async def deadlines(self) -> None:
        """Act on engagements that have stayed in a state, or waited for the switch, for too long."""
        for found in await self._db.alone(_DUE, {}):
            try:
                await self._each(found, self._deadline)
            except (TielineError, DBAPIError):
                # One that cannot be acted on must not keep those after it waiting.
                log.exception("sweep.deadline", engagement_id=str(found.id))

    async def _deadline(self, tx: Transaction, row: Found) -> None:
        if row.deadline_at is not None and row.deadline_at <= tx.now:
            await self._engagements.deadline_passed(tx, row)
        elif row.pending_until is not None and row.pending_until <= tx.now:
            await self._engagements.pending_passed(tx, row)

    async def _each(self, found: Found, act: Callable[[Transaction, Found], Awaitable[None]]) -> None:
        async with self._db.account(found.account_id) as tx:
            row = await tx.find_one(_UNLESS_HELD, {"of_account": found.account_id, "of_id": found.id})
            if row is not None:
                await act(tx, self._engagements.keep(tx, row))

    async def seats(self) -> None:
        """Make agents offline whose last callbar has been gone for too long."""
        async with self._db.system() as tx:
            lost = await tx.all(
                select(agent.c.account_id, agent.c.user_id).where(
                    agent.c.seat_until <= tx.now, agent.c.status != "offline"
                )
            )
        for row in lost:
            async with self._db.account(row.account_id) as tx:
                await self._engagements.seat_lost(tx, row.user_id)

    async def waiting(self) -> None:
        """Route every queue in which somebody waits: whoever should have done it may have died."""
        async with self._db.system() as tx:
            queues: list[tuple[UUID, UUID]] = [
                (row.account_id, row.queue_id)
                for row in await tx.all(
                    select(engagement.c.account_id, engagement.c.queue_id)
                    .where(engagement.c.state == "queued")
                    .distinct()
                )
            ]
        for account_id, queue_id in queues:
            await self._engagements.route(account_id, queue_id)

    async def clean(self) -> None:
        """Forget what is only kept to recognise repeats."""
        async with self._db.system() as tx:
            await tx.execute(delete(switch_event).where(switch_event.c.stored_at < tx.now - KEEP_FACTS))
            await tx.execute(
                delete(callbar_command).where(callbar_command.c.done_at < tx.now - timedelta(days=1))
            )
