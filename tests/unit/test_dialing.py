"""What typed numbers mean and which may be called."""

from __future__ import annotations

import pytest

from tieline.dialing import (
    CountryNotAllowed,
    NumberEmergency,
    NumberInvalid,
    NumberPremium,
    Prefixes,
    dialled,
)
from tieline.errors import TielineError

ARTICLE = Prefixes(outside="9", long_distance="1", international="01")


def meant(typed: str, *, codes: tuple[str, ...] = ("1", "81"), prefixes: Prefixes = ARTICLE) -> str:
    return dialled(typed, prefixes, country_codes=codes, allowed_codes=codes).e164


@pytest.mark.parametrize(
    ("typed", "e164"),
    [
        ("+1 415 555 0123", "+14155550123"),
        ("(415) 555-0123", "+14155550123"),
        ("1 415 555 0123", "+14155550123"),
        ("9 1 415 555 0123", "+14155550123"),
        ("9 (415) 555-0123", "+14155550123"),
        ("916 555 0123", "+19165550123"),
        ("9 01 81 3 1234 5678", "+81312345678"),
        ("01 81 3 1234 5678", "+81312345678"),
        ("011 81 3 1234 5678", "+81312345678"),
        ("03-1234-5678", "+81312345678"),
        ("０３－１２３４－５６７８", "+81312345678"),
        ("tel:+81-3-1234-5678", "+81312345678"),
    ],
)
def test_any_usual_form_means_the_same_number(typed: str, e164: str) -> None:
    assert meant(typed) == e164


@pytest.mark.parametrize("typed", ["911", "9911", "9 119", "110", "112", "1 1 0", "９１１"])
def test_emergency_numbers_are_refused_in_any_form(typed: str) -> None:
    with pytest.raises(NumberEmergency):
        meant(typed)


@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("+44 20 7946 0018", CountryNotAllowed),
        ("+1 900 555 0123", NumberPremium),
        ("hello", NumberInvalid),
        ("", NumberInvalid),
        ("1" * 60, NumberInvalid),
        ("sip:someone@evil.example", NumberInvalid),
        ("4155550123\r\nX-Evil: 1", NumberInvalid),
    ],
)
def test_what_may_not_be_called_is_refused_with_its_reason(typed: str, error: type[TielineError]) -> None:
    with pytest.raises(error):
        meant(typed)
