"""Signed tokens: JSON Web Signatures in compact form with RS256, and nothing else.

Pure. Another algorithm than RS256, or a header that demands to be understood (`crit`), is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

MAX_TOKEN = 16 * 1024


class TokenRefused(Exception):
    """A token that is malformed, or not signed by the key."""


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise TokenRefused("not base64url") from None
    if b64(raw) != text:
        raise TokenRefused("not base64url in its one form")
    return raw


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(_unb64(text))
    except (ValueError, RecursionError):
        raise TokenRefused("not JSON") from None
    if not isinstance(found, dict):
        raise TokenRefused("not a JSON object")
    values: dict[str, Any] = found
    return values


def sign(claims: Mapping[str, Any], key: RSAPrivateKey, key_id: str) -> str:
    """The claims as a token."""
    header = {"kid": key_id, "typ": "JWT", "alg": "RS256"}
    text = ".".join(b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    return f"{text}.{b64(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def peek(token: str) -> dict[str, Any]:
    """The claims before anybody has checked the signature: good only for finding the key to check it with."""
    parts = token.split(".")
    if len(token) > MAX_TOKEN or len(parts) != 3:
        raise TokenRefused("not a compact JWS")
    header = _object(parts[0])
    if header.get("alg") != "RS256" or "crit" in header:
        raise TokenRefused("the algorithm must be RS256")
    return _object(parts[1])


def verify(token: str, key: RSAPublicKey) -> dict[str, Any]:
    """The claims of a token that the key has signed. TokenRefused otherwise."""
    claims = peek(token)
    text, _, signature = token.rpartition(".")
    try:
        key.verify(_unb64(signature), text.encode(), PKCS1v15(), SHA256())
    except InvalidSignature:
        raise TokenRefused("the signature is wrong") from None
    return claims


def public_jwk(key: RSAPublicKey) -> dict[str, str]:
    """The key as a JSON Web Key, named by its RFC 7638 thumbprint."""
    numbers = key.public_numbers()

    def whole(number: int) -> str:
        return b64(number.to_bytes((number.bit_length() + 7) // 8))

    members = {"e": whole(numbers.e), "kty": "RSA", "n": whole(numbers.n)}
    thumbprint = hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()
    return members | {"kid": b64(thumbprint), "use": "sig", "alg": "RS256"}


def left_half(text: str) -> str:
    """`at_hash` of an access token."""
    return b64(hashlib.sha256(text.encode()).digest()[:16])
