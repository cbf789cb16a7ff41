# ruff: noqa: S608 - a condition written in code, values are parameters
"""The rows of list views: which ones a user sees, and making, changing and deleting one's own.

Views that came with the org stay as they are: people clone them. Public ones are an administrator's to write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import asyncpg

from ..access.questions import Caller
from ..errors import Fault, not_found
from ..ids import make_id, parse_id
from ..metadata import ObjectType
from .definition import MAX_LABEL, MAX_NAME, ListView, checked, of_definition
from .standard import insert

MAX_OWN = 200
"""Views that one user may have of one object."""
_SEEN = '(v."IsPublic" OR v."CreatedById" = $2) AND NOT v."IsDeleted"'
_COLUMNS = (
    'v."Id", v."Name", v."DeveloperName", v."SobjectType", v."IsPublic", v."IsStandard", v."CreatedById",'
    ' v."Definition"'
)


def _view(row: Any) -> ListView:
    view = ListView(
        row["Id"],
        row["SobjectType"],
        row["DeveloperName"],
        row["Name"],
        public=row["IsPublic"],
        standard=row["IsStandard"],
        owner_id=row["CreatedById"],
    )
    return of_definition(view, json.loads(row["Definition"]))


async def views_of(conn: Any, caller: Caller, value: ObjectType) -> list[ListView]:
    """The views of an object that a user sees: those that came with the org first, then by label."""
    rows = await conn.fetch(
        f'SELECT {_COLUMNS} FROM data."ListView" v WHERE v."SobjectType" = $1 AND {_SEEN}'
        ' ORDER BY NOT v."IsStandard", CASE WHEN v."IsStandard" THEN v."Id" ELSE lower(v."Name") END, v."Id"',
        value.name,
        caller.user_id,
    )
    return [_view(row) for row in rows]


async def find_view(conn: Any, caller: Caller, value: ObjectType, asked: str) -> ListView | None:
    """The view with that id or API name, where the user sees it."""
    row = await conn.fetchrow(
        f'SELECT {_COLUMNS} FROM data."ListView" v WHERE v."SobjectType" = $1 AND {_SEEN}'
        ' AND (v."Id" = $3 OR lower(v."DeveloperName") = lower($4)) ORDER BY v."IsPublic" LIMIT 1',
        value.name,
        caller.user_id,
        parse_id(asked) or "",
        asked,
    )
    return _view(row) if row else None


def may_change(caller: Caller, view: ListView) -> bool:
    """True where the user may rename, change or delete the view."""
    if view.standard:
        return False
    return view.owner_id == caller.user_id or (view.public and caller.administrator)


def _refused() -> Fault:
    return Fault(
        "INSUFFICIENT_ACCESS", "This list view is not yours: clone it, then change the copy", status=403
    )


async def create(
    conn: Any, instance: str, caller: Caller, value: ObjectType, start: ListView, body: Mapping[str, Any]
) -> ListView:
    """A new view that begins as `start` (a copy) and is as the request says. Within the caller's transaction."""
    view = checked(replace(start, standard=False, owner_id=caller.user_id, public=False), body, value)
    if "label" not in body:
        raise Fault("INVALID_INPUT", f"label must be a text of 1 to {MAX_LABEL} characters", fields=["label"])
    view = replace(view, public=_asked_public(caller, body, False))
    count = await conn.fetchval(
        'SELECT count(*) FROM data."ListView" WHERE "SobjectType" = $1 AND "CreatedById" = $2 AND NOT "IsStandard"'
        ' AND NOT "IsDeleted"',
        value.name,
        caller.user_id,
    )
    if count >= MAX_OWN:
        raise Fault("LIMIT_EXCEEDED", f"You can have at most {MAX_OWN} list views of one object: delete some")
    if "name" not in body:
        view = replace(view, name=await _free_name(conn, value, view.label))
    view = replace(
        view, id=make_id("00B", instance, await conn.fetchval("SELECT nextval('meta.record_number')"))
    )
    try:
        async with conn.transaction():
            await insert(conn, view, view.id, caller.user_id)
    except asyncpg.exceptions.UniqueViolationError:
        raise _taken() from None
    return view


def _asked_public(caller: Caller, body: Mapping[str, Any], otherwise: bool) -> bool:
    if "public" not in body:
        return otherwise
    public = body["public"] is True
    if public and not caller.administrator:
        raise Fault(
            "INSUFFICIENT_ACCESS", "Only administrators may share a list view with everybody", status=403
        )
    return public


def _taken() -> Fault:
    return Fault(
        "DUPLICATE_DEVELOPER_NAME", "There is a list view with this API name: choose another", fields=["name"]
    )


async def _free_name(conn: Any, value: ObjectType, label: str) -> str:
    """An API name made of a label: letters and digits, with a number where others have it."""
    base = re.sub(r"[^A-Za-z0-9]+", "_", label).strip("_")[: MAX_NAME - 6]
    if not base or not base[0].isalpha():
        base = f"View_{base}".rstrip("_")
    taken = {
        row["n"]
        for row in await conn.fetch(
            'SELECT lower("DeveloperName") AS n FROM data."ListView" WHERE "SobjectType" = $1 AND NOT "IsDeleted"',
            value.name,
        )
    }
    name, number = base, 1
    while name.lower() in taken:
        number += 1
        name = f"{base}_{number}"
    return name


async def change(
    conn: Any, caller: Caller, value: ObjectType, view: ListView, body: Mapping[str, Any]
) -> ListView:
    """The view as the request changes it. Within the caller's transaction."""
    if not may_change(caller, view):
        raise _refused()
    changed = checked(view, body, value)
    changed = replace(changed, public=_asked_public(caller, body, view.public))
    try:
        async with conn.transaction():
            await conn.execute(
                'UPDATE data."ListView" SET "Name" = $2, "DeveloperName" = $3, "IsPublic" = $4,'
                ' "Definition" = $5::jsonb::text, "LastModifiedDate" = now(), "LastModifiedById" = $6,'
                ' "SystemModstamp" = now() WHERE "Id" = $1',
                view.id,
                changed.label,
                changed.name,
                changed.public,
                changed.definition(),
                caller.user_id,
            )
    except asyncpg.exceptions.UniqueViolationError:
        raise _taken() from None
    return changed


async def delete(conn: Any, caller: Caller, view: ListView) -> None:
    """Deletes a view for good."""
    if not may_change(caller, view):
        raise _refused()
    if not await conn.fetchval('DELETE FROM data."ListView" WHERE "Id" = $1 RETURNING true', view.id):
        raise not_found()
