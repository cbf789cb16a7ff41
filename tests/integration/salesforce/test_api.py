"""Connections through the REST door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import select, update

from tieline.calllog.tables import delivery, delivery_lane
from tieline.db.database import Database
from tieline.identity import service as identity
from tieline.identity.passwords import hash_password
from tieline.identity.tables import app_user
from tieline.salesforce import problems
from tieline.salesforce.api import router
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.org_settings import Told
from tieline.salesforce.tables import connection
from tieline.settings import Settings
from tieline.vault import Vault
from tieline.web.http import PORTAL_COOKIE, Guard, install_errors

from .conftest import Tenant, leave_org
from .org import CALLBACK, CLIENT_ID, CLIENT_SECRET, PUBLIC_URL, Org
from .test_delivery import Close, close, pass_time

__all__ = ["close"]


@dataclass
class Portal:
    """A signed-in administrator's portal."""

    http: httpx2.AsyncClient
    csrf: str

    async def write(self, method: str, path: str, body: object = None) -> httpx2.Response:
        headers = {"Origin": PUBLIC_URL, "X-CSRF-Token": self.csrf}
        return await self.http.request(method, path, json=body, headers=headers)


@pytest.fixture
async def portal(
    database: Database, settings: Settings, salesforce: Salesforce, tenant: Tenant
) -> AsyncIterator[Portal]:
    guard = Guard(database, settings)
    app = FastAPI(dependencies=[Depends(guard.enter)])
    app.include_router(router(salesforce, guard, Told(salesforce)))
    app.include_router(problems.router(guard))
    install_errors(app)
    async with database.system() as tx:
        await tx.execute(
            update(app_user).where(app_user.c.id == tenant.user_id).values(password_hash=hash_password("pw"))
        )
    issued = await identity.sign_in(
        database,
        Vault(settings.keys),
        f"{tenant.user_id}@acme.example",
        "pw",
        code=None,
        came=identity.Came("test"),
    )
    who = await identity.whose(database, issued.token, "portal")
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app), base_url=PUBLIC_URL, cookies={PORTAL_COOKIE: issued.token}
    ) as http:
        yield Portal(http, guard.csrf(who))


async def test_an_administrator_connects_lists_and_removes(
    portal: Portal, org: Org, database: Database
) -> None:
    await leave_org(database, org)
    created = await portal.write(
        "POST",
        "/api/v1/connections",
        {
            "name": "Acme CRM",
            "environment": "embedded",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "api_base": org.base,
            "login_origin": org.my,
            "embedding_origins": [org.lightning],
        },
    )
    assert created.status_code == 201, created.text
    told = await org.allow(created.json()["authorize_url"])
    landed = await portal.http.get(urlsplit(CALLBACK).path, params=told)
    assert landed.status_code == 303
    assert parse_qs(urlsplit(landed.headers["location"]).query) == {"connected": [created.json()["id"]]}
    listed = (await portal.http.get("/api/v1/connections")).json()["connections"]
    mine = next(c for c in listed if c["id"] == created.json()["id"])
    assert (mine["status"], mine["name"], mine["embedding_origins"]) == (
        "connected",
        "Acme CRM",
        [org.lightning],
    )
    assert CLIENT_SECRET not in str(listed)
    again = await portal.http.get(urlsplit(CALLBACK).path, params=told)
    assert "failed=authorisation_invalid" in again.headers["location"]
    assert (await portal.write("DELETE", f"/api/v1/connections/{mine['id']}")).status_code == 204
    assert (await portal.write("DELETE", f"/api/v1/connections/{mine['id']}")).status_code == 404


async def test_a_refusal_lands_on_the_list_with_its_reason(portal: Portal) -> None:
    landed = await portal.http.get(
        urlsplit(CALLBACK).path, params={"state": "unknown", "error": "access_denied"}
    )
    assert landed.headers["location"] == "/portal/connections?failed=authorisation_invalid"


