"""Merging duplicates and converting leads, by SOAP and by the console's routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from xml.sax.saxutils import escape

import httpx2
import pytest
from lxml import etree

from .browser import Browser
from .conftest import ADMIN, AGENT, PASSWORD, World
from .test_rest import DATA, error, make, soql
from .test_soap import envelope, post, session_of

CONVERTED = "Closed - Converted"


def plain(element: Any) -> Any:
    """An element as plain values: repeated children are lists."""
    if not len(element):
        return element.text
    found: dict[str, Any] = {}
    for child in element:
        found.setdefault(etree.QName(child).localname, []).append(plain(child))
    return {name: items[0] if len(items) == 1 else items for name, items in found.items()}


async def call(http: httpx2.AsyncClient, body: str, username: str = ADMIN) -> Any:
    answer = await post(http, envelope(body, await session_of(http, username)))
    assert answer.status_code == 200, answer.text
    return plain(etree.fromstring(answer.content).find(".//{*}result"))


async def merge(
    http: httpx2.AsyncClient, kind: str, master: str, *losers: str, username: str = ADMIN, **fields: str
) -> Any:
    chosen = "".join(f"<{name}>{escape(content)}</{name}>" for name, content in fields.items())
    others = "".join(f"<recordToMergeIds>{loser}</recordToMergeIds>" for loser in losers)
    return await call(
        http,
        f"<merge><request><masterRecord><type>{kind}</type><Id>{master}</Id>{chosen}</masterRecord>{others}</request></merge>",
        username,
    )


async def convert(http: httpx2.AsyncClient, lead: str, username: str = ADMIN, **options: str) -> Any:
    asked = "".join(f"<{name}>{escape(content)}</{name}>" for name, content in options.items())
    return await call(
        http,
        f"<convertLead><leadConverts><leadId>{lead}</leadId>{asked}</leadConverts></convertLead>",
        username,
    )


@pytest.fixture
async def visitor(world: World) -> AsyncIterator[Browser]:
    """The administrator's console."""
    browser = Browser(world.port)
    await browser.open_console(ADMIN, PASSWORD)
    yield browser
    await browser.close()


async def test_contacts_become_one(admin: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="Merged")
    stays = await make(admin, "Contact", LastName="Stays", AccountId=account, Email="stays@merge.example")
    goes = await make(admin, "Contact", LastName="Goes", Phone="1", Email="goes@merge.example")
    third = await make(admin, "Contact", LastName="Third", ReportsToId=goes)
    task = await make(admin, "Task", Subject="Call", WhoId=goes)
    case = await make(admin, "Case", Subject="Help", ContactId=third)
    boss = await make(admin, "Contact", LastName="Reporter", ReportsToId=goes)
    before = await soql(admin, f"SELECT SystemModstamp FROM Contact WHERE Id = '{goes}'")
    done = await merge(admin, "Contact", stays, goes, third, Phone="12345")
    assert (done["success"], done["id"], done["mergedRecordIds"]) == ("true", stays, [goes, third])
    assert set(done["updatedRelatedIds"]) == {task, case, boss}
    (row,) = (await soql(admin, f"SELECT WhoId, AccountId FROM Task WHERE Id = '{task}'"))["records"]
    assert (row["WhoId"], row["AccountId"]) == (stays, account)
    (row,) = (await soql(admin, f"SELECT ContactId FROM Case WHERE Id = '{case}'"))["records"]
    assert row["ContactId"] == stays
    (row,) = (await soql(admin, f"SELECT Phone, ReportsToId, Email FROM Contact WHERE Id = '{stays}'"))[
        "records"
    ]
    assert (row["Phone"], row["ReportsToId"], row["Email"]) == ("12345", None, "stays@merge.example")
    gone = await admin.get(
        f"{DATA}/queryAll",
        params={
            "q": "SELECT Id, IsDeleted, MasterRecordId, SystemModstamp FROM Contact "
            f"WHERE MasterRecordId = '{stays}' ORDER BY Id"
        },
    )
    rows = gone.json()["records"]
    assert [(row["Id"], row["IsDeleted"]) for row in rows] == sorted([(goes, True), (third, True)])
    assert all(row["SystemModstamp"] > before["records"][0]["SystemModstamp"] for row in rows)
    live = await soql(admin, f"SELECT Id FROM Contact WHERE Id IN ('{goes}', '{third}')")
    assert live["totalSize"] == 0


