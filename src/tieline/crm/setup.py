"""What an administrator's clicks in Set-up do: users, call centers, softphone layout, utility items.

The same doors serve the demo's set-up. Only a System Administrator passes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import auth, person_accounts
from .callcenters import store_call_center
from .console import Visit, answering, visiting
from .errors import Fault, Faults, not_found
from .ids import parse_id
from .saving.drafts import Saved
from .softphone import Definition, check_adapter_url, check_layout, check_utility_items, parse_definition
from .web import json_response, read_body, read_json

_USER_FIELDS: Mapping[str, str] = {
    "username": "Username",
    "email": "Email",
    "first_name": "FirstName",
    "last_name": "LastName",
    "language": "LanguageLocaleKey",
    "locale": "LocaleSidKey",
    "time_zone": "TimeZoneSidKey",
    "title": "Title",
    "phone": "Phone",
    "active": "IsActive",
}


@asynccontextmanager
async def administering(request: Request) -> AsyncGenerator[Visit]:
    """A visit of an administrator. INSUFFICIENT_ACCESS otherwise."""
    async with visiting(request) as visit:
        if not visit.caller.administrator:
            raise Fault("INSUFFICIENT_ACCESS", "This needs the permission Customize Application", status=403)
        yield visit


async def body_of(request: Request) -> dict[str, Any]:
    """The body as a JSON object. JSON_PARSER_ERROR otherwise."""
    body: Any = await read_json(request)
    if not isinstance(body, dict):
        raise Fault("JSON_PARSER_ERROR", "The HTTP entity body must be a JSON object")
    return body


def _saved(results: list[Saved]) -> str:
    if results[0].faults:
        raise Faults(results[0].faults)
    return results[0].id or ""


# -- users ---------------------------------------------------------------------------------------------------


async def _user_values(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
    values = {target: body[name] for name, target in _USER_FIELDS.items() if name in body}
    if "profile" in body:
        profile_id = await visit.conn.fetchval(
            'SELECT "Id" FROM data."Profile" WHERE "Name" = $1', str(body["profile"])
        )
        if profile_id is None:
            raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", fields=["ProfileId"])
        values["ProfileId"] = profile_id
    if "call_center" in body:
        values["CallCenterId"] = body["call_center"]
    return values


def _check_password(body: Mapping[str, Any]) -> str:
    password = body.get("password")
    if not isinstance(password, str) or not auth.MIN_PASSWORD <= len(password) <= 200:
        raise Fault(
            "INVALID_NEW_PASSWORD",
            f"Your password must be {auth.MIN_PASSWORD} to 200 characters long",
            fields=["password"],
        )
    return password


@answering
async def create_user(request: Request) -> Response:
    """Makes a user: `{username, email, first_name, last_name, password, language, locale, time_zone, profile}`."""
    body = await body_of(request)
    async with administering(request) as visit:
        password = _check_password(body)
        ja = body.get("language") == "ja"
        defaults: dict[str, Any] = {
            "language": "en_US",
            "locale": "ja_JP" if ja else "en_US",
            "time_zone": "Asia/Tokyo" if ja else "America/Los_Angeles",
            "profile": "Standard User",
            "email": body.get("username"),
        }
        values = await _user_values(visit, defaults | body)
        values["Alias"] = str(body.get("alias") or str(values.get("Username") or "").split("@")[0])[:8]
        values["EmailEncodingKey"] = "UTF-8"
        async with visit.conn.transaction():
            user = visit.call.catalogue.objects["User"]
            user_id = _saved(await visit.call.records.create(user, [values]))
            await auth.set_password(visit.conn, user_id, password)
        return json_response({"id": user_id}, 201)


@answering
async def change_user(request: Request) -> Response:
    """Changes a user; `call_center` is an id or null, `password` ends the user's sessions."""
    body = await body_of(request)
    async with administering(request) as visit:
        values = await _user_values(visit, body)
        user = visit.call.catalogue.objects["User"]
        async with visit.conn.transaction():
            user_id = parse_id(request.path_params["id"]) or ""
            if values:
                user_id = _saved(await visit.call.records.update(user, [(request.path_params["id"], values)]))
            if "password" in body:
                await auth.set_password(visit.conn, user_id, _check_password(body))
        return json_response({"id": user_id})


