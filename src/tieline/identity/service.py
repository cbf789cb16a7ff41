"""Signing in and out: sessions of the portal and of callbars, and the hand-over between the two.

A token is 32 random bytes; only its SHA-256 is stored. A callbar's session is bound to one connection and is
made from a portal session by a one-time code: the pop-up gets the code for a challenge, the frame that kept
the challenge's secret redeems it (see `docs/decisions`, sign-in in a third-party frame).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, insert, select, update

from tieline import audit
from tieline.db.database import Database, Transaction
from tieline.errors import NotAllowed, NotSignedIn, TielineError
from tieline.identity import accounts, attempts, roles, second_step, sessions
from tieline.identity.attempts import key_of
from tieline.identity.passwords import password_fits
from tieline.identity.second_step import CodeNeeded, CodeWrong
from tieline.identity.tables import account, app_user, callbar_grant, session
from tieline.ids import new_id
from tieline.vault import Vault

PORTAL_LIFE = timedelta(hours=12)
CALLBAR_LIFE = timedelta(hours=14)
"""A callbar's session outlasts a shift; its socket lives with it."""
CALLBAR_LONGEST = timedelta(days=7)
"""However often it is renewed, a callbar's session asks for the password again after this."""
GRANT_LIFE = timedelta(seconds=30)
FAILURE_WINDOW = timedelta(minutes=5)
FAILURES_PER_EMAIL = 8
FAILURES_PER_ADDRESS = 40
"""Wrong passwords within `FAILURE_WINDOW` before signing in is refused for a while."""
CODE_WINDOW = timedelta(hours=1)
CODES_PER_USER = 10
"""Wrong codes within `CODE_WINDOW`: whoever knows the password does not get a million tries."""
_USED_EVERY = timedelta(minutes=1)
"""A session's last use is written down no more often."""


class CredentialsWrong(TielineError):
    """E-mail and password do not belong together; which of them is wrong is not told."""

    code, status = "credentials_wrong", 401


class GrantInvalid(TielineError):
    """A callbar's one-time code is unknown, used, too old or not for this frame."""

    code, status = "code_invalid", 403


class NoClientIntegration(TielineError):
    """The user's client integration is not switched on for this connection."""

    code, status = "user_without_client_integration", 403


@dataclass(frozen=True, slots=True)
class Came:
    """Where somebody came from: network address, browser and system."""

    address: str
    device: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is signed in, and through which session."""

    session_id: UUID
    account_id: UUID
    account_name: str
    user_id: UUID
    name: str
    email: str
    language: str
    roles: frozenset[str]
    kind: str
    connection_id: UUID | None
    expires_at: datetime
    time_zone: str = "UTC"
    """The account's: times are shown in it."""
    second_step: bool = False
    """The user has switched a second step on."""
    must_add_step: bool = False
    """The account wants a second step of this user, who has none yet; until then nothing else is open."""

    @property
    def manages(self) -> bool:
        """Whether the user may see everybody's engagements and agents."""
        return self.may("all_engagements")

    def may(self, right: str) -> bool:
        """Whether the user has the right of this key."""
        return roles.may(self.roles, right)

    @property
    def by(self) -> audit.By:
        """As changes that the user makes are told."""
        return audit.By(self.user_id, self.name)

    def need(self, right: str) -> None:
        """Raise `NotAllowed` unless the user has the right of this key."""
        if not self.may(right):
            raise NotAllowed(needs=" / ".join(roles.roles_of(right)))


@dataclass(frozen=True, slots=True)
class Issued:
    """A new session; `token` is known to its holder only."""

    token: str
    expires_at: datetime
    who: SignedIn


def digest(text: str) -> bytes:
    """SHA-256 of a token or a key."""
    return hashlib.sha256(text.encode()).digest()


def csrf_token(key: bytes, session_id: UUID) -> str:
    """The token that writes with the session's cookie must carry in a header; it follows from the session."""
    return hmac.new(key, b"csrf:" + session_id.bytes, hashlib.sha256).hexdigest()[:32]


