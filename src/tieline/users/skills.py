"""Skills of users, each with a level. They are kept and told; routing does not look at them yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tieline.db.database import Transaction
from tieline.errors import InputInvalid, NotFound
from tieline.identity.tables import app_user
from tieline.users.tables import user_skill

MOST = 50
LONGEST_NAME = 60

OF_USER = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_object("name", user_skill.c.name, "level", user_skill.c.level),
                user_skill.c.name,
            )
        )
    )
    .where(user_skill.c.account_id == app_user.c.account_id, user_skill.c.user_id == app_user.c.id)
    .correlate(app_user)
    .scalar_subquery()
)
"""The skills of a row of `app_user`, by name; null when there are none."""


async def replace(tx: Transaction, user_id: UUID, wanted: Sequence[tuple[str, int]]) -> tuple[Any, Any]:
    """Give a user exactly these skills, as name and level; gives those before and now, by name.

    Raises `InputInvalid` and `NotFound`.
    """
    # One change of a user at a time: two that both saw the old skills would collide in the new ones.
    mine = (app_user.c.account_id == tx.account_id) & (app_user.c.id == user_id)
    if await tx.one(select(app_user.c.id).where(mine).with_for_update()) is None:
        raise NotFound("no such user")
    rows: dict[str, dict[str, object]] = {}
    for name, level in wanted:
        plain = " ".join(name.split())
        if not plain or not plain.isprintable() or plain.casefold() in rows:
            raise InputInvalid("each skill once, with a name", field="skills")
        rows[plain.casefold()] = {
            "account_id": tx.account_id,
            "user_id": user_id,
            "name": plain,
            "level": level,
        }
    own = (user_skill.c.account_id == tx.account_id) & (user_skill.c.user_id == user_id)
    gone = await tx.all(delete(user_skill).where(own).returning(user_skill.c.name, user_skill.c.level))
    if rows:
        await tx.execute(insert(user_skill), list(rows.values()))
    tx.announce("user", user_id)
    return {row.name: row.level for row in gone}, {row["name"]: row["level"] for row in rows.values()}
