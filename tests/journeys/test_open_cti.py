"""A softphone of somebody else, on an origin of its own, calls everything that Open CTI publishes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Frame, Page, expect
from tests.journeys.computer import Computer, until
from tests.journeys.conftest import Demo, pictured
from tests.journeys.desk import ADMIN, PASSWORD
from tests.journeys.setup_pages import SetupPages
from tests.journeys.test_setup import Administrator
from tests.ports import free_ports

ADAPTER = Path(__file__).parent / "adapter.html"
DEFINITION = """<callCenter><section sortOrder="0" name="reqGeneralInfo" label="General">
<item sortOrder="0" name="reqInternalName" label="Internal Name">{name}</item>
<item sortOrder="1" name="reqDisplayName" label="Display Name">Somebody else</item>
<item sortOrder="2" name="reqAdapterUrl" label="URL">http://adapter.localhost:{port}/adapter.html?version=45.0</item>
<item sortOrder="3" name="reqUseApi" label="Use API">true</item>
<item sortOrder="4" name="reqSoftphoneHeight" label="Height">480</item>
<item sortOrder="5" name="reqSoftphoneWidth" label="Width">340</item>
</section></callCenter>"""


@asynccontextmanager
async def adapter_served(port: int) -> AsyncGenerator[None]:
    """The adapter's page on an origin that is neither the org's nor the contact center's."""
    body = ADAPTER.read_bytes()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A browser opens connections that it may never use.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    async with server:
        yield


@dataclass
class Softphone:
    """The adapter's frame in the console of an administrator who works in its call center."""

    page: Page
    frame: Frame

    async def ask(self, method: str, **args: Any) -> dict[str, Any]:
        """Calls a method; gives what its callback got."""
        return await self.frame.evaluate("([method, args]) => ask(method, args)", [method, args])

    async def hears(self, what: Callable[[str, Any], bool]) -> None:
        """Waits until a listener was told something."""

        async def told() -> bool:
            return any(what(*each) for each in await self.frame.evaluate("() => heard"))

        await until(told, "what a listener is told")

    async def code(self, method: str, **args: Any) -> str:
        """The code of a method's refusal."""
        answer = await self.ask(method, **args)
        assert answer["success"] is False
        assert answer["returnValue"] is None
        return answer["errors"][0]["code"]


@pytest.fixture
async def softphone(
    demo: Demo, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Softphone]:
    port = free_ports()
    async with (
        adapter_served(port),
        Computer(tmp_path_factory.mktemp("adapter")) as computer,
        pictured(computer, "adapter", request.node),
    ):
        page = await computer.open("about:blank")
        pages = SetupPages(demo, page, "en")
        administrator = Administrator(pages, computer)
        await pages.open(ADMIN.email, PASSWORD)
        await pages.walk("platform", "features", "callCenter")
        await pages.see_introduction_once()
        await pages.choose_definition(DEFINITION.format(name=f"a{secrets.token_hex(6)}", port=port))
        await pages.heading("Somebody else")
        center = page.url.split("/")[-2]
        users = (await administrator.call("GET", "setup/users"))["users"]
        own = {"user_ids": [next(user["id"] for user in users if user["username"] == ADMIN.email)]}
        await administrator.call("POST", f"setup/call-centers/{center}/users", own)
        await page.goto(f"{demo.console}/lightning/page/home")

        async def there() -> bool:
            return any("adapter.localhost" in frame.url for frame in page.frames)

        await until(there, "the adapter's frame")
        frame = next(frame for frame in page.frames if "adapter.localhost" in frame.url)
        await frame.get_by_text("ready").wait_for(state="attached")
        yield Softphone(page, frame)
        await administrator.call("POST", f"setup/call-centers/{center}/users/remove", own)
        await administrator.call("DELETE", f"setup/call-centers/{center}")


