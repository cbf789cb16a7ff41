"""The embedded org as programs meet it: reading, querying, writing many, starting; by time and by processor time."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from bench.figures import Figure, over_rounds
from tests.ports import free_ports

from tieline.children import dies_with_parent

DATA = "/services/data/v66.0"
RATE, SECONDS = 100, 4.0
UPSERTS, PER_CALL = 4_000, 200
KEY = "Id"


@dataclass(frozen=True)
class Served:
    """A running org: its process, an authorised client, and how long it took to start."""

    pid: int
    port: int
    environment: dict[str, str]
    http: httpx2.AsyncClient
    started_s: float

    def cpu_s(self) -> tuple[float, float]:
        """Processor time so far: of the process, and of its database."""
        return _ticks(self.pid, 2), sum(_tree(child) for child in _children(self.pid))


def _ticks(pid: int, counted: int) -> float:
    """Seconds of a process; of its ended children too with 4 of the kernel's fields instead of 2."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11 : 11 + counted]) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _tree(pid: int) -> float:
    return _ticks(pid, 4) + sum(_ticks(child, 2) for child in _children(pid))


def cores() -> tuple[set[int], set[int]]:
    """The core of the org with its PostgreSQL, and the others, for whoever asks; the same one where there is one."""
    first, *others = range(os.cpu_count() or 1)
    return {first}, set(others) or {first}


@contextmanager
def on_cores(chosen: set[int]) -> Generator[None]:
    """This process runs on the cores inside, and on those of before behind it."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _on_its_core(ends: Callable[[], None]) -> Callable[[], None]:
    def preexec() -> None:
        ends()
        os.sched_setaffinity(0, cores()[0])

    return preexec


async def _launch(
    folder: Path, port: int, environment: dict[str, str]
) -> tuple[asyncio.subprocess.Process, float]:
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tieline", "crm", "--listen", f"127.0.0.1:{port}", "--tls-port", "0"),
        env=environment,
        cwd=folder,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        preexec_fn=_on_its_core(dies_with_parent(signal.SIGTERM)),
    )
    async with httpx2.AsyncClient() as http:
        while process.returncode is None:
            try:
                if (await http.get(f"http://127.0.0.1:{port}/health")).status_code == 200:
                    break
            except httpx2.TransportError:
                await asyncio.sleep(0.01)
    return process, time.perf_counter() - began


@asynccontextmanager
async def served() -> AsyncGenerator[Served]:
    """A lone org of its own on one core; whoever asks is on the others."""
    with tempfile.TemporaryDirectory(prefix="bench-org-") as name:
        folder, port = Path(name), free_ports()
        os.chmod(name, 0o755)  # noqa: PTH101 - PostgreSQL runs as another user when we are root
        environment = {**os.environ, "TIELINE_DATA_DIR": name, "TIELINE_LOG_LEVEL": "warning"}
        process, _ = await _launch(folder, port, environment)
        process.send_signal(signal.SIGINT)
        await process.wait()
        process, started_s = await _launch(folder, port, environment)  # with data that is there already
        try:
            asked = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tieline", "crm", "token"),
                env=environment,
                stdout=asyncio.subprocess.PIPE,
            )
            token = (await asked.communicate())[0].decode().strip()
            headers = {"Authorization": f"Bearer {token}"}
            async with httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60
            ) as http:
                with on_cores(cores()[1]):
                    yield Served(process.pid, port, environment, http, started_s)
        finally:
            process.send_signal(signal.SIGINT)
            await process.wait()


async def run(rounds: int) -> list[Figure]:
    """Each round: reads and queries at a fixed rate, then upserts as fast as they go."""
    reads, queries = list[list[float]](), list[list[float]]()
    cpu: dict[str, list[tuple[float, float]]] = {"read": [], "query": [], "upsert": []}
    upserts = list[float]()
    async with AsyncExitStack() as stack:
        org = await stack.enter_async_context(served())
        await _snapshot(org, "save")
        by_command = [await _snapshot(org, "load") for _ in range(max(3, rounds))]
        by_http = [await _loaded_by_http(org) for _ in range(max(3, rounds))]
        ids = await contacts(org.http, UPSERTS)
        for round_ in range(-1, rounds):

            async def read(number: int) -> None:
                answer = await org.http.get(f"{DATA}/sobjects/Contact/{ids[number % len(ids)]}")
                assert answer.status_code == 200, answer.text

            async def query(number: int) -> None:
                text = f"SELECT Id, Name, Phone, Account.Name FROM Contact WHERE Email = 'bench{number}@org.example'"
                answer = await org.http.get(f"{DATA}/query", params={"q": text})
                assert answer.json()["totalSize"] == 1, answer.text

            took_read, cpu_read = await at_rate(org, read)
            took_query, cpu_query = await at_rate(org, query)
            rate, cpu_upsert = await _upserted(org, ids, round_)
            if round_ >= 0:
                reads.append(took_read)
                queries.append(took_query)
                cpu["read"].append(cpu_read)
                cpu["query"].append(cpu_query)
                cpu["upsert"].append(cpu_upsert)
                upserts.append(rate)
        deploy_s = await deployed(org.http)

    def spent(name: str, part: int) -> float:
        return statistics.median(found[part] for found in cpu[name])

    return [
        Figure(f"record by id at {RATE}/s, p95", over_rounds(reads, 95), "ms", most=10),
        Figure("record by id, processor time of the org", spent("read", 0), "ms"),
        Figure("record by id, processor time of PostgreSQL", spent("read", 1), "ms"),
        Figure(f"indexed query at {RATE}/s, p95", over_rounds(queries, 95), "ms", most=10),
        Figure("indexed query, processor time of the org", spent("query", 0), "ms"),
        Figure("indexed query, processor time of PostgreSQL", spent("query", 1), "ms"),
        Figure(
            "collections upsert", statistics.median(upserts), "1/s", least=4000, note=f"{PER_CALL} a call"
        ),
        Figure("upserting a record, processor time of the org", spent("upsert", 0), "ms"),
        Figure("upserting a record, processor time of PostgreSQL", spent("upsert", 1), "ms"),
        Figure(
            "deploy of 100 components",
            deploy_s,
            "s",
            most=3,
            note="one new object, 97 fields",
        ),
        Figure("start of the org, its data being there", org.started_s, "s", most=2),
        Figure("a small org's snapshot loaded, by command", statistics.median(by_command), "s", most=1),
        Figure("a small org's snapshot loaded, over HTTP", statistics.median(by_http), "s", most=1),
    ]


async def _snapshot(org: Served, action: str) -> float:
    """Seconds that `tieline crm snapshot` takes, Python's own start included."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tieline", "crm", "snapshot", action, "bench"), env=org.environment
    )
    assert await process.wait() == 0
    return time.perf_counter() - began


