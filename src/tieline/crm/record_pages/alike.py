# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Records that may be the same as another one: what duplicate rules find, and who has the same number or address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..access.questions import rights
from ..console import Visit, answering, visiting
from ..layouts import LIST_COLUMNS
from ..merging.duplicates import DuplicatesDetected, Search, alike
from ..merging.matching import THRESHOLD, Method, similarity
from ..merging.merge import MERGEABLE
from ..metadata import ObjectType
from ..query.search import tsquery
from ..values import write_value
from ..web import json_response
from .asked import fetched, record_object, referred

MAX_SHOWN = 20
"""Records named for one record that is too much like them."""
_LOOKED_THROUGH = 50


@dataclass(slots=True)
class _Saved:
    row: dict[str, Any]
    before: dict[str, Any] | None
    record_id: str


async def shown(visit: Visit, wanted: Mapping[str, Sequence[str]]) -> list[dict[str, Any]]:
    """`{id, object, label, record, references, columns}` of records by object, as far as the user may see them."""
    found: list[dict[str, Any]] = []
    for name, ids in wanted.items():
        value = visit.call.catalogue.get(name)
        if value is None or not rights(visit.caller, value).read:
            continue
        columns = [
            value.fields[each] for each in LIST_COLUMNS.get(value.name, ("Name",)) if each in value.fields
        ]
        people = [
            value.fields[each] for each in ("FirstName", "LastName") if value.person and each in value.fields
        ]
        fields = list({item.name: item for item in (value.fields["Id"], *columns, *people)}.values())
        rows = await visit.call.records.fetch(value, list(ids)[:MAX_SHOWN], fields)
        references = await referred(visit, value, list(rows.values()), fields)
        found += [
            {
                "id": record_id,
                "object": value.name,
                "label": value.label_in(visit.language),
                "record": {
                    key: None if content is None else write_value(content) for key, content in row.items()
                },
                "references": references,
                "columns": [
                    {"api_name": item.name, "label": item.label_in(visit.language), "type": item.type}
                    for item in columns
                ],
            }
            for record_id in ids
            if (row := rows.get(record_id)) is not None
        ]
    return found[:MAX_SHOWN]


async def refusal(visit: Visit, fault: DuplicatesDetected, *, but: str | None = None) -> Response:
    """The answer to a save that a duplicate rule stopped: with what was found (except `but`) and the user may see."""
    wanted: dict[str, list[str]] = {}
    for result in fault.result["matchResults"]:
        ids = [match["record"]["Id"] for match in result["matchRecords"]]
        wanted.setdefault(result["entityType"], []).extend(found for found in ids if found != but)
    row = fault.as_row() | {"allow_save": fault.result["allowSave"], "duplicates": await shown(visit, wanted)}
    return json_response([row], fault.status)


async def _same_people(visit: Visit, value: ObjectType, row: Mapping[str, Any]) -> list[str]:
    """Other records of the object with the same phone number or e-mail address, however it is typed."""
    if not value.searchable:
        return []
    found: list[str] = []
    ways: tuple[tuple[str, Method, str], ...] = (("phone", "Phone", "PHONE"), ("email", "Email", "EMAIL"))
    for kind, method, group in ways:
        items = [item for item in value.fields.values() if item.type == kind and "Fax" not in item.name]
        given = [str(row[item.name]) for item in items if row.get(item.name)]
        columns = ", ".join(f"t.{item.column}" for item in items)
        for text in dict.fromkeys(given):
            condition = tsquery(text, group, prefix=False)
            if condition is None:
                continue
            params: list[Any] = [condition, row["Id"]]
            only = visit.call.records.only_reachable(value, "t", params)
            others = await visit.conn.fetch(
                f'SELECT t."Id", {columns} FROM {value.table} t WHERE t._search @@ $1::text::tsquery'
                f' AND NOT t."IsDeleted" AND t."Id" <> $2{only} ORDER BY t."Id" LIMIT {_LOOKED_THROUGH:d}',
                *params,
            )
            found += [
                other["Id"]
                for other in others
                if any(
                    other[item.name] and similarity(method, text, str(other[item.name])) >= THRESHOLD
                    for item in items
                )
            ]
    return list(dict.fromkeys(found))


@answering
async def duplicates(request: Request) -> Response:
    """`{records, mergeable}`: what active duplicate rules find; with `same=1` also who shares a number or address."""
    async with visiting(request) as visit:
        record_id, value = record_object(visit, request.path_params["id"])
        row = await fetched(visit, value, record_id, list(value.fields.values()))
        records = visit.call.records
        rules = (await visit.call.org.rules.at(visit.conn, visit.call.catalogue)).duplicates.get(
            value.name, ()
        )
        search = Search(visit.conn, records.catalogue, visit.caller, records.options, records.version)
        wanted = await alike(search, rules, _Saved(row, row, record_id)) if rules else {}
        if request.query_params.get("same") == "1" and value.name in MERGEABLE:
            same = [*wanted.get(value.name, []), *(await _same_people(visit, value, row))]
            wanted = {value.name: list(dict.fromkeys(same))}
        return json_response({"records": await shown(visit, wanted), "mergeable": value.name in MERGEABLE})


ROUTES = [Route("/console/api/record/{id}/duplicates", duplicates)]
