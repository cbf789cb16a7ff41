# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""A record's page: the record, how it is laid out, what may be done with it, its activities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..access.questions import default_record_type, record_types, require_read, rights
from ..access.sharing import reachable
from ..console import Visit, answering, named, number_of, visiting
from ..errors import not_found
from ..ids import parse_id
from ..layouts import ACTIVITY_FIELDS
from ..merging.merge import MERGEABLE
from ..merging.standard import CONVERTED_STATUSES
from ..metadata import Field, ObjectType
from ..page_layouts import PageLayouts
from ..standard import STAGES
from ..values import format_datetime, write_value
from ..web import json_response
from .asked import fetched, record_object, referred
from .related import related_lists

RECENT_KEPT = 200
PATHS = {"Lead": "Status", "Opportunity": "StageName", "Case": "Status"}
"""Picklists that a record walks along, shown as a path."""
_CASE_CLOSED = frozenset({"Closed"})


def version_of(row: Mapping[str, Any]) -> str | None:
    """What a save names to say which state of the record it was typed over."""
    stamp = row.get("SystemModstamp")
    return None if stamp is None else format_datetime(stamp)


@answering
async def record(request: Request) -> Response:
    """A record with all that its page shows; seeing it makes it recently viewed."""
    async with visiting(request) as visit:
        record_id, value = record_object(visit, request.path_params["id"])
        fields = list(value.fields.values())
        row = await fetched(visit, value, record_id, fields)
        can = await visit.call.records.levels(value, record_id)
        pages = await visit.call.org.pages.at(visit.conn, visit.call.catalogue)
        type_id = row.get("RecordTypeId")
        answer = {
            "object": value.name,
            "label": value.label_in(visit.language),
            "record": {name: write_value(content) for name, content in row.items()},
            "version": version_of(row),
            "fields": pages.sections(value, visit.caller, type_id),
            "picklists": pages.narrowed(value, type_id, visit.language),
            "highlights": pages.highlights(value, type_id),
            "references": await referred(visit, value, [row], fields),
            "record_type": _record_type(value, row),
            "path": _path(visit, value, row, pages),
            "related": [known.as_json(visit) for known in related_lists(visit, value, pages, type_id)],
        }
        answer |= _actions(visit, value, row, can)
        answer["can_change_owner"] = answer["can_edit"] and await _may_give_away(visit, value, record_id)
        if not value.setup:
            await _viewed(visit, value, record_id)
        return json_response(answer)


def _actions(visit: Visit, value: ObjectType, row: Mapping[str, Any], can: set[str]) -> dict[str, bool]:
    caller, catalogue = visit.caller, visit.call.catalogue
    converted = bool(row.get("IsConverted"))
    edit, delete = "edit" in can and not converted, "delete" in can
    task, account, contact = (catalogue.get(name) for name in ("Task", "Account", "Contact"))
    return {
        "can_edit": edit,
        "can_delete": delete,
        "can_merge": value.name in MERGEABLE
        and edit
        and delete
        and not (value.name == "Contact" and row.get("IsPersonAccount")),
        "can_convert": value.name == "Lead"
        and edit
        and account is not None
        and contact is not None
        and rights(caller, account).create
        and rights(caller, contact).create,
        "can_log": value.activities and not converted and task is not None and rights(caller, task).create,
    }


async def _may_give_away(visit: Visit, value: ObjectType, record_id: str) -> bool:
    """True for its owner, for who stands above, and for who may transfer anything; deleting is another matter."""
    owner = value.fields.get("OwnerId")
    if owner is None or not owner.updateable:
        return False
    if visit.caller.may("TransferAnyEntity"):
        return True
    catalogue = visit.call.records.catalogue
    return bool(await reachable(visit.conn, catalogue, visit.caller, value, [record_id], "delete"))


def _record_type(value: ObjectType, row: Mapping[str, Any]) -> dict[str, Any] | None:
    type_id = row.get("RecordTypeId")
    found = next((info for info in value.record_types if info.id == type_id), None)
    return None if found is None else {"id": found.id, "name": found.name}


def _path(
    visit: Visit, value: ObjectType, row: Mapping[str, Any], pages: PageLayouts
) -> dict[str, Any] | None:
    item = value.fields.get(PATHS.get(value.name, ""))
    if item is None or not item.picklist:
        return None
    steps = [
        {
            "value": choice.value,
            "label": choice.label_in(visit.language),
            "kind": _step(value.name, choice.value),
        }
        for choice in pages.picklist(item, row.get("RecordTypeId"))
    ]
    return {"field": item.name, "label": item.label_in(visit.language), "steps": steps}


def _step(object_name: str, step: str) -> str:
    """`open`, or how the record ends there: `won`, `lost`, `converted`, `closed`."""
    if object_name == "Opportunity":
        _, closed, won, _ = STAGES.get(step, (0, False, False, ""))
        return ("won" if won else "lost") if closed else "open"
    if object_name == "Lead":
        return "converted" if step in CONVERTED_STATUSES else "open"
    return "closed" if step in _CASE_CLOSED else "open"


