"""What each kind of user meets in the console: objects, fields, actions and records, and the same from the server.

Four users: one who works, one who reads, one who has nothing, and one who has nothing but a permission set.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx2
import pytest

from .browser import Browser
from .conftest import PASSWORD, World, client_of
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_permissions import new_user
from .test_rest import DATA, make

ENTRY = f"""<CustomObject {NS}>
<fields><fullName>Public__c</fullName><label>Public</label><length>20</length><type>Text</type></fields>
<fields><fullName>Secret__c</fullName><label>Secret</label><length>20</length><type>Text</type></fields>
<label>Entry</label><nameField><label>Entry Name</label><type>Text</type></nameField><pluralLabel>Entries</pluralLabel>
<sharingModel>ReadWrite</sharingModel></CustomObject>"""
AGENTS = f"""<PermissionSet {NS}><label>Entry Agents</label>
<objectPermissions><object>Entry__c</object><allowRead>true</allowRead><allowCreate>true</allowCreate>
<allowEdit>true</allowEdit><allowDelete>false</allowDelete><viewAllRecords>false</viewAllRecords>
<modifyAllRecords>false</modifyAllRecords></objectPermissions>
<fieldPermissions><field>Entry__c.Public__c</field><readable>true</readable><editable>true</editable></fieldPermissions>
</PermissionSet>"""
DESK = f"""<PermissionSet {NS}><label>Front Desk</label>
<objectPermissions><object>Contact</object><allowRead>true</allowRead><allowCreate>false</allowCreate>
<allowEdit>true</allowEdit><allowDelete>false</allowDelete><viewAllRecords>true</viewAllRecords>
<modifyAllRecords>false</modifyAllRecords></objectPermissions>
<fieldPermissions><field>Contact.Title</field><readable>true</readable><editable>true</editable></fieldPermissions>
<fieldPermissions><field>Contact.Email</field><readable>true</readable><editable>false</editable></fieldPermissions>
<fieldPermissions><field>Contact.ReportsToId</field><readable>true</readable><editable>true</editable></fieldPermissions>
</PermissionSet>"""
"""Contacts without their numbers."""
PROFILES = {
    "worker": "Standard User",
    "reader": "Read Only",
    "nobody": "Minimum Access - Salesforce",
    "holder": "Minimum Access - Salesforce",
    "desk": "Minimum Access - Salesforce",
}


@dataclass
class Office:
    """The users' consoles and API clients, and what there is to see."""

    contact: str
    entry: str
    consoles: dict[str, Browser] = field(default_factory=dict[str, Browser])
    clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict[str, httpx2.AsyncClient])


@pytest.fixture(scope="session")
async def office(world: World) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        admin = await client_of(world, "admin@acme.example")
        stack.push_async_callback(admin.aclose)
        files = {
            "package.xml": manifest(CustomObject=["Entry__c"], PermissionSet=["Entry_Agents", "Front_Desk"]),
            "objects/Entry__c.object": ENTRY,
            "permissionsets/Entry_Agents.permissionset": AGENTS,
            "permissionsets/Front_Desk.permissionset": DESK,
        }
        result = await deploy(admin, archive(files))
        assert result["success"], result["details"]["componentFailures"]
        users = {who: await new_user(world, f"{who}@office.example", name) for who, name in PROFILES.items()}
        for who, name in (("holder", "Entry_Agents"), ("desk", "Front_Desk")):
            query = {"q": f"SELECT Id FROM PermissionSet WHERE Name = '{name}'"}
            set_id = (await admin.get(f"{DATA}/query", params=query)).json()["records"][0]["Id"]
            await make(admin, "PermissionSetAssignment", PermissionSetId=set_id, AssigneeId=users[who])
        office = Office(
            contact=await make(
                admin,
                "Contact",
                LastName="Officer",
                Phone="415-555-7788",
                Birthdate="1990-01-02",
                Email="officer@desk.example",
            ),
            entry=await make(admin, "Entry__c", Name="Officer entry", Public__c="p", Secret__c="s"),
        )
        for who in PROFILES:
            browser = Browser(world.port)
            stack.push_async_callback(browser.close)
            await browser.open_console(f"{who}@office.example", PASSWORD)
            office.consoles[who] = browser
            if who in ("worker", "reader"):
                office.clients[who] = await client_of(world, f"{who}@office.example")
                stack.push_async_callback(office.clients[who].aclose)
        yield office


