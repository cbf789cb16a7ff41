"""A worker's delivering half as a process of its own, to be killed: delivers until nothing is due, then ends."""

from __future__ import annotations

import asyncio
import os

from tieline.calllog.delivery import Delivery
from tieline.db.database import Database
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.writer import SalesforceWriter
from tieline.settings import read_settings


async def main() -> None:
    """Deliver what is due."""
    settings = read_settings(os.environ)
    database = Database(settings.database_url)
    salesforce = Salesforce(database, settings)
    work = Delivery(database, SalesforceWriter(salesforce))
    while await work.run_once():
        pass
    await salesforce.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
