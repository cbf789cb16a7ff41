"""SOAP operations on records and queries, for clients that still need them.

The work is done by the REST resources; what is here is how SOAP asks for it and how it answers: records are
`sObject` elements, texts are typed by describe, dates end in Z.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .. import composite, rest
from ..describe import describe, summary
from ..errors import Fault
from ..ids import parse_id
from ..metadata import Field, ObjectType
from ..query.running import run_more, run_query
from ..query.sosl import parse_search, run_search
from ..rest import Call, Reply, Request
from ..saving import recycle_bin
from ..saving.drafts import Saved
from .door import NAMESPACES, SOBJECTS, Part, operation
from .xml_values import Typed

MAX_RECORDS = 200
MAX_RETRIEVED = 2000
MAX_DESCRIBED = 100
_DATETIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\+0000")
_REST_ONLY = frozenset({"urls", "objectDescribe", "sobjectDescribeOption"})

Element = dict[str, Any]


# -- what is asked -------------------------------------------------------------------------------------------


def typed(item: Field | None, text: str | None) -> Any:
    """An element's text as JSON would have it. What is no number stays text, and is refused as such later."""
    if text is None or item is None:
        return text
    if item.type in ("int", "double", "currency", "percent"):
        try:
            return float(text)
        except ValueError:
            return text
    return (
        {"true": True, "1": True, "false": False, "0": False}.get(text, text)
        if item.type == "boolean"
        else text
    )


def record_of(call: Call, part: Part) -> tuple[ObjectType, str, dict[str, Any]]:
    """Object, id and values of an sObject element; `fieldsToNull` empties fields, elements inside name a relation."""
    type_name = part.value("type") or part.type or ""
    value = call.catalogue.get(type_name)
    if value is None:
        raise Fault("INVALID_TYPE", f"sObject type '{type_name[:80]}' is not supported.")
    values: dict[str, Any] = {}
    record_id = ""
    for child in part.parts:
        if child.name == "type":
            continue
        if child.name == "Id":
            record_id = (child.text or "").strip()
        elif child.name == "fieldsToNull":
            values[(child.text or "").strip()] = None
        elif child.parts:
            values[child.name] = {inner.name: inner.text for inner in child.parts}
        else:
            values[child.name] = typed(value.get(child.name), child.text)
    return value, record_id, values


def _texts(asked: Part, name: str, limit: int, *, least: int = 1) -> list[str]:
    found = [(part.text or "").strip() for part in asked.all(name)]
    if not least <= len(found) <= limit:
        raise Fault("EXCEEDED_ID_LIMIT", f"{name}: this call takes {least} to {limit} of them")
    return found


def _need(asked: Part, name: str) -> str:
    text = (asked.value(name) or "").strip()
    if not text:
        raise Fault("MISSING_ARGUMENT", f"{name} not specified")
    return text


def _object(call: Call, name: str) -> ObjectType:
    value = call.catalogue.get(name)
    if value is None:
        raise Fault("INVALID_TYPE", f"sObject type '{name[:80]}' is not supported.")
    return value


# -- what is answered ----------------------------------------------------------------------------------------


def error(fault: Fault, door: str) -> Element:
    """A refusal as an `errors` element has it."""
    return _error(fault.as_save_error(), door)


def _error(row: Mapping[str, Any], door: str) -> Element:
    found: Element = {}
    if row.get("duplicateResult"):
        told: dict[str, Any] = row["duplicateResult"]
        results = [
            result
            | {
                "matchRecords": [
                    match | {"record": sobject(match["record"], door)} for match in result["matchRecords"]
                ]
            }
            for result in told["matchResults"]
        ]
        found["duplicateResult"] = told | {"matchResults": results}
    if row.get("fields"):
        found["fields"] = row["fields"]
    return found | {"message": row["message"], "statusCode": row["statusCode"]}


def _result(row: Mapping[str, Any], door: str) -> Element:
    found: Element = {"created": row.get("created", False)} if "created" in row else {}
    if row["errors"]:
        found["errors"] = [_error(one, door) for one in row["errors"]]
    return found | {"id": row.get("id"), "success": row["success"]}


def _saved(saved: Saved, door: str) -> Element:
    found: Element = {"errors": [error(fault, door) for fault in saved.faults]} if saved.faults else {}
    return found | {"id": saved.id, "success": saved.success}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        found = _DATETIME.fullmatch(value)
        return f"{found.group(1)}Z" if found else value
    return value


