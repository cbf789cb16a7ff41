"""Set-up as the article walks it, from the definition file to the users, in English and in Japanese."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect
from tests.article import SSO, STANDARD
from tests.journeys.computer import Computer
from tests.journeys.conftest import Demo, pictured
from tests.journeys.desk import ADMIN, PASSWORD
from tests.journeys.looks import look
from tests.journeys.setup_pages import SetupPages
from tests.journeys.words import in_both

from tieline.crm.softphone_layouts import STANDARD_NAME
from tieline.demo.setup import LAYOUT, SOFTPHONE

pytestmark = pytest.mark.timeout(300)

_CALL = """async ([method, path, body]) => {
  const boot = await (await fetch('/console/api/bootstrap')).json();
  const answer = await fetch(path, {
    method, body: typeof body === 'string' ? body : body === null ? undefined : JSON.stringify(body),
    headers: {
      'X-CSRF-Token': boot.csrf_token,
      'Content-Type': typeof body === 'string' ? 'text/xml' : 'application/json',
    },
  });
  const text = await answer.text();
  return text === '' ? null : JSON.parse(text);
}"""


class Administrator:
    """Somebody who sets the org up, and what the tests do beside the pages as that person."""

    def __init__(self, pages: SetupPages, computer: Computer) -> None:
        self.pages = pages
        self.computer = computer

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """A request of the console's own API under the page's session; a text is sent as a definition file."""
        return await self.pages.page.evaluate(_CALL, [method, f"/console/api/{path}", body])

    async def a_user(self, last_name: str, **more: Any) -> str:
        """A new user's id."""
        body = {
            "username": f"{secrets.token_hex(6)}@acme.example",
            "last_name": last_name,
            "password": PASSWORD,
        }
        return (await self.call("POST", "setup/users", body | more))["id"]

    async def a_permission_set(self, label: str) -> None:
        """A permission set that opens leads."""
        name = f"Agents{secrets.token_hex(4)}"
        made = await self.call("POST", "data/v66.0/sobjects/PermissionSet", {"Name": name, "Label": label})
        for object_type, more in (
            ("ObjectPermissions", {"PermissionsRead": True}),
            ("FieldPermissions", {"Field": "Lead.Title", "PermissionsRead": True}),
        ):
            row = {"ParentId": made["id"], "SobjectType": "Lead"}
            await self.call("POST", f"data/v66.0/sobjects/{object_type}", row | more)

    async def tidy(self) -> None:
        """Take away what the article's walk leaves behind: other journeys use this org, too."""
        for center in (await self.call("GET", "setup/call-centers"))["call_centers"]:
            if center["internal_name"] in ("zoomcontactcenter", "zccsso"):
                if center["user_ids"]:
                    users = {"user_ids": center["user_ids"]}
                    await self.call("POST", f"setup/call-centers/{center['id']}/users/remove", users)
                await self.call("DELETE", f"setup/call-centers/{center['id']}")
        app = (await self.call("GET", "setup/lightning-apps"))["apps"][0]
        others = [item for item in app["utility_items"] if item["type"] != "softphone"]
        await self.call(
            "PATCH", f"setup/lightning-apps/{app['name']}", {"utility_items": [SOFTPHONE, *others]}
        )
        layouts = (await self.call("GET", "setup/softphone-layouts"))["layouts"]
        first = next(layout for layout in layouts if layout["name"] == LAYOUT)
        await self.call("PUT", f"setup/softphone-layouts/{first['id']}", first | {"is_default": True})
        for layout in layouts:
            if layout["name"] not in (LAYOUT, STANDARD_NAME):
                await self.call("DELETE", f"setup/softphone-layouts/{layout['id']}")


