# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""PushTopics: named queries whose matching records are told over CometD, with the fields that the query selects.

A record is matched as it was when its transaction was committed, with the rights of nobody in particular; what a
subscriber may see of it is decided when it is handed over.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..access import sharing
from ..access.questions import Caller, rights, visible_part
from ..errors import Fault
from ..fields import field, name_field, object_type, pick, read_only
from ..metadata import Catalogue, Field, ObjectType
from ..query.compile import compile_query
from ..query.soql import parse
from ..query.soql_tree import Call, Comparison, Condition, Expression, Path, Query, Selected, Test, TypeOf
from ..saving.drafts import Draft, Saved
from ..schema import bump, create_object
from .channels import TopicRefused, can_be_selected
from .shape import as_iso, as_json
from .tables import CHANNEL, settle

NAME = "PushTopic"
PREFIX = "/topic/"
MAX_ACTIVE = 100
KEPT_S = 24 * 3600
MAX_EVENT = 1_000_000
"""Characters of an event's texts; of a larger one only the id is told."""
_FIRST_VERSION, _LAST_VERSION = 21, 66
_CALL_TYPES: Mapping[str, str] = {"Inbound": "1", "Internal": "0", "Outbound": "2"}
"""How PushTopics tell a task's CallType."""
Operation = Literal["created", "updated", "deleted", "undeleted"]
_OPERATIONS: Mapping[Operation, str] = {
    "created": "NotifyForOperationCreate",
    "updated": "NotifyForOperationUpdate",
    "deleted": "NotifyForOperationDelete",
    "undeleted": "NotifyForOperationUndelete",
}
_Row = Mapping[str, Any]

PUSH_TOPIC = object_type(NAME, "0IF", ("Push Topic", "Push Topics", "プッシュトピック"), [
    name_field(25, "Topic Name", "トピック名", unique=True),
    field("Query", "string", "SOQL Query", "SOQL クエリ", 1300, required=True),
    field("ApiVersion", "double", "API Version", "API バージョン", precision=3, scale=1, required=True),
    field("IsActive", "boolean", "Is Active", "有効", default=True),
    field("NotifyForFields", "picklist", "Notify For Fields", "通知対象の項目", 40, restricted=True,
          picklist=pick(("Select", "SELECT 句の項目"), ("Where", "WHERE 句の項目"), ("Referenced", "参照される項目"),
                        ("All", "すべての項目"), default="Referenced")),
    read_only("NotifyForOperations", "picklist", "Notify For Operations", "通知対象の操作", 40, calculated=True,
              picklist=pick(("Create", "作成"), ("Update", "更新"), ("All", "すべて"), ("Extended", "拡張"))),
    field("NotifyForOperationCreate", "boolean", "Notify For Create", "作成を通知", default=True),
    field("NotifyForOperationUpdate", "boolean", "Notify For Update", "更新を通知", default=True),
    field("NotifyForOperationDelete", "boolean", "Notify For Delete", "削除を通知", default=True),
    field("NotifyForOperationUndelete", "boolean", "Notify For Undelete", "復元を通知", default=True),
    field("Description", "string", "Description", "説明", 400),
    read_only("QueriedObject", "string", "Queried Object", "クエリのオブジェクト", 80, calculated=True, hidden=True),
], setup=True)  # fmt: skip
"""`QueriedObject` is the name of the object that the query is about, as the catalogue spells it."""


async def install(conn: Any) -> None:
    """Where PushTopics are kept, and an index over what is kept for a day only."""
    await create_object(conn, PUSH_TOPIC)
    await conn.execute("CREATE INDEX pushed_by_time ON meta.event (at) WHERE topic LIKE '/topic/%'")


# -- queries -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PushTopic:
    """One active PushTopic, ready to be matched."""

    id: str
    name: str
    value: ObjectType
    query: Query
    selected: tuple[str, ...]
    filtered: frozenset[str]
    notify_for: str
    operations: frozenset[Operation]

    @property
    def stream(self) -> str:
        """Where its events are filed; a new name changes nothing about that."""
        return PREFIX + self.id

    @property
    def noticed(self) -> frozenset[str] | None:
        """The fields of which one must have changed for a change to be told; None for any field."""
        match self.notify_for:
            case "All":
                return None
            case "Select":
                return frozenset(self.selected)
            case "Where":
                return self.filtered
            case _:
                return frozenset(self.selected) | self.filtered


