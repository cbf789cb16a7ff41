"""Calling a queue from a browser: the test phone of the demo, and the page for website visitors.

The socket carries set-up and what the caller may know of the call; the audio runs beside it. Closing the
socket does not end the call: a hang-up or the switch does. A page whose socket broke takes its call up again over
the next one, at any node, by the key that it was given with the call.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import time
from collections import OrderedDict
from typing import Annotated, Any, Literal
from uuid import UUID

import structlog
from fastapi import APIRouter, Request, Response, WebSocket
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sqlalchemy import bindparam, select
from sqlalchemy.exc import SQLAlchemyError
from starlette.websockets import WebSocketDisconnect

from tieline import numbers
from tieline.bus import Bus, Subscription
from tieline.bus import Message as BusMessage
from tieline.db.database import Database
from tieline.db.statement import Found, Statement
from tieline.engagements.commands import call_switch
from tieline.engagements.engagement import State
from tieline.engagements.refusals import NoSwitch, SwitchBusy
from tieline.engagements.service import Arrival, Engagements
from tieline.engagements.tables import engagement
from tieline.errors import InputInvalid, NotFound, TemporarilyUnavailable, TielineError, TooMany
from tieline.identity.tables import account
from tieline.ids import new_id
from tieline.phone import lines
from tieline.queues.service import QueueNotFound, queue_by_number
from tieline.queues.tables import queue, queue_number
from tieline.telephony.switch import LegRole, SwitchError
from tieline.web.http import Guard, client_address, uuid_or
from tieline.web.pages import Pages

SUBPROTOCOL = "tieline.phone.v1"
MAX_MESSAGE = 100_000
SILENCE_S = 30.0
_RETRY_S = 0.5
DIALS_PER_MINUTE = 30
"""From one address; a visitor's page is open to everybody."""

_UNHEARD = frozenset(
    {
        "engagement.offered",
        "engagement.accepted",
        "engagement.matched",
        "engagement.related",
        "engagement.muted",
        "engagement.unmuted",
    }
)
"""What happens to an engagement without the customer being told of it: nothing is read for it."""
_BY_SLUG = Statement(
    select(queue, account.c.name.label("account_name"))
    .join(account, account.c.id == queue.c.account_id)
    .where(queue.c.slug == bindparam("slug"), account.c.web_calls)
    .limit(2)
)
_ANY_CALL = Statement(select(engagement).where(engagement.c.id == bindparam("of_id")))
_CALL = Statement(
    select(engagement).where(
        engagement.c.account_id == bindparam("of_account"), engagement.c.id == bindparam("of_id")
    )
)

log = structlog.get_logger()


class TestPhoneDisabled(NotFound):
    """No account of this installation allows the test phone."""

    code = "test_phone_disabled"


class WebCallsDisabled(NotFound):
    """This queue takes no calls from web pages."""

    code = "web_calls_disabled"


class CallGone(TielineError):
    """The call no longer rings here, or is none that can be taken up again."""

    code, status = "call_gone", 409


class NumberInvalid(TielineError):
    """The text is no telephone number; `params.field` tells which one."""

    code, status = "number_invalid", 422


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Dial(_Message):
    """Call a number (`to`) or a queue by its name in links (`queue`). `from` null means withheld."""

    type: Literal["dial"]
    to: str | None = Field(default=None, max_length=100)
    queue: str | None = Field(default=None, max_length=100)
    from_: str | None = Field(default=None, alias="from", max_length=100)
    claimed_name: str | None = Field(default=None, max_length=80)
    sdp: str = Field(max_length=60_000)


class Listen(_Message):
    """Answer calls to this number from now on; null: to none any more."""

    type: Literal["listen"]
    number: str | None = Field(max_length=100)


class Answer(_Message):
    """Take the call that rings."""

    type: Literal["answer"]
    call_id: str = Field(max_length=40)
    sdp: str = Field(max_length=60_000)


class Decline(_Message):
    """Do not take the call that rings: the caller hears that the line is busy."""

    type: Literal["decline"]
    call_id: str = Field(max_length=40)


