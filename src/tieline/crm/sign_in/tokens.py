"""The token endpoint: every grant type, refusals in Salesforce's words, revocation and introspection.

What always holds: a code that comes twice takes back what it gave, a rotated refresh token that comes again ends
its whole grant, and a refusal tells neither which users exist nor whether a password was looked at.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, cast

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ..access.questions import Caller
from ..orgs import Org
from . import auth, device, jws
from .apps import App, find_app, is_preapproved, may_use
from .guessing import guess_of, note, wait_of
from .openid import id_token, subject_of

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
PASSWORD_SETTING = "oauth_username_password"  # noqa: S105 - a setting's name
_KIND: auth.LoginType = "Remote Access 2.0"
_MAX_ASSERTION_S = 300
_SKEW_S = 60
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,256}")
"""RFC 7636 ends at 128 characters; Salesforce asks for 128 random bytes, which jsforce and its CLI write as 171."""


class OAuthError(Exception):
    """`{"error", "error_description"}` with its HTTP status."""

    def __init__(self, error: str, description: str, status: int = 400):
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status

    def body(self) -> dict[str, str]:
        """The body."""
        return {"error": self.error, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class Demand:
    """A request at the token endpoint: where it arrived, from where, and the form as sent."""

    org: Org
    form: Mapping[str, str]
    authorization: str | None
    origin: str
    address: str


async def token(demand: Demand) -> dict[str, Any]:
    """Answers with tokens, or to `response_type=device_code` with codes for the device flow.

    `OAuthError` where it refuses; what a replay takes back is committed even then.
    """
    asked = demand.form.get("response_type")
    if asked is not None and not demand.form.get("grant_type"):
        if asked != "device_code":
            raise OAuthError("unsupported_response_type", "response type not supported")
        return await _begin_device(demand)
    kind = demand.form.get("grant_type")
    if not kind:
        raise OAuthError("invalid_request", "grant_type is required")
    handler = _GRANTS.get(kind)
    if handler is None:
        raise OAuthError("unsupported_grant_type", "grant type not supported")
    return await handler(demand)


# -- who the client is ---------------------------------------------------------------------------------------


def client_credentials(form: Mapping[str, str], authorization: str | None) -> tuple[str, str | None]:
    """Consumer key and secret of a request, from the Basic header or the body."""
    if authorization and authorization[:6].lower() == "basic ":
        try:
            text = base64.b64decode(authorization[6:], validate=True).decode()
        except (binascii.Error, ValueError):
            raise OAuthError("invalid_client", "invalid client credentials") from None
        name, _, secret = text.replace("\x00", "").partition(":")
        return name, secret
    return form.get("client_id", ""), form.get("client_secret") or None


async def _authenticate(
    conn: Any, demand: Demand, *, public: Literal["code", "refresh", "device", "never"] = "code"
) -> App:
    """The app that asks. `public` says what for: an app may be let off its secret for codes and refresh tokens, and
    a device, which can keep none, always is.

    Wrong secrets are counted for the app and the address together: nobody can lock an app out elsewhere. At most
    one more than the pool has connections is looked at beyond the limit, since each holds one until it is counted.
    """
    org = demand.org
    client_id, secret = client_credentials(demand.form, demand.authorization)
    app = await find_app(conn, org, client_id)
    if app is None:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if secret is None:
        allowed = {
            "code": app.secret_optional,
            "refresh": not app.secret_for_refresh or app.secret_optional,
            "device": True,
            "never": False,
        }
        if allowed[public]:
            return app
        raise OAuthError("invalid_client", "client secret is required")
    guess = guess_of(org, "client", f"{client_id}\n{demand.address}", demand.address)
    waits = await wait_of(conn, guess)
    fits = app.secret is not None and hmac.compare_digest(
        app.secret.encode(), secret.encode("utf-8", "replace")
    )
    if waits or not fits:
        # Who has to wait is not told: that the guesses are no longer looked at is nothing to learn.
        if not waits:
            await note(conn, guess)
        raise OAuthError("invalid_client", "invalid client credentials")
    return app


# -- authorization_code --------------------------------------------------------------------------------------


async def _redeem_code(demand: Demand) -> dict[str, Any]:
    org, form = demand.org, demand.form
    hashed = auth.token_hash(form.get("code", ""))
    refusal: OAuthError | None = None
    async with org.connection() as conn:
        app = await _authenticate(conn, demand)
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
            caller = await auth.caller_of_user(conn, row["user_id"])
            if refusal is None and caller is None:
                refusal = OAuthError("inactive_user", "user is inactive")
            if refusal is None and caller is not None:
                return await _granted(conn, demand, app, caller, row["scopes"], hashed, row["nonce"])
            # A code that was shown wrongly is spent: whoever holds it cannot try again.
            await conn.execute("DELETE FROM auth.code WHERE hash = $1 AND used_grant IS NULL", hashed)
    assert refusal is not None
    raise refusal


async def _granted(
    conn: Any,
    demand: Demand,
    app: App,
    caller: Caller,
    scopes: Sequence[str],
    code: bytes | None = None,
    nonce: str | None = None,
) -> dict[str, Any]:
    """Tokens for what a user has just allowed, a refresh token among them where that was asked for."""
    lasting = "refresh_token" in scopes
    grant_id = await auth.open_grant(conn, app.client_id, caller.user_id, scopes, lasting=lasting)
    if code is not None:
        await conn.execute("UPDATE auth.code SET used_grant = $2 WHERE hash = $1", code, grant_id)
    access = await auth.issue_access_token(conn, demand.org, grant_id, app.session_minutes)
    refresh = await auth.issue_refresh_token(conn, demand.org, grant_id) if lasting else None
    await auth.note_login(conn, caller.user_id, _KIND, demand.address, client_id=app.client_id)
    return await _answer(conn, demand, app, caller, scopes, access, refresh=refresh, nonce=nonce)


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


# -- device ----------------------------------------------------------------------------------------------------


async def _begin_device(demand: Demand) -> dict[str, Any]:
    """Codes for a device: one to ask with, and one for people to enter at the address beside it."""
    org = demand.org
    async with org.connection() as conn:
        app = await _authenticate(conn, demand, public="device")
        try:
            device_code, user_code = await device.begin(conn, org, app, demand.form.get("scope", ""))
        except device.DeviceRefused as refused:
            raise OAuthError(refused.error, refused.description) from None
    secure = demand.origin.startswith("https:")
    return {
        "device_code": device_code,
        "user_code": user_code,
        "verification_uri": f"{org.settings.my_origin(org.name, secure=secure)}/setup/connect",
        "interval": device.INTERVAL_S,
    }


async def _device(demand: Demand) -> dict[str, Any]:
    """Tokens for a device whose code somebody entered and allowed."""
    org = demand.org
    async with org.connection() as conn:
        app = await _authenticate(conn, demand, public="device")
        async with conn.transaction():
            found = await device.ask(conn, app, demand.form.get("code", ""))
            if isinstance(found, device.Allowed):
                caller = await auth.caller_of_user(conn, found.user_id)
                if caller is None:
                    raise OAuthError("inactive_user", "user is inactive")
                if not await may_use(conn, app, caller.user_id):
                    raise OAuthError("invalid_grant", "user is not admin approved to access this app")
                return await _granted(conn, demand, app, caller, found.scopes)
    raise OAuthError(found.error, found.description)


# -- refresh_token -------------------------------------------------------------------------------------------


async def _refresh(demand: Demand) -> dict[str, Any]:
    org, form = demand.org, demand.form
    hashed = auth.token_hash(form.get("refresh_token", ""))
    refusal = OAuthError("invalid_grant", "expired access/refresh token")
    async with org.connection() as conn:
        app = await _authenticate(conn, demand, public="refresh")
        async with conn.transaction():
            row = await conn.fetchrow(
                "SELECT r.replaced_at, r.created_at AS issued_at, r.used_at AS last_used_at, g.*, now() AS now"
                " FROM auth.refresh_token r JOIN auth.grant g ON g.id = r.grant_id"
                " WHERE r.hash = $1 AND g.client_id = $2 FOR UPDATE",
                hashed,
                app.client_id,
            )
            if row is None or (row["replaced_at"] is None and _is_over(app, row)):
                raise refusal
            if row["replaced_at"] is None:
                caller = await auth.caller_of_user(conn, row["user_id"])
                if caller is None:
                    raise OAuthError("inactive_user", "user is inactive")
                if not await may_use(conn, app, caller.user_id):
                    raise OAuthError("invalid_grant", "user is not admin approved to access this app")
                refresh = None
                if app.rotate_refresh:
                    await conn.execute(
                        "UPDATE auth.refresh_token SET replaced_at = now() WHERE hash = $1", hashed
                    )
                    refresh = await auth.issue_refresh_token(conn, org, row["id"])
                else:
                    await conn.execute(
                        "UPDATE auth.refresh_token SET used_at = now() WHERE hash = $1", hashed
                    )
                access = await auth.issue_access_token(conn, org, row["id"], app.session_minutes)
                return await _answer(conn, demand, app, caller, row["scopes"], access, refresh=refresh)
            # A rotated token seen again: somebody else has a copy. All of the grant ends.
            await conn.execute("DELETE FROM auth.grant WHERE id = $1", row["id"])
    raise refusal


def _is_over(app: App, row: Any) -> bool:
    """True where the app's policy has ended the refresh token. A lifetime begins with the authorisation."""
    if app.refresh_policy == "zero":
        return True
    seconds = app.refresh_seconds or 0
    if app.refresh_policy == "lifetime":
        return bool((row["now"] - row["created_at"]).total_seconds() >= seconds)
    if app.refresh_policy == "inactivity":
        return bool((row["now"] - row["last_used_at"]).total_seconds() >= seconds)
    return False


