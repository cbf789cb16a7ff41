# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Saving from the pages: a save names the state it was typed over, and learns of duplicates before it makes one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..access.questions import require
from ..console import Visit, answering, named, visiting
from ..errors import Fault, Faults, unsupported_type
from ..merging.duplicates import DuplicatesDetected
from ..metadata import ObjectType
from ..options import CallOptions
from ..records import Records, Saved
from ..values import format_datetime
from ..web import json_response
from .alike import refusal
from .asked import body_object, fetched, record_object
from .page import version_of

MAX_FIELDS = 800


class ChangedMeanwhile(Fault):
    """PRECONDITION_FAILED: somebody saved the record after this page had read it."""

    def __init__(self, by: Mapping[str, Any] | None, at: str | None):
        super().__init__(
            "PRECONDITION_FAILED", "The record has changed since: read it again, then repeat", status=412
        )
        self.by = by
        self.at = at

    def as_row(self) -> dict[str, Any]:
        """With who and when."""
        return super().as_row() | {"modified_by": self.by, "modified_at": self.at}


def _fields(body: Mapping[str, Any]) -> dict[str, Any]:
    fields: Any = body.get("fields")
    if not isinstance(fields, dict):
        raise Fault("JSON_PARSER_ERROR", "fields must be an object")
    given: dict[str, Any] = fields
    if len(given) > MAX_FIELDS:
        raise Fault("INVALID_INPUT", f"A save takes at most {MAX_FIELDS} fields")
    return given


def _records(visit: Visit, body: Mapping[str, Any]) -> Records:
    options = CallOptions(allow_duplicates=body.get("allow_duplicates") is True, duplicate_records=True)
    return replace(visit.call, options=options).records


async def _refused(visit: Visit, saved: Saved) -> Response | None:
    for fault in saved.faults:
        if isinstance(fault, DuplicatesDetected):
            return await refusal(visit, fault)
    if saved.faults:
        raise Faults(saved.faults)
    return None


@answering
async def create(request: Request) -> Response:
    """`{object, fields, allow_duplicates?}`: makes a record; 201 `{id}`."""
    body = await body_object(request)
    fields = _fields(body)
    async with visiting(request) as visit:
        name: Any = body.get("object")
        value = visit.call.catalogue.get(name) if isinstance(name, str) else None
        if value is None:
            raise unsupported_type(str(name)[:80])
        async with visit.conn.transaction():
            saved = (await _records(visit, body).create(value, [fields]))[0]
        refused = await _refused(visit, saved)
        return refused or json_response({"id": saved.id}, 201)


@answering
async def update(request: Request) -> Response:
    """`{fields, version?, allow_duplicates?}`: changes a record that is still in the state of `version`."""
    body = await body_object(request)
    fields = _fields(body)
    version: Any = body.get("version")
    if version is not None and not isinstance(version, str):
        raise Fault("JSON_PARSER_ERROR", "version must be a string")
    async with visiting(request) as visit:
        record_id, value = record_object(visit, request.path_params["id"])
        stamps = [value.fields[name] for name in ("Id", "SystemModstamp") if name in value.fields]
        async with visit.conn.transaction():
            await fetched(visit, value, record_id, stamps)
            if version is not None:
                await _require_state(visit, value, record_id, version)
            saved = (await _records(visit, body).update(value, [(record_id, fields)]))[0]
        refused = await _refused(visit, saved)
        if refused is not None:
            return refused
        return json_response({"version": version_of(await fetched(visit, value, record_id, stamps))})


async def _require_state(visit: Visit, value: ObjectType, record_id: str, version: str) -> None:
    """Holds the record until the save is done. PRECONDITION_FAILED where its state is another one."""
    require(visit.caller, value, "edit")
    row = await visit.conn.fetchrow(
        f'SELECT "SystemModstamp", "LastModifiedById", "LastModifiedDate" FROM {value.table}'
        ' WHERE "Id" = $1 FOR UPDATE',
        record_id,
    )
    if row is None or format_datetime(row["SystemModstamp"]) == version:
        return
    user_id = row["LastModifiedById"]
    names = (await named(visit, {"User": {user_id}})).get(user_id)
    by = None if names is None else {"id": user_id, "name": names["Name"]} | {
        part: names[part] for part in ("FirstName", "LastName") if part in names
    }  # fmt: skip
    raise ChangedMeanwhile(by, format_datetime(row["LastModifiedDate"]))


ROUTES = [
    Route("/console/api/record", create, methods=["POST"]),
    Route("/console/api/record/{id}", update, methods=["PATCH"]),
]
