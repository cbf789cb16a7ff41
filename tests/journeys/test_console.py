"""The console around the records: tabs, lists, apps, search, keys."""

from __future__ import annotations

import re
import secrets
from urllib.parse import quote

from playwright.async_api import Page, expect
from tests.journeys.conftest import Demo, Street
from tests.journeys.console import Shell
from tests.journeys.desk import ADMIN, Desk, sign_in_to_crm
from tests.journeys.words import words


async def _heading(page: Page, name: str) -> None:
    await expect(page.get_by_role("main").get_by_role("heading", name=name, level=1)).to_be_visible()


async def test_records_open_as_tabs_and_what_they_lead_to_as_subtabs(emma: Desk) -> None:
    page, shell = emma.page, Shell(emma.page, emma.console_says)
    await shell.close_tabs()
    contacts = await shell.open_item("Contacts")
    with_account = (
        contacts.main.locator("tbody tr").filter(has=page.locator("td a[href*='/r/Account/']")).first
    )
    name = await with_account.get_by_role("rowheader").inner_text()
    account = await with_account.locator("td a[href*='/r/Account/']").inner_text()
    await contacts.open(name)
    await _heading(page, name)
    await page.get_by_role("main").get_by_role("link", name=account).first.click()
    await _heading(page, account)
    await expect(shell.subtabs.get_by_role("link", name=account)).to_have_attribute("aria-current", "page")
    await expect(shell.tab(name)).to_have_count(1)
    await expect(shell.tab(account)).to_have_count(0)

    await page.reload()
    await _heading(page, account)
    await expect(shell.subtabs.get_by_role("link", name=name)).to_be_visible()
    await shell.subtabs.get_by_role("button", name=f"Close {account}").click()
    await _heading(page, name)
    await expect(shell.subtabs).to_have_count(0)
    await shell.tabs.get_by_role("button", name=f"Close {name}").click()
    await contacts.heading.get_by_text("Contacts", exact=True).wait_for()
    await expect(shell.tabs).to_have_count(0)


async def test_tabs_are_pinned_closed_and_opened_again(emma: Desk) -> None:
    page, shell = emma.page, Shell(emma.page, emma.console_says)
    await shell.close_tabs()
    contacts = await shell.open_item("Contacts")
    names = await contacts.main.locator("tbody").get_by_role("rowheader").all_inner_texts()
    first, second, third = list(dict.fromkeys(names))[:3]  # people of one name are not what this is about
    for name in (first, second, third):
        await shell.open_item("Contacts")
        await contacts.open(name)
        await _heading(page, name)
    await shell.act_on_tab(second, "pin")
    await shell.act_on_tab(third, "closeOthers")
    await expect(shell.tabs.get_by_role("link")).to_have_count(2)
    await expect(shell.tabs.get_by_role("link").first).to_have_attribute("title", second)
    await page.get_by_role("main").focus()
    await page.keyboard.press("Shift+T")
    await _heading(page, first)
    await page.keyboard.press("]")
    await _heading(page, second)
    await page.keyboard.press("w")
    await expect(shell.tab(second)).to_have_count(0)
    await page.keyboard.press("Shift+W")
    await expect(shell.tabs).to_have_count(0)


async def test_a_list_view_of_one_s_own(emma: Desk) -> None:
    page, say, shell = emma.page, emma.console_says, Shell(emma.page, emma.console_says)
    label = f"Liams {secrets.token_hex(3)}"
    contacts = await shell.open_item("Contacts")
    await contacts.choose_view("All Contacts")
    await contacts.control("clone")
    await contacts.name_view("clone", label)

    panel = page.get_by_role("complementary", name=say("list.filters"))
    await panel.get_by_role("button", name=say("list.filters.add")).click()
    await panel.get_by_label(say("list.filters.field")).select_option(label="Name")
    await panel.get_by_label(say("list.filters.operator")).select_option(label=say("operator.startsWith"))
    await panel.get_by_label(say("list.filters.values")).fill("Liam, Olivia")
    await panel.get_by_role("button", name=say("form.save"), exact=True).click()
    rows = contacts.main.locator("tbody").get_by_role("rowheader")
    await expect(rows.first).to_have_text(re.compile("^(Liam|Olivia)"))
    await expect(rows.filter(has_not_text=re.compile("^(Liam|Olivia)"))).to_have_count(0)

    await contacts.control("columns")
    dialog = page.get_by_role("dialog", name=say("view.columns.title"))
    await dialog.get_by_role("option", name="Email", exact=True).click()
    await dialog.get_by_role("button", name=say("view.columns.remove")).click()
    await dialog.get_by_role("button", name=say("form.save"), exact=True).click()
    await expect(contacts.main.get_by_role("columnheader", name="Email")).to_have_count(0)

    await contacts.main.get_by_role("button", name=say("list.pin"), exact=True).click()
    await contacts.main.get_by_role("button", name=say("list.unpin"), exact=True).wait_for()
    await emma.go("/lightning/o/Contact/list")
    await expect(contacts.heading).to_contain_text(label)
    await contacts.control("delete")
    dialog = page.get_by_role("dialog", name=say("view.delete.title"))
    await dialog.get_by_role("button", name=say("view.delete"), exact=True).click()
    await expect(contacts.heading).to_contain_text("All Contacts")


