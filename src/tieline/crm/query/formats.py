"""Values the way a user's locale writes them, for SOQL's FORMAT(). Pure.

Known are English of the United States and Japanese; every other locale gets ISO dates and plain numbers. The org
has one currency, whose sign follows the locale.
"""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from ..metadata import Field

_WEEKS_FROM_SUNDAY = frozenset("BR CA CO HK ID IN JP KR MX PE PH PT SG TH TW US ZA".split())  # noqa: SIM905
"""Countries, of those whose locales are offered, where a week begins on Sunday; elsewhere it does on Monday."""


def weeks_from_monday(locale: str) -> bool:
    """True where a locale such as `de_DE` begins its weeks on Monday; without a country they begin on Sunday."""
    _, _, country = locale.replace("-", "_").partition("_")
    return bool(country) and country.upper() not in _WEEKS_FROM_SUNDAY


def zone_of(name: str) -> ZoneInfo:
    """The named time zone, or UTC where the system does not know it."""
    try:
        return ZoneInfo(name)
    except Exception:
        return ZoneInfo("UTC")


def format_value(item: Field, value: Any, locale: str, zone: ZoneInfo) -> Any:
    """`value` of this field as text; what has no form of its own stays as it is."""
    known = "ja" if locale.startswith("ja") else "us" if locale == "en_US" else ""
    if isinstance(value, datetime):
        local = value.astimezone(zone)
        if known == "us":
            return f"{_day(local.date(), known)}, {_clock(local.time(), known)}"
        return f"{_day(local.date(), known)} {_clock(local.time(), known)}"
    if isinstance(value, date):
        return _day(value, known)
    if isinstance(value, time):
        return _clock(value, known)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    places = item.scale if item.type in ("currency", "percent") or isinstance(value, float) else 0
    text = f"{abs(value):,.{places}f}" if known else f"{abs(value):.{places}f}"
    if item.type == "double" and "." in text:
        text = text.rstrip("0").rstrip(".")
    sign = "-" if value < 0 else ""
    if item.type == "currency" and known:
        return f"{sign}{'￥' if known == 'ja' else '$'}{text}"
    return f"{sign}{text}%" if item.type == "percent" else f"{sign}{text}"


def _day(day: date, known: str) -> str:
    if known == "us":
        return f"{day.month}/{day.day}/{day.year}"
    return f"{day.year}/{day.month:02d}/{day.day:02d}" if known == "ja" else day.isoformat()


def _clock(moment: time, known: str) -> str:
    if known == "us":
        return f"{moment.hour % 12 or 12}:{moment.minute:02d} {'AM' if moment.hour < 12 else 'PM'}"
    return f"{moment.hour}:{moment.minute:02d}" if known == "ja" else f"{moment:%H:%M}"
