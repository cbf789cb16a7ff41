"""Call centers in Set-up: the article's two documents, errors by line and item, and who works where."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.article import ARTICLE, SSO, STANDARD

from .browser import Browser
from .conftest import AGENT, CALLBACK, PASSWORD, AppMaker, World

NewUser = Callable[..., Awaitable[str]]


def a_definition(name: str | None = None) -> str:
    name = name or f"c{secrets.token_hex(8)}"
    return ARTICLE.format(internal=name, display=f"Center {name}", adapter="https://phone.example/cci")


async def send(console: Browser, text: str | bytes) -> Any:
    return await console.api(
        "POST", "setup/call-centers/import", content=text, headers={"Content-Type": "text/xml"}
    )


async def a_center(console: Browser) -> str:
    answer = await send(console, a_definition())
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.fixture
async def new_user(console: Browser) -> NewUser:
    """Makes users; answers their ids."""

    async def make(**more: Any) -> str:
        name = f"u{secrets.token_hex(6)}@acme.example"
        body = {"username": name, "last_name": "Berg", "password": PASSWORD} | more
        answer = await console.api("POST", "setup/users", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    return make


async def test_both_documents_of_the_article_are_imported_unchanged(console: Browser) -> None:
    for text, name in ((STANDARD, "Zoom Contact Center"), (SSO, "ZCC SSO")):
        answer = await send(console, text)
        assert answer.status_code == 201, answer.text
        shown = (await console.api("GET", f"setup/call-centers/{answer.json()['id']}")).json()
        assert shown["display_name"] == name
        assert shown["internal_label"] == "Zoom Contact Center"
        general, dialing = shown["sections"]
        assert {item["name"]: item["value"] for item in general["items"]} == {
            "reqDescription": "",
            "reqAdapterUrl": shown["adapter_url"],
            "reqUseApi": "true",
            "reqSoftphoneHeight": "680",
            "reqSoftphoneWidth": "700",
            "reqSalesforceCompatibilityMode": "Classic_and_Lightning",
        }
        assert [(item["label"], item["value"]) for item in dialing["items"]] == [
            ("Outside Prefix", "9"),
            ("Long Distance Prefix", "1"),
            ("International Prefix", "01"),
        ]


async def test_a_host_that_is_not_a_connected_app_s_is_told_with_a_correction(
    console: Browser, new_app: AppMaker
) -> None:
    await new_app(callbacks=["https://phone.example/oauth/callback"])
    center = await a_center(console)
    shown = (await console.api("GET", f"setup/call-centers/{center}")).json()
    assert shown["corrections"] == []
    wrong = {"adapter_url": "https://elsewhere.example/cci/multi/callbar-cti?tenant=1"}
    assert (await console.api("PATCH", f"setup/call-centers/{center}", json=wrong)).status_code == 200
    shown = (await console.api("GET", f"setup/call-centers/{center}")).json()
    assert "https://phone.example/cci/multi/callbar-cti?tenant=1" in shown["corrections"]
    listed = (await console.api("GET", "setup/call-centers")).json()["call_centers"]
    assert next(each for each in listed if each["id"] == center)["foreign_host"] is True
    vanity = {"adapter_url": "https://acme.phone.example/cci"}
    await console.api("PATCH", f"setup/call-centers/{center}", json=vanity)
    assert (await console.api("GET", f"setup/call-centers/{center}")).json()["corrections"] == []
    assert CALLBACK  # the test's own app calls back to this machine; its host is offered, too


@pytest.mark.parametrize(
    ("change", "problem", "line", "item"),
    [
        (("<callCenter>", "<center>"), "syntax", 17, None),
        (('sortOrder="3" name="reqAdapterUrl"', 'sortOrder="8" name="reqAdapterUrl"'), "sort_gap", 6, "reqAdapterUrl"),
        (('sortOrder="0" name="reqGeneralInfo"', 'sortOrder="-1" name="reqGeneralInfo"'), "sort_order", 2, None),
        (('sortOrder="0" name="reqOut', 'sortOrder="1" name="reqOut'), "sort_gap", 14, "reqLongDistPrefix"),
        (('name="reqInternalName"', 'name="somethingElse"'), "first_item", 3, "somethingElse"),
        ((">zoomcontactcenter<", "><"), "required", 3, "reqInternalName"),
        ((">zoomcontactcenter<", ">9bad<"), "internal_name", 3, "reqInternalName"),
        ((">zoomcontactcenter<", ">with_score<"), "internal_name", 3, "reqInternalName"),
        ((">zoomcontactcenter<", f">{'a' * 41}<"), "internal_name", 3, "reqInternalName"),
        ((">Zoom Contact Center<", f">{'a' * 81}<"), "display_name", 4, "reqDisplayName"),
        (("https://zoom.us/cci/multi/callbar-cti", "javascript:alert(1)"), "url", 6, "reqAdapterUrl"),
        (("https://zoom.us/cci/multi/callbar-cti", "http://x;script-src 'unsafe-inline'"), "url", 6, "reqAdapterUrl"),
        (("https://zoom.us/cci/multi/callbar-cti", ""), "required", 6, "reqAdapterUrl"),
        ((">true<", ">yes<"), "boolean", 7, "reqUseApi"),
        ((">680<", ">tall<"), "number", 8, "reqSoftphoneHeight"),
        ((">700<", ">0<"), "number", 9, "reqSoftphoneWidth"),
        ((">Classic_and_Lightning<", ">Both<"), "mode", 10, "reqSalesforceCompatibilityMode"),
        (('name="reqDialingOptions"', 'name="req Dialing"'), "name", 12, "req Dialing"),
        (('name="reqDialingOptions"', 'name="label"'), "name_reserved", 12, "label"),
        (('name="reqDialingOptions"', 'name="reqGeneralInfo"'), "name_twice", 12, "reqGeneralInfo"),
        (('name="reqLongDistPrefix"', 'name="reqOutsidePrefix"'), "name_twice", 14, "reqOutsidePrefix"),
        (('label="Outside Prefix"', f'label="{"a" * 1001}"'), "label", 13, "reqOutsidePrefix"),
        (('<item sortOrder="2" name="reqInternational', '<thing/><item sortOrder="2" name="'), "unexpected", 15, None),
    ],
)  # fmt: skip
async def test_a_wrong_definition_is_refused_with_its_line_and_item(
    console: Browser, change: tuple[str, str], problem: str, line: int, item: str | None
) -> None:
    text = STANDARD.replace(*change, 1)
    assert text != STANDARD
    text = (
        text
        if problem in ("internal_name", "required")
        else text.replace(">zoomcontactcenter<", ">neverstored<")
    )
    answer = await send(console, text)
    assert answer.status_code == 400
    told = [(row["problem"], row["line"]) for row in answer.json()]
    assert (problem, line) in told or problem == "syntax", answer.text
    row = next(row for row in answer.json() if row["problem"] == problem)
    if item is not None:
        assert row["item"] == item
    assert row["message"]
    listed = (await console.api("GET", "setup/call-centers")).json()["call_centers"]
    assert "neverstored" not in [each["internal_name"] for each in listed]


async def test_every_error_of_a_file_is_told_at_once(console: Browser) -> None:
    text = STANDARD.replace(">true<", ">yes<").replace(">680<", ">x<").replace(">zoomcontactcenter<", "><")
    answer = await send(console, text)
    assert [(row["line"], row["item"], row["problem"]) for row in answer.json()] == [
        (3, "reqInternalName", "required"),
        (7, "reqUseApi", "boolean"),
        (8, "reqSoftphoneHeight", "number"),
    ]


async def test_a_standby_address_needs_a_timeout(console: Browser) -> None:
    item = '<item sortOrder="8" name="reqStandbyUrl">https://standby.example/</item>'
    text = a_definition().replace("Classic_and_Lightning</item>", f"Classic_and_Lightning</item>{item}")
    answer = await send(console, text)
    assert answer.json()[0]["problem"] == "together"
    more = '<item sortOrder="9" name="reqTimeout">10000</item>'
    assert (await send(console, text.replace(item, item + more))).status_code == 201


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b'<!DOCTYPE c [<!ENTITY x "y">]>' + STANDARD.encode(), "doctype"),
        (b'<?xml version="1.0"?>\n<!doctype c SYSTEM "http://127.0.0.1:9/x.dtd">' + STANDARD.encode(), "doctype"),
        (STANDARD.replace("&", "").replace(">9<", ">&x;<").encode(), "syntax"),
        (STANDARD.encode("utf-16"), "encoding"),
        (b'<?xml version="1.0" encoding="Shift_JIS"?>' + STANDARD.encode(), "encoding"),
        (b"+ADw-callCenter+AD4-", "syntax"),
        (b"\xff\xfe" + STANDARD.encode(), "encoding"),
        (b"<a>" * 80_000, "syntax"),
        (b"", "syntax"),
        (b"<callCenter/>", "empty"),
        (
            b'<callCenter xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></callCenter>',
            "unexpected",
        ),
    ],
)  # fmt: skip
async def test_dangerous_xml_is_refused_at_once(console: Browser, raw: bytes, problem: str) -> None:
    begun = time.perf_counter()
    answer = await send(console, raw)
    assert time.perf_counter() - begun < 2
    assert answer.status_code == 400
    assert problem in [row["problem"] for row in answer.json()]
    assert "root:" not in answer.text


async def test_a_file_of_ten_megabytes_is_refused_unread(console: Browser) -> None:
    answer = await send(console, b"<callCenter>" + b" " * 10_000_000)
    assert answer.status_code in (400, 413)


async def test_a_call_center_is_exported_as_it_can_be_imported(console: Browser) -> None:
    center = await a_center(console)
    exported = await console.api("GET", f"setup/call-centers/{center}/definition")
    assert exported.headers["content-type"].startswith("application/xml")
    name = (await console.api("GET", f"setup/call-centers/{center}")).json()["internal_name"]
    again = await send(console, exported.content.replace(name.encode(), b"exported1"))
    assert again.status_code == 201, again.text
    first = (await console.api("GET", f"setup/call-centers/{center}")).json()
    second = (await console.api("GET", f"setup/call-centers/{again.json()['id']}")).json()
    assert (first["sections"], first["internal_label"]) == (second["sections"], second["internal_label"])


async def test_a_call_center_is_cloned_without_its_users(console: Browser, new_user: NewUser) -> None:
    center = await a_center(console)
    await console.api("POST", f"setup/call-centers/{center}/users", json={"user_ids": [await new_user()]})
    names = {"internal_name": f"k{secrets.token_hex(6)}", "display_name": "Copy"}
    answer = await console.api("POST", f"setup/call-centers/{center}/clone", json=names)
    assert answer.status_code == 201, answer.text
    copy = (await console.api("GET", f"setup/call-centers/{answer.json()['id']}")).json()
    assert (copy["display_name"], copy["users"]) == ("Copy", [])
    assert copy["sections"] == (await console.api("GET", f"setup/call-centers/{center}")).json()["sections"]
    again = await console.api("POST", f"setup/call-centers/{center}/clone", json=names)
    assert again.json()[0]["problem"] == "internal_name_taken"
    bad = await console.api("POST", f"setup/call-centers/{center}/clone", json=names | {"internal_name": "1"})
    assert bad.json()[0]["problem"] == "internal_name"


async def test_items_are_edited_and_the_internal_name_is_not(console: Browser) -> None:
    center = await a_center(console)
    values = {"/reqDialingOptions/reqOutsidePrefix": "0", "/reqGeneralInfo/reqSoftphoneHeight": "480"}
    changed = await console.api(
        "PATCH", f"setup/call-centers/{center}", json={"display_name": "Renamed", "values": values}
    )
    assert changed.status_code == 200, changed.text
    shown = (await console.api("GET", f"setup/call-centers/{center}")).json()
    assert shown["display_name"] == "Renamed"
    assert shown["sections"][1]["items"][0]["value"] == "0"
    for wrong, problem in (
        ({"values": {"/reqGeneralInfo/reqUseApi": "maybe"}}, "boolean"),
        ({"values": {"/reqGeneralInfo/reqAdapterUrl": ""}}, "required"),
        ({"display_name": " "}, "required"),
    ):
        refused = await console.api("PATCH", f"setup/call-centers/{center}", json=wrong)
        assert (refused.status_code, refused.json()[0]["problem"]) == (400, problem)
    for path in ("/reqGeneralInfo/reqInternalName", "/x/y"):
        refused = await console.api("PATCH", f"setup/call-centers/{center}", json={"values": {path: "other"}})
        assert refused.json()[0]["fields"] == ["values"]


async def test_a_call_center_with_users_is_not_deleted(console: Browser, new_user: NewUser) -> None:
    center, user = await a_center(console), await new_user()
    await console.api("POST", f"setup/call-centers/{center}/users", json={"user_ids": [user]})
    refused = await console.api("DELETE", f"setup/call-centers/{center}")
    assert refused.json()[0]["errorCode"] == "DELETE_FAILED"
    await console.api("POST", f"setup/call-centers/{center}/users/remove", json={"user_ids": [user]})
    assert (await console.api("DELETE", f"setup/call-centers/{center}")).status_code == 204
    assert (await console.api("GET", f"setup/call-centers/{center}")).status_code == 404


async def test_users_with_a_call_center_are_not_offered(console: Browser, new_user: NewUser) -> None:
    center = await a_center(console)
    mark = f"Mark{secrets.token_hex(4)}"
    free, taken = await new_user(last_name=mark), await new_user(last_name=mark)
    gone = await new_user(last_name=mark)
    await console.api("PATCH", f"setup/users/{gone}", json={"active": False})
    await console.api("POST", f"setup/call-centers/{center}/users", json={"user_ids": [taken]})

    async def found(*criteria: tuple[str, str, str]) -> list[str]:
        body = {
            "criteria": [dict(zip(("field", "operator", "value"), each, strict=True)) for each in criteria]
        }
        answer = await console.api("POST", "setup/call-centers/candidates", json=body)
        assert answer.status_code == 200, answer.text
        return [user["id"] for user in answer.json()["users"]]

    assert await found(("LastName", "equals", mark.lower())) == [free]
    assert await found(("Name", "contains", mark[2:]), ("Profile", "equals", "Standard User")) == [free]
    assert await found(("LastName", "starts", mark), ("Profile", "not_equal", "standard user")) == []
    assert await found(("LastName", "equals", mark), ("Role", "excludes", "x")) == [free]
    assert await found(("Email", "contains", "'; --")) == []


@pytest.mark.parametrize(
    "criteria",
    [
        "x",
        [{"field": "Password", "operator": "equals", "value": "x"}],
        [{"field": "Name", "operator": "like", "value": "x"}],
        [{"field": "Name", "operator": "equals", "value": ""}],
        [{"field": "Name", "operator": "equals", "value": "x"}] * 6,
        ["x"],
    ],
)
async def test_bad_criteria_are_refused(console: Browser, criteria: Any) -> None:
    answer = await console.api("POST", "setup/call-centers/candidates", json={"criteria": criteria})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_INPUT")


async def test_users_are_moved_to_another_call_center_in_one_step(
    console: Browser, new_user: NewUser
) -> None:
    first, second = await a_center(console), await a_center(console)
    users = [await new_user(), await new_user()]
    await console.api("POST", f"setup/call-centers/{first}/users", json={"user_ids": users})
    moved = await console.api(
        "POST", f"setup/call-centers/{first}/users/move", json={"user_ids": users, "to": second}
    )
    assert moved.status_code == 200, moved.text
    assert (await console.api("GET", f"setup/call-centers/{first}")).json()["users"] == []
    there = (await console.api("GET", f"setup/call-centers/{second}")).json()["users"]
    assert sorted(user["id"] for user in there) == sorted(users)
    again = await console.api(
        "POST", f"setup/call-centers/{first}/users/move", json={"user_ids": users[:1], "to": second}
    )
    assert again.status_code == 404


async def test_a_user_who_does_not_exist_keeps_the_others_out(console: Browser, new_user: NewUser) -> None:
    center, user = await a_center(console), await new_user()
    answer = await console.api(
        "POST",
        f"setup/call-centers/{center}/users",
        json={"user_ids": [user, f"{user[:3]}{user[3:6]}zzzzzzzzz"[:15]]},
    )
    assert answer.status_code >= 400
    assert (await console.api("GET", f"setup/call-centers/{center}")).json()["users"] == []


async def test_managing_call_centers_is_a_right_of_its_own(
    world: World, console: Browser, new_user: NewUser
) -> None:
    """A user with Customize Application, but without Manage Call Centers, changes none."""
    center = await a_center(console)
    username = f"half{secrets.token_hex(4)}@acme.example"
    made = await console.api(
        "POST", "setup/users", json={"username": username, "last_name": "Half", "password": PASSWORD}
    )
    sets = await console.api(
        "POST",
        "data/v66.0/sobjects/PermissionSet",
        json={
            "Name": f"Half{secrets.token_hex(4)}",
            "Label": "Half",
            "PermissionsViewSetup": True,
            "PermissionsCustomizeApplication": True,
        },
    )
    assert sets.status_code == 201, sets.text
    given = await console.api(
        "POST",
        f"setup/permission-sets/{sets.json()['id']}/assignments",
        json={"user_ids": [made.json()["id"]]},
    )
    assert given.status_code == 200, given.text
    half = Browser(world.port)
    await half.open_console(username, PASSWORD)
    assert (await half.api("GET", f"setup/call-centers/{center}")).status_code == 200
    for method, path in (
        ("POST", "setup/call-centers/import"),
        ("PATCH", f"setup/call-centers/{center}"),
        ("DELETE", f"setup/call-centers/{center}"),
        ("POST", f"setup/call-centers/{center}/clone"),
        ("POST", f"setup/call-centers/{center}/users"),
        ("POST", "setup/call-centers/candidates"),
    ):
        answer = await half.api(method, path, json={})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS"), path
    await half.close()


async def test_agents_look_at_no_call_center(world: World, console: Browser) -> None:
    agent = Browser(world.port)
    await agent.open_console(AGENT, PASSWORD)
    for path in (
        "call-centers",
        "users",
        "permission-sets",
        "softphone-layouts",
        "audit-trail",
        "company",
        "apps",
    ):
        answer = await agent.api("GET", f"setup/{path}")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
    await agent.close()
