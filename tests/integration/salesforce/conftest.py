"""A fresh account with a connection for each test."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import insert, text, update

from tieline.db.database import Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.identity.tables import account, app_user
from tieline.ids import new_id
from tieline.salesforce.connections import ConnectionDraft, Connections, Salesforce
from tieline.salesforce.tables import connection
from tieline.settings import Settings, read_settings

from .org import CLIENT_ID, CLIENT_SECRET, PUBLIC_URL, Org

KEYS = "test:" + base64.b64encode(b"k" * 32).decode()
"""Those of `tests.integration.center`, which opens what these tests seal."""


@pytest.fixture(autouse=True)
async def right_clock(database: Database) -> AsyncIterator[None]:
    """Tests move the clock of the database ahead; the next one finds it right."""
    yield
    async with database.system() as tx:
        await tx.execute(text("UPDATE clock SET ahead = '0'"))


@dataclass(frozen=True)
class Tenant:
    """An account, its administrator and one connection."""

    account_id: UUID
    user_id: UUID
    connection_id: UUID


@pytest.fixture
def tenant_maker(database: Database) -> Callable[..., Awaitable[Tenant]]:
    """Makes accounts; keywords are columns of the connection."""

    async def make(**columns: Any) -> Tenant:
        tenant = Tenant(new_id(), new_id(), new_id())
        async with database.system() as tx:
            await tx.execute(
                insert(account).values(id=tenant.account_id, name="Acme", vanity=str(tenant.account_id))
            )
            await tx.execute(
                insert(app_user).values(
                    account_id=tenant.account_id,
                    id=tenant.user_id,
                    email=f"{tenant.user_id}@acme.example",
                    name="Admin",
                    language="en",
                    roles=["administrator"],
                    password_hash="",
                )
            )
            values = {
                "name": "CRM",
                "environment": "embedded",
                "state": "connected",
                "api_base": "http://localhost:18900",
                "login_origin": "http://acme.my.localhost:18900",
                "embedding_origins": [],
                "client_id": "client",
                "created_at": tx.now,
                **columns,
            }
            await tx.execute(
                insert(connection).values(account_id=tenant.account_id, id=tenant.connection_id, **values)
            )
        return tenant

    return make


@pytest.fixture
async def tenant(tenant_maker: Callable[..., Awaitable[Tenant]]) -> Tenant:
    """One account with a connected connection whose index is ready; country codes 1 and 81."""
    return await tenant_maker(index_state="ready", org_settings={"country_codes": ["1", "81"]})


@pytest.fixture(scope="session")
async def org(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Org]:
    """A running org with our metadata."""
    maintenance = await asyncpg.connect(postgres.url())
    await maintenance.execute("CREATE DATABASE crm_twin")
    await maintenance.close()
    made = Org(postgres.url("crm_twin"), tmp_path_factory.mktemp("org"))
    await made.start()
    await made.set_up()
    yield made
    await made.stop()


@pytest.fixture(scope="session")
def settings(database_url: str) -> Settings:
    """Deployment settings of a process under test."""
    return read_settings(
        {
            "TIELINE_DATABASE_URL": database_url,
            "TIELINE_PUBLIC_URL": PUBLIC_URL,
            "TIELINE_KEYS": KEYS,
            "TIELINE_TRUST_LOOPBACK_CRM": "1",
        }
    )


@pytest.fixture
async def salesforce(database: Database, settings: Settings) -> AsyncIterator[Salesforce]:
    """The way to CRMs."""
    made = Salesforce(database, settings)
    yield made
    await made.close()


async def leave_org(database: Database, org: Org) -> None:
    """Let no connection of an earlier test be the org's: an org has one at a time."""
    async with database.system() as tx:
        await tx.execute(
            update(connection)
            .where(connection.c.embedding_origins.contains([org.lightning]))
            .values(embedding_origins=[])
        )


async def connect(salesforce: Salesforce, tenant: Tenant, org: Org, name: str = "Embedded") -> UUID:
    """A connection authorised as an administrator's clicks do it."""
    connections = Connections(salesforce)
    draft = ConnectionDraft(
        name=name,
        environment="embedded",
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        api_base=org.base,
        login_origin=org.my,
        embedding_origins=(org.lightning,),
    )
    await leave_org(salesforce.database, org)
    async with salesforce.database.account(tenant.account_id) as tx:
        connection_id, url = await connections.begin(tx, draft, tenant.user_id)
    told = await org.allow(url)
    finished = await connections.finish(
        user_id=tenant.user_id, state=told["state"], code=told.get("code"), error=told.get("error")
    )
    assert finished == connection_id
    return connection_id


@pytest.fixture
async def connected(salesforce: Salesforce, tenant: Tenant, org: Org) -> Tenant:
    """An account connected to the org."""
    return Tenant(tenant.account_id, tenant.user_id, await connect(salesforce, tenant, org))
