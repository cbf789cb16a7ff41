"""A whole org over real HTTP, on a PostgreSQL of its own."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import asyncpg
import httpx2
import pytest
import uvicorn
from tests.plain_http import plain_http
from tests.ports import free_ports

from tieline.apex_twins import TWINS
from tieline.crm.app import create_app
from tieline.crm.provision import create_org
from tieline.crm.settings import CrmSettings
from tieline.crm.sign_in.auth import seal
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
    name: str
    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def database(self) -> Any:
        """A connection to the org's own database, for looking behind the doors."""
        return await asyncpg.connect(self.settings.database_url, database=self.name)

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


def a_console(folder: Path) -> Path:
    """A built console in miniature: what the server needs of it."""
    (folder / "assets").mkdir()
    (folder / "assets" / "main-Ab12Cd34.js").write_text("export {}")
    (folder / "console.html").write_text(
        '<!doctype html><html lang="en"><script type="application/json" id="tieline-config">{}</script></html>'
    )
    (folder / "opencti_min.js").write_text("window.sforce = {}")
    return folder


@pytest.fixture(scope="session")
async def web_dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the console was built into."""
    return a_console(tmp_path_factory.mktemp("dist"))


@asynccontextmanager
async def a_world(
    postgres: EmbeddedPostgres, web_dist: Path, database: str = "crm_test", **changes: Any
) -> AsyncIterator[World]:
    """One org with an administrator, an agent and an OAuth client, served on a real socket; `changes` are settings."""
    maintenance = await asyncpg.connect(postgres.url())
    for name in (f"{database}_acme", database):
        await maintenance.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await maintenance.execute(f"CREATE DATABASE {database}")
    await maintenance.close()
    port = free_ports()
    settings = CrmSettings(
        database_url=postgres.url(database),
        data_key=hashlib.sha256(b"test").digest(),
        base_origin=f"http://localhost:{port}",
        my_pattern=f"http://{{org}}.my.localhost:{port}",
        lightning_pattern=f"http://{{org}}.lightning.localhost:{port}",
        web_dist=web_dist,
        daily_api_requests=10_000_000,
        faults_key="key-of-the-test",
        **changes,
    )
    org_id = await create_org(
        settings, name="acme", label="Acme", admin_username=ADMIN, admin_password=PASSWORD
    )
    world = World(port, settings, org_id, f"{database}_acme")
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
    async with served(settings, port):
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


@asynccontextmanager
async def served(settings: CrmSettings, port: int, **more: Any) -> AsyncIterator[None]:
    """The application on a real socket; `more` are uvicorn's settings."""
    config = uvicorn.Config(
        create_app(settings, twins=TWINS),
        host="127.0.0.1",
        port=port,
        log_level="warning",
        timeout_graceful_shutdown=1,
        **more,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.02)
        if task.done():
            task.result()
    yield
    server.should_exit = True
    await task


@pytest.fixture(scope="session")
async def world(postgres: EmbeddedPostgres, web_dist: Path) -> AsyncIterator[World]:
    """The org of these tests."""
    async with a_world(postgres, web_dist) as world:
        yield world


async def client_of(world: World, username: str) -> httpx2.AsyncClient:
    http = plain_http(base_url=world.base, timeout=20)
    if username not in world.tokens:
        browser = Browser(world.port)
        await browser.sign_in(username, PASSWORD)
        # Without a refresh token: later authorisations of the same app and user must not push this one out.
        location = await world.authorize(browser, scope="api id")
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


AppMaker = Callable[..., Awaitable[dict[str, str]]]


@asynccontextmanager
async def an_app_maker(world: World) -> AsyncIterator[AppMaker]:
    """Makes OAuth clients as an administrator does in Set-up; keywords are the app's settings."""
    console = Browser(world.port)
    await console.open_console(ADMIN, PASSWORD)
    made: list[str] = []

    async def make(**settings: Any) -> dict[str, str]:
        name = f"App{secrets.token_hex(6)}"
        body = {
            "name": name,
            "label": name,
            "callbacks": [CALLBACK],
            "scopes": ["api", "refresh_token", "openid"],
        }
        answer = await console.api("POST", "setup/apps", json=body | settings)
        assert answer.status_code == 201, answer.text
        made.append(answer.json()["client_id"])
        return answer.json()

    yield make
    for client_id in made:
        await console.api("DELETE", f"setup/apps/{client_id}")
    await console.close()


@pytest.fixture
async def new_app(world: World) -> AsyncIterator[AppMaker]:
    """Makes OAuth clients, and removes them after the test."""
    async with an_app_maker(world) as make:
        yield make


@pytest.fixture
async def browser(world: World) -> AsyncIterator[Browser]:
    """A browser nobody has signed in with yet."""
    browser = Browser(world.port)
    yield browser
    await browser.close()


@pytest.fixture
async def console(world: World) -> AsyncIterator[Browser]:
    """The administrator's console."""
    browser = Browser(world.port)
    await browser.open_console(ADMIN, PASSWORD)
    yield browser
    await browser.close()


@pytest.fixture(scope="session")
async def office(world: World) -> AsyncIterator[Any]:
    """Users, roles, a queue and cases: `office.Office`."""
    from .office import an_office  # it needs this file

    async with an_office(world) as office:
        yield office


@pytest.fixture
async def private(office: Any) -> AsyncIterator[Any]:
    """The office with private cases, nobody above anybody, the queue empty."""
    from .office import private_cases

    async with private_cases(office) as office:
        yield office
