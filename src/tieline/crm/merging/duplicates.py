# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Duplicate rules and the matching rules they ask: which records are too much like one that is being saved.

A matching rule is a list of alternatives; in an alternative every field must match. A duplicate rule says against
which objects to match and what then happens: nothing, a warning that the caller may save in spite of, or a refusal.
Records of one call are compared with those already saved, not with each other, as at Salesforce.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Protocol

from ..access.questions import Caller, rights, visible, visible_part
from ..access.sharing import reachable
from ..criteria import Filter, ready
from ..errors import Fault
from ..filters import Criteria
from ..metadata import Catalogue, ObjectType, index_name
from ..options import CallOptions
from ..schema import bump
from .matching import KEYLESS, METHODS, STRONG, THRESHOLD, Method, key_in_sql, key_of, similarity

MAX_RULES = 5
"""Active duplicate rules of one object."""
MAX_CANDIDATES = 100
"""Records looked at for one record and alternative."""
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
_TEXT_TYPES = frozenset({"string", "textarea", "picklist", "combobox", "phone", "email", "url", "reference"})

Row = dict[str, Any]
Action = Literal["Allow", "Block"]


@dataclass(frozen=True, slots=True)
class MatchItem:
    """One field of an alternative. `blanks` counts two empty fields as the same."""

    field: str
    method: Method = "Exact"
    blanks: bool = False


@dataclass(frozen=True, slots=True)
class MatchingRule:
    """When two records of an object match: all fields of one of the alternatives."""

    object_name: str
    name: str
    label: str
    alternatives: tuple[tuple[MatchItem, ...], ...]


@dataclass(frozen=True, slots=True)
class Target:
    """What a duplicate rule looks at: an object's matching rule, and other names that its fields have in the new record."""

    object_name: str
    matching_rule: str
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """What happens when a record of an object is saved and others match. Without `alert`, Allow does nothing."""

    object_name: str
    name: str
    label: str
    targets: tuple[Target, ...]
    active: bool = False
    on_insert: Action = "Allow"
    on_update: Action = "Allow"
    alert_on_insert: bool = True
    alert_on_update: bool = True
    message: str = "Use one of these records?"
    enforce_sharing: bool = True
    position: int = 1
    criteria: Criteria = field(default_factory=Criteria)
    """Records for which it does not hold are let pass."""


@dataclass(frozen=True, slots=True)
class ReadyDuplicateRule:
    """An active duplicate rule beside the matching rules of its targets."""

    rule: DuplicateRule
    filter: Filter
    matching: tuple[tuple[Target, MatchingRule], ...]


class Change(Protocol):
    """A record on its way: what it becomes, what it was (nothing for a new one), its id if it has one."""

    row: Row
    before: Row | None
    record_id: str


def _names(object_name: str, *keys: tuple[str, Method]) -> tuple[MatchItem, ...]:
    if object_name == "Account":
        return (MatchItem("Name", "CompanyName"), *(MatchItem(name, method) for name, method in keys))
    people = (MatchItem("FirstName", "FirstName"), MatchItem("LastName", "LastName"))
    return (*people, *(MatchItem(name, method) for name, method in keys))


STANDARD_MATCHING: tuple[MatchingRule, ...] = (
    MatchingRule("Account", "Standard_Account_Match_Rule_v1_0", "Standard Account Matching Rule", (
        _names("Account", ("Phone", "Phone")),
        _names("Account", ("Website", "Exact")),
        _names("Account", ("BillingCity", "Exact"), ("BillingStreet", "Exact")),
    )),
    MatchingRule("Contact", "Standard_Contact_Match_Rule_v1_1", "Standard Contact Matching Rule", (
        _names("Contact", ("Email", "Email")),
        _names("Contact", ("Phone", "Phone")),
        _names("Contact", ("MobilePhone", "Phone")),
    )),
    MatchingRule("Lead", "Standard_Lead_Match_Rule_v1_0", "Standard Lead Matching Rule", (
        _names("Lead", ("Email", "Email")),
        _names("Lead", ("Phone", "Phone")),
        _names("Lead", ("MobilePhone", "Phone")),
    )),
)  # fmt: skip
STANDARD_DUPLICATES: tuple[DuplicateRule, ...] = (
    DuplicateRule("Account", "Standard_Account_Duplicate_Rule", "Standard Account Duplicate Rule",
                  (Target("Account", "Standard_Account_Match_Rule_v1_0"),)),
    DuplicateRule("Contact", "Standard_Contact_Duplicate_Rule", "Standard Contact Duplicate Rule",
                  (Target("Contact", "Standard_Contact_Match_Rule_v1_1"), Target("Lead", "Standard_Lead_Match_Rule_v1_0"))),
    DuplicateRule("Lead", "Standard_Lead_Duplicate_Rule", "Standard Lead Duplicate Rule",
                  (Target("Lead", "Standard_Lead_Match_Rule_v1_0"), Target("Contact", "Standard_Contact_Match_Rule_v1_1"))),
)  # fmt: skip
"""The rules every org has, none of them active."""


