"""Accounts with closed engagements to log."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, text

from tieline.calllog import service
from tieline.calllog.log import CallLog
from tieline.db.database import Database
from tieline.engagements.tables import engagement
from tieline.identity.tables import account
from tieline.ids import new_id
from tieline.queues.tables import queue


@pytest.fixture(autouse=True)
async def right_clock(database: Database) -> AsyncIterator[None]:
    """Tests move the clock of the database ahead; the next one finds it right."""
    yield
    async with database.system() as tx:
        await tx.execute(text("UPDATE clock SET ahead = '0'"))


@dataclass(frozen=True)
class Centre:
    """An account with a queue."""

    account_id: UUID
    queue_id: UUID


@pytest.fixture
async def centre(database: Database) -> Centre:
    """A fresh account."""
    made = Centre(new_id(), new_id())
    async with database.system() as tx:
        await tx.execute(insert(account).values(id=made.account_id, name="Acme", vanity=str(made.account_id)))
        await tx.execute(
            insert(queue).values(account_id=made.account_id, id=made.queue_id, slug="support", name="Support")
        )
    return made


@pytest.fixture
def closed(database: Database, centre: Centre) -> Callable[..., Awaitable[CallLog]]:
    """Closes an engagement: its row, its log and its delivery in one transaction. Keywords change the log."""

    async def close(connection_id: UUID | None, **members: Any) -> CallLog:
        engagement_id = new_id()
        async with database.account(centre.account_id) as tx:
            await tx.execute(
                insert(engagement).values(
                    account_id=centre.account_id,
                    id=engagement_id,
                    direction="inbound",
                    state="closed",
                    queue_id=centre.queue_id,
                    node="n",
                    epoch=1,
                    caller_leg_id=new_id(),
                    arrived_at=tx.now,
                )
            )
            log = CallLog(
                engagement_id=engagement_id,
                **{
                    "direction": "inbound",
                    "outcome": "answered",
                    "arrived_at": tx.now,
                    "ended_at": tx.now,
                    "queue_name": "Support",
                    **members,
                },
            )
            service.record(tx, log, connection_id)
        return log

    return close
