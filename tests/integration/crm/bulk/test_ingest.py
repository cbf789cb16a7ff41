"""Bulk ingest jobs as a client of the API sees them."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from tests.ports import free_ports

from ..conftest import ADMIN, AGENT, World, client_of, served
from ..test_rest import DATA, error, make, soql

JOBS = f"{DATA}/jobs/ingest"


async def open_job(http: httpx2.AsyncClient, **body: Any) -> str:
    answer = await http.post(JOBS, json={"object": "Contact", "operation": "insert"} | body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "Open"
    return answer.json()["id"]


async def upload(http: httpx2.AsyncClient, job_id: str, text: str | bytes, **headers: str) -> httpx2.Response:
    content = text.encode() if isinstance(text, str) else text
    return await http.put(
        f"{JOBS}/{job_id}/batches", content=content, headers={"Content-Type": "text/csv"} | headers
    )


async def close(http: httpx2.AsyncClient, job_id: str) -> None:
    answer = await http.patch(f"{JOBS}/{job_id}", json={"state": "UploadComplete"})
    assert answer.status_code == 200, answer.text


async def ended(http: httpx2.AsyncClient, job_id: str, jobs: str = JOBS) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            job = (await http.get(f"{jobs}/{job_id}")).json()
            if job["state"] in ("JobComplete", "Failed", "Aborted"):
                return job
            await asyncio.sleep(0.05)


async def load(http: httpx2.AsyncClient, text: str | bytes, **body: Any) -> dict[str, Any]:
    job_id = await open_job(http, **body)
    answer = await upload(http, job_id, text)
    assert answer.status_code == 201, answer.text
    await close(http, job_id)
    return await ended(http, job_id)


async def results(http: httpx2.AsyncClient, job: dict[str, Any], which: str) -> list[dict[str, str]]:
    answer = await http.get(f"{JOBS}/{job['id']}/{which}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def mark() -> str:
    return f"Bulk{secrets.token_hex(4)}"


async def test_records_are_made_and_each_row_has_its_result(admin: httpx2.AsyncClient) -> None:
    name = mark()
    job = await load(
        admin,
        f'LastName,FirstName,DoNotCall,Description\n{name},"Ann, ""A""",Yes,"two\nlines"\n,Nobody,,\n{name},Bo,0,\n',
    )
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 3, 1)
    good = await results(admin, job, "successfulResults")
    assert [(row["FirstName"], row["sf__Created"]) for row in good] == [('Ann, "A"', "true"), ("Bo", "true")]
    record = (await admin.get(f"{DATA}/sobjects/Contact/{good[0]['sf__Id']}")).json()
    assert (record["Name"], record["Description"]) == (f'Ann, "A" {name}', "two\nlines")
    bad = await results(admin, job, "failedResults")
    assert bad[0]["FirstName"] == "Nobody"
    assert bad[0]["sf__Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    assert await results(admin, job, "unprocessedrecords") == []
    found = await admin.get(f"{DATA}/search", params={"q": f"FIND {{{name}}} RETURNING Contact(Id)"})
    assert len(found.json()["searchRecords"]) == 2


async def test_records_are_changed_upserted_and_deleted(admin: httpx2.AsyncClient) -> None:
    name = mark()
    ids = [await make(admin, "Contact", LastName=name, Title="Old", Phone="1") for _ in range(3)]
    text = "Id,Title,Phone\n" + "".join(f"{record_id},#N/A,\n" for record_id in ids)
    job = await load(admin, text + "003000000000001AAA,x,\n", operation="update")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (4, 1)
    assert (await results(admin, job, "failedResults"))[0]["sf__Id"] == "003000000000001AAA"
    record = (await admin.get(f"{DATA}/sobjects/Contact/{ids[0]}")).json()
    assert (record["Title"], record["Phone"]) == (None, "1")
    job = await load(admin, f"Id,Title\n{ids[0]},New\n", operation="upsert", externalIdFieldName="Id")
    assert [row["sf__Created"] for row in await results(admin, job, "successfulResults")] == ["false"]
    job = await load(admin, f"Id\n{ids[0]}\n{ids[1]}\n", operation="delete")
    assert job["numberRecordsFailed"] == 0
    found = await soql(admin, f"SELECT Id FROM Contact WHERE LastName = '{name}'")
    assert [row["Id"] for row in found["records"]] == [ids[2]]
    job = await load(admin, f"Id\n{ids[2]}\n", operation="hardDelete")
    answer = await admin.get(
        f"{DATA}/queryAll", params={"q": f"SELECT Id FROM Contact WHERE Id = '{ids[2]}'"}
    )
    assert answer.json()["totalSize"] == 0


async def test_a_parent_is_found_by_a_key_of_its_own(admin: httpx2.AsyncClient) -> None:
    name = mark()
    account = await make(admin, "Account", Name=name)
    job = await load(
        admin, f"LastName,Account.Id\n{name},{account}\n{name},001000000000001AAA\n{name},#N/A\n"
    )
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (3, 1)
    found = await soql(admin, f"SELECT AccountId FROM Contact WHERE LastName = '{name}' ORDER BY AccountId")
    assert [row["AccountId"] for row in found["records"]] == [None, account]
    assert "Foreign key external ID" in (await results(admin, job, "failedResults"))[0]["sf__Error"]


@pytest.mark.parametrize(
    ("delimiter", "char"),
    [("BACKQUOTE", "`"), ("CARET", "^"), ("PIPE", "|"), ("SEMICOLON", ";"), ("TAB", "\t"), ("COMMA", ",")],
)
async def test_every_delimiter_and_both_line_endings_are_read(
    admin: httpx2.AsyncClient, delimiter: str, char: str
) -> None:
    name = mark()
    text = f"LastName{char}FirstName\r\n{name}{char}川口\r\n"
    job = await load(admin, text, columnDelimiter=delimiter, lineEnding="CRLF")
    assert job["state"] == "JobComplete"
    answer = await admin.get(f"{JOBS}/{job['id']}/successfulResults")
    assert answer.text.endswith(f'"{name}"{char}"川口"\r\n')


async def test_batches_of_one_job_are_all_done_once(admin: httpx2.AsyncClient) -> None:
    name = mark()
    job = await load(admin, "LastName,FirstName\n" + "".join(f"{name},{n}\n" for n in range(3_210)))
    assert job["numberRecordsProcessed"] == 3_210
    good = await results(admin, job, "successfulResults")
    assert [row["FirstName"] for row in good] == [str(n) for n in range(3_210)]
    assert (await soql(admin, f"SELECT count() FROM Contact WHERE LastName = '{name}'"))["totalSize"] == 3_210


async def test_data_may_come_with_the_job_or_compressed(admin: httpx2.AsyncClient) -> None:
    name = mark()
    body = (
        '--x\r\nContent-Disposition: form-data; name="job"\r\nContent-Type: application/json\r\n\r\n'
        '{"object":"Contact","operation":"insert","contentType":"CSV"}\r\n--x\r\nContent-Disposition: form-data; '
        f'name="content"; filename="content"\r\nContent-Type: text/csv\r\n\r\nLastName\n{name}\n\r\n--x--\r\n'
    )
    answer = await admin.post(JOBS, content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert answer.json()["state"] == "UploadComplete", answer.text
    assert (await ended(admin, answer.json()["id"]))["numberRecordsProcessed"] == 1
    job_id = await open_job(admin)
    packed = gzip.compress(f"LastName\n{name}\n".encode())
    assert (await upload(admin, job_id, packed, **{"Content-Encoding": "gzip"})).status_code == 201
    await close(admin, job_id)
    assert (await ended(admin, job_id))["numberRecordsProcessed"] == 1
    assert (await soql(admin, f"SELECT count() FROM Contact WHERE LastName = '{name}'"))["totalSize"] == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"LastName,Wrong__c\na,b\n", "Field name not found : Wrong__c"),
        (b"LastName\n\xff\xfe\n", "not UTF-8"),
        (b'LastName,Title\na,b\n"c,d\n', "Row 2"),
        (b"LastName,Title\na,b\nc\n", "Row 2: it has 1 fields, the header has 2"),
        (b"LastName\r\na\r\n", "LineEnding is invalid on user data"),
        (",".join(f"c{n}" for n in range(6_000)).encode() + b"\n", "6000 columns are more than 5000"),
        (b"LastName,lastname\na,b\n", "occurs twice"),
        (b"LastName\n" + b"x" * 131_073 + b"\n", "field larger than field limit"),
        (b'LastName\n"' + b"x,\n" * 900_000, "is a quote not closed?"),
        (b"", "no header"),
        (b"," * 1_000_000, "columns are more than 5000"),
    ],
)  # fmt: skip
async def test_data_that_cannot_be_read_fails_with_the_reason(
    admin: httpx2.AsyncClient, text: bytes, says: str
) -> None:
    job = await load(admin, text)
    assert job["state"] == "Failed"
    assert says in job["errorMessage"]


