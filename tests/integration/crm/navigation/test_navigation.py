"""Apps, and what users choose."""

from __future__ import annotations

from tests.integration.crm.browser import Browser
from tests.integration.crm.conftest import AGENT, PASSWORD, World


async def test_an_org_comes_with_a_console_app_and_a_standard_app(console: Browser) -> None:
    first = (await console.api("GET", "bootstrap")).json()
    apps = {app["name"]: app for app in first["apps"]}
    assert apps["LightningService"]["nav_type"] == "Console"
    assert apps["LightningSales"]["nav_type"] == "Standard"
    assert apps["LightningSales"]["items"][:2] == ["home", "Lead"]
    assert all(app["id"].startswith("06m") for app in first["apps"])
    assert {item["type"] for item in first["utility_items"]} == {"history", "notes"}


async def test_the_app_a_user_switches_to_is_remembered(world: World) -> None:
    browser = Browser(world.port)
    first = await browser.open_console(AGENT, PASSWORD)
    assert first["app"] == "LightningService"
    assert next(app["label"] for app in first["apps"] if app["name"] == first["app"]) == "サービスコンソール"
    assert (await browser.api("PUT", "choices/app", json={"value": "LightningSales"})).status_code == 200
    assert (await browser.api("GET", "bootstrap")).json()["app"] == "LightningSales"
    unknown = await browser.api("PUT", "choices/app", json={"value": "Nope"})
    assert unknown.status_code == 400
    assert (await browser.api("PUT", "choices/app", json={"value": None})).status_code == 200
    assert (await browser.api("GET", "bootstrap")).json()["app"] == "LightningService"
    await browser.close()


async def test_notes_are_kept_within_bounds(console: Browser) -> None:
    assert (await console.api("GET", "choices/notes")).json() == {"value": None}
    note = "お客様に折り返す\n" * 3
    assert (await console.api("PUT", "choices/notes", json={"value": note})).status_code == 200
    assert (await console.api("GET", "choices/notes")).json() == {"value": note}
    assert (await console.api("PUT", "choices/notes", json={"value": "x" * 64_001})).status_code == 400
    assert (await console.api("PUT", "choices/password", json={"value": "x"})).status_code == 404
    assert (await console.api("GET", "choices/widths.Contact")).json() == {"value": None}
