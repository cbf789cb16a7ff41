# ruff: noqa: S608 - identifiers are constants or come from the catalogue, values are parameters
"""Permission sets in Set-up: what each opens, and who has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..access import tabs
from ..access.permissions import openable_fields
from ..access.rights import grantable
from ..console import Visit, answering
from ..deploy.components import all_stored
from ..errors import Fault, not_found
from ..ids import parse_id
from ..navigation.apps import tab_object
from ..standard_setup import PERMISSIONS
from ..web import json_response
from .administration import (
    administering,
    all_saved,
    body_of,
    choice_of,
    flag_of,
    ids_of,
    looking,
    refusal,
    text_of,
)

_MOST = 2000
_KINDS: Mapping[str, str] = {
    "list_setting": "custom_settings",
    "hierarchy_setting": "custom_settings",
    "metadata_type": "custom_metadata",
}
_RIGHTS = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")


async def _found(visit: Visit, raw: str) -> Any:
    row = await visit.conn.fetchrow(
        'SELECT s.*, p."Name" AS profile FROM data."PermissionSet" s'
        ' LEFT JOIN data."Profile" p ON s."IsOwnedByProfile" AND p."Id" = s."ProfileId"'
        ' WHERE s."Id" = $1 AND NOT s."IsDeleted"',
        parse_id(raw) or "",
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
    """Everything a permission set opens and could open, by the sections of its page.

    Fields are told of the object that `object` names; call centers are those of the users who have the set. The set
    of a profile has the profile's name.
    """
    async with looking(request) as visit:
        row = await _found(visit, request.path_params["id"])
        at = 1 if visit.language == "ja" else 0
        centers = await visit.conn.fetch(
            'SELECT c."Id" AS id, c."Name" AS name, count(*) AS users FROM data."PermissionSetAssignment" a'
            ' JOIN data."User" u ON u."Id" = a."AssigneeId" AND NOT u."IsDeleted"'
            ' JOIN data."CallCenter" c ON c."Id" = u."CallCenterId" AND NOT c."IsDeleted"'
            ' WHERE a."PermissionSetId" = $1 AND NOT a."IsDeleted" GROUP BY c."Id", c."Name" ORDER BY lower(c."Name")',
            row["Id"],
        )
        return json_response(
            {
                "id": row["Id"],
                "name": row["Name"],
                "label": row["profile"] or row["Label"],
                "description": row["Description"],
                "namespace": row["NamespacePrefix"],
                "owned_by_profile": row["IsOwnedByProfile"],
                "editable": not row["IsOwnedByProfile"]
                and not row["NamespacePrefix"]
                and visit.caller.may("ManageUsers"),
                "permissions": [
                    {"name": name, "label": labels[at], "held": row[f"Permissions{name}"]}
                    for name, labels in PERMISSIONS.items()
                ],
                "call_centers": [dict(center) for center in centers],
                "tabs": await _tabs(visit, row["Id"]),
                "fields": await _fields(visit, row["Id"], request.query_params.get("object")),
            }
            | await _objects(visit, row["Id"])
        )


async def _objects(visit: Visit, set_id: str) -> dict[str, list[dict[str, Any]]]:
    """Every object that permission sets open, by section, with what this one opens of it."""
    columns = ", ".join(f'"Permissions{right}" AS "{right}"' for right in _RIGHTS)
    granted = {
        grant["object"]: {right: grant[right] for right in _RIGHTS}
        for grant in await visit.conn.fetch(
            f'SELECT "SobjectType" AS object, {columns} FROM data."ObjectPermissions"'
            ' WHERE "ParentId" = $1 AND NOT "IsDeleted"',
            set_id,
        )
    }
    counts = {
        row["object"]: row["fields"]
        for row in await visit.conn.fetch(
            'SELECT "SobjectType" AS object, count(*) AS fields FROM data."FieldPermissions"'
            ' WHERE "ParentId" = $1 AND "PermissionsRead" AND NOT "IsDeleted" GROUP BY 1',
            set_id,
        )
    }
    sections: dict[str, list[dict[str, Any]]] = {"objects": [], "custom_settings": [], "custom_metadata": []}
    for value in visit.call.catalogue.whole.objects.values():
        if grantable(value) or value.name in counts:
            sections[_KINDS.get(value.kind, "objects")].append(
                {"name": value.name, "label": value.label_in(visit.language), "grantable": grantable(value)}
                | granted.get(value.name, dict.fromkeys(_RIGHTS, False))
                | {"field_count": counts.get(value.name, 0)}
            )
    for rows in sections.values():
        rows.sort(key=lambda item: (str(item["label"]).lower(), item["name"]))
    return sections


async def _fields(visit: Visit, set_id: str, object_name: str | None) -> list[dict[str, Any]]:
    """Every field of an object that permission sets open, with what this one opens."""
    value = visit.call.catalogue.whole.get(object_name or "")
    if value is None:
        return []
    granted = {
        grant["name"].partition(".")[2]: (grant["read"], grant["edit"])
        for grant in await visit.conn.fetch(
            'SELECT "Field" AS name, "PermissionsRead" AS read, "PermissionsEdit" AS edit'
            ' FROM data."FieldPermissions" WHERE "ParentId" = $1 AND "SobjectType" = $2 AND NOT "IsDeleted"',
            set_id,
            value.name,
        )
    }
    found: list[dict[str, Any]] = []
    for name, writable in openable_fields(value).items():
        read, edit = granted.get(name, (False, False))
        label = value.fields[name].label_in(visit.language)
        found.append({"name": name, "label": label, "read": read, "edit": edit, "writable": writable})
    return sorted(found, key=lambda item: (item["label"].lower(), item["name"]))


async def _tabs(visit: Visit, set_id: str) -> list[dict[str, Any]]:
    """Every custom tab of the org, with how this set shows it; of standard tabs those that it says something of."""
    said = {
        row["name"]: tabs.SAID[row["visibility"]]
        for row in await visit.conn.fetch(
            'SELECT "Name" AS name, "Visibility" AS visibility FROM data."PermissionSetTabSetting"'
            ' WHERE "ParentId" = $1 AND NOT "IsDeleted"',
            set_id,
        )
    }
    labels = {
        component.name: component.source.get("label") if component.source else None
        for component in await all_stored(visit.conn, "CustomTab")
    }
    found: list[dict[str, Any]] = []
    for name in dict.fromkeys([*labels, *said]):
        value = tab_object(visit.call.catalogue.whole, name)
        label = labels.get(name) or (value.label_plural_in(visit.language) if value else name)
        found.append({"name": name, "label": label, "visibility": said.get(name, "None")})
    return sorted(found, key=lambda item: (item["label"].lower(), item["name"]))


# -- changing ------------------------------------------------------------------------------------------------


def _about(body: Mapping[str, Any]) -> dict[str, Any]:
    """Label, API name, description and user permissions, as far as a body says them."""
    values: dict[str, Any] = {}
    if "label" in body:
        values["Label"] = text_of("label", body["label"], 80)
    if "name" in body:
        values["Name"] = text_of("name", body["name"], 80)
    if "description" in body:
        given = body["description"]
        values["Description"] = None if given in (None, "") else text_of("description", given, 255)
    for name, held in _mapping(body, "permissions").items():
        if name not in PERMISSIONS:
            raise refusal("permissions", f"have no {name[:60]}")
        values[f"Permissions{name}"] = flag_of(name, held)
    return values


def _mapping(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    given: Any = body.get(name, {})
    if not isinstance(given, dict) or len(given) > _MOST:  # pyright: ignore[reportUnknownArgumentType]
        raise refusal(name, f"must be an object with at most {_MOST} entries")
    found: dict[str, Any] = given
    return found


def _flags(name: str, given: Any, known: Sequence[str]) -> dict[str, bool]:
    if not isinstance(given, dict):
        raise refusal(name, "must be an object")
    flags: dict[str, Any] = given
    return {
        f"Permissions{flag[:1].upper()}{flag[1:]}": flag_of(name, flags.get(flag, False)) for flag in known
    }


async def _set_rows(visit: Visit, type_name: str, key: str, set_id: str, wanted: Mapping[str, Any]) -> None:
    """Makes the rows of a permission set say what is wanted: by the key's value the columns, None for no row."""
    value = visit.call.catalogue.whole.objects[type_name]
    before = {
        row[key].lower(): row["Id"]
        for row in await visit.conn.fetch(
            f'SELECT "Id", "{key}" FROM data."{type_name}" WHERE "ParentId" = $1 AND NOT "IsDeleted"', set_id
        )
    }
    records = visit.call.records
    new: list[dict[str, Any]] = []
    changed: list[tuple[str, dict[str, Any]]] = []
    gone: list[str] = []
    for name, columns in wanted.items():
        row_id = before.get(name.lower())
        if columns is None:
            gone += [row_id] if row_id else []
        elif row_id:
            changed.append((row_id, columns))
        else:
            more = {"SobjectType": name.partition(".")[0]} if type_name == "FieldPermissions" else {}
            new.append({"ParentId": set_id, key: name} | more | columns)
    if gone:
        all_saved(await records.delete(value, gone))
    if changed:
        all_saved(await records.update(value, changed))
    if new:
        all_saved(await records.create(value, new))


