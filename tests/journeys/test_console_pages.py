"""Every page of the console, in both languages and for whoever reads it: names, contrast, sizes, keyboard."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from playwright.async_api import Page
from tests.journeys.computer import WAIT_MS
from tests.journeys.conftest import Demo, Street
from tests.journeys.console import RecordPage
from tests.journeys.desk import EMMA, MISAKI, sign_in_to_crm
from tests.journeys.looks import fits, focus_shows, look
from tests.journeys.words import LOCALES, words

AGENTS = {"en": EMMA, "ja": MISAKI}
SAMPLES: dict[str, dict[str, Any]] = {
    "Account": {"Name": "Sized Up", "Phone": "03-1234-9999", "BillingCity": "Kyoto"},
    "Contact": {"LastName": "Sized", "FirstName": "Ann", "Phone": "4155550166", "Email": "ann@sized.example"},
    "Lead": {"LastName": "Sized", "Company": "Sized Up", "Phone": "4155550167"},
    "Opportunity": {"Name": "Sized", "StageName": "Prospecting", "CloseDate": "2027-01-31", "Amount": 1200},
    "Case": {"Subject": "Sized", "Priority": "High"},
    "Task": {"Subject": "Sized", "ActivityDate": "2027-01-31"},
    "Event": {
        "Subject": "Sized",
        "StartDateTime": "2027-01-31T01:00:00Z",
        "EndDateTime": "2027-01-31T02:00:00Z",
    },
}
_ASK = """async ([method, path, body]) => {
  const { csrf_token } = await (await fetch('/console/api/bootstrap')).json();
  const answer = await fetch(`/console/api/${path}`, { method, body: body === null ? undefined : JSON.stringify(body),
    headers: { 'X-CSRF-Token': csrf_token, 'Content-Type': 'application/json' } });
  return { status: answer.status, text: await answer.text() };
}"""


async def ask(page: Page, method: str, path: str, body: Any = None) -> Any:
    """What the console's API answers to the user of this page."""
    answer = await page.evaluate(_ASK, [method, path, body])
    assert answer["status"] < 300, answer
    return json.loads(answer["text"]) if answer["text"] else None


@asynccontextmanager
async def console_of(demo: Demo, street: Street, language: str) -> AsyncGenerator[Page]:
    """A console in a browser window of its own, at 1280 pixels."""
    context = await street.computer.browser.new_context(
        locale=LOCALES[language], viewport={"width": 1280, "height": 860}
    )
    context.set_default_timeout(WAIT_MS)
    page = await context.new_page()
    try:
        await page.goto(demo.crm)
        await sign_in_to_crm(page, AGENTS[language].email)
        await settle(page)
        yield page
    finally:
        await context.close()


async def settle(page: Page) -> None:
    """Wait until the page is drawn and asks for nothing more."""
    await page.get_by_role("main").wait_for()
    await page.wait_for_function(
        "() => document.querySelector('h1') && !document.querySelector('.slds-spinner, .ui-skeleton')"
    )


@pytest.mark.parametrize("language", list(AGENTS))
async def test_every_page_reads_well_and_fits(demo: Demo, street: Street, language: str) -> None:
    wrong: list[str] = []
    async with console_of(demo, street, language) as page:
        made = {name: (await ask(page, "POST", f"data/v66.0/sobjects/{name}", values))["id"]
                for name, values in SAMPLES.items()}  # fmt: skip
        paths = {"home": "/lightning/page/home", "nowhere": "/lightning/nowhere/at/all"}
        paths |= {f"list-{name}": f"/lightning/o/{name}/list" for name in SAMPLES}
        paths |= {f"record-{name}": f"/lightning/r/{name}/{id_}/view" for name, id_ in made.items()}
        paths |= {
            f"new-{name}": f"/lightning/o/{name}/new" for name in ("Contact", "Opportunity", "Case", "Event")
        }
        for name, path in paths.items():
            await page.goto(f"{demo.console}{path}")
            await settle(page)
            wrong += await look(page, f"page-{name}", language)
            if language == "ja":  # the longer words, and the taller letters
                wrong += await fits(page, name)
        for id_, name in ((id_, name) for name, id_ in made.items()):
            deleted = await page.evaluate(_ASK, ["DELETE", f"data/v66.0/sobjects/{name}/{id_}", None])
            assert deleted["status"] in (204, 403), deleted
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", list(AGENTS))
async def test_what_opens_over_a_page_reads_well(demo: Demo, street: Street, language: str) -> None:
    wrong: list[str] = []
    say = words("console", language)
    async with console_of(demo, street, language) as page:
        await page.locator(".console-avatar").click()
        await page.get_by_role("menu").wait_for()
        wrong += await look(page, "over-user-menu", language)
        await page.get_by_role("menuitem", name=say("settings.menu")).click()
        await page.get_by_role("dialog").get_by_role("combobox").first.wait_for()
        wrong += await look(page, "over-settings", language)
        wrong += await fits(page, "settings")
        await page.goto(f"{demo.console}/lightning/o/Opportunity/new")
        form = page.get_by_role("dialog").first
        await form.get_by_role("button", name=say("date.open")).first.click()
        await page.get_by_role("grid").wait_for()
        wrong += await look(page, "over-calendar", language)
        await page.keyboard.press("Escape")
        await form.get_by_role("button", name=say("form.save"), exact=True).click()
        await form.get_by_text(say("problem.REQUIRED_FIELD_MISSING")).first.wait_for()
        wrong += await look(page, "over-new-with-problems", language)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", list(AGENTS))
