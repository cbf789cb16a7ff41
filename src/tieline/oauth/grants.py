"""Grants: what users allowed apps, and the codes and tokens that come of it.

A code is good once, for a minute; seen twice, the tokens it gave are dead. An access token lives for minutes. A refresh
token is good once: what comes back is its successor, and one seen twice ends the grant, because one of the two who had it
stole it.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, delete, func, insert, or_, select, update
from sqlalchemy.engine import Row

from tieline import audit
from tieline.db.database import Database, Transaction
from tieline.db.statement import Statement
from tieline.errors import NotAllowed, NotFound, NotSignedIn
from tieline.identity.service import SignedIn, digest
from tieline.identity.tables import account, app_user
from tieline.ids import new_id
from tieline.oauth.rules import verifier_fits
from tieline.oauth.scopes import not_theirs
from tieline.oauth.tables import oauth_app, oauth_code, oauth_grant, oauth_token

CODE_LIFE = timedelta(seconds=60)
ACCESS_LIFE = timedelta(minutes=15)
REFRESH_LIFE = timedelta(days=90)
"""A grant that is not used for so long ends by itself."""
ORG_CALLBACK = "/services/authcallback/"
"""Where every org has its identity providers send people back to."""
_USE_NOTED_EVERY = timedelta(minutes=1)


class TokenInvalid(NotSignedIn):
    """An access token that is unknown, too old, or of a grant that has ended."""

    code = "token_invalid"


class ScopeMissing(NotAllowed):
    """The token does not cover this. `params.needs` names the scope."""

    code = "scope_missing"


class GrantRefused(Exception):
    """A code or refresh token is good for nothing: `invalid_grant`, or another code of RFC 6749."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error


@dataclass(frozen=True, slots=True)
class Issued:
    """New tokens of a grant; known to their holder only."""

    access_token: str
    refresh_token: str
    scopes: Sequence[str]


@dataclass(frozen=True, slots=True)
class AppAccess(SignedIn):
    """A user whom an app acts for, within scopes. The session is the grant."""

    scopes: frozenset[str] = frozenset()
    app_name: str = ""

    @property
    def by(self) -> audit.By:
        """As changes that the app makes for the user are told."""
        return audit.By(self.user_id, f"{self.name} ({self.app_name})")

    def need_scope(self, scope: str) -> None:
        """Raise `ScopeMissing` unless the token covers it."""
        if scope not in self.scopes:
            raise ScopeMissing(needs=scope)


_WHOSE = Statement(
    select(
        oauth_grant.c.id,
        oauth_grant.c.account_id,
        account.c.name.label("account_name"),
        oauth_grant.c.user_id,
        app_user.c.name,
        app_user.c.email,
        app_user.c.language,
        app_user.c.roles,
        oauth_token.c.scopes,
        oauth_app.c.scopes.label("app_scopes"),
        oauth_app.c.name.label("app_name"),
        oauth_token.c.expires_at,
        or_(
            oauth_grant.c.used_at.is_(None),
            oauth_grant.c.used_at < func.tieline_now() - _USE_NOTED_EVERY,
        ).label("unnoted"),
    )
    .select_from(oauth_token)
    .join(
        oauth_grant,
        (oauth_grant.c.account_id == oauth_token.c.account_id) & (oauth_grant.c.id == oauth_token.c.grant_id),
    )
    .join(
        oauth_app,
        (oauth_app.c.account_id == oauth_grant.c.account_id) & (oauth_app.c.id == oauth_grant.c.app_id),
    )
    .join(
        app_user,
        (app_user.c.account_id == oauth_grant.c.account_id) & (app_user.c.id == oauth_grant.c.user_id),
    )
    .join(account, account.c.id == oauth_grant.c.account_id)
    .where(
        oauth_token.c.token_hash == bindparam("of_hash"),
        oauth_token.c.kind == "access",
        oauth_token.c.expires_at > func.tieline_now(),
        oauth_grant.c.ended_at.is_(None),
        app_user.c.active,
    )
)
_NOTED = Statement(
    update(oauth_grant)
    .where(oauth_grant.c.account_id == bindparam("of_account"), oauth_grant.c.id == bindparam("of_id"))
    .values(used_at=func.tieline_now())
    .returning(oauth_grant.c.id)
)