def _refused(message: str) -> Fault:
    return Fault("INVALID_FIELD", message, fields=["Query"])


def _own(path: Path, query: Query, value: ObjectType) -> Field:
    """The field of the query's object that a path names."""
    parts = list(path.parts)
    own = {query.source.lower(), (query.sources[0].alias or query.source).lower()}
    if len(parts) == 2 and parts[0].lower() in own:
        parts = parts[1:]
    item = value.get(parts[0])
    if len(parts) > 1:
        raise _refused("relationships are not supported")
    if item is None or item.hidden:
        raise _refused(f"No such column '{parts[0]}' on entity '{value.name}'.")
    if not item.stored:
        raise _refused(f"The compound field {item.name} is not supported")
    return item


def _filtered(test: Test | None, query: Query, value: ObjectType) -> set[str]:
    if test is None:
        return set()
    if isinstance(test, Condition):
        if test.kind == "not":
            raise _refused("'NOT' is not supported")
        return {name for item in test.items for name in _filtered(item, query, value)}
    return {_filter(test, query, value).name}


def _filter(test: Comparison, query: Query, value: ObjectType) -> Field:
    if isinstance(test.value, Query):
        raise _refused("semi/anti join sub-selects are not supported")
    left: Expression | None = test.left
    while isinstance(left, Call):
        if left.aggregate:
            raise _refused("Aggregate queries are not supported")
        left = left.argument
    if left is None:
        raise _refused("functions without a field are not supported")
    return _own(left, query, value)


def _selected(query: Query, value: ObjectType) -> tuple[str, ...]:
    names: list[str] = []
    for item in query.select:
        if isinstance(item, Query):
            raise _refused("relationships are not supported")
        if isinstance(item, TypeOf):
            raise _refused("'TYPEOF' clause is not allowed")
        if not isinstance(item, Selected):
            raise _refused("FIELDS() is not supported")
        if isinstance(item.expression, Call):
            raise _refused(
                "Aggregate queries are not supported"
                if item.expression.aggregate
                else "functions in the SELECT clause are not supported"
            )
        names.append(_own(item.expression, query, value).name)
    if "Id" not in names:
        raise _refused("Id must be among the selected fields of the query")
    return tuple(dict.fromkeys(names))


def read_query(catalogue: Catalogue, text: str) -> tuple[ObjectType, Query, tuple[str, ...], frozenset[str]]:
    """A PushTopic's query: its object, its tree, the fields it selects and those it filters by.

    `Fault` where it is no SOQL (MALFORMED_QUERY), or has what no PushTopic may have (INVALID_FIELD).
    """
    query = parse(text)
    value = catalogue.get(query.source)
    if value is None or not can_be_selected(value) or len(query.sources) > 1:
        raise _refused(f"The object {query.source[:80]} cannot be the subject of a PushTopic")
    if query.group is not None:
        raise _refused("Aggregate queries are not supported")
    clauses = (
        (bool(query.order), "'ORDER BY' clause is not allowed"),
        (query.limit is not None, "'LIMIT' is not allowed"),
        (query.offset is not None, "'OFFSET' clause is not allowed"),
        (query.scope is not None, "'USING SCOPE' clause is not allowed"),
        (query.security is not None, "'WITH' clause is not allowed"),
        (query.all_rows or bool(query.purposes), "'FOR' and 'ALL ROWS' are not allowed"),
    )
    for there, message in clauses:
        if there:
            raise _refused(message)
    return value, query, _selected(query, value), frozenset(_filtered(query.where, query, value))


# -- saving --------------------------------------------------------------------------------------------------


async def check(
    conn: Any, visible: Catalogue, caller: Caller, drafts: Sequence[Draft], results: list[Saved | None]
) -> list[Draft]:
    """PushTopics that may be saved; the others are answered. Fills what the org itself writes of them."""
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('push topics', 0))")
    active: set[str] = {
        row["Id"]
        for row in await conn.fetch(
            f'SELECT "Id" FROM {PUSH_TOPIC.table} WHERE "IsActive" AND NOT "IsDeleted"'
        )
    }
    count = len(active)
    passed: list[Draft] = []
    for draft in drafts:
        try:
            _check(visible, caller, draft.row)
            was, is_ = draft.record_id in active, bool(draft.row.get("IsActive"))
            if is_ and not was and count >= MAX_ACTIVE:
                raise Fault("LIMIT_EXCEEDED", f"No more than {MAX_ACTIVE} PushTopics can be active")
            count += is_ - was
            passed.append(draft)
        except Fault as fault:
            results[draft.position] = Saved(faults=(fault,))
    return passed


