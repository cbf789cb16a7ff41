"""Which language an answer speaks, and the org's sentences in it.

The doors say once whom a request speaks to; whatever words an answer, however deep, asks here. Sentences are written
in English where they arise; `locales/faults.<language>.json` holds the others, with the English one as the key and
its changing parts in braces. A sentence that the catalogue does not know stays English: those are for programmers.
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")
_CATALOGUES = Path(__file__).with_name("locales")
_PART = re.compile(r"\{([a-z]+)\}")
_spoken: ContextVar[Language] = ContextVar("crm_language", default="en")


class Labelled(Protocol):
    """A field or an object: something that has a label in each language."""

    @property
    def label(self) -> str:
        """The label in English."""
        ...

    def label_in(self, language: str) -> str:
        """The label in a language."""
        ...


def language_of(key: str | None) -> Language:
    """The language of words for a `LanguageLocaleKey` or a language tag (`ja`, `ja-JP`, `en_US`); English otherwise."""
    return "ja" if (key or "").lower().replace("_", "-").split("-")[0] == "ja" else "en"


def asked_language(header: str | None) -> str | None:
    """The `LanguageLocaleKey` that an `Accept-Language` header wants most, among those of this org; None for others.

    `*` asks for nothing in particular, which many programs send.
    """
    best, found = 0.0, None
    for part in (header or "")[:500].split(","):
        tag, _, quality = part.partition(";")
        word = tag.strip().lower().split("-")[0]
        if word not in LANGUAGES:
            continue
        try:
            weight = float(quality.strip().removeprefix("q=")) if quality.strip() else 1.0
        except ValueError:
            continue
        if weight > best:
            best, found = weight, "ja" if word == "ja" else "en_US"
    return found


def speak(key: str | None) -> None:
    """From here on this request's answer is in the language of that `LanguageLocaleKey`."""
    _spoken.set(language_of(key))


def spoken() -> Language:
    """The language of this request's answer."""
    return _spoken.get()


def said(message: str, about: Labelled | None = None, language: Language | None = None) -> str:
    """`message` in a language, by default that of the answer; `about` is what its `{label}` names."""
    language = language or spoken()
    if language == "en":
        return message
    for pattern, translation in _sentences(language):
        found = pattern.fullmatch(message)
        if found is not None:
            parts = found.groupdict()
            if about is not None and parts.get("label") == about.label:
                parts["label"] = about.label_in(language)
            return translation.format_map(parts)
    return message


def standard_name(name: str, language: str) -> str:
    """The name of something that came with the org, such as a profile, as pages in a language show it.

    The record keeps its English name, by which programs find it.
    """
    return name if language == "en" else _names(language_of(language)).get(name, name)


@cache
def _names(language: Language) -> dict[str, str]:
    return json.loads((_CATALOGUES / f"names.{language}.json").read_text("utf-8"))


@cache
def catalogue(language: Language) -> dict[str, str]:
    """The sentences of a language by their English."""
    return json.loads((_CATALOGUES / f"faults.{language}.json").read_text("utf-8"))


@cache
def _sentences(language: Language) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((pattern_of(english), text) for english, text in catalogue(language).items())


def pattern_of(english: str) -> re.Pattern[str]:
    """What matches a sentence whose parts in braces differ."""
    pieces = _PART.split(english)
    text = "".join(
        re.escape(piece) if at % 2 == 0 else f"(?P<{piece}>.*?)" for at, piece in enumerate(pieces)
    )
    return re.compile(text, re.DOTALL)