# -- JWT bearer ----------------------------------------------------------------------------------------------


async def _jwt_bearer(demand: Demand) -> dict[str, Any]:
    """A token for the user whom an app's signed assertion names, if that user or an administrator approved it."""
    org, assertion = demand.org, demand.form.get("assertion", "")
    invalid = OAuthError("invalid_grant", "invalid assertion")
    try:
        claims = jws.peek(assertion)
    except jws.TokenRefused:
        raise invalid from None
    async with org.connection() as conn:
        app = await find_app(conn, org, str(claims.get("iss", "")).replace("\x00", ""))
        if app is None or app.certificate is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        certificate = x509.load_pem_x509_certificate(app.certificate.encode())
        if not certificate.not_valid_before_utc <= datetime.now(UTC) <= certificate.not_valid_after_utc:
            raise OAuthError("invalid_grant", "certificate is expired")
        try:
            claims = jws.verify(assertion, cast(RSAPublicKey, certificate.public_key()))
        except jws.TokenRefused:
            raise invalid from None
        _check_claims(claims, demand)
        async with conn.transaction():
            username = str(claims.get("sub") or claims.get("prn") or "").replace("\x00", "")
            user_id = await conn.fetchval(
                'SELECT "Id" FROM data."User" WHERE lower("Username") = lower($1) AND NOT "IsDeleted"',
                username,
            )
            scopes = await _approved_scopes(conn, app, user_id) if user_id else []
            if not scopes:
                raise OAuthError("invalid_grant", "user hasn't approved this consumer")
            caller = await auth.caller_of_user(conn, user_id)
            if caller is None:
                raise OAuthError("invalid_grant", "inactive_user")
            await auth.note_login(conn, caller.user_id, _KIND, demand.address, client_id=app.client_id)
            return await _short(conn, demand, app, caller, scopes)


