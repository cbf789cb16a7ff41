# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Making orgs: databases, migrations, and what stands in an org on its first day.

Idempotent: what exists is left as it is.
"""

from __future__ import annotations

import re
from typing import Any

import asyncpg

from .access.permissions import ADMINISTRATOR, furnish_profiles, make_profiles
from .access.questions import Caller
from .database import connect
from .ids import make_id
from .migrations import ORG_STEPS, REGISTRY_STEPS, migrate
from .orgs import Org
from .person_accounts import enable
from .records import Records
from .schema import load_catalogue
from .settings import CrmSettings
from .sign_in.auth import MIN_PASSWORD, set_password
from .softphone import DEFAULT_LAYOUT
from .softphone_layouts import add_standard_layout

_ORG_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_LOCALES = {"ja": ("ja_JP", "Asia/Tokyo"), "en_US": ("en_US", "America/Los_Angeles")}


async def migrate_all(settings: CrmSettings) -> int:
    """Brings the registry and every org to this release's head; answers how many steps ran."""
    conn = await connect(settings)
    try:
        ran = await migrate(conn, REGISTRY_STEPS)
        databases = [row["database_name"] for row in await conn.fetch("SELECT database_name FROM crm_org")]
    finally:
        await conn.close()
    for database in databases:
        await _open_to_connections(settings, database)
        conn = await connect(settings, database)
        try:
            ran += await migrate(conn, ORG_STEPS)
        finally:
            await conn.close()
    return ran


async def _open_to_connections(settings: CrmSettings, database: str) -> None:
    """A snapshot that was killed in the middle may have left the org's database closed."""
    registry = await connect(settings)
    try:
        await registry.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    finally:
        await registry.close()


async def create_org(
    settings: CrmSettings,
    *,
    name: str,
    label: str,
    admin_username: str,
    admin_password: str,
    admin_language: str = "en_US",
    person_accounts: bool = False,
) -> str:
    """An empty org with one administrator; answers its 18-character id. An existing org is only migrated.

    `person_accounts` switches those on, also in an existing org; there is no way back.

    `name` (lower-case letters, digits, hyphens) is part of its addresses. ValueError for bad input.
    """
    if not _ORG_NAME.fullmatch(name):
        raise ValueError("an org's name consists of lower-case letters, digits and hyphens")
    if admin_language not in _LOCALES:
        raise ValueError("the language must be en_US or ja")
    if len(admin_password) < MIN_PASSWORD:
        raise ValueError(f"a password has at least {MIN_PASSWORD} characters")
    registry = await connect(settings)
    try:
        await migrate(registry, REGISTRY_STEPS)
        known = await registry.fetchrow("SELECT * FROM crm_org WHERE name = $1", name)
        main = await registry.fetchval("SELECT current_database()")
        database = known["database_name"] if known else f"{main}_{name.replace('-', '_')}"[:63]
        await _create_database(registry, database)
        conn = await connect(settings, database)
        try:
            await migrate(conn, ORG_STEPS)
            org_id: str = await _furnish(
                conn, settings, name, label, admin_username, admin_password, admin_language
            )
            if person_accounts:
                async with conn.transaction():
                    await enable(conn, *await _founder(conn))
        finally:
            await conn.close()
        # Last, so that a server never opens an org that is not whole.
        await registry.execute(
            "INSERT INTO crm_org (name, org_id, label, database_name) VALUES ($1, $2, $3, $4)"
            " ON CONFLICT (name) DO NOTHING",
            name,
            org_id,
            label,
            database,
        )
        return org_id
    finally:
        await registry.close()


async def _founder(conn: Any) -> tuple[str, str]:
    """The instance's characters, and the user who was first."""
    row = await conn.fetchrow(
        "SELECT (SELECT value #>> '{}' FROM meta.setting WHERE name = 'instance'),"
        ' (SELECT "Id" FROM data."User" ORDER BY "CreatedDate", "Id" LIMIT 1)'
    )
    return row[0], row[1]


async def _create_database(conn: Any, database: str) -> None:
    if await conn.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
        return
    version = await conn.fetchval("SELECT current_setting('server_version_num')::int")
    # Code-point order and full Unicode case mapping on every machine, whatever its libc knows.
    locale = "LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'" if version >= 170_000 else "LOCALE 'C.UTF-8'"
    try:
        await conn.execute(f"CREATE DATABASE \"{database}\" TEMPLATE template0 ENCODING 'UTF8' {locale}")
    except asyncpg.exceptions.DuplicateDatabaseError:
        return


async def _furnish(
    conn: Any,
    settings: CrmSettings,
    name: str,
    label: str,
    username: str,
    password: str,
    language: str,
) -> str:
    """First rows: the organization, profiles, the administrator, the softphone layout."""
    async with conn.transaction():
        await conn.execute("SELECT pg_advisory_xact_lock(1)")
        existing: str | None = await conn.fetchval('SELECT "Id" FROM data."Organization"')
        if existing:
            return existing
        instance: str = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'instance'")

        async def number(prefix: str) -> str:
            return make_id(prefix, instance, await conn.fetchval("SELECT nextval('meta.record_number')"))

        org_id, admin = await number("00D"), await number("005")
        system = '"IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"'
        stamp = "false, now(), $1, now(), $1, now()"
        locale, zone = _LOCALES[language]
        await conn.execute(
            f'INSERT INTO data."Organization" ({system}, "Id", "Name", "LanguageLocaleKey", "DefaultLocaleSidKey",'
            ' "TimeZoneSidKey", "OrganizationType", "InstanceName", "IsSandbox")'
            f" VALUES ({stamp}, $2, $3, $4, $5, $6, 'Developer Edition', $7, false)",
            admin, org_id, label[:80], language, locale, zone, "CRM1",
        )  # fmt: skip
        profiles = await make_profiles(conn, admin)
        await conn.execute(
            "INSERT INTO meta.setting VALUES ('session_minutes', $1)"
            " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            settings.session_minutes,
        )
        await add_standard_layout(conn, DEFAULT_LAYOUT)
        await furnish_profiles(conn, await load_catalogue(conn))
        caller = Caller(admin, username, "Administrator", "System Administrator", language, locale, zone)
        catalogue = await load_catalogue(conn)
        org = Org(
            {"name": name, "org_id": org_id, "label": label, "database_name": ""}, settings, None, instance
        )
        records = Records(org, conn, catalogue, caller)
        value = catalogue.objects["User"]
        results = await records.create(
            value,
            [
                {
                    "Username": username,
                    "LastName": "Administrator" if language != "ja" else "管理者",
                    "Email": username,
                    "Alias": "admin",
                    "ProfileId": profiles[ADMINISTRATOR],
                    "TimeZoneSidKey": zone,
                    "LocaleSidKey": locale,
                    "LanguageLocaleKey": language,
                    "EmailEncodingKey": "UTF-8",
                }
            ],
        )
        if results[0].faults:
            raise ValueError(results[0].faults[0].message)
        await set_password(conn, results[0].id or "", password)
        return org_id
