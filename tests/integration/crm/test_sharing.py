"""Which records users reach: every door against a plain model of owners, roles, queues and defaults."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from .browser import Browser
from .conftest import PASSWORD, World
from .office import DEFAULTS, NAMES, ROLES, Office, share
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_rest import DATA, error, make, soql


def above(parents: list[int | None], role: int | None) -> set[int]:
    """Roles strictly above a role."""
    found: set[int] = set()
    while role is not None and (role := parents[role]) is not None:
        found.add(role)
    return found


def reached(
    parents: list[int | None], roles: list[int | None], members: set[int], user: int
) -> tuple[set[int], bool]:
    """The model: users whose records a user reaches as an owner would, and whether the queue's, too."""
    mine = {user} | {other for other in range(len(roles)) if roles[user] in above(parents, roles[other])}
    return mine, bool(mine & members)


@settings(max_examples=settings().max_examples // 5)  # a hundred requests each
@given(data=st.data())
async def test_everybody_reaches_what_the_model_says(office: Office, data: st.DataObject) -> None:
    # A parent has a smaller number than its child, so the tree has no loop.
    parents: list[int | None] = [
        data.draw(st.none() | st.integers(0, number - 1)) if number else None for number in range(ROLES)
    ]
    roles = data.draw(
        st.lists(st.none() | st.integers(0, ROLES - 1), min_size=len(NAMES), max_size=len(NAMES))
    )
    people = st.sets(st.integers(0, len(NAMES) - 1))
    direct, grouped = data.draw(people), data.draw(people)
    sharing = data.draw(st.sampled_from(DEFAULTS))
    await office.arrange(parents, roles, direct, grouped)
    assert (await deploy(office.admin, share(sharing)))["success"]
    everything = set(office.cases.values())
    for number, http in enumerate(office.clients):
        owners, queue = reached(parents, roles, direct | grouped, number)
        own = {office.cases[office.users[owner]] for owner in owners}
        own |= {office.cases[office.queue]} if queue else set()
        expected = {
            "HasReadAccess": own if sharing == "Private" else everything,
            "HasEditAccess": everything if sharing == "ReadWrite" else own,
        }
        found = await soql(http, "SELECT Id FROM Case WHERE Subject = 'shared'")
        assert {row["Id"] for row in found["records"]} == expected["HasReadAccess"]
        counted = await soql(http, "SELECT COUNT() FROM Case WHERE Subject = 'shared'")
        assert counted["totalSize"] == len(expected["HasReadAccess"])
        ids = ", ".join(f"'{case}'" for case in office.cases.values())
        access = await soql(
            http,
            "SELECT RecordId, HasReadAccess, HasEditAccess, MaxAccessLevel FROM UserRecordAccess"
            f" WHERE UserId = '{office.users[number]}' AND RecordId IN ({ids})",
        )
        for name, allowed in expected.items():
            assert {row["RecordId"] for row in access["records"] if row[name]} == allowed
        case = office.cases[office.users[(number + 1) % len(NAMES)]]
        read = await http.get(f"{DATA}/sobjects/Case/{case}")
        assert (read.status_code == 200) == (case in expected["HasReadAccess"])
        write = await http.patch(f"{DATA}/sobjects/Case/{case}", json={"Priority": "High"})
        if case in expected["HasEditAccess"]:
            assert write.status_code == 204
        elif case in expected["HasReadAccess"]:
            assert error(write) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
        else:
            assert error(write) == (404, "INVALID_CROSS_REFERENCE_KEY")


async def test_no_door_of_the_console_shows_what_is_out_of_reach(private: Office, world: World) -> None:
    mine, other = private.cases[private.users[0]], private.cases[private.users[1]]
    account = await make(private.admin, "Account", Name="Meeting place")
    await private.patch("Case", other, AccountId=account)
    browser = Browser(world.port)
    await browser.open_console("a@office.example", PASSWORD)
    listed = (await browser.api("GET", "list/Case", params={"limit": "200"})).json()
    ids = {row["Id"] for row in listed["records"]}
    assert mine in ids
    assert not ids & (set(private.cases.values()) - {mine})
    assert listed["total"] == len(ids)
    assert (await browser.api("GET", f"record/{other}")).status_code == 404
    assert (await browser.api("GET", f"record/{other}/timeline")).status_code == 404
    shown = (await browser.api("GET", f"record/{mine}")).json()
    assert (shown["can_edit"], shown["can_delete"]) == (True, False)
    found = (await browser.api("GET", "search", params={"q": "shared", "objects": "Case"})).json()
    assert {row["Id"] for group in found["groups"] for row in group["records"]} == {mine}
    await make(private.admin, "Task", Subject="about the hidden case", WhatId=other)
    people = (await browser.api("GET", "list/Task", params={"search": "about the hidden case"})).json()
    assert people["records"][0]["WhatId"] == {"Id": other, "Name": None}
    await browser.close()


async def test_no_resource_shows_what_is_out_of_reach(private: Office) -> None:
    http, other = private.clients[0], private.cases[private.users[1]]
    span = {"start": "2026-11-01T00:00:00Z", "end": "2099-01-01T00:00:00Z"}
    recent = (await private.admin.get(f"{DATA}/sobjects/Case/{other}")).json()["SystemModstamp"]
    span["start"] = recent.replace("+0000", "Z")
    changed = (await http.get(f"{DATA}/sobjects/Case/updated", params=span)).json()
    assert other not in changed["ids"]
    found = (await http.get(f"{DATA}/search", params={"q": "FIND {shared} RETURNING Case(Id)"})).json()
    assert other not in {row["Id"] for row in found["searchRecords"]}
    task = await make(private.admin, "Task", Subject="parent path", WhatId=other)
    path = await soql(http, f"SELECT What.Name, WhatId FROM Task WHERE Id = '{task}'")
    assert (path["records"][0]["WhatId"], (path["records"][0]["What"] or {}).get("Name")) == (other, None)
    linked = await http.post(f"{DATA}/sobjects/Task", json={"Subject": "x", "WhatId": other})
    assert error(linked) == (400, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY")
    collected = await http.request(
        "GET", f"{DATA}/composite/sobjects/Case", params={"ids": other, "fields": "Id,Subject"}
    )
    assert collected.json() == [None]
    semi = await soql(
        http, "SELECT Id FROM Task WHERE WhatId IN (SELECT Id FROM Case WHERE Subject = 'shared')"
    )
    assert task not in {row["Id"] for row in semi["records"]}


async def test_view_all_reaches_every_record(private: Office) -> None:
    http, other = private.clients[0], private.cases[private.users[1]]
    set_id = await make(private.admin, "PermissionSet", Name="Sees_Cases", Label="Sees cases")
    await make(
        private.admin, "ObjectPermissions", ParentId=set_id, SobjectType="Case", PermissionsRead=True,
        PermissionsViewAllRecords=True,
    )  # fmt: skip
    await make(private.admin, "PermissionSetAssignment", PermissionSetId=set_id, AssigneeId=private.users[0])
    assert (await http.get(f"{DATA}/sobjects/Case/{other}")).status_code == 200
    written = await http.patch(f"{DATA}/sobjects/Case/{other}", json={"Subject": "shared"})
    assert error(written) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert (await private.admin.delete(f"{DATA}/sobjects/PermissionSet/{set_id}")).status_code == 204
    assert (await http.get(f"{DATA}/sobjects/Case/{other}")).status_code == 404


async def test_contacts_follow_their_account_where_it_controls_them(private: Office) -> None:
    def controlled(contacts: str, accounts: str) -> bytes:
        files: dict[str, str | bytes] = {
            "package.xml": manifest(CustomObject=["Contact", "Account", "Activity"])
        }
        for name, sharing in (("Contact", contacts), ("Account", accounts), ("Activity", contacts)):
            files[f"objects/{name}.object"] = (
                f"<CustomObject {NS}><sharingModel>{sharing}</sharingModel></CustomObject>"
            )
        return archive(files)

    first, second = private.users[:2]
    account = await make(private.admin, "Account", Name="Of the first", OwnerId=first)
    inside = await make(private.admin, "Contact", LastName="Inside", AccountId=account, OwnerId=second)
    alone = await make(private.admin, "Contact", LastName="Alone", OwnerId=second)
    task = await make(private.admin, "Task", Subject="t", WhoId=inside, OwnerId=second)
    assert (await deploy(private.admin, controlled("ControlledByParent", "Private")))["success"]
    try:
        seen: list[list[int]] = []
        for http in private.clients[:3]:
            paths = (f"Account/{account}", f"Contact/{inside}", f"Contact/{alone}", f"Task/{task}")
            seen.append([(await http.get(f"{DATA}/sobjects/{path}")).status_code for path in paths])
        assert seen == [[200, 200, 404, 200], [404, 404, 200, 200], [404, 404, 404, 404]]
    finally:
        assert (await deploy(private.admin, controlled("ReadWrite", "ReadWrite")))["success"]


async def test_only_queues_of_an_object_own_its_records(private: Office) -> None:
    wrong = await private.admin.post(
        f"{DATA}/sobjects/Lead", json={"LastName": "L", "Company": "C", "OwnerId": private.queue}
    )
    assert error(wrong) == (400, "INVALID_OPERATION")
    account = await private.admin.post(
        f"{DATA}/sobjects/Account", json={"Name": "A", "OwnerId": private.queue}
    )
    assert error(account) == (400, "FIELD_INTEGRITY_EXCEPTION")
    found = await soql(
        private.admin, f"SELECT Owner.Name, Owner.Type FROM Case WHERE OwnerId = '{private.queue}'"
    )
    assert found["records"][0]["Owner"]["Name"] == "Hotline"


async def test_roles_have_no_loop(private: Office) -> None:
    await private.patch("UserRole", private.roles[1], ParentRoleId=private.roles[0])
    loop = await private.admin.patch(
        f"{DATA}/sobjects/UserRole/{private.roles[0]}", json={"ParentRoleId": private.roles[1]}
    )
    assert error(loop) == (400, "FIELD_INTEGRITY_EXCEPTION")
