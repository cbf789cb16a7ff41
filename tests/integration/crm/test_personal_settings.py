"""Everybody may set the language, locale and time zone of their own pages, and nobody else's."""

from __future__ import annotations

from typing import Any

import pytest

from .browser import Browser
from .conftest import ADMIN, PASSWORD, World


@pytest.fixture
async def own(world: World) -> Any:
    """The console of a standard user made for one test."""
    admin = Browser(world.port)
    await admin.open_console(ADMIN, PASSWORD)
    name = "settled@acme.example"
    made = await admin.api(
        "POST",
        "setup/users",
        json={
            "username": name,
            "email": name,
            "last_name": "Settled",
            "password": PASSWORD,
            "language": "en_US",
        },
    )
    assert made.status_code in (201, 400), made.text  # from the second test on there is one
    await admin.close()
    browser = Browser(world.port)
    await browser.open_console(name, PASSWORD)
    yield browser
    await browser.api(
        "PATCH",
        "personal-settings",
        json={"language": "en_US", "locale": "en_US", "time_zone": "America/Los_Angeles"},
    )
    await browser.close()


async def test_a_standard_user_s_choice_holds_from_the_next_request_on(own: Browser) -> None:
    before = (await own.api("GET", "personal-settings")).json()
    assert (before["language"], before["locale"], before["time_zone"]) == (
        "en_US",
        "en_US",
        "America/Los_Angeles",
    )
    assert before["choices"]["language"] == ["en_US", "ja"]
    assert {"ja_JP", "de_DE"} <= set(before["choices"]["locale"])
    assert {"GMT", "Asia/Tokyo", "America/New_York"} <= set(before["choices"]["time_zone"])
    wanted = {"language": "ja", "locale": "ja_JP", "time_zone": "Asia/Tokyo"}
    changed = await own.api("PATCH", "personal-settings", json=wanted)
    assert (changed.status_code, changed.json()) == (200, wanted)
    user = (await own.api("GET", "bootstrap")).json()["user"]
    assert {name: user[name] for name in wanted} == wanted
    assert (await own.api("GET", "data/v66.0/sobjects/Lead/describe")).json()["label"] == "リード"
    refused = await own.api("PATCH", "personal-settings", json={"time_zone": "Mars/Olympus"})
    assert refused.status_code == 400
    assert refused.json() == [
        {
            "message": "タイムゾーン: 制限つき選択リスト項目の値が不適切: Mars/Olympus",
            "errorCode": "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "fields": ["TimeZoneSidKey"],
        }
    ]


@pytest.mark.parametrize(
    "body", [{}, [], {"profile": "System Administrator"}, {"locale": "ja_JP", "ProfileId": "x"}, None]
)
async def test_nothing_but_the_three_can_be_set(own: Browser, body: Any) -> None:
    before = (await own.api("GET", "personal-settings")).json()
    assert (await own.api("PATCH", "personal-settings", json=body)).status_code == 400
    assert (await own.api("GET", "personal-settings")).json() == before


@pytest.mark.parametrize("value", [None, 1, ["ja_JP"], "", "xx_XX", "../../etc/passwd"])
async def test_a_locale_is_one_of_those_offered(own: Browser, value: Any) -> None:
    refused = await own.api("PATCH", "personal-settings", json={"locale": value})
    assert refused.status_code == 400
    assert refused.json()[0]["fields"] == ["LocaleSidKey"]


async def test_a_standard_user_still_cannot_change_users(own: Browser) -> None:
    user = (await own.api("GET", "bootstrap")).json()["user"]
    answer = await own.api(
        "PATCH", f"data/v66.0/sobjects/User/{user['id']}", json={"LanguageLocaleKey": "ja"}
    )
    assert answer.status_code == 403