async def sign_in(
    db: Database,
    vault: Vault,
    email: str,
    password: str,
    *,
    code: str | None,
    came: Came,
    vanity: str | None = None,
) -> Issued:
    """A portal session; at a `vanity` name only for users of its account, all others look unknown there.

    Raises `CredentialsWrong`, `CodeNeeded` when the user has a second step and gave no code, `CodeWrong`, and
    `TooMany` after too many failures.
    """
    email = email.strip().lower()
    by_email, by_address = key_of(f"email:{email}"), key_of(f"from:{came.address}")
    async with db.system() as tx:
        await attempts.check(tx, by_email, limit=FAILURES_PER_EMAIL, window=FAILURE_WINDOW)
        await attempts.check(tx, by_address, limit=FAILURES_PER_ADDRESS, window=FAILURE_WINDOW)
        user = await tx.one(
            select(
                app_user.c.account_id, app_user.c.id, app_user.c.password_hash, app_user.c.totp_secret
            ).where(app_user.c.email == email, app_user.c.active)
        )
        if vanity is not None and user and user.account_id != await accounts.served_at(tx, vanity):
            user = None
    fits = await password_fits(user.password_hash if user else None, password)
    if not fits or user is None:
        async with db.system() as tx:
            await attempts.count(tx, by_email, by_address)
        raise CredentialsWrong
    by_code = key_of(f"code:{user.id}")
    if user.totp_secret is not None and not code:
        raise CodeNeeded
    async with db.system(user.account_id) as tx:
        if user.totp_secret is not None and code:
            await attempts.check(tx, by_code, limit=CODES_PER_USER, window=CODE_WINDOW)
        if user.totp_secret is None or (code and await second_step.passed(tx, vault, user.id, code)):
            await attempts.forget(tx, by_email, by_code)
            return await _issue(tx, user.account_id, user.id, "portal", None, PORTAL_LIFE, came)
        await attempts.count(tx, by_code, by_address)
    raise CodeWrong


async def _issue(
    tx: Transaction,
    account_id: UUID,
    user_id: UUID,
    kind: str,
    connection_id: UUID | None,
    life: timedelta,
    came: Came,
) -> Issued:
    token = secrets.token_urlsafe(32)
    await tx.execute(
        insert(session).values(
            account_id=account_id,
            id=new_id(),
            user_id=user_id,
            kind=kind,
            token_hash=digest(token),
            connection_id=connection_id,
            device=came.device,
            address=came.address,
            created_at=tx.now,
            last_used_at=tx.now,
            expires_at=tx.now + life,
        )
    )
    who = await _who(tx, token, kind)
    assert who is not None
    return Issued(token, who.expires_at, who)


async def _who(tx: Transaction, token: str, kind: str) -> SignedIn | None:
    row = await tx.one(
        select(
            session.c.id,
            session.c.account_id,
            account.c.name.label("account_name"),
            account.c.time_zone,
            session.c.user_id,
            app_user.c.name,
            app_user.c.email,
            app_user.c.language,
            app_user.c.roles,
            session.c.connection_id,
            session.c.expires_at,
            session.c.last_used_at,
            app_user.c.totp_secret.is_not(None).label("second_step"),
            account.c.managers_second_step,
        )
        .join(
            app_user, (app_user.c.account_id == session.c.account_id) & (app_user.c.id == session.c.user_id)
        )
        .join(account, account.c.id == session.c.account_id)
        .where(
            session.c.token_hash == digest(token),
            session.c.kind == kind,
            session.c.ended_at.is_(None),
            session.c.expires_at > tx.now,
            app_user.c.active,
        )
    )
    if row is None:
        return None
    if tx.now - row.last_used_at > _USED_EVERY:
        await tx.execute(
            update(session)
            .where(session.c.account_id == row.account_id, session.c.id == row.id)
            .values(last_used_at=tx.now)
        )
    manages = roles.may(row.roles, "all_engagements")
    return SignedIn(
        session_id=row.id,
        account_id=row.account_id,
        account_name=row.account_name,
        time_zone=row.time_zone,
        user_id=row.user_id,
        name=row.name,
        email=row.email,
        language=row.language,
        roles=frozenset(row.roles),
        kind=kind,
        connection_id=row.connection_id,
        expires_at=row.expires_at,
        second_step=row.second_step,
        must_add_step=row.managers_second_step and manages and not row.second_step,
    )


async def whose(db: Database, token: str | None, kind: str) -> SignedIn:
    """The session behind a token. Raises `NotSignedIn`."""
    if token:
        async with db.system() as tx:
            who = await _who(tx, token, kind)
        if who is not None:
            return who
    raise NotSignedIn


async def sign_out(db: Database, who: SignedIn) -> None:
    """End the session; sockets that hang on it are told by the bus."""
    async with db.account(who.account_id) as tx:
        await tx.execute(
            update(session)
            .where(session.c.account_id == who.account_id, session.c.id == who.session_id)
            .values(ended_at=func.coalesce(session.c.ended_at, tx.now))
        )
        tx.announce("session", who.session_id)


async def _check_agent(db: Database, who: SignedIn, connection_id: UUID) -> None:
    async with db.account(who.account_id) as tx:
        owned: UUID | None = await tx.scalar(
            select(app_user.c.connection_id).where(
                app_user.c.account_id == who.account_id, app_user.c.id == who.user_id
            )
        )
    if owned != connection_id:
        raise NoClientIntegration


