"""Names of people in the reader's order."""

from __future__ import annotations

import pytest

from tieline.names import MEMBERS, person_name, shown, stored, with_parts


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
    kept = with_parts({"id": "003A", "object_type": "Contact", "name": "Ann Lee"}, "Ann", "Lee")
    assert kept["first_name"] == "Ann"
    assert shown(kept, "ja") == {"id": "003A", "object_type": "Contact", "name": "Lee Ann", "owner": None}


def test_half_a_name_is_not_kept_as_parts() -> None:
    assert with_parts({"name": "Lee"}, None, "Lee") == {"name": "Lee"}


def test_an_owner_is_named_in_the_readers_order_too() -> None:
    found = dict(
        zip(MEMBERS, ("001A", "Account", "Acme", None, None, "美咲 高橋", "美咲", "高橋"), strict=True)
    )
    kept = stored(found)
    assert (shown(kept, "ja")["owner"], shown(kept, "en")["owner"]) == ("高橋 美咲", "美咲 高橋")
    queue = stored(found | {"owner_name": "Web leads", "owner_first_name": None, "owner_last_name": None})
    assert queue["owner"] == {"name": "Web leads"}
    assert shown(queue, "ja")["owner"] == "Web leads"
    assert "owner" not in stored(found | {"owner_name": None})
