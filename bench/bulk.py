"""A million contacts into the embedded org by Bulk API 2.0, and out of it: by time and by processor time."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Any

from bench.figures import Figure
from bench.org import DATA, Served, served

RECORDS = int(os.environ.get("BENCH_BULK_RECORDS", "1000000"))
PER_JOB = 500_000
_MILLION = 1_000_000


async def _lines(first: int, count: int) -> AsyncIterator[bytes]:
    yield b"FirstName,LastName,Email,Phone,MobilePhone,Title,MailingCity,MailingCountry\n"
    for start in range(first, first + count, 1_000):
        yield "".join(
            f"First{n % 977},Last{n},p{n}@org.example,+1 415 {n:07d},+81 90-{n % 10_000:04d}-{n // 10_000:04d},"
            "Manager,Paris,France\n"
            for n in range(start, min(start + 1_000, first + count))
        ).encode()


async def _ended(org: Served, path: str) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = (await org.http.get(path)).json()
        if job["state"] in ("JobComplete", "Failed", "Aborted"):
            assert job["state"] == "JobComplete", job
            return job
        await asyncio.sleep(0.5)


async def _load(org: Served) -> None:
    for first in range(0, RECORDS, PER_JOB):
        count = min(PER_JOB, RECORDS - first)
        made = await org.http.post(f"{DATA}/jobs/ingest", json={"object": "Contact", "operation": "insert"})
        path = f"{DATA}/jobs/ingest/{made.json()['id']}"
        sent = await org.http.put(
            f"{path}/batches", content=_lines(first, count), headers={"Content-Type": "text/csv"}, timeout=600
        )
        assert sent.status_code == 201, sent.text
        await org.http.patch(path, json={"state": "UploadComplete"})
        job = await _ended(org, path)
        assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (count, 0), job


async def _download(org: Served) -> int:
    text = (
        "SELECT Id, Name, Email, Phone, MobilePhone, Title, MailingCity, CreatedDate, Account.Name FROM Contact"
        " WHERE Email LIKE '%@org.example'"
    )
    made = await org.http.post(f"{DATA}/jobs/query", json={"operation": "query", "query": text})
    path = f"{DATA}/jobs/query/{made.json()['id']}"
    await _ended(org, path)
    lines, locator = 0, ""
    while locator != "null":
        async with org.http.stream(
            "GET", f"{path}/results", params={"locator": locator}, timeout=600
        ) as answer:
            locator = answer.headers["sforce-locator"]
            found = 0
            async for chunk in answer.aiter_bytes():
                found += chunk.count(b"\n")
            lines += found - 1
    return lines


async def run(rounds: int) -> list[Figure]:
    """Once, whatever `rounds` says; each figure is scaled to a million records."""
    scale = _MILLION / RECORDS
    async with served() as org:
        began, cpu = time.perf_counter(), org.cpu_s()
        await _load(org)
        loaded, cpu_loaded = time.perf_counter(), org.cpu_s()
        assert await _download(org) == RECORDS
        took_out, cpu_out = time.perf_counter() - loaded, org.cpu_s()

    def minutes(seconds: float) -> float:
        return round(seconds * scale / 60, 2)

    note = "" if scale == 1 else f"scaled from {RECORDS} records"
    return [
        Figure("a million contacts in", minutes(loaded - began), "min", most=6, note=note),
        Figure("in, processor time of the org", minutes(cpu_loaded[0] - cpu[0]), "min"),
        Figure("in, processor time of PostgreSQL", minutes(cpu_loaded[1] - cpu[1]), "min"),
        Figure("a million contacts out", minutes(took_out), "min", most=2, note=note),
        Figure("out, processor time of the org", minutes(cpu_out[0] - cpu_loaded[0]), "min"),
        Figure("out, processor time of PostgreSQL", minutes(cpu_out[1] - cpu_loaded[1]), "min"),
    ]
