"""From the switch's fact that a caller's audio is up to the offer at the agent's socket, under load.

Ours and a bare floor take turns: the floor (`floor.py`) writes the same rows in the same transactions and sends
the same message over the same kind of socket, with nothing of our code in it. Calls come at random moments
(Poisson), each from another number of the index; the caller hangs up once the offer was seen, which both sides
have to write down as well, so that both do a whole (abandoned) call for each figure.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from bench.figures import Figure, over_rounds, percentile
from bench.stage import (
    QUEUE_NUMBER,
    Account,
    Share,
    WebProcess,
    a_database,
    a_scripted_switch,
    a_web_process,
    beating,
    fill_index,
    make_agents,
    number,
    own_keys,
)
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tieline.children import dies_with_parent
from tieline.db.database import Database
from tieline.ids import new_id
from tieline.telephony.scripted import ScriptedSwitch

RECORDS = 100_000
AGENTS = 40
BUSY, RUSH = 5.0, 50.0
"""Calls a second: more than a busy center of 200 agents has, and ten times that."""
ROUND_CALLS = {BUSY: 40, RUSH: 250}
RINGS_S = 0.05
FLOOR_PORT = 19102
_WAIT_S = 10.0


@dataclass
class Offers:
    """When which number was offered at whose socket."""

    awaited: dict[str, asyncio.Future[float]] = field(default_factory=dict)

    def expect(self, e164: str) -> asyncio.Future[float]:
        """The moment (perf_counter) at which an offer from this number will arrive."""
        self.awaited[e164] = asyncio.get_running_loop().create_future()
        return self.awaited[e164]

    def take(self, text: str | bytes, at: float) -> None:
        """Look at a message of a callbar's socket: an offer's event, or a snapshot that holds one."""
        if '"offered"' not in str(text):
            return
        message = json.loads(text)
        for card in message["engagements"] if message["type"] == "snapshot" else [message.get("engagement")]:
            if card is not None and card["state"] == "offered":
                assert card["match"]["status"] == "one", card["match"]
                waiting = self.awaited.pop(card["party"]["e164"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(at)


@asynccontextmanager
async def reading(
    socket: ClientConnection, take: Callable[[str | bytes, float], None]
) -> AsyncIterator[None]:
    """Read a socket and keep it alive as a callbar does."""

    async def read() -> None:
        async for text in socket:
            take(text, time.perf_counter())

    async def ping() -> None:
        while True:
            await asyncio.sleep(10)
            await socket.send('{"type":"ping"}')

    tasks = [asyncio.create_task(read()), asyncio.create_task(ping())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def a_callbar(web: WebProcess, token: str) -> ClientConnection:
    """A callbar's socket after its first snapshot."""
    socket = await connect(
        web.origin.replace("http", "ws") + "/callbar/socket",
        subprotocols=["tieline.callbar.v1"],  # type: ignore[list-item]
        origin=web.origin,  # type: ignore[arg-type]
        ping_interval=None,
        compression=None,
        open_timeout=_WAIT_S,
    )
    await socket.send(json.dumps({"type": "hello", "token": token, "seat": str(new_id())}))
    while json.loads(await socket.recv())["type"] != "snapshot":
        pass
    return socket


async def command(socket: ClientConnection, name: str, **params: object) -> None:
    """Send a command and wait until it was carried out; for sockets that nobody else reads."""
    id = str(new_id())
    await socket.send(json.dumps({"type": "command", "command_id": id, "name": name, "params": params}))
    async with asyncio.timeout(_WAIT_S):
        while (answer := json.loads(await socket.recv())).get("command_id") != id:
            pass
    assert answer["type"] == "done", answer


