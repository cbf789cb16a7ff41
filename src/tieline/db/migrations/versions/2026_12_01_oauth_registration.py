"""Orgs that introduce themselves to the OAuth provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "oauth_registration"
down_revision = "accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "oauth_registration",
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_oauth_registration")),
    )
    # Looked up before an account is known.
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON oauth_registration TO tieline_system")
