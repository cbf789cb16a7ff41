"""Users: an administrator adds one, who chooses a password; the client integration goes on and off with its effect."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Page, expect
from tests.journeys.conftest import Demo, Street
from tests.journeys.desk import ADMIN, EMMA, Desk, sign_in_to_portal
from tests.journeys.looks import look
from tests.journeys.words import LOCALES, in_both, words

from tieline.identity.totp import STEP_S, code_at

CHOSEN = "correct horse battery"


@pytest.mark.parametrize("language", in_both("en"))
async def test_a_user_is_added_and_signs_in(demo: Demo, street: Street, language: str) -> None:
    say = words("admin", language)
    context = await street.computer.browser.new_context(locale=LOCALES[language])
    page = await context.new_page()
    wrong: list[str] = []
    email = f"new.{language}@acme.example"
    async with demo.database() as database:
        await database.execute("UPDATE app_user SET language = $1 WHERE email = $2", language, ADMIN.email)
    try:
        await page.goto(f"{demo.contact_center}/portal/users")
        await sign_in_to_portal(page, ADMIN.email)
        await page.get_by_role("row", name=EMMA.email).wait_for()
        wrong += await look(page, "portal-users", language)
        await page.get_by_label(say("users.search")).fill("nobody-at-all")
        await page.get_by_text(say("users.none.title")).wait_for()
        wrong += await look(page, "portal-users-none", language)
        await page.get_by_role("button", name=say("users.none.all")).click()
        await page.get_by_role("button", name=say("users.add"), exact=True).click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label(say("users.email")).fill(EMMA.email)
        await dialog.get_by_label(say("users.name")).fill("新人 花子")
        await dialog.get_by_role("button", name=say("users.add.button"), exact=True).click()
        await dialog.get_by_text(say("users.wrong.email_taken")).wait_for()
        street.computer.expected = "409 (Conflict)"
        wrong += await look(page, "portal-user-new-refused", language)
        await dialog.get_by_label(say("users.email")).fill(email)
        await dialog.get_by_role("button", name=say("users.add.button"), exact=True).click()
        link = await dialog.get_by_label(say("users.link"), exact=True).input_value()
        wrong += await look(page, "portal-user-link", language)
        await dialog.get_by_role("button", name=say("close")).click()
        await expect(page.get_by_role("row", name=email)).to_contain_text(say("users.state.invited"))

        own = await street.computer.browser.new_context(locale=LOCALES[language])
        theirs = await own.new_page()
        await theirs.goto(link)
        await theirs.get_by_label(say("password.new")).fill(CHOSEN)
        await theirs.get_by_label(say("password.again")).fill("something else")
        await theirs.get_by_role("button", name=say("password.button")).click()
        await theirs.get_by_text(say("password.differ")).wait_for()
        wrong += await look(theirs, "portal-password", language)
        await theirs.get_by_label(say("password.again")).fill(CHOSEN)
        await theirs.get_by_role("button", name=say("password.button")).click()
        await theirs.get_by_role("link", name=say("sign_in.button")).click()
        await sign_in_to_portal(theirs, email, CHOSEN)
        await theirs.get_by_role("link", name=words("admin", language)("nav.engagements")).wait_for()
        await expect(theirs.get_by_role("link", name=say("nav.users"))).to_have_count(0)
        wrong += await _second_step(theirs, language)

        row = page.get_by_role("row", name=email)
        await expect(row).to_contain_text(say("users.state.active"))
        await row.get_by_role("button").click()
        await dialog.get_by_role("checkbox", name=say("users.state.active")).uncheck()
        wrong += await look(page, "portal-user", language)
        await dialog.get_by_role("button", name=say("users.save"), exact=True).click()
        await expect(row).to_contain_text(say("users.state.inactive"))
        await theirs.get_by_role("button", name=say("sign_in.button")).wait_for()
        await own.close()
    finally:
        async with demo.database() as database:
            await database.execute("UPDATE app_user SET language = $1 WHERE email = $2", "en", ADMIN.email)
        await context.close()
    assert wrong == []


async def _second_step(page: Page, language: str) -> list[str]:
    """The user adds an authenticator app, mistypes a code once, and keeps the recovery codes."""
    say = words("admin", language)
    await page.locator(".ad-header__user").click()
    await page.get_by_role("menuitem", name=say("user.security")).click()
    await page.get_by_role("button", name=say("security.step.add")).click()
    secret = (await page.locator(".ad-key").inner_text()).replace(" ", "")
    code = page.get_by_label(say("security.step.code"))
    confirm = page.get_by_role("button", name=say("security.step.confirm"))
    await code.fill("12345")
    await confirm.click()
    await page.get_by_text(say("security.step.wrong")).wait_for()
    wrong = await look(page, "portal-security-app", language)
    await code.fill(code_at(secret, int(time.time()) // STEP_S))
    # The page hears that the second step is on now and reads it; the codes are shown this once and stay.
    async with page.expect_response(
        lambda answer: answer.url.endswith("/second-step") and answer.request.method == "GET"
    ):
        await confirm.click()
    kept = page.get_by_role("button", name=say("security.step.codes.kept"))
    await expect(page.locator(".ad-codes li")).to_have_count(10)
    wrong += await look(page, "portal-security-codes", language)
    await kept.click()
    await page.get_by_role("button", name=say("security.step.turn_off")).wait_for()
    return wrong + await look(page, "portal-security", language)


async def test_without_client_integration_the_callbar_serves_nobody(
    demo: Demo, emma: Desk, street: Street
) -> None:
    say = words("admin", "en")
    await emma.become("ready")
    context = await street.computer.browser.new_context()
    page = await context.new_page()
    await page.goto(f"{demo.contact_center}/portal/users")
    await sign_in_to_portal(page, ADMIN.email)

    async def switch(to: str) -> None:
        row = page.get_by_role("row", name=EMMA.email)
        await row.get_by_role("checkbox").check()
        await page.get_by_label(say("users.client_integration.of")).select_option(label=to)
        await page.get_by_role("button", name=say("users.apply")).click()
        await expect(row.get_by_role("cell", name=to)).to_be_visible()
        await expect(page.get_by_role("button", name=say("users.apply"))).to_have_count(0)

    await switch(say("users.client_integration.off"))
    sign_in = emma.callbar.get_by_role("button", name=emma.say("sign_in.button"))
    await sign_in.wait_for()
    await switch("Acme CRM")
    await context.close()
    await emma.sign_in()
    await emma.become("ready")
