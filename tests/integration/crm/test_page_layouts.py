"""Deployed layouts, compact layouts and record types in the console's pages: by profile and by record type."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from .browser import Browser
from .conftest import ADMIN, PASSWORD, World, client_of
from .metadata_samples import document
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_metadata_types import retrieve
from .test_permissions import new_user
from .test_rest import DATA, error, make

CLAIM = f"""<CustomObject {NS}>
<compactLayoutAssignment>Short</compactLayoutAssignment>
<compactLayouts><fullName>Short</fullName><fields>Name</fields><fields>Amount__c</fields><label>Short</label></compactLayouts>
<compactLayouts><fullName>Long</fullName><fields>Name</fields><fields>Kind__c</fields><fields>Secret__c</fields>
<label>Long</label></compactLayouts>
<fields><fullName>Account__c</fullName><label>Account</label><referenceTo>Account</referenceTo>
<relationshipLabel>Claims</relationshipLabel><relationshipName>Claims</relationshipName><type>Lookup</type></fields>
<fields><fullName>Amount__c</fullName><label>Amount</label><precision>8</precision><scale>0</scale><type>Number</type></fields>
<fields><fullName>Kind__c</fullName><label>Kind</label><type>Picklist</type><valueSet><valueSetDefinition>
<sorted>false</sorted>
<value><fullName>Fire</fullName><default>false</default><label>Fire</label></value>
<value><fullName>R&amp;D</fullName><default>false</default><label>R&amp;D</label></value>
<value><fullName>Water</fullName><default>true</default><label>Water</label></value>
</valueSetDefinition></valueSet></fields>
<fields><fullName>Secret__c</fullName><label>Secret</label><length>20</length><type>Text</type></fields>
<label>Claim</label><nameField><label>Claim Name</label><type>Text</type></nameField><pluralLabel>Claims</pluralLabel>
<recordTypes><fullName>Home</fullName><active>true</active><compactLayoutAssignment>Long</compactLayoutAssignment>
<label>Home</label><picklistValues><picklist>Kind__c</picklist>
<values><fullName>Fire</fullName><default>true</default></values><values><fullName>R%26D</fullName><default>false</default></values>
</picklistValues></recordTypes>
<recordTypes><fullName>Car</fullName><active>true</active><label>Car</label></recordTypes>
<sharingModel>ReadWrite</sharingModel></CustomObject>"""


def layout(*sections: str, related: str = "") -> str:
    return document("Layout", "".join(sections) + related)


def section(label: str, *columns: list[str], style: str = "TwoColumnsTopToBottom") -> str:
    made = "".join(
        "<layoutColumns>"
        + "".join(f"<layoutItems>{item}</layoutItems>" for item in column)
        + "</layoutColumns>"
        for column in columns
    )
    return (
        "<layoutSections><customLabel>true</customLabel><detailHeading>true</detailHeading><editHeading>true</editHeading>"
        f"<label>{label}</label>{made}<style>{style}</style></layoutSections>"
    )


def field(name: str, behavior: str = "Edit") -> str:
    return f"<behavior>{behavior}</behavior><field>{name}</field>"


BLANK = "<emptySpace>true</emptySpace>"
EVERYDAY = layout(
    section(
        "Claim data",
        [field("Name", "Required"), field("Amount__c", "Required")],
        [BLANK, field("Account__c")],
    ),
    section("More", [field("Kind__c")], style="OneColumn"),
)
HOME = layout(
    section("At home", [field("Name", "Required"), field("Secret__c"), field("Amount__c", "Readonly")])
)
ACCOUNT = layout(
    section("Company", [field("Name", "Required")], [field("Phone")]),
    related="<relatedLists><fields>NAME</fields><fields>Amount__c</fields><relatedList>Claim__c.Account__c</relatedList>"
    "</relatedLists><relatedLists><fields>FULL_NAME</fields><fields>CONTACT.TITLE</fields>"
    "<relatedList>RelatedContactList</relatedList></relatedLists>",
)
CLERK = f"""<Profile {NS}><custom>true</custom>
<fieldPermissions><editable>true</editable><field>Claim__c.Account__c</field><readable>true</readable></fieldPermissions>
<fieldPermissions><editable>true</editable><field>Claim__c.Amount__c</field><readable>true</readable></fieldPermissions>
<fieldPermissions><editable>true</editable><field>Claim__c.Kind__c</field><readable>true</readable></fieldPermissions>
<layoutAssignments><layout>Account-Of Clerks</layout></layoutAssignments>
<layoutAssignments><layout>Claim__c-At Home</layout><recordType>Claim__c.Home</recordType></layoutAssignments>
<layoutAssignments><layout>Claim__c-Claim Layout</layout></layoutAssignments>
<objectPermissions><allowCreate>true</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>
<allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Account</object>
<viewAllRecords>false</viewAllRecords></objectPermissions>
<objectPermissions><allowCreate>true</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>
<allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Claim__c</object>
<viewAllRecords>false</viewAllRecords></objectPermissions>
<recordTypeVisibilities><default>true</default><recordType>Claim__c.Home</recordType><visible>true</visible></recordTypeVisibilities>
<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions>
</Profile>"""
JAPANESE = f"""<CustomObjectTranslation {NS}><layouts><layout>Claim Layout</layout>
<sections><label>請求データ</label><section>Claim data</section></sections></layouts></CustomObjectTranslation>"""
FILES = {
    "package.xml": manifest(
        CustomObject=["Claim__c"],
        Layout=["Account-Of Clerks", "Claim__c-At Home", "Claim__c-Claim Layout"],
        Profile=["Claims Clerk"],
        CustomObjectTranslation=["Claim__c-ja"],
    ),
    "objects/Claim__c.object": CLAIM,
    "layouts/Account-Of Clerks.layout": ACCOUNT,
    "layouts/Claim__c-At Home.layout": HOME,
    "layouts/Claim__c-Claim Layout.layout": EVERYDAY,
    "profiles/Claims Clerk.profile": CLERK,
    "objectTranslations/Claim__c-ja.objectTranslation": JAPANESE,
}


@dataclass
class Claims:
    """A clerk's console and API client, an administrator's, and a claim with and one without record type."""

    clerk: Browser
    japanese: Browser
    """The console of a clerk who reads Japanese."""
    clerks_api: httpx2.AsyncClient
    admin: httpx2.AsyncClient
    types: dict[str, str]
    account: str
    home: str
    plain: str


@pytest.fixture(scope="module")
async def claims(world: World) -> AsyncIterator[Claims]:
    async with AsyncExitStack() as stack:
        admin = await client_of(world, ADMIN)
        stack.push_async_callback(admin.aclose)
        result = await deploy(admin, archive(FILES))
        assert result["success"], [each["problem"] for each in result["details"]["componentFailures"]]
        assert (await deploy(admin, archive(FILES)))["numberComponentsDeployed"] > 0
        described = (await admin.get(f"{DATA}/sobjects/Claim__c/describe")).json()
        types = {info["developerName"]: info["recordTypeId"] for info in described["recordTypeInfos"]}
        account = await make(admin, "Account", Name="Insured")
        await new_user(world, "clerk@claims.example", "Claims Clerk")
        await new_user(world, "kakari@claims.example", "Claims Clerk", LanguageLocaleKey="ja")
        clerk, japanese = Browser(world.port), Browser(world.port)
        for browser, name in ((clerk, "clerk"), (japanese, "kakari")):
            stack.push_async_callback(browser.close)
            await browser.open_console(f"{name}@claims.example", PASSWORD)
        clerks_api = await client_of(world, "clerk@claims.example")
        stack.push_async_callback(clerks_api.aclose)
        yield Claims(
            clerk,
            japanese,
            clerks_api,
            admin,
            types,
            account,
            await make(clerks_api, "Claim__c", Name="Kitchen", Account__c=account, Kind__c="Fire"),
            await make(admin, "Claim__c", Name="Bumper", Account__c=account),
        )


async def page(browser: Browser, path: str) -> dict[str, Any]:
    answer = await browser.api("GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_layout_says_which_fields_stand_where(claims: Claims) -> None:
    """Places left empty keep the columns apart; in Japanese by the deployed translation."""
    view = await page(claims.clerk, f"record/{claims.plain}")
    assert view["fields"] == [
        {
            "label": "Claim data",
            "fields": ["Name", "", "Amount__c", "Account__c"],
            "columns": 2,
            "required": ["Amount__c", "Name"],
            "readonly": [],
        },
        {"label": "More", "fields": ["Kind__c"], "columns": 1, "required": [], "readonly": []},
    ]
    japanese = await page(claims.japanese, f"record/{claims.plain}")
    assert [part["label"] for part in japanese["fields"]] == ["請求データ", "More"]


async def test_a_profile_has_another_layout_for_a_record_type(claims: Claims, console: Browser) -> None:
    """And never a field that its users may not see; whoever has no assignment gets the object's own layout."""
    view = await page(claims.clerk, f"record/{claims.home}")
    assert view["record_type"]["name"] == "Home"
    assert [(part["label"], part["fields"], part["readonly"]) for part in view["fields"]] == [
        ("At home", ["Name", "", "Amount__c"], ["Amount__c"])
    ]
    assert view["highlights"] == ["Kind__c"]
    assert (await page(claims.clerk, f"record/{claims.plain}"))["highlights"] == ["Amount__c"]
    other = await page(console, f"record/{claims.home}")
    assert [part["label"] for part in other["fields"]] == ["Claim data", "More"]
    assert other["highlights"] == ["Kind__c", "Secret__c"]


async def test_related_lists_are_those_of_the_layout(claims: Claims) -> None:
    view = await page(claims.clerk, f"record/{claims.account}")
    assert [(part["label"], part["fields"]) for part in view["fields"]] == [("Company", ["Name"])]
    assert [(one["name"], [column["api_name"] for column in one["columns"]]) for one in view["related"]] == [
        ("Claims__r", ["Name", "Amount__c"])
    ]
    lists = (await page(claims.clerk, f"record/{claims.account}/related"))["lists"]
    assert sorted(row["Name"] for row in lists[0]["records"]) == ["Bumper", "Kitchen"]
    assert (await claims.clerk.api("GET", f"record/{claims.account}/related/Contacts")).status_code == 404


async def test_a_record_type_narrows_picklists_and_has_its_default(claims: Claims) -> None:
    new = await page(claims.clerk, "layout/Claim__c")
    assert [each["name"] for each in new["record_types"]] == ["Home"]
    assert new["record_type"] == claims.types["Home"]
    assert new["picklists"] == {
        "Kind__c": [
            {"value": "Fire", "label": "Fire", "default": True},
            {"value": "R&D", "label": "R&D", "default": False},
        ]
    }
    ui = f"{DATA}/ui-api/object-info/Claim__c"
    values = await claims.clerks_api.get(f"{ui}/picklist-values/{claims.types['Home']}/Kind__c")
    assert [each["value"] for each in values.json()["values"]] == ["Fire", "R&D"]
    assert values.json()["defaultValue"]["value"] == "Fire"
    info = (await claims.clerks_api.get(ui)).json()
    assert info["defaultRecordTypeId"] == claims.types["Home"]