def _check(visible: Catalogue, caller: Caller, row: dict[str, Any]) -> None:
    name, version = str(row.get("Name") or ""), row.get("ApiVersion")
    if any(sign in name for sign in "/*?"):
        raise Fault("FIELD_INTEGRITY_EXCEPTION", "Topic Name: / * ? are not allowed", fields=["Name"])
    if version is not None and not (_FIRST_VERSION <= version <= _LAST_VERSION and version == int(version)):
        raise Fault(
            "FIELD_INTEGRITY_EXCEPTION",
            f"API Version: must be one of {_FIRST_VERSION}.0 to {_LAST_VERSION}.0",
            fields=["ApiVersion"],
        )
    if row.get("NotifyForFields") is None:
        row["NotifyForFields"] = "Referenced"
    create, update = bool(row.get("NotifyForOperationCreate")), bool(row.get("NotifyForOperationUpdate"))
    names = {(True, True): "All", (True, False): "Create", (False, True): "Update"}
    row["NotifyForOperations"] = names.get((create, update), "Extended")
    if row.get("Query") is None:
        return  # said to be missing by those who look for that
    value, query, selected, filtered = read_query(visible, str(row["Query"]))
    compile_query(query, visible, caller)
    noticed = {"Select": set(selected), "Where": set(filtered)}.get(
        row["NotifyForFields"], {*selected, *filtered}
    )
    if row["NotifyForFields"] != "All" and not noticed - {"Id"}:
        raise _refused(f"NotifyForFields {row['NotifyForFields']} needs a field other than Id in the query")
    row["QueriedObject"] = value.name


async def follow(conn: Any, catalogue: Catalogue) -> None:
    """After PushTopics were written: what they are about is watched, and processes look at them anew."""
    await settle(conn, {value.name: value.table for value in catalogue.whole.objects.values()})
    await bump(conn)
    await conn.execute("SELECT pg_notify($1, 'members')", CHANNEL)


async def push_topics(conn: Any, catalogue: Catalogue) -> list[PushTopic]:
    """All active PushTopics whose queries still are what they were allowed to be."""
    found: list[PushTopic] = []
    for row in await conn.fetch(
        f'SELECT * FROM {PUSH_TOPIC.table} WHERE "IsActive" AND NOT "IsDeleted" ORDER BY "Id" LIMIT {MAX_ACTIVE}'
    ):
        try:
            value, query, selected, filtered = read_query(catalogue.whole, row["Query"])
        except Fault:
            continue  # a field or the object is gone; the topic tells of nothing until its query is mended
        operations: frozenset[Operation] = frozenset(
            operation for operation, name in _OPERATIONS.items() if row[name]
        )
        found.append(
            PushTopic(
                row["Id"], row["Name"], value, query, selected, filtered, row["NotifyForFields"], operations
            )
        )
    return found


# -- matching ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What a transaction did to one record, all in all."""

    object_name: str
    record_id: str
    before: _Row | None
    after: _Row
    origin: str

    @property
    def operation(self) -> Operation | None:
        """None where nothing is left of it."""
        gone = self.after.get("IsDeleted") is True
        was_gone = self.before is not None and self.before.get("IsDeleted") is True
        if gone:
            return None if self.before is None or was_gone else "deleted"
        if self.before is None:
            return "created"
        return "undeleted" if was_gone else "updated"


async def pushed(
    conn: Any, catalogue: Catalogue, topics: Iterable[PushTopic], changes: Sequence[Change], at: int
) -> list[tuple[str, dict[str, Any]]]:
    """Events of a transaction's changes, with the streams they are filed under. `at` in milliseconds."""
    events: list[tuple[str, dict[str, Any]]] = []
    by_object: dict[str, list[tuple[Operation, Change]]] = {}
    for change in changes:
        operation = change.operation
        if operation is not None:
            by_object.setdefault(change.object_name, []).append((operation, change))
    for topic in topics:
        candidates: list[tuple[Operation, Change]] = [
            (operation, change)
            for operation, change in by_object.get(topic.value.name, ())
            if operation in topic.operations and (operation != "updated" or _noticed(topic, change))
        ]
        matching = await _matching(conn, catalogue, topic, [change for _, change in candidates])
        for operation, change in candidates:
            if change.record_id in matching:
                events.append((topic.stream, _content(topic, operation, change, at)))
    return events


