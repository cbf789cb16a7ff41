"""An app is registered, let in and removed; users come from a file, and one gets back in by a mailed link."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx2
import pytest
from playwright.async_api import Page, expect
from tests.journeys.conftest import Demo, Street
from tests.journeys.desk import ADMIN, sign_in_to_portal
from tests.journeys.looks import look
from tests.journeys.words import LOCALES, Words, in_both, words

PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 860}
VERIFIER = "v" * 43
CHOSEN, CHOSEN_ANEW = "correct horse battery", "another horse battery"


@asynccontextmanager
async def an_app() -> AsyncGenerator[str]:
    """Where an app on the user's own machine waits for its code; gives the address."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = b'<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>App</title><p>Back in the app</p>'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(body))
        writer.write(body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/back"


async def small(page: Page, name: str, language: str) -> list[str]:
    """The page on a phone."""
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    wrong = await look(page, f"{name}-phone", language)
    await page.set_viewport_size(DESK)  # type: ignore[arg-type]
    return wrong


@pytest.mark.parametrize("language", in_both("en"))
async def test_apps_and_users_come_and_go(demo: Demo, street: Street, language: str) -> None:
    say = words("admin", language)
    context = await street.computer.browser.new_context(locale=LOCALES[language])
    page = await context.new_page()
    headers = {"Origin": demo.contact_center, "Host": f"tieline.localhost:{demo.base}"}
    async with demo.database() as database:
        await database.execute("UPDATE app_user SET language = $1 WHERE email = $2", language, ADMIN.email)
        zone = await database.fetchval("SELECT time_zone FROM account")
    try:
        await page.goto(f"{demo.contact_center}/portal/developer-apps")
        await sign_in_to_portal(page, ADMIN.email)
        async with httpx2.AsyncClient(base_url=f"http://localhost:{demo.base}", headers=headers) as http:
            wrong = await _app(demo, page, http, say, language)
        await page.goto(f"{demo.contact_center}/portal/help/roles")
        await (
            page.get_by_role("cell", name=say("right.hand_over"))
            .or_(page.get_by_role("rowheader", name=say("right.hand_over")))
            .wait_for()
        )
        wrong += await look(page, "portal-help-roles", language)
        wrong += await small(page, "portal-help-roles", language)

        await page.goto(f"{demo.contact_center}/portal/account")
        await page.get_by_label(say("account.time_zone")).select_option("Pacific/Kiritimati")
        await page.get_by_role("button", name=say("users.save"), exact=True).click()
        await page.get_by_text(say("account.saved")).wait_for()
        await page.reload()
        await page.get_by_text(f"{zone} → Pacific/Kiritimati").first.wait_for()
        await page.locator(".ad-header__user").click()
        await page.get_by_text(say("user.time_zone", zone="Pacific/Kiritimati")).wait_for()
        await page.keyboard.press("Escape")
        wrong += await look(page, "portal-account", language)
        wrong += await small(page, "portal-account", language)
        wrong += await _users(demo, street, page, say, language)
    finally:
        async with demo.database() as database:
            await database.execute(
                "UPDATE app_user SET language = $1 WHERE email = $2", ADMIN.language, ADMIN.email
            )
            await database.execute("UPDATE account SET time_zone = $1", zone)
        await context.close()
    assert wrong == []


async def _app(demo: Demo, page: Page, http: httpx2.AsyncClient, say: Words, language: str) -> list[str]:
    """A public app is registered, let in, used and removed."""
    name = f"Roster {language}"
    async with an_app() as back:
        await page.get_by_role("button", name=say("apps.add"), exact=True).click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label(say("apps.name")).fill(name)
        await dialog.get_by_label(say("apps.redirect_uris")).fill(back)
        await dialog.get_by_role("checkbox", name=say("apps.keeps_secret")).uncheck()
        await dialog.get_by_role("button", name=say("apps.add.button"), exact=True).click()
        client_id = await dialog.get_by_label(say("apps.client_id")).input_value()
        await dialog.get_by_role("button", name=say("close")).first.click()
        await page.get_by_role("row", name=name).wait_for()
        wrong = await look(page, "portal-developer-apps", language)
        wrong += await small(page, "portal-developer-apps", language)

        challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code", "client_id": client_id, "redirect_uri": back, "state": "s",
            "code_challenge": challenge, "code_challenge_method": "S256",
        }  # fmt: skip
        await page.goto(f"{demo.contact_center}/oauth/authorize?{urlencode(query)}")
        await page.get_by_role("heading", name=say("consent.asks", app=name)).wait_for()
        wrong += await look(page, "portal-consent", language)
        await page.get_by_role("button", name=say("consent.allow"), exact=True).click()
        await page.get_by_text("Back in the app").wait_for()
        code = parse_qs(urlsplit(page.url).query)["code"][0]
        form = {
            "grant_type": "authorization_code", "client_id": client_id, "redirect_uri": back, "code": code,
            "code_verifier": VERIFIER,
        }  # fmt: skip
        tokens = (await http.post("/oauth/token", data=form)).json()

    async def lives() -> bool:
        bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
        return (await http.get("/oauth/userinfo", headers=bearer)).status_code == 200

    assert await lives()
    await page.goto(f"{demo.contact_center}/portal/added-apps")
    await page.get_by_role("button", name=say("added.remove.of", name=name)).click()
    wrong += await look(page, "portal-added-apps-remove", language)
    await page.get_by_role("dialog").get_by_role("button", name=say("added.remove"), exact=True).click()
    await expect(page.get_by_role("region", name=name)).to_have_count(0)
    assert not await lives(), "removed means at once"
    await page.goto(f"{demo.contact_center}/portal/developer-apps")
    await page.get_by_role("button", name=say("apps.delete.of", name=name)).click()
    await page.get_by_role("dialog").get_by_role("button", name=say("apps.delete"), exact=True).click()
    await expect(page.get_by_role("row", name=name)).to_have_count(0)
    return wrong


