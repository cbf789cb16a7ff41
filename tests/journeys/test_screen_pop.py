"""What the CRM opens when somebody calls: nobody's number, somebody's, several people's."""

from __future__ import annotations

import re

from playwright.async_api import expect
from tests.journeys.computer import until
from tests.journeys.conftest import QUEUE_JP, Street, note, unknown_number
from tests.journeys.console import Shell
from tests.journeys.desk import Desk


async def test_an_unknown_caller_becomes_a_contact(emma: Desk, street: Street) -> None:
    dialled, written = unknown_number()
    page, surname = emma.page, f"Novak {written[-4:]}"
    await emma.become("ready")

    # The agent is in the middle of editing somebody when the phone rings.
    shell = Shell(page, emma.console_says)
    await shell.close_tabs()  # those of other journeys: with many the tab that is left would be among "more"
    await shell.open_item("Contacts")
    await page.get_by_role("link", name="Liam O'Connor").first.click()
    await emma.shows_record("Liam O'Connor")
    await page.get_by_role("button", name="Edit Title").click()
    await page.get_by_role("textbox", name="Title").fill("Half a wo")

    await street.call(dialled)
    form = page.get_by_role("dialog", name="New Contact")
    await expect(form.get_by_label("Phone", exact=True)).to_have_value(written)
    await expect(emma.card("incoming")).to_contain_text(written)
    await expect(emma.card("incoming")).to_contain_text("Nobody in the CRM has this number.")
    await emma.answer()
    await form.get_by_label("First Name").fill("Petra")
    await form.get_by_label("Last Name").fill(surname)
    await form.get_by_role("button", name="Save", exact=True).click()
    await emma.shows_record(f"Petra {surname}")
    record = page.url

    # What was typed before is still there.
    await page.get_by_role("link", name="Liam O'Connor").click()
    await expect(page.get_by_role("textbox", name="Title")).to_have_value("Half a wo")
    await page.get_by_role("button", name="Cancel", exact=True).click()

    # The call belongs to the new person.
    await expect(emma.card("talking")).to_contain_text(f"Petra {surname}")
    await emma.finish(notes="First order, please call back", disposition="Follow-up needed / 要フォロー")
    await page.goto(record)
    await emma.shows_record(f"Petra {surname}")
    entry = emma.timeline().locator("li", has_text="First order, please call back")
    await expect(entry).to_have_count(1, timeout=20_000)
    await expect(entry).to_contain_text(written)

    # The next call from there, however it is typed, opens the page at once.
    await emma.go()
    await emma.sees("ready")
    await street.call(written.replace("(", "").replace(") ", "."))
    await expect(emma.card("incoming")).to_contain_text(f"Petra {surname}")
    await emma.shows_record(f"Petra {surname}")
    assert page.url == record


async def test_a_number_that_two_contacts_share(emma: Desk, street: Street) -> None:
    await emma.become("ready")
    await street.call("415-555-0177")
    card = emma.card("incoming")
    await expect(card).to_contain_text("2 records have this number")
    await expect(card.get_by_role("button", name="Noah Garcia")).to_be_visible()
    await expect(card.get_by_role("button", name="Sofia Garcia")).to_be_visible()
    main = emma.page.get_by_role("main")
    await expect(main.get_by_role("heading", name="Search Results")).to_be_visible()
    for name in ("Noah Garcia", "Sofia Garcia"):
        await expect(main.get_by_role("link", name=name)).to_be_visible()
    await card.get_by_role("button", name="Sofia Garcia").click()
    await emma.shows_record("Sofia Garcia")
    await emma.answer()
    await expect(emma.card("talking")).to_contain_text("Sofia Garcia")
    notes = note("Asked for the invoice")
    await emma.finish(notes=notes)
    entry = emma.timeline().locator("li", has_text=notes)
    await expect(entry).to_have_count(1, timeout=20_000)


async def test_a_japanese_caller_typed_nationally_reaches_a_japanese_screen(
    misaki: Desk, street: Street
) -> None:
    await misaki.become("ready")
    await street.call("03-1234-5678", to=QUEUE_JP)
    card = misaki.card("incoming")
    name = re.compile("佐藤 花子|花子 佐藤")  # the CRM's Name, in the order of whoever connected it
    await expect(card).to_contain_text(name)
    await expect(card).to_contain_text("03-1234-5678")
    await misaki.shows_record("佐藤 花子")
    await expect(misaki.page.get_by_role("link", name="取引先責任者")).to_be_visible()
    await expect(misaki.page.locator(".console-utility__item")).to_have_text(name)
    await misaki.answer()
    notes = note("カタログ送付を希望")
    await misaki.finish(notes=notes, disposition="Resolved / 解決")
    await misaki.sees("ready")
    entry = misaki.timeline().locator("li", has_text=notes)
    await expect(entry).to_have_count(1, timeout=20_000)
    await expect(entry).to_contain_text("03-1234-5678")


async def test_a_caller_who_withholds_the_number(emma: Desk, street: Street) -> None:
    await emma.become("ready")
    before = emma.page.url
    await street.call(None)
    await expect(emma.card("incoming")).to_contain_text("Number withheld")
    await expect(emma.page.locator(".console-utility__item")).to_have_text("Incoming: Number withheld")
    await emma.answer()
    assert emma.page.url == before, "nothing opens for nobody"
    assert await emma.page.get_by_role("dialog", name="New Contact").count() == 0
    await emma.finish()


async def test_numbers_that_are_none_are_refused_where_they_are_typed(street: Street) -> None:
    for number in ("not a number", "1" * 40):
        phone = await street.call(number)
        await expect(phone.get_by_text("This is not a phone number that can call.")).to_be_visible()


async def test_a_full_width_number_with_an_extension_is_understood(emma: Desk, street: Street) -> None:
    await emma.become("ready")
    await street.call("（４１５）５５５－０１２３ 内線99")

    async def shown() -> str | None:
        card = emma.card("incoming")
        return await card.inner_text() if await card.count() else None

    text = await until(shown, "the card")
    assert "Olivia Martin" in text
    assert "ext. 99" in text
