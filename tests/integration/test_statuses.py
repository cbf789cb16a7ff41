"""Statuses: an account has its own reasons for being not ready, and open callbars follow what an administrator changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.center import Center, a_center

from tieline.db.database import Database


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


def codes(state: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in state["not_ready_reasons"] if reason["active"]]


async def test_open_callbars_follow_a_change_of_the_reasons(center: Center) -> None:
    portal, emma = await center.portal("admin"), await center.callbar("one")
    read = (await portal.get("/api/v1/statuses")).json()
    assert read["statuses"] == ["ready", "not_ready", "occupied", "offline"]
    assert codes(emma.state) == ["break", "lunch", "meeting", "training", "back_office"]
    await emma.do("status.set", status="not_ready", reason="lunch")
    await emma.presence("not_ready")

    lunch, *rest = (r for r in sorted(read["reasons"], key=lambda r: r["code"] != "lunch"))
    wanted = [{"name_en": " One to  one ", "name_ja": "面談"}, *rest, {**lunch, "active": False}]
    body = {
        "version": read["version"],
        "reasons": [{k: v for k, v in r.items() if k != "name"} for r in wanted],
    }
    written = await portal.put("/api/v1/statuses/reasons", json=body)
    assert written.status_code == 200, written.text
    assert written.json()["reasons"][0] == {
        "code": "one_to_one",
        "name": "One to one",
        "name_en": "One to one",
        "name_ja": "面談",
        "active": True,
    }
    shown = await emma.until(lambda s: codes(s)[0] == "one_to_one")
    assert "lunch" not in codes(shown)
    # What was chosen before keeps its name, but is not chosen again.
    assert {"code": "lunch", "name": "Lunch", "active": False} in shown["not_ready_reasons"]
    agents = (await portal.get("/api/v1/agents")).json()["agents"]
    assert next(a for a in agents if a["name"] == "One")["presence"]["reason_name"] == "Lunch"
    assert (await emma.send("status.set", status="not_ready", reason="lunch"))["code"] == "status_invalid"
    await emma.do("status.set", status="not_ready", reason="one_to_one")

    # Another administrator's page still shows the old list.
    late = await portal.put("/api/v1/statuses/reasons", json=body)
    assert (late.status_code, late.json()["code"]) == (409, "changed_meanwhile")


@pytest.mark.parametrize(
    ("reasons", "field"),
    [
        ([], "reasons"),
        ([{"code": "nap", "name_en": "Nap"}], "reasons"),
        ([{"name_en": "  "}], "reasons.5.name_en"),
        ([{"name_en": "Break"}], "reasons.5.name_en"),
        ([{"name_en": "Prayer", "name_ja": "休憩"}], "reasons.5.name_ja"),
        ([{"name_en": "a" * 41}], "reasons.5.name_en"),
        ([{"name_en": "a\u202eb"}], "reasons.5.name_en"),
        ([{"name_en": str(n)} for n in range(46)], "reasons"),
    ],
)
async def test_lists_that_break_a_rule_are_refused(
    center: Center, reasons: list[dict[str, str]], field: str
) -> None:
    portal = await center.portal("admin")
    read = (await portal.get("/api/v1/statuses")).json()
    kept = [{k: v for k, v in r.items() if k != "name"} for r in read["reasons"]] if reasons else []
    answer = await portal.put(
        "/api/v1/statuses/reasons", json={"version": read["version"], "reasons": [*kept, *reasons]}
    )
    assert (answer.status_code, answer.json()["params"]["field"]) == (422, field)
    assert (await portal.get("/api/v1/statuses")).json() == read


async def test_only_administrators_change_reasons_and_skills(center: Center) -> None:
    agent = await center.portal("one")
    read = (await agent.get("/api/v1/statuses")).json()
    body = {"version": read["version"], "reasons": []}
    assert (await agent.put("/api/v1/statuses/reasons", json=body)).status_code == 403
    own = f"/api/v1/users/{center.agents['one']}/skills"
    assert (await agent.put(own, json={"skills": []})).status_code == 403


async def test_a_users_skills_are_replaced_as_a_whole(center: Center) -> None:
    portal = await center.portal("admin")
    path = f"/api/v1/users/{center.agents['one']}"
    wanted = [{"name": " Billing  JP", "level": 5}, {"name": "English", "level": 2}]
    answer = await portal.put(f"{path}/skills", json={"skills": wanted})
    assert answer.json()["skills"] == [{"name": "Billing JP", "level": 5}, {"name": "English", "level": 2}]
    await portal.put(f"{path}/skills", json={"skills": [{"name": "English", "level": 3}]})
    assert (await portal.get(path)).json()["skills"] == [{"name": "English", "level": 3}]
    twice = [{"name": "english", "level": 1}, {"name": "English", "level": 2}]
    assert (await portal.put(f"{path}/skills", json={"skills": twice})).status_code == 422
    assert (
        await portal.put(f"{path}/skills", json={"skills": [{"name": "x", "level": 6}]})
    ).status_code == 422
    assert (await portal.get(path)).json()["skills"] == [{"name": "English", "level": 3}]
