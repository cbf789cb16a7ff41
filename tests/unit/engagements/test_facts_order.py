"""However facts of the switch arrive - doubled, reordered, missing for a while, again on the next day - what
comes of them is what comes of the ordered log."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.faults.floor import CALLEE, Floor, doubled

from tieline.db.database import Database
from tieline.engagements.engagement import State

pytestmark = pytest.mark.timeout(600 if settings().max_examples <= 100 else 0)

Steps = list[tuple[str, int]]
Deliver = Callable[[Floor], Awaitable[None]]

STEPS = (
    "call",
    "call",
    "answer",
    "answer",
    "decline",
    "hold",
    "resume",
    "mute",
    "unmute",
    "press",
    "send_digits",
    "caller_leaves",
    "caller_lost",
    "agent_hangs_up",
    "close",
    "dial",
    "pick_up",
    "agent_audio_lost",
    "agent_audio_back",
    "music_ends",
    "restart",
    "time_passes",
)
SEQUENCES = 5
"""So many ways in which the facts of one script arrive: a hundred scripts make five hundred sequences."""
steps = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 3)), min_size=2, max_size=6)


async def act(floor: Floor, step: str, which: int) -> None:
    """One thing that people, the network or time do; nothing if there is nobody to do it."""
    rows = await floor.open_engagements()
    if step == "call":
        await floor.arrive(f"+1415555{1000 + len(floor.log):04}")
        rows = await floor.open_engagements()
        floor.far(floor.switch.connect, rows[-1].caller_leg_id)
    elif step == "dial":
        await floor.command(which % 2, "engagement.dial", number=CALLEE)
    elif step == "agent_audio_back":
        if await floor.command(which % 2, "audio.connect", sdp="v=0"):
            await floor.answer_line(which % 2)
    elif step == "restart":
        await floor.restart()
    elif step == "time_passes":
        await floor.let_time_pass()
    elif rows:
        await on_engagement(floor, step, rows[which % len(rows)])
    floor.hear()


async def on_engagement(floor: Floor, step: str, row: Any) -> None:
    agents = {seat.agent_id: index for index, seat in enumerate(floor.seats)}
    mine = agents.get(row.agent_id)
    id = str(row.id)
    if step in ("caller_leaves", "caller_lost", "music_ends", "press"):
        switch = floor.switch
        acts: dict[str, Any] = {
            "caller_leaves": switch.hang_up,
            "caller_lost": switch.lose_media,
            "music_ends": switch.end_media,
        }
        if step == "press":
            floor.far(switch.press, row.caller_leg_id, "5")
        else:
            floor.far(acts[step], row.caller_leg_id)
    elif step == "pick_up":
        await floor.pick_up(row.id)
        floor.far(floor.switch.connect, row.caller_leg_id)
    elif mine is None:
        return
    elif step == "agent_audio_lost":
        await floor.lose_line(mine)
    elif step == "send_digits":
        await floor.command(mine, "engagement.digits", engagement_id=id, digits="12#")
    else:
        name = "engagement.hang_up" if step == "agent_hangs_up" else f"engagement.{step}"
        await floor.command(mine, name, engagement_id=id)


async def in_order(floor: Floor) -> None:
    """Facts arrive as a perfect network brings them."""
    await floor.catch_up()


def disturbed(rng: random.Random) -> Deliver:
    """Facts arrive doubled, out of order, mixed with those of long ago, some of them late."""

    async def deliver(floor: Floor) -> None:
        await floor.settle()
        coming = [e for e in floor.log[floor.taken :] if rng.random() < 0.8]
        coming += [doubled(rng.choice(floor.log)) for _ in range(rng.randint(0, 2)) if floor.log]
        rng.shuffle(coming)
        for event in coming:
            await floor.deliver(event)
        # A gap makes the consumer read the log again from where it stands.
        await floor.catch_up()

    return deliver


async def lived(floor: Floor, script: Steps, deliver: Deliver) -> dict[str, Any]:
    """What comes of a script with facts delivered in one way."""
    await floor.begin()
    for step, which in script:
        await act(floor, step, which)
        await deliver(floor)
    return await floor.end_state()


@pytest.fixture(scope="module")
async def floors(database: Database) -> AsyncIterator[list[Floor]]:
    floors = [await Floor.open(database) for _ in range(SEQUENCES + 1)]
    yield floors
    for floor in floors:
        await floor.close()


@pytest.fixture
def floor(floors: list[Floor]) -> Floor:
    return floors[0]


@settings(max_examples=max(100, settings().max_examples // SEQUENCES))
@given(
    script=steps, seeds=st.lists(st.integers(0, 2**32), min_size=SEQUENCES, max_size=SEQUENCES, unique=True)
)
@example(script=[("call", 0), ("call", 0), ("call", 0), ("restart", 0)], seeds=[0, 1, 2, 3, 4])
async def test_end_state_is_that_of_the_ordered_log(
    floors: list[Floor], script: Steps, seeds: list[int]
) -> None:
    ways = [in_order, *(disturbed(random.Random(seed)) for seed in seeds)]
    lives = zip(floors, ways, strict=True)
    done = await asyncio.gather(*(lived(floor, script, way) for floor, way in lives), return_exceptions=True)
    for state in done:
        if isinstance(state, BaseException):
            raise state
        assert state == done[0]


@settings(max_examples=max(50, settings().max_examples // 10))
@given(script=steps)
async def test_replay_on_the_next_day_changes_nothing(floor: Floor, script: Steps) -> None:
    before = await lived(floor, script, in_order)
    await floor.next_day()
    try:
        for event in floor.log:
            await floor.deliver(doubled(event))
    finally:
        await floor.next_day(back=True)
    assert await floor.end_state() == before


@settings(max_examples=max(100, settings().max_examples // SEQUENCES))
@given(script=steps, seed=st.integers(0, 2**32))
async def test_facts_that_lag_behind_commands_leave_nothing_stuck(
    floor: Floor, script: Steps, seed: int
) -> None:
    rng = random.Random(seed)
    await floor.begin()
    for step, which in script:
        await act(floor, step, which)
        for event in floor.log[floor.taken :]:
            if rng.random() < 0.5:
                break
            await floor.deliver(event)
    await floor.catch_up()
    await everybody_leaves(floor)
    state = await floor.end_state()
    assert {e["state"] for e in state["engagements"]} <= {State.CLOSED}
    assert [a[3] for a in state["agents"]] == [None, None], "no agent is stuck"
    assert "offered" not in [o[2] for o in state["offers"]]
    calls = list(range(len(state["engagements"])))
    assert [log[0] for log in state["logs"]] == calls, "each call has one log"
    assert state["deliveries"] == calls
    assert await floor.commands_waiting() == 0
    assert state["switch"][0] == 0, "no call is left at the switch"


async def everybody_leaves(floor: Floor) -> None:
    """Callers hang up, and time passes until nothing is open."""
    for _ in range(6):
        rows = await floor.open_engagements()
        if not rows:
            return
        for row in rows:
            floor.far(floor.switch.hang_up, row.caller_leg_id)
        await floor.catch_up()
        await floor.let_time_pass()
        await floor.catch_up()
    pytest.fail(f"still open: {[(r.state, r.pending) for r in await floor.open_engagements()]}")
