"""WHERE and HAVING: tests to SQL, with Salesforce's rules of what may be compared with what.

Text compares without regard to case, an empty string is null, `!=`, NOT IN and NOT hold for rows without a value.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

from ..errors import Fault
from ..ids import parse_id
from ..metadata import Field
from .date_literals import date_range
from .formats import weeks_from_monday, zone_of
from .scope import NUMBERS, Scope, Value, is_multipicklist, readable_object
from .search import typed_alike
from .soql_tree import (
    Call,
    Comparison,
    Condition,
    DateRange,
    Money,
    Path,
    Query,
    Selected,
    Test,
    Text,
    pointed,
)

MAX_PARAMETERS = 5_000
"""Values in one statement. Lists of IN count once."""
MAX_TEXT = 4_000
"""Characters of one string in WHERE."""
MAX_SEMI_JOINS = 2
_MAX_LOOKED_UP = 200
"""Telephone numbers that are looked up in the search index; more of them are compared with every record."""
_ORDERED = frozenset({"<", "<=", ">", ">="})
_QUOTED = frozenset(
    {"string", "picklist", "combobox", "textarea", "phone", "email", "url", "id", "reference"}
)


def no_such_object(name: str, text: str, at: int) -> Fault:
    """INVALID_TYPE for a name in FROM that the user's org does not have, or that the user may not see."""
    message = (
        f"sObject type '{name}' is not supported. If you are attempting to use a custom object, be sure to "
        "append the '__c' after the entity name. Please reference your WSDL or the describe call for the "
        "appropriate names."
    )
    return Fault("INVALID_TYPE", pointed(text, at, message))


def condition(scope: Scope, test: Test, *, top: bool = True) -> str:
    """The SQL of a test. `top` is false inside OR and NOT, where semi-joins are refused."""
    if isinstance(test, Condition):
        if test.kind == "not":
            return f"(NOT COALESCE({condition(scope, test.items[0], top=False)}, false))"
        inside = top and test.kind == "and"
        return "(" + f" {test.kind.upper()} ".join(condition(scope, t, top=inside) for t in test.items) + ")"
    if len(scope.params) > MAX_PARAMETERS:
        raise Fault("QUERY_TOO_COMPLICATED", "Query is either selecting too many fields or the filter conditions "
                    "are too complicated.")  # fmt: skip
    return _comparison(scope, test, top=top)


def _comparison(scope: Scope, test: Comparison, *, top: bool) -> str:
    found = scope.filtered(test.left)
    operator, value = test.operator, test.value
    if isinstance(test.left, Call) and test.left.name == "DISTANCE" and operator not in ("<", ">"):
        raise scope.fault(
            "INVALID_QUERY_FILTER_OPERATOR",
            test.at,
            f"DISTANCE can be compared with < and > only, not {operator}",
        )
    if isinstance(value, Query):
        if operator not in ("IN", "NOT IN"):
            raise scope.malformed(test.at, f"unexpected token: '{operator}'")
        return _semi_join(scope, found, test, value, top=top)
    if operator in ("IN", "NOT IN"):
        if not isinstance(value, tuple):
            raise scope.malformed(test.at, f"{operator} must be followed by a list in parentheses")
        return _in(scope, found, test, value)
    if operator in ("INCLUDES", "EXCLUDES"):
        values = value if isinstance(value, tuple) else (value,)
        return _includes(scope, found, test, values)
    if isinstance(value, tuple):
        raise scope.malformed(test.at, f"operator {operator} cannot be used with a list")
    if operator == "LIKE":
        if not found.item.textual or is_multipicklist(found.item):
            raise _operator(scope, test, found.item)
        if not isinstance(value, Text):
            raise _mismatch(scope, test, found.item)
        pattern = value.pattern if found.item.case_sensitive else value.pattern.lower()
        return f"{_folded(found)} LIKE {scope.param(_short(scope, test, pattern))}"
    return _compare(scope, found, test, operator, value)


def _folded(found: Value) -> str:
    return found.sql if found.item.case_sensitive or not found.item.textual else f"lower({found.sql})"


def _operator(scope: Scope, test: Comparison, item: Field) -> Fault:
    return scope.fault(
        "INVALID_QUERY_FILTER_OPERATOR", test.at, f"invalid operator on {item.type} field: {test.operator}"
    )


def _mismatch(scope: Scope, test: Comparison, item: Field) -> Fault:
    wanted = "dateTime" if item.type == "datetime" else item.type
    return scope.fault(
        "INVALID_FIELD",
        test.at,
        f"value of filter criterion for field '{item.name}' must be of type {wanted} and should "
        f"{'not ' if item.type not in _QUOTED else ''}be enclosed in quotes",
    )


