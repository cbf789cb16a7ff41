"""The step that gives the addresses of standard objects their coordinates."""

from __future__ import annotations

from typing import Any

from .schema import add_field, load_catalogue, rebuild_compound
from .standard import STANDARD_OBJECTS


async def locate(conn: Any) -> None:
    """Gives the addresses of an org's standard objects latitude, longitude and accuracy where they have none."""
    for wanted in STANDARD_OBJECTS:
        for compound in wanted.fields.values():
            if not compound.components:
                continue  # before the catalogue is loaded: that takes 30 ms
            value = (await load_catalogue(conn)).objects[wanted.name]
            before = value.fields.get(compound.name)
            if before is None or before.components == compound.components:
                continue
            for name in compound.components:
                if name not in value.fields:
                    await add_field(conn, value, wanted.fields[name])
            await rebuild_compound(conn, value, before, compound)
