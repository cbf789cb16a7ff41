"""Every way to a token, what each refuses, and what ends a token."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.plain_http import plain_http

from .browser import Browser
from .certificates import self_signed
from .conftest import ADMIN, AGENT, CLIENT_ID, CLIENT_SECRET, PASSWORD, AppMaker, World, code_in

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with plain_http(base_url=world.base, timeout=20) as client:
        yield client


async def ask(http: httpx2.AsyncClient, **form: str) -> httpx2.Response:
    return await http.post("/services/oauth2/token", data=form)


async def limits(http: httpx2.AsyncClient, token: str) -> httpx2.Response:
    return await http.get("/services/data/v66.0/limits", headers={"Authorization": f"Bearer {token}"})


def refusal(answer: httpx2.Response) -> tuple[str, str]:
    assert answer.status_code == 400, answer.text
    return answer.json()["error"], answer.json()["error_description"]


# -- JWT bearer ----------------------------------------------------------------------------------------------


def assertion(
    world: World, client_id: str, *, key: Any = KEY, algorithm: str = "RS256", **claims: Any
) -> str:
    values = {
        "iss": client_id,
        "sub": ADMIN,
        "aud": "https://login.salesforce.com",
        "exp": int(time.time()) + 180,
    } | claims
    return jwt.encode(
        {name: value for name, value in values.items() if value is not None}, key, algorithm=algorithm
    )


async def test_an_assertion_for_an_approved_profile_gets_a_token_without_refresh(
    world: World, http: httpx2.AsyncClient, new_app: AppMaker
) -> None:
    app = await new_app(
        certificate=self_signed(KEY), permitted="approved", profiles=["System Administrator"], callbacks=[]
    )
    for audience in (
        "https://login.salesforce.com",
        "https://test.salesforce.com",
        world.settings.my_origin("acme"),
        world.base + "/",
        f"{world.settings.base_origin}/services/oauth2/token",
    ):
        given = assertion(world, app["client_id"], aud=audience)
        answer = await ask(http, grant_type=JWT_BEARER, assertion=given)
        assert answer.status_code == 200, answer.text
        assert "refresh_token" not in answer.json()
        assert answer.json()["scope"] == "api openid"
        assert (await limits(http, answer.json()["access_token"])).status_code == 200
    milliseconds = assertion(world, app["client_id"], exp=int(time.time() * 1000) + 300)
    assert (await ask(http, grant_type=JWT_BEARER, assertion=milliseconds)).status_code == 200
    agent = assertion(world, app["client_id"], sub=AGENT)
    assert refusal(await ask(http, grant_type=JWT_BEARER, assertion=agent)) == (
        "invalid_grant",
        "user hasn't approved this consumer",
    )


async def test_an_assertion_counts_on_the_user_s_own_approval_while_it_stands(
    world: World, http: httpx2.AsyncClient, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(certificate=self_signed(KEY))
    given = assertion(world, app["client_id"])
    unapproved = ("invalid_grant", "user hasn't approved this consumer")
    assert refusal(await ask(http, grant_type=JWT_BEARER, assertion=given)) == unapproved
    await browser.sign_in(ADMIN, PASSWORD)
    code = code_in(await world.authorize(browser, client_id=app["client_id"], scope="api refresh_token"))
    first = await world.redeem(http, code, **app)
    answer = await ask(http, grant_type=JWT_BEARER, assertion=given)
    assert answer.json()["scope"] == "api"
    stranger = assertion(world, app["client_id"], sub="nobody@acme.example")
    assert refusal(await ask(http, grant_type=JWT_BEARER, assertion=stranger)) == unapproved
    await http.post("/services/oauth2/revoke", data={"token": first.json()["refresh_token"]})
    assert refusal(await ask(http, grant_type=JWT_BEARER, assertion=given)) == unapproved
    assert (await limits(http, answer.json()["access_token"])).status_code == 200


async def test_forged_and_stale_assertions_are_refused(
    world: World, http: httpx2.AsyncClient, new_app: AppMaker
) -> None:
    app = await new_app(certificate=self_signed(KEY), permitted="approved", profiles=["System Administrator"])
    other = await new_app(permitted="approved", profiles=["System Administrator"])
    key, now = app["client_id"], int(time.time())
    good = assertion(world, key)
    head, body, signature = good.split(".")
    forged_body = assertion(world, key, key=OTHER_KEY, sub=ADMIN).split(".")[1]
    cases = {
        "other key": (assertion(world, key, key=OTHER_KEY), "invalid assertion"),
        "no algorithm": (assertion(world, key, key=None, algorithm="none"), "invalid assertion"),
        "secret as key": (
            assertion(world, key, key=app["client_secret"], algorithm="HS256"),
            "invalid assertion",
        ),
        "RS512": (assertion(world, key, algorithm="RS512"), "invalid assertion"),
        "signature cut": (f"{head}.{body}.", "invalid assertion"),
        "signature padded": (f"{head}.{body}.{signature}=", "invalid assertion"),
        "body changed": (f"{head}.{forged_body}x.{signature}", "invalid assertion"),
        "four parts": (good + ".x", "invalid assertion"),
        "expired": (assertion(world, key, exp=now - 100), "assertion is expired"),
        "too long": (assertion(world, key, exp=now + 3600), "invalid assertion"),
        "no end": (assertion(world, key, exp=None), "invalid assertion"),
        "end in words": (assertion(world, key, exp="soon"), "invalid assertion"),
        "end of days": (assertion(world, key, exp=float("inf")), "invalid assertion"),
        "not yet": (assertion(world, key, nbf=now + 3600), "invalid assertion"),
        "elsewhere": (assertion(world, key, aud="https://evil.example"), "audience is invalid"),
        "suffix": (
            assertion(world, key, aud="https://login.salesforce.com.evil.example"),
            "audience is invalid",
        ),
        "no audience": (assertion(world, key, aud=None), "audience is invalid"),
        "empty": ("", "invalid assertion"),
        "huge": ("a" * 20_000, "invalid assertion"),
        "nul": (assertion(world, key, sub="\x00"), "user hasn't approved this consumer"),
        "app without certificate": (assertion(world, other["client_id"]), "client identifier invalid"),
        "unknown app": (assertion(world, "nobody"), "client identifier invalid"),
    }
    for name, (text, sentence) in cases.items():
        answer = await ask(http, grant_type=JWT_BEARER, assertion=text)
        assert refusal(answer)[1] == sentence, name
    assert (await ask(http, grant_type=JWT_BEARER, assertion=good)).status_code == 200


async def test_an_expired_certificate_proves_nothing(
    world: World, http: httpx2.AsyncClient, new_app: AppMaker
) -> None:
    app = await new_app(
        certificate=self_signed(KEY, days=-1), permitted="approved", profiles=["System Administrator"]
    )
    answer = await ask(http, grant_type=JWT_BEARER, assertion=assertion(world, app["client_id"]))
    assert refusal(answer) == ("invalid_grant", "certificate is expired")


# -- client credentials and password -------------------------------------------------------------------------


async def test_client_credentials_run_as_the_appointed_user(
    world: World, http: httpx2.AsyncClient, new_app: AppMaker
) -> None:
    app = await new_app(run_as=AGENT, callbacks=[], secret_optional=True)
    answer = await http.post(
        "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(app["client_id"], app["client_secret"]),
    )
    assert answer.status_code == 200, answer.text
    assert "refresh_token" not in answer.json()
    info = await http.get(
        "/services/oauth2/userinfo", headers={"Authorization": f"Bearer {answer.json()['access_token']}"}
    )
    assert info.json()["preferred_username"] == AGENT
    without = await ask(http, grant_type="client_credentials", client_id=app["client_id"])
    assert refusal(without)[0] == "invalid_client"
    nobody = await new_app()
    assert refusal(await ask(http, grant_type="client_credentials", **nobody)) == (
        "invalid_grant",
        "no client credentials user enabled",
    )


async def test_passwords_are_taken_only_where_the_org_allows_it(
    world: World, http: httpx2.AsyncClient, new_app: AppMaker
) -> None:
    app = await new_app()
    form = {"grant_type": "password", "username": AGENT, "password": PASSWORD} | app
    failure = ("invalid_grant", "authentication failure")
    assert refusal(await ask(http, **form)) == failure
    console = Browser(world.port)
    await console.open_console(ADMIN, PASSWORD)
    await console.api("PUT", "setup/oauth-settings", json={"username_password": True})
    try:
        answer = await ask(http, **form)
        assert answer.status_code == 200, answer.text
        assert "refresh_token" not in answer.json()
        token = await ask(http, **(form | {"password": PASSWORD + "aB3dE6gH9jK2mN5pQ8sT1vW4"}))
        assert token.status_code == 200
        assert refusal(await ask(http, **(form | {"password": "wrong"}))) == failure
        assert refusal(await ask(http, **(form | {"client_secret": ""})))[0] == "invalid_client"
        guesses = [
            await ask(http, **(form | {"username": "guess@acme.example", "password": "x"})) for _ in range(12)
        ]
        assert {refusal(guess) for guess in guesses} == {failure}
    finally:
        await console.api("PUT", "setup/oauth-settings", json={"username_password": False})
        await console.close()
    assert refusal(await ask(http, **form)) == failure


# -- policies ------------------------------------------------------------------------------------------------


async def test_an_app_for_approved_users_refuses_the_others_and_asks_nobody(
    world: World, http: httpx2.AsyncClient, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(permitted="approved", profiles=["System Administrator"])
    await browser.sign_in(ADMIN, PASSWORD)
    url, _ = await browser.follow(
        "GET",
        f"{browser.my}/services/oauth2/authorize?response_type=code&client_id={app['client_id']}"
        f"&code_challenge={'a' * 43}",
    )
    assert "code=" in url
    other = Browser(world.port)
    await other.sign_in(AGENT, PASSWORD)
    denied = await world.authorize(other, client_id=app["client_id"], scope="api")
    await other.close()
    assert "error=OAUTH_APP_ACCESS_DENIED" in denied
    assert "user+is+not+admin+approved+to+access+this+app" in denied
    assert "state=xyz" in denied


async def test_taking_approval_back_ends_refreshing(
    world: World, http: httpx2.AsyncClient, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(permitted="approved", profiles=["System Administrator"])
    await browser.sign_in(ADMIN, PASSWORD)
    code = code_in(await world.authorize(browser, client_id=app["client_id"], scope="api refresh_token"))
    form = {"grant_type": "refresh_token"} | app
    form["refresh_token"] = (await world.redeem(http, code, **app)).json()["refresh_token"]
    assert (await ask(http, **form)).status_code == 200
    console = Browser(world.port)
    await console.open_console(ADMIN, PASSWORD)
    changed = await console.api("PATCH", f"setup/apps/{app['client_id']}", json={"profiles": []})
    assert changed.status_code == 200, changed.text
    await console.close()
    assert refusal(await ask(http, **form)) == (
        "invalid_grant",
        "user is not admin approved to access this app",
    )


async def test_a_permission_set_approves_those_it_is_assigned_to_while_they_hold_it(
    world: World, http: httpx2.AsyncClient, admin: httpx2.AsyncClient, new_app: AppMaker
) -> None:
    objects = "/services/data/v66.0/sobjects"
    made = await admin.post(f"{objects}/PermissionSet", json={"Name": "App_Users", "Label": "App Users"})
    assert made.status_code == 201, made.text
    app = await new_app(certificate=self_signed(KEY), permitted="approved", permission_sets=["App_Users"])
    given = assertion(world, app["client_id"], sub=AGENT)
    unapproved = ("invalid_grant", "user hasn't approved this consumer")
    assert refusal(await ask(http, grant_type=JWT_BEARER, assertion=given)) == unapproved
    found = await admin.get(f"/services/data/v66.0/query?q=SELECT+Id+FROM+User+WHERE+Username='{AGENT}'")
    user_id = found.json()["records"][0]["Id"]
    held = await admin.post(
        f"{objects}/PermissionSetAssignment",
        json={"PermissionSetId": made.json()["id"], "AssigneeId": user_id},
    )
    assert held.status_code == 201, held.text
    assert (await ask(http, grant_type=JWT_BEARER, assertion=given)).status_code == 200
    url = f"{objects}/PermissionSetAssignment/{held.json()['id']}"
    ended = await admin.patch(url, json={"ExpirationDate": "2020-01-01T00:00:00Z"})
    assert ended.status_code == 204, ended.text
    assert refusal(await ask(http, grant_type=JWT_BEARER, assertion=given)) == unapproved
    assert (await admin.delete(url)).status_code == 204
    assert (await admin.delete(f"{objects}/PermissionSet/{made.json()['id']}")).status_code == 204


@pytest.mark.parametrize(
    ("policy", "column", "alive", "over"),
    [("lifetime", "grant.created_at", 3000, 3700), ("inactivity", "refresh_token.used_at", 3000, 3700)],
)
async def test_a_refresh_token_ends_by_the_app_s_policy(
    world: World,
    http: httpx2.AsyncClient,
    browser: Browser,
    new_app: AppMaker,
    policy: str,
    column: str,
    alive: int,
    over: int,
) -> None:
    app = await new_app(refresh_policy=policy, refresh_seconds=3600)
    await browser.sign_in(ADMIN, PASSWORD)
    code = code_in(await world.authorize(browser, client_id=app["client_id"], scope="api refresh_token"))
    form = {"grant_type": "refresh_token"} | app
    form["refresh_token"] = (await world.redeem(http, code, **app)).json()["refresh_token"]
    table, _, name = column.partition(".")
    conn = await world.database()
    for age, status in ((alive, 200), (over, 400)):
        await conn.execute(f"UPDATE auth.{table} SET {name} = now() - make_interval(secs => $1)", float(age))
        assert (await ask(http, **form)).status_code == status, age
    await conn.close()


async def test_the_zero_policy_gives_nothing_to_refresh_with(
    world: World, http: httpx2.AsyncClient, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(refresh_policy="zero")
    await browser.sign_in(ADMIN, PASSWORD)
    code = code_in(await world.authorize(browser, client_id=app["client_id"], scope="api refresh_token"))
    first = (await world.redeem(http, code, **app)).json()
    answer = await ask(http, grant_type="refresh_token", refresh_token=first["refresh_token"], **app)
    assert refusal(answer) == ("invalid_grant", "expired access/refresh token")
    assert (await limits(http, first["access_token"])).status_code == 200


async def test_of_more_than_five_authorisations_the_oldest_ends_and_short_ones_push_out_none(
    world: World, http: httpx2.AsyncClient, browser: Browser, new_app: AppMaker
) -> None:
    app = await new_app(run_as=ADMIN)
    await browser.sign_in(ADMIN, PASSWORD)
    kept: list[str] = []
    for _ in range(6):
        code = code_in(await world.authorize(browser, client_id=app["client_id"], scope="api refresh_token"))
        kept.append((await world.redeem(http, code, **app)).json()["refresh_token"])
    for _ in range(7):
        assert (await ask(http, grant_type="client_credentials", **app)).status_code == 200
    found = [
        (await ask(http, grant_type="refresh_token", refresh_token=token, **app)).status_code
        for token in kept
    ]
    assert found == [400, 200, 200, 200, 200, 200]


# -- what a token is worth -----------------------------------------------------------------------------------


async def test_without_the_scope_api_the_rest_api_is_closed(
    world: World, http: httpx2.AsyncClient, browser: Browser
) -> None:
    await browser.sign_in(ADMIN, PASSWORD)
    code = code_in(await world.authorize(browser, scope="id openid"))
    answer = (await world.redeem(http, code)).json()
    assert "refresh_token" not in answer
    refused = await limits(http, answer["access_token"])
    assert refused.status_code == 401
    assert refused.json() == [
        {"message": "This session is not valid for use with the REST API", "errorCode": "INVALID_SESSION_ID"}
    ]


async def test_a_used_session_lives_on_and_an_unused_one_ends(
    world: World, http: httpx2.AsyncClient, browser: Browser
) -> None:
    await browser.sign_in(ADMIN, PASSWORD)
    token = (await world.redeem(http, code_in(await world.authorize(browser)))).json()["access_token"]
    conn = await world.database()
    left = "SELECT extract(epoch FROM max(expires_at) - now()) FROM auth.access_token WHERE minutes = 77"
    await conn.execute(
        "UPDATE auth.access_token SET minutes = 77, expires_at = now() + interval '50 minutes'"
        " WHERE created_at = (SELECT max(created_at) FROM auth.access_token)"
    )
    assert (await limits(http, token)).status_code == 200
    assert await conn.fetchval(left) < 50 * 60, "in the first half of its time nothing is written"
    await conn.execute(
        "UPDATE auth.access_token SET expires_at = now() + interval '30 minutes' WHERE minutes = 77"
    )
    assert (await limits(http, token)).status_code == 200
    assert await conn.fetchval(left) > 76 * 60
    await conn.execute("UPDATE auth.access_token SET expires_at = now() WHERE minutes = 77")
    assert (await limits(http, token)).status_code == 401
    await conn.close()


async def test_garbage_for_a_token_is_refused_everywhere(world: World, http: httpx2.AsyncClient) -> None:
    for token in ("x", "00D!", "5Aep", f"{world.org_id[:15]}!guess", "a.b.c", "é" * 10, "x" * 8000):
        refused = await http.get(
            "/services/data/v66.0/limits", headers={"Authorization": b"Bearer " + token.encode()}
        )
        assert refused.status_code == 401
        assert refused.json()[0]["errorCode"] == "INVALID_SESSION_ID"
        assert (await ask(http, grant_type="refresh_token", refresh_token=token, client_id=CLIENT_ID,
                          client_secret=CLIENT_SECRET)).json()["error"] == "invalid_grant"  # fmt: skip
        revoked = await http.post("/services/oauth2/revoke", data={"token": token})
        assert (revoked.status_code, revoked.json()["error"]) == (400, "invalid_token")


async def test_introspection_tells_the_app_s_own_tokens_only(
    world: World, http: httpx2.AsyncClient, browser: Browser, new_app: AppMaker
) -> None:
    other, watcher = await new_app(), await new_app(introspect_all=True)
    await browser.sign_in(ADMIN, PASSWORD)
    token = (await world.redeem(http, code_in(await world.authorize(browser)))).json()["access_token"]

    async def about(app: dict[str, str], text: str = token) -> httpx2.Response:
        return await http.post("/services/oauth2/introspect", data={"token": text} | app)

    mine = (await about({"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET})).json()
    assert set(mine) == {"active", "scope", "client_id", "username", "sub", "token_type", "exp", "iat", "nbf"}
    assert mine["username"] == ADMIN
    assert mine["sub"].startswith(f"{world.settings.my_origin('acme')}/id/{world.org_id}/005")
    assert mine["exp"] - mine["iat"] == 7200
    assert (await about(other)).json() == {"active": False}
    assert (await about(watcher)).json()["client_id"] == CLIENT_ID
    assert (await about(watcher, "garbage")).json() == {"active": False}
    assert (await about({"client_id": CLIENT_ID, "client_secret": "wrong"})).status_code == 401


async def test_revoking_works_by_address_and_takes_only_what_belongs_to_the_token(
    world: World, http: httpx2.AsyncClient, browser: Browser
) -> None:
    await browser.sign_in(ADMIN, PASSWORD)
    first = (await world.redeem(http, code_in(await world.authorize(browser)))).json()
    again = await ask(
        http,
        grant_type="refresh_token",
        refresh_token=first["refresh_token"],
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
    )
    revoked = await http.get("/services/oauth2/revoke", params={"token": first["access_token"]})
    assert revoked.status_code == 200
    assert (await limits(http, first["access_token"])).status_code == 401
    assert (await limits(http, again.json()["access_token"])).status_code == 200
    await http.post("/services/oauth2/revoke", data={"token": first["refresh_token"]})
    assert (await limits(http, again.json()["access_token"])).status_code == 401
    nothing = await http.get("/services/oauth2/revoke")
    assert nothing.json()["error"] == "invalid_request"


async def test_answers_come_in_the_format_that_was_asked_for(http: httpx2.AsyncClient) -> None:
    form = {"grant_type": "implicit"}
    xml = await http.post("/services/oauth2/token", data=form, headers={"Accept": "application/xml"})
    assert xml.headers["content-type"].startswith("application/xml")
    assert "<error>unsupported_grant_type</error>" in xml.text
    pairs = await http.post("/services/oauth2/token", data=form | {"format": "urlencoded"})
    assert pairs.text.startswith("error=unsupported_grant_type&error_description=")


STRANGE = (
    b"%00",
    b"%ED%A0%80",
    b"%FF",
    b"%F0%9F%98%80",
    b"'%22;--",
    b"%0d%0a",
    b"a" * 60_000,
    b"",
    b"%",
    b"%5B%5D",
)


@pytest.mark.parametrize("path", ["token", "revoke", "introspect", "userinfo", "authorize"])
async def test_strange_values_are_refused_and_break_nothing(http: httpx2.AsyncClient, path: str) -> None:
    names = (
        b"grant_type", b"code", b"client_id", b"client_secret", b"redirect_uri", b"code_verifier", b"refresh_token",
        b"assertion", b"username", b"password", b"token", b"access_token", b"format", b"scope",
    )  # fmt: skip
    grants = (
        b"authorization_code",
        b"refresh_token",
        b"client_credentials",
        b"password",
        JWT_BEARER.encode(),
    )
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for value in STRANGE:
        for grant in grants:
            body = b"&".join(name + b"=" + value for name in names[1:])
            for content in (body + b"&grant_type=" + grant, b"grant_type=" + value):
                answer = await http.post(f"/services/oauth2/{path}", content=content, headers=kind)
                assert 400 <= answer.status_code < 500, (value[:20], grant, answer.text)
    for body in (b"{", b"[]", b'{"grant_type": {}}', b'{"grant_type": "password", "username": [1]}', b'"x"'):
        answer = await http.post(
            f"/services/oauth2/{path}", content=body, headers={"Content-Type": "application/json"}
        )
        assert 400 <= answer.status_code < 500, body
    for header in (b"Basic", b"Basic !", b"Basic AAAA", b"Basic /////w==", b"Bearer \xff", b"\xe9"):
        answer = await http.post(
            f"/services/oauth2/{path}", content=b"x=1", headers={"Authorization": header} | kind
        )
        assert 400 <= answer.status_code < 500, header
