"""Surveys of orgs, who users are there, since when connections fail; the operator's switch of integrations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "org_survey"
down_revision = "oauth_provider"
branch_labels = None
depends_on = None

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "account",
        sa.Column("integrations", sa.Boolean(), nullable=False, server_default=sa.text("true")),
    )
    for name in (
        "token_at",
        "surveyed_at",
        "survey_asked_at",
        "survey_lease_until",
        "failing_since",
        "died_at",
    ):
        op.add_column("connection", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "connection",
        sa.Column("survey", postgresql.JSONB(), nullable=False, server_default=sa.text("'{}'")),
    )
    op.add_column("connection", sa.Column("survey_error", sa.Text(), nullable=True))
    op.create_table(
        "org_user",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("chosen", sa.Text(), nullable=True),
        sa.Column("org_user_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("permission_set", sa.Boolean(), nullable=True),
        sa.Column("call_center", sa.Boolean(), nullable=True),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["app_user.account_id", "app_user.id"],
            name=op.f("fk_org_user_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connection.account_id", "connection.id"],
            name=op.f("fk_org_user_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_org_user_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "user_id", name=op.f("pk_org_user")),
        info={"account": True},
    )
    op.create_index("ix_org_user_connection", "org_user", ["account_id", "connection_id"], unique=False)
    op.execute("ALTER TABLE org_user ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON org_user USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON org_user TO tieline_app, tieline_system")
