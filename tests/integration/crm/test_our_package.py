"""Our own package in an org: what it opens to whom, what an upgrade keeps, and what an uninstallation leaves."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import httpx2
import pytest
from tests.integration.crm.browser import Browser

from tieline.salesforce_package import Hosts, metadata, project, zipped

from .conftest import ADMIN, AGENT, PASSWORD, World, client_of
from .package_files import manifest
from .test_deploy import deploy
from .test_packages import install, uninstall
from .test_rest import DATA, error, make, soql

URI = "{http://soap.sforce.com/2006/04/metadata}"
HOSTS = Hosts.of("https://contact.example.com", "https://acme.contact.example.com")
SESSION, SETUP = "Tieline_Session_History__c", "Tieline_Product_Setup__c"
AGENTS_OBJECTS = frozenset({
    SESSION, "Tieline_Product_Settings__c", "Tieline_Integration_Configuration__c",
    "Tieline_Presence_Status_Relation__c", "Tieline_Related_Object__c", "Tieline_Token__c",
})  # fmt: skip
CALL_CENTERS = {"TielineContactCenter", "TielineContactCenterSSO"}


@dataclass(frozen=True)
class Opens:
    """What a permission set opens: a column of the table of permission sets in the product's description."""

    objects: frozenset[str]
    settings: frozenset[str]
    metadata: frozenset[str] = frozenset()
    tabs: frozenset[str] = frozenset()
    others: frozenset[str] = field(default_factory=frozenset)


TABLE: Mapping[str, Opens] = {
    "Tieline_Administrator": Opens(
        objects=AGENTS_OBJECTS | {SETUP},
        settings=frozenset({"Tieline_Country_Code__c", "Tieline_Key__c"}),
        metadata=frozenset({"Tieline_App_Client__mdt", "Tieline_OAuth_Token__mdt"}),
        tabs=frozenset({"Tieline_Administration", "Tieline_Settings"}),
    ),
    "Tieline_Agent": Opens(objects=AGENTS_OBJECTS, settings=frozenset({"Tieline_Country_Code__c"})),
}


def content(**replaced: bytes) -> bytes:
    return zipped(metadata(project(), HOSTS) | replaced)


async def shelved(admin: httpx2.AsyncClient, version: str, raw: bytes | None = None) -> dict[str, Any]:
    about = {"name": "Tieline", "publisher": "Tieline", "version": version}
    answer = await admin.post("/services/packages", params=about, content=raw or content())
    assert answer.status_code == 201, answer.text
    return answer.json()


async def taken_off(admin: httpx2.AsyncClient) -> None:
    for version in (await admin.get("/services/packages")).json()["versions"]:
        if version["name"] == "Tieline":
            assert (await admin.delete(f"/services/packages/{version['id']}")).status_code == 204


@dataclass
class Office:
    """An org's administrator and one agent, in the console and over the API."""

    boss: Browser
    admin: httpx2.AsyncClient
    agent: httpx2.AsyncClient
    agent_id: str

    async def permit(self, name: str) -> str:
        """Give the agent a permission set; gives the assignment's id."""
        query = f"SELECT Id FROM PermissionSet WHERE Name = '{name}'"
        (row,) = (await soql(self.admin, query))["records"]
        return await make(
            self.admin, "PermissionSetAssignment", AssigneeId=self.agent_id, PermissionSetId=row["Id"]
        )


@pytest.fixture
async def office(world: World) -> AsyncIterator[Office]:
    boss = Browser(world.port)
    await boss.open_console(ADMIN, PASSWORD)
    admin, agent = await client_of(world, ADMIN), await client_of(world, AGENT)
    (row,) = (await soql(admin, f"SELECT Id FROM User WHERE Username = '{AGENT}'"))["records"]
    yield Office(boss, admin, agent, row["Id"])
    for client in (admin, agent):
        await client.aclose()
    await boss.close()


@asynccontextmanager
async def installed(office: Office) -> AsyncGenerator[dict[str, Any]]:
    version = await shelved(office.admin, "0.1")
    try:
        done = await install(office.boss, version)
        assert done["status"] == "SUCCESS", done
        yield version
        gone = await uninstall(office.boss, version)
        assert gone["status"] == "SUCCESS", gone
    finally:
        await taken_off(office.admin)


