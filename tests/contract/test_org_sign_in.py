"""Signing in to the embedded org with clients of others, unmodified: jsforce and simple-salesforce."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import json
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from tests.integration.crm.browser import Browser
from tests.integration.crm.certificates import private_pem, self_signed, server_files
from tests.integration.crm.conftest import (
    ADMIN,
    AGENT,
    CALLBACK,
    PASSWORD,
    AppMaker,
    World,
    a_console,
    a_world,
    an_app_maker,
    code_in,
    served,
)
from tests.integration.crm.test_tokens import JWT_BEARER, KEY
from tests.ports import free_ports

from tieline.db.embedded import EmbeddedPostgres

CLIENTS = Path(__file__).parents[1] / "clients"
TOKEN = "aB3dE6gH9jK2mN5pQ8sT1vW4"


@pytest.fixture(scope="module")
async def world(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(postgres, a_console(tmp_path_factory.mktemp("dist")), "crm_sign_in") as world:
        yield world


@pytest.fixture
async def new_app(world: World) -> AsyncIterator[AppMaker]:
    async with an_app_maker(world) as make:
        yield make


@contextlib.asynccontextmanager
async def passwords_allowed(world: World) -> AsyncIterator[None]:
    """Programs may ask for passwords, as an administrator can allow."""
    console = Browser(world.port)
    await console.open_console(ADMIN, PASSWORD)
    await console.api("PUT", "setup/oauth-settings", json={"username_password": True})
    yield
    await console.api("PUT", "setup/oauth-settings", json={"username_password": False})
    await console.close()


# -- jsforce -------------------------------------------------------------------------------------------------


class JsForce:
    """A node process that signs in with jsforce."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def heard(self) -> dict[str, Any]:
        """The next thing it says."""
        assert self._process.stdout
        async with asyncio.timeout(60):
            line = await self._process.stdout.readline()
        if not line:
            assert self._process.stderr
            raise AssertionError((await self._process.stderr.read()).decode())
        return json.loads(line)

    def tell(self, text: str) -> None:
        """Gives it a line."""
        assert self._process.stdin
        self._process.stdin.write(f"{text}\n".encode())


