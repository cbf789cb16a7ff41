"""What an administrator does with OAuth clients in Set-up, and who signed in."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import audit_trail
from ..access.managed import managed_fault
from ..console import Visit, answering
from ..errors import Fault, not_found
from ..ids import parse_id
from ..sign_in.apps import (
    MAX_CALLBACKS,
    App,
    Kind,
    Permitted,
    RefreshPolicy,
    all_apps,
    callback_problem,
    certificate_problem,
    find_app,
    new_client_id,
    scope_word,
    set_access,
    store_app,
)
from ..sign_in.tokens import PASSWORD_SETTING
from ..web import json_response
from .administration import (
    administering,
    body_of,
    choice_of,
    flag_of,
    looking,
    refusal,
    store_setting,
    text_of,
)

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
MAX_SECONDS = 10 * 365 * 86_400


def _number(name: str, value: Any, most: int) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise refusal(name, f"must be null or a number from 1 to {most}")
    return value


def _texts(name: str, value: Any, most: int) -> list[str]:
    if not isinstance(value, list):
        raise refusal(name, "must be a list")
    items: list[Any] = value
    if len(items) > most:
        raise refusal(name, f"must have at most {most} entries")
    return [text_of(name, item, 2000) for item in items]


def _callbacks(name: str, value: Any) -> tuple[str, ...]:
    found = _texts(name, value, MAX_CALLBACKS)
    for url in found:
        problem = callback_problem(url)
        if problem:
            raise refusal(name, f"{url[:80]!r} {problem}")
    return tuple(dict.fromkeys(found))


def _scopes(name: str, value: Any) -> tuple[str, ...]:
    words: list[str] = []
    for text in _texts(name, value, 50):
        word = scope_word(text)
        if word is None:
            raise refusal(name, f"{text[:40]!r} is not a scope")
        if word not in words:
            words.append(word)
    return tuple(words)


def _certificate(name: str, value: Any) -> str | None:
    if value is None:
        return None
    problem = certificate_problem(value) if isinstance(value, str) else "must be a text"
    if problem:
        raise refusal(name, problem)
    return str(value)


_CHECKS: Mapping[str, Callable[[str, Any], Any]] = {
    "label": lambda name, value: text_of(name, value, 80),
    "contact_email": lambda name, value: None if value is None else text_of(name, value, 80),
    "callbacks": _callbacks,
    "scopes": _scopes,
    "pkce_required": flag_of,
    "secret_optional": flag_of,
    "secret_for_refresh": flag_of,
    "rotate_refresh": flag_of,
    "introspect_all": flag_of,
    "device_flow": flag_of,
    "permitted": lambda name, value: choice_of(name, value, get_args(Permitted)),
    "refresh_policy": lambda name, value: choice_of(name, value, get_args(RefreshPolicy)),
    "refresh_seconds": lambda name, value: _number(name, value, MAX_SECONDS),
    "session_minutes": lambda name, value: _number(name, value, 1440),
    "certificate": _certificate,
}


_POLICIES = frozenset(
    {"permitted", "refresh_policy", "refresh_seconds", "session_minutes", "run_as", "profiles",
     "permission_sets", "new_secret"}
)  # fmt: skip
"""What an administrator decides of an app that an installed package brought; the rest is the package's."""


async def _namespace(visit: Visit, app: App) -> str | None:
    """Namespace of the managed package that the app belongs to."""
    return await visit.conn.fetchval(
        "SELECT namespace FROM meta.component WHERE full_name = $1 AND namespace IS NOT NULL"
        " AND type IN ('ExternalClientApplication', 'ConnectedApp')",
        app.name,
    )


async def _changed(visit: Visit, app: App, body: Mapping[str, Any]) -> App:
    values = {name: check(name, body[name]) for name, check in _CHECKS.items() if name in body}
    if "run_as" in body:
        values["run_as"] = await _user_id(visit, body["run_as"])
    if body.get("new_secret") is True:
        values["secret"] = secrets.token_hex(32)
    found = replace(app, **values)
    if found.refresh_policy in ("lifetime", "inactivity") and found.refresh_seconds is None:
        raise refusal("refresh_seconds", f"is required with the policy {found.refresh_policy}")
    other_ways = found.certificate is not None or found.run_as is not None or found.device_flow
    if not found.callbacks and not other_ways:
        raise refusal(
            "callbacks",
            "must have an entry unless the app has a certificate, a user to run as or the device flow",
        )
    return found


async def _user_id(visit: Visit, username: Any) -> str | None:
    if username is None:
        return None
    found = await visit.conn.fetchval(
        'SELECT "Id" FROM data."User" WHERE lower("Username") = lower($1) AND "IsActive" AND NOT "IsDeleted"',
        text_of("run_as", username, 80),
    )
    if found is None:
        raise refusal("run_as", "must be the username of an active user")
    return str(found)


