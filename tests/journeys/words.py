"""The words that users see, from the catalogues that the pages use: journeys click what is written."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path

_AREAS = Path(__file__).resolve().parents[2] / "web" / "src"


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
