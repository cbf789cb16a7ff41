"""One process's view of an org's events: listens, lets them be sequenced, and wakes who waits for them.

A subscriber is a cursor, never a queue: whoever is slow holds nobody and costs no memory. The newest events are kept
here for all subscribers together; older ones are read from the database.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_right
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Any

import asyncpg
import structlog

from ..limits import ApiUsage
from ..metadata import Catalogue
from ..orgs import Org, connect
from .channels import Shapes, Topic, members
from .push_topics import Pushed, PushTopic, push_topics
from .sequencer import LOCK, forget_old, sequence
from .tables import CHANNEL

log: Any = structlog.get_logger("tieline.crm")
NEWEST, EARLIEST = -1, -2
"""Replay ids that are places: behind everything, before everything that is kept."""
_KEPT = 5_000
_KEPT_BYTES = 16_000_000
_LOOK_S = 30.0
_AGAIN_S = 1.0


class ReplayRefused(Exception):
    """A replay id that is of the future, or older than what is kept."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event in its place."""

    replay_id: int
    stream: str
    uuid: str
    content: dict[str, Any]
    size: int


class Events:
    """An org's events, in the background of a process. Sleeps until the org has something to tell."""

    def __init__(self, org: Org):
        self.org = org
        self.usage = ApiUsage(
            org.settings.daily_event_deliveries, table="event_usage", setting="daily_event_deliveries"
        )
        self.latest = 0
        self._floor = 0
        """Everything behind this replay id is in `_newest`."""
        self._newest: deque[Event] = deque()
        self._bytes = 0
        self._shapes: Shapes | None = None
        self._push_topics: list[PushTopic] = []
        self._moved = asyncio.Event()
        self._work = asyncio.Event()
        self._wanted = asyncio.Event()
        self._ready = asyncio.Event()
        self._task = asyncio.create_task(self._run(), name=f"events-{org.name}")

    # -- what the background asks for

    def wake(self, kind: str) -> None:
        """Begins to listen: somebody selected, published or subscribed."""
        if kind == "events":
            self._wanted.set()
            self._work.set()

    async def close(self) -> None:
        """Ends the listening, writes down what was delivered."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            async with asyncio.timeout(2), self.org.connection() as conn:
                await self.usage.sync(conn)

    # -- what subscribers ask for

    async def shapes(self, conn: Any, catalogue: Catalogue) -> Shapes:
        """Members and shapes at a catalogue."""
        whole = catalogue.whole
        if self._shapes is None or self._shapes.catalogue is not whole:
            # Both are looked up before either is kept: others ask while this waits.
            found, pushing = await members(conn), await push_topics(conn, whole)
            self._push_topics = pushing
            self._shapes = Shapes(whole, found)
            self.org.capturing = bool(found)
        return self._shapes

    async def push_topics(self, conn: Any, catalogue: Catalogue) -> list[PushTopic]:
        """The active PushTopics at a catalogue."""
        await self.shapes(conn, catalogue)
        return self._push_topics

    async def place(self, replay_id: int) -> int:
        """Behind which event a subscription with this replay id begins. ReplayRefused where there is no such place.

        On return this process listens, and all that was committed before has its place.
        """
        self.wake("events")
        async with asyncio.timeout(15):
            await self._ready.wait()
            async with self.org.connection() as conn:
                await self._sequence(conn)
                await forget_old(conn)
                used, oldest, newest = await conn.fetchrow(
                    "SELECT CASE WHEN is_called THEN last_value ELSE 0 END,"
                    " (SELECT min(replay_id) FROM meta.event), (SELECT max(replay_id) FROM meta.event)"
                    " FROM meta.replay_id"
                )
            # A place that this process has not come to yet would be taken for one of another stream. Not every id
            # that was given out has an event: what waited for days is gone as soon as it is told.
            self._work.set()
            await self.moved((newest or 0) - 1)
        if replay_id == NEWEST:
            return used
        before = (oldest or used + 1) - 1
        if replay_id == EARLIEST:
            return before
        if not before <= replay_id <= used:
            raise ReplayRefused
        return replay_id

    async def after(self, cursor: int, topic: Topic | Pushed, limit: int) -> tuple[list[Event], int]:
        """Up to `limit` events of a topic behind a place, and the place reached.

        A place that is ahead of everything is one of a stream that was there before a snapshot was loaded.
        """
        latest = self.latest
        if cursor >= self._floor:
            start = bisect_right(self._newest, cursor, key=lambda event: event.replay_id)
            found = [event for event in islice(self._newest, start, None) if event.stream in topic.streams]
            more = len(found) > limit
            found = found[:limit]
        else:
            async with self.org.connection() as conn:
                rows = await conn.fetch(
                    "SELECT * FROM meta.event WHERE replay_id > $1 AND replay_id <= $2 AND topic = ANY($3)"
                    " ORDER BY replay_id LIMIT $4",
                    cursor,
                    latest,
                    list(topic.streams),
                    limit,
                )
            found = [_event(row) for row in rows]
            more = len(found) == limit
        return found, found[-1].replay_id if more else max(latest, min(cursor, latest))

    async def moved(self, cursor: int) -> None:
        """Returns when there may be events behind a place."""
        while self.latest <= cursor:
            await self._moved.wait()

    # -- the work itself

    async def _run(self) -> None:
        while True:
            try:
                if await self._needed():
                    await self._listen()
            except asyncio.CancelledError:
                raise
            except Exception as error:
                log.warning("events_wait", org=self.org.name, kind=type(error).__name__)
            self._ready.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), _AGAIN_S if self._wanted.is_set() else _LOOK_S)
            if self._wanted.is_set():
                await asyncio.sleep(0.3)  # a database that is being copied is away for about as long

    async def _needed(self) -> bool:
        if self._wanted.is_set():
            return True
        async with self.org.connection() as conn:
            found: bool = await conn.fetchval(
                "SELECT EXISTS (SELECT FROM meta.event_member) OR EXISTS (SELECT FROM meta.change)"
            )
        return found

    async def _listen(self) -> None:
        self._wanted.set()
        conn = await connect(self.org.settings, self.org.database)
        try:
            lost = asyncio.Event()
            conn.add_termination_listener(_setter(lost))
            await conn.add_listener(CHANNEL, self._heard)
            await self._begin(conn)
            self._ready.set()
            forgot_at = 0.0
            while not lost.is_set():
                self._work.clear()
                await self._sequence(conn)
                await self._take(conn)
                if time.monotonic() - forgot_at >= _LOOK_S:
                    await forget_old(conn)
                    forgot_at = time.monotonic()
                await _either(self._work, lost, _LOOK_S)
        finally:
            conn.terminate()

    async def _begin(self, conn: Any) -> None:
        """Starts at the end of the stream that there is now: it may be another one than before."""
        async with conn.transaction():
            # Places that another process is giving out have no events to be read yet: they would be passed over.
            await conn.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
            self.latest = self._floor = await conn.fetchval(
                "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM meta.replay_id"
            )
        self._newest.clear()
        self._bytes = 0
        self._shapes = None
        self._wake_all()

    async def _sequence(self, conn: Any) -> None:
        shapes = await self.shapes(conn, await self.org.catalogue(conn))
        topics, limit = self._push_topics, self.org.settings.change_events_per_transaction
        while await sequence(conn, shapes, topics, self.org.org_id, limit):
            pass

    async def _take(self, conn: Any) -> None:
        while True:
            rows = await conn.fetch(
                "SELECT * FROM meta.event WHERE replay_id > $1 ORDER BY replay_id LIMIT 1000", self.latest
            )
            for row in rows:
                event = _event(row)
                self._newest.append(event)
                self._bytes += event.size
                self.latest = event.replay_id
            while len(self._newest) > _KEPT or self._bytes > _KEPT_BYTES:
                oldest = self._newest.popleft()
                self._floor = oldest.replay_id
                self._bytes -= oldest.size
            if rows:
                self._wake_all()
            if len(rows) < 1000:
                return

    def _wake_all(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    def _heard(self, _conn: Any, _pid: int, _channel: str, payload: str) -> None:
        if payload == "members":
            self._shapes = None
        self._work.set()


def events_of_org(org: Org) -> Events:
    """The events that this process serves for an org."""
    return next(work for work in org.background if isinstance(work, Events))


def _event(row: Any) -> Event:
    content: dict[str, Any] = row["content"]
    size = sum(len(item) for item in content.get("fields", {}).values() if isinstance(item, str)) + 1_000
    return Event(row["replay_id"], row["topic"], row["uuid"], content, size)


def _setter(lost: asyncio.Event) -> Callable[[Any], None]:
    def closed(_conn: Any) -> None:
        lost.set()

    return closed


async def _either(one: asyncio.Event, two: asyncio.Event, seconds: float) -> None:
    """Waits until one of two things happens, or for so many seconds."""
    waiting = [asyncio.ensure_future(event.wait()) for event in (one, two)]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
