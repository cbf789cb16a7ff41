"""The same agent in several tabs, windows and computers: one call, one owner of its sound, which can move."""

from __future__ import annotations

import asyncio
import time

from playwright.async_api import Frame, Page, expect
from tests.journeys.computer import hears, rings
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, OTHER_AGENT_HZ, Demo, Street
from tests.journeys.desk import Desk

BACK_S = 2.0
"""A callbar that is there again has state and sound within this."""


async def talking(emma: Desk, street: Street) -> Page:
    """A call of Emma's; gives the caller's telephone."""
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")
    await emma.answer()
    await asyncio.gather(hears(phone, AGENT_HZ), hears(emma.callbar, CALLER_HZ))
    return phone


async def both_hear(where: Frame | Page, phone: Page, hz: float, *, since: float) -> None:
    """Both sides of the call are heard within `BACK_S` of a moment."""
    await asyncio.gather(hears(where, CALLER_HZ), hears(phone, hz))
    took_s = time.monotonic() - since
    print(f"\nheard after {took_s:.2f} s")
    assert took_s < BACK_S


async def another_tab(emma: Desk) -> Desk:
    """A second tab at the same computer."""
    second = Desk(emma.demo, emma.computer, emma.who)
    second.page = await emma.computer.open(f"{emma.demo.console}/lightning/page/home")
    await second.open_phone()
    await second.callbar.get_by_text(second.say("mirror.title")).wait_for()
    return second


async def test_a_second_tab_takes_the_call_over_with_one_click(emma: Desk, street: Street) -> None:
    phone = await talking(emma, street)
    second = await another_tab(emma)
    clicked_at = time.monotonic()
    await second.use_here()
    await both_hear(second.callbar, phone, AGENT_HZ, since=clicked_at)
    await expect(emma.callbar.get_by_text(emma.say("mirror.title"))).to_be_visible()
    # Back again in the same way; the call has not noticed.
    clicked_at = time.monotonic()
    await emma.use_here()
    await both_hear(emma.callbar, phone, AGENT_HZ, since=clicked_at)
    await second.page.close()
    await emma.finish()


async def test_a_page_reloaded_in_mid_call_is_back_with_its_sound(emma: Desk, street: Street) -> None:
    phone = await talking(emma, street)
    await emma.page.reload()
    there_at = time.monotonic()
    await emma.callbar_shown()
    await both_hear(emma.callbar, phone, AGENT_HZ, since=there_at)
    await expect(emma.card("talking")).to_contain_text("Olivia Martin")
    await emma.press("hold")
    await expect(phone.locator(".ph-call__state")).to_have_text("On hold")
    await emma.press("resume")
    await hears(phone, AGENT_HZ)
    await emma.finish()


async def test_a_tab_closed_in_mid_call_and_opened_again_has_the_call(emma: Desk, street: Street) -> None:
    phone = await talking(emma, street)
    await emma.page.close()
    await expect(phone.locator(".ph-call__state")).to_have_text("Talking")
    emma.page = await emma.computer.open(f"{emma.demo.console}/lightning/page/home")
    there_at = time.monotonic()
    await emma.callbar_shown()
    await both_hear(emma.callbar, phone, AGENT_HZ, since=there_at)
    await expect(emma.card("talking")).to_contain_text("Olivia Martin")
    await emma.finish()


async def test_a_callbar_popped_out_in_mid_call_takes_the_sound_along(
    demo: Demo, emma: Desk, street: Street
) -> None:
    await emma.computer.context.grant_permissions(["microphone"], origin=demo.contact_center)
    phone = await talking(emma, street)
    await emma.callbar.locator(".cb-user").click()
    async with emma.computer.context.expect_page() as opening:
        await emma.callbar.get_by_role("menuitem", name=emma.say("user.own_window"), exact=True).click()
    window = await opening.value
    await window.wait_for_load_state("load")
    there_at = time.monotonic()
    await both_hear(window, phone, AGENT_HZ, since=there_at)
    await expect(window.get_by_role("region", name=emma.say("card.talking"))).to_contain_text("Olivia Martin")
    await expect(emma.callbar.get_by_text(emma.say("mirror.title"))).to_be_visible()
    # Closed again, the phone is back in the page by itself.
    await window.close()
    closed_at = time.monotonic()
    await both_hear(emma.callbar, phone, AGENT_HZ, since=closed_at)
    await emma.finish()


async def test_two_computers_and_two_tabs_ring_pop_and_act_once(
    emma: Desk, other_computer: Desk, street: Street
) -> None:
    await emma.become("ready")
    second = await another_tab(emma)
    mirrors = (second, other_computer)
    before = [await rings(desk.callbar) for desk in mirrors]
    home = [desk.page.url for desk in mirrors]

    phone = await street.call("(415) 555-0123")
    await emma.card("incoming").wait_for()
    await emma.shows_record("Olivia Martin")
    assert await rings(emma.callbar) > 0
    for desk in mirrors:
        await expect(desk.card("incoming")).to_contain_text("Olivia Martin")
        # It shows the call, but there is nothing to press.
        button = desk.callbar.get_by_role("button", name=desk.say("action.answer"), exact=True)
        await expect(button.and_(desk.callbar.locator(":enabled"))).to_have_count(0)
    await emma.press("answer")
    await emma.card("talking").wait_for()
    await hears(phone, AGENT_HZ)
    for desk in mirrors:
        await expect(desk.card("talking")).to_be_visible()
    assert [await rings(desk.callbar) for desk in mirrors] == before
    assert [desk.page.url for desk in mirrors] == home, "no record was opened there"

    # The other computer takes the running call over with one click.
    clicked_at = time.monotonic()
    await other_computer.use_here()
    await both_hear(other_computer.callbar, phone, OTHER_AGENT_HZ, since=clicked_at)
    await expect(emma.callbar.get_by_text(emma.say("mirror.title"))).to_be_visible()
    clicked_at = time.monotonic()
    await emma.use_here()
    await both_hear(emma.callbar, phone, AGENT_HZ, since=clicked_at)
    await second.page.close()
    await emma.finish()