@answering
async def list_users(request: Request) -> Response:
    """All users with what Set-up shows of them."""
    async with administering(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT u."Id" AS id, u."Username" AS username, u."Name" AS name, u."Email" AS email,'
            ' u."IsActive" AS active, u."LanguageLocaleKey" AS language, p."Name" AS profile,'
            ' u."CallCenterId" AS call_center FROM data."User" u JOIN data."Profile" p ON p."Id" = u."ProfileId"'
            ' WHERE NOT u."IsDeleted" ORDER BY lower(u."Name"), u."Id" LIMIT 2000'
        )
        return json_response({"users": [dict(row) for row in rows]})


# -- call centers --------------------------------------------------------------------------------------------


@answering
async def import_call_center(request: Request) -> Response:
    """Imports a call center definition (XML). An internal name can be imported once."""
    raw = await read_body(request)
    async with administering(request) as visit:
        definition = parse_definition(raw)
        prefix = visit.call.catalogue.objects["CallCenter"].key_prefix
        async with visit.conn.transaction():
            record_id, _ = await store_call_center(
                visit.conn, visit.call.org.instance, prefix, visit.caller.user_id, definition, replace=False
            )
        return json_response(
            {
                "id": record_id,
                "internal_name": definition.internal_name,
                "display_name": definition.display_name,
                "adapter_url": definition.adapter_url,
            },
            201,
        )


@answering
async def list_call_centers(request: Request) -> Response:
    """All call centers with the ids of their users."""
    async with administering(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT c."Id" AS id, c."InternalName" AS internal_name, c."Name" AS display_name,'
            ' c."AdapterUrl" AS adapter_url, d.sections,'
            ' (SELECT coalesce(array_agg(u."Id" ORDER BY u."Id"), \'{}\') FROM data."User" u'
            '   WHERE u."CallCenterId" = c."Id" AND NOT u."IsDeleted") AS user_ids'
            ' FROM data."CallCenter" c LEFT JOIN meta.call_center_definition d ON d.call_center_id = c."Id"'
            ' WHERE NOT c."IsDeleted" ORDER BY c."CreatedDate", c."Id"'
        )
        return json_response({"call_centers": [dict(row) for row in rows]})


async def _call_center_id(visit: Visit, raw: str) -> str:
    record_id = parse_id(raw)
    found = await visit.conn.fetchval(
        'SELECT "Id" FROM data."CallCenter" WHERE "Id" = $1 AND NOT "IsDeleted"', record_id or ""
    )
    if found is None:
        raise not_found()
    return str(found)


@answering
async def call_center_users(request: Request) -> Response:
    """Puts users into a call center: `{user_ids}`. A user has one; the other is left."""
    body = await body_of(request)
    ids: Any = body.get("user_ids")
    if not isinstance(ids, list) or not ids:
        raise Fault("INVALID_INPUT", "user_ids must be a list of user ids")
    user_ids: list[Any] = ids
    async with administering(request) as visit:
        call_center_id = await _call_center_id(visit, request.path_params["id"])
        user = visit.call.catalogue.objects["User"]
        async with visit.conn.transaction():
            results = await visit.call.records.update(
                user, [(str(user_id), {"CallCenterId": call_center_id}) for user_id in user_ids]
            )
            faults = [fault for result in results for fault in result.faults]
            if faults:
                raise Faults(faults)
        return json_response({"id": call_center_id, "user_ids": [result.id for result in results]})


@answering
async def remove_call_center_user(request: Request) -> Response:
    """Takes a user out of a call center."""
    async with administering(request) as visit:
        call_center_id = await _call_center_id(visit, request.path_params["id"])
        user = visit.call.catalogue.objects["User"]
        user_id = parse_id(request.path_params["user_id"]) or ""
        current = await visit.conn.fetchval('SELECT "CallCenterId" FROM data."User" WHERE "Id" = $1', user_id)
        if current != call_center_id:
            raise not_found()
        async with visit.conn.transaction():
            _saved(await visit.call.records.update(user, [(user_id, {"CallCenterId": None})]))
        return json_response(None, 204)


