"""A whole installation of real processes on a PostgreSQL of its own: web nodes, a switch, agents, callers.

Everything may be killed, stopped and started again. Agents' callbars do what the real one does: they come
back to another node under the seat they had and send again what was not answered.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError
from tests.integration.center import CallbarClient, stub_pages
from websockets.asyncio.client import connect

from tieline.agents.service import make_agent
from tieline.agents.tables import agent, callbar_command
from tieline.calllog.tables import call_log, delivery
from tieline.db.database import Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.db.migrate import create_database, migrate, prepare_server
from tieline.engagements.tables import engagement, engagement_event, media_node, offer, switch_command
from tieline.identity import people
from tieline.identity.service import digest
from tieline.identity.tables import app_user, session
from tieline.ids import new_id
from tieline.queues.service import make_queue
from tieline.queues.tables import queue
from tieline.salesforce.tables import connection

LOGIN, PASSWORD = "tieline", "test-login"
NUMBER = "+14155550100"
SCRIPTED, REAL = "scripted-1", "media-1"
ORIGIN = "http://contact.test"
FIRST_PORT = 19000
SOME_SDP = "v=0 an offer"
Answered = Callable[[str], Awaitable[None]]
MEDIA_PORTS = "48000-48999"


async def until(
    what: Callable[[], Awaitable[Any]], *, within_s: float = 15, every_s: float = 0.05, why: str = ""
) -> Any:
    """Wait until `what` gives something true; errors of an absent server count as nothing."""
    end = time.monotonic() + within_s
    while True:
        with contextlib.suppress(httpx2.HTTPError, OSError, SQLAlchemyError):
            if found := await what():
                return found
        assert time.monotonic() < end, f"waited {within_s} s in vain {why}"
        await asyncio.sleep(every_s)


class Installation:
    """Processes by name; `a` and `b` are web nodes, `switch` is the scripted switch, `media` the real one."""

    def __init__(self, folder: Path, agents: int) -> None:
        self.folder = folder
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        base = FIRST_PORT + 10 * (worker % 10)
        self.ports = {"a": base, "b": base + 1, "switch": base + 2, "media": base + 3}
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.postgres = EmbeddedPostgres(folder / "postgres", settings={"fsync": "off"})
        self.agent_count = agents
        self.tokens: list[str] = []
        self.agent_ids: list[UUID] = []
        self.account_id: UUID
        self.queue_id: UUID
        self.connection_id = new_id()
        self.db: Database
        self._clients: list[Agent | Caller] = []
        self._kept: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Database and people; no process yet."""
        await self.postgres.start()
        await prepare_server(self.postgres.url(), login=LOGIN, password=PASSWORD)
        await create_database(self.postgres.url(), "tieline", login=LOGIN)
        self.url = self.postgres.url("tieline", user=LOGIN, password=PASSWORD)
        await migrate(self.url)
        self.db = Database(self.url, pool_size=2)
        self.pages = self.folder / "pages"
        self.pages.mkdir()
        stub_pages(self.pages)
        await self._furnish()

    async def _furnish(self) -> None:
        async with self.db.system() as tx:
            self.account_id = await people.make_account(
                tx, name="Faults", vanity="faults", test_phone=True, web_calls=False
            )
            own = {"account_id": self.account_id}
            await tx.execute(
                insert(connection).values(
                    **own,
                    id=self.connection_id,
                    name="CRM",
                    environment="embedded",
                    state="connected",
                    api_base="http://127.0.0.1:1",
                    login_origin="http://127.0.0.1:1",
                    embedding_origins=[],
                    client_id="test",
                    index_state="ready",
                    created_at=tx.now,
                )
            )
            for index in range(self.agent_count):
                id, token = new_id(), f"token-of-agent-{index:03}"
                await tx.execute(
                    insert(app_user).values(
                        **own,
                        id=id,
                        email=f"{index}@faults.example",
                        name=f"Agent {index}",
                        language="en",
                        roles=["agent"],
                        connection_id=self.connection_id,
                        password_hash="never signs in with one",
                    )
                )
                await make_agent(tx, id)
                await tx.execute(
                    insert(session).values(
                        **own,
                        id=new_id(),
                        user_id=id,
                        kind="callbar",
                        token_hash=digest(token),
                        connection_id=self.connection_id,
                        created_at=tx.now,
                        expires_at=tx.now + timedelta(hours=10),
                    )
                )
                self.agent_ids.append(id)
                self.tokens.append(token)
            self.queue_id = await make_queue(
                tx,
                slug="support",
                name="Support",
                numbers=[(NUMBER, "greeting/en")],
                members=self.agent_ids,
                disposition_labels=[],
            )

    async def set_queue(self, **values: Any) -> None:
        """Change the queue's settings."""
        async with self.db.system() as tx:
            await tx.execute(update(queue).where(queue.c.id == self.queue_id).values(**values))

    async def fresh(self, *running: str) -> None:
        """Nobody in a call, nobody signed on; exactly these processes run."""
        await self._all_leave()
        for name in list(self.processes):
            if name not in running or self.processes[name].returncode is not None:
                await self.kill(name)
        if "switch" in self.processes:
            async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
                await http.post(f"{self.http('switch')}/forget")
        async with self.db.system() as tx:
            for table in (delivery, call_log, offer, engagement_event, engagement, callbar_command):
                await tx.execute(delete(table))
            await tx.execute(delete(switch_command))
            nodes = [{"switch": SCRIPTED, "media": REAL}[n] for n in running if n in ("switch", "media")]
            await tx.execute(delete(media_node).where(media_node.c.id.not_in(nodes)))
            await tx.execute(
                update(agent).values(
                    status="offline",
                    presence="offline",
                    engagement_state=None,
                    seat_id=None,
                    seat_seen_at=None,
                    seat_until=None,
                    line_leg_id=None,
                    line_up_at=None,
                )
            )
            await tx.execute(update(queue).values(wrap_up_ms=60_000))
        await self.start(*[name for name in running if name not in self.processes])

    async def _all_leave(self) -> None:
        for task in self._kept:
            task.cancel()
        for client in self._clients:
            await client.leave()
        self._kept.clear()
        self._clients.clear()

    # -- processes ----------------------------------------------------------------------------------------

    def environment(self) -> dict[str, str]:
        """What every process is told."""
        return {
            **os.environ,
            "TIELINE_DATABASE_URL": self.url,
            "TIELINE_DATA_DIR": str(self.folder),
            "TIELINE_PUBLIC_URL": ORIGIN,
            "TIELINE_KEYS": "test:" + base64.b64encode(b"k" * 32).decode(),
            "TIELINE_MEDIA_LISTEN": f"127.0.0.1:{self.ports['media']}",
            "TIELINE_MEDIA_ADDRESS": "127.0.0.1",
            "TIELINE_MEDIA_PORTS": MEDIA_PORTS,
            "TIELINE_WEB_DIST": str(self.pages),
            "TIELINE_TRUST_LOOPBACK_CRM": "1",
        }

    async def start(self, *names: str) -> None:
        """Start processes and wait until they serve."""
        commands = {
            "a": ["tieline", "web", "--listen", f"127.0.0.1:{self.ports['a']}"],
            "b": ["tieline", "web", "--listen", f"127.0.0.1:{self.ports['b']}"],
            "switch": ["tests.faults.switch_process", SCRIPTED, str(self.ports["switch"])],
            "media": ["tieline", "media", "--node", REAL],
            "worker": ["tieline", "worker"],
        }
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as log:
                self.processes[name] = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    *commands[name],
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=self.environment(),
                    cwd=Path(__file__).parents[2],
                )
        for name in names:
            if name in ("a", "b"):
                await self.serving(name, within_s=150)
            elif name in ("switch", "media"):
                await until(lambda name=name: self._door_open(self.ports[name]), within_s=150, why=name)
        await until(self._node_known, within_s=20, why="for the switch's heartbeat")

    async def _node_known(self) -> bool:
        if not {"switch", "media"} & set(self.processes):
            return True
        async with self.db.system() as tx:
            return bool(await tx.scalar(text("SELECT count(*) FROM media_node")))

    async def _door_open(self, port: int) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    async def serving(self, name: str, *, within_s: float) -> float:
        """Wait until a web node answers; the seconds it took."""
        began = time.monotonic()

        async def answers() -> bool:
            async with httpx2.AsyncClient(timeout=2, trust_env=False) as http:
                return (await http.get(f"{self.http(name)}/health")).status_code == 200

        await until(answers, within_s=within_s, why=f"for {name}: {self.tail(name)}")
        return time.monotonic() - began

    def tail(self, name: str) -> str:
        """The end of a process's log."""
        path = self.folder / f"{name}.log"
        return path.read_text()[-2000:] if path.exists() else ""

    def signal(self, name: str, what: signal.Signals) -> None:
        """Send a signal to a process by its id."""
        self.processes[name].send_signal(what)

    def signal_pid(self, pid: int, what: signal.Signals) -> None:
        """Send a signal to one process of ours."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)

    async def kill(self, name: str) -> None:
        """kill -9; nothing of it remains."""
        with contextlib.suppress(ProcessLookupError):
            self.signal(name, signal.SIGKILL)
        await self.processes.pop(name).wait()

    def http(self, name: str) -> str:
        """Where a process listens."""
        return f"http://127.0.0.1:{self.ports[name]}"

    async def far(self, act: str, leg_id: UUID) -> None:
        """Let a far end of the scripted switch act."""
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
            body = {"act": act, "leg_id": str(leg_id)}
            await http.post(f"{self.http('switch')}/far", json=body)

    async def asked(self) -> list[tuple[str, str]]:
        """Commands that have reached the scripted switch: id and verb."""
        async with httpx2.AsyncClient(timeout=5, trust_env=False) as http:
            return [(c[0], c[1]) for c in (await http.get(f"{self.http('switch')}/asked")).json()]

    async def close(self) -> None:
        """End everything."""
        await self._all_leave()
        for name in list(self.processes):
            with contextlib.suppress(ProcessLookupError):
                self.signal(name, signal.SIGCONT)
                await self.kill(name)
        await self.db.close()
        await self.postgres.stop()

    # -- people -------------------------------------------------------------------------------------------

    async def agent(
        self,
        index: int,
        nodes: str = "ab",
        *,
        answers: bool = False,
        sdp: str = SOME_SDP,
        answered: Answered | None = None,
    ) -> Agent:
        """An agent whose callbar tries the nodes one after the other; ready, with audio."""
        found = Agent(self, index, nodes, answers=answers)
        self._clients.append(found)
        found.start()
        answer = await found.ready(sdp)
        if answered is not None:
            await answered(answer)
        return found

    async def caller(
        self, node: str = "a", address: int = 1, *, sdp: str = SOME_SDP, answered: Answered | None = None
    ) -> Caller:
        """A caller who has dialled by a node and was accepted."""
        found = Caller(self, address)
        self._clients.append(found)
        answer = await found.dial(node, sdp)
        assert answer["type"] == "accepted", answer
        if answered is not None:
            await answered(answer["sdp"])
        return found

    def keep(self, task: asyncio.Task[None]) -> None:
        """Something that goes on until the test is over."""
        self._kept.append(task)

    # -- what the rows say --------------------------------------------------------------------------------

    async def engagements(self) -> dict[str, Any]:
        """All engagements by id."""
        async with self.db.system() as tx:
            return {str(row.id): row for row in await tx.all(select(engagement))}

    async def story(self, id: str) -> list[tuple[float, str, Any]]:
        """What happened to an engagement, with the seconds since it arrived."""
        async with self.db.system() as tx:
            rows = await tx.all(
                select(engagement_event)
                .where(engagement_event.c.engagement_id == id)
                .order_by(engagement_event.c.sequence)
            )
        return [((row.at - rows[0].at).total_seconds(), row.name, row.data) for row in rows]

    async def presence(self, index: int) -> str:
        """The agent's presence by the rows."""
        async with self.db.system() as tx:
            return await tx.scalar(select(agent.c.presence).where(agent.c.user_id == self.agent_ids[index]))

    async def double_offers(self) -> list[str]:
        """Moments at which an agent had two engagements: there must be none."""
        async with self.db.system() as tx:
            rows = await tx.all(
                select(
                    offer.c.agent_id,
                    offer.c.state,
                    offer.c.offered_at,
                    offer.c.ended_at,
                    offer.c.engagement_id,
                    engagement.c.closed_at,
                )
                .join(engagement, engagement.c.id == offer.c.engagement_id)
                .order_by(offer.c.agent_id, offer.c.offered_at)
            )
        # An accepted call may return to the queue: then its agent is free when it is offered again.
        again: dict[tuple[UUID, Any], Any] = {}
        by_engagement: dict[UUID, list[Any]] = {}
        for row in sorted(rows, key=lambda r: r.offered_at):
            earlier = by_engagement.setdefault(row.engagement_id, [])
            if earlier:
                again[row.engagement_id, earlier[-1].offered_at] = row.offered_at
            earlier.append(row)
        found: list[str] = []
        free_at: dict[UUID, Any] = {}
        for row in rows:
            before = free_at.get(row.agent_id)
            if before is not None and row.offered_at < before:
                found.append(f"{row.agent_id} was offered {row.engagement_id} before being free")
            ended = row.ended_at
            if row.state == "accepted":
                ended = again.get((row.engagement_id, row.offered_at), row.closed_at)
            if ended is not None:
                free_at[row.agent_id] = ended
        return found


