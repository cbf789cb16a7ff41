"""Every page and state in both languages: a picture for looking at, and no complaint at first sight."""

from __future__ import annotations

import base64
import hashlib

import pytest
from playwright.async_api import Page, expect
from tests.journeys.conftest import QUEUE_JP, QUEUE_US, Demo, Street, unknown_number
from tests.journeys.console import Shell
from tests.journeys.desk import ADMIN, PASSWORD, Desk, sign_in_to_portal
from tests.journeys.looks import look
from tests.journeys.words import LOCALES, words


async def test_the_console_and_callbar_in_english(demo: Demo, emma: Desk, street: Street) -> None:
    assert await _desk_states(demo, emma, street, "(415) 555-0123", QUEUE_US) == []


async def test_the_console_and_callbar_in_japanese(demo: Demo, misaki: Desk, street: Street) -> None:
    assert await _desk_states(demo, misaki, street, "03-1234-5678", QUEUE_JP) == []


async def _desk_states(demo: Demo, desk: Desk, street: Street, number: str, queue: str) -> list[str]:
    page, language, say = desk.page, desk.who.language, desk.console_says
    wrong: list[str] = []

    async def see(name: str) -> None:
        wrong.extend(await look(page, name, language))

    await see("callbar-offline")
    await desk.become("ready")
    await see("callbar-ready")
    await desk.become("not_ready", "lunch")
    await see("callbar-not-ready")
    await desk.callbar.locator(".cb-status__button").click()
    await see("callbar-status-menu")
    await desk.callbar.locator(".cb-status__button").press("Escape")
    await page.get_by_role("button", name=say("utility.minimize", label=desk.say("item.idle"))).click()
    await see("console-home")
    contacts = await Shell(page, say).open_item(say("nav.Contact"))
    await contacts.main.get_by_role("row").nth(1).wait_for()
    await see("console-list")
    await page.get_by_role("button", name=say("list.new"), exact=True).click()
    form = page.get_by_role("dialog")
    await form.get_by_role("button", name=say("form.save"), exact=True).click()
    await see("console-new-with-a-missing-name")
    await form.get_by_role("button", name=say("form.cancel"), exact=True).click()
    await page.get_by_role("combobox", name=say("search.label")).fill("Garcia")
    await see("console-search-as-typed")
    await page.get_by_role("combobox", name=say("search.label")).press("Enter")
    await page.get_by_role("heading", name=say("search.results")).wait_for()
    await see("console-search")
    await page.goto(f"{demo.console}/lightning/r/Contact/003000000000000AAA/view")
    await page.get_by_text(say("record.missing")).wait_for()
    desk.computer.expected = "404 (Not Found)"
    await see("console-record-missing")
    await page.goto(f"{demo.console}/lightning/o/Lead/list")
    await page.get_by_role("main").wait_for()
    await see("console-list-empty")

    await desk.go()
    await desk.become("ready")
    phone = await street.call(number, to=queue)
    await desk.card("incoming").wait_for()
    await expect(page.get_by_role("main").get_by_role("heading", level=1)).to_be_visible()
    await see("ring")
    await desk.answer()
    await see("talk")
    await page.get_by_role("button", name=say("record.edit"), exact=True).click()
    await see("console-record-edit")
    await page.get_by_role("button", name=say("form.cancel"), exact=True).click()
    await desk.press("mute")
    await desk.callbar.get_by_role("button", name=desk.say("action.unmute")).wait_for()
    await see("talk-muted")
    await desk.press("hold")
    await desk.card("held").wait_for()
    await see("hold")
    await phone.get_by_role("button", name=words("phone", "en")("action.hang_up")).click()
    await desk.card("wrap_up").wait_for()
    await see("wrap-up")
    await desk.finish(caller_left=True)
    await expect(desk.timeline().locator("li").first).to_be_visible(timeout=20_000)
    await see("console-record-with-a-call")

    phone = await street.call("415-555-0177", to=queue)
    await desk.card("incoming").wait_for()
    await page.get_by_role("heading", name=say("search.results")).wait_for()
    await see("ring-several")
    await phone.get_by_role("button", name=words("phone", "en")("action.hang_up")).click()
    await expect(desk.card("incoming")).to_have_count(0)
    await see("abandoned")
    await desk.go()
    async with demo.queue_set(ring_ms=5_000):
        await street.call(unknown_number()[0], to=queue)
        await page.get_by_role("dialog").get_by_role("button", name=say("form.save"), exact=True).wait_for()
        await see("ring-unknown")
        await desk.sees("not_ready", "missed_call")
    await see("missed")
    return wrong