async def _objects(browser: Browser) -> dict[str, bool]:
    """Objects of the console's pages, and whether it offers to make one."""
    found = (await browser.api("GET", "bootstrap")).json()["objects"]
    return {each["name"]: each["createable"] for each in found if each["name"] != "User"}


@pytest.mark.parametrize(
    ("who", "seen", "creates"),
    [
        ("worker", {"Account", "Contact", "Lead", "Case", "Opportunity"}, True),
        ("reader", {"Account", "Contact", "Lead", "Case", "Opportunity"}, False),
        ("nobody", set[str](), False),
        ("holder", {"Entry__c"}, True),
    ],
)
async def test_pages_offer_the_objects_that_the_profile_opens(
    office: Office, who: str, seen: set[str], creates: bool
) -> None:
    objects = await _objects(office.consoles[who])
    asked = {"Account", "Contact", "Lead", "Case", "Opportunity", "Entry__c"}
    assert set(objects) & asked == seen
    assert {objects[name] for name in seen} <= {creates}


async def test_the_app_launcher_lists_an_object_once_it_has_a_tab(office: Office, world: World) -> None:
    async def listed(who: str) -> set[str]:
        found = (await office.consoles[who].api("GET", "bootstrap")).json()["objects"]
        return {each["name"] for each in found if each["has_tab"]}

    assert "Contact" in await listed("worker")
    assert "User" not in await listed("worker")
    assert "Entry__c" not in await listed("holder")
    tab = f"<CustomTab {NS}><customObject>true</customObject><motif>Custom75: Phone</motif></CustomTab>"
    files = {"package.xml": manifest(CustomTab=["Entry__c"]), "tabs/Entry__c.tab": tab}
    async with await client_of(world, "admin@acme.example") as admin:
        result = await deploy(admin, archive(files))
    assert result["success"], result["details"]["componentFailures"]
    assert "Entry__c" in await listed("holder")


@pytest.mark.parametrize(
    ("who", "status", "edits", "deletes"),
    [
        ("worker", 200, True, None),
        ("reader", 200, False, False),
        ("nobody", 400, None, None),
        ("holder", 400, None, None),
    ],
)
async def test_a_record_s_page_says_what_may_be_done_and_the_server_holds_to_it(
    office: Office, who: str, status: int, edits: bool | None, deletes: bool | None
) -> None:
    browser = office.consoles[who]
    page = await browser.api("GET", f"record/{office.contact}")
    assert page.status_code in ({status} if status == 200 else {400, 404})
    if status == 200:
        assert page.json()["can_edit"] is edits
        if deletes is not None:
            assert page.json()["can_delete"] is deletes
    saved = await browser.api("PATCH", f"data/v66.0/sobjects/Contact/{office.contact}", json={"Title": who})
    assert (saved.status_code == 204) is bool(edits)
    made = await browser.api("POST", "data/v66.0/sobjects/Contact", json={"LastName": f"By {who}"})
    assert (made.status_code == 201) is (who == "worker")
    if who != "worker":
        gone = await browser.api("DELETE", f"data/v66.0/sobjects/Contact/{office.contact}")
        assert gone.status_code in (400, 403, 404)
    for path in ("merge", "convert-lead"):
        body = {"master": office.contact, "losers": [office.contact], "fields": {}, "lead": office.contact}
        assert (await browser.api("POST", path, json=body)).status_code >= 400