async def _loaded_by_http(org: Served) -> float:
    """Seconds until the org is what it was, and answers again."""
    began = time.perf_counter()
    assert (await org.http.post("/services/snapshots/bench/load")).status_code == 204
    assert (await org.http.get(f"{DATA}/limits")).status_code == 200
    return time.perf_counter() - began


async def contacts(http: httpx2.AsyncClient, number: int) -> list[str]:
    """Makes that many contacts, `Bench 0`, `Bench 1` and so on; answers their ids."""
    ids: list[str] = []
    for start in range(0, number, PER_CALL):
        rows = [
            {"attributes": {"type": "Contact"}, "LastName": f"Bench {n}", "Email": f"bench{n}@org.example",
             "Phone": f"+1 415 555 {n:04d}"}
            for n in range(start, start + PER_CALL)
        ]  # fmt: skip
        answer = await http.post(f"{DATA}/composite/sobjects", json={"records": rows})
        ids += [row["id"] for row in answer.json()]
    return ids


async def deployed(http: httpx2.AsyncClient) -> float:
    """Seconds from the request to the done deployment of an object, 97 fields, a tab and a permission set."""
    files = _package(97)
    began = time.perf_counter()
    answer = await http.post(f"{DATA}/metadata/deployRequest", files={"file": ("package.zip", files)})
    where = f"{DATA}/metadata/deployRequest/{answer.json()['id']}"
    result = answer.json()["deployResult"]
    while not result["done"]:
        await asyncio.sleep(0.02)
        result = (await http.get(where)).json()["deployResult"]
    took = time.perf_counter() - began
    assert (result["status"], result["numberComponentsDeployed"]) == ("Succeeded", 100), result
    return took


def _package(fields: int) -> bytes:
    inner = "".join(
        f"<fields><fullName>F{n}__c</fullName><label>F{n}</label><length>80</length><type>Text</type></fields>"
        for n in range(fields)
    )
    granted = "".join(
        f"<fieldPermissions><editable>true</editable><field>Bench__c.F{n}__c</field><readable>true</readable>"
        "</fieldPermissions>"
        for n in range(fields)
    )
    names = {"CustomObject": "Bench__c", "CustomTab": "Bench__c", "PermissionSet": "Bench"}
    files = {
        "package.xml": (
            "Package",
            "".join(
                f"<types><members>{name}</members><name>{kind}</name></types>" for kind, name in names.items()
            )
            + "<version>66.0</version>",
        ),
        "objects/Bench__c.object": (
            "CustomObject",
            f"{inner}<label>Bench</label><nameField><label>Name</label><type>Text</type></nameField>"
            "<pluralLabel>Benches</pluralLabel><sharingModel>ReadWrite</sharingModel>",
        ),
        "tabs/Bench__c.tab": ("CustomTab", "<customObject>true</customObject><motif>Custom1: Heart</motif>"),
        "permissionsets/Bench.permissionset": ("PermissionSet", f"{granted}<label>Bench</label>"),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, (root, content) in files.items():
            text = f'<{root} xmlns="http://soap.sforce.com/2006/04/metadata">{content}</{root}>'
            archive.writestr(path, text)
    return out.getvalue()


async def at_rate(
    org: Served, work: Callable[[int], Awaitable[None]]
) -> tuple[list[float], tuple[float, float]]:
    """Each request's milliseconds, counted from when it was due; processor milliseconds of org and database each."""
    took: list[float] = []
    loop = asyncio.get_running_loop()
    began, cpu = loop.time(), org.cpu_s()

    async def one(number: int) -> None:
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - loop.time()))
        await work(number)
        took.append(1000 * (loop.time() - due))

    count = int(RATE * SECONDS)
    await asyncio.gather(*(one(number) for number in range(count)))
    return took, _spent(org, cpu, 1000 / count)


def _spent(org: Served, before: tuple[float, float], times: float) -> tuple[float, float]:
    now = org.cpu_s()
    return (now[0] - before[0]) * times, (now[1] - before[1]) * times


async def _upserted(org: Served, ids: list[str], round_: int) -> tuple[float, tuple[float, float]]:
    began, cpu = time.perf_counter(), org.cpu_s()
    for start in range(0, len(ids), PER_CALL):
        rows: list[dict[str, Any]] = [
            {"attributes": {"type": "Contact"}, KEY: record_id, "Title": f"Round {round_}"}
            for record_id in ids[start : start + PER_CALL]
        ]
        answer = await org.http.patch(f"{DATA}/composite/sobjects/Contact/{KEY}", json={"records": rows})
        assert all(row["success"] for row in answer.json())
    return len(ids) / (time.perf_counter() - began), _spent(org, cpu, 1000 / len(ids))
