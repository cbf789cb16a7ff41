"""The Tooling API as far as tools ask, and the way from a token to a signed-in browser."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from tests.plain_http import plain_http

from .browser import Browser
from .conftest import World
from .metadata_samples import SAMPLES, document
from .package_files import archive, manifest
from .test_deploy import deploy
from .test_rest import DATA, error
from .test_soap import session_of

CODE = SAMPLES["ApexClass:Talker"]


async def tooling(http: httpx2.AsyncClient, text: str) -> list[dict[str, Any]]:
    answer = await http.get(f"{DATA}/tooling/query", params={"q": text})
    assert answer.status_code == 200, answer.text
    assert answer.json()["size"] == len(answer.json()["records"])
    return answer.json()["records"]


async def test_code_and_pages_are_queried(admin: httpx2.AsyncClient) -> None:
    page = document(
        "FlexiPage",
        "<description>a &lt; b</description><flexiPageRegions><name>main</name><type>Region</type></flexiPageRegions>"
        "<masterLabel>A &amp; B</masterLabel><template><name>t</name></template><type>AppPage</type>",
    )
    files = CODE | {"flexipages/Tool.flexipage": page}
    result = await deploy(
        admin, archive({"package.xml": manifest(ApexClass=["Talker"], FlexiPage=["Tool"])} | files)
    )
    assert result["success"], result["details"]
    rows = await tooling(
        admin,
        "SELECT Id, Name, ApiVersion, Status, Body, CreatedBy.Name FROM ApexClass WHERE Name = 'Talker'",
    )
    assert (rows[0]["ApiVersion"], rows[0]["Status"]) == (64.0, "Active")
    assert rows[0]["Body"] == CODE["classes/Talker.cls"]
    assert rows[0]["CreatedBy"]["Name"] == "Administrator"
    assert rows[0]["attributes"]["url"].startswith(f"{DATA}/tooling/sobjects/ApexClass/01p")
    one = await admin.get(rows[0]["attributes"]["url"])
    assert one.json()["Name"] == "Talker"
    pages = await tooling(
        admin, "SELECT MasterLabel, Type, Metadata FROM FlexiPage WHERE DeveloperName = 'Tool'"
    )
    assert (pages[0]["MasterLabel"], pages[0]["Type"]) == ("A & B", "AppPage")
    assert pages[0]["Metadata"] == {
        "description": "a < b",
        "flexiPageRegions": [{"name": "main", "type": "Region"}],
        "masterLabel": "A & B",
        "template": {"name": "t"},
        "type": "AppPage",
    }


async def test_objects_and_fields_are_queried(admin: httpx2.AsyncClient) -> None:
    rows = await tooling(
        admin, "SELECT KeyPrefix, Label FROM EntityDefinition WHERE QualifiedApiName = 'Contact'"
    )
    assert [(row["KeyPrefix"], row["Label"]) for row in rows] == [("003", "Contact")]
    fields = await tooling(
        admin,
        "SELECT QualifiedApiName, DataType, IsNillable FROM FieldDefinition"
        " WHERE EntityDefinitionId = 'Contact' AND QualifiedApiName = 'LastName'",
    )
    assert (fields[0]["DataType"], fields[0]["IsNillable"]) == ("string", False)


async def test_apps_tell_their_utility_items(admin: httpx2.AsyncClient, agent: httpx2.AsyncClient) -> None:
    text = "SELECT DeveloperName, NavType, UtilityBar FROM AppDefinition WHERE NavType = 'Console'"
    for http in (admin, agent):
        answer = (await http.get(f"{DATA}/query", params={"q": text})).json()
        assert [row["DeveloperName"] for row in answer["records"]] == ["LightningService"]
    (app,) = await tooling(admin, text)
    bar = f"SELECT Id, Metadata FROM FlexiPage WHERE DeveloperName = '{app['UtilityBar']}'"
    (page,) = await tooling(admin, bar)
    assert page["Metadata"]["type"] == "UtilityBar"
    (region,) = page["Metadata"]["flexiPageRegions"]
    names = [item["componentInstance"]["componentName"] for item in region["itemInstances"]]
    assert names[-2:] == ["console:history", "notes:utilityBarNoteList"]
    one = (await admin.get(f"{DATA}/tooling/sobjects/FlexiPage/{page['Id']}")).json()
    assert (one["MasterLabel"], one["Metadata"]) == ("Service Console UtilityBar", page["Metadata"])
    several = await admin.get(f"{DATA}/tooling/query", params={"q": "SELECT Metadata FROM FlexiPage"})
    assert error(several) == (400, "MALFORMED_QUERY")


async def test_what_is_not_tracked_is_not_there(admin: httpx2.AsyncClient, agent: httpx2.AsyncClient) -> None:
    assert error(await admin.get(f"{DATA}/tooling/sobjects/SourceMember/describe")) == (404, "NOT_FOUND")
    missing = await admin.get(f"{DATA}/tooling/query", params={"q": "SELECT Id FROM SourceMember"})
    assert error(missing) == (400, "INVALID_TYPE")
    described = (await admin.get(f"{DATA}/tooling/sobjects/ApexClass/describe")).json()
    assert (described["keyPrefix"], described["createable"]) == ("01p", False)
    names = {row["name"] for row in (await admin.get(f"{DATA}/tooling/sobjects")).json()["sobjects"]}
    assert {"ApexClass", "InstalledSubscriberPackage", "EntityDefinition"} <= names
    refused = await agent.get(f"{DATA}/tooling/query", params={"q": "SELECT Id FROM ApexClass"})
    assert error(refused) == (403, "INSUFFICIENT_ACCESS")
    wrong = await admin.get(f"{DATA}/tooling/query")
    assert error(wrong) == (400, "MALFORMED_QUERY")
    columns = await admin.get(
        f"{DATA}/tooling/query", params={"q": "SELECT Name FROM ApexClass", "columns": "true"}
    )
    assert [column["columnName"] for column in columns.json()["columnMetadata"]] == ["Name"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Name FROM ApexClass WHERE Body LIKE '%x%'",
        "SELECT Nope FROM ApexClass",
        "SELECT Name FROM ApexClass; DROP TABLE x",
    ],
)
async def test_a_wrong_query_is_refused(admin: httpx2.AsyncClient, text: str) -> None:
    answer = await admin.get(f"{DATA}/tooling/query", params={"q": text})
    assert answer.status_code == 400


async def test_a_token_opens_the_org_in_a_browser_once(world: World, admin: httpx2.AsyncClient) -> None:
    async with plain_http(base_url=world.base) as http:
        assert (await http.get("/services/oauth2/singleaccess")).status_code == 401
    narrow = await admin.get("/services/oauth2/singleaccess")
    assert (narrow.status_code, narrow.json()["error"]) == (403, "invalid_scope")
    browser = Browser(world.port)
    async with plain_http(base_url=world.base) as http:
        http.headers["Authorization"] = f"Bearer {await session_of(http)}"
        given = await http.get(
            "/services/oauth2/singleaccess", params={"redirect_uri": "lightning/o/Contact/list"}
        )
    url, page = await browser.follow("GET", given.json()["frontdoor_uri"])
    assert url == f"{browser.lightning}/lightning/o/Contact/list"
    assert page.status_code == 200
    again = await Browser(world.port).send("GET", given.json()["frontdoor_uri"])
    assert again.status_code == 403
    await browser.close()
