"""Tables of users; who they are stands in `identity`."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Integer, Text, Uuid

from tieline.db.schema import account_table

user_skill = account_table(
    "user_skill",
    Column("user_id", Uuid, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("level", Integer, nullable=False),
    CheckConstraint("level between 1 and 5", name="level"),
    ForeignKeyConstraint(
        ["account_id", "user_id"], ["app_user.account_id", "app_user.id"], ondelete="CASCADE"
    ),
)
