"""The migrations make exactly the tables in code, in one line of history."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy.ext.asyncio import create_async_engine

from tieline.db.database import OWNER_ROLE, sqlalchemy_url
from tieline.db.embedded import EmbeddedPostgres
from tieline.db.migrate import SchemaMismatch, check_head, create_database, migrate, newest_revision
from tieline.db.tables import metadata

LOGIN, PASSWORD = "tieline", "test-login"


def test_history_has_one_head() -> None:
    assert newest_revision()


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


async def test_migrating_twice_changes_nothing(database_url: str) -> None:
    assert await migrate(database_url) == newest_revision()
    await check_head(database_url)


async def test_other_commands_refuse_an_unmigrated_database(postgres: EmbeddedPostgres) -> None:
    await create_database(postgres.url(), "unmigrated", login=LOGIN)
    with pytest.raises(SchemaMismatch, match="tieline migrate"):
        await check_head(postgres.url("unmigrated", user=LOGIN, password=PASSWORD))
