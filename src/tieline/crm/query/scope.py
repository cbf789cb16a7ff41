# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""One FROM of a query: names and functions to SQL expressions, with the joins and the rights they need.

What always holds: identifiers are the catalogue's, everything of a request is a parameter, and a row of any object
comes into the statement together with the condition under which the user may see it (`access.visible`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from ..access.questions import Caller, readable, rights, visible
from ..describe import describe_field
from ..errors import Fault, no_such_column
from ..geolocation import MOST_LATITUDE, MOST_LONGITUDE, RADIUS, distance_sql
from ..metadata import Catalogue, Field, ObjectType
from .formats import zone_of
from .soql_tree import DATE_FUNCTIONS, Call, Expression, Path, Source, pointed

MAX_PARENTS = 5
MAX_RELATIONSHIPS = 55
_NAME_FIELDS = frozenset(
    {
        "alias", "email", "firstname", "id", "isactive", "lastname", "name", "nameoralias", "phone", "profileid",
        "recordtypeid", "title", "type", "username", "userroleid",
    }
)  # fmt: skip
"""What Salesforce's Name object has: the fields that a parent of several types can be asked for."""
_NAME_PARENTS = frozenset({"profile", "userrole", "recordtype"})
NUMBERS = frozenset({"int", "double", "currency", "percent"})

_DATE_SQL = {
    "CALENDAR_MONTH": "extract(month FROM {0})::int",
    "CALENDAR_QUARTER": "extract(quarter FROM {0})::int",
    "CALENDAR_YEAR": "extract(year FROM {0})::int",
    "DAY_IN_MONTH": "extract(day FROM {0})::int",
    "DAY_IN_WEEK": "(extract(dow FROM {0})::int + 1)",
    "DAY_IN_YEAR": "extract(doy FROM {0})::int",
    "DAY_ONLY": "{0}::date",
    "FISCAL_MONTH": "extract(month FROM {0})::int",
    "FISCAL_QUARTER": "extract(quarter FROM {0})::int",
    "FISCAL_YEAR": "extract(year FROM {0})::int",
    "HOUR_IN_DAY": "extract(hour FROM {0})::int",
    "WEEK_IN_MONTH": "((extract(day FROM {0})::int - 1) / 7 + 1)",
    "WEEK_IN_YEAR": "((extract(doy FROM {0})::int - 1) / 7 + 1)",
}
_AGGREGATE_SQL = {
    "COUNT": "count({0})",
    "COUNT_DISTINCT": "count(DISTINCT {0})",
    "MIN": "min({0})",
    "MAX": "max({0})",
    # Decimal sums: binary ones would show 0.30000000000000004.
    "SUM": "sum({0}::numeric)::float8",
    "AVG": "avg({0}::numeric)::float8",
}


_NOWHERE = ObjectType("", "", "", "")
"""Flags of a field do not depend on its object."""


@dataclass(frozen=True, slots=True)
class Flags:
    """What describe says a field may be used for."""

    filterable: bool
    sortable: bool
    groupable: bool
    aggregatable: bool


@lru_cache(maxsize=4096)
def flags_of(item: Field) -> Flags:
    """The flags of a field, exactly as describe tells them."""
    told = describe_field(_NOWHERE, item, "en")
    return Flags(told["filterable"], told["sortable"], told["groupable"], told["aggregatable"])


@dataclass(frozen=True, slots=True)
class Value:
    """An expression: its SQL, the field whose type it has, and its path as the catalogue spells it."""

    sql: str
    item: Field
    path: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """A table in the statement."""

    alias: str
    value: ObjectType


def readable_object(catalogue: Catalogue, caller: Caller, name: str) -> ObjectType | None:
    """The object of that name, where the user may read it."""
    value = catalogue.get(name)
    if value is None or value.kind == "platform_event":  # events are heard, not kept
        return None
    return value if rights(caller, value).read else None


@dataclass
class Scope:
    """The object of one FROM, its aliases and joins; parameters are shared with the whole statement."""

    catalogue: Catalogue
    caller: Caller
    value: ObjectType
    alias: str
    params: list[Any]
    text: str = ""
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    joins: dict[tuple[str, ...], Joined] = field(default_factory=dict[tuple[str, ...], Joined])
    join_sql: list[str] = field(default_factory=list[str])
    subqueries: int = 0
    grouped: set[str] | None = None
    """SQL of what GROUP BY names, once the rows are groups."""
    _calls: dict[Call, Value] = field(default_factory=dict[Call, Value])

    # -- the statement

    def param(self, value: Any) -> str:
        """A value as a parameter: its placeholder."""
        self.params.append(value)
        return f"${len(self.params)}"

    def own_rows(self, *, deleted_too: bool) -> list[str]:
        """Conditions under which rows of this object are there for the user at all."""
        found = [] if deleted_too else [f'NOT {self.alias}."IsDeleted"']
        seen = visible(self.caller, self.value, self.alias, self.param)
        return [*found, f"({seen})"] if seen else found

    @property
    def body(self) -> str:
        """FROM with its joins."""
        return " ".join([f"FROM {self.value.table} {self.alias}", *self.join_sql])

    def fault(self, code: str, at: int, message: str) -> Fault:
        """A refusal that shows the place it is about."""
        return Fault(code, pointed(self.text, at, message))

    def malformed(self, at: int, message: str) -> Fault:
        """MALFORMED_QUERY at a place."""
        return self.fault("MALFORMED_QUERY", at, message)

    def name_sources(self, sources: tuple[Source, ...], own: str) -> None:
        """Learns the aliases of FROM: the object's own, and those of parents (`FROM Contact c, c.Account a`)."""
        for source in sources[:1]:
            self.aliases[own.lower()] = ()
            if source.alias:
                self.aliases[source.alias.lower()] = ()
        for source in sources[1:]:
            first, *rest = source.path.parts
            prefix = self.aliases.get(first.lower())
            if prefix is None or not rest:
                raise self.malformed(
                    source.path.at,
                    "A driver SObject type has already been set, all other entity types in the FROM clause must be "
                    f"relationships to the initial object. The driver object is {self.value.name}.",
                )
            path = (*prefix, *rest)
            self.resolve(Path((*path, "Id"), source.path.at))
            self.aliases[(source.alias or rest[-1]).lower()] = path

    # -- names

    def _parts(self, path: Path) -> tuple[str, ...]:
        first = path.parts[0].lower()
        if len(path.parts) > 1 and first in self.aliases and first not in self.value.by_relationship:
            return (*self.aliases[first], *path.parts[1:])
        return path.parts

    def field(self, value: ObjectType, name: str, at: int) -> Field:
        """The field of that name. INVALID_FIELD where there is none that the user may see."""
        item = value.get(name)
        if item is None or not readable(self.caller, value, item):
            missing = no_such_column(name, value.name)
            raise self.fault(missing.code, at, missing.message)
        return item

    def _no_relationship(self, name: str, at: int) -> Fault:
        return self.fault(
            "INVALID_FIELD",
            at,
            f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom "
            "relationship, be sure to append the '__r' after the custom relationship name. Please reference "
            "your WSDL or the describe call for the appropriate names.",
        )

    def resolve(self, path: Path, start: Joined | None = None, prefix: tuple[str, ...] = ()) -> Value:
        """The expression of a dotted name, seen from the object of FROM or from a table joined before."""
        parts = self._parts(path) if start is None else path.parts
        if len(parts) > MAX_PARENTS + 1:
            raise self.malformed(
                path.at, f"SOQL statements cannot query more than 5 levels of parents: {path}"
            )
        current = start or Joined(self.alias, self.value)
        canonical = list(prefix)
        for index, part in enumerate(parts[:-1]):
            reference = current.value.by_relationship.get(part.lower())
            if reference is None or not readable(self.caller, current.value, reference):
                raise self._no_relationship(part, path.at)
            canonical.append(reference.relationship or part)
            if len(reference.reference_to) == 1:
                current = self.join(tuple(canonical), current, reference, reference.reference_to[0], path.at)
            elif index == len(parts) - 2:
                found = self._of_several(current, reference, parts[-1], path.at)
                return Value(found.sql, found.item, (*canonical, found.item.name))
            else:
                current = self._further(tuple(canonical), current, reference, parts[index + 1], path.at)
        item = self.field(current.value, parts[-1], path.at)
        return Value(f"{current.alias}.{item.column}", item, (*canonical, item.name))

    def join(
        self, key: tuple[str, ...], parent: Joined, reference: Field, target_name: str, at: int
    ) -> Joined:
        """The parent's table, joined once. Rows that the user may not see are as if they were not there."""
        found = self.joins.get(key)
        if found is None:
            target = readable_object(self.catalogue, self.caller, target_name)
            if target is None:
                raise self._no_relationship(key[-1], at)
            if len(self.joins) >= MAX_RELATIONSHIPS:
                raise self.malformed(at, f"Maximum child-to-parent relationships: {MAX_RELATIONSHIPS}")
            found = Joined(f"{self.alias}_{len(self.joins) + 1}", target)
            self.joins[key] = found
            on = f'{found.alias}."Id" = {parent.alias}.{reference.column}'
            seen = visible(self.caller, target, found.alias, self.param)
            if seen:
                on += f" AND ({seen})"
            self.join_sql.append(f"LEFT JOIN {target.table} {found.alias} ON {on}")
        return found

    def targets(self, reference: Field) -> list[ObjectType]:
        """The objects a reference may point to, as far as the user may read them."""
        found = (readable_object(self.catalogue, self.caller, name) for name in reference.reference_to)
        return [target for target in found if target is not None]

    def _further(self, key: tuple[str, ...], parent: Joined, reference: Field, name: str, at: int) -> Joined:
        """Behind a parent of several types only few go on: `Owner.Profile.Name`."""
        for target in self.targets(reference):
            if name.lower() in _NAME_PARENTS and name.lower() in target.by_relationship:
                return self.join((*key, target.name), parent, reference, target.name, at)
        raise self._no_relationship(name, at)

    def _of_several(self, parent: Joined, reference: Field, name: str, at: int) -> Value:
        """A field of Who, What or Owner: taken from whichever object the id belongs to."""
        column = f"{parent.alias}.{reference.column}"
        wanted = name.lower()
        targets = self.targets(reference)
        if wanted == "type":
            cases = " ".join(f"WHEN '{target.key_prefix}' THEN '{target.name}'" for target in targets)
            sql = f"(CASE left({column}, 3) {cases} END)" if cases else "NULL::text"
            return Value(sql, Field("Type", "string", "Type"))
        if wanted == "id":
            return Value(column, Field("Id", "id", "Id", length=18))
        selects: list[str] = []
        found: Field | None = None
        for target in targets:
            item = target.name_field if wanted == "name" else target.get(name)
            if wanted not in _NAME_FIELDS or item is None or not readable(self.caller, target, item):
                continue
            if found is None or found.type == item.type:
                found = item
                seen = visible(self.caller, target, "p", self.param)
                also = f" AND ({seen})" if seen else ""
                selects.append(
                    f'(SELECT p.{item.column} FROM {target.table} p WHERE p."Id" = {column}{also})'
                )
        if found is None:
            missing = no_such_column(name, "Name")
            raise self.fault(missing.code, at, missing.message)
        if wanted == "name":
            found = Field("Name", "string", "Name")
        return Value(f"COALESCE({', '.join(selects)})" if len(selects) > 1 else selects[0], found)

    # -- functions

    def expression(self, node: Expression) -> Value:
        """A field or function. The same call is the same SQL throughout the statement, parameters included."""
        if isinstance(node, Path):
            found = self.resolve(node)
            if self.grouped is not None and found.sql not in self.grouped:
                raise self.malformed(node.at, f"Field must be grouped or aggregated: {node}")
            return found
        found = self._calls.get(node)
        if found is None:
            found = self._call(node)
            if node.name != "GROUPING":
                self._calls[node] = found
        if self.grouped is not None and not node.aggregate and not self._is_grouped(node, found):
            raise self.malformed(node.at, f"Field must be grouped or aggregated: {node}")
        return found

    def _is_grouped(self, node: Call, found: Value) -> bool:
        grouped = self.grouped or set[str]()
        if found.sql in grouped:
            return True
        if node.name in DATE_FUNCTIONS or node.argument is None:
            return False
        inner = node.argument
        return (self.resolve(inner) if isinstance(inner, Path) else self._call(inner)).sql in grouped

    def _call(self, node: Call) -> Value:
        if node.name in DATE_FUNCTIONS:
            return self._date_function(node)
        if node.name == "CONVERTCURRENCY":
            raise self.malformed(
                node.at, "convertCurrency is not supported: the organization has one currency"
            )
        if node.name == "DISTANCE":
            return self._distance(node)
        if node.name == "FORMAT" and node.argument is not None:
            return self._inside(node.argument)
        if node.name == "TOLABEL" and isinstance(node.argument, Path):
            return self._label(node.argument)
        return self._aggregate(node)

    def _inside(self, node: Expression) -> Value:
        return self.resolve(node) if isinstance(node, Path) else self._call(node)

    def _date_function(self, node: Call) -> Value:
        zone = "'UTC'"
        inner = node.argument
        converted = isinstance(inner, Call)
        if converted:
            zone, inner = self.param(zone_of(self.caller.time_zone).key) + "::text", inner.argument
        assert isinstance(inner, Path)
        found = self.resolve(inner)
        only_datetime = converted or node.name in ("HOUR_IN_DAY", "DAY_ONLY")
        if found.item.type != "datetime" and (only_datetime or found.item.type != "date"):
            raise self.malformed(
                node.at,
                f"The function {node.name} cannot be used with field {inner} of type {found.item.type}",
            )
        self._require(found, "filterable", inner, "filtered")
        moment = f"({found.sql} AT TIME ZONE {zone})" if found.item.type == "datetime" else found.sql
        kind = "date" if node.name == "DAY_ONLY" else "int"
        return Value(f"({_DATE_SQL[node.name].format(moment)})", Field(node.name, kind, node.name))

    def _distance(self, node: Call) -> Value:
        other, unit = node.rest
        radius = RADIUS.get(str(unit).lower())
        if radius is None:
            raise self.malformed(node.at, "the unit of DISTANCE must be 'mi' or 'km'")
        if not isinstance(node.argument, Path):
            raise self.malformed(node.at, "the first argument of DISTANCE must be a field")
        assert isinstance(other, Path | Call)
        sql = distance_sql(self._place(node.argument), self._place(other), radius)
        return Value(sql, Field("DISTANCE", "double", "DISTANCE", precision=18, scale=15))

    def _place(self, node: Path | Call) -> tuple[str, str]:
        """SQL of a latitude and a longitude: those of an address, or two numbers."""
        if isinstance(node, Call):
            latitude, longitude = (float(str(number)) for number in node.rest)
            if abs(latitude) > MOST_LATITUDE or abs(longitude) > MOST_LONGITUDE:
                raise self.malformed(
                    node.at, "GEOLOCATION takes a latitude of -90 to 90, a longitude of -180 to 180"
                )
            return f"{self.param(latitude)}::float8", f"{self.param(longitude)}::float8"
        compound = self.resolve(node).item
        found: list[str] = []
        for end in ("Latitude", "Longitude"):
            name = next((part for part in compound.components if part.endswith(end)), None)
            if name is None:
                raise self.fault(
                    "INVALID_FIELD",
                    node.at,
                    f"field '{compound.name}' is neither a geolocation nor an address",
                )
            found.append(self.resolve(Path((*node.parts[:-1], name), node.at)).sql)
        return found[0], found[1]

    def _label(self, path: Path) -> Value:
        found = self.resolve(path)
        if not found.item.picklist:
            if found.item.type == "picklist":
                return found
            raise self.fault(
                "INVALID_FIELD", path.at, f"toLabel can only be used with picklist fields: {path}"
            )
        language = self.caller.words
        values = self.param([choice.value for choice in found.item.picklist])
        labels = self.param([choice.label_in(language) for choice in found.item.picklist])
        chosen = f"unnest({values}::text[], {labels}::text[]) AS m(v, l)"
        if is_multipicklist(found.item):
            sql = (
                f"(SELECT string_agg(COALESCE(m.l, p.v), ';' ORDER BY p.n) FROM unnest(string_to_array({found.sql},"
                f" ';')) WITH ORDINALITY p(v, n) LEFT JOIN {chosen} ON m.v = p.v)"
            )
        else:
            sql = f"COALESCE((SELECT m.l FROM {chosen} WHERE m.v = {found.sql} LIMIT 1), {found.sql})"
        return Value(sql, Field(found.item.name, "string", found.item.label), found.path)

    def _aggregate(self, node: Call) -> Value:
        if node.argument is None:
            raise self.malformed(node.at, "COUNT() must be the only element in the select list")
        assert isinstance(node.argument, Path)
        if self.grouped is None:
            raise self.malformed(node.at, f"aggregate function {node} is not allowed here")
        found = self.resolve(node.argument)
        item = found.item
        if node.name == "GROUPING":
            if found.sql not in self.grouped:
                raise self.malformed(node.at, f"GROUPING requires a grouped field: {node.argument}")
            return Value(f"GROUPING({found.sql})", Field("grouping", "int", "grouping"))
        if (node.name in ("SUM", "AVG") and item.type not in NUMBERS) or not flags_of(item).aggregatable:
            raise self.malformed(
                node.at, f"field {item.name} does not support aggregate operator {node.name}"
            )
        if node.name in ("COUNT", "COUNT_DISTINCT"):
            item = Field(item.name, "int", item.label)
        elif node.name == "AVG":
            item = Field(item.name, "double", item.label, precision=18, scale=item.scale)
        elif node.name == "SUM" and item.type == "int":
            return Value(f"sum({found.sql})", item)
        return Value(_AGGREGATE_SQL[node.name].format(found.sql), item)

    # -- flags

    def _require(self, found: Value, flag: str, node: Expression, word: str) -> None:
        if not getattr(flags_of(found.item), flag):
            raise self.fault(
                "INVALID_FIELD", node.at, f"field '{found.item.name}' can not be {word} in a query call"
            )

    def filtered(self, node: Expression) -> Value:
        """An expression that a condition compares. INVALID_FIELD where describe forbids it."""
        found = self.expression(node)
        if isinstance(node, Path):
            self._require(found, "filterable", node, "filtered")
        elif node.name == "FORMAT":
            raise self.malformed(node.at, "FORMAT is not allowed in a condition")
        return found

    def sorted(self, node: Expression) -> Value:
        """An expression that rows are ordered by."""
        found = self.expression(node)
        if isinstance(node, Path):
            self._require(found, "sortable", node, "sorted")
        return found

    def group_key(self, node: Expression) -> Value:
        """An expression that rows are grouped by."""
        if isinstance(node, Call) and node.name not in DATE_FUNCTIONS:
            raise self.malformed(node.at, f"{node} can not be grouped in a query call")
        found = self.expression(node)
        if isinstance(node, Path) and not flags_of(found.item).groupable:
            raise self.malformed(node.at, f"field '{found.item.name}' can not be grouped in a query call")
        return found


_MULTIPICKLIST: str = "multipicklist"
"""The type's name, as a text: not every release's catalogue has fields of it."""


def is_multipicklist(item: Field) -> bool:
    """True where a field holds several values, separated by semicolons."""
    return item.type == _MULTIPICKLIST
