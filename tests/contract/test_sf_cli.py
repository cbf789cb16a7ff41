"""The Salesforce CLI, unmodified, against the embedded org: sign-in, data, deploying, retrieving, packages.

One org for the module, started as anybody starts one. The CLI brings the Node.js it needs, or uses a newer one of the
machine. Its home is a folder of its own: nothing of the machine's is read or left.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import platform
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree import ElementTree as Xml

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from tests.integration.crm.browser import Browser, hidden
from tests.integration.crm.metadata_samples import document
from tests.integration.crm.package_files import archive, manifest
from tests.lone_org import ADMIN, PASSWORD, lone_org

from tieline.salesforce_package import Hosts, build

FOLDER = Path(__file__).resolve().parents[1] / "clients" / "sf" / "node_modules"
CLI = FOLDER / "@salesforce" / "cli" / "bin" / "run.js"
_MACHINE = {"x86_64": "x64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
BUNDLED = FOLDER / f"node-linux-{_MACHINE}" / "bin" / "node"
NODE = str(BUNDLED) if BUNDLED.exists() else shutil.which("node") or "node"

pytestmark = [
    pytest.mark.skipif(
        "CI" not in os.environ and not CLI.exists(),
        reason="`scripts/setup sf` has not been run; `make test` does that, and in CI nothing is skipped",
    ),
    pytest.mark.timeout(600),
]


@dataclass(frozen=True)
class Desk:
    """A developer's desk: the org, the CLI's home and a project."""

    url: str
    environment: Mapping[str, str]
    project: Path

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.environment['SF_ACCESS_TOKEN']}"}

    async def tabs(self) -> set[str]:
        """The deployed tabs' names, asked without the CLI, whose every start costs seconds."""
        async with httpx2.AsyncClient(base_url=self.url, headers=self.headers) as http:
            query = {"q": "SELECT FullName FROM CustomTab"}
            answer = await http.get("/services/data/v64.0/tooling/query", params=query)
        return {row["FullName"] for row in answer.json()["records"]}

    def at(self, folder: Path, files: Mapping[str, str]) -> Desk:
        """The same desk with another project."""
        return replace(self, project=project_at(folder, files))

    async def run(
        self, *words: str, good: bool = True, browsing: Mapping[str, str] | None = None, **more: str
    ) -> Any:
        """What a command answers as JSON; a command that should fail answers its refusal."""
        process = await asyncio.create_subprocess_exec(
            NODE,
            str(CLI),
            *words,
            "--json",
            env={**self.environment, **(browsing or {}), **more},
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await asyncio.wait_for(process.communicate(), 120)
        try:
            answer: dict[str, Any] = json.loads(out)
        except ValueError:
            raise AssertionError((words, out[-2000:], err[-2000:])) from None
        assert (answer["status"] == 0) is good, f"{words}: {json.dumps(answer)[:3000]} {err.decode()[-500:]}"
        return answer.get("result", answer) if good else answer

    async def retrieve(self, *words: str) -> Any:
        """What a retrieval answers. The CLI unpacks what it was sent, looks at the files it has just written and,
        very seldom, does not see one yet; that failure of its own, and no other, is answered by asking again."""
        try:
            return await self.run("project", "retrieve", "start", *words)
        except AssertionError as failed:
            if "Expected source files for type" not in str(failed):
                raise
        return await self.run("project", "retrieve", "start", *words)


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, content in files.items():
        path = folder / "force-app" / "main" / "default" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, "utf-8")


