"""Accounts: settings, plan and seats, former vanity names, who changed what"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "accounts"
down_revision = "org_survey"
branch_labels = None
depends_on = None

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for column in (
        sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("plan", sa.Text(), nullable=False, server_default=sa.text("'business'")),
        sa.Column("seats", sa.Integer(), nullable=True),
        sa.Column("time_zone", sa.Text(), nullable=False, server_default=sa.text("'UTC'")),
        sa.Column("language", sa.Text(), nullable=False, server_default=sa.text("'en'")),
    ):
        op.add_column("account", column)
    op.create_table(
        "former_vanity",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_former_vanity_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_former_vanity")),
    )
    # Looked up before the account is known.
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON former_vanity TO tieline_system")
    op.create_table(
        "audit_entry",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("changes", postgresql.JSONB(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_audit_entry_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_audit_entry")),
        info={"account": True},
    )
    op.create_index("ix_audit_entry_at", "audit_entry", ["account_id", "at"])
    op.execute("ALTER TABLE audit_entry ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON audit_entry USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
    # What is written there stays.
    op.execute("GRANT SELECT, INSERT ON audit_entry TO tieline_app, tieline_system")
