"""The network between one computer and the contact center, which can fail without saying so.

Everything the computer's browser sends passes through here: what it asks of the two servers over TCP, and its
sound over UDP. The browser is told by a rule for names where the servers are, so that the pages keep their
addresses; the sound is led here by the addresses that both ends tell one another over the callbar's socket. A
browser's own offline mode cuts neither sound nor open sockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.contract.relay import FAIR, Relay, Weather

_HOST = "127.0.0.1"
_TEXT, _FINAL, _MASKED = 0x1, 0x80, 0x80


class Network:
    """The path of one computer. Use `a_network`."""

    def __init__(self) -> None:
        self._whole = asyncio.Event()
        self._whole.set()
        self._servers: dict[int, asyncio.Server] = {}
        self._open: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[Any]] = set()
        self._sound: list[Relay] = []

    @property
    def names(self) -> str:
        """Chromium's rule for finding the servers by way of this network."""
        return ", ".join(
            f"MAP *:{port} {_HOST}:{server.sockets[0].getsockname()[1]}"
            for port, server in self._servers.items()
        )

    async def lead_to(self, port: int) -> None:
        """Lead to a server of this machine."""

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._passing.add(task)
            task.add_done_callback(self._passing.discard)
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._connection(reader, writer, port)

        self._servers[port] = await asyncio.start_server(serve, _HOST, 0)

    def fails(self) -> None:
        """Nothing passes any more; nothing is closed. What TCP was to carry arrives later, what UDP was never."""
        self._whole.clear()
        for relay in self._sound:
            relay.weather = Weather(dark=True)

    def is_back(self) -> None:
        """All passes again."""
        for relay in self._sound:
            relay.weather = FAIR
        self._whole.set()

    def breaks_connections(self) -> None:
        """Every TCP connection breaks, as when a router forgets them; sound goes on, new ones can be made."""
        for writer in list(self._open):
            writer.transport.abort()

    async def close(self) -> None:
        """End all."""
        self._whole.set()
        for server in self._servers.values():
            server.close()
        for task in list(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)
        for relay in self._sound:
            relay.close()

    async def _connection(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int
    ) -> None:
        there: asyncio.StreamWriter | None = None
        self._open.add(writer)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            await self._whole.wait()
            from_there, there = await asyncio.open_connection(_HOST, port)
            self._open.add(there)
            if b"\r\nupgrade: websocket\r\n" in head.lower():
                # Without extensions: what is compressed cannot be read on the way.
                lines = [
                    line
                    for line in head.split(b"\r\n")
                    if not line.lower().startswith(b"sec-websocket-extensions")
                ]
                there.write(b"\r\n".join(lines))
                await self._pass(writer, await from_there.readuntil(b"\r\n\r\n"))
                ways = (
                    self._frames(reader, there, self._offered, masked=True),
                    self._frames(from_there, writer, self._answered, masked=False),
                )
            else:
                there.write(head)
                ways = (self._bytes(reader, there), self._bytes(from_there, writer))
            tasks = [asyncio.ensure_future(way) for way in ways]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for end in (writer, there):
                if end is not None:
                    self._open.discard(end)
                    end.close()

    async def _pass(self, to: asyncio.StreamWriter, data: bytes) -> None:
        await self._whole.wait()
        to.write(data)
        await to.drain()

    async def _bytes(self, reader: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            await self._pass(to, data)

    async def _frames(
        self,
        reader: asyncio.StreamReader,
        to: asyncio.StreamWriter,
        changed: Callable[[dict[str, Any]], Any],
        *,
        masked: bool,
    ) -> None:
        while True:
            first, second = await reader.readexactly(2)
            length = second & 0x7F
            if length == 126:
                (length,) = struct.unpack("!H", await reader.readexactly(2))
            elif length == 127:
                (length,) = struct.unpack("!Q", await reader.readexactly(8))
            mask = await reader.readexactly(4) if second & _MASKED else bytes(4)
            payload = await reader.readexactly(length)
            if masked:
                payload = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
            if first == _FINAL | _TEXT and b'"sdp"' in payload:
                message = json.loads(payload)
                found = changed(message)
                if asyncio.iscoroutine(found):
                    await found
                payload = json.dumps(message).encode()
            await self._pass(to, _frame(first, payload, masked=masked))

    async def _offered(self, message: dict[str, Any]) -> None:
        holder = message.get("params") or message
        relay = Relay(seed=len(self._sound))
        await relay.open()
        if not self._whole.is_set():
            relay.weather = Weather(dark=True)
        self._sound.append(relay)
        holder["sdp"] = relay.offer(holder["sdp"])

    def _answered(self, message: dict[str, Any]) -> None:
        holder = message.get("result") or message
        holder["sdp"] = self._sound[-1].answer(holder["sdp"])


def _frame(first: int, payload: bytes, *, masked: bool) -> bytes:
    size, mark = len(payload), _MASKED if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, mark | size)
    elif size < 65_536:
        head = struct.pack("!BBH", first, mark | 126, size)
    else:
        head = struct.pack("!BBQ", first, mark | 127, size)
    # A mask of zeros leaves the text as it is.
    return head + (bytes(4) if masked else b"") + payload


@asynccontextmanager
async def a_network(*ports: int) -> AsyncIterator[Network]:
    """A network that leads to servers on these ports of this machine."""
    network = Network()
    try:
        for port in ports:
            await network.lead_to(port)
        yield network
    finally:
        await network.close()
