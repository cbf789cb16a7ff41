"""The agent relates a call to a record of an object that the org allows, and the call's log follows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import insert, update
from tests.integration.center import CallbarClient, Center

from tieline.db.database import Database
from tieline.salesforce import org_settings
from tieline.salesforce.client import SalesforceClient, quoted
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.tables import org_user

from .test_delivery import drain
from .test_following import a_number, center, client, joined, ringing  # noqa: F401
from .test_index import create, look

OBJECT = "Tieline_Related_Object__c"


@pytest.fixture
async def agents_user(database: Database, center: Center, client: SalesforceClient) -> AsyncIterator[str]:  # noqa: F811
    """The org user of agent two, who sees what is theirs; in the org they are the org's second user."""
    rows = await client.query_all("SELECT Id FROM User WHERE Username = 'agent1@acme.example'")
    org_user_id = str(rows[0]["Id"])
    async with database.system(center.account_id) as tx:
        await tx.execute(
            insert(org_user).values(
                account_id=center.account_id,
                user_id=center.agents["two"],
                connection_id=center.connection_id,
                found=1,
                org_user_id=org_user_id,
            )
        )
    yield org_user_id


@pytest.fixture(autouse=True)
async def nothing_chosen(client: SalesforceClient) -> AsyncIterator[None]:  # noqa: F811
    yield
    for row in await client.query_all(f"SELECT Id FROM {OBJECT}"):
        await client.call("DELETE", f"/sobjects/{OBJECT}/{row['Id']}")


async def choose(center: Center, client: SalesforceClient, *names: str) -> None:  # noqa: F811
    """What saving the page does: the org's records, and the word that something has changed."""
    for row in await client.query_all(f"SELECT Id FROM {OBJECT}"):
        await client.call("DELETE", f"/sobjects/{OBJECT}/{row['Id']}")
    for order, name in enumerate(names):
        values: dict[str, Any] = {"Object__c": name, "Order__c": order, "Default__c": order == 1}
        await client.call("POST", f"/sobjects/{OBJECT}", body={"Name": name, **values})
    path = "/api/v1/salesforce/settings-changed"
    told = await center.http.post(path, headers={"Origin": center.host_origin})
    assert told.status_code == 204


