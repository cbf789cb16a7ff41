"""REST resources about events: which objects are selected, what events look like, what may still be delivered."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from starlette.requests import Request as HttpRequest
from starlette.responses import Response
from starlette.routing import Route

from ..access.questions import rights
from ..console import Visit, answering
from ..errors import Fault, not_found
from ..fields import field
from ..metadata import ObjectType
from ..rest import ALLOCATIONS, DESCRIBED, Call, Reply, Request, route
from ..setup import administering, body_of
from ..web import json_response
from .channels import (
    MAX_SELECTED,
    STANDARD_CHANNEL,
    Member,
    can_be_selected,
    deselect,
    event_name,
    may_know,
    members,
    object_of_event,
    schema_with_id,
    select,
)
from .hub import events_of_org
from .shape import Shape, parts_of

_MEMBER = "tooling/sobjects/PlatformEventChannelMember"


def _administrator(call: Call) -> None:
    if not call.caller.administrator:
        raise Fault("INSUFFICIENT_ACCESS", "This needs the permission Customize Application", status=403)


def _shown(call: Call, member: Member) -> dict[str, Any]:
    value = call.catalogue.whole.objects.get(member.object_name)
    entity = event_name(value) if value else member.object_name
    return {
        "attributes": {"type": "PlatformEventChannelMember", "url": f"{call.base}/{_MEMBER}/{member.id}"},
        "Id": member.id,
        "DeveloperName": member.full_name,
        "FullName": member.full_name,
        "EventChannel": member.channel,
        "SelectedEntity": entity,
        "Metadata": {"eventChannel": member.channel, "selectedEntity": entity, "enrichedFields": [],
                     "filterExpression": None},
    }  # fmt: skip


@route("POST", _MEMBER, writes=True, lacks="no filterExpression, no enrichedFields")
async def add_member(call: Call, request: Request) -> Reply:
    """Selects an object for a channel of change events: 201."""
    _administrator(call)
    body = request.body_object()
    about: Any = body.get("Metadata")
    name = body.get("FullName")
    if not isinstance(about, dict) or not (name is None or isinstance(name, str)):
        raise Fault("INVALID_INPUT", "FullName must be text and Metadata an object")
    given: dict[str, Any] = about
    for key in ("filterExpression", "enrichedFields"):
        if given.get(key):
            raise Fault("FUNCTIONALITY_NOT_ENABLED", f"{key} is not available in this org")
    member = await select(
        call.conn,
        call.catalogue,
        call.org.instance,
        str(given.get("eventChannel", "")),
        str(given.get("selectedEntity", "")),
        name,
    )
    call.org.wake("events")
    return Reply(201, {"id": member.id, "success": True, "errors": []})


async def _member(call: Call, member_id: str) -> Member:
    found = next((one for one in await members(call.conn) if one.id[:15] == member_id[:15]), None)
    if found is None:
        raise not_found()
    return found


@route("GET", _MEMBER + "/{id}")
async def read_member(call: Call, request: Request) -> Reply:
    """One selected object."""
    _administrator(call)
    return Reply(body=_shown(call, await _member(call, request.path["id"])))


@route("DELETE", _MEMBER + "/{id}", writes=True)
async def remove_member(call: Call, request: Request) -> Reply:
    """Takes an object off its channel: 204."""
    _administrator(call)
    await deselect(call.conn, call.catalogue, await _member(call, request.path["id"]))
    return Reply(204)


@route("GET", _MEMBER)
async def list_members(call: Call, request: Request) -> Reply:
    """All selected objects."""
    _administrator(call)
    found = [_shown(call, member) for member in await members(call.conn)]
    return Reply(body={"size": len(found), "totalSize": len(found), "done": True, "records": found})


# -- what events look like -----------------------------------------------------------------------------------


async def _shape_named(call: Call, name: str) -> Shape:
    shapes = await events_of_org(call.org).shapes(call.conn, call.catalogue)
    value = object_of_event(call.catalogue, name)
    shape = shapes.platform(name) if value is None else shapes.change(value)
    if shape is None or not may_know(call.caller, shape):
        raise not_found()
    return shape


@route("GET", "sobjects/{name}/eventSchema")
async def schema_of_event(call: Call, request: Request) -> Reply:
    """An event's Avro schema, by the event's name."""
    return Reply(body=_with_id(await _shape_named(call, request.path["name"])))


def _with_id(shape: Shape) -> dict[str, Any]:
    return {**json.loads(shape.definition), "uuid": shape.id}


@route("GET", "event/eventSchema/{id}")
async def schema_by_id(call: Call, request: Request) -> Reply:
    """An event's Avro schema, by the schema's id, as events carry it."""
    shapes = await events_of_org(call.org).shapes(call.conn, call.catalogue)
    found = await schema_with_id(call.conn, shapes, call.caller, request.path["id"])
    if found is None:
        raise not_found()
    return Reply(body={**json.loads(found), "uuid": request.path["id"]})


def _event_object(call: Call, name: str) -> ObjectType | None:
    """An object's change events as an object of their own, which can be described and not queried."""
    value = next(
        (one for one in call.catalogue.whole.objects.values() if event_name(one).lower() == name.lower()),
        None,
    )
    if value is None or not can_be_selected(value) or not rights(call.caller, value).read:
        return None
    visible = call.catalogue.objects[value.name].fields
    fields = [
        replace(value.fields["Id"], label="Change Event ID", label_ja="変更イベント ID"),
        field("ReplayId", "string", "Replay ID", "再生 ID", 1000, createable=False, updateable=False),
        field("ChangeEventHeader", "textarea", "Change Event Header", "変更イベントヘッダー", createable=False,
              updateable=False),
        *(replace(visible[part.name], createable=False, updateable=False, required=False)
          for part in parts_of(value) if part.name in visible),
    ]  # fmt: skip
    return replace(
        value,
        name=event_name(value),
        label=f"Change Event: {value.label}",
        label_plural=f"Change Event: {value.label}",
        label_ja=f"変更イベント: {value.label_in('ja')}",
        label_plural_ja=None,
        kind="platform_event",
        createable=False,
        updateable=False,
        deletable=False,
        searchable=False,
        record_types=(),
        fields={item.name: item for item in fields},
    )