# -- keeping rules -------------------------------------------------------------------------------------------


def _refused(name: str, message: str) -> Fault:
    return Fault("FIELD_INTEGRITY_EXCEPTION", message, fields=[name])


def _check_words(name: str, label: str) -> None:
    if not _NAME.fullmatch(name) or len(name) > 80:
        raise _refused(
            "DeveloperName", "The rule's name must have at most 80 letters, digits and single underscores"
        )
    if not label or len(label) > 80:
        raise _refused("MasterLabel", "The rule's label must have 1 to 80 characters")


async def save_matching_rule(conn: Any, catalogue: Catalogue, rule: MatchingRule) -> None:
    """Keeps a matching rule, with the indexes it needs. FIELD_INTEGRITY_EXCEPTION says what is wrong with it."""
    value = catalogue.get(rule.object_name)
    if value is None or value.setup or "IsDeleted" not in value.fields:
        raise _refused("SobjectType", f"There is no object {rule.object_name[:60]} that takes rules")
    _check_words(rule.name, rule.label)
    if not 1 <= len(rule.alternatives) <= 10 or not all(1 <= len(items) <= 10 for items in rule.alternatives):
        raise _refused("MatchingRuleItems", "A matching rule has 1 to 10 alternatives of 1 to 10 fields each")
    for items in rule.alternatives:
        for item in items:
            known = value.get(item.field)
            if known is None or known.type not in _TEXT_TYPES or known.length > 255:
                raise _refused("Field", f"Field {item.field[:60]} does not exist or cannot be compared")
            if item.method not in METHODS:
                raise _refused("MatchingMethod", f"There is no matching method {item.method[:40]}")
        if all(item.method in KEYLESS for item in items):
            words = "company's name, street or title"
            raise _refused("MatchingRuleItems", f"A {words} alone does not make a match: add a field")
    wanted = replace(
        rule,
        object_name=value.name,
        alternatives=tuple(
            tuple(replace(item, field=value.by_lower[item.field.lower()].name) for item in items)
            for items in rule.alternatives
        ),
    )
    await conn.execute(
        "INSERT INTO meta.matching_rule (object_name, name, definition) VALUES ($1, $2, $3)"
        " ON CONFLICT (object_name, name) DO UPDATE SET definition = excluded.definition",
        wanted.object_name,
        wanted.name,
        asdict(wanted),
    )
    await bump(conn)


async def save_duplicate_rule(conn: Any, catalogue: Catalogue, rule: DuplicateRule) -> None:
    """Keeps a duplicate rule; an active one holds from the next request on. FIELD_INTEGRITY_EXCEPTION otherwise."""
    value = catalogue.get(rule.object_name)
    if value is None or value.setup:
        raise _refused("SobjectType", f"There is no object {rule.object_name[:60]} that takes rules")
    _check_words(rule.name, rule.label)
    if not 1 <= len(rule.message) <= 255:
        raise _refused("AlertText", "The alert must have 1 to 255 characters")
    if rule.on_insert not in ("Allow", "Block") or rule.on_update not in ("Allow", "Block"):
        raise _refused("Action", "The action must be Allow or Block")
    if not 1 <= len(rule.targets) <= 3:
        raise _refused("DuplicateRuleMatchRules", "A duplicate rule matches against 1 to 3 objects")
    ready(rule.criteria, value)
    matching = {(one.object_name, one.name): one for one in await matching_rules(conn)}
    for target in rule.targets:
        found = matching.get((target.object_name, target.matching_rule))
        if found is None:
            raise _refused(
                "MatchingRule",
                f"There is no matching rule {target.matching_rule[:80]} of {target.object_name[:60]}",
            )
        for name in target.mapping.values():
            if value.get(name) is None:
                raise _refused("Field", f"Field {name[:60]} does not exist. Check spelling.")
        if rule.active:
            await _index(conn, catalogue, found)
    if rule.active:
        others = [
            one
            for one in await duplicate_rules(conn, value.name)
            if one.active and one.name.lower() != rule.name.lower()
        ]
        if len(others) >= MAX_RULES:
            raise _refused("IsActive", f"An object cannot have more than {MAX_RULES} active duplicate rules")
    wanted = replace(rule, object_name=value.name)
    await conn.execute(
        "INSERT INTO meta.duplicate_rule (object_name, name, definition) VALUES ($1, $2, $3)"
        " ON CONFLICT (object_name, name) DO UPDATE SET definition = excluded.definition",
        wanted.object_name,
        wanted.name,
        asdict(wanted),
    )
    await bump(conn)


