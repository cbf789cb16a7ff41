"""Sign-in, consent and tokens, with the attacks on them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from urllib.parse import parse_qs, urlsplit

import httpx2
from tests.plain_http import plain_http

from .browser import Browser, hidden
from .conftest import (
    ADMIN,
    CALLBACK,
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    VERIFIER,
    AppMaker,
    World,
    challenge_of,
    code_in,
)


async def signed_in(world: World, browser: Browser) -> Browser:
    response = await browser.sign_in(ADMIN, PASSWORD)
    assert response.status_code == 303
    return browser


def http_of(world: World) -> httpx2.AsyncClient:
    return plain_http(base_url=world.base, timeout=20)


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


def variants(uri: str) -> list[str]:
    """Addresses that look like the registered one to a careless eye or parser."""
    parts = urlsplit(uri)
    host, path = parts.netloc, parts.path
    return [
        "https://evil.example/",
        "//evil.example",
        f"http://evil.example{path}",
        f"http://{host}.evil.example{path}",
        f"http://evil.example/{uri}",
        f"http://evil.example?{uri}",
        f"http://evil.example#{uri}",
        f"http://{host}@evil.example{path}",
        f"http://user@{host}{path}",
        f"http://user:pass@{host}{path}",
        f"http://{host}:80@evil.example{path}",
        f"http://{host}\\@evil.example{path}",
        f"http://{host}%2eevil.example{path}",
        f"http://localhost{path}",
        f"http://localhost:99{path}",
        f"http://127.0.0.1:9{path}",
        f"http://LOCALHOST:9{path}",
        f"http://localhost.:9{path}",
        f"https://{host}{path}",
        f"HTTP://{host}{path}",
        f"{uri}/",
        f"{uri}/../evil",
        f"{uri}/..",
        f"{uri}.evil",
        f"{uri}%2f..%2fevil",
        f"{uri}%00",
        f"{uri}%0d%0aX: y",
        f"{uri} ",
        f" {uri}",
        f"{uri}\t",
        f"{uri}?x=1",
        f"{uri}?",
        f"{uri}#f",
        f"{uri};x",
        f"{uri}/two",
        f"{uri}/two?kept=1&more=2",
        f"{uri}/two?kept=2",
        uri.replace("callback", "Callback"),
        uri.replace("callback", "%63allback"),
        uri.replace("callback", "callb\u0430ck"),
        uri.replace("http:", "http:/"),
        uri.replace("http:", "javascript:"),
        "javascript:alert(1)",
        "data:text/html,x",
        "*",
        f"{uri},https://evil.example",
        f"{uri}\nhttps://evil.example",
    ]


async def test_a_foreign_redirect_address_is_never_followed(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    for uri in variants(CALLBACK):
        asked = httpx2.QueryParams({"response_type": "code", "client_id": CLIENT_ID, "redirect_uri": uri})
        response = await browser.send("GET", f"{browser.my}/services/oauth2/authorize?{asked}")
        assert response.status_code == 400, uri
        assert "redirect_uri_mismatch" in response.text, uri
        assert "location" not in response.headers, uri


async def test_a_code_is_good_only_for_the_address_it_was_sent_to(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    async with http_of(world) as http:
        for uri in (CALLBACK + "/two?kept=1", CALLBACK + "/", "https://evil.example", None):
            code = code_in(await world.authorize(browser))
            refused = await world.redeem(http, code, redirect_uri=uri)
            assert (refused.status_code, refused.json()["error"]) == (400, "redirect_uri_mismatch")
            late = await world.redeem(http, code)
            assert late.json()["error"] == "invalid_grant", "a code shown wrongly is spent"


async def test_a_code_is_good_only_for_the_app_it_was_given_to(
    world: World, browser: Browser, new_app: AppMaker
) -> None:
    other = await new_app()
    await signed_in(world, browser)
    code = code_in(await world.authorize(browser))
    async with http_of(world) as http:
        stolen = await world.redeem(http, code, **other)
        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
        first = (await world.redeem(http, code)).json()
        refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        stolen = await http.post("/services/oauth2/token", data=refresh | other)
        assert stolen.json()["error"] == "invalid_grant"


async def test_a_parameter_said_twice_is_refused(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    query = f"response_type=code&client_id={CLIENT_ID}&redirect_uri={CALLBACK}&code_challenge={'a' * 43}"
    for more in ("&redirect_uri=https://evil.example", f"&redirect_uri={CALLBACK}", "&scope=api&scope=full"):
        response = await browser.send("GET", f"{browser.my}/services/oauth2/authorize?{query}{more}")
        assert response.status_code == 400
        assert "location" not in response.headers


async def test_pkce_cannot_be_talked_down(world: World, browser: Browser, new_app: AppMaker) -> None:
    app = await new_app(pkce_required=False)
    await signed_in(world, browser)
    for change in (
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": "short"},
        {"code_challenge": "a" * 42 + "%"},
    ):
        location = await world.authorize(browser, client_id=app["client_id"], scope="api", **change)
        assert "error=invalid_request" in location, change
    async with http_of(world) as http:

        async def redeemed(challenge: str | None, verifier: str | None) -> httpx2.Response:
            location = await world.authorize(
                browser, client_id=app["client_id"], scope="api", code_challenge=challenge
            )
            return await world.redeem(http, code_in(location), **app, code_verifier=verifier)

        with_one = challenge_of(VERIFIER)
        assert (await redeemed(with_one, None)).json()["error"] == "invalid_grant"
        assert (await redeemed(with_one, "")).json()["error"] == "invalid_grant"
        assert (await redeemed(with_one, with_one)).json()["error"] == "invalid_request"
        assert (await redeemed(None, VERIFIER)).json()["error"] == "invalid_request"
        assert (await redeemed(None, None)).status_code == 200
        assert (await redeemed(with_one, VERIFIER)).status_code == 200


async def test_a_scope_the_app_does_not_have_is_refused(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    for scope in ("full", "web", "api full", "api made_up", "api,web"):
        location = await world.authorize(browser, scope=scope)
        assert parse_qs(urlsplit(location).query)["error"] == ["invalid_scope"], scope


async def test_other_response_types_are_refused_at_the_callback(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    for kind in ("token", "id_token", "code token", "none", None):
        location = await world.authorize(browser, response_type=kind)
        query = parse_qs(urlsplit(location).query)
        assert query["error"] == ["unsupported_response_type"], kind
        assert query["state"] == ["xyz"]


async def test_an_app_that_wants_no_page_gets_none(world: World, browser: Browser, new_app: AppMaker) -> None:
    app = await new_app()
    for change in ({"immediate": "true"}, {"prompt": "none"}):
        asked: dict[str, str] = {"client_id": app["client_id"], "scope": "api"} | change
        stranger = Browser(world.port)
        assert "error=immediate_unsuccessful" in await world.authorize(stranger, **asked)
        await stranger.close()
    await signed_in(world, browser)
    hasty = await world.authorize(browser, client_id=app["client_id"], scope="api", immediate="true")
    assert "error=immediate_unsuccessful" in hasty
    await world.authorize(browser, client_id=app["client_id"], scope="api")
    approved = await world.authorize(browser, client_id=app["client_id"], scope="api", immediate="true")
    assert "code=" in approved


async def test_a_state_comes_back_exactly_and_once(world: World, browser: Browser) -> None:
    await signed_in(world, browser)
    for state in ("a&code=stolen", "#x", "é\u2028", "a+b %20", "<script>", "x" * 4000):
        query = parse_qs(urlsplit(await world.authorize(browser, state=state)).query)
        assert query["state"] == [state]
        assert len(query["code"]) == 1


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


async def test_of_two_redemptions_at_once_one_is_answered_and_both_end(
    world: World, browser: Browser
) -> None:
    await signed_in(world, browser)
    code = code_in(await world.authorize(browser))
    async with http_of(world) as http:
        answers = await asyncio.gather(*(world.redeem(http, code) for _ in range(4)))
        given = [answer.json() for answer in answers if answer.status_code == 200]
        assert len(given) == 1
        bearer = {"Authorization": f"Bearer {given[0]['access_token']}"}
        assert (await http.get("/services/data/v66.0/limits", headers=bearer)).status_code == 401


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
        other = await world.redeem(http, "code", grant_type="implicit")
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


async def test_wrong_secrets_are_slowed_down_for_whoever_sends_them(world: World, new_app: AppMaker) -> None:
    app, other = await new_app(), await new_app()

    async def asked(http: httpx2.AsyncClient, of: dict[str, str], **change: str) -> httpx2.Response:
        return await http.post("/services/oauth2/introspect", data={"token": "x", **of, **change})

    async with http_of(world) as http:
        for _ in range(9):
            assert (await asked(http, app, client_secret="guess")).json()["error"] == "invalid_client"
        assert (await asked(http, app)).json() == {"active": False}
        for _ in range(10):
            await asked(http, app, client_secret="guess")
        late = await asked(http, app)
        assert (late.status_code, late.json()["error"]) == (401, "invalid_client")
        assert (await asked(http, other)).json() == {"active": False}
        conn = await world.database()
        await conn.execute("UPDATE auth.sign_in_failure SET at = at - interval '301 seconds'")
        await conn.close()
        assert (await asked(http, app)).json() == {"active": False}


async def test_a_new_password_ends_sessions_and_access_tokens_but_not_what_apps_were_allowed(
    world: World, browser: Browser, console: Browser, new_app: AppMaker
) -> None:
    app, username = await new_app(), "leaver@acme.example"
    made = await console.api(
        "POST",
        "setup/users",
        json={"username": username, "email": username, "last_name": "Leaver", "password": PASSWORD,
              "profile": "Standard User"},
    )  # fmt: skip
    await browser.open_console(username, PASSWORD)
    async with http_of(world) as http:
        given = (
            await world.redeem(
                http,
                code_in(
                    await world.authorize(browser, client_id=app["client_id"], scope="api refresh_token")
                ),
                **app,
            )
        ).json()
        pending = code_in(await world.authorize(browser, client_id=app["client_id"], scope="api"))
        bearer = {"Authorization": f"Bearer {given['access_token']}"}
        assert (await http.get("/services/data/v66.0/limits", headers=bearer)).status_code == 200
        changed = await console.api(
            "PATCH", f"setup/users/{made.json()['id']}", json={"password": "another one"}
        )
        assert changed.status_code in (200, 204), changed.text
        refused = await http.get("/services/data/v66.0/limits", headers=bearer)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
        assert (await browser.api("GET", "bootstrap")).status_code == 401
        assert (await world.redeem(http, pending, **app)).json()["error"] == "invalid_grant"
        form = {"grant_type": "refresh_token", "refresh_token": given["refresh_token"], **app}
        again = (await http.post("/services/oauth2/token", data=form)).json()
        bearer = {"Authorization": f"Bearer {again['access_token']}"}
        assert (await http.get("/services/data/v66.0/limits", headers=bearer)).status_code == 200
