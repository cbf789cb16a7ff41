"""How often somebody may guess: a few times, then nothing is looked at for a while.

Passwords, client secrets and the codes of devices are guessed at. Each try is counted for what is guessed and for
the address it comes from; both are kept as keyed hashes only, for an hour.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from ..orgs import Org

Kind = Literal["user", "client", "device"]
_PER_TARGET = 10
_PER_ADDRESS = 100
_WINDOW_S = 300


@dataclass(frozen=True, slots=True)
class Guess:
    """What is guessed, and the address of whoever guesses."""

    target: bytes
    place: bytes


def guess_of(org: Org, kind: Kind, target: str, address: str) -> Guess:
    """A guess at `target`: a user name, or whatever else is one secret's name."""
    place_kind = "address" if kind == "user" else f"{kind} address"

    def hashed(text: str) -> bytes:
        raw = text.encode("utf-8", "replace")
        return hashlib.blake2b(raw, key=org.settings.data_key, digest_size=16).digest()

    return Guess(hashed(f"{kind}:{target}"), hashed(f"{place_kind}:{address}"))


async def wait_of(conn: Any, guess: Guess) -> int:
    """Seconds until a guess would be looked at, after too many lately; 0 for now."""
    for key, allowed in ((guess.target, _PER_TARGET), (guess.place, _PER_ADDRESS)):
        wait = await conn.fetchval(
            "SELECT extract(epoch FROM at + make_interval(secs => $3) - now()) FROM auth.sign_in_failure"
            " WHERE key = $1 AND at > now() - make_interval(secs => $3) ORDER BY at DESC OFFSET $2 LIMIT 1",
            key,
            allowed - 1,
            float(_WINDOW_S),
        )
        if wait is not None:
            return max(int(wait), 1)
    return 0


async def note(conn: Any, guess: Guess) -> None:
    """Counts a guess."""
    await conn.execute("DELETE FROM auth.sign_in_failure WHERE at < now() - interval '1 hour'")
    await conn.execute("INSERT INTO auth.sign_in_failure (key) VALUES ($1), ($2)", guess.target, guess.place)


async def wait_or_note(conn: Any, guess: Guess) -> int:
    """Counts a guess before it is looked at, so that a thousand at once are counted, too.

    Answers seconds to wait where there were too many; such a guess is not counted, or somebody could be locked out
    for ever.
    """
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", int.from_bytes(guess.target[:8], signed=True))
        wait = await wait_of(conn, guess)
        if not wait:
            await note(conn, guess)
        return wait


async def was_right(conn: Any, guess: Guess) -> None:
    """A right guess makes earlier failures at the same target good, and this one was none of its address."""
    await conn.execute(
        "DELETE FROM auth.sign_in_failure WHERE key = $1 OR ctid = (SELECT ctid FROM auth.sign_in_failure"
        " WHERE key = $2 ORDER BY at DESC LIMIT 1)",
        guess.target,
        guess.place,
    )
