# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""One line of history for the registry database and one for org databases.

Migrations are plain steps in code, applied in order under an advisory lock, each in a transaction of its own.
A database that is ahead of the code, or behind it when served, is refused with a sentence that says what to do.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from . import audit_trail, setup_migration
from .access import sharing, tabs
from .access.migration import objects_and_access
from .access.permissions import readers_profiles, users_may_delete
from .address_migration import locate
from .bulk import tables as bulk_tables
from .credentials.tables import TABLES as CREDENTIALS
from .events import push_topics
from .events import tables as event_tables
from .ids import make_id, new_instance
from .listviews.standard import LIST_VIEW
from .listviews.standard import install as install_views
from .merging import standard as standard_merging
from .merging.duplicates import STANDARD_DUPLICATES, STANDARD_MATCHING
from .metadata import Field, build_catalogue
from .navigation import apps as navigation_apps
from .navigation import choices
from .query.search import search_vector
from .saving import assignment
from .schema import CATALOGUE_SQL, bump, create_object, load_catalogue
from .shares import objects as share_objects
from .shares.groups import furnish_groups
from .standard import CLOSED_TASK_STATUSES, STANDARD_OBJECTS, TASK_STATUSES

_LOCK = 0x63726D6D  # "crmm"


class WrongHead(Exception):
    """The database's history does not end where the code's does."""


@dataclass(frozen=True)
class Step:
    """One migration: its dated name and what it does."""

    name: str
    apply: Callable[[Any], Awaitable[None]]


def _sql(text: str) -> Callable[[Any], Awaitable[None]]:
    async def apply(conn: Any) -> None:
        await conn.execute(text)

    return apply


REGISTRY_STEPS: Sequence[Step] = (
    Step(
        "2026_11_22_orgs",
        _sql("""
            CREATE TABLE public.crm_org (
                name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,40}$'),
                org_id text NOT NULL UNIQUE,
                label text NOT NULL,
                database_name text NOT NULL UNIQUE,
                created_at timestamptz NOT NULL DEFAULT now()
            )
        """),
    ),
    Step(
        "2026_11_25_snapshots",
        _sql("""
            CREATE TABLE public.crm_snapshot (
                org_name text NOT NULL REFERENCES public.crm_org ON DELETE CASCADE,
                name text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
                database_name text NOT NULL UNIQUE,
                created_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (org_name, name)
            )
        """),
    ),
)

