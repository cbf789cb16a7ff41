# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Filters of rules: `field operation value` lines and how they combine, as packages write them.

One filter serves a row that is being saved (`matches`) and rows in the database (`sql`): both say the same.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from .errors import Fault
from .filters import OPERATIONS, Criteria, Criterion
from .ids import parse_id
from .metadata import Field, ObjectType

MAX_ITEMS = 25
MAX_VALUE = 1000
_NUMBERS = frozenset({"int", "double", "currency", "percent"})
_TOKEN = re.compile(r"\s*(\(|\)|AND\b|OR\b|NOT\b|\d{1,2})\s*", re.IGNORECASE)
_ORDER: Mapping[str, tuple[Callable[[Any, Any], bool], str]] = {
    "lessThan": (operator.lt, "<"),
    "greaterThan": (operator.gt, ">"),
    "lessOrEqual": (operator.le, "<="),
    "greaterOrEqual": (operator.ge, ">="),
}
_TEXT_ONLY = frozenset({"contains", "notContain", "startsWith"})
_NEGATED = frozenset({"notEqual", "notContain", "excludes"})

Row = Mapping[str, Any]
Param = Callable[[Any], str]
Logic = int | tuple[str, tuple["Logic", ...]]


def _refused(message: str) -> Fault:
    return Fault("FIELD_INTEGRITY_EXCEPTION", message, fields=["criteriaItems"])


@dataclass(frozen=True, slots=True)
class _Line:
    """One line beside its field; `values` are of the field's type, None stands for an empty field."""

    item: Field
    operation: str
    values: tuple[Any, ...]

    def matches(self, row: Row) -> bool:
        """Whether a row has what the line asks for."""
        found = self._holds(row.get(self.item.name))
        return not found if self.operation in _NEGATED else found

    def _holds(self, content: Any) -> bool:
        if self.item.type == "multipicklist":
            chosen = set(str(content).split(";")) if content else {None}
            return not chosen.isdisjoint(self.values)
        if isinstance(content, str) and self.item.type != "reference":
            content = content.lower() or None
        if self.operation in ("equals", "notEqual"):
            return content in self.values
        if content is None:
            return False
        if self.operation in _TEXT_ONLY:
            starts = self.operation == "startsWith"
            return any(
                content.startswith(text) if starts else text in content for text in self.values if text
            )
        compare, _ = _ORDER[self.operation]
        return any(value is not None and compare(content, value) for value in self.values)

    def sql(self, alias: str, param: Param) -> str:
        """The same as a condition."""
        return f"NOT {self._sql(alias, param)}" if self.operation in _NEGATED else self._sql(alias, param)

    def _sql(self, alias: str, param: Param) -> str:
        column = f"{alias}.{self.item.column}"
        known = [value for value in self.values if value is not None]
        empty = f"{column} IS NULL" if None in self.values else "false"
        if self.item.type == "multipicklist":
            return f"({empty} OR coalesce(string_to_array({column}, ';') && {param(known)}::text[], false))"
        kind = "text"
        if self.item.type in _NUMBERS:
            column, kind = f"{column}::float8", "float8"
        elif self.item.type == "boolean":
            kind = "boolean"
        elif self.item.type in ("date", "datetime"):
            kind = "date" if self.item.type == "date" else "timestamptz"
        elif self.item.type == "reference":
            column = f"{column}::text"
        else:
            column = f"lower(nullif({column}, '')) COLLATE \"C\""
        if self.operation in ("equals", "notEqual"):
            return f"({empty} OR coalesce({column} = ANY({param(known)}::{kind}[]), false))"
        if self.operation in _TEXT_ONLY:
            test = "starts_with({}, v)" if self.operation == "startsWith" else "strpos({}, v) > 0"
        else:
            test = f"{{}} {_ORDER[self.operation][1]} v"
        told = test.format(column)
        return f"coalesce((SELECT bool_or({told}) FROM unnest({param(known)}::{kind}[]) v), false)"


@dataclass(frozen=True, slots=True)
class Filter:
    """Lines of one object, checked, and how they combine. Without lines it holds for every row."""

    lines: tuple[_Line, ...]
    logic: Logic

    def matches(self, row: Row) -> bool:
        """Whether the filter holds for a row."""
        return _any(self.logic, [line.matches(row) for line in self.lines])

    def sql(self, alias: str, param: Param) -> str:
        """The filter as a condition on a table's alias; `param` answers a placeholder for a value."""
        return _joined(self.logic, [line.sql(alias, param) for line in self.lines])

    @property
    def fields(self) -> set[str]:
        """Names of the fields it looks at."""
        return {line.item.name for line in self.lines}


def _any(logic: Logic, results: Sequence[bool]) -> bool:
    if isinstance(logic, int):
        return results[logic]
    word, parts = logic
    found = [_any(part, results) for part in parts]
    if word == "NOT":
        return not found[0]
    return all(found) if word == "AND" else any(found)


