"""Users: who they are, what they may do, and the CRM they work in.

An account has one owner, always; the owner is an administrator as well. What is taken from somebody (the user, a role, the
client integration) ends at once: sessions that hang on it are over, and callbars are told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.engine import Row

from tieline.agents.tables import agent
from tieline.db.database import Transaction
from tieline.errors import InputInvalid, NotAllowed, NotFound, TielineError
from tieline.identity import accounts
from tieline.identity.tables import app_user, session
from tieline.ids import new_id
from tieline.salesforce.tables import connection, org_user
from tieline.users import skills

Role = Literal["administrator", "supervisor", "agent"]
"""What an administrator gives; `owner` is handed over by the owner only."""
NO_PASSWORD = "!"  # noqa: S105 - no hash is equal to it
"""Stands for a hash until the user has chosen a password: nothing fits it."""
MOST_AT_ONCE = 500


class EmailTaken(TielineError):
    """Somebody of this installation signs in with this address."""

    code, status = "email_taken", 409


class ChangedMeanwhile(TielineError):
    """Somebody else has changed the user since it was read; `params.version` is the version now."""

    code, status = "changed_meanwhile", 409


class OwnerProtected(NotAllowed):
    """The owner stays active and an administrator until the account has been handed over."""

    code = "owner_protected"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which users are listed. `after` is the place (`name`, `id`) behind which the page begins."""

    search: str = ""
    role: str | None = None
    active: bool | None = None
    connection_id: UUID | None = None
    unconnected: bool = False
    org: str | None = None
    """What is wrong with whom they are in the org: `not_found`, `several`, `no_permission_set`, `no_call_center`."""
    after: tuple[str, UUID] | None = None
    limit: int = 50


async def listed(tx: Transaction, wanted: Wanted) -> tuple[list[Row[Any]], int]:
    """A page of users by name, and how many there are on all pages."""
    conditions: list[ColumnElement[bool]] = [app_user.c.account_id == tx.account_id]
    for word in wanted.search.split()[:5]:
        pattern = (
            f"%{word.replace(chr(92), chr(92) * 2).replace('%', chr(92) + '%').replace('_', chr(92) + '_')}%"
        )
        conditions.append(or_(app_user.c.name.ilike(pattern), app_user.c.email.ilike(pattern)))
    if wanted.role is not None:
        conditions.append(app_user.c.roles.contains([wanted.role]))
    if wanted.active is not None:
        conditions.append(app_user.c.active.is_(wanted.active))
    if wanted.connection_id is not None:
        conditions.append(app_user.c.connection_id == wanted.connection_id)
    if wanted.unconnected:
        conditions.append(app_user.c.connection_id.is_(None))
    if wanted.org is not None:
        conditions.append(
            app_user.c.id.in_(_IN_ORG.where(org_user.c.account_id == tx.account_id, _ORG[wanted.org]))
        )
    total = await tx.scalar(select(func.count()).select_from(app_user).where(*conditions))
    if wanted.after is not None:
        conditions.append(tuple_(app_user.c.name, app_user.c.id) > wanted.after)
    found = await tx.all(
        _USERS.where(*conditions).order_by(app_user.c.name, app_user.c.id).limit(wanted.limit)
    )
    return found, int(total or 0)


_IN_ORG = select(org_user.c.user_id).where(org_user.c.matched_at.is_not(None))
_ORG: Mapping[str, ColumnElement[bool]] = {
    "not_found": org_user.c.found == 0,
    "several": org_user.c.found > 1,
    "no_permission_set": org_user.c.permission_set.is_(False),
    "no_call_center": org_user.c.call_center.is_(False),
}

