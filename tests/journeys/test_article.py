"""The whole article, single sign-on excepted, from installing the package to removing it.

Every chapter's click is made once, in order, in an org and an account that have nothing: what a chapter's page does
besides is proven by the journey of that page.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect
from tests.article import STANDARD
from tests.journeys.computer import Computer
from tests.journeys.conftest import AGENT_HZ, Demo, Street, note, pictured
from tests.journeys.console import Shell
from tests.journeys.desk import CALLBAR, PASSWORD, Desk, Person, sign_in_to_portal
from tests.journeys.looks import look
from tests.journeys.org import as_administrator
from tests.journeys.setup_pages import SetupPages
from tests.journeys.test_connections import allow
from tests.journeys.test_setup import Administrator
from tests.journeys.words import LOCALES, in_both, package_words, words

from tieline.agents.service import make_agent
from tieline.crm.provision import create_org
from tieline.db.database import Database
from tieline.demo.places import crm_settings, places
from tieline.identity import people
from tieline.numbers import display
from tieline.queues.service import make_queue
from tieline.salesforce_package import NAME, PUBLISHER, Hosts, archive, version

pytestmark = pytest.mark.timeout(300)
LOGIN = Path(__file__).resolve().parents[2] / "web" / "src" / "console" / "locales"
ISSUED = "Acme CRM"
CENTER = "Zoom Contact Center"
TYPED = "03-1234-5678"
"""A number as it is written where it is at home, in a record and on a telephone."""


@dataclass(frozen=True)
class Names:
    """What people and things are called where this language is spoken."""

    in_org: str
    """The org's name of the language."""
    account: str
    owner: str
    agent: tuple[str, str]
    """Last and first name."""
    customer: tuple[str, str]
    country: str
    administration: str
    """The package's app for administrators."""
    phone: str
    """The utility item."""
    statuses: tuple[str, str]
    """Ready and on a call, in Omni-Channel."""
    contact: str
    """What the org calls a contact."""
    note: str

    def whole(self, name: tuple[str, str]) -> str:
        """A person's name as it is read."""
        return " ".join(name if self is NAMES["ja"] else reversed(name))


NAMES = {
    "en": Names(
        in_org="en_US",
        account="Article",
        owner="Olga Owner",
        agent=("Stone", "Ken"),
        customer=("Sato", "Hanako"),
        country="Japan",
        administration="Contact Center Administration",
        phone="Phone",
        statuses=("Reachable", "Talking"),
        contact="Contact",
        note="Send the catalog",
    ),
    "ja": Names(
        in_org="ja",
        account="記事",
        owner="管理 太郎",
        agent=("鈴木", "健"),
        customer=("佐藤", "花子"),
        country="日本",
        administration="コンタクトセンター管理",
        phone="電話",
        statuses=("対応可", "通話中"),
        contact="取引先責任者",
        note="カタログ送付",
    ),
}


@dataclass(frozen=True)
class Bare:
    """An org and an account of a contact center that know nothing of each other; the package is on the org's shelf."""

    demo: Demo
    owner: Person
    agent: Person
    number: str
    """Of the account's one queue."""
    install_url: str


@pytest.fixture(params=in_both("ja"))
async def bare(demo: Demo, request: pytest.FixtureRequest) -> AsyncIterator[Bare]:
    language: str = request.param
    names = NAMES[language]
    tag = secrets.token_hex(3)
    own = dataclasses.replace(demo, org=f"article-{tag}")
    owner = Person(f"owner-{tag}@acme.example", names.owner, language)
    agent = Person(f"agent-{tag}@acme.example", names.whole(names.agent), language)
    number = f"+8150{secrets.randbelow(10**8):08}"
    at = places({"TIELINE_PORT_BASE": str(demo.base), "TIELINE_DATA_DIR": str(demo.data_dir)})

    def url(database: str, login: str, password: str) -> str:
        return f"postgresql://{login}:{at.password(password)}@/{database}?host={demo.socket}"

    environment = at.environment(
        database_url=url("tieline", "tieline", "database"),
        crm_database_url=url("tieline_crm", "tieline_crm", "crm"),
    )
    db = Database(environment["TIELINE_DATABASE_URL"], pool_size=1)
    try:
        async with db.system() as tx:
            await people.make_account(
                tx, name=names.account, vanity=own.org, test_phone=True, web_calls=False, language=language
            )
            for who, roles in ((owner, ["owner", "administrator"]), (agent, ["agent"])):
                user = await people.make_user(
                    tx, email=who.email, name=who.name, language=language, roles=roles, password=PASSWORD
                )
            await make_agent(tx, user)
            await make_queue(
                tx,
                slug=own.org,
                name=names.account,
                numbers=[(number, f"greeting/{language}")],
                members=[user],
                disposition_labels=["OK"],
            )
    finally:
        await db.close()
    await create_org(
        crm_settings(environment),
        name=own.org,
        label=names.account,
        admin_username=owner.email,
        admin_password=PASSWORD,
        admin_language=names.in_org,
    )
    about = {"name": NAME, "publisher": PUBLISHER, "version": version(), "label": NAME}
    vanity = own.contact_center.replace("tieline.", f"{own.org}.tieline.")
    async with as_administrator(own, owner.email) as http:
        content = archive(Hosts.of(own.contact_center, vanity))
        answer = await http.post("/services/packages", params=about, content=content)
        assert answer.status_code == 201, answer.text
    yield Bare(own, owner, agent, number, answer.json()["install_url"])


