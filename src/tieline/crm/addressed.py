"""Records addressed in other ways than by their id: by external id, and along a relationship.

`/sobjects/Contact/{id}/Account` and `/sobjects/X/Key__c/{value}` have one shape; the second part tells which
is meant, because no field is named like an id of the object.
"""

from __future__ import annotations

from typing import Any

from .access.questions import rights
from .errors import Fault, no_such_column, not_found
from .ids import parse_id
from .metadata import Field, ObjectType, child_relationship
from .query.running import run_query
from .rest import Call, Reply, Request, one, record_id_of, record_reply, route


def external_key(value: ObjectType, name: str) -> Field:
    """The field a record may be addressed by. NOT_FOUND otherwise."""
    item = value.get(name)
    if item is None or not (item.external_id or item.type == "id"):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return item


def _addresses(call: Call, value: ObjectType, ids: list[str]) -> list[str]:
    return [f"{call.base}/sobjects/{value.name}/{record_id}" for record_id in ids]


@route("GET", "sobjects/{name}/{field}/{value}", lacks="no blob fields")
async def read_by_external_id(call: Call, request: Request) -> Reply:
    """A record by external id, 300 with all when several match; or what a record is related to."""
    value = call.records.object(request.path["name"])
    if _is_record(value, request.path["field"]):
        return await _read_related(call, value, request)
    matches = await call.records.matches(
        value, external_key(value, request.path["field"]), request.path["value"]
    )
    if not matches:
        raise not_found()
    if len(matches) > 1:
        return Reply(300, _addresses(call, value, matches))
    return await record_reply(call, value, matches[0], request)


@route("POST", "sobjects/{name}/{field}", writes=True)
async def create_by_id_field(call: Call, request: Request) -> Reply:
    """`sobjects/X/Id`: makes a record, as upserting without an id does: 201."""
    value = call.records.object(request.path["name"])
    if external_key(value, request.path["field"]).type != "id":
        raise Fault("METHOD_NOT_ALLOWED", "HTTP Method 'POST' not allowed. Allowed are PATCH", status=405)
    saved = one(await call.records.create(value, [request.body_object()]))
    return Reply(201, {"id": saved.id, "success": True, "errors": list[Any](), "created": True})


@route("PATCH", "sobjects/{name}/{field}/{value}", writes=True)
async def upsert(call: Call, request: Request) -> Reply:
    """Changes the record with an external id or makes it: 200 or 201; 300 when several match."""
    value = call.records.object(request.path["name"])
    if _is_record(value, request.path["field"]):
        return await _change_related(call, value, request)
    key = external_key(value, request.path["field"])
    raw: Any = request.path["value"]
    update_only = request.query.get("updateOnly", "").lower() == "true"
    results = await call.records.upsert(value, key, [(raw, request.body_object())], update_only=update_only)
    if results[0].faults and results[0].faults[0].status == 300:
        matches = await call.records.matches(value, key, raw)
        return Reply(300, _addresses(call, value, matches))
    saved = one(results)
    body = {"id": saved.id, "success": True, "errors": list[Any](), "created": saved.created}
    return Reply(201 if saved.created else 200, body)


@route("DELETE", "sobjects/{name}/{field}/{value}", writes=True)
async def delete_by_external_id(call: Call, request: Request) -> Reply:
    """Deletes the record with an external id: 204."""
    value = call.records.object(request.path["name"])
    if _is_record(value, request.path["field"]):
        return await _remove_related(call, value, request)
    matches = await call.records.matches(
        value, external_key(value, request.path["field"]), request.path["value"]
    )
    if len(matches) != 1:
        raise not_found()
    one(await call.records.delete(value, matches))
    return Reply(204)


# -- along a relationship ------------------------------------------------------------------------------------


def _is_record(value: ObjectType, part: str) -> bool:
    return value.get(part) is None and (parse_id(part) or "")[:3] == value.key_prefix


async def _parent_id(call: Call, value: ObjectType, reference: Field, raw_id: str) -> str:
    """The id that a record's lookup holds. NOT_FOUND where record or value is missing."""
    record_id = record_id_of(raw_id)
    row = (await call.records.fetch(value, [record_id], [value.fields["Id"], reference])).get(record_id)
    if row is None or row[reference.name] is None:
        raise not_found()
    return str(row[reference.name])


async def _parent(call: Call, value: ObjectType, request: Request) -> tuple[ObjectType, str]:
    reference = value.by_relationship.get(request.path["value"].lower())
    if reference is None:
        raise not_found()
    parent_id = await _parent_id(call, value, reference, request.path["field"])
    target = call.catalogue.of_id(parent_id)
    if target is None or not rights(call.caller, target).read:
        raise not_found()
    return target, parent_id


async def _read_related(call: Call, value: ObjectType, request: Request) -> Reply:
    """The record a lookup points to, or the records whose lookups point here."""
    name = request.path["value"].lower()
    if name in value.by_relationship:
        target, parent_id = await _parent(call, value, request)
        return await record_reply(call, target, parent_id, request)
    for child, reference in call.catalogue.children.get(value.name, []):
        if (child_relationship(child, reference) or "").lower() == name and rights(call.caller, child).read:
            break
    else:
        raise not_found()
    record_id = record_id_of(request.path["field"])
    if record_id not in await call.records.fetch(value, [record_id], [value.fields["Id"]]):
        raise not_found()
    asked = [part.strip() for part in request.query.get("fields", "").split(",") if part.strip()]
    for part in asked:
        if child.get(part) is None:
            raise no_such_column(part, child.name)
    names = ", ".join(asked or child.fields)
    return Reply(
        body=await run_query(
            call.conn,
            call.catalogue,
            call.caller,
            f"SELECT {names} FROM {child.name} WHERE {reference.name} = '{record_id}'",  # noqa: S608
            version=call.version,
            batch=call.batch,
        )
    )


async def _change_related(call: Call, value: ObjectType, request: Request) -> Reply:
    target, parent_id = await _parent(call, value, request)
    one(await call.records.update(target, [(parent_id, request.body_object())]))
    return Reply(204)


async def _remove_related(call: Call, value: ObjectType, request: Request) -> Reply:
    target, parent_id = await _parent(call, value, request)
    one(await call.records.delete(target, [parent_id]))
    return Reply(204)
