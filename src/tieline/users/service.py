"""Users: who they are, what they may do, and the CRM they work in.

An account has one owner, always; the owner is an administrator as well. What is taken from somebody (the user, a role, the
client integration) ends at once: sessions that hang on it are over, and callbars are told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.engine import Row

from tieline import audit
from tieline.agents.tables import agent
from tieline.db.database import Transaction
from tieline.db.statement import Found, Statement
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


async def listed(tx: Transaction, wanted: Wanted) -> tuple[list[Found], int]:
    """A page of users by name, and how many there are on all pages."""
    words = [_like(word) for word in wanted.search.split()[:5]]
    counting, paging = _statements(
        len(words),
        wanted.role is not None,
        wanted.active,
        wanted.connection_id is not None,
        wanted.unconnected,
        wanted.org,
        wanted.after is not None,
    )
    given: dict[str, Any] = {"of_account": tx.account_id, "most": wanted.limit}
    given |= {f"word{number}": word for number, word in enumerate(words)}
    given |= {"of_role": wanted.role, "of_connection": wanted.connection_id}
    if wanted.after is not None:
        given["after_name"], given["after_id"] = wanted.after
    found = await tx.find(paging, given)
    if wanted.after is None and len(found) < wanted.limit:
        return found, len(found)  # all of them: nothing to count
    return found, int((await tx.find(counting, given))[0].total)


def _like(word: str) -> str:
    for sign in ("\\", "%", "_"):
        word = word.replace(sign, f"\\{sign}")
    return f"%{word}%"


@lru_cache(maxsize=200)
def _statements(
    words: int,
    by_role: bool,
    active: bool | None,
    by_connection: bool,
    unconnected: bool,
    org: str | None,
    after: bool,
) -> tuple[Statement, Statement]:
    """What counts the users who are looked for, and what gives a page of them."""
    conditions: list[ColumnElement[bool]] = [_OF_ACCOUNT]
    for number in range(words):
        word = bindparam(f"word{number}", type_=Text)
        conditions.append(or_(app_user.c.name.ilike(word), app_user.c.email.ilike(word)))
    if by_role:
        conditions.append(bindparam("of_role", type_=Text) == any_(app_user.c.roles))
    if active is not None:
        conditions.append(app_user.c.active.is_(active))
    if by_connection:
        conditions.append(app_user.c.connection_id == bindparam("of_connection", type_=Uuid))
    if unconnected:
        conditions.append(app_user.c.connection_id.is_(None))
    if org is not None:
        conditions.append(
            app_user.c.id.in_(_IN_ORG.where(org_user.c.account_id == bindparam("of_account"), _ORG[org]))
        )
    counting = select(func.count().label("total")).select_from(app_user).where(*conditions)
    if after:
        place = tuple_(bindparam("after_name", type_=Text), bindparam("after_id", type_=Uuid))
        conditions.append(tuple_(app_user.c.name, app_user.c.id) > place)
    page = _USERS.where(*conditions).order_by(app_user.c.name, app_user.c.id)
    return Statement(counting), Statement(page.limit(bindparam("most", type_=Integer)))


_OF_ACCOUNT = app_user.c.account_id == bindparam("of_account", type_=Uuid)
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


_ONE = Statement(_USERS.where(_OF_ACCOUNT, app_user.c.id == bindparam("of_user", type_=Uuid)))


async def one(tx: Transaction, user_id: UUID) -> Found:
    """A user. Raises `NotFound`."""
    row = await tx.find_one(_ONE, {"of_account": tx.account_id, "of_user": user_id})
    if row is None:
        raise NotFound("no such user")
    return row


@dataclass(slots=True)
class Draft:
    """A user as it is to be: a new one, or one that is there. `refused` says why it cannot be, once that is known."""

    email: str
    name: str
    language: str
    roles: Sequence[Role]
    active: bool
    connection_id: UUID | None
    id: UUID | None = None
    """Of the user that is there; of a new one, once it has been made."""
    version: int = 0
    """The one that was read, of a user that is there."""
    refused: TielineError | None = None


async def add(
    tx: Transaction,
    *,
    email: str,
    name: str,
    language: str,
    roles: Sequence[Role],
    connection_id: UUID | None,
    by: audit.By,
) -> UUID:
    """Make a user who has yet to choose a password. Raises `EmailTaken`, `SeatsTaken` and `InputInvalid`."""
    draft = Draft(_email(email), name, language, roles, True, connection_id)
    await write(tx, [draft], by)
    if draft.refused is not None:
        raise draft.refused
    assert draft.id is not None
    return draft.id


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
    by: audit.By,
) -> None:
    """Write a user as an administrator saw and changed it.

    Raises `ChangedMeanwhile` when the user is not of that version any more, `OwnerProtected`, `SeatsTaken`,
    `InputInvalid`, `NotFound`.
    """
    draft = Draft("", name, language, roles, active, connection_id, user_id, version)
    await write(tx, [draft], by)
    if draft.refused is not None:
        raise draft.refused


async def write(tx: Transaction, drafts: Sequence[Draft], by: audit.By) -> None:
    """Make or change users, one or ten thousand, in few statements. A draft that cannot be says so and is left out.

    Raises `InputInvalid` for what no user may be.
    """
    for draft in drafts:
        draft.name, draft.roles = _name(draft.name), _roles(draft.roles)
    names = await _connection_names(tx)
    for draft in drafts:
        if draft.connection_id is not None and draft.connection_id not in names:
            raise InputInvalid("no such connection", field="connection_id")
    before = await _many_locked(tx, [draft.id for draft in drafts if draft.id is not None])
    changed = [draft for draft in drafts if draft.id is not None and _may_change(draft, before.get(draft.id))]
    free = await accounts.free_seats(tx) if _needs_seats(drafts, before) else 0
    for draft in changed:
        if draft.active and not before[draft.id].active:  # type: ignore[index]
            free -= 1
            if free < 0:
                draft.refused = await _seats_taken(tx)
    changed = [draft for draft in changed if draft.refused is None]
    await _change(tx, changed, before, names, by)
    made = await _make(tx, [draft for draft in drafts if draft.id is None], max(0, free), names, by)
    agents = [draft.id for draft in (*made, *changed) if "agent" in draft.roles]
    if agents:
        own = [{"account_id": tx.account_id, "user_id": id} for id in agents]
        await tx.execute(pg_insert(agent).on_conflict_do_nothing(), own)
    # One hint: pages read users anew, whichever of them it was.
    for draft in (*made, *changed)[:1]:
        assert draft.id is not None
        tx.announce("user", draft.id)


def _needs_seats(drafts: Sequence[Draft], before: Mapping[UUID, Row[Any]]) -> bool:
    return any(
        draft.id is None or (draft.active and draft.id in before and not before[draft.id].active)
        for draft in drafts
    )


async def _seats_taken(tx: Transaction) -> accounts.SeatsTaken:
    row = await accounts.settings_of(tx)
    return accounts.SeatsTaken(seats=accounts.seats_of(row), plan=row.plan)


def _may_change(draft: Draft, before: Row[Any] | None) -> bool:
    if before is None:
        draft.refused = NotFound("no such user")
    elif before.version != draft.version:
        draft.refused = ChangedMeanwhile(version=before.version)
    elif "owner" in before.roles and (not draft.active or "administrator" not in draft.roles):
        draft.refused = OwnerProtected()
    return draft.refused is None


async def _change(
    tx: Transaction,
    drafts: Sequence[Draft],
    before: Mapping[UUID, Row[Any]],
    names: Mapping[UUID, str],
    by: audit.By,
) -> None:
    if not drafts:
        return
    rows: list[dict[str, Any]] = []
    entries: list[tuple[str, dict[str, Any]]] = []
    gone: list[UUID] = []
    moved: list[UUID] = []
    for draft in drafts:
        assert draft.id is not None
        was = before[draft.id]
        kept = [role for role in was.roles if role == "owner"]
        roles: list[str] = [*kept, *draft.roles]
        now: dict[str, Any] = {
            "name": draft.name,
            "language": draft.language,
            "roles": roles,
            "active": draft.active,
        }
        rows.append({"of_user": draft.id, "connection_id": draft.connection_id, **now})
        shown = {**now, "client_integration": names.get(draft.connection_id)}  # type: ignore[arg-type]
        then = {name: getattr(was, name) for name in now}
        then |= {"client_integration": names.get(was.connection_id), "roles": list(was.roles)}
        if set(was.roles) == set(roles):
            del shown["roles"]
        entries.append((area_of(draft.id), audit.differing(then, shown)))
        if not draft.active or set(was.roles) - set(roles):
            gone.append(draft.id)
        elif draft.connection_id != was.connection_id:
            moved.append(draft.id)
    await tx.execute(_CHANGED.where(app_user.c.account_id == tx.account_id), rows)
    await audit.keep(tx, entries, by)
    await end_sessions(tx, gone)
    await end_sessions(tx, moved, callbars_only=True)


_CHANGED = (
    update(app_user)
    .where(app_user.c.id == bindparam("of_user"))
    .values(
        {
            **{name: bindparam(name) for name in ("name", "language", "roles", "active", "connection_id")},
            "version": app_user.c.version + 1,
        }
    )
)


async def _make(
    tx: Transaction, drafts: Sequence[Draft], free: int, names: Mapping[UUID, str], by: audit.By
) -> list[Draft]:
    """Make those there are seats for; an address that somebody of this installation has takes none."""
    made: list[Draft] = []
    left = list(drafts)
    while left and free > 0:
        some, left = left[:free], left[free:]
        ids = {draft.email: new_id() for draft in some}
        rows = await tx.all(
            pg_insert(app_user)
            .on_conflict_do_nothing(index_elements=[app_user.c.email])
            .returning(app_user.c.id),
            [
                {
                    "account_id": tx.account_id,
                    "id": ids[draft.email],
                    "email": draft.email,
                    "name": draft.name,
                    "language": draft.language,
                    "roles": list(draft.roles),
                    "password_hash": NO_PASSWORD,
                    "connection_id": draft.connection_id,
                }
                for draft in some
            ],
        )
        done = {row.id for row in rows}
        for draft in some:
            if ids[draft.email] in done:
                draft.id = ids[draft.email]
                made.append(draft)
            else:
                draft.refused = EmailTaken(email=draft.email)
        free -= len(done)
    refused = await _seats_taken(tx) if left else None
    for draft in left:
        draft.refused = refused
    await audit.keep(
        tx,
        [
            (
                area_of(draft.id),
                audit.differing(
                    {},
                    {
                        "email": draft.email,
                        "name": draft.name,
                        "roles": list(draft.roles),
                        "client_integration": names.get(draft.connection_id),  # type: ignore[arg-type]
                    },
                ),
            )
            for draft in made
            if draft.id is not None
        ],
        by,
    )
    return made


def area_of(user_id: UUID) -> str:
    """Where changes of a user are written down."""
    return f"user:{user_id}"


async def noted(tx: Transaction, user_id: UUID, by: audit.By, **changes: tuple[Any, Any]) -> None:
    """Write down a change of a user that is none of its settings, as before and after."""
    await audit.keep(tx, [(area_of(user_id), {name: list(both) for name, both in changes.items()})], by)


async def set_client_integration(
    tx: Transaction, user_ids: Sequence[UUID], connection_id: UUID | None, by: audit.By
) -> int:
    """Let users work in a connection's CRM, or in none; gives how many that changed."""
    names = await _connection_names(tx)
    if connection_id is not None and connection_id not in names:
        raise InputInvalid("no such connection", field="connection_id")
    before = await _many_locked(tx, user_ids)
    ids = [id for id, row in before.items() if row.connection_id != connection_id]
    if not ids:
        return 0
    await tx.execute(
        update(app_user)
        .where(app_user.c.account_id == tx.account_id, app_user.c.id.in_(ids))
        .values(connection_id=connection_id, version=app_user.c.version + 1)
    )
    now = names.get(connection_id) if connection_id is not None else None
    entries = [
        (
            area_of(id),
            audit.differing(
                {"client_integration": names.get(before[id].connection_id)}, {"client_integration": now}
            ),
        )
        for id in ids
    ]
    await audit.keep(tx, entries, by)
    await end_sessions(tx, ids, callbars_only=True)
    tx.announce("user", ids[0])
    return len(ids)


