"""Serving the orgs from one process: in clear, and beside it over TLS for programs that know nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable
from typing import Any

import uvicorn

from .app import create_app
from .lightning.twins import Twins
from .settings import CrmSettings
from .tls import Certificates


class _Server(uvicorn.Server):
    """One of several listeners: signals are ours to handle."""

    @contextlib.contextmanager
    def capture_signals(self):  # type: ignore[no-untyped-def]
        yield


def _config(application: Any, host: str, port: int, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=60,
        **more,
    )


async def serve(
    settings: CrmSettings,
    listen: str,
    certificates: Certificates | None,
    ready: Callable[[], None] | None = None,
    twins: Twins | None = None,
) -> None:
    """Serves the orgs until a signal comes, in clear and, with certificates, on the TLS port too."""
    host, _, port = listen.rpartition(":")
    host = host or "127.0.0.1"
    application = create_app(settings, host, certificates, twins)
    servers = [_Server(_config(application, host, int(port)))]
    loop = asyncio.get_running_loop()

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    for sig in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sig, stop)
    first = asyncio.create_task(servers[0].serve())
    while not servers[0].started:
        await asyncio.sleep(0.01)
        if first.done():
            await first
            return
    tasks = [first]
    if certificates is not None and settings.tls_port is not None:
        # The orgs are opened by the first listener's lifespan; the second shares them.
        secure = _config(
            application, host, settings.tls_port, lifespan="off",
            ssl_certfile=certificates.certificate, ssl_keyfile=certificates.key,
        )  # fmt: skip
        servers.append(_Server(secure))
        tasks.append(asyncio.create_task(servers[1].serve()))
    if ready is not None:
        ready()
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    stop()
    await asyncio.gather(*tasks)
