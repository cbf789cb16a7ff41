"""Snapshot plus events equals the later snapshot, on calls that really happen; the cases are shared with the web.

Calls are played through the real server with the scripted switch. What a callbar was told is written down with
its ids and times made plain, and must be what `contract/callbar_cases.json` holds, which the web's own reducer
folds in its tests. After a change of the protocol: `CALLBAR_CASES=write pytest tests/integration/test_callbar_cases.py`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.integration.center import CallbarClient, Center, a_center, fold

from tieline.db.database import Database

CASES = Path(__file__).resolve().parents[2] / "contract" / "callbar_cases.json"
CALLER = "+14155550123"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_EPOCH = datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


async def answered(center: Center, agent: CallbarClient) -> None:
    phone = await center.call(CALLER)
    card = await agent.card("offered")
    await agent.do("engagement.answer", engagement_id=card["id"])
    await agent.card("connected")
    await agent.do("engagement.hold", engagement_id=card["id"])
    await agent.until(lambda s: s["engagements"][0]["held"] and not s["engagements"][0]["pending"])
    await agent.do("engagement.resume", engagement_id=card["id"])
    await agent.until(lambda s: not s["engagements"][0]["held"] and not s["engagements"][0]["pending"])
    disposition = card["dispositions"][0]["id"]
    await agent.do("engagement.note", engagement_id=card["id"], notes="Wants two", disposition_id=disposition)
    await agent.until(lambda s: s["engagements"][0]["notes"] == "Wants two")
    await agent.do("engagement.hang_up", engagement_id=card["id"])
    await agent.card("wrap_up")
    await phone.state("ended")
    await agent.do("engagement.close", engagement_id=card["id"])
    await agent.until(lambda s: not s["engagements"])
    await agent.presence("ready")


async def missed(center: Center, agent: CallbarClient) -> None:
    await center.call(CALLER)
    await agent.card("offered")
    await center.pass_time(21)
    await agent.presence("not_ready")


async def abandoned(center: Center, agent: CallbarClient) -> None:
    phone = await center.call(CALLER)
    await agent.card("offered")
    await phone.hang_up()
    await agent.until(lambda s: not s["engagements"])
    await agent.presence("ready")


async def declined(center: Center, agent: CallbarClient) -> None:
    await center.call(CALLER)
    card = await agent.card("offered")
    await agent.do("engagement.decline", engagement_id=card["id"])
    await agent.until(lambda s: not s["engagements"])
    await agent.presence("ready")


CALLS: dict[str, Callable[[Center, CallbarClient], Awaitable[None]]] = {
    "a call from ring to close": answered,
    "an offer that is missed": missed,
    "a caller who gives up": abandoned,
    "an offer that is declined": declined,
}


class Plain:
    """Ids and times as they appear, told by their order: what differs between two runs of the same call."""

    def __init__(self, center: Center) -> None:
        self._ids: dict[str, str] = {}
        self._times: dict[str, int] = {}
        self._texts = {center.number: "+14155550100", center.tag: "acme"}

    def __call__(self, value: Any, key: str = "") -> Any:
        match value:
            case dict():
                return {name: self(inner, name) for name, inner in value.items()}
            case list():
                return [self(inner, key) for inner in value]
            case str():
                if _TIME.fullmatch(value):
                    at = _EPOCH + timedelta(seconds=self._times.setdefault(value, len(self._times)))
                    return at.isoformat().replace("+00:00", "Z")
                for real, plain in self._texts.items():
                    value = value.replace(real, plain)
                return _ID.sub(self._id, value)
            case _:
                return value

    def _id(self, found: re.Match[str]) -> str:
        number = len(self._ids) + 1
        return self._ids.setdefault(found[0], f"00000000-0000-7000-8000-{number:012}")


def _from(case: dict[str, Any]) -> dict[str, Any]:
    """The case with sequences counted from its snapshot."""
    base = case["snapshot"]["sequence"] - 1
    for told in (case["snapshot"], case["expect"], *case["events"]):
        told["sequence"] -= base
    return case


async def play(center: Center, name: str) -> dict[str, Any]:
    """A call as a callbar is told of it: snapshot before, events, snapshot of a new connection after."""
    agent = await center.callbar("one")
    await agent.ready()
    await agent.until(lambda s: s["agent"]["presence"]["state"] == "ready")
    # A look for callers that is still under way would offer the call in a transaction, and at a time, of its own.
    await center.web.engagements.drain()
    before, told, snapshots = dict(agent.state), len(agent.events), agent.snapshots
    await CALLS[name](center, agent)
    assert agent.snapshots == snapshots, "every change came as an event"
    events = agent.events[told:]
    await agent.leave()
    later = await center.callbar("one", token=agent.token, seat=agent.seat)
    plain = Plain(center)
    return _from(
        {
            "name": name,
            "snapshot": plain(before),
            "events": plain(events),
            "expect": plain(dict(later.state)),
        }
    )


def timeless(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Without the moment it was made at."""
    return {key: value for key, value in snapshot.items() if key != "time"}


@pytest.mark.parametrize("name", CALLS)
async def test_snapshot_plus_events_is_the_later_snapshot(center: Center, name: str) -> None:
    case = await play(center, name)
    state = case["snapshot"]
    for event in case["events"]:
        assert event["sequence"] == state["sequence"] + 1
        state = fold(state, event)
    assert timeless(state) == timeless(case["expect"])

    written = {each["name"]: each for each in json.loads(CASES.read_text())} if CASES.exists() else {}
    if os.environ.get("CALLBAR_CASES") == "write":
        written[name] = case
        cases = [written[each] for each in CALLS if each in written]
        CASES.write_text(json.dumps(cases, indent=2, ensure_ascii=False) + "\n")
    assert case == written.get(name), "the protocol changed: see this file's first lines"
