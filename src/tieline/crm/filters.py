"""Filters as rules keep them: lines of field, operation and value. What they mean is `criteria.py`'s to say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OPERATIONS = frozenset({
    "equals", "notEqual", "lessThan", "greaterThan", "lessOrEqual", "greaterOrEqual", "contains", "notContain",
    "startsWith", "includes", "excludes",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line. Several values are separated by commas; an empty one is an empty field."""

    field: str
    operation: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Criteria:
    """Lines and how they combine, `1 AND (2 OR 3)`; without that all must hold."""

    items: tuple[Criterion, ...] = ()
    logic: str = ""

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Criteria:
        """The value of a row."""
        return Criteria(tuple(Criterion(**item) for item in data["items"]), data["logic"])
