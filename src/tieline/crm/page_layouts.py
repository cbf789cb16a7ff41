"""What deployed metadata says of an object's pages: sections, related lists, highlights, values by record type.

`Layout` files say which fields stand where, profiles say who gets which layout for which record type, compact layouts
say what is read first, record types say which values of a picklist are offered. Kept ready for one state of an org's
catalogue: whoever deploys one of them raises the catalogue's version. What nothing is deployed for is drawn as
`layouts.py` has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from .access.rights import Caller
from .deploy.archive import Node
from .deploy.components import all_stored
from .layouts import detail_sections, highlight_fields
from .metadata import Catalogue, Field, ObjectType, PicklistValue
from .person_accounts import RECORD_TYPE as PERSON_ACCOUNT

BLANK = ""
"""A place that a layout leaves empty."""
SYSTEM = "SYSTEM"
"""The compact layout that every object has."""
MAX_HIGHLIGHTS = 10
_ACTIVITY = ("Task", "Event")
_COMPONENTS = ("Layout", "CompactLayout", "CustomObject", "RecordType", "CustomObjectTranslation")
_MASTER = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and the fields below it, row by row."""

    label: str
    fields: tuple[str, ...]
    columns: int
    heading: bool
    required: frozenset[str]
    readonly: frozenset[str]


@dataclass(frozen=True, slots=True)
class RelatedPart:
    """A related list as a layout names it, `Child__c.Field__c` or one of the standard ones, and its columns."""

    name: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A page layout."""

    name: str
    sections: tuple[Section, ...]
    related: tuple[RelatedPart, ...]


@dataclass(frozen=True)
class PageLayouts:
    """All that is deployed about pages. Layouts are found by name, everything else by object and record type."""

    layouts: Mapping[str, Layout] = field(default_factory=dict[str, Layout])
    by_object: Mapping[str, Layout] = field(default_factory=dict[str, Layout])
    """The layout of whoever's profile names none."""
    assigned: Mapping[tuple[str, str, str], str] = field(default_factory=dict[tuple[str, str, str], str])
    """By a profile's permission set, object and record type."""
    compact: Mapping[tuple[str, str], tuple[str, ...]] = field(
        default_factory=dict[tuple[str, str], tuple[str, ...]]
    )
    choices: Mapping[str, Mapping[str, Mapping[str, bool]]] = field(
        default_factory=dict[str, Mapping[str, Mapping[str, bool]]]
    )
    """By record type's id and field: the values it offers, and whether they are its default."""
    translated: Mapping[tuple[str, str], str] = field(default_factory=dict[tuple[str, str], str])
    """Headings in Japanese, by layout and heading."""

    def layout(self, value: ObjectType, caller: Caller, type_id: str | None) -> Layout | None:
        """The layout that a user gets for records of a type; None where nothing is deployed for it."""
        for record_type in (type_id or _MASTER, _MASTER):
            for set_id in caller.permission_sets:
                name = self.assigned.get((set_id, value.name, record_type))
                found = self.layouts.get(name) if name else None
                if found is not None:
                    return found
        person = any(
            info.id == type_id and info.developer_name == PERSON_ACCOUNT for info in value.record_types
        )
        return None if person else self.by_object.get(value.name)

    def sections(self, value: ObjectType, caller: Caller, type_id: str | None) -> list[dict[str, Any]]:
        """`{label, fields, columns, required, readonly}`: only fields that `value`, what the user sees of it, has."""
        found = self.layout(value, caller, type_id)
        if found is None:
            return detail_sections(value, caller.words)
        shown: list[dict[str, Any]] = []
        for section in found.sections:
            names = _without_end([name if name in value.fields else BLANK for name in section.fields])
            if not names:
                continue
            label = section.label
            if caller.words == "ja":
                label = self.translated.get((found.name, label)) or _STANDARD_HEADINGS.get(label, label)
            shown.append(
                {
                    "label": label if section.heading else "",
                    "fields": names,
                    "columns": section.columns,
                    "required": sorted(section.required & value.fields.keys()),
                    "readonly": sorted(section.readonly & value.fields.keys()),
                }
            )
        return shown

    def highlights(self, value: ObjectType, type_id: str | None) -> list[str]:
        """What one reads first beside the record's name."""
        for record_type in (type_id or _MASTER, _MASTER):
            names = self.compact.get((value.name, record_type))
            if names is not None:
                kept = [name for name in names if name in value.fields and not value.fields[name].name_field]
                return kept[:MAX_HIGHLIGHTS]
        return highlight_fields(value)

    def picklist(self, item: Field, type_id: str | None) -> tuple[PicklistValue, ...]:
        """The values a record type offers, in the field's order; all of them where it does not say."""
        offered = self.choices.get(type_id or _MASTER, {}).get(item.name)
        if offered is None:
            return item.picklist
        return tuple(
            PicklistValue(choice.value, choice.label, choice.label_ja, offered[choice.value])
            for choice in item.picklist
            if choice.value in offered
        )

    def narrowed(self, value: ObjectType, type_id: str | None, language: str) -> dict[str, Any]:
        """By field, the picklists that a record type narrows: `[{value, label, default}]`."""
        return {
            name: [
                {"value": choice.value, "label": choice.label_in(language), "default": choice.default}
                for choice in self.picklist(value.fields[name], type_id)
            ]
            for name in self.choices.get(type_id or _MASTER, {})
            if name in value.fields
        }


class PageShelf:
    """One org's layouts, read once for each catalogue."""

    def __init__(self) -> None:
        self._catalogue: Catalogue | None = None
        self._pages = PageLayouts()
        self._loading = asyncio.Lock()

    async def at(self, conn: Any, catalogue: Catalogue) -> PageLayouts:
        """The layouts beside this catalogue."""
        catalogue = catalogue.whole
        if self._catalogue is catalogue:
            return self._pages
        async with self._loading:
            if self._catalogue is not catalogue:
                self._pages = await _load(conn, catalogue)
                self._catalogue = catalogue
            return self._pages


