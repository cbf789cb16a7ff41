"""Whose records are, and what past engagements call their customers, in a whole center joined to a running org."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from sqlalchemy import select, text, update
from tests.integration.center import CallbarClient, Center

from tieline.db.database import Database
from tieline.engagements.following import RECORDS
from tieline.salesforce.client import SalesforceClient
from tieline.salesforce.connections import Connections, Salesforce
from tieline.salesforce.index import PhoneIndex
from tieline.salesforce.tables import connection, record_owner

from .test_following import a_number, center, client, joined, ringing
from .test_index import create, look

__all__ = ["center", "client"]


async def a_user(client: SalesforceClient, first: str, last: str) -> str:
    """A user of the org who can own records; gives the id."""
    profile = (await client.query_all("SELECT Id FROM Profile LIMIT 1"))[0]["Id"]
    tag = secrets.token_hex(4)
    return await create(
        client,
        "User",
        FirstName=first,
        LastName=last,
        Username=f"{tag}@owners.example",
        Email=f"{tag}@owners.example",
        Alias=tag,
        ProfileId=profile,
        TimeZoneSidKey="Asia/Tokyo",
        LocaleSidKey="ja_JP",
        LanguageLocaleKey="ja",
        EmailEncodingKey="UTF-8",
    )


@asynccontextmanager
async def refreshing(salesforce: Salesforce) -> AsyncIterator[None]:
    """The worker's loop that keeps phone indexes fresh."""
    working = asyncio.create_task(PhoneIndex(salesforce).run())
    try:
        yield
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


def owners(state: dict[str, Any]) -> tuple[list[str | None], str | None]:
    """The owners on the card: of the match, and of the related record."""
    card = state["engagements"][0]
    return [record["owner"] for record in card["match"]["records"]], (card["related"] or {}).get("owner")


async def finished(agent: CallbarClient, id: str) -> None:
    """Take the offered call, and end it."""
    await agent.do("engagement.answer", engagement_id=id)
    await agent.card("connected")
    await agent.do("engagement.hang_up", engagement_id=id)
    await agent.card("wrap_up")
    await agent.do("engagement.close", engagement_id=id)
    await agent.until(lambda state: not state["engagements"])


async def history(portal: httpx2.AsyncClient, **query: str) -> list[tuple[str, str, str | None]]:
    """Engagement, name and owner of the records in the history."""
    rows = (await portal.get("/api/v1/engagements", params=query)).json()["engagements"]
    return [(row["id"], row["record"]["name"], row["record"]["owner"]) for row in rows if row["record"]]


async def recent(agent: CallbarClient) -> list[tuple[str, str | None, str | None]]:
    """Number, name and owner of the agent's recent calls."""
    answer = await agent.send("calls.recent")
    assert answer["type"] == "done", answer
    return [
        (
            call["e164"],
            *((call["record"]["name"], call["record"]["owner"]) if call["record"] else (None, None)),
        )
        for call in answer["result"]["calls"]
    ]


