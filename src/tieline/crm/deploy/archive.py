"""Metadata archives: a zip with its manifests and XML files, read into plain values and refused where malformed.

Pure. Problems carry the file and the line, as a deployment reports them. What an archive claims of itself is believed
only where it makes it smaller: nothing is unpacked before its declared sizes are within bounds.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Fault
from ..soap.xml_values import INSTANCE
from ..softphone import parse_xml

MAX_FILES = 10_000
MAX_UNPACKED = 100 * 1024 * 1024
MAX_FILE = 5 * 1024 * 1024
MAX_DEPTH = 30
MAX_ELEMENTS = 200_000
MAX_PATH = 500
MAX_FOLDERS = 10
URI = "http://soap.sforce.com/2006/04/metadata"
NAMESPACE = f"{{{URI}}}"
MANIFEST = "package.xml"
DELETIONS = ("destructiveChangesPre.xml", "destructiveChanges.xml", "destructiveChangesPost.xml")


class Problem(Exception):
    """Why a component cannot be deployed."""

    def __init__(self, message: str, line: int | None = None):
        super().__init__(message)
        self.message = message
        self.line = line


class Absent(Problem):
    """What is to be deleted is not there: told, and no reason to stop."""


@dataclass(frozen=True)
class Node:
    """An XML element without its namespace."""

    tag: str
    text: str = ""
    line: int = 0
    children: Sequence[Node] = field(default_factory=list["Node"])
    type: str | None = None
    """`xsi:type`, as it is written."""
    nil: bool = False

    def all(self, tag: str) -> list[Node]:
        """Children of that name."""
        return [child for child in self.children if child.tag == tag]

    def get(self, tag: str, default: str | None = None) -> str | None:
        """Text of the only child of that name. Problem where it is repeated."""
        found = self.all(tag)
        if len(found) > 1:
            raise Problem(f"Duplicate element {tag}", found[1].line)
        return found[0].text if found else default

    def flag(self, tag: str, default: bool = False) -> bool:
        """`true` or `false` of a child."""
        text = self.get(tag)
        if text is None:
            return default
        if text not in ("true", "false"):
            raise Problem(f"'{text[:40]}' is not a valid value for {tag}", self.all(tag)[0].line)
        return text == "true"

    def number(self, tag: str, default: int, least: int, most: int) -> int:
        """A whole number of a child, within bounds."""
        text = self.get(tag)
        if text is None:
            return default
        if not re.fullmatch(r"\d{1,9}", text) or not least <= int(text) <= most:
            raise Problem(f"{tag} must be a number from {least} to {most}", self.all(tag)[0].line)
        return int(text)

    def need(self, tag: str) -> str:
        """Text of a child that must be there."""
        text = self.get(tag)
        if not text:
            raise Problem(f"Required field is missing: {tag}", self.line)
        return text

    def only(self, allowed: frozenset[str], type_name: str) -> None:
        """Problem where a child is none of the allowed ones."""
        for child in self.children:
            if child.tag not in allowed:
                raise Problem(
                    f"Element {NAMESPACE}{child.tag} invalid at this location in type {type_name}", child.line
                )


def leaf(tag: str, value: object) -> Node:
    """An element with text; flags become `true` and `false`."""
    return Node(tag, ("true" if value else "false") if isinstance(value, bool) else str(value))


def group(tag: str, *children: Node | None) -> Node:
    """An element of elements; None stands for one that is not there."""
    return Node(tag, children=[child for child in children if child is not None])


@dataclass(frozen=True)
class Package:
    """The checked archive: files by path, what the manifest asks for, and what is to be deleted before and after.

    Members are by type.
    """

    files: Mapping[str, bytes]
    members: Mapping[str, frozenset[str]]
    deleted_before: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    deleted_after: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])


def read_node(raw: bytes, *root_tags: str) -> Node:
    """The root of a component's file. Problem where it is no such XML."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in raw[:64]:
        raise Problem("Error parsing file: the encoding must be UTF-8")
    if raw.count(b"<") > 2 * MAX_ELEMENTS:
        raise Problem(f"Error parsing file: more than {MAX_ELEMENTS} elements")
    try:
        element = parse_xml(raw, MAX_FILE)
    except Fault as fault:
        found = re.search(r"\((\d+):\d+\)$", fault.message)
        raise Problem(fault.message, int(found.group(1)) if found else None) from None
    declared = element.getroottree().docinfo.encoding or "UTF-8"
    if declared.upper() not in ("UTF-8", "US-ASCII", "ASCII"):
        raise Problem(f"Error parsing file: the encoding must be UTF-8, not {declared[:20]}")
    node = _node(element, 0)
    if node.tag not in root_tags:
        raise Problem(f"The root element must be {root_tags[0]}, not {node.tag[:60]}", node.line)
    return node


