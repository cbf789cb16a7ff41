# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""What records point to: looked up once for all drafts of a call, and checked for each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..access.questions import Caller, record_types
from ..access.sharing import row_condition
from ..errors import Fault
from ..metadata import Catalogue, ObjectType
from ..person_accounts import require_free
from .drafts import Draft

Related = dict[str, Mapping[str, Any]]


async def look_up(
    conn: Any, catalogue: Catalogue, caller: Caller, value: ObjectType, drafts: Sequence[Draft]
) -> Related:
    """The records that drafts point to, by id, with what `check` asks of them."""
    wanted: dict[str, set[str]] = {}
    for draft in drafts:
        for name in draft.given:
            item = value.fields[name]
            target_id = draft.given[name]
            if item.type != "reference" or target_id is None:
                continue
            target = catalogue.of_id(target_id)
            if target is not None and target.name in item.reference_to:
                wanted.setdefault(target.name, set()).add(target_id)
    found: Related = {}
    for name, ids in wanted.items():
        target = catalogue.objects[name]
        more = "".join(
            f', t."{column}"'
            for column in (
                "AccountId",
                "IsActive",
                "SobjectType",
                "Type",
                "IsConverted",
                "IsPersonAccount",
            )
            if column in target.fields
        )
        params: list[Any] = [list(ids)]

        def param(content: Any, params: list[Any] = params) -> str:
            params.append(content)
            return f"${len(params)}"

        seen = row_condition(catalogue, caller, target, "t", param) or "true"
        edited = row_condition(catalogue, caller, target, "t", param, "edit") or "true"
        for row in await conn.fetch(
            f'SELECT t."Id", t."IsDeleted", {seen} AS seen, {edited} AS editable{more} FROM {target.table} t'
            ' WHERE t."Id" = ANY($1)',
            *params,
        ):
            found[row["Id"]] = row
        if name == "Group":
            await _note_queues(conn, value, found, ids)
    return found


async def _note_queues(conn: Any, value: ObjectType, found: Related, ids: Iterable[str]) -> None:
    """Groups that may own records of `value` are its queues; `owns` says so beside each group."""
    rows = await conn.fetch(
        'SELECT "QueueId" FROM data."QueueSobject" WHERE "QueueId" = ANY($1) AND "SobjectType" = $2'
        ' AND NOT "IsDeleted"',
        list(ids),
        value.name,
    )
    queues = {row["QueueId"] for row in rows}
    for group_id in ids:
        if group_id in found:
            found[group_id] = dict(found[group_id]) | {"owns": group_id in queues}


def check(catalogue: Catalogue, caller: Caller, value: ObjectType, draft: Draft, related: Related) -> None:
    """Refuses a draft that points to what is not there, or to what the user may not point to."""
    for name, target_id in draft.given.items():
        item = value.fields[name]
        if item.type != "reference" or target_id is None:
            continue
        target = catalogue.of_id(target_id)
        if target is None or target.name not in item.reference_to:
            raise Fault(
                "FIELD_INTEGRITY_EXCEPTION",
                f"{item.label}: id value of incorrect type: {target_id}",
                fields=[item.name],
                about=item,
            )
        row = related.get(target_id)
        if row is None:
            raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=[item.name])
        if row["IsDeleted"]:
            raise Fault("ENTITY_IS_DELETED", "entity is deleted", fields=[item.name])
        if name == "AccountId":
            require_free(value, row)  # a person has one contact
        if row.get("IsConverted"):
            raise Fault("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", fields=[item.name])
        if not row["seen"] or (item.master and not row["editable"]):
            raise Fault(
                "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
                "insufficient access rights on cross-reference id",
                fields=[item.name],
            )
        if item.name == "OwnerId" and row.get("owns") is False:
            raise Fault(
                "INVALID_OPERATION", "Queue not associated with this SObject type", fields=["OwnerId"]
            )
        if item.name == "OwnerId" and row.get("IsActive") is False:
            raise Fault("INACTIVE_OWNER_OR_USER", "owner or user is inactive.", fields=["OwnerId"])
        if item.name == "RecordTypeId" and not _may_have(caller, value, draft, target_id):
            raise Fault(
                "INVALID_CROSS_REFERENCE_KEY",
                f"Record Type ID: this ID value isn't valid for the user: {target_id}",
                fields=["RecordTypeId"],
            )


def _may_have(caller: Caller, value: ObjectType, draft: Draft, type_id: str) -> bool:
    """A record keeps the type it has; another one must be open to the user."""
    kept = draft.before is not None and draft.before.get("RecordTypeId") == type_id
    return kept or any(info.id == type_id for info in record_types(caller, value))
