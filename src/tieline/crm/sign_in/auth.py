# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Who is asking: passwords, web sessions, access and refresh tokens.

Nothing that lets anybody in is stored readable: tokens, codes and session cookies as SHA-256 (they are random),
passwords as argon2id, client secrets sealed with the server's key because signatures need them again.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..access.questions import Caller
from ..orgs import Org as Org
from ..standard_setup import PERMISSIONS
from .guessing import guess_of, wait_or_note, was_right

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_HASHING = asyncio.Semaphore(2)
"""Two at once: each needs 19 MiB, and sign-ins must not starve everything else."""
_NOBODY = _HASHER.hash(secrets.token_urlsafe(16))
MIN_PASSWORD = 8
GRANTS_PER_APP = 5

_HELD = ", ".join(f"CASE WHEN bool_or(s.\"Permissions{name}\") THEN '{name}' END" for name in PERMISSIONS)
_USER_COLUMNS = """u."Id" AS user_id, u."Username" AS username, u."Name" AS name, u."FirstName" AS first_name,
 u."LastName" AS last_name, u."Email" AS email, u."LanguageLocaleKey" AS language, u."LocaleSidKey" AS locale,
 u."TimeZoneSidKey" AS time_zone, u."CallCenterId" AS call_center_id, p."Name" AS profile,
 held.permission_sets, held.permissions, (SELECT version FROM meta.catalogue) AS version"""
_NOT_FROZEN = """NOT EXISTS (SELECT 1 FROM data."UserLogin" l WHERE l."UserId" = u."Id" AND l."IsFrozen")"""
ASSIGNED_SETS = """SELECT held."PermissionSetId" FROM data."PermissionSetAssignment" held
 WHERE held."AssigneeId" = u."Id" AND NOT held."IsDeleted"
 AND (held."ExpirationDate" IS NULL OR held."ExpirationDate" > now())"""
"""Ids of the permission sets that a user `u` of a statement is assigned to and still holds."""
_USER_JOIN = f"""JOIN data."User" u ON u."Id" = %s AND u."IsActive" AND NOT u."IsDeleted" AND {_NOT_FROZEN}
 JOIN data."Profile" p ON p."Id" = u."ProfileId"
 CROSS JOIN LATERAL (
  SELECT array_agg(s."Id" ORDER BY s."Id") AS permission_sets, ARRAY[{_HELD}] AS permissions
  FROM data."PermissionSet" s WHERE NOT s."IsDeleted" AND ((s."ProfileId" = u."ProfileId" AND s."IsOwnedByProfile")
   OR s."Id" IN ({ASSIGNED_SETS}))) held"""


def token_hash(token: str) -> bytes:
    """How a random token is stored."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def seal(key: bytes, text: str, context: str) -> bytes:
    """`text` encrypted with AES-GCM; `context` must be the same on opening."""
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), context.encode())


def unseal(key: bytes, sealed: bytes, context: str) -> str | None:
    """The text again, or None where key, context or bytes are not the ones it was sealed with."""
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], context.encode()).decode()
    except InvalidTag:
        return None


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser at one of the org's origins."""

    caller: Caller
    csrf: str
    hash: bytes
    expires_at: Any
    version: int


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """A user by access token, and what the token is good for."""

    caller: Caller
    scopes: frozenset[str]
    client_id: str | None
    expires_at: Any
    version: int


def _caller(row: Any) -> Caller:
    return Caller(
        user_id=row["user_id"],
        username=row["username"],
        name=row["name"] or "",
        profile=row["profile"],
        language=row["language"] or "en_US",
        locale=row["locale"] or "en_US",
        time_zone=row["time_zone"] or "UTC",
        email=row["email"] or "",
        first_name=row["first_name"],
        last_name=row["last_name"] or "",
        call_center_id=row["call_center_id"],
        permission_sets=tuple(row["permission_sets"] or ()),
        permissions=frozenset(name for name in row["permissions"] if name),
    )


