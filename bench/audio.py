"""Voices: how late they are, how many calls one core mixes, how soon a command is heard. Measured by the media
benches beside this file, each of which also runs by itself."""

from __future__ import annotations

import os
import shutil
import statistics

from bench import audio_latency, media_calls, media_commands
from bench.figures import Figure

CALLS_S = 20.0


async def run(rounds: int) -> list[Figure]:
    """One after the other; the browser only for the latency."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or "chromium"
    latencies = await audio_latency.measure(chromium, bursts=4 * rounds)
    direct, switched = (statistics.median(latencies[path]) for path in ("direct", "switch"))
    calls = await media_calls.main(seconds=CALLS_S)
    commands = await media_commands.main()
    told = f"floor on the same core {calls['late_share_floor']:.2%}, media {calls['media_cpu']:.0%} of a core"
    return [
        Figure(
            "one-way voice, added to a direct browser-to-browser call",
            switched - direct,
            "ms",
            most=audio_latency.GOAL_MS,
            note=f"direct {direct:.0f}, through the switch {switched:.0f}",
        ),
        Figure(
            f"{calls['calls']} Opus calls: ticks over 20 ms late",
            100 * calls["late_share"],
            "%",
            most=100 * media_calls.GOAL_LATE_SHARE,
            note=told,
        ),
        *(
            Figure(
                f"{name} at the switch, command to sound, p95",
                commands[f"{name}_p95_ms"],
                "ms",
                most=media_commands.GOAL_MS,
            )
            for name in ("answer", "hold", "resume", "mute")
        ),
    ]
