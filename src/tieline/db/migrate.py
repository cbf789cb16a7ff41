"""Schema migrations: one line of history, run only by `tieline migrate`, under an advisory lock.

Other commands call `revision.check_head` and refuse a schema that is not exactly the one their code was written for.
"""

from __future__ import annotations

from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from tieline.db.database import APP_ROLE, OWNER_ROLE, SYSTEM_ROLE, sqlalchemy_url
from tieline.db.revision import newest_revision

_LOCK = 7_236_501
"""Advisory lock number of migrations; arbitrary, only its sameness matters."""


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    if connection is not None:
        config.attributes["connection"] = connection
    return config


async def prepare_server(superuser_url: str, *, login: str, password: str) -> None:
    """Make the three roles and a login that may take each of them. Doing it twice is doing it once.

    A database server of your own needs the same statements run once by its superuser
    (`docs/operate/database.md`).
    """
    connection = await asyncpg.connect(superuser_url, timeout=10)
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            for role, options in (
                (OWNER_ROLE, "NOLOGIN"),
                (APP_ROLE, "NOLOGIN"),
                (SYSTEM_ROLE, "NOLOGIN BYPASSRLS"),
                (login, "LOGIN NOINHERIT"),
            ):
                if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
                    await connection.execute(f'CREATE ROLE "{role}" {options}')
            for role in (OWNER_ROLE, APP_ROLE, SYSTEM_ROLE):
                await connection.execute(f'GRANT "{role}" TO "{login}"')
            quoted = await connection.fetchval("SELECT quote_literal($1::text)", password)
            await connection.execute(f'ALTER ROLE "{login}" PASSWORD {quoted}')
    finally:
        await connection.close()


async def create_database(superuser_url: str, name: str, *, login: str, template: str | None = None) -> None:
    """Create database `name`, owned by the owning role, if it does not exist."""
    connection = await asyncpg.connect(superuser_url, timeout=10)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            copied = f' TEMPLATE "{template}"' if template else ""
            await connection.execute(f'CREATE DATABASE "{name}" OWNER "{OWNER_ROLE}"{copied}')
            await connection.execute(f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC')
            await connection.execute(
                f'GRANT CONNECT, TEMPORARY ON DATABASE "{name}" TO "{login}", "{APP_ROLE}", "{SYSTEM_ROLE}"'
            )
    finally:
        await connection.close()


async def migrate(url: str) -> str:
    """Bring the schema to the newest revision and give that. Safe to run from several places at once."""
    engine = create_async_engine(sqlalchemy_url(url), connect_args={"server_settings": {"role": OWNER_ROLE}})
    try:
        async with engine.connect() as connection:
            await connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await connection.commit()
            await connection.run_sync(lambda sync: command.upgrade(_config(sync), "head"))
            await connection.commit()
            await connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
            await connection.commit()
    finally:
        await engine.dispose()
    return newest_revision()
