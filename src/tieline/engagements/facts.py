"""Taking in what the switch reports: each fact once, in order, in the transaction that applies it.

One web node at a time consumes a media node's events, by a lease on the node's row. A fact is identified by
node, epoch and sequence and stored in the transaction that applies it, so that a repeat changes nothing; a
higher epoch means that the media process was restarted and everything of the older one is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, bindparam, exists, or_, select, text, update
from sqlalchemy.engine import Row

from tieline.agents import service as agents
from tieline.agents.tables import agent
from tieline.db.database import Database, Transaction
from tieline.engagements.commands import KNOWN, SwitchDirectory
from tieline.engagements.engagement import State, Trigger
from tieline.engagements.service import Engagements
from tieline.engagements.tables import engagement, media_node
from tieline.ids import new_id
from tieline.telephony.switch import SwitchError, SwitchEvent, SwitchEventKind

LEASE = timedelta(seconds=5)
_RENEW_S = 1.5
_RETRY_S = 0.5
_HEALTH_S = 2.0
SILENT = timedelta(seconds=12)
"""A node that has written no heartbeat for so long and does not answer is taken for dead."""

_CHANGE_NOTHING = frozenset({SwitchEventKind.PLAY_FINISHED, SwitchEventKind.LEG_DIGITS_SENT})
"""Facts that no engagement depends on."""
_WAIT_TOGETHER = 50

log = structlog.get_logger()

# Locks the node's row by changing it; a fact that another process has taken meanwhile finds another `consumed`.
_STORE = text("""
WITH taken AS (
    UPDATE media_node SET consumed_epoch = :epoch, consumed = :last
    WHERE id = :node AND (
        (consumed_epoch = :epoch AND consumed = :before)
        OR (:before = 0 AND (consumed_epoch IS NULL OR consumed_epoch < :epoch))
    )
    RETURNING id
), stored AS (
    INSERT INTO switch_event (node, epoch, sequence, kind, call_id, leg_id, data)
    SELECT taken.id, :epoch, fact.sequence, fact.kind, fact.call_id, fact.leg_id, fact.data
    FROM taken, jsonb_to_recordset(CAST(:rows AS jsonb))
        AS fact(sequence bigint, kind text, call_id uuid, leg_id uuid, data jsonb)
    ON CONFLICT DO NOTHING
)
SELECT 1 FROM taken
""").bindparams(
    bindparam("epoch", type_=BigInteger),
    bindparam("before", type_=BigInteger),
    bindparam("last", type_=BigInteger),
)

_BY_CALLER_LEG = (
    select(engagement).where(engagement.c.caller_leg_id == bindparam("leg")).with_for_update(key_share=True)
)
_BY_ID = select(engagement).where(engagement.c.id == bindparam("of_id")).with_for_update(key_share=True)
_LINE = select(agent.c.account_id, agent.c.user_id).where(
    agent.c.line_leg_id == bindparam("leg"),
    agent.c.line_node == bindparam("node"),
    agent.c.line_epoch == bindparam("epoch"),
)


class FactsMissing(Exception):
    """A fact came before one that precedes it in the switch's log."""


