"""From noted changes to events with a place in the stream.

One process at a time takes the transactions that have been committed since, in the order of their commits, and makes
events of them. A transaction that builds on another's change noted it after that one was committed; so a transaction's
last note tells where it stands.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Container, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ..metadata import Catalogue, ObjectType
from .channels import Shapes, event_name
from .push_topics import KEPT_S, Change, PushTopic, pushed
from .tables import CHANNEL

KEPT = timedelta(hours=72)
MAX_EVENT = 1_000_000
"""Bytes of an event; of a larger one only the fact is told."""
MAX_MERGED = 1_000
NO_RECORD = "000000000000000AAA"
UI_ORIGIN = "com/salesforce/api/soap/66.0;client=SfdcInternalAPI/"
"""Who is said to have made changes that no program asked for."""
LOCK = 0x6576656E  # "even"
"""Advisory lock of whoever gives events their places."""
_ROWS = 5_000
_Row = Mapping[str, Any]


async def sequence(conn: Any, shapes: Shapes, topics: Sequence[PushTopic], org_id: str, limit: int) -> bool:
    """Makes events of what is waiting; True where more may be. `limit` is a transaction's number of changes that
    are told one by one."""
    selected = {member.object_name for member in shapes.members}
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        waiting = await conn.fetch(
            "SELECT xid::text AS xid, max(id) AS last, count(*) AS changes, max(at) AS at FROM meta.change"
            " GROUP BY 1 ORDER BY 2 LIMIT 500"
        )
        if not waiting:
            return False
        taken: list[str] = []
        rows, events = 0, list[tuple[str, Any, dict[str, Any]]]()
        for transaction in waiting:
            if taken and rows + transaction["changes"] > _ROWS:
                break
            taken.append(transaction["xid"])
            rows += transaction["changes"]
            changes = await conn.fetch(
                "SELECT object_name, record_id, before, after, origin FROM meta.change"
                " WHERE xid = $1::text::xid8 ORDER BY id LIMIT $2",
                transaction["xid"],
                limit,
            )
            about = _about(org_id, transaction)
            net = net_changes(changes)
            made = events_of(net, shapes.catalogue, selected, about)
            if transaction["changes"] > limit:
                made += await _overflow(conn, shapes, org_id, transaction, limit)
            made += await pushed(conn, shapes.catalogue, topics, net, about["at"])
            events += [(stream, transaction["at"], content) for stream, content in made]
        await _file(conn, events)
        await conn.execute("DELETE FROM meta.change WHERE xid = ANY($1::text[]::xid8[])", taken)
        await conn.execute("SELECT pg_notify($1, 'events')", CHANNEL)
    return True


async def forget_old(conn: Any) -> None:
    """Takes away what is older than events are kept."""
    await conn.execute("DELETE FROM meta.event WHERE at < now() - $1::interval", KEPT)
    await conn.execute(
        "DELETE FROM meta.event WHERE topic LIKE '/topic/%' AND at < now() - $1::interval",
        timedelta(seconds=KEPT_S),
    )


def _about(org_id: str, transaction: _Row) -> dict[str, Any]:
    key = uuid.uuid5(uuid.NAMESPACE_OID, f"{org_id}/{transaction['xid']}/{transaction['last']}")
    at = int(transaction["at"].timestamp() * 1000)
    return {"key": str(key), "number": transaction["last"], "at": at}


async def _file(conn: Any, events: Sequence[tuple[str, Any, dict[str, Any]]]) -> None:
    if not events:
        return
    await conn.execute(
        "INSERT INTO meta.event (replay_id, topic, uuid, at, content)"
        " SELECT nextval('meta.replay_id'), e.topic, e.uuid, e.at, e.content::jsonb FROM"
        " unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[]) WITH ORDINALITY"
        " AS e(topic, uuid, at, content, place) ORDER BY e.place",
        [stream for stream, _, _ in events],
        [content.get("uuid") or str(uuid.uuid4()) for _, _, content in events],
        [at for _, at, _ in events],
        [json.dumps(content, ensure_ascii=False, separators=(",", ":")) for _, _, content in events],
    )


async def _overflow(
    conn: Any, shapes: Shapes, org_id: str, transaction: _Row, limit: int
) -> list[tuple[str, dict[str, Any]]]:
    """One event for each object of which a transaction changed more than can be told."""
    rows = await conn.fetch(
        "SELECT DISTINCT object_name FROM (SELECT object_name FROM meta.change WHERE xid = $1::text::xid8"
        " ORDER BY id OFFSET $2) left_over ORDER BY 1",
        transaction["xid"],
        limit,
    )
    about = _about(org_id, transaction)
    found: list[tuple[str, dict[str, Any]]] = []
    for place, row in enumerate(rows, start=limit + 1):
        value = shapes.catalogue.objects.get(row["object_name"])
        if value is not None and any(member.object_name == value.name for member in shapes.members):
            content = _content(value, "GAP_OVERFLOW", [NO_RECORD], about, "", "") | {"sequence": place}
            found.append((event_name(value), content))
    return found


def _content(
    value: ObjectType, kind: str, ids: list[str], about: Mapping[str, Any], user: str, origin: str
) -> dict[str, Any]:
    return {
        "entity": value.name,
        "type": kind,
        "ids": ids,
        "user": user,
        "origin": origin or UI_ORIGIN,
        "changedFields": [],
        "nulledFields": [],
        "fields": {},
        "sequence": 0,
        **about,
    }


def net_changes(noted: Sequence[_Row]) -> list[Change]:
    """What became of each record in a transaction, however often it was changed there."""
    found: dict[tuple[str, str], Change] = {}
    for row in noted:
        name, record_id = key = row["object_name"], row["record_id"]
        before = found[key].before if key in found else row["before"]
        found[key] = Change(name, record_id, before, row["after"] or {}, row["origin"] or "")
    return list(found.values())


def events_of(
    changes: Sequence[Change], catalogue: Catalogue, selected: Container[str], about: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """The events of one transaction: one for each record, and one for several records that changed alike.

    Pure. Platform events are told, and changes of selected objects. Each event comes with the stream it is filed under.
    """
    events: list[tuple[str, dict[str, Any]]] = []
    alike: dict[str, dict[str, Any]] = {}
    for change in changes:
        name, record_id = change.object_name, change.record_id
        value = catalogue.objects.get(name)
        if value is None:
            continue
        if value.kind == "platform_event":
            events.append((name, {"uuid": record_id, **about, **change.after}))
            continue
        if name not in selected:
            continue
        content = _change(value, change, about)
        if content is None:
            continue
        if content["type"] != "CREATE":
            same = json.dumps([name, content["type"], content["origin"], content["user"], _merged(content)])
            known = alike.get(same)
            if known is not None and len(known["ids"]) < MAX_MERGED:
                known["ids"].append(record_id)
                if "LastModifiedDate" in content["fields"]:
                    known["fields"]["LastModifiedDate"] = max(
                        known["fields"]["LastModifiedDate"], content["fields"]["LastModifiedDate"]
                    )
                continue
            alike[same] = content
        events.append((event_name(value), content))
    for place, (_, content) in enumerate(events, start=1):
        content["sequence"] = place
    return events


def _merged(content: Mapping[str, Any]) -> dict[str, Any]:
    """What must be alike for two records to share an event."""
    return {name: value for name, value in content["fields"].items() if name != "LastModifiedDate"}


def _change(value: ObjectType, change: Change, about: Mapping[str, Any]) -> dict[str, Any] | None:
    """What happened to one record in its transaction; None where nothing is left of it."""
    record_id, after, origin = change.record_id, change.after, change.origin
    before = change.before or {}
    user = str(after.get("LastModifiedById") or "")
    operation = change.operation
    if operation is None:
        return None
    if operation == "deleted":
        return _content(value, "DELETE", [record_id], about, user, origin)
    if operation != "updated":
        kind = "CREATE" if operation == "created" else "UNDELETE"
        content = _content(value, kind, [record_id], about, user, origin)
        content["fields"] = {
            name: item for name, item in after.items() if item is not None and name in value.fields
        }
    else:
        changed = [name for name in after if name in value.fields and after[name] != before.get(name)]
        if not set(changed) - {"SystemModstamp"}:
            return None
        content = _content(value, "UPDATE", [record_id], about, user, origin)
        content["fields"] = {name: after[name] for name in changed}
        content["changedFields"] = changed
        content["nulledFields"] = [name for name in changed if after[name] is None]
    if _size(content) > MAX_EVENT:
        return _content(value, f"GAP_{content['type']}", [record_id], about, user, origin)
    return content


def _size(content: Mapping[str, Any]) -> int:
    texts = (item for item in content["fields"].values() if isinstance(item, str))
    length = sum(map(len, texts))
    # Only what may be too long is worth being counted in bytes.
    return length if length * 4 < MAX_EVENT else len(json.dumps(content, ensure_ascii=False).encode())
