"""What agents see of the CRM's records, in a whole center joined to a running org."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from tests.integration.center import CallbarClient, Center, a_center

from tieline.calllog.tables import call_log
from tieline.db.database import Database
from tieline.identity.tables import app_user
from tieline.salesforce import org_settings
from tieline.salesforce.client import SalesforceClient
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.index import PhoneIndex
from tieline.salesforce.tables import connection

from .conftest import Tenant, connect
from .org import Org
from .test_index import create, look


def a_number() -> str:
    """A number nobody had before."""
    return f"+1212{2_000_000 + secrets.randbelow(7_999_999)}"


@pytest.fixture
async def center(
    database: Database, salesforce: Salesforce, org: Org, tmp_path: Path
) -> AsyncIterator[Center]:
    """A center whose connection leads to the org. Agent one reads Japanese, agent two English."""
    async with a_center(database, tmp_path) as center:
        of = Tenant(center.account_id, center.agents["admin"], center.connection_id)
        async with database.system() as tx:
            await tx.execute(update(connection).values(state="removed"))
        center.connection_id = await connect(salesforce, of, org)
        center.host_origin = org.lightning
        async with database.system(center.account_id) as tx:
            await tx.execute(
                update(app_user)
                .where(app_user.c.id.in_([center.agents["one"], center.agents["two"]]))
                .values(connection_id=center.connection_id)
            )
        await speaks(center, "one", "ja")
        await look(database, salesforce, joined(center))
        yield center


def joined(center: Center) -> Tenant:
    """The center as the index knows it."""
    return Tenant(center.account_id, center.agents["admin"], center.connection_id)


async def speaks(center: Center, name: str, language: str) -> None:
    async with center.db.system() as tx:
        await tx.execute(
            update(app_user).where(app_user.c.id == center.agents[name]).values(language=language)
        )


@pytest.fixture
def client(salesforce: Salesforce, center: Center) -> SalesforceClient:
    """The org as the center's connection sees it."""
    return salesforce.client(center.account_id, center.connection_id)


def shown(state: dict[str, Any]) -> tuple[list[str], str | None]:
    """The names on the card: of the match, and of the related record."""
    card = state["engagements"][0]
    return [record["name"] for record in card["match"]["records"]], (card["related"] or {}).get("name")


async def ringing(center: Center, name: str, number: str) -> tuple[CallbarClient, str]:
    """An agent who is offered a call from a number."""
    agent = await center.callbar(name)
    await agent.ready()
    await center.call(number)
    return agent, (await agent.card("offered"))["id"]


