"""OAuth clients as an administrator keeps them in Set-up."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

import pytest

from .browser import Browser, hidden
from .conftest import ADMIN, AGENT, CALLBACK, PASSWORD, AppMaker, World, code_in
from .test_soap import envelope, login_of


async def test_an_app_is_listed_without_its_secret(console: Browser, new_app: AppMaker) -> None:
    made = await new_app(kind="connected", scopes=["Api", "RefreshToken", "OpenID"])
    listing = await console.api("GET", "setup/apps")
    assert made["client_secret"] not in listing.text
    app = next(item for item in listing.json()["apps"] if item["client_id"] == made["client_id"])
    assert app["kind"] == "connected"
    assert app["scopes"] == ["api", "refresh_token", "openid"]
    assert app["has_secret"] is True
    assert (app["users"], app["used_at"]) == (0, None)


async def test_a_new_secret_ends_the_old_one(
    world: World, console: Browser, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app()
    await browser.sign_in(ADMIN, PASSWORD)
    changed = await console.api("PATCH", f"setup/apps/{app['client_id']}", json={"new_secret": True})
    secret = changed.json()["client_secret"]
    assert secret != app["client_secret"]
    code = code_in(await world.authorize(browser, client_id=app["client_id"], scope="api"))
    refused = await world.redeem(console.http, code, **app)
    assert refused.json()["error"] == "invalid_client"
    given = await world.redeem(console.http, code, client_id=app["client_id"], client_secret=secret)
    assert given.status_code == 200
    await console.api("DELETE", f"setup/apps/{app['client_id']}/tokens")
    bearer = {"Authorization": f"Bearer {given.json()['access_token']}"}
    assert (await console.http.get("/services/data/v66.0/limits", headers=bearer)).status_code == 401


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"name": "no spaces"}, "name"),
        ({"label": ""}, "label"),
        ({"label": "x" * 81}, "label"),
        ({"kind": "built_in"}, "kind"),
        ({"callbacks": ["http://evil.example/cb"]}, "callbacks"),
        ({"callbacks": ["https://a.example/#f"]}, "callbacks"),
        ({"callbacks": ["javascript:alert(1)"]}, "callbacks"),
        ({"callbacks": ["https://a.example/ b"]}, "callbacks"),
        ({"callbacks": ["https://[::1"]}, "callbacks"),
        ({"callbacks": [CALLBACK] * 51}, "callbacks"),
        ({"callbacks": []}, "callbacks"),
        ({"scopes": ["everything"]}, "scopes"),
        ({"scopes": "api"}, "scopes"),
        ({"permitted": "some"}, "permitted"),
        ({"pkce_required": "yes"}, "pkce_required"),
        ({"refresh_policy": "lifetime"}, "refresh_seconds"),
        ({"refresh_policy": "lifetime", "refresh_seconds": 0}, "refresh_seconds"),
        ({"session_minutes": 1441}, "session_minutes"),
        ({"certificate": "not a certificate"}, "certificate"),
        ({"run_as": "nobody@acme.example"}, "run_as"),
        ({"profiles": ["Unheard Of"]}, "profiles"),
    ],
)
async def test_bad_settings_are_refused_by_name(console: Browser, wrong: dict[str, Any], field: str) -> None:
    good = {"name": "Bad", "label": "Bad", "callbacks": [CALLBACK], "scopes": ["api"]}
    answer = await console.api("POST", "setup/apps", json=good | wrong)
    assert answer.status_code == 400, answer.text
    assert answer.json()[0]["fields"] == [field]
    listing = await console.api("GET", "setup/apps")
    assert "Bad" not in [app["name"] for app in listing.json()["apps"]]


async def test_the_built_in_app_stays_as_it_is(console: Browser) -> None:
    listing = (await console.api("GET", "setup/apps")).json()["apps"]
    app = next(item for item in listing if item["client_id"] == "PlatformCLI")
    assert app["callbacks"] == ["http://localhost:1717/OauthRedirect"]
    assert (app["kind"], app["has_secret"]) == ("built_in", False)
    changed = await console.api(
        "PATCH", "setup/apps/PlatformCLI", json={"callbacks": ["https://evil.example/"]}
    )
    assert changed.status_code == 400
    assert (await console.api("DELETE", "setup/apps/PlatformCLI")).status_code == 400
    twice = await console.api(
        "POST",
        "setup/apps",
        json={"name": "platformcli", "label": "x", "callbacks": [CALLBACK], "scopes": ["api"]},
    )
    assert twice.json()[0]["errorCode"] == "DUPLICATE_VALUE"


async def test_the_command_line_app_signs_in_without_a_secret_and_with_a_long_verifier(
    world: World, browser: Browser
) -> None:
    verifier = secrets.token_urlsafe(128)
    assert len(verifier) == 171
    digest = hashlib.sha256(verifier.encode()).digest()
    redirect_uri = "http://localhost:1717/OauthRedirect"
    await browser.sign_in(ADMIN, PASSWORD)
    query = (
        f"response_type=code&client_id=PlatformCLI&redirect_uri={redirect_uri}&state=s&scope=refresh_token api web"
        f"&code_challenge={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"
    )
    _, page = await browser.follow("GET", f"{browser.my}/services/oauth2/authorize?{query}")
    assert "Salesforce CLI" in page.text
    answer = await browser.send(
        "POST",
        f"{browser.my}/services/oauth2/authorize",
        data=hidden(page.text) | {"decision": "allow"},
        headers={"Origin": browser.my},
    )
    location = answer.headers["location"]
    assert location.startswith(redirect_uri + "?code=")
    given = await world.redeem(
        browser.http,
        code_in(location),
        client_id="PlatformCLI",
        client_secret="",
        redirect_uri=redirect_uri,
        code_verifier=verifier,
    )
    assert given.status_code == 200, given.text
    assert given.json()["scope"] == "refresh_token api web"
    form = {"grant_type": "refresh_token", "refresh_token": given.json()["refresh_token"]}
    again = await browser.http.post("/services/oauth2/token", data=form | {"client_id": "PlatformCLI"})
    assert again.status_code == 200


async def test_the_login_history_tells_who_signed_in_how_and_who_failed(
    world: World, console: Browser, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(run_as=AGENT)
    form = {"grant_type": "client_credentials"} | app
    await browser.sign_in(AGENT, "wrong")
    await browser.sign_in(AGENT, PASSWORD)
    await browser.http.post("/services/Soap/u/66.0", content=envelope(login_of(AGENT, PASSWORD)))
    await browser.http.post("/services/oauth2/token", data=form)
    await browser.sign_in("stranger@acme.example", PASSWORD)
    found = (await console.api("GET", f"setup/login-history?username={AGENT}")).json()["logins"]
    label = (await console.api("GET", "setup/apps")).json()["apps"]
    name = next(item["label"] for item in label if item["client_id"] == app["client_id"])
    assert [(row["kind"], row["status"], row["app"]) for row in found[:4]] == [
        ("Remote Access 2.0", "Success", name),
        ("Other Apex API", "Success", None),
        ("Application", "Success", None),
        ("Application", "Invalid Password", None),
    ]
    assert found[0]["address"] == "127.0.0.1"
    everybody = await console.api("GET", "setup/login-history")
    assert "stranger" not in everybody.text


async def test_only_administrators_may(world: World, new_app: AppMaker) -> None:
    app = await new_app()
    browser = Browser(world.port)
    await browser.open_console(AGENT, PASSWORD)
    for method, path in (
        ("GET", "setup/apps"),
        ("POST", "setup/apps"),
        ("PATCH", f"setup/apps/{app['client_id']}"),
        ("DELETE", f"setup/apps/{app['client_id']}"),
        ("DELETE", f"setup/apps/{app['client_id']}/tokens"),
        ("PUT", "setup/oauth-settings"),
        ("GET", "setup/login-history"),
    ):
        more = {} if method in ("GET", "DELETE") else {"json": {}}
        assert (await browser.api(method, path, **more)).status_code == 403, path
    await browser.close()
