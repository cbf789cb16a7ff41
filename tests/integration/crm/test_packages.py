"""Packages: the shelf, the install page and its audiences, upgrades that keep data, namespaces, uninstalling."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from .browser import Browser, hidden
from .conftest import ADMIN, AGENT, PASSWORD, World, client_of
from .metadata_samples import document
from .package_files import ECA, ECA_GLOBAL, ECA_OAUTH, archive, manifest, text_field
from .test_deploy import deploy
from .test_rest import DATA, error, make, soql

CALL = document(
    "CustomObject",
    text_field("Key__c", length=40)
    + "<fields><fullName>Before__c</fullName><label>Before</label><referenceTo>Call__c</referenceTo>"
    "<relationshipName>Afters</relationshipName><type>Lookup</type></fields>"
    "<label>Call</label><nameField><label>Name</label><type>Text</type></nameField><pluralLabel>Calls</pluralLabel>"
    "<sharingModel>ReadWrite</sharingModel><validationRules><fullName>Not_X</fullName><active>true</active>"
    '<errorConditionFormula>Key__c = "x"</errorConditionFormula><errorMessage>Not x</errorMessage></validationRules>',
)
CONTACT = document("CustomObject", text_field("Last_Call__c", length=40))


def files(name: str = "") -> dict[str, str | bytes]:
    """A package; `name` takes the place of `Call` in it."""
    found: dict[str, str | bytes] = {
        "objects/Call__c.object": CALL,
        "objects/Contact.object": CONTACT,
        "tabs/Call__c.tab": document(
            "CustomTab", "<customObject>true</customObject><motif>Custom75: Phone</motif>"
        ),
        "lwc/callBox/callBox.js": "export default class CallBox {}",
        "lwc/callBox/callBox.js-meta.xml": document(
            "LightningComponentBundle", "<isExposed>true</isExposed>"
        ),
        "flexipages/Call_Bar.flexipage": document(
            "FlexiPage",
            "<flexiPageRegions><itemInstances><componentInstance><componentName>c:callBox</componentName>"
            "</componentInstance></itemInstances><name>main</name><type>Region</type></flexiPageRegions>"
            "<masterLabel>Call Bar</masterLabel><template><name>t</name></template><type>UtilityBar</type>",
        ),
        "applications/Calls.app": document(
            "CustomApplication",
            "<label>Calls</label><tabs>Call__c</tabs><utilityBar>Call_Bar</utilityBar>",
        ),
        "permissionsets/Caller.permissionset": document(
            "PermissionSet",
            "<applicationVisibilities><application>Calls</application><visible>true</visible></applicationVisibilities>"
            "<fieldPermissions><editable>true</editable><field>Call__c.Key__c</field><readable>true</readable>"
            "</fieldPermissions><label>Caller</label><objectPermissions><allowCreate>true</allowCreate>"
            "<allowDelete>false</allowDelete><allowEdit>true</allowEdit><allowRead>true</allowRead>"
            "<modifyAllRecords>false</modifyAllRecords><object>Call__c</object><viewAllRecords>false</viewAllRecords>"
            "</objectPermissions>",
        ),
        "package.xml": manifest(
            CustomObject=["Call__c"],
            CustomField=["Contact.Last_Call__c"],
            CustomTab=["Call__c"],
            LightningComponentBundle=["callBox"],
            FlexiPage=["Call_Bar"],
            CustomApplication=["Calls"],
            PermissionSet=["Caller"],
        ),
    }
    if not name:
        return found
    return {
        path.replace("Call__c", f"{name}__c").replace("Caller", f"{name}er"): content.replace(
            "Call__c", f"{name}__c"
        )
        .replace(">Caller<", f">{name}er<")
        .replace("Last_Call__c", f"Last_{name}__c")
        if isinstance(content, str)
        else content
        for path, content in found.items()
    }


async def shelve(http: httpx2.AsyncClient, content: dict[str, str | bytes], **about: str) -> dict[str, Any]:
    given = {"name": "Calls", "publisher": "Example Ltd", "version": "1.0"} | about
    answer = await http.post("/services/packages", params=given, content=archive(content))
    assert answer.status_code == 201, answer.text
    return answer.json()


async def finished(console: Browser, request: dict[str, Any]) -> dict[str, Any]:
    """A request once it is done."""
    async with asyncio.timeout(90):
        while request["status"] == "IN_PROGRESS":
            request = (await console.api("GET", f"setup/packages/requests/{request['id']}")).json()
    return request


async def install(console: Browser, version: dict[str, Any], **more: Any) -> dict[str, Any]:
    begun = await console.api("POST", "setup/packages", json={"version_id": version["id"]} | more)
    assert begun.status_code == 202, begun.text
    return await finished(console, begun.json())


async def uninstall(console: Browser, version: dict[str, Any], *, with_data: bool = True) -> dict[str, Any]:
    path = f"setup/packages/{version['package_id']}"
    begun = await console.api("DELETE", path, json={"with_data": with_data})
    assert begun.status_code == 202, begun.text
    return await finished(console, begun.json())


@pytest.fixture
async def boss(world: World) -> AsyncIterator[Browser]:
    browser = Browser(world.port)
    await browser.open_console(ADMIN, PASSWORD)
    yield browser
    await browser.close()


async def test_the_install_page_leads_from_sign_in_to_done(world: World, boss: Browser) -> None:
    admin = await client_of(world, ADMIN)
    version = await shelve(admin, files("Page"), name="By page", description="All about calls")
    assert version["install_url"].endswith(f"/packaging/installPackage.apexp?p0={version['id']}")
    browser = Browser(world.port)
    url, page = await browser.follow("GET", version["install_url"])
    assert "/login?startURL=" in url
    start = "/packaging/installPackage.apexp?p0=" + version["id"]
    assert (await browser.sign_in(ADMIN, PASSWORD, start)).headers["location"] == start
    url, page = await browser.follow("GET", version["install_url"])
    for text in ("Install By page", "Example Ltd", "1.0", "All about calls", "Page__c", "Standard User"):
        assert text in page.text
    sent = hidden(page.text) | {"audience": "all"}
    origin = {"Origin": browser.my, "Sec-Fetch-Site": "same-origin"}
    begun = await browser.send("POST", version["install_url"], data=sent, headers=origin)
    assert begun.status_code == 303, begun.text
    where = browser.my + begun.headers["location"]
    async with asyncio.timeout(30):
        while "refresh" in (page := await browser.send("GET", where)).headers:
            assert "components" in page.text
    assert "Installation complete" in page.text
    again = await browser.send("GET", version["install_url"])
    assert "Upgrade By page" in again.text
    agent = await client_of(world, AGENT)
    assert (await agent.get(f"{DATA}/sobjects/Page__c/describe")).status_code == 200
    await make(agent, "Page__c", Name="by an agent", Key__c="1")
    forged = await browser.send("POST", version["install_url"], data=sent | {"csrf": "x"}, headers=origin)
    assert forged.status_code == 403
    assert (await uninstall(boss, version))["status"] == "SUCCESS"
    for client in (admin, agent):
        await client.aclose()
    await browser.close()


async def test_the_install_page_speaks_japanese_and_is_for_administrators(world: World) -> None:
    admin = await client_of(world, ADMIN)
    version = await shelve(admin, files("Nihon"), name="日本")
    agent = Browser(world.port, language="ja")
    await agent.sign_in(AGENT, PASSWORD)
    refused = await agent.send("GET", version["install_url"])
    assert refused.status_code == 403
    assert "システム管理者だけ" in refused.text
    missing = await agent.send("GET", version["install_url"].replace("p0=04t", "p0=04x"))
    assert missing.status_code == 403
    await agent.close()
    await admin.aclose()


async def test_audiences_are_granted_what_the_package_brings(
    world: World, boss: Browser, admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    version = await shelve(admin, files("Few"), name="For few")
    assert (await install(boss, version, audience="administrators"))["status"] == "SUCCESS"
    await make(admin, "Few__c", Name="mine", Key__c="1")
    assert error(await agent.get(f"{DATA}/sobjects/Few__c/describe")) == (404, "NOT_FOUND")
    profile = (await soql(admin, "SELECT Id FROM Profile WHERE Name = 'Standard User'"))["records"][0]["Id"]
    wrong = await boss.api(
        "POST", "setup/packages", json={"version_id": version["id"], "audience": "profiles"}
    )
    assert (wrong.status_code, wrong.json()[0]["errorCode"]) == (400, "INVALID_INPUT")
    assert (await install(boss, version, audience="profiles", profiles=[profile]))["status"] == "SUCCESS"
    described = (await agent.get(f"{DATA}/sobjects/Few__c/describe")).json()
    assert {"Key__c"} <= {item["name"] for item in described["fields"]}
    assert (await uninstall(boss, version))["status"] == "SUCCESS"


async def test_an_upgrade_keeps_data_and_takes_away_what_is_gone(
    boss: Browser, admin: httpx2.AsyncClient
) -> None:
    first = await shelve(admin, files("Grow"), name="Growing")
    assert (await install(boss, first))["status"] == "SUCCESS"
    await make(admin, "Grow__c", Name="old", Key__c="1")
    content = files("Grow")
    del content["applications/Calls.app"], content["permissionsets/Grower.permissionset"]
    text = str(content["objects/Grow__c.object"])
    content["objects/Grow__c.object"] = text.replace(
        "<label>Call</label>", text_field("More__c", length=9) + "<label>Call</label>"
    )
    content["package.xml"] = (
        str(content["package.xml"])
        .replace("<types><members>Calls</members><name>CustomApplication</name></types>", "")
        .replace("<types><members>Grower</members><name>PermissionSet</name></types>", "")
    )
    stale = await admin.post(
        "/services/packages",
        params={"name": "Growing", "publisher": "Example Ltd", "version": "1.0"},
        content=archive(content),
    )
    assert error(stale) == (400, "INVALID_INPUT")
    second = await shelve(admin, content, name="Growing", version="1.1")
    assert (await install(boss, second))["status"] == "SUCCESS"
    found = await soql(admin, "SELECT Name, Key__c, More__c FROM Grow__c")
    assert [(row["Name"], row["Key__c"], row["More__c"]) for row in found["records"]] == [("old", "1", None)]
    assert (await soql(admin, "SELECT Id FROM PermissionSet WHERE Name = 'Grower'"))["totalSize"] == 0
    down = await boss.api("POST", "setup/packages", json={"version_id": first["id"]})
    assert "newer version" in down.json()[0]["message"]
    listed = (await boss.api("GET", "setup/packages")).json()["packages"]
    row = next(item for item in listed if item["name"] == "Growing")
    assert (row["version"], row["publisher"], row["installed_by"]) == ("1.1", "Example Ltd", "Administrator")
    assert (await uninstall(boss, second))["status"] == "SUCCESS"


async def test_uninstalling_says_what_data_goes(boss: Browser, admin: httpx2.AsyncClient) -> None:
    version = await shelve(admin, files("Data"), name="With data")
    assert (await install(boss, version))["status"] == "SUCCESS"
    await make(admin, "Data__c", Name="kept", Key__c="1")
    await make(admin, "Contact", LastName="Kept", Last_Data__c="x")
    shown = (await boss.api("GET", f"setup/packages/{version['id']}")).json()
    assert {"type": "CustomTab", "name": "Data__c"} in shown["components"]
    assert shown["data"] == [{"name": "Contact.Last_Data__c", "count": 1}, {"name": "Data__c", "count": 1}]
    refused = await boss.api("DELETE", f"setup/packages/{version['id']}", json={})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "DELETE_FAILED")
    assert "Data__c (1)" in refused.json()[0]["message"]
    own = document(
        "CustomObject",
        "<fields><fullName>Theirs__c</fullName><label>T</label><referenceTo>Data__c</referenceTo>"
        "<relationshipName>Theirs</relationshipName><type>Lookup</type></fields>",
    )
    assert (
        await deploy(
            admin,
            archive(
                {"package.xml": manifest(CustomField=["Account.Theirs__c"]), "objects/Account.object": own}
            ),
        )
    )["success"]
    failed = await uninstall(boss, version)
    assert failed["status"] == "ERROR"
    assert any("Account.Theirs__c" in problem for problem in failed["problems"])
    assert (await soql(admin, "SELECT count() FROM Data__c"))["totalSize"] == 1
    gone = manifest(CustomField=["Account.Theirs__c"])
    assert (await deploy(admin, archive({"package.xml": manifest(), "destructiveChanges.xml": gone})))[
        "success"
    ]
    assert (await uninstall(boss, version))["status"] == "SUCCESS"
    assert error(await admin.get(f"{DATA}/sobjects/Data__c")) == (404, "NOT_FOUND")
    assert (await boss.api("GET", f"setup/packages/{version['id']}")).status_code == 404


async def nobody_edits_the_set(boss: Browser, admin: httpx2.AsyncClient) -> None:
    """Set-up and the API leave a package's permission set as it is, but give it to users."""
    [row] = (await soql(admin, "SELECT Id FROM PermissionSet WHERE Name = 'Caller'"))["records"]
    path = f"setup/permission-sets/{row['Id']}"
    assert (await boss.api("GET", path)).json()["editable"] is False
    for body in (
        {"label": "Mine"},
        {"objects": {"tl__Call__c": {}}},
        {"fields": {"Lead.Title": {"read": True}}},
    ):
        refused = await boss.api("PATCH", path, json=body)
        assert refused.json()[0]["errorCode"] == "CANNOT_MODIFY_MANAGED_OBJECT", refused.text
    assert (await boss.api("DELETE", path)).json()[0]["errorCode"] == "CANNOT_MODIFY_MANAGED_OBJECT"
    opened = await soql(admin, f"SELECT Id FROM ObjectPermissions WHERE ParentId = '{row['Id']}'")
    grant = f"{DATA}/sobjects/ObjectPermissions/{opened['records'][0]['Id']}"
    for answer in (
        await admin.patch(grant, json={"PermissionsDelete": True}),
        await admin.delete(grant),
        await admin.patch(f"{DATA}/sobjects/PermissionSet/{row['Id']}", json={"Label": "Mine"}),
        await admin.post(
            f"{DATA}/sobjects/ObjectPermissions",
            json={"ParentId": row["Id"], "SobjectType": "Lead", "PermissionsRead": True},
        ),
    ):
        assert error(answer)[1] == "CANNOT_MODIFY_MANAGED_OBJECT"
    [agent] = (await soql(admin, f"SELECT Id FROM User WHERE Username = '{AGENT}'"))["records"]
    given = await boss.api("POST", f"{path}/assignments", json={"user_ids": [agent["Id"]]})
    assert given.json() == {"user_ids": [agent["Id"]]}


