"""Calls out: by the keypad and by a phone field of the CRM, taken or not by whoever is called."""

from __future__ import annotations

from playwright.async_api import expect
from tests.journeys.computer import hears
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, Demo, Street, note, unknown_number
from tests.journeys.desk import Desk


async def test_a_number_that_is_pasted_rings_is_answered_and_heard(emma: Desk, street: Street) -> None:
    dialled, written = unknown_number()
    phone = await street.listen(dialled)
    await emma.become("ready")
    await emma.dial(f"9 1 {written}", shown=written.replace("(", "+1 ").replace(") ", "-"))
    await expect(emma.card("dialing")).to_contain_text(written)
    await phone.get_by_role("button", name="Answer", exact=True).click()
    await emma.card("talking").wait_for()
    await hears(emma.callbar, CALLER_HZ)
    await hears(phone, AGENT_HZ)

    # Keys, both ways: what one side presses the other reads.
    await emma.press("keypad")
    pad = emma.callbar.get_by_role("group", name=emma.say("keypad.title"))
    for key in "42":
        await pad.get_by_role("button", name=key, exact=True).click()
    await expect(phone.get_by_text("Keys pressed by the agent:")).to_contain_text("42")
    await phone.get_by_role("button", name="Keypad").click()
    await phone.get_by_role("group", name="Keypad").get_by_role("button", name="7", exact=True).click()
    await expect(emma.callbar.locator(".cb-keys")).to_contain_text("7")

    await emma.finish()
    await emma.sees("ready")


async def test_a_phone_that_declines_is_busy(emma: Desk, street: Street) -> None:
    dialled, written = unknown_number()
    phone = await street.listen(dialled)
    await emma.become("ready")
    await emma.dial(written, shown=written.replace("(", "+1 ").replace(") ", "-"))
    await phone.get_by_role("button", name="Decline", exact=True).click()
    await expect(emma.card("wrap_up")).to_contain_text("The line was busy.")
    await emma.finish(caller_left=True)


async def logged(emma: Desk, notes: str, why: str) -> None:
    """The contact's timeline says, in words, why nobody talked."""
    await emma.finish(caller_left=True, notes=notes)
    entry = emma.timeline().locator("li", has_text=notes)
    await expect(entry).to_have_count(1, timeout=20_000)
    await expect(entry).to_contain_text(f"Call to (415) 555-0123: {why}")


async def test_a_phone_that_talks_is_busy_and_the_log_says_so(emma: Desk, street: Street) -> None:
    phone = await street.listen("+1 415 555 0123")
    await phone.get_by_role("button", name="Call", exact=True).click()
    await expect(phone.locator(".ph-call__state")).to_have_text("Waiting in the queue")
    await emma.go("/lightning/o/Contact/list")
    await emma.page.get_by_role("main").get_by_role("link", name="Olivia Martin").first.click()
    await emma.shows_record("Olivia Martin")
    await emma.become("not_ready", "back_office")
    await emma.dial("(415) 555-0123", shown="+1 415-555-0123", rings=False)
    await expect(emma.card("wrap_up")).to_contain_text("The line was busy.")
    await logged(emma, note("Called a busy line"), "busy")
    # Her own call has not noticed.
    await expect(phone.locator(".ph-call__state")).to_have_text("Waiting in the queue")


async def test_a_phone_that_nobody_answers_stops_ringing_and_the_log_says_so(
    demo: Demo, emma: Desk, street: Street
) -> None:
    phone = await street.listen("+1 415 555 0123")
    await emma.become("ready")
    await emma.dial("(415) 555-0123", shown="+1 415-555-0123")
    await phone.get_by_role("button", name="Answer", exact=True).wait_for()
    await demo.let_deadlines_pass("dialing")
    await expect(emma.card("wrap_up")).to_contain_text("Nobody answered.")
    await expect(phone.get_by_text("You missed a call.")).to_be_visible()
    await emma.shows_record("Olivia Martin")
    await logged(emma, note("Called in vain"), "no answer")


async def test_a_phone_field_of_the_crm_dials_and_relates_the_record(emma: Desk, street: Street) -> None:
    phone = await street.listen("+1 415 555 0123")
    await emma.become("ready")
    await emma.go("/lightning/o/Contact/list")
    await emma.page.get_by_role("link", name="Olivia Martin").first.click()
    await emma.shows_record("Olivia Martin")
    await emma.page.get_by_role("button", name="(415) 555-0123").first.wait_for()
    # The same from the search's instant results, where calling is a suggestion of its own.
    search = emma.page.get_by_role("combobox", name=emma.console_says("search.label"))
    await search.fill("Olivia Martin")
    call = emma.console_says("phone.dial", number="(415) 555-0123")
    await emma.page.get_by_role("option", name=call).click()
    await expect(emma.card("dialing")).to_contain_text("Olivia Martin")
    await phone.get_by_role("button", name="Answer", exact=True).click()
    await emma.card("talking").wait_for()
    await hears(phone, AGENT_HZ)
    notes = note("Called back")
    await emma.finish(notes=notes)
    entry = emma.timeline().locator("li", has_text=notes)
    await expect(entry).to_have_count(1, timeout=20_000)
    await expect(entry).to_contain_text("Outbound")


async def test_emergency_numbers_are_refused_before_they_are_dialled(emma: Desk) -> None:
    await emma.become("ready")
    await emma.callbar.get_by_role("button", name=emma.say("dial.open")).click()
    await emma.callbar.get_by_label(emma.say("dial.number")).fill("911")
    await expect(emma.callbar.locator(".cb-dial__preview")).to_contain_text("mergency")
    await emma.callbar.get_by_role("button", name=emma.say("dial.back")).click()
