# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Searching as one user sees records: what stands in a field that is hidden from the user finds nothing for them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..metadata import ObjectType
from .search import search_vector, searched_fields

MAX_HITS = 2_000
"""Records that are looked at again; with more, a search needs more words to find the others."""

Param = Callable[[Any], str]
Condition = Callable[[str, Param], str]
"""SQL of a search from the vector's expression, and a function that makes parameters of values."""


def words_match(query: str) -> Condition:
    """The condition that a vector matches a `tsquery`."""
    return lambda vector, param: f"{vector} @@ {param(query)}::text::tsquery"


async def seen_hits(conn: Any, value: ObjectType, condition: Condition) -> list[str] | None:
    """Ids of the records that match by what the user may see of them; None where no searched field is hidden.

    `value` is the object as that user sees it.
    """
    whole = value.catalogue.objects.get(value.name) if value.catalogue else None
    if whole is None or all(item.name in value.fields for item in searched_fields(whole, "ALL")):
        return None
    params: list[Any] = []

    def param(content: Any) -> str:
        params.append(content)
        return f"${len(params)}"

    columns = "".join(f", t.{item.column}" for item in searched_fields(value, "ALL"))
    test = condition("t._search", param)
    rows = await conn.fetch(
        f'SELECT t."Id"{columns} FROM {value.table} t WHERE {test} AND NOT t."IsDeleted" LIMIT {MAX_HITS:d}',
        *params,
    )
    params[:] = [[row["Id"] for row in rows], [search_vector(value, row) for row in rows]]
    test = condition("v.terms::tsvector", param)
    found = await conn.fetch(
        f"SELECT v.id FROM unnest($1::text[], $2::text[]) AS v(id, terms) WHERE {test}", *params
    )
    return [row["id"] for row in found]