async def test_the_shell_reads_well_and_fits(demo: Demo, street: Street, language: str) -> None:
    wrong: list[str] = []
    say = words("console", language)

    async def see(name: str) -> None:
        wrong.extend(await look(page, f"shell-{name}", language))
        wrong.extend(await fits(page, name))

    async with console_of(demo, street, language) as page:
        await page.get_by_role("button", name=say("launcher.open"), exact=True).click()
        await page.get_by_role("dialog", name=say("launcher.title"), exact=True).wait_for()
        await see("launcher")
        await page.keyboard.press("Escape")
        await page.get_by_role("main").focus()
        await page.keyboard.press("Control+/")
        await page.get_by_role("dialog", name=say("keys.title"), exact=True).wait_for()
        await see("keys")
        await page.keyboard.press("Escape")
        await page.goto(f"{demo.console}/lightning/o/Contact/list")
        await settle(page)
        await page.get_by_role("button", name=say("list.choose"), exact=True).click()
        await page.get_by_role("menuitemradio").first.wait_for()
        await see("views")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name=say("list.filters.show"), exact=True).click()
        await page.get_by_role("complementary", name=say("list.filters")).wait_for()
        await see("filters")
        await page.get_by_role("button", name=say("view.menu"), exact=True).click()
        await page.get_by_role("menuitem", name=say("view.clone"), exact=True).wait_for()
        await see("view-menu")
        await page.keyboard.press("Escape")
        rows = page.get_by_role("main").locator("tbody").get_by_role("rowheader")
        await rows.first.get_by_role("link").click()
        await settle(page)
        await page.get_by_role("button", name=say("split.open"), exact=True).click()
        await page.get_by_role("button", name=say("split.close"), exact=True).wait_for()
        await settle(page)
        await see("split")
        search = page.get_by_role("combobox", name=say("search.label"), exact=True)
        await search.fill("Garcia")
        await page.get_by_role("option").first.wait_for()
        await see("search-as-typed")
        await search.press("Enter")
        await page.get_by_role("heading", name=say("search.results")).first.wait_for()
        await settle(page)
        await see("search")
    assert not wrong, "\n".join(wrong)


async def test_the_keyboard_reaches_everything_and_shows_where_it_is(demo: Demo, street: Street) -> None:
    wrong: list[str] = []
    async with console_of(demo, street, "en") as page:
        contacts = await ask(page, "GET", "list/Contact?limit=1")
        contact = contacts["records"][0]["Id"]
        for name, path in (
            ("home", "/lightning/page/home"),
            ("list", "/lightning/o/Contact/list"),
            ("record", f"/lightning/r/Contact/{contact}/view"),
            ("new", "/lightning/o/Contact/new"),
        ):
            await page.goto(f"{demo.console}{path}")
            await settle(page)
            wrong += await focus_shows(page, name)
        await page.goto(f"{demo.console}/lightning/r/Contact/{contact}/view")
        await settle(page)
        await page.get_by_role("button", name="Edit", exact=True).first.click()
        wrong += await focus_shows(page, "edit")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("language", list(AGENTS))
async def test_what_is_done_with_records_reads_well_and_fits(
    demo: Demo, street: Street, language: str
) -> None:
    wrong: list[str] = []
    say = words("console", language)

    async def see(name: str) -> None:
        wrong.extend(await look(page, f"record-{name}", language))
        wrong.extend(await fits(page, name))

    async with console_of(demo, street, language) as page:
        record = RecordPage(page, say)
        contact = (await ask(page, "POST", "data/v66.0/sobjects/Contact", SAMPLES["Contact"]))["id"]
        lead = (await ask(page, "POST", "data/v66.0/sobjects/Lead", SAMPLES["Lead"]))["id"]
        await page.goto(f"{demo.console}/lightning/r/Contact/{contact}/view")
        await settle(page)
        await record.open_related()
        await see("related")
        await page.get_by_role("tab", name=say("record.details"), exact=True).click()
        await record.press("record.edit")
        await see("edit")
        await record.press("form.cancel")
        for name in ("call", "task", "event"):
            await record.press(f"activity.{name}")
            await see(f"activity-{name}")
            await record.press("form.cancel")
        for name in ("merge", "owner", "delete"):
            if name == "owner":
                await record.press("action.owner")
            else:
                await record.choose(f"action.{name}")
            await page.get_by_role("dialog").wait_for()
            await settle(page)
            await see(name)
            await page.keyboard.press("Escape")
            await page.get_by_role("dialog").wait_for(state="detached")
        await page.goto(f"{demo.console}/lightning/r/Lead/{lead}/view")
        await settle(page)
        await record.press("action.convert")
        await page.get_by_role("dialog").wait_for()
        await settle(page)
        await see("convert")
        await page.goto(f"{demo.console}/lightning/o/DeleteEvent/home")
        await settle(page)
        await see("bin")
    assert not wrong, "\n".join(wrong)
