"""Which addresses may be called."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading

import httpx2
import pytest

from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.network import GuardedTransport, http_client, is_public, refuse_address


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "::1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0", "100.64.0.1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "fe80::1", "fc00::1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1",
        "ff02::1", "255.255.255.255", "::",
    ],
)  # fmt: skip
def test_addresses_inside_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["13.108.0.1", "2606:4700::1111"])
def test_addresses_of_the_internet_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com", "https://127.0.0.1", "https://[::1]", "https://user@example.com", "ftp://example.com",
        "https://example.com:8443", "https://169.254.169.254/latest", "gopher://example.com", "https://10.0.0.1",
        "http://localhost:8401", "https://[::ffff:10.0.0.1]",
    ],
)  # fmt: skip
def test_urls_that_lead_inside_are_refused(url: str) -> None:
    with pytest.raises(CrmFailure) as caught:
        refuse_address(httpx2.URL(url), trust_loopback=False)
    assert (caught.value.kind, caught.value.code) == ("never", "address_refused")


def test_the_demos_org_is_allowed_where_the_deployment_says_so() -> None:
    refuse_address(httpx2.URL("http://localhost:8401"), trust_loopback=True)
    with pytest.raises(CrmFailure):
        refuse_address(httpx2.URL("http://10.0.0.1"), trust_loopback=True)


class Canary:
    """A listener on loopback that notices every connection."""

    def __init__(self) -> None:
        self.connects = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                self._socket.accept()[0].close()
            except OSError:
                return
            self.connects += 1

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "[::ffff:127.0.0.1]"],
)
async def test_nothing_inside_is_ever_connected_to(host: str) -> None:
    canary = Canary()
    async with http_client(trust_loopback=False) as http:
        for scheme in ("http", "https"):
            with pytest.raises((CrmFailure, httpx2.HTTPError, httpx2.InvalidURL)):
                await http.get(f"{scheme}://{host}:{canary.port}/")
            with pytest.raises((CrmFailure, httpx2.HTTPError, httpx2.InvalidURL)):
                await http.get(f"{scheme}://{host}/")
    await asyncio.sleep(0)
    assert canary.connects == 0
    canary.close()


async def test_redirects_are_not_followed() -> None:
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(str(request.url))
        return httpx2.Response(302, headers={"Location": "http://169.254.169.254/"})

    guarded = GuardedTransport(httpx2.MockTransport(answer), trust_loopback=True)
    async with httpx2.AsyncClient(transport=guarded, follow_redirects=False) as http:
        assert (await http.get("http://localhost:1/")).status_code == 302
    assert seen == ["http://localhost:1/"]


async def test_a_name_is_resolved_once_and_the_connection_is_made_to_that_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200)

    loop = asyncio.get_running_loop()

    async def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        address = {"crm.example": "13.108.0.1", "inside.example": "10.0.0.1"}[host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(loop, "getaddrinfo", resolve)  # the name server is an outsider
    guarded = GuardedTransport(httpx2.MockTransport(answer), trust_loopback=False)
    async with httpx2.AsyncClient(transport=guarded) as http:
        await http.get("https://crm.example/x")
        with pytest.raises(CrmFailure):
            await http.get("https://inside.example/x")
    assert [(r.url.host, r.headers["host"], r.extensions["sni_hostname"]) for r in seen] == [
        ("13.108.0.1", "crm.example", "crm.example")
    ]
