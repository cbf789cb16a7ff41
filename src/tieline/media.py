"""Composition root of the media process: the switch, and the row by which web nodes find it."""

from __future__ import annotations

import asyncio
import contextlib

import structlog
from sqlalchemy.dialects.postgresql import insert as upsert

from tieline.db.database import Database
from tieline.engagements.tables import media_node
from tieline.settings import Settings
from tieline.switches import control_key
from tieline.telephony.media import MediaSettings, run_media

HEARTBEAT_S = 2.0

log = structlog.get_logger()


async def serve_media(settings: Settings, *, node: str) -> None:
    """The media process: the switch, and the row by which web nodes find it.

    The switch does not need the database: while that is away its calls go on, and the heartbeat returns later.
    """
    db = Database(settings.database_url, pool_size=2)
    beating: list[asyncio.Task[None]] = []

    async def started(node: str, epoch: int, address: str) -> None:
        beating.append(asyncio.create_task(_heartbeat(db, node, epoch, address)))

    host, port = settings.media_listen
    try:
        await run_media(
            MediaSettings(
                node=node,
                control_key=control_key(settings),
                control_host=host,
                control_port=port,
                addresses=settings.media_address,
                first_port=settings.media_ports[0],
                last_port=settings.media_ports[1],
            ),
            on_started=started,
        )
    finally:
        for task in beating:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await db.close()


async def _heartbeat(db: Database, node: str, epoch: int, address: str) -> None:
    while True:
        try:
            async with db.system() as tx:
                values = {"address": address, "epoch": epoch, "heartbeat_at": tx.now}
                await tx.execute(
                    upsert(media_node)
                    .values(id=node, **values)
                    .on_conflict_do_update(index_elements=["id"], set_=values)
                )
        except Exception as error:
            log.warning("media.heartbeat", error=type(error).__name__)
        await asyncio.sleep(HEARTBEAT_S)
