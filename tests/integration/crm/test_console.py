"""The console's door and its JSON API."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from tests.plain_http import plain_http

from .browser import Browser
from .conftest import ADMIN, AGENT, PASSWORD, World
from .package_files import SESSION, archive, manifest
from .test_rest import DATA, make

DEFINITION = """<callCenter><section sortOrder="0" name="reqGeneralInfo" label="General Info">
<item sortOrder="0" name="reqInternalName" label="Name">{name}</item>
<item sortOrder="1" name="reqDisplayName" label="Display Name">Example Phone</item>
<item sortOrder="2" name="reqDescription" label="Description"></item>
<item sortOrder="3" name="reqAdapterUrl" label="CTI Adapter URL">http://phone.localhost:8400/cci</item>
<item sortOrder="4" name="reqUseApi" label="Use CTI API">true</item>
<item sortOrder="5" name="reqSoftphoneHeight" label="Softphone Height">680</item>
<item sortOrder="6" name="reqSoftphoneWidth" label="Softphone Width">700</item>
<item label="Mode" name="reqSalesforceCompatibilityMode" sortOrder="7">Classic_and_Lightning</item>
</section><section sortOrder="1" name="reqDialingOptions" label="Dialing Options">
<item sortOrder="0" name="reqOutsidePrefix" label="Outside Prefix">9</item></section></callCenter>"""


@pytest.fixture
async def agent_console(world: World) -> AsyncIterator[Browser]:
    """An agent's console."""
    browser = Browser(world.port)
    await browser.open_console(AGENT, PASSWORD)
    yield browser
    await browser.close()


async def test_the_base_address_leads_through_sign_in_to_the_console(world: World, browser: Browser) -> None:
    url, response = await browser.follow("GET", f"{browser.base}/")
    assert url.startswith(f"{browser.my}/login?startURL=")
    start = re.search(r'name="startURL" value="([^"]+)"', response.text)
    assert start
    signed = await browser.sign_in(ADMIN, PASSWORD, start=start.group(1).replace("&amp;", "&"))
    url, response = await browser.follow("GET", browser.my + signed.headers["location"])
    assert url == f"{browser.lightning}/lightning/page/home"
    policy = response.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    config = re.search(r'id="tieline-config">(.*?)</script>', response.text)
    assert config
    assert json.loads(config.group(1))["bootstrap"]["user"]["username"] == ADMIN


async def test_a_handed_over_code_works_once_and_only_where_it_was_asked_for(
    world: World, browser: Browser
) -> None:
    await browser.sign_in(ADMIN, PASSWORD)
    begun = await browser.send("GET", f"{browser.lightning}/lightning/page/home")
    given = await browser.send("GET", begun.headers["location"])
    other = Browser(world.port)
    assert (await other.send("GET", given.headers["location"])).status_code == 403
    assert (await browser.send("GET", given.headers["location"])).status_code == 403, (
        "it was spent by the thief"
    )
    await other.close()
    begun = await browser.send("GET", f"{browser.lightning}/lightning/page/home")
    given = await browser.send("GET", begun.headers["location"])
    assert (await browser.send("GET", given.headers["location"])).headers[
        "location"
    ] == "/lightning/page/home"


async def test_writes_need_the_session_s_token_and_origin(world: World, console: Browser) -> None:
    url = f"{console.lightning}/console/api/data/v66.0/sobjects/Contact"
    body = {"LastName": "Forged"}
    assert (await console.send("POST", url, json=body)).status_code == 403
    evil = {"X-CSRF-Token": console.csrf, "Origin": "https://evil.example"}
    assert (await console.send("POST", url, json=body, headers=evil)).status_code == 403
    assert (await console.api("POST", "data/v66.0/sobjects/Contact", json=body)).status_code == 201
    stranger = Browser(world.port)
    assert (await stranger.api("GET", "bootstrap")).status_code == 401
    assert (await stranger.send("GET", f"{stranger.base}/console/api/bootstrap")).status_code == 404
    await stranger.close()


async def test_the_cookie_opens_no_rest_door(console: Browser) -> None:
    answer = await console.send("GET", f"{console.lightning}{DATA}/limits")
    assert answer.status_code == 404
    answer = await console.send("GET", f"{console.my}{DATA}/limits")
    assert answer.status_code == 401


async def test_an_unknown_host_is_refused(world: World) -> None:
    async with plain_http(base_url=world.base) as http:
        for host in (
            "evil.example",
            f"acme.my.localhost.evil.example:{world.port}",
            f"a.acme.my.localhost:{world.port}",
        ):
            assert (await http.get("/health", headers={"Host": host})).status_code == 421
        assert (await http.get("/", headers={"Host": f"other.my.localhost:{world.port}"})).status_code == 404
        assert (await http.get("/health")).json() == {"status": "ok"}