def sobject(row: Mapping[str, Any], door: str) -> Typed:
    """A record of a query as an element: in the partner's dialect its type and id first."""
    kind: str = row["attributes"]["type"]
    inside: Element = {"type": kind, "Id": row.get("Id")} if door == "u" else {}
    for name, content in row.items():
        if name == "attributes" or (name == "Id" and door == "u"):
            continue
        if isinstance(content, dict):
            nested: dict[str, Any] = content
            if "attributes" in nested:
                inside[name] = sobject(nested, door)
            elif "records" in nested:
                inside[name] = Typed("QueryResult", query_result(nested, door), NAMESPACES[door])
            else:
                inside[name] = Typed("address", nested)
        else:
            inside[name] = _plain(content)
    return Typed("sf:sObject" if door == "u" else f"sf:{kind}", inside, SOBJECTS[door])


def query_result(page: Mapping[str, Any], door: str) -> Element:
    """A page of a query."""
    following: str | None = page.get("nextRecordsUrl")
    return {
        "done": page["done"],
        "queryLocator": following.rpartition("/")[2] if following else None,
        "records": [sobject(row, door) for row in page["records"]],
        "size": page["totalSize"],
    }


def _present(value: Any) -> Any:
    """A describe without what is empty, which SOAP leaves out."""
    if isinstance(value, Mapping):
        entries: Mapping[str, Any] = value
        return {
            name: _present(item)
            for name, item in entries.items()
            if item is not None and name not in _REST_ONLY
        }
    if isinstance(value, list):
        items: list[Any] = value
        return [_present(item) for item in items]
    return value


# -- records -------------------------------------------------------------------------------------------------


def _records(call: Call, asked: Part) -> list[dict[str, Any]]:
    parts = asked.all("sObjects")
    if not 1 <= len(parts) <= MAX_RECORDS:
        raise Fault("EXCEEDED_ID_LIMIT", f"A call takes 1 to {MAX_RECORDS} records")
    found: list[dict[str, Any]] = []
    for part in parts:
        value, record_id, values = record_of(call, part)
        row: dict[str, Any] = {"attributes": {"type": value.name}} | values
        found.append(row | {"Id": record_id} if record_id else row)
    return found


def _answers(call: Call, reply: Reply) -> Element:
    return {"result": [_result(row, call.door) for row in reply.body]}


def _body(call: Call, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"allOrNone": call.options.all_or_none, "records": list(rows)}


@operation("create", writes=True)
async def create(call: Call, asked: Part) -> Any:
    """`create(sObjects)`."""
    rows = _records(call, asked)
    return _answers(call, await composite.create_many(call, Request({}, {}, _body(call, rows))))


@operation("update", writes=True)
async def update(call: Call, asked: Part) -> Any:
    """`update(sObjects)`, by the ids in them."""
    rows = _records(call, asked)
    return _answers(call, await composite.update_many(call, Request({}, {}, _body(call, rows))))


@operation("upsert", writes=True)
async def upsert(call: Call, asked: Part) -> Any:
    """`upsert(externalIDFieldName, sObjects)`; records of one object."""
    field_name = _need(asked, "externalIDFieldName")
    rows = _records(call, asked)
    kinds = {row["attributes"]["type"] for row in rows}
    if len(kinds) > 1:
        raise Fault("INVALID_TYPE", "All records of an upsert must be of one object")
    path = {"name": kinds.pop(), "field": field_name}
    return _answers(call, await composite.upsert_many(call, Request(path, {}, _body(call, rows))))


@operation("delete", writes=True)
async def delete(call: Call, asked: Part) -> Any:
    """`delete(ids)`."""
    query = {
        "ids": ",".join(_texts(asked, "ids", MAX_RECORDS)),
        "allOrNone": str(call.options.all_or_none).lower(),
    }
    return _answers(call, await composite.delete_many(call, Request({}, query)))


@operation("undelete", writes=True)
async def undelete(call: Call, asked: Part) -> Any:
    """`undelete(ids)`."""
    saved = await recycle_bin.undelete(call.records, _texts(asked, "ids", MAX_RECORDS))
    return {"result": [_saved(one, call.door) for one in saved]}


@operation("emptyRecycleBin", writes=True)
async def empty_recycle_bin(call: Call, asked: Part) -> Any:
    """`emptyRecycleBin(ids)`: removes deleted records for good."""
    saved = await recycle_bin.empty(call.records, _texts(asked, "ids", MAX_RECORDS))
    return {"result": [_saved(one, call.door) for one in saved]}


