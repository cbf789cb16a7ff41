"""Two web nodes on one database: any node serves anybody, and a node that dies takes nothing with it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time

import pytest
from sqlalchemy import func, select
from tests.faults.conftest import AGENTS
from tests.faults.installation import Caller, Installation, until

from tieline.engagements.tables import media_node, offer

pytestmark = pytest.mark.timeout(300)

CALLS_PER_S = 6
"""What two cores serve when callers, agents, switch, database and two nodes share them."""
KILLS = 4


async def test_callers_of_one_node_reach_agents_of_the_other(both: Installation) -> None:
    agent = await both.agent(0, "b")
    caller = await both.caller("a")
    card = await agent.card("offered")
    assert card["id"] == caller.call_id
    assert (await agent.send("engagement.answer", engagement_id=card["id"]))["type"] == "done"
    await agent.card("connected")
    await caller.told("talking")


class Load:
    """Callers who come at a rate, by whichever node answers, and wait until they are served."""

    def __init__(self, at: Installation) -> None:
        self._at = at
        self.accepted: list[str] = []
        self._stop = asyncio.Event()
        self._callers: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Until `stop`."""
        number = 0
        while not self._stop.is_set():
            number += 1
            task = asyncio.create_task(self._call(number))
            self._callers.add(task)
            task.add_done_callback(self._callers.discard)
            await asyncio.sleep(1 / CALLS_PER_S)
        if self._callers:
            await asyncio.wait(self._callers, timeout=20)

    async def _call(self, number: int) -> None:
        for attempt in range(30):
            caller = Caller(self._at, number)
            try:
                async with asyncio.timeout(10):
                    answer = await caller.dial("ab"[(number + attempt) % 2])
            except Exception:
                # The node died before it said yes: the caller dials again.
                await caller.leave()
                await asyncio.sleep(0.2)
                continue
            if caller.call_id is not None:
                self.accepted.append(caller.call_id)
                await self._finish(caller)
                return
            assert answer["code"] == "switch_unavailable", answer
            await caller.leave()
            await asyncio.sleep(0.2)

    async def _finish(self, caller: Caller) -> None:
        with contextlib.suppress(Exception):
            await caller.told("ended", within_s=20)
        await caller.leave()

    def stop(self) -> None:
        """No new callers."""
        self._stop.set()


@pytest.mark.soak
async def test_kill_9_under_load_loses_no_call_and_offers_none_twice(both: Installation) -> None:
    await both.set_queue(wrap_up_ms=0)
    agents = [await both.agent(i, "ab" if i % 2 else "ba", answers=True) for i in range(AGENTS)]
    load = Load(both)
    running = asyncio.create_task(load.run())
    await until(lambda: several(load, 10), within_s=30, why="for calls to begin")
    returns: list[float] = []
    for turn in range(KILLS):
        victim = "ab"[turn % 2]
        stranded = [a for a in agents if a.node == victim]
        killed = time.monotonic()
        await both.kill(victim)
        returns += [await agent.back(after=killed, within_s=20) - killed for agent in stranded]
        before = len(load.accepted)
        await until(lambda before=before: several(load, before + 5), within_s=30, why="for calls to go on")
        await both.start(victim)
    load.stop()
    await running

    await until(lambda: served(both, load), within_s=40, why="for every caller to be served")
    rows = await both.engagements()
    lost = {id: await both.story(id) for id in load.accepted if rows[id].outcome != "answered"}
    assert lost == {}, "no accepted call was lost"
    assert await both.double_offers() == []
    assert max(returns) <= 5, returns
    assert len(load.accepted) >= 30
    async with both.db.system() as tx:
        assert await tx.scalar(select(func.count()).where(offer.c.state == "offered")) == 0


async def served(both: Installation, load: Load) -> bool:
    rows = await both.engagements()
    return all(rows[id].state == "closed" for id in load.accepted)


async def several(load: Load, number: int) -> bool:
    return len(load.accepted) >= number


async def test_command_on_its_way_when_the_node_dies_is_done_once(both: Installation) -> None:
    agent = await both.agent(0, "ab")
    caller = await both.caller("b")
    card = await agent.card("offered")
    both.signal("a", signal.SIGSTOP)
    answering = asyncio.create_task(agent.send("engagement.answer", engagement_id=card["id"]))
    await asyncio.sleep(0)
    await both.kill("a")
    assert (await answering)["type"] == "done"
    assert agent.node == "b"
    await agent.card("connected")
    await caller.told("talking")
    assert [verb for _, verb in await both.asked()].count("move_leg") == 1


async def test_call_page_of_a_node_that_died_shows_its_call_again_by_the_other(both: Installation) -> None:
    agent = await both.agent(0, "b")
    caller = await both.caller("a")
    card = await agent.card("offered")
    await both.kill("a")
    assert (await agent.send("engagement.answer", engagement_id=card["id"]))["type"] == "done"
    await agent.card("connected")
    await caller.resume("b")
    await caller.told("talking")
    assert (await agent.send("engagement.hold", engagement_id=card["id"]))["type"] == "done"
    await caller.told("held")


async def test_seat_stays_with_the_page_that_came_back(both: Installation) -> None:
    agent = await both.agent(0, "a")
    left_behind = agent.forsake()
    await agent.back(after=time.monotonic() - 0.001, within_s=5)
    # Longer than seats are renewed: the old socket still lives and has had its chance.
    end = time.monotonic() + 5
    while time.monotonic() < end:
        await left_behind.socket.send('{"type":"ping"}')
        assert agent.state["owner"]
        assert (await agent.send("status.set", status="ready", reason=None))["type"] == "done"
        await asyncio.sleep(0.5)
    assert not left_behind.state["owner"]
    await left_behind.leave()


@pytest.mark.soak
async def test_stopped_node_that_wakes_up_acts_on_nothing_any_more(both: Installation) -> None:
    zombies = await both.agent(0, "ab")
    caller = await both.caller("b")
    card = await zombies.card("offered")
    await zombies.send("engagement.answer", engagement_id=card["id"])
    await zombies.card("connected")
    stopped = time.monotonic()
    both.signal("a", signal.SIGSTOP)
    # The page sees that nothing comes any more and goes to the other node under its seat.
    await zombies.abandon_socket()
    await zombies.back(after=stopped, within_s=5)
    assert zombies.node == "b"

    async def taken_over() -> bool:
        async with both.db.system() as tx:
            return await tx.scalar(select(media_node.c.consumer_until > tx.now))

    await until(taken_over, within_s=10)
    await zombies.send("engagement.hold", engagement_id=card["id"])
    await caller.told("held")
    await asyncio.sleep(max(0.0, stopped + 30 - time.monotonic()))  # as long as the fault is meant to last
    both.signal("a", signal.SIGCONT)
    await both.serving("a", within_s=5)
    await zombies.send("engagement.resume", engagement_id=card["id"])
    await caller.told("talking")
    later = await both.caller("a", address=2)
    await later.told("waiting")
    # Two leases later it is still the other node's agent, who talks as before.
    end = time.monotonic() + 5
    while time.monotonic() < end:
        assert zombies.state["owner"]
        assert zombies.node == "b"
        await asyncio.sleep(0.25)
    await zombies.send("engagement.hang_up", engagement_id=card["id"])
    await caller.told("ended")
    assert await both.double_offers() == []
    verbs = [verb for _, verb in await both.asked()]
    assert verbs.count("set_held") == 2