async def test_of_a_managed_package_s_app_only_the_policies_change(
    boss: Browser, admin: httpx2.AsyncClient
) -> None:
    app: dict[str, str | bytes] = {
        "externalClientApps/Boxed.eca": ECA,
        "extlClntAppOauthSettings/Boxed_oauth.ecaOauth": ECA_OAUTH.replace("Dep<", "Boxed<").replace(
            "Dep_", "Boxed_"
        ),
        "extlClntAppGlobalOauthSets/Boxed_global.ecaGlblOauth": ECA_GLOBAL.replace("Dep<", "Boxed<")
        .replace("Dep_", "Boxed_")
        .replace("deployed", "boxed"),
    }
    members = {
        "ExternalClientApplication": ["Boxed"],
        "ExtlClntAppOauthSettings": ["Boxed_oauth"],
        "ExtlClntAppGlobalOauthSettings": ["Boxed_global"],
    }
    packed = {"package.xml": manifest(**members), **app}
    version = await shelve(admin, packed, name="With an app", namespace="ap")
    request = await install(boss, version, audience="all")
    assert request["status"] == "SUCCESS", request["problems"]
    apps = (await boss.api("GET", "setup/apps")).json()["apps"]
    [shown] = [each for each in apps if each["namespace"] == "ap"]
    path = f"setup/apps/{shown['client_id']}"
    for body in ({"label": "Mine"}, {"callbacks": ["https://evil.example/x"]}, {"scopes": ["full"]}):
        refused = await boss.api("PATCH", path, json=body)
        assert refused.json()[0]["errorCode"] == "CANNOT_MODIFY_MANAGED_OBJECT", refused.text
    assert (await boss.api("DELETE", path)).json()[0]["errorCode"] == "CANNOT_MODIFY_MANAGED_OBJECT"
    changed = (await boss.api("PATCH", path, json={"permitted": "approved", "profiles": []})).json()
    assert (changed["permitted"], changed["callbacks"]) == ("approved", shown["callbacks"])
    assert (await boss.api("PATCH", path, json={"new_secret": True})).json()["client_secret"]
    assert (await uninstall(boss, version))["status"] == "SUCCESS"
    assert (await boss.api("PATCH", path, json={"permitted": "all"})).status_code == 404


