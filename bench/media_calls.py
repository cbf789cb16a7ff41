"""How many calls one core mixes in time: twelve two-party Opus calls in a media process on a core of its own.

The callers run on another core. Goal: at most 1 % of the mixer's ticks begin more than 20 ms late. A floor is
measured on the same core right after it: a bare loop that only burns as much processor in each tick as the media
process needed, without any of our code. What that is late, the machine and its other users are.

    python -m bench.media_calls [--calls 12] [--seconds 30]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import time
from typing import Any

from bench.media_peers import (
    Caller,
    MediaProcess,
    a_media_process,
    callers_here,
    new_id,
    spoken_packets,
)

from tieline.telephony.switch import LegRole

CALLS = 12
SECONDS = 30.0
GOAL_LATE_SHARE = 0.01
_WINDOW_S = 10.0
"""The switch tells the share of late ticks of the last ten seconds."""


async def _late_shares(media: MediaProcess, seconds: float) -> list[float]:
    shares: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end - _WINDOW_S / 2:
        await asyncio.sleep(_WINDOW_S)
        shares.append((await media.switch.health()).late_share)
    return shares


async def main(calls: int = CALLS, seconds: float = SECONDS) -> dict[str, Any]:
    """Measure; gives the figures (shares 0 to 1, milliseconds, processor shares of one core)."""
    cores = sorted(os.sched_getaffinity(0))
    media_core, caller_core = cores[0], cores[-1]
    async with callers_here(core=caller_core), a_media_process(core=media_core) as media:
        alone = await _late_shares(media, _WINDOW_S)
        callers: list[Caller] = []
        for _ in range(calls):
            call_id = new_id()
            await media.switch.create_call(call_id, command_id=new_id())
            for role in (LegRole.CALLER, LegRole.AGENT):
                caller = Caller(spoken_packets(), len(callers) * 17)
                callers.append(caller)
                await caller.join(media.switch, call_id, role)
        await asyncio.sleep(_WINDOW_S)
        before = [caller.received for caller in callers]
        began_at, cpu_before, own_before = time.monotonic(), media.cpu_s(), time.process_time()
        shares = await _late_shares(media, seconds)
        took_s = time.monotonic() - began_at
        cpu, own = (media.cpu_s() - cpu_before) / took_s, (time.process_time() - own_before) / took_s
        health = await media.switch.health()
        packets = [(caller.received - count) / took_s for caller, count in zip(callers, before, strict=True)]
        await asyncio.gather(*(caller.leave() for caller in callers))
    floor = await _floor(media_core, cpu)
    return {
        "calls": calls,
        "seconds": round(took_s, 1),
        "late_share": round(statistics.mean(shares), 4),
        "late_share_worst_10_s": max(shares),
        "late_share_without_calls": alone[-1],
        "late_share_floor": floor,
        "goal_late_share": GOAL_LATE_SHARE,
        "tick_lag_p95_ms": health.tick_lag_ms,
        "media_cpu": round(cpu, 3),
        "media_cpu_per_call": round(cpu / calls, 4),
        "callers_cpu": round(own, 3),
        "packets_a_second_least": round(min(packets), 1),
        "met": statistics.mean(shares) <= GOAL_LATE_SHARE,
    }


async def _floor(core: int, cpu: float) -> float:
    """The share of late ticks of a bare loop that uses `cpu` of the core."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BARE_LOOP, str(core), str(cpu), str(_WINDOW_S), stdout=asyncio.subprocess.PIPE
    )
    told, _ = await process.communicate()
    return round(float(told), 4)


_BARE_LOOP = """
import os, sys, time
core, cpu, seconds = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
os.sched_setaffinity(0, {core})
try:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
except OSError:
    pass
origin, late, ticks = time.monotonic(), 0, int(seconds / 0.02)
for number in range(ticks):
    due = origin + number * 0.02
    time.sleep(max(0.0, due - time.monotonic()))
    late += time.monotonic() - due > 0.02
    until = time.thread_time() + cpu * 0.02
    while time.thread_time() < until:
        pass
print(late / ticks)
"""


def _command() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    given = parser.parse_args()
    figures = asyncio.run(main(given.calls, given.seconds))
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for name, figure in figures.items():
        print(f"{name:>26}: {figure}")
    sys.exit(0 if figures["met"] else 1)


if __name__ == "__main__":
    _command()
