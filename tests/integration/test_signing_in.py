"""Signing in: the portal, the callbar in its frame, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from sqlalchemy import update
from tests.integration.center import PASSWORD, Center, a_center
from tests.plain_http import plain_http
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tieline.callbar.api import cookie_name
from tieline.db.database import Database
from tieline.identity.service import digits_of
from tieline.identity.tables import app_user


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


def pair() -> tuple[str, str]:
    """A secret and its challenge."""
    secret = secrets.token_urlsafe(32)
    return secret, base64.urlsafe_b64encode(hashlib.sha256(secret.encode()).digest()).rstrip(b"=").decode()


async def granted(center: Center, challenge: str, **more: str) -> httpx2.Response:
    portal = await center.portal("one")
    body = {"connection_id": str(center.connection_id), "origin": center.host_origin, "challenge": challenge}
    return await portal.post("/api/v1/callbar/grants", json=body | more)


async def redeemed(center: Center, code: str, secret: str) -> httpx2.Response:
    body = {"connection_id": str(center.connection_id), "code": code, "secret": secret}
    return await center.http.post("/api/v1/callbar/session", json=body)


async def test_wrong_password_is_refused_without_telling_what_is_wrong(center: Center) -> None:
    answers = [
        await center.http.post("/api/v1/session", json={"email": email, "password": "wrong"})
        for email in (center.email("one"), f"nobody@{center.tag}.example")
    ]
    assert [a.status_code for a in answers] == [401, 401]
    assert [a.json()["code"] for a in answers] == ["credentials_wrong", "credentials_wrong"]


async def test_guessing_passwords_is_stopped_for_a_while(center: Center) -> None:
    body = {"email": center.email("one"), "password": "wrong"}
    for _ in range(8):
        assert (await center.http.post("/api/v1/session", json=body)).status_code == 401
    right = {"email": center.email("one"), "password": PASSWORD}
    refused = await center.http.post("/api/v1/session", json=right)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 300
    await center.pass_time(301)
    assert (await center.http.post("/api/v1/session", json=right)).status_code == 200


async def test_nobody_signed_in_is_no_error(center: Center) -> None:
    assert (await center.http.get("/api/v1/session")).status_code == 204


async def test_sign_out_ends_the_session_for_whoever_has_its_cookie(center: Center) -> None:
    portal = await center.portal("admin")
    copied = dict(portal.cookies)
    assert (await portal.delete("/api/v1/session")).status_code == 204
    async with plain_http(base_url=center.origin, cookies=copied) as thief:
        assert (await thief.get("/api/v1/engagements")).status_code == 401


async def test_writes_need_our_origin_and_the_csrf_token(center: Center) -> None:
    portal = await center.portal("admin")
    token = portal.headers.pop("X-CSRF-Token")
    assert (await portal.delete("/api/v1/session")).json()["code"] == "csrf_missing"
    evil = {"X-CSRF-Token": token, "Origin": "https://evil.example"}
    assert (await portal.delete("/api/v1/session", headers=evil)).json()["code"] == "origin_refused"
    lookalike = {"X-CSRF-Token": token, "Origin": center.origin + ".evil.example"}
    assert (await portal.delete("/api/v1/session", headers=lookalike)).status_code == 403
    assert (await portal.get("/api/v1/session")).status_code == 200


async def test_code_is_good_once(center: Center) -> None:
    secret, challenge = pair()
    code = (await granted(center, challenge)).json()["code"]
    assert (await redeemed(center, code, secret)).status_code == 200
    assert (await redeemed(center, code, secret)).json()["code"] == "code_invalid"


async def test_code_is_useless_without_the_secret_and_spent_by_trying(center: Center) -> None:
    secret, challenge = pair()
    code = (await granted(center, challenge)).json()["code"]
    assert (await redeemed(center, code, pair()[0])).status_code == 403
    assert (await redeemed(center, code, secret)).status_code == 403


async def test_code_is_useless_after_half_a_minute(center: Center) -> None:
    secret, challenge = pair()
    code = (await granted(center, challenge)).json()["code"]
    await center.pass_time(31)
    assert (await redeemed(center, code, secret)).status_code == 403


async def collected(center: Center, secret: str) -> httpx2.Response:
    body = {"connection_id": str(center.connection_id), "secret": secret}
    return await center.http.post("/api/v1/callbar/session/collect", json=body)


async def test_frame_fetches_its_session_once_its_digits_were_typed(center: Center) -> None:
    secret, challenge = pair()
    assert (await collected(center, secret)).status_code == 204
    answer = await granted(center, challenge, digits=digits_of(secret))
    assert "code" not in answer.json()
    got = await collected(center, secret)
    assert got.status_code == 200
    assert got.json()["token"]
    assert (await collected(center, secret)).status_code == 204, "once"


async def test_wrong_digits_spend_the_grant(center: Center) -> None:
    secret, challenge = pair()
    wrong = f"{(int(digits_of(secret)) + 1) % 100:02d}"
    await granted(center, challenge, digits=wrong)
    assert (await collected(center, secret)).json()["code"] == "code_invalid"
    assert (await collected(center, secret)).status_code == 204


async def test_grant_by_digits_is_useless_after_half_a_minute(center: Center) -> None:
    secret, challenge = pair()
    await granted(center, challenge, digits=digits_of(secret))
    await center.pass_time(31)
    assert (await collected(center, secret)).status_code == 204
    await granted(center, challenge, digits=digits_of(secret))
    assert (await collected(center, secret)).status_code == 200, "typed once more"


async def hints(center: Center, name: str) -> AsyncIterator[str]:
    """What the live line tells the portal page of a user."""
    portal = await center.portal(name)
    async with portal.stream("GET", "/api/v1/live") as stream:
        assert stream.status_code == 200
        async for line in stream.aiter_lines():
            if line.startswith(":") and line != ": still here":
                yield "begun"
            elif line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))["kind"]
    yield "over"


@pytest.mark.parametrize("name", ["one", "admin"])
async def test_live_line_of_a_session_that_ended_says_so_and_ends(center: Center, name: str) -> None:
    async with asyncio.timeout(5):
        told = hints(center, name)
        assert await anext(told) == "begun"
        await (await center.portal(name)).delete("/api/v1/sessions")
        assert [kind async for kind in told] == ["session", "over"]


async def test_live_line_tells_an_agent_nothing_of_others(center: Center) -> None:
    async with asyncio.timeout(5):
        told = {name: hints(center, name) for name in ("one", "admin")}
        for each in told.values():
            assert await anext(each) == "begun"
        callbar = await center.callbar("two")
        await callbar.ready()
        assert await anext(told["admin"]) == "agents"
        await (await center.portal("one")).delete("/api/v1/sessions")
        assert [kind async for kind in told["one"]] == ["session", "over"]


async def test_callbar_session_is_renewed_in_mid_shift(center: Center) -> None:
    token = await center.callbar_token("one")
    bearer = {"Authorization": f"Bearer {token}"}
    await center.pass_time(13 * 3600)
    renewed = await center.http.post("/api/v1/callbar/session/renew", headers=bearer)
    assert renewed.json()["token"] == token
    await center.pass_time(13 * 3600)
    callbar = await center.callbar("one", token=token)
    assert callbar.state["owner"]
    await center.pass_time(15 * 3600)
    assert (await center.http.post("/api/v1/callbar/session/renew", headers=bearer)).status_code == 401


async def test_sign_out_everywhere_ends_portal_and_callbar(center: Center) -> None:
    callbar = await center.callbar("one")
    portal = await center.portal("one")
    elsewhere = await center.portal("one")
    assert (await portal.delete("/api/v1/sessions")).status_code == 204
    assert await callbar.closed() == 4401
    assert (await elsewhere.get("/api/v1/engagements")).status_code == 401


async def test_grant_needs_an_origin_of_the_connection(center: Center) -> None:
    answer = await granted(center, pair()[1], origin="https://evil.example")
    assert answer.status_code == 404
    assert answer.json()["code"] == "connection_unknown"


async def test_user_of_another_connection_gets_no_code(center: Center) -> None:
    async with center.db.system() as tx:
        await tx.execute(
            update(app_user).where(app_user.c.id == center.agents["one"]).values(connection_id=None)
        )
    assert (await granted(center, pair()[1])).json()["code"] == "user_without_client_integration"


async def test_administrator_who_is_no_agent_gets_no_callbar(center: Center) -> None:
    portal = await center.portal("admin")
    body = {"connection_id": str(center.connection_id), "origin": center.host_origin, "challenge": pair()[1]}
    assert (await portal.post("/api/v1/callbar/grants", json=body)).json()["code"] == "not_allowed"


async def test_callbar_cookie_is_partitioned_and_brings_the_session_back(center: Center) -> None:
    secret, challenge = pair()
    code = (await granted(center, challenge)).json()["code"]
    answer = await redeemed(center, code, secret)
    cookie = answer.headers["set-cookie"]
    for attribute in ("Partitioned", "Secure", "HttpOnly", "SameSite=None"):
        assert attribute in cookie
    name = cookie_name(center.connection_id)
    value = cookie.split(";")[0].removeprefix(f"{name}=")
    body = {"connection_id": str(center.connection_id)}
    back = await center.http.post(
        "/api/v1/callbar/session/resume", json=body, headers={"Cookie": f"{name}={value}"}
    )
    assert back.json()["token"] == answer.json()["token"]
    assert (await center.http.post("/api/v1/callbar/session/resume", json=body)).status_code == 204


async def test_callbar_page_may_be_framed_by_the_connections_origins_only(center: Center) -> None:
    page = await center.http.get(
        f"/cci/multi/callbar-cti?mode=Lightning&sfdcIframeOrigin={center.host_origin}"
    )
    policy = page.headers["content-security-policy"]
    assert f"frame-ancestors {center.host_origin}" in policy
    assert str(center.connection_id) in page.text
    for asked in ("https://evil.example", center.host_origin + ".evil.example", "null", "javascript:1"):
        page = await center.http.get("/cci/multi/callbar-cti", params={"sfdcIframeOrigin": asked})
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert str(center.connection_id) not in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/portal",
        "/phone",
        "/call/x",
        "/sign-in",
        "/api/v1/session",
        "/api/v1/engagements",
        "/nothing/here",
    ],
)
async def test_every_response_carries_a_policy(center: Center, path: str) -> None:
    answer = await center.http.get(path)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/callbar/socket", "/phone/socket"])
async def test_sockets_refuse_pages_that_are_not_ours(center: Center, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            f"ws://127.0.0.1:{center.port}{path}",
            subprotocols=["tieline.callbar.v1", "tieline.phone.v1"],  # type: ignore[list-item]
            origin="https://evil.example",  # type: ignore[arg-type]
        ):
            pass
    assert refused.value.response.status_code == 403


async def test_socket_closes_when_the_session_ends(center: Center) -> None:
    token = await center.callbar_token("one")
    callbar = await center.callbar("one", token=token)
    answer = await center.http.delete("/api/v1/callbar/session", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 204
    assert await callbar.closed() == 4401


async def test_errors_are_problems_that_tell_nothing_of_our_inside(center: Center) -> None:
    answer = await center.http.get("/api/v1/engagements?limit=1000000")
    assert answer.headers["content-type"] == "application/problem+json"
    portal = await center.portal("admin")
    answer = await portal.get("/api/v1/engagements?limit=1000000")
    assert answer.status_code == 422
    assert answer.json()["code"] == "input_invalid"
    assert answer.json()["params"]["field"] == "limit"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    large = await portal.post("/api/v1/session", content=b"x" * 2_000_000)
    assert large.status_code == 413
