"""Tokens of external credentials: allowed by a person in the browser, sealed in the org's database, renewed when used.

No page and no API of the org ever gives a token or a client's secret out. Nothing waits for the network inside a
transaction; renewing happens one at a time, because a renewal token is good once.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from weakref import WeakKeyDictionary

from ..access.questions import Caller
from ..deploy.components import all_stored
from ..orgs import Org
from ..sign_in.auth import seal, token_hash, unseal
from .definitions import (
    CredentialMissing,
    Provider,
    callback_url,
    credential_of,
    may_use,
    named_of,
    provider_of,
)
from .outside import Answer, Unreachable, send

FLOW_MINUTES = 15
_EARLY = timedelta(seconds=30)
_renewing: WeakKeyDictionary[Org, dict[tuple[str, str], asyncio.Lock]] = WeakKeyDictionary()


class NotAuthenticated(Exception):
    """Nobody has allowed the principal, or what was allowed is worth nothing any more."""


class NoAccess(Exception):
    """No permission set opens the principal to the user."""


class Refused(Exception):
    """The provider did not give tokens: `error` is its word for why, or ours."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


@dataclass(frozen=True, slots=True)
class Principal:
    """An external credential's principal that a user may use, and its provider."""

    org: Org
    credential: str
    name: str
    provider: Provider

    def _sealed(self, text: str, what: str) -> bytes:
        return seal(
            self.org.settings.data_key, text, f"{self.org.org_id}/{what}/{self.credential}/{self.name}"
        )

    def _open(self, sealed: bytes | None, what: str) -> str | None:
        if sealed is None:
            return None
        return unseal(
            self.org.settings.data_key, sealed, f"{self.org.org_id}/{what}/{self.credential}/{self.name}"
        )

    async def keep_client(self, conn: Any, client_id: str, secret: str) -> None:
        """The client as which the org asks its provider; replaces an earlier one."""
        sealed = seal(self.org.settings.data_key, secret, f"{self.org.org_id}/client/{self.provider.name}")
        await conn.execute(
            "INSERT INTO auth.external_client (provider, client_id, secret_sealed) VALUES ($1, $2, $3)"
            " ON CONFLICT (provider) DO UPDATE SET client_id = excluded.client_id,"
            " secret_sealed = excluded.secret_sealed",
            self.provider.name,
            client_id,
            sealed,
        )

    async def _client(self, conn: Any) -> tuple[str, str]:
        row = await conn.fetchrow(
            "SELECT client_id, secret_sealed FROM auth.external_client WHERE provider = $1",
            self.provider.name,
        )
        context = f"{self.org.org_id}/client/{self.provider.name}"
        secret = unseal(self.org.settings.data_key, row["secret_sealed"], context) if row else None
        if row is None or secret is None:
            raise CredentialMissing(f"{self.provider.name} has no client id and secret")
        return row["client_id"], secret

    async def begin(self, conn: Any, user_id: str, return_path: str) -> str:
        """The address at which a user allows the principal."""
        client_id, _ = await self._client(conn)
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        await conn.execute("DELETE FROM auth.external_flow WHERE expires_at < now()")
        await conn.execute(
            "INSERT INTO auth.external_flow VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(mins => $7))",
            token_hash(state),
            self.credential,
            self.name,
            user_id,
            self._sealed(verifier, "verifier"),
            return_path,
            FLOW_MINUTES,
        )
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": callback_url(self.org, self.provider.name),
            "state": state,
        }
        if self.provider.scope:
            query["scope"] = self.provider.scope
        if self.provider.pkce:
            made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
            query |= {"code_challenge": made.decode(), "code_challenge_method": "S256"}
        joint = "&" if "?" in self.provider.authorize_url else "?"
        return f"{self.provider.authorize_url}{joint}{urlencode(query)}"

    async def finish(self, code: str, verifier: str, user_id: str) -> None:
        """Tokens for a code. Raises `Refused`, `Unreachable`."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": callback_url(self.org, self.provider.name),
        }
        if self.provider.pkce:
            form["code_verifier"] = verifier
        told = await self._ask(form)
        async with self.org.connection() as conn:
            await self._keep(conn, told, user_id)

    async def _ask(self, form: Mapping[str, str]) -> Mapping[str, Any]:
        """The provider's tokens for a code or a renewal token."""
        async with self.org.connection() as conn:
            client_id, secret = await self._client(conn)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        if self.provider.in_body:
            form = {**form, "client_id": client_id, "client_secret": secret}
        else:
            pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        answer = await send(
            self.org.settings,
            "POST",
            self.provider.token_url,
            headers=headers,
            content=urlencode(form).encode(),
        )
        told: Any = answer.json()
        if answer.status >= 500 or answer.status == 429:
            raise Unreachable(f"HTTP {answer.status}")
        if (
            answer.status != 200
            or not isinstance(told, dict)
            or not isinstance(told.get("access_token"), str)
        ):
            error: Any = told.get("error") if isinstance(told, dict) else None
            raise Refused(str(error)[:80] if error else "invalid_response")
        return told

    async def _keep(self, conn: Any, told: Mapping[str, Any], user_id: str | None) -> None:
        life: Any = told.get("expires_in")
        seconds = life if isinstance(life, int) and 0 < life <= 10 * 365 * 86_400 else None
        renewal: Any = told.get("refresh_token")
        access = self._sealed(told["access_token"], "access")
        refresh = self._sealed(renewal, "refresh") if isinstance(renewal, str) and renewal else None
        expires_at = datetime.now(UTC) + timedelta(seconds=seconds) if seconds else None
        if user_id is None:
            await conn.execute(
                "UPDATE auth.external_credential SET access_sealed = $3, refresh_sealed = coalesce($4,"
                " refresh_sealed), expires_at = $5 WHERE credential = $1 AND principal = $2",
                self.credential, self.name, access, refresh, expires_at,
            )  # fmt: skip
            return
        await conn.execute(
            "INSERT INTO auth.external_credential (credential, principal, access_sealed, refresh_sealed, expires_at,"
            " user_id) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (credential, principal) DO UPDATE SET"
            " access_sealed = excluded.access_sealed, refresh_sealed = excluded.refresh_sealed,"
            " expires_at = excluded.expires_at, user_id = excluded.user_id, authenticated_at = now()",
            self.credential, self.name, access, refresh, expires_at, user_id,
        )  # fmt: skip

    async def forget(self, conn: Any) -> None:
        """Erases the tokens."""
        await conn.execute(
            "DELETE FROM auth.external_credential WHERE credential = $1 AND principal = $2",
            self.credential,
            self.name,
        )

    async def is_authenticated(self, conn: Any) -> bool:
        """Whether somebody allowed the principal and nothing has ended that since, as far as the org knows."""
        return bool(
            await conn.fetchval(
                "SELECT access_sealed IS NOT NULL FROM auth.external_credential"
                " WHERE credential = $1 AND principal = $2",
                self.credential,
                self.name,
            )
        )

    async def token(self, *, instead_of: str | None = None) -> str:
        """An access token that is good now; another one where the provider no longer takes `instead_of`.

        Raises `NotAuthenticated`, `Unreachable`.
        """
        locks = _renewing.setdefault(self.org, {})
        async with locks.setdefault((self.credential, self.name), asyncio.Lock()):
            async with self.org.connection() as conn:
                row = await conn.fetchrow(
                    "SELECT access_sealed, refresh_sealed, expires_at FROM auth.external_credential"
                    " WHERE credential = $1 AND principal = $2",
                    self.credential,
                    self.name,
                )
            access = self._open(row["access_sealed"], "access") if row else None
            if row is None or access is None:
                raise NotAuthenticated
            early = datetime.now(UTC) + _EARLY
            if access != instead_of and (row["expires_at"] is None or row["expires_at"] > early):
                return access
            renewal = self._open(row["refresh_sealed"], "refresh")
            try:
                if renewal is None:
                    raise Refused("no_refresh_token")
                told = await self._ask({"grant_type": "refresh_token", "refresh_token": renewal})
            except Refused:
                async with self.org.connection() as conn:
                    await conn.execute(
                        "UPDATE auth.external_credential SET access_sealed = NULL, refresh_sealed = NULL"
                        " WHERE credential = $1 AND principal = $2",
                        self.credential,
                        self.name,
                    )
                raise NotAuthenticated from None
            async with self.org.connection() as conn:
                await self._keep(conn, told, None)
            return told["access_token"]