async def test_a_record_type_that_is_not_open_to_somebody_cannot_be_given(claims: Claims) -> None:
    refused = await claims.clerks_api.post(
        f"{DATA}/sobjects/Claim__c", json={"Name": "No", "RecordTypeId": claims.types["Car"]}
    )
    assert error(refused) == (400, "INVALID_CROSS_REFERENCE_KEY")
    change = await claims.clerks_api.patch(
        f"{DATA}/sobjects/Claim__c/{claims.home}", json={"RecordTypeId": claims.types["Car"]}
    )
    assert error(change) == (400, "INVALID_CROSS_REFERENCE_KEY")
    kept = await claims.admin.patch(
        f"{DATA}/sobjects/Claim__c/{claims.home}", json={"RecordTypeId": claims.types["Home"]}
    )
    assert kept.status_code == 204, kept.text
    described = (await claims.clerks_api.get(f"{DATA}/sobjects/Claim__c/describe")).json()
    assert {info["developerName"]: info["available"] for info in described["recordTypeInfos"]} == {
        "Home": True, "Car": False, "Master": True,
    }  # fmt: skip


async def test_programs_are_told_the_same_layouts(claims: Claims) -> None:
    found = (
        await claims.clerks_api.get(f"{DATA}/sobjects/Claim__c/describe/layouts/{claims.types['Home']}")
    ).json()
    rows = found["detailLayoutSections"][0]["layoutRows"]
    named = [
        item["layoutComponents"][0]["value"]
        for row in rows
        for item in row["layoutItems"]
        if not item["placeholder"]
    ]
    assert named == ["Name", "Amount__c"]
    every = (await claims.clerks_api.get(f"{DATA}/sobjects/Claim__c/describe/layouts")).json()
    assert len(every["layouts"]) == 3
    assert [m["name"] for m in every["recordTypeMappings"] if m["defaultRecordTypeMapping"]] == ["Home"]


async def test_a_profile_comes_out_as_it_went_in_and_goes_once_nobody_has_it(claims: Claims) -> None:
    files, _ = await retrieve(claims.admin, {"Profile": ["Claims Clerk", "Admin"]})
    text = files["profiles/Claims Clerk.profile"].decode()
    for part in (
        "<layout>Claim__c-At Home</layout>",
        "<recordType>Claim__c.Home</recordType>",
        "<name>ApiEnabled</name>",
        "<field>Claim__c.Amount__c</field>",
    ):
        assert part in text
    gone = {"package.xml": manifest(), "destructiveChanges.xml": manifest(Profile=["Claims Clerk"])}
    refused = await deploy(claims.admin, archive(gone))
    assert "assigned to users" in refused["details"]["componentFailures"][0]["problem"]
    gone["destructiveChanges.xml"] = manifest(Profile=["Admin"])
    refused = await deploy(claims.admin, archive(gone))
    assert "came with the org" in refused["details"]["componentFailures"][0]["problem"]


@pytest.mark.parametrize(
    ("inside", "problem"),
    [
        ("<layoutAssignments><layout>Claim__c-None</layout></layoutAssignments>", "no Layout named"),
        (
            "<recordTypeVisibilities><default>false</default><recordType>Claim__c.None</recordType>"
            "<visible>true</visible></recordTypeVisibilities>",
            "no RecordType named",
        ),
        (
            "<recordTypeVisibilities><default>true</default><recordType>Claim__c.Car</recordType>"
            "<visible>false</visible></recordTypeVisibilities>",
            "must be visible",
        ),
    ],
)
async def test_a_profile_that_names_what_is_not_there_is_refused(
    claims: Claims, inside: str, problem: str
) -> None:
    files = {
        "package.xml": manifest(Profile=["Wrong"]),
        "profiles/Wrong.profile": f"<Profile {NS}><custom>true</custom>{inside}</Profile>",
    }
    result = await deploy(claims.admin, archive(files))
    assert problem in result["details"]["componentFailures"][0]["problem"]
