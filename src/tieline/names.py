"""Names of people, in the order in which a reader's language says them.

A CRM composes `Name` as its own settings and the integration user's language have it; who reads it may expect
the other order. Records therefore carry a person's two names beside the composed one. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PARTS = ("first_name", "last_name")
"""Members that a stored record has beside `name` when it is a person's and both are known."""


def person_name(name: str, first: str | None, last: str | None, language: str) -> str:
    """`佐藤 花子` for a Japanese reader, `花子 佐藤` for an English one; `name` as it is unless both parts are known.

    The console orders names by the same rule (`web/src/ui/format.ts`).
    """
    if not first or not last:
        return name or last or first or ""
    return f"{last} {first}" if language == "ja" else f"{first} {last}"


def with_parts(record: Mapping[str, Any], first: str | None, last: str | None) -> dict[str, Any]:
    """The record as it is stored: with both names when it is a person's, else without such members."""
    return {**record, **(dict(zip(PARTS, (first, last), strict=True)) if first and last else {})}


def shown(record: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A stored record as a reader sees it: one name, in the reader's order, and no parts."""
    name = person_name(record["name"], record.get("first_name"), record.get("last_name"), language)
    return {**{key: value for key, value in record.items() if key not in PARTS}, "name": name}
