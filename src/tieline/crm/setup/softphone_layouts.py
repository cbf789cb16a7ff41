"""Softphone layouts in Set-up: make, change, delete, choose the default, and assign to profiles."""

from __future__ import annotations

from typing import Any

import asyncpg
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import audit_trail
from ..console import Visit, answering
from ..errors import Fault, not_found
from ..ids import parse_id
from ..metadata import ObjectType
from ..softphone import check_layout
from ..softphone_layouts import STANDARD_NAME, make_default, write_layout
from ..web import json_response
from .administration import administering, body_of, flag_of, looking, refusal, text_of

RIGHT = "ManageCallCenters"
_MAX_LAYOUTS = 100
_SELECT = (
    "SELECT l.id, l.name, l.is_default, l.layout, l.created_at, l.modified_at,"
    ' by."Name" AS created_by, last."Name" AS modified_by'
    ' FROM meta.softphone_layout l LEFT JOIN data."User" by ON by."Id" = l.created_by'
    ' LEFT JOIN data."User" last ON last."Id" = l.modified_by'
)


def _shown(row: Any) -> dict[str, Any]:
    return dict(row) | {
        "created_at": row["created_at"].isoformat(),
        "modified_at": row["modified_at"].isoformat(),
    }


async def _found(visit: Visit, raw: str) -> Any:
    row = await visit.conn.fetchrow(f"{_SELECT} WHERE l.id = $1", parse_id(raw) or "")
    if row is None:
        raise not_found()
    return row


def _choices(value: ObjectType, language: str) -> dict[str, Any]:
    return {
        "name": value.name,
        "label": value.label_in(language),
        "fields": [
            {"name": item.name, "label": item.label_in(language)}
            for item in sorted(value.fields.values(), key=lambda item: item.label_in(language))
            if item.type not in ("address", "textarea") and not item.hidden
        ],
    }


@answering
async def list_layouts(request: Request) -> Response:
    """All softphone layouts, and the objects and fields that a layout may show."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(f"{_SELECT} ORDER BY lower(l.name)")
        catalogue = visit.call.catalogue
        return json_response(
            {
                "layouts": [_shown(row) for row in rows],
                "objects": [
                    _choices(value, visit.language)
                    for value in catalogue.objects.values()
                    if (value.searchable and not value.setup) or value.name == "User"
                ],
            }
        )


@answering
async def show_layout(request: Request) -> Response:
    """One softphone layout."""
    async with looking(request) as visit:
        return json_response(_shown(await _found(visit, request.path_params["id"])))


async def _write(visit: Visit, layout_id: str | None, name: str, body: dict[str, Any], before: Any) -> str:
    layout = check_layout(body.get("layout"), visit.call.catalogue)
    default = flag_of("is_default", body.get("is_default", before["is_default"] if before else False))
    if before is not None and before["is_default"] and not default:
        raise refusal("is_default", "cannot be taken away: make another layout the default one")
    try:
        async with visit.conn.transaction():
            written = await write_layout(visit.conn, layout_id, name, layout, visit.caller.user_id)
            if default:
                await make_default(visit.conn, written)
            await audit_trail.note(
                visit.conn,
                visit.caller,
                "softphone_layouts",
                "createdSoftphoneLayout" if before is None else "changedSoftphoneLayout",
                name=name,
            )
    except asyncpg.exceptions.UniqueViolationError:
        raise Fault("DUPLICATE_VALUE", f"duplicate value found: {name}", fields=["name"]) from None
    return written


@answering
async def create_layout(request: Request) -> Response:
    """Makes a softphone layout: `{name, is_default, layout}`."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit:
        if await visit.conn.fetchval("SELECT count(*) FROM meta.softphone_layout") >= _MAX_LAYOUTS:
            raise Fault("LIMIT_EXCEEDED", f"An org has at most {_MAX_LAYOUTS} softphone layouts")
        layout_id = await _write(visit, None, text_of("name", body.get("name"), 80), body, None)
        return json_response({"id": layout_id}, 201)