DESCRIBED.append(_event_object)


async def _deliveries(call: Call) -> dict[str, dict[str, int]]:
    usage = events_of_org(call.org).usage
    if not call.conn.is_in_transaction():
        await usage.sync(call.conn)
    return {
        "DailyDeliveredPlatformEvents": {
            "Max": usage.maximum,
            "Remaining": max(usage.maximum - usage.used, 0),
        }
    }


ALLOCATIONS.append(_deliveries)


# -- Set-up --------------------------------------------------------------------------------------------------


async def _selection(visit: Visit) -> dict[str, Any]:
    found = [member for member in await members(visit.conn) if member.channel == STANDARD_CHANNEL]
    chosen = {member.object_name for member in found}
    available = [
        {"name": value.name, "label": value.label_in(visit.language), "selected": value.name in chosen}
        for value in visit.call.catalogue.whole.objects.values()
        if can_be_selected(value)
    ]
    return {"most": MAX_SELECTED, "objects": sorted(available, key=lambda item: str(item["label"]).lower())}


@answering
async def read_selection(request: HttpRequest) -> Response:
    """Which objects' changes are told on `/data/ChangeEvents`, and which could be."""
    async with administering(request) as visit:
        return json_response(await _selection(visit))


@answering
async def write_selection(request: HttpRequest) -> Response:
    """Selects exactly the objects of `{"objects": [...]}`."""
    body = await body_of(request)
    names: Any = body.get("objects")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise Fault("INVALID_INPUT", "objects must be a list of names")
    wanted: set[str] = set(names)
    async with administering(request) as visit, visit.conn.transaction():
        catalogue = visit.call.catalogue
        for member in await members(visit.conn):
            if member.channel == STANDARD_CHANNEL and member.object_name not in wanted:
                await deselect(visit.conn, catalogue, member)
        for name in sorted(wanted):
            value = catalogue.whole.objects.get(name)
            entity = event_name(value) if value else name
            await select(visit.conn, catalogue, visit.call.org.instance, STANDARD_CHANNEL, entity)
        selection = await _selection(visit)
    visit.call.org.wake("events")
    return json_response(selection)


_SELECTION = "/console/api/setup/change-events"
ROUTES = [
    Route(_SELECTION, read_selection, methods=["GET"]),
    Route(_SELECTION, write_selection, methods=["PUT"]),
]
