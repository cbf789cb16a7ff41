"""When a connection dies its administrators are told: a mail once for each incident, and a banner while it lasts.

A connection is dead once its org has refused our grant, or has not answered as it should for `PATIENCE`. The row says
since when they know (`died_at`), so that neither a second worker nor a restart tells it twice; the mail is posted in the
transaction that sets it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import and_, or_, select, update
from sqlalchemy.engine import Row

from tieline.db.database import Transaction
from tieline.identity.tables import account, app_user
from tieline.mail.post import Post
from tieline.rounds import Rounds
from tieline.salesforce.tables import connection
from tieline.salesforce.tokens import Salesforce

log = structlog.get_logger()

PATIENCE = timedelta(seconds=30)
"""For so long an org may fail to answer before somebody is told: a short interruption mends itself."""
POLL_S = 5.0


class Incidents(Rounds):
    """Watches connections; `run` is the worker's loop."""

    def __init__(self, salesforce: Salesforce, post: Post) -> None:
        super().__init__(POLL_S)
        self._database = salesforce.database
        self._public_url = salesforce.settings.public_url
        self._post = post

    async def round(self) -> None:
        await self.sweep()

    async def sweep(self) -> int:
        """Tell of the connections that have died since, forget those that are well again; gives how many were told."""
        told = 0
        async with self._database.system() as tx:
            well = await tx.all(
                update(connection)
                .where(
                    connection.c.died_at.is_not(None),
                    connection.c.state == "connected",
                    connection.c.failing_since.is_(None),
                )
                .values(died_at=None)
                .returning(connection.c.account_id, connection.c.id)
            )
            for row in well:
                _announce(tx, row)
            dead = await tx.all(
                update(connection)
                .where(
                    connection.c.died_at.is_(None),
                    or_(
                        connection.c.state == "reconnect",
                        and_(
                            connection.c.state == "connected",
                            connection.c.failing_since < tx.now - PATIENCE,
                        ),
                    ),
                )
                .values(died_at=tx.now)
                .returning(connection.c.account_id, connection.c.id, connection.c.name, connection.c.state)
            )
            for row in dead:
                await self._tell(tx, row)
                _announce(tx, row)
                told += 1
        return told

    async def _tell(self, tx: Transaction, row: Row[Any]) -> None:
        """Post a mail to each administrator."""
        tx.account_id = row.account_id
        name = await tx.scalar(select(account.c.name).where(account.c.id == row.account_id))
        administrators = await tx.all(
            select(app_user.c.name, app_user.c.email, app_user.c.language).where(
                app_user.c.account_id == row.account_id,
                app_user.c.active,
                app_user.c.roles.contains(["administrator"]),
            )
        )
        template = "connection_refused" if row.state == "reconnect" else "connection_away"
        for each in administrators:
            await self._post.put(
                tx,
                template,
                to=each.email,
                language=each.language,
                name=each.name,
                account=str(name),
                connection=row.name,
                link=f"{self._public_url}/portal/connections/{row.id}",
            )
        log.warning("connection.died", connection_id=str(row.id), state=row.state)


def _announce(tx: Transaction, row: Row[Any]) -> None:
    tx.account_id = row.account_id
    tx.announce("connection", row.id)
