"""Assignment rules in metadata packages: the file `assignmentRules/Case.assignmentRules`."""

from __future__ import annotations

from typing import Any

from .criteria import ready
from .deploy_filters import criteria_of
from .metadata import Catalogue, ObjectType
from .package import Node, Problem
from .saving.assignment import MAX_ENTRIES, OBJECTS, Entry, save_rule

_ENTRY = frozenset({
    "assignedTo", "assignedToType", "booleanFilter", "criteriaItems", "notifyCcRecipients", "overrideExistingTeams",
    "template",
})  # fmt: skip
_OWNERS = {
    "User": 'SELECT "Id" FROM data."User" WHERE lower("Username") = lower($1) AND "IsActive" AND $2 <> \'\'',
    "Queue": (
        'SELECT g."Id" FROM data."Group" g JOIN data."QueueSobject" q ON q."QueueId" = g."Id" AND NOT q."IsDeleted"'
        ' WHERE g."Type" = \'Queue\' AND NOT g."IsDeleted" AND q."SobjectType" = $2 AND lower($1) ='
        " lower(coalesce(g.\"DeveloperName\", regexp_replace(g.\"Name\", '[^A-Za-z0-9]+', '_', 'g')))"
    ),
}

Done = tuple[str, bool, bool]
"""The last rule's id, whether a rule was created, whether anything changed."""


async def deploy_assignment_rules(
    conn: Any, catalogue: Catalogue, user_id: str, object_name: str, node: Node
) -> Done:
    """The rules in a file; those of the object that it does not name stay as they are."""
    node.only(frozenset({"fullName", "assignmentRule"}), "AssignmentRules")
    if object_name not in OBJECTS:
        raise Problem(f"Assignment rules are for {' and '.join(OBJECTS)}", node.line)
    value = catalogue.objects[object_name]
    rule_id, created, changed = "", False, False
    for element in node.all("assignmentRule"):
        element.only(frozenset({"fullName", "active", "ruleEntry"}), "AssignmentRule")
        lines = element.all("ruleEntry")
        if len(lines) > MAX_ENTRIES:
            raise Problem(f"An assignment rule cannot have more than {MAX_ENTRIES} entries", element.line)
        entries = [await _entry(conn, value, line) for line in lines]
        rule_id, new, other = await save_rule(
            conn, user_id, object_name, element.need("fullName")[:120], entries, active=element.flag("active")
        )
        created, changed = created or new, changed or other
    return rule_id, created, changed


async def _entry(conn: Any, value: ObjectType, node: Node) -> Entry:
    if node.get("formula"):
        raise Problem("formula is not supported by this org: use criteriaItems", node.line)
    node.only(_ENTRY, "RuleEntry")
    kind, name = node.need("assignedToType"), node.need("assignedTo")
    if kind not in _OWNERS:
        raise Problem(f"assignedToType {kind[:20]} is not valid: User or Queue", node.line)
    owner_id: str | None = await conn.fetchval(f"{_OWNERS[kind]} LIMIT 1", name, value.name)
    if owner_id is None:
        raise Problem(f"In field: assignedTo - no {kind} named {name[:60]} found for {value.name}", node.line)
    criteria = criteria_of(node, "criteriaItems")
    ready(criteria, value)
    return Entry(criteria, owner_id)
