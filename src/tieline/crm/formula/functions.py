"""The functions and operators of formulas: which parameters each takes, and what it answers.

A blank number or date makes the result blank; a comparison with a blank holds for `<>` and between two blanks for `=`
only. Conditions are looked at from the left, and no further than needed.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_UP, ROUND_UP, Decimal, DecimalException
from functools import partial
from typing import Any, Protocol

from ..ids import parse_id
from . import regex as formula_regex
from .tree import Literal, Name, Tree
from .values import (
    ARITHMETIC,
    BOOLEAN,
    DATE,
    DATETIME,
    MAX_TEXT,
    MULTIPLE,
    NULL,
    NUMBER,
    PICKLIST,
    TEXT,
    FormulaProblem,
    Kind,
    Source,
    State,
    Typed,
    arithmetic,
    from_column,
    whole,
    written,
)

MAX_CHAIN = 200
CONSTANTS = {
    "TRUE": Typed(BOOLEAN, lambda _: True, literal=True),
    "FALSE": Typed(BOOLEAN, lambda _: False, literal=False),
    "NULL": Typed(NULL, lambda _: None),
}


class Compiling(Protocol):
    """What a function asks of the compiler about its parameters."""

    def compile(self, tree: Tree, *, picklist: bool = False) -> Typed:
        """The checked form of a parameter."""
        ...

    def field(self, text: str) -> Source:
        """The field of that name."""
        ...

    def reading(self, source: Source) -> Typed:
        """That field's value."""
        ...


def _wrong(function: str, expected: str, found: Kind) -> FormulaProblem:
    where = f"operator '{function}'" if not function[0].isalpha() else f"function '{function}()'"
    return FormulaProblem(f"Incorrect parameter type for {where}. Expected {expected}, received {found}")


def _count(function: str, given: int, least: int, most: int | None) -> None:
    if given < least or (most is not None and given > most):
        expected = (
            str(least) if most == least else f"at least {least}" if most is None else f"{least} to {most}"
        )
        raise FormulaProblem(
            f"Incorrect number of parameters for function '{function}()'. Expected {expected}, received {given}"
        )


def _as(function: str, typed: Typed, kind: Kind) -> Callable[[State], Any]:
    """The value as `kind`; a NULL is a blank of any kind."""
    if typed.kind == NULL:
        blank = "" if kind == TEXT else False if kind == BOOLEAN else None
        return lambda _: blank
    if typed.kind != kind:
        raise _wrong(function, kind, typed.kind)
    if kind == BOOLEAN:
        run = typed.run
        return lambda state: bool(run(state))
    return typed.run


def _together(function: str, parts: Sequence[Typed]) -> Kind:
    """The one kind that all parts have, or may be."""
    found: Kind = NULL
    for part in parts:
        if part.kind == NULL:
            continue
        if found not in (NULL, part.kind):
            raise _wrong(function, found, part.kind)
        found = part.kind
    return found


# -- operators -----------------------------------------------------------------------------------------------


def chain(compiler: Compiling, first: Tree, rest: Sequence[tuple[str, Tree]]) -> Typed:
    """Operators of one rank in a row."""
    left = compiler.compile(first)
    sign = rest[0][0]
    if sign in ("&&", "||"):
        parts = [left, *(compiler.compile(item) for _, item in rest)]
        return _logic(sign, parts, every=sign == "&&")
    if sign == "&":
        parts = [_as("&", part, TEXT) for part in (left, *(compiler.compile(item) for _, item in rest))]
        return Typed(TEXT, lambda state: _bounded("".join(run(state) for run in parts)))
    if len(rest) > MAX_CHAIN:
        raise FormulaProblem(f"More than {MAX_CHAIN} operators stand in a row")
    for sign, item in rest:
        right = compiler.compile(item)
        left = _compared(sign, left, right) if sign[0] in "=<>!" else _computed(sign, left, right)
    return left


def _logic(sign: str, parts: Sequence[Typed], *, every: bool) -> Typed:
    runs = [_as(sign, part, BOOLEAN) for part in parts]
    if every:
        return Typed(BOOLEAN, lambda state: all(run(state) for run in runs))
    return Typed(BOOLEAN, lambda state: any(run(state) for run in runs))


