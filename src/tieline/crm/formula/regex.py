"""Regular expressions of formulas, matched in time that grows with the text only.

A rule's pattern runs on what callers send, so a backtracking engine would let one record stop the process. The
pattern becomes a set of states that are followed all at once. Covered: literals, `.`, classes, `\\d \\w \\s` and their
opposites, groups, `|`, `* + ? {m,n}` (lazy and possessive marks change nothing in a whole match), `^ $`, `(?i)`.
Refused: look-around, references to groups, named groups.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

MAX_PATTERN = 500
MAX_STATES = 1_000
MAX_STEPS = 300_000

_Test = Callable[[str], bool]
_DIGITS = frozenset("0123456789")
_WORD = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
_SPACE = frozenset(" \t\n\r\f\v")
_NAMED = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
_START, _END = "^", "$"


class BadPattern(Exception):
    """Why a pattern is refused, or why it could not be matched within bounds."""


class _State:
    """One state: it takes a character that passes `test`, or holds at an anchor, or forks."""

    __slots__ = ("anchor", "number", "test", "to")

    def __init__(self, number: int):
        self.number = number
        self.test: _Test | None = None
        self.anchor: str | None = None
        self.to: list[_State] = []


@dataclass(slots=True)
class _Piece:
    """One atom (a test, an anchor or a group's alternatives) and how often it stands there."""

    test: _Test | None = None
    anchor: str | None = None
    group: list[list[_Piece]] | None = None
    least: int = 1
    most: int | None = 1


class _States:
    """Makes the states of pieces."""

    def __init__(self) -> None:
        self.count = 0

    def state(self) -> _State:
        """A new state."""
        self.count += 1
        if self.count > MAX_STATES:
            raise BadPattern("the pattern is too large")
        return _State(self.count)

    def alternatives(self, group: list[list[_Piece]], end: _State) -> _State:
        """The state before a group that leads to `end`."""
        start = self.state()
        for sequence in group:
            first = current = self.state()
            start.to.append(first)
            for piece in sequence:
                current = self._repeated(piece, current)
            current.to.append(end)
        return start

    def _repeated(self, piece: _Piece, current: _State) -> _State:
        for _ in range(piece.least):
            current = self._once(piece, current, self.state())
        done = self.state()
        if piece.most is None:
            loop = self.state()
            current.to.append(loop)
            self._once(piece, loop, loop)
            loop.to.append(done)
            return done
        for _ in range(piece.most - piece.least):
            current.to.append(done)
            current = self._once(piece, current, self.state())
        current.to.append(done)
        return done

    def _once(self, piece: _Piece, current: _State, leave: _State) -> _State:
        if piece.group is not None:
            current.to.append(self.alternatives(piece.group, leave))
            return leave
        entry = self.state()
        entry.test, entry.anchor = piece.test, piece.anchor
        entry.to.append(leave)
        current.to.append(entry)
        return leave


class _Reader:
    """Reads a pattern once, from left to right."""

    def __init__(self, pattern: str):
        self.text = pattern
        self.at = 0
        self.depth = 0
        self.fold = False
        if pattern.startswith("(?i)"):
            self.fold = True
            self.at = 4

    def peek(self) -> str:
        """The next character, or nothing at the end."""
        return self.text[self.at : self.at + 1]

    def take(self) -> str:
        """The next character, which must be there."""
        found = self.peek()
        if not found:
            raise BadPattern("the pattern ends too early")
        self.at += 1
        return found

    def alternatives(self) -> list[list[_Piece]]:
        """`a|b|c`."""
        self.depth += 1
        if self.depth > 30:
            raise BadPattern("the pattern is nested too deeply")
        found: list[list[_Piece]] = [[]]
        while self.peek() not in ("", ")"):
            if self.peek() == "|":
                self.at += 1
                found.append([])
                continue
            piece = self.piece()
            piece.least, piece.most = self._quantifier()
            found[-1].append(piece)
        self.depth -= 1
        return found

    def piece(self) -> _Piece:
        """One atom."""
        char = self.take()
        if char == "(":
            if self.peek() == "?":
                self.at += 1
                if self.take() != ":":
                    raise BadPattern("only groups of the form (...) and (?:...) are supported")
            group = self.alternatives()
            if self.peek() != ")":
                raise BadPattern("a group is not closed")
            self.at += 1
            return _Piece(group=group)
        if char in (_START, _END):
            return _Piece(anchor=char)
        if char == ".":
            return _Piece(_any_character)
        if char == "[":
            return _Piece(self.char_class())
        if char == "\\":
            return _Piece(self.escape())
        if char in "*+?{":
            raise BadPattern(f"nothing to repeat before '{char}'")
        return _Piece(self.one(char))

    def one(self, char: str) -> _Test:
        """A literal character."""
        if not self.fold:
            return char.__eq__
        folded = char.lower()
        return lambda given: given.lower() == folded

    def escape(self) -> _Test:
        """What stands behind a backslash."""
        char = self.take()
        if char.lower() in _NAMED:
            named = _NAMED[char.lower()]
            return named.__contains__ if char.islower() else lambda given: given not in named
        if char in _CONTROL:
            return self.one(_CONTROL[char])
        if char.isalnum():
            raise BadPattern(f"\\{char} is not supported")
        return self.one(char)

    def char_class(self) -> _Test:
        """`[a-z0-9_]` and `[^...]`."""
        inverted = self.peek() == "^"
        if inverted:
            self.at += 1
        singles: set[str] = set()
        ranges: list[tuple[str, str]] = []
        tests: list[_Test] = []
        first = True
        while first or self.peek() != "]":
            first = False
            char = self.take()
            if char == "[" or (char == "&" and self.peek() == "&"):
                raise BadPattern("classes within classes are not supported")
            if char == "\\":
                if self.peek().lower() in _NAMED:
                    tests.append(self.escape())
                    continue
                char = self.take()
                char = _CONTROL.get(char, char)
            if self.peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("", "]"):
                self.at += 1
                last = self.take()
                if last == "\\":
                    last = self.take()
                if last < char:
                    raise BadPattern(f"the range {char}-{last} is out of order")
                ranges.append((char, last))
            else:
                singles.add(char)
        self.at += 1

        def holds(given: str) -> bool:
            return (
                given in singles
                or any(low <= given <= high for low, high in ranges)
                or any(test(given) for test in tests)
            )

        if self.fold:
            return lambda given: (holds(given.lower()) or holds(given.upper())) is not inverted
        return lambda given: holds(given) is not inverted

    def _quantifier(self) -> tuple[int, int | None]:
        char = self.peek()
        if char in ("*", "+", "?") and char:
            self.at += 1
            found: tuple[int, int | None] = {"*": (0, None), "+": (1, None), "?": (0, 1)}[char]
        elif char == "{":
            end = self.text.find("}", self.at)
            low, comma, high = self.text[self.at + 1 : max(end, self.at)].partition(",")
            if end < 0 or not low.isascii() or not low.isdigit() or (high and not high.isdigit()):
                raise BadPattern("a repetition must be {n}, {n,} or {n,m}")
            if len(low) > 4 or len(high) > 4:
                raise BadPattern("the pattern is too large")
            self.at = end + 1
            found = int(low), (int(high) if high else None) if comma else int(low)
            if found[1] is not None and found[1] < found[0]:
                raise BadPattern("a repetition's numbers are out of order")
        else:
            return 1, 1
        if self.peek() in ("?", "+") and self.peek():
            self.at += 1
        return found


def _any_character(given: str) -> bool:
    return given != "\n"


class Pattern:
    """A pattern that a whole text matches or not."""

    def __init__(self, text: str):
        """BadPattern where `text` is none of those that are covered."""
        if len(text) > MAX_PATTERN:
            raise BadPattern(f"the pattern is longer than {MAX_PATTERN} characters")
        reader = _Reader(text)
        group = reader.alternatives()
        if reader.at != len(text):
            raise BadPattern("a ')' has no group")
        states = _States()
        self._end = states.state()
        self._start = states.alternatives(group, self._end)

    def matches(self, text: str) -> bool:
        """Whether the whole text matches. BadPattern when that takes too many steps."""
        steps = 0
        current = self._spread([self._start], 0, len(text))
        for position, char in enumerate(text):
            steps += len(current)
            if steps > MAX_STEPS:
                raise BadPattern("the text is too long for the pattern")
            passed: list[_State] = []
            for state in current:
                if state.test is not None and state.test(char):
                    passed += state.to
            if not passed:
                return False
            current = self._spread(passed, position + 1, len(text))
        return any(state is self._end for state in current)

    def _spread(self, states: list[_State], position: int, length: int) -> list[_State]:
        """Every state that is reached without taking a character."""
        found: list[_State] = []
        seen: set[int] = set()
        waiting = list(states)
        while waiting:
            state = waiting.pop()
            if state.number in seen:
                continue
            seen.add(state.number)
            if state.test is not None or state is self._end:
                found.append(state)
            elif state.anchor is None or position == (0 if state.anchor == _START else length):
                waiting += state.to
        return found


@lru_cache(maxsize=256)
def pattern(text: str) -> Pattern:
    """The pattern that `text` says; BadPattern otherwise."""
    return Pattern(text)
