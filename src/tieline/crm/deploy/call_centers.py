"""Call centers as metadata: `callCenters/Name.callCenter`."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from ..callcenters import store_call_center
from ..metadata import Catalogue
from ..softphone import Definition, check_adapter_url
from .archive import Absent, Node, Problem, group, leaf
from .components import stored
from .deployment import Component, Deployment

MODELLED = frozenset({"adapterUrl", "displayName", "fullName", "sections"})


async def apply(deployment: Deployment, component: Component) -> None:
    """Writes a call center's record and its definition."""
    name, node = component.name, component.node
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,39}", name):
        raise Problem(f"The internal name {name[:60]!r} is not valid", node.line)
    sections: list[dict[str, Any]] = [
        {
            "name": section.need("name"),
            "label": section.get("label"),
            "items": [
                {"name": item.need("name"), "label": item.get("label"), "value": item.get("value") or ""}
                for item in section.all("items")
            ],
        }
        for section in node.all("sections")
    ]
    general = next((section for section in sections if section["name"] == "reqGeneralInfo"), None)
    if general is None:
        general = dict[str, Any](name="reqGeneralInfo", label="General Information", items=[])
        sections.insert(0, general)
    items: list[dict[str, Any]] = general["items"]
    given: dict[str, str] = {"reqAdapterUrl": node.get("adapterUrl") or ""}
    custom = node.get("customSettings")
    if custom:
        try:
            parsed: Any = json.loads(custom)
        except ValueError:
            raise Problem("customSettings is not valid JSON", node.line) from None
        if isinstance(parsed, dict):
            settings: dict[str, Any] = parsed
            given |= {str(key): str(content) for key, content in settings.items()}
    for key, content in given.items():
        if content and not any(item["name"] == key for item in items):
            items.append({"name": key, "label": None, "value": content})
    adapter = next((item["value"] for item in items if item["name"] == "reqAdapterUrl"), "")
    check_adapter_url(adapter)
    definition = Definition(name, node.need("displayName")[:80], adapter, sections)
    call = deployment.call
    before = await deployment.conn.fetchrow(
        'SELECT c."Id", c."Name", c."AdapterUrl", d.sections FROM data."CallCenter" c JOIN meta.call_center_definition d'
        ' ON d.call_center_id = c."Id" WHERE lower(c."InternalName") = lower($1) AND NOT c."IsDeleted"',
        name,
    )
    if before and (before["Name"], before["AdapterUrl"], before["sections"]) == (
        definition.display_name,
        definition.adapter_url,
        sections,
    ):
        component.id = before["Id"]
        return
    component.id, component.created = await store_call_center(
        deployment.conn, call.org.instance, "04v", call.caller.user_id, definition, replace=True
    )
    component.changed = True


async def names(conn: Any, catalogue: Catalogue) -> list[str]:
    """Internal names of all call centers."""
    rows = await conn.fetch('SELECT "InternalName" AS name FROM data."CallCenter" WHERE NOT "IsDeleted"')
    return sorted(row["name"] for row in rows)


async def read(conn: Any, catalogue: Catalogue, name: str) -> Sequence[Node] | None:
    """A call center with its sections."""
    row = await conn.fetchrow(
        'SELECT c."Name", c."AdapterUrl", d.sections FROM data."CallCenter" c LEFT JOIN meta.call_center_definition d'
        ' ON d.call_center_id = c."Id" WHERE lower(c."InternalName") = lower($1) AND NOT c."IsDeleted"',
        name,
    )
    if row is None:
        return None
    derived = await _derived(conn, name)
    found = [leaf("displayName", row["Name"])]
    if row["AdapterUrl"]:
        found.append(leaf("adapterUrl", row["AdapterUrl"]))
    for section in row["sections"] or []:
        items = [
            group(
                "items",
                leaf("label", item["label"]) if item.get("label") else None,
                leaf("name", item["name"]),
                leaf("value", item.get("value") or ""),
            )
            for item in section["items"]
            if item["name"] not in derived
        ]
        label = leaf("label", section["label"]) if section.get("label") else None
        found.append(group("sections", *items, label, leaf("name", section["name"])))
    return found


async def _derived(conn: Any, name: str) -> set[str]:
    """Items that a deployed file said elsewhere than in its sections: as its address, or as a custom setting."""
    row = await stored(conn, "CallCenter", name)
    source = row.source if row else None
    if source is None:
        return set()
    custom = source.get("customSettings")
    settings: Any = json.loads(custom) if custom else {}
    said = {"reqAdapterUrl", *(settings if isinstance(settings, dict) else ())}  # pyright: ignore[reportUnknownVariableType]
    return said - {item.need("name") for section in source.all("sections") for item in section.all("items")}


async def remove(deployment: Deployment, component: Component) -> None:
    """Deletes a call center; its users have none then."""
    conn = deployment.conn
    gone = await conn.fetchval(
        'UPDATE data."CallCenter" SET "IsDeleted" = true, "SystemModstamp" = now() WHERE NOT "IsDeleted"'
        ' AND lower("InternalName") = lower($1) RETURNING "Id"',
        component.name,
    )
    if gone is None:
        raise Absent(f"No CallCenter named: {component.name[:80]} found")
    await conn.execute('UPDATE data."User" SET "CallCenterId" = NULL WHERE "CallCenterId" = $1', gone)
    await conn.execute("DELETE FROM meta.call_center_definition WHERE call_center_id = $1", gone)
    component.id = gone