async def _index(conn: Any, catalogue: Catalogue, rule: MatchingRule) -> None:
    value = catalogue.objects[rule.object_name]
    for item in {item for items in rule.alternatives for item in items if item.method in STRONG}:
        known = value.fields[item.field]
        if known.type == "reference" or (known.type == "email" and item.method == "Email"):
            continue  # the schema has an index for these
        expression = key_in_sql(item.method, known.column)
        name = index_name("dx", f"{value.name}.{item.method}", known.name).replace(".", "_")
        await conn.execute(
            f'CREATE INDEX IF NOT EXISTS {name} ON {value.table} (({expression})) WHERE NOT "IsDeleted"'
        )


async def matching_rules(conn: Any) -> list[MatchingRule]:
    """All matching rules."""
    rows = await conn.fetch("SELECT definition FROM meta.matching_rule ORDER BY object_name, name")
    return [_matching(row["definition"]) for row in rows]


async def duplicate_rules(conn: Any, object_name: str | None = None) -> list[DuplicateRule]:
    """The duplicate rules of an object, or of all, in the order in which they are asked."""
    rows = await conn.fetch(
        "SELECT definition FROM meta.duplicate_rule WHERE $1::text IS NULL OR object_name = $1"
        " ORDER BY object_name, (definition->>'position')::int, name",
        object_name,
    )
    return [_duplicate(row["definition"]) for row in rows]


def _matching(data: Mapping[str, Any]) -> MatchingRule:
    values: dict[str, Any] = dict(data)
    groups: list[list[dict[str, Any]]] = values["alternatives"]
    values["alternatives"] = tuple(tuple(MatchItem(**item) for item in items) for items in groups)
    return MatchingRule(**values)


def _duplicate(data: Mapping[str, Any]) -> DuplicateRule:
    values: dict[str, Any] = dict(data)
    targets: list[dict[str, Any]] = values["targets"]
    values["targets"] = tuple(Target(**target) for target in targets)
    if "criteria" in values:  # rules of former releases have none
        values["criteria"] = Criteria.from_json(values["criteria"])
    return DuplicateRule(**values)


async def ready_duplicate_rules(conn: Any, catalogue: Catalogue) -> dict[str, tuple[ReadyDuplicateRule, ...]]:
    """The active rules by object, each beside its matching rules."""
    active = [
        rule for rule in await duplicate_rules(conn) if rule.active and rule.object_name in catalogue.objects
    ]
    if not active:
        return {}
    matching = {(one.object_name, one.name): one for one in await matching_rules(conn)}
    found: dict[str, tuple[ReadyDuplicateRule, ...]] = {}
    for rule in active:
        pairs = tuple(
            (target, matching[target.object_name, target.matching_rule])
            for target in rule.targets
            if (target.object_name, target.matching_rule) in matching
        )
        found[rule.object_name] = (
            *found.get(rule.object_name, ()),
            ReadyDuplicateRule(rule, ready(rule.criteria, catalogue.objects[rule.object_name]), pairs),
        )
    return found


# -- records -------------------------------------------------------------------------------------------------


class DuplicatesDetected(Fault):
    """DUPLICATES_DETECTED, with what was found. `allow_save` tells that the caller may save in spite of it."""

    def __init__(self, rule: DuplicateRule, results: Sequence[dict[str, Any]], *, allow_save: bool):
        super().__init__("DUPLICATES_DETECTED", rule.message)
        self.result: dict[str, Any] = {
            "allowSave": allow_save,
            "duplicateRule": rule.name,
            "duplicateRuleEntityType": rule.object_name,
            "errorMessage": self.spoken,
            "matchResults": list(results),
        }

    def as_row(self) -> dict[str, Any]:
        """With `duplicateResult`, as Salesforce documents it."""
        return {"duplicateResult": self.result, "errorCode": self.code, "message": self.spoken}

    def as_save_error(self) -> dict[str, Any]:
        """The same in the dialect of collections."""
        return super().as_save_error() | {"duplicateResult": self.result}


