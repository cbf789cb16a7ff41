"""The seam as JSON."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.telephony.scripted import ScriptedSwitch
from tieline.telephony.switch import SwitchError, SwitchEvent, SwitchEventKind, SwitchHealth
from tieline.telephony.wire import (
    error_from_json,
    error_to_json,
    event_from_json,
    event_to_json,
    health_from_json,
    health_to_json,
    perform,
)

IDS = st.none() | st.uuids().map(str)
EVENTS = st.builds(
    SwitchEvent,
    node=st.text(min_size=1),
    epoch=st.integers(0, 1 << 45),
    sequence=st.integers(1),
    kind=st.sampled_from(SwitchEventKind),
    at_ms=st.integers(0, 1 << 45),
    call_id=IDS,
    leg_id=IDS,
    command_id=IDS,
    data=st.dictionaries(st.text(), st.booleans() | st.text()),
)


@given(EVENTS)
def test_an_event_survives_the_wire(event: SwitchEvent) -> None:
    assert event_from_json(json.loads(json.dumps(event_to_json(event)))) == event


def test_health_and_refusals_survive_the_wire() -> None:
    health = SwitchHealth("node", 5, 1, 2, 3.5, accepting=True, late_share=0.25)
    assert health_from_json(json.loads(json.dumps(health_to_json(health)))) == health
    refusal = error_from_json(error_to_json(SwitchError("switch_busy", "later", retryable=True)))
    assert (refusal.code, str(refusal), refusal.retryable) == ("switch_busy", "later", True)


@pytest.mark.parametrize(
    "command",
    [
        None,
        [],
        {"verb": "create_call", "params": {"call_id": "x"}},
        {"command_id": "1", "verb": "create_call"},
        {"command_id": "1", "verb": "create_call", "params": {}},
        {"command_id": "", "verb": "create_call", "params": {"call_id": "x"}},
        {"command_id": "1", "verb": "health", "params": {}},
        {"command_id": "1", "verb": "move_leg", "params": {"leg_id": "x", "call_id": 5}},
        {
            "command_id": "1",
            "verb": "add_webrtc_leg",
            "params": {"leg_id": "x", "offer_sdp": "v=0", "role": "spy"},
        },
        {
            "command_id": "1",
            "verb": "play",
            "params": {"leg_id": "x", "media": [1], "loop_last": True, "play_id": "p"},
        },
    ],
)
async def test_what_is_no_command_reaches_no_switch(command: object) -> None:
    switch = ScriptedSwitch()
    with pytest.raises(SwitchError) as refused:
        await perform(switch, command)
    assert (refused.value.code, refused.value.retryable) == ("command_invalid", False)
    assert switch.commands == []
