"""Passwords: argon2id hashes, checked in constant time, off the event loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's minimum for argon2id (19 MiB, two passes): about 15 ms."""

_NOBODY = _hasher.hash("nobody has this password")
"""Checked for unknown users, so that an answer's time does not tell whether the user exists."""


def hash_password(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


async def password_fits(stored: str | None, password: str) -> bool:
    """Whether `password` is the one behind `stored`; None (no such user) takes as long and is False."""
    return await asyncio.to_thread(_fits, stored, password)


def _fits(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
