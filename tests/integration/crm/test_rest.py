"""Records, queries and searches as a client of the API sees them."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest
from tests.plain_http import plain_http

from .conftest import ADMIN, World

DATA = "/services/data/v66.0"


async def make(http: httpx2.AsyncClient, name: str, **fields: Any) -> str:
    answer = await http.post(f"{DATA}/sobjects/{name}", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def soql(http: httpx2.AsyncClient, text: str) -> dict[str, Any]:
    answer = await http.get(f"{DATA}/query", params={"q": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


def error(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()[0]["errorCode"]


async def test_versions_need_no_sign_in(world: World) -> None:
    async with plain_http(base_url=world.base) as http:
        answer = await http.get("/services/data")
        assert {"label": "Spring '26", "url": "/services/data/v66.0", "version": "66.0"} in answer.json()
        assert "sforce-limit-info" not in answer.headers
        assert error(await http.get(f"{DATA}/limits")) == (401, "INVALID_SESSION_ID")
        assert error(await http.get("/services/data/v49.0/limits")) == (404, "NOT_FOUND")


async def test_resources_and_limits(admin: httpx2.AsyncClient, world: World) -> None:
    answer = await admin.get(f"{DATA}/")
    assert answer.json()["sobjects"] == f"{DATA}/sobjects"
    assert world.org_id in answer.json()["identity"]
    assert answer.headers["sforce-limit-info"].startswith("api-usage=")
    assert (await admin.get(f"{DATA}/limits/")).json()["DailyApiRequests"]["Max"] == 10_000_000


async def test_a_record_is_made_read_changed_and_deleted(admin: httpx2.AsyncClient) -> None:
    answer = await admin.post(
        f"{DATA}/sobjects/Contact/", json={"FirstName": "Ann", "LastName": "Lee", "phone": " (415) 555-0100 "}
    )
    assert answer.status_code == 201
    record_id = answer.json()["id"]
    assert answer.json() == {"id": record_id, "success": True, "errors": []}
    assert record_id.startswith("003")
    assert len(record_id) == 18
    record = (await admin.get(f"{DATA}/sobjects/Contact/{record_id[:15]}")).json()
    assert record["Name"] == "Ann Lee"
    assert record["Phone"] == "(415) 555-0100"
    assert record["attributes"] == {"type": "Contact", "url": f"{DATA}/sobjects/Contact/{record_id}"}
    assert record["CreatedDate"].endswith("+0000")
    changed = await admin.patch(
        f"{DATA}/sobjects/Contact/{record_id}", json={"LastName": "Ray", "Phone": None}
    )
    assert (changed.status_code, changed.content) == (204, b"")
    record = (await admin.get(f"{DATA}/sobjects/Contact/{record_id}?fields=name,Phone")).json()
    assert (record["Name"], record["Phone"]) == ("Ann Ray", None)
    assert (await admin.delete(f"{DATA}/sobjects/Contact/{record_id}")).status_code == 204
    assert error(await admin.get(f"{DATA}/sobjects/Contact/{record_id}")) == (404, "NOT_FOUND")
    assert error(await admin.delete(f"{DATA}/sobjects/Contact/{record_id}")) == (404, "ENTITY_IS_DELETED")
    gone = await admin.get(
        f"{DATA}/queryAll", params={"q": f"SELECT IsDeleted FROM Contact WHERE Id = '{record_id}'"}
    )
    assert gone.json()["records"][0]["IsDeleted"] is True


@pytest.mark.parametrize(
    ("name", "fields", "code", "about"),
    [
        ("Contact", {}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ("Contact", {"LastName": "x" * 81}, "STRING_TOO_LONG", ["LastName"]),
        ("Contact", {"LastName": "x", "Nope": 1}, "INVALID_FIELD", None),
        ("Contact", {"LastName": "x", "Id": "003"}, "INVALID_FIELD", None),
        ("Contact", {"LastName": "x", "Name": "x"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"]),
        ("Contact", {"LastName": "x", "Email": "not an address"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ("Contact", {"LastName": "x", "AccountId": "abc"}, "MALFORMED_ID", ["AccountId"]),
        (
            "Contact",
            {"LastName": "x", "AccountId": "001000000000001AAA"},
            "INVALID_CROSS_REFERENCE_KEY",
            ["AccountId"],
        ),
        ("Contact", {"LastName": 5}, "JSON_PARSER_ERROR", None),
        ("Contact", {"LastName": "x", "Birthdate": "tomorrow"}, "JSON_PARSER_ERROR", None),
        ("Task", {"CallType": "Sideways"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["CallType"]),
        ("Lead", {"LastName": "x"}, "REQUIRED_FIELD_MISSING", ["Company"]),
    ],
)
async def test_bad_values_are_refused_in_salesforce_s_words(
    admin: httpx2.AsyncClient, name: str, fields: dict[str, Any], code: str, about: list[str] | None
) -> None:
    answer = await admin.post(f"{DATA}/sobjects/{name}", json=fields)
    assert error(answer) == (400, code)
    assert answer.json()[0].get("fields") == about


async def test_malformed_requests_are_no_server_errors(admin: httpx2.AsyncClient) -> None:
    url = f"{DATA}/sobjects/Contact"
    kind = {"Content-Type": "application/json"}
    assert error(await admin.post(url, content=b"{", headers=kind)) == (400, "JSON_PARSER_ERROR")
    assert error(await admin.post(url, content=b"[" * 100_000, headers=kind)) == (400, "JSON_PARSER_ERROR")
    assert error(await admin.post(url, content=b'{"LastName": NaN}', headers=kind)) == (
        400,
        "JSON_PARSER_ERROR",
    )
    assert error(await admin.post(url, content=b"<a/>", headers={"Content-Type": "text/xml"})) == (
        415,
        "UNSUPPORTED_MEDIA_TYPE",
    )
    assert error(await admin.post(url, content=b" " * (5 * 1024 * 1024 + 1), headers=kind))[0] == 413
    assert error(await admin.put(url, json={})) == (405, "METHOD_NOT_ALLOWED")
    strange = await admin.post(url, content=b'{"LastName": "a\\u0000b\\ud800c"}', headers=kind)
    assert (await admin.get(f"{url}/{strange.json()['id']}")).json()["LastName"] == "ab?c"


async def test_references_point_to_what_they_may(admin: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="Globex")
    contact = await make(admin, "Contact", LastName="Roe", AccountId=account)
    task = await make(admin, "Task", Subject="Call", WhoId=contact)
    record = (await admin.get(f"{DATA}/sobjects/Task/{task}")).json()
    assert (record["AccountId"], record["Status"], record["IsClosed"]) == (account, "Not Started", False)
    wrong = await admin.post(f"{DATA}/sobjects/Task", json={"WhoId": account})
    assert error(wrong) == (400, "FIELD_INTEGRITY_EXCEPTION")
    await admin.patch(f"{DATA}/sobjects/Task/{task}", json={"Status": "Completed"})
    record = (await admin.get(f"{DATA}/sobjects/Task/{task}")).json()
    assert record["IsClosed"] is True
    assert record["CompletedDateTime"]
    subtype = await admin.patch(f"{DATA}/sobjects/Task/{task}", json={"TaskSubtype": "Call"})
    assert error(subtype) == (400, "INVALID_FIELD_FOR_INSERT_UPDATE")
    await admin.delete(f"{DATA}/sobjects/Account/{account}")
    assert error(await admin.get(f"{DATA}/sobjects/Contact/{contact}")) == (404, "NOT_FOUND")
    late = await admin.post(f"{DATA}/sobjects/Contact", json={"LastName": "x", "AccountId": account})
    assert error(late) == (400, "ENTITY_IS_DELETED")


async def test_describe_tells_types_lengths_and_labels(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    found = (await admin.get(f"{DATA}/sobjects/contact/describe")).json()
    fields = {item["name"]: item for item in found["fields"]}
    assert fields["Phone"]["type"] == "phone"
    assert fields["Phone"]["length"] == 40
    assert fields["LastName"]["nillable"] is False
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert fields["OwnerId"]["relationshipName"] == "Owner"
    task = (await admin.get(f"{DATA}/sobjects/Task/describe")).json()
    what = next(item for item in task["fields"] if item["name"] == "WhatId")
    assert {"Account", "Opportunity", "Case"} <= set(what["referenceTo"])
    japanese = (await agent.get(f"{DATA}/sobjects/Contact/describe")).json()
    assert japanese["label"] == "取引先責任者"
    everything = (await admin.get(f"{DATA}/sobjects")).json()
    assert everything["maxBatchSize"] == 200
    assert "Contact" in {item["name"] for item in everything["sobjects"]}


async def test_queries_answer_parents_children_and_counts(admin: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="O'Brien & Söhne")
    for last, phone in (("Alpha", "+1 415 555 0199"), ("Beta", None), ("gamma", "")):
        await make(admin, "Contact", LastName=last, AccountId=account, Phone=phone)
    where = f"AccountId = '{account}'"
    found = await soql(
        admin,
        f"select id, account.name, Owner.Username FROM Contact c WHERE c.{where} order by lastname desc",
    )
    assert found["totalSize"] == 3
    assert found["done"] is True
    first = found["records"][0]
    assert first["Account"]["Name"] == "O'Brien & Söhne"
    assert first["Account"]["attributes"]["type"] == "Account"
    assert first["Owner"]["Username"] == ADMIN
    names = [
        row["LastName"]
        for row in (await soql(admin, f"SELECT LastName FROM Contact WHERE {where} ORDER BY LastName"))[
            "records"
        ]
    ]
    assert names == ["Alpha", "Beta", "gamma"]
    assert (await soql(admin, f"SELECT COUNT() FROM Contact WHERE {where}"))["totalSize"] == 3
    assert (await soql(admin, f"SELECT Id FROM Contact WHERE {where} AND Phone = null"))["totalSize"] == 2
    assert (await soql(admin, f"SELECT Id FROM Contact WHERE {where} AND (NOT LastName LIKE 'AL%')"))[
        "totalSize"
    ] == 2
    assert (await soql(admin, f"SELECT Id FROM Contact WHERE {where} AND LastName IN ('alpha', 'BETA')"))[
        "totalSize"
    ] == 2
    assert (await soql(admin, f"SELECT Id FROM Contact WHERE {where} AND CreatedDate = TODAY LIMIT 2"))[
        "totalSize"
    ] == 2
    assert (
        await soql(admin, f"SELECT Id FROM Contact WHERE {where} AND CreatedDate < 2020-01-01T00:00:00Z")
    )["totalSize"] == 0
    quoted = await soql(
        admin,
        "SELECT Id, (SELECT LastName FROM Contacts ORDER BY LastName LIMIT 2) FROM Account WHERE Name = 'O\\'Brien & Söhne'",
    )
    assert [row["LastName"] for row in quoted["records"][0]["Contacts"]["records"]] == ["Alpha", "Beta"]
    semi = await soql(
        admin, f"SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE {where})"
    )
    assert [row["Id"] for row in semi["records"]] == [account]
    ids = sorted(row["attributes"]["url"][-18:] for row in found["records"])
    chunk = await soql(
        admin, f"SELECT Id FROM Contact WHERE {where} AND Id > '{ids[0]}' ORDER BY Id LIMIT 2000"
    )
    assert [row["Id"] for row in chunk["records"]] == ids[1:]
    contact = found["records"][0]["Id"]
    await make(admin, "Task", Subject="Polymorphic", WhoId=contact, WhatId=account)
    task = (await soql(admin, f"SELECT Who.Name, Who.Type, What.Name FROM Task WHERE WhoId = '{contact}'"))[
        "records"
    ][0]
    assert (task["Who"]["Name"], task["Who"]["Type"], task["What"]["Name"]) == (
        "gamma",
        "Contact",
        "O'Brien & Söhne",
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT Id FROM", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE", "MALFORMED_QUERY"),
        ("DELETE FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact; DROP TABLE x", "MALFORMED_QUERY"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Account.Nope FROM Contact", "INVALID_FIELD"),
        ("SELECT Nope.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Birthdate = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Contact WHERE CreatedDate = 2026-13-45", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE CreatedDate = LAST_N_DAYS:9999999999999", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT 99999999999999999999", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE " + "(" * 600, "MALFORMED_QUERY"),
        ("", "MALFORMED_QUERY"),
    ],
)
async def test_bad_queries_are_named(admin: httpx2.AsyncClient, text: str, code: str) -> None:
    assert error(await admin.get(f"{DATA}/query", params={"q": text})) == (400, code)


async def test_a_quote_in_a_value_stays_a_value(admin: httpx2.AsyncClient) -> None:
    for text in ("x' OR Name != '", "x\\", "%", "_", '\'; DROP TABLE data."Contact"; --'):
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        assert (await soql(admin, f"SELECT Id FROM Contact WHERE LastName = '{escaped}'"))["totalSize"] == 0
        await soql(admin, f"SELECT Id FROM Contact WHERE LastName LIKE '{escaped}'")


async def test_long_results_come_in_pages(admin: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="Pages")
    for start in range(0, 450, 150):
        rows = [
            {"attributes": {"type": "Contact"}, "LastName": f"P{number:03d}", "AccountId": account}
            for number in range(start, start + 150)
        ]
        answer = await admin.post(f"{DATA}/composite/sobjects", json={"records": rows})
        assert all(row["success"] for row in answer.json())
    small = {"Sforce-Query-Options": "batchSize=200"}
    for order in ("", " ORDER BY LastName DESC"):
        text = f"SELECT LastName FROM Contact WHERE AccountId = '{account}'{order}"
        page = (await admin.get(f"{DATA}/query/", params={"q": text}, headers=small)).json()
        names = [row["LastName"] for row in page["records"]]
        while not page["done"]:
            assert page["totalSize"] == 450
            assert page["nextRecordsUrl"].startswith(f"{DATA}/query/01g")
            page = (await admin.get(page["nextRecordsUrl"], headers=small)).json()
            names += [row["LastName"] for row in page["records"]]
        assert len(names) == 450
        assert len(set(names)) == 450
        if order:
            assert names == sorted(names, reverse=True)
    assert error(await admin.get(f"{DATA}/query/01g000000000000AAA-2000")) == (400, "INVALID_QUERY_LOCATOR")


@pytest.mark.parametrize(
    "asked",
    [
        "+81 3-4567-0123",
        "0345670123",
        "03-4567-0123",
        "+81345670123",
        "０３ー４５６７ー０１２３",
        "(03) 4567 0123",
    ],
)
async def test_a_number_is_found_however_it_is_written(admin: httpx2.AsyncClient, asked: str) -> None:
    found = await soql(admin, "SELECT Id FROM Contact WHERE LastName = 'PhoneA'")
    if not found["records"]:
        await make(admin, "Contact", LastName="PhoneA", Phone="03-4567-0123")
        await make(admin, "Contact", LastName="PhoneA", MobilePhone="+81 (0)3 4567 0123 x55")
        await make(admin, "Contact", LastName="PhoneB", Phone="03-4567-0124")
    body = {"q": asked, "in": "PHONE", "sobjects": [{"name": "Contact", "fields": ["Id", "LastName"]}]}
    answer = await admin.post(f"{DATA}/parameterizedSearch", json=body)
    assert [row["LastName"] for row in answer.json()["searchRecords"]] == ["PhoneA", "PhoneA"]


async def test_sosl_finds_words_numbers_and_japanese(admin: httpx2.AsyncClient) -> None:
    await make(
        admin,
        "Contact",
        FirstName="太郎",
        LastName="山田",
        Phone="+1 (628) 555-0142",
        Email="taro@sosl.example",
    )
    await make(admin, "Lead", LastName="Soslfeld", Company="Sosl GmbH", Phone="628.555.0142")

    async def find(text: str) -> list[dict[str, Any]]:
        answer = await admin.get(f"{DATA}/search", params={"q": text})
        assert answer.status_code == 200, answer.text
        return answer.json()["searchRecords"]

    both = await find(
        "FIND {6285550142} IN PHONE FIELDS RETURNING Contact(Id, Name), Lead(Name WHERE Company != null)"
    )
    assert [row["Name"] for row in both] == ["太郎 山田", "Soslfeld"]
    assert len(await find("FIND {\\+1\\-628\\-555\\-0142} IN PHONE FIELDS RETURNING Contact")) == 1
    for name in ("山田", "山田太郎", "山田 太郎", "太郎　山田"):
        assert len(await find(f"FIND {{{name}}} RETURNING Contact(Name)")) == 1
    assert await find("FIND {太郎山} RETURNING Contact(Name)") == []
    assert len(await find("FIND {soslf*} IN NAME FIELDS RETURNING Lead(Id LIMIT 5) LIMIT 10")) == 1
    assert len(await find("FIND {taro@sosl.example} IN EMAIL FIELDS RETURNING Contact(Id)")) == 1
    assert len(await find("FIND {nobody OR sosl} RETURNING Lead(Id)")) == 1
    for bad in ("FIND {+1-628} RETURNING", "FIND x", "FIND {a}", "FIND {ab} IN FAX FIELDS", "FIND {a&b}"):
        assert error(await admin.get(f"{DATA}/search", params={"q": bad}))[0] == 400


async def test_updated_and_deleted_records_are_told(admin: httpx2.AsyncClient) -> None:
    record_id = await make(admin, "Contact", LastName="Delta")
    span = {"start": "2026-01-01T00:00:00Z", "end": "2099-01-01T00:00:00Z"}
    recent = await soql(admin, f"SELECT SystemModstamp FROM Contact WHERE Id = '{record_id}'")
    stamp: str = recent["records"][0]["SystemModstamp"]
    span["start"] = stamp
    ids = (await admin.get(f"{DATA}/sobjects/Contact/updated", params=span)).json()["ids"]
    assert record_id in ids
    await admin.delete(f"{DATA}/sobjects/Contact/{record_id}")
    gone = (await admin.get(f"{DATA}/sobjects/Contact/deleted", params=span)).json()["deletedRecords"]
    assert record_id in {row["id"] for row in gone}
    span["start"] = "2020-01-01T00:00:00Z"
    assert error(await admin.get(f"{DATA}/sobjects/Contact/updated", params=span)) == (
        400,
        "INVALID_REPLICATION_DATE",
    )


async def test_agents_work_with_records_and_not_with_set_up(
    agent: httpx2.AsyncClient, admin: httpx2.AsyncClient
) -> None:
    own = await make(agent, "Contact", LastName="Agent's")
    theirs = await make(admin, "Contact", LastName="Administrator's")
    for record_id in (own, theirs):
        changed = await agent.patch(f"{DATA}/sobjects/Contact/{record_id}", json={"Title": "x"})
        assert changed.status_code == 204
    assert error(await agent.delete(f"{DATA}/sobjects/Contact/{theirs}")) == (
        403,
        "INSUFFICIENT_ACCESS_OR_READONLY",
    )
    assert (await agent.delete(f"{DATA}/sobjects/Contact/{own}")).status_code == 204
    made = await agent.post(f"{DATA}/sobjects/User", json={"Username": "x@y.example"})
    assert error(made) == (400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
    me = (await soql(agent, f"SELECT Id, ProfileId FROM User WHERE Username = '{ADMIN}'"))["records"][0]
    taken = await agent.patch(f"{DATA}/sobjects/User/{me['Id']}", json={"Username": "taken@y.example"})
    assert error(taken) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert error(await agent.get(f"{DATA}/sobjects/PermissionSet/describe")) == (404, "NOT_FOUND")
    assert error(await agent.get(f"{DATA}/query", params={"q": "SELECT Id FROM PermissionSet"})) == (
        400,
        "INVALID_TYPE",
    )
    twice = await admin.post(f"{DATA}/sobjects/PermissionSet", json={"Name": "Once", "Label": "Once"})
    assert twice.status_code == 201
    twice = await admin.post(f"{DATA}/sobjects/PermissionSet", json={"Name": "ONCE", "Label": "Once"})
    assert error(twice) == (400, "DUPLICATE_VALUE")
    assert "duplicates value on record with id: 0PS" in twice.json()[0]["message"]


async def test_an_inactive_user_s_tokens_stop_working(
    world: World, admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    user = (await soql(admin, "SELECT Id FROM User WHERE Profile.Name = 'Standard User'"))["records"][0]["Id"]
    await admin.patch(f"{DATA}/sobjects/User/{user}", json={"IsActive": False})
    try:
        assert error(await agent.get(f"{DATA}/limits")) == (401, "INVALID_SESSION_ID")
    finally:
        await admin.patch(f"{DATA}/sobjects/User/{user}", json={"IsActive": True})
    assert (await agent.get(f"{DATA}/limits")).status_code == 200


async def test_many_at_once_do_not_lose_each_other(admin: httpx2.AsyncClient) -> None:
    record_id = await make(admin, "Contact", LastName="Busy")
    answers = await asyncio.gather(
        *(
            admin.patch(f"{DATA}/sobjects/Contact/{record_id}", json={name: "1"})
            for name in ("Phone", "MobilePhone", "HomePhone", "OtherPhone", "Fax", "AssistantPhone")
        )
    )
    assert {answer.status_code for answer in answers} == {204}
    record = (await admin.get(f"{DATA}/sobjects/Contact/{record_id}")).json()
    assert all(
        record[name] == "1"
        for name in ("Phone", "MobilePhone", "HomePhone", "OtherPhone", "Fax", "AssistantPhone")
    )
