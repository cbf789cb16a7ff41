"""One metadata for all tables of `tieline`; each feature's `store.py` declares its own on it.

A table made by `account_table` starts with `account_id`, and row-level security shows the serving role only
the rows of the account its transaction was opened for. No index condition relies on LIKE, lower() or enum
comparison: row-level security keeps those away from indexes.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, MetaData, Table, Uuid
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"
"""The row-level security rule of account tables."""


def account_table(name: str, *items: SchemaItem, **kwargs: Any) -> Table:
    """A table whose rows belong to one account and are protected by row-level security."""
    return Table(
        name,
        metadata,
        Column("account_id", Uuid, ForeignKey("account.id", ondelete="CASCADE"), primary_key=True),
        *items,
        info={"account": True},
        **kwargs,
    )


def at(name: str, *, nullable: bool = True, **kwargs: Any) -> Column[Any]:
    """A point in time, UTC."""
    return Column(name, DateTime(timezone=True), nullable=nullable, **kwargs)
