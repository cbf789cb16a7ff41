"""Rules in metadata packages: validation rules of objects, matching rules, duplicate rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from ..filters import Criteria
from ..merging.duplicates import (
    DuplicateRule,
    MatchingRule,
    MatchItem,
    Target,
    duplicate_rules,
    matching_rules,
    save_duplicate_rule,
    save_matching_rule,
)
from ..merging.matching import Method
from ..metadata import Catalogue
from ..schema import bump
from ..validation import ValidationRule, delete_rule, rules_of, save_rule
from .archive import Absent, Node, Problem, leaf
from .deployment import Component, Deployment
from .filters import criteria_of

_MATCHING = frozenset({
    "booleanFilter", "description", "fullName", "label", "matchingRuleItems", "ruleStatus",
})  # fmt: skip
_DUPLICATE = frozenset({
    "actionOnInsert", "actionOnUpdate", "alertText", "description", "duplicateRuleFilter",
    "duplicateRuleMatchRules", "fullName", "isActive", "masterLabel", "operationsOnInsert", "operationsOnUpdate",
    "securityOption", "sortOrder",
})  # fmt: skip
_METHODS: dict[str, Method] = {
    "Exact": "Exact",
    "FirstName": "FirstName",
    "LastName": "LastName",
    "CompanyName": "CompanyName",
    "Phone": "Phone",
    "City": "City",
    "Street": "Street",
    "Zip": "Zip",
    "Title": "Title",
}
_TOKEN = re.compile(r"\s*(\(|\)|AND\b|OR\b|\d{1,2})\s*", re.IGNORECASE)

VALIDATION_MODELLED = frozenset({
    "active", "description", "errorConditionFormula", "errorDisplayField", "errorMessage", "fullName",
})  # fmt: skip


async def apply_validation_rule(deployment: Deployment, component: Component) -> None:
    """A rule within its object's file."""
    object_name, _, name = component.name.partition(".")
    node = component.node
    if object_name == "Activity":
        raise Problem("Validation rules of activities belong to Task and Event", node.line)
    rule = ValidationRule(
        object_name,
        name,
        node.need("errorConditionFormula"),
        node.need("errorMessage"),
        node.flag("active"),
        node.get("errorDisplayField") or None,
        node.get("description") or None,
    )
    known = {one.name.lower() for one in await rules_of(deployment.conn, object_name)}
    instance = deployment.call.org.instance
    component.id, component.changed = await save_rule(deployment.conn, deployment.catalogue, instance, rule)
    component.created = rule.name.lower() not in known


async def validation_rule_names(conn: Any, catalogue: Catalogue) -> list[str]:
    """`Object.Rule` of every validation rule."""
    return sorted(f"{rule.object_name}.{rule.name}" for rule in await rules_of(conn))


async def read_validation_rule(conn: Any, catalogue: Catalogue, name: str) -> Sequence[Node] | None:
    """A validation rule."""
    object_name, _, rule_name = name.partition(".")
    rules = await rules_of(conn, object_name)
    rule = next((one for one in rules if one.name.lower() == rule_name.lower()), None)
    if rule is None:
        return None
    found = [
        leaf("fullName", rule.name),
        leaf("active", rule.active),
        leaf("errorConditionFormula", rule.formula),
        leaf("errorMessage", rule.message),
    ]
    if rule.description:
        found.append(leaf("description", rule.description))
    return [*found, leaf("errorDisplayField", rule.field)] if rule.field else found


async def remove_validation_rule(deployment: Deployment, component: Component) -> None:
    """Deletes a validation rule."""
    object_name, _, name = component.name.partition(".")
    if not await delete_rule(deployment.conn, object_name, name):
        raise Absent(f"No ValidationRule named: {component.name[:90]} found")


async def apply_matching_rules(deployment: Deployment, component: Component) -> None:
    """All matching rules of an object: the file `matchingRules/Contact.matchingRule`."""
    conn, catalogue = deployment.conn, deployment.catalogue
    object_name, node = component.name, component.node
    node.only(frozenset({"fullName", "matchingRules"}), "MatchingRules")
    for element in node.all("matchingRules"):
        rule = _matching_rule(object_name, element)
        known = {one.name: one for one in await matching_rules(conn) if one.object_name == object_name}
        component.created = component.created or rule.name not in known
        if known.get(rule.name) != rule:
            await save_matching_rule(conn, catalogue, rule)
            component.changed = True


async def remove_matching_rules(deployment: Deployment, component: Component) -> None:
    """Deletes the matching rules of an object. Problem where a duplicate rule uses them."""
    used = [rule.name for rule in await duplicate_rules(deployment.conn, component.name)]
    if used:
        raise Problem(f"The matching rules are used by the duplicate rule {used[0]}")
    await deployment.conn.execute("DELETE FROM meta.matching_rule WHERE object_name = $1", component.name)
    deployment.stale = True
    await bump(deployment.conn)


