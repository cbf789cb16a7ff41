"""The call center definition file: read whole, every error told with its line, its item and what is expected.

Salesforce imports sections and items with `sortOrder` from 0 without gaps; the values of `reqGeneralInfo` have
meanings of their own. A file with a DOCTYPE, in another encoding or too large is refused before it is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from ..errors import Fault, Faults
from ..softphone import MAX_DEFINITION, Definition, is_adapter_url

GENERAL = "reqGeneralInfo"
INTERNAL, DISPLAY = "reqInternalName", "reqDisplayName"
MODES = ("Classic", "Lightning", "Classic_and_Lightning")
_MAX_LABEL = 1000
_MAX_PROBLEMS = 50
_NAME = re.compile(r"[A-Za-z0-9]+")
_INTERNAL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")
_RESERVED = frozenset({"label", "sortorder", "internalnamelabel", "displaynamelabel"})
_REQUIRED = (INTERNAL, DISPLAY, "reqAdapterUrl", "reqUseApi", "reqSoftphoneHeight", "reqSoftphoneWidth")

_SENTENCES: Mapping[str, str] = {
    "too_large": "The file is larger than {limit} KB.",
    "encoding": "The file is not UTF-8 text.",
    "doctype": "A document type (DOCTYPE) or entity declaration is not allowed.",
    "syntax": "This is not well-formed XML: {detail}",
    "root": "The root element must be <callCenter>, not <{found}>.",
    "unexpected": "<{found}> is not allowed here; <{expected}> is expected.",
    "empty": "<{parent}> must have at least one <{expected}>.",
    "sort_order": "sortOrder must be a whole number; {expected} is expected, not {found}.",
    "sort_gap": "sortOrder must start at 0 and have no gaps and no repetitions: {expected} is expected, not {found}.",
    "name": "The name {found} is not allowed: 1 to 40 letters and digits are expected.",
    "name_reserved": "The name {found} is reserved.",
    "name_twice": "The name {found} is used twice.",
    "label": "The label is longer than 1000 characters.",
    "first_section": "The section with sortOrder 0 must be reqGeneralInfo, not {found}.",
    "first_item": "The item with sortOrder {order} of reqGeneralInfo must be {expected}, not {found}.",
    "required": "A value is required.",
    "internal_name": "{found} is not allowed: it must start with a letter and have at most 40 letters and digits.",
    "internal_name_taken": "A call center with the internal name {found} exists already.",
    "display_name": "The display name is longer than 80 characters.",
    "boolean": "{found} is not allowed: true or false is expected.",
    "number": "{found} is not allowed: a whole number greater than 0 is expected.",
    "url": "{found} is not allowed: an address that starts with https:// or http://, or a path, is expected.",
    "mode": "{found} is not allowed: Classic, Lightning or Classic_and_Lightning is expected.",
    "together": "reqStandbyUrl and reqTimeout must both be given or both be left out.",
    "value": "The value is longer than 2000 characters.",
}
_MAX_VALUE = 2000


class DefinitionFault(Fault):
    """One error of a definition file; pages put `problem` and `values` into words of their own."""

    def __init__(self, problem: str, *, line: int | None = None, item: str | None = None, **values: str):
        shown = {name: value[:80] for name, value in values.items()}
        where = f"line {line}: " if line is not None else ""
        about = f"{item}: " if item else ""
        super().__init__(
            "DUPLICATE_VALUE" if problem == "internal_name_taken" else "INVALID_INPUT",
            f"Call center definition: {where}{about}{_SENTENCES[problem].format(**shown)}",
            fields=[item] if item else [],
        )
        self.problem = problem
        self.line = line
        self.item = item
        self.values = shown

    def as_row(self) -> dict[str, Any]:
        """The row, with what a page needs to say it in the reader's language."""
        return super().as_row() | {
            "problem": self.problem,
            "line": self.line,
            "item": self.item,
            "values": self.values,
        }


def parse_definition(raw: bytes) -> Definition:
    """The definition in a file. Faults, one for each error, in the order of lines."""
    root = _root(raw)
    reader = _Reader()
    found = reader.read(root)
    if reader.faults:
        reader.faults.sort(key=lambda fault: fault.line or 0)
        raise Faults(reader.faults[:_MAX_PROBLEMS])
    return found


