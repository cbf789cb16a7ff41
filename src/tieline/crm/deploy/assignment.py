"""Assignment rules in metadata packages: the file `assignmentRules/Case.assignmentRules`."""

from __future__ import annotations

from typing import Any

from ..criteria import ready
from ..metadata import ObjectType
from ..saving.assignment import MAX_ENTRIES, OBJECTS, Entry, save_rule
from .archive import Absent, Node, Problem
from .deployment import Component, Deployment
from .filters import criteria_of

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


async def check_file(deployment: Deployment, component: Component) -> None:
    """What stands in a file beside its rules: nothing."""
    component.node.only(frozenset({"fullName"}), "AssignmentRules")
    if component.name not in OBJECTS:
        raise Problem(f"Assignment rules are for {' and '.join(OBJECTS)}", component.node.line)


async def apply(deployment: Deployment, component: Component) -> None:
    """Keeps one rule; the others of its object stay as they are."""
    object_name, _, name = component.name.partition(".")
    node = component.node
    if object_name not in OBJECTS:
        raise Problem(f"Assignment rules are for {' and '.join(OBJECTS)}", node.line)
    value = deployment.catalogue.objects[object_name]
    node.only(frozenset({"fullName", "active", "ruleEntry"}), "AssignmentRule")
    lines = node.all("ruleEntry")
    if len(lines) > MAX_ENTRIES:
        raise Problem(f"An assignment rule cannot have more than {MAX_ENTRIES} entries", node.line)
    entries = [await _entry(deployment.conn, value, line) for line in lines]
    user = deployment.call.caller.user_id
    component.id, component.created, component.changed = await save_rule(
        deployment.conn, user, object_name, name[:120], entries, active=node.flag("active")
    )


async def remove(deployment: Deployment, component: Component) -> None:
    """Deletes one rule."""
    object_name, _, name = component.name.partition(".")
    gone = await deployment.conn.fetchval(
        'DELETE FROM data."AssignmentRule" WHERE "SobjectType" = $1 AND lower("Name") = lower($2) RETURNING "Id"',
        object_name,
        name,
    )
    if gone is None:
        raise Absent(f"No AssignmentRule named: {component.name[:90]} found")
    await deployment.conn.execute("DELETE FROM meta.assignment_rule WHERE rule_id = $1", gone)


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