@pytest.fixture(params=in_both("ja"))
async def administrator(
    demo: Demo, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Administrator]:
    """An administrator who has never seen Set-up's pages, at a computer of their own."""
    language: str = request.param
    folder = tmp_path_factory.mktemp(f"setup-{language}")
    async with Computer(folder, language="ja-JP" if language == "ja" else "en-US") as computer:
        page = await computer.open("about:blank")
        pages = SetupPages(demo, page, "en")
        who = Administrator(pages, computer)
        async with pictured(computer, f"setup-{language}", request.node):
            await pages.open(ADMIN.email, PASSWORD)
            if language == "ja":
                username = f"{secrets.token_hex(6)}@acme.example"
                await who.call(
                    "POST",
                    "setup/users",
                    {"username": username, "last_name": "管理", "first_name": "太郎", "password": PASSWORD,
                     "language": "ja", "profile": "System Administrator"},
                )  # fmt: skip
                await page.goto("about:blank")  # so that nothing asks without the cookies
                await page.context.clear_cookies()
                who.pages = pages = SetupPages(demo, page, "ja")
                await pages.open(username, PASSWORD)
            await who.tidy()
            yield who
            await who.tidy()
        assert computer.unexpected() == [], "pages wrote errors to the browser's console"


async def test_the_article_s_chapters_are_walked(administrator: Administrator) -> None:
    pages, say = administrator.pages, administrator.pages.say
    page, wrong = pages.page, list[str]()

    async def see(name: str) -> None:
        wrong.extend(await look(page, f"setup-{name}", pages.language))

    await see("home")
    agent = f"Suzuki{secrets.token_hex(3)}"
    await administrator.a_user(agent, first_name="Ken")
    name = f"{agent} Ken" if pages.language == "ja" else f"Ken {agent}"

    # Feature settings, Service, Call Center: the path that stops at the group leads to the page.
    await pages.walk("platform", "features", "callCenter")
    await see("call-centers-introduction")
    await pages.see_introduction_once()
    await see("call-centers")
    administrator.computer.expected = "400 (Bad Request)"
    await pages.choose_definition(STANDARD.replace(">680<", ">high<").replace(">true<", ">yes<"))
    refused = page.get_by_role("alert")
    await expect(refused).to_contain_text("reqUseApi")
    await expect(refused).to_contain_text(say("definition.number", found="high"))
    await see("import-refused")
    await page.get_by_role("button", name=pages.console("form.cancel"), exact=True).click()
    await pages.choose_definition(STANDARD)
    await pages.heading("Zoom Contact Center")
    await pages.told(say("callCenters.imported"))
    assert await pages.value("Softphone Height") == "680"
    assert await pages.value("Salesforce Compatibility Mode") == "Classic_and_Lightning"
    assert await pages.value("International Prefix") == "01"
    await see("call-center")

    # Its host is not ours: the page says so and corrects it.
    ours = f"{pages.demo.contact_center}/cci/multi/callbar-cti"
    await pages.press("callCenters.host.use", url=ours)
    await pages.told(say("setup.saved"))
    await expect(page.get_by_role("main").get_by_text(ours)).to_be_visible()

    # Feature settings, Service, Call Center, Call Centers: the longer path leads there, too.
    await pages.walk("platform", "features", "callCenter", "CallCenters")
    await pages.heading(say("callCenters.all"))
    await page.get_by_role("link", name="Zoom Contact Center", exact=True).click()
    await pages.heading("Zoom Contact Center")
    await pages.press("callCenters.manageUsers")
    await pages.press("callCenters.addMore")
    await pages.search_users("LastName", "equals", agent)
    await pages.tick(name)
    await see("add-users")
    await pages.press("callCenters.addToCenter")
    await pages.told(say("callCenters.added_one", count=1))
    await expect(pages.row(agent)).to_be_visible()
    await see("manage-users")
    # Who has a call center is not offered again.
    await pages.press("callCenters.addMore")
    await pages.search_users("LastName", "equals", agent)
    await expect(page.get_by_text(say("callCenters.found.none"))).to_be_visible()

    # Feature settings, Call Center, Softphone Layouts.
    await pages.walk("platform", "features", "callCenter", "SoftphoneLayouts")
    await pages.heading(say("layouts.title"))
    await see("layouts")
    await pages.press("setup.new")
    await pages.fill(say("layouts.name"), "Zoom Contact Center")
    await pages.field(say("layouts.default")).check()
    await pages.field(say("layouts.callType")).select_option("Inbound")
    for legend, choice in (
        ("layouts.openWithin", "openWithin.ExistingWindow"),
        ("match.NoMatch", "pop.PopToEntity"),
        ("match.SingleMatch", "pop.PopToDetail"),
        ("match.MultipleMatches", "pop.PopToSearch"),
    ):
        group = page.get_by_role("group", name=say(legend), exact=True)
        await group.get_by_label(say(choice), exact=True).check()
    await pages.field(say("layouts.pop.object")).select_option("Contact")
    await see("layout")
    await pages.save()
    await pages.heading(say("layouts.title"))
    await expect(pages.row("Zoom Contact Center")).to_be_visible()
    await pages.press("layouts.assignment")
    await pages.heading(say("layouts.assignment"))
    await see("layout-assignment")

    # Apps, App Manager: the softphone is taken out and added as the article does it.
    await pages.walk("platform", "apps", "NavigationMenus")
    await pages.heading(say("appManager.title"))
    await see("apps")
    await page.get_by_role("main").get_by_role("rowheader").first.get_by_role("link").click()
    await pages.press("appManager.part.utilities")
    softphone = say("utilityKind.softphone")
    await page.get_by_role("button", name=softphone, exact=True).click()
    await pages.press("setup.remove")
    await pages.press("appManager.addUtility")
    await page.get_by_role("menuitem", name=softphone, exact=True).click()
    await pages.field(say("appManager.label")).fill("電話" if pages.language == "ja" else "Phone")
    await pages.field(say("appManager.icon")).fill("call")
    await pages.field(say("appManager.width")).fill("340")
    await pages.field(say("appManager.height")).fill("480")
    await pages.field(say("appManager.autoStart")).check()
    await see("utility-items")
    await pages.save()
    await pages.told(say("appManager.saved"))
    item = (await administrator.call("GET", "bootstrap"))["utility_items"][-1]
    assert (item["type"], item["width"], item["height"], item["auto_start"]) == ("softphone", 340, 480, True)

    # Users, Permission Sets.
    permission_set = f"Agents {agent}"
    await administrator.a_permission_set(permission_set)
    await pages.walk("administration", "users", "PermSets")
    await pages.heading(say("sets.title"))
    await see("permission-sets")
    await page.get_by_role("link", name=permission_set, exact=True).click()
    await page.get_by_role("heading", name=say("sets.objectSettings")).wait_for()
    await see("permission-set")
    await pages.press("sets.manage")
    await pages.press("sets.addAssignment")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label(say("sets.search")).fill(agent)
    await pages.tick(name)
    await see("add-assignment")
    await dialog.get_by_role("button", name=say("sets.assign"), exact=True).click()
    await pages.told(say("sets.assignedNow_one", count=1))
    await expect(pages.row(agent)).to_be_visible()

    # Single sign-on: the second definition, its address, the users of the first moved over.
    await pages.find("コールセンター" if pages.language == "ja" else "call cent", "CallCenters")
    await pages.choose_definition(SSO)
    await pages.heading("ZCC SSO")
    await pages.press("setup.edit")
    await pages.fill("CTI Adapter URL", f"{pages.demo.contact_center}/cci/multi/callbar-cti?sso")
    await see("edit-call-center")
    await pages.save()
    await pages.heading("ZCC SSO")
    await expect(page.get_by_text("callbar-cti?sso")).to_be_visible()
    await pages.walk("platform", "features", "callCenter", "CallCenters")
    await page.get_by_role("link", name="Zoom Contact Center", exact=True).click()
    await pages.press("callCenters.manageUsers")
    await pages.tick(name)
    await pages.press("callCenters.moveUsers")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("combobox").select_option(label="ZCC SSO")
    await see("move-users")
    await dialog.get_by_role("button", name=say("callCenters.move"), exact=True).click()
    await expect(page.get_by_text(say("callCenters.users.none"))).to_be_visible()

    # Everything stands in the audit trail, in the reader's language.
    await pages.walk("settings", "security", "SecurityEvents")
    await expect(pages.row(say("audit.importedCallCenter", name="ZCC SSO"))).to_be_visible()
    await see("audit-trail")
    assert wrong == []


