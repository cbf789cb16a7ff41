"""Snapshots of an org while it is served."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx2
import pytest

from tieline.crm import snapshots
from tieline.crm.database import connect

from .conftest import World
from .test_rest import DATA, error, make, soql

SNAPSHOTS = "/services/snapshots"


async def count(http: httpx2.AsyncClient, name: str) -> int:
    return (await soql(http, f"SELECT Id FROM Contact WHERE LastName = '{name}'"))["totalSize"]


async def test_an_org_goes_back_to_what_it_was(admin: httpx2.AsyncClient, world: World) -> None:
    kept = await make(admin, "Contact", LastName="Kept by snapshot")
    await snapshots.save(world.settings, "acme", "known")
    await admin.delete(f"{DATA}/sobjects/Contact/{kept}")
    await make(admin, "Contact", LastName="Made after")
    began = time.monotonic()
    await snapshots.load(world.settings, "acme", "known")
    assert (await count(admin, "Kept by snapshot"), await count(admin, "Made after")) == (1, 0)
    assert time.monotonic() - began < 10
    assert [found.name for found in await snapshots.listed(world.settings)] == ["known"]
    await snapshots.delete(world.settings, "acme", "known")
    for verb in (snapshots.load, snapshots.delete):
        with pytest.raises(snapshots.SnapshotError, match="no snapshot"):
            await verb(world.settings, "acme", "known")
    with pytest.raises(snapshots.SnapshotError, match="no org"):
        await snapshots.save(world.settings, "nobody", "known")
    with pytest.raises(snapshots.SnapshotError, match="lower-case"):
        await snapshots.save(world.settings, "acme", "../x")


async def test_requests_go_on_while_an_org_is_copied(admin: httpx2.AsyncClient, world: World) -> None:
    """What was answered stays, what is refused was not done; reading goes on afterwards."""
    made: list[str] = []
    refused: list[int] = []
    stop = asyncio.Event()

    async def work(worker: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            name = f"Copied {worker}-{number}"
            answer = await admin.post(f"{DATA}/sobjects/Contact", json={"LastName": name})
            if answer.status_code == 201:
                made.append(name)
            else:
                refused.append(answer.status_code)

    async with asyncio.TaskGroup() as group:
        for worker in range(3):
            group.create_task(work(worker))
        for _ in range(3):
            await asyncio.sleep(0.1)
            await snapshots.save(world.settings, "acme", "busy")
        stop.set()
    assert set(refused) <= {503}
    page = await soql(admin, "SELECT LastName FROM Contact WHERE LastName LIKE 'Copied %'")
    there = [row["LastName"] for row in page["records"]]
    while not page["done"]:
        page = (await admin.get(page["nextRecordsUrl"])).json()
        there += [row["LastName"] for row in page["records"]]
    assert sorted(there) == sorted(made)
    await snapshots.delete(world.settings, "acme", "busy")


async def test_a_remembered_catalogue_is_not_mistaken_for_another(
    admin: httpx2.AsyncClient, world: World
) -> None:
    async def version() -> int:
        conn = await world.database()
        found = await conn.fetchval("SELECT version FROM meta.catalogue")
        await conn.close()
        return int(found)

    await snapshots.save(world.settings, "acme", "catalogue")
    conn = await world.database()
    await conn.execute("UPDATE meta.catalogue SET version = version + 5")
    await conn.close()
    before = await version()
    await snapshots.load(world.settings, "acme", "catalogue")
    assert await version() > before
    await snapshots.delete(world.settings, "acme", "catalogue")


async def test_suites_snapshot_over_http(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient, world: World
) -> None:
    assert (await admin.put(f"{SNAPSHOTS}/suite")).status_code == 204
    await make(admin, "Contact", LastName="Suite")
    assert (await admin.post(f"{SNAPSHOTS}/suite/load")).status_code == 204
    assert await count(admin, "Suite") == 0
    listed: Any = (await admin.get(SNAPSHOTS)).json()
    assert [kept["name"] for kept in listed["snapshots"]] == ["suite"]
    assert error(await agent.post(f"{SNAPSHOTS}/suite/load")) == (403, "INSUFFICIENT_ACCESS")
    assert (await admin.delete(f"{SNAPSHOTS}/suite")).status_code == 204
    assert error(await admin.post(f"{SNAPSHOTS}/suite/load")) == (400, "INVALID_INPUT")


async def test_a_snapshot_of_another_release_is_refused_and_the_org_stays(
    admin: httpx2.AsyncClient, world: World
) -> None:
    await make(admin, "Contact", LastName="Stays as it was")
    assert (await admin.put(f"{SNAPSHOTS}/foreign")).status_code == 204
    conn = await connect(world.settings)
    copy = await conn.fetchval("SELECT database_name FROM crm_snapshot WHERE name = 'foreign'")
    await conn.close()
    conn = await connect(world.settings, copy)
    await conn.execute("INSERT INTO crm_migration (position, name) VALUES (1000, 'of_another_release')")
    await conn.close()
    refused = await admin.post(f"{SNAPSHOTS}/foreign/load")
    assert error(refused) == (400, "INVALID_INPUT")
    assert "another release" in refused.json()[0]["message"]
    assert await count(admin, "Stays as it was") == 1
    assert (await admin.delete(f"{SNAPSHOTS}/foreign")).status_code == 204
