"""An org's administrator deactivates the product, or activates it again: what becomes of that org's agents.

Their callbars say so and take no engagement; calls under way end as they would. A process is told that settings of a
connection changed, or that a callbar has come to it, and looks; several processes doing it do it once.
"""

from __future__ import annotations

import asyncio
from uuid import UUID

import structlog
from sqlalchemy import or_, select

from tieline.agents.presence import DEACTIVATED
from tieline.agents.tables import agent
from tieline.bus import Message
from tieline.engagements.service import Engagements
from tieline.identity.tables import app_user
from tieline.salesforce import org_settings
from tieline.salesforce.tables import connection

log = structlog.get_logger()


class Activation:
    """Makes agents follow their connection's product. One per process that serves callbars."""

    def __init__(self, engagements: Engagements) -> None:
        self._engagements = engagements
        self._db = engagements.db
        self._due: set[tuple[UUID, UUID]] = set()
        self._all_due = True
        self._wake = asyncio.Event()
        self._wake.set()

    def changed(self, message: Message) -> None:
        """Settings of a connection changed."""
        if message.account_id is not None:
            self.look(message.account_id, message.id)

    def look(self, account_id: UUID, connection_id: UUID) -> None:
        """Somebody has come to a connection; returns at once."""
        self._due.add((account_id, connection_id))
        self._wake.set()

    def missed(self) -> None:
        """Messages may have been lost: every connection is looked at."""
        self._all_due = True
        self._wake.set()

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            due, self._due = self._due, set()
            everything, self._all_due = self._all_due, False
            try:
                for account_id, connection_id in await self._every() if everything else due:
                    await self._follow(account_id, connection_id)
            except Exception:
                log.exception("activation.following")

    async def _every(self) -> set[tuple[UUID, UUID]]:
        async with self._db.system() as tx:
            rows = await tx.all(
                select(connection.c.account_id, connection.c.id).where(
                    connection.c.state.in_(("connected", "reconnect"))
                )
            )
        return {(row.account_id, row.id) for row in rows}

    async def _follow(self, account_id: UUID, connection_id: UUID) -> None:
        async with self._db.account(account_id) as tx:
            active = (await org_settings.load(tx, connection_id)).active
            here = or_(agent.c.status != "offline", agent.c.seat_seen_at.is_not(None))
            wrong = agent.c.reason == DEACTIVATED if active else agent.c.reason.is_distinct_from(DEACTIVATED)
            rows = await tx.all(
                select(agent.c.user_id)
                .join(
                    app_user,
                    (app_user.c.account_id == agent.c.account_id) & (app_user.c.id == agent.c.user_id),
                )
                .where(
                    agent.c.account_id == account_id, app_user.c.connection_id == connection_id, here, wrong
                )
                .order_by(agent.c.user_id)
            )
        # One agent at a time: an agent's engagement is locked before the agent, and nobody waits for all of them.
        for row in rows:
            async with self._db.account(account_id) as tx:
                verb = self._engagements.resume if active else self._engagements.suspend
                await verb(tx, row.user_id)
