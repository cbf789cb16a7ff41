# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""SOSL's FIND and the parameterised search: parsed here, answered from the search vectors.

Covered: FIND with escapes, quotes and a trailing `*`, OR between terms, IN ALL|NAME|EMAIL|PHONE|SIDEBAR FIELDS,
RETURNING with field lists, WHERE, ORDER BY and LIMIT, and LIMIT for the whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from .access import Caller, rights
from .compile import compile_query
from .errors import Fault
from .metadata import Catalogue, ObjectType
from .query import shape
from .search import GROUPS, tsquery
from .soql import Query, parse

MAX_ROWS = 2000
_FIND = re.compile(r"\s*FIND\s*\{((?:[^\\}]|\\.)*)\}\s*(.*)\Z", re.IGNORECASE | re.DOTALL)
_IN = re.compile(r"IN\s+(ALL|NAME|EMAIL|PHONE|SIDEBAR)\s+FIELDS\b\s*(.*)\Z", re.IGNORECASE | re.DOTALL)
_RETURNING = re.compile(r"RETURNING\b\s*(.*)\Z", re.IGNORECASE | re.DOTALL)
_LIMIT = re.compile(r"LIMIT\s+(\d{1,6})\s*\Z", re.IGNORECASE)
_NAME = re.compile(r"\s*([A-Za-z]\w*)\s*", re.ASCII)
_CLAUSE = re.compile(r"\b(WHERE|ORDER\s+BY|LIMIT|OFFSET)\b", re.IGNORECASE)
_RESERVED = "?&|!{}[]()^~*:\\\"'+-"


@dataclass(frozen=True)
class Wanted:
    """One object of RETURNING: a query over it, or None for ids only."""

    name: str
    query: Query | None


@dataclass(frozen=True)
class Search:
    """What is looked for, where, and what comes back."""

    terms: tuple[str, ...]
    group: str
    returning: tuple[Wanted, ...]
    limit: int = MAX_ROWS
    offset: int = 0


def _malformed(message: str) -> Fault:
    return Fault("MALFORMED_SEARCH", message)


def parse_search(text: str) -> Search:
    """The search that `text` says. MALFORMED_SEARCH otherwise."""
    if len(text) > 100_000:
        raise _malformed("SOSL statement is too long")
    found = _FIND.match(text)
    if not found:
        raise _malformed("No search term found. The search term must be enclosed in braces.")
    terms = _terms(found.group(1))
    rest = found.group(2)
    group = "ALL"
    inside = _IN.match(rest)
    if inside:
        group, rest = inside.group(1).upper(), inside.group(2)
    limit = MAX_ROWS
    tail = re.search(r"(?:\A|[\s)])(LIMIT\s+\d{1,6})\s*\Z", rest, re.IGNORECASE)
    if tail and rest.count("(") == rest.count(")"):
        limit = min(MAX_ROWS, int(tail.group(1).split()[1]))
        rest = rest[: tail.start(1)]
    wanted: tuple[Wanted, ...] = ()
    if rest.strip():
        returning = _RETURNING.match(rest)
        if not returning:
            raise _malformed(f"unexpected token: {rest.strip()[:40]}")
        wanted = tuple(_wanted(returning.group(1)))
    return Search(terms, group, wanted, limit)


def _terms(raw: str) -> tuple[str, ...]:
    """Alternatives of a FIND: unescaped, `OR` splits them, quotes and a trailing star are dropped."""
    plain: list[str] = []
    index = 0
    while index < len(raw):
        char = raw[index]
        if char == "\\":
            if index + 1 >= len(raw):
                raise _malformed("The search term ends with an escape")
            index += 1
            plain.append(raw[index])
        elif char in "*?\"'":
            plain.append(" " if char == '"' else "")
        elif char in "()":
            plain.append(" ")
        elif char in "&|!{}[]^~:":
            raise _malformed(f"Reserved character {char} must be escaped in the search term")
        else:
            plain.append(char)
        index += 1
    text = "".join(plain)
    if len(text.strip()) < 2:
        raise _malformed("search term must be longer than one character: " + text.strip())
    alternatives = [part.strip() for part in re.split(r"\s+OR\s+", text)]
    return tuple(re.sub(r"\s+AND\s+", " ", part) for part in alternatives if part)


