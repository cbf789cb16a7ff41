"""SOSL and parameterised searches through the REST door: what is found, in which script and writing, and what not."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieline.crm.migrations import ORG_STEPS, migrate
from tieline.db.embedded import EmbeddedPostgres

from .conftest import ADMIN, World, client_of

DATA = "/services/data/v66.0"


async def found(http: httpx2.AsyncClient, text: str) -> list[Any]:
    answer = await http.get(f"{DATA}/search", params={"q": text})
    assert answer.status_code == 200, answer.text
    return answer.json()["searchRecords"]


async def names(http: httpx2.AsyncClient, find: str, inside: str = "ALL", more: str = "") -> set[str]:
    rows = await found(http, f"FIND {{{find}}} IN {inside} FIELDS RETURNING Contact(LastName{more})")
    return {row["LastName"] for row in rows}


async def refusal(http: httpx2.AsyncClient, text: str) -> tuple[str, str]:
    answer = await http.get(f"{DATA}/search", params={"q": text})
    assert answer.status_code == 400, answer.text
    return answer.json()[0]["errorCode"], answer.json()[0]["message"]


CONTACTS: list[dict[str, Any]] = [
    {"LastName": "Quixote", "FirstName": "Alonso", "Title": "Knight errant", "Phone": "(415) 555-0170"},
    {"LastName": "Quixoteson", "Title": "Heir of Mancha", "Email": "son.quixote@mancha.example"},
    {"LastName": "Panza", "Title": "Squire of Quixote", "MobilePhone": "+34 926 55 01 71"},
    {"LastName": "髙橋", "FirstName": "健太", "Title": "営業部長", "Department": "ABC株式会社ドルシネア"},
    {"LastName": "高橋", "FirstName": "直子", "Title": "東京都", "Department": "ﾄﾞﾙｼﾈｱ物産"},
    {"LastName": "京都", "FirstName": "一", "Title": "都営"},
    {"LastName": "Ｗｉｄｅ", "FirstName": "ｶﾀｶﾅ", "Title": "ﾛｼﾅﾝﾃ"},
]


@pytest.fixture(scope="session", autouse=True)
async def contacts(world: World) -> AsyncIterator[None]:
    """Contacts that these tests look for; their names are in no other test."""
    http = await client_of(world, ADMIN)
    records = [{"attributes": {"type": "Contact"}} | row for row in CONTACTS]
    answer = await http.post(f"{DATA}/composite/sobjects", json={"records": records})
    assert all(row["success"] for row in answer.json()), answer.text
    yield
    await http.aclose()


@pytest.mark.parametrize(
    ("find", "expected"),
    [
        ("quixote", {"Quixote", "Quixoteson", "Panza"}),
        ("QUIXOTE*", {"Quixote", "Quixoteson", "Panza"}),
        ("quixotes*", {"Quixoteson"}),
        ("quixot", set()),
        ("quix?te", {"Quixote", "Quixoteson", "Panza"}),
        ("qu*te", {"Quixote", "Quixoteson", "Panza"}),
        ("qu*tes?n", {"Quixoteson"}),
        ("q?ixote AND panza", {"Panza"}),
        ("*ixote", set()),
        ("quixote AND knight", {"Quixote"}),
        ("quixote knight", {"Quixote"}),
        ("quixote AND NOT knight", {"Quixoteson", "Panza"}),
        ("quixoteson OR panza", {"Quixoteson", "Panza"}),
        ("quixote AND (squire OR errant)", {"Quixote", "Panza"}),
        ("quixote AND NOT (squire OR errant)", {"Quixoteson"}),
        ("quixoteson OR squire AND quixote", {"Quixoteson", "Panza"}),
        ("quixote and not kn?ght", {"Quixoteson", "Panza"}),
        ('"knight errant"', {"Quixote"}),
        ('"errant knight"', set()),
        ('"alonso knight"', set()),
        ('"heir of mancha" OR panza', {"Quixoteson", "Panza"}),
        ("son.quixote@mancha.example", {"Quixoteson"}),
        ("son.quixote\\@mancha.example", {"Quixoteson"}),
    ],
)
async def test_words_operators_phrases_and_wildcards(
    admin: httpx2.AsyncClient, find: str, expected: set[str]
) -> None:
    assert await names(admin, find) == expected


@pytest.mark.parametrize(
    ("find", "group", "expected"),
    [
        ("quixote", "NAME", {"Quixote"}),
        ("quixote", "EMAIL", {"Quixoteson"}),
        ("quixote", "SIDEBAR", {"Quixote", "Quixoteson"}),
        ("quixote", "PHONE", set()),
        ("squire", "NAME", set()),
        ("qu?xote", "NAME", {"Quixote"}),
    ],
)
async def test_a_group_of_fields_is_kept_to(
    admin: httpx2.AsyncClient, find: str, group: str, expected: set[str]
) -> None:
    assert await names(admin, find, group) == expected


@pytest.mark.parametrize(
    ("find", "expected"),
    [
        ("4155550170", {"Quixote"}),
        ("\\(415\\) 555\\-0170", {"Quixote"}),
        ("\\+1 415 555 0170", {"Quixote"}),
        ("415", {"Quixote"}),
        ("0170", {"Quixote"}),
        ("555 0170", {"Quixote"}),
        ("41*", {"Quixote"}),
        ("34926550171", {"Panza"}),
        ("0926550171", {"Panza"}),
        ('"\\+34 926 55 01 71"', {"Panza"}),
        ("926 OR 415", {"Quixote", "Panza"}),
        ("4155550171", set()),
    ],
)
async def test_numbers_are_found_whole_and_by_their_groups(
    admin: httpx2.AsyncClient, find: str, expected: set[str]
) -> None:
    mine = {row["LastName"] for row in CONTACTS}
    assert await names(admin, find, "PHONE") & mine == expected


@pytest.mark.parametrize(
    ("find", "expected"),
    [
        ("高橋", {"高橋"}),
        ("髙橋", {"髙橋"}),
        ("健太", {"髙橋"}),
        ("髙橋健太", {"髙橋"}),
        ("髙橋 健太", {"髙橋"}),
        ("健太髙橋", set()),
        ("京都", {"高橋", "京都"}),
        ("東京都", {"高橋"}),
        ("東都", set()),
        ("都", {"高橋", "京都"}),
        ("一", {"京都"}),
        ("部", {"髙橋"}),
        ("株式会社", {"髙橋"}),
        ("abc株式", {"髙橋"}),
        ("ＡＢＣ株", {"髙橋"}),
        ("abc会社", set()),
        ("ドルシネア", {"髙橋", "高橋"}),
        ("ﾄﾞﾙｼﾈｱ", {"髙橋", "高橋"}),
        ("ドルシネア物産", {"高橋"}),
        ("シネア AND 物産", {"高橋"}),
        ("ドルシネア AND NOT 営業", {"高橋"}),
        ("ロシナンテ", {"Ｗｉｄｅ"}),
        ("wide", {"Ｗｉｄｅ"}),
        ('"営業部長"', {"髙橋"}),
        ("営業*", {"髙橋"}),
        ("営*長", {"髙橋"}),
    ],
)
async def test_japanese_is_found_by_any_part_of_it(
    admin: httpx2.AsyncClient, find: str, expected: set[str]
) -> None:
    mine = {row["LastName"] for row in CONTACTS}
    assert await names(admin, find) & mine == expected
    body = {"q": find, "sobjects": [{"name": "Contact", "fields": ["LastName"]}]}
    if not any(word in find for word in ("AND", "OR")):
        answer = await admin.post(f"{DATA}/parameterizedSearch", json=body)
        assert {row["LastName"] for row in answer.json()["searchRecords"]} & mine == expected


async def test_changes_are_found_at_once_and_old_words_no_more(admin: httpx2.AsyncClient) -> None:
    made = await admin.post(f"{DATA}/sobjects/Contact", json={"LastName": "Zuerstig", "Title": "電話番"})
    record = made.json()["id"]
    assert await names(admin, "zuerstig") == {"Zuerstig"}
    await admin.patch(f"{DATA}/sobjects/Contact/{record}", json={"LastName": "Danachig"})
    assert await names(admin, "zuerstig") == set()
    assert await names(admin, "danachig AND 電話") == {"Danachig"}
    await admin.delete(f"{DATA}/sobjects/Contact/{record}")
    assert await names(admin, "danachig") == set()


async def test_returning_narrows_orders_and_limits(admin: httpx2.AsyncClient) -> None:
    assert await names(admin, "quixote", more=" WHERE Title LIKE 'Squire%'") == {"Panza"}
    rows = await found(
        admin, "FIND {quixote} RETURNING Contact(LastName, Account.Name ORDER BY LastName DESC LIMIT 2)"
    )
    assert [(row["LastName"], row["Account"]) for row in rows] == [("Quixoteson", None), ("Quixote", None)]
    rows = await found(admin, "FIND {quixote} RETURNING Contact(LastName ORDER BY LastName LIMIT 1 OFFSET 1)")
    assert [row["LastName"] for row in rows] == ["Quixote"]
    assert len(await found(admin, "FIND {quixote} RETURNING Contact(Id), Lead(Id) LIMIT 1")) == 1
    everything = await found(admin, "FIND {quixoteson}")
    assert [row["attributes"]["type"] for row in everything] == ["Contact"]
    assert len(await found(admin, "FIND {quixote} RETURNING Contact WITH SPELL_CORRECTION = false")) == 3


async def test_many_hits_are_cut_as_documented(admin: httpx2.AsyncClient) -> None:
    for start in (0, 200):
        records = [
            {"attributes": {"type": "Lead"}, "LastName": f"Vielfach {start + n}", "Company": "Rozinante"}
            for n in range(150)
        ]
        await admin.post(f"{DATA}/composite/sobjects", json={"records": records})
    assert len(await found(admin, "FIND {rozinante} RETURNING Lead")) == 250
    assert len(await found(admin, "FIND {rozinante} RETURNING Lead(Id ORDER BY LastName)")) == 300
    assert len(await found(admin, "FIND {rozinante} RETURNING Lead(Id LIMIT 290)")) == 290
    assert len(await found(admin, "FIND {rozinante} RETURNING Lead(Id ORDER BY LastName) LIMIT 7")) == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("FIND quixote", "braces"),
        ("FIND {q}", "longer than one character"),
        ("FIND {}", "longer than one character"),
        ("FIND {(quixote}", "missing )"),
        ("FIND {quixote)}", "unexpected token"),
        ("FIND {quixote AND}", "unexpected token"),
        ("FIND {OR quixote}", "unexpected token"),
        ("FIND {NOT quixote}", "unexpected token"),
        ('FIND {"quixote}', "unexpected token"),
        ("FIND {+34 926}", "must be escaped"),
        ("FIND {a&b}", "must be escaped"),
        ("FIND {" + "(" * 60 + "ab" + ")" * 60 + "}", "nested"),
        ("FIND {ab} RETURNING Contact(Nope)", "No such column 'Nope'"),
        ("FIND {ab} RETURNING Nope", "not supported"),
        ("FIND {ab} RETURNING Contact(Id WHERE Id = 5)", "must be of type id"),
        ("FIND {ab} RETURNING Contact(COUNT(Id))", "only fields"),
        ("FIND {ab} RETURNING Contact(Id USING ListView = Mine)", "list view"),
        ("FIND {ab} WITH DIVISION = 'x'", "Row:1:Column:16\nWITH DIVISION is not supported"),
        ("FIND {ab} WITH HIGHLIGHT = 'x'", "takes no value"),
        ("FIND {ab} WITH SNIPPET = 5", "takes target_length"),
        ("FIND {ab} WITH SNIPPET (length=50)", "takes target_length"),
        ("FIND {ab} WITH SPELL_CORRECTION = 'no'", "true or false"),
        ("FIND {ab} WITH METADATA = 'ALL'", "must be 'LABELS'"),
        ("FIND {ab} WITH PricebookId = '003000000000001AAA'", "id of a price book"),
        ("FIND {ab} WITH NETWORK = '0DB000000000001'", "this organization has none"),
        ("FIND {ab} WITH NETWORK IN ('000000000000000', '0DB000000000001')", "this organization has none"),
        ("FIND {ab} WITH USER_MODE", "USER_MODE is not supported"),
        ("FIND {ab} WITH DATA CATEGORY A__c AT b__c", "DATA CATEGORY"),
        ("FIND {ab} RETURNING Contact LIMIT", "ERROR at Row:1:Column:34"),
    ],
)
async def test_wrong_searches_are_named(admin: httpx2.AsyncClient, text: str, words: str) -> None:
    code, message = await refusal(admin, text)
    assert words in message
    assert code in ("MALFORMED_SEARCH", "INVALID_FIELD", "INVALID_TYPE")


async def test_matches_are_marked_in_the_fields_asked_for(admin: httpx2.AsyncClient) -> None:
    text = "FIND {quixote} RETURNING Contact(LastName, Title, Email, Name ORDER BY LastName) WITH HIGHLIGHT"
    rows = {row["LastName"]: row for row in await found(admin, text)}
    marks = {
        name: {key: row[key] for key in row if key.startswith("highlight.")} for name, row in rows.items()
    }
    assert marks == {
        "Panza": {"highlight.Title": "Squire of <mark>Quixote</mark>"},
        "Quixote": {"highlight.LastName": "<mark>Quixote</mark>"},
        "Quixoteson": {"highlight.Email": "son.<mark>quixote</mark>@mancha.example"},
    }
    named = "FIND {quixote} IN NAME FIELDS RETURNING Contact(LastName, Title) WITH HIGHLIGHT"
    assert [row["highlight.LastName"] for row in await found(admin, named)] == ["<mark>Quixote</mark>"]


@pytest.mark.parametrize(
    ("find", "field", "marked"),
    [
        ('"knight errant"', "Title", "<mark>Knight</mark> <mark>errant</mark>"),
        ("knight AND NOT squire", "Title", "<mark>Knight</mark> errant"),
        ("kn?ght OR errant", "Title", "Knight <mark>errant</mark>"),
        ("knigh*", "Title", None),
        ("営業", "Title", "<mark>営業</mark>部長"),
        ("abc株式", "Department", "<mark>ABC株式</mark>会社ドルシネア"),
        ("ﾄﾞﾙｼﾈｱ", "Department", "ABC株式会社<mark>ドルシネア</mark>"),
        ("ドルシネア AND 物産", "Department", "<mark>ﾄﾞﾙｼﾈｱ</mark><mark>物産</mark>"),
        ("ロシナンテ", "Title", "<mark>ﾛｼﾅﾝﾃ</mark>"),
    ],
)
async def test_marks_stand_where_the_words_do(
    admin: httpx2.AsyncClient, find: str, field: str, marked: str | None
) -> None:
    text = f"FIND {{{find}}} RETURNING Contact({field} ORDER BY CreatedDate, Id) WITH HIGHLIGHT"
    shown = [row.get(f"highlight.{field}") for row in await found(admin, text)]
    assert marked in shown if marked else set(shown) == {None}


async def test_a_record_s_own_markup_stays_text_and_only_the_first_records_are_marked(
    admin: httpx2.AsyncClient,
) -> None:
    records = [
        {"attributes": {"type": "Lead"}, "LastName": "<b>Barataria</b> & Co", "Company": f"Insula {n:02d}"}
        for n in range(30)
    ]
    await admin.post(f"{DATA}/composite/sobjects", json={"records": records})
    rows = await found(admin, "FIND {barataria} RETURNING Lead(LastName ORDER BY Company) WITH HIGHLIGHT")
    marked = [row.get("highlight.LastName") for row in rows]
    assert marked == ["&lt;b&gt;<mark>Barataria</mark>&lt;/b&gt; &amp; Co"] * 25 + [None] * 5


async def test_cases_have_snippets_and_nothing_else_has(admin: httpx2.AsyncClient) -> None:
    story = "Before the mill. " * 30 + "The windmill of Consuegra turned. " + "After it. " * 30
    made = await admin.post(
        f"{DATA}/sobjects/Case", json={"Subject": "Consuegra's <i>mill</i>", "Description": story}
    )
    text = "FIND {consuegra} RETURNING Case(Subject), Contact WITH SNIPPET"
    (row,) = await found(admin, text)
    assert row["highlight.Subject"] == "<mark>Consuegra</mark>'s &lt;i&gt;mill&lt;/i&gt;"
    assert "windmill of <mark>Consuegra</mark> turned" in row["snippet.text"]
    assert 200 < len(row["snippet.text"]) < 400
    for asked, least, most in ((50, 40, 110), (1000, 700, 1100), (5, 40, 110), (0, 200, 400)):
        (row,) = await found(admin, f"{text}(target_length={asked})")
        assert least < len(row["snippet.text"]) < most, asked
    (wild,) = await found(admin, "FIND {consueg*} RETURNING Case(Subject) WITH SNIPPET")
    assert "snippet.text" not in wild
    (plain,) = await found(admin, "FIND {consuegra} RETURNING Case(Subject) WITH HIGHLIGHT")
    assert "highlight.Subject" not in plain
    body = {"q": "consuegra", "snippet": 60, "sobjects": [{"name": "Case", "fields": ["Subject"]}]}
    answer = (await admin.post(f"{DATA}/parameterizedSearch", json=body)).json()["searchRecords"]
    assert "<mark>Consuegra</mark>" in answer[0]["snippet.text"]
    await admin.delete(f"{DATA}/sobjects/Case/{made.json()['id']}")


async def test_labels_come_in_the_user_s_language(
    admin: httpx2.AsyncClient, agent: httpx2.AsyncClient
) -> None:
    text = "FIND {quixote} RETURNING contact(Id, lastname, Account.Name), Lead WITH METADATA = 'LABELS'"
    answer = (await admin.get(f"{DATA}/search", params={"q": text})).json()
    assert answer["metadata"] == {
        "entityetadata": [
            {"entityName": "Contact", "fieldMetadata": [{"name": "LastName", "label": "Last Name"}]}
        ]
    }
    body = {"q": "quixote", "metadata": "LABELS", "fields": ["LastName"], "sobjects": [{"name": "Contact"}]}
    answer = (await agent.post(f"{DATA}/parameterizedSearch", json=body)).json()
    assert answer["metadata"]["entityetadata"][0]["fieldMetadata"] == [{"name": "LastName", "label": "姓"}]
    assert "metadata" not in (await admin.get(f"{DATA}/search", params={"q": "FIND {quixote}"})).json()


@pytest.mark.parametrize(
    "clause",
    [
        "WITH SPELL_CORRECTION = true",
        "WITH PricebookId = '01s000000000001AAA'",
        "WITH NETWORK = '000000000000000'",
        "WITH NETWORK IN ('000000000000000', '000000000000000000')",
        "WITH HIGHLIGHT WITH SPELL_CORRECTION = false LIMIT 10",
        "UPDATE TRACKING",
        "LIMIT 10 UPDATE TRACKING, VIEWSTAT",
        "UPDATE VIEWSTAT",
    ],
)
async def test_clauses_that_change_nothing_here_are_accepted(admin: httpx2.AsyncClient, clause: str) -> None:
    assert len(await found(admin, f"FIND {{quixote}} RETURNING Contact {clause}")) == 3
    if "UPDATE" in clause:
        query = f"SELECT Id FROM Contact WHERE LastName LIKE 'Quixote%' {clause}"
        answer = await admin.get(f"{DATA}/query", params={"q": query})
        assert answer.json()["totalSize"] == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"metadata": "ALL"}, "LABELS"),
        ({"division": "x"}, "not supported"),
        ({"dataCategories": [{"groupName": "a"}]}, "not supported"),
        ({"netWorkIds": ["0DB000000000001"]}, "has none"),
        ({"pricebookId": 5}, "price book"),
    ],
)
async def test_parameterised_searches_refuse_what_sosl_refuses(
    admin: httpx2.AsyncClient, more: dict[str, Any], words: str
) -> None:
    body = {"q": "quixote", "sobjects": [{"name": "Contact"}]} | more
    answer = await admin.post(f"{DATA}/parameterizedSearch", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "MALFORMED_SEARCH")
    assert words in answer.json()[0]["message"]


_PIECES = [*"ab1 *?\"'()\\{}&|!:<>-+@.山ｶﾞ々ー", "\x00", "\u3099", " AND ", " OR ", " NOT "]
_CHARS = st.lists(st.sampled_from(_PIECES), max_size=14).map("".join)


@settings(max_examples=150)
@given(text=_CHARS, group=st.sampled_from(["ALL", "NAME", "PHONE", "EMAIL", "SIDEBAR"]))
async def test_any_search_term_is_answered_or_refused(
    admin: httpx2.AsyncClient, text: str, group: str
) -> None:
    answer = await admin.get(
        f"{DATA}/search",
        params={
            "q": f"FIND {{{text}}} IN {group} FIELDS RETURNING Contact(LastName, Title), Case(Subject)"
            " WITH HIGHLIGHT WITH SNIPPET"
        },
    )
    assert answer.status_code == 200 or answer.json()[0]["errorCode"] == "MALFORMED_SEARCH", answer.text
    body = {"q": text, "in": group, "sobjects": [{"name": "Contact"}]}
    answer = await admin.post(f"{DATA}/parameterizedSearch", json=body)
    assert answer.status_code == 200 or answer.json()[0]["errorCode"] == "MALFORMED_SEARCH", answer.text


_KANA = st.text(st.sampled_from("山田太郎東京都営業アイウガａｂ"), min_size=1, max_size=6)


@settings(max_examples=40)
@given(text=_KANA, data=st.data())
async def test_every_part_of_a_japanese_text_finds_it(
    admin: httpx2.AsyncClient, text: str, data: st.DataObject
) -> None:
    made = (
        await admin.post(f"{DATA}/sobjects/Contact", json={"LastName": "Teil", "Title": f"雑{text}誌"})
    ).json()["id"]
    start = data.draw(st.integers(0, len(text) - 1))
    part = text[start : data.draw(st.integers(start + 1, len(text)))]
    if not part.isascii() and not (part[0] in "ａｂ" or part[-1] in "ａｂ"):
        rows = await found(admin, f"FIND {{{part}}} RETURNING Contact(Id WHERE Id = '{made}')")
        assert [row["Id"] for row in rows] == [made]
    await admin.delete(f"{DATA}/sobjects/Contact/{made}")


async def test_records_of_the_last_release_are_found_after_the_migration(
    postgres: EmbeddedPostgres, world: World
) -> None:
    conn = await asyncpg.connect(postgres.url())
    await conn.execute("DROP DATABASE IF EXISTS crm_search_moved WITH (FORCE)")
    await conn.execute("CREATE DATABASE crm_search_moved")
    await conn.close()
    conn = await asyncpg.connect(postgres.url("crm_search_moved"))
    await conn.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")
    before = next(n for n, step in enumerate(ORG_STEPS) if step.name == "2026_11_25_search_vectors")
    await migrate(conn, ORG_STEPS[:before])
    for number in range(3):
        await conn.execute(
            'INSERT INTO data."Contact" ("Id", "LastName", "Name", "CreatedDate", "CreatedById", "LastModifiedDate",'
            ' "LastModifiedById", "SystemModstamp", "IsDeleted", _search)'
            " VALUES ($1, '山田太郎', '山田太郎', now(), '005', now(), '005', now(), false, '''w山田'':1A')",
            f"003{number:015d}",
        )
    await migrate(conn, ORG_STEPS)
    query = "SELECT count(*) FROM data.\"Contact\" WHERE _search @@ '''w田太'' <-> ''w太郎'''::tsquery"
    assert await conn.fetchval(query) == 3
    await conn.close()
