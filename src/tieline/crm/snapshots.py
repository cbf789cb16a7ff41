"""Snapshots of an org: copies of its database that can be put back in less than a second.

A copy wants its original to itself for a moment. So the org's connections are closed first, those at work being
given time to finish, and servers open new ones when it is over: `Org.connection` waits for that. Whoever holds an
access token of the snapshot's time may go on using it.

A test suite waits for this, so nothing is loaded that is not needed: the history of databases is only where one has to
be brought to this release.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .database import connect
from .settings import CrmSettings

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_DRAIN_S = 2.0
_IDLE_S = 0.1
"""A connection that has been idle for so long is not between two statements of one request."""
_LOCK = 0x736E6170  # "snap"
MAX_SNAPSHOTS = 50


class SnapshotError(ValueError):
    """The snapshot cannot be made or used; the message says why."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One kept copy."""

    org: str
    name: str
    created_at: datetime


@asynccontextmanager
async def _registry(settings: CrmSettings) -> AsyncGenerator[Any]:
    conn = await connect(settings)
    try:
        if not await conn.fetchval("SELECT to_regclass('public.crm_snapshot') IS NOT NULL"):
            from .migrations import REGISTRY_STEPS, migrate

            await migrate(conn, REGISTRY_STEPS)
        await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)  # one at a time; ends with the connection
        yield conn
    finally:
        await conn.close()


async def _database_of(conn: Any, org: str) -> str:
    found: str | None = await conn.fetchval("SELECT database_name FROM crm_org WHERE name = $1", org)
    if found is None:
        raise SnapshotError(f"There is no org named {org!r}.")
    return found


def _copy_name(database: str, name: str) -> str:
    return f"{database[:30]}_s_{hashlib.sha256(f'{database}/{name}'.encode()).hexdigest()[:16]}"


async def _drop(conn: Any, database: str) -> None:
    await conn.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


@asynccontextmanager
async def _alone(conn: Any, database: str) -> AsyncGenerator[None]:
    """Nobody is connected to the database inside, and everybody may be again behind it."""
    await conn.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
    try:
        deadline = time.monotonic() + _DRAIN_S
        while True:
            late = time.monotonic() > deadline
            await conn.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND ($2 OR"
                " (state = 'idle' AND state_change < clock_timestamp() - make_interval(secs => $3)))",
                database,
                late,
                _IDLE_S,
            )
            left = await conn.fetchval("SELECT count(*) FROM pg_stat_activity WHERE datname = $1", database)
            if not left:
                break
            if time.monotonic() > deadline + 10:
                raise SnapshotError(f"Connections to {database} do not end: stop what uses it.")
            await asyncio.sleep(0.01)
        yield
    finally:
        await conn.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')


async def _copy(conn: Any, source: str, target: str) -> None:
    await conn.execute(f'CREATE DATABASE "{target}" TEMPLATE "{source}"')


async def save(settings: CrmSettings, org: str, name: str) -> None:
    """Keeps a copy of the org as it is now; one of the same name is replaced. SnapshotError for bad input."""
    if not _NAME.fullmatch(name):
        raise SnapshotError("A snapshot's name consists of lower-case letters, digits and hyphens.")
    async with _registry(settings) as conn:
        source = await _database_of(conn, org)
        copy = _copy_name(source, name)
        kept = await conn.fetchval(
            "SELECT count(*) FROM crm_snapshot WHERE org_name = $1 AND name <> $2", org, name
        )
        if kept >= MAX_SNAPSHOTS:
            raise SnapshotError(f"There are {kept} snapshots already: delete some.")
        fresh = f"{copy}_new"
        await _drop(conn, fresh)
        async with _alone(conn, source):
            await _copy(conn, source, fresh)
        await _drop(conn, copy)
        await conn.execute(f'ALTER DATABASE "{fresh}" RENAME TO "{copy}"')
        await conn.execute(
            "INSERT INTO crm_snapshot (org_name, name, database_name) VALUES ($1, $2, $3)"
            " ON CONFLICT (org_name, name) DO UPDATE SET created_at = now()",
            org,
            name,
            copy,
        )


async def load(settings: CrmSettings, org: str, name: str) -> None:
    """Makes the org what it was when the snapshot was saved. SnapshotError where there is none."""
    async with _registry(settings) as conn:
        database = await _database_of(conn, org)
        copy: str | None = await conn.fetchval(
            "SELECT database_name FROM crm_snapshot WHERE org_name = $1 AND name = $2", org, name
        )
        if copy is None:
            raise SnapshotError(f"Org {org!r} has no snapshot named {name!r}.")
        fresh, old = f"{copy}_new", f"{copy}_old"
        await _drop(conn, fresh)
        await _drop(conn, old)
        await _copy(conn, copy, fresh)
        await _above(settings, fresh, await _standing(settings, database))
        # Both renames or none: an org is never without a database.
        async with _alone(conn, database), conn.transaction():
            await conn.execute(f'ALTER DATABASE "{database}" RENAME TO "{old}"')
            await conn.execute(f'ALTER DATABASE "{fresh}" RENAME TO "{database}"')
        await _drop(conn, old)


@dataclass(frozen=True, slots=True)
class _Standing:
    """Where an org's database stands: its catalogue's version, and the steps of its history."""

    version: int
    steps: tuple[str, ...]


async def _standing_of(conn: Any) -> _Standing:
    row = await conn.fetchrow(
        "SELECT (SELECT version FROM meta.catalogue) AS version, array_agg(name ORDER BY position) AS steps"
        " FROM public.crm_migration"
    )
    return _Standing(int(row["version"]), tuple(row["steps"]))


async def _standing(settings: CrmSettings, database: str) -> _Standing:
    conn = await connect(settings, database)
    try:
        return await _standing_of(conn)
    finally:
        await conn.close()


async def _above(settings: CrmSettings, database: str, org: _Standing) -> None:
    """Brings the copy to this release where the org has gone on since, and its catalogue above any version that a
    server may remember."""
    conn = await connect(settings, database)
    try:
        if (await _standing_of(conn)).steps != org.steps:
            from .migrations import ORG_STEPS, WrongHead, migrate

            try:
                await migrate(conn, ORG_STEPS)
            except WrongHead as wrong:
                raise SnapshotError(f"The snapshot cannot be loaded. {wrong}") from None
        await conn.execute("UPDATE meta.catalogue SET version = greatest(version, $1) + 1", org.version)
    finally:
        await conn.close()


async def delete(settings: CrmSettings, org: str, name: str) -> None:
    """Forgets a snapshot. SnapshotError where there is none."""
    async with _registry(settings) as conn:
        copy: str | None = await conn.fetchval(
            "DELETE FROM crm_snapshot WHERE org_name = $1 AND name = $2 RETURNING database_name", org, name
        )
        if copy is None:
            raise SnapshotError(f"Org {org!r} has no snapshot named {name!r}.")
        await _drop(conn, copy)


async def listed(settings: CrmSettings) -> list[Snapshot]:
    """All snapshots, by org and age."""
    async with _registry(settings) as conn:
        rows = await conn.fetch("SELECT org_name, name, created_at FROM crm_snapshot ORDER BY 1, 3, 2")
    return [Snapshot(row["org_name"], row["name"], row["created_at"]) for row in rows]
