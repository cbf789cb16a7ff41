"""OpenID Connect and the identity service: discovery, keys, id tokens, who a token's user is.

The issuer is always the org's own origin, by whichever door a program came, in clear or over TLS as it came; so is
the subject, the identity URL at that origin. Private keys are stored sealed.
"""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ..orgs import Org
from ..query.compile import zone_of
from ..rest import MAX_VERSION
from ..values import format_datetime
from . import jws
from .apps import SCOPES
from .auth import TokenHolder, seal, unseal

ID_TOKEN_S = 120
_KEY_LOCK = 0x6B657973  # "keys"


def issuer_of(org: Org, origin: str) -> str:
    """The org as an issuer, for whoever came by `origin`: who came over TLS is told of no address in clear."""
    return org.settings.my_origin(org.name, secure=origin.startswith("https:"))


def subject_of(org: Org, user_id: str, origin: str) -> str:
    """A user as a subject: the identity URL at the issuer."""
    return f"{issuer_of(org, origin)}/id/{org.org_id}/{user_id}"


async def _signing_key(conn: Any, org: Org) -> tuple[str, RSAPrivateKey]:
    """The newest key of the org; the first is made when it is first needed."""
    newest = "SELECT kid, private_sealed FROM auth.signing_key ORDER BY created_at DESC LIMIT 1"
    row = await conn.fetchrow(newest)
    if row is None:
        key = await asyncio.to_thread(generate_private_key, public_exponent=65537, key_size=2048)
        jwk = jws.public_jwk(key.public_key())
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        async with conn.transaction():
            await conn.execute("SELECT pg_advisory_xact_lock($1)", _KEY_LOCK)
            row = await conn.fetchrow(newest)
            if row is None:
                row = await conn.fetchrow(
                    "INSERT INTO auth.signing_key (kid, private_sealed, public_jwk) VALUES ($1, $2, $3)"
                    " RETURNING kid, private_sealed",
                    jwk["kid"],
                    seal(org.settings.data_key, text, f"{org.org_id}/{jwk['kid']}"),
                    jwk,
                )
    text = unseal(org.settings.data_key, row["private_sealed"], f"{org.org_id}/{row['kid']}")
    if text is None:
        raise RuntimeError("the org's signing key was sealed with another data key")
    return row["kid"], cast(RSAPrivateKey, load_pem_private_key(text.encode(), None))


async def id_token(
    conn: Any, org: Org, client_id: str, user_id: str, access_token: str, nonce: str | None, origin: str
) -> str:
    """The id token beside an access token. Valid for two minutes, as Salesforce's default is."""
    kid, key = await _signing_key(conn, org)
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": issuer_of(org, origin),
        "sub": subject_of(org, user_id, origin),
        "aud": client_id,
        "iat": now,
        "exp": now + ID_TOKEN_S,
        "at_hash": jws.left_half(access_token),
    }
    if nonce:
        claims["nonce"] = nonce
    return jws.sign(claims, key, kid)


async def keys(conn: Any, org: Org) -> dict[str, Any]:
    """The public keys, newest first."""
    await _signing_key(conn, org)
    rows = await conn.fetch("SELECT public_jwk FROM auth.signing_key ORDER BY created_at DESC")
    return {"keys": [row["public_jwk"] for row in rows]}


def discovery(org: Org, origin: str) -> dict[str, Any]:
    """`/.well-known/openid-configuration`; endpoints under the origin by which it was asked."""
    service = f"{origin}/services/oauth2"
    return {
        "issuer": issuer_of(org, origin),
        "authorization_endpoint": f"{service}/authorize",
        "token_endpoint": f"{service}/token",
        "revocation_endpoint": f"{service}/revoke",
        "userinfo_endpoint": f"{service}/userinfo",
        "introspection_endpoint": f"{service}/introspect",
        "jwks_uri": f"{origin}/id/keys",
        "end_session_endpoint": f"{origin}/secur/logout",
        "scopes_supported": sorted(set(SCOPES.values())),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [
            "authorization_code",
            "refresh_token",
            "client_credentials",
            "urn:ietf:params:oauth:grant-type:jwt-bearer",
        ],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "display_values_supported": ["page"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "none"],
        "code_challenge_methods_supported": ["S256"],
        "claims_supported": [
            "active", "address", "email", "email_verified", "family_name", "given_name", "is_app_installed",
            "language", "locale", "name", "nickname", "organization_id", "photos", "preferred_username",
            "sub", "updated_at", "urls", "user_id", "user_type", "utcOffset", "zoneinfo",
        ],
    }  # fmt: skip


# -- identity ------------------------------------------------------------------------------------------------


async def identity(
    conn: Any, org: Org, holder: TokenHolder, origin: str, version: str | None
) -> dict[str, Any]:
    """The identity document of the token's user; `version` goes into its addresses."""
    caller = holder.caller
    row = await conn.fetchrow('SELECT * FROM data."User" WHERE "Id" = $1', caller.user_id)
    number = f"{MAX_VERSION}.0" if version == "latest" else version or "{version}"
    data, soap = f"{origin}/services/data/v{number}", f"{origin}/services/Soap"
    place = f"{number}/{org.org_id[:15]}"
    document = {
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
            "enterprise": f"{soap}/c/{place}",
            "metadata": f"{soap}/m/{place}",
            "partner": f"{soap}/u/{place}",
            "rest": f"{data}/",
            "sobjects": f"{data}/sobjects/",
            "search": f"{data}/search/",
            "query": f"{data}/query/",
            "recent": f"{data}/recent/",
            "profile": f"{origin}/{caller.user_id}",
            "custom_domain": issuer_of(org, origin),
        },
        "active": True,
        "user_type": "STANDARD",
        "language": caller.language,
        "locale": caller.locale,
        "utcOffset": _utc_offset(caller.time_zone),
        "last_modified_date": format_datetime(row["LastModifiedDate"]),
    }
    if "custom_permissions" in holder.scopes:
        document["custom_permissions"] = {}
    return document


async def userinfo(conn: Any, org: Org, holder: TokenHolder, origin: str) -> dict[str, Any]:
    """The OpenID claims of the token's user."""
    full = await identity(conn, org, holder, origin, None)
    caller = holder.caller
    return {
        "sub": subject_of(org, caller.user_id, origin),
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