_USERS = select(
    app_user.c.id,
    app_user.c.name,
    app_user.c.email,
    app_user.c.language,
    app_user.c.roles,
    app_user.c.active,
    app_user.c.version,
    (app_user.c.password_hash == NO_PASSWORD).label("invited"),
    app_user.c.totp_secret.is_not(None).label("second_step"),
    app_user.c.connection_id,
    connection.c.name.label("connection_name"),
    skills.OF_USER.label("skills"),
    org_user.c.found.label("org_found"),
    org_user.c.how.label("org_how"),
    org_user.c.chosen.label("org_chosen"),
    org_user.c.name.label("org_name"),
    org_user.c.username.label("org_username"),
    org_user.c.permission_set.label("org_permission_set"),
    org_user.c.call_center.label("org_call_center"),
    org_user.c.matched_at.label("org_matched_at"),
).select_from(
    app_user.outerjoin(
        connection,
        and_(
            connection.c.account_id == app_user.c.account_id,
            connection.c.id == app_user.c.connection_id,
            connection.c.state != "removed",
        ),
    ).outerjoin(
        org_user,
        and_(
            org_user.c.account_id == app_user.c.account_id,
            org_user.c.user_id == app_user.c.id,
            org_user.c.connection_id == app_user.c.connection_id,
        ),
    )
)


async def one(tx: Transaction, user_id: UUID) -> Row[Any]:
    """A user. Raises `NotFound`."""
    row = await tx.one(_USERS.where(app_user.c.account_id == tx.account_id, app_user.c.id == user_id))
    if row is None:
        raise NotFound("no such user")
    return row


async def add(
    tx: Transaction,
    *,
    email: str,
    name: str,
    language: str,
    roles: Sequence[Role],
    connection_id: UUID | None,
) -> UUID:
    """Make a user who has yet to choose a password. Raises `EmailTaken` and `InputInvalid`."""
    await _check_connection(tx, connection_id)
    await accounts.take_seats(tx)
    id = new_id()
    made = await tx.scalar(
        pg_insert(app_user)
        .values(
            account_id=tx.account_id,
            id=id,
            email=_email(email),
            name=_name(name),
            language=language,
            roles=_roles(roles),
            password_hash=NO_PASSWORD,
            connection_id=connection_id,
        )
        .on_conflict_do_nothing(index_elements=[app_user.c.email])
        .returning(app_user.c.id)
    )
    if made is None:
        raise EmailTaken(email=email)
    if "agent" in roles:
        await _let_be_agent(tx, id)
    tx.announce("user", id)
    return id


async def change(
    tx: Transaction,
    user_id: UUID,
    version: int,
    *,
    name: str,
    language: str,
    roles: Sequence[Role],
    active: bool,
    connection_id: UUID | None,
) -> None:
    """Write a user as an administrator saw and changed it.

    Raises `ChangedMeanwhile` when the user is not of that version any more, `OwnerProtected`, `InputInvalid`, `NotFound`.
    """
    before = await _locked(tx, user_id)
    if before.version != version:
        raise ChangedMeanwhile(version=before.version)
    if active and not before.active:
        await accounts.take_seats(tx)
    await _check_connection(tx, connection_id)
    wanted = _roles(roles)
    if "owner" in before.roles:
        if not active or "administrator" not in wanted:
            raise OwnerProtected
        wanted = ["owner", *wanted]
    await tx.execute(
        update(app_user)
        .where(app_user.c.account_id == tx.account_id, app_user.c.id == user_id)
        .values(
            name=_name(name),
            language=language,
            roles=wanted,
            active=active,
            connection_id=connection_id,
            version=before.version + 1,
        )
    )
    if "agent" in wanted:
        await _let_be_agent(tx, user_id)
    if not active or set(before.roles) - set(wanted):
        await end_sessions(tx, [user_id])
    elif connection_id != before.connection_id:
        await end_sessions(tx, [user_id], callbars_only=True)
    tx.announce("user", user_id)


async def set_client_integration(
    tx: Transaction, user_ids: Sequence[UUID], connection_id: UUID | None
) -> int:
    """Let users work in a connection's CRM, or in none; gives how many that changed."""
    await _check_connection(tx, connection_id)
    changed = await tx.all(
        update(app_user)
        .where(
            app_user.c.account_id == tx.account_id,
            app_user.c.id.in_(user_ids),
            app_user.c.connection_id.is_distinct_from(connection_id),
        )
        .values(connection_id=connection_id, version=app_user.c.version + 1)
        .returning(app_user.c.id)
    )
    ids = [row.id for row in changed]
    await end_sessions(tx, ids, callbars_only=True)
    for id in ids:
        tx.announce("user", id)
    return len(ids)


