"""Parts of Set-up that the article only touches: permission sets and presence."""

from __future__ import annotations

import secrets

import pytest
from playwright.async_api import expect
from tests.journeys.looks import look
from tests.journeys.test_setup import Administrator, administrator

__all__ = ["administrator"]
pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("administrator", ["ja"], indirect=True)
async def test_a_permission_set_is_made_and_filled(administrator: Administrator) -> None:
    pages, say = administrator.pages, administrator.pages.say
    page, wrong = pages.page, list[str]()
    label, lead = f"電話担当 {secrets.token_hex(2)}", "リード"
    await pages.walk("administration", "users", "PermSets")
    await pages.heading(say("sets.title"))
    await pages.press("setup.new")
    await pages.field(say("sets.label")).fill(label)
    administrator.computer.expected = "400 (Bad Request)"
    await pages.field(say("sets.name")).fill("2 wrong")
    await pages.save()
    await expect(page.get_by_role("alert")).to_contain_text("API")
    await pages.field(say("sets.name")).fill(f"Made{secrets.token_hex(3)}")
    await pages.save()
    await pages.heading(label)

    await page.get_by_role("link", name=lead, exact=True).click()
    await pages.heading(f"{label}: {lead}")
    await pages.button(say("setup.edit.of", name=say("sets.objectPermissions"))).click()
    # What a right needs comes with it.
    await page.get_by_role("checkbox", name=say("right.Delete"), exact=True).check()
    await expect(page.get_by_role("checkbox", name=say("right.Read"), exact=True)).to_be_checked()
    wrong += await look(page, "setup-object-permissions", pages.language)
    await pages.save()
    await pages.told(say("setup.saved"))
    await pages.button(say("setup.edit.of", name=say("sets.fieldPermissions"))).click()
    await page.get_by_role("checkbox", name=f"役職: {say('sets.editAccess')}", exact=True).check()
    await pages.save()
    await pages.told(say("setup.saved"))
    await page.get_by_role("link", name=label, exact=True).first.click()
    await pages.heading(label)
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=lead, exact=True))
    rights = ", ".join(say(f"right.{right}") for right in ("Read", "Edit", "Delete"))
    await expect(row).to_contain_text(rights)
    await page.set_viewport_size({"width": 400, "height": 800})
    wrong += await look(page, "setup-permission-set-narrow", pages.language)
    await page.set_viewport_size({"width": 1280, "height": 800})

    await pages.press("setup.delete")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name=say("setup.delete"), exact=True).click()
    await pages.heading(say("sets.title"))
    await expect(pages.row(label)).to_have_count(0)
    assert wrong == []


@pytest.mark.parametrize("administrator", ["en"], indirect=True)
async def test_presence_is_chosen_in_the_omni_channel_utility(administrator: Administrator) -> None:
    pages, call, page = administrator.pages, administrator.call, administrator.pages.page
    console = pages.console
    before = await call("GET", "setup/omni/settings")
    await call("PUT", "setup/omni/settings", {"enabled": True})
    choices = await call("GET", "setup/omni/statuses")
    own = next(
        each["id"] for each in choices["sets"] if each["profile"] and "System Administrator" in each["label"]
    )
    label = f"Back office {secrets.token_hex(2)}"
    status = {"label": label, "name": f"N{secrets.token_hex(5)}", "channels": [], "open_to": [own]}
    await call("POST", "setup/omni/statuses", status)
    used = (await call("GET", "bootstrap"))["app"]
    app = next(each for each in (await call("GET", "setup/lightning-apps"))["apps"] if each["name"] == used)
    others = [item for item in app["utility_items"] if item["type"] != "omni"]
    path = f"setup/lightning-apps/{used}"
    changed = await call("PATCH", path, {"utility_items": [{"type": "omni"}, *others]})
    assert "name" in changed, changed
    await page.goto(f"{pages.demo.console}/lightning/page/home")
    await page.get_by_role("button", name="Omni-Channel", exact=True).click()
    offline = console("omni.offline")
    await page.get_by_role("button", name=console("omni.change", label=offline)).click()
    wrong = await look(page, "omni-menu", pages.language)
    await page.get_by_role("menuitem", name=label).click()
    # It stands in the org, and comes back with the page.
    await page.get_by_role("button", name=console("omni.change", label=label)).wait_for()
    assert (await call("GET", "presence"))["current"]["label"] == label
    await page.reload()
    await page.get_by_role("button", name="Omni-Channel", exact=True).click()
    await page.get_by_role("button", name=console("omni.change", label=label)).click()
    await page.get_by_role("menuitem", name=offline).click()
    await page.get_by_role("button", name=console("omni.change", label=offline)).wait_for()
    assert (await call("GET", "presence"))["current"] is None
    await call("PATCH", path, {"utility_items": app["utility_items"]})
    await call("PUT", "setup/omni/settings", {"enabled": before["enabled"]})
    assert wrong == []
