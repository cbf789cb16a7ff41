"""What the console's record pages ask, over the console's own door."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from .browser import Browser
from .conftest import AGENT, PASSWORD, World
from .test_rest import DATA, make


@pytest.fixture
async def agents_console(world: World) -> AsyncIterator[Browser]:
    """A standard user's console, in Japanese."""
    browser = Browser(world.port)
    await browser.open_console(AGENT, PASSWORD)
    yield browser
    await browser.close()


async def page(browser: Browser, record_id: str) -> dict[str, Any]:
    answer = await browser.api("GET", f"record/{record_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def save(browser: Browser, record_id: str, **body: Any) -> httpx2.Response:
    return await browser.api("PATCH", f"record/{record_id}", json=body)


async def test_a_page_says_what_may_be_done_and_what_is_related(
    console: Browser, agents_console: Browser, admin: httpx2.AsyncClient
) -> None:
    account = await make(admin, "Account", Name="Pages")
    view = await page(console, account)
    assert [view[f"can_{verb}"] for verb in ("edit", "delete", "change_owner", "merge", "log")] == [True] * 5
    assert view["can_convert"] is False
    assert view["path"] is None
    names = [known["name"] for known in view["related"]]
    assert {"Contacts", "Opportunities", "Cases", "ChildAccounts"} <= set(names)
    assert "Tasks" not in names
    assert view["highlights"] == ["Phone", "Website", "Type", "Industry", "OwnerId"]
    labels = {known["name"]: known["label"] for known in (await page(agents_console, account))["related"]}
    assert labels["Contacts"] == "取引先責任者"


async def test_a_path_tells_how_a_record_may_end(console: Browser, admin: httpx2.AsyncClient) -> None:
    lead = await make(admin, "Lead", LastName="Path", Company="Path Ltd")
    path = (await page(console, lead))["path"]
    assert path["field"] == "Status"
    assert [step["kind"] for step in path["steps"]] == ["open", "open", "converted", "open"]
    opportunity = await make(admin, "Opportunity", Name="P", StageName="Prospecting", CloseDate="2027-01-01")
    kinds = {step["value"]: step["kind"] for step in (await page(console, opportunity))["path"]["steps"]}
    assert (kinds["Closed Won"], kinds["Closed Lost"], kinds["Prospecting"]) == ("won", "lost", "open")


async def test_related_lists_show_few_rows_and_page_through_all(
    console: Browser, admin: httpx2.AsyncClient
) -> None:
    account = await make(admin, "Account", Name="Related")
    for number in range(8):
        await make(
            admin, "Contact", LastName=f"R{number}", AccountId=account, Email=f"r{number}@related.example"
        )
    lists = (await console.api("GET", f"record/{account}/related")).json()["lists"]
    contacts = next(known for known in lists if known["name"] == "Contacts")
    assert [row["LastName"] for row in contacts["records"]] == ["R7", "R6", "R5", "R4", "R3", "R2"]
    assert contacts["has_more"] is True
    assert contacts["can_create"] is True
    assert "AccountId" not in [column["api_name"] for column in contacts["columns"]]
    rest = (
        await console.api("GET", f"record/{account}/related/Contacts?limit=3&offset=5&sort=Name&dir=asc")
    ).json()
    assert [row["LastName"] for row in rest["records"]] == ["R5", "R6", "R7"]
    assert rest["has_more"] is False
    assert (await console.api("GET", f"record/{account}/related/Nothing")).status_code == 404


async def test_a_save_over_a_changed_record_is_refused_and_says_who(
    console: Browser, agents_console: Browser, admin: httpx2.AsyncClient
) -> None:
    contact = await make(admin, "Contact", LastName="Two")
    version = (await page(console, contact))["version"]
    theirs = (await page(agents_console, contact))["version"]
    assert theirs == version
    saved = await save(agents_console, contact, fields={"Title": "Theirs"}, version=theirs)
    assert saved.status_code == 200, saved.text
    refused = await save(console, contact, fields={"Title": "Mine"}, version=version)
    assert refused.status_code == 412
    problem = refused.json()[0]
    assert problem["errorCode"] == "PRECONDITION_FAILED"
    assert (problem["modified_by"]["LastName"], problem["modified_by"]["FirstName"]) == ("佐藤", "花子")
    assert (await page(console, contact))["record"]["Title"] == "Theirs"
    again = await save(console, contact, fields={"Title": "Mine"}, version=saved.json()["version"])
    assert again.status_code == 200
    assert (await page(console, contact))["version"] == again.json()["version"]


async def test_what_is_refused_names_its_fields(console: Browser, admin: httpx2.AsyncClient) -> None:
    contact = await make(admin, "Contact", LastName="Field")
    refused = await save(console, contact, fields={"Email": "no address"})
    assert (refused.status_code, refused.json()[0]["fields"]) == (400, ["Email"])
    assert (await save(console, contact, fields=[])).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert (await save(console, contact, fields={}, version=1)).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    too_many = {f"F{number}": None for number in range(801)}
    assert (await save(console, contact, fields=too_many)).json()[0]["errorCode"] == "INVALID_INPUT"
    unknown = await console.api("POST", "record", json={"object": "Nothing__c", "fields": {}})
    assert unknown.json()[0]["errorCode"] == "INVALID_TYPE"


async def test_duplicates_are_shown_before_a_record_is_made(
    world: World, console: Browser, admin: httpx2.AsyncClient
) -> None:
    first = await make(admin, "Contact", FirstName="Du", LastName="Plicate", Email="du@plicate.example")
    rule = {"object": "Contact", "rule": "Standard_Contact_Duplicate_Rule"}
    conn = await world.database()
    await conn.execute(
        "UPDATE meta.duplicate_rule SET definition = jsonb_set(definition::jsonb, '{active}', 'true')"
        " WHERE object_name = $1 AND name = $2",
        *rule.values(),
    )
    await conn.execute("UPDATE meta.catalogue SET version = version + 1")
    try:
        same = {"FirstName": "Du", "LastName": "Plicate", "Email": "DU@plicate.example"}
        body = {"object": "Contact", "fields": same}
        warned = await console.api("POST", "record", json=body)
        assert warned.status_code == 400, warned.text
        problem = warned.json()[0]
        assert (problem["errorCode"], problem["allow_save"]) == ("DUPLICATES_DETECTED", True)
        assert [row["id"] for row in problem["duplicates"]] == [first]
        assert problem["duplicates"][0]["record"]["LastName"] == "Plicate"
        made = await console.api("POST", "record", json=body | {"allow_duplicates": True})
        assert made.status_code == 201, made.text
        found = (await console.api("GET", f"record/{first}/duplicates")).json()
        assert [row["id"] for row in found["records"]] == [made.json()["id"]]
        assert found["mergeable"] is True
    finally:
        await conn.execute(
            "UPDATE meta.duplicate_rule SET definition = jsonb_set(definition::jsonb, '{active}', 'false')"
        )
        await conn.execute("UPDATE meta.catalogue SET version = version + 1")
        await conn.close()


async def test_contacts_with_one_number_are_offered_for_merging(
    console: Browser, admin: httpx2.AsyncClient
) -> None:
    one = await make(admin, "Contact", LastName="Number", Phone="(628) 555-4011")
    two = await make(admin, "Contact", LastName="Other", MobilePhone="+1 628 555 4011")
    await make(admin, "Contact", LastName="Else", Phone="628-555-4012")
    found = (await console.api("GET", f"record/{one}/duplicates?same=1")).json()["records"]
    assert [row["id"] for row in found] == [two]
    assert (await console.api("GET", f"record/{one}/duplicates")).json()["records"] == []


async def test_open_tasks_are_to_come_and_leave_when_they_are_done(
    console: Browser, admin: httpx2.AsyncClient
) -> None:
    contact = await make(admin, "Contact", LastName="Upcoming")
    later = await make(admin, "Task", Subject="Later", WhoId=contact, ActivityDate="2030-05-02")
    sooner = await make(admin, "Task", Subject="Sooner", WhoId=contact, ActivityDate="2020-05-01")
    undated = await make(admin, "Task", Subject="Some day", WhoId=contact)
    event = await make(
        admin, "Event", Subject="Visit", WhoId=contact,
        StartDateTime="2030-01-01T10:00:00Z", EndDateTime="2030-01-01T11:00:00Z",
    )  # fmt: skip
    shown = (await console.api("GET", f"record/{contact}/timeline")).json()
    assert [row["Id"] for row in shown["upcoming"]] == [sooner, event, later, undated]
    assert shown["records"] == []
    assert (await save(console, sooner, fields={"Status": "Completed"})).status_code == 200
    shown = (await console.api("GET", f"record/{contact}/timeline")).json()
    assert [row["Id"] for row in shown["records"]] == [sooner]
    assert sooner not in [row["Id"] for row in shown["upcoming"]]


async def test_a_look_up_offers_what_was_seen_lately_then_what_is_typed(
    console: Browser, admin: httpx2.AsyncClient
) -> None:
    account = await make(admin, "Account", Name="Looked Up Ltd", Phone="1")
    await page(console, account)
    recent = (await console.api("GET", "lookup/Contact/AccountId")).json()["records"]
    assert recent[0] == {
        "id": account, "object": "Account", "label": "Account", "name": "Looked Up Ltd", "about": "1",
        "about_type": "phone",
    }  # fmt: skip
    typed = (await console.api("GET", "lookup/Contact/AccountId?q=looked%20u")).json()["records"]
    assert [row["id"] for row in typed] == [account]
    both = (await console.api("GET", "lookup/Task/WhoId?q=zz-nobody")).json()
    assert both == {"records": []}
    assert (await console.api("GET", "lookup/Contact/LastName")).status_code == 404


async def test_owners_are_active_users_and_the_objects_own_queues(
    console: Browser, admin: httpx2.AsyncClient
) -> None:
    queue = await make(admin, "Group", Name="Lead line", DeveloperName="Lead_line", Type="Queue")
    await make(admin, "QueueSobject", QueueId=queue, SobjectType="Lead")
    offered = (await console.api("GET", "lookup/Lead/OwnerId?q=")).json()["records"]
    assert queue in [row["id"] for row in offered]
    assert {"User", "Group"} == {row["object"] for row in offered}
    cases = (await console.api("GET", "lookup/Case/OwnerId?of=Group")).json()["records"]
    assert queue not in [row["id"] for row in cases]
    lead = await make(admin, "Lead", LastName="Owned", Company="Owned")
    assert (await save(console, lead, fields={"OwnerId": queue})).status_code == 200
    assert (await page(console, lead))["references"][queue]["name"] == "Lead line"


async def test_fields_that_a_user_may_not_see_are_nowhere_on_the_page(
    agents_console: Browser, admin: httpx2.AsyncClient
) -> None:
    lead = await make(admin, "Lead", LastName="Hidden", Company="Hidden")
    view = await page(agents_console, lead)
    placed = {name for section in view["fields"] for name in section["fields"]}
    assert placed <= set(view["record"])
    laid_out = (await agents_console.api("GET", "layout/Lead")).json()
    assert {name for section in laid_out["fields"] for name in section["fields"]} <= set(view["record"])
    assert (await agents_console.api("GET", "layout/Nothing__c")).status_code == 404
    assert (await admin.get(f"{DATA}/sobjects/Lead/{lead}")).status_code == 200