async def make_owner(tx: Transaction, user_id: UUID) -> None:
    """Make the first user of a new account, an administrator, its owner."""
    await tx.execute(
        update(app_user)
        .where(app_user.c.account_id == tx.account_id, app_user.c.id == user_id)
        .values(roles=["owner", "administrator"])
    )


async def hand_over(tx: Transaction, owner_id: UUID, to: UUID) -> None:
    """Make somebody else the account's owner; whoever was stays an administrator. Raises `NotAllowed`, `NotFound`."""
    # Both rows in one order, so that two hand-overs do not wait for each other.
    rows = {id: await _locked(tx, id) for id in sorted((owner_id, to))}
    if "owner" not in rows[owner_id].roles:
        raise NotAllowed(needs="owner")
    if not rows[to].active:
        raise InputInvalid("the new owner must be active", field="user_id")
    if owner_id == to:
        return
    for id, roles in (
        (owner_id, [role for role in rows[owner_id].roles if role != "owner"]),
        (to, ["owner", "administrator", *(r for r in rows[to].roles if r != "administrator")]),
    ):
        await tx.execute(
            update(app_user)
            .where(app_user.c.account_id == tx.account_id, app_user.c.id == id)
            .values(roles=roles, version=app_user.c.version + 1)
        )
        tx.announce("user", id)


async def end_sessions(tx: Transaction, user_ids: Sequence[UUID], *, callbars_only: bool = False) -> None:
    """End sessions of users at once; calls that are on go on for as long as a call may without its callbar."""
    if not user_ids:
        return
    ended = await tx.all(
        update(session)
        .where(
            session.c.account_id == tx.account_id,
            session.c.user_id.in_(user_ids),
            session.c.ended_at.is_(None),
            session.c.kind.in_(("callbar",) if callbars_only else ("callbar", "portal")),
        )
        .values(ended_at=tx.now)
        .returning(session.c.id)
    )
    for row in ended:
        tx.announce("session", row.id)


async def _locked(tx: Transaction, user_id: UUID) -> Row[Any]:
    row = await tx.one(
        select(app_user)
        .where(app_user.c.account_id == tx.account_id, app_user.c.id == user_id)
        .with_for_update()
    )
    if row is None:
        raise NotFound("no such user")
    return row


async def _let_be_agent(tx: Transaction, user_id: UUID) -> None:
    own = {"account_id": tx.account_id, "user_id": user_id}
    await tx.execute(pg_insert(agent).values(own).on_conflict_do_nothing())


async def _check_connection(tx: Transaction, connection_id: UUID | None) -> None:
    if connection_id is None:
        return
    known = await tx.scalar(
        select(connection.c.id).where(
            connection.c.account_id == tx.account_id,
            connection.c.id == connection_id,
            connection.c.state != "removed",
        )
    )
    if known is None:
        raise InputInvalid("no such connection", field="connection_id")


def check_person(email: str, name: str) -> None:
    """Raise `InputInvalid` unless both may be a user's."""
    _email(email)
    _name(name)


def _email(email: str) -> str:
    text = email.strip().lower()
    name, at, host = text.rpartition("@")
    if (
        not at
        or not name
        or "." not in host.strip(".")
        or len(text) > 254
        or not text.isprintable()
        or " " in text
    ):
        raise InputInvalid("no e-mail address", field="email")
    return text


def _name(name: str) -> str:
    text = " ".join(name.split())
    if not 0 < len(text) <= 120 or not text.isprintable():
        raise InputInvalid("a name of 1 to 120 characters", field="name")
    return text


def _roles(roles: Sequence[Role]) -> list[str]:
    if not roles:
        raise InputInvalid("at least one role", field="roles")
    return list(dict.fromkeys(roles))
