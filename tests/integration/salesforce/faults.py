"""A relay in front of an org that fails as told: what stands between us and any CRM."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

import httpx2
from tests.ports import free_ports


@dataclass(frozen=True)
class Fault:
    """How one request is answered. `applied`: the org carries it out all the same."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    applied: bool = False
    cut: bool = False
    """The connection is reset instead of an answer."""
    half: bool = False
    """Half of the org's answer, as if it were all of it."""


def error(status: int, code: str) -> Fault:
    """A failure as the API words it."""
    return Fault(status, json.dumps([{"errorCode": code, "message": code}]).encode())


class Relay:
    """Passes requests on to `target`; those whose path contains `where` meet the next of `faults` first."""

    def __init__(self, target: str, where: str) -> None:
        self.port = free_ports()
        self.base = f"http://localhost:{self.port}"
        self.where = where
        self.faults: list[Fault] = []
        self.seen: list[str] = []
        self._target = target
        self._http = httpx2.AsyncClient(timeout=30)
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._http.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = {
                k.strip().lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers.pop("content-length", "0")))
            self.seen.append(f"{method} {path}")
            fault = self.faults.pop(0) if self.where in path and self.faults else None
            answer: httpx2.Response | None = None
            if fault is None or fault.applied:
                answer = await self._http.request(method, self._target + path, headers=headers, content=body)
            if fault is None:
                assert answer is not None
                self._answer(writer, answer.status_code, answer.content, ())
            elif fault.cut:
                writer.transport.abort()
                return
            else:
                content = answer.content[: len(answer.content) // 2] if fault.half and answer else fault.body
                self._answer(writer, fault.status, content, fault.headers)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    @staticmethod
    def _answer(
        writer: asyncio.StreamWriter, status: int, content: bytes, headers: tuple[tuple[str, str], ...]
    ) -> None:
        lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(content)}", "Connection: close"]
        lines += ["Content-Type: application/json", *(f"{name}: {value}" for name, value in headers)]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)