async def test_people_are_made_frozen_and_found(administrator: Administrator) -> None:
    pages, say = administrator.pages, administrator.pages.say
    page, wrong = pages.page, list[str]()
    last = f"Sato{secrets.token_hex(3)}"
    await pages.walk("administration", "users", "ManageUsers")
    await pages.heading(say("users.title"))
    await pages.press("users.new")
    await pages.fill(say("users.lastName"), last)
    await pages.fill(say("users.email"), f"{last}@acme.example")
    await pages.fill(say("users.username"), f"{last}@acme.example")
    await pages.field(say("users.language")).select_option("ja")
    await pages.field(say("users.password")).fill(PASSWORD)
    wrong += await look(page, "setup-new-user", pages.language)
    await pages.save()
    await pages.heading(last)
    wrong += await look(page, "setup-user", pages.language)
    await pages.press("users.freeze")
    await pages.told(say("users.frozenNow"))
    await pages.walk("administration", "users", "ManageUsers")
    await pages.field(say("users.view")).select_option("frozen")
    await expect(pages.row(last)).to_be_visible()
    for node, key in (
        ("Profiles", "profiles.title"),
        ("Roles", "roles.title"),
        ("CompanyProfileInfo", "tree.page.CompanyProfileInfo"),
        ("LoginHistory", "tree.page.LoginHistory"),
        ("ConnectedAppsUsage", "tree.page.ConnectedAppsUsage"),
        ("ManageExternalClientApplication", "tree.page.ManageExternalClientApplication"),
        ("ObjectManager", "tree.page.ObjectManager"),
        ("ImportedPackage", "tree.page.ImportedPackage"),
        ("ManageUsers", "users.title"),
    ):
        await page.goto(f"{pages.demo.console}/lightning/setup/{node}/home")
        await pages.heading(say(key))
        await (
            page.get_by_role("main").get_by_role("table").or_(page.locator(".setup-card p")).first.wait_for()
        )
        wrong += await look(page, f"setup-{node}", pages.language)
    await page.goto(f"{pages.demo.console}/lightning/setup/Profiles/home")
    await page.get_by_role("link", name="Standard User", exact=True).click()
    await pages.heading("Standard User")
    wrong += await look(page, "setup-profile", pages.language)
    assert wrong == []


