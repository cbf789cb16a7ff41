"""An agent's recent calls: the last numbers, to be called again without typing, by the names they have now."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from tieline.agents.service import Seat
from tieline.callbar import wire
from tieline.callbar.view import party_of
from tieline.db.database import Transaction
from tieline.engagements.related import RecordNow, record_of, related_now
from tieline.engagements.tables import engagement
from tieline.identity.tables import app_user

NUMBERS = 10
_LOOKED_AT = 50
"""Calls looked through for so many numbers: somebody may have called the same few all day."""


class Recent:
    """Reads recent calls; `record_now` knows what their records are called now."""

    def __init__(self, record_now: RecordNow) -> None:
        self._calls = (
            select(engagement, app_user.c.language, related_now(record_now).label("related_now"))
            .join(
                app_user,
                (app_user.c.account_id == engagement.c.account_id) & (app_user.c.id == engagement.c.agent_id),
            )
            .where(
                engagement.c.account_id == bindparam("of_account", type_=engagement.c.account_id.type),
                engagement.c.agent_id == bindparam("of_agent", type_=engagement.c.agent_id.type),
                engagement.c.closed_at.is_not(None),
                engagement.c.number_e164.is_not(None),
            )
            .order_by(engagement.c.arrived_at.desc())
            .limit(_LOOKED_AT)
        )

    async def of(self, tx: Transaction, seat: Seat) -> wire.RecentCalls:
        """The agent's last `NUMBERS` numbers, newest first; withheld ones are nothing to call."""
        rows = await tx.all(self._calls, {"of_account": tx.account_id, "of_agent": seat.agent_id})
        calls: dict[str, wire.RecentCall] = {}
        for row in rows:
            if row.number_e164 in calls:
                continue
            record = record_of(row, row.language)
            calls[row.number_e164] = wire.RecentCall(
                direction=row.direction,
                e164=row.number_e164,
                display=party_of(row, row.language).display or row.number_e164,
                record=wire.KnownRecord.model_validate(record) if record else None,
            )
        return wire.RecentCalls(calls=list(calls.values())[:NUMBERS])
