"""What the columns of a query are: the answer to `columns=true`, which tables in terminals are made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..access.questions import Caller
from ..metadata import Catalogue, Field, ObjectType
from .compile import Leaf, Shape, compile_query
from .soql import parse

_APEX = {
    "id": "Id", "reference": "Id", "boolean": "Boolean", "int": "Integer", "double": "Double",
    "currency": "Double", "percent": "Double", "date": "Date", "datetime": "Datetime",
}  # fmt: skip


def _field(catalogue: Catalogue, value: ObjectType, path: Sequence[str]) -> Field | None:
    current: ObjectType | None = value
    for part in path[:-1]:
        reference = current.by_relationship.get(part.lower()) if current else None
        current = catalogue.get(reference.reference_to[0]) if reference and reference.reference_to else None
    return current.get(path[-1]) if current else None


def _column(name: str, item: Field | None, joined: list[dict[str, Any]], language: str) -> dict[str, Any]:
    kind = item.type if item else ""
    return {
        "aggregate": item is None,
        "apexType": _APEX.get(kind, "String") if item else "Integer",
        "booleanType": kind == "boolean",
        "columnName": name,
        "custom": bool(item and item.custom),
        "displayName": item.label_in(language) if item else name,
        "foreignKeyName": item.relationship if item else None,
        "insertable": bool(item and item.createable),
        "joinColumns": joined,
        "numberType": kind in ("int", "double", "currency", "percent") or item is None,
        "textType": bool(item and item.textual),
        "updatable": bool(item and item.updateable),
    }


def column_metadata(soql: str, catalogue: Catalogue, caller: Caller) -> dict[str, Any]:
    """`{columnMetadata, entityName, groupBy, idSelected, keyPrefix}` of a query, which is not run."""
    compiled = compile_query(parse(soql), catalogue, caller)
    value, language = compiled.value, caller.words

    def of(shape: Shape, path: tuple[str, ...]) -> list[dict[str, Any]]:
        return [
            _column(name, _field(catalogue, value, (*path, name)), [], language)
            if isinstance(entry, Leaf)
            else _column(name, None, of(entry, (*path, name)) if isinstance(entry, Shape) else [], language)
            | {"aggregate": False, "apexType": None, "numberType": False}
            for name, entry in shape.entries.items()
        ]

    return {
        "columnMetadata": of(compiled.shape, ()),
        "entityName": value.name,
        "groupBy": bool(compiled.group),
        "idSelected": "Id" in compiled.shape.entries,
        "keyPrefix": value.key_prefix,
    }
