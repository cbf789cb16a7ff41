"""A softphone of somebody else, on an origin of its own, calls everything that Open CTI publishes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

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
<item sortOrder="5" name="reqSoftphoneWidth" label="Width">340</item>{more}
</section></callCenter>"""
STANDBY = """<item sortOrder="6" name="reqStandbyUrl">http://adapter.localhost:{port}/standby.html{ready}</item>
<item sortOrder="7" name="reqTimeout">{timeout}</item>"""

TIMEOUT_MS = 2_000


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

    async def query(self, soql: str) -> list[dict[str, Any]]:
        """Records of the org, asked for under the console's session."""
        path = f"/console/api/data/v66.0/query?q={quote(soql)}"
        answer: dict[str, Any] = await self.page.evaluate("path => fetch(path).then((it) => it.json())", path)
        return answer["records"]

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


@dataclass
class Vendor:
    """An administrator at a computer, and a vendor's pages on an origin of their own."""

    demo: Demo
    page: Page
    administrator: Administrator
    port: int

    @asynccontextmanager
    async def works(self, more: str = "", page: str = "adapter.html") -> AsyncGenerator[Softphone]:
        """The administrator works in a call center of the vendor's, for a while, with this page of the vendor's."""
        call = self.administrator.call
        text = DEFINITION.format(name=f"a{secrets.token_hex(6)}", port=self.port, more=more)
        center = (await call("POST", "setup/call-centers/import", text))["id"]
        users = (await call("GET", "setup/users"))["users"]
        own = {"user_ids": [next(user["id"] for user in users if user["username"] == ADMIN.email)]}
        await call("POST", f"setup/call-centers/{center}/users", own)
        yield await self.opened(page)
        await call("POST", f"setup/call-centers/{center}/users/remove", own)
        await call("DELETE", f"setup/call-centers/{center}")

    async def opened(self, page: str = "adapter.html") -> Softphone:
        """The console opened anew, once this page of the vendor's is ready in it."""
        await self.page.goto(f"{self.demo.console}/lightning/page/home")
        return Softphone(self.page, await self.ready(page))

    async def ready(self, page: str = "adapter.html") -> Frame:
        """The frame of a page of the vendor's, once it is ready."""

        async def there() -> Frame | None:
            return next((frame for frame in self.page.frames if f"/{page}" in frame.url), None)

        frame = await until(there, page)
        await frame.get_by_text("ready").wait_for(state="attached")
        return frame


@pytest.fixture
async def vendor(
    demo: Demo, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Vendor]:
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
        yield Vendor(demo, page, administrator, port)


