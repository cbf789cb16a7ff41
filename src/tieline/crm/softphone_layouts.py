"""Softphone layouts as rows: each has a name, one is the default, and a profile may have one of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .ids import make_id

STANDARD_NAME = "Standard Softphone Layout"
KEY_PREFIX = "0SL"
TABLES = """
CREATE TABLE meta.softphone_layout (
    id text COLLATE "C" PRIMARY KEY, name text NOT NULL, is_default boolean NOT NULL, layout jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), created_by text NOT NULL,
    modified_at timestamptz NOT NULL DEFAULT now(), modified_by text NOT NULL
);
CREATE UNIQUE INDEX softphone_layout_by_name ON meta.softphone_layout (lower(name));
CREATE UNIQUE INDEX one_default_softphone_layout ON meta.softphone_layout (is_default) WHERE is_default;
CREATE TABLE meta.softphone_layout_of_profile (
    profile_id text PRIMARY KEY,
    layout_id text NOT NULL REFERENCES meta.softphone_layout ON DELETE CASCADE
);
"""


async def _new_id(conn: Any, prefix: str) -> str:
    row = await conn.fetchrow(
        "SELECT nextval('meta.record_number') AS number,"
        " (SELECT value #>> '{}' FROM meta.setting WHERE name = 'instance') AS instance"
    )
    return make_id(prefix, row["instance"], row["number"])


async def add_standard_layout(conn: Any, layout: Mapping[str, Any]) -> None:
    """The layout that an org has from its first day; its default one."""
    instance = await conn.fetchval("SELECT value #>> '{}' FROM meta.setting WHERE name = 'instance'")
    await write_layout(conn, None, STANDARD_NAME, layout, make_id("005", instance, 0))
    await conn.execute("UPDATE meta.softphone_layout SET is_default = true")


async def write_layout(
    conn: Any, layout_id: str | None, name: str, layout: Mapping[str, Any], user_id: str
) -> str:
    """Makes (no id) or changes a layout; answers its id. Whether it is the default is left as it is."""
    layout_id = layout_id or await _new_id(conn, KEY_PREFIX)
    await conn.execute(
        "INSERT INTO meta.softphone_layout (id, name, is_default, layout, created_by, modified_by)"
        " VALUES ($1, $2, false, $3, $4, $4) ON CONFLICT (id) DO UPDATE"
        " SET name = excluded.name, layout = excluded.layout, modified_at = now(), modified_by = excluded.modified_by",
        layout_id,
        name,
        dict(layout),
        user_id,
    )
    return layout_id


async def make_default(conn: Any, layout_id: str) -> None:
    """Makes a layout the default one in place of the other."""
    await conn.execute(
        "UPDATE meta.softphone_layout SET is_default = false WHERE is_default AND id <> $1", layout_id
    )
    await conn.execute("UPDATE meta.softphone_layout SET is_default = true WHERE id = $1", layout_id)


async def layout_for(conn: Any, user_id: str) -> dict[str, Any] | None:
    """The layout of the user's profile, or the default one."""
    return await conn.fetchval(
        "SELECT l.layout FROM meta.softphone_layout l LEFT JOIN meta.softphone_layout_of_profile a"
        ' ON a.layout_id = l.id AND a.profile_id = (SELECT u."ProfileId" FROM data."User" u WHERE u."Id" = $1)'
        " WHERE l.is_default OR a.profile_id IS NOT NULL ORDER BY a.profile_id IS NULL LIMIT 1",
        user_id,
    )
