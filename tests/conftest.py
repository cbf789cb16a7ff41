"""Fixtures every test may use: a real PostgreSQL, a migrated database of its own for each worker."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tieline import logs
from tieline.db.database import Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.db.migrate import create_database, migrate, prepare_server

# Properties over a database are slow by nature, not by mistake; `make soak` runs the same with many more examples.
_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
# In CI the same examples each time: what it says of a change is about that change. Elsewhere new ones each time.
settings.register_profile("ci", deadline=None, suppress_health_check=_SLOW, derandomize="CI" in os.environ)
settings.register_profile("soak", max_examples=10_000, deadline=None, suppress_health_check=_SLOW)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

# As processes do it: without this, an exception that is logged is drawn with all values around it, for seconds.
logs.configure()

# A client of the Pub/Sub API in this process must not have its say in processes that tests fork: they may die of it.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

LOGIN, PASSWORD = "tieline", "test-login"


@pytest.fixture(scope="session")
async def postgres(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedPostgres]:
    """An embedded PostgreSQL for this test process; `postgres.url(database)` is its superuser's DSN."""
    folder: Path = tmp_path_factory.mktemp("postgres")
    settings = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    async with EmbeddedPostgres(folder, settings=settings) as server:
        await prepare_server(server.url(), login=LOGIN, password=PASSWORD)
        yield server


@pytest.fixture(scope="session")
async def database_url(postgres: EmbeddedPostgres) -> str:
    """A migrated `tieline` database; the URL is that of the login which serves and migrates."""
    name = f"tieline_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    await create_database(postgres.url(), name, login=LOGIN)
    url = postgres.url(name, user=LOGIN, password=PASSWORD)
    await migrate(url)
    return url


@pytest.fixture(scope="session")
async def database(database_url: str) -> AsyncIterator[Database]:
    """The database as a serving process sees it."""
    database = Database(database_url)
    yield database
    await database.close()
