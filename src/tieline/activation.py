"""An org's administrator deactivates the product, or activates it again: what becomes of that org's agents.

Their callbars say so and take no engagement; calls under way end as they would. A process is told that settings of a
connection changed, or that a callbar has come to it, and looks; several processes doing it do it once.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import or_, select

from tieline.agents.presence import DEACTIVATED
from tieline.agents.tables import agent
from tieline.bus import Follower
from tieline.engagements.service import Engagements
from tieline.identity.tables import app_user
from tieline.salesforce import org_settings
from tieline.salesforce.tables import connection


class Activation(Follower):
    """Makes agents follow their connection's product. One per process that serves callbars."""

    def __init__(self, engagements: Engagements) -> None:
        super().__init__(from_start=True)
        self._engagements = engagements
        self._db = engagements.db

    async def every(self) -> set[tuple[UUID, UUID]]:
        async with self._db.system() as tx:
            rows = await tx.all(
                select(connection.c.account_id, connection.c.id).where(
                    connection.c.state.in_(("connected", "reconnect"))
                )
            )
        return {(row.account_id, row.id) for row in rows}

    async def look(self, account_id: UUID, connection_id: UUID, /) -> None:
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
