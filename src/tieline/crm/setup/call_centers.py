"""Call centers in Set-up: import, list, detail, edit, clone, delete, export, and who works in them.

A user has one call center. Those who already have one are not offered when users are added; they are moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import audit_trail
from ..callcenters import store_call_center
from ..console import Visit, answering
from ..errors import Fault, Faults, not_found
from ..ids import parse_id
from ..sign_in.apps import all_apps
from ..softphone import MAX_DEFINITION, Definition
from ..web import json_response, read_body
from .administration import administering, all_saved, body_of, choice_of, ids_of, looking, refusal, text_of
from .definition_file import (
    DISPLAY,
    GENERAL,
    INTERNAL,
    DefinitionFault,
    check_values,
    parse_definition,
    write_definition,
)

RIGHT = "ManageCallCenters"
_SHOWN_USERS = 200
_MAX_CRITERIA = 5
_CRITERIA: Mapping[str, str] = {
    "Name": 'u."Name"',
    "FirstName": 'u."FirstName"',
    "LastName": 'u."LastName"',
    "Username": 'u."Username"',
    "Email": 'u."Email"',
    "Alias": 'u."Alias"',
    "Title": 'u."Title"',
    "Department": 'u."Department"',
    "Profile": 'p."Name"',
    "Role": 'r."Name"',
}
_OPERATORS: Mapping[str, str] = {
    "equals": "lower(coalesce({0}, '')) = lower({1})",
    "not_equal": "lower(coalesce({0}, '')) <> lower({1})",
    "starts": "starts_with(lower({0}), lower({1}))",
    "contains": "strpos(lower({0}), lower({1})) > 0",
    "excludes": "strpos(lower(coalesce({0}, '')), lower({1})) = 0",
}
_PEOPLE = (
    'SELECT u."Id" AS id, u."Name" AS name, u."FirstName" AS first_name, u."LastName" AS last_name,'
    ' u."Username" AS username, u."Email" AS email, u."Alias" AS alias, u."IsActive" AS active,'
    ' p."Name" AS profile, r."Name" AS role FROM data."User" u JOIN data."Profile" p ON p."Id" = u."ProfileId"'
    ' LEFT JOIN data."UserRole" r ON r."Id" = u."UserRoleId"'
)


async def _found(visit: Visit, raw: str) -> Any:
    """The row of a call center with its definition. NOT_FOUND."""
    row = await visit.conn.fetchrow(
        'SELECT c."Id" AS id, c."InternalName" AS internal_name, c."Name" AS display_name,'
        ' c."AdapterUrl" AS adapter_url, c."CreatedDate" AS created_at, c."LastModifiedDate" AS modified_at,'
        ' by."Name" AS created_by, last."Name" AS modified_by, d.sections, d.label, d.internal_label, d.display_label'
        ' FROM data."CallCenter" c LEFT JOIN meta.call_center_definition d ON d.call_center_id = c."Id"'
        ' LEFT JOIN data."User" by ON by."Id" = c."CreatedById"'
        ' LEFT JOIN data."User" last ON last."Id" = c."LastModifiedById"'
        ' WHERE c."Id" = $1 AND NOT c."IsDeleted"',
        parse_id(raw) or "",
    )
    if row is None:
        raise not_found()
    return row


def _definition(row: Any) -> Definition:
    return Definition(
        internal_name=row["internal_name"],
        display_name=row["display_name"],
        adapter_url=row["adapter_url"] or "",
        sections=row["sections"] or [],
        internal_label=row["internal_label"],
        display_label=row["display_label"],
        label=row["label"],
    )


async def _stored(visit: Visit, definition: Definition, *, replace: bool) -> str:
    prefix = visit.call.catalogue.whole.objects["CallCenter"].key_prefix
    try:
        record_id, _ = await store_call_center(
            visit.conn, visit.call.org.instance, prefix, visit.caller.user_id, definition, replace=replace
        )
    except Fault as fault:
        if fault.code != "DUPLICATE_VALUE":
            raise
        raise DefinitionFault("internal_name_taken", item=INTERNAL, found=definition.internal_name) from None
    return record_id


# -- the adapter's host --------------------------------------------------------------------------------------


async def _origins_of_apps(visit: Visit) -> list[str]:
    """Web origins that the org's connected apps call back to: where a contact center lives that is connected here."""
    origins: dict[str, None] = {}
    for app in await all_apps(visit.conn, visit.call.org):
        if app.kind != "built_in":
            for callback in app.callbacks:
                parts = urlsplit(callback)
                if parts.scheme in ("http", "https"):
                    origins[f"{parts.scheme}://{parts.netloc}"] = None
    return list(origins)


