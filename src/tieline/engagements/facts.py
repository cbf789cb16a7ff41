"""Taking in what the switch reports: each fact once, in the order of its call, in the transaction that applies it.

One web node at a time consumes a media node's events, by a lease on the node's row. A fact is identified by
node, epoch and sequence and stored in the transaction that applies it, so that a repeat changes nothing; a
higher epoch means that the media process was restarted and everything of the older one is gone.

Facts of one call, and of one leg, are applied one after the other; those of different calls side by side. The
node's row says up to where all are taken: whoever consumes next reads from there and finds the ones after it that
are taken already.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import OrderedDict
from collections.abc import AsyncGenerator, Coroutine
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import structlog
from sqlalchemy import BigInteger, Uuid, bindparam, exists, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB

from tieline.agents import service as agents
from tieline.agents.tables import agent
from tieline.db.database import Database, Transaction
from tieline.db.statement import Found, Statement
from tieline.engagements.commands import KNOWN, SwitchDirectory
from tieline.engagements.engagement import State, Trigger
from tieline.engagements.service import Engagements
from tieline.engagements.tables import engagement, media_node
from tieline.ids import new_id
from tieline.telephony.switch import SwitchError, SwitchEvent, SwitchEventKind

LEASE = timedelta(seconds=3)
"""Less than anything waits for a fact: whoever takes the lease of a dead process over is in time for it."""
_RENEW_S = 0.8
_RETRY_S = 0.5
_HEALTH_S = 2.0
SILENT = timedelta(seconds=12)
"""A node that has written no heartbeat for so long and does not answer is taken for dead."""

_CHANGE_NOTHING = frozenset({SwitchEventKind.PLAY_FINISHED, SwitchEventKind.LEG_DIGITS_SENT})
"""Facts that no engagement depends on."""
_SIDE_BY_SIDE = 6
"""So many facts of one node are applied at a time; each holds a connection to the database."""
_STAND_S = 0.1
"""How far facts are taken is written down this often; a process that dies has so much read again."""
_OVER_KEPT = 10_000

log = structlog.get_logger()

# A fact is stored unless it was, be it by another process at this moment: then that one's commit is awaited. What
# stands after it locks the engagement that it is about, and finds the agent whose line the leg is.
_TAKE = """
WITH stored AS (
    INSERT INTO switch_event (node, epoch, sequence, kind, call_id, leg_id, data)
    SELECT :node, :epoch, :sequence, :kind, :call, :leg, :data
    WHERE NOT EXISTS (
        SELECT 1 FROM media_node WHERE id = :node AND (consumed_epoch, consumed) >= (:epoch, :sequence)
    )
    ON CONFLICT DO NOTHING
    RETURNING 1
), held AS (
    SELECT * FROM engagement WHERE {about} AND EXISTS (SELECT 1 FROM stored) FOR NO KEY UPDATE
)
SELECT held.*, EXISTS (SELECT 1 FROM stored) AS stored, line.account_id AS line_account, line.user_id AS line_of
FROM (SELECT 1) AS fact LEFT JOIN held ON true LEFT JOIN (
    SELECT account_id, user_id FROM agent WHERE line_leg_id = :leg AND line_node = :node AND line_epoch = :epoch
) AS line ON true
"""
_STAND = """
WITH stored AS (
    INSERT INTO switch_event (node, epoch, sequence, kind, call_id, leg_id, data)
    SELECT :node, :epoch, sequence, kind, call_id, leg_id, data
    FROM jsonb_to_recordset(CAST(:quiet AS jsonb))
        AS fact(sequence bigint, kind text, call_id uuid, leg_id uuid, data jsonb)
    ON CONFLICT DO NOTHING
)
UPDATE media_node SET consumed_epoch = :epoch, consumed = :sequence
WHERE id = :node AND (consumed_epoch IS NULL OR (consumed_epoch, consumed) < (:epoch, :sequence))
"""


def _statement(sql: str) -> Statement:
    types = {"epoch": BigInteger, "sequence": BigInteger, "call": Uuid, "leg": Uuid, "data": JSONB}
    used = [bindparam(name, type_=type_) for name, type_ in types.items() if f":{name}" in sql]
    return Statement(text(sql).bindparams(*used))


_OF_LEG = _statement(_TAKE.format(about="caller_leg_id = :leg"))
_OF_CALL = _statement(_TAKE.format(about="id = :call"))
_WRITE_STAND = _statement(_STAND)


_STANDS = Statement(
    select(media_node.c.consumed_epoch, media_node.c.consumed).where(media_node.c.id == bindparam("node"))
)


class FactsMissing(Exception):
    """A fact came before one that precedes it in the switch's log."""


