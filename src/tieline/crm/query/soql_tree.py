"""What a parsed SOQL query consists of. Pure values; `soql.py` makes them, `compile.py` reads them.

`at` is where something stands in the text (characters from its beginning), for errors; equality leaves it out, so
that the same expression in SELECT and GROUP BY is the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Literal

from ..errors import Fault

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX", "GROUPING"})
DATE_FUNCTIONS = frozenset(
    {
        "CALENDAR_MONTH", "CALENDAR_QUARTER", "CALENDAR_YEAR", "DAY_IN_MONTH", "DAY_IN_WEEK", "DAY_IN_YEAR",
        "DAY_ONLY", "FISCAL_MONTH", "FISCAL_QUARTER", "FISCAL_YEAR", "HOUR_IN_DAY", "WEEK_IN_MONTH", "WEEK_IN_YEAR",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Path:
    """A dotted name as written."""

    parts: tuple[str, ...]
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """A function, its name in capitals, of one expression. `COUNT()` has none.

    `rest` is what else the function takes: the other place and the unit of DISTANCE, the numbers of GEOLOCATION.
    """

    name: str
    argument: Path | Call | None
    at: int = field(default=0, compare=False)
    rest: tuple[Path | Call | str | float, ...] = ()

    @property
    def aggregate(self) -> bool:
        """True where one value comes out of many rows."""
        return self.name in AGGREGATES or (isinstance(self.argument, Call) and self.argument.aggregate)

    def __str__(self) -> str:
        return f"{self.name}({self.argument or ''})"


Expression = Path | Call


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string, unescaped, beside its form in which LIKE's own escapes are kept."""

    value: str
    pattern: str


@dataclass(frozen=True, slots=True)
class DateRange:
    """A date literal's name and its number, if any."""

    name: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Money:
    """An amount with its currency in front: `USD5000`."""

    text: str


Literal_ = Text | DateRange | Money | datetime | date | time | bool | int | float | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`expression operator value`. The operator is in capitals; a list is a tuple, a subquery a `Query`."""

    left: Expression
    operator: str
    value: Literal_ | tuple[Literal_, ...] | Query
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Condition:
    """`and`, `or` or `not` of conditions."""

    kind: Literal["and", "or", "not"]
    items: tuple[Test, ...]


Test = Condition | Comparison


@dataclass(frozen=True, slots=True)
class Selected:
    """An expression in SELECT, with its alias."""

    expression: Expression
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class FieldsOf:
    """`FIELDS(ALL)`, `FIELDS(STANDARD)` or `FIELDS(CUSTOM)`."""

    group: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TypeOf:
    """`TYPEOF path WHEN object THEN fields ... ELSE fields END`."""

    path: Path
    branches: tuple[tuple[str, tuple[Path, ...]], ...]
    otherwise: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One name of FROM: an object, a child relationship, or `alias.Parent`; with its alias."""

    path: Path
    alias: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """One term of ORDER BY."""

    expression: Expression
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class Grouping:
    """GROUP BY: its expressions, `ROLLUP` or `CUBE` or nothing, and HAVING."""

    expressions: tuple[Expression, ...]
    kind: str = ""
    having: Test | None = None


@dataclass(frozen=True)
class Query:
    """A parsed query, or one in parentheses. `text` is the whole statement it stands in."""

    select: tuple[Selected | FieldsOf | TypeOf | Query, ...]
    sources: tuple[Source, ...]
    where: Test | None = None
    order: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int | None = None
    group: Grouping | None = None
    scope: str | None = None
    security: str | None = None
    all_rows: bool = False
    purposes: frozenset[str] = frozenset()
    text: str = field(default="", compare=False)

    @property
    def source(self) -> str:
        """The name of what is queried."""
        return str(self.sources[0].path)

    @property
    def at(self) -> int:
        """Where that name stands."""
        return self.sources[0].path.at


def malformed(message: str) -> Fault:
    """400 MALFORMED_QUERY."""
    return Fault("MALFORMED_QUERY", message)


def pointed(text: str, at: int, message: str) -> str:
    """A message below the place it is about, the way the API shows it: the text there, row and column."""
    if not text:
        return message
    at = max(0, min(at, len(text)))
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    row, column = text.count("\n", 0, at) + 1, at - start + 1
    shown_from = max(start, at - 40)
    shown = text[shown_from : min(len(text) if end < 0 else end, at + 30)]
    return f"\n{shown}\n{' ' * (at - shown_from)}^\nERROR at Row:{row}:Column:{column}\n{message}"
