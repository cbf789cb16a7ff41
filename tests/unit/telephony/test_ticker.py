"""The beat of the mixer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from itertools import pairwise

from tieline.telephony.embedded.ticker import TICK_S, Lateness, beat

LATE_MAX = 5
"""Ticks that a busy machine may be behind when the last one begins."""


async def beaten(
    seconds: float, *, stall_at: int | None = None, stall_s: float = 0.0
) -> tuple[list[int], float]:
    """The numbers of the ticks of `seconds`, and how many should have begun when the last one did."""
    ticks: list[int] = []
    due = 0.0

    def tick(number: int) -> None:
        nonlocal due
        due = (time.monotonic() - began) / TICK_S
        ticks.append(number)
        if number == stall_at:
            time.sleep(stall_s)

    began = time.monotonic()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await beat(tick, Lateness())
    return ticks, due


async def test_ticks_keep_their_number_over_time() -> None:
    ticks, due = await beaten(0.5)
    assert ticks == list(range(len(ticks)))
    assert 0 <= due - ticks[-1] <= LATE_MAX


async def test_a_short_stall_is_caught_up() -> None:
    ticks, due = await beaten(0.5, stall_at=5, stall_s=0.1)
    assert ticks == list(range(len(ticks)))
    assert 0 <= due - ticks[-1] <= LATE_MAX


async def test_a_long_stall_is_left_as_a_gap_in_the_numbers() -> None:
    ticks, due = await beaten(1.0, stall_at=5, stall_s=0.6)
    steps = [later - earlier for earlier, later in pairwise(ticks)]
    assert max(steps) > 10
    assert min(steps) == 1
    assert 0 <= due - ticks[-1] <= LATE_MAX


def test_lateness_is_the_95th_percentile_of_ten_seconds() -> None:
    lateness = Lateness()
    for _ in range(1_000):
        lateness.note(0.5)
    for number in range(500):
        lateness.note(0.001 * (number % 100))
    assert 94 <= lateness.p95_ms() <= 96


def test_each_tick_that_was_more_than_a_tick_late_counts() -> None:
    lateness = Lateness()
    assert lateness.late_share() == 0.0
    for late_s in (0.0, 0.019, 0.021, 0.5):
        lateness.note(late_s)
    assert lateness.late_share() == 0.5


async def test_the_loop_hands_on_what_waits_before_ticks_are_caught_up() -> None:
    handed_on: list[int] = []
    seen_by_tick: list[int] = []

    async def hand_on() -> None:
        while True:
            await asyncio.sleep(0)
            handed_on.append(1)

    def tick(number: int) -> None:
        seen_by_tick.append(len(handed_on))
        handed_on.clear()
        if number == 3:
            time.sleep(0.11)

    handing = asyncio.create_task(hand_on())
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3):
            await beat(tick, Lateness())
    handing.cancel()
    # Those caught up in one go see nothing; the first of the round after the stall sees what was handed on.
    assert next(seen for seen in seen_by_tick[4:] if seen) >= 5


def test_the_first_seconds_are_not_judged() -> None:
    lateness = Lateness()
    for _ in range(100):
        lateness.note(0.5)
    assert lateness.p95_ms() == 0.0
