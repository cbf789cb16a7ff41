"""Phone numbers: what is understood, and that the same number is found however it is written."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat as F

from tieline.numbers import (
    PhoneNumber,
    country_code_of,
    display,
    index_keys,
    is_withheld,
    local_form,
    parse,
    parse_all,
    record_form,
    regions_of,
    search_forms,
)


@pytest.mark.parametrize(
    ("raw", "region", "e164", "extension"),
    [
        ("03-1234-5678", "JP", "+81312345678", None),
        ("03(1234)5678", "JP", "+81312345678", None),
        ("０３－１２３４－５６７８", "JP", "+81312345678", None),
        ("０３ー１２３４ー５６７８", "JP", "+81312345678", None),
        ("090-1234-5678", "JP", "+819012345678", None),
        ("050-1234-5678", "JP", "+815012345678", None),
        ("0120-123-456", "JP", "+81120123456", None),
        ("010 1 415 555 2671", "JP", "+14155552671", None),
        ("011 81 3 1234 5678", "US", "+81312345678", None),
        ("0044 20 7946 0018", "GB", "+442079460018", None),
        ("0044 20 7946 0018", "US", "+442079460018", None),
        ("+44 (0)20 7946 0018", "US", "+442079460018", None),
        ("06 1234 5678", "IT", "+390612345678", None),
        ("(415) 555-2671 x123", "US", "+14155552671", "123"),
        ("tel:+81-3-1234-5678;ext=99", "US", "+81312345678", "99"),
        ("tel:1234-5678;phone-context=+81-3", "US", "+81312345678", None),
        ("1800FLOWERS", "US", "+18003569377", None),
        ("(03)1234-5678 内線99", "JP", "+81312345678", "99"),
        ("03-1234-5678（内線：１２３）", "JP", "+81312345678", "123"),
        ("03-1234-5678(内)12", "JP", "+81312345678", "12"),
        ("03-1234-5678（代表）", "JP", "+81312345678", None),
        ("  +1 415 555 2671\u00a0", "JP", "+14155552671", None),
        ("14155552671", "US", "+14155552671", None),
        ("81-3-1234-5678", "JP", "+81312345678", None),
    ],
)
def test_what_people_write_is_understood(raw: str, region: str, e164: str, extension: str | None) -> None:
    assert parse(raw, [region]) == PhoneNumber(e164, extension, raw)


@pytest.mark.parametrize(
    "raw",
    [
        *(
            None,
            "",
            " ",
            "１２３",
            "110",
            "911",
            "hello",
            "4" * 40,
            "+" + "4" * 40,
            "anonymous",
            "非通知",
            "++",
            "内線99",
        ),
        *("x" * 300, "()", "\x00\x00", "+", "tel:", ";ext=1", "𝟘"),
    ],
)
def test_what_is_no_number_gives_none(raw: str | None) -> None:
    assert parse(raw, ["JP", "US"]) is None


@pytest.mark.parametrize(
    "raw", ["anonymous", "Anonymous", "非通知", "withheld", "sip:anonymous@anonymous.invalid", "", None]
)
def test_withheld_numbers_are_known(raw: str | None) -> None:
    assert is_withheld(raw)


def test_a_number_is_not_withheld() -> None:
    assert not is_withheld("+81312345678")


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ("03-1234-5678 / 090-1234-5678", ["+81312345678", "+819012345678"]),
        ("03-1234-5678、0120-123-456", ["+81312345678", "+81120123456"]),
        ("03-1234-5678/79", ["+81312345678", "+81312345679"]),
        ("03-1234-5678;090-1234-5678", ["+81312345678", "+819012345678"]),
        ("03-1234-5678/", ["+81312345678"]),
        ("+1 415 555 2671, 123", ["+14155552671"]),
    ],
)
def test_every_number_of_a_field_is_found(raw: str, found: list[str]) -> None:
    assert [number.e164 for number in parse_all(raw, ["JP"])] == found


def test_a_national_form_belongs_to_the_first_country_where_it_exists() -> None:
    assert parse("03-1234-5678", regions_of(["1", "81"])) == PhoneNumber("+81312345678", None, "03-1234-5678")
    # 031-234-5678 (Korea) and 03-1234-5678 (Japan) are the same digits.
    assert [(k.key, k.grade) for k in index_keys("0312345678", ["81", "82"])] == [
        ("+81312345678", "national"),
        ("+82312345678", "short"),
    ]
    assert index_keys("0312345678", ["82", "81"])[0].key == "+82312345678"


def test_grades_tell_how_the_record_was_written() -> None:
    assert [(k.key, k.grade) for k in index_keys("+81 3 1234 5678", ["1"])] == [("+81312345678", "exact")]
    assert [(k.key, k.grade) for k in index_keys("03-1234-5678", ["81"])] == [("+81312345678", "national")]
    assert [(k.key, k.grade) for k in index_keys("555-2671", ["1"])] == [("s:5552671", "short")]
    assert ("s:12345678", "short") in [(k.key, k.grade) for k in index_keys("1234-5678", ["81"])]


def test_a_local_form_is_searched_only_in_configured_countries() -> None:
    number = PhoneNumber("+14155552671", None, "+14155552671")
    assert "s:5552671" in [k.key for k in search_forms(number, ["1"])]
    assert [k.key for k in search_forms(number, ["81"])] == ["+14155552671"]


def test_a_number_of_a_plan_newer_than_ours_is_found_by_its_national_form() -> None:
    caller = parse("+81 199 999 999", [])
    assert caller is not None
    stored = {k.key for k in index_keys("0199-999-999", ["81"])}
    assert stored & {k.key for k in search_forms(caller, ["81"])}


def test_numbers_are_written_as_people_write_them() -> None:
    assert display("+81312345678", "JP") == "03-1234-5678"
    assert display("+81312345678", "US") == "+81 3-1234-5678"
    assert display("+14155552671", "CA") == "(415) 555-2671"
    assert local_form("+14155552671") == "(415) 555-2671"
    assert local_form("+390612345678") == "06 1234 5678"
    assert display("junk", "JP") == "junk"


def test_a_new_record_holds_a_form_that_the_next_call_finds() -> None:
    assert record_form("+81312345678", ["1", "81"]) == "03-1234-5678"
    assert record_form("+81312345678", ["1"]) == "+81 3-1234-5678"
    assert record_form("+82312345678", ["81", "82"]) == "+82 31-234-5678"


def test_country_codes_give_regions_in_their_order() -> None:
    assert regions_of(["81", "1", "999", "x"]) == ("JP", "US")
    assert country_code_of("+442079460018") == "44"


EXAMPLES = sorted(
    {
        phonenumbers.format_number(number, F.E164)
        for region in phonenumbers.SUPPORTED_REGIONS
        for kind in (phonenumbers.PhoneNumberType.FIXED_LINE, phonenumbers.PhoneNumberType.MOBILE)
        if (number := phonenumbers.example_number_for_type(region, kind))
    }
)


def forms(e164: str) -> list[tuple[str, str]]:
    """Seven ways to write a number; the second item says what it needs: nothing, or its own country's code."""
    number = phonenumbers.parse(e164, None)
    national = phonenumbers.format_number(number, F.NATIONAL)
    wide = str.maketrans("0123456789-()+ ", "０１２３４５６７８９－（）＋　")
    return [
        (e164, ""),
        (phonenumbers.format_number(number, F.INTERNATIONAL), ""),
        (phonenumbers.format_number(number, F.RFC3966), ""),
        ("00" + e164[1:], "any"),
        (national, "home"),
        ("".join(c for c in national if c.isdigit()), "home"),
        (national.translate(wide), "home"),
    ]


