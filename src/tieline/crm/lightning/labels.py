"""Custom labels and translated names, in a user's language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..deploy.components import all_stored, stored
from ..language import Language


async def labels(conn: Any, names: Iterable[str], prefix: str, language: Language) -> dict[str, str]:
    """The texts of custom labels, by name without the prefix; the translation where there is one."""
    wanted = {prefix + name: name for name in names}
    if not wanted:
        return {}
    translated = await translations(conn, "customLabels", language)
    found: dict[str, str] = {}
    for row in await all_stored(conn, "CustomLabel"):
        if row.name in wanted and row.source is not None:
            found[wanted[row.name]] = translated.get(row.name) or row.source.get("value") or ""
    return found


async def translations(conn: Any, element: str, language: Language) -> dict[str, str]:
    """What `Translations` of the language say of labels, tabs or apps, by name."""
    if language != "ja":
        return {}
    row = await stored(conn, "Translations", "ja")
    nodes = row.source.all(element) if row is not None and row.source is not None else ()
    return {name: label for node in nodes if (name := node.get("name")) and (label := node.get("label"))}
