# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Who is asking: passwords, web sessions, access and refresh tokens.

Nothing that lets anybody in is stored readable: tokens, codes and session cookies as SHA-256 (they are random),
passwords as argon2id, client secrets sealed with the server's key because signatures need them again.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .access import Caller
from .orgs import Org as Org
from .standard_setup import PERMISSIONS

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
_USER_JOIN = f"""JOIN data."User" u ON u."Id" = %s AND u."IsActive" AND NOT u."IsDeleted" AND {_NOT_FROZEN}
 JOIN data."Profile" p ON p."Id" = u."ProfileId"
 CROSS JOIN LATERAL (
  SELECT array_agg(s."Id" ORDER BY s."Id") AS permission_sets, ARRAY[{_HELD}] AS permissions
  FROM data."PermissionSet" s WHERE NOT s."IsDeleted" AND ((s."ProfileId" = u."ProfileId" AND s."IsOwnedByProfile")
   OR s."Id" IN (SELECT a."PermissionSetId" FROM data."PermissionSetAssignment" a WHERE a."AssigneeId" = u."Id"
    AND NOT a."IsDeleted" AND (a."ExpirationDate" IS NULL OR a."ExpirationDate" > now())))) held"""


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
    client_id: str
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
    """Stores a password and ends the user's web sessions."""
    async with _HASHING:
        hashed = await asyncio.to_thread(_HASHER.hash, password)
    await conn.execute(
        "INSERT INTO auth.password (user_id, hash) VALUES ($1, $2)"
        " ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = now()",
        user_id,
        hashed,
    )
    await conn.execute("DELETE FROM auth.web_session WHERE user_id = $1", user_id)


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


_ATTEMPTS_PER_USER = 10
_ATTEMPTS_PER_ADDRESS = 100
_WINDOW_S = 300


def _attempt_keys(org: Org, username: str, address: str) -> tuple[bytes, bytes]:
    key = org.settings.data_key
    user = hashlib.blake2b(b"user:" + username.strip().lower().encode("utf-8", "replace"), key=key).digest()
    return user[:16], hashlib.blake2b(b"address:" + address.encode(), key=key).digest()[:16]


async def sign_in_wait(org: Org, username: str, address: str) -> int:
    """Seconds to wait before another try is looked at; 0 when one may try now."""
    user, place = _attempt_keys(org, username, address)
    async with org.connection() as conn:
        for key, allowed in ((user, _ATTEMPTS_PER_USER), (place, _ATTEMPTS_PER_ADDRESS)):
            oldest = await conn.fetchval(
                "SELECT extract(epoch FROM at + make_interval(secs => $3) - now())::int FROM auth.sign_in_failure"
                " WHERE key = $1 AND at > now() - make_interval(secs => $3) ORDER BY at DESC OFFSET $2 LIMIT 1",
                key,
                allowed - 1,
                float(_WINDOW_S),
            )
            if oldest is not None:
                return max(int(oldest), 1)
    return 0


async def note_failure(org: Org, username: str, address: str) -> None:
    """Counts a failed sign-in, by keyed hashes only."""
    async with org.connection() as conn:
        await conn.execute("DELETE FROM auth.sign_in_failure WHERE at < now() - interval '1 hour'")
        await conn.executemany(
            "INSERT INTO auth.sign_in_failure (key) VALUES ($1)",
            [(key,) for key in _attempt_keys(org, username, address)],
        )


async def forget_failures(org: Org, username: str) -> None:
    """A right password makes a user's earlier failures good."""
    user, _ = _attempt_keys(org, username, "")
    async with org.connection() as conn:
        await conn.execute("DELETE FROM auth.sign_in_failure WHERE key = $1", user)


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


async def open_grant(conn: Any, client_id: str, user_id: str, scopes: Sequence[str]) -> uuid.UUID:
    """A new authorisation of an app by a user; of more than five the least used are dropped."""
    grant_id = uuid.uuid4()
    await conn.execute(
        "INSERT INTO auth.grant (id, client_id, user_id, scopes) VALUES ($1, $2, $3, $4)",
        grant_id,
        client_id,
        user_id,
        list(scopes),
    )
    await conn.execute(
        "DELETE FROM auth.grant WHERE id IN (SELECT id FROM auth.grant WHERE user_id = $1 AND client_id = $2"
        " ORDER BY used_at DESC, created_at DESC OFFSET $3)",
        user_id,
        client_id,
        GRANTS_PER_APP,
    )
    return grant_id


async def issue_access_token(conn: Any, org: Org, grant_id: uuid.UUID) -> str:
    """A new access token `{15-character org id}!...`, valid for the org's session timeout."""
    token = f"{org.org_id[:15]}!{secrets.token_urlsafe(48).replace('-', '.')}"
    minutes = await session_minutes(conn)
    await conn.execute("DELETE FROM auth.access_token WHERE expires_at < now() - interval '1 day'")
    await conn.execute(
        "INSERT INTO auth.access_token (hash, grant_id, expires_at)"
        " VALUES ($1, $2, now() + make_interval(mins => $3))",
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
    """The user behind a live access token."""
    row = await conn.fetchrow(
        f"SELECT {_USER_COLUMNS}, g.scopes, g.client_id, t.expires_at FROM auth.access_token t"
        f" JOIN auth.grant g ON g.id = t.grant_id {_USER_JOIN % 'g.user_id'}"
        " WHERE t.hash = $1 AND t.expires_at > now()",
        token_hash(token),
    )
    if row is None:
        return None
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
