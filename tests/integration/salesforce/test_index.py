"""The phone index: loaded from the org, and as fresh as the org."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from sqlalchemy import func, select, text, update

from tieline.db.database import Database
from tieline.numbers import parse
from tieline.salesforce import org_settings
from tieline.salesforce.client import SalesforceClient
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.index import PhoneIndex, index_record
from tieline.salesforce.match import match
from tieline.salesforce.tables import connection, indexed_record

from .conftest import Tenant
from .org import Org

_next = iter(range(10**6))


def fresh_number() -> str:
    """A Tokyo number nobody had before, nationally."""
    return f"03-{5000 + next(_next) // 10000:04}-{next(_next) % 10000:04}"


async def create(client: SalesforceClient, object_type: str, **fields: str) -> str:
    answer = await client.call("POST", f"/sobjects/{object_type}", body=fields)
    return str(answer["id"])


async def due(database: Database, of: Tenant) -> None:
    """Only this connection is due, now."""
    async with database.system() as tx:
        await tx.execute(update(connection).values(index_checked_at=tx.now, index_lease_until=None))
        await tx.execute(
            update(connection).where(connection.c.id == of.connection_id).values(index_checked_at=None)
        )


async def look(database: Database, salesforce: Salesforce, of: Tenant) -> None:
    await due(database, of)
    assert await PhoneIndex(salesforce).run_once()


async def names(database: Database, of: Tenant, raw: str) -> tuple[str, list[str]]:
    async with database.account(of.account_id) as tx:
        answer = await match(tx, of.connection_id, parse(raw, ["JP"]), False)
    return answer["status"], [record["name"] for record in answer["records"]]


@pytest.fixture
async def client(salesforce: Salesforce, connected: Tenant) -> SalesforceClient:
    client = salesforce.client(connected.account_id, connected.connection_id)
    held = await client.query_all("SELECT Id FROM Tieline_Country_Code__c")
    if not held:
        for order, code in enumerate(("1", "81")):
            await create(client, "Tieline_Country_Code__c", Name=code, Code__c=code, Order__c=str(order))
    return client


@pytest.fixture
async def loaded(
    database: Database, salesforce: Salesforce, connected: Tenant, client: SalesforceClient
) -> Tenant:
    """A connection whose index is ready."""
    await look(database, salesforce, connected)
    return connected


async def test_connecting_loads_settings_and_every_number(
    database: Database, salesforce: Salesforce, connected: Tenant, client: SalesforceClient
) -> None:
    one, two, three = (fresh_number() for _ in range(3))
    tag = uuid.uuid4().hex[:8]
    await create(client, "Contact", LastName=f"Ann {tag}", Phone=one, MobilePhone="+81 " + two[1:])
    await create(client, "Lead", LastName=f"Lea {tag}", Company="C", Phone=three)
    await create(client, "Account", Name=f"Acc {tag}", Phone=three)
    assert (await names(database, connected, one))[0] == "unavailable"
    await look(database, salesforce, connected)
    assert await names(database, connected, "+81" + one[1:].replace("-", "")) == ("one", [f"Ann {tag}"])
    assert await names(database, connected, two) == ("one", [f"Ann {tag}"])
    assert await names(database, connected, three) == ("many", [f"Acc {tag}", f"Lea {tag}"])
    async with database.system() as tx:
        assert (await org_settings.load(tx, connected.connection_id)) == org_settings.OrgSettings()
    async with database.system(connected.account_id) as tx:
        assert (await org_settings.load(tx, connected.connection_id)).country_codes == ("1", "81")


async def test_created_changed_renamed_and_deleted_records_are_followed(
    database: Database, salesforce: Salesforce, loaded: Tenant, client: SalesforceClient
) -> None:
    old, new = fresh_number(), fresh_number()
    record_id = await create(client, "Contact", LastName="Before", Phone=old)
    await look(database, salesforce, loaded)
    assert await names(database, loaded, old) == ("one", ["Before"])
    await client.call("PATCH", f"/sobjects/Contact/{record_id}", body={"LastName": "After", "Phone": new})
    await look(database, salesforce, loaded)
    assert await names(database, loaded, old) == ("none", [])
    assert await names(database, loaded, new) == ("one", ["After"])
    await client.call("DELETE", f"/sobjects/Contact/{record_id}")
    await look(database, salesforce, loaded)
    assert await names(database, loaded, new) == ("none", [])


async def test_merged_and_converted_records_are_followed(
    database: Database, salesforce: Salesforce, loaded: Tenant, client: SalesforceClient, org: Org
) -> None:
    one, two, three = (fresh_number() for _ in range(3))
    stays = await create(client, "Contact", LastName="Stays", Phone=one)
    goes = await create(client, "Contact", LastName="Goes", Phone=two)
    lead = await create(client, "Lead", LastName="Lead", Company="Lead's", Phone=three)
    await look(database, salesforce, loaded)
    assert await names(database, loaded, two) == ("one", ["Goes"])
    chosen = {"master": stays, "losers": [goes], "fields": {"MobilePhone": two}}
    assert (await org.console("POST", "merge", json=chosen)).status_code == 200
    asked = {"lead": lead, "status": "Closed - Converted", "create_opportunity": False}
    assert (await org.console("POST", "convert-lead", json=asked)).status_code == 200
    await look(database, salesforce, loaded)
    assert await names(database, loaded, one) == ("one", ["Stays"])
    assert await names(database, loaded, two) == ("one", ["Stays"]), "the loser's number went with it"
    assert await names(database, loaded, three) == ("many", ["Lead", "Lead's"]), (
        "a contact and its account now"
    )
    async with database.account(loaded.account_id) as tx:
        answer = await match(tx, loaded.connection_id, parse(three, ["JP"]), False)
    assert {record["object_type"] for record in answer["records"]} == {"Contact", "Account"}


async def test_one_record_is_read_at_once(
    database: Database, salesforce: Salesforce, loaded: Tenant, client: SalesforceClient
) -> None:
    number = fresh_number()
    record_id = await create(client, "Contact", LastName="Just Created", Phone=number)
    of = (salesforce, loaded.account_id, loaded.connection_id)
    assert await index_record(*of, "Contact", record_id) == {
        "id": record_id,
        "object_type": "Contact",
        "name": "Just Created",
        "owner": {"name": "Administrator"},
    }
    assert await names(database, loaded, number) == ("one", ["Just Created"])
    assert await index_record(*of, "Case", "500000000000001AAA") is None
    assert await index_record(*of, "Contact", "003000000000001AAA") is None


async def test_reading_the_same_twice_writes_nothing(
    database: Database, salesforce: Salesforce, loaded: Tenant, client: SalesforceClient
) -> None:
    await create(client, "Contact", LastName="Twice", Phone=fresh_number())
    await look(database, salesforce, loaded)
    versions = text("SELECT record_id, xmin::text FROM indexed_record WHERE connection_id = :id ORDER BY 1")
    async with database.system() as tx:
        before = await tx.all(versions, {"id": loaded.connection_id})
    await look(database, salesforce, loaded)
    async with database.system() as tx:
        assert await tx.all(versions, {"id": loaded.connection_id}) == before


async def test_a_load_that_was_cut_off_goes_on_where_it_stood(
    database: Database, salesforce: Salesforce, loaded: Tenant, client: SalesforceClient
) -> None:
    number = fresh_number()
    record_id = await create(client, "Contact", LastName="Last", Phone=number)
    before = (await client.query_all("SELECT Id FROM Contact ORDER BY Id DESC LIMIT 2"))[-1]["Id"]
    async with database.system() as tx:
        await tx.execute(
            update(connection)
            .where(connection.c.id == loaded.connection_id)
            .values(index_state="loading", index_progress={"Contact": before})
        )
        held = await tx.scalar(
            select(indexed_record.c.record_id)
            .where(indexed_record.c.connection_id == loaded.connection_id)
            .limit(1)
        )
    await look(database, salesforce, loaded)
    assert await names(database, loaded, number) == ("one", ["Last"])
    async with database.system() as tx:
        row = await tx.one(select(connection).where(connection.c.id == loaded.connection_id))
        kept = await tx.scalar(
            select(indexed_record.c.record_id).where(
                indexed_record.c.connection_id == loaded.connection_id, indexed_record.c.record_id == held
            )
        )
    assert row is not None and (row.index_state, row.index_progress) == ("ready", {})
    assert kept == held and record_id > before


async def test_other_country_codes_load_the_index_anew(
    database: Database, salesforce: Salesforce, loaded: Tenant, client: SalesforceClient
) -> None:
    number = "020 7946 " + f"{next(_next) % 10000:04}"
    await create(client, "Contact", LastName="London", Phone=number)
    known, leaves = fresh_number(), fresh_number()
    await create(client, "Contact", LastName="Known", Phone=known)
    gone = await create(client, "Contact", LastName="Leaves", Phone=leaves)
    await look(database, salesforce, loaded)
    caller = "+44" + number[1:].replace(" ", "")
    assert await names(database, loaded, caller) == ("none", [])
    code = await create(client, "Tieline_Country_Code__c", Name="44", Code__c="44", Order__c="3")
    try:
        await org_settings.refresh(database, client, loaded.account_id, loaded.connection_id)
        # Who was known stays known; who was not may be by the new code, which the CRM's own search finds out.
        assert (await names(database, loaded, caller))[0] == "unavailable"
        assert await names(database, loaded, known) == ("one", ["Known"])
        await client.call("DELETE", f"/sobjects/Contact/{gone}")
        async with database.system() as tx:
            row: Any = await tx.one(select(connection).where(connection.c.id == loaded.connection_id))
        assert (row.index_state, row.index_loaded, row.index_total) == ("loading", 0, None)
        await look(database, salesforce, loaded)
        assert await names(database, loaded, caller) == ("one", ["London"])
        assert await names(database, loaded, known) == ("one", ["Known"])
        await look(database, salesforce, loaded)
        assert await names(database, loaded, leaves) == ("none", [])
    finally:
        await client.call("DELETE", f"/sobjects/Tieline_Country_Code__c/{code}")


async def test_one_worker_at_a_time_serves_a_connection(
    database: Database, salesforce: Salesforce, loaded: Tenant
) -> None:
    await due(database, loaded)
    served = await asyncio.gather(*(PhoneIndex(salesforce).run_once() for _ in range(3)))
    assert served.count(True) == 1


async def test_a_crm_that_is_away_leaves_the_index_as_it_was(
    database: Database, salesforce: Salesforce, loaded: Tenant, client: SalesforceClient
) -> None:
    number = fresh_number()
    await create(client, "Contact", LastName="Stays", Phone=number)
    await look(database, salesforce, loaded)
    async with database.system() as tx:
        row: Any = await tx.one(select(connection).where(connection.c.id == loaded.connection_id))
        await tx.execute(
            update(connection)
            .where(connection.c.id == loaded.connection_id)
            .values(api_base="http://localhost:18999")
        )
    await look(database, salesforce, loaded)
    assert await names(database, loaded, number) == ("one", ["Stays"])
    async with database.system() as tx:
        after: Any = await tx.one(select(connection).where(connection.c.id == loaded.connection_id))
    assert (after.error_code, after.state, after.index_lease_until) == ("crm_unreachable", "connected", None)
    assert row.api_base != after.api_base


async def test_more_records_than_a_page_are_all_loaded(
    database: Database, salesforce: Salesforce, connected: Tenant, client: SalesforceClient
) -> None:
    for start in range(0, 2200, 200):
        created = await client.call(
            "POST",
            "/composite/sobjects",
            body={
                "allOrNone": True,
                "records": [
                    {
                        "attributes": {"type": "Contact"},
                        "LastName": f"Page {number}",
                        "Phone": f"+81 45 {number // 10000:03} {number % 10000:04}",
                    }
                    for number in range(start + 2_000_000, start + 2_000_200)
                ],
            },
        )
        assert all(row["success"] for row in created)
    await look(database, salesforce, connected)
    async with database.system() as tx:
        loaded = await tx.scalar(
            select(func.count())
            .select_from(indexed_record)
            .where(
                indexed_record.c.connection_id == connected.connection_id,
                indexed_record.c.name.like("Page %"),
            )
        )
        counted: Any = await tx.one(select(connection).where(connection.c.id == connected.connection_id))
    assert loaded == 2200
    assert counted.index_loaded == counted.index_total >= 2200
    assert await names(database, connected, "+81452002199") == ("one", ["Page 2002199"])
