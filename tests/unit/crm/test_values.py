"""Values in and out."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.crm.errors import Fault
from tieline.crm.metadata import Field, PicklistValue
from tieline.crm.values import format_datetime, parse_datetime, read_value, write_value


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


_WORDS = st.text(min_size=1, max_size=8).filter(lambda text: ";" not in text)
_MILLISECONDS = st.integers(0, 999).map(lambda number: number * 1000)
_STORED: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=50),
    "textarea": st.text(max_size=50),
    "boolean": st.booleans(),
    "int": st.integers(-(2**31), 2**31 - 1),
    "double": st.integers(-(10**9), 10**9).map(lambda number: number / 100),
    "date": st.dates(),
    "datetime": st.builds(
        lambda moment, part: moment.replace(microsecond=part),
        st.datetimes(datetime(1, 1, 2), timezones=st.just(UTC)),
        _MILLISECONDS,
    ),
    "time": st.builds(lambda clock, part: clock.replace(microsecond=part), st.times(), _MILLISECONDS),
}


@given(st.data())
def test_what_is_written_is_read_as_the_same_value(data: st.DataObject) -> None:
    kind: Any = data.draw(st.sampled_from(sorted(_STORED)))
    item = Field("F", kind, "F", length=50, precision=18, scale=2, multiline=kind == "textarea")
    stored = read_value(item, write_value(data.draw(_STORED[kind])))
    assert read_value(item, write_value(stored)) == stored
    assert stored is None or isinstance(stored, str | bool | int | float | date | time)


@given(st.lists(_WORDS, max_size=6))
def test_several_picklist_values_are_each_kept_once_in_the_picklist_s_order(words: list[str]) -> None:
    choices = tuple(PicklistValue(name, name) for name in ("C", "A", "B"))
    item = Field("F", "multipicklist", "F", length=200, picklist=choices)
    stored = read_value(item, ";".join([*words, "b", "A", "c", "a"]))
    parts = stored.split(";")
    assert parts[:3] == ["C", "A", "B"]
    assert len({part.lower() for part in parts}) == len(parts)
    assert read_value(item, stored) == stored


@pytest.mark.parametrize("text", ["24:00", "9:05", "09:60", "09:05:61", "noon", "09:05:00+09:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(Fault, match="JSON_PARSER_ERROR"):
        read_value(Field("F", "time", "F"), text)