def _noticed(topic: PushTopic, change: Change) -> bool:
    before = change.before or {}
    noticed = topic.noticed
    return any(
        content != before.get(name)
        for name, content in change.after.items()
        if name in topic.value.fields
        and (name in noticed if noticed is not None else name != "SystemModstamp")
    )


async def _matching(
    conn: Any, catalogue: Catalogue, topic: PushTopic, changes: Sequence[Change]
) -> frozenset[str]:
    """Ids of the changed records that the query finds, were they as they became then."""
    if not changes or topic.query.where is None:
        return frozenset(change.record_id for change in changes)
    everybody = Caller("", "", "", "System Administrator", "en_US", "en_US", "UTC")
    compiled = compile_query(topic.query, catalogue.whole, everybody, deleted_too=True)
    rows = await conn.fetch(
        f'SELECT t."Id" FROM jsonb_populate_recordset(NULL::{topic.value.table}, ${len(compiled.params) + 1}::jsonb) t'
        f" WHERE {compiled.where}",
        *compiled.params,
        [dict(change.after) for change in changes],
    )
    return frozenset(row["Id"] for row in rows)


def _content(topic: PushTopic, operation: Operation, change: Change, at: int) -> dict[str, Any]:
    names = ("Id",) if operation == "deleted" else topic.selected
    fields = {name: change.after.get(name) for name in names}
    if sum(len(item) for item in fields.values() if isinstance(item, str)) > MAX_EVENT:
        fields = {"Id": change.record_id}
    return {"id": change.record_id, "type": operation, "at": at, "fields": fields}


# -- handing over --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pushed:
    """One subscription to a PushTopic. What its user may see is looked up at every hand-over."""

    topic_id: str
    streams: frozenset[str]


def heard(catalogue: Catalogue, topics: Iterable[PushTopic], name: str, caller: Caller) -> Pushed:
    """The PushTopic behind `/topic/Name` for a user. TopicRefused where there is none, or they may not hear it."""
    topic = next((one for one in topics if PREFIX + one.name == name), None)
    if topic is None:
        raise TopicRefused(f"The topic {name[:120]} does not exist", missing=True)
    if _seen(catalogue, topic, caller) is None:
        raise TopicRefused(f"You have no right to read what {name[:120]} is about", missing=False)
    return Pushed(topic.id, frozenset({topic.stream}))


def _seen(catalogue: Catalogue, topic: PushTopic, caller: Caller) -> Mapping[str, Field] | None:
    """The fields that a user sees of a topic's object; None where they may not hear the topic at all."""
    whole = catalogue.whole
    if not rights(caller, whole.objects[NAME]).read or not rights(caller, topic.value).read:
        return None
    fields = visible_part(whole, caller).objects[topic.value.name].fields
    return fields if topic.filtered <= fields.keys() else None


async def handed_over(
    conn: Any,
    catalogue: Catalogue,
    topics: Iterable[PushTopic],
    subscription: Pushed,
    caller: Caller,
    events: Sequence[tuple[int, Mapping[str, Any]]],
) -> list[dict[str, Any]]:
    """The `data` of messages for those of the events (replay ids and contents) that a user may have."""
    topic = next((one for one in topics if one.id == subscription.topic_id), None)
    seen = None if topic is None else _seen(catalogue, topic, caller)
    if topic is None or seen is None:
        return []
    oldest = (time.time() - KEPT_S) * 1000
    events = [event for event in events if event[1]["at"] >= oldest]
    ids = list({content["id"] for _, content in events})
    reachable = await sharing.reachable(conn, catalogue.whole, caller, topic.value, ids)
    return [
        {
            "event": {"createdDate": as_iso(content["at"]), "replayId": replay_id, "type": content["type"]},
            "sobject": {
                name: _told(topic.value, seen[name], value)
                for name, value in content["fields"].items()
                if name in seen
            },
        }
        for replay_id, content in events
        if content["id"] in reachable
    ]


def _told(value: ObjectType, item: Field, content: Any) -> Any:
    if value.name == "Task" and item.name == "CallType":
        return _CALL_TYPES.get(content, content)
    return as_json(item, content)
