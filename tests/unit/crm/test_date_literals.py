"""Date literals as spans of days."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tieline.crm.errors import Fault
from tieline.crm.query.date_literals import COUNTED, PLAIN, date_range
from tieline.crm.query.soql_tree import DateRange

SUNDAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("TODAY", 0, "2026-11-22", "2026-11-22"),
        ("YESTERDAY", 0, "2026-11-21", "2026-11-21"),
        ("TOMORROW", 0, "2026-11-23", "2026-11-23"),
        ("LAST_WEEK", 0, "2026-11-15", "2026-11-21"),
        ("THIS_WEEK", 0, "2026-11-22", "2026-11-28"),
        ("NEXT_WEEK", 0, "2026-11-29", "2026-12-05"),
        ("LAST_MONTH", 0, "2026-10-01", "2026-10-31"),
        ("NEXT_MONTH", 0, "2026-12-01", "2026-12-31"),
        ("THIS_QUARTER", 0, "2026-10-01", "2026-12-31"),
        ("NEXT_QUARTER", 0, "2027-01-01", "2027-03-31"),
        ("LAST_FISCAL_YEAR", 0, "2025-01-01", "2025-12-31"),
        ("LAST_90_DAYS", 0, "2026-08-24", "2026-11-22"),
        ("NEXT_90_DAYS", 0, "2026-11-23", "2027-02-20"),
        ("LAST_N_DAYS", 2, "2026-11-20", "2026-11-22"),
        ("NEXT_N_DAYS", 2, "2026-11-23", "2026-11-24"),
        ("N_DAYS_AGO", 3, "2026-11-19", "2026-11-19"),
        ("LAST_N_WEEKS", 2, "2026-11-08", "2026-11-21"),
        ("N_WEEKS_AGO", 2, "2026-11-08", "2026-11-14"),
        ("NEXT_N_MONTHS", 3, "2026-12-01", "2027-02-28"),
        ("LAST_N_QUARTERS", 4, "2025-10-01", "2026-09-30"),
        ("N_FISCAL_QUARTERS_AGO", 1, "2026-07-01", "2026-09-30"),
        ("NEXT_N_YEARS", 2, "2027-01-01", "2028-12-31"),
    ],
)
def test_a_literal_is_its_span(name: str, count: int, first: str, last: str) -> None:
    start, end = date_range(DateRange(name, count), SUNDAY)
    assert (start.isoformat(), (end - timedelta(1)).isoformat()) == (first, last)


@given(day=st.dates(date(1900, 1, 1), date(2100, 1, 1)), name=st.sampled_from(sorted(PLAIN)))
def test_last_this_and_next_follow_each_other(day: date, name: str) -> None:
    start, end = date_range(DateRange(name), day)
    assert start < end
    if name.startswith("THIS_"):
        before = date_range(DateRange(name.replace("THIS_", "LAST_")), day)
        after = date_range(DateRange(name.replace("THIS_", "NEXT_")), day)
        assert start <= day < end
        assert (before[1], after[0]) == (start, end)


@given(day=st.dates(date(1900, 1, 1), date(2100, 1, 1)), count=st.integers(1, 60))
def test_n_periods_are_the_last_one_and_those_before(day: date, count: int) -> None:
    for unit in ("WEEK", "MONTH", "QUARTER", "YEAR"):
        start, end = date_range(DateRange(f"LAST_N_{unit}S", count), day)
        assert start == date_range(DateRange(f"N_{unit}S_AGO", count), day)[0]
        assert end == date_range(DateRange(f"THIS_{unit}"), day)[0]


@given(count=st.integers(-(10**12), 10**12), name=st.sampled_from(sorted(COUNTED)))
def test_numbers_beyond_any_calendar_are_malformed(count: int, name: str) -> None:
    try:
        start, end = date_range(DateRange(name, count), SUNDAY)
        assert start <= end
    except Fault as fault:
        assert fault.code == "MALFORMED_QUERY"


@pytest.mark.parametrize(
    ("name", "count", "first", "last"),
    [
        ("THIS_WEEK", 0, "2026-11-16", "2026-11-22"),
        ("NEXT_WEEK", 0, "2026-11-23", "2026-11-29"),
        ("LAST_N_WEEKS", 2, "2026-11-02", "2026-11-15"),
        ("TODAY", 0, "2026-11-22", "2026-11-22"),
        ("THIS_MONTH", 0, "2026-11-01", "2026-11-30"),
    ],
)
def test_weeks_may_begin_on_monday(name: str, count: int, first: str, last: str) -> None:
    start, after = date_range(DateRange(name, count), SUNDAY, from_monday=True)
    assert (start.isoformat(), (after - timedelta(1)).isoformat()) == (first, last)
