"""Finding records by words and by telephone numbers.

Each searchable table has one `tsvector` column that is written with the record; weights tell the groups of
fields apart: A names, B phones, C e-mail, D everything else. The embedded PostgreSQL has no trigram or ICU, so
Japanese and Chinese text is cut into pairs of characters here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from .metadata import Field, ObjectType

_WORD = re.compile(r"[^\W_]+")
_CJK = re.compile(r"[぀-ヿ㐀-鿿豈-﫿々〆ーｦ-ﾟ가-힯]+")
_EXTENSION = re.compile(r"(?:ext\.?|extension|;ext=|x|#|内線|,|;).*$", re.IGNORECASE)
_INTERNAL_PREFIX = re.compile(r"^\s*(?:内線)\s*")
_MAX_TOKEN = 60
_MAX_WORDS = 60
MIN_SUFFIX = 7
"""Digits that two forms of one number must share at their end."""

GROUPS: Mapping[str, str] = {"ALL": "", "NAME": "A", "PHONE": "B", "EMAIL": "C", "SIDEBAR": "ABC"}
"""Weights that each search group of SOSL looks at; none means every weight."""


def phone_digits(text: str) -> str:
    """The digits by which a number is compared: full-width read as ASCII, `(0)` and an extension dropped,
    leading zeros (trunk or international prefix) dropped. Empty when there are none."""
    text = unicodedata.normalize("NFKC", text)
    text = _INTERNAL_PREFIX.sub("", text).replace("(0)", "")
    text = _EXTENSION.sub("", text)
    return "".join(char for char in text if char.isascii() and char.isdigit()).lstrip("0")


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


def words(text: str) -> list[str]:
    """The terms a text is found by: words without case and width, and pairs of CJK characters."""
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


def query_terms(text: str, *, prefix: bool) -> list[str]:
    """Terms that must all be there for `text` to be found; with `prefix` the last letters may be missing."""
    text = unicodedata.normalize("NFKC", text).lower()
    found: list[str] = []
    for word in _WORD.findall(text)[:_MAX_WORDS]:
        position = 0
        for run in _CJK.finditer(word):
            if run.start() > position:
                found.append(f"'w{word[position : run.start()][:_MAX_TOKEN]}'" + (":*" if prefix else ""))
            chars = run.group()
            if len(chars) == 1:
                found.append(f"'w{chars}':*")
            else:
                found.extend(f"'w{chars[index : index + 2]}'" for index in range(len(chars) - 1))
            position = run.end()
        if position < len(word):
            found.append(f"'w{word[position:][:_MAX_TOKEN]}'" + (":*" if prefix else ""))
    return found


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


def search_vector(value: ObjectType, row: Mapping[str, Any]) -> str:
    """The text of a record's search vector (`'term':1A 'term':1B`)."""
    terms: dict[tuple[str, str], None] = {}
    for item in value.fields.values():
        group = _group_of(item)
        text = row.get(item.name)
        if group is None or not isinstance(text, str):
            continue
        if group == "B":
            digits = phone_digits(text)
            if digits:
                terms[f"p{digits[::-1][:_MAX_TOKEN]}", group] = None
                terms[f"w{digits[:_MAX_TOKEN]}", group] = None
        else:
            for word in words(text):
                terms[f"w{word}", group] = None
            if group == "C":
                terms[f"w{_quoted(text.lower())[: _MAX_TOKEN * 2]}", group] = None
    if value.person:
        # People write 佐藤花子 without a space, family name first.
        together = f"{row.get('LastName') or ''}{row.get('FirstName') or ''}"
        if _CJK.search(together):
            for word in words(together):
                terms[f"w{word}", "A"] = None
    return " ".join(f"'{term}':1{group}" for term, group in terms)


def _quoted(text: str) -> str:
    return text.replace("\\", "").replace("'", "")


def tsquery(text: str, group: str, *, prefix: bool = True) -> str | None:
    """The `tsquery` text for what a person typed, or None when nothing can be found by it.

    Words must all be there. What looks like a telephone number is looked up as one; in group ALL either way
    of reading is enough.
    """
    weights = GROUPS[group]
    readings: list[str] = []
    numeric = looks_like_phone(text)
    if numeric and (not weights or "B" in weights):
        readings += [_weighted(term, "B") for term in phone_condition(text)]
    if numeric:
        # The beginning of a number, as one types it; and other numbers, such as that of a case.
        typed = "".join(char for char in unicodedata.normalize("NFKC", text) if char.isdecimal())
        ends = ":*" if prefix else ""
        readings += [
            _weighted(f"'w{digits}'{ends}", weights) for digits in {typed, phone_digits(text)} if digits
        ]
        return " | ".join(readings) or None
    if "@" in text and (not weights or "C" in weights):
        whole = _quoted(unicodedata.normalize("NFKC", text).strip().lower())
        readings.append(_weighted(f"'w{whole[: _MAX_TOKEN * 2]}'" + (":*" if prefix else ""), "C"))
    terms = query_terms(text, prefix=prefix)
    if terms:
        readings.append("(" + " & ".join(_weighted(term, weights) for term in terms) + ")")
    return " | ".join(readings) or None


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