def _check_claims(claims: Mapping[str, Any], demand: Demand) -> None:
    """Audience and time of an assertion."""
    org = demand.org
    origins = {
        demand.origin,
        org.settings.base_origin,
        org.settings.my_origin(org.name),
        org.settings.my_origin(org.name, secure=True),
        "https://login.salesforce.com",
        "https://test.salesforce.com",
    }
    heard: Any = claims.get("aud")
    audience: list[Any] = heard if isinstance(heard, list) else [heard]
    if not any(
        isinstance(text, str) and text.rstrip("/").removesuffix("/services/oauth2/token") in origins
        for text in audience
    ):
        raise OAuthError("invalid_grant", "audience is invalid")
    now, ends, begins = time.time(), _moment(claims.get("exp")), _moment(claims.get("nbf", 0))
    if ends is None or begins is None:
        raise OAuthError("invalid_grant", "invalid assertion")
    if ends <= now - _SKEW_S:
        raise OAuthError("invalid_grant", "assertion is expired")
    if ends > now + _MAX_ASSERTION_S + _SKEW_S or begins > now + _SKEW_S:
        raise OAuthError("invalid_grant", "invalid assertion")


def _moment(value: Any) -> float | None:
    """A claim of time in seconds. simple-salesforce writes it as text, Salesforce's own CLI in milliseconds."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,15}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e15:
        return None
    return value / 1000 if value > 1e11 else float(value)


async def _approved_scopes(conn: Any, app: App, user_id: str) -> list[str]:
    """What an assertion can count on: all where an administrator approved, else what the user's own standing
    approvals with a refresh token allow together."""
    if app.permitted == "approved":
        return list(app.scopes) if await is_preapproved(conn, app, user_id) else []
    rows = await conn.fetch(
        "SELECT scopes FROM auth.grant g WHERE g.user_id = $1 AND g.client_id = $2 AND EXISTS"
        " (SELECT 1 FROM auth.refresh_token r WHERE r.grant_id = g.id AND r.replaced_at IS NULL)",
        user_id,
        app.client_id,
    )
    approved = {scope for row in rows for scope in row["scopes"]}
    return [scope for scope in app.scopes if scope in approved]


# -- client_credentials and password -------------------------------------------------------------------------


async def _client_credentials(demand: Demand) -> dict[str, Any]:
    """A token for the user whom an administrator made the app run as."""
    org = demand.org
    async with org.connection() as conn:
        app = await _authenticate(conn, demand, public="never")
        if app.run_as is None:
            raise OAuthError("invalid_grant", "no client credentials user enabled")
        async with conn.transaction():
            caller = await auth.caller_of_user(conn, app.run_as)
            if caller is None:
                raise OAuthError("invalid_grant", "no client credentials user enabled")
            await auth.note_login(conn, caller.user_id, _KIND, demand.address, client_id=app.client_id)
            return await _short(conn, demand, app, caller, app.scopes)


async def _password(demand: Demand) -> dict[str, Any]:
    """A token for a user name and password, only where the org allows programs to ask for passwords."""
    org, form = demand.org, demand.form
    failure = OAuthError("invalid_grant", "authentication failure")
    async with org.connection() as conn:
        app = await _authenticate(conn, demand, public="never")
        if (
            await conn.fetchval("SELECT value FROM meta.setting WHERE name = $1", PASSWORD_SETTING)
            is not True
        ):
            raise failure
    username, password = form.get("username", "")[:80].strip(), form.get("password", "")[:250]
    tried = await auth.attempt(org, username, password, demand.address, _KIND, security_token=True)
    if tried.user_id is None:
        raise failure
    async with org.connection() as conn, conn.transaction():
        caller = await auth.caller_of_user(conn, tried.user_id)
        if caller is None:
            raise failure
        if not await may_use(conn, app, caller.user_id):
            raise OAuthError("invalid_grant", "user is not admin approved to access this app")
        return await _short(conn, demand, app, caller, app.scopes)


async def _short(
    conn: Any, demand: Demand, app: App, caller: Caller, scopes: Sequence[str]
) -> dict[str, Any]:
    """An access token without a refresh token: whoever got it can ask again."""
    given = [scope for scope in scopes if scope != "refresh_token"]
    grant_id = await auth.open_grant(conn, app.client_id, caller.user_id, given, lasting=False)
    access = await auth.issue_access_token(conn, demand.org, grant_id, app.session_minutes)
    return await _answer(conn, demand, app, caller, given, access)


async def _answer(
    conn: Any,
    demand: Demand,
    app: App,
    caller: Caller,
    scopes: Sequence[str],
    access: str,
    *,
    refresh: str | None = None,
    nonce: str | None = None,
) -> dict[str, Any]:
    org = demand.org
    issued_at = str(int(time.time() * 1000))
    identity = f"{demand.origin}/id/{org.org_id}/{caller.user_id}"
    signature = hmac.new(app.signature_key(org), (identity + issued_at).encode(), hashlib.sha256).digest()
    answer = {
        "access_token": access,
        "instance_url": demand.origin,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
        "signature": base64.b64encode(signature).decode(),
        "scope": " ".join(scopes),
    }
    if refresh:
        answer["refresh_token"] = refresh
    if "openid" in scopes:
        answer["id_token"] = await id_token(
            conn, org, app.client_id, caller.user_id, access, nonce, demand.origin
        )
    return answer


_GRANTS: Mapping[str, Callable[[Demand], Awaitable[dict[str, Any]]]] = {
    "authorization_code": _redeem_code,
    "device": _device,
    "refresh_token": _refresh,
    JWT_BEARER: _jwt_bearer,
    "client_credentials": _client_credentials,
    "password": _password,
}


# -- revocation and introspection ----------------------------------------------------------------------------


async def revoke(org: Org, text: str) -> None:
    """Ends a token; a refresh token takes its access tokens with it. `invalid_token` where there is none."""
    if not text:
        raise OAuthError("invalid_request", "token is required")
    async with org.connection() as conn, conn.transaction():
        gone = await conn.fetchval(
            "DELETE FROM auth.grant WHERE id IN (SELECT grant_id FROM auth.refresh_token"
            " WHERE hash = $1 AND replaced_at IS NULL) RETURNING true",
            auth.token_hash(text),
        )
        if not gone and not await auth.end_access_token(conn, text):
            raise OAuthError("invalid_token", "invalid token: unknown")


async def introspect(demand: Demand) -> dict[str, Any]:
    """What a token is worth, for the app it was given to, or for an app that may look at all."""
    org = demand.org
    async with org.connection() as conn:
        app = await _authenticate(conn, demand)
        row = await conn.fetchrow(
            "SELECT g.client_id, g.user_id, g.scopes, t.created_at, t.expires_at FROM auth.access_token t"
            " JOIN auth.grant g ON g.id = t.grant_id"
            " WHERE t.hash = $1 AND t.expires_at > now() AND (g.client_id = $2 OR $3) UNION ALL"
            " SELECT g.client_id, g.user_id, g.scopes, r.created_at, NULL FROM auth.refresh_token r"
            " JOIN auth.grant g ON g.id = r.grant_id"
            " WHERE r.hash = $1 AND r.replaced_at IS NULL AND (g.client_id = $2 OR $3)",
            auth.token_hash(demand.form.get("token", "")),
            app.client_id,
            app.introspect_all,
        )
        caller = await auth.caller_of_user(conn, row["user_id"]) if row else None
    if row is None or caller is None:
        return {"active": False}
    issued = int(row["created_at"].timestamp())
    answer: dict[str, Any] = {
        "active": True,
        "scope": " ".join(row["scopes"]),
        "client_id": row["client_id"],
        "username": caller.username,
        "sub": subject_of(org, caller.user_id, demand.origin),
        "token_type": "access_token" if row["expires_at"] else "refresh_token",
        "iat": issued,
        "nbf": issued,
    }
    if row["expires_at"]:
        answer["exp"] = int(row["expires_at"].timestamp())
    return answer
