"""A subscriber of CometD as small as can be."""

from __future__ import annotations

import time
from typing import Any

import httpx2

PATH = "/cometd/66.0"


class Subscriber:
    """One session over long polling."""

    def __init__(self, http: httpx2.AsyncClient):
        self.http = http
        self.client_id = ""

    async def send(self, channel: str, **more: Any) -> list[dict[str, Any]]:
        message = (
            {"channel": channel, "id": "1"} | ({"clientId": self.client_id} if self.client_id else {}) | more
        )
        answer = await self.http.post(PATH, json=[message], timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def handshake(self) -> dict[str, Any]:
        (reply,) = await self.send(
            "/meta/handshake", version="1.0", minimumVersion="1.0", supportedConnectionTypes=["long-polling"]
        )
        self.client_id = reply.get("clientId", "")
        return reply

    async def subscribe(self, topic: str, replay: object = None) -> dict[str, Any]:
        ext = {} if replay is None else {"ext": {"replay": {topic: replay}}}
        (reply,) = await self.send("/meta/subscribe", subscription=topic, **ext)
        return reply

    async def poll(self, timeout_ms: int | None = None) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Events, and the reply to the poll itself."""
        more = {} if timeout_ms is None else {"advice": {"timeout": timeout_ms}}
        *events, reply = await self.send("/meta/connect", connectionType="long-polling", **more)
        return [event["data"] | {"channel": event["channel"]} for event in events], reply

    async def events(self, count: int) -> list[dict[str, Any]]:
        """So many events, however many polls it takes: a busy machine may leave one poll empty."""
        found: list[dict[str, Any]] = []
        deadline = time.monotonic() + 60
        while len(found) < count:
            events, reply = await self.poll(10_000)
            assert reply["successful"], reply
            assert events or time.monotonic() < deadline, f"only {len(found)} of {count} events came"
            found += events
        return found


async def subscriber(http: httpx2.AsyncClient, *topics: str, replay: object = None) -> Subscriber:
    """A session that is subscribed."""
    session = Subscriber(http)
    assert (await session.handshake())["successful"]
    for topic in topics:
        reply = await session.subscribe(topic, replay)
        assert reply["successful"], reply
    return session
