"""What an administrator has to know and can mend: connections that died, call logs not delivered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select

from tieline.calllog import service as calllog
from tieline.calllog.tables import call_log, delivery, delivery_lane
from tieline.db.database import Transaction
from tieline.errors import NotFound
from tieline.salesforce.tables import connection
from tieline.web.http import Guard, uuid_or

LATE = timedelta(minutes=5)
"""A call log that has waited for so long is worth a word; before that its CRM may just have been busy."""
NEWEST = 20


class Retry(BaseModel):
    """Whose call logs are to be tried again."""

    model_config = ConfigDict(extra="forbid")

    connection_id: str = Field(max_length=40)


def router(guard: Guard) -> APIRouter:
    """Routes of problems."""
    routes = APIRouter(prefix="/api/v1", tags=["problems"])

    @routes.get("/problems")
    async def problems(request: Request) -> dict[str, Any]:
        """What is wrong now; every list is empty when nothing is."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            return {
                "connections": await _dead(tx),
                "deliveries": {"failed": await _failed(tx), "late": await _late(tx)},
            }

    @routes.post("/deliveries/retry")
    async def retry(request: Request, wanted: Retry) -> dict[str, int]:
        """Try a connection's failed and waiting call logs again, now; gives how many there are."""
        who = guard.who(request)
        connection_id = uuid_or(wanted.connection_id, NotFound)
        async with guard.db.account(who.account_id) as tx:
            mine = (connection.c.account_id == who.account_id) & (connection.c.id == connection_id)
            if await tx.one(select(connection.c.id).where(mine, connection.c.state != "removed")) is None:
                raise NotFound("no such connection")
            return {"retried": await calllog.retry(tx, connection_id)}

    return routes


async def _dead(tx: Transaction) -> list[dict[str, Any]]:
    """Connections whose org refuses our grant, or has not answered as it should for a while."""
    rows = await tx.all(
        select(
            connection.c.id,
            connection.c.name,
            connection.c.state,
            connection.c.error_code,
            connection.c.error_at,
            connection.c.failing_since,
        )
        .where(
            connection.c.account_id == tx.account_id,
            (connection.c.state == "reconnect")
            | ((connection.c.state == "connected") & connection.c.died_at.is_not(None)),
        )
        .order_by(connection.c.name)
    )
    return [
        {
            "id": str(row.id),
            "name": row.name,
            "status": "needs_sign_in" if row.state == "reconnect" else "not_reachable",
            "code": row.error_code,
            "since": row.error_at if row.state == "reconnect" else row.failing_since,
        }
        for row in rows
    ]


async def _failed(tx: Transaction) -> dict[str, Any]:
    """Call logs that the CRM has refused for good: how many of each connection, and the newest."""
    refused = _of_living_connections("failed")
    counts = await tx.all(
        select(connection.c.id, connection.c.name, func.count().label("logs"))
        .select_from(refused)
        .where(connection.c.account_id == tx.account_id)
        .group_by(connection.c.id, connection.c.name)
        .order_by(connection.c.name)
    )
    newest = await tx.all(
        select(
            delivery.c.engagement_id,
            delivery.c.connection_id,
            delivery.c.error_code,
            delivery.c.error_message,
            call_log.c.content["arrived_at"].astext.label("arrived_at"),
            call_log.c.content["number_display"].astext.label("number"),
            call_log.c.content["agent_name"].astext.label("agent"),
        )
        .select_from(
            refused.join(
                call_log,
                (call_log.c.account_id == delivery.c.account_id)
                & (call_log.c.engagement_id == delivery.c.engagement_id),
            )
        )
        .where(delivery.c.account_id == tx.account_id)
        # Ids of engagements rise with time.
        .order_by(delivery.c.engagement_id.desc())
        .limit(NEWEST)
    )
    return {
        "count": sum(row.logs for row in counts),
        "connections": [{"id": str(row.id), "name": row.name, "count": row.logs} for row in counts],
        "newest": [
            {
                "engagement_id": str(row.engagement_id),
                "connection_id": str(row.connection_id),
                "arrived_at": row.arrived_at,
                "number": row.number,
                "agent": row.agent,
                "error": {"code": row.error_code, "message": row.error_message},
            }
            for row in newest
        ],
    }


async def _late(tx: Transaction) -> list[dict[str, Any]]:
    """Connections whose CRM has not taken call logs for a while: how many wait, since when, and why."""
    rows = await tx.all(
        select(
            connection.c.id,
            connection.c.name,
            func.count().label("logs"),
            func.min(delivery.c.pending_since).label("oldest"),
            func.max(delivery_lane.c.error_code).label("code"),
        )
        .select_from(
            _of_living_connections("pending").outerjoin(
                delivery_lane,
                (delivery_lane.c.account_id == connection.c.account_id)
                & (delivery_lane.c.connection_id == connection.c.id),
            )
        )
        .where(connection.c.account_id == tx.account_id, delivery.c.pending_since < tx.now - LATE)
        .group_by(connection.c.id, connection.c.name)
        .order_by(connection.c.name)
    )
    return [
        {"id": str(row.id), "name": row.name, "count": row.logs, "since": row.oldest, "code": row.code}
        for row in rows
    ]


def _of_living_connections(state: str) -> Any:
    return delivery.join(
        connection,
        (connection.c.account_id == delivery.c.account_id)
        & (connection.c.id == delivery.c.connection_id)
        & (connection.c.state != "removed")
        & (delivery.c.state == state),
    )
