"""Which user of the org a user of ours is: found by user name or e-mail, or as an administrator says.

Found for all users with client integration together, a hundred addresses a query: an account of ten thousand costs
a hundred queries an hour, in twenty calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import delete, select, text

from tieline.db.database import Database, Transaction
from tieline.errors import InputInvalid, NotFound
from tieline.identity.tables import app_user
from tieline.salesforce.client import MAX_COMPOSITE_QUERIES, Record, SalesforceClient, quoted
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.tables import org_user

PERMISSION_SETS = ("Tieline_Agent", "Tieline_Administrator")
_AT_ONCE = 100
"""Addresses in one query: its text stays well below what a URL may hold."""

How = Literal["username", "email", "chosen"]


@dataclass(frozen=True, slots=True)
class Match:
    """What was found for one user. `found` 0: nobody, more than 1: several have that e-mail address."""

    found: int
    how: How | None = None
    user: Record | None = None


def match_of(
    email: str, chosen: str | None, candidates: Iterable[Record], *, oldest_first: bool = False
) -> Match:
    """The org's user for an address. What an administrator chose counts alone; else the user name, which is unique
    at Salesforce, comes before the e-mail address, which is not. With `oldest_first`, the order of the candidates,
    the first of several is the user all the same."""
    rows = list(candidates)

    def those(field: str, value: str) -> list[Record]:
        return [row for row in rows if str(row.get(field) or "").lower() == value.lower()]

    if chosen is not None:
        named = those("Username", chosen)
        return Match(len(named), "chosen", named[0]) if len(named) == 1 else Match(0, "chosen")
    if named := those("Username", email):
        return Match(1, "username", named[0])
    addressed = those("Email", email)
    if len(addressed) == 1 or (addressed and oldest_first):
        return Match(len(addressed), "email", addressed[0])
    return Match(len(addressed))


async def match(database: Database, client: SalesforceClient, account_id: UUID, connection_id: UUID) -> None:
    """Find the org's users of everybody with this client integration, and keep them. Raises `CrmFailure`."""
    async with database.system(account_id) as tx:
        ours = await tx.all(
            select(app_user.c.id, app_user.c.email, org_user.c.chosen)
            .select_from(
                app_user.outerjoin(
                    org_user,
                    (org_user.c.account_id == app_user.c.account_id)
                    & (org_user.c.user_id == app_user.c.id)
                    & (org_user.c.connection_id == connection_id),
                )
            )
            .where(app_user.c.account_id == account_id, app_user.c.connection_id == connection_id)
        )
    candidates = await _candidates(client, {name for row in ours for name in (row.email, row.chosen) if name})
    allowed = await _with_permission_set(client)
    matches = {
        row.id: match_of(
            row.email,
            row.chosen,
            (each for name in {row.email, row.chosen} if name for each in candidates.get(name.lower(), ())),
        )
        for row in ours
    }
    async with database.system(account_id) as tx:
        await _keep(tx, connection_id, matches, allowed)
        await tx.execute(
            delete(org_user).where(
                org_user.c.account_id == account_id,
                org_user.c.connection_id == connection_id,
                org_user.c.user_id.not_in(
                    select(app_user.c.id).where(
                        app_user.c.account_id == account_id, app_user.c.connection_id == connection_id
                    )
                ),
            )
        )


async def _candidates(client: SalesforceClient, names: set[str]) -> Mapping[str, Sequence[Record]]:
    """Active users of the org by what they are called by, in lower case; each once for a name."""
    queries: list[str] = []
    for some in _parts(sorted(names), _AT_ONCE):
        listed = ", ".join(map(quoted, some))
        queries.append(
            "SELECT Id, Name, Username, Email, CallCenterId FROM User WHERE IsActive = true"  # noqa: S608, quoted
            f" AND (Username IN ({listed}) OR Email IN ({listed}))"
        )
    found: dict[str, dict[str, Record]] = {}
    for together in _parts(queries, MAX_COMPOSITE_QUERIES):
        for first in await client.composite_queries(together):
            async for rows in client.pages(first):
                for row in rows:
                    for name in (row.get("Username"), row.get("Email")):
                        found.setdefault(str(name or "").lower(), {})[str(row["Id"])] = row
    return {name: list(rows.values()) for name, rows in found.items()}


def _parts(items: Sequence[str], size: int) -> list[Sequence[str]]:
    return [items[start : start + size] for start in range(0, len(items), size)]


