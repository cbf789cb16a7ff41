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
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    Text,
    UpdateBase,
    bindparam,
    cast,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import CursorResult, Row
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

APP_ROLE = "tieline_app"
SYSTEM_ROLE = "tieline_system"
OWNER_ROLE = "tieline_owner"
BUS_CHANNEL = "tieline"
PATIENCE_S = 3.0
"""A transaction waits so long for a server that is being restarted before it fails."""
_RETRY_S = 0.1
_NOT_READY = frozenset({"57P01", "57P02", "57P03", "08001", "08003", "08004", "08006"})
"""SQL states of a server that shuts down, starts, or has dropped the connection."""

_OPEN = text("SELECT set_config('tieline.account_id', :account, true), tieline_now()")
_ANNOUNCE = text("SELECT pg_notify(:channel, :message)")


@dataclass(slots=True)
class Transaction:
    """One open transaction."""

    connection: AsyncConnection
    now: datetime
    account_id: UUID | None
    _before_commit: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    _after_commit: list[Callable[[], None]] = field(default_factory=list)
    scratch: dict[str, Any] = field(default_factory=dict[str, Any])
    """Room for a feature to collect what it flushes before commit; keyed by the feature's name."""

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

    async def announce(self, kind: str, id: UUID, version: int = 0, **more: str) -> None:
        """Tell all nodes, at commit, that a row changed: account, kind, id, version, and nothing of its content."""
        message = json.dumps(self.message(kind, id, version, **more), separators=(",", ":"))
        await self.execute(_ANNOUNCE, {"channel": BUS_CHANNEL, "message": message})

    def message(self, kind: str, id: UUID, version: int = 0, **more: str) -> dict[str, Any]:
        """What is announced of a row, for a statement that writes and announces in one round trip."""
        return {"a": str(self.account_id), "k": kind, "i": str(id), "v": version, **more}

    def before_commit(self, act: Callable[[], Awaitable[None]]) -> None:
        """Run `act` inside the transaction, just before it commits."""
        self._before_commit.append(act)

    def after_commit(self, act: Callable[[], None]) -> None:
        """Run `act` once the transaction has committed; never when it was rolled back. It must not raise."""
        self._after_commit.append(act)


def announcing(writing: UpdateBase, version: ColumnElement[int]) -> Select[Any]:
    """A statement that writes a row and announces it with the `version` it gets, in one round trip.

    Its parameter `message` is what `Transaction.message` gives.
    """
    written = writing.returning(version.label("version")).cte("written")
    whole = bindparam("message", type_=JSONB) + func.jsonb_build_object("v", written.c.version)
    return select(func.pg_notify(BUS_CHANNEL, cast(whole, Text))).select_from(written)


def sqlalchemy_url(url: str) -> str:
    """The URL as SQLAlchemy's asyncpg dialect wants it."""
    return url.replace("postgresql://", "postgresql+asyncpg://", 1)


def _engine(url: str, role: str, size: int) -> AsyncEngine:
    return create_async_engine(
        sqlalchemy_url(url),
        pool_size=size,
        max_overflow=size,
        pool_timeout=5,
        pool_recycle=1800,
        hide_parameters=True,  # customers' numbers stay out of errors and logs
        connect_args={
            "server_settings": {"role": role, "application_name": "tieline", "statement_timeout": "15s"},
            "timeout": 5,
            "command_timeout": 20,
        },
    )


class Database:
    """The way to the `tieline` database for one process."""

    def __init__(self, url: str, *, pool_size: int = 6) -> None:
        self.url = url
        self._app = _engine(url, APP_ROLE, pool_size)
        self._system = _engine(url, SYSTEM_ROLE, max(2, pool_size // 2))

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
        async with self._transaction(self._app, account_id, isolation="REPEATABLE READ") as tx:
            yield tx

    @asynccontextmanager
    async def system(self, account_id: UUID | None = None) -> AsyncGenerator[Transaction]:
        """A transaction that sees all accounts. `account_id` is what its announcements are about."""
        async with self._transaction(self._system, account_id) as tx:
            yield tx

    @asynccontextmanager
    async def _transaction(
        self, engine: AsyncEngine, account_id: UUID | None, *, isolation: str | None = None
    ) -> AsyncGenerator[Transaction]:
        connection, now = await self._opened(engine, account_id, isolation)
        tx = Transaction(connection, now, account_id)
        try:
            yield tx
            for act in tx._before_commit:  # pyright: ignore[reportPrivateUsage]
                await act()
            await connection.commit()
        finally:
            # What was not committed is rolled back, also when whoever asked has been cancelled.
            await asyncio.shield(asyncio.ensure_future(connection.close()))
        for done in tx._after_commit:  # pyright: ignore[reportPrivateUsage]
            done()

    async def _opened(
        self, engine: AsyncEngine, account_id: UUID | None, isolation: str | None
    ) -> tuple[AsyncConnection, datetime]:
        """A connection on which a transaction has begun.

        A connection of the pool may have died with a server that was restarted. That shows at the first
        statement, before anything was done: so another is taken, for as long as a server needs to come back.
        """
        give_up = time.monotonic() + PATIENCE_S
        while True:
            connection: AsyncConnection | None = None
            try:
                connection = await engine.connect()
                if isolation:
                    await connection.execution_options(isolation_level=isolation)
                row = (await connection.execute(_OPEN, {"account": str(account_id or "")})).one()
            except BaseException as error:
                if connection is not None:
                    with contextlib.suppress(Exception):
                        await asyncio.shield(asyncio.ensure_future(connection.close()))
                if not _server_away(error) or time.monotonic() > give_up:
                    raise
                await asyncio.sleep(_RETRY_S)
            else:
                return connection, row[1]


def _server_away(error: BaseException) -> bool:
    """Whether an error says that the server is not there, or not yet ready: nothing has been done."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _sqlstate(error.orig) in _NOT_READY
    # Connecting fails with what the system or the driver says.
    return isinstance(error, ConnectionError | FileNotFoundError) or _sqlstate(error) in _NOT_READY


def _sqlstate(error: object) -> str | None:
    return getattr(error, "sqlstate", None)
