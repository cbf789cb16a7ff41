"""Sign-in, consent and tokens, with the attacks on them."""

from __future__ import annotations

import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

import httpx2

from .browser import Browser, hidden
from .conftest import ADMIN, CALLBACK, CLIENT_ID, CLIENT_SECRET, PASSWORD, World, code_in


async def signed_in(world: World, browser: Browser) -> Browser:
    response = await browser.sign_in(ADMIN, PASSWORD)
    assert response.status_code == 303
    return browser


def http_of(world: World) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=world.base, timeout=20)


async def test_web_server_flow_gives_the_documented_token_answer(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    location = await world.authorize(browser)
    assert parse_qs(urlsplit(location).query)["state"] == ["xyz"]
    async with http_of(world) as http:
        answer = (await world.redeem(http, code_in(location))).json()
        assert set(answer) == {
            "access_token", "refresh_token", "instance_url", "id", "issued_at", "signature", "token_type", "scope",
        }  # fmt: skip
        assert answer["access_token"].startswith(world.org_id[:15] + "!")
        assert answer["token_type"] == "Bearer"
        mac = hmac.new(CLIENT_SECRET.encode(), (answer["id"] + answer["issued_at"]).encode(), hashlib.sha256)
        assert answer["signature"] == base64.b64encode(mac.digest()).decode()
        bearer = {"Authorization": f"Bearer {answer['access_token']}"}
        identity = (await http.get(urlsplit(answer["id"]).path, headers=bearer)).json()
        assert identity["username"] == ADMIN
        assert identity["organization_id"] == world.org_id
        info = (await http.get("/services/oauth2/userinfo", headers=bearer)).json()
        assert info["preferred_username"] == ADMIN


async def test_tokens_and_codes_are_not_stored_readable(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    location = await world.authorize(browser)
    async with http_of(world) as http:
        answer = (await world.redeem(http, code_in(location))).json()
    conn = await world.database()
    dump = ""
    for table in ("access_token", "refresh_token", "code", "app", "web_session", "password"):
        dump += str(await conn.fetch(f"SELECT * FROM auth.{table}"))
    await conn.close()
    for secret in (
        answer["access_token"],
        answer["refresh_token"],
        code_in(location),
        CLIENT_SECRET,
        PASSWORD,
    ):
        assert secret not in dump
        assert secret.encode() not in dump.encode()


async def test_a_foreign_redirect_address_is_never_followed(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    for uri in (
        "https://evil.example/",
        CALLBACK + "/",
        CALLBACK + "?x=1",
        CALLBACK + "#f",
        "//evil.example",
    ):
        url = f"{browser.my}/services/oauth2/authorize"
        response = await browser.send(
            "GET",
            f"{url}?{httpx2.QueryParams({'response_type': 'code', 'client_id': CLIENT_ID, 'redirect_uri': uri})}",
        )
        assert response.status_code == 400
        assert "redirect_uri_mismatch" in response.text
        assert "location" not in response.headers


async def test_a_used_code_takes_back_the_tokens_it_gave(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    code = code_in(await world.authorize(browser))
    async with http_of(world) as http:
        first = (await world.redeem(http, code)).json()
        again = await world.redeem(http, code)
        assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
        bearer = {"Authorization": f"Bearer {first['access_token']}"}
        refused = await http.get("/services/data/v66.0/limits", headers=bearer)
        assert refused.status_code == 401
        assert refused.json()[0] == {
            "message": "Session expired or invalid",
            "errorCode": "INVALID_SESSION_ID",
        }


async def test_a_wrong_verifier_is_refused_and_spends_the_code(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    code = code_in(await world.authorize(browser))
    async with http_of(world) as http:
        wrong = await world.redeem(http, code, code_verifier="x" * 50)
        assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_request")
        late = await world.redeem(http, code)
        assert late.json()["error"] == "invalid_grant"
        code = code_in(await world.authorize(browser))
        missing = await world.redeem(http, code, code_verifier=None)
        assert missing.json()["error"] == "invalid_grant"


async def test_the_challenge_is_required_where_the_app_says_so(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    location = await world.authorize(browser, code_challenge=None)
    query = parse_qs(urlsplit(location).query)
    assert query["error"] == ["invalid_request"]
    assert query["state"] == ["xyz"]


async def test_a_missing_state_is_tolerated_and_not_invented(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    location = await world.authorize(browser, state=None)
    assert "state" not in parse_qs(urlsplit(location).query)


async def test_denying_tells_the_app(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    query = httpx2.QueryParams(
        {"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": CALLBACK + "/two?kept=1",
         "code_challenge": "a" * 43, "prompt": "consent", "scope": "openid", "state": "s"}
    )  # fmt: skip
    _, page = await browser.follow("GET", f"{browser.my}/services/oauth2/authorize?{query}")
    assert "Know who you are" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "form-action 'self' http://localhost:9" in page.headers["content-security-policy"]
    form = hidden(page.text) | {"decision": "deny"}
    response = await browser.send("POST", f"{browser.my}/services/oauth2/authorize", data=form)
    location = urlsplit(response.headers["location"])
    assert location.path == "/callback/two"
    assert parse_qs(location.query)["error"] == ["access_denied"]
    assert parse_qs(location.query)["kept"] == ["1"]


async def test_consent_needs_the_session_s_own_token(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    query = f"response_type=code&client_id={CLIENT_ID}&redirect_uri={CALLBACK}&code_challenge={'a' * 43}&prompt=consent"
    for form, headers in (
        ({"csrf": "guess"}, {}),
        ({}, {}),
        ({"csrf": "right"}, {"Origin": "https://evil.example"}),
    ):
        _, page = await browser.follow("GET", f"{browser.my}/services/oauth2/authorize?{query}")
        sent = hidden(page.text) | {"decision": "allow"}
        sent["csrf"] = sent["csrf"] if form.get("csrf") == "right" else form.get("csrf", "")
        response = await browser.send(
            "POST", f"{browser.my}/services/oauth2/authorize", data=sent, headers=headers
        )
        assert response.status_code == 403


async def test_refresh_keeps_the_token_and_revocation_ends_all(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    async with http_of(world) as http:
        first = (await world.redeem(http, code_in(await world.authorize(browser)))).json()
        form = {
            "grant_type": "refresh_token",
            "refresh_token": first["refresh_token"],
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
        }
        second = (await http.post("/services/oauth2/token", data=form)).json()
        assert "refresh_token" not in second
        assert second["access_token"] != first["access_token"]
        no_secret = await http.post(
            "/services/oauth2/token", data={name: form[name] for name in form if name != "client_secret"}
        )
        assert no_secret.json()["error"] == "invalid_client"
        about = {"token": second["access_token"], "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        assert (await http.post("/services/oauth2/introspect", data=about)).json()["active"] is True
        assert (
            await http.post("/services/oauth2/revoke", data={"token": first["refresh_token"]})
        ).status_code == 200
        assert (await http.post("/services/oauth2/introspect", data=about)).json() == {"active": False}
        gone = await http.post("/services/oauth2/token", data=form)
        assert (gone.status_code, gone.json()) == (
            400,
            {"error": "invalid_grant", "error_description": "expired access/refresh token"},
        )
        unknown = await http.post("/services/oauth2/revoke", data={"token": "nothing"})
        assert unknown.status_code == 400


async def test_a_rotated_refresh_token_seen_again_ends_the_grant(world: World, browser: Browser) -> None:
    conn = await world.database()
    await conn.execute("UPDATE auth.app SET rotate_refresh = true WHERE client_id = $1", CLIENT_ID)
    try:
        await signed_in(world, browser)
        async with http_of(world) as http:
            first = (await world.redeem(http, code_in(await world.authorize(browser)))).json()
            form = {
                "grant_type": "refresh_token",
                "refresh_token": first["refresh_token"],
                "client_id": CLIENT_ID,
                "client_secret": CLIENT_SECRET,
            }
            second = (await http.post("/services/oauth2/token", data=form)).json()
            assert second["refresh_token"] != first["refresh_token"]
            replayed = await http.post("/services/oauth2/token", data=form)
            assert replayed.json()["error"] == "invalid_grant"
            form["refresh_token"] = second["refresh_token"]
            assert (await http.post("/services/oauth2/token", data=form)).json()["error"] == "invalid_grant"
    finally:
        await conn.execute("UPDATE auth.app SET rotate_refresh = false WHERE client_id = $1", CLIENT_ID)
        await conn.close()


async def test_an_access_token_dies_with_the_session_timeout(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    async with http_of(world) as http:
        answer = (await world.redeem(http, code_in(await world.authorize(browser)))).json()
        bearer = {"Authorization": f"Bearer {answer['access_token']}"}
        assert (await http.get("/services/data/v66.0/limits", headers=bearer)).status_code == 200
        conn = await world.database()
        lives = await conn.fetchval(
            "SELECT extract(epoch FROM max(expires_at) - now()) / 60 FROM auth.access_token"
        )
        assert 118 < lives <= 120
        await conn.execute("UPDATE auth.access_token SET expires_at = now() WHERE hash = $1",
                           hashlib.sha256(answer["access_token"].encode()).digest())  # fmt: skip
        await conn.close()
        assert (await http.get("/services/data/v66.0/limits", headers=bearer)).status_code == 401


async def test_an_unknown_app_or_grant_type_is_named(world: World, browser: Browser) -> None:
    async with http_of(world) as http:
        unknown = await world.redeem(http, "code", client_id="nobody")
        assert unknown.json()["error"] == "invalid_client_id"
        wrong = await world.redeem(http, "code", client_secret="guess")
        assert wrong.json()["error"] == "invalid_client"
        other = await world.redeem(http, "code", grant_type="password")
        assert other.json()["error"] == "unsupported_grant_type"
        strange = await world.redeem(http, "\x00", client_id="\x00\ufffd")
        assert strange.json()["error"] == "invalid_client_id"
        asked = await http.get(
            "/services/oauth2/authorize?client_id=%00", headers={"Host": urlsplit(browser.my).netloc}
        )
        assert asked.status_code == 400


async def test_the_sign_in_page_is_in_the_browser_s_language(world: World) -> None:
    for language, word in (("ja,en;q=0.5", "ログイン"), ("en-US", "Sign In")):
        browser = Browser(world.port, language=language)
        page = await browser.send("GET", f"{browser.my}/login?startURL=/x")
        assert word in page.text
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        await browser.close()


async def test_sign_in_leads_nowhere_else(world: World, browser: Browser) -> None:
    for start in ("https://evil.example", "//evil.example", "/\\evil.example", "/a\r\nX: y", "javascript:1"):
        response = await browser.sign_in(ADMIN, PASSWORD, start=start)
        assert response.headers["location"] == "/"


async def test_sign_in_needs_its_own_form(world: World, browser: Browser) -> None:
    form = {"username": ADMIN, "password": PASSWORD, "csrf": "guess"}
    response = await browser.send("POST", f"{browser.my}/login", data=form)
    assert response.status_code == 403
    await browser.send("GET", f"{browser.my}/login")
    response = await browser.send(
        "POST", f"{browser.my}/login", data=form, headers={"Origin": "https://evil.example"}
    )
    assert response.status_code == 403


async def test_wrong_passwords_are_slowed_down(world: World, browser: Browser) -> None:
    for _ in range(10):
        response = await browser.sign_in("nobody@acme.example", "wrong")
        assert response.status_code == 401
    response = await browser.sign_in("nobody@acme.example", "wrong")
    assert response.status_code == 429
    assert 0 < int(response.headers["retry-after"]) <= 300
    assert (await browser.sign_in(ADMIN, PASSWORD)).status_code == 303
