"""Steps for Set-up: softphone layouts by profile, the setup audit trail, labels of call centers, presence."""

from __future__ import annotations

from typing import Any

from . import audit_trail
from .softphone_layouts import TABLES, add_standard_layout

_LABELS = """
ALTER TABLE meta.call_center_definition
    ADD COLUMN label text, ADD COLUMN internal_label text, ADD COLUMN display_label text;
"""


_PRESENCE = """
CREATE TABLE meta.presence_status_access (
    status_id text COLLATE "C" NOT NULL, parent_id text COLLATE "C" NOT NULL, PRIMARY KEY (status_id, parent_id)
);
CREATE INDEX presence_status_access_by_parent ON meta.presence_status_access (parent_id);
CREATE TABLE meta.presence_config_of (
    parent_id text COLLATE "C" PRIMARY KEY, config_id text COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX one_current_presence ON data."UserServicePresence" ("UserId")
    WHERE "IsCurrentState" AND NOT "IsDeleted";
CREATE INDEX presence_by_user ON data."UserServicePresence" ("UserId", "StatusStartDate");
"""
"""`parent_id` of a status's access is a permission set (a profile's own, too); of a configuration a user or profile."""


async def presence(conn: Any) -> None:
    """Makes the tables of who may take which presence status, and of whose configuration is whose."""
    await conn.execute(_PRESENCE)


async def set_up(conn: Any) -> None:
    """Makes the tables; the one layout there was becomes the default one."""
    await conn.execute(audit_trail.TABLE)
    await conn.execute(TABLES)
    await conn.execute(_LABELS)
    layout = await conn.fetchval("DELETE FROM meta.setting WHERE name = 'softphone_layout' RETURNING value")
    if layout is not None:
        await add_standard_layout(conn, layout)