async def test_people_are_named_in_the_readers_order_everywhere(
    database: Database, salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    number = a_number()
    await create(client, "Contact", FirstName="Olivia", LastName="Martin", Phone=number)
    await look(database, salesforce, joined(center))
    japanese, id = await ringing(center, "one", number)
    assert shown(japanese.state) == (["Martin Olivia"], "Martin Olivia")
    english = await center.callbar("two")
    await english.ready()
    await japanese.do("engagement.decline", engagement_id=id)
    await english.card("offered")
    assert shown(english.state) == (["Olivia Martin"], "Olivia Martin")

    await english.do("engagement.answer", engagement_id=id)
    await english.card("connected")
    await english.do("engagement.hang_up", engagement_id=id)
    await english.card("wrap_up")
    await english.do("engagement.close", engagement_id=id)
    async with database.account(center.account_id) as tx:
        log = await tx.scalar(select(call_log.c.content).where(call_log.c.engagement_id == id))
    assert [record["name"] for record in log["matched"]] == ["Olivia Martin"]

    for language, name in (("en", "Olivia Martin"), ("ja", "Martin Olivia")):
        await speaks(center, "admin", language)
        portal = await center.portal("admin")
        for typed in ("olivia mar", "martin oli"):
            found = (await portal.get("/api/v1/engagements", params={"q": typed})).json()["engagements"]
            assert [(row["id"], row["record"]["name"]) for row in found] == [(id, name)]


async def test_what_has_one_name_keeps_it(
    database: Database, salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    number = a_number()
    await create(client, "Account", Name="Acme Holding", Phone=number)
    await create(client, "Lead", LastName="Tanaka", Company="C", Phone=number)
    await look(database, salesforce, joined(center))
    agent, _ = await ringing(center, "one", number)
    assert shown(agent.state) == (["Acme Holding", "Tanaka"], None)


async def test_a_changed_name_is_on_the_card_within_five_seconds(
    salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    number = a_number()
    record_id = await create(client, "Contact", FirstName="Hanako", LastName="Sato", Phone=number)
    working = asyncio.create_task(PhoneIndex(salesforce).run())
    try:
        agent, id = await ringing(center, "one", number)
        await agent.until(lambda state: shown(state) == (["Sato Hanako"], "Sato Hanako"))
        await agent.do("engagement.answer", engagement_id=id)
        await agent.card("connected")
        await client.call("PATCH", f"/sobjects/Contact/{record_id}", body={"LastName": "Suzuki"})
        async with asyncio.timeout(5):
            await agent.until(lambda state: shown(state) == (["Suzuki Hanako"], "Suzuki Hanako"))
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working


async def test_changes_of_other_records_leave_the_card_alone(
    database: Database, salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    number = a_number()
    record_id = await create(client, "Contact", FirstName="Ann", LastName="Still", Phone=number)
    await look(database, salesforce, joined(center))
    agent, _ = await ringing(center, "two", number)
    before = agent.state["sequence"]
    await create(client, "Contact", LastName="Other", Phone=a_number())
    await look(database, salesforce, joined(center))
    await client.call("PATCH", f"/sobjects/Contact/{record_id}", body={"LastName": "Changed"})
    await look(database, salesforce, joined(center))
    state = await agent.until(lambda state: shown(state) == (["Ann Changed"], "Ann Changed"))
    assert state["sequence"] == before + 1


async def test_a_contact_made_in_one_call_is_on_the_other_card_of_that_number(
    center: Center, client: SalesforceClient
) -> None:
    number = a_number()
    one, first = await ringing(center, "one", number)
    two, _ = await ringing(center, "two", number)
    assert shown(one.state) == shown(two.state) == ([], None)
    record_id = await create(client, "Contact", FirstName="Ken", LastName="Mori", Phone=number)
    await one.do("record.seen", object_type="Contact", record_id=record_id)
    await one.until(lambda state: shown(state) == (["Mori Ken"], "Mori Ken"))
    await two.until(lambda state: shown(state) == (["Ken Mori"], "Ken Mori"))
    assert "engagement.matched" in await center.story(first)


async def test_the_orgs_settings_are_read_when_an_agent_signs_in(
    database: Database, salesforce: Salesforce, center: Center, client: SalesforceClient
) -> None:
    wanted = await org_settings.read(client)
    mine = connection.c.id == center.connection_id

    async def outdated(age: timedelta) -> None:
        async with database.system() as tx:
            await tx.execute(
                update(connection)
                .where(mine)
                .values(org_settings={"country_codes": ["44"]}, org_settings_at=tx.now - age)
            )

    async def kept() -> org_settings.OrgSettings:
        async with database.account(center.account_id) as tx:
            return await org_settings.load(tx, center.connection_id)

    await outdated(timedelta(minutes=2))
    await center.callbar("one")
    async with asyncio.timeout(10):
        while await kept() != wanted:
            await asyncio.sleep(0.02)
    # Read less than a minute ago: not again.
    await outdated(timedelta(seconds=30))
    await org_settings.freshen(salesforce, center.account_id, center.connection_id)
    assert (await kept()).country_codes == ("44",)


async def test_a_page_that_says_settings_changed_makes_them_read_at_once(
    database: Database, center: Center, client: SalesforceClient
) -> None:
    async def codes() -> tuple[str, ...]:
        async with database.account(center.account_id) as tx:
            return (await org_settings.load(tx, center.connection_id)).country_codes

    async def say(origin: str) -> int:
        path = "/api/v1/salesforce/settings-changed"
        return (await center.http.post(path, headers={"Origin": origin})).status_code

    wanted = await org_settings.read(client)
    mine = connection.c.id == center.connection_id
    async with database.system() as tx:
        stale = {"country_codes": ["44"]}
        await tx.execute(update(connection).where(mine).values(org_settings=stale, org_settings_at=tx.now))
    assert await say("http://elsewhere.example") == 204
    assert await say(center.host_origin) == 204
    async with asyncio.timeout(5):
        while await codes() != wanted.country_codes:
            await asyncio.sleep(0.02)
    code = await create(client, "Tieline_Country_Code__c", Name="44", Code__c="44", Order__c="3")
    try:
        # Said twice within the time between two readings: the last word is read too.
        assert await say(center.host_origin) == 204
        assert await say(center.host_origin) == 204
        async with asyncio.timeout(5):
            while "44" not in await codes():
                await asyncio.sleep(0.02)
    finally:
        await client.call("DELETE", f"/sobjects/Tieline_Country_Code__c/{code}")


async def test_a_deactivated_product_takes_no_engagement_until_it_is_active_again(
    database: Database, center: Center
) -> None:
    one = await center.callbar("one")
    await one.do("status.set", status="ready")
    await one.until(lambda state: state["agent"]["presence"]["state"] == "ready")

    async def save(active: bool) -> None:
        async with database.system(center.account_id) as tx:
            await tx.execute(
                update(connection)
                .where(connection.c.id == center.connection_id)
                .values(org_settings={"country_codes": ["1"], "active": active}, org_settings_at=tx.now)
            )
            tx.announce(org_settings.ORG_SETTINGS, center.connection_id)

    await save(False)
    await one.until(lambda state: state["agent"]["presence"]["reason"] == "deactivated")
    assert (await one.send("status.set", status="ready"))["code"] == "integration_deactivated"
    # Who signs in now is told as well.
    two = await center.callbar("two")
    await two.until(lambda state: state["agent"]["presence"]["reason"] == "deactivated")
    await save(True)
    await one.until(lambda state: state["agent"]["presence"]["reason"] is None)
    await one.do("status.set", status="ready")
    await one.until(lambda state: state["agent"]["presence"]["state"] == "ready")
