"""Lightning web components of a deployed package: the twin that runs, labels, tabs, and the Apex behind them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tieline.db.embedded import EmbeddedPostgres
from tieline.salesforce_package import Hosts, metadata, project, zipped

from .browser import Browser
from .conftest import ADMIN, AGENT, PASSWORD, World, a_world, client_of
from .package_files import archive, manifest
from .test_deploy import deploy
from .test_rest import DATA, make, soql

DIST = Path("web/dist")
CASES = json.loads(Path("sfdx/cases/TielineSettings.json").read_text())
RELATED = json.loads(Path("sfdx/cases/TielineRelatedObjects.json").read_text())
PRESENCE = json.loads(Path("sfdx/cases/TielinePresence.json").read_text())
HOSTS = Hosts.of("https://portal.example", "https://acme.portal.example")


@pytest.fixture(scope="module")
async def org(postgres: EmbeddedPostgres) -> AsyncIterator[World]:
    """An org with the package's components deployed, served with the real build and the twins."""
    async with a_world(postgres, DIST, "crm_components") as world:
        http = await client_of(world, ADMIN)
        done = await deploy(http, zipped(metadata(project(), HOSTS)))
        assert done["status"] == "Succeeded", done
        await http.aclose()
        yield world


@pytest.fixture
async def admin(org: World) -> AsyncIterator[Browser]:
    browser = Browser(org.port)
    await browser.open_console(ADMIN, PASSWORD)
    yield browser
    await browser.close()


@pytest.fixture
async def agent(org: World) -> AsyncIterator[Browser]:
    browser = Browser(org.port)
    await browser.open_console(AGENT, PASSWORD)
    yield browser
    await browser.close()


async def call(browser: Browser, method: str, parameters: Any, name: str = "TielineSettings") -> Any:
    return await browser.api("POST", f"apex/{name}/{method}", json=parameters)


async def test_a_component_runs_with_its_labels_in_the_users_language(admin: Browser, agent: Browser) -> None:
    english = (await admin.api("GET", "components/tielineSettings")).json()
    japanese = (await agent.api("GET", "components/tielineSettings")).json()
    assert english["script"] == japanese["script"]
    assert (DIST / english["script"].lstrip("/")).is_file()
    assert (DIST / english["host"].lstrip("/")).is_file()
    assert english["labels"]["Tieline_Codes_Title"] == "Country codes"
    assert japanese["labels"]["Tieline_Codes_Title"] == "国番号"
    assert set(english["labels"]) == set(japanese["labels"])
    assert (await admin.api("GET", "components/nothing")).status_code == 404


async def test_a_component_of_another_source_does_not_run(org: World, admin: Browser) -> None:
    http = await client_of(org, ADMIN)
    files = metadata(project(), HOSTS)
    bundle: dict[str, str | bytes] = {
        path: content for path, content in files.items() if path.startswith("lwc/tielineWords/")
    }
    script = "lwc/tielineWords/tielineWords.js"
    described = manifest(LightningComponentBundle=["tielineWords"])
    other = bundle | {script: files[script] + b"// changed\n", "package.xml": described}
    assert (await deploy(http, archive(other)))["status"] == "Succeeded"
    try:
        assert (await admin.api("GET", "components/tielineSettings")).json() == {"script": None}
    finally:
        assert (await deploy(http, archive(bundle | {"package.xml": described})))["status"] == "Succeeded"
        await http.aclose()
    assert (await admin.api("GET", "components/tielineSettings")).json()["script"]


@pytest.mark.parametrize("case", CASES, ids=[f"{each['method']}-{at}" for at, each in enumerate(CASES)])
async def test_the_twin_of_the_settings_class_answers_as_its_cases_say(
    org: World, admin: Browser, case: dict[str, Any]
) -> None:
    http = await client_of(org, ADMIN)
    await emptied(http, "Tieline_Country_Code__c")
    for order, code in enumerate(case["saved"], 1):
        await make(http, "Tieline_Country_Code__c", Name=code, Code__c=code, Order__c=order)
    answer = await call(admin, case["method"], case["parameters"])
    if "refusal" in case:
        assert answer.status_code == 400
        assert answer.json()[0]["message"] == case["refusal"]
    else:
        assert answer.json() == case["answer"]
    if "after" in case:
        rows = await soql(http, "SELECT Code__c FROM Tieline_Country_Code__c ORDER BY Order__c")
        assert [row["Code__c"] for row in rows["records"]] == case["after"]
    await http.aclose()


async def emptied(http: httpx2.AsyncClient, name: str) -> None:
    for row in (await soql(http, f"SELECT Id FROM {name}"))["records"]:
        await http.delete(f"{DATA}/sobjects/{name}/{row['Id']}")


@pytest.mark.parametrize("case", RELATED, ids=[f"{each['method']}-{at}" for at, each in enumerate(RELATED)])
async def test_the_twin_of_the_related_objects_class_answers_as_its_cases_say(
    org: World, admin: Browser, case: dict[str, Any]
) -> None:
    http = await client_of(org, ADMIN)
    name = "Tieline_Related_Object__c"
    await emptied(http, name)
    for order, chosen in enumerate(case["saved"], 1):
        await make(http, name, Name=chosen, Object__c=chosen, Order__c=order, Default__c=order == 1)
    answer = await call(admin, case["method"], case["parameters"], "TielineRelatedObjects")
    if "refusal" in case:
        assert answer.status_code == 400
        assert answer.json()[0]["message"] == case["refusal"]
    else:
        told = answer.json()
        assert (told["chosen"], told["preferred"]) == (case["chosen"], case["preferred"])
        available = {each["name"] for each in told["available"]}
        assert {"Contact", "Lead", "Account", "Case", "Opportunity"} <= available
        assert not available & {"User", "Task", name}
    rows = await soql(http, f"SELECT Object__c FROM {name} ORDER BY Order__c")
    assert [row["Object__c"] for row in rows["records"]] == case["chosen"]
    await http.aclose()


