"""Match: whose number is this."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import insert, text, update

from tieline.callbar.wire import Match
from tieline.db.database import Database
from tieline.numbers import index_keys, parse
from tieline.salesforce.match import LOOK_UP, match
from tieline.salesforce.tables import connection, indexed_record, phone_index

CODES = ["1", "81"]


async def store(database: Database, tenant: Any, record_id: str, name: str, **phones: str) -> None:
    async with database.account(tenant.account_id) as tx:
        of = {"account_id": tenant.account_id, "connection_id": tenant.connection_id, "record_id": record_id}
        await tx.execute(
            insert(indexed_record).values(**of, object_type="Contact", name=name, modified_at=tx.now)
        )
        for field, raw in phones.items():
            for key in index_keys(raw, CODES):
                await tx.execute(
                    insert(phone_index).values(**of, key=key.key, grade=key.grade, field=field, raw=raw)
                )


async def ask(database: Database, tenant: Any, raw: str | None, *, withheld: bool = False) -> Match:
    async with database.account(tenant.account_id) as tx:
        number = parse(raw, ["US", "JP"])
        return Match.model_validate(await match(tx, tenant.connection_id, number, withheld))


async def test_nobody_one_and_many_are_told_apart(database: Database, tenant: Any) -> None:
    await store(database, tenant, "003A", "Ann", Phone="03-1234-5678")
    await store(database, tenant, "003B", "Bob", Phone="(415) 555-2671")
    await store(database, tenant, "003C", "Cat", Phone="+1 415-555-2671")
    assert (await ask(database, tenant, "+81312345678")).status == "one"
    many = await ask(database, tenant, "+14155552671")
    assert many.status == "many"
    # An exact form stands before one that our country codes completed.
    assert [(r.name, r.grade) for r in many.records] == [("Cat", "exact"), ("Bob", "national")]
    nobody = await ask(database, tenant, "+81398765432")
    assert (nobody.status, nobody.records, nobody.new_record_phone) == ("none", [], "03-9876-5432")


async def test_one_person_with_the_number_in_two_fields_is_one_match(database: Database, tenant: Any) -> None:
    await store(database, tenant, "003A", "Ann", Phone="03-1234-5678", MobilePhone="+81 3 1234 5678")
    found = await ask(database, tenant, "+81312345678")
    assert (found.status, found.records[0].grade, found.records[0].detail) == (
        "one",
        "exact",
        "+81 3 1234 5678",
    )


async def test_a_short_form_counts_only_when_nothing_better_matches(database: Database, tenant: Any) -> None:
    await store(database, tenant, "003S", "Short", Phone="555-2671")
    assert [r.grade for r in (await ask(database, tenant, "+14155552671")).records] == ["short"]
    await store(database, tenant, "003L", "Long", Phone="415-555-2671")
    assert [r.name for r in (await ask(database, tenant, "+14155552671")).records] == ["Long"]


async def test_a_short_form_means_nothing_outside_the_configured_countries(
    database: Database, tenant: Any
) -> None:
    await store(database, tenant, "003S", "Short", Phone="5552671")
    assert (await ask(database, tenant, "+441415552671")).status == "none"


async def test_an_index_that_is_not_ready_says_so_and_still_helps_to_search(
    database: Database, tenant: Any
) -> None:
    async with database.system(tenant.account_id) as tx:
        await tx.execute(
            update(connection).where(connection.c.id == tenant.connection_id).values(index_state="loading")
        )
    answer = await ask(database, tenant, "+81312345678")
    assert (answer.status, answer.search, answer.new_record_phone) == (
        "unavailable",
        "03-1234-5678",
        "03-1234-5678",
    )


async def test_an_index_that_loads_for_other_country_codes_answers_for_whom_it_knows(
    database: Database, tenant: Any
) -> None:
    await store(database, tenant, "003A", "Ann", Phone="03-1234-5678")
    async with database.system(tenant.account_id) as tx:
        await tx.execute(
            update(connection)
            .where(connection.c.id == tenant.connection_id)
            .values(index_state="loading", index_stale=True)
        )
    answer = await ask(database, tenant, "+81312345678")
    assert (answer.status, [record.name for record in answer.records]) == ("one", ["Ann"])
    stranger = await ask(database, tenant, "+81312345679")
    assert (stranger.status, stranger.search) == ("unavailable", "03-1234-5679")


async def test_withheld_and_missing_numbers_match_nobody(database: Database, tenant: Any) -> None:
    assert (await ask(database, tenant, None, withheld=True)).status == "withheld"
    assert (await ask(database, tenant, None)).status == "none"


async def test_twenty_records_are_named_of_a_switchboard_number(database: Database, tenant: Any) -> None:
    for position in range(25):
        await store(database, tenant, f"003{position:03}", f"Person {position:02}", Phone="03-1234-5678")
    answer = await ask(database, tenant, "+81312345678")
    assert (answer.status, len(answer.records), answer.records[0].name) == ("many", 20, "Person 00")


async def test_another_accounts_records_are_never_found(
    database: Database, tenant: Any, tenant_maker: Callable[..., Awaitable[Any]]
) -> None:
    other = await tenant_maker(index_state="ready", org_settings={"country_codes": CODES})
    await store(database, other, "003A", "Ann", Phone="03-1234-5678")
    assert (await ask(database, tenant, "+81312345678")).status == "none"
    async with database.account(tenant.account_id) as tx:
        answer = await match(tx, other.connection_id, parse("+81312345678", []), False)
    assert answer["status"] == "unavailable"


async def test_the_look_up_reads_the_primary_key_and_nothing_else(database: Database, tenant: Any) -> None:
    of = {"account_id": tenant.account_id, "connection_id": tenant.connection_id}
    async with database.account(tenant.account_id) as tx:
        await tx.execute(
            text(
                "INSERT INTO indexed_record (account_id, connection_id, record_id, object_type, name, modified_at)"
                " SELECT :account_id, :connection_id, '003' || n, 'Contact', 'Person ' || n, now()"
                " FROM generate_series(1, 5000) AS n"
            ),
            of,
        )
        await tx.execute(
            text(
                "INSERT INTO phone_index (account_id, connection_id, key, record_id, field, grade, raw)"
                " SELECT :account_id, :connection_id, '+8131' || n, '003' || n, 'Phone', 'exact', ''"
                " FROM generate_series(1, 5000) AS n"
            ),
            of,
        )
    async with database.account(tenant.account_id) as tx:
        plan = await tx.all(
            text("EXPLAIN (ANALYZE, FORMAT TEXT) " + LOOK_UP.text),
            {
                **of,
                "country_code": "81",
                "by_default": False,
                "keys": ["+81314999", "n:314999"],
                "grades": ["exact", "national", "short"],
                "limit": 21,
            },
        )
    lines = [row[0] for row in plan]
    scans = [line for line in lines if " on phone_index" in line]
    assert len(scans) == 1 and "pk_phone_index" in scans[0], "\n".join(lines)
    assert any("Index Cond" in line and "key = ANY" in line for line in lines), "\n".join(lines)
