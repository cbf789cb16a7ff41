"""OpenID Connect and identity, checked with a JWT library of others."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
import pytest
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]
from tests.plain_http import plain_http

from tieline.crm.ids import parse_id

from .browser import Browser
from .conftest import ADMIN, AGENT, CLIENT_ID, CLIENT_SECRET, PASSWORD, World, client_of, code_in


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    async with plain_http(base_url=world.base, timeout=20) as client:
        yield client


async def test_an_id_token_is_signed_by_a_published_key_and_bound_to_its_access_token(
    world: World, http: httpx2.AsyncClient, browser: Browser
) -> None:
    await browser.sign_in(ADMIN, PASSWORD)
    location = await world.authorize(browser, scope="openid api refresh_token", nonce="n-0S6_WzA2Mj")
    answer = (await world.redeem(http, code_in(location))).json()
    issuer = world.settings.my_origin("acme")
    found = (await http.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == issuer
    assert found["jwks_uri"] == f"{world.base}/id/keys"
    published = (await http.get("/id/keys")).json()
    assert set(published["keys"][0]) == {"kty", "n", "e", "kid", "use", "alg"}

    def read(token: str) -> dict[str, Any]:
        keys = jwt.PyJWKSet.from_dict(published)
        key = keys[jwt.get_unverified_header(token)["kid"]]
        return jwt.decode(token, key.key, algorithms=["RS256"], audience=CLIENT_ID, issuer=issuer)

    claims = read(answer["id_token"])
    half = hashlib.sha256(answer["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert claims["exp"] - claims["iat"] == 120
    info = await http.get(
        "/services/oauth2/userinfo", headers={"Authorization": f"Bearer {answer['access_token']}"}
    )
    assert info.json()["sub"] == claims["sub"]
    form = {"grant_type": "refresh_token", "refresh_token": answer["refresh_token"]}
    again = await http.post(
        "/services/oauth2/token", data=form | {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    )
    renewed = read(again.json()["id_token"])
    assert renewed["sub"] == claims["sub"]
    assert "nonce" not in renewed
    assert (await http.get("/id/keys")).json() == published


async def test_without_the_scope_openid_there_is_no_id_token(
    world: World, http: httpx2.AsyncClient, browser: Browser
) -> None:
    await browser.sign_in(ADMIN, PASSWORD)
    answer = await world.redeem(http, code_in(await world.authorize(browser, scope="api", nonce="n")))
    assert "id_token" not in answer.json()


async def test_the_signing_key_is_not_stored_readable(world: World, http: httpx2.AsyncClient) -> None:
    await http.get("/id/keys")
    conn = await world.database()
    sealed = await conn.fetchval("SELECT private_sealed FROM auth.signing_key")
    await conn.close()
    assert b"PRIVATE KEY" not in sealed


async def test_the_identity_address_takes_both_lengths_and_formats(world: World) -> None:
    http = await client_of(world, ADMIN)
    path = urlsplit(world.tokens[ADMIN]["id"]).path
    _, _, org_id, user_id = path.split("/")
    short = f"/id/{org_id[:15]}/{user_id[:15]}"
    as_json = (await http.get(short, params={"format": "json", "version": "latest"})).json()
    assert parse_id(as_json["user_id"]) == user_id
    assert as_json["urls"]["rest"].endswith("/services/data/v67.0/")
    plain = (await http.get(path)).json()
    assert plain["urls"]["sobjects"].endswith("/services/data/v{version}/sobjects/")
    for more in ({"params": {"format": "xml"}}, {"headers": {"Accept": "application/xml"}}):
        answer = await http.get(path, **more)
        root = etree.fromstring(answer.content)
        assert root.tag == "user"
        assert root.findtext("username") == ADMIN
        assert root.findtext("urls/query").endswith("/query/")
    await http.aclose()


async def test_identity_is_told_to_the_user_s_own_token_only(world: World) -> None:
    http, agent = await client_of(world, ADMIN), await client_of(world, AGENT)
    path, foreign = (urlsplit(world.tokens[name]["id"]).path for name in (ADMIN, AGENT))
    org_id, user_id = path.split("/")[2:]
    other_org = parse_id("00D000000000001") or ""
    for asked, status, word in (
        (foreign, 404, "No_Access"),
        (f"/id/{other_org}/{user_id}", 403, "Wrong_Org"),
        (f"/id/{org_id}/garbage", 404, "Bad_Id"),
        (f"/id/{org_id}/{user_id[:-1]}x", 404, "Bad_Id"),
        (f"{path}?version=1.0", 406, "Invalid_Version"),
    ):
        answer = await http.get(asked)
        assert (answer.status_code, answer.text) == (status, word), asked
    agent.headers.pop("Authorization")
    assert (await agent.get(foreign)).text == "Missing_OAuth_Token"
    assert (await agent.get(foreign, params={"oauth_token": "garbage"})).text == "Bad_OAuth_Token"
    token = world.tokens[AGENT]["access_token"]
    assert (await agent.get(foreign, params={"oauth_token": token})).json()["username"] == AGENT
    posted = await agent.post("/services/oauth2/userinfo", data={"access_token": token})
    assert posted.json()["preferred_username"] == AGENT
    await http.aclose()
    await agent.aclose()
