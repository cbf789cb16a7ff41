"""Delivery: every log once, whatever the CRM or the worker does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from tieline.calllog import service
from tieline.calllog.delivery import (
    NEVER_TRIES,
    BatchRefused,
    CrmAway,
    Delivery,
    Item,
    Outcome,
    wait_s,
)
from tieline.calllog.log import CallLog
from tieline.calllog.tables import call_log, delivery, delivery_lane
from tieline.db.database import Database
from tieline.ids import new_id

Closed = Callable[..., Awaitable[CallLog]]


@dataclass
class RecordingWriter:
    """The twin of a CRM: keeps what it is given, by a unique key, and fails as told."""

    away: set[UUID] = field(default_factory=set)
    poison: set[UUID] = field(default_factory=set)
    poison_refuses_batches: bool = False
    held: dict[UUID, list[CallLog]] = field(default_factory=dict)
    calls: list[tuple[UUID, int]] = field(default_factory=list)

    async def write(self, account_id: UUID, connection_id: UUID, items: Sequence[Item]) -> list[Outcome]:
        self.calls.append((connection_id, len(items)))
        if connection_id in self.away:
            raise CrmAway("crm_unreachable")
        ids = {item.log.engagement_id for item in items}
        if self.poison_refuses_batches and ids & self.poison:
            raise BatchRefused("JSON_PARSER_ERROR", "unreadable")
        outcomes: list[Outcome] = []
        for item in items:
            if item.log.engagement_id in self.poison:
                outcomes.append(Outcome(item.log.engagement_id, "never", code="STRING_TOO_LONG", message="x"))
                continue
            self.held.setdefault(item.log.engagement_id, []).append(item.log)
            outcomes.append(Outcome(item.log.engagement_id, "delivered", {"Task": "00T"}))
        return outcomes


@pytest.fixture
async def idle(database: Database) -> None:
    """Nothing of another test is due, and the clock is right."""
    async with database.system() as tx:
        await tx.execute(text("DELETE FROM delivery"))
        await tx.execute(text("DELETE FROM delivery_lane"))
        await tx.execute(text("UPDATE clock SET ahead = '0'"))


async def later(database: Database, by: timedelta) -> None:
    async with database.system() as tx:
        await tx.execute(text("UPDATE clock SET ahead = ahead + CAST(:by AS interval)"), {"by": by})


async def row_of(database: Database, log: CallLog) -> Any:
    async with database.system() as tx:
        return await tx.one(select(delivery).where(delivery.c.engagement_id == log.engagement_id))


async def drain(work: Delivery) -> None:
    while await work.run_once():
        pass


pytestmark = pytest.mark.usefixtures("idle")


async def test_due_logs_go_in_few_calls_and_are_marked(database: Database, closed: Closed) -> None:
    connection_id = new_id()
    logs = [await closed(connection_id) for _ in range(200)]
    writer = RecordingWriter()
    told: list[UUID] = []

    async def on_delivered(tx: Any, ids: Sequence[UUID]) -> None:
        told.extend(ids)

    await drain(Delivery(database, writer, on_delivered=on_delivered))
    assert [size for _, size in writer.calls] == [75, 75, 50]
    assert sorted(told) == sorted(log.engagement_id for log in logs)
    row = await row_of(database, logs[0])
    assert (row.state, row.delivered_revision, row.records) == ("delivered", 1, {"Task": "00T"})


async def test_a_crm_that_is_away_is_probed_once_at_a_time_and_disturbs_nobody_else(
    database: Database, closed: Closed
) -> None:
    down, up = new_id(), new_id()
    lost = [await closed(down) for _ in range(80)]
    good = await closed(up)
    writer = RecordingWriter(away={down})
    work = Delivery(database, writer)
    await drain(work)
    assert (await row_of(database, good)).state == "delivered"
    assert [size for of, size in writer.calls if of == down] == [75]
    for _ in range(3):
        await later(database, timedelta(seconds=13))
        await drain(work)
    # Held: one log as a probe each time, and no log was blamed.
    assert [size for of, size in writer.calls if of == down] == [75, 1, 1, 1]
    assert {(await row_of(database, log)).attempts for log in lost} == {0}
    writer.away.clear()
    await later(database, timedelta(seconds=13))
    await drain(work)
    assert [size for of, size in writer.calls if of == down] == [75, 1, 1, 1, 1, 75, 4]
    assert {(await row_of(database, log)).state for log in lost} == {"delivered"}
    await later(database, timedelta())


async def test_a_refused_log_is_set_aside_with_the_reason_and_its_neighbours_are_delivered(
    database: Database, closed: Closed
) -> None:
    connection_id = new_id()
    logs = [await closed(connection_id) for _ in range(10)]
    writer = RecordingWriter(poison={logs[3].engagement_id})
    work = Delivery(database, writer)
    await drain(work)
    assert [(await row_of(database, log)).state for log in logs].count("delivered") == 9
    for _ in range(NEVER_TRIES):
        await later(database, timedelta(minutes=6))
        await drain(work)
    row = await row_of(database, logs[3])
    assert (row.state, row.attempts, row.error_code) == ("failed", NEVER_TRIES, "STRING_TOO_LONG")
    # Mended in the CRM, an administrator has it tried again.
    writer.poison.clear()
    async with database.account(row.account_id) as tx:
        await service.retry(tx, connection_id)
    await drain(work)
    assert (await row_of(database, logs[3])).state == "delivered"


async def test_a_log_that_spoils_its_whole_batch_is_found_by_halving(
    database: Database, closed: Closed
) -> None:
    connection_id = new_id()
    logs = [await closed(connection_id) for _ in range(20)]
    writer = RecordingWriter(poison={logs[7].engagement_id}, poison_refuses_batches=True)
    await drain(Delivery(database, writer))
    states = [(await row_of(database, log)).state for log in logs]
    assert states.count("delivered") == 19 and states[7] == "pending"
    assert (await row_of(database, logs[7])).attempts == 1
    assert len(writer.calls) < 12


async def test_an_org_that_refuses_every_batch_blames_no_log(database: Database, closed: Closed) -> None:
    connection_id = new_id()
    logs = [await closed(connection_id) for _ in range(20)]
    writer = RecordingWriter(poison={log.engagement_id for log in logs}, poison_refuses_batches=True)
    await drain(Delivery(database, writer))
    assert {(await row_of(database, log)).attempts for log in logs} == {0}
    assert len(writer.calls) < 12


async def test_a_change_made_while_a_log_is_on_its_way_goes_after_it(
    database: Database, closed: Closed, centre: Any
) -> None:
    log = await closed(new_id())
    writer = RecordingWriter()

    class AmendingWriter(RecordingWriter):
        async def write(self, account_id: UUID, connection_id: UUID, items: Sequence[Item]) -> list[Outcome]:
            if not writer.held:
                async with database.account(centre.account_id) as tx:
                    await service.amend(tx, log.engagement_id, {"notes": "late"})
            return await writer.write(account_id, connection_id, items)

    await drain(Delivery(database, AmendingWriter()))
    assert [held.notes for held in writer.held[log.engagement_id]] == ["", "late"]
    row = await row_of(database, log)
    assert (row.state, row.delivered_revision) == ("delivered", 2)


async def test_two_workers_never_hold_the_same_log(database: Database, closed: Closed) -> None:
    connection_id = new_id()
    logs = [await closed(connection_id) for _ in range(150)]
    writer = RecordingWriter()
    await asyncio.gather(*(drain(Delivery(database, writer)) for _ in range(3)))
    await drain(Delivery(database, writer))
    assert sorted(writer.held) == sorted(log.engagement_id for log in logs)
    assert {len(held) for held in writer.held.values()} == {1}


async def test_a_worker_whose_claim_was_taken_over_marks_nothing(database: Database, closed: Closed) -> None:
    log = await closed(new_id())

    class SlowWriter(RecordingWriter):
        async def write(self, account_id: UUID, connection_id: UUID, items: Sequence[Item]) -> list[Outcome]:
            async with database.system() as tx:
                await tx.execute(
                    update(delivery)
                    .where(delivery.c.engagement_id == log.engagement_id)
                    .values(
                        claimed_until=tx.now + timedelta(minutes=9), next_at=tx.now + timedelta(minutes=9)
                    )
                )
            return await super().write(account_id, connection_id, items)

    await Delivery(database, SlowWriter()).run_once()
    assert (await row_of(database, log)).state == "pending"


async def test_the_loop_wakes_at_once_and_keeps_running_after_a_broken_writer(
    database: Database, closed: Closed
) -> None:
    broken, good = new_id(), new_id()

    class BrokenWriter(RecordingWriter):
        async def write(self, account_id: UUID, connection_id: UUID, items: Sequence[Item]) -> list[Outcome]:
            if connection_id == broken:
                raise RuntimeError("a defect")
            return await super().write(account_id, connection_id, items)

    writer = BrokenWriter()
    work = Delivery(database, writer)
    task = asyncio.create_task(work.run())
    try:
        spoilt = await closed(broken)
        work.wake()
        log = await closed(good)
        work.wake()
        async with asyncio.timeout(1.5):  # sooner than the next poll
            while (await row_of(database, log)).state != "delivered":
                await asyncio.sleep(0.01)
        assert (await row_of(database, spoilt)).error_code == "internal_error"
        async with database.system() as tx:
            lane = await tx.one(select(delivery_lane).where(delivery_lane.c.connection_id == broken))
        assert lane is not None and lane.error_code == "log_refused"
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_log_that_breaks_the_writer_or_cannot_be_read_leaves_its_neighbours_alone(
    database: Database, closed: Closed
) -> None:
    connection_id = new_id()
    logs = [await closed(connection_id) for _ in range(12)]
    async with database.system() as tx:
        await tx.execute(
            update(call_log).where(call_log.c.engagement_id == logs[2].engagement_id).values(content={"x": 1})
        )

    class BreakingWriter(RecordingWriter):
        async def write(self, account_id: UUID, connection_id: UUID, items: Sequence[Item]) -> list[Outcome]:
            if any(item.log.engagement_id == logs[8].engagement_id for item in items):
                raise KeyError("a defect that one log brings out")
            return await super().write(account_id, connection_id, items)

    await drain(Delivery(database, BreakingWriter()))
    rows = [await row_of(database, log) for log in logs]
    assert [row.state for row in rows].count("delivered") == 10
    assert (rows[2].state, rows[2].error_code) == ("failed", "log_unreadable")
    assert (rows[8].state, rows[8].attempts, rows[8].error_code) == ("pending", 1, "internal_error")


def test_waits_grow_from_two_seconds_to_five_minutes() -> None:
    assert 1.0 <= wait_s(1) <= 2.0
    assert 150.0 <= wait_s(50) <= 300.0
