"""The journal: gap-free, resumable, bounded."""

from __future__ import annotations

import asyncio

import pytest

from tieline.telephony.journal import Journal
from tieline.telephony.switch import SwitchError, SwitchEvent
from tieline.telephony.switch import SwitchEventKind as Kind


def a_journal(count: int, *, epoch: int = 5, remembered: int = 1_000) -> Journal:
    journal = Journal("test", epoch=epoch, remembered=remembered)
    for _ in range(count):
        journal.append(Kind.LEG_CONNECTED)
    return journal


async def take(journal: Journal, count: int, *, epoch: int | None, after: int) -> list[SwitchEvent]:
    found: list[SwitchEvent] = []
    async with asyncio.timeout(2):
        async for event in journal.read(epoch=epoch, after=after):
            found.append(event)
            if len(found) == count:
                break
    return found


async def test_a_reader_goes_on_after_its_sequence() -> None:
    assert [event.sequence for event in await take(a_journal(9), 3, epoch=5, after=6)] == [7, 8, 9]


async def test_a_reader_of_another_epoch_or_of_none_begins_at_the_first_event() -> None:
    for epoch in (4, None):
        assert [event.sequence for event in await take(a_journal(3), 3, epoch=epoch, after=99)] == [1, 2, 3]


async def test_a_waiting_reader_is_given_new_events() -> None:
    journal = a_journal(1)
    reading = asyncio.create_task(take(journal, 2, epoch=5, after=1))
    await asyncio.sleep(0)
    journal.append(Kind.LEG_MOVED)
    journal.append(Kind.LEG_HELD)
    assert [event.kind for event in await reading] == [Kind.LEG_MOVED, Kind.LEG_HELD]


async def test_two_readers_see_the_same() -> None:
    journal = a_journal(0)
    readers = [asyncio.create_task(take(journal, 2, epoch=None, after=0)) for _ in range(2)]
    await asyncio.sleep(0)
    journal.append(Kind.LEG_MOVED)
    await asyncio.sleep(0)
    journal.append(Kind.LEG_HELD)
    first, second = await asyncio.gather(*readers)
    assert first == second


async def test_forgotten_events_are_admitted_to_be_lost() -> None:
    journal = a_journal(30, remembered=10)
    assert len(await take(journal, 10, epoch=5, after=20)) == 10
    for epoch, after in ((5, 19), (None, 0)):
        with pytest.raises(SwitchError) as refused:
            await take(journal, 1, epoch=epoch, after=after)
        assert (refused.value.code, refused.value.retryable) == ("events_lost", False)


async def test_a_sequence_that_was_never_reported_is_refused() -> None:
    for after in (4, -1):
        with pytest.raises(SwitchError) as refused:
            await take(a_journal(3), 1, epoch=5, after=after)
        assert refused.value.code == "sequence_unknown"


async def test_a_closed_journal_gives_what_it_has_and_then_breaks() -> None:
    journal = a_journal(2)
    journal.close()
    events = journal.read(epoch=5, after=0)
    assert [(await anext(events)).sequence for _ in range(2)] == [1, 2]
    with pytest.raises(SwitchError) as refused:
        await anext(events)
    assert refused.value.retryable


async def test_a_wait_ends_after_its_time() -> None:
    assert not await a_journal(2).grown(2, within_s=0.01)
    assert await a_journal(2).grown(1, within_s=0.01)
