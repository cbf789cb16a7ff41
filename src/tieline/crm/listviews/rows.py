"""Rows of a list: a view's query with what somebody typed into its search, sorted, a page at a time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..metadata import Field, ObjectType
from ..query.compile import Compiled, compile_query
from ..query.scope import Scope, flags_of
from ..query.search import tsquery
from ..query.search_access import seen_hits, words_match
from ..query.soql import parse
from ..rest import Call
from .definition import ListView, soql_of
from .standard import default_columns

MAX_COUNTED = 2_000
"""Rows up to which a list is counted; it can be scrolled on beyond them."""
MAX_OFFSET = 1_000_000
_RECENT_KEPT = 200


@dataclass(frozen=True)
class Page:
    """Some rows of a list, positions as in `fields`; `total` counts up to `MAX_COUNTED`, beyond which `more_than` is set."""

    rows: list[Any]
    fields: list[Field]
    total: int
    more_than: bool
    has_more: bool
    sort: str
    descending: bool


def columns_of(view: ListView, value: ObjectType) -> list[Field]:
    """The columns of a view that the user may see; `value` is the object as that user sees it."""
    chosen = [item for name in view.columns if (item := value.get(name)) is not None]
    return chosen or default_columns(value)


def sortable(item: Field) -> bool:
    """True where rows may be ordered by the field."""
    return item.type != "textarea" and flags_of(item).sortable


def order_of(view: ListView, value: ObjectType, asked: str, down: bool) -> tuple[Field, bool]:
    """The field rows are ordered by and whether downwards: as asked for, else the view's own order."""
    item = value.get(asked) if asked else None
    if item is not None and sortable(item):
        return item, down
    item = value.get(view.sort) if view.sort else None
    if item is not None and sortable(item):
        return item, view.descending
    return value.name_field or value.fields["Id"], False


def order_soql(item: Field, down: bool) -> str:
    """ORDER BY of a column: look-ups by the name that is shown, empty ones last downwards and first upwards."""
    name = f"{item.relationship}.Name" if item.type == "reference" and item.relationship else item.name
    return f"{name} {'DESC NULLS LAST' if down else 'ASC NULLS FIRST'}"


async def page(
    call: Call,
    value: ObjectType,
    view: ListView,
    fields: Sequence[Field],
    *,
    search: str = "",
    sort: str = "",
    down: bool = False,
    limit: int,
    offset: int,
    after: str = "",
) -> Page:
    """The `limit` rows of a view behind the record `after`; without it, or where it is gone, those behind `offset`."""
    order, descending = order_of(view, value, sort, down)
    hits = await _hits(call, value, search)
    compiled = _compiled(call, value, view, fields, search, order_soql(order, descending), hits)
    params, where, skip = list(compiled.params), compiled.where, offset
    if after and (mark := await _mark(call, compiled, after)) is not None:
        where, skip = f"{where} AND {_behind(compiled.sort_key, mark, after, descending, params)}", 0
    rows = await call.conn.fetch(replace(compiled, where=where).page(limit + 1, skip), *params)
    has_more, rows = len(rows) > limit, rows[:limit]
    total = offset + len(rows)
    if has_more and total > MAX_COUNTED:
        total = MAX_COUNTED + 1
    elif has_more or (not rows and offset):
        total = await call.conn.fetchval(
            f"SELECT count(*) FROM (SELECT 1 {compiled.body} WHERE {compiled.where} LIMIT {MAX_COUNTED + 1}) counted",  # noqa: S608
            *compiled.params,
        )
    more_than = has_more and total > MAX_COUNTED
    shown = MAX_COUNTED if more_than else total
    return Page(rows, list(fields), shown, more_than, has_more, order.name, descending)


async def _mark(call: Call, compiled: Compiled, after: str) -> Any:
    """Where the record stands in the order: `(key,)`, or None where the list has it no more."""
    return await call.conn.fetchrow(
        f'SELECT {compiled.sort_key} {compiled.body} WHERE {compiled.where} AND t."Id" = ${len(compiled.params) + 1}',
        *compiled.params,
        after,
    )


def _behind(key: str, mark: Any, after: str, descending: bool, params: list[Any]) -> str:
    """SQL for the rows that come after one: empty keys stand first upwards and last downwards."""
    params.append(after)
    last = f't."Id" > ${len(params)}'
    if mark[0] is None:
        return f"({key} IS NULL AND {last})" if descending else f"({key} IS NOT NULL OR {last})"
    params.append(mark[0])
    value = f"${len(params)}"
    if descending:
        return f"({key} < {value} OR ({key} = {value} AND {last}) OR {key} IS NULL)"
    return f'({key}, t."Id") > ({value}, ${len(params) - 1})'


async def recent(
    call: Call,
    value: ObjectType,
    fields: Sequence[Field],
    *,
    search: str = "",
    sort: str = "",
    down: bool = False,
    limit: int,
    offset: int,
) -> Page:
    """What the user saw last of an object, the latest first unless an order is asked for."""
    seen = await call.conn.fetch(
        "SELECT record_id FROM meta.recent WHERE user_id = $1 AND object_name = $2 ORDER BY viewed_at DESC LIMIT $3",
        call.caller.user_id,
        value.name,
        _RECENT_KEPT,
    )
    hits = await _hits(call, value, search)
    ids = [row["record_id"] for row in seen if hits is None or row["record_id"] in hits]
    view = ListView("", value.name, "", "")
    item = value.get(sort) if sort else None
    order = order_soql(item, down) if item is not None and sortable(item) else "Id"
    compiled = _compiled(call, value, view, fields, search, order, ids)
    rows: list[Any] = await call.conn.fetch(compiled.page(_RECENT_KEPT), *compiled.params)
    if item is None:
        place = {record_id: position for position, record_id in enumerate(ids)}
        rows.sort(key=lambda row: place[row[0]])
    return Page(
        rows[offset : offset + limit],
        list(fields),
        len(rows),
        False,
        offset + limit < len(rows),
        "" if item is None else item.name,
        down,
    )


def _compiled(
    call: Call,
    value: ObjectType,
    view: ListView,
    fields: Sequence[Field],
    search: str,
    order: str,
    only: Sequence[str] | None = None,
) -> Compiled:
    names = [item.name for item in fields if item.name != "Id"]
    soql = soql_of(view, value, ["Id", *names], call.caller.time_zone)
    query = parse(f"{soql} ORDER BY {order}")

    def extra(scope: Scope) -> str:
        tests = ["true"]
        if only is not None:
            tests.append(f't."Id" = ANY({scope.param(list(only))}::text[])')
        if search:
            tests.append(_search(scope, value, search))
        return " AND ".join(tests)

    return compile_query(query, call.catalogue, call.caller, version=int(float(call.version)), extra=extra)


async def _hits(call: Call, value: ObjectType, text: str) -> list[str] | None:
    condition = tsquery(text, "ALL") if text and value.searchable else None
    return None if condition is None else await seen_hits(call.conn, value, words_match(condition))


def _search(scope: Scope, value: ObjectType, text: str) -> str:
    condition = tsquery(text, "ALL") if value.searchable else None
    if condition is not None:
        return f"t._search @@ {scope.param(condition)}::text::tsquery"
    name = value.name_field or value.fields["Id"]
    escaped = re.sub(r"([\\%_])", r"\\\1", text.lower())
    return f"lower(t.{name.column}) LIKE {scope.param(f'%{escaped}%')}"
