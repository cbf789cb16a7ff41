"""Where media is received: which addresses are offered to browsers and which UDP ports are used.

aioice binds one port of the system's choice on every interface except loopback and knows no public address.
Ours are settings, so its two sources are replaced while the media process runs (both are checked by a contract
test, because they are not aioice's public interface).
"""

from __future__ import annotations

import asyncio
import errno
import functools
import ipaddress
import random
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, cast

import aioice.ice

_host_addresses = aioice.ice.get_host_addresses
ANY = "0.0.0.0"  # noqa: S104  bound only when the advertised address is not one of this machine's


@dataclass(frozen=True, slots=True)
class MediaPorts:
    """`addresses` offered to browsers (none: those of all interfaces and loopback), UDP ports `first`..`last`."""

    addresses: tuple[str, ...] = ()
    first: int = 0
    last: int = 0
    """Both 0: any free port."""

    def __post_init__(self) -> None:
        for address in self.addresses:
            ipaddress.ip_address(address)
        if not (self.first == self.last == 0 or 1024 <= self.first <= self.last <= 65535):
            raise ValueError(f"UDP ports {self.first}-{self.last} are not a range within 1024-65535")


def own_addresses() -> tuple[str, ...]:
    """IPv4 addresses of this machine's interfaces, loopback last."""
    return (*dict.fromkeys(_host_addresses(True, False)), "127.0.0.1")


class _AdvertisedTransport:
    """A datagram transport that names the address under which the outside reaches it (NAT one to one)."""

    def __init__(self, transport: asyncio.DatagramTransport, address: str) -> None:
        self._transport = transport
        self._address = address

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        value = self._transport.get_extra_info(name, default)
        return (self._address, value[1]) if name == "sockname" else value


@contextmanager
def media_ports(ports: MediaPorts, loop: asyncio.AbstractEventLoop) -> Generator[None]:
    """Let every connection that aioice makes on `loop` gather candidates at `ports`."""
    here = own_addresses()
    offered = ports.addresses or here
    host_addresses = aioice.ice.get_host_addresses
    create = cast("Callable[..., Any]", loop.create_datagram_endpoint)

    @functools.wraps(create)
    async def create_in_range(protocol_factory: Any, local_addr: Any = None, **options: Any) -> Any:
        if local_addr is None or local_addr[1] != 0 or local_addr[0] not in offered:
            return await create(protocol_factory, local_addr=local_addr, **options)
        address = local_addr[0]
        is_here = address in here or ipaddress.ip_address(address).is_loopback
        bound = address if is_here else ANY
        for port in _tried(ports):
            try:
                transport, protocol = await create(protocol_factory, local_addr=(bound, port), **options)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            if not is_here:
                protocol.transport = _AdvertisedTransport(transport, address)
            return transport, protocol
        raise OSError(errno.EADDRINUSE, f"all UDP ports {ports.first}-{ports.last} are in use")

    def offered_addresses(use_ipv4: bool, use_ipv6: bool) -> list[str]:
        return [
            address
            for address in offered
            if (use_ipv4 if ipaddress.ip_address(address).version == 4 else use_ipv6)
        ]

    patched = cast("Any", loop)
    aioice.ice.get_host_addresses = offered_addresses
    patched.create_datagram_endpoint = create_in_range
    try:
        yield
    finally:
        aioice.ice.get_host_addresses = host_addresses
        patched.create_datagram_endpoint = create


def _tried(ports: MediaPorts) -> Iterator[int]:
    """The ports of the range from a random one on, so that a port just freed is not met by an old browser."""
    if ports.first == 0:
        yield 0
        return
    count = ports.last - ports.first + 1
    start = random.randrange(count)
    for step in range(count):
        yield ports.first + (start + step) % count
