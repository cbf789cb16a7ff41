"""How records look inside events: which fields there are, as JSON for CometD and as Avro for the Pub/Sub API.

A `Shape` belongs to one object at one state of the catalogue. What a user may not see is left out of an event's
content; the schema is the same for everybody.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Any, Literal

from ..metadata import Field, ObjectType

NAMESPACE = "com.sforce.eventbus"
CHANGE_TYPES = (
    "CREATE", "UPDATE", "DELETE", "UNDELETE", "GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW",
    "SNAPSHOT",
)  # fmt: skip
_NAME_PARTS = ("Salutation", "FirstName", "LastName")
_ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country")
_LEFT_OUT = frozenset({"Id", "IsDeleted", "SystemModstamp"})
_STRINGS = {"type": "array", "items": "string"}
_HEADER: dict[str, Any] = {
    "type": "record",
    "name": "ChangeEventHeader",
    "namespace": NAMESPACE,
    "fields": [
        {"name": "entityName", "type": "string"},
        {"name": "recordIds", "type": _STRINGS},
        {
            "name": "changeType",
            "type": {
                "type": "enum", "name": "ChangeType", "namespace": f"{NAMESPACE}.ChangeEventHeader",
                "symbols": list(CHANGE_TYPES),
            },
        },
        {"name": "changeOrigin", "type": "string"},
        {"name": "transactionKey", "type": "string"},
        {"name": "sequenceNumber", "type": "int"},
        {"name": "commitTimestamp", "type": "long"},
        {"name": "commitNumber", "type": "long"},
        {"name": "commitUser", "type": "string"},
        {"name": "nulledFields", "type": _STRINGS},
        {"name": "diffFields", "type": _STRINGS},
        {"name": "changedFields", "type": _STRINGS},
    ],
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """A place in an event's content: one field, or a compound of several."""

    name: str
    field: Field
    parts: tuple[tuple[str, Field], ...] = ()
    """For a compound: what each component is called inside, and its field."""


def _milliseconds(value: datetime) -> int:
    return int(value.timestamp() * 1000)


def _time_ms(text: str) -> int:
    value = time.fromisoformat(text)
    return ((value.hour * 60 + value.minute) * 60 + value.second) * 1000 + value.microsecond // 1000


_AVRO: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "boolean": ("boolean", bool),
    "int": ("int", int),
    "double": ("double", float),
    "currency": ("double", float),
    "percent": ("double", float),
    "datetime": ("long", lambda text: _milliseconds(datetime.fromisoformat(text))),
    "date": ("long", lambda text: _milliseconds(datetime.combine(date.fromisoformat(text), time(), UTC))),
    "time": ("long", _time_ms),
}
"""Avro type of each field type and how a stored value becomes one; every other type is a string."""


