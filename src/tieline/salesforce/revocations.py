"""Grants to be revoked at their org: written down with what made them useless, tried until the org has answered.

A removed or moved connection forgets its tokens in one transaction and leaves the strongest of them here, sealed. It
is erased once the org has revoked it or says that it does not know it, or after a week, when an org that has been
away for so long will not come back.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import structlog
from sqlalchemy import delete, insert, select, true, update
from sqlalchemy.engine import Row

from tieline.db.database import Transaction
from tieline.ids import new_id
from tieline.rounds import Rounds
from tieline.salesforce.client import answer_of
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.tables import revocation
from tieline.salesforce.tokens import Salesforce
from tieline.vault import SecretUnreadable

log = structlog.get_logger()

KEPT = timedelta(days=7)
FIRST_RETRY = timedelta(seconds=10)
LONGEST_RETRY = timedelta(hours=1)
POLL_S = 5.0
_TRYING = timedelta(minutes=1)
"""Longer than a request may take: nobody else tries meanwhile, and a killed process's turn comes to another."""


async def leave(tx: Transaction, row: Row[Any]) -> None:
    """Leave a connection's grant to be revoked; `row` holds its tokens as they were. `tx` also erases them."""
    # Revoking the refresh token takes its access tokens with it.
    for kind in ("refresh_token", "access_token"):
        sealed = getattr(row, kind)
        if sealed is not None:
            await tx.execute(
                insert(revocation).values(
                    account_id=row.account_id,
                    id=new_id(),
                    connection_id=row.id,
                    api_base=row.api_base,
                    token=sealed,
                    kind=kind,
                    next_at=tx.now,
                    created_at=tx.now,
                )
            )
            return


class Revocations(Rounds):
    """Revokes what is due; `run` is the worker's loop."""

    def __init__(self, salesforce: Salesforce) -> None:
        super().__init__(POLL_S)
        self._salesforce = salesforce

    async def round(self) -> None:
        while await revoke_one(self._salesforce):
            pass


async def revoke_one(salesforce: Salesforce, connection_id: UUID | None = None) -> bool:
    """Try one grant that is due, of any connection or of a certain one; False when none is."""
    async with salesforce.database.system() as tx:
        due = (
            select(revocation.c.account_id, revocation.c.id)
            .where(
                revocation.c.next_at <= tx.now,
                true() if connection_id is None else revocation.c.connection_id == connection_id,
            )
            .order_by(revocation.c.next_at)
            .limit(1)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        row = await tx.one(
            update(revocation)
            .where(revocation.c.account_id == due.c.account_id, revocation.c.id == due.c.id)
            .values(next_at=tx.now + _TRYING, attempts=revocation.c.attempts + 1)
            .returning(revocation)
        )
    if row is None:
        return False
    done = await _revoked(salesforce, row)
    own = (revocation.c.account_id == row.account_id) & (revocation.c.id == row.id)
    async with salesforce.database.system() as tx:
        if done or tx.now - row.created_at > KEPT:
            await tx.execute(delete(revocation).where(own))
        else:
            pause = min(FIRST_RETRY * 2 ** min(row.attempts - 1, 20), LONGEST_RETRY)
            await tx.execute(update(revocation).where(own).values(next_at=tx.now + pause))
    return True


async def _revoked(salesforce: Salesforce, row: Row[Any]) -> bool:
    """Whether nothing is left to be done about a grant."""
    connection_id: UUID = row.connection_id
    try:
        token = salesforce.vault.open(row.token, row.account_id, connection_id, row.kind)
    except SecretUnreadable:
        log.error("revocation.secret_unreadable", connection_id=str(connection_id))
        return True
    try:
        await answer_of(
            salesforce.http,
            "POST",
            row.api_base + "/services/oauth2/revoke",
            content=urlencode({"token": token}).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
    except CrmFailure as failure:
        # Anything but "later" is the org's word that the token is none (any more).
        log.warning("revocation.failed", connection_id=str(connection_id), code=failure.code)
        return failure.kind != "later"
    return True