def offered(state: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return [(each["object_type"], each["label"], each["preferred"]) for each in state["related_objects"]]


async def talking(agent: CallbarClient, id: str) -> None:
    await agent.do("engagement.answer", engagement_id=id)
    await agent.card("connected")


async def over(agent: CallbarClient, id: str) -> None:
    await agent.do("engagement.hang_up", engagement_id=id)
    await agent.card("wrap_up")


async def found(agent: CallbarClient, object_type: str, text: str) -> list[str]:
    answer = await agent.send("records.search", object_type=object_type, text=text)
    assert answer["type"] == "done", answer
    return [record["name"] for record in answer["result"]["records"]]


async def pointers(client: SalesforceClient, id: str) -> list[tuple[str | None, str | None]]:  # noqa: F811
    rows = await client.query_all(f"SELECT WhoId, WhatId FROM Task WHERE CallObject = {quoted(id)}")
    return [(row["WhoId"], row["WhatId"]) for row in rows]


async def test_an_agent_relates_a_call_once_the_org_allows_an_object(
    database: Database,
    salesforce: Salesforce,
    center: Center,  # noqa: F811
    client: SalesforceClient,  # noqa: F811
    agents_user: str,
) -> None:
    number, word = a_number(), f"Renewal{a_number()[-6:]}"
    contact = await create(client, "Contact", FirstName="Ann", LastName="Related", Phone=number)
    first = await create(client, "Opportunity", Name=f"{word} one", StageName="Prospecting",
                         CloseDate="2027-01-01", OwnerId=agents_user)  # fmt: skip
    second = await create(client, "Opportunity", Name=f"{word} two", StageName="Prospecting",
                          CloseDate="2027-01-01", OwnerId=agents_user)  # fmt: skip
    await look(database, salesforce, joined(center))

    # Before: nothing is chosen, so nothing is offered and nothing else is taken.
    agent, before = await ringing(center, "two", number)
    assert offered(agent.state) == []
    await talking(agent, before)
    refused = await agent.send(
        "engagement.relate", engagement_id=before, object_type="Opportunity", record_id=first
    )
    assert (refused["type"], refused["code"]) == ("refused", "record_not_found")
    await over(agent, before)
    await agent.do("engagement.close", engagement_id=before)

    # The page saves: callbars offer exactly that within five seconds.
    async with asyncio.timeout(5):
        await choose(center, client, "Case", "Opportunity")
        await agent.until(
            lambda state: offered(state) == [("Case", "Case", False), ("Opportunity", "Opportunity", True)]
        )

    await agent.ready()
    await center.call(number)
    after = (await agent.card("offered"))["id"]
    assert await found(agent, "Opportunity", word[:-2]) == [f"{word} one", f"{word} two"]
    await talking(agent, after)
    await agent.do("engagement.relate", engagement_id=after, object_type="Opportunity", record_id=first)
    await agent.until(lambda state: state["engagements"][0]["related"]["id"] == first)
    await over(agent, after)
    # Changed after the call, twice the same: the log is written once, with the last word.
    for _ in range(2):
        await agent.do("engagement.relate", engagement_id=after, object_type="Opportunity", record_id=second)
    state = await agent.until(lambda state: state["engagements"][0]["related"]["id"] == second)
    assert state["engagements"][0]["related"]["name"] == f"{word} two"
    await agent.do("engagement.close", engagement_id=after)
    await drain(salesforce)
    await drain(salesforce)
    assert await pointers(client, before) == [(contact, None)]
    # The contact whose number it is stays the one whom the call was with.
    assert await pointers(client, after) == [(contact, second)]
    assert (await center.story(after)).count("engagement.related") == 2


async def test_records_that_the_agent_may_not_see_are_not_found(
    database: Database,
    center: Center,  # noqa: F811
    client: SalesforceClient,  # noqa: F811
    agents_user: str,
) -> None:
    word = f"Hidden{a_number()[-6:]}"
    secret = await create(client, "Lead", LastName=f"{word} one", Company="C")
    mine = await create(client, "Lead", LastName=f"{word} two", Company="C", OwnerId=agents_user)
    await choose(center, client, "Lead")
    agent, id = await ringing(center, "two", a_number())
    await agent.until(lambda state: [each[0] for each in offered(state)] == ["Lead"])
    await talking(agent, id)
    seen = await client.query_all(
        "SELECT RecordId, HasReadAccess FROM UserRecordAccess"
        f" WHERE UserId = {quoted(agents_user)} AND RecordId IN ({quoted(secret)}, {quoted(mine)})"
    )
    expected = [row["RecordId"] for row in seen if row["HasReadAccess"]]
    answer = await agent.send("records.search", object_type="Lead", text=word)
    assert {record["id"] for record in answer["result"]["records"]} == set(expected)
    for record_id in (secret, mine, "00Q000000000000AAA"):
        told = await agent.send(
            "engagement.relate", engagement_id=id, object_type="Lead", record_id=record_id
        )
        assert (told["type"] == "done") is (record_id in expected), told
    # Who is not known in the org sees nothing of it.
    async with database.system(center.account_id) as tx:
        await tx.execute(
            update(org_user).where(org_user.c.user_id == center.agents["two"]).values(org_user_id=None)
        )
    refused = await agent.send("records.search", object_type="Lead", text=word)
    assert refused["code"] == "agent_not_in_crm"


async def test_what_is_typed_is_searched_and_never_a_query(
    center: Center,  # noqa: F811
    client: SalesforceClient,  # noqa: F811
    agents_user: str,
) -> None:
    number = a_number()[-6:]
    await create(client, "Account", Name=f"O'Neil & Sons {{{number}}} 100%", OwnerId=agents_user)
    await create(client, "Account", Name="長谷川商店", OwnerId=agents_user)
    await choose(center, client, "Account", "Nothing_Like_This__c", "User")
    agent = await center.callbar("two")
    await agent.until(lambda state: [each[0] for each in offered(state)] == ["Account"])
    assert await found(agent, "Account", f"neil {number}") == [f"O'Neil & Sons {{{number}}} 100%"]
    assert await found(agent, "Account", "長谷川") == ["長谷川商店"]
    assert await found(agent, "Account", "長") == ["長谷川商店"]
    for typed in ("%", "_", "'", "\\", "*", "}", "'} RETURNING User(Id)", "' OR Name LIKE '%", "a" * 100):
        assert await found(agent, "Account", typed) == [], typed


async def test_settings_of_an_object_that_is_gone_are_left_out(
    center: Center,  # noqa: F811
    client: SalesforceClient,  # noqa: F811
) -> None:
    await choose(center, client, "Tieline_Session_History__c", "Contact")
    read = await org_settings.read(client)
    # A Task cannot point to session history: it takes no activities.
    assert [each.object_type for each in read.related_objects] == ["Contact"]
    assert org_settings.OrgSettings.from_json(read.to_json()) == read