async def test_static_files_and_the_cti_script_are_served(world: World, browser: Browser) -> None:
    for origin in (browser.my, browser.lightning):
        for path in ("/support/api/66.0/lightning/opencti_min.js", "//support/api/42.0/lightning/opencti.js"):
            script = await browser.send("GET", origin + path)
            assert script.status_code == 200
            assert script.headers["cross-origin-resource-policy"] == "cross-origin"
    asset = await browser.send("GET", f"{browser.lightning}/assets/main-Ab12Cd34.js")
    assert "immutable" in asset.headers["cache-control"]
    assert (await browser.send("GET", f"{browser.lightning}/assets/..%2fconsole.html")).status_code == 404


async def test_lists_sort_search_and_page(console: Browser, admin: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="Zeta List")
    for number in range(12):
        await make(
            admin,
            "Contact",
            FirstName="Lis",
            LastName=f"Tester{number:02d}",
            AccountId=account,
            Phone=f"+1 212 555 {number:04d}",
        )
    page = (await console.api("GET", "list/Contact?search=lis+test&sort=Name&dir=desc&limit=5")).json()
    assert page["total"] == 12
    assert page["has_more"] is True
    assert [row["LastName"] for row in page["records"]][:2] == ["Tester11", "Tester10"]
    assert page["records"][0]["AccountId"]["Name"] == "Zeta List"
    assert {"api_name": "Phone", "label": "Business Phone", "type": "phone", "sortable": True} in page[
        "columns"
    ]
    assert (
        next(column for column in page["columns"] if column["api_name"] == "AccountId")["label"] == "Account"
    )
    phone = (await console.api("GET", "list/Contact?search=2125550007")).json()
    assert [row["LastName"] for row in phone["records"]] == ["Tester07"]
    by_account = (await console.api("GET", "list/Contact?search=tester&sort=AccountId")).json()
    assert by_account["total"] == 12
    assert (await console.api("GET", "list/Nothing")).status_code == 404
    assert (
        await console.api("GET", "list/Contact?search=%00tester%00&sort=%00&dir=%00&limit=%00")
    ).status_code == 200
    assert (await console.api("GET", "list/Contact?search=%27%22%3B--%5C&sort=%22;x")).status_code == 200


async def test_a_viewed_record_is_recent_and_carries_names(
    console: Browser, admin: httpx2.AsyncClient
) -> None:
    account = await make(admin, "Account", Name="Recent Inc")
    contact = await make(admin, "Contact", FirstName="花子", LastName="最近", AccountId=account)
    view = (await console.api("GET", f"record/{contact[:15]}")).json()
    assert view["object"] == "Contact"
    assert view["references"][account] == {"name": "Recent Inc", "object": "Account"}
    assert view["can_edit"] is True
    assert any("Phone" in section["fields"] for section in view["fields"])
    recent = (await console.api("GET", "recent")).json()["records"]
    assert (recent[0]["id"], recent[0]["last_name"]) == (contact, "最近")
    listed = (await console.api("GET", "list/Contact?view=recent")).json()
    assert listed["records"][0]["Id"] == contact
    assert (await console.api("GET", "record/003000000000000AAA")).status_code == 404
    assert (await console.api("GET", "record/nonsense")).status_code == 404


async def test_the_timeline_shows_calls_newest_first(console: Browser, admin: httpx2.AsyncClient) -> None:
    contact = await make(admin, "Contact", LastName="Timeline")
    for number in range(3):
        await make(
            admin, "Task", Subject=f"Call {number}", WhoId=contact, Status="Completed", TaskSubtype="Call",
            CallType="Inbound", CallDurationInSeconds=number, CallDisposition="Solved", Description="n",
        )  # fmt: skip
    page = (await console.api("GET", f"record/{contact}/timeline?limit=2")).json()
    assert [row["Subject"] for row in page["records"]] == ["Call 2", "Call 1"]
    assert page["has_more"] is True
    assert page["records"][0]["Who"]["LastName"] == "Timeline"
    assert page["records"][0]["Owner"]["Name"] == "Administrator"
    rest = (await console.api("GET", f"record/{contact}/timeline?offset=2")).json()
    assert [row["Subject"] for row in rest["records"]] == ["Call 0"]


