"""Counting what may be tried a few times only: wrong passwords and codes, links asked for."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select

from tieline.db.database import Transaction
from tieline.errors import TooMany
from tieline.identity.tables import sign_in_failure
from tieline.ids import new_id

_LONGEST = timedelta(days=1)


def key_of(text: str) -> bytes:
    """What is counted, such as `email:<address>`, as it is stored."""
    return hashlib.sha256(text.encode()).digest()


async def count(tx: Transaction, *keys: bytes) -> None:
    """Count one attempt for each key."""
    await tx.execute(
        insert(sign_in_failure), [{"id": new_id(), "key": key, "failed_at": tx.now} for key in keys]
    )


async def forget(tx: Transaction, *keys: bytes) -> None:
    """Start anew for these keys, and drop what is too old for any."""
    await tx.execute(
        delete(sign_in_failure).where(
            sign_in_failure.c.key.in_(keys) | (sign_in_failure.c.failed_at < tx.now - _LONGEST)
        )
    )


async def check(tx: Transaction, key: bytes, *, limit: int, window: timedelta) -> None:
    """Raise `TooMany` when `limit` attempts were made within the window; tells when there is room again."""
    if (free_at := await _free_at(tx, key, limit=limit, window=window)) is not None:
        raise TooMany(retry_after_s=max(1, int((free_at - tx.now).total_seconds())))


async def spent(tx: Transaction, key: bytes, *, limit: int, window: timedelta) -> bool:
    """Whether `check` would raise."""
    return await _free_at(tx, key, limit=limit, window=window) is not None


async def _free_at(tx: Transaction, key: bytes, *, limit: int, window: timedelta) -> datetime | None:
    row = (
        await tx.all(
            select(
                func.count().label("attempts"), func.min(sign_in_failure.c.failed_at).label("first_at")
            ).where(sign_in_failure.c.key == key, sign_in_failure.c.failed_at > tx.now - window)
        )
    )[0]
    return row.first_at + window if row.attempts >= limit else None
