"""SOQL's date literals: names to spans of days. Pure; the day that is today is handed in.

Weeks begin where the user's locale begins them; the fiscal year begins in January, as where nobody changed that.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from .soql_tree import DateRange, malformed

Span = tuple[date, date]
"""First day, and the day after the last."""

MAX_COUNT = 100_000


def _days(day: date, first: int, last: int) -> Span:
    return day + timedelta(first), day + timedelta(last + 1)


def _weeks(day: date, first: int, last: int) -> Span:
    start = day - timedelta((day.weekday() + 1) % 7)
    return start + timedelta(7 * first), start + timedelta(7 * (last + 1))


def _months(day: date, first: int, last: int, length: int = 1) -> Span:
    """Whole periods of `length` months, counted from the one that `day` is in."""
    here = (day.year * 12 + day.month - 1) // length
    return _month((here + first) * length), _month((here + last + 1) * length)


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)


def _quarters(day: date, first: int, last: int) -> Span:
    return _months(day, first, last, 3)


def _years(day: date, first: int, last: int) -> Span:
    return _months(day, first, last, 12)


_Periods = Callable[[date, int, int], Span]
_UNITS: dict[str, _Periods] = {
    "WEEK": _weeks,
    "MONTH": _months,
    "QUARTER": _quarters,
    "YEAR": _years,
    "FISCAL_QUARTER": _quarters,
    "FISCAL_YEAR": _years,
}


def _last_days(day: date, count: int) -> Span:
    return _days(day, -count, 0)


def _next_days(day: date, count: int) -> Span:
    return _days(day, 1, count)


def _days_ago(day: date, count: int) -> Span:
    return _days(day, -count, -count)


def _plain() -> dict[str, Callable[[date], Span]]:
    found: dict[str, Callable[[date], Span]] = {
        "TODAY": lambda day: _days(day, 0, 0),
        "YESTERDAY": lambda day: _days(day, -1, -1),
        "TOMORROW": lambda day: _days(day, 1, 1),
        "LAST_90_DAYS": lambda day: _last_days(day, 90),
        "NEXT_90_DAYS": lambda day: _next_days(day, 90),
    }
    for unit, periods in _UNITS.items():
        for word, offset in (("LAST", -1), ("THIS", 0), ("NEXT", 1)):
            found[f"{word}_{unit}"] = lambda day, p=periods, o=offset: p(day, o, o)
    return found


def _counted() -> dict[str, Callable[[date, int], Span]]:
    found: dict[str, Callable[[date, int], Span]] = {
        "LAST_N_DAYS": _last_days,
        "NEXT_N_DAYS": _next_days,
        "N_DAYS_AGO": _days_ago,
    }
    for unit, periods in _UNITS.items():
        found[f"LAST_N_{unit}S"] = lambda day, n, p=periods: p(day, -n, -1)
        found[f"NEXT_N_{unit}S"] = lambda day, n, p=periods: p(day, 1, n)
        found[f"N_{unit}S_AGO"] = lambda day, n, p=periods: p(day, -n, -n)
    return found


PLAIN = _plain()
"""Literals without a number."""
COUNTED = _counted()
"""Literals that are followed by a colon and a number."""


def date_range(literal: DateRange, today: date, *, from_monday: bool = False) -> Span:
    """First day and day after the last of a date literal. MALFORMED_QUERY for one that no calendar has."""
    try:
        if from_monday and "WEEK" in literal.name:
            # Weeks that begin a day later hold the same days as those that begin on Sunday, all moved by one.
            first, after = date_range(literal, today - timedelta(1))
            return first + timedelta(1), after + timedelta(1)
        if literal.name in PLAIN:
            return PLAIN[literal.name](today)
        if literal.name in COUNTED and 0 <= literal.count <= MAX_COUNT:
            return COUNTED[literal.name](today, literal.count)
    except (OverflowError, ValueError):
        pass
    raise malformed(f"date literal out of range: {literal.name}:{literal.count}")
