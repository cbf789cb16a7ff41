"""A list view as a value, its limits, and the SOQL that it stands for. Pure.

Conditions are numbered from 1 and joined by the view's logic (`1 AND (2 OR 3)`), all of them by AND where it has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Literal

from ..errors import Fault
from ..ids import parse_id
from ..metadata import Field, ObjectType
from ..query.date_literals import COUNTED, PLAIN
from ..query.formats import zone_of

MAX_COLUMNS = 15
MAX_CONDITIONS = 10
MAX_VALUES = 50
MAX_VALUE = 255
MAX_LABEL = 40
MAX_NAME = 80
MAX_LOGIC = 200

Scope = Literal["everything", "mine"]
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
_TOKEN = re.compile(r"\s*(?:(\d{1,3})|(\(|\))|(AND|OR|NOT)\b)\s*", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_ORDERED = {"lessThan": "<", "greaterThan": ">", "lessOrEqual": "<=", "greaterOrEqual": ">="}
_NUMBERS = frozenset({"int", "double", "currency", "percent"})
_TEXTUAL = ("equals", "notEqual", "contains", "notContain", "startsWith")
OPERATORS: Mapping[str, Sequence[str]] = {
    "boolean": ("equals", "notEqual"),
    "id": ("equals", "notEqual"),
    "reference": _TEXTUAL,
    "multipicklist": ("equals", "notEqual", "includes", "excludes"),
    "picklist": _TEXTUAL,
    **dict.fromkeys((*_NUMBERS, "date", "datetime"), ("equals", "notEqual", *_ORDERED)),
}
"""Operators by type of field; text takes what a picklist takes. Named as the Metadata API names them."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field operator value`; with several values any of them will do (for negations: none of them)."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListView:
    """A list view. `label_ja` is for those that came with the org; people's own have one label."""

    id: str
    object_name: str
    name: str
    label: str
    label_ja: str | None = None
    scope: Scope = "everything"
    columns: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    logic: str = ""
    sort: str = ""
    descending: bool = False
    public: bool = True
    standard: bool = False
    owner_id: str = ""

    def label_in(self, language: str) -> str:
        """The label for a user's language."""
        return (self.label_ja or self.label) if language == "ja" else self.label

    def definition(self) -> dict[str, Any]:
        """What is kept of the view beside its names."""
        return {
            "label_ja": self.label_ja,
            "scope": self.scope,
            "columns": list(self.columns),
            "conditions": [
                {"field": item.field, "operator": item.operator, "values": list(item.values)}
                for item in self.conditions
            ],
            "logic": self.logic,
            "sort": self.sort,
            "descending": self.descending,
        }


def of_definition(view: ListView, kept: Mapping[str, Any]) -> ListView:
    """The view with what is kept of it."""
    return replace(
        view,
        label_ja=kept["label_ja"],
        scope=kept["scope"],
        columns=tuple(kept["columns"]),
        conditions=tuple(
            Condition(item["field"], item["operator"], tuple(item["values"])) for item in kept["conditions"]
        ),
        logic=kept["logic"],
        sort=kept["sort"],
        descending=kept["descending"],
    )


# -- checking ------------------------------------------------------------------------------------------------


def _refuse(message: str, *fields: str) -> Fault:
    return Fault("INVALID_INPUT", message, fields=list(fields))


def _text(body: Mapping[str, Any], name: str, most: int) -> str:
    content = body.get(name)
    if not isinstance(content, str) or not content.strip() or len(content.strip()) > most:
        raise _refuse(f"{name} must be a text of 1 to {most} characters", name)
    return content.strip()


def _strings(given: object, name: str, most: int) -> list[str]:
    if not isinstance(given, list) or len(given) > most or not all(isinstance(item, str) for item in given):
        raise _refuse(f"{name} must be a list of at most {most} texts", name)
    return [str(item) for item in given]


