"""The network of an agent or a caller fails in the middle of a call; the call lives."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import expect
from tests.journeys.computer import Computer, hears, hears_not
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, Demo, Street, pictured
from tests.journeys.desk import EMMA, Desk
from tests.journeys.network import Network, a_network

DARK_S = 5.0
BACK_S = 2.0


@pytest.fixture
async def network(demo: Demo) -> AsyncIterator[Network]:
    async with a_network(demo.base, demo.base + 1) as network:
        yield network


async def test_five_seconds_without_network_cost_an_agent_five_seconds(
    demo: Demo, network: Network, street: Street, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        computer = await stack.enter_async_context(
            Computer(tmp_path, microphone_for=demo.console, hz=AGENT_HZ, network=network)
        )
        desk = Desk(demo, computer, EMMA)
        await stack.enter_async_context(pictured(computer, "network"))
        await desk.sit_down()
        await desk.use_here()
        await desk.become("ready")
        phone = await street.call("(415) 555-0123")
        await desk.answer()
        await hears(phone, AGENT_HZ)
        await hears(desk.callbar, CALLER_HZ)

        network.fails()
        failed_at = time.monotonic()
        await hears_not(phone, AGENT_HZ, during=1.0)
        await hears_not(desk.callbar, CALLER_HZ, during=1.0)
        await asyncio.sleep(failed_at + DARK_S - time.monotonic())
        network.is_back()
        back_at = time.monotonic()
        await asyncio.gather(hears(phone, AGENT_HZ), hears(desk.callbar, CALLER_HZ))
        took_s = time.monotonic() - back_at
        print(f"\nheard again after {took_s:.2f} s")
        assert took_s < BACK_S

        # The same state, and it can be commanded.
        await expect(desk.card("talking")).to_contain_text("Olivia Martin")
        await desk.press("hold")
        await expect(phone.locator(".ph-call__state")).to_have_text("On hold")
        await desk.press("resume")
        await hears(phone, AGENT_HZ)
        await desk.finish()
        await desk.become("offline")
        await desk.sign_out()
        await desk.sign_out_of_portal()


async def test_a_call_page_whose_socket_breaks_shows_its_call_again(
    demo: Demo, emma: Desk, network: Network, tmp_path: Path
) -> None:
    await emma.become("ready")
    async with AsyncExitStack() as stack:
        computer = await stack.enter_async_context(
            Computer(tmp_path, microphone_for=demo.contact_center, hz=CALLER_HZ, network=network)
        )
        await stack.enter_async_context(pictured(computer, "caller"))
        phone = await Street(demo, computer).call("(415) 555-0123")
        state = phone.locator(".ph-call__state")
        await expect(state).to_have_text("Waiting in the queue")
        network.breaks_connections()
        await emma.answer()
        await expect(state).to_have_text("Talking")
        await hears(phone, AGENT_HZ)

        network.fails()
        network.breaks_connections()
        await expect(phone.get_by_text("Stay on the line: the call goes on.")).to_be_visible()
        await expect(state).to_have_text("Talking")
        await emma.press("hold")
        await emma.card("held").wait_for()
        network.is_back()
        await expect(state).to_have_text("On hold")
        await expect(phone.get_by_text("Stay on the line: the call goes on.")).to_have_count(0)
        await emma.press("resume")
        await asyncio.gather(hears(phone, AGENT_HZ), hears(emma.callbar, CALLER_HZ))
        await phone.get_by_role("button", name="Hang up", exact=True).click()
        await expect(emma.card("wrap_up")).to_contain_text("The caller hung up.")
    await emma.finish(caller_left=True)
