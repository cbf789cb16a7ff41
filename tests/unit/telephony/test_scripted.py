"""What the scripted twin offers to tests beyond the contract of the seam."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tieline.telephony.scripted import ScriptedSwitch
from tieline.telephony.switch import LegRole, SwitchError
from tieline.telephony.switch import SwitchEventKind as Kind


async def a_leg(switch: ScriptedSwitch) -> None:
    await switch.add_webrtc_leg("leg", "v=0", role=LegRole.CALLER, call_id=None, command_id="add")


async def test_legs_connect_by_themselves_unless_told_otherwise() -> None:
    switch = ScriptedSwitch()
    await a_leg(switch)
    async with asyncio.timeout(1), contextlib.aclosing(switch.events(epoch=None, after=0)) as events:
        assert (await anext(events)).kind is Kind.LEG_CONNECTED


async def test_a_verb_fails_as_often_as_it_was_told_to_and_then_works() -> None:
    switch = ScriptedSwitch()
    await a_leg(switch)
    switch.fail_next("set_muted", SwitchError("switch_unreachable", "away", retryable=True))
    with pytest.raises(SwitchError):
        await switch.set_muted("leg", True, command_id="1")
    await switch.set_muted("leg", True, command_id="1")
    assert switch.board.leg("leg").muted
    assert [command.verb for command in switch.commands] == ["add_webrtc_leg", "set_muted", "set_muted"]


async def test_a_verb_that_is_held_back_takes_effect_afterwards() -> None:
    switch = ScriptedSwitch()
    await a_leg(switch)
    async with switch.hold_back("set_muted"):
        asked = asyncio.create_task(switch.set_muted("leg", True, command_id="1"))
        await asyncio.sleep(0)
        assert not switch.board.leg("leg").muted
    await asked
    assert switch.board.leg("leg").muted


async def test_a_switch_that_accepts_nothing_is_to_be_asked_again() -> None:
    switch = ScriptedSwitch()
    switch.accepting = False
    with pytest.raises(SwitchError) as refused:
        await a_leg(switch)
    assert (refused.value.code, refused.value.retryable) == ("switch_busy", True)


async def test_a_pressed_key_is_reported() -> None:
    switch = ScriptedSwitch(auto_connect=False)
    await a_leg(switch)
    switch.press("leg", "5")
    async with asyncio.timeout(1), contextlib.aclosing(switch.events(epoch=None, after=0)) as events:
        told = await anext(events)
    assert (told.kind, told.data) == (Kind.LEG_DIGIT, {"digit": "5"})
