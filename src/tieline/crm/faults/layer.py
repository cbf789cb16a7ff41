"""Where faults on demand meet a request: around everything else, because some of them are about the connection."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..orgs import Org
from .faults import Rule, Sent


class FaultLayer:
    """An ASGI application around another. `org_of` tells the org of a request without asking a database."""

    def __init__(self, app: ASGIApp, org_of: Callable[[Scope], Org | None]):
        self.app = app
        self.org_of = org_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request, or spoils it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        org = self.org_of(scope)
        path: str = scope["path"]
        if org is None or not org.faults.rules or path.startswith("/services/faults") or path == "/health":
            await self.app(scope, receive, send)
            return
        wait, rule = org.faults.hitting(scope["method"], path)
        if wait:
            await asyncio.sleep(wait)
        if rule is None:
            scope["crm.records_rule"] = org.faults.on_records(scope["method"], path)
            await self.app(scope, receive, send)
            return
        answer = await self._carried_out(scope, receive) if rule.applied else None
        await _answer(rule, answer, scope, receive, send)

    async def _carried_out(self, scope: Scope, receive: Receive) -> tuple[Message, bytes]:
        """The org's own answer, kept back."""
        start: Message = {"type": "http.response.start", "status": 500, "headers": []}
        body = bytearray()

        async def keep(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))

        # Compressed, half an answer would be unreadable for another reason than the one asked for.
        plain = [(name, value) for name, value in scope["headers"] if name != b"accept-encoding"]
        await self.app({**scope, "headers": plain}, receive, keep)
        return start, bytes(body)


async def _answer(
    rule: Rule, answer: tuple[Message, bytes] | None, scope: Scope, receive: Receive, send: Send
) -> None:
    if rule.kind == "cut":
        await _reset(receive, send)
        return
    if answer is not None and rule.kind in ("half", "broken"):
        start, body = answer
        half = body[: len(body) // 2]
        headers = [(name, value) for name, value in start["headers"] if name != b"content-length"]
        promised = len(half) if rule.kind == "half" else len(body)
        headers.append((b"content-length", str(promised).encode()))
        await send({**start, "status": rule.status or start["status"], "headers": headers})
        await send({"type": "http.response.body", "body": half, "more_body": rule.kind == "broken"})
        if rule.kind == "broken":
            await asyncio.sleep(0)  # what was written leaves before the connection does
            await _reset(receive, send)
        return
    sent: Sent = rule.sent()
    headers = [(name.lower().encode(), value.encode()) for name, value in sent.headers]
    headers += [
        (b"content-type", sent.media_type.encode()),
        (b"content-length", str(len(sent.body)).encode()),
    ]
    await send({"type": "http.response.start", "status": sent.status, "headers": headers})
    await send({"type": "http.response.body", "body": sent.body if scope["method"] != "HEAD" else b""})


async def _reset(receive: Receive, send: Send) -> None:
    """Ends the connection as a crash would.

    ASGI has no word for this, so the server's own transport is taken; where it has none, the server closes the
    connection itself because the answer it was promised does not come.
    """
    transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
        return
    raw: Any = transport.get_extra_info("socket")
    if raw is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass
