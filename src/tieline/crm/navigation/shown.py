"""What the console is told of apps: those the user may switch to, the one in use, and its utility items."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..access.questions import Caller
from ..access.tabs import kept_from
from ..lightning.tabs import component_tabs
from ..metadata import Catalogue
from .apps import HOME, CustomApp, all_apps, may_open, tab_object, utilities
from .choices import choice

APP = "app"
"""The name of the choice that is the user's app."""


async def navigation(
    conn: Any,
    catalogue: Catalogue,
    caller: Caller,
    org_wide: Sequence[Mapping[str, Any]],
    softphone_size: tuple[int, int],
) -> dict[str, Any]:
    """`{apps, app, tabs, utility_items}`, the last of the app in use; `org_wide` is what the org says for all apps,
    `softphone_size` what the user's call center says."""
    apps = await all_apps(conn)
    hidden = await kept_from(conn, caller)
    chosen: Any = await choice(conn, caller.user_id, APP)
    current = next((app for app in apps if app.name == chosen), apps[0] if apps else CustomApp("", ""))
    language = "ja" if caller.language == "ja" else "en"
    tabs = await component_tabs(conn, caller, hidden)
    shown = [tab.name for tab in tabs]
    return {
        "apps": [
            {
                "id": app.id,
                "name": app.name,
                "label": app.label_in(language),
                "description": app.description_in(language),
                "nav_type": app.nav_type,
                "items": _items(app, catalogue, caller, hidden, shown),
                "utility_items": utilities(app, org_wide, language, softphone_size),
            }
            for app in apps
        ],
        "app": current.name,
        "tabs": [{"name": tab.name, "label": tab.label, "components": list(tab.components)} for tab in tabs],
        "utility_items": utilities(current, org_wide, language, softphone_size),
    }


def _items(
    app: CustomApp, catalogue: Catalogue, caller: Caller, hidden: frozenset[str], tabs: Collection[str]
) -> list[str]:
    """The app's items that the user may open: `home`, an object's name, or `tab:` and a tab's."""
    found: list[str] = []
    for item in app.items:
        value = tab_object(catalogue, item)
        if item in hidden:
            continue
        if item == HOME:
            found.append("home")
        elif value is not None and may_open(caller, value):
            found.append(value.name)
        elif value is None and item in tabs:
            found.append(f"tab:{item}")
    return found
