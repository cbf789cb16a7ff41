"""The grammar of formulas: text to a tree, or the reason why it is none.

Pure; knows no fields and no functions (`formula.py` does).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput, v_args
from lark.exceptions import VisitError

from .values import NUMBER, TEXT, FormulaProblem, Kind

MAX_LENGTH = 5_000
MAX_DEPTH = 60
"""How deep parentheses and functions may stand in each other."""

_GRAMMAR = r"""
?start: either
?either: both (OR both)*
?both: comparison (AND comparison)*
?comparison: joined (COMPARE joined)?
?joined: sum (JOIN sum)*
?sum: product (SUM product)*
?product: power (PRODUCT power)*
?power: unary (POWER unary)*
?unary: SUM unary -> signed
      | NOT unary -> signed
      | atom
?atom: "(" either ")" -> group
     | NAME "(" [either ("," either)*] ")" -> call
     | NAME -> name
     | NUMBER -> number
     | STRING -> string
OR: "||"
AND: "&&"
COMPARE: "<>" | "!=" | "<=" | ">=" | "==" | "=" | "<" | ">"
JOIN.1: /&(?!&)/
SUM: "+" | "-"
PRODUCT: "*" | "/"
POWER: "^"
NOT.1: /!(?!=)/
NAME: /\$?[A-Za-z][A-Za-z0-9_]*(:[A-Za-z][A-Za-z0-9_]*)?(\.[A-Za-z][A-Za-z0-9_]*(:[A-Za-z][A-Za-z0-9_]*)?)*/
NUMBER: /\d+(\.\d*)?|\.\d+/
STRING: /"([^"\\]|\\.)*"|'([^'\\]|\\.)*'/s
COMMENT: /\/\*(.|\n)*?\*\//
%ignore COMMENT
%ignore /\s+/
"""
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant as written."""

    value: Any
    kind: Kind
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Name:
    """A field, or a constant such as TRUE."""

    text: str
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its parameters; operators are functions named by their sign."""

    function: str
    arguments: tuple[Tree, ...]
    depth: int


@dataclass(frozen=True, slots=True)
class Chain:
    """`a + b - c`: operators of one rank in a row, worked off from the left."""

    first: Tree
    rest: tuple[tuple[str, Tree], ...]
    depth: int


Tree = Literal | Name | Call | Chain


def _deeper(*parts: Tree) -> int:
    depth = 1 + max((part.depth for part in parts), default=0)
    if depth > MAX_DEPTH:
        raise FormulaProblem("The formula is nested too deeply")
    return depth


def _chain(*items: Any) -> Tree:
    pairs = tuple((str(items[at]), items[at + 1]) for at in range(1, len(items), 2))
    return Chain(items[0], pairs, _deeper(items[0], *(item for _, item in pairs)))


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    either = staticmethod(_chain)
    both = staticmethod(_chain)
    comparison = staticmethod(_chain)
    joined = staticmethod(_chain)
    sum = staticmethod(_chain)
    product = staticmethod(_chain)
    power = staticmethod(_chain)

    def signed(self, sign: Token, item: Tree) -> Tree:
        return Call(f"unary {sign}", (item,), _deeper(item))

    def group(self, item: Tree) -> Tree:
        return item

    def call(self, name: Token, *arguments: Tree | None) -> Tree:
        found = tuple(item for item in arguments if item is not None)
        return Call(str(name), found, _deeper(*found))

    def name(self, name: Token) -> Tree:
        return Name(str(name))

    def number(self, raw: Token) -> Tree:
        if len(raw) > 32:
            raise FormulaProblem(f"The number {raw[:20]}... is too long")
        return Literal(Decimal(str(raw)), NUMBER)

    def string(self, raw: Token) -> Tree:
        text: list[str] = []
        characters = iter(str(raw)[1:-1])
        for char in characters:
            if char == "\\":
                escaped = next(characters)
                char = _ESCAPES.get(escaped, "\\" + escaped)
            text.append(char)
        return Literal("".join(text), TEXT)


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", transformer=_Build(), maybe_placeholders=True)


def parse(text: str) -> Tree:
    """The tree that `text` says; FormulaProblem where it says none."""
    if len(text) > MAX_LENGTH:
        raise FormulaProblem(f"The formula is longer than {MAX_LENGTH} characters")
    if not text.strip():
        raise FormulaProblem("The formula is empty")
    depth = most = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        most = max(most, depth)
    if most > 4 * MAX_DEPTH:
        raise FormulaProblem("The formula is nested too deeply")
    try:
        found: Any = _parser().parse(text)
    except UnexpectedInput as error:
        position = error.pos_in_stream if error.pos_in_stream is not None else -1
        near = text[position : position + 20].strip() if 0 <= position < len(text) else ""
        if not near or getattr(getattr(error, "token", None), "type", "") == "$END":
            raise FormulaProblem("Syntax error. The formula ends too early") from None
        raise FormulaProblem(
            f"Syntax error. Found '{near}' at line {max(error.line, 1)}, column {max(error.column, 1)}"
        ) from None
    except VisitError as error:
        if isinstance(error.orig_exc, FormulaProblem):
            raise error.orig_exc from None
        raise
    return found