def draws_pages(type_name: str) -> bool:
    """True for the metadata types that pages are drawn from."""
    return type_name in _COMPONENTS


# -- reading ---------------------------------------------------------------------------------------------------


async def _load(conn: Any, catalogue: Catalogue) -> PageLayouts:
    layouts: dict[str, Layout] = {}
    by_object: dict[str, Layout] = {}
    stored = await all_stored(conn, "Layout")
    for component in sorted(stored, key=lambda each: (each.created_at, each.name)):
        if component.source is None:
            continue
        found = _layout(component.name, component.source)
        layouts[component.name] = found
        object_name, _, title = component.name.partition("-")
        for name in _ACTIVITY if object_name == "Activity" else (object_name,):
            value = catalogue.get(name)
            if value is None:
                continue
            # The layout that comes with an object is called so; standard objects have it, deployed or not.
            if title == f"{value.label} Layout" or (value.custom and name not in by_object):
                by_object[value.name] = found
    rows = await conn.fetch("SELECT set_id, object_name, record_type_id, layout FROM meta.layout_assignment")
    return PageLayouts(
        layouts,
        by_object,
        {(row["set_id"], row["object_name"], row["record_type_id"]): row["layout"] for row in rows},
        await _compact_layouts(conn, catalogue),
        await _choices(conn, catalogue),
        await _headings(conn),
    )


def _layout(name: str, node: Node) -> Layout:
    sections = tuple(
        _section(element)
        for element in node.all("layoutSections")
        if element.get("style") != "CustomLinks" and element.all("layoutColumns")
    )
    related = tuple(
        RelatedPart(
            element.get("relatedList") or "",
            tuple(column.text for column in element.all("fields") if column.text),
        )
        for element in node.all("relatedLists")
    )
    return Layout(name, sections, related)


def _section(node: Node) -> Section:
    columns = [_places(column) for column in node.all("layoutColumns")]
    depth = max((len(column) for column in columns), default=0)
    rows = [[column[at] if at < len(column) else (BLANK, "") for column in columns] for at in range(depth)]
    places = [place for row in rows for place in row]
    return Section(
        node.get("label") or "",
        tuple(name for name, _ in places),
        max(len(columns), 1),
        node.flag("detailHeading", True),
        frozenset(name for name, behaviour in places if behaviour == "Required"),
        frozenset(name for name, behaviour in places if behaviour == "Readonly"),
    )


def _without_end(names: list[str]) -> list[str]:
    while names and names[-1] == BLANK:
        names.pop()
    return names


def _places(column: Node) -> list[tuple[str, str]]:
    return [
        (item.get("field") or BLANK, item.get("behavior") or "")
        for item in column.all("layoutItems")
        if item.get("field") or item.get("emptySpace") == "true"
    ]


async def _compact_layouts(conn: Any, catalogue: Catalogue) -> dict[tuple[str, str], tuple[str, ...]]:
    fields: dict[str, tuple[str, ...]] = {}
    for component in await all_stored(conn, "CompactLayout"):
        if component.source is not None:
            fields[component.name] = tuple(each.text for each in component.source.all("fields"))
    found: dict[tuple[str, str], tuple[str, ...]] = {}

    def assign(object_name: str, record_type: str, name: str | None) -> None:
        chosen = fields.get(f"{object_name}.{name}") if name and name != SYSTEM else None
        if chosen is not None:
            found[object_name, record_type] = chosen

    for component in await all_stored(conn, "CustomObject"):
        if component.source is not None:
            assign(component.name, _MASTER, component.source.get("compactLayoutAssignment"))
    for type_id, object_name, node in await _record_types(conn, catalogue):
        assign(object_name, type_id, node.get("compactLayoutAssignment"))
    return found


async def _choices(conn: Any, catalogue: Catalogue) -> dict[str, dict[str, dict[str, bool]]]:
    found: dict[str, dict[str, dict[str, bool]]] = {}
    for type_id, _, node in await _record_types(conn, catalogue):
        for element in node.all("picklistValues"):
            # Values are written as in addresses: `R%26D`.
            found.setdefault(type_id, {})[element.get("picklist") or ""] = {
                unquote(each.get("fullName") or ""): each.get("default") == "true"
                for each in element.all("values")
            }
    return found


async def _record_types(conn: Any, catalogue: Catalogue) -> Iterable[tuple[str, str, Node]]:
    known = {
        f"{value.name}.{info.developer_name}": (info.id, value.name)
        for value in catalogue.objects.values()
        for info in value.record_types
    }
    return [
        (*known[component.name], component.source)
        for component in await all_stored(conn, "RecordType")
        if component.source is not None and component.name in known
    ]


async def _headings(conn: Any) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for component in await all_stored(conn, "CustomObjectTranslation"):
        object_name, _, language = component.name.rpartition("-")
        if component.source is None or language != "ja":
            continue
        for layout in component.source.all("layouts"):
            for section in layout.all("sections"):
                label = section.get("label")
                if label:
                    name = f"{object_name}-{layout.get('layout') or ''}"
                    found[name, section.get("section") or ""] = label
    return found


_STANDARD_HEADINGS: Mapping[str, str] = {
    "Information": "情報",
    "Additional Information": "追加情報",
    "Address Information": "住所情報",
    "Description Information": "説明情報",
    "System Information": "システム情報",
    "Custom Links": "カスタムリンク",
}
"""Headings that Salesforce itself puts on layouts."""
