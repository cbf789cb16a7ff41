"""An administrator renames a customer and hands the record over: whoever works with it sees so within 5 s."""

from __future__ import annotations

import re
import time

from playwright.async_api import Locator, Page, expect
from tests.journeys.conftest import QUEUE_JP, QUEUE_US, Demo, Street, unknown_number
from tests.journeys.console import Shell
from tests.journeys.desk import ADMIN, MISAKI, Desk, Person, sign_in_to_crm, sign_in_to_portal
from tests.journeys.looks import look
from tests.journeys.words import words

WITHIN_S = 5.0


class Administrator:
    """Somebody at the CRM's console, in English, with one contact of their own."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def make(self, first: str, last: str, phone: str) -> None:
        """Create the contact, and stay on its page."""
        await Shell(self.page, words("console", "en")).open_item("Contacts")
        await self.page.get_by_role("button", name="New", exact=True).click()
        form = self.page.get_by_role("dialog")
        await form.get_by_label("First Name").fill(first)
        await form.get_by_label("Last Name").fill(last)
        await form.get_by_label("Phone", exact=True).fill(phone)
        await form.get_by_role("button", name="Save", exact=True).click()
        await expect(self.page.get_by_role("heading", name=f"{first} {last}", level=1)).to_be_visible()

    async def change(self, last: str, owner: str) -> float:
        """Give the contact another name and another owner (found by part of a name); gives when it was saved."""
        await self.page.get_by_role("button", name="Edit", exact=True).click()
        await self.page.get_by_role("textbox", name="Last Name").fill(last)
        await self.page.get_by_role("button", name="Clear Contact Owner").click()
        await self.page.get_by_role("combobox", name="Contact Owner").fill(owner)
        await self.page.get_by_role("option").filter(has_text=owner).click()
        async with self.page.expect_response(lambda response: response.request.method == "PATCH") as saving:
            await self.page.get_by_role("button", name="Save", exact=True).click()
        assert (await saving.value).ok
        return time.monotonic()


async def follows(where: Locator, saved_at: float, *texts: str) -> None:
    """Wait until `where` says all of it, `WITHIN_S` after the change was saved."""
    for text in texts:
        left = max(0.001, saved_at + WITHIN_S - time.monotonic())
        await expect(where).to_contain_text(text, timeout=left * 1000)


async def test_a_manager_and_an_english_agent_see_the_new_name(
    demo: Demo, emma: Desk, street: Street
) -> None:
    last, later, latest = (f"{name} {unknown_number()[1][-4:]}" for name in ("Novak", "Dvorak", "Svoboda"))
    await _all_follow(
        demo,
        emma,
        street,
        queue=QUEUE_US,
        reader=ADMIN,
        person=("Petra", last),
        changes=[(later, "高橋"), (latest, "Clark")],
        seen=[
            (f"Petra {last}", "Administrator"),
            (f"Petra {later}", "美咲 高橋"),
            (f"Petra {latest}", "Emma Clark"),
        ],
    )


async def test_a_japanese_agent_sees_the_new_name_in_japanese_order(
    demo: Demo, misaki: Desk, street: Street
) -> None:
    last, later, latest = (f"{name}{unknown_number()[1][-4:]}" for name in ("森", "林", "原"))
    await _all_follow(
        demo,
        misaki,
        street,
        queue=QUEUE_JP,
        reader=MISAKI,
        person=("健", last),
        changes=[(later, "Clark"), (latest, "高橋")],
        seen=[(f"{last} 健", "Administrator"), (f"{later} 健", "Clark Emma"), (f"{latest} 健", "高橋 美咲")],
    )


async def _all_follow(
    demo: Demo,
    desk: Desk,
    street: Street,
    *,
    queue: str,
    reader: Person,
    person: tuple[str, str],
    changes: list[tuple[str, str]],
    seen: list[tuple[str, str]],
) -> None:
    """`seen` is how the record and its owner are called at first and after each of the two `changes`."""
    wrong: list[str] = []
    dialled, _ = unknown_number()

    def owned(name: str) -> str:
        return desk.say("records.owner", name=name)

    crm = await street.computer.browser.new_context()
    administrator = Administrator(await crm.new_page())
    await administrator.page.goto(demo.crm)
    await sign_in_to_crm(administrator.page, ADMIN.email)
    await administrator.make(*person, dialled)
    await desk.become("ready")
    await street.call(dialled, to=queue)
    await desk.answer()
    card = desk.card("talking")
    await expect(card).to_contain_text(seen[0][0])
    await expect(card).to_contain_text(owned(seen[0][1]))

    saved_at = await administrator.change(*changes[0])
    await follows(card, saved_at, seen[1][0], owned(seen[1][1]))
    wrong += await look(desk.page, "renamed-card", desk.who.language)
    await desk.finish()

    # The call is over, and is on three lists.
    await desk.callbar.get_by_role("button", name=desk.say("dial.open")).click()
    recent = desk.callbar.locator(".cb-dial__recent li").first
    await expect(recent).to_contain_text(seen[1][0])
    portal = await street.computer.browser.new_context()
    history, detail = await portal.new_page(), await portal.new_page()
    await history.goto(demo.contact_center)
    await sign_in_to_portal(history, reader.email)
    says = words("admin", reader.language)
    await history.get_by_role("link", name=says("nav.engagements")).click()
    row = history.get_by_role("row").nth(1)
    await expect(row).to_contain_text(seen[1][0])
    address = await row.get_by_role("link").get_attribute("href")
    await detail.goto(f"{demo.contact_center}{address}")
    facts = detail.get_by_role("region", name=says("engagement.facts"))
    await expect(facts).to_contain_text(seen[1][0])

    saved_at = await administrator.change(*changes[1])
    await follows(recent, saved_at, seen[2][0], owned(seen[2][1]))
    await follows(row, saved_at, seen[2][0], says("record.owner", name=seen[2][1]))
    await follows(facts, saved_at, seen[2][0], seen[2][1])
    await recent.scroll_into_view_if_needed()
    wrong += await look(desk.page, "renamed-recent", desk.who.language)
    for page, name in ((detail, "renamed-engagement"), (history, "renamed-history")):
        await page.bring_to_front()
        wrong += await look(page, name, reader.language)

    # Found by what it was called in the call, and by what it is called now.
    for typed in (seen[1][0], seen[2][0]):
        await history.get_by_label(says("filter.q")).fill(typed)
        await expect(history).to_have_url(re.compile(r"\?q="))
        await expect(history.get_by_role("row")).to_have_count(2)
        await expect(row).to_contain_text(seen[2][0])
        await history.get_by_label(says("filter.q")).fill("")
        await expect(history).to_have_url(f"{demo.contact_center}/portal/engagements")
    await desk.callbar.get_by_role("button", name=desk.say("dial.back")).click()
    await crm.close()
    await portal.close()
    assert wrong == []
