"""Checks the XML files of the Salesforce project against Salesforce's own types (`@salesforce/types`).

That file of declarations is generated and regular, so a few patterns read it: no compiler is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

ROOT = Path(__file__).resolve().parents[1]
DECLARATIONS = ROOT / "web" / "node_modules" / "@salesforce" / "types" / "lib" / "metadata.d.ts"
Node = Any
_URI = "http://soap.sforce.com/2006/04/metadata"
_TYPE = re.compile(r"^export type (\w+) = ((?:\w+ & )*\{.*?^\}|[^{;]*);", re.MULTILINE | re.DOTALL)
_PROPERTY = re.compile(r"^ +(\w+)(\??): ([^;]+);$", re.MULTILINE)
_CHOICE = re.compile(r"'([^']*)'")
_SCALARS = {"string", "number", "boolean", "any", "unknown"}
_FREE = frozenset({("LightningComponentBundle", "targetConfigs"), ("CustomMetadataValue", "value")})
"""Elements whose content is written otherwise in files than the types say."""


@dataclass(frozen=True, slots=True)
class Property:
    """One element that a type may have."""

    type: str
    needed: bool
    many: bool


class Types:
    """The declared types: their properties, or the values they may have."""

    def __init__(self, text: str) -> None:
        self._bodies: Mapping[str, str] = dict(_TYPE.findall(text))

    @classmethod
    def read(cls, path: Path = DECLARATIONS) -> Types:
        """From the installed package."""
        return cls(path.read_text("utf-8"))

    def __contains__(self, name: str) -> bool:
        return name in self._bodies

    def choices(self, name: str) -> frozenset[str] | None:
        """The values of an enumeration; None for every other type."""
        body = self._bodies.get(name, "")
        return frozenset(_CHOICE.findall(body)) if body.startswith("'") else None

    def properties(self, name: str) -> dict[str, Property]:
        """The elements of a type, those that it inherits included."""
        body = self._bodies[name]
        if "{" not in body:
            return self.properties(body) if body in self._bodies else {}
        found: dict[str, Property] = {}
        for base in re.findall(r"(\w+) & ", body.partition("{")[0]):
            found |= self.properties(base)
        for tag, optional, kind in _PROPERTY.findall(body):
            many = kind.endswith("[]")
            found[tag] = Property(kind.removesuffix("[]"), not optional and not many, many)
        return found


def read(path: Path) -> Node:
    """The root of a file. Raises `ValueError` with a sentence."""
    try:
        return etree.fromstring(
            path.read_bytes(),
            etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True),
        )
    except etree.XMLSyntaxError as error:
        raise ValueError(f"not well-formed: {error.msg}") from None


def local(node: Node) -> str:
    """The name of an element without its namespace."""
    return str(etree.QName(node).localname)


def problems_of(types: Types, path: Path) -> Iterator[str]:
    """What is wrong with one file, as the types say."""
    try:
        root = read(path)
    except ValueError as error:
        yield str(error)
        return
    name = local(root)
    if name not in types:
        yield f"unknown type <{name}>"
    elif etree.QName(root).namespace != _URI:
        yield f"the namespace of <{name}> is not Salesforce's"
    else:
        yield from _element(types, root, name)


def _element(types: Types, node: Node, name: str) -> Iterator[str]:
    properties = types.properties(name)
    seen: set[str] = set()
    for child in node:
        tag = local(child)
        found = properties.get(tag)
        where = f"line {child.sourceline}: "
        if found is None:
            yield f"{where}<{tag}> is no element of {name}"
            continue
        if tag in seen and not found.many:
            yield f"{where}<{tag}> is repeated"
        seen.add(tag)
        if (name, tag) not in _FREE:
            yield from (where + problem for problem in _value(types, child, found.type))
    for tag, found in properties.items():
        if found.needed and tag not in seen and tag != "fullName":
            yield f"line {node.sourceline}: <{tag}> is missing in {name}"


def _value(types: Types, node: Node, kind: str) -> Iterator[str]:
    tag, text = local(node), (node.text or "").strip()
    choices = types.choices(kind)
    if choices is None and kind in types and types.properties(kind):
        yield from (problem.partition(": ")[2] for problem in _element(types, node, kind))
        return
    if len(node):
        yield f"<{tag}> holds elements, not {kind}"
    elif choices is not None and text not in choices:
        yield f"{text[:60]!r} is no {kind}"
    elif kind == "boolean" and text not in ("true", "false"):
        yield f"{text[:60]!r} in <{tag}> is neither true nor false"
    elif kind == "number" and not re.fullmatch(r"-?\d+(\.\d+)?", text):
        yield f"{text[:60]!r} in <{tag}> is no number"
    elif kind not in _SCALARS and choices is None and kind not in types:
        yield f"<{tag}> has the unknown type {kind}"
