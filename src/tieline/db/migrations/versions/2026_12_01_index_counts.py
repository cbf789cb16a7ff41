"""How many records a load of the phone index has to read, and has read"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "index_counts"
down_revision = "oauth_registration"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("connection", sa.Column("index_total", sa.Integer(), nullable=True))
    op.add_column(
        "connection", sa.Column("index_loaded", sa.Integer(), server_default=sa.text("0"), nullable=False)
    )
