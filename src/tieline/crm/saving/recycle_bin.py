# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""The recycle bin as a user meets it: bringing records back and removing them for good."""

from __future__ import annotations

from collections.abc import Sequence

import asyncpg

from .. import recycle
from ..access import sharing
from ..access.questions import readonly, require
from ..errors import Fault
from ..ids import parse_id
from ..metadata import ObjectType
from ..records import Records
from .drafts import Draft, Saved
from .storage import duplicate, lock


async def undelete(records: Records, ids: Sequence[str]) -> list[Saved]:
    """Brings deleted records back with what was deleted along with them; one answer each."""
    results: list[Saved] = []
    for raw_id in ids:
        try:
            results.append(await _undelete(records, raw_id))
        except Fault as fault:
            results.append(Saved(faults=(fault,)))
    return results


async def _undelete(records: Records, raw_id: str) -> Saved:
    value, record_id = await _in_bin(records, raw_id)
    row = (await lock(records.conn, value, [record_id]))[record_id]
    for reference in value.fields.values():
        # A detail whose master is gone has nowhere to come back to.
        target = records.catalogue.of_id(row[reference.name]) if reference.master else None
        if target is not None and await records.conn.fetchval(
            f'SELECT "IsDeleted" FROM {target.table} WHERE "Id" = $1', row[reference.name]
        ):
            raise Fault("UNDELETE_FAILED", "Entity is not in the recycle bin", fields=[])
    draft = Draft(0, {}, row, record_id)
    try:
        async with records.conn.transaction():
            await recycle.undelete(records.conn, records.catalogue, record_id, records.caller.user_id)
    except asyncpg.exceptions.UniqueViolationError as error:
        return Saved(faults=(await duplicate(records.conn, value, draft, error),))
    await records.follow(value, moved=True)
    return Saved(record_id)


async def empty(records: Records, ids: Sequence[str]) -> list[Saved]:
    """Empties deleted records from the recycle bin: they are gone for good; one answer each."""
    results: list[Saved] = []
    for raw_id in ids:
        try:
            _, record_id = await _in_bin(records, raw_id)
            await recycle.purge(records.conn, records.catalogue, [record_id])
            results.append(Saved(record_id))
        except Fault as fault:
            results.append(Saved(faults=(fault,)))
    return results


async def _in_bin(records: Records, raw_id: str) -> tuple[ObjectType, str]:
    """A deleted record that the user may bring back or remove. UNDELETE_FAILED where it is not in the bin."""
    record_id = parse_id(raw_id)
    if record_id is None:
        raise Fault("MALFORMED_ID", f"malformed id {raw_id[:80]}", fields=["Id"])
    seen = records.visible.of_id(record_id)
    if seen is None:
        raise Fault("INVALID_ID_FIELD", "invalid record id", fields=[])
    value = records.catalogue.objects[seen.name]
    if value.setup:
        # Set-up has no recycle bin. What is deleted there must also stay known to those who keep describes.
        raise Fault("UNDELETE_FAILED", "Entity is not in the recycle bin", fields=[])
    require(records.caller, value, "delete")
    root = await records.conn.fetchval("SELECT root_id FROM meta.recycled WHERE record_id = $1", record_id)
    if root != record_id:
        raise Fault("UNDELETE_FAILED", "Entity is not in the recycle bin", fields=[])
    if record_id not in await sharing.reachable(
        records.conn, records.catalogue, records.caller, value, [record_id], "delete"
    ):
        raise readonly()
    return value, record_id
