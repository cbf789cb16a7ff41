"""Messages of the Pub/Sub API, `eventbus.v1`, as protocol buffers.

Written down as a table: field names and numbers are those of the published interface, which are what goes over the
wire. Fields that Salesforce keeps for itself are left out; a client that sends them is understood all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

PACKAGE = "eventbus.v1"
SERVICE = f"{PACKAGE}.PubSub"
LATEST, EARLIEST, CUSTOM = 0, 1, 2
"""Values of `ReplayPreset`."""
PUBLISH_FAILED = 1
"""`ErrorCode` of an event that was not published."""

_KINDS = {"string": 9, "bytes": 12, "bool": 8, "int32": 5}
_MESSAGES: Mapping[str, tuple[tuple[str, str, int], ...]] = {
    "TopicRequest": (("topic_name", "string", 1),),
    "TopicInfo": (
        ("topic_name", "string", 1), ("tenant_guid", "string", 2), ("can_publish", "bool", 3),
        ("can_subscribe", "bool", 4), ("schema_id", "string", 5), ("rpc_id", "string", 6),
    ),
    "SchemaRequest": (("schema_id", "string", 1),),
    "SchemaInfo": (("schema_json", "string", 1), ("schema_id", "string", 2), ("rpc_id", "string", 3)),
    "EventHeader": (("key", "string", 1), ("value", "bytes", 2)),
    "ProducerEvent": (
        ("id", "string", 1), ("schema_id", "string", 2), ("payload", "bytes", 3), ("headers", "*EventHeader", 4),
    ),
    "ConsumerEvent": (("event", "ProducerEvent", 1), ("replay_id", "bytes", 2)),
    "Error": (("code", "ErrorCode", 1), ("msg", "string", 2)),
    "PublishResult": (("replay_id", "bytes", 1), ("error", "Error", 2), ("correlation_key", "string", 3)),
    "PublishRequest": (("topic_name", "string", 1), ("events", "*ProducerEvent", 2)),
    "PublishResponse": (("results", "*PublishResult", 1), ("schema_id", "string", 2), ("rpc_id", "string", 3)),
    "FetchRequest": (
        ("topic_name", "string", 1), ("replay_preset", "ReplayPreset", 2), ("replay_id", "bytes", 3),
        ("num_requested", "int32", 4),
    ),
    "FetchResponse": (
        ("events", "*ConsumerEvent", 1), ("latest_replay_id", "bytes", 2), ("rpc_id", "string", 3),
        ("pending_num_requested", "int32", 4),
    ),
}  # fmt: skip
_ENUMS = {"ErrorCode": ("UNKNOWN", "PUBLISH", "COMMIT"), "ReplayPreset": ("LATEST", "EARLIEST", "CUSTOM")}


def _classes() -> Mapping[str, Any]:
    file = descriptor_pb2.FileDescriptorProto(name="tieline/eventbus.proto", package=PACKAGE, syntax="proto3")
    for name, values in _ENUMS.items():
        kind = file.enum_type.add(name=name)
        for number, value in enumerate(values):
            kind.value.add(name=value, number=number)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field_name, kind_name, number in fields:
            bare = kind_name.removeprefix("*")
            field: Any = message.field.add(
                name=field_name, number=number, label=3 if bare != kind_name else 1
            )
            if bare in _KINDS:
                field.type = _KINDS[bare]
            else:
                field.type = 14 if bare in _ENUMS else 11
                field.type_name = f".{PACKAGE}.{bare}"
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        for name in _MESSAGES
    }


CLASSES = _classes()
"""Message classes by name; their attributes are the fields of the table."""


def replay_bytes(replay_id: int) -> bytes:
    """A place in the stream as subscribers keep it."""
    return replay_id.to_bytes(8, "big")


def replay_number(raw: bytes) -> int | None:
    """The place that a subscriber kept; None where it is none of ours."""
    number = int.from_bytes(raw, "big") if len(raw) == 8 else -1
    return number if 0 <= number < 2**63 else None
