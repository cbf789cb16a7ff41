"""Softphone layout, utility items and call center definitions: their shapes and their checks.

A definition is kept as sections and items in order, and told to pages as the flat map that
`getCallCenterSettings` documents: every value a string.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from .errors import Fault
from .metadata import Catalogue

MAX_DEFINITION = 256 * 1024
_NAME = re.compile(r"[A-Za-z0-9]{1,40}")
_INTERNAL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,39}")
_RESERVED = frozenset({"label", "sortorder", "internalnamelabel", "displaynamelabel"})
_POP_TYPES = frozenset(
    {"PopToEntity", "PopToVisualforce", "PopToFlow", "PopToSearch", "PopToDetail", "NoPop"}
)

DEFAULT_LAYOUT: Mapping[str, Any] = {
    "Inbound": {
        "callRelatedFields": ["ANI", "DNIS", "QUEUE"],
        "objects": {
            "Contact": [
                {"displayName": "Name", "apiName": "Name"},
                {"displayName": "Phone", "apiName": "Phone"},
            ],
            "Account": [{"displayName": "Account Name", "apiName": "Name"}],
            "Lead": [{"displayName": "Name", "apiName": "Name"}],
        },
        "screenPopSettings": {
            "screenPopsOpenWithin": "ExistingWindow",
            "NoMatch": {"screenPopType": "PopToEntity", "screenPopData": "Contact"},
            "SingleMatch": {"screenPopType": "PopToDetail"},
            "MultipleMatches": {"screenPopType": "PopToSearch"},
        },
    },
    "Outbound": {
        "callRelatedFields": ["ANI", "DNIS"],
        "objects": {"Contact": [{"displayName": "Name", "apiName": "Name"}]},
        "screenPopSettings": {},
    },
    "Internal": {
        "callRelatedFields": ["ANI", "DNIS"],
        "objects": {"User": [{"displayName": "Name", "apiName": "Name"}]},
        "screenPopSettings": {},
    },
}
"""The layout of a new org. `PopToDetail` and `NoPop` are our words for what Salesforce does not document."""


@dataclass(frozen=True)
class Definition:
    """A call center: names, adapter and its sections `[{name, label, items: [{name, label, value}]}]`."""

    internal_name: str
    display_name: str
    adapter_url: str
    sections: Sequence[Mapping[str, Any]]
    internal_label: str | None = None
    display_label: str | None = None
    label: str | None = None


def parse_xml(raw: bytes, limit: int) -> Any:
    """The root element. INVALID_INPUT for what is no XML, has a DOCTYPE, or is too large."""
    if len(raw) > limit:
        raise Fault("INVALID_INPUT", f"The XML document is larger than {limit} bytes")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError as error:
        raise Fault(
            "INVALID_INPUT", f"Error parsing file: {error.msg} ({error.lineno}:{error.offset})"
        ) from None
    if root.getroottree().docinfo.doctype:
        raise Fault("INVALID_INPUT", "Error parsing file: a DOCTYPE is not allowed")
    return root


def _refuse(message: str) -> Fault:
    return Fault("INVALID_INPUT", f"Call center definition: {message}")


def parse_definition(raw: bytes) -> Definition:
    """The import format: sections and items with `sortOrder` from 0 without gaps."""
    root = parse_xml(raw, MAX_DEFINITION)
    if root.tag != "callCenter":
        raise _refuse("the root element must be <callCenter>")
    sections: list[dict[str, Any]] = []
    for section in _ordered(root, "section"):
        items = [
            {
                "name": _name(item),
                "label": _label(item),
                "value": (item.text or "").strip(),
            }
            for item in _ordered(section, "item")
        ]
        sections.append({"name": _name(section), "label": _label(section), "items": items})
        if len({item["name"] for item in items}) != len(items):
            raise _refuse(f"section {section.get('name')} names an item twice")
    if not sections or sections[0]["name"] != "reqGeneralInfo":
        raise _refuse("the first section must be reqGeneralInfo")
    general: list[dict[str, Any]] = sections[0]["items"]
    if len(general) < 2 or general[0]["name"] != "reqInternalName" or general[1]["name"] != "reqDisplayName":
        raise _refuse("reqInternalName must come first and reqDisplayName second")
    values = {item["name"]: item["value"] for item in general}
    if not _INTERNAL_NAME.fullmatch(values["reqInternalName"]):
        raise _refuse("reqInternalName must start with a letter and have at most 40 letters and digits")
    for name in ("reqDisplayName", "reqAdapterUrl", "reqUseApi", "reqSoftphoneHeight", "reqSoftphoneWidth"):
        if not values.get(name):
            raise _refuse(f"{name} is required")
    for name in ("reqSoftphoneHeight", "reqSoftphoneWidth", "reqTimeout"):
        if values.get(name) and not values[name].isdigit():
            raise _refuse(f"{name} must be a number")
    if bool(values.get("reqStandbyUrl")) != bool(values.get("reqTimeout")):
        raise _refuse("reqStandbyUrl and reqTimeout belong together")
    check_adapter_url(values["reqAdapterUrl"])
    return Definition(
        internal_name=values["reqInternalName"],
        display_name=values["reqDisplayName"][:80],
        adapter_url=values["reqAdapterUrl"],
        internal_label=general[0]["label"],
        display_label=general[1]["label"],
        label=_label(root),
        sections=[
            section
            | {
                "items": [
                    item
                    for item in section["items"]
                    if item["name"] not in ("reqInternalName", "reqDisplayName")
                ]
            }
            for section in sections
        ],
    )


def check_adapter_url(url: str) -> None:
    """INVALID_INPUT unless it is an http(s) address or a path."""
    if len(url) > 2000 or not re.fullmatch(r"(https?://[^\s\"'<>\\;,]+|/[^\s\"'<>\\]*)", url):
        raise _refuse("reqAdapterUrl must be an http or https address, or a path")


def _ordered(parent: Any, tag: str) -> list[Any]:
    children = [child for child in parent if isinstance(child.tag, str)]
    for child in children:
        if child.tag != tag:
            raise _refuse(f"unexpected element <{child.tag}>")
    try:
        ordered = sorted(children, key=lambda child: int(child.get("sortOrder") or ""))
    except ValueError:
        raise _refuse(f"sortOrder of <{tag}> must be a number") from None
    if [int(child.get("sortOrder")) for child in ordered] != list(range(len(ordered))) or not ordered:
        raise _refuse(f"sortOrder of <{tag}> must start at 0 and have no gaps")
    return ordered


def _name(element: Any) -> str:
    name = element.get("name") or ""
    if not _NAME.fullmatch(name) or name.lower() in _RESERVED:
        raise _refuse(f"the name {name[:60]!r} is not allowed")
    return name


def _label(element: Any) -> str | None:
    label: str | None = element.get("label")
    if label is not None and len(label) > 1000:
        raise _refuse("a label may have at most 1000 characters")
    return label


def settings_map(row: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The flat map of `getCallCenterSettings` for a CallCenter record and its sections."""
    found: dict[str, str] = {
        "/reqGeneralInfo/reqInternalName": row["InternalName"],
        "/reqGeneralInfo/reqDisplayName": row["Name"],
    }
    for section_order, section in enumerate(sections):
        path = f"/{section['name']}"
        found[f"{path}/label"] = section.get("label") or ""
        found[f"{path}/sortOrder"] = f"{section_order}.0"
        start = 2 if section["name"] == "reqGeneralInfo" else 0
        for order, item in enumerate(section["items"], start=start):
            found[f"{path}/{item['name']}"] = item.get("value") or ""
            found[f"{path}/{item['name']}/label"] = item.get("label") or ""
            found[f"{path}/{item['name']}/sortOrder"] = f"{order}.0"
    return found


