"""Calls from arrival to closing, by the doors that callers and agents use; the switch is the scripted twin."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.integration.center import Center, PhoneClient, a_center

from tieline.agents import service as agents
from tieline.agents.service import Seat
from tieline.agents.tables import agent as agent_table
from tieline.calllog.tables import call_log, delivery
from tieline.db.database import Database
from tieline.engagements.tables import engagement
from tieline.ids import new_id


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


async def caller_leg(center: Center) -> str:
    """The leg of the only open engagement's caller."""
    async with center.db.account(center.account_id) as tx:
        return str(
            await tx.scalar(
                select(engagement.c.caller_leg_id)
                .where(engagement.c.account_id == center.account_id)
                .order_by(engagement.c.arrived_at.desc())
                .limit(1)
            )
        )


async def caller_leg_of(center: Center, engagement_id: str) -> str:
    async with center.db.account(center.account_id) as tx:
        return str(
            await tx.scalar(select(engagement.c.caller_leg_id).where(engagement.c.id == engagement_id))
        )


async def logged(center: Center, engagement_id: str) -> dict[str, Any]:
    async with center.db.account(center.account_id) as tx:
        rows = await tx.all(
            select(call_log.c.content, delivery.c.state)
            .join(delivery, delivery.c.engagement_id == call_log.c.engagement_id)
            .where(call_log.c.account_id == center.account_id, call_log.c.engagement_id == engagement_id)
        )
    assert len(rows) == 1
    assert rows[0].state == "pending"
    return rows[0].content


async def connected(center: Center, from_: str | None = "+14155550123") -> tuple[Any, PhoneClient, str]:
    """An agent and a caller who talk."""
    agent = await center.callbar("one")
    await agent.ready()
    phone = await center.call(from_)
    card = await agent.card("offered")
    await agent.do("engagement.answer", engagement_id=card["id"])
    await agent.card("connected")
    await phone.state("talking")
    return agent, phone, card["id"]


async def test_a_call_from_ring_to_log(center: Center) -> None:
    agent = await center.callbar("one")
    await agent.ready()
    phone = await center.call("(415) 555-0123")
    card = await agent.card("offered")
    assert card["party"]["display"] == "(415) 555-0123"
    assert card["queue"]["name"] == "Support"
    assert card["match"]["status"] == "none"
    assert [d["label"] for d in card["dispositions"]] == ["Resolved", "Call back"]
    await agent.presence("ringing")
    assert center.switch.hears(await caller_leg(center)) == {"greeting/en"}

    await agent.do("engagement.answer", engagement_id=card["id"])
    await agent.card("connected")
    await agent.presence("occupied")
    await phone.state("talking")

    await agent.do("engagement.hold", engagement_id=card["id"])
    await agent.until(lambda s: s["engagements"][0]["held"])
    await phone.state("held")
    assert center.switch.hears(await caller_leg(center)) == {"music/calm"}
    await agent.do("engagement.resume", engagement_id=card["id"])
    await agent.until(lambda s: not s["engagements"][0]["held"])
    await phone.state("talking")

    await agent.do("engagement.mute", engagement_id=card["id"])
    await agent.until(lambda s: s["engagements"][0]["muted"])
    assert center.switch.hears(await caller_leg(center)) == set()

    resolved = card["dispositions"][0]["id"]
    await agent.do("engagement.note", engagement_id=card["id"], notes="Wants a blue one", disposition_id=None)
    await agent.do("engagement.hang_up", engagement_id=card["id"])
    card = await agent.card("wrap_up")
    assert card["end_cause"] == "agent_hung_up"
    assert (await phone.state("ended"))["cause"] == "agent_hung_up"
    await agent.presence("wrap_up")
    await agent.do("engagement.note", engagement_id=card["id"], notes=None, disposition_id=resolved)
    await agent.do("engagement.close", engagement_id=card["id"])
    await agent.presence("ready")
    assert agent.state["engagements"] == []

    log = await logged(center, card["id"])
    assert log["notes"] == "Wants a blue one"
    assert log["disposition"] == "Resolved"
    assert log["outcome"] == "answered"
    assert log["number_e164"] == "+14155550123"
    assert await center.story(card["id"]) == [
        "engagement.arrived",
        "engagement.queued",
        "engagement.offered",
        "engagement.accepted",
        "engagement.connected",
        "engagement.held",
        "engagement.resumed",
        "engagement.muted",
        "engagement.ended",
        "engagement.closed",
    ]


