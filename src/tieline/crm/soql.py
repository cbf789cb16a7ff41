"""SOQL's grammar: text to a tree of values, or MALFORMED_QUERY with row and column.

Pure; knows nothing of any org (`compile.py` does). Covered: field lists with parent paths (five levels), one level of
child subqueries, `FIELDS(ALL|STANDARD|CUSTOM)`, COUNT(), WHERE with and/or/not, comparison, LIKE, IN, semi and anti
joins, date literals, ORDER BY, LIMIT, OFFSET, FOR, ALL ROWS. Everything else is refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError

from .errors import Fault
from .values import parse_datetime

MAX_LENGTH = 100_000
_GRAMMAR = r"""
query: _SELECT select_list _FROM NAME alias? [where] [order] [limit] [offset] [for_clause] [all_rows]
alias: NAME
select_list: select_item ("," select_item)*
?select_item: path -> path_item
            | "(" subquery ")" -> child_item
            | _COUNT "(" ")" -> count_item
            | _FIELDS "(" NAME ")" -> fields_item
subquery: _SELECT select_list _FROM NAME [where] [order] [limit]
path: NAME ("." NAME)*
where: _WHERE or_test
?or_test: and_test (_OR and_test)*
?and_test: not_test (_AND not_test)*
?not_test: _NOT not_test -> negation
         | "(" or_test ")"
         | comparison
?comparison: path OP literal -> compare
          | path _LIKE string -> like
          | path _NOT _IN list_value -> not_in
          | path _IN list_value -> is_in
list_value: "(" literal ("," literal)* ")" -> literals
          | "(" join_query ")" -> semi
join_query: _SELECT path _FROM NAME [where]
order: _ORDER _BY order_item ("," order_item)*
order_item: path [DIRECTION] [nulls]
nulls: _NULLS PLACE
limit: _LIMIT INT
offset: _OFFSET INT
for_clause: _FOR PURPOSE ("," PURPOSE)*
all_rows: _ALL _ROWS
?literal: string
        | DATETIME -> datetime_literal
        | DATE -> date_literal
        | NUMBER -> number_literal
        | INT -> number_literal
        | _NULL -> null_literal
        | _TRUE -> true_literal
        | _FALSE -> false_literal
        | NAME ":" INT -> relative_date
        | NAME -> named_date
