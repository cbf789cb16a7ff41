"""Table of outgoing mail."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, LargeBinary, Text, Uuid, text

from tieline.db.schema import account_table, at

mail = account_table(
    "mail",
    Column("id", Uuid, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("template", Text, nullable=False),
    # Subject and texts, encrypted: they hold one-time links. Erased once sent, but for the demo's mailbox.
    Column("sealed", LargeBinary),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    at("next_at", nullable=False),
    # What is not sent by then is of no use any more.
    at("give_up_at", nullable=False),
    # Why the last attempt failed, as a code.
    Column("reason", Text),
    at("created_at", nullable=False),
    at("sent_at"),
    CheckConstraint("state in ('waiting', 'sent', 'failed')", name="state"),
    Index("ix_mail_due", "next_at", postgresql_where=text("state = 'waiting'")),
    Index("ix_mail_created_at", "created_at"),
)