async def test_search_groups_by_object_and_says_what_matched(
    agent_console: Browser, admin: httpx2.AsyncClient
) -> None:
    await make(admin, "Contact", LastName="Quokka", Phone="+1 303 555 0177")
    await make(admin, "Account", Name="Quokka Ltd", Phone="303-555-0177")
    groups = (await agent_console.api("GET", "search?q=quok")).json()["groups"]
    assert {group["object"] for group in groups} == {"Contact", "Account"}
    assert {group["label"] for group in groups} == {"取引先責任者", "取引先"}
    by_phone = (await agent_console.api("GET", "search?q=(303)%20555-0177&objects=Contact")).json()["groups"]
    assert by_phone[0]["records"][0]["matched"][0]["api_name"] == "Phone"
    assert (await agent_console.api("GET", "search?q=%20")).json() == {"groups": []}


async def test_changes_arrive_while_the_page_is_open(console: Browser, admin: httpx2.AsyncClient) -> None:
    headers = {"Host": f"acme.lightning.localhost:{console.port}"}
    headers["Cookie"] = "; ".join(
        f"{name}={value}" for name, value in console.cookies[headers["Host"]].items()
    )
    seen: list[dict[str, Any]] = []
    listening = asyncio.Event()

    async def listen() -> None:
        async with console.http.stream("GET", "/console/api/events", headers=headers, timeout=30) as stream:
            async for line in stream.aiter_lines():
                listening.set()
                if line.startswith("data: "):
                    seen.append(json.loads(line[6:]))
                if {"activity", "updated", "deleted"} <= {
                    change["kind"] for change in seen if change["id"] == contact
                }:
                    return

    contact = ""
    task = asyncio.create_task(listen())
    await asyncio.wait_for(listening.wait(), 10)
    contact = await make(admin, "Contact", LastName="Live")
    await admin.patch(f"{DATA}/sobjects/Contact/{contact}", json={"Title": "x"})
    await make(admin, "Task", Subject="Live", WhoId=contact)
    await admin.delete(f"{DATA}/sobjects/Contact/{contact}")
    await asyncio.wait_for(task, 10)
    assert {"object": "Contact", "id": contact, "kind": "activity"} in seen


async def test_a_lost_listener_tells_pages_to_look_again(world: World, console: Browser) -> None:
    host = f"acme.lightning.localhost:{console.port}"
    headers = {"Host": host, "Cookie": "; ".join(f"{k}={v}" for k, v in console.cookies[host].items())}
    conn = await world.database()
    async with console.http.stream("GET", "/console/api/events", headers=headers, timeout=30) as stream:
        lines = stream.aiter_lines()
        assert await anext(lines) == "retry: 1000"
        ended = await conn.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE query LIKE 'LISTEN%' AND datname = current_database()"
        )
        assert ended == 1
        async for line in lines:
            if line.startswith("data: "):
                assert json.loads(line[6:])["kind"] == "resync"
                break
    await conn.close()


async def test_signing_out_ends_both_sessions(world: World) -> None:
    browser = Browser(world.port)
    await browser.open_console(AGENT, PASSWORD)
    kept = dict(browser.cookies[f"acme.my.localhost:{world.port}"])
    assert (await browser.api("POST", "session/sign-out")).status_code == 200
    assert (await browser.api("GET", "bootstrap")).status_code == 401
    browser.cookies[f"acme.my.localhost:{world.port}"] = kept
    url, _ = await browser.follow("GET", f"{browser.lightning}/lightning/page/home")
    assert url.startswith(f"{browser.my}/login")
    await browser.close()


async def test_an_administrator_deploys_through_the_console(console: Browser, agent_console: Browser) -> None:
    files = {
        "package.xml": manifest(CustomObject=["Door__c"]),
        "objects/Door__c.object": SESSION.replace(">Sessions<", ">Doors<"),
    }
    sent = {"file": ("package.zip", archive(files), "application/zip")}
    path = "data/v66.0/metadata/deployRequest"
    refused = await agent_console.api("POST", path, files=sent)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
    begun = await console.api("POST", path, files=sent)
    assert begun.status_code == 201
    result = begun.json()["deployResult"]
    async with asyncio.timeout(30):
        while not result["done"]:
            asked = await console.api("GET", f"{path}/{begun.json()['id']}")
            result = asked.json()["deployResult"]
    assert result["status"] == "Succeeded"
    assert (await agent_console.api("GET", f"{path}/{begun.json()['id']}")).status_code == 404
    assert (await console.api("GET", "list/Door__c")).json()["total"] == 0


# -- set-up --------------------------------------------------------------------------------------------------


