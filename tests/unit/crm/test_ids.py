"""Record ids: checksum, parsing, numbering."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.crm.ids import ALPHABET, base62, checksum, make_id, parse_id
from tieline.crm.standard import STANDARD_OBJECTS


def test_the_checksum_is_salesforce_s() -> None:
    assert checksum("001D000000IRFma") == "IAH"
    assert checksum("a0B000000000000") == "EAA"


@pytest.mark.parametrize(
    "text", ["", "001", "001D000000IRFmaIA", "001D000000IRFmaIAX", "001D000000IRF-a", None, 5]
)
def test_what_is_no_id_is_none(text: object) -> None:
    assert parse_id(text) is None


@given(st.text(alphabet=ALPHABET, min_size=15, max_size=15))
def test_fifteen_and_eighteen_characters_are_one_id(id15: str) -> None:
    whole = parse_id(id15)
    assert whole is not None
    assert parse_id(whole) == whole


@given(st.integers(0, 62**9 - 1), st.integers(0, 62**9 - 1))
def test_later_numbers_give_later_ids(first: int, second: int) -> None:
    assert (make_id("003", "abc", first) < make_id("003", "abc", second)) == (first < second)
    assert len(base62(first, 9)) == 9


@given(st.text(alphabet=ALPHABET, min_size=15, max_size=15), st.integers(0, 14), st.sampled_from(ALPHABET))
def test_a_changed_letter_s_case_shows_in_the_checksum(id15: str, place: int, letter: str) -> None:
    one = id15[:place] + letter + id15[place + 1 :]
    other = id15[:place] + letter.swapcase() + id15[place + 1 :]
    assert (checksum(one) == checksum(other)) == (not letter.isalpha())


def test_every_object_has_a_prefix_of_its_own() -> None:
    prefixes = [value.key_prefix for value in STANDARD_OBJECTS]
    assert len(set(prefixes)) == len(prefixes)
    assert all(len(prefix) == 3 and set(prefix) <= set(ALPHABET) for prefix in prefixes)
