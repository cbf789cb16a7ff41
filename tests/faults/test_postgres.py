"""PostgreSQL stands still, is restarted, loses its connections: no call is lost, and all go on by themselves."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from tests.faults.installation import Agent, Caller, Installation, until

pytestmark = pytest.mark.timeout(300)

OUTAGE_S = 5


async def stands_still(at: Installation) -> None:
    """Every process of the server is stopped, and goes on."""
    master = at.postgres.process.pid
    processes = [master, *await backends(at)]
    for pid in processes:
        at.signal_pid(pid, signal.SIGSTOP)
    await asyncio.sleep(OUTAGE_S)
    for pid in processes:
        at.signal_pid(pid, signal.SIGCONT)


async def backends(at: Installation) -> list[int]:
    connection = await asyncpg.connect(at.postgres.url("tieline"))
    rows = await connection.fetch("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    await connection.close()
    return [row["pid"] for row in rows]


async def stops_and_starts(at: Installation) -> None:
    """The server stops at once and comes back after a while."""
    await at.postgres.halt()
    await asyncio.sleep(OUTAGE_S)
    await at.postgres.resume()


async def restarts(at: Installation) -> None:
    """The server stops at once and is started at once."""
    await at.postgres.halt()
    await at.postgres.resume()


async def loses_all_connections(at: Installation) -> None:
    """Every connection is ended by the server, several times."""
    for _ in range(3):
        connection = await asyncpg.connect(at.postgres.url("tieline"))
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND application_name LIKE 'tieline%'"
        )
        await connection.close()
        await asyncio.sleep(0.2)


async def talking(at: Installation, index: int, node: str) -> tuple[Agent, Caller, str]:
    agent = await at.agent(index, node)
    caller = await at.caller(node, address=index)
    card = await agent.card("offered")
    await agent.send("engagement.answer", engagement_id=card["id"])
    await agent.card("connected")
    await caller.told("talking")
    return agent, caller, card["id"]


@pytest.mark.soak
@pytest.mark.parametrize("outage", [stands_still, stops_and_starts, restarts, loses_all_connections])
async def test_no_call_is_lost_and_doors_answer_within_3_s(
    both: Installation, outage: Callable[[Installation], Awaitable[None]]
) -> None:
    agent, caller, id = await talking(both, 0, "a")
    waiting = await both.caller("b", address=9)
    await waiting.told("waiting")

    await outage(both)
    back = time.monotonic()
    for node in ("a", "b"):
        await both.serving(node, within_s=10)
    assert time.monotonic() - back <= 3, "both nodes answer again"

    # The conversation: commands work, facts are taken, and both ends are told over the bus.
    answer = await agent.send("engagement.hold", engagement_id=id)
    assert answer["type"] == "done", answer
    await agent.until(lambda s: bool(s["engagements"]) and s["engagements"][0]["held"])
    await caller.told("held")
    assert time.monotonic() - back <= 8, "the switch's facts are taken again"
    await agent.send("engagement.resume", engagement_id=id)
    await caller.told("talking")

    # Who waited goes on waiting, and is served by the other node; and a new caller is taken.
    second = await both.agent(1, "b")
    assert (await second.card("offered"))["id"] == waiting.call_id
    later = await both.caller("a", address=10)
    await later.told("waiting")
    rows = await both.engagements()
    assert {rows[i].state for i in (id, waiting.call_id, later.call_id)} == {"connected", "offered", "queued"}
    assert await both.presence(0) == "occupied"
    assert await both.double_offers() == []


async def test_callbar_outlives_an_outage_without_reconnecting(both: Installation) -> None:
    agent, _, id = await talking(both, 0, "a")
    came = agent.came_back
    await restarts(both)
    await agent.send("engagement.note", engagement_id=id, notes="after", disposition_id=None)
    await agent.until(lambda s: bool(s["engagements"]) and s["engagements"][0]["notes"] == "after")
    assert agent.came_back == came
    await until(lambda: noted(both, id), within_s=5)


async def noted(at: Installation, id: str) -> bool:
    return (await at.engagements())[id].notes == "after"
