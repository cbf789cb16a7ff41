"""One-time links by which a user chooses a password: the first one, or another one for one forgotten.

The link holds 32 random bytes behind the `#`, which browsers send to nobody; only their SHA-256 is stored. A new link
ends older ones; choosing a password ends every session.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from tieline.db.database import Database, Transaction
from tieline.errors import InputInvalid, NotAllowed
from tieline.identity.passwords import hash_password
from tieline.identity.service import digest
from tieline.identity.tables import app_user, password_link, session

LIFE = timedelta(days=3)
SHORTEST, LONGEST = 10, 200


class LinkInvalid(NotAllowed):
    """The link is unknown, used, replaced by a newer one or too old."""

    code = "link_invalid"


async def make_link(tx: Transaction, user_id: UUID, *, public_url: str) -> str:
    """A link for a user of the transaction's account. It is shown once and handed over by whoever asked for it."""
    own = (password_link.c.account_id == tx.account_id) & (password_link.c.user_id == user_id)
    await tx.execute(delete(password_link).where(own))
    token = secrets.token_urlsafe(32)
    await tx.execute(
        insert(password_link).values(
            account_id=tx.account_id,
            token_hash=digest(token),
            user_id=user_id,
            expires_at=tx.now + LIFE,
        )
    )
    return f"{public_url}/portal/password#{token}"


async def choose_password(db: Database, token: str, password: str) -> str:
    """Set the password of the link's user, whose address it gives. Raises `LinkInvalid` and `InputInvalid`."""
    async with db.system() as tx:
        row = await tx.one(
            delete(password_link).where(password_link.c.token_hash == digest(token)).returning(password_link)
        )
        user = row and await tx.one(
            select(app_user.c.email, app_user.c.name).where(
                app_user.c.account_id == row.account_id, app_user.c.id == row.user_id, app_user.c.active
            )
        )
        if row is None or user is None or row.expires_at < tx.now:
            raise LinkInvalid
        tx.account_id = row.account_id
        # Refused: the transaction is undone, and the link is good for another try.
        _check(password, user.email, user.name)
        await tx.execute(
            update(app_user)
            .where(app_user.c.account_id == row.account_id, app_user.c.id == row.user_id)
            .values(password_hash=hash_password(password), version=app_user.c.version + 1)
        )
        ended = await tx.all(
            update(session)
            .where(
                session.c.account_id == row.account_id,
                session.c.user_id == row.user_id,
                session.c.ended_at.is_(None),
            )
            .values(ended_at=tx.now)
            .returning(session.c.id)
        )
        for each in ended:
            tx.announce("session", each.id)
        tx.announce("user", row.user_id)
    return user.email


def _check(password: str, email: str, name: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputInvalid("a password of 10 to 200 characters", field="password", reason="length")
    plain = password.casefold()
    known = {email.casefold(), email.partition("@")[0].casefold(), name.casefold().replace(" ", "")}
    if len(set(plain)) < 5 or any(len(each) > 3 and each in plain for each in known):
        raise InputInvalid("a password that is not easy to guess", field="password", reason="easy")
