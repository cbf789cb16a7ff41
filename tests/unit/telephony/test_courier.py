"""The courier against servers that keep, close and break connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from tests.ports import free_ports

from tieline.telephony.courier import Courier

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Served = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def asked(serve: Served) -> AsyncIterator[Courier]:
    """A courier to a server that treats each connection as `serve` says."""
    port = free_ports()
    server = await asyncio.start_server(serve, "127.0.0.1", port)
    courier = Courier(f"http://127.0.0.1:{port}", {}, connect_s=2, answer_s=0.5)
    yield courier
    courier.close()
    server.close()


async def request(reader: asyncio.StreamReader) -> None:
    """Read one request without a body; raises `IncompleteReadError` at the end of the connection."""
    await reader.readuntil(b"\r\n\r\n")


class Server:
    """Counts connections; answers `answers` requests on each and then closes at the next, without a word."""

    def __init__(self, answers: int) -> None:
        self.connections = 0
        self._answers = answers

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            for _ in range(self._answers):
                await request(reader)
                writer.write(ANSWER)
            await request(reader)
        except asyncio.IncompleteReadError:
            pass
        writer.close()


async def test_a_connection_is_used_again() -> None:
    server = Server(answers=3)
    async with asked(server) as courier:
        for _ in range(3):
            assert await courier.ask("GET", "/") == (200, b"{}")
    assert server.connections == 1


async def test_those_who_ask_at_once_do_not_wait_for_each_other() -> None:
    server = Server(answers=1)
    async with asked(server) as courier:
        assert await asyncio.gather(*(courier.ask("GET", "/") for _ in range(3))) == [(200, b"{}")] * 3
    assert server.connections == 3


async def test_a_kept_connection_that_closes_is_replaced() -> None:
    server = Server(answers=1)
    async with asked(server) as courier:
        assert await courier.ask("GET", "/") == (200, b"{}")
        assert await courier.ask("GET", "/") == (200, b"{}")
    assert server.connections == 2


async def test_a_fresh_connection_that_closes_is_an_error() -> None:
    server = Server(answers=0)
    async with asked(server) as courier:
        with pytest.raises(ConnectionError):
            await courier.ask("GET", "/")
    assert server.connections == 1


@pytest.mark.parametrize("told", [b"", ANSWER[:20], ANSWER[:-1]])
async def test_an_answer_that_does_not_end_is_waited_for_only_so_long(told: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(told)
        await reader.read()
        writer.close()

    async with asked(serve) as courier:
        with pytest.raises(TimeoutError):
            await courier.ask("GET", "/")


@pytest.mark.parametrize(
    "told", [b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000]
)
async def test_what_is_no_answer_of_ours_is_an_error(told: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request(reader)
        writer.write(told)
        await reader.read()
        writer.close()

    async with asked(serve) as courier:
        with pytest.raises(ConnectionError):
            await courier.ask("GET", "/")