def _corrections(adapter_url: str | None, origins: Sequence[str]) -> list[str]:
    """Addresses that the adapter may have instead; none where its host is known, or nothing is connected.

    An account's own name may stand before the host of the app it belongs to.
    """
    parts = urlsplit(adapter_url or "")
    if parts.scheme not in ("http", "https") or not origins:
        return []
    for origin in origins:
        known = urlsplit(origin).netloc.lower()
        if parts.netloc.lower() == known or parts.netloc.lower().endswith(f".{known}"):
            return []
    found = [
        urlunsplit((urlsplit(origin).scheme, urlsplit(origin).netloc, parts.path, parts.query, ""))
        for origin in origins
    ]
    return found[:5]


# -- the call centers ----------------------------------------------------------------------------------------


@answering
async def import_call_center(request: Request) -> Response:
    """Imports a call center definition (XML). An internal name can be imported once."""
    raw = await read_body(request, MAX_DEFINITION + 1)
    async with administering(request, RIGHT) as visit:
        definition = parse_definition(raw)
        async with visit.conn.transaction():
            record_id = await _stored(visit, definition, replace=False)
            await audit_trail.note(
                visit.conn, visit.caller, "call_centers", "importedCallCenter", name=definition.display_name
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
    """All call centers with the ids of their users, and whether somebody has seen the introduction."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT c."Id" AS id, c."InternalName" AS internal_name, c."Name" AS display_name,'
            ' c."AdapterUrl" AS adapter_url, d.sections, c."CreatedDate" AS created_at,'
            ' c."LastModifiedDate" AS modified_at,'
            ' (SELECT coalesce(array_agg(u."Id" ORDER BY u."Id"), \'{}\') FROM data."User" u'
            '   WHERE u."CallCenterId" = c."Id" AND NOT u."IsDeleted") AS user_ids'
            ' FROM data."CallCenter" c LEFT JOIN meta.call_center_definition d ON d.call_center_id = c."Id"'
            ' WHERE NOT c."IsDeleted" ORDER BY lower(c."Name"), c."Id"'
        )
        origins = await _origins_of_apps(visit)
        return json_response(
            {
                "call_centers": [
                    dict(row)
                    | {
                        "created_at": row["created_at"].isoformat(),
                        "modified_at": row["modified_at"].isoformat(),
                        "foreign_host": bool(_corrections(row["adapter_url"], origins)),
                    }
                    for row in rows
                ]
            }
        )


@answering
async def show_call_center(request: Request) -> Response:
    """A call center with every section and item, its users, and corrections of an adapter host that is not known."""
    async with looking(request) as visit:
        row = await _found(visit, request.path_params["id"])
        users = await visit.conn.fetch(
            f'{_PEOPLE} WHERE u."CallCenterId" = $1 AND NOT u."IsDeleted" ORDER BY lower(u."Name"), u."Id" LIMIT 2000',
            row["id"],
        )
        return json_response(
            dict(row)
            | {
                "created_at": row["created_at"].isoformat(),
                "modified_at": row["modified_at"].isoformat(),
                "sections": row["sections"] or [],
                "corrections": _corrections(row["adapter_url"], await _origins_of_apps(visit)),
                "users": [dict(user) for user in users],
            }
        )


@answering
async def export_call_center(request: Request) -> Response:
    """The definition as an XML file."""
    async with looking(request) as visit:
        row = await _found(visit, request.path_params["id"])
        return Response(
            write_definition(_definition(row)),
            headers={
                "Content-Disposition": f'attachment; filename="{row["internal_name"]}.xml"',
                "Cache-Control": "no-store",
                "X-Content-Type-Options": "nosniff",
            },
            media_type="application/xml",
        )


@answering
async def change_call_center(request: Request) -> Response:
    """Changes the display name, the adapter URL or other values: `{display_name, values: {"/section/item": v}}`.

    The internal name stays what it was imported as.
    """
    body = await body_of(request)
    async with administering(request, RIGHT) as visit:
        row = await _found(visit, request.path_params["id"])
        given: Any = body.get("values") or {}
        if not isinstance(given, dict):
            raise refusal("values", "must be an object")
        values: dict[str, Any] = dict(given)
        if "adapter_url" in body:
            values[f"/{GENERAL}/reqAdapterUrl"] = body["adapter_url"]
        display_name = str(body.get("display_name", row["display_name"]) or "").strip()
        general = {INTERNAL: row["internal_name"], DISPLAY: display_name}
        sections: list[Any] = row["sections"] or []
        changed: list[str] = [] if display_name == row["display_name"] else [DISPLAY]
        for section in sections:
            for item in section["items"]:
                path = f"/{section['name']}/{item['name']}"
                if path in values:
                    value = str(values.pop(path) or "").strip()
                    if len(value) > 2000 or "\x00" in value:
                        raise DefinitionFault("value", item=item["name"])
                    if value != (item.get("value") or ""):
                        changed.append(item["name"])
                    item["value"] = value
                if section["name"] == GENERAL:
                    general[item["name"]] = item.get("value") or ""
        if values:
            raise refusal("values", f"names unknown items: {', '.join(sorted(values))[:200]}")
        faults = check_values(general)
        if faults:
            raise Faults(faults)
        async with visit.conn.transaction():
            await _stored(
                visit,
                Definition(row["internal_name"], display_name, general["reqAdapterUrl"], sections),
                replace=True,
            )
            if changed:
                await audit_trail.note(
                    visit.conn,
                    visit.caller,
                    "call_centers",
                    "changedCallCenter",
                    name=display_name,
                    fields=changed[:20],
                )
        return json_response(
            {"id": row["id"], "adapter_url": general["reqAdapterUrl"], "display_name": display_name}
        )


@answering
async def clone_call_center(request: Request) -> Response:
    """A copy under another name, without users: `{internal_name, display_name}`."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit:
        row = await _found(visit, request.path_params["id"])
        names = {
            INTERNAL: str(body.get("internal_name") or "").strip(),
            DISPLAY: str(body.get("display_name") or "").strip(),
        }
        faults = [fault for fault in check_values(names) if fault.item in names]
        if faults:
            raise Faults(faults)
        source = _definition(row)
        async with visit.conn.transaction():
            record_id = await _stored(
                visit,
                Definition(
                    names[INTERNAL],
                    names[DISPLAY],
                    source.adapter_url,
                    source.sections,
                    source.internal_label,
                    source.display_label,
                    source.label,
                ),
                replace=False,
            )
            await audit_trail.note(
                visit.conn,
                visit.caller,
                "call_centers",
                "clonedCallCenter",
                name=names[DISPLAY],
                on=source.display_name,
            )
        return json_response({"id": record_id}, 201)


@answering
async def delete_call_center(request: Request) -> Response:
    """Deletes a call center that nobody works in. DELETE_FAILED with the number of its users otherwise."""
    async with administering(request, RIGHT) as visit, visit.conn.transaction():
        row = await _found(visit, request.path_params["id"])
        # Users who are being added wait, or are seen here.
        await visit.conn.fetch('SELECT 1 FROM data."CallCenter" WHERE "Id" = $1 FOR UPDATE', row["id"])
        users = await visit.conn.fetchval(
            'SELECT count(*) FROM data."User" WHERE "CallCenterId" = $1 AND NOT "IsDeleted"', row["id"]
        )
        if users:
            raise Fault("DELETE_FAILED", f"The call center has users: {users}. Remove or move them first.")
        await visit.conn.execute(
            'UPDATE data."CallCenter" SET "IsDeleted" = true, "LastModifiedDate" = now(), "LastModifiedById" = $2,'
            ' "SystemModstamp" = now() WHERE "Id" = $1',
            row["id"],
            visit.caller.user_id,
        )
        await audit_trail.note(
            visit.conn, visit.caller, "call_centers", "deletedCallCenter", name=row["display_name"]
        )
    return json_response(None, 204)


# -- its users -----------------------------------------------------------------------------------------------


@answering
async def find_candidates(request: Request) -> Response:
    """Active users without a call center who match all criteria: `{criteria: [{field, operator, value}]}`.

    Answers `{users, total}`, at most 200 users.
    """
    body = await body_of(request)
    given: Any = body.get("criteria", [])
    if not isinstance(given, list):
        raise refusal("criteria", "must be a list")
    criteria: list[Any] = given
    if len(criteria) > _MAX_CRITERIA:
        raise refusal("criteria", f"must have at most {_MAX_CRITERIA} entries")
    conditions = ['u."CallCenterId" IS NULL', 'u."IsActive"', 'NOT u."IsDeleted"']
    params: list[str] = []
    for criterion in criteria:
        if not isinstance(criterion, dict):
            raise refusal("criteria", "must be a list of objects")
        entry: dict[str, Any] = criterion
        name = choice_of("field", entry.get("field"), tuple(_CRITERIA))
        operator = choice_of("operator", entry.get("operator"), tuple(_OPERATORS))
        params.append(text_of("value", entry.get("value"), 255))
        conditions.append(_OPERATORS[operator].format(_CRITERIA[name], f"${len(params)}"))
    async with administering(request, RIGHT) as visit:
        where = " AND ".join(conditions)
        rows = await visit.conn.fetch(
            f'{_PEOPLE} WHERE {where} ORDER BY lower(u."Name"), u."Id" LIMIT {_SHOWN_USERS + 1}', *params
        )
        return json_response(
            {"users": [dict(row) for row in rows[:_SHOWN_USERS]], "has_more": len(rows) > _SHOWN_USERS}
        )


async def _put_users(
    visit: Visit,
    row: Any,
    action: str,
    user_ids: Sequence[str],
    call_center_id: str | None,
    on: str | None = None,
) -> None:
    """Gives users another call center, all or none of them."""
    user = visit.call.catalogue.whole.objects["User"]
    all_saved(
        await visit.call.records.update(
            user, [(user_id, {"CallCenterId": call_center_id}) for user_id in user_ids]
        )
    )
    names = await visit.conn.fetch(
        'SELECT "Username" FROM data."User" WHERE "Id" = ANY($1) ORDER BY "Username" LIMIT 20', list(user_ids)
    )
    await audit_trail.note(
        visit.conn,
        visit.caller,
        "call_centers",
        action,
        name=row["display_name"],
        on=on,
        fields=[name["Username"] for name in names],
    )


async def _require_members(visit: Visit, call_center_id: str, user_ids: Sequence[str]) -> None:
    count = await visit.conn.fetchval(
        'SELECT count(*) FROM data."User" WHERE "Id" = ANY($1) AND "CallCenterId" = $2 AND NOT "IsDeleted"',
        list(user_ids),
        call_center_id,
    )
    if count != len(user_ids):
        raise not_found("One of these users is not in this call center any more")


@answering
async def add_users(request: Request) -> Response:
    """Puts users into a call center: `{user_ids}`. A user has one; the other is left."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit:
        user_ids = ids_of(body, "user_ids")
        async with visit.conn.transaction():
            row = await _found(visit, request.path_params["id"])
            await visit.conn.fetch('SELECT 1 FROM data."CallCenter" WHERE "Id" = $1 FOR SHARE', row["id"])
            await _put_users(visit, row, "addedCallCenterUsers", user_ids, row["id"])
        return json_response({"id": row["id"], "user_ids": user_ids})


@answering
async def remove_user(request: Request) -> Response:
    """Takes a user out of a call center."""
    async with administering(request, RIGHT) as visit, visit.conn.transaction():
        row = await _found(visit, request.path_params["id"])
        user_id = parse_id(request.path_params["user_id"]) or ""
        await _require_members(visit, row["id"], [user_id])
        await _put_users(visit, row, "removedCallCenterUsers", [user_id], None)
    return json_response(None, 204)


@answering
async def remove_users(request: Request) -> Response:
    """Takes users out of a call center: `{user_ids}`."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit, visit.conn.transaction():
        user_ids = ids_of(body, "user_ids")
        row = await _found(visit, request.path_params["id"])
        await _require_members(visit, row["id"], user_ids)
        await _put_users(visit, row, "removedCallCenterUsers", user_ids, None)
    return json_response(None, 204)


@answering
async def move_users(request: Request) -> Response:
    """Takes users of this call center over into another one, in one step: `{user_ids, to}`."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit, visit.conn.transaction():
        user_ids = ids_of(body, "user_ids")
        row = await _found(visit, request.path_params["id"])
        target = await _found(visit, str(body.get("to") or ""))
        await visit.conn.fetch('SELECT 1 FROM data."CallCenter" WHERE "Id" = $1 FOR SHARE', target["id"])
        await _require_members(visit, row["id"], user_ids)
        await _put_users(
            visit, target, "movedCallCenterUsers", user_ids, target["id"], on=row["display_name"]
        )
    return json_response({"id": target["id"], "user_ids": user_ids})


_PREFIX = "/console/api/setup/call-centers"

ROUTES = [
    Route(_PREFIX, list_call_centers),
    Route(f"{_PREFIX}/import", import_call_center, methods=["POST"]),
    Route(f"{_PREFIX}/candidates", find_candidates, methods=["POST"]),
    Route(f"{_PREFIX}/{{id}}", show_call_center),
    Route(f"{_PREFIX}/{{id}}", change_call_center, methods=["PATCH"]),
    Route(f"{_PREFIX}/{{id}}", delete_call_center, methods=["DELETE"]),
    Route(f"{_PREFIX}/{{id}}/definition", export_call_center),
    Route(f"{_PREFIX}/{{id}}/clone", clone_call_center, methods=["POST"]),
    Route(f"{_PREFIX}/{{id}}/users", add_users, methods=["POST"]),
    Route(f"{_PREFIX}/{{id}}/users/remove", remove_users, methods=["POST"]),
    Route(f"{_PREFIX}/{{id}}/users/move", move_users, methods=["POST"]),
    Route(f"{_PREFIX}/{{id}}/users/{{user_id}}", remove_user, methods=["DELETE"]),
]