async def make_owner(tx: Transaction, user_id: UUID) -> None:
    """Make the first user of a new account, an administrator, its owner."""
    await tx.execute(
        update(app_user)
        .where(app_user.c.account_id == tx.account_id, app_user.c.id == user_id)
        .values(roles=["owner", "administrator"])
    )


async def hand_over(tx: Transaction, owner_id: UUID, to: UUID, by: audit.By) -> None:
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
        await noted(tx, id, by, roles=(list(rows[id].roles), roles))
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
    row = (await _many_locked(tx, [user_id])).get(user_id)
    if row is None:
        raise NotFound("no such user")
    return row


async def _many_locked(tx: Transaction, user_ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Users by id, locked in one order, so that two changes do not wait for each other."""
    if not user_ids:
        return {}
    rows = await tx.all(_LOCKED, {"of_account": tx.account_id, "of_users": list(user_ids)})
    return {row.id: row for row in rows}


_LOCKED = (
    select(app_user)
    .where(
        app_user.c.account_id == bindparam("of_account"),
        app_user.c.id == any_(bindparam("of_users", type_=ARRAY(Uuid))),
    )
    .order_by(app_user.c.id)
    .with_for_update()
)


async def _connection_names(tx: Transaction) -> dict[UUID, str]:
    rows = await tx.all(
        select(connection.c.id, connection.c.name).where(
            connection.c.account_id == tx.account_id, connection.c.state != "removed"
        )
    )
    return {row.id: row.name for row in rows}


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


def _roles(roles: Sequence[Role]) -> list[Role]:
    if not roles:
        raise InputInvalid("at least one role", field="roles")
    return list(dict.fromkeys(roles))
