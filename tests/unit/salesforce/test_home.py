"""The checklist's rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from tieline.salesforce.home import RIGHTS, People, of_connection, of_people, of_plan, of_rights, worst_of

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
EVERYBODY = People(
    agents=3, unconnected=0, not_found=0, several=0, no_permission_set=0, no_call_center=0, unmatched=0
)


def a_connection(**columns: Any) -> Any:
    return SimpleNamespace(
        **{
            "id": "1",
            "state": "connected",
            "error_at": None,
            "created_at": NOW - timedelta(days=1),
            "succeeded_at": NOW,
            "token_at": NOW,
            "survey": {},
            "surveyed_at": None,
            "index_state": "ready",
            "index_checked_at": NOW,
            **columns,
        }
    )


def codes(steps: Any) -> dict[str, tuple[str, str]]:
    return {step.key: (step.state, step.code) for step in steps}


def test_what_was_never_asked_is_not_known_rather_than_well() -> None:
    told = codes(of_connection(a_connection(), 0, 0, NOW))
    assert told["rights"] == ("unknown", "not_asked") and told["call_center"] == ("unknown", "not_asked")
    assert told["connection"] == ("ok", "connected")


def test_the_worst_of_the_rights_is_told() -> None:
    fine = {"state": "ok", "code": "ok", "params": {}}
    survey: dict[str, dict[str, Any]] = dict.fromkeys(RIGHTS, fine)
    assert of_rights(survey, "/", NOW).state == "ok"
    survey |= {
        "all_customers": {"state": "note", "code": "shared_only", "params": {}},
        "tasks": {"state": "wrong", "code": "cannot_write", "params": {"objects": "Task"}},
    }
    worst = of_rights(survey, "/", NOW)
    assert (worst.state, worst.code, worst.params) == ("wrong", "cannot_write", {"objects": "Task"})


def test_plan_and_licences_are_told() -> None:
    assert codes(of_plan("pro", 5, 3)) == {"plan": ("ok", "ok"), "licenses": ("ok", "ok")}
    assert codes(of_plan("basic", 5, 5)) == {
        "plan": ("wrong", "no_applications"),
        "licenses": ("note", "full"),
    }
    assert codes(of_plan("pro", 5, 6))["licenses"] == ("wrong", "over")


def test_an_index_is_fresh_for_five_minutes() -> None:
    old = a_connection(index_checked_at=NOW - timedelta(minutes=6))
    assert codes(of_connection(old, 0, 0, NOW))["index"] == ("wrong", "stale")
    assert codes(of_connection(a_connection(index_state="loading"), 0, 0, NOW))["index"] == (
        "missing",
        "loading",
    )


def test_a_connection_that_nobody_authorised_has_one_line() -> None:
    told = of_connection(a_connection(state="authorising"), 0, 0, NOW)
    assert codes(told) == {"connection": ("wrong", "disconnected")}


def test_logs_that_wait_or_failed_need_somebody() -> None:
    steps = of_connection(a_connection(), 2, 1, NOW)
    assert codes(steps)["deliveries"] == ("wrong", "waiting") and worst_of(steps) == "wrong"


def test_users_are_counted_by_what_stands_in_the_way() -> None:
    assert {state for state, _ in codes(of_people(EVERYBODY)).values()} == {"ok"}
    told = of_people(People(3, 1, 2, 1, 2, 0, 0))
    assert codes(told) == {
        "agents": ("wrong", "unconnected"),
        "found": ("wrong", "not_found"),
        "unique": ("wrong", "several"),
        "permitted": ("wrong", "no_permission_set"),
        "in_call_center": ("ok", "ok"),
    }
    assert codes(of_people(People(0, 0, 0, 0, 0, 0, 0))) == {"agents": ("missing", "no_agent")}
