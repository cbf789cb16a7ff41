"""Objects become tables: the only place that writes DDL for records.

Runs inside the caller's transaction, so a failed deployment leaves nothing. Each call raises the catalogue's
version; other processes see it with their next request.
"""

from __future__ import annotations

import re
from typing import Any

from .ids import base62
from .metadata import COLUMN_TYPES, Catalogue, Field, ObjectType, build_catalogue, definition_of, index_name

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,56}")

CATALOGUE_SQL = """
SELECT o.definition::text AS definition,
       (SELECT coalesce(json_agg(f.definition ORDER BY f.position), '[]')::text
          FROM meta.field f WHERE f.object_name = o.name) AS fields
  FROM meta.object o ORDER BY o.position
"""


def check_name(name: str) -> str:
    """`name`, once it is known to be safe as an identifier; ValueError otherwise."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not an API name: {name!r}")
    return name


async def load_catalogue(conn: Any) -> Catalogue:
    """The catalogue as the registry says now."""
    version = await conn.fetchval("SELECT version FROM meta.catalogue")
    return build_catalogue(version, await conn.fetch(CATALOGUE_SQL))


async def create_object(conn: Any, value: ObjectType) -> None:
    """Registers an object and makes its table with all its fields."""
    check_name(value.name)
    await conn.execute(
        "INSERT INTO meta.object (name, key_prefix, definition) VALUES ($1, $2, $3::jsonb)",
        value.name,
        value.key_prefix,
        definition_of(value),
    )
    columns = ", ".join(_column(item) for item in value.fields.values())
    search = ", _search tsvector" if value.searchable else ""
    await conn.execute(f'CREATE TABLE {value.table} ({columns}{search}, PRIMARY KEY ("Id"))')
    if value.searchable:
        await conn.execute(
            f"CREATE INDEX {index_name('gx', value.name, '_search')} ON {value.table} USING gin (_search)"
        )
    if "SystemModstamp" in value.fields:
        await conn.execute(
            f"CREATE INDEX {index_name('ix', value.name, 'SystemModstamp')} ON {value.table} "
            '("SystemModstamp", "Id")'
        )
    for item in value.fields.values():
        await _register_field(conn, value, item)
        await _index(conn, value, item)
    await bump(conn)


async def update_object(conn: Any, value: ObjectType) -> None:
    """Stores changed labels and flags of an object."""
    await conn.execute(
        "UPDATE meta.object SET definition = $2::jsonb WHERE name = $1", value.name, definition_of(value)
    )
    await bump(conn)


async def add_field(conn: Any, value: ObjectType, item: Field) -> None:
    """Registers a field and adds its column; checkboxes get their default in old records."""
    check_name(item.name)
    await conn.execute(f"ALTER TABLE {value.table} ADD COLUMN {_column(item)}")
    await _register_field(conn, value, item)
    await _index(conn, value, item)
    await bump(conn)


async def update_field(conn: Any, value: ObjectType, old: Field, item: Field) -> None:
    """Stores a changed field; uniqueness and indexes follow. The column's type never changes here."""
    await conn.execute(
        "UPDATE meta.field SET definition = $3::jsonb WHERE object_name = $1 AND name = $2",
        value.name,
        item.name,
        item.as_json(),
    )
    if (old.unique, old.external_id, old.case_sensitive) != (
        item.unique,
        item.external_id,
        item.case_sensitive,
    ):
        for kind in ("ux", "ix"):
            await conn.execute(f"DROP INDEX IF EXISTS data.{index_name(kind, value.name, item.name)}")
        await _index(conn, value, item)
    await bump(conn)


async def bump(conn: Any) -> None:
    """Raises the catalogue's version."""
    await conn.execute("UPDATE meta.catalogue SET version = version + 1")


async def next_key_prefix(conn: Any) -> str:
    """A key prefix for a custom object: a00, a01, ... as Salesforce counts them."""
    number: int = await conn.fetchval("SELECT nextval('meta.custom_prefix')")
    return "a" + base62(number, 2)


def _column(item: Field) -> str:
    declared = f"{item.column} {COLUMN_TYPES.get(item.type, 'text')}"
    if item.type == "boolean":
        declared += f" NOT NULL DEFAULT {'true' if item.default is True else 'false'}"
    return declared


def searched_expression(item: Field) -> str:
    """What is compared in SQL for this field: text without regard to case, unless the field says otherwise."""
    return f"lower({item.column})" if item.textual and not item.case_sensitive else item.column


async def _register_field(conn: Any, value: ObjectType, item: Field) -> None:
    await conn.execute(
        "INSERT INTO meta.field (object_name, name, definition) VALUES ($1, $2, $3::jsonb)",
        value.name,
        item.name,
        item.as_json(),
    )
    if item.auto_number:
        await conn.execute(f'CREATE SEQUENCE data."{index_name("sq", value.name, item.name)}"')


async def _index(conn: Any, value: ObjectType, item: Field) -> None:
    expression = searched_expression(item)
    live = 'WHERE NOT "IsDeleted"' if "IsDeleted" in value.fields else ""
    if item.unique:
        name = index_name("ux", value.name, item.name)
        await conn.execute(f"CREATE UNIQUE INDEX {name} ON {value.table} (({expression})) {live}")
    elif item.name_field:
        name = index_name("ix", value.name, item.name)
        await conn.execute(f'CREATE INDEX {name} ON {value.table} (({expression}), "Id") {live}')
    elif item.external_id or item.type == "email":
        name = index_name("ix", value.name, item.name)
        await conn.execute(f"CREATE INDEX {name} ON {value.table} (({expression}))")
    elif item.type == "reference" and item.name not in ("CreatedById", "LastModifiedById"):
        name = index_name("ix", value.name, item.name)
        await conn.execute(
            f"CREATE INDEX {name} ON {value.table} ({item.column}) WHERE {item.column} IS NOT NULL"
        )
