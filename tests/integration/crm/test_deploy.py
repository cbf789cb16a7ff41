"""Metadata deployment and what stands on it: custom objects, composite graphs, upserts."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from typing import Any

import httpx2
import pytest
from tests.plain_http import plain_http

from .browser import Browser
from .conftest import ADMIN, PASSWORD, World, client_of, code_in
from .package_files import NS, SESSION, archive, manifest, text_field, whole
from .test_rest import DATA, error, make, soql


async def deploy(http: httpx2.AsyncClient, raw: bytes, **options: Any) -> dict[str, Any]:
    parts = {
        "json": (None, json.dumps({"deployOptions": options}), "application/json"),
        "file": ("package.zip", raw, "application/zip"),
    }
    answer = await http.post(f"{DATA}/metadata/deployRequest", files=parts)
    assert answer.status_code == 201, answer.text
    assert answer.json()["deployResult"]["status"] == "Pending"
    return await outcome(http, answer.json()["id"])


async def outcome(http: httpx2.AsyncClient, deployment: str) -> dict[str, Any]:
    """A deployment's result once it is done, asked for as programs do."""
    async with asyncio.timeout(30):
        while True:
            asked = await http.get(f"{DATA}/metadata/deployRequest/{deployment}?includeDetails=true")
            result = asked.json()["deployResult"]
            if result["done"]:
                return result
            await asyncio.sleep(0.02)


@pytest.fixture(scope="session")
async def package(world: World) -> dict[str, Any]:
    """The whole package, deployed once."""
    http = await client_of(world, ADMIN)
    result = await deploy(http, archive(whole()))
    await http.aclose()
    assert result["success"], result["details"]["componentFailures"]
    return result


