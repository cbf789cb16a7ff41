"""Tables of queues."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)

from tieline.db.schema import account_table

queue = account_table(
    "queue",
    Column("id", Uuid, primary_key=True),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("greeting", Text, nullable=False, server_default=text("'greeting/en'")),
    Column("music", Text, nullable=False, server_default=text("'music/calm'")),
    Column("ring_ms", Integer, nullable=False, server_default=text("20000")),
    Column("wrap_up_ms", Integer, nullable=False, server_default=text("60000")),
    CheckConstraint("ring_ms between 5000 and 120000", name="ring_ms"),
    CheckConstraint("wrap_up_ms between 0 and 3600000", name="wrap_up_ms"),
    UniqueConstraint("account_id", "slug"),
)

queue_number = account_table(
    "queue_number",
    Column("e164", Text, primary_key=True),
    Column("queue_id", Uuid, nullable=False),
    # Greeting of callers of this number; null means the queue's.
    Column("greeting", Text),
    ForeignKeyConstraint(["account_id", "queue_id"], ["queue.account_id", "queue.id"], ondelete="CASCADE"),
    Index("uq_queue_number_e164", "e164", unique=True),
)

queue_member = account_table(
    "queue_member",
    Column("queue_id", Uuid, primary_key=True),
    Column("user_id", Uuid, primary_key=True),
    ForeignKeyConstraint(["account_id", "queue_id"], ["queue.account_id", "queue.id"], ondelete="CASCADE"),
    ForeignKeyConstraint(
        ["account_id", "user_id"], ["agent.account_id", "agent.user_id"], ondelete="CASCADE"
    ),
)

disposition = account_table(
    "disposition",
    Column("id", Uuid, primary_key=True),
    Column("queue_id", Uuid, nullable=False),
    Column("label", Text, nullable=False),
    Column("position", Integer, nullable=False),
    ForeignKeyConstraint(["account_id", "queue_id"], ["queue.account_id", "queue.id"], ondelete="CASCADE"),
)
