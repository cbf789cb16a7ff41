"""Parts of Set-up that the article only touches: permission sets, presence, packages from their URL to their end."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.journeys.desk import ADMIN, PASSWORD
from tests.journeys.looks import look
from tests.journeys.org import NS, shelve
from tests.journeys.test_setup import Administrator, administrator

__all__ = ["administrator"]
pytestmark = pytest.mark.timeout(300)
LOGIN = Path(__file__).resolve().parents[2] / "web" / "src" / "console" / "locales" / "login.en.json"


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


@pytest.mark.parametrize("administrator", ["en"], indirect=True)
async def test_a_package_is_installed_by_its_url_and_uninstalled(administrator: Administrator) -> None:
    pages, say = administrator.pages, administrator.pages.say
    page, wrong = pages.page, list[str]()
    words = json.loads(LOGIN.read_text("utf-8"))
    name = f"Sample {secrets.token_hex(3)}"
    thing = f"Thing{secrets.token_hex(2)}__c"
    content = (
        f'<?xml version="1.0"?><CustomObject {NS}><label>Thing</label><nameField><label>Name</label><type>Text</type>'
        "</nameField><pluralLabel>Things</pluralLabel><sharingModel>ReadWrite</sharingModel></CustomObject>"
    )
    version = await shelve(pages.demo, name, {f"objects/{thing}.object": content}, CustomObject=thing)
    await page.goto(version["install_url"])
    if "/login" in page.url:
        await page.fill("input[name=username]", ADMIN.email)
        await page.fill("input[name=password]", PASSWORD)
        await page.click("button[type=submit]")
    await page.get_by_role("heading", name=words["package_install_title"].format(name=name)).wait_for()
    wrong += await look(page, "package-install", pages.language)
    await page.get_by_label(words["package_audience_administrators"]).check()
    await page.get_by_role("button", name=words["package_install"], exact=True).click()
    await page.get_by_role("heading", name=words["package_done_title"]).wait_for(timeout=30_000)
    wrong += await look(page, "package-done", pages.language)
    await page.get_by_role("link", name=words["package_done"], exact=True).click()

    await pages.heading(say("tree.page.ImportedPackage"))
    await page.get_by_role("link", name=name, exact=True).click()
    await pages.heading(name)
    wrong += await look(page, "setup-package", pages.language)
    await administrator.call("POST", f"data/v66.0/sobjects/{thing}", {"Name": "one"})
    await page.reload()
    await pages.press("packages.uninstall")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(f"{thing}: 1")
    leave = dialog.get_by_role("button", name=say("packages.uninstall"), exact=True)
    await expect(leave).to_be_disabled()
    wrong += await look(page, "setup-package-uninstall", pages.language)
    await dialog.get_by_label(say("packages.uninstall.sure")).check()
    await leave.click()
    await pages.heading(say("tree.page.ImportedPackage"))
    await expect(pages.row(name)).to_have_count(0)
    await pages.walk("settings", "security", "SecurityEvents")
    await expect(pages.row(say("audit.uninstalledPackage", name=name, value="1.0"))).to_be_visible()
    assert wrong == []
