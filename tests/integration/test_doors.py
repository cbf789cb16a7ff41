"""Every door at once, read off the running application: whoever adds a route is asked the same questions."""

from __future__ import annotations

import socket
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute
from sqlalchemy import select
from tests.integration.apps import CALLBACK, App
from tests.integration.center import Center, a_center
from tests.integration.routes import body_of, path_of, routes_of

from tieline.db.database import Database
from tieline.ids import new_id
from tieline.salesforce.tables import connection

BY_SECRET = {
    ("POST", "/api/v1/session"),
    ("POST", "/api/v1/password"),
    ("POST", "/api/v1/password-reset"),
    ("POST", "/api/v1/callbar/session"),
    ("POST", "/api/v1/callbar/session/collect"),
    ("POST", "/api/v1/callbar/session/renew"),
    ("POST", "/api/v1/callbar/session/resume"),
    ("DELETE", "/api/v1/callbar/session"),
}
"""Writes behind which no cookie of the portal stands: what they carry themselves is what they are allowed by."""
FOR_PROGRAMS = {
    ("POST", "/oauth/token"),
    ("POST", "/oauth/revoke"),
    ("POST", "/oauth/userinfo"),
    ("POST", "/oauth/register"),
    ("DELETE", "/oauth/grant"),
}
"""Doors of programs, which have no origin: a browser's cookie opens nothing there."""
FOR_PAGES_OF_ORGS = {("POST", "/api/v1/salesforce/settings-changed")}
"""Doors that look at nothing but the origin, do nothing for the caller, and answer everybody alike."""


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


async def test_every_route_says_what_may_frame_it(center: Center) -> None:
    portal = await center.portal("admin")
    for method, route in routes_of(center):
        if route.path == "/api/v1/live":  # an endless answer; its refusal is looked at below
            continue
        for client in (center.http, portal):
            answer = await client.request(method, path_of(route))
            policy = answer.headers.get("content-security-policy", "")
            assert "frame-ancestors 'none'" in policy and "default-src 'none'" in policy, (method, route.path)
            assert answer.headers["x-content-type-options"] == "nosniff", (method, route.path)
    refused = await center.http.get("/api/v1/live")
    assert "frame-ancestors 'none'" in refused.headers["content-security-policy"]


async def test_no_write_is_done_for_a_page_that_is_not_ours(center: Center) -> None:
    document = center.server.config.app.openapi()  # type: ignore[union-attr]
    writes = [(m, r) for m, r in routes_of(center) if m not in ("GET", "HEAD", "OPTIONS")]
    assert {(method, route.path) for method, route in writes} > BY_SECRET
    portal = await center.portal("admin")
    origin, token = portal.headers.pop("Origin"), portal.headers.pop("X-CSRF-Token")
    for method, route in writes:
        if (method, route.path) in FOR_PROGRAMS:
            answer = await portal.request(
                method, route.path, headers={"Origin": origin, "X-CSRF-Token": token}
            )
            assert answer.status_code in (400, 401, 422), (route.path, answer.status_code)
            continue
        if (method, route.path) in FOR_PAGES_OF_ORGS:
            answer = await portal.request(method, route.path, headers={"Origin": "https://evil.example"})
            assert (answer.status_code, answer.text) == (204, ""), route.path
            continue
        body = body_of(method, route, document)

        async def refused(
            method: str = method, route: APIRoute = route, body: Any = body, **headers: str
        ) -> str:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            answer = await portal.request(method, path_of(route), json=body, headers=named)
            told = (method, route.path, headers, answer.status_code, answer.text[:200])
            assert answer.status_code in (401, 403), told
            return answer.json()["code"]

        assert await refused(Origin="https://evil.example", X_CSRF_Token=token) == "origin_refused"
        assert await refused(Origin=origin + ".evil.example", X_CSRF_Token=token) == "origin_refused"
        assert await refused(Origin="null", X_CSRF_Token=token) == "origin_refused"
        assert await refused(X_CSRF_Token=token) == "origin_refused"
        if (method, route.path) not in BY_SECRET:
            assert await refused(Origin=origin) == "csrf_missing"
            assert await refused(Origin=origin, X_CSRF_Token=token[::-1]) == "csrf_missing"
    # It was refused all along: the session, which some of these routes end, is still there.
    assert (await portal.get("/api/v1/session")).json()["user"]["email"] == center.email("admin")


async def test_pages_of_other_sites_read_nothing(center: Center) -> None:
    app = await App.made(center, confidential=False, uris=(CALLBACK, "https://page.example/back"))
    token = (await app.let_in())["access_token"]
    page = {"Origin": "https://page.example"}
    bearer = {"Authorization": f"Bearer {token}"}
    asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    answers = [
        await center.http.request(method, path, headers=page | more)
        for path in ("/oauth/token", "/oauth/userinfo", "/api/v1/users", "/api/v1/statuses")
        for method, more in (("OPTIONS", asked), ("GET", bearer))
    ]
    assert not [
        each for each in answers for name in each.headers if name.lower().startswith("access-control-")
    ]


class Canary:
    """A listener on loopback that notices every connection."""

    def __init__(self) -> None:
        self.connects = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return
            self.connects += 1

    def close(self) -> None:
        self._socket.close()


async def test_addresses_that_administrators_give_lead_nowhere_inside(center: Center) -> None:
    canary = Canary()
    portal = await center.portal("admin")
    inside = ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "[::1]", "[::ffff:127.0.0.1]")
    own: list[httpx2.Response] = []
    for host in inside:
        at = f"{host}:{canary.port}"
        for address in (
            f"https://{at}",
            f"http://{at}",
            f"https://acme.my.salesforce.com@{at}",
            f"https://{at}/.my.salesforce.com",
            f"https://{host}.my.salesforce.com:{canary.port}",
            f"file://{at}/etc/passwd",
        ):
            new = {"name": str(new_id()), "environment": "domain", "client_id": "x", "login_origin": address}
            own.append(await portal.post("/api/v1/connections", json=new))
        # A related domain is a name to compare with; nothing is ever asked of it.
        await portal.put(
            f"/api/v1/connections/{center.connection_id}/related-domains",
            json={"domains": [f"http://{at}"]},
        )
    for address in ("http://169.254.169.254", "http://10.0.0.1", "https://[fd00::1]"):
        new = {"name": str(new_id()), "environment": "embedded", "client_id": "x", "api_base": address}
        own.append(await portal.post("/api/v1/connections", json=new))
    assert {(answer.status_code, answer.json()["code"]) for answer in own} == {(422, "input_invalid")}
    async with center.db.system() as tx:
        made = await tx.all(select(connection.c.id).where(connection.c.account_id == center.account_id))
    assert [row.id for row in made] == [center.connection_id]
    assert canary.connects == 0
    canary.close()
