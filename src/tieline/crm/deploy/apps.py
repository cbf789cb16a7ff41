"""Deploying OAuth clients: connected apps, and external client apps with their settings and policies."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from ..ids import parse_id
from ..sign_in.apps import App, find_app, new_client_id, set_access, store_app
from ..sign_in.auth import seal, unseal
from .archive import Absent, Node, Problem
from .components import stored
from .deployment import Component, Deployment
from .oauth_clients import check_keys, client_settings, connected_app, external_policies, scopes_of


async def _parts(conn: Any, name: str) -> dict[str, Any]:
    stored = await conn.fetchval("SELECT value FROM meta.setting WHERE name = $1", f"eca/{name}")
    return stored or {}


async def _put(
    deployment: Deployment, name: str, part: str, values: dict[str, Any], component: Component
) -> None:
    parts = await _parts(deployment.conn, name)
    component.created = part not in parts
    component.changed = parts.get(part) != values
    if component.changed:
        await deployment.conn.execute(
            "INSERT INTO meta.setting VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            f"eca/{name}",
            parts | {part: values},
        )
    await _assemble(deployment, name)


async def apply_application(deployment: Deployment, component: Component) -> None:
    """The application itself."""
    name, node = component.name, component.node
    state = node.need("distributionState")
    if state not in ("Local", "Packaged", "Packageable", "Managed", "AutoInstalled"):
        raise Problem(f"distributionState {state[:40]} is not valid", node.line)
    values = {"label": node.need("label")[:80], "contact": node.need("contactEmail")[:80], "state": state}
    await _put(deployment, name, "application", values, component)


async def _owner(deployment: Deployment, node: Node) -> str:
    name = node.need("externalClientApplication")
    if "application" not in await _parts(deployment.conn, name):
        raise Problem(
            f"In field: externalClientApplication - no ExternalClientApplication named {name[:60]} found",
            node.line,
        )
    return name


async def apply_oauth_settings(deployment: Deployment, component: Component) -> None:
    """Its scopes."""
    node = component.node
    scopes = scopes_of(node.need("commaSeparatedOauthScopes").split(","), node)
    await _put(deployment, await _owner(deployment, node), "oauth", {"scopes": scopes}, component)


async def apply_global_settings(deployment: Deployment, component: Component) -> None:
    """Its callback addresses, consumer key and secret. The secret is kept sealed."""
    node = component.node
    owner = await _owner(deployment, node)
    settings = client_settings(node)
    before = (await _parts(deployment.conn, owner)).get("global", {})
    client_id = node.get("consumerKey") or before.get("client_id") or new_client_id()
    call = deployment.call
    context = f"{call.org.org_id}/{client_id}"
    key = call.org.settings.data_key
    sealed = bytes.fromhex(before["secret"]) if before.get("client_id") == client_id else None
    deployed = unseal(key, sealed, context) if sealed else None
    app = await find_app(deployment.conn, call.org, client_id)
    # The secret may have been changed in Set-up since: a package that names none leaves it.
    known = app.secret if app is not None and app.name == owner else deployed
    secret = node.get("consumerSecret") or known or secrets.token_hex(32)
    check_keys(node, client_id, secret)
    kept = before["secret"] if secret == deployed else seal(key, secret, context).hex()
    await _put(deployment, owner, "global", {"client_id": client_id, "secret": kept} | settings, component)


async def apply_policies(deployment: Deployment, component: Component) -> None:
    """Who may use it, how long refresh tokens and sessions last, and the user it runs as."""
    node = component.node
    await _put(deployment, await _owner(deployment, node), "policies", external_policies(node), component)


async def apply_connected_app(deployment: Deployment, component: Component) -> None:
    """A connected app, whole in one file."""
    name, node = component.name, component.node
    conn, org = deployment.conn, deployment.call.org
    values = connected_app(node)
    client_id = values.pop("client_id") or await conn.fetchval(
        "SELECT client_id FROM auth.app WHERE name = $1", name
    )
    before = await find_app(conn, org, client_id) if client_id else None
    client_id = client_id or new_client_id()
    secret = values.pop("secret") or (before.secret if before else None) or secrets.token_hex(32)
    check_keys(node, client_id, secret)
    base = before or App(client_id=client_id, name=name, label=name, kind="connected")
    component.created = before is None
    component.changed = await _write(deployment, replace(base, name=name, secret=secret), values, before)


async def _write(deployment: Deployment, base: App, values: dict[str, Any], before: App | None) -> bool:
    """Stores an app with its policies; answers whether that changed anything."""
    conn, org = deployment.conn, deployment.call.org
    approved = [
        *await _ids(deployment, "Profile", values.pop("profiles", [])),
        *await _ids(deployment, "PermissionSet", values.pop("permission_sets", [])),
    ]
    if values.get("run_as"):
        values["run_as"] = (await _ids(deployment, "User", [values["run_as"]], "Username"))[0]
    for name in ("callbacks", "scopes"):
        values[name] = tuple(values[name])
    app = replace(base, **values)
    known = {
        row["parent_id"]
        for row in await conn.fetch(
            "SELECT parent_id FROM auth.app_access WHERE client_id = $1", app.client_id
        )
    }
    if app == before and ("permitted" not in values or known == set(approved)):
        return False
    if not await store_app(conn, org, app):
        raise Problem("consumerKey is already used by another application")
    if "permitted" in values:
        await set_access(conn, app.client_id, approved)
    return True


async def _ids(deployment: Deployment, table: str, names: list[str], column: str = "Name") -> list[str]:
    """Ids of records that metadata names, by id or by name."""
    found: list[str] = []
    for name in names:
        record_id = await deployment.conn.fetchval(
            f'SELECT "Id" FROM data."{table}" WHERE ("Id" = $1 OR lower("{column}") = lower($2))'  # noqa: S608 - names of ours
            ' AND NOT "IsDeleted"',
            parse_id(name) or "",
            name,
        )
        if record_id is None:
            raise Problem(f"no {table} named {name[:80]} found")
        found.append(record_id)
    return found


async def _assemble(deployment: Deployment, name: str) -> None:
    """Writes the OAuth client of an application, once application, scopes and addresses are there."""
    parts = await _parts(deployment.conn, name)
    if not {"application", "oauth", "global"} <= parts.keys():
        return
    org = deployment.call.org
    settings: dict[str, Any] = dict(parts["global"])
    client_id, sealed = settings.pop("client_id"), bytes.fromhex(settings.pop("secret"))
    secret = unseal(org.settings.data_key, sealed, f"{org.org_id}/{client_id}")
    before = await find_app(deployment.conn, org, client_id)
    base = before or App(client_id=client_id, name=name, label=name)
    values = settings | parts["oauth"] | parts.get("policies", {})
    values |= {"label": parts["application"]["label"], "contact_email": parts["application"]["contact"]}
    await _write(deployment, replace(base, name=name, secret=secret), values, before)


# -- deleting ---------------------------------------------------------------------------------------------------


async def remove_application(deployment: Deployment, component: Component) -> None:
    """Deletes an external client app with all of its settings and tokens."""
    conn, name = deployment.conn, component.name
    if "application" not in await _parts(conn, name):
        raise Absent(f"No ExternalClientApplication named: {name[:80]} found")
    await conn.execute("DELETE FROM auth.app WHERE name = $1 AND kind = 'external'", name)
    await conn.execute("DELETE FROM meta.setting WHERE name = $1", f"eca/{name}")


async def remove_connected_app(deployment: Deployment, component: Component) -> None:
    """Deletes a connected app with its tokens."""
    gone = await deployment.conn.execute(
        "DELETE FROM auth.app WHERE name = $1 AND kind = 'connected'", component.name
    )
    if gone == "DELETE 0":
        raise Absent(f"No ConnectedApp named: {component.name[:80]} found")


async def _without(deployment: Deployment, component: Component, part: str) -> None:
    row = await stored(deployment.conn, component.type, component.name)
    owner = row.source.get("externalClientApplication") if row and row.source else None
    if owner is None:
        raise Absent(f"No {component.type} named: {component.name[:80]} found")
    parts = await _parts(deployment.conn, owner)
    parts.pop(part, None)
    await deployment.conn.execute("UPDATE meta.setting SET value = $2 WHERE name = $1", f"eca/{owner}", parts)
    if part != "policies":
        await deployment.conn.execute("DELETE FROM auth.app WHERE name = $1 AND kind = 'external'", owner)


async def remove_oauth_settings(deployment: Deployment, component: Component) -> None:
    """Takes an app's scopes, without which it is no OAuth client."""
    await _without(deployment, component, "oauth")


async def remove_global_settings(deployment: Deployment, component: Component) -> None:
    """Takes an app's addresses and secret, without which it is no OAuth client."""
    await _without(deployment, component, "global")


async def remove_policies(deployment: Deployment, component: Component) -> None:
    """Takes an app's policies; what they said last goes on."""
    await _without(deployment, component, "policies")


def without_secret(node: Node) -> Node:
    """A file as it is kept and retrieved: consumer secrets are kept sealed elsewhere, and never told again."""
    children = [
        without_secret(child)
        for child in node.children
        if child.tag
        not in ("consumerSecret", "oauthToken", "oauthRefreshToken", "password", "awsAccessSecret")
    ]
    return replace(node, children=children)
