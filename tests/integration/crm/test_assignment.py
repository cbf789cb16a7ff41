"""Assignment rules: leads and cases go where the active rule, or the one that is named, says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from .conftest import ADMIN, AGENT, World, client_of
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_rest import DATA, error, make, soql
from .test_soap import session_of
from .test_soap_records import Soap, sobject


def entry(owner: str, kind: str, *lines: tuple[str, str, str], logic: str = "") -> str:
    items = "".join(
        f"<criteriaItems><field>{field}</field><operation>{operation}</operation><value>{value}</value></criteriaItems>"
        for field, operation, value in lines
    )
    combined = f"<booleanFilter>{logic}</booleanFilter>" if logic else ""
    return (
        f"<ruleEntry><assignedTo>{owner}</assignedTo><assignedToType>{kind}</assignedToType>{combined}{items}"
        "</ruleEntry>"
    )


def package(inside: str, object_name: str = "Case") -> bytes:
    return archive(
        {
            "package.xml": manifest(AssignmentRules=[object_name]),
            f"assignmentRules/{object_name}.assignmentRules": (
                f'<?xml version="1.0"?><AssignmentRules {NS}>{inside}</AssignmentRules>'
            ),
        }
    )


def rule(name: str, *entries: str, active: bool) -> str:
    return (
        f"<assignmentRule><fullName>{name}</fullName><active>{str(active).lower()}</active>"
        f"{''.join(entries)}</assignmentRule>"
    )


@dataclass(frozen=True)
class Desk:
    """Ids of who gets cases."""

    queue: str
    agent: str
    admin: str
    other_rule: str


@pytest.fixture(scope="module")
async def desk(world: World) -> AsyncIterator[Desk]:
    http = await client_of(world, ADMIN)
    queue = await make(http, "Group", Name="Urgent desk", Type="Queue", DeveloperName="Urgent_Desk")
    await make(http, "QueueSobject", QueueId=queue, SobjectType="Case")
    ids = {
        row["Username"]: row["Id"] for row in (await soql(http, "SELECT Id, Username FROM User"))["records"]
    }
    entries = (
        entry("Urgent_Desk", "Queue", ("Case.Priority", "equals", "High"), ("Origin", "equals", "Web"), logic="1 OR 2"),
        entry(AGENT, "User", ("Subject", "contains", "agent")),
    )  # fmt: skip
    inside = rule("By urgency", *entries, active=True) + rule(
        "All to agent", entry(AGENT, "User"), active=False
    )
    result = await deploy(http, package(inside))
    assert result["success"], [row["problem"] for row in result["details"]["componentFailures"]]
    again = await deploy(http, package(inside))
    assert [row["changed"] for row in again["details"]["componentSuccesses"]] == [False]
    rows = await soql(
        http, "SELECT Id, Name, Active FROM AssignmentRule WHERE SobjectType = 'Case' ORDER BY Name"
    )
    assert [(row["Name"], row["Active"]) for row in rows["records"]] == [
        ("All to agent", False),
        ("By urgency", True),
    ]
    yield Desk(queue, ids[AGENT], ids[ADMIN], rows["records"][0]["Id"])
    off = inside.replace("<active>true", "<active>false")
    assert (await deploy(http, package(off)))["success"]
    await http.aclose()


async def owner_of(http: httpx2.AsyncClient, case: str) -> str:
    return (await http.get(f"{DATA}/sobjects/Case/{case}?fields=OwnerId")).json()["OwnerId"]


async def created(http: httpx2.AsyncClient, assign: str | None = None, **fields: Any) -> str:
    headers = {} if assign is None else {"Sforce-Auto-Assign": assign}
    answer = await http.post(f"{DATA}/sobjects/Case", json=fields, headers=headers)
    assert answer.status_code == 201, answer.text
    return await owner_of(http, answer.json()["id"])


async def test_the_first_entry_that_holds_names_the_owner(desk: Desk, admin: httpx2.AsyncClient) -> None:
    assert await created(admin, Priority="High", Subject="agent") == desk.queue
    assert await created(admin, Origin="Web") == desk.queue
    assert await created(admin, Subject="For an AGENT", OwnerId=desk.admin) == desk.agent
    assert await created(admin, Subject="nobody's") == desk.admin


async def test_a_header_says_whether_rules_assign(desk: Desk, admin: httpx2.AsyncClient) -> None:
    assert await created(admin, "FALSE", Priority="High") == desk.admin
    assert await created(admin, "true", Priority="High") == desk.queue
    assert await created(admin, desk.other_rule, Priority="High") == desk.agent
    wrong = await admin.post(
        f"{DATA}/sobjects/Case", json={}, headers={"Sforce-Auto-Assign": "01Q000000000000AAA"}
    )
    assert error(wrong) == (400, "INVALID_CROSS_REFERENCE_KEY")
    rows = [{"attributes": {"type": "Case"}, "Priority": priority} for priority in ("High", "Low")]
    saved = (await admin.post(f"{DATA}/composite/sobjects", json={"records": rows})).json()
    assert [await owner_of(admin, row["id"]) for row in saved] == [desk.queue, desk.admin]
    case = saved[1]["id"]
    await admin.patch(
        f"{DATA}/sobjects/Case/{case}", json={"Priority": "High"}, headers={"Sforce-Auto-Assign": "FALSE"}
    )
    assert await owner_of(admin, case) == desk.admin
    await admin.patch(f"{DATA}/sobjects/Case/{case}", json={"Reason": "Performance"})
    assert await owner_of(admin, case) == desk.queue


async def test_soap_asks_for_rules_by_a_header_only(
    desk: Desk, world: World, admin: httpx2.AsyncClient
) -> None:
    soap = Soap(admin, await session_of(admin))
    body = f"<create>{sobject('Case', Priority='High')}</create>"
    owners: list[str] = []
    for inside in (
        None,
        "<useDefaultRule>true</useDefaultRule>",
        f"<assignmentRuleId>{desk.other_rule}</assignmentRuleId>",
    ):
        header = f"<AssignmentRuleHeader>{inside}</AssignmentRuleHeader>" if inside else ""
        (saved,) = await soap(body, header)
        owners.append(await owner_of(admin, saved.findtext("{*}id")))
    assert owners == [desk.admin, desk.queue, desk.agent]


async def test_wrong_rules_are_not_deployed(desk: Desk, admin: httpx2.AsyncClient) -> None:
    for inside, words in (
        (entry("Nobody", "Queue"), "no Queue named Nobody"),
        (entry("nobody@acme.example", "User"), "no User named"),
        (entry(AGENT, "Robot"), "assignedToType Robot"),
        (entry(AGENT, "User", ("Nothing", "equals", "x")), "does not exist"),
        (entry(AGENT, "User").replace("</ruleEntry>", "<formula>true</formula></ruleEntry>"), "formula"),
    ):
        result = await deploy(admin, package(rule("Wrong", inside, active=True)))
        assert words in result["details"]["componentFailures"][0]["problem"]
    result = await deploy(admin, package("", "Contact"))
    assert "are for Lead and Case" in result["details"]["componentFailures"][0]["problem"]
