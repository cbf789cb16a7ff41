"""Values in and out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tieline.crm.errors import Fault
from tieline.crm.metadata import Field
from tieline.crm.values import format_datetime, parse_datetime, read_value


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31T10:00:00.000+0000", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T10:00:00Z", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T19:00:00+09:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-02-30T10:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("yesterday", None),
    ],
)
def test_moments_are_read(text: str, moment: datetime | None) -> None:
    found = parse_datetime(text)
    if text.startswith("0001"):
        assert found is None  # before the first year there is none
    else:
        assert found == moment


def test_a_moment_is_written_as_the_api_writes_it() -> None:
    assert (
        format_datetime(datetime(2026, 1, 31, 10, 0, 0, 123456, tzinfo=UTC)) == "2026-01-31T10:00:00.123+0000"
    )


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        (Field("F", "string", "F", length=5), "  ab ", "ab"),
        (Field("F", "string", "F", length=5), "   ", None),
        (Field("F", "string", "F", length=50), "a\nb", "a b"),
        (Field("F", "textarea", "F", length=50, multiline=True), "a\nb", "a\nb"),
        (Field("F", "boolean", "F"), None, False),
        (Field("F", "boolean", "F"), "TRUE", True),
        (Field("F", "int", "F"), 5.0, 5),
        (Field("F", "double", "F", precision=5, scale=2), "1.239", 1.24),
        (Field("F", "date", "F"), "2026-01-31", datetime(2026, 1, 31).date()),
    ],
)
def test_good_values_are_stored(field: Field, value: Any, stored: Any) -> None:
    assert read_value(field, value) == stored


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (Field("F", "string", "F", length=5), "abcdef", "STRING_TOO_LONG"),
        (Field("F", "string", "F", length=5), [], "JSON_PARSER_ERROR"),
        (Field("F", "int", "F"), 2**31, "JSON_PARSER_ERROR"),
        (Field("F", "int", "F"), True, "JSON_PARSER_ERROR"),
        (Field("F", "double", "F", precision=3, scale=1), 1000, "NUMBER_OUTSIDE_VALID_RANGE"),
        (Field("F", "double", "F"), "1e999", "JSON_PARSER_ERROR"),
        (Field("F", "email", "F", length=80), "a@b", "INVALID_EMAIL_ADDRESS"),
        (Field("F", "reference", "F"), "x", "MALFORMED_ID"),
    ],
)
def test_bad_values_are_refused(field: Field, value: Any, code: str) -> None:
    with pytest.raises(Fault) as refused:
        read_value(field, value)
    assert refused.value.code == code
