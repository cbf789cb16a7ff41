# ruff: noqa: S608 - identifiers are constants or come from the catalogue, values are parameters
"""The org as a whole in Set-up: settings, company information, the setup audit trail."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import person_accounts
from ..console import answering
from ..softphone import check_utility_items
from ..web import json_response, read_json
from .administration import administering, body_of, looking, refusal, store_setting

_SHOWN_CHANGES = 500
STORAGE_MB = {"data": 5, "file": 20}
"""What a Developer Edition may hold, in megabytes."""
RECORD_KB = 2
"""What Salesforce reckons for most records, however much is in them."""


@answering
async def put_utility_items(request: Request) -> Response:
    """Replaces the utility items: a list, or `{utility_items: [...]}`."""
    body: Any = await read_json(request)
    async with administering(request) as visit:
        items = check_utility_items(body.get("utility_items") if isinstance(body, dict) else body)
        await store_setting(visit, "utility_items", items)
        return json_response({"utility_items": items})


@answering
async def put_session_minutes(request: Request) -> Response:
    """Sets the session timeout, the lifetime of access tokens issued from now on: `{minutes}`, 1 to 1440."""
    body = await body_of(request)
    minutes: Any = body.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 1 <= minutes <= 1440:
        raise refusal("minutes", "must be a number from 1 to 1440")
    async with administering(request) as visit:
        await store_setting(visit, "session_minutes", minutes)
        return json_response({"minutes": minutes})


@answering
async def get_person_accounts(request: Request) -> Response:
    """Whether the org has person accounts: `{enabled}`."""
    async with looking(request) as visit:
        return json_response({"enabled": person_accounts.enabled(visit.call.catalogue)})


@answering
async def put_person_accounts(request: Request) -> Response:
    """Switches person accounts on: `{enabled: true}`. There is no way back."""
    body = await body_of(request)
    if body.get("enabled") is not True:
        raise refusal("enabled", "must be true: person accounts can be switched on only")
    async with administering(request) as visit, visit.conn.transaction():
        await person_accounts.enable(visit.conn, visit.call.org.instance, visit.caller.user_id)
    return json_response({"enabled": True})


@answering
async def audit_trail_rows(request: Request) -> Response:
    """The newest 500 changes of Set-up: `{changes: [{at, user, username, section, action, detail}]}`."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT s.at, u."Name" AS user, u."Username" AS username, s.section, s.action, s.detail'
            ' FROM meta.setup_audit s LEFT JOIN data."User" u ON u."Id" = s.user_id'
            f" ORDER BY s.position DESC LIMIT {_SHOWN_CHANGES}"
        )
        return json_response({"changes": [dict(row) | {"at": row["at"].isoformat()} for row in rows]})


@answering
async def company(request: Request) -> Response:
    """Company information: the organization, licences, storage by object, API requests of today by hour."""
    async with looking(request) as visit:
        org = await visit.conn.fetchrow('SELECT * FROM data."Organization" LIMIT 1')
        users = await visit.conn.fetchrow(
            'SELECT count(*) FILTER (WHERE "IsActive") AS active, count(*) AS total FROM data."User" WHERE NOT "IsDeleted"'
        )
        storage: list[dict[str, Any]] = []
        for value in visit.call.catalogue.whole.objects.values():
            if value.setup and value.kind == "standard":
                continue
            count: int = await visit.conn.fetchval(
                f'SELECT count(*) FROM {value.table} WHERE NOT "IsDeleted"'
            )
            if count:
                storage.append(
                    {"label": value.label_in(visit.language), "records": count, "kb": count * RECORD_KB}
                )
        storage.sort(key=lambda each: -each["records"])
        usage = visit.call.org.usage
        await usage.sync(visit.conn)
        hours = await visit.conn.fetch(
            "SELECT h.hour, coalesce(sum(u.requests), 0)::bigint AS requests"
            " FROM generate_series(date_trunc('hour', now()) - interval '23 hours', date_trunc('hour', now()),"
            "  interval '1 hour') AS h(hour) LEFT JOIN meta.api_usage u"
            " ON u.minute >= h.hour AND u.minute < h.hour + interval '1 hour' GROUP BY h.hour ORDER BY h.hour"
        )
        return json_response(
            {
                "id": org["Id"],
                "name": org["Name"],
                "edition": org["OrganizationType"],
                "instance": org["InstanceName"],
                "language": org["LanguageLocaleKey"],
                "locale": org["DefaultLocaleSidKey"],
                "time_zone": org["TimeZoneSidKey"],
                "created_at": org["CreatedDate"].isoformat(),
                "active_users": users["active"],
                "users": users["total"],
                "storage": storage[:50],
                "storage_mb": STORAGE_MB["data"],
                "api_used": usage.used,
                "api_maximum": usage.maximum,
                "api_hours": [
                    {"hour": row["hour"].isoformat(), "requests": row["requests"]} for row in hours
                ],
            }
        )


_PREFIX = "/console/api/setup"

ROUTES = [
    Route(f"{_PREFIX}/utility-items", put_utility_items, methods=["PUT"]),
    Route(f"{_PREFIX}/session-timeout", put_session_minutes, methods=["PUT"]),
    Route(f"{_PREFIX}/person-accounts", get_person_accounts),
    Route(f"{_PREFIX}/person-accounts", put_person_accounts, methods=["PUT"]),
    Route(f"{_PREFIX}/audit-trail", audit_trail_rows),
    Route(f"{_PREFIX}/company", company),
]
