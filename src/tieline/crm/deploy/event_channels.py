"""Objects whose changes are told: `platformEventChannelMembers/Name.platformEventChannelMember`."""

from __future__ import annotations

from ..events.channels import Member, deselect, members, object_of_event, select
from .archive import Absent, Problem
from .deployment import Component, Deployment


async def _known(deployment: Deployment, name: str) -> Member | None:
    found = await members(deployment.conn)
    return next((member for member in found if member.full_name.lower() == name.lower()), None)


async def apply(deployment: Deployment, component: Component) -> None:
    """Selects an object for a channel of change events."""
    node = component.node
    if node.get("filterExpression") or node.all("enrichedFields"):
        raise Problem("filterExpression and enrichedFields are not supported by this org", node.line)
    channel, entity = node.need("eventChannel"), node.need("selectedEntity")
    known = await _known(deployment, component.name)
    value = object_of_event(deployment.catalogue, entity)
    if known is not None:
        component.id = known.id
        if value is not None and (known.channel, known.object_name) == (channel, value.name):
            return
        await deselect(deployment.conn, deployment.catalogue, known)
    instance = deployment.call.org.instance
    made = await select(deployment.conn, deployment.catalogue, instance, channel, entity, component.name)
    component.id, component.created, component.changed = made.id, known is None, True
    deployment.call.org.wake("events")


async def remove(deployment: Deployment, component: Component) -> None:
    """Takes an object off its channel."""
    known = await _known(deployment, component.name)
    if known is None:
        raise Absent(f"No PlatformEventChannelMember named: {component.name[:80]} found")
    await deselect(deployment.conn, deployment.catalogue, known)
