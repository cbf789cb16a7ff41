"""Tables of identity."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tieline.db.schema import account_table, at, metadata

account = Table(
    "account",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("vanity", Text, nullable=False, unique=True),
    Column("test_phone", Boolean, nullable=False, server_default=text("false")),
    Column("web_calls", Boolean, nullable=False, server_default=text("false")),
    # Dialling codes of the countries that may be called; none: those of the connection's settings page.
    Column("outbound_codes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # Raised by each change of the settings.
    Column("version", Integer, nullable=False, server_default=text("0")),
    Column("plan", Text, nullable=False, server_default=text("'business'")),
    # Users that may be active at once; null: as many as the plan has.
    Column("seats", Integer),
    Column("time_zone", Text, nullable=False, server_default=text("'UTC'")),
    # Of what speaks to nobody in particular, and of new users unless somebody says otherwise.
    Column("language", Text, nullable=False, server_default=text("'en'")),
    # Administrators and supervisors need a second step to sign in.
    Column("managers_second_step", Boolean, nullable=False, server_default=text("false")),
    # Numbers that the test phone offers: [{"value", "label_en", "label_ja"}].
    Column("test_numbers", JSONB, nullable=False, server_default=text("'[]'")),
    # Whether the portal's *Integrations* menu is on; the operator's switch.
    Column("integrations", Boolean, nullable=False, server_default=text("true")),
    at("created_at", nullable=False, server_default=text("now()")),
)

former_vanity = Table(
    "former_vanity",
    metadata,
    Column("name", Text, primary_key=True),
    Column("account_id", Uuid, ForeignKey("account.id", ondelete="CASCADE"), nullable=False),
    at("until", nullable=False),
)

app_user = account_table(
    "app_user",
    Column("id", Uuid, primary_key=True),
    # Stored in lower case; unique in the installation, because signing in names no account.
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("roles", ARRAY(Text), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    # The user's client integration: the connection whose CRM the user works in.
    Column("connection_id", Uuid),
    # Secret of the user's authenticator app, encrypted; one that has not been confirmed by a code yet stands apart.
    Column("totp_secret", LargeBinary),
    Column("totp_begun", LargeBinary),
    # Time step of the last code used: neither it nor an older one counts again.
    Column("totp_step", BigInteger, nullable=False, server_default=text("0")),
    # Raised by each change, so that two administrators do not undo one another's.
    Column("version", Integer, nullable=False, server_default=text("0")),
    at("created_at", nullable=False, server_default=text("now()")),
    CheckConstraint("language in ('en', 'ja')", name="language"),
    Index("uq_app_user_email", "email", unique=True),
    # An account has one owner.
    Index("uq_app_user_owner", "account_id", unique=True, postgresql_where=text("'owner' = ANY (roles)")),
    Index("ix_app_user_name", "account_id", "name", "id"),
)

password_link = account_table(
    "password_link",
    # SHA-256 of the token in the link.
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    at("expires_at", nullable=False),
    ForeignKeyConstraint(
        ["account_id", "user_id"], ["app_user.account_id", "app_user.id"], ondelete="CASCADE"
    ),
)

recovery_code = account_table(
    "recovery_code",
    Column("user_id", Uuid, primary_key=True),
    # SHA-256 of user and code; a row is deleted when its code is used.
    Column("code_hash", LargeBinary, primary_key=True),
    ForeignKeyConstraint(
        ["account_id", "user_id"], ["app_user.account_id", "app_user.id"], ondelete="CASCADE"
    ),
)

session = account_table(
    "session",
    Column("id", Uuid, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    # SHA-256 of the token; the token itself is nowhere.
    Column("token_hash", LargeBinary, nullable=False),
    Column("connection_id", Uuid),
    # Where it was made: browser and system, and the network address.
    Column("device", Text, nullable=False, server_default=text("''")),
    Column("address", Text, nullable=False, server_default=text("''")),
    at("created_at", nullable=False),
    at("last_used_at", nullable=False, server_default=text("now()")),
    at("expires_at", nullable=False),
    at("ended_at"),
    CheckConstraint("kind in ('portal', 'callbar')", name="kind"),
    ForeignKeyConstraint(
        ["account_id", "user_id"], ["app_user.account_id", "app_user.id"], ondelete="CASCADE"
    ),
    Index("uq_session_token_hash", "token_hash", unique=True),
    Index("ix_session_user_id", "account_id", "user_id"),
)

callbar_grant = account_table(
    "callbar_grant",
    # SHA-256 of the one-time code that the pop-up hands to the callbar's frame.
    Column("code_hash", LargeBinary, primary_key=True),
    Column("user_id", Uuid, nullable=False),
    Column("connection_id", Uuid, nullable=False),
    Column("origin", Text, nullable=False),
    Column("challenge", Text, nullable=False),
    # Typed into a pop-up that had lost its opener; null where the code travels by message.
    Column("digits", Text),
    at("expires_at", nullable=False),
    at("used_at"),
)

sign_in_failure = Table(
    "sign_in_failure",
    metadata,
    Column("id", Uuid, primary_key=True),
    # SHA-256 of what is counted: "email:<address>", "from:<client address>", "code:<user>" and so on.
    Column("key", LargeBinary, nullable=False),
    at("failed_at", nullable=False),
    Index("ix_sign_in_failure_key", "key", "failed_at"),
)
