# ruff: noqa: S608 - SOQL from parts is parsed, never sent; SQL comes from the compiler
"""SOSL: the search term of FIND, and the clauses behind it (whose grammar is in `soql.py`).

A search term is words and phrases with AND, OR, AND NOT and parentheses; words that only stand beside each other
must all be there. `*` and `?` stand for letters in the middle or at the end of a word. Reserved characters need a
backslash. What a search looks at is `search.py`'s.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from ..access.questions import Caller
from ..errors import Fault
from ..listviews.definition import soql_of
from ..listviews.store import find_view
from ..metadata import Catalogue, ObjectType
from .compile import compile_query
from .conditions import no_such_object
from .running import shape
from .scope import Scope, readable_object
from .search import GROUPS, WILD_MANY, WILD_ONE, Find, FindTerm, find_condition, has_cjk
from .search_access import seen_hits
from .soql import Wanted, parse, parse_search_clauses
from .soql_tree import Comparison, Condition, Path, Query, Test, Text
from .sosl_with import (
    Extras,
    highlight,
    labels_of,
    metadata_problem,
    network_problem,
    price_book_problem,
    read_settings,
    snip,
    snippet_length,
)

MAX_ROWS = 2000
"""Hits of each object that a search looks at, and rows that it answers."""
MAX_ROWS_EACH = 250
MAX_LENGTH = 100_000
MAX_FIND = 10_000
"""Characters of a search term above which nothing is found."""
_MAX_DEPTH = 50
_MAX_TERMS = 200
_FIND = re.compile(r"\s*FIND\s*\{((?:[^\\}]|\\.)*)\}", re.IGNORECASE | re.DOTALL)
_RESERVED = frozenset("&|!{}[]^~:'+-")
_TOKEN = re.compile(r'\s+|"(?:[^"\\]|\\.)*"|[()]|(?:\\.|[^\\\s"()])+|.', re.DOTALL)


@dataclass(frozen=True)
class Search:
    """What is looked for, where, and what comes back. `find` is None where nothing can be found."""

    find: Find | None
    group: str
    returning: tuple[Wanted, ...]
    limit: int = MAX_ROWS
    offset: int = 0
    extras: Extras = field(default_factory=Extras)
    text: str = ""


def _malformed(message: str) -> Fault:
    return Fault("MALFORMED_SEARCH", message)


def parse_search(text: str) -> Search:
    """The search that `text` says. MALFORMED_SEARCH otherwise."""
    if len(text) > MAX_LENGTH:
        raise _malformed("SOSL statement is too long")
    found = _FIND.match(text)
    if not found:
        raise _malformed("No search term found. The search term must be enclosed in braces.")
    clauses = parse_search_clauses(text, found.end())
    extras = read_settings(text, clauses.settings)
    return Search(
        read_find(found.group(1)),
        clauses.group,
        clauses.returning,
        min(MAX_ROWS, MAX_ROWS if clauses.limit is None else clauses.limit),
        extras=extras,
        text=text,
    )


# -- the search term -----------------------------------------------------------------------------------------


def read_find(raw: str) -> Find | None:
    """The tree of a search term. MALFORMED_SEARCH where a bracket, quote or operator is wrong or a reserved
    character stands bare."""
    if len(raw) > MAX_FIND:
        return None
    return _FindReader(raw).read()


class _FindReader:
    """Recursive descent over the tokens of a search term: OR binds least, then AND and AND NOT."""

    def __init__(self, raw: str):
        self.tokens = [part for part in _TOKEN.findall(raw) if not part.isspace()]
        self.position = 0
        self.depth = 0
        if len(self.tokens) > _MAX_TERMS * 3:
            raise _malformed("the search term is too complicated")
        plain = re.sub(r"\\(.)", r"\1", raw, flags=re.DOTALL).strip().strip('"')
        if len(plain) < 2 and not has_cjk(plain):
            raise _malformed("search term must be longer than one character: " + plain)

    def read(self) -> Find:
        found = self._any()
        if self.position < len(self.tokens):
            raise _malformed(f"unexpected token in the search term: {self.tokens[self.position][:40]}")
        return found

    def _peek(self) -> str:
        return self.tokens[self.position] if self.position < len(self.tokens) else ""

    def _any(self) -> Find:
        items = [self._all()]
        while self._peek().upper() == "OR":
            self.position += 1
            items.append(self._all())
        return items[0] if len(items) == 1 else Find("or", tuple(items))

    def _all(self) -> Find:
        items = [self._operand()]
        while (part := self._peek()) and part != ")" and part.upper() != "OR":
            negated = False
            if part.upper() == "AND":
                self.position += 1
                negated = self._peek().upper() == "NOT"
                self.position += negated
            item = self._operand()
            items.append(Find("not", (item,)) if negated else item)
        return items[0] if len(items) == 1 else Find("and", tuple(items))

    def _operand(self) -> Find:
        part = self._peek()
        if part == "(":
            self.depth += 1
            if self.depth > _MAX_DEPTH:
                raise _malformed("the search term is nested too deeply")
            self.position += 1
            found = self._any()
            if self._peek() != ")":
                raise _malformed("missing ) in the search term")
            self.position += 1
            self.depth -= 1
            return found
        if part.startswith('"') and len(part) > 1:
            self.position += 1
            return Find("term", (), FindTerm(re.sub(r"\\(.)", r"\1", part[1:-1], flags=re.DOTALL), True))
        return self._words()

    def _words(self) -> Find:
        """Words beside each other, up to the next operator, bracket or quote: read together, since a telephone
        number is often written in several."""
        words: list[str] = []
        while (part := self._peek()) and part[0] not in '()"' and part.upper() not in ("AND", "OR", "NOT"):
            words.append(_plain_word(part))
            self.position += 1
        if not words:
            raise _malformed(f"unexpected token in the search term: {part[:40] or '<EOF>'}")
        return Find("term", (), FindTerm(" ".join(words), False))


def _plain_word(token: str) -> str:
    found: list[str] = []
    index = 0
    while index < len(token):
        char = token[index]
        if char == "\\":
            index += 1
            if index >= len(token):
                raise _malformed("The search term ends with an escape")
            found.append(token[index])
        elif char in "*?":
            found.append(WILD_MANY if char == "*" else WILD_ONE)
        elif char in _RESERVED:
            raise _malformed(f"Reserved character {char} must be escaped in the search term")
        elif char not in (WILD_MANY, WILD_ONE):
            found.append(char)
        index += 1
    return "".join(found)


# -- answers -------------------------------------------------------------------------------------------------


async def answer_search(
    conn: Any, catalogue: Catalogue, caller: Caller, search: Search, *, version: str
) -> dict[str, Any]:
    """What the API answers: `{searchRecords, metadata?}`."""
    answer: dict[str, Any] = {
        "searchRecords": await run_search(conn, catalogue, caller, search, version=version)
    }
    if search.extras.labels:
        queries = [item.query for item in search.returning if item.query is not None]
        answer["metadata"] = labels_of(catalogue, caller, queries)
    return answer


async def run_search(
    conn: Any, catalogue: Catalogue, caller: Caller, search: Search, *, version: str
) -> list[dict[str, Any]]:
    """Found records, object by object. Without RETURNING every searchable object answers with ids."""
    wanted = search.returning or tuple(
        Wanted(value.name)
        for value in catalogue.objects.values()
        if value.searchable and readable_object(catalogue, caller, value.name) is not None
    )
    records: list[dict[str, Any]] = []
    skip = search.offset if len(wanted) == 1 else 0
    for item in wanted:
        value = readable_object(catalogue, caller, item.name)
        if value is None:
            raise no_such_object(item.name, search.text, max(search.text.find(item.name), 0))
        query = _query_of(item, value, search.text)
        if item.list_view is not None:
            query = await _in_view(conn, caller, value, item.list_view, query)
        if search.find is None or not value.searchable:
            continue
        found = search.find
        hits = await seen_hits(
            conn,
            value,
            lambda vector, param, found=found: find_condition(found, search.group, vector, param),
        )
        compiled = compile_query(
            query,
            catalogue,
            caller,
            version=int(float(version)),
            extra=lambda scope, found=found, hits=hits: _matches(scope, found, search.group, hits),
        )
        room = min(_rows_of(query, len(wanted)), search.limit - len(records))
        if room <= 0:
            continue
        rows = await conn.fetch(compiled.of_hits(MAX_ROWS, room, skip), *compiled.params)
        found_here = await shape(conn, catalogue, caller, compiled, rows, version)
        if search.extras.highlight:
            highlight(value, query, found, search.group, found_here)
        if search.extras.snippet is not None:
            pairs = list(zip((row[0] for row in rows), found_here, strict=True))
            length = search.extras.snippet
            await snip(conn, value, caller, query, found, search.group, length, pairs)
        records += found_here
    return records


def _matches(scope: Scope, find: Find, group: str, hits: list[str] | None) -> str:
    test = find_condition(find, group, f"{scope.alias}._search", scope.param)
    return test if hits is None else f'{test} AND {scope.alias}."Id" = ANY({scope.param(hits)}::text[])'


def _query_of(item: Wanted, value: ObjectType, text: str) -> Query:
    query = item.query or parse(f"SELECT Id FROM {value.name}")
    return Query(
        query.select, query.sources, query.where, query.order, query.limit, query.offset,
        text=text if item.query is not None else "",
    )  # fmt: skip


async def _in_view(conn: Any, caller: Caller, value: ObjectType, name: str, query: Query) -> Query:
    """The query within a list view (`USING ListView=`), or within what was seen last. MALFORMED_SEARCH without one."""
    if name.lower() == "recent":
        seen = await conn.fetch(
            "SELECT record_id FROM meta.recent WHERE user_id = $1 AND object_name = $2",
            caller.user_id,
            value.name,
        )
        ids = tuple(Text(row["record_id"], row["record_id"]) for row in seen)
        inside: Test | None = Comparison(Path(("Id",)), "IN", ids)
        scope = query.scope
    else:
        view = await find_view(conn, caller, value, name)
        if view is None:
            raise _malformed(f"There is no list view '{name}' for {value.name}")
        asked = parse(soql_of(view, value, ["Id"], caller.time_zone))
        inside, scope = asked.where, asked.scope
    tests = tuple(test for test in (query.where, inside) if test is not None)
    where = Condition("and", tests) if len(tests) > 1 else next(iter(tests), None)
    return replace(query, where=where, scope=scope)


def _rows_of(query: Query, objects: int) -> int:
    """How many rows one object may give: its own LIMIT, within what Salesforce allows."""
    narrowed = query.where is not None or bool(query.order) or query.limit is not None
    most = MAX_ROWS if objects == 1 and narrowed else min(MAX_ROWS // objects, MAX_ROWS_EACH)
    return most if query.limit is None else min(most, query.limit)


# -- parameterised searches ----------------------------------------------------------------------------------


def parameterized(catalogue: Catalogue, body: dict[str, Any]) -> Search:
    """The search behind a parameterised one. MALFORMED_SEARCH or INVALID_FIELD where it is wrong."""
    text = body.get("q")
    plain = text.strip() if isinstance(text, str) else ""
    if len(plain) < 2 and not has_cjk(plain):
        raise _malformed("search term must be longer than one character: " + plain)
    group = str(body.get("in") or "ALL").upper()
    if group not in GROUPS:
        raise Fault("INVALID_SEARCH_SCOPE", f"Invalid search scope: {group[:40]}")
    fields = _names(body.get("fields")) or ["Id"]
    default_limit = _number(body, "defaultLimit", MAX_ROWS)
    overall = _number(body, "overallLimit", MAX_ROWS)
    objects: list[Any] = list(body.get("sobjects") or [])
    if not objects and body.get("sobject"):
        objects = [{"name": name} for name in _names(body["sobject"])]
    wanted: list[Wanted] = []
    for entry in objects:
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise _malformed("sobjects must be a list of objects with a name")
        described: dict[str, Any] = entry
        value = catalogue.get(described["name"])
        if value is None:
            raise Fault("INVALID_TYPE", f"sObject type '{described['name'][:80]}' is not supported.")
        wanted.append(Wanted(value.name, _entry_query(value, described, fields, default_limit)))
    return Search(
        _typed(plain), group, tuple(wanted), overall, _number(body, "offset", 0), _asked_beside(body)
    )


def _asked_beside(body: dict[str, Any]) -> Extras:
    """What a parameterised search says that SOSL says by WITH, in its own spelling. MALFORMED_SEARCH if refused."""
    checks = {"metadata": metadata_problem, "pricebookId": price_book_problem, "netWorkIds": network_problem}
    for name, problem_of in checks.items():
        problem = problem_of(body[name]) if body.get(name) else None
        if problem is not None:
            raise _malformed(f"{name}: {problem}")
    for name in ("dataCategory", "dataCategories", "division"):
        if body.get(name):
            raise _malformed(f"{name} is not supported in this organization")
    snippet = body.get("snippet")
    if isinstance(snippet, str) and re.fullmatch(r"-?\d{1,9}", snippet, re.ASCII):
        snippet = int(snippet)
    return Extras(
        snippet=None if snippet is None else snippet_length(snippet), labels=bool(body.get("metadata"))
    )


def _typed(text: str) -> Find | None:
    """What a person typed: no operators, quotes make a phrase, `*` and `?` are wildcards."""
    if len(text) > MAX_FIND:
        return None
    if len(text) > 2 and text[0] == text[-1] == '"':
        return Find("term", (), FindTerm(text[1:-1], True))
    wild = text.replace('"', " ").replace("*", WILD_MANY).replace("?", WILD_ONE)
    return Find("term", (), FindTerm(wild, False))


def _entry_query(value: ObjectType, entry: dict[str, Any], fields: list[str], default_limit: int) -> Query:
    names = _names(entry.get("fields")) or fields
    for name in names:
        if not re.fullmatch(r"[A-Za-z][\w.]*(\([A-Za-z][\w.]*\))?", name, re.ASCII):
            raise Fault("INVALID_FIELD", f"No such column '{name[:80]}' on entity '{value.name}'.")
    soql = f"SELECT {', '.join(names)} FROM {value.name}"
    if isinstance(entry.get("where"), str):
        soql += f" WHERE {entry['where']}"
    if isinstance(entry.get("orderBy"), str):
        soql += f" ORDER BY {entry['orderBy']}"
    return parse(f"{soql} LIMIT {_number(entry, 'limit', default_limit)}")


def _names(value: Any) -> list[str]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    if isinstance(value, list):
        items: list[Any] = value
        return [str(part) for part in items]
    return []


def _number(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name)
    if value is None or value == "":
        return default
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):
        raise _malformed(f"{name} must be a number") from None
    if not 0 <= number <= MAX_ROWS:
        raise _malformed(f"{name} must be between 0 and {MAX_ROWS}")
    return number
