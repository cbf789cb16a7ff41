"""The embedded org with a million contacts in it: by phone, by e-mail, by external id.

Not one of those that run by themselves, since loading takes minutes: `python -m bench million`. The rows are put into
the real table with the search terms that the org itself would have written.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from bench.figures import Figure, over_rounds
from bench.org import DATA, RATE, Served, at_rate, cores, on_cores, served

from tieline import local_org
from tieline.crm.access.permissions import open_fields
from tieline.crm.database import connect
from tieline.crm.ids import make_id
from tieline.crm.metadata import Field, ObjectType
from tieline.crm.query.search import search_vector
from tieline.crm.schema import add_field, load_catalogue

CONTACTS = int(os.environ.get("TIELINE_BENCH_CONTACTS", "1000000"))
_FIRST = [
    "Ada",
    "Bo",
    "Chiara",
    "Dmitri",
    "Elif",
    "Farid",
    "Grace",
    "Hugo",
    "Ines",
    "Jonas",
    "花子",
    "太郎",
    "直樹",
]
_LAST = [
    "Abbott",
    "Bianchi",
    "Castro",
    "Dahl",
    "Eriksson",
    "Fischer",
    "Garcia",
    "Holt",
    "佐藤",
    "鈴木",
    "高橋",
]
_ENDINGS = ["", "son", "ova", "mann", "ini", "ez", "sen", "ic"]
_TITLES = ["Buyer", "Head of Purchasing", "Engineer", "工場長", "営業部長", None]
_COLUMNS = (
    "Id", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp",
    "OwnerId", "FirstName", "LastName", "Name", "Title", "Phone", "MobilePhone", "Email", "Key__c",
)  # fmt: skip


def phone_of(number: int) -> str:
    """The contact's number, in one of the ways that people write one."""
    area, line, rest = 200 + number // 10_000_000, number // 10_000 % 1000, number % 10_000
    return (
        f"+1 {area} {line:03d} {rest:04d}",
        f"({area}) {line:03d}-{rest:04d}",
        f"{area}.{line:03d}.{rest:04d}",
        f"1{area}{line:03d}{rest:04d}",
    )[number % 4]


def _rows(value: ObjectType, instance: str, owner: str) -> Iterator[tuple[Any, ...]]:
    chance, now = random.Random(7), datetime.now(UTC)
    for number in range(CONTACTS):
        first, last = chance.choice(_FIRST), chance.choice(_LAST) + chance.choice(_ENDINGS)
        row: dict[str, Any] = {
            "FirstName": first,
            "LastName": last,
            "Name": f"{first} {last}",
            "Title": chance.choice(_TITLES),
            "Phone": phone_of(number),
            "MobilePhone": phone_of(5_000_000 + number) if number % 3 == 0 else None,
            "Email": f"person{number}@million.example",
            "Key__c": f"K-{number:07d}",
        }
        stamps = (make_id("003", instance, 10_000_000 + number), False, now, owner, now, owner, now, owner)
        yield (*stamps, *(row[name] for name in _COLUMNS[len(stamps) :]), search_vector(value, row))


async def _load(org: Served) -> float:
    """A million contacts, an index as one written row by row would be, and statistics; answers the seconds it took."""
    began = time.perf_counter()
    async with local_org.reached(org.environment) as (settings, name):
        registry = await connect(settings)
        database = await registry.fetchval("SELECT database_name FROM crm_org WHERE name = $1", name)
        await registry.close()
        conn = await connect(settings, database)
        try:
            contact = (await load_catalogue(conn)).objects["Contact"]
            key = Field("Key__c", "string", "Key", length=20, custom=True, external_id=True, unique=True)
            async with conn.transaction():
                await add_field(conn, contact, key)
                await open_fields(
                    conn, (await load_catalogue(conn)).objects["Contact"], {"Key__c": True}, to_users=True
                )
            value = (await load_catalogue(conn)).objects["Contact"]
            instance = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'instance'")
            owner = await conn.fetchval('SELECT "Id" FROM data."User" ORDER BY "Id" LIMIT 1')
            indexes = await conn.fetch(
                "SELECT indexdef, indexname FROM pg_indexes WHERE schemaname = 'data' AND tablename = 'Contact'"
                " AND indexname <> 'Contact_pkey'"
            )
            for index in indexes:
                await conn.execute(f'DROP INDEX data."{index["indexname"]}"')
            names = ", ".join(f'"{column}"' for column in _COLUMNS)
            await conn.execute(
                f'CREATE TEMP TABLE loaded AS SELECT {names}, _search::text FROM data."Contact" WITH NO DATA'
            )
            await conn.copy_records_to_table(
                "loaded", records=_rows(value, instance, owner), columns=[*_COLUMNS, "_search"], timeout=1800
            )
            await conn.execute(
                f'INSERT INTO data."Contact" ({names}, _search) SELECT {names}, _search::tsvector FROM loaded',
                timeout=1800,
            )
            for index in indexes:
                await conn.execute(index["indexdef"], timeout=1800)
            await conn.execute("DROP TABLE loaded")
            await conn.execute('VACUUM ANALYZE data."Contact"', timeout=1800)
        finally:
            await conn.close()
    return time.perf_counter() - began


