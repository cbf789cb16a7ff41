# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""SOQL's tree to one parameterised statement for each FROM, with the user's rights.

Injection-proof by construction: literals become parameters, identifiers are taken from the catalogue. Child
subqueries are statements of their own (`Child`), run once for all parents of a page by `query.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..access.questions import Caller, rights
from ..errors import Fault
from ..metadata import Catalogue, Field, ObjectType, child_relationship
from .conditions import condition, no_such_object
from .formats import format_value, zone_of
from .scope import Joined, Scope, Value, readable_object
from .soql_tree import DATE_FUNCTIONS, Call, FieldsOf, Path, Query, Selected, TypeOf

MAX_OFFSET = 2000
MAX_CHILDREN = 20
MAX_CHILD_DEPTH = 4
NESTED_FROM = 58
"""API version from which child subqueries may have child subqueries."""
MAX_AGGREGATED = 2000
_FIELDS_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value of the answer: its position in the row, and how it is written where that is not as stored."""

    position: int
    write: Callable[[Any], Any] | None = None


@dataclass
class Shape:
    """A record of the answer. `position` is where its id stands; `value` is None for a parent of several types."""

    value: ObjectType | None
    position: int
    entries: dict[str, Entry] = field(default_factory=dict[str, "Entry"])


@dataclass
class Choice:
    """What TYPEOF answers: one shape for each object named, and one for the others, if asked for."""

    position: int
    branches: dict[str, Shape]
    otherwise: Shape | None


@dataclass
class Child:
    """A child subquery: its relationship's name, its query, and the field that points back to the parent."""

    name: str
    query: Query
    reference: Field
    value: ObjectType


Entry = Leaf | Shape | Choice | Child


@dataclass
class Compiled:
    """SQL with its parameters, and the shape of the records made of its rows."""

    select: list[str]
    body: str
    where: str
    order: str
    params: list[Any]
    value: ObjectType
    shape: Shape
    group: str = ""
    aggregated: bool = False
    is_count: bool = False
    sorted: bool = False
    limit: int | None = None
    offset: int = 0

    @property
    def children(self) -> list[Child]:
        """The child subqueries."""
        return [entry for entry in self.shape.entries.values() if isinstance(entry, Child)]

    @property
    def count_sql(self) -> str:
        """Counts the rows that the query answers, LIMIT and OFFSET included."""
        if self.limit is None and not self.offset:
            return f"SELECT count(*) {self.body} WHERE {self.where}"
        window = f"OFFSET {self.offset:d}" + ("" if self.limit is None else f" LIMIT {self.limit:d}")
        return f"SELECT count(*) FROM (SELECT 1 {self.body} WHERE {self.where} {window}) counted"

    def page(self, rows: int, skip: int = 0) -> str:
        """`rows` rows after the first `skip`."""
        order = f" ORDER BY {self.order}" if self.order else ""
        return (
            f"SELECT {', '.join(self.select)} {self.body} WHERE {self.where}{self.group}{order}"
            f" LIMIT {rows:d} OFFSET {self.offset + skip:d}"
        )

    @property
    def sort_key(self) -> str:
        """What a query with one ORDER BY term sorts by, without its direction."""
        term = self.order.removesuffix(', t."Id"')
        for ending in (" NULLS LAST", " NULLS FIRST", " DESC"):
            term = term.removesuffix(ending)
        return term

    def of_hits(self, hits: int, rows: int, skip: int) -> str:
        """`rows` rows after the first `skip` among as many `hits`, whichever the database comes upon.

        The hits are collected into an array before anything else, so that an order asked for cannot lead the planner
        to walk through a million records in that order, looking for the one that was searched for.
        """
        order = f" ORDER BY {self.order}" if self.order else ""
        return (
            f"SELECT {', '.join(self.select)} {self.body}"
            f' WHERE t."Id" = ANY(ARRAY(SELECT t."Id" {self.body} WHERE {self.where} LIMIT {hits:d})){order}'
            f" LIMIT {rows:d} OFFSET {self.offset + skip:d}"
        )

    def page_after(self, rows: int) -> str:
        """`rows` rows after the id that is the last parameter; for queries without an order of their own."""
        return (
            f"SELECT {', '.join(self.select)} {self.body} WHERE {self.where}"
            f' AND t."Id" > ${len(self.params) + 1} ORDER BY t."Id" LIMIT {rows:d}'
        )

    def of_parents(self, reference: Field, skip: int, rows: int) -> str:
        """For each parent whose id is in the list that is the last parameter, `rows` rows after the first `skip`;
        the parent's id stands last in each row."""
        named = ", ".join(f"{sql} AS c{position}" for position, sql in enumerate(self.select))
        back = f"t.{reference.column}"
        return (
            f"SELECT {', '.join(f'c{position}' for position in range(len(self.select)))}, parent FROM ("
            f"SELECT {named}, {back} AS parent, row_number() OVER (PARTITION BY {back} ORDER BY {self.order}) AS place"
            f" {self.body} WHERE {self.where} AND {back} = ANY(${len(self.params) + 1}::text[])) placed"
            f" WHERE place > {skip:d} AND place <= {skip + rows:d} ORDER BY parent, place"
        )


def compile_query(
    query: Query,
    catalogue: Catalogue,
    caller: Caller,
    *,
    deleted_too: bool = False,
    version: int = NESTED_FROM,
    extra: Callable[[Scope], str] | None = None,
    child: Child | None = None,
    depth: int = 0,
) -> Compiled:
    """SQL for a query. Without ORDER BY rows come in the order of their ids, so that pages can be continued.

    `extra` is one more condition (a search's); `child` says that the query is a child subquery, at `depth`.
    """
    source = query.sources[0].path
    if child is not None:
        value = child.value
    elif len(source.parts) > 1:
        raise no_such_object(str(source), query.text, source.at)
    else:
        found = readable_object(catalogue, caller, query.source)
        if found is None:
            raise no_such_object(query.source, query.text, source.at)
        value = found
    scope = Scope(catalogue, caller, value, "t", [], query.text)
    scope.name_sources(query.sources, query.source.rpartition(".")[2])
    made = _Statement(query, scope, version, depth)
    return made.compiled(deleted_too=deleted_too, extra=extra)


class _Statement:
    """One query on its way to SQL."""

    def __init__(self, query: Query, scope: Scope, version: int, depth: int):
        self.query = query
        self.scope = scope
        self.version = version
        self.depth = depth
        self.select: list[str] = ['t."Id"']
        self.shape = Shape(scope.value, 0)
        self.is_count = _is_count(query)
        self.aggregated = not self.is_count and (
            query.group is not None
            or any(isinstance(item, Selected) and _aggregates(item) for item in query.select)
        )

    def compiled(self, *, deleted_too: bool, extra: Callable[[Scope], str] | None) -> Compiled:
        query, scope = self.query, self.scope
        self._check_clauses(deleted_too)
        group, order = "", [""]
        where = scope.own_rows(deleted_too=deleted_too)
        if query.where is not None:
            where.append(condition(scope, query.where))
        if query.scope is not None:
            where += self._in_scope(query.scope)
        if extra is not None:
            where.append(extra(scope))
        if self.aggregated:
            group, order = self._groups()
        elif not self.is_count:
            self._fields()
            order = [*self._order(), 't."Id"']
        return Compiled(
            select=self.select,
            body=scope.body,
            where=" AND ".join(where) or "true",
            order=", ".join(order),
            params=scope.params,
            value=scope.value,
            shape=self.shape,
            group=group,
            aggregated=self.aggregated,
            is_count=self.is_count,
            sorted=bool(query.order) or bool(query.offset),
            limit=query.limit,
            offset=query.offset or 0,
        )

    # -- clauses

    def _check_clauses(self, deleted_too: bool) -> None:
        query, scope = self.query, self.scope
        if self.depth and (self.aggregated or self.is_count):
            raise scope.malformed(query.at, "child subqueries cannot aggregate")
        if query.security in ("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"):
            raise scope.malformed(query.text.upper().rfind("WITH"), f"WITH {query.security} is for Apex only")
        if query.security is not None:
            raise scope.malformed(
                query.text.upper().rfind("WITH"), f"WITH is not supported for {scope.value.name}"
            )
        if query.all_rows and not deleted_too:
            raise scope.malformed(query.text.upper().rfind("ALL"), "ALL ROWS not allowed in this context")
        if query.offset is not None and query.offset > MAX_OFFSET:
            raise Fault("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
        if "UPDATE" in query.purposes and (query.order or self.aggregated or self.is_count):
            raise scope.malformed(query.text.upper().rfind("FOR"), "FOR UPDATE is not allowed with ORDER BY or "
                                  "aggregate functions")  # fmt: skip
        if self.aggregated and query.group is None and query.limit is not None:
            raise scope.malformed(
                0, "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
            )

    def _in_scope(self, name: str) -> list[str]:
        owner = self.scope.value.get("OwnerId")
        if name.lower() == "everything":
            return []
        if name.lower() == "mine" and owner is not None:
            return [f"t.{owner.column} = {self.scope.param(self.scope.caller.user_id)}"]
        raise Fault("INVALID_QUERY_SCOPE", f"The scope '{name}' is not supported for {self.scope.value.name}")

    def _order(self) -> list[str]:
        found: list[str] = []
        for term in self.query.order:
            value = self.scope.sorted(term.expression)
            item = value.item
            folded = f"lower({value.sql})" if item.textual and not item.case_sensitive else value.sql
            certain = item.required and len(value.path) == 1 and not self.aggregated
            nulls = "" if certain else " NULLS LAST" if term.nulls_last else " NULLS FIRST"
            found.append(f"{folded}{' DESC' if term.descending else ''}{nulls}")
        return found

    # -- records

    def _place(self, sql: str) -> int:
        self.select.append(sql)
        return len(self.select) - 1

    def _fields(self) -> None:
        children = 0
        for item in self.query.select:
            if isinstance(item, Query):
                children += 1
                if children > MAX_CHILDREN:
                    raise self.scope.malformed(item.at, f"Maximum child relationships: {MAX_CHILDREN}")
                self._child(item)
            elif isinstance(item, TypeOf):
                self._type_of(item)
            elif isinstance(item, FieldsOf):
                self._fields_of(item)
            else:
                self._selected(item)

    def _selected(self, item: Selected) -> None:
        node, scope = item.expression, self.scope
        value = scope.expression(node)
        write: Callable[[Any], Any] | None = None
        if isinstance(node, Call) and node.name == "FORMAT":
            write = self._formatter(value.item)
        if item.alias is None and not value.path:
            name = f"expr{sum(key.startswith('expr') for key in self.shape.entries)}"
            self.shape.entries[name] = Leaf(self._place(value.sql), write)
        elif item.alias is None:
            self._enter(value, write, node.at, repeated=False)
        elif isinstance(node, Path):
            raise scope.malformed(node.at, "only aggregate expressions use field aliasing")
        elif item.alias in self.shape.entries:
            raise scope.malformed(node.at, f"duplicate alias: {item.alias}")
        else:
            self.shape.entries[item.alias] = Leaf(self._place(value.sql), write)

    def _formatter(self, item: Field) -> Callable[[Any], Any]:
        caller = self.scope.caller
        zone = zone_of(caller.time_zone)
        return lambda stored: format_value(item, stored, caller.locale, zone)

    def _fields_of(self, item: FieldsOf) -> None:
        limit = self.query.limit
        if item.group != "STANDARD" and (limit is None or limit > _FIELDS_LIMIT):
            raise self.scope.malformed(
                item.at, f"The SOQL FIELDS function must have a LIMIT of at most {_FIELDS_LIMIT}"
            )
        for found in self.scope.value.fields.values():
            if item.group == "ALL" or found.custom == (item.group == "CUSTOM"):
                try:
                    value = self.scope.resolve(Path((found.name,)))
                except Fault:
                    continue  # the user may not see it
                self._enter(value, None, item.at, repeated=True)

    def _enter(self, value: Value, write: Callable[[Any], Any] | None, at: int, *, repeated: bool) -> None:
        """Puts a field in its place below its parents."""
        shape = self.shape
        for depth in range(1, len(value.path)):
            shape = self._parent(shape, value.path[:depth], at)
        name = value.path[-1]
        if name in shape.entries:
            if repeated:
                return
            raise self.scope.fault("INVALID_FIELD", at, f"duplicate field selected: {'.'.join(value.path)}")
        own_id = shape is self.shape and name == "Id"
        shape.entries[name] = Leaf(0 if own_id else self._place(value.sql), write)

    def _parent(self, shape: Shape, key: tuple[str, ...], at: int) -> Shape:
        entry = shape.entries.get(key[-1])
        if entry is None:
            joined = self.scope.joins.get(key)
            if joined is not None:
                entry = Shape(joined.value, self._place(f'{joined.alias}."Id"'))
            else:
                entry = Shape(None, self._place(self.scope.resolve(Path((*key, "Id"), at)).sql))
            shape.entries[key[-1]] = entry
        if not isinstance(entry, Shape):
            raise self.scope.fault("INVALID_FIELD", at, f"duplicate field selected: {'.'.join(key)}")
        return entry

    def _type_of(self, item: TypeOf) -> None:
        scope = self.scope
        if len(item.path.parts) != 1:
            raise scope.malformed(item.path.at, "TYPEOF is not supported for fields of parents")
        reference = scope.value.by_relationship.get(item.path.parts[0].lower())
        if reference is None or len(reference.reference_to) < 2:
            raise scope.fault(
                "INVALID_FIELD", item.path.at, f"{item.path} is not a relationship to several types of object"
            )
        name = reference.relationship or item.path.parts[0]
        if name in self.shape.entries:
            raise scope.fault("INVALID_FIELD", item.path.at, f"duplicate field selected: {name}")
        choice = Choice(self._place(f"t.{reference.column}"), {}, None)
        names = {target.lower(): target for target in reference.reference_to}
        for asked, paths in item.branches:
            target = names.get(asked.lower())
            if target is None:
                raise scope.fault("INVALID_FIELD", item.path.at, f"{asked} is not a type of {name}")
            key = (name, f"when {target}")
            start = scope.join(key, Joined("t", scope.value), reference, target, item.path.at)
            choice.branches[target] = self._branch(
                Shape(start.value, self._place(f'{start.alias}."Id"')), start, key, paths
            )
        if item.otherwise:
            shape = Shape(None, choice.position)
            for path in item.otherwise:
                value = scope.resolve(Path((*item.path.parts, *path.parts), path.at))
                shape.entries[value.path[-1]] = Leaf(self._place(value.sql))
            choice.otherwise = shape
        self.shape.entries[name] = choice

    def _branch(self, shape: Shape, start: Joined, key: tuple[str, ...], paths: tuple[Path, ...]) -> Shape:
        for path in paths:
            value = self.scope.resolve(path, start, key)
            inner = shape
            for depth in range(len(key) + 1, len(value.path)):
                joined = self.scope.joins[value.path[:depth]]
                entry = inner.entries.get(value.path[depth - 1])
                if not isinstance(entry, Shape):
                    entry = Shape(joined.value, self._place(f'{joined.alias}."Id"'))
                    inner.entries[value.path[depth - 1]] = entry
                inner = entry
            inner.entries[value.path[-1]] = Leaf(self._place(value.sql))
        return shape

    def _child(self, query: Query) -> None:
        scope = self.scope
        path = query.sources[0].path
        parts = path.parts
        if len(parts) > 1 and scope.aliases.get(parts[0].lower()) == ():
            parts = parts[1:]
        depth = self.depth + 1
        if depth > (MAX_CHILD_DEPTH if self.version >= NESTED_FROM else 1):
            raise scope.malformed(path.at, "SOQL statements cannot have child subqueries this deep")
        if len(parts) == 1:
            for value, reference in scope.catalogue.children.get(scope.value.name, []):
                name = child_relationship(value, reference)
                if name and name.lower() == parts[0].lower() and rights(scope.caller, value).read:
                    child = Child(name, _told(query, self.query.text), reference, value)
                    if name in self.shape.entries:
                        raise scope.malformed(path.at, f"duplicate child relationship: {name}")
                    self.shape.entries[name] = child
                    compile_query(
                        child.query,
                        scope.catalogue,
                        scope.caller,
                        version=self.version,
                        child=child,
                        depth=depth,
                    )
                    return
        raise scope.fault(
            "INVALID_TYPE",
            path.at,
            f"Didn't understand relationship '{path}' in FROM part of query call. If you are attempting to use "
            "a custom relationship, be sure to append the '__r' after the custom relationship name.",
        )

    # -- groups

    def _groups(self) -> tuple[str, list[str]]:
        """GROUP BY with HAVING, and the order."""
        query, scope = self.query, self.scope
        self.select = []
        grouping = query.group
        keys = [scope.group_key(node).sql for node in grouping.expressions] if grouping else []
        if grouping and grouping.kind and len(keys) > 3:
            raise scope.malformed(
                grouping.expressions[0].at, f"GROUP BY {grouping.kind} takes three fields at most"
            )
        scope.grouped = set(keys)
        unnamed = 0
        for item in query.select:
            if not isinstance(item, Selected):
                raise scope.malformed(
                    getattr(item, "at", 0), "only fields and functions can be selected in a grouped query"
                )
            node = item.expression
            if isinstance(node, Call) and node.name == "COUNT" and node.argument is None:
                raise scope.malformed(node.at, "COUNT() must be the only element in the select list")
            value = scope.expression(node)
            name = item.alias
            if name is None and isinstance(node, Call) and (node.aggregate or node.name in DATE_FUNCTIONS):
                name, unnamed = f"expr{unnamed}", unnamed + 1
            name = name or value.path[-1]
            if name in self.shape.entries:
                raise scope.malformed(node.at, f"duplicate alias: {name}")
            write = self._formatter(value.item) if isinstance(node, Call) and node.name == "FORMAT" else None
            self.shape.entries[name] = Leaf(self._place(value.sql), write)
        group = ""
        if grouping and keys:
            inside = ", ".join(keys)
            group = f" GROUP BY {grouping.kind}({inside})" if grouping.kind else f" GROUP BY {inside}"
            if grouping.having is not None:
                group += f" HAVING {condition(scope, grouping.having)}"
        return group, [*self._order(), *keys]


def _told(query: Query, text: str) -> Query:
    return Query(
        query.select, query.sources, query.where, query.order, query.limit, purposes=query.purposes, text=text
    )


def _is_count(query: Query) -> bool:
    only = query.select[0]
    if len(query.select) > 1 or query.group is not None or not isinstance(only, Selected):
        return False
    node = only.expression
    return isinstance(node, Call) and node.name == "COUNT" and node.argument is None and not only.alias


def _aggregates(item: Selected) -> bool:
    node = item.expression
    while isinstance(node, Call):
        if node.aggregate or node.name in DATE_FUNCTIONS:
            return True
        node = node.argument
    return False
