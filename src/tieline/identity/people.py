"""Making accounts and users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, update

from tieline.db.database import Transaction
from tieline.identity.passwords import hash_password
from tieline.identity.tables import account, app_user
from tieline.ids import new_id


async def account_by_vanity(tx: Transaction, vanity: str) -> UUID | None:
    """The account that a vanity name belongs to."""
    return await tx.scalar(select(account.c.id).where(account.c.vanity == vanity))


async def make_account(
    tx: Transaction,
    *,
    name: str,
    vanity: str,
    test_phone: bool,
    web_calls: bool,
    plan: str = "business",
    language: str = "en",
    time_zone: str = "UTC",
    test_numbers: Sequence[Any] = (),
) -> UUID:
    """Make an account; `tx` is a system transaction and serves the new account from here on."""
    id = new_id()
    await tx.execute(
        insert(account).values(
            id=id,
            name=name,
            vanity=vanity,
            test_phone=test_phone,
            web_calls=web_calls,
            plan=plan,
            language=language,
            time_zone=time_zone,
            test_numbers=list(test_numbers),
            created_at=tx.now,
        )
    )
    tx.account_id = id
    return id


async def make_user(
    tx: Transaction, *, email: str, name: str, language: str, roles: Sequence[str], password: str
) -> UUID:
    """Make a user of the transaction's account."""
    id = new_id()
    await tx.execute(
        insert(app_user).values(
            account_id=tx.account_id,
            id=id,
            email=email.strip().lower(),
            name=name,
            language=language,
            roles=list(roles),
            password_hash=hash_password(password),
        )
    )
    return id


async def set_client_integration(tx: Transaction, emails: Sequence[str], connection_id: UUID | None) -> None:
    """Switch the users' client integration to a connection, or off."""
    await tx.execute(
        update(app_user)
        .where(app_user.c.account_id == tx.account_id, app_user.c.email.in_(emails))
        .values(connection_id=connection_id)
    )


async def switch_integrations(tx: Transaction, vanity: str, on: bool) -> bool:
    """Switch an account's integrations on or off, by its vanity name; False when there is none."""
    changed = await tx.execute(update(account).where(account.c.vanity == vanity).values(integrations=on))
    return bool(changed.rowcount)


async def outbound_codes(tx: Transaction) -> Sequence[str]:
    """Dialling codes of the countries that the account may call; none: whatever its connections' settings say."""
    codes: Sequence[str] | None = await tx.scalar(
        select(account.c.outbound_codes).where(account.c.id == tx.account_id)
    )
    return codes or ()