def _compared(sign: str, left: Typed, right: Typed) -> Typed:
    kind = _together(sign, (left, right))
    equality = sign in ("=", "==", "<>", "!=")
    if not equality and kind in (BOOLEAN, NULL):
        raise _wrong(sign, "Number, Text, Date, DateTime", kind)
    one = _as(sign, left, kind) if kind != NULL else left.run
    two = _as(sign, right, kind) if kind != NULL else right.run
    if sign in ("=", "=="):
        return Typed(BOOLEAN, lambda state: one(state) == two(state))
    if equality:
        return Typed(BOOLEAN, lambda state: one(state) != two(state))
    holds = _ORDER[sign]

    def ordered(state: State) -> bool:
        a, b = one(state), two(state)
        return a is not None and b is not None and holds(a, b)

    return Typed(BOOLEAN, ordered)


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _computed(sign: str, left: Typed, right: Typed) -> Typed:
    kinds = (left.kind, right.kind)
    if kinds == (TEXT, TEXT) and sign == "+":
        one, two = left.run, right.run
        return Typed(TEXT, lambda state: _bounded(one(state) + two(state)))
    if left.kind in (DATE, DATETIME) and sign in ("+", "-"):
        if right.kind in (NUMBER, NULL):
            return Typed(left.kind, _on_blanks(_moved(sign), left.run, right.run))
        if sign == "-" and right.kind == left.kind:
            return Typed(NUMBER, _on_blanks(_days_between, left.run, right.run))
        raise _wrong(sign, NUMBER, right.kind)
    if right.kind in (DATE, DATETIME) and sign == "+" and left.kind == NUMBER:
        return Typed(right.kind, _on_blanks(_moved(sign), right.run, left.run))
    for part in (left, right):
        if part.kind not in (NUMBER, NULL):
            raise _wrong(sign, "Number, Date, DateTime" if sign in "+-" else NUMBER, part.kind)
    return Typed(NUMBER, _on_blanks(partial(arithmetic, sign), left.run, right.run))


def _on_blanks(work: Callable[..., Any], *runs: Callable[[State], Any]) -> Callable[[State], Any]:
    """`work` on the values, or a blank where one of them is."""

    def run(state: State) -> Any:
        values: list[Any] = []
        for one in runs:
            value = one(state)
            if value is None:
                return None
            values.append(value)
        return work(*values)

    return run


def _moved(sign: str) -> Callable[[Any, Decimal], Any]:
    def work(moment: Any, days: Decimal) -> Any:
        days = days if sign == "+" else -days
        if abs(days) > 4_000_000:
            raise FormulaProblem("The date is outside the range of dates")
        try:
            if isinstance(moment, datetime):
                return moment + timedelta(seconds=float(days * 86_400))
            return moment + timedelta(days=int(days))
        except OverflowError:
            raise FormulaProblem("The date is outside the range of dates") from None

    return work


def _days_between(later: Any, earlier: Any) -> Decimal:
    span: timedelta = later - earlier
    seconds = Decimal(span.days * 86_400 + span.seconds) + Decimal(span.microseconds) / 1_000_000
    return ARITHMETIC.divide(seconds, Decimal(86_400))


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise FormulaProblem(f"The text is longer than {MAX_TEXT} characters")
    return text


# -- functions of values -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Simple:
    """A function of values only. `least` parameters must be there; the last kind repeats where `variadic`."""

    kinds: tuple[Kind, ...]
    result: Kind
    work: Callable[..., Any]
    least: int = -1
    variadic: bool = False


def _contains(text: str, part: str) -> bool:
    return part in text


def _begins(text: str, part: str) -> bool:
    return text.startswith(part)


def _left(text: str, count: Decimal) -> str:
    return text[: max(whole(count), 0)]


def _right(text: str, count: Decimal) -> str:
    number = max(whole(count), 0)
    return text[-number:] if number else ""


def _mid(text: str, start: Decimal, count: Decimal) -> str:
    begin = max(whole(start), 1) - 1
    return text[begin : begin + max(whole(count), 0)]


def _find(part: str, text: str, start: Decimal = Decimal(1)) -> Decimal:
    return Decimal(text.find(part, max(whole(start), 1) - 1) + 1)


def _substitute(text: str, old: str, new: str) -> str:
    if not old:
        return text
    if len(text) + text.count(old) * (len(new) - len(old)) > MAX_TEXT:
        raise FormulaProblem(f"The text is longer than {MAX_TEXT} characters")
    return text.replace(old, new)


