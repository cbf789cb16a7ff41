# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Merging duplicates: one record stays, up to two go, and what pointed to them points to the one that stays.

The losers are deleted and say with `MasterRecordId` into which record they went; they can be undeleted, but what was
re-parented stays where it is, as at Salesforce. Nothing is merged unless everything is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..access.questions import require
from ..changes import announce
from ..errors import Fault
from ..ids import parse_id
from ..metadata import Catalogue, ObjectType
from ..records import Records

MERGEABLE = ("Account", "Contact", "Lead")
MAX_LOSERS = 2
_NOW = "date_trunc('milliseconds', clock_timestamp())"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a merge: who stayed, who went, whose references were changed; or why nothing was done."""

    id: str | None
    merged_ids: tuple[str, ...] = ()
    related_ids: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


class _Refused(Exception):
    """Leaves the transaction without keeping anything."""

    def __init__(self, faults: Sequence[Fault]):
        super().__init__()
        self.faults = tuple(faults)


async def merge(
    records: Records, value: ObjectType, master_id: str, loser_ids: Sequence[str], changes: Mapping[str, Any]
) -> Merged:
    """Merges the losers into the master, which takes the values in `changes` (the choices a person made).

    The user needs to edit and delete. Faults are answered, not raised.
    """
    try:
        if value.name not in MERGEABLE:
            raise Fault("INVALID_TYPE", f"Records of type {value.name} cannot be merged")
        require(records.caller, value, "edit")
        require(records.caller, value, "delete")
        master, losers = _ids(value, master_id, loser_ids)
        async with records.conn.transaction():
            related = await _merge(records, value, master, losers, changes)
        return Merged(master, tuple(losers), tuple(related))
    except _Refused as refused:
        return Merged(None, faults=refused.faults)
    except Fault as fault:
        return Merged(None, faults=(fault,))


def _ids(value: ObjectType, master_id: str, loser_ids: Sequence[str]) -> tuple[str, list[str]]:
    found: list[str] = []
    for raw in (master_id, *loser_ids):
        record_id = parse_id(raw)
        if record_id is None:
            raise Fault("MALFORMED_ID", f"malformed id {raw[:80]}", fields=["Id"])
        if record_id[:3] != value.key_prefix:
            raise Fault(
                "INVALID_CROSS_REFERENCE_KEY", "All records of a merge must be of one type", fields=["Id"]
            )
        found.append(record_id)
    if not 1 <= len(loser_ids) <= MAX_LOSERS:
        raise Fault("LIMIT_EXCEEDED", f"A merge takes a master and 1 to {MAX_LOSERS} other records")
    if len(set(found)) != len(found):
        raise Fault("DUPLICATE_VALUE", "A record can be in a merge only once", fields=["Id"])
    return found[0], found[1:]


async def _merge(
    records: Records, value: ObjectType, master: str, losers: list[str], changes: Mapping[str, Any]
) -> list[str]:
    conn, catalogue = records.conn, records.catalogue.whole
    rows = await _locked(conn, value, [master, *losers])
    _check(value, rows, [master, *losers])
    related: list[str] = []
    if value.name == "Account" and "PersonContactId" in value.fields:
        related += await _merge_person_contacts(records, catalogue, rows, master, losers)
    related += await _reparent(conn, catalogue, value, rows, master, losers)
    deleted = await records.delete(value, losers)
    faults = [fault for result in deleted for fault in result.faults]
    if faults:
        raise _Refused(faults)
    await _point_to_master(conn, value, master, losers)
    # Last, so that the master may take what was unique to a loser.
    updated = await records.update(value, [(master, changes)])
    if updated[0].faults:
        raise _Refused(updated[0].faults)
    return related


async def _locked(conn: Any, value: ObjectType, ids: Sequence[str]) -> dict[str, Row]:
    wanted = ["Id", "IsDeleted", "AccountId", "IsConverted", "IsPersonAccount", "PersonContactId"]
    columns = ", ".join(value.fields[name].column for name in wanted if name in value.fields)
    rows = await conn.fetch(
        f'SELECT {columns} FROM {value.table} WHERE "Id" = ANY($1) ORDER BY "Id" FOR UPDATE', list(ids)
    )
    return {row["Id"]: dict(row) for row in rows}


def _check(value: ObjectType, rows: Mapping[str, Row], ids: Sequence[str]) -> None:
    for record_id in ids:
        row = rows.get(record_id)
        if row is None:
            raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[])
        if row["IsDeleted"]:
            raise Fault("ENTITY_IS_DELETED", "entity is deleted", fields=[])
        if value.name == "Lead" and row.get("IsConverted"):
            raise Fault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[])
    kinds = {bool(row.get("IsPersonAccount")) for row in rows.values()}
    if value.name == "Contact" and True in kinds:
        raise Fault("INVALID_PERSON_ACCOUNT_OPERATION", "Merge the person accounts instead", fields=[])
    if len(kinds) > 1:
        raise Fault(
            "INVALID_PERSON_ACCOUNT_OPERATION",
            "A person account can be merged with person accounts only",
            fields=[],
        )


async def _reparent(
    conn: Any,
    catalogue: Catalogue,
    value: ObjectType,
    rows: Mapping[str, Row],
    master: str,
    losers: list[str],
) -> list[str]:
    """Everything alive that points to a loser points to the master; ids of what was changed."""
    changed: list[str] = []
    for child, reference in catalogue.children.get(value.name, []):
        if reference.name in ("MasterRecordId", "PersonContactId") or child.shares is not None:
            continue
        parameters: list[Any] = [losers, master]
        target = "$2"
        if child.name == value.name:
            # Nothing is its own parent.
            target = 'CASE WHEN "Id" = $2 THEN NULL ELSE $2 END'
        sets = f'{reference.column} = {target}, "SystemModstamp" = {_NOW}'
        if reference.name == "WhoId" and value.name == "Contact":
            parameters.append(rows[master].get("AccountId"))
            parameters.append([row.get("AccountId") for row in rows.values()])
            sets += (
                ', "AccountId" = CASE WHEN "WhatId" IS NULL OR "AccountId" = ANY($4::text[])'
                ' THEN $3 ELSE "AccountId" END'
            )
        found = await conn.fetch(
            f'UPDATE {child.table} SET {sets} WHERE {reference.column} = ANY($1) AND NOT "IsDeleted"'
            f' AND NOT "Id" = ANY($1) RETURNING "Id"',
            *parameters,
        )
        changed += [row["Id"] for row in found]
        await announce(conn, [(child.name, row["Id"], "updated") for row in found])
        if child.name in ("Task", "Event") and found:
            await announce(conn, [(value.name, master, "activity")])
    return list(dict.fromkeys(changed))


async def _point_to_master(conn: Any, value: ObjectType, master: str, losers: Sequence[str]) -> None:
    """Also those that went into a loser before now went into the master."""
    await conn.execute(
        f'UPDATE {value.table} SET "MasterRecordId" = $2, "SystemModstamp" = {_NOW}'
        ' WHERE "Id" = ANY($1) OR ("MasterRecordId" = ANY($1) AND "IsDeleted")',
        list(losers),
        master,
    )


async def _merge_person_contacts(
    records: Records, catalogue: Catalogue, rows: Mapping[str, Row], master: str, losers: Sequence[str]
) -> list[str]:
    """The contacts of person accounts go the way of their accounts."""
    contacts = [rows[record_id].get("PersonContactId") for record_id in (master, *losers)]
    known = [contact for contact in contacts if contact]
    if len(known) != len(contacts):
        return []
    conn, value = records.conn, catalogue.objects["Contact"]
    stays, gone = known[0], known[1:]
    their_rows = await _locked(conn, value, known)
    related = await _reparent(conn, catalogue, value, their_rows, stays, gone)
    await conn.execute(
        f'UPDATE {value.table} SET "IsDeleted" = true, "LastModifiedDate" = {_NOW}, "LastModifiedById" = $2,'
        f' "SystemModstamp" = {_NOW} WHERE "Id" = ANY($1)',
        gone,
        records.caller.user_id,
    )
    await _point_to_master(conn, value, stays, gone)
    await announce(conn, [(value.name, record_id, "deleted") for record_id in gone])
    return related
