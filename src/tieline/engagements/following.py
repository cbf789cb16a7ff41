"""Open engagements follow the phone index: a changed name, owner or number shows on the card of a call under way.

A process is told that records of a connection changed and matches that connection's open engagements again;
only one whose match or record differs is written and announced, so that several processes doing it do it once.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from sqlalchemy import bindparam, select

from tieline.bus import Message
from tieline.db.statement import Statement
from tieline.engagements.service import Engagements
from tieline.engagements.tables import engagement

log = structlog.get_logger()

RECORDS = "records"
"""Bus kind: the phone index of a connection (the message's id) changed."""


_SHOWN = Statement(
    select(engagement).where(
        engagement.c.account_id == bindparam("of_account"),
        engagement.c.connection_id == bindparam("of_connection"),
        engagement.c.agent_id.is_not(None),
        engagement.c.closed_at.is_(None),
    )
)


class Following:
    """Matches again what is open when an index has changed. One per process that serves callbars."""

    def __init__(self, engagements: Engagements) -> None:
        self._engagements = engagements
        self._db = engagements.db
        self._due: set[tuple[UUID, UUID]] = set()
        self._all_due = False
        self._wake = asyncio.Event()

    def changed(self, message: Message) -> None:
        """Records of a connection changed."""
        if message.account_id is not None:
            self._due.add((message.account_id, message.id))
            self._wake.set()

    def missed(self) -> None:
        """Messages may have been lost: everything open is looked at."""
        self._all_due = True
        self._wake.set()

    async def run(self) -> None:
        """Follow until cancelled. Changes that come while one is worked on are taken together."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, set()
            everything, self._all_due = self._all_due, False
            try:
                for account_id, connection_id in await self._open() if everything else due:
                    await self._follow(account_id, connection_id)
            except Exception:
                log.exception("records.following")

    async def _open(self) -> set[tuple[UUID, UUID]]:
        async with self._db.system() as tx:
            rows = await tx.all(
                select(engagement.c.account_id, engagement.c.connection_id)
                .where(engagement.c.closed_at.is_(None), engagement.c.connection_id.is_not(None))
                .distinct()
            )
        return {(row.account_id, row.connection_id) for row in rows}

    async def _follow(self, account_id: UUID, connection_id: UUID) -> None:
        async with self._db.account(account_id) as tx:
            # Whoever still waits is matched when offered.
            rows = await tx.find(_SHOWN, {"of_account": account_id, "of_connection": connection_id})
            differing = [row.id for row in rows if await self._engagements.match_now(tx, row) is not None]
        for id in differing:
            async with self._db.account(account_id) as tx:
                await self._engagements.follow_records(tx, id)