_ORG_BASE = """
CREATE SCHEMA meta;
CREATE SCHEMA data;
CREATE SCHEMA auth;

CREATE TABLE meta.catalogue (version bigint NOT NULL);
INSERT INTO meta.catalogue VALUES (1);
CREATE TABLE meta.object (
    name text PRIMARY KEY,
    key_prefix text NOT NULL UNIQUE,
    position bigint GENERATED ALWAYS AS IDENTITY,
    definition jsonb NOT NULL
);
CREATE TABLE meta.field (
    object_name text NOT NULL REFERENCES meta.object ON DELETE CASCADE,
    name text NOT NULL,
    position bigint GENERATED ALWAYS AS IDENTITY,
    definition jsonb NOT NULL,
    PRIMARY KEY (object_name, name)
);
CREATE SEQUENCE meta.record_number MINVALUE 1;
CREATE SEQUENCE meta.custom_prefix MINVALUE 0 START 0;
CREATE TABLE meta.setting (name text PRIMARY KEY, value jsonb NOT NULL);
CREATE TABLE meta.call_center_definition (call_center_id text PRIMARY KEY, sections jsonb NOT NULL);
CREATE TABLE meta.component (
    type text NOT NULL, full_name text NOT NULL, content_hash bytea NOT NULL,
    deployed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (type, full_name)
);
CREATE TABLE meta.deployment (
    id text PRIMARY KEY, user_id text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    result jsonb NOT NULL
);
CREATE TABLE meta.recent (
    user_id text NOT NULL, record_id text COLLATE "C" NOT NULL, object_name text NOT NULL,
    viewed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (user_id, record_id)
);
CREATE INDEX recent_by_time ON meta.recent (user_id, viewed_at DESC);
CREATE TABLE meta.query_cursor (
    id text PRIMARY KEY, user_id text NOT NULL, soql text NOT NULL, deleted_too boolean NOT NULL,
    total bigint NOT NULL, positions jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE auth.password (user_id text PRIMARY KEY, hash text NOT NULL, changed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE auth.app (
    client_id text PRIMARY KEY, name text NOT NULL UNIQUE, label text NOT NULL, secret_sealed bytea,
    callbacks text[] NOT NULL DEFAULT '{}', scopes text[] NOT NULL DEFAULT '{}',
    pkce_required boolean NOT NULL DEFAULT true, secret_optional boolean NOT NULL DEFAULT false,
    secret_for_refresh boolean NOT NULL DEFAULT true, rotate_refresh boolean NOT NULL DEFAULT false,
    contact_email text, created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE auth.code (
    hash bytea PRIMARY KEY, client_id text NOT NULL REFERENCES auth.app ON DELETE CASCADE,
    user_id text NOT NULL, redirect_uri text NOT NULL, scopes text[] NOT NULL, challenge text,
    nonce text, expires_at timestamptz NOT NULL, used_grant uuid
);
CREATE TABLE auth.grant (
    id uuid PRIMARY KEY, client_id text NOT NULL REFERENCES auth.app ON DELETE CASCADE,
    user_id text NOT NULL, scopes text[] NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    used_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX grant_by_user ON auth.grant (user_id, client_id);
CREATE TABLE auth.refresh_token (
    hash bytea PRIMARY KEY, grant_id uuid NOT NULL REFERENCES auth.grant ON DELETE CASCADE,
    replaced_at timestamptz
);
CREATE INDEX refresh_by_grant ON auth.refresh_token (grant_id);
CREATE TABLE auth.access_token (
    hash bytea PRIMARY KEY, grant_id uuid NOT NULL REFERENCES auth.grant ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX access_by_grant ON auth.access_token (grant_id);
CREATE INDEX access_by_expiry ON auth.access_token (expires_at);
CREATE TABLE auth.approval (
    user_id text NOT NULL, client_id text NOT NULL REFERENCES auth.app ON DELETE CASCADE,
    scopes text[] NOT NULL, PRIMARY KEY (user_id, client_id)
);
CREATE TABLE auth.web_session (
    hash bytea PRIMARY KEY, kind text NOT NULL CHECK (kind IN ('my', 'console')), user_id text NOT NULL,
    csrf text NOT NULL, expires_at timestamptz NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    parent_hash bytea REFERENCES auth.web_session ON DELETE CASCADE
);
CREATE INDEX web_session_by_expiry ON auth.web_session (expires_at);
CREATE INDEX web_session_by_parent ON auth.web_session (parent_hash);
CREATE TABLE auth.handoff (
    hash bytea PRIMARY KEY, session_hash bytea NOT NULL REFERENCES auth.web_session ON DELETE CASCADE,
    binding bytea NOT NULL, expires_at timestamptz NOT NULL
);
CREATE TABLE auth.sign_in_failure (key bytea NOT NULL, at timestamptz NOT NULL DEFAULT now());
CREATE INDEX sign_in_failure_by_key ON auth.sign_in_failure (key, at);
"""


async def _standard_objects(conn: Any) -> None:
    """Tables of the standard objects, and the rows every org has from its first day."""
    for value in STANDARD_OBJECTS:
        await create_object(conn, value)
    instance = new_instance()
    await conn.execute(
        "INSERT INTO meta.setting VALUES ('instance', to_jsonb($1::text)), "
        "('session_minutes', to_jsonb(120)), ('utility_items', '[]'::jsonb)",
        instance,
    )
    prefix = next(value.key_prefix for value in STANDARD_OBJECTS if value.name == "TaskStatus")
    system = make_id("005", instance, 0)
    for position, status in enumerate(TASK_STATUSES, start=1):
        number = await conn.fetchval("SELECT nextval('meta.record_number')")
        await conn.execute(
            'INSERT INTO data."TaskStatus" ("Id", "MasterLabel", "ApiName", "SortOrder", "IsDefault", "IsClosed",'
            ' "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")'
            " VALUES ($1, $2, $2, $3, $4, $5, now(), $6, now(), $6, now())",
            make_id(prefix, instance, number),
            status,
            position,
            position == 1,
            status in CLOSED_TASK_STATUSES,
            system,
        )


async def _search_vectors(conn: Any) -> None:
    """Search vectors with the places of words, and with groups of digits, for the records that are there.

    Reads the registry itself: what else a catalogue holds by then may be later steps' to make.
    """
    for value in build_catalogue(0, await conn.fetch(CATALOGUE_SQL)).objects.values():
        after = "" if value.searchable else None
        while after is not None:
            rows = await conn.fetch(
                f'SELECT * FROM {value.table} WHERE "Id" > $1 ORDER BY "Id" LIMIT 1000',
                after,
            )
            await conn.executemany(
                f'UPDATE {value.table} SET _search = $2::text::tsvector WHERE "Id" = $1',
                [(row["Id"], search_vector(value, row)) for row in rows],
            )
            after = rows[-1]["Id"] if rows else None


