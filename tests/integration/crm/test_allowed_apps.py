"""What users see of the apps they allowed something, and how they take it back."""

from __future__ import annotations

from tests.plain_http import plain_http

from .browser import Browser
from .conftest import ADMIN, AGENT, PASSWORD, AppMaker, World, code_in

LIMITS = "/services/data/v66.0/limits"


async def test_a_user_lists_and_takes_back_what_apps_were_allowed(
    world: World, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(label="Reports")
    await browser.open_console(AGENT, PASSWORD)
    async with plain_http(base_url=world.base) as http:
        asked = {"client_id": app["client_id"], "scope": "api refresh_token"}
        given = (await world.redeem(http, code_in(await world.authorize(browser, **asked)), **app)).json()
        asked["scope"] = "openid"
        await world.redeem(http, code_in(await world.authorize(browser, **asked)), **app)
        told = (await browser.api("GET", "allowed-apps")).json()["apps"]
        (mine,) = (item for item in told if item["client_id"] == app["client_id"])
        assert (mine["label"], mine["kind"], mine["lasting"]) == ("Reports", "external", 1)
        assert mine["scopes"] == ["api", "openid", "refresh_token"]
        assert mine["since"] <= mine["used_at"]

        other = Browser(world.port)
        await other.open_console(ADMIN, PASSWORD)
        theirs = (await other.api("GET", "allowed-apps")).json()["apps"]
        assert app["client_id"] not in {item["client_id"] for item in theirs}
        not_theirs = await other.api("DELETE", f"allowed-apps/{app['client_id']}")
        assert not_theirs.status_code == 404
        await other.close()

        bearer = {"Authorization": f"Bearer {given['access_token']}"}
        assert (await http.get(LIMITS, headers=bearer)).status_code == 200
        assert (await browser.api("DELETE", f"allowed-apps/{app['client_id']}")).status_code == 204
        assert (await http.get(LIMITS, headers=bearer)).status_code == 401
        form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"]} | app
        assert (await http.post("/services/oauth2/token", data=form)).json()["error"] == "invalid_grant"
        again = await world.authorize(browser, **asked, immediate="true")
        assert "immediate_unsuccessful" in again
        assert (await browser.api("DELETE", f"allowed-apps/{app['client_id']}")).status_code == 404


async def test_taking_back_needs_a_session_and_its_token(world: World, browser: Browser) -> None:
    assert (await browser.api("GET", "allowed-apps")).status_code == 401
    await browser.open_console(AGENT, PASSWORD)
    browser.csrf = "guess"
    assert (await browser.api("DELETE", "allowed-apps/PlatformCLI")).status_code == 403
