"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# A row of its own, so that a test (and only a test) can move the clock of every process at once.
CLOCK = (
    "CREATE TABLE clock (one boolean PRIMARY KEY DEFAULT true CHECK (one), ahead interval NOT NULL DEFAULT '0')",
    "INSERT INTO clock DEFAULT VALUES",
    "CREATE FUNCTION tieline_now() RETURNS timestamptz LANGUAGE sql STABLE"
    " AS 'SELECT clock_timestamp() + ahead FROM clock'",
)
ACCOUNT_RULE = "account_id = nullif(current_setting('tieline.account_id', true), '')::uuid"
GRANTS = (
    "GRANT USAGE ON SCHEMA public TO tieline_app, tieline_system",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO tieline_app, tieline_system",
    "REVOKE INSERT, UPDATE, DELETE ON clock, account FROM tieline_app",
    "REVOKE ALL ON sign_in_failure, media_node, switch_event FROM tieline_app",
    "GRANT SELECT ON media_node TO tieline_app",
    "ALTER TABLE account ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY own ON account USING (id = nullif(current_setting('tieline.account_id', true), '')::uuid)",
)
ACCOUNT_TABLES = (
    "agent",
    "app_user",
    "call_log",
    "callbar_command",
    "callbar_grant",
    "connection",
    "delivery",
    "delivery_lane",
    "disposition",
    "engagement",
    "engagement_event",
    "indexed_record",
    "listening_phone",
    "oauth_attempt",
    "offer",
    "phone_index",
    "queue",
    "queue_member",
    "queue_number",
    "session",
    "softphone_layout",
)


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in CLOCK:
        op.execute(statement)
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("vanity", sa.Text(), nullable=False),
        sa.Column("test_phone", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("web_calls", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "outbound_codes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column(
            "test_numbers",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'"),
            nullable=False,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("vanity", name=op.f("uq_account_vanity")),
    )
    op.create_table(
        "media_node",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("consumer", sa.Uuid(), nullable=True),
        sa.Column("consumer_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("consumed_epoch", sa.BigInteger(), nullable=True),
        sa.Column("consumed", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_node")),
    )
    op.create_table(
        "sign_in_failure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_failure")),
    )
    op.create_index("ix_sign_in_failure_key", "sign_in_failure", ["key", "failed_at"], unique=False)
    op.create_table(
        "switch_command",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("engagement_id", sa.Uuid(), nullable=True),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switch_command")),
    )
    op.create_index("ix_switch_command_next_at", "switch_command", ["next_at"], unique=False)
    op.create_table(
        "switch_event",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("leg_id", sa.Uuid(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("node", "epoch", "sequence", name=op.f("pk_switch_event")),
    )
    op.create_index("ix_switch_event_stored_at", "switch_event", ["stored_at"], unique=False)
    op.create_table(
        "app_user",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("language in ('en', 'ja')", name=op.f("ck_app_user_language")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_app_user_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_app_user")),
        info={"account": True},
    )
    op.create_index("uq_app_user_email", "app_user", ["email"], unique=True)
    op.create_table(
        "callbar_grant",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("challenge", sa.Text(), nullable=False),
        sa.Column("digits", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_callbar_grant_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "code_hash", name=op.f("pk_callbar_grant")),
        info={"account": True},
    )
    op.create_table(
        "connection",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("environment", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("api_base", sa.Text(), nullable=False),
        sa.Column("login_origin", sa.Text(), nullable=False),
        sa.Column("embedding_origins", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("client_secret", sa.LargeBinary(), nullable=True),
        sa.Column("org_id", sa.Text(), nullable=True),
        sa.Column("org_user_id", sa.Text(), nullable=True),
        sa.Column("access_token", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("token_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("token_lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "org_settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("org_settings_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("index_state", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        sa.Column(
            "index_progress",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("index_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("index_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("index_lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_connection_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_connection")),
        sa.UniqueConstraint("account_id", "name", name=op.f("uq_connection_account_id_name")),
        info={"account": True},
    )
    op.create_table(
        "delivery_lane",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_delivery_lane_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "connection_id", name=op.f("pk_delivery_lane")),
        info={"account": True},
    )
    op.create_table(
        "listening_phone",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("busy", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_listening_phone_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_listening_phone")),
        info={"account": True},
    )
    op.create_index("ix_listening_phone_e164", "listening_phone", ["account_id", "e164"], unique=False)
    op.create_table(
        "queue",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("greeting", sa.Text(), server_default=sa.text("'greeting/en'"), nullable=False),
        sa.Column("music", sa.Text(), server_default=sa.text("'music/calm'"), nullable=False),
        sa.Column("ring_ms", sa.Integer(), server_default=sa.text("20000"), nullable=False),
        sa.Column("wrap_up_ms", sa.Integer(), server_default=sa.text("60000"), nullable=False),
        sa.CheckConstraint("ring_ms between 5000 and 120000", name=op.f("ck_queue_ring_ms")),
        sa.CheckConstraint("wrap_up_ms between 0 and 3600000", name=op.f("ck_queue_wrap_up_ms")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_queue_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_queue")),
        sa.UniqueConstraint("account_id", "slug", name=op.f("uq_queue_account_id_slug")),
        info={"account": True},
    )
    op.create_table(
        "agent",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'offline'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "status_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("idle_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("presence", sa.Text(), server_default=sa.text("'offline'"), nullable=False),
        sa.Column(
            "presence_since", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("engagement_state", sa.Text(), nullable=True),
        sa.Column("seat_id", sa.Text(), nullable=True),
        sa.Column("seat_fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("seat_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seat_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "dialed_at",
            postgresql.ARRAY(sa.DateTime(timezone=True)),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("line_leg_id", sa.Uuid(), nullable=True),
        sa.Column("line_node", sa.Text(), nullable=True),
        sa.Column("line_epoch", sa.BigInteger(), nullable=True),
        sa.Column("line_up_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status in ('ready', 'not_ready', 'offline')", name=op.f("ck_agent_status")),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["app_user.account_id", "app_user.id"],
            name=op.f("fk_agent_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_agent_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "user_id", name=op.f("pk_agent")),
        info={"account": True},
    )
    op.create_index("ix_agent_seat_until", "agent", ["seat_until"], unique=False)
    op.create_index("uq_agent_line_leg_id", "agent", ["line_leg_id"], unique=True)
    op.create_table(
        "disposition",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "queue_id"],
            ["queue.account_id", "queue.id"],
            name=op.f("fk_disposition_account_id_queue_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_disposition_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_disposition")),
        info={"account": True},
    )
    op.create_table(
        "indexed_record",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("object_type", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Text(), nullable=True),
        sa.Column("modified_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connection.account_id", "connection.id"],
            name=op.f("fk_indexed_record_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_indexed_record_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "connection_id", "record_id", name=op.f("pk_indexed_record")),
        info={"account": True},
    )
    op.create_table(
        "oauth_attempt",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("state_hash", sa.LargeBinary(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("verifier", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connection.account_id", "connection.id"],
            name=op.f("fk_oauth_attempt_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_oauth_attempt_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "state_hash", name=op.f("pk_oauth_attempt")),
        info={"account": True},
    )
    op.create_table(
        "queue_number",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("greeting", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "queue_id"],
            ["queue.account_id", "queue.id"],
            name=op.f("fk_queue_number_account_id_queue_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_queue_number_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "e164", name=op.f("pk_queue_number")),
        info={"account": True},
    )
    op.create_index("uq_queue_number_e164", "queue_number", ["e164"], unique=True)
    op.create_table(
        "session",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind in ('portal', 'callbar')", name=op.f("ck_session_kind")),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["app_user.account_id", "app_user.id"],
            name=op.f("fk_session_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_session_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_session")),
        info={"account": True},
    )
    op.create_index("uq_session_token_hash", "session", ["token_hash"], unique=True)
    op.create_table(
        "softphone_layout",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("layout", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id"],
            ["connection.account_id", "connection.id"],
            name=op.f("fk_softphone_layout_account_id_connection_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_softphone_layout_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "connection_id", "hash", name=op.f("pk_softphone_layout")),
        info={"account": True},
    )
    op.create_table(
        "callbar_command",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("command_id", sa.Text(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "agent_id"],
            ["agent.account_id", "agent.user_id"],
            name=op.f("fk_callbar_command_account_id_agent_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_callbar_command_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "agent_id", "command_id", name=op.f("pk_callbar_command")),
        info={"account": True},
    )
    op.create_index("ix_callbar_command_done_at", "callbar_command", ["done_at"], unique=False)
    op.create_table(
        "engagement",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=True),
        sa.Column("connection_id", sa.Uuid(), nullable=True),
        sa.Column("number_raw", sa.Text(), nullable=True),
        sa.Column("number_e164", sa.Text(), nullable=True),
        sa.Column("number_extension", sa.Text(), nullable=True),
        sa.Column("withheld", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("claimed_name", sa.Text(), nullable=True),
        sa.Column("digits", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("digits_sent", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("dialled_e164", sa.Text(), nullable=True),
        sa.Column("match", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("related", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("popped", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("caller_leg_id", sa.Uuid(), nullable=False),
        sa.Column("play_id", sa.Uuid(), nullable=True),
        sa.Column("held", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("muted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("pending", sa.Text(), nullable=True),
        sa.Column("pending_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("priority", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("connected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_ms", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end_cause", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), server_default=sa.text("'open'"), nullable=False),
        sa.Column("disposition_id", sa.Uuid(), nullable=True),
        sa.Column("notes", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "agent_id"],
            ["agent.account_id", "agent.user_id"],
            name=op.f("fk_engagement_account_id_agent_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "queue_id"],
            ["queue.account_id", "queue.id"],
            name=op.f("fk_engagement_account_id_queue_id"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_engagement_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_engagement")),
        info={"account": True},
    )
    op.create_index(
        "ix_engagement_deadline_at",
        "engagement",
        ["deadline_at"],
        unique=False,
        postgresql_where=sa.text("deadline_at is not null"),
    )
    op.create_index("ix_engagement_history", "engagement", ["account_id", "arrived_at"], unique=False)
    op.create_index(
        "ix_engagement_open_agent",
        "engagement",
        ["account_id", "agent_id"],
        unique=False,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_index(
        "ix_engagement_waiting",
        "engagement",
        ["account_id", "queue_id", "queued_at"],
        unique=False,
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index("uq_engagement_caller_leg_id", "engagement", ["caller_leg_id"], unique=True)
    op.create_table(
        "phone_index",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "connection_id", "record_id"],
            ["indexed_record.account_id", "indexed_record.connection_id", "indexed_record.record_id"],
            name=op.f("fk_phone_index_account_id_connection_id_record_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_phone_index_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "account_id", "connection_id", "key", "record_id", "field", name=op.f("pk_phone_index")
        ),
        info={"account": True},
    )
    op.create_index("ix_phone_index_record", "phone_index", ["record_id", "connection_id"], unique=False)
    op.create_table(
        "queue_member",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "queue_id"],
            ["queue.account_id", "queue.id"],
            name=op.f("fk_queue_member_account_id_queue_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "user_id"],
            ["agent.account_id", "agent.user_id"],
            name=op.f("fk_queue_member_account_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_queue_member_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "queue_id", "user_id", name=op.f("pk_queue_member")),
        info={"account": True},
    )
    op.create_table(
        "call_log",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id", "engagement_id"],
            ["engagement.account_id", "engagement.id"],
            name=op.f("fk_call_log_account_id_engagement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_call_log_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "engagement_id", name=op.f("pk_call_log")),
        info={"account": True},
    )
    op.create_table(
        "engagement_event",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column(
            "data", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "engagement_id"],
            ["engagement.account_id", "engagement.id"],
            name=op.f("fk_engagement_event_account_id_engagement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_engagement_event_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "engagement_id", "sequence", name=op.f("pk_engagement_event")),
        info={"account": True},
    )
    op.create_table(
        "offer",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("agent_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "engagement_id"],
            ["engagement.account_id", "engagement.id"],
            name=op.f("fk_offer_account_id_engagement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_offer_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_offer")),
        info={"account": True},
    )
    op.create_index(
        "ix_offer_engagement", "offer", ["account_id", "engagement_id", "offered_at"], unique=False
    )
    op.create_index(
        "uq_offer_open_agent",
        "offer",
        ["account_id", "agent_id"],
        unique=True,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_index(
        "uq_offer_open_engagement",
        "offer",
        ["account_id", "engagement_id"],
        unique=True,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_table(
        "delivery",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("engagement_id", sa.Uuid(), nullable=False),
        sa.Column("connection_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pending_since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_revision", sa.Integer(), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "records", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id", "engagement_id"],
            ["call_log.account_id", "call_log.engagement_id"],
            name=op.f("fk_delivery_account_id_engagement_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_delivery_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("account_id", "engagement_id", name=op.f("pk_delivery")),
        info={"account": True},
    )
    op.create_index(
        "ix_delivery_due",
        "delivery",
        ["connection_id", "next_at"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    for table in ACCOUNT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY own ON {table} USING ({ACCOUNT_RULE}) WITH CHECK ({ACCOUNT_RULE})")
    for statement in GRANTS:
        op.execute(statement)
