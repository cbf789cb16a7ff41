"""What of an engagement goes into its call log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Row

from tieline import names, numbers
from tieline.calllog.log import CallLog, LoggedRecord
from tieline.db.database import Transaction
from tieline.identity.tables import app_user
from tieline.queues.tables import disposition, queue


async def call_log_of(tx: Transaction, row: Row[Any], *, portal_url: str) -> CallLog:
    """The log of a closed engagement row."""
    own = tx.account_id
    of = await tx.one(select(queue.c.name).where(queue.c.account_id == own, queue.c.id == row.queue_id))
    who = await tx.one(
        select(app_user.c.name, app_user.c.email, app_user.c.language).where(
            app_user.c.account_id == own, app_user.c.id == row.agent_id
        )
    )
    chosen: str | None = await tx.scalar(
        select(disposition.c.label).where(
            disposition.c.account_id == own, disposition.c.id == row.disposition_id
        )
    )
    answered_at: datetime | None = row.connected_at
    ended_at: datetime = row.ended_at or row.closed_at
    language = who.language if who else "en"
    return CallLog(
        engagement_id=row.id,
        direction=row.direction,
        outcome=row.outcome,
        arrived_at=row.arrived_at,
        ended_at=ended_at,
        number_e164=row.number_e164,
        number_display=numbers.local_form(row.number_e164) if row.number_e164 else None,
        number_raw=row.number_raw,
        withheld=row.withheld,
        queue_name=of.name if of else None,
        agent_name=who.name if who else None,
        agent_email=who.email if who else None,
        language=language,
        answered_at=answered_at,
        waited_s=seconds((answered_at or ended_at) - (row.queued_at or row.arrived_at)),
        talked_s=seconds(ended_at - answered_at) if answered_at else 0,
        held_s=row.held_ms // 1000,
        end_cause=row.end_cause,
        disposition=chosen,
        notes=row.notes,
        matched=tuple(_record(r, language) for r in (row.match or {}).get("records", [])),
        related=_record(row.related, language) if row.related else None,
        link=f"{portal_url}/portal/engagements/{row.id}",
    )


def _record(record: dict[str, Any], language: str) -> LoggedRecord:
    return LoggedRecord(record["id"], record["object_type"], names.shown(record, language)["name"])


def seconds(duration: timedelta) -> int:
    """Whole seconds, never negative."""
    return max(0, round(duration.total_seconds()))
