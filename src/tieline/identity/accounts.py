"""An account's settings: one validator for each, all in force at once; its plan and seats; its vanity name.

Plan and seats are the operator's to set (`tieline account set`), everything else an administrator's.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import phonenumbers
from sqlalchemy import Row, delete, func, insert, select, text, update

from tieline import audit
from tieline.db.database import Database, Transaction
from tieline.errors import InputInvalid, NotAllowed, NotFound, TielineError
from tieline.identity.tables import account, app_user, former_vanity

AREA = "account"
KEPT_FORMER = timedelta(days=90)
"""For so long a former vanity name leads to the new one, and is nobody else's."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a plan allows."""

    seats: int
    """Users that may be active at once, at most."""
    applications: bool
    """*Add application*: connecting a CRM."""


PLANS: Mapping[str, Plan] = {
    "basic": Plan(25, False),
    "pro": Plan(500, True),
    "business": Plan(50_000, True),
    "education": Plan(50_000, True),
}

_OURS = (
    "about account accounts admin administrator api app apps assets auth billing blog call callbar cdn cci "
    "console crm demo dev docs download email example ftp guest health help home imap internal legal localhost "
    "login mail mailbox media metrics mobile my mx news ns oauth official ops phone pop portal postmaster "
    "privacy root sales security session sign-in signin signup slds smtp socket sso staff static status support "
    "system test tieline tls users vpn web webmail webhook ws www"
)
RESERVED = frozenset(_OURS.split())
_VANITY = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class ChangedMeanwhile(TielineError):
    """Somebody else has changed the account since it was read; `params.version` is the version now."""

    code, status = "account_changed_meanwhile", 409


class VanityTaken(TielineError):
    """Another account has the name, or had it not long ago."""

    code, status = "vanity_taken", 409


class SeatsTaken(TielineError):
    """Every seat of the account has its user; `params.seats` is how many there are."""

    code, status = "seats_taken", 409


class PlanWithoutApplications(NotAllowed):
    """The account's plan does not allow to add applications; `params.plans` names those that do."""

    code = "plan_without_applications"


# -- settings, each with its validator ---


def _name(value: Any) -> str:
    name = " ".join(str(value).split())
    if not 1 <= len(name) <= 80 or not name.isprintable():
        raise InputInvalid("a name of 1 to 80 characters", field="name")
    return name


def _vanity(value: Any) -> str:
    name = str(value).strip().lower()
    if not 3 <= len(name) <= 30 or not _VANITY.fullmatch(name):
        raise InputInvalid("3 to 30 letters, digits and single hyphens", field="vanity", reason="form")
    if name in RESERVED:
        raise InputInvalid("a reserved word", field="vanity", reason="reserved")
    return name


def _time_zone(value: Any) -> str:
    if value not in available_timezones():
        raise InputInvalid("a time zone by its name, such as Asia/Tokyo", field="time_zone")
    return str(value)


def local_time_zone() -> str:
    """This machine's time zone by its name; UTC where it does not tell."""
    named = os.environ.get("TZ", "") or str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    return named if named in available_timezones() else "UTC"


def _language(value: Any) -> str:
    if value not in ("en", "ja"):
        raise InputInvalid("en or ja", field="language")
    return str(value)


def _codes(value: Any) -> list[str]:
    codes = list(dict.fromkeys(str(each).strip().removeprefix("+") for each in value))
    if len(codes) > 50:
        raise InputInvalid("at most 50 countries", field="outbound_codes", reason="many")
    for code in codes:
        if (
            not code.isascii()
            or not code.isdigit()
            or int(code) not in phonenumbers.COUNTRY_CODE_TO_REGION_CODE
        ):
            raise InputInvalid("no country's code", field="outbound_codes", reason="unknown", value=code[:10])
    return codes


SETTINGS: Mapping[str, Callable[[Any], Any]] = {
    "name": _name,
    "vanity": _vanity,
    "time_zone": _time_zone,
    "language": _language,
    "outbound_codes": _codes,
    "test_phone": bool,
    "web_calls": bool,
    "managers_second_step": bool,
}


def _settings_in(row: Row[Any]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*SETTINGS, "plan", "seats")}


async def settings_of(tx: Transaction) -> Row[Any]:
    """The account of the transaction."""
    row = await tx.one(select(account).where(account.c.id == tx.account_id))
    if row is None:
        raise NotFound("no such account")
    return row


async def change(
    db: Database, account_id: UUID, version: int, wanted: Mapping[str, Any], by: audit.By
) -> None:
    """Write an account as an administrator saw and changed it.

    Raises `ChangedMeanwhile`, `VanityTaken` and `InputInvalid` with the first setting that is wrong.
    """
    async with db.system(account_id) as tx:
        before = await _locked(tx, account_id)
        if before.version != version:
            raise ChangedMeanwhile(version=before.version)
        now = _settings_in(before)
        # What is not changed stays good, also a name from before there were rules.
        after = {
            name: now[name] if wanted[name] == now[name] else check(wanted[name])
            for name, check in SETTINGS.items()
        }
        if after["vanity"] != before.vanity:
            await _rename(tx, before.vanity, after["vanity"])
        changes = await audit.written(tx, AREA, now, after, by)
        if changes:
            await _write(tx, after)


