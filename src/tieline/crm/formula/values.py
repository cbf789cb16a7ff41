"""What formulas compute with: the kinds of values, how columns become values, what one evaluation sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Context, Decimal, DecimalException, DivisionByZero, InvalidOperation, Overflow
from typing import Any, Literal, Protocol

Kind = Literal["Text", "Number", "Boolean", "Date", "DateTime", "Picklist", "Multi-Select Picklist", "Null"]
TEXT: Kind = "Text"
NUMBER: Kind = "Number"
BOOLEAN: Kind = "Boolean"
DATE: Kind = "Date"
DATETIME: Kind = "DateTime"
PICKLIST: Kind = "Picklist"
MULTIPLE: Kind = "Multi-Select Picklist"
NULL: Kind = "Null"

KIND_OF_FIELD: dict[str, Kind] = {
    "boolean": BOOLEAN,
    "int": NUMBER,
    "double": NUMBER,
    "currency": NUMBER,
    "percent": NUMBER,
    "long": NUMBER,
    "date": DATE,
    "datetime": DATETIME,
    "picklist": PICKLIST,
    "multipicklist": MULTIPLE,
    "id": TEXT,
    "reference": TEXT,
    "string": TEXT,
    "textarea": TEXT,
    "combobox": TEXT,
    "phone": TEXT,
    "email": TEXT,
    "url": TEXT,
}
"""The kind behind each field type; the others cannot be used in formulas."""

MAX_TEXT = 200_000
ARITHMETIC = Context(prec=34, Emin=-999, Emax=999, traps=[DivisionByZero, InvalidOperation, Overflow])
"""34 digits: more than any field holds, few enough that no formula takes long."""


class FormulaProblem(Exception):
    """Why a formula is refused, or why it has no value for a record."""

    def __init__(self, message: str):
        super().__init__(message)
        self.message = message


class State(Protocol):
    """What one evaluation sees. `now` is in UTC, `today` is the user's day."""

    now: datetime
    today: date
    is_new: bool

    def value(self, path: tuple[str, ...]) -> Any:
        """The column behind a path, in the record as it is to be saved."""
        ...

    def before(self, path: tuple[str, ...]) -> Any:
        """The same in the record as it was; as it is to be saved where it is new."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A field that a formula reads: how to get there, what it holds. `own` is false behind a relationship."""

    path: tuple[str, ...]
    kind: Kind
    percent: bool = False

    @property
    def own(self) -> bool:
        """True for a field of the record itself."""
        return len(self.path) == 1


@dataclass(frozen=True, slots=True)
class Typed:
    """A checked part of a formula."""

    kind: Kind
    run: Callable[[State], Any]
    literal: Any = None
    source: Source | None = None


def from_column(kind: Kind, value: Any, percent: bool, zeros: bool) -> Any:
    """A column's value as formulas see it: no text is empty text, numbers are exact, a percentage is its part of 1."""
    if kind == NUMBER:
        if value is None:
            return Decimal(0) if zeros else None
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        return arithmetic("/", number, Decimal(100)) if percent else number
    if value is None:
        return "" if kind in (TEXT, PICKLIST, MULTIPLE) else False if kind == BOOLEAN else None
    if kind == DATETIME and isinstance(value, datetime):
        return value.astimezone(UTC)
    return value


def arithmetic(sign: str, left: Decimal, right: Decimal) -> Decimal:
    """One step of arithmetic. FormulaProblem for a division by zero and for what leaves all bounds."""
    try:
        if sign == "+":
            return ARITHMETIC.add(left, right)
        if sign == "-":
            return ARITHMETIC.subtract(left, right)
        if sign == "*":
            return ARITHMETIC.multiply(left, right)
        if sign == "/":
            return ARITHMETIC.divide(left, right)
        return ARITHMETIC.power(left, right)
    except DivisionByZero:
        raise FormulaProblem("Division by zero") from None
    except DecimalException:
        if sign == "/" and not right:
            raise FormulaProblem("Division by zero") from None
        raise FormulaProblem("The result is outside the range of numbers") from None


def whole(number: Decimal) -> int:
    """A number without its fraction, for counts and positions. FormulaProblem where it is absurdly large."""
    if abs(number) > 1_000_000_000:
        raise FormulaProblem("The number is too large for a count")
    return int(number)


def written(number: Decimal) -> str:
    """A number in plain digits, without zeros at the end."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text
