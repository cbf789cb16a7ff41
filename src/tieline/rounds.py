"""Loops of workers: what is due in the database is dealt with when somebody says so, and every so often in any case."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger()
Due = TypeVar("Due")


class Rounds(ABC):
    """Makes a round whenever it is woken, and `every_s` after the last one. A round that fails is logged; the next
    one comes all the same."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._awake = asyncio.Event()

    def wake(self) -> None:
        """Something may be due: make a round now. Returns at once."""
        self._awake.set()

    async def run(self) -> None:
        """Make rounds until cancelled."""
        while True:
            self._awake.clear()
            try:
                await self.round()
            except Exception:
                log.exception("rounds.failed", of=type(self).__name__)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._every_s):
                    await self._awake.wait()

    @abstractmethod
    async def round(self) -> None:
        """Deal with everything that is due."""


class Lanes(Rounds, Generic[Due]):
    """Rounds that begin what is due and do not wait for it, so that one slow lane holds no other up."""

    def __init__(self, every_s: float, *, at_once: int) -> None:
        super().__init__(every_s)
        self._at_once = at_once
        self._running: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Make rounds until cancelled; what is under way then is cancelled, too."""
        try:
            await super().run()
        finally:
            running = list(self._running)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def round(self) -> None:
        """Begin what is due, as far as there is room."""
        while len(self._running) < self._at_once and (due := await self.take()) is not None:
            task = asyncio.create_task(self.serve(due))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    @abstractmethod
    async def take(self) -> Due | None:
        """Take one that is due, so that nobody else does; None when none is."""

    @abstractmethod
    async def serve(self, due: Due, /) -> None:
        """Deal with what was taken, whatever happens."""
