"""The setup audit trail: who changed which part of Set-up, and when; kept for 180 days.

Each row holds an action's name and the values of its sentence; pages put them into the reader's language.
Changes of Set-up's records are noted by whoever writes records, so that the API's changes are here, too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from .access.permissions import new_ids
from .access.rights import Caller
from .fields import object_type, read_only
from .metadata import ObjectType
from .schema import create_object

KEPT = "180 days"
KEY_PREFIX = "0Ym"
TABLE = """
CREATE TABLE meta.setup_audit (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(),
    user_id text NOT NULL, section text NOT NULL, action text NOT NULL, detail jsonb NOT NULL
);
CREATE INDEX setup_audit_by_time ON meta.setup_audit (at);
"""
_KEPT_BY_READERS = frozenset({"CreatedDate", "CreatedById"})
_VIEW = """
CREATE VIEW data."SetupAuditTrail" AS
SELECT id AS "Id", action AS "Action", section AS "Section", display AS "Display", NULL::text AS "CreatedByContext",
       NULL::text AS "CreatedByIssuer", NULL::text COLLATE "C" AS "DelegateUser",
       NULL::text AS "ResponsibleNamespacePrefix", false AS "IsDeleted", at AS "CreatedDate",
       user_id COLLATE "C" AS "CreatedById", at AS "LastModifiedDate", user_id COLLATE "C" AS "LastModifiedById",
       at AS "SystemModstamp"
  FROM meta.setup_audit
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
        " INSERT INTO meta.setup_audit (user_id, section, action, detail, id, display)"
        " VALUES ($1, $2, $3, $4, $6, $7)",
        caller.user_id,
        section,
        action,
        kept := {name: _short(value) for name, value in detail.items() if value is not None},
        KEPT,
        (await new_ids(conn, KEY_PREFIX, 1))[0],
        _display(action, kept),
    )


def _display(action: str, detail: Mapping[str, Any]) -> str:
    """The change in English words, for programs: `Changed permission set: Agents (Label)`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", action).capitalize()
    subject = ", ".join(str(detail[key]) for key in ("name", "on") if detail.get(key))
    more = detail.get("fields") or detail.get("value")
    more = ", ".join(str(each) for each in more) if isinstance(more, list) else more  # pyright: ignore
    text = f"{words}: {subject}" if subject else words
    return (f"{text} ({more})" if more else text)[:_LONGEST]


async def publish(conn: Any) -> None:
    """Makes the trail an object that programs can query: `SetupAuditTrail`, a view of the rows that are kept."""
    value = object_type(
        "SetupAuditTrail",
        KEY_PREFIX,
        ("Setup Audit Trail Entry", "Setup Audit Trail Entries", "設定変更履歴のエントリ"),
        [
            read_only("Action", "string", "Action", "アクション", 80),
            read_only("Section", "string", "Section", "セクション", 80),
            read_only("Display", "string", "Display", "表示", 255),
            read_only("CreatedByContext", "string", "Created By Context", "作成者のコンテキスト", 80),
            read_only("CreatedByIssuer", "string", "Created By Issuer", "作成者の発行元", 80),
            read_only("DelegateUser", "string", "Delegate User", "代理ユーザー", 80),
            read_only(
                "ResponsibleNamespacePrefix", "string", "Namespace Prefix", "名前空間プレフィックス", 15
            ),
        ],
        setup=True,
        createable=False,
        updateable=False,
        deletable=False,
    )
    shown = {
        name: item if name in _KEPT_BY_READERS else replace(item, hidden=True)
        for name, item in value.fields.items()
        if name
        in (
            "IsDeleted",
            "CreatedDate",
            "CreatedById",
            "LastModifiedDate",
            "LastModifiedById",
            "SystemModstamp",
        )
    }
    await create_object(conn, replace(value, fields={**value.fields, **shown}))
    await conn.execute('DROP TABLE data."SetupAuditTrail"')
    await conn.execute('ALTER TABLE meta.setup_audit ADD COLUMN id text COLLATE "C", ADD COLUMN display text')
    rows = await conn.fetch("SELECT position, action, detail FROM meta.setup_audit ORDER BY position")
    ids = await new_ids(conn, KEY_PREFIX, len(rows)) if rows else []
    await conn.executemany(
        "UPDATE meta.setup_audit SET id = $2, display = $3 WHERE position = $1",
        [
            (row["position"], entry_id, _display(row["action"], row["detail"]))
            for row, entry_id in zip(rows, ids, strict=True)
        ],
    )
    await conn.execute(
        "ALTER TABLE meta.setup_audit ALTER COLUMN id SET NOT NULL, ALTER COLUMN display SET NOT NULL,"
        " ADD UNIQUE (id)"
    )
    await conn.execute(_VIEW)


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
