"""A visitor of a website calls a queue from the page `/call/<queue>`."""

from __future__ import annotations

from playwright.async_api import expect
from tests.journeys.computer import hears
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, Demo, Street
from tests.journeys.desk import Desk


async def test_a_visitor_talks_to_an_agent(demo: Demo, emma: Desk, street: Street) -> None:
    await emma.become("ready")
    page = await street.computer.open(f"{demo.contact_center}/call/support")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Call Acme support")
    await page.get_by_label("Your name").fill("Vera Visitor")
    await page.get_by_role("button", name="Call", exact=True).click()
    card = emma.card("incoming")
    await expect(card).to_contain_text("Vera Visitor")
    await expect(card).to_contain_text("Name given by the caller")
    await emma.answer()
    await hears(page, AGENT_HZ)
    await hears(emma.callbar, CALLER_HZ)
    await page.get_by_role("button", name="Hang up", exact=True).click()
    await expect(page.get_by_text("You hung up.")).to_be_visible()
    await expect(emma.card("wrap_up")).to_contain_text("The caller hung up.")
    await emma.finish(caller_left=True)
    await emma.sees("ready")


async def test_a_queue_that_does_not_exist_is_explained(demo: Demo, street: Street) -> None:
    page = await street.computer.open(f"{demo.contact_center}/call/nowhere")
    await page.get_by_role("button", name="English").click()
    await expect(page.get_by_text("Nobody can be called here")).to_be_visible()
    street.computer.expected = "404 (Not Found)"