async def test_rows_before_a_broken_one_are_kept_and_those_behind_are_not_processed(
    admin: httpx2.AsyncClient,
) -> None:
    name = mark()
    job = await load(admin, f"LastName,Title\n{name},1\n{name},2\n{name}\n{name},4\n")
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 2)
    assert len(await results(admin, job, "successfulResults")) == 2


async def test_an_aborted_job_hands_its_rows_back(admin: httpx2.AsyncClient) -> None:
    job_id = await open_job(admin)
    await upload(admin, job_id, "LastName\nNever\n")
    answer = await admin.patch(f"{JOBS}/{job_id}", json={"state": "Aborted"})
    assert answer.json()["state"] == "Aborted"
    job = answer.json()
    assert await results(admin, job, "unprocessedrecords") == [{"LastName": "Never"}]
    assert await results(admin, job, "successfulResults") == []
    assert (await admin.delete(f"{JOBS}/{job_id}")).status_code == 204
    assert error(await admin.get(f"{JOBS}/{job_id}")) == (404, "NOT_FOUND")


async def test_a_jobs_life_has_one_direction(admin: httpx2.AsyncClient) -> None:
    job_id = await open_job(admin)
    assert error(await admin.delete(f"{JOBS}/{job_id}")) == (400, "INVALIDJOBSTATE")
    assert error(await admin.get(f"{JOBS}/{job_id}/successfulResults")) == (400, "INVALIDJOBSTATE")
    await upload(admin, job_id, "LastName\nx\n")
    assert error(await upload(admin, job_id, "LastName\ny\n")) == (400, "INVALIDBATCH")
    await close(admin, job_id)
    await ended(admin, job_id)
    assert error(await upload(admin, job_id, "LastName\ny\n")) == (400, "INVALIDJOBSTATE")
    for state in ("UploadComplete", "Aborted", "JobComplete", 5):
        answer = await admin.patch(f"{JOBS}/{job_id}", json={"state": state})
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"object": "Nothing__c"}, "INVALIDENTITY"),
        ({"operation": "remove"}, "INVALIDJOB"),
        ({"operation": "upsert"}, "INVALIDJOB"),
        ({"operation": "upsert", "externalIdFieldName": "Title"}, "INVALIDJOB"),
        ({"columnDelimiter": ","}, "INVALIDJOB"),
        ({"lineEnding": "CR"}, "INVALIDJOB"),
        ({"contentType": "JSON"}, "INVALIDJOB"),
        ({"surprise": 1}, "JSON_PARSER_ERROR"),
    ],
)
async def test_a_job_that_cannot_be_done_is_refused(
    admin: httpx2.AsyncClient, body: dict[str, Any], code: str
) -> None:
    answer = await admin.post(JOBS, json={"object": "Contact", "operation": "insert"} | body)
    assert error(answer) == (400, code)


