# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Related lists: the records that point to a record, a few of each on its page, all of them on a page of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..access.questions import rights
from ..console import Visit, answering, number_of, visiting
from ..errors import not_found
from ..layouts import LIST_COLUMNS
from ..metadata import Field, ObjectType, child_relationship
from ..page_layouts import PageLayouts
from ..schema import searched_expression
from ..values import write_value
from ..web import json_response
from .asked import fetched, record_object, referred

ON_PAGE = 6
"""Rows of a related list on the record's page."""
PAGE_SIZE = 50
MAX_PAGE = 200
MAX_LISTS = 40
MAX_COLUMNS = 10
_NEVER = frozenset({"OwnerId", "CreatedById", "LastModifiedById", "MasterRecordId", "PersonContactId"})
_ACTIVITIES = frozenset({"Task", "Event"})


@dataclass(frozen=True, slots=True)
class RelatedList:
    """Records of `child` whose `reference` points to a record of the page's object."""

    key: str
    child: ObjectType
    reference: Field
    columns: tuple[Field, ...]
    label: str

    def as_json(self, visit: Visit) -> dict[str, Any]:
        """What the page needs to draw the list before its rows are there."""
        writable = self.reference.createable and rights(visit.caller, self.child).create
        return {
            "name": self.key,
            "label": self.label,
            "object": self.child.name,
            "object_label": self.child.label_in(visit.language),
            "field": self.reference.name,
            "can_create": writable,
            "columns": [
                {"api_name": item.name, "label": item.label_in(visit.language), "type": item.type}
                for item in self.columns
            ],
        }


def related_lists(
    visit: Visit, value: ObjectType, pages: PageLayouts, type_id: str | None
) -> list[RelatedList]:
    """A record's related lists that the user may see: those of the deployed layout in its order, or else all of them,
    standard objects first."""
    catalogue = visit.call.catalogue
    if value.setup:
        return []
    found = [
        (child, reference)
        for child, reference in catalogue.children.get(value.name, [])
        if not child.setup
        and child.kind in ("standard", "custom")
        and child.name not in _ACTIVITIES
        and reference.name not in _NEVER
        and (reference.custom or child_relationship(child, reference))
        and rights(visit.caller, child).read
    ]
    found.sort(key=lambda pair: pair[0].custom)
    counted = Counter(child.name for child, _ in found)
    known = [
        RelatedList(
            child_relationship(child, reference) or f"{child.name}.{reference.name}",
            child,
            reference,
            _columns(child, reference),
            _label(visit, value, child, reference, alone=counted[child.name] == 1),
        )
        for child, reference in found
    ]
    layout = pages.layout(value, visit.caller, type_id)
    if layout is not None:
        known = [
            replace(one, columns=_laid_out(one, part.columns) or one.columns)
            for part in layout.related
            for one in known
            if part.name
            in (one.key, f"{one.child.name}.{one.reference.name}", f"Related{one.child.name}List")
        ]
    return known[:MAX_LISTS]


async def lists_of(visit: Visit, value: ObjectType, record_id: str) -> list[RelatedList]:
    """The related lists of a record. NOT_FOUND where the user does not reach it."""
    needed = [value.fields[name] for name in ("Id", "RecordTypeId") if name in value.fields]
    row = await fetched(visit, value, record_id, needed)
    pages = await visit.call.org.pages.at(visit.conn, visit.call.catalogue)
    return related_lists(visit, value, pages, row.get("RecordTypeId"))


def _laid_out(known: RelatedList, names: Sequence[str]) -> tuple[Field, ...]:
    """Columns as layouts name them: API names, `NAME`, and for standard fields words such as `CASES.CASE_NUMBER`."""
    child = known.child
    found: list[Field | None] = []
    for name in names:
        bare = name.rpartition(".")[2]
        item = child.get(bare) or child.get(bare.replace("_", "")) or child.get(bare.rstrip("0123456789"))
        found.append(child.name_field if bare in ("NAME", "FULL_NAME") else item)
    kept = dict.fromkeys(
        item.name for item in found if item is not None and item.name != known.reference.name
    )
    return tuple(child.fields[name] for name in kept)[:MAX_COLUMNS]


