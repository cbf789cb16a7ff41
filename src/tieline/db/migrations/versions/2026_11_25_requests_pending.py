"""Requests to the switch that were not confirmed in time are found by an index, as deadlines are"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "requests_pending"
down_revision = "record_owners"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_engagement_pending_until",
        "engagement",
        ["pending_until"],
        unique=False,
        postgresql_where=sa.text("pending_until is not null"),
    )
