"""Omni-Channel: set up by an administrator, used by those whom a status is open to."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from .browser import Browser
from .conftest import PASSWORD, World


@dataclass
class Omni:
    """The org's Omni-Channel with two statuses, one of them online, open to one user."""

    console: Browser
    agent: Browser
    user_id: str
    available: str
    busy: str
    closed: str


async def made(console: Browser, path: str, body: dict[str, Any]) -> str:
    answer = await console.api("POST", f"setup/omni/{path}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def named(label: str, **more: Any) -> dict[str, Any]:
    return {"label": label, "name": f"N{secrets.token_hex(5)}"} | more


@pytest.fixture
async def omni(world: World, console: Browser) -> AsyncIterator[Omni]:
    assert (await console.api("PUT", "setup/omni/settings", json={"enabled": True})).status_code == 200
    username = f"u{secrets.token_hex(6)}@acme.example"
    body = {"username": username, "last_name": "Berg", "password": PASSWORD}
    user_id = (await console.api("POST", "setup/users", json=body)).json()["id"]
    sets = await console.api(
        "POST",
        "data/v66.0/sobjects/PermissionSet",
        json={"Name": f"S{secrets.token_hex(5)}", "Label": "Omni"},
    )
    permission_set = sets.json()["id"]
    await console.api(
        "POST", f"setup/permission-sets/{permission_set}/assignments", json={"user_ids": [user_id]}
    )
    channel = await made(console, "channels", named("Cases", object="Case"))
    open_to = [permission_set]
    agent = Browser(world.port)
    await agent.open_console(username, PASSWORD)
    yield Omni(
        console,
        agent,
        user_id,
        await made(console, "statuses", named("Available", channels=[channel], open_to=open_to)),
        await made(console, "statuses", named("On a call", open_to=open_to)),
        await made(console, "statuses", named("Secret")),
    )
    await agent.close()


async def take(omni: Omni, status: str | None) -> httpx2.Response:
    return await omni.agent.api("PUT", "presence", json={"status_id": status})


async def rows(omni: Omni) -> list[dict[str, Any]]:
    query = (
        "SELECT ServicePresenceStatusId, IsCurrentState, IsAway, StatusStartDate, StatusEndDate, ConfiguredCapacity"
        f" FROM UserServicePresence WHERE UserId = '{omni.user_id}' ORDER BY StatusStartDate"
    )
    answer = await omni.console.api("GET", "data/v66.0/query", params={"q": query})
    assert answer.status_code == 200, answer.text
    return answer.json()["records"]


async def test_a_user_takes_the_statuses_that_are_open_to_them(omni: Omni) -> None:
    shown = (await omni.agent.api("GET", "presence")).json()
    assert shown["enabled"] is True
    assert [(each["label"], len(each["channels"])) for each in shown["statuses"]] == [
        ("Available", 1),
        ("On a call", 0),
    ]
    assert shown["current"] is None
    changed = (await take(omni, omni.available)).json()
    assert changed["current"]["label"] == "Available"
    refused = await take(omni, omni.closed)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
    assert (await take(omni, "nonsense")).status_code == 403


async def test_each_change_ends_one_presence_and_begins_another(omni: Omni) -> None:
    for status in (omni.available, omni.busy, omni.busy, None, None):
        assert (await take(omni, status)).status_code == 200
    found = await rows(omni)
    assert [(row["ServicePresenceStatusId"], row["IsAway"]) for row in found] == [
        (omni.available, False),
        (omni.busy, True),
    ]
    assert [row["IsCurrentState"] for row in found] == [False, False]
    assert all(row["StatusEndDate"] is not None for row in found)


async def test_two_windows_that_change_the_status_at_once_leave_one_current(omni: Omni) -> None:
    await asyncio.gather(*(take(omni, status) for status in (omni.available, omni.busy) * 4))
    assert [row["IsCurrentState"] for row in await rows(omni)].count(True) == 1


async def test_names_of_statuses_for_programs_are_for_those_who_may_see_them(omni: Omni) -> None:
    shown = (await omni.agent.api("GET", "presence")).json()
    assert {each["api_name"] for each in shown["statuses"]} == {None}


async def test_omni_channel_switched_off_takes_everybody_offline(omni: Omni) -> None:
    await take(omni, omni.available)
    await omni.console.api("PUT", "setup/omni/settings", json={"enabled": False})
    assert [row["IsCurrentState"] for row in await rows(omni)] == [False]
    assert (await omni.agent.api("GET", "presence")).json()["statuses"] == []
    refused = await take(omni, omni.available)
    assert refused.json()[0]["errorCode"] == "FUNCTIONALITY_NOT_ENABLED"


async def test_a_user_s_own_configuration_comes_before_the_profile_s(omni: Omni) -> None:
    listed = (await omni.console.api("GET", "setup/omni/configurations")).json()
    profile = next(each["id"] for each in listed["parents"] if each["label"] == "Standard User")
    ours = await made(omni.console, "configurations", named("Profile's", capacity=7, given_to=[profile]))
    assert (await omni.agent.api("GET", "presence")).json()["capacity"] == 7
    own = named("Own", capacity=3, given_to=[omni.user_id], options={"OptionsIsDeclineEnabled": True})
    mine = await made(omni.console, "configurations", own)
    assert (await omni.agent.api("GET", "presence")).json()["capacity"] == 3
    await take(omni, omni.available)
    assert (await rows(omni))[-1]["ConfiguredCapacity"] == 3
    for config in (mine, ours):
        assert (await omni.console.api("DELETE", f"setup/omni/configurations/{config}")).status_code == 204
    assert (await omni.agent.api("GET", "presence")).json()["capacity"] == 5


async def test_a_status_changes_its_channels_and_whom_it_is_open_to(omni: Omni) -> None:
    listed = (await omni.console.api("GET", "setup/omni/statuses")).json()
    status = next(each for each in listed["statuses"] if each["id"] == omni.available)
    body = {"label": "Ready", "name": status["name"], "channels": [], "open_to": status["open_to"]}
    changed = await omni.console.api("PUT", f"setup/omni/statuses/{omni.available}", json=body)
    assert changed.status_code == 200, changed.text
    shown = (await omni.agent.api("GET", "presence")).json()["statuses"]
    assert [(each["label"], each["channels"]) for each in shown if each["id"] == omni.available] == [
        ("Ready", [])
    ]
    await omni.console.api("PUT", f"setup/omni/statuses/{omni.available}", json=body | {"open_to": []})
    shown = (await omni.agent.api("GET", "presence")).json()["statuses"]
    assert omni.available not in [each["id"] for each in shown]


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("statuses", {"label": "", "name": "X"}, "label"),
        ("statuses", {"label": "X", "name": "X", "channels": "all"}, "channels"),
        ("statuses", {"label": "X", "name": "X", "channels": ["0N9000000000001"]}, "channels"),
        ("statuses", {"label": "X", "name": "X", "open_to": ["x"]}, "open_to"),
        ("channels", {"label": "X", "name": "X", "object": "Nothing"}, "object"),
        ("channels", {"label": "X", "name": "X", "object": "User"}, "object"),
        ("configurations", {"label": "X", "name": "X", "capacity": "many"}, "capacity"),
        ("configurations", {"label": "X", "name": "X", "capacity": 1001}, "capacity"),
        ("configurations", {"label": "X", "name": "X", "capacity": 1, "options": {"x": True}}, "options"),
    ],
)
async def test_bad_settings_of_omni_channel_are_refused(
    console: Browser, path: str, body: dict[str, Any], field: str
) -> None:
    answer = await console.api("POST", f"setup/omni/{path}", json=body)
    assert (answer.status_code, answer.json()[0]["fields"]) == (400, [field])