async def test_a_managed_package_carries_its_prefix_and_is_not_edited(
    world: World, boss: Browser, admin: httpx2.AsyncClient
) -> None:
    version = await shelve(admin, files(), name="Managed", namespace="tl")
    request = await install(boss, version, audience="all")
    assert request["status"] == "SUCCESS", request["problems"]
    record = await make(admin, "tl__Call__c", Name="one", tl__Key__c="1")
    await make(admin, "tl__Call__c", Name="two", tl__Before__c=record)
    found = await soql(admin, "SELECT Name, tl__Before__r.Name FROM tl__Call__c WHERE tl__Before__c != null")
    assert found["records"][0]["tl__Before__r"]["Name"] == "one"
    refused = await admin.post(f"{DATA}/sobjects/tl__Call__c", json={"Name": "three", "tl__Key__c": "x"})
    assert error(refused)[1] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    sets = await soql(admin, "SELECT NamespacePrefix FROM PermissionSet WHERE Name = 'Caller'")
    assert sets["records"][0]["NamespacePrefix"] == "tl"
    await nobody_edits_the_set(boss, admin)
    conn = await world.database()
    names = {
        row["full_name"]
        for row in await conn.fetch("SELECT full_name FROM meta.component WHERE namespace = 'tl'")
    }
    await conn.close()
    assert {"tl__Calls", "tl__Call_Bar", "tl__callBox", "tl__Caller", "tl__Call__c.tl__Key__c"} <= names
    for kind, name, path, text in (
        (
            "PermissionSet",
            "tl__Caller",
            "permissionsets/tl__Caller.permissionset",
            document("PermissionSet", "<label>Mine</label>"),
        ),
        (
            "CustomObject",
            "tl__Call__c",
            "objects/tl__Call__c.object",
            CALL.replace("<label>Call<", "<label>Mine<"),
        ),
    ):
        result = await deploy(admin, archive({"package.xml": manifest(**{kind: [name]}), path: text}))
        assert "Cannot modify managed object" in str(result["details"]["componentFailures"])
        gone = archive({"package.xml": manifest(), "destructiveChanges.xml": manifest(**{kind: [name]})})
        assert "Cannot delete managed object" in str(
            (await deploy(admin, gone))["details"]["componentFailures"]
        )
    extra = document("CustomObject", text_field("Own__c", length=9))
    own = archive(
        {"package.xml": manifest(CustomField=["tl__Call__c.Own__c"]), "objects/tl__Call__c.object": extra}
    )
    assert (await deploy(admin, own))["success"]
    stolen = archive({"package.xml": manifest(CustomObject=["xy__A__c"]), "objects/xy__A__c.object": CALL})
    assert "is not that of this org" in str((await deploy(admin, stolen))["details"]["componentFailures"])
    listed = await admin.get(
        f"{DATA}/tooling/query",
        params={
            "q": "SELECT SubscriberPackage.Name, SubscriberPackage.NamespacePrefix, SubscriberPackageVersion.MajorVersion"
            " FROM InstalledSubscriberPackage"
        },
    )
    row = next(item for item in listed.json()["records"] if item["SubscriberPackage"]["Name"] == "Managed")
    assert row["SubscriberPackage"]["NamespacePrefix"] == "tl"
    assert (await uninstall(boss, version))["status"] == "SUCCESS"
    assert error(await admin.get(f"{DATA}/sobjects/tl__Call__c")) == (404, "NOT_FOUND")
    told = await soql(
        admin,
        "SELECT Action, Section, Display, CreatedBy.Username FROM SetupAuditTrail WHERE Section = 'packages'"
        " AND Display LIKE '%Managed%' ORDER BY CreatedDate DESC, Id DESC LIMIT 2",
    )
    assert [(row["Action"], row["Display"]) for row in told["records"]] == [
        ("uninstalledPackage", "Uninstalled package: Managed (1.0)"),
        ("installedPackage", "Installed package: Managed (1.0)"),
    ]
    assert told["records"][0]["CreatedBy"]["Username"] == ADMIN