_RULES = """
CREATE TABLE meta.validation_rule (
    id text PRIMARY KEY, object_name text NOT NULL REFERENCES meta.object ON DELETE CASCADE, name text NOT NULL,
    active boolean NOT NULL, description text, formula text NOT NULL, message text NOT NULL, field text
);
CREATE UNIQUE INDEX validation_rule_by_name ON meta.validation_rule (object_name, lower(name));
CREATE TABLE meta.matching_rule (
    object_name text NOT NULL REFERENCES meta.object ON DELETE CASCADE, name text NOT NULL, definition jsonb NOT NULL,
    PRIMARY KEY (object_name, name)
);
CREATE TABLE meta.duplicate_rule (
    object_name text NOT NULL REFERENCES meta.object ON DELETE CASCADE, name text NOT NULL, definition jsonb NOT NULL,
    PRIMARY KEY (object_name, name)
);
"""


async def _rules(conn: Any) -> None:
    """Where rules are kept, and the standard ones, none of them active."""
    await conn.execute(_RULES)
    for table, rules in (("matching_rule", STANDARD_MATCHING), ("duplicate_rule", STANDARD_DUPLICATES)):
        for rule in rules:
            await conn.execute(
                f"INSERT INTO meta.{table} (object_name, name, definition) VALUES ($1, $2, $3)",
                rule.object_name,
                rule.name,
                asdict(rule),
            )


_SESSIONS_OF_PROGRAMS = """
ALTER TABLE auth.grant ALTER COLUMN client_id DROP NOT NULL;
ALTER TABLE auth.access_token ADD COLUMN minutes int NOT NULL DEFAULT 120;
"""

_OAUTH_COMPLETE = """
ALTER TABLE auth.app
    ADD COLUMN kind text NOT NULL DEFAULT 'external' CHECK (kind IN ('external', 'connected', 'built_in')),
    ADD COLUMN permitted text NOT NULL DEFAULT 'all' CHECK (permitted IN ('all', 'approved')),
    ADD COLUMN refresh_policy text NOT NULL DEFAULT 'infinite'
        CHECK (refresh_policy IN ('infinite', 'zero', 'lifetime', 'inactivity')),
    ADD COLUMN refresh_seconds bigint,
    ADD COLUMN certificate text,
    ADD COLUMN run_as text,
    ADD COLUMN introspect_all boolean NOT NULL DEFAULT false,
    ADD COLUMN session_minutes int;
CREATE TABLE auth.app_access (
    client_id text NOT NULL REFERENCES auth.app ON DELETE CASCADE, parent_id text NOT NULL,
    PRIMARY KEY (client_id, parent_id)
);
ALTER TABLE auth.access_token ADD COLUMN created_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE auth.refresh_token
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(),
    ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
CREATE TABLE auth.signing_key (
    kid text PRIMARY KEY, private_sealed bytea NOT NULL, public_jwk jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO auth.app (client_id, name, label, kind, callbacks, scopes, secret_optional, secret_for_refresh)
VALUES ('PlatformCLI', 'PlatformCLI', 'Salesforce CLI', 'built_in', '{http://localhost:1717/OauthRedirect}',
    '{refresh_token,api,web}', true, false)
ON CONFLICT DO NOTHING;
"""

_LOGIN_HISTORY = """
CREATE TABLE auth.login_history (
    position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id text NOT NULL,
    at timestamptz NOT NULL DEFAULT now(), kind text NOT NULL, status text NOT NULL, address text NOT NULL,
    client_id text
);
CREATE INDEX login_history_by_user ON auth.login_history (user_id, position);
CREATE INDEX login_history_by_time ON auth.login_history (at);
"""


async def _picklists_in_japanese(conn: Any) -> None:
    """Values of standard picklists that had no Japanese label get theirs; one that an org has is kept."""
    for row in await conn.fetch("SELECT object_name, name, definition FROM meta.field"):
        value = next((one for one in STANDARD_OBJECTS if one.name == row["object_name"]), None)
        item = value.fields.get(row["name"]) if value else None
        known = {choice.value: choice.label_ja for choice in item.picklist if choice.label_ja} if item else {}
        old = Field.from_json(row["definition"])
        new = tuple(
            choice if choice.label_ja else replace(choice, label_ja=known.get(choice.value))
            for choice in old.picklist
        )
        if new != old.picklist:
            await conn.execute(
                "UPDATE meta.field SET definition = $3::jsonb WHERE object_name = $1 AND name = $2",
                row["object_name"],
                row["name"],
                replace(old, picklist=new).as_json(),
            )
    await bump(conn)


