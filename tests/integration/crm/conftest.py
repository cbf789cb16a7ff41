"""A whole org over real HTTP, on a PostgreSQL of its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import asyncpg
import httpx2
import pytest
import uvicorn
from tests.ports import free_ports

from tieline.crm.app import create_app
from tieline.crm.auth import seal
from tieline.crm.provision import create_org
from tieline.crm.settings import CrmSettings
from tieline.db.embedded import EmbeddedPostgres

from .browser import Browser, hidden

ADMIN = "admin@acme.example"
AGENT = "agent@acme.example"
PASSWORD = "correct horse"
CALLBACK = "http://localhost:9/callback"
CLIENT_ID = "3MVG9test"
CLIENT_SECRET = "s3cret-of-the-client"


@dataclass
class World:
    """A served org, and the ways tests talk to it."""

    port: int
    settings: CrmSettings
    org_id: str
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def database(self) -> Any:
        """A connection to the org's own database, for looking behind the doors."""
        return await asyncpg.connect(self.settings.database_url, database="crm_test_acme")

    async def authorize(self, browser: Browser, **changes: str | None) -> str:
        """Runs the authorisation page with consent; answers the address the app is sent to."""
        query = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "redirect_uri": CALLBACK,
            "state": "xyz",
            "scope": "api refresh_token id",
            "code_challenge": challenge_of(VERIFIER),
        } | changes
        asked = urlencode({name: value for name, value in query.items() if value is not None})
        url, response = await browser.follow("GET", f"{browser.my}/services/oauth2/authorize?{asked}")
        if url.startswith(CALLBACK) or "decision" not in response.text:
            return url
        form = hidden(response.text) | {"decision": "allow"}
        response = await browser.send(
            "POST", f"{browser.my}/services/oauth2/authorize", data=form, headers={"Origin": browser.my}
        )
        return response.headers["location"]

    async def redeem(self, http: httpx2.AsyncClient, code: str, **changes: str | None) -> httpx2.Response:
        """The token request for a code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        } | changes
        return await http.post(
            "/services/oauth2/token", data={name: value for name, value in form.items() if value is not None}
        )


VERIFIER = secrets.token_urlsafe(48)


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def code_in(location: str) -> str:
    return parse_qs(urlsplit(location).query)["code"][0]


@pytest.fixture(scope="session")
async def web_dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built console in miniature: what the server needs of it."""
    dist = tmp_path_factory.mktemp("dist")
    (dist / "assets").mkdir()
    (dist / "assets" / "main-Ab12Cd34.js").write_text("export {}")
    (dist / "console.html").write_text(
        '<!doctype html><html lang="en"><script type="application/json" id="tieline-config">{}</script></html>'
    )
    (dist / "opencti_min.js").write_text("window.sforce = {}")
    return dist


@pytest.fixture(scope="session")
async def world(postgres: EmbeddedPostgres, web_dist: Path) -> AsyncIterator[World]:
    """One org with an administrator, an agent and an OAuth client, served on a real socket."""
    maintenance = await asyncpg.connect(postgres.url())
    await maintenance.execute("DROP DATABASE IF EXISTS crm_test_acme WITH (FORCE)")
    await maintenance.execute("DROP DATABASE IF EXISTS crm_test WITH (FORCE)")
    await maintenance.execute("CREATE DATABASE crm_test")
    await maintenance.close()
    port = free_ports()
    settings = CrmSettings(
        database_url=postgres.url("crm_test"),
        data_key=hashlib.sha256(b"test").digest(),
        base_origin=f"http://localhost:{port}",
        my_pattern=f"http://{{org}}.my.localhost:{port}",
        lightning_pattern=f"http://{{org}}.lightning.localhost:{port}",
        web_dist=web_dist,
        daily_api_requests=10_000_000,
        faults_key="key-of-the-test",
    )
    org_id = await create_org(
        settings, name="acme", label="Acme", admin_username=ADMIN, admin_password=PASSWORD
    )
    world = World(port, settings, org_id)
    conn = await world.database()
    await conn.execute(
        "INSERT INTO auth.app (client_id, name, label, secret_sealed, callbacks, scopes)"
        " VALUES ($1, 'Test', 'Test App', $2, $3, $4)",
        CLIENT_ID,
        seal(settings.data_key, CLIENT_SECRET, f"{org_id}/{CLIENT_ID}"),
        [CALLBACK, CALLBACK + "/two?kept=1"],
        ["api", "refresh_token", "id", "openid"],
    )
    await conn.close()
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings),
            host="127.0.0.1",
            port=port,
            log_level="warning",
            timeout_graceful_shutdown=1,
        )
    )
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
        if task.done():
            task.result()
    browser = Browser(port)
    await browser.open_console(ADMIN, PASSWORD)
    response = await browser.api(
        "POST",
        "setup/users",
        json={"username": AGENT, "email": AGENT, "first_name": "花子", "last_name": "佐藤",
              "password": PASSWORD, "language": "ja", "profile": "Standard User"},
    )  # fmt: skip
    assert response.status_code == 201, response.text
    await browser.close()
    yield world
    server.should_exit = True
    await task


async def client_of(world: World, username: str) -> httpx2.AsyncClient:
    http = httpx2.AsyncClient(base_url=world.base, timeout=20)
    if username not in world.tokens:
        browser = Browser(world.port)
        await browser.sign_in(username, PASSWORD)
        location = await world.authorize(browser)
        answer = await world.redeem(http, code_in(location))
        assert answer.status_code == 200, answer.text
        world.tokens[username] = answer.json()
        await browser.close()
    http.headers["Authorization"] = f"Bearer {world.tokens[username]['access_token']}"
    return http


@pytest.fixture
async def admin(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """An API client with the administrator's token."""
    http = await client_of(world, ADMIN)
    yield http
    await http.aclose()


@pytest.fixture
async def agent(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """An API client with an agent's token."""
    http = await client_of(world, AGENT)
    yield http
    await http.aclose()


@pytest.fixture
async def browser(world: World) -> AsyncIterator[Browser]:
    """A browser nobody has signed in with yet."""
    browser = Browser(world.port)
    yield browser
    await browser.close()
