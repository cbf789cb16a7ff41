"""Coming and going: sign-in in a third-party frame, reload, sign-out, a session that ends, a blocked microphone."""

from __future__ import annotations

from pathlib import Path

import httpx2
from playwright.async_api import expect
from tests.journeys.computer import Computer
from tests.journeys.conftest import Demo, Street, pictured
from tests.journeys.desk import EMMA, PASSWORD, Desk, sign_in_to_crm, sign_in_to_portal
from tests.journeys.looks import look


async def test_a_reload_brings_the_callbar_back_without_signing_in(emma: Desk, street: Street) -> None:
    await emma.become("ready")
    await emma.page.reload()
    await emma.open_phone()
    await emma.sees("ready")
    # Third-party cookies are blocked: what came back is the frame's own partitioned cookie.
    cookies = await emma.computer.context.cookies(emma.demo.contact_center)
    assert cookies
    assert all(cookie.get("partitionKey") for cookie in cookies if "callbar" in cookie["name"])
    await street.call("(415) 555-0123")
    await emma.answer()
    await emma.finish()


async def test_signing_out_and_in_again(emma: Desk) -> None:
    await emma.sign_out()
    await emma.sign_out_of_portal()
    assert await look(emma.page, "callbar-sign-in", "en") == []
    await emma.page.reload()
    await emma.open_phone()
    await emma.callbar.get_by_role("button", name="Sign in").wait_for()

    popup = await emma.sign_in_window()
    await popup.locator("input[type=email]").wait_for()
    assert await look(emma.page, "callbar-sign-in-waiting", "en") == []
    emma.computer.expected = "401 (Unauthorized)"
    await sign_in_to_portal(popup, EMMA.email, "not-the-password")
    await expect(popup.get_by_text("E-mail or password is wrong.")).to_be_visible()
    assert await look(popup, "callbar-sign-in-window", "en") == []
    async with popup.expect_event("close"):
        await sign_in_to_portal(popup, EMMA.email)
    await emma.sees("offline")


async def test_who_is_signed_in_to_the_portal_needs_one_click(emma: Desk) -> None:
    await emma.sign_out()
    await emma.callbar.get_by_role("button", name="Sign in").click()
    await emma.sees("offline")


async def test_a_closed_sign_in_window_can_be_opened_again(emma: Desk) -> None:
    await emma.sign_out()
    await emma.sign_out_of_portal()
    first = await emma.sign_in_window()
    await first.locator("input[type=email]").wait_for()
    await first.close()
    async with emma.computer.context.expect_page() as opening:
        await (
            emma.callbar.get_by_role("button", name="Open the window again")
            .or_(emma.callbar.get_by_role("button", name="Sign in"))
            .first.click()
        )
    await sign_in_to_portal(await opening.value, EMMA.email)
    await emma.sees("offline")


async def test_a_session_that_was_ended_elsewhere_asks_to_sign_in_again(demo: Demo, emma: Desk) -> None:
    await emma.become("ready")
    async with httpx2.AsyncClient(base_url=f"http://localhost:{demo.base}") as http:
        headers = {"Origin": demo.contact_center, "Host": f"tieline.localhost:{demo.base}"}
        answer = await http.post(
            "/api/v1/session", json={"email": EMMA.email, "password": PASSWORD}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        headers |= {
            "X-CSRF-Token": answer.json()["csrf_token"],
            "Cookie": "; ".join(f"{name}={value}" for name, value in answer.cookies.items()),
        }
        ended = await http.delete("/api/v1/sessions", headers=headers)
        assert ended.status_code == 204, ended.text
    again = emma.callbar.get_by_role("button", name="Sign in").or_(
        emma.callbar.get_by_role("button", name="Try again")
    )
    await again.wait_for()
    await expect(emma.page.locator(".console-utility__item")).to_have_text("Phone: sign in")
    assert await look(emma.page, "callbar-session-ended", "en") == []
    async with emma.computer.context.expect_page() as opening:
        await again.click()
    await sign_in_to_portal(await opening.value, EMMA.email)
    await emma.callbar.locator(".cb-status").wait_for()
    emma.computer.expected = "401 (Unauthorized)"  # requests of the ended session


async def test_a_blocked_microphone_is_explained_and_tried_again(demo: Demo, tmp_path: Path) -> None:
    async with Computer(tmp_path, microphone_blocked_for=demo.console) as computer:
        desk = Desk(demo, computer, EMMA)
        async with pictured(computer, "blocked"):
            desk.page = await computer.open(demo.crm)
            await sign_in_to_crm(desk.page, EMMA.email)
            await desk.open_phone()
            await desk.sign_in()
            await desk.use_here()
            await expect(desk.callbar.get_by_text("The microphone is blocked")).to_be_visible()
            await expect(desk.callbar.get_by_text("Set Microphone to Allow.")).to_be_visible()
            assert await look(desk.page, "callbar-microphone-blocked", "en") == []
            # Nobody becomes ready for calls without a voice.
            await desk.callbar.locator(".cb-status__button").click()
            await expect(desk.callbar.get_by_role("menuitem", name="Ready", exact=True)).to_have_count(0)
            await desk.callbar.locator(".cb-status__button").press("Escape")
            await desk.callbar.get_by_role("button", name="Try again").click()
            await expect(desk.callbar.get_by_text("The microphone is blocked")).to_be_visible()
            # What the icon beside the address does.
            await computer.context.grant_permissions(["microphone"], origin=demo.console)
            retry = desk.callbar.get_by_role("button", name="Try again")
            if await retry.count():
                await retry.click()
            await expect(desk.callbar.get_by_text("The microphone is blocked")).to_have_count(0)
            await desk.become("ready")
            await desk.become("offline")
            await desk.sign_out()
