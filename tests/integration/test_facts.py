"""Facts of the switch are taken once, those of a call in the order of the log, those of several side by side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select
from tests.integration.center import Center

from tieline.db.database import Database
from tieline.engagements.facts import Facts, FactsMissing
from tieline.engagements.tables import media_node, switch_event
from tieline.ids import new_id
from tieline.telephony.journal import Journal
from tieline.telephony.switch import SwitchEvent, SwitchEventKind


class Log:
    """A node's log, and a taker of its facts."""

    def __init__(self, center: Center, node: str) -> None:
        self.center = center
        self.db = center.web.db
        self.node = node
        self.journal = Journal(node, epoch=7)
        self.facts = Facts(self.db, center.web.engagements)

    def tells(self, kind: SwitchEventKind) -> SwitchEvent:
        return self.journal.append(kind, leg_id=str(new_id()))

    async def stored(self) -> tuple[int, int]:
        """Up to which sequence the row says facts are taken, once written down, and how many are stored."""
        await self.facts.write_stand(self.node)
        async with self.db.system() as tx:
            consumed = await tx.scalar(select(media_node.c.consumed).where(media_node.c.id == self.node))
            rows = await tx.all(select(switch_event.c.sequence).where(switch_event.c.node == self.node))
        return consumed, len(rows)

    def heir(self) -> Facts:
        """Another process that takes the same facts, from where the row says."""
        return Facts(self.db, self.center.web.engagements)


@pytest.fixture
async def log(database: Database, tmp_path: Path) -> AsyncIterator[Log]:
    async with Center(database, tmp_path) as center:
        made = Log(center, f"told-{new_id()}")
        async with made.db.system() as tx:
            # A heartbeat of long ago: no consumer takes the node for living.
            await tx.execute(
                insert(media_node).values(
                    id=made.node, address="none", epoch=7, heartbeat_at=tx.now.replace(year=2020)
                )
            )
        yield made


async def test_facts_are_stored_in_order_and_once(log: Log) -> None:
    first, second = log.tells(SwitchEventKind.LEG_CONNECTED), log.tells(SwitchEventKind.LEG_GONE)
    with pytest.raises(FactsMissing):
        await log.facts.take(second)
    assert await log.facts.take(first)
    assert not await log.facts.take(first)
    assert await log.facts.take(second)
    assert await log.stored() == (2, 2)


async def test_a_fact_that_changes_nothing_is_stored_when_the_stand_is_written(log: Log) -> None:
    await log.facts.take(log.tells(SwitchEventKind.LEG_CONNECTED))
    finished = log.tells(SwitchEventKind.PLAY_FINISHED)
    assert await log.facts.take(finished)
    assert not await log.facts.take(finished)
    assert await log.stored() == (2, 2)
    assert await log.facts.take(log.tells(SwitchEventKind.LEG_GONE))
    assert await log.stored() == (3, 3)


async def test_facts_taken_by_a_process_that_died_are_read_again_and_taken_once(log: Log) -> None:
    up = log.tells(SwitchEventKind.LEG_CONNECTED)
    finished, gone = log.tells(SwitchEventKind.PLAY_FINISHED), log.tells(SwitchEventKind.LEG_GONE)
    assert await log.facts.take(up)
    assert await log.facts.take(finished)
    heir = log.heir()
    # The row says that nothing was taken, yet: everything is read again, and what was applied is found stored.
    assert await heir.stand(log.node) == (None, 0)
    assert not await heir.take(up)
    assert await heir.take(finished)
    assert await heir.take(gone)
    await heir.write_stand(log.node)
    # The one thought dead finds its facts taken, and does not set the row back.
    assert not await log.facts.take(gone)
    assert await log.stored() == (3, 3)


async def test_a_fact_of_long_ago_is_not_taken_though_it_is_forgotten(log: Log) -> None:
    up = log.tells(SwitchEventKind.LEG_CONNECTED)
    await log.facts.take(up)
    await log.facts.write_stand(log.node)
    async with log.db.system() as tx:
        await tx.execute(delete(switch_event).where(switch_event.c.node == log.node))
    assert not await log.heir().take(up)
    assert await log.stored() == (1, 0)


async def test_facts_of_different_calls_are_taken_side_by_side_those_of_one_call_in_their_order(
    log: Log,
) -> None:
    first, second = str(new_id()), str(new_id())
    facts = [
        log.journal.append(SwitchEventKind.LEG_CONNECTED, call_id=call, leg_id=str(new_id()))
        for call in (first, first, second)
    ]
    await log.facts.stand(log.node)
    async with log.db.system() as tx:
        # Somebody else takes the first at this moment: whoever comes later waits for that commit.
        await tx.execute(
            insert(switch_event).values(node=log.node, epoch=7, sequence=1, kind=facts[0].kind, data={})
        )
        taking = [asyncio.create_task(log.facts.take(fact)) for fact in facts]
        assert await taking[2]
        assert not taking[0].done() and not taking[1].done()
    assert [await task for task in taking] == [False, True, True]
    assert await log.stored() == (3, 3)


async def test_what_follows_a_fact_that_could_not_be_taken_is_not_taken_before_it(log: Log) -> None:
    call = str(new_id())
    facts = [
        log.journal.append(SwitchEventKind.LEG_CONNECTED, call_id=call, leg_id=str(new_id()))
        for _ in range(2)
    ]
    await log.facts.stand(log.node)
    async with log.db.system() as tx:
        await tx.execute(
            insert(switch_event).values(node=log.node, epoch=7, sequence=1, kind=facts[0].kind, data={})
        )
        taking = [asyncio.create_task(log.facts.take(fact)) for fact in facts]
        await asyncio.wait(taking, timeout=0.2)
        taking[0].cancel()
        results = await asyncio.gather(*taking, return_exceptions=True)
    assert isinstance(results[0], asyncio.CancelledError) and isinstance(results[1], FactsMissing)
    # Read again from where the row stands.
    assert [await log.facts.take(fact) for fact in facts] == [False, True]
    assert await log.stored() == (2, 2)


async def test_an_early_fact_is_missed_even_if_it_changes_nothing(log: Log) -> None:
    await log.facts.take(log.tells(SwitchEventKind.LEG_CONNECTED))
    log.tells(SwitchEventKind.LEG_MOVED)
    with pytest.raises(FactsMissing):
        await log.facts.take(log.tells(SwitchEventKind.PLAY_FINISHED))


async def test_a_new_life_of_the_switch_begins_at_one(log: Log) -> None:
    await log.facts.take(log.tells(SwitchEventKind.LEG_CONNECTED))
    log.journal = Journal(log.node, epoch=8)
    assert await log.facts.take(log.tells(SwitchEventKind.LEG_CONNECTED))
    assert await log.stored() == (1, 2)
