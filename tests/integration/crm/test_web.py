"""Who comes over TLS stays there: sign-in, consent, the console and what programs are told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.ports import free_ports

from .browser import Browser
from .certificates import server_files
from .conftest import ADMIN, CALLBACK, PASSWORD, World, code_in, served


@pytest.fixture
async def secure(world: World, tmp_path: Path) -> AsyncIterator[Browser]:
    """A browser that trusts the certificate of a TLS port of the same org."""
    pem, key = server_files(tmp_path)
    port = free_ports()
    settings = replace(world.settings, tls_port=port)
    async with served(settings, port, ssl_certfile=pem, ssl_keyfile=key):
        browser = Browser(port, certificate=pem)
        yield browser
        await browser.close()


async def test_who_comes_over_tls_stays_there(world: World, secure: Browser) -> None:
    await secure.open_console(ADMIN, PASSWORD)
    assert set(secure.cookies) == {urlsplit(url).netloc for url in (secure.my, secure.lightning)}
    for path in ("/", "/lightning/page/home", "/login", "/setup/faults", "/services/oauth2/authorize?x=1"):
        response = await secure.send("GET", f"{secure.base}{path}")
        assert response.status_code == 302, path
        assert response.headers["location"].startswith((secure.my, secure.lightning)), path
    page = await secure.send("GET", f"{secure.my}/login")
    assert f"form-action 'self' {secure.lightning}" in page.headers["content-security-policy"]
    left = await secure.api("POST", "session/sign-out")
    assert left.json()["location"] == f"{secure.my}/login"


async def test_cookies_over_tls_are_secure_and_have_names_of_their_own(world: World, secure: Browser) -> None:
    response = await secure.sign_in(ADMIN, PASSWORD)
    line = next(text for text in response.headers.get_list("set-cookie") if "max-age=0" not in text.lower())
    assert line.startswith("__Host-crm_sid=")
    assert "; secure" in line.lower()
    assert "domain=" not in line.lower()
    plain = Browser(world.port)
    response = await plain.sign_in(ADMIN, PASSWORD)
    assert any(text.startswith("crm_sid=") for text in response.headers.get_list("set-cookie"))
    # A session is the same at both, but a browser that has one over TLS never sends it in clear.
    plain.cookies[urlsplit(plain.my).netloc] = secure.cookies[urlsplit(secure.my).netloc]
    stranger = await plain.send("GET", f"{plain.my}/setup/faults")
    assert stranger.headers["location"].startswith("/login")
    await plain.close()


async def test_programs_over_tls_are_told_of_no_address_in_clear(world: World, secure: Browser) -> None:
    told = (await secure.send("GET", f"{secure.my}/.well-known/openid-configuration")).text
    assert secure.my in told
    assert "http://" not in told
    await secure.sign_in(ADMIN, PASSWORD)
    location = await world.authorize(secure, scope="api id openid")
    assert location.startswith(CALLBACK)
    assert parse_qs(urlsplit(location).query)["state"] == ["xyz"]
    secure.http.headers["Host"] = urlsplit(secure.my).netloc
    answer = (await world.redeem(secure.http, code_in(location))).json()
    assert answer["instance_url"] == secure.my
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    info = (await secure.send("GET", f"{secure.my}/services/oauth2/userinfo", headers=headers)).text
    assert f"{secure.my}/id/" in info
    assert "http://" not in info