class Resume(_Message):
    """Take up the call that this page had before its socket broke."""

    type: Literal["resume"]
    call_id: str = Field(max_length=40)
    key: str = Field(max_length=40)
    """What the page was given with `accepted`: nobody else can show it."""


class Digits(_Message):
    """Keys pressed during the call."""

    type: Literal["digits"]
    digits: str = Field(pattern=r"^[0-9A-D*#]{1,32}$")


class HangUp(_Message):
    """End the call."""

    type: Literal["hang_up"]


class Ping(_Message):
    """Sent every 10 s."""

    type: Literal["ping"]


Incoming = Dial | Listen | Answer | Decline | Resume | Digits | HangUp | Ping
_incoming: TypeAdapter[Incoming] = TypeAdapter(Annotated[Incoming, Field(discriminator="type")])


class DialLimit:
    """Counts dials by address within a minute, in this process."""

    def __init__(self) -> None:
        self._by_address: OrderedDict[str, list[float]] = OrderedDict()

    def check(self, address: str) -> None:
        """Count one more. Raises `TooMany`."""
        now = time.monotonic()
        recent = [t for t in self._by_address.pop(address, []) if t > now - 60]
        self._by_address[address] = recent
        while len(self._by_address) > 10_000:
            self._by_address.popitem(last=False)
        if len(recent) >= DIALS_PER_MINUTE:
            raise TooMany(retry_after_s=max(1, int(recent[0] + 60 - now)))
        recent.append(now)


def router(guard: Guard, pages: Pages, engagements: Engagements, bus: Bus) -> APIRouter:
    """Routes of both pages."""
    routes = APIRouter(tags=["phone"])
    limit = DialLimit()
    key = guard.settings.keys.derive("phone")

    @routes.get("/phone")
    async def test_page() -> Response:
        """The test phone."""
        return pages.page("phone", {"mode": "test"})

    @routes.get("/call/{slug}")
    async def visitor_page(slug: str) -> Response:
        """The call page of a queue, for a website's visitors."""
        return pages.page("phone", {"mode": "visitor", "queue": slug[:100]})

    @routes.get("/api/v1/phone")
    async def offered() -> dict[str, Any]:
        """Numbers to call from and to call, where an account allows the test phone."""
        async with guard.db.system() as tx:
            own = await tx.one(
                select(account).where(account.c.test_phone).order_by(account.c.created_at).limit(1)
            )
            if own is None:
                raise TestPhoneDisabled
            rows = await tx.all(
                select(queue.c.id, queue.c.name, queue_number.c.e164)
                .join(
                    queue_number,
                    (queue_number.c.account_id == queue.c.account_id)
                    & (queue_number.c.queue_id == queue.c.id),
                )
                .where(queue.c.account_id == own.id)
                .order_by(queue.c.name, queue_number.c.e164)
            )
        by_queue: dict[UUID, dict[str, Any]] = {}
        for row in rows:
            entry = by_queue.setdefault(row.id, {"name": row.name, "numbers": []})
            entry["numbers"].append(
                {
                    "e164": row.e164,
                    "display": numbers.display(row.e164, None),
                    "country": numbers.regions_of([numbers.country_code_of(row.e164)])[0],
                }
            )
        return {"numbers": own.test_numbers, "queues": list(by_queue.values())}

    @routes.get("/api/v1/calls/{slug}")
    async def called(slug: str, request: Request) -> dict[str, Any]:
        """Whom the visitor's page calls."""
        of = await _visitors_queue(guard.db, slug)
        return {"queue": {"name": of.name}, "account": {"name": of.account_name}}

    @routes.websocket("/phone/socket")
    async def socket(websocket: WebSocket) -> None:
        if not guard.ours(websocket.headers.get("origin")):
            await websocket.close(1008)
            return
        await websocket.accept(SUBPROTOCOL)
        phone = _Phone(websocket, engagements, bus, limit, key)
        with contextlib.suppress(WebSocketDisconnect, TimeoutError, RuntimeError):
            await phone.serve()

    return routes


