"""What the requests of record pages have in common: which record is asked about, and the names of what it points to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request

from ..access.questions import require_read
from ..console import Visit, references
from ..errors import Fault, not_found
from ..ids import parse_id
from ..metadata import Field, ObjectType
from ..web import read_json


async def body_object(request: Request) -> dict[str, Any]:
    """The body as an object. JSON_PARSER_ERROR otherwise."""
    body: Any = await read_json(request)
    if not isinstance(body, dict):
        raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    return body


def record_object(visit: Visit, raw: str) -> tuple[str, ObjectType]:
    """The 18-character id and its object. NOT_FOUND where there is none, INVALID_TYPE where the user may not read it."""
    record_id = parse_id(raw)
    value = visit.call.catalogue.of_id(record_id) if record_id else None
    if record_id is None or value is None:
        raise not_found()
    require_read(visit.caller, value)
    return record_id, value


async def fetched(visit: Visit, value: ObjectType, record_id: str, fields: Sequence[Field]) -> dict[str, Any]:
    """Those fields of a live record that the user may see. NOT_FOUND otherwise."""
    row = (await visit.call.records.fetch(value, [record_id], fields)).get(record_id)
    if row is None:
        raise not_found()
    return row


async def referred(
    visit: Visit, value: ObjectType, rows: Sequence[Any], columns: Sequence[Field]
) -> dict[str, dict[str, Any]]:
    """For every record referred to: `{name, object, FirstName?, LastName?}` by id."""
    found = await references(visit, value, rows, columns)
    return {target: {"name": names.pop("Name"), **names} for target, names in found.items()}
