"""Values in and out: JSON to columns with Salesforce's refusals, columns to JSON in Salesforce's forms.

Pure. Text is trimmed, empty text is null, as at Salesforce.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from .errors import Fault
from .ids import parse_id
from .metadata import Field

_EMAIL = re.compile(r"[^@\s<>()\[\],;:\\\"]+@[^@\s<>()\[\],;:\\\".]+(\.[^@\s<>()\[\],;:\\\".]+)+")
_DATETIME = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)
_TIME = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?Z?", re.IGNORECASE)
_INT_LIMIT = 2**31


def json_kind(value: object) -> str:
    """The name the API's JSON reader gives to a token."""
    if isinstance(value, bool):
        return "VALUE_TRUE" if value else "VALUE_FALSE"
    if isinstance(value, int):
        return f"VALUE_NUMBER_INT value {value}"
    if isinstance(value, float):
        return f"VALUE_NUMBER_FLOAT value {value}"
    if isinstance(value, str):
        return f"VALUE_STRING value {value[:80]}"
    if isinstance(value, list):
        return "START_ARRAY"
    return "START_OBJECT"


def _unreadable(kind: str, value: object) -> Fault:
    return Fault(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {kind} from {json_kind(value)} or request may be missing a required "
        "field at [line:1, column:1]",
    )


def clean_text(value: str) -> str | None:
    """Trimmed text without what cannot be stored (NUL, lone surrogates); None when nothing is left."""
    value = value.replace("\x00", "").strip()
    if not value.isascii():
        value = value.encode("utf-8", "replace").decode("utf-8")
    return value or None


def parse_datetime(text: str) -> datetime | None:
    """A date and time in ISO 8601, with or without zone (then UTC); None when it is none."""
    found = _DATETIME.fullmatch(text.strip())
    if not found:
        return None
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        naive = datetime(
            int(year), int(month), int(day), int(hour), int(minute), int(second or 0),
            int((fraction or "0").ljust(6, "0")[:6]), tzinfo=UTC,
        )  # fmt: skip
        if zone and zone.upper() != "Z":
            sign = 1 if zone[0] == "+" else -1
            digits = zone[1:].replace(":", "")
            offset = sign * (int(digits[:2]) * 3600 + int(digits[2:]) * 60)
            return naive - timedelta(seconds=offset)
        return naive
    except (ValueError, OverflowError):
        return None


def parse_date(text: str) -> date | None:
    """A date `YYYY-MM-DD` (a time behind it is dropped); None when it is none."""
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def parse_time(text: str) -> time | None:
    """A time of day `HH:MM[:SS[.mmm]]` with an optional `Z`; None when it is none."""
    found = _TIME.fullmatch(text.strip())
    if not found:
        return None
    hour, minute, second, fraction = found.groups()
    try:
        return time(int(hour), int(minute), int(second or 0), int((fraction or "0").ljust(3, "0")[:3]) * 1000)
    except ValueError:
        return None


def read_value(item: Field, value: Any) -> Any:
    """What is stored for `value` in this field. Raises `Fault`. References are checked for form only."""
    if value is None or (isinstance(value, str) and not value.strip()):
        if item.type == "boolean":
            if value is None:
                return False
            raise _unreadable("boolean", value)
        return None
    reader = _READERS.get(item.type, _read_text)
    return reader(item, value)


