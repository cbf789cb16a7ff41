"""Owners of indexed records by name, pages that show them; closed engagements of an agent, newest first"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "record_owners"
down_revision = "0001"
branch_labels = None
depends_on = None

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "record_owner",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connection.account_id", "connection.id"],
            name=op.f("fk_record_owner_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_record_owner_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "connection_id", "owner_id", name=op.f("pk_record_owner")),
        info={"account": True},
    )
    op.execute("ALTER TABLE record_owner ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON record_owner USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON record_owner TO tieline_app, tieline_system")
    op.create_index(
        "ix_engagement_closed_agent",
        "engagement",
        ["account_id", "agent_id", "arrived_at"],
        unique=False,
        postgresql_where=sa.text("closed_at is not null"),
    )
    op.add_column("connection", sa.Column("watched_until", sa.DateTime(timezone=True), nullable=True))
    # The owners of what is indexed already: the next refresh reads every record once, while the index serves.
    op.execute("UPDATE connection SET index_until = NULL WHERE index_state = 'ready'")
