"""A metadata package as it arrives: zip and XML to values, refused where it is malformed or too large.

Pure. Problems carry the file and the line, as a deployment reports them.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import Fault
from .softphone import parse_xml

MAX_FILES = 10_000
MAX_UNPACKED = 100 * 1024 * 1024
MAX_FILE = 5 * 1024 * 1024
MAX_DEPTH = 30
NAMESPACE = "{http://soap.sforce.com/2006/04/metadata}"

FOLDERS: Mapping[str, tuple[str, str]] = {
    "CustomObject": ("objects", ".object"),
    "MatchingRules": ("matchingRules", ".matchingRule"),
    "DuplicateRule": ("duplicateRules", ".duplicateRule"),
    "AssignmentRules": ("assignmentRules", ".assignmentRules"),
    "SharingRules": ("sharingRules", ".sharingRules"),
    "CustomObjectTranslation": ("objectTranslations", ".objectTranslation"),
    "CallCenter": ("callCenters", ".callCenter"),
    "PermissionSet": ("permissionsets", ".permissionset"),
    "CustomMetadata": ("customMetadata", ".md"),
    "ExternalClientApplication": ("externalClientApps", ".eca"),
    "ExtlClntAppOauthSettings": ("extlClntAppOauthSettings", ".ecaOauth"),
    "ExtlClntAppGlobalOauthSettings": ("extlClntAppGlobalOauthSets", ".ecaGlblOauth"),
    "ExtlClntAppOauthConfigurablePolicies": ("extlClntAppOauthPolicies", ".ecaOauthPlcy"),
    "ConnectedApp": ("connectedApps", ".connectedApp"),
}
"""Folder and suffix of each metadata type that this org takes."""
PARTS: Mapping[str, str] = {
    "CustomField": "CustomObject",
    "ValidationRule": "CustomObject",
    "AssignmentRule": "AssignmentRules",
    "SharingCriteriaRule": "SharingRules",
    "SharingOwnerRule": "SharingRules",
}
"""Types whose members (`Object.Part`) stand in a file of their object, and the type of that file."""


class Problem(Exception):
    """Why a component cannot be deployed."""

    def __init__(self, message: str, line: int | None = None):
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(frozen=True)
class Node:
    """An XML element without its namespace."""

    tag: str
    text: str
    line: int
    children: Sequence[Node] = field(default_factory=list["Node"])

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


@dataclass(frozen=True)
class Package:
    """The checked archive: files by path and what the manifest asks for, members by type."""

    files: Mapping[str, bytes]
    members: Mapping[str, frozenset[str]]

    def path_of(self, type_name: str, full_name: str) -> str:
        """Where a component's file stands in the archive."""
        folder, suffix = FOLDERS[type_name]
        return f"{folder}/{full_name}{suffix}"

    def names(self, type_name: str) -> list[str]:
        """Components of a type in the archive that the manifest names (or `*`)."""
        folder, suffix = FOLDERS[type_name]
        wanted = self.members.get(type_name, frozenset())
        for part, whole in PARTS.items():
            if whole == type_name:
                wanted |= {member.split(".")[0] for member in self.members.get(part, frozenset())}
        found: list[str] = []
        for path in sorted(self.files):
            if path.startswith(f"{folder}/") and path.endswith(suffix) and path.count("/") == 1:
                name = path[len(folder) + 1 : -len(suffix)]
                if "*" in wanted or name in wanted:
                    found.append(name)
        return found


def read_node(raw: bytes, root_tag: str) -> Node:
    """The root of a component's file. Problem where it is no such XML."""
    try:
        element = parse_xml(raw, MAX_FILE)
    except Fault as fault:
        raise Problem(fault.message) from None
    node = _node(element, 0)
    if node.tag != root_tag:
        raise Problem(f"The root element must be {root_tag}, not {node.tag}", node.line)
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
    return Node(tag, (element.text or "").strip(), element.sourceline or 0, children)


def read_package(raw: bytes) -> Package:
    """The archive's files and manifest. INVALID_FILE or LIMIT_EXCEEDED faults, whatever it claims of itself."""
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = [info for info in archive.infolist() if not info.is_dir()]
            if len(entries) > MAX_FILES:
                raise Fault("LIMIT_EXCEEDED", f"Maximum number of files ({MAX_FILES}) exceeded")
            files: dict[str, bytes] = {}
            left = MAX_UNPACKED
            for info in entries:
                name = info.filename
                if name.startswith("/") or "\\" in name or ".." in name.split("/"):
                    raise Fault("INVALID_FILE", f"The path {name[:80]!r} is not allowed in a package")
                if info.flag_bits & 1:
                    raise Fault("INVALID_FILE", "The archive must not be encrypted")
                with archive.open(info) as source:
                    content = source.read(min(left, MAX_FILE) + 1)
                left -= len(content)
                if left < 0 or len(content) > MAX_FILE:
                    raise Fault("LIMIT_EXCEEDED", "The unpacked package is too large")
                files[name] = content
    except (zipfile.BadZipFile, NotImplementedError, EOFError, OSError, ValueError) as error:
        raise Fault(
            "INVALID_FILE", f"The file is not a readable zip archive: {type(error).__name__}"
        ) from None
    except Exception as error:
        if isinstance(error, Fault):
            raise
        # zlib and lzma have errors of their own for damaged data
        raise Fault(
            "INVALID_FILE", f"The file is not a readable zip archive: {type(error).__name__}"
        ) from None
    if "package.xml" not in files:
        roots = {name.split("/")[0] for name in files}
        if len(roots) == 1 and f"{next(iter(roots))}/package.xml" in files:
            prefix = f"{roots.pop()}/"
            files = {name[len(prefix) :]: content for name, content in files.items()}
        else:
            raise Fault("INVALID_FILE", "No package.xml found")
    return Package(files, _manifest(files["package.xml"]))


def _manifest(raw: bytes) -> dict[str, frozenset[str]]:
    try:
        root = read_node(raw, "Package")
        members: dict[str, frozenset[str]] = {}
        for types in root.all("types"):
            name = types.need("name")
            names = frozenset(member.text for member in types.all("members"))
            members[name] = members.get(name, frozenset()) | names
    except Problem as problem:
        raise Fault("INVALID_FILE", f"package.xml: {problem.message}") from None
    return members
