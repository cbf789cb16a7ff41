# ruff: noqa: S608 - what is searched is a column of the catalogue, values are parameters
"""Finding records by words and by telephone numbers.

Each searchable table has one `tsvector` column that is written with the record; weights tell the groups of
fields apart: A names, B phones, C e-mail, D everything else. The embedded PostgreSQL has no trigram or ICU, so
Japanese and Chinese text is cut into pairs of characters here, whose positions tell which stood beside each other.
Terms: `w` a word or pair, `p` a number's digits reversed, `g` a group of a number's digits as it was typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..metadata import Field, ObjectType

_WORD = re.compile(r"[^\W_]+")
_WILD_WORD = re.compile(r"(?:[^\W_]|[\ufdd0\ufdd1])+")
_DIGITS = re.compile(r"[0-9]+")
CJK = "぀-ヿ㐀-鿿豈-﫿々〆ーｦ-ﾟ가-힯"
"""Ranges, for a regular expression, of the characters that are words by themselves."""
_CJK = re.compile(f"[{CJK}]+")
_EXTENSION = re.compile(r"(?:ext\.?|extension|;ext=|x|#|内線|,|;).*$", re.IGNORECASE)
_PLAIN_NUMBER = re.compile(r"[0-9 +().-]*")
"""Most numbers: nothing in them can begin an extension."""
_INTERNAL_PREFIX = re.compile(r"^\s*(?:内線)\s*")
_MAX_TOKEN = 60
_MAX_WORDS = 2_000
"""Words of one field that are found: enough for the longest text a field may hold in most languages."""
_MAX_ASKED = 60
_GAP = 10
"""Positions between two fields, so that no phrase reaches from one into the next."""
MIN_SUFFIX = 7
"""Digits that two forms of one number must share at their end."""

GROUPS: Mapping[str, str] = {"ALL": "", "NAME": "A", "PHONE": "B", "EMAIL": "C", "SIDEBAR": "ABC"}
"""Weights that each search group of SOSL looks at; none means every weight."""


def phone_digits(text: str) -> str:
    """The digits by which a number is compared: full-width read as ASCII, `(0)` and an extension dropped,
    leading zeros (trunk or international prefix) dropped. Empty when there are none."""
    if not text.isascii():
        text = _INTERNAL_PREFIX.sub("", unicodedata.normalize("NFKC", text))
    text = text.replace("(0)", "")
    if not _PLAIN_NUMBER.fullmatch(text):
        text = _EXTENSION.sub("", text)
    return "".join(_DIGITS.findall(text)).lstrip("0")


def phone_condition(text: str) -> list[str]:
    """Terms of a search vector of which one must be there for a stored number to be `text`.

    This is a choice of the embedded org, in this one place: what Salesforce's index does with formatting and
    country codes is undocumented. Here two numbers are the same when one's digits end with the other's and at
    least `MIN_SUFFIX` digits agree, so national and international forms find each other; shorter ones must
    agree completely. Numbers are stored with their digits reversed, so that an ending is a prefix.
    """
    digits = phone_digits(text)
    if not digits:
        return []
    backwards = digits[::-1]
    if len(digits) < MIN_SUFFIX:
        return [f"'p{backwards}'"]
    shorter = [f"'p{backwards[:length]}'" for length in range(MIN_SUFFIX, len(digits))]
    return [f"'p{backwards}':*", *shorter]


def typed_alike(texts: Iterable[str]) -> str | None:
    """The `tsquery` of records that have one of the telephone numbers as it was typed; None where a text has no digit.

    More is found by it than these: it is for looking at few records instead of all.
    """
    terms: list[str] = []
    for text in texts:
        digits = phone_digits(text)
        if not digits:
            return None
        terms.append(f"'p{digits[::-1][:_MAX_TOKEN]}'")
    return " | ".join(dict.fromkeys(terms)) or None


def words(text: str) -> list[str]:
    """The terms a text is found by: words without case and width, and pairs of CJK characters."""
    if text.isascii():
        return [word[:_MAX_TOKEN] for word in _WORD.findall(text.lower())[:_MAX_WORDS]]
    text = unicodedata.normalize("NFKC", text).lower()
    found: list[str] = []
    for word in _WORD.findall(text):
        position = 0
        for run in _CJK.finditer(word):
            if run.start() > position:
                found.append(word[position : run.start()][:_MAX_TOKEN])
            chars = run.group()
            found.extend(chars[index : index + 2] for index in range(len(chars)))
            position = run.end()
        if position < len(word):
            found.append(word[position:][:_MAX_TOKEN])
        if len(found) >= _MAX_WORDS:
            break
    return found[:_MAX_WORDS]


@dataclass(frozen=True, slots=True)
class FindTerm:
    """Words as they stand in a search, with `WILD_MANY` and `WILD_ONE` for wildcards; as a phrase where quoted."""

    text: str
    phrase: bool


@dataclass(frozen=True, slots=True)
class Find:
    """A node of what is looked for: terms joined by `and`, `or` and (below `and`) `not`."""

    kind: Literal["term", "and", "or", "not"]
    items: tuple[Find, ...]
    term: FindTerm | None = None


WILD_MANY, WILD_ONE = "\ufdd0", "\ufdd1"
"""What `*` and `?` are called once they are told from escaped ones: code points that are no characters."""


def has_cjk(text: str) -> bool:
    """True where a text has characters that are words by themselves."""
    return _CJK.search(unicodedata.normalize("NFKC", text)) is not None


def folded_words(term: FindTerm) -> list[str]:
    """The words of a term without case and width, as long as it has no wildcard."""
    text = unicodedata.normalize("NFKC", term.text).lower()
    return _WORD.findall(text)[:_MAX_ASKED] if WILD_MANY not in text and WILD_ONE not in text else []


def _chained(words_: Iterable[str], weights: str, *, prefix: bool) -> str:
    """The words of a text as they must stand beside each other; the last may go on where `prefix` says so."""
    terms: list[str] = []
    distance = 1
    for word in words_:
        position = 0
        runs = [*_CJK.finditer(word), None]
        for run in runs:
            end = len(word) if run is None else run.start()
            if end > position:
                terms += [f"<{distance}>", _weighted(f"'w{word[position:end][:_MAX_TOKEN]}'", weights)]
                distance = 1
            if run is None:
                break
            chars = run.group()
            if len(chars) == 1:
                terms += [f"<{distance}>", _weighted(f"'w{chars}':*", weights)]
                distance = 1
            for index in range(len(chars) - 1):
                terms += [f"<{distance}>", _weighted(f"'w{chars[index : index + 2]}'", weights)]
                distance = 1
            if len(chars) > 1:
                distance = 2  # the last character of a run stands in the vector by itself, too
            position = run.end()
    if prefix and terms and not _CJK.search(terms[-1]):
        bare, _, _ = terms[-1].rpartition("'")
        terms[-1] = _weighted(f"{bare}':*", weights)
    chain = " ".join(terms[1:])
    return f"({chain})" if len(terms) > 2 else chain


def _group_of(item: Field) -> str | None:
    if item.type == "phone":
        return "B"
    if item.type == "email":
        return "C"
    if item.name in ("Name", "FirstName", "LastName") or item.name_field:
        return "A"
    if item.type in ("string", "combobox", "textarea", "url") and not item.calculated:
        return "D"
    return None


def searched_fields(value: ObjectType, group: str) -> list[Field]:
    """Fields of an object that a search group looks at."""
    weights = GROUPS[group]
    return [
        item
        for item in value.fields.values()
        if (weight := _group_of(item)) is not None and (not weights or weight in weights)
    ]


def _groups(value: ObjectType) -> list[tuple[str, str]]:
    """The fields that records are found by, and the group of each."""
    found = value.worked_out.get("search")
    if found is None:
        groups = [(item.name, _group_of(item)) for item in value.fields.values()]
        found = value.worked_out["search"] = [(name, group) for name, group in groups if group is not None]
    return found


def search_vector(value: ObjectType, row: Mapping[str, Any]) -> str:
    """The text of a record's search vector (`'term':1A,7D 'term':12B`)."""
    terms: dict[str, list[str]] = {}
    position = 1
    for name, group in _groups(value):
        text = row.get(name)
        if not text or not isinstance(text, str):
            continue
        if group == "B":
            digits = phone_digits(text)
            if digits:
                terms.setdefault(f"p{digits[::-1][:_MAX_TOKEN]}", []).append(f"{position}B")
                terms.setdefault(f"w{digits[:_MAX_TOKEN]}", []).append(f"{position}B")
            for part in _digit_groups(text):
                terms.setdefault(f"g{part[:_MAX_TOKEN]}", []).append(f"{position}B")
            continue
        for word in words(text):
            terms.setdefault("w" + word, []).append(f"{position}{group}")
            position += 1
        if group == "C":
            terms.setdefault(f"w{_quoted(text.lower())[: _MAX_TOKEN * 2]}", []).append(f"{position}C")
        position += _GAP
    if value.person:
        # People write 佐藤花子 without a space, family name first.
        together = f"{row.get('LastName') or ''}{row.get('FirstName') or ''}"
        if not together.isascii() and _CJK.search(together):
            for word in words(together):
                terms.setdefault("w" + word, []).append(f"{position}A")
                position += 1
    return " ".join(f"'{term}':{','.join(places)}" for term, places in terms.items())