@dataclass(frozen=True, slots=True)
class _Match:
    """A record that was found, and how far it agrees (1.0 in everything)."""

    row: Mapping[str, Any]
    confidence: float


@dataclass(frozen=True, slots=True)
class Search:
    """Circumstances of a look for duplicates."""

    conn: Any
    catalogue: Catalogue
    caller: Caller
    options: CallOptions
    version: str


async def detected(
    search: Search, value: ObjectType, rules: Sequence[ReadyDuplicateRule], changes: Sequence[Change]
) -> list[DuplicatesDetected | None]:
    """For each record, in order, the refusal or warning that stops it: of the first rule that refuses, else warns."""
    found: list[DuplicatesDetected | None] = [None] * len(changes)
    for one_rule in rules:
        rule = one_rule.rule
        asked = [
            position
            for position, change in enumerate(changes)
            if ((before := found[position]) is None or before.result["allowSave"])
            and _concerns(one_rule, change)
            and _stops(rule, change, search.options)
        ]
        results: dict[int, list[dict[str, Any]]] = {}
        for target, matching in one_rule.matching:
            matches = await _matches(search, target, matching, rule, [changes[at] for at in asked])
            shown = await _shown(search, target, [match for one in matches for match in one])
            for at, one in zip(asked, matches, strict=True):
                if one:
                    listed = [match for match in one if match.row["Id"] in shown]
                    results.setdefault(at, []).append(_match_result(search, target, matching, listed))
        for at, rows in results.items():
            block = _action(rule, changes[at]) == "Block"
            if block or found[at] is None:
                found[at] = DuplicatesDetected(rule, rows, allow_save=not block)
    return found


def _action(rule: DuplicateRule, change: Change) -> Action:
    return rule.on_insert if change.before is None else rule.on_update


def _stops(rule: DuplicateRule, change: Change, options: CallOptions) -> bool:
    if _action(rule, change) == "Block":
        return True
    alert = rule.alert_on_insert if change.before is None else rule.alert_on_update
    return alert and not options.allow_duplicates


def _concerns(rule: ReadyDuplicateRule, change: Change) -> bool:
    """Records the filter names; an old one is compared only when a field that is matched has changed."""
    if not rule.filter.matches(change.row):
        return False
    before = change.before
    if before is None:
        return True
    fields = {
        target.mapping.get(item.field, item.field)
        for target, matching in rule.matching
        for items in matching.alternatives
        for item in items
    }
    return any(before.get(name) != change.row.get(name) for name in fields)


async def _matches(
    search: Search, target: Target, matching: MatchingRule, rule: DuplicateRule, changes: Sequence[Change]
) -> list[list[_Match]]:
    """For each record, in order, the records of the target that match, the most alike first."""
    value = search.catalogue.objects.get(target.object_name)
    best: list[dict[str, _Match]] = [{} for _ in changes]
    hidden = value is not None and rule.enforce_sharing and search.options.duplicates_as_caller
    if value is None or not changes or (hidden and not rights(search.caller, value).read):
        return [[] for _ in changes]
    for items in matching.alternatives:
        if any(item.field not in value.fields for item in items):
            continue
        for at, row in await _candidates(search, value, target, items, changes, hidden=hidden):
            confidence = _confidence(target, items, changes[at].row, row)
            known = best[at].get(row["Id"])
            if confidence and (known is None or known.confidence < confidence):
                best[at][row["Id"]] = _Match(row, confidence)
    return [sorted(one.values(), key=lambda match: (-match.confidence, match.row["Id"])) for one in best]


