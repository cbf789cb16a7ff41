"""The beat of the mixer: every 20 ms by a monotonic clock, caught up when late, its lateness measured."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

TICK_S = 0.020
_REMEMBERED = 500  # ten seconds
_JUDGED_FROM = 250  # five seconds
_CAUGHT_UP_MAX = 10
"""Ticks run in one go after a stall; a longer stall is left as a gap, for nobody wants old sound."""
_ROUNDS_TO_HAND_ON = 4
"""Rounds of the loop from a packet's arrival in the process to its leg: ICE, DTLS, RTP hand it on by tasks."""


class Lateness:
    """How late the last ten seconds' ticks were."""

    def __init__(self) -> None:
        self._late_s: deque[float] = deque(maxlen=_REMEMBERED)

    def note(self, late_s: float) -> None:
        """A tick began `late_s` seconds after its time."""
        self._late_s.append(late_s)

    def p95_ms(self) -> float:
        """The 95th percentile in milliseconds; 0 in the first seconds, when one late tick would say too much."""
        if len(self._late_s) < _JUDGED_FROM:
            return 0.0
        ordered = sorted(self._late_s)
        return 1000.0 * ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]

    def late_share(self) -> float:
        """The share of ticks that began more than a tick late, 0 to 1; each of several caught up at once counts."""
        if not self._late_s:
            return 0.0
        return sum(late_s > TICK_S for late_s in self._late_s) / len(self._late_s)


async def beat(tick: Callable[[int], None], lateness: Lateness) -> None:
    """Call `tick` with the number of the tick, every `TICK_S`, until cancelled. Numbers skip what was skipped."""
    loop = asyncio.get_running_loop()
    origin = loop.time()
    number = 0
    while True:
        due = origin + number * TICK_S
        wait = due - loop.time()
        if wait > 0:
            await asyncio.sleep(wait)
        late = max(0.0, loop.time() - due)
        behind = int(late / TICK_S)
        if behind:
            # The packets of that time wait in the sockets, and the loop reads one of each in a round: without
            # them the ticks that are caught up would conceal what has not been lost.
            for _ in range(min(behind, _CAUGHT_UP_MAX) + _ROUNDS_TO_HAND_ON):
                await asyncio.sleep(0)
        for missed in range(behind + 1):
            lateness.note(late - missed * TICK_S)
        if behind > _CAUGHT_UP_MAX:
            number += behind - _CAUGHT_UP_MAX
            behind = _CAUGHT_UP_MAX
        for _ in range(behind + 1):
            tick(number)
            number += 1
        if wait <= 0:
            # Always let packets and commands in between two rounds, however late the mixer is.
            await asyncio.sleep(0)
