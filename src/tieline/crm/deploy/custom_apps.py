"""Lightning apps as metadata: a deployed app stands in the launcher at once, with its tabs and its utility bar."""

from __future__ import annotations

from typing import Any

from ..navigation.apps import HOME, MAX_ITEMS, CustomApp, all_apps, delete, store, tab_object
from .archive import Absent, Node, Problem
from .components import stored
from .deployment import Component, Deployment
from .stored import application

_UTILITIES = {"opencti:softPhone": "softphone"}
"""Utility items that this org has, by the name of their component."""


async def apply(deployment: Deployment, component: Component) -> None:
    """Keeps an app. Tabs and utility items that the console has no page for are kept in the file only."""
    await application(deployment, component)
    node = component.node
    known = next((app for app in await all_apps(deployment.conn) if app.name == component.name), None)
    if known is not None and known.standard:
        raise Problem(f"Cannot modify the standard app {component.name[:60]}", node.line)
    tabs = [item.text for item in node.all("tabs")]
    known_tabs = await deployment.names("CustomTab")
    items = [
        name
        for name in tabs
        if name == HOME or name in known_tabs or tab_object(deployment.catalogue, name) is not None
    ]
    app = CustomApp(
        component.name,
        node.need("label")[:80],
        "Console" if node.get("navType") == "Console" else "Standard",
        known.label_ja if known else None,
        (node.get("description") or "")[:1000],
        known.description_ja if known else None,
        tuple(dict.fromkeys(items))[:MAX_ITEMS] or (HOME,),
        tuple(await _utilities(deployment, node.get("utilityBar"))),
    )
    kept = await store(deployment.conn, deployment.call.org.instance, app)
    component.id = kept.id
    component.created, component.changed = known is None, kept != known


async def _utilities(deployment: Deployment, page: str | None) -> list[dict[str, Any]]:
    """The items of a utility bar that this org has, with what they say differently."""
    row = await stored(deployment.conn, "FlexiPage", page) if page else None
    found: dict[str, dict[str, Any]] = {}
    for region in row.source.all("flexiPageRegions") if row and row.source else ():
        for item in region.all("itemInstances"):
            for instance in item.all("componentInstance"):
                kind = _UTILITIES.get(instance.get("componentName") or "")
                if kind is not None:
                    found[kind] = {"type": kind} | _look(instance)
    return list(found.values())


def _look(instance: Node) -> dict[str, Any]:
    said = {
        part.get("name") or "": part.get("value") or ""
        for part in instance.all("componentInstanceProperties")
    }
    look: dict[str, Any] = {}
    for name, least, most in (("width", 200, 1920), ("height", 240, 2560)):
        if said.get(name, "").isdecimal() and least <= int(said[name][:5]) <= most:
            look[name] = int(said[name])
    if said.get("label"):
        look["label"] = said["label"][:80]
    if "eager" in said:
        look["auto_start"] = said["eager"] == "true"
    return look


async def remove(deployment: Deployment, component: Component) -> None:
    """Deletes an app."""
    if not await delete(deployment.conn, component.name):
        raise Absent(f"No CustomApplication named: {component.name[:80]} found")
