"""Deployed credentials: what hangs on them goes with them."""

from __future__ import annotations

from .archive import Absent
from .deployment import Component, Deployment


async def _there(deployment: Deployment, component: Component) -> None:
    if component.name not in await deployment.names(component.type):
        raise Absent(f"No {component.type} named: {component.name[:80]} found")


async def remove_credential(deployment: Deployment, component: Component) -> None:
    """With an external credential its tokens go."""
    await _there(deployment, component)
    for table in ("external_credential", "external_flow"):
        await deployment.conn.execute(
            f"DELETE FROM auth.{table} WHERE credential = $1",  # noqa: S608 - names written above
            component.name,
        )


async def remove_provider(deployment: Deployment, component: Component) -> None:
    """With an identity provider the client goes as which the org asked it."""
    await _there(deployment, component)
    await deployment.conn.execute("DELETE FROM auth.external_client WHERE provider = $1", component.name)