@answering
async def create_set(request: Request) -> Response:
    """Makes a permission set that opens nothing yet: `{label, name, description?}`."""
    body = await body_of(request)
    async with administering(request, "ManageUsers") as visit, visit.conn.transaction():
        for needed in ("label", "name"):
            text_of(needed, body.get(needed), 80)
        value = visit.call.catalogue.whole.objects["PermissionSet"]
        ids = all_saved(await visit.call.records.create(value, [_about(body)]))
        return json_response({"id": ids[0]}, 201)


@answering
async def change_set(request: Request) -> Response:
    """Changes what a permission set is and opens, all of it or nothing: `{label?, description?, permissions?: {name:
    held}, objects?: {name: {Read, ...}}, fields?: {"Object.Field": {read, edit}}, tabs?: {name: visibility}}`."""
    body = await body_of(request)
    async with administering(request, "ManageUsers") as visit, visit.conn.transaction():
        row = await _found(visit, request.path_params["id"])
        if row["IsOwnedByProfile"]:
            raise Fault(
                "INSUFFICIENT_ACCESS", "The permissions of a standard profile cannot be changed", status=403
            )
        values = _about({name: given for name, given in body.items() if name != "name"})
        if values:
            value = visit.call.catalogue.whole.objects["PermissionSet"]
            all_saved(await visit.call.records.update(value, [(row["Id"], values)]))
        objects = {
            name: columns if any((columns := _flags(name, given, _RIGHTS)).values()) else None
            for name, given in _mapping(body, "objects").items()
        }
        fields = {
            name: columns if any((columns := _flags(name, given, ("read", "edit"))).values()) else None
            for name, given in _mapping(body, "fields").items()
        }
        shown = {
            name: None if kept is None else {"Visibility": kept}
            for name, given in _mapping(body, "tabs").items()
            for kept in (tabs.KEPT[choice_of(name, given, tabs.VISIBILITIES)],)
        }
        for type_name, key, wanted in (
            ("ObjectPermissions", "SobjectType", objects),
            ("FieldPermissions", "Field", fields),
            (tabs.SETTING, "Name", shown),
        ):
            if wanted:
                await _set_rows(visit, type_name, key, row["Id"], wanted)
        return json_response({"id": row["Id"]})