async def caller_of_user(conn: Any, user_id: str) -> Caller | None:
    """The caller for an active user."""
    row = await conn.fetchrow(
        f"SELECT {_USER_COLUMNS} FROM (SELECT $1::text AS id) w {_USER_JOIN % 'w.id'}", user_id
    )
    return _caller(row) if row else None


# -- passwords and sign-in -----------------------------------------------------------------------------------


async def set_password(conn: Any, user_id: str, password: str) -> None:
    """Stores a password and ends the user's sessions: those of browsers, and the access tokens of programs.

    What the user allowed apps to do stays allowed: refresh tokens are good until somebody revokes them.
    """
    async with _HASHING:
        hashed = await asyncio.to_thread(_HASHER.hash, password)
    await conn.execute(
        "INSERT INTO auth.password (user_id, hash) VALUES ($1, $2)"
        " ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = now()",
        user_id,
        hashed,
    )
    await end_sessions(conn, user_id)


async def end_sessions(conn: Any, user_id: str) -> None:
    """Ends all sessions of a user, and the codes that would become some."""
    await conn.execute("DELETE FROM auth.web_session WHERE user_id = $1", user_id)
    await conn.execute("DELETE FROM auth.code WHERE user_id = $1 AND used_grant IS NULL", user_id)
    await conn.execute("DELETE FROM auth.device WHERE user_id = $1", user_id)
    await conn.execute(
        "DELETE FROM auth.access_token WHERE grant_id IN (SELECT id FROM auth.grant WHERE user_id = $1)",
        user_id,
    )


async def check_password(org: Org, username: str, password: str) -> str | None:
    """The id of the active user whose password this is, or None. Takes as long for unknown names."""
    async with org.connection() as conn:
        row = await conn.fetchrow(
            'SELECT u."Id" AS id, p.hash FROM data."User" u JOIN auth.password p ON p.user_id = u."Id"'
            ' WHERE lower(u."Username") = lower($1) AND u."IsActive" AND NOT u."IsDeleted"'
            f" AND {_NOT_FROZEN}",
            username,
        )
    async with _HASHING:
        right = await asyncio.to_thread(_verify, row["hash"] if row else _NOBODY, password)
    return row["id"] if row and right else None


