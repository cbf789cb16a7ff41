"""The portal: who does what now, what happened to a call, and what each role may see."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from playwright.async_api import Page, expect
from tests.journeys.conftest import Demo, Street, note, unknown_number
from tests.journeys.desk import ADMIN, EMMA, Desk, sign_in_to_portal


async def portal(demo: Demo, street: Street, email: str) -> Page:
    """A portal page of a browser profile that nobody is signed in to yet."""
    context = await street.computer.browser.new_context()
    page = await context.new_page()
    await page.goto(demo.contact_center)
    await sign_in_to_portal(page, email)
    await page.get_by_role("navigation", name="Portal").wait_for()
    return page


async def test_the_live_page_follows_an_agent(demo: Demo, emma: Desk, street: Street) -> None:
    page = await portal(demo, street, ADMIN.email)
    row = page.get_by_role("row", name=EMMA.email)
    await expect(row).to_contain_text("Offline")
    queue = page.get_by_role("listitem").filter(has_text="support")
    await expect(queue.locator("dd").first).to_have_text("0")
    say = emma.say

    async def follows(presence: str, act: Coroutine[Any, Any, object], reason: str | None = None) -> None:
        """Something is done: both pages come to show the same words, the portal at most a second later."""
        words_ = say(f"presence.{presence}")
        if reason is not None:
            words_ += say("status.reason", reason=emma.reason_word(reason))
        looks = (emma.callbar.locator(".cb-status"), row)
        for where in looks:
            await where.evaluate(_LOOK_OUT, words_)
        await act
        async with asyncio.timeout(15):
            here, there = [await where.evaluate("(box) => box.shownAt") for where in looks]
        print(f"{words_}: {there - here:+.0f} ms")
        assert there - here < 1_000

    await follows("ready", emma.become("ready"))
    await follows("not_ready", emma.become("not_ready", "lunch"), "lunch")
    phone = await street.call("(415) 555-0123")
    await expect(queue.locator("dd").first).to_have_text("1")
    become_ready = emma.callbar.get_by_role("button", name="Become ready")
    await follows("ringing", become_ready.click())
    await follows("occupied", emma.answer())
    await expect(queue.locator("dd").first).to_have_text("0")
    await follows("wrap_up", phone.get_by_role("button", name="Hang up", exact=True).click())
    await follows("ready", emma.finish(caller_left=True))
    await follows("offline", emma.become("offline"))
    await page.context.close()


# When (ms) a part of the page came to show a text, as the page itself saw it.
_LOOK_OUT = """
(box, text) => {
  box.shownAt = new Promise((resolve) => {
    const shows = () =>
      [...box.querySelectorAll("td, .cb-status__state")].some((part) => part.textContent.trim() === text);
    const observer = new MutationObserver(() => {
      if (!shows()) return;
      observer.disconnect();
      resolve(Date.now());
    });
    observer.observe(box, { subtree: true, childList: true, characterData: true });
  });
}
"""


async def test_the_history_tells_a_calls_story(demo: Demo, emma: Desk, street: Street) -> None:
    await emma.become("ready")
    abandoned, written = unknown_number()
    phone = await street.call(abandoned)
    await emma.card("incoming").wait_for()
    await phone.get_by_role("button", name="Hang up", exact=True).click()
    await emma.sees("ready")
    await emma.go()
    await emma.sees("ready")
    phone = await street.call("(415) 555-0123")
    await emma.answer()
    notes = note("Story told")
    await emma.press("hold")
    await emma.card("held").wait_for()
    await emma.press("resume")
    await emma.card("talking").wait_for()
    await emma.finish(notes=notes, disposition="Resolved / 解決")

    page = await portal(demo, street, ADMIN.email)
    await page.get_by_role("link", name="Engagements").click()
    rows = page.get_by_role("row")
    first = rows.nth(1)
    await expect(first).to_contain_text("Olivia Martin")
    await expect(first).to_contain_text("Answered")
    await expect(first).to_contain_text("Resolved")
    await expect(rows.nth(2)).to_contain_text(written)
    await expect(rows.nth(2)).to_contain_text("Abandoned")
    await page.get_by_label("Search").fill(written)
    await expect(rows).to_have_count(2)
    await page.get_by_label("Search").fill("")
    await expect(rows.nth(2)).to_contain_text(written)

    await first.get_by_role("link", name="Olivia Martin").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Olivia Martin")
    await expect(page.get_by_text(notes)).to_be_visible()
    story = page.get_by_role("region", name="What happened").get_by_role("listitem")
    await expect(page.get_by_text("In the CRM", exact=True)).to_be_visible(timeout=20_000)
    told = [line.split("\n")[-1] for line in await story.all_inner_texts()]
    expected = [
        "The call arrived.",
        "The caller waited in the queue support.",
        "It rang at Emma Clark.",
        "Emma Clark answered.",
        "Emma Clark and the caller could talk.",
        "The caller was put on hold.",
        "The caller was taken off hold.",
        "The conversation ended: the agent hung up.",
        "The engagement was closed and its call log written.",
        "The call log was written into the CRM.",
    ]
    found = [line for line in told if line in expected]
    assert found == expected, told
    for name in ("Olivia Martin (Contact)", "Open in the CRM: Task"):
        link = page.get_by_role("link", name=name)
        address = await link.get_attribute("href") or ""
        assert address.startswith((f"{demo.console}/", f"http://acme.my.localhost:{demo.base + 1}/")), address
    await page.context.close()


async def test_an_agent_sees_own_calls_only(demo: Demo, emma: Desk, misaki: Desk, street: Street) -> None:
    mine, others = unknown_number(), unknown_number()
    await emma.become("ready")
    await street.call(mine[0])
    await emma.answer()
    await emma.finish()
    await emma.become("offline")
    await misaki.become("ready")
    await street.call(others[0])
    await misaki.answer()
    await misaki.finish()

    page = await portal(demo, street, EMMA.email)
    await expect(page.get_by_role("link", name="Live")).to_have_count(0)
    await expect(page.get_by_text("The calls you were offered or took, newest first.")).to_be_visible()
    await expect(page.get_by_role("row").filter(has_text=mine[1])).to_have_count(1)
    await expect(page.get_by_role("row").filter(has_text=others[1])).to_have_count(0)
    await page.context.close()


async def test_a_wrong_password_is_explained(demo: Demo, street: Street) -> None:
    context = await street.computer.browser.new_context()
    page = await context.new_page()
    await page.goto(demo.contact_center)
    await sign_in_to_portal(page, ADMIN.email, "not-the-password")
    await expect(page.get_by_text("E-mail or password is wrong.")).to_be_visible()
    await sign_in_to_portal(page, ADMIN.email)
    await page.get_by_role("navigation", name="Portal").wait_for()
    await context.close()
