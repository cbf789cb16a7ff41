"""Person accounts: one org that has them, and what then holds of accounts, contacts and leads."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.plain_http import plain_http

from tieline.crm.provision import create_org

from .browser import Browser
from .conftest import AGENT, PASSWORD, World
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_rest import DATA, error, make, soql
from .test_soap import envelope, login_of, post, value

OWNER = "owner@people.example"
LATER = "owner@later.example"
CONVERTED = "Closed - Converted"


@pytest.fixture(scope="module")
async def people(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """An administrator's client of an org with person accounts."""
    for _ in range(2):  # once and for ever
        await create_org(
            world.settings, name="people", label="People", admin_username=OWNER, admin_password=PASSWORD,
            person_accounts=True,
        )  # fmt: skip
    async with plain_http(base_url=world.base, timeout=20) as http:
        http.headers["Host"] = f"people.my.localhost:{world.port}"
        answer = await post(http, envelope(login_of(OWNER, PASSWORD)))
        assert answer.status_code == 200, answer.text
        http.headers["Authorization"] = f"Bearer {value(answer.text, 'sessionId')}"
        yield http


async def one(http: httpx2.AsyncClient, kind: str, record_id: str) -> dict[str, object]:
    answer = await http.get(f"{DATA}/sobjects/{kind}/{record_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def person(http: httpx2.AsyncClient, **fields: str) -> tuple[str, str]:
    """A person account and its contact."""
    account = await make(http, "Account", **fields)
    row = await one(http, "Account", account)
    return account, str(row["PersonContactId"])


async def test_an_org_without_them_has_no_trace_of_them(admin: httpx2.AsyncClient) -> None:
    described = (await admin.get(f"{DATA}/sobjects/Account/describe")).json()
    assert not {"IsPersonAccount", "LastName"} & {item["name"] for item in described["fields"]}
    answer = await admin.post(f"{DATA}/sobjects/Account", json={"LastName": "Nobody"})
    assert error(answer) == (400, "INVALID_FIELD")


async def test_a_person_is_an_account_with_a_contact(people: httpx2.AsyncClient) -> None:
    account, contact = await person(
        people, FirstName="Hana", LastName="Sato", PersonMobilePhone="090-1", Phone="03-1",
        PersonEmail="hana@people.example", PersonMailingCity="Kyoto",
    )  # fmt: skip
    row = await one(people, "Account", account)
    assert (row["Name"], row["IsPersonAccount"]) == ("Hana Sato", True)
    row = await one(people, "Contact", contact)
    assert (row["Name"], row["AccountId"], row["IsPersonAccount"]) == ("Hana Sato", account, True)
    assert (row["MobilePhone"], row["Phone"], row["MailingCity"]) == ("090-1", "03-1", "Kyoto")
    found = await soql(people, f"SELECT Id, Account.Name FROM Contact WHERE AccountId = '{account}'")
    assert [item["Account"]["Name"] for item in found["records"]] == ["Hana Sato"]
    found = await soql(people, "SELECT DeveloperName FROM RecordType WHERE IsPersonType = true")
    assert found["records"][0]["DeveloperName"] == "PersonAccount"
    task = await make(people, "Task", Subject="Call", WhoId=contact)
    assert (await one(people, "Task", task))["AccountId"] == account


async def test_the_contact_follows_its_account(people: httpx2.AsyncClient) -> None:
    account, contact = await person(people, FirstName="Ann", LastName="Lee")
    before = (await one(people, "Contact", contact))["SystemModstamp"]
    changed = await people.patch(
        f"{DATA}/sobjects/Account/{account}",
        json={"LastName": "Ray", "PersonHomePhone": "5", "Industry": "Other"},
    )
    assert changed.status_code == 204
    row = await one(people, "Contact", contact)
    assert (row["Name"], row["HomePhone"]) == ("Ann Ray", "5")
    assert str(row["SystemModstamp"]) > str(before), "who follows changes sees it"
    rows = [
        {"id": account, "attributes": {"type": "Account"}, name: "7"} for name in ("Phone", "PersonTitle")
    ]
    answer = await people.patch(f"{DATA}/composite/sobjects", json={"records": rows})
    assert [item["success"] for item in answer.json()] == [True, True]
    row = await one(people, "Contact", contact)
    assert (row["Phone"], row["Title"]) == ("7", "7")
    assert (await people.delete(f"{DATA}/sobjects/Account/{account}")).status_code == 204
    assert error(await people.get(f"{DATA}/sobjects/Contact/{contact}")) == (404, "NOT_FOUND")


async def test_the_contact_is_changed_through_its_account_only(people: httpx2.AsyncClient) -> None:
    account, contact = await person(people, LastName="Only")
    url = f"{DATA}/sobjects/Contact/{contact}"
    refusal = (400, "INVALID_PERSON_ACCOUNT_OPERATION")
    assert error(await people.patch(url, json={"Phone": "1"})) == refusal
    assert error(await people.delete(url)) == refusal
    second = await people.post(f"{DATA}/sobjects/Contact", json={"LastName": "B", "AccountId": account})
    assert error(second) == refusal


async def test_companies_stay_what_they_were(people: httpx2.AsyncClient) -> None:
    company = await make(people, "Account", Name="Company")
    row = await one(people, "Account", company)
    assert (row["IsPersonAccount"], row["PersonContactId"], row["LastName"]) == (False, None, None)
    await make(people, "Contact", LastName="Works", AccountId=company)
    for fields in ({"FirstName": "A"}, {"PersonEmail": "a@b.example"}):
        answer = await people.patch(f"{DATA}/sobjects/Account/{company}", json=fields)
        assert error(answer) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    for fields, code in (
        ({}, "REQUIRED_FIELD_MISSING"), ({"FirstName": "A"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Name": "A", "LastName": "B"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"LastName": "B", "IsPersonAccount": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ):  # fmt: skip
        assert error(await people.post(f"{DATA}/sobjects/Account", json=fields)) == (400, code)
    account, _ = await person(people, LastName="Named")
    answer = await people.patch(f"{DATA}/sobjects/Account/{account}", json={"LastName": None})
    assert error(answer)[1] == "REQUIRED_FIELD_MISSING"


async def test_a_lead_without_a_company_becomes_a_person(people: httpx2.AsyncClient) -> None:
    lead = await make(people, "Lead", FirstName="Lea", LastName="Dean", MobilePhone="090-2")
    body = (
        f"<convertLead><leadConverts><leadId>{lead}</leadId><convertedStatus>{CONVERTED}</convertedStatus>"
        "<doNotCreateOpportunity>true</doNotCreateOpportunity></leadConverts></convertLead>"
    )
    session = people.headers["Authorization"].removeprefix("Bearer ")
    answer = await post(people, envelope(body, session))
    assert value(answer.text, "success") == "true", answer.text
    row = await one(people, "Account", value(answer.text, "accountId"))
    assert (row["Name"], row["PersonMobilePhone"]) == ("Lea Dean", "090-2")
    assert row["PersonContactId"] == value(answer.text, "contactId")


async def test_merged_people_take_their_contacts_along(people: httpx2.AsyncClient) -> None:
    master, stays = await person(people, LastName="Stays")
    loser, goes = await person(people, LastName="Goes")
    company = await make(people, "Account", Name="Company")
    task = await make(people, "Task", Subject="Call", WhoId=goes)
    session = people.headers["Authorization"].removeprefix("Bearer ")

    def asked(kind: str, first: str, second: str) -> str:
        return envelope(
            f"<merge><request><masterRecord><type>{kind}</type><Id>{first}</Id></masterRecord>"
            f"<recordToMergeIds>{second}</recordToMergeIds></request></merge>",
            session,
        )

    for kind, first, second in (("Account", master, company), ("Contact", stays, goes)):
        answer = await post(people, asked(kind, first, second))
        assert value(answer.text, "statusCode") == "INVALID_PERSON_ACCOUNT_OPERATION"
    answer = await post(people, asked("Account", master, loser))
    assert value(answer.text, "success") == "true", answer.text
    row = await one(people, "Task", task)
    assert (row["WhoId"], row["AccountId"]) == (stays, master)
    gone = await people.get(
        f"{DATA}/queryAll",
        params={"q": f"SELECT IsDeleted, MasterRecordId FROM Contact WHERE Id = '{goes}'"},
    )
    assert gone.json()["records"][0]["MasterRecordId"] == stays
    assert gone.json()["records"][0]["IsDeleted"] is True
    row = await one(people, "Account", master)
    assert row["PersonContactId"] == stays


async def test_an_administrator_switches_them_on_in_set_up(people: httpx2.AsyncClient, world: World) -> None:
    browser = Browser(world.port)
    browser.my = f"http://people.my.localhost:{world.port}"
    browser.lightning = f"http://people.lightning.localhost:{world.port}"
    await browser.open_console(OWNER, PASSWORD)
    assert (await browser.api("GET", "setup/person-accounts")).json() == {"enabled": True}
    answer = await browser.api("PUT", "setup/person-accounts", json={"enabled": False})
    assert error(answer) == (400, "INVALID_INPUT")
    assert (await browser.api("PUT", "setup/person-accounts", json={"enabled": True})).status_code == 200
    account, _ = await person(people, FirstName="Shown", LastName="Person")
    shown = await browser.api("GET", f"record/{account}")
    assert shown.status_code == 200, shown.text
    listed = await browser.api("GET", "list/Account")
    assert listed.status_code == 200, listed.text
    await browser.close()


async def test_an_agent_does_not_switch_them_on(world: World) -> None:
    browser = Browser(world.port)
    await browser.open_console(AGENT, PASSWORD)
    answer = await browser.api("PUT", "setup/person-accounts", json={"enabled": True})
    assert error(answer) == (403, "INSUFFICIENT_ACCESS")
    await browser.close()


def _contact_fields(length: int) -> bytes:
    text = (
        f"<CustomObject {NS}><fields><fullName>Hobby__c</fullName><label>Hobby</label><length>{length}</length>"
        "<type>Text</type></fields><fields><fullName>Vip__c</fullName><defaultValue>false</defaultValue>"
        "<label>VIP</label><type>Checkbox</type></fields><fields><fullName>Number__c</fullName>"
        "<displayFormat>C-{000}</displayFormat><label>Number</label><type>AutoNumber</type></fields></CustomObject>"
    )
    return archive({"package.xml": manifest(CustomObject=["Contact"]), "objects/Contact.object": text})


async def test_custom_fields_of_contacts_are_fields_of_people(people: httpx2.AsyncClient) -> None:
    for length in (20, 40):
        result = await deploy(people, _contact_fields(length))
        assert result["success"], result["details"]["componentFailures"]
        described = (await people.get(f"{DATA}/sobjects/Account/describe")).json()
        fields = {item["name"]: item for item in described["fields"] if item["name"].endswith("__pc")}
        assert (sorted(fields), fields["Hobby__pc"]["length"]) == (["Hobby__pc", "Vip__pc"], length)
        assert fields["Hobby__pc"]["custom"] is True
    account, contact = await person(people, LastName="Keen", Hobby__pc="Chess")
    row = await one(people, "Contact", contact)
    assert (row["Hobby__c"], row["Vip__c"]) == ("Chess", False)
    changed = await people.patch(
        f"{DATA}/sobjects/Account/{account}", json={"Hobby__pc": "Go", "Vip__pc": True}
    )
    assert changed.status_code == 204
    row = await one(people, "Contact", contact)
    assert (row["Hobby__c"], row["Vip__c"]) == ("Go", True)
    found = await soql(people, "SELECT Hobby__pc FROM Account WHERE Hobby__pc = 'go'")
    assert found["totalSize"] == 1
    company = await people.post(f"{DATA}/sobjects/Account", json={"Name": "Firm", "Hobby__pc": "Golf"})
    assert error(company) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")


async def test_custom_fields_that_were_there_before_come_along(world: World) -> None:
    settings = {"name": "later", "label": "Later", "admin_username": LATER, "admin_password": PASSWORD}
    await create_org(world.settings, **settings)
    async with plain_http(base_url=world.base, timeout=20) as http:
        http.headers["Host"] = f"later.my.localhost:{world.port}"
        answer = await post(http, envelope(login_of(LATER, PASSWORD)))
        http.headers["Authorization"] = f"Bearer {value(answer.text, 'sessionId')}"
        assert (await deploy(http, _contact_fields(20)))["success"]
        await create_org(world.settings, **settings, person_accounts=True)
        _, contact = await person(http, LastName="Late", Hobby__pc="Skat")
        assert (await one(http, "Contact", contact))["Hobby__c"] == "Skat"
