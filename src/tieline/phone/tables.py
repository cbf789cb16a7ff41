"""Tables of the test phone."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Text, Uuid, text

from tieline.db.schema import account_table, at

listening_phone = account_table(
    "listening_phone",
    # The page that answers calls to `e164`, for as long as its socket renews the lease.
    Column("id", Uuid, primary_key=True),
    Column("e164", Text, nullable=False),
    Column("busy", Boolean, nullable=False, server_default=text("false")),
    at("until", nullable=False),
    Index("ix_listening_phone_e164", "account_id", "e164"),
)