async def test_the_permission_sets_open_exactly_the_table(office: Office) -> None:
    before = await office.admin.get(f"{DATA}/sobjects/{SESSION}/describe")
    assert error(before) == (404, "NOT_FOUND")
    # Every tab of the table that the package has by now.
    brought = {Path(path).stem for path in metadata(project(), HOSTS) if path.startswith("tabs/")}
    async with installed(office):
        for name, opens in TABLE.items():
            rows = await soql(
                office.admin,
                f"SELECT SobjectType FROM ObjectPermissions WHERE Parent.Name = '{name}' AND PermissionsRead = true",
            )
            found = {row["SobjectType"] for row in rows["records"]}
            assert found == opens.objects | opens.settings | opens.metadata, name
            file = Xml.fromstring(metadata(project(), HOSTS)[f"permissionsets/{name}.permissionset"])
            shown = {tab.text for tab in file.iter(f"{URI}tab")}
            assert shown == opens.tabs & brought, name
            assert {element.text for element in file.iter(f"{URI}userPermissions")} == set()
        centers = await soql(office.admin, "SELECT InternalName FROM CallCenter")
        assert {row["InternalName"] for row in centers["records"]} >= CALL_CENTERS
        technical = await soql(
            office.admin,
            "SELECT PermissionsViewDeveloperName FROM PermissionSet WHERE Name = 'Tieline_Technical'",
        )
        assert technical["records"][0]["PermissionsViewDeveloperName"] is True


async def test_access_takes_effect_at_once_and_goes_at_once(office: Office) -> None:
    async with installed(office):
        query = {"q": f"SELECT Id FROM {SESSION}"}
        refused = await office.agent.get(f"{DATA}/query", params=query)
        assert error(refused) == (400, "INVALID_TYPE")
        assignment = await office.permit("Tieline_Agent")
        assert (await office.agent.get(f"{DATA}/query", params=query)).status_code == 200
        for name in AGENTS_OBJECTS | {"Tieline_Country_Code__c"}:
            assert (await office.agent.get(f"{DATA}/sobjects/{name}/describe")).status_code == 200, name
        for name in (SETUP, "Tieline_Key__c", "Tieline_App_Client__mdt"):
            assert (await office.agent.get(f"{DATA}/sobjects/{name}/describe")).status_code == 404, name
        written = await office.agent.post(
            f"{DATA}/sobjects/Tieline_Related_Object__c", json={"Name": "Lead", "Object__c": "Lead"}
        )
        assert written.status_code in (403, 400), written.text
        assert (
            await office.admin.delete(f"{DATA}/sobjects/PermissionSetAssignment/{assignment}")
        ).status_code == 204
        refused = await office.agent.get(f"{DATA}/query", params=query)
        assert error(refused) == (400, "INVALID_TYPE")


async def test_an_upgrade_keeps_settings_assignments_and_the_client_s_secret(office: Office) -> None:
    async with installed(office):
        made = {
            "Tieline_Country_Code__c": {"Name": "+81", "Code__c": "81", "Order__c": 1},
            "Tieline_Related_Object__c": {"Name": "Lead", "Object__c": "Lead", "Default__c": True},
            "Tieline_Presence_Status_Relation__c": {"Name": "a", "Contact_Center_Status__c": "occupied"},
            "Tieline_Product_Settings__c": {"Name": "a", "Product__c": "ContactCenter", "Version__c": 7},
            SETUP: {"Name": "a", "Product__c": "ContactCenter", "Active__c": True},
            SESSION: {"Name": "a", "Engagement_Id__c": "0197"},
        }
        ids = {name: await make(office.admin, name, **values) for name, values in made.items()}
        await office.permit("Tieline_Agent")
        centers = await soql(
            office.admin, "SELECT Id FROM CallCenter WHERE InternalName = 'TielineContactCenter'"
        )
        center = centers["records"][0]["Id"]
        patched = await office.admin.patch(
            f"{DATA}/sobjects/User/{office.agent_id}", json={"CallCenterId": center}
        )
        assert patched.status_code == 204, patched.text
        apps = (await office.boss.api("GET", "setup/apps")).json()["apps"]
        client = next(app["client_id"] for app in apps if app["name"] == "Tieline")
        await office.boss.api("PATCH", f"setup/apps/{client}", json={"new_secret": True})
        second = await shelved(office.admin, "0.1.1")
        assert (await install(office.boss, second))["status"] == "SUCCESS"
        for name, values in made.items():
            row = (await office.admin.get(f"{DATA}/sobjects/{name}/{ids[name]}")).json()
            assert {key: row[key] for key in values} == values
        assert (await office.agent.get(f"{DATA}/sobjects/{SESSION}/{ids[SESSION]}")).status_code == 200
        user = (await office.admin.get(f"{DATA}/sobjects/User/{office.agent_id}")).json()
        assert user["CallCenterId"] == center
        apps = (await office.boss.api("GET", "setup/apps")).json()["apps"]
        kept = [app["client_id"] for app in apps if app["name"] == "Tieline"]
        assert kept == [client]


