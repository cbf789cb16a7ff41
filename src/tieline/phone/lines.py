"""The way out of the demo: numbers at which a test phone listens. A trunk takes its place where there is one."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tieline.db.database import Transaction
from tieline.phone.tables import listening_phone

LEASE = timedelta(seconds=25)
"""A phone's page renews it with its ping, every 10 s."""


class TestPhoneLines:
    """`Lines` that lead to test phones."""

    async def reach(self, tx: Transaction, engagement_id: UUID, e164: str) -> str | None:
        """Ring every phone that listens at the number; `unreachable` when there is none, `busy` when none is free."""
        rows = await tx.all(
            select(listening_phone.c.id, listening_phone.c.busy).where(
                listening_phone.c.account_id == tx.account_id,
                listening_phone.c.e164 == e164,
                listening_phone.c.until > tx.now,
            )
        )
        if not rows:
            return "unreachable"
        free = [row.id for row in rows if not row.busy]
        for id in free:
            tx.announce("phone", id, x=str(engagement_id))
        return None if free else "busy"


async def listen(tx: Transaction, phone_id: UUID, e164: str, *, busy: bool) -> None:
    """A phone's page answers calls to this number from now on; again and again while it lives."""
    values = {"e164": e164, "busy": busy, "until": tx.now + LEASE}
    await tx.execute(
        upsert(listening_phone)
        .values(account_id=tx.account_id, id=phone_id, **values)
        .on_conflict_do_update(index_elements=["account_id", "id"], set_=values)
    )


async def set_busy(tx: Transaction, phone_id: UUID, busy: bool) -> None:
    """The phone is in a call, or free again."""
    await tx.execute(
        update(listening_phone)
        .where(listening_phone.c.account_id == tx.account_id, listening_phone.c.id == phone_id)
        .values(busy=busy)
    )


async def forget(tx: Transaction, phone_id: UUID) -> None:
    """The page is gone; what died without saying so goes with it."""
    await tx.execute(
        delete(listening_phone).where(
            listening_phone.c.account_id == tx.account_id,
            (listening_phone.c.id == phone_id) | (listening_phone.c.until < tx.now - LEASE),
        )
    )
