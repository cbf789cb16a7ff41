"""The authorisation endpoint's rules: what an app may ask of a user, what the user allowed, and the code for it.

What always holds: an answer goes only to a callback address of the app, exactly as registered; a code is good
once, for fifteen minutes, for its app, address and verifier.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ..orgs import Org
from .apps import App, find_app, is_preapproved, may_use, scope_word
from .auth import token_hash

CODE_MINUTES = 15
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43,128}")


@dataclass(frozen=True, slots=True)
class Authorization:
    """A checked authorisation request. `immediate`: no page may be shown."""

    app: App
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None
    nonce: str | None
    prompt: frozenset[str]
    login_hint: str
    immediate: bool

    def refused(self, error: str, description: str) -> str:
        """The callback address with an error."""
        values = {"error": error, "error_description": description, "state": self.state}
        return callback(self.redirect_uri, values)


class RedirectRefused(Exception):
    """A request that must not be answered by a redirect; `key` names the page's sentence."""

    def __init__(self, key: str, code: str):
        super().__init__(code)
        self.key = key
        self.code = code


class RedirectError(Exception):
    """A refusal that the app is told at its callback address."""

    def __init__(self, location: str):
        super().__init__(location)
        self.location = location


def callback(uri: str, values: Mapping[str, str | None]) -> str:
    """A callback address with parameters added to whatever query it has."""
    parts = urlsplit(uri)
    query = parse_qsl(parts.query, keep_blank_values=True)
    query += [(name, value) for name, value in values.items() if value is not None]
    return urlunsplit(parts._replace(query=urlencode(query), fragment=""))


async def check_authorization(conn: Any, org: Org, query: Mapping[str, str]) -> Authorization:
    """What an authorisation request asks for, or why it is refused and where that is said."""
    app = await find_app(conn, org, query.get("client_id", ""))
    if app is None:
        raise RedirectRefused("error_client", "invalid_client_id")
    redirect_uri = query.get("redirect_uri") or (app.callbacks[0] if len(app.callbacks) == 1 else "")
    if redirect_uri not in app.callbacks:
        raise RedirectRefused("error_redirect", "redirect_uri_mismatch")
    state = query.get("state")

    def refuse(error: str, description: str) -> RedirectError:
        values = {"error": error, "error_description": description, "state": state}
        return RedirectError(callback(redirect_uri, values))

    if query.get("response_type") != "code":
        raise refuse("unsupported_response_type", "response type not supported")
    wanted = query.get("scope", "").split()
    scopes: list[str] = []
    for name in wanted:
        word = scope_word(name)
        if word is None or not app.allows(word):
            raise refuse("invalid_scope", f"the requested scope is not allowed: {name[:60]}")
        if word not in scopes:
            scopes.append(word)
    challenge = query.get("code_challenge") or None
    if challenge is None and app.pkce_required:
        raise refuse("invalid_request", "missing required code challenge")
    if challenge is not None and (
        query.get("code_challenge_method", "S256") != "S256" or not _CHALLENGE.fullmatch(challenge)
    ):
        raise refuse("invalid_request", "invalid code challenge")
    return Authorization(
        app,
        redirect_uri,
        tuple(scopes) or app.scopes,
        state,
        challenge,
        query.get("nonce"),
        frozenset(query.get("prompt", "").split()) - {"none"},
        query.get("login_hint", "")[:80],
        query.get("immediate") == "true" or query.get("prompt") == "none",
    )


async def is_approved(conn: Any, user_id: str, asked: Authorization) -> bool:
    """True where the user, or an administrator for the user, has allowed this app at least these scopes."""
    if asked.app.permitted == "approved":
        return await is_preapproved(conn, asked.app, user_id)
    scopes = await conn.fetchval(
        "SELECT scopes FROM auth.approval WHERE user_id = $1 AND client_id = $2", user_id, asked.app.client_id
    )
    return scopes is not None and set(asked.scopes) <= set(scopes)


async def approve(conn: Any, user_id: str, client_id: str, scopes: Sequence[str]) -> None:
    """Remembers what the user allowed, beside what was allowed before."""
    await conn.execute(
        "INSERT INTO auth.approval (user_id, client_id, scopes) VALUES ($1, $2, $3)"
        " ON CONFLICT (user_id, client_id) DO UPDATE SET scopes ="
        " (SELECT array_agg(DISTINCT s ORDER BY s) FROM unnest(auth.approval.scopes || excluded.scopes) s)",
        user_id,
        client_id,
        list(scopes),
    )


async def app_refuses(conn: Any, user_id: str, asked: Authorization) -> str | None:
    """Where the app is told that this user may not use it, or None."""
    if await may_use(conn, asked.app, user_id):
        return None
    return asked.refused("OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app")


async def issue_code(conn: Any, org: Org, user_id: str, asked: Authorization) -> str:
    """The callback address with a fresh code."""
    code = f"aPrx{org.org_id[:15]}.{secrets.token_urlsafe(32)}"
    await conn.execute("DELETE FROM auth.code WHERE expires_at < now() - interval '1 day'")
    await conn.execute(
        "INSERT INTO auth.code (hash, client_id, user_id, redirect_uri, scopes, challenge, nonce, expires_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(mins => $8))",
        token_hash(code),
        asked.app.client_id,
        user_id,
        asked.redirect_uri,
        list(asked.scopes),
        asked.challenge,
        asked.nonce,
        CODE_MINUTES,
    )
    return callback(asked.redirect_uri, {"code": code, "state": asked.state})
