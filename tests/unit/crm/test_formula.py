"""Formulas: what they compute, how they name what is wrong, and that nothing else ever comes out of them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tieline.crm.formula.formula import compile_formula
from tieline.crm.formula.functions import FUNCTIONS
from tieline.crm.formula.regex import BadPattern, pattern
from tieline.crm.formula.values import FormulaProblem as Problem
from tieline.crm.formula.values import Kind, Source

KINDS: dict[str, Kind] = {
    "Name": "Text", "Note": "Text", "Amount": "Number", "Rest": "Number", "Share": "Number", "Done": "Boolean",
    "Day": "Date", "At": "DateTime", "Stage": "Picklist", "Tags": "Multi-Select Picklist",
    "Account.Name": "Text",
}  # fmt: skip


@dataclass
class Record:
    """A record as a formula sees it."""

    values: dict[str, Any] = field(default_factory=dict)
    old: dict[str, Any] | None = None
    now: datetime = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    today: date = date(2026, 4, 1)

    @property
    def is_new(self) -> bool:
        return self.old is None

    def value(self, path: tuple[str, ...]) -> Any:
        return self.values.get(".".join(path))

    def before(self, path: tuple[str, ...]) -> Any:
        return (self.values if self.old is None else self.old).get(".".join(path))


def resolve(text: str) -> Source:
    if text not in KINDS:
        raise Problem(f"Field {text} does not exist. Check spelling.")
    return Source(tuple(text.split(".")), KINDS[text], text == "Share")


def value(text: str, record: Record | None = None, **options: Any) -> Any:
    return compile_formula(text, resolve, expected=None, **options).evaluate(record or Record())


ACME = Record(
    {
        "Name": "Acme 株式会社", "Amount": 12.1, "Share": 25.0, "Done": True, "Day": date(2026, 1, 31),
        "At": datetime(2026, 1, 31, 23, 0, tzinfo=UTC), "Stage": "Won", "Tags": "red;blue", "Account.Name": "Parent",
    }
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * 3 ^ 2", 19), ("(1 + 2) * 3", 9), ("10 - 4 - 3", 3), ("2 ^ 3 ^ 2", 64), ("-2 ^ 2", 4),
        ("Amount * 10", Decimal("121.0")), ("Share", Decimal("0.25")), ("0.1 + 0.2 = 0.3", True),
        ('"a" & "b" & TEXT(1.50)', "ab1.5"), ('"say \\"x\\"\\n"', 'say "x"\n'),
        ("NOT(Done) || Amount > 12 && TRUE", True), ("!Done", False), ("AND(Done, Amount <> 12.1)", False),
        ("OR(FALSE, Done)", True), ('IF(Amount > 10, "big", "small")', "big"),
        ('CASE(Stage, "Won", 1, "Lost", 2, 0)', 1), ('CASE(Amount, 1, "a", 12.1, "b", "c")', "b"),
        ('ISPICKVAL(Stage, "Won")', True), ('INCLUDES(Tags, "blue")', True), ('INCLUDES(Tags, "re")', False),
        ("TEXT(Stage)", "Won"), ("ISBLANK(Note)", True), ("ISNULL(Note)", False), ("ISBLANK(Rest)", True),
        ("ISNULL(Rest)", True), ("ISBLANK(Stage)", False), ('BLANKVALUE(Note, "none")', "none"),
        ("BLANKVALUE(Rest, 7)", 7), ('NULLVALUE(Note, "none")', ""), ("LEN(Name)", 9), ("LEN(Note)", 0),
        ('BEGINS(Name, "Ac")', True), ('CONTAINS(Name, "株式")', True), ("LEFT(Name, 4)", "Acme"),
        ("RIGHT(Name, 2)", "会社"), ("MID(Name, 2, 3)", "cme"), ('FIND("m", Name)', 3), ('FIND("z", Name)', 0),
        ('SUBSTITUTE("a-b-c", "-", "")', "abc"), ('TRIM("  a ")', "a"), ('UPPER("aé")', "AÉ"), ('LOWER("AB")', "ab"),
        ('LPAD("7", 3, "0")', "007"), ('RPAD("7", 3, "0")', "700"), ('VALUE(" 12.50 ")', Decimal("12.50")),
        ('VALUE("")', None), ('ISNUMBER("1e5")', False), ('ISNUMBER("-1.5")', True),
        ("ROUND(2.5, 0)", 3), ("ROUND(-2.5, 0)", -3), ("ROUND(1234, -2)", 1200), ("FLOOR(-2.5)", -2),
        ("CEILING(-2.5)", -3), ("MFLOOR(-2.5)", -3), ("MCEILING(-2.5)", -2), ("MOD(-7, 3)", -1), ("MAX(1, 3, 2)", 3),
        ("MIN(2, 1)", 1), ("ABS(-1)", 1), ("DATE(2024, 2, 29)", date(2024, 2, 29)), ("YEAR(Day)", 2026),
        ("MONTH(Day)", 1), ("DAY(Day)", 31), ("WEEKDAY(Day)", 7), ("ADDMONTHS(Day, 1)", date(2026, 2, 28)),
        ("Day + 1", date(2026, 2, 1)), ("TODAY() - Day", 60), ("TODAY()", date(2026, 4, 1)),
        ("(NOW() - At) * 24", Decimal("1416.5")), ("DATEVALUE(At)", date(2026, 1, 31)),
        ('DATEVALUE("2026-01-02")', date(2026, 1, 2)), ("TEXT(At)", "2026-01-31 23:00:00Z"),
        ('DATETIMEVALUE("2026-01-31 23:00:00") = At', True), ("TEXT(Day)", "2026-01-31"),
        ('REGEX("123-45", "[0-9]{3}-\\\\d{2}")', True), ('Account.Name = "Parent"', True), ("/* why */ 1", 1),
        ("Rest < 5", False), ("Rest > 5", False), ("Rest = 0", False), ("Rest = NULL", True), ("Rest <> 0", True),
        ("Rest + 1", None), ("Note = NULL", True), ('Note = ""', True), ('"" < "a"', True), ("true", True),
        ("aNd(true)", True), ('CASESAFEID("00D000000000062")', "00D000000000062EAA"),
    ],
)  # fmt: skip
def test_formulas_have_their_values(text: str, wanted: Any) -> None:
    assert value(text, ACME) == wanted


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"), ("'it''s' = 'it'", "Found"),
        ("1 +", "ends too early"), ("(1", "ends too early"), ("1 2", "Found '2'"),
        ("Nothing = 1", "Field Nothing does not exist. Check spelling."),
        ("VLOOKUP(1)", "Unknown function VLOOKUP. Check spelling."),
        ("LEN()", "Incorrect number of parameters for function 'LEN()'. Expected 1, received 0"),
        ("LEN(Amount)", "Incorrect parameter type for function 'LEN()'. Expected Text, received Number"),
        ('Amount = "1"', "Incorrect parameter type for operator '='. Expected Number, received Text"),
        ("Amount && TRUE", "Incorrect parameter type for operator '&&'. Expected Boolean, received Number"),
        ('Stage = "Won"', "Picklist fields are only supported in certain functions."),
        ("ISPICKVAL(Stage, Name)", "must be a text in quotes"),
        ("ISPICKVAL(Name, 'a')", "Expected Picklist, received Text"),
        ("ISCHANGED(Account.Name)", "a field of the record itself"), ("ISCHANGED(1)", "must be a field"),
        ("CASE(Amount, 1, 2)", "at least 4"), ("CASE(Amount, 1, 2, 3, 4)", "Expected 6, received 5"),
        ('IF(Done, 1, "a")', "Expected Number, received Text"), ("1 / 0", "Division by zero"),
        ("MOD(1, 0)", "Division by zero"), ("0 / 0", "Division by zero"), ("DATE(2026, 2, 30)", "make no date"),
        ('VALUE("x")', "'x' is not a number"), ("9 ^ 9999 ^ 9", "outside the range"),
        ("Day + 99999999", "outside the range"), ('LPAD("a", 999999999)', "longer than"),
        ('REGEX(Name, "(a")', "Invalid regular expression"), ('REGEX(Name, "(?=a)")', "Invalid regular expression"),
        ("(" * 300 + "1" + ")" * 300, "nested too deeply"), ("NOT(" * 100 + "TRUE" + ")" * 100, "nested too deeply"),
        ("1" * 40, "too long"), ("+".join("1" * 300), "operators stand in a row"), ("a" * 6000, "longer than 5000"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(text: str, words: str) -> None:
    with pytest.raises(Problem) as problem:
        value(text, ACME)
    assert words in problem.value.message


def test_a_rule_must_be_true_or_false() -> None:
    with pytest.raises(
        Problem, match=r"data type \(Number\), incompatible with expected data type \(true or fal"
    ):
        compile_formula("1 + 1", resolve)
    assert compile_formula("1 = 1", resolve).kind == "Boolean"


def test_changes_are_told_from_what_was_before() -> None:
    new = Record({"Amount": 5.0, "Stage": "New"})
    changed = Record({"Amount": 5.0, "Stage": "Won"}, {"Amount": 5.0, "Stage": "New"})
    assert (value("ISNEW()", new), value("ISNEW()", changed)) == (True, False)
    assert (value("ISCHANGED(Stage)", new), value("ISCHANGED(Stage)", changed)) == (False, True)
    assert value("ISCHANGED(Amount)", changed) is False
    assert value("TEXT(PRIORVALUE(Stage))", changed) == "New"
    assert value('ISPICKVAL(PRIORVALUE(Stage), "New")', changed) is True
    assert value("PRIORVALUE(Amount)", new) == 5, "a new record has always been what it is"


def test_blanks_count_as_zeros_only_where_that_is_asked_for() -> None:
    assert value("Rest + 1", blanks_as_zeros=True) == 1
    assert value("Rest = 0", blanks_as_zeros=True) is True
    assert value("Rest = 0") is False


# -- a model in plain Python ---------------------------------------------------------------------------------

Value = bool | Decimal | str | None
Model = Callable[[dict[str, Value]], Value]


@dataclass(frozen=True)
class Both:
    """An expression as text, and what plain Python makes of it."""

    text: str
    model: Model


DIGITS = Context(prec=34)


class _Undefined(Exception):
    pass


def _number(raw: int) -> Both:
    return Both(str(raw), lambda _: Decimal(raw))


def _text_literal(raw: str) -> Both:
    escaped = raw.replace("\\", "\\\\").replace('"', '\\"')
    return Both(f'"{escaped}"', lambda _: raw)


def _field(name: str) -> Both:
    return Both(name, lambda values: values[name])


def _sum(sign: str, a: Both, b: Both) -> Both:
    def model(values: dict[str, Value]) -> Value:
        x, y = a.model(values), b.model(values)
        if x is None or y is None:
            return None
        assert isinstance(x, Decimal) and isinstance(y, Decimal)
        if sign == "/":
            if not y:
                raise _Undefined
            return DIGITS.divide(x, y)
        return {"+": DIGITS.add, "-": DIGITS.subtract, "*": DIGITS.multiply}[sign](x, y)

    return Both(f"({a.text} {sign} {b.text})", model)


def _compare(sign: str, a: Both, b: Both) -> Both:
    def model(values: dict[str, Value]) -> Value:
        x, y = a.model(values), b.model(values)
        if sign == "=":
            return x == y
        if sign == "<>":
            return x != y
        if x is None or y is None:
            return False
        return bool({"<": x < y, ">=": x >= y}[sign])  # pyright: ignore[reportOperatorIssue]

    return Both(f"({a.text} {sign} {b.text})", model)


def _join(a: Both, b: Both) -> Both:
    return Both(f"({a.text} & {b.text})", lambda values: str(a.model(values)) + str(b.model(values)))


def _left(a: Both, count: int) -> Both:
    return Both(f"LEFT({a.text}, {count})", lambda values: str(a.model(values))[:count])


def _len(a: Both) -> Both:
    return Both(f"LEN({a.text})", lambda values: Decimal(len(str(a.model(values)))))


def _choice(a: Both, b: Both, c: Both) -> Both:
    return Both(
        f"IF({a.text}, {b.text}, {c.text})",
        lambda values: b.model(values) if a.model(values) else c.model(values),
    )


def _logic(name: str, a: Both, b: Both) -> Both:
    def model(values: dict[str, Value]) -> Value:
        first = bool(a.model(values))
        if first == (name in ("OR", "||")):
            return first
        return bool(b.model(values))

    text = f"{name}({a.text}, {b.text})" if name.isalpha() else f"({a.text} {name} {b.text})"
    return Both(text, model)


def _not(a: Both) -> Both:
    return Both(f"NOT({a.text})", lambda values: not a.model(values))


def _blank(a: Both) -> Both:
    return Both(f"ISBLANK({a.text})", lambda values: a.model(values) in (None, ""))


numbers = st.deferred(
    lambda: (
        st.integers(0, 50).map(_number)
        | st.sampled_from(["Amount", "Rest"]).map(_field)
        | st.builds(_sum, st.sampled_from("+-*/"), numbers, numbers)
        | texts.map(_len)
        | st.builds(_choice, booleans, numbers, numbers)
    )
)
texts = st.deferred(
    lambda: (
        st.text(st.sampled_from('aB"\\ あ-'), max_size=4).map(_text_literal)
        | st.sampled_from(["Name", "Note"]).map(_field)
        | st.builds(_join, texts, texts)
        | st.builds(_left, texts, st.integers(0, 5))
    )
)
booleans: st.SearchStrategy[Both] = st.deferred(
    lambda: (
        st.just(_field("Done"))
        | st.builds(_compare, st.sampled_from(["=", "<>", "<", ">="]), numbers, numbers)
        | st.builds(_compare, st.sampled_from(["=", "<>", "<", ">="]), texts, texts)
        | st.builds(_logic, st.sampled_from(["AND", "OR", "&&", "||"]), booleans, booleans)
        | booleans.map(_not)
        | st.one_of(numbers, texts).map(_blank)
    )
)


@settings(max_examples=300, deadline=None)
@given(
    booleans,
    st.none() | st.integers(-9, 9),
    st.none() | st.integers(-9, 9),
    st.text("aB ", max_size=3),
    st.booleans(),
)
def test_what_is_computed_is_what_plain_python_computes(
    both: Both, amount: int | None, rest: int | None, name: str, done: bool
) -> None:
    values: dict[str, Value] = {
        "Amount": None if amount is None else Decimal(amount),
        "Rest": None if rest is None else Decimal(rest),
        "Name": name, "Note": "", "Done": done,
    }  # fmt: skip
    record = Record({"Amount": amount, "Rest": rest, "Name": name or None, "Note": None, "Done": done})
    try:
        formula = compile_formula(both.text, resolve)
    except Problem as problem:
        assert "nested too deeply" in problem.message or "longer than" in problem.message
        return
    try:
        wanted = both.model(values)
    except _Undefined:
        with pytest.raises(Problem, match="Division by zero"):
            formula.evaluate(record)
        return
    except ArithmeticError:
        return  # beyond what the model's numbers hold
    assert formula.evaluate(record) == wanted


_PIECES = st.sampled_from(
    [*FUNCTIONS, *KINDS, "(", ")", "(", ")", ",", "+", "-", "*", "/", "^", "&", "&&", "||", "!", "=", "<>", "<",
     '"a"', "'b'", "1", "2.5", ".", "NULL", "TRUE", "$User.Id", '"', "/*", "*/", "\x00", "\ud800", "あ", " "]
)  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(_PIECES, max_size=25).map(" ".join) | st.text(max_size=60))
def test_any_text_is_a_formula_or_a_named_problem(text: str) -> None:
    try:
        value(text, ACME)
    except Problem as problem:
        assert problem.message


# -- regular expressions -------------------------------------------------------------------------------------

_ATOMS = st.sampled_from(
    ["a", "b", "1", ".", r"\d", r"\w", r"\s", r"\D", "[ab]", "[^a]", "[a-c1]", r"\.", "-"]
)
_PATTERNS = st.recursive(
    _ATOMS,
    lambda inner: (
        st.builds("".join, st.lists(inner, max_size=3))
        | st.builds(lambda a, b: f"({a}|{b})", inner, inner)
        | st.builds(
            lambda a, q: f"(?:{a}){q}", inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "{0,}", "*?"])
        )
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(_PATTERNS, st.text("ab1. -", max_size=8))
def test_patterns_match_as_python_matches(text: str, subject: str) -> None:
    assert pattern(text).matches(subject) == (re.fullmatch(text, subject, re.ASCII) is not None)


@given(st.text("ab\\()[]{}|*+?^$.-,1?:=!", max_size=20), st.text("ab", max_size=5))
def test_any_text_is_a_pattern_or_a_named_problem(text: str, subject: str) -> None:
    try:
        pattern(text).matches(subject)
    except BadPattern as problem:
        assert str(problem)


@pytest.mark.parametrize("text", ["(a*)*b", "(a+)+b", "(a|a)*b", "(.*a){12}b", "((a{0,9}){0,9})*b"])
def test_no_pattern_takes_for_ever(text: str) -> None:
    started = time.process_time()
    try:
        assert pattern(text).matches("a" * 5_000) is False
    except BadPattern as problem:
        assert "too" in str(problem)
    assert time.process_time() - started < 5


def test_the_guide_names_every_function_and_no_other() -> None:
    text = (Path(__file__).parents[3] / "docs" / "guide" / "formulas.md").read_text()
    table = text.split("## Functions")[1].split("`PRIORVALUE` in")[0]
    assert sorted(set(re.findall(r"`([A-Z]+)`", table))) == sorted(FUNCTIONS)
