"""What a switch node reported, in order, for as long as a consumer may need to ask again.

Owns the node's epoch and sequence. Always holds: sequences begin at 1 and have no gap; an event that was
given once is given again unchanged for as long as it is remembered.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator, Mapping
from itertools import islice
from typing import Any

from tieline.telephony.switch import SwitchError, SwitchEvent, SwitchEventKind

REMEMBERED = 131_072
"""Events kept: at ten facts a call and one call a second, more than three hours of a consumer's absence."""

_NO_DATA: Mapping[str, Any] = {}


class Journal:
    """The facts of one run of one switch node."""

    def __init__(self, node: str, *, epoch: int | None = None, remembered: int = REMEMBERED) -> None:
        """`epoch` is the start of this run in milliseconds since 1970 unless given."""
        self.node = node
        self.epoch = time.time_ns() // 1_000_000 if epoch is None else epoch
        self._events: deque[SwitchEvent] = deque(maxlen=remembered)
        self._last = 0
        self._closed = False
        self._wake: set[asyncio.Future[None]] = set()

    @property
    def last(self) -> int:
        """The sequence of the newest event, 0 before the first."""
        return self._last

    def append(
        self,
        kind: SwitchEventKind,
        *,
        call_id: str | None = None,
        leg_id: str | None = None,
        command_id: str | None = None,
        data: Mapping[str, Any] = _NO_DATA,
    ) -> SwitchEvent:
        """Report a fact: give it the next sequence, remember it, wake whoever waits."""
        self._last += 1
        event = SwitchEvent(
            node=self.node,
            epoch=self.epoch,
            sequence=self._last,
            kind=kind,
            at_ms=time.time_ns() // 1_000_000,
            call_id=call_id,
            leg_id=leg_id,
            command_id=command_id,
            data=data,
        )
        self._events.append(event)
        self._wake_all()
        return event

    def close(self) -> None:
        """The run is over: whoever waits is told so by `switch_unreachable` (retryable)."""
        self._closed = True
        self._wake_all()

    def _wake_all(self) -> None:
        waiting, self._wake = self._wake, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def position(self, *, epoch: int | None, after: int) -> int:
        """The sequence after which an asker who stands at `after` of `epoch` has to read in this run.

        Another epoch than ours (or None) stands before everything. Raises `events_lost` if the next event is
        no longer remembered, `sequence_unknown` if `after` was never reached in this epoch.
        """
        if epoch != self.epoch:
            after = 0
        if after > self._last or after < 0:
            raise SwitchError(
                "sequence_unknown",
                f"Sequence {after} of epoch {self.epoch} was never reported; the last is {self._last}.",
                retryable=False,
            )
        self.since(after, limit=1)
        return after

    def since(self, after: int, *, limit: int = 500) -> list[SwitchEvent]:
        """Up to `limit` events after sequence `after`. Raises `events_lost` if the first is forgotten."""
        missing = self._last - after
        if missing <= 0:
            return []
        start = len(self._events) - missing
        if start < 0:
            raise SwitchError(
                "events_lost",
                f"Events after {after} are no longer remembered; take the state of the calls as unknown.",
                retryable=False,
            )
        return list(islice(self._events, start, start + limit))

    async def grown(self, after: int, *, within_s: float | None = None) -> bool:
        """Wait until there is an event beyond `after`; False if `within_s` seconds pass first."""
        if self._last > after:
            return True
        if self._closed:
            raise SwitchError("switch_unreachable", "The switch has stopped.", retryable=True)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._wake.add(future)
        try:
            async with asyncio.timeout(within_s):
                await future
        except TimeoutError:
            pass
        finally:
            self._wake.discard(future)
        return self._last > after

    async def read(self, *, epoch: int | None, after: int) -> AsyncGenerator[SwitchEvent]:
        """Events as `Switch.events` promises them."""
        position = self.position(epoch=epoch, after=after)
        while True:
            for event in self.since(position):
                position = event.sequence
                yield event
            await self.grown(position)