def _wanted(text: str) -> list[Wanted]:
    found: list[Wanted] = []
    position = 0
    while True:
        name = _NAME.match(text, position)
        if not name:
            raise _malformed(f"unexpected token in RETURNING: {text[position : position + 40]}")
        position = name.end()
        query: Query | None = None
        if position < len(text) and text[position] == "(":
            end = _closing(text, position)
            query = _inner(name.group(1), text[position + 1 : end])
            position = end + 1
        found.append(Wanted(name.group(1), query))
        rest = text[position:].lstrip()
        if not rest:
            return found
        if not rest.startswith(","):
            raise _malformed(f"unexpected token in RETURNING: {rest[:40]}")
        position = text.index(",", position) + 1


def _closing(text: str, start: int) -> int:
    depth = 0
    quoted = False
    index = start
    while index < len(text):
        char = text[index]
        if quoted:
            if char == "\\":
                index += 1
            elif char == "'":
                quoted = False
        elif char == "'":
            quoted = True
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if depth == 0:
                return index
        index += 1
    raise _malformed("missing ) in RETURNING")


def _inner(name: str, text: str) -> Query:
    clause = _CLAUSE.search(text)
    fields, rest = (text[: clause.start()], text[clause.start() :]) if clause else (text, "")
    try:
        return parse(f"SELECT {fields.strip() or 'Id'} FROM {name} {rest}")
    except Fault as fault:
        raise _malformed(fault.message) from None


async def run_search(
    conn: Any, catalogue: Catalogue, caller: Caller, search: Search, *, version: str
) -> list[dict[str, Any]]:
    """Found records, object by object. Without RETURNING every searchable object answers with ids."""
    readings = [reading for term in search.terms if (reading := tsquery(term, search.group))]
    if not readings:
        return []
    condition = " | ".join(f"({reading})" for reading in readings)
    wanted = search.returning or tuple(
        Wanted(value.name, None)
        for value in catalogue.objects.values()
        if value.searchable and rights(caller, value).read
    )
    each = min(MAX_ROWS // max(len(wanted), 1), 250) if len(wanted) > 1 else MAX_ROWS
    records: list[dict[str, Any]] = []
    skip = search.offset if len(wanted) == 1 else 0
    for item in wanted:
        value = catalogue.get(item.name)
        if value is None or not rights(caller, value).read:
            raise Fault("INVALID_TYPE", f"sObject type '{item.name}' is not supported.")
        query = item.query or parse(f"SELECT Id FROM {value.name}")
        if not value.searchable:
            continue
        compiled = compile_query(
            query,
            catalogue,
            caller,
            extra=lambda scope: f"t._search @@ {scope.param(condition)}::text::tsquery",
        )
        room = min(each, search.limit - len(records), MAX_ROWS if query.limit is None else query.limit)
        if room <= 0:
            continue
        rows = await conn.fetch(compiled.page(room, skip), *compiled.params)
        records += await shape(conn, catalogue, caller, compiled, rows, version)
    return records


def parameterized(catalogue: Catalogue, body: dict[str, Any]) -> Search:
    """The search behind a parameterised one. MALFORMED_SEARCH or INVALID_FIELD where it is wrong."""
    text = body.get("q")
    if not isinstance(text, str) or len(text.strip()) < 2:
        raise _malformed("search term must be longer than one character: " + str(text or "").strip())
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
    return Search((_plain(text),), group, tuple(wanted), overall, _number(body, "offset", 0))


def _plain(text: str) -> str:
    text = text.strip().replace('"', " ")
    return text.replace("*", "").replace("?", "")


def _entry_query(value: ObjectType, entry: dict[str, Any], fields: list[str], default_limit: int) -> Query:
    names = _names(entry.get("fields")) or fields
    for name in names:
        if not re.fullmatch(r"[A-Za-z][\w.]*", name, re.ASCII):
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
    except (TypeError, ValueError):
        raise _malformed(f"{name} must be a number") from None
    if not 0 <= number <= MAX_ROWS:
        raise _malformed(f"{name} must be between 0 and {MAX_ROWS}")
    return number