class _Stand:
    """How far the facts of one node are taken here."""

    def __init__(self, epoch: int, sequence: int) -> None:
        self.epoch = epoch
        self.begun = sequence
        """The last that has come."""
        self.done = sequence
        """All up to this one are taken."""
        self.written = sequence
        """All up to this one are taken, and the node's row says so."""
        self.quiet: list[SwitchEvent] = []
        """Facts that change nothing: stored when the row is written."""
        self._ahead: set[int] = set()
        self._last: dict[str, asyncio.Future[None]] = {}

    def finish(self, sequence: int) -> None:
        self._ahead.add(sequence)
        while self.done + 1 in self._ahead:
            self.done += 1
            self._ahead.discard(self.done)

    @contextlib.asynccontextmanager
    async def in_turn(self, keys: list[str]) -> AsyncGenerator[None]:
        """Wait for those before that have one of the keys; those after wait for this one, and fail with it."""
        before = [self._last[key] for key in keys if key in self._last]
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._last.update(dict.fromkeys(keys, mine))
        try:
            for earlier in before:
                await asyncio.shield(earlier)
            yield
            mine.set_result(None)
        except BaseException:
            mine.set_exception(FactsMissing("one before it was not taken"))
            mine.exception()  # nobody need be waiting
            raise
        finally:
            for key in keys:
                if self._last.get(key) is mine:
                    del self._last[key]


class Facts:
    """Applies switch events to engagements and agents' lines."""

    def __init__(self, db: Database, engagements: Engagements) -> None:
        self._db = db
        self._engagements = engagements
        self._stands: dict[str, _Stand] = {}
        self._over: OrderedDict[str, None] = OrderedDict()
        """Calls whose caller is known to have gone: that such a call has ended changes nothing."""

    async def take(self, event: SwitchEvent) -> bool:
        """Store and apply one fact; False when it had been taken before.

        To be called in the order of the switch's log: a fact that comes too early raises `FactsMissing`, after
        which the log is read again from where we stand. Several may be under way once `stand` was asked.
        """
        stand = self._stands.get(event.node)
        if stand is None:
            await self.stand(event.node)
            stand = self._stands[event.node]
        if (event.epoch, event.sequence) <= (stand.epoch, stand.begun):
            return False
        if event.epoch > stand.epoch:
            stand = self._stands[event.node] = _Stand(event.epoch, 0)
        if event.sequence != stand.begun + 1:
            raise FactsMissing(f"{event.node} told {event.sequence} after {stand.begun}")
        stand.begun = event.sequence
        if self._changes_nothing(event):
            stand.quiet.append(event)
            stand.finish(event.sequence)
            return True
        try:
            async with stand.in_turn([id for id in (event.call_id, event.leg_id) if id is not None]):
                taken = await self._take(event)
        except BaseException:
            # It is read again, from the row.
            if self._stands.get(event.node) is stand:
                del self._stands[event.node]
            raise
        stand.finish(event.sequence)
        return taken

    def _changes_nothing(self, event: SwitchEvent) -> bool:
        over = event.kind is SwitchEventKind.CALL_ENDED and event.call_id in self._over
        return over or event.kind in _CHANGE_NOTHING

    async def _take(self, event: SwitchEvent) -> bool:
        call_id, leg_id = _uuid(event.call_id), _uuid(event.leg_id)
        fact = {
            "node": event.node,
            "epoch": event.epoch,
            "sequence": event.sequence,
            "kind": event.kind.value,
            "call": call_id,
            "leg": leg_id,
            "data": _kept(event),
        }
        async with self._db.system() as tx:
            found = await tx.find_one(_OF_CALL if event.kind is SwitchEventKind.CALL_ENDED else _OF_LEG, fact)
            if found is None or not found.stored:
                return False
            if found.id is not None:
                tx.account_id = found.account_id
                await self._of_caller(tx, event, self._engagements.keep(tx, found))
            elif found.line_of is not None:
                tx.account_id = found.line_account
                await self._of_agent(tx, event, found.line_of, call_id)
        if event.kind is SwitchEventKind.LEG_GONE and found.id is not None:
            self._over[str(found.id)] = None
            if len(self._over) > _OVER_KEPT:
                self._over.popitem(last=False)
        return True

    async def stand(self, node: str, *, afresh: bool = False) -> tuple[int | None, int]:
        """Epoch and sequence up to which all facts of a node are taken; `afresh` as its row says."""
        if afresh:
            self._stands.pop(node, None)
        stand = self._stands.get(node)
        if stand is not None:
            return stand.epoch, stand.done
        rows = await self._db.alone(_STANDS, {"node": node})
        epoch, sequence = (rows[0].consumed_epoch, rows[0].consumed) if rows else (None, 0)
        self._stands.setdefault(node, _Stand(-1 if epoch is None else epoch, sequence))
        return epoch, sequence

    async def write_stand(self, node: str) -> None:
        """Write down how far the facts of a node are taken, with those that changed nothing."""
        stand = self._stands.get(node)
        if stand is None or stand.done == stand.written:
            return
        done, quiet = stand.done, [event for event in stand.quiet if event.sequence <= stand.done]
        rows = [
            {
                "sequence": event.sequence,
                "kind": event.kind.value,
                "call_id": _id_or_none(event.call_id),
                "leg_id": _id_or_none(event.leg_id),
                "data": _kept(event),
            }
            for event in quiet
        ]
        own = {"node": node, "epoch": stand.epoch, "sequence": done, "quiet": json.dumps(rows)}
        await self._db.alone(_WRITE_STAND, own)
        stand.written = done
        stand.quiet = stand.quiet[len(quiet) :]

    async def _of_caller(self, tx: Transaction, event: SwitchEvent, row: Found) -> None:
        match event.kind:
            case SwitchEventKind.LEG_CONNECTED:
                await self._engagements.caller_connected(tx, row)
            case SwitchEventKind.LEG_GONE:
                await self._engagements.caller_gone(tx, row, event.data.get("reason"))
            case SwitchEventKind.LEG_HELD:
                await self._engagements.held(tx, row, bool(event.data["held"]))
            case SwitchEventKind.LEG_DIGIT:
                await self._engagements.digit(tx, row, str(event.data["digit"]))
            case SwitchEventKind.CALL_ENDED:
                await self._engagements.caller_gone(tx, row, "removed")
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
            # First, so that no agent whose call ends here is offered another one that is gone.
            await tx.execute(
                update(agent)
                .where(agent.c.line_node == node, agent.c.line_epoch < epoch)
                .values(line_leg_id=None, line_up_at=None)
            )
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
                async with _Lanes(self._facts, node) as lanes:
                    await lanes.until_failure(self._follow(node, lanes))
                return
            except FactsMissing as gap:
                log.warning("switch.events.gap", node=node, gap=str(gap))
            except SwitchError as error:
                log.warning("switch.events", node=node, code=error.code)
                await asyncio.sleep(_RETRY_S)
            except Exception:
                log.exception("switch.events", node=node)
                await asyncio.sleep(_RETRY_S)

    async def _follow(self, node: str, lanes: _Lanes) -> None:
        """Take what the node reports until its stream breaks; returns when there is no such node."""
        async with self._db.system() as tx:
            row = await tx.one(select(media_node).where(media_node.c.id == node))
        if row is None:
            return
        epoch, sequence = await self._facts.stand(node, afresh=True)
        # The node is asked, too: its row may be a heartbeat behind a restart, and a new life may be
        # without facts for long.
        lives = max(row.epoch, await self._epoch(node, row.address) or 0)
        self._lives[node] = max(lives, self._lives.get(node, 0))
        if epoch is None or lives > epoch:
            await self._facts.switch_lost(node, lives)
        switch = self._directory.switch(node, row.address)
        async with contextlib.aclosing(switch.events(epoch=epoch, after=sequence)) as events:
            async for event in events:
                if epoch is not None and event.epoch > epoch:
                    await lanes.settle()
                    await self._facts.switch_lost(node, event.epoch)
                epoch = event.epoch
                await lanes.take(event)


