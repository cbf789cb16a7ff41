"""What a CRM's failure means."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import pytest

from tieline.salesforce.client import answer_of, quoted
from tieline.salesforce.failures import CrmFailure, failure_of, problem_in


def array(code: str, message: str = "") -> list[dict[str, Any]]:
    return [{"errorCode": code, "message": message}]


@pytest.mark.parametrize(
    ("status", "body", "kind", "refreshable"),
    [
        (401, array("INVALID_SESSION_ID", "Session expired or invalid"), "sign_in", True),
        (
            401,
            array("INVALID_SESSION_ID", "This session is not valid for use with the REST API"),
            "sign_in",
            False,
        ),
        (401, None, "sign_in", True),
        (403, array("REQUEST_LIMIT_EXCEEDED"), "later", False),
        (403, array("INSUFFICIENT_ACCESS"), "never", False),
        (403, array("API_DISABLED_FOR_ORG"), "later", False),
        (400, array("UNABLE_TO_LOCK_ROW"), "later", False),
        (500, array("UNABLE_TO_LOCK_ROW"), "later", False),
        (400, array("MALFORMED_QUERY"), "never", False),
        (400, [{"statusCode": "REQUIRED_FIELD_MISSING", "message": "x", "fields": ["A"]}], "never", False),
        (
            400,
            {"error": "invalid_grant", "error_description": "expired access/refresh token"},
            "sign_in",
            False,
        ),
        (400, {"error": "inactive_user"}, "sign_in", False),
        (400, {"error": "unsupported_grant_type"}, "never", False),
        (404, array("NOT_FOUND"), "never", False),
        (300, ["/a", "/b"], "never", False),
        (302, None, "later", False),
        (420, None, "later", False),
        (429, None, "later", False),
        (500, None, "later", False),
        (502, None, "later", False),
        (503, array("SERVER_UNAVAILABLE"), "later", False),
        (200, None, "later", False),
    ],
)
def test_every_failure_is_of_one_kind(status: int, body: Any, kind: str, refreshable: bool) -> None:
    failure = failure_of(status, body)
    assert (failure.kind, failure.refreshable) == (kind, refreshable)


def test_the_time_to_wait_is_told_on() -> None:
    assert failure_of(429, None, retry_after="17").retry_after_s == 17
    assert failure_of(429, None, retry_after="Wed, 21 Oct 2026 07:28:00 GMT").retry_after_s is None


def test_an_error_is_found_in_every_dialect() -> None:
    row = {"success": False, "errors": [{"statusCode": "DUPLICATE_VALUE", "message": "m", "fields": ["F"]}]}
    found = problem_in(row)
    assert found is not None and (found.code, found.fields) == ("DUPLICATE_VALUE", ("F",))
    assert problem_in({"id": "x", "success": True, "errors": []}) is None
    assert problem_in("text") is None
    assert problem_in([[]]) is None


Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accepts and says nothing."""
    await reader.read()


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, for ever."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while not reader.at_eof():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("peer", [silent, trickle])
async def test_a_peer_that_never_finishes_is_given_up(peer: Peer) -> None:
    server = await asyncio.start_server(peer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with httpx2.AsyncClient(timeout=5) as http:
        with pytest.raises(CrmFailure) as caught:
            await answer_of(http, "GET", f"http://127.0.0.1:{port}/", total_s=0.3)
    server.close()
    assert (caught.value.kind, caught.value.code) == ("later", "crm_timeout")


async def test_nobody_listening_means_later() -> None:
    async with httpx2.AsyncClient(timeout=5) as http:
        with pytest.raises(CrmFailure) as caught:
            await answer_of(http, "GET", "http://127.0.0.1:18999/")
    assert (caught.value.kind, caught.value.code) == ("later", "crm_unreachable")


def test_a_literal_cannot_leave_its_quotes() -> None:
    assert quoted("O'Neil \\' OR Id != '") == "'O\\'Neil \\\\\\' OR Id != \\''"