def project_at(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    settings = {"packageDirectories": [{"path": "force-app", "default": True}], "sourceApiVersion": "64.0"}
    (folder / "sfdx-project.json").write_text(json.dumps(settings))
    (folder / "force-app").mkdir(exist_ok=True)
    write(folder, files)
    return folder


def field(name: str, kind: str, more: str = "") -> str:
    return document(
        "CustomField", f"<fullName>{name}</fullName><label>{name[:-3]}</label>{more}<type>{kind}</type>"
    )


SOURCE: dict[str, str] = {
    "objects/Visit__c/Visit__c.object-meta.xml": document(
        "CustomObject",
        "<deploymentStatus>Deployed</deploymentStatus><label>Visit</label><nameField><label>Name</label>"
        "<type>Text</type></nameField><pluralLabel>Visits</pluralLabel><sharingModel>ReadWrite</sharingModel>",
    ),
    "objects/Visit__c/fields/Key__c.field-meta.xml": field(
        "Key__c", "Text", "<externalId>true</externalId><length>40</length><unique>true</unique>"
    ),
    "objects/Visit__c/fields/Who__c.field-meta.xml": field(
        "Who__c", "Lookup", "<referenceTo>Contact</referenceTo><relationshipName>Visits</relationshipName>"
    ),
    "objects/Visit__c/listViews/All.listView-meta.xml": document(
        "ListView",
        "<fullName>All</fullName><columns>NAME</columns><columns>Key__c</columns>"
        "<filterScope>Everything</filterScope><label>All</label>",
    ),
    "objects/Visit_Rule__mdt/Visit_Rule__mdt.object-meta.xml": document(
        "CustomObject",
        "<label>Visit Rule</label><pluralLabel>Visit Rules</pluralLabel><visibility>Public</visibility>",
    ),
    "objects/Visit_Rule__mdt/fields/Pattern__c.field-meta.xml": field(
        "Pattern__c",
        "Text",
        "<fieldManageability>DeveloperControlled</fieldManageability><length>80</length>",
    ),
    "customMetadata/Visit_Rule.First.md-meta.xml": document(
        "CustomMetadata",
        "<label>First</label><protected>false</protected><values><field>Pattern__c</field>"
        '<value xsi:type="xsd:string">+81*</value></values>',
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema"',
    ),
    "classes/Visitor.cls": "public with sharing class Visitor {\n}\n",
    "classes/Visitor.cls-meta.xml": document(
        "ApexClass", "<apiVersion>64.0</apiVersion><status>Active</status>"
    ),
    "lwc/visitCard/visitCard.js": "export default class VisitCard {}\n",
    "lwc/visitCard/visitCard.html": "<template></template>\n",
    "lwc/visitCard/visitCard.js-meta.xml": document(
        "LightningComponentBundle",
        "<apiVersion>64.0</apiVersion><isExposed>true</isExposed><targets><target>lightning__Tab</target></targets>",
    ),
    "flexipages/Visit_Bar.flexipage-meta.xml": document(
        "FlexiPage",
        "<flexiPageRegions><itemInstances><componentInstance><componentName>opencti:softPhone</componentName>"
        "</componentInstance></itemInstances><name>utilityItems</name><type>Region</type></flexiPageRegions>"
        "<masterLabel>Visit Bar</masterLabel><template><name>one:utilityBarTemplateDesktop</name></template>"
        "<type>UtilityBar</type>",
    ),
    "tabs/Visit__c.tab-meta.xml": document(
        "CustomTab", "<customObject>true</customObject><motif>Custom75: Phone</motif>"
    ),
    "tabs/Visit_Card.tab-meta.xml": document(
        "CustomTab", "<label>Card</label><lwcComponent>visitCard</lwcComponent><motif>Custom67: Gears</motif>"
    ),
    "applications/Visits.app-meta.xml": document(
        "CustomApplication",
        "<formFactors>Large</formFactors><label>Visits</label><navType>Console</navType><tabs>Visit__c</tabs>"
        "<uiType>Lightning</uiType><utilityBar>Visit_Bar</utilityBar>",
    ),
    "permissionsets/Visit_Agent.permissionset-meta.xml": document(
        "PermissionSet",
        "<fieldPermissions><editable>true</editable><field>Visit__c.Key__c</field><readable>true</readable>"
        "</fieldPermissions><hasActivationRequired>false</hasActivationRequired><label>Visit Agent</label>"
        "<objectPermissions><allowCreate>true</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>"
        "<allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Visit__c</object>"
        "<viewAllRecords>false</viewAllRecords></objectPermissions>",
    ),
    "labels/CustomLabels.labels-meta.xml": document(
        "CustomLabels",
        "<labels><fullName>Visit_Hello</fullName><language>en_US</language><protected>false</protected>"
        "<shortDescription>Hello</shortDescription><value>Hello</value></labels>",
    ),
    "translations/ja.translation-meta.xml": document(
        "Translations", "<customLabels><label>こんにちは</label><name>Visit_Hello</name></customLabels>"
    ),
}


@pytest.fixture(scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    data = tmp_path_factory.mktemp("sf")
    (data / "home").mkdir()
    quiet = {
        "HOME": str(data / "home"),
        "SF_DISABLE_TELEMETRY": "true",
        "SF_AUTOUPDATE_DISABLE": "true",
        "SF_SKIP_NEW_VERSION_CHECK": "true",
        "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
        "SF_DOMAIN_RETRY": "0",
    }
    async with lone_org(data, **quiet) as org:
        signed_in = {"SF_TARGET_ORG": "org", "SF_ACCESS_TOKEN": await org.token()}
        found = Desk(org.url, {**org.environment, **signed_in}, project_at(data / "project", SOURCE))
        await found.run(
            *("org", "login", "access-token", "--instance-url", found.url, "--alias", "org", "--no-prompt")
        )
        yield found


def a_browser(folder: Path) -> tuple[dict[str, str], Path]:
    """What makes the CLI open addresses with a program that only takes them down, and where it does."""
    program, seen = folder / "browser", folder / "opened"
    program.write_text(f'#!/bin/sh\necho "$1" > {seen}.part && mv {seen}.part {seen}\n')
    program.chmod(0o755)
    # A machine with a desktop would be asked for its own browser first.
    desktop = dict.fromkeys(("DISPLAY", "WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP", "DESKTOP_SESSION"), "")
    return {"BROWSER": str(program), **desktop}, seen


async def opened_address(seen: Path) -> str:
    """The address that was opened, as soon as there is one."""
    async with asyncio.timeout(60):
        while not seen.exists():
            await asyncio.sleep(0.05)
    return seen.read_text().strip()


@pytest.fixture(scope="module")
async def deployed(desk: Desk) -> Any:
    return await desk.run("project", "deploy", "start", "--source-dir", "force-app")


async def test_the_org_is_listed_shown_and_opened(desk: Desk, tmp_path: Path) -> None:
    listed = await desk.run("org", "list")
    assert [org["connectedStatus"] for org in listed["other"]] == ["Connected"]
    shown = await desk.run("org", "display")
    assert (shown["username"], shown["connectedStatus"]) == (ADMIN, "Connected")
    browsing, seen = a_browser(tmp_path)
    opened = await desk.run("org", "open", "--path", "lightning/o/Contact/list", browsing=browsing)
    assert await opened_address(seen) == opened["url"]
    arrived: list[str] = []
    for _ in range(2):
        browser = Browser(urlsplit(desk.url).port or 0)
        arrived.append((await browser.follow("GET", opened["url"]))[0])
        await browser.close()
    assert arrived[0].endswith(".lightning." + urlsplit(desk.url).netloc + "/lightning/o/Contact/list")
    assert "/lightning/" not in urlsplit(arrived[1]).path, "the address opens once"
    limits = await desk.run("org", "list", "limits")
    assert "DailyApiRequests" in {row["name"] for row in limits}


async def test_source_is_deployed_and_takes_effect(desk: Desk, deployed: Any) -> None:
    assert (deployed["status"], deployed["numberComponentErrors"]) == ("Succeeded", 0)
    states = {(row["type"], row["fullName"]): row["state"] for row in deployed["files"]}
    assert states["CustomField", "Visit__c.Key__c"] == "Created"
    assert states["LightningComponentBundle", "visitCard"] == "Created"
    given = await desk.run("org", "assign", "permset", "--name", "Visit_Agent")
    assert given["failures"] == []
    made = await desk.run(
        "data", "create", "record", "--sobject", "Visit__c", "--values", "Name=One Key__c=k-1"
    )
    assert made["success"] is True
    rules = await desk.run(
        "data", "query", "--query", "SELECT DeveloperName, Pattern__c FROM Visit_Rule__mdt"
    )
    assert rules["records"][0]["Pattern__c"] == "+81*"
    classes = await desk.run(
        "data", "query", "--use-tooling-api", "--query", "SELECT Name FROM ApexClass WHERE Name = 'Visitor'"
    )
    assert classes["totalSize"] == 1
    described = await desk.run("sobject", "describe", "--sobject", "Visit__c")
    assert described["label"] == "Visit"
    searched = await desk.run("data", "search", "--query", "FIND {One} RETURNING Visit__c(Id)")
    assert [row["Id"] for row in searched["searchRecords"]] == [made["id"]]
    listed = await desk.run("org", "list", "metadata", "--metadata-type", "CustomTab")
    assert {"Visit__c", "Visit_Card"} <= {row["fullName"] for row in listed}
    raw = await desk.run("api", "request", "rest", "/services/data/v64.0/sobjects/Visit__c")
    assert raw["body"]["objectDescribe"]["name"] == "Visit__c"


async def test_rows_are_imported_and_exported(desk: Desk, deployed: Any, tmp_path: Path) -> None:
    rows = [{"Name": f'Row, "{n}"', "Key__c": f"b-{n}"} for n in range(1500)]
    given = tmp_path / "visits.csv"
    with given.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["Name", "Key__c"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    asked = ("data", "import", "bulk", "--sobject", "Visit__c", "--wait", "2", "--file")
    loaded = await desk.run(*asked, str(given))
    assert (loaded["processedRecords"], loaded["successfulRecords"], loaded["failedRecords"]) == (
        1500,
        1500,
        0,
    )
    told = tmp_path / "told.csv"
    query = "SELECT Name, Key__c FROM Visit__c WHERE Key__c LIKE 'b-%'"
    words = ("--query", query, "--result-format", "csv", "--wait", "2", "--output-file", str(told))
    exported = await desk.run("data", "export", "bulk", *words)
    assert exported["totalSize"] == 1500
    with told.open(newline="") as file:
        back = list(csv.DictReader(file))
    assert sorted(back, key=lambda row: row["Key__c"]) == sorted(rows, key=lambda row: row["Key__c"])
    refused = await desk.run(*asked, str(given), good=False)
    assert refused["data"]["state"] == "JobComplete", refused


async def test_the_same_again_over_rest_changes_nothing(desk: Desk, deployed: Any) -> None:
    again = await desk.run(
        "project", "deploy", "start", "--source-dir", "force-app", SF_ORG_METADATA_REST_DEPLOY="true"
    )
    assert {row["state"] for row in again["files"]} == {"Unchanged"}


async def test_a_dry_run_leaves_nothing(desk: Desk, tmp_path: Path) -> None:
    tab = document("CustomTab", "<label>Dry</label><url>https://a.example</url>")
    there = desk.at(tmp_path, {"tabs/Dry.tab-meta.xml": tab})
    tried = await there.run("project", "deploy", "start", "--source-dir", "force-app", "--dry-run")
    assert (tried["checkOnly"], tried["status"]) == (True, "Succeeded")
    assert "Dry" not in await desk.tabs()


@pytest.mark.parametrize("rest", ["false", "true"])
async def test_a_failing_deploy_tells_file_line_and_reason(desk: Desk, tmp_path: Path, rest: str) -> None:
    wrong = document("CustomTab", "<label>Bad</label>\n<lwcComponent>ghost</lwcComponent>")
    there = desk.at(tmp_path, {"tabs/Bad.tab-meta.xml": wrong})
    words = ("project", "deploy", "start", "--source-dir", "force-app")
    refused = await there.run(*words, good=False, SF_ORG_METADATA_REST_DEPLOY=rest)
    failure = refused["result"]["files"][0]
    assert "no LightningComponentBundle named ghost" in failure["error"]
    assert (failure["lineNumber"], failure["type"]) == (2, "CustomTab")
    assert "Bad" not in await desk.tabs()


async def test_what_was_deployed_is_retrieved(desk: Desk, deployed: Any, tmp_path: Path) -> None:
    empty = desk.at(tmp_path, {})
    asked = tmp_path / "package.xml"
    asked.write_text(
        manifest(
            CustomObject=["Visit__c", "Visit_Rule__mdt"],
            CustomMetadata=["Visit_Rule.First"],
            ApexClass=["Visitor"],
            LightningComponentBundle=["visitCard"],
            FlexiPage=["Visit_Bar"],
            CustomTab=["Visit__c", "Visit_Card"],
            CustomApplication=["Visits"],
            PermissionSet=["Visit_Agent"],
            CustomLabels=["CustomLabels"],
            Translations=["ja"],
        )
    )
    await empty.retrieve("--manifest", str(asked))
    for name, content in SOURCE.items():
        back = (tmp_path / "force-app" / "main" / "default" / name).read_text("utf-8")
        if not name.endswith("-meta.xml"):
            assert back == content
            continue
        before, after = Xml.fromstring(content.encode()), Xml.fromstring(back.encode())
        there = {_told(child) for child in after}
        for child in before:
            assert _told(child) in there, (name, _told(child))


def _told(element: Xml.Element) -> tuple[str, str]:
    """An element's name and its first text; a retrieved element may have more children than were deployed."""
    return element.tag, next((text.strip() for text in element.itertext() if text.strip()), "")


@pytest.mark.parametrize("rest", ["false", "true"])
async def test_our_package_is_deployed_and_comes_back_the_same(desk: Desk, tmp_path: Path, rest: str) -> None:
    hosts = Hosts.of("https://contact.example.com", "https://acme.contact.example.com")
    _, tree = build(tmp_path, hosts)
    there = replace(desk, project=tree)
    done = await there.run("project", "deploy", "start", SF_ORG_METADATA_REST_DEPLOY=rest)
    assert (done["status"], done["numberComponentErrors"]) == ("Succeeded", 0)
    before = {path: path.read_bytes() for path in sorted(tree.rglob("main/default/**/*")) if path.is_file()}
    back = await there.retrieve("--source-dir", "force-app", "--source-dir", "unpackaged")
    assert back["success"] is True
    assert {path for path in tree.rglob("main/default/**/*") if path.is_file()} == set(before)
    for path, content in before.items():
        if path.name.startswith(("CustomLabels.", "ja.translation")):
            # One file for the whole org: what others have deployed comes with it.
            given, told = Xml.fromstring(content), Xml.fromstring(path.read_bytes())
            assert {_content(child) for child in given} <= {_content(child) for child in told}, path
        elif path.name.endswith("-meta.xml"):
            assert _content(Xml.fromstring(path.read_bytes())) == _content(Xml.fromstring(content)), path
        else:
            assert path.read_bytes() == content, path


def _content(element: Xml.Element) -> tuple[object, ...]:
    """An element without the order of its children, which means nothing in metadata."""
    children = sorted((_content(child) for child in element), key=repr)
    return element.tag, tuple(sorted(element.items())), (element.text or "").strip(), tuple(children)


async def test_source_is_deleted(desk: Desk, tmp_path: Path) -> None:
    tab = document("CustomTab", "<label>Gone</label><url>https://a.example</url>")
    there = desk.at(tmp_path, {"tabs/Gone.tab-meta.xml": tab})
    await there.run("project", "deploy", "start", "--metadata", "CustomTab:Gone")
    assert "Gone" in await desk.tabs()
    gone = await there.run("project", "delete", "source", "--metadata", "CustomTab:Gone", "--no-prompt")
    assert gone["status"] == "Succeeded"
    assert "Gone" not in await desk.tabs()
    reported = await there.run("project", "deploy", "report", "--use-most-recent")
    assert (reported["done"], reported["status"]) == (True, "Succeeded")


async def test_an_installed_package_is_listed(desk: Desk) -> None:
    tab = document("CustomTab", "<label>Packed</label><url>https://a.example</url>")
    content = archive({"package.xml": manifest(CustomTab=["Packed"]), "tabs/Packed.tab": tab})
    about = {"name": "Packed", "publisher": "Example", "version": "1.2", "namespace": "packed"}
    async with httpx2.AsyncClient(base_url=desk.url, headers=desk.headers) as http:
        answer = await http.post("/services/packages", params=about, content=content)
        assert answer.status_code == 201, answer.text
    version, browser = answer.json(), Browser(urlsplit(desk.url).port or 0)
    await browser.open_console(ADMIN, PASSWORD)
    asked = (await browser.api("POST", "setup/packages", json={"version_id": version["id"]})).json()
    async with asyncio.timeout(30):
        while asked["status"] == "IN_PROGRESS":
            asked = (await browser.api("GET", f"setup/packages/requests/{asked['id']}")).json()
    await browser.close()
    assert asked["status"] == "SUCCESS", asked
    (row,) = await desk.run("package", "installed", "list")
    assert (row["SubscriberPackageName"], row["SubscriberPackageNamespace"]) == ("Packed", "packed")
    assert row["SubscriberPackageVersionId"] == version["id"]
    assert row["SubscriberPackageVersionNumber"].startswith("1.2.0.")


# -- another way to sign in ----------------------------------------------------------------------------------


def _key_and_certificate(folder: Path) -> tuple[Path, str]:
    """A private key in a file, and a certificate of it in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = folder / "server.key"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sf")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
    return path, builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


async def test_a_key_signs_the_cli_in(desk: Desk, tmp_path: Path) -> None:
    """`org login jwt`, as build servers do, by an app that is deployed with its certificate."""
    key, certificate = _key_and_certificate(tmp_path)
    app = document(
        "ConnectedApp",
        "<contactEmail>a@b.example</contactEmail><label>Builds</label><oauthConfig>"
        f"<callbackUrl>http://localhost:1717/OauthRedirect</callbackUrl><certificate>{certificate}</certificate>"
        "<consumerKey>builds-of-the-test</consumerKey><isAdminApproved>true</isAdminApproved><scopes>Api</scopes>"
        "<scopes>Web</scopes><scopes>RefreshToken</scopes></oauthConfig><profileName>System Administrator</profileName>",
    )
    there = desk.at(tmp_path / "project", {"connectedApps/Builds.connectedApp-meta.xml": app})
    await there.run("project", "deploy", "start", "--source-dir", "force-app")
    signed_in = await there.run(
        *("org", "login", "jwt", "--client-id", "builds-of-the-test", "--jwt-key-file", str(key)),
        *("--username", ADMIN, "--instance-url", desk.url, "--alias", "builds"),
    )
    assert signed_in["username"] == ADMIN


async def test_a_browser_signs_the_cli_in(desk: Desk, tmp_path: Path) -> None:
    """`org login web`: the CLI waits on a port of its own for what the org's pages send the browser back with."""
    browsing, seen = a_browser(tmp_path)
    words = ("org", "login", "web", "--instance-url", desk.url, "--alias", "web")
    waiting = asyncio.create_task(desk.run(*words, browsing=browsing))
    browser = Browser(urlsplit(desk.url).port or 0)
    page, form = await browser.follow("GET", await opened_address(seen))
    assert urlsplit(page).path == "/login"
    filled = hidden(form.text) | {"username": ADMIN, "password": PASSWORD}
    origin = {"Origin": browser.my, "Sec-Fetch-Site": "same-origin"}
    page, consent = await browser.follow("POST", f"{browser.my}/login", data=filled, headers=origin)
    assert "Salesforce CLI" in consent.text
    allowed = hidden(consent.text) | {"decision": "allow"}
    page, _ = await browser.follow("POST", urljoin(page, urlsplit(page).path), data=allowed, headers=origin)
    await browser.close()
    async with httpx2.AsyncClient(follow_redirects=True) as http:
        assert "logged in" in (await http.get(page)).text
    signed_in = await waiting
    assert signed_in["username"] == ADMIN
    query = f"SELECT Username FROM User WHERE Username = '{ADMIN}'"
    (told,) = (await desk.run("data", "query", "--query", query, "--target-org", "web"))["records"]
    assert told["Username"] == ADMIN