class _Lanes:
    """Takes facts of one node side by side, and writes down how far they are taken."""

    def __init__(self, facts: Facts, node: str) -> None:
        self._facts = facts
        self._node = node
        self._room = asyncio.Semaphore(_SIDE_BY_SIDE)
        self._taking: set[asyncio.Task[bool]] = set()
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._writing: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._writing = asyncio.create_task(self._write())
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._writing is not None
        self._writing.cancel()
        self._failure.cancel()
        if self._taking:
            await asyncio.wait(self._taking)
        with contextlib.suppress(Exception):
            await self._facts.write_stand(self._node)

    async def until_failure(self, work: Coroutine[Any, Any, None]) -> None:
        """Do `work`, which takes facts, and give it up when one cannot be taken. Raises why."""
        task = asyncio.create_task(work)
        try:
            await asyncio.wait({task, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._failure.done():
            self._failure.result()

    async def take(self, event: SwitchEvent) -> None:
        """Take a fact as soon as there is room."""
        await self._room.acquire()
        task = asyncio.create_task(self._facts.take(event))
        self._taking.add(task)
        task.add_done_callback(self._taken)

    async def settle(self) -> None:
        """Wait for those under way."""
        if self._taking:
            await asyncio.wait(self._taking)

    def _taken(self, task: asyncio.Task[bool]) -> None:
        self._taking.discard(task)
        self._room.release()
        error = None if task.cancelled() else task.exception()
        # The first says what was wrong; those that waited for it only that it was.
        if error is not None and not self._failure.done():
            self._failure.set_exception(error)

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(_STAND_S)
            try:
                await self._facts.write_stand(self._node)
            except Exception:
                log.warning("switch.events.stand", node=self._node, exc_info=True)


def _kept(event: SwitchEvent) -> dict[str, Any]:
    """What is stored of a fact. Keys pressed may be secrets: kept on the engagement while it lasts, nowhere else."""
    return {} if event.kind is SwitchEventKind.LEG_DIGIT else dict(event.data)


def _uuid(id: str | None) -> UUID | None:
    try:
        return UUID(id) if id else None
    except ValueError:
        return None


def _id_or_none(id: str | None) -> str | None:
    return str(found) if (found := _uuid(id)) else None
