# ruff: noqa: E501 - a table: one wrong component, one line
"""Every metadata type: into the org, in effect at once, out again as it was, and away; and what each refuses."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from xml.etree import ElementTree as Xml

import httpx2
import pytest

from .conftest import ADMIN, World, client_of
from .metadata_samples import SAMPLES, document, files, members
from .package_files import NS, archive, manifest, text_field
from .test_deploy import deploy
from .test_rest import DATA, error, make, soql
from .test_soap import envelope, value

METADATA = "http://soap.sforce.com/2006/04/metadata"


async def soap(http: httpx2.AsyncClient, body: str) -> httpx2.Response:
    token = http.headers["Authorization"].removeprefix("Bearer ")
    return await http.post(
        "/services/Soap/m/66.0",
        content=envelope(body, token, METADATA).encode(),
        headers={"Content-Type": "text/xml", "SOAPAction": '""'},
    )


async def retrieve(http: httpx2.AsyncClient, wanted: dict[str, list[str]]) -> tuple[dict[str, bytes], str]:
    """The files that a retrieval gives, and its result as text."""
    types = "".join(
        "<types>" + "".join(f"<members>{name}</members>" for name in names) + f"<name>{kind}</name></types>"
        for kind, names in wanted.items()
    )
    body = f"<apiVersion>66.0</apiVersion><unpackaged>{types}<version>66.0</version></unpackaged>"
    begun = await soap(http, f"<retrieve><retrieveRequest>{body}</retrieveRequest></retrieve>")
    assert begun.status_code == 200, begun.text
    asked = f"<asyncProcessId>{value(begun.text, 'id')}</asyncProcessId><includeZip>true</includeZip>"
    done = await soap(http, f"<checkRetrieveStatus>{asked}</checkRetrieveStatus>")
    assert value(done.text, "success") == "true", done.text
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(value(done.text, "zipFile")))) as found:
        return {name.removeprefix("unpackaged/"): found.read(name) for name in found.namelist()}, done.text


def meaning(element: Any) -> Any:
    """What an element says, whatever the order of elements of different names."""
    children = [meaning(child) for child in element]
    return (
        element.tag,
        (element.text or "").strip(),
        sorted(element.attrib.items()),
        sorted(children, key=repr),
    )


@pytest.fixture(scope="module")
async def samples(world: World) -> AsyncIterator[dict[str, Any]]:
    """One component of every type, deployed together."""
    http = await client_of(world, ADMIN)
    result = await deploy(http, archive({"package.xml": manifest(**members())} | files()))
    assert result["success"], result["details"]["componentFailures"]
    yield result
    await http.aclose()


async def test_one_of_every_type_is_reported(samples: dict[str, Any]) -> None:
    done = {
        f"{row['componentType']}:{row['fullName']}": row for row in samples["details"]["componentSuccesses"]
    }
    assert set(SAMPLES) <= set(done)
    assert [name for name, row in done.items() if not (row["created"] and row["id"])] == []
    assert {"CustomField:Talk__c.Kind__c", "ListView:Talk__c.All", "CustomLabel:Greeting"} <= set(done)


async def test_what_is_deployed_takes_effect_at_once(
    samples: dict[str, Any], admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    refused = await admin.post(f"{DATA}/sobjects/Talk__c", json={"Kind__c": "In"})
    assert (error(refused)[1], refused.json()[0]["message"]) == (
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        "A key, please",
    )
    contact = await make(admin, "Contact", LastName="Talker")
    await make(admin, "Talk__c", Key__c="k1", About__c=contact)
    found = await soql(admin, "SELECT Name, About__r.LastName FROM Talk__c WHERE Key__c = 'k1'")
    assert found["records"][0]["About__r"]["LastName"] == "Talker"
    rules = await soql(admin, "SELECT DeveloperName, Pattern__c, Order__c FROM Talk_Rule__mdt")
    assert [(row["DeveloperName"], row["Pattern__c"], row["Order__c"]) for row in rules["records"]] == [
        ("First", "+81*", 2.0)
    ]
    centers = await soql(admin, "SELECT Name FROM CallCenter WHERE InternalName = 'TalkCenter'")
    assert centers["totalSize"] == 1
    # The package says who may see it, so the agent does not until the permission set is assigned.
    assert error(await agent.get(f"{DATA}/sobjects/Talk__c/describe")) == (404, "NOT_FOUND")
    user = (await soql(admin, "SELECT Id FROM User WHERE Username LIKE 'agent%'"))["records"][0]["Id"]
    given = (await soql(admin, "SELECT Id FROM PermissionSet WHERE Name = 'Talk_Agent'"))["records"][0]["Id"]
    assigned = await make(admin, "PermissionSetAssignment", AssigneeId=user, PermissionSetId=given)
    described = (await agent.get(f"{DATA}/sobjects/Talk__c/describe")).json()
    assert described["label"] == "会話"
    assert "Kind__c" in {item["name"] for item in described["fields"]}
    refused = await deploy(
        admin,
        archive(
            {"package.xml": manifest(), "destructiveChanges.xml": manifest(PermissionSet=["Talk_Agent"])}
        ),
    )
    assert "assigned to users" in refused["details"]["componentFailures"][0]["problem"]
    assert (await admin.delete(f"{DATA}/sobjects/PermissionSetAssignment/{assigned}")).status_code == 204


async def test_a_deployed_app_stands_in_the_launcher(samples: dict[str, Any], world: World) -> None:
    conn = await world.database()
    kept = await conn.fetchval("SELECT definition FROM meta.custom_app WHERE name = 'Talk_App'")
    await conn.close()
    app = json.loads(kept) if isinstance(kept, str) else kept
    assert (app["label"], app["nav_type"]) == ("Talk App", "Console")
    assert app["items"] == ["standard-Contact", "Talk__c"]
    assert app["utility_items"] == [{"type": "softphone", "label": "Phone"}]


async def test_what_was_deployed_comes_back(samples: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    found, text = await retrieve(admin, members())
    assert "cannot be found" not in text
    for path, content in files().items():
        if not path.endswith((".xml", ".object")) and "/lwc/" not in path and not content.startswith("<?xml"):
            assert found[path].decode() == content, path
            continue
        before, after = Xml.fromstring(content.encode()), Xml.fromstring(found[path])
        missing = _missing(before, after)
        assert not missing, (path, missing)
    assert b"deployed-secret" not in b"".join(found.values())
    again = await deploy(admin, archive(dict(found)))
    assert again["success"], again["details"]["componentFailures"]
    changed = [row["fullName"] for row in again["details"]["componentSuccesses"] if row["created"]]
    assert changed == []


def _missing(before: Any, after: Any) -> list[Any]:
    """Elements of one document that the other does not have with the same content."""
    left = [meaning(child) for child in after]
    gone: list[Any] = []
    for child in before:
        said = meaning(child)
        if said in left:
            left.remove(said)
        elif child.tag.endswith("}fields") or child.tag.endswith("}validationRules"):
            name = child.findtext(f"{{{METADATA}}}fullName")
            twin = next((one for one in after if one.findtext(f"{{{METADATA}}}fullName") == name), None)
            gone += [said] if twin is None else _missing(child, twin)
        elif child.tag != f"{{{METADATA}}}consumerSecret":
            gone.append(said)
    return gone


async def test_types_are_described_and_listed(samples: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    described = await soap(admin, "<describeMetadata><asOfVersion>66.0</asOfVersion></describeMetadata>")
    for kind in members():
        assert f"<xmlName>{kind}</xmlName>" in described.text
    listed = await soap(
        admin,
        "<listMetadata><queries><type>CustomField</type></queries><queries><type>CustomTab</type></queries>"
        "<queries><folder>Talk_Reports</folder><type>Report</type></queries></listMetadata>",
    )
    for name in ("Talk__c.Kind__c", "Talk_Box", "Talk_Reports/Talks"):
        assert f"<fullName>{name}</fullName>" in listed.text
    read = await soap(
        admin,
        "<readMetadata><type>CustomObject</type><fullNames>Talk__c</fullNames><fullNames>No__c</fullNames></readMetadata>",
    )
    assert '<records xsi:type="CustomObject"><fullName>Talk__c</fullName>' in re.sub(
        r">\s+<", "><", read.text
    )
    assert 'xsi:nil="true"' in read.text
    unknown = await soap(admin, "<listMetadata><queries><type>Nothing</type></queries></listMetadata>")
    assert (unknown.status_code, value(unknown.text, "faultcode")) == (500, "sf:INVALID_TYPE")


async def test_an_agent_may_not_use_the_metadata_api(agent: httpx2.AsyncClient) -> None:
    for body in (
        "<describeMetadata/>",
        "<listMetadata><queries><type>CustomTab</type></queries></listMetadata>",
        "<retrieve><retrieveRequest/></retrieve>",
    ):
        assert value((await soap(agent, body)).text, "faultcode") == "sf:INSUFFICIENT_ACCESS"


def one(kind: str, name: str, path: str, content: str, **more: str) -> bytes:
    return archive({"package.xml": manifest(**{kind: [name]}), path: content} | more)


WRONG: list[tuple[str, str, str, str, str]] = [
    ("CustomTab", "A", "tabs/A.tab", document("CustomTab", "<labell>x</labell>"), "labell invalid at this location"),
    ("CustomTab", "A", "tabs/A.tab", document("CustomTab", "<label>A</label>"), "exactly one of"),
    ("CustomTab", "A__c", "tabs/A__c.tab", document("CustomTab", "<customObject>true</customObject>"), "no CustomObject named A__c"),
    ("CustomTab", "A", "tabs/A.tab", document("CustomTab", "<label>A</label><lwcComponent>nope</lwcComponent>"), "no LightningComponentBundle named nope"),
    ("CustomTab", "A", "tabs/A.tab", document("CustomTab", "<customObject>maybe</customObject>"), "not a valid value for the type xsd:boolean"),
    ("CustomTab", "A", "tabs/A.tab", "<CustomTab", "Error parsing file"),
    ("CustomTab", "A", "tabs/A.tabb", document("CustomTab", ""), "ends with .tab"),
    ("CustomTab", "A", "tabs/A.tab", document("CustomApplication", ""), "root element must be CustomTab"),
    ("FlexiPage", "A", "flexipages/A.flexipage", document("FlexiPage", "<masterLabel>A</masterLabel><template><name>t</name></template><type>Wallpaper</type>"), "'Wallpaper' is not a valid value for the enum 'FlexiPageType'"),
    ("FlexiPage", "A", "flexipages/A.flexipage", document("FlexiPage", "<masterLabel>A</masterLabel><type>UtilityBar</type>"), "Required field is missing: template"),
    ("FlexiPage", "A", "flexipages/A.flexipage", document("FlexiPage", "<flexiPageRegions><itemInstances><componentInstance><componentName>c:ghost</componentName></componentInstance></itemInstances><name>main</name><type>Region</type></flexiPageRegions><masterLabel>A</masterLabel><template><name>t</name></template><type>AppPage</type>"), "c:ghost"),
    ("CustomApplication", "A", "applications/A.app", document("CustomApplication", "<label>A</label><utilityBar>Ghost</utilityBar>"), "no FlexiPage named Ghost"),
    ("CustomApplication", "A", "applications/A.app", document("CustomApplication", "<label>A</label><tabs>Ghost</tabs>"), "no CustomTab named Ghost"),
    ("LightningMessageChannel", "A", "messageChannels/A.messageChannel", document("LightningMessageChannel", "<isExposed>1st</isExposed><masterLabel>A</masterLabel>"), "xsd:boolean"),
    ("CspTrustedSite", "A", "cspTrustedSites/A.cspTrustedSite", document("CspTrustedSite", "<endpointUrl>not an address</endpointUrl><isActive>true</isActive>"), "not a valid URL"),
    ("ApexClass", "A", "classes/A.cls", "public class B {}", "is missing"),
    ("PermissionSet", "A", "permissionsets/A.permissionset", document("PermissionSet", "<classAccesses><apexClass>Ghost</apexClass><enabled>true</enabled></classAccesses><label>A</label>"), "no ApexClass named Ghost"),
    ("PermissionSet", "A", "permissionsets/A.permissionset", document("PermissionSet", "<label>A</label><userPermissions><enabled>true</enabled><name>FlyAway</name></userPermissions>"), "Unknown user permission: FlyAway"),
    ("PermissionSet", "A", "permissionsets/A.permissionset", document("PermissionSet", "<fieldPermissions><editable>true</editable><field>Contact.No__c</field><readable>true</readable></fieldPermissions><label>A</label>"), "no CustomField named Contact.No__c"),
    ("CustomMetadata", "Ghost.A", "customMetadata/Ghost.A.md", document("CustomMetadata", "<label>A</label>"), "no CustomObject named Ghost__mdt"),
    ("Translations", "fr", "translations/fr.translation", document("Translations", ""), "language fr is not enabled"),
    ("Layout", "Contact-A", "layouts/Contact-A.layout", document("Layout", "<layoutSections><layoutColumns><layoutItems><field>No__c</field></layoutItems></layoutColumns></layoutSections>"), "no CustomField named Contact.No__c"),
    ("Report", "Ghosts/A", "reports/Ghosts/A.report", document("Report", "<name>A</name><reportType>x</reportType>"), "Cannot find folder:Ghosts"),
    ("CustomObject", "A_b__c", "objects/A_b__c.object", document("CustomObject", "<label>A</label>"), "Required field is missing: nameField"),
    ("CustomObject", "Wrong", "objects/Wrong.object", document("CustomObject", "<label>A</label>"), "must end with __c"),
    ("CustomObject", "A_b__c", "objects/A_b__c.object", document("CustomObject", "<label>A</label><deploymentStatus>Soon</deploymentStatus>"), "'Soon' is not a valid value for the enum 'DeploymentStatus'"),
    ("CustomField", "Contact.A__c", "objects/Contact.object", document("CustomObject", "<fields><fullName>A__c</fullName><label>A</label><length>10</length><type>Text</type><colour>red</colour></fields>"), "colour invalid at this location in type CustomField"),
    ("CustomField", "Contact.A__c", "objects/Contact.object", document("CustomObject", "<fields><fullName>A__c</fullName><label>A</label><referenceTo>Ghost__c</referenceTo><type>Lookup</type></fields>"), "does not resolve to a valid sObject type"),
    ("CustomField", "Contact.A__c", "objects/Contact.object", document("CustomObject", "<fields><fullName>A__c</fullName><label>A</label><type>Hologram</type></fields>"), "'Hologram' is not a valid value for the enum 'FieldType'"),
    ("ListView", "Contact.A", "objects/Contact.object", document("CustomObject", "<listViews><fullName>A</fullName><columns>No__c</columns><filterScope>Everything</filterScope><label>A</label></listViews>"), "Could not resolve list view column: No__c"),
    ("CallCenter", "A", "callCenters/A.callCenter", document("CallCenter", "<displayName>A</displayName><sections><items><name>x</name><volume>11</volume></items><name>reqGeneralInfo</name></sections>"), "volume invalid at this location"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name", "path", "content", "message"), WRONG)
async def test_a_wrong_component_is_refused_with_its_reason(
    admin: httpx2.AsyncClient, kind: str, name: str, path: str, content: str, message: str
) -> None:
    result = await deploy(admin, one(kind, name, path, content))
    assert result["status"] == "Failed"
    problems = [row["problem"] for row in result["details"]["componentFailures"]]
    assert any(message in problem for problem in problems), problems


async def test_a_problem_tells_its_line(admin: httpx2.AsyncClient) -> None:
    text = f"<CustomTab {NS}>\n  <label>A</label>\n  <colour>red</colour>\n</CustomTab>"
    result = await deploy(admin, one("CustomTab", "A", "tabs/A.tab", text))
    failure = result["details"]["componentFailures"][0]
    assert (failure["lineNumber"], failure["fileName"]) == (3, "tabs/A.tab")


async def test_a_class_is_named_as_its_file(admin: httpx2.AsyncClient) -> None:
    meta = document("ApexClass", "<apiVersion>64.0</apiVersion><status>Active</status>")
    more = {"classes/A.cls-meta.xml": meta}
    result = await deploy(admin, one("ApexClass", "A", "classes/A.cls", "public class B {}", **more))
    assert "Invalid class name: B" in result["details"]["componentFailures"][0]["problem"]


async def test_what_others_need_is_not_deleted(samples: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    for kind, name, reason in (
        ("FlexiPage", "Talk_Bar", "CustomApplication - Talk_App"),
        ("LightningComponentBundle", "talkBox", "referenced elsewhere"),
        ("CustomField", "Talk__c.Key__c", "Validation Rule - Has_Key"),
        ("CustomObject", "Contact", "Cannot delete standard object"),
        ("CustomField", "Contact.LastName", "Cannot delete standard field"),
    ):
        gone = manifest(**{kind: [name]})
        result = await deploy(admin, archive({"package.xml": manifest(), "destructiveChanges.xml": gone}))
        assert reason in result["details"]["componentFailures"][0]["problem"]
    absent = manifest(CustomTab=["Nothing"])
    result = await deploy(admin, archive({"package.xml": manifest(), "destructiveChanges.xml": absent}))
    row = result["details"]["componentSuccesses"][0]
    assert (result["success"], row["problemType"], row["problem"]) == (
        True,
        "Warning",
        "No CustomTab named: Nothing found",
    )


async def test_all_of_it_goes_away_again(
    samples: dict[str, Any], admin: httpx2.AsyncClient, world: World
) -> None:
    await admin.post(f"{DATA}/sobjects/Talk__c", json={"Key__c": "last"})
    gone = {kind: names for kind, names in members().items() if kind != "CustomLabels"} | {
        "CustomLabel": ["Greeting"]
    }
    result = await deploy(
        admin, archive({"package.xml": manifest(), "destructiveChangesPost.xml": manifest(**gone)})
    )
    assert result["success"], result["details"]["componentFailures"]
    assert all(row["deleted"] for row in result["details"]["componentSuccesses"])
    assert error(await admin.get(f"{DATA}/sobjects/Talk__c")) == (404, "NOT_FOUND")
    conn = await world.database()
    names = [name for found in gone.values() for name in found]
    left = await conn.fetch("SELECT type, full_name FROM meta.component WHERE full_name = ANY($1)", names)
    assert [tuple(row) for row in left] == []
    assert (
        await conn.fetchval("SELECT count(*) FROM meta.component WHERE full_name LIKE 'Talk!_%' ESCAPE '!'")
        == 0
    )
    assert await conn.fetchval("SELECT to_regclass('data.\"Talk__c\"')") is None
    assert await conn.fetchval("SELECT count(*) FROM auth.app WHERE client_id = 'talk-client'") == 0
    await conn.close()


async def test_a_field_goes_with_its_values(admin: httpx2.AsyncClient) -> None:
    added = one(
        "CustomField",
        "Contact.Passing__c",
        "objects/Contact.object",
        document("CustomObject", text_field("Passing__c")),
    )
    assert (await deploy(admin, added))["success"]
    await make(admin, "Contact", LastName="Passing", Passing__c="x")
    gone = manifest(CustomField=["Contact.Passing__c"])
    result = await deploy(admin, archive({"package.xml": manifest(), "destructiveChangesPre.xml": gone}))
    assert result["success"], result["details"]["componentFailures"]
    refused = await admin.get(f"{DATA}/query", params={"q": "SELECT Passing__c FROM Contact"})
    assert error(refused) == (400, "INVALID_FIELD")
