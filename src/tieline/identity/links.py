"""One-time links by which a user chooses a password: the first one, or another one for one forgotten.

The link holds 32 random bytes behind the `#`, which browsers send to nobody; only their SHA-256 is stored. A new link
ends older ones; choosing a password ends every session.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, any_, bindparam, delete, insert, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Row

from tieline.db.database import Database, Transaction
from tieline.errors import NotAllowed, TielineError
from tieline.identity import accounts, attempts, sessions
from tieline.identity.attempts import key_of
from tieline.identity.passwords import chosen_hash
from tieline.identity.service import digest
from tieline.identity.tables import account, app_user, password_link
from tieline.mail.post import Post

LIFE = timedelta(days=3)
RESET_LIFE = timedelta(hours=1)
_WINDOW = timedelta(hours=1)
_RESETS_PER_EMAIL = 3
_RESETS_PER_ADDRESS = 20


class LinkInvalid(NotAllowed):
    """The link is unknown, used, replaced by a newer one or too old."""

    code = "link_invalid"


class NoMail(TielineError):
    """This installation sends no mail: an administrator makes the link."""

    code, status = "no_mail", 409


async def make_link(tx: Transaction, user_id: UUID, *, public_url: str, life: timedelta = LIFE) -> str:
    """A link for a user of the transaction's account. It is shown once, or goes into a mail."""
    return (await make_links(tx, [user_id], public_url=public_url, life=life))[0]


async def make_links(
    tx: Transaction, user_ids: Sequence[UUID], *, public_url: str, life: timedelta = LIFE
) -> list[str]:
    """A link for each of the users, in their order."""
    of_them = password_link.c.user_id == any_(bindparam("of_users", type_=ARRAY(Uuid)))
    own = password_link.c.account_id == tx.account_id
    await tx.execute(delete(password_link).where(own, of_them), {"of_users": list(user_ids)})
    tokens = [secrets.token_urlsafe(32) for _ in user_ids]
    rows = [
        {
            "account_id": tx.account_id,
            "token_hash": digest(token),
            "user_id": id,
            "expires_at": tx.now + life,
        }
        for id, token in zip(user_ids, tokens, strict=True)
    ]
    if rows:
        await tx.execute(insert(password_link), rows)
    return [f"{public_url}/portal/password#{token}" for token in tokens]


async def count_reset(db: Database, email: str, *, address: str) -> bool:
    """Count a wish for a new password; False when the address has had enough mails of it for now.

    Raises `TooMany` for whoever asks too often, for whomever.
    """
    asker, asked = key_of(f"reset-from:{address}"), key_of(f"reset:{email.strip().lower()}")
    async with db.system() as tx:
        await attempts.check(tx, asker, limit=_RESETS_PER_ADDRESS, window=_WINDOW)
        enough = await attempts.spent(tx, asked, limit=_RESETS_PER_EMAIL, window=_WINDOW)
        await attempts.count(tx, *([asker] if enough else [asker, asked]))
    return not enough


async def mail_reset(
    db: Database, post: Post, email: str, *, public_url: str, vanity: str | None = None
) -> None:
    """Mail a link to the user of an address, if there is one; whoever asked learns nothing of it.

    Asked for at a `vanity` name only its account's users get one.
    """
    async with db.system() as tx:
        user = await tx.one(
            select(
                app_user.c.account_id, app_user.c.id, app_user.c.email, app_user.c.name, app_user.c.language
            ).where(app_user.c.email == email.strip().lower(), app_user.c.active)
        )
        if user is None:
            return
        if vanity is not None and user.account_id != await accounts.served_at(tx, vanity):
            return
        tx.account_id = user.account_id
        link = await make_link(tx, user.id, public_url=public_url, life=RESET_LIFE)
        await post.put(
            tx,
            "password_reset",
            to=user.email,
            language=user.language,
            life=RESET_LIFE,
            name=user.name,
            link=link,
        )


async def choose_password(db: Database, post: Post, token: str, password: str) -> str:
    """Set the password of the link's user, whose address it gives. Raises `LinkInvalid` and `InputInvalid`.

    A password that is refused leaves the link good for another try.
    """
    async with db.system() as tx:
        user = await _user_of(tx, select(password_link).where(password_link.c.token_hash == digest(token)))
    stored = await chosen_hash(password, user.email, user.name)
    async with db.system() as tx:
        # Once more, now for good: somebody else may have used it meanwhile.
        user = await _user_of(
            tx,
            delete(password_link).where(password_link.c.token_hash == digest(token)).returning(password_link),
        )
        tx.account_id = user.account_id
        await tx.execute(
            update(app_user)
            .where(app_user.c.account_id == user.account_id, app_user.c.id == user.id)
            .values(password_hash=stored, version=app_user.c.version + 1)
        )
        await sessions.end_others(tx, user.id, None)
        await post.put(
            tx,
            "password_changed",
            to=user.email,
            language=user.language,
            name=user.name,
            account=user.account_name,
        )
        tx.announce("user", user.id)
    return user.email


async def _user_of(tx: Transaction, found: Any) -> Row[Any]:
    link = await tx.one(found)
    user = link and await tx.one(
        select(
            app_user.c.account_id,
            app_user.c.id,
            app_user.c.email,
            app_user.c.name,
            app_user.c.language,
            account.c.name.label("account_name"),
        )
        .join(account, account.c.id == app_user.c.account_id)
        .where(app_user.c.account_id == link.account_id, app_user.c.id == link.user_id, app_user.c.active)
    )
    if link is None or user is None or link.expires_at < tx.now:
        raise LinkInvalid
    return user