async def test_a_call_center_is_imported_and_used(console: Browser, world: World) -> None:
    imported = await console.api(
        "POST",
        "setup/call-centers/import",
        content=DEFINITION.format(name="example"),
        headers={"Content-Type": "text/xml"},
    )
    assert imported.status_code == 201, imported.text
    center = imported.json()["id"]
    assert center.startswith("04v")
    again = await console.api("POST", "setup/call-centers/import", content=DEFINITION.format(name="EXAMPLE"))
    assert again.json()[0]["errorCode"] == "DUPLICATE_VALUE"
    users = (await console.api("GET", "setup/users")).json()["users"]
    agent = next(user["id"] for user in users if user["username"] == AGENT)
    added = await console.api("POST", f"setup/call-centers/{center}/users", json={"user_ids": [agent]})
    assert added.status_code == 200, added.text
    item = {
        "type": "softphone",
        "label": "Phone",
        "icon": "call",
        "width": 340,
        "height": 480,
        "auto_start": True,
    }
    assert (await console.api("PUT", "setup/utility-items", json=[item])).status_code == 200
    path, bar = "setup/lightning-apps/LightningService", [{"type": "history"}, {"type": "notes"}]
    added = await console.api("PATCH", path, json={"utility_items": [{"type": "softphone"}, *bar]})
    assert added.status_code == 200, added.text
    browser = Browser(world.port)
    first = await browser.open_console(AGENT, PASSWORD)
    settings = first["call_center"]["settings"]
    assert settings["/reqGeneralInfo/reqAdapterUrl"] == "http://phone.localhost:8400/cci"
    assert settings["/reqGeneralInfo/reqInternalName"] == "example"
    assert settings["/reqDialingOptions/reqOutsidePrefix/sortOrder"] == "0.0"
    assert first["utility_items"][0] == item
    pops = first["softphone_layout"]["Inbound"]["screenPopSettings"]
    assert (pops["NoMatch"], pops["SingleMatch"]) == (
        {"screenPopType": "NoPop"},
        {"screenPopType": "PopToDetail"},
    )
    page = await browser.send("GET", f"{browser.lightning}/lightning/page/home")
    policy = page.headers["content-security-policy"]
    assert "http://phone.localhost:8400" in policy.partition("frame-src 'self' ")[2].partition(";")[0].split()
    assert (
        '"http://phone.localhost:8400"'
        in page.headers["permissions-policy"].partition("microphone=(self ")[2]
    )
    changed = await console.api(
        "PATCH", f"setup/call-centers/{center}", json={"adapter_url": "https://vanity.example/cci"}
    )
    assert changed.status_code == 200, changed.text
    assert (await browser.api("GET", "bootstrap")).json()["call_center"][
        "adapter_url"
    ] == "https://vanity.example/cci"
    removed = await console.api("DELETE", f"setup/call-centers/{center}/users/{agent}")
    assert removed.status_code == 204
    assert (await browser.api("GET", "bootstrap")).json()["call_center"] is None
    assert (await console.api("PATCH", path, json={"utility_items": bar})).status_code == 200
    await browser.close()


@pytest.mark.parametrize(
    "change",
    [
        ("<callCenter>", '<!DOCTYPE callCenter [<!ENTITY x "y">]><callCenter>'),
        ('sortOrder="3"', 'sortOrder="9"'),
        ('name="reqInternalName"', 'name="somethingElse"'),
        (">{name}<", "><"),
        (">{name}<", ">9bad<"),
        ("http://phone.localhost:8400/cci", "javascript:alert(1)"),
        ("http://phone.localhost:8400/cci", "http://x;script-src 'unsafe-inline'"),
        ("<callCenter>", "<center>"),
        ('name="reqDialingOptions"', 'name="req Dialing"'),
    ],
)
async def test_a_wrong_definition_is_refused(console: Browser, change: tuple[str, str]) -> None:
    text = DEFINITION.replace(*change, 1).replace("{name}", "wrong")
    answer = await console.api("POST", "setup/call-centers/import", content=text)
    assert answer.status_code == 400
    assert answer.json()[0]["errorCode"] == "INVALID_INPUT"


async def test_agents_have_no_set_up(agent_console: Browser) -> None:
    for method, path in (
        ("POST", "setup/users"),
        ("PATCH", "setup/users/005"),
        ("PUT", "setup/utility-items"),
        ("PUT", "setup/softphone-layouts/default"),
        ("POST", "setup/call-centers/x/users"),
    ):
        answer = await agent_console.api(method, path, json={"user_ids": ["x"]})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")


async def test_a_softphone_layout_is_checked_against_the_org(console: Browser) -> None:
    layout = (await console.api("GET", "bootstrap")).json()["softphone_layout"]
    assert (await console.api("PUT", "setup/softphone-layouts/default", json=layout)).json() == layout
    for bad in (
        {"Inbound": {"objects": {"Nope": []}}},
        {"Inbound": {"objects": {"Contact": [{"apiName": "Nope"}]}}},
        {"Inbound": {"screenPopSettings": {"NoMatch": {"screenPopType": "Explode"}}}},
    ):
        assert (await console.api("PUT", "setup/softphone-layouts/default", json=bad)).status_code == 400
