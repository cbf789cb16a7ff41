"""Names of people, in the order in which a reader's language says them.

A CRM composes `Name` as its own settings and the integration user's language have it; who reads it may expect
the other order. Records therefore carry a person's two names beside the composed one, and their owner's. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PARTS = ("first_name", "last_name")
"""Members that a stored record has beside `name` when it is a person's and both are known."""
MEMBERS = (
    *("id", "object_type", "name", *PARTS),
    *("owner_name", "owner_first_name", "owner_last_name"),
)
"""What the phone index has of a record."""


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


def stored(found: Mapping[str, Any]) -> dict[str, Any]:
    """A record as it is stored, of its `MEMBERS`; `owner` is a member of it only when the owner's name is known."""
    record = {member: found[member] for member in ("id", "object_type", "name")}
    record = with_parts(record, found["first_name"], found["last_name"])
    if found["owner_name"]:
        owner = {"name": found["owner_name"]}
        record["owner"] = with_parts(owner, found["owner_first_name"], found["owner_last_name"])
    return record


def shown(record: Mapping[str, Any], language: str) -> dict[str, Any]:
    """A stored record as a reader sees it: one name and the owner's (or None), in the reader's order, no parts."""
    rest = {member: value for member, value in record.items() if member not in PARTS}
    owner: Mapping[str, Any] | None = record.get("owner")
    return {**rest, "name": _read(record, language), "owner": _read(owner, language) if owner else None}


def _read(named: Mapping[str, Any], language: str) -> str:
    return person_name(named["name"], named.get("first_name"), named.get("last_name"), language)
