# ruff: noqa: S608 - identifiers are constants or come from the catalogue, values are parameters
"""Permission sets in Set-up: what each opens, and who has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import Visit, answering
from ..errors import not_found
from ..ids import parse_id
from ..metadata import ObjectType
from ..standard_setup import PERMISSIONS
from ..web import json_response
from .administration import administering, all_saved, body_of, ids_of, looking

_MOST = 2000
_KINDS: Mapping[str, str] = {
    "list_setting": "custom_settings",
    "hierarchy_setting": "custom_settings",
    "metadata_type": "custom_metadata",
}
_RIGHTS = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")


async def _found(visit: Visit, raw: str) -> Any:
    row = await visit.conn.fetchrow(
        'SELECT * FROM data."PermissionSet" WHERE "Id" = $1 AND NOT "IsDeleted"', parse_id(raw) or ""
    )
    if row is None:
        raise not_found()
    return row


@answering
async def list_sets(request: Request) -> Response:
    """All permission sets that can be assigned, with how many users have each."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT s."Id" AS id, s."Label" AS label, s."Name" AS name, s."Description" AS description,'
            ' s."NamespacePrefix" AS namespace, (SELECT count(*) FROM data."PermissionSetAssignment" a'
            '   WHERE a."PermissionSetId" = s."Id" AND NOT a."IsDeleted") AS users'
            ' FROM data."PermissionSet" s WHERE NOT s."IsDeleted" AND NOT s."IsOwnedByProfile"'
            f' ORDER BY lower(s."Label"), s."Id" LIMIT {_MOST}'
        )
        return json_response({"permission_sets": [dict(row) for row in rows]})


@answering
async def show_set(request: Request) -> Response:
    """Everything a permission set opens, by the sections of its page, and the call centers of those who have it."""
    async with looking(request) as visit:
        row = await _found(visit, request.path_params["id"])
        catalogue = visit.call.catalogue.whole
        fields: dict[str, list[dict[str, Any]]] = {}
        for grant in await visit.conn.fetch(
            'SELECT "SobjectType" AS object, "Field" AS field, "PermissionsRead" AS read, "PermissionsEdit" AS edit'
            ' FROM data."FieldPermissions" WHERE "ParentId" = $1 AND NOT "IsDeleted" ORDER BY "Field"',
            row["Id"],
        ):
            value = catalogue.get(grant["object"])
            item = value.get(grant["field"].partition(".")[2]) if value else None
            if item is not None:
                fields.setdefault(grant["object"], []).append(
                    {
                        "name": item.name,
                        "label": item.label_in(visit.language),
                        "read": grant["read"],
                        "edit": grant["edit"],
                    }
                )
        columns = ", ".join(f'"Permissions{right}" AS "{right}"' for right in _RIGHTS)
        sections: dict[str, list[dict[str, Any]]] = {
            "objects": [],
            "custom_settings": [],
            "custom_metadata": [],
        }
        seen: set[str] = set()
        for grant in await visit.conn.fetch(
            f'SELECT "SobjectType" AS object, {columns} FROM data."ObjectPermissions"'
            ' WHERE "ParentId" = $1 AND NOT "IsDeleted" ORDER BY "SobjectType"',
            row["Id"],
        ):
            value = catalogue.get(grant["object"])
            if value is not None:
                seen.add(value.name)
                sections[_KINDS.get(value.kind, "objects")].append(
                    _object(visit, value)
                    | {right: grant[right] for right in _RIGHTS}
                    | {"fields": fields.get(value.name, [])}
                )
        for name, opened in fields.items():
            value = catalogue.get(name)
            if value is not None and name not in seen:
                sections["objects"].append(
                    _object(visit, value) | dict.fromkeys(_RIGHTS, False) | {"fields": opened}
                )
        centers = await visit.conn.fetch(
            'SELECT c."Id" AS id, c."Name" AS name, count(*) AS users FROM data."PermissionSetAssignment" a'
            ' JOIN data."User" u ON u."Id" = a."AssigneeId" AND NOT u."IsDeleted"'
            ' JOIN data."CallCenter" c ON c."Id" = u."CallCenterId" AND NOT c."IsDeleted"'
            ' WHERE a."PermissionSetId" = $1 AND NOT a."IsDeleted" GROUP BY c."Id", c."Name" ORDER BY lower(c."Name")',
            row["Id"],
        )
        at = 1 if visit.language == "ja" else 0
        return json_response(
            {
                "id": row["Id"],
                "name": row["Name"],
                "label": row["Label"],
                "description": row["Description"],
                "namespace": row["NamespacePrefix"],
                "owned_by_profile": row["IsOwnedByProfile"],
                "permissions": [
                    {"name": name, "label": labels[at]}
                    for name, labels in PERMISSIONS.items()
                    if row[f"Permissions{name}"]
                ],
                "call_centers": [dict(center) for center in centers],
            }
            | sections
        )