async def _put_access(visit: Visit, app: App, body: Mapping[str, Any]) -> None:
    """`profiles` and `permission_sets` by name: whose users are approved in advance."""
    if "profiles" not in body and "permission_sets" not in body:
        return
    ids: list[str] = []
    for key, table in (("profiles", "Profile"), ("permission_sets", "PermissionSet")):
        names = _texts(key, body.get(key, []), 500)
        rows = await visit.conn.fetch(
            f'SELECT "Id", "Name" FROM data."{table}" WHERE "Name" = ANY($1) AND NOT "IsDeleted"',  # noqa: S608
            names,
        )
        missing = set(names) - {row["Name"] for row in rows}
        if missing:
            raise refusal(key, f"{sorted(missing)[0][:80]!r} does not exist")
        ids += [row["Id"] for row in rows]
    await set_access(visit.conn, app.client_id, ids)


async def _shown(visit: Visit, app: App) -> dict[str, Any]:
    """An app without its secret."""
    rows = await visit.conn.fetch(
        'SELECT p."Name" AS profile, s."Name" AS permission_set FROM auth.app_access a'
        ' LEFT JOIN data."Profile" p ON p."Id" = a.parent_id'
        ' LEFT JOIN data."PermissionSet" s ON s."Id" = a.parent_id WHERE a.client_id = $1 ORDER BY 1, 2',
        app.client_id,
    )
    run_as = await visit.conn.fetchval('SELECT "Username" FROM data."User" WHERE "Id" = $1', app.run_as or "")
    used = await visit.conn.fetchrow(
        "SELECT count(DISTINCT user_id) AS users, max(used_at) AS used_at FROM auth.grant WHERE client_id = $1",
        app.client_id,
    )
    return {
        "client_id": app.client_id,
        "name": app.name,
        "kind": app.kind,
        "namespace": await _namespace(visit, app),
        "has_secret": app.secret is not None,
        **{name: getattr(app, name) for name in _CHECKS},
        "run_as": run_as,
        "profiles": [row["profile"] for row in rows if row["profile"]],
        "permission_sets": [row["permission_set"] for row in rows if row["permission_set"]],
        "users": used["users"],
        "used_at": used["used_at"].isoformat() if used["used_at"] else None,
    }


async def _known(visit: Visit, request: Request) -> App:
    app = await find_app(visit.conn, visit.call.org, request.path_params["client_id"])
    if app is None:
        raise not_found()
    return app


@answering
async def list_apps(request: Request) -> Response:
    """All apps with their rules, policies and uses; no secrets."""
    async with looking(request) as visit:
        apps = await all_apps(visit.conn, visit.call.org)
        return json_response({"apps": [await _shown(visit, app) for app in apps]})


@answering
async def create_app(request: Request) -> Response:
    """Makes an app: `{name, label, kind, callbacks, scopes, ...}`; the answer holds its key and, once, its secret."""
    body = await body_of(request)
    async with administering(request) as visit:
        name = text_of("name", body.get("name"), 40)
        if not _NAME.fullmatch(name):
            raise refusal(
                "name", "must start with a letter and consist of letters, digits and single underscores"
            )
        for needed in ("label", "scopes"):
            if needed not in body:
                raise refusal(needed, "is required")
        kind = choice_of(
            "kind", body.get("kind", "external"), tuple(k for k in get_args(Kind) if k != "built_in")
        )
        app = App(
            client_id=new_client_id(),
            name=name,
            label=name,
            kind="connected" if kind == "connected" else "external",
            secret=secrets.token_hex(32),
        )
        async with visit.conn.transaction():
            if await visit.conn.fetchval("SELECT 1 FROM auth.app WHERE lower(name) = lower($1)", name):
                raise Fault("DUPLICATE_VALUE", f"duplicate value found: {name}", fields=["name"])
            app = await _changed(visit, app, body)
            await store_app(visit.conn, visit.call.org, app)
            await _put_access(visit, app, body)
            await audit_trail.note(visit.conn, visit.caller, "apps", "createdApp", name=app.label)
        return json_response({"client_id": app.client_id, "client_secret": app.secret}, 201)


@answering
async def change_app(request: Request) -> Response:
    """Changes an app; `new_secret: true` answers a new secret, and the old one is good no longer.

    CANNOT_MODIFY_MANAGED_OBJECT where a package defines what shall change.
    """
    body = await body_of(request)
    async with administering(request) as visit, visit.conn.transaction():
        before = await _known(visit, request)
        if before.kind == "built_in" and set(body) - {"permitted", "profiles", "permission_sets"}:
            raise Fault("INVALID_INPUT", "Of a built-in app only who may use it can be changed")
        if set(body) - _POLICIES and await _namespace(visit, before) is not None:
            raise managed_fault()
        app = await _changed(visit, before, body)
        await store_app(visit.conn, visit.call.org, app)
        await _put_access(visit, app, body)
        await audit_trail.note(
            visit.conn, visit.caller, "apps", "changedApp", name=app.label, fields=sorted(body)[:20]
        )
        shown = await _shown(visit, app)
        if app.secret != before.secret:
            shown["client_secret"] = app.secret
        return json_response(shown)