class Ours:
    """Calls through the doors of the web process."""

    def __init__(self, web: WebProcess, switch: ScriptedSwitch, offers: Offers) -> None:
        self._web = web
        self._switch = switch
        self._offers = offers

    async def call(self, n: int) -> float:
        """One call; gives the milliseconds from the fact to the offer."""
        e164 = number(n)
        offered = self._offers.expect(e164)
        async with connect(
            self._web.origin.replace("http", "ws") + "/phone/socket",
            subprotocols=["tieline.phone.v1"],  # type: ignore[list-item]
            origin=self._web.origin,  # type: ignore[arg-type]
            # Every caller has an address of its own, as in life: dials are limited by it.
            additional_headers={"X-Forwarded-For": f"198.18.{n // 250 % 250}.{n % 250}"},
            ping_interval=None,
            compression=None,
        ) as phone:
            await phone.send(
                json.dumps({"type": "dial", "to": QUEUE_NUMBER, "from": e164, "sdp": "v=0 an offer"})
            )
            while (told := json.loads(await phone.recv()))["type"] == "state":
                pass
            assert told["type"] == "accepted", told
            leg = self._leg_of(told["call_id"])
            began = time.perf_counter()
            self._switch.connect(leg)
            try:
                async with asyncio.timeout(_WAIT_S):
                    took = await offered - began
                await asyncio.sleep(RINGS_S)
            finally:
                self._switch.hang_up(leg)
        return took * 1000

    def _leg_of(self, call_id: str) -> str:
        for asked in reversed(self._switch.commands):
            if asked.verb == "add_webrtc_leg" and asked.params["call_id"] == call_id:
                return asked.params["leg_id"]
        raise LookupError(call_id)


