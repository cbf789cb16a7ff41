"""Engine and transactions. Truth is a row; what is announced goes out with the commit.

A request is one transaction, opened here and committed here. `account` serves one account under row-level
security; `system` sees all accounts and is for sweeps, look-ups before the account is known and reviewed
search functions. Time is the database's: every transaction carries the `now` of its first statement.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Executable
from sqlalchemy.engine import CursorResult, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from tieline.db.statement import Found, Statement, combined

APP_ROLE = "tieline_app"
SYSTEM_ROLE = "tieline_system"
OWNER_ROLE = "tieline_owner"
PATIENCE_S = 3.0
"""A transaction waits so long for a server that is being restarted before it fails."""
_RETRY_S = 0.1
_TOGETHER = 32
"""So many writes go into one statement; a step of a call has a handful."""
_NOT_READY = frozenset({"57P01", "57P02", "57P03", "08001", "08003", "08004", "08006"})
"""SQL states of a server that shuts down, starts, or has dropped the connection."""

_OPEN = "SELECT tieline_now() FROM set_config('tieline.account_id', $1, true)"
_COMMIT = "COMMIT"
_COMMIT_THEN_WAIT = "COMMIT; SELECT pg_logical_emit_message(true, 'tieline', '')"
"""In one round trip: end a transaction that announced, then wait for the disk (decision 0011)."""


@dataclass(slots=True)
class Transaction:
    """One open transaction."""

    connection: AsyncConnection
    driver: Any
    """The driver's connection under it, on which compiled statements run."""
    now: datetime
    account_id: UUID | None
    _before_commit: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _after_commit: list[Callable[[], None]] = field(default_factory=list)
    scratch: dict[str, Any] = field(default_factory=dict[str, Any])
    """Room for a feature to collect what it flushes before commit; keyed by the feature's name."""
    _later: list[tuple[Statement, Mapping[str, Any]]] = field(
        default_factory=list[tuple[Statement, Mapping[str, Any]]]
    )
    _told: list[str] = field(default_factory=list[str])
    ending: str = _COMMIT

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run one statement; `parameters` as SQLAlchemy takes them (a list runs it for each)."""
        return await self.connection.execute(statement, parameters)  # type: ignore[return-value]

    async def one(self, statement: Executable, parameters: Any = None) -> Row[Any] | None:
        """The first row, or None."""
        return (await self.execute(statement, parameters)).first()

    async def all(self, statement: Executable, parameters: Any = None) -> list[Row[Any]]:
        """Every row."""
        return list((await self.execute(statement, parameters)).all())

    async def scalar(self, statement: Executable, parameters: Any = None) -> Any:
        """The first column of the first row, or None."""
        return (await self.execute(statement, parameters)).scalar()

    async def find(self, statement: Statement, parameters: Mapping[str, Any]) -> list[Found]:
        """Run a compiled statement and give its rows."""
        return await _fetched(self.connection, self.driver, statement, parameters)

    async def find_one(self, statement: Statement, parameters: Mapping[str, Any]) -> Found | None:
        """Run a compiled statement and give its first row, or None."""
        rows = await self.find(statement, parameters)
        return rows[0] if rows else None

    def later(self, write: Statement, parameters: Mapping[str, Any]) -> None:
        """Write just before commit, in one round trip with everything else that is written then.

        Such writes see the rows as they were before any of them, and no two may write the same row. Statements
        that run until then do not see them either.
        """
        self._later.append((write, parameters))

    def announce(self, kind: str, id: UUID, version: int = 0, **more: str) -> None:
        """Tell all nodes, at commit, that a row changed: account, kind, id, version, and nothing of its content."""
        self._told.append(json.dumps(self.message(kind, id, version, **more), separators=(",", ":")))

    def message(self, kind: str, id: UUID, version: int = 0, **more: str) -> dict[str, Any]:
        """What is announced of a row, for a write that announces what it returns."""
        return {"a": str(self.account_id), "k": kind, "i": str(id), "v": version, **more}

    async def write_all(self) -> None:
        """Write what has been left for later; `Database` does it just before commit."""
        for act in self._before_commit:
            await act()
        while self._later or self._told:
            writes, self._later = self._later[:_TOGETHER], self._later[_TOGETHER:]
            told, self._told = self._told, []
            if told or any(write.announces for write, _ in writes):
                self.ending = _COMMIT_THEN_WAIT
            sql = combined(tuple(write for write, _ in writes))
            arguments = [value for write, parameters in writes for value in write.arguments(parameters)]
            await _sent(self.connection, self.driver.fetch(sql, *arguments, told))

    def before_commit(self, act: Callable[[], Awaitable[None]]) -> None:
        """Run `act` inside the transaction, just before it commits."""
        self._before_commit.append(act)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Run `act` once the transaction has committed; never when it was rolled back. It must not raise."""
        self._after_commit.append(act)


async def _driver_of(connection: AsyncConnection) -> Any:
    return (await connection.get_raw_connection()).driver_connection


async def _fetched(
    connection: AsyncConnection, driver: Any, statement: Statement, parameters: Mapping[str, Any]
) -> list[Found]:
    records = await _sent(connection, driver.fetch(statement.sql, *statement.arguments(parameters)))
    return [Found(record) for record in records]


