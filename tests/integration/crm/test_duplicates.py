"""Duplicate rules: silent in a new org; then they warn, or refuse, and say what they found."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from .conftest import ADMIN, World, client_of
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_permissions import new_user
from .test_rest import DATA, make, soql
from .test_soap import session_of
from .test_soap_records import Soap, sobject

ALLOW = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}


def rule(
    *, active: bool = True, insert: str = "Allow", update: str = "Allow", matching: str, alert: bool = True
) -> str:
    alerts = "<operationsOnInsert>Alert</operationsOnInsert><operationsOnUpdate>Alert</operationsOnUpdate>"
    return (
        f'<?xml version="1.0"?><DuplicateRule {NS}><actionOnInsert>{insert}</actionOnInsert>'
        f"<actionOnUpdate>{update}</actionOnUpdate><alertText>Is it one of these?</alertText>"
        f"<duplicateRuleMatchRules><matchRuleSObjectType>Contact</matchRuleSObjectType>"
        f"<matchingRule>{matching}</matchingRule></duplicateRuleMatchRules><isActive>{str(active).lower()}</isActive>"
        f"<masterLabel>Contacts twice</masterLabel>{alerts if alert else ''}"
        "<securityOption>EnforceSharingRules</securityOption><sortOrder>1</sortOrder></DuplicateRule>"
    )


def package(rules: dict[str, str], matching: str = "") -> bytes:
    files: dict[str, str | bytes] = {
        f"duplicateRules/Contact.{name}.duplicateRule": text for name, text in rules.items()
    }
    members = {"DuplicateRule": [f"Contact.{name}" for name in rules]}
    if matching:
        members["MatchingRules"] = ["Contact"]
        files["matchingRules/Contact.matchingRule"] = (
            f'<?xml version="1.0"?><MatchingRules {NS}>{matching}</MatchingRules>'
        )
    return archive(files | {"package.xml": manifest(**members)})


STANDARD = "Standard_Contact_Match_Rule_v1_1"
OWN = """<matchingRules><fullName>By_Assistant</fullName><booleanFilter>1 AND 2</booleanFilter><label>By assistant</label>
<matchingRuleItems><blankValueBehavior>NullNotAllowed</blankValueBehavior><fieldName>AssistantPhone</fieldName>
<matchingMethod>Phone</matchingMethod></matchingRuleItems><matchingRuleItems>
<blankValueBehavior>MatchBlanks</blankValueBehavior><fieldName>Department</fieldName>
<matchingMethod>Exact</matchingMethod></matchingRuleItems><ruleStatus>Active</ruleStatus></matchingRules>"""


@pytest.fixture(scope="module")
async def warned(world: World) -> AsyncIterator[None]:
    """The org warns of contacts with the same name and number, and refuses the same assistant's number."""
    http = await client_of(world, ADMIN)
    rules = {
        "Warns": rule(matching=STANDARD),
        "Refuses": rule(insert="Block", update="Block", matching="By_Assistant", alert=False),
    }
    result = await deploy(http, package(rules, OWN))
    assert result["success"], result["details"]["componentFailures"]
    yield
    off = {name: text.replace("<isActive>true", "<isActive>false") for name, text in rules.items()}
    assert (await deploy(http, package(off)))["success"]
    await http.aclose()


async def test_a_new_org_says_nothing(admin: httpx2.AsyncClient) -> None:
    twice = {"FirstName": "Silent", "LastName": "Double", "Email": "silent@double.example"}
    await make(admin, "Contact", **twice)
    await make(admin, "Contact", **twice)


async def test_a_duplicate_is_told_with_what_it_matches(warned: None, agent: httpx2.AsyncClient) -> None:
    first = await make(agent, "Contact", FirstName="Robert", LastName="Warned", Phone="(415) 555-0177")
    twin = {"FirstName": "Rob", "LastName": "Warned", "Phone": "+1 415 555 0177"}
    answer = await agent.post(f"{DATA}/sobjects/Contact", json=twin)
    assert answer.status_code == 400
    (row,) = answer.json()
    assert (row["errorCode"], row["message"]) == ("DUPLICATES_DETECTED", "Is it one of these?")
    result = row["duplicateResult"]
    assert (result["allowSave"], result["duplicateRule"]) == (True, "Warns")
    assert result["duplicateRuleEntityType"] == "Contact"
    (match,) = result["matchResults"]
    assert (match["rule"], match["size"], match["matchEngine"]) == (STANDARD, 1, "FuzzyMatchEngine")
    record = match["matchRecords"][0]
    assert record["record"] == {
        "attributes": {"type": "Contact", "url": f"{DATA}/sobjects/Contact/{first}"},
        "Id": first,
    }
    assert 85 <= record["matchConfidence"] < 100
    answer = await agent.post(
        f"{DATA}/sobjects/Contact",
        json=twin,
        headers={"Sforce-Duplicate-Rule-Header": "includeRecordDetails=true; allowSave=false"},
    )
    shown = answer.json()[0]["duplicateResult"]["matchResults"][0]["matchRecords"][0]["record"]
    assert shown["LastName"] == "Warned"
    assert (await agent.post(f"{DATA}/sobjects/Contact", json=twin, headers=ALLOW)).status_code == 201
    other = twin | {"Phone": "+1 415 555 0178"}
    assert (await agent.post(f"{DATA}/sobjects/Contact", json=other)).status_code == 201


