"""From a change in the embedded org to its subscriber over CometD, at 100 changes a second."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from bench.figures import Figure, over_rounds
from bench.org import DATA, RATE, Served, served

SECONDS = 5.0
_TOPIC = "/data/AccountChangeEvent"
_PATH = "/cometd/66.0"


async def _said(org: Served, message: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await org.http.post(_PATH, json=[message], timeout=120)
    return answer.json()


async def _round(org: Served, client: str, number: int) -> list[float]:
    count = int(RATE * SECONDS)
    made_at: dict[str, float] = {}
    took: list[float] = []

    async def hear() -> None:
        while len(took) < count:
            *events, reply = await _said(
                org, {"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling"}
            )
            assert reply["successful"], reply
            now = time.perf_counter()
            took.extend(1000 * (now - made_at[event["data"]["payload"]["Name"]]) for event in events)

    async def change(n: int) -> None:
        await asyncio.sleep(n / RATE)
        name = f"Round {number} {n}"
        made_at[name] = time.perf_counter()
        answer = await org.http.post(f"{DATA}/sobjects/Account", json={"Name": name})
        assert answer.status_code == 201, answer.text

    async with asyncio.timeout(60):
        await asyncio.gather(hear(), *(change(n) for n in range(count)))
    return took


async def run(rounds: int) -> list[Figure]:
    """Each round: five seconds of changes, each counted from before it was asked for."""
    async with served() as org:
        about = {"eventChannel": "ChangeEvents", "selectedEntity": "AccountChangeEvent"}
        path = f"{DATA}/tooling/sobjects/PlatformEventChannelMember"
        assert (await org.http.post(path, json={"Metadata": about})).status_code == 201
        (reply,) = await _said(
            org,
            {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]},
        )
        client = reply["clientId"]
        await _said(org, {"channel": "/meta/subscribe", "clientId": client, "subscription": _TOPIC})
        await _round(org, client, -1)
        before = org.cpu_s()
        found = [await _round(org, client, number) for number in range(rounds)]
        spent = [1000 * (now - then) for now, then in zip(org.cpu_s(), before, strict=True)]
    changes = rounds * int(RATE * SECONDS)
    return [
        Figure(f"change to subscriber at {RATE}/s, p95", over_rounds(found, 95), "ms", most=500),
        Figure(f"change to subscriber at {RATE}/s, p50", over_rounds(found, 50), "ms"),
        Figure("a change that is told, processor time of the org", spent[0] / changes, "ms"),
        Figure("a change that is told, processor time of PostgreSQL", spent[1] / changes, "ms"),
    ]
