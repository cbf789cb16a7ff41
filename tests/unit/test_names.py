"""Names of people in the reader's order."""

from __future__ import annotations

import pytest

from tieline.names import person_name, shown, with_parts


@pytest.mark.parametrize(
    ("name", "first", "last", "language", "read"),
    [
        ("花子 佐藤", "花子", "佐藤", "ja", "佐藤 花子"),
        ("佐藤 花子", "花子", "佐藤", "en", "花子 佐藤"),
        ("Olivia Martin", "Olivia", "Martin", "ja", "Martin Olivia"),
        ("Martin", None, "Martin", "ja", "Martin"),
        ("Acme K.K.", None, None, "ja", "Acme K.K."),
        ("", None, "Martin", "en", "Martin"),
    ],
)
def test_a_reader_sees_their_own_order(
    name: str, first: str | None, last: str | None, language: str, read: str
) -> None:
    assert person_name(name, first, last, language) == read


def test_a_shown_record_has_one_name_and_no_parts() -> None:
    stored = with_parts({"id": "003A", "object_type": "Contact", "name": "Ann Lee"}, "Ann", "Lee")
    assert stored["first_name"] == "Ann"
    assert shown(stored, "ja") == {"id": "003A", "object_type": "Contact", "name": "Lee Ann"}


def test_half_a_name_is_not_kept_as_parts() -> None:
    assert with_parts({"name": "Lee"}, None, "Lee") == {"name": "Lee"}
