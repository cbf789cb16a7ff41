"""SOQL: what is read, what is refused, and that nothing of a request becomes SQL."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.crm.access import Caller
from tieline.crm.compile import compile_query
from tieline.crm.date_literals import date_range
from tieline.crm.errors import Fault
from tieline.crm.metadata import Catalogue
from tieline.crm.soql import parse
from tieline.crm.soql_tree import DateRange
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


def test_date_literals_are_half_open_spans() -> None:
    day = date(2026, 11, 22)  # a Sunday
    assert date_range(DateRange("TODAY"), day) == (day, date(2026, 11, 23))
    assert date_range(DateRange("LAST_N_DAYS", 2), day) == (date(2026, 11, 20), date(2026, 11, 23))
    assert date_range(DateRange("THIS_WEEK"), day) == (day, date(2026, 11, 29))
    assert date_range(DateRange("LAST_MONTH"), day) == (date(2026, 10, 1), date(2026, 11, 1))
    with pytest.raises(Fault):
        date_range(DateRange("SOMEDAY"), day)
