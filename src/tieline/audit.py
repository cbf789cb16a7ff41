"""Who changed which setting, from what, to what: a row in the transaction that changes it. Secrets are never written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, Text, Uuid, insert, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Row

from tieline.db.database import Transaction
from tieline.db.schema import account_table, at
from tieline.ids import new_id

audit_entry = account_table(
    "audit_entry",
    Column("id", Uuid, primary_key=True),
    at("at", nullable=False),
    # Null: the operator, by the command line.
    Column("user_id", Uuid),
    # As it was then: the user may be gone.
    Column("user_name", Text, nullable=False),
    Column("area", Text, nullable=False),
    # {setting: [before, after]}
    Column("changes", JSONB, nullable=False),
    Index("ix_audit_entry_at", "account_id", "at"),
)


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something, as it will be told."""

    user_id: UUID | None
    name: str


OPERATOR = By(None, "")
"""The operator, by the command line."""


async def written(
    tx: Transaction, area: str, before: Mapping[str, Any], after: Mapping[str, Any], by: By
) -> dict[str, Any]:
    """Write down what differs and give it; nothing is written when nothing does."""
    changes = differing(before, after)
    await keep(tx, [(area, changes)], by)
    return changes


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """What differs, as it is kept; what `before` does not have is new."""
    return {name: [before.get(name), value] for name, value in after.items() if before.get(name) != value}


async def keep(tx: Transaction, entries: Iterable[tuple[str, Mapping[str, Any]]], by: By) -> None:
    """Write down what was changed in areas; what is empty is left out."""
    rows = [
        {
            "account_id": tx.account_id,
            "id": new_id(),
            "at": tx.now,
            "user_id": by.user_id,
            "user_name": by.name,
            "area": area,
            "changes": changes,
        }
        for area, changes in entries
        if changes
    ]
    if rows:
        await tx.execute(insert(audit_entry), rows)


async def recent(tx: Transaction, area: str, limit: int = 50) -> list[Row[Any]]:
    """The newest changes of an area."""
    return await tx.all(
        select(audit_entry)
        .where(audit_entry.c.account_id == tx.account_id, audit_entry.c.area == area)
        .order_by(audit_entry.c.at.desc(), audit_entry.c.id.desc())
        .limit(limit)
    )


def shown(rows: Iterable[Row[Any]]) -> list[dict[str, Any]]:
    """Changes as the portal reads them."""
    return [{"id": str(row.id), "at": row.at, "by": row.user_name, "changes": row.changes} for row in rows]