async def test_snapshot_and_events_equal_a_later_snapshot(center: Center) -> None:
    agent, _, id = await connected(center)
    await agent.do("engagement.hold", engagement_id=id)
    await agent.until(lambda s: s["engagements"][0]["held"])
    assert agent.events, "events came, not only snapshots"
    folded = dict(agent.state)
    snapshots = agent.snapshots
    await agent.socket.send('{"type":"snapshot.request"}')
    await agent.until(lambda _: agent.snapshots > snapshots)
    assert {**agent.state, "time": None} == {**folded, "time": None}


async def test_missed_offer_makes_not_ready_and_the_caller_keeps_the_place(center: Center) -> None:
    await center.set_queue(ring_ms=5000)
    one, two = await center.callbar("one"), await center.callbar("two")
    await one.ready()
    first = await center.call("+14155550001")
    offered = await one.card("offered")
    second = await center.call("+14155550002")
    await second.state("waiting")
    await center.pass_time(6)
    presence = await one.presence("not_ready")
    assert presence["reason"] == "missed_call"
    await two.ready()
    card = await two.card("offered")
    assert card["id"] == offered["id"], "who came first is offered first"
    await two.do("engagement.answer", engagement_id=card["id"])
    await first.state("talking")


async def test_declined_offer_goes_to_the_next_agent(center: Center) -> None:
    one, two = await center.callbar("one"), await center.callbar("two")
    await one.ready()
    await two.ready()
    await center.call()
    card = await one.card("offered")
    await one.do("engagement.decline", engagement_id=card["id"])
    assert (await two.card("offered"))["id"] == card["id"]
    await one.presence("ready")


async def test_longest_idle_agent_is_offered_first(center: Center) -> None:
    one, two = await center.callbar("one"), await center.callbar("two")
    await two.ready()
    await one.ready()
    await center.call()
    await two.card("offered")
    await one.presence("ready")


async def test_caller_who_gives_up_is_abandoned(center: Center) -> None:
    agent = await center.callbar("one")
    await agent.ready()
    phone = await center.call()
    card = await agent.card("offered")
    await phone.hang_up()
    await agent.presence("ready")
    assert agent.events[-1]["gone"] == {"id": card["id"], "why": "abandoned"}
    assert (await logged(center, card["id"]))["outcome"] == "abandoned"


async def test_caller_hanging_up_in_the_moment_of_answer_leaves_no_stuck_agent(center: Center) -> None:
    agent = await center.callbar("one")
    await agent.ready()
    await center.call()
    card = await agent.card("offered")
    center.switch.hang_up(await caller_leg(center))
    answer = await agent.send("engagement.answer", engagement_id=card["id"])
    if answer["type"] == "refused":
        assert answer["code"] in ("caller_gone", "engagement_not_found")
    await agent.presence("ready")
    assert agent.state["engagements"] == []
    assert (await logged(center, card["id"]))["outcome"] == "abandoned"


async def test_only_the_offered_agent_may_answer(center: Center) -> None:
    one, two = await center.callbar("one"), await center.callbar("two")
    await one.ready()
    await two.ready()
    await center.call()
    card = await one.card("offered")
    answers = await asyncio.gather(
        one.send("engagement.answer", engagement_id=card["id"]),
        two.send("engagement.answer", engagement_id=card["id"]),
    )
    assert [a["type"] for a in answers] == ["done", "refused"]
    assert answers[1]["code"] == "engagement_not_found"


async def test_same_command_twice_is_done_once(center: Center) -> None:
    agent, _, id = await connected(center)
    command_id = str(new_id())
    first = await agent.send("engagement.hold", command_id=command_id, engagement_id=id)
    await agent.until(lambda s: s["engagements"][0]["held"])
    await agent.do("engagement.resume", engagement_id=id)
    await agent.until(lambda s: not s["engagements"][0]["held"])
    again = await agent.send("engagement.hold", command_id=command_id, engagement_id=id)
    assert first["type"] == again["type"] == "done"
    await agent.do("engagement.note", engagement_id=id, notes="x", disposition_id=None)
    await agent.until(lambda s: s["engagements"][0]["notes"] == "x")
    assert not agent.state["engagements"][0]["held"]


async def test_caller_hanging_up_ends_in_wrap_up_that_closes_by_itself(center: Center) -> None:
    await center.set_queue(wrap_up_ms=5000)
    agent, phone, id = await connected(center)
    await phone.hang_up()
    card = await agent.card("wrap_up")
    assert card["end_cause"] == "caller_hung_up"
    await center.pass_time(6)
    await agent.presence("ready")
    assert (await logged(center, id))["end_cause"] == "caller_hung_up"


