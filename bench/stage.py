"""A contact center to be measured: PostgreSQL as the demo runs it, the real web process, a switch without sound.

PostgreSQL is durable (no setting that a test would use to be fast). The web process is the one that is deployed,
started by the same command; it reaches the scripted switch over the same control protocol as the media process.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx2
import uvicorn
from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert

from tieline.agents.tables import agent
from tieline.children import dies_with_parent
from tieline.db.database import SYSTEM_ROLE, Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.db.migrate import create_database, migrate, prepare_server
from tieline.engagements.tables import media_node
from tieline.identity.people import make_account
from tieline.identity.service import digest
from tieline.identity.tables import app_user, session
from tieline.ids import new_id
from tieline.queues.service import make_queue
from tieline.salesforce.tables import connection
from tieline.settings import read_keys
from tieline.telephony.media import control_door
from tieline.telephony.scripted import ScriptedSwitch

WEB_PORT, CONTROL_PORT = 19100, 19101
LOGIN = "tieline"
QUEUE_NUMBER = "+14155550100"
_START_S = 60.0


@dataclass(frozen=True, slots=True)
class AnAgent:
    """An agent with a callbar session."""

    id: UUID
    token: str


@dataclass(frozen=True, slots=True)
class Account:
    """An account with one queue and one connection."""

    id: UUID
    queue_id: UUID
    connection_id: UUID
    agents: tuple[AnAgent, ...]


def number(n: int) -> str:
    """The n-th number of the index, in E.164: real-looking numbers of one area code after the other."""
    return f"+1{201 + n // 10_000_000}{2_000_000 + n % 8_000_000:07d}"


@asynccontextmanager
async def a_database() -> AsyncIterator[str]:
    """A migrated database on a durable embedded server of its own; gives its URL."""
    with tempfile.TemporaryDirectory(prefix="tieline-bench-") as folder:
        async with EmbeddedPostgres(Path(folder)) as server:
            await prepare_server(server.url(), login=LOGIN, password="bench")
            await create_database(server.url(), "tieline", login=LOGIN)
            url = server.url("tieline", user=LOGIN, password="bench")
            await migrate(url)
            yield url


async def system_connection(url: str) -> asyncpg.Connection:
    """A bare connection that sees all accounts."""
    return await asyncpg.connect(url, server_settings={"role": SYSTEM_ROLE})


async def fill_index(url: str, account_id: UUID, connection_id: UUID, records: int) -> None:
    """Contacts with a number each, in the forms that the index keeps of it, by COPY."""
    bare = await system_connection(url)
    try:
        now = await bare.fetchval("SELECT now()")
        rows = [
            (account_id, connection_id, f"003{n:015d}", "Contact", f"Contact {n}", now)
            for n in range(1, records + 1)
        ]
        await bare.copy_records_to_table(
            "indexed_record",
            records=rows,
            columns=["account_id", "connection_id", "record_id", "object_type", "name", "modified_at"],
        )
        keys = [
            (account_id, connection_id, number(n), f"003{n:015d}", "Phone", "exact", number(n))
            for n in range(1, records + 1)
        ]
        await bare.copy_records_to_table(
            "phone_index",
            records=keys,
            columns=["account_id", "connection_id", "key", "record_id", "field", "grade", "raw"],
        )
        await bare.execute("ANALYZE indexed_record, phone_index")
    finally:
        await bare.close()


async def make_agents(
    db: Database, count: int, *, name: str = "bench", queue_number: str = QUEUE_NUMBER
) -> Account:
    """An account whose queue is served by `count` agents, each with a callbar session."""
    connection_id = new_id()
    made: list[AnAgent] = []
    async with db.system() as tx:
        account_id = await make_account(tx, name=name, vanity=name, test_phone=True, web_calls=True)
        own = {"account_id": account_id}
        await tx.execute(
            insert(connection).values(
                **own,
                id=connection_id,
                name="CRM",
                environment="embedded",
                state="connected",
                api_base="http://127.0.0.1:1",
                login_origin="http://127.0.0.1:1",
                embedding_origins=[f"http://{name}.lightning.localhost:1"],
                client_id="bench",
                index_state="ready",
                created_at=tx.now,
            )
        )
        users, sessions = [], []
        for n in range(count):
            one = AnAgent(new_id(), secrets.token_urlsafe(32))
            made.append(one)
            users.append(
                {
                    **own,
                    "id": one.id,
                    "email": f"agent{n}@{name}.example",
                    "name": f"Agent {n}",
                    "language": "en",
                    "roles": ["agent"],
                    "password_hash": "",
                    "connection_id": connection_id,
                }
            )
            sessions.append(
                {
                    **own,
                    "id": new_id(),
                    "user_id": one.id,
                    "kind": "callbar",
                    "token_hash": digest(one.token),
                    "connection_id": connection_id,
                    "created_at": tx.now,
                    "expires_at": tx.now + timedelta(hours=8),
                }
            )
        await tx.execute(insert(app_user), users)
        await tx.execute(insert(session), sessions)
        await tx.execute(insert(agent), [{**own, "user_id": one.id} for one in made])
        queue_id = await make_queue(
            tx,
            slug=f"support-{name}",
            name="Support",
            numbers=[(queue_number, "greeting/en")],
            members=[one.id for one in made],
            disposition_labels=["Resolved", "Call back"],
        )
    return Account(account_id, queue_id, connection_id, tuple(made))


@dataclass(frozen=True, slots=True)
class WebProcess:
    """The running web process."""

    pid: int
    origin: str
    keys: str


def own_keys() -> str:
    """Fresh keys for `TIELINE_KEYS`."""
    return f"bench:{base64.b64encode(secrets.token_bytes(32)).decode()}"


@asynccontextmanager
async def a_web_process(url: str, *, keys: str, port: int = WEB_PORT) -> AsyncIterator[WebProcess]:
    """`tieline web` as it is deployed, once it answers."""
    origin = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "TIELINE_DATABASE_URL": url,
        "TIELINE_PUBLIC_URL": origin,
        "TIELINE_WEB_LISTEN": f"127.0.0.1:{port}",
        "TIELINE_KEYS": keys,
        "TIELINE_TRUST_LOOPBACK_CRM": "1",
        "TIELINE_LOG_LEVEL": "critical",
    }
    async with a_program("tieline", "web", environment=environment) as pid:
        async with asyncio.timeout(_START_S), httpx2.AsyncClient(trust_env=False, timeout=5) as http:
            while True:
                with contextlib.suppress(httpx2.HTTPError):
                    if (await http.get(f"{origin}/health")).status_code == 200:
                        break
                await asyncio.sleep(0.05)
        yield WebProcess(pid, origin, keys)


@asynccontextmanager
async def a_program(module: str, *arguments: str, environment: dict[str, str]) -> AsyncIterator[int]:
    """A Python program of ours as a child; gives its pid, and ends it. Its complaints go to our stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        env=environment,
        stdout=subprocess.DEVNULL,
        preexec_fn=dies_with_parent(),
    )
    try:
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), 15)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def a_scripted_switch(keys: str, *, port: int = CONTROL_PORT) -> AsyncIterator[ScriptedSwitch]:
    """The scripted switch behind the control door of the media process."""
    switch = ScriptedSwitch(node="bench-switch")
    door = control_door(switch, switch.journal, read_keys(keys).derive("media control").hex())
    async with serving(door, port):
        yield switch
        switch.journal.close()


