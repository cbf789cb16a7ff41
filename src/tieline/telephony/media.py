"""The media process: the embedded switch behind a control door on loopback.

The door: `POST /v1/commands`, `GET /v1/events?epoch=&after=` (one JSON object a line), `GET /v1/health`, all
with `Authorization: Bearer <control key>`. It shares its event loop with the mixer, so every handler does a
few microseconds of work between two ticks; everything else belongs into other processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import hmac
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from tieline.telephony.embedded.engine import BUSY_LAG_MS, EmbeddedSwitch
from tieline.telephony.embedded.ports import MediaPorts
from tieline.telephony.journal import Journal
from tieline.telephony.switch import NO_MEDIA_S, SET_UP_S, Switch, SwitchError
from tieline.telephony.wire import HEARTBEAT_S, error_to_json, event_to_json, health_to_json, perform

_log = logging.getLogger(__name__)

_BODY_MAX = 131_072
_NICENESS = -11
_STATUS_REFUSED = 422
_STATUS_TRY_LATER = 503

OnStarted = Callable[[str, int, str], Awaitable[None]]
"""Told the node, its epoch and the control door's address (`http://host:port`) once the door is open."""


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """What the media process needs to know."""

    node: str
    """This node's id: stable over restarts, unique among the nodes that share a database."""
    control_key: str
    """The bearer secret of the control door."""
    control_host: str = "127.0.0.1"
    control_port: int = 0
    """0: any free port, which `on_started` is told."""
    addresses: tuple[str, ...] = ()
    """Addresses offered to browsers; none: those of all interfaces and 127.0.0.1. One that is not this
    machine's (NAT one to one) is offered, and received on all interfaces."""
    first_port: int = 0
    last_port: int = 0
    """UDP ports for media, inclusive; both 0: any. A leg uses one port of each address."""
    set_up_s: float = SET_UP_S
    no_media_s: float = NO_MEDIA_S
    busy_lag_ms: float = BUSY_LAG_MS
    """Mixer lateness (95th percentile of ten seconds) from which new legs are refused with `switch_busy`."""

    def __post_init__(self) -> None:
        if len(self.control_key) < 16:
            raise ValueError("the control key must have at least 16 characters")
        if self.busy_lag_ms <= 0:
            raise ValueError("the lateness from which legs are refused must be above 0")
        self.ports()

    def ports(self) -> MediaPorts:
        """Addresses and ports as the switch wants them. Raises ValueError where they are none."""
        return MediaPorts(self.addresses, self.first_port, self.last_port)


async def run_media(settings: MediaSettings, *, on_started: OnStarted | None = None) -> None:
    """Run the media process until SIGTERM, SIGINT or cancellation; then browsers are told good-bye.

    Raises OSError if the control door's port is taken.
    """
    _take_precedence()
    # aioice tells every candidate pair at INFO: two dozen lines a leg that help nobody.
    logging.getLogger("aioice").setLevel(logging.WARNING)
    listening = socket.create_server((settings.control_host, settings.control_port), reuse_port=False)
    # Inherited by what is accepted; asyncio does not do it for a listener made here, and each answer would wait 40 ms.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    async with EmbeddedSwitch(
        settings.node,
        ports=settings.ports(),
        set_up_s=settings.set_up_s,
        no_media_s=settings.no_media_s,
        busy_lag_ms=settings.busy_lag_ms,
    ) as switch:
        app = control_door(switch, switch.journal, settings.control_key)
        server = _Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", ws="none", timeout_graceful_shutdown=1
            )
        )
        host, port = listening.getsockname()[:2]
        with _stopping_on_signals(switch.journal, server):
            serving = asyncio.create_task(server.serve(sockets=[listening]))
            try:
                opened = asyncio.create_task(server.opened.wait())
                await asyncio.wait((opened, serving), return_when=asyncio.FIRST_COMPLETED)
                opened.cancel()
                # What start-up made stays; the collector need not look at it between ticks.
                gc.freeze()
                if on_started is not None and not serving.done():
                    await on_started(settings.node, switch.journal.epoch, f"http://{host}:{port}")
                await serving
            finally:
                switch.journal.close()
                server.should_exit = True
                await asyncio.wait([serving])


