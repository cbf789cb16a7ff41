"""The call log and its delivery are written with the engagement."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from tieline.calllog import service
from tieline.calllog.log import CallLog, LoggedRecord
from tieline.calllog.tables import call_log, delivery
from tieline.db.database import Database
from tieline.errors import NotFound
from tieline.ids import new_id

Closed = Callable[..., Awaitable[CallLog]]


def test_a_log_survives_its_json() -> None:
    now = datetime(2026, 11, 22, 3, 4, 5, 678000, tzinfo=UTC)
    log = CallLog(
        engagement_id=new_id(),
        direction="inbound",
        outcome="answered",
        arrived_at=now,
        answered_at=now,
        ended_at=now,
        notes="お電話 ありがとう",
        matched=(LoggedRecord("003", "Contact", "Ann"),),
        related=LoggedRecord("500", "Case", "Broken"),
    )
    assert CallLog.from_json(log.to_json()) == log
    assert CallLog.from_json({**log.to_json(), "of_a_newer_release": 1}) == log


def test_several_matches_are_nobodys_call() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC)
    ann, bob = LoggedRecord("1", "Contact", "Ann"), LoggedRecord("2", "Contact", "Bob")

    def log(*matched: LoggedRecord, related: LoggedRecord | None = None) -> CallLog:
        return CallLog(new_id(), "inbound", "answered", now, now, matched=matched, related=related)

    assert log(ann).linked() == ann
    assert log(ann, bob).linked() is None
    assert log(ann, related=bob).linked() == bob


async def test_closing_writes_log_and_delivery_once(database: Database, closed: Closed) -> None:
    log = await closed(new_id())
    async with database.system() as tx:
        account_id = await tx.scalar(
            select(call_log.c.account_id).where(call_log.c.engagement_id == log.engagement_id)
        )
    async with database.account(account_id) as tx:
        service.record(tx, log, new_id())
    async with database.account(account_id) as tx:
        row = await tx.one(select(delivery).where(delivery.c.engagement_id == log.engagement_id))
        assert row is not None and (row.state, row.attempts, row.next_at <= tx.now) == ("pending", 0, True)


async def test_without_a_connection_there_is_a_log_and_nothing_to_deliver(
    database: Database, closed: Closed
) -> None:
    log = await closed(None)
    async with database.system() as tx:
        assert await tx.one(select(call_log).where(call_log.c.engagement_id == log.engagement_id))
        assert not await tx.one(select(delivery).where(delivery.c.engagement_id == log.engagement_id))


async def test_a_record_related_later_makes_the_delivery_due_again(
    database: Database, closed: Closed, centre: Any
) -> None:
    log = await closed(new_id())
    record = LoggedRecord("003000000000001AAA", "Contact", "Ann")
    async with database.account(centre.account_id) as tx:
        amended = await service.amend(tx, log.engagement_id, {"related": record})
        assert amended.related == record
        again = await service.amend(tx, log.engagement_id, {"related": record})
        assert again == amended
        row = await tx.one(select(call_log).where(call_log.c.engagement_id == log.engagement_id))
        assert row is not None and row.revision == 2
        with pytest.raises(NotFound):
            await service.amend(tx, new_id(), {"notes": "x"})