def _digit_groups(text: str) -> list[str]:
    """The groups of digits that a number was typed in."""
    return _DIGITS.findall(text if text.isascii() else unicodedata.normalize("NFKC", text))[:10]


def _quoted(text: str) -> str:
    return text.replace("\\", "").replace("'", "")


def tsquery(text: str, group: str, *, prefix: bool = True) -> str | None:
    """The `tsquery` text for what a person typed, or None when nothing can be found by it.

    Words must all be there. What looks like a telephone number is looked up as one; in group ALL either way
    of reading is enough.
    """
    weights = GROUPS[group]
    readings: list[str] = []
    if looks_like_phone(text):
        return _number_reading(text, weights, prefix=prefix, groups=False)
    folded = unicodedata.normalize("NFKC", text).lower()
    if "@" in text and (not weights or "C" in weights):
        whole = _quoted(folded.strip())
        readings.append(_weighted(f"'w{whole[: _MAX_TOKEN * 2]}'" + (":*" if prefix else ""), "C"))
    terms = [_chained([word], weights, prefix=prefix) for word in _WORD.findall(folded)[:_MAX_ASKED]]
    if terms:
        readings.append("(" + " & ".join(terms) + ")")
    return " | ".join(readings) or None


def _number_reading(text: str, weights: str, *, prefix: bool, groups: bool) -> str | None:
    """What a number may be found by: as a telephone number, as the beginning of one as it is typed, and as any
    other number, such as that of a case; with `groups` also by its groups of digits wherever they stand."""
    readings: list[str] = []
    phones = not weights or "B" in weights
    if phones:
        readings += [_weighted(term, "B") for term in phone_condition(text)]
    typed = "".join(char for char in unicodedata.normalize("NFKC", text) if char.isdecimal())
    ends = ":*" if prefix else ""
    readings += [
        _weighted(f"'w{digits[:_MAX_TOKEN]}'{ends}", weights)
        for digits in dict.fromkeys((typed, phone_digits(text)))
        if digits
    ]
    if phones and groups and (parts := _digit_groups(text)):
        asked = [f"'g{part[:_MAX_TOKEN]}'" for part in parts]
        asked[-1] += ends
        readings.append("(" + " & ".join(_weighted(term, "B") for term in asked) + ")")
    return " | ".join(readings) or None


