"""Objects become tables: the only place that writes DDL for records.

Runs inside the caller's transaction, so a failed deployment leaves nothing. Each call raises the catalogue's
version; other processes see it with their next request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .access.permissions import open_fields, opened
from .filters import Criteria
from .ids import base62
from .listviews.standard import add_standard_views
from .metadata import (
    COLUMN_TYPES,
    Catalogue,
    Field,
    Granted,
    ObjectType,
    RecordTypeInfo,
    Rights,
    SharingRule,
    build_catalogue,
    definition_of,
    index_name,
)

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,56}")

CATALOGUE_SQL = """
SELECT o.definition::text AS definition,
       (SELECT coalesce(json_agg(f.definition ORDER BY f.position), '[]')::text
          FROM meta.field f WHERE f.object_name = o.name) AS fields
  FROM meta.object o ORDER BY o.position
"""


_ADDRESS_FUNCTIONS = """
CREATE OR REPLACE FUNCTION meta.address(street text, city text, state text, postal_code text, country text)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object('city', city, 'country', country, 'geocodeAccuracy', NULL, 'latitude', NULL,
        'longitude', NULL, 'postalCode', postal_code, 'state', state, 'street', street)
$$;
CREATE OR REPLACE FUNCTION meta.located_address(street text, city text, state text, postal_code text, country text,
    latitude float8, longitude float8, accuracy text)
RETURNS jsonb LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT jsonb_build_object('city', city, 'country', country, 'geocodeAccuracy', accuracy, 'latitude', latitude,
        'longitude', longitude, 'postalCode', postal_code, 'state', state, 'street', street)
