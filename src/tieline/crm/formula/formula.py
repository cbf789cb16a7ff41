"""The formula language of validation rules: text to a checked formula, a checked formula and a record to a value.

Pure. `compile_formula` names what is wrong with a text: unknown fields and functions, wrong numbers and kinds of
parameters. `Formula.evaluate` answers a value or raises the same `FormulaProblem` (a division by zero, a date that is
none, a text that is no number). What is covered, and how blanks count, is in `docs/guide/formulas.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .functions import CONSTANTS, call, chain
from .tree import Chain, Literal, Name, Tree, parse
from .values import (
    BOOLEAN,
    MULTIPLE,
    PICKLIST,
    FormulaProblem,
    Kind,
    Source,
    State,
    Typed,
    from_column,
)

Resolver = Callable[[str], Source]
"""What stands behind a field's name as written; FormulaProblem where there is none."""


@dataclass(frozen=True)
class Formula:
    """A checked formula. `sources` are the fields it reads."""

    text: str
    kind: Kind
    sources: tuple[Source, ...]
    run: Callable[[State], Any]

    def evaluate(self, state: State) -> Any:
        """The value for one record: text, Decimal, bool, date, datetime, or None for a blank. FormulaProblem."""
        try:
            return self.run(state)
        except RecursionError:
            raise FormulaProblem("The formula is nested too deeply") from None


class Compiler:
    """Turns a tree into something that can be run, checking kinds on the way."""

    def __init__(self, resolve: Resolver, *, blanks_as_zeros: bool = False):
        self.resolve = resolve
        self.blanks_as_zeros = blanks_as_zeros
        self.sources: dict[str, Source] = {}

    def compile(self, tree: Tree, *, picklist: bool = False) -> Typed:
        """The checked form of a part. A picklist passes only where the function takes one."""
        if isinstance(tree, Literal):
            value = tree.value
            return Typed(tree.kind, lambda _: value, literal=value)
        if isinstance(tree, Name):
            return self._name(tree.text, picklist=picklist)
        if isinstance(tree, Chain):
            return chain(self, tree.first, tree.rest)
        return call(self, tree.function, tree.arguments)

    def _name(self, text: str, *, picklist: bool) -> Typed:
        constant = CONSTANTS.get(text.upper())
        if constant is not None:
            return constant
        source = self.field(text)
        if source.kind in (PICKLIST, MULTIPLE) and not picklist:
            raise FormulaProblem(
                f"Field {text} is a picklist field. Picklist fields are only supported in certain functions."
            )
        return self.reading(source)

    def field(self, text: str) -> Source:
        """The field of that name, noted as one that the formula reads."""
        source = self.resolve(text)
        self.sources[text] = source
        return source

    def reading(self, source: Source) -> Typed:
        """The field's value in the record as it is to be saved."""
        path, kind, percent, zeros = source.path, source.kind, source.percent, self.blanks_as_zeros
        return Typed(kind, lambda state: from_column(kind, state.value(path), percent, zeros), source=source)


def compile_formula(
    text: str, resolve: Resolver, *, expected: Kind | None = BOOLEAN, blanks_as_zeros: bool = False
) -> Formula:
    """The checked formula that `text` says; FormulaProblem otherwise.

    `expected` is the kind of value that is wanted, None for any. `blanks_as_zeros` makes empty numbers zero, which a
    formula field may ask for and a validation rule may not.
    """
    compiler = Compiler(resolve, blanks_as_zeros=blanks_as_zeros)
    typed = compiler.compile(parse(text))
    if expected is not None and typed.kind != expected:
        shown = "true or false" if expected == BOOLEAN else expected
        raise FormulaProblem(
            f"Formula result is data type ({typed.kind}), incompatible with expected data type ({shown})."
        )
    return Formula(text, typed.kind, tuple(compiler.sources.values()), typed.run)