async def test_the_twin_of_the_presence_class_answers_as_its_cases_say(org: World, admin: Browser) -> None:
    http = await client_of(org, ADMIN)
    for name in ("Tieline_Presence_Status_Relation__c", "Tieline_Product_Settings__c"):
        await emptied(http, name)
    before = (await call(admin, "state", {}, "TielinePresence")).json()
    assert (before["enabled"], before["statuses"]) == (False, [])
    assert (await admin.api("PUT", "setup/omni/settings", json={"enabled": True})).status_code == 200
    for name in ("Available", "Away"):
        await make(
            http, "ServicePresenceStatus", DeveloperName=name, MasterLabel=f"{name} now", Language="en_US"
        )
    for case in PRESENCE:
        answer = await call(admin, case["method"], case["parameters"], "TielinePresence")
        if "refusal" in case:
            assert (answer.status_code, answer.json()[0]["message"]) == (400, case["refusal"])
            continue
        told = answer.json()
        assert {name: told[name] for name in case["answer"]} == case["answer"]
        assert {"name": "Away", "label": "Away now"} in told["statuses"] and told["enabled"] is True
    rows = await soql(http, "SELECT Product__c FROM Tieline_Product_Settings__c")
    assert [row["Product__c"] for row in rows["records"]] == ["ContactCenter"]
    await http.aclose()


async def test_a_background_component_runs_where_its_source_is_deployed(org: World, admin: Browser) -> None:
    (found,) = (await admin.api("GET", "components")).json()
    assert (DIST / found["script"].lstrip("/")).is_file() and found["namespace"] is None
    http = await client_of(org, ADMIN)
    files = metadata(project(), HOSTS)
    bundle: dict[str, str | bytes] = {
        path: content for path, content in files.items() if path.startswith("aura/tielineOmniBridge/")
    }
    described = manifest(AuraDefinitionBundle=["tielineOmniBridge"])
    helper = "aura/tielineOmniBridge/tielineOmniBridgeHelper.js"
    other = bundle | {helper: files[helper] + b"// changed\n", "package.xml": described}
    assert (await deploy(http, archive(other)))["status"] == "Succeeded"
    try:
        assert (await admin.api("GET", "components")).json() == []
    finally:
        assert (await deploy(http, archive(bundle | {"package.xml": described})))["status"] == "Succeeded"
        await http.aclose()


async def test_classes_and_tabs_open_with_the_permission_set_at_once(org: World, agent: Browser) -> None:
    http = await client_of(org, ADMIN)
    user = (await soql(http, f"SELECT Id FROM User WHERE Username = '{AGENT}'"))["records"][0]["Id"]
    granted = (await soql(http, "SELECT Id FROM PermissionSet WHERE Name = 'Tieline_Administrator'"))[
        "records"
    ][0]["Id"]

    async def tabs() -> list[str]:
        return [tab["label"] for tab in (await agent.api("GET", "bootstrap")).json()["tabs"]]

    assert (await call(agent, "countryCodes", {})).status_code == 403
    assert await tabs() == []
    assignment = await make(http, "PermissionSetAssignment", AssigneeId=user, PermissionSetId=granted)
    assert (await call(agent, "countryCodes", {})).status_code == 200
    assert await tabs() == ["コンタクトセンターの設定"]
    await http.delete(f"{DATA}/sobjects/PermissionSetAssignment/{assignment}")
    assert (await call(agent, "countryCodes", {})).status_code == 403
    await http.aclose()


async def test_the_product_is_activated_by_its_record(org: World, admin: Browser) -> None:
    http = await client_of(org, ADMIN)
    nothing = {"recordId": None, "active": False, "activatedAt": None, "activatedBy": None, "step": None}
    assert (await call(admin, "product", {}, "TielineSetup")).json() == nothing
    user = (await soql(http, f"SELECT Id, Name FROM User WHERE Username = '{ADMIN}'"))["records"][0]
    record_id = await make(
        http, "Tieline_Product_Setup__c", Name="ContactCenter", Product__c="ContactCenter", Active__c=True,
        Activated_By__c=user["Id"],
    )  # fmt: skip
    told = (await call(admin, "product", {}, "TielineSetup")).json()
    assert told == nothing | {"recordId": record_id, "active": True, "activatedBy": user["Name"]}
    assert (await call(admin, "portal", {})).json() == "https://portal.example"
    await http.aclose()


async def test_what_is_no_method_of_a_deployed_class_is_not_found(admin: Browser) -> None:
    assert (await call(admin, "nothing", {})).status_code == 404
    assert (await call(admin, "countryCodes", {}, "TielineNothing")).status_code == 404
    assert (await call(admin, "countryCodes", ["no object"])).status_code == 400


async def test_apex_is_called_by_pages_of_the_console_only(admin: Browser) -> None:
    path = "apex/TielineSettings/countryCodes"
    assert (await admin.api("POST", path, json={}, headers={"X-CSRF-Token": "wrong"})).status_code == 403
    assert (
        await admin.api("POST", path, json={}, headers={"Origin": "http://elsewhere.example"})
    ).status_code == 403
