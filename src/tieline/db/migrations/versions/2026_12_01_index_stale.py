"""Whether the phone index answers by earlier country codes while it is loaded anew"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "index_stale"
down_revision = "index_counts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column(
        "connection", sa.Column("index_stale", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
