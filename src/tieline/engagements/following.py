"""Open engagements follow the phone index: a changed name, owner or number shows on the card of a call under way.

A process is told that records of a connection changed and matches that connection's open engagements again;
only one whose match or record differs is written and announced, so that several processes doing it do it once.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import bindparam, select

from tieline.bus import Follower
from tieline.db.statement import Statement
from tieline.engagements.service import Engagements
from tieline.engagements.tables import engagement

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


class Following(Follower):
    """Matches again what is open when an index has changed. One per process that serves callbars."""

    def __init__(self, engagements: Engagements) -> None:
        super().__init__(from_start=False)
        self._engagements = engagements
        self._db = engagements.db

    async def every(self) -> set[tuple[UUID, UUID]]:
        async with self._db.system() as tx:
            rows = await tx.all(
                select(engagement.c.account_id, engagement.c.connection_id)
                .where(engagement.c.closed_at.is_(None), engagement.c.connection_id.is_not(None))
                .distinct()
            )
        return {(row.account_id, row.connection_id) for row in rows}

    async def look(self, account_id: UUID, connection_id: UUID, /) -> None:
        async with self._db.account(account_id) as tx:
            # Whoever still waits is matched when offered.
            rows = await tx.find(_SHOWN, {"of_account": account_id, "of_connection": connection_id})
            differing = [row.id for row in rows if await self._engagements.match_now(tx, row) is not None]
        for id in differing:
            async with self._db.account(account_id) as tx:
                await self._engagements.follow_records(tx, id)