async def _candidates(
    search: Search,
    value: ObjectType,
    target: Target,
    items: Sequence[MatchItem],
    changes: Sequence[Change],
    *,
    hidden: bool,
) -> list[tuple[int, Mapping[str, Any]]]:
    """Records with the same keys, beside their change's position; `hidden` leaves out what the caller cannot reach."""
    keyed = [
        (item, key) for item in items if (key := key_in_sql(item.method, value.fields[item.field].column))
    ]
    positions: list[int] = []
    selves: list[str] = []
    keys: list[list[str]] = [[] for _ in keyed]
    for at, change in enumerate(changes):
        wanted: list[str | None] = []
        for item, _ in keyed:
            given = change.row.get(target.mapping.get(item.field, item.field))
            blank = "" if item.blanks else None
            wanted.append(key_of(item.method, str(given)) if given is not None else blank)
        if all(key is not None for key in wanted):
            positions.append(at)
            selves.append(change.record_id)
            for column, key in zip(keys, wanted, strict=True):
                column.append(key or "")
    if not positions:
        return []
    conditions = " AND ".join(
        (f"coalesce({key}, '')" if item.blanks else key) + f" = d.k{number}"
        for number, (item, key) in enumerate(keyed)
    )
    arrays = ", ".join(f"${number + 3}::text[]" for number in range(len(keyed)))
    names = ", ".join(f"k{number}" for number in range(len(keyed)))
    columns = ", ".join(
        value.fields[name].column for name in dict.fromkeys(["Id", *(i.field for i in items)])
    )
    params: list[Any] = [positions, selves, *keys]

    def param(content: Any) -> str:
        params.append(content)
        return f"${len(params)}"

    if hidden and (reachable := visible(search.caller, value, "t", param)):
        conditions += f" AND ({reachable})"
    rows = await search.conn.fetch(
        f"SELECT d.n, f.* FROM unnest($1::int[], $2::text[], {arrays}) AS d(n, self, {names})"
        f" CROSS JOIN LATERAL (SELECT {columns} FROM {value.table} t WHERE {conditions}"
        f' AND NOT "IsDeleted" AND "Id" <> d.self ORDER BY "Id" LIMIT {MAX_CANDIDATES}) f',
        *params,
    )
    return [(row["n"], row) for row in rows]


async def _shown(search: Search, target: Target, matches: Sequence[_Match]) -> set[str]:
    """Those of the records found that the caller may be told of: a rule may look at more than that."""
    value = search.catalogue.objects.get(target.object_name)
    if value is None or not rights(search.caller, value).read:
        return set()
    ids = list({match.row["Id"] for match in matches})
    return await reachable(search.conn, search.catalogue, search.caller, value, ids)


def _confidence(target: Target, items: Sequence[MatchItem], new: Row, old: Mapping[str, Any]) -> float:
    """The mean of the fields' similarities; 0 where one of them differs."""
    total = 0.0
    for item in items:
        one, two = new.get(target.mapping.get(item.field, item.field)), old[item.field]
        if one is None or two is None:
            if not (item.blanks and one is two):
                return 0.0
            total += 1.0
            continue
        alike = similarity(item.method, str(one), str(two))
        if alike < THRESHOLD:
            return 0.0
        total += alike
    return total / len(items)


def _match_result(
    search: Search, target: Target, matching: MatchingRule, matches: Sequence[_Match]
) -> dict[str, Any]:
    exact = all(item.method in STRONG for items in matching.alternatives for item in items)
    return {
        "entityType": target.object_name,
        "errors": [],
        "matchEngine": "ExactMatchEngine" if exact else "FuzzyMatchEngine",
        "matchRecords": [
            {
                "additionalInformation": [],
                "fieldDiffs": [],
                "matchConfidence": round(match.confidence * 100, 1),
                "record": _record(search, target, match),
            }
            for match in matches
        ],
        "rule": matching.name,
        "size": len(matches),
        "success": True,
    }


def _record(search: Search, target: Target, match: _Match) -> dict[str, Any]:
    record_id = match.row["Id"]
    url = f"/services/data/v{search.version}/sobjects/{target.object_name}/{record_id}"
    shown: dict[str, Any] = {"attributes": {"type": target.object_name, "url": url}, "Id": record_id}
    if search.options.duplicate_records:
        fields = visible_part(search.catalogue, search.caller).objects[target.object_name].fields
        shown |= {name: content for name, content in match.row.items() if name != "Id" and name in fields}
    return shown


async def alike(search: Search, rules: Sequence[ReadyDuplicateRule], change: Change) -> dict[str, list[str]]:
    """Ids by object of what the active rules take for the same as a saved record, whatever they do about it."""
    found: dict[str, list[str]] = {}
    for one_rule in rules:
        if not one_rule.filter.matches(change.row):
            continue
        for target, matching in one_rule.matching:
            for match in (await _matches(search, target, matching, one_rule.rule, [change]))[0]:
                known = found.setdefault(target.object_name, [])
                if match.row["Id"] not in known:
                    known.append(match.row["Id"])
    return found
