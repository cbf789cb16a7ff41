"""An administrator opens the set-up guide from the product's card, repairs what is red, and goes on later."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect
from tests.journeys.computer import Computer
from tests.journeys.conftest import CALLER_HZ, Demo, pictured
from tests.journeys.desk import ADMIN, sign_in_to_crm, sign_in_to_portal
from tests.journeys.looks import look
from tests.journeys.org import as_administrator
from tests.journeys.words import words

pytestmark = pytest.mark.timeout(240)
DATA = "/services/data/v66.0"
SETTINGS = "/lightning/n/Tieline_Settings"


@asynccontextmanager
async def an_agent_without_a_set(demo: Demo) -> AsyncIterator[None]:
    """Somebody of the call center has lost the agents' permission set, and has it again afterwards."""
    query = (
        "SELECT Id, AssigneeId, PermissionSetId FROM PermissionSetAssignment"
        " WHERE PermissionSet.Name = 'Tieline_Agent' ORDER BY AssigneeId LIMIT 1"
    )
    async with as_administrator(demo) as http:
        (row,) = (await http.get(f"{DATA}/query", params={"q": query})).json()["records"]
        gone = await http.delete(f"{DATA}/sobjects/PermissionSetAssignment/{row['Id']}")
        assert gone.status_code == 204, gone.text
        yield
        body = {name: row[name] for name in ("AssigneeId", "PermissionSetId")}
        given = await http.post(f"{DATA}/sobjects/PermissionSetAssignment", json=body)
        assert given.status_code == 201, given.text


async def speaking(demo: Demo, language: str) -> None:
    """The org's administrator reads this language from now on."""
    async with as_administrator(demo) as http:
        query = {"q": f"SELECT Id FROM User WHERE Username = '{ADMIN.email}'"}
        (user,) = (await http.get(f"{DATA}/query", params=query)).json()["records"]
        changed = await http.patch(f"{DATA}/sobjects/User/{user['Id']}", json={"LanguageLocaleKey": language})
        assert changed.status_code == 204, changed.text


async def opened(page: Page, demo: Demo, name: str) -> Locator:
    """The guide, from the card of the settings page."""
    await page.goto(f"{demo.console}{SETTINGS}")
    await page.get_by_role("button", name=name, exact=True).click()
    guide = page.locator(".tieline-guide")
    await guide.locator("ol").wait_for()
    return guide


async def test_the_guide_is_walked_repaired_left_and_resumed(demo: Demo, tmp_path: Path) -> None:
    wrong: list[str] = []
    say = words("admin", "en")
    async with (
        Computer(tmp_path, microphone_for=demo.console, hz=CALLER_HZ) as computer,
        pictured(computer, "admin"),
    ):
        portal = await computer.open(f"{demo.contact_center}/portal")
        await sign_in_to_portal(portal, ADMIN.email)
        page = await computer.open(demo.crm)
        await sign_in_to_crm(page, ADMIN.email)
        guide = await opened(page, demo, "View set-up guide")

        def badge(step: str) -> Locator:
            return guide.locator(f'[data-badge="{step}"]')

        # What the contact center knows is locked until access is authorized, in a window that closes itself.
        await guide.locator('[data-step="authorize"]').click()
        await expect(badge("authorize")).to_have_text("Not done")
        await expect(badge("connect")).to_have_text("Locked")
        wrong += await look(page, "settings-guide-begun", "en")
        await guide.get_by_role("button", name="Open the tab").click()
        async with page.expect_popup() as told:
            await page.get_by_role("button", name="Authorize", exact=True).click()
        consent = await told.value
        await consent.get_by_role("button", name=say("consent.allow"), exact=True).click()
        await page.get_by_role("button", name="Revoke", exact=True).wait_for()
        await page.get_by_role("tab", name="Products").click()
        await expect(badge("authorize")).to_have_text("Done", timeout=20_000)
        await expect(badge("connect")).to_have_text("Done")
        for step in ("callCenter", "utilityItem", "clientIntegration", "countryCodes"):
            await expect(badge(step)).to_have_text("Done", timeout=20_000)

        # A step that breaks turns red by itself, and green once it is repaired.
        for step in (
            "Connect the org",
            "Import the call center",
            "Add the softphone",
            "Assign permission sets",
        ):
            await guide.get_by_role("button", name="Next", exact=True).click()
            await expect(guide.locator("h3")).to_contain_text(step)
        await expect(badge("permissionSets")).to_have_text("Done")
        async with an_agent_without_a_set(demo):
            await expect(badge("permissionSets")).to_have_text("Not done", timeout=20_000)
            await expect(guide.locator("[data-sentence]")).to_contain_text("without a permission set: 1")
            wrong += await look(page, "settings-guide-broken", "en")
        await expect(badge("permissionSets")).to_have_text("Done", timeout=20_000)
        async with page.expect_popup() as told:
            await guide.get_by_role("link", name="Help").click()
        helping = await told.value
        await expect(helping.get_by_role("heading", name=say("help.package"))).to_be_visible()
        await helping.close()

        # Left here, it goes on here, in the reader's language.
        await guide.get_by_role("button", name="Close guide").click()
        await speaking(demo, "ja")
        try:
            guide = await opened(page, demo, "設定ガイドを表示")
            await expect(guide.locator("h3")).to_have_text("権限セットを割り当てる")
            await expect(badge("permissionSets")).to_have_text("完了")
            wrong += await look(page, "settings-guide", "ja")
        finally:
            await speaking(demo, "en_US")
        await page.goto(f"{demo.console}{SETTINGS}")
        await page.get_by_role("tab", name="Contact-center access").click()
        await page.get_by_role("button", name="Revoke", exact=True).click()
        await page.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()
        await page.get_by_role("button", name="Authorize", exact=True).wait_for()
        assert computer.unexpected() == []
    assert wrong == []
