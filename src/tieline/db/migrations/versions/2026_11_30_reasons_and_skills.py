"""An account's own reasons for being not ready; users' skills"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "reasons_and_skills"
down_revision = "mail"
branch_labels = None
depends_on = None

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "not_ready_reason",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name_en", sa.Text(), nullable=False),
        sa.Column("name_ja", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_not_ready_reason_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "code", name=op.f("pk_not_ready_reason")),
        info={"account": True},
    )
    op.create_table(
        "user_skill",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.CheckConstraint("level between 1 and 5", name=op.f("ck_user_skill_level")),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["app_user.account_id", "app_user.id"],
            name=op.f("fk_user_skill_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_user_skill_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "user_id", "name", name=op.f("pk_user_skill")),
        info={"account": True},
    )
    for table in ("not_ready_reason", "user_skill"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON {table} USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO tieline_app, tieline_system")
