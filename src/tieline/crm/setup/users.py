# ruff: noqa: S608 - identifiers are constants or come from the catalogue, values are parameters
"""Users, profiles and roles in Set-up.

Nobody shuts themselves out here: one's own user cannot be frozen, made inactive or given another profile.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import audit_trail
from ..console import Visit, answering
from ..errors import Fault, not_found
from ..ids import parse_id
from ..sign_in import auth
from ..standard_setup import LANGUAGES, PERMISSIONS
from ..web import json_response
from .administration import administering, all_saved, body_of, flag_of, looking

RIGHT = "ManageUsers"
_MOST = 2000
_USER_FIELDS: Mapping[str, str] = {
    "username": "Username",
    "email": "Email",
    "first_name": "FirstName",
    "last_name": "LastName",
    "language": "LanguageLocaleKey",
    "locale": "LocaleSidKey",
    "time_zone": "TimeZoneSidKey",
    "title": "Title",
    "department": "Department",
    "company": "CompanyName",
    "phone": "Phone",
    "mobile_phone": "MobilePhone",
    "extension": "Extension",
    "federation_id": "FederationIdentifier",
    "alias": "Alias",
    "active": "IsActive",
    "role": "UserRoleId",
}
_LIST = (
    'SELECT u."Id" AS id, u."Username" AS username, u."Name" AS name, u."FirstName" AS first_name,'
    ' u."LastName" AS last_name, u."Email" AS email, u."Alias" AS alias, u."IsActive" AS active,'
    ' u."LanguageLocaleKey" AS language, p."Name" AS profile, r."Name" AS role_name, u."LastLoginDate" AS last_login,'
    ' u."CallCenterId" AS call_center, c."Name" AS call_center_name,'
    ' EXISTS (SELECT 1 FROM data."UserLogin" l WHERE l."UserId" = u."Id" AND l."IsFrozen") AS frozen'
    ' FROM data."User" u JOIN data."Profile" p ON p."Id" = u."ProfileId"'
    ' LEFT JOIN data."UserRole" r ON r."Id" = u."UserRoleId"'
    ' LEFT JOIN data."CallCenter" c ON c."Id" = u."CallCenterId" AND NOT c."IsDeleted"'
    ' WHERE NOT u."IsDeleted"'
)


async def _values(visit: Visit, body: Mapping[str, Any]) -> dict[str, Any]:
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


def _shown(row: Any) -> dict[str, Any]:
    found = dict(row)
    return found | {"last_login": found["last_login"].isoformat() if found["last_login"] else None}


@answering
async def create_user(request: Request) -> Response:
    """Makes a user: `{username, email, first_name, last_name, password, language, locale, time_zone, profile}`."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit:
        password = _check_password(body)
        ja = body.get("language") == "ja"
        defaults: dict[str, Any] = {
            "language": "en_US",
            "locale": "ja_JP" if ja else "en_US",
            "time_zone": "Asia/Tokyo" if ja else "America/Los_Angeles",
            "profile": "Standard User",
            "email": body.get("username"),
        }
        values = await _values(visit, defaults | body)
        values["Alias"] = str(body.get("alias") or str(values.get("Username") or "").split("@")[0])[:8]
        values["EmailEncodingKey"] = "UTF-8"
        async with visit.conn.transaction():
            user = visit.call.catalogue.whole.objects["User"]
            user_id = all_saved(await visit.call.records.create(user, [values]))[0]
            await auth.set_password(visit.conn, user_id, password)
        return json_response({"id": user_id}, 201)


