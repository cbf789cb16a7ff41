"""Bulk query jobs as a client of the API sees them."""

from __future__ import annotations

import csv
import io
from typing import Any

import httpx2
import pytest

from ..test_rest import DATA, error, make
from .test_ingest import ended, load, mark

JOBS = f"{DATA}/jobs/query"


async def ask(http: httpx2.AsyncClient, query: str, **body: Any) -> dict[str, Any]:
    answer = await http.post(JOBS, json={"operation": "query", "query": query} | body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "UploadComplete"
    return await ended(http, answer.json()["id"], JOBS)


async def page(http: httpx2.AsyncClient, job: dict[str, Any], **params: Any) -> tuple[list[list[str]], str]:
    answer = await http.get(f"{JOBS}/{job['id']}/results", params=params)
    assert answer.status_code == 200, answer.text
    rows = list(csv.reader(io.StringIO(answer.text, newline="")))
    assert int(answer.headers["sforce-numberofrecords"]) == len(rows) - 1
    return rows, answer.headers["sforce-locator"]


async def test_values_are_written_as_salesforce_writes_them(admin: httpx2.AsyncClient) -> None:
    name = mark()
    account = await make(admin, "Account", Name=f'"{name}", Ltd', AnnualRevenue=1200, NumberOfEmployees=7)
    await make(
        admin, "Contact", LastName=name, AccountId=account, Description="two\nlines", Birthdate="2001-02-03"
    )
    job = await ask(
        admin,
        "SELECT LastName, account.name, Account.AnnualRevenue, Account.NumberOfEmployees, Description, Birthdate,"
        f" DoNotCall, Title, CreatedDate FROM Contact WHERE LastName = '{name}'",
    )
    assert (job["state"], job["object"], job["numberRecordsProcessed"]) == ("JobComplete", "Contact", 1)
    rows, locator = await page(admin, job)
    assert locator == "null"
    assert rows[0][:4] == ["LastName", "Account.Name", "Account.AnnualRevenue", "Account.NumberOfEmployees"]
    assert rows[1][:-1] == [
        name, f'"{name}", Ltd', "1200.0", "7", "two\nlines", "2001-02-03", "false", "",
    ]  # fmt: skip
    assert rows[1][-1].endswith("Z")
    assert len(rows[1][-1]) == len("2026-01-31T10:00:00.000Z")


async def test_pages_hold_as_many_records_as_asked_for(admin: httpx2.AsyncClient) -> None:
    name = mark()
    await load(admin, "LastName,Description\n" + "".join(f'{name},"a{n}\nb"\n' for n in range(12_345)))
    job = await ask(
        admin, f"SELECT Id, Description FROM Contact WHERE LastName = '{name}'", columnDelimiter="PIPE"
    )
    found: list[str] = []
    locator = ""
    while locator != "null":
        answer = await admin.get(
            f"{JOBS}/{job['id']}/results", params={"maxRecords": 5_000, "locator": locator}
        )
        rows = list(csv.reader(io.StringIO(answer.text, newline=""), delimiter="|"))
        assert rows[0] == ["Id", "Description"]
        found += [row[1] for row in rows[1:]]
        locator = answer.headers["sforce-locator"]
        assert answer.headers["content-encoding"] == "gzip"
    assert sorted(found) == sorted(f"a{n}\nb" for n in range(12_345))
    answer = await admin.get(f"{JOBS}/{job['id']}/results")
    assert answer.headers["sforce-numberofrecords"] == "12345"
    for locator in ("99999", "x", "-1"):
        params = {"locator": locator}
        refused = await admin.get(f"{JOBS}/{job['id']}/results", params=params)
        assert error(refused) == (400, "INVALID_LOCATOR")


async def test_order_limit_and_deleted_records_are_as_asked(admin: httpx2.AsyncClient) -> None:
    name = mark()
    ids = [await make(admin, "Contact", LastName=name, FirstName=str(n)) for n in range(4)]
    await admin.delete(f"{DATA}/sobjects/Contact/{ids[3]}")
    text = f"SELECT FirstName FROM Contact WHERE LastName = '{name}' ORDER BY FirstName DESC"
    assert (await page(admin, await ask(admin, text)))[0] == [["FirstName"], ["2"], ["1"], ["0"]]
    assert (await page(admin, await ask(admin, text + " LIMIT 1")))[0] == [["FirstName"], ["2"]]
    everything = await ask(admin, text, operation="queryAll")
    assert (await page(admin, everything))[0][1] == ["3"]
    nobody = await ask(admin, f"SELECT Id FROM Contact WHERE LastName = 'not {name}'")
    assert (await page(admin, nobody))[0] == [["Id"]]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("SELECT count() FROM Contact", "API_ERROR"),
        ("SELECT LastName FROM Contact GROUP BY LastName", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT Id FROM Contact OFFSET 5", "API_ERROR"),
        ("SELECT Nothing FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT", "MALFORMED_QUERY"),
        ("", "INVALIDJOB"),
    ],
)
async def test_a_query_that_cannot_be_done_is_refused(
    admin: httpx2.AsyncClient, query: str, code: str
) -> None:
    answer = await admin.post(JOBS, json={"operation": "query", "query": query})
    assert error(answer) == (400, code)


async def test_a_compound_field_fails_the_job(admin: httpx2.AsyncClient) -> None:
    job = await ask(admin, "SELECT MailingAddress FROM Contact")
    assert job["state"] == "Failed"
    assert "compound data" in job["errorMessage"]
    assert error(await admin.get(f"{JOBS}/{job['id']}/results")) == (400, "INVALIDJOBSTATE")


async def test_a_user_gets_what_they_may_see(admin: httpx2.AsyncClient, agent: httpx2.AsyncClient) -> None:
    job = await ask(agent, "SELECT Id FROM Contact LIMIT 5")
    assert job["state"] == "JobComplete"
    assert error(await admin.get(f"{DATA}/jobs/ingest/{job['id']}")) == (404, "NOT_FOUND")
    assert error(await admin.get(f"{DATA}/jobs/other")) == (404, "NOT_FOUND")
    assert (await admin.delete(f"{JOBS}/{job['id']}")).status_code == 204