async def grant_callbar(
    db: Database, who: SignedIn, *, connection_id: UUID, origin: str, challenge: str
) -> str:
    """A one-time code for the callbar frame that knows the secret behind `challenge`.

    The caller has checked that `origin` may embed this connection. Raises `NoClientIntegration`, `NotAllowed`.
    """
    await _check_agent(db, who, connection_id)
    code = secrets.token_urlsafe(32)
    async with db.account(who.account_id) as tx:
        await tx.execute(
            insert(callbar_grant).values(
                account_id=who.account_id,
                code_hash=digest(code),
                user_id=who.user_id,
                connection_id=connection_id,
                origin=origin,
                challenge=challenge,
                expires_at=tx.now + GRANT_LIFE,
            )
        )
    return code


def digits_of(secret: str) -> str:
    """The two digits that a frame shows for its secret, and that the user types into a pop-up without opener.

    They prove that whoever signed in sees the very frame that will get the session: a link sent by somebody
    else leads to a pop-up as well, but not to digits on the user's own screen.
    """
    return f"{int.from_bytes(digest(f'digits:{secret}')[:4]) % 100:02d}"


async def grant_by_digits(
    db: Database, who: SignedIn, *, connection_id: UUID, origin: str, challenge: str, digits: str
) -> None:
    """Let the frame that knows the secret behind `challenge` fetch a session, if the digits typed are its own.

    For pop-ups that have lost their opener and cannot hand a code over. Once per challenge.
    """
    await _check_agent(db, who, connection_id)
    async with db.account(who.account_id) as tx:
        await tx.execute(
            insert(callbar_grant).values(
                account_id=who.account_id,
                code_hash=digest(f"challenge:{challenge}:{secrets.token_urlsafe(8)}"),
                user_id=who.user_id,
                connection_id=connection_id,
                origin=origin,
                challenge=challenge,
                digits=digits,
                expires_at=tx.now + GRANT_LIFE,
            )
        )


async def collect_callbar(db: Database, *, connection_id: UUID, secret: str, came: Came) -> Issued | None:
    """The session that was granted by digits to the frame with this secret; None while nobody has granted one.

    Wrong digits spend the grant: the user has to begin anew. Raises `GrantInvalid`.
    """
    challenge = base64.urlsafe_b64encode(digest(secret)).rstrip(b"=").decode()
    async with db.system() as tx:
        rows = await tx.all(
            update(callbar_grant)
            .where(
                callbar_grant.c.challenge == challenge,
                callbar_grant.c.connection_id == connection_id,
                callbar_grant.c.digits.is_not(None),
                callbar_grant.c.used_at.is_(None),
                callbar_grant.c.expires_at > tx.now,
            )
            .values(used_at=tx.now)
            .returning(callbar_grant)
        )
        if not rows:
            return None
        if len(rows) == 1 and hmac.compare_digest(rows[0].digits, digits_of(secret)):
            return await _issue(
                tx, rows[0].account_id, rows[0].user_id, "callbar", connection_id, CALLBAR_LIFE, came
            )
    raise GrantInvalid


async def renew_callbar(db: Database, who: SignedIn) -> datetime:
    """Prolong a living callbar session; gives its new end. Raises `NotSignedIn` once it is too old or over."""
    async with db.account(who.account_id) as tx:
        row = await tx.one(
            update(session)
            .where(
                session.c.account_id == who.account_id,
                session.c.id == who.session_id,
                session.c.ended_at.is_(None),
                session.c.created_at > tx.now - CALLBAR_LONGEST,
            )
            .values(expires_at=tx.now + CALLBAR_LIFE)
            .returning(session.c.expires_at)
        )
    if row is None:
        raise NotSignedIn
    return row.expires_at


async def sign_out_everywhere(db: Database, who: SignedIn) -> int:
    """End every session of the user, portal and callbars alike; gives how many. Calls that are on go on."""
    async with db.account(who.account_id) as tx:
        return await sessions.end_others(tx, who.user_id, None)


async def redeem_callbar(db: Database, *, connection_id: UUID, code: str, secret: str, came: Came) -> Issued:
    """A callbar session for the code, once, for whoever knows the secret. Raises `GrantInvalid`."""
    challenge = base64.urlsafe_b64encode(digest(secret)).rstrip(b"=").decode()
    async with db.system() as tx:
        row = await tx.one(
            update(callbar_grant)
            .where(
                callbar_grant.c.code_hash == digest(code),
                callbar_grant.c.used_at.is_(None),
                callbar_grant.c.expires_at > tx.now,
            )
            .values(used_at=tx.now)
            .returning(callbar_grant)
        )
        if (
            row is not None
            and row.connection_id == connection_id
            and hmac.compare_digest(row.challenge, challenge)
        ):
            return await _issue(tx, row.account_id, row.user_id, "callbar", connection_id, CALLBAR_LIFE, came)
    # The code is spent even when it came from the wrong frame.
    raise GrantInvalid