def checked(view: ListView, body: Mapping[str, Any], value: ObjectType) -> ListView:
    """The view with what a request says of it. INVALID_INPUT names what is wrong, `fields` where.

    `value` is the object as the asking user sees it: fields that user may not see are unknown here.
    """
    found = view
    if "label" in body:
        found = replace(found, label=_text(body, "label", MAX_LABEL), label_ja=None)
    if "name" in body:
        name = _text(body, "name", MAX_NAME)
        if not _NAME.fullmatch(name):
            raise _refuse(
                "name must begin with a letter and have letters, digits and single underscores", "name"
            )
        found = replace(found, name=name)
    if "scope" in body:
        scope: Any = body["scope"]
        if scope not in ("everything", "mine") or (scope == "mine" and "OwnerId" not in value.fields):
            raise _refuse("scope must be everything, or mine for records that have an owner", "scope")
        found = replace(found, scope=scope)
    if "columns" in body:
        names = _strings(body["columns"], "columns", MAX_COLUMNS)
        columns = tuple(dict.fromkeys(_field(value, name, "columns").name for name in names))
        if not columns:
            raise _refuse("columns must name at least one field", "columns")
        found = replace(found, columns=columns)
    if "conditions" in body:
        given: Any = body["conditions"]
        if not isinstance(given, list) or len(given) > MAX_CONDITIONS:
            raise _refuse(f"conditions must be a list of at most {MAX_CONDITIONS}", "conditions")
        found = replace(found, conditions=tuple(_condition(value, item) for item in given))
    if "logic" in body:
        logic: Any = body["logic"] or ""
        if not isinstance(logic, str) or len(logic) > MAX_LOGIC:
            raise _refuse(f"logic must be a text of at most {MAX_LOGIC} characters", "logic")
        found = replace(found, logic=" ".join(logic.split()))
    if "sort" in body:
        sort: Any = body["sort"] or ""
        found = replace(found, sort=_field(value, sort, "sort").name if sort else "")
    if "descending" in body:
        found = replace(found, descending=body["descending"] is True)
    if found.logic and found.conditions:
        joined(found.logic, ["true"] * len(found.conditions))
    elif found.logic:
        raise _refuse("logic needs conditions", "logic")
    return found


def _field(value: ObjectType, name: object, where: str) -> Field:
    item = value.get(name) if isinstance(name, str) else None
    if item is None:
        raise _refuse(f"{value.name} has no field {str(name)[:80]!r}", where)
    return item


def operators_of(item: Field) -> Sequence[str]:
    """The operators that a condition on the field may have; none where it cannot be filtered by."""
    if not item.filterable or item.type in ("textarea", "address", "time"):
        return ()
    return OPERATORS.get(item.type, _TEXTUAL)


def _condition(value: ObjectType, given: object) -> Condition:
    if not isinstance(given, dict):
        raise _refuse("a condition must be an object", "conditions")
    body: dict[str, Any] = given
    item = _field(value, body.get("field"), "conditions")
    operator: Any = body.get("operator")
    if operator not in operators_of(item):
        raise _refuse(f"{item.name} cannot be filtered by {str(operator)[:40]!r}", "conditions")
    values = _strings(body.get("values"), "values", MAX_VALUES)
    if any(len(content) > MAX_VALUE for content in values):
        raise _refuse(f"a value must not be longer than {MAX_VALUE} characters", "conditions")
    found = Condition(item.name, operator, tuple(content.strip() for content in values) or ("",))
    condition_soql(found, value, "UTC")
    return found


# -- SOQL ----------------------------------------------------------------------------------------------------


def joined(logic: str, parts: Sequence[str]) -> str:
    """The parts joined as the logic says. INVALID_INPUT where it is no sentence about exactly these parts."""
    tokens: list[str] = []
    position = 0
    while position < len(logic):
        found = _TOKEN.match(logic, position)
        if found is None:
            raise _refuse(f"logic: {logic[position : position + 20]!r} is not understood", "logic")
        tokens.append(found.group().strip().upper())
        position = found.end()
    used: set[int] = set()

    def peek() -> str:
        return tokens[0] if tokens else ""

    def one(depth: int) -> str:
        word = tokens.pop(0) if tokens else ""
        if word == "NOT":
            return f"(NOT {one(depth)})"
        if word == "(" and depth < 20:
            inner = several(depth + 1)
            if not tokens or tokens.pop(0) != ")":
                raise _refuse("logic: a parenthesis is not closed", "logic")
            return inner
        if word.isdigit() and 1 <= int(word) <= len(parts):
            used.add(int(word))
            return parts[int(word) - 1]
        what = repr(word) if word else "its end"
        raise _refuse(f"logic: {what} is not expected, or there is no such condition", "logic")

    def several(depth: int) -> str:
        items = [one(depth)]
        word = peek()
        while word in ("AND", "OR") and peek() in ("AND", "OR"):
            if tokens.pop(0) != word:
                raise _refuse("logic: put parentheses where AND and OR are mixed", "logic")
            items.append(one(depth))
        return items[0] if len(items) == 1 else "(" + f" {word} ".join(items) + ")"

    whole = several(0)
    if tokens:
        raise _refuse(f"logic: {tokens[0]!r} is not expected", "logic")
    if len(used) != len(parts):
        missing = next(number for number in range(1, len(parts) + 1) if number not in used)
        raise _refuse(f"logic: condition {missing} is not used", "logic")
    return whole