def _verify(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


_SECURITY_TOKEN = re.compile(r"(.+?)([A-Za-z0-9]{24,25})", re.DOTALL)
"""A password with a security token behind it, as programs send it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a user name and a password: a user, or nobody; `wait` seconds before the next is looked at."""

    user_id: str | None = None
    wait: int = 0


LoginType = Literal["Application", "Other Apex API", "Remote Access 2.0"]
"""How somebody signed in, as Salesforce's login history calls it: a browser, SOAP, OAuth."""
HISTORY_DAYS = 180


async def note_login(
    conn: Any,
    user_id: str,
    kind: LoginType,
    address: str,
    status: str = "Success",
    client_id: str | None = None,
) -> None:
    """A row of the login history, which is kept for half a year."""
    await conn.execute(
        "DELETE FROM auth.login_history WHERE at < now() - make_interval(days => $1)", HISTORY_DAYS
    )
    await conn.execute(
        "INSERT INTO auth.login_history (user_id, kind, status, address, client_id) VALUES ($1, $2, $3, $4, $5)",
        user_id,
        kind,
        status,
        address,
        client_id,
    )


async def attempt(
    org: Org, username: str, password: str, address: str, kind: LoginType, *, security_token: bool = False
) -> Attempt:
    """Looks at a user name and password, unless too many failed lately for this user or from this address.

    With `security_token` the password may have one appended (24 or 25 letters and digits). None is ever issued,
    so any is taken: this org trusts every network, as Salesforce does where the address is in a trusted range.
    """
    guess = guess_of(org, "user", username.strip().lower(), address)
    async with org.connection() as conn:
        wait = await wait_or_note(conn, guess)
    if wait:
        await _note_failure(org, username, kind, address, "Password Lockout")
        return Attempt(wait=wait)
    spellings = [password]
    with_token = _SECURITY_TOKEN.fullmatch(password) if security_token else None
    if with_token:
        spellings.append(with_token.group(1))
        if len(with_token.group(2)) == 25:
            spellings.append(password[:-24])
    for spelling in spellings:
        user_id = await check_password(org, username, spelling) if username and spelling else None
        if user_id is None:
            continue
        async with org.connection() as conn:
            await was_right(conn, guess)
            await conn.execute('UPDATE data."User" SET "LastLoginDate" = now() WHERE "Id" = $1', user_id)
            await note_login(conn, user_id, kind, address)
        return Attempt(user_id)
    await _note_failure(org, username, kind, address, "Invalid Password")
    return Attempt()


async def _note_failure(org: Org, username: str, kind: LoginType, address: str, status: str) -> None:
    """Only of users who exist: what strangers type is not kept."""
    async with org.connection() as conn:
        user_id = await conn.fetchval(
            'SELECT "Id" FROM data."User" WHERE lower("Username") = lower($1) AND NOT "IsDeleted"', username
        )
        if user_id is not None:
            await note_login(conn, user_id, kind, address, status)


# -- web sessions --------------------------------------------------------------------------------------------


async def open_session(conn: Any, kind: str, user_id: str, hours: int, parent: bytes | None = None) -> str:
    """A new web session; answers the secret for its cookie."""
    secret = secrets.token_urlsafe(32)
    await conn.execute("DELETE FROM auth.web_session WHERE expires_at < now()")
    await conn.execute(
        "INSERT INTO auth.web_session (hash, kind, user_id, csrf, expires_at, parent_hash)"
        " VALUES ($1, $2, $3, $4, now() + make_interval(hours => $5), $6)",
        token_hash(secret),
        kind,
        user_id,
        secrets.token_urlsafe(24),
        hours,
        parent,
    )
    return secret


async def find_session(conn: Any, kind: str, secret: str | None) -> Session | None:
    """The live session of a cookie."""
    if not secret:
        return None
    row = await conn.fetchrow(
        f"SELECT {_USER_COLUMNS}, s.csrf, s.hash, s.expires_at FROM auth.web_session s {_USER_JOIN % 's.user_id'}"
        " WHERE s.hash = $1 AND s.kind = $2 AND s.expires_at > now()",
        token_hash(secret),
        kind,
    )
    return Session(_caller(row), row["csrf"], row["hash"], row["expires_at"], row["version"]) if row else None


async def close_session(conn: Any, session: Session) -> None:
    """Ends a session, the one it came from, and all that came from that."""
    await conn.execute(
        "DELETE FROM auth.web_session WHERE hash = coalesce("
        "(SELECT parent_hash FROM auth.web_session WHERE hash = $1), $1) OR hash = $1",
        session.hash,
    )


# -- tokens --------------------------------------------------------------------------------------------------


async def session_minutes(conn: Any) -> int:
    """The org's session timeout, which is the lifetime of access tokens."""
    value = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'session_minutes'")
    return int(value or 120)


async def open_grant(
    conn: Any, client_id: str | None, user_id: str, scopes: Sequence[str], *, lasting: bool
) -> uuid.UUID:
    """A new authorisation of an app by a user; without an app it is a program that used the user's own password.

    A lasting one will get a refresh token: of more than five the least used are dropped. The others end with
    their access token. Call it within the transaction that issues the first token.
    """
    await conn.execute(
        "DELETE FROM auth.grant g WHERE user_id = $1 AND created_at < now() - interval '1 minute'"
        " AND NOT EXISTS (SELECT 1 FROM auth.access_token t WHERE t.grant_id = g.id AND t.expires_at > now())"
        " AND NOT EXISTS (SELECT 1 FROM auth.refresh_token r WHERE r.grant_id = g.id)",
        user_id,
    )
    grant_id = uuid.uuid4()
    await conn.execute(
        "INSERT INTO auth.grant (id, client_id, user_id, scopes) VALUES ($1, $2, $3, $4)",
        grant_id,
        client_id,
        user_id,
        list(scopes),
    )
    if lasting:
        await conn.execute(
            "DELETE FROM auth.grant WHERE id IN (SELECT id FROM auth.grant g WHERE user_id = $1 AND client_id = $2"
            " AND (id = $4 OR EXISTS (SELECT 1 FROM auth.refresh_token r WHERE r.grant_id = g.id))"
            " ORDER BY used_at DESC, created_at DESC OFFSET $3)",
            user_id,
            client_id,
            GRANTS_PER_APP,
            grant_id,
        )
    return grant_id


async def open_api_session(conn: Any, org: Org, user_id: str) -> str:
    """A session of a program that signed in with the user's own password, no app between: all the user may do."""
    async with conn.transaction():
        grant_id = await open_grant(conn, None, user_id, ["full"], lasting=False)
        return await issue_access_token(conn, org, grant_id)


async def end_access_token(conn: Any, token: str) -> bool:
    """Ends one access token; False where there was none."""
    gone = await conn.fetchval(
        "DELETE FROM auth.access_token WHERE hash = $1 RETURNING true", token_hash(token)
    )
    return bool(gone)


async def issue_access_token(conn: Any, org: Org, grant_id: uuid.UUID, minutes: int | None = None) -> str:
    """A new access token `{15-character org id}!...`, valid for `minutes`, else the org's session timeout."""
    token = f"{org.org_id[:15]}!{secrets.token_urlsafe(48).replace('-', '.')}"
    minutes = minutes or await session_minutes(conn)
    await conn.execute("DELETE FROM auth.access_token WHERE expires_at < now() - interval '1 day'")
    await conn.execute(
        "INSERT INTO auth.access_token (hash, grant_id, expires_at, minutes)"
        " VALUES ($1, $2, now() + make_interval(mins => $3), $3)",
        token_hash(token),
        grant_id,
        minutes,
    )
    await conn.execute("UPDATE auth.grant SET used_at = now() WHERE id = $1", grant_id)
    return token


async def issue_refresh_token(conn: Any, org: Org, grant_id: uuid.UUID) -> str:
    """A new refresh token. It names its org, so that any door of the server can redeem it."""
    token = f"5Aep{org.org_id[:15]}.{secrets.token_urlsafe(48)}"
    await conn.execute(
        "INSERT INTO auth.refresh_token (hash, grant_id) VALUES ($1, $2)", token_hash(token), grant_id
    )
    return token


async def holder_of(conn: Any, token: str) -> TokenHolder | None:
    """The user behind a live access token.

    Use in the second half of the session's time starts that time again, as Salesforce does it: a session that
    is used now and then lives on, and most requests write nothing.
    """
    hashed = token_hash(token)
    row = await conn.fetchrow(
        f"SELECT {_USER_COLUMNS}, g.scopes, g.client_id, t.expires_at,"
        " t.expires_at < now() + make_interval(secs => t.minutes * 30) AS ageing FROM auth.access_token t"
        f" JOIN auth.grant g ON g.id = t.grant_id {_USER_JOIN % 'g.user_id'}"
        " WHERE t.hash = $1 AND t.expires_at > now()",
        hashed,
    )
    if row is None:
        return None
    if row["ageing"]:
        await conn.execute(
            "UPDATE auth.access_token SET expires_at = now() + make_interval(mins => minutes) WHERE hash = $1",
            hashed,
        )
    return TokenHolder(
        _caller(row), frozenset(row["scopes"]), row["client_id"], row["expires_at"], row["version"]
    )


def org_id_of_token(token: str) -> str | None:
    """The org id that an access token, refresh token or code carries."""
    if token.startswith("5Aep") and len(token) > 19:
        return token[4:19]
    if token.startswith("aPrx") and len(token) > 19:
        return token[4:19]
    head, mark, _ = token.partition("!")
    return head if mark and len(head) == 15 else None