def _short(scope: Scope, test: Comparison, text: str) -> str:
    if len(text) > MAX_TEXT:
        raise scope.malformed(test.at, f"a string in WHERE must not be longer than {MAX_TEXT} characters")
    return text


def _compare(scope: Scope, found: Value, test: Comparison, operator: str, literal: Any) -> str:
    item = found.item
    if literal is None or (isinstance(literal, Text) and literal.value == "" and item.type != "boolean"):
        if operator in _ORDERED:
            raise _operator(scope, test, item)
        return f"{found.sql} IS {'NOT ' if operator == '!=' else ''}NULL"
    if isinstance(literal, DateRange):
        return _date_range(scope, found, test, literal)
    if operator in _ORDERED and (item.type == "boolean" or is_multipicklist(item)):
        raise _operator(scope, test, item)
    value = scope.param(_value(scope, test, item, literal)) + _cast(item, literal)
    if operator == "!=":
        return f"{_folded(found)} IS DISTINCT FROM {value}"
    if operator == "=" and isinstance(literal, Text):
        return _looked_up(scope, found, [literal.value], f"{_folded(found)} = {value}")
    return f"{_folded(found)} {operator} {value}"


def _looked_up(scope: Scope, found: Value, texts: list[str], match: str) -> str:
    """A match with telephone numbers, led to the few records that the search index has for them.

    An index for each phone field would make every record slower to write; the search index is there anyway.
    """
    own = scope.value.searchable and len(found.path) == 1
    if not own or found.item.type != "phone" or not 0 < len(texts) <= _MAX_LOOKED_UP:
        return match
    wanted = typed_alike(texts)
    return f"({match} AND {scope.alias}._search @@ {scope.param(wanted)}::text::tsquery)" if wanted else match


def _cast(item: Field, literal: Any) -> str:
    """What PostgreSQL has to be told: a whole number's field compared with a broken number."""
    if item.type == "int":
        return "::int" if _fits(literal) else "::float8"
    return ""


def _fits(number: Any) -> bool:
    return isinstance(number, int) and -(2**31) <= number < 2**31


def _value(scope: Scope, test: Comparison, item: Field, literal: Any) -> Any:
    """A literal as a parameter for this field, or INVALID_FIELD."""
    if isinstance(literal, Money):
        raise scope.malformed(test.at, f"unexpected token: '{literal.text}'")
    if item.type in ("id", "reference"):
        if not isinstance(literal, Text):
            raise _mismatch(scope, test, item)
        found = parse_id(literal.value)
        if found is None:
            raise scope.fault(
                "INVALID_QUERY_FILTER_OPERATOR", test.at, f"invalid ID field: {literal.value[:80]}"
            )
        return found
    if item.textual:
        if not isinstance(literal, Text):
            raise _mismatch(scope, test, item)
        return _short(scope, test, literal.value if item.case_sensitive else literal.value.lower())
    wanted: dict[str, type] = {"boolean": bool, "date": date, "datetime": datetime}
    if item.type in NUMBERS:
        if isinstance(literal, bool) or not isinstance(literal, int | float):
            raise _mismatch(scope, test, item)
        return literal if item.type == "int" and _fits(literal) else float(literal)
    if not isinstance(literal, wanted.get(item.type, time)):
        raise _mismatch(scope, test, item)
    if item.type == "date" and isinstance(literal, datetime):
        raise _mismatch(scope, test, item)
    return literal


def _in(scope: Scope, found: Value, test: Comparison, values: tuple[Any, ...]) -> str:
    item = found.item
    chosen = [value for value in values if value is not None and not isinstance(value, DateRange)]
    if any(isinstance(value, DateRange) for value in values):
        raise scope.malformed(test.at, "date literals cannot be used in a list")
    with_null = len(chosen) != len(values)
    stored = [_value(scope, test, item, value) for value in chosen]
    cast = ""
    if item.type == "int":
        cast = "::int[]" if all(map(_fits, stored)) else "::float8[]"
        stored = stored if cast == "::int[]" else [float(value) for value in stored]
    match = f"{_folded(found)} = ANY({scope.param(stored)}{cast})"
    if test.operator == "IN":
        match = _looked_up(scope, found, [value.value for value in chosen if isinstance(value, Text)], match)
    if test.operator == "NOT IN":
        return f"(NOT COALESCE({match}, false){f' AND {found.sql} IS NOT NULL' if with_null else ''})"
    return f"({match} OR {found.sql} IS NULL)" if with_null else match


