"""Facts of the switch are taken in its order, each once; those that change nothing are stored with the next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select
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
        self.db = center.web.db
        self.node = node
        self.journal = Journal(node, epoch=7)
        self.facts = Facts(self.db, center.web.engagements)

    def tells(self, kind: SwitchEventKind) -> SwitchEvent:
        return self.journal.append(kind, leg_id=str(new_id()))

    async def stored(self) -> tuple[int, int]:
        """Up to which sequence the row says facts are taken, and how many are stored."""
        async with self.db.system() as tx:
            consumed = await tx.scalar(select(media_node.c.consumed).where(media_node.c.id == self.node))
            rows = await tx.all(select(switch_event.c.sequence).where(switch_event.c.node == self.node))
        return consumed, len(rows)


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


async def test_a_fact_that_changes_nothing_is_stored_with_the_next_that_does(log: Log) -> None:
    await log.facts.take(log.tells(SwitchEventKind.LEG_CONNECTED))
    finished = log.tells(SwitchEventKind.PLAY_FINISHED)
    assert await log.facts.take(finished)
    assert not await log.facts.take(finished)
    assert await log.stored() == (1, 1)
    assert await log.facts.take(log.tells(SwitchEventKind.LEG_GONE))
    assert await log.stored() == (3, 3)


async def test_a_fact_that_waited_in_a_process_that_died_is_taken_by_the_next(
    log: Log, database: Database
) -> None:
    await log.facts.take(log.tells(SwitchEventKind.LEG_CONNECTED))
    finished, gone = log.tells(SwitchEventKind.PLAY_FINISHED), log.tells(SwitchEventKind.LEG_GONE)
    await log.facts.take(finished)
    heir = Facts(log.db, log.facts._engagements)  # pyright: ignore[reportPrivateUsage]
    with pytest.raises(FactsMissing):
        await heir.take(gone)
    assert await heir.take(finished)
    assert await heir.take(gone)
    # The one thought dead finds its facts taken.
    assert not await log.facts.take(gone)
    assert await log.stored() == (3, 3)


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
