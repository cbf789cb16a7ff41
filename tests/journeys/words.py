"""The words that users see, from the catalogues that the pages use: journeys click what is written."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

LOCALES = {"en": "en-US", "ja": "ja-JP"}
"""What browsers call the languages of the pages."""
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