async def _viewed(visit: Visit, value: ObjectType, record_id: str) -> None:
    await visit.conn.execute(
        "INSERT INTO meta.recent (user_id, record_id, object_name) VALUES ($1, $2, $3)"
        " ON CONFLICT (user_id, record_id) DO UPDATE SET viewed_at = now()",
        visit.caller.user_id,
        record_id,
        value.name,
    )
    await visit.conn.execute(
        "DELETE FROM meta.recent WHERE user_id = $1 AND record_id IN (SELECT record_id FROM meta.recent"
        " WHERE user_id = $1 ORDER BY viewed_at DESC OFFSET $2)",
        visit.caller.user_id,
        RECENT_KEPT,
    )


@answering
async def layout(request: Request) -> Response:
    """How a new record of an object is laid out, of record type `type` where the user may choose among several."""
    async with visiting(request) as visit:
        value = visit.call.catalogue.get(request.path_params["object"])
        if value is None:
            raise not_found()
        require_read(visit.caller, value)
        types = record_types(visit.caller, value)
        default = default_record_type(visit.caller, value) or next(iter(types), None)
        asked = parse_id(request.query_params.get("type", ""))
        chosen = asked if any(info.id == asked for info in types) else default.id if default else None
        pages = await visit.call.org.pages.at(visit.conn, visit.call.catalogue)
        return json_response(
            {
                "object": value.name,
                "fields": pages.sections(value, visit.caller, chosen),
                "picklists": pages.narrowed(value, chosen, visit.language),
                "record_types": [
                    {"id": info.id, "name": info.name, "developer_name": info.developer_name}
                    for info in types
                ],
                "record_type": chosen,
            }
        )


# -- activities ----------------------------------------------------------------------------------------------

MAX_UPCOMING = 50
_OPEN = {
    "Task": 'NOT "IsClosed"',
    "Event": 'coalesce("EndDateTime", "StartDateTime") >= now()',
}
"""What is still to come of each kind of activity."""
_DUE = {"Task": '"ActivityDate"', "Event": '"StartDateTime"'}


@answering
async def timeline(request: Request) -> Response:
    """Activities of a record: `{upcoming, records, has_more}`; what is past newest first, a page at a time."""
    async with visiting(request) as visit:
        record_id, value = record_object(visit, request.path_params["id"])
        await fetched(visit, value, record_id, [value.fields["Id"]])
        limit = max(number_of(request, "limit", 25, 100), 1)
        offset = number_of(request, "offset", 0, 100_000)
        keys = ["WhoId", "WhatId"] + (["AccountId"] if value.name == "Account" else [])
        coming: list[tuple[Any, dict[str, Any]]] = []
        past: list[tuple[Any, dict[str, Any]]] = []
        wanted: dict[str, set[str]] = {}
        for name in ("Task", "Event"):
            activity = visit.call.catalogue.get(name)
            if activity is None:
                continue
            fields = [
                item
                for item in activity.fields.values()
                if item.name in ACTIVITY_FIELDS or item.custom or item.name == "Id"
            ]
            columns = ", ".join(item.column for item in fields)
            condition = " OR ".join(f'"{key}" = $1' for key in keys)
            params: list[Any] = [record_id]
            only = visit.call.records.only_reachable(activity, "t", params)
            found = f'SELECT {columns} FROM {activity.table} t WHERE ({condition}) AND NOT "IsDeleted"{only}'
            due = _DUE[name]
            if offset == 0:
                for row in await visit.conn.fetch(
                    f'{found} AND {_OPEN[name]} ORDER BY {due} NULLS LAST, "Id" LIMIT {MAX_UPCOMING:d}',
                    *params,
                ):
                    when = row[due.strip('"')]
                    key = (when is None, str(when or ""), row["Id"])
                    coming.append((key, _entry(visit, name, fields, row, wanted)))
            rows = await visit.conn.fetch(
                f'{found} AND NOT ({_OPEN[name]}) ORDER BY "CreatedDate" DESC, "Id" DESC'
                f" LIMIT {offset + limit + 1:d}",
                *params,
            )
            past += [
                ((row["CreatedDate"], row["Id"]), _entry(visit, name, fields, row, wanted)) for row in rows
            ]
        coming.sort(key=lambda pair: pair[0])
        past.sort(key=lambda pair: pair[0], reverse=True)
        window = [entry for _, entry in past[offset : offset + limit]]
        upcoming = [entry for _, entry in coming]
        names = await named(visit, wanted)
        for entry in (*window, *upcoming):
            for key, shown in (("WhoId", "Who"), ("WhatId", "What"), ("OwnerId", "Owner")):
                target_id = entry.get(key)
                entry[shown] = {"Id": target_id} | names.get(target_id, {"Name": None}) if target_id else None
        return json_response(
            {"upcoming": upcoming, "records": window, "has_more": len(past) > offset + limit}
        )


def _entry(
    visit: Visit, name: str, fields: Sequence[Field], row: Any, wanted: dict[str, set[str]]
) -> dict[str, Any]:
    """An activity as the timeline shows it; the records it points to are noted in `wanted`."""
    entry: dict[str, Any] = {"object": name}
    for item in fields:
        content = row[item.name]
        if item.custom and content is None:
            continue
        entry[item.name] = write_value(content)
        target = visit.call.catalogue.of_id(content) if item.type == "reference" and content else None
        if target is not None:
            wanted.setdefault(target.name, set()).add(content)
    return entry


ROUTES = [
    Route("/console/api/record/{id}", record),
    Route("/console/api/record/{id}/timeline", timeline),
    Route("/console/api/layout/{object}", layout),
]
