"""What the operator does to accounts by the command line: make one with its owner, help who is locked out."""

from __future__ import annotations

from sqlalchemy import select

from tieline import audit
from tieline.db.database import Database
from tieline.errors import NotFound
from tieline.identity import accounts, links, people, second_step
from tieline.identity.tables import app_user
from tieline.settings import Settings
from tieline.users import service as users


async def create_account(
    settings: Settings,
    *,
    name: str,
    vanity: str,
    email: str,
    owner: str,
    language: str,
    time_zone: str,
    plan: str,
) -> str:
    """Make an account and its owner; gives the link where the owner chooses a password.

    Raises `InputInvalid`, `VanityTaken` and `EmailTaken`; then nothing has been made.
    """
    # Before the first write: what is wrong is told whole.
    given = {"name": name, "language": language, "time_zone": time_zone}
    values = {setting: accounts.SETTINGS[setting](value) for setting, value in given.items()}
    plan = accounts.check_plan(plan)
    db = Database(settings.database_url, pool_size=1)
    try:
        async with db.system() as tx:
            vanity = await accounts.check_vanity(tx, vanity)
            await people.make_account(
                tx,
                **values,
                vanity=vanity,
                test_phone=False,
                web_calls=False,
                plan=plan,
            )
            owner_id = await users.add(
                tx,
                email=email,
                name=owner,
                language=values["language"],
                roles=["administrator"],
                connection_id=None,
                by=audit.OPERATOR,
            )
            await users.make_owner(tx, owner_id)
            return await links.make_link(tx, owner_id, public_url=settings.public_url)
    finally:
        await db.close()


async def password_link(settings: Settings, email: str, *, reset_second_step: bool) -> str:
    """A link for a user who cannot sign in and has no administrator to ask. Raises `NotFound`."""
    db = Database(settings.database_url, pool_size=1)
    try:
        async with db.system() as tx:
            user = await tx.one(
                select(app_user.c.account_id, app_user.c.id).where(
                    app_user.c.email == email.strip().lower(), app_user.c.active
                )
            )
            if user is None:
                raise NotFound("No active user signs in with this address.")
            tx.account_id = user.account_id
            if reset_second_step:
                await second_step.switch_off(tx, user.id)
            return await links.make_link(tx, user.id, public_url=settings.public_url)
    finally:
        await db.close()


async def set_account(settings: Settings, vanity: str, *, plan: str | None, seats: int | None) -> str:
    """Change an account's plan or seats; gives a sentence on what it has now. Raises `NotFound`, `InputInvalid`."""
    db = Database(settings.database_url, pool_size=1)
    try:
        row = await accounts.operate(db, vanity, plan=plan, seats=seats)
        async with db.system(row.id) as tx:
            used = await accounts.seats_used(tx)
    finally:
        await db.close()
    return f"{row.name}: plan {row.plan}, {used} of {accounts.seats_of(row)} seats taken."