async def _profiles_of_readers(conn: Any) -> None:
    await readers_profiles(conn, await load_catalogue(conn))


_USAGE_AND_CHANGES = """
CREATE TABLE meta.api_usage (minute timestamptz PRIMARY KEY, requests bigint NOT NULL);
ALTER TABLE meta.catalogue ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now();
CREATE FUNCTION meta.catalogue_changed() RETURNS trigger LANGUAGE plpgsql AS
 $$ BEGIN NEW.changed_at := now(); RETURN NEW; END $$;
CREATE TRIGGER changed BEFORE UPDATE ON meta.catalogue
 FOR EACH ROW EXECUTE FUNCTION meta.catalogue_changed();
"""


async def _shares(conn: Any) -> None:
    """Share rows, sharing rules, and the groups that both can name."""
    await conn.execute(share_objects.TABLES)
    await share_objects.ensure(conn)
    await furnish_groups(conn)
    await sharing.recompute(conn)


_DEVICE_FLOW = """
ALTER TABLE auth.app ADD COLUMN device_flow boolean NOT NULL DEFAULT false;
UPDATE auth.app SET device_flow = true WHERE client_id = 'PlatformCLI';
CREATE TABLE auth.device (
    hash bytea PRIMARY KEY, user_code bytea NOT NULL UNIQUE,
    client_id text NOT NULL REFERENCES auth.app ON DELETE CASCADE, scopes text[] NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'allowed', 'denied')), user_id text,
    asked_at timestamptz, expires_at timestamptz NOT NULL
);
CREATE INDEX device_by_app ON auth.device (client_id, state, expires_at);
"""


async def _apps_and_list_views(conn: Any) -> None:
    """The apps that come with the org, what users chose, and the list views of all objects."""
    await conn.execute(choices.TABLE)
    await navigation_apps.install(conn)
    await create_object(conn, LIST_VIEW)
    objects = build_catalogue(0, await conn.fetch(CATALOGUE_SQL)).objects.values()
    await install_views(conn, list(objects))


_METADATA_COMPONENTS = """
ALTER TABLE meta.component
    ADD COLUMN id text NOT NULL DEFAULT '', ADD COLUMN source bytea, ADD COLUMN namespace text,
    ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN created_by text NOT NULL DEFAULT '',
    ADD COLUMN deployed_by text NOT NULL DEFAULT '';
UPDATE meta.component SET created_at = deployed_at;
CREATE TABLE meta.component_file (
    type text NOT NULL, full_name text NOT NULL, path text NOT NULL, content bytea NOT NULL,
    PRIMARY KEY (type, full_name, path),
    FOREIGN KEY (type, full_name) REFERENCES meta.component ON DELETE CASCADE
);
CREATE TABLE meta.retrieval (
    id text PRIMARY KEY, user_id text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    result jsonb NOT NULL, archive bytea NOT NULL
);
"""
"""Components with their sources, so that what was deployed can be retrieved, and what was retrieved."""

_PACKAGES = """
CREATE TABLE meta.package (
    id text PRIMARY KEY, name text NOT NULL, namespace text, publisher text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX package_by_name ON meta.package (lower(name), coalesce(lower(namespace), ''));
CREATE TABLE meta.package_version (
    id text PRIMARY KEY, package_id text NOT NULL REFERENCES meta.package ON DELETE CASCADE, label text NOT NULL,
    major int NOT NULL, minor int NOT NULL, patch int NOT NULL, build int NOT NULL, description text,
    archive bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (package_id, major, minor, patch, build)
);
CREATE TABLE meta.package_install (
    package_id text PRIMARY KEY REFERENCES meta.package, id text NOT NULL,
    version_id text NOT NULL REFERENCES meta.package_version, installed_by text NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT now(), changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE meta.package_member (
    package_id text NOT NULL REFERENCES meta.package_install ON DELETE CASCADE, type text NOT NULL,
    full_name text NOT NULL, PRIMARY KEY (package_id, type, full_name)
);
CREATE TABLE meta.package_request (
    id text PRIMARY KEY, package_id text NOT NULL, version_id text NOT NULL, kind text NOT NULL,
    deployment_id text NOT NULL, user_id text NOT NULL, created_at timestamptz NOT NULL DEFAULT now()
);
"""
"""Packages that can be installed, what is installed of them, and installations that were asked for."""

_PAGE_LAYOUTS = """
CREATE TABLE meta.layout_assignment (
  set_id text NOT NULL,
  object_name text NOT NULL,
  record_type_id text NOT NULL DEFAULT '',
  layout text NOT NULL,
  PRIMARY KEY (set_id, object_name, record_type_id)
);
CREATE TABLE meta.record_type_access (
  set_id text NOT NULL,
  record_type_id text NOT NULL,
  is_default boolean NOT NULL DEFAULT false,
  PRIMARY KEY (set_id, record_type_id)
);
"""
"""What profiles, by the permission sets they own, and permission sets say of layouts and record types."""