async def _users(demo: Demo, street: Street, page: Page, say: Words, language: str) -> list[str]:
    """A file is shown and imported; its user chooses a password by mail, forgets it, and gets a new one."""
    email = f"filed.{language}@acme.example"
    lines = f"email,name,language,roles\n{email},山田 花子,{language},agent\nnobody,Nobody,en,agent\n"
    await page.goto(f"{demo.contact_center}/portal/users")
    await page.get_by_role("button", name=say("import.open"), exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label(say("import.file")).set_input_files(
        {"name": "users.csv", "mimeType": "text/csv", "buffer": lines.encode("cp932")}
    )
    await dialog.get_by_role("row", name=email).get_by_text(say("import.kind.new")).wait_for()
    await dialog.get_by_text(say("import.wrong.email", value="nobody")).wait_for()
    wrong = await look(page, "portal-users-import", language)
    await dialog.get_by_role("button", name=say("import.button"), exact=True).click()
    await dialog.get_by_role("button", name=say("close")).last.click()
    await page.get_by_role("row", name=email).get_by_role("button").click()
    await dialog.get_by_text(say("account.changes"), exact=True).click()
    await dialog.get_by_text(email, exact=False).last.wait_for()
    wrong += await look(page, "portal-user-changes", language)

    own = await street.computer.browser.new_context(locale=LOCALES[language])
    theirs = await own.new_page()
    for password in (CHOSEN, CHOSEN_ANEW):
        await theirs.goto(f"{demo.contact_center}/portal/mailbox")
        mail = theirs.get_by_role("article").filter(has_text=email)
        await mail.first.get_by_role("link").click()
        await theirs.get_by_label(say("password.new")).fill(password)
        await theirs.get_by_label(say("password.again")).fill(password)
        await theirs.get_by_role("button", name=say("password.button")).click()
        await theirs.get_by_role("link", name=say("sign_in.button")).click()
        await sign_in_to_portal(theirs, email, password)
        await theirs.get_by_role("navigation").wait_for()
        if password == CHOSEN:
            await theirs.goto(f"{demo.contact_center}/portal/forgotten")
            await theirs.get_by_label(say("sign_in.email")).fill(email)
            await theirs.get_by_role("button", name=say("forgotten.button")).click()
            await theirs.get_by_role("heading", name=say("forgotten.done.title")).wait_for()
            async with demo.database() as database:
                async with asyncio.timeout(10):
                    while not await database.fetchval(
                        "SELECT count(*) FROM mail WHERE recipient = $1 AND template = 'password_reset'",
                        email,
                    ):
                        await asyncio.sleep(0.1)
    await own.close()
    return wrong