class Floor:
    """The same calls at the bare floor: a line for each fact."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, offers: Offers) -> None:
        self._reader, self._writer = reader, writer
        self._offers = offers
        self._arrived: dict[str, asyncio.Event] = {}

    async def listen(self) -> None:
        """Take in which calls have arrived."""
        while line := await self._reader.readline():
            self._arrived[line.decode().strip()].set()

    async def call(self, n: int) -> float:
        """One call; gives the milliseconds from the fact to the offer."""
        id, e164 = str(new_id()), number(n)
        offered = self._offers.expect(e164)
        arrived = self._arrived[id] = asyncio.Event()
        self._tell("arrived", id, e164)
        async with asyncio.timeout(_WAIT_S):
            await arrived.wait()
        began = time.perf_counter()
        self._tell("connected", id, e164)
        try:
            async with asyncio.timeout(_WAIT_S):
                took = await offered - began
            await asyncio.sleep(RINGS_S)
        finally:
            self._tell("gone", id, e164)
        return took * 1000

    def _tell(self, fact: str, id: str, e164: str) -> None:
        self._writer.write(json.dumps({"fact": fact, "call": id, "number": e164}).encode() + b"\n")


async def load(
    call: Callable[[int], Awaitable[float]], numbers: range, rate: float, seed: int
) -> list[float]:
    """Calls at random moments, `rate` a second on average; gives the milliseconds of each.

    A call that was refused or not offered within the time waited counts with that time: saturation shows.
    """

    async def one(n: int) -> float:
        try:
            return await call(n)
        except (TimeoutError, ConnectionClosed, AssertionError):
            return _WAIT_S * 1000

    chance = random.Random(seed)
    calls: list[asyncio.Task[float]] = []
    due = time.perf_counter()
    for n in numbers:
        due += chance.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        calls.append(asyncio.create_task(one(n)))
    return list(await asyncio.gather(*calls))


@asynccontextmanager
async def _floor(url: str, account: Account, offers: Offers) -> AsyncIterator[Floor]:
    told = {
        "url": url,
        "port": FLOOR_PORT,
        "account": str(account.id),
        "connection": str(account.connection_id),
        "queue": str(account.queue_id),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.floor",
        json.dumps(told),
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        preexec_fn=dies_with_parent(),
    )
    assert process.stdout is not None and process.stdin is not None
    try:
        async with AsyncExitStack() as stack, asyncio.timeout(30) as limit:
            facts_port = int(await process.stdout.readline())
            for one in account.agents:
                uri = f"ws://127.0.0.1:{FLOOR_PORT}/{one.id}"
                socket = await stack.enter_async_context(connect(uri, ping_interval=None, compression=None))
                await stack.enter_async_context(reading(socket, offers.take))
            reader, writer = await asyncio.open_connection("127.0.0.1", facts_port)
            limit.reschedule(None)
            floor = Floor(reader, writer, offers)
            listening = asyncio.create_task(floor.listen())
            yield floor
            listening.cancel()
            writer.close()
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def _ours(
    web: WebProcess, switch: ScriptedSwitch, account: Account, offers: Offers
) -> AsyncIterator[Ours]:
    switch.auto_connect = True
    async with AsyncExitStack() as stack:
        for one in account.agents:
            socket = await stack.enter_async_context(await a_callbar(web, one.token))
            await command(socket, "audio.connect", sdp="v=0 an offer")
            await command(socket, "status.set", status="ready", reason=None)
            await stack.enter_async_context(reading(socket, offers.take))
        switch.auto_connect = False
        yield Ours(web, switch, offers)


async def run(rounds: int) -> list[Figure]:
    """Ours and the floor in turns."""
    keys, offers = own_keys(), Offers()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(a_database())
        db = Database(url, pool_size=2)
        stack.push_async_callback(db.close)
        ours_account = await make_agents(db, AGENTS)
        floor_account = await make_agents(db, AGENTS, name="floor", queue_number="+14155550199")
        for account in (ours_account, floor_account):
            await fill_index(url, account.id, account.connection_id, RECORDS)
        switch = await stack.enter_async_context(a_scripted_switch(keys))
        await stack.enter_async_context(beating(db, switch))
        web = await stack.enter_async_context(a_web_process(url, keys=keys))
        ours = await stack.enter_async_context(_ours(web, switch, ours_account, offers))
        floor = await stack.enter_async_context(_floor(url, floor_account, offers))
        first = 1
        figures: list[Figure] = []
        for rate, count in ROUND_CALLS.items():
            took: dict[str, list[list[float]]] = {"ours": [], "floor": []}
            shares: dict[str, list[float]] = {"web": [], "generator": []}
            for round_ in range(-1, min(rounds, 3) if rate == BUSY else rounds):
                for name, call in (("ours", ours.call), ("floor", floor.call)):
                    numbers = range(first, first + (count if round_ >= 0 else count // 2))
                    first = numbers.stop
                    web_share, own_share = Share(web.pid), Share(os.getpid())
                    values = await load(call, numbers, rate, seed=round_)
                    if round_ >= 0:  # the round before the first one only warms up
                        took[name].append(values)
                        if name == "ours":
                            shares["web"].append(web_share.per_cent())
                            shares["generator"].append(own_share.per_cent())
                    await asyncio.sleep(0.5)
            figures += _figures(rate, took, shares)
        return figures


def _figures(rate: float, took: dict[str, list[list[float]]], shares: dict[str, list[float]]) -> list[Figure]:
    told = f"{RECORDS:,} numbers"
    ours, floor = took["ours"], took["floor"]
    floor_p99 = over_rounds(floor, 99)
    lost = sum(value >= _WAIT_S * 1000 for values in ours for value in values)
    load_ = f"web {percentile(shares['web'], 50):.0f} %, generator {percentile(shares['generator'], 50):.0f} % of a core"
    at = f"{rate:.0f} calls/s:"
    return [
        Figure(f"{at} event to offer at the socket, p50", over_rounds(ours, 50), "ms", note=told),
        Figure(f"{at} event to offer at the socket, p95", over_rounds(ours, 95), "ms", most=25, note=load_),
        Figure(f"{at} event to offer at the socket, p99", over_rounds(ours, 99), "ms"),
        Figure(f"{at} calls not offered within 10 s", lost, "calls", most=0),
        Figure(f"{at} bare floor (same rows, same socket), p50", over_rounds(floor, 50), "ms"),
        Figure(f"{at} bare floor, p95", over_rounds(floor, 95), "ms"),
        Figure(f"{at} bare floor, p99", floor_p99, "ms"),
        Figure(
            f"{at} p99 over the floor's p99",
            over_rounds(ours, 99) / floor_p99,
            "times",
            most=3 if rate == RUSH else None,
        ),
    ]
