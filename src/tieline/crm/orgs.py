"""The orgs of this server: which exist, their databases, pools and catalogues.

An `Org` is shared by all requests. Its catalogue is replaced, never changed, when the registry's version moves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

import asyncpg

from .changes import ChangeFeed
from .database import connect, prepare
from .deploy.progress import Running
from .faults.faults import Faults
from .limits import ApiUsage
from .metadata import Catalogue
from .migrations import ORG_STEPS, REGISTRY_STEPS, require_head
from .page_layouts import PageShelf
from .rules import RuleShelf
from .schema import load_catalogue
from .settings import CrmSettings


async def _keep(conn: Any) -> None:
    """Nothing to reset: session state is never changed here, and an open transaction is rolled back anyway.

    It saves a round trip with every request.
    """


_AWAY_S = 10.0
_AWAY = (
    asyncpg.exceptions.TooManyConnectionsError,
    asyncpg.exceptions.InvalidCatalogNameError,
    asyncpg.exceptions.ObjectNotInPrerequisiteStateError,
)
"""How a server refuses a connection to a database that is being copied or replaced."""


class Background(Protocol):
    """Work of a process for an org beside its requests."""

    def wake(self, kind: str) -> None:
        """Something of that kind is there to do; other kinds are somebody else's."""
        ...

    async def close(self) -> None:
        """Ends the work; what is half done is taken up by the next process."""
        ...


class Org:
    """One org: name, id, database pool, current catalogue."""

    def __init__(self, row: Mapping[str, Any], settings: CrmSettings, pool: Any, instance: str):
        self.name: str = row["name"]
        self.org_id: str = row["org_id"]
        self.label: str = row["label"]
        self.database: str = row["database_name"]
        self.settings = settings
        self.instance = instance
        self.pool = pool
        self.changes = ChangeFeed(lambda: connect(settings, self.database))
        self.usage = ApiUsage(settings.daily_api_requests)
        self.faults = Faults()
        self.deployments = Running()
        self.soql_cache: dict[str, Any] = {}
        self.rules = RuleShelf()
        self.pages = PageShelf()
        self.background: list[Background] = []
        self.capturing = False
        """Whether changes of any object are noted: then whoever writes says on whose behalf."""
        self._catalogue: Catalogue | None = None
        self._loading = asyncio.Lock()

    def wake(self, kind: str) -> None:
        """Tells the work in the background that there is something to do."""
        for work in self.background:
            work.wake(kind)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Any]:
        """A pooled connection. While the database is being copied, which takes no second, it is waited for."""
        deadline = time.monotonic() + _AWAY_S
        while True:
            try:
                conn = await self.pool.acquire(timeout=15)
                break
            except _AWAY:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.02)
        try:
            yield conn
        finally:
            await self.pool.release(conn)

    async def catalogue(self, conn: Any, version: int | None = None) -> Catalogue:
        """The catalogue at `version`, which a caller has just read; without it the registry is asked."""
        if version is None:
            version = await conn.fetchval("SELECT version FROM meta.catalogue")
        known = self._catalogue
        if known is not None and known.version == version:
            return known
        async with self._loading:
            if self._catalogue is None or self._catalogue.version != version:
                self._catalogue = await load_catalogue(conn)
            return self._catalogue

    async def close(self) -> None:
        """Writes down what was counted, and ends the change feed and the pool."""
        await self.deployments.close()
        for work in self.background:
            await work.close()
        await self.changes.close()
        try:
            async with asyncio.timeout(2), self.connection() as conn:
                await self.usage.sync(conn)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            pass  # counts of the last seconds are not worth a longer good-bye
        try:
            await asyncio.wait_for(self.pool.close(), timeout=5)
        except TimeoutError:
            self.pool.terminate()


class Orgs:
    """All orgs of the registry, opened when first asked for."""

    def __init__(self, settings: CrmSettings):
        self.settings = settings
        self._open: dict[str, Org] = {}
        self._by_id: dict[str, str] = {}
        self._opening = asyncio.Lock()
        self._unknown: dict[str, float] = {}
        self.on_open: list[Callable[[Org], Background]] = []
        """What begins to work for an org when it is opened."""

    async def start(self) -> None:
        """Checks the registry's head and opens every org it lists."""
        conn = await connect(self.settings)
        try:
            await require_head(conn, REGISTRY_STEPS)
            names = [
                row["name"] for row in await conn.fetch("SELECT name FROM crm_org ORDER BY created_at, name")
            ]
        finally:
            await conn.close()
        for name in names:
            await self.by_name(name)

    async def by_name(self, name: str) -> Org | None:
        """The org of that name, or None."""
        if name in self._open:
            return self._open[name]
        if time.monotonic() < self._unknown.get(name, 0.0):
            return None  # made-up hosts must not cost a connection each
        async with self._opening:
            if name in self._open:
                return self._open[name]
            conn = await connect(self.settings)
            try:
                row = await conn.fetchrow("SELECT * FROM crm_org WHERE name = $1", name)
            finally:
                await conn.close()
            if row:
                return await self._open_org(row)
            if len(self._unknown) > 1000:
                self._unknown.clear()
            self._unknown[name] = time.monotonic() + 2
            return None

    def opened(self, name: str | None) -> Org | None:
        """The org of that name, or the default one, where it has been opened; nothing is asked or opened."""
        name = name or self.settings.default_org
        return self._open.get(name) if name else next(iter(self._open.values()), None)

    def opened_by_id(self, org_id: str) -> Org | None:
        """The opened org whose id is given."""
        return self._open.get(self._by_id.get(org_id[:15], ""))

    async def by_id(self, org_id: str) -> Org | None:
        """The org whose id (15 or 18 characters) is given, or None."""
        name = self._by_id.get(org_id[:15])
        return await self.by_name(name) if name else None

    async def default(self) -> Org | None:
        """The org of the base origin: the configured one, else the only or oldest one."""
        if self.settings.default_org:
            return await self.by_name(self.settings.default_org)
        if not self._open:
            conn = await connect(self.settings)
            try:
                name = await conn.fetchval("SELECT name FROM crm_org ORDER BY created_at, name LIMIT 1")
            finally:
                await conn.close()
            return await self.by_name(name) if name else None
        return next(iter(self._open.values()))

    async def _open_org(self, row: Mapping[str, Any]) -> Org:
        pool: Any = await asyncpg.create_pool(
            self.settings.database_url,
            database=row["database_name"],
            min_size=0,  # a floor would be restored, with warnings, while a database is being copied
            max_size=self.settings.pool_size,
            init=prepare,
            reset=_keep,
            command_timeout=30,
            server_settings={
                "statement_timeout": "30000",
                "lock_timeout": "10000",
                "idle_in_transaction_session_timeout": "60000",
            },
        )
        async with pool.acquire() as conn:
            await require_head(conn, ORG_STEPS)
            instance = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'instance'")
            org = Org(row, self.settings, pool, instance)
            await org.usage.sync(conn)
            await org.catalogue(conn)
        self._open[org.name] = org
        self._by_id[org.org_id[:15]] = org.name
        org.background = [begin(org) for begin in self.on_open]
        return org

    async def close(self) -> None:
        """Closes every org."""
        for org in self._open.values():
            await org.close()
        self._open.clear()
