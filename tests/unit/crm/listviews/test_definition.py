"""Logic and conditions of list views."""

from __future__ import annotations

import pytest

from tieline.crm.errors import Fault
from tieline.crm.listviews.definition import Condition, ListView, checked, condition_soql, joined
from tieline.crm.query.soql import parse
from tieline.crm.standard import STANDARD_OBJECTS

CONTACT = next(value for value in STANDARD_OBJECTS if value.name == "Contact")
TASK = next(value for value in STANDARD_OBJECTS if value.name == "Task")
START = ListView("", "Contact", "Mine", "Mine")


@pytest.mark.parametrize(
    ("logic", "whole"),
    [
        ("1 AND 2 and 3", "(a AND b AND c)"),
        ("1 or (2 AND not 3)", "(a OR (b AND (NOT c)))"),
        ("((1)) AND (2 OR 3)", "(a AND (b OR c))"),
    ],
)
def test_logic_joins_numbered_conditions(logic: str, whole: str) -> None:
    assert joined(logic, ["a", "b", "c"]) == whole


@pytest.mark.parametrize(
    "logic",
    ["1 AND 2", "1 AND 2 OR 3", "1 AND 2 AND 3 AND 4", "(1 AND 2 AND 3", "1 AND 2 AND 3)", "1 2 3", "AND", "'x'",
     "1 AND 2 AND 3; DROP", "("],
)  # fmt: skip
def test_logic_that_is_no_sentence_about_the_conditions_is_refused(logic: str) -> None:
    with pytest.raises(Fault) as refused:
        joined(logic, ["a", "b", "c"])
    assert refused.value.fields == ("logic",)


@pytest.mark.parametrize(
    ("condition", "soql"),
    [
        (Condition("LastName", "equals", ("O'Neil",)), r"LastName = 'O\'Neil'"),
        (Condition("LastName", "contains", (r"50%\_",)), r"LastName LIKE '%50\%\\\_%'"),
        (Condition("LastName", "notContain", ("a", "b")), "((NOT LastName LIKE '%a%') AND (NOT LastName LIKE '%b%'))"),
        (Condition("LastName", "startsWith", ("a", "b")), "(LastName LIKE 'a%' OR LastName LIKE 'b%')"),
        (Condition("AccountId", "equals", ("Acme",)), "Account.Name = 'Acme'"),
        (Condition("AccountId", "notEqual", ("",)), "AccountId != null"),
        (Condition("Birthdate", "lessThan", ("2000-02-29",)), "Birthdate < 2000-02-29"),
        (Condition("CreatedDate", "equals", ("last_n_days:7",)), "CreatedDate = LAST_N_DAYS:7"),
        (
            Condition("CreatedDate", "equals", ("2026-11-25",)),
            "(CreatedDate >= 2026-11-25T00:00:00+09:00 AND CreatedDate < 2026-11-26T00:00:00+09:00)",
        ),
        (Condition("CreatedDate", "greaterThan", ("2026-11-25",)), "CreatedDate >= 2026-11-26T00:00:00+09:00"),
    ],
)  # fmt: skip
def test_a_condition_becomes_soql_that_parses(condition: Condition, soql: str) -> None:
    written = condition_soql(condition, CONTACT, "Asia/Tokyo")
    assert written == soql
    parse(f"SELECT Id FROM Contact WHERE {written}")


@pytest.mark.parametrize(
    "condition",
    [
        {"field": "Birthdate", "operator": "equals", "values": ["soon"]},
        {"field": "Birthdate", "operator": "equals", "values": ["2026-02-30"]},
        {"field": "Birthdate", "operator": "lessThan", "values": [""]},
        {"field": "Birthdate", "operator": "contains", "values": ["x"]},
        {"field": "Description", "operator": "contains", "values": ["x"]},
        {"field": "Nope", "operator": "equals", "values": ["x"]},
        {"field": "LastName", "operator": "equals", "values": "x"},
        {"field": "LastName", "operator": "equals", "values": ["x" * 300]},
        "x",
    ],
)
def test_a_condition_that_the_field_cannot_have_is_refused(condition: object) -> None:
    with pytest.raises(Fault):
        checked(START, {"conditions": [condition]}, CONTACT)


def test_what_a_view_says_is_bounded() -> None:
    for body in (
        {"label": ""},
        {"label": "x" * 41},
        {"name": "9x"},
        {"name": "a__b"},
        {"columns": []},
        {"columns": ["Nope"]},
        {"columns": [*CONTACT.fields][:16]},
        {"scope": "everybody"},
        {"logic": "1"},
        {"sort": "Nope"},
        {"conditions": [{"field": "LastName", "operator": "equals", "values": ["x"]}] * 11},
    ):
        with pytest.raises(Fault):
            checked(START, body, CONTACT)
    view = checked(START, {"label": " VIP ", "columns": ["name", "Phone", "Phone"], "sort": "phone"}, CONTACT)
    assert (view.label, view.columns, view.sort) == ("VIP", ("Name", "Phone"), "Phone")
