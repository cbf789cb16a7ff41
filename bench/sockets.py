"""A personal event among 1,000 callbars on one web process: from the commit that causes it to its socket.

The commit is made in this process, by the same verb as everywhere; the web process hears of it over the bus,
reads the agent's rows and sends the event. Agents are chosen at random.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from contextlib import AsyncExitStack
from uuid import UUID

from bench.figures import Figure, over_rounds
from bench.offers import a_callbar, reading
from bench.stage import Account, Share, a_database, a_web_process, make_agents, own_keys

from tieline.agents import service as agents
from tieline.db.database import Database

SOCKETS = 1_000
RATE = 50.0
ROUND_S = 4.0


async def run(rounds: int) -> list[Figure]:
    """Open the sockets, then cause events at random moments."""
    keys = own_keys()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(a_database())
        db = Database(url, pool_size=4)
        stack.push_async_callback(db.close)
        account = await make_agents(db, SOCKETS)
        web = await stack.enter_async_context(a_web_process(url, keys=keys))
        arrivals: dict[UUID, asyncio.Future[float]] = {}

        def taker(agent_id: UUID):  # type: ignore[no-untyped-def]
            def take(text: str | bytes, at: float) -> None:
                waiting = arrivals.pop(agent_id, None)
                if waiting is not None and json.loads(text)["type"] in ("event", "snapshot"):
                    waiting.set_result(at)

            return take

        began = time.perf_counter()
        gate = asyncio.Semaphore(5)

        async def open_one(n: int) -> None:
            one = account.agents[n]
            async with gate:
                socket = await stack.enter_async_context(await a_callbar(web, one.token))
                await stack.enter_async_context(reading(socket, taker(one.id)))

        await asyncio.gather(*(open_one(n) for n in range(SOCKETS)))
        opened_s = time.perf_counter() - began
        took: list[list[float]] = []
        web_share, own_share = Share(web.pid), Share(os.getpid())
        for round_ in range(-1, rounds):
            values = await _round(db, account, arrivals, seed=round_)
            if round_ < 0:
                web_share, own_share = Share(web.pid), Share(os.getpid())
            else:
                took.append(values)
        memory = _resident(web.pid)
        note = f"web {web_share.per_cent():.0f} %, generator {own_share.per_cent():.0f} % of a core"
    return [
        Figure(
            f"{SOCKETS:,} callbars connected", SOCKETS / opened_s, "per s", note=f"web then {memory:.0f} MB"
        ),
        Figure("personal event, commit to socket, p50", over_rounds(took, 50), "ms"),
        Figure("personal event, commit to socket, p99", over_rounds(took, 99), "ms", most=10, note=note),
    ]


async def _round(
    db: Database, account: Account, arrivals: dict[UUID, asyncio.Future[float]], seed: int
) -> list[float]:
    chance = random.Random(seed)
    chosen = chance.sample(account.agents, int(RATE * ROUND_S))
    running: list[asyncio.Task[float]] = []
    due = time.perf_counter()
    for one in chosen:
        due += chance.expovariate(RATE)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        running.append(asyncio.create_task(_event(db, account, one.id, arrivals)))
    return list(await asyncio.gather(*running))


async def _event(
    db: Database, account: Account, agent_id: UUID, arrivals: dict[UUID, asyncio.Future[float]]
) -> float:
    arrives: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    committing = 0.0

    async def note_the_moment() -> None:
        nonlocal committing
        arrivals[agent_id] = arrives
        committing = time.perf_counter()

    async with db.account(account.id) as tx:
        agents.changed(tx, agent_id, "status.changed")
        tx.before_commit(note_the_moment)  # after the change itself was written
    async with asyncio.timeout(10):
        return 1000 * (await arrives - committing)


def _resident(pid: int) -> float:
    with open(f"/proc/{pid}/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
