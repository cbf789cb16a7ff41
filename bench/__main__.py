"""`make bench`: measure, print every figure with its goal and the machine, exit 1 if a goal was missed.

    python -m bench [names] [--rounds 5] [--json build/bench.json]

Absolute times of a busy machine say little: read ratios, and what was measured in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import signal
import sys
import time
from pathlib import Path

from bench.figures import Figure, machine

BENCHES = {
    "sizes": "what the browser loads",
    "offers": "from a fact of the switch to the offer at the agent's socket",
    "sockets": "a personal event among 1,000 sockets",
    "api": "the public API and the portal's lists, 10,000 users",
    "match": "whose number is this",
    "outbox": "call logs into the CRM",
    "org": "the embedded org: reading, querying, writing many, starting",
    "events": "from a change in the embedded org to its subscriber",
    "bulk": "a million contacts into the embedded org and out of it",
    "million": "the embedded org with a million contacts in it",
    "console": "the console in Chromium, on an org with 100,000 contacts",
    "demo": "the demo: start, memory, and the agent's pages in Chromium",
    "audio": "voices: latency, twelve calls, commands to first sound",
}

ON_REQUEST = {"bulk", "million"}
"""These run only where they are named: they take many minutes."""


def main() -> None:
    """Run the benches that were named, or all that run by themselves."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure Tieline on this machine.")
    parser.add_argument(
        "names",
        nargs="*",
        help=f"of {', '.join(BENCHES)}; all but {', '.join(ON_REQUEST)} when none is named",
    )
    parser.add_argument("--rounds", type=int, default=5, help="alternating rounds (5)")
    parser.add_argument("--json", type=Path, default=Path("build/bench.json"), help="where figures are kept")
    given = parser.parse_args()
    if unknown := set(given.names) - set(BENCHES):
        parser.error(f"no bench named {', '.join(sorted(unknown))}")
    # Asked to end, it ends what it started, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: os.kill(os.getpid(), signal.SIGINT))
    told = machine()
    print("\n".join(f"{name:<12} {value}" for name, value in told.items()))
    began = time.monotonic()
    figures: dict[str, list[Figure]] = {}
    failed: list[str] = []
    for name in given.names or [name for name in BENCHES if name not in ON_REQUEST]:
        print(f"\n{name}: {BENCHES[name]}", flush=True)
        try:
            figures[name] = asyncio.run(importlib.import_module(f"bench.{name}").run(given.rounds))
        except Exception as error:
            failed.append(name)
            print(f"  could not be measured: {type(error).__name__}: {error}")
            continue
        print("\n".join(figure.line() for figure in figures[name]), flush=True)
    missed = [f.name for found in figures.values() for f in found if f.met is False]
    took = time.monotonic() - began
    print(f"\n{took:.0f} s. " + ("Every goal is met." if not missed and not failed else ""))
    if missed:
        print(f"Missed: {'; '.join(missed)}")
    given.json.parent.mkdir(parents=True, exist_ok=True)
    kept = {name: [f.to_json() for f in found] for name, found in figures.items()}
    given.json.write_text(
        json.dumps({"machine": told, "seconds": round(took), "figures": kept}, indent=1) + "\n"
    )
    sys.exit(1 if missed or failed else 0)


if __name__ == "__main__":
    main()
