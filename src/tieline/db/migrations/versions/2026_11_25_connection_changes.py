"""Connections: who connected, related domains, last success, use of the org's API; changes under way; revocations"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "connection_changes"
down_revision = "requests_pending"
branch_labels = None
depends_on = None

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "connection",
        sa.Column(
            "related_domains", postgresql.ARRAY(sa.Text()), nullable=False, server_default=sa.text("'{}'")
        ),
    )
    op.add_column("connection", sa.Column("connected_by", sa.Uuid(), nullable=True))
    op.add_column("connection", sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("connection", sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("connection", sa.Column("api_used", sa.Integer(), nullable=True))
    op.add_column("connection", sa.Column("api_limit", sa.Integer(), nullable=True))
    op.add_column("oauth_attempt", sa.Column("change", postgresql.JSONB(), nullable=True))
    op.add_column("oauth_attempt", sa.Column("client_secret", sa.LargeBinary(), nullable=True))
    op.create_table(
        "revocation",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("api_base", sa.Text(), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default=sa.text("0")),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_revocation_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_revocation")),
        info={"account": True},
    )
    op.create_index("ix_revocation_next_at", "revocation", ["next_at"], unique=False)
    op.execute("ALTER TABLE revocation ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON revocation USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON revocation TO tieline_app, tieline_system")
