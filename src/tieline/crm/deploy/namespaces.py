"""A package's names in the org it is installed in: what it brings carries its namespace, whoever names it.

Pure. Custom objects and fields are renamed wherever their names stand, other components where elements name them. Code
is left as it is: within a package, names without a prefix mean its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from .archive import Package, Problem, read_node
from .kinds import ALL, BY_FOLDER, KINDS, Kind
from .naming import NAMESPACE
from .shapes import SHAPES

_PREFIXED = frozenset({
    "ApexClass", "ApexComponent", "ApexPage", "ApexTrigger", "AuraDefinitionBundle", "CspTrustedSite",
    "CustomApplication", "CustomLabel", "CustomPermission", "CustomTab", "ExternalAuthIdentityProvider",
    "ExternalCredential", "FlexiPage",
    "LightningComponentBundle", "LightningMessageChannel", "NamedCredential", "PermissionSet", "RemoteSiteSetting",
    "StaticResource",
})  # fmt: skip
"""Types whose components carry the prefix in their own names."""
_SUFFIXES = ("__c", "__mdt", "__e")
_EXTRA = {"tab": "CustomTab", "content": "FlexiPage"}
"""Elements that name a component without a shape that says so."""


def _naming() -> dict[str, frozenset[str]]:
    """Element names, and the types whose components they may name."""
    found: dict[str, set[str]] = {tag: {kind} for tag, kind in _EXTRA.items()}
    for shape in SHAPES.values():
        for element in shape.values():
            if element.holds == "name":
                found.setdefault(element.name, set()).add(element.of)
    return {tag: frozenset(kinds) for tag, kinds in found.items()}


_NAMING: Mapping[str, frozenset[str]] = _naming()


def valid_namespace(text: str) -> bool:
    """True for what can be a namespace prefix."""
    return NAMESPACE.fullmatch(text) is not None


def with_namespace(package: Package, namespace: str) -> Package:
    """The package as it is installed. Problem where a file of it cannot be read."""
    own = _own_names(package)
    words = _words(own)
    token = re.compile(
        r"(?<![A-Za-z0-9_])("
        + "|".join(sorted(map(re.escape, words), key=len, reverse=True))
        + r")(?![A-Za-z0-9_])"
    )

    def renamed(text: str) -> str:
        return token.sub(rf"{namespace}__\1", text) if words else text

    files: dict[str, bytes] = {}
    for path, content in package.files.items():
        kind = BY_FOLDER.get(path.partition("/")[0])
        new_path = _path(path, kind, own, namespace, renamed)
        if kind is not None and _is_xml(path, kind):
            try:
                text = content.decode("utf-8")
            except UnicodeDecodeError:
                raise Problem(f"{path[:100]}: the encoding must be UTF-8") from None
            files[new_path] = _references(renamed(text), path, own, namespace).encode()
        else:
            files[new_path] = content
    members = {
        name: frozenset(_member(name, member, own, namespace, renamed) for member in found)
        for name, found in package.members.items()
    }
    return Package(files, members)


def _is_xml(path: str, kind: Kind) -> bool:
    return path.endswith("-meta.xml") or not (kind.beside or kind.bundle)


def _own_names(package: Package) -> dict[str, set[str]]:
    """Names of what a package brings, by type."""
    own: dict[str, set[str]] = {kind.name: set() for kind in ALL}
    for path, content in package.files.items():
        folder, slash, rest = path.partition("/")
        kind = BY_FOLDER.get(folder)
        if kind is None or not slash:
            continue
        if kind.bundle:
            own[kind.name].add(rest.partition("/")[0])
        elif rest.endswith(f".{kind.suffix}"):
            own[kind.name].add(rest.removesuffix(f".{kind.suffix}"))
        if kind.name in ("CustomObject", "CustomLabels") and rest.endswith(f".{kind.suffix}"):
            node = read_node(content, kind.root)
            part, tag = (
                ("CustomField", "fields") if kind.name == "CustomObject" else ("CustomLabel", "labels")
            )
            own[part] |= {element.get("fullName") or "" for element in node.all(tag)}
    return own


def _words(own: Mapping[str, set[str]]) -> set[str]:
    """API names that are renamed wherever they stand: those with a suffix, and the relationships of lookups."""
    found = {
        name
        for type_name in ("CustomObject", "CustomField")
        for name in own[type_name]
        if name.endswith(_SUFFIXES)
    }
    return found | {f"{name.removesuffix('__c')}__r" for name in own["CustomField"] if name.endswith("__c")}


def _path(
    path: str, kind: Kind | None, own: Mapping[str, set[str]], namespace: str, renamed: Callable[[str], str]
) -> str:
    if kind is None:
        return path
    folder, _, rest = path.partition("/")
    name, mark, behind = rest.partition("/") if kind.bundle else rest.partition(".")
    if kind.name == "CustomMetadata":
        type_name, _, record = rest.removesuffix(".md").partition(".")
        if f"{type_name}__mdt" in own["CustomObject"]:
            type_name = f"{namespace}__{type_name}"
        return f"{folder}/{type_name}.{namespace}__{record}.md"
    if kind.name in _PREFIXED and name in own[kind.name] and not name.endswith(_SUFFIXES):
        return f"{folder}/{namespace}__{name}{mark}{behind}"
    return folder + "/" + renamed(rest)


def _member(
    type_name: str, member: str, own: Mapping[str, set[str]], namespace: str, renamed: Callable[[str], str]
) -> str:
    kind = KINDS.get(type_name)
    if kind is None or member == "*":
        return member
    if type_name == "CustomMetadata":
        return _path(f"customMetadata/{member}.md", kind, own, namespace, renamed)[
            len("customMetadata/") : -3
        ]
    if type_name in _PREFIXED and member in own[type_name] and not member.endswith(_SUFFIXES):
        return f"{namespace}__{member}"
    return renamed(member)


def _references(text: str, path: str, own: Mapping[str, set[str]], namespace: str) -> str:
    """The text with the prefix where an element names a component of the package."""

    def put(found: re.Match[str]) -> str:
        tag, name = found.group(1), found.group(2)
        types = _NAMING.get(tag, frozenset[str]())
        if path.startswith("labels/") and tag == "fullName":
            types = frozenset({"CustomLabel"})
        elif path.startswith("translations/") and tag == "name":
            types = frozenset({"CustomLabel", "CustomTab", "CustomApplication"})
        if any(name in own[kind] and kind in _PREFIXED for kind in types) and not name.endswith(_SUFFIXES):
            return f"<{tag}>{namespace}__{name}</{tag}>"
        return found.group()

    return re.sub(r"<(\w+)>\s*([\w ]+?)\s*</\1>", put, text)
