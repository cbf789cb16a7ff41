"""Whose phone rings, and what becomes of a call that is not answered."""

from __future__ import annotations

import asyncio

from playwright.async_api import expect
from tests.journeys.conftest import Demo, Street, note, unknown_number
from tests.journeys.desk import Desk


async def test_a_missed_call_goes_on_to_the_next_agent(
    demo: Demo, emma: Desk, misaki: Desk, street: Street
) -> None:
    async with demo.queue_set(ring_ms=5_000):
        await emma.become("ready")
        phone = await street.call("(415) 555-0123")
        await emma.card("incoming").wait_for()
        await misaki.become("ready")
        await emma.sees("not_ready", "missed_call")
        await expect(emma.callbar.locator(".cb-body")).to_contain_text("You missed a call")
        await expect(emma.callbar.locator(".cb-body")).to_contain_text("You missed the call of Olivia Martin")
    await misaki.card("incoming").wait_for()
    await expect(phone.locator(".ph-call__state")).to_have_text("Waiting in the queue")
    await misaki.shows_record("Martin Olivia")
    await misaki.answer()
    await expect(phone.locator(".ph-call__state")).to_have_text("Talking")
    await misaki.finish()
    # One click brings the first agent back.
    await emma.callbar.get_by_role("button", name="Become ready").click()
    await emma.sees("ready")


async def test_a_missed_call_keeps_its_place_before_later_ones(
    demo: Demo, emma: Desk, street: Street
) -> None:
    first, later = unknown_number()[0], unknown_number()[0]
    async with demo.queue_set(ring_ms=5_000):
        await emma.become("ready")
        await street.call(first)
        await emma.card("incoming").wait_for()
        await street.call(later)
        await emma.sees("not_ready", "missed_call")
    await emma.callbar.get_by_role("button", name="Become ready").click()
    await expect(emma.card("incoming")).to_contain_text(first[-4:])


async def test_a_declined_call_rings_at_the_next_agent(emma: Desk, misaki: Desk, street: Street) -> None:
    # Emma has been ready for longer.
    await emma.become("ready")
    await misaki.become("ready")
    await street.call("(415) 555-0123")
    await emma.card("incoming").wait_for()
    await expect(misaki.card("incoming")).to_have_count(0)
    await emma.press("decline")
    await misaki.card("incoming").wait_for()
    await expect(emma.card("incoming")).to_have_count(0)
    await emma.sees("ready")
    await misaki.answer()
    await misaki.finish()


async def test_the_longest_idle_agent_is_asked_first(emma: Desk, misaki: Desk, street: Street) -> None:
    await misaki.become("ready")
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")
    await misaki.answer()
    await expect(emma.card("incoming")).to_have_count(0)
    await phone.get_by_role("button", name="Hang up", exact=True).click()
    await misaki.finish(caller_left=True)
    # Misaki has just worked: now Emma has been idle for longer.
    await misaki.sees("ready")
    await street.call("(415) 555-0123")
    await emma.card("incoming").wait_for()
    await expect(misaki.card("incoming")).to_have_count(0)


async def test_a_caller_who_gives_up_while_it_rings(emma: Desk, street: Street) -> None:
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")
    await emma.card("incoming").wait_for()
    await phone.get_by_role("button", name="Hang up", exact=True).click()
    await expect(emma.card("incoming")).to_have_count(0)
    await expect(emma.callbar.locator(".cb-body")).to_contain_text(
        "Olivia Martin hung up before you answered."
    )
    await expect(phone.get_by_text("You hung up before anybody answered.")).to_be_visible()
    await emma.sees("ready")


async def test_a_caller_who_hangs_up_in_the_moment_of_answer(emma: Desk, street: Street) -> None:
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")
    await emma.card("incoming").wait_for()
    answer = emma.callbar.get_by_role("button", name="Answer", exact=True)
    await asyncio.gather(
        answer.click(timeout=2_000),
        phone.get_by_role("button", name="Hang up", exact=True).click(),
        return_exceptions=True,
    )
    # Either the caller was faster, or there is a short call to wrap up; never a card that hangs.
    await expect(emma.card("incoming")).to_have_count(0)
    await expect(emma.card("talking")).to_have_count(0)
    if await emma.card("wrap_up").count():
        await emma.finish(caller_left=True)
    await emma.sees("ready")


async def test_a_caller_who_hangs_up_leaves_wrap_up_which_runs_out(
    demo: Demo, emma: Desk, street: Street
) -> None:
    await emma.become("ready")
    async with demo.queue_set(wrap_up_ms=6_000):
        phone = await street.call("(415) 555-0123")
        await emma.answer()
        await phone.get_by_role("button", name="Hang up", exact=True).click()
        wrap_up = emma.card("wrap_up")
        await expect(wrap_up).to_contain_text("The caller hung up.")
        await expect(wrap_up).to_contain_text("0:05 left")
        typed = note("Typed until the end")
        await wrap_up.get_by_label("Notes").fill(typed)
        await expect(wrap_up).to_have_count(0, timeout=10_000)
    await emma.sees("ready")
    await expect(emma.timeline().locator("li", has_text=typed)).to_have_count(1, timeout=20_000)