class Facts:
    """Applies switch events to engagements and agents' lines."""

    def __init__(self, db: Database, engagements: Engagements) -> None:
        self._db = db
        self._engagements = engagements
        self._last: dict[str, tuple[int, int]] = {}
        """Epoch and sequence of the last fact taken here, by node."""
        self._waiting: dict[str, list[SwitchEvent]] = {}
        """Facts up to it that are not stored yet."""

    async def take(self, event: SwitchEvent) -> bool:
        """Store and apply one fact; False when it had been taken before.

        Facts are taken in the order of the switch's log and no other: the node's row is locked, a fact that
        was taken is dropped, and one that comes too early raises `FactsMissing`, after which the log is read
        again from where we stand. A fact that changes nothing waits here for the next that does, and is stored
        with it: a process that dies before has it read again.
        """
        waiting = self._waiting.get(event.node, [])
        if event in waiting:
            return False
        follows = self._last.get(event.node) == (event.epoch, event.sequence - 1)
        if follows and event.kind in _CHANGE_NOTHING and len(waiting) < _WAIT_TOGETHER:
            self._last[event.node] = (event.epoch, event.sequence)
            self._waiting[event.node] = [*waiting, event]
            return True
        batch = [*waiting, event] if follows else [event]
        # Known again once it is stored: what goes wrong until then is read again from the row.
        self._last.pop(event.node, None)
        self._waiting.pop(event.node, None)
        async with self._db.system() as tx:
            if not await self._store(tx, batch):
                return await self._out_of_order(tx, event, batch)
            await self._apply(tx, event, _uuid(event.call_id), _uuid(event.leg_id))
        self._last[event.node] = (event.epoch, event.sequence)
        return True

    async def _store(self, tx: Transaction, batch: list[SwitchEvent]) -> bool:
        """Store facts that follow one another, if they are the next; False when they are not.

        One statement, because every fact of a node waits for the one before it. It locks the node's row.
        """
        first, last = batch[0], batch[-1]
        rows = [
            {
                "sequence": event.sequence,
                "kind": event.kind,
                "call_id": _id_or_none(event.call_id),
                "leg_id": _id_or_none(event.leg_id),
                # Keys pressed may be secrets: kept on the engagement while it lasts, nowhere else.
                "data": {} if event.kind is SwitchEventKind.LEG_DIGIT else dict(event.data),
            }
            for event in batch
        ]
        stored = await tx.scalar(
            _STORE,
            {
                "node": first.node,
                "epoch": first.epoch,
                "before": first.sequence - 1,
                "last": last.sequence,
                "rows": json.dumps(rows),
            },
        )
        return bool(stored)

    async def _out_of_order(self, tx: Transaction, event: SwitchEvent, batch: list[SwitchEvent]) -> bool:
        """Why facts were not the next: taken before (False), in part (the rest is read again), or too early."""
        node = await tx.one(
            select(media_node.c.consumed_epoch, media_node.c.consumed).where(media_node.c.id == event.node)
        )
        epoch, consumed = (node.consumed_epoch, node.consumed) if node else (None, 0)
        if epoch is not None and (event.epoch, event.sequence) <= (epoch, consumed):
            return False
        raise FactsMissing(f"{event.node} told {batch[0].sequence} after {consumed}")

    async def _apply(
        self, tx: Transaction, event: SwitchEvent, call_id: UUID | None, leg_id: UUID | None
    ) -> None:
        if event.kind is SwitchEventKind.CALL_ENDED:
            row = await self._engagement(tx, call_id)
            if row is not None:
                await self._engagements.caller_gone(tx, row, "removed")
            return
        if leg_id is None:
            return
        row = await self._by_caller_leg(tx, leg_id)
        if row is not None:
            await self._of_caller(tx, event, row)
            return
        line = await tx.one(_LINE, {"leg": leg_id, "node": event.node, "epoch": event.epoch})
        if line is not None:
            tx.account_id = line.account_id
            await self._of_agent(tx, event, line.user_id, call_id)

    async def _engagement(self, tx: Transaction, id: UUID | None) -> Row[Any] | None:
        if id is None:
            return None
        row = await tx.one(_BY_ID, {"of_id": id})
        if row is not None:
            tx.account_id = row.account_id
        return row

    async def _by_caller_leg(self, tx: Transaction, leg_id: UUID) -> Row[Any] | None:
        row = await tx.one(_BY_CALLER_LEG, {"leg": leg_id})
        if row is not None:
            tx.account_id = row.account_id
        return row

    async def _of_caller(self, tx: Transaction, event: SwitchEvent, row: Row[Any]) -> None:
        match event.kind:
            case SwitchEventKind.LEG_CONNECTED:
                await self._engagements.caller_connected(tx, row)
            case SwitchEventKind.LEG_GONE:
                await self._engagements.caller_gone(tx, row, event.data.get("reason"))
            case SwitchEventKind.LEG_HELD:
                await self._engagements.held(tx, row, bool(event.data["held"]))
            case SwitchEventKind.LEG_DIGIT:
                await self._engagements.digit(tx, row, str(event.data["digit"]))
            case _:
                pass

    async def _of_agent(
        self, tx: Transaction, event: SwitchEvent, agent_id: UUID, call_id: UUID | None
    ) -> None:
        # The engagement is locked before the agent, as everywhere.
        row = await self._engagements.of_agent(tx, agent_id)
        match event.kind:
            case SwitchEventKind.LEG_CONNECTED:
                await self._line(tx, agent_id, line_up_at=tx.now)
                if row is not None:
                    await self._engagements.agent_audio(tx, row, up=True)
                self._engagements.route_soon(tx, agent_id=agent_id)
            case SwitchEventKind.LEG_GONE:
                # First the engagement: what it still wants of the leg needs no answer any more.
                await self._line(tx, agent_id, line_up_at=None, line_leg_id=None)
                if row is not None:
                    await self._engagements.agent_audio(tx, row, up=False)
            case SwitchEventKind.LEG_MOVED if row is not None and call_id == row.id:
                await self._engagements.agent_joined(tx, row)
            case SwitchEventKind.LEG_MUTED if row is not None:
                await self._engagements.muted(tx, row, bool(event.data["muted"]))
            case _:
                pass

    async def _line(self, tx: Transaction, agent_id: UUID, **values: Any) -> None:
        await agents.locked(tx, agent_id)
        await tx.execute(
            update(agent)
            .where(agent.c.account_id == tx.account_id, agent.c.user_id == agent_id)
            .values(**values)
        )

    async def switch_lost(self, node: str, epoch: int) -> None:
        """The media node was restarted: calls and lines of older epochs are gone; everybody is told."""
        async with self._db.system() as tx:
            rows = await tx.all(
                select(engagement.c.account_id, engagement.c.id).where(
                    engagement.c.node == node, engagement.c.epoch < epoch, engagement.c.closed_at.is_(None)
                )
            )
        for row in rows:
            async with self._db.account(row.account_id) as tx:
                found = await self._engagements.load(tx, row.id)
                if found is not None:
                    await self._engagements.conversation_ended(tx, found, Trigger.SWITCH_LOST)
        async with self._db.system() as tx:
            await tx.execute(
                update(agent)
                .where(agent.c.line_node == node, agent.c.line_epoch < epoch)
                .values(line_leg_id=None, line_up_at=None)
            )