async def whose(db: Database, token: str) -> AppAccess:
    """Whom the holder of an access token acts for. Raises `TokenInvalid`."""
    rows = await db.alone(_WHOSE, {"of_hash": digest(token)})
    if not rows:
        raise TokenInvalid
    row = rows[0]
    if row.unnoted:
        await db.alone(_NOTED, {"of_account": row.account_id, "of_id": row.id})
    return AppAccess(
        session_id=row.id,
        account_id=row.account_id,
        account_name=row.account_name,
        user_id=row.user_id,
        name=row.name,
        email=row.email,
        language=row.language,
        roles=frozenset(row.roles),
        kind="app",
        connection_id=None,
        expires_at=row.expires_at,
        scopes=frozenset(row.scopes) & frozenset(row.app_scopes),
        app_name=row.app_name,
    )


async def make_code(
    tx: Transaction, *, app_id: UUID, user_id: UUID, redirect_uri: str, scopes: Sequence[str], challenge: str
) -> str:
    """A code for what a user has just allowed."""
    await tx.execute(
        delete(oauth_code).where(
            oauth_code.c.account_id == tx.account_id, oauth_code.c.expires_at < tx.now - ACCESS_LIFE
        )
    )
    code = f"tlc_{secrets.token_urlsafe(32)}"
    await tx.execute(
        insert(oauth_code).values(
            account_id=tx.account_id,
            code_hash=digest(code),
            app_id=app_id,
            user_id=user_id,
            redirect_uri=redirect_uri,
            scopes=list(scopes),
            challenge=challenge,
            expires_at=tx.now + CODE_LIFE,
        )
    )
    return code


async def exchange_code(
    db: Database, app: Row[Any], *, code: str, redirect_uri: str, verifier: str
) -> Issued:
    """Tokens for a code, once. Raises `GrantRefused`; whatever is wrong, the code is spent."""
    refused: str | None = None
    async with db.system(app.account_id) as tx:
        row = await tx.one(
            select(oauth_code)
            .where(
                oauth_code.c.code_hash == digest(code),
                oauth_code.c.account_id == app.account_id,
                oauth_code.c.app_id == app.id,
            )
            .with_for_update()
        )
        if row is None:
            raise GrantRefused("invalid_grant", "The code is unknown.")
        if row.used_at is not None:
            refused = "The code has been used before."
            if row.grant_id is not None:
                await _end(tx, oauth_grant.c.id == row.grant_id, "replayed")
        elif row.expires_at <= tx.now:
            refused = "The code is too old."
        elif row.redirect_uri != redirect_uri:
            refused = "The redirect URI is not the one that the code was asked for with."
        elif not verifier_fits(verifier, row.challenge):
            refused = "The code verifier is wrong."
        elif (refused := await _cannot(tx, row.user_id, row.scopes)) is None:
            grant_id = new_id()
            await tx.execute(
                insert(oauth_grant).values(
                    account_id=app.account_id,
                    id=grant_id,
                    app_id=app.id,
                    user_id=row.user_id,
                    scopes=row.scopes,
                    created_at=tx.now,
                )
            )
            await _spend(tx, row.code_hash, grant_id)
            tx.announce("oauth_app", app.id)
            return await _issue(tx, grant_id, row.scopes, row.scopes)
        if row.used_at is None:
            await _spend(tx, row.code_hash, None)
    raise GrantRefused("invalid_grant", refused or "")


async def refresh(db: Database, app: Row[Any], *, token: str, asked: Sequence[str] | None) -> Issued:
    """Tokens for a refresh token, once; `asked` narrows the access token. Raises `GrantRefused`."""
    async with db.system(app.account_id) as tx:
        row = await tx.one(
            select(
                oauth_token.c.token_hash,
                oauth_token.c.used_at,
                oauth_token.c.expires_at,
                oauth_grant.c.id,
                oauth_grant.c.user_id,
                oauth_grant.c.scopes,
                oauth_grant.c.ended_at,
            )
            .join(
                oauth_grant,
                (oauth_grant.c.account_id == oauth_token.c.account_id)
                & (oauth_grant.c.id == oauth_token.c.grant_id),
            )
            .where(
                oauth_token.c.token_hash == digest(token),
                oauth_token.c.kind == "refresh",
                oauth_grant.c.account_id == app.account_id,
                oauth_grant.c.app_id == app.id,
            )
            .with_for_update()
        )
        if row is None or row.ended_at is not None or row.expires_at <= tx.now:
            raise GrantRefused("invalid_grant", "The refresh token is unknown, too old or revoked.")
        if row.used_at is None:
            scopes = [scope for scope in row.scopes if scope in app.scopes]
            if asked is not None:
                if set(asked) - set(scopes):
                    raise GrantRefused("invalid_scope", "More than what was allowed.")
                scopes = list(asked)
            if reason := await _cannot(tx, row.user_id, scopes):
                raise GrantRefused("invalid_grant", reason)
            await tx.execute(
                update(oauth_token)
                .where(oauth_token.c.account_id == app.account_id, oauth_token.c.token_hash == row.token_hash)
                .values(used_at=tx.now)
            )
            await tx.execute(
                delete(oauth_token).where(
                    oauth_token.c.account_id == app.account_id,
                    oauth_token.c.grant_id == row.id,
                    oauth_token.c.expires_at < tx.now,
                )
            )
            return await _issue(tx, row.id, scopes, row.scopes)
        await _end(tx, oauth_grant.c.id == row.id, "replayed")
        tx.announce("oauth_app", app.id)
    raise GrantRefused(
        "invalid_grant", "The refresh token has been used before: everything it led to is revoked."
    )


