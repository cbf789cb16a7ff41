"""Changes of an org's records, announced when their transaction commits.

Truth is the row; a message carries object, id and kind only. Each process listens on one connection per org,
opened with the first subscriber. A subscriber that falls behind, or a lost connection, gets one `resync`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

CHANNEL = "crm_changes"
_PER_MESSAGE = 75
"""Keeps the longest names below the 8,000 bytes of a notification."""
_QUEUE = 500


async def announce(conn: Any, changes: Sequence[tuple[str, str, str]]) -> None:
    """Queues `(object, id, kind)` for every listener, within the caller's transaction."""
    for start in range(0, len(changes), _PER_MESSAGE):
        chunk = [list(change) for change in changes[start : start + _PER_MESSAGE]]
        await conn.execute("SELECT pg_notify($1, $2)", CHANNEL, json.dumps(chunk, separators=(",", ":")))


def _setter(lost: asyncio.Event) -> Callable[[Any], None]:
    def closed(_conn: Any) -> None:
        lost.set()

    return closed


class ChangeFeed:
    """Fan-out of one org's changes to the open pages of this process."""

    def __init__(self, open_connection: Callable[[], Awaitable[Any]]):
        self._open_connection = open_connection
        self._queues: set[asyncio.Queue[dict[str, Any] | None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    @asynccontextmanager
    async def subscribe(self) -> AsyncGenerator[asyncio.Queue[dict[str, Any] | None]]:
        """A queue of `{object, id, kind}`; None means that the feed ends. Listening has begun on entry."""
        queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(_QUEUE)
        self._queues.add(queue)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._listen(), name="crm-changes")
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ready.wait(), timeout=5)
            yield queue
        finally:
            self._queues.discard(queue)

    async def close(self) -> None:
        """Ends every subscription."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        for queue in list(self._queues):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    async def _listen(self) -> None:
        first = True
        while True:
            conn: Any = None
            try:
                conn = await self._open_connection()
                lost = asyncio.Event()
                conn.add_termination_listener(_setter(lost))
                await conn.add_listener(CHANNEL, self._received)
                self._ready.set()
                if not first:
                    self._spread({"kind": "resync", "object": None, "id": None})
                first = False
                await lost.wait()
            except asyncio.CancelledError:
                raise
            except Exception:
                first = False  # the next success must tell subscribers that something may have been missed
            finally:
                if conn is not None and not conn.is_closed():
                    conn.terminate()
            await asyncio.sleep(1)

    def _received(self, _conn: Any, _pid: int, _channel: str, payload: str) -> None:
        for object_name, record_id, kind in json.loads(payload):
            self._spread({"object": object_name, "id": record_id, "kind": kind})

    def _spread(self, change: dict[str, Any]) -> None:
        for queue in self._queues:
            if queue.full():
                while not queue.empty():
                    queue.get_nowait()
                queue.put_nowait({"kind": "resync", "object": None, "id": None})
            else:
                queue.put_nowait(change)
