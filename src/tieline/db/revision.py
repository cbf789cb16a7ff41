"""Which schema this release was written for, and which one a database has.

Read without Alembic, which runs migrations (`migrate.py`): it would stay in the memory of every process that looks here
when it starts, 10 MB each.
"""

from __future__ import annotations

import ast
from pathlib import Path

import asyncpg

from tieline.db.database import OWNER_ROLE

_VERSIONS = Path(__file__).parent / "migrations" / "versions"


class SchemaMismatch(Exception):
    """The database's schema is not the one this program expects; the message says what to run."""


def newest_revision() -> str:
    """The one head of the migration history. Raises `RuntimeError` when there are two."""
    known: set[str] = set()
    followed: set[str | None] = set()
    for path in _VERSIONS.glob("*.py"):
        said = {
            node.targets[0].id: node.value
            for node in ast.parse(path.read_text("utf-8")).body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        known.add(ast.literal_eval(said["revision"]))
        followed.add(ast.literal_eval(said["down_revision"]))
    heads = sorted(known - followed)
    if len(heads) != 1:
        raise RuntimeError(f"the migration history has {len(heads)} heads: {', '.join(heads)}")
    return heads[0]


async def check_head(url: str) -> None:
    """Raise `SchemaMismatch` unless the database stands at the newest revision."""
    connection = await asyncpg.connect(url, timeout=10, server_settings={"role": OWNER_ROLE})
    try:
        there = await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL")
        found: str | None = there and await connection.fetchval("SELECT version_num FROM alembic_version")
    finally:
        await connection.close()
    wanted = newest_revision()
    if found != wanted:
        raise SchemaMismatch(
            f"The database stands at revision {found or 'none'}, this program needs {wanted}: run `tieline migrate`."
        )