async def _with_permission_set(client: SalesforceClient) -> frozenset[str] | None:
    """Ids of users who have one of the package's permission sets; None when the org has none of these, or does not tell."""
    named = ", ".join(map(quoted, PERMISSION_SETS))
    try:
        if not await client.query_all(f"SELECT Id FROM PermissionSet WHERE Name IN ({named})"):  # noqa: S608
            return None
        rows = await client.query_all(
            f"SELECT AssigneeId FROM PermissionSetAssignment WHERE PermissionSet.Name IN ({named})"  # noqa: S608
        )
    except CrmFailure as failure:
        if failure.kind != "never":
            raise
        return None
    return frozenset(str(row["AssigneeId"]) for row in rows)


_KEEP = text("""
INSERT INTO org_user (account_id, user_id, connection_id, found, how, org_user_id, name, username,
                      permission_set, call_center, matched_at)
SELECT :account_id, m.user_id, :connection_id, m.found, m.how, m.org_user_id, m.name, m.username,
       m.permission_set, m.call_center, :now
FROM unnest(CAST(:users AS uuid[]), CAST(:founds AS integer[]), CAST(:hows AS text[]), CAST(:ids AS text[]),
            CAST(:names AS text[]), CAST(:usernames AS text[]), CAST(:sets AS boolean[]), CAST(:centers AS boolean[]))
     AS m(user_id, found, how, org_user_id, name, username, permission_set, call_center)
ON CONFLICT (account_id, user_id) DO UPDATE
SET connection_id = excluded.connection_id, found = excluded.found, how = excluded.how,
    org_user_id = excluded.org_user_id, name = excluded.name, username = excluded.username,
    permission_set = excluded.permission_set, call_center = excluded.call_center, matched_at = excluded.matched_at,
    chosen = CASE WHEN org_user.connection_id = excluded.connection_id THEN org_user.chosen END
""")


async def _keep(
    tx: Transaction, connection_id: UUID, matches: Mapping[UUID, Match], allowed: frozenset[str] | None
) -> None:
    def of(one: Match, name: str) -> Any:
        return one.user.get(name) if one.user else None

    await tx.execute(
        _KEEP,
        {
            "account_id": tx.account_id,
            "connection_id": connection_id,
            "now": tx.now,
            "users": list(matches),
            "founds": [one.found for one in matches.values()],
            "hows": [one.how for one in matches.values()],
            "ids": [of(one, "Id") for one in matches.values()],
            "names": [of(one, "Name") for one in matches.values()],
            "usernames": [of(one, "Username") for one in matches.values()],
            "sets": [
                None if allowed is None or one.user is None else str(one.user["Id"]) in allowed
                for one in matches.values()
            ],
            "centers": [
                None if one.user is None else one.user.get("CallCenterId") is not None
                for one in matches.values()
            ],
        },
    )


async def chosen(tx: Transaction, connection_id: UUID, emails: Sequence[str]) -> Mapping[str, str]:
    """User names that administrators gave, by our users' addresses."""
    rows = await tx.all(
        select(app_user.c.email, org_user.c.chosen)
        .select_from(
            org_user.join(
                app_user,
                (app_user.c.account_id == org_user.c.account_id) & (app_user.c.id == org_user.c.user_id),
            )
        )
        .where(
            org_user.c.connection_id == connection_id,
            org_user.c.chosen.is_not(None),
            app_user.c.email.in_(emails),
        )
    )
    return {row.email: row.chosen for row in rows}


async def choose(tx: Transaction, user_id: UUID, username: str | None) -> None:
    """Say by user name who somebody is in the org; None: found by itself again. Looked for by the next survey.

    Raises `InputInvalid` and `NotFound` (also for users without client integration).
    """
    name = (username or "").strip()
    if len(name) > 80 or (name and "@" not in name):
        raise InputInvalid("a Salesforce user name looks like an e-mail address", field="username")
    connection_id = await tx.scalar(
        select(app_user.c.connection_id).where(
            app_user.c.account_id == tx.account_id, app_user.c.id == user_id
        )
    )
    if connection_id is None:
        raise NotFound("no such user with client integration")
    await tx.execute(
        _CHOOSE,
        {
            "account_id": tx.account_id,
            "user_id": user_id,
            "connection_id": connection_id,
            "chosen": name or None,
        },
    )
    tx.announce("user", user_id)


_CHOOSE = text("""
INSERT INTO org_user (account_id, user_id, connection_id, found, chosen)
VALUES (:account_id, :user_id, :connection_id, 0, :chosen)
ON CONFLICT (account_id, user_id) DO UPDATE
SET connection_id = excluded.connection_id, chosen = excluded.chosen, found = 0, how = NULL, org_user_id = NULL,
    name = NULL, username = NULL, permission_set = NULL, call_center = NULL, matched_at = NULL
""")


async def forget(tx: Transaction, connection_id: UUID) -> None:
    """Erase what was found in a connection's org."""
    await tx.execute(
        delete(org_user).where(
            org_user.c.account_id == tx.account_id, org_user.c.connection_id == connection_id
        )
    )
