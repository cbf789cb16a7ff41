"""The switch dies, or the web does while it lives: calls end with a cause or go on, and the next one works."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from tests.faults.installation import Agent, Caller, Installation, until

pytestmark = pytest.mark.timeout(300)


class Party:
    """A browser's end of the audio: says nothing, but sends."""

    def __init__(self) -> None:
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.peer.addTrack(AudioStreamTrack())

    async def offer(self) -> str:
        """A complete offer."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return self.peer.localDescription.sdp

    async def accept(self, sdp: str) -> None:
        """The switch's answer."""
        await self.peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))


@asynccontextmanager
async def talking(at: Installation) -> AsyncIterator[tuple[Agent, Caller, str]]:
    """An agent and a caller whose audio goes through the real switch."""
    desk, phone = Party(), Party()
    try:
        agent = await at.agent(0, "ab", sdp=await desk.offer(), answered=desk.accept)
        caller = await at.caller("a", sdp=await phone.offer(), answered=phone.accept)
        card = await agent.card("offered", within_s=30)
        await agent.send("engagement.answer", engagement_id=card["id"])
        await agent.card("connected")
        await caller.told("talking")
        yield agent, caller, card["id"]
        await agent.leave()
    finally:
        for party in (desk, phone):
            with contextlib.suppress(Exception):
                await party.peer.close()


@pytest.mark.soak
async def test_killed_media_ends_its_calls_with_a_cause_and_the_next_call_works(
    installation: Installation,
) -> None:
    await installation.fresh("media", "a")
    async with talking(installation) as (agent, caller, id):
        await installation.kill("media")
        await installation.start("media")
        card = await agent.card("wrap_up", within_s=20)
        assert card["end_cause"] == "switch_failed"
        assert (await caller.told("ended"))["cause"] == "switch_failed"
        await agent.send("engagement.close", engagement_id=id)
    async with talking(installation):
        pass


async def test_media_outlives_the_web_and_its_calls_go_on(installation: Installation) -> None:
    await installation.fresh("media", "a", "b")
    async with talking(installation) as (agent, _, id):
        assert agent.node == "a"
        killed = time.monotonic()
        await installation.kill("a")
        await agent.back(after=killed, within_s=5)
        assert [(e["id"], e["state"]) for e in agent.state["engagements"]] == [(id, "connected")]
        assert (await agent.send("engagement.hold", engagement_id=id))["type"] == "done"
        await agent.until(lambda s: bool(s["engagements"]) and s["engagements"][0]["held"])
        await agent.send("engagement.resume", engagement_id=id)
        await agent.until(lambda s: not s["engagements"][0]["held"])
        await agent.send("engagement.hang_up", engagement_id=id)
        assert (await agent.card("wrap_up"))["end_cause"] == "agent_hung_up"


async def test_switch_that_never_comes_back_ends_its_calls_too(both: Installation) -> None:
    agent = await both.agent(0, "a")
    caller = await both.caller("b")
    card = await agent.card("offered")
    await agent.send("engagement.answer", engagement_id=card["id"])
    await agent.card("connected")
    await both.kill("switch")
    assert (await agent.card("wrap_up", within_s=30))["end_cause"] == "switch_failed"
    assert (await caller.told("ended"))["cause"] == "switch_failed"


async def test_calls_live_through_an_absence_of_the_web_from_all_nodes(both: Installation) -> None:
    agent = await both.agent(0, "ab")
    caller = await both.caller("a")
    card = await agent.card("offered")
    await agent.send("engagement.answer", engagement_id=card["id"])
    await agent.card("connected")
    killed = time.monotonic()
    await both.kill("a")
    await both.kill("b")
    rows = await both.engagements()
    # What happens at the switch meanwhile is taken in once somebody is there again.
    await both.far("hang_up", rows[card["id"]].caller_leg_id)
    await both.start("b")
    await agent.back(after=killed, within_s=20)
    assert (await agent.card("wrap_up"))["end_cause"] == "caller_hung_up"
    assert caller.call_id == card["id"]


async def test_stopped_switch_is_asked_again_when_it_goes_on(both: Installation) -> None:
    agent = await both.agent(0, "a")
    await both.caller("b")
    card = await agent.card("offered")
    both.signal("switch", signal.SIGSTOP)
    assert (await agent.send("engagement.answer", engagement_id=card["id"]))["type"] == "done"
    await asyncio.sleep(0.5)
    both.signal("switch", signal.SIGCONT)
    await agent.card("connected")
    await until(lambda: moved_once(both), within_s=10)


async def moved_once(at: Installation) -> bool:
    moves = {id for id, verb in await at.asked() if verb == "move_leg"}
    return len(moves) == 1