def _read_text(item: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _unreadable("string", value)
    text = clean_text(value)
    if text is None:
        return None
    if not item.multiline and ("\n" in text or "\r" in text):
        text = " ".join(text.split())
    if item.length and len(text) > item.length:
        raise Fault(
            "STRING_TOO_LONG",
            f"{item.label}: data value too large: {text[:255]} (max length={item.length})",
            fields=[item.name],
            about=item,
        )
    if item.type == "email" and not _EMAIL.fullmatch(text):
        raise Fault(
            "INVALID_EMAIL_ADDRESS",
            f"{item.label}: invalid email address: {text}",
            fields=[item.name],
            about=item,
        )
    if item.type == "picklist" and item.picklist:
        for choice in item.picklist:
            if choice.value.lower() == text.lower():
                return choice.value
        if item.restricted:
            raise Fault(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"{item.label}: bad value for restricted picklist field: {text}",
                fields=[item.name],
                about=item,
            )
    return text


def _read_choices(item: Field, value: Any) -> str | None:
    """Several picklist values, separated by semicolons: each once, in the picklist's order."""
    if not isinstance(value, str):
        raise _unreadable("string", value)
    order = {choice.value.lower(): index for index, choice in enumerate(item.picklist)}
    known = {choice.value.lower(): choice.value for choice in item.picklist}
    chosen: dict[str, str] = {}
    for part in value.split(";"):
        text = clean_text(part)
        if text is None:
            continue
        text = " ".join(text.split())
        if item.restricted and text.lower() not in known:
            raise Fault(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                f"{item.label}: bad value for restricted picklist field: {text}",
                fields=[item.name],
                about=item,
            )
        chosen.setdefault(text.lower(), known.get(text.lower(), text))
    ordered = sorted(chosen, key=lambda name: order.get(name, len(order)))
    joined = ";".join(chosen[name] for name in ordered) or None
    if joined and item.length and len(joined) > item.length:
        raise Fault(
            "STRING_TOO_LONG",
            f"{item.label}: data value too large: {joined[:255]} (max length={item.length})",
            fields=[item.name],
            about=item,
        )
    return joined


def _read_time(item: Field, value: Any) -> time:
    found = parse_time(value) if isinstance(value, str) else None
    if found is None:
        raise _unreadable("time", value)
    return found


def _read_boolean(item: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise _unreadable("boolean", value)


_COORDINATES = {"Latitude": 90, "Longitude": 180}
"""Degrees that a standard coordinate may have, by the end of its name."""


def _read_number(item: Field, value: Any) -> float | int:
    kind = "int" if item.type == "int" else item.type
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _unreadable(kind, value)
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise _unreadable(kind, value) from None
    if not math.isfinite(number):
        raise _unreadable(kind, value)
    if item.type == "int":
        if number != int(number) or not -_INT_LIMIT <= number < _INT_LIMIT:
            raise _unreadable("int", value)
        return int(number)
    precision = item.precision or 18
    most = next((most for name, most in _COORDINATES.items() if item.name.endswith(name)), None)
    if abs(number) >= 10 ** (precision - item.scale) or (
        most is not None and not item.custom and abs(number) > most
    ):
        raise Fault(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{item.label}: value outside of valid range on numeric field: {value}",
            fields=[item.name],
            about=item,
        )
    return round(number, item.scale)


def _read_date(item: Field, value: Any) -> date:
    found = parse_date(value) if isinstance(value, str) else None
    if found is None:
        raise _unreadable("date", value)
    return found


def _read_datetime(item: Field, value: Any) -> datetime:
    found = parse_datetime(value) if isinstance(value, str) else None
    if found is None:
        raise _unreadable("datetime", value)
    return found


def _read_reference(item: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise _unreadable("string", value)
    found = parse_id(value.strip())
    if found is None:
        raise Fault(
            "MALFORMED_ID",
            f"{item.label}: id value of incorrect type: {value[:80]}",
            fields=[item.name],
            about=item,
        )
    return found


_READERS = {
    "boolean": _read_boolean,
    "int": _read_number,
    "double": _read_number,
    "currency": _read_number,
    "percent": _read_number,
    "date": _read_date,
    "datetime": _read_datetime,
    "time": _read_time,
    "multipicklist": _read_choices,
    "reference": _read_reference,
    "id": _read_reference,
}


def format_datetime(value: datetime) -> str:
    """`2026-01-31T10:00:00.000+0000`."""
    value = value.astimezone(UTC)
    return f"{value.year:04d}-{value:%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}+0000"


def write_value(value: Any) -> Any:
    """A column's value as JSON."""
    if isinstance(value, datetime):
        return format_datetime(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return f"{value:%H:%M:%S}.{value.microsecond // 1000:03d}Z"
    return value
