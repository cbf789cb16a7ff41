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
_ADAPTER_URL = re.compile(r"(https?://[^\s\"'<>\\;,]+|/[^\s\"'<>\\]*)")
_ANYWHERE = frozenset({"NoPop", "PopToVisualforce", "PopToFlow"})
_POP_TYPES: Mapping[str, frozenset[str]] = {
    "NoMatch": _ANYWHERE | {"PopToEntity"},
    "SingleMatch": _ANYWHERE | {"PopToDetail"},
    "MultipleMatches": _ANYWHERE | {"PopToSearch"},
}
"""What may open for each number of matches."""

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
            "NoMatch": {"screenPopType": "NoPop"},
            "SingleMatch": {"screenPopType": "PopToDetail"},
            "MultipleMatches": {"screenPopType": "NoPop"},
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
"""The layout of a new org: what an administrator finds chosen before the first change, so that only a single match
opens. `PopToDetail` and `NoPop` are our words for what Salesforce does not document."""


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


def parse_xml(raw: bytes, limit: int, *, long_text: bool = False) -> Any:
    """The root element. INVALID_INPUT for what is no XML, has a DOCTYPE, or is too large.

    `long_text` takes texts of more than 10 MB, such as an archive in base64.
    """
    if len(raw) > limit:
        raise Fault("INVALID_INPUT", f"The XML document is larger than {limit} bytes")
    if long_text:
        # Without the parser's own limits nothing may be declared that could grow, in any spelling.
        declared = re.match(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)", raw)
        plain = declared is None or declared.group(1).lower() in (b"utf-8", b"us-ascii")
        if not plain or raw.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] != b"<" or b"\0" in raw[:200]:
            raise Fault("INVALID_INPUT", "Error parsing file: the encoding must be UTF-8")
        if b"<!DOCTYPE" in raw:
            raise Fault("INVALID_INPUT", "Error parsing file: a DOCTYPE is not allowed")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=long_text,
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


def is_adapter_url(url: str) -> bool:
    """True for an http(s) address or a path."""
    return len(url) <= 2000 and bool(_ADAPTER_URL.fullmatch(url))


def check_adapter_url(url: str) -> None:
    """INVALID_INPUT unless it is an http(s) address or a path."""
    if not is_adapter_url(url):
        raise Fault(
            "INVALID_INPUT",
            "Call center definition: reqAdapterUrl must be an http or https address, or a path",
        )


def settings_map(row: Mapping[str, Any], sections: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The flat map of `getCallCenterSettings` for a CallCenter record and its sections."""
    found: dict[str, str] = {
        "/label": row["label"] or row["Name"],
        "/internalNameLabel": row["internal_label"] or "",
        "/displayNameLabel": row["display_label"] or "",
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


def definition_size(settings: Mapping[str, str]) -> tuple[int, int] | None:
    """Width and height that a call center's settings give the softphone, within Salesforce's sizes; None for none."""
    texts = [settings.get(f"/reqGeneralInfo/reqSoftphone{side}", "") for side in ("Width", "Height")]
    if not all(text.isdigit() and len(text) < 7 for text in texts):
        return None
    width, height = (int(text) for text in texts)
    return min(max(width, 200), 1920), min(max(height, 240), 2560)


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
        pops = _checked_pops(call_type, section.get("screenPopSettings"), catalogue)
        checked[call_type] = {
            "callRelatedFields": [str(name) for name in section.get("callRelatedFields") or []],
            "objects": objects,
            "screenPopSettings": pops,
        }
    return checked


def _checked_pops(call_type: str, given: Any, catalogue: Catalogue) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise Fault("INVALID_INPUT", f"{call_type}: screenPopSettings must be an object")
    pops: dict[str, Any] = given
    checked: dict[str, Any] = {}
    if "screenPopsOpenWithin" in pops:
        if pops["screenPopsOpenWithin"] not in ("ExistingWindow", "NewWindow"):
            raise Fault(
                "INVALID_INPUT", f"{call_type}: screenPopsOpenWithin must be ExistingWindow or NewWindow"
            )
        checked["screenPopsOpenWithin"] = pops["screenPopsOpenWithin"]
    for match, allowed in _POP_TYPES.items():
        pop: Any = pops.get(match)
        if pop is None:
            continue
        kind = str(pop.get("screenPopType")) if isinstance(pop, dict) else ""
        if kind not in allowed:
            raise Fault("INVALID_INPUT", f"{call_type}: {match} must be one of {', '.join(sorted(allowed))}")
        checked[match] = {"screenPopType": kind}
        if kind in ("PopToEntity", "PopToVisualforce", "PopToFlow"):
            data = str(pop.get("screenPopData") or "")
            if kind == "PopToEntity":
                value = catalogue.get(data)
                if value is None:
                    raise Fault("INVALID_TYPE", f"sObject type '{data[:80]}' is not supported.")
                data = value.name
            elif not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,79}", data):
                raise Fault("INVALID_INPUT", f"{call_type}: {match} needs a name in screenPopData")
            checked[match]["screenPopData"] = data
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