@answering
async def change_layout(request: Request) -> Response:
    """Replaces a softphone layout: `{name, is_default, layout}`."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit:
        before = await _found(visit, request.path_params["id"])
        layout_id = await _write(visit, before["id"], text_of("name", body.get("name"), 80), body, before)
        return json_response({"id": layout_id})


@answering
async def change_default_layout(request: Request) -> Response:
    """Replaces what the default layout shows and pops; the body is the layout itself."""
    body = await body_of(request)
    async with administering(request, RIGHT) as visit:
        before = await visit.conn.fetchrow(f"{_SELECT} WHERE l.is_default")
        await _write(
            visit,
            before["id"] if before else None,
            before["name"] if before else STANDARD_NAME,
            {"layout": body, "is_default": True},
            before,
        )
        return json_response(check_layout(body, visit.call.catalogue))


@answering
async def delete_layout(request: Request) -> Response:
    """Deletes a layout; its profiles have the default one from then on. The default itself stays."""
    async with administering(request, RIGHT) as visit, visit.conn.transaction():
        before = await _found(visit, request.path_params["id"])
        if before["is_default"]:
            raise Fault("DELETE_FAILED", "The default softphone layout cannot be deleted")
        await visit.conn.execute("DELETE FROM meta.softphone_layout WHERE id = $1", before["id"])
        await audit_trail.note(
            visit.conn, visit.caller, "softphone_layouts", "deletedSoftphoneLayout", name=before["name"]
        )
    return json_response(None, 204)


@answering
async def show_assignment(request: Request) -> Response:
    """Which layout each profile has; null is the default one: `{profiles: [{id, name, layout}]}`."""
    async with looking(request) as visit:
        rows = await visit.conn.fetch(
            'SELECT p."Id" AS id, p."Name" AS name, a.layout_id AS layout FROM data."Profile" p'
            ' LEFT JOIN meta.softphone_layout_of_profile a ON a.profile_id = p."Id"'
            ' WHERE NOT p."IsDeleted" ORDER BY lower(p."Name")'
        )
        return json_response({"profiles": [dict(row) for row in rows]})


@answering
async def change_assignment(request: Request) -> Response:
    """Gives profiles their layouts: `{profiles: {"<profile id>": "<layout id>" or null}}`."""
    body = await body_of(request)
    given: Any = body.get("profiles")
    if not isinstance(given, dict):
        raise refusal("profiles", "must be an object")
    wanted: dict[str, Any] = given
    async with administering(request, RIGHT) as visit, visit.conn.transaction():
        for raw, layout in wanted.items():
            profile = await visit.conn.fetchrow(
                'SELECT "Id", "Name" FROM data."Profile" WHERE "Id" = $1 AND NOT "IsDeleted"',
                parse_id(raw) or "",
            )
            if profile is None:
                raise not_found()
            if layout is None:
                await visit.conn.execute(
                    "DELETE FROM meta.softphone_layout_of_profile WHERE profile_id = $1", profile["Id"]
                )
                name = None
            else:
                row = await _found(visit, str(layout))
                name = row["name"]
                await visit.conn.execute(
                    "INSERT INTO meta.softphone_layout_of_profile VALUES ($1, $2)"
                    " ON CONFLICT (profile_id) DO UPDATE SET layout_id = excluded.layout_id",
                    profile["Id"],
                    row["id"],
                )
            await audit_trail.note(
                visit.conn,
                visit.caller,
                "softphone_layouts",
                "assignedSoftphoneLayout" if name else "unassignedSoftphoneLayout",
                name=name or "",
                on=profile["Name"],
            )
    return json_response({"profiles": wanted})


_PREFIX = "/console/api/setup/softphone-layouts"

ROUTES = [
    Route(_PREFIX, list_layouts),
    Route(_PREFIX, create_layout, methods=["POST"]),
    Route(f"{_PREFIX}/default", change_default_layout, methods=["PUT"]),
    Route(f"{_PREFIX}/assignment", show_assignment),
    Route(f"{_PREFIX}/assignment", change_assignment, methods=["PUT"]),
    Route(f"{_PREFIX}/{{id}}", show_layout),
    Route(f"{_PREFIX}/{{id}}", change_layout, methods=["PUT"]),
    Route(f"{_PREFIX}/{{id}}", delete_layout, methods=["DELETE"]),
]
