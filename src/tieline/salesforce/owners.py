"""The names of those who own indexed records: org users, and queues of leads.

They come with the records themselves. A user who is renamed changes no record: those who changed are asked for
beside the records, and only the ones that own something are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import text

from tieline.db.database import Transaction

FIELDS = ("Owner.Name", "Owner.FirstName", "Owner.LastName")
"""What is read of a record's owner with the record."""

# Neither writes, or locks, a row that says the same already.
_KEEP = text("""
INSERT INTO record_owner (account_id, connection_id, owner_id, name, first_name, last_name)
SELECT :account_id, :connection_id, o.* FROM unnest(CAST(:ids AS text[]), CAST(:names AS text[]),
    CAST(:firsts AS text[]), CAST(:lasts AS text[])) AS o(owner_id, name, first_name, last_name)
WHERE NOT EXISTS (SELECT FROM record_owner k WHERE k.account_id = :account_id
    AND k.connection_id = :connection_id AND k.owner_id = o.owner_id
    AND (k.name, k.first_name, k.last_name) IS NOT DISTINCT FROM (o.name, o.first_name, o.last_name))
ON CONFLICT (account_id, connection_id, owner_id) DO UPDATE
SET name = excluded.name, first_name = excluded.first_name, last_name = excluded.last_name
""")
_RENAME = text("""
UPDATE record_owner k SET name = o.name, first_name = o.first_name, last_name = o.last_name
FROM unnest(CAST(:ids AS text[]), CAST(:names AS text[]), CAST(:firsts AS text[]), CAST(:lasts AS text[]))
    AS o(owner_id, name, first_name, last_name)
WHERE k.account_id = :account_id AND k.connection_id = :connection_id AND k.owner_id = o.owner_id
    AND (k.name, k.first_name, k.last_name) IS DISTINCT FROM (o.name, o.first_name, o.last_name)
""")


def changed_users(since: str) -> str:
    """The query for users changed since a moment (as SOQL writes it)."""
    return f"SELECT Id, Name, FirstName, LastName, SystemModstamp FROM User WHERE SystemModstamp >= {since}"  # noqa: S608


def owner_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A queried record's owner, in the members that `names.stored` takes; all None where the org tells nothing."""
    owner: Mapping[str, Any] = row.get("Owner") or {}
    return {
        "owner_name": owner.get("Name"),
        "owner_first_name": owner.get("FirstName"),
        "owner_last_name": owner.get("LastName"),
    }


async def keep(tx: Transaction, connection_id: UUID, rows: Iterable[Mapping[str, Any]]) -> bool:
    """Keep the names of the owners of queried records. True when one is new or has changed.

    An answer that arrives late may bring a name of before: the next refresh reads that user again.
    """
    return await _write(
        tx, connection_id, _KEEP, {row["OwnerId"]: row["Owner"] for row in rows if row.get("Owner")}
    )


async def rename(tx: Transaction, connection_id: UUID, users: Iterable[Mapping[str, Any]]) -> bool:
    """Take over the names of queried users, as far as they own records. True when one has changed."""
    return await _write(tx, connection_id, _RENAME, {user["Id"]: user for user in users})


async def _write(
    tx: Transaction, connection_id: UUID, statement: Any, owners: Mapping[str, Mapping[str, Any]]
) -> bool:
    if not owners:
        return False
    written = await tx.execute(
        statement,
        {
            "account_id": tx.account_id,
            "connection_id": connection_id,
            "ids": list(owners),
            "names": [owner.get("Name") or "" for owner in owners.values()],
            "firsts": [owner.get("FirstName") for owner in owners.values()],
            "lasts": [owner.get("LastName") for owner in owners.values()],
        },
    )
    return written.rowcount > 0
