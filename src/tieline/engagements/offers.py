"""Offers: the oldest waiting engagement to the agent who has been free for longest; back into the queue otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import DateTime, bindparam, func, literal, select, union_all

from tieline.agents import service as agents
from tieline.db.database import Transaction
from tieline.db.statement import Found, Statement, inserting
from tieline.engagements.engagement import (
    State,
    Trigger,
    after,
)
from tieline.engagements.ledger import Ledger, number_of, single
from tieline.engagements.tables import engagement, offer
from tieline.ids import new_id
from tieline.queues import service as queues
from tieline.queues.routing import Candidate, by_longest_idle
from tieline.queues.tables import queue_member

log = structlog.get_logger()

LOOK_AHEAD = 10
"""So many of the oldest waiting are looked at when the first cannot be offered (all free agents declined it)."""

# Built once: what every offer runs.
_waiting = (
    select(
        literal(False).label("free"),
        engagement.c.id,
        engagement.c.queued_at,
        engagement.c.node,
        engagement.c.epoch,
        engagement.c.priority,
        func.tieline_now(),
    )
    .where(
        engagement.c.account_id == bindparam("of_account"),
        engagement.c.queue_id == bindparam("of_queue"),
        engagement.c.state == State.QUEUED,
    )
    .order_by(engagement.c.priority.desc(), engagement.c.queued_at, engagement.c.id)
    .limit(LOOK_AHEAD)
)
_free = queues.FREE_MEMBERS.subquery()
_LOOK = Statement(
    union_all(
        select(
            literal(True).label("free"),
            _free.c.user_id.label("id"),
            _free.c.idle_since.label("since"),
            _free.c.line_node.label("node"),
            _free.c.line_epoch.label("epoch"),
            literal(0).label("priority"),
            func.tieline_now().label("now"),
        ),
        _waiting,
    )
)
"""Who is free for a queue, and who waits in it."""
_WAITED_IN = Statement(
    select(engagement.c.queue_id)
    .join(
        queue_member,
        (queue_member.c.account_id == engagement.c.account_id)
        & (queue_member.c.queue_id == engagement.c.queue_id),
    )
    .where(
        engagement.c.account_id == bindparam("of_account"),
        engagement.c.state == State.QUEUED,
        queue_member.c.user_id == bindparam("of_agent"),
    )
    .distinct()
)
_STILL_WAITS = Statement(
    select(engagement)
    .where(engagement.c.id == bindparam("of_id"), engagement.c.state == State.QUEUED)
    .with_for_update(key_share=True)
)
_DECLINED = Statement(
    select(offer.c.agent_id).where(
        offer.c.account_id == bindparam("of_account"),
        offer.c.engagement_id == bindparam("of_id"),
        offer.c.state == "declined",
        offer.c.ended_at > bindparam("since", type_=DateTime(timezone=True)),
    )
)
_OFFER = Statement(
    inserting(offer, "account_id", "id", "engagement_id", "agent_id", "state", "offered_at", "expires_at")
)


class Offers(Ledger):
    """Routing and what ends an offer."""

    async def route(self, account_id: UUID, queue_id: UUID) -> None:
        """Offer waiting engagements of the queue, oldest first, to free agents, longest idle first."""
        for _ in range(1000):
            async with self.db.account(account_id) as tx:
                # One router at a time per queue: two would pass each other's rows over, and so the oldest caller.
                of = await queues.lock(tx, queue_id)
                if not await self._offer_next(tx, of):
                    return

    async def _offer_next(self, tx: Transaction, of: Found, coming: Found | None = None) -> bool:
        """Offer the first who waits in a queue whose row is held; False when there is nothing to offer.

        `coming` is an engagement that this transaction lets wait and offers at once, if it is the first.
        """
        # Looked up once for all who wait: somebody who gets free between two looks would take the second
        # caller and not the first.
        looked = await tx.find(_LOOK, {"of_account": tx.account_id, "of_queue": of.id, "now": tx.now})
        free = by_longest_idle(
            [Candidate(row.id, row.since, (row.node, row.epoch)) for row in looked if row.free]
        )
        if not free:
            return False
        # It may have waited for the queue: whoever was found free became so before this moment, not before its first.
        tx.now = max(tx.now, looked[0].now)
        waiting = [(-row.priority, row.since, row.id) for row in looked if not row.free]
        if coming is not None:
            waiting.append((-coming.priority, coming.queued_at, coming.id))
        for _, _, id in sorted(waiting)[:LOOK_AHEAD]:
            row = coming if coming is not None and id == coming.id else await self._still_waits(tx, id)
            if row is not None and await self._offer_to_somebody(tx, of, row, free, matched=row is coming):
                return True
        return False

    async def _still_waits(self, tx: Transaction, id: UUID) -> Found | None:
        row = await tx.find_one(_STILL_WAITS, {"of_id": id})
        return self.keep(tx, row) if row is not None else None

    async def _offer_to_somebody(
        self, tx: Transaction, of: Found, row: Found, free: list[Candidate], *, matched: bool
    ) -> bool:
        """Offer to the first who can take it; who turns out not to be free any more is taken off `free`.

        `matched` says that the engagement was matched, in the CRM it has now, by this transaction.
        """
        declined: set[UUID] = set()
        if row.offered_at is not None:
            of_it = {"of_account": tx.account_id, "of_id": row.id, "since": tx.now - queues.DECLINE_PAUSE}
            declined = {found.agent_id for found in await tx.find(_DECLINED, of_it)}
        for candidate in [c for c in free if c.place == (row.node, row.epoch) and c.agent_id not in declined]:
            claimed = await queues.claim(tx, candidate.agent_id)
            if claimed is not None:
                await self._offer(tx, of, row, claimed, matched=matched)
                return True
            free.remove(candidate)
        return False

    async def _offer(self, tx: Transaction, of: Found, row: Found, to: Found, *, matched: bool) -> None:
        agent_id: UUID = to.user_id
        expires_at = tx.now + timedelta(milliseconds=of.ring_ms)
        connection_id = to.connection_id or row.connection_id
        match = row.match
        if not matched or connection_id != row.connection_id:
            match = await self.crm.match(tx, connection_id, number_of(row), withheld=row.withheld)
        made = {
            "account_id": tx.account_id,
            "id": new_id(),
            "engagement_id": row.id,
            "agent_id": agent_id,
            "state": "offered",
            "offered_at": tx.now,
            "expires_at": expires_at,
        }
        tx.later(_OFFER, made)
        state = after(row.state, Trigger.OFFERED)
        self._set(
            tx,
            row,
            state=state,
            agent_id=agent_id,
            connection_id=connection_id,
            match=dict(match),
            related=single(match),
            popped=False,
            offered_at=tx.now,
            deadline_at=expires_at,
        )
        self._tell(tx, row.id, "engagement.offered", {"agent_id": str(agent_id), "match": match["status"]})
        agents.changed(tx, agent_id, "engagement.offered", engagement_id=row.id, engagement_state=state)

    async def route_agent(self, account_id: UUID, agent_id: UUID) -> None:
        """An agent has become free or reachable: route the agent's queues in which somebody waits.

        Who starts to wait at this moment need not be seen here: whoever lets somebody wait commits, too, before
        they look for a free agent once more, so one of the two sees the other.
        """
        for row in await self.db.alone(_WAITED_IN, {"of_account": account_id, "of_agent": agent_id}):
            await self.route(account_id, row.queue_id)

    def route_soon(
        self, tx: Transaction, *, queue_id: UUID | None = None, agent_id: UUID | None = None
    ) -> None:
        """Route once the transaction has committed. A node that dies before has its sweep's neighbour do it."""
        account_id = tx.account_id
        assert account_id is not None

        def start() -> None:
            if queue_id is not None:
                self._background(self.route(account_id, queue_id))
            if agent_id is not None:
                self._background(self.route_agent(account_id, agent_id))

        tx.after_commit(start)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        async def run() -> None:
            try:
                await work
            except Exception:
                log.exception("routing")

        task = asyncio.create_task(run())
        self._routing.add(task)
        task.add_done_callback(self._routing.discard)

    async def drain(self) -> None:
        """Wait for routing and switch requests under way."""
        while self._routing:
            await asyncio.wait(list(self._routing), timeout=5)
        await self.desk.drain()

    async def _end_offer(self, tx: Transaction, row: Found, how: str) -> None:
        self._tell(tx, row.id, f"engagement.offer_{how}", {"agent_id": str(row.agent_id)})
        await self._requeue(tx, row, Trigger.OFFER_ENDED, how)

    async def _requeue(self, tx: Transaction, row: Found, trigger: Trigger, how: str) -> None:
        state = after(row.state, trigger)
        self._close_offer(tx, row, how)
        self._set(tx, row, state=state, agent_id=None, deadline_at=None, popped=False, related=None)
        agents.changed(tx, row.agent_id, f"engagement.offer_{how}", engagement_id=row.id, gone=how)
        self.route_soon(tx, queue_id=row.queue_id, agent_id=row.agent_id)
