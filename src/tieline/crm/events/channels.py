"""Which changes are told, on which channels, and to whom.

Members are the pairs of a channel and an object; an object that is a member of any channel is watched. A topic is
what a subscriber names, such as `/data/AccountChangeEvent`; a stream is what events are filed under.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..access.questions import Caller, rights, visible_part
from ..errors import Fault
from ..ids import make_id
from ..metadata import Catalogue, ObjectType
from ..schema import bump
from .shape import Shape
from .tables import CHANNEL, settle

STANDARD_CHANNEL = "ChangeEvents"
MAX_SELECTED = 5
_CHANNEL_NAME = re.compile(r"ChangeEvents|[A-Za-z](?:_?[A-Za-z0-9]){0,39}__chn")
_FULL_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9]){0,99}")


@dataclass(frozen=True, slots=True)
class Member:
    """One object on one channel."""

    id: str
    full_name: str
    channel: str
    object_name: str


def event_name(value: ObjectType) -> str:
    """What an object's change events are called: `AccountChangeEvent`, `Employee__ChangeEvent`."""
    if value.name.endswith("__c"):
        return value.name.removesuffix("c") + "ChangeEvent"
    return f"{value.name}ChangeEvent"


def object_of_event(catalogue: Catalogue, name: str) -> ObjectType | None:
    """The object whose change events have this name, where it can have any."""
    if not name.endswith("ChangeEvent"):
        return None
    base = name.removesuffix("ChangeEvent")
    value = catalogue.whole.objects.get(f"{base}c" if base.endswith("__") else base)
    return value if value is not None and can_be_selected(value) else None


def can_be_selected(value: ObjectType) -> bool:
    """Whether an object's changes can be told: people's records and users, not the org's furniture."""
    return value.name == "User" or (not value.setup and value.kind in ("standard", "custom"))


# -- selection -----------------------------------------------------------------------------------------------


async def members(conn: Any) -> list[Member]:
    """All members, by name."""
    rows = await conn.fetch(
        "SELECT id, full_name, channel, object_name FROM meta.event_member ORDER BY lower(full_name)"
    )
    return [Member(**dict(row)) for row in rows]


async def select(
    conn: Any, catalogue: Catalogue, instance: str, channel: str, entity: str, full_name: str | None = None
) -> Member:
    """Puts an object on a channel, once. A `Fault` where it cannot be, or where there are five already.

    `entity` is the name of its change events. Runs in the caller's transaction.
    """
    value = object_of_event(catalogue, entity)
    if value is None:
        raise Fault("INVALID_INPUT", f"selectedEntity: {entity[:80]} is not an entity that can be selected")
    if not _CHANNEL_NAME.fullmatch(channel):
        raise Fault("INVALID_INPUT", f"eventChannel: {channel[:80]} must be ChangeEvents or end with __chn")
    name = full_name or f"{channel.removesuffix('__chn')}_{entity.replace('__', '_')}"
    if not _FULL_NAME.fullmatch(name):
        raise Fault("INVALID_INPUT", f"FullName: {name[:80]} is not a valid developer name")
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('event members', 0))")
    known = await members(conn)
    for member in known:
        if (member.channel, member.object_name) == (channel, value.name):
            return member
        if member.full_name.lower() == name.lower():
            raise Fault("DUPLICATE_DEVELOPER_NAME", f"The name {name} is already in use", fields=["FullName"])
    objects = {member.object_name for member in known}
    if value.name not in objects and len(objects) >= MAX_SELECTED:
        raise Fault(
            "LIMIT_EXCEEDED", f"No more than {MAX_SELECTED} entities can be selected for change events"
        )
    number = await conn.fetchval("SELECT nextval('meta.record_number')")
    member = Member(make_id("0v8", instance, number), name, channel, value.name)
    await conn.execute(
        "INSERT INTO meta.event_member (id, full_name, channel, object_name) VALUES ($1, $2, $3, $4)",
        member.id,
        member.full_name,
        member.channel,
        member.object_name,
    )
    await _changed(conn, catalogue)
    return member


