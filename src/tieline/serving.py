"""Serving an application of ours by uvicorn, with limits for clients that do not read."""

from __future__ import annotations

import os
import socket
from typing import Any

import uvicorn
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

_UNSENT_MAX = 256 * 1024
"""Bytes the kernel may hold for one client (it takes twice as much memory for its own bookkeeping)."""
_LAST_WORDS_S = 2.0
"""A socket that was closed here may read what is on its way for so long; then it is cut."""


class _Server(uvicorn.Server):
    """uvicorn whose connections hold little for clients that do not read: the kernel alone holds four megabytes."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        for server in self.servers:
            for listening in server.sockets:
                # A second handle of the same socket: uvloop gives none that takes options. Connections inherit them.
                with socket.socket(fileno=os.dup(listening.fileno())) as handle:
                    handle.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _UNSENT_MAX)


class _WebSocket(WebSocketsSansIOProtocol):
    """A WebSocket that is gone soon after it was closed; by itself it stays until its client has read everything."""

    async def run_asgi(self) -> None:
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(_LAST_WORDS_S, self.transport.abort)


def serve(application: Any, listen: str) -> None:
    """Serves until a signal comes; `listen` is host:port."""
    host, _, port = listen.rpartition(":")
    config = uvicorn.Config(
        application,
        host=host or "127.0.0.1",
        port=int(port),
        log_level="warning",
        access_log=False,
        ws=_WebSocket,
        ws_max_size=256 * 1024,
        ws_ping_interval=None,  # both ends speak every 10 s anyway
        server_header=False,
        timeout_graceful_shutdown=5,
        timeout_keep_alive=60,
    )
    _Server(config).run()