async def test_a_refusal_cannot_be_overruled(warned: None, agent: httpx2.AsyncClient) -> None:
    await make(agent, "Contact", LastName="Blocked1", AssistantPhone="03-5555-0101")
    answer = await agent.post(
        f"{DATA}/sobjects/Contact",
        json={"LastName": "Blocked2", "AssistantPhone": "+81 3 5555 0101"},
        headers=ALLOW,
    )
    assert answer.status_code == 400
    result = answer.json()[0]["duplicateResult"]
    assert (result["allowSave"], result["duplicateRule"]) == (False, "Refuses")
    elsewhere = {"LastName": "Blocked3", "AssistantPhone": "0355550101", "Department": "Other"}
    await make(agent, "Contact", **elsewhere)


async def test_an_old_record_is_compared_only_when_what_matters_changes(
    warned: None, agent: httpx2.AsyncClient
) -> None:
    await make(agent, "Contact", FirstName="Ann", LastName="Changing", Email="one@changing.example")
    other = await make(agent, "Contact", FirstName="Ann", LastName="Changing", Email="two@changing.example")
    url = f"{DATA}/sobjects/Contact/{other}"
    assert (await agent.patch(url, json={"Title": "Boss"})).status_code == 204
    answer = await agent.patch(url, json={"Email": "ONE@changing.example"})
    assert answer.json()[0]["errorCode"] == "DUPLICATES_DETECTED"
    assert (await agent.patch(url, json={"Email": "one@changing.example"}, headers=ALLOW)).status_code == 204
    assert (await agent.patch(url, json={"Title": "Chief"})).status_code == 204


async def test_collections_answer_row_by_row(warned: None, agent: httpx2.AsyncClient) -> None:
    await make(agent, "Contact", FirstName="Bo", LastName="Rows", Email="bo@rows.example")
    rows: list[dict[str, Any]] = [
        {"attributes": {"type": "Contact"}, "FirstName": "Bo", "LastName": "Rows", "Email": email}
        for email in ("bo@rows.example", "new@rows.example", "new@rows.example")
    ]
    answer = await agent.post(f"{DATA}/composite/sobjects", json={"records": rows})
    assert [row["success"] for row in answer.json()] == [False, True, True], (
        "one call is not compared with itself"
    )
    failed = answer.json()[0]["errors"][0]
    assert (failed["statusCode"], failed["fields"]) == ("DUPLICATES_DETECTED", [])
    assert failed["duplicateResult"]["matchResults"][0]["size"] == 1


async def test_what_a_rule_found_shows_no_more_than_its_reader_may_see(
    warned: None, world: World, admin: httpx2.AsyncClient
) -> None:
    """A rule that bypasses sharing finds what its reader cannot open, and fields that the reader cannot see."""
    username = "narrow@duplicates.example"
    await new_user(world, username)
    http = await client_of(world, username)
    twin = {"FirstName": "Nina", "LastName": "Narrow", "Email": "nina@narrow.example"}
    record = await make(admin, "Contact", **twin)
    asked = {"Sforce-Duplicate-Rule-Header": "includeRecordDetails=true"}

    async def found() -> dict[str, Any]:
        answer = await http.post(f"{DATA}/sobjects/Contact", json=twin, headers=asked)
        (row,) = answer.json()
        assert row["errorCode"] == "DUPLICATES_DETECTED"
        return row["duplicateResult"]["matchResults"][0]

    assert (await found())["matchRecords"][0]["record"]["Email"] == "nina@narrow.example"
    grants = await soql(
        admin,
        "SELECT Id FROM FieldPermissions WHERE Field = 'Contact.Email' AND Parent.Profile.Name = 'Standard User'",
    )
    permission = f"{DATA}/sobjects/FieldPermissions/{grants['records'][0]['Id']}"
    twin.pop("Email")
    twin["Phone"] = "+49 30 555 0142"
    await admin.patch(f"{DATA}/sobjects/Contact/{record}", json={"Phone": "030 555 0142"})
    hidden = {"PermissionsRead": False, "PermissionsEdit": False}
    assert (await admin.patch(permission, json=hidden)).status_code == 204
    shown = (await found())["matchRecords"][0]["record"]
    assert (shown["LastName"], "Email" in shown) == ("Narrow", False)
    opened = {"PermissionsRead": True, "PermissionsEdit": True}
    assert (await admin.patch(permission, json=opened)).status_code == 204
    bypassing = rule(matching=STANDARD).replace("EnforceSharingRules", "BypassSharingRules")
    for sharing, size in (("Private", 0), ("ReadWrite", 1)):
        model = f"<CustomObject {NS}><sharingModel>{sharing}</sharingModel></CustomObject>"
        files = {"package.xml": manifest(CustomObject=["Contact"]), "objects/Contact.object": model}
        assert (await deploy(admin, archive(files)))["success"]
        assert (await deploy(admin, package({"Warns": bypassing})))["success"]
        result = await found()
        assert (result["size"], len(result["matchRecords"])) == (size, size)
    assert (await deploy(admin, package({"Warns": rule(matching=STANDARD)})))["success"]
    await http.aclose()