async def _sent(connection: AsyncConnection, fetching: Awaitable[Any]) -> Any:
    """What the driver gives, its errors as SQLAlchemy's: callers tell them apart in one way."""
    try:
        return await fetching
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ConnectionError, TimeoutError) as error:
        lost = _server_away(error) or isinstance(error, TimeoutError | asyncpg.InterfaceError)
        if lost:
            with contextlib.suppress(Exception):
                await connection.invalidate()
        raise DBAPIError(None, None, error, hide_parameters=True, connection_invalidated=lost) from error


def sqlalchemy_url(url: str) -> str:
    """The URL as SQLAlchemy's asyncpg dialect wants it."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


def _engine(url: str, role: str, size: int) -> AsyncEngine:
    return create_async_engine(
        sqlalchemy_url(url),
        # None is closed before its time: in a rush, opening them again would be what the rush is spent on. The one
        # used last is used next, its statements are prepared.
        pool_size=size,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=5,
        pool_recycle=1800,
        # Transactions are begun and ended here, in as few round trips as that takes.
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,  # customers' numbers stay out of errors and logs
        connect_args={
            "server_settings": {"role": role, "application_name": "tieline", "statement_timeout": "15s"},
            "timeout": 5,
            "command_timeout": 20,
        },
    )


class Database:
    """The way to the `tieline` database for one process, with at most `pool_size` connections of each role."""

    def __init__(self, url: str, *, pool_size: int = 6) -> None:
        self.url = url
        self._app = _engine(url, APP_ROLE, pool_size)
        self._system = _engine(url, SYSTEM_ROLE, pool_size)

    async def close(self) -> None:
        """Close every connection."""
        await self._app.dispose()
        await self._system.dispose()

    @asynccontextmanager
    async def account(self, account_id: UUID) -> AsyncGenerator[Transaction]:
        """A transaction that sees one account only."""
        async with self._transaction(self._app, account_id) as tx:
            yield tx

    @asynccontextmanager
    async def view(self, account_id: UUID) -> AsyncGenerator[Transaction]:
        """A read-only transaction of one account in which all statements see the same moment."""
        async with self._transaction(self._app, account_id, "BEGIN ISOLATION LEVEL REPEATABLE READ") as tx:
            yield tx

    @asynccontextmanager
    async def system(self, account_id: UUID | None = None) -> AsyncGenerator[Transaction]:
        """A transaction that sees all accounts. `account_id` is what its announcements are about."""
        async with self._transaction(self._system, account_id) as tx:
            yield tx

    async def alone(self, statement: Statement, parameters: Mapping[str, Any]) -> list[Found]:
        """Run one statement that sees all accounts, as a transaction of its own in a single round trip.

        For look-ups and upkeep by key, on the way of every call: the statement itself names the account, or none.
        """
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                async with self._system.connect() as connection:
                    return await _fetched(connection, await _driver_of(connection), statement, parameters)
            except Exception as error:
                if not _server_away(error) or time.monotonic() > give_up:
                    raise
                await asyncio.sleep(_RETRY_S)

    @asynccontextmanager
    async def _transaction(
        self, engine: AsyncEngine, account_id: UUID | None, begin: str = "BEGIN"
    ) -> AsyncGenerator[Transaction]:
        connection, driver, now = await self._opened(engine, account_id, begin)
        tx = Transaction(connection, driver, now, account_id)
        committed = False
        try:
            yield tx
            await tx.write_all()
            await _sent(connection, driver.execute(tx.ending))
            committed = True
        finally:
            # What was not committed is rolled back, also when whoever asked has been cancelled.
            await asyncio.shield(asyncio.ensure_future(_ended(connection, driver, committed)))
        for done in tx._after_commit:  # pyright: ignore[reportPrivateUsage]
            done()

    async def _opened(
        self, engine: AsyncEngine, account_id: UUID | None, begin: str
    ) -> tuple[AsyncConnection, Any, datetime]:
        """A connection, and the driver's, on which a transaction has begun.

        A connection of the pool may have died with a server that was restarted. That shows at the first
        statement, before anything was done: so another is taken, for as long as a server needs to come back.
        """
        give_up = time.monotonic() + PATIENCE_S
        while True:
            connection: AsyncConnection | None = None
            driver: Any = None
            try:
                connection = await engine.connect()
                driver = await _driver_of(connection)
                await _sent(connection, driver.execute(begin))
                now = await _sent(connection, driver.fetchval(_OPEN, str(account_id or "")))
            except BaseException as error:
                if connection is not None:
                    with contextlib.suppress(Exception):
                        await asyncio.shield(asyncio.ensure_future(_ended(connection, driver, False)))
                if not _server_away(error) or time.monotonic() > give_up:
                    raise
                await asyncio.sleep(_RETRY_S)
            else:
                return connection, driver, now


async def _ended(connection: AsyncConnection, driver: Any, committed: bool) -> None:
    """Give a connection back to the pool, without a transaction; one that cannot be freed of it is closed."""
    if not committed and not connection.invalidated:
        try:
            await driver.execute("ROLLBACK")
        except Exception:
            with contextlib.suppress(Exception):
                await connection.invalidate()
    await connection.close()


def _server_away(error: BaseException) -> bool:
    """Whether an error says that the server is not there, or not yet ready: nothing has been done."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _sqlstate(error.orig) in _NOT_READY
    # Connecting fails with what the system or the driver says.
    return isinstance(error, ConnectionError | FileNotFoundError) or _sqlstate(error) in _NOT_READY


def _sqlstate(error: object) -> str | None:
    return getattr(error, "sqlstate", None)