def _digits(number: int) -> str:
    return "".join(char for char in phone_of(number) if char.isdigit())


def _soql(condition: str) -> str:
    return f"SELECT Id, Name, Phone, Email, Account.Name FROM Contact WHERE {condition}"


ASKED: dict[str, Callable[[int], tuple[str, str]]] = {
    "phone, SOQL": lambda n: ("query", _soql(f"Phone = '{phone_of(n)}'")),
    "phone in any of two fields, SOQL": lambda n: (
        "query",
        _soql(f"Phone = '{phone_of(n)}' OR MobilePhone = '{phone_of(n)}'"),
    ),
    "phone, SOSL": lambda n: (
        "search",
        f"FIND {{{_digits(n)}}} IN PHONE FIELDS RETURNING Contact(Id, Name, Phone, Email)",
    ),
    "e-mail, SOQL": lambda n: ("query", _soql(f"Email = 'person{n}@million.example'")),
    "e-mail, SOSL": lambda n: (
        "search",
        f"FIND {{person{n}\\@million.example}} IN EMAIL FIELDS RETURNING Contact(Id, Name, Phone, Email)",
    ),
    "external id, SOQL": lambda n: ("query", _soql(f"Key__c = 'K-{n:07d}'")),
}


async def run(rounds: int) -> list[Figure]:
    """Loads once; each round asks each question at a fixed rate, for contacts all over the table."""
    chance = random.Random(11)
    names = (*ASKED, "external id, GET")
    took: dict[str, list[list[float]]] = {name: [] for name in names}
    cpu: dict[str, list[tuple[float, float]]] = {name: [] for name in names}

    def question(org: Served, name: str) -> Callable[[int], Awaitable[None]]:
        async def ask(_: int) -> None:
            number = chance.randrange(CONTACTS)
            if name not in ASKED:
                answer = await org.http.get(f"{DATA}/sobjects/Contact/Key__c/K-{number:07d}")
                assert answer.status_code == 200, answer.text
                return
            resource, text = ASKED[name](number)
            answer = await org.http.get(f"{DATA}/{resource}", params={"q": text})
            assert answer.status_code == 200, answer.text
            found = answer.json()
            assert len(found.get("records", found.get("searchRecords"))) >= 1, answer.text

        return ask

    async with served() as org:
        with on_cores(cores()[0] | cores()[1]):
            loaded_s = await _load(org)
        # More is asked here than an org of this size may be asked in a day.
        raised = await org.http.put("/services/faults/limits", json={"daily_api_requests": 10_000_000})
        assert raised.status_code == 200, raised.text
        for round_ in range(-1, rounds):
            for name in took:
                times, spent = await at_rate(org, question(org, name))
                if round_ >= 0:
                    took[name].append(times)
                    cpu[name].append(spent)
    return [
        *(
            Figure(f"{name}, of {CONTACTS:,} at {RATE}/s, p95", over_rounds(times, 95), "ms", most=15)
            for name, times in took.items()
        ),
        *(
            Figure(f"{name}, processor time of PostgreSQL", statistics.median(pg for _, pg in spent), "ms")
            for name, spent in cpu.items()
        ),
        Figure("loading them", loaded_s, "s"),
    ]