def _filtered(*lines: tuple[str, str, str], logic: str = "", table: str = "Contact") -> str:
    items = "".join(
        f"<duplicateRuleFilterItems><field>{field}</field><operation>{operation}</operation><sortOrder>{number}"
        f"</sortOrder><table>{table}</table><value>{value}</value></duplicateRuleFilterItems>"
        for number, (field, operation, value) in enumerate(lines, 1)
    )
    inside = f"<booleanFilter>{logic}</booleanFilter>" if logic else ""
    return f"<duplicateRuleFilter>{inside}{items}</duplicateRuleFilter><duplicateRuleMatchRules><matchRuleSObject"


async def test_a_rule_with_a_filter_concerns_the_records_it_names(
    warned: None, world: World, admin: httpx2.AsyncClient
) -> None:
    plain = rule(matching=STANDARD)
    only = _filtered(("LeadSource", "equals", "Web"), ("Title", "notEqual", "Boss"), logic="1 AND 2")
    result = await deploy(
        admin, package({"Warns": plain.replace("<duplicateRuleMatchRules><matchRuleSObject", only, 1)})
    )
    assert result["success"], result["details"]["componentFailures"][0]["problem"]
    twin = {"FirstName": "Fil", "LastName": "Tered", "Email": "fil@tered.example"}
    await make(admin, "Contact", **twin)
    await make(admin, "Contact", **twin)
    await make(admin, "Contact", **twin, LeadSource="Web", Title="boss")
    answer = await admin.post(f"{DATA}/sobjects/Contact", json=twin | {"LeadSource": "Web"})
    assert answer.json()[0]["errorCode"] == "DUPLICATES_DETECTED"
    for wrong, words in (
        (_filtered(("Nothing", "equals", "x")), "does not exist"),
        (_filtered(("Title", "equals", "x"), table="User"), "A filter on User is not supported"),
    ):
        text = plain.replace("<duplicateRuleMatchRules><matchRuleSObject", wrong, 1)
        result = await deploy(admin, package({"Warns": text}))
        assert words in result["details"]["componentFailures"][0]["problem"]
    assert (await deploy(admin, package({"Warns": plain})))["success"]


async def test_soap_says_what_matched_and_saves_in_spite_of_it(
    warned: None, admin: httpx2.AsyncClient
) -> None:
    soap = Soap(admin, await session_of(admin))
    twin = {"FirstName": "Soa", "LastName": "Ped", "Email": "soa@ped.example"}
    first = await make(admin, "Contact", **twin)
    body = f"<create>{sobject('Contact', **twin)}</create>"
    (refused,) = await soap(body)
    assert refused.findtext("{*}errors/{*}statusCode") == "DUPLICATES_DETECTED"
    found = refused.find("{*}errors/{*}duplicateResult")
    record = found.find("{*}matchResults/{*}matchRecords/{*}record")
    assert [record.findtext(f"{{*}}{name}") for name in ("type", "Id")] == ["Contact", first]
    header = "<DuplicateRuleHeader><allowSave>true</allowSave></DuplicateRuleHeader>"
    (saved,) = await soap(body, header)
    assert saved.findtext("{*}success") == "true"
    second = saved.findtext("{*}id")
    await admin.patch(f"{DATA}/sobjects/Contact/{second}", json={"Email": None}, headers=ALLOW)
    merging = (
        f"<merge><request><masterRecord><sf:type>Contact</sf:type><sf:Id>{second}</sf:Id>"
        f"<sf:Email>{twin['Email']}</sf:Email></masterRecord><recordToMergeIds>{first}</recordToMergeIds></request></merge>"
    )
    third = await make(admin, "Contact", LastName="Ped", FirstName="Soa")
    await admin.patch(f"{DATA}/sobjects/Contact/{third}", json={"Email": twin["Email"]}, headers=ALLOW)
    (stopped,) = await soap(merging)
    assert stopped.findtext("{*}errors/{*}statusCode") == "DUPLICATES_DETECTED"
    (merged,) = await soap(merging, header)
    assert merged.findtext("{*}success") == "true"


async def test_wrong_rules_are_not_deployed(admin: httpx2.AsyncClient) -> None:
    result = await deploy(admin, package({"Wrong": rule(matching="Nothing")}))
    assert (
        "There is no matching rule Nothing of Contact" in result["details"]["componentFailures"][0]["problem"]
    )
    for old, new, words in (
        ("AssistantPhone", "Nothing", "does not exist"),
        ("1 AND 2", "1 AND 3", "booleanFilter: unexpected 3"),
        (">Phone<", ">Guess<", "matchingMethod Guess is not supported"),
        ("MatchBlanks", "Sometimes", "blankValueBehavior Sometimes is not valid"),
    ):
        result = await deploy(admin, package({}, OWN.replace(old, new)))
        assert words in result["details"]["componentFailures"][0]["problem"]
