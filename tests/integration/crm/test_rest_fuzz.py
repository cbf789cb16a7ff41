"""Whatever is sent to the API: an answer in its own words, never a 500, never what the asker may not see."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from tests.plain_http import plain_http

from tieline.crm.app import RESOURCES
from tieline.crm.rest import ROUTES, Route

from .conftest import CLIENT_ID, CLIENT_SECRET, World
from .test_rest import DATA, make

assert RESOURCES
TEXT = st.text(st.characters(codec="utf-8"), max_size=40)
WORDS = st.sampled_from(
    ["Contact", "Account", "User", "Id", "Name", "records", "attributes", "type", "referenceId", "method", "url",
     "compositeRequest", "graphs", "batchRequests", "fields", "apiName", "allOrNone", "ids", "q", "sobjects", "body",
     "@{a.id}", "003000000000001AAA", "001000000000001", f"{DATA}/sobjects/Contact", "SELECT Id FROM Contact", "GET",
     "POST", "graphId", "LastName", "AccountId", "Contacts", "2026-01-01T00:00:00Z", "x' OR 'x", "\x00", "12e999",
     "CaseShare", "CaseId", "UserOrGroupId", "CaseAccessLevel", "Read", "AssignmentRule", "Shares", "01n000000000001"]
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
    | TEXT,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(WORDS | TEXT, below, max_size=5),
    max_leaves=25,
)
HEADERS = st.dictionaries(
    st.sampled_from(
        ["If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "Sforce-Call-Options",
         "Sforce-Query-Options", "Sforce-Duplicate-Rule-Header", "Sforce-Auto-Assign", "Accept", "Accept-Encoding"]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=40).map(str.strip),
    max_size=3,
)  # fmt: skip


def _filled(route: Route, parts: list[str]) -> str:
    given, names = iter(parts), route.pattern.split("/")
    filled = [next(given, "x") if name.startswith("{") else name for name in names]
    return "/".join(quote(part, safe="") for part in filled)


PATHS = st.builds(
    lambda route, parts: (route.method, _filled(route, parts)),
    st.sampled_from(ROUTES),
    st.lists(WORDS | TEXT.filter(lambda text: text not in ("", ".", "..")), min_size=4, max_size=4),
)


def _check(answer: httpx2.Response) -> None:
    assert answer.status_code < 500, f"{answer.request.method} {answer.request.url}: {answer.text[:300]}"
    if answer.status_code >= 400:
        body = answer.json()
        if isinstance(body, list):
            assert all(row["errorCode"] and row["message"] for row in body)
        else:
            assert body["hasErrors"] is True  # a tree


@given(asked=PATHS, query=st.dictionaries(WORDS, WORDS | TEXT, max_size=3), body=VALUES, headers=HEADERS)
async def test_no_request_is_a_server_error(
    agent: httpx2.AsyncClient,
    asked: tuple[str, str],
    query: dict[str, str],
    body: Any,
    headers: dict[str, str],
) -> None:
    method, path = asked
    _check(
        await agent.request(
            method,
            f"{DATA}/{path}",
            params=query,
            content=json.dumps(body) if method in ("POST", "PATCH") else None,
            headers=headers | {"Content-Type": "application/json"},
        )
    )


@given(route=st.sampled_from(ROUTES), data=st.data())
async def test_whoever_takes_xml_only_gets_xml(
    agent: httpx2.AsyncClient, route: Route, data: st.DataObject
) -> None:
    parts = data.draw(st.lists(WORDS, min_size=4, max_size=4))
    query = data.draw(st.dictionaries(st.sampled_from(["q", "fields"]), TEXT, max_size=2))
    answer = await agent.get(
        f"{DATA}/{_filled(route, parts)}", params=query, headers={"Accept": "application/xml"}
    )
    assert answer.status_code < 500
    if answer.content:
        assert answer.headers["content-type"].startswith("application/xml")
        etree.fromstring(answer.content)


@given(path=st.binary(max_size=60), raw=st.binary(max_size=80))
async def test_bytes_that_are_no_json_and_no_path_are_refused(
    agent: httpx2.AsyncClient, path: bytes, raw: bytes
) -> None:
    quoted = "".join(f"%{byte:02X}" for byte in path)
    for kind in ("application/json", "application/xml", ""):
        _check(
            await agent.post(
                f"{DATA}/{quoted}", content=raw, headers={"Content-Type": kind} if kind else None
            )
        )


@given(name=WORDS, first=TEXT, second=TEXT)
async def test_nobody_s_records_are_seen_without_a_right_token(
    world: World, admin: httpx2.AsyncClient, name: str, first: str, second: str
) -> None:
    """Tokens that are almost right open nothing."""
    token = admin.headers["Authorization"].removeprefix("Bearer ")
    org_id, _, secret = token.partition("!")
    async with plain_http(base_url=world.base) as http:
        for wrong in (f"{org_id}!{first}{second}", token[:-1], f"{token}x", f"00D000000000000!{secret}"):
            if wrong == token or not wrong.isascii() or not wrong.isprintable():
                continue
            path = quote(name, safe="")
            answer = await http.get(f"{DATA}/sobjects/{path}", headers={"Authorization": f"Bearer {wrong}"})
            assert answer.status_code in (401, 404), (wrong, answer.status_code)
            assert "recentItems" not in answer.text


async def test_what_an_agent_may_not_read_stands_in_no_answer(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    """The objects of set-up, asked for through every resource that reads."""
    secret = "Secret of set-up"
    record_id = await make(admin, "PermissionSet", Name="Secret_Set", Label=secret)
    for route in ROUTES:
        if route.method != "GET":
            continue
        for parts in (["PermissionSet", record_id, "Label", "x"], [record_id, "x", "x", "x"]):
            answer = await agent.get(
                f"{DATA}/{_filled(route, parts)}",
                params={
                    "fields": "PermissionSet.Label",
                    "q": f"SELECT Label FROM PermissionSet WHERE Id = '{record_id}'",
                },
            )
            assert answer.status_code < 500
            assert secret not in answer.text, route.pattern
    user = await agent.get(f"{DATA}/sobjects/PermissionSet/{record_id}")
    assert user.status_code == 404


@pytest.mark.parametrize("length", [17_000, 40_000])
async def test_an_address_that_is_too_long_is_refused(agent: httpx2.AsyncClient, length: int) -> None:
    answer = await agent.get(f"{DATA}/query", params={"q": "x" * length})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (414, "URI_TOO_LONG")


FORMS = st.dictionaries(
    st.sampled_from(
        ["grant_type", "response_type", "client_id", "client_secret", "code", "refresh_token", "assertion", "username",
         "password", "redirect_uri", "code_verifier", "scope", "token", "format", "user_code", "decision", "csrf"]
    ),
    st.sampled_from(
        ["authorization_code", "refresh_token", "device", "device_code", "password", "client_credentials", "PlatformCLI",
         CLIENT_ID, CLIENT_SECRET, "urn:ietf:params:oauth:grant-type:jwt-bearer", "aPrx000000000000000.x", "a.b.c", "json",
         "xml", "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.eA", "BCDFGHJK", "allow", "x" * 5000]
    )
    | TEXT,
    max_size=7,
)  # fmt: skip
KINDS = st.sampled_from(["urlencoded", "parts", "json", "nonsense"])


@given(
    form=FORMS, kind=KINDS, authorization=st.sampled_from(["", "Basic eDp5", "Basic %", "Bearer x"]) | TEXT
)
async def test_any_form_is_answered_in_oauth_s_own_words(
    world: World, form: dict[str, str], kind: str, authorization: str
) -> None:
    """Sent in any way to any of the endpoints; the right secret is among what may be in it, a user's password is not."""
    sent: dict[str, Any] = {
        "urlencoded": {"data": form},
        "parts": {"files": {name: (None, text) for name, text in form.items()} or {"x": (None, "")}},
        "json": {"json": form},
        "nonsense": {"content": repr(form).encode("utf-8", "replace")},
    }[kind]
    headers = (
        {"Authorization": authorization} if authorization.isascii() and authorization.isprintable() else {}
    )
    async with plain_http(base_url=world.base, headers=headers) as http:
        for path in ("token", "revoke", "introspect", "userinfo"):
            answer = await http.post(f"/services/oauth2/{path}", **sent)
            assert answer.status_code in (200, 400, 401, 403), (path, answer.status_code, answer.text)
            assert "access_token" not in answer.text
        for host, path in (("acme.my.localhost", "/setup/connect"), ("acme.my.localhost", "/login"),
                           ("acme.my.localhost", "/services/oauth2/authorize")):  # fmt: skip
            answer = await http.post(path, headers={"Host": f"{host}:{world.port}"}, **sent)
            assert answer.status_code in (303, 400, 401, 403, 429), (path, answer.status_code, answer.text)
    conn = await world.database()
    await conn.execute("DELETE FROM auth.sign_in_failure")  # other tests are not to wait for these guesses
    await conn.close()