def as_json(item: Field, value: Any) -> Any:
    """A value of a row, which PostgreSQL has made JSON of, as CometD messages have it."""
    if value is None:
        return None
    if item.type == "datetime":
        moment = datetime.fromisoformat(value).astimezone(UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
    if item.type == "time":
        return f"{time.fromisoformat(value):%H:%M:%S}.000Z"
    if item.type in ("double", "currency", "percent"):
        return float(value)
    return value


def _as_avro(item: Field, value: Any) -> Any:
    if value is None:
        return None
    _, convert = _AVRO.get(item.type, ("string", str))
    return convert(value)


def parts_of(value: ObjectType) -> list[Part]:
    """The content of a change event, in the order of its schema."""
    inside = set(value.compound_of)
    person = value.person and value.name != "Account"
    if value.name == "Account":
        inside -= set(_NAME_PARTS)
    found: list[Part] = []
    for item in value.fields.values():
        if item.name in _LEFT_OUT or item.hidden or item.name in inside:
            continue
        if item.name == "Name" and person:
            named = tuple((name, value.fields[name]) for name in _NAME_PARTS if name in value.fields)
            found.append(Part("Name", item, named))
        elif item.components:
            named = tuple(
                (part, value.fields[name])
                for part, name in zip(_ADDRESS_PARTS, item.components, strict=False)
            )
            found.append(Part(item.name, item, named))
        elif not item.calculated:
            found.append(Part(item.name, item))
    return found


@dataclass(frozen=True)
class Shape:
    """The events of one object: `topic` is what the schema is called."""

    topic: str
    value: ObjectType
    kind: Literal["change", "platform"]

    @cached_property
    def parts(self) -> list[Part]:
        """Content of events, in the schema's order."""
        if self.kind == "change":
            return parts_of(self.value)
        return [Part(item.name, item) for item in self.value.fields.values() if item.custom]

    @cached_property
    def definition(self) -> str:
        """The Avro schema, as text."""
        first: list[dict[str, Any]]
        if self.kind == "change":
            first = [{"name": "ChangeEventHeader", "type": _HEADER}]
        else:
            first = [
                {"name": "CreatedDate", "type": "long", "doc": "CreatedDate:DateTime"},
                {"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"},
            ]
        names: set[str] = set()
        return json.dumps(
            {
                "name": self.topic,
                "namespace": NAMESPACE,
                "type": "record",
                "fields": [*first, *(_avro_field(part, names) for part in self.parts)],
            },
            separators=(",", ":"),
            ensure_ascii=False,
        )

    @cached_property
    def id(self) -> str:
        """The schema's fingerprint: the same text has the same id, in every org."""
        digest = hashlib.sha256(self.definition.encode()).digest()[:16]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    @cached_property
    def parsed(self) -> Any:
        """The schema as the Avro library wants it."""
        import fastavro

        return fastavro.parse_schema(json.loads(self.definition))

    # -- content

    def message(self, content: Mapping[str, Any], seen: Iterable[str]) -> dict[str, Any]:
        """An event's payload as CometD carries it: what changed and nothing else."""
        visible = frozenset(seen)
        fields: Mapping[str, Any] = content["fields"]
        payload: dict[str, Any] = {}
        for part in self.parts:
            if part.parts:
                inner = {
                    name: as_json(item, fields[item.name])
                    for name, item in part.parts
                    if item.name in fields and self._sees(part, item, visible)
                }
                if inner:
                    payload[part.name] = inner
            elif part.name in fields and part.name in visible:
                payload[part.name] = as_json(part.field, fields[part.name])
        if self.kind == "platform":
            return {"CreatedDate": as_iso(content["at"]), "CreatedById": content["user"]} | {
                part.name: payload.get(part.name) for part in self.parts
            }
        header = _header(content) | {
            name: self.named(content[name], visible) for name in ("changedFields", "nulledFields")
        }
        return {"ChangeEventHeader": header | {"diffFields": []}} | payload

    @staticmethod
    def _sees(part: Part, item: Field, visible: frozenset[str]) -> bool:
        return item.name in visible or part.name in visible

    def named(self, names: Sequence[str], visible: frozenset[str]) -> list[str]:
        """Fields by the names that events use for them."""
        found: list[str] = []
        wanted = set(names)
        for part in self.parts:
            if part.parts:
                found += [
                    f"{part.name}.{name}"
                    for name, item in part.parts
                    if item.name in wanted and self._sees(part, item, visible)
                ]
            elif part.name in wanted and part.name in visible:
                found.append(part.name)
        return found

    def encoded(self, content: Mapping[str, Any], seen: Iterable[str]) -> bytes:
        """An event's payload as the Pub/Sub API carries it: Avro, without the schema."""
        visible = frozenset(seen)
        fields: Mapping[str, Any] = content["fields"]
        record: dict[str, Any] = {}
        for part in self.parts:
            if part.parts:
                inner = {
                    name: _as_avro(item, fields.get(item.name))
                    for name, item in part.parts
                    if self._sees(part, item, visible)
                }
                record[part.name] = inner if any(value is not None for value in inner.values()) else None
            else:
                record[part.name] = (
                    _as_avro(part.field, fields.get(part.name)) if part.name in visible else None
                )
        if self.kind == "platform":
            record |= {"CreatedDate": content["at"], "CreatedById": content["user"]}
        else:
            bitmaps = {
                name: self.bitmap(content[name], visible) for name in ("changedFields", "nulledFields")
            }
            record["ChangeEventHeader"] = _header(content) | bitmaps | {"diffFields": []}
        import fastavro

        out = io.BytesIO()
        fastavro.schemaless_writer(out, self.parsed, record)
        return out.getvalue()

    def bitmap(self, names: Sequence[str], visible: frozenset[str]) -> list[str]:
        """Fields as bits over their places in the schema, the header's place included; parts of a compound follow
        as bits over the compound's own parts."""
        wanted = set(names)
        whole, nested = 0, list[str]()
        for place, part in enumerate(self.parts, start=1):
            if part.parts:
                bits = sum(
                    1 << inner
                    for inner, (_, item) in enumerate(part.parts)
                    if item.name in wanted and self._sees(part, item, visible)
                )
                if bits:
                    nested.append(f"{place}-0x{bits:X}")
            elif part.name in wanted and part.name in visible:
                whole |= 1 << place
        return [f"0x{whole:X}", *nested] if whole or nested else []

    def decoded(self, payload: bytes) -> dict[str, Any]:
        """What a publisher sent, by field. ValueError where it is not of this schema."""
        import fastavro  # only where the Pub/Sub API is served

        source = io.BytesIO(payload)
        try:
            record: Any = fastavro.schemaless_reader(source, self.parsed, None)
        except Exception as error:  # the library fails in as many ways as bytes can be wrong
            raise ValueError("the payload does not follow the schema") from error
        if source.read(1):
            raise ValueError("the payload is longer than its schema says")
        found: dict[str, Any] = record
        return {part.name: _from_avro(part.field, found.get(part.name)) for part in self.parts}


def as_iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def _from_avro(item: Field, value: Any) -> Any:
    if value is None or item.type not in ("datetime", "date", "time"):
        return value
    moment = datetime.fromtimestamp(value / 1000, UTC)
    if item.type == "date":
        return moment.date().isoformat()
    if item.type == "time":
        return f"{moment:%H:%M:%S}.{value % 1000:03d}Z"
    return moment.isoformat()


def _header(content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "entityName": content["entity"],
        "recordIds": content["ids"],
        "changeType": content["type"],
        "changeOrigin": content["origin"],
        "transactionKey": content["key"],
        "sequenceNumber": content["sequence"],
        "commitTimestamp": content["at"],
        "commitNumber": content["number"],
        "commitUser": content["user"],
    }


def _avro_field(part: Part, names: set[str]) -> dict[str, Any]:
    if not part.parts:
        kind = _AVRO.get(part.field.type, ("string", str))[0]
        return {"name": part.name, "type": ["null", kind], "doc": f"Data:{part.field.type}", "default": None}
    record = "PersonName" if part.name == "Name" else "Address"
    inside: Any = f"{NAMESPACE}.{record}"
    if record not in names:
        names.add(record)
        inside = {
            "type": "record",
            "name": record,
            "namespace": NAMESPACE,
            "fields": [{"name": name, "type": ["null", "string"], "default": None} for name, _ in part.parts],
        }
    return {"name": part.name, "type": ["null", inside], "doc": f"Data:{record}", "default": None}
