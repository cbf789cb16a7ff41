"""Faults on demand: each kind as a client meets it, and who may set them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from tests.plain_http import plain_http

from .browser import Browser
from .conftest import ADMIN, AGENT, PASSWORD, World
from .test_rest import DATA, error, make, soql

FAULTS = "/services/faults"


@pytest.fixture
async def faults(admin: httpx2.AsyncClient) -> AsyncIterator[Any]:
    """Sets a fault; all are cleared afterwards."""

    async def add(**rule: Any) -> dict[str, Any]:
        answer = await admin.post(FAULTS, json=rule)
        assert answer.status_code == 201, answer.text
        return answer.json()

    yield add
    assert (await admin.delete(FAULTS)).status_code == 204


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("outage", (503, "SERVER_UNAVAILABLE")),
        ("limit", (403, "REQUEST_LIMIT_EXCEEDED")),
        ("lock", (400, "UNABLE_TO_LOCK_ROW")),
        ("session", (401, "INVALID_SESSION_ID")),
        ("error", (500, "UNKNOWN_EXCEPTION")),
    ],
)
async def test_a_fault_meets_the_next_request_only(
    admin: httpx2.AsyncClient, faults: Any, kind: str, expected: tuple[int, str]
) -> None:
    await faults(kind=kind, count=1)
    assert error(await admin.get(f"{DATA}/limits")) == expected
    assert (await admin.get(f"{DATA}/limits")).status_code == 200
    listed = (await admin.get(FAULTS)).json()["faults"]
    assert [(rule["kind"], rule["hits"], rule["left"]) for rule in listed] == [(kind, 1, 0)]


async def test_path_method_and_skip_choose_the_request(admin: httpx2.AsyncClient, faults: Any) -> None:
    await faults(kind="error", code="TEAPOT", status=418, message="short and stout", skip=1, count=1,
                 path="*/sobjects/*", method="post")  # fmt: skip
    assert (await admin.get(f"{DATA}/sobjects/Contact")).status_code == 200
    await make(admin, "Contact", LastName="Skipped")
    answer = await admin.post(f"{DATA}/sobjects/Contact", json={"LastName": "Hit"})
    assert error(answer) == (418, "TEAPOT")
    assert answer.json()[0]["message"] == "short and stout"
    assert (await soql(admin, "SELECT Id FROM Contact WHERE LastName = 'Hit'"))["totalSize"] == 0


async def test_half_of_the_requests_fail_at_a_rate_of_a_half(admin: httpx2.AsyncClient, faults: Any) -> None:
    await faults(kind="outage", rate=0.5)
    statuses = [(await admin.get(f"{DATA}/recent")).status_code for _ in range(60)]
    assert set(statuses) == {200, 503}


async def test_an_answer_comes_late(admin: httpx2.AsyncClient, faults: Any) -> None:
    await faults(kind="latency", delay_ms=150, jitter_ms=20, count=1)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert (await admin.get(f"{DATA}/limits")).status_code == 200
    assert loop.time() - began >= 0.15


@pytest.mark.parametrize("applied", [True, False])
async def test_a_connection_is_reset_with_or_without_applying(
    admin: httpx2.AsyncClient, faults: Any, applied: bool
) -> None:
    name = f"Cut {applied}"
    await faults(kind="cut", applied=applied, count=1)
    with pytest.raises(httpx2.TransportError):
        await admin.post(f"{DATA}/sobjects/Contact", json={"LastName": name})
    found = await soql(admin, f"SELECT Id FROM Contact WHERE LastName = '{name}'")
    assert found["totalSize"] == int(applied)


async def test_half_answers_and_pages_are_no_json(admin: httpx2.AsyncClient, faults: Any) -> None:
    await faults(kind="half", count=1)
    answer = await admin.post(f"{DATA}/sobjects/Contact", json={"LastName": "Halved"})
    assert answer.status_code == 201
    with pytest.raises(ValueError, match=r"\w"):
        answer.json()
    assert (await soql(admin, "SELECT Id FROM Contact WHERE LastName = 'Halved'"))["totalSize"] == 1
    await faults(kind="broken", count=1)
    with pytest.raises(httpx2.TransportError):
        await admin.get(f"{DATA}/sobjects")
    await faults(kind="html", status=200, count=1)
    page = await admin.get(f"{DATA}/limits")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html")
    await faults(kind="error", status=429, body="", headers={"Retry-After": "7"}, count=1)
    busy = await admin.get(f"{DATA}/limits")
    assert (busy.status_code, busy.headers["retry-after"], busy.content) == (429, "7", b"")


async def test_single_records_of_a_collection_are_refused(admin: httpx2.AsyncClient, faults: Any) -> None:
    rows = [{"attributes": {"type": "Contact"}, "LastName": f"Row {n}"} for n in range(3)]
    await faults(kind="records", skip=1, count=1)
    answer = await admin.post(f"{DATA}/composite/sobjects", json={"records": rows})
    assert [row["success"] for row in answer.json()] == [True, False, True]
    assert answer.json()[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert (await soql(admin, "SELECT Id FROM Contact WHERE LastName LIKE 'Row %'"))["totalSize"] == 2
    await faults(kind="records", code="CANNOT_EXECUTE_FLOW_TRIGGER", count=1)
    body = {"records": rows, "allOrNone": True}
    all_or_none = (await admin.post(f"{DATA}/composite/sobjects", json=body)).json()
    assert [row["errors"][0]["statusCode"] for row in all_or_none] == [
        "CANNOT_EXECUTE_FLOW_TRIGGER",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]
    await faults(kind="records", count=1, path="*/composite")
    entry = {"method": "GET", "url": f"{DATA}/limits"}
    entries = [entry | {"referenceId": "a"}, entry | {"referenceId": "b"}]
    parts = (await admin.post(f"{DATA}/composite", json={"compositeRequest": entries})).json()
    assert [part["httpStatusCode"] for part in parts["compositeResponse"]] == [400, 200]


async def test_the_daily_limit_can_be_set(admin: httpx2.AsyncClient) -> None:
    put = await admin.put(f"{FAULTS}/limits", json={"daily_api_requests": 1})
    assert put.json()["daily_api_requests"] == 1
    try:
        answer = await admin.get(f"{DATA}/limits")
        assert error(answer) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert answer.headers["sforce-limit-info"].endswith("/1")
    finally:
        await admin.put(f"{FAULTS}/limits", json={"daily_api_requests": None})
    assert (await admin.get(f"{DATA}/limits")).status_code == 200


async def test_only_administrators_set_faults(world: World, agent: httpx2.AsyncClient) -> None:
    assert error(await agent.get(FAULTS)) == (403, "INSUFFICIENT_ACCESS")
    async with plain_http(base_url=world.base) as http:
        assert error(await http.post(FAULTS, json={"kind": "outage"})) == (401, "INVALID_SESSION_ID")
        wrong = {"X-Faults-Key": "not the key"}
        assert error(await http.delete(FAULTS, headers=wrong)) == (401, "INVALID_SESSION_ID")
        right = {"X-Faults-Key": world.settings.faults_key or ""}
        assert (await http.get(f"{FAULTS}?org=acme", headers=right)).json()["org"] == "acme"
        assert error(await http.get(f"{FAULTS}?org=other", headers=right)) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "nothing"},
        {"kind": "outage", "rate": 2},
        {"kind": "outage", "count": 0},
        {"kind": "outage", "path": "x" * 501},
        {"kind": "outage", "headers": {"X": "a\nb"}},
        {"kind": "outage", "surprise": 1},
        {"kind": "latency"},
        {"kind": "cut", "applied": "yes"},
        {"kind": "error", "status": 99},
        [],
    ],
)
async def test_a_rule_that_cannot_be_is_refused(admin: httpx2.AsyncClient, rule: Any) -> None:
    assert (await admin.post(FAULTS, json=rule)).status_code == 400
    assert (await admin.get(FAULTS)).json()["faults"] == []


async def test_administrators_set_faults_on_a_page(world: World, browser: Browser, faults: Any) -> None:
    await browser.sign_in(ADMIN, PASSWORD)
    url = f"{browser.my}/setup/faults"
    page = await browser.send("GET", url)
    assert "Faults on demand" in page.text
    csrf = re.findall(r'name="csrf" value="([^"]+)"', page.text)[0]
    form = {"csrf": csrf, "do": "add", "kind": "outage", "path": "*/nowhere", "count": "3", "per_cent": "50"}
    added = await browser.send("POST", url, data=form, headers={"Origin": browser.my})
    assert added.status_code == 303
    page = await browser.send("GET", url)
    assert "*/nowhere" in page.text
    bad = await browser.send("POST", url, data=form | {"count": "-1"}, headers={"Origin": browser.my})
    assert (bad.status_code, "count must be" in bad.text) == (400, True)
    forged = await browser.send("POST", url, data=form | {"csrf": "x"}, headers={"Origin": browser.my})
    assert forged.status_code == 403


async def test_agents_do_not_get_the_page_and_read_why_in_their_language(browser: Browser) -> None:
    await browser.sign_in(AGENT, PASSWORD)
    page = await browser.send("GET", f"{browser.my}/setup/faults", headers={"Accept-Language": "ja"})
    assert (page.status_code, "システム管理者" in page.text) == (403, True)
