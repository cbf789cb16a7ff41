"""Coming and going: sign-in in a third-party frame, reload, sign-out, a session that ends, a blocked microphone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx2
from playwright.async_api import Page, expect
from tests.journeys.computer import Computer, hears, until
from tests.journeys.conftest import AGENT_HZ, CALLER_HZ, Demo, Street, pictured
from tests.journeys.desk import EMMA, PASSWORD, Desk, sign_in_to_crm, sign_in_to_portal
from tests.journeys.looks import look
from tests.journeys.words import Words, words


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


async def end_sessions(demo: Demo) -> None:
    """Emma signs out everywhere, at a computer that is none of the journey's."""
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


@asynccontextmanager
async def a_passing_page() -> AsyncIterator[str]:
    """A sign-in page of somebody else's, as identity providers have them: it cuts the tie to whoever opened it.

    Gives its address; what follows `?` there is where its one link leads.
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        target = head.split(b" ")[1].partition(b"?")[2].decode()
        body = f'<!doctype html><link rel="icon" href="data:,"><a href="{target}">Go on</a>'.encode()
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nCross-Origin-Opener-Policy: same-origin\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(body)
        )
        writer.write(body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://identity.localhost:{server.sockets[0].getsockname()[1]}/?"


async def test_two_digits_sign_in_where_a_page_passed_through_cuts_the_tie(emma: Desk) -> None:
    await emma.sign_out()
    says = words("admin", EMMA.language)

    async def window(passing: str) -> Page:
        """The sign-in window after the detour, asking for the digits."""
        # Otherwise it would go by its sign-in form and be closed before the detour.
        await emma.sign_out_of_portal()
        button = emma.callbar.get_by_role("button", name=emma.say("sign_in.button"))
        async with emma.computer.context.expect_page() as opening:
            await button.or_(emma.callbar.get_by_role("button", name=emma.say("sign_in.retry"))).click()
        found = await opening.value
        await found.wait_for_load_state("load")
        await found.goto(passing + found.url)
        await found.get_by_role("link", name="Go on").click()
        await sign_in_to_portal(found, EMMA.email)
        await found.get_by_label(says("callbar.digits.label")).wait_for()
        return found

    async def type_digits(into: Page, digits: str) -> None:
        await into.get_by_label(says("callbar.digits.label")).fill(digits)
        await into.get_by_role("button", name=says("callbar.digits.button")).click()
        await expect(into.get_by_text(says("callbar.done.by_digits"))).to_be_visible()

    shown = emma.callbar.locator(".cb-digits__two")
    async with a_passing_page() as passing:
        first = await window(passing)
        assert await look(first, "callbar-sign-in-digits", "en") == []
        wrong = f"{(int(await shown.inner_text()) + 1) % 100:02d}"
        emma.computer.expected = "403 (Forbidden)"
        await type_digits(first, wrong)
        await expect(emma.callbar.get_by_text(emma.say("problem.digits_wrong"))).to_be_visible()
        # The right ones would be too late now: there are others to type.
        await first.close()
        second = await window(passing)
        await type_digits(second, await shown.inner_text())
    await emma.sees("offline")
    await second.close()


async def test_a_session_is_renewed_in_the_middle_of_a_call(demo: Demo, emma: Desk, street: Street) -> None:
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")
    await emma.answer()
    last_s = 16.0
    async with demo.database() as database:
        await database.execute(
            "UPDATE session SET expires_at = now() + $1 * interval '1 second' WHERE kind = 'callbar'"
            " AND ended_at IS NULL AND user_id = (SELECT id FROM app_user WHERE email = $2)",
            last_s,
            EMMA.email,
        )
        ends_at = time.monotonic() + last_s
        # A page that comes now learns how little is left.
        await emma.page.reload()
        await emma.callbar_shown()
        await emma.card("talking").wait_for()
        await until(lambda: _renewed(database), "the session is renewed", seconds=last_s)
        assert time.monotonic() < ends_at
    # Its socket began with the old session and is replaced at the first word after that one's end.
    await asyncio.sleep(ends_at + 11 - time.monotonic())
    await asyncio.gather(hears(phone, AGENT_HZ), hears(emma.callbar, CALLER_HZ))
    await emma.press("hold")
    await expect(phone.locator(".ph-call__state")).to_have_text("On hold")
    await emma.press("resume")
    await hears(phone, AGENT_HZ)
    await emma.finish()


async def _renewed(database: asyncpg.Connection) -> bool:
    return await database.fetchval(
        "SELECT bool_or(expires_at > now() + interval '1 hour') FROM session"
        " WHERE kind = 'callbar' AND ended_at IS NULL"
        " AND user_id = (SELECT id FROM app_user WHERE email = $1)",
        EMMA.email,
    )


async def test_a_session_that_ends_in_a_call_leaves_the_call_alone(
    demo: Demo, emma: Desk, street: Street
) -> None:
    await emma.become("ready")
    phone = await street.call("(415) 555-0123")
    await emma.answer()
    await hears(phone, AGENT_HZ)
    emma.computer.expected = "401 (Unauthorized)"
    await end_sessions(demo)
    await expect(emma.callbar.get_by_text(emma.say("sign_in_again.title"))).to_be_visible()
    assert await look(emma.page, "callbar-sign-in-again", "en") == []
    await expect(emma.card("talking")).to_be_visible()
    # The switch drops a leg whose page has left within a second.
    await asyncio.sleep(2)
    await asyncio.gather(hears(phone, AGENT_HZ), hears(emma.callbar, CALLER_HZ))

    await emma.sign_in()
    await expect(emma.callbar.get_by_text(emma.say("sign_in_again.title"))).to_have_count(0)
    await emma.press("hold")
    await expect(phone.locator(".ph-call__state")).to_have_text("On hold")
    await emma.press("resume")
    await asyncio.gather(hears(phone, AGENT_HZ), hears(emma.callbar, CALLER_HZ))
    await emma.finish()


async def _end_other_portals(page: Page, says: Words) -> None:
    """End the portal sessions of other browsers at *Security*, one by one; callbars keep theirs."""
    await page.locator(".ad-header__user").click()
    await page.get_by_role("menuitem", name=says("user.security")).click()
    rows = page.get_by_role("region", name=says("security.sessions")).get_by_role("row")
    portals = rows.filter(has=page.get_by_role("cell", name=says("security.kind.portal"), exact=True))
    others = portals.filter(has_not=page.get_by_text(says("security.sessions.current")))
    await portals.first.wait_for()
    left = await others.count()
    assert left
    while left:
        await others.first.get_by_role("button").click()
        left -= 1
        await expect(others).to_have_count(left)


async def test_sign_out_everywhere_reaches_every_callbar_and_the_portal(
    demo: Demo, emma: Desk, other_computer: Desk
) -> None:
    says = words("admin", EMMA.language)
    pages: list[Page] = []
    for desk in (emma, other_computer):
        page = await desk.computer.open(f"{demo.contact_center}/portal/engagements")
        form, heading = page.locator("input[type=password]"), page.locator(".ad-header__user")
        await form.or_(heading).wait_for()
        if await form.count():
            await sign_in_to_portal(page, EMMA.email)
        await heading.wait_for()
        pages.append(page)
        desk.computer.expected = "401 (Unauthorized)"
    await _end_other_portals(pages[0], says)
    await sign_in_to_portal(pages[1], EMMA.email)
    await pages[1].locator(".ad-header__user").wait_for()
    await pages[0].locator(".ad-header__user").click()
    await pages[0].get_by_role("menuitem", name=says("user.sign_out_everywhere"), exact=True).click()
    await pages[0].get_by_role("dialog").get_by_role("button", name=says("everywhere.button")).click()
    clicked_at = time.monotonic()
    for page in pages:
        await page.locator("input[type=password]").wait_for()
    for desk in (emma, other_computer):
        await desk.callbar.get_by_role("button", name=desk.say("sign_in.button")).wait_for()
    took_s = time.monotonic() - clicked_at
    print(f"\nsigned out everywhere after {took_s:.2f} s")
    assert took_s < 5
    for page in pages:
        await page.close()


async def test_a_session_that_was_ended_elsewhere_asks_to_sign_in_again(demo: Demo, emma: Desk) -> None:
    await emma.become("ready")
    await end_sessions(demo)
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
