"""What the embedded switch makes of a bad network: loss, jitter, darkness, an ICE that never completes.

Measured where people listen: a party on a good path hears a party whose path leads through our own relay.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from tests.contract.relay import FAIR, Relay, Weather, a_relay
from tests.contract.switch_peers import (
    PEER_UDP,
    EmbeddedRig,
    MediaProcess,
    Party,
    a_media_process,
    eventually,
    going_first,
    new_id,
)

from tieline.telephony.embedded.ports import MediaPorts, media_ports
from tieline.telephony.switch import NO_MEDIA_S, SET_UP_S, LegRole
from tieline.telephony.switch import SwitchEventKind as Kind

pytestmark = pytest.mark.timeout(120)

JUDGED_S = 8.0
BACK_S = 2.0
"""Within this long after a bad time the delay is what it was."""
FRAME_S = 0.020
HELD_UP_S = 0.025
AFTERMATH_S = 0.4
"""Until the sound of a stall has passed through all buffers."""


@pytest.fixture(scope="module")
async def process() -> AsyncIterator[MediaProcess]:
    ports = MediaPorts(("127.0.0.1",), *PEER_UDP)
    with media_ports(ports, asyncio.get_running_loop()), going_first():
        async with a_media_process(no_media_s=NO_MEDIA_S, set_up_s=SET_UP_S) as process:
            yield process


@pytest.fixture
async def rig(process: MediaProcess) -> AsyncIterator[EmbeddedRig]:
    rig = EmbeddedRig(process)
    yield rig
    await rig.close()


@pytest.fixture
async def relay() -> AsyncIterator[Relay]:
    async with a_relay(seed=11) as relay:
        yield relay


async def a_conversation(rig: EmbeddedRig, relay: Relay) -> tuple[str, str]:
    """A caller behind the relay, who sweeps, and an agent; they hear each other."""
    call_id = new_id()
    await rig.switch.create_call(call_id, command_id=new_id())
    caller = await rig.join(LegRole.CALLER, call_id, sweeping=True, relay=relay)
    agent = await rig.join(LegRole.AGENT, call_id)
    await rig.heard_at_all(agent)
    return caller, agent


async def heard_for(seconds: float) -> float:
    """Let the parties talk; gives when they began to (monotonic)."""
    began_at = time.monotonic()
    await asyncio.sleep(seconds)
    return began_at


class Stalls:
    """Moments in which this machine held up the parties' own process, so that they could not speak in time.

    What is heard around them says nothing about the switch and is left out of what is judged.
    """

    def __init__(self) -> None:
        self._stalls: list[tuple[float, float]] = []
        self._watching = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            due = time.monotonic() + 0.005
            await asyncio.sleep(0.005)
            if (now := time.monotonic()) - due > HELD_UP_S:
                self._stalls.append((due, now))

    def spans_between(self, begin: float, end: float, skips: list[float]) -> list[tuple[float, float]]:
        """The parts of a time that can be judged; `skips` are the moments in which the switch was held up."""
        spans: list[tuple[float, float]] = []
        for held_up, going_on in sorted([*self._stalls, *((skip - HELD_UP_S, skip) for skip in skips)]):
            if held_up < end and going_on + AFTERMATH_S > begin:
                if held_up > begin:
                    spans.append((begin, held_up))
                begin = going_on + AFTERMATH_S
        return [*spans, (begin, end)] if begin < end else spans

    async def close(self) -> None:
        self._watching.cancel()


@pytest.fixture
async def stalls() -> AsyncIterator[Stalls]:
    stalls = Stalls()
    yield stalls
    await stalls.close()


def added_delay_s(ear: Party, sender: Party, since: float, usual_s: float) -> float:
    """How much later than usual the sender was heard since then."""
    return (ear.sweep_age_s(sender, since) - usual_s + 0.5) % 1 - 0.5


async def test_loss_and_jitter_leave_no_gap_and_their_delay_is_given_back(
    rig: EmbeddedRig, relay: Relay, stalls: Stalls
) -> None:
    caller, agent = await a_conversation(rig, relay)
    ear, sender = rig.party(agent), rig.party(caller)
    await heard_for(2.0)
    usual_s = ear.sweep_age_s(sender, await heard_for(1.5))
    lost_before, began_at = relay.lost, time.monotonic()
    relay.weather = Weather(loss=0.05, jitter_s=0.1)
    spans: list[tuple[float, float]] = []
    while (judged_s := sum(end - begin for begin, end in spans)) < JUDGED_S:
        await asyncio.sleep(1.0)
        now = time.monotonic()
        assert now - began_at < 5 * JUDGED_S, "this machine is too busy to judge"
        spans = stalls.spans_between(began_at, now, ear.skips_at(began_at))
    in_bad_s = added_delay_s(ear, sender, began_at, usual_s)
    gap_s = ear.longest_silence_s(spans)
    lost = relay.lost - lost_before
    after_s = await delay_after(ear, sender, relay, stalls, usual_s)
    print(
        f"{lost} packets lost; longest gap in {judged_s:.1f} s {gap_s * 1000:.0f} ms; delay "
        f"+{in_bad_s * 1000:.0f} ms in the bad time, {after_s * 1000:+.0f} ms {BACK_S:.0f} s after it"
    )
    assert lost > 20
    assert gap_s <= 0.1
    assert in_bad_s > FRAME_S  # else nothing was proven
    assert after_s <= 1.5 * FRAME_S  # delay comes and goes in whole frames


async def delay_after(ear: Party, sender: Party, relay: Relay, stalls: Stalls, usual_s: float) -> float:
    """End the bad time; gives the added delay `BACK_S` later. A stall of this machine in between begins anew."""
    for _ in range(5):
        fair_at = time.monotonic()
        relay.weather = FAIR
        await asyncio.sleep(BACK_S)
        after_s = added_delay_s(ear, sender, await heard_for(1.0), usual_s)
        now = time.monotonic()
        if stalls.spans_between(fair_at, now, ear.skips_at(fair_at)) == [(fair_at, now)]:
            return after_s
        relay.weather = Weather(loss=0.05, jitter_s=0.1)
        await asyncio.sleep(2.0)
    raise AssertionError("this machine is too busy to judge")


async def test_a_call_survives_five_seconds_of_darkness(
    rig: EmbeddedRig, relay: Relay, stalls: Stalls
) -> None:
    caller, agent = await a_conversation(rig, relay)
    relay.weather = Weather(dark=True)
    await asyncio.sleep(1.0)
    await eventually(lambda: rig.hears(agent), set())
    assert not rig.party(agent).hears_anything()
    await asyncio.sleep(4.0)
    relay.weather = FAIR
    back_at = time.monotonic()
    await rig.heard_at_all(agent)
    await rig.heard_at_all(caller)
    took_s = time.monotonic() - back_at
    print(f"heard again after {took_s * 1000:.0f} ms")
    assert took_s < 1.0
    since = await heard_for(1.5)
    ear = rig.party(agent)
    spans = stalls.spans_between(since, time.monotonic(), ear.skips_at(since))
    assert ear.longest_silence_s(spans) <= 0.1
    for leg in (caller, agent):
        assert [event.kind for event in rig.story.about(leg)] == [Kind.LEG_CONNECTED]


async def test_darkness_that_stays_ends_the_callers_leg(rig: EmbeddedRig, relay: Relay) -> None:
    caller, agent = await a_conversation(rig, relay)
    relay.weather = Weather(dark=True)
    dark_at = time.monotonic()
    gone = await rig.story.until(caller, Kind.LEG_GONE, within_s=NO_MEDIA_S + 3)
    assert gone.data == {"reason": "no_media"}
    assert time.monotonic() - dark_at > NO_MEDIA_S - 1
    assert not rig.story.about(agent, Kind.LEG_GONE)


async def test_an_ice_that_never_completes_is_a_set_up_that_failed(
    process: MediaProcess, relay: Relay
) -> None:
    set_up_s = 1.5
    async with a_media_process(set_up_s=set_up_s) as quick:
        rig = EmbeddedRig(quick)
        relay.weather = Weather(dark=True)
        call_id, leg_id, party = new_id(), new_id(), Party(1_000)
        await rig.switch.create_call(call_id, command_id=new_id())
        asked_at = time.monotonic()
        answer = await rig.switch.add_webrtc_leg(
            leg_id,
            relay.offer(await party.offer()),
            role=LegRole.CALLER,
            call_id=call_id,
            command_id=new_id(),
        )
        accepting = asyncio.create_task(party.accept(relay.answer(answer)))
        gone = await rig.story.until(leg_id, Kind.LEG_GONE, within_s=set_up_s + 3)
        assert (gone.data, gone.call_id) == ({"reason": "set_up_failed"}, call_id)
        assert time.monotonic() - asked_at > set_up_s * 0.9
        assert (await rig.switch.health()).legs == 0
        await accepting
        await party.vanish()
        await rig.close()


async def test_a_handshake_over_a_bad_path_completes(rig: EmbeddedRig, relay: Relay) -> None:
    relay.weather = Weather(loss=0.05, jitter_s=0.1)
    call_id = new_id()
    await rig.switch.create_call(call_id, command_id=new_id())
    caller = await rig.join(LegRole.CALLER, call_id, relay=relay)
    assert not rig.story.about(caller, Kind.LEG_GONE)
