"""Commands that come again are done once."""

from __future__ import annotations

import asyncio

import pytest

from tieline.telephony.once import CommandMemory
from tieline.telephony.switch import SwitchError


class Work:
    """Counts how often it was done."""

    def __init__(self, *, fails: int = 0) -> None:
        self.times = 0
        self.fails = fails
        self.may_go = asyncio.Event()
        self.may_go.set()

    async def __call__(self) -> str:
        await self.may_go.wait()
        self.times += 1
        if self.times <= self.fails:
            raise SwitchError("switch_busy", "later", retryable=True)
        return f"result {self.times}"


async def test_a_repetition_gets_the_first_result() -> None:
    memory, work = CommandMemory(), Work()
    assert [await memory.once("1", "a", work) for _ in range(3)] == ["result 1"] * 3
    assert work.times == 1


async def test_a_repetition_that_overtakes_the_first_waits_for_it() -> None:
    memory, work = CommandMemory(), Work()
    work.may_go.clear()
    asked = [asyncio.create_task(memory.once("1", "a", work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.may_go.set()
    assert await asyncio.gather(*asked) == ["result 1"] * 3


async def test_the_work_goes_on_when_the_asker_goes_away() -> None:
    memory, work = CommandMemory(), Work()
    work.may_go.clear()
    asked = asyncio.create_task(memory.once("1", "a", work))
    await asyncio.sleep(0)
    asked.cancel()
    work.may_go.set()
    assert await memory.once("1", "a", work) == "result 1"
    assert work.times == 1


async def test_a_failure_is_not_remembered() -> None:
    memory, work = CommandMemory(), Work(fails=1)
    with pytest.raises(SwitchError):
        await memory.once("1", "a", work)
    assert await memory.once("1", "a", work) == "result 2"


async def test_an_id_of_another_request_is_refused() -> None:
    memory = CommandMemory()
    await memory.once("1", "a", Work())
    with pytest.raises(SwitchError) as refused:
        await memory.once("1", "b", Work())
    assert refused.value.code == "command_reused"


async def test_results_are_kept_for_their_time_and_within_their_number() -> None:
    now = 0.0
    memory = CommandMemory(remembered_s=600, remembered_max=3, clock=lambda: now)
    work = Work()
    await memory.once("1", "a", work)
    now = 599.0
    assert await memory.once("1", "a", work) == "result 1"
    now = 601.0
    assert await memory.once("1", "a", work) == "result 2"
    for number in "2345":
        await memory.once(number, "a", work)
    assert await memory.once("1", "a", work) == "result 7"