_ONE_TIME_SIGN_INS = """
CREATE TABLE auth.front_door (
    hash bytea PRIMARY KEY, user_id text NOT NULL, path text NOT NULL, expires_at timestamptz NOT NULL
);
"""

ORG_STEPS: Sequence[Step] = (
    Step("2026_11_22_base", _sql(_ORG_BASE)),
    Step("2026_11_22_standard_objects", _standard_objects),
    Step("2026_11_25_objects_and_access", objects_and_access),
    Step("2026_11_25_search_vectors", _search_vectors),
    Step("2026_11_25_sessions_of_programs", _sql(_SESSIONS_OF_PROGRAMS)),
    Step("2026_11_25_oauth_complete", _sql(_OAUTH_COMPLETE)),
    Step("2026_11_25_login_history", _sql(_LOGIN_HISTORY)),
    Step("2026_11_25_rules_of_records", _rules),
    Step("2026_11_25_merged_and_converted", standard_merging.install),
    Step("2026_11_25_api_usage_and_changes", _sql(_USAGE_AND_CHANGES)),
    Step("2026_11_25_shares_of_records", _shares),
    Step("2026_11_25_assignment_rules", assignment.install),
    Step("2026_11_25_located_addresses", locate),
    Step("2026_11_25_device_flow", _sql(_DEVICE_FLOW)),
    Step("2026_11_25_picklists_in_japanese", _picklists_in_japanese),
    Step("2026_11_25_profiles_of_readers", _profiles_of_readers),
    Step("2026_11_25_bulk_jobs", bulk_tables.install),
    Step("2026_11_25_change_events", event_tables.install),
    Step("2026_11_25_apps_and_list_views", _apps_and_list_views),
    Step("2026_11_25_set_up", setup_migration.set_up),
    Step("2026_11_25_presence", setup_migration.presence),
    Step("2026_11_25_users_may_delete", users_may_delete),
    Step("2026_11_25_metadata_components", _sql(_METADATA_COMPONENTS)),
    Step("2026_11_25_packages", _sql(_PACKAGES)),
    Step("2026_11_25_one_time_sign_ins", _sql(_ONE_TIME_SIGN_INS)),
    Step("2026_11_25_softphone_size", setup_migration.softphone_size),
    Step("2026_11_25_push_topics", push_topics.install),
    Step("2026_11_30_page_layouts", _sql(_PAGE_LAYOUTS)),
    Step("2026_11_30_tab_settings", tabs.install),
    Step("2026_11_30_setup_audit_trail", audit_trail.publish),
    Step("2026_12_01_credentials", _sql(CREDENTIALS)),
)


async def applied(conn: Any) -> list[str]:
    """Names of the steps a database has, in order; none for an empty database."""
    if not await conn.fetchval("SELECT to_regclass('public.crm_migration') IS NOT NULL"):
        return []
    return [
        row["name"] for row in await conn.fetch("SELECT name FROM public.crm_migration ORDER BY position")
    ]


async def migrate(conn: Any, steps: Sequence[Step]) -> int:
    """Brings one database to the code's head; answers how many steps ran. WrongHead if it is ahead."""
    await conn.execute("SET lock_timeout = '10s'")
    await conn.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await conn.execute(
            "CREATE TABLE IF NOT EXISTS public.crm_migration (position int PRIMARY KEY, name text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
        have = await applied(conn)
        _check_line(have, steps)
        for position, step in enumerate(steps[len(have) :], start=len(have)):
            async with conn.transaction():
                await step.apply(conn)
                await conn.execute(
                    "INSERT INTO public.crm_migration (position, name) VALUES ($1, $2)", position, step.name
                )
        return len(steps) - len(have)
    finally:
        await conn.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def require_head(conn: Any, steps: Sequence[Step]) -> None:
    """WrongHead unless the database stands exactly at the code's head."""
    have = await applied(conn)
    _check_line(have, steps)
    if len(have) != len(steps):
        raise WrongHead("The CRM database is behind this release: run the migrate command, then start again.")


def _check_line(have: Sequence[str], steps: Sequence[Step]) -> None:
    names = [step.name for step in steps]
    if list(have) != names[: len(have)]:
        raise WrongHead(
            "The CRM database was written by another release of this program: start that release, or restore "
            f"a backup. Its last step is {have[-1]!r}."
        )