async def test_users_see_their_own_jobs(admin: httpx2.AsyncClient, agent: httpx2.AsyncClient) -> None:
    theirs, own = await open_job(admin), await open_job(agent)
    assert error(await agent.get(f"{JOBS}/{theirs}")) == (404, "NOT_FOUND")
    listed = (await agent.get(JOBS)).json()
    assert own in [job["id"] for job in listed["records"]]
    assert theirs not in [job["id"] for job in listed["records"]]
    assert own in [job["id"] for job in (await admin.get(f"{JOBS}/")).json()["records"]]
    job = {"object": "Contact", "operation": "hardDelete"}
    assert error(await agent.post(JOBS, json=job)) == (403, "FEATURENOTENABLED")


async def test_limits_count_what_jobs_do(admin: httpx2.AsyncClient) -> None:
    before = (await admin.get(f"{DATA}/limits")).json()["DailyBulkApiBatches"]
    await load(admin, f"LastName\n{mark()}\n")
    after = (await admin.get(f"{DATA}/limits")).json()["DailyBulkApiBatches"]
    assert before["Remaining"] - after["Remaining"] == 1


@pytest.fixture
async def another_process(world: World) -> AsyncIterator[World]:
    """The same org, served a second time."""
    port = free_ports()
    async with served(world.settings, port):
        yield replace(world, port=port)