async def principal_for(org: Org, conn: Any, caller: Caller, credential: str, name: str) -> Principal:
    """A principal, for a user. Raises `CredentialMissing`, `NoAccess`."""
    found = await credential_of(conn, credential)
    if name not in found.principals:
        raise CredentialMissing(f"{found.name} has no principal {name[:80]}")
    if not await may_use(conn, caller, found.name, name):
        raise NoAccess
    return Principal(org, found.name, name, await provider_of(conn, found.provider))


async def call_out(
    org: Org, conn: Any, caller: Caller, address: str, *, method: str = "GET", body: bytes | None = None
) -> Answer:
    """`callout:Name/path`, as Apex calls it: with the token of the first principal that is open to the user.

    Raises `CredentialMissing`, `NoAccess`, `NotAuthenticated`, `Unreachable`.
    """
    name, _, path = address.removeprefix("callout:").partition("/")
    named = await named_of(conn, name)
    found = await credential_of(conn, named.credential)
    principal = None
    for each in found.principals:
        if await may_use(conn, caller, found.name, each):
            principal = Principal(org, found.name, each, await provider_of(conn, found.provider))
            break
    if principal is None:
        raise NoAccess
    token = await principal.token()
    for turn in (1, 2):
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        answer = await send(org.settings, method, f"{named.url}/{path}", headers=headers, content=body)
        if answer.status != 401 or turn == 2:
            break
        token = await principal.token(instead_of=token)
    if answer.status == 401:
        raise NotAuthenticated
    if answer.status == 429 or answer.status >= 500:
        raise Unreachable(f"HTTP {answer.status}")
    return answer


