"""The diagnostic bundle: what somebody who helps has to know, and nothing that is a secret or a customer's.

It is made from what may leave, not by taking out what may not: versions, states, counts, codes and times. Names,
addresses, numbers and texts of people are never read for it; connections are told apart by id.
"""

from __future__ import annotations

import asyncio
import io
import json
import platform
import re
import sys
import zipfile
from importlib import metadata
from typing import Any
from urllib.parse import urlsplit

from fastapi import APIRouter, Request, Response
from sqlalchemy import func, select, text

from tieline.calllog.tables import call_log, delivery, delivery_lane
from tieline.db.database import Transaction
from tieline.db.revision import newest_revision
from tieline.identity.tables import account, app_user, session
from tieline.salesforce import home
from tieline.salesforce.connections import status_of
from tieline.salesforce.tables import connection, indexed_record, revocation, softphone_layout
from tieline.settings import Settings
from tieline.web.http import Guard

PACKAGES = ("fastapi", "uvicorn", "sqlalchemy", "asyncpg", "httpx2", "phonenumbers")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_TOLD = frozenset({"objects", "statuses", "count", "version", "failed", "late", "edition", "reason"})
"""Members of a line of the checklist that may leave: hosts and names of call centers stay."""


def router(guard: Guard) -> APIRouter:
    """Routes of diagnostics."""
    routes = APIRouter(prefix="/api/v1", tags=["home"])

    @routes.get("/diagnostics", response_class=Response)
    async def diagnostics(request: Request) -> Response:
        """A zip of JSON files about the account's state, without secrets and without customers' data."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            files = {
                "versions": await _versions(tx),
                "settings": settings_told(guard.settings),
                "account": await _account(tx),
                "connections": await _connections(tx),
                "checklist": await _checklist(tx),
                "problems": await _problems(tx),
            }
            at = tx.now
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in files.items():
                told = json.dumps(content, indent=2, default=str, ensure_ascii=False)
                archive.writestr(f"tieline-diagnostics/{name}.json", told)
        return Response(
            buffer.getvalue(),
            media_type="application/zip",
            headers={
                "Content-Disposition": f'attachment; filename="tieline-diagnostics-{at:%Y%m%d-%H%M%S}.zip"'
            },
        )

    return routes


def settings_told(settings: Settings) -> dict[str, Any]:
    """Deployment settings that are no secret; of addresses only their kind."""
    public = urlsplit(settings.public_url)
    return {
        "public_url": {"scheme": public.scheme, "port": public.port},
        "keys": len(settings.keys.by_id),
        "media_addresses": len(settings.media_address),
        "media_ports": list(settings.media_ports),
        "trust_loopback_crm": settings.trust_loopback_crm,
    }


async def _versions(tx: Transaction) -> dict[str, Any]:
    return {
        "tieline": metadata.version("tieline"),
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.release()}",
        "postgresql": await tx.scalar(text("SHOW server_version")),
        # A process serves at the newest revision of its migrations only.
        "migration": await asyncio.to_thread(newest_revision),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "at": tx.now,
    }


async def _account(tx: Transaction) -> dict[str, Any]:
    async def count(table: Any, *conditions: Any) -> int:
        mine = table.c.account_id == tx.account_id
        return int(await tx.scalar(select(func.count()).select_from(table).where(mine, *conditions)) or 0)

    row = await tx.one(select(account).where(account.c.id == tx.account_id))
    assert row is not None
    return {
        "id": tx.account_id,
        "test_phone": row.test_phone,
        "web_calls": row.web_calls,
        "integrations": row.integrations,
        "users": await count(app_user),
        "users_active": await count(app_user, app_user.c.active),
        "users_with_integration": await count(app_user, app_user.c.connection_id.is_not(None)),
        "sessions_live": await count(session, session.c.ended_at.is_(None), session.c.expires_at > tx.now),
        "call_logs": await count(call_log),
        "revocations_waiting": await count(revocation),
    }


async def _connections(tx: Transaction) -> list[dict[str, Any]]:
    rows = await tx.all(
        select(connection)
        .where(connection.c.account_id == tx.account_id, connection.c.state != "removed")
        .order_by(connection.c.id)
    )
    told: list[dict[str, Any]] = []
    for row in rows:

        async def count(table: Any, connection_id: Any = row.id) -> int:
            mine = (table.c.account_id == tx.account_id) & (table.c.connection_id == connection_id)
            return int(await tx.scalar(select(func.count()).select_from(table).where(mine)) or 0)

        told.append(
            {
                "id": row.id,
                "environment": row.environment,
                "state": row.state,
                "status": status_of(row),
                "org_id": row.org_id,
                "scopes": list(row.scopes),
                "has_secret": row.client_secret is not None,
                "has_refresh_token": row.refresh_token is not None,
                "related_domains": len(row.related_domains),
                "country_codes": row.org_settings.get("country_codes", []),
                "api_requests": {"used": row.api_used, "limit": row.api_limit},
                "index": {"state": row.index_state, "records": await count(indexed_record)},
                "layouts": await count(softphone_layout),
                "error_code": _code(row.error_code),
                "survey_error": _code(row.survey_error),
                "times": {
                    name: getattr(row, name)
                    for name in (
                        "created_at",
                        "connected_at",
                        "token_at",
                        "succeeded_at",
                        "error_at",
                        "failing_since",
                        "org_settings_at",
                        "index_checked_at",
                        "index_until",
                        "surveyed_at",
                    )
                },
            }
        )
    return told


async def _checklist(tx: Transaction) -> list[dict[str, Any]]:
    return [
        {
            "kind": group["kind"],
            "connection": (group["connection"] or {}).get("id"),
            "steps": [
                {
                    "key": step["key"],
                    "state": step["state"],
                    "code": step["code"],
                    "params": {name: value for name, value in step["params"].items() if name in _TOLD},
                    "at": step["at"],
                }
                for step in group["steps"]
            ],
        }
        for group in (await home.read(tx))["groups"]
    ]


async def _problems(tx: Transaction) -> dict[str, Any]:
    """Codes by how often they stand at call logs now, and what holds deliveries up."""
    states = await tx.all(
        select(delivery.c.connection_id, delivery.c.state, delivery.c.error_code, func.count().label("logs"))
        .where(delivery.c.account_id == tx.account_id)
        .group_by(delivery.c.connection_id, delivery.c.state, delivery.c.error_code)
    )
    lanes = await tx.all(
        select(delivery_lane.c.connection_id, delivery_lane.c.error_code, delivery_lane.c.failures).where(
            delivery_lane.c.account_id == tx.account_id
        )
    )
    return {
        "deliveries": [
            {
                "connection": row.connection_id,
                "state": row.state,
                "code": _code(row.error_code),
                "logs": row.logs,
            }
            for row in states
        ],
        "lanes": [
            {"connection": row.connection_id, "code": _code(row.error_code), "failures": row.failures}
            for row in lanes
        ],
    }


def _code(code: str | None) -> str | None:
    """A code as it was told, if it is one: orgs may put anything there."""
    return code if code is None or _CODE.fullmatch(code) else "not_a_code"