async def test_a_package_takes_effect_at_once(package: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    assert (package["status"], package["numberComponentErrors"]) == ("Succeeded", 0)
    done = {(row["componentType"], row["fullName"]): row for row in package["details"]["componentSuccesses"]}
    assert done["CustomObject", "Session__c"]["created"] is True
    assert done["CustomField", "Session__c.Contact__c"]["fileName"] == "objects/Session__c.object"
    contact = await make(admin, "Contact", LastName="Session")
    record = await make(
        admin, "Session__c", Engagement__c="e-1", Contact__c=contact, Duration__c=12, Notes__c="a\nb"
    )
    found = await soql(
        admin,
        "SELECT Name, Contact__r.LastName, Direction__c, Done__c, Duration__c, Notes__c FROM session__c "
        "WHERE Engagement__c = 'e-1'",
    )
    row = found["records"][0]
    assert row["Name"].startswith("S-0")
    assert (row["Contact__r"]["LastName"], row["Direction__c"], row["Done__c"]) == (
        "Session",
        "Inbound",
        False,
    )
    assert (row["Duration__c"], row["Notes__c"]) == (12.0, "a\nb")
    children = await soql(admin, f"SELECT (SELECT Id FROM Sessions__r) FROM Contact WHERE Id = '{contact}'")
    assert children["records"][0]["Sessions__r"]["records"][0]["Id"] == record
    await make(admin, "Task", Subject="about it", WhatId=record, Call_Key__c="key-1")
    await make(admin, "Codes__c", Name="US", Code__c="+1")
    again = await admin.post(f"{DATA}/sobjects/Task", json={"Call_Key__c": "key-1"})
    assert error(again) == (400, "DUPLICATE_VALUE")


async def test_custom_settings_are_written_by_administrators_only(
    package: dict[str, Any], agent: httpx2.AsyncClient
) -> None:
    refused = await agent.post(f"{DATA}/sobjects/Codes__c", json={"Name": "JP", "Code__c": "+81"})
    assert error(refused) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    await soql(agent, "SELECT Name, Code__c FROM Codes__c")
    assert (
        await agent.post(f"{DATA}/sobjects/Session__c", json={"Engagement__c": "agent"})
    ).status_code == 201
    described = (await agent.get(f"{DATA}/sobjects/Session__c/describe")).json()
    assert described["label"] == "セッション"
    assert {"通話時間", "セッション名"} <= {item["label"] for item in described["fields"]}
    views = (await agent.get(f"{DATA}/sobjects/Session__c/listviews")).json()["listviews"]
    assert "すべてのセッション" in {view["label"] for view in views}


async def test_deploying_the_same_again_changes_nothing(
    package: dict[str, Any], admin: httpx2.AsyncClient, world: World
) -> None:
    conn = await world.database()
    before = await conn.fetchval("SELECT version FROM meta.catalogue")
    result = await deploy(admin, archive(whole()))
    assert result["success"]
    changed = [
        row["fullName"] for row in result["details"]["componentSuccesses"] if row["changed"] or row["created"]
    ]
    assert changed == []
    assert await conn.fetchval("SELECT version FROM meta.catalogue") == before
    await conn.close()


async def test_a_failed_deployment_leaves_nothing(admin: httpx2.AsyncClient, world: World) -> None:
    wrong = "<fields><fullName>Bad__c</fullName><label>B</label><type>Hologram</type></fields>"
    bad = f"<CustomObject {NS}>{text_field('Fine__c')}{wrong}</CustomObject>"
    files = {
        "package.xml": manifest(CustomObject=["Half__c", "Account", "Missing__c"], Report=["x"]),
        "objects/Half__c.object": SESSION,
        "objects/Account.object": bad,
    }
    result = await deploy(admin, archive(files))
    assert (result["status"], result["numberComponentsDeployed"]) == ("Failed", 0)
    problems = {row["fullName"]: row["problem"] for row in result["details"]["componentFailures"]}
    assert "Hologram" in problems["Account.Bad__c"]
    assert "was not found in zipped directory" in problems["Missing__c"]
    assert error(await admin.get(f"{DATA}/sobjects/Half__c")) == (404, "NOT_FOUND")
    assert error(await admin.get(f"{DATA}/query", params={"q": "SELECT Fine__c FROM Account"})) == (
        400,
        "INVALID_FIELD",
    )
    conn = await world.database()
    assert await conn.fetchval("SELECT to_regclass('data.\"Half__c\"')") is None
    await conn.close()


async def test_a_check_only_deployment_leaves_nothing(admin: httpx2.AsyncClient) -> None:
    files = {"package.xml": manifest(CustomObject=["Checked__c"]), "objects/Checked__c.object": SESSION}
    result = await deploy(admin, archive(files), checkOnly=True)
    assert result["success"]
    assert error(await admin.get(f"{DATA}/sobjects/Checked__c")) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"objects/A__c.object": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + SESSION[39:]},
            "DOCTYPE",
        ),
        ({"objects/A__c.object": "<CustomObject"}, "Error parsing file"),
        (
            {"objects/A__c.object": SESSION.replace("<label>Session</label>", "<labell>x</labell>")},
            "invalid at this location",
        ),
        (
            {
                "objects/A__c.object": f"<CustomObject {NS}>"
                + "<fields>" * 40
                + "</fields>" * 40
                + "</CustomObject>"
            },
            "nested",
        ),
    ],
)
async def test_malformed_components_are_named(
    admin: httpx2.AsyncClient, files: dict[str, str], message: str
) -> None:
    result = await deploy(admin, archive({"package.xml": manifest(CustomObject=["A__c"])} | files))
    assert message in result["details"]["componentFailures"][0]["problem"]
    assert "root:" not in json.dumps(result)


async def test_hostile_archives_are_refused(admin: httpx2.AsyncClient, agent: httpx2.AsyncClient) -> None:
    async def refused(raw: bytes, http: httpx2.AsyncClient = admin) -> tuple[int, str]:
        return error(await http.post(f"{DATA}/metadata/deployRequest", files={"file": ("p.zip", raw)}))

    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("package.xml", b"<a/>" + b" " * 50_000_000)
    assert await refused(bomb.getvalue()) == (400, "LIMIT_EXCEEDED")
    assert await refused(b"no zip") == (400, "INVALID_FILE")
    assert await refused(archive({"../package.xml": "x"})) == (400, "INVALID_FILE")
    assert await refused(archive({"other.txt": "x"})) == (400, "INVALID_FILE")
    assert await refused(archive(whole()), agent) == (403, "INSUFFICIENT_ACCESS")


async def test_a_deployed_app_is_an_oauth_client(
    package: dict[str, Any], world: World, browser: Browser
) -> None:
    await browser.sign_in(ADMIN, PASSWORD)
    uri = "http://localhost:9/deployed"
    location = await world.authorize(
        browser, client_id="deployed-client", redirect_uri=uri, scope="api refresh_token"
    )
    async with plain_http(base_url=world.base) as http:
        answer = await world.redeem(
            http,
            code_in(location),
            client_id="deployed-client",
            client_secret="deployed-secret",
            redirect_uri=uri,
        )
        assert answer.status_code == 200, answer.text


