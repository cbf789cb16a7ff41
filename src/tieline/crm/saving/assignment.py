"""Assignment rules: to whom new and changed leads and cases go, where the caller asks for it.

A rule is a list of entries; the first whose filter holds for a record names its owner. One rule of an object is active.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..access.permissions import new_ids
from ..criteria import Filter, ready
from ..errors import Fault
from ..fields import id_field, name_field, read_only, system_fields
from ..filters import Criteria
from ..ids import parse_id
from ..metadata import Catalogue, ObjectType
from ..options import CallOptions
from ..schema import bump, create_object
from .drafts import Draft

OBJECTS = ("Lead", "Case")
MAX_ENTRIES = 300

RULE = ObjectType(
    "AssignmentRule", "Assignment Rule", "Assignment Rules", "01Q", "割り当てルール", "割り当てルール", setup=True,
    createable=False, updateable=False, deletable=False,
    fields={
        item.name: item
        for item in (
            id_field(),
            name_field(120, "Name", "名前", createable=False, updateable=False),
            read_only("SobjectType", "string", "SObject Type Name", "sObject 種別名", 40),
            read_only("Active", "boolean", "Active", "有効"),
            *system_fields(),
        )
    },
)  # fmt: skip
"""What everybody may query of assignment rules."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Records for which the filter holds go to this user or queue."""

    criteria: Criteria
    owner_id: str


@dataclass(frozen=True)
class ReadyAssignment:
    """A rule beside its object."""

    id: str
    active: bool
    entries: tuple[tuple[Filter, str], ...]


async def install(conn: Any) -> None:
    """Where assignment rules are kept."""
    await create_object(conn, RULE)
    await conn.execute(
        'CREATE TABLE meta.assignment_rule (rule_id text COLLATE "C" PRIMARY KEY, entries jsonb NOT NULL);'
        ' CREATE UNIQUE INDEX one_assignmentrule ON data."AssignmentRule" ("SobjectType", lower("Name"))'
    )


async def save_rule(
    conn: Any, user_id: str, object_name: str, name: str, entries: Sequence[Entry], *, active: bool
) -> tuple[str, bool, bool]:
    """Keeps a rule; an active one takes the place of the one that was. The id, whether it is new, whether it changed."""
    kept: Any = json.loads(json.dumps([asdict(entry) for entry in entries]))
    row = await conn.fetchrow(
        'SELECT r."Id", r."Active", m.entries FROM data."AssignmentRule" r JOIN meta.assignment_rule m'
        ' ON m.rule_id = r."Id" WHERE r."SobjectType" = $1 AND lower(r."Name") = lower($2)',
        object_name,
        name,
    )
    if row is not None and (row["Active"], row["entries"]) == (active, kept):
        return row["Id"], False, False
    rule_id = row["Id"] if row is not None else (await new_ids(conn, RULE.key_prefix, 1))[0]
    if active:
        await conn.execute(
            'UPDATE data."AssignmentRule" SET "Active" = false, "LastModifiedDate" = now(), "LastModifiedById" = $2,'
            ' "SystemModstamp" = now() WHERE "SobjectType" = $1 AND "Active"',
            object_name,
            user_id,
        )
    await conn.execute(
        'INSERT INTO data."AssignmentRule" ("Id", "Name", "SobjectType", "Active", "IsDeleted", "CreatedDate",'
        ' "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")'
        " VALUES ($1, $2, $3, $4, false, now(), $5, now(), $5, now())"
        ' ON CONFLICT ("Id") DO UPDATE SET "Active" = $4, "LastModifiedDate" = now(), "LastModifiedById" = $5,'
        ' "SystemModstamp" = now()',
        rule_id, name, object_name, active, user_id,
    )  # fmt: skip
    await conn.execute(
        "INSERT INTO meta.assignment_rule (rule_id, entries) VALUES ($1, $2)"
        " ON CONFLICT (rule_id) DO UPDATE SET entries = excluded.entries",
        rule_id,
        kept,
    )
    await bump(conn)
    return rule_id, row is None, True


async def ready_assignments(conn: Any, catalogue: Catalogue) -> dict[str, tuple[ReadyAssignment, ...]]:
    """All rules by object."""
    found: dict[str, tuple[ReadyAssignment, ...]] = {}
    for row in await conn.fetch(
        'SELECT r."Id", r."SobjectType" AS object_name, r."Active" AS active, m.entries FROM data."AssignmentRule" r'
        ' JOIN meta.assignment_rule m ON m.rule_id = r."Id" WHERE NOT r."IsDeleted" ORDER BY r."Id"'
    ):
        value = catalogue.objects[row["object_name"]]
        entries: list[dict[str, Any]] = row["entries"]
        lines = tuple(
            (ready(Criteria.from_json(entry["criteria"]), value), str(entry["owner_id"])) for entry in entries
        )
        rule = ReadyAssignment(row["Id"], row["active"], lines)
        found[value.name] = (*found.get(value.name, ()), rule)
    return found


def assign(
    assignments: Mapping[str, Sequence[ReadyAssignment]],
    value: ObjectType,
    drafts: Sequence[Draft],
    options: CallOptions,
) -> None:
    """Gives drafts the owners that a rule names. INVALID_CROSS_REFERENCE_KEY where there is no such rule."""
    if not options.auto_assign or value.name not in OBJECTS:
        return
    rules = assignments.get(value.name, ())
    if options.assignment_rule is None:
        chosen = next((rule for rule in rules if rule.active), None)
    else:
        wanted = parse_id(options.assignment_rule)
        chosen = next((rule for rule in rules if rule.id == wanted), None)
        if chosen is None:
            raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id: no such assignment rule")
    if chosen is None:
        return
    for draft in drafts:
        owner = next((owner_id for test, owner_id in chosen.entries if test.matches(draft.row)), None)
        if owner is not None:
            draft.row["OwnerId"] = draft.given["OwnerId"] = owner
