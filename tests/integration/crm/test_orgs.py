"""Two orgs on one server: nothing that one of them gave out is good at the other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.plain_http import plain_http

from tieline.crm.database import connect
from tieline.crm.provision import create_org
from tieline.crm.sign_in.auth import seal
from tieline.db.embedded import EmbeddedPostgres

from .browser import Browser
from .conftest import ADMIN, CALLBACK, CLIENT_ID, CLIENT_SECRET, PASSWORD, World, a_world, code_in
from .test_rest import DATA, error, make, soql

TOKEN = "/services/oauth2/token"


@dataclass
class Side:
    """One of the orgs as its administrator has it: a browser, tokens, and clients by its own host."""

    name: str
    org_id: str
    browser: Browser
    tokens: dict[str, Any]
    http: httpx2.AsyncClient

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}


@dataclass
class Both:
    world: World
    acme: Side
    beta: Side


async def side(world: World, name: str, org_id: str) -> Side:
    browser = Browser(world.port, org=name)
    await browser.open_console(f"admin@{name}.example", PASSWORD)
    host = {"Host": urlsplit(browser.my).netloc}
    http = plain_http(base_url=world.base, headers=host, timeout=20)
    code = code_in(await world.authorize(browser, scope="api id openid refresh_token"))
    answer = await world.redeem(http, code)
    assert answer.status_code == 200, answer.text
    return Side(name, org_id, browser, answer.json(), http)


@pytest.fixture(scope="module")
async def both(postgres: EmbeddedPostgres, web_dist: Any) -> AsyncIterator[Both]:
    """Orgs acme and beta, with an app of the same key and secret in both."""
    async with a_world(postgres, web_dist, "crm_two_orgs") as world:
        admin = "admin@beta.example"
        await connect_and_drop(world, "crm_two_orgs_beta")
        beta_id = await create_org(
            world.settings, name="beta", label="Beta", admin_username=admin, admin_password=PASSWORD
        )
        conn = await connect(world.settings, "crm_two_orgs_beta")
        await conn.execute(
            "INSERT INTO auth.app (client_id, name, label, secret_sealed, callbacks, scopes)"
            " VALUES ($1, 'Test', 'Test App', $2, $3, $4)",
            CLIENT_ID,
            seal(world.settings.data_key, CLIENT_SECRET, f"{beta_id}/{CLIENT_ID}"),
            [CALLBACK],
            ["api", "refresh_token", "id", "openid"],
        )
        await conn.close()
        found = Both(world, await side(world, "acme", world.org_id), await side(world, "beta", beta_id))
        yield found
        for one in (found.acme, found.beta):
            await one.browser.close()
            await one.http.aclose()


async def connect_and_drop(world: World, database: str) -> None:
    conn = await connect(world.settings)
    await conn.execute(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    await conn.close()


def directions(both: Both) -> list[tuple[Side, Side]]:
    return [(both.acme, both.beta), (both.beta, both.acme)]


async def test_a_token_opens_its_own_org_only(both: Both) -> None:
    for mine, other in directions(both):
        own = await mine.http.get(
            f"{DATA}/query", params={"q": "SELECT Name FROM Organization"}, headers=mine.bearer
        )
        assert own.json()["records"][0]["Name"] == mine.name.title()
        foreign = await other.http.get(
            f"{DATA}/query", params={"q": "SELECT Id FROM User"}, headers=mine.bearer
        )
        assert error(foreign) == (401, "INVALID_SESSION_ID")
        identity = f"/id/{other.org_id}/{mine.tokens['id'].rpartition('/')[2]}"
        assert (await other.http.get(identity, headers=mine.bearer)).text == "Bad_OAuth_Token"
        assert (await mine.http.get(identity, headers=mine.bearer)).text == "Wrong_Org"
        # By the door that is open to any org, a token leads to the org that it names.
        async with plain_http(base_url=both.world.base, headers=mine.bearer) as anywhere:
            assert (await soql(anywhere, "SELECT Name FROM Organization"))["records"][0][
                "Name"
            ] == mine.name.title()


async def test_codes_and_refresh_tokens_are_redeemed_by_their_own_org_only(both: Both) -> None:
    for mine, other in directions(both):
        code = code_in(await both.world.authorize(mine.browser, scope="api"))
        stolen = await both.world.redeem(other.http, code)
        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
        assert (await both.world.redeem(mine.http, code)).status_code == 200
        app = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        form = {"grant_type": "refresh_token", "refresh_token": mine.tokens["refresh_token"], **app}
        assert (await other.http.post(TOKEN, data=form)).json()["error"] == "invalid_grant"
        assert (await mine.http.post(TOKEN, data=form)).status_code == 200
        about = {"token": mine.tokens["access_token"], **app}
        told = await other.http.post("/services/oauth2/introspect", data=about)
        assert told.json() == {"active": False}
        gone = await other.http.post("/services/oauth2/revoke", data={"token": mine.tokens["access_token"]})
        assert gone.json()["error"] == "invalid_token"
        device = {"response_type": "device_code", "client_id": "PlatformCLI"}
        begun = (await mine.http.post(TOKEN, data=device)).json()
        form = {"grant_type": "device", "client_id": "PlatformCLI", "code": begun["device_code"]}
        assert (await other.http.post(TOKEN, data=form)).json()["error"] == "invalid_grant"
        assert (await mine.http.post(TOKEN, data=form)).json()["error"] == "authorization_pending"
        assert mine.name in begun["verification_uri"]


async def test_cookies_and_passwords_sign_in_at_their_own_org_only(both: Both) -> None:
    for mine, other in directions(both):
        intruder = Browser(both.world.port, org=other.name)
        for theirs, own in (
            (other.browser.my, mine.browser.my),
            (other.browser.lightning, mine.browser.lightning),
        ):
            intruder.cookies[urlsplit(theirs).netloc] = dict(mine.browser.cookies[urlsplit(own).netloc])
        assert (await intruder.api("GET", "bootstrap")).status_code == 401
        page = await intruder.send("GET", f"{intruder.my}/setup/faults")
        assert page.headers["location"].startswith("/login")
        refused = await intruder.sign_in(f"admin@{mine.name}.example", PASSWORD)
        assert refused.status_code == 401
        login = (
            '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
            '<login xmlns="urn:partner.soap.sforce.com">'
            f"<username>admin@{mine.name}.example</username><password>{PASSWORD}</password></login></e:Body></e:Envelope>"
        )
        soap = await other.http.post(
            "/services/Soap/u/60.0", content=login, headers={"Content-Type": "text/xml"}
        )
        assert "INVALID_LOGIN" in soap.text
        await intruder.close()


async def test_records_ids_and_locators_mean_nothing_elsewhere(both: Both) -> None:
    for mine, other in directions(both):
        with_token(mine)
        with_token(other)
        account = await make(mine.http, "Account", Name=f"Secret of {mine.name}")
        paths = [f"{DATA}/sobjects/Account/{account}", f"{DATA}/ui-api/records/{account}?fields=Account.Name"]
        for path in paths:
            assert (await mine.http.get(path)).status_code == 200, path
            assert (await other.http.get(path)).status_code == 404, path
        assert error(await other.http.patch(paths[0], json={"Name": "x"}))[0] == 404
        assert error(await other.http.delete(paths[0]))[0] == 404
        assert (await soql(other.http, f"SELECT Id FROM Account WHERE Id = '{account}'"))["totalSize"] == 0
        find = {"q": f"FIND {{Secret {mine.name}}} RETURNING Account(Name)"}
        assert (await other.http.get(f"{DATA}/search", params=find)).json()["searchRecords"] == []
        linked = await other.http.post(
            f"{DATA}/sobjects/Contact", json={"LastName": "Linked", "AccountId": account}
        )
        assert linked.status_code == 400, linked.text
        rows = [{"attributes": {"type": "Contact"}, "LastName": f"Paged {n}"} for n in range(201)]
        for start in (0, 200):
            await mine.http.post(f"{DATA}/composite/sobjects", json={"records": rows[start : start + 200]})
        first = await mine.http.get(
            f"{DATA}/query",
            params={"q": "SELECT Id FROM Contact WHERE LastName LIKE 'Paged%'"},
            headers={"Sforce-Query-Options": "batchSize=200"},
        )
        more = first.json()["nextRecordsUrl"]
        assert error(await other.http.get(more)) == (400, "INVALID_QUERY_LOCATOR")
        assert (await mine.http.get(more)).status_code == 200


def with_token(one: Side) -> None:
    one.http.headers.update(one.bearer)


def used(answer: httpx2.Response) -> int:
    return int(answer.headers["sforce-limit-info"].partition("=")[2].partition("/")[0])


async def test_faults_limits_and_snapshots_are_of_one_org(both: Both) -> None:
    acme, beta = both.acme, both.beta
    with_token(acme)
    with_token(beta)
    fault = {"kind": "outage", "path": "/services/data/*"}
    assert (await acme.http.post("/services/faults", json=fault)).status_code == 201
    assert (await acme.http.get(f"{DATA}/limits")).status_code == 503
    before = await beta.http.get(f"{DATA}/limits")
    assert before.status_code == 200
    assert (await beta.http.get("/services/faults")).json()["faults"] == []
    await acme.http.delete("/services/faults")
    for _ in range(5):
        await acme.http.get(f"{DATA}/limits")
    after = await beta.http.get(f"{DATA}/limits")
    assert used(after) == used(before) + 1
    await make(beta.http, "Contact", LastName="Beta keeps this")
    assert (await acme.http.put("/services/snapshots/one")).status_code == 204
    assert (await beta.http.get("/services/snapshots")).json()["snapshots"] == []
    assert error(await beta.http.post("/services/snapshots/one/load")) == (400, "INVALID_INPUT")
    assert (await acme.http.post("/services/snapshots/one/load")).status_code == 204
    kept = await soql(beta.http, "SELECT Id FROM Contact WHERE LastName = 'Beta keeps this'")
    assert kept["totalSize"] == 1
    await acme.http.delete("/services/snapshots/one")


async def test_a_host_that_is_no_org_leads_nowhere(both: Both) -> None:
    port = both.world.port
    for host, status in (
        (f"gamma.my.localhost:{port}", 404), (f"acme.example:{port}", 421), (f"acme.beta.my.localhost:{port}", 421),
        (f"acme.my.localhost:{port + 1}", 421), (f"acme.my.localhost.evil:{port}", 421),
    ):  # fmt: skip
        answer = await both.acme.http.get(f"{DATA}/limits", headers={**both.acme.bearer, "Host": host})
        assert answer.status_code == status, host


async def test_an_administrator_of_one_is_nobody_in_the_other(both: Both) -> None:
    users = (await both.beta.browser.api("GET", "setup/users")).json()["users"]
    assert ADMIN not in {user["username"] for user in users}
