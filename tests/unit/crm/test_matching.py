"""What counts as the same value for matching rules."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.crm.deploy.rules import alternatives
from tieline.crm.merging.matching import METHODS, THRESHOLD, Method, key_of, similarity


@pytest.mark.parametrize(
    ("method", "one", "two", "same"),
    [
        ("Exact", "ACME", "acme", True), ("Exact", "Acme", "Acme ", False), ("Email", "A@b.example", "a@B.example", True),
        ("Phone", "(415) 555-0100", "+1 415 555 0100", True), ("Phone", "03-1234-5678", "+81 3 1234 5678", True),
        ("Phone", "415 555 0100", "415 555 0101", False), ("Phone", "110", "110", False),
        ("FirstName", "Rob", "Robert", True), ("FirstName", "A.", "Ann", True), ("FirstName", "Ann", "Bob", False),
        ("LastName", "O'Neil", "ONEIL", True), ("LastName", "Ｌｅｅ", "lee", True), ("LastName", "Lee", "Ray", False),
        ("LastName", "佐藤", "佐藤", True), ("CompanyName", "The Acme Corp.", "ACME, Inc.", True),
        ("CompanyName", "株式会社アクメ", "アクメ㈱", True), ("CompanyName", "Acme", "Globex", False),
        ("City", "San Francisco", "San Fransisco", True), ("City", "Kyoto", "Tokyo", False),
        ("Street", "123 Market St.", "123 Market Street", True), ("Street", "123 Market St", "124 Market St", False),
        ("Zip", "94105-1234", "94105", True), ("Zip", "100-0001", "100-0002", False), ("Zip", "1000001", "100-0001", True),
        ("Title", "CEO", "Chief Executive Officer", True), ("Title", "V.P.", "Vice President", True),
        ("Title", "Buyer", "Seller", False),
    ],
)  # fmt: skip
def test_values_are_the_same_or_not(method: Method, one: str, two: str, same: bool) -> None:
    assert (similarity(method, one, two) >= THRESHOLD) is same
    assert (similarity(method, two, one) >= THRESHOLD) is same
    if same and method in ("Exact", "Email", "Phone", "City", "Zip"):
        assert key_of(method, one) == key_of(method, two)


@given(st.sampled_from(METHODS), st.text(max_size=20), st.text(max_size=20))
def test_any_two_values_can_be_compared(method: Method, one: str, two: str) -> None:
    assert 0.0 <= similarity(method, one, two) <= 1.0


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 AND 2", [[1, 2]]), ("1 or 2", [[1], [2]]), ("1 AND (2 OR 3)", [[1, 2], [1, 3]]),
        ("1 OR 2 AND 3", [[1], [2, 3]]), ("((1))", [[1]]), ("1 AND 1", [[1]]),
    ],
)  # fmt: skip
def test_filters_become_alternatives(text: str, wanted: list[list[int]]) -> None:
    assert alternatives(text, 3) == wanted


@pytest.mark.parametrize(
    "text", ["", "1 AND", "4", "1 2", "(1", "1)", "NOT 1", "(1 OR 2 OR 3) AND " * 3 + "1", "0"]
)
def test_other_filters_are_refused(text: str) -> None:
    with pytest.raises(ValueError):
        alternatives(text, 3)