@answering
async def change_user(request: Request) -> Response:
    """Changes a user; `call_center` and `role` are ids or null, `password` ends the user's sessions."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit:
        values = await _values(visit, body)
        user_id = parse_id(request.path_params["id"]) or ""
        if user_id == visit.caller.user_id:
            if values.get("IsActive") is False:
                raise Fault("INVALID_OPERATION", "You can't deactivate yourself.", fields=["IsActive"])
            if "ProfileId" in values and body["profile"] != visit.caller.profile:
                raise Fault("INVALID_OPERATION", "You can't change your own profile.", fields=["ProfileId"])
        user = visit.call.catalogue.whole.objects["User"]
        async with visit.conn.transaction():
            if values:
                user_id = all_saved(
                    await visit.call.records.update(user, [(request.path_params["id"], values)])
                )[0]
            if "password" in body:
                row = await _user(visit, user_id)
                await auth.set_password(visit.conn, user_id, _check_password(body))
                await audit_trail.note(
                    visit.conn, visit.caller, "users", "changedPassword", name=row["username"]
                )
        return json_response({"id": user_id})


async def _user(visit: Visit, user_id: str) -> Any:
    row = await visit.conn.fetchrow(f'{_LIST} AND u."Id" = $1', user_id)
    if row is None:
        raise not_found()
    return row


@answering
async def freeze_user(request: Request) -> Response:
    """Freezes or unfreezes a user: `{frozen}`. Who is frozen cannot sign in, and what they hold opens nothing."""
    body = await body_of(request)
    frozen = flag_of("frozen", body.get("frozen"))
    async with administering(request, RIGHT) as visit:
        user_id = parse_id(request.path_params["id"]) or ""
        row = await _user(visit, user_id)
        if user_id == visit.caller.user_id:
            raise Fault("INVALID_OPERATION", "You can't freeze yourself.", fields=["IsFrozen"])
        async with visit.conn.transaction():
            login_id = await visit.conn.fetchval(
                'SELECT "Id" FROM data."UserLogin" WHERE "UserId" = $1', user_id
            )
            if login_id is None:
                raise not_found()
            value = visit.call.catalogue.whole.objects["UserLogin"]
            all_saved(await visit.call.records.update(value, [(login_id, {"IsFrozen": frozen})]))
        return json_response({"id": row["id"], "frozen": frozen})


@answering
async def list_users(request: Request) -> Response:
    """All users with what Set-up shows of them."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(f'{_LIST} ORDER BY lower(u."Name"), u."Id" LIMIT {_MOST}')
        return json_response({"users": [_shown(row) for row in rows]})


@answering
async def show_user(request: Request) -> Response:
    """A user, with permission sets and the newest sign-ins."""
    async with looking(request) as visit:
        user_id = parse_id(request.path_params["id"]) or ""
        row = _shown(await _user(visit, user_id))
        more = await visit.conn.fetchrow('SELECT * FROM data."User" WHERE "Id" = $1', user_id)
        sets = await visit.conn.fetch(
            'SELECT a."Id" AS assignment_id, s."Id" AS id, s."Label" AS label, s."Name" AS name'
            ' FROM data."PermissionSetAssignment" a JOIN data."PermissionSet" s ON s."Id" = a."PermissionSetId"'
            ' WHERE a."AssigneeId" = $1 AND NOT a."IsDeleted" AND NOT s."IsDeleted" AND NOT s."IsOwnedByProfile"'
            ' ORDER BY lower(s."Label")',
            user_id,
        )
        logins = await visit.conn.fetch(
            "SELECT at, kind, status, address FROM auth.login_history WHERE user_id = $1"
            " ORDER BY position DESC LIMIT 10",
            user_id,
        )
        return json_response(
            row
            | {name: more[target] for name, target in _USER_FIELDS.items()}
            | {
                "permission_sets": [dict(each) for each in sets],
                "logins": [dict(each) | {"at": each["at"].isoformat()} for each in logins],
                "created_at": more["CreatedDate"].isoformat(),
                "modified_at": more["LastModifiedDate"].isoformat(),
                "own": user_id == visit.caller.user_id,
            }
        )


@answering
async def user_choices(request: Request) -> Response:
    """What a user's fields may be: `{profiles, roles, languages, call_centers}`."""
    async with looking(request) as visit:
        profiles = await visit.conn.fetch(
            'SELECT "Name" FROM data."Profile" WHERE NOT "IsDeleted" ORDER BY lower("Name")'
        )
        roles = await visit.conn.fetch(
            'SELECT "Id" AS id, "Name" AS name FROM data."UserRole" WHERE NOT "IsDeleted" ORDER BY lower("Name")'
        )
        centers = await visit.conn.fetch(
            'SELECT "Id" AS id, "Name" AS name FROM data."CallCenter" WHERE NOT "IsDeleted" ORDER BY lower("Name")'
        )
        return json_response(
            {
                "profiles": [row["Name"] for row in profiles],
                "roles": [dict(row) for row in roles],
                "languages": [value.value for value in LANGUAGES],
                "call_centers": [dict(row) for row in centers],
            }
        )


