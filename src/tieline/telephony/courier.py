"""Short requests to one address over HTTP/1.1 connections that are kept: the way of every command to a switch.

Several of them lie between a caller and the first ring, and many calls a second need them; a general HTTP client
spends most of a millisecond of processor time on each (measured: seven times this and more). What goes over it may be sent
twice: a connection that turns out to have been closed meanwhile is replaced by another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import httptools

_MAX_ANSWER = 1_000_000


class Courier:
    """Asks `address` (`http://host:port`). `close` when done."""

    def __init__(
        self, address: str, headers: Mapping[str, str], *, connect_s: float, answer_s: float
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme != "http" or parts.hostname is None or parts.port is None:
            raise ValueError(f"{address} is no http://host:port")
        self._host, self._port = parts.hostname, parts.port
        lines = {"Host": parts.netloc, "Content-Type": "application/json", **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._connect_s, self._answer_s = connect_s, answer_s
        self._idle: list[_Connection] = []
        self.closed = False

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer. Raises OSError, `TimeoutError` included, when there is none."""
        request = (
            f"{method} {path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        )
        while self._idle:
            connection = self._idle.pop()
            try:
                return await self._through(connection, request)
            except _Stale:
                continue
        async with asyncio.timeout(self._connect_s):
            _, connection = await asyncio.get_running_loop().create_connection(
                _Connection, self._host, self._port
            )
        return await self._through(connection, request)

    async def _through(self, connection: _Connection, request: bytes) -> tuple[int, bytes]:
        try:
            async with asyncio.timeout(self._answer_s):
                answer = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.usable and not self.closed:
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def close(self) -> None:
        """Close the connections that nobody waits at; the others close with their answer."""
        self.closed = True
        for connection in self._idle:
            connection.close()
        self._idle.clear()


class _Stale(ConnectionError):
    """The connection was closed before a byte of the answer came, as an idle one may be at any moment."""


class _Connection(asyncio.Protocol):
    """One connection, one exchange at a time. Calls of `httptools` end in `on_…`."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._body = bytearray()
        self._begun = False
        self._exchanges = 0
        self.usable = True

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and wait for its answer. Raises ConnectionError."""
        if not self.usable or self._transport is None:
            raise _Stale("closed")
        self._answer = asyncio.get_running_loop().create_future()
        self._body.clear()
        self._begun = False
        self._exchanges += 1
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by its class

    def data_received(self, data: bytes) -> None:
        self._begun = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, ValueError) as error:
            self._fail(ConnectionError(f"an answer that is no HTTP: {error}"))

    def connection_lost(self, exc: Exception | None) -> None:
        reused = self._exchanges > 1 and not self._begun
        self._fail((_Stale if reused else ConnectionError)(str(exc or "closed by the other side")))

    def _fail(self, error: Exception) -> None:
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > _MAX_ANSWER:
            raise ValueError("too long")

    def on_message_complete(self) -> None:
        self.usable = self._parser.should_keep_alive()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((self._parser.get_status_code(), bytes(self._body)))
