"""Building the Salesforce package, and the check of its project, which must find what is sown into it."""

from __future__ import annotations

import io
import shutil
import zipfile
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from scripts import metadata

from tieline.salesforce_package import Hosts, PackageError, archive, build, project

URI = "{http://soap.sforce.com/2006/04/metadata}"
HOSTS = Hosts.of("https://contact.example.com/", "https://acme.contact.example.com:443")
SESSION = "objects/Tieline_Session_History__c"


def test_the_zip_is_complete_well_formed_and_the_same_each_time() -> None:
    content = archive(HOSTS)
    assert content == archive(HOSTS)
    with zipfile.ZipFile(io.BytesIO(content)) as found:
        texts = {name: found.read(name) for name in found.namelist()}
    assert [name for name, text in texts.items() if b".invalid" in text] == []
    roots = {
        name: Xml.fromstring(text)
        for name, text in texts.items()
        if name.endswith(".xml") or not name.startswith(("lwc/", "aura/", "classes/"))
    }
    listed = {
        (kind.findtext(f"{URI}name"), member.text)
        for kind in roots["package.xml"].iter(f"{URI}types")
        for member in kind.iter(f"{URI}members")
    }
    assert {
        ("CustomObject", "Tieline_Session_History__c"),
        ("CustomField", "Activity.Tieline_Engagement_Link__c"),
        ("PermissionSet", "Tieline_Agent"),
        ("Report", "Tieline_Contact_Center"),
        ("Report", "Tieline_Contact_Center/Sessions_by_Queue"),
    } <= listed
    session = roots[f"{SESSION}.object"]
    assert {"fields", "listViews", "compactLayouts"} <= {child.tag.removeprefix(URI) for child in session}
    for name, host in (("TielineContactCenter", HOSTS.origin), ("TielineContactCenterSSO", HOSTS.vanity)):
        address = roots[f"callCenters/{name}.callCenter"].findtext(f"{URI}adapterUrl")
        assert address == f"{host}/cci/multi/callbar-cti"


def test_built_twice_the_folder_holds_one_project_and_one_zip(tmp_path: Path) -> None:
    content, tree = build(tmp_path, HOSTS)
    (tree / "force-app" / "stale.txt").write_text("of a version before")
    assert build(tmp_path, HOSTS) == (content, tree)
    assert content.read_bytes() == archive(HOSTS)
    assert not (tree / "force-app" / "stale.txt").exists()
    wrong = [path for path in tree.rglob("*") if path.is_file() and b".invalid" in path.read_bytes()]
    assert wrong == []
    (tmp_path / "mine" / "source").mkdir(parents=True)
    with pytest.raises(PackageError, match="not built by this command"):
        build(tmp_path / "mine", HOSTS)


@pytest.mark.parametrize(
    ("origin", "vanity", "said"),
    [
        ("", "https://a.b.example", "ORIGIN is missing"),
        ("https://b.example", " ", "VANITY is missing"),
        ("b.example", "https://a.b.example", "is not an address"),
        ("https://b.example/portal", "https://a.b.example", "must end after host"),
        ("https://me@b.example", "https://a.b.example", "must end after host"),
        ("http://b.example", "https://a.b.example", "must begin with https"),
        ("https://b.example:port", "https://a.b.example", "is not an address"),
        ("https://b.example", "https://b_c.example", "is not an address"),
        ("https://b.example", "https://B.example/", "is the same as ORIGIN"),
        ('https://b.example"><x', "https://a.b.example", "is not an address"),
    ],
)
def test_a_wrong_host_is_refused_with_what_to_write(origin: str, vanity: str, said: str) -> None:
    with pytest.raises(PackageError, match=said):
        Hosts.of(origin, vanity)


