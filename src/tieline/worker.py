"""Composition root of the worker: the same program without doors."""

from __future__ import annotations

import asyncio
import contextlib

from tieline.bus import Bus
from tieline.customers import Crm
from tieline.db.database import Database
from tieline.engagements.commands import SwitchDesk
from tieline.engagements.service import Engagements
from tieline.identity import second_step
from tieline.mail.post import MAIL, Post
from tieline.mail.sending import Sending
from tieline.phone.lines import TestPhoneLines
from tieline.salesforce import worker
from tieline.salesforce.tokens import Salesforce
from tieline.settings import Settings
from tieline.switches import RemoteSwitches, control_key


async def run_worker(settings: Settings) -> None:
    """Deliver call logs, keep phone indexes fresh and send mail, until cancelled."""
    db = Database(settings.database_url, pool_size=8)
    bus = Bus(settings.database_url)
    salesforce = Salesforce(db, settings)
    switches = RemoteSwitches(control_key(settings))
    engagements = Engagements(
        db, SwitchDesk(db, switches), Crm(salesforce), TestPhoneLines(), portal_url=settings.public_url
    )
    post = Post(settings)
    await second_step.reseal(db, post.vault)
    sending = Sending(db, post)
    bus.subscribe(MAIL, None, lambda _: sending.wake(), sending.wake)
    beside = [asyncio.create_task(bus.run()), asyncio.create_task(sending.run())]
    try:
        await worker.run(salesforce, bus, post, on_delivered=engagements.delivered)
    finally:
        for task in beside:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await salesforce.close()
        await switches.close()
        await db.close()
