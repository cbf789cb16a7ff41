"""Tables of agents."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from tieline.db.schema import account_table, at

agent = account_table(
    "agent",
    Column("user_id", Uuid, primary_key=True),
    Column("status", Text, nullable=False, server_default=text("'offline'")),
    Column("reason", Text),
    at("status_since", nullable=False, server_default=text("now()")),
    # Free since: end of the last engagement or the moment of becoming ready; orders "longest idle".
    at("idle_since", nullable=False, server_default=text("now()")),
    # The callbar's sequence: raised in every transaction that changes what the agent's callbar shows.
    Column("sequence", BigInteger, nullable=False, server_default=text("0")),
    # Presence as last announced, so that `since` is a fact and not a guess.
    Column("presence", Text, nullable=False, server_default=text("'offline'")),
    at("presence_since", nullable=False, server_default=text("now()")),
    # State of the engagement the agent has; null when free. Written under this row's lock only.
    Column("engagement_state", Text),
    # The callbar that owns the agent's audio: its own random id, leased, with a fencing number that only grows.
    # `seat_seen_at` is renewed while its socket lives; null when that has closed.
    Column("seat_id", Text),
    Column("seat_fence", BigInteger, nullable=False, server_default=text("0")),
    at("seat_seen_at"),
    # The last callbar of whatever kind gone until then makes the agent offline.
    at("seat_until"),
    # The dials of the last minute.
    Column("dialed_at", ARRAY(DateTime(timezone=True)), nullable=False, server_default=text("'{}'")),
    # The agent's leg at the switch, up for the whole shift.
    Column("line_leg_id", Uuid),
    Column("line_node", Text),
    Column("line_epoch", BigInteger),
    at("line_up_at"),
    CheckConstraint("status in ('ready', 'not_ready', 'offline')", name="status"),
    ForeignKeyConstraint(
        ["account_id", "user_id"], ["app_user.account_id", "app_user.id"], ondelete="CASCADE"
    ),
    Index("uq_agent_line_leg_id", "line_leg_id", unique=True),
    Index("ix_agent_seat_until", "seat_until"),
)

not_ready_reason = account_table(
    "not_ready_reason",
    # What stands in `agent.reason`; never changes.
    Column("code", Text, primary_key=True),
    Column("name_en", Text, nullable=False),
    Column("name_ja", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
)

callbar_command = account_table(
    "callbar_command",
    # A command that was carried out: the same id again is the same request.
    Column("agent_id", Uuid, primary_key=True),
    Column("command_id", Text, primary_key=True),
    at("done_at", nullable=False),
    ForeignKeyConstraint(
        ["account_id", "agent_id"], ["agent.account_id", "agent.user_id"], ondelete="CASCADE"
    ),
    Index("ix_callbar_command_done_at", "done_at"),
)