def _padded(text: str, count: Decimal, pad: str, *, left: bool) -> str:
    length = whole(count)
    if length > MAX_TEXT:
        raise FormulaProblem(f"The text is longer than {MAX_TEXT} characters")
    if length <= len(text):
        return text[: max(length, 0)]
    if not pad:
        return text
    missing = length - len(text)
    filling = (pad * (missing // len(pad) + 1))[:missing]
    return filling + text if left else text + filling


_NUMBER = re.compile(r"\s*[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})\s*", re.ASCII)


def _value(text: str) -> Decimal | None:
    if not text.strip():
        return None
    if not _NUMBER.fullmatch(text):
        raise FormulaProblem(f"'{text[:40]}' is not a number")
    return Decimal(text.strip())


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text) is not None


def _rounded(number: Decimal, digits: Decimal = Decimal(0), how: str = ROUND_HALF_UP) -> Decimal:
    places = whole(digits)
    if abs(places) > 30:
        raise FormulaProblem("The number of decimal places must be from -30 to 30")
    try:
        found = number.quantize(Decimal(1).scaleb(-places), how, ARITHMETIC)
    except DecimalException:
        return number  # it has fewer digits than are asked for
    return found


def _mod(number: Decimal, divisor: Decimal) -> Decimal:
    if not divisor:
        raise FormulaProblem("Division by zero")
    try:
        return ARITHMETIC.remainder(number, divisor)
    except DecimalException:
        raise FormulaProblem("The result is outside the range of numbers") from None


def _square_root(number: Decimal) -> Decimal:
    if number < 0:
        raise FormulaProblem("A negative number has no square root")
    return ARITHMETIC.sqrt(number)


def _date(year: Decimal, month: Decimal, day: Decimal) -> date:
    try:
        return date(whole(year), whole(month), whole(day))
    except (ValueError, OverflowError):
        raise FormulaProblem("The year, month and day make no date") from None


def _add_months(moment: Any, count: Decimal) -> Any:
    months = moment.year * 12 + moment.month - 1 + whole(count)
    year, month = divmod(months, 12)
    if not 1 <= year <= 9999:
        raise FormulaProblem("The date is outside the range of dates")
    last, its_last = monthrange(year, month + 1)[1], monthrange(moment.year, moment.month)[1]
    # The last day of a month stays the last day.
    day = last if moment.day == its_last else min(moment.day, last)
    return moment.replace(year=year, month=month + 1, day=day)


def _date_value_of_text(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text) if len(text) == 10 else _bad_date(text)
    except ValueError:
        return _bad_date(text)


def _bad_date(text: str) -> date:
    raise FormulaProblem(f"'{text[:40]}' is not a date of the form YYYY-MM-DD")


def _date_time_of_text(text: str) -> datetime | None:
    if not text:
        return None
    if re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ?", text, re.ASCII):
        try:
            return datetime.fromisoformat(text.rstrip("Z")).replace(tzinfo=UTC)
        except ValueError:
            pass
    raise FormulaProblem(f"'{text[:40]}' is not a time of the form YYYY-MM-DD HH:MM:SS")


def _case_safe_id(text: str) -> str:
    return (parse_id(text) or text) if len(text) == 15 else text


def _floor_to_zero(number: Decimal) -> Decimal:
    return _rounded(number, how=ROUND_DOWN)


def _ceiling_from_zero(number: Decimal) -> Decimal:
    return _rounded(number, how=ROUND_UP)


def _length(text: str) -> Decimal:
    return Decimal(len(text))


def _trim(text: str) -> str:
    return text.strip()


def _upper(text: str, _locale: str = "") -> str:
    return _bounded(text.upper())


def _lower(text: str, _locale: str = "") -> str:
    return _bounded(text.lower())


def _left_padded(text: str, length: Decimal, pad: str = " ") -> str:
    return _padded(text, length, pad, left=True)


def _right_padded(text: str, length: Decimal, pad: str = " ") -> str:
    return _padded(text, length, pad, left=False)


def _line_break() -> str:
    return "\n"


def _floor(number: Decimal) -> Decimal:
    return _rounded(number, how=ROUND_FLOOR)


def _ceiling(number: Decimal) -> Decimal:
    return _rounded(number, how=ROUND_CEILING)


def _largest(*numbers: Decimal) -> Decimal:
    return max(numbers)


def _smallest(*numbers: Decimal) -> Decimal:
    return min(numbers)


def _year(day: date) -> Decimal:
    return Decimal(day.year)


def _month(day: date) -> Decimal:
    return Decimal(day.month)


def _day(day: date) -> Decimal:
    return Decimal(day.day)


def _weekday(day: date) -> Decimal:
    """Sunday is 1."""
    return Decimal(day.isoweekday() % 7 + 1)


def _day_of(moment: datetime) -> date:
    return moment.date()


def _negative(number: Decimal) -> Decimal:
    return -number


_SIMPLE: dict[str, _Simple] = {
    "LEN": _Simple((TEXT,), NUMBER, _length),
    "BEGINS": _Simple((TEXT, TEXT), BOOLEAN, _begins),
    "CONTAINS": _Simple((TEXT, TEXT), BOOLEAN, _contains),
    "LEFT": _Simple((TEXT, NUMBER), TEXT, _left),
    "RIGHT": _Simple((TEXT, NUMBER), TEXT, _right),
    "MID": _Simple((TEXT, NUMBER, NUMBER), TEXT, _mid),
    "FIND": _Simple((TEXT, TEXT, NUMBER), NUMBER, _find, least=2),
    "TRIM": _Simple((TEXT,), TEXT, _trim),
    "UPPER": _Simple((TEXT, TEXT), TEXT, _upper, least=1),
    "LOWER": _Simple((TEXT, TEXT), TEXT, _lower, least=1),
    "SUBSTITUTE": _Simple((TEXT, TEXT, TEXT), TEXT, _substitute),
    "LPAD": _Simple((TEXT, NUMBER, TEXT), TEXT, _left_padded, least=2),
    "RPAD": _Simple((TEXT, NUMBER, TEXT), TEXT, _right_padded, least=2),
    "BR": _Simple((), TEXT, _line_break),
    "VALUE": _Simple((TEXT,), NUMBER, _value),
    "ISNUMBER": _Simple((TEXT,), BOOLEAN, _is_number),
    "CASESAFEID": _Simple((TEXT,), TEXT, _case_safe_id),
    "ABS": _Simple((NUMBER,), NUMBER, abs),
    "ROUND": _Simple((NUMBER, NUMBER), NUMBER, _rounded),
    "FLOOR": _Simple((NUMBER,), NUMBER, _floor_to_zero),
    "CEILING": _Simple((NUMBER,), NUMBER, _ceiling_from_zero),
    "MFLOOR": _Simple((NUMBER,), NUMBER, _floor),
    "MCEILING": _Simple((NUMBER,), NUMBER, _ceiling),
    "MOD": _Simple((NUMBER, NUMBER), NUMBER, _mod),
    "SQRT": _Simple((NUMBER,), NUMBER, _square_root),
    "MAX": _Simple((NUMBER,), NUMBER, _largest, variadic=True),
    "MIN": _Simple((NUMBER,), NUMBER, _smallest, variadic=True),
    "DATE": _Simple((NUMBER, NUMBER, NUMBER), DATE, _date),
    "YEAR": _Simple((DATE,), NUMBER, _year),
    "MONTH": _Simple((DATE,), NUMBER, _month),
    "DAY": _Simple((DATE,), NUMBER, _day),
    "WEEKDAY": _Simple((DATE,), NUMBER, _weekday),
}


def _simple(compiler: Compiling, name: str, spec: _Simple, arguments: Sequence[Tree]) -> Typed:
    least = len(spec.kinds) if spec.least < 0 else spec.least
    _count(name, len(arguments), least, None if spec.variadic else len(spec.kinds))
    kinds = spec.kinds + spec.kinds[-1:] * (len(arguments) - len(spec.kinds))
    runs = [
        _as(name, compiler.compile(argument), kind) for argument, kind in zip(arguments, kinds, strict=False)
    ]
    return Typed(spec.result, _on_blanks(spec.work, *runs))


# -- functions that look at their parameters -----------------------------------------------------------------


def _and(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 1, None)
    return _logic(name, [compiler.compile(item) for item in arguments], every=name == "AND")


def _not(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 1, 1)
    run = _as(name, compiler.compile(arguments[0]), BOOLEAN)
    return Typed(BOOLEAN, lambda state: not run(state))


def _if(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 3, 3)
    test = _as(name, compiler.compile(arguments[0]), BOOLEAN)
    parts = [compiler.compile(item) for item in arguments[1:]]
    kind = _together(name, parts)
    then, otherwise = (part.run if kind == NULL else _as(name, part, kind) for part in parts)
    return Typed(kind, lambda state: then(state) if test(state) else otherwise(state))


def _case(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 4, None)
    if len(arguments) % 2:
        raise FormulaProblem(
            f"Incorrect number of parameters for function '{name}()'. Expected {len(arguments) + 1}, "
            f"received {len(arguments)}"
        )
    subject = compiler.compile(arguments[0], picklist=True)
    if subject.kind == MULTIPLE:
        raise _wrong(name, "Number, Text, Date, DateTime, Boolean, Picklist", subject.kind)
    compared: Kind = TEXT if subject.kind == PICKLIST else subject.kind
    values = [compiler.compile(item) for item in arguments[1:-1:2]]
    if compared == NULL:
        compared = _together(name, values)
    tests = [value.run if compared == NULL else _as(name, value, compared) for value in values]
    results = [compiler.compile(item) for item in (*arguments[2:-1:2], arguments[-1])]
    kind = _together(name, results)
    answers = [part.run if kind == NULL else _as(name, part, kind) for part in results]
    read = subject.run

    def run(state: State) -> Any:
        wanted = read(state)
        for test, answer in zip(tests, answers, strict=False):
            if test(state) == wanted:
                return answer(state)
        return answers[-1](state)

    return Typed(kind, run)


def _is_blank(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 1, 1)
    part = compiler.compile(arguments[0], picklist=name == "ISBLANK")
    run = part.run
    if name == "ISNULL" and part.kind == TEXT:
        # A text field without content holds empty text, which is no null.
        return Typed(BOOLEAN, lambda state: run(state) is None)
    return Typed(BOOLEAN, lambda state: run(state) in (None, ""))


def _blank_value(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 2, 2)
    parts = [compiler.compile(item) for item in arguments]
    kind = _together(name, parts)
    first, second = (part.run if kind == NULL else _as(name, part, kind) for part in parts)
    blanks = (None,) if name == "NULLVALUE" else (None, "")

    def run(state: State) -> Any:
        value = first(state)
        return second(state) if value in blanks else value

    return Typed(kind, run)


def _picklist_text(name: str, arguments: Sequence[Tree]) -> str:
    given = arguments[1]
    if not isinstance(given, Literal) or given.kind != TEXT:
        raise FormulaProblem(f"The second parameter of function '{name}()' must be a text in quotes")
    return given.value


def _is_pick_value(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 2, 2)
    part = compiler.compile(arguments[0], picklist=True)
    wanted = _picklist_text(name, arguments)
    if name == "ISPICKVAL":
        if part.kind != PICKLIST:
            raise _wrong(name, PICKLIST, part.kind)
        run = part.run
        return Typed(BOOLEAN, lambda state: run(state) == wanted)
    if part.kind != MULTIPLE:
        raise _wrong(name, MULTIPLE, part.kind)
    read = part.run
    return Typed(BOOLEAN, lambda state: wanted in read(state).split(";"))


def _own_field(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Source:
    _count(name, len(arguments), 1, 1)
    given = arguments[0]
    if not isinstance(given, Name) or given.text.upper() in CONSTANTS:
        raise FormulaProblem(f"The parameter of function '{name}()' must be a field")
    source = compiler.field(given.text)
    if not source.own:
        raise FormulaProblem(f"Function '{name}()' takes a field of the record itself, not {given.text}")
    return source


def _is_changed(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    source = _own_field(compiler, name, arguments)
    path = source.path
    return Typed(BOOLEAN, lambda state: not state.is_new and state.value(path) != state.before(path))


def _prior_value(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    source = _own_field(compiler, name, arguments)
    path, kind, percent = source.path, source.kind, source.percent
    return Typed(kind, lambda state: from_column(kind, state.before(path), percent, False), source=source)


def _is_new(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 0, 0)
    return Typed(BOOLEAN, lambda state: state.is_new)


def _now(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 0, 0)
    if name == "NOW":
        return Typed(DATETIME, lambda state: state.now)
    return Typed(DATE, lambda state: state.today)


def _constant(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 0, 0)
    return CONSTANTS[name]


def _text(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 1, 1)
    part = compiler.compile(arguments[0], picklist=True)
    if part.kind in (TEXT, BOOLEAN, MULTIPLE):
        raise _wrong(name, "Number, Date, DateTime, Picklist", part.kind)
    run = part.run

    def work(state: State) -> str:
        value = run(state)
        if value is None:
            return ""
        if isinstance(value, Decimal):
            return written(value)
        if isinstance(value, datetime):
            return f"{value:%Y-%m-%d %H:%M:%S}Z"
        return value.isoformat() if isinstance(value, date) else value

    return Typed(TEXT, work)


def _regex(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 2, 2)
    run = _as(name, compiler.compile(arguments[0]), TEXT)
    second = compiler.compile(arguments[1])
    read = _as(name, second, TEXT)
    if second.literal is not None:
        _pattern(second.literal)

    def work(state: State) -> bool:
        try:
            return _pattern(read(state)).matches(run(state))
        except formula_regex.BadPattern as error:
            raise FormulaProblem(f"Invalid regular expression: {error}") from None

    return Typed(BOOLEAN, work)


def _pattern(text: str) -> formula_regex.Pattern:
    try:
        return formula_regex.pattern(text)
    except formula_regex.BadPattern as error:
        raise FormulaProblem(f"Invalid regular expression: {error}") from None


def _date_value(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 1, 1)
    part = compiler.compile(arguments[0])
    wanted: Kind = DATE if name == "DATEVALUE" else DATETIME
    if part.kind == TEXT:
        reader: Callable[[str], Any] = _date_value_of_text if wanted == DATE else _date_time_of_text
        return Typed(wanted, _on_blanks(reader, part.run))
    if part.kind == DATETIME and wanted == DATE:
        return Typed(DATE, _on_blanks(_day_of, part.run))
    raise _wrong(name, "Text, DateTime" if wanted == DATE else TEXT, part.kind)


def _months_added(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    _count(name, len(arguments), 2, 2)
    part = compiler.compile(arguments[0])
    if part.kind not in (DATE, DATETIME):
        raise _wrong(name, "Date, DateTime", part.kind)
    months = _as(name, compiler.compile(arguments[1]), NUMBER)
    return Typed(part.kind, _on_blanks(_add_months, part.run, months))


def _signed(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    sign = name[-1]
    part = compiler.compile(arguments[0])
    if sign == "!":
        run = _as("!", part, BOOLEAN)
        return Typed(BOOLEAN, lambda state: not run(state))
    number = _as(sign, part, NUMBER)
    return Typed(NUMBER, _on_blanks(_negative, number) if sign == "-" else number)


_SPECIAL: dict[str, Callable[[Compiling, str, Sequence[Tree]], Typed]] = {
    "AND": _and,
    "OR": _and,
    "NOT": _not,
    "IF": _if,
    "CASE": _case,
    "ISBLANK": _is_blank,
    "ISNULL": _is_blank,
    "BLANKVALUE": _blank_value,
    "NULLVALUE": _blank_value,
    "ISPICKVAL": _is_pick_value,
    "INCLUDES": _is_pick_value,
    "ISCHANGED": _is_changed,
    "PRIORVALUE": _prior_value,
    "ISNEW": _is_new,
    "NOW": _now,
    "TODAY": _now,
    "TRUE": _constant,
    "FALSE": _constant,
    "TEXT": _text,
    "REGEX": _regex,
    "DATEVALUE": _date_value,
    "DATETIMEVALUE": _date_value,
    "ADDMONTHS": _months_added,
    "unary -": _signed,
    "unary +": _signed,
    "unary !": _signed,
}

FUNCTIONS: tuple[str, ...] = tuple(
    sorted([*_SIMPLE, *(name for name in _SPECIAL if not name.startswith("unary"))])
)
"""Every function that formulas may call."""


def call(compiler: Compiling, name: str, arguments: Sequence[Tree]) -> Typed:
    """A function with its parameters. FormulaProblem for one that does not exist."""
    wanted = name if name.startswith("unary") else name.upper()
    special = _SPECIAL.get(wanted)
    if special is not None:
        return special(compiler, wanted, arguments)
    simple = _SIMPLE.get(wanted)
    if simple is None:
        raise FormulaProblem(f"Unknown function {name[:60]}. Check spelling.")
    return _simple(compiler, wanted, simple, arguments)