async def operate(db: Database, vanity: str, *, plan: str | None, seats: int | None) -> Row[Any]:
    """For the operator: another plan, or another number of seats (0: as many as the plan has).

    Raises `NotFound` and `InputInvalid`.
    """
    async with db.system() as tx:
        id = await tx.scalar(select(account.c.id).where(account.c.vanity == vanity))
        if id is None:
            raise NotFound("no account of this name")
        tx.account_id = id
        before = await _locked(tx, id)
        after = {"plan": before.plan if plan is None else check_plan(plan), "seats": before.seats}
        if seats is not None:
            if not 0 <= seats <= PLANS[after["plan"]].seats:
                raise InputInvalid("more seats than the plan has", field="seats")
            after["seats"] = seats or None
        if await audit.written(tx, AREA, _settings_in(before), after, audit.OPERATOR):
            await _write(tx, after)
        return await settings_of(tx)


async def _write(tx: Transaction, values: Mapping[str, Any]) -> None:
    await tx.execute(
        update(account).where(account.c.id == tx.account_id).values(**values, version=account.c.version + 1)
    )
    assert tx.account_id is not None
    tx.announce("account", tx.account_id)


async def _locked(tx: Transaction, account_id: UUID) -> Row[Any]:
    row = await tx.one(select(account).where(account.c.id == account_id).with_for_update())
    if row is None:
        raise NotFound("no such account")
    return row


async def _rename(tx: Transaction, old: str, new: str) -> None:
    await tx.execute(text("SELECT pg_advisory_xact_lock(hashtext('tieline vanity'))"))
    await tx.execute(delete(former_vanity).where(former_vanity.c.until <= tx.now))
    if await tx.scalar(select(account.c.id).where(account.c.vanity == new)) is not None:
        raise VanityTaken(name=new)
    holder = await tx.scalar(select(former_vanity.c.account_id).where(former_vanity.c.name == new))
    if holder is not None and holder != tx.account_id:
        raise VanityTaken(name=new)
    await tx.execute(delete(former_vanity).where(former_vanity.c.name.in_((new, old))))
    await tx.execute(
        insert(former_vanity).values(name=old, account_id=tx.account_id, until=tx.now + KEPT_FORMER)
    )


async def moved_to(db: Database, name: str) -> str | None:
    """The vanity name that a former one leads to now; None for every other name, known or not."""
    async with db.system() as tx:
        found: str | None = await tx.scalar(
            select(account.c.vanity)
            .join(former_vanity, former_vanity.c.account_id == account.c.id)
            .where(former_vanity.c.name == name, former_vanity.c.until > tx.now)
        )
    return found


async def served_at(tx: Transaction, name: str) -> UUID | None:
    """The account whose vanity name it is, or was not long ago; None for every other name."""
    found: UUID | None = await tx.scalar(select(account.c.id).where(account.c.vanity == name))
    if found is not None:
        return found
    former = select(former_vanity.c.account_id)
    return await tx.scalar(former.where(former_vanity.c.name == name, former_vanity.c.until > tx.now))


# -- plan and seats ---


def check_plan(plan: str) -> str:
    """The name of a plan there is. Raises `InputInvalid`, which names them."""
    if plan not in PLANS:
        raise InputInvalid(f"There is no such plan; the plans are {', '.join(PLANS)}.", field="plan")
    return plan


def seats_of(row: Row[Any]) -> int:
    """How many users of an account may be active."""
    return min(row.seats or PLANS[row.plan].seats, PLANS[row.plan].seats)


async def seats_used(tx: Transaction) -> int:
    """How many are."""
    used = await tx.scalar(
        select(func.count())
        .select_from(app_user)
        .where(app_user.c.account_id == tx.account_id, app_user.c.active)
    )
    return int(used or 0)


async def free_seats(tx: Transaction) -> int:
    """How many more users may become active; until the transaction ends nobody else takes any."""
    await tx.execute(
        text("SELECT pg_advisory_xact_lock(hashtext('tieline seats'), hashtext(:account))"),
        {"account": str(tx.account_id)},
    )
    return seats_of(await settings_of(tx)) - await seats_used(tx)


async def take_seat(tx: Transaction) -> None:
    """Raise `SeatsTaken` unless one more user may become active. Two who ask at once wait for each other."""
    if await free_seats(tx) < 1:
        row = await settings_of(tx)
        raise SeatsTaken(seats=seats_of(row), plan=row.plan)


async def check_applications(tx: Transaction) -> None:
    """Raise `PlanWithoutApplications` where the account's plan does not allow to add one."""
    plan = (await settings_of(tx)).plan
    if not PLANS[plan].applications:
        raise PlanWithoutApplications(plan=plan.capitalize(), plans=plans_with_applications())


def plans_with_applications() -> str:
    """The names of the plans that allow to add applications."""
    return ", ".join(name.capitalize() for name, each in PLANS.items() if each.applications)


async def check_vanity(tx: Transaction, value: str) -> str:
    """A name for a new account. Raises `InputInvalid` and `VanityTaken`."""
    name = _vanity(value)
    for taken in (
        select(account.c.id).where(account.c.vanity == name),
        select(former_vanity.c.account_id).where(
            former_vanity.c.name == name, former_vanity.c.until > tx.now
        ),
    ):
        if await tx.scalar(taken) is not None:
            raise VanityTaken(name=name)
    return name