@answering
async def remove_app(request: Request) -> Response:
    """Removes an app with all tokens it was given."""
    async with administering(request) as visit:
        app = await _known(visit, request)
        if app.kind == "built_in":
            raise Fault("INVALID_INPUT", "A built-in app cannot be removed")
        if await _namespace(visit, app) is not None:
            raise managed_fault()
        await visit.conn.execute("DELETE FROM auth.app WHERE client_id = $1", app.client_id)
        await audit_trail.note(visit.conn, visit.caller, "apps", "deletedApp", name=app.label)
        return json_response(None, 204)


@answering
async def revoke_all(request: Request) -> Response:
    """Takes back every token an app was given."""
    async with administering(request) as visit:
        app = await _known(visit, request)
        await visit.conn.execute("DELETE FROM auth.grant WHERE client_id = $1", app.client_id)
        await visit.conn.execute("DELETE FROM auth.approval WHERE client_id = $1", app.client_id)
        await audit_trail.note(visit.conn, visit.caller, "apps", "revokedTokens", name=app.label)
        return json_response(None, 204)


@answering
async def list_app_users(request: Request) -> Response:
    """Who has authorised an app: `{users: [{id, username, name, first_used, used_at, grants}]}`."""
    async with looking(request) as visit:
        app = await _known(visit, request)
        rows = await visit.conn.fetch(
            'SELECT u."Id" AS id, u."Username" AS username, u."Name" AS name, min(g.created_at) AS first_used,'
            ' max(g.used_at) AS used_at, count(*) AS grants FROM auth.grant g JOIN data."User" u ON u."Id" = g.user_id'
            ' WHERE g.client_id = $1 GROUP BY u."Id", u."Username", u."Name" ORDER BY max(g.used_at) DESC LIMIT 500',
            app.client_id,
        )
        return json_response(
            {
                "users": [
                    dict(row)
                    | {"first_used": row["first_used"].isoformat(), "used_at": row["used_at"].isoformat()}
                    for row in rows
                ]
            }
        )


@answering
async def revoke_user(request: Request) -> Response:
    """Takes back every token an app was given for one user."""
    async with administering(request) as visit, visit.conn.transaction():
        app = await _known(visit, request)
        user = await visit.conn.fetchrow(
            'SELECT "Id", "Username" FROM data."User" WHERE "Id" = $1',
            parse_id(request.path_params["user_id"]) or "",
        )
        if user is None:
            raise not_found()
        for table in ("grant", "approval"):
            await visit.conn.execute(
                f"DELETE FROM auth.{table} WHERE client_id = $1 AND user_id = $2",  # noqa: S608
                app.client_id,
                user["Id"],
            )
        await audit_trail.note(
            visit.conn, visit.caller, "apps", "revokedTokensOfUser", name=app.label, on=user["Username"]
        )
    return json_response(None, 204)


@answering
async def put_oauth_settings(request: Request) -> Response:
    """Whether programs may ask for a user's password: `{username_password}`."""
    body = await body_of(request)
    async with administering(request) as visit:
        allowed = flag_of("username_password", body.get("username_password"))
        await store_setting(visit, PASSWORD_SETTING, allowed)
        return json_response({"username_password": allowed})


@answering
async def login_history(request: Request) -> Response:
    """The newest 200 sign-ins, of everybody or of the user in `username`: `{at, username, kind, status, ...}`."""
    async with administering(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT h.at, u."Username" AS username, h.kind, h.status, h.address, a.label AS app'
            ' FROM auth.login_history h JOIN data."User" u ON u."Id" = h.user_id'
            " LEFT JOIN auth.app a ON a.client_id = h.client_id"
            ' WHERE $1::text IS NULL OR lower(u."Username") = lower($1) ORDER BY h.position DESC LIMIT 200',
            request.query_params.get("username"),
        )
        return json_response({"logins": [dict(row) | {"at": row["at"].isoformat()} for row in rows]})


_PREFIX = "/console/api/setup"

ROUTES = [
    Route(f"{_PREFIX}/apps", list_apps),
    Route(f"{_PREFIX}/apps", create_app, methods=["POST"]),
    Route(f"{_PREFIX}/apps/{{client_id}}", change_app, methods=["PATCH"]),
    Route(f"{_PREFIX}/apps/{{client_id}}", remove_app, methods=["DELETE"]),
    Route(f"{_PREFIX}/apps/{{client_id}}/tokens", revoke_all, methods=["DELETE"]),
    Route(f"{_PREFIX}/apps/{{client_id}}/users", list_app_users),
    Route(f"{_PREFIX}/apps/{{client_id}}/users/{{user_id}}/tokens", revoke_user, methods=["DELETE"]),
    Route(f"{_PREFIX}/login-history", login_history),
    Route(f"{_PREFIX}/oauth-settings", put_oauth_settings, methods=["PUT"]),
]
