"""The contract of the Switch seam, on the embedded switch with real tones and on its scripted twin."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
from collections.abc import AsyncIterator

import httpx2
import pytest
from tests.contract.switch_peers import (
    CONTROL_KEY,
    PEER_UDP,
    EmbeddedRig,
    MediaProcess,
    Rig,
    ScriptedRig,
    a_media_process,
    eventually,
    new_id,
)

from tieline.telephony.embedded.ports import MediaPorts, media_ports
from tieline.telephony.remote import RemoteSwitch
from tieline.telephony.switch import LegRole, SwitchError
from tieline.telephony.switch import SwitchEventKind as Kind
from tieline.telephony.wire import HEARTBEAT_S

CALLER, AGENT = LegRole.CALLER, LegRole.AGENT
GREETING, MUSIC, HOLD = "tone/600", "tone/700", "tone/850"


@pytest.fixture(scope="session")
async def media_process() -> AsyncIterator[MediaProcess]:
    ports = MediaPorts(("127.0.0.1",), *PEER_UDP)
    with media_ports(ports, asyncio.get_running_loop()):
        async with a_media_process() as process:
            yield process


@pytest.fixture(params=["embedded", "scripted"])
async def rig(request: pytest.FixtureRequest, media_process: MediaProcess) -> AsyncIterator[Rig]:
    rig = ScriptedRig() if request.param == "scripted" else EmbeddedRig(media_process)
    yield rig
    await rig.close()


async def a_call(rig: Rig) -> str:
    call_id = new_id()
    await rig.switch.create_call(call_id, command_id=new_id())
    return call_id


async def a_conversation(rig: Rig) -> tuple[str, str, str]:
    """A call with a caller and an agent who hear each other."""
    call_id = await a_call(rig)
    caller, agent = await asyncio.gather(rig.join(CALLER, call_id), rig.join(AGENT, call_id))
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({agent}, {caller}))
    return call_id, caller, agent


async def test_legs_of_a_call_hear_each_other_and_not_themselves(rig: Rig) -> None:
    await a_conversation(rig)


async def test_a_leg_outside_calls_hears_nothing_and_is_heard_by_nobody(rig: Rig) -> None:
    call_id = await a_call(rig)
    caller, agent = await asyncio.gather(rig.join(CALLER, call_id), rig.join(AGENT, None))
    await rig.switch.play(caller, (MUSIC,), loop_last=True, play_id=new_id(), command_id=new_id())
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({MUSIC}, set()))


async def test_three_legs_hear_the_two_others(rig: Rig) -> None:
    call_id, caller, agent = await a_conversation(rig)
    third = await rig.join(AGENT, call_id)
    await eventually(
        lambda: (rig.hears(caller), rig.hears(agent), rig.hears(third)),
        ({agent, third}, {caller, third}, {caller, agent}),
    )


async def test_a_waiting_caller_hears_the_greeting_then_music_until_it_is_stopped(rig: Rig) -> None:
    caller = await rig.join(CALLER, await a_call(rig))
    play_id, stopping = new_id(), new_id()
    await rig.switch.play(caller, (GREETING, MUSIC), loop_last=True, play_id=play_id, command_id=new_id())
    await eventually(lambda: rig.hears(caller), {GREETING})
    await rig.medium_ends(caller)
    await eventually(lambda: rig.hears(caller), {MUSIC})
    await rig.medium_ends(caller)
    await rig.switch.stop_play(play_id, command_id=stopping)
    finished = await rig.story.until(caller, Kind.PLAY_FINISHED)
    assert finished.data == {"play_id": play_id, "stopped": True}
    assert finished.command_id == stopping
    await eventually(lambda: rig.hears(caller), set())
    await rig.switch.stop_play(play_id, command_id=new_id())
    assert len(rig.story.about(caller, Kind.PLAY_FINISHED)) == 1


async def test_a_play_that_is_not_looped_finishes_by_itself(rig: Rig) -> None:
    caller = await rig.join(CALLER, await a_call(rig))
    play_id = new_id()
    await rig.switch.play(caller, (GREETING,), loop_last=False, play_id=play_id, command_id=new_id())
    await eventually(lambda: rig.hears(caller), {GREETING})
    await rig.medium_ends(caller)
    finished = await rig.story.until(caller, Kind.PLAY_FINISHED)
    assert finished.data == {"play_id": play_id, "stopped": False}
    await eventually(lambda: rig.hears(caller), set())


async def test_a_new_play_replaces_the_running_one(rig: Rig) -> None:
    caller = await rig.join(CALLER, await a_call(rig))
    first, second = new_id(), new_id()
    await rig.switch.play(caller, (GREETING,), loop_last=True, play_id=first, command_id=new_id())
    await eventually(lambda: rig.hears(caller), {GREETING})
    await rig.switch.play(caller, (MUSIC,), loop_last=True, play_id=second, command_id=new_id())
    await eventually(lambda: rig.hears(caller), {MUSIC})
    finished = await rig.story.until(caller, Kind.PLAY_FINISHED)
    assert finished.data == {"play_id": first, "stopped": True}


async def test_a_play_goes_on_when_its_leg_moves(rig: Rig) -> None:
    caller = await rig.join(CALLER, await a_call(rig))
    await rig.switch.play(caller, (MUSIC,), loop_last=True, play_id=new_id(), command_id=new_id())
    await eventually(lambda: rig.hears(caller), {MUSIC})
    await rig.switch.move_leg(caller, await a_call(rig), command_id=new_id())
    await rig.story.until(caller, Kind.LEG_MOVED)
    await eventually(lambda: rig.hears(caller), {MUSIC})
    assert not rig.story.about(caller, Kind.PLAY_FINISHED)


async def test_a_held_leg_hears_music_and_its_call_hears_silence_until_resumed(rig: Rig) -> None:
    _, caller, agent = await a_conversation(rig)
    await rig.switch.set_held(caller, True, music=HOLD, command_id=new_id())
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({HOLD}, set()))
    assert (await rig.story.until(caller, Kind.LEG_HELD)).data == {"held": True}
    await rig.switch.set_held(caller, False, music=None, command_id=new_id())
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({agent}, {caller}))
    assert (await rig.story.until(caller, Kind.LEG_HELD, times=2)).data == {"held": False}


async def test_a_muted_leg_hears_and_is_not_heard(rig: Rig) -> None:
    _, caller, agent = await a_conversation(rig)
    await rig.switch.set_muted(agent, True, command_id=new_id())
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), (set(), {caller}))
    assert (await rig.story.until(agent, Kind.LEG_MUTED)).data == {"muted": True}
    await rig.switch.set_muted(agent, False, command_id=new_id())
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({agent}, {caller}))


async def test_a_leg_moves_between_calls_and_outside(rig: Rig) -> None:
    first, second = await a_call(rig), await a_call(rig)
    one, two, agent = await asyncio.gather(
        rig.join(CALLER, first), rig.join(CALLER, second), rig.join(AGENT, None)
    )
    await rig.switch.move_leg(agent, first, command_id=new_id())
    await eventually(lambda: (rig.hears(one), rig.hears(two), rig.hears(agent)), ({agent}, set(), {one}))
    await rig.switch.move_leg(agent, second, command_id=new_id())
    await eventually(lambda: (rig.hears(one), rig.hears(two), rig.hears(agent)), (set(), {agent}, {two}))
    await rig.switch.move_leg(agent, None, command_id=new_id())
    await eventually(lambda: (rig.hears(one), rig.hears(two), rig.hears(agent)), (set(), set(), set()))
    await rig.story.until(agent, Kind.LEG_MOVED, times=3)
    assert [event.call_id for event in rig.story.about(agent, Kind.LEG_MOVED)] == [first, second, None]


async def test_moving_ends_a_hold(rig: Rig) -> None:
    call_id, caller, agent = await a_conversation(rig)
    await rig.switch.set_held(caller, True, music=HOLD, command_id=new_id())
    await eventually(lambda: rig.hears(caller), {HOLD})
    await rig.switch.move_leg(caller, call_id, command_id=new_id())
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({agent}, {caller}))
    await rig.story.until(caller, Kind.LEG_MOVED)
    assert [event.data for event in rig.story.about(caller, Kind.LEG_HELD)] == [
        {"held": True},
        {"held": False},
    ]


async def test_digits_sent_to_a_leg_are_heard_there_and_nowhere_else(rig: Rig) -> None:
    call_id, caller, agent = await a_conversation(rig)
    await rig.switch.set_muted(agent, True, command_id=new_id())  # its tone must not pass for half of a key's
    first, second = new_id(), new_id()
    await rig.switch.send_digits(caller, "159#", command_id=first)
    await rig.switch.send_digits(caller, "0*8AD", command_id=second)
    sent = await rig.story.until(caller, Kind.LEG_DIGITS_SENT, times=2)
    assert [(event.call_id, event.command_id, event.data) for event in rig.story.about(caller)[-2:]] == [
        (call_id, first, {"digits": "159#"}),
        (call_id, second, {"digits": "0*8AD"}),
    ]
    assert sent.kind is Kind.LEG_DIGITS_SENT
    await eventually(lambda: rig.digits_heard(caller), "159#0*8AD")
    assert rig.digits_heard(agent) == ""
    await rig.switch.send_digits(caller, "0*8AD", command_id=second)
    await rig.switch.set_muted(agent, False, command_id=new_id())
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({agent}, {caller}))
    assert rig.digits_heard(caller) == "159#0*8AD"


async def test_keys_that_came_by_signalling_are_reported_one_by_one(rig: Rig) -> None:
    call_id, caller, agent = await a_conversation(rig)
    pressing = new_id()
    for _ in range(2):
        await rig.switch.report_digits(caller, "42#", command_id=pressing)
    await rig.story.until(caller, Kind.LEG_DIGIT, times=3)
    await rig.switch.report_digits(caller, "7", command_id=new_id())
    await rig.story.until(caller, Kind.LEG_DIGIT, times=4)
    told = rig.story.about(caller, Kind.LEG_DIGIT)
    assert [event.data["digit"] for event in told] == ["4", "2", "#", "7"]
    assert (told[0].call_id, told[0].command_id) == (call_id, pressing)
    assert rig.hears(agent) == {caller}
    assert rig.digits_heard(caller) == rig.digits_heard(agent) == ""


@pytest.mark.parametrize("digits", ["x", "1 2", "a", "1" * 33, "\u0661", "12\n"])
async def test_what_no_keypad_has_is_refused(rig: Rig, digits: str) -> None:
    caller = await rig.join(CALLER, None)
    for command in (rig.switch.send_digits, rig.switch.report_digits):
        with pytest.raises(SwitchError) as refused:
            await command(caller, digits, command_id=new_id())
        assert (refused.value.code, refused.value.retryable) == ("digits_invalid", False)


async def test_a_key_sounds_for_80_ms_with_80_ms_between(media_process: MediaProcess) -> None:
    rig = EmbeddedRig(media_process)
    caller = await rig.join(CALLER, await a_call(rig))
    await rig.switch.send_digits(caller, "2580", command_id=new_id())
    await rig.story.until(caller, Kind.LEG_DIGITS_SENT)
    await eventually(lambda: rig.digits_heard(caller), "2580")
    await eventually(lambda: rig.party(caller).hears_anything(), False)
    tones = rig.digit_tones(caller)
    # Windows of 20 ms see a tone while it fills about half of one.
    assert all(0.055 <= tone.seconds <= 0.105 for tone in tones), tones
    between = [after.begin_s - before.begin_s for before, after in itertools.pairwise(tones)]
    assert all(0.14 <= seconds <= 0.18 for seconds in between), tones
    await rig.close()


async def test_a_party_that_hangs_up_is_reported_and_the_others_stay(rig: Rig) -> None:
    call_id, caller, agent = await a_conversation(rig)
    await rig.hang_up(caller)
    gone = await rig.story.until(caller, Kind.LEG_GONE, within_s=2.0)
    assert (gone.data, gone.call_id, gone.command_id) == ({"reason": "hung_up"}, call_id, None)
    await eventually(lambda: rig.hears(agent), set())
    with pytest.raises(SwitchError) as refused:
        await rig.switch.set_muted(caller, True, command_id=new_id())
    assert refused.value.code == "leg_not_found"
    await rig.hang_up(agent)
    assert (await rig.story.until(agent, Kind.LEG_GONE, within_s=2.0)).data == {"reason": "hung_up"}
    assert not rig.story.about(call_id, Kind.CALL_ENDED)


async def test_a_removed_leg_is_gone_once_with_its_play(rig: Rig) -> None:
    caller = await rig.join(CALLER, await a_call(rig))
    play_id, removing = new_id(), new_id()
    await rig.switch.play(caller, (MUSIC,), loop_last=True, play_id=play_id, command_id=new_id())
    await rig.switch.remove_leg(caller, command_id=removing)
    await rig.switch.remove_leg(caller, command_id=new_id())
    gone = await rig.story.until(caller, Kind.LEG_GONE)
    assert (gone.data, gone.command_id) == ({"reason": "removed"}, removing)
    kinds = [event.kind for event in rig.story.about(caller)]
    assert kinds == [Kind.LEG_CONNECTED, Kind.PLAY_FINISHED, Kind.LEG_GONE]


async def test_ending_a_call_removes_callers_and_frees_agents(rig: Rig) -> None:
    call_id, caller, agent = await a_conversation(rig)
    ending = new_id()
    await rig.switch.end_call(call_id, command_id=ending)
    await rig.switch.end_call(call_id, command_id=new_id())
    ended = await rig.story.until(call_id, Kind.CALL_ENDED)
    assert ended.command_id == ending
    assert (await rig.story.until(caller, Kind.LEG_GONE)).data == {"reason": "removed"}
    assert (await rig.story.until(agent, Kind.LEG_MOVED)).call_id is None
    await eventually(lambda: rig.hears(agent), set())
    await rig.switch.move_leg(agent, await a_call(rig), command_id=new_id())
    await rig.story.until(agent, Kind.LEG_MOVED, times=2)
    assert len(rig.story.about(call_id, Kind.CALL_ENDED)) == 1


async def test_a_caller_whose_network_dies_is_gone(rig: Rig) -> None:
    call_id, caller, agent = await a_conversation(rig)
    await rig.fall_silent(caller)
    gone = await rig.story.until(caller, Kind.LEG_GONE)
    assert (gone.data, gone.call_id) == ({"reason": "no_media"}, call_id)
    await eventually(lambda: rig.hears(agent), set())


async def test_an_idle_agent_may_send_nothing_and_a_caller_may_not(rig: Rig) -> None:
    call_id = await a_call(rig)
    caller, agent = await asyncio.gather(rig.join(CALLER, call_id), rig.join(AGENT, None))
    await asyncio.gather(rig.remove_microphone(caller), rig.remove_microphone(agent))
    assert (await rig.story.until(caller, Kind.LEG_GONE)).data == {"reason": "no_media"}
    other = await rig.join(CALLER, call_id)
    await rig.bring_microphone(agent)
    await rig.switch.move_leg(agent, call_id, command_id=new_id())
    await eventually(lambda: (rig.hears(other), rig.hears(agent)), ({agent}, {other}))


async def test_an_agent_who_sends_nothing_in_a_call_is_gone_after_three_times_as_long(rig: Rig) -> None:
    _, _, agent = await a_conversation(rig)
    await rig.remove_microphone(agent)
    gone = await rig.story.until(agent, Kind.LEG_GONE, within_s=12.0)
    assert gone.data == {"reason": "no_media"}


async def test_a_leg_that_never_connects_is_gone(rig: Rig) -> None:
    leg_id = new_id()
    await rig.switch.add_webrtc_leg(
        leg_id, await rig.offer(), role=CALLER, call_id=await a_call(rig), command_id=new_id()
    )
    await rig.never_connect(leg_id)
    assert (await rig.story.until(leg_id, Kind.LEG_GONE)).data == {"reason": "set_up_failed"}


async def test_another_offer_rebuilds_the_leg_where_it_stands(rig: Rig) -> None:
    call_id, caller, agent = await a_conversation(rig)
    await rig.switch.set_muted(caller, True, command_id=new_id())
    await eventually(lambda: rig.hears(agent), set())
    await rig.rejoin(caller)
    assert rig.story.about(caller, Kind.LEG_CONNECTED)[-1].call_id == call_id
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({agent}, set()))
    await rig.switch.set_muted(caller, False, command_id=new_id())
    await eventually(lambda: (rig.hears(caller), rig.hears(agent)), ({agent}, {caller}))
    assert not rig.story.about(caller, Kind.LEG_GONE)


async def test_a_repeated_command_is_done_once(rig: Rig) -> None:
    call_id, caller, agent = await a_conversation(rig)
    muting, moving, playing, play_id = new_id(), new_id(), new_id(), new_id()
    for _ in range(3):
        await rig.switch.set_muted(caller, True, command_id=muting)
        await rig.switch.move_leg(agent, None, command_id=moving)
        await rig.switch.play(agent, (MUSIC,), loop_last=True, play_id=play_id, command_id=playing)
    await rig.switch.end_call(call_id, command_id=new_id())
    await rig.story.until(call_id, Kind.CALL_ENDED)
    assert len(rig.story.about(caller, Kind.LEG_MUTED)) == 1
    assert len(rig.story.about(agent, Kind.LEG_MOVED)) == 1
    assert not rig.story.about(agent, Kind.PLAY_FINISHED)


async def test_a_repeated_offer_gets_the_same_answer(rig: Rig) -> None:
    leg_id, call_id, command_id = new_id(), await a_call(rig), new_id()
    offer = await rig.offer()
    answers = await asyncio.gather(
        *(
            rig.switch.add_webrtc_leg(leg_id, offer, role=CALLER, call_id=call_id, command_id=command_id)
            for _ in range(3)
        )
    )
    assert len(set(answers)) == 1
    with pytest.raises(SwitchError) as refused:
        await rig.switch.remove_leg(leg_id, command_id=command_id)
    assert (refused.value.code, refused.value.retryable) == ("command_reused", False)
    await rig.switch.remove_leg(leg_id, command_id=new_id())


async def test_unknown_ids_are_refused(rig: Rig) -> None:
    caller = await rig.join(CALLER, await a_call(rig))
    nobody, nothing = new_id(), new_id()
    switch, offer = rig.switch, await rig.offer()
    for code, command in (
        ("call_not_found", switch.end_call(nothing, command_id=new_id())),
        ("call_not_found", switch.move_leg(caller, nothing, command_id=new_id())),
        (
            "call_not_found",
            switch.add_webrtc_leg(nobody, offer, role=CALLER, call_id=nothing, command_id=new_id()),
        ),
        ("leg_not_found", switch.move_leg(nobody, None, command_id=new_id())),
        ("leg_not_found", switch.remove_leg(nobody, command_id=new_id())),
        ("leg_not_found", switch.set_muted(nobody, True, command_id=new_id())),
        ("leg_not_found", switch.set_held(nobody, True, music=HOLD, command_id=new_id())),
        (
            "leg_not_found",
            switch.play(nobody, (MUSIC,), loop_last=True, play_id=new_id(), command_id=new_id()),
        ),
        ("play_not_found", switch.stop_play(nothing, command_id=new_id())),
        ("leg_not_found", switch.send_digits(nobody, "1", command_id=new_id())),
        ("leg_not_found", switch.report_digits(nobody, "1", command_id=new_id())),
        (
            "media_not_found",
            switch.play(caller, ("music/none",), loop_last=True, play_id=new_id(), command_id=new_id()),
        ),
        ("media_not_found", switch.set_held(caller, True, music="music/none", command_id=new_id())),
        (
            "offer_invalid",
            switch.add_webrtc_leg(new_id(), "hello", role=CALLER, call_id=None, command_id=new_id()),
        ),
    ):
        with pytest.raises(SwitchError) as refused:
            await command
        assert (refused.value.code, refused.value.retryable) == (code, False)


async def test_ids_of_gone_legs_and_ended_calls_are_not_used_again(rig: Rig) -> None:
    call_id = await a_call(rig)
    caller = await rig.join(CALLER, call_id)
    await rig.switch.end_call(call_id, command_id=new_id())
    with pytest.raises(SwitchError) as refused:
        await rig.switch.create_call(call_id, command_id=new_id())
    assert refused.value.code == "call_ended"
    with pytest.raises(SwitchError) as refused:
        await rig.switch.add_webrtc_leg(
            caller, await rig.offer(), role=CALLER, call_id=None, command_id=new_id()
        )
    assert refused.value.code == "leg_gone"


async def test_events_resumed_after_a_sequence_have_no_gap_and_no_double(rig: Rig) -> None:
    _, caller, _ = await a_conversation(rig)
    for muted in (True, False, True, False):
        await rig.switch.set_muted(caller, muted, command_id=new_id())
    last = await rig.story.until(caller, Kind.LEG_MUTED, times=4)
    told = list(rig.story.events)
    assert [event.sequence for event in told] == list(range(1, len(told) + 1))
    after = last.sequence - 3
    async with contextlib.aclosing(rig.switch.events(epoch=last.epoch, after=after)) as events:
        resumed = [await anext(events) for _ in range(last.sequence - after)]
    assert resumed == told[after : last.sequence]


async def test_health_counts_calls_and_legs(rig: Rig) -> None:
    before = await rig.switch.health()
    _, _, agent = await a_conversation(rig)
    after = await rig.switch.health()
    assert (after.calls - before.calls, after.legs - before.legs) == (1, 2)
    assert after.epoch == (await rig.story.until(agent, Kind.LEG_CONNECTED)).epoch
    assert after.accepting


@pytest.mark.parametrize("kind", ["embedded", "scripted"])
async def test_a_restarted_switch_has_a_higher_epoch_and_knows_no_earlier_call(
    kind: str, media_process: MediaProcess
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        # A process of its own, because the other tests' must go on.
        rig = (
            ScriptedRig()
            if kind == "scripted"
            else EmbeddedRig(await stack.enter_async_context(a_media_process()))
        )
        call_id = await a_call(rig)
        caller = await rig.join(CALLER, call_id)
        before = rig.story.events[-1]
        await rig.restart()
        with pytest.raises(SwitchError) as refused:
            await rig.switch.set_muted(caller, True, command_id=new_id())
        assert refused.value.code == "leg_not_found"
        newcomer = await rig.join(CALLER, await a_call(rig))
        connected = await rig.story.until(newcomer, Kind.LEG_CONNECTED)
        assert connected.epoch > before.epoch
        assert connected.sequence == 1
        await rig.close()


async def test_a_switch_that_is_stopped_says_good_bye_to_its_parties(media_process: MediaProcess) -> None:
    async with a_media_process() as process:
        rig = EmbeddedRig(process)
        caller = await rig.join(CALLER, await a_call(rig))
        assert await process.stop() == 0
        await eventually(lambda: rig.connection_state(caller), "closed", within_s=2.0)
        await rig.close()


async def test_a_switch_that_hangs_breaks_the_stream_of_events(media_process: MediaProcess) -> None:
    async with a_media_process() as process:
        rig = EmbeddedRig(process)
        caller = await rig.join(CALLER, await a_call(rig))
        process.signal(signal.SIGSTOP)
        try:
            with pytest.raises(SwitchError) as broken:
                async with asyncio.timeout(4 * HEARTBEAT_S):
                    async for _ in rig.switch.events(epoch=None, after=0):
                        pass
            assert (broken.value.code, broken.value.retryable) == ("switch_unreachable", True)
        finally:
            process.signal(signal.SIGCONT)
        await rig.hang_up(caller)
        await rig.close()


async def test_the_control_door_needs_its_key(media_process: MediaProcess) -> None:
    async with RemoteSwitch(media_process.address, CONTROL_KEY + "x") as stranger:
        with pytest.raises(SwitchError) as refused:
            await stranger.health()
    assert (refused.value.code, refused.value.retryable) == ("key_wrong", False)


async def test_what_is_no_command_is_refused(media_process: MediaProcess) -> None:
    key = {"Authorization": f"Bearer {CONTROL_KEY}"}
    async with httpx2.AsyncClient(base_url=media_process.address, headers=key) as client:
        for body in (
            b"",
            b"[]",
            b"{}",
            b'{"command_id":"1","verb":"dance","params":{}}',
            b'{"command_id":"1","verb":"set_muted","params":{"leg_id":"x","muted":"yes"}}',
            b'{"command_id":"1","verb":"play","params":{"leg_id":"x","media":"y"}}',
            b" " * 200_000,
        ):
            response = await client.post("/v1/commands", content=body)
            assert (response.status_code, response.json()["code"]) == (422, "command_invalid")


async def test_a_switch_that_is_not_there_is_to_be_asked_again() -> None:
    async with RemoteSwitch("http://127.0.0.1:18599", CONTROL_KEY) as nobody:
        with pytest.raises(SwitchError) as refused:
            await nobody.health()
        assert (refused.value.code, refused.value.retryable) == ("switch_unreachable", True)
        with pytest.raises(SwitchError) as refused:
            async for _ in nobody.events(epoch=None, after=0):
                pass
        assert refused.value.retryable