# -- profiles and roles --------------------------------------------------------------------------------------


@answering
async def list_profiles(request: Request) -> Response:
    """All profiles, with how many active users each has and the permission set that holds its permissions."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT p."Id" AS id, p."Name" AS name, p."Description" AS description, s."Id" AS permission_set,'
            ' (SELECT count(*) FROM data."User" u WHERE u."ProfileId" = p."Id" AND u."IsActive"'
            '   AND NOT u."IsDeleted") AS users FROM data."Profile" p'
            ' LEFT JOIN data."PermissionSet" s ON s."ProfileId" = p."Id" AND s."IsOwnedByProfile" AND NOT s."IsDeleted"'
            ' WHERE NOT p."IsDeleted" ORDER BY lower(p."Name")'
        )
        return json_response({"profiles": [dict(row) for row in rows]})


@answering
async def list_roles(request: Request) -> Response:
    """All roles with the role above each and how many users have it."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT r."Id" AS id, r."Name" AS name, r."DeveloperName" AS developer_name, r."ParentRoleId" AS parent,'
            ' (SELECT count(*) FROM data."User" u WHERE u."UserRoleId" = r."Id" AND u."IsActive"'
            '   AND NOT u."IsDeleted") AS users FROM data."UserRole" r WHERE NOT r."IsDeleted"'
            f' ORDER BY lower(r."Name"), r."Id" LIMIT {_MOST}'
        )
        return json_response({"roles": [dict(row) for row in rows]})


@answering
async def save_role(request: Request) -> Response:
    """Makes a role, or changes the one in the path: `{name, developer_name, parent}`; `parent` is an id or null."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit:
        values = {
            target: body[name]
            for name, target in (
                ("name", "Name"),
                ("developer_name", "DeveloperName"),
                ("parent", "ParentRoleId"),
            )
            if name in body
        }
        role = visit.call.catalogue.whole.objects["UserRole"]
        raw = request.path_params.get("id")
        async with visit.conn.transaction():
            if raw is None:
                role_id = all_saved(await visit.call.records.create(role, [values]))[0]
            else:
                role_id = all_saved(await visit.call.records.update(role, [(raw, values)]))[0]
        return json_response({"id": role_id}, 201 if raw is None else 200)


@answering
async def delete_role(request: Request) -> Response:
    """Deletes a role that nobody has and no role stands below."""
    async with administering(request, RIGHT) as visit, visit.conn.transaction():
        role = visit.call.catalogue.whole.objects["UserRole"]
        all_saved(await visit.call.records.delete(role, [request.path_params["id"]]))
    return json_response(None, 204)


@answering
async def list_user_permissions(request: Request) -> Response:
    """The user permissions of this org: `{permissions: [{name, label}]}` in the reader's language."""
    async with looking(request) as visit:
        at = 1 if visit.language == "ja" else 0
        return json_response(
            {"permissions": [{"name": name, "label": labels[at]} for name, labels in PERMISSIONS.items()]}
        )


_PREFIX = "/console/api/setup"

ROUTES = [
    Route(f"{_PREFIX}/users", create_user, methods=["POST"]),
    Route(f"{_PREFIX}/users", list_users),
    Route(f"{_PREFIX}/users/choices", user_choices),
    Route(f"{_PREFIX}/users/{{id}}", show_user),
    Route(f"{_PREFIX}/users/{{id}}", change_user, methods=["PATCH"]),
    Route(f"{_PREFIX}/users/{{id}}/freeze", freeze_user, methods=["POST"]),
    Route(f"{_PREFIX}/profiles", list_profiles),
    Route(f"{_PREFIX}/roles", list_roles),
    Route(f"{_PREFIX}/roles", save_role, methods=["POST"]),
    Route(f"{_PREFIX}/roles/{{id}}", save_role, methods=["PATCH"]),
    Route(f"{_PREFIX}/roles/{{id}}", delete_role, methods=["DELETE"]),
    Route(f"{_PREFIX}/user-permissions", list_user_permissions),
]