def _node(element: Any, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise Problem("The document is nested too deeply", element.sourceline)
    tag: str = element.tag
    if tag.startswith("{"):
        if not tag.startswith(NAMESPACE):
            raise Problem(f"Unexpected namespace in {tag[:80]}", element.sourceline)
        tag = tag[len(NAMESPACE) :]
    children = [_node(child, depth + 1) for child in element if isinstance(child.tag, str)]
    kind: str | None = element.get(f"{{{INSTANCE}}}type") if element.attrib else None
    nil = bool(element.attrib) and element.get(f"{{{INSTANCE}}}nil") in ("true", "1")
    return Node(tag, (element.text or "").strip(), element.sourceline or 0, children, kind, nil)


def write_node(node: Node, *, root: bool = True) -> bytes:
    """A component's file, as Salesforce lays it out."""
    lines: list[str] = ['<?xml version="1.0" encoding="UTF-8"?>'] if root else []
    _write(node, lines, 0, f' xmlns="{URI}"' if root else "", _typed(node) if root else False)
    return ("\n".join(lines) + "\n").encode()


def _typed(node: Node) -> bool:
    return node.type is not None or node.nil or any(_typed(child) for child in node.children)


def escaped(text: str) -> str:
    """Text between tags."""
    for char, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;")):
        text = text.replace(char, entity)
    return text


def _write(node: Node, lines: list[str], depth: int, attributes: str, typed: bool) -> None:
    if typed:
        attributes += f' xmlns:xsi="{INSTANCE}" xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
    if node.type:
        attributes += f' xsi:type="{escaped(node.type)}"'
    if node.nil:
        attributes += ' xsi:nil="true"'
    indent = "    " * depth
    if node.children:
        lines.append(f"{indent}<{node.tag}{attributes}>")
        for child in node.children:
            _write(child, lines, depth + 1, "", False)
        lines.append(f"{indent}</{node.tag}>")
    elif node.text or depth == 0:
        lines.append(f"{indent}<{node.tag}{attributes}>{escaped(node.text)}</{node.tag}>")
    else:
        lines.append(f"{indent}<{node.tag}{attributes}/>")


def overlaid(stored: Node | None, live: Iterable[Node], modelled: frozenset[str], tag: str) -> Node:
    """A component as it is now: what the org knows live, and from its file what nothing else keeps."""
    kept = [child for child in stored.children if child.tag not in modelled] if stored else []
    return in_order(replace(stored or Node(tag), tag=tag, children=[*kept, *live]))


def in_order(node: Node) -> Node:
    """The elements as Salesforce writes them: the name first, the others by the alphabet."""
    return replace(
        node, children=sorted(node.children, key=lambda child: (child.tag != "fullName", child.tag))
    )


def _entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of a zip, once names and sizes are within bounds."""
    entries = [info for info in archive.infolist() if not info.is_dir()]
    if len(entries) > MAX_FILES:
        raise Fault("LIMIT_EXCEEDED", f"Maximum number of files ({MAX_FILES}) exceeded")
    if sum(info.file_size for info in entries) > MAX_UNPACKED:
        raise Fault("LIMIT_EXCEEDED", f"The unpacked package is larger than {MAX_UNPACKED >> 20} MB")
    names: set[str] = set()
    for info in entries:
        name = info.filename
        parts = name.split("/")
        if name.startswith("/") or "\\" in name or ":" in parts[0] or ".." in parts or "\x00" in name:
            raise Fault("INVALID_FILE", f"The path {name[:80]!r} is not allowed in a package")
        if len(name) > MAX_PATH or len(parts) > MAX_FOLDERS:
            raise Fault("INVALID_FILE", f"The path {name[:80]!r} is too long or too deep")
        if name in names:
            raise Fault("INVALID_FILE", f"The archive holds {name[:80]!r} twice")
        names.add(name)
        if info.flag_bits & 1:
            raise Fault("INVALID_FILE", "The archive must not be encrypted")
        if info.file_size > MAX_FILE:
            raise Fault("LIMIT_EXCEEDED", f"The file {name[:80]!r} is larger than {MAX_FILE >> 20} MB")
    return entries


def unpack(raw: bytes) -> dict[str, bytes]:
    """The files of a zip. INVALID_FILE or LIMIT_EXCEEDED faults, whatever it claims of itself."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            # A stream ends at the declared size, and its checksum is wrong where there was more.
            return {info.filename: archive.read(info) for info in _entries(archive)}
    except Fault:
        raise
    except Exception as error:
        # zlib and lzma have errors of their own for damaged data
        raise Fault(
            "INVALID_FILE", f"The file is not a readable zip archive: {type(error).__name__}"
        ) from None


def read_package(raw: bytes) -> Package:
    """The archive's files and manifests. INVALID_FILE or LIMIT_EXCEEDED faults."""
    files = unpack(raw)
    if MANIFEST not in files:
        roots = {name.split("/")[0] for name in files}
        if len(roots) == 1 and f"{next(iter(roots))}/{MANIFEST}" in files:
            prefix = f"{roots.pop()}/"
            files = {name[len(prefix) :]: content for name, content in files.items()}
        else:
            raise Fault("INVALID_FILE", "No package.xml found")
    before, now, after = (_manifest(files, name) for name in DELETIONS)
    merged = {name: after.get(name, frozenset()) | now.get(name, frozenset()) for name in {**now, **after}}
    return Package(files, _manifest(files, MANIFEST), before, merged)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip of files by path."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _manifest(files: Mapping[str, bytes], name: str) -> dict[str, frozenset[str]]:
    members: dict[str, frozenset[str]] = {}
    if name not in files:
        return members
    try:
        root = read_node(files[name], "Package")
        for types in root.all("types"):
            kind = types.need("name")
            # The Salesforce CLI names the folder of a report or dashboard with a slash behind.
            names = frozenset(member.text.removesuffix("/") for member in types.all("members"))
            members[kind] = members.get(kind, frozenset()) | names
    except Problem as problem:
        where = f" ({problem.line}:1)" if problem.line else ""
        raise Fault("INVALID_FILE", f"{name}: {problem.message}{where}") from None
    return members


def manifest(members: Mapping[str, Iterable[str]], version: str) -> Node:
    """A `package.xml` of members by type."""
    types = [
        group("types", *(leaf("members", name) for name in sorted(names)), leaf("name", kind))
        for kind, names in sorted(members.items())
        if names
    ]
    return group("Package", *types, leaf("version", version))
