"""Plain values as XML: a mapping's entries become elements, a list repeats its element, None is `xsi:nil`.

A record's `attributes` become the attributes of its element, as REST has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"


@dataclass(frozen=True, slots=True)
class Typed:
    """Content whose element says its `xsi:type`, and whose children may have a namespace of their own."""

    type: str
    value: Any
    namespace: str | None = None


@dataclass(frozen=True, slots=True)
class Given:
    """A value that fills its element itself."""

    fill: Callable[[Any], None]


def clean(text: str) -> str:
    """Without the characters that XML 1.0 cannot say."""
    return "".join(
        char
        for char in text
        if char in "\t\n\r"
        or (char >= " " and not "\ud800" <= char <= "\udfff" and char not in "\ufffe\uffff")
    )


def add(parent: Any, name: str, value: Any, namespace: str = "") -> None:
    """Adds the element or elements for a value."""
    if isinstance(value, list):
        items: list[Any] = value
        for item in items:
            add(parent, name, item, namespace)
        return
    fill(etree.SubElement(parent, f"{{{namespace}}}{name}" if namespace else name), value, namespace)


def fill(element: Any, value: Any, namespace: str = "") -> None:
    """Gives an element its content."""
    if isinstance(value, Typed):
        element.set(f"{{{INSTANCE}}}type", value.type)
        fill(element, value.value, value.namespace or namespace)
    elif isinstance(value, Mapping) and "attributes" in value:
        row: Mapping[str, Any] = value
        told: Mapping[str, Any] = row["attributes"]
        for name, text in told.items():
            element.set(name, clean(str(text)))
        fill(element, {name: item for name, item in row.items() if name != "attributes"}, namespace)
    elif value is None:
        element.set(f"{{{INSTANCE}}}nil", "true")
    elif isinstance(value, Given):
        value.fill(element)
    elif isinstance(value, Mapping):
        values: Mapping[str, Any] = value
        for key, item in values.items():
            add(element, key, item, namespace)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    else:
        element.text = clean(str(value))


def document(root: Any) -> bytes:
    """The bytes of a document."""
    text: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return text


def simple_document(root_name: str, value: Any) -> bytes:
    """A whole document without namespaces for one value."""
    root = etree.Element(root_name, nsmap={"xsi": INSTANCE})
    fill(root, value)
    return document(root)