async def _visitors_queue(db: Database, slug: str) -> Found:
    rows = await db.alone(_BY_SLUG, {"slug": slug})
    if len(rows) != 1:
        raise WebCallsDisabled
    return rows[0]


class _Phone:
    def __init__(
        self, socket: WebSocket, engagements: Engagements, bus: Bus, limit: DialLimit, key: bytes
    ) -> None:
        self._socket = socket
        self._key = key
        self._engagements = engagements
        self._db = engagements.db
        self._bus = bus
        self._limit = limit
        self._id = new_id()
        self._account_id: UUID | None = None
        self._number: str | None = None
        self._call: Found | None = None
        self._ringing: Found | None = None
        self._watching: dict[UUID, tuple[Subscription, asyncio.Task[None]]] = {}
        self._rung: Subscription | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        try:
            while True:
                async with asyncio.timeout(SILENCE_S):
                    text = await self._socket.receive_text()
                if len(text) > MAX_MESSAGE:
                    await self._socket.close(1009)
                    return
                try:
                    message = _incoming.validate_json(text)
                except ValidationError:
                    await self._refuse(InputInvalid(field="message"))
                    continue
                try:
                    await self._take(message)
                except TielineError as error:
                    await self._refuse(error)
                except (SQLAlchemyError, OSError):
                    # The database is away: the page stays, and may ask again.
                    log.warning("phone.message", exc_info=True)
                    await self._refuse(TemporarilyUnavailable())
        finally:
            await self._gone()

    async def _gone(self) -> None:
        for subscription, task in self._watching.values():
            subscription.close()
            task.cancel()
        if self._rung is not None:
            self._rung.close()
        if self._account_id is not None:
            with contextlib.suppress(Exception):
                async with self._db.account(self._account_id) as tx:
                    await lines.forget(tx, self._id)

    async def _take(self, message: Incoming) -> None:
        match message:
            case Ping():
                await self._send({"type": "pong"})
                await self._renew()
            case HangUp():
                await self._hang_up()
            case Listen():
                await self._listen(message.number)
            case Decline():
                await self._decline(message.call_id)
            case Digits():
                await self._digits(message.digits)
            case Answer():
                await self._answer(message)
            case Dial():
                if self._call is not None:
                    raise InputInvalid(field="type")
                await self._have(await self._dial(message))
            case Resume():
                if self._call is not None:
                    raise InputInvalid(field="type")
                await self._have(await self._resumed(message))

    async def _have(self, call: Found | None) -> None:
        self._call = call
        if call is not None:
            self._watch(call)
            await self._renew()

    # -- being called ---

    async def _listen(self, number: str | None) -> None:
        if number is None:
            await self._gone_from_number()
            return
        async with self._db.system() as tx:
            own = await tx.scalar(
                select(account.c.id).where(account.c.test_phone).order_by(account.c.created_at).limit(1)
            )
        if own is None:
            raise TestPhoneDisabled
        parsed = numbers.parse(number, ("US", "JP"))
        if parsed is None:
            raise NumberInvalid(field="number")
        self._account_id, self._number = own, parsed.e164
        if self._rung is None:
            self._rung = self._bus.subscribe("phone", self._id, self._on_ring)
        await self._renew()
        await self._send(
            {"type": "listening", "number": parsed.e164, "display": numbers.display(parsed.e164, None)}
        )

    async def _gone_from_number(self) -> None:
        self._number = None
        if self._account_id is not None:
            async with self._db.account(self._account_id) as tx:
                await lines.forget(tx, self._id)
        await self._send({"type": "listening", "number": None, "display": None})

    async def _renew(self) -> None:
        if self._account_id is not None and self._number is not None:
            busy = self._call is not None or self._ringing is not None
            async with self._db.account(self._account_id) as tx:
                await lines.listen(tx, self._id, self._number, busy=busy)

    def _on_ring(self, message: BusMessage) -> None:
        task = asyncio.create_task(self._ring(UUID(message.more["x"])))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ring(self, engagement_id: UUID) -> None:
        if self._call is not None or self._ringing is not None:
            return
        row = await self._row(self._account_id, engagement_id)
        if row is None or row.state != State.DIALING:
            return
        self._ringing = row
        self._watch(row)
        await self._renew()
        async with self._db.account(row.account_id) as tx:
            shown = await tx.scalar(
                select(queue_number.c.e164)
                .where(queue_number.c.account_id == row.account_id, queue_number.c.queue_id == row.queue_id)
                .order_by(queue_number.c.e164)
                .limit(1)
            )
        await self._send(
            {
                "type": "ringing",
                "call_id": str(row.id),
                "from": numbers.display(shown, None) if shown else None,
            }
        )

    async def _answer(self, message: Answer) -> None:
        row = self._rings(message.call_id)
        async with self._db.account(row.account_id) as tx:
            fresh = await self._engagements.load(tx, row.id)
            # Of several phones at one number the first to answer has the call.
            if fresh is None or fresh.state != State.DIALING or fresh.pending == "join":
                raise CallGone
            await self._engagements.joining(tx, fresh)
        await self._accept(row, await self._add_leg(row, message.sdp))
        self._call, self._ringing = row, None

    async def _decline(self, call_id: str) -> None:
        row = self._rings(call_id)
        self._ringing = None
        async with self._db.account(row.account_id) as tx:
            fresh = await self._engagements.load(tx, row.id)
            if fresh is not None:
                await self._engagements.callee_refused(tx, fresh, "busy")

    def _rings(self, call_id: str) -> Found:
        if self._ringing is None or str(self._ringing.id) != call_id:
            raise CallGone
        return self._ringing

    async def _digits(self, digits: str) -> None:
        if self._call is None:
            return
        async with self._db.account(self._call.account_id) as tx:
            row = await self._engagements.load(tx, self._call.id)
            if row is not None:
                await self._engagements.report_digits(tx, row, digits)

    # -- calling ---

    async def _dial(self, dial: Dial) -> Found | None:
        try:
            self._limit.check(client_address(self._socket))
            row = await self._arrive(dial)
        except TielineError as error:
            await self._refuse(error)
            return None
        try:
            switch = await self._engagements.desk.switch(row.node)
            await call_switch(switch, "create_call", {"call_id": str(row.id)}, f"{row.id}:create")
            sdp = await self._add_leg(row, dial.sdp)
        except (SwitchError, TielineError) as error:
            log.warning("phone.dial", code=error.code)
            async with self._db.account(row.account_id) as tx:
                fresh = await self._engagements.load(tx, row.id)
                if fresh is not None:
                    await self._engagements.caller_gone(tx, fresh, "set_up_failed")
            await self._refuse(error if isinstance(error, TielineError) else NoSwitch())
            return None
        await self._accept(row, sdp)
        return row

    async def _accept(self, row: Found, sdp: str) -> None:
        key = self._key_of(row.id)
        await self._send({"type": "accepted", "call_id": str(row.id), "sdp": sdp, "key": key})

    async def _resumed(self, message: Resume) -> Found:
        call_id = uuid_or(message.call_id, CallGone)
        if not hmac.compare_digest(message.key.encode(), self._key_of(call_id).encode()):
            raise CallGone
        rows = await self._db.alone(_ANY_CALL, {"of_id": call_id})
        if not rows:
            raise CallGone
        return rows[0]

    def _key_of(self, call_id: UUID) -> str:
        """Follows from the call, so that every node knows it."""
        return hmac.new(self._key, call_id.bytes, "sha256").hexdigest()[:32]

    async def _add_leg(self, row: Found, sdp: str) -> str:
        """Put this page's audio into the call; gives the answer SDP."""
        params = {
            "leg_id": str(row.caller_leg_id),
            "offer_sdp": sdp,
            "role": LegRole.CALLER,
            "call_id": str(row.id),
        }
        try:
            switch = await self._engagements.desk.switch(row.node)
            return await call_switch(switch, "add_webrtc_leg", params, f"{row.caller_leg_id}:add")
        except SwitchError as error:
            if error.code == "switch_busy":
                raise SwitchBusy from error
            if error.retryable:
                raise NoSwitch from error
            raise InputInvalid(field="sdp") from error

    async def _arrive(self, dial: Dial) -> Found:
        dialled: str | None = None
        if dial.queue is not None:
            of = await _visitors_queue(self._db, dial.queue)
            regions = ("US", "JP")
        else:
            to = numbers.parse(dial.to, ("US", "JP"))
            if to is None:
                raise NumberInvalid(field="to")
            dialled = to.e164
            of = await queue_by_number(self._db, to.e164)
            if not of.test_phone:
                raise QueueNotFound
            # A network delivers its own country's numbers in national form.
            home = numbers.regions_of([numbers.country_code_of(to.e164)])
            regions = tuple(dict.fromkeys((*home, "US", "JP")))
        withheld = numbers.is_withheld(dial.from_)
        number = None if withheld else numbers.parse(dial.from_, regions)
        if number is None and not withheld:
            raise NumberInvalid(field="from")
        arrival = Arrival(
            queue=of,
            number=number,
            number_raw=dial.from_.strip() if dial.from_ and not withheld else None,
            # A visitor who leaves no number hides nothing: there simply is none.
            withheld=withheld and dial.queue is None,
            claimed_name=(dial.claimed_name or "").strip() or None if dial.queue is not None else None,
            dialled_e164=dialled,
        )
        try:
            place = await self._engagements.desk.place()
        except SwitchError as error:
            raise NoSwitch from error
        async with self._db.account(of.account_id) as tx:
            return await self._engagements.arrive(tx, arrival, place)

    async def _hang_up(self) -> None:
        if self._call is None:
            return
        async with self._db.account(self._call.account_id) as tx:
            row = await self._engagements.load(tx, self._call.id)
            if row is not None:
                await self._engagements.caller_gone(tx, row, "hung_up")

    def _watch(self, call: Found) -> None:
        changed = asyncio.Event()
        changed.set()

        def on_message(message: BusMessage) -> None:
            if message.more.get("e") not in _UNHEARD:
                changed.set()

        subscription = self._bus.subscribe("engagement", call.id, on_message, changed.set)
        self._watching[call.id] = (subscription, asyncio.create_task(self._tell(call, changed)))

    async def _tell(self, call: Found, changed: asyncio.Event) -> None:
        shown: dict[str, Any] = {}
        while True:
            await changed.wait()
            changed.clear()
            try:
                row = await self._row(call.account_id, call.id)
            except (SQLAlchemyError, OSError):
                log.warning("phone.state", exc_info=True)
                await asyncio.sleep(_RETRY_S)
                changed.set()
                continue
            if row is None:
                return
            state = _state(row)
            if state != shown:
                shown = state
                await self._send({"type": "state", "call_id": str(call.id), **state})
            if state["state"] == "ended":
                if self._call is not None and self._call.id == call.id:
                    self._call = None
                if self._ringing is not None and self._ringing.id == call.id:
                    self._ringing = None
                self._watching.pop(call.id)[0].close()
                await self._renew()
                return

    async def _row(self, account_id: UUID | None, engagement_id: UUID) -> Found | None:
        if account_id is None:
            return None
        rows = await self._db.alone(_CALL, {"of_account": account_id, "of_id": engagement_id})
        return rows[0] if rows else None

    async def _refuse(self, error: TielineError) -> None:
        await self._send({"type": "refused", "code": error.code, "params": error.params})

    async def _send(self, message: dict[str, Any]) -> None:
        async with asyncio.timeout(10):
            await self._socket.send_text(json.dumps(message))


def _state(row: Found) -> dict[str, Any]:
    """What a caller may know: whether somebody is there, never who or why not."""
    match State(row.state):
        case State.ARRIVING:
            state = "connecting"
        case State.DIALING:
            state = "ringing"
        case State.QUEUED | State.OFFERED | State.ANSWERING:
            state = "waiting"
        case State.CONNECTED:
            state = "held" if row.held else "talking"
        case _:
            state = "ended"
    cause = row.end_cause if state == "ended" else None
    if cause == "abandoned":
        cause = "caller_hung_up"
    return {"state": state, "cause": cause, "digits": row.digits_sent}
