"""The second step of signing in: a code from an authenticator app, or a recovery code where the phone is lost.

The app's secret is encrypted at rest. A code counts once: the time step of the last one is kept, and older ones are
refused. Recovery codes are shown once and stored as hashes; each works once.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import segno
from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Row

from tieline.db.database import Database, Transaction
from tieline.errors import InputInvalid, NotFound, TielineError
from tieline.identity import totp
from tieline.identity.tables import account, app_user, recovery_code
from tieline.vault import Vault

_PURPOSE = "totp"
RECOVERY_CODES = 10
_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without those that are read for one another."""


class CodeNeeded(TielineError):
    """The password is right; the user's second step is missing."""

    code, status = "code_needed", 401


class CodeWrong(TielineError):
    """The code is not the one of now, or has been used."""

    code, status = "code_wrong", 401


@dataclass(frozen=True, slots=True)
class Beginning:
    """What an authenticator app is told: typed in, or seen as a picture."""

    secret: str
    uri: str
    picture: str
    """A QR code as a `data:` address of an SVG."""


async def begin(tx: Transaction, vault: Vault, user_id: UUID) -> Beginning:
    """A fresh secret, which counts once a code of it has been given. Until then the old one does."""
    row = await tx.one(
        select(app_user.c.email, account.c.name)
        .join(account, account.c.id == app_user.c.account_id)
        .where(app_user.c.account_id == tx.account_id, app_user.c.id == user_id)
    )
    if row is None or tx.account_id is None:
        raise NotFound("no such user")
    secret = totp.new_secret()
    sealed = vault.seal(secret, tx.account_id, user_id, _PURPOSE)
    await _write(tx, user_id, totp_begun=sealed)
    uri = totp.uri(secret, issuer=f"Tieline {row.name}", email=row.email)
    picture = segno.make(uri, error="m").svg_data_uri(scale=4, border=2, light="#ffffff")
    return Beginning(secret, uri, picture)


async def confirm(tx: Transaction, vault: Vault, user_id: UUID, code: str) -> list[str]:
    """Switch the second step on with a code of the secret last begun; gives the recovery codes, shown this once.

    Raises `InputInvalid`.
    """
    user = await _locked(tx, user_id)
    if user.totp_begun is None:
        raise InputInvalid("begin first", field="code", reason="not_begun")
    secret = vault.open(user.totp_begun, user.account_id, user_id, _PURPOSE)
    step = totp.step_of(secret, _digits(code), tx.now, after=0)
    if step is None:
        raise InputInvalid("not the code of now", field="code", reason="wrong")
    await _write(tx, user_id, totp_secret=user.totp_begun, totp_begun=None, totp_step=step)
    return await _new_recovery_codes(tx, user_id)


async def passed(tx: Transaction, vault: Vault, user_id: UUID, code: str) -> bool:
    """Whether `code` is the user's code of now or a recovery code; it is used up. True without a second step."""
    user = await _locked(tx, user_id)
    if user.totp_secret is None:
        return True
    digits = _digits(code)
    if len(digits) == totp.DIGITS and digits.isascii() and digits.isdigit():
        secret = vault.open(user.totp_secret, user.account_id, user_id, _PURPOSE)
        step = totp.step_of(secret, digits, tx.now, after=user.totp_step)
        if step is not None:
            await _write(tx, user_id, totp_step=step)
        return step is not None
    used = await tx.one(
        delete(recovery_code)
        .where(
            recovery_code.c.account_id == user.account_id,
            recovery_code.c.user_id == user_id,
            recovery_code.c.code_hash == _hash(user_id, code),
        )
        .returning(recovery_code.c.user_id)
    )
    return used is not None


async def new_recovery_codes(tx: Transaction, vault: Vault, user_id: UUID, code: str) -> list[str]:
    """Fresh recovery codes for a code of now; the old ones end. Raises `CodeWrong`."""
    if (await _locked(tx, user_id)).totp_secret is None or not await passed(tx, vault, user_id, code):
        raise CodeWrong
    return await _new_recovery_codes(tx, user_id)


async def switch_off(tx: Transaction, user_id: UUID) -> None:
    """Take the second step away; whoever asks has been checked by the caller."""
    await _write(tx, user_id, totp_secret=None, totp_begun=None, totp_step=0)
    await tx.execute(
        delete(recovery_code).where(
            recovery_code.c.account_id == tx.account_id, recovery_code.c.user_id == user_id
        )
    )
    tx.announce("user", user_id)


async def recovery_codes_left(tx: Transaction, user_id: UUID) -> int:
    """How many recovery codes have not been used."""
    rows = await tx.all(
        select(recovery_code.c.code_hash).where(
            recovery_code.c.account_id == tx.account_id, recovery_code.c.user_id == user_id
        )
    )
    return len(rows)


async def reseal(db: Database, vault: Vault) -> int:
    """Move secrets to the newest key; gives how many moved."""
    moved = 0
    async with db.system() as tx:
        rows = await tx.all(
            select(app_user.c.account_id, app_user.c.id, app_user.c.totp_secret).where(
                app_user.c.totp_secret.is_not(None)
            )
        )
    for row in rows:
        fresh = vault.resealed(row.totp_secret, row.account_id, row.id, _PURPOSE)
        if fresh is None:
            continue
        async with db.system() as tx:
            await tx.execute(
                update(app_user)
                .where(app_user.c.id == row.id, app_user.c.totp_secret == row.totp_secret)
                .values(totp_secret=fresh)
            )
        moved += 1
    return moved


async def _new_recovery_codes(tx: Transaction, user_id: UUID) -> list[str]:
    own = (recovery_code.c.account_id == tx.account_id) & (recovery_code.c.user_id == user_id)
    await tx.execute(delete(recovery_code).where(own))
    codes = [
        "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(2))
        for _ in range(RECOVERY_CODES)
    ]
    await tx.execute(
        insert(recovery_code),
        [
            {"account_id": tx.account_id, "user_id": user_id, "code_hash": _hash(user_id, code)}
            for code in codes
        ],
    )
    tx.announce("user", user_id)
    return codes


async def _locked(tx: Transaction, user_id: UUID) -> Row[Any]:
    row = await tx.one(
        select(app_user.c.account_id, app_user.c.totp_secret, app_user.c.totp_begun, app_user.c.totp_step)
        .where(app_user.c.account_id == tx.account_id, app_user.c.id == user_id)
        .with_for_update()
    )
    if row is None:
        raise NotFound("no such user")
    return row


async def _write(tx: Transaction, user_id: UUID, **values: Any) -> None:
    await tx.execute(
        update(app_user)
        .where(app_user.c.account_id == tx.account_id, app_user.c.id == user_id)
        .values(values)
    )


def _digits(code: str) -> str:
    return "".join(code.split())


def _hash(user_id: UUID, code: str) -> bytes:
    letters = "".join(each for each in code.lower() if each.isalnum())
    return hashlib.sha256(user_id.bytes + letters.encode()).digest()
