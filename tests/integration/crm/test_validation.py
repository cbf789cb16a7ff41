"""Validation rules: deployed as metadata, obeyed by every way of saving."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from tieline.crm.database import connect
from tieline.crm.schema import load_catalogue
from tieline.crm.validation import delete_rule, rules_of

from .conftest import ADMIN, World, client_of
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_rest import DATA, make, soql


def rule(name: str, formula: str, message: str = "No.", *, field: str = "", active: bool = True) -> str:
    shown = f"<errorDisplayField>{field}</errorDisplayField>" if field else ""
    escaped = formula.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return (
        f"<validationRules><fullName>{name}</fullName><active>{str(active).lower()}</active>"
        f"<errorConditionFormula>{escaped}</errorConditionFormula>{shown}"
        f"<errorMessage>{message}</errorMessage></validationRules>"
    )


def package(**objects: str) -> bytes:
    files: dict[str, str | bytes] = {"package.xml": manifest(CustomObject=list(objects))}
    for name, rules in objects.items():
        files[f"objects/{name}.object"] = f'<?xml version="1.0"?><CustomObject {NS}>{rules}</CustomObject>'
    return archive(files)


CONTACT = (
    rule("Ruled_no_phone", "AND(BEGINS(LastName, 'Ruled'), ISBLANK(Phone))", "A phone is needed.", field="Phone")
    + rule("Ruled_short", "BEGINS(LastName, 'Ruled') && LEN(FirstName) = 1", "Names are longer.")
    + rule("Ruled_parent", "BEGINS(LastName, 'Ruled') && Account.Name = 'Closed' && Account.Owner:User.Profile.Name"
           " = $Profile.Name", "That account is closed.", field="AccountId")
    + rule("Ruled_once", "BEGINS(PRIORVALUE(LastName), 'Ruled') && ISCHANGED(Title) && NOT(ISBLANK(PRIORVALUE(Title)))",
           "The title stays.", field="Title")
    + rule("Ruled_divided", "BEGINS(LastName, 'Ruled0') && 1 / LEN(Title) > 2")
    + rule("Ruled_sleeping", "BEGINS(LastName, 'Ruled')", "Never.", active=False)
    + rule("Ruled_user", "LastName = 'Ruled ' &amp; $User.LastName".replace("&amp;", "&"), "Not yourself.")
)  # fmt: skip
TASK = rule(
    "Ruled_call",
    "AND(BEGINS(Subject, 'ruled'), ISPICKVAL(CallType, 'Inbound'), CallDurationInSeconds < 5)",
    "Too short to be logged.",
    field="CallDurationInSeconds",
)


@pytest.fixture(scope="module")
async def ruled(world: World) -> dict[str, Any]:
    """An org whose contacts and tasks obey rules, as far as their names ask for it."""
    http = await client_of(world, ADMIN)
    result = await deploy(http, package(Contact=CONTACT, Task=TASK))
    await http.aclose()
    assert result["success"], result["details"]["componentFailures"]
    return result


async def refused(http: httpx2.AsyncClient, name: str, **fields: Any) -> list[tuple[str, str, list[str]]]:
    answer = await http.post(f"{DATA}/sobjects/{name}", json=fields)
    assert answer.status_code == 400, answer.text
    return [(row["errorCode"], row["message"], row["fields"]) for row in answer.json()]


CODE = "FIELD_CUSTOM_VALIDATION_EXCEPTION"


async def test_rules_are_deployed_and_read_back(ruled: dict[str, Any], world: World) -> None:
    done = {row["fullName"]: row for row in ruled["details"]["componentSuccesses"]}
    assert done["Contact.Ruled_no_phone"]["componentType"] == "ValidationRule"
    assert done["Contact.Ruled_no_phone"]["id"].startswith("03d")
    conn = await connect(world.settings, "crm_test_acme")
    kept = {one.name: one for one in await rules_of(conn, "Contact")}
    await conn.close()
    assert (kept["Ruled_no_phone"].field, kept["Ruled_no_phone"].message) == ("Phone", "A phone is needed.")
    assert kept["Ruled_sleeping"].active is False


async def test_the_same_rules_again_change_nothing(ruled: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    result = await deploy(admin, package(Contact=CONTACT, Task=TASK))
    assert not any(row["changed"] or row["created"] for row in result["details"]["componentSuccesses"])


async def test_every_broken_rule_is_told(ruled: dict[str, Any], agent: httpx2.AsyncClient) -> None:
    assert await refused(agent, "Contact", LastName="Ruled", FirstName="A") == [
        (CODE, "A phone is needed.", ["Phone"]),
        (CODE, "Names are longer.", []),
    ]
    record_id = await make(agent, "Contact", LastName="Ruled", FirstName="Ann", Phone="1")
    answer = await agent.patch(f"{DATA}/sobjects/Contact/{record_id}", json={"Phone": None})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, CODE)
    found = await soql(agent, f"SELECT Phone FROM Contact WHERE Id = '{record_id}'")
    assert found["records"][0]["Phone"] == "1", "a refused change leaves no trace"


async def test_a_call_log_may_be_refused_by_a_rule(ruled: dict[str, Any], agent: httpx2.AsyncClient) -> None:
    log = {"Subject": "ruled call", "CallType": "Inbound", "Status": "Completed"}
    assert await refused(agent, "Task", **log, CallDurationInSeconds=3) == [
        (CODE, "Too short to be logged.", ["CallDurationInSeconds"])
    ]
    await make(agent, "Task", **log, CallDurationInSeconds=5)
    await make(agent, "Task", **log)  # a blank number is not less than five


async def test_parents_and_the_user_are_looked_at(
    ruled: dict[str, Any], agent: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    mine, theirs = [await make(http, "Account", Name="Closed") for http in (agent, admin)]
    good = {"LastName": "Ruled", "FirstName": "Ann", "Phone": "1"}
    assert await refused(agent, "Contact", **good, AccountId=mine) == [
        (CODE, "That account is closed.", ["AccountId"])
    ]
    await make(agent, "Contact", **good, AccountId=theirs)
    assert await refused(agent, "Contact", LastName="Ruled 佐藤", Phone="1") == [(CODE, "Not yourself.", [])]


async def test_a_change_is_compared_with_what_was(ruled: dict[str, Any], agent: httpx2.AsyncClient) -> None:
    record_id = await make(agent, "Contact", LastName="Ruled", FirstName="Ann", Phone="1")
    url = f"{DATA}/sobjects/Contact/{record_id}"
    assert (await agent.patch(url, json={"Title": "First"})).status_code == 204
    assert (await agent.patch(url, json={"Title": "First", "Department": "A"})).status_code == 204
    answer = await agent.patch(url, json={"Title": "Second"})
    assert answer.json()[0]["message"] == "The title stays."


async def test_a_rule_that_cannot_be_computed_refuses(
    ruled: dict[str, Any], agent: httpx2.AsyncClient
) -> None:
    assert await refused(agent, "Contact", LastName="Ruled0", Phone="1") == [
        (CODE, "入力規則 Ruled_divided を評価できませんでした: Division by zero", [])
    ]


async def test_collections_answer_row_by_row(ruled: dict[str, Any], agent: httpx2.AsyncClient) -> None:
    rows = [
        {"attributes": {"type": "Contact"}, "LastName": "Ruled", "FirstName": "Ann", "Phone": phone}
        for phone in ["1", None, "2"]
    ]
    answer = await agent.post(f"{DATA}/composite/sobjects", json={"records": rows})
    assert [row["success"] for row in answer.json()] == [True, False, True]
    assert answer.json()[1]["errors"] == [
        {"statusCode": CODE, "message": "A phone is needed.", "fields": ["Phone"]}
    ]
    answer = await agent.post(f"{DATA}/composite/sobjects", json={"records": rows, "allOrNone": True})
    assert [row["errors"][0]["statusCode"] for row in answer.json()] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK", CODE, "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    ]  # fmt: skip
    many = [rows[0] | {"FirstName": f"Ann{n}"} for n in range(200)]
    answer = await agent.post(f"{DATA}/composite/sobjects", json={"records": many})
    assert all(row["success"] for row in answer.json())


async def test_a_wrong_rule_is_not_deployed(ruled: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    wrong = {
        "A1": ("Nothing__c = 1", "Field Nothing__c does not exist. Check spelling."),
        "A2": ("LastName", "incompatible with expected data type (true or false)"),
        "A3": ("LEN(LastName", "Syntax error"),
        "A4": ("FOO(1)", "Unknown function FOO"),
        "A5": ("LeadSource = 'Web'", "picklist field"),
        "A6": ("Account.Nothing = 1", "Field Account.Nothing does not exist"),
        "A7": ("$User.Nothing = 1", "does not exist"),
        "A8": ("ISCHANGED(Account.Name)", "a field of the record itself"),
    }
    rules = "".join(rule(name, formula) for name, (formula, _) in wrong.items())
    rules += rule("A9", "TRUE", field="Nothing") + rule("A_", "TRUE")
    result = await deploy(admin, package(Contact=rules))
    assert result["success"] is False
    problems = {row["fullName"]: row["problem"] for row in result["details"]["componentFailures"]}
    for name, (_, words) in wrong.items():
        assert words in problems[f"Contact.{name}"]
    assert "does not exist" in problems["Contact.A9"]
    assert "underscores" in problems["Contact.A_"]
    assert not (await soql(admin, "SELECT Id FROM Contact WHERE LastName = 'None'"))["records"]


async def test_a_rule_of_an_activity_belongs_to_tasks_or_events(admin: httpx2.AsyncClient) -> None:
    result = await deploy(admin, package(Activity=rule("A", "FALSE")))
    assert "belong to Task and Event" in result["details"]["componentFailures"][0]["problem"]


async def test_a_deleted_rule_holds_no_more(
    ruled: dict[str, Any], admin: httpx2.AsyncClient, world: World
) -> None:
    assert (await deploy(admin, package(Lead=rule("Gone", "Company = 'Ruled'"))))["success"]
    fields = {"LastName": "A", "Company": "Ruled"}
    await refused(admin, "Lead", **fields)
    conn = await connect(world.settings, "crm_test_acme")
    catalogue = await load_catalogue(conn)
    assert "Lead" in catalogue.objects
    assert await delete_rule(conn, "Lead", "gone") is True
    assert await delete_rule(conn, "Lead", "gone") is False
    await conn.close()
    await make(admin, "Lead", **fields)
