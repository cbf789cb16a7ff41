"""Filters in metadata packages: the lines of sharing rules, assignment rules and duplicate rules."""

from __future__ import annotations

from .filters import Criteria, Criterion
from .package import Node, Problem

_ELEMENTS = frozenset({"field", "operation", "value", "valueField", "sortOrder", "table"})


def criteria_of(node: Node, tag: str) -> Criteria:
    """The lines of that name, and the `booleanFilter` beside them."""
    items: list[Criterion] = []
    for element in node.all(tag):
        element.only(_ELEMENTS, "FilterItem")
        if element.get("valueField"):
            raise Problem("valueField is not supported by this org: compare with a value", element.line)
        items.append(Criterion(element.need("field"), element.need("operation"), element.get("value") or ""))
    return Criteria(tuple(items), node.get("booleanFilter") or "")
