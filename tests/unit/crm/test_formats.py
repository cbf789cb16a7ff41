"""What FORMAT() makes of values in a user's locale."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tieline.crm.metadata import Field, FieldType
from tieline.crm.query.formats import format_value, weeks_from_monday

TOKYO = ZoneInfo("Asia/Tokyo")


@pytest.mark.parametrize(
    ("kind", "value", "english", "japanese", "other"),
    [
        ("currency", 1234.5, "$1,234.50", "￥1,234.50", "1234.50"),
        ("currency", -0.5, "-$0.50", "-￥0.50", "-0.50"),
        ("percent", 12.5, "12.50%", "12.50%", "12.50%"),
        ("int", 1234567, "1,234,567", "1,234,567", "1234567"),
        ("double", 1234.5, "1,234.5", "1,234.5", "1234.5"),
        ("date", date(2026, 1, 31), "1/31/2026", "2026/01/31", "2026-01-31"),
        ("datetime", datetime(2026, 1, 31, 3, 5, tzinfo=UTC), "1/31/2026, 12:05 PM", "2026/01/31 12:05", "2026-01-31 12:05"),
        ("string", "x", "x", "x", "x"),
        ("date", None, None, None, None),
    ],
)  # fmt: skip
def test_a_value_reads_as_the_locale_writes_it(
    kind: FieldType, value: Any, english: Any, japanese: Any, other: Any
) -> None:
    item = Field("F", kind, "F", precision=18, scale=2)
    for locale, expected in (("en_US", english), ("ja_JP", japanese), ("de_DE", other)):
        assert format_value(item, value, locale, TOKYO) == expected


def test_the_locale_says_where_weeks_begin() -> None:
    assert [weeks_from_monday(locale) for locale in ("de_DE", "en_GB", "fr-CH")] == [True, True, True]
    assert [weeks_from_monday(locale) for locale in ("en_US", "ja_JP", "pt_BR", "", "xx")] == [False] * 5