string: STRING
OP: "!=" | "<>" | "<=" | ">=" | "=" | "<" | ">"
DIRECTION.5: /(asc|desc)\b/i
PLACE.5: /(first|last)\b/i
PURPOSE.5: /(view|reference|update)\b/i
DATETIME.3: /\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:?\d\d)/
DATE.2: /\d{4}-\d\d-\d\d/
NUMBER: /[+-]?\d+\.\d*/ | /[+-]\d+/
INT: /\d+/
STRING: /'([^'\\]|\\.)*'/s
NAME: /[A-Za-z][A-Za-z0-9_]*/
_ALL.5: /all\b/i
_AND.5: /and\b/i
_BY.5: /by\b/i
_COUNT.5: /count(?=\s*\(\s*\))/i
_FALSE.5: /false\b/i
_FIELDS.5: /fields(?=\s*\()/i
_FOR.5: /for\b/i
_FROM.5: /from\b/i
_IN.5: /in\b/i
_LIKE.5: /like\b/i
_LIMIT.5: /limit\b/i
_NOT.5: /not\b/i
_NULL.5: /null\b/i
_NULLS.5: /nulls\b/i
_OFFSET.5: /offset\b/i
_OR.5: /or\b/i
_ORDER.5: /order\b/i
_ROWS.5: /rows\b/i
_SELECT.5: /select\b/i
_TRUE.5: /true\b/i
_WHERE.5: /where\b/i
%ignore /\s+/
"""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True, slots=True)
class Path:
    """A dotted name as written."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted string, unescaped, beside its form in which LIKE's own escapes are kept."""

    value: str
    pattern: str


@dataclass(frozen=True, slots=True)
class DateRange:
    """A date literal's name and its number, if any."""

    name: str
    count: int = 0


@dataclass(frozen=True, slots=True)
class Condition:
    """A node of WHERE: `and`, `or`, `not`, `compare`, `like`, `in`, `not_in`."""

    kind: str
    items: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class JoinQuery:
    """`IN (SELECT path FROM object WHERE ...)`."""

    path: Path
    source: str
    where: Condition | None


@dataclass(frozen=True, slots=True)
class Order:
    """One term of ORDER BY."""

    path: Path
    descending: bool
    nulls_last: bool


@dataclass(frozen=True)
class Query:
    """A parsed query."""

    select: tuple[Any, ...]
    source: str
    alias: str | None
    where: Condition | None
    order: tuple[Order, ...]
    limit: int | None
    offset: int | None
    all_rows: bool
    view: bool = False


@dataclass(frozen=True, slots=True)
class FieldsItem:
    """`FIELDS(group)`."""

    group: str


@dataclass(frozen=True, slots=True)
class CountItem:
    """`COUNT()`."""


def _unescape(raw: str) -> Text:
    value: list[str] = []
    pattern: list[str] = []
    index = 1
    while index < len(raw) - 1:
        char = raw[index]
        if char == "\\":
            index += 1
            char = raw[index]
            if char == "u" and index + 4 < len(raw):
                try:
                    decoded = chr(int(raw[index + 1 : index + 5], 16))
                    index += 4
                except ValueError:
                    raise malformed("invalid unicode escape") from None
            elif char in _ESCAPES or char in "'\"\\%_":
                decoded = _ESCAPES.get(char, char)
            else:
                raise malformed(
                    f"Invalid string literal '{raw[1:-1][:80]}'. Illegal character sequence '\\{char}' in string literal."
                )
            value.append(decoded)
            pattern.append("\\" + decoded if decoded in "%_\\" else decoded)
        else:
            value.append(char)
            pattern.append(char)
        index += 1
    return Text(_storable("".join(value)), _storable("".join(pattern)))


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


def malformed(message: str) -> Fault:
    """400 MALFORMED_QUERY."""
    return Fault("MALFORMED_QUERY", message)


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    def path(self, *names: Token) -> Path:
        return Path(tuple(str(name) for name in names))

    def path_item(self, path: Path) -> Path:
        return path

    def child_item(self, query: Query) -> Query:
        return query

    def count_item(self) -> CountItem:
        return CountItem()

    def fields_item(self, group: Token) -> FieldsItem:
        if group.upper() not in ("ALL", "STANDARD", "CUSTOM"):
            raise malformed(f"FIELDS({group}) is not supported")
        return FieldsItem(group.upper())

    def select_list(self, *items: Any) -> tuple[Any, ...]:
        return items

    def alias(self, name: Token) -> str:
        return str(name)

    def where(self, condition: Condition) -> Condition:
        return condition

    def or_test(self, *items: Condition) -> Condition:
        return Condition("or", items)

    def and_test(self, *items: Condition) -> Condition:
        return Condition("and", items)

    def negation(self, item: Condition) -> Condition:
        return Condition("not", (item,))

    def compare(self, path: Path, operator: Token, value: Any) -> Condition:
        return Condition("compare", (path, "!=" if operator == "<>" else str(operator), value))

    def like(self, path: Path, value: Text) -> Condition:
        return Condition("like", (path, value))

    def is_in(self, path: Path, values: Any) -> Condition:
        return Condition("in", (path, values))

    def not_in(self, path: Path, values: Any) -> Condition:
        return Condition("not_in", (path, values))

    def literals(self, *values: Any) -> tuple[Any, ...]:
        return values

    def semi(self, query: JoinQuery) -> JoinQuery:
        return query

    def join_query(self, path: Path, source: Token, where: Condition | None) -> JoinQuery:
        return JoinQuery(path, str(source), where)

    def order(self, *items: Order) -> tuple[Order, ...]:
        return items

    def nulls(self, place: Token) -> str:
        return place.upper()

    def order_item(self, path: Path, direction: Token | None, nulls: str | None) -> Order:
        return Order(path, direction is not None and direction.upper() == "DESC", nulls == "LAST")

    def limit(self, count: Token) -> int:
        return _count(count)

    def offset(self, count: Token) -> int:
        return _count(count)

    def for_clause(self, *purposes: Token) -> bool:
        return any(purpose.upper() == "VIEW" for purpose in purposes)

    def all_rows(self) -> bool:
        return True

    def string(self, raw: Token) -> Text:
        return _unescape(str(raw))

    def datetime_literal(self, raw: Token) -> datetime:
        found = parse_datetime(str(raw))
        if found is None:
            raise malformed(f"invalid dateTime: {raw}")
        return found

    def date_literal(self, raw: Token) -> date:
        try:
            return date.fromisoformat(str(raw))
        except ValueError:
            raise malformed(f"invalid date: {raw}") from None

    def number_literal(self, raw: Token) -> int | float:
        text = str(raw)
        if len(text) > 40:
            raise malformed(f"invalid number: {text[:40]}")
        return float(text) if "." in text else int(text)

    def null_literal(self) -> None:
        return None

    def true_literal(self) -> bool:
        return True

    def false_literal(self) -> bool:
        return False

    def relative_date(self, name: Token, count: Token) -> DateRange:
        return DateRange(name.upper(), min(_count(count), 100_000))

    def named_date(self, name: Token) -> DateRange:
        return DateRange(name.upper())

    def subquery(self, select: Any, source: Token, where: Any, order: Any, limit: Any) -> Query:
        return Query(select, str(source), None, where, order or (), limit, None, False)

    def query(self, select: Any, source: Token, *rest: Any) -> Query:
        alias = None
        if isinstance(rest[0], str):
            alias, rest = rest[0], rest[1:]
        where, order, limit, offset, view, all_rows = rest
        return Query(
            select, str(source), alias, where, order or (), limit, offset, bool(all_rows), bool(view)
        )


def _count(raw: Token) -> int:
    if len(raw) > 12:
        raise malformed(f"invalid number: {raw[:20]}")
    return int(raw)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, start="query", parser="lalr", transformer=_Build(), maybe_placeholders=True)


@lru_cache(maxsize=1024)
def parse(text: str) -> Query:
    """The query that `text` says. MALFORMED_QUERY with row and column otherwise."""
    if len(text) > MAX_LENGTH:
        raise Fault("QUERY_TOO_COMPLICATED", "SOQL statement is too long")
    if text.count("(") > 500:
        raise malformed("the query is nested too deeply")
    try:
        parsed: Any = _parser().parse(text)
    except UnexpectedInput as error:
        line, column = max(error.line, 1), max(error.column, 1)
        near = text[max((error.pos_in_stream or 0) - 20, 0) : (error.pos_in_stream or 0) + 20]
        raise malformed(f"\n{near}\nERROR at Row:{line}:Column:{column}\nunexpected token") from None
    except VisitError as error:
        if isinstance(error.orig_exc, Fault):
            raise error.orig_exc from None
        raise
    except RecursionError:
        raise malformed("the query is nested too deeply") from None
    return parsed
