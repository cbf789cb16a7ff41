"""Bulk jobs and events as clients of others know them: simple-salesforce, jsforce, the Pub/Sub client of npm."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from tests.contract.test_org_clients import ROOT, Served, client_of, needs_node, served

CLIENTS = ROOT / "tests" / "clients"
assert served  # the fixture


async def node(served: Served, script: str, **environment: str) -> dict[str, Any]:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(CLIENTS / script),
        env={**served.environment(), "ORG_TOKEN": served.token, "VERSION": "64.0", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        told, wrong = await asyncio.wait_for(process.communicate(), 60)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, wrong.decode()[-2000:]
    return json.loads(told)


@pytest.fixture(scope="module")
async def telling(served: Served) -> AsyncIterator[Served]:
    """The org, told to tell of changes to accounts."""
    headers = {"Authorization": f"Bearer {served.token}"}
    about = {"eventChannel": "ChangeEvents", "selectedEntity": "AccountChangeEvent"}
    async with httpx2.AsyncClient(base_url=f"http://localhost:{served.port}", headers=headers) as http:
        answer = await http.post(
            "/services/data/v64.0/tooling/sobjects/PlatformEventChannelMember",
            json={"FullName": "ChangeEvents_Account", "Metadata": about},
        )
        assert answer.status_code == 201, answer.text
    yield served


async def test_simple_salesforce_loads_and_downloads(served: Served) -> None:
    def work() -> None:
        contacts = client_of(served).bulk2.Contact
        rows = [{"LastName": "Bulk2", "FirstName": f"{n}"} for n in range(700)] + [
            {"LastName": "", "FirstName": "x"}
        ]
        (result,) = contacts.insert(records=rows, wait=0.05)
        assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (701, 1)
        everything = contacts.get_all_ingest_records(result["job_id"])
        assert len(everything["successfulRecords"]) == 700
        assert everything["failedRecords"][0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING")
        assert everything["unprocessedRecords"] == []
        pages = list(
            contacts.query("SELECT Id, FirstName FROM Contact WHERE LastName = 'Bulk2'", 300, wait=0.05)
        )
        assert [len(list(csv.DictReader(io.StringIO(page)))) for page in pages] == [300, 300, 100]
        ids = [row["Id"] for page in pages for row in csv.DictReader(io.StringIO(page))]
        (result,) = contacts.update(records=[{"Id": one, "Title": "T"} for one in ids[:5]], wait=0.05)
        assert result["numberRecordsFailed"] == 0
        (result,) = contacts.delete(records=[{"Id": one} for one in ids], wait=0.05)
        assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (700, 0)

    await asyncio.to_thread(work)


@needs_node
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_jsforce_loads_and_downloads(served: Served, secure: bool) -> None:
    url = f"https://localhost:{served.tls_port}" if secure else f"http://localhost:{served.port}"
    assert await node(served, "jsforce_bulk.mjs", ORG_URL=url) == {
        "good": 1200,
        "created": "true",
        "bad": ["REQUIRED_FIELD_MISSING"],
        "unprocessed": 0,
        "updated": 2,
        "queried": 1200,
        "quoted": True,
        "changed": 2,
        "aborted": "Aborted",
        "wrong": "API_ERROR",
        "deleted": 1200,
    }


@needs_node
async def test_jsforce_hears_changes_and_goes_back(telling: Served) -> None:
    told = await node(telling, "jsforce_events.mjs", ORG_URL=f"http://localhost:{telling.port}")
    assert told["names"] == told["expected"]
    assert told["types"] == ["CREATE"] * 3
    assert told["origin"] == "com/salesforce/api/rest/64.0;client="
    assert told["again"] == told["expected"][1:]


@needs_node
async def test_jsforce_hears_a_push_topic(served: Served) -> None:
    told = await node(served, "jsforce_topic.mjs", ORG_URL=f"http://localhost:{served.port}")
    assert told == {
        "types": ["created", "updated", "deleted"],
        "ids": True,
        "names": [True, True, False],
        "phones": [None, "03-1234-5678", None],
    }


@needs_node
async def test_the_pub_sub_client_hears_changes_and_goes_back(telling: Served) -> None:
    headers = {"Authorization": f"Bearer {telling.token}"}
    async with httpx2.AsyncClient(base_url=f"http://localhost:{telling.port}", headers=headers) as http:
        about = (await http.get("/services/oauth2/userinfo")).json()
        known = 0
        conn = {"channel": "/meta/handshake", "supportedConnectionTypes": ["long-polling"]}
        client_id = (await http.post("/cometd/64.0", json=[conn])).json()[0]["clientId"]
        topic = "/data/AccountChangeEvent"
        asked = {"channel": "/meta/subscribe", "clientId": client_id, "subscription": topic,
                 "ext": {"replay": {topic: -2}}}  # fmt: skip
        poll = {"channel": "/meta/connect", "clientId": client_id, "advice": {"timeout": 0}}
        assert (await http.post("/cometd/64.0", json=[asked])).json()[0]["successful"]
        while len(heard := (await http.post("/cometd/64.0", json=[poll])).json()) > 1:
            known += len(heard) - 1
    told = await node(
        telling,
        "pubsub_events.mjs",
        ORG_URL=f"https://localhost:{telling.tls_port}",
        ORG_ID=about["organization_id"],
        PUBSUB=f"localhost:{telling.pubsub_port}",
        EXPECTED=str(known + 2),
    )
    assert told["types"] == ["CREATE", "UPDATE"]
    assert told["name"] is True
    assert told["changed"] == ["BillingAddress.City", "LastModifiedDate", "Phone"]
    assert told["nulled"] == ["Phone"]
    assert told["later"] is True
    assert told["refused"] == 3  # INVALID_ARGUMENT
