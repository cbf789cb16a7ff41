"""Whose number is this: the look-up of an offer in a large index, beside the barest question to the database."""

from __future__ import annotations

import random
import time
from contextlib import AsyncExitStack

from bench.figures import Figure, over_rounds
from bench.stage import a_database, fill_index, make_agents, number
from sqlalchemy import text

from tieline.db.database import Database, Transaction
from tieline.numbers import parse
from tieline.salesforce.match import match

RECORDS = 300_000
QUESTIONS = 400


async def run(rounds: int) -> list[Figure]:
    """The match and `SELECT 1`, in turns, in one transaction each round."""
    took: dict[str, list[list[float]]] = {"match": [], "floor": []}
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(a_database())
        db = Database(url, pool_size=1)
        stack.push_async_callback(db.close)
        account = await make_agents(db, 1)
        await fill_index(url, account.id, account.connection_id, RECORDS)
        chance = random.Random(1)
        for round_ in range(-1, rounds):
            asked = [parse(number(chance.randint(1, RECORDS)), ("US",)) for _ in range(QUESTIONS)]
            async with db.account(account.id) as tx:
                matches, floors = [], []
                for wanted in asked:
                    floors.append(await _floor(tx))
                    began = time.perf_counter()
                    found = await match(tx, account.connection_id, wanted, False)
                    matches.append(1000 * (time.perf_counter() - began))
                    assert found["status"] == "one", found
            if round_ >= 0:
                took["match"].append(matches)
                took["floor"].append(floors)
    told = f"{RECORDS:,} numbers"
    ours, floor = took["match"], took["floor"]
    return [
        Figure("match, p50", over_rounds(ours, 50), "ms", note=told),
        Figure("match, p99", over_rounds(ours, 99), "ms"),
        Figure("SELECT 1 by the same way, p50", over_rounds(floor, 50), "ms"),
        Figure("SELECT 1, p99", over_rounds(floor, 99), "ms"),
        Figure("match over SELECT 1, p50", over_rounds(ours, 50) / over_rounds(floor, 50), "times"),
    ]


async def _floor(tx: Transaction) -> float:
    began = time.perf_counter()
    await tx.scalar(text("SELECT 1"))
    return 1000 * (time.perf_counter() - began)
