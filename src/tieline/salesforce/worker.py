"""What a worker process does for CRMs: deliver call logs, keep settings and phone indexes fresh."""

from __future__ import annotations

import asyncio

import structlog

from tieline.bus import Bus
from tieline.calllog.delivery import Delivery, OnDelivered
from tieline.calllog.service import DELIVERY
from tieline.mail.post import Post
from tieline.salesforce.incidents import Incidents
from tieline.salesforce.index import PhoneIndex
from tieline.salesforce.revocations import Revocations
from tieline.salesforce.survey import SURVEY, Surveys
from tieline.salesforce.tokens import Salesforce, reseal
from tieline.salesforce.writer import SalesforceWriter

log = structlog.get_logger()


async def run(
    salesforce: Salesforce, bus: Bus, post: Post, *, on_delivered: OnDelivered | None = None
) -> None:
    """Work until cancelled. The bus only wakes: without it everything is found by polling."""
    if moved := await reseal(salesforce):
        log.info("secrets.resealed", count=moved)
    delivery = Delivery(salesforce.database, SalesforceWriter(salesforce), on_delivered=on_delivered)
    index = PhoneIndex(salesforce)
    surveys = Surveys(salesforce)
    incidents = Incidents(salesforce, post)

    def changed() -> None:
        index.wake()
        surveys.wake()
        incidents.wake()

    subscriptions = (
        bus.subscribe(DELIVERY, None, lambda _: delivery.wake(), delivery.wake),
        bus.subscribe("connection", None, lambda _: changed(), changed),
        bus.subscribe(SURVEY, None, lambda _: surveys.wake(), surveys.wake),
    )
    try:
        async with asyncio.TaskGroup() as tasks:
            for rounds in (delivery, index, surveys, incidents, Revocations(salesforce)):
                tasks.create_task(rounds.run())
    finally:
        for subscription in subscriptions:
            subscription.close()
