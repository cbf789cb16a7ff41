"""What follows changed rows loses none of them, whatever fails on the way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from uuid import UUID

from tieline.bus import Follower
from tieline.ids import new_id

ACCOUNT = new_id()


class Unlucky(Follower):
    """Fails at the first look at each row, and at the first question for all rows."""

    def __init__(self, rows: Iterable[UUID]) -> None:
        super().__init__(from_start=True)
        self._rows = rows
        self._asked = False
        self.tried: set[UUID] = set()
        self.seen: list[UUID] = []

    async def look(self, account_id: UUID, id: UUID, /) -> None:
        if id not in self.tried:
            self.tried.add(id)
            raise ConnectionError
        self.seen.append(id)

    async def every(self) -> Iterable[tuple[UUID, UUID]]:
        if not self._asked:
            self._asked = True
            raise ConnectionError
        return [(ACCOUNT, row) for row in self._rows]


async def test_what_failed_stays_due_and_is_seen_once_it_works() -> None:
    rows = [new_id() for _ in range(3)]
    follower = Unlucky(rows)
    running = asyncio.create_task(follower.run())
    other = new_id()
    async with asyncio.timeout(30):
        while {*rows, other} - set(follower.seen):
            follower.due(ACCOUNT, other)  # the next message, which wakes it before its own time
            await asyncio.sleep(0.001)
    assert sorted(row for row in follower.seen if row != other) == sorted(rows)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
