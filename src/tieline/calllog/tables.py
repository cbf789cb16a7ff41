"""Tables of the call log and its delivery."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, Index, Integer, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from tieline.db.schema import account_table, at

call_log = account_table(
    "call_log",
    Column("engagement_id", Uuid, primary_key=True),
    # The log as `calllog.log.CallLog.to_json` writes it: complete, so that delivery reads nothing else.
    Column("content", JSONB, nullable=False),
    # Raised when something of a closed engagement changes (a related record chosen later).
    Column("revision", Integer, nullable=False, server_default=text("1")),
    at("created_at", nullable=False),
    ForeignKeyConstraint(
        ["account_id", "engagement_id"], ["engagement.account_id", "engagement.id"], ondelete="CASCADE"
    ),
)

delivery = account_table(
    "delivery",
    Column("engagement_id", Uuid, primary_key=True),
    Column("connection_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    at("next_at"),
    # Since when the CRM lacks the newest revision; what waits for long is shown to administrators.
    at("pending_since", nullable=False),
    # A worker that claimed it holds it until then; a killed worker's claim simply ends.
    at("claimed_until"),
    Column("delivered_revision", Integer),
    at("delivered_at"),
    # Ids that the CRM gave: {"Task": "00T...", "Tieline_Session_History__c": "a0X..."}.
    Column("records", JSONB, nullable=False, server_default=text("'{}'")),
    Column("error_code", Text),
    Column("error_message", Text),
    ForeignKeyConstraint(
        ["account_id", "engagement_id"], ["call_log.account_id", "call_log.engagement_id"], ondelete="CASCADE"
    ),
    Index("ix_delivery_due", "connection_id", "next_at", postgresql_where=text("state = 'pending'")),
)

# One row per connection with deliveries: while its CRM is away, `held_until` keeps every worker from it but
# one probe at a time, and the deliveries themselves stay untouched.
delivery_lane = account_table(
    "delivery_lane",
    Column("connection_id", Uuid, primary_key=True),
    at("held_until"),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    Column("error_code", Text),
)