async def revoke(db: Database, app: Row[Any], token: str) -> None:
    """An app gives a token back. A refresh token ends the grant, an access token only itself; unknown ones are none."""
    async with db.system(app.account_id) as tx:
        row = await tx.one(
            select(oauth_token.c.token_hash, oauth_token.c.kind, oauth_grant.c.id)
            .join(
                oauth_grant,
                (oauth_grant.c.account_id == oauth_token.c.account_id)
                & (oauth_grant.c.id == oauth_token.c.grant_id),
            )
            .where(
                oauth_token.c.token_hash == digest(token),
                oauth_grant.c.account_id == app.account_id,
                oauth_grant.c.app_id == app.id,
            )
        )
        if row is None:
            return
        if row.kind == "refresh":
            await _end(tx, oauth_grant.c.id == row.id, "revoked")
            tx.announce("oauth_app", app.id)
        else:
            await tx.execute(
                delete(oauth_token).where(
                    oauth_token.c.account_id == app.account_id, oauth_token.c.token_hash == row.token_hash
                )
            )


async def times(tx: Transaction, grant_id: UUID) -> tuple[datetime, datetime]:
    """When a living grant was allowed, and when it ends unless it is used. Raises `TokenInvalid`."""
    row = await tx.one(
        select(oauth_grant.c.created_at, func.max(oauth_token.c.expires_at).label("ends_at"))
        .join(
            oauth_token,
            (oauth_token.c.account_id == oauth_grant.c.account_id)
            & (oauth_token.c.grant_id == oauth_grant.c.id)
            & oauth_token.c.used_at.is_(None),
        )
        .where(oauth_grant.c.account_id == tx.account_id, oauth_grant.c.id == grant_id)
        .group_by(oauth_grant.c.created_at)
    )
    if row is None:
        raise TokenInvalid
    return row.created_at, row.ends_at


async def give_back(tx: Transaction, grant_id: UUID) -> None:
    """An app gives back what it was allowed."""
    row = await tx.one(
        select(oauth_grant.c.app_id).where(
            oauth_grant.c.account_id == tx.account_id, oauth_grant.c.id == grant_id
        )
    )
    if row is not None and await _end(tx, oauth_grant.c.id == grant_id, "revoked"):
        tx.announce("oauth_app", row.app_id)


async def added(tx: Transaction) -> list[Row[Any]]:
    """The account's grants that have not ended, with app and user, by app and age."""
    lives = (
        select(func.max(oauth_token.c.expires_at))
        .where(
            oauth_token.c.account_id == oauth_grant.c.account_id,
            oauth_token.c.grant_id == oauth_grant.c.id,
            oauth_token.c.used_at.is_(None),
        )
        .correlate(oauth_grant)
    )
    access = (
        select(func.count())
        .select_from(oauth_token)
        .where(
            oauth_token.c.account_id == oauth_grant.c.account_id,
            oauth_token.c.grant_id == oauth_grant.c.id,
            oauth_token.c.kind == "access",
            oauth_token.c.expires_at > tx.now,
        )
        .correlate(oauth_grant)
    )
    until = lives.scalar_subquery()
    return await tx.all(
        select(
            oauth_grant.c.id,
            oauth_grant.c.scopes,
            oauth_grant.c.created_at,
            oauth_grant.c.used_at,
            oauth_app.c.id.label("app_id"),
            oauth_app.c.name.label("app_name"),
            app_user.c.name.label("user_name"),
            app_user.c.email.label("user_email"),
            until.label("until"),
            access.scalar_subquery().label("access_tokens"),
        )
        .join(
            oauth_app,
            (oauth_app.c.account_id == oauth_grant.c.account_id) & (oauth_app.c.id == oauth_grant.c.app_id),
        )
        .join(
            app_user,
            (app_user.c.account_id == oauth_grant.c.account_id) & (app_user.c.id == oauth_grant.c.user_id),
        )
        .where(oauth_grant.c.account_id == tx.account_id, oauth_grant.c.ended_at.is_(None), until > tx.now)
        .order_by(oauth_app.c.name, oauth_app.c.id, oauth_grant.c.created_at)
        .limit(1000)
    )


