# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Hierarchy custom settings: what holds for one user, from the user's, the profile's and the org's record.

Field by field the nearest record that says something decides; a checkbox always says something.
"""

from __future__ import annotations

from typing import Any

from .metadata import ObjectType


async def setting_for(conn: Any, value: ObjectType, user_id: str) -> dict[str, Any]:
    """The setting's own fields as they hold for a user; None where no record says anything."""
    rows = await conn.fetch(
        f'SELECT s.* FROM {value.table} s JOIN data."User" u ON u."Id" = $1'
        ' WHERE NOT s."IsDeleted" AND (s."SetupOwnerId" IN (u."Id", u."ProfileId") OR left(s."SetupOwnerId", 3) = \'00D\')'
        " ORDER BY array_position(ARRAY['005', '00e', '00D'], left(s.\"SetupOwnerId\", 3)::text)",
        user_id,
    )
    own = [item for item in value.fields.values() if item.custom]
    return {
        item.name: next((row[item.name] for row in rows if row[item.name] is not None), None) for item in own
    }
