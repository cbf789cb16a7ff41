"""The same agent in two tabs: one call, one owner of its sound."""

from __future__ import annotations

from playwright.async_api import expect
from tests.journeys.computer import hears
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, Street
from tests.journeys.desk import Desk


async def test_a_second_tab_takes_the_call_over_with_one_click(emma: Desk, street: Street) -> None:
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")
    await emma.answer()
    await hears(phone, AGENT_HZ)

    second = Desk(emma.demo, emma.computer, emma.who)
    second.page = await emma.computer.open(f"{emma.demo.console}/lightning/page/home")
    await second.open_phone()
    await second.callbar.get_by_text(second.say("mirror.title")).wait_for()
    await second.use_here()
    await hears(second.callbar, CALLER_HZ)
    await hears(phone, AGENT_HZ)
    await expect(emma.callbar.get_by_text(emma.say("mirror.title"))).to_be_visible()
    # Back again in the same way; the call has not noticed.
    await emma.use_here()
    await hears(emma.callbar, CALLER_HZ)
    await second.page.close()
    await emma.finish()
