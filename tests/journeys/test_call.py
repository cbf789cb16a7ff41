"""A call from the caller's voice to the contact's timeline, as agent and caller live it."""

from __future__ import annotations

import time

from playwright.async_api import expect
from tests.journeys.computer import hears, hears_not
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, Street
from tests.journeys.desk import Desk


async def test_a_known_contact_calls(emma: Desk, street: Street) -> None:
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")

    # The record is open before anybody has answered, and the card names the caller.
    await expect(emma.card("incoming")).to_contain_text("Olivia Martin")
    await emma.shows_record("Olivia Martin")
    await expect(emma.page.locator(".console-utility__item")).to_have_text("Incoming: Olivia Martin")

    await emma.answer()
    await hears(emma.callbar, CALLER_HZ)
    await hears(phone, AGENT_HZ)
    await expect(phone.locator(".ph-call__state")).to_have_text("Talking")

    await emma.press("mute")
    await hears_not(phone, AGENT_HZ)
    await emma.press("unmute")
    await hears(phone, AGENT_HZ)

    await emma.press("hold")
    await expect(phone.locator(".ph-call__state")).to_have_text("On hold")
    await hears_not(phone, AGENT_HZ)
    await hears_not(emma.callbar, CALLER_HZ)
    await emma.press("resume")
    await hears(phone, AGENT_HZ)

    notes = f"Asked for a second pallet {time.time_ns()}"
    await emma.callbar.get_by_label("Notes").fill(notes)
    await emma.finish(disposition="Resolved / 解決")
    await emma.sees("ready")
    await expect(phone.get_by_text("The agent hung up.")).to_be_visible()

    closed_at = time.monotonic()
    entry = emma.timeline().locator("li", has_text=notes)
    await expect(entry).to_have_count(1, timeout=20_000)
    print(f"\ntimeline after {time.monotonic() - closed_at:.1f} s")
    await expect(entry).to_contain_text("Resolved")
    await expect(entry).to_contain_text("(415) 555-0123")
