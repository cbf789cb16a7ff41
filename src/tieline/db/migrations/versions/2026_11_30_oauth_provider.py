"""Apps of others, what users allowed them, their codes and tokens"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "oauth_provider"
down_revision = "signing_in"
branch_labels = None
depends_on = None

ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"


def _at(name: str, *, nullable: bool = True) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _texts(name: str) -> sa.Column[object]:
    return sa.Column(name, postgresql.ARRAY(sa.Text()), nullable=False)


def _table(name: str, *items: sa.schema.SchemaItem) -> None:
    op.create_table(
        name,
        sa.Column("account_id", sa.Uuid(), nullable=False),
        *items,
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f(f"fk_{name}_account_id"), ondelete="CASCADE"
        ),
        info={"account": True},
    )
    op.execute(f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY own ON {name} USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
    op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {name} TO tieline_app, tieline_system")


def _of(name: str, column: str, table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["account_id", column],
        [f"{table}.account_id", f"{table}.id"],
        name=op.f(f"fk_{name}_account_id_{column}"),
        ondelete="CASCADE",
    )


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    _table(
        "oauth_app",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=True),
        _texts("redirect_uris"),
        _texts("scopes"),
        sa.Column("version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        _at("created_at", nullable=False),
        _at("secret_at"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_oauth_app")),
    )
    op.create_index("uq_oauth_app_client_id", "oauth_app", ["client_id"], unique=True)
    _table(
        "oauth_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        _texts("scopes"),
        _at("created_at", nullable=False),
        _at("used_at"),
        _at("ended_at"),
        sa.Column("ended_why", sa.Text(), nullable=True),
        _of("oauth_grant", "app_id", "oauth_app"),
        _of("oauth_grant", "user_id", "app_user"),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_oauth_grant")),
    )
    op.create_index("ix_oauth_grant_app_id", "oauth_grant", ["account_id", "app_id"], unique=False)
    _table(
        "oauth_code",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("app_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        _texts("scopes"),
        sa.Column("challenge", sa.Text(), nullable=False),
        _at("expires_at", nullable=False),
        _at("used_at"),
        sa.Column("grant_id", sa.Uuid(), nullable=True),
        _of("oauth_code", "app_id", "oauth_app"),
        _of("oauth_code", "user_id", "app_user"),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name=op.f("pk_oauth_code")),
    )
    op.create_index("uq_oauth_code_code_hash", "oauth_code", ["code_hash"], unique=True)
    _table(
        "oauth_token",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _texts("scopes"),
        _at("created_at", nullable=False),
        _at("expires_at", nullable=False),
        _at("used_at"),
        sa.CheckConstraint("kind in ('access', 'refresh')", name=op.f("ck_oauth_token_kind")),
        _of("oauth_token", "grant_id", "oauth_grant"),
        sa.PrimaryKeyConstraint("account_id", "token_hash", name=op.f("pk_oauth_token")),
    )
    op.create_index("uq_oauth_token_token_hash", "oauth_token", ["token_hash"], unique=True)
    op.create_index("ix_oauth_token_grant_id", "oauth_token", ["account_id", "grant_id"], unique=False)