async def test_a_changed_owner_is_on_the_card_within_five_seconds(
    salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    number = a_number()
    first, second = await a_user(client, "Misaki", "Takahashi"), await a_user(client, "Emma", "Clark")
    record_id = await create(client, "Contact", FirstName="Ann", LastName="Lee", Phone=number, OwnerId=first)
    async with refreshing(salesforce):
        agent, _ = await ringing(center, "one", number)
        await agent.until(lambda state: owners(state) == (["Takahashi Misaki"], "Takahashi Misaki"))
        await client.call("PATCH", f"/sobjects/Contact/{record_id}", body={"OwnerId": second})
        async with asyncio.timeout(5):
            await agent.until(lambda state: owners(state) == (["Clark Emma"], "Clark Emma"))
        await client.call("PATCH", f"/sobjects/User/{second}", body={"LastName": "Miller"})
        async with asyncio.timeout(5):
            await agent.until(lambda state: owners(state) == (["Miller Emma"], "Miller Emma"))


async def test_history_and_recent_calls_name_people_as_the_crm_does_now(
    database: Database, salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    number = a_number()
    first, second = await a_user(client, "Misaki", "Takahashi"), await a_user(client, "Emma", "Clark")
    record_id = await create(client, "Contact", FirstName="Ann", LastName="Then", Phone=number, OwnerId=first)
    await look(database, salesforce, joined(center))
    agent, id = await ringing(center, "one", number)
    await finished(agent, id)
    portal = await center.portal("admin")
    assert await history(portal) == [(id, "Ann Then", "Misaki Takahashi")]
    assert await recent(agent) == [(number, "Then Ann", "Takahashi Misaki")]

    await client.call("PATCH", f"/sobjects/Contact/{record_id}", body={"LastName": "Now", "OwnerId": second})
    told = agent.hints
    await look(database, salesforce, joined(center))
    await agent.until(lambda _: agent.hints > told)
    assert await recent(agent) == [(number, "Now Ann", "Clark Emma")]
    now = (id, "Ann Now", "Emma Clark")
    one = (await portal.get(f"/api/v1/engagements/{id}")).json()["record"]
    assert await history(portal) == [now] and (one["name"], one["owner"]) == now[1:]
    for typed in ("ann now", "now ann", "ann then", "then ann"):
        assert await history(portal, q=typed) == [now], "found by the name of now and of then"
    assert await history(portal, q="ann never") == []

    # What the CRM has no more keeps the name and the owner it had in the call.
    await client.call("DELETE", f"/sobjects/Contact/{record_id}")
    await look(database, salesforce, joined(center))
    assert await history(portal) == [(id, "Ann Then", "Misaki Takahashi")]
    assert await recent(agent) == [(number, "Then Ann", "Takahashi Misaki")]


async def test_a_renamed_user_is_one_row_and_is_named_on_all_records(
    database: Database, salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    user = await a_user(client, "Emma", "Clark")
    numbers = [a_number(), a_number()]
    for number in numbers:
        await create(client, "Contact", LastName="Owned", Phone=number, OwnerId=user)
    stranger = await a_user(client, "Owns", "Nothing")
    await look(database, salesforce, joined(center))
    versions = text("SELECT record_id, xmin::text FROM indexed_record WHERE connection_id = :id ORDER BY 1")
    kept = select(record_owner.c.owner_id, record_owner.c.last_name).where(
        record_owner.c.connection_id == center.connection_id
    )
    async with database.system() as tx:
        before = await tx.all(versions, {"id": center.connection_id})
    for owner in (user, stranger):
        await client.call("PATCH", f"/sobjects/User/{owner}", body={"LastName": "Miller"})
    await look(database, salesforce, joined(center))
    async with database.system() as tx:
        assert await tx.all(versions, {"id": center.connection_id}) == before
        names = dict(iter(await tx.all(kept)))
    assert names[user] == "Miller" and stranger not in names
    for number in numbers:
        await center.call(number)
    for name in ("one", "two"):
        agent = await center.callbar(name)
        await agent.ready()
        await agent.card("offered")
        shown = {"one": "Miller Emma", "two": "Emma Miller"}[name]
        assert owners(agent.state) == ([shown], shown)


async def test_what_was_indexed_without_owners_gets_them_while_it_serves(
    database: Database, salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    number = a_number()
    user = await a_user(client, "Emma", "Clark")
    await create(client, "Lead", LastName="Old", Company="C", Phone=number, OwnerId=user)
    await look(database, salesforce, joined(center))
    async with database.system() as tx:  # as the migration leaves an index of the release before
        await tx.execute(
            text("DELETE FROM record_owner WHERE connection_id = :id"), {"id": center.connection_id}
        )
        await tx.execute(
            update(connection).where(connection.c.id == center.connection_id).values(index_until=None)
        )
    agent, _ = await ringing(center, "two", number)
    assert owners(agent.state) == ([None], None)
    await look(database, salesforce, joined(center))
    await agent.until(lambda state: owners(state) == (["Emma Clark"], "Emma Clark"))


async def test_recent_calls_are_the_agents_own_and_each_number_once(
    database: Database, salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    known, stranger = a_number(), a_number()
    await create(client, "Account", Name="Acme", Phone=known)
    await look(database, salesforce, joined(center))
    agent, id = await ringing(center, "two", known)
    await finished(agent, id)
    for number in (stranger, None, known):
        await center.call(number)
        await finished(agent, (await agent.card("offered"))["id"])
    assert await recent(agent) == [(known, "Acme", "Administrator"), (stranger, None, None)]
    assert await recent(await center.callbar("one")) == []


async def test_a_removed_connection_leaves_no_owners(
    database: Database, salesforce: Salesforce, center: Center
) -> None:
    kept = select(record_owner).where(record_owner.c.connection_id == center.connection_id)
    async with database.system() as tx:
        assert await tx.all(kept) != []
    await Connections(salesforce).remove(center.account_id, center.connection_id)
    async with database.system() as tx:
        assert await tx.all(kept) == []


@pytest.mark.parametrize("name", ["admin", "one"])
async def test_open_portal_pages_are_told_of_changed_records(
    database: Database, salesforce: Salesforce, center: Center, client: SalesforceClient, name: str
) -> None:
    portal = await center.portal(name)
    async with portal.stream("GET", "/api/v1/live?records=true") as live:
        lines = live.aiter_lines()
        assert await anext(lines) == ": tieline"
        await create(client, "Contact", LastName="New", Phone=a_number())
        await look(database, salesforce, joined(center))
        async with asyncio.timeout(5):
            assert await _hint(lines) == "records"


async def test_an_open_history_follows_the_crm_while_no_agent_is_there(
    salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    portal = await center.portal("admin")
    async with refreshing(salesforce), portal.stream("GET", "/api/v1/live?records=true") as live:
        lines = live.aiter_lines()
        for _ in range(2):
            await create(client, "Contact", LastName="New", Phone=a_number())
            async with asyncio.timeout(5):
                assert await _hint(lines) == "records"


async def test_agents_pages_are_told_of_their_own_engagements_only(center: Center) -> None:
    one, two = await center.portal("one"), await center.portal("two")
    path = "/api/v1/live?records=true"
    async with one.stream("GET", path) as mine, two.stream("GET", path) as others:
        streams = mine.aiter_lines(), others.aiter_lines()
        for lines in streams:
            assert await anext(lines) == ": tieline"
        agent = await center.callbar("one")
        await agent.ready()
        async with asyncio.timeout(5):
            assert await _hint(streams[0]) == "engagements"
            async with center.db.system(center.account_id) as tx:
                tx.announce(RECORDS, center.connection_id)
            assert await _hint(streams[1]) == "records", "nothing of the other's before"


async def _hint(lines: AsyncIterator[str]) -> str:
    async for line in lines:
        if line.startswith("data: "):
            return json.loads(line.removeprefix("data: "))["kind"]
    raise AssertionError("the stream ended")
