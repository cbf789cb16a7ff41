"""Users, permission sets, softphone layouts, the audit trail and company information in Set-up."""

from __future__ import annotations

import copy
import secrets
from typing import Any

import httpx2
import pytest

from .browser import Browser
from .conftest import ADMIN, PASSWORD, World
from .test_console import DEFINITION


async def a_user(console: Browser, **more: Any) -> tuple[str, str]:
    """A new user's id and username."""
    username = f"u{secrets.token_hex(6)}@acme.example"
    body = {"username": username, "last_name": "Berg", "password": PASSWORD} | more
    answer = await console.api("POST", "setup/users", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"], username


async def changes(console: Browser, action: str) -> list[dict[str, Any]]:
    found = (await console.api("GET", "setup/audit-trail")).json()["changes"]
    return [each for each in found if each["action"] == action]


# -- users ---------------------------------------------------------------------------------------------------


async def test_a_user_is_shown_with_everything_that_can_be_edited(console: Browser) -> None:
    user_id, username = await a_user(console, first_name="Anna", language="ja", title="Agent", extension="12")
    shown = (await console.api("GET", f"setup/users/{user_id}")).json()
    assert (shown["username"], shown["language"], shown["title"]) == (username, "ja", "Agent")
    assert (shown["profile"], shown["role"], shown["frozen"], shown["own"]) == (
        "Standard User",
        None,
        False,
        False,
    )
    role = await console.api(
        "POST", "setup/roles", json={"name": "Lead", "developer_name": f"L{secrets.token_hex(4)}"}
    )
    assert role.status_code == 201, role.text
    more = {
        "role": role.json()["id"],
        "department": "Support",
        "profile": "System Administrator",
        "active": False,
    }
    assert (await console.api("PATCH", f"setup/users/{user_id}", json=more)).status_code == 200
    shown = (await console.api("GET", f"setup/users/{user_id}")).json()
    assert (shown["role_name"], shown["department"], shown["active"]) == ("Lead", "Support", False)
    assert shown["profile"] == "System Administrator"


async def test_a_frozen_user_is_signed_out_and_stays_out(world: World, console: Browser) -> None:
    user_id, username = await a_user(console)
    theirs = Browser(world.port)
    await theirs.open_console(username, PASSWORD)
    frozen = await console.api("POST", f"setup/users/{user_id}/freeze", json={"frozen": True})
    assert frozen.status_code == 200, frozen.text
    assert (await theirs.api("GET", "bootstrap")).status_code == 401
    assert (await theirs.sign_in(username, PASSWORD)).status_code != 303
    assert (await console.api("GET", f"setup/users/{user_id}")).json()["frozen"] is True
    await console.api("POST", f"setup/users/{user_id}/freeze", json={"frozen": False})
    await theirs.open_console(username, PASSWORD)
    await theirs.close()


async def test_nobody_shuts_themselves_out(console: Browser) -> None:
    users = (await console.api("GET", "setup/users")).json()["users"]
    own = next(user["id"] for user in users if user["username"] == ADMIN)
    for method, path, body in (
        ("POST", f"setup/users/{own}/freeze", {"frozen": True}),
        ("PATCH", f"setup/users/{own}", {"active": False}),
        ("PATCH", f"setup/users/{own}", {"profile": "Standard User"}),
    ):
        refused = await console.api(method, path, json=body)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_OPERATION")


async def test_a_role_with_users_is_not_deleted(console: Browser) -> None:
    name = f"R{secrets.token_hex(4)}"
    role = (await console.api("POST", "setup/roles", json={"name": name, "developer_name": name})).json()[
        "id"
    ]
    user_id, _ = await a_user(console, role=role)
    listed = (await console.api("GET", "setup/roles")).json()["roles"]
    assert next(each["users"] for each in listed if each["id"] == role) == 1
    assert (await console.api("DELETE", f"setup/roles/{role}")).status_code == 400
    await console.api("PATCH", f"setup/users/{user_id}", json={"role": None})
    assert (await console.api("DELETE", f"setup/roles/{role}")).status_code == 204


# -- permission sets -----------------------------------------------------------------------------------------


async def a_set(console: Browser, **permissions: bool) -> str:
    name = f"Set{secrets.token_hex(5)}"
    answer = await console.api(
        "POST",
        "data/v66.0/sobjects/PermissionSet",
        json={"Name": name, "Label": f"Label {name}"} | permissions,
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_a_permission_set_takes_effect_when_it_is_assigned(world: World, console: Browser) -> None:
    user_id, username = await a_user(console)
    theirs = Browser(world.port)
    await theirs.open_console(username, PASSWORD)
    permission_set = await a_set(console, PermissionsViewSetup=True)
    path = f"setup/permission-sets/{permission_set}/assignments"
    assert (await theirs.api("GET", "setup/users")).status_code == 403
    assert (await console.api("POST", path, json={"user_ids": [user_id]})).json() == {"user_ids": [user_id]}
    assert (await theirs.api("GET", "setup/users")).status_code == 200
    assert (await console.api("POST", path, json={"user_ids": [user_id]})).json() == {"user_ids": []}
    people = (await console.api("GET", path)).json()
    assert [person["username"] for person in people["assigned"]] == [username]
    assert username not in [person["username"] for person in people["others"]]
    assert (await console.api("POST", f"{path}/remove", json={"user_ids": [user_id]})).status_code == 200
    assert (await theirs.api("GET", "setup/users")).status_code == 403
    await theirs.close()


async def test_a_permission_set_s_page_tells_what_it_opens(console: Browser) -> None:
    permission_set = await a_set(console, PermissionsViewSetup=True)
    row = {
        "ParentId": permission_set,
        "SobjectType": "Lead",
        "PermissionsRead": True,
        "PermissionsEdit": True,
    }
    assert (await console.api("POST", "data/v66.0/sobjects/ObjectPermissions", json=row)).status_code == 201
    row = {"ParentId": permission_set, "SobjectType": "Lead", "Field": "Lead.Title", "PermissionsRead": True}
    assert (await console.api("POST", "data/v66.0/sobjects/FieldPermissions", json=row)).status_code == 201
    shown = (await console.api("GET", f"setup/permission-sets/{permission_set}?object=Lead")).json()
    [lead] = [each for each in shown["objects"] if each["Read"]]
    assert (lead["name"], lead["Edit"], lead["Delete"], lead["field_count"]) == ("Lead", True, False, 1)
    assert [(each["name"], each["edit"]) for each in shown["fields"] if each["read"]] == [("Title", False)]
    assert [each["name"] for each in shown["permissions"] if each["held"]] == ["ViewSetup"]
    assert shown["call_centers"] == []


async def test_a_permission_set_is_made_and_changed_as_a_whole(world: World, console: Browser) -> None:
    name = f"Made{secrets.token_hex(5)}"
    made = await console.api("POST", "setup/permission-sets", json={"label": "Made here", "name": name})
    assert made.status_code == 201, made.text
    path = f"setup/permission-sets/{made.json()['id']}"
    user_id, username = await a_user(console, profile="Minimum Access - Salesforce")
    await console.api("POST", f"{path}/assignments", json={"user_ids": [user_id]})
    theirs = Browser(world.port)
    await theirs.open_console(username, PASSWORD)
    assert (await theirs.api("GET", "data/v66.0/sobjects/Lead/describe")).status_code == 404
    body = {
        "permissions": {"EditTask": True},
        "objects": {"Lead": {"Read": True, "Edit": True}},
        "fields": {"Lead.Title": {"read": True, "edit": False}},
        "tabs": {"standard-lead": "Visible"},
    }
    # A right without the one it needs: nothing of the whole is kept.
    wrong = body | {"objects": {"Lead": {"Delete": True}}}
    refused = await console.api("PATCH", path, json=wrong)
    assert refused.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
    assert not [each for each in (await console.api("GET", path)).json()["permissions"] if each["held"]]
    for tab in ("standard-Nothing", "Nothing__c"):
        assert (await console.api("PATCH", path, json={"tabs": {tab: "Visible"}})).status_code == 400
    for _ in range(2):
        assert (await console.api("PATCH", path, json=body)).status_code == 200
    described = (await theirs.api("GET", "data/v66.0/sobjects/Lead/describe")).json()
    assert described["updateable"] is True
    assert [each["updateable"] for each in described["fields"] if each["name"] == "Title"] == [False]
    shown = (await console.api("GET", path)).json()
    assert [(each["name"], each["visibility"]) for each in shown["tabs"] if each["visibility"] != "None"] == [
        ("standard-Lead", "Visible")
    ]
    closed = {"objects": {"Lead": {}}, "fields": {"Lead.Title": {}}, "tabs": {"standard-Lead": "None"}}
    assert (await console.api("PATCH", path, json=closed)).status_code == 200
    assert (await theirs.api("GET", "data/v66.0/sobjects/Lead/describe")).status_code == 404
    assert (await console.api("DELETE", path)).json()[0]["errorCode"] == "DELETE_FAILED"
    await console.api("POST", f"{path}/assignments/remove", json={"user_ids": [user_id]})
    assert (await console.api("DELETE", path)).status_code == 204
    assert (await console.api("GET", path)).status_code == 404
    await theirs.close()


async def test_a_profile_s_own_permissions_are_shown_only(console: Browser) -> None:
    profiles = (await console.api("GET", "setup/profiles")).json()["profiles"]
    own = next(each["permission_set"] for each in profiles if each["name"] == "Standard User")
    shown = (await console.api("GET", f"setup/permission-sets/{own}")).json()
    assert (shown["label"], shown["editable"]) == ("Standard User", False)
    refused = await console.api("PATCH", f"setup/permission-sets/{own}", json={"objects": {"Lead": {}}})
    assert refused.status_code == 403


async def test_a_permission_set_names_the_call_centers_of_its_users(console: Browser) -> None:
    permission_set, (user_id, _) = await a_set(console), await a_user(console)
    imported = await console.api(
        "POST",
        "setup/call-centers/import",
        content=DEFINITION.format(name=f"named{secrets.token_hex(4)}"),
        headers={"Content-Type": "text/xml"},
    )
    center = imported.json()["id"]
    await console.api("POST", f"setup/call-centers/{center}/users", json={"user_ids": [user_id]})
    await console.api(
        "POST", f"setup/permission-sets/{permission_set}/assignments", json={"user_ids": [user_id]}
    )
    shown = (await console.api("GET", f"setup/permission-sets/{permission_set}")).json()
    assert [(each["id"], each["users"]) for each in shown["call_centers"]] == [(center, 1)]


# -- softphone layouts ---------------------------------------------------------------------------------------


async def the_default(console: Browser) -> dict[str, Any]:
    layouts = (await console.api("GET", "setup/softphone-layouts")).json()["layouts"]
    return next(layout for layout in layouts if layout["is_default"])


async def test_a_profile_s_own_layout_comes_before_the_default_one(world: World, console: Browser) -> None:
    standard = await the_default(console)
    layout = copy.deepcopy(standard["layout"])
    layout["Inbound"]["screenPopSettings"]["NoMatch"] = {
        "screenPopType": "PopToEntity",
        "screenPopData": "Lead",
    }
    name = f"Own {secrets.token_hex(4)}"
    made = await console.api("POST", "setup/softphone-layouts", json={"name": name, "layout": layout})
    assert made.status_code == 201, made.text
    own = made.json()["id"]
    _, username = await a_user(console)
    theirs = Browser(world.port)

    async def pops_to() -> str:
        boot = (await theirs.api("GET", "bootstrap")).json()
        return boot["softphone_layout"]["Inbound"]["screenPopSettings"]["NoMatch"].get("screenPopData", "")

    await theirs.open_console(username, PASSWORD)
    assert await pops_to() == ""
    profiles = (await console.api("GET", "setup/softphone-layouts/assignment")).json()["profiles"]
    profile = next(each["id"] for each in profiles if each["name"] == "Standard User")
    path = "setup/softphone-layouts/assignment"
    assert (await console.api("PUT", path, json={"profiles": {profile: own}})).status_code == 200
    assert await pops_to() == "Lead"
    assert (await console.api("DELETE", f"setup/softphone-layouts/{own}")).status_code == 204
    assert await pops_to() == ""
    await theirs.close()


async def test_another_layout_becomes_the_default_one(console: Browser) -> None:
    standard = await the_default(console)
    body = {"name": f"New {secrets.token_hex(4)}", "is_default": True, "layout": standard["layout"]}
    made = (await console.api("POST", "setup/softphone-layouts", json=body)).json()["id"]
    assert (await the_default(console))["id"] == made
    refused = await console.api("DELETE", f"setup/softphone-layouts/{made}")
    assert refused.json()[0]["errorCode"] == "DELETE_FAILED"
    refused = await console.api("PUT", f"setup/softphone-layouts/{made}", json=body | {"is_default": False})
    assert refused.json()[0]["fields"] == ["is_default"]
    back = {"name": standard["name"], "is_default": True, "layout": standard["layout"]}
    assert (
        await console.api("PUT", f"setup/softphone-layouts/{standard['id']}", json=back)
    ).status_code == 200
    assert (await console.api("DELETE", f"setup/softphone-layouts/{made}")).status_code == 204


async def test_two_layouts_have_two_names(console: Browser) -> None:
    standard = await the_default(console)
    again = {"name": standard["name"].upper(), "layout": standard["layout"]}
    refused = await console.api("POST", "setup/softphone-layouts", json=again)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "DUPLICATE_VALUE")
    unnamed = await console.api("POST", "setup/softphone-layouts", json=again | {"name": " "})
    assert unnamed.json()[0]["fields"] == ["name"]


@pytest.mark.parametrize(
    ("match", "pop"),
    [
        ("NoMatch", {"screenPopType": "PopToEntity"}),
        ("NoMatch", {"screenPopType": "PopToEntity", "screenPopData": "Nothing__c"}),
        ("NoMatch", {"screenPopType": "PopToFlow"}),
        ("NoMatch", {"screenPopType": "PopToDetail"}),
        ("SingleMatch", {"screenPopType": "PopToSearch"}),
        ("SingleMatch", {"screenPopType": "Explode"}),
        ("MultipleMatches", {"screenPopType": "PopToDetail"}),
        ("MultipleMatches", "PopToSearch"),
        ("screenPopsOpenWithin", "Elsewhere"),
    ],
)
async def test_a_pop_that_makes_no_sense_is_refused(console: Browser, match: str, pop: Any) -> None:
    layout = copy.deepcopy((await the_default(console))["layout"])
    layout["Inbound"]["screenPopSettings"][match] = pop
    refused = await console.api("POST", "setup/softphone-layouts", json={"name": "Bad", "layout": layout})
    assert refused.status_code == 400


# -- audit trail and company ---------------------------------------------------------------------------------


async def test_every_change_of_set_up_stands_in_the_audit_trail(console: Browser) -> None:
    user_id, username = await a_user(console)
    await console.api("PATCH", f"setup/users/{user_id}", json={"title": "Boss", "email": "b@acme.example"})
    await console.api("PATCH", f"setup/users/{user_id}", json={"password": "another good one"})
    permission_set = await a_set(console)
    await console.api(
        "POST", f"setup/permission-sets/{permission_set}/assignments", json={"user_ids": [user_id]}
    )
    await console.api("PUT", "setup/session-timeout", json={"minutes": 120})
    created = (await changes(console, "createdUser"))[0]
    assert (created["detail"]["name"], created["username"], created["section"]) == (username, ADMIN, "users")
    changed = next(
        each for each in await changes(console, "changedUser") if each["detail"]["name"] == username
    )
    assert changed["detail"]["fields"] == ["Email", "Title"]
    assert (await changes(console, "changedPassword"))[0]["detail"] == {"name": username}
    assigned = (await changes(console, "createdPermissionSetAssignment"))[0]["detail"]
    assert assigned["on"] == username
    assert (await changes(console, "changedSetting"))[0]["detail"] == {
        "name": "session_minutes",
        "value": "120",
    }


async def test_the_audit_trail_holds_no_password(console: Browser) -> None:
    await a_user(console, password="never-to-be-seen")
    assert "never-to-be-seen" not in (await console.api("GET", "setup/audit-trail")).text


async def test_company_information_counts_users_records_and_requests(
    console: Browser, admin: httpx2.AsyncClient
) -> None:
    await admin.get("/services/data/v66.0/limits")
    before = (await console.api("GET", "setup/company")).json()
    await a_user(console)
    await console.api("POST", "data/v66.0/sobjects/Account", json={"Name": "Counted"})
    after = (await console.api("GET", "setup/company")).json()
    assert after["active_users"] == before["active_users"] + 1
    records = {each["label"]: each["records"] for each in after["storage"]}
    assert (
        records["Account"]
        == {each["label"]: each["records"] for each in before["storage"]}.get("Account", 0) + 1
    )
    assert after["api_maximum"] >= after["api_used"] > 0
    assert len(after["api_hours"]) == 24
    assert 0 < sum(hour["requests"] for hour in after["api_hours"]) <= after["api_used"]


async def test_tokens_of_one_user_are_revoked(world: World, console: Browser, browser: Browser) -> None:
    from .conftest import CLIENT_ID, code_in

    await browser.sign_in(ADMIN, PASSWORD)
    given = await world.redeem(console.http, code_in(await world.authorize(browser, scope="api")))
    bearer = {"Authorization": f"Bearer {given.json()['access_token']}"}
    assert (await console.http.get("/services/data/v66.0/limits", headers=bearer)).status_code == 200
    users = (await console.api("GET", f"setup/apps/{CLIENT_ID}/users")).json()["users"]
    admin = next(user["id"] for user in users if user["username"] == ADMIN)
    gone = await console.api("DELETE", f"setup/apps/{CLIENT_ID}/users/{admin}/tokens")
    assert gone.status_code == 204
    assert (await console.http.get("/services/data/v66.0/limits", headers=bearer)).status_code == 401
    world.tokens.pop(ADMIN, None)


# -- object manager ------------------------------------------------------------------------------------------


async def test_the_object_manager_shows_objects_and_fields(console: Browser) -> None:
    listed = (await console.api("GET", "setup/objects")).json()["objects"]
    assert {"Contact", "Account", "Lead"} <= {each["name"] for each in listed}
    assert "PermissionSet" not in {each["name"] for each in listed}
    contact = (await console.api("GET", "setup/objects/contact")).json()
    fields = {each["name"]: each for each in contact["field_list"]}
    assert (fields["Phone"]["type"], fields["Phone"]["length"]) == ("phone", 40)
    assert fields["AccountId"]["references"] == ["Account"]
    assert fields["LastName"]["required"] is True
    assert contact["layout"][0]["fields"]
    assert (await console.api("GET", "setup/objects/Nothing")).status_code == 404


# -- app manager ---------------------------------------------------------------------------------------------

CENTER = """<callCenter><section sortOrder="0" name="reqGeneralInfo">
<item sortOrder="0" name="reqInternalName">{name}</item><item sortOrder="1" name="reqDisplayName">Sized</item>
<item sortOrder="2" name="reqAdapterUrl">https://phone.example/cti</item>
<item sortOrder="3" name="reqUseApi">true</item>
<item sortOrder="4" name="reqSoftphoneHeight">{height}</item>
<item sortOrder="5" name="reqSoftphoneWidth">{width}</item></section></callCenter>"""


async def test_a_softphone_s_size_is_the_utility_item_s_or_else_the_definition_s(
    world: World, console: Browser
) -> None:
    apps = (await console.api("GET", "setup/lightning-apps")).json()["apps"]
    app, before = apps[0]["name"], apps[0]["utility_items"]
    text = CENTER.format(name=f"s{secrets.token_hex(6)}", width=400, height=600)
    center = (await console.api("POST", "setup/call-centers/import", content=text)).json()["id"]
    user_id, username = await a_user(console)
    await console.api("POST", f"setup/call-centers/{center}/users", json={"user_ids": [user_id]})
    org_wide = await console.api("PUT", "setup/utility-items", json=[])
    assert org_wide.status_code == 200
    theirs = Browser(world.port)

    async def size_with(**item: Any) -> tuple[int, int, bool]:
        body = {"utility_items": [{"type": "softphone"} | item]}
        changed = await console.api("PATCH", f"setup/lightning-apps/{app}", json=body)
        assert changed.status_code == 200, changed.text
        shown = (await theirs.api("GET", "bootstrap")).json()["utility_items"][0]
        return shown["width"], shown["height"], shown["auto_start"]

    await theirs.open_console(username, PASSWORD)
    assert await size_with(width=340, height=480, auto_start=False) == (340, 480, False)
    assert await size_with(width=None, height=None) == (400, 600, True)
    values = {"/reqGeneralInfo/reqSoftphoneWidth": "340", "/reqGeneralInfo/reqSoftphoneHeight": "480"}
    await console.api("PATCH", f"setup/call-centers/{center}", json={"values": values})
    assert await size_with(width=None, height=None) == (340, 480, True)
    await console.api("PATCH", f"setup/lightning-apps/{app}", json={"utility_items": before})
    await theirs.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"label": ""},
        {"items": []},
        {"items": ["standard-Nothing"]},
        {"items": "all"},
        {"utility_items": [{"type": "fax"}]},
        {"utility_items": [{"type": "softphone"}, {"type": "softphone"}]},
        {"utility_items": [{"type": "softphone", "width": 100}]},
        {"utility_items": [{"type": "softphone", "height": "480"}]},
        {"utility_items": [{"type": "softphone", "icon": "../x"}]},
        {"utility_items": ["softphone"]},
    ],
)
async def test_bad_settings_of_an_app_are_refused(console: Browser, wrong: dict[str, Any]) -> None:
    before = (await console.api("GET", "setup/lightning-apps")).json()["apps"]
    answer = await console.api("PATCH", f"setup/lightning-apps/{before[0]['name']}", json=wrong)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_INPUT")
    assert (await console.api("GET", "setup/lightning-apps")).json()["apps"] == before
