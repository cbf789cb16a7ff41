"""The same agent in several tabs, windows and computers: one call, one owner of its sound, which can move."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from playwright.async_api import Frame, Page, expect
from tests.journeys.computer import hears, rings
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, OTHER_AGENT_HZ, Demo, Street
from tests.journeys.desk import Desk

BACK_S = 2.0
"""A callbar that is there again has its sound within this."""


async def talking(emma: Desk, street: Street) -> Page:
    """A call of Emma's; gives the caller's telephone."""
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")
    await emma.answer()
    await asyncio.gather(hears(phone, AGENT_HZ), hears(emma.callbar, CALLER_HZ))
    return phone


async def both_hear(where: Frame | Page, phone: Page, hz: float) -> float:
    """Wait until both sides of the call are heard; gives the seconds it took."""
    began_at = time.monotonic()
    await asyncio.gather(hears(where, CALLER_HZ), hears(phone, hz))
    took_s = time.monotonic() - began_at
    print(f"\nheard after {took_s:.2f} s")
    return took_s


async def back_in_time(come_back: Callable[[], Awaitable[float]]) -> None:
    """The sound is back within `BACK_S`; a machine that is busy with something else gets three chances."""
    took = [await come_back()]
    while min(took) >= BACK_S and len(took) < 3:
        took.append(await come_back())
    assert min(took) < BACK_S, took


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
    await second.use_here()
    await both_hear(second.callbar, phone, AGENT_HZ)
    await expect(emma.callbar.get_by_text(emma.say("mirror.title"))).to_be_visible()
    # Back again in the same way; the call has not noticed.
    await emma.use_here()
    await both_hear(emma.callbar, phone, AGENT_HZ)
    await second.page.close()
    await emma.finish()


async def test_a_page_reloaded_in_mid_call_is_back_with_its_sound(emma: Desk, street: Street) -> None:
    phone = await talking(emma, street)

    async def reload() -> float:
        await emma.page.reload()
        await (await emma.callbar_shown()).locator(".cb-status").wait_for(state="attached")
        return await both_hear(emma.callbar, phone, AGENT_HZ)

    await back_in_time(reload)
    await expect(emma.card("talking")).to_contain_text("Olivia Martin")
    await emma.press("hold")
    await expect(phone.locator(".ph-call__state")).to_have_text("On hold")
    await emma.press("resume")
    await hears(phone, AGENT_HZ)
    await emma.finish()


async def test_a_tab_closed_in_mid_call_and_opened_again_has_the_call(emma: Desk, street: Street) -> None:
    phone = await talking(emma, street)

    async def close_and_open() -> float:
        await emma.page.close()
        await expect(phone.locator(".ph-call__state")).to_have_text("Talking")
        emma.page = await emma.computer.open(f"{emma.demo.console}/lightning/page/home")
        await (await emma.callbar_shown()).locator(".cb-status").wait_for(state="attached")
        return await both_hear(emma.callbar, phone, AGENT_HZ)

    await back_in_time(close_and_open)
    await expect(emma.card("talking")).to_contain_text("Olivia Martin")
    await emma.finish()


async def test_a_callbar_popped_out_in_mid_call_takes_the_sound_along(
    demo: Demo, emma: Desk, street: Street
) -> None:
    await emma.computer.context.grant_permissions(["microphone"], origin=demo.contact_center)
    phone = await talking(emma, street)

    async def pop_out() -> float:
        await emma.callbar.locator(".cb-user").click()
        async with emma.computer.context.expect_page() as opening:
            await emma.callbar.get_by_role("menuitem", name=emma.say("user.own_window"), exact=True).click()
        window = await opening.value
        await window.locator(".cb-status").wait_for()
        took_s = await both_hear(window, phone, AGENT_HZ)
        card = window.get_by_role("region", name=emma.say("card.talking"))
        await expect(card).to_contain_text("Olivia Martin")
        await expect(emma.callbar.get_by_text(emma.say("mirror.title"))).to_be_visible()
        # Closed again, the phone is back in the page by itself.
        await window.close()
        await both_hear(emma.callbar, phone, AGENT_HZ)
        return took_s

    await back_in_time(pop_out)
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
    await other_computer.use_here()
    await both_hear(other_computer.callbar, phone, OTHER_AGENT_HZ)
    await expect(emma.callbar.get_by_text(emma.say("mirror.title"))).to_be_visible()
    await emma.use_here()
    await both_hear(emma.callbar, phone, AGENT_HZ)
    await second.page.close()
    await emma.finish()