def _label(visit: Visit, value: ObjectType, child: ObjectType, reference: Field, *, alone: bool) -> str:
    japanese = visit.language == "ja"
    plural = child.label_plural_in(visit.language)
    if child.name == value.name and not reference.custom:
        return f"子{plural}" if japanese else f"Child {plural}"
    if alone:
        return plural
    about = reference.label_in(visit.language).removesuffix(" ID")
    return f"{plural} ({about})"


def _columns(child: ObjectType, reference: Field) -> tuple[Field, ...]:
    names = LIST_COLUMNS.get(child.name)
    if names is None:
        custom = [item.name for item in child.fields.values() if item.custom and item.type != "textarea"]
        names = [child.name_field.name if child.name_field else "Id", *custom[:4]]
    kept = [child.fields[name] for name in names if name in child.fields and name != reference.name]
    return tuple(kept[:5])


async def rows_of(
    visit: Visit,
    known: RelatedList,
    record_id: str,
    *,
    limit: int,
    offset: int = 0,
    sort: str = "",
    down: bool = False,
) -> dict[str, Any]:
    """`{records, references, has_more}` of a related list."""
    child = known.child
    people = [
        child.fields[name] for name in ("FirstName", "LastName") if child.person and name in child.fields
    ]
    fields = list({item.name: item for item in (child.fields["Id"], *known.columns, *people)}.values())
    params: list[Any] = [record_id]
    only = visit.call.records.only_reachable(child, "t", params)
    item = child.get(sort)
    order = f't."Id"{" DESC" if not sort or down else ""}'
    if item is not None and item in known.columns:
        expression = searched_expression(item).replace(item.column, f"t.{item.column}")
        nulls = "LAST" if down else "FIRST"
        order = f"{expression}{' DESC' if down else ''} NULLS {nulls}, {order}"
    columns = ", ".join(f"t.{each.column}" for each in fields)
    rows = await visit.conn.fetch(
        f'SELECT {columns} FROM {child.table} t WHERE t.{known.reference.column} = $1 AND NOT t."IsDeleted"{only}'
        f" ORDER BY {order} LIMIT {limit + 1:d} OFFSET {offset:d}",
        *params,
    )
    return {
        "records": [
            {each.name: None if row[each.name] is None else write_value(row[each.name]) for each in fields}
            for row in rows[:limit]
        ],
        "references": await referred(visit, child, rows[:limit], fields),
        "has_more": len(rows) > limit,
    }


@answering
async def related(request: Request) -> Response:
    """The first rows of every related list of a record: `{lists: [{name, ..., records, references, has_more}]}`."""
    async with visiting(request) as visit:
        record_id, value = record_object(visit, request.path_params["id"])
        return json_response(
            {
                "lists": [
                    known.as_json(visit) | await rows_of(visit, known, record_id, limit=ON_PAGE)
                    for known in await lists_of(visit, value, record_id)
                ]
            }
        )


@answering
async def related_page(request: Request) -> Response:
    """A page of one related list, sorted by one of its columns: `limit`, `offset`, `sort`, `dir`."""
    async with visiting(request) as visit:
        record_id, value = record_object(visit, request.path_params["id"])
        wanted = request.path_params["name"]
        known = next((one for one in await lists_of(visit, value, record_id) if one.key == wanted), None)
        if known is None:
            raise not_found()
        found = await rows_of(
            visit,
            known,
            record_id,
            limit=max(number_of(request, "limit", PAGE_SIZE, MAX_PAGE), 1),
            offset=number_of(request, "offset", 0, 1_000_000),
            sort=request.query_params.get("sort", ""),
            down=request.query_params.get("dir", "").lower() == "desc",
        )
        return json_response(known.as_json(visit) | found)


ROUTES = [
    Route("/console/api/record/{id}/related", related),
    Route("/console/api/record/{id}/related/{name}", related_page),
]
