"""The device flow: a program without a browser shows a code, and somebody enters it where there is one.

What always holds: a code is good for ten minutes, for its app and once; both codes are kept as hashes only, the
short one under the server's key.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..orgs import Org
from .apps import App, find_app, scope_word
from .auth import token_hash

CODE_MINUTES = 10
INTERVAL_S = 5
"""Seconds between two questions of a device."""
_TOLERATED_S = 0.5
"""How much sooner a device may ask: its clock and the network's delays are not ours."""
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Consonants, so that no code is a word."""
_LENGTH = 8
MAX_WAITING = 1000
"""Codes of one app that wait for somebody to enter them."""

State = Literal["waiting", "allowed", "denied"]


class DeviceRefused(Exception):
    """A refusal in OAuth's words."""

    def __init__(self, error: str, description: str):
        super().__init__(error)
        self.error = error
        self.description = description


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a device waits for: an app, what it asks for, and the code as people read it."""

    app: App
    scopes: tuple[str, ...]
    user_code: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """What somebody allowed a device."""

    user_id: str
    scopes: list[str]


def spelt(text: str) -> str:
    """A user code as it is kept: what people type may have other case, spaces and dashes."""
    return "".join(char for char in text.upper() if char.isalnum())[: 2 * _LENGTH]


def _kept(org: Org, user_code: str) -> bytes:
    return hashlib.blake2b(user_code.encode(), key=org.settings.data_key, digest_size=16).digest()


async def begin(conn: Any, org: Org, app: App, scope: str) -> tuple[str, str]:
    """A new device code and the user code for it. `DeviceRefused` where the app may not."""
    if not app.device_flow:
        raise DeviceRefused("unauthorized_client", "device flow is not enabled for this app")
    scopes: list[str] = []
    for name in scope.split():
        word = scope_word(name)
        if word is None or not app.allows(word):
            raise DeviceRefused("invalid_scope", f"the requested scope is not allowed: {name[:60]}")
        if word not in scopes:
            scopes.append(word)
    await conn.execute("DELETE FROM auth.device WHERE expires_at < now() - interval '1 hour'")
    waiting = await conn.fetchval(
        "SELECT count(*) FROM auth.device WHERE client_id = $1 AND state = 'waiting' AND expires_at > now()",
        app.client_id,
    )
    if waiting >= MAX_WAITING:
        raise DeviceRefused("temporarily_unavailable", "too many devices wait for an answer")
    device_code = f"aPrx{org.org_id[:15]}.{secrets.token_urlsafe(48)}"
    user_code = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    await conn.execute(
        "INSERT INTO auth.device (hash, user_code, client_id, scopes, expires_at)"
        " VALUES ($1, $2, $3, $4, now() + make_interval(mins => $5))",
        token_hash(device_code),
        _kept(org, user_code),
        app.client_id,
        scopes or list(app.scopes),
        CODE_MINUTES,
    )
    return device_code, user_code


async def waiting_for(conn: Any, org: Org, user_code: str) -> Waiting | None:
    """What the device with that user code waits for, while it does."""
    row = await conn.fetchrow(
        "SELECT client_id, scopes FROM auth.device"
        " WHERE user_code = $1 AND state = 'waiting' AND expires_at > now()",
        _kept(org, user_code),
    )
    app = await find_app(conn, org, row["client_id"]) if row else None
    return Waiting(app, tuple(row["scopes"]), user_code) if app else None


async def decide(conn: Any, org: Org, user_code: str, user_id: str, state: State) -> bool:
    """Notes what the user decided; False where the device waits no more."""
    return bool(
        await conn.fetchval(
            "UPDATE auth.device SET state = $3, user_id = $2"
            " WHERE user_code = $1 AND state = 'waiting' AND expires_at > now() RETURNING true",
            _kept(org, user_code),
            user_id,
            state,
        )
    )


async def ask(conn: Any, app: App, device_code: str) -> Allowed | DeviceRefused:
    """What became of a device code: what was allowed, once, or why there are no tokens (yet).

    Run it in a transaction with what is given for it; what it notes of a refusal must be kept.
    """
    row = await conn.fetchrow(
        "SELECT *, expires_at > now() AS live, extract(epoch FROM now() - asked_at) AS since FROM auth.device"
        " WHERE hash = $1 FOR UPDATE",
        token_hash(device_code),
    )
    if row is None or row["client_id"] != app.client_id:
        return DeviceRefused("invalid_grant", "invalid device code")
    if not row["live"]:
        return DeviceRefused("invalid_grant", "expired device code")
    if row["state"] == "waiting":
        await conn.execute("UPDATE auth.device SET asked_at = now() WHERE hash = $1", row["hash"])
        if row["since"] is not None and row["since"] < INTERVAL_S - _TOLERATED_S:
            return DeviceRefused("slow_down", "the device asks too often")
        return DeviceRefused("authorization_pending", "the user has not decided yet")
    await conn.execute("DELETE FROM auth.device WHERE hash = $1", row["hash"])
    if row["state"] == "denied":
        return DeviceRefused("access_denied", "end-user denied authorization")
    scopes: Sequence[str] = row["scopes"]
    return Allowed(row["user_id"], list(scopes))
