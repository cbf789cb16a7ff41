"""The worker as a whole: woken by the bus, stopped without leftovers."""

from __future__ import annotations

import asyncio

from sqlalchemy import select, update

from tieline.bus import Bus
from tieline.db.database import Database
from tieline.mail.post import Post
from tieline.salesforce import worker
from tieline.salesforce.client import SalesforceClient
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.tables import connection
from tieline.settings import Settings

from .conftest import Tenant
from .test_delivery import Close, client, close, in_org, state_of

__all__ = ["client", "close"]


async def test_a_closed_call_and_a_new_connection_are_served_at_once(
    salesforce: Salesforce,
    settings: Settings,
    database: Database,
    database_url: str,
    close: Close,
    client: SalesforceClient,
    connected: Tenant,
) -> None:
    async with database.system() as tx:
        await tx.execute(
            update(connection).where(connection.c.id != connected.connection_id).values(state="removed")
        )
    bus = Bus(database_url)
    listening = asyncio.create_task(bus.run())
    await bus.listening()
    working = asyncio.create_task(worker.run(salesforce, bus, Post(settings)))
    try:
        async with asyncio.timeout(20):
            while True:
                async with database.system() as tx:
                    state = await tx.scalar(
                        select(connection.c.index_state).where(connection.c.id == connected.connection_id)
                    )
                if state == "ready":
                    break
                await asyncio.sleep(0.02)
        (log,) = await close()
        async with asyncio.timeout(5):
            while (await state_of(database, log)).state != "delivered":
                await asyncio.sleep(0.02)
        assert len((await in_org(client, [log]))[1]) == 1
    finally:
        for task in (working, listening):
            task.cancel()
        await asyncio.gather(working, listening, return_exceptions=True)