@pytest.mark.parametrize("who", ["reader", "nobody", "holder"])
async def test_what_is_refused_leaves_the_record_as_it_was(office: Office, who: str) -> None:
    worker = office.clients["worker"]
    before = (await worker.get(f"{DATA}/sobjects/Contact/{office.contact}")).json()
    url = f"data/v66.0/sobjects/Contact/{office.contact}"
    assert (await office.consoles[who].api("PATCH", url, json={"LastName": "Taken"})).status_code >= 400
    assert (await office.consoles[who].api("DELETE", url)).status_code >= 400
    assert (await worker.get(f"{DATA}/sobjects/Contact/{office.contact}")).json() == before


@pytest.mark.parametrize(
    ("who", "finds"), [("worker", True), ("reader", True), ("nobody", False), ("holder", False)]
)
async def test_lists_search_and_recent_show_records_of_readable_objects_only(
    office: Office, who: str, finds: bool
) -> None:
    browser = office.consoles[who]
    listed = await browser.api("GET", "list/Contact?limit=200")
    assert (listed.status_code == 200) is finds
    found = (await browser.api("GET", "search?q=Officer")).json()["groups"]
    assert {group["object"] for group in found} & {"Contact"} == ({"Contact"} if finds else set())
    await browser.api("GET", f"record/{office.contact}")
    recent = (await browser.api("GET", "recent")).json()["records"]
    assert (office.contact in [each["id"] for each in recent]) is finds
    timeline = await browser.api("GET", f"record/{office.contact}/timeline")
    assert (timeline.status_code == 200) is finds