# -- searches with operators and wildcards ------------------------------------------------------------------


def find_condition(find: Find, group: str, vector: str, param: Callable[[Any], str]) -> str:
    """SQL that holds where the column `vector` has what is looked for. Wildcards inside a word look through the
    record's own terms, after the index has found those that begin alike."""
    found = _Reading(GROUPS[group], vector, param).of(find)
    return "false" if found is None else found.sql(vector, param)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a search: a `tsquery` text as long as one can say it, SQL from there on."""

    text: str
    is_sql: bool = False

    def sql(self, vector: str, param: Callable[[Any], str]) -> str:
        return self.text if self.is_sql else f"{vector} @@ {param(self.text)}::text::tsquery"


@dataclass(frozen=True, slots=True)
class _Reading:
    weights: str
    vector: str
    param: Callable[[Any], str]

    def of(self, find: Find) -> _Part | None:
        """What a node comes to; None where it says nothing that can be found."""
        if find.term is not None:
            return self._term(find.term)
        wanted = [self.of(item) for item in find.items if item.kind != "not"]
        parts = [part for part in wanted if part is not None]
        if not parts:
            return None
        for item in find.items:
            refused = self.of(item.items[0]) if item.kind == "not" else None
            if refused is not None:
                parts.append(
                    _Part(f"(NOT {refused.text})", True) if refused.is_sql else _Part(f"!({refused.text})")
                )
        return self._joined(parts, find.kind)

    def _joined(self, parts: list[_Part], kind: str) -> _Part:
        if len(parts) == 1:
            return parts[0]
        if any(part.is_sql for part in parts):
            word = " OR " if kind == "or" else " AND "
            return _Part("(" + word.join(part.sql(self.vector, self.param) for part in parts) + ")", True)
        return _Part("(" + (" | " if kind == "or" else " & ").join(part.text for part in parts) + ")")

    def _term(self, term: FindTerm) -> _Part | None:
        text = unicodedata.normalize("NFKC", term.text).lower()
        bare = text.rstrip(WILD_MANY)
        if looks_like_phone(bare):
            found = _number_reading(bare, self.weights, prefix=bare != text, groups=True)
            return None if found is None else _Part(f"({found})")
        if term.phrase:
            chain = _chained(_WORD.findall(text)[:_MAX_ASKED], self.weights, prefix=False)
            return _Part(chain) if chain else None
        parts = [part for word in _WILD_WORD.findall(text)[:_MAX_ASKED] if (part := self._word(word))]
        return self._joined(parts, "and") if parts else None

    def _word(self, word: str) -> _Part | None:
        word = word.lstrip(WILD_MANY + WILD_ONE)
        if not word:
            return None
        stem = word.rstrip(WILD_MANY)
        if WILD_MANY not in stem and WILD_ONE not in stem:
            return _Part(_chained([stem], self.weights, prefix=stem != word))
        if _CJK.search(word):
            # Pairs of characters are found anywhere, so that a wildcard between them parts what is looked for.
            pieces = [piece for piece in re.split(f"[{WILD_MANY}{WILD_ONE}]+", word) if piece]
            return self._joined(
                [_Part(_chained([piece], self.weights, prefix=True)) for piece in pieces], "and"
            )
        head = re.split(f"[{WILD_MANY}{WILD_ONE}]", word, maxsplit=1)[0]
        pattern = "w" + word.replace(WILD_MANY, "%").replace(WILD_ONE, "_")
        weighted = ""
        if self.weights:
            weighted = f" AND l.weights && {self.param(list(self.weights))}::text[]"
        begins = _Part(_weighted(f"'w{head[:_MAX_TOKEN]}':*", self.weights)).sql(self.vector, self.param)
        return _Part(
            f"({begins} AND EXISTS (SELECT 1 FROM unnest({self.vector}) l"
            f" WHERE l.lexeme LIKE {self.param(pattern)}{weighted}))",
            True,
        )


def looks_like_phone(text: str) -> bool:
    """True where a text is digits with the marks people put between them."""
    text = unicodedata.normalize("NFKC", text)
    bare = _EXTENSION.sub("", _INTERNAL_PREFIX.sub("", text))
    return any(char.isdigit() for char in bare) and all(
        char.isdigit() or char in "+-().*/ \t‐‑–—−ー・" for char in bare
    )


def _weighted(term: str, weights: str) -> str:
    if not weights:
        return term
    return f"{term}{weights}" if term.endswith(":*") else f"{term}:{weights}"


def matched_fields(
    value: ObjectType, row: Mapping[str, Any], text: str, fields: Iterable[Field]
) -> list[str]:
    """Names of the fields in which a found record shows what was typed."""
    digits = phone_digits(text) if looks_like_phone(text) else ""
    asked = words(text)
    found: list[str] = []
    for item in fields:
        content = row.get(item.name)
        if not isinstance(content, str):
            continue
        if item.type == "phone":
            stored = phone_digits(content)
            if digits and stored and (stored.endswith(digits) or digits.endswith(stored)):
                found.append(item.name)
        elif any(have.startswith(want) for want in asked for have in words(content)):
            found.append(item.name)
    return found
