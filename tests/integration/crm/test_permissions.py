# ruff: noqa: E501 - a table of refusals
"""Permissions as rows: what users see and may do follows from them, through every door, at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime as http_date
from itertools import product
from typing import Any

import httpx2
import pytest

from .browser import Browser
from .conftest import ADMIN, PASSWORD, World, client_of
from .package_files import NS, archive, manifest
from .test_deploy import deploy
from .test_rest import DATA, error, make, soql

_WORD = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
GATE = f"""<CustomObject {NS}>
<fields><fullName>Open__c</fullName><label>Open</label><length>20</length><type>Text</type></fields>
<fields><fullName>Shut__c</fullName><label>Shut</label><length>20</length><type>Text</type></fields>
<fields><fullName>Account__c</fullName><label>Account</label><referenceTo>Account</referenceTo>
<relationshipName>Gates</relationshipName><type>Lookup</type></fields>
<label>Gate</label><nameField><label>Name</label><type>Text</type></nameField><pluralLabel>Gates</pluralLabel>
<sharingModel>ReadWrite</sharingModel></CustomObject>"""
NOBODY = f"<PermissionSet {NS}><label>Nobody</label></PermissionSet>"
MEMBER = "member@acme.example"


async def new_user(world: World, username: str, profile: str = "Standard User", **fields: Any) -> str:
    browser = Browser(world.port)
    await browser.open_console(ADMIN, PASSWORD)
    answer = await browser.api(
        "POST",
        "setup/users",
        json={
            "username": username,
            "last_name": username.split("@")[0],
            "password": PASSWORD,
            "profile": profile,
        },
    )
    await browser.close()
    assert answer.status_code == 201, answer.text
    user_id: str = answer.json()["id"]
    if fields:
        http = await client_of(world, ADMIN)
        changed = await http.patch(f"{DATA}/sobjects/User/{user_id}", json=fields)
        await http.aclose()
        assert changed.status_code == 204, changed.text
    return user_id


@dataclass
class Gate:
    """A user, and a permission set that opens nothing yet of an object that only administrators see."""

    user_id: str
    set_id: str
    record: str


@pytest.fixture(scope="session")
async def gate(world: World) -> AsyncIterator[Gate]:
    http = await client_of(world, ADMIN)
    files = {
        "package.xml": manifest(CustomObject=["Gate__c"], PermissionSet=["Nobody"]),
        "objects/Gate__c.object": GATE,
        "permissionsets/Nobody.permissionset": NOBODY,
    }
    result = await deploy(http, archive(files))
    assert result["success"], result["details"]["componentFailures"]
    user_id = await new_user(world, MEMBER)
    set_id = await make(http, "PermissionSet", Name="Gate_Opener", Label="Gate Opener")
    await make(http, "PermissionSetAssignment", PermissionSetId=set_id, AssigneeId=user_id)
    account = await make(http, "Account", Name="Gated")
    record = await make(http, "Gate__c", Name="G", Open__c="o", Shut__c="s", Account__c=account)
    yield Gate(user_id, set_id, record)
    await http.aclose()


@pytest.fixture
async def member(world: World, gate: Gate) -> AsyncIterator[httpx2.AsyncClient]:
    http = await client_of(world, MEMBER)
    yield http
    await http.aclose()


@pytest.fixture
async def closed(world: World, gate: Gate, admin: httpx2.AsyncClient) -> AsyncIterator[None]:
    """Before and after: no row about the object in the permission set."""
    yield
    for name in ("FieldPermissions", "ObjectPermissions"):
        for row in (await soql(admin, f"SELECT Id FROM {name} WHERE ParentId = '{gate.set_id}'"))["records"]:
            assert (await admin.delete(f"{DATA}/sobjects/{name}/{row['Id']}")).status_code == 204


async def allow(admin: httpx2.AsyncClient, gate: Gate, *rights: str) -> None:
    flags = {f"Permissions{right}": True for right in rights}
    await make(admin, "ObjectPermissions", ParentId=gate.set_id, SobjectType="Gate__c", **flags)


async def allow_field(admin: httpx2.AsyncClient, gate: Gate, name: str, *, edit: bool) -> None:
    await make(
        admin, "FieldPermissions", ParentId=gate.set_id, SobjectType="Gate__c", Field=f"Gate__c.{name}",
        PermissionsRead=True, PermissionsEdit=edit,
    )  # fmt: skip


@pytest.mark.usefixtures("closed")
async def test_an_object_without_permission_does_not_exist(
    gate: Gate, member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    assert (await admin.get(f"{DATA}/sobjects/Gate__c/{gate.record}")).status_code == 200
    assert error(await member.get(f"{DATA}/query", params={"q": "SELECT Id FROM Gate__c"})) == (
        400,
        "INVALID_TYPE",
    )
    assert error(await member.get(f"{DATA}/sobjects/Gate__c/{gate.record}")) == (404, "NOT_FOUND")
    assert error(await member.get(f"{DATA}/sobjects/Gate__c/describe")) == (404, "NOT_FOUND")
    everything = {item["name"] for item in (await member.get(f"{DATA}/sobjects")).json()["sobjects"]}
    assert "Gate__c" not in everything
    assert "Account" in everything
    account = (await member.get(f"{DATA}/sobjects/Account/describe")).json()
    assert "Gate__c" not in {child["childSObject"] for child in account["childRelationships"]}
    children = {"q": "SELECT Id, (SELECT Id FROM Gates__r) FROM Account"}
    assert (await member.get(f"{DATA}/query", params=children)).status_code == 400
    found = await soql(admin, "SELECT Id, (SELECT Id FROM Gates__r) FROM Account WHERE Name = 'Gated'")
    assert found["records"][0]["Gates__r"]["totalSize"] == 1


RIGHTS = ((), ("Read",), ("Read", "Create"), ("Read", "Edit"), ("Read", "Create", "Edit", "Delete"))
FIELD = (None, False, True)


@pytest.mark.usefixtures("closed")
@pytest.mark.parametrize(("rights", "field"), list(product(RIGHTS, FIELD)))
async def test_what_a_user_may_do_is_what_the_rows_say(
    gate: Gate,
    member: httpx2.AsyncClient,
    admin: httpx2.AsyncClient,
    rights: tuple[str, ...],
    field: bool | None,
) -> None:
    if rights:
        await allow(admin, gate, *rights)
    if field is not None:
        await allow_field(admin, gate, "Open__c", edit=field)
    path = f"{DATA}/sobjects/Gate__c"
    read = await member.get(f"{path}/{gate.record}")
    assert read.status_code == (200 if rights else 404)
    query = await member.get(f"{DATA}/query", params={"q": "SELECT Open__c FROM Gate__c"})
    if not rights:
        assert error(query) == (400, "INVALID_TYPE")
        assert error(await member.post(path, json={"Name": "x"})) == (404, "NOT_FOUND")
        return
    assert ("Open__c" in read.json(), "Shut__c" in read.json()) == (field is not None, False)
    assert (query.status_code == 200) == (field is not None)
    assert query.status_code == 200 or error(query) == (400, "INVALID_FIELD")
    described = (await member.get(f"{path}/describe")).json()
    fields = {item["name"]: item for item in described["fields"]}
    assert (described["createable"], described["updateable"], described["deletable"]) == (
        "Create" in rights, "Edit" in rights, "Delete" in rights,
    )  # fmt: skip
    assert ("Open__c" in fields) == (field is not None)
    assert field is None or fields["Open__c"]["updateable"] is field
    hidden = await member.get(f"{DATA}/query", params={"q": "SELECT Id FROM Gate__c WHERE Shut__c = 's'"})
    assert error(hidden) == (400, "INVALID_FIELD")
    made = await member.post(path, json={"Name": "made"})
    if "Create" in rights:
        assert made.status_code == 201
        with_field = await member.post(path, json={"Name": "made", "Open__c": "x"})
        expected = (201, None) if field else (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
        assert (with_field.status_code, None if field else error(with_field)[1]) == expected
    else:
        assert error(made) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    changed = await member.patch(f"{path}/{gate.record}", json={"Name": "G"})
    written = await member.patch(f"{path}/{gate.record}", json={"Open__c": "o"})
    if "Edit" in rights:
        assert changed.status_code == 204
        assert written.status_code == 204 if field else error(written)[1] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    else:
        assert error(changed) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    if "Create" in rights:
        gone = await member.delete(f"{path}/{made.json()['id']}")
        assert gone.status_code == (204 if "Delete" in rights else 403)


@pytest.mark.usefixtures("closed")
async def test_what_a_user_may_not_see_is_kept_when_they_write(
    gate: Gate, member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    await allow(admin, gate, "Read", "Edit")
    assert (
        await member.patch(f"{DATA}/sobjects/Gate__c/{gate.record}", json={"Name": "Renamed"})
    ).status_code == 204
    kept = (await admin.get(f"{DATA}/sobjects/Gate__c/{gate.record}")).json()
    assert (kept["Name"], kept["Shut__c"]) == ("Renamed", "s")
    found = await admin.get(f"{DATA}/search", params={"q": "FIND {Renamed} RETURNING Gate__c(Id)"})
    assert [row["Id"] for row in found.json()["searchRecords"]] == [gate.record]


@pytest.mark.usefixtures("closed")
async def test_taking_a_permission_set_away_takes_effect_at_once(
    gate: Gate, member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    await allow(admin, gate, "Read")
    path = f"{DATA}/sobjects/Gate__c/{gate.record}"
    assert (await member.get(path)).status_code == 200
    mine = f"AssigneeId = '{gate.user_id}' AND PermissionSetId = '{gate.set_id}'"
    row = (await soql(admin, f"SELECT Id FROM PermissionSetAssignment WHERE {mine}"))["records"][0]
    assert (await admin.delete(f"{DATA}/sobjects/PermissionSetAssignment/{row['Id']}")).status_code == 204
    assert error(await member.get(path)) == (404, "NOT_FOUND")
    both = {"PermissionSetId": gate.set_id, "AssigneeId": gate.user_id}
    await make(admin, "PermissionSetAssignment", **both, ExpirationDate="2020-01-01T00:00:00Z")
    assert error(await member.get(path)) == (404, "NOT_FOUND")
    again = await admin.post(f"{DATA}/sobjects/PermissionSetAssignment", json=both)
    assert error(again) == (400, "DUPLICATE_VALUE")
    expired = (await soql(admin, f"SELECT Id FROM PermissionSetAssignment WHERE {mine}"))["records"][0]
    await admin.patch(
        f"{DATA}/sobjects/PermissionSetAssignment/{expired['Id']}", json={"ExpirationDate": None}
    )
    assert (await member.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("name", "row", "code"),
    [
        ("ObjectPermissions", {"SobjectType": "Gate__c", "PermissionsEdit": True}, "FIELD_INTEGRITY_EXCEPTION"),
        ("ObjectPermissions", {"SobjectType": "User", "PermissionsRead": True}, _WORD),
        ("ObjectPermissions", {"SobjectType": "Task", "PermissionsRead": True}, _WORD),
        ("FieldPermissions", {"SobjectType": "Gate__c", "Field": "Gate__c.Name", "PermissionsRead": True}, _WORD),
        ("FieldPermissions", {"SobjectType": "Gate__c", "Field": "Gate__c.Open__c", "PermissionsEdit": True}, "FIELD_INTEGRITY_EXCEPTION"),
    ],
)  # fmt: skip
async def test_rows_that_contradict_themselves_are_refused(
    gate: Gate, admin: httpx2.AsyncClient, name: str, row: dict[str, Any], code: str
) -> None:
    answer = await admin.post(f"{DATA}/sobjects/{name}", json={"ParentId": gate.set_id} | row)
    assert error(answer) == (400, code)


async def test_users_cannot_help_themselves(gate: Gate, member: httpx2.AsyncClient) -> None:
    for name in (
        "PermissionSet",
        "PermissionSetAssignment",
        "ObjectPermissions",
        "FieldPermissions",
        "UserLogin",
    ):
        assert error(await member.get(f"{DATA}/query", params={"q": f"SELECT Id FROM {name}"})) == (
            400,
            "INVALID_TYPE",
        )
        assert error(await member.post(f"{DATA}/sobjects/{name}", json={})) == (404, "NOT_FOUND")
    assert error(await member.patch(f"{DATA}/sobjects/User/{gate.user_id}", json={"Title": "x"})) == (
        403, "INSUFFICIENT_ACCESS_OR_READONLY",
    )  # fmt: skip


async def test_a_deployed_permission_set_says_all_of_it(
    gate: Gate, member: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    def package(inner: str) -> bytes:
        text = f"<PermissionSet {NS}>{inner}<label>Deployed</label></PermissionSet>"
        return archive(
            {
                "package.xml": manifest(PermissionSet=["Deployed"]),
                "permissionsets/Deployed.permissionset": text,
            }
        )

    opened = (
        "<fieldPermissions><editable>true</editable><field>Gate__c.Open__c</field><readable>true</readable></fieldPermissions>"
        "<objectPermissions><allowCreate>true</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>"
        "<allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Gate__c</object>"
        "<viewAllRecords>false</viewAllRecords></objectPermissions>"
        "<userPermissions><enabled>true</enabled><name>ViewDeveloperName</name></userPermissions>"
    )
    first = await deploy(admin, package(opened))
    assert first["success"], first["details"]["componentFailures"]
    made = await soql(
        admin, "SELECT Id, PermissionsViewDeveloperName FROM PermissionSet WHERE Name = 'Deployed'"
    )
    assert made["records"][0]["PermissionsViewDeveloperName"] is True
    set_id = made["records"][0]["Id"]
    assignment = await make(admin, "PermissionSetAssignment", PermissionSetId=set_id, AssigneeId=gate.user_id)
    record = await make(member, "Gate__c", Name="mine", Open__c="x")
    again = await deploy(admin, package(opened))
    assert [row["fullName"] for row in again["details"]["componentSuccesses"] if row["changed"]] == []
    await deploy(admin, package(opened.partition("<objectPermissions>")[0]))
    assert error(await member.get(f"{DATA}/sobjects/Gate__c/{record}")) == (404, "NOT_FOUND")
    for wrong in (
        "<userPermissions><enabled>true</enabled><name>Fly</name></userPermissions>",
        opened.replace("Open__c", "Missing__c"),
        opened.replace("<allowRead>true", "<allowRead>false"),
    ):
        assert not (await deploy(admin, package(wrong)))["success"]
    await admin.delete(f"{DATA}/sobjects/PermissionSetAssignment/{assignment}")


async def test_without_api_enabled_no_program_speaks_for_a_user(
    world: World, admin: httpx2.AsyncClient
) -> None:
    await new_user(world, "quiet@acme.example")
    http = await client_of(world, "quiet@acme.example")
    assert (await http.get(f"{DATA}/limits")).status_code == 200
    owned = "SELECT Id FROM PermissionSet WHERE Profile.Name = 'Standard User'"
    row = (await soql(admin, owned))["records"][0]
    path = f"{DATA}/sobjects/PermissionSet/{row['Id']}"
    assert (await admin.patch(path, json={"PermissionsApiEnabled": False})).status_code == 204
    try:
        assert error(await http.get(f"{DATA}/limits")) == (403, "API_DISABLED_FOR_ORG")
        profile = await soql(admin, "SELECT PermissionsApiEnabled FROM Profile WHERE Name = 'Standard User'")
        assert profile["records"][0]["PermissionsApiEnabled"] is False
    finally:
        await admin.patch(path, json={"PermissionsApiEnabled": True})
    assert (await http.get(f"{DATA}/limits")).status_code == 200
    assert error(await admin.delete(path)) == (400, "DELETE_FAILED")
    await http.aclose()


@pytest.mark.parametrize("how", ["frozen", "inactive"])
async def test_a_frozen_or_inactive_user_is_out_at_once(
    world: World, admin: httpx2.AsyncClient, how: str
) -> None:
    username = f"{how}@acme.example"
    user_id = await new_user(world, username)
    http = await client_of(world, username)
    browser = Browser(world.port)
    await browser.open_console(username, PASSWORD)
    assert (await browser.api("GET", "bootstrap")).status_code == 200
    if how == "frozen":
        login = (await soql(admin, f"SELECT Id FROM UserLogin WHERE UserId = '{user_id}'"))["records"][0][
            "Id"
        ]
        changed = await admin.patch(f"{DATA}/sobjects/UserLogin/{login}", json={"IsFrozen": True})
    else:
        changed = await admin.patch(f"{DATA}/sobjects/User/{user_id}", json={"IsActive": False})
    assert changed.status_code == 204, changed.text
    assert error(await http.get(f"{DATA}/limits")) == (401, "INVALID_SESSION_ID")
    assert (await browser.api("GET", "bootstrap")).status_code == 401
    fresh = Browser(world.port)
    page = await fresh.sign_in(username, PASSWORD)
    assert page.status_code >= 400 or "password" in page.text
    assert (await fresh.api("GET", "bootstrap")).status_code == 401
    await http.aclose()
    await browser.close()
    await fresh.close()


async def test_a_describe_that_was_kept_is_stale_once_the_reader_sees_more(
    world: World, gate: Gate, admin: httpx2.AsyncClient, member: httpx2.AsyncClient, closed: None
) -> None:
    conn = await world.database()
    for statement in (
        "ALTER TABLE meta.catalogue DISABLE TRIGGER changed",
        "UPDATE meta.catalogue SET changed_at = now() - interval '3 days'",
        "ALTER TABLE meta.catalogue ENABLE TRIGGER changed",
        """UPDATE data."User" SET "SystemModstamp" = now() - interval '3 days'""",
        """UPDATE data."PermissionSetAssignment" SET "SystemModstamp" = now() - interval '3 days'""",
    ):
        await conn.execute(statement)
    kept = {"If-Modified-Since": http_date(datetime.now(UTC) - timedelta(days=2), usegmt=True)}
    paths = [f"{DATA}/sobjects", f"{DATA}/sobjects/Contact/describe"]

    async def statuses(http: httpx2.AsyncClient) -> list[int]:
        return [(await http.get(path, headers=kept)).status_code for path in paths]

    assert await statuses(member) == await statuses(admin) == [304, 304]
    other = await make(admin, "PermissionSet", Name="Gate_Second", Label="Gate Second")
    await conn.execute("ALTER TABLE meta.catalogue DISABLE TRIGGER changed")
    await conn.execute("UPDATE meta.catalogue SET changed_at = now() - interval '3 days'")
    await conn.execute("ALTER TABLE meta.catalogue ENABLE TRIGGER changed")
    given = await make(admin, "PermissionSetAssignment", PermissionSetId=other, AssigneeId=gate.user_id)
    assert (await statuses(member), await statuses(admin)) == ([200, 200], [304, 304])
    assert (await admin.delete(f"{DATA}/sobjects/PermissionSetAssignment/{given}")).status_code == 204
    assert await statuses(member) == [200, 200]
    await conn.close()
    assert (await admin.delete(f"{DATA}/sobjects/PermissionSet/{other}")).status_code == 204