async def test_uninstalling_says_what_data_goes_and_leaves_nothing(world: World, office: Office) -> None:
    version = await shelved(office.admin, "0.1")
    try:
        assert (await install(office.boss, version))["status"] == "SUCCESS"
        await make(office.admin, SESSION, Name="a", Engagement_Id__c="0197")
        await make(office.admin, "Task", Subject="Call", Tieline_Engagement_Link__c="https://c.example/1")
        await office.permit("Tieline_Agent")
        query = "SELECT Id FROM CallCenter WHERE InternalName = 'TielineContactCenterSSO'"
        center = (await soql(office.admin, query))["records"][0]["Id"]
        await office.admin.patch(f"{DATA}/sobjects/User/{office.agent_id}", json={"CallCenterId": center})
        shown = (await office.boss.api("GET", f"setup/packages/{version['id']}")).json()
        assert shown["data"] == [
            {"name": "Task.Tieline_Engagement_Link__c", "count": 1},
            {"name": SESSION, "count": 1},
        ]
        refused = await office.boss.api("DELETE", f"setup/packages/{version['id']}", json={})
        assert f"{SESSION} (1)" in refused.json()[0]["message"]
        gone = await uninstall(office.boss, version)
        assert gone["status"] == "SUCCESS", gone
    finally:
        await taken_off(office.admin)
    user = (await office.admin.get(f"{DATA}/sobjects/User/{office.agent_id}")).json()
    assert user["CallCenterId"] is None
    conn = await world.database()
    left = [
        *await conn.fetch("SELECT type, full_name FROM meta.component WHERE full_name ILIKE '%tieline%'"),
        *await conn.fetch("SELECT name FROM meta.custom_app WHERE name ILIKE '%tieline%'"),
        *await conn.fetch("SELECT client_id FROM auth.app WHERE name ILIKE 'tieline%' AND kind = 'external'"),
        *await conn.fetch("SELECT name FROM meta.setting WHERE name ILIKE '%tieline%'"),
        *await conn.fetch('SELECT "Name" FROM data."PermissionSet" WHERE "Name" ILIKE \'tieline%\' AND NOT "IsDeleted"'),
        *await conn.fetch('SELECT "Name" FROM data."CallCenter" WHERE "Name" ILIKE \'tieline%\' AND NOT "IsDeleted"'),
        *await conn.fetch("SELECT tablename FROM pg_tables WHERE tablename ILIKE '%tieline%'"),
        *await conn.fetch("SELECT column_name FROM information_schema.columns WHERE column_name ILIKE '%tieline%'"),
    ]  # fmt: skip
    await conn.close()
    assert [dict(row) for row in left] == []


async def test_what_the_last_release_deployed_is_adopted_with_its_records(office: Office) -> None:
    """The objects that the demo deployed as they were, before there was a package."""
    whole = metadata(project(), HOSTS)
    old = (
        f"objects/{SESSION}.object", "objects/Tieline_Country_Code__c.object", "objects/Activity.object",
        "callCenters/TielineContactCenter.callCenter", "externalClientApps/Tieline.eca",
        "extlClntAppOauthSettings/Tieline_oauth.ecaOauth",
    )  # fmt: skip
    files: dict[str, bytes] = {path: whole[path] for path in old}
    files[old[0]] = (
        files[old[0]]
        .replace(b"Tieline_Session_History_Record_Page", b"")
        .replace(b"<compactLayoutAssignment>Tieline_Compact</compactLayoutAssignment>", b"")
    )
    files["package.xml"] = manifest(
        CustomObject=[SESSION, "Tieline_Country_Code__c"],
        CustomField=["Activity.Tieline_Engagement_Link__c"],
        CallCenter=["TielineContactCenter"],
        ExternalClientApplication=["Tieline"],
        ExtlClntAppOauthSettings=["Tieline_oauth"],
    ).encode()
    result = await deploy(office.admin, zipped(files))
    assert result["success"], result
    code = await make(office.admin, "Tieline_Country_Code__c", Name="+81", Code__c="81", Order__c=1)
    session = await make(office.admin, SESSION, Name="old", Engagement_Id__c="0196")
    async with installed(office):
        await office.permit("Tieline_Agent")
        row = (await office.agent.get(f"{DATA}/sobjects/{SESSION}/{session}")).json()
        assert (row["Name"], row["Engagement_Id__c"]) == ("old", "0196")
        kept = (await office.admin.get(f"{DATA}/sobjects/Tieline_Country_Code__c/{code}")).json()
        assert kept["Code__c"] == "81"
