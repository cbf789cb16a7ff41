# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Validation rules: conditions under which a record may not be saved, and what its user is then told.

A rule is checked when it is saved: its formula must be one, over fields that exist. At the save of records the rules
of their object run over the new values, with parents fetched for all records at once, whoever may see them: a rule
holds for everybody. All rules that a record breaks are answered together.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from .access.questions import Caller
from .errors import Fault
from .formula.formula import Formula, compile_formula
from .formula.values import KIND_OF_FIELD, FormulaProblem, Source
from .ids import make_id
from .metadata import Catalogue, Field, ObjectType
from .schema import bump

MAX_RULES = 100
"""Rules of one object."""
MAX_STEPS = 5
"""Relationships that a field's path may follow."""
KEY_PREFIX = "03d"
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
_PART = re.compile(r"(\$?[A-Za-z][A-Za-z0-9_]*)(?::([A-Za-z][A-Za-z0-9_]*))?")
_USER = "$User"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """One rule as it is kept: when `formula` is true, the record is refused with `message`, shown at `field`."""

    object_name: str
    name: str
    formula: str
    message: str
    active: bool = True
    field: str | None = None
    description: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class ReadyRule:
    """A rule with its formula, or with the reason why it has none any more."""

    rule: ValidationRule
    formula: Formula | None
    problem: str = ""


class Change(Protocol):
    """A record on its way: what it becomes, and what it was (nothing for a new one)."""

    row: Row
    before: Row | None


# -- saving rules --------------------------------------------------------------------------------------------


async def save_rule(conn: Any, catalogue: Catalogue, instance: str, rule: ValidationRule) -> tuple[str, bool]:
    """Keeps a rule, in place of one of that name; answers its id and whether anything changed.

    FIELD_INTEGRITY_EXCEPTION with the field of the rule that is wrong. The next request sees the rule.
    """
    value = catalogue.get(rule.object_name)
    if value is None or value.kind not in ("standard", "custom"):
        raise _refused("EntityDefinitionId", f"There is no object {rule.object_name[:60]} that takes rules")
    if not _NAME.fullmatch(rule.name) or len(rule.name) > 40:
        raise _refused(
            "ValidationName",
            "The rule's name must have at most 40 letters, digits and single underscores, a letter first",
        )
    if not rule.message or len(rule.message) > 255:
        raise _refused("ErrorMessage", "The error message must have 1 to 255 characters")
    if len(rule.description or "") > 255:
        raise _refused("Description", "The description must have at most 255 characters")
    shown = value.get(rule.field) if rule.field else None
    if rule.field and shown is None:
        raise _refused("ErrorDisplayField", f"Field {rule.field[:60]} does not exist. Check spelling.")
    try:
        compile_formula(rule.formula, resolver(catalogue, value))
    except FormulaProblem as problem:
        raise _refused("ErrorConditionFormula", problem.message) from None
    old = next(
        (one for one in await rules_of(conn, value.name) if one.name.lower() == rule.name.lower()), None
    )
    if old is None and await _count(conn, value.name) >= MAX_RULES:
        raise _refused("ValidationName", f"An object cannot have more than {MAX_RULES} validation rules")
    rule_id = old.id if old else None
    if rule_id is None:
        number = await conn.fetchval("SELECT nextval('meta.record_number')")
        rule_id = make_id(KEY_PREFIX, instance, number)
    wanted = ValidationRule(
        value.name, rule.name, rule.formula, rule.message, rule.active,
        shown.name if shown else None, rule.description, rule_id,
    )  # fmt: skip
    if wanted == old:
        return rule_id, False
    await conn.execute(
        "INSERT INTO meta.validation_rule (id, object_name, name, active, description, formula, message, field)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
        " active = excluded.active, description = excluded.description, formula = excluded.formula,"
        " message = excluded.message, field = excluded.field",
        rule_id, wanted.object_name, wanted.name, wanted.active, wanted.description, wanted.formula,
        wanted.message, wanted.field,
    )  # fmt: skip
    await bump(conn)
    return rule_id, True


def _refused(field: str, message: str) -> Fault:
    return Fault("FIELD_INTEGRITY_EXCEPTION", message, fields=[field])


async def _count(conn: Any, object_name: str) -> int:
    return await conn.fetchval(
        "SELECT count(*) FROM meta.validation_rule WHERE object_name = $1", object_name
    )


