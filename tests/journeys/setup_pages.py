"""Set-up's pages, used by clicking what is written there: the tree, quick find, call centers, layouts, people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.async_api import Locator, Page, expect
from tests.journeys.desk import sign_in_to_crm
from tests.journeys.words import Words, words

if TYPE_CHECKING:
    from tests.journeys.conftest import Demo


class SetupPages:
    """Set-up in one window, in one language."""

    def __init__(self, demo: Demo, page: Page, language: str) -> None:
        self.demo = demo
        self.page = page
        self.language = language
        self.say: Words = words("console/setup", language)
        self.console: Words = words("console", language)

    async def open(self, email: str, password: str) -> None:
        """Sign in and open Set-up as its gear does, in a window of its own."""
        await self.page.goto(f"{self.demo.console}/lightning/setup/SetupOneHome/home")
        await sign_in_to_crm(self.page, email, password)
        await self.heading(self.say("setup.home"))

    # -- finding one's way ---

    @property
    def tree(self) -> Locator:
        """The tree on the left."""
        return self.page.get_by_role("navigation", name=self.say("setup.tree"))

    async def heading(self, text: str) -> None:
        """Wait for the page with this title."""
        await self.page.get_by_role("heading", level=1, name=text, exact=True).wait_for()

    async def walk(self, *path: str) -> None:
        """Open groups of the tree one after the other (keys), then the page; a group may be the end."""
        for at, key in enumerate(path):
            label = f"tree.group.{key}"
            if at == len(path) - 1 and not await self._has_group(key):
                await self.tree.get_by_role("link", name=self.say(f"tree.page.{key}"), exact=True).click()
                return
            group = self.tree.get_by_role("button", name=self.say(label), exact=True)
            if await group.get_attribute("aria-expanded") == "true" and at < len(path) - 1:
                continue
            if await group.get_attribute("aria-expanded") == "true":
                await group.click()
            await group.click()

    async def _has_group(self, key: str) -> bool:
        try:
            self.say(f"tree.group.{key}")
        except KeyError:
            return False
        return True

    async def find(self, text: str, page: str) -> None:
        """Type into quick find and follow the page it finds."""
        await self.page.get_by_role("searchbox", name=self.say("setup.quickFind")).fill(text)
        await self.tree.get_by_role("link", name=self.say(f"tree.page.{page}"), exact=True).click()
        await self.page.get_by_role("searchbox", name=self.say("setup.quickFind")).fill("")

    async def press(self, key: str, **values: object) -> None:
        """Press a button by the key of its word."""
        await self.button(self.say(key, **values)).click()

    def button(self, name: str) -> Locator:
        """A button or a link that looks like one."""
        page = self.page
        return (
            page.get_by_role("button", name=name, exact=True)
            .or_(page.get_by_role("link", name=name, exact=True))
            .first
        )

    async def fill(self, label: str, text: str) -> None:
        """Fill in a field by its label."""
        await self.field(label).fill(text)

    def field(self, label: str) -> Locator:
        """A field by its label, required or not."""
        return self.page.get_by_label(re.compile(rf"^(\*\s*)?{re.escape(label)}$"))

    async def save(self) -> None:
        """Press *Save*."""
        await self.button(self.console("form.save")).click()

    def row(self, text: str) -> Locator:
        """A row of a table."""
        return self.page.get_by_role("main").get_by_role("row").filter(has_text=text)

    # -- call centers ---

    async def see_introduction_once(self) -> None:
        """Read the introduction, which the list shows to who comes for the first time."""
        await self.page.get_by_role("heading", name=self.say("callCenters.intro.title")).wait_for()
        await self.press("setup.continue")
        await self.heading(self.say("callCenters.all"))

    async def choose_definition(self, text: str) -> None:
        """Choose a definition file and press *Import*, from the list of call centers."""
        await self.press("callCenters.import")
        await self.heading(self.say("callCenters.import.title"))
        await self.page.get_by_label(self.say("callCenters.import.file")).set_input_files(
            {"name": "callcenter.xml", "mimeType": "text/xml", "buffer": text.encode()}
        )
        await (
            self.page.get_by_role("main")
            .get_by_role("button", name=self.say("callCenters.import"), exact=True)
            .click()
        )

    async def value(self, label: str) -> str:
        """The value beside a label of a detail page."""
        found = self.page.locator(".setup-values__row").filter(has=self.page.get_by_text(label, exact=True))
        return (await found.locator("dd").inner_text()).strip()

    async def search_users(self, field: str, operator: str, value: str) -> None:
        """Search for users to add, by one criterion."""
        say = self.say
        await self.page.get_by_label(say("callCenters.criteria.field", row=1)).select_option(field)
        await self.page.get_by_label(say("callCenters.criteria.operator", row=1)).select_option(operator)
        await self.page.get_by_label(say("callCenters.criteria.value", row=1)).fill(value)
        await self.press("setup.find")
        await self.page.get_by_role("heading", name=say("callCenters.found"), exact=True).wait_for()

    async def tick(self, name: str) -> None:
        """Tick the row of somebody."""
        await self.page.get_by_role("checkbox", name=self.say("setup.choose", name=name), exact=True).check()

    async def told(self, text: str) -> None:
        """Wait for a message at the top, and close it."""
        toast = self.page.locator(".slds-notify_toast").filter(has_text=text)
        await expect(toast).to_be_visible()
        await toast.get_by_role("button").click()
