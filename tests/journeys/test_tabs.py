"""The same agent in two tabs: one call, one owner of its sound."""

from __future__ import annotations

from playwright.async_api import expect
from tests.journeys.computer import hears, until
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, Street
from tests.journeys.desk import CALLBAR, Desk


async def test_a_second_tab_takes_the_call_over_with_one_click(emma: Desk, street: Street) -> None:
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")
    await emma.answer()
    await hears(phone, AGENT_HZ)

    tab = await emma.computer.open(f"{emma.demo.console}/lightning/page/home")

    async def callbar_there() -> bool:
        return any(CALLBAR in frame.url for frame in tab.frames)

    if not await callbar_there():
        await tab.locator(".console-utility__item").first.click()
    await until(callbar_there, "the callbar in the second tab")
    second = next(frame for frame in tab.frames if CALLBAR in frame.url)
    here = second.get_by_role("button", name=emma.say("mirror.use_here"))
    await here.wait_for()
    await here.click()
    await hears(second, CALLER_HZ)
    await hears(phone, AGENT_HZ)
    await expect(emma.callbar.get_by_text(emma.say("mirror.title"))).to_be_visible()
    # Back again in the same way; the call has not noticed.
    await emma.use_here()
    await hears(emma.callbar, CALLER_HZ)
    await tab.close()
    await emma.finish()