async def test_lost_media_ends_the_call_as_lost(center: Center) -> None:
    agent, phone, _ = await connected(center)
    center.switch.lose_media(await caller_leg(center))
    assert (await agent.card("wrap_up"))["end_cause"] == "caller_lost"
    await phone.state("ended")


async def test_withheld_number_rings_without_number(center: Center) -> None:
    agent = await center.callbar("one")
    await agent.ready()
    await center.call(None)
    card = await agent.card("offered")
    assert card["party"]["withheld"]
    assert card["party"]["display"] is None
    assert card["match"]["status"] == "withheld"


@pytest.mark.parametrize("text", ["not a number", "1" * 40, "++"])
async def test_text_that_is_no_number_is_refused(center: Center, text: str) -> None:
    phone = await center.phone()
    answer = await phone.dial(text, center.number)
    assert answer == {"type": "refused", "code": "number_invalid", "params": {"field": "from"}}


async def test_number_with_extension_and_full_width_digits_is_understood(center: Center) -> None:
    agent = await center.callbar("one")
    await agent.ready()
    await center.call("０３－１２３４－５６７８ 内線99")
    card = await agent.card("offered")
    assert card["party"]["e164"] == "+81312345678"
    assert card["party"]["extension"] == "99"


async def test_unknown_queue_number_is_refused(center: Center) -> None:
    phone = await center.phone()
    assert (await phone.dial("+14155550123", "+442079460018"))["code"] == "queue_not_found"


async def test_visitor_calls_a_queue_by_its_link(center: Center) -> None:
    agent = await center.callbar("one")
    await agent.ready()
    phone = await center.phone()
    answer = await phone.dial(None, None, queue=f"support-{center.tag}", claimed_name="Ann")
    assert answer["type"] == "accepted"
    card = await agent.card("offered")
    assert card["party"]["claimed_name"] == "Ann"
    assert not card["party"]["withheld"]


async def test_page_takes_its_call_up_over_a_new_socket(center: Center) -> None:
    agent, phone, id = await connected(center)
    key = next(m["key"] for m in phone.messages if m["type"] == "accepted")
    await phone.socket.close()
    await agent.do("engagement.hold", engagement_id=id)
    await agent.until(lambda s: s["engagements"][0]["held"])
    again = await center.phone()
    await again.socket.send(json.dumps({"type": "resume", "call_id": id, "key": key}))
    await again.state("held")
    await agent.do("engagement.resume", engagement_id=id)
    await again.state("talking")
    await again.hang_up()
    assert (await again.state("ended"))["cause"] == "caller_hung_up"

    # Over by now: it is still told how it ended.
    late = await center.phone()
    await late.socket.send(json.dumps({"type": "resume", "call_id": id, "key": key}))
    assert (await late.state("ended"))["cause"] == "caller_hung_up"


async def test_call_is_taken_up_only_by_the_page_that_has_its_key(center: Center) -> None:
    _, phone, id = await connected(center)
    stranger = await center.phone()
    for call_id, key in ((id, "0" * 32), (str(new_id()), "0" * 32), ("no id", "schlüssel")):
        refused = await stranger.send({"type": "resume", "call_id": call_id, "key": key})
        assert refused["code"] == "call_gone"
    own = next(m["key"] for m in phone.messages if m["type"] == "accepted")
    refused = await phone.send({"type": "resume", "call_id": id, "key": own})
    assert refused["code"] == "input_invalid", "a page has one call"


async def test_second_callbar_mirrors_and_may_take_over(center: Center) -> None:
    token = await center.callbar_token("one")
    first = await center.callbar("one", token=token)
    await first.ready()
    second = await center.callbar("one", token=token)
    assert first.state["owner"]
    assert not second.state["owner"]
    await center.call()
    card = await first.card("offered")
    assert (await second.card("offered"))["id"] == card["id"], "it shows the same"
    refused = await second.send("engagement.answer", engagement_id=card["id"])
    assert refused["code"] == "seat_lost"

    await second.do("seat.take")
    await second.until(lambda s: s["owner"])
    await first.until(lambda s: not s["owner"])
    assert (await first.send("engagement.answer", engagement_id=card["id"]))["code"] == "seat_lost"
    await second.do("audio.connect", sdp="v=0 an offer")
    await center.line_up("one")
    await second.do("engagement.answer", engagement_id=card["id"])
    await second.card("connected")
    await first.card("connected")


async def test_mirror_owns_by_itself_when_the_owner_leaves(center: Center) -> None:
    token = await center.callbar_token("one")
    first = await center.callbar("one", token=token)
    second = await center.callbar("one", token=token)
    await first.leave()
    await second.until(lambda s: s["owner"])


