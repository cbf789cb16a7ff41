"""The CRM is away during a whole call: the call goes on, and its log arrives later, once."""

from __future__ import annotations

import os
import signal

import httpx2
from playwright.async_api import expect
from tests.journeys.computer import hears, until
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, Demo, Street, note
from tests.journeys.desk import Desk


async def test_the_log_of_a_call_without_crm_arrives_once(demo: Demo, emma: Desk, street: Street) -> None:
    await emma.become("ready")
    crm = demo.child("crm")
    notes = note("Called while the CRM was away")
    os.kill(crm, signal.SIGSTOP)
    try:
        phone = await street.call("(415) 555-0123")
        # The number is matched without the CRM; only its page cannot be loaded yet.
        await expect(emma.card("incoming")).to_contain_text("Olivia Martin")
        await emma.answer()
        await hears(phone, AGENT_HZ)
        await hears(emma.callbar, CALLER_HZ)
        await emma.finish(notes=notes)
        await emma.sees("ready")
        os.kill(crm, signal.SIGKILL)
        crm = 0
    finally:
        if crm:
            os.kill(crm, signal.SIGCONT)
    await until(lambda: _answers(demo), "the CRM is started again", seconds=30)
    emma.computer.expected = "Failed to load resource"  # the CRM did not answer

    await emma.become("offline")
    await emma.go("/lightning/o/Contact/list")
    await emma.page.get_by_role("main").get_by_role("link", name="Olivia Martin").first.click()
    await emma.shows_record("Olivia Martin")
    entry = emma.timeline().locator("li", has_text=notes)
    await expect(entry).to_have_count(1, timeout=60_000)
    async with demo.database() as database:
        state = await database.fetchval(
            "SELECT d.state FROM delivery d JOIN engagement e ON e.id = d.engagement_id WHERE e.notes = $1",
            notes,
        )
    assert state == "delivered"


async def _answers(demo: Demo) -> bool:
    async with httpx2.AsyncClient(timeout=2) as http:
        try:
            return (await http.get(f"{demo.crm}/health")).status_code == 200
        except httpx2.HTTPError:
            return False
