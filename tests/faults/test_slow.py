"""A callbar that does not read is cut off; it slows nobody and costs little memory."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from pathlib import Path

import pytest
from tests.faults.installation import ORIGIN, Installation, until
from websockets.asyncio.client import connect

from tieline.callbar.socket import COMMANDS_PER_S
from tieline.ids import new_id

pytestmark = pytest.mark.timeout(300)

GROWTH_MAX = 20 * 2**20


def resident(pid: int) -> int:
    """Bytes of memory a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


async def deaf(at: Installation, index: int) -> socket.socket:
    """A callbar that asks and asks and reads nothing; gives its bare socket."""
    bare = socket.socket()
    # Small, so that it is soon full; not tiny, or the kernel has no room for what acknowledges our own questions.
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    bare.connect(("127.0.0.1", at.ports["a"]))
    client = await connect(
        f"ws://127.0.0.1:{at.ports['a']}/callbar/socket",
        sock=bare,
        subprotocols=["tieline.callbar.v1"],  # type: ignore[list-item]
        origin=ORIGIN,  # type: ignore[arg-type]
        ping_interval=None,
        max_queue=1,
    )
    await client.send(json.dumps({"type": "hello", "token": at.tokens[index], "seat": str(new_id())}))
    await client.recv()
    client.transport.pause_reading()

    async def ask() -> None:
        while True:
            await client.send('{"type":"ping"}')
            await client.send('{"type":"snapshot.request"}')
            await asyncio.sleep(0.002)

    at.keep(asyncio.create_task(ask()))
    return bare


@pytest.mark.soak
async def test_callbar_that_does_not_read_slows_no_other(both: Installation) -> None:
    agent = await both.agent(0, "a")
    await agent.until(lambda s: s["agent"]["presence"]["state"] == "ready")
    before = resident(both.processes["a"].pid)
    quiet = await round_trips(agent, 20)
    for index in (1, 2, 3):
        await deaf(both, index)
    noisy = await round_trips(agent, 40)
    assert sorted(noisy)[-3] < max(0.5, 10 * sorted(quiet)[-3]), (quiet, noisy)
    await until(lambda: cut_off(both, 3), within_s=60, why="for the deaf to be cut off")
    assert resident(both.processes["a"].pid) - before < GROWTH_MAX
    caller = await both.caller("b")
    assert (await agent.card("offered"))["id"] == caller.call_id


async def cut_off(at: Installation, number: int) -> bool:
    return (at.folder / "a.log").read_text().count("callbar.slow") >= number


async def round_trips(agent: object, number: int) -> list[float]:
    """How long a change of status takes to come back as an event."""
    found: list[float] = []
    for turn in range(number):
        status, reason = ("ready", None) if turn % 2 else ("not_ready", "break")
        began = time.monotonic()
        await agent.send("status.set", status=status, reason=reason)  # type: ignore[attr-defined]
        await agent.until(lambda s, status=status: s["agent"]["presence"]["state"] == status)  # type: ignore[attr-defined]
        found.append(time.monotonic() - began)
        await asyncio.sleep(1 / COMMANDS_PER_S)  # what is faster is refused
    return found
