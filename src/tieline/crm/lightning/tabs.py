"""Custom tabs that show components, and who sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..access.questions import Caller
from ..deploy.archive import Node
from ..deploy.components import all_stored, stored
from .labels import translations


@dataclass(frozen=True, slots=True)
class ComponentTab:
    """A custom tab and the components it shows, by their names in the org, from top to bottom."""

    name: str
    label: str
    components: tuple[str, ...]


async def component_tabs(conn: Any, caller: Caller, hidden: frozenset[str]) -> list[ComponentTab]:
    """The tabs of components that a user may open."""
    found: list[ComponentTab] = []
    translated: dict[str, str] | None = None
    for row in await all_stored(conn, "CustomTab"):
        if row.source is None or row.name in hidden:
            continue
        components = await _components(conn, row.source, row.namespace)
        if not components:
            continue
        if translated is None:
            translated = await translations(conn, "customTabs", caller.words)
        label = translated.get(row.name) or row.source.get("label") or row.name
        found.append(ComponentTab(row.name, label, components))
    return found


async def _components(conn: Any, tab: Node, namespace: str | None) -> tuple[str, ...]:
    component = tab.get("lwcComponent")
    if component:
        return (component,)
    page = tab.get("flexiPage")
    row = await stored(conn, "FlexiPage", page) if page else None
    if row is None or row.source is None:
        return ()
    prefix = f"{namespace}__" if namespace else ""
    found: list[str] = []
    for region in row.source.all("flexiPageRegions"):
        items = [item for each in region.all("itemInstances") for item in each.all("componentInstance")]
        for instance in [*items, *region.all("componentInstances")]:
            space, colon, name = (instance.get("componentName") or "").rpartition(":")
            if name and space in ("c", namespace or "c", "") and (colon or not space):
                found.append(prefix + name)
    return tuple(found)
