"""Platform events: published as records are made, never kept as records.

An event is noted in the transaction that publishes it; where that is rolled back, nothing was published.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ..access.questions import Caller, require
from ..errors import Fault
from ..metadata import Field, ObjectType
from .tables import CHANNEL


def event_content(value: ObjectType, given: Mapping[str, Any], caller: Caller, at: int) -> dict[str, Any]:
    """What is kept of an event; `given` holds values as they are stored. `Fault` where a field is missing."""
    missing = [
        item.name
        for item in value.fields.values()
        if item.custom and item.required and given.get(item.name) is None
    ]
    if missing:
        raise Fault(
            "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(missing)}]", fields=missing
        )
    fields = {name: _stored(value.fields[name], content) for name, content in given.items()}
    return {"fields": fields, "user": caller.user_id, "at": at}


def _stored(item: Field, value: Any) -> Any:
    return (
        value.isoformat()
        if item.type in ("datetime", "date", "time") and hasattr(value, "isoformat")
        else value
    )


async def publish(
    conn: Any, value: ObjectType, caller: Caller, events: Sequence[Mapping[str, Any]]
) -> list[str | Fault]:
    """Publishes events with values as they are stored; for each its UUID, or why it was refused."""
    require(caller, value, "create")
    results: list[str | Fault] = []
    noted: list[tuple[str, dict[str, Any]]] = []
    at = int(datetime.now(UTC).timestamp() * 1000)
    for given in events:
        try:
            noted.append((str(uuid.uuid4()), event_content(value, given, caller, at)))
            results.append(noted[-1][0])
        except Fault as fault:
            results.append(fault)
    if noted:
        await conn.executemany(
            "INSERT INTO meta.change (object_name, record_id, after) VALUES ($1, $2, $3)",
            [(value.name, key, content) for key, content in noted],
        )
        await conn.execute("SELECT pg_notify($1, '')", CHANNEL)
    return results
