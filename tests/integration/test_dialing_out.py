"""Calls that agents make: by number, to a test phone that rings, answers, is busy, or does not answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.integration.center import CallbarClient, Center, PhoneClient, a_center

from tieline.calllog.tables import call_log
from tieline.db.database import Database

PREFIXES = {"outside": "9", "long_distance": "1", "international": "01"}


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


def number_of(center: Center) -> str:
    """A number of this test alone: the phone's page listens in the whole installation's first account."""
    return f"+1415556{center.number[-4:]}"


async def listening(center: Center) -> PhoneClient:
    phone = await center.phone()
    await phone.listen(center, number_of(center))
    return phone


async def dialed(center: Center, agent: CallbarClient, **more: Any) -> str:
    answer = await agent.send("engagement.dial", number=number_of(center), prefixes=PREFIXES, **more)
    assert answer["type"] == "done", answer
    return answer["result"]["engagement_id"]


async def log_of(center: Center, engagement_id: str) -> dict[str, Any]:
    async with center.db.account(center.account_id) as tx:
        return await tx.scalar(select(call_log.c.content).where(call_log.c.engagement_id == engagement_id))


async def at_work(center: Center) -> CallbarClient:
    agent = await center.callbar("one")
    await agent.ready()
    await center.line_up("one")
    return agent


async def test_number_rings_and_is_answered(center: Center) -> None:
    agent, phone = await at_work(center), await listening(center)
    record = {"id": "003000000000001AAA", "object_type": "Contact", "name": "Olivia Martin"}
    id = await dialed(center, agent, record=record)
    card = await agent.card("dialing")
    assert card["direction"] == "outbound"
    assert card["related"] == record | {"owner": None}
    await agent.presence("occupied")
    rings = await phone.rings()
    assert rings["call_id"] == id
    await phone.answer(rings)
    await agent.card("connected")
    await phone.state("talking")

    await agent.do("engagement.digits", engagement_id=id, digits="12#")
    await phone.until(lambda m: m.get("digits") == "12#")
    await phone.press("42")
    await agent.until(lambda s: s["engagements"][0]["digits"] == "42")

    await phone.hang_up()
    await agent.card("wrap_up")
    await agent.do("engagement.close", engagement_id=id)
    log = await log_of(center, id)
    assert (log["direction"], log["outcome"], log["end_cause"]) == ("outbound", "answered", "caller_hung_up")
    assert "42" not in str(await center.story(id)), "keys pressed may be secrets"


async def test_busy_phone(center: Center) -> None:
    agent, phone = await at_work(center), await listening(center)
    id = await dialed(center, agent)
    await phone.decline(await phone.rings())
    card = await agent.card("wrap_up")
    assert card["end_cause"] == "busy"
    await agent.do("engagement.close", engagement_id=id)
    assert (await log_of(center, id))["outcome"] == "unanswered"


async def test_nobody_answers(center: Center) -> None:
    agent, phone = await at_work(center), await listening(center)
    id = await dialed(center, agent)
    await phone.rings()
    await center.let_deadline_pass(id)
    assert (await agent.card("wrap_up"))["end_cause"] == "no_answer"
    assert (await phone.state("ended"))["cause"] == "no_answer"


async def test_number_that_nobody_has(center: Center) -> None:
    agent = await at_work(center)
    await dialed(center, agent)
    assert (await agent.card("wrap_up"))["end_cause"] == "unreachable"


async def test_agent_gives_up_while_it_rings(center: Center) -> None:
    agent, phone = await at_work(center), await listening(center)
    id = await dialed(center, agent)
    rings = await phone.rings()
    await agent.do("engagement.hang_up", engagement_id=id)
    assert (await agent.card("wrap_up"))["end_cause"] == "agent_hung_up"
    await phone.state("ended")
    assert (await phone.send({"type": "answer", "call_id": rings["call_id"], "sdp": "v=0"}))[
        "code"
    ] == "call_gone"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("911", "number_emergency"),
        ("9 911", "number_emergency"),
        ("+44 20 7946 0018", "country_not_allowed"),
        ("+1 900 555 0123", "number_premium"),
        ("hello", "number_invalid"),
    ],
)
async def test_what_may_not_be_called_is_refused_with_the_reason(
    center: Center, number: str, code: str
) -> None:
    agent = await at_work(center)
    answer = await agent.send("engagement.dial", number=number, prefixes=PREFIXES)
    assert (answer["type"], answer["code"]) == ("refused", code)
    preview = await agent.send("number.preview", number=number, prefixes=PREFIXES)
    assert preview["result"]["refused"] == code
    assert agent.state["engagements"] == []


async def test_preview_shows_what_will_be_dialled(center: Center) -> None:
    agent = await at_work(center)
    preview = await agent.send("number.preview", number="9 (415) 555-0123", prefixes=PREFIXES)
    assert preview["result"]["e164"] == "+14155550123"
    assert preview["result"]["refused"] is None


async def test_who_talks_cannot_dial(center: Center) -> None:
    agent = await at_work(center)
    await center.call()
    await agent.card("offered")
    answer = await agent.send("engagement.dial", number=number_of(center), prefixes=PREFIXES)
    assert answer["code"] == "agent_busy"


async def test_dialing_without_end_is_stopped(center: Center) -> None:
    agent = await at_work(center)
    for _ in range(10):
        id = await dialed(center, agent)
        await agent.card("wrap_up")
        await agent.do("engagement.close", engagement_id=id)
        await agent.presence("ready")
    answer = await agent.send("engagement.dial", number=number_of(center), prefixes=PREFIXES)
    assert answer["code"] == "too_many_attempts"
    assert 0 < answer["params"]["retry_after_s"] <= 60
