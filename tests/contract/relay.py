"""A UDP relay between a party and the switch that spoils their path on demand.

Both ends get the relay's address instead of the other's (`offer`, `answer` rewrite the candidates of an SDP), so
that every packet passes through here. What happens to them is `weather`, which may be changed at any time and
acts alike in both directions. Chance is seeded: the same packets meet the same fate.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

RELAY_UDP = (45900, 45999)
_HOST = "127.0.0.1"
_CANDIDATE = re.compile(r"^a=candidate:(.+)\r?\n", re.MULTILINE)

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Weather:
    """What the path does to packets; by default nothing."""

    loss: float = 0.0
    """The share of packets that vanish, 0 to 1."""
    jitter_s: float = 0.0
    """Packets are delayed by anything from 0 to this, each for itself: they overtake one another."""
    dark: bool = False
    """Nothing passes."""


FAIR = Weather()


class _Side(asyncio.DatagramProtocol):
    """One of the relay's two sockets. What it receives leaves by the other one."""

    def __init__(self, relay: Relay, chance: random.Random) -> None:
        self.far_end: Address | None = None
        self.other: _Side
        self._relay = relay
        self._chance = chance
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        if addr[0] != _HOST:
            return  # a browser tries from its other addresses, too; answers to two would cross
        # Where it really comes from, should the far end use another address than the one it offered.
        self.far_end = addr
        weather = self._relay.weather
        lost, late = self._chance.random() < weather.loss, self._chance.random() * weather.jitter_s
        if weather.dark or lost:
            self._relay.lost += 1
            return
        self._relay.passed += 1
        if late:
            asyncio.get_running_loop().call_later(late, self.other.send, data)
        else:
            self.other.send(data)

    def send(self, data: bytes) -> None:
        if self.far_end is not None and not self.transport.is_closing():
            self.transport.sendto(data, self.far_end)

    @property
    def port(self) -> int:
        return self.transport.get_extra_info("sockname")[1]


class Relay:
    """The path of one leg. Use `a_relay()`."""

    def __init__(self, seed: int) -> None:
        self.weather = FAIR
        self.passed = 0
        self.lost = 0
        self._to_party = _Side(self, random.Random(seed))
        self._to_switch = _Side(self, random.Random(seed + 1))
        self._to_party.other, self._to_switch.other = self._to_switch, self._to_party

    async def open(self) -> None:
        for side in (self._to_party, self._to_switch):
            await _bind(side)

    def close(self) -> None:
        self._to_party.transport.close()
        self._to_switch.transport.close()

    def offer(self, sdp: str) -> str:
        """The party's offer as the switch is to see it."""
        return _through(sdp, self._to_party, self._to_switch)

    def answer(self, sdp: str) -> str:
        """The switch's answer as the party is to see it."""
        return _through(sdp, self._to_switch, self._to_party)


@asynccontextmanager
async def a_relay(*, seed: int = 1) -> AsyncIterator[Relay]:
    """A relay that is closed at the end."""
    relay = Relay(seed)
    await relay.open()
    try:
        yield relay
    finally:
        relay.close()


async def _bind(side: _Side) -> None:
    first, last = RELAY_UDP
    for port in random.sample(range(first, last + 1), last - first + 1):
        try:
            await asyncio.get_running_loop().create_datagram_endpoint(lambda: side, local_addr=(_HOST, port))
        except OSError:
            continue
        return
    raise OSError(f"no UDP port is free within {first}-{last}")


def _through(sdp: str, towards: _Side, shown: _Side) -> str:
    """The SDP with one candidate: the socket `shown`; `towards` learns the one it stands for."""
    offered = [fields.split(" ") for fields in _CANDIDATE.findall(sdp)]
    here = [fields for fields in offered if fields[2].lower() == "udp" and fields[4] == _HOST]
    assert here, f"no UDP candidate at {_HOST} among {offered}"
    fields = here[0]
    towards.far_end = (fields[4], int(fields[5]))
    line = f"a=candidate:{' '.join([*fields[:4], _HOST, str(shown.port), *fields[6:8]])}\r\n"
    first = _CANDIDATE.search(sdp)
    assert first is not None
    return _CANDIDATE.sub("", sdp[: first.start()]) + line + _CANDIDATE.sub("", sdp[first.end() :])