async def remove(tx: Transaction, app_id: UUID, grant_id: UUID | None = None) -> int:
    """Take back what users allowed an app, or one of those grants; its tokens are dead at once. Raises `NotFound`."""
    condition = oauth_grant.c.app_id == app_id
    if grant_id is not None:
        condition &= oauth_grant.c.id == grant_id
    ended = await _end(tx, condition, "removed")
    # A code on its way would bring the app back a moment later.
    await tx.execute(
        delete(oauth_code).where(oauth_code.c.account_id == tx.account_id, oauth_code.c.app_id == app_id)
    )
    if not ended:
        raise NotFound("nothing is allowed to this app")
    tx.announce("oauth_app", app_id)
    return ended


async def org_is_gone(tx: Transaction, origins: Collection[str]) -> int:
    """An org, reached at these origins, no longer knows us: what was allowed to it under the package is at an end."""
    rows = await tx.all(
        select(oauth_app.c.id, oauth_app.c.redirect_uris).where(oauth_app.c.account_id == tx.account_id)
    )
    ended = 0
    for row in rows:
        if any(uri.startswith(f"{origin}{ORG_CALLBACK}") for uri in row.redirect_uris for origin in origins):
            this = await _end(tx, oauth_grant.c.app_id == row.id, "org_gone")
            if this:
                tx.announce("oauth_app", row.id)
            ended += this
    return ended


async def _end(tx: Transaction, which: Any, why: str) -> int:
    ended = await tx.all(
        update(oauth_grant)
        .where(oauth_grant.c.account_id == tx.account_id, oauth_grant.c.ended_at.is_(None), which)
        .values(ended_at=tx.now, ended_why=why)
        .returning(oauth_grant.c.id)
    )
    if ended:
        await tx.execute(
            delete(oauth_token).where(
                oauth_token.c.account_id == tx.account_id,
                oauth_token.c.grant_id.in_([row.id for row in ended]),
            )
        )
    return len(ended)


async def _spend(tx: Transaction, code_hash: bytes, grant_id: UUID | None) -> None:
    await tx.execute(
        update(oauth_code)
        .where(oauth_code.c.account_id == tx.account_id, oauth_code.c.code_hash == code_hash)
        .values(used_at=tx.now, grant_id=grant_id)
    )


async def _cannot(tx: Transaction, user_id: UUID, scopes: Sequence[str]) -> str | None:
    """Why the user's permission is worth nothing now, if so."""
    user = await tx.one(
        select(app_user.c.active, app_user.c.roles).where(
            app_user.c.account_id == tx.account_id, app_user.c.id == user_id
        )
    )
    if user is None or not user.active or not_theirs(scopes, user.roles):
        return "The user may not allow this any more."
    return None


async def _issue(tx: Transaction, grant_id: UUID, scopes: Sequence[str], all_scopes: Sequence[str]) -> Issued:
    issued = Issued(f"tla_{secrets.token_urlsafe(32)}", f"tlr_{secrets.token_urlsafe(32)}", scopes)
    rows: tuple[tuple[str, str, Sequence[str], datetime], ...] = (
        (issued.access_token, "access", scopes, tx.now + ACCESS_LIFE),
        (issued.refresh_token, "refresh", all_scopes, tx.now + REFRESH_LIFE),
    )
    await tx.execute(
        insert(oauth_token),
        [
            {
                "account_id": tx.account_id,
                "token_hash": digest(token),
                "grant_id": grant_id,
                "kind": kind,
                "scopes": list(of),
                "created_at": tx.now,
                "expires_at": until,
            }
            for token, kind, of, until in rows
        ],
    )
    return issued