async def test_who_was_merged_before_points_to_the_last_master(admin: httpx2.AsyncClient) -> None:
    first, second, third = [await make(admin, "Lead", LastName="Chain", Company="C") for _ in range(3)]
    assert (await merge(admin, "Lead", second, first))["success"] == "true"
    assert (await merge(admin, "Lead", third, second))["success"] == "true"
    gone = await admin.get(
        f"{DATA}/queryAll", params={"q": f"SELECT Id FROM Lead WHERE MasterRecordId = '{third}'"}
    )
    assert {row["Id"] for row in gone.json()["records"]} == {first, second}


async def test_what_is_undeleted_was_not_merged(admin: httpx2.AsyncClient, world: World) -> None:
    stays, goes = [await make(admin, "Lead", LastName=name, Company="C") for name in ("Stays", "Goes")]
    assert (await merge(admin, "Lead", stays, goes))["success"] == "true"
    conn = await world.database()
    await conn.execute('UPDATE data."Lead" SET "IsDeleted" = false WHERE "Id" = $1', goes)
    await conn.close()
    assert (await admin.get(f"{DATA}/sobjects/Lead/{goes}")).json()["MasterRecordId"] is None


async def test_accounts_take_over_contacts_and_children(admin: httpx2.AsyncClient) -> None:
    loser = await make(admin, "Account", Name="Loser")
    master = await make(admin, "Account", Name="Master", ParentId=loser)
    contact = await make(admin, "Contact", LastName="Moves", AccountId=loser)
    task = await make(admin, "Task", Subject="Call", WhoId=contact)
    done = await merge(admin, "Account", master, loser, Name="Master of all")
    assert done["success"] == "true"
    (row,) = (await soql(admin, f"SELECT Name, ParentId FROM Account WHERE Id = '{master}'"))["records"]
    assert (row["Name"], row["ParentId"]) == ("Master of all", None), "nothing is its own parent"
    (row,) = (await soql(admin, f"SELECT AccountId FROM Contact WHERE Id = '{contact}'"))["records"]
    assert row["AccountId"] == master
    (row,) = (await soql(admin, f"SELECT AccountId FROM Task WHERE Id = '{task}'"))["records"]
    assert row["AccountId"] == master


