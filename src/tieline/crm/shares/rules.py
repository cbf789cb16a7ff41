"""Sharing rules: kept, checked, and taken from packages (`sharingRules/Account.sharingRules`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from typing import Any

from ..criteria import ready
from ..deploy_filters import criteria_of
from ..metadata import Catalogue, ObjectType, SharingRule
from ..package import Node, Problem
from ..schema import bump, load_catalogue, sharing_rule
from .objects import can_be_shared, ensure, follow_rules

MAX_RULES = 60
"""Rules of one object: as many as the ids of its share rows can tell apart."""
_ELEMENTS = frozenset({
    "accessLevel", "accountSettings", "booleanFilter", "criteriaItems", "description", "fullName",
    "includeRecordsOwnedByAll", "label", "sharedFrom", "sharedTo",
})  # fmt: skip
_BELOW = (("contactAccessLevel", "contact_access"), ("opportunityAccessLevel", "opportunity_access"),
          ("caseAccessLevel", "case_access"))  # fmt: skip
_GROUP_TYPES = {
    "group": "Regular",
    "queue": "Queue",
    "role": "Role",
    "roleAndSubordinates": "RoleAndSubordinates",
    "roleAndSubordinatesInternal": "RoleAndSubordinates",
    "allInternalUsers": "Organization",
}

_GROUP = """
SELECT g."Id" FROM data."Group" g LEFT JOIN data."UserRole" r ON r."Id" = g."RelatedId"
 WHERE g."Type" = $1 AND NOT g."IsDeleted" AND ($1 = 'Organization' OR lower($2) = lower(coalesce(
    r."DeveloperName", regexp_replace(r."Name", '[^A-Za-z0-9]+', '_', 'g'),
    g."DeveloperName", regexp_replace(g."Name", '[^A-Za-z0-9]+', '_', 'g'))))
 ORDER BY g."Id" LIMIT 1
"""
"""The group of a type and an API name: a role's is that of its role, and where there is none it follows from the name."""

Done = tuple[str, bool, bool]
"""The component's id, whether it was created, whether anything changed."""


async def deploy_sharing_rules(conn: Any, object_name: str, node: Node) -> Done:
    """The rules in a file; those of the object that it does not name stay as they are."""
    node.only(
        frozenset({"fullName", "sharingCriteriaRules", "sharingOwnerRules", "sharingTerritoryRules"}),
        "SharingRules",
    )
    if node.all("sharingTerritoryRules"):
        raise Problem("Territories are not part of this org", node.line)
    await ensure(conn)
    catalogue = await load_catalogue(conn)
    value = catalogue.get(object_name)
    if value is None or not can_be_shared(value):
        raise Problem(f"Records of {object_name[:60]} cannot be shared by rules", node.line)
    kept = await _kept(conn, value)
    before = dict(kept)
    for element in (*node.all("sharingCriteriaRules"), *node.all("sharingOwnerRules")):
        rule = await _rule(conn, catalogue, value, element)
        known = kept.get(rule.name)
        slot = known.slot if known else _free(kept.values())
        kept[rule.name] = replace(rule, slot=slot)
    created = kept.keys() != before.keys()
    if kept == before:
        return "", False, False
    for name, rule in kept.items():
        if before.get(name) != rule:
            await conn.execute(
                "INSERT INTO meta.sharing_rule (object_name, name, definition) VALUES ($1, $2, $3)"
                " ON CONFLICT (object_name, name) DO UPDATE SET definition = excluded.definition",
                value.name,
                name,
                asdict(rule),
            )
    await bump(conn)
    await follow_rules(conn, await load_catalogue(conn), value.name)
    return "", created, True


async def _kept(conn: Any, value: ObjectType) -> dict[str, SharingRule]:
    rows = await conn.fetch("SELECT definition FROM meta.sharing_rule WHERE object_name = $1", value.name)
    rules = [sharing_rule(row["definition"]) for row in rows]
    return {rule.name: rule for rule in rules}


def _free(rules: Iterable[SharingRule]) -> int:
    taken = {rule.slot for rule in rules}
    if len(taken) >= MAX_RULES:
        raise Problem(f"An object cannot have more than {MAX_RULES} sharing rules")
    return next(slot for slot in range(1, MAX_RULES + 1) if slot not in taken)


async def _rule(conn: Any, catalogue: Catalogue, value: ObjectType, node: Node) -> SharingRule:
    node.only(_ELEMENTS, "SharingCriteriaRule" if node.tag == "sharingCriteriaRules" else "SharingOwnerRule")
    access = node.need("accessLevel")
    if access not in ("Read", "Edit"):
        raise Problem(f"accessLevel {access[:20]} is not valid: Read or Edit", node.line)
    if value.sharing not in ("Private", "Read") or access == value.sharing:
        raise Problem(f"{value.name} is open to {access} without a rule: see its sharingModel", node.line)
    by_owner = node.tag == "sharingOwnerRules"
    rule = SharingRule(
        value.name,
        node.need("fullName")[:80],
        node.need("label")[:80],
        access,
        await _group(conn, node, "sharedTo"),
        await _group(conn, node, "sharedFrom") if by_owner else None,
        None if by_owner else criteria_of(node, "criteriaItems"),
    )
    if rule.criteria is not None:
        if not rule.criteria.items:
            raise Problem("Required field is missing: criteriaItems", node.line)
        ready(rule.criteria, catalogue.objects[value.name])
    for settings in node.all("accountSettings"):
        for tag, name in _BELOW:
            level = settings.get(tag) or "None"
            if level not in ("None", "Read", "Edit"):
                raise Problem(f"{tag} {level[:20]} is not valid", settings.line)
            rule = replace(rule, **{name: level})
    return rule


async def _group(conn: Any, node: Node, tag: str) -> str:
    """The group that `sharedTo` or `sharedFrom` names."""
    places = [part for element in node.all(tag) for part in element.children]
    if len(places) != 1 or places[0].tag not in _GROUP_TYPES:
        known = ", ".join(_GROUP_TYPES)
        raise Problem(f"{tag} must name one of: {known}", node.line)
    place = places[0]
    if place.tag == "queue" and tag == "sharedTo":
        raise Problem("Records cannot be shared with a queue", place.line)
    found: str | None = await conn.fetchval(
        _GROUP,
        _GROUP_TYPES[place.tag],
        place.text,
    )
    if found is None:
        raise Problem(f"In field: {tag} - no {place.tag} named {place.text[:60]} found", place.line)
    return found
