"""The device flow, from the device's side and from that of the person with a browser."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from tests.plain_http import plain_http

from .browser import Browser, hidden
from .conftest import ADMIN, AGENT, PASSWORD, AppMaker, World

DATA = "/services/data/v66.0"
TOKEN = "/services/oauth2/token"


async def begun(
    world: World, http: httpx2.AsyncClient, app: dict[str, str], scope: str = ""
) -> dict[str, Any]:
    form = {"response_type": "device_code", "client_id": app["client_id"], "scope": scope}
    answer = await http.post(TOKEN, data=form)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def asked(world: World, http: httpx2.AsyncClient, app: dict[str, str], code: str) -> httpx2.Response:
    """The device asks, as if its interval had passed."""
    conn = await world.database()
    await conn.execute("UPDATE auth.device SET asked_at = asked_at - interval '5 seconds'")
    await conn.close()
    return await http.post(TOKEN, data={"grant_type": "device", "client_id": app["client_id"], "code": code})


async def entered(browser: Browser, user_code: str, decision: str | None = None) -> httpx2.Response:
    """A person opens the page, enters the code and, if so told, decides."""
    where = f"{browser.my}/setup/connect"
    page = await browser.send("GET", where)
    form = hidden(page.text) | {"user_code": user_code}
    page = await browser.send("POST", where, data=form, headers={"Origin": browser.my})
    if decision is None or page.status_code != 200:
        return page
    form = hidden(page.text) | {"decision": decision}
    return await browser.send("POST", where, data=form, headers={"Origin": browser.my})


async def test_a_device_gets_tokens_after_its_code_was_entered(
    world: World, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(device_flow=True, callbacks=[])
    async with plain_http(base_url=world.base) as http:
        told = await begun(world, http, app, "api refresh_token")
        assert set(told) == {"device_code", "user_code", "verification_uri", "interval"}
        assert told["verification_uri"] == f"{browser.my}/setup/connect"
        early = await asked(world, http, app, told["device_code"])
        assert (early.status_code, early.json()["error"]) == (400, "authorization_pending")

        url = f"{told['verification_uri']}?user_code={told['user_code']}"
        landed, _ = await browser.follow("GET", url)
        assert urlsplit(landed).path == "/login"
        start = parse_qs(urlsplit(landed).query)["startURL"][0]
        await browser.sign_in(AGENT, PASSWORD, start=start)
        page = await browser.send("GET", f"{browser.my}{start}")
        assert f'value="{told["user_code"]}"' in page.text
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        spelt = f"{told['user_code'][:4].lower()}-{told['user_code'][4:]} "
        consent = await entered(browser, spelt)
        assert "データへのアクセスと管理" in consent.text
        assert told["user_code"] in consent.text
        done = await entered(browser, spelt, "allow")
        assert "デバイスを接続しました" in done.text

        answer = (await asked(world, http, app, told["device_code"])).json()
        assert set(answer) == {
            "access_token", "refresh_token", "instance_url", "id", "issued_at", "signature", "token_type", "scope",
        }  # fmt: skip
        bearer = {"Authorization": f"Bearer {answer['access_token']}"}
        info = (await http.get("/services/oauth2/userinfo", headers=bearer)).json()
        assert info["preferred_username"] == AGENT
        again = await asked(world, http, app, told["device_code"])
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        gone = await entered(browser, told["user_code"])
        assert gone.status_code == 400


async def test_a_device_that_is_denied_is_told_once(
    world: World, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(device_flow=True)
    await browser.sign_in(ADMIN, PASSWORD)
    async with plain_http(base_url=world.base) as http:
        told = await begun(world, http, app)
        done = await entered(browser, told["user_code"], "deny")
        assert "Your device is not connected" in done.text
        answer = await asked(world, http, app, told["device_code"])
        assert answer.json() == {
            "error": "access_denied",
            "error_description": "end-user denied authorization",
        }
        assert (await asked(world, http, app, told["device_code"])).json()["error"] == "invalid_grant"


async def test_who_asks_too_often_is_told_to_slow_down(world: World, new_app: AppMaker) -> None:
    app = await new_app(device_flow=True)
    async with plain_http(base_url=world.base) as http:
        told = await begun(world, http, app)
        form = {"grant_type": "device", "client_id": app["client_id"], "code": told["device_code"]}
        assert (await http.post(TOKEN, data=form)).json()["error"] == "authorization_pending"
        assert (await http.post(TOKEN, data=form)).json()["error"] == "slow_down"
        later = await asked(world, http, app, told["device_code"])
        assert later.json()["error"] == "authorization_pending"


async def test_codes_end_after_ten_minutes(world: World, browser: Browser, new_app: AppMaker) -> None:
    app = await new_app(device_flow=True)
    await browser.sign_in(ADMIN, PASSWORD)
    async with plain_http(base_url=world.base) as http:
        told = await begun(world, http, app)
        conn = await world.database()
        await conn.execute("UPDATE auth.device SET expires_at = expires_at - interval '10 minutes'")
        await conn.close()
        assert (await entered(browser, told["user_code"])).status_code == 400
        late = await asked(world, http, app, told["device_code"])
        assert (late.json()["error"], late.status_code) == ("invalid_grant", 400)


async def test_of_two_questions_at_once_one_gets_the_tokens(
    world: World, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(device_flow=True)
    await browser.sign_in(ADMIN, PASSWORD)
    async with plain_http(base_url=world.base) as http:
        told = await begun(world, http, app)
        await entered(browser, told["user_code"], "allow")
        answers = await asyncio.gather(*(asked(world, http, app, told["device_code"]) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400, 400]


async def test_a_device_code_is_good_for_its_app_only(
    world: World, browser: Browser, new_app: AppMaker
) -> None:
    app, other = await new_app(device_flow=True), await new_app(device_flow=True)
    await browser.sign_in(ADMIN, PASSWORD)
    async with plain_http(base_url=world.base) as http:
        told = await begun(world, http, app)
        await entered(browser, told["user_code"], "allow")
        assert (await asked(world, http, other, told["device_code"])).json()["error"] == "invalid_grant"
        code = {"grant_type": "authorization_code", "code": told["device_code"]}
        stolen = await http.post(TOKEN, data=code | app)
        assert stolen.json()["error"] == "invalid_grant"
        assert (await asked(world, http, app, told["device_code"])).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"response_type": "device_code"}, "unauthorized_client"),
        ({"response_type": "device_code", "client_id": "nobody"}, "invalid_client_id"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"grant_type": "device", "code": "x"}, "invalid_grant"),
        ({"grant_type": "device", "client_secret": "guess"}, "invalid_client"),
    ],
)
async def test_wrong_questions_are_refused(
    world: World, new_app: AppMaker, form: dict[str, str], error: str
) -> None:
    app = await new_app()
    async with plain_http(base_url=world.base) as http:
        answer = await http.post(TOKEN, data={"client_id": app["client_id"]} | form)
        assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_scope_the_app_does_not_have_is_refused_to_a_device(world: World, new_app: AppMaker) -> None:
    app = await new_app(device_flow=True)
    async with plain_http(base_url=world.base) as http:
        form = {"response_type": "device_code", "client_id": app["client_id"], "scope": "api full"}
        assert (await http.post(TOKEN, data=form)).json()["error"] == "invalid_scope"


async def test_the_command_line_s_own_client_sends_its_forms_in_parts(world: World) -> None:
    async with plain_http(base_url=world.base) as http:
        parts = {"client_id": "PlatformCLI", "response_type": "device_code", "scope": "refresh_token web api"}
        answer = await http.post(TOKEN, files={name: (None, text) for name, text in parts.items()})
        assert len(answer.json()["user_code"]) == 8
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        broken = await http.post(TOKEN, content=b"--x\r\nnonsense", headers=kind)
        assert broken.json()["error"] == "invalid_request"


async def test_guessing_codes_is_slowed_down(world: World, browser: Browser) -> None:
    await browser.sign_in(ADMIN, PASSWORD)
    for _ in range(10):
        assert (await entered(browser, "BCDFGHJK")).status_code == 400
    late = await entered(browser, "BCDFGHJK")
    assert late.status_code == 429
    assert "Wait" in late.text
    conn = await world.database()
    await conn.execute("DELETE FROM auth.sign_in_failure")
    await conn.close()


async def test_a_decision_needs_the_session_s_own_form(
    world: World, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(device_flow=True)
    await browser.sign_in(ADMIN, PASSWORD)
    async with plain_http(base_url=world.base) as http:
        told = await begun(world, http, app)
        where = f"{browser.my}/setup/connect"
        form = {"user_code": told["user_code"], "decision": "allow"}
        right = hidden((await browser.send("GET", where)).text)["csrf"]
        for more, origin in (
            ({}, browser.my),
            ({"csrf": "guess"}, browser.my),
            ({"csrf": right}, "https://evil.example"),
        ):
            refused = await browser.send("POST", where, data=form | more, headers={"Origin": origin})
            assert refused.status_code == 403
        pending = await asked(world, http, app, told["device_code"])
        assert pending.json()["error"] == "authorization_pending"


async def test_only_users_approved_in_advance_connect_devices_of_such_an_app(
    world: World, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(device_flow=True, permitted="approved", profiles=["System Administrator"])
    async with plain_http(base_url=world.base) as http:
        told = await begun(world, http, app)
        await browser.sign_in(AGENT, PASSWORD)
        assert (await entered(browser, told["user_code"], "allow")).status_code == 403
        administrator = Browser(world.port)
        await administrator.sign_in(ADMIN, PASSWORD)
        assert (await entered(administrator, told["user_code"], "allow")).status_code == 200
        await administrator.close()
        assert (await asked(world, http, app, told["device_code"])).status_code == 200


async def test_codes_are_not_stored_readable(world: World, new_app: AppMaker) -> None:
    app = await new_app(device_flow=True)
    async with plain_http(base_url=world.base) as http:
        told = await begun(world, http, app)
    conn = await world.database()
    dump = str(await conn.fetch("SELECT * FROM auth.device"))
    await conn.close()
    assert told["device_code"] not in dump
    assert told["user_code"] not in dump