@dataclass(frozen=True, slots=True)
class Flow:
    """A user on the way through a provider."""

    principal: Principal
    verifier: str
    return_path: str


async def flow_of(org: Org, conn: Any, caller: Caller, state: str) -> Flow | None:
    """The flow that a callback's state belongs to, once; None where it is unknown, too old or somebody else's."""
    row = await conn.fetchrow(
        "DELETE FROM auth.external_flow WHERE state_hash = $1 AND user_id = $2 RETURNING credential, principal,"
        " verifier_sealed, return_path, expires_at > now() AS live",
        token_hash(state),
        caller.user_id,
    )
    if row is None or not row["live"]:
        return None
    principal = await principal_for(org, conn, caller, row["credential"], row["principal"])
    verifier = principal._open(row["verifier_sealed"], "verifier")  # pyright: ignore[reportPrivateUsage]
    return None if verifier is None else Flow(principal, verifier, row["return_path"])


async def ask_site(
    org: Org, conn: Any, url: str, *, method: str = "POST", body: bytes | None = None
) -> Answer:
    """A request without a credential, as Apex sends it: to an active remote site of the org only.

    Raises `CredentialMissing`, `Unreachable`.
    """
    asked = urlsplit(url)
    for row in await all_stored(conn, "RemoteSiteSetting"):
        site = urlsplit((row.source.get("url") if row.source else "") or "")
        if row.source and row.source.flag("isActive") and site[:2] == asked[:2]:
            headers = {"Content-Type": "application/json", "Accept": "application/json"}
            return await send(org.settings, method, url, headers=headers, content=body)
    raise CredentialMissing(f"{asked.netloc[:80]} is no remote site of this org")