class Walk:
    """The administrator's two windows, Salesforce and portal, and what is wrong with what was looked at."""

    def __init__(self, bare: Bare, who: Administrator, portal: Page) -> None:
        self.demo, self.owner, self.agent = bare.demo, bare.owner, bare.agent
        self.call, self.pages, self.page = who.call, who.pages, who.pages.page
        self.portal = portal
        self.language = bare.owner.language
        self.names = NAMES[self.language]
        self.admin, self.say = words("admin", self.language), package_words(self.language)
        self.wrong: list[str] = []
        self.began = time.monotonic()

    async def see(self, name: str, page: Page | None = None) -> None:
        """Look at the page, and say how long the way here took."""
        await (page or self.page).bring_to_front()
        self.wrong += await look(page or self.page, f"article-{name}", self.language)
        print(f"{time.monotonic() - self.began:5.1f} s  {name}")

    async def setting(self, tab: str) -> Locator:
        """A tab of the package's settings page."""
        await self.page.bring_to_front()
        await self.page.goto(f"{self.demo.console}/lightning/n/Tieline_Settings")
        await self.page.get_by_role("tab", name=tab, exact=True).click()
        return self.page.get_by_role("tabpanel").filter(visible=True)

    def button(self, name: str) -> Locator:
        """A button of the page that is not hidden."""
        return self.page.get_by_role("button", name=name, exact=True).filter(visible=True)

    async def permit(self, permission_set: str, who: Person) -> None:
        """Users, Permission Sets: assign one to somebody."""
        pages, say = self.pages, self.pages.say
        await self.page.bring_to_front()
        await self.page.goto(f"{self.demo.console}/lightning/setup/SetupOneHome/home")
        await pages.walk("administration", "users", "PermSets")
        await self.page.get_by_role("link", name=permission_set, exact=True).click()
        await pages.press("sets.manage")
        await pages.press("sets.addAssignment")
        dialog = self.page.get_by_role("dialog")
        await dialog.get_by_label(say("sets.search")).fill(who.email)
        row = dialog.locator("tbody").get_by_role("row")
        await expect(row).to_have_count(1)
        await row.get_by_role("checkbox").check()
        await dialog.get_by_role("button", name=say("sets.assign"), exact=True).click()
        await pages.told(say("sets.assignedNow_one", count=1))

    async def products(self) -> Locator:
        """The card of the contact center on the settings page."""
        await self.setting(self.say("Products"))
        return self.page.get_by_role("article").filter(has_text=self.say("Product_About"))

    # -- the chapters ---

    async def installs(self, url: str) -> None:
        page, say = self.page, json.loads((LOGIN / f"login.{self.language}.json").read_text("utf-8"))
        await page.bring_to_front()
        await page.goto(url)
        await page.fill("input[name=username]", self.owner.email)
        await page.fill("input[name=password]", PASSWORD)
        await page.click("button[type=submit]")
        await page.get_by_role("heading", name=say["package_install_title"].format(name=NAME)).wait_for()
        await self.see("install")
        await page.get_by_label(say["package_audience_administrators"]).check()
        await page.get_by_role("button", name=say["package_install"], exact=True).click()
        await page.get_by_role("heading", name=say["package_done_title"]).wait_for(timeout=60_000)
        await page.get_by_role("link", name=say["package_done"], exact=True).click()
        await page.get_by_role("link", name=NAME, exact=True).wait_for()
        await self.see("installed")

    async def activates(self) -> None:
        """The package's app opens with its settings; the product's card opens the set-up guide."""
        await Shell(self.page, self.pages.console).switch_app(self.names.administration)
        await self.button(self.say("Product_Activate")).click()
        guide = self.page.locator(".tieline-guide")
        await expect(guide.locator('[data-badge="authorize"]')).to_have_text(self.say("Guide_State_Open"))
        await self.see("guide")

    async def authorizes(self) -> None:
        await self.setting(self.say("Access_Title"))
        # No profile opens it: the page says which permission set does.
        await self.page.get_by_text(self.say("Access_No_Principal")).wait_for()
        await self.see("access-not-permitted")
        await self.permit("Tieline Administrator", self.owner)
        await self.setting(self.say("Access_Title"))
        await self.button(self.say("Access_Authorize")).wait_for()
        await self.see("access-none")

        async def consents(answer: str) -> None:
            async with self.page.context.expect_page() as opening:
                await self.button(self.say("Access_Authorize")).click()
            window = await opening.value
            email = window.locator("input[type=email]")
            choice = window.get_by_role("button", name=self.admin(answer), exact=True)
            await email.or_(choice).first.wait_for()
            if await email.count():
                await sign_in_to_portal(window, self.owner.email)
            await choice.wait_for()
            if answer == "consent.deny":
                await self.see("consent", window)
            async with window.expect_event("close"):
                await choice.click()

        await consents("consent.deny")
        await self.page.get_by_text(self.say("Access_Denied")).wait_for()
        await self.see("access-denied")
        # The portal's session is there now: nothing is asked but the consent.
        await consents("consent.allow")
        await self.page.get_by_text(self.say("Access_Authorized")).first.wait_for()
        await expect(self.page.locator("dl").filter(visible=True)).to_contain_text(self.owner.email)
        await self.see("access-authorized")

    async def connects(self) -> None:
        portal, say = self.portal, self.admin
        await portal.bring_to_front()
        app = next(each for each in (await self.call("GET", "setup/apps"))["apps"] if each["name"] == NAME)
        keys = await self.call("PATCH", f"setup/apps/{app['client_id']}", {"new_secret": True})
        await portal.goto(f"{self.demo.contact_center}/portal/connections")
        await portal.get_by_role("button", name=say("connections.add")).click()
        await portal.get_by_text(say("connection.environment.embedded.more")).click()
        await portal.get_by_label(say("connection.name"), exact=False).first.fill(ISSUED)
        await portal.get_by_label(say("connection.client_id")).fill(app["client_id"])
        await portal.get_by_label(say("connection.client_secret")).fill(keys["client_secret"])
        await portal.get_by_label(say("connection.api_base")).fill(self.demo.crm)
        await portal.get_by_label(say("connection.login_origin")).fill(self.demo.my)
        await portal.get_by_label(say("connection.console")).fill(self.demo.console)
        await portal.get_by_role("button", name=say("connection.log_in")).click()
        await allow(portal)
        await portal.get_by_text(say("connections.connected", name=ISSUED)).wait_for()
        await self.see("connected", portal)

    async def imports_the_call_center(self) -> None:
        pages, say = self.pages, self.pages.say
        await self.page.bring_to_front()
        await self.page.goto(f"{self.demo.console}/lightning/setup/SetupOneHome/home")
        await pages.walk("platform", "features", "callCenter")
        await pages.see_introduction_once()
        await pages.choose_definition(STANDARD)
        await pages.heading(CENTER)
        await pages.press("callCenters.host.use", url=f"{self.demo.contact_center}{CALLBAR}")
        await pages.told(say("setup.saved"))
        await self.see("call-center")

    async def adds_the_utility_item(self) -> None:
        pages, say, page = self.pages, self.pages.say, self.page
        await pages.walk("platform", "apps", "NavigationMenus")
        await pages.heading(say("appManager.title"))
        await page.get_by_role("main").get_by_role("rowheader").first.get_by_role("link").click()
        await pages.press("appManager.part.utilities")
        softphone = say("utilityKind.softphone")
        there = page.get_by_role("button", name=softphone, exact=True)
        await pages.button(say("appManager.addUtility")).wait_for()
        if await there.count():  # a new org's app has one that was never set up
            await there.click()
            await pages.press("setup.remove")
        await pages.press("appManager.addUtility")
        await page.get_by_role("menuitem", name=softphone, exact=True).click()
        await pages.field(say("appManager.label")).fill(self.names.phone)
        await pages.field(say("appManager.width")).fill("340")
        await pages.field(say("appManager.height")).fill("480")
        await pages.field(say("appManager.autoStart")).check()
        await pages.save()
        await pages.told(say("appManager.saved"))

    async def lets_the_agent_in(self) -> None:
        """Permission sets, call center users, client integration."""
        pages, say, portal = self.pages, self.pages.say, self.portal
        last, first = self.names.agent
        body = {"username": self.agent.email, "last_name": last, "first_name": first, "password": PASSWORD}
        await self.call(
            "POST", "setup/users", body | {"language": self.names.in_org, "profile": "Standard User"}
        )
        await self.permit("Tieline Agent", self.agent)
        await pages.walk("platform", "features", "callCenter", "CallCenters")
        await self.page.get_by_role("link", name=CENTER, exact=True).click()
        await pages.press("callCenters.manageUsers")
        await pages.press("callCenters.addMore")
        await pages.search_users("LastName", "equals", last)
        await pages.tick(self.agent.name)
        await pages.press("callCenters.addToCenter")
        await pages.told(say("callCenters.added_one", count=1))
        await self.see("call-center-users")

        await portal.bring_to_front()
        await portal.goto(f"{self.demo.contact_center}/portal/users")
        row = portal.get_by_role("row", name=self.agent.email)
        await row.get_by_role("checkbox").check()
        await portal.get_by_label(self.admin("users.client_integration.of")).select_option(label=ISSUED)
        await portal.get_by_role("button", name=self.admin("users.apply")).click()
        await expect(row.get_by_role("cell", name=ISSUED)).to_be_visible()
        await self.see("client-integration", portal)

    async def adds_a_country_code(self) -> None:
        page, say = self.page, self.say
        await self.setting(say("Codes_Title"))
        await page.get_by_text(say("Index_Ready_Count", 1)).wait_for()
        await self.button(say("Codes_Add")).click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_role("searchbox").fill(self.names.country)
        await page.get_by_role("checkbox", name=self.names.country).check()
        await dialog.get_by_role("button", name=say("Codes_Add_Count", 1), exact=True).click()
        await page.get_by_role("cell", name="+81", exact=True).wait_for()
        # The index follows, and says so when it is done.
        await page.get_by_text(say.pattern("Index_Loading", "Index_Waiting")).first.wait_for()
        await page.get_by_text(say("Index_Ready_Count", 1)).wait_for()
        await self.see("country-codes")

    async def deactivates(self) -> None:
        await (await self.products()).get_by_role("button", name=self.say("Product_Deactivate")).click()
        dialog = self.page.get_by_role("dialog")
        await expect(dialog).to_contain_text(self.say("Product_Deactivate_Explain"))
        await self.see("deactivate")
        await dialog.get_by_role("button", name=self.say("Product_Deactivate"), exact=True).click()
        await self.page.get_by_text(self.say("Product_Deactivated")).first.wait_for()

    async def keeps_statuses_alike(self) -> None:
        await self._presence()
        await self.setting(self.say("Sync_Title"))
        for center, label in zip(("ready", "occupied"), self.names.statuses, strict=True):
            await self.page.locator(f"select[data-center={center}]").select_option(label=label)
        await self.page.locator("lightning-input[data-way=toSalesforce] label").first.click()
        await self.button(self.say("Sync_Save")).click()
        await self.page.get_by_text(self.say("Sync_Saved")).first.wait_for()
        await self.see("status-sync")

    async def _presence(self) -> None:
        """Omni-Channel as Set-up makes it, with two statuses, and its utility item beside the phone."""
        await self.call("PUT", "setup/omni/settings", {"enabled": True})
        sets = (await self.call("GET", "setup/omni/statuses"))["sets"]
        everybody = [each["id"] for each in sets if each["profile"]]
        for at, label in enumerate(self.names.statuses):
            status = {"label": label, "name": f"Status{at}", "channels": [], "open_to": everybody}
            await self.call("POST", "setup/omni/statuses", status)
        app: dict[str, Any] = (await self.call("GET", "setup/lightning-apps"))["apps"][0]
        items = [*app["utility_items"], {"type": "omni"}]
        await self.call("PATCH", f"setup/lightning-apps/{app['name']}", {"utility_items": items})

    async def chooses_related_objects(self) -> None:
        await self.setting(self.say("Related_Title"))
        await self.page.get_by_label(self.say("Related_Choose")).select_option(value="Contact")
        await self.button(self.say("Related_Add")).click()
        await self.page.get_by_role("row", name=self.names.contact).wait_for()
        await self.see("related-objects")

    async def uninstalls(self) -> None:
        page, pages, say = self.page, self.pages, self.pages.say
        await page.bring_to_front()
        await page.goto(f"{self.demo.console}/lightning/setup/SetupOneHome/home")
        await pages.walk("platform", "apps", "packaging", "ImportedPackage")
        await page.get_by_role("link", name=NAME, exact=True).click()
        await pages.press("packages.uninstall")
        dialog = page.get_by_role("dialog")
        # What data goes with it is told, and has to be agreed to.
        await expect(dialog).to_contain_text("Tieline_Country_Code__c: 2")
        leave = dialog.get_by_role("button", name=say("packages.uninstall"), exact=True)
        await expect(leave).to_be_disabled()
        await self.see("uninstall")
        await dialog.get_by_label(say("packages.uninstall.sure")).check()
        await leave.click()
        await expect(pages.row(NAME)).to_have_count(0, timeout=60_000)
        await pages.heading(say("tree.page.ImportedPackage"))
        await pages.walk("settings", "security", "SecurityEvents")
        gone = say("audit.uninstalledPackage", name=NAME, value=version().removesuffix(".0"))
        await expect(pages.row(gone)).to_be_visible()


