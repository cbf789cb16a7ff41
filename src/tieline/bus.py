"""The bus: what changed, told to every process at commit. PostgreSQL LISTEN/NOTIFY on one connection of its own.

A message carries account, kind, id and version and nothing of the row's content; its receiver reads the row.
Messages may be lost while the connection is away: then every subscriber's `on_gap` is called, and it reads
its rows afresh.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from tieline.db.database import SYSTEM_ROLE
from tieline.db.statement import BUS_CHANNEL

log = structlog.get_logger()

_RETRY_S = 0.5
_PROBE_S = 10.0
_AGAIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """One change. `more` holds the short codes that its kind adds (`e` event name, `x` engagement, `g` why gone)."""

    account_id: UUID | None
    kind: str
    id: UUID
    version: int
    more: dict[str, str]


@dataclass(slots=True)
class Subscription:
    """A receiver of messages of one kind and, if `id` is given, about one row. `close` ends it."""

    kind: str
    id: UUID | None
    on_message: Callable[[Message], None]
    on_gap: Callable[[], None]
    close: Callable[[], None]


class Bus:
    """The receiving end for one process. Callbacks run on the event loop and must be short."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._by_key: dict[tuple[str, UUID | None], list[Subscription]] = {}
        self._listening = asyncio.Event()

    def subscribe(
        self,
        kind: str,
        id: UUID | None,
        on_message: Callable[[Message], None],
        on_gap: Callable[[], None] = lambda: None,
    ) -> Subscription:
        """Receive messages of `kind` (about `id`, or about all when None) until the subscription is closed."""
        key = (kind, id)

        def close() -> None:
            with contextlib.suppress(ValueError):
                self._by_key.get(key, []).remove(subscription)
            if not self._by_key.get(key):
                self._by_key.pop(key, None)

        subscription = Subscription(kind, id, on_message, on_gap, close)
        self._by_key.setdefault(key, []).append(subscription)
        return subscription

    async def listening(self) -> None:
        """Return once messages are being received."""
        await self._listening.wait()

    async def run(self) -> None:
        """Listen until cancelled; come back after every loss of the connection."""
        first = True
        while True:
            connection: Any = None
            try:
                connection = await asyncpg.connect(
                    self._url,
                    timeout=5,
                    server_settings={"role": SYSTEM_ROLE, "application_name": "tieline bus"},
                )
                lost = asyncio.Event()
                connection.add_termination_listener(_setter(lost))
                await connection.add_listener(BUS_CHANNEL, self._received)
                self._listening.set()
                if not first:
                    self._gap()
                first = False
                while not lost.is_set():
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(lost.wait(), _PROBE_S)
                    if not lost.is_set():
                        # A connection that a firewall has forgotten looks alive until it is used.
                        await connection.execute("SELECT 1", timeout=5)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("bus.lost", error=type(error).__name__)
            finally:
                self._listening.clear()
                if connection is not None and not connection.is_closed():
                    connection.terminate()
            await asyncio.sleep(_RETRY_S)

    def _gap(self) -> None:
        for subscriptions in list(self._by_key.values()):
            for subscription in list(subscriptions):
                subscription.on_gap()

    def _received(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        try:
            raw = json.loads(str(payload))
            message = Message(
                account_id=UUID(raw["a"]) if raw.get("a") not in (None, "None") else None,
                kind=raw["k"],
                id=UUID(raw["i"]),
                version=raw["v"],
                more={key: value for key, value in raw.items() if key not in ("a", "k", "i", "v")},
            )
        except (ValueError, KeyError, TypeError):
            log.warning("bus.unreadable")
            return
        for key in ((message.kind, message.id), (message.kind, None)):
            for subscription in list(self._by_key.get(key, [])):
                try:
                    subscription.on_message(message)
                except Exception:
                    log.exception("bus.subscriber", kind=message.kind)


class Follower(ABC):
    """Looks at rows that changed, by account and id, each once however often it was named meanwhile.

    What fails stays due and is looked at again. Several processes may follow the same: `look` writes differences only.
    """

    def __init__(self, *, from_start: bool) -> None:
        """`from_start`: everything is looked at first."""
        self._due: set[tuple[UUID, UUID]] = set()
        self._all_due = from_start
        self._wake = asyncio.Event()
        if from_start:
            self._wake.set()

    @abstractmethod
    async def look(self, account_id: UUID, id: UUID, /) -> None:
        """Make what depends on the row as it is now."""

    @abstractmethod
    async def every(self) -> Iterable[tuple[UUID, UUID]]:
        """All there are, by account and id: for when messages may have been lost."""

    def changed(self, message: Message) -> None:
        """A row changed; for `Bus.subscribe`."""
        if message.account_id is not None:
            self.due(message.account_id, message.id)

    def due(self, account_id: UUID, id: UUID) -> None:
        """Have one looked at; returns at once."""
        self._due.add((account_id, id))
        self._wake.set()

    def missed(self) -> None:
        """Messages may have been lost: every one is looked at."""
        self._all_due = True
        self._wake.set()

    async def run(self) -> None:
        """Follow until cancelled. What comes while one is looked at is taken together."""
        all_looked_at = True
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), None if all_looked_at else _AGAIN_S)
            self._wake.clear()
            all_looked_at = await self._round()

    async def _round(self) -> bool:
        """Whether everything that was due has been looked at."""
        everything, self._all_due = self._all_due, False
        try:
            if everything:
                self._due.update(await self.every())
        except Exception:
            self._all_due = True
            log.exception("bus.following", follower=type(self).__name__)
        due, self._due = self._due, set()
        failed: set[tuple[UUID, UUID]] = set()
        for one in due:
            try:
                await self.look(*one)
            except Exception:
                failed.add(one)
                log.exception("bus.following", follower=type(self).__name__)
        self._due |= failed
        return not (failed or self._all_due)


def _setter(event: asyncio.Event) -> Callable[[object], None]:
    return lambda _: event.set()