async def test_seat_that_was_left_is_free_though_its_node_renews_it_a_moment_later(center: Center) -> None:
    async with center.db.account(center.account_id) as tx:
        old = await agents.take_seat(
            tx, Seat(center.account_id, center.agents["one"], center.connection_id, "a")
        )
    assert old is not None
    async with center.db.account(center.account_id) as tx:
        await agents.leave_seat(tx, old)
    # The node had listed its seats before.
    async with center.db.system() as tx:
        assert await agents.keep_seats(tx, [old]) == set()
    callbar = await center.callbar("one")
    assert callbar.state["owner"]


async def test_reloaded_callbar_owns_again_at_once(center: Center) -> None:
    token = await center.callbar_token("one")
    first = await center.callbar("one", token=token)
    await first.ready()
    again = await center.callbar("one", token=token, seat=first.seat)
    assert again.state["owner"], "although the old socket still seems to live"
    await first.until(lambda s: not s["owner"])


async def test_agent_without_callbar_goes_offline_and_the_offer_moves_on(center: Center) -> None:
    one, two = await center.callbar("one"), await center.callbar("two")
    await one.ready()
    await center.call()
    card = await one.card("offered")
    await two.ready()
    await one.leave()
    await center.expire_seat("one")
    await two.until(lambda s: any(e["id"] == card["id"] for e in s["engagements"]))


async def test_agents_reconnected_audio_returns_into_the_conversation(center: Center) -> None:
    agent, phone, id = await connected(center)
    leg = await caller_leg(center)
    before = center.switch.hears(leg)
    await agent.do("audio.connect", sdp="v=0 another offer")
    async with asyncio.timeout(5):
        while center.switch.hears(leg) in (before, set()):
            await asyncio.sleep(0.01)
    assert (await agent.card("connected"))["id"] == id
    await phone.state("talking")


async def test_lost_agents_caller_is_told_and_goes_first(center: Center) -> None:
    one, two = await center.callbar("one"), await center.callbar("two")
    await one.ready()
    phone = await center.call("+14155550001")
    card = await one.card("offered")
    await one.do("engagement.answer", engagement_id=card["id"])
    await one.card("connected")
    waiting = await center.call("+14155550002")
    await waiting.state("waiting")
    leg = await caller_leg_of(center, card["id"])
    async with center.db.account(center.account_id) as tx:
        line = str(
            await tx.scalar(
                select(agent_table.c.line_leg_id).where(agent_table.c.user_id == center.agents["one"])
            )
        )
    center.switch.lose_media(line)
    await one.until(lambda s: any(e["name"] == "engagement.agent_audio_lost" for e in one.events))
    await phone.state("talking")
    await center.let_deadline_pass(card["id"])
    await phone.state("waiting")
    await one.until(lambda s: s["engagements"] == [])
    assert center.switch.hears(leg) == {"notice/sorry-en"}
    await two.ready()
    again = await two.card("offered")
    assert again["id"] == card["id"], "before the one who came while they talked"
    await two.do("engagement.answer", engagement_id=again["id"])
    await phone.state("talking")


async def test_media_restart_ends_its_calls_and_the_next_call_works(center: Center) -> None:
    agent, phone, _ = await connected(center)
    center.switch.restart()
    assert (await agent.card("wrap_up"))["end_cause"] == "switch_failed"
    assert (await phone.state("ended"))["cause"] == "switch_failed"
    await agent.do("engagement.close", engagement_id=agent.state["engagements"][0]["id"])
    await agent.do("audio.connect", sdp="v=0 another offer")
    await center.call("+14155550777")
    await agent.card("offered")


async def test_history_and_page_show_the_call(center: Center) -> None:
    _, phone, id = await connected(center, "+14155550123")
    await phone.hang_up()
    portal = await center.portal("admin")
    rows = (await portal.get("/api/v1/engagements")).json()["engagements"]
    assert [r["id"] for r in rows] == [id]
    assert rows[0]["party"]["display"] == "(415) 555-0123"
    found = (await portal.get("/api/v1/engagements", params={"q": "415.555.0123"})).json()["engagements"]
    assert [r["id"] for r in found] == [id]
    for nothing in ("nobody", "Nobody 4155", "000"):
        found = (await portal.get("/api/v1/engagements", params={"q": nothing})).json()["engagements"]
        assert found == [], f"{nothing} is neither in a name nor a number"
    agent = await center.portal("two")
    assert (await agent.get("/api/v1/engagements")).json()["engagements"] == [], "agents see their own only"
    assert (await agent.get(f"/api/v1/engagements/{id}")).status_code == 404
