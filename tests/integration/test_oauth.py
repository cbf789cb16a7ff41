"""Our OAuth provider over real HTTP: clients of others get in, and what RFC 9700 warns of does not."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx2
import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from requests_oauthlib import OAuth2Session as OauthlibSession
from sqlalchemy import text
from tests.integration.apps import ALL, CALLBACK, PREFERENCES, USER_INFO, USERS, App
from tests.integration.center import Center, a_center

from tieline.db.database import Database
from tieline.db.tables import metadata


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


# -- clients of others ---


@pytest.mark.parametrize("method", ["client_secret_basic", "none"])
async def test_authlib_gets_in_refreshes_and_revokes(center: Center, method: str) -> None:
    app = await App.made(center, confidential=method != "none")
    meta = (await center.http.get("/.well-known/oauth-authorization-server")).json()
    assert meta["issuer"] == center.origin and meta["code_challenge_methods_supported"] == ["S256"]
    client = AuthlibSession(
        app.client_id,
        app.secret,
        token_endpoint_auth_method=method,
        scope=" ".join(ALL),
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint=meta["token_endpoint"],
    )
    verifier = secrets.token_urlsafe(48)
    url, state = client.create_authorization_url(meta["authorization_endpoint"], code_verifier=verifier)
    told = await app.back(urlsplit(url).query)
    assert (told["state"], told["iss"]) == (state, center.origin)
    back = f"{CALLBACK}&{urlencode(told)}"
    fetch = asyncio.to_thread
    first = await fetch(client.fetch_token, authorization_response=back, code_verifier=verifier, state=state)
    assert first["scope"].split() == ALL and first["expires_in"] == 900
    me = (await fetch(client.get, meta["userinfo_endpoint"])).json()
    assert me["email"] == center.email("admin") and me["account"]["id"] == str(center.account_id)
    second = await fetch(client.refresh_token, refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"] and await app.lives(second["access_token"])
    gone = await fetch(client.revoke_token, meta["revocation_endpoint"], token=second["refresh_token"])
    assert gone.status_code == 200
    assert not await app.lives(second["access_token"]) and not await app.lives(first["access_token"])


async def test_oauthlib_gets_in_and_refreshes(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "OAUTHLIB_INSECURE_TRANSPORT", "1")
    app = await App.made(center)
    client = OauthlibSession(app.client_id, redirect_uri=CALLBACK, scope=ALL, pkce="S256")
    url, state = client.authorization_url(f"{center.origin}/oauth/authorize")
    told = await app.back(urlsplit(url).query)
    assert told["state"] == state
    token_url, fetch = f"{center.origin}/oauth/token", asyncio.to_thread
    first = await fetch(client.fetch_token, token_url, code=told["code"], client_secret=app.secret)
    agents = await fetch(client.get, f"{center.origin}/api/v1/statuses")
    assert agents.json()["statuses"][0] == "ready"
    second = await fetch(client.refresh_token, token_url, client_id=app.client_id, client_secret=app.secret)
    assert second["access_token"] != first["access_token"] and await app.lives(second["access_token"])


# -- the authorization request ---


async def test_the_consent_page_is_in_no_frame_and_asks_whoever_is_signed_in(center: Center) -> None:
    app = await App.made(center)
    page = await center.http.get(f"/oauth/authorize?{app.query()}")
    assert page.headers["x-frame-options"] == "DENY"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    shown = (await app.portal.get(f"/api/v1/oauth/request?{app.query()}")).json()
    assert shown["app"]["goes_to"] == CALLBACK.split("?")[0]
    assert (shown["scopes"], shown["not_yours"]) == (ALL, [])
    assert (await center.http.get(f"/api/v1/oauth/request?{app.query()}")).status_code == 401
    # Without the page's token, and from another page, nobody answers for the user.
    forged = {"X-CSRF-Token": "no"}
    body = {"query": app.query(), "allow": True}
    assert (await app.portal.post("/api/v1/oauth/consent", json=body, headers=forged)).status_code == 403
    foreign = {"Origin": "https://evil.example"}
    assert (await app.portal.post("/api/v1/oauth/consent", json=body, headers=foreign)).status_code == 403


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": None}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"scope": "user_info:read admin"}, "invalid_scope"),
    ({"scope": "user_info:read  user_info:read"}, "invalid_scope"),
]


async def test_what_is_wrong_is_told_to_the_app(center: Center) -> None:
    app = await App.made(center)
    for change, error in WRONG:
        told = await app.back(app.query(**change))
        assert (told["error"], told["state"], told["iss"]) == (error, "a state & more", center.origin), change
        assert "code" not in told


async def test_no_means_no(center: Center) -> None:
    app = await App.made(center)
    told = await app.back(app.query(), allow=False)
    assert (told["error"], told["state"]) == ("access_denied", "a state & more")


TRICKS = [
    CALLBACK.replace("https:", "http:"),
    CALLBACK.replace("org.example", "org.example.evil.test"),
    CALLBACK.replace("org.example", "org.example@evil.test"),
    CALLBACK.replace("org.example", "evil.test#@org.example"),
    CALLBACK.replace("org.example", "org.example\\.evil.test"),
    CALLBACK.replace("org.example", "org.example%2eevil.test"),
    CALLBACK.replace("org.example", "org.example%00.evil.test"),
    CALLBACK.replace("org.example", "ORG.example"),
    CALLBACK.replace("org.example", "org.example."),
    CALLBACK.replace("org.example", "org.example:443"),
    CALLBACK.replace("org.example", "org.example:8443"),
    CALLBACK.replace("org.example", "оrg.example"),
    CALLBACK.replace("org.example/", "org.example/x/../"),
    CALLBACK.replace("/tieline", "/tieline/../evil"),
    CALLBACK.replace("/tieline", "/tieline/%2e%2e/evil"),
    CALLBACK.replace("/tieline", "//tieline"),
    CALLBACK.replace("/tieline", "/tieline/"),
    CALLBACK.replace("/tieline", "/Tieline"),
    CALLBACK.replace("?site=1", ""),
    f"{CALLBACK}&x=1",
    f"{CALLBACK}#fragment",
    f"{CALLBACK} ",
    f" {CALLBACK}",
    f"{CALLBACK}\r\nLocation: https://evil.test",
    "//org.example/services/authcallback/tieline?site=1",
    "javascript:alert(1)//https://org.example",
    "data:text/html,x",
    "",
]


async def test_a_redirect_uri_that_only_looks_registered_is_gone_to_by_nobody(center: Center) -> None:
    app = await App.made(center)
    for uri in TRICKS:
        for allow in (True, False):
            answer = await app.answer(app.query(redirect_uri=uri), allow=allow)
            assert (answer.status_code, answer.json()["params"]["reason"]) == (400, "redirect_uri"), uri
            assert "redirect_to" not in answer.text


async def test_requests_that_nobody_may_answer_stay_here(
    center: Center, database: Database, tmp_path: Path
) -> None:
    app = await App.made(center)
    twice = f"{app.query()}&{urlencode({'redirect_uri': 'https://evil.test/'})}"
    assert (await app.answer(twice)).json()["params"]["reason"] == "repeated"
    unknown = await app.answer(app.query(client_id="tieline-nobody"))
    assert unknown.json()["params"]["reason"] == "unknown_app"
    pages = tmp_path / "other"
    pages.mkdir()
    async with a_center(database, pages) as other:
        stranger = await other.portal("admin")
        refused = await app.answer(app.query(), portal=stranger)
        assert refused.json()["params"]["reason"] == "other_account"
        shown = await stranger.get(f"/api/v1/oauth/request?{app.query()}")
        assert shown.status_code == 400 and app.client_id not in shown.text


ASTRAY = [
    ("http://org.example/cb", "https"),
    ("ftp://org.example/cb", "https"),
    ("javascript:alert(1)", "address"),
    ("https://org.example/cb#x", "fragment"),
    ("https://user@org.example/cb", "userinfo"),
    ("https://*.example/cb", "wildcard"),
    ("https://org.example/a/../b", "path"),
    ("https://org.example/a/%2E%2e/b", "path"),
    ("https://org.example\\@evil.test/", "characters"),
    ("https://org.exämple/", "characters"),
    ("https:///cb", "address"),
    ("https://org.example:99999/", "address"),
    ("/cb", "address"),
    ("https://org.example/" + "a" * 500, "length"),
]


async def test_redirect_uris_that_lead_astray_are_not_registered(center: Center) -> None:
    portal = await center.portal("admin")
    for uri, reason in ASTRAY:
        body = {"name": "App", "redirect_uris": [uri], "scopes": ALL, "confidential": True}
        answer = await portal.post("/api/v1/developer-apps", json=body)
        params = answer.json()["params"]
        assert (answer.status_code, params["field"], params["reason"]) == (422, "redirect_uris", reason)


async def test_a_public_app_on_the_users_machine_chooses_its_port(center: Center) -> None:
    app = await App.made(center, confidential=False, uris=("http://127.0.0.1/cb",))

    async def taken(uri: str) -> bool:
        return (await app.answer(app.query(redirect_uri=uri))).status_code == 200

    assert await taken("http://127.0.0.1:51004/cb")
    for uri in (
        "http://127.0.0.1:51004/other",
        "http://127.0.0.1.evil.test/cb",
        "http://127.0.0.1:1@evil.test/cb",
    ):
        assert not await taken(uri)
    confidential = await App.made(center, uris=("http://127.0.0.1/cb",))
    query = confidential.query(redirect_uri="http://127.0.0.1:51004/cb")
    assert (await confidential.answer(query)).status_code == 400


async def test_nobody_allows_what_is_not_theirs(center: Center) -> None:
    app = await App.made(center)
    agent = await center.portal("one")
    shown = (await agent.get(f"/api/v1/oauth/request?{app.query()}")).json()
    assert shown["not_yours"] == [PREFERENCES, USERS]
    assert (await app.answer(app.query(), portal=agent)).status_code == 403
    own = await app.answer(app.query(scope=USER_INFO), portal=agent)
    assert "code=" in own.json()["redirect_to"]


# -- the API behind the scopes ---


async def test_an_app_reads_statuses_and_manages_agents(center: Center) -> None:
    app = await App.made(center)
    tokens = await app.let_in()
    api = httpx2.AsyncClient(
        base_url=f"{center.origin}/api/v1",
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
    )
    async with api:
        page = await api.get("/agents", params={"limit": 1})
        assert page.headers["ratelimit-limit"] == "1200" and int(page.headers["ratelimit-remaining"]) < 1200
        assert [a["name"] for a in page.json()["agents"]] == ["One"]
        rest = (await api.get("/agents", params={"after": page.json()["next"]})).json()
        assert ([a["name"] for a in rest["agents"]], rest["next"]) == (["Two"], None)
        assert (await api.get(f"/agents/{center.agents['one']}")).json()["presence"]["state"] == "offline"

        email = f"new@{center.tag}.example"
        new = {"email": email, "name": "New", "language": "ja", "roles": ["agent"]}
        made = (await api.post("/users", json=new)).json()
        # The link would make the app the user.
        assert made["link"] is None
        path = f"/users/{made['id']}"
        skills = await api.put(f"{path}/skills", json={"skills": [{"name": "Billing", "level": 4}]})
        user = skills.json()
        assert user["skills"] == [{"name": "Billing", "level": 4}]
        change = {k: user[k] for k in ("version", "language", "roles", "active")}
        change |= {"name": "Newer", "connection_id": None}
        assert (await api.put(path, json=change)).json()["name"] == "Newer"
        for body in (new | {"roles": ["administrator"]}, new | {"roles": ["agent", "supervisor"]}):
            refused = await api.post("/users", json=body | {"email": f"x{email}"})
            assert (refused.status_code, refused.json()["code"]) == (403, "not_for_apps")
        admin = (await api.get(f"/users/{center.agents['admin']}")).json()
        change = {k: admin[k] for k in ("version", "name", "language", "roles")}
        change |= {"active": False, "connection_id": None}
        assert (await api.put(f"/users/{admin['id']}", json=change)).json()["code"] == "not_for_apps"
        # What no scope names, no token opens; and a cookie beside a token changes nothing.
        for method, where in (
            ("GET", "/developer-apps"),
            ("GET", "/connections"),
            ("GET", "/engagements"),
            ("POST", f"{path}/password-link"),
            ("PUT", "/users/client-integration"),
        ):
            answer = await api.request(method, where, json={"user_ids": [made["id"]], "connection_id": None})
            assert answer.status_code == 401, where
    both = await app.portal.get("/api/v1/users", headers={"Authorization": "Bearer tla_nothing"})
    assert (both.status_code, both.json()["code"]) == (401, "token_invalid")


# -- codes ---


async def test_a_code_seen_twice_kills_its_tokens(center: Center) -> None:
    app = await App.made(center)
    code = (await app.back(app.query()))["code"]
    first = (await app.code(code=code)).json()
    assert await app.lives(first["access_token"])
    again = await app.code(code=code)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert not await app.lives(first["access_token"])
    assert (await app.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"


async def test_two_who_bring_one_code_at_once_get_one_answer_at_most(center: Center) -> None:
    app = await App.made(center)
    code = (await app.back(app.query()))["code"]
    answers = await asyncio.gather(*(app.code(code=code) for _ in range(6)))
    assert [a.status_code for a in answers].count(200) == 1
    assert not await app.lives(next(a for a in answers if a.status_code == 200).json()["access_token"])


async def test_a_code_brought_with_something_wrong_is_spent(center: Center) -> None:
    app = await App.made(center)
    for change in ({"code_verifier": "w" * 43}, {"redirect_uri": "https://org.example/other"}):
        code = (await app.back(app.query()))["code"]
        assert (await app.code(code=code, **change)).json()["error"] == "invalid_grant"
        assert (await app.code(code=code)).json()["error"] == "invalid_grant"


async def test_a_code_is_its_apps_and_good_for_a_minute(center: Center) -> None:
    app, other = await App.made(center), await App.made(center)
    code = (await app.back(app.query()))["code"]
    assert (await other.code(code=code)).json()["error"] == "invalid_grant"
    assert (await app.code(code=code, code_verifier=None)).json()["error"] == "invalid_request"
    await center.pass_time(61)
    assert (await app.code(code=code)).json()["error"] == "invalid_grant"


async def test_an_app_that_has_a_secret_needs_it(center: Center) -> None:
    app = await App.made(center)
    code = (await app.back(app.query()))["code"]
    for secret in (None, "", "tls_wrong"):
        answer = await app.code(code=code, client_secret=secret)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["cache-control"] == "no-store"
    assert (await app.code(code=code)).status_code == 200


# -- tokens ---


async def test_a_refresh_token_seen_twice_ends_everything_it_led_to(center: Center) -> None:
    app = await App.made(center)
    first = await app.let_in()
    second = (await app.refresh(first["refresh_token"])).json()
    third = (await app.refresh(second["refresh_token"])).json()
    assert await app.lives(third["access_token"])
    assert (await app.refresh(first["refresh_token"])).json()["error"] == "invalid_grant"
    assert not await app.lives(third["access_token"])
    assert (await app.refresh(third["refresh_token"])).json()["error"] == "invalid_grant"


async def test_tokens_are_narrowed_never_widened(center: Center) -> None:
    app = await App.made(center)
    tokens = await app.let_in(scope=f"{USER_INFO} {PREFERENCES}")
    assert (await app.refresh(tokens["refresh_token"], scope=USERS)).json()["error"] == "invalid_scope"
    narrow = (await app.refresh(tokens["refresh_token"], scope=USER_INFO)).json()
    assert narrow["scope"] == USER_INFO
    bearer = {"Authorization": f"Bearer {narrow['access_token']}"}
    refused = await center.http.get("/api/v1/statuses", headers=bearer)
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")
    assert 'error="insufficient_scope"' in refused.headers["www-authenticate"]
    wide = (await app.refresh(narrow["refresh_token"])).json()
    assert wide["scope"] == f"{PREFERENCES} {USER_INFO}"
    # Taking a scope from the app takes it from its tokens.
    read = (await app.portal.get("/api/v1/developer-apps")).json()["apps"][0]
    body = {k: read[k] for k in ("name", "redirect_uris", "version")} | {"scopes": [USER_INFO]}
    assert (await app.portal.put(f"/api/v1/developer-apps/{app.id}", json=body)).status_code == 200
    bearer = {"Authorization": f"Bearer {wide['access_token']}"}
    assert (await center.http.get("/api/v1/statuses", headers=bearer)).status_code == 403


async def test_an_access_token_ends_after_minutes_and_with_its_user(center: Center) -> None:
    app = await App.made(center)
    tokens = await app.let_in()
    await center.pass_time(901)
    assert not await app.lives(tokens["access_token"])
    tokens = (await app.refresh(tokens["refresh_token"])).json()
    async with center.db.system() as tx:
        await tx.execute(
            text("UPDATE app_user SET roles = '{agent}' WHERE id = :id"), {"id": center.agents["admin"]}
        )
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await center.http.get("/api/v1/statuses", headers=bearer)).status_code == 403
    assert (await app.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_removing_an_app_kills_its_tokens_at_once(center: Center) -> None:
    app, other = await App.made(center), await App.made(center)
    one, two, kept = await app.let_in(), await app.let_in(), await other.let_in()
    pending = (await app.back(app.query()))["code"]
    added = (await app.portal.get("/api/v1/added-apps")).json()["apps"]
    mine = next(a for a in added if a["id"] == app.id)
    assert [g["by"]["name"] for g in mine["grants"]] == ["Admin", "Admin"]
    assert mine["grants"][0]["access_tokens"] == 1
    path = f"/api/v1/added-apps/{app.id}"
    assert (await app.portal.delete(f"{path}/grants/{mine['grants'][0]['id']}")).status_code == 204
    assert [await app.lives(t["access_token"]) for t in (one, two, kept)] == [False, True, True]
    assert (await app.portal.delete(path)).status_code == 204
    assert [await app.lives(t["access_token"]) for t in (one, two, kept)] == [False, False, True]
    assert (await app.refresh(two["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await app.code(code=pending)).json()["error"] == "invalid_grant"
    assert (await app.portal.delete(path)).status_code == 404


async def test_a_new_secret_ends_the_old_one_and_a_deleted_app_everything(center: Center) -> None:
    app = await App.made(center)
    tokens = await app.let_in()
    answer = await app.portal.post(f"/api/v1/developer-apps/{app.id}/secret")
    old, app.secret = app.secret, answer.json()["secret"]
    assert (await app.refresh(tokens["refresh_token"], client_secret=old)).status_code == 401
    tokens = (await app.refresh(tokens["refresh_token"])).json()
    assert await app.lives(tokens["access_token"])
    assert (await app.portal.delete(f"/api/v1/developer-apps/{app.id}")).status_code == 204
    assert not await app.lives(tokens["access_token"])


async def test_no_secret_code_or_token_is_in_the_database(center: Center) -> None:
    app = await App.made(center)
    tokens = await app.let_in()
    pending = (await app.back(app.query()))["code"]
    dump = ""
    async with center.db.system() as tx:
        for table in metadata.tables:
            rows = await tx.all(text(f'SELECT CAST(t AS text) FROM "{table}" t'))
            dump += "\n".join(row[0] for row in rows)
    assert app.client_id in dump
    assert app.secret is not None
    for secret in (app.secret, tokens["access_token"], tokens["refresh_token"], pending):
        plain = secret.split("_", 1)[1]
        for shape in (secret, plain, plain.encode().hex(), base64.b64encode(secret.encode()).decode()):
            assert shape not in dump


async def test_doors_that_are_asked_badly_say_so(center: Center) -> None:
    app = await App.made(center)
    for answer in (
        await app.token(grant_type="password", username="x", password="y"),
        await app.token(grant_type="client_credentials"),
        await app.token(grant_type="implicit"),
    ):
        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
    for content, kind in (
        ("grant_type=refresh_token&grant_type=x", "application/x-www-form-urlencoded"),
        ("{}", "application/json"),
        ("grant_type=refresh_token&refresh_token=" + "x" * 3000, "application/x-www-form-urlencoded"),
    ):
        answer = await center.http.post("/oauth/token", content=content, headers={"Content-Type": kind})
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await center.http.get("/oauth/token")).status_code in (404, 405)
    in_url = await center.http.get("/oauth/userinfo?access_token=x")
    assert in_url.status_code == 401 and "Bearer" in in_url.headers["www-authenticate"]


async def test_guessing_secrets_is_slowed_down(center: Center) -> None:
    app = await App.made(center)
    answers = [await app.code(code="x", client_secret=f"tls_{n}") for n in range(31)]
    assert [a.status_code for a in answers] == [401] * 30 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0
