"""SOQL: what is read, what is refused, and that nothing of a request becomes SQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.crm.access.questions import Caller
from tieline.crm.errors import Fault
from tieline.crm.metadata import Catalogue
from tieline.crm.query.compile import compile_query
from tieline.crm.query.soql import parse
from tieline.crm.query.sosl import parse_search
from tieline.crm.standard import STANDARD_OBJECTS

CATALOGUE = Catalogue(1, {value.name: value for value in STANDARD_OBJECTS})
CALLER = Caller("005", "u", "U", "System Administrator", "en_US", "en_US", "Asia/Tokyo")


def test_values_become_parameters() -> None:
    compiled = compile_query(
        parse("SELECT Id FROM Contact WHERE LastName = 'O\\'Neil' AND Phone LIKE '50\\%%'"), CATALOGUE, CALLER
    )
    assert compiled.params == ["o'neil", "50\\%%"]
    assert "neil" not in compiled.page(10).lower()


@given(st.text(max_size=40))
def test_no_text_ever_reaches_sql(text: str) -> None:
    marker = f"zq{text}zq"
    quoted = marker.replace("\\", "\\\\").replace("'", "\\'")
    compiled = compile_query(parse(f"SELECT Id FROM Contact WHERE LastName = '{quoted}'"), CATALOGUE, CALLER)
    assert "zq" not in compiled.page(10)
    assert len(compiled.params) == 1


@given(st.text(max_size=80))
def test_any_text_is_a_query_or_malformed(text: str) -> None:
    try:
        parse(text)
        parse(f"SELECT Id FROM Contact WHERE {text}")
    except Fault as fault:
        assert fault.code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    "text",
    [
        "select id from contact",
        "SELECT Id, Name FROM Contact ORDER BY Name ASC NULLS LAST, Id DESC LIMIT 5 OFFSET 10",
        "SELECT COUNT() FROM Contact WHERE (A = 1 OR B = 2.5) AND (NOT C = null)",
        "SELECT Id FROM Account WHERE Id NOT IN (SELECT AccountId FROM Contact)",
        "SELECT Id, (SELECT Id FROM Contacts WHERE LastName LIKE 'a%' LIMIT 3) FROM Account ALL ROWS",
        "SELECT FIELDS(ALL) FROM Contact LIMIT 200",
        "SELECT Order__c, Limit__c, From__c FROM Where__c WHERE In__c IN ('a')",
        "SELECT c.Id FROM Contact c WHERE c.CreatedDate >= LAST_N_DAYS:30 FOR VIEW",
    ],
)
def test_valid_queries_are_read(text: str) -> None:
    assert parse(text).select


def test_a_refusal_shows_row_and_column() -> None:
    with pytest.raises(Fault) as refused:
        parse("SELECT Id\nFROM Contact\nWHERE Name ~ 'x'")
    assert (
        refused.value.message
        == "\nWHERE Name ~ 'x'\n           ^\nERROR at Row:3:Column:12\nunexpected token: '~'"
    )


def test_and_with_or_needs_parentheses() -> None:
    parse("SELECT Id FROM Contact WHERE A = 1 AND (B = 2 OR C = 3)")
    with pytest.raises(Fault, match="unexpected token: 'OR'"):
        parse("SELECT Id FROM Contact WHERE A = 1 AND B = 2 OR C = 3")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT CALENDAR_YEAR(convertTimezone(CreatedDate)) FROM Contact"
        " GROUP BY CALENDAR_YEAR(convertTimezone(CreatedDate))",
        "SELECT Owner.Name, TYPEOF Who WHEN Lead THEN Name ELSE Name END FROM Task ORDER BY Who.Name",
        "SELECT toLabel(Salutation), FORMAT(CreatedDate) d FROM Contact WHERE toLabel(Salutation) IN ('x')",
        "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName LIKE 'secret%')",
        "SELECT COUNT(Id) FROM Contact GROUP BY ROLLUP(LastName) HAVING MAX(LastName) > 'secret'",
    ],
)
def test_statements_hold_the_catalogues_names_and_parameters_only(text: str) -> None:
    compiled = compile_query(parse(text), CATALOGUE, CALLER)
    sql = compiled.page(10)
    assert "secret" not in sql
    assert "Tokyo" not in sql
    assert all(f"${number}" in sql for number in range(1, len(compiled.params) + 1))


@given(st.text(max_size=60))
def test_any_search_is_read_or_malformed(text: str) -> None:
    for statement in (
        text,
        f"FIND {{{text}}}",
        f"FIND {{ab}} {text}",
        f"FIND {{ab}} RETURNING Contact({text})",
    ):
        try:
            parse_search(statement)
        except Fault as fault:
            assert fault.code == "MALFORMED_SEARCH"
