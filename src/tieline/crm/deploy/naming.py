"""API names in metadata: what they may look like, with and without a package's namespace."""

from __future__ import annotations

import re

from .archive import Node, Problem

_WORD = r"[A-Za-z](?:_?[A-Za-z0-9])*"
_PREFIX = re.compile(r"([A-Za-z](?:_?[A-Za-z0-9])*)__(?=[A-Za-z])")
NAME = re.compile(_WORD)
NAMESPACE = re.compile(r"[A-Za-z][A-Za-z0-9]{0,14}")
MAX_NAME = 40


def namespace_of(name: str) -> str | None:
    """The namespace prefix that an API name carries: `tl` of `tl__Call__c` and of `tl__Agent`."""
    bare = re.sub(r"__(c|mdt|e|b|x|r)$", "", name)
    found = _PREFIX.match(bare)
    return found.group(1) if found else None


def local_name(name: str) -> str:
    """A component's name without its namespace prefix."""
    prefix = namespace_of(name)
    return name.removeprefix(f"{prefix}__") if prefix else name


def check_api_name(name: str, suffix: str, namespace: str | None, known: bool, line: int | None) -> None:
    """Problem for a name that nothing can have; a foreign prefix is for what is there already."""
    prefix = namespace_of(name)
    bare = name.removeprefix(f"{prefix}__") if prefix else name
    word = bare.removesuffix(suffix)
    if not bare.endswith(suffix) or not NAME.fullmatch(word) or len(word) > MAX_NAME:
        raise Problem(f"The name {name[:60]!r} is not valid: it must end with {suffix}", line)
    if prefix and not known and prefix != namespace:
        raise Problem(f"The namespace prefix {prefix[:20]!r} is not that of this org", line)


def check_developer_name(name: str, line: int | None, most: int = 80) -> None:
    """Problem for a component's name that is none."""
    prefix = namespace_of(name)
    word = name.removeprefix(f"{prefix}__") if prefix else name
    if not NAME.fullmatch(word) or len(word) > most:
        raise Problem(
            f"The name {name[:60]!r} is not valid: it can only contain underscores and alphanumeric characters, must"
            " begin with a letter, not end with an underscore, and not contain two consecutive underscores",
            line,
        )


def display_format(node: Node) -> str:
    """How a record's number is written, such as `C-{0000}`."""
    pattern = node.get("displayFormat") or "{0}"
    if not re.fullmatch(r"[^{}]{0,20}\{0{1,10}\}[^{}]{0,10}", pattern):
        raise Problem(f"displayFormat {pattern[:40]!r} is not valid", node.line)
    return pattern
