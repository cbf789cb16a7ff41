"""The embedded switch under load, and when those who ask it stall, die and come back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.contract.switch_peers import (
    CONTROL_KEY,
    PEER_UDP,
    EmbeddedRig,
    MediaProcess,
    a_media_process,
    eventually,
    going_first,
    new_id,
)

from tieline.telephony.embedded.ports import MediaPorts, media_ports
from tieline.telephony.remote import RemoteSwitch
from tieline.telephony.switch import LegRole, SwitchError
from tieline.telephony.switch import SwitchEventKind as Kind

pytestmark = pytest.mark.timeout(120)

CALLER, AGENT = LegRole.CALLER, LegRole.AGENT


@pytest.fixture(autouse=True)
async def ports() -> AsyncIterator[None]:
    with media_ports(MediaPorts(("127.0.0.1",), *PEER_UDP), asyncio.get_running_loop()):
        yield


async def a_conversation(rig: EmbeddedRig) -> tuple[str, str, str]:
    """A call with a caller and an agent who hear each other."""
    call_id = new_id()
    await rig.switch.create_call(call_id, command_id=new_id())
    caller, agent = await asyncio.gather(rig.join(CALLER, call_id), rig.join(AGENT, call_id))
    await they_hear_each_other(rig, caller, agent)
    return call_id, caller, agent


async def they_hear_each_other(rig: EmbeddedRig, caller: str, agent: str, within_s: float = 8.0) -> None:
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({agent}, {caller}), within_s=within_s)


async def until_accepting(rig: EmbeddedRig, accepting: bool, within_s: float) -> None:
    deadline = time.monotonic() + within_s
    while (health := await rig.switch.health()).accepting is not accepting:
        assert time.monotonic() < deadline, health
        await asyncio.sleep(0.1)


async def test_a_node_over_its_tick_lag_refuses_new_legs_and_keeps_its_calls() -> None:
    # Every mixer is later than this; the first seconds are not judged, so that the call can begin.
    async with a_media_process(busy_lag_ms=0.01) as process:
        rig = EmbeddedRig(process)
        call_id, caller, agent = await a_conversation(rig)
        await until_accepting(rig, False, within_s=10.0)
        with pytest.raises(SwitchError) as refused:
            await rig.join(CALLER, call_id)
        assert (refused.value.code, refused.value.retryable) == ("switch_busy", True)
        await they_hear_each_other(rig, caller, agent)
        # What stands already is served on: a reloaded page, a hold, a move.
        await rig.rejoin(caller)
        await rig.switch.move_leg(agent, None, command_id=new_id())
        await rig.switch.move_leg(agent, call_id, command_id=new_id())
        await they_hear_each_other(rig, caller, agent)
        assert not rig.story.about(caller, Kind.LEG_GONE)
        await rig.close()


async def test_a_node_that_is_held_up_refuses_until_it_is_calm_again() -> None:
    async with a_media_process(no_media_s=10.0) as process:
        rig = EmbeddedRig(process)
        call_id, caller, agent = await a_conversation(rig)
        deadline = time.monotonic() + 30.0
        # The real thing: two thirds of the time the process gets no processor.
        while (await rig.switch.health()).accepting:
            assert time.monotonic() < deadline
            process.signal(signal.SIGSTOP)
            await asyncio.sleep(0.16)
            process.signal(signal.SIGCONT)
            await asyncio.sleep(0.08)
        with pytest.raises(SwitchError) as refused:
            await rig.join(CALLER, call_id)
        assert (refused.value.code, refused.value.retryable) == ("switch_busy", True)
        await they_hear_each_other(rig, caller, agent)
        await until_accepting(rig, True, within_s=30.0)
        newcomer = await rig.join(AGENT, call_id)
        await eventually(lambda: rig.hears(newcomer), {caller, agent})
        await rig.close()


async def test_the_mixer_goes_before_other_processes_where_that_is_permitted() -> None:
    async with a_media_process() as process:
        chosen = os.sched_getscheduler(process.pid) & ~os.SCHED_RESET_ON_FORK
        with going_first() as permitted:
            assert chosen == (os.SCHED_RR if permitted else os.SCHED_OTHER)


async def test_those_who_ask_may_die_and_return_and_calls_go_on() -> None:
    async with a_media_process() as process:
        rig = EmbeddedRig(process)
        _, caller, agent = await a_conversation(rig)
        last = await rig.story.until(agent, Kind.LEG_CONNECTED)
        # All sockets of the one who asks are gone, as after kill -9; nobody reads for a while.
        await rig.story.close()
        await process.switch.aclose()
        lived_on_from = time.monotonic()
        while time.monotonic() < lived_on_from + 4.0:
            await they_hear_each_other(rig, caller, agent, within_s=2.0)
            await asyncio.sleep(0.2)
        await rig.hang_up(caller)
        async with RemoteSwitch(process.address, CONTROL_KEY) as returned:
            assert (await returned.health()).legs >= 1
            async with (
                asyncio.timeout(5),
                contextlib.aclosing(returned.events(epoch=last.epoch, after=last.sequence)) as events,
            ):
                while (event := await anext(events)).kind is not Kind.LEG_GONE:
                    pass
                assert (event.leg_id, event.epoch) == (caller, last.epoch)
            await returned.set_muted(agent, True, command_id=new_id())
            await returned.remove_leg(agent, command_id=new_id())


def resident_kb(process: MediaProcess) -> int:
    """Memory of the media process."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")))


def a_reader_who_does_not_read(process: MediaProcess) -> socket.socket:
    """A consumer of events with small buffers that has asked and reads nothing."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    reader.connect(("127.0.0.1", int(process.address.rpartition(":")[2])))
    key = f"Authorization: Bearer {CONTROL_KEY}"
    reader.sendall(f"GET /v1/events?after=0 HTTP/1.1\r\nHost: media\r\n{key}\r\n\r\n".encode())
    reader.setblocking(False)
    return reader


async def test_readers_who_stop_reading_block_nobody_and_take_no_memory() -> None:
    async with a_media_process() as process:
        rig = EmbeddedRig(process)
        _, caller, agent = await a_conversation(rig)
        stuck = [a_reader_who_does_not_read(process) for _ in range(10)]
        events = 12_000
        before_kb = resident_kb(process)
        for begin in range(0, events, 32):
            await rig.switch.report_digits(caller, "1" * 32, command_id=new_id())
            if begin % 1_600 == 0:
                await they_hear_each_other(rig, caller, agent)
        await rig.story.until(caller, Kind.LEG_DIGIT, times=events)
        grown_kb = resident_kb(process) - before_kb
        told_kb = sum(len(json.dumps(dict(event.data))) + 250 for event in rig.story.events) // 1_024
        print(
            f"{events} events of about {told_kb} KB; memory grew by {grown_kb} KB with {len(stuck)} stuck readers"
        )
        # The journal keeps each event once, whoever reads; ten copies would be ten times what was told.
        assert grown_kb < 4 * told_kb
        await they_hear_each_other(rig, caller, agent)

        # One of them reads on and finds everything.
        found: list[int] = []
        lines = b""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(20):
            while len(found) < events:
                lines += await loop.sock_recv(stuck[0], 65_536)
                *whole, lines = lines.split(b"\n")
                found += [json.loads(line)["sequence"] for line in whole if line.startswith(b'{"node"')]
        assert found == list(range(1, len(found) + 1))
        await rig.close()
        # And a stop does not wait for those who never will.
        assert await process.stop() == 0
        for reader in stuck:
            reader.close()
