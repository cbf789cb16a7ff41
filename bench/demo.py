"""The demo as `make run` starts it: how soon it answers, what it needs, and how fast an agent's pages are.

Pages are timed inside Chromium, by the clock of the machine that also stamps the rows: from the moment at which
the caller's audio was taken for connected (`engagement.queued_at`) to the frame after the contact's name was in
the document.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from bench.figures import Figure, percentile
from playwright.async_api import Frame, Page
from tests.journeys.computer import Computer
from tests.journeys.conftest import QUEUE_US, Demo, Street
from tests.journeys.desk import EMMA, Desk

from tieline.children import dies_with_parent

BASE_PORT = 19110

OLIVIA = "(415) 555-0123"
"""A number of the demo that is one contact's, and nobody else's in any form."""
_START_S = 120.0

_WATCH = """
() => {
  const seen = (window.__seen = {});
  const look = () => {
    if (!seen.shown && document.querySelector('.cb-status__state')) seen.shown = performance.now();
    if (!seen.card && document.querySelector('.cb-card')) seen.card = performance.now();
    const sounds = (audio) => audio.srcObject && !audio.paused && audio.readyState >= 2;
    if (!seen.sound && [...document.querySelectorAll('audio')].some(sounds)) seen.sound = performance.now();
  };
  setInterval(look, 8);
}
"""
_PAINTED = """
(url) => {
  window.__painted = new Promise((resolve) => {
    const look = () => {
      if (!location.pathname.startsWith(url) || !document.querySelector('h1')?.textContent.trim()) return;
      observer.disconnect();
      // The callback after the next frame: by then this document has been painted.
      requestAnimationFrame(() => setTimeout(() => resolve(performance.timeOrigin + performance.now())));
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, characterData: true });
  });
}
"""


@asynccontextmanager
async def a_demo(folder: Path) -> AsyncIterator[tuple[Demo, float]]:
    """The running demo, and the seconds it took until it answered."""
    log = folder / "demo.out"
    environment = {
        **os.environ,
        "TIELINE_PORT_BASE": str(BASE_PORT),
        "TIELINE_DATA_DIR": str(folder / "data"),
        "TIELINE_MEDIA_ADDRESS": "127.0.0.1",
        "TIELINE_MEDIA_PORTS": "25000-25499",
    }
    began = time.monotonic()
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tieline",
            "demo",
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            preexec_fn=dies_with_parent(signal.SIGINT),
        )
    try:
        async with asyncio.timeout(_START_S):
            while "Ctrl-C" not in (told := log.read_text()):  # the last line
                if process.returncode is not None:
                    raise RuntimeError(told[-500:])
                await asyncio.sleep(0.02)
        yield Demo(BASE_PORT, folder / "data", process.pid), time.monotonic() - began
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(40):
            await process.wait()


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def memory(pid: int, what: str) -> float:
    """`Pss` or `Rss` of a process, MB."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(f"{what}:"):
                return int(line.split()[1]) * 1024 / 1e6
    return 0.0


async def run(rounds: int) -> list[Figure]:
    """Start twice; measure the second."""
    with tempfile.TemporaryDirectory(prefix="tieline-bench-") as made:
        folder = Path(made)
        async with a_demo(folder) as (_, first_s):
            pass
        starts: list[float] = []
        for _ in range(2):
            async with a_demo(folder) as (_, seconds):
                starts.append(seconds)
        async with a_demo(folder) as (demo, seconds):
            starts.append(seconds)
            await asyncio.sleep(3)
            idle = memory(demo.child("web"), "Rss")
            pages = await _pages(demo, folder, calls=max(6, rounds + 3))
            await asyncio.sleep(2)
            whole = sum(memory(pid, "Pss") for pid in tree(demo.pid))
            by_name = {name: memory(demo.child(name), "Pss") for name in ("web", "worker", "media", "crm")}
            web = memory(demo.child("web"), "Rss")
    told = ", ".join(f"{name} {value:.0f}" for name, value in by_name.items())
    return [
        Figure("demo answers, first start with set-up", first_s, "s", most=60),
        Figure("demo answers, later starts", statistics.median(starts), "s", most=5),
        Figure("whole demo, PSS, after calls", whole, "MB", most=900, note=told),
        Figure("web process, RSS, idle", idle, "MB", most=120),
        Figure("web process, RSS, after calls", web, "MB"),
        *pages,
    ]


async def _pages(demo: Demo, folder: Path, *, calls: int) -> list[Figure]:
    async with AsyncExitStack() as stack:
        (folder / "agent").mkdir()
        (folder / "street").mkdir()
        agent = await stack.enter_async_context(
            Computer(folder / "agent", microphone_for=demo.console, hz=1000)
        )
        streets = await stack.enter_async_context(
            Computer(folder / "street", microphone_for=demo.contact_center, hz=440)
        )
        await agent.context.add_init_script(f"({_WATCH})()")
        desk, street = Desk(demo, agent, EMMA), Street(demo, streets)
        await desk.sit_down()
        loads = [await _load(desk) for _ in range(calls + 1)][1:]
        await desk.become("ready")
        painted = [await _pop(desk, street) for _ in range(calls + 1)][1:]
        resumed = await _reloads(desk, street, calls)
    return [
        Figure("callbar, load to ready, p95", percentile(loads, 95), "ms", most=1000, note=_spread(loads)),
        Figure(
            "event to painted contact page, p95",
            percentile(painted, 95),
            "ms",
            most=250,
            note=_spread(painted),
        ),
        Figure(
            "reload in a call, callbar ready to resumed with sound, p95",
            percentile(resumed, 95),
            "ms",
            most=1500,
            note=_spread(resumed),
        ),
    ]


def _spread(values: list[float]) -> str:
    return f"median {statistics.median(values):.0f}, {len(values)} times"


async def _seen(callbar: Frame, what: str) -> float:
    """When the watcher in the page first saw it. Asked for again and again: the page allows no function made of text."""
    async with asyncio.timeout(30):
        while not (at := await callbar.evaluate(f"window.__seen?.{what} ?? 0")):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return at


async def _load(desk: Desk) -> float:
    """Reload the console; milliseconds from the callbar's own start to its showing what the agent is doing."""
    await desk.go()
    return await _seen(desk.callbar, "shown")


async def _pop(desk: Desk, street: Street) -> float:
    """One call; milliseconds from the event to the contact's page."""
    await desk.go()
    await desk.sees("ready")
    await desk.page.evaluate(_PAINTED, "/lightning/r/Contact/")
    phone = await street.call(OLIVIA)
    async with asyncio.timeout(30):
        painted: float = await desk.page.evaluate("window.__painted")
    async with desk.demo.database() as database:
        queued = await database.fetchval("SELECT max(queued_at) FROM engagement")
    await _leave(phone)
    await desk.sees("ready")
    return painted - queued.timestamp() * 1000


async def _leave(phone: Page) -> None:
    # A page that is closed only is a lost caller, whom the switch waits for.
    await phone.get_by_role("button", name="Hang up").click()
    await phone.close()


async def _reloads(desk: Desk, street: Street, times: int) -> list[float]:
    """Reload the console in mid-call; milliseconds from the callbar's start to card and sound."""
    await desk.go()
    phone = await street.call(OLIVIA, to=QUEUE_US)
    await desk.answer()
    took: list[float] = []
    for _ in range(times):
        await desk.go()
        await desk.card("talking").wait_for()
        took.append(max(await _seen(desk.callbar, "card"), await _seen(desk.callbar, "sound")))
    await _leave(phone)
    return took
