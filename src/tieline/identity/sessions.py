"""A user's own sessions: where they are signed in, and ending one or all others."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.engine import Row

from tieline.db.database import Transaction
from tieline.errors import NotFound
from tieline.identity.tables import session

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def device_of(user_agent: str) -> str:
    """Browser and system by their names, such as `Chrome, Windows`; empty when it is none that we know."""
    browser = next((name for sign, name in _BROWSERS if re.search(rf"\b{sign}\w*/", user_agent)), None)
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), None)
    return ", ".join(each for each in (browser, system) if each)


async def living(tx: Transaction, user_id: UUID) -> list[Row[Any]]:
    """The user's sessions, the one last used first."""
    return await tx.all(
        select(
            session.c.id,
            session.c.kind,
            session.c.device,
            session.c.address,
            session.c.created_at,
            session.c.last_used_at,
        )
        .where(
            session.c.account_id == tx.account_id,
            session.c.user_id == user_id,
            session.c.ended_at.is_(None),
            session.c.expires_at > tx.now,
        )
        .order_by(session.c.last_used_at.desc(), session.c.id)
        .limit(200)
    )


async def end_one(tx: Transaction, user_id: UUID, session_id: UUID) -> None:
    """End one of the user's sessions. Ending it twice is ending it once. Raises `NotFound`."""
    own = (session.c.account_id == tx.account_id) & (session.c.user_id == user_id)
    known = await tx.one(select(session.c.ended_at).where(own, session.c.id == session_id))
    if known is None:
        raise NotFound("no such session")
    if known.ended_at is None:
        await tx.execute(update(session).where(own, session.c.id == session_id).values(ended_at=tx.now))
        tx.announce("session", session_id)


async def end_others(tx: Transaction, user_id: UUID, kept: UUID | None) -> int:
    """End all of the user's sessions but `kept`; gives how many that were. Calls that are on go on."""
    ended = await tx.all(
        update(session)
        .where(
            session.c.account_id == tx.account_id,
            session.c.user_id == user_id,
            session.c.id.is_distinct_from(kept),
            session.c.ended_at.is_(None),
        )
        .values(ended_at=tx.now)
        .returning(session.c.id)
    )
    for row in ended:
        tx.announce("session", row.id)
    return len(ended)
