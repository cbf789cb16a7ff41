"""Addresses of Salesforce Classic, which bookmarks, e-mails and integrations still hold, and where they lead now.

What has a page in the console goes there. The others get the console's page that says what is supported.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from . import console
from .access.questions import rights
from .access.rights import Caller
from .errors import Fault
from .ids import parse_id
from .metadata import Catalogue, ObjectType
from .sign_in import door
from .web import lightning_origin, place_of

_PLACES = re.compile(
    r"/(?:(?:apex|home|one|p|search|secur|servlet|setup|ui|_ui|visualforce)(?:/|$)|[0-9A-Za-z]{3}(?:/|$)"
    r"|[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?(?:/|$))"
)
_SEARCHES = ("/_ui/search/ui/UnifiedSearchResults", "/search/SearchResults", "/search/SearchResults.jsp")


def is_classic(path: str) -> bool:
    """True for paths that Classic has: record ids, key prefixes and its fixed places."""
    return _PLACES.match(path) is not None


def lightning_path(path: str, query: Mapping[str, str], catalogue: Catalogue, caller: Caller) -> str | None:
    """Where a Classic address leads in the console, or None where nothing there is like it."""
    if path in ("/home/home.jsp", "/home", "/one/one.app", "/one"):
        return door.HOME
    if path in _SEARCHES:
        return f"/lightning/search?q={quote(query.get('str', '')[:200])}"
    first, _, second = path.strip("/").partition("/")
    record_id = parse_id(first)
    if record_id is not None and second in ("", "e"):
        value = _opened(catalogue, caller, record_id)
        return f"/lightning/r/{value.name}/{record_id}/view" if value else None
    value = _opened(catalogue, caller, first) if len(first) == 3 else None
    if value is None:
        return None
    if second in ("", "o"):
        view = parse_id(query.get("fcf", ""))
        return f"/lightning/o/{value.name}/list" + (f"?filterName={view}" if view else "")
    return f"/lightning/o/{value.name}/new" if second == "e" else None


def _opened(catalogue: Catalogue, caller: Caller, record_id: str) -> ObjectType | None:
    value = catalogue.of_id(record_id)
    return value if value is not None and rights(caller, value).read and not value.setup else None


async def page(request: Request) -> Response:
    """A Classic address, opened by somebody: leads to its page, after signing in where that is needed."""
    query = f"?{request.url.query}" if request.url.query else ""
    if place_of(request) != "lightning":
        return door.redirect(lightning_origin(request) + request.url.path + query, 302)
    try:
        async with console.visiting(request) as visit:
            found = lightning_path(
                request.url.path, dict(request.query_params), visit.call.catalogue, visit.caller
            )
    except Fault:
        return door.begin_handoff(request, door.local_path(request.url.path + query, door.HOME))
    return await console.page(request) if found is None else door.redirect(found, 302)