async def test_omni_channel_is_set_up(administrator: Administrator) -> None:
    pages, say = administrator.pages, administrator.pages.say
    page, wrong, mark = pages.page, list[str](), secrets.token_hex(3)
    await pages.walk("platform", "features", "omni", "OmniChannelSettings")
    await pages.heading(say("tree.page.OmniChannelSettings"))
    enable = pages.field(say("omniSetup.enable"))
    if not await enable.is_checked():
        await enable.check()
        await pages.save()
        await pages.told(say("setup.saved"))
    wrong += await look(page, "setup-omni", pages.language)
    await pages.walk("platform", "features", "omni", "ServiceChannels")
    await pages.press("setup.new")
    dialog = page.get_by_role("dialog")
    await pages.field(say("sets.label")).fill(f"Cases {mark}")
    await pages.field(say("omniSetup.object")).select_option("Case")
    wrong += await look(page, "setup-omni-channel", pages.language)
    await dialog.get_by_role("button", name=pages.console("form.save"), exact=True).click()
    await expect(pages.row(f"Cases_{mark}")).to_be_visible()
    await pages.walk("platform", "features", "omni", "ServicePresenceStatuses")
    await pages.press("setup.new")
    await pages.field(say("sets.label")).fill(f"Available {mark}")
    channels = dialog.get_by_role("group", name=say("omniSetup.channels"))
    await channels.get_by_role("listbox").first.select_option(label=f"Cases {mark}")
    await channels.get_by_role("button", name=say("setup.add")).click()
    profiles = dialog.get_by_role("group", name=say("omniSetup.openTo"))
    await profiles.get_by_role("listbox").first.select_option(
        label=say("omniSetup.profile", name="System Administrator")
    )
    await profiles.get_by_role("button", name=say("setup.add")).click()
    wrong += await look(page, "setup-omni-status", pages.language)
    await dialog.get_by_role("button", name=pages.console("form.save"), exact=True).click()
    row = pages.row(f"Available {mark}")
    await expect(row).to_contain_text(say("omniSetup.kind.online"))
    await expect(row).to_contain_text("System Administrator")
    await pages.walk("platform", "features", "omni", "PresenceUserConfigs")
    await pages.press("setup.new")
    await pages.field(say("sets.label")).fill(f"Phone {mark}")
    await pages.field(say("omniSetup.capacity")).fill("3")
    wrong += await look(page, "setup-omni-configuration", pages.language)
    await dialog.get_by_role("button", name=pages.console("form.save"), exact=True).click()
    await expect(pages.row(f"Phone_{mark}")).to_contain_text("3")
    assert wrong == []
