"""`composite/batch` and `composite/tree`: requests that stand side by side, records that hang together.

A batch undoes nothing: each of its requests is kept or refused alone. A tree is kept whole or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .composite import MAX_RECORDS, MAX_SUBREQUESTS
from .errors import Fault, not_found
from .metadata import Field, ObjectType, child_relationship
from .rest import MAX_VERSION, MIN_VERSION, Call, Reply, Request, dispatch, route, split_url

MAX_TYPES = 5
MAX_DEPTH = 5
_URL = re.compile(r"/*(?:services/data/)?v(\d\d)\.0/(.+)")


# -- batch ---------------------------------------------------------------------------------------------------


@route("POST", "composite/batch")
async def batch(call: Call, request: Request) -> Reply:
    """Up to 25 requests one after the other; with haltOnError those after a failure are not carried out."""
    body = request.body_object()
    raw = body.get("batchRequests")
    if not isinstance(raw, list) or not raw:
        raise Fault("JSON_PARSER_ERROR", "batchRequests must be a list with at least one request")
    entries: list[Any] = raw
    if len(entries) > MAX_SUBREQUESTS:
        raise Fault("LIMIT_EXCEEDED", f"The number of batch requests cannot be more than {MAX_SUBREQUESTS}")
    for entry in entries:
        if not isinstance(entry, dict):
            raise Fault("JSON_PARSER_ERROR", "a batch request must be a JSON object")
        given: dict[str, Any] = entry
        if not isinstance(given.get("method"), str) or not isinstance(given.get("url"), str):
            raise Fault("INVALID_INPUT", "method and url are required in each batch request")
    halts = body.get("haltOnError") is True
    results: list[dict[str, Any]] = []
    failed = False
    for entry in entries:
        if failed and halts:
            halted = Fault(
                "BATCH_PROCESSING_HALTED", "Batch processing halted by request after an error", status=412
            )
            reply = Reply(halted.status, [halted.as_row()])
        else:
            reply = await _one(call, entry)
        failed = failed or reply.status >= 400
        results.append({"statusCode": reply.status, "result": reply.body})
    # Each request of a batch counts against the daily limit; the batch itself has been counted already.
    call.org.usage.add(len(entries) - 1)
    return Reply(body={"hasErrors": failed, "results": results})


async def _one(call: Call, entry: Mapping[str, Any]) -> Reply:
    found = _URL.fullmatch(entry["url"])
    if not found or not MIN_VERSION <= int(found.group(1)) <= MAX_VERSION:
        fault = not_found()
        return Reply(fault.status, [fault.as_row()])
    path, query = split_url(call, f"/services/data/v{found.group(1)}.0/{found.group(2)}")
    if path.startswith("composite"):
        fault = Fault("INVALID_INPUT", "This resource cannot be a part of a batch")
        return Reply(fault.status, [fault.as_row()])
    if (fault := call.row_fault()) is not None:
        return Reply(fault.status, [fault.as_row()])
    return await dispatch(call, entry["method"].upper(), path, query, entry.get("richInput"))


# -- tree ----------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Node:
    """One record of a tree, its parent, and by which field it points there."""

    reference_id: str
    value: ObjectType
    fields: dict[str, Any]
    parent: _Node | None
    reference: Field | None
    record_id: str = ""
    children: list[_Node] = field(default_factory=list["_Node"])


class _Tree:
    """The records of a request in the order in which they can be made."""

    def __init__(self, call: Call):
        self.call = call
        self.nodes: list[_Node] = []
        self.types: set[str] = set()
        self.ids: set[str] = set()

    def read(
        self, raw: Any, value: ObjectType, parent: _Node | None, reference: Field | None, depth: int
    ) -> None:
        """Checks a list of records and what hangs on them."""
        if not isinstance(raw, list) or not raw:
            raise Fault("INVALID_INPUT", "records must be a list with at least one record")
        if depth > MAX_DEPTH:
            raise Fault("INVALID_INPUT", f"A tree cannot be deeper than {MAX_DEPTH}")
        records: list[Any] = raw
        self.types.add(value.name)
        if len(self.types) > MAX_TYPES:
            raise Fault("INVALID_INPUT", f"A tree cannot have more than {MAX_TYPES} types of records")
        for item in records:
            if not isinstance(item, dict):
                raise Fault("JSON_PARSER_ERROR", "a record must be a JSON object")
            record: dict[str, Any] = item
            about: Any = record.get("attributes")
            given: dict[str, Any] = about if isinstance(about, dict) else {}
            if str(given.get("type", "")).lower() != value.name.lower():
                raise Fault("INVALID_INPUT", f"attributes.type must be {value.name}")
            reference_id = given.get("referenceId")
            if not isinstance(reference_id, str) or not re.fullmatch(
                r"[A-Za-z0-9][A-Za-z0-9_]*", reference_id
            ):
                raise Fault("INVALID_INPUT", "Include a reference ID for each record in the request.")
            if reference_id in self.ids:
                raise Fault("INVALID_INPUT", f"Duplicate ReferenceId provided in the request: {reference_id}")
            self.ids.add(reference_id)
            node = _Node(reference_id, value, {}, parent, reference)
            self.nodes.append(node)
            if len(self.nodes) > MAX_RECORDS:
                raise Fault("INVALID_INPUT", f"A tree cannot have more than {MAX_RECORDS} records")
            for name, content in record.items():
                below = self._children(value, name) if isinstance(content, dict) else None
                if below is None:
                    node.fields[name] = content
                else:
                    nested: dict[str, Any] = content
                    self.read(nested.get("records"), *below[:1], node, below[1], depth + 1)

    def _children(self, value: ObjectType, name: str) -> tuple[ObjectType, Field] | None:
        for child, reference in self.call.catalogue.children.get(value.name, []):
            if (child_relationship(child, reference) or "").lower() == name.lower():
                return child, reference
        return None

    async def save(self) -> list[dict[str, Any]]:
        """Makes the records, layer by layer; answers what is wrong with those that are refused."""
        errors: list[dict[str, Any]] = []
        waiting = self.nodes
        while waiting and not errors:
            ready = [node for node in waiting if node.parent is None or node.parent.record_id]
            first = ready[0]
            layer = [node for node in ready if node.value.name == first.value.name]
            for node in layer:
                if node.parent is not None and node.reference is not None:
                    node.fields[node.reference.name] = node.parent.record_id
            saved = await self.call.records.create(first.value, [node.fields for node in layer])
            for node, result in zip(layer, saved, strict=True):
                fault = self.call.row_fault()
                faults = (fault,) if fault else result.faults
                if faults:
                    errors.append(
                        {
                            "referenceId": node.reference_id,
                            "errors": [item.as_save_error() for item in faults],
                        }
                    )
                node.record_id = result.id or ""
            waiting = [node for node in waiting if node not in layer]
        return errors


class _Refused(Exception):
    """Leaves the transaction without keeping anything."""


@route("POST", "composite/tree/{name}")
async def tree(call: Call, request: Request) -> Reply:
    """Makes up to 200 records that hang together, all or none: 201 with their ids."""
    plan = _Tree(call)
    plan.read(request.body_object().get("records"), call.records.object(request.path["name"]), None, None, 1)
    errors: list[dict[str, Any]] = []
    try:
        async with call.conn.transaction():
            errors = await plan.save()
            if errors:
                raise _Refused
    except _Refused:
        return Reply(400, {"hasErrors": True, "results": errors})
    results = [{"referenceId": node.reference_id, "id": node.record_id} for node in plan.nodes]
    return Reply(201, {"hasErrors": False, "results": results})
