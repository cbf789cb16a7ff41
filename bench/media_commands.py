"""How long a command takes to be heard: from asking the switch to the first RTP packet that shows it.

An agent and a caller speak tones; other calls are mixed meanwhile. Each command is sent as web sends it, and the
packet is looked for where it shows: `answer` (the agent's waiting leg is moved into the call) and `resume` when
the agent's packets become loud, `hold` when they become silent, `mute` when the caller's become silent. The time
contains the way over HTTP, the wait for the next tick, encoding and the way to the party on this machine.
Goal: the 95th percentile of each is at most 60 ms.

    python -m bench.media_commands [--rounds 40] [--calls 4]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Awaitable
from typing import Any

import numpy as np
from bench.media_peers import (
    Caller,
    MediaProcess,
    a_media_process,
    callers_here,
    new_id,
    spoken_packets,
    tone_packets,
)

from tieline.telephony.embedded.opus import Decoder
from tieline.telephony.switch import LegRole

ROUNDS = 40
CALLS = 4
GOAL_MS = 60.0
_LOUD, _SILENT = 1_500.0, 560.0
"""Of a tone of 5,600: silent is 20 dB below it, for Opus lets a sound die away over some frames."""
_WAIT_S = 3.0


class Ear:
    """Listens to a caller's packets and tells when they became loud or silent."""

    def __init__(self, caller: Caller) -> None:
        self._decoder = Decoder()
        self._wanted: tuple[bool, asyncio.Future[float]] | None = None
        caller.on_packet = self._hear

    def becomes(self, loud: bool) -> asyncio.Future[float]:
        """When the first packet came that is loud, or silent, from now on (monotonic)."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._wanted = (loud, future)
        return future

    def _hear(self, payload: bytes) -> None:
        at = time.monotonic()
        # The first frame after a cut is bent for 5 ms, so that it does not click: its end counts.
        end = self._decoder.decode(payload)[-480:]
        level = float(np.sqrt(np.mean(end**2)))
        if self._wanted is not None and not self._wanted[1].done():
            loud, future = self._wanted
            if (level > _LOUD) if loud else (level < _SILENT):
                future.set_result(at)


async def _took_ms(ear: Ear, loud: bool, command: Awaitable[None]) -> float:
    """Milliseconds from sending a command to the packet that shows it."""
    heard = ear.becomes(loud)
    asked_at = time.monotonic()
    asking = asyncio.ensure_future(command)
    async with asyncio.timeout(_WAIT_S):
        heard_at = await heard
        await asking
    return (heard_at - asked_at) * 1_000


async def _others(media: MediaProcess, calls: int) -> list[Caller]:
    callers: list[Caller] = []
    for _ in range(calls):
        call_id = new_id()
        await media.switch.create_call(call_id, command_id=new_id())
        for role in (LegRole.CALLER, LegRole.AGENT):
            callers.append(Caller(spoken_packets(), len(callers) * 17))
            await callers[-1].join(media.switch, call_id, role)
    return callers


async def main(rounds: int = ROUNDS, calls: int = CALLS) -> dict[str, Any]:
    """Measure; gives the median and the 95th percentile of each command in milliseconds."""
    took: dict[str, list[float]] = {"answer": [], "hold": [], "resume": [], "mute": []}
    async with callers_here(), a_media_process() as media:
        switch = media.switch
        others = await _others(media, calls)
        call_id = new_id()
        await switch.create_call(call_id, command_id=new_id())
        caller, agent = Caller(tone_packets(700)), Caller(tone_packets(900))
        await caller.join(switch, call_id, LegRole.CALLER)
        await agent.join(switch, None, LegRole.AGENT)
        at_caller, at_agent = Ear(caller), Ear(agent)
        leg = agent.leg_id
        for _ in range(rounds):
            for name, ear, loud, command in (
                ("answer", at_agent, True, lambda: switch.move_leg(leg, call_id, command_id=new_id())),
                (
                    "hold",
                    at_agent,
                    False,
                    lambda: switch.set_held(caller.leg_id, True, music="music/calm", command_id=new_id()),
                ),
                (
                    "resume",
                    at_agent,
                    True,
                    lambda: switch.set_held(caller.leg_id, False, music=None, command_id=new_id()),
                ),
                ("mute", at_caller, False, lambda: switch.set_muted(leg, True, command_id=new_id())),
            ):
                # Any moment between two ticks, and long enough for what was before to have been heard.
                await asyncio.sleep(0.3 + random.random() * 0.02)
                took[name].append(await _took_ms(ear, loud, command()))
            await asyncio.sleep(0.1)
            await _took_ms(at_caller, True, switch.set_muted(leg, False, command_id=new_id()))
            await _took_ms(at_agent, False, switch.move_leg(leg, None, command_id=new_id()))
        health = await switch.health()
        await asyncio.gather(*(party.leave() for party in (*others, caller, agent)))
    figures: dict[str, Any] = {"rounds": rounds, "other_calls": calls, "tick_lag_p95_ms": health.tick_lag_ms}
    for name, values in took.items():
        figures[f"{name}_p50_ms"] = round(statistics.median(values), 1)
        figures[f"{name}_p95_ms"] = round(sorted(values)[max(0, -(-len(values) * 95 // 100) - 1)], 1)
    figures["goal_p95_ms"] = GOAL_MS
    figures["met"] = all(figures[f"{name}_p95_ms"] <= GOAL_MS for name in took)
    return figures


def _command() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--calls", type=int, default=CALLS)
    given = parser.parse_args()
    figures = asyncio.run(main(given.rounds, given.calls))
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name, figure in figures.items():
        print(f"{name:>26}: {figure}")
    sys.exit(0 if figures["met"] else 1)


if __name__ == "__main__":
    _command()