def _object(visit: Visit, value: ObjectType) -> dict[str, Any]:
    return {"name": value.name, "label": value.label_in(visit.language)}


@answering
async def list_assignments(request: Request) -> Response:
    """Who has a permission set, and who may be given it: `{assigned, others}`."""
    async with looking(request) as visit:
        row = await _found(visit, request.path_params["id"])
        rows = await visit.conn.fetch(
            'SELECT u."Id" AS id, u."Name" AS name, u."FirstName" AS first_name, u."LastName" AS last_name,'
            ' u."Username" AS username, u."IsActive" AS active, p."Name" AS profile, a."ExpirationDate" AS expires_at,'
            ' a."Id" IS NOT NULL AS assigned FROM data."User" u JOIN data."Profile" p ON p."Id" = u."ProfileId"'
            ' LEFT JOIN data."PermissionSetAssignment" a ON a."AssigneeId" = u."Id" AND a."PermissionSetId" = $1'
            ' AND NOT a."IsDeleted" WHERE NOT u."IsDeleted" AND (u."IsActive" OR a."Id" IS NOT NULL)'
            f' ORDER BY lower(u."Name"), u."Id" LIMIT {_MOST}',
            row["Id"],
        )
        people: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
        for each in rows:
            person = dict(each)
            expires = person["expires_at"]
            person["expires_at"] = expires.isoformat() if expires else None
            people[person.pop("assigned")].append(person)
        return json_response({"assigned": people[True], "others": people[False]})


@answering
async def assign(request: Request) -> Response:
    """Gives users a permission set, from now until `expires_at` (ISO time or null): `{user_ids, expires_at?}`."""
    body = await body_of(request)
    async with administering(request, "AssignPermissionSets") as visit:
        user_ids = ids_of(body, "user_ids")
        row = await _found(visit, request.path_params["id"])
        value = visit.call.catalogue.whole.objects["PermissionSetAssignment"]
        async with visit.conn.transaction():
            held = {
                each["AssigneeId"]
                for each in await visit.conn.fetch(
                    'SELECT "AssigneeId" FROM data."PermissionSetAssignment"'
                    ' WHERE "PermissionSetId" = $1 AND NOT "IsDeleted"',
                    row["Id"],
                )
            }
            fresh = [user_id for user_id in user_ids if user_id not in held]
            all_saved(
                await visit.call.records.create(
                    value,
                    [
                        {
                            "PermissionSetId": row["Id"],
                            "AssigneeId": user_id,
                            "ExpirationDate": body.get("expires_at"),
                        }
                        for user_id in fresh
                    ],
                )
            )
        return json_response({"user_ids": fresh})


@answering
async def unassign(request: Request) -> Response:
    """Takes a permission set from users, at once: `{user_ids}`."""
    body = await body_of(request)
    async with administering(request, "AssignPermissionSets") as visit:
        user_ids = ids_of(body, "user_ids")
        row = await _found(visit, request.path_params["id"])
        value = visit.call.catalogue.whole.objects["PermissionSetAssignment"]
        async with visit.conn.transaction():
            ids = await visit.conn.fetch(
                'SELECT "Id" FROM data."PermissionSetAssignment" WHERE "PermissionSetId" = $1'
                ' AND "AssigneeId" = ANY($2) AND NOT "IsDeleted"',
                row["Id"],
                user_ids,
            )
            if ids:
                all_saved(await visit.call.records.delete(value, [each["Id"] for each in ids]))
        return json_response({"user_ids": user_ids})


_PREFIX = "/console/api/setup/permission-sets"

ROUTES = [
    Route(_PREFIX, list_sets),
    Route(f"{_PREFIX}/{{id}}", show_set),
    Route(f"{_PREFIX}/{{id}}/assignments", list_assignments),
    Route(f"{_PREFIX}/{{id}}/assignments", assign, methods=["POST"]),
    Route(f"{_PREFIX}/{{id}}/assignments/remove", unassign, methods=["POST"]),
]
