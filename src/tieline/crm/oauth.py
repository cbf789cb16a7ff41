"""OAuth 2.0 as Salesforce words it: authorize, token, revoke, introspect, userinfo, identity.

What always holds: an answer goes only to a callback address of the app, exactly as registered; a code is good
once, for fifteen minutes, for its app, address and verifier, and its repetition takes back what it gave.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from .access import Caller
from .auth import (
    TokenHolder,
    caller_of_user,
    issue_access_token,
    issue_refresh_token,
    open_grant,
    token_hash,
    unseal,
)
from .compile import zone_of
from .orgs import Org
from .values import format_datetime

CODE_MINUTES = 15
SCOPES: Mapping[str, str] = {
    "api": "api",
    "refreshtoken": "refresh_token",
    "offlineaccess": "refresh_token",
    "openid": "openid",
    "basic": "id",
    "id": "id",
    "profile": "profile",
    "email": "email",
    "web": "web",
    "full": "full",
    "custompermissions": "custom_permissions",
}
"""Scopes as metadata and requests spell them (without underscores and case) to the word on the wire."""
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43,128}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class OAuthError(Exception):
    """`{"error", "error_description"}` with its HTTP status."""

    def __init__(self, error: str, description: str, status: int = 400):
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> dict[str, str]:
        """The JSON body."""
        return {"error": self.error, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class App:
    """A client application."""

    client_id: str
    label: str
    secret: str | None
    callbacks: tuple[str, ...]
    scopes: tuple[str, ...]
    pkce_required: bool
    secret_optional: bool
    secret_for_refresh: bool
    rotate_refresh: bool


@dataclass(frozen=True, slots=True)
class Authorization:
    """A checked authorisation request."""

    app: App
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None
    challenge: str | None
    nonce: str | None
    prompt: frozenset[str]
    login_hint: str


def scope_word(text: str) -> str | None:
    """The wire word of a scope in any spelling, or None."""
    return SCOPES.get(text.strip().lower().replace("_", "").replace(" ", ""))


async def find_app(conn: Any, org: Org, client_id: str) -> App | None:
    """The app with that consumer key."""
    row = await conn.fetchrow("SELECT * FROM auth.app WHERE client_id = $1", client_id)
    if row is None:
        return None
    sealed = row["secret_sealed"]
    return App(
        client_id=row["client_id"],
        label=row["label"],
        secret=unseal(org.settings.data_key, sealed, f"{org.org_id}/{client_id}") if sealed else None,
        callbacks=tuple(row["callbacks"]),
        scopes=tuple(row["scopes"]),
        pkce_required=row["pkce_required"],
        secret_optional=row["secret_optional"],
        secret_for_refresh=row["secret_for_refresh"],
        rotate_refresh=row["rotate_refresh"],
    )


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
        if word is None or not (word in app.scopes or "full" in app.scopes):
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
        frozenset(query.get("prompt", "").split()),
        query.get("login_hint", "")[:80],
    )


async def is_approved(conn: Any, user_id: str, asked: Authorization) -> bool:
    """True where the user has allowed this app at least these scopes before."""
    scopes = await conn.fetchval(
        "SELECT scopes FROM auth.approval WHERE user_id = $1 AND client_id = $2", user_id, asked.app.client_id
    )
    return scopes is not None and set(asked.scopes) <= set(scopes)


async def approve(conn: Any, user_id: str, asked: Authorization) -> None:
    """Remembers what the user allowed."""
    await conn.execute(
        "INSERT INTO auth.approval (user_id, client_id, scopes) VALUES ($1, $2, $3)"
        " ON CONFLICT (user_id, client_id) DO UPDATE SET scopes = excluded.scopes",
        user_id,
        asked.app.client_id,
        list(asked.scopes),
    )


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


# -- token ---------------------------------------------------------------------------------------------------


def client_credentials(form: Mapping[str, str], authorization: str | None) -> tuple[str, str | None]:
    """Consumer key and secret of a request, from the Basic header or the body."""
    if authorization and authorization[:6].lower() == "basic ":
        try:
            text = base64.b64decode(authorization[6:], validate=True).decode()
        except ValueError:
            raise OAuthError("invalid_client", "invalid client credentials") from None
        name, _, secret = text.partition(":")
        return name, secret
    return form.get("client_id", ""), form.get("client_secret") or None


async def _authenticate(
    conn: Any, org: Org, form: Mapping[str, str], authorization: str | None, *, refreshing: bool = False
) -> App:
    client_id, secret = client_credentials(form, authorization)
    app = await find_app(conn, org, client_id)
    if app is None:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if secret is None:
        if app.secret_optional or (refreshing and not app.secret_for_refresh):
            return app
        raise OAuthError("invalid_client", "client secret is required")
    if app.secret is None or not hmac.compare_digest(app.secret.encode(), secret.encode()):
        raise OAuthError("invalid_client", "invalid client credentials")
    return app


async def token(
    conn: Any, org: Org, form: Mapping[str, str], authorization: str | None, origin: str
) -> dict[str, Any]:
    """The token endpoint. `OAuthError` where it refuses; what a replay takes back is committed even then."""
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return await _redeem_code(conn, org, form, authorization, origin)
    if kind == "refresh_token":
        return await _refresh(conn, org, form, authorization, origin)
    if not kind:
        raise OAuthError("invalid_request", "grant_type is required")
    raise OAuthError("unsupported_grant_type", "grant type not supported")


async def _redeem_code(
    conn: Any, org: Org, form: Mapping[str, str], authorization: str | None, origin: str
) -> dict[str, Any]:
    app = await _authenticate(conn, org, form, authorization)
    hashed = token_hash(form.get("code", ""))
    refusal: OAuthError | None = None
    async with conn.transaction():
        row = await conn.fetchrow(
            "SELECT *, expires_at > now() AS live FROM auth.code WHERE hash = $1 FOR UPDATE", hashed
        )
        if row is None or row["client_id"] != app.client_id:
            raise OAuthError("invalid_grant", "invalid authorization code")
        if row["used_grant"] is not None:
            await conn.execute("DELETE FROM auth.grant WHERE id = $1", row["used_grant"])
            refusal = OAuthError("invalid_grant", "expired authorization code")
        elif not row["live"]:
            refusal = OAuthError("invalid_grant", "expired authorization code")
        elif form.get("redirect_uri") != row["redirect_uri"]:
            refusal = OAuthError("redirect_uri_mismatch", "redirect_uri must match configuration")
        else:
            refusal = _check_verifier(row["challenge"], form.get("code_verifier"))
        caller = await caller_of_user(conn, row["user_id"])
        if refusal is None and caller is None:
            refusal = OAuthError("inactive_user", "user is inactive")
        if refusal is None and caller is not None:
            grant_id = await open_grant(conn, app.client_id, caller.user_id, row["scopes"])
            await conn.execute("UPDATE auth.code SET used_grant = $2 WHERE hash = $1", hashed, grant_id)
            access = await issue_access_token(conn, org, grant_id)
            refresh = (
                await issue_refresh_token(conn, org, grant_id) if "refresh_token" in row["scopes"] else None
            )
            return _token_answer(org, app, caller, row["scopes"], access, refresh, origin)
        # A code that was shown wrongly is spent: whoever holds it cannot try again.
        await conn.execute("DELETE FROM auth.code WHERE hash = $1 AND used_grant IS NULL", hashed)
    assert refusal is not None
    raise refusal


def _check_verifier(challenge: str | None, verifier: str | None) -> OAuthError | None:
    if challenge is None:
        return OAuthError("invalid_request", "code verifier was not expected") if verifier else None
    if not verifier:
        return OAuthError("invalid_grant", "code verifier is required")
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("utf-8", "replace")).digest())
    if not _VERIFIER.fullmatch(verifier) or not hmac.compare_digest(
        digest.rstrip(b"="), challenge.rstrip("=").encode()
    ):
        return OAuthError("invalid_request", "invalid code verifier")
    return None


async def _refresh(
    conn: Any, org: Org, form: Mapping[str, str], authorization: str | None, origin: str
) -> dict[str, Any]:
    app = await _authenticate(conn, org, form, authorization, refreshing=True)
    hashed = token_hash(form.get("refresh_token", ""))
    refusal = OAuthError("invalid_grant", "expired access/refresh token")
    async with conn.transaction():
        row = await conn.fetchrow(
            "SELECT r.replaced_at, g.* FROM auth.refresh_token r JOIN auth.grant g ON g.id = r.grant_id"
            " WHERE r.hash = $1 AND g.client_id = $2 FOR UPDATE",
            hashed,
            app.client_id,
        )
        if row is None:
            raise refusal
        caller = await caller_of_user(conn, row["user_id"])
        if caller is None:
            raise OAuthError("inactive_user", "user is inactive")
        if row["replaced_at"] is None:
            refresh = None
            if app.rotate_refresh:
                await conn.execute(
                    "UPDATE auth.refresh_token SET replaced_at = now() WHERE hash = $1", hashed
                )
                refresh = await issue_refresh_token(conn, org, row["id"])
            access = await issue_access_token(conn, org, row["id"])
            return _token_answer(org, app, caller, row["scopes"], access, refresh, origin)
        # A rotated token seen again: somebody else has a copy. All of the grant ends.
        await conn.execute("DELETE FROM auth.grant WHERE id = $1", row["id"])
    raise refusal


def _token_answer(
    org: Org, app: App, caller: Caller, scopes: list[str], access: str, refresh: str | None, origin: str
) -> dict[str, Any]:
    issued_at = str(int(time.time() * 1000))
    identity = f"{origin}/id/{org.org_id}/{caller.user_id}"
    key = (app.secret or "").encode()
    signature = hmac.new(key, (identity + issued_at).encode(), hashlib.sha256).digest()
    answer = {
        "access_token": access,
        "instance_url": origin,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
        "signature": base64.b64encode(signature).decode(),
        "scope": " ".join(scopes),
    }
    if refresh:
        answer["refresh_token"] = refresh
    return answer


async def revoke(conn: Any, text: str) -> None:
    """Ends a token; a refresh token takes its access tokens with it. `invalid_token` where there is none."""
    hashed = token_hash(text)
    async with conn.transaction():
        gone = await conn.fetchval(
            "DELETE FROM auth.grant WHERE id IN (SELECT grant_id FROM auth.refresh_token"
            " WHERE hash = $1 AND replaced_at IS NULL) RETURNING id",
            hashed,
        )
        if gone is None:
            gone = await conn.fetchval(
                "DELETE FROM auth.access_token WHERE hash = $1 RETURNING grant_id", hashed
            )
    if gone is None:
        raise OAuthError(
            "invalid_token", "invalid token: " + ("token is required" if not text else "unknown")
        )


async def introspect(
    conn: Any, org: Org, form: Mapping[str, str], authorization: str | None
) -> dict[str, Any]:
    """What a token is worth, for the app it was given to."""
    app = await _authenticate(conn, org, form, authorization)
    row = await conn.fetchrow(
        "SELECT g.*, t.expires_at AS ends FROM auth.access_token t JOIN auth.grant g ON g.id = t.grant_id"
        " WHERE t.hash = $1 AND t.expires_at > now() AND g.client_id = $2 UNION ALL"
        " SELECT g.*, NULL FROM auth.refresh_token r JOIN auth.grant g ON g.id = r.grant_id"
        " WHERE r.hash = $1 AND r.replaced_at IS NULL AND g.client_id = $2",
        token_hash(form.get("token", "")),
        app.client_id,
    )
    caller = await caller_of_user(conn, row["user_id"]) if row else None
    if row is None or caller is None:
        return {"active": False}
    answer = {
        "active": True,
        "scope": " ".join(row["scopes"]),
        "client_id": app.client_id,
        "username": caller.username,
        "sub": caller.user_id,
        "token_type": "access_token" if row["ends"] else "refresh_token",
        "iat": int(row["created_at"].timestamp()),
    }
    if row["ends"]:
        answer["exp"] = int(row["ends"].timestamp())
    return answer


# -- identity ------------------------------------------------------------------------------------------------


async def identity(
    conn: Any, org: Org, holder: TokenHolder, origin: str, version: str | None
) -> dict[str, Any]:
    """The identity document of the token's user."""
    caller = holder.caller
    row = await conn.fetchrow('SELECT * FROM data."User" WHERE "Id" = $1', caller.user_id)
    number = "67.0" if version == "latest" else version or "{version}"
    data = f"{origin}/services/data/v{number}"
    return {
        "id": f"{origin}/id/{org.org_id}/{caller.user_id}",
        "asserted_user": True,
        "user_id": caller.user_id,
        "organization_id": org.org_id,
        "username": caller.username,
        "nick_name": row["CommunityNickname"] or row["Alias"],
        "display_name": caller.name,
        "email": caller.email,
        "email_verified": True,
        "first_name": caller.first_name,
        "last_name": caller.last_name,
        "timezone": caller.time_zone,
        "photos": {"picture": None, "thumbnail": None},
        "addr_street": None,
        "addr_city": None,
        "addr_state": None,
        "addr_country": None,
        "addr_zip": None,
        "mobile_phone": row["MobilePhone"],
        "mobile_phone_verified": False,
        "is_lightning_login_user": False,
        "status": {"created_date": None, "body": None},
        "urls": {
            "rest": f"{data}/",
            "sobjects": f"{data}/sobjects/",
            "search": f"{data}/search/",
            "query": f"{data}/query/",
            "recent": f"{data}/recent/",
            "custom_domain": org.settings.my_origin(org.name),
        },
        "active": True,
        "user_type": "STANDARD",
        "language": caller.language,
        "locale": caller.locale,
        "utcOffset": _utc_offset(caller.time_zone),
        "last_modified_date": format_datetime(row["LastModifiedDate"]),
    }


async def userinfo(conn: Any, org: Org, holder: TokenHolder, origin: str) -> dict[str, Any]:
    """The OpenID claims of the token's user."""
    full = await identity(conn, org, holder, origin, None)
    caller = holder.caller
    return {
        "sub": full["id"],
        "user_id": caller.user_id,
        "organization_id": org.org_id,
        "preferred_username": caller.username,
        "nickname": full["nick_name"],
        "name": caller.name,
        "email": caller.email,
        "email_verified": True,
        "given_name": caller.first_name,
        "family_name": caller.last_name,
        "zoneinfo": caller.time_zone,
        "photos": full["photos"],
        "address": dict[str, str](),
        "active": True,
        "user_type": "STANDARD",
        "language": caller.language,
        "locale": caller.locale,
        "utcOffset": full["utcOffset"],
        "updated_at": full["last_modified_date"],
        "urls": full["urls"],
        "is_app_installed": True,
    }


def _utc_offset(zone: str) -> int:
    """Milliseconds east of UTC, without daylight saving, as Salesforce gives it."""
    january = datetime(2026, 1, 15, tzinfo=zone_of(zone)).utcoffset()
    return int(january.total_seconds() * 1000) if january else 0
