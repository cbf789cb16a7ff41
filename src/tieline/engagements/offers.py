"""Offers: the oldest waiting engagement to the agent who has been free for longest; back into the queue otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import bindparam, insert, select
from sqlalchemy.engine import Row

from tieline.agents import service as agents
from tieline.db.database import Transaction
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

log = structlog.get_logger()

LOOK_AHEAD = 10
"""So many of the oldest waiting are looked at when the first cannot be offered (all free agents declined it)."""

# Built once: what every offer runs.
_WAITING = (
    select(engagement.c.id)
    .where(
        engagement.c.account_id == bindparam("of_account"),
        engagement.c.queue_id == bindparam("of_queue"),
        engagement.c.state == State.QUEUED,
    )
    .order_by(engagement.c.priority.desc(), engagement.c.queued_at, engagement.c.id)
    .limit(LOOK_AHEAD)
)
_STILL_WAITS = (
    select(engagement)
    .where(engagement.c.id == bindparam("of_id"), engagement.c.state == State.QUEUED)
    .with_for_update(key_share=True)
)
_DECLINED = select(offer.c.agent_id).where(
    offer.c.account_id == bindparam("of_account"),
    offer.c.engagement_id == bindparam("of_id"),
    offer.c.state == "declined",
    offer.c.ended_at > bindparam("since"),
)
_OFFER = insert(offer)


class Offers(Ledger):
    """Routing and what ends an offer."""

    async def route(self, account_id: UUID, queue_id: UUID) -> None:
        """Offer waiting engagements of the queue, oldest first, to free agents, longest idle first."""
        for _ in range(1000):
            async with self.db.account(account_id) as tx:
                # One router at a time per queue: two would pass each other's rows over, and so the oldest caller.
                of = await queues.lock(tx, queue_id)
                if of is None or not await self._offer_next(tx, of):
                    return

    async def route_now(self, tx: Transaction, queue_id: UUID) -> None:
        """Route for one more who waits, in the transaction that lets them wait: the offer needs no other one.

        The transaction holds that engagement already, out of the order of locks, so it does not wait for
        another router: that one may be waiting for the engagement. Then routing follows the commit.
        """
        of = await queues.lock(tx, queue_id, unless_held=True)
        if of is None:
            self.route_soon(tx, queue_id=queue_id)
        else:
            await self._offer_next(tx, of)

    async def _offer_next(self, tx: Transaction, of: Row[Any]) -> bool:
        """Offer the first who waits in a queue whose row is held; False when there is nothing to offer."""
        # Looked up once for all who wait: somebody who gets free between two looks would take the second
        # caller and not the first.
        free = by_longest_idle(await queues.candidates(tx, of.id))
        if not free:
            return False
        waiting = await tx.all(_WAITING, {"of_account": tx.account_id, "of_queue": of.id})
        for found in waiting:
            row = await tx.one(_STILL_WAITS, {"of_id": found.id})
            if row is not None and await self._offer_to_somebody(tx, of, row, free):
                return True
        return False

    async def _offer_to_somebody(
        self, tx: Transaction, of: Row[Any], row: Row[Any], free: list[Candidate]
    ) -> bool:
        """Offer to the first who can take it; who turns out not to be free any more is taken off `free`."""
        declined: set[UUID] = set()
        if row.offered_at is not None:
            of_it = {"of_account": tx.account_id, "of_id": row.id, "since": tx.now - queues.DECLINE_PAUSE}
            declined = {found.agent_id for found in await tx.all(_DECLINED, of_it)}
        for candidate in [c for c in free if c.node == row.node and c.agent_id not in declined]:
            claimed = await queues.claim(tx, candidate.agent_id)
            if claimed is not None:
                await self._offer(tx, of, row, claimed)
                return True
            free.remove(candidate)
        return False

    async def _offer(self, tx: Transaction, of: Row[Any], row: Row[Any], to: Row[Any]) -> None:
        agent_id: UUID = to.user_id
        expires_at = tx.now + timedelta(milliseconds=of.ring_ms)
        connection_id = to.connection_id or row.connection_id
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
        await tx.execute(_OFFER, made)
        state = after(row.state, Trigger.OFFERED)
        await self._set(
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
        """An agent has become free or reachable: look into each of the agent's queues.

        Also into those in which nobody seems to wait: a transaction that lets somebody wait may be about to
        commit without having seen this agent, and holds the queue until then.
        """
        async with self.db.account(account_id) as tx:
            ids = await queues.queues_of(tx, agent_id)
        for id in ids:
            await self.route(account_id, id)

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

    async def _end_offer(self, tx: Transaction, row: Row[Any], how: str) -> None:
        self._tell(tx, row.id, f"engagement.offer_{how}", {"agent_id": str(row.agent_id)})
        await self._requeue(tx, row, Trigger.OFFER_ENDED, how)

    async def _requeue(self, tx: Transaction, row: Row[Any], trigger: Trigger, how: str) -> None:
        state = after(row.state, trigger)
        await self._close_offer(tx, row, how)
        await self._set(tx, row, state=state, agent_id=None, deadline_at=None, popped=False, related=None)
        agents.changed(tx, row.agent_id, f"engagement.offer_{how}", engagement_id=row.id, gone=how)
        self.route_soon(tx, queue_id=row.queue_id, agent_id=row.agent_id)
