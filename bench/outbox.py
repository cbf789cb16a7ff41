"""Call logs into the embedded CRM: a backlog is delivered by the worker's own code, over HTTP, each log once."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import asyncpg
from bench.figures import Figure
from bench.stage import LOGIN, Account, Share, make_agents, own_keys
from sqlalchemy import insert
from tests.integration.salesforce.conftest import Tenant, connect
from tests.integration.salesforce.org import PUBLIC_URL, Org

from tieline.calllog import service
from tieline.calllog.delivery import Delivery
from tieline.calllog.log import CallLog
from tieline.db.database import Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.db.migrate import create_database, migrate, prepare_server
from tieline.engagements.tables import engagement
from tieline.ids import new_id
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.writer import SalesforceWriter
from tieline.settings import read_settings

LOGS = 1_500
_WAIT_S = 120.0


async def run(rounds: int) -> list[Figure]:
    """One backlog; logs a second until the last was marked delivered."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tieline-bench-")))
        server = await stack.enter_async_context(EmbeddedPostgres(folder))
        await prepare_server(server.url(), login=LOGIN, password="bench")
        await create_database(server.url(), "tieline", login=LOGIN)
        url = server.url("tieline", user=LOGIN, password="bench")
        await migrate(url)
        bare = await asyncpg.connect(server.url())
        await bare.execute("CREATE DATABASE crm_twin")
        await bare.close()
        org = Org(server.url("crm_twin"), folder)
        stack.push_async_callback(org.stop)
        await org.start()
        await org.set_up()
        settings = read_settings(
            {
                "TIELINE_DATABASE_URL": url,
                "TIELINE_PUBLIC_URL": PUBLIC_URL,
                "TIELINE_KEYS": own_keys(),
                "TIELINE_TRUST_LOOPBACK_CRM": "1",
            }
        )
        db = Database(url, pool_size=6)
        stack.push_async_callback(db.close)
        salesforce = Salesforce(db, settings)
        stack.push_async_callback(salesforce.close)
        account = await make_agents(db, 1)
        connection_id = await connect(
            salesforce, Tenant(account.id, account.agents[0].id, account.connection_id), org
        )
        await _close(db, account, connection_id, LOGS)
        delivery = Delivery(db, SalesforceWriter(salesforce))
        share = Share(os.getpid())
        began = time.perf_counter()
        working = asyncio.create_task(delivery.run())
        try:
            async with asyncio.timeout(_WAIT_S):
                while left := await _left(server.url("tieline")):  # noqa: ASYNC110 - other processes' rows
                    await asyncio.sleep(0.1 if left > 100 else 0.02)
            took_s = time.perf_counter() - began
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        note = f"worker {share.per_cent():.0f} % of a core; a log is two records"
    return [Figure(f"call logs delivered, backlog of {LOGS:,}", LOGS / took_s, "per s", note=note)]


async def _close(db: Database, account: Account, connection_id: UUID, count: int) -> None:
    """Closed engagements with their logs and deliveries."""
    for _ in range(count // 100):
        async with db.account(account.id) as tx:
            for _ in range(100):
                id = new_id()
                await tx.execute(
                    insert(engagement).values(
                        account_id=account.id,
                        id=id,
                        direction="inbound",
                        state="closed",
                        queue_id=account.queue_id,
                        node="bench",
                        epoch=1,
                        caller_leg_id=new_id(),
                        arrived_at=tx.now,
                    )
                )
                log = CallLog(
                    engagement_id=id,
                    direction="inbound",
                    outcome="answered",
                    arrived_at=tx.now,
                    ended_at=tx.now,
                    queue_name="Support",
                    number_e164="+14155550123",
                    number_display="(415) 555-0123",
                    notes="Wanted to know when the order comes.",
                )
                service.record(tx, log, connection_id)


async def _left(url: str) -> int:
    bare = await asyncpg.connect(url)
    try:
        return await bare.fetchval("SELECT count(*) FROM delivery WHERE state <> 'delivered'")
    finally:
        await bare.close()
