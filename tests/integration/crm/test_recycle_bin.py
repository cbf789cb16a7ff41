"""The console's recycle bin: everybody sees what they may bring back, and nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2
import pytest

from .browser import Browser
from .conftest import AGENT, PASSWORD, World
from .test_rest import DATA, error, make


async def rows(browser: Browser, name: str, **query: str) -> dict[str, dict[str, object]]:
    answer = await browser.api("GET", f"recycle-bin/{name}", params={"limit": "200"} | query)
    assert answer.status_code == 200, answer.text
    return {row["id"]: row for row in answer.json()["records"]}


@pytest.fixture
async def office_worker(world: World) -> AsyncIterator[Browser]:
    """An agent's console; agents may delete their accounts, but no cases."""
    browser = Browser(world.port)
    await browser.open_console(AGENT, PASSWORD)
    yield browser
    await browser.close()


async def test_what_was_deleted_is_listed_restored_and_removed(
    admin: httpx2.AsyncClient, console: Browser
) -> None:
    account = await make(admin, "Account", Name="Binned")
    contact = await make(admin, "Contact", LastName="Along", AccountId=account)
    other = await make(admin, "Account", Name="Binned for good")
    for record in (account, other):
        assert (await admin.delete(f"{DATA}/sobjects/Account/{record}")).status_code == 204
    objects = (await console.api("GET", "recycle-bin", params={"scope": "all"})).json()["objects"]
    told = next(row for row in objects if row["name"] == "Account")
    assert told["label_plural"] == "Accounts"
    assert told["count"] >= 2
    listed = await rows(console, "Account")
    assert list(listed)[:2] == [other, account]
    assert (listed[account]["name"], listed[account]["with"]) == ("Binned", 1)
    assert listed[account]["deleted_by"]["name"]  # type: ignore[index]
    assert contact not in await rows(console, "Contact")
    back = await console.api("POST", "recycle-bin/restore", json={"ids": [account, contact, "nonsense"]})
    results = back.json()["results"]
    assert [row["success"] for row in results] == [True, False, False]
    assert [row["errors"][0]["errorCode"] for row in results[1:]] == ["UNDELETE_FAILED", "MALFORMED_ID"]
    assert (await admin.get(f"{DATA}/sobjects/Contact/{contact}")).status_code == 200
    gone = await console.api("POST", "recycle-bin/purge", json={"ids": [other]})
    assert gone.json()["results"][0]["success"] is True
    assert not {account, other} & (await rows(console, "Account")).keys()
    late = await console.api("POST", "recycle-bin/restore", json={"ids": [other]})
    assert late.json()["results"][0]["errors"][0]["errorCode"] == "UNDELETE_FAILED"


async def test_the_bin_shows_what_its_reader_may_bring_back(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient, office_worker: Browser, console: Browser
) -> None:
    mine = await make(agent, "Account", Name="Mine in the bin")
    theirs = await make(admin, "Account", Name="Theirs in the bin")
    given_up = await make(agent, "Account", Name="Deleted by another")
    await agent.delete(f"{DATA}/sobjects/Account/{mine}")
    for record in (theirs, given_up):
        await admin.delete(f"{DATA}/sobjects/Account/{record}")
    assert {mine} == (await rows(office_worker, "Account")).keys() & {mine, theirs, given_up}
    every = await rows(office_worker, "Account", scope="all")
    assert every.keys() & {mine, theirs, given_up} == {mine, given_up}
    assert {mine, theirs, given_up} <= (await rows(console, "Account", scope="all")).keys()
    refused = await office_worker.api("POST", "recycle-bin/restore", json={"ids": [theirs]})
    assert refused.json()["results"][0]["errors"][0]["errorCode"] == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert await rows(office_worker, "Case", scope="all") == {}  # no right to delete cases


async def test_wrong_questions_are_refused(console: Browser) -> None:
    for method, path, body, expected in (
        ("GET", "recycle-bin?scope=everything", None, (400, "INVALID_INPUT")),
        ("GET", "recycle-bin/Nothing", None, (404, "NOT_FOUND")),
        ("GET", "recycle-bin/User", None, (404, "NOT_FOUND")),
        ("POST", "recycle-bin/restore", {"ids": []}, (400, "INVALID_INPUT")),
        ("POST", "recycle-bin/purge", ["x"], (400, "INVALID_INPUT")),
        ("POST", "recycle-bin/restore", {"ids": ["x"] * 201}, (400, "EXCEEDED_ID_LIMIT")),
    ):
        assert (
            error(await console.api(method, path, json=body) if body else await console.api(method, path))
            == expected
        )
