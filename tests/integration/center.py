"""A whole contact center for a test: the real web process on a real port, the scripted switch, real sockets.

Agents and callers come in by the doors that browsers use. The switch is the scripted twin, so that a test says
what the far ends do; everything else is what runs in production.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx2
import uvicorn
from sqlalchemy import insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert
from tests.plain_http import plain_http
from tests.ports import free_ports
from websockets.asyncio.client import ClientConnection, connect

from tieline.agents.service import make_agent
from tieline.agents.tables import agent
from tieline.app import Web, create_app
from tieline.db.database import Database
from tieline.engagements.tables import engagement, media_node
from tieline.identity import people
from tieline.identity.tables import account
from tieline.ids import new_id
from tieline.queues.service import make_queue
from tieline.queues.tables import queue
from tieline.salesforce.tables import connection
from tieline.settings import Keys, MailSettings, Settings
from tieline.telephony.scripted import ScriptedSwitch

PASSWORD = "a-long-password"
WAIT_S = 10.0
_numbers = itertools.count(1000)


def settings_for(database_url: str, port: int, web_dist: Path) -> Settings:
    """Settings of a web process on a port of this machine."""
    return Settings(
        database_url=database_url,
        data_dir=Path("data"),
        public_url=f"http://127.0.0.1:{port}",
        keys=Keys("test", {"test": b"k" * 32}),
        media_listen=("127.0.0.1", 0),
        media_address=("127.0.0.1",),
        media_ports=(45000, 45999),
        web_dist=web_dist,
        trust_loopback_crm=True,
    )


def stub_pages(folder: Path) -> Path:
    """Pages for tests that need none: what the servers do with a page is theirs, its content the web build's."""
    for name in ("portal", "callbar", "phone"):
        page = '<!doctype html><script type="application/json" id="tieline-config">{}</script>'
        (folder / f"{name}.html").write_text(page)
    return folder


class OneSwitch:
    """The scripted switch as the switch of every node."""

    def __init__(self, switch: ScriptedSwitch) -> None:
        self._switch = switch

    def switch(self, node: str, address: str) -> ScriptedSwitch:
        """The one switch."""
        return self._switch


