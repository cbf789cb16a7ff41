"""The console's pages as journeys use them: what is written there, clicked by its words in the user's language."""

from __future__ import annotations

import re

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


def labelled(label: str) -> re.Pattern[str]:
    """A field's label, required or not."""
    return re.compile(rf"^\s*(\*\s*)?{re.escape(label)}$")


class _OnPage:
    def __init__(self, page: Page, say: Words) -> None:
        self.page = page
        self.say = say

    async def toast(self, text: str) -> None:
        """Wait for a short message at the top."""
        await expect(self.page.locator(".slds-notify_toast", has_text=text).first).to_be_visible()


class RecordPage(_OnPage):
    """The page of a record."""

    @property
    def main(self) -> Locator:
        """What is in front; pages of other tabs are hidden."""
        return self.page.get_by_role("main")

    async def shows(self, name: str) -> None:
        """Wait until the record's name stands at the top."""
        await expect(self.page.get_by_role("heading", name=name, level=1)).to_be_visible()

    def value(self, label: str) -> Locator:
        """What the details say under a label."""
        field = self.main.locator(".console-field:visible").filter(
            has=self.page.get_by_text(label, exact=True)
        )
        return field.locator(".console-field__value").first

    async def edit(self, label: str) -> None:
        """Click the pencil of a field."""
        name = self.say("record.edit.field", label=label)
        await self.main.get_by_role("button", name=name, exact=True).click()

    def field(self, label: str) -> Locator:
        """The input of a field while the details are edited."""
        return self.main.get_by_label(labelled(label))

    async def save(self) -> None:
        """Click *Save*."""
        await self.press("form.save")

    async def press(self, key: str) -> None:
        """Click a button by the key of its words."""
        await self.main.get_by_role("button", name=self.say(key), exact=True).click()

    async def choose(self, key: str) -> None:
        """Choose an action of the menu behind the last button."""
        await self.main.get_by_role("button", name=self.say("action.more"), exact=True).click()
        await self.page.get_by_role("menuitem", name=self.say(key), exact=True).click()

    async def open_related(self) -> None:
        """Open the tab with related lists."""
        await self.main.get_by_role("tab", name=self.say("record.related"), exact=True).click()

    def related(self, label: str) -> Locator:
        """The card of a related list."""
        return self.main.get_by_role("article").filter(
            has=self.page.get_by_role("heading", name=label, level=2)
        )

    def timeline(self) -> Locator:
        """The activities."""
        return self.main.get_by_role("article", name=self.say("timeline.title"))

    def step(self) -> Locator:
        """Where the record stands on its path."""
        return self.main.locator(".slds-path__item.slds-is-current")

    async def go_on(self) -> None:
        """Click the button of the path that takes the record one step further."""
        await self.main.locator(".slds-path__mark-complete").click()


class NewDialog(_OnPage):
    """The form for a new record."""

    def __init__(self, page: Page, say: Words, label: str) -> None:
        super().__init__(page, say)
        self.label = label
        self.form = page.get_by_role("dialog").filter(
            has=page.get_by_role("heading", name=self.say("new.title", label=label))
        )

    async def open(self, object_name: str, console: str) -> None:
        """Open it by its address."""
        await self.page.goto(f"{console}/lightning/o/{object_name}/new")
        await self.form.wait_for()

    async def fill(self, **values: str) -> None:
        """Type into fields by label; `First_Name` stands for *First Name*."""
        for label, value in values.items():
            await self.form.get_by_label(labelled(label.replace("_", " "))).fill(value)

    async def look_up(self, label: str, typed: str, name: str) -> None:
        """Type into a look-up and pick what it offers."""
        box = self.form.get_by_role("combobox", name=label, exact=True)
        await box.fill(typed)
        await self.form.get_by_role("option", name=name).first.click()

    async def save(self) -> None:
        """Click *Save*."""
        await self.form.get_by_role("button", name=self.say("form.save"), exact=True).click()


class Dialog(_OnPage):
    """A dialog that asks something about a record."""

    def __init__(self, page: Page, say: Words, title: str, **values: object) -> None:
        super().__init__(page, say)
        self.box = page.get_by_role("dialog").filter(
            has=page.get_by_role("heading", name=self.say(title, **values), exact=True)
        )

    async def press(self, key: str) -> None:
        """Click a button by the key of its words."""
        await self.box.get_by_role("button", name=self.say(key), exact=True).click()

    async def gone(self) -> None:
        """Wait until it is closed."""
        await expect(self.box).to_have_count(0)
