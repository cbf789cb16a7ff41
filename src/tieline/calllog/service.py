"""Writing the call log. Our log comes first: it and its delivery stand once the engagement's transaction commits.

Everything here runs in the caller's transaction and waits for nothing outside it. `delivery.py` brings the
logs to the CRM.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, literal, select, update
from sqlalchemy.dialects.postgresql import Insert

from tieline.calllog.log import CallLog
from tieline.calllog.tables import call_log, delivery, delivery_lane
from tieline.db.database import Transaction
from tieline.db.statement import Statement, inserting
from tieline.errors import NotFound

DELIVERY = "delivery"
"""Bus kind: a delivery of the connection (the message's id) is due."""


def _once(insert: Insert) -> Statement:
    return Statement(insert.on_conflict_do_nothing())


_WRITE = _once(inserting(call_log, "account_id", "engagement_id", "content", "created_at"))
_LANE = _once(inserting(delivery_lane, "account_id", "connection_id"))
_DELIVER = _once(
    inserting(delivery, "account_id", "engagement_id", "connection_id", "state", "next_at", "pending_since")
)


def record(tx: Transaction, log: CallLog, connection_id: UUID | None) -> None:
    """Write the log, and its delivery when there is a connection; `tx` belongs to the engagement's account.

    Doing it twice is doing it once: a log that exists stays as it is.
    """
    account_id = _account(tx)
    of = {"account_id": account_id, "engagement_id": log.engagement_id}
    tx.later(_WRITE, of | {"content": log.to_json(), "created_at": tx.now})
    if connection_id is None:
        return
    lane = {"account_id": account_id, "connection_id": connection_id}
    tx.later(_LANE, lane)
    tx.later(_DELIVER, of | lane | {"state": "pending", "next_at": tx.now, "pending_since": tx.now})
    tx.announce(DELIVERY, connection_id)


async def amend(tx: Transaction, engagement_id: UUID, changes: Mapping[str, Any]) -> CallLog:
    """Change members of a log (`related`, `notes`, `disposition` …) and have it delivered again.

    Gives the log as it is now; nothing is raised when nothing differs. Raises `NotFound`.
    """
    account_id = _account(tx)
    mine = (call_log.c.account_id == account_id) & (call_log.c.engagement_id == engagement_id)
    row = await tx.one(select(call_log.c.content).where(mine).with_for_update())
    if row is None:
        raise NotFound("no call log for this engagement")
    before = CallLog.from_json(row.content)
    log = replace(before, **changes)
    if log == before:
        return log
    await tx.execute(
        update(call_log).where(mine).values(content=log.to_json(), revision=call_log.c.revision + 1)
    )
    connection_id = await tx.scalar(
        update(delivery)
        .where(delivery.c.account_id == account_id, delivery.c.engagement_id == engagement_id)
        .values(
            state="pending",
            attempts=0,
            error_code=None,
            error_message=None,
            pending_since=tx.now,
            # A claimed one comes due when its claim ends or is marked; the mark sees the new revision.
            next_at=func.greatest(func.coalesce(delivery.c.claimed_until, literal(tx.now)), literal(tx.now)),
        )
        .returning(delivery.c.connection_id)
    )
    if connection_id is not None:
        tx.announce(DELIVERY, connection_id)
    return log


async def retry(tx: Transaction, connection_id: UUID) -> int:
    """Make every failed or waiting delivery of a connection due now: after a reconnect, or when an administrator
    has mended the cause. Gives how many there are."""
    account_id = _account(tx)
    await tx.execute(
        update(delivery_lane)
        .where(delivery_lane.c.account_id == account_id, delivery_lane.c.connection_id == connection_id)
        .values(held_until=None, failures=0, error_code=None)
    )
    again = await tx.execute(
        update(delivery)
        .where(
            delivery.c.account_id == account_id,
            delivery.c.connection_id == connection_id,
            delivery.c.state.in_(("failed", "pending")),
            func.coalesce(delivery.c.claimed_until, literal(tx.now)) <= literal(tx.now),
        )
        .values(
            state="pending",
            attempts=0,
            next_at=tx.now,
            pending_since=case((delivery.c.state == "failed", tx.now), else_=delivery.c.pending_since),
        )
    )
    tx.announce(DELIVERY, connection_id)
    return again.rowcount


async def undelivered(tx: Transaction, connection_id: UUID) -> int:
    """How many call logs of a connection its CRM has not taken (yet)."""
    return int(
        await tx.scalar(
            select(func.count())
            .select_from(delivery)
            .where(
                delivery.c.account_id == _account(tx),
                delivery.c.connection_id == connection_id,
                delivery.c.state.in_(("failed", "pending")),
            )
        )
    )


def _account(tx: Transaction) -> UUID:
    if tx.account_id is None:
        raise ValueError("the call log is written in a transaction of its account")
    return tx.account_id
