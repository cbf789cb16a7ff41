"""SOQL through the REST door, over the real database: what queries answer, and how they are refused."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .conftest import ADMIN, World, client_of

VERSION = "66.0"
DATA = f"/services/data/v{VERSION}"
TAG = "soqltest"


async def ask(http: httpx2.AsyncClient, text: str, *, version: str = VERSION) -> dict[str, Any]:
    answer = await http.get(f"/services/data/v{version}/query", params={"q": text})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refusal(
    http: httpx2.AsyncClient, text: str, *, version: str = VERSION, path: str = "query"
) -> tuple[str, str]:
    answer = await http.get(f"/services/data/v{version}/{path}", params={"q": text})
    assert answer.status_code == 400, answer.text
    body = answer.json()
    assert len(body) == 1
    return body[0]["errorCode"], body[0]["message"]


async def make_all(http: httpx2.AsyncClient, name: str, rows: list[dict[str, Any]]) -> list[str]:
    made: list[str] = []
    for start in range(0, len(rows), 200):
        records = [{"attributes": {"type": name}} | row for row in rows[start : start + 200]]
        answer = await http.post(f"{DATA}/composite/sobjects", json={"records": records})
        assert answer.status_code == 200, answer.text
        assert all(row["success"] for row in answer.json()), answer.text
        made += [row["id"] for row in answer.json()]
    return made


def plain(record: dict[str, Any] | None) -> Any:
    """A record without its attributes, all the way down."""
    if record is None:
        return None
    found: dict[str, Any] = {}
    for name, value in record.items():
        if name == "attributes":
            continue
        if isinstance(value, dict) and "records" in value:
            found[name] = [plain(row) for row in value["records"]]
        elif isinstance(value, dict):
            found[name] = plain(value)
        else:
            found[name] = value
    return found


async def rows_of(http: httpx2.AsyncClient, text: str, *, version: str = VERSION) -> list[Any]:
    return [plain(row) for row in (await ask(http, text, version=version))["records"]]


class Sample:
    """Accounts, contacts, opportunities and tasks that these tests ask about; the rows as they were sent."""

    def __init__(self) -> None:
        self.accounts: dict[str, dict[str, Any]] = {}
        self.contacts: dict[str, dict[str, Any]] = {}
        self.opportunities: dict[str, dict[str, Any]] = {}


@pytest.fixture(scope="session")
async def sample(world: World) -> AsyncIterator[Sample]:
    """Twelve accounts with contacts and opportunities, told from other records by `Site` or `Department`."""
    http = await client_of(world, ADMIN)
    made = Sample()
    industries = ["Banking", "Energy", None]
    accounts = [
        {"Name": f"Soql {number:02d}", "Industry": industries[number % 3], "BillingCity": f"City {number % 4}",
         "Website": f"https://{TAG}.example/{number}", "NumberOfEmployees": number * 10 if number % 5 else None}
        for number in range(12)
    ]  # fmt: skip
    ids = await make_all(http, "Account", accounts)
    made.accounts = dict(zip(ids, accounts, strict=True))
    contacts = [
        {"LastName": f"Name{number:02d}", "FirstName": "Ann" if number % 2 else None, "Department": TAG,
         "AccountId": ids[number % 12] if number % 7 else None, "Birthdate": f"19{60 + number}-0{1 + number % 9}-15"}
        for number in range(30)
    ]  # fmt: skip
    made.contacts = dict(zip(await make_all(http, "Contact", contacts), contacts, strict=True))
    opportunities = [
        {"Name": f"Deal {number}", "AccountId": ids[number % 12], "StageName": ["Prospecting", "Closed Won"][number % 2],
         "Amount": number * 100.1 if number % 6 else None, "CloseDate": f"2026-{1 + number % 12:02d}-1{number % 10}",
         "Description": TAG}
        for number in range(24)
    ]  # fmt: skip
    made.opportunities = dict(
        zip(await make_all(http, "Opportunity", opportunities), opportunities, strict=True)
    )
    yield made
    await http.aclose()


MINE = f"Website LIKE 'https://{TAG}.example/%'"
THEIRS = f"Department = '{TAG}'"
DEALS = f"Account.Website LIKE 'https://{TAG}.example/%'"


# -- conditions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ("FirstName = 'ann'", lambda row: row["FirstName"] == "Ann"),
        ("FirstName != 'ANN'", lambda row: row["FirstName"] != "Ann"),
        ("FirstName = null", lambda row: row["FirstName"] is None),
        ("FirstName != null", lambda row: row["FirstName"] is not None),
        ("NOT FirstName = 'Ann'", lambda row: row["FirstName"] != "Ann"),
        ("LastName LIKE 'name1_'", lambda row: row["LastName"].startswith("Name1")),
        ("LastName LIKE '%9'", lambda row: row["LastName"].endswith("9")),
        ("LastName IN ('NAME01', 'name02', 'nobody')", lambda row: row["LastName"] in ("Name01", "Name02")),
        ("FirstName NOT IN ('Ann')", lambda row: row["FirstName"] != "Ann"),
        ("FirstName IN ('x', null)", lambda row: row["FirstName"] is None),
        ("Birthdate >= 1975-01-01 AND Birthdate < 1980-01-01", lambda row: "1975" <= row["Birthdate"] < "1980"),
        ("Birthdate < 1965-01-01 OR Birthdate > 1985-12-31",
         lambda row: row["Birthdate"] < "1965" or row["Birthdate"] > "1985-12-31"),
        ("CALENDAR_YEAR(Birthdate) = 1970", lambda row: row["Birthdate"][:4] == "1970"),
        ("CALENDAR_MONTH(Birthdate) IN (1, 3)", lambda row: row["Birthdate"][5:7] in ("01", "03")),
        ("CALENDAR_QUARTER(Birthdate) > 2.5", lambda row: int(row["Birthdate"][5:7]) > 6),
        ("WEEK_IN_MONTH(Birthdate) = 3", lambda row: True),
        ("AccountId = null", lambda row: row["AccountId"] is None),
        ("Account.Name = 'soql 03'", lambda row: row["Account"] == "Soql 03"),
        ("Account.Owner.Username != null", lambda row: row["Account"] is not None),
        ("(LastName = 'Name01' OR LastName = 'Name02') AND (NOT FirstName = null)",
         lambda row: row["LastName"] == "Name01"),
        ("AccountId IN (SELECT Id FROM Account WHERE Industry = 'Banking')", lambda row: row["Industry"] == "Banking"),
        ("AccountId NOT IN (SELECT AccountId FROM Opportunity WHERE StageName = 'Prospecting') AND AccountId != null",
         lambda row: row["number"] is not None and row["number"] % 2 == 1),
        ("Id IN (SELECT ContactId FROM Case)", lambda row: False),
    ],
)  # fmt: skip
async def test_conditions_hold_as_in_a_plain_model(
    admin: httpx2.AsyncClient, sample: Sample, where: str, holds: Any
) -> None:
    numbers = {key: number for number, key in enumerate(sample.accounts)}
    expected = set[str]()
    for row in sample.contacts.values():
        account = sample.accounts.get(row["AccountId"])
        seen = row | {
            "Account": account and account["Name"],
            "Industry": account and account["Industry"],
            "number": numbers.get(row["AccountId"]),
        }
        if holds(seen):
            expected.add(row["LastName"])
    found = await rows_of(
        admin,
        f"SELECT LastName FROM Contact WHERE {THEIRS} AND ({where})"
        if "SELECT" not in where
        else f"SELECT LastName FROM Contact WHERE {THEIRS} AND {where}",
    )
    assert {row["LastName"] for row in found} == expected


async def test_date_literals_are_days_of_the_user(admin: httpx2.AsyncClient, sample: Sample) -> None:
    zone = ZoneInfo(
        (await rows_of(admin, f"SELECT TimeZoneSidKey FROM User WHERE Username = '{ADMIN}'"))[0][
            "TimeZoneSidKey"
        ]
    )
    today = datetime.now(zone).date()
    days = {offset: today + timedelta(offset) for offset in (-40, -8, -1, 0, 1, 8, 40)}
    ids = await make_all(
        admin,
        "Opportunity",
        [
            {"Name": f"Day {offset}", "StageName": "Prospecting", "CloseDate": day.isoformat()}
            for offset, day in days.items()
        ],
    )
    quoted = ", ".join(f"'{one}'" for one in ids)
    for literal, expected in {
        "= TODAY": {0},
        "!= TODAY": {-40, -8, -1, 1, 8, 40},
        "= YESTERDAY": {-1},
        "> TODAY": {1, 8, 40},
        "<= TODAY": {-40, -8, -1, 0},
        "= LAST_N_DAYS:8": {-8, -1, 0},
        "= NEXT_N_DAYS:8": {1, 8},
        "= N_DAYS_AGO:8": {-8},
        "< LAST_N_DAYS:10": {-40},
        "= LAST_90_DAYS": {-40, -8, -1, 0},
        "= NEXT_90_DAYS": {1, 8, 40},
        "= THIS_YEAR": {o for o, day in days.items() if day.year == today.year},
        "= LAST_N_YEARS:2": {o for o, day in days.items() if today.year - 2 <= day.year < today.year},
        "= THIS_MONTH": {o for o, day in days.items() if (day.year, day.month) == (today.year, today.month)},
        "= THIS_FISCAL_QUARTER": {
            o
            for o, day in days.items()
            if (day.year, (day.month - 1) // 3) == (today.year, (today.month - 1) // 3)
        },
    }.items():
        found = await rows_of(
            admin, f"SELECT Name FROM Opportunity WHERE Id IN ({quoted}) AND CloseDate {literal}"
        )
        assert {int(row["Name"].split()[1]) for row in found} == expected, literal
    made = await rows_of(
        admin, f"SELECT COUNT(Id) n FROM Opportunity WHERE Id IN ({quoted}) AND CreatedDate = TODAY"
    )
    assert made == [{"n": len(days)}] or datetime.now(zone).date() != today


async def test_scope_mine_is_what_the_user_owns(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient, sample: Sample
) -> None:
    await make_all(agent, "Account", [{"Name": "Of the agent", "Website": f"https://{TAG}.example/agent"}])
    whole = await rows_of(admin, f"SELECT Name FROM Account USING SCOPE everything WHERE {MINE}")
    assert len(whole) == 13
    assert await rows_of(agent, f"SELECT Name FROM Account USING SCOPE mine WHERE {MINE}") == [
        {"Name": "Of the agent"}
    ]
    code, _ = await refusal(admin, "SELECT Id FROM Account USING SCOPE team")
    assert code == "INVALID_QUERY_SCOPE"


# -- answers -------------------------------------------------------------------------------------------------


async def test_children_come_below_each_parent_in_order_and_number(
    admin: httpx2.AsyncClient, sample: Sample
) -> None:
    found = await rows_of(
        admin,
        f"SELECT Name, (SELECT LastName FROM Contacts WHERE {THEIRS} ORDER BY LastName DESC LIMIT 2),"
        f" (SELECT Amount FROM a.Opportunities o WHERE o.Amount > 100 ORDER BY o.Amount)"
        f" FROM Account a WHERE {MINE} AND Name LIKE 'Soql%' ORDER BY Name",
    )
    assert [row["Name"] for row in found] == [f"Soql {number:02d}" for number in range(12)]
    for number, row in enumerate(found):
        names = sorted(
            (
                c["LastName"]
                for c in sample.contacts.values()
                if sample.accounts.get(c["AccountId"], {}).get("Name") == row["Name"]
            ),
            reverse=True,
        )
        contacts = row["Contacts"]
        assert [c["LastName"] for c in contacts or []] == names[:2]
        amounts = [n * 100.1 for n in (number, number + 12) if n % 6 and n * 100.1 > 100]
        assert [o["Amount"] for o in row["Opportunities"] or []] == pytest.approx(amounts)


async def test_children_may_have_children_from_version_58_on(
    admin: httpx2.AsyncClient, sample: Sample
) -> None:
    account = await make_all(admin, "Account", [{"Name": "Deep"}])
    contact = await make_all(admin, "Contact", [{"LastName": "Deep", "AccountId": account[0]}])
    await make_all(admin, "Case", [{"Subject": f"Deep {n}", "ContactId": contact[0]} for n in range(2)])
    text = (
        "SELECT Name, (SELECT LastName, (SELECT Subject, (SELECT Subject FROM Tasks) FROM Cases ORDER BY Subject)"
        f" FROM Contacts) FROM Account WHERE Id = '{account[0]}'"
    )
    assert await rows_of(admin, text) == [
        {
            "Name": "Deep",
            "Contacts": [
                {
                    "LastName": "Deep",
                    "Cases": [{"Subject": "Deep 0", "Tasks": None}, {"Subject": "Deep 1", "Tasks": None}],
                }
            ],
        }
    ]
    code, message = await refusal(admin, text, version="57.0")
    assert code == "MALFORMED_QUERY"
    assert "deep" in message


async def test_children_that_do_not_fit_come_by_locator(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    account = (await make_all(admin, "Account", [{"Name": "Crowd"}]))[0]
    await make_all(
        admin, "Contact", [{"LastName": f"Crowd{n:03d}", "AccountId": account} for n in range(450)]
    )
    small = {"Sforce-Query-Options": "batchSize=200"}
    text = f"SELECT Id, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account WHERE Id = '{account}'"
    answer = await admin.get(f"{DATA}/query", params={"q": text}, headers=small)
    page = answer.json()["records"][0]["Contacts"]
    assert (page["totalSize"], page["done"]) == (450, False)
    assert (await agent.get(page["nextRecordsUrl"], headers=small)).status_code == 400
    names = [row["LastName"] for row in page["records"]]
    while not page["done"]:
        page = (await admin.get(page["nextRecordsUrl"], headers=small)).json()
        assert page["totalSize"] == 450
        names += [row["LastName"] for row in page["records"]]
    assert names == [f"Crowd{n:03d}" for n in range(450)]


async def test_typeof_answers_the_fields_of_whatever_it_is(admin: httpx2.AsyncClient) -> None:
    account = (await make_all(admin, "Account", [{"Name": "Typed", "Phone": "1"}]))[0]
    deal = (await make_all(admin, "Opportunity", [
        {"Name": "Typed", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": 7}]))[0]  # fmt: skip
    case = (await make_all(admin, "Case", [{"Subject": "Typed"}]))[0]
    await make_all(admin, "Task", [
        {"Subject": f"typed {n}", "WhatId": what} for n, what in enumerate((account, deal, case, None))])  # fmt: skip
    text = (
        "SELECT Subject, TYPEOF What WHEN Account THEN Phone, Owner.Username WHEN Opportunity THEN Amount{} END"
        " FROM Task WHERE Subject LIKE 'typed%' ORDER BY Subject"
    )
    found = await ask(admin, text.format(" ELSE Name"))
    assert [plain(row["What"]) for row in found["records"]][:2] == [
        {"Phone": "1", "Owner": {"Username": ADMIN}},
        {"Amount": 7.0},
    ]
    assert list(plain(found["records"][2]["What"])) == ["Name"]
    assert found["records"][3]["What"] is None
    assert [row["What"] and row["What"]["attributes"]["type"] for row in found["records"]][:2] == [
        "Account",
        "Opportunity",
    ]
    assert (await ask(admin, text.format("")))["records"][2]["What"] is None


async def test_labels_and_formats_are_the_users(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient, sample: Sample
) -> None:
    text = (
        "SELECT StageName, toLabel(StageName) stage, FORMAT(Amount) amount, FORMAT(CloseDate) d, toLabel(Account.Industry)"
        f" FROM Opportunity WHERE {DEALS} AND Name = 'Deal 13'"
    )
    english = (await rows_of(admin, text))[0]
    japanese = (await rows_of(agent, text))[0]
    assert english["StageName"] == japanese["StageName"] == "Closed Won"
    assert (english["stage"], japanese["stage"]) == ("Closed Won", "成立")
    assert english["Account"] == {"Industry": "Energy"}
    assert english["amount"].endswith("1,301.30")
    assert english["d"] == "2/13/2026"
    assert (
        await rows_of(
            agent, f"SELECT COUNT(Id) n FROM Opportunity WHERE {DEALS} AND toLabel(StageName) = '成立'"
        )
    ) == [{"n": 12}]


async def test_for_view_enters_records_among_the_recent(admin: httpx2.AsyncClient) -> None:
    made = (await make_all(admin, "Account", [{"Name": "Viewed"}]))[0]
    await ask(admin, f"SELECT Id FROM Account WHERE Id = '{made}'")
    recent = (await admin.get(f"{DATA}/recent")).json()
    assert made not in [row["Id"] for row in recent]
    await ask(admin, f"SELECT Id FROM Account WHERE Id = '{made}' FOR VIEW")
    recent = (await admin.get(f"{DATA}/recent")).json()
    assert recent[0]["Id"] == made


async def test_fields_of_a_group_are_those_of_describe(admin: httpx2.AsyncClient, sample: Sample) -> None:
    described = (await admin.get(f"{DATA}/sobjects/Contact/describe")).json()["fields"]
    for group in ("ALL", "STANDARD"):
        found = (await rows_of(admin, f"SELECT FIELDS({group}) FROM Contact WHERE {THEIRS} LIMIT 200"))[0]
        assert set(found) == {field["name"] for field in described if group == "ALL" or not field["custom"]}
    code, message = await refusal(admin, "SELECT FIELDS(ALL) FROM Contact LIMIT 201")
    assert (code, "LIMIT of at most 200" in message) == ("MALFORMED_QUERY", True)


# -- aggregates ----------------------------------------------------------------------------------------------


async def test_groups_come_as_in_a_plain_model(admin: httpx2.AsyncClient, sample: Sample) -> None:
    deals = [
        row | {"City": sample.accounts[row["AccountId"]]["BillingCity"]}
        for row in sample.opportunities.values()
    ]
    found = await rows_of(
        admin,
        "SELECT StageName, Account.BillingCity city, COUNT(Id), COUNT(Amount) amounts, SUM(Amount) total, AVG(Amount),"
        f" MIN(CloseDate) first, MAX(Name) last, COUNT_DISTINCT(AccountId) FROM Opportunity WHERE {DEALS}"
        " GROUP BY StageName, Account.BillingCity HAVING COUNT(Id) > 1"
        " ORDER BY StageName DESC, COUNT(Id), Account.BillingCity",
    )
    expected: list[dict[str, Any]] = []
    for (stage, city), group in itertools.groupby(
        sorted(deals, key=lambda row: (row["StageName"], row["City"])),
        key=lambda row: (row["StageName"], row["City"]),
    ):
        rows = list(group)
        amounts = [row["Amount"] for row in rows if row["Amount"] is not None]
        expected.append({
            "StageName": stage, "city": city, "expr0": len(rows), "amounts": len(amounts),
            "total": pytest.approx(sum(amounts)), "expr1": pytest.approx(sum(amounts) / len(amounts)),
            "first": min(row["CloseDate"] for row in rows), "last": max(row["Name"] for row in rows),
            "expr2": len({row["AccountId"] for row in rows}),
        })  # fmt: skip
    expected.sort(key=lambda row: row["city"])
    expected.sort(key=lambda row: row["StageName"], reverse=True)
    assert found == expected
    shown = await ask(admin, f"SELECT COUNT(Id) FROM Opportunity WHERE {DEALS}")
    assert shown == {
        "totalSize": 1, "done": True, "records": [{"attributes": {"type": "AggregateResult"}, "expr0": 24}],
    }  # fmt: skip


async def test_sums_are_decimal(admin: httpx2.AsyncClient) -> None:
    await make_all(admin, "Opportunity", [
        {"Name": "Decimal", "StageName": "Prospecting", "CloseDate": "2026-01-01", "Amount": amount}
        for amount in (0.1, 0.2)])  # fmt: skip
    assert await rows_of(admin, "SELECT SUM(Amount) n FROM Opportunity WHERE Name = 'Decimal'") == [
        {"n": 0.3}
    ]


async def test_rollup_and_cube_add_subtotals(admin: httpx2.AsyncClient, sample: Sample) -> None:
    where = f"FROM Opportunity WHERE {DEALS}"
    rollup = await rows_of(
        admin, f"SELECT StageName, CALENDAR_MONTH(CloseDate) m, GROUPING(StageName) g, COUNT(Id) n {where}"
        " GROUP BY ROLLUP(StageName, CALENDAR_MONTH(CloseDate))",
    )  # fmt: skip
    counted = Counter((row["StageName"], int(row["CloseDate"][5:7])) for row in sample.opportunities.values())
    expected = [{"StageName": stage, "m": month, "g": 0, "n": n} for (stage, month), n in counted.items()]
    expected += [{"StageName": stage, "m": None, "g": 0, "n": 12} for stage in ("Prospecting", "Closed Won")]
    expected.append({"StageName": None, "m": None, "g": 1, "n": 24})
    key = lambda row: (str(row["StageName"]), str(row["m"]))  # noqa: E731
    assert sorted(rollup, key=key) == sorted(expected, key=key)
    cube = await rows_of(
        admin, f"SELECT StageName, CALENDAR_YEAR(CloseDate) FROM Opportunity WHERE {DEALS}"
        " GROUP BY CUBE(StageName, CALENDAR_YEAR(CloseDate))",
    )  # fmt: skip
    assert len(cube) == 6
    assert {"StageName": None, "expr0": 2026} in cube


async def test_hours_are_those_of_utc_unless_converted(admin: httpx2.AsyncClient) -> None:
    made = (await make_all(admin, "Event", [{"Subject": "Hours", "StartDateTime": "2026-03-01T22:30:00Z",
                                             "DurationInMinutes": 5}]))[0]  # fmt: skip
    zone = ZoneInfo(
        (await rows_of(admin, f"SELECT TimeZoneSidKey FROM User WHERE Username = '{ADMIN}'"))[0][
            "TimeZoneSidKey"
        ]
    )
    local = datetime(2026, 3, 1, 22, 30, tzinfo=UTC).astimezone(zone)
    found = await rows_of(
        admin,
        "SELECT HOUR_IN_DAY(StartDateTime), HOUR_IN_DAY(convertTimezone(StartDateTime)) here, DAY_ONLY(StartDateTime) d,"
        f" DAY_IN_WEEK(StartDateTime) w FROM Event WHERE Id = '{made}' GROUP BY HOUR_IN_DAY(StartDateTime),"
        " HOUR_IN_DAY(convertTimezone(StartDateTime)), DAY_ONLY(StartDateTime), DAY_IN_WEEK(StartDateTime)",
    )
    assert found == [{"expr0": 22, "here": local.hour, "d": "2026-03-01", "w": 1}]


async def test_more_groups_than_a_page_are_refused(admin: httpx2.AsyncClient) -> None:
    await make_all(admin, "Lead", [{"LastName": f"Group{n}", "Company": "Grouped"} for n in range(2001)])
    text = "SELECT LastName, COUNT(Id) FROM Lead WHERE Company = 'Grouped' GROUP BY LastName"
    assert (await refusal(admin, text))[0] == "EXCEEDED_ID_LIMIT"
    assert (await ask(admin, text + " LIMIT 2000"))["totalSize"] == 2000


# -- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("SELECT Id FRM Account", "MALFORMED_QUERY", "ERROR at Row:1:Column:15\nunexpected token: 'Account'"),
        ("SELECT Id\nFROM Contact\nWHERE Nope = 1", "INVALID_FIELD",
         "ERROR at Row:3:Column:7\nNo such column 'Nope' on entity 'Contact'"),
        ("SELECT Id, Id FROM Contact", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Account.A.B.C.D.E.F FROM Contact", "MALFORMED_QUERY", "5 levels"),
        ("SELECT Id, (SELECT Id FROM Nopes) FROM Account", "INVALID_TYPE", "Didn't understand relationship 'Nopes'"),
        ("SELECT Id FROM Contact LIMIT 1 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT Id FROM Contact WHERE Id LIKE '003%'", "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on id field"),
        ("SELECT Id FROM Contact WHERE IsDeleted > true", "INVALID_QUERY_FILTER_OPERATOR", "boolean"),
        ("SELECT Id FROM Contact WHERE LastName INCLUDES ('a')", "INVALID_QUERY_FILTER_OPERATOR", "string"),
        ("SELECT Id FROM Contact WHERE LastName > null", "INVALID_QUERY_FILTER_OPERATOR", "string"),
        ("SELECT Id FROM Contact WHERE LastName = 5", "INVALID_FIELD", "must be of type string"),
        ("SELECT Id FROM Contact WHERE CreatedDate > 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Contact WHERE LastName = TODAY", "INVALID_FIELD", "must be of type string"),
        ("SELECT Id FROM Contact WHERE LastName IN 'a'", "MALFORMED_QUERY", "list"),
        ("SELECT Id FROM Contact WHERE LastName = ('a', 'b')", "MALFORMED_QUERY", "list"),
        ("SELECT Id FROM Contact WHERE Birthdate IN (TODAY)", "MALFORMED_QUERY", "date literals"),
        ("SELECT Id FROM Contact WHERE Description LIKE 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Contact ORDER BY Description", "INVALID_FIELD", "can not be sorted"),
        ("SELECT COUNT(Id), CreatedDate FROM Contact GROUP BY CreatedDate", "MALFORMED_QUERY", "can not be grouped"),
        ("SELECT LastName, COUNT(Id) FROM Contact", "MALFORMED_QUERY", "must be grouped or aggregated: LastName"),
        ("SELECT COUNT(Id) FROM Contact GROUP BY LastName ORDER BY FirstName", "MALFORMED_QUERY", "grouped or aggregated"),
        ("SELECT SUM(LastName) FROM Contact", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
        ("SELECT COUNT(IsDeleted) FROM Contact", "MALFORMED_QUERY", "does not support aggregate operator COUNT"),
        ("SELECT COUNT(Id) FROM Contact LIMIT 1", "MALFORMED_QUERY", "cannot also use LIMIT"),
        ("SELECT Id FROM Contact WHERE COUNT(Id) > 1", "MALFORMED_QUERY", "not allowed"),
        ("SELECT COUNT(), Id FROM Contact", "MALFORMED_QUERY", "COUNT() must be the only element"),
        ("SELECT COUNT(Id) n, COUNT(Name) n FROM Contact", "MALFORMED_QUERY", "duplicate alias: n"),
        ("SELECT LastName n FROM Contact", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        ("SELECT COUNT(Id), Id x FROM Contact GROUP BY ROLLUP(Id, Name, LastName, FirstName)", "MALFORMED_QUERY", "three"),
        ("SELECT HOUR_IN_DAY(Birthdate) FROM Contact GROUP BY HOUR_IN_DAY(Birthdate)", "MALFORMED_QUERY", "HOUR_IN_DAY"),
        ("SELECT Id, (SELECT COUNT(Id) FROM Contacts) FROM Account", "MALFORMED_QUERY", "aggregate"),
        ("SELECT Id FROM Contact ALL ROWS", "MALFORMED_QUERY", "ALL ROWS not allowed in this context"),
        ("SELECT Id FROM Contact WITH SECURITY_ENFORCED", "MALFORMED_QUERY", "Apex"),
        ("SELECT Id FROM Contact WITH USER_MODE", "MALFORMED_QUERY", "Apex"),
        ("SELECT Id FROM Contact WITH DATA CATEGORY A__c AT b__c", "MALFORMED_QUERY", "not supported"),
        ("SELECT convertCurrency(Amount) FROM Opportunity", "MALFORMED_QUERY", "one currency"),
        ("SELECT Id FROM Opportunity WHERE Amount > USD5000", "MALFORMED_QUERY", "USD5000"),
        ("SELECT Id FROM Account WHERE DISTANCE(Name, GEOLOCATION(1,2), 'mi') < 3", "INVALID_FIELD", "neither"),
        ("SELECT Id FROM Account WHERE DISTANCE(GEOLOCATION(1,2), BillingAddress, 'mi') < 3", "MALFORMED_QUERY", "first"),
        ("SELECT Id FROM Account WHERE DISTANCE(BillingAddress, GEOLOCATION(1,2), 'm') < 3", "MALFORMED_QUERY", "unit"),
        ("SELECT Id FROM Account WHERE DISTANCE(BillingAddress, GEOLOCATION(91,2), 'mi') < 3", "MALFORMED_QUERY", "-90"),
        ("SELECT Id FROM Lead WHERE DISTANCE(Address, GEOLOCATION(1,2), 'mi') = 3", "INVALID_QUERY_FILTER_OPERATOR", "<"),
        ("SELECT Id FROM Account WHERE DISTANCE(BillingAddress, GEOLOCATION(1,2), 'mi') < 'x'", "INVALID_FIELD", "double"),
        ("SELECT COUNT(Id) FROM Lead GROUP BY DISTANCE(Address, GEOLOCATION(1,2), 'mi')", "MALFORMED_QUERY", "grouped"),
        ("SELECT Id FROM Contact, Account", "MALFORMED_QUERY", "The driver object is Contact"),
        ("SELECT TYPEOF Account WHEN Account THEN Name END FROM Contact", "INVALID_FIELD", "several types"),
        ("SELECT toLabel(LastName) FROM Contact", "INVALID_FIELD", "picklist"),
        ("SELECT Who.Account.Name FROM Task", "INVALID_FIELD", "Didn't understand relationship"),
        ("SELECT Who.Birthdate FROM Task", "INVALID_FIELD", "No such column 'Birthdate' on entity 'Name'"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact) OR Name = 'x'", "MALFORMED_QUERY", "OR"),
        ("SELECT Id FROM Account WHERE Name IN (SELECT AccountId FROM Contact)", "MALFORMED_QUERY", "left operand"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT LastName FROM Contact)", "MALFORMED_QUERY", "subquery"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId, Id FROM Contact)", "MALFORMED_QUERY", "one field"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact LIMIT 1)", "MALFORMED_QUERY", "LIMIT"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT Id FROM Account)", "MALFORMED_QUERY", "same object type"),
        ("SELECT Id FROM Contact ORDER BY Id FOR UPDATE", "MALFORMED_QUERY", "FOR UPDATE"),
        (f"SELECT Id FROM Contact WHERE LastName = '{'x' * 4001}'", "MALFORMED_QUERY", "4000"),
        ("SELECT Id FROM Contact WHERE Birthdate = LAST_N_DAYS:-1", "MALFORMED_QUERY", "out of range"),
    ],
)  # fmt: skip
async def test_refusals_name_what_is_wrong(
    admin: httpx2.AsyncClient, text: str, code: str, words: str
) -> None:
    found, message = await refusal(admin, text)
    assert found == code
    assert words in message


async def test_deleted_rows_are_asked_for_by_query_all(admin: httpx2.AsyncClient) -> None:
    made = (await make_all(admin, "Account", [{"Name": "Gone"}]))[0]
    await admin.delete(f"{DATA}/sobjects/Account/{made}")
    text = f"SELECT Id FROM Account WHERE Id = '{made}'"
    assert (await ask(admin, text))["totalSize"] == 0
    for more in ("", " ALL ROWS"):
        answer = await admin.get(f"{DATA}/queryAll", params={"q": text + more})
        assert answer.json()["totalSize"] == 1


async def test_too_many_relationships_are_refused(admin: httpx2.AsyncClient) -> None:
    children = ", ".join("(SELECT Id FROM Contacts)" for _ in range(21))
    assert (await refusal(admin, f"SELECT {children} FROM Account"))[0] == "MALFORMED_QUERY"


async def test_objects_a_user_may_not_read_are_not_there(agent: httpx2.AsyncClient) -> None:
    for text in (
        "SELECT Id FROM PermissionSet",
        "SELECT COUNT() FROM PermissionSet",
        "SELECT Id FROM Profile WHERE Id IN (SELECT ProfileId FROM PermissionSet)",
    ):
        assert (await refusal(agent, text))[0] == "INVALID_TYPE"


# -- anything at all -----------------------------------------------------------------------------------------

_PIECES = r"""
SELECT FROM WHERE Id Name Account Contact Contacts LastName Owner . , ( ) = != < LIKE IN NOT AND OR 'x' 5 1.5 null
TODAY LAST_N_DAYS:3 2026-01-01 COUNT() COUNT(Id) SUM(Amount) GROUP BY ORDER LIMIT OFFSET HAVING ROLLUP( TYPEOF Who
WHEN THEN ELSE END USING SCOPE mine FOR VIEW toLabel(Status) FORMAT( FIELDS(ALL) Task What 山 ' \ ; { } * "
"""
_WORDS = st.sampled_from([*_PIECES.split(), "\x00", "\ud800"])


@settings(max_examples=60)
@given(words=st.lists(_WORDS, max_size=25))
async def test_no_text_is_an_error_of_ours(admin: httpx2.AsyncClient, words: list[str]) -> None:
    text = " ".join(words).encode("utf-8", "surrogatepass")
    for path in ("query", "search"):
        for lead in (b"", b"SELECT Id FROM Task WHERE ", b"FIND {", b"FIND {ab} RETURNING Task("):
            answer = await admin.get(f"{DATA}/{path}?q=" + "".join(f"%{byte:02x}" for byte in lead + text))
            assert answer.status_code in (200, 400, 404), (lead, text, answer.text)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Id FROM Contact WHERE " + "(" * 40_000,
        "SELECT Id FROM Contact WHERE " + "(" * 90 + "Id = null" + ")" * 90,
        "SELECT Id FROM Contact WHERE " + " OR ".join(["LastName = 'x'"] * 5_500),
        "SELECT Id FROM Contact WHERE LastName IN (" + ",".join(["'xxxx'"] * 13_000) + ")",
        "SELECT " + "(SELECT Id FROM Contacts, " * 3_000,
        "SELECT " + "Account." * 10_000 + "Id FROM Contact",
        "SELECT Id FROM Contact WHERE LastName = '" + "\\'" * 45_000 + "'",
        "SELECT Id FROM Contact " + " " * 80_000 + "x x",
        "x" * 120_000,
    ],
    ids=range(9),
)
async def test_huge_statements_are_answered_in_time(world: World, text: str) -> None:
    http = await client_of(world, ADMIN)
    body = {"compositeRequest": [{"method": "GET", "referenceId": "q", "url": f"{DATA}/query?q={text}"}]}
    answer = await http.post(f"{DATA}/composite", json=body, timeout=10)
    assert answer.status_code == 200
    assert answer.json()["compositeResponse"][0]["httpStatusCode"] in (200, 400)
    await http.aclose()
