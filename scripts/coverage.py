"""Writes the guide's page of what the embedded org's API covers, from its routes and the notes beside them.

Run by `make generate`, compared by `make check`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from starlette.routing import Route as Door

from tieline.crm.app import RESOURCES, doors
from tieline.crm.rest import MAX_VERSION, MIN_VERSION, MISSING, ROUTES, Route
from tieline.crm.soap.door import operations

PAGE = Path(__file__).resolve().parent.parent / "docs" / "guide" / "local-org-coverage.md"
_HEADERS = (
    "Headers that count: `SessionHeader`, `LoginScopeHeader`, `CallOptions` (client), `QueryOptions`, `AllOrNoneHeader`,",
    "`DuplicateRuleHeader`, `AssignmentRuleHeader`; others are read over. There is no WSDL to download.",
)
_PARTS = (
    ("Records and objects", ("sobjects",)),
    ("Queries and search", ("query", "queryAll", "search", "parameterizedSearch", "recent")),
    ("Several requests in one", ("composite",)),
    ("User interface", ("ui-api", "compactLayouts", "quickActions")),
    ("Events", ("event",)),
    ("Tooling", ("tooling",)),
    ("The rest", ("", "limits", "metadata")),
)


def _rows(routes: Iterable[Route]) -> list[str]:
    found = {}
    for route in routes:
        found.setdefault(route.pattern, []).append(route)
    rows = []
    for pattern, same in sorted(found.items()):
        lacks = "; ".join(dict.fromkeys(route.lacks for route in same if route.lacks))
        state = f"partly: {lacks}" if lacks else "supported"
        methods = " ".join(sorted({route.method for route in same}))
        rows.append(f"| `{pattern or '/'}` | {methods} | {state} |")
    return rows


def page() -> str:
    """The whole page."""
    lines = [
        "# What the embedded org's API covers",
        "",
        "Made by `scripts/coverage.py` from the routes and the notes beside them: change those, then `make generate`.",
        "",
        f"Paths are below `/services/data/vXX.0/`; versions {MIN_VERSION} to {MAX_VERSION} answer alike.",
        "`HEAD` goes wherever `GET` does, and `POST` with `?_HttpMethod=` for the other methods. *Supported* is what",
        "clients rely on by the documentation; choices where it is silent are in `docs/unconfirmed.md`.",
    ]
    known: set[str] = set()
    for title, firsts in _PARTS:
        routes = [route for route in ROUTES if route.pattern.split("/")[0] in firsts]
        known.update(route.pattern for route in routes)
        lines += ["", f"## {title}", "", "| path | methods | state |", "|---|---|---|", *_rows(routes)]
    left = {route.pattern for route in ROUTES} - known
    assert not left, f"these belong to no part of the page: {left}"
    lines += ["", "## Other doors", "", "| path | methods |", "|---|---|"]
    listed = {
        (door.path, " ".join(sorted((door.methods or set()) - {"HEAD"})))
        for door in doors()
        if isinstance(door, Door)
        and door.path.startswith(("/services/", "/id/", "/.well-known", "/cometd"))
        and not door.path.startswith("/services/data/{")
    }
    lines += [f"| `{path}` | {methods} |" for path, methods in sorted(listed)]
    lines += [
        "",
        "## SOAP operations",
        "",
        ", ".join(f"`{name}`" for name in operations()) + ".",
        "",
        *_HEADERS,
    ]
    lines += ["", "## Not there", "", "| resource | instead |", "|---|---|"]
    lines += [f"| {what} | {instead} |" for what, instead in MISSING]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page; with `--check`, change nothing and fail on a difference."""
    assert RESOURCES, "importing the application enters all resources"
    text = page()
    if PAGE.exists() and PAGE.read_text("utf-8") == text:
        return 0
    if "--check" in sys.argv:
        print(f"{PAGE.name} is out of date: run `make generate` and commit the result")
        return 1
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