@pytest.mark.parametrize("language", LOCALES)
async def test_the_phones(demo: Demo, street: Street, language: str) -> None:
    wrong: list[str] = []
    say = words("phone", language)
    for name, path in (("phone", "/phone"), ("visitor", "/call/support")):
        page = await street.computer.open(f"{demo.contact_center}{path}")
        await page.get_by_role("button", name=say(f"language.{language}")).click()
        await page.get_by_role("button", name=say("action.call"), exact=True).wait_for()
        wrong += await look(page, f"{name}-idle", language)
        if name == "phone":
            await page.get_by_label(say("from.typed_label")).fill("1234")
            await page.get_by_role("button", name=say("action.call"), exact=True).click()
            await page.get_by_text(say("refused.number_invalid")).wait_for()
            wrong += await look(page, f"{name}-refused", language)
            await page.get_by_label("03-1234-5678").check()
        await page.get_by_role("button", name=say("action.call"), exact=True).click()
        await expect(page.locator(".ph-call__state")).to_have_text(say("state.waiting"))
        wrong += await look(page, f"{name}-waiting", language)
        await page.get_by_role("button", name=say("action.hang_up")).click()
        await page.get_by_text(say("ended.abandoned")).wait_for()
        wrong += await look(page, f"{name}-ended", language)
    page = await street.computer.open(f"{demo.contact_center}/call/nowhere")
    await page.get_by_text(say("visitor.not_found.title")).wait_for()
    street.computer.expected = "404 (Not Found)"
    wrong += await look(page, "visitor-nowhere", language)
    assert wrong == []


@pytest.mark.parametrize("language", LOCALES)
async def test_the_portal(demo: Demo, street: Street, language: str) -> None:
    wrong: list[str] = []
    say = words("admin", language)
    context = await street.computer.browser.new_context(locale=LOCALES[language])
    page = await context.new_page()
    async with demo.database() as database:
        await database.execute("UPDATE app_user SET language = $1 WHERE email = $2", language, ADMIN.email)
    try:
        await page.goto(demo.contact_center)
        await page.locator("input[type=email]").wait_for()
        wrong += await look(page, "portal-sign-in", language)
        await sign_in_to_portal(page, ADMIN.email, "wrong")
        await page.get_by_text(say("problem.credentials_wrong")).wait_for()
        wrong += await look(page, "portal-sign-in-wrong", language)
        await sign_in_to_portal(page, ADMIN.email)
        await page.get_by_role("row", name="agent1@acme.example").wait_for()
        wrong += await look(page, "portal-live", language)
        await page.get_by_role("link", name=say("nav.engagements")).click()
        await page.get_by_role("main").wait_for()
        await expect(page.locator(".slds-spinner")).to_have_count(0)
        wrong += await look(page, "portal-history", language)
        rows = page.get_by_role("row").filter(has_text=say("outcome.answered"))
        if await rows.count():
            await rows.first.get_by_role("link").click()
            await page.get_by_role("region", name=say("engagement.story")).wait_for()
            wrong += await look(page, "portal-engagement", language)
        await page.goto(f"{demo.contact_center}/portal/engagements?q=nobody-at-all")
        await page.get_by_text(say("engagements.none_found.title")).wait_for()
        wrong += await look(page, "portal-history-nothing-found", language)
    finally:
        async with demo.database() as database:
            await database.execute("UPDATE app_user SET language = $1 WHERE email = $2", "en", ADMIN.email)
        await context.close()
    assert wrong == []


@pytest.mark.parametrize("language", LOCALES)
async def test_the_orgs_own_pages(demo: Demo, street: Street, language: str) -> None:
    wrong: list[str] = []
    context = await street.computer.browser.new_context(locale=LOCALES[language])
    page = await context.new_page()
    await page.goto(demo.crm)
    await page.locator("input[name=username]").wait_for()
    wrong += await look(page, "org-sign-in", language)
    await _sign_in(page, "agent1@acme.example" if language == "ja" else "agent2@acme.example", "wrong")
    await page.get_by_role("alert").wait_for()
    wrong += await look(page, "org-sign-in-wrong", language)
    await _sign_in(page, "agent1@acme.example" if language == "ja" else "agent2@acme.example", PASSWORD)
    await page.wait_for_url("**/lightning/**")
    async with demo.database() as database:
        client = await database.fetchval("SELECT client_id FROM connection WHERE state = 'connected'")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"x" * 43).digest()).rstrip(b"=").decode()
    await page.goto(
        f"http://acme.my.localhost:{demo.base + 1}/services/oauth2/authorize?response_type=code"
        f"&client_id={client}&redirect_uri={demo.contact_center}/oauth/salesforce/callback"
        f"&scope=api%20refresh_token&state=x&code_challenge={challenge}&code_challenge_method=S256"
    )
    wrong += await look(page, "org-consent", language)
    await context.close()
    assert wrong == []


async def _sign_in(page: Page, user: str, password: str) -> None:
    await page.fill("input[name=username]", user)
    await page.fill("input[name=password]", password)
    await page.click("button[type=submit]")
