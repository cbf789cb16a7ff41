"""The callbar's socket: hello, snapshot, events in sequence, commands.

The socket holds no truth. What changed comes over the bus as a number; the socket reads the rows and sends the
event if it is the very next one, else a snapshot. A callbar that does not read is cut off, not waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

import structlog
from pydantic import TypeAdapter, ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocket, WebSocketDisconnect

from tieline.agents import service as agents
from tieline.agents.service import Seat
from tieline.bus import Bus, Message
from tieline.callbar import view, wire
from tieline.callbar.commands import Commands
from tieline.db.database import Database
from tieline.engagements.following import RECORDS
from tieline.errors import NotSignedIn
from tieline.identity import service as identity
from tieline.identity.service import SignedIn

HELLO_S = 10.0
SILENCE_S = 25.0
SEND_S = 10.0
KEEP_S = 2.0
"""Seats are renewed this often; their lease is `agents.SEAT_LEASE`."""
COMMANDS_PER_S = 20.0
SIGN_IN_AGAIN = 4401
TOO_SLOW = 4408
TRY_AGAIN_LATER = 1013
BAD_MESSAGE = 4400

log = structlog.get_logger()
_client_message: TypeAdapter[wire.ClientMessage] = TypeAdapter(wire.ClientMessage)
_SLOW_COMMANDS = frozenset({"record.seen", "records.search", "engagement.relate", "audio.connect"})
"""Commands that wait for the network: done beside the others, so that an answer never waits for them."""


class CallbarDoor:
    """All callbar sockets of one process."""

    def __init__(self, db: Database, bus: Bus, commands: Commands) -> None:
        self._db = db
        self._bus = bus
        self._commands = commands
        self._open: set[_Callbar] = set()

    async def serve(self, socket: WebSocket) -> None:
        """One socket from its accepted handshake to its end."""
        try:
            async with asyncio.timeout(HELLO_S):
                first = _client_message.validate_json(await _text(socket))
        except (TimeoutError, ValidationError):
            await _close(socket, BAD_MESSAGE)
            return
        except WebSocketDisconnect:
            return
        if not isinstance(first, wire.Hello):
            await _close(socket, BAD_MESSAGE)
            return
        try:
            who = await identity.whose(self._db, first.token, "callbar")
        except NotSignedIn:
            await _close(socket, SIGN_IN_AGAIN)
            return
        except (SQLAlchemyError, OSError, TimeoutError):
            await _close(socket, TRY_AGAIN_LATER)
            return
        assert who.connection_id is not None
        seat = Seat(who.account_id, who.user_id, who.connection_id, first.seat)
        callbar = _Callbar(socket, self._db, self._bus, self._commands, who, seat)
        self._open.add(callbar)
        try:
            await callbar.serve()
        finally:
            self._open.discard(callbar)

    async def keep_seats(self) -> None:
        """Renew the leases of all seats of this process, and take those that died elsewhere, until cancelled."""
        while True:
            await asyncio.sleep(KEEP_S)
            try:
                if owners := [(c, c.seat) for c in self._open if c.owner]:
                    async with self._db.system() as tx:
                        kept = await agents.keep_seats(tx, [seat for _, seat in owners])
                    for callbar, seat in owners:
                        # Nobody may have told us who owns it now: this process may have slept for long.
                        if (seat.seat_id, seat.fence) not in kept:
                            callbar.seat_lost(seat)
                for callbar in [c for c in self._open if not c.owner]:
                    await callbar.try_seat()
            except Exception:
                log.exception("callbar.seats")

    async def close(self) -> None:
        """Tell every callbar to come back to another node."""
        await asyncio.gather(*(c.close(1012) for c in list(self._open)), return_exceptions=True)


class _Callbar:
    def __init__(
        self, socket: WebSocket, db: Database, bus: Bus, commands: Commands, who: SignedIn, seat: Seat
    ) -> None:
        self._socket = socket
        self._db = db
        self._bus = bus
        self._commands = commands
        self._who = who
        self.seat = seat
        self.owner = False
        self._seating = asyncio.Lock()
        self._last = -1
        self._news: list[Message] = []
        self._wake = asyncio.Event()
        self._stale = False
        self._records_changed = False
        self._crm_changed = True
        self._crm_connected = True
        self._sending = asyncio.Lock()
        self._cut = asyncio.Event()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._allowance = COMMANDS_PER_S
        self._allowed_at = time.monotonic()

    async def serve(self) -> None:
        agent_id, session_id = self.seat.agent_id, self._who.session_id
        subscriptions = [
            self._bus.subscribe("agent", agent_id, self._on_agent, self._on_gap),
            self._bus.subscribe("seat", agent_id, self._on_seat, self._on_gap),
            self._bus.subscribe("reasons", self.seat.account_id, lambda _: self._on_gap()),
            self._bus.subscribe(
                "org_settings", self.seat.connection_id, lambda _: self._on_gap(), self._on_gap
            ),
            self._bus.subscribe(RECORDS, self.seat.connection_id, lambda _: self._on_records()),
            self._bus.subscribe("connection", self.seat.connection_id, lambda _: self._on_crm()),
            self._bus.subscribe("session", session_id, lambda _: self._soon(self.close(SIGN_IN_AGAIN))),
        ]
        sender: asyncio.Task[None] | None = None
        try:
            await self.try_seat(coming=True)
            self._on_gap()
            sender = asyncio.create_task(self._send_news())
            receiver = asyncio.create_task(self._receive())
            cut = asyncio.create_task(self._cut.wait())
            self._tasks |= {receiver, cut}
            await asyncio.wait({receiver, sender, cut}, return_when=asyncio.FIRST_COMPLETED)
            if receiver.done():
                receiver.result()
        except (WebSocketDisconnect, TimeoutError, RuntimeError):
            pass
        except (SQLAlchemyError, OSError):
            # The database is away: the callbar comes back by itself, to this node or another.
            log.warning("callbar.serve", exc_info=True)
            await self.close(TRY_AGAIN_LATER)
        finally:
            for subscription in subscriptions:
                subscription.close()
            if sender is not None:
                sender.cancel()
            for task in self._tasks:
                task.cancel()
            if self.owner:
                with contextlib.suppress(Exception):
                    async with self._db.account(self.seat.account_id) as tx:
                        await agents.leave_seat(tx, self.seat)
            await self.close(1000)

    async def try_seat(self, *, by_force: bool = False, coming: bool = False) -> None:
        """Own the agent's audio if nobody else does, or in any case; one that is `coming` back owns what it had."""
        async with self._seating:
            # Whoever waited here while the seat was taken need not take it again: commands under way would lose it.
            if not self.owner or by_force:
                await self._try_seat(by_force=by_force, coming=coming)

    async def _try_seat(self, *, by_force: bool = False, coming: bool = False) -> None:
        async with self._db.account(self.seat.account_id) as tx:
            taken = await agents.take_seat(tx, self.seat, by_force=by_force, coming=coming)
        if taken is not None:
            self.seat, self.owner = taken, True
            self._commands.greet(taken)  # not before: who has no seat is not found by those that it tells
            self._on_gap()

    async def _seat_changed(self, fence: int) -> None:
        # Under the lock: our own taking is announced, too, and must be known before it is judged.
        async with self._seating:
            if not self.owner:
                await self._try_seat()
            elif fence > self.seat.fence:
                self.owner = False
                self._on_gap()

    def seat_lost(self, seat: Seat) -> None:
        """The rows say that another callbar owns what this one held as `seat`."""
        if self.owner and self.seat == seat:
            self.owner = False
            self._on_gap()

    async def close(self, code: int) -> None:
        await _close(self._socket, code)

    # -- in ---

    async def _receive(self) -> None:
        expires = self._who.expires_at.timestamp()
        while True:
            async with asyncio.timeout(SILENCE_S):
                text = await _text(self._socket)
            if time.time() > expires:
                await self.close(SIGN_IN_AGAIN)
                return
            try:
                message = _client_message.validate_json(text)
            except ValidationError:
                await self._refuse_unreadable(text)
                continue
            match message:
                case wire.Ping():
                    await self._send(wire.Pong())
                case wire.SnapshotRequest():
                    self._on_gap()
                case wire.Command():
                    await self._command(message)
                case wire.Hello():
                    await self.close(BAD_MESSAGE)
                    return

    async def _refuse_unreadable(self, text: str) -> None:
        """Answer a command we do not understand, if it can be told which one it was."""
        with contextlib.suppress(ValueError):
            raw = json.loads(text)
            if isinstance(raw, dict) and isinstance(raw.get("command_id"), str):
                await self._send(wire.Refused(command_id=raw["command_id"][:64], code="input_invalid"))
                return
        await self.close(BAD_MESSAGE)

    async def _command(self, command: wire.Command) -> None:
        now = time.monotonic()
        earned = (now - self._allowed_at) * COMMANDS_PER_S
        self._allowance = min(2 * COMMANDS_PER_S, self._allowance + earned)
        self._allowed_at = now
        if self._allowance < 1:
            params = {"retry_after_s": 1}
            await self._send(
                wire.Refused(command_id=command.command_id, code="too_many_attempts", params=params)
            )
            return
        self._allowance -= 1
        if command.name == "seat.take":
            await self.try_seat(by_force=True)
            await self._send(wire.Done(command_id=command.command_id))
        elif command.name in _SLOW_COMMANDS:
            self._soon(self._answer(command))
        else:
            await self._answer(command)

    async def _answer(self, command: wire.Command) -> None:
        await self._send(await self._commands.run(self.seat, command))

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- out ---

    def _on_agent(self, message: Message) -> None:
        self._news.append(message)
        self._wake.set()

    def _on_records(self) -> None:
        self._records_changed = True
        self._wake.set()

    def _on_crm(self) -> None:
        self._crm_changed = True
        self._wake.set()

    def _on_seat(self, message: Message) -> None:
        self._soon(self._seat_changed(message.version))

    def _on_gap(self) -> None:
        self._stale = True
        self._wake.set()

    async def _send_news(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            news, self._news = self._news, []
            stale, self._stale = self._stale, False
            records_changed, self._records_changed = self._records_changed, False
            if records_changed and not await self._sent(wire.RecordsChanged()):
                return
            # The first thing a callbar hears is what it shows.
            if self._last >= 0 and not await self._told_of_crm():
                return
            fresh = [m for m in news if m.version > self._last]
            if not fresh and not stale:
                continue
            event: wire.Event | None = None
            now: wire.Snapshot | None = None
            try:
                if not stale and len(fresh) == 1 and fresh[0].version == self._last + 1:
                    event = await view.event_of(
                        self._db,
                        self.seat,
                        sequence=fresh[0].version,
                        name=fresh[0].more.get("e", ""),
                        engagement_id=fresh[0].more.get("x"),
                        gone=fresh[0].more.get("g"),
                    )
                if event is None:
                    async with self._db.view(self.seat.account_id) as tx:
                        said = await self._commands.org_says(tx, self.seat)
                        now = await view.snapshot(tx, self.seat, **said)
            except Exception:
                log.exception("callbar.view")
                await asyncio.sleep(0.5)
                self._on_gap()
                continue
            message = event or now
            assert message is not None
            self._last = message.sequence
            if not await self._sent(message) or not await self._told_of_crm():
                return

    async def _told_of_crm(self) -> bool:
        """Tell whether the CRM takes the connection's grant, where that changed; False when there is nobody any more."""
        if not self._crm_changed:
            return True
        self._crm_changed = False
        try:
            connected = await self._commands.crm_connected(self.seat)
        except Exception:
            log.exception("callbar.crm")
            self._crm_changed = True  # with the next news
            return True
        if connected == self._crm_connected:
            return True
        self._crm_connected = connected
        return await self._sent(wire.CrmChanged(connected=connected))

    async def _sent(self, message: wire.Wire) -> bool:
        """Send; False when there is nobody any more."""
        try:
            await self._send(message)
        except (WebSocketDisconnect, RuntimeError):
            return False
        return True

    async def _send(self, message: wire.Wire) -> None:
        async with self._sending:
            try:
                async with asyncio.timeout(SEND_S):
                    await self._socket.send_text(message.model_dump_json())
            except TimeoutError:
                # It may go on sending without reading: nothing more is done for it.
                log.warning("callbar.slow")
                self._cut.set()
                await self.close(TOO_SLOW)
                raise WebSocketDisconnect(TOO_SLOW) from None


async def _text(socket: WebSocket) -> str:
    text = await socket.receive_text()
    if len(text) > wire.MAX_MESSAGE_BYTES:
        await _close(socket, BAD_MESSAGE)
        raise WebSocketDisconnect(BAD_MESSAGE)
    return text


async def _close(socket: WebSocket, code: int) -> None:
    with contextlib.suppress(Exception):
        async with asyncio.timeout(2):
            await socket.close(code)