async def delete_rule(conn: Any, object_name: str, name: str) -> bool:
    """Forgets a rule; false where there is none of that name."""
    found = await conn.fetchval(
        "DELETE FROM meta.validation_rule WHERE object_name = $1 AND lower(name) = lower($2) RETURNING id",
        object_name,
        name,
    )
    if found:
        await bump(conn)
    return found is not None


async def rules_of(conn: Any, object_name: str | None = None) -> list[ValidationRule]:
    """The rules of an object, or of all, by name."""
    rows = await conn.fetch(
        "SELECT id, object_name, name, active, description, formula, message, field FROM meta.validation_rule"
        " WHERE $1::text IS NULL OR object_name = $1 ORDER BY object_name, name",
        object_name,
    )
    return [ValidationRule(**dict(row)) for row in rows]


def make_ready(catalogue: Catalogue, rules: Iterable[ValidationRule]) -> dict[str, tuple[ReadyRule, ...]]:
    """The active rules by object, compiled."""
    found: dict[str, list[ReadyRule]] = {}
    for rule in rules:
        value = catalogue.objects.get(rule.object_name)
        if value is None or not rule.active:
            continue
        try:
            ready = ReadyRule(rule, compile_formula(rule.formula, resolver(catalogue, value)))
        except FormulaProblem as problem:
            ready = ReadyRule(rule, None, problem.message)
        found.setdefault(rule.object_name, []).append(ready)
    return {name: tuple(ready) for name, ready in found.items()}


# -- fields by name ------------------------------------------------------------------------------------------


def resolver(catalogue: Catalogue, value: ObjectType) -> Any:
    """A function from a field's name in a formula (`Amount`, `Account.Owner:User.Name`, `$User.Id`) to its source."""

    def resolve(text: str) -> Source:
        parts = text.split(".")
        if len(parts) > MAX_STEPS + 1:
            raise FormulaProblem(f"Field {text[:80]} follows more than {MAX_STEPS} relationships")
        if not text.startswith("$"):
            return _source(catalogue, text, parts, value, ())
        first, rest = parts[0].lower(), parts[1:]
        user = catalogue.objects["User"]
        if first == "$user" and rest:
            return _source(catalogue, text, rest, user, (_USER,))
        if first in ("$profile", "$userrole") and rest:
            return _source(catalogue, text, [first[1:], *rest], user, (_USER,))
        if first == "$recordtype" and rest:
            return _source(catalogue, text, ["RecordType", *rest], value, ())
        raise FormulaProblem(f"Field {text[:80]} does not exist. Check spelling.")

    return resolve


def _source(
    catalogue: Catalogue, text: str, parts: Sequence[str], value: ObjectType, path: tuple[str, ...]
) -> Source:
    unknown = FormulaProblem(f"Field {text[:80]} does not exist. Check spelling.")
    for position, part in enumerate(parts):
        found = _PART.fullmatch(part)
        if found is None:
            raise unknown
        name, type_name = found.groups()
        if position == len(parts) - 1:
            item = value.get(name)
            if item is None or type_name:
                raise unknown
            kind = KIND_OF_FIELD.get(item.type)
            if kind is None:
                raise FormulaProblem(f"Field {text[:80]} is of a type that formulas cannot use ({item.type})")
            return Source((*path, item.name), kind, item.type == "percent")
        reference = value.by_relationship.get(name.lower())
        target = _target(catalogue, reference, type_name, parts[position + 1])
        if reference is None or target is None:
            raise unknown
        path = (*path, f"{reference.name}:{target.key_prefix}")
        value = target
    raise unknown


def _target(
    catalogue: Catalogue, reference: Field | None, type_name: str | None, wanted: str
) -> ObjectType | None:
    """The object behind a reference: the one named, else the first that has what comes next."""
    if reference is None:
        return None
    targets = [catalogue.objects[name] for name in reference.reference_to if name in catalogue.objects]
    if type_name:
        asked = "group" if type_name.lower() == "queue" else type_name.lower()
        return next((target for target in targets if target.name.lower() == asked), None)
    name = wanted.split(":")[0].lower()
    return next((one for one in targets if name in one.by_lower or name in one.by_relationship), None)


# -- records -------------------------------------------------------------------------------------------------