async def test_bad_requests_are_told_what_is_wrong(portal: Portal) -> None:
    answer = await portal.write("POST", "/api/v1/connections", {"name": "x"})
    assert (answer.status_code, answer.json()["code"]) == (422, "input_invalid")
    body = {"name": "CRM", "environment": "production", "client_id": "x"}
    answer = await portal.write("POST", "/api/v1/connections", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "connection_name_taken")
    answer = await portal.http.post("/api/v1/connections", json=body)
    assert answer.status_code == 403


async def test_agents_may_not_touch_connections(portal: Portal, database: Database, tenant: Tenant) -> None:
    async with database.system() as tx:
        await tx.execute(update(app_user).where(app_user.c.id == tenant.user_id).values(roles=["agent"]))
    for method, path in (
        ("GET", "/api/v1/connections"),
        ("GET", urlsplit(CALLBACK).path),
        ("GET", "/api/v1/problems"),
    ):
        assert (await portal.http.request(method, path)).status_code == 403


async def test_nothing_wrong_is_told_as_nothing(portal: Portal) -> None:
    assert (await portal.http.get("/api/v1/problems")).json() == {
        "connections": [],
        "deliveries": {"failed": {"count": 0, "connections": [], "newest": []}, "late": []},
    }


async def test_a_connection_that_lost_its_grant_is_a_problem(
    portal: Portal, database: Database, connected: Tenant
) -> None:
    async with database.system() as tx:
        await tx.execute(
            update(connection)
            .where(connection.c.id == connected.connection_id)
            .values(state="reconnect", error_code="invalid_grant", error_at=tx.now)
        )
    (told,) = (await portal.http.get("/api/v1/problems")).json()["connections"]
    assert (told["id"], told["name"], told["code"]) == (
        str(connected.connection_id),
        "Embedded",
        "invalid_grant",
    )
    assert told["since"]


async def test_call_logs_that_failed_are_told_with_their_reason_and_tried_again(
    portal: Portal, database: Database, connected: Tenant, close: Close
) -> None:
    logs = await close(count=22)
    (waiting,) = await close()
    async with database.system() as tx:
        await tx.execute(
            update(delivery)
            .where(delivery.c.engagement_id.in_([log.engagement_id for log in logs]))
            .values(
                state="failed", next_at=None, error_code="STRING_TOO_LONG", error_message="Name: too long"
            )
        )
    deliveries = (await portal.http.get("/api/v1/problems")).json()["deliveries"]
    failed = deliveries["failed"]
    mine = str(connected.connection_id)
    assert failed["count"] == 22 and deliveries["late"] == []
    assert failed["connections"] == [{"id": mine, "name": "Embedded", "count": 22}]
    newest_first = [str(log.engagement_id) for log in reversed(logs)][:20]
    assert [row["engagement_id"] for row in failed["newest"]] == newest_first
    assert failed["newest"][0]["error"] == {"code": "STRING_TOO_LONG", "message": "Name: too long"}
    assert (failed["newest"][0]["number"], failed["newest"][0]["agent"]) == ("03-4567-0100", "佐藤 花子")

    again = await portal.write("POST", "/api/v1/deliveries/retry", {"connection_id": mine})
    assert (again.status_code, again.json()) == (200, {"retried": 23})
    async with database.system() as tx:
        states = await tx.all(select(delivery.c.state, delivery.c.next_at <= tx.now))
    assert states == [("pending", True)] * 23
    assert str(waiting.engagement_id) not in newest_first
    other = await portal.write("POST", "/api/v1/deliveries/retry", {"connection_id": str(connected.user_id)})
    assert other.status_code == 404


async def test_call_logs_that_wait_for_long_are_told_with_the_reason(
    portal: Portal, database: Database, connected: Tenant, close: Close
) -> None:
    await close(count=3)
    assert (await portal.http.get("/api/v1/problems")).json()["deliveries"]["late"] == []
    async with database.system() as tx:
        await tx.execute(
            update(delivery_lane).values(held_until=tx.now, failures=3, error_code="crm_unreachable")
        )
    await pass_time(database, timedelta(minutes=6))
    (late,) = (await portal.http.get("/api/v1/problems")).json()["deliveries"]["late"]
    assert (late["id"], late["count"], late["code"]) == (
        str(connected.connection_id),
        3,
        "crm_unreachable",
    )
