"""Tables of events in an org's database, and the trigger that notes changes within their own transaction.

Changes are noted as they are made and get their place in the stream afterwards (`sequencer.py`): only what is
committed is seen there, so that the order of events is the order of commits.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

CHANNEL = "crm_events"
"""Where listeners hear that changes were noted, or that events are there."""

_SQL = """
CREATE TABLE meta.event_member (
    id text PRIMARY KEY, full_name text NOT NULL, channel text NOT NULL, object_name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), UNIQUE (channel, object_name)
);
CREATE UNIQUE INDEX event_member_by_name ON meta.event_member (lower(full_name));
CREATE TABLE meta.change (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    object_name text NOT NULL, record_id text NOT NULL, before jsonb, after jsonb,
    origin text, at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX change_by_transaction ON meta.change (xid, id);
CREATE SEQUENCE meta.replay_id MINVALUE 1;
CREATE TABLE meta.event (
    replay_id bigint PRIMARY KEY, topic text NOT NULL, uuid text NOT NULL, at timestamptz NOT NULL,
    content jsonb NOT NULL
);
CREATE INDEX event_by_topic ON meta.event (topic, replay_id);
CREATE INDEX event_by_time ON meta.event (at);
CREATE TABLE meta.event_schema (id text PRIMARY KEY, topic text NOT NULL, definition text NOT NULL);
CREATE TABLE meta.event_usage (minute timestamptz PRIMARY KEY, requests bigint NOT NULL);

CREATE FUNCTION meta.note_made() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
    INSERT INTO meta.change (object_name, record_id, after, origin)
    SELECT TG_TABLE_NAME, n."Id", to_jsonb(n) - '_search', current_setting('crm.origin', true) FROM new_rows n;
    IF FOUND THEN PERFORM pg_notify('crm_events', ''); END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION meta.note_changed() RETURNS trigger LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
    INSERT INTO meta.change (object_name, record_id, before, after, origin)
    SELECT TG_TABLE_NAME, n."Id", to_jsonb(o) - '_search', to_jsonb(n) - '_search', current_setting('crm.origin', true)
      FROM new_rows n JOIN old_rows o ON o."Id" = n."Id";
    IF FOUND THEN PERFORM pg_notify('crm_events', ''); END IF;
    RETURN NULL;
END $$;
"""


async def install(conn: Any) -> None:
    """Makes tables and functions; no object is watched yet."""
    await conn.execute(_SQL)


async def watch(conn: Any, table: str) -> None:
    """Changes of a quoted table are noted from now on."""
    await unwatch(conn, table)
    await conn.execute(
        f"CREATE TRIGGER note_made AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION meta.note_made()"
    )
    await conn.execute(
        f"CREATE TRIGGER note_changed AFTER UPDATE ON {table} REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows"
        " FOR EACH STATEMENT EXECUTE FUNCTION meta.note_changed()"
    )


async def unwatch(conn: Any, table: str) -> None:
    """Changes of a table are no longer noted."""
    await conn.execute(f"DROP TRIGGER IF EXISTS note_made ON {table}")
    await conn.execute(f"DROP TRIGGER IF EXISTS note_changed ON {table}")


async def settle(conn: Any, tables: Mapping[str, str]) -> None:
    """Watches what is selected for change events or asked for by an active PushTopic, and nothing else.

    `tables` are the quoted tables by object.
    """
    rows = await conn.fetch(
        "SELECT object_name AS name FROM meta.event_member UNION"
        ' SELECT "QueriedObject" FROM data."PushTopic" WHERE "IsActive" AND NOT "IsDeleted"'
    )
    wanted = {row["name"] for row in rows} & tables.keys()
    rows = await conn.fetch(
        "SELECT c.relname AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
        " WHERE t.tgname = 'note_changed' AND c.relnamespace = 'data'::regnamespace"
    )
    watched = {row["name"] for row in rows} & tables.keys()
    for name in sorted(wanted - watched):
        await watch(conn, tables[name])
    for name in sorted(watched - wanted):
        await unwatch(conn, tables[name])


@asynccontextmanager
async def on_behalf(conn: Any, origin: str) -> AsyncGenerator[None]:
    """Changes made inside are told with this origin."""
    await conn.execute("SELECT set_config('crm.origin', $1, false)", origin)
    try:
        yield
    finally:
        if not conn.is_closed() and not conn.is_in_transaction():
            await conn.execute("SELECT set_config('crm.origin', '', false)")