@dataclass
class CallbarClient:
    """An agent's callbar, without its pictures: what it was told, folded as the real one folds it."""

    socket: ClientConnection
    token: str
    seat: str = field(default_factory=lambda: str(new_id()))
    state: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    snapshots: int = 0
    hints: int = 0
    """How often it was told that records of the CRM changed."""
    crm: list[bool] = field(default_factory=list)
    """What it was told of the CRM's taking our connection."""
    _replies: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: asyncio.Task[None] | None = None
    close_code: int | None = None

    async def start(self) -> None:
        await self.socket.send(json.dumps({"type": "hello", "token": self.token, "seat": self.seat}))
        self._reader = asyncio.create_task(self._read())
        await self.until(lambda s: bool(s))

    async def _read(self) -> None:
        try:
            async for text_ in self.socket:
                self._take(json.loads(text_))
        except Exception:
            pass
        finally:
            self.close_code = self.socket.close_code
            self._changed.set()

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "snapshot":
                self.state, self.snapshots = message, self.snapshots + 1
            case "event":
                assert message["sequence"] == self.state["sequence"] + 1, "events follow one another"
                self.events.append(message)
                self.state = fold(self.state, message)
            case "records":
                self.hints += 1
            case "crm":
                self.crm.append(message["connected"])
            case "done" | "refused":
                self._replies.pop(message["command_id"]).set_result(message)
            case _:  # `pong`
                pass
        self._changed.set()

    async def send(self, name: str, *, command_id: str | None = None, **params: Any) -> dict[str, Any]:
        """Send a command and give its answer."""
        command_id = command_id or str(new_id())
        reply: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._replies[command_id] = reply
        message = {"type": "command", "command_id": command_id, "name": name, "params": params}
        await self.socket.send(json.dumps(message))
        return await asyncio.wait_for(reply, WAIT_S)

    async def do(self, name: str, **params: Any) -> None:
        """Send a command that must be carried out."""
        answer = await self.send(name, **params)
        assert answer["type"] == "done", answer

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until what the callbar shows fulfils the condition; gives what it shows."""
        async with asyncio.timeout(WAIT_S):
            while not condition(self.state):
                self._changed.clear()
                assert self.close_code is None, f"the socket was closed with {self.close_code}"
                await self._changed.wait()
        return self.state

    async def card(self, state: str) -> dict[str, Any]:
        """The one engagement, once it is in `state`."""
        shown = await self.until(lambda s: any(e["state"] == state for e in s["engagements"]))
        return next(e for e in shown["engagements"] if e["state"] == state)

    async def presence(self, state: str) -> dict[str, Any]:
        """The presence, once it is `state`."""
        shown = await self.until(lambda s: s["agent"]["presence"]["state"] == state)
        return shown["agent"]["presence"]

    async def closed(self) -> int:
        """The code the socket was closed with."""
        async with asyncio.timeout(WAIT_S):
            while self.close_code is None:
                self._changed.clear()
                await self._changed.wait()
        return self.close_code

    async def ready(self) -> None:
        """Connect audio and choose *Ready*."""
        await self.do("audio.connect", sdp="v=0 an offer")
        await self.do("status.set", status="ready", reason=None)
        await self.presence("ready")

    async def leave(self) -> None:
        """Close the socket."""
        await self.socket.close()
        if self._reader:
            await self._reader


def fold(state: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """A snapshot with an event applied, as `web/src/callbar/model.ts` does it."""
    agent = dict(state["agent"])
    engagements = list(state["engagements"])
    if event["presence"]:
        agent["presence"] = event["presence"]
    if event["engagement"]:
        card = event["engagement"]
        known = [e["id"] for e in engagements]
        if card["id"] in known:
            engagements[known.index(card["id"])] = card
        else:
            engagements.append(card)
    if event["gone"]:
        engagements = [e for e in engagements if e["id"] != event["gone"]["id"]]
    return {
        **state,
        "sequence": event["sequence"],
        "time": event["time"],
        "agent": agent,
        "engagements": engagements,
    }


@dataclass
class PhoneClient:
    """A caller's page."""

    socket: ClientConnection
    messages: list[dict[str, Any]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        with contextlib.suppress(Exception):
            async for text_ in self.socket:
                self.messages.append(json.loads(text_))
                self._changed.set()

    async def dial(self, from_: str | None, to: str | None = "+14155550100", **more: Any) -> dict[str, Any]:
        """Dial; gives the first answer."""
        before = len(self.messages)
        message = {"type": "dial", "from": from_, "to": to, "sdp": "v=0 an offer", **more}
        await self.socket.send(json.dumps(message))
        await self._until(lambda: len(self.messages) > before)
        return self.messages[before]

    async def send(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a message; gives the first answer."""
        before = len(self.messages)
        await self.socket.send(json.dumps(message))
        await self._until(lambda: len(self.messages) > before)
        return self.messages[before]

    async def listen(self, center: Center, number: str) -> None:
        """Answer calls to `number`, in the account of this center."""
        async with center.db.system() as tx:
            # The page listens for the installation's first account that allows it; here that is another test's.
            await tx.execute(
                update(account).where(account.c.id != center.account_id).values(test_phone=False)
            )
        answer = await self.send({"type": "listen", "number": number})
        assert answer["type"] == "listening", answer

    async def rings(self) -> dict[str, Any]:
        """The message that says it rings."""
        await self.until(lambda m: m["type"] == "ringing")
        return next(m for m in self.messages if m["type"] == "ringing")

    async def answer(self, rings: dict[str, Any]) -> None:
        """Take the call."""
        await self.send({"type": "answer", "call_id": rings["call_id"], "sdp": "v=0 an offer"})
        await self.until(lambda m: m["type"] == "accepted")

    async def decline(self, rings: dict[str, Any]) -> None:
        """Do not take the call."""
        await self.socket.send(json.dumps({"type": "decline", "call_id": rings["call_id"]}))

    async def press(self, digits: str) -> None:
        """Press keys in the call."""
        await self.socket.send(json.dumps({"type": "digits", "digits": digits}))

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> None:
        """Wait for a message that fulfils the condition."""
        await self._until(lambda: any(condition(m) for m in self.messages))

    async def state(self, state: str) -> dict[str, Any]:
        """The message that says the call is in `state`."""

        def found() -> dict[str, Any] | None:
            last = [m for m in self.messages if m["type"] == "state"]
            return last[-1] if last and last[-1]["state"] == state else None

        await self._until(lambda: found() is not None)
        answer = found()
        assert answer is not None
        return answer

    async def _until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def hang_up(self) -> None:
        """Hang up as the page's button does."""
        await self.socket.send(json.dumps({"type": "hang_up"}))


class Center:
    """A contact center of one account with one queue."""

    def __init__(self, database: Database, web_dist: Path, mail: MailSettings | None = None) -> None:
        self.db = database
        self.port = free_ports()
        self.settings = replace(settings_for(database.url, self.port, stub_pages(web_dist)), mail=mail)
        self.switch = ScriptedSwitch(node=f"scripted-{new_id()}")
        self.origin = self.settings.public_url
        self.web = Web(self.settings, directory=OneSwitch(self.switch))
        self.account_id: UUID
        self.queue_id: UUID
        self.connection_id = new_id()
        tag = secrets.token_hex(4)
        self.tag = tag
        self.host_origin = f"http://{tag}.lightning.localhost:1"
        # Numbers are unique in the installation; every test has its own.
        self.number = f"+1415555{next(_numbers)}"
        self.agents: dict[str, UUID] = {}
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._seed()
        config = uvicorn.Config(
            create_app(self.settings, web=self.web),
            host="127.0.0.1",
            port=self.port,
            log_level="warning",
            ws="websockets-sansio",
            timeout_graceful_shutdown=1,
        )
        self.server = uvicorn.Server(config)
        self.server.install_signal_handlers = lambda: None  # type: ignore[method-assign]
        self._serving = asyncio.create_task(self.server.serve())
        self._beating = asyncio.create_task(self._beat())
        async with asyncio.timeout(WAIT_S):
            while not self.server.started:
                await asyncio.sleep(0.01)
        self.http = plain_http(base_url=self.origin, timeout=10, headers={"Origin": self.origin})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        await self.http.aclose()
        self._beating.cancel()
        self.server.should_exit = True
        await self._serving
        async with self.db.system() as tx:
            await tx.execute(text("DELETE FROM media_node WHERE id = :id"), {"id": self.switch.node})

    async def _beat(self) -> None:
        while True:
            await self._heartbeat()
            await asyncio.sleep(0.5)

    async def _heartbeat(self) -> None:
        async with self.db.system() as tx:
            values = {"address": "scripted", "epoch": self.switch.journal.epoch, "heartbeat_at": tx.now}
            await tx.execute(
                upsert(media_node)
                .values(id=self.switch.node, **values)
                .on_conflict_do_update(index_elements=["id"], set_=values)
            )

    async def _seed(self) -> None:
        async with self.db.system() as tx:
            self.account_id = await people.make_account(
                tx, name=f"Account {self.tag}", vanity=self.tag, test_phone=True, web_calls=True
            )
            await tx.execute(
                insert(connection).values(
                    account_id=self.account_id,
                    id=self.connection_id,
                    name="CRM",
                    environment="embedded",
                    state="connected",
                    api_base="http://127.0.0.1:1",
                    login_origin="http://127.0.0.1:1",
                    embedding_origins=[self.host_origin],
                    client_id="test",
                    index_state="ready",
                    created_at=tx.now,
                )
            )
            for name, role in (("admin", "administrator"), ("one", "agent"), ("two", "agent")):
                self.agents[name] = await people.make_user(
                    tx,
                    email=self.email(name),
                    name=name.title(),
                    language="en",
                    roles=[role],
                    password=PASSWORD,
                )
            for name in ("one", "two"):
                await make_agent(tx, self.agents[name])
            await people.set_client_integration(
                tx, [self.email("one"), self.email("two")], self.connection_id
            )
            self.queue_id = await make_queue(
                tx,
                slug=f"support-{self.tag}",
                name="Support",
                numbers=[(self.number, "greeting/en")],
                members=[self.agents["one"], self.agents["two"]],
                disposition_labels=["Resolved", "Call back"],
            )

    def email(self, name: str) -> str:
        """Sign-in name of a user of this center."""
        return f"{name}@{self.tag}.example"

    async def set_queue(self, **values: Any) -> None:
        """Change the queue's settings."""
        async with self.db.system() as tx:
            await tx.execute(update(queue).where(queue.c.id == self.queue_id).values(**values))

    async def line_up(self, name: str) -> None:
        """Wait until the switch has told that the agent's audio is up."""
        async with asyncio.timeout(WAIT_S):
            while True:
                async with self.db.system() as tx:
                    if await tx.scalar(
                        select(agent.c.line_up_at).where(agent.c.user_id == self.agents[name])
                    ):
                        return
                await asyncio.sleep(0.02)

    async def pass_time(self, seconds: float) -> None:
        """Move the clock of every process ahead."""
        async with self.db.system() as tx:
            statement = text("UPDATE clock SET ahead = ahead + make_interval(secs => :seconds)")
            await tx.execute(statement, {"seconds": seconds})
        await self._heartbeat()

    async def expire_seat(self, name: str) -> None:
        """Let the lease of an agent's callbar run out, as when it has been gone for long."""
        async with self.db.system() as tx:
            await tx.execute(
                update(agent).where(agent.c.user_id == self.agents[name]).values(seat_until=tx.now)
            )

    async def let_deadline_pass(self, engagement_id: str) -> None:
        """Act as if the engagement had stayed in its state for too long."""
        async with self.db.system() as tx:
            await tx.execute(
                update(engagement).where(engagement.c.id == engagement_id).values(deadline_at=tx.now)
            )

    async def portal(self, name: str) -> httpx2.AsyncClient:
        """A signed-in portal page."""
        client = plain_http(base_url=self.origin, timeout=10, headers={"Origin": self.origin})
        await self._stack.enter_async_context(client)
        answer = await client.post("/api/v1/session", json={"email": self.email(name), "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        return client

    async def callbar_token(self, name: str) -> str:
        """A callbar session, by the way the pop-up and the frame go."""
        portal = await self.portal(name)
        secret = secrets.token_urlsafe(32)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()
        body = {"connection_id": str(self.connection_id), "origin": self.host_origin, "challenge": challenge}
        granted = await portal.post("/api/v1/callbar/grants", json=body)
        assert granted.status_code == 200, granted.text
        redeemed = await self.http.post(
            "/api/v1/callbar/session",
            json={"connection_id": str(self.connection_id), "code": granted.json()["code"], "secret": secret},
        )
        assert redeemed.status_code == 200, redeemed.text
        return redeemed.json()["token"]

    async def callbar(self, name: str, *, token: str | None = None, seat: str | None = None) -> CallbarClient:
        """An agent's callbar, connected; with the `seat` of an earlier one it is that callbar, reloaded."""
        token = token or await self.callbar_token(name)
        socket_ = await self._socket("/callbar/socket", "tieline.callbar.v1")
        client = CallbarClient(socket_, token, seat or str(new_id()))
        await client.start()
        return client

    async def phone(self) -> PhoneClient:
        """A caller's page, connected."""
        client = PhoneClient(await self._socket("/phone/socket", "tieline.phone.v1"))
        await client.start()
        return client

    async def call(self, from_: str | None = "+14155550123") -> PhoneClient:
        """A caller who has dialled and waits in the queue."""
        phone = await self.phone()
        answer = await phone.dial(from_, self.number)
        assert answer["type"] == "accepted", answer
        return phone

    async def _socket(self, path: str, subprotocol: str) -> ClientConnection:
        uri = f"ws://127.0.0.1:{self.port}{path}"
        socket_ = await connect(uri, subprotocols=[subprotocol], origin=self.origin)  # type: ignore[arg-type,list-item]
        self._stack.push_async_callback(socket_.close)
        return socket_

    async def story(self, engagement_id: str) -> list[str]:
        """The names of an engagement's story, in order."""
        portal = await self.portal("admin")
        answer = await portal.get(f"/api/v1/engagements/{engagement_id}")
        return [line["name"] for line in answer.json()["story"]]


@asynccontextmanager
async def a_center(
    database: Database, web_dist: Path, *, mail: MailSettings | None = None, **queue_settings: Any
) -> AsyncGenerator[Center]:
    """A running center; keywords change its queue."""
    async with Center(database, web_dist, mail) as center:
        if queue_settings:
            await center.set_queue(**queue_settings)
        yield center
