"""Requests of the org to other systems: what may be called at all, and how much of an answer is read.

An org is told by metadata whom to call, so a request goes only to https on public addresses. An org that is itself on
this machine (development, the demo) may call others on this machine. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import socket
import ssl
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpx2

from ..settings import CrmSettings

MAX_ANSWER = 1024 * 1024
_TIMEOUT = httpx2.Timeout(10.0, connect=5.0)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities that are trusted; read once, because that takes longer than many a request."""
    return ssl.create_default_context()


class Unreachable(Exception):
    """The other system could not be asked, or did not answer in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other system said."""

    status: int
    body: bytes

    def json(self) -> Any:
        """The body as JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def _is_loopback(host: str) -> bool:
    return host in _LOOPBACK or host.endswith(".localhost")


async def _address(settings: CrmSettings, url: str) -> str:
    """The one address that the request goes to. Raises `Unreachable`."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_loopback(host) and _is_loopback(urlsplit(settings.base_origin).hostname or ""):
        return "127.0.0.1"
    if parts.scheme != "https" or not host:
        raise Unreachable("only https is called")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
    except OSError as error:
        raise Unreachable("the name does not resolve") from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if not addresses or not all(each.is_global and not each.is_multicast for each in addresses):
        raise Unreachable("the name leads inside")
    return str(min(addresses, key=lambda each: each.version))


async def send(
    settings: CrmSettings,
    method: str,
    url: str,
    *,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
) -> Answer:
    """One request. Raises `Unreachable`."""
    address = await _address(settings, url)
    asked = httpx2.URL(url)
    try:
        async with (
            asyncio.timeout(20),
            httpx2.AsyncClient(
                verify=_trusted() if asked.scheme == "https" else False,
                timeout=_TIMEOUT,
                trust_env=False,
                follow_redirects=False,
            ) as client,
            client.stream(
                method,
                # The name was resolved once; the certificate is checked against the name.
                asked.copy_with(host=address),
                headers={"Host": asked.netloc.decode(), "User-Agent": "SFDC-Callout/66.0", **(headers or {})},
                content=content,
                extensions={"sni_hostname": asked.host},
            ) as answer,
        ):
            body = b""
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > MAX_ANSWER:
                    raise Unreachable("the answer is too long")
            return Answer(answer.status_code, body)
    except (httpx2.HTTPError, TimeoutError, OSError) as error:
        raise Unreachable(type(error).__name__) from error
