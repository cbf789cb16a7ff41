"""The words that users see, from the catalogues that the pages use: journeys click what is written."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

LOCALES = {"en": "en-US", "ja": "ja-JP"}
"""What browsers call the languages of the pages."""
_PACKAGE = Path(__file__).resolve().parents[2] / "sfdx" / "force-app" / "main" / "default"
_METADATA = {"": "http://soap.sforce.com/2006/04/metadata"}
_AREAS = Path(__file__).resolve().parents[2] / "web" / "src"


def in_both(first: str) -> list[Any]:
    """The languages of a long journey: `first` in every run, the other one by `make soak`.

    Every run looks at every page in both languages (`test_looks.py`, `test_console_pages.py`); walking the same way
    twice would prove little more for its minutes.
    """
    return [first, *(pytest.param(other, marks=pytest.mark.soak) for other in LOCALES if other != first)]


class Words:
    """One area's words in one language."""

    def __init__(self, area: str, language: str) -> None:
        self._words: dict[str, str] = json.loads(
            (_AREAS / area / "locales" / f"{language}.json").read_text("utf-8")
        )

    def __call__(self, key: str, **values: object) -> str:
        """The sentence for `key`. Raises `KeyError` for a key that no catalogue has."""
        return re.sub(r"\{\{(\w+)\}\}", lambda found: str(values[found[1]]), self._words[key])


@cache
def words(area: str, language: str) -> Words:
    """The words of `area` (callbar, console, admin, phone) in `language` (en, ja)."""
    return Words(area, language)


class PackageWords:
    """The Salesforce package's words in one language: its custom labels, and their translation."""

    def __init__(self, language: str) -> None:
        file, element, name, value = (
            ("labels/CustomLabels.labels-meta.xml", "labels", "fullName", "value")
            if language == "en"
            else (f"translations/{language}.translation-meta.xml", "customLabels", "name", "label")
        )
        self._words = {
            each.findtext(name, "", _METADATA): each.findtext(value, "", _METADATA)
            for each in Xml.parse(_PACKAGE / file).getroot().iterfind(element, _METADATA)
        }

    def __call__(self, name: str, *values: object) -> str:
        """The words of the label `Tieline_<name>`. Raises `KeyError` for a label that the package has not."""
        text = self._words[f"Tieline_{name}"]
        for at, value in enumerate(values):
            text = text.replace(f"{{{at}}}", str(value))
        return text

    def pattern(self, *names: str) -> re.Pattern[str]:
        """What any of the labels looks like, whatever is filled in."""
        any_value = re.escape("{0}").replace("0", r"\d")
        return re.compile("|".join(re.sub(any_value, ".+", re.escape(self(name))) for name in names))


@cache
def package_words(language: str) -> PackageWords:
    """The package's words in `language` (en, ja)."""
    return PackageWords(language)