class Agent:
    """An agent's callbar that comes back by itself, to the other node too, under its seat."""

    def __init__(self, at: Installation, index: int, nodes: str, *, answers: bool = False) -> None:
        self._at = at
        self._index = index
        self._nodes = nodes
        self.answers = answers
        """Answers what rings and hangs up at once after having talked."""
        self.seat = str(new_id())
        self.client: CallbarClient | None = None
        self.node = ""
        self.connected_at = 0.0
        self.came_back = 0
        self._unanswered: dict[str, dict[str, Any]] = {}
        self._replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._connected = asyncio.Event()
        self._asked: set[tuple[str, str]] = set()

    def start(self) -> None:
        """Begin to connect."""
        self._tasks = [asyncio.create_task(self._live()), asyncio.create_task(self._work())]

    async def _live(self) -> None:
        turn = 0
        while True:
            node = self._nodes[turn % len(self._nodes)]
            turn += 1
            try:
                async with asyncio.timeout(8):
                    await self._connect(node)
            except Exception:
                await asyncio.sleep(0.2)
                continue
            turn -= 1
            client = self.client
            assert client is not None and client._reader is not None
            pinger = asyncio.create_task(self._ping(client))
            await asyncio.shield(client._reader)
            pinger.cancel()
            self._connected.clear()
            turn += 1

    async def _connect(self, node: str) -> None:
        uri = f"ws://127.0.0.1:{self._at.ports[node]}/callbar/socket"
        socket = await connect(uri, subprotocols=["tieline.callbar.v1"], origin=ORIGIN, ping_interval=None)  # type: ignore[arg-type,list-item]
        client = CallbarClient(socket, self._at.tokens[self._index], self.seat)
        await client.start()
        self.client, self.node, self.connected_at = client, node, time.monotonic()
        self.came_back += 1
        for message in list(self._unanswered.values()):
            # As the real callbar: what was not answered goes out again under its id.
            await self._put(message)
        self._connected.set()

    async def _ping(self, client: CallbarClient) -> None:
        while True:
            await asyncio.sleep(3)
            with contextlib.suppress(Exception):
                await client.socket.send('{"type":"ping"}')

    async def _put(self, message: dict[str, Any]) -> None:
        client = self.client
        assert client is not None
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        client._replies[message["command_id"]] = reply

        def answered(found: asyncio.Future[dict[str, Any]]) -> None:
            if found.cancelled():
                return
            answer = found.result()
            if answer.get("code") in ("temporarily_unavailable", "seat_lost"):
                asyncio.get_running_loop().call_later(
                    0.3, lambda: asyncio.ensure_future(self._again(message))
                )
                return
            self._unanswered.pop(message["command_id"], None)
            waiting = self._replies.pop(message["command_id"], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)

        reply.add_done_callback(answered)
        with contextlib.suppress(Exception):
            await client.socket.send(json.dumps(message))

    async def _again(self, message: dict[str, Any]) -> None:
        if message["command_id"] in self._unanswered and self._connected.is_set():
            await self._put(message)

    async def send(self, name: str, *, within_s: float = 30, **params: Any) -> dict[str, Any]:
        """Send a command until it is answered, on whatever node; gives the answer."""
        command_id = str(new_id())
        message = {"type": "command", "command_id": command_id, "name": name, "params": params}
        self._unanswered[command_id] = message
        waiting = self._replies[command_id] = asyncio.get_running_loop().create_future()
        if self._connected.is_set():
            await self._put(message)
        return await asyncio.wait_for(waiting, within_s)

    async def ready(self, sdp: str) -> str:
        """Audio and *Ready*; gives the switch's SDP."""
        await asyncio.wait_for(self._connected.wait(), 15)
        audio = await self.send("audio.connect", sdp=sdp)
        assert audio["type"] == "done", audio
        answer = await self.send("status.set", status="ready", reason=None)
        assert answer["type"] == "done", answer
        return audio["result"]["sdp"]

    @property
    def state(self) -> dict[str, Any]:
        """What the callbar shows."""
        return self.client.state if self.client is not None else {}

    async def card(self, state: str, *, within_s: float = 15) -> dict[str, Any]:
        """The engagement, once it is in `state`."""

        async def found() -> Any:
            if not self._connected.is_set():
                return None
            return next((e for e in self.state.get("engagements", []) if e["state"] == state), None)

        return await until(found, within_s=within_s, every_s=0.02, why=f"for a card {state}: {self.state}")

    async def until(self, condition: Callable[[dict[str, Any]], bool], *, within_s: float = 15) -> None:
        """Wait until what the callbar shows, over whatever socket, fulfils the condition."""

        async def fulfilled() -> bool:
            return self._connected.is_set() and condition(self.state)

        await until(fulfilled, within_s=within_s, every_s=0.02, why=f"with {self.state}")

    async def back(self, *, after: float, within_s: float) -> float:
        """Wait until the callbar has had its state again since `after` (monotonic); when that was."""

        async def found() -> bool:
            return self._connected.is_set() and self.connected_at > after and bool(self.state.get("owner"))

        await until(found, within_s=within_s, every_s=0.02, why="for the callbar to come back")
        return self.connected_at

    def forsake(self) -> CallbarClient:
        """Come back by another socket and leave the old one open, as a network that forgot it does."""
        assert self.client is not None and self.client._reader is not None
        left, reader = self.client, self.client._reader
        self._connected.clear()
        self._tasks[0].cancel()
        self._tasks[0] = asyncio.create_task(self._live())
        left._reader = reader
        return left

    async def abandon_socket(self) -> None:
        """The page gives up a node that is silent, without waiting for its good-bye."""
        assert self.client is not None
        self.client.socket.transport.abort()

    async def _work(self) -> None:
        while True:
            await asyncio.sleep(0.03)
            if not self.answers or not self._connected.is_set() or not self.state.get("owner"):
                continue
            cards = self.state.get("engagements", [])
            self._asked &= {(card["id"], card["state"]) for card in cards}
            for card in cards:
                name = {"offered": "answer", "connected": "hang_up", "wrap_up": "close"}.get(card["state"])
                key = (card["id"], card["state"])
                if name is None or key in self._asked:
                    continue
                self._asked.add(key)
                with contextlib.suppress(TimeoutError):
                    answer = await self.send(f"engagement.{name}", engagement_id=card["id"])
                    if answer["type"] == "refused":
                        self._asked.discard(key)

    async def leave(self) -> None:
        """Close for good."""
        for task in self._tasks:
            task.cancel()
        if self.client is not None:
            with contextlib.suppress(Exception):
                await self.client.socket.close()