def where_soql(view: ListView, value: ObjectType, time_zone: str) -> str:
    """The WHERE of a view, without the word; empty where it has no conditions."""
    parts = [condition_soql(item, value, time_zone) for item in view.conditions]
    if not parts:
        return ""
    return joined(view.logic, parts) if view.logic else " AND ".join(parts)


def soql_of(view: ListView, value: ObjectType, columns: Sequence[str], time_zone: str) -> str:
    """The view as a query: its columns, its scope and its conditions, without an order."""
    scope = " USING SCOPE mine" if view.scope == "mine" else ""
    where = where_soql(view, value, time_zone)
    return f"SELECT {', '.join(columns)} FROM {value.name}{scope}{f' WHERE {where}' if where else ''}"  # noqa: S608


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("'", "\\'")
    return text.replace("\n", "\\n").replace("\r", "\\r")


def _quoted(text: str) -> str:
    return f"'{_escaped(text)}'"


def condition_soql(item: Condition, value: ObjectType, time_zone: str) -> str:
    """One condition. INVALID_INPUT where a value is none of the field's type."""
    found = value.get(item.field)
    if found is None:
        raise Fault(
            "INVALID_FIELD", f"No such column '{item.field}' on entity '{value.name}'.", fields=[item.field]
        )
    tests = [_test(found, item.operator, content, time_zone) for content in item.values]
    if len(tests) == 1:
        return tests[0]
    none_of = item.operator in ("notEqual", "notContain", "excludes")
    return "(" + (" AND " if none_of else " OR ").join(tests) + ")"


def _test(item: Field, operator: str, content: str, time_zone: str) -> str:
    name = item.name
    if item.type == "reference":
        if content and parse_id(content) and operator in ("equals", "notEqual"):
            return f"{name} {'!=' if operator == 'notEqual' else '='} {_quoted(content)}"
        if content and item.relationship:
            name = f"{item.relationship}.Name"
    if operator in ("includes", "excludes"):
        return f"{name} {operator.upper()} ({_quoted(content)})"
    if operator in ("contains", "notContain", "startsWith"):
        pattern = re.sub(r"([%_])", r"\\\1", _escaped(content))  # its wildcards are meant literally
        like = f"{name} LIKE '{'' if operator == 'startsWith' else '%'}{pattern}%'"
        return f"(NOT {like})" if operator == "notContain" else like
    sign = _ORDERED.get(operator, "!=" if operator == "notEqual" else "=")
    if content == "":
        if sign not in ("=", "!="):
            raise _refuse(f"{item.name}: give a value to compare with", "conditions")
        return f"{name} {sign} {'false' if item.type == 'boolean' else 'null'}"
    if item.type in ("date", "datetime"):
        return _date_test(item, sign, content, time_zone)
    if item.type == "boolean":
        if content.lower() not in ("true", "false", "1", "0"):
            raise _refuse(f"{item.name}: the value must be true or false", "conditions")
        return f"{name} {sign} {'true' if content.lower() in ('true', '1') else 'false'}"
    if item.type in _NUMBERS:
        plain = content.replace(",", "")
        if not re.fullmatch(r"-?\d{1,18}(\.\d{1,8})?", plain):
            raise _refuse(f"{item.name}: {content[:40]!r} is not a number", "conditions")
        return f"{name} {sign} {plain}"
    return f"{name} {sign} {_quoted(content)}"


def _date_test(item: Field, sign: str, content: str, time_zone: str) -> str:
    word, _, count = content.upper().partition(":")
    if (word in PLAIN and not count) or (word in COUNTED and re.fullmatch(r"\d{1,5}", count)):
        return f"{item.name} {sign} {content.upper()}"
    try:
        day = date.fromisoformat(content) if _DATE.fullmatch(content) else None
        following = day + timedelta(1) if day else None
    except (ValueError, OverflowError):
        day = following = None
    if day is None or following is None:
        raise _refuse(
            f"{item.name}: {content[:40]!r} is not a date such as 2026-11-25 or LAST_N_DAYS:7", "conditions"
        )
    if item.type == "date":
        return f"{item.name} {sign} {day.isoformat()}"
    low, high = (_moment(each, time_zone) for each in (day, following))
    if sign == "=":
        return f"({item.name} >= {low} AND {item.name} < {high})"
    if sign == "!=":
        return f"({item.name} < {low} OR {item.name} >= {high} OR {item.name} = null)"
    return f"{item.name} {'<' if sign in ('<', '<=') else '>='} {high if sign in ('<=', '>') else low}"


def _moment(day: date, time_zone: str) -> str:
    """Where a day begins for the user, as SOQL writes moments."""
    return datetime.combine(day, time(), zone_of(time_zone)).isoformat()