async def the_administrator(bare: Bare, computer: Computer) -> Walk:
    context = await computer.somebody_else(LOCALES[bare.owner.language])
    page, portal = await context.new_page(), await context.new_page()
    return Walk(bare, Administrator(SetupPages(bare.demo, page, bare.owner.language), computer), portal)


async def test_the_article_from_installing_to_removing(bare: Bare, street: Street, tmp_path: Path) -> None:
    demo, agent, names = bare.demo, bare.agent, NAMES[bare.agent.language]
    speaks = LOCALES[agent.language]
    async with Computer(tmp_path, microphone_for=demo.console, hz=AGENT_HZ, language=speaks) as computer:
        walk = await the_administrator(bare, computer)
        async with pictured(computer, "article"):
            await walk.installs(bare.install_url)
            await walk.activates()
            await walk.authorizes()
            last, first = names.customer
            fields = {"LastName": last, "FirstName": first, "Phone": TYPED}
            await walk.call("POST", "data/v66.0/sobjects/Contact", fields)
            await walk.connects()
            await walk.imports_the_call_center()
            await walk.adds_the_utility_item()
            await walk.lets_the_agent_in()

            async with demo.first_on_the_phone():
                desk = Desk(demo, computer, agent)
                await desk.sit_down()
                await desk.become("ready")
                # Without the country's code the contact's number means nothing.
                await street.call(TYPED, to=display(bare.number, None))
                ring = desk.card("incoming")
                await expect(ring).to_contain_text("3-1234-5678")
                await expect(ring).not_to_contain_text(last)
                await desk.answer()
                await desk.finish()

                await walk.adds_a_country_code()
                await walk.keeps_statuses_alike()
                await walk.chooses_related_objects()
                await desk.go()
                await desk.become("ready")
                await street.call(TYPED, to=display(bare.number, None))
                await desk.shows_record(names.whole(names.customer))
                await desk.answer()
                omni = desk.callbar.locator(".cb-omni")
                await expect(omni).to_have_text(desk.say("omni.by_center", name=names.statuses[1]))
                relate = desk.card("talking").get_by_role("region", name=desk.say("relate.title"))
                await expect(relate).to_contain_text(names.whole(names.customer))
                await walk.see("call", desk.page)

                # Deactivated in the middle of the call: it ends as calls do, the next caller waits.
                await walk.deactivates()
                notes = note(names.note)
                await desk.finish(notes=notes)
                await expect(desk.timeline().locator("li", has_text=notes)).to_have_count(1, timeout=20_000)
                idle = desk.callbar.get_by_role("heading", name=desk.say("idle.deactivated.title"))
                await idle.wait_for(timeout=5_000)
                await walk.see("callbar-deactivated", desk.page)
                phone = await street.call(TYPED, to=display(bare.number, None))
                await phone.get_by_text("Waiting in the queue").wait_for()
                await expect(desk.callbar.locator(".cb-card")).to_have_count(0)
                await (await walk.products()).get_by_role("button", name=walk.say("Product_Activate")).click()
                await expect(idle).to_have_count(0, timeout=5_000)
                await desk.choose("ready")
                await desk.shows_record(names.whole(names.customer))
                await desk.answer()
                await desk.finish()

            await walk.uninstalls()
            await desk.callbar.get_by_text(desk.say("crm.lost")).wait_for(timeout=60_000)
            await walk.see("callbar-gone", desk.page)
            await walk.portal.bring_to_front()
            await walk.portal.goto(f"{demo.contact_center}/portal/connections")
            await walk.portal.get_by_role("link", name=ISSUED).click()
            await walk.portal.get_by_text(walk.admin("problems.reason.invalid_client_id")).wait_for()
            await walk.see("connection-gone", walk.portal)
            await walk.portal.goto(f"{demo.contact_center}/portal/added-apps")
            await walk.portal.get_by_text(walk.admin("added.none.title")).wait_for()
            assert walk.wrong == []
        assert computer.unexpected() == [], "pages wrote errors to the browser's console"
