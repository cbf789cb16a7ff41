"""Users: their version, one owner for each account, links by which they choose a password"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "users"
down_revision = "connection_changes"
branch_labels = None
depends_on = None

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.add_column("app_user", sa.Column("version", sa.Integer(), nullable=False, server_default=sa.text("0")))
    # Who has been an administrator for longest owns the account.
    op.execute(
        """
        UPDATE app_user SET roles = array_prepend('owner', roles)
        WHERE id IN (
            SELECT DISTINCT ON (account_id) id FROM app_user
            WHERE 'administrator' = ANY (roles) ORDER BY account_id, NOT active, created_at, id
        )
        """
    )
    op.create_index(
        "uq_app_user_owner",
        "app_user",
        ["account_id"],
        unique=True,
        postgresql_where=sa.text("'owner' = ANY (roles)"),
    )
    op.create_index("ix_app_user_name", "app_user", ["account_id", "name", "id"], unique=False)
    op.create_table(
        "password_link",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["app_user.account_id", "app_user.id"],
            name=op.f("fk_password_link_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_password_link_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "token_hash", name=op.f("pk_password_link")),
        info={"account": True},
    )
    op.execute("ALTER TABLE password_link ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON password_link USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON password_link TO tieline_app, tieline_system")