def _includes(scope: Scope, found: Value, test: Comparison, values: tuple[Any, ...]) -> str:
    if not is_multipicklist(found.item):
        raise _operator(scope, test, found.item)
    held = f"string_to_array(lower({found.sql}), ';')"
    tests: list[str] = []
    for value in values:
        if not isinstance(value, Text):
            raise _mismatch(scope, test, found.item)
        wanted = [part.strip() for part in _short(scope, test, value.value.lower()).split(";")]
        tests.append(f"{held} @> {scope.param(wanted)}::text[]")
    match = "(" + " OR ".join(tests) + ")"
    return match if test.operator == "INCLUDES" else f"(NOT COALESCE({match}, false))"


def _semi_join(scope: Scope, found: Value, test: Comparison, query: Query, *, top: bool) -> str:
    if not top:
        raise scope.malformed(test.at, "Semi join sub-selects are only allowed at the top level WHERE expressions "
                              "and not with OR or NOT")  # fmt: skip
    if scope.alias != "t":
        raise scope.malformed(test.at, "Nesting of semi join sub-selects is not supported")
    scope.subqueries += 1
    if scope.subqueries > MAX_SEMI_JOINS:
        raise scope.malformed(test.at, f"maximum {MAX_SEMI_JOINS} semi join sub-selects are allowed")
    if found.item.type not in ("id", "reference"):
        raise scope.malformed(
            test.at,
            f"The left operand field in the where expression must be an Id or a reference: {test.left}",
        )
    first = query.select[0]
    selected = first if isinstance(first, Selected) and len(query.select) == 1 else None
    if selected is None or not isinstance(selected.expression, Path):
        raise scope.malformed(test.at, "semi join sub-selects must select exactly one field")
    if query.order or query.limit is not None or query.purposes or len(query.sources) > 1:
        raise scope.malformed(test.at, "semi join sub-selects cannot have ORDER BY, LIMIT or FOR")
    at = query.at
    value = readable_object(scope.catalogue, scope.caller, query.source)
    if value is None:
        raise no_such_object(query.source, scope.text, at)
    if value.name == scope.value.name:
        raise scope.malformed(at, "The inner and outer selects should not be on the same object type")
    inner = Scope(
        scope.catalogue, scope.caller, value, f"{scope.alias}s{scope.subqueries}", scope.params, scope.text
    )
    inner.name_sources(query.sources, value.name)
    column = inner.resolve(selected.expression)
    if len(column.path) > 1 or column.item.type not in ("id", "reference"):
        raise scope.malformed(
            selected.expression.at, f"The selected field '{selected.expression}' in the subquery must be an Id or a "
            "reference of that object"
        )  # fmt: skip
    where = [*inner.own_rows(deleted_too=False), f"{column.sql} IS NOT NULL"]
    if query.where is not None:
        where.append(condition(inner, query.where))
    text = f"SELECT {column.sql} {inner.body} WHERE {' AND '.join(where)}"
    if test.operator == "IN":
        return f"({found.sql} IN ({text}))"
    return f"(NOT COALESCE({found.sql} IN ({text}), false))"


def _date_range(scope: Scope, found: Value, test: Comparison, literal: DateRange) -> str:
    item, operator = found.item, test.operator
    if item.type not in ("date", "datetime"):
        raise _mismatch(scope, test, item)
    zone = zone_of(scope.caller.time_zone)
    try:
        monday = weeks_from_monday(scope.caller.locale)
        start, end = date_range(literal, datetime.now(zone).date(), from_monday=monday)
        low: Any = start
        high: Any = end
        if item.type == "datetime":
            low = datetime.combine(start, time(), zone).astimezone(UTC)
            high = datetime.combine(end, time(), zone).astimezone(UTC)
    except Fault as fault:
        raise scope.fault(fault.code, test.at, fault.message) from None
    except (OverflowError, ValueError):
        raise scope.malformed(test.at, f"date literal out of range: {literal.name}:{literal.count}") from None
    if operator in ("=", "!="):
        match = f"({found.sql} >= {scope.param(low)} AND {found.sql} < {scope.param(high)})"
        return match if operator == "=" else f"(NOT COALESCE({match}, false))"
    bound = {"<": low, ">=": low, ">": high, "<=": high}[operator]
    return f"{found.sql} {'<' if operator in ('<', '<=') else '>='} {scope.param(bound)}"