@operation("retrieve")
async def retrieve(call: Call, asked: Part) -> Any:
    """`retrieve(fieldList, sObjectType, ids)`: nothing in the place of a record that is not there."""
    value = _object(call, _need(asked, "sObjectType"))
    fields = [name.strip() for name in _need(asked, "fieldList").split(",") if name.strip()]
    ids = _texts(asked, "ids", MAX_RETRIEVED)
    for record_id in ids:
        if parse_id(record_id) is None:
            raise Fault("MALFORMED_ID", f"malformed id {record_id[:80]}")
    body = {"ids": ids, "fields": fields}
    reply = await composite.read_many_by_body(call, Request({"name": value.name}, {}, body))
    return {"result": [row and sobject(row, call.door) for row in reply.body]}


# -- queries -------------------------------------------------------------------------------------------------


async def _query(call: Call, text: str, *, deleted_too: bool) -> Element:
    page = await run_query(
        call.conn, call.catalogue, call.caller, text, version=call.version, batch=call.batch, deleted_too=deleted_too,
    )  # fmt: skip
    return {"result": Typed("QueryResult", query_result(page, call.door))}


@operation("query")
async def query(call: Call, asked: Part) -> Any:
    """`query(queryString)`."""
    return await _query(call, asked.value("queryString") or "", deleted_too=False)


@operation("queryAll")
async def query_all(call: Call, asked: Part) -> Any:
    """`queryAll(queryString)`: deleted records, too."""
    return await _query(call, asked.value("queryString") or "", deleted_too=True)


@operation("queryMore")
async def query_more(call: Call, asked: Part) -> Any:
    """`queryMore(queryLocator)`."""
    locator = (asked.value("queryLocator") or "").strip()
    page = await run_more(
        call.conn, call.catalogue, call.caller, locator, version=call.version, batch=call.batch
    )
    return {"result": Typed("QueryResult", query_result(page, call.door))}


@operation("search")
async def search(call: Call, asked: Part) -> Any:
    """`search(searchString)`: SOSL."""
    asked_for = parse_search(asked.value("searchString") or "")
    rows = await run_search(call.conn, call.catalogue, call.caller, asked_for, version=call.version)
    return {"result": {"searchRecords": [{"record": sobject(row, call.door)} for row in rows]}}


# -- describing ----------------------------------------------------------------------------------------------


def _described(call: Call, name: str) -> Element:
    value = _object(call, name)
    return _present(describe(value, call.catalogue, call.caller, call.version))


@operation("describeSObject")
async def describe_object(call: Call, asked: Part) -> Any:
    """`describeSObject(sObjectType)`."""
    return {"result": _described(call, _need(asked, "sObjectType"))}


@operation("describeSObjects")
async def describe_objects(call: Call, asked: Part) -> Any:
    """`describeSObjects(sObjectType...)`."""
    return {"result": [_described(call, name) for name in _texts(asked, "sObjectType", MAX_DESCRIBED)]}


@operation("describeGlobal")
async def describe_global(call: Call, asked: Part) -> Any:
    """All objects the user may read."""
    found = [
        summary(value, call.caller, call.version)
        for value in sorted(call.catalogue.objects.values(), key=lambda item: item.name)
    ]
    return {"result": {"encoding": "UTF-8", "maxBatchSize": MAX_RECORDS, "sobjects": _present(found)}}


# -- replication ---------------------------------------------------------------------------------------------


async def _in_span(call: Call, asked: Part, handler: Callable[[Call, Request], Any]) -> Element:
    value = _object(call, _need(asked, "sObjectType"))
    span = {"start": _need(asked, "startDate"), "end": _need(asked, "endDate")}
    reply: Reply = await handler(call, Request({"name": value.name}, span))
    found: Element = {}
    for name, content in reply.body.items():
        if name == "deletedRecords":
            found[name] = [{key: _plain(text) for key, text in row.items()} for row in content]
        else:
            found[name] = _plain(content)
    return {"result": found}


@operation("getUpdated")
async def get_updated(call: Call, asked: Part) -> Any:
    """`getUpdated(sObjectType, startDate, endDate)`."""
    return await _in_span(call, asked, rest.updated)


@operation("getDeleted")
async def get_deleted(call: Call, asked: Part) -> Any:
    """`getDeleted(sObjectType, startDate, endDate)`."""
    return await _in_span(call, asked, rest.deleted)