@answering
async def remove_set(request: Request) -> Response:
    """Deletes a permission set that nobody has. DELETE_FAILED otherwise."""
    async with administering(request, "ManageUsers") as visit, visit.conn.transaction():
        row = await _found(visit, request.path_params["id"])
        if await visit.conn.fetchval(
            'SELECT 1 FROM data."PermissionSetAssignment" WHERE "PermissionSetId" = $1 AND NOT "IsDeleted" LIMIT 1',
            row["Id"],
        ):
            raise Fault(
                "DELETE_FAILED", "This permission set is assigned to users: remove the assignments first"
            )
        value = visit.call.catalogue.whole.objects["PermissionSet"]
        all_saved(await visit.call.records.delete(value, [row["Id"]]))
        return Response(status_code=204)


# -- assignments ---------------------------------------------------------------------------------------------


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
    Route(_PREFIX, create_set, methods=["POST"]),
    Route(f"{_PREFIX}/{{id}}", show_set),
    Route(f"{_PREFIX}/{{id}}", change_set, methods=["PATCH"]),
    Route(f"{_PREFIX}/{{id}}", remove_set, methods=["DELETE"]),
    Route(f"{_PREFIX}/{{id}}/assignments", list_assignments),
    Route(f"{_PREFIX}/{{id}}/assignments", assign, methods=["POST"]),
    Route(f"{_PREFIX}/{{id}}/assignments/remove", unassign, methods=["POST"]),
]
