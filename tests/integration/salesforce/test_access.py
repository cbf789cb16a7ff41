"""The org's access to the contact center, from the package's page to the portal and back, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import func, select, text, update
from tests.integration.center import Center, a_center, stub_pages
from tests.integration.crm.browser import Browser
from tests.integration.crm.conftest import ADMIN, AGENT, PASSWORD, World, a_world, client_of
from tests.integration.crm.test_deploy import deploy
from tests.integration.crm.test_rest import DATA, make, soql
from tests.ports import free_ports

from tieline.db.database import Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.oauth.tables import oauth_token
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.tables import connection
from tieline.salesforce_package import Hosts

from .conftest import Tenant
from .org import CLIENT_ID, CLIENT_SECRET, Org, package
from .test_index import look
from .test_uninstall import done, put_on_shelf

BACK = "/lightning/n/Tieline_Settings"
VANITY = "http://acme.localhost:1"
CASES = json.loads(Path("sfdx/cases/TielineAccess.json").read_text())
GRANT = {
    "by": "Ann Lee",
    "email": "ann@example.com",
    "account": {"id": "1", "name": "Acme"},
    "scopes": ["user_info:read"],
    "allowed_at": "2026-12-01T10:00:00Z",
    "ends_at": "2027-03-01T10:00:00Z",
}
RECORD = "SELECT State__c, Authorized_By__r.Username, Scopes__c, Expires_At__c FROM Tieline_Token__c"


@pytest.fixture(scope="module")
async def world(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(postgres, tmp_path_factory.mktemp("pages"), "crm_access") as made:
        yield made


@dataclass
class Sides:
    """An administrator of the org at its console, and one of the contact center at the portal."""

    center: Center
    console: Browser
    portal: httpx2.AsyncClient
    rest: httpx2.AsyncClient

    async def apex(self, method: str, **parameters: Any) -> httpx2.Response:
        return await self.console.api("POST", f"apex/TielineAccess/{method}", json=parameters)

    async def state(self) -> str:
        answer = await self.apex("status")
        assert answer.status_code == 200, answer.text
        return answer.json()["state"]

    async def asked(self) -> str:
        """The query of the consent page that *Authorize* opens."""
        answer = await self.apex("authorize", returnUrl=BACK)
        assert answer.status_code == 200, answer.text
        address = urlsplit(answer.json())
        assert address.path == "/oauth/authorize" and address.port == urlsplit(self.center.origin).port
        return address.query

    async def answer(self, query: str, *, allow: bool = True) -> str:
        """Where the org's callback leads after the user's answer."""
        body = {"query": query, "allow": allow}
        told = await self.portal.post("/api/v1/oauth/consent", json=body)
        assert told.status_code == 200, told.text
        back = await self.console.send("GET", told.json()["redirect_to"])
        assert back.status_code == 303, back.text
        return back.headers["location"]

    async def authorize(self) -> None:
        assert await self.answer(await self.asked()) == self.console.lightning + BACK

    async def apps(self, path: str) -> list[dict[str, Any]]:
        return (await self.portal.get(f"/api/v1/{path}")).json()["apps"]

    async def record(self) -> dict[str, Any]:
        (row,) = (await soql(self.rest, RECORD))["records"]
        return row


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, stub_pages(tmp_path)) as made:
        yield made


def hosts(origin: str) -> Hosts:
    return Hosts.of(origin, VANITY)


async def deployed(rest: httpx2.AsyncClient, origin: str) -> None:
    """The package for a contact center at that origin."""
    assert (await deploy(rest, package(hosts(origin))))["status"] == "Succeeded"


@asynccontextmanager
async def org_side(world: World, origin: str) -> AsyncIterator[tuple[Browser, httpx2.AsyncClient]]:
    """An administrator's console and API in the org, whose package is for that origin and knows of no access."""
    rest = await client_of(world, ADMIN)
    await deployed(rest, origin)
    console = Browser(world.port)
    await console.open_console(ADMIN, PASSWORD)
    user, granted = [
        (await soql(rest, query))["records"][0]["Id"]
        for query in (
            f"SELECT Id FROM User WHERE Username = '{ADMIN}'",
            "SELECT Id FROM PermissionSet WHERE Name = 'Tieline_Administrator'",
        )
    ]
    have = await soql(rest, f"SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = '{granted}'")
    if not have["records"]:
        # No profile opens a principal: an administrator needs the permission set, too.
        assert (await console.api("POST", "apex/TielineAccess/status", json={})).json()[
            "state"
        ] == "noPrincipal"
        refused = await console.api("POST", "apex/TielineAccess/authorize", json={"returnUrl": BACK})
        assert refused.status_code == 400 and refused.json()[0]["message"] == "NO_PRINCIPAL"
        await make(rest, "PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted)
    for row in (await soql(rest, "SELECT Id FROM Tieline_Token__c"))["records"]:
        await rest.delete(f"{DATA}/sobjects/Tieline_Token__c/{row['Id']}")
    yield console, rest
    await console.close()
    await rest.aclose()


@pytest.fixture
async def sides(world: World, center: Center) -> AsyncIterator[Sides]:
    async with org_side(world, plain(center)) as (console, rest):
        yield Sides(center, console, await center.portal("admin"), rest)


def plain(center: Center) -> str:
    """The center's origin by a name that every program resolves."""
    return f"http://localhost:{urlsplit(center.origin).port}"


async def test_an_administrator_authorizes_once_and_the_org_renews_by_itself(sides: Sides) -> None:
    assert await sides.state() == "none"
    query = await sides.asked()
    assert (await sides.record())["State__c"] == "pending"
    shown = (await sides.portal.get(f"/api/v1/oauth/request?{query}")).json()
    assert (
        shown["app"]["new"] and shown["app"]["name"] == f"Salesforce (acme.my.localhost:{sides.console.port})"
    )
    assert len(shown["scopes"]) == 3 and shown["not_yours"] == []
    assert await sides.apps("developer-apps") == []
    assert await sides.answer(query) == sides.console.lightning + BACK

    told = (await sides.apex("status")).json()
    assert (told["state"], told["account"], told["user"]) == (
        "authorized",
        shown["account"],
        sides.center.email("admin"),
    )
    assert told["scopes"] == shown["scopes"] and told["at"] and told["expiresAt"]
    record = await sides.record()
    assert (record["State__c"], record["Authorized_By__r"]["Username"]) == ("authorized", ADMIN)
    assert [app["name"] for app in await sides.apps("added-apps")] == [shown["app"]["name"]]

    # An access token lives a quarter of an hour by the contact center's clock; five pages come at once.
    async with sides.center.db.system() as tx:
        await tx.execute(text("UPDATE clock SET ahead = '16 minutes'"))
    assert await asyncio.gather(*(sides.state() for _ in range(5))) == ["authorized"] * 5


async def test_no_token_stands_in_the_org_in_clear_or_leaves_it(world: World, sides: Sides) -> None:
    await sides.authorize()
    answers = [(await sides.apex("status")).text]
    (row,) = (await soql(sides.rest, "SELECT FIELDS(ALL) FROM Tieline_Token__c LIMIT 1"))["records"]
    answers.append(str(row))
    conn = await world.database()
    try:
        for table in ("external_client", "external_credential", "external_flow"):
            answers += [str(dict(each)) for each in await conn.fetch(f"SELECT * FROM auth.{table}")]
    finally:
        await conn.close()
    assert len(answers) > 3
    for mark in ("tls_", "tla_", "tlr_", "tlc_"):
        assert not any(mark in answer for answer in answers), mark


async def test_what_the_portal_removes_the_page_notices_and_may_be_allowed_again(sides: Sides) -> None:
    await sides.authorize()
    assert await sides.state() == "authorized"
    (app,) = await sides.apps("added-apps")
    assert (await sides.portal.delete(f"/api/v1/added-apps/{app['id']}")).status_code == 204
    assert await sides.state() == "ended"
    assert (await sides.record())["State__c"] == "expired"
    await sides.authorize()
    assert await sides.state() == "authorized"
    # The org took its former place: no second app.
    assert [each["id"] for each in await sides.apps("developer-apps")] == [app["id"]]


async def test_revoking_kills_the_tokens_on_both_sides(sides: Sides) -> None:
    await sides.authorize()
    assert await sides.state() == "authorized"
    assert (await sides.apex("revoke")).json() is True
    assert await sides.apps("added-apps") == []
    assert await sides.state() == "none"
    assert (await sides.record())["State__c"] == "revoked"
    assert (await sides.apex("revoke")).json() is True


async def test_an_account_that_the_org_is_not_connected_to_is_told_as_the_wrong_one(
    database: Database, sides: Sides, tenant_maker: Callable[..., Awaitable[Tenant]]
) -> None:
    identity = (await sides.rest.get("/services/oauth2/userinfo")).json()
    other = await tenant_maker(org_id=identity["organization_id"])
    await sides.authorize()
    told = (await sides.apex("status")).json()
    assert (told["state"], told["user"]) == ("elsewhere", sides.center.email("admin"))
    assert told["account"] and told["scopes"]
    index = await sides.console.api("POST", "apex/TielineSettings/phoneIndex", json={})
    assert index.json()["reason"] == "NOT_CONNECTED"
    # Whose account it is, or that an org of another id is connected, is told to nobody.
    path = "/api/v1/integration?org="
    assert (await sides.portal.get(path + "00D000000000001")).json() == {
        "connection": None,
        "elsewhere": False,
    }
    assert (await sides.portal.get(path + "00D")).json()["elsewhere"] is False
    assert (await (await sides.center.portal("one")).get(path)).status_code == 403
    async with database.system() as tx:
        await tx.execute(
            update(connection).where(connection.c.id == other.connection_id).values(state="removed")
        )
    assert await sides.state() == "authorized"


async def test_uninstalling_erases_the_tokens_here_and_ends_the_access_there(
    world: World, database: Database, salesforce: Salesforce, sides: Sides, tmp_path: Path
) -> None:
    port = sides.console.port
    callback = (await sides.portal.get("/api/v1/connections")).json()["callback"]
    org = Org("", tmp_path, port=port, callback=callback)
    org.username, org.password = ADMIN, PASSWORD
    await org.sign_in()
    version = await put_on_shelf(org, package(Hosts(sides.center.origin, VANITY)))
    body = {"version_id": version, "audience": "administrators"}
    await done(org, (await org.console("POST", "setup/packages", json=body)).json())
    async with database.system() as tx:
        await tx.execute(update(connection).values(state="removed"))
    draft = {
        "name": "Ours",
        "environment": "embedded",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "api_base": org.base,
        "login_origin": org.my,
        "embedding_origins": [org.lightning],
    }
    answer = await sides.portal.post("/api/v1/connections", json=draft)
    assert answer.status_code == 201, answer.text
    back = await org.allow(answer.json()["authorize_url"])
    await sides.portal.get("/oauth/salesforce/callback", params=back)
    connected = Tenant(sides.center.account_id, sides.center.agents["admin"], UUID(answer.json()["id"]))
    await look(database, salesforce, connected)
    await sides.authorize()
    index = (await sides.console.api("POST", "apex/TielineSettings/phoneIndex", json={})).json()
    assert (index["reason"], index["state"], index["codes"]) == (None, "ready", ["1"])
    assert index["loaded"] == index["total"]
    assert len(await sides.apps("added-apps")) == 1

    await done(
        org, (await org.console("DELETE", f"setup/packages/{version}", json={"with_data": True})).json()
    )
    conn = await world.database()
    try:
        for table in ("external_client", "external_credential", "external_flow"):
            assert await conn.fetchval(f"SELECT count(*) FROM auth.{table}") == 0, table
    finally:
        await conn.close()
    await look(database, salesforce, connected)
    assert await sides.apps("added-apps") == []
    (shown,) = (await sides.portal.get("/api/v1/connections")).json()["connections"]
    assert (shown["status"], shown["error"]["code"]) == ("needs_sign_in", "invalid_client_id")
    async with database.system(connected.account_id) as tx:
        mine = oauth_token.c.account_id == connected.account_id
        assert await tx.scalar(select(func.count()).select_from(oauth_token).where(mine)) == 0
    await org.http.aclose()


async def test_a_denied_consent_is_told_to_the_page(sides: Sides) -> None:
    back = urlsplit(await sides.answer(await sides.asked(), allow=False))
    assert back.path == BACK and parse_qs(back.query) == {"error": ["access_denied"]}
    assert await sides.state() == "none"
    assert await sides.apps("developer-apps") == []


async def test_a_callback_is_good_once_and_for_the_user_who_began(world: World, sides: Sides) -> None:
    query = await sides.asked()
    body = {"query": query, "allow": True}
    to = (await sides.portal.post("/api/v1/oauth/consent", json=body)).json()["redirect_to"]
    other = Browser(world.port)
    await other.open_console(AGENT, PASSWORD)
    assert (await other.send("GET", to)).status_code == 403
    await other.close()
    assert (await sides.console.send("GET", to)).status_code == 303
    assert (await sides.console.send("GET", to)).status_code == 403
    assert (await sides.console.send("GET", to.split("?")[0] + "?state=x&code=y")).status_code == 403


async def test_only_administrators_let_an_org_in(sides: Sides) -> None:
    query = await sides.asked()
    agent = await sides.center.portal("one")
    assert (await agent.get(f"/api/v1/oauth/request?{query}")).json()["not_yours"]
    refused = await agent.post("/api/v1/oauth/consent", json={"query": query, "allow": True})
    assert refused.status_code == 403
    assert await sides.apps("developer-apps") == []


async def test_a_contact_center_that_is_away_is_said_to_be(sides: Sides) -> None:
    await sides.authorize()
    assert await sides.state() == "authorized"
    await deployed(sides.rest, f"http://localhost:{free_ports()}")
    told = (await sides.apex("status")).json()
    assert told["state"] == "unreachable" and told["allowedBy"] and told["at"]
    refused = await sides.apex("authorize", returnUrl=BACK)
    assert refused.json()[0]["message"] == "UNREACHABLE"
    assert (await sides.apex("revoke")).json() is False
    assert await sides.state() == "none"


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/services/authcallback/Tieline",
        "https://acme.my.salesforce.com.evil.example/x",
        "https://acme.my.salesforce.com:8443/x",
        "http://acme.my.salesforce.com/x",
        "https://user@acme.my.salesforce.com/x",
        "",
    ],
)
async def test_only_orgs_may_introduce_themselves(center: Center, uri: str) -> None:
    answer = await center.http.post("/oauth/register", json={"redirect_uris": [uri]})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