async def test_a_restricting_lookup_holds_its_parent(admin: httpx2.AsyncClient) -> None:
    held = SESSION.replace("<required>false</required>", "<deleteConstraint>Restrict</deleteConstraint>", 1)
    files = {
        "package.xml": manifest(CustomObject=["Held__c"]),
        "objects/Held__c.object": held.replace(">Sessions<", ">Helds<"),
    }
    result = await deploy(admin, archive(files))
    assert result["success"], result["details"]["componentFailures"]
    contact = await make(admin, "Contact", LastName="Held")
    child = await make(admin, "Held__c", Contact__c=contact)
    assert error(await admin.delete(f"{DATA}/sobjects/Contact/{contact}")) == (400, "DELETE_FAILED")
    assert (await admin.delete(f"{DATA}/sobjects/Held__c/{child}")).status_code == 204
    assert (await admin.delete(f"{DATA}/sobjects/Contact/{contact}")).status_code == 204


# -- upserts and graphs --------------------------------------------------------------------------------------


async def test_upsert_makes_then_changes(package: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    url = f"{DATA}/sobjects/Session__c/Engagement__c/up%20sert%2F1"
    made = await admin.patch(url, json={"Duration__c": 1})
    assert (made.status_code, made.json()["created"]) == (201, True)
    changed = await admin.patch(url, json={"Duration__c": 2})
    assert (changed.status_code, changed.json()["created"]) == (200, False)
    assert changed.json()["id"] == made.json()["id"]
    record = (await admin.get(url)).json()
    assert (record["Engagement__c"], record["Duration__c"]) == ("up sert/1", 2.0)
    assert error(await admin.patch(f"{DATA}/sobjects/Session__c/Link__c/x", json={})) == (404, "NOT_FOUND")
    assert (await admin.patch(url + "x?updateOnly=true", json={})).status_code == 404


async def test_concurrent_upserts_of_one_key_make_one_row(
    package: dict[str, Any], admin: httpx2.AsyncClient
) -> None:
    url = f"{DATA}/sobjects/Task/Call_Key__c/race"
    answers = await asyncio.gather(*(admin.patch(url, json={"Subject": str(n)}) for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert (await soql(admin, "SELECT Id FROM Task WHERE Call_Key__c = 'race'"))["totalSize"] == 1


def graph(key: str, contact: str) -> dict[str, Any]:
    return {
        "graphId": key,
        "compositeRequest": [
            # The task stands first and refers to the session behind it: order is found by reference.
            {"method": "POST", "url": f"{DATA}/sobjects/Task", "referenceId": "task",
             "body": {"Subject": "Call", "WhoId": contact, "WhatId": "@{session.id}", "Call_Key__c": key}},
            {"method": "POST", "url": f"{DATA}/sobjects/Session__c", "referenceId": "session",
             "body": {"Engagement__c": key, "Contact__c": contact}},
        ],
    }  # fmt: skip


async def test_a_graph_is_all_or_nothing_and_a_repeat_changes_nothing(
    package: dict[str, Any], admin: httpx2.AsyncClient
) -> None:
    contact = await make(admin, "Contact", LastName="Graph")
    body = {"graphs": [graph("g1", contact), graph("g2", contact)]}
    answer = (await admin.post(f"{DATA}/composite/graph", json=body)).json()
    assert [item["isSuccessful"] for item in answer["graphs"]] == [True, True]
    parts = {part["referenceId"]: part for part in answer["graphs"][0]["graphResponse"]["compositeResponse"]}
    assert parts["task"]["httpStatusCode"] == 201
    task = (await admin.get(f"{DATA}/sobjects/Task/{parts['task']['body']['id']}")).json()
    assert task["WhatId"] == parts["session"]["body"]["id"]
    body = {"graphs": [graph("g2", contact), graph("g3", contact)]}
    answer = (await admin.post(f"{DATA}/composite/graph", json=body)).json()
    assert [item["isSuccessful"] for item in answer["graphs"]] == [False, True]
    failed = {part["referenceId"]: part for part in answer["graphs"][0]["graphResponse"]["compositeResponse"]}
    assert failed["session"]["body"][0]["errorCode"] == "DUPLICATE_VALUE"
    assert failed["task"]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert (await soql(admin, f"SELECT Id FROM Task WHERE WhoId = '{contact}'"))["totalSize"] == 3
    assert (await soql(admin, f"SELECT Id FROM Session__c WHERE Contact__c = '{contact}'"))["totalSize"] == 3


async def test_graph_limits_and_cycles_are_refused(admin: httpx2.AsyncClient) -> None:
    one = {"method": "GET", "url": f"{DATA}/limits", "referenceId": "a"}
    many = {"graphs": [{"graphId": str(n), "compositeRequest": [one]} for n in range(76)]}
    assert error(await admin.post(f"{DATA}/composite/graph", json=many)) == (400, "LIMIT_EXCEEDED")
    cycle = [
        one | {"url": f"{DATA}/sobjects/Contact/@{{b.id}}"},
        one | {"referenceId": "b", "url": f"{DATA}/sobjects/Contact/@{{a.id}}"},
    ]
    body = {"graphs": [{"graphId": "1", "compositeRequest": cycle}]}
    assert error(await admin.post(f"{DATA}/composite/graph", json=body)) == (400, "INVALID_INPUT")


async def test_composite_resolves_references_and_undoes_together(admin: httpx2.AsyncClient) -> None:
    def request(last: dict[str, Any], all_or_none: bool) -> dict[str, Any]:
        return {
            "allOrNone": all_or_none,
            "compositeRequest": [
                {"method": "POST", "url": f"{DATA}/sobjects/Account", "referenceId": "acc", "body": {"Name": "Composite"}},
                {"method": "GET", "referenceId": "q",
                 "url": f"{DATA}/query?q=SELECT+Id+FROM+Account+WHERE+Id='@{{acc.id}}'"},
                {"method": "POST", "url": f"{DATA}/sobjects/Contact", "referenceId": "con",
                 "body": last | {"AccountId": "@{q.records[0].Id}"}},
            ],
        }  # fmt: skip

    answer = (await admin.post(f"{DATA}/composite", json=request({"LastName": "C"}, True))).json()
    assert [part["httpStatusCode"] for part in answer["compositeResponse"]] == [201, 200, 201]
    count = (await soql(admin, "SELECT COUNT() FROM Account WHERE Name = 'Composite'"))["totalSize"]
    answer = (await admin.post(f"{DATA}/composite", json=request({}, True))).json()
    assert [part["httpStatusCode"] for part in answer["compositeResponse"]] == [400, 400, 400]
    assert answer["compositeResponse"][0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert (await soql(admin, "SELECT COUNT() FROM Account WHERE Name = 'Composite'"))["totalSize"] == count
    answer = (await admin.post(f"{DATA}/composite", json=request({}, False))).json()
    assert [part["httpStatusCode"] for part in answer["compositeResponse"]] == [201, 200, 400]


async def test_collections_answer_row_by_row(package: dict[str, Any], admin: httpx2.AsyncClient) -> None:
    rows = [{"attributes": {"type": "Contact"}, "LastName": "Row"}, {"attributes": {"type": "Contact"}}]
    answer = (await admin.post(f"{DATA}/composite/sobjects", json={"records": rows})).json()
    assert [row["success"] for row in answer] == [True, False]
    assert answer[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    first = answer[0]["id"]
    answer = (
        await admin.post(f"{DATA}/composite/sobjects", json={"allOrNone": True, "records": rows})
    ).json()
    assert answer[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    changed = await admin.patch(
        f"{DATA}/composite/sobjects",
        json={"records": [{"id": first, "Title": "T"}, {"id": "003000000000000AAA"}]},
    )
    assert [row["success"] for row in changed.json()] == [True, False]
    keys = [
        {"attributes": {"type": "Session__c"}, "Engagement__c": f"many-{n % 3}", "Duration__c": n}
        for n in range(4)
    ]
    upserted = (
        await admin.patch(f"{DATA}/composite/sobjects/Session__c/Engagement__c", json={"records": keys})
    ).json()
    assert [row["success"] for row in upserted] == [True, True, True, False]
    assert upserted[0]["created"] is True
    again = (
        await admin.patch(f"{DATA}/composite/sobjects/Session__c/Engagement__c", json={"records": keys[:3]})
    ).json()
    assert [row["created"] for row in again] == [False] * 3
    read = await admin.get(
        f"{DATA}/composite/sobjects/Contact", params={"ids": f"{first},003000000000000AAA", "fields": "Title"}
    )
    assert [row and row["Title"] for row in read.json()] == ["T", None]
    gone = await admin.delete(f"{DATA}/composite/sobjects", params={"ids": first})
    assert gone.json() == [{"id": first, "success": True, "errors": []}]
    too_many = {"records": [rows[0]] * 201}
    assert error(await admin.post(f"{DATA}/composite/sobjects", json=too_many)) == (400, "EXCEEDED_ID_LIMIT")
