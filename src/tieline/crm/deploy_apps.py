"""Deploying OAuth clients: connected apps, and external client apps with their settings and policies."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from .app_metadata import check_keys, client_settings, connected_app, external_policies, scopes_of
from .apps import App, find_app, new_client_id, set_access, store_app
from .auth import seal, unseal
from .ids import parse_id
from .package import Node, Problem
from .rest import Call

if TYPE_CHECKING:
    from .deploy import Outcome


class Deployment(Protocol):
    """What of a deployment is used here, so that imports point one way."""

    call: Call

    @property
    def conn(self) -> Any:
        """The transaction's connection."""
        ...

    async def attempt(self, outcome: Outcome, work: Callable[[], Awaitable[None]]) -> None:
        """One component in a savepoint, its problem noted in the outcome."""
        ...


class AppDeployment:
    """Connected apps, and external client applications: three or four files make one OAuth client."""

    def __init__(self, deployment: Deployment):
        self.deployment = deployment
        self.touched: dict[str, list[Outcome]] = {}

    async def _parts(self, name: str) -> dict[str, Any]:
        stored = await self.deployment.conn.fetchval(
            "SELECT value FROM meta.setting WHERE name = $1", f"eca/{name}"
        )
        return stored or {}

    async def _put(self, name: str, part: str, values: dict[str, Any], outcome: Outcome) -> None:
        parts = await self._parts(name)
        outcome.created = part not in parts
        outcome.changed = parts.get(part) != values
        if outcome.changed:
            await self.deployment.conn.execute(
                "INSERT INTO meta.setting VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                f"eca/{name}",
                parts | {part: values},
            )
        self.touched.setdefault(name, []).append(outcome)

    async def application(self, name: str, node: Node, outcome: Outcome) -> None:
        """The application itself."""
        state = node.need("distributionState")
        if state not in ("Local", "Packaged", "Packageable", "Managed", "AutoInstalled"):
            raise Problem(f"distributionState {state[:40]} is not valid", node.line)
        values = {"label": node.need("label")[:80], "contact": node.need("contactEmail")[:80], "state": state}
        await self._put(name, "application", values, outcome)

    async def _owner(self, node: Node) -> str:
        name = node.need("externalClientApplication")
        if "application" not in await self._parts(name):
            raise Problem(
                f"In field: externalClientApplication - no ExternalClientApplication named {name[:60]} found",
                node.line,
            )
        return name

    async def oauth_settings(self, name: str, node: Node, outcome: Outcome) -> None:
        """Its scopes."""
        scopes = scopes_of(node.need("commaSeparatedOauthScopes").split(","), node)
        await self._put(await self._owner(node), "oauth", {"scopes": scopes}, outcome)

    async def global_settings(self, name: str, node: Node, outcome: Outcome) -> None:
        """Its callback addresses, consumer key and secret. The secret is kept sealed."""
        owner = await self._owner(node)
        settings = client_settings(node)
        before = (await self._parts(owner)).get("global", {})
        client_id = node.get("consumerKey") or before.get("client_id") or new_client_id()
        call = self.deployment.call
        context = f"{call.org.org_id}/{client_id}"
        key = call.org.settings.data_key
        sealed = bytes.fromhex(before["secret"]) if before.get("client_id") == client_id else None
        deployed = unseal(key, sealed, context) if sealed else None
        app = await find_app(self.deployment.conn, call.org, client_id)
        # The secret may have been changed in Set-up since: a package that names none leaves it.
        known = app.secret if app is not None and app.name == owner else deployed
        secret = node.get("consumerSecret") or known or secrets.token_hex(32)
        check_keys(node, client_id, secret)
        kept = before["secret"] if secret == deployed else seal(key, secret, context).hex()
        await self._put(owner, "global", {"client_id": client_id, "secret": kept} | settings, outcome)

    async def policies(self, name: str, node: Node, outcome: Outcome) -> None:
        """Who may use it, how long refresh tokens and sessions last, and the user it runs as."""
        await self._put(await self._owner(node), "policies", external_policies(node), outcome)

    async def connected_app(self, name: str, node: Node, outcome: Outcome) -> None:
        """A connected app, whole in one file."""
        conn, org = self.deployment.conn, self.deployment.call.org
        values = connected_app(node)
        client_id = values.pop("client_id") or await conn.fetchval(
            "SELECT client_id FROM auth.app WHERE name = $1", name
        )
        before = await find_app(conn, org, client_id) if client_id else None
        client_id = client_id or new_client_id()
        secret = values.pop("secret") or (before.secret if before else None) or secrets.token_hex(32)
        check_keys(node, client_id, secret)
        base = before or App(client_id=client_id, name=name, label=name, kind="connected")
        outcome.created = before is None
        outcome.changed = await self._write(replace(base, name=name, secret=secret), values, before)

    async def _write(self, base: App, values: dict[str, Any], before: App | None) -> bool:
        """Stores an app with its policies; answers whether that changed anything."""
        conn, org = self.deployment.conn, self.deployment.call.org
        approved = [
            *await self._ids("Profile", values.pop("profiles", [])),
            *await self._ids("PermissionSet", values.pop("permission_sets", [])),
        ]
        if values.get("run_as"):
            values["run_as"] = (await self._ids("User", [values["run_as"]], "Username"))[0]
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

    async def _ids(self, table: str, names: list[str], column: str = "Name") -> list[str]:
        """Ids of records that metadata names, by id or by name."""
        found: list[str] = []
        for name in names:
            record_id = await self.deployment.conn.fetchval(
                f'SELECT "Id" FROM data."{table}" WHERE ("Id" = $1 OR lower("{column}") = lower($2))'  # noqa: S608 - names of ours
                ' AND NOT "IsDeleted"',
                parse_id(name) or "",
                name,
            )
            if record_id is None:
                raise Problem(f"no {table} named {name[:80]} found")
            found.append(record_id)
        return found

    async def store(self) -> None:
        """Writes the OAuth client of every application that is complete."""
        for name, outcomes in self.touched.items():
            parts = await self._parts(name)
            if not {"application", "oauth", "global"} <= parts.keys():
                continue

            async def write(parts: dict[str, Any] = parts, name: str = name) -> None:
                call = self.deployment.call
                settings: dict[str, Any] = dict(parts["global"])
                client_id, sealed = settings.pop("client_id"), bytes.fromhex(settings.pop("secret"))
                secret = unseal(call.org.settings.data_key, sealed, f"{call.org.org_id}/{client_id}")
                before = await find_app(self.deployment.conn, call.org, client_id)
                base = before or App(client_id=client_id, name=name, label=name)
                values = settings | parts["oauth"] | parts.get("policies", {})
                values |= {
                    "label": parts["application"]["label"],
                    "contact_email": parts["application"]["contact"],
                }
                await self._write(replace(base, name=name, secret=secret), values, before)

            await self.deployment.attempt(outcomes[-1], write)
