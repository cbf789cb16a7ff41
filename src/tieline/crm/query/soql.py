"""SOQL's grammar: text to a tree of values, or MALFORMED_QUERY with row and column.

Pure; knows nothing of any org (`compile.py` does), so what is refused here is refused in every org. Also holds the
grammar of SOSL behind its search term, which shares most of its clauses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import UnexpectedToken, VisitError

from ..errors import Fault
from ..values import parse_datetime
from .date_literals import COUNTED, PLAIN
from .soql_tree import (
    AGGREGATES,
    DATE_FUNCTIONS,
    Call,
    Comparison,
    Condition,
    DateRange,
    Expression,
    FieldsOf,
    Grouping,
    Money,
    Order,
    Path,
    Query,
    Selected,
    Source,
    Test,
    Text,
    TypeOf,
    malformed,
    pointed,
)

MAX_LENGTH = 100_000
MAX_DEPTH = 100
"""How deep parentheses may be nested. No query of a person or a program comes near it."""
_CACHED_LENGTH = 4_000

# Each clause that may be left out is a rule of its own: `[a] [b] [c]` in one rule would become eight rules.
_GRAMMAR = r"""
query: _SELECT select_list _FROM sources scope_ where_ with_ group_ order_ limit_ offset_ all_rows_ for_clause* update_
subquery: _SELECT select_list _FROM sources where_ order_ limit_ for_clause* update_
?scope_: [scope]
?where_: [where]
?with_: [with_clause]
?group_: [group]
?order_: [order]
?limit_: [limit]
?offset_: [offset]
?all_rows_: [all_rows]
?update_: [update]
select_list: _item ("," _item)*
_item: selected | child | typeof
selected: _expression [NAME]
child: "(" subquery ")" [NAME]
typeof: _TYPEOF path branch+ [otherwise] _END
branch: _WHEN NAME _THEN paths
otherwise: _ELSE paths
paths: path ("," path)*
sources: source ("," source)*
source: path [NAME]
_expression: path | call
path: NAME ("." NAME)*
call: NAME "(" [_argument ("," _argument)*] ")"
_argument: path | call | string | number
scope: _USING _SCOPE NAME
where: _WHERE _logical
_logical: _test | all_of | any_of | negation
all_of: _test (_AND _test)+
any_of: _test (_OR _test)+
negation: _NOT _test
_test: "(" _logical ")" | comparison
comparison: _expression operator _value
operator: OP | LIKE | IN | NOT IN | INCLUDES | EXCLUDES
_value: _literal | list | "(" subquery ")"
list: "(" _literal ("," _literal)* ")"
_literal: string | number | datetime_literal | date_literal | time_literal | constant | money | date_name | date_count
with_clause: _WITH _DATA _CATEGORY category (_AND category)* -> with_category
           | _WITH NAME -> with_mode
           | _WITH _logical -> with_filter
category: NAME SELECTOR NAME
        | NAME SELECTOR "(" NAME ("," NAME)* ")"
group: _GROUP _BY _expression ("," _expression)* [having] -> group_plain
     | _GROUP _BY GROUPS "(" _expression ("," _expression)* ")" [having] -> group_sets
having: _HAVING _logical
order: _ORDER _BY order_item ("," order_item)*
order_item: _expression [DIRECTION] [nulls]
nulls: _NULLS PLACE
limit: _LIMIT INT
offset: _OFFSET INT
all_rows: _ALL _ROWS
for_clause: _FOR PURPOSE ("," PURPOSE)*
update: _UPDATE UPDATED ("," UPDATED)*

search: [in_group] [returning] search_with* limit_ update_
in_group: _IN FIELD_GROUP _FIELDS
returning: _RETURNING wanted ("," wanted)*
wanted: NAME ["(" wanted_query ")"]
wanted_query: wanted_fields [list_view] where_ order_ limit_ offset_
wanted_fields: _expression ("," _expression)*
list_view: _USING _LISTVIEW "=" NAME
search_with: _WITH _DATA _CATEGORY category (_AND category)* -> search_category
           | _WITH NAME -> search_mode
           | _WITH NAME "=" _literal -> search_setting
           | _WITH NAME IN list -> search_setting
           | _WITH NAME "(" NAME "=" [SIGN] INT ")" -> search_argument

