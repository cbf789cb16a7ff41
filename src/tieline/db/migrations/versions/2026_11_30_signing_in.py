"""Signing in: the second step, and where sessions were made"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "signing_in"
down_revision = "reasons_and_skills"
branch_labels = None
depends_on = None

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "account",
        sa.Column("managers_second_step", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )
    op.add_column("app_user", sa.Column("totp_secret", sa.LargeBinary(), nullable=True))
    op.add_column("app_user", sa.Column("totp_begun", sa.LargeBinary(), nullable=True))
    op.add_column(
        "app_user", sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default=sa.text("0"))
    )
    op.add_column("session", sa.Column("device", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column("session", sa.Column("address", sa.Text(), nullable=False, server_default=sa.text("''")))
    op.add_column(
        "session",
        sa.Column(
            "last_used_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")
        ),
    )
    op.create_index("ix_session_user_id", "session", ["account_id", "user_id"])
    op.create_table(
        "recovery_code",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["app_user.account_id", "app_user.id"],
            name=op.f("fk_recovery_code_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_recovery_code_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "user_id", "code_hash", name=op.f("pk_recovery_code")),
        info={"account": True},
    )
    op.execute("ALTER TABLE recovery_code ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON recovery_code USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON recovery_code TO tieline_app, tieline_system")
