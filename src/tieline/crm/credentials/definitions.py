"""What deployed metadata says of credentials: the endpoint, who gives tokens for it, and who may use which principal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..access.questions import Caller
from ..deploy.archive import Node
from ..deploy.components import Stored, all_stored, stored
from ..orgs import Org

PROVIDER, CREDENTIAL, NAMED = "ExternalAuthIdentityProvider", "ExternalCredential", "NamedCredential"


class CredentialMissing(Exception):
    """Something that a credential needs is not deployed, or not as it has to be; the message says what."""


@dataclass(frozen=True, slots=True)
class Provider:
    """An external auth identity provider: where people allow, where tokens come from, and how the org says who it is."""

    name: str
    authorize_url: str
    token_url: str
    in_body: bool
    pkce: bool
    scope: str


@dataclass(frozen=True, slots=True)
class ExternalCredential:
    """An external credential by OAuth: its provider and its named principals."""

    name: str
    provider: str
    principals: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NamedCredential:
    """A named credential: the address that calls go to, and the external credential they carry."""

    name: str
    url: str
    credential: str


async def _find(conn: Any, type_name: str, name: str) -> Stored:
    """A component by its name, with or without the prefix of its package. Raises `CredentialMissing`."""
    row = await stored(conn, type_name, name)
    if row is None:
        matching = [each for each in await all_stored(conn, type_name) if each.name.endswith(f"__{name}")]
        row = matching[0] if len(matching) == 1 else None
    if row is None or row.source is None:
        raise CredentialMissing(f"There is no {type_name} named {name[:80]}")
    return row


def _parameters(source: Node, element: str) -> Mapping[str, str]:
    return {
        row.get("parameterType") or "": row.get("parameterValue") or ""
        for row in source.all(element)
        if row.get("parameterType") != "IdentityProviderOptions"
    }


async def provider_of(conn: Any, name: str) -> Provider:
    """The provider of that name. Raises `CredentialMissing`."""
    row = await _find(conn, PROVIDER, name)
    source = row.source
    assert source is not None
    element = "externalAuthIdentityProviderParameters"
    said = _parameters(source, element)
    options = {
        each.get("parameterName"): each.get("parameterValue") == "true"
        for each in source.all(element)
        if each.get("parameterType") == "IdentityProviderOptions"
    }
    if source.get("authenticationFlow") != "AuthorizationCode":
        raise CredentialMissing(f"{row.name} does not work by authorization code")
    if not said.get("AuthorizeUrl") or not said.get("TokenUrl"):
        raise CredentialMissing(f"{row.name} names no AuthorizeUrl or no TokenUrl")
    in_body = said.get("ClientAuthentication") == "ClientSecretPost"
    pkce = options.get("PkceEnabled", False)
    return Provider(row.name, said["AuthorizeUrl"], said["TokenUrl"], in_body, pkce, said.get("Scope", ""))


async def credential_of(conn: Any, name: str) -> ExternalCredential:
    """The external credential of that name. Raises `CredentialMissing`."""
    row = await _find(conn, CREDENTIAL, name)
    assert row.source is not None
    rows = row.source.all("externalCredentialParameters")
    provider = next((found for each in rows if (found := each.get("externalAuthIdentityProvider"))), None)
    principals = tuple(
        each.get("parameterName") or "" for each in rows if each.get("parameterType") == "NamedPrincipal"
    )
    if provider is None or not principals:
        raise CredentialMissing(f"{row.name} has no identity provider or no named principal")
    return ExternalCredential(row.name, provider, principals)


async def named_of(conn: Any, name: str) -> NamedCredential:
    """The named credential of that name. Raises `CredentialMissing`."""
    row = await _find(conn, NAMED, name)
    assert row.source is not None
    rows = row.source.all("namedCredentialParameters")
    url = next((each.get("parameterValue") for each in rows if each.get("parameterType") == "Url"), None)
    credential = next((found for each in rows if (found := each.get("externalCredential"))), None)
    if not url or credential is None or row.source.get("calloutStatus") == "Disabled":
        raise CredentialMissing(f"{row.name} names no address or no external credential, or is switched off")
    return NamedCredential(row.name, url.rstrip("/"), credential)


async def may_use(conn: Any, caller: Caller, credential: str, principal: str) -> bool:
    """Whether one of the user's permission sets opens the principal; no profile does."""
    names = await conn.fetch(
        'SELECT coalesce("NamespacePrefix" || \'__\', \'\') || "Name" AS name FROM data."PermissionSet"'
        ' WHERE "Id" = ANY($1) AND NOT "IsDeleted"',
        list(caller.permission_sets),
    )
    local = credential.rpartition("__")[2]
    for row in names:
        kept = await stored(conn, "PermissionSet", row["name"])
        for access in kept.source.all("externalCredentialPrincipalAccesses") if kept and kept.source else ():
            opened = (access.get("externalCredentialPrincipal") or "").rpartition("__")[2]
            if opened == f"{local}-{principal}" and access.flag("enabled"):
                return True
    return False


def callback_url(org: Org, provider: str) -> str:
    """Where a provider sends people back to, which an org tells as the provider's `callbackUrl`."""
    return f"{org.settings.my_origin(org.name)}/services/authcallback/{provider}"