async def test_a_broken_package_is_not_installed_at_all(boss: Browser, admin: httpx2.AsyncClient) -> None:
    content = files("Broken")
    content["flexipages/Call_Bar.flexipage"] = document("FlexiPage", "<masterLabel>x</masterLabel>")
    version = await shelve(admin, content, name="Broken")
    request = await install(boss, version)
    assert request["status"] == "ERROR"
    assert any("Required field is missing" in problem for problem in request["problems"])
    assert error(await admin.get(f"{DATA}/sobjects/Broken__c")) == (404, "NOT_FOUND")
    assert (await admin.delete(f"/services/packages/{version['id']}")).status_code == 204
    assert (await admin.get(f"/services/packages/{version['id']}")).status_code == 404


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"name": ""}, "name is required"),
        ({"name": "x" * 81}, "too long"),
        ({"version": "one"}, "of the form 1.2"),
        ({"namespace": "1abc"}, "begin with a letter"),
        ({"publisher": ""}, "publisher is required"),
    ],
)
async def test_the_shelf_says_what_is_wrong(
    admin: httpx2.AsyncClient, about: dict[str, str], message: str
) -> None:
    given = {"name": "A", "publisher": "B", "version": "1.0"} | about
    refused = await admin.post("/services/packages", params=given, content=archive(files()))
    assert refused.status_code == 400
    assert message in refused.json()[0]["message"]


async def test_the_shelf_is_for_administrators(admin: httpx2.AsyncClient, agent: httpx2.AsyncClient) -> None:
    given = {"name": "A", "publisher": "B", "version": "1.0"}
    refused = await agent.post("/services/packages", params=given, content=archive(files()))
    assert error(refused) == (403, "INSUFFICIENT_ACCESS")
    assert error(await admin.post("/services/packages", params=given, content=b"no zip")) == (
        400,
        "INVALID_FILE",
    )
    assert re.search(r"04t\w{15}", str((await admin.get("/services/packages")).json()["versions"]))