def check_values(values: Mapping[str, str], lines: Mapping[str, int] | None = None) -> list[DefinitionFault]:
    """What is wrong with the values of reqGeneralInfo, by item name; `lines` tells where they stand."""
    at = lines or {}
    faults: list[DefinitionFault] = []

    def wrong(problem: str, item: str, **more: str) -> None:
        faults.append(DefinitionFault(problem, line=at.get(item, at.get("")), item=item, **more))

    for name in _REQUIRED:
        if not values.get(name):
            wrong("required", name)
    for name, value in values.items():
        if not value:
            continue
        if name == INTERNAL and not _INTERNAL_NAME.fullmatch(value):
            wrong("internal_name", name, found=value)
        elif name == DISPLAY and len(value) > 80:
            wrong("display_name", name)
        elif name == "reqUseApi" and value not in ("true", "false"):
            wrong("boolean", name, found=value)
        elif name in ("reqSoftphoneHeight", "reqSoftphoneWidth", "reqTimeout") and not _is_count(value):
            wrong("number", name, found=value)
        elif name in ("reqAdapterUrl", "reqStandbyUrl") and not is_adapter_url(value):
            wrong("url", name, found=value)
        elif name == "reqSalesforceCompatibilityMode" and value not in MODES:
            wrong("mode", name, found=value)
        elif len(value) > _MAX_VALUE:
            wrong("value", name)
    if bool(values.get("reqStandbyUrl")) != bool(values.get("reqTimeout")):
        wrong("together", "reqTimeout" if "reqTimeout" in values else "reqStandbyUrl")
    return faults


def _is_count(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) <= 9 and int(value) > 0


