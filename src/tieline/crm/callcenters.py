"""Call centers as records: the sObject row and the definition's sections beside it."""

from __future__ import annotations

from typing import Any

from .errors import Fault
from .ids import make_id
from .softphone import Definition


async def store_call_center(
    conn: Any, instance: str, prefix: str, user_id: str, definition: Definition, *, replace: bool
) -> tuple[str, bool]:
    """Writes a definition; answers the id and whether it is new. DUPLICATE_VALUE unless it may replace."""
    found = await conn.fetchval(
        'SELECT "Id" FROM data."CallCenter" WHERE lower("InternalName") = lower($1) AND NOT "IsDeleted"',
        definition.internal_name,
    )
    if found and not replace:
        raise Fault(
            "DUPLICATE_VALUE",
            f"duplicate value found: InternalName duplicates value on record with id: {found[:15]}",
            fields=["InternalName"],
        )
    if found:
        await conn.execute(
            'UPDATE data."CallCenter" SET "Name" = $2, "AdapterUrl" = $3, "LastModifiedDate" = now(),'
            ' "LastModifiedById" = $4, "SystemModstamp" = now() WHERE "Id" = $1',
            found,
            definition.display_name,
            definition.adapter_url,
            user_id,
        )
        record_id: str = found
    else:
        record_id = make_id(prefix, instance, await conn.fetchval("SELECT nextval('meta.record_number')"))
        await conn.execute(
            'INSERT INTO data."CallCenter" ("Id", "Name", "InternalName", "AdapterUrl", "Version", "CreatedDate",'
            ' "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")'
            " VALUES ($1, $2, $3, $4, 4, now(), $5, now(), $5, now())",
            record_id,
            definition.display_name,
            definition.internal_name,
            definition.adapter_url,
            user_id,
        )
    await conn.execute(
        "INSERT INTO meta.call_center_definition AS call_center_definition (call_center_id, sections, label, internal_label,"
        " display_label)"
        " VALUES ($1, $2, $3, $4, $5) ON CONFLICT (call_center_id) DO UPDATE SET sections = excluded.sections,"
        " label = coalesce(excluded.label, call_center_definition.label),"
        " internal_label = coalesce(excluded.internal_label, call_center_definition.internal_label),"
        " display_label = coalesce(excluded.display_label, call_center_definition.display_label)",
        record_id,
        list(definition.sections),
        definition.label,
        definition.internal_label,
        definition.display_label,
    )
    return record_id, not found