string: STRING
number: [SIGN] NUMBER | [SIGN] INT
datetime_literal: DATETIME
date_literal: DATE
time_literal: TIME
constant: NULL | TRUE | FALSE
money: MONEY
date_name: DATE_NAME
date_count: DATE_COUNT ":" [SIGN] INT
OP: "!=" | "<>" | "<=" | ">=" | "=" | "<" | ">"
SIGN: "+" | "-"
DIRECTION.5: /(asc|desc)\b/i
PLACE.5: /(first|last)\b/i
PURPOSE.5: /(view|reference|update)\b/i
UPDATED.5: /(tracking|viewstat)\b/i
GROUPS.6: /(rollup|cube)(?=\s*\()/i
SELECTOR.5: /(above_or_below|above|below|at)\b/i
FIELD_GROUP.5: /(all|email|name|phone|sidebar)\b/i
DATETIME.4: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)/i
DATE.3: /\d{4}-\d\d-\d\d(?![\w-])/
TIME.4: /\d\d:\d\d:\d\d(\.\d+)?Z/i
NUMBER.2: /\d*\.\d+(?!\w)/
INT.1: /\d+(?![\w.])/
MONEY.6: /[A-Za-z]{3}\d+(?!\w)/
DATE_NAME.5: /(@PLAIN@)\b/i
DATE_COUNT.5: /(@COUNTED@)\b/i
STRING: /'([^'\\]|\\.)*'/s
NAME: /(?!(null|true|false)\b)[A-Za-z_][A-Za-z0-9_]*/i
IN.5: /in\b/i
NOT.5: /not\b/i
LIKE.5: /like\b/i
INCLUDES.5: /includes\b/i
EXCLUDES.5: /excludes\b/i
NULL.5: /null\b/i
TRUE.5: /true\b/i
FALSE.5: /false\b/i
@KEYWORDS@
%ignore /\s+/
"""
_KEYWORDS = (
    "ALL", "AND", "BY", "CATEGORY", "DATA", "ELSE", "END", "FIELDS", "FOR", "FROM", "GROUP", "HAVING", "IN", "LIMIT",
    "LISTVIEW", "NOT", "NULLS", "OFFSET", "OR", "ORDER", "RETURNING", "ROWS", "SCOPE", "SELECT", "THEN", "TYPEOF",
    "UPDATE", "USING", "WHEN", "WHERE", "WITH",
)  # fmt: skip
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_NESTING = re.compile(r"'(?:[^'\\]|\\.)*'|[()]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """One object of RETURNING, and what of it is asked: None for ids only."""

    name: str
    query: Query | None = None
    list_view: str | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """A WITH clause of a search: its name in capitals, its value, and the name of the value where it has one."""

    name: str
    value: Any = None
    argument: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True)
class SearchClauses:
    """What stands behind FIND. `settings` are the WITH clauses."""

    group: str = "ALL"
    returning: tuple[Wanted, ...] = ()
    settings: tuple[Setting, ...] = ()
    limit: int | None = None
    text: str = field(default="", compare=False)


def _unescape(token: Token) -> Text:
    raw = str(token)
    if "\\" not in raw:
        text = _storable(raw[1:-1])
        return Text(text, text)
    value: list[str] = []
    pattern: list[str] = []
    index = 1
    while index < len(raw) - 1:
        char = raw[index]
        if char == "\\":
            index += 1
            char = raw[index]
            if char in "uU" and re.fullmatch("[0-9A-Fa-f]{4}", raw[index + 1 : index + 5]):
                decoded = chr(int(raw[index + 1 : index + 5], 16))
                index += 4
            elif char.lower() in _ESCAPES or char in "'\"\\%_":
                decoded = _ESCAPES.get(char.lower(), char)
            else:
                raise _at(
                    token,
                    f"Invalid string literal '{raw[1:-1][:80]}'. Illegal character sequence '\\{char}' in string literal.",
                )
            value.append(decoded)
            pattern.append("\\" + decoded if decoded in "%_\\" else decoded)
        else:
            value.append(char)
            pattern.append(char)
        index += 1
    return Text(_storable("".join(value)), _storable("".join(pattern)))


def _storable(text: str) -> str:
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")


class _Refused(Exception):
    """A rule that the grammar cannot say was broken at a place of the text."""

    def __init__(self, at: int, message: str):
        super().__init__(message)
        self.at = at
        self.message = message


def _at(token: Token, message: str) -> _Refused:
    return _Refused(token.start_pos or 0, message)


def _unexpected(token: Token) -> _Refused:
    return _at(token, f"unexpected token: '{token[:80]}'")


_ONE_FIELD = AGGREGATES | {"TOLABEL", "CONVERTCURRENCY", "CONVERTTIMEZONE"}


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    # -- names and functions

    def path(self, *names: Token) -> Path:
        return Path(tuple(str(name) for name in names), names[0].start_pos or 0)

    def paths(self, *paths: Path) -> tuple[Path, ...]:
        return paths

    def call(self, name: Token, *arguments: Any) -> Call | FieldsOf:
        upper = name.upper()
        at = name.start_pos or 0
        given = [item for item in arguments if item is not None]
        if upper == "FIELDS":
            if len(given) == 1 and isinstance(given[0], Path) and len(given[0].parts) == 1:
                group = given[0].parts[0].upper()
                if group in ("ALL", "STANDARD", "CUSTOM"):
                    return FieldsOf(group, at)
            raise _unexpected(name)
        if upper in ("DISTANCE", "GEOLOCATION"):
            return self._distance(name, given)
        if upper == "COUNT" and not given:
            return Call(upper, None, at)
        if len(given) != 1 or not isinstance(given[0], Path | Call):
            raise _unexpected(name)
        inner: Expression = given[0]
        if upper in _ONE_FIELD:
            fits = isinstance(inner, Path)
        elif upper in DATE_FUNCTIONS:
            fits = isinstance(inner, Path) or inner.name == "CONVERTTIMEZONE"
        else:
            fits = upper == "FORMAT" and not (isinstance(inner, Call) and inner.name == "CONVERTTIMEZONE")
        if not fits:
            raise _unexpected(name)
        return Call(upper, inner, at)

    def _distance(self, name: Token, given: list[Any]) -> Call:
        """`DISTANCE(field or GEOLOCATION(n, n), the same, 'mi' or 'km')`."""
        numbers = [item for item in given if isinstance(item, int | float)]
        if name.upper() == "GEOLOCATION":
            if len(given) != 2 or len(numbers) != 2:
                raise _unexpected(name)
            return Call("GEOLOCATION", None, name.start_pos or 0, tuple(map(float, numbers)))
        if len(given) != 3 or not isinstance(given[2], Text) or numbers:
            raise _unexpected(name)
        if not all(isinstance(item, Path) or _named(item, "GEOLOCATION") for item in given[:2]):
            raise _unexpected(name)
        return Call("DISTANCE", given[0], name.start_pos or 0, (given[1], given[2].value))

    # -- select and from

    def selected(self, expression: Any, alias: Token | None) -> Selected | FieldsOf:
        if isinstance(expression, FieldsOf):
            if alias is not None:
                raise _unexpected(alias)
            return expression
        _outermost(expression)
        return Selected(expression, None if alias is None else str(alias))

    def child(self, query: Query, alias: Token | None) -> Query:
        return query

    def branch(self, name: Token, paths: tuple[Path, ...]) -> tuple[str, tuple[Path, ...]]:
        return str(name), paths

    def otherwise(self, paths: tuple[Path, ...]) -> list[Path]:
        return list(paths)

    def typeof(self, path: Path, *rest: Any) -> TypeOf:
        branches = tuple(item for item in rest if isinstance(item, tuple))
        return TypeOf(path, branches, tuple(rest[-1] or ()))

    def select_list(self, *items: Any) -> tuple[Any, ...]:
        return items

    def source(self, path: Path, alias: Token | None) -> Source:
        return Source(path, None if alias is None else str(alias))

    def sources(self, *sources: Source) -> tuple[Source, ...]:
        return sources

    def scope(self, name: Token) -> str:
        return str(name)

    # -- conditions

    def where(self, test: Test) -> Test:
        return test

    def having(self, test: Test) -> Test:
        return test

    def all_of(self, *items: Test) -> Condition:
        return Condition("and", items)

    def any_of(self, *items: Test) -> Condition:
        return Condition("or", items)

    def negation(self, item: Test) -> Condition:
        return Condition("not", (item,))

    def operator(self, *words: Token) -> str:
        text = " ".join(word.upper() for word in words)
        return "!=" if text == "<>" else text

    def comparison(self, left: Any, operator: str, value: Any) -> Comparison:
        if isinstance(left, FieldsOf):
            raise _Refused(left.at, "unexpected token: 'FIELDS'")
        _outermost(left)
        return Comparison(left, operator, value, left.at)

    def list(self, *values: Any) -> tuple[Any, ...]:
        return values

    # -- the other clauses

    def category(self, *names: Token) -> int:
        return names[0].start_pos or 0

    def with_category(self, *categories: Any) -> tuple[str, str]:
        return "with", "DATA CATEGORY"

    def with_mode(self, name: Token) -> tuple[str, str]:
        if name.upper() not in ("SECURITY_ENFORCED", "USER_MODE", "SYSTEM_MODE"):
            raise _unexpected(name)
        return "with", name.upper()

    def with_filter(self, test: Test) -> tuple[str, str]:
        return "with", "FILTER"

    def group_plain(self, *rest: Any) -> Grouping:
        return Grouping(tuple(map(_grouped, rest[:-1])), "", rest[-1])

    def group_sets(self, kind: Token, *rest: Any) -> Grouping:
        return Grouping(tuple(map(_grouped, rest[:-1])), kind.upper(), rest[-1])

    def order(self, *items: Order) -> tuple[Order, ...]:
        return items

    def nulls(self, place: Token) -> str:
        return place.upper()

    def order_item(self, expression: Any, direction: Token | None, nulls: str | None) -> Order:
        _grouped(expression)
        return Order(expression, direction is not None and direction.upper() == "DESC", nulls == "LAST")

    def limit(self, count: Token) -> int:
        return _count(count)

    def offset(self, count: Token) -> int:
        return _count(count)

    def for_clause(self, *purposes: Token) -> frozenset[str]:
        return frozenset(purpose.upper() for purpose in purposes)

    def update(self, *kinds: Token) -> bool:
        return True

    def all_rows(self) -> bool:
        return True

    def subquery(self, select: Any, sources: Any, where: Any, order: Any, limit: Any, *rest: Any) -> Query:
        purposes = frozenset[str]().union(*(item for item in rest[:-1]))
        return Query(select, sources, where, order or (), limit, purposes=purposes)

    def query(self, select: Any, sources: Any, *rest: Any) -> Query:
        scope, where, security, group, order, limit, offset, all_rows, *purposes, _ = rest
        return Query(
            select, sources, where, order or (), limit, offset, group, scope,
            security[1] if security else None, bool(all_rows), frozenset[str]().union(*purposes),
        )  # fmt: skip

    # -- literals

    def string(self, raw: Token) -> Text:
        return _unescape(raw)

    def number(self, sign: Token | None, raw: Token) -> int | float:
        if len(raw) > 40:
            raise _at(raw, f"invalid number: {raw[:40]}")
        value = float(raw) if "." in raw else int(raw)
        return -value if sign == "-" else value

    def datetime_literal(self, raw: Token) -> datetime:
        found = parse_datetime(str(raw))
        if found is None:
            raise _at(raw, f"invalid dateTime: {raw[:60]}")
        return found

    def date_literal(self, raw: Token) -> date:
        try:
            return date.fromisoformat(str(raw))
        except ValueError:
            raise _at(raw, f"invalid date: {raw}") from None

    def time_literal(self, raw: Token) -> time:
        clock, _, fraction = raw[:-1].partition(".")
        try:
            return time.fromisoformat(clock).replace(microsecond=int(fraction[:6].ljust(6, "0") or 0))
        except ValueError:
            raise _at(raw, f"invalid time: {raw[:60]}") from None

    def constant(self, word: Token) -> bool | None:
        return {"NULL": None, "TRUE": True, "FALSE": False}[word.upper()]

    def money(self, raw: Token) -> Money:
        return Money(str(raw))

    def date_name(self, name: Token) -> DateRange:
        return DateRange(name.upper())

    def date_count(self, name: Token, sign: Token | None, count: Token) -> DateRange:
        number = _count(count)
        return DateRange(name.upper(), -number if sign == "-" else number)

    # -- SOSL

    def in_group(self, group: Token) -> str:
        return group.upper()

    def wanted_fields(self, *expressions: Any) -> tuple[Selected, ...]:
        for expression in expressions:
            if isinstance(expression, FieldsOf) or _computed(expression):
                raise _Refused(expression.at, "only fields can be returned by a search")
        return tuple(Selected(expression) for expression in expressions)

    def list_view(self, name: Token) -> str:
        return str(name)

    def wanted_query(
        self, select: Any, view: Any, where: Any, order: Any, limit: Any, offset: Any
    ) -> tuple[Query, str | None]:
        return Query(select, (), where, order or (), limit, offset), view

    def wanted(self, name: Token, inside: tuple[Query, str | None] | None) -> Wanted:
        if inside is None:
            return Wanted(str(name))
        source = Source(Path((str(name),), name.start_pos or 0))
        return Wanted(str(name), replace(inside[0], sources=(source,)), inside[1])

    def returning(self, *wanted: Wanted) -> tuple[Wanted, ...]:
        return wanted

    def search_category(self, *categories: int) -> Setting:
        return Setting("DATA CATEGORY", at=categories[0])

    def search_mode(self, name: Token) -> Setting:
        return Setting(name.upper(), at=name.start_pos or 0)

    def search_setting(self, name: Token, *value: Any) -> Setting:
        return Setting(name.upper(), value[-1], at=name.start_pos or 0)

    def search_argument(self, name: Token, argument: Token, sign: Token | None, number: Token) -> Setting:
        count = _count(number)
        value = -count if sign == "-" else count
        return Setting(name.upper(), value, argument.upper(), name.start_pos or 0)

    def search(self, group: str | None, returning: Any, *rest: Any) -> SearchClauses:
        *settings, limit, _ = rest
        return SearchClauses(group or "ALL", returning or (), tuple(settings), limit)


def _named(item: object, name: str) -> bool:
    return isinstance(item, Call) and item.name == name


def _computed(expression: Expression) -> bool:
    return isinstance(expression, Call) and (
        expression.aggregate or expression.name not in ("TOLABEL", "FORMAT", "CONVERTCURRENCY")
    )


def _outermost(expression: Any) -> None:
    """These functions stand inside others only."""
    if isinstance(expression, Call) and expression.name in ("CONVERTTIMEZONE", "GEOLOCATION"):
        raise _Refused(expression.at, f"unexpected token: '{expression.name}'")


def _grouped(expression: Any) -> Any:
    if isinstance(expression, FieldsOf):
        raise _Refused(expression.at, "unexpected token: 'FIELDS'")
    _outermost(expression)
    return expression


def _count(raw: Token) -> int:
    if len(raw) > 12:
        raise _at(raw, f"invalid number: {raw[:20]}")
    return int(raw)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = (
        _GRAMMAR.replace("@PLAIN@", "|".join(sorted(PLAIN, key=len, reverse=True)))
        .replace("@COUNTED@", "|".join(sorted(COUNTED, key=len, reverse=True)))
        .replace("@KEYWORDS@", "\n".join(rf"_{word}.5: /{word.lower()}\b/i" for word in _KEYWORDS))
    )
    return Lark(
        grammar, start=["query", "search"], parser="lalr", transformer=_Build(), maybe_placeholders=True
    )


def _deep(text: str) -> bool:
    if text.count("(") <= MAX_DEPTH:
        return False
    depth = 0
    for found in _NESTING.finditer(text):
        mark = found.group()
        depth += 1 if mark == "(" else -1 if mark == ")" else 0
        if depth > MAX_DEPTH:
            return True
    return False


def _read(text: str, start: str, shown: str, offset: int) -> Any:
    """Parses `text`, which begins at `offset` of what the errors `shown`."""
    if _deep(text):
        raise malformed("the query is nested too deeply")
    try:
        return _parser().parse(text, start=start)
    except UnexpectedToken as error:
        ended = error.token.type == "$END"
        at = len(text) if ended else (error.token.start_pos or 0)
        word = "<EOF>" if ended else str(error.token)[:80]
        raise malformed(pointed(shown, offset + at, f"unexpected token: '{word}'")) from None
    except UnexpectedInput as error:
        at = error.pos_in_stream or 0
        word = re.match(r"\w+|.|", text[at : at + 80], re.DOTALL)
        raise malformed(
            pointed(shown, offset + at, f"unexpected token: '{word.group() if word else ''}'")
        ) from None
    except _Refused as refused:
        raise malformed(pointed(shown, offset + refused.at, refused.message)) from None
    except VisitError as error:
        if isinstance(error.orig_exc, _Refused):
            refused = error.orig_exc
            raise malformed(pointed(shown, offset + refused.at, refused.message)) from None
        raise


def _parse(text: str) -> Query:
    return replace(_read(text, "query", text, 0), text=text)


_parse_short = lru_cache(maxsize=1024)(_parse)


def parse(text: str) -> Query:
    """The query that `text` says. MALFORMED_QUERY with row and column otherwise."""
    if len(text) > MAX_LENGTH:
        raise Fault("QUERY_TOO_COMPLICATED", "SOQL statement is too long")
    return _parse_short(text) if len(text) <= _CACHED_LENGTH else _parse(text)


def parse_search_clauses(text: str, start: int) -> SearchClauses:
    """What a SOSL statement says behind its search term, which ends at `start`. MALFORMED_SEARCH otherwise."""
    try:
        found: SearchClauses = _read(text[start:], "search", text, start)
        settings = tuple(replace(item, at=start + item.at) for item in found.settings)
        return replace(found, settings=settings, text=text)
    except Fault as fault:
        raise Fault("MALFORMED_SEARCH", fault.message) from None
