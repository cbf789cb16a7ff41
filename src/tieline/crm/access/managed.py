"""Rows of Set-up that a managed package brought: its next version changes them, nobody else does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..errors import Fault
from ..metadata import ObjectType

_PARTS = frozenset({"ObjectPermissions", "FieldPermissions", "PermissionSetTabSetting"})
"""Objects whose rows are parts of a permission set."""
_WHOLE = frozenset({"PermissionSet", "RecordType"})


def _owner(value: ObjectType, row: Mapping[str, Any]) -> str:
    return str(row.get("ParentId" if value.name in _PARTS else "Id"))


def managed_fault() -> Fault:
    """CANNOT_MODIFY_MANAGED_OBJECT."""
    return Fault(
        "CANNOT_MODIFY_MANAGED_OBJECT",
        "This belongs to an installed package: only a new version of the package changes it",
        fields=[],
    )


async def held(
    conn: Any, value: ObjectType, rows: Iterable[Mapping[str, Any]], namespace: str | None
) -> frozenset[str]:
    """Ids of what holds some of these rows and belongs to a package, other than that of `namespace`."""
    if value.name in _PARTS:
        found = await conn.fetch(
            'SELECT "Id", "NamespacePrefix" FROM data."PermissionSet"'
            ' WHERE "Id" = ANY($1) AND "NamespacePrefix" IS NOT NULL',
            list({_owner(value, row) for row in rows}),
        )
    elif value.name in _WHOLE:
        found = [row for row in rows if row.get("NamespacePrefix")]
    else:
        return frozenset()
    return frozenset(row["Id"] for row in found if row["NamespacePrefix"] != namespace)


def require_own(value: ObjectType, row: Mapping[str, Any], holders: frozenset[str]) -> None:
    """CANNOT_MODIFY_MANAGED_OBJECT for a row that one of the holders has."""
    if holders and _owner(value, row) in holders:
        raise managed_fault()
