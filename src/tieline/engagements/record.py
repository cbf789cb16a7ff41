"""What of an engagement goes into its call log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, select

from tieline import names, numbers
from tieline.calllog.log import CallLog, LoggedRecord
from tieline.db.database import Transaction
from tieline.db.statement import Found, Statement
from tieline.engagements.tables import engagement
from tieline.identity.tables import app_user
from tieline.queues.tables import disposition, queue

NAMED = (
    engagement.join(
        queue, (queue.c.account_id == engagement.c.account_id) & (queue.c.id == engagement.c.queue_id)
    )
    .outerjoin(
        app_user,
        (app_user.c.account_id == engagement.c.account_id) & (app_user.c.id == engagement.c.agent_id),
    )
    .outerjoin(
        disposition,
        (disposition.c.account_id == engagement.c.account_id)
        & (disposition.c.id == engagement.c.disposition_id),
    )
)
"""An engagement with what its row only points at: its queue, and its agent and disposition if it has them."""
_NAMES = Statement(
    select(
        queue.c.name.label("queue_name"),
        app_user.c.name.label("agent_name"),
        app_user.c.email.label("agent_email"),
        app_user.c.language.label("agent_language"),
        disposition.c.label.label("disposition"),
    )
    .select_from(queue)
    .outerjoin(
        app_user, (app_user.c.account_id == queue.c.account_id) & (app_user.c.id == bindparam("of_agent"))
    )
    .outerjoin(
        disposition,
        (disposition.c.account_id == queue.c.account_id) & (disposition.c.id == bindparam("of_disposition")),
    )
    .where(queue.c.account_id == bindparam("of_account"), queue.c.id == bindparam("of_queue"))
)


async def call_log_of(tx: Transaction, row: Found, *, portal_url: str) -> CallLog:
    """The log of a closed engagement row."""
    of = {"of_queue": row.queue_id, "of_agent": row.agent_id, "of_disposition": row.disposition_id}
    called = await tx.find_one(_NAMES, {"of_account": tx.account_id, **of})
    assert called is not None, "an engagement has a queue"
    answered_at: datetime | None = row.connected_at
    ended_at: datetime = row.ended_at or row.closed_at
    language = called.agent_language or "en"
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
        queue_name=called.queue_name,
        agent_name=called.agent_name,
        agent_email=called.agent_email,
        language=language,
        answered_at=answered_at,
        waited_s=seconds((answered_at or ended_at) - (row.queued_at or row.arrived_at)),
        talked_s=seconds(ended_at - answered_at) if answered_at else 0,
        held_s=row.held_ms // 1000,
        end_cause=row.end_cause,
        disposition=called.disposition,
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