class Caller:
    """A caller's page. Its socket may die; the call goes on."""

    def __init__(self, at: Installation, address: int) -> None:
        self._at = at
        self._from = (f"127.0.1.{address % 250 + 1}", 0)
        self._socket: Any = None
        self._reader: asyncio.Task[None] | None = None
        self._pinger: asyncio.Task[None] | None = None
        self.messages: list[dict[str, Any]] = []
        self.call_id: str | None = None
        self._key = ""

    async def _connect(self, node: str) -> None:
        uri = f"ws://127.0.0.1:{self._at.ports[node]}/phone/socket"
        self._socket = await connect(
            uri,
            subprotocols=["tieline.phone.v1"],
            origin=ORIGIN,
            local_addr=self._from,
            ping_interval=None,  # type: ignore[arg-type,list-item]
        )

    async def dial(self, node: str, sdp: str = SOME_SDP) -> dict[str, Any]:
        """Dial once. Raises ConnectionError when the node is not there; AssertionError when it refuses."""
        await self._connect(node)
        message = {"type": "dial", "from": "+14155550123", "to": NUMBER, "sdp": sdp}
        await self._socket.send(json.dumps(message))
        while True:
            answer = json.loads(await asyncio.wait_for(self._socket.recv(), 15))
            if answer["type"] in ("accepted", "refused"):
                break
        if answer["type"] == "accepted":
            self.call_id, self._key = answer["call_id"], answer["key"]
        self._listen()
        return answer

    async def resume(self, node: str) -> None:
        """The page's socket broke: it takes its call up again by another node."""
        await self.leave()
        self.messages.clear()
        await self._connect(node)
        await self._socket.send(json.dumps({"type": "resume", "call_id": self.call_id, "key": self._key}))
        self._listen()

    def _listen(self) -> None:
        self._reader = asyncio.create_task(self._read())
        self._pinger = asyncio.create_task(self._ping())

    async def _ping(self) -> None:
        with contextlib.suppress(Exception):
            while True:
                await asyncio.sleep(5)
                await self._socket.send('{"type":"ping"}')

    async def _read(self) -> None:
        with contextlib.suppress(Exception):
            async for message in self._socket:
                self.messages.append(json.loads(message))

    async def told(self, state: str, *, within_s: float = 15) -> dict[str, Any]:
        """What the page was told last, once it says `state`."""

        async def found() -> Any:
            states = [m for m in self.messages if m["type"] == "state"]
            return states[-1] if states and states[-1]["state"] == state else None

        return await until(found, within_s=within_s, why=f"for {state}: {self.messages[-3:]}")

    async def leave(self) -> None:
        """Close the page."""
        for task in (self._reader, self._pinger):
            if task is not None:
                task.cancel()
        if self._socket is not None:
            with contextlib.suppress(Exception):
                await self._socket.close()


@asynccontextmanager
async def an_installation(folder: Path, *, agents: int) -> AsyncIterator[Installation]:
    """An installation with people and a database, without processes."""
    installation = Installation(folder, agents)
    try:
        await installation.open()
        yield installation
    finally:
        await installation.close()
