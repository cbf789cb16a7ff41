"""An org of the last release, with data in it, is brought to this release's head and loses nothing."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg

from tieline.crm import migrations
from tieline.crm.ids import make_id
from tieline.crm.metadata import Field, ObjectType
from tieline.crm.migrations import ORG_STEPS, Step, migrate
from tieline.crm.orgs import Org, connect
from tieline.crm.records import Records
from tieline.crm.saving.recycle_bin import undelete
from tieline.crm.schema import create_object, load_catalogue, rebuild_compound
from tieline.crm.settings import CrmSettings
from tieline.crm.sign_in.auth import caller_of_user
from tieline.db.embedded import EmbeddedPostgres

LAST_RELEASE = Path(__file__).parent / "org_2026_11_22.json"
"""Objects and fields as the last release made them; what stands at its default is left out."""
STAMPS = '"IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp"'
STAMP = "false, now(), '005000000000000AAA', now(), '005000000000000AAA', now()"


def objects_of_last_release() -> list[ObjectType]:
    found: list[ObjectType] = []
    for row in json.loads(LAST_RELEASE.read_text("utf-8")):
        fields = [Field.from_json(item) for item in row.pop("fields")]
        found.append(ObjectType(**row, fields={item.name: item for item in fields}))
    return found


async def org_of_last_release(postgres: EmbeddedPostgres, name: str) -> CrmSettings:
    """An org with two users, a custom object, a deleted contact and a task, as that release would have left it."""
    maintenance = await asyncpg.connect(postgres.url())
    await maintenance.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await maintenance.execute(f"CREATE DATABASE {name}")
    await maintenance.close()
    settings = CrmSettings(database_url=postgres.url(name), data_key=hashlib.sha256(b"test").digest())
    conn = await connect(settings)
    made = objects_of_last_release()

    async def standard_objects(conn: Any) -> None:
        for value in made:
            await create_object(conn, value)
        await conn.execute("INSERT INTO meta.setting VALUES ('instance', to_jsonb('abc'::text))")

    assert ORG_STEPS[1].name == "2026_11_22_standard_objects"
    await migrate(conn, [ORG_STEPS[0], Step(ORG_STEPS[1].name, standard_objects)])
    custom = ObjectType(
        "Session__c", "Session", "Sessions", "a00", kind="custom", activities=True,
        fields=dict(made[0].fields) | {
            "Note__c": Field("Note__c", "string", "Note", length=80, custom=True),
            "OwnerId": Field("OwnerId", "reference", "Owner", length=18, reference_to=("User",), relationship="Owner"),
        },
    )  # fmt: skip
    await create_object(conn, custom)
    for number, profile in enumerate(("System Administrator", "Standard User"), 1):
        await conn.execute(
            f'INSERT INTO data."Profile" ({STAMPS}, "Id", "Name", "PermissionsApiEnabled") VALUES ({STAMP}, $1, $2, true)',
            make_id("00e", "abc", number),
            profile,
        )
        await conn.execute(
            f'INSERT INTO data."User" ({STAMPS}, "Id", "Username", "LastName", "Name", "ProfileId", "IsActive", "Email")'
            f" VALUES ({STAMP}, $1, $2, $2, $2, $3, true, $2)",
            make_id("005", "abc", number),
            f"user{number}@acme.example",
            make_id("00e", "abc", number),
        )
    owner = make_id("005", "abc", 1)
    for number, deleted in ((1, False), (2, True)):
        await conn.execute(
            f'INSERT INTO data."Contact" ({STAMPS}, "Id", "LastName", "Name", "MailingCity", "OwnerId")'
            f" VALUES ({STAMP.replace('false', str(deleted).lower(), 1)}, $1, 'Kept', 'Kept', 'Kyoto', $2)",
            make_id("003", "abc", number),
            owner,
        )
    await conn.execute(
        f'INSERT INTO data."Session__c" ({STAMPS}, "Id", "Name", "Note__c", "OwnerId")'
        f" VALUES ({STAMP}, $1, 'S', 'kept', $2)",
        make_id("a00", "abc", 1),
        owner,
    )
    await conn.execute(
        f'INSERT INTO data."Task" ({STAMPS}, "Id", "Subject", "Status", "Priority", "OwnerId")'
        f" VALUES ({STAMP}, $1, 'Call', 'Completed', 'High', $2)",
        make_id("00T", "abc", 1),
        owner,
    )
    await conn.execute("SELECT setval('meta.record_number', 100)")
    await conn.close()
    return settings


async def records_of(settings: CrmSettings, conn: Any, user_number: int) -> Records:
    caller = await caller_of_user(conn, make_id("005", "abc", user_number))
    assert caller is not None
    row = {"name": "old", "org_id": "00D", "label": "Old", "database_name": ""}
    return Records(Org(row, settings, None, "abc"), conn, await load_catalogue(conn), caller)


async def test_an_org_of_the_last_release_keeps_its_records_and_what_users_may_do(
    postgres: EmbeddedPostgres,
) -> None:
    settings = await org_of_last_release(postgres, "crm_last_release")
    conn = await connect(settings)
    assert await migrate(conn, ORG_STEPS) == len(ORG_STEPS) - 2
    user = await records_of(settings, conn, 2)
    assert user.catalogue.objects["Session__c"].fields["OwnerId"].reference_to == ("User", "Group")
    contact, session, task = user.object("Contact"), user.object("Session__c"), user.object("Task")
    found = await user.fetch(contact, [make_id("003", "abc", 1)], contact.fields.values())
    row = found[make_id("003", "abc", 1)]
    assert (row["LastName"], row["MailingAddress"]["city"]) == ("Kept", "Kyoto")
    notes = await user.fetch(
        session, [make_id("a00", "abc", 1)], [session.fields["Id"], session.fields["Note__c"]]
    )
    assert notes[make_id("a00", "abc", 1)]["Note__c"] == "kept"
    urgent = await user.fetch(task, [make_id("00T", "abc", 1)], task.fields.values())
    assert urgent[make_id("00T", "abc", 1)]["IsHighPriority"] is True
    async with conn.transaction():
        saved = await user.create(session, [{"Name": "S-2", "Note__c": "new"}])
        changed = await user.update(contact, [(make_id("003", "abc", 1), {"DoNotCall": True})])
    assert (saved[0].faults, changed[0].faults) == ((), ())
    assert user.caller.held == {"ApiEnabled", "EditTask", "EditEvent", "ConvertLeads"}
    administrator = await records_of(settings, conn, 1)
    assert administrator.caller.administrator
    async with conn.transaction():
        restored = await undelete(administrator, [make_id("003", "abc", 2)])
        frozen = await conn.fetchval('SELECT count(*) FROM data."UserLogin" WHERE NOT "IsFrozen"')
    assert (restored[0].faults, frozen) == ((), 2)
    await conn.close()


def _shape(item: Field) -> tuple[Any, ...]:
    return item.type, item.length, item.required, item.reference_to, item.on_delete, item.components


async def test_the_migrated_org_equals_a_new_one(postgres: EmbeddedPostgres) -> None:
    settings = await org_of_last_release(postgres, "crm_last_release")
    old = await connect(settings)
    await migrate(old, ORG_STEPS)
    await old.execute("DROP DATABASE IF EXISTS crm_new_org WITH (FORCE)")
    await old.execute("CREATE DATABASE crm_new_org")
    new = await connect(CrmSettings(database_url=postgres.url("crm_new_org"), data_key=bytes(32)))
    await migrate(new, migrations.ORG_STEPS)
    ours, theirs = await load_catalogue(old), await load_catalogue(new)
    for name, value in theirs.objects.items():
        mine = {key: item for key, item in ours.objects[name].fields.items() if not item.custom}
        assert mine.keys() == value.fields.keys(), name
        differing = [
            key
            for key, item in value.fields.items()
            if key != "WhatId"
            and _shape(item) != _shape(mine[key])  # WhatId also points to the custom object
        ]
        assert differing == [], name
    columns = (
        "SELECT table_name, column_name, data_type, is_generated FROM information_schema.columns"
        " WHERE table_schema IN ('data', 'meta', 'auth') AND table_name <> 'Session__c'"
    )
    assert {tuple(row) for row in await old.fetch(columns)} == {
        tuple(row) for row in await new.fetch(columns)
    }
    indexes = (
        "SELECT indexdef FROM pg_indexes WHERE schemaname IN ('data', 'meta') AND tablename <> 'Session__c'"
    )
    assert {row[0] for row in await old.fetch(indexes)} == {row[0] for row in await new.fetch(indexes)}
    await old.close()
    await new.close()


async def test_addresses_from_before_they_had_coordinates_get_them(postgres: EmbeddedPostgres) -> None:
    settings = await org_of_last_release(postgres, "crm_unlocated")
    conn = await connect(settings)
    before = next(n for n, step in enumerate(ORG_STEPS) if step.name == "2026_11_25_located_addresses")
    await migrate(conn, ORG_STEPS[:before])
    made: dict[tuple[str, str], Field] = {}
    for value in (await load_catalogue(conn)).objects.values():
        for compound in value.fields.values():
            if compound.components:
                made[value.name, compound.name] = compound
                old = replace(compound, components=compound.components[:5])
                await rebuild_compound(conn, value, compound, old)
                for name in compound.components[5:]:
                    await conn.execute(f'ALTER TABLE {value.table} DROP COLUMN "{name}"')
                    await conn.execute(
                        "DELETE FROM meta.field WHERE object_name = $1 AND name = $2", value.name, name
                    )
                    await conn.execute(
                        'DELETE FROM data."FieldPermissions" WHERE "Field" = $1', f"{value.name}.{name}"
                    )
    await migrate(conn, ORG_STEPS)
    objects = (await load_catalogue(conn)).objects
    assert {key: objects[key[0]].fields[key[1]] for key in made} == made
    await conn.execute('UPDATE data."Contact" SET "MailingLatitude" = 35.01')
    whole = await conn.fetchval('SELECT "MailingAddress" FROM data."Contact" LIMIT 1')
    assert (whole["city"], whole["latitude"]) == ("Kyoto", 35.01)
    await conn.close()


async def test_an_org_of_the_last_release_gets_the_profiles_of_readers_and_labels_for_values(
    postgres: EmbeddedPostgres,
) -> None:
    settings = await org_of_last_release(postgres, "crm_readers")
    conn = await connect(settings)
    await migrate(conn, ORG_STEPS)
    rows = await conn.fetch(
        'SELECT p."Name" AS profile, o."PermissionsRead" AS read, o."PermissionsEdit" AS edit FROM data."Profile" p'
        ' JOIN data."PermissionSet" s ON s."ProfileId" = p."Id" LEFT JOIN data."ObjectPermissions" o'
        ' ON o."ParentId" = s."Id" AND o."SobjectType" = \'Contact\' ORDER BY p."Name"'
    )
    assert [tuple(row) for row in rows] == [
        ("Minimum Access - Salesforce", None, None),
        ("Read Only", True, False),
        ("Standard User", True, True),
        ("System Administrator", True, True),
    ]
    group_types = (await load_catalogue(conn)).objects["Group"].fields["Type"].picklist
    assert {choice.value: choice.label_ja for choice in group_types}["Queue"] == "キュー"
    await conn.close()
