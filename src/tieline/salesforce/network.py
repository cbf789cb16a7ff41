"""The way out to CRMs: which addresses may be called at all.

A connection's addresses come from outside, so a request goes only to https on public addresses, at its port
443. The name is resolved once and the connection is made to that very address, so that a second answer of
the name server changes nothing. Redirects are not followed. The demo's org on this machine is the one
exception, and only where the deployment says so (`TIELINE_TRUST_LOOPBACK_CRM`).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

import httpx2

from tieline.salesforce.failures import CrmFailure

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_TIMEOUT = httpx2.Timeout(20.0, connect=5.0, pool=10.0)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: Address) -> bool:
    """True for addresses of the public internet, also when one is wrapped into an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner:
            return is_public(inner)
    return address.is_global and not address.is_multicast


def refuse_address(url: httpx2.URL, *, trust_loopback: bool) -> None:
    """Raise `CrmFailure` (never, `address_refused`) for a URL whose text alone is not allowed."""
    if url.userinfo or not url.host:
        raise _refused("an address with a user name or without a host")
    if trust_loopback and url.host in _LOOPBACK_NAMES and url.scheme in ("http", "https"):
        return
    if url.scheme != "https" or url.port not in (None, 443):
        raise _refused("only https at its usual port is called")
    try:
        literal = ipaddress.ip_address(url.host)
    except ValueError:
        return
    if not is_public(literal):
        raise _refused("an address inside")


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Passes requests to public addresses on, and refuses all others before a connection is made."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, *, trust_loopback: bool) -> None:
        self._inner = inner
        self._trust_loopback = trust_loopback

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Check, resolve, pin, pass on."""
        refuse_address(request.url, trust_loopback=self._trust_loopback)
        host = request.url.host
        if host not in _LOOPBACK_NAMES:
            address = await _resolve(host)
            # The certificate is checked against the name; the Host header is already set from it.
            request.extensions = {**request.extensions, "sni_hostname": host}
            request.url = request.url.copy_with(host=address)
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._inner.aclose()


async def _resolve(host: str) -> str:
    """One public address of a name; refused when any of its addresses is not public."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise CrmFailure("later", "crm_unreachable", "the name does not resolve") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses:
        raise CrmFailure("later", "crm_unreachable", "the name has no address")
    if not all(is_public(address) for address in addresses):
        raise _refused("a name that leads inside")
    # IPv4 first: it works wherever IPv6 does not, and the other way round is rare.
    return str(min(addresses, key=lambda address: address.version))


def http_client(*, trust_loopback: bool) -> httpx2.AsyncClient:
    """The HTTP client for CRMs; one per process, closed by its maker."""
    return httpx2.AsyncClient(
        transport=GuardedTransport(
            httpx2.AsyncHTTPTransport(
                trust_env=False, limits=httpx2.Limits(max_connections=50, max_keepalive_connections=20)
            ),
            trust_loopback=trust_loopback,
        ),
        timeout=_TIMEOUT,
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "Tieline"},
    )


def _refused(why: str) -> CrmFailure:
    return CrmFailure("never", "address_refused", f"not called: {why}")