@asynccontextmanager
async def serving(application: object, port: int) -> AsyncIterator[None]:
    """An ASGI application on a port of this machine, served by this process."""
    config = uvicorn.Config(
        application,  # type: ignore[arg-type]
        host="127.0.0.1",
        port=port,
        log_level="error",
        access_log=False,
        interface="asgi3",
        ws="websockets-sansio",
        ws_ping_interval=None,
        lifespan="off",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    running = asyncio.create_task(server.serve())
    try:
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await running


@asynccontextmanager
async def beating(db: Database, switch: ScriptedSwitch, *, port: int = CONTROL_PORT) -> AsyncIterator[None]:
    """The row by which web finds the switch, kept fresh as the media process does it."""

    async def beat() -> None:
        async with db.system() as tx:
            values = {
                "address": f"http://127.0.0.1:{port}",
                "epoch": switch.journal.epoch,
                "heartbeat_at": tx.now,
            }
            await tx.execute(
                upsert(media_node)
                .values(id=switch.node, **values)
                .on_conflict_do_update(index_elements=["id"], set_=values)
            )

    async def keep() -> None:
        while True:
            await asyncio.sleep(2)
            await beat()

    await beat()
    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()


class Share:
    """How much of one core a process uses between two moments, in per cent."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._began, self._cpu = time.monotonic(), self._spent()

    def _spent(self) -> float:
        stat = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")

    def per_cent(self) -> float:
        """Since it was made."""
        return 100 * (self._spent() - self._cpu) / (time.monotonic() - self._began)