# -- the check -------------------------------------------------------------------------------------------------


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The project, to sow mistakes into."""
    return Path(shutil.copytree(project(), tmp_path / "sfdx", ignore=shutil.ignore_patterns("node_modules")))


def test_the_project_passes_the_check() -> None:
    assert list(metadata.problems(project())) == []


MISTAKES = [
    (f"{SESSION}/fields/Queue__c", "<length>80", "<length>eighty", "is no number"),
    (f"{SESSION}/fields/Queue__c", "<required>false", "<required>no", "neither true nor false"),
    (f"{SESSION}/fields/Queue__c", "<type>Text", "<type>Texty", "is no FieldType"),
    (f"{SESSION}/fields/Queue__c", "<length>80</length>", "<size>80</size>", "no element of CustomField"),
    (f"{SESSION}/fields/Queue__c", "</label>", "</label><label>Two</label>", "is repeated"),
    (f"{SESSION}/fields/Queue__c", "</CustomField>", "</CustomFild>", "not well-formed"),
    (f"{SESSION}/fields/Queue__c", "CustomField", "CustomFeeld", "unknown type"),
    (f"{SESSION}/fields/Contact__c", "<referenceTo>Contact", "<referenceTo>Contract", "no object Contract"),
    (f"{SESSION}/listViews/Tieline_All", "Queue__c", "Queues__c", "no field"),
    (f"{SESSION}/compactLayouts/Tieline_Compact", "Queue__c", "Queues__c", "no field"),
    (f"{SESSION}/Tieline_Session_History__c", ">Tieline_Compact<", ">Compact<", "no compact layout"),
    (f"{SESSION}/Tieline_Session_History__c", "_Record_Page<", "_Page<", "no FlexiPage"),
    ("layouts/Tieline_Token__c-Token Layout", "<field>App__c", "<field>Apps__c", "required field App__c"),
    ("permissionsets/Tieline_Agent", "Tieline_Token__c.Scopes__c", "Tieline_Token__c.Scope__c", "no field"),
    ("permissionsets/Tieline_Agent", "Tieline_Token__c.Scopes__c", "Tieline_Token__c.App__c", "is required"),
    ("permissionsets/Tieline_Agent", "<object>Tieline_Token__c", "<object>Tieline_Tokens__c", "no object"),
    ("permissionsets/Tieline_Agent", ">Tieline_Country_Code__c", ">Tieline_Token__c", "customSettingAccesses"),
    ("permissionsets/Tieline_Administrator", "Tieline-Administrator", "Tieline-Boss", "no principal"),
    ("permissionsets/Tieline_Technical", "<tab>Tieline_Session_History__c", "<tab>Sessions", "no CustomTab"),
    ("permissionsets/Tieline_Technical", ">Tieline_Console<", ">Console<", "no CustomApplication"),
    ("permissionsets/Tieline_Technical", "<visibility>Visible", "<visibility>Seen", "is no PermissionSetTab"),
    ("applications/Tieline_Console", "Console_Utility_Bar", "Console_Bar", "no utility bar"),
    ("applications/Tieline_Console", "<tabs>Tieline_Session_History__c", "<tabs>Sessions", "no CustomTab"),
    ("flexipages/Tieline_Session_History_Record_Page", "force:detailPanel", "c:detailPanel", "no component"),
    ("flexipages/Tieline_Session_History_Record_Page", "<sobjectType>Tieline", "<sobjectType>Tie", "no object"),
    ("tabs/Tieline_Session_History__c", "customObject", "lwcComponent", "no LightningComponentBundle true"),
    ("translations/ja", "<name>Tieline_Console", "<name>Console", "Tieline_Console has no Japanese"),
    ("objectTranslations/Tieline_Token__c-ja/App__c", "<name>App__c", "<name>Apps__c", "no field"),
    ("objectTranslations/Tieline_Session_History__c-ja/Notes__c", "help>", "gender>", "one language"),
    ("customMetadata/Tieline_App_Client.ContactCenter", "Portal_Url__c", "Portal__c", "no field"),
    ("namedCredentials/Tieline", "<externalCredential>Tieline", "<externalCredential>T", "ExternalCredential T"),
    ("externalCredentials/Tieline", "Provider>Tieline<", "Provider>T<", "Provider T"),
    ("callCenters/TielineContactCenter", "<adapterUrl>https://origin", "<adapterUrl>https://vanity", "differ"),
    ("callCenters/TielineContactCenter", "https://origin.tieline.invalid", "https://zoom.us", "zoom.us is no host"),
    ("reports/Tieline_Contact_Center/Sessions_by_Queue", ".Queue__c", ".Queues__c", "no column"),
    ("dashboards/Tieline_Contact_Center/Contact_Center", "Sessions_by_Queue", "Queues", "Report"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "before", "after", "said"), MISTAKES)
def test_a_mistake_is_found(copy: Path, file: str, before: str, after: str, said: str) -> None:
    (path,) = (copy / "force-app" / "main" / "default").glob(f"{file}.*-meta.xml")
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")
    assert said in "\n".join(metadata.problems(copy))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (
            "objectTranslations/Tieline_Token__c-ja/App__c.fieldTranslation-meta.xml",
            "the field has no Japanese",
        ),
        (f"{SESSION}/fields/Queue__c.field-meta.xml", "no field"),
        ("tabs/Tieline_Session_History__c.tab-meta.xml", "no CustomTab"),
        ("reports/Tieline_Contact_Center.reportFolder-meta.xml", "no folder"),
    ],
)
def test_a_missing_file_is_found(copy: Path, file: str, said: str) -> None:
    (copy / "force-app" / "main" / "default" / file).unlink()
    assert said in "\n".join(metadata.problems(copy))