async def test_a_merge_that_cannot_be_leaves_no_trace(admin: httpx2.AsyncClient) -> None:
    stays, goes = [await make(admin, "Contact", LastName=name) for name in ("Stays", "Goes")]
    account = await make(admin, "Account", Name="Other")
    task = await make(admin, "Task", Subject="Call", WhoId=goes)
    for losers, fields, code in (
        ([account], {}, "INVALID_CROSS_REFERENCE_KEY"),
        ([stays], {}, "DUPLICATE_VALUE"),
        ([], {}, "LIMIT_EXCEEDED"),
        (["nonsense"], {}, "MALFORMED_ID"),
        ([goes], {"Email": "no address"}, "INVALID_EMAIL_ADDRESS"),
        ([goes], {"Nothing__c": "1"}, "INVALID_FIELD"),
        (["003000000000001AAA"], {}, "INVALID_CROSS_REFERENCE_KEY"),
    ):
        done = await merge(admin, "Contact", stays, *losers, **fields)
        assert (done["success"], done["errors"]["statusCode"]) == ("false", code), (losers, fields)
    assert (await merge(admin, "Case", stays, goes))["errors"]["statusCode"] == "INVALID_TYPE"
    done = await merge(admin, "Contact", stays, goes, username=AGENT)
    assert done["errors"]["statusCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
    (row,) = (await soql(admin, f"SELECT WhoId FROM Task WHERE Id = '{task}'"))["records"]
    assert row["WhoId"] == goes
    await admin.delete(f"{DATA}/sobjects/Contact/{goes}")
    done = await merge(admin, "Contact", stays, goes)
    assert done["errors"]["statusCode"] == "ENTITY_IS_DELETED"


async def test_the_console_merges(visitor: Browser, admin: httpx2.AsyncClient) -> None:
    stays, goes = [await make(admin, "Lead", LastName=name, Company="C") for name in ("Stays", "Goes")]
    answer = await visitor.api(
        "POST", "merge", json={"master": stays, "losers": [goes], "fields": {"Company": "D"}}
    )
    assert (answer.status_code, answer.json()["merged"]) == (200, [goes])
    assert (await admin.get(f"{DATA}/sobjects/Lead/{stays}?fields=Company")).json()["Company"] == "D"
    for body, status in (
        ({"master": stays, "losers": [goes]}, 400), ({"master": "x", "losers": []}, 404), ({"losers": 1}, 400), ([], 400),
    ):  # fmt: skip
        assert (await visitor.api("POST", "merge", json=body)).status_code == status


# -- lead conversion -----------------------------------------------------------------------------------------

LEAD = {"FirstName": "Lea", "LastName": "Dean", "Company": "Dean Ltd", "Phone": "1", "Email": "lea@dean.example",
        "City": "Kyoto", "LeadSource": "Web", "Title": "Boss"}  # fmt: skip


async def test_a_lead_becomes_account_contact_and_opportunity(admin: httpx2.AsyncClient) -> None:
    found = await soql(admin, "SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true LIMIT 1")
    assert found["records"][0]["MasterLabel"] == CONVERTED
    lead = await make(admin, "Lead", **LEAD)
    task = await make(admin, "Task", Subject="Call", WhoId=lead)
    done = await convert(admin, lead, convertedStatus=CONVERTED)
    assert (done["success"], done["leadId"]) == ("true", lead)
    contact = (await admin.get(f"{DATA}/sobjects/Contact/{done['contactId']}")).json()
    assert (contact["Name"], contact["AccountId"], contact["MailingCity"]) == (
        "Lea Dean",
        done["accountId"],
        "Kyoto",
    )
    account = (await admin.get(f"{DATA}/sobjects/Account/{done['accountId']}")).json()
    assert (account["Name"], account["Phone"], account["BillingCity"]) == ("Dean Ltd", "1", "Kyoto")
    opportunity = (await admin.get(f"{DATA}/sobjects/Opportunity/{done['opportunityId']}")).json()
    assert (opportunity["Name"], opportunity["StageName"]) == ("Dean Ltd-", "Prospecting")
    assert opportunity["AccountId"] == done["accountId"]
    (row,) = (await soql(admin, f"SELECT WhoId, WhatId, AccountId FROM Task WHERE Id = '{task}'"))["records"]
    assert (row["WhoId"], row["WhatId"]) == (done["contactId"], done["opportunityId"])
    assert row["AccountId"] == done["accountId"]
    (row,) = (
        await soql(
            admin,
            "SELECT Status, IsConverted, ConvertedDate, ConvertedAccountId, ConvertedContactId, ConvertedOpportunityId"
            f" FROM Lead WHERE Id = '{lead}'",
        )
    )["records"]
    assert (row["Status"], row["IsConverted"]) == (CONVERTED, True)
    assert row["ConvertedDate"] is not None
    assert row["ConvertedContactId"] == done["contactId"]
    assert row["ConvertedOpportunityId"] == done["opportunityId"]


async def test_a_converted_lead_is_read_only_and_takes_no_tasks(admin: httpx2.AsyncClient) -> None:
    lead = await make(admin, "Lead", **LEAD)
    first = await convert(admin, lead, convertedStatus=CONVERTED, doNotCreateOpportunity="true")
    assert "opportunityId" not in first or first["opportunityId"] is None
    answer = await admin.patch(f"{DATA}/sobjects/Lead/{lead}", json={"Title": "Other"})
    assert error(answer) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    answer = await admin.post(f"{DATA}/sobjects/Task", json={"Subject": "Call", "WhoId": lead})
    assert error(answer) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    done = await convert(admin, lead, convertedStatus=CONVERTED)
    assert done["errors"]["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"
    other = await make(admin, "Lead", **LEAD)
    done = await merge(admin, "Lead", other, lead)
    assert done["errors"]["statusCode"] == "CANNOT_UPDATE_CONVERTED_LEAD"


async def test_existing_records_take_what_they_lack(admin: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="Known", Phone="999")
    contact = await make(admin, "Contact", LastName="Known", AccountId=account, LeadSource="Other")
    lead = await make(admin, "Lead", **LEAD)
    done = await convert(
        admin, lead, convertedStatus=CONVERTED, accountId=account, contactId=contact,
        opportunityName="Big", overwriteLeadSource="true",
    )  # fmt: skip
    assert (done["accountId"], done["contactId"]) == (account, contact)
    row = (await admin.get(f"{DATA}/sobjects/Contact/{contact}")).json()
    assert (row["Name"], row["Email"], row["LeadSource"]) == ("Lea Known", "lea@dean.example", "Web")
    row = (await admin.get(f"{DATA}/sobjects/Account/{account}")).json()
    assert (row["Name"], row["Phone"], row["BillingCity"]) == ("Known", "999", "Kyoto")
    row = (await admin.get(f"{DATA}/sobjects/Opportunity/{done['opportunityId']}")).json()
    assert row["Name"] == "Big"


async def test_a_conversion_that_cannot_be_leaves_no_trace(admin: httpx2.AsyncClient) -> None:
    one, two = [await make(admin, "Account", Name=name) for name in ("One", "Two")]
    contact = await make(admin, "Contact", LastName="Of two", AccountId=two)
    lead = await make(admin, "Lead", **LEAD | {"Company": "Leaves no trace"})
    for options, code in (
        ({"convertedStatus": "Working - Contacted"}, "INVALID_STATUS"),
        ({}, "INVALID_STATUS"),
        (
            {"convertedStatus": CONVERTED, "accountId": one, "contactId": contact},
            "INVALID_CROSS_REFERENCE_KEY",
        ),
        ({"convertedStatus": CONVERTED, "contactId": contact}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"convertedStatus": CONVERTED, "accountId": contact}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"convertedStatus": CONVERTED, "accountId": "x"}, "MALFORMED_ID"),
        ({"convertedStatus": CONVERTED, "ownerId": one}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"convertedStatus": CONVERTED, "opportunityName": "x" * 121}, "STRING_TOO_LONG"),
    ):
        done = await convert(admin, lead, **options)
        assert (done["success"], done["errors"]["statusCode"]) == ("false", code), options
    found = await soql(admin, "SELECT Id FROM Account WHERE Name = 'Leaves no trace'")
    assert found["totalSize"] == 0
    row = (await admin.get(f"{DATA}/sobjects/Lead/{lead}")).json()
    assert row["IsConverted"] is False


async def test_the_console_converts(visitor: Browser, admin: httpx2.AsyncClient) -> None:
    lead = await make(admin, "Lead", **LEAD)
    body: dict[str, Any] = {"lead": lead, "status": CONVERTED, "create_opportunity": False}
    answer = await visitor.api("POST", "convert-lead", json=body)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["lead"], answer.json()["opportunity"]) == (lead, None)
    assert answer.json()["contact"].startswith("003")
    assert error(await visitor.api("POST", "convert-lead", json=body)) == (
        400,
        "CANNOT_UPDATE_CONVERTED_LEAD",
    )
    assert error(await visitor.api("POST", "convert-lead", json={"lead": 1})) == (400, "JSON_PARSER_ERROR")
