"""The migrations make exactly the tables in code, in one line of history."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from tieline.db import migrate as migrations
from tieline.db.database import OWNER_ROLE, Database, sqlalchemy_url
from tieline.db.embedded import EmbeddedPostgres
from tieline.db.migrate import create_database, migrate
from tieline.db.revision import SchemaMismatch, check_head, newest_revision
from tieline.db.tables import metadata
from tieline.ids import new_id

LOGIN, PASSWORD = "tieline", "test-login"


def test_the_newest_revision_is_the_history_s_one_head() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [newest_revision()]


async def test_empty_to_head_equals_the_tables_in_code(database_url: str) -> None:
    engine = create_async_engine(
        sqlalchemy_url(database_url), connect_args={"server_settings": {"role": OWNER_ROLE}}
    )
    async with engine.connect() as connection:
        differences = await connection.run_sync(
            lambda sync: compare_metadata(
                MigrationContext.configure(
                    sync, opts={"include_object": lambda o, name, kind, *_: name != "clock"}
                ),
                metadata,
            )
        )
    await engine.dispose()
    assert differences == []


async def test_indexes_of_the_first_release_are_read_again_for_owners(postgres: EmbeddedPostgres) -> None:
    await create_database(postgres.url(), "first_release", login=LOGIN)
    url = postgres.url("first_release", user=LOGIN, password=PASSWORD)
    await _migrate_to(url, "0001")
    account, ready, loading = (new_id() for _ in range(3))
    states = [(ready, "ready"), (loading, "loading")]
    database = Database(url)
    until = datetime(2026, 11, 20, tzinfo=UTC)
    async with database.system() as tx:
        await tx.execute(
            text("INSERT INTO account (id, name, vanity) VALUES (:id, 'Acme', 'acme')"), {"id": account}
        )
        for id, state in states:
            await tx.execute(
                text(
                    "INSERT INTO connection (account_id, id, name, environment, state, api_base, login_origin,"
                    " embedding_origins, client_id, index_state, index_until, created_at)"
                    " VALUES (:account, :id, :state, 'embedded', 'connected', '', '', '{}', '', :state, :until, :until)"
                ),
                {"account": account, "id": id, "state": state, "until": until},
            )
    await migrate(url)
    async with database.account(account) as tx:
        rows = await tx.all(text("SELECT index_state, index_until FROM connection"))
        owners = await tx.scalar(text("SELECT count(*) FROM record_owner"))
    await database.close()
    assert (sorted(tuple(row) for row in rows), owners) == ([("loading", until), ("ready", None)], 0)


async def _migrate_to(url: str, revision: str) -> None:
    """What `migrate` did when `revision` was the newest."""

    def upgrade(sync: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent / "migrations"))
        config.attributes["connection"] = sync
        command.upgrade(config, revision)

    engine = create_async_engine(sqlalchemy_url(url), connect_args={"server_settings": {"role": OWNER_ROLE}})
    async with engine.connect() as connection:
        await connection.run_sync(upgrade)
        await connection.commit()
    await engine.dispose()


async def test_migrating_twice_changes_nothing(database_url: str) -> None:
    assert await migrate(database_url) == newest_revision()
    await check_head(database_url)


async def test_other_commands_refuse_an_unmigrated_database(postgres: EmbeddedPostgres) -> None:
    await create_database(postgres.url(), "unmigrated", login=LOGIN)
    with pytest.raises(SchemaMismatch, match="tieline migrate"):
        await check_head(postgres.url("unmigrated", user=LOGIN, password=PASSWORD))