async def test_another_app_keeps_the_phone(emma: Desk) -> None:
    page, shell = emma.page, Shell(emma.page, emma.console_says)
    callbar = emma.callbar
    try:
        await shell.switch_app("Sales")
        pages = page.get_by_role("navigation", name=emma.console_says("nav.pages"))
        await pages.get_by_role("link", name="Contacts", exact=True).click()
        contacts = await shell.list_page("Contacts")
        await contacts.main.locator("tbody").get_by_role("rowheader").first.get_by_role("link").click()
        await expect(shell.tabs).to_have_count(0)
        await expect(pages.get_by_role("link", name="Contacts", exact=True)).to_have_attribute(
            "aria-current", "page"
        )
        assert emma.callbar is callbar, "the phone was loaded anew"
        await emma.go()
        await expect(page.get_by_role("region", name="Sales", exact=True)).to_be_visible()
    finally:
        await shell.switch_app("Service Console")


async def test_the_list_stays_beside_its_records(emma: Desk) -> None:
    page, say, shell = emma.page, emma.console_says, Shell(emma.page, emma.console_says)
    await shell.close_tabs()
    contacts = await shell.open_item("Contacts")
    await contacts.main.get_by_role("button", name=say("split.open"), exact=True).click()
    name = await contacts.main.locator("tbody").get_by_role("rowheader").first.inner_text()
    await contacts.open(name)
    split = page.get_by_role("region", name=say("split.name"), exact=True)
    await expect(split.locator("[aria-current=true]")).to_contain_text(name)
    await expect(split.locator(".console-dial").first).to_be_visible()
    await page.get_by_role("main").focus()
    await page.keyboard.press("g")
    await page.keyboard.press("v")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await expect(shell.tabs.get_by_role("link")).to_have_count(2)
    await split.get_by_role("button", name=say("split.close"), exact=True).click()
    await expect(split.get_by_role("list", name=say("split.choose"))).to_have_count(0)


async def test_everything_found_of_one_object(emma: Desk) -> None:
    page, say, shell = emma.page, emma.console_says, Shell(emma.page, emma.console_says)
    await shell.close_tabs()
    await page.keyboard.press("/")
    await page.keyboard.type("Garcia")
    await page.keyboard.press("Enter")
    objects = page.get_by_role("navigation", name=say("search.objects"))
    await objects.get_by_role("link", name="Contacts").click()
    await expect(page).to_have_url(re.compile("object=Contact"))
    await expect(page.get_by_role("main").get_by_role("heading", level=2)).to_have_count(1)
    await page.get_by_role("main").get_by_role("rowheader").first.get_by_role("link").click()
    await expect(shell.tabs.get_by_role("link")).to_have_count(1)


async def test_old_addresses_lead_to_their_pages(emma: Desk, demo: Demo) -> None:
    page = emma.page
    await page.goto(f"{demo.console}/003/o")
    await Shell(page, emma.console_says).list_page("Contacts")
    await page.goto(f"{demo.console}/lightning/page/home#/sObject/Lead/list")
    await Shell(page, emma.console_says).list_page("Leads")
    await page.goto(f"{demo.console}/apex/Softphone?x={quote('ü')}")
    await _heading(page, emma.console_says("unknown.title"))


async def test_notes_are_there_again(emma: Desk) -> None:
    page, say = emma.page, emma.console_says
    text = f"Call back {secrets.token_hex(3)}"
    await page.get_by_role("button", name="Notes", exact=True).click()
    field = page.get_by_role("textbox", name=say("notes.label"), exact=True)
    await field.fill(text)
    await expect(page.get_by_text(say("notes.saved"), exact=True)).to_be_visible()
    await emma.go()
    await page.get_by_role("button", name="Notes", exact=True).click()
    await expect(field).to_have_value(text)


async def test_many_records_get_another_owner_and_go_and_come_back(demo: Demo, street: Street) -> None:
    context = await street.computer.browser.new_context()
    page = await context.new_page()
    await page.goto(demo.console)
    await sign_in_to_crm(page, ADMIN.email)
    say = words("console", ADMIN.language)
    shell = Shell(page, say)
    family = f"Quill{secrets.token_hex(3)}"
    contacts = await shell.open_item("Contacts")
    for first in ("Ada", "Bea", "Cleo"):
        contacts = await shell.open_item("Contacts")
        await contacts.main.get_by_role("button", name=say("list.new"), exact=True).click()
        form = page.get_by_role("dialog")
        await form.get_by_label("First Name").fill(first)
        await form.get_by_label("Last Name").fill(family)
        await form.get_by_role("button", name=say("form.save"), exact=True).click()
        await _heading(page, f"{first} {family}")
    contacts = await shell.open_item("Contacts")
    await contacts.find(family)
    await expect(contacts.row(family)).to_have_count(3)

    await contacts.check(f"Ada {family}")
    await contacts.check(f"Cleo {family}")
    await contacts.main.get_by_role("button", name=say("mass.owner"), exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("combobox").fill("Clark")
    await dialog.get_by_role("option").filter(has_text="Emma Clark").click()
    await dialog.get_by_role("button", name=say("form.save"), exact=True).click()
    await expect(contacts.row(family).filter(has_text="Emma Clark")).to_have_count(2)

    await contacts.check(f"Ada {family}")
    await contacts.check(f"Bea {family}")
    await contacts.main.get_by_role("button", name=say("mass.delete"), exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name=say("mass.delete"), exact=True).click()
    await expect(contacts.row(family)).to_have_count(1)
    await page.get_by_role("button", name=say("mass.undo"), exact=True).click()
    await expect(contacts.row(family)).to_have_count(3)
    await context.close()