class Consumer:
    """Pulls the events of every living media node whose lease this process gets."""

    def __init__(self, db: Database, directory: SwitchDirectory, facts: Facts) -> None:
        self._db = db
        self._directory = directory
        self._facts = facts
        self._id = new_id()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._lives: dict[str, int] = {}
        """The epoch that each puller began with."""

    async def run(self) -> None:
        """Until cancelled: renew leases, start a puller for each node held, stop those lost."""
        try:
            while True:
                try:
                    await self._hold()
                    await self._bury()
                except Exception:
                    log.exception("switch.consumer")
                await asyncio.sleep(_RENEW_S)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            with contextlib.suppress(Exception):
                await self._release()

    async def _hold(self) -> None:
        async with self._db.system() as tx:
            rows = await tx.all(
                update(media_node)
                .where(
                    media_node.c.heartbeat_at > tx.now - KNOWN,
                    or_(
                        media_node.c.consumer.is_(None),
                        media_node.c.consumer == self._id,
                        media_node.c.consumer_until < tx.now,
                    ),
                )
                .values(consumer=self._id, consumer_until=tx.now + LEASE)
                .returning(media_node.c.id, media_node.c.epoch)
            )
        held = {row.id: row.epoch for row in rows}
        for node, task in list(self._tasks.items()):
            # A puller that read the epoch just before a restart would wait for facts of a new life that may
            # not have any for long: it begins again.
            renewed = held.get(node, 0) > self._lives.get(node, 0)
            if node not in held or task.done() or renewed:
                self._tasks.pop(node).cancel()
        for node in held.keys() - self._tasks.keys():
            self._lives[node] = held[node]
            self._tasks[node] = asyncio.create_task(self._pull(node))

    async def _bury(self) -> None:
        """End the calls of nodes that neither write a heartbeat nor answer: nobody else will."""
        async with self._db.system() as tx:
            silent = await tx.all(
                select(media_node).where(
                    media_node.c.heartbeat_at < tx.now - SILENT,
                    or_(
                        exists().where(
                            engagement.c.node == media_node.c.id,
                            engagement.c.epoch <= media_node.c.epoch,
                            engagement.c.closed_at.is_(None),
                            engagement.c.state != State.WRAP_UP,
                        ),
                        exists().where(
                            agent.c.line_node == media_node.c.id, agent.c.line_leg_id.is_not(None)
                        ),
                    ),
                )
            )
        for row in silent:
            # While the database was away no heartbeat could be written: the node itself is asked.
            if await self._epoch(row.id, row.address) is None:
                log.warning("switch.silent", node=row.id)
                await self._facts.switch_lost(row.id, row.epoch + 1)

    async def _epoch(self, node: str, address: str) -> int | None:
        """The epoch in which a node lives now; None when it does not answer."""
        try:
            async with asyncio.timeout(_HEALTH_S):
                return (await self._directory.switch(node, address).health()).epoch
        except (SwitchError, TimeoutError):
            return None

    async def _release(self) -> None:
        async with self._db.system() as tx:
            await tx.execute(
                update(media_node)
                .where(media_node.c.consumer == self._id)
                .values(consumer=None, consumer_until=None)
            )

    async def _pull(self, node: str) -> None:
        while True:
            try:
                async with self._db.system() as tx:
                    row = await tx.one(select(media_node).where(media_node.c.id == node))
                if row is None:
                    return
                # The node is asked, too: its row may be a heartbeat behind a restart, and a new life may be
                # without facts for long.
                lives = max(row.epoch, await self._epoch(node, row.address) or 0)
                self._lives[node] = max(lives, self._lives.get(node, 0))
                if row.consumed_epoch is None or lives > row.consumed_epoch:
                    await self._facts.switch_lost(node, lives)
                switch = self._directory.switch(node, row.address)
                async with contextlib.aclosing(
                    switch.events(epoch=row.consumed_epoch, after=row.consumed)
                ) as events:
                    async for event in events:
                        if row.consumed_epoch is not None and event.epoch > row.consumed_epoch:
                            await self._facts.switch_lost(node, event.epoch)
                            row = None
                            await self._facts.take(event)
                            break
                        await self._facts.take(event)
            except FactsMissing as gap:
                log.warning("switch.events.gap", node=node, gap=str(gap))
            except SwitchError as error:
                log.warning("switch.events", node=node, code=error.code)
                await asyncio.sleep(_RETRY_S)
            except Exception:
                log.exception("switch.events", node=node)
                await asyncio.sleep(_RETRY_S)


def _uuid(id: str | None) -> UUID | None:
    try:
        return UUID(id) if id else None
    except ValueError:
        return None


def _id_or_none(id: str | None) -> str | None:
    return str(found) if (found := _uuid(id)) else None
