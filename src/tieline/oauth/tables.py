"""Tables of the OAuth provider. Secrets, codes and tokens stand here as SHA-256 only: each is 32 random bytes."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from tieline.db.schema import account_table, at, metadata


def _of_app() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["account_id", "app_id"], ["oauth_app.account_id", "oauth_app.id"], ondelete="CASCADE"
    )


def _of_user() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["account_id", "user_id"], ["app_user.account_id", "app_user.id"], ondelete="CASCADE"
    )


oauth_app = account_table(
    "oauth_app",
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("client_id", Text, nullable=False),
    # Null for a public app: it runs where no secret can be kept.
    Column("secret_hash", LargeBinary),
    Column("redirect_uris", ARRAY(Text), nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("version", Integer, nullable=False, server_default=text("0")),
    Column("created_by", Uuid),
    at("created_at", nullable=False),
    at("secret_at"),
    Index("uq_oauth_app_client_id", "client_id", unique=True),
)

oauth_grant = account_table(
    "oauth_grant",
    # What a user allowed an app, once. Every token belongs to a grant and dies with it.
    Column("id", Uuid, primary_key=True),
    Column("app_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    at("created_at", nullable=False),
    at("used_at"),
    at("ended_at"),
    # `removed` here, `revoked` by the app, or ended because a code or refresh token came twice: `replayed`.
    Column("ended_why", Text),
    _of_app(),
    _of_user(),
    Index("ix_oauth_grant_app_id", "account_id", "app_id"),
)

oauth_code = account_table(
    "oauth_code",
    Column("code_hash", LargeBinary, primary_key=True),
    Column("app_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("challenge", Text, nullable=False),
    at("expires_at", nullable=False),
    at("used_at"),
    # What it was exchanged for, so that a second exchange ends it.
    Column("grant_id", Uuid),
    _of_app(),
    _of_user(),
    Index("uq_oauth_code_code_hash", "code_hash", unique=True),
)

oauth_token = account_table(
    "oauth_token",
    Column("token_hash", LargeBinary, primary_key=True),
    Column("grant_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scopes", ARRAY(Text), nullable=False),
    at("created_at", nullable=False),
    at("expires_at", nullable=False),
    # A refresh token that was exchanged: seen again, it has been stolen from somebody.
    at("used_at"),
    CheckConstraint("kind in ('access', 'refresh')", name="kind"),
    ForeignKeyConstraint(
        ["account_id", "grant_id"], ["oauth_grant.account_id", "oauth_grant.id"], ondelete="CASCADE"
    ),
    Index("uq_oauth_token_token_hash", "token_hash", unique=True),
    Index("ix_oauth_token_grant_id", "account_id", "grant_id"),
)

# An org of Salesforce's that introduced itself and that no account has let in yet: an administrator's consent makes an
# app of it. It belongs to no account, and is forgotten after an hour.
oauth_registration = Table(
    "oauth_registration",
    metadata,
    Column("client_id", Text, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    at("expires_at", nullable=False),
)
