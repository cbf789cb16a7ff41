"""The SOAP door: sign-in with a password, sessions, and what malformed or hostile envelopes get."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx2
import pytest
from tests.plain_http import plain_http

from .conftest import ADMIN, AGENT, PASSWORD, World

PARTNER, ENTERPRISE = "urn:partner.soap.sforce.com", "urn:enterprise.soap.sforce.com"
TOKEN = "aB3dE6gH9jK2mN5pQ8sT1vW4"


def envelope(body: str, session_id: str = "", namespace: str = PARTNER) -> str:
    header = f"<SessionHeader><sessionId>{session_id}</sessionId></SessionHeader>" if session_id else ""
    return (
        f'<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns="{namespace}">'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


def login_of(username: str, password: str) -> str:
    return f"<login><username>{username}</username><password>{password}</password></login>"


def value(text: str, name: str) -> str:
    found = re.search(rf"<(?:\w+:)?{name}>([^<]*)<", text)
    assert found, f"{name} is not in {text}"
    return found.group(1)


@pytest.fixture
async def http(world: World) -> Any:
    async with plain_http(base_url=world.base, timeout=20) as client:
        yield client


async def post(http: httpx2.AsyncClient, text: str | bytes, door: str = "u/59.0") -> httpx2.Response:
    return await http.post(
        f"/services/Soap/{door}", content=text, headers={"Content-Type": "text/xml", "SOAPAction": '""'}
    )


async def session_of(http: httpx2.AsyncClient, username: str = ADMIN) -> str:
    answer = await post(http, envelope(login_of(username, PASSWORD)))
    assert answer.status_code == 200, answer.text
    return value(answer.text, "sessionId")


@pytest.mark.parametrize(("door", "namespace"), [("u", PARTNER), ("c", ENTERPRISE)])
async def test_login_opens_a_session_that_every_door_takes(
    world: World, http: httpx2.AsyncClient, door: str, namespace: str
) -> None:
    answer = await post(http, envelope(login_of(ADMIN, PASSWORD), namespace=namespace), f"{door}/66.0")
    assert answer.status_code == 200, answer.text
    assert value(answer.text, "passwordExpired") == "false"
    assert value(answer.text, "organizationId") == world.org_id
    assert value(answer.text, "userName") == ADMIN
    server = value(answer.text, "serverUrl")
    assert server == f"{world.base}/services/Soap/{door}/66.0/{world.org_id[:15]}"
    session = value(answer.text, "sessionId")
    rest = await http.get("/services/data/v66.0/limits", headers={"Authorization": f"Bearer {session}"})
    assert rest.status_code == 200
    info = await post(http, envelope("<getUserInfo/>", session, namespace), server.split("/Soap/")[1])
    assert value(info.text, "userId") == value(answer.text, "userId")
    now = await post(http, envelope("<getServerTimestamp/>", session, namespace), f"{door}/66.0")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", value(now.text, "timestamp"))


async def test_a_security_token_behind_the_password_is_taken(http: httpx2.AsyncClient) -> None:
    for password, right in (
        (PASSWORD + TOKEN, True),
        (PASSWORD + TOKEN + "x", True),
        (PASSWORD + "short", False),
        (TOKEN, False),
        ("wrong" + TOKEN, False),
    ):
        answer = await post(http, envelope(login_of(AGENT, password)))
        assert (answer.status_code == 200) is right, password


async def test_a_wrong_password_is_refused_as_salesforce_words_it(http: httpx2.AsyncClient) -> None:
    answer = await post(http, envelope(login_of("stranger@acme.example", "wrong")))
    assert answer.status_code == 500
    assert value(answer.text, "faultcode") == "sf:INVALID_LOGIN"
    assert "<sf:exceptionCode>INVALID_LOGIN</sf:exceptionCode>" in answer.text
    assert value(answer.text, "exceptionMessage").startswith("Invalid username, password, security token;")


async def test_many_wrong_passwords_at_once_are_all_counted(world: World, http: httpx2.AsyncClient) -> None:
    username = "crowd@acme.example"
    conn = await world.database()
    before = [row["key"] for row in await conn.fetch("SELECT DISTINCT key FROM auth.sign_in_failure")]
    await asyncio.gather(*(post(http, envelope(login_of(username, "wrong"))) for _ in range(30)))
    # The address may have failed in other tests, too; this user name has not.
    kept = await conn.fetchval(
        "SELECT max(n) FROM (SELECT count(*) AS n FROM auth.sign_in_failure WHERE key <> ALL($1) GROUP BY key) c",
        before,
    )
    await conn.close()
    assert kept == 10


async def test_logout_ends_the_session(http: httpx2.AsyncClient) -> None:
    session = await session_of(http)
    assert (await post(http, envelope("<logout/>", session))).status_code == 200
    for body in ("<getUserInfo/>", "<logout/>"):
        answer = await post(http, envelope(body, session))
        assert answer.status_code == 500
        assert value(answer.text, "faultcode") == "sf:INVALID_SESSION_ID"
        assert value(answer.text, "faultstring").startswith("INVALID_SESSION_ID: Invalid Session ID found")
    rest = await http.get("/services/data/v66.0/limits", headers={"Authorization": f"Bearer {session}"})
    assert rest.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


async def test_without_a_session_nothing_is_told(http: httpx2.AsyncClient) -> None:
    for session in ("", "garbage", "00D000000000001!garbage"):
        answer = await post(http, envelope("<getUserInfo/>", session))
        assert value(answer.text, "faultcode") == "sf:INVALID_SESSION_ID"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<a/>",
        envelope(""),
        envelope("<login/><login/>"),
        envelope("<unheardOf/>"),
        envelope("<login/>", namespace=ENTERPRISE),
        '<!DOCTYPE a [<!ENTITY x "y">]>' + envelope("<login><username>&x;</username></login>").split("?>")[1],
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x">' + envelope("<getUserInfo/>").split("?>")[1],
        envelope("<login>" + "<a>" * 200 + "</a>" * 200 + "</login>"),
    ],
    ids=range(10),
)
async def test_a_malformed_envelope_is_the_clients_fault(http: httpx2.AsyncClient, body: str | bytes) -> None:
    answer = await post(http, body)
    assert answer.status_code == 500
    assert value(answer.text, "faultcode") == "soapenv:Client"
    assert answer.headers["content-type"].startswith("text/xml")


async def test_limits_of_the_door(http: httpx2.AsyncClient) -> None:
    large = await post(http, envelope(f"<login><username>{'x' * 6_000_000}</username></login>"))
    assert value(large.text, "faultcode") == "soapenv:Client"
    version = await post(http, envelope("<getUserInfo/>"), "u/7.0")
    assert value(version.text, "faultcode") == "sf:UNSUPPORTED_API_VERSION"
    assert (await post(http, envelope("<getUserInfo/>"), "x/59.0")).status_code == 404