def _joined(logic: Logic, conditions: Sequence[str]) -> str:
    if isinstance(logic, int):
        return conditions[logic]
    word, parts = logic
    found = [_joined(part, conditions) for part in parts]
    if word == "NOT":
        return f"NOT ({found[0]})"
    return "(" + f" {word} ".join(found) + ")" if found else "true"


def ready(criteria: Criteria, value: ObjectType) -> Filter:
    """The filter beside its object. FIELD_INTEGRITY_EXCEPTION says what is wrong with it."""
    if len(criteria.items) > MAX_ITEMS:
        raise _refused(f"A filter has at most {MAX_ITEMS} lines")
    lines = tuple(_line(item, value) for item in criteria.items)
    if not criteria.logic:
        return Filter(lines, ("AND", tuple(range(len(lines)))))
    return Filter(lines, parse_logic(criteria.logic, len(lines)))


def _line(criterion: Criterion, value: ObjectType) -> _Line:
    name = criterion.field.rpartition(".")[2]
    item = value.get(name)
    if item is None or item.hidden or not item.filterable or item.type in ("address", "time"):
        raise _refused(f"Field {criterion.field[:80]} does not exist or cannot be filtered")
    operation = criterion.operation
    text = criterion.value
    if operation not in OPERATIONS or len(text) > MAX_VALUE:
        raise _refused(f"The operation {operation[:30]} is not valid, or its value is too long")
    several = item.type == "multipicklist"
    if (operation in ("includes", "excludes")) != (several and operation not in ("equals", "notEqual")):
        raise _refused(f"The operation {operation} cannot be used with field {item.name}")
    if operation in _TEXT_ONLY and not (item.textual and not several):
        raise _refused(f"The operation {operation} cannot be used with field {item.name}")
    if item.type == "boolean" and operation not in ("equals", "notEqual"):
        raise _refused(f"The operation {operation} cannot be used with field {item.name}")
    parts = re.split("[;,]" if several else ",", text)
    return _Line(item, operation, tuple(_value(item, part.strip()) for part in parts))


def _value(item: Field, text: str) -> Any:
    if not text:
        return None
    try:
        if item.type == "boolean":
            return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
        if item.type in _NUMBERS:
            return _finite(float(text))
        if item.type == "date":
            return _day(text)
        if item.type == "datetime":
            if "T" not in text:
                return datetime.combine(_day(text), time(), UTC)
            moment = datetime.fromisoformat(text)
            return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, KeyError):
        raise _refused(f"{text[:40]!r} is not a value of field {item.name}") from None
    if item.type in ("reference", "id"):
        return parse_id(text) or text
    return text if item.type == "multipicklist" else text.lower()


def _finite(number: float) -> float:
    if number - number != 0:
        raise ValueError("not a number")
    return number


def _day(text: str) -> date:
    american = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    if american:
        month, day, year = (int(part) for part in american.groups())
        return date(year, month, day)
    return date.fromisoformat(text)


# -- filter logic --------------------------------------------------------------------------------------------


def parse_logic(text: str, count: int) -> Logic:
    """`1 AND (2 OR NOT 3)` as a tree of positions. FIELD_INTEGRITY_EXCEPTION where it is no such filter."""
    tokens: list[str] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or len(tokens) > 200:
            raise _refused(f"booleanFilter: cannot read {text[at : at + 20]!r}")
        tokens.append(found.group(1).upper())
        at = found.end()
    tree, rest = _either(tokens, count, 0)
    if rest:
        raise _refused(f"booleanFilter: unexpected {rest[0]}")
    if {int(token) for token in tokens if token.isdigit()} != set(range(1, count + 1)):
        raise _refused("booleanFilter: it must name every line")
    return tree


def _either(tokens: Sequence[str], count: int, depth: int) -> tuple[Logic, Sequence[str]]:
    return _chain("OR", lambda rest: _chain("AND", lambda more: _one(more, count, depth), rest), tokens)


def _chain(
    word: str, read: Callable[[Sequence[str]], tuple[Logic, Sequence[str]]], tokens: Sequence[str]
) -> tuple[Logic, Sequence[str]]:
    first, tokens = read(tokens)
    found = [first]
    while tokens and tokens[0] == word:
        more, tokens = read(tokens[1:])
        found.append(more)
    return (first if len(found) == 1 else (word, tuple(found))), tokens


def _one(tokens: Sequence[str], count: int, depth: int) -> tuple[Logic, Sequence[str]]:
    if not tokens or depth > 20:
        raise _refused("booleanFilter: it ends too early or is nested too deeply")
    first, rest = tokens[0], tokens[1:]
    if first == "NOT":
        inner, rest = _one(rest, count, depth + 1)
        return ("NOT", (inner,)), rest
    if first == "(":
        inner, rest = _either(rest, count, depth + 1)
        if not rest or rest[0] != ")":
            raise _refused("booleanFilter: a ( is not closed")
        return inner, rest[1:]
    if not first.isdigit() or not 1 <= int(first) <= count:
        raise _refused(f"booleanFilter: unexpected {first}")
    return int(first) - 1, rest
