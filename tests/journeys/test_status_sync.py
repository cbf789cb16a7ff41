"""Omni-Channel and the contact center follow each other, as an administrator has set it on the package's page."""

from __future__ import annotations

import secrets
import time

import pytest
from playwright.async_api import expect
from tests.journeys.conftest import Street
from tests.journeys.desk import Desk
from tests.journeys.looks import look
from tests.journeys.test_setup import Administrator, administrator

__all__ = ["administrator"]
pytestmark = pytest.mark.timeout(400)
SHOWN_MS = 1_000
"""The other side has followed by then."""


@pytest.mark.parametrize("administrator", ["ja"], indirect=True)
async def test_statuses_follow_each_other(administrator: Administrator, emma: Desk, street: Street) -> None:
    call, page, console = administrator.call, administrator.pages.page, emma.console_says
    wrong: list[str] = []
    mark = secrets.token_hex(2)
    names = {name: f"{name} {mark}" for name in ("Available", "Away", "On a call")}
    before = await call("GET", "setup/omni/settings")
    await call("PUT", "setup/omni/settings", {"enabled": False})
    await page.goto(f"{administrator.pages.demo.console}/lightning/n/Tieline_Settings")
    await page.get_by_role("tab", name="オムニチャネルの同期").click()
    await page.get_by_text("この組織ではオムニチャネルが無効です").wait_for()
    wrong += await look(page, "settings-sync-off", "ja")
    await page.get_by_role("button", name="オムニチャネルの設定を開く").click()
    await page.wait_for_url("**/lightning/setup/OmniChannelSettings/home")

    await call("PUT", "setup/omni/settings", {"enabled": True})
    choices = await call("GET", "setup/omni/statuses")
    everybody = [each["id"] for each in choices["sets"] if each["profile"]]
    for label in names.values():
        name = f"N{secrets.token_hex(5)}"
        await call(
            "POST",
            "setup/omni/statuses",
            {"label": label, "name": name, "channels": [], "open_to": everybody},
        )
    app = next(
        each
        for each in (await call("GET", "setup/lightning-apps"))["apps"]
        if each["name"] == "LightningService"
    )
    path = f"setup/lightning-apps/{app['name']}"
    await call("PATCH", path, {"utility_items": [*app["utility_items"], {"type": "omni"}]})

    await page.goto(f"{administrator.pages.demo.console}/lightning/n/Tieline_Settings")
    await page.get_by_role("tab", name="オムニチャネルの同期").click()
    for center, label in (
        ("ready", names["Available"]),
        ("not_ready", names["Away"]),
        ("occupied", names["On a call"]),
        ("wrap_up", names["On a call"]),
        ("offline", "オフライン"),
    ):
        await page.locator(f"select[data-center={center}]").select_option(label=label)
    for way in ("toSalesforce", "toContactCenter"):
        await page.locator(f"lightning-input[data-way={way}] label").first.click()
    await page.locator("#tieline-try-center").select_option("occupied")
    await expect(page.get_by_text(f"Salesforce: {names['On a call']}", exact=True)).to_be_visible()
    await page.locator("#tieline-try-salesforce").select_option(label=names["Away"])
    await expect(page.get_by_text("コンタクトセンター: 受付不可 (その他の理由)", exact=True)).to_be_visible()
    wrong += await look(page, "settings-sync", "ja")
    await page.get_by_role("button", name="保存", exact=True).click()
    await page.get_by_text("ステータスの同期を保存しました").wait_for()
    await page.get_by_role("tab", name="関連オブジェクト").click()
    wrong += await look(page, "settings-related-objects", "ja")

    # The next console is given what the contact center says.
    await emma.go()
    line = emma.callbar.locator(".cb-omni")

    async def follows(name: str, by: str) -> None:
        asked = time.monotonic()
        text = emma.say(f"omni.by_{by}", name=name)
        await expect(line).to_have_text(text, timeout=10_000)
        print(f"\n{text}: {time.monotonic() - asked:.2f} s")

    await emma.become("ready")
    await follows(names["Available"], "center")
    # A call is followed, and its end; both within a second.
    async with emma.demo.queue_set(ring_ms=120_000):
        await street.call("(415) 555-0123")
        await emma.card("incoming").wait_for(timeout=60_000)
        await emma.answer()
    await expect(line).to_have_text(emma.say("omni.by_center", name=names["On a call"]), timeout=SHOWN_MS)
    wrong += await look(emma.page, "callbar-omni", "en")
    await emma.finish()
    await emma.sees("ready")
    await expect(line).to_have_text(emma.say("omni.by_center", name=names["Available"]), timeout=SHOWN_MS)

    # The other way: a person's choice in Omni-Channel.
    await emma.page.get_by_role("button", name="Omni-Channel", exact=True).click()
    await emma.page.get_by_role("button", name=console("omni.change", label=names["Available"])).click()
    await emma.page.get_by_role("menuitem", name=names["Away"]).click()
    await emma.page.get_by_role("button", name=console("omni.change", label=names["Away"])).wait_for()
    await emma.open_phone()
    await emma.sees("not_ready")
    await follows(names["Away"], "person")
    # Nothing goes round: it stays so.
    changes = "SELECT count(Id) total FROM UserServicePresence"
    count = (await call("GET", f"data/v66.0/query?q={changes.replace(' ', '+')}"))["records"][0]["total"]
    await emma.become("offline")
    await follows(emma.say("omni.offline"), "center")
    # Offline only ends the presence: there is no further row.
    after = (await call("GET", f"data/v66.0/query?q={changes.replace(' ', '+')}"))["records"][0]["total"]
    assert after == count

    await page.get_by_role("tab", name="オムニチャネルの同期").click()
    for way in ("toSalesforce", "toContactCenter"):
        await page.locator(f"lightning-input[data-way={way}] label").first.click()
    await page.get_by_role("button", name="保存", exact=True).click()
    await expect(line).to_have_count(0, timeout=10_000)
    await call("PATCH", path, {"utility_items": app["utility_items"]})
    await call("PUT", "setup/omni/settings", {"enabled": before["enabled"]})
    assert wrong == []