@answering
async def change_call_center(request: Request) -> Response:
    """Changes the adapter URL or display name of a call center, or single values: `{values: {"/sec/item": v}}`."""
    body = await body_of(request)
    async with administering(request) as visit:
        record_id = await _call_center_id(visit, request.path_params["id"])
        row = await visit.conn.fetchrow(
            'SELECT c."Name", c."InternalName", c."AdapterUrl", d.sections FROM data."CallCenter" c'
            ' JOIN meta.call_center_definition d ON d.call_center_id = c."Id" WHERE c."Id" = $1',
            record_id,
        )
        changed: Any = body.get("values") or {}
        values: dict[str, Any] = dict(changed)
        if "adapter_url" in body:
            values["/reqGeneralInfo/reqAdapterUrl"] = body["adapter_url"]
        sections: list[Any] = row["sections"]
        adapter_url, display_name = row["AdapterUrl"], str(body.get("display_name") or row["Name"])[:80]
        for section in sections:
            for item in section["items"]:
                path = f"/{section['name']}/{item['name']}"
                if path in values:
                    item["value"] = str(values.pop(path) or "")
                if path == "/reqGeneralInfo/reqAdapterUrl":
                    adapter_url = item["value"]
        if values:
            raise Fault("INVALID_INPUT", f"unknown call center items: {', '.join(sorted(values))[:200]}")
        check_adapter_url(adapter_url or "")
        async with visit.conn.transaction():
            await store_call_center(
                visit.conn,
                visit.call.org.instance,
                "04v",
                visit.caller.user_id,
                Definition(row["InternalName"], display_name, adapter_url, sections),
                replace=True,
            )
        return json_response({"id": record_id, "adapter_url": adapter_url, "display_name": display_name})


# -- softphone -----------------------------------------------------------------------------------------------


async def store_setting(visit: Visit, name: str, value: Any) -> None:
    """Keeps one setting of the org."""
    await visit.conn.execute(
        "INSERT INTO meta.setting VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name,
        value,
    )


@answering
async def put_layout(request: Request) -> Response:
    """Replaces the default softphone layout."""
    body = await body_of(request)
    async with administering(request) as visit:
        layout = check_layout(body, visit.call.catalogue)
        await store_setting(visit, "softphone_layout", layout)
        return json_response(layout)


@answering
async def put_utility_items(request: Request) -> Response:
    """Replaces the utility items: a list, or `{utility_items: [...]}`."""
    body: Any = await read_json(request)
    async with administering(request) as visit:
        items = check_utility_items(body.get("utility_items") if isinstance(body, dict) else body)
        await store_setting(visit, "utility_items", items)
        return json_response({"utility_items": items})


@answering
async def put_session_minutes(request: Request) -> Response:
    """Sets the session timeout, the lifetime of access tokens issued from now on: `{minutes}`, 1 to 1440."""
    body = await body_of(request)
    minutes: Any = body.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool) or not 1 <= minutes <= 1440:
        raise Fault("INVALID_INPUT", "minutes must be a number from 1 to 1440", fields=["minutes"])
    async with administering(request) as visit:
        await store_setting(visit, "session_minutes", minutes)
        return json_response({"minutes": minutes})


@answering
async def get_person_accounts(request: Request) -> Response:
    """Whether the org has person accounts: `{enabled}`."""
    async with administering(request) as visit:
        return json_response({"enabled": person_accounts.enabled(visit.call.catalogue)})


@answering
async def put_person_accounts(request: Request) -> Response:
    """Switches person accounts on: `{enabled: true}`. There is no way back."""
    body = await body_of(request)
    if body.get("enabled") is not True:
        raise Fault("INVALID_INPUT", "Person accounts can be switched on only", fields=["enabled"])
    async with administering(request) as visit, visit.conn.transaction():
        await person_accounts.enable(visit.conn, visit.call.org.instance, visit.caller.user_id)
    return json_response({"enabled": True})


_PREFIX = "/console/api/setup"

ROUTES = [
    Route(f"{_PREFIX}/users", create_user, methods=["POST"]),
    Route(f"{_PREFIX}/users", list_users),
    Route(f"{_PREFIX}/users/{{id}}", change_user, methods=["PATCH"]),
    Route(f"{_PREFIX}/call-centers", list_call_centers),
    Route(f"{_PREFIX}/call-centers/import", import_call_center, methods=["POST"]),
    Route(f"{_PREFIX}/call-centers/{{id}}", change_call_center, methods=["PATCH"]),
    Route(f"{_PREFIX}/call-centers/{{id}}/users", call_center_users, methods=["POST"]),
    Route(f"{_PREFIX}/call-centers/{{id}}/users/{{user_id}}", remove_call_center_user, methods=["DELETE"]),
    Route(f"{_PREFIX}/softphone-layouts/default", put_layout, methods=["PUT"]),
    Route(f"{_PREFIX}/utility-items", put_utility_items, methods=["PUT"]),
    Route(f"{_PREFIX}/session-timeout", put_session_minutes, methods=["PUT"]),
    Route(f"{_PREFIX}/person-accounts", get_person_accounts),
    Route(f"{_PREFIX}/person-accounts", put_person_accounts, methods=["PUT"]),
]
