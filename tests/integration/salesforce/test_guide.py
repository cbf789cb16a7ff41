"""The set-up guide: each step from not done to done and back, through the doors of the org and of the contact center."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from sqlalchemy import update
from tests.integration.apps import App
from tests.integration.center import Center
from tests.integration.crm.browser import Browser, hidden
from tests.integration.crm.conftest import AGENT, PASSWORD, World, a_world
from tests.integration.crm.metadata_samples import document
from tests.integration.crm.package_files import archive, manifest
from tests.integration.crm.test_deploy import deploy
from tests.integration.crm.test_rest import DATA, make, soql

from tieline.calllog.tables import delivery
from tieline.db.embedded import EmbeddedPostgres
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.survey import Surveys
from tieline.salesforce.tables import connection

from .conftest import Tenant
from .test_access import Sides, center, sides  # noqa: F401
from .test_delivery import drain
from .test_index import look

CALL_CENTER = "TielineContactCenter"
POPS = {
    "NoMatch": {"screenPopType": "PopToEntity", "screenPopData": "Contact"},
    "SingleMatch": {"screenPopType": "PopToDetail"},
    "MultipleMatches": {"screenPopType": "PopToSearch"},
}


@pytest.fixture(scope="module")
async def world(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with a_world(postgres, tmp_path_factory.mktemp("pages"), "crm_guide") as made:
        yield made


class Guide:
    """The guide's answers, and the people who make them other."""

    def __init__(self, sides: Sides, salesforce: Salesforce) -> None:  # noqa: F811
        self.sides, self.salesforce = sides, salesforce
        self.told: dict[str, dict[str, Any]] = {}

    async def look(self) -> dict[str, dict[str, Any]]:
        answer = await self.sides.console.api("POST", "apex/TielineGuide/state", json={})
        assert answer.status_code == 200, answer.text
        assert answer.json()["portal"].endswith(f":{self.sides.center.port}")
        self.told = {step["name"]: step for step in answer.json()["steps"]}
        return self.told

    async def says(self, name: str, state: str, code: str) -> None:
        step = (await self.look())[name]
        assert (step["state"], step["code"]) == (state, code), step

    async def console(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.sides.console.api(method, path, json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def id_of(self, query: str) -> str:
        (row,) = (await soql(self.sides.rest, query))["records"]
        return row["Id"]

    async def emptied(self, name: str) -> None:
        for row in (await soql(self.sides.rest, f"SELECT Id FROM {name}"))["records"]:
            await self.sides.rest.delete(f"{DATA}/sobjects/{name}/{row['Id']}")

    async def connect(self) -> None:
        """As the portal's administrator does it, who is the org's administrator too."""
        apps = (await self.console("GET", "setup/apps"))["apps"]
        client_id = next(app["client_id"] for app in apps if app["name"] == "Tieline")
        org, redirect = self.sides.console, f"{self.sides.center.origin}/oauth/salesforce/callback"
        path = f"setup/apps/{client_id}"
        shown = await self.console("PATCH", path, {"new_secret": True, "callbacks": [redirect]})
        body = {
            "name": "Org",
            "environment": "embedded",
            "client_id": client_id,
            "client_secret": shown["client_secret"],
            "api_base": org.base,
            "login_origin": org.my,
            "embedding_origins": [org.lightning],
        }
        begun = await self.sides.portal.post("/api/v1/connections", json=body)
        assert begun.status_code == 201, begun.text
        url, page = await org.follow("GET", begun.json()["authorize_url"])
        if "/oauth/salesforce/callback" not in url:
            form = hidden(page.text) | {"decision": "allow"}
            headers = {"Origin": org.my, "Sec-Fetch-Site": "same-origin"}
            sent = await org.send("POST", f"{org.my}/services/oauth2/authorize", data=form, headers=headers)
            url = sent.headers["location"]
        path = url.removeprefix(self.sides.center.settings.public_url)
        back = await self.sides.portal.get(path)
        assert back.status_code == 303 and "connected=" in back.headers["location"], back.headers
        self.sides.center.connection_id = type(self.sides.center.connection_id)(begun.json()["id"])
        self.sides.center.host_origin = org.lightning

    async def surveyed(self) -> None:
        """The org is asked because somebody looks at the guide, not because it is time."""
        async with self.sides.center.db.system() as tx:
            await tx.execute(
                update(connection)
                .where(connection.c.id == self.sides.center.connection_id)
                .values(surveyed_at=tx.now - timedelta(minutes=1))
            )
        await self.look()
        while await Surveys(self.salesforce).run_once():
            pass
        await self.look()


@pytest.fixture
async def guide(sides: Sides) -> AsyncIterator[Guide]:  # noqa: F811
    salesforce = Salesforce(sides.center.db, sides.center.settings)
    yield Guide(sides, salesforce)
    await salesforce.close()


async def test_the_orgs_own_steps_go_from_not_done_to_done_and_back(guide: Guide) -> None:
    rest = guide.sides.rest
    for name in (
        "Tieline_Country_Code__c",
        "Tieline_Related_Object__c",
        "Tieline_Presence_Status_Relation__c",
    ):
        await guide.emptied(name)
    await guide.says("authorize", "open", "NOT_AUTHORIZED")
    for name in ("connect", "utilityItem", "clientIntegration", "softphoneLayout", "testCall"):
        assert guide.told[name]["state"] == "locked" and guide.told[name]["code"] == "NOT_AUTHORIZED"

    # Call center and its users.
    await guide.says("callCenter", "done", "OK")
    center_id = await guide.id_of(f"SELECT Id FROM CallCenter WHERE InternalName = '{CALL_CENTER}'")
    others = (await soql(rest, f"SELECT Id FROM CallCenter WHERE Id != '{center_id}'"))["records"]
    urls = {
        row["Id"]: row["AdapterUrl"]
        for row in (await soql(rest, "SELECT Id, AdapterUrl FROM CallCenter"))["records"]
    }
    assert guide.told["callCenter"]["count"] == len(others) + 1 == 2
    await guide.says("users", "open", "NONE")
    user = await guide.id_of(f"SELECT Id FROM User WHERE Username = '{AGENT}'")
    await guide.console("POST", f"setup/call-centers/{center_id}/users", {"user_ids": [user]})
    await guide.says("users", "done", "OK")

    # Permission sets: the call center's user has none.
    assert (guide.told["permissionSets"]["code"], guide.told["permissionSets"]["count"]) == ("SOME", 1)
    agents = await guide.id_of("SELECT Id FROM PermissionSet WHERE Name = 'Tieline_Agent'")
    given = await make(rest, "PermissionSetAssignment", AssigneeId=user, PermissionSetId=agents)
    await guide.says("permissionSets", "done", "OK")
    await rest.delete(f"{DATA}/sobjects/PermissionSetAssignment/{given}")
    await guide.says("permissionSets", "open", "SOME")
    given = await make(rest, "PermissionSetAssignment", AssigneeId=user, PermissionSetId=agents)

    await guide.console("DELETE", f"setup/call-centers/{center_id}/users/{user}")
    await guide.says("users", "open", "NONE")
    assert guide.told["permissionSets"]["state"] == "done"
    await rest.delete(f"{DATA}/sobjects/PermissionSetAssignment/{given}")
    await guide.says("permissionSets", "open", "NONE")

    # A call center that leads elsewhere is none of ours, and locks the users' step.
    for id, url in urls.items():
        moved = url.replace("localhost", "elsewhere.localhost")
        await guide.console("PATCH", f"setup/call-centers/{id}", {"adapter_url": moved})
    await guide.says("callCenter", "open", "FOREIGN")
    assert (guide.told["users"]["state"], guide.told["users"]["code"]) == ("locked", "NO_CALL_CENTER")

    # Settings that are kept in the org.
    assert guide.told["countryCodes"]["state"] == "look"
    assert guide.told["relatedObjects"]["state"] == guide.told["statusSync"]["state"] == "optional"
    await make(rest, "Tieline_Related_Object__c", Name="Case", Object__c="Case", Order__c=1)
    await guide.says("relatedObjects", "done", "OK")
    await make(rest, "Tieline_Related_Object__c", Name="Gone__c", Object__c="Gone__c", Order__c=2)
    await guide.says("relatedObjects", "open", "GONE")
    assert guide.told["statusSync"]["code"] == "NO_OMNI"
    await guide.console("PUT", "setup/omni/settings", {"enabled": True})
    await guide.says("statusSync", "optional", "OFF")
    await make(rest, "ServicePresenceStatus", DeveloperName="Away", MasterLabel="Away", Language="en_US")
    all_mapped = [
        {"center": name, "salesforce": "Away"} for name in ("ready", "not_ready", "occupied", "wrap_up")
    ]
    switches = {"toSalesforce": True, "toContactCenter": False}
    path = "apex/TielinePresence/save"
    await guide.console("POST", path, switches | {"relations": all_mapped[:1]})
    await guide.says("statusSync", "open", "UNMAPPED")
    await guide.console("POST", path, switches | {"relations": all_mapped})
    await guide.says("statusSync", "done", "OK")
    gone = {"Contact_Center_Status__c": "offline", "Salesforce_Status__c": "Gone", "Order__c": 9}
    await make(rest, "Tieline_Presence_Status_Relation__c", Name="offline", **gone)
    await guide.says("statusSync", "open", "GONE")


async def test_the_contact_centers_steps_go_from_not_done_to_done_and_back(guide: Guide) -> None:
    sides, rest = guide.sides, guide.sides.rest  # noqa: F811
    center = sides.center  # noqa: F811
    await guide.emptied("Tieline_Country_Code__c")
    await sides.authorize()
    await guide.says("authorize", "done", "OK")
    await guide.says("connect", "open", "NONE")
    assert guide.told["testCall"]["code"] == guide.told["utilityItem"]["code"] == "NOT_CONNECTED"

    await guide.connect()
    await guide.says("connect", "done", "OK")
    assert guide.told["utilityItem"]["state"] == guide.told["softphoneLayout"]["state"] == "look"
    assert guide.told["testCall"]["code"] == guide.told["clientIntegration"]["code"] == "NONE"

    # The softphone in a utility bar, as the org tells it when it is asked.
    await guide.surveyed()
    assert guide.told["utilityItem"]["state"] == "done" and guide.told["utilityItem"]["at"]
    apps = (await guide.console("GET", "setup/lightning-apps"))["apps"]
    for app in apps:
        items = [item for item in app["utility_items"] if item["type"] != "softphone"]
        await guide.console("PATCH", f"setup/lightning-apps/{app['name']}", {"utility_items": items})
    await guide.surveyed()
    assert (guide.told["utilityItem"]["state"], guide.told["utilityItem"]["code"]) == ("open", "MISSING")
    had = next(app for app in apps if "softphone" in [item["type"] for item in app["utility_items"]])
    await guide.console(
        "PATCH", f"setup/lightning-apps/{had['name']}", {"utility_items": had["utility_items"]}
    )
    await guide.surveyed()
    assert guide.told["utilityItem"]["state"] == "done"

    # Country codes: chosen there, taken over here, used by the index.
    tenant = Tenant(center.account_id, center.agents["admin"], center.connection_id)
    await make(rest, "Tieline_Country_Code__c", Name="81", Code__c="81", Order__c=1)
    await guide.says("countryCodes", "open", "NOT_TAKEN")
    told = await center.http.post(
        "/api/v1/salesforce/settings-changed", headers={"Origin": sides.console.lightning}
    )
    assert told.status_code == 204
    async with asyncio.timeout(10):
        while (await guide.look())["countryCodes"]["code"] == "NOT_TAKEN":
            await asyncio.sleep(0.1)
    assert guide.told["countryCodes"]["code"] == "LOADING"
    await look(center.db, guide.salesforce, tenant)
    await guide.says("countryCodes", "done", "OK")
    assert guide.told["countryCodes"]["detail"] == "+81"
    await make(rest, "Tieline_Country_Code__c", Name="44", Code__c="44", Order__c=2)
    await guide.says("countryCodes", "open", "NOT_TAKEN")

    # Client integration.
    async def integrated(to: str | None) -> None:
        users = (await sides.portal.get("/api/v1/users")).json()["users"]
        ids = [user["id"] for user in users if user["email"] in (center.email("one"), center.email("two"))]
        body = {"user_ids": ids, "connection_id": to}
        answer = await sides.portal.put("/api/v1/users/client-integration", json=body)
        assert answer.status_code < 300, answer.text

    await integrated(str(center.connection_id))
    await guide.says("clientIntegration", "done", "OK")
    assert guide.told["clientIntegration"]["count"] == 2
    await guide.surveyed()
    # They have no users in the org.
    assert (guide.told["clientIntegration"]["code"], guide.told["clientIntegration"]["count"]) == (
        "NOT_FOUND",
        2,
    )

    # The layout is what a softphone reports.
    agent = await center.callbar("one")
    reported = {"Inbound": {"objects": {}, "screenPopSettings": {"NoMatch": POPS["NoMatch"]}}}
    await agent.do("layout.report", layout=reported)
    await guide.says("softphoneLayout", "open", "NO_POP")
    assert guide.told["softphoneLayout"]["count"] == 2
    await agent.do("layout.report", layout={"Inbound": {"objects": {}, "screenPopSettings": POPS}})
    await guide.says("softphoneLayout", "done", "OK")
    await agent.do("layout.report", layout=reported)
    await guide.says("softphoneLayout", "open", "NO_POP")

    # A call, answered and logged.
    await agent.ready()
    caller = await center.call()
    card = await agent.card("offered")
    await agent.do("engagement.answer", engagement_id=card["id"])
    await agent.card("connected")
    await caller.hang_up()
    await agent.card("wrap_up")
    await agent.do("engagement.close", engagement_id=card["id"])
    async with asyncio.timeout(10):
        while (await guide.look())["testCall"]["code"] == "NONE":
            await asyncio.sleep(0.1)
    assert guide.told["testCall"]["code"] == "PENDING"
    await drain(guide.salesforce)
    await guide.says("testCall", "done", "OK")
    async with center.db.system() as tx:
        await tx.execute(
            update(delivery).where(delivery.c.account_id == center.account_id).values(state="failed")
        )
    await guide.says("testCall", "open", "FAILED")

    # Without the connection, and without access, everything that hangs on them is locked again.
    gone = await sides.portal.delete(f"/api/v1/connections/{center.connection_id}")
    assert gone.status_code == 204
    await guide.says("connect", "open", "NONE")
    assert guide.told["testCall"]["code"] == guide.told["softphoneLayout"]["code"] == "NOT_CONNECTED"
    assert (await sides.apex("revoke")).json() is True
    await guide.says("authorize", "open", "NOT_AUTHORIZED")


async def test_who_may_not_open_the_package_finds_steps_locked(world: World, sides: Sides) -> None:  # noqa: F811
    """A permission set that opens the guide's class and nothing that the package brought."""
    opens = document(
        "PermissionSet",
        "<classAccesses><apexClass>TielineGuide</apexClass><enabled>true</enabled></classAccesses><label>G</label>",
    )
    files = {"permissionsets/Guide_Only.permissionset": opens}
    done = await deploy(sides.rest, archive({"package.xml": manifest(PermissionSet=["Guide_Only"])} | files))
    assert done["success"], done
    user, granted = [
        (await soql(sides.rest, query))["records"][0]["Id"]
        for query in (
            f"SELECT Id FROM User WHERE Username = '{AGENT}'",
            "SELECT Id FROM PermissionSet WHERE Name = 'Guide_Only'",
        )
    ]
    given = await make(sides.rest, "PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted)
    browser = Browser(world.port)
    await browser.open_console(AGENT, PASSWORD)
    told = (await browser.api("POST", "apex/TielineGuide/state", json={})).json()
    steps = {step["name"]: (step["state"], step["code"]) for step in told["steps"]}
    assert {steps[name] for name in ("permissionSets", "users", "clientIntegration")} == {
        ("locked", "NOT_INSTALLED")
    }
    assert told["portal"] is None and steps["authorize"][0] == "open"
    await sides.rest.delete(f"{DATA}/sobjects/PermissionSetAssignment/{given}")
    assert (await browser.api("POST", "apex/TielineGuide/state", json={})).status_code == 403
    await browser.close()


async def test_an_org_is_told_of_its_own_connection_only(center: Center) -> None:  # noqa: F811
    app = await App.made(center)
    token = {"Authorization": f"Bearer {(await app.let_in())['access_token']}"}

    async def ask(org: str) -> httpx2.Response:
        return await center.http.get("/api/v1/salesforce/set-up", params={"org": org}, headers=token)

    answer = await ask("00D000000000001AAA")
    assert answer.status_code == 200 and answer.json()["connection"] == "none"
    for wrong in ("", "00D", "00D000000000001AA'"):
        assert (await ask(wrong)).json()["connection"] == "none"
    assert (await ask("0" * 19)).status_code == 422
    anonymous = await center.http.get("/api/v1/salesforce/set-up", params={"org": "00D000000000001AAA"})
    assert anonymous.status_code == 401
    assert urlsplit(center.settings.public_url).netloc in answer.json()["hosts"]