async def deselect(conn: Any, catalogue: Catalogue, member: Member) -> None:
    """Takes an object off a channel. What was told already stays."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('event members', 0))")
    await conn.execute("DELETE FROM meta.event_member WHERE id = $1", member.id)
    await _changed(conn, catalogue)


async def _changed(conn: Any, catalogue: Catalogue) -> None:
    await settle(conn, {value.name: value.table for value in catalogue.whole.objects.values()})
    await bump(conn)
    await conn.execute("SELECT pg_notify($1, 'members')", CHANNEL)


# -- topics --------------------------------------------------------------------------------------------------


class TopicRefused(Exception):
    """A topic that does not exist (`missing`), or that its user may not hear."""

    def __init__(self, message: str, *, missing: bool):
        super().__init__(message)
        self.message = message
        self.missing = missing


@dataclass(frozen=True, slots=True)
class Topic:
    """What one user hears under one name: the shapes of its events by stream, with the fields the user may see."""

    name: str
    shapes: Mapping[str, Shape]
    seen: Mapping[str, frozenset[str]]

    @property
    def streams(self) -> frozenset[str]:
        """Where its events are filed."""
        return frozenset(self.shapes)


class Shapes:
    """Shapes of one catalogue, made once each."""

    def __init__(self, catalogue: Catalogue, found: list[Member]):
        self.catalogue = catalogue.whole
        self.members = [member for member in found if member.object_name in self.catalogue.objects]
        self._made: dict[str, Shape] = {}

    def change(self, value: ObjectType) -> Shape:
        """Of an object's change events."""
        name = event_name(value)
        if name not in self._made:
            self._made[name] = Shape(name, value, "change")
        return self._made[name]

    def platform(self, name: str) -> Shape | None:
        """Of a platform event, by its exact name."""
        value = self.catalogue.objects.get(name)
        if value is None or value.kind != "platform_event":
            return None
        if name not in self._made:
            self._made[name] = Shape(name, value, "platform")
        return self._made[name]

    def all(self) -> list[Shape]:
        """Of everything that could be told."""
        found: list[Shape] = []
        for value in self.catalogue.objects.values():
            shape = self.change(value) if can_be_selected(value) else self.platform(value.name)
            if shape is not None:
                found.append(shape)
        return found

    def topic(self, name: str, caller: Caller) -> Topic:
        """The topic of that name, which is case-sensitive, for a user. TopicRefused otherwise."""
        kind, _, rest = name.removeprefix("/").partition("/")
        if not name.startswith("/") or "/" in rest or not rest:
            raise TopicRefused(f"The topic {name[:120]} does not exist", missing=True)
        if kind == "event" and (shape := self.platform(rest)) is not None:
            if not rights(caller, shape.value).read:
                raise TopicRefused(f"You have no right to read {rest}", missing=False)
            return self._heard(name, [shape], caller)
        if kind == "data":
            return self._data(name, rest, caller)
        raise TopicRefused(f"The topic {name[:120]} does not exist", missing=True)

    def _data(self, name: str, rest: str, caller: Caller) -> Topic:
        value = object_of_event(self.catalogue, rest)
        if value is not None:
            if not hears(caller, value):
                raise TopicRefused(f"You have no right to hear changes of {value.name}", missing=False)
            return self._heard(name, [self.change(value)], caller)
        found = [member for member in self.members if member.channel == rest]
        if not found and rest != STANDARD_CHANNEL:
            raise TopicRefused(f"The topic {name[:120]} does not exist", missing=True)
        # A mixed channel says nothing of what its user may not hear.
        values = [self.catalogue.objects[member.object_name] for member in found]
        return self._heard(name, [self.change(value) for value in values if hears(caller, value)], caller)

    def _heard(self, name: str, shapes: list[Shape], caller: Caller) -> Topic:
        visible = visible_part(self.catalogue, caller).objects
        seen = {
            shape.topic: frozenset(visible[shape.value.name].fields if shape.value.name in visible else ())
            for shape in shapes
        }
        return Topic(name, {shape.topic: shape for shape in shapes}, seen)


def hears(caller: Caller, value: ObjectType) -> bool:
    """Whether a user may be told of changes to any record of an object: change events know no sharing."""
    if value.name == "User":
        return caller.may("ViewAllUsers") or caller.may("ManageUsers")
    if value.name in ("Task", "Event"):
        return caller.may("ViewAllData")
    granted = rights(caller, value)
    return granted.read and granted.view_all


def may_know(caller: Caller, shape: Shape) -> bool:
    """Whether a user may know what an event is made of: who may hear it."""
    return hears(caller, shape.value) if shape.kind == "change" else rights(caller, shape.value).read


async def keep_schemas(conn: Any, topic: Topic) -> None:
    """Keeps the schemas of a topic's events for those who ask for them when the objects have changed."""
    await conn.executemany(
        "INSERT INTO meta.event_schema (id, topic, definition) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [(shape.id, shape.topic, shape.definition) for shape in topic.shapes.values()],
    )


async def schema_with_id(conn: Any, shapes: Shapes, caller: Caller, schema_id: str) -> str | None:
    """The text of a schema that the org has or has had; None where there is none that the user may know."""
    everything = shapes.all()
    for shape in everything:
        if shape.id == schema_id:
            return shape.definition if may_know(caller, shape) else None
    kept = await conn.fetchrow(
        "SELECT topic, definition FROM meta.event_schema WHERE id = $1", schema_id[:100]
    )
    shape = next((one for one in everything if kept is not None and one.topic == kept["topic"]), None)
    return kept["definition"] if kept is not None and shape is not None and may_know(caller, shape) else None
