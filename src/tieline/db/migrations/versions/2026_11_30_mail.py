"""Outgoing mail"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "mail"
down_revision = "users"
branch_labels = None
depends_on = None

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "mail",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False, server_default=sa.text("'waiting'")),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("give_up_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state in ('waiting', 'sent', 'failed')", name=op.f("ck_mail_state")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_mail_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_mail")),
        info={"account": True},
    )
    op.create_index("ix_mail_due", "mail", ["next_at"], postgresql_where=sa.text("state = 'waiting'"))
    op.create_index("ix_mail_created_at", "mail", ["created_at"])
    op.execute("ALTER TABLE mail ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON mail USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON mail TO tieline_app, tieline_system")
