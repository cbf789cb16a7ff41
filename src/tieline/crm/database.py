"""One connection to the registry database, or to an org's. Knows nothing else, so that little has to be loaded."""

from __future__ import annotations

import json
from typing import Any

import asyncpg

from .settings import CrmSettings


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


async def prepare(conn: Any) -> None:
    """Makes JSON columns Python values."""
    await conn.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_to_json,
        decoder=json.loads,
    )


async def connect(settings: CrmSettings, database: str | None = None) -> Any:
    """One connection to the registry database, or to an org's."""
    conn: Any = await (
        asyncpg.connect(settings.database_url, database=database, timeout=10)
        if database
        else asyncpg.connect(settings.database_url, timeout=10)
    )
    await prepare(conn)
    return conn