async def test_a_field_that_no_permission_opens_is_nowhere(office: Office) -> None:
    browser = office.consoles["holder"]
    page = (await browser.api("GET", f"record/{office.entry}")).json()
    assert page["record"]["Public__c"] == "p"
    whole = json.dumps(page) + (await browser.api("GET", "data/v66.0/sobjects/Entry__c/describe")).text
    whole += (await browser.api("GET", "list/Entry__c")).text
    assert "Secret__c" not in whole
    assert page["can_edit"] is True
    assert page["can_delete"] is False
    url = f"data/v66.0/sobjects/Entry__c/{office.entry}"
    refused = await browser.api("PATCH", url, json={"Secret__c": "seen"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert (await browser.api("PATCH", url, json={"Public__c": "p"})).status_code == 204
    assert (await browser.api("DELETE", url)).status_code == 403


async def test_readers_see_every_field_and_may_write_none(office: Office) -> None:
    described = (await office.clients["reader"].get(f"{DATA}/sobjects/Contact/describe")).json()
    fields = {item["name"]: item for item in described["fields"]}
    assert {"Phone", "Birthdate", "MailingAddress", "Description"} <= set(fields)
    openable = [item for item in fields.values() if item["permissionable"]]
    assert [item["name"] for item in openable if item["updateable"] or item["createable"]] == []
    assert (described["createable"], described["updateable"], described["deletable"]) == (False, False, False)


@pytest.mark.parametrize("who", list(PROFILES))
async def test_set_up_is_closed_to_everybody_but_administrators(office: Office, who: str) -> None:
    browser = office.consoles[who]
    for method, path, body in (
        (
            "POST",
            "setup/users",
            {"username": f"x-{who}@office.example", "last_name": "X", "password": PASSWORD},
        ),
        ("POST", "setup/call-centers/import", {"definition": "<callCenter/>"}),
        ("PUT", "setup/softphone-layouts/default", {}),
        ("PUT", "setup/utility-items", []),
        ("PUT", "setup/session-timeout", {"minutes": 5}),
        ("GET", "setup/apps", None),
    ):
        answer = await browser.api(method, path, json=body)
        assert answer.status_code in (400, 403), (path, answer.text)
        assert answer.json()[0]["errorCode"].startswith("INSUFFICIENT_ACCESS"), (path, answer.text)
    users = await browser.api("PATCH", "data/v66.0/sobjects/User/005000000000001AAA", json={"LastName": "X"})
    assert users.status_code in (403, 404)


async def test_without_the_permission_for_programs_only_the_pages_work(world: World, office: Office) -> None:
    assert (await office.consoles["nobody"].api("GET", "bootstrap")).status_code == 200
    http = await client_of(world, "nobody@office.example")
    answer = await http.get(f"{DATA}/sobjects")
    await http.aclose()
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "API_DISABLED_FOR_ORG")


_NUMBER = "4155557788"


@pytest.mark.parametrize(
    "path",
    [
        "record/{contact}",
        "record/{contact}/related",
        "record/{contact}/duplicates?same=1",
        "record/{contact}/timeline",
        "layout/Contact",
        "list/Contact?view=all&limit=200",
        "list/Contact?view=all&search=Officer&sort=Phone",
        "list/Contact?view=recent",
        "lists/Contact",
        "lists/Contact/fields",
        "search?q=Officer",
        "recent",
        "lookup/Contact/ReportsToId?q=Officer",
        "recycle-bin",
        "data/v66.0/sobjects/Contact/describe",
    ],
)
async def test_no_door_of_the_pages_shows_a_hidden_field_or_a_hidden_object(
    office: Office, path: str
) -> None:
    answer = await office.consoles["desk"].api("GET", path.format(contact=office.contact))
    assert answer.status_code == 200, answer.text
    assert "7788" not in answer.text
    for hidden in ('"Phone"', '"Birthdate"', '"OpportunityContactRole"', '"object":"Case"'):
        assert hidden not in answer.text.replace(": ", ":"), hidden


@pytest.mark.parametrize(
    ("text", "finds"), [(_NUMBER, False), ("officer@desk.example", True), ("Officer", True)]
)
async def test_what_is_hidden_finds_nothing(office: Office, text: str, finds: bool) -> None:
    """Not in the search, not in lists and look-ups; who sees the number finds the record by it."""
    for who, expected in (("desk", finds), ("worker", True)):
        browser = office.consoles[who]
        groups = (await browser.api("GET", f"search?q={text}")).json()["groups"]
        listed = (await browser.api("GET", f"list/Contact?view=all&search={text}")).json()["records"]
        offered = (await browser.api("GET", f"lookup/Contact/ReportsToId?q={text}")).json()["records"]
        ids = [row["Id"] for group in groups for row in group["records"]]
        assert (office.contact in ids) is expected, who
        assert (office.contact in [row["Id"] for row in listed]) is expected, who
        assert (office.contact in [row["id"] for row in offered]) is expected, who


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "record/{contact}", {"fields": {"Phone": "1"}}),
        ("PATCH", "record/{contact}", {"fields": {"Email": "x@desk.example"}}),
        ("POST", "record", {"object": "Contact", "fields": {"LastName": "No"}}),
        ("POST", "record", {"object": "Case", "fields": {"Subject": "No"}}),
        ("POST", "lists/Contact", {"label": "Numbers", "conditions": [
            {"field": "Phone", "operator": "contains", "values": ["7788"]}]}),
        ("POST", "merge", {"master": "{contact}", "losers": ["{contact}"], "fields": {"Phone": "1"}}),
        ("POST", "recycle-bin/restore", {"ids": ["{contact}"]}),
        ("GET", "list/Case", None),
        ("GET", "lookup/Case/ContactId?q=Officer", None),
        ("GET", "lookup/Contact/AccountId?q=a", None),
        ("GET", "layout/Case", None),
        ("GET", "recycle-bin/Case", None),
    ],
)  # fmt: skip
async def test_no_door_of_the_pages_takes_what_is_not_allowed(
    office: Office, method: str, path: str, body: dict[str, object] | None
) -> None:
    worker = office.clients["worker"]
    before = (await worker.get(f"{DATA}/sobjects/Contact/{office.contact}")).json()
    sent = json.loads(json.dumps(body).replace("{contact}", office.contact)) if body else None
    more = {} if sent is None else {"json": sent}
    answer = await office.consoles["desk"].api(method, path.format(contact=office.contact), **more)
    refused = answer.status_code in (400, 403, 404)
    if path == "recycle-bin/restore":
        refused = answer.json()["results"][0]["success"] is False
    assert refused, answer.text
    assert (await worker.get(f"{DATA}/sobjects/Contact/{office.contact}")).json() == before