$$
"""
"""Declared immutable, which building a JSON object of texts and numbers is, so that a generated column may use it.
Addresses of an org on its way from an older release have no coordinates yet."""


def check_name(name: str) -> str:
    """`name`, once it is known to be safe as an identifier; ValueError otherwise."""
    if not _NAME.fullmatch(name):
        raise ValueError(f"not an API name: {name!r}")
    return name


async def load_catalogue(conn: Any) -> Catalogue:
    """The catalogue as the registry and the permission rows say now."""
    version = await conn.fetchval("SELECT version FROM meta.catalogue")
    return build_catalogue(version, await conn.fetch(CATALOGUE_SQL), await _granted(conn))


async def _granted(conn: Any) -> dict[str, Granted]:
    found: dict[str, Granted] = {}
    if not await has_permissions(conn):
        return found  # an org on its way from a release that had none
    for row in await conn.fetch(
        'SELECT "ParentId", "SobjectType", "PermissionsRead", "PermissionsCreate", "PermissionsEdit",'
        ' "PermissionsDelete", "PermissionsViewAllRecords", "PermissionsModifyAllRecords"'
        ' FROM data."ObjectPermissions" WHERE NOT "IsDeleted"'
    ):
        granted = found.setdefault(row["SobjectType"], Granted())
        granted.rights[row["ParentId"]] = Rights(*tuple(row)[2:])
    for row in await conn.fetch(
        'SELECT "ParentId", "SobjectType", split_part("Field", \'.\', 2) AS name, "PermissionsEdit" AS edit'
        ' FROM data."FieldPermissions" WHERE NOT "IsDeleted" AND "PermissionsRead"'
    ):
        granted = found.setdefault(row["SobjectType"], Granted())
        granted.fields.setdefault(row["ParentId"], {})[row["name"]] = row["edit"]
    opened: dict[str, list[tuple[str, bool]]] = {}
    if await conn.fetchval("SELECT to_regclass('meta.record_type_access') IS NOT NULL"):
        for row in await conn.fetch(
            "SELECT set_id, record_type_id, is_default FROM meta.record_type_access ORDER BY set_id"
        ):
            opened.setdefault(row["record_type_id"], []).append((row["set_id"], row["is_default"]))
    for row in await conn.fetch(
        'SELECT "Id", "Name", "DeveloperName", "SobjectType", "IsActive" FROM data."RecordType"'
        ' WHERE NOT "IsDeleted" ORDER BY lower("Name"), "Id"'
    ):
        access = tuple(opened.get(row["Id"], ()))
        info = RecordTypeInfo(row["Id"], row["Name"], row["DeveloperName"], row["IsActive"], access)
        found.setdefault(row["SobjectType"], Granted()).record_types.append(info)
    if await conn.fetchval("SELECT to_regclass('meta.sharing_rule') IS NOT NULL"):
        for row in await conn.fetch(
            "SELECT definition FROM meta.sharing_rule ORDER BY object_name, (definition->>'slot')::int"
        ):
            rule = sharing_rule(row["definition"])
            found.setdefault(rule.object_name, Granted()).sharing_rules.append(rule)
    return found


def sharing_rule(data: dict[str, Any]) -> SharingRule:
    """The value of a kept rule."""
    values: dict[str, Any] = dict(data)
    values["criteria"] = Criteria.from_json(data["criteria"]) if data["criteria"] else None
    return SharingRule(**values)


async def has_permissions(conn: Any) -> bool:
    """False while an org comes from a release without permission rows."""
    return await conn.fetchval("SELECT to_regclass('data.\"FieldPermissions\"') IS NOT NULL")


async def create_object(conn: Any, value: ObjectType) -> None:
    """Registers an object and makes its table with all its fields."""
    check_name(value.name)
    await conn.execute(
        "INSERT INTO meta.object (name, key_prefix, definition) VALUES ($1, $2, $3::jsonb)",
        value.name,
        value.key_prefix,
        definition_of(value),
    )
    await _prepare_compounds(conn, value.fields.values())
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
    await add_standard_views(conn, value)
    await bump(conn)


async def update_object(conn: Any, value: ObjectType) -> None:
    """Stores changed labels and flags of an object."""
    await conn.execute(
        "UPDATE meta.object SET definition = $2::jsonb WHERE name = $1", value.name, definition_of(value)
    )
    await bump(conn)


async def add_field(conn: Any, value: ObjectType, item: Field) -> None:
    """Registers a field and adds its column; checkboxes get their default in old records.

    A standard field is opened to the profiles that came with the org; a custom one is left to who adds it.
    """
    check_name(item.name)
    await _prepare_compounds(conn, [item])
    await conn.execute(f"ALTER TABLE {value.table} ADD COLUMN {_column(item)}")
    await _register_field(conn, value, item)
    await _index(conn, value, item)
    if not item.custom and await has_permissions(conn):
        await open_fields(conn, value, opened(with_field(value, item), item), to_users=True)
    await bump(conn)


async def add_record_types(conn: Any, value: ObjectType) -> bool:
    """Gives an object its `RecordTypeId`, with its first record type; False where it has one."""
    if "RecordTypeId" not in value.fields:
        reference = Field(
            "RecordTypeId", "reference", "Record Type ID", "レコードタイプ ID", 18,
            reference_to=("RecordType",), relationship="RecordType", on_delete="keep",
        )  # fmt: skip
        await add_field(conn, value, reference)
        return True
    return False


def with_field(value: ObjectType, item: Field) -> ObjectType:
    """The object as it is with one more field."""
    return replace(value, fields={**value.fields, item.name: item})


async def install(conn: Any, objects: Iterable[ObjectType]) -> None:
    """Brings the registry to what these objects say: what is missing is made, what differs is stored.

    Labels in Japanese, picklist values and sharing that an org already has are kept.
    """
    known = await load_catalogue(conn)
    for value in objects:
        old = known.objects.get(value.name)
        if old is None:
            await create_object(conn, value)
            continue
        wanted = replace(
            value, fields=old.fields, sharing=old.sharing, activities=old.activities, grants=old.grants,
            field_grants=old.field_grants, record_types=old.record_types, sharing_rules=old.sharing_rules,
        )  # fmt: skip
        if wanted != old:
            await update_object(conn, wanted)
        for item in value.fields.values():
            before = old.fields.get(item.name)
            if before is None:
                await add_field(conn, old, item)
                continue
            kept = replace(
                item, label_ja=before.label_ja or item.label_ja, picklist=before.picklist or item.picklist
            )
            if kept != before:
                await update_field(conn, old, before, kept)


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


async def rebuild_compound(conn: Any, value: ObjectType, old: Field, item: Field) -> None:
    """Makes a compound of other components: the database computes it anew for every record."""
    await _prepare_compounds(conn, [item])
    await conn.execute(f"ALTER TABLE {value.table} DROP COLUMN {item.column}, ADD COLUMN {_column(item)}")
    await update_field(conn, value, old, item)


async def drop_field(conn: Any, value: ObjectType, item: Field) -> None:
    """Takes a field away with its values, its index and the permissions on it."""
    await conn.execute(f"ALTER TABLE {value.table} DROP COLUMN {item.column}")
    await conn.execute(f'DROP SEQUENCE IF EXISTS data."{index_name("sq", value.name, item.name)}"')
    await conn.execute("DELETE FROM meta.field WHERE object_name = $1 AND name = $2", value.name, item.name)
    await conn.execute(
        'DELETE FROM data."FieldPermissions" WHERE "SobjectType" = $1 AND "Field" = $2',
        value.name,
        f"{value.name}.{item.name}",
    )
    await bump(conn)


async def drop_object(conn: Any, value: ObjectType) -> None:
    """Takes an object away with its records, rules, record types, list views and the permissions on it."""
    await conn.execute(f"DROP TABLE {value.table}")
    for item in value.fields.values():
        if item.auto_number:
            await conn.execute(f'DROP SEQUENCE IF EXISTS data."{index_name("sq", value.name, item.name)}"')
    for table in ("FieldPermissions", "ObjectPermissions", "RecordType", "ListView"):
        await conn.execute(f'DELETE FROM data."{table}" WHERE "SobjectType" = $1', value.name)  # noqa: S608 - names of ours
    for table in ("recent", "layout_assignment"):
        await conn.execute(f"DELETE FROM meta.{table} WHERE object_name = $1", value.name)  # noqa: S608 - names of ours
    await conn.execute("DELETE FROM meta.object WHERE name = $1", value.name)  # its fields and rules with it
    await bump(conn)


async def bump(conn: Any) -> None:
    """Raises the catalogue's version."""
    await conn.execute("UPDATE meta.catalogue SET version = version + 1")


async def next_key_prefix(conn: Any) -> str:
    """A key prefix for a custom object: a00, a01, ... as Salesforce counts them."""
    number: int = await conn.fetchval("SELECT nextval('meta.custom_prefix')")
    return "a" + base62(number, 2)


async def _prepare_compounds(conn: Any, fields: Iterable[Field]) -> None:
    if any(item.components for item in fields):
        await conn.execute(_ADDRESS_FUNCTIONS)


def _column(item: Field) -> str:
    if item.components:
        parts = ", ".join(f'"{name}"' for name in item.components)
        made = "meta.address" if len(item.components) == 5 else "meta.located_address"
        # Most addresses are empty; asking first costs less than calling.
        whole = f"CASE WHEN num_nonnulls({parts}) > 0 THEN {made}({parts}) END"
        return f"{item.column} jsonb GENERATED ALWAYS AS ({whole}) STORED"
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
