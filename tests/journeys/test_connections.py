"""Integrations, Applications: an administrator connects an org, changes and deletes the connection, in Japanese."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.journeys.computer import until
from tests.journeys.conftest import Demo, Street
from tests.journeys.desk import ADMIN, CALLBAR, sign_in_to_crm, sign_in_to_portal
from tests.journeys.looks import look
from tests.journeys.words import LOCALES, in_both, words
from tests.ports import free_ports

_NEW_APP = """async ({ callback, name }) => {
  const { csrf_token } = await (await fetch('/console/api/bootstrap')).json();
  const answer = await fetch('/console/api/setup/apps', {
    method: 'POST', headers: { 'Content-Type': 'application/json', 'X-CSRF-Token': csrf_token },
    body: JSON.stringify({ name, label: name, callbacks: [callback],
                           scopes: ['api', 'refresh_token', 'openid', 'id'] }),
  });
  return answer.json();
}"""


@pytest.mark.parametrize("language", in_both("ja"))
async def test_a_connection_from_adding_to_deleting(demo: Demo, street: Street, language: str) -> None:
    say = words("admin", language)
    context = await street.computer.browser.new_context(locale=LOCALES[language])
    page = await context.new_page()
    wrong: list[str] = []
    async with demo.database() as database:
        await database.execute("UPDATE app_user SET language = $1 WHERE email = $2", language, ADMIN.email)
    try:
        await page.goto(demo.console)
        await sign_in_to_crm(page, ADMIN.email)
        await page.wait_for_url("**/lightning/**")
        callback = f"{demo.contact_center}/oauth/salesforce/callback"
        app = await page.evaluate(_NEW_APP, {"callback": callback, "name": f"Second_{language}"})
        await page.goto(demo.contact_center)
        await sign_in_to_portal(page, ADMIN.email)
        await page.get_by_role("link", name=say("nav.home")).click()
        crm = page.get_by_role("region", name="Acme CRM")
        # What the org says comes by itself, without a click.
        await expect(crm).to_contain_text(say("check.open_cti.ok"))
        await expect(crm).to_contain_text(say("check.org.ok"))
        wrong += await look(page, "portal-home", language)
        async with page.expect_download() as bundle:
            await page.get_by_role("link", name=say("home.help.download")).click()
        assert (await bundle.value).suggested_filename.startswith("tieline-diagnostics-")
        await page.get_by_role("link", name=say("home.help.pages")).click()
        await page.get_by_role("link", name=say("help.call-center")).click()
        await page.get_by_text(say("help.call-center.why")).wait_for()
        wrong += await look(page, "portal-help", language)

        await page.get_by_role("link", name=say("nav.applications")).click()
        row = page.get_by_role("row", name="Acme CRM")
        await expect(row).to_contain_text(say("connection.status.connected"))
        wrong += await look(page, "portal-applications", language)
        async with page.expect_download() as definition:
            await page.get_by_role("link", name=say("connections.call_centers.standard")).click()
        text = Path(await (await definition.value).path()).read_text("utf-8")
        assert f"{demo.contact_center}{CALLBAR}" in text

        await page.get_by_role("button", name=say("connections.add")).click()
        await page.get_by_text(say("connection.environment.domain.more")).click()
        await page.get_by_label(say("connection.name"), exact=False).first.fill("Acme CRM")
        await page.get_by_label(say("connection.client_id")).fill(app["client_id"])
        await page.get_by_label(say("connection.own_domain")).fill("https://example.com")
        await page.get_by_role("button", name=say("connection.log_in")).click()
        await page.get_by_text(say("connection.wrong.login_origin")).wait_for()
        street.computer.expected = "Failed to load resource"
        wrong += await look(page, "portal-application-refused", language)
        await page.get_by_text(say("connection.environment.embedded.more")).click()
        await page.get_by_label(say("connection.api_base")).fill(demo.crm.replace("localhost", "127.0.0.1"))
        await page.get_by_label(say("connection.login_origin")).fill(
            demo.console.replace(".lightning.", ".my.")
        )
        await page.get_by_label(say("connection.console")).fill("http://second.lightning.localhost:9")
        await page.get_by_label(say("connection.client_secret")).fill(app["client_secret"])
        await page.get_by_role("button", name=say("connection.log_in")).click()
        await page.get_by_text(say("connection.wrong.name_taken")).wait_for()
        await page.get_by_label(say("connection.name"), exact=False).first.fill("第二 CRM")
        await page.get_by_role("button", name=say("connection.log_in")).click()
        await allow(page)
        await page.get_by_text(say("connections.connected", name="第二 CRM")).wait_for()
        wrong += await look(page, "portal-application-connected", language)

        await page.get_by_role("link", name="第二 CRM").click()
        state = page.get_by_role("region", name=say("connection.state"))
        await expect(state).to_contain_text(ADMIN.name)
        domains = page.get_by_role("region", name=say("connection.domains"))
        for typed in ("http://example.com", demo.console):
            await domains.get_by_role("textbox").fill(typed)
            await domains.get_by_role("button", name=say("connection.domains.add.button")).click()
            await expect(domains.locator(".slds-has-error")).to_be_visible()
        await domains.get_by_role("textbox").fill("Shop.Example.com")
        await domains.get_by_role("button", name=say("connection.domains.add.button")).click()
        await domains.get_by_text("https://shop.example.com").wait_for()
        await expect(domains.locator(".slds-has-error")).to_have_count(0)
        wrong += await look(page, "portal-application", language)
        await domains.get_by_role("button", name="https://shop.example.com").click()
        await expect(domains.get_by_text("https://shop.example.com")).to_have_count(0)

        edit = page.get_by_role("region", name=say("connection.edit"))
        await edit.get_by_role("textbox").fill("Zweites CRM")
        await edit.get_by_role("button", name=say("connection.save")).click()
        await page.get_by_role("heading", level=1, name="Zweites CRM").wait_for()

        usage = await context.new_page()
        await usage.goto(f"{demo.console}/lightning/setup/ConnectedAppsUsage/{app['client_id']}/view")
        await usage.get_by_role("row", name=ADMIN.email).wait_for()
        await page.bring_to_front()  # of a page behind another one there may be no picture

        await page.get_by_role("button", name=say("connection.remove.button")).click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_text(say("connection.remove.users_zero")).wait_for()
        wrong += await look(page, "portal-application-deleting", language)
        await dialog.get_by_role("button", name=say("connection.remove.button")).click()
        await expect(page.get_by_role("row", name="Zweites CRM")).to_have_count(0)
        # The org's page, left open, says so by itself.
        await expect(usage.get_by_role("row", name=ADMIN.email)).to_have_count(0)
        await usage.close()
        await expect(row).to_contain_text(say("connection.status.connected"))
    finally:
        async with demo.database() as database:
            await database.execute("UPDATE app_user SET language = $1 WHERE email = $2", "en", ADMIN.email)
        await context.close()
    assert wrong == []


async def allow(page: Page) -> None:
    """Allow the contact center at the org, where the browser is signed in."""
    await page.locator("button[value=allow]").click()
    await page.wait_for_url("**/portal/connections?*")


@asynccontextmanager
async def a_website(port: int, callbar: str) -> AsyncGenerator[None]:
    """A website, under every name that leads here, whose page embeds the callbar as its own origin."""
    body = f"""<!doctype html><title>A website</title><script>
      const frame = document.createElement('iframe');
      frame.src = '{callbar}?sfdcIframeOrigin=' + encodeURIComponent(location.origin);
      frame.width = 340; frame.height = 480;
      addEventListener('load', () => document.body.append(frame));
    </script>""".encode()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield


async def test_a_page_on_an_added_domain_embeds_the_callbar_and_no_other_does(
    demo: Demo, street: Street
) -> None:
    say, callbar = words("admin", "en"), words("callbar", "en")
    port = free_ports()
    context = await street.computer.browser.new_context(locale="en-US")
    page, website = await context.new_page(), await context.new_page()
    shop, other = f"http://shop.localhost:{port}", f"http://other.localhost:{port}"

    async def shown(at: str) -> bool:
        """Whether the callbar stands in the website's page; a frame that was refused shows the browser's own page."""
        await website.goto(at)
        frame = website.frame_locator("iframe")
        sign_in = frame.get_by_role("button", name=callbar("sign_in.button"))

        async def settled() -> str | None:
            if await sign_in.count():
                return "shown"
            refused = [each for each in website.frames if each.url.startswith("chrome-error:")]
            return "refused" if refused else None

        return await until(settled, "the frame") == "shown"

    try:
        async with a_website(port, f"{demo.contact_center}{CALLBAR}"):
            street.computer.expected = "frame-ancestors"
            assert not await shown(shop)
            await page.goto(demo.contact_center)
            await sign_in_to_portal(page, ADMIN.email)
            await page.get_by_role("link", name=say("nav.applications")).click()
            await page.get_by_role("link", name="Acme CRM").click()
            domains = page.get_by_role("region", name=say("connection.domains"))
            await domains.get_by_role("textbox").fill(shop)
            await domains.get_by_role("button", name=say("connection.domains.add.button")).click()
            await domains.get_by_text(shop).wait_for()
            assert await shown(shop)
            assert not await shown(other)
            await domains.get_by_role("button", name=shop).click()
            await expect(domains.get_by_text(shop)).to_have_count(0)
            assert not await shown(shop)
    finally:
        await context.close()