class Told:
    """A contact center that gives one token for each code, and for the rest answers as a case tells it."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        told = self

        class Door(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                given = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, body = told.answer(self.path.partition("?")[0].removeprefix("/"), given)
                self.send_response(status)
                self.end_headers()
                if status != 204:
                    self.wfile.write(json.dumps(body).encode())

            do_POST = do_DELETE = do_GET

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.origin = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path: str, given: bytes) -> tuple[int, Any]:
        if path == "oauth/token":
            if b"grant_type=authorization_code" in given:
                return 200, {"access_token": "a", "refresh_token": "r", "expires_in": 900}
            return 400, {"error": "invalid_grant"}
        case = self.answers.get(path, {"status": 404})
        client = {"client_id": "c", "client_secret": "s"}
        return case["status"], GRANT if case.get("grant") else case.get("body", client)


@pytest.fixture(scope="module")
def told() -> Iterator[Told]:
    made = Told()
    yield made
    made.server.shutdown()


async def test_the_twin_of_the_access_class_answers_as_its_cases_say(world: World, told: Told) -> None:
    async with org_side(world, told.origin) as (console, rest):

        async def apex(method: str, name: str = "TielineAccess", **parameters: Any) -> httpx2.Response:
            return await console.api("POST", f"apex/{name}/{method}", json=parameters)

        async def emptied() -> None:
            for row in (await soql(rest, "SELECT Id FROM Tieline_Token__c"))["records"]:
                await rest.delete(f"{DATA}/sobjects/Tieline_Token__c/{row['Id']}")

        for place, case in enumerate(CASES):
            about = (place, case)
            told.answers = {"oauth/register": {"status": 201}}
            address = (await apex("authorize", returnUrl=BACK)).json()
            (state,) = parse_qs(urlsplit(address).query)["state"]
            back = f"{console.my}/services/authcallback/Tieline?code=x&state={state}"
            assert (await console.send("GET", back)).status_code == 303
            await emptied()
            if case["before"]:
                fields = {"Name": "ContactCenter", "App__c": "ContactCenter", "State__c": case["before"]}
                await make(rest, "Tieline_Token__c", **fields)
            told.answers = case["center"]
            match case["method"]:
                case "phoneIndex":
                    answer = (await apex("phoneIndex", "TielineSettings")).json()
                    assert answer["reason"] == case.get("reason"), about
                    for name, value in case.get("index", {}).items():
                        assert answer[name] == value, about
                case "authorize" if "refusal" in case:
                    refused = await apex("authorize", returnUrl=BACK)
                    assert (refused.status_code, refused.json()[0]["message"]) == (400, case["refusal"]), (
                        about
                    )
                case "authorize":
                    address = (await apex("authorize", returnUrl=BACK)).json()
                    assert address.startswith(f"{told.origin}/oauth/authorize?"), about
                    assert parse_qs(urlsplit(address).query)["client_id"] == ["c"], about
                case "revoke":
                    assert (await apex("revoke")).json() is case["told"], about
                    told.answers = {"oauth/grant": {"status": 200, "grant": True}}
                    assert (await apex("status")).json()["state"] == "none", about
                case _:
                    answer = (await apex("status")).json()
                    assert answer["state"] == case["state"], about
                    taken = answer["state"] in ("authorized", "elsewhere")
                    assert answer["account"] == ("Acme" if taken else None), about
            rows = (await soql(rest, "SELECT State__c FROM Tieline_Token__c"))["records"]
            assert [row["State__c"] for row in rows] == ([case["after"]] if case["after"] else []), about


async def test_a_full_table_locks_no_org_out(center: Center, database: Database) -> None:
    uri = "https://acme.my.salesforce.com/services/authcallback/Tieline"

    async def introduced() -> str:
        answer = await center.http.post("/oauth/register", json={"redirect_uris": [uri]})
        assert answer.status_code == 201, answer.text
        return answer.json()["client_id"]

    portal = await center.portal("admin")

    async def known(client_id: str) -> bool:
        query = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": uri,
            "scope": "user_info:read",
            "state": "s",
            "code_challenge": "c" * 43,
            "code_challenge_method": "S256",
        }
        return (await portal.get("/api/v1/oauth/request", params=query)).status_code == 200

    looked_at, forgotten = await introduced(), await introduced()
    flood = (
        "INSERT INTO oauth_registration (client_id, secret_hash, name, redirect_uri, expires_at)"
        " SELECT 'flood-' || n, 'x', 'Flood', 'https://x.my.salesforce.com/x', now() + interval '59 minutes'"
        " FROM generate_series(1, 2500) n"
    )
    async with database.system() as tx:
        await tx.execute(text(flood))
        aged = "UPDATE oauth_registration SET expires_at = now() + interval '10 minutes' WHERE client_id = ANY(:ids)"
        await tx.execute(text(aged), {"ids": [looked_at, forgotten]})
    assert await known(looked_at)
    honest = await introduced()
    assert await known(honest) and await known(looked_at) and not await known(forgotten)
    async with database.system() as tx:
        assert await tx.scalar(text("SELECT count(*) FROM oauth_registration")) == 2000
        await tx.execute(text("DELETE FROM oauth_registration WHERE client_id LIKE 'flood-%'"))
