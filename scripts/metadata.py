"""`make check` of the Salesforce project: Salesforce's types, names that the files use of each other, and hosts."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scripts import metadata_references, metadata_types

PROJECT = metadata_types.ROOT / "sfdx"
_ADDRESS = re.compile(r"https?://([\w.-]+)")
_HOSTS = frozenset({"origin.tieline.invalid", "vanity.tieline.invalid", "soap.sforce.com", "www.w3.org"})
"""Hosts that building replaces, and those of XML namespaces."""


def problems(root: Path) -> Iterator[str]:
    """Everything that is wrong with a project."""
    types = metadata_types.Types.read()
    readable = True
    for path in sorted(root.rglob("*-meta.xml")):
        for problem in metadata_types.problems_of(types, path):
            readable = readable and "not well-formed" not in problem
            yield f"{path.relative_to(root)}: {problem}"
        for host in set(_ADDRESS.findall(path.read_text("utf-8", "replace"))) - _HOSTS:
            yield f"{path.relative_to(root)}: {host} is no host that building fills in"
    if readable:
        for path, problem in metadata_references.problems_of(metadata_references.Project(root)):
            yield f"{path.relative_to(root)}: {problem}"


def main() -> int:
    """Print what is wrong; 1 when anything is."""
    found = list(problems(PROJECT))
    for problem in found[:100]:
        print(f"sfdx/{problem}")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