def _root(raw: bytes) -> Any:
    if len(raw) > MAX_DEFINITION:
        raise DefinitionFault("too_large", limit=str(MAX_DEFINITION // 1024))
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    # Looked for before parsing, so that nothing of it is ever expanded or fetched.
    declared = re.match(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)[\"']", raw)
    if b"\x00" in raw or (declared and declared[1].lower() not in (b"utf-8", b"us-ascii")):
        raise DefinitionFault("encoding", line=1)
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DefinitionFault("encoding", line=raw.count(b"\n", 0, error.start) + 1) from None
    banned = re.search(rb"<!(DOCTYPE|ENTITY)", raw, re.IGNORECASE)
    if banned:
        raise DefinitionFault("doctype", line=raw.count(b"\n", 0, banned.start()) + 1)
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise DefinitionFault("syntax", line=error.lineno or 1, detail=str(error.msg)[:80]) from None


class _Reader:
    """Reads elements and collects what is wrong with them."""

    def __init__(self) -> None:
        self.faults: list[DefinitionFault] = []

    def _wrong(self, problem: str, element: Any, item: str | None = None, **values: str) -> None:
        self.faults.append(DefinitionFault(problem, line=element.sourceline, item=item, **values))

    def read(self, root: Any) -> Definition:
        if root.tag != "callCenter":
            self._wrong("root", root, found=_tag(root))
            return Definition("", "", "", [])
        sections: list[dict[str, Any]] = []
        lines: dict[str, int] = {}
        general: list[dict[str, Any]] = []
        children = self._ordered(root, "section")
        for position, section in enumerate(children):
            name = self._name(section)
            items: list[dict[str, Any]] = []
            elements = self._ordered(section, "item")
            for item in elements:
                items.append(
                    {"name": self._name(item), "label": self._label(item), "value": (item.text or "").strip()}
                )
                if name == GENERAL:
                    lines[items[-1]["name"]] = item.sourceline
                elif len(items[-1]["value"]) > _MAX_VALUE:
                    self._wrong("value", item, items[-1]["name"])
            self._twice(elements, [item["name"] for item in items])
            sections.append({"name": name, "label": self._label(section), "items": items})
            if position == 0:
                general = items
                if name != GENERAL:
                    self._wrong("first_section", section, name, found=name)
                elif elements:
                    self._first_items(elements)
        self._twice(children, [section["name"] for section in sections])
        values = {item["name"]: item["value"] for item in general}
        if sections and sections[0]["name"] == GENERAL:
            self.faults += check_values(values, {"": children[0].sourceline} | lines)
        named = {item["name"]: item for item in general}
        return Definition(
            internal_name=values.get(INTERNAL, ""),
            display_name=values.get(DISPLAY, ""),
            adapter_url=values.get("reqAdapterUrl", ""),
            internal_label=named.get(INTERNAL, {}).get("label"),
            display_label=named.get(DISPLAY, {}).get("label"),
            label=self._label(root),
            sections=[
                section
                | {"items": [item for item in section["items"] if item["name"] not in (INTERNAL, DISPLAY)]}
                for section in sections
            ],
        )

    def _first_items(self, elements: list[Any]) -> None:
        for order, (element, expected) in enumerate(zip(elements, (INTERNAL, DISPLAY), strict=False)):
            found = element.get("name") or ""
            if found != expected:
                self._wrong("first_item", element, found, order=str(order), expected=expected, found=found)

    def _ordered(self, parent: Any, tag: str) -> list[Any]:
        """Children by `sortOrder`; what is wrong with the numbers is told where it stands."""
        children: list[Any] = []
        for child in parent:
            if child.tag == tag:
                children.append(child)
            else:
                self._wrong("unexpected", child, found=_tag(child), expected=tag)
        if not children:
            self._wrong("empty", parent, parent.get("name"), parent=_tag(parent), expected=tag)
        numbered: list[tuple[int, Any]] = []
        for position, child in enumerate(children):
            given = child.get("sortOrder") or ""
            if not (given.isascii() and given.isdigit() and len(given) <= 6):
                self._wrong(
                    "sort_order", child, child.get("name"), expected=str(position), found=given or '""'
                )
            else:
                numbered.append((int(given), child))
        if len(numbered) < len(children):
            return children
        missing = sorted(set(range(len(numbered))) - {number for number, _ in numbered})
        if missing:
            self._wrong_number(numbered, str(missing[0]))
        numbered.sort(key=lambda pair: pair[0])
        return [child for _, child in numbered]

    def _wrong_number(self, numbered: list[tuple[int, Any]], expected: str) -> None:
        """Points at the first number that is beyond the others or is there already."""
        seen: set[int] = set()
        for number, child in numbered:
            if number >= len(numbered) or number in seen:
                self._wrong("sort_gap", child, child.get("name"), expected=expected, found=str(number))
                return
            seen.add(number)

    def _name(self, element: Any) -> str:
        name: str = element.get("name") or ""
        if not _NAME.fullmatch(name) or len(name) > 40:
            self._wrong("name", element, name or None, found=name or '""')
        elif name.lower() in _RESERVED:
            self._wrong("name_reserved", element, name, found=name)
        return name

    def _twice(self, elements: list[Any], names: list[str]) -> None:
        seen: set[str] = set()
        for element, name in zip(elements, names, strict=True):
            if name and name in seen:
                self._wrong("name_twice", element, name, found=name)
            seen.add(name)

    def _label(self, element: Any) -> str | None:
        label: str | None = element.get("label")
        if label is not None and len(label) > _MAX_LABEL:
            self._wrong("label", element, element.get("name"))
        return label


def _tag(element: Any) -> str:
    return element.tag if isinstance(element.tag, str) else "?"


def write_definition(definition: Definition) -> bytes:
    """The definition as a file that can be imported again."""
    root = etree.Element("callCenter")
    if definition.label:
        root.set("label", definition.label)
    names = [
        {"name": INTERNAL, "label": definition.internal_label, "value": definition.internal_name},
        {"name": DISPLAY, "label": definition.display_label, "value": definition.display_name},
    ]
    for section_order, section in enumerate(definition.sections):
        element = etree.SubElement(root, "section", sortOrder=str(section_order), name=section["name"])
        if section.get("label"):
            element.set("label", section["label"])
        items = [*names, *section["items"]] if section["name"] == GENERAL else section["items"]
        for order, item in enumerate(items):
            child = etree.SubElement(element, "item", sortOrder=str(order), name=item["name"])
            if item.get("label"):
                child.set("label", item["label"])
            child.text = item.get("value") or ""
    etree.indent(root, "  ")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8") + b"\n"
