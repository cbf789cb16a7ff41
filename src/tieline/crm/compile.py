# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""SOQL's tree to parameterised SQL, with the user's rights.

Injection-proof by construction: literals become parameters, identifiers are taken from the catalogue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from .access import Caller, rights, visible
from .errors import Fault, no_such_column
from .ids import parse_id
from .metadata import Catalogue, Field, ObjectType, child_relationship
from .soql import Condition, CountItem, DateRange, FieldsItem, JoinQuery, Path, Query, Text, malformed


@dataclass
class _Joined:
    alias: str
    value: ObjectType


@dataclass
class Column:
    """Where one selected value goes in the answer, and its position in the SQL row."""

    path: tuple[str, ...]
    position: int


@dataclass
class Child:
    """A child subquery: relationship name as in the catalogue, its query, and the field that points back."""

    name: str
    query: Query
    reference: Field
    value: ObjectType


@dataclass
class Compiled:
    """SQL with its parameters, and how to make records of its rows."""

    select: str
    body: str
    where: str
    order: str
    params: list[Any]
    value: ObjectType
    columns: list[Column]
    parents: dict[tuple[str, ...], tuple[ObjectType | None, int]]
    children: list[Child] = field(default_factory=list[Child])
    is_count: bool = False
    sorted: bool = False
    limit: int | None = None
    offset: int = 0

    @property
    def count_sql(self) -> str:
        """Counts the rows that the query answers, LIMIT and OFFSET included."""
        if self.limit is None and not self.offset:
            return f"SELECT count(*) {self.body} WHERE {self.where}"
        window = f"OFFSET {self.offset:d}" + ("" if self.limit is None else f" LIMIT {self.limit:d}")
        return f"SELECT count(*) FROM (SELECT 1 {self.body} WHERE {self.where} {window}) counted"

    def page(self, rows: int, skip: int = 0, also: str | None = None) -> str:
        """`rows` rows after the first `skip`; `also` is one more expression at the end of each."""
        select = f"{self.select}, {also}" if also else self.select
        return (
            f"SELECT {select} {self.body} WHERE {self.where} ORDER BY {self.order}"
            f" LIMIT {rows:d} OFFSET {self.offset + skip:d}"
        )

    def page_after(self, rows: int) -> str:
        """`rows` rows after the id that is the last parameter; for queries without an order of their own."""
        return (
            f'SELECT {self.select} {self.body} WHERE {self.where} AND t."Id" > ${len(self.params) + 1}'
            f' ORDER BY t."Id" LIMIT {rows:d}'
        )


