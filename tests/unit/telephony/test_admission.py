"""A switch whose mixer runs late takes no more legs."""

from __future__ import annotations

import pytest

from tieline.telephony.embedded.engine import BUSY_LAG_MS, EmbeddedSwitch
from tieline.telephony.embedded.ticker import Lateness
from tieline.telephony.switch import LegRole, SwitchError


def a_lateness(milliseconds: float) -> Lateness:
    lateness = Lateness()
    for _ in range(500):
        lateness.note(milliseconds / 1000)
    return lateness


async def test_a_late_mixer_refuses_new_legs_for_now() -> None:
    async with EmbeddedSwitch("test", lateness=a_lateness(BUSY_LAG_MS + 1)) as switch:
        assert not (await switch.health()).accepting
        with pytest.raises(SwitchError) as refused:
            await switch.add_webrtc_leg("leg", "v=0", role=LegRole.CALLER, call_id=None, command_id="1")
        assert (refused.value.code, refused.value.retryable) == ("switch_busy", True)


async def test_a_mixer_in_time_accepts() -> None:
    async with EmbeddedSwitch("test", lateness=a_lateness(BUSY_LAG_MS - 1)) as switch:
        assert (await switch.health()).accepting


async def test_a_switch_that_has_refused_accepts_only_when_it_is_calm_again() -> None:
    lateness = a_lateness(BUSY_LAG_MS + 1)
    switch = EmbeddedSwitch("test", lateness=lateness)
    assert not (await switch.health()).accepting
    for _ in range(500):
        lateness.note((BUSY_LAG_MS - 1) / 1000)
    assert not (await switch.health()).accepting
    for _ in range(500):
        lateness.note(0.001)
    assert (await switch.health()).accepting
