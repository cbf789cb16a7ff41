"""Tables of engagements and of what the switch told."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tieline.db.schema import account_table, at, metadata

engagement = account_table(
    "engagement",
    Column("id", Uuid, primary_key=True),
    Column("direction", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("queue_id", Uuid, nullable=False),
    Column("agent_id", Uuid),
    # The connection whose CRM this engagement is matched in and logged to.
    Column("connection_id", Uuid),
    # The customer's number: as it came, as E.164, and its extension. All null when withheld.
    Column("number_raw", Text),
    Column("number_e164", Text),
    Column("number_extension", Text),
    Column("withheld", Boolean, nullable=False, server_default=text("false")),
    Column("claimed_name", Text),
    # Keys the customer has pressed and keys sent to the customer, the last 40 of each; erased at the end.
    Column("digits", Text, nullable=False, server_default=text("''")),
    Column("digits_sent", Text, nullable=False, server_default=text("''")),
    Column("dialled_e164", Text),
    Column("match", JSONB),
    Column("related", JSONB),
    Column("popped", Boolean, nullable=False, server_default=text("false")),
    # Where its call stands at the switch. The call's id is the engagement's id.
    Column("node", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("caller_leg_id", Uuid, nullable=False),
    # What the customer hears now at the queue's behest.
    Column("play_id", Uuid),
    Column("held", Boolean, nullable=False, server_default=text("false")),
    Column("muted", Boolean, nullable=False, server_default=text("false")),
    # What was asked of the switch and not yet confirmed (hold, resume, mute, unmute, hang_up).
    Column("pending", Text),
    at("pending_until"),
    # When the present state must have been left; a sweep acts on it.
    at("deadline_at"),
    at("arrived_at", nullable=False),
    at("queued_at"),
    # Callers whose agent was lost go before all others.
    Column("priority", Integer, nullable=False, server_default=text("0")),
    at("offered_at"),
    at("connected_at"),
    at("held_since"),
    Column("held_ms", Integer, nullable=False, server_default=text("0")),
    at("ended_at"),
    at("closed_at"),
    Column("end_cause", Text),
    Column("outcome", Text, nullable=False, server_default=text("'open'")),
    Column("disposition_id", Uuid),
    Column("notes", Text, nullable=False, server_default=text("''")),
    ForeignKeyConstraint(["account_id", "queue_id"], ["queue.account_id", "queue.id"]),
    ForeignKeyConstraint(["account_id", "agent_id"], ["agent.account_id", "agent.user_id"]),
    Index(
        "ix_engagement_waiting",
        "account_id",
        "queue_id",
        "queued_at",
        postgresql_where=text("state = 'queued'"),
    ),
    Index("ix_engagement_open_agent", "account_id", "agent_id", postgresql_where=text("closed_at is null")),
    # Entered once, at the end: an engagement under way costs it nothing.
    Index(
        "ix_engagement_closed_agent",
        "account_id",
        "agent_id",
        "arrived_at",
        postgresql_where=text("closed_at is not null"),
    ),
    Index("ix_engagement_deadline_at", "deadline_at", postgresql_where=text("deadline_at is not null")),
    Index("ix_engagement_pending_until", "pending_until", postgresql_where=text("pending_until is not null")),
    Index("ix_engagement_history", "account_id", "arrived_at"),
    Index("uq_engagement_caller_leg_id", "caller_leg_id", unique=True),
)

offer = account_table(
    "offer",
    Column("id", Uuid, primary_key=True),
    Column("engagement_id", Uuid, nullable=False),
    Column("agent_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    at("offered_at", nullable=False),
    at("expires_at", nullable=False),
    at("ended_at"),
    ForeignKeyConstraint(
        ["account_id", "engagement_id"], ["engagement.account_id", "engagement.id"], ondelete="CASCADE"
    ),
    # The rule that an agent has one offer at a time, and an engagement too, is kept by the database.
    Index(
        "uq_offer_open_agent",
        "account_id",
        "agent_id",
        unique=True,
        postgresql_where=text("state = 'offered'"),
    ),
    Index(
        "uq_offer_open_engagement",
        "account_id",
        "engagement_id",
        unique=True,
        postgresql_where=text("state = 'offered'"),
    ),
    Index("ix_offer_engagement", "account_id", "engagement_id", "offered_at"),
)

engagement_event = account_table(
    "engagement_event",
    Column("engagement_id", Uuid, primary_key=True),
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    at("at", nullable=False),
    Column("name", Text, nullable=False),
    Column("data", JSONB, nullable=False, server_default=text("'{}'")),
    ForeignKeyConstraint(
        ["account_id", "engagement_id"], ["engagement.account_id", "engagement.id"], ondelete="CASCADE"
    ),
)

media_node = Table(
    "media_node",
    metadata,
    Column("id", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    at("heartbeat_at", nullable=False),
    # Its events are pulled by one web node at a time, from `consumed` on.
    Column("consumer", Uuid),
    at("consumer_until"),
    Column("consumed_epoch", BigInteger),
    Column("consumed", BigInteger, nullable=False, server_default=text("0")),
)

switch_event = Table(
    "switch_event",
    metadata,
    Column("node", Text, primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("call_id", Uuid),
    Column("leg_id", Uuid),
    Column("data", JSONB, nullable=False),
    at("stored_at", nullable=False, server_default=text("now()")),
    Index("ix_switch_event_stored_at", "stored_at"),
)

switch_command = Table(
    "switch_command",
    metadata,
    # The idempotent command id.
    Column("id", Uuid, primary_key=True),
    Column("account_id", Uuid, nullable=False),
    Column("engagement_id", Uuid),
    Column("node", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    # Commands of one transaction go out in this order.
    Column("position", Integer, nullable=False),
    Column("verb", Text, nullable=False),
    Column("params", JSONB, nullable=False),
    at("created_at", nullable=False),
    at("next_at", nullable=False),
    at("deadline_at", nullable=False),
    Index("ix_switch_command_next_at", "next_at"),
)