@pytest.fixture
async def softphone(vendor: Vendor) -> AsyncIterator[Softphone]:
    async with vendor.works() as softphone:
        yield softphone


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
    # A click on the number, and a log about something else.
    assert await ask("enableClickToDial") == good
    await softphone.frame.evaluate("() => listen('onClickToDial')")
    await page.get_by_role("main").locator(".console-dial").first.click()
    await softphone.hears(
        lambda name, told: (
            name == "onClickToDial"
            and (told["recordId"], told["objectType"], told["recordName"]) == (contact, "Contact", last)
            and phone in told["number"]
        )
    )
    case = await ask("saveLog", value={"entityApiName": "Case", "Subject": last, "ContactId": contact})
    assert case["returnValue"].startswith("500")

    views = await softphone.query(
        "SELECT Id, Name FROM ListView WHERE SobjectType = 'Contact' ORDER BY Name LIMIT 1"
    )
    for kind, params in (
        ("objecthome", {"scope": "Account"}),
        ("list", {"scope": "Contact", "listViewId": views[0]["Id"]}),
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
    await page.keyboard.press("Escape")
    await expect(form).to_have_count(0)
    modal = {"entityName": "Lead", "defaultFieldValues": {"Company": "Example Ltd"}}
    assert await ask("screenPop", type="newRecordModal", params=modal) == good
    await expect(form.get_by_label("Company")).to_have_value("Example Ltd")

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


NOTHING, SEARCH, RECORD, FORM = "nothing", "search", "record", "form"
OPTIONS = (
    # What the layout says for no, one and several matches, and what each opens.
    ("ExistingWindow", ("NoPop", "NoPop", "PopToSearch"), (NOTHING, NOTHING, SEARCH)),
    ("NewWindow", ("PopToEntity", "PopToDetail", "NoPop"), (FORM, RECORD, NOTHING)),
    ("ExistingWindow", ("PopToFlow", "PopToFlow", "PopToFlow"), (NOTHING, NOTHING, NOTHING)),
)


async def test_every_option_of_a_softphone_layout_is_obeyed(vendor: Vendor) -> None:
    call, page = vendor.administrator.call, vendor.page
    several, one = f"Twin{secrets.token_hex(4)}", f"Single{secrets.token_hex(4)}"
    for last in (several, several, one):
        await call("POST", "data/v66.0/sobjects/Contact", {"LastName": last})
    searched = (f"Nobody{secrets.token_hex(4)}", one, several)
    windows = len(page.context.pages)
    async with default_layout_kept(vendor.administrator), vendor.works() as softphone:
        for within, options, opened in OPTIONS:
            await say_default(vendor.administrator, within, options)
            softphone = await vendor.opened()
            for call_type in ("inbound", "outbound", "internal"):
                for text, option, expected in zip(searched, options, opened, strict=True):
                    await softphone.ask("screenPop", type="objecthome", params={"scope": "Lead"})
                    answer = await softphone.ask("searchAndScreenPop", searchParams=text, callType=call_type)
                    flow = option == "PopToFlow" and call_type == "inbound"
                    assert answer["success"] is not flow, (call_type, option)
                    if flow:
                        assert answer["errors"][0]["code"] == "GENERIC_ERROR"
                    else:
                        # For internal calls the layout looks among users only.
                        matches = 0 if call_type == "internal" else searched.index(text)
                        assert len(answer["returnValue"]) == matches, (call_type, text)
                    # Only inbound calls pop by themselves.
                    await shows(page, expected if call_type == "inbound" else NOTHING, text)
            assert len(page.context.pages) == windows, "a new window is a tab of the console"
    await vendor.administrator.tidy()


async def default_layout(administrator: Administrator) -> dict[str, Any]:
    layouts = (await administrator.call("GET", "setup/softphone-layouts"))["layouts"]
    return next(layout for layout in layouts if layout["is_default"])


async def keep(administrator: Administrator, layout: dict[str, Any]) -> None:
    answer = await administrator.call("PUT", f"setup/softphone-layouts/{layout['id']}", layout)
    assert "id" in answer, answer


@asynccontextmanager
async def default_layout_kept(administrator: Administrator) -> AsyncIterator[None]:
    """The default layout says afterwards what it said before: agents of other journeys work with it."""
    before = await default_layout(administrator)
    try:
        yield
    finally:
        await keep(administrator, before)


async def say_default(administrator: Administrator, within: str, options: tuple[str, ...]) -> None:
    """Makes the default layout say what shall pop for inbound calls."""
    default = await default_layout(administrator)
    data = {"PopToEntity": "Contact", "PopToFlow": "Any_Flow"}
    settings = {
        case: {"screenPopType": option} | ({"screenPopData": data[option]} if option in data else {})
        for case, option in zip(("NoMatch", "SingleMatch", "MultipleMatches"), options, strict=True)
    }
    pops = default["layout"]["Inbound"]["screenPopSettings"] | settings | {"screenPopsOpenWithin": within}
    layout = default["layout"] | {"Inbound": default["layout"]["Inbound"] | {"screenPopSettings": pops}}
    await keep(administrator, default | {"layout": layout})


async def shows(page: Page, what: str, text: str) -> None:
    """What the console has opened since it showed the list of leads; a form is put away again."""
    form = page.get_by_role("dialog").filter(has=page.get_by_role("button", name="Save", exact=True))
    title = page.get_by_role("heading", level=1)
    if what == FORM:
        await expect(form).to_be_visible()
        await page.keyboard.press("Escape")
    elif what == RECORD:
        await expect(title).to_contain_text(text)
    elif what == SEARCH:
        await expect(page.get_by_role("main").get_by_role("heading", name="Search Results")).to_be_visible()
    await expect(form).to_have_count(0)
    if what in (NOTHING, FORM):
        assert "/o/Lead/" in page.url, page.url


async def test_the_utility_item_says_size_and_start(vendor: Vendor) -> None:
    call, page = vendor.administrator.call, vendor.page
    item = page.locator(".console-utility__item")

    async def say(**item: Any) -> None:
        app = (await call("GET", "setup/lightning-apps"))["apps"][0]
        others = [each for each in app["utility_items"] if each["type"] != "softphone"]
        items = {"utility_items": [{"type": "softphone"} | item, *others]}
        assert "name" in await call("PATCH", f"setup/lightning-apps/{app['name']}", items)

    async def opened_at(width: int, height: int) -> None:
        await item.click()
        panel = page.locator(".console-panel_open")
        await expect(panel).to_have_css("width", f"{width}px")
        await expect(panel).to_have_css("height", f"{height}px")

    async with vendor.works():  # its definition says 340 x 480
        for size in ((340, 480), (400, 500)):
            await say(width=size[0], height=size[1], auto_start=True)
            softphone = await vendor.opened()
            # It has started, and nobody sees it yet.
            assert (await softphone.ask("isSoftphonePanelVisible"))["returnValue"] == {"visible": False}
            await opened_at(*size)
        await say(auto_start=False)
        await page.goto(f"{vendor.demo.console}/lightning/page/home")
        await item.wait_for()
        assert not any("/adapter.html" in frame.url for frame in page.frames)
        await opened_at(340, 480)
        await vendor.ready()
    await vendor.administrator.tidy()


async def test_a_softphone_that_is_late_is_loaded_from_its_standby_address(vendor: Vendor) -> None:
    loaded: list[str] = []
    vendor.page.on("framenavigated", lambda frame: loaded.append(urlsplit(frame.url).path))

    def pages() -> list[str]:
        return [path for path in loaded if path.endswith(".html")]

    late = STANDBY.format(port=vendor.port, ready="?ready", timeout=TIMEOUT_MS)
    async with vendor.works(late, "standby.html"):
        # The adapter had its time, said nothing, and gave way; its page is not in the console any more.
        assert pages() == ["/adapter.html", "/standby.html"]
        assert not any("/adapter.html" in frame.url for frame in vendor.page.frames)
        loaded.clear()
        standby = await vendor.opened("standby.html")
        assert pages() == ["/standby.html"], "in use until the browser is closed"
        assert (await standby.ask("getCallCenterSettings"))["success"] is True
    in_time = STANDBY.format(port=vendor.port, ready="", timeout=TIMEOUT_MS).replace(
        "standby.html", "never.html"
    )
    # The adapter says that it has started as soon as it has.
    async with vendor.works(in_time) as softphone:
        assert (await softphone.ask("notifyInitializationComplete"))["success"] is True
        loaded.clear()
        # Begun after the console's own timer, so it ends after it.
        await vendor.page.evaluate("ms => new Promise((done) => setTimeout(done, ms))", TIMEOUT_MS)
        assert pages() == []
