"""The step that gives an org softphone layouts by profile, its setup audit trail and labels of call centers."""

from __future__ import annotations

from typing import Any

from . import audit_trail
from .softphone_layouts import TABLES, add_standard_layout

_LABELS = """
ALTER TABLE meta.call_center_definition
    ADD COLUMN label text, ADD COLUMN internal_label text, ADD COLUMN display_label text;
"""


async def set_up(conn: Any) -> None:
    """Makes the tables; the one layout there was becomes the default one."""
    await conn.execute(audit_trail.TABLE)
    await conn.execute(TABLES)
    await conn.execute(_LABELS)
    layout = await conn.fetchval("DELETE FROM meta.setting WHERE name = 'softphone_layout' RETURNING value")
    if layout is not None:
        await add_standard_layout(conn, layout)