async def test_a_job_begun_by_a_process_that_died_is_taken_up_again(
    world: World, admin: httpx2.AsyncClient
) -> None:
    """What a dead process leaves: a job in progress of which some batches are done."""
    name = mark()
    rows = "".join(f"{name},{n}\n" for n in range(2_500))
    job = await load(admin, "LastName,FirstName\n" + rows)
    conn = await world.database()
    await conn.execute(
        'DELETE FROM data."Contact" WHERE "LastName" = $1 AND "FirstName"::int >= 1000 AND "FirstName"::int < 2000',
        name,
    )
    await conn.execute("DELETE FROM meta.bulk_batch WHERE job_id = $1 AND number = 1", job["id"])
    await conn.execute(
        "UPDATE meta.bulk_job SET state = 'InProgress', processed = processed - 1000 WHERE id = $1", job["id"]
    )
    await conn.close()
    other = await open_job(admin)
    await upload(admin, other, "LastName\nx\n")
    await close(admin, other)
    job = await ended(admin, job["id"])
    assert (job["state"], job["numberRecordsProcessed"]) == ("JobComplete", 2_500)
    assert (await soql(admin, f"SELECT count() FROM Contact WHERE LastName = '{name}'"))["totalSize"] == 2_500
    good = await results(admin, job, "successfulResults")
    assert [row["FirstName"] for row in good] == [str(n) for n in range(2_500)]


async def test_two_processes_do_a_job_once(world: World, another_process: World) -> None:
    one, two = await client_of(world, ADMIN), await client_of(another_process, ADMIN)
    name = mark()
    jobs = [await open_job(http) for http in (one, two, one, two)]
    for job_id in jobs:
        await upload(one, job_id, "LastName\n" + f"{name}\n" * 1_500)
    await asyncio.gather(
        *(close(http, job_id) for http, job_id in zip((one, two, two, one), jobs, strict=True))
    )
    for job_id in jobs:
        assert (await ended(two, job_id))["numberRecordsProcessed"] == 1_500
    assert (await soql(one, f"SELECT count() FROM Contact WHERE LastName = '{name}'"))["totalSize"] == 6_000
    await one.aclose()
    await two.aclose()


async def test_an_agent_cannot_write_what_they_may_not_edit(world: World) -> None:
    http = await client_of(world, AGENT)
    answer = await http.post(JOBS, json={"object": "Profile", "operation": "insert"})
    assert answer.status_code in (400, 403)
    job = await load(http, "LastName,CreatedDate\nx,2020-01-01T00:00:00Z\n")
    assert job["numberRecordsFailed"] == 1
    await http.aclose()
