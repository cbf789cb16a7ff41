"""Resources beside records and queries: relationships, layouts, batch and tree, user interface, conditions."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime as http_date
from typing import Any

import httpx2
import pytest

from .conftest import World
from .test_rest import DATA, error, make, soql


async def test_every_version_and_a_trailing_slash_are_served(admin: httpx2.AsyncClient) -> None:
    for number in (50, 58, 67):
        answer = await admin.get(f"/services/data/v{number}.0//sobjects/Contact/")
        assert answer.status_code == 200, answer.text
        base = f"/services/data/v{number}.0/sobjects/Contact"
        assert answer.json()["objectDescribe"]["urls"]["sobject"] == base
    assert (await admin.get(f"{DATA}/limits.json")).status_code == 200
    assert error(await admin.get(f"{DATA}/limits.xml")) == (406, "NOT_ACCEPTABLE")
    xml = await admin.get(f"{DATA}/limits", headers={"Accept": "application/xml"})
    assert error(xml) == (406, "NOT_ACCEPTABLE")
    both = await admin.get(f"{DATA}/limits", headers={"Accept": "application/xml, */*;q=0.1"})
    assert both.status_code == 200


async def test_bodies_come_compressed_and_in_chunks(admin: httpx2.AsyncClient) -> None:
    kind = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    url, packed = f"{DATA}/sobjects/Contact", gzip.compress(b'{"LastName": "Packed"}')
    assert (await admin.post(url, content=packed, headers=kind)).status_code == 201
    assert error(await admin.post(url, content=packed[:-9], headers=kind)) == (400, "INVALID_INPUT")
    assert error(await admin.post(url, content=b"{}", headers=kind)) == (400, "INVALID_INPUT")
    bomb = gzip.compress(b" " * (6 * 1024 * 1024))
    assert error(await admin.post(url, content=bomb, headers=kind))[0] == 413
    other = kind | {"Content-Encoding": "br"}
    assert error(await admin.post(url, content=b"{}", headers=other)) == (415, "UNSUPPORTED_MEDIA_TYPE")

    async def chunks() -> Any:
        for part in (b'{"Last', b'Name": "Chu', b'nky"}'):
            yield part

    kind = {"Content-Type": "application/json"}
    assert (await admin.post(url, content=chunks(), headers=kind)).status_code == 201
    big = await admin.get(f"{DATA}/sobjects", headers={"Accept-Encoding": "gzip"})
    assert big.headers["content-encoding"] == "gzip"


async def test_a_wrong_method_is_told_which_are_right(admin: httpx2.AsyncClient) -> None:
    answer = await admin.put(f"{DATA}/query", json={})
    assert error(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.json()[0]["message"] == "HTTP Method 'PUT' not allowed. Allowed are GET,HEAD"
    assert error(await admin.get(f"{DATA}/sobjects/Contact/{'x' * 14}-")) == (400, "MALFORMED_ID")
    assert error(await admin.get(f"{DATA}/sobjects/Contact/xyz")) == (404, "NOT_FOUND")
    explain = await admin.get(f"{DATA}/query", params={"explain": "SELECT Id FROM Contact"})
    assert error(explain) == (400, "FUNCTIONALITY_NOT_ENABLED")


async def test_paths_lead_along_relationships(admin: httpx2.AsyncClient, agent: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="Path & Co")
    contact = await make(admin, "Contact", LastName="Path", AccountId=account)
    alone = await make(admin, "Contact", LastName="Alone")
    up = (await admin.get(f"{DATA}/sobjects/Contact/{contact}/Account?fields=Name")).json()
    assert (up["Name"], up["attributes"]["type"]) == ("Path & Co", "Account")
    down = (await admin.get(f"{DATA}/sobjects/Account/{account[:15]}/contacts?fields=LastName")).json()
    assert down["totalSize"] == 1
    assert down["records"][0]["LastName"] == "Path"
    changed = await admin.patch(f"{DATA}/sobjects/Contact/{contact}/Account", json={"Phone": "1"})
    assert changed.status_code == 204
    assert (await admin.get(f"{DATA}/sobjects/Account/{account}")).json()["Phone"] == "1"
    for path in (f"{alone}/Account", f"{contact}/Nothing", "003000000000001AAA/Account"):
        assert error(await admin.get(f"{DATA}/sobjects/Contact/{path}")) == (404, "NOT_FOUND"), path
    assert error(await admin.get(f"{DATA}/sobjects/Account/{account}/Contacts?fields=No")) == (
        400,
        "INVALID_FIELD",
    )
    refused = await agent.delete(f"{DATA}/sobjects/Contact/{contact}/Account")
    assert error(refused) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    assert (await admin.delete(f"{DATA}/sobjects/Contact/{contact}/Account")).status_code == 204
    made = await admin.post(f"{DATA}/sobjects/Contact/Id", json={"LastName": "By Id"})
    assert (made.status_code, made.json()["created"]) == (201, True)


async def test_conditions_spare_reading_and_protect_writing(admin: httpx2.AsyncClient) -> None:
    account = await make(admin, "Account", Name="Tagged")
    url = f"{DATA}/sobjects/Account/{account}"
    first = await admin.get(url)
    tag = first.headers["etag"]
    same = await admin.get(f"{url}?fields=Name", headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    assert (await admin.patch(url, json={"Phone": "1"}, headers={"If-Match": tag})).status_code == 204
    stale = await admin.patch(url, json={"Phone": "2"}, headers={"If-Match": tag})
    assert error(stale) == (412, "PRECONDITION_FAILED")
    assert (await admin.get(url, headers={"If-None-Match": tag})).json()["Phone"] == "1"
    past = {"If-Unmodified-Since": http_date(datetime(2020, 1, 1, tzinfo=UTC), usegmt=True)}
    soon = http_date(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert error(await admin.delete(url, headers=past)) == (412, "PRECONDITION_FAILED")
    assert (await admin.get(url, headers={"If-Modified-Since": soon})).status_code == 304
    assert (await admin.get(url, headers={"If-Modified-Since": "nonsense"})).status_code == 200
    assert (await admin.delete(url, headers={"If-Unmodified-Since": soon})).status_code == 204
    for path in ("sobjects", "sobjects/Contact/describe"):
        assert (await admin.get(f"{DATA}/{path}", headers={"If-Modified-Since": soon})).status_code == 304
        assert (
            await admin.get(f"{DATA}/{path}", headers={"If-Modified-Since": past["If-Unmodified-Since"]})
        ).status_code == 200


async def test_pages_are_described(admin: httpx2.AsyncClient, agent: httpx2.AsyncClient) -> None:
    found = (await agent.get(f"{DATA}/sobjects/Contact/describe/layouts")).json()
    rows = found["layouts"][0]["detailLayoutSections"][0]["layoutRows"]
    assert rows[0]["layoutItems"][0]["layoutComponents"][0]["value"] == "Name"
    record_type = found["recordTypeMappings"][0]["recordTypeId"]
    one = await admin.get(f"{DATA}/sobjects/Contact/describe/layouts/{record_type}")
    assert one.json()["detailLayoutSections"]
    compact = (await admin.get(f"{DATA}/compactLayouts?q=Contact,Account")).json()
    assert set(compact) == {"Contact", "Account"}
    assert (await admin.get(f"{DATA}/sobjects/Contact/describe/compactLayouts/primary")).status_code == 200
    assert (await admin.get(f"{DATA}/quickActions")).json() == []
    assert (await admin.get(f"{DATA}/sobjects/Contact/quickActions")).json() == []
    assert error(await admin.get(f"{DATA}/sobjects/Nothing/describe/layouts")) == (404, "NOT_FOUND")


async def test_columns_of_a_query_are_told(admin: httpx2.AsyncClient) -> None:
    text = "SELECT Id, LastName, Account.Name, (SELECT Subject FROM Tasks) FROM Contact"
    answer = await admin.get(f"{DATA}/query", params={"q": text, "columns": "true"})
    found = answer.json()
    assert (found["entityName"], found["idSelected"], found["keyPrefix"]) == ("Contact", True, "003")
    names = [column["columnName"] for column in found["columnMetadata"]]
    assert names == ["Id", "LastName", "Account", "Tasks"]
    assert [c["columnName"] for c in found["columnMetadata"][2]["joinColumns"]] == ["Name"]


async def test_requests_are_counted_and_the_count_outlives_them(
    admin: httpx2.AsyncClient, world: World
) -> None:
    def used(answer: httpx2.Response) -> int:
        return int(answer.headers["sforce-limit-info"].removeprefix("api-usage=").partition("/")[0])

    first = used(await admin.get(f"{DATA}/limits"))
    requests = [{"method": "GET", "url": "v66.0/limits"}] * 3
    await admin.post(f"{DATA}/composite/batch", json={"batchRequests": requests})
    last = await admin.get(f"{DATA}/limits")
    assert used(last) == first + 4
    limits = last.json()["DailyApiRequests"]
    assert limits["Max"] - limits["Remaining"] == first + 4
    assert 0 < last.json()["DataStorageMB"]["Remaining"] < last.json()["DataStorageMB"]["Max"]
    conn = await world.database()
    kept = await conn.fetchval("SELECT sum(requests) FROM meta.api_usage")
    assert 0 < kept <= first + 4
    await conn.close()
    counts = (await admin.get(f"{DATA}/limits/recordCount?sObjects=User,Nothing")).json()["sObjects"]
    assert [row["name"] for row in counts] == ["User"]
    assert counts[0]["count"] >= 2


async def test_a_batch_keeps_what_succeeded(admin: httpx2.AsyncClient) -> None:
    entries = [
        {"method": "POST", "url": "v66.0/sobjects/Contact", "richInput": {"LastName": "Batch 1"}},
        {"method": "POST", "url": "v66.0/sobjects/Contact", "richInput": {}},
        {"method": "GET", "url": "v66.0/query?q=SELECT+COUNT()+FROM+Contact+WHERE+LastName='Batch+1'"},
    ]
    found = (await admin.post(f"{DATA}/composite/batch", json={"batchRequests": entries})).json()
    assert found["hasErrors"] is True
    assert [row["statusCode"] for row in found["results"]] == [201, 400, 200]
    assert found["results"][2]["result"]["totalSize"] == 1
    body = {"batchRequests": entries, "haltOnError": True}
    halted = (await admin.post(f"{DATA}/composite/batch", json=body)).json()["results"]
    assert [row["statusCode"] for row in halted] == [201, 400, 412]
    assert halted[2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    many = await admin.post(f"{DATA}/composite/batch", json={"batchRequests": entries * 9})
    assert error(many) == (400, "LIMIT_EXCEEDED")


async def test_a_tree_is_made_whole_or_not_at_all(admin: httpx2.AsyncClient) -> None:
    def contact(name: str | None, reference: str) -> dict[str, Any]:
        return {"attributes": {"type": "Contact", "referenceId": reference}, "LastName": name}

    def account(*contacts: dict[str, Any]) -> dict[str, Any]:
        return {
            "records": [
                {
                    "attributes": {"type": "Account", "referenceId": "a1"},
                    "Name": "Tree",
                    "Contacts": {"records": list(contacts)},
                }
            ]
        }

    good = await admin.post(
        f"{DATA}/composite/tree/Account", json=account(contact("Leaf 1", "c1"), contact("Leaf 2", "c2"))
    )
    assert good.status_code == 201, good.text
    ids = {row["referenceId"]: row["id"] for row in good.json()["results"]}
    assert list(ids) == ["a1", "c1", "c2"]
    leaf = (await admin.get(f"{DATA}/sobjects/Contact/{ids['c2']}")).json()
    assert leaf["AccountId"] == ids["a1"]
    bad = await admin.post(
        f"{DATA}/composite/tree/Account", json=account(contact("Leaf 3", "c1"), contact(None, "c2"))
    )
    assert bad.status_code == 400
    assert bad.json()["hasErrors"] is True
    assert [row["referenceId"] for row in bad.json()["results"]] == ["c2"]
    assert bad.json()["results"][0]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert (await soql(admin, "SELECT Id FROM Contact WHERE LastName = 'Leaf 3'"))["totalSize"] == 0
    twice = await admin.post(
        f"{DATA}/composite/tree/Account", json=account(contact("x", "c1"), contact("y", "c1"))
    )
    assert error(twice) == (400, "INVALID_INPUT")


async def test_composite_takes_few_queries_and_hands_headers_on(admin: httpx2.AsyncClient) -> None:
    query = {"method": "GET", "url": f"{DATA}/query?q=SELECT+Id+FROM+User"}
    entries = [query | {"referenceId": f"q{number}"} for number in range(6)]
    assert error(await admin.post(f"{DATA}/composite", json={"compositeRequest": entries})) == (
        400,
        "LIMIT_EXCEEDED",
    )
    account = await make(admin, "Account", Name="Header")
    conditional = {
        "method": "GET",
        "url": f"{DATA}/sobjects/Account/{account}",
        "referenceId": "a",
        "httpHeaders": {"If-Modified-Since": http_date(datetime.now(UTC) + timedelta(hours=1), usegmt=True)},
    }
    found = (await admin.post(f"{DATA}/composite", json={"compositeRequest": [conditional]})).json()
    assert found["compositeResponse"][0]["httpStatusCode"] == 304
    assert "graph" in (await admin.get(f"{DATA}/composite")).json()


async def test_lightning_s_data_service_reads_and_writes(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    ui = f"{DATA}/ui-api"
    account = await make(admin, "Account", Name="Shown")
    made = await agent.post(
        f"{ui}/records", json={"apiName": "Contact", "fields": {"LastName": "Ui", "AccountId": account}}
    )
    assert made.status_code == 201, made.text
    record_id = made.json()["id"]
    assert made.json()["fields"]["LastName"] == {"displayValue": None, "value": "Ui"}
    asked = "Contact.Name,Contact.Account.Name,Contact.CreatedDate"
    shown = (await agent.get(f"{ui}/records/{record_id}?fields={asked}&optionalFields=Contact.Nope")).json()
    assert shown["apiName"] == "Contact"
    assert set(shown["fields"]) == {"Name", "Account", "CreatedDate"}
    parent = shown["fields"]["Account"]
    assert parent["displayValue"] == "Shown"
    assert parent["value"]["fields"]["Name"]["value"] == "Shown"
    assert shown["fields"]["CreatedDate"]["displayValue"].count("/") == 2
    assert shown["lastModifiedDate"].endswith("Z")
    changed = await agent.patch(f"{ui}/records/{record_id}", json={"fields": {"Title": "Head"}})
    assert changed.json()["fields"]["Title"]["value"] == "Head"
    stale = await agent.patch(
        f"{ui}/records/{record_id}",
        json={"fields": {"Title": "Tail"}},
        headers={"If-Unmodified-Since": "2020-01-01T00:00:00.000Z"},
    )
    assert error(stale) == (412, "PRECONDITION_FAILED")
    for query in ("fields=Contact.Nope", "fields=Account.Name", "fields=Contact.Id'%20OR"):
        assert error(await agent.get(f"{ui}/records/{record_id}?{query}")) == (400, "INVALID_FIELD")
    assert error(await agent.get(f"{ui}/records/{record_id}")) == (400, "ILLEGAL_QUERY_PARAMETER_VALUE")
    batch = await agent.get(f"{ui}/records/batch/{record_id},003000000000001AAA?fields=Contact.Name")
    assert [row["statusCode"] for row in batch.json()["results"]] == [200, 404]
    info = (await agent.get(f"{ui}/object-info/contact")).json()
    assert (info["label"], info["deletable"]) == ("取引先責任者", True)
    assert info["fields"]["AccountId"]["referenceToInfos"][0]["apiName"] == "Account"
    base = f"{ui}/object-info/Task/picklist-values/{info['defaultRecordTypeId']}"
    one = (await agent.get(f"{base}/Status")).json()
    assert "Completed" in {choice["value"] for choice in one["values"]}
    everything = (await agent.get(base)).json()["picklistFieldValues"]
    assert everything["Status"] == one
    assert error(await agent.get(f"{base}/Subject2")) == (404, "NOT_FOUND")
    assert "Contact" in (await agent.get(f"{ui}/object-info")).json()["objects"]
    assert error(await agent.get(f"{ui}/object-info/PermissionSet")) == (400, "INVALID_TYPE")
    theirs = await make(admin, "Contact", LastName="Theirs")
    assert error(await agent.delete(f"{ui}/records/{theirs}"))[0] == 403
    assert (await agent.delete(f"{ui}/records/{record_id}")).status_code == 204


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
async def test_a_method_may_be_named_in_the_query(admin: httpx2.AsyncClient, method: str) -> None:
    record_id = await make(admin, "Contact", LastName="Override")
    url = f"{DATA}/sobjects/Contact/{record_id}?_HttpMethod={method}"
    content = json.dumps({"Title": "x"}).encode()
    answer = await admin.post(url, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 204
