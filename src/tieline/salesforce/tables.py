"""Tables of connections and of the local phone index."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tieline.db.schema import account_table, at

connection = account_table(
    "connection",
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    # production, sandbox or embedded
    Column("environment", Text, nullable=False),
    # authorising, connected, reconnect (the org no longer takes our grant), removed
    Column("state", Text, nullable=False),
    # Where programs call the API, where the browser signs in, and which origins may embed the callbar.
    Column("api_base", Text, nullable=False),
    Column("login_origin", Text, nullable=False),
    Column("embedding_origins", ARRAY(Text), nullable=False),
    Column("client_id", Text, nullable=False),
    Column("client_secret", LargeBinary),
    Column("org_id", Text),
    Column("org_user_id", Text),
    # Encrypted tokens (see `vault.py`); `token_version` is raised by each refresh.
    Column("access_token", LargeBinary),
    Column("refresh_token", LargeBinary),
    Column("token_version", Integer, nullable=False, server_default=text("0")),
    # Who refreshes the tokens holds this lease; the network is not waited for inside a transaction.
    at("token_lease_until"),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # Validated copy of the settings kept in the org (see `settings.py` beside this file), and when it was read.
    Column("org_settings", JSONB, nullable=False, server_default=text("'{}'")),
    at("org_settings_at"),
    # The phone index: none, loading or ready, and up to which SystemModstamp it is fresh.
    Column("index_state", Text, nullable=False, server_default=text("'none'")),
    # It loads because of other country codes, and answers by the earlier ones whatever it can meanwhile.
    Column("index_stale", Boolean, nullable=False, server_default=text("false")),
    # Where an unfinished load stands: {"Contact": "<last id read>"}; "done" once an object is read.
    Column("index_progress", JSONB, nullable=False, server_default=text("'{}'")),
    # How many records with a number the org had when the load began (null: it did not say), and how many are read.
    Column("index_total", Integer),
    Column("index_loaded", Integer, nullable=False, server_default=text("0")),
    at("index_until"),
    at("index_checked_at"),
    # The worker that refreshes the index holds this lease.
    at("index_lease_until"),
    # Somebody has records of the connection on a page of the portal until then.
    at("watched_until"),
    # Origins beside the org's own that may embed the callbar and talk to it.
    Column("related_domains", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    # The user of ours who last authorised it.
    Column("connected_by", Uuid),
    at("connected_at"),
    # When the org last answered as it should, and what it then said of its API's use today.
    at("succeeded_at"),
    Column("api_used", Integer),
    Column("api_limit", Integer),
    Column("error_code", Text),
    at("error_at"),
    # When the org last gave an access token.
    at("token_at"),
    # What the org last said about its set-up (see `survey.py`), when, and what kept it from being asked again.
    Column("survey", JSONB, nullable=False, server_default=text("'{}'")),
    at("surveyed_at"),
    at("survey_asked_at"),
    at("survey_lease_until"),
    Column("survey_error", Text),
    # Since when the org has not answered as it should, and since when the administrators have known it.
    at("failing_since"),
    at("died_at"),
    at("created_at", nullable=False),
    UniqueConstraint("account_id", "name"),
)

oauth_attempt = account_table(
    "oauth_attempt",
    # SHA-256 of the OAuth state.
    Column("state_hash", LargeBinary, primary_key=True),
    Column("connection_id", Uuid, nullable=False),
    Column("user_id", Uuid, nullable=False),
    # The PKCE verifier, encrypted.
    Column("verifier", LargeBinary, nullable=False),
    # What the connection is to become once this succeeds (environment, client_id and the addresses), with the new
    # client's secret, encrypted; null when it is only authorised again.
    Column("change", JSONB),
    Column("client_secret", LargeBinary),
    at("expires_at", nullable=False),
    ForeignKeyConstraint(
        ["account_id", "connection_id"], ["connection.account_id", "connection.id"], ondelete="CASCADE"
    ),
)

# Grants that are no longer ours to use and that an org has still to be told of. The connection may be gone.
revocation = account_table(
    "revocation",
    Column("id", Uuid, primary_key=True),
    Column("connection_id", Uuid, nullable=False),
    Column("api_base", Text, nullable=False),
    # Sealed as it was in the connection's column `kind`.
    Column("token", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    at("next_at", nullable=False),
    at("created_at", nullable=False),
    Index("ix_revocation_next_at", "next_at"),
)

# Who a user with client integration is in the org, as last found there (see `org_users.py`).
org_user = account_table(
    "org_user",
    Column("user_id", Uuid, primary_key=True),
    Column("connection_id", Uuid, nullable=False),
    # How many users of the org it may be, and by what the one was found: username, email, chosen.
    Column("found", Integer, nullable=False),
    Column("how", Text),
    # The user name that an administrator gave.
    Column("chosen", Text),
    Column("org_user_id", Text),
    Column("name", Text),
    Column("username", Text),
    # Null: the org does not tell.
    Column("permission_set", Boolean),
    Column("call_center", Boolean),
    at("matched_at"),
    ForeignKeyConstraint(
        ["account_id", "user_id"], ["app_user.account_id", "app_user.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(
        ["account_id", "connection_id"], ["connection.account_id", "connection.id"], ondelete="CASCADE"
    ),
    Index("ix_org_user_connection", "account_id", "connection_id"),
)

indexed_record = account_table(
    "indexed_record",
    Column("connection_id", Uuid, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("object_type", Text, nullable=False),
    Column("name", Text, nullable=False),
    # Of people only: `name` is in the integration user's order, readers have their own (see `names.py`).
    Column("first_name", Text),
    Column("last_name", Text),
    Column("owner_id", Text),
    at("modified_at", nullable=False),
    ForeignKeyConstraint(
        ["account_id", "connection_id"], ["connection.account_id", "connection.id"], ondelete="CASCADE"
    ),
)

# A table of its own, so that an owner's new name is one row, however many records the owner has.
record_owner = account_table(
    "record_owner",
    Column("connection_id", Uuid, primary_key=True),
    # An org user or, of leads, a queue.
    Column("owner_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    # Of users only.
    Column("first_name", Text),
    Column("last_name", Text),
    ForeignKeyConstraint(
        ["account_id", "connection_id"], ["connection.account_id", "connection.id"], ondelete="CASCADE"
    ),
)

phone_index = account_table(
    "phone_index",
    Column("connection_id", Uuid, primary_key=True),
    # E.164, or "n:" and the national significant number for the lower grade.
    Column("key", Text, primary_key=True),
    Column("record_id", Text, primary_key=True),
    Column("field", Text, primary_key=True),
    Column("grade", Text, nullable=False),
    # As it stands in the record.
    Column("raw", Text, nullable=False),
    ForeignKeyConstraint(
        ["account_id", "connection_id", "record_id"],
        ["indexed_record.account_id", "indexed_record.connection_id", "indexed_record.record_id"],
        ondelete="CASCADE",
    ),
    # Does not begin like the primary key, lest the planner take it for look-ups by key while statistics are old.
    Index("ix_phone_index_record", "record_id", "connection_id"),
)

softphone_layout = account_table(
    "softphone_layout",
    Column("connection_id", Uuid, primary_key=True),
    # SHA-256 of the canonical JSON.
    Column("hash", LargeBinary, primary_key=True),
    Column("layout", JSONB, nullable=False),
    at("reported_at", nullable=False),
    ForeignKeyConstraint(
        ["account_id", "connection_id"], ["connection.account_id", "connection.id"], ondelete="CASCADE"
    ),
)
