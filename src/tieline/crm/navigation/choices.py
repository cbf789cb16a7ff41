"""What each user chose on pages, kept in the org so that it is there on every computer: app, pinned lists, notes."""

from __future__ import annotations

import json
import re
from typing import Any

from ..errors import Fault

TABLE = """
CREATE TABLE meta.user_choice (
    user_id text COLLATE "C" NOT NULL, name text NOT NULL, value jsonb NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (user_id, name)
);
"""
MAX_SIZE = 64_000
"""Characters of one choice as JSON: a page of notes."""
MAX_CHOICES = 500
_NAME = re.compile(r"[a-z]{2,20}(\.[A-Za-z0-9_]{1,80})?")


async def choice(conn: Any, user_id: str, name: str) -> Any:
    """What the user chose, or None."""
    return await conn.fetchval(
        "SELECT value FROM meta.user_choice WHERE user_id = $1 AND name = $2", user_id, name
    )


async def choose(conn: Any, user_id: str, name: str, value: Any) -> None:
    """Keeps a choice; None forgets it. INVALID_INPUT for what is too long or too much."""
    if not _NAME.fullmatch(name):
        raise Fault("INVALID_INPUT", "There is no such choice", fields=["name"])
    if value is None:
        await conn.execute("DELETE FROM meta.user_choice WHERE user_id = $1 AND name = $2", user_id, name)
        return
    if len(json.dumps(value, ensure_ascii=False)) > MAX_SIZE:
        raise Fault(
            "INVALID_INPUT", f"This is longer than {MAX_SIZE} characters: shorten it", fields=["value"]
        )
    count = await conn.fetchval(
        "SELECT count(*) FROM meta.user_choice WHERE user_id = $1 AND name <> $2", user_id, name
    )
    if count >= MAX_CHOICES:
        raise Fault("LIMIT_EXCEEDED", f"At most {MAX_CHOICES} choices are kept for one user")
    await conn.execute(
        "INSERT INTO meta.user_choice (user_id, name, value) VALUES ($1, $2, $3)"
        " ON CONFLICT (user_id, name) DO UPDATE SET value = excluded.value, changed_at = now()",
        user_id,
        name,
        value,
    )
