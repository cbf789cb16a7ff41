"""Records shared one by one and by rules: every door follows, and only those share who may."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .browser import Browser
from .conftest import ADMIN, PASSWORD, World
from .office import NAMES, ROLES, Office
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_rest import DATA, error, make, soql
from .test_sharing import above


def rules(object_name: str, inside: str) -> bytes:
    text = f'<?xml version="1.0"?><SharingRules {NS}>{inside}</SharingRules>'
    files: dict[str, str | bytes] = {
        "package.xml": manifest(SharingRules=[object_name]),
        f"sharingRules/{object_name}.sharingRules": text,
    }
    return archive(files)


def criteria_rule(name: str, access: str, target: str, *lines: tuple[str, str, str], logic: str = "") -> str:
    items = "".join(
        f"<criteriaItems><field>{field}</field><operation>{operation}</operation><value>{value}</value></criteriaItems>"
        for field, operation, value in lines
    )
    combined = f"<booleanFilter>{logic}</booleanFilter>" if logic else ""
    return (
        f"<sharingCriteriaRules><fullName>{name}</fullName><accessLevel>{access}</accessLevel><label>{name}</label>"
        f"<sharedTo>{target}</sharedTo>{combined}{items}</sharingCriteriaRules>"
    )


def owner_rule(name: str, access: str, source: str, target: str) -> str:
    return (
        f"<sharingOwnerRules><fullName>{name}</fullName><accessLevel>{access}</accessLevel><label>{name}</label>"
        f"<sharedTo>{target}</sharedTo><sharedFrom>{source}</sharedFrom></sharingOwnerRules>"
    )


async def statuses(http: httpx2.AsyncClient, path: str) -> list[int]:
    """What reading, changing nothing and asking by query answer."""
    read = await http.get(f"{DATA}/sobjects/{path}")
    write = await http.patch(f"{DATA}/sobjects/{path}", json={})
    ui = await http.get(f"{DATA}/ui-api/records/{path.partition('/')[2]}?fields={path.partition('/')[0]}.Id")
    assert ui.status_code == read.status_code
    name, _, record_id = path.partition("/")
    found = await soql(http, f"SELECT Id FROM {name} WHERE Id = '{record_id}'")
    assert found["totalSize"] == (1 if read.status_code == 200 else 0)
    access = await soql(
        http,
        f"SELECT MaxAccessLevel FROM UserRecordAccess WHERE RecordId = '{record_id}' AND UserId ="
        f" '{(await http.get('/services/oauth2/userinfo')).json()['user_id']}'",
    )
    level = access["records"][0]["MaxAccessLevel"]
    expected = {"None": [404, 404], "Read": [200, 403], "Edit": [200, 204], "All": [200, 204]}
    assert [read.status_code, write.status_code] == expected[level]
    return [read.status_code, write.status_code]


async def test_a_record_is_shared_by_hand_as_far_as_its_owner_says(private: Office) -> None:
    owner, other = private.clients[0], private.clients[1]
    case = private.cases[private.users[0]]
    assert await statuses(other, f"Case/{case}") == [404, 404]
    asked = {"CaseId": case, "UserOrGroupId": private.users[1], "CaseAccessLevel": "Read"}
    share = await make(owner, "CaseShare", **asked)
    assert share.startswith("01n")
    assert await statuses(other, f"Case/{case}") == [200, 403]
    changed = await owner.patch(f"{DATA}/sobjects/CaseShare/{share}", json={"CaseAccessLevel": "Edit"})
    assert changed.status_code == 204
    assert await statuses(other, f"Case/{case}") == [200, 204]
    assert error(await other.delete(f"{DATA}/sobjects/Case/{case}")) == (
        403,
        "INSUFFICIENT_ACCESS_OR_READONLY",
    )
    assert await make(owner, "CaseShare", **asked) == share  # once more is once
    assert await statuses(other, f"Case/{case}") == [200, 403]
    rows = await soql(
        owner, f"SELECT UserOrGroupId, CaseAccessLevel, RowCause FROM CaseShare WHERE CaseId = '{case}'"
    )
    assert {(row["UserOrGroupId"], row["CaseAccessLevel"], row["RowCause"]) for row in rows["records"]} == {
        (private.users[0], "All", "Owner"),
        (private.users[1], "Read", "Manual"),
    }
    below = await soql(owner, f"SELECT Id, (SELECT Id FROM Shares) FROM Case WHERE Id = '{case}'")
    assert below["records"][0]["Shares"]["totalSize"] == 2
    assert (await owner.delete(f"{DATA}/sobjects/CaseShare/{share}")).status_code == 204
    assert await statuses(other, f"Case/{case}") == [404, 404]
    assert error(await owner.get(f"{DATA}/sobjects/CaseShare/{share}")) == (404, "NOT_FOUND")


async def test_those_above_a_user_reach_what_is_shared_with_the_user(private: Office) -> None:
    case = private.cases[private.users[0]]
    await private.arrange([None, 0, None, None], [None, 1, 0, None], set(), {3})
    owner, target, boss, helper = private.clients
    share = await make(
        owner, "CaseShare", CaseId=case, UserOrGroupId=private.users[1], CaseAccessLevel="Read"
    )
    assert [await statuses(http, f"Case/{case}") for http in (target, boss, helper)] == [
        [200, 403],
        [200, 403],
        [404, 404],
    ]
    await owner.delete(f"{DATA}/sobjects/CaseShare/{share}")
    for kind, expected in (("Role", 404), ("RoleAndSubordinates", 200)):
        group = await soql(
            private.admin,
            f"SELECT Id FROM Group WHERE Type = '{kind}' AND RelatedId = '{private.roles[0]}'",
        )
        share = await make(
            owner, "CaseShare", CaseId=case, UserOrGroupId=group["records"][0]["Id"], CaseAccessLevel="Edit"
        )
        assert (await boss.get(f"{DATA}/sobjects/Case/{case}")).status_code == 200
        assert (await target.get(f"{DATA}/sobjects/Case/{case}")).status_code == expected
        assert (await owner.delete(f"{DATA}/sobjects/CaseShare/{share}")).status_code == 204
    await make(owner, "CaseShare", CaseId=case, UserOrGroupId=private.group, CaseAccessLevel="Edit")
    assert await statuses(helper, f"Case/{case}") == [200, 204]
    await private.patch("Case", case, OwnerId=private.users[1])
    assert await statuses(helper, f"Case/{case}") == [404, 404], "a new owner shares anew"
    await private.patch("Case", case, OwnerId=private.users[0])


async def test_nobody_shares_more_than_they_may(private: Office) -> None:
    owner, other = private.clients[0], private.clients[1]
    case, url = private.cases[private.users[0]], f"{DATA}/sobjects/CaseShare"
    good = {"CaseId": case, "UserOrGroupId": private.users[2], "CaseAccessLevel": "Read"}

    async def refused(http: httpx2.AsyncClient, **changes: Any) -> tuple[int, str]:
        return error(await http.post(url, json=good | changes))

    assert await refused(other) == (400, "INVALID_CROSS_REFERENCE_KEY")
    assert await refused(owner, CaseAccessLevel="All") == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    assert await refused(owner, RowCause="Rule") == (400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST")
    assert await refused(owner, UserOrGroupId=private.queue) == (400, "INVALID_CROSS_REFERENCE_KEY")
    assert await refused(owner, UserOrGroupId=private.users[0]) == (400, "FIELD_FILTER_VALIDATION_EXCEPTION")
    assert await refused(owner, CaseId=None) == (400, "REQUIRED_FIELD_MISSING")
    assert await refused(owner, CaseId=private.users[0]) == (400, "FIELD_INTEGRITY_EXCEPTION")
    share = await make(owner, "CaseShare", **good | {"UserOrGroupId": private.users[1]})
    assert await refused(other) == (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")
    assert error(await other.delete(f"{url}/{share}")) == (
        400,
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    )
    moved = await owner.patch(f"{url}/{share}", json={"UserOrGroupId": private.users[2]})
    assert error(moved) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    assert error(await private.clients[2].get(f"{url}/{share}")) == (404, "NOT_FOUND")
    rows = await soql(owner, f"SELECT Id FROM CaseShare WHERE CaseId = '{case}' AND RowCause = 'Owner'")
    own = rows["records"][0]["Id"]
    assert error(await owner.delete(f"{url}/{own}")) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert (await owner.get(f"{url}/{own}")).json()["CaseAccessLevel"] == "All"
    assert error(await owner.delete(f"{url}/01n000000000000AAA")) == (404, "INVALID_CROSS_REFERENCE_KEY")
    assert (await owner.delete(f"{url}/{share}")).status_code == 204
    trivial = await make(private.admin, "Account", Name="Open to all")
    shared = {"AccountId": trivial, "UserOrGroupId": private.users[1], "AccountAccessLevel": "Edit"}
    answer = await private.admin.post(f"{DATA}/sobjects/AccountShare", json=shared)
    assert error(answer) == (400, "FIELD_FILTER_VALIDATION_EXCEPTION")
    assert "trivial share level Edit" in answer.json()[0]["message"]


async def remove_rules(world: World, object_name: str) -> None:
    """As an administrator removes them in Set-up."""
    browser = Browser(world.port)
    await browser.open_console(ADMIN, PASSWORD)
    for rule in (await browser.api("GET", "setup/sharing-rules")).json()["rules"]:
        if rule["object"] == object_name:
            answer = await browser.api("DELETE", f"setup/sharing-rules/{object_name}/{rule['name']}")
            assert answer.status_code == 204
    gone = await browser.api("DELETE", f"setup/sharing-rules/{object_name}/Nothing")
    assert gone.status_code == 404
    await browser.close()


@pytest.fixture
async def ruled(private: Office, world: World) -> AsyncIterator[Office]:
    """The private office with three rules for cases."""
    await private.patch("UserRole", private.roles[0], DeveloperName="Head")
    await private.patch("UserRole", private.roles[1], DeveloperName="Desk")
    await private.patch("Group", private.group, DeveloperName="Helpers")
    await private.arrange([None, 0, None, None], [1, None, None, None], set(), {1})
    inside = (
        owner_rule("From_Desk", "Read", "<role>Desk</role>", "<group>Helpers</group>")
        + criteria_rule(
            "Urgent", "Edit", "<group>Helpers</group>", ("Priority", "equals", "High, Medium"),
            ("Subject", "startsWith", "ruled"), ("Origin", "equals", ""), logic="2 AND (1 OR NOT 3)",
        )
        + criteria_rule("Everybody", "Read", "<allInternalUsers/>", ("Reason", "contains", "perform"))
    )  # fmt: skip
    result = await deploy(private.admin, rules("Case", inside))
    assert result["success"], [row["problem"] for row in result["details"]["componentFailures"]]
    again = await deploy(private.admin, rules("Case", inside))
    assert not any(row["changed"] for row in again["details"]["componentSuccesses"])
    yield private
    await remove_rules(world, "Case")


async def test_rules_share_what_they_name(ruled: Office) -> None:
    desk, helper, stranger = ruled.clients[:3]
    case = ruled.cases[ruled.users[0]]
    assert await statuses(helper, f"Case/{case}") == [200, 403]
    assert await statuses(stranger, f"Case/{case}") == [404, 404]
    apart = await make(
        ruled.admin, "Case", Subject="Ruled out", Priority="Low", Origin="Web", OwnerId=ruled.users[3]
    )
    assert await statuses(helper, f"Case/{apart}") == [200, 204]  # an origin, so NOT 3 holds
    await ruled.patch("Case", apart, Origin=None)
    assert await statuses(helper, f"Case/{apart}") == [404, 404]
    await ruled.patch("Case", apart, Priority="High")
    assert await statuses(helper, f"Case/{apart}") == [200, 204]
    await ruled.patch("Case", apart, Reason="Performance")
    assert await statuses(stranger, f"Case/{apart}") == [200, 403]
    assert await statuses(desk, f"Case/{apart}") == [200, 403]
    rows = await soql(
        ruled.admin,
        f"SELECT Id, UserOrGroup.Name, CaseAccessLevel FROM CaseShare WHERE CaseId = '{apart}' AND RowCause = 'Rule'",
    )
    assert {row["CaseAccessLevel"] for row in rows["records"]} == {"Edit", "Read"}
    assert len({row["Id"] for row in rows["records"]}) == 2
    by_rule = rows["records"][0]["Id"]
    assert (await ruled.admin.get(f"{DATA}/sobjects/CaseShare/{by_rule}")).json()["CaseId"] == apart
    gone = await ruled.admin.delete(f"{DATA}/sobjects/CaseShare/{by_rule}")
    assert error(gone) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")


async def test_wrong_rules_are_not_deployed(ruled: Office) -> None:
    for inside, words in (
        (owner_rule("A", "All", "<role>Desk</role>", "<role>Head</role>"), "accessLevel All is not valid"),
        (owner_rule("A", "Read", "<role>Nobody</role>", "<role>Head</role>"), "no role named Nobody"),
        (owner_rule("A", "Read", "<role>Desk</role>", "<queue>Q</queue>"), "cannot be shared with a queue"),
        (criteria_rule("A", "Read", "<role>Head</role>"), "criteriaItems"),
        (criteria_rule("A", "Read", "<role>Head</role>", ("Nothing", "equals", "x")), "does not exist"),
        (criteria_rule("A", "Read", "<role>Head</role>", ("IsClosed", "lessThan", "true")), "cannot be used"),
        (criteria_rule("A", "Read", "<role>Head</role>", ("IsClosed", "equals", "maybe")), "is not a value"),
        (criteria_rule("A", "Read", "<role>Head</role>", ("Origin", "equals", "Web"), logic="1 AND 2"), "unexpected 2"),
    ):  # fmt: skip
        result = await deploy(ruled.admin, rules("Case", inside))
        assert words in result["details"]["componentFailures"][0]["problem"]
    result = await deploy(
        ruled.admin, rules("Account", owner_rule("A", "Read", "<role>Desk</role>", "<role>Head</role>"))
    )
    assert "see its sharingModel" in result["details"]["componentFailures"][0]["problem"]


async def test_sharing_an_account_opens_what_is_below_it(private: Office, world: World) -> None:
    def sharing(model: str) -> bytes:
        files: dict[str, str | bytes] = {"package.xml": manifest(CustomObject=["Account", "Contact"])}
        for name in ("Account", "Contact"):
            text = f"<CustomObject {NS}><sharingModel>{model}</sharingModel></CustomObject>"
            files[f"objects/{name}.object"] = text
        return archive(files)

    assert (await deploy(private.admin, sharing("Private")))["success"]
    try:
        account = await make(private.admin, "Account", Name="Shared below")
        contact = await make(private.admin, "Contact", LastName="Below", AccountId=account)
        shared = {
            "AccountId": account,
            "UserOrGroupId": private.users[0],
            "AccountAccessLevel": "Read",
            "ContactAccessLevel": "Edit",
        }
        await make(private.admin, "AccountShare", **shared)
        http = private.clients[0]
        assert await statuses(http, f"Account/{account}") == [200, 403]
        assert await statuses(http, f"Contact/{contact}") == [200, 204]
        rule = criteria_rule("Below", "Read", "<allInternalUsers/>", ("Name", "equals", "Shared below"))
        below = "<accountSettings><contactAccessLevel>Read</contactAccessLevel></accountSettings><label>"
        assert (await deploy(private.admin, rules("Account", rule.replace("<label>", below, 1))))["success"]
        assert await statuses(private.clients[1], f"Contact/{contact}") == [200, 403]
        await remove_rules(world, "Account")
        assert await statuses(private.clients[1], f"Contact/{contact}") == [404, 404]
        await private.arrange([None, 0, None, None], [None, None, 1, 0], set(), set())
        owner, boss, stranger = private.clients[2], private.clients[3], private.clients[1]
        for name, fields in (
            ("Case", {"Subject": "below"}),
            ("Contact", {"LastName": "Below"}),
            ("Opportunity", {"Name": "Below", "StageName": "Prospecting", "CloseDate": "2026-12-31"}),
        ):
            parent = await make(private.admin, "Account", Name="Seen from below")
            child = await make(private.admin, name, AccountId=parent, OwnerId=private.users[2], **fields)
            assert [await statuses(http, f"Account/{parent}") for http in (owner, boss, stranger)] == [
                [200, 403],
                [200, 403],
                [404, 404],
            ]
            assert (await private.admin.delete(f"{DATA}/sobjects/{name}/{child}")).status_code == 204
            assert await statuses(owner, f"Account/{parent}") == [404, 404]
    finally:
        assert (await deploy(private.admin, sharing("ReadWrite")))["success"]


SECRET = f"""<CustomObject {NS}><label>Secret</label><nameField><label>Name</label><type>Text</type></nameField>
<pluralLabel>Secrets</pluralLabel><sharingModel>%s</sharingModel></CustomObject>"""


async def test_custom_objects_that_are_not_open_have_shares(private: Office) -> None:
    def package(model: str) -> bytes:
        return archive(
            {"package.xml": manifest(CustomObject=["Secret__c"]), "objects/Secret__c.object": SECRET % model}
        )

    owner, other = private.clients[0], private.clients[1]
    assert (await deploy(private.admin, package("ReadWrite")))["success"]
    assert error(await owner.get(f"{DATA}/sobjects/Secret__Share/describe")) == (404, "NOT_FOUND")
    assert (await deploy(private.admin, package("Private")))["success"]
    described = (await owner.get(f"{DATA}/sobjects/Secret__Share/describe")).json()
    assert (described["associateEntityType"], described["associateParentEntity"]) == ("Share", "Secret__c")
    names = [item["name"] for item in described["fields"]]
    assert names[:5] == ["Id", "ParentId", "UserOrGroupId", "AccessLevel", "RowCause"]
    record = await make(owner, "Secret__c", Name="S")
    assert await statuses(other, f"Secret__c/{record}") == [404, 404]
    await make(
        owner, "Secret__Share", ParentId=record, UserOrGroupId=private.users[1], AccessLevel="Edit",
        RowCause="Manual",
    )  # fmt: skip
    assert await statuses(other, f"Secret__c/{record}") == [200, 204]
    found = await soql(
        other, f"SELECT Parent.Name, AccessLevel FROM Secret__Share WHERE ParentId = '{record}'"
    )
    assert {(row["Parent"]["Name"], row["AccessLevel"]) for row in found["records"]} == {
        ("S", "All"),
        ("S", "Edit"),
    }
    assert (await private.admin.delete(f"{DATA}/sobjects/Secret__c/{record}")).status_code == 204
    left = await soql(other, f"SELECT Id FROM Secret__Share WHERE ParentId = '{record}'")
    assert left["totalSize"] == 0
    assert (await deploy(private.admin, package("ReadWrite")))["success"]
    assert error(await owner.get(f"{DATA}/sobjects/Secret__Share/describe")) == (404, "NOT_FOUND")


KINDS = ("user", "group", "Role", "RoleAndSubordinates", "everybody")


# A hundred requests each; the office is arranged anew by every example.
@settings(
    max_examples=settings().max_examples // 10,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
async def test_everybody_reaches_what_is_shared_with_them_as_the_model_says(
    private: Office, data: st.DataObject
) -> None:
    count = len(NAMES)
    parents: list[int | None] = [
        data.draw(st.none() | st.integers(0, number - 1)) if number else None for number in range(ROLES)
    ]
    roles = data.draw(st.lists(st.none() | st.integers(0, ROLES - 1), min_size=count, max_size=count))
    grouped = data.draw(st.sets(st.integers(0, count - 1)))
    one_share = st.tuples(
        st.integers(0, count - 1), st.sampled_from(KINDS), st.integers(0, count - 1), st.sampled_from(["Read", "Edit"])
    )  # fmt: skip
    shares = data.draw(st.lists(one_share, max_size=4))
    await private.arrange(parents, roles, set(), grouped)
    groups = await soql(private.admin, "SELECT Id, Type, RelatedId FROM Group WHERE Type <> 'Queue'")
    known = {(row["Type"], row["RelatedId"]): row["Id"] for row in groups["records"]}

    def members(kind: str, number: int) -> set[int]:
        """Users a share reaches before anybody looks up from above."""
        if kind == "user":
            return {number}
        if kind == "group":
            return grouped
        if kind == "everybody":
            return set(range(count))
        inside = {user for user in range(count) if roles[user] == number}
        if kind == "RoleAndSubordinates":
            inside |= {user for user in range(count) if number in above(parents, roles[user])}
        return inside

    def grantee(kind: str, number: int) -> str:
        if kind == "user":
            return private.users[number]
        if kind == "group":
            return private.group
        return known["Organization", None] if kind == "everybody" else known[kind, private.roles[number]]

    levels: dict[tuple[int, str], tuple[set[int], str]] = {}
    for owner, kind, number, level in shares:
        if kind == "user" and number == owner:
            continue
        await make(
            private.clients[owner],
            "CaseShare",
            CaseId=private.cases[private.users[owner]],
            UserOrGroupId=grantee(kind, number),
            CaseAccessLevel=level,
        )
        levels[owner, grantee(kind, number)] = (members(kind, number), level)  # the last one counts
    for user, http in enumerate(private.clients):
        below = {other for other in range(count) if roles[user] in above(parents, roles[other])}
        mine = {user} | below
        expected: dict[str, str] = {}
        if grouped & mine:  # the group is in the queue
            expected[private.cases[private.queue]] = "Edit"
        for owner in range(count):
            case = private.cases[private.users[owner]]
            reached = {level for (of, _), (who, level) in levels.items() if of == owner and who & mine}
            if owner in mine:
                expected[case] = "Edit"  # agents have no right to delete cases
            elif reached:
                expected[case] = "Edit" if "Edit" in reached else "Read"
        found = await soql(http, "SELECT Id FROM Case WHERE Subject = 'shared'")
        assert {row["Id"] for row in found["records"]} == expected.keys()
        ids = ", ".join(f"'{case}'" for case in private.cases.values())
        access = await soql(
            http,
            "SELECT RecordId, MaxAccessLevel FROM UserRecordAccess"
            f" WHERE UserId = '{private.users[user]}' AND RecordId IN ({ids})",
        )
        told = {row["RecordId"]: row["MaxAccessLevel"] for row in access["records"]}
        assert {case: level for case, level in told.items() if level != "None"} == expected
        rows = await soql(http, "SELECT CaseId FROM CaseShare WHERE RowCause = 'Owner'")
        assert {row["CaseId"] for row in rows["records"]} & set(private.cases.values()) == expected.keys()
