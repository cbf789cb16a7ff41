"""The console's pages as journeys use them: what is written there, clicked by its words in the user's language."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect
from tests.journeys.words import Words


class Shell:
    """What stands around every page: navigation, tabs, search, utility bar."""

    def __init__(self, page: Page, say: Words) -> None:
        self.page = page
        self.say = say

    async def open_item(self, label: str) -> ListPage:
        """Opens the list of an item of the app by the navigation menu of a console app."""
        await self.page.get_by_role("button", name=self.say("nav.show"), exact=True).click()
        await self.page.get_by_role("menuitem", name=label, exact=True).click()
        return await self.list_page(label)

    async def list_page(self, label: str) -> ListPage:
        """The list that is in front, once it has rows or says that there are none."""
        found = ListPage(self.page, self.say)
        await expect(found.heading).to_contain_text(label)
        await expect(self.page.get_by_role("main").locator("[aria-busy=true]")).to_have_count(0)
        return found

    async def search(self, text: str, pick: str | None = None) -> None:
        """Types into the search; picks an instant result, or opens the page of results."""
        field = self.page.get_by_role("combobox", name=self.say("search.label"), exact=True)
        await field.fill(text)
        if pick is None:
            await field.press("Enter")
        else:
            await self.page.get_by_role("option").filter(has_text=pick).first.click()

    @property
    def tabs(self) -> Locator:
        """The workspace tabs."""
        return self.page.get_by_role("navigation", name=self.say("nav.tabs"), exact=True)

    @property
    def subtabs(self) -> Locator:
        """The subtabs of the workspace tab in front."""
        return self.page.get_by_role("navigation", name=self.say("tabs.sub"), exact=True)

    def tab(self, title: str) -> Locator:
        """A workspace tab by the name of its record."""
        return self.tabs.get_by_role("link", name=title)

    async def act_on_tab(self, title: str, action: str) -> None:
        """Chooses from a tab's menu: `pin`, `closeOthers`, `closeAll`, `reopen`..."""
        await self.tabs.get_by_role("button", name=self.say("tab.actions", title=title), exact=True).click()
        await self.page.get_by_role("menuitem", name=self.say(f"tab.{action}"), exact=True).click()

    async def close_tabs(self) -> None:
        """Closes all tabs by their key; those of earlier journeys are open after a reload, too."""
        await self.page.get_by_role("main").focus()
        await self.page.keyboard.press("Shift+W")
        await expect(self.tabs).to_have_count(0)

    async def switch_app(self, label: str) -> None:
        """Uses another app by the app launcher."""
        await self.page.get_by_role("button", name=self.say("launcher.open"), exact=True).click()
        dialog = self.page.get_by_role("dialog", name=self.say("launcher.title"), exact=True)
        await dialog.get_by_role("button", name=label).click()
        await expect(dialog).to_have_count(0)
        await expect(self.page.get_by_role("region", name=label, exact=True)).to_be_visible()


class ListPage:
    """A list of records."""

    def __init__(self, page: Page, say: Words) -> None:
        self.page = page
        self.say = say

    @property
    def main(self) -> Locator:
        """The page in front."""
        return self.page.get_by_role("main")

    @property
    def heading(self) -> Locator:
        """The object's name and the view's."""
        return self.main.get_by_role("heading", level=1)

    def row(self, text: str) -> Locator:
        """The rows that contain a text."""
        return self.main.locator("tbody").get_by_role("row").filter(has_text=text)

    async def open(self, name: str) -> None:
        """Opens a record of the list."""
        await self.row(name).first.get_by_role("rowheader").get_by_role("link").click()

    async def choose_view(self, label: str) -> None:
        """Shows another view."""
        await self.main.get_by_role("button", name=self.say("list.choose"), exact=True).click()
        await self.page.get_by_role("menuitemradio", name=label).click()
        await expect(self.heading).to_contain_text(label)

    async def control(self, task: str) -> None:
        """Chooses from the list view controls: `new`, `clone`, `rename`, `columns`, `delete`..."""
        await self.main.get_by_role("button", name=self.say("view.menu"), exact=True).click()
        await self.page.get_by_role("menuitem", name=self.say(f"view.{task}"), exact=True).click()

    async def name_view(self, task: str, label: str) -> None:
        """Fills in the dialog of a view that is made, cloned or renamed."""
        dialog = self.page.get_by_role("dialog", name=self.say(f"view.{task}.title"), exact=True)
        await dialog.get_by_label(self.say("view.label")).fill(label)
        await dialog.get_by_role("button", name=self.say("form.save"), exact=True).click()
        await expect(dialog).to_have_count(0)
        await expect(self.heading).to_contain_text(label)

    async def find(self, text: str) -> None:
        """Types into the list's own search."""
        await self.main.get_by_role("searchbox", name=self.say("list.search"), exact=True).fill(text)

    async def check(self, name: str) -> None:
        """Chooses a row."""
        # The box itself is drawn over.
        await self.main.get_by_label(self.say("list.choose.one", name=name), exact=True).check(force=True)
