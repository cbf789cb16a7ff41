"""A callbar that does not read is cut off; it slows nobody and costs little memory."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import time
from pathlib import Path

import pytest
from tests.faults.installation import ORIGIN, Agent, Installation, until
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tieline.callbar.socket import COMMANDS_PER_S
from tieline.ids import new_id

pytestmark = pytest.mark.timeout(300)

GROWTH_MAX = 3 * 2**20
"""Bytes that the process may grow by for three callbars that do not read; the kernel's share is looked at apart."""
UNSENT_MAX = 2**20
"""Bytes that may wait in the kernel for one client."""


def resident(pid: int) -> int:
    """Bytes of memory a process holds."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def unsent(port: int) -> dict[int, int]:
    """Bytes that the kernel holds for the clients of a server, by the client's port; of closed connections nothing."""
    found: dict[int, int] = {}
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        if int(local.split(":")[1], 16) == port and state == "01":  # established
            found[int(remote.split(":")[1], 16)] = int(queues.split(":")[0], 16)
    return found


async def deaf(at: Installation, index: int) -> int:
    """A callbar that asks and asks and reads nothing; gives its port."""
    bare = socket.socket()
    # Small, so that it is soon full; not tiny, or the kernel has no room for what acknowledges our own questions.
    bare.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    bare.connect(("127.0.0.1", at.ports["a"]))
    port: int = bare.getsockname()[1]
    client = await connect(
        f"ws://127.0.0.1:{at.ports['a']}/callbar/socket",
        sock=bare,
        subprotocols=["tieline.callbar.v1"],  # type: ignore[list-item]
        origin=ORIGIN,  # type: ignore[arg-type]
        ping_interval=None,
        # The same snapshot again and again would be compressed to nothing, and nothing would pile up.
        compression=None,
        max_queue=1,
    )
    await client.send(json.dumps({"type": "hello", "token": at.tokens[index], "seat": str(new_id())}))
    await client.recv()
    client.transport.pause_reading()

    async def ask() -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await client.send('{"type":"snapshot.request"}')
                await asyncio.sleep(0.002)

    at.keep(asyncio.create_task(ask()))
    return port


async def test_callbar_that_does_not_read_slows_no_other(both: Installation) -> None:
    agent = await both.agent(0, "a")
    await agent.until(lambda s: s["agent"]["presence"]["state"] == "ready")
    before = resident(both.processes["a"].pid)
    quiet = await round_trips(agent, 20)
    ports = {await deaf(both, index) for index in (1, 2, 3)}
    began = time.monotonic()
    noisy = await round_trips(agent, 40)
    assert sorted(noisy)[-3] < max(0.5, 10 * sorted(quiet)[-3]), (quiet, noisy)

    most = 0

    async def cut_off() -> bool:
        nonlocal most
        waiting = {port: bytes_ for port, bytes_ in unsent(both.ports["a"]).items() if port in ports}
        most = max([most, *waiting.values()])
        return not waiting

    await until(cut_off, within_s=60, why="for the deaf to be cut off")
    print(f"\ncut off after {time.monotonic() - began:.1f} s, {most} bytes waited for one")
    assert most < UNSENT_MAX
    assert resident(both.processes["a"].pid) - before < GROWTH_MAX
    caller = await both.caller("b")
    assert (await agent.card("offered"))["id"] == caller.call_id


async def round_trips(agent: Agent, number: int) -> list[float]:
    """How long a change of status takes to come back as an event."""
    found: list[float] = []
    for turn in range(number):
        status, reason = ("ready", None) if turn % 2 else ("not_ready", "break")
        began = time.monotonic()
        await agent.send("status.set", status=status, reason=reason)
        await agent.until(lambda s, status=status: s["agent"]["presence"]["state"] == status)  # type: ignore[misc]
        found.append(time.monotonic() - began)
        await asyncio.sleep(1 / COMMANDS_PER_S)  # what is faster is refused
    return found
