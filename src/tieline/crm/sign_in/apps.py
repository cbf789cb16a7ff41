"""OAuth clients: connected apps, external client apps and the built-in one, with their rules and policies.

What always holds: a callback address is https, or http on a loopback name; a secret is stored sealed only; a
certificate holds an RSA key of at least 2048 bits.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from ..orgs import Org
from .auth import ASSIGNED_SETS, seal, unseal

SCOPES: Mapping[str, str] = {
    "api": "api",
    "refreshtoken": "refresh_token",
    "offlineaccess": "refresh_token",
    "openid": "openid",
    "basic": "id",
    "id": "id",
    "profile": "profile",
    "email": "email",
    "address": "address",
    "phone": "phone",
    "web": "web",
    "full": "full",
    "visualforce": "visualforce",
    "chatter": "chatter_api",
    "chatterapi": "chatter_api",
    "custompermissions": "custom_permissions",
    "content": "content",
    "lightning": "lightning",
}
"""Scopes as metadata and requests spell them (without underscores and case) to the word on the wire."""

MAX_CALLBACKS = 50
MAX_CERTIFICATE = 16 * 1024
CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{8,256}")
Kind = Literal["external", "connected", "built_in"]
Permitted = Literal["all", "approved"]
RefreshPolicy = Literal["infinite", "zero", "lifetime", "inactivity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A client application. `refresh_seconds` belongs to the policies lifetime and inactivity."""

    client_id: str
    name: str
    label: str
    kind: Kind = "external"
    secret: str | None = None
    callbacks: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    contact_email: str | None = None
    pkce_required: bool = True
    secret_optional: bool = False
    secret_for_refresh: bool = True
    rotate_refresh: bool = False
    permitted: Permitted = "all"
    refresh_policy: RefreshPolicy = "infinite"
    refresh_seconds: int | None = None
    certificate: str | None = None
    run_as: str | None = None
    introspect_all: bool = False
    device_flow: bool = False
    session_minutes: int | None = None

    def allows(self, scope: str) -> bool:
        """True where the app may be given the scope; `full` stands for all but lasting access."""
        return scope in self.scopes or ("full" in self.scopes and scope != "refresh_token")

    def signature_key(self, org: Org) -> bytes:
        """What signs token answers: the consumer secret, or for an app without one a key nobody can guess."""
        if self.secret is not None:
            return self.secret.encode()
        return hmac.new(
            org.settings.data_key, f"signature/{self.client_id}".encode(), hashlib.sha256
        ).digest()


def new_client_id() -> str:
    """A consumer key as Salesforce's look."""
    return f"3MVG9{secrets.token_urlsafe(48)}"


def scope_word(text: str) -> str | None:
    """The wire word of a scope in any spelling, or None."""
    return SCOPES.get(text.strip().lower().replace("_", "").replace(" ", ""))


def callback_problem(url: str) -> str | None:
    """Why an address cannot be a callback, or None."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return "is not an address"
    loopback = host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")
    if parts.fragment or (parts.scheme == "http" and not loopback) or not parts.scheme or len(url) > 2000:
        return "must be https, or http on a loopback address"
    if parts.scheme in ("http", "https") and not host:
        return "has no host"
    if parts.scheme in ("javascript", "data", "file", "blob") or any(char <= " " for char in url):
        return "is not allowed"
    return None


def certificate_problem(text: str) -> str | None:
    """Why a text cannot be an app's certificate, or None."""
    if len(text) > MAX_CERTIFICATE:
        return f"is longer than {MAX_CERTIFICATE} characters"
    try:
        key = x509.load_pem_x509_certificate(text.encode("ascii", "replace")).public_key()
    except ValueError:
        return "is not an X.509 certificate in PEM form"
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        return "must hold an RSA key of at least 2048 bits"
    return None


async def find_app(conn: Any, org: Org, client_id: str) -> App | None:
    """The app with that consumer key."""
    row = await conn.fetchrow("SELECT * FROM auth.app WHERE client_id = $1", client_id)
    return _app(org, row) if row else None


async def all_apps(conn: Any, org: Org) -> list[App]:
    """Every app, by name."""
    return [_app(org, row) for row in await conn.fetch("SELECT * FROM auth.app ORDER BY lower(name)")]