class _Scope:
    """One FROM: the object, its joins, and the parameters shared with the whole statement."""

    def __init__(
        self,
        catalogue: Catalogue,
        caller: Caller,
        value: ObjectType,
        alias: str,
        params: list[Any],
        own: tuple[str, ...],
    ):
        self.catalogue = catalogue
        self.caller = caller
        self.value = value
        self.alias = alias
        self.params = params
        self.own = own
        self.joins: dict[tuple[str, ...], _Joined] = {}
        self.join_sql: list[str] = []
        self.subqueries = 0

    def param(self, value: Any) -> str:
        self.params.append(value)
        return f"${len(self.params)}"

    def strip(self, path: Path) -> tuple[str, ...]:
        parts = path.parts
        if (
            len(parts) > 1
            and parts[0].lower() in self.own
            and parts[0].lower() not in self.value.by_relationship
        ):
            return parts[1:]
        return parts

    def resolve(self, path: Path) -> tuple[str, Field, tuple[str, ...]]:
        """`(SQL expression, field, canonical path)` of a dotted name."""
        parts = list(self.strip(path))
        if len(parts) > 6:
            raise malformed(f"SOQL statements cannot query more than 5 levels of parents: {path}")
        current = _Joined(self.alias, self.value)
        canonical: list[str] = []
        for index, part in enumerate(parts[:-1]):
            reference = current.value.by_relationship.get(part.lower())
            if reference is None:
                raise Fault(
                    "INVALID_FIELD",
                    f"Didn't understand relationship '{part}' in field path. If you are attempting to use a custom "
                    "relationship, be sure to append the '__r' after the custom relationship name. Please reference "
                    "your WSDL or the describe call for the appropriate names.",
                )
            canonical.append(reference.relationship or part)
            if len(reference.reference_to) != 1:
                if index != len(parts) - 2:
                    raise Fault("INVALID_FIELD", f"{path}: a polymorphic relationship has no further parents")
                sql, item = self._polymorphic(current, reference, parts[-1])
                return sql, item, (*canonical, item.name)
            current = self._join(tuple(canonical), current, reference)
        item = current.value.get(parts[-1])
        if item is None:
            raise no_such_column(parts[-1], current.value.name)
        return f"{current.alias}.{item.column}", item, (*canonical, item.name)

    def _join(self, key: tuple[str, ...], parent: _Joined, reference: Field) -> _Joined:
        found = self.joins.get(key)
        if found is None:
            target = self.catalogue.get(reference.reference_to[0])
            if target is None or not rights(self.caller, target).read:
                raise Fault("INVALID_FIELD", f"Didn't understand relationship '{key[-1]}' in field path.")
            found = _Joined(f"{self.alias}_{len(self.joins) + 1}", target)
            self.joins[key] = found
            seen = visible(self.caller, target, found.alias, self.param)
            self.join_sql.append(
                f'LEFT JOIN {target.table} {found.alias} ON {found.alias}."Id" = {parent.alias}.{reference.column}'
                + (f" AND {seen}" if seen else "")
            )
        return found

    def _polymorphic(self, parent: _Joined, reference: Field, name: str) -> tuple[str, Field]:
        """A field of Who or What: taken from whichever object the id belongs to."""
        column = f"{parent.alias}.{reference.column}"
        targets = [
            target
            for target in (self.catalogue.get(other) for other in reference.reference_to)
            if target is not None and rights(self.caller, target).read
        ]
        if name.lower() == "type":
            cases = " ".join(f"WHEN '{target.key_prefix}' THEN '{target.name}'" for target in targets)
            return f"(CASE left({column}, 3) {cases} END)", Field("Type", "string", "Type")
        if name.lower() == "id":
            return column, Field("Id", "id", "Id", length=18)
        selects: list[str] = []
        found: Field | None = None
        for target in targets:
            item = target.name_field if name.lower() == "name" else target.get(name)
            if item is not None and (found is None or found.type == item.type):
                found = item
                seen = visible(self.caller, target, "p", self.param)
                also = f" AND {seen}" if seen else ""
                selects.append(
                    f'(SELECT p.{item.column} FROM {target.table} p WHERE p."Id" = {column}{also})'
                )
        if found is None or not selects:
            raise no_such_column(name, "Name")
        if name.lower() == "name":
            found = Field("Name", "string", "Name")
        return f"COALESCE({', '.join(selects)})" if len(selects) > 1 else selects[0], found

    # -- conditions

    def condition(self, node: Condition) -> str:
        if node.kind in ("and", "or"):
            return "(" + f" {node.kind.upper()} ".join(self.condition(item) for item in node.items) + ")"
        if node.kind == "not":
            return f"(NOT COALESCE({self.condition(node.items[0])}, false))"
        path: Path = node.items[0]
        sql, item, _ = self.resolve(path)
        if not item.filterable:
            raise Fault("INVALID_FIELD", f"field '{item.name}' can not be filtered in a query call")
        if node.kind == "like":
            if not item.textual:
                raise malformed(f"invalid operator on {item.type} field")
            return f"{self._folded(sql, item)} LIKE {self.param(self._fold(node.items[1].pattern, item))}"
        if node.kind in ("in", "not_in"):
            return self._in(sql, item, node.items[1], negated=node.kind == "not_in")
        return self._compare(sql, item, node.items[1], node.items[2])

    def _fold(self, text: str, item: Field) -> str:
        return text if item.case_sensitive else text.lower()

    def _folded(self, sql: str, item: Field) -> str:
        return sql if item.case_sensitive or not item.textual else f"lower({sql})"

    def _compare(self, sql: str, item: Field, operator: str, literal: Any) -> str:
        if literal is None or (isinstance(literal, Text) and literal.value == "" and item.type != "boolean"):
            if operator not in ("=", "!="):
                raise malformed(f"invalid operator on null: {operator}")
            return f"{sql} IS {'NOT ' if operator == '!=' else ''}NULL"
        if isinstance(literal, DateRange):
            return self._date_range(sql, item, operator, literal)
        if item.type == "datetime" and isinstance(literal, date) and not isinstance(literal, datetime):
            raise self._mismatch(item)
        value = self._value(item, literal)
        if operator == "!=":
            return f"{self._folded(sql, item)} IS DISTINCT FROM {self.param(value)}"
        if item.type == "boolean" and operator != "=":
            raise Fault("INVALID_OPERATOR", f"invalid operator on {item.type} field")
        return f"{self._folded(sql, item)} {operator} {self.param(value)}"

    def _in(self, sql: str, item: Field, values: Any, *, negated: bool) -> str:
        if isinstance(values, JoinQuery):
            return self._semi_join(sql, item, values, negated=negated)
        chosen = [value for value in values if value is not None]
        with_null = len(chosen) != len(values)
        stored = [self._value(item, value) for value in chosen if not isinstance(value, DateRange)]
        if len(stored) != len(chosen):
            raise malformed("date literals cannot be used in a list")
        test = f"{self._folded(sql, item)} = ANY({self.param(stored)})"
        if negated:
            return f"(NOT COALESCE({test}, false){f' AND {sql} IS NOT NULL' if with_null else ''})"
        return f"({test} OR {sql} IS NULL)" if with_null else test

    def _semi_join(self, sql: str, item: Field, query: JoinQuery, *, negated: bool) -> str:
        if item.type not in ("id", "reference"):
            raise malformed(f"The field '{item.name}' in the outer query must be an Id or a reference")
        self.subqueries += 1
        value = _object(self.catalogue, self.caller, query.source)
        inner = _Scope(
            self.catalogue,
            self.caller,
            value,
            f"{self.alias}s{self.subqueries}",
            self.params,
            (value.name.lower(),),
        )
        column, inner_item, _ = inner.resolve(query.path)
        if inner_item.type not in ("id", "reference"):
            raise malformed(f"The inner select field '{inner_item.name}' must be an Id or a reference")
        where = [f'NOT {inner.alias}."IsDeleted"', f"{column} IS NOT NULL"]
        seen = visible(self.caller, value, inner.alias, self.param)
        if seen is not None:
            where.append(seen)
        if query.where is not None:
            where.append(inner.condition(query.where))
        text = (
            f"SELECT {column} FROM {value.table} {inner.alias} {' '.join(inner.join_sql)} "
            f"WHERE {' AND '.join(where)}"
        )
        return f"({sql} {'NOT IN' if negated else 'IN'} ({text}))"

    def _mismatch(self, item: Field) -> Fault:
        wanted = "dateTime" if item.type == "datetime" else item.type
        return Fault(
            "INVALID_FIELD",
            f"value of filter criterion for field '{item.name}' must be of type {wanted} and should "
            f"{'not ' if item.type not in _QUOTED else ''}be enclosed in quotes",
        )

    def _value(self, item: Field, literal: Any) -> Any:
        """A literal as a parameter for this field, or INVALID_FIELD."""
        if item.type in ("id", "reference"):
            if not isinstance(literal, Text):
                raise self._mismatch(item)
            found = parse_id(literal.value)
            if found is None:
                raise Fault("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.value[:80]}")
            return found
        if item.textual:
            if not isinstance(literal, Text):
                raise self._mismatch(item)
            return self._fold(literal.value, item)
        if item.type == "boolean":
            if not isinstance(literal, bool):
                raise self._mismatch(item)
            return literal
        if item.type in ("int", "double", "currency", "percent"):
            if isinstance(literal, bool) or not isinstance(literal, int | float):
                raise self._mismatch(item)
            if item.type == "int":
                # A comparison with a number outside the column's range must not fail in the driver.
                return max(-(2**31), min(2**31 - 1, int(literal)))
            return float(literal)
        if item.type == "date":
            if isinstance(literal, datetime) or not isinstance(literal, date):
                raise self._mismatch(item)
            return literal
        if not isinstance(literal, datetime):
            raise self._mismatch(item)
        return literal

    def _date_range(self, sql: str, item: Field, operator: str, literal: DateRange) -> str:
        if item.type not in ("date", "datetime"):
            raise malformed(f"unexpected token: '{literal.name}'")
        zone = zone_of(self.caller.time_zone)
        start, end = date_range(literal, datetime.now(zone).date())
        low: Any = start
        high: Any = end
        if item.type == "datetime":
            low = datetime.combine(start, time(), zone).astimezone(UTC)
            high = datetime.combine(end, time(), zone).astimezone(UTC)
        if operator in ("=", "!="):
            test = f"({sql} >= {self.param(low)} AND {sql} < {self.param(high)})"
            return test if operator == "=" else f"(NOT COALESCE({test}, false))"
        bound = {"<": low, ">=": low, ">": high, "<=": high}[operator]
        return f"{sql} {'<' if operator in ('<', '<=') else '>='} {self.param(bound)}"