def _matching_rule(object_name: str, node: Node) -> MatchingRule:
    node.only(_MATCHING, "MatchingRule")
    items: list[MatchItem] = []
    for element in node.all("matchingRuleItems"):
        method = element.need("matchingMethod")
        if method not in _METHODS:
            raise Problem(f"matchingMethod {method[:40]} is not supported by this org", element.line)
        blanks = element.get("blankValueBehavior") or "NullNotAllowed"
        if blanks not in ("MatchBlanks", "NullNotAllowed"):
            raise Problem(f"blankValueBehavior {blanks[:40]} is not valid", element.line)
        items.append(MatchItem(element.need("fieldName"), _METHODS[method], blanks == "MatchBlanks"))
    if not items:
        raise Problem("Required field is missing: matchingRuleItems", node.line)
    text = node.get("booleanFilter") or " AND ".join(str(number + 1) for number in range(len(items)))
    try:
        groups = alternatives(text, len(items))
    except ValueError as error:
        raise Problem(f"booleanFilter: {error}", node.line) from None
    return MatchingRule(
        object_name,
        node.need("fullName"),
        node.need("label"),
        tuple(tuple(items[number - 1] for number in group) for group in groups),
    )


def alternatives(text: str, count: int) -> list[list[int]]:
    """`1 AND (2 OR 3)` as a list of alternatives, [[1, 2], [1, 3]]. ValueError where it is no such filter."""
    tokens: list[str] = []
    position = 0
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None or len(tokens) > 200:
            raise ValueError(f"cannot read {text[position : position + 20]!r}")
        tokens.append(found.group(1).upper())
        position = found.end()
    groups, rest = _either(tokens, count, 0)
    if rest:
        raise ValueError(f"unexpected {rest[0]}")
    return groups


def _either(tokens: Sequence[str], count: int, depth: int) -> tuple[list[list[int]], Sequence[str]]:
    found, tokens = _both(tokens, count, depth)
    while tokens and tokens[0] == "OR":
        more, tokens = _both(tokens[1:], count, depth)
        found = found + more
    return found, tokens


def _both(tokens: Sequence[str], count: int, depth: int) -> tuple[list[list[int]], Sequence[str]]:
    found, tokens = _single(tokens, count, depth)
    while tokens and tokens[0] == "AND":
        more, tokens = _single(tokens[1:], count, depth)
        if len(found) * len(more) > 10:
            raise ValueError("it has more than 10 alternatives")
        found = [list(dict.fromkeys([*one, *two])) for one in found for two in more]
    return found, tokens


def _single(tokens: Sequence[str], count: int, depth: int) -> tuple[list[list[int]], Sequence[str]]:
    if not tokens or depth > 20:
        raise ValueError("it ends too early or is nested too deeply")
    first, rest = tokens[0], tokens[1:]
    if first == "(":
        found, rest = _either(rest, count, depth + 1)
        if not rest or rest[0] != ")":
            raise ValueError("a ( is not closed")
        return found, rest[1:]
    if not first.isdigit() or not 1 <= int(first) <= count:
        raise ValueError(f"unexpected {first}")
    return [[int(first)]], rest


async def apply_duplicate_rule(deployment: Deployment, component: Component) -> None:
    """A duplicate rule: the file `duplicateRules/Contact.My_Rule.duplicateRule`."""
    conn, catalogue = deployment.conn, deployment.catalogue
    full_name, node = component.name, component.node
    node.only(_DUPLICATE, "DuplicateRule")
    object_name, dot, name = full_name.partition(".")
    if not dot:
        raise Problem(f"The name {full_name[:60]!r} is not of the form Object.Rule", node.line)
    rule = DuplicateRule(
        object_name,
        name,
        node.need("masterLabel"),
        tuple(_target(element) for element in node.all("duplicateRuleMatchRules")),
        node.flag("isActive"),
        _action(node, "actionOnInsert"),
        _action(node, "actionOnUpdate"),
        any(item.text == "Alert" for item in node.all("operationsOnInsert")),
        any(item.text == "Alert" for item in node.all("operationsOnUpdate")),
        node.get("alertText") or DuplicateRule.message,
        node.get("securityOption") != "BypassSharingRules",
        node.number("sortOrder", 1, 1, 1000),
        _filter(object_name, node),
    )
    known = {one.name: one for one in await duplicate_rules(conn, object_name)}
    component.created, component.changed = name not in known, known.get(name) != rule
    if component.changed:
        await save_duplicate_rule(conn, catalogue, rule)


async def remove_duplicate_rule(deployment: Deployment, component: Component) -> None:
    """Deletes a duplicate rule."""
    object_name, _, name = component.name.partition(".")
    gone = await deployment.conn.execute(
        "DELETE FROM meta.duplicate_rule WHERE object_name = $1 AND name = $2", object_name, name
    )
    if gone == "DELETE 0":
        raise Absent(f"No DuplicateRule named: {component.name[:90]} found")
    await bump(deployment.conn)


def _action(node: Node, tag: str) -> Any:
    text = node.need(tag)
    if text not in ("Allow", "Block"):
        raise Problem(f"{tag} must be Allow or Block", node.line)
    return text


def _filter(object_name: str, node: Node) -> Criteria:
    """The conditions on the record that is saved."""
    for element in node.all("duplicateRuleFilter"):
        for line in element.all("duplicateRuleFilterItems"):
            table = line.get("table") or object_name
            if table != object_name:
                raise Problem(f"A filter on {table[:40]} is not supported by this org", line.line)
        return criteria_of(element, "duplicateRuleFilterItems")
    return Criteria()


def _target(node: Node) -> Target:
    mapping: dict[str, str] = {}
    for element in node.all("objectMapping"):
        for pair in element.all("mappingFields"):
            mapping[pair.need("outputField")] = pair.need("inputField")
    return Target(node.need("matchRuleSObjectType"), node.need("matchingRule"), mapping)
