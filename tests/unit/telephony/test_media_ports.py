"""Which addresses are offered and which UDP ports are bound."""

from __future__ import annotations

import asyncio
import socket

import pytest
from aioice import Connection

from tieline.telephony.embedded.ports import MediaPorts, media_ports, own_addresses


async def gathered(ports: MediaPorts) -> list[tuple[str, int]]:
    with media_ports(ports, asyncio.get_running_loop()):
        connection = Connection(ice_controlling=False)
        await connection.gather_candidates()
        found = [(candidate.host, candidate.port) for candidate in connection.local_candidates]
        await connection.close()
    return found


async def test_without_settings_every_address_and_loopback_are_offered() -> None:
    assert {host for host, _ in await gathered(MediaPorts())} == set(own_addresses())
    assert "127.0.0.1" in own_addresses()


async def test_ports_stay_within_their_range_and_pass_over_taken_ones() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 45010))
        ports = MediaPorts(("127.0.0.1",), 45010, 45011)
        for _ in range(5):
            assert await gathered(ports) == [("127.0.0.1", 45011)]


async def test_a_full_range_offers_nothing() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 45012))
        assert await gathered(MediaPorts(("127.0.0.1",), 45012, 45012)) == []


async def test_an_address_in_front_of_a_translating_router_is_offered_with_our_port() -> None:
    assert await gathered(MediaPorts(("203.0.113.7",), 45013, 45013)) == [("203.0.113.7", 45013)]


async def test_afterwards_connections_gather_as_before() -> None:
    await gathered(MediaPorts(("127.0.0.1",), 45014, 45014))
    connection = Connection(ice_controlling=False)
    await connection.gather_candidates()
    assert all(candidate.port != 45014 for candidate in connection.local_candidates)
    await connection.close()


@pytest.mark.parametrize(("first", "last"), [(2, 3), (46000, 45000), (45000, 70000), (0, 45000)])
def test_a_range_that_is_none_is_refused(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="range"):
        MediaPorts((), first, last)


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="media"):
        MediaPorts(("media.example",))