def _take_precedence() -> None:
    """Let the system run this process before others, where it permits that (root, CAP_SYS_NICE, RLIMIT_RTPRIO).

    It needs little of a core but needs it every 20 ms: beside busy neighbours a bare loop of the same beat was
    measured 160 ms late without this, 6 ms late with niceness alone and 0.1 ms late in the real-time class. What
    it starts (the threads of libraries) is not preferred. Linux keeps a share of each core for everybody else.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        return
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICENESS)


def control_door(switch: Switch, journal: Journal, key: str) -> ASGIApp:
    """The control door of `switch`, whose events are in `journal`, as an ASGI application."""

    async def commands(request: Request) -> Response:
        body = await request.body()
        if len(body) > _BODY_MAX:
            raise SwitchError("command_invalid", "The command is too long.", retryable=False)
        try:
            command = json.loads(body)
        except ValueError as error:
            raise SwitchError("command_invalid", "The body is not JSON.", retryable=False) from error
        return JSONResponse({"result": await perform(switch, command)})

    async def events(request: Request) -> Response:
        try:
            epoch = request.query_params.get("epoch")
            after = int(request.query_params.get("after", "0"))
            position = journal.position(epoch=int(epoch) if epoch else None, after=after)
        except ValueError as error:
            raise SwitchError("command_invalid", "epoch and after are numbers.", retryable=False) from error
        return _Stream(_lines(journal, position), media_type="application/x-ndjson")

    async def health(request: Request) -> Response:
        return JSONResponse(health_to_json(await switch.health()))

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, SwitchError)
        status = _STATUS_TRY_LATER if error.retryable else _STATUS_REFUSED
        return JSONResponse(error_to_json(error), status_code=status)

    app = Starlette(
        routes=[
            Route("/v1/commands", commands, methods=["POST"]),
            Route("/v1/events", events),
            Route("/v1/health", health),
        ],
        exception_handlers={SwitchError: refused},
    )
    return _KeyHolders(app, key)


async def _lines(journal: Journal, position: int) -> AsyncIterator[bytes]:
    """Events after `position`, a line each, and heartbeats; ends when the journal closes or loses the reader."""
    with contextlib.suppress(SwitchError):
        yield _line({"heartbeat": journal.last})
        while True:
            batch = journal.since(position)
            if batch:
                position = batch[-1].sequence
                yield b"".join(_line(event_to_json(event)) for event in batch)
            elif not await journal.grown(position, within_s=HEARTBEAT_S):
                yield _line({"heartbeat": journal.last})


class _Stream(StreamingResponse):
    """Ends quietly when the server stops while its reader does not read; such a reader holds back only itself."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await super().__call__(scope, receive, send)


def _line(found: dict[str, object]) -> bytes:
    return json.dumps(found, separators=(",", ":")).encode() + b"\n"


class _KeyHolders:
    """Lets only those through who hold the key; compares in constant time."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._expected = f"Bearer {key}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
            if not hmac.compare_digest(given, self._expected):
                error = SwitchError("key_wrong", "The control key is missing or wrong.", retryable=False)
                await JSONResponse(error_to_json(error), status_code=401)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Server(uvicorn.Server):
    """uvicorn that tells when its door is open, without its signal handlers.

    They would end the process before browsers are told good-bye.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.opened = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.opened.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@contextlib.contextmanager
def _stopping_on_signals(journal: Journal, server: _Server) -> Generator[None]:
    loop = asyncio.get_running_loop()

    def stop() -> None:
        journal.close()
        server.should_exit = True

    handled: list[signal.Signals] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        # Outside the main thread signals are somebody else's business.
        with contextlib.suppress(RuntimeError, ValueError):
            loop.add_signal_handler(number, stop)
            handled.append(number)
    try:
        yield
    finally:
        for number in handled:
            loop.remove_signal_handler(number)
