"""Sharing rules, each a component of its object's file `sharingRules/Account.sharingRules`."""

from __future__ import annotations

from ..schema import bump, load_catalogue
from ..shares.objects import follow_rules
from ..shares.rules import deploy_sharing_rules
from .archive import Absent, Problem, group
from .deployment import Component, Deployment


async def check_file(deployment: Deployment, component: Component) -> None:
    """What stands in a file beside its rules: nothing but rules for territories, which this org does not have."""
    if component.node.all("sharingTerritoryRules"):
        raise Problem("Territories are not part of this org", component.node.line)
    component.node.only(frozenset({"fullName"}), "SharingRules")


async def apply(deployment: Deployment, component: Component) -> None:
    """Keeps one rule; the others of its object stay as they are."""
    object_name = component.name.partition(".")[0]
    await deployment.reload()
    file = group("SharingRules", component.node)
    component.id, component.created, component.changed = await deploy_sharing_rules(
        deployment.conn, object_name, file
    )
    deployment.stale = deployment.stale or component.changed


async def remove(deployment: Deployment, component: Component) -> None:
    """Deletes one rule; who saw records by it alone no longer does."""
    object_name, _, name = component.name.partition(".")
    gone = await deployment.conn.execute(
        "DELETE FROM meta.sharing_rule WHERE object_name = $1 AND name = $2", object_name, name
    )
    if gone == "DELETE 0":
        raise Absent(f"No {component.type} named: {component.name[:90]} found")
    await bump(deployment.conn)
    await follow_rules(deployment.conn, await load_catalogue(deployment.conn), object_name)
    deployment.stale = True