def test_no_form_of_any_countrys_example_number_is_missed_or_confused() -> None:
    index: dict[tuple[str, str], set[str]] = {}
    for e164 in EXAMPLES:
        code = country_code_of(e164)
        for form, needs in forms(e164):
            codes = [code] if needs else ["1", code]
            for key in index_keys(form, codes):
                index.setdefault((code, key.key), set()).add(f"{e164} {form}")
    missed: list[str] = []
    confused: list[str] = []
    for e164 in EXAMPLES:
        code = country_code_of(e164)
        caller = parse(e164, [])
        assert caller is not None and caller.e164 == e164
        found: set[str] = set()
        for key in search_forms(caller, [code]):
            found |= index.get((code, key.key), set())
        missed += [f"{e164}: {form}" for form, _ in forms(e164) if f"{e164} {form}" not in found]
        confused += [f"{e164}: {entry}" for entry in found if not entry.startswith(f"{e164} ")]
    assert (missed, confused) == ([], [])
    assert len(EXAMPLES) > 400


@given(st.text(max_size=60))
def test_no_text_at_all_breaks_the_parser(text: str) -> None:
    for number in parse_all(text, ["JP", "US", "IT"]):
        assert number.e164.startswith("+") and 3 <= len(number.e164) <= 17
    index_keys(text, ["1", "81"])
