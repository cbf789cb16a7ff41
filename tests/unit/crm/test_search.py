"""How telephone numbers and words are compared."""

from __future__ import annotations

import pytest

from tieline.crm.query.search import (
    looks_like_phone,
    phone_condition,
    phone_digits,
    search_vector,
    tsquery,
    words,
)
from tieline.crm.standard import STANDARD_OBJECTS


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("+1 (415) 555-0100", "14155550100"),
        ("０３ー４５６７ー０１２３", "345670123"),
        ("+44 (0)20 7946 0000", "442079460000"),
        ("415.555.0100 x22", "4155550100"),
        ("415 555 0100 ext. 22", "4155550100"),
        ("03-4567-0123 内線99", "345670123"),
        ("0081 3 4567 0123", "81345670123"),
        ("内線99", "99"),
        ("anonymous", ""),
        ("", ""),
    ],
)
def test_digits_of_a_number(text: str, digits: str) -> None:
    assert phone_digits(text) == digits


def matches(stored: str, asked: str) -> bool:
    term = f"p{phone_digits(stored)[::-1]}"
    for condition in phone_condition(asked):
        wanted, star = condition.removesuffix(":*").strip("'"), condition.endswith(":*")
        if term == wanted or (star and term.startswith(wanted)):
            return True
    return False


@pytest.mark.parametrize(
    ("stored", "asked", "same"),
    [
        ("(415) 555-0100", "+14155550100", True),
        ("+1 415 555 0100", "4155550100", True),
        ("03-4567-0123", "+81 3 4567 0123", True),
        ("+81345670123", "03-4567-0123", True),
        ("555-0100", "+1 415 555 0100", True),
        ("+1 415 555 0101", "+1 415 555 0100", False),
        ("+1 628 555 0100", "+1 415 555 0100", False),
        ("0100", "+1 415 555 0100", False),
        ("1234", "1234", True),
        ("1234", "51234", False),
    ],
)
def test_two_forms_of_one_number_find_each_other(stored: str, asked: str, same: bool) -> None:
    assert matches(stored, asked) is same


def test_withheld_numbers_find_nobody() -> None:
    assert phone_condition("anonymous") == []
    assert phone_condition("") == []


@pytest.mark.parametrize(
    ("text", "phone"), [("+1 (415) 555", True), ("00001005", True), ("Room 101", False), ("---", False)]
)
def test_what_looks_like_a_number(text: str, phone: bool) -> None:
    assert looks_like_phone(text) is phone


def test_japanese_is_found_by_pairs() -> None:
    assert words("山田太郎") == ["山田", "田太", "太郎", "郎"]
    assert tsquery("田太", "NAME") == "('w田太':A)"
    assert tsquery("山", "ALL") == "('w山':*)"


def test_pairs_of_a_word_must_stand_beside_each_other() -> None:
    assert tsquery("山田太郎", "NAME", prefix=False) == "(('w山田':A <1> 'w田太':A <1> 'w太郎':A))"
    assert tsquery("abc株式x", "ALL") == "(('wabc' <1> 'w株式' <2> 'wx':*))"


def test_places_in_a_vector_tell_fields_apart() -> None:
    contact = next(value for value in STANDARD_OBJECTS if value.name == "Contact")
    vector = search_vector(contact, {"LastName": "Sato", "Title": "山田", "Phone": "(415) 555-0100"})
    assert vector == (
        "'wsato':1A 'w山田':12D 'w田':13D 'p0010555514':24B 'w4155550100':24B 'g415':24B 'g555':24B 'g0100':24B"
    )


@pytest.mark.parametrize(
    "text", ["'", "\\", "a'b", ":*", "& | !", "<->", "\x00", "''''", "()", "A:1", "x" * 5000]
)
def test_operators_in_a_text_are_only_text(text: str) -> None:
    query = tsquery(text, "ALL")
    assert query is None or all(char not in query for char in "\\\x00!")