@contextlib.asynccontextmanager
async def jsforce(
    world: World, way: str, app: dict[str, str] | None = None, **more: Any
) -> AsyncIterator[JsForce]:
    if not (CLIENTS / "node_modules" / "jsforce").is_dir():
        pytest.skip("scripts/setup clients installs jsforce")
    named = {"clientId": app["client_id"], "clientSecret": app["client_secret"]} if app else {}
    asked = {
        "way": way,
        "base": f"http://localhost:{world.port}",
        "app": named | {"redirectUri": CALLBACK},
    } | more
    process = await asyncio.create_subprocess_exec(
        "node", "sign_in.cjs", json.dumps(asked), cwd=CLIENTS, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    try:
        yield JsForce(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def expected(world: World, username: str = ADMIN) -> dict[str, Any]:
    return {"username": username, "organization": world.org_id, "users": 2}


async def test_jsforce_signs_in_and_out_by_soap(world: World) -> None:
    for password, version in ((PASSWORD, "50.0"), (PASSWORD + TOKEN, "66.0")):
        async with jsforce(world, "soap", username=ADMIN, password=password, version=version) as client:
            assert await client.heard() == expected(world)
            assert (await client.heard())["error"] == "INVALID_SESSION_ID"
    async with jsforce(world, "soap", username=ADMIN, password="wrong", version="50.0") as client:
        assert (await client.heard())["message"].startswith("INVALID_LOGIN: Invalid username, password")


@pytest.mark.parametrize("verifier", [True, False])
async def test_jsforce_signs_in_by_the_web_and_refreshes_when_its_token_has_expired(
    world: World, new_app: AppMaker, verifier: bool
) -> None:
    app = await new_app(scopes=["api", "refresh_token", "id"], pkce_required=verifier)
    browser = Browser(world.port)
    await browser.sign_in(AGENT, PASSWORD)
    async with jsforce(world, "web", app, verifier=verifier) as client:
        query = dict(parse_qsl(urlsplit((await client.heard())["url"]).query))
        query = {"code_challenge": None, "redirect_uri": CALLBACK} | query
        client.tell(code_in(await world.authorize(browser, **query)))
        assert await client.heard() == expected(world, AGENT)
        conn = await world.database()
        await conn.execute(
            "UPDATE auth.access_token t SET expires_at = now() FROM auth.grant g"
            " WHERE g.id = t.grant_id AND g.client_id = $1",
            app["client_id"],
        )
        client.tell("expired")
        assert await client.heard() == expected(world, AGENT)
        assert await client.heard() == {"refreshed": 1}
        assert (await client.heard())["error"] == "invalid_grant"
        assert not await conn.fetchval(
            "SELECT count(*) FROM auth.grant WHERE client_id = $1", app["client_id"]
        )
        await conn.close()
    await browser.close()


async def test_jsforce_signs_in_with_an_assertion_as_the_app_and_with_a_password(
    world: World, new_app: AppMaker
) -> None:
    app = await new_app(
        certificate=self_signed(KEY), permitted="approved", profiles=["Standard User"], run_as=ADMIN
    )
    claims = {"iss": app["client_id"], "sub": AGENT, "aud": f"http://localhost:{world.port}/"}
    assertion = jwt.encode(claims | {"exp": int(time.time()) + 180}, KEY, algorithm="RS256")
    async with jsforce(
        world, "grant", app, grant={"grant_type": JWT_BEARER, "assertion": assertion}
    ) as client:
        assert await client.heard() == expected(world, AGENT)
    async with jsforce(world, "grant", app, grant={"grant_type": "client_credentials"}) as client:
        assert await client.heard() == expected(world)
    async with jsforce(world, "password", app, username=AGENT, password=PASSWORD) as client:
        assert await client.heard() == {"error": "invalid_grant", "message": "authentication failure"}
    async with (
        passwords_allowed(world),
        jsforce(world, "password", app, username=AGENT, password=PASSWORD) as client,
    ):
        assert await client.heard() == expected(world, AGENT)


# -- simple-salesforce ---------------------------------------------------------------------------------------

LOGIN, MY = "login.salesforce.com", "acme.my.salesforce.com"


@pytest.fixture
async def session(world: World, tmp_path: Path) -> AsyncIterator[requests.Session]:
    """A session whose proxy leads Salesforce's own host names to the org: the client cannot be told others."""
    pem, key = server_files(tmp_path, LOGIN, MY)
    port, proxy_port = free_ports(), free_ports()
    settings = dataclasses.replace(
        world.settings, base_origin=f"https://{LOGIN}", my_pattern="https://{org}.my.salesforce.com"
    )

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while chunk := await reader.read(65536):
                writer.write(chunk)
                await writer.drain()
        writer.close()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)[1].decode()
        assert asked in (f"{LOGIN}:443", f"{MY}:443")
        org_reader, org_writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(pump(reader, org_writer), pump(org_reader, writer))

    proxy = await asyncio.start_server(connect, "127.0.0.1", proxy_port)
    async with served(settings, port, ssl_certfile=pem, ssl_keyfile=key):
        session = requests.Session()
        session.trust_env = False
        session.verify = str(pem)
        session.proxies = {"https": f"http://127.0.0.1:{proxy_port}"}
        yield session
        session.close()
        proxy.close()


async def signed_in(session: requests.Session, **how: Any) -> tuple[str, str]:
    """Who signed in, and at which host the client works from then on."""

    def work() -> tuple[str, str]:
        client: Any = Salesforce(session=session, **how)
        info = client.restful("", params=None)
        assert client.query("SELECT Id FROM User")["totalSize"] == 2
        user_id = info["identity"].rsplit("/", 1)[1]
        return client.User.get(user_id)["Username"], client.sf_instance

    return await asyncio.to_thread(work)


async def test_simple_salesforce_signs_in_by_soap(world: World, session: requests.Session) -> None:
    for how in ({"security_token": TOKEN}, {"security_token": ""}, {"organizationId": world.org_id}):
        assert await signed_in(session, username=ADMIN, password=PASSWORD, **how) == (ADMIN, LOGIN)
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        await signed_in(session, username=ADMIN, password="wrong", security_token=TOKEN)


async def test_simple_salesforce_signs_in_with_an_assertion(
    world: World, session: requests.Session, new_app: AppMaker
) -> None:
    app = await new_app(certificate=self_signed(KEY), permitted="approved", profiles=["Standard User"])
    how = {"consumer_key": app["client_id"], "privatekey": private_pem(KEY)}
    assert await signed_in(session, username=AGENT, **how) == (AGENT, LOGIN)
    with pytest.raises(SalesforceAuthenticationFailed, match="hasn't approved this consumer"):
        await signed_in(session, username=ADMIN, **how)


async def test_simple_salesforce_signs_in_as_the_app_and_with_a_password(
    world: World, session: requests.Session, new_app: AppMaker
) -> None:
    app = await new_app(run_as=AGENT)
    how = {"consumer_key": app["client_id"], "consumer_secret": app["client_secret"]}
    assert await signed_in(session, domain="acme.my", **how) == (AGENT, MY)
    async with passwords_allowed(world):
        found = await signed_in(session, username=ADMIN, password=PASSWORD, **how)
        assert found == (ADMIN, LOGIN)