class _Seen:
    """One record as its formulas see it."""

    __slots__ = ("before_row", "is_new", "now", "parents", "row", "today")

    def __init__(self, row: Row, before: Row | None, parents: Mapping[str, Row], now: datetime, today: date):
        self.row = row
        self.before_row = before
        self.is_new = before is None
        self.parents = parents
        self.now = now
        self.today = today

    def value(self, path: tuple[str, ...]) -> Any:
        """The column behind a path; nothing where a relationship on the way is empty."""
        row: Mapping[str, Any] = self.row
        for step in path[:-1]:
            parent = _step(row, step)
            if parent is None:
                return None
            row = self.parents.get(parent, {})
        return row.get(path[-1])

    def before(self, path: tuple[str, ...]) -> Any:
        """The column before the change. A new record has always been what it is."""
        return self.value(path) if self.before_row is None else self.before_row.get(path[-1])


def _step(row: Mapping[str, Any], step: str) -> str | None:
    """The id of the parent that a step leads to, if it is of the step's kind."""
    name, _, prefix = step.partition(":")
    parent: str | None = row.get(name)
    return parent if parent and (not prefix or parent.startswith(prefix)) else None


async def broken_rules(
    conn: Any, catalogue: Catalogue, caller: Caller, rules: Sequence[ReadyRule], changes: Sequence[Change]
) -> list[tuple[Fault, ...]]:
    """For each record, in order, the faults of the rules it breaks."""
    paths = {
        source.path
        for rule in rules
        if rule.formula is not None
        for source in rule.formula.sources
        if not source.own
    }
    for change in changes:
        if paths:
            change.row[_USER] = caller.user_id
    try:
        parents = await _parents(conn, catalogue, [change.row for change in changes], paths)
        now = datetime.now(UTC)
        today = now.astimezone(_zone(caller)).date()
        return [
            tuple(
                fault
                for rule in rules
                if (fault := _broken(rule, _Seen(change.row, change.before, parents, now, today)))
            )
            for change in changes
        ]
    finally:
        for change in changes:
            change.row.pop(_USER, None)


def _broken(ready: ReadyRule, seen: _Seen) -> Fault | None:
    rule = ready.rule
    problem = ready.problem
    if ready.formula is not None:
        try:
            if ready.formula.evaluate(seen) is not True:
                return None
            return Fault(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION", rule.message, fields=[rule.field] if rule.field else []
            )
        except FormulaProblem as found:
            problem = found.message
    # Saving in spite of a rule that cannot be computed would let pass what it is there to stop.
    return Fault(
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
        f"The validation rule {rule.name} could not be evaluated: {problem}",
        fields=[],
    )


def _zone(caller: Caller) -> Any:
    try:
        return ZoneInfo(caller.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


async def _parents(
    conn: Any, catalogue: Catalogue, rows: Sequence[Row], paths: set[tuple[str, ...]]
) -> dict[str, Row]:
    """The records behind all paths by id, with the columns that are asked for: one query per object and step."""
    parents: dict[str, Row] = {}
    depth = 0
    reached: dict[tuple[str, ...], list[Row]] = {(): list(rows)}
    while reached:
        wanted: dict[str, tuple[set[str], set[str]]] = {}
        leads: dict[tuple[str, ...], set[str]] = {}
        for path in paths:
            if len(path) < depth + 2 or path[:depth] not in reached:
                continue
            lead = leads.setdefault(path[: depth + 1], set())
            column = path[depth + 1].partition(":")[0]
            for row in reached[path[:depth]]:
                parent = _step(row, path[depth])
                target = catalogue.of_id(parent) if parent else None
                if parent and target is not None and column in target.fields:
                    lead.add(parent)
                    ids, columns = wanted.setdefault(target.name, (set(), set()))
                    ids.add(parent)
                    columns.add(column)
        for name, (ids, columns) in wanted.items():
            target = catalogue.objects[name]
            chosen = ", ".join(target.fields[column].column for column in sorted(columns | {"Id"}))
            for row in await conn.fetch(
                f'SELECT {chosen} FROM {target.table} WHERE "Id" = ANY($1)', list(ids)
            ):
                parents.setdefault(row["Id"], {}).update(row)
        reached = {
            path: [parents[parent] for parent in lead if parent in parents] for path, lead in leads.items()
        }
        depth += 1
    return parents
