"""The setup audit trail: who changed which part of Set-up, and when; kept for 180 days.

Each row holds an action's name and the values of its sentence; pages put them into the reader's language.
Changes of Set-up's records are noted by whoever writes records, so that the API's changes are here, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .metadata import ObjectType
from .rights import Caller

KEPT = "180 days"
TABLE = """
CREATE TABLE meta.setup_audit (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(),
    user_id text NOT NULL, section text NOT NULL, action text NOT NULL, detail jsonb NOT NULL
);
CREATE INDEX setup_audit_by_time ON meta.setup_audit (at);
"""
_SECTIONS: Mapping[str, str] = {
    "User": "users",
    "UserLogin": "users",
    "Profile": "profiles",
    "UserRole": "roles",
    "PermissionSet": "permission_sets",
    "PermissionSetAssignment": "permission_sets",
    "ObjectPermissions": "permission_sets",
    "FieldPermissions": "permission_sets",
    "PermissionSetTabSetting": "permission_sets",
    "Group": "groups",
    "GroupMember": "groups",
    "QueueSobject": "groups",
    "ServiceChannel": "omni",
    "ServicePresenceStatus": "omni",
    "ServiceChannelStatus": "omni",
    "PresenceUserConfig": "omni",
    "Organization": "company",
}
"""The section of Set-up that an object's changes belong to; objects without one are no set-up of anybody's."""
_LONGEST = 255
_MOST_FIELDS = 20


async def note(conn: Any, caller: Caller, section: str, action: str, **detail: Any) -> None:
    """Writes one change down: `detail` are the values of the action's sentence, texts or lists of field names."""
    await conn.execute(
        "WITH old AS (DELETE FROM meta.setup_audit WHERE at < now() - $5::text::interval)"
        " INSERT INTO meta.setup_audit (user_id, section, action, detail) VALUES ($1, $2, $3, $4)",
        caller.user_id,
        section,
        action,
        {name: _short(value) for name, value in detail.items() if value is not None},
        KEPT,
    )


def _short(value: Any) -> Any:
    return value[:_LONGEST] if isinstance(value, str) else value


async def note_records(
    conn: Any,
    caller: Caller,
    value: ObjectType,
    kind: str,
    rows: Iterable[tuple[Mapping[str, Any], Iterable[str]]],
) -> None:
    """Writes down that records of Set-up were `created`, `changed` or `deleted`: each row with its changed fields.

    What the program does by itself while it furnishes an org is nobody's change.
    """
    section = _SECTIONS.get(value.name)
    if section is None or caller.permissions is None:
        return
    for row, fields in rows:
        changed = sorted(fields)[:_MOST_FIELDS] if kind == "changed" else None
        if kind == "changed" and not changed:
            continue
        await note(
            conn,
            caller,
            section,
            f"{kind}{value.name}",
            name=await _name(conn, value, row),
            on=await _owner(conn, value, row),
            fields=changed,
        )


async def _name(conn: Any, value: ObjectType, row: Mapping[str, Any]) -> str:
    """What people call the record; for a row that joins two others, what the first of them is called."""
    if value.name == "PermissionSetAssignment":
        return str(await _label_of_set(conn, row["PermissionSetId"]))
    if value.name in ("ObjectPermissions", "FieldPermissions"):
        return str(row.get("Field") or row["SobjectType"])
    if value.name == "PermissionSetTabSetting":
        return str(row["Name"])
    if value.name == "UserLogin":
        return str(await _username(conn, row["UserId"]))
    if value.name in ("User", "PermissionSet"):
        return str(row["Username" if value.name == "User" else "Label"])
    item = value.name_field
    return str(row[item.name] if item is not None else row["Id"])


async def _owner(conn: Any, value: ObjectType, row: Mapping[str, Any]) -> str | None:
    """The other record of a row that joins two."""
    if value.name == "PermissionSetAssignment":
        return await _username(conn, row["AssigneeId"])
    if value.name in ("ObjectPermissions", "FieldPermissions", "PermissionSetTabSetting"):
        return await _label_of_set(conn, row["ParentId"])
    return None


async def _label_of_set(conn: Any, set_id: str) -> str | None:
    return await conn.fetchval(
        'SELECT CASE WHEN s."IsOwnedByProfile" THEN p."Name" ELSE s."Label" END FROM data."PermissionSet" s'
        ' LEFT JOIN data."Profile" p ON p."Id" = s."ProfileId" WHERE s."Id" = $1',
        set_id,
    )


async def _username(conn: Any, user_id: str) -> str | None:
    return await conn.fetchval('SELECT "Username" FROM data."User" WHERE "Id" = $1', user_id)