async def test_every_method_answers_as_published(softphone: Softphone) -> None:
    page, ask, code = softphone.page, softphone.ask, softphone.code
    good = {"success": True, "returnValue": None, "errors": None, "error": None}

    settings = (await ask("getCallCenterSettings"))["returnValue"]
    assert settings["/reqGeneralInfo/reqDisplayName"] == "Somebody else"
    assert settings["/reqGeneralInfo/reqUseApi/sortOrder"] == "3.0"
    assert all(isinstance(value, str) for value in settings.values())
    layout = (await ask("getSoftphoneLayout"))["returnValue"]
    assert set(layout) == {"Inbound", "Outbound", "Internal"}
    assert layout["Inbound"]["screenPopSettings"]["screenPopsOpenWithin"] == "ExistingWindow"
    assert set((await ask("getAppViewInfo"))["returnValue"]) == {"url"}

    for method in ("notifyInitializationComplete", "enableClickToDial", "disableClickToDial", "refreshView"):
        assert await ask(method) == good, method
    assert await ask("setSoftphonePanelVisibility", visible=True) == good
    assert (await ask("isSoftphonePanelVisible"))["returnValue"] == {"visible": True}
    assert await ask("setSoftphonePanelWidth", widthPX=400) == good
    assert await ask("setSoftphonePanelHeight", heightPX=500) == good
    panel = page.locator(".console-panel_open")
    await expect(panel).to_have_css("width", "400px")
    await expect(panel).to_have_css("height", "500px")
    assert await ask("setSoftphoneItemLabel", label="On a call") == good
    assert await ask("setSoftphonePanelLabel", label="Talking") == good
    for method in ("setSoftphoneItemIcon", "setSoftphonePanelIcon"):
        assert await ask(method, key="end_call") == good
    await expect(page.locator(".console-utility__item")).to_have_text("On a call")
    await expect(panel.get_by_role("heading", name="Talking")).to_be_visible()

    # Records: saved, popped, found.
    last = f"Adapter{secrets.token_hex(4)}"
    phone = f"+1 628 555 {secrets.randbelow(10_000):04}"
    saved = await ask("saveLog", value={"entityApiName": "Contact", "LastName": last, "Phone": phone})
    contact = saved["returnValue"]
    assert contact.startswith("003")
    assert (await ask("saveLog", value={"Id": contact, "Title": "Caller"}))["returnValue"] == contact
    await softphone.frame.evaluate("() => listen('onNavigationChange')")
    assert await ask("screenPop", type="sobject", params={"recordId": contact}) == good
    await expect(page.get_by_role("heading", level=1)).to_contain_text(last)
    shown = (await ask("getAppViewInfo"))["returnValue"]
    assert (shown["recordId"], shown["objectType"]) == (contact, "Contact")
    await softphone.hears(lambda name, told: name == "onNavigationChange" and told.get("recordId") == contact)
    for kind, params in (
        ("objecthome", {"scope": "Account"}),
        ("url", {"url": "/lightning/page/home"}),
        ("search", {"searchString": last}),
    ):
        assert await ask("screenPop", type=kind, params=params) == good, kind

    found = (await ask("searchAndScreenPop", searchParams=last, callType="inbound", deferred=True))[
        "returnValue"
    ]
    assert found[contact]["RecordType"] == "Contact"
    assert await ask("screenPop", **found["SCREEN_POP_DATA"]) == good
    await expect(page.get_by_role("heading", level=1)).to_contain_text(last)
    fields = {"Phone": "555", "LastName": "New"}
    none = await ask("searchAndScreenPop", searchParams="nobody-is-called-so", defaultFieldValues=fields)
    assert none["returnValue"] == {}
    form = page.get_by_role("dialog").filter(has=page.get_by_role("button", name="Save", exact=True))
    await expect(form).to_be_visible()

    # Message channels.
    subscription = await softphone.frame.evaluate(
        """() => new Promise((callback) => sforce.opencti.subscribe({
             channelName: 'Sample__c', listener: (message) => heard.push(['message', message]), callback }))"""
    )
    assert subscription["success"] is True
    assert await ask("publish", channelName="Sample__c", message={"a": 1}) == good
    await softphone.hears(lambda name, told: (name, told) == ("message", {"a": 1}))
    assert await ask("unsubscribe", subscription=subscription["returnValue"]) == good

    # What is refused.
    for method, args, expected in (
        ("screenPop", {"type": "flow", "params": {"flowDevName": "Any"}}, "GENERIC_ERROR"),
        ("screenPop", {"type": "search", "params": {"searchString": "ab"}}, "INVALID_PARAM"),
        ("screenPop", {"type": "url", "params": {"url": "https://evil.example/"}}, "INVALID_PARAM"),
        ("runApex", {"apexClass": "Any", "methodName": "run", "methodParams": "a=b"}, "GENERIC_ERROR"),
        ("runApex", {"apexClass": "Any"}, "INVALID_PARAM"),
        ("saveLog", {"value": {"entityApiName": "Nothing__c"}}, "INVALID_PARAM"),
        ("saveLog", {"value": {"entityApiName": "Contact"}}, "SERVER_ERROR"),
        ("setSoftphonePanelWidth", {"widthPX": 199}, "INVALID_PARAM"),
        ("setSoftphonePanelHeight", {"heightPX": 2561}, "INVALID_PARAM"),
        ("setSoftphonePanelVisibility", {"visible": "yes"}, "INVALID_PARAM"),
        ("setSoftphoneItemIcon", {"key": "../call"}, "INVALID_PARAM"),
        ("setSoftphoneItemLabel", {}, "INVALID_PARAM"),
        ("publish", {"channelName": "Sample__c"}, "INVALID_PARAM"),
        ("hvs.completeWork", {"workId": "x"}, "GENERIC_ERROR"),
    ):
        assert await code(method, **args) == expected, (method, args)