def _app(org: Org, row: Any) -> App:
    sealed = row["secret_sealed"]
    return App(
        client_id=row["client_id"],
        name=row["name"],
        label=row["label"],
        kind=row["kind"],
        secret=unseal(org.settings.data_key, sealed, f"{org.org_id}/{row['client_id']}") if sealed else None,
        callbacks=tuple(row["callbacks"]),
        scopes=tuple(row["scopes"]),
        contact_email=row["contact_email"],
        pkce_required=row["pkce_required"],
        secret_optional=row["secret_optional"],
        secret_for_refresh=row["secret_for_refresh"],
        rotate_refresh=row["rotate_refresh"],
        permitted=row["permitted"],
        refresh_policy=row["refresh_policy"],
        refresh_seconds=row["refresh_seconds"],
        certificate=row["certificate"],
        run_as=row["run_as"],
        introspect_all=row["introspect_all"],
        device_flow=row["device_flow"],
        session_minutes=row["session_minutes"],
    )


async def store_app(conn: Any, org: Org, app: App) -> bool:
    """Writes an app; False where its consumer key already belongs to an app of another name.

    An app of the same name gives way to it when the consumer key is new: that is what a changed key means.
    """
    await conn.execute(
        "DELETE FROM auth.app WHERE name = $1 AND client_id <> $2 AND kind <> 'built_in'",
        app.name,
        app.client_id,
    )
    sealed = (
        seal(org.settings.data_key, app.secret, f"{org.org_id}/{app.client_id}")
        if app.secret is not None
        else None
    )
    values: dict[str, Any] = {
        "client_id": app.client_id,
        "name": app.name,
        "label": app.label,
        "kind": app.kind,
        "secret_sealed": sealed,
        "callbacks": list(app.callbacks),
        "scopes": list(app.scopes),
        "contact_email": app.contact_email,
        "pkce_required": app.pkce_required,
        "secret_optional": app.secret_optional,
        "secret_for_refresh": app.secret_for_refresh,
        "rotate_refresh": app.rotate_refresh,
        "permitted": app.permitted,
        "refresh_policy": app.refresh_policy,
        "refresh_seconds": app.refresh_seconds,
        "certificate": app.certificate,
        "run_as": app.run_as,
        "introspect_all": app.introspect_all,
        "device_flow": app.device_flow,
        "session_minutes": app.session_minutes,
    }
    changes = ", ".join(f"{name} = excluded.{name}" for name in values if name not in ("client_id", "kind"))
    stored = await conn.fetchval(
        f"INSERT INTO auth.app ({', '.join(values)})"  # noqa: S608 - names of columns written above
        f" VALUES ({', '.join(f'${n}' for n in range(1, len(values) + 1))})"
        f" ON CONFLICT (client_id) DO UPDATE SET {changes}"
        " WHERE auth.app.name = excluded.name RETURNING true",
        *values.values(),
    )
    return bool(stored)


# -- who may -------------------------------------------------------------------------------------------------


async def set_access(conn: Any, client_id: str, parent_ids: Sequence[str]) -> None:
    """The profiles and permission sets (ids) whose users are approved in advance."""
    await conn.execute("DELETE FROM auth.app_access WHERE client_id = $1", client_id)
    await conn.executemany(
        "INSERT INTO auth.app_access (client_id, parent_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        [(client_id, parent_id) for parent_id in parent_ids],
    )


async def is_preapproved(conn: Any, app: App, user_id: str) -> bool:
    """True where an administrator approved the app for the user's profile or one of the permission sets."""
    return bool(
        await conn.fetchval(
            'SELECT EXISTS (SELECT 1 FROM auth.app_access a JOIN data."User" u ON u."Id" = $2'  # noqa: S608 - a condition written in code
            f' WHERE a.client_id = $1 AND (a.parent_id = u."ProfileId" OR a.parent_id IN ({ASSIGNED_SETS})))',
            app.client_id,
            user_id,
        )
    )


async def may_use(conn: Any, app: App, user_id: str) -> bool:
    """False where only users approved in advance may, and this one is not."""
    return app.permitted == "all" or await is_preapproved(conn, app, user_id)
