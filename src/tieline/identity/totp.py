"""Time-based one-time passwords (RFC 6238) as authenticator apps make them: SHA-1, six digits, thirty seconds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote

STEP_S = 30
DIGITS = 6
_DRIFT = 1
"""A clock may be one step off."""


def new_secret() -> str:
    """A secret of 160 bits, as apps take it typed in."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_at(secret: str, step: int) -> str:
    """The code of a time step."""
    mac = hmac.digest(base64.b32decode(secret), step.to_bytes(8), hashlib.sha1)
    at = mac[-1] & 15
    return f"{(int.from_bytes(mac[at : at + 4]) & 0x7FFFFFFF) % 10**DIGITS:0{DIGITS}d}"


def step_of(secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """The time step that a code is of, if it is one of now and later than `after`, the last one used."""
    current = int(now.timestamp()) // STEP_S
    found = None
    for step in range(current - _DRIFT, current + _DRIFT + 1):
        # Each is compared, so that the time it takes tells nothing.
        if hmac.compare_digest(code_at(secret, step).encode(), code.encode()) and step > after:
            found = step
    return found


def uri(secret: str, *, issuer: str, email: str) -> str:
    """What the QR code says."""
    label = quote(f"{issuer}:{email}", safe="@:")
    return f"otpauth://totp/{label}?secret={secret}&issuer={quote(issuer, safe='')}"