_QUOTED = frozenset(
    {"string", "picklist", "combobox", "textarea", "phone", "email", "url", "id", "reference"}
)


def zone_of(name: str) -> ZoneInfo:
    """The named time zone, or UTC where the system does not know it."""
    try:
        return ZoneInfo(name)
    except Exception:
        return ZoneInfo("UTC")


def _month(day: date, offset: int = 0) -> date:
    index = day.year * 12 + day.month - 1 + offset
    return date(min(max(index // 12, 1), 9998), index % 12 + 1, 1)


_RANGES: dict[str, Callable[[date, int], tuple[date, date]]] = {
    "TODAY": lambda day, _: (day, day + timedelta(1)),
    "YESTERDAY": lambda day, _: (day - timedelta(1), day),
    "TOMORROW": lambda day, _: (day + timedelta(1), day + timedelta(2)),
    "LAST_N_DAYS": lambda day, n: (day - timedelta(n), day + timedelta(1)),
    "NEXT_N_DAYS": lambda day, n: (day + timedelta(1), day + timedelta(n + 1)),
    "N_DAYS_AGO": lambda day, n: (day - timedelta(n), day - timedelta(n - 1)),
    "LAST_90_DAYS": lambda day, _: (day - timedelta(90), day + timedelta(1)),
    "NEXT_90_DAYS": lambda day, _: (day + timedelta(1), day + timedelta(91)),
    "THIS_WEEK": lambda day, _: _week(day, 0),
    "LAST_WEEK": lambda day, _: _week(day, -1),
    "NEXT_WEEK": lambda day, _: _week(day, 1),
    "THIS_MONTH": lambda day, _: (_month(day), _month(day, 1)),
    "LAST_MONTH": lambda day, _: (_month(day, -1), _month(day)),
    "NEXT_MONTH": lambda day, _: (_month(day, 1), _month(day, 2)),
    "LAST_N_MONTHS": lambda day, n: (_month(day, -n), _month(day)),
    "THIS_YEAR": lambda day, _: (date(day.year, 1, 1), date(day.year + 1, 1, 1)),
    "LAST_YEAR": lambda day, _: (date(day.year - 1, 1, 1), date(day.year, 1, 1)),
    "NEXT_YEAR": lambda day, _: (date(day.year + 1, 1, 1), date(day.year + 2, 1, 1)),
}


def _week(day: date, offset: int) -> tuple[date, date]:
    start = day - timedelta((day.weekday() + 1) % 7) + timedelta(7 * offset)
    return start, start + timedelta(7)


def date_range(literal: DateRange, today: date) -> tuple[date, date]:
    """First day and day after the last of a date literal. MALFORMED_QUERY for an unknown one."""
    known = _RANGES.get(literal.name)
    if known is None:
        raise malformed(f"unexpected token: '{literal.name}'")
    try:
        return known(today, literal.count)
    except (OverflowError, ValueError):
        raise malformed(f"date literal out of range: {literal.name}:{literal.count}") from None


def _object(catalogue: Catalogue, caller: Caller, name: str) -> ObjectType:
    value = catalogue.get(name)
    if value is None or not rights(caller, value).read:
        raise Fault(
            "INVALID_TYPE",
            f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
            "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
            "appropriate names.",
        )
    return value


def compile_query(
    query: Query,
    catalogue: Catalogue,
    caller: Caller,
    *,
    deleted_too: bool = False,
    source: ObjectType | None = None,
    extra: Callable[[_Scope], str] | None = None,
) -> Compiled:
    """SQL for a query. Without ORDER BY rows come in the order of their ids, so that pages can be continued.

    `source` and `extra` serve child subqueries: the child object and a further condition.
    """
    value = source or _object(catalogue, caller, query.source)
    own = tuple(name.lower() for name in (query.source, query.alias) if name)
    params: list[Any] = []
    scope = _Scope(catalogue, caller, value, "t", params, own)
    expressions: list[str] = []
    columns: list[Column] = []
    parents: dict[tuple[str, ...], tuple[ObjectType | None, int]] = {}
    children: list[Child] = []
    seen: set[tuple[str, ...]] = set()
    is_count = False

    def place(expression: str) -> int:
        expressions.append(expression)
        return len(expressions) - 1

    place('t."Id"')
    for item in query.select:
        if isinstance(item, CountItem):
            if len(query.select) > 1:
                raise malformed("COUNT() must be the only element in the select list")
            is_count = True
        elif isinstance(item, Query):
            children.append(_child(catalogue, caller, value, item))
        else:
            for path in _paths(value, item, query.limit):
                sql, _, canonical = scope.resolve(path)
                if canonical in seen:
                    if isinstance(item, Path):
                        raise Fault("INVALID_FIELD", f"duplicate field selected: {path}")
                    continue
                seen.add(canonical)
                columns.append(Column(canonical, 0 if canonical == ("Id",) else place(sql)))
                for depth in range(1, len(canonical)):
                    key = canonical[:depth]
                    if key not in parents:
                        joined = scope.joins.get(key)
                        if joined is not None:
                            parents[key] = (joined.value, place(f'{joined.alias}."Id"'))
                        else:
                            expression, _, _ = scope.resolve(Path((*key, "Id")))
                            parents[key] = (None, place(expression))
    where: list[str] = []
    if not (deleted_too or query.all_rows):
        where.append('NOT t."IsDeleted"')
    seen_rows = visible(caller, value, "t", scope.param)
    if seen_rows is not None:
        where.append(seen_rows)
    if query.where is not None:
        where.append(scope.condition(query.where))
    if extra is not None:
        where.append(extra(scope))
    order: list[str] = []
    for term in query.order:
        sql, item, canonical = scope.resolve(term.path)
        folded = f"lower({sql})" if item.textual and not item.case_sensitive else sql
        certain = item.required and len(canonical) == 1
        nulls = "" if certain else " NULLS LAST" if term.nulls_last else " NULLS FIRST"
        order.append(f"{folded}{' DESC' if term.descending else ''}{nulls}")
    order.append('t."Id"')
    if query.offset is not None and query.offset > 2000:
        raise Fault("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
    return Compiled(
        select=", ".join(expressions),
        body=f"FROM {value.table} t {' '.join(scope.join_sql)}",
        where=" AND ".join(where) or "true",
        order=", ".join(order),
        params=params,
        value=value,
        columns=columns,
        parents=parents,
        children=children,
        is_count=is_count,
        sorted=bool(query.order) or bool(query.offset),
        limit=query.limit,
        offset=query.offset or 0,
    )


def _paths(value: ObjectType, item: Any, limit: int | None) -> list[Path]:
    if isinstance(item, Path):
        return [item]
    group: FieldsItem = item
    if group.group != "STANDARD" and (limit is None or limit > 200):
        raise malformed("The SOQL FIELDS function must have a LIMIT of at most 200")
    return [
        Path((found.name,))
        for found in value.fields.values()
        if group.group == "ALL" or found.custom == (group.group == "CUSTOM")
    ]


def _child(catalogue: Catalogue, caller: Caller, parent: ObjectType, query: Query) -> Child:
    for value, reference in catalogue.children.get(parent.name, []):
        name = child_relationship(value, reference)
        if name and name.lower() == query.source.lower() and rights(caller, value).read:
            return Child(name, query, reference, value)
    raise Fault(
        "INVALID_TYPE",
        f"Didn't understand relationship '{query.source}' in FROM part of query call. If you are attempting to use "
        "a custom relationship, be sure to append the '__r' after the custom relationship name.",
    )
