"""Passwords: what is good enough, and argon2id hashes, checked in constant time; all of it off the event loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from tieline.errors import InputInvalid

SHORTEST, LONGEST = 10, 200
_GOOD_ENOUGH = 3
"""Of zxcvbn's 0 to 4: about 10^8 guesses, by lists of common passwords, words and names, and by patterns."""
_LOOKED_AT = 72
"""zxcvbn's time grows with the square of the length; what is longer is not easier to guess."""

_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""OWASP's minimum for argon2id (19 MiB, two passes): about 15 ms."""

_NOBODY = _hasher.hash("nobody has this password")
"""Checked for unknown users, so that an answer's time does not tell whether the user exists."""


def hash_password(password: str) -> str:
    """The hash to store."""
    return _hasher.hash(password)


async def chosen_hash(password: str, *known: str) -> str:
    """The hash of a password that somebody chooses; `known` is what others know of them: address, names.

    Raises `InputInvalid` for one that is too short, too long, or easy to guess.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise InputInvalid("a password of 10 to 200 characters", field="password", reason="length")
    return await asyncio.to_thread(_chosen, password, known)


def _chosen(password: str, known: tuple[str, ...]) -> str:
    plain = password.casefold()
    words = {
        part.casefold() for text in known for part in (text, text.partition("@")[0], text.replace(" ", ""))
    }
    # Loaded by the first who chooses one: it holds tens of thousands of common passwords.
    from zxcvbn import zxcvbn

    easy = (
        len(set(plain)) < 5
        or any(len(each) > 3 and each in plain for each in words)
        or zxcvbn(password[:_LOOKED_AT], user_inputs=sorted(words))["score"] < _GOOD_ENOUGH
    )
    if easy:
        raise InputInvalid("a password that is not easy to guess", field="password", reason="easy")
    return hash_password(password)


async def password_fits(stored: str | None, password: str) -> bool:
    """Whether `password` is the one behind `stored`; None (no such user) takes as long and is False."""
    return await asyncio.to_thread(_fits, stored, password)


def _fits(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False