def check_layout(layout: Any, catalogue: Catalogue) -> dict[str, Any]:
    """A softphone layout as given, once its objects, fields and pop types are known to exist."""
    if not isinstance(layout, dict):
        raise Fault("INVALID_INPUT", "The softphone layout must be an object")
    given: dict[str, Any] = layout
    checked: dict[str, Any] = {}
    for call_type in ("Inbound", "Outbound", "Internal"):
        part: Any = given.get(call_type)
        if part is None:
            part = DEFAULT_LAYOUT[call_type]
        if not isinstance(part, dict):
            raise Fault("INVALID_INPUT", f"{call_type} must be an object")
        section: dict[str, Any] = part
        objects: dict[str, Any] = {}
        for name, fields in dict(section.get("objects") or {}).items():
            value = catalogue.get(str(name))
            if value is None:
                raise Fault("INVALID_TYPE", f"sObject type '{name}' is not supported.")
            for field in fields:
                if value.get(str(field.get("apiName"))) is None:
                    raise Fault(
                        "INVALID_FIELD", f"No such column '{field.get('apiName')}' on entity '{name}'."
                    )
            objects[value.name] = list(fields)
        pops: dict[str, Any] = dict(section.get("screenPopSettings") or {})
        for match in ("NoMatch", "SingleMatch", "MultipleMatches"):
            pop = pops.get(match)
            if pop is not None and (not isinstance(pop, dict) or pop.get("screenPopType") not in _POP_TYPES):
                raise Fault("INVALID_INPUT", f"{call_type}: {match} needs a known screenPopType")
        checked[call_type] = {
            "callRelatedFields": [str(name) for name in section.get("callRelatedFields") or []],
            "objects": objects,
            "screenPopSettings": pops,
        }
    return checked


def check_utility_items(items: Any) -> list[dict[str, Any]]:
    """Utility items `{type, label, icon, width, height, auto_start}` within Salesforce's sizes."""
    if not isinstance(items, list) or len(items) > 20:
        raise Fault("INVALID_INPUT", "utility items must be a list of at most 20")
    checked: list[dict[str, Any]] = []
    given: list[Any] = items
    for item in given:
        if not isinstance(item, dict):
            raise Fault("INVALID_INPUT", "a utility item must be an object")
        entry: dict[str, Any] = item
        if entry.get("type") != "softphone":
            raise Fault("INVALID_INPUT", "the type of a utility item must be softphone")
        width, height = entry.get("width", 340), entry.get("height", 480)
        icon = entry.get("icon") or "call"
        check_look(width, height, icon)
        checked.append(
            {
                "type": "softphone",
                "label": str(entry.get("label") or "")[:80] or None,
                "icon": icon,
                "width": width,
                "height": height,
                "auto_start": entry.get("auto_start") is True,
            }
        )
    return checked


def check_look(width: object, height: object, icon: object) -> None:
    """INVALID_INPUT where a utility's panel (pixels) is not within Salesforce's sizes, or its icon is no name."""
    if not (
        isinstance(width, int) and 200 <= width <= 1920 and isinstance(height, int) and 240 <= height <= 2560
    ):
        raise Fault("INVALID_INPUT", "width must be 200 to 1920 and height 240 to 2560")
    if not re.fullmatch(r"[a-z0-9_]{1,40}", str(icon)):
        raise Fault("INVALID_INPUT", "icon must be the name of a utility icon")
