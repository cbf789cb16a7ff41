# ruff: noqa: S608 - identifiers come from the catalogue, texts are quoted
"""Objects of share rows: `AccountShare` and its like, `X__Share` for custom objects with owners.

What people share by hand are rows of `meta.share`. What owners and sharing rules share is no row anywhere: the view
behind the object shows it as rows, made of the records and the rules. So a view is made anew when rules change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..criteria import ready
from ..fields import field, id_field, pick, ref, system_fields
from ..ids import ALPHABET
from ..metadata import Catalogue, Field, ObjectType, SharingRule, definition_of
from ..schema import bump, load_catalogue, next_key_prefix

PREFIXES = {"Account": "00r", "Contact": "03s", "Lead": "01o", "Opportunity": "00t", "Case": "01n"}
"""Key prefixes of the standard share objects. Those of custom objects get prefixes of their own."""
CHILDREN = {
    "ContactAccessLevel": "contact_access",
    "OpportunityAccessLevel": "opportunity_access",
    "CaseAccessLevel": "case_access",
}
"""What sharing an account says of the records below it: field and column."""
_STAMPS = ("LastModifiedDate", "LastModifiedById", "IsDeleted")
_CHANGED = ('t."LastModifiedDate"', 't."LastModifiedById"')
_LEVELS = pick(("Read", "参照のみ"), ("Edit", "参照・更新"), ("All", "所有者"))
_BELOW = pick(("None", "非公開"), ("Read", "参照のみ"), ("Edit", "参照・更新"))
_CAUSES = pick(("Owner", "所有者"), ("Manual", "共有の直接設定"), ("Rule", "共有ルール"), default="Manual")

TABLES = """
CREATE TABLE meta.share (
    id text COLLATE "C" PRIMARY KEY, object_name text NOT NULL, record_id text COLLATE "C" NOT NULL,
    grantee_id text COLLATE "C" NOT NULL, access text NOT NULL, contact_access text NOT NULL DEFAULT 'None',
    opportunity_access text NOT NULL DEFAULT 'None', case_access text NOT NULL DEFAULT 'None',
    modified_at timestamptz NOT NULL, modified_by text COLLATE "C" NOT NULL, UNIQUE (record_id, grantee_id)
);
CREATE INDEX share_by_grantee ON meta.share (grantee_id, object_name);
CREATE TABLE meta.sharing_rule (
    object_name text NOT NULL REFERENCES meta.object ON DELETE CASCADE, name text NOT NULL, definition jsonb NOT NULL,
    PRIMARY KEY (object_name, name)
);
CREATE FUNCTION meta.share_id(prefix text, mark text, record_id text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT i.id15 || string_agg(substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ012345', 1 + c.bits::int, 1), '' ORDER BY c.chunk)
      FROM (SELECT prefix || substr(record_id, 4, 3) || mark || substr(record_id, 8, 8) AS id15) i
      CROSS JOIN LATERAL (
        SELECT n / 5 AS chunk, sum(CASE WHEN ascii(substr(i.id15, n + 1, 1)) BETWEEN 65 AND 90
                                        THEN 1 << (n % 5) ELSE 0 END) AS bits
          FROM generate_series(0, 14) n GROUP BY n / 5) c
     GROUP BY i.id15
$$
"""
"""A row that is no row has an id made of its record's: `mark` stands where an id's number has its first digit."""


def parent_field(base: ObjectType) -> str:
    """The field of a share row that says which record it shares."""
    return "ParentId" if base.custom else f"{base.name}Id"


def level_field(base: ObjectType) -> str:
    """The field of a share row that says how far it opens the record."""
    return "AccessLevel" if base.custom else f"{base.name}AccessLevel"


def share_name(base: ObjectType) -> str:
    """The API name of an object's share rows."""
    return base.name.removesuffix("__c") + "__Share" if base.custom else f"{base.name}Share"


def can_be_shared(value: ObjectType) -> bool:
    """True for objects whose records have owners and can be shared one by one."""
    standard = value.kind == "standard" and value.name in PREFIXES
    return standard or (value.kind == "custom" and value.shares is None and "OwnerId" in value.fields)


def share_object(base: ObjectType, prefix: str) -> ObjectType:
    """The object of share rows of `base`."""
    parent = ref(
        parent_field(base), base.name, f"{base.label} ID", f"{base.label_ja or base.label} ID", required=True,
        updateable=False, child_relationship="Shares", on_delete="keep",
        relationship="Parent" if base.custom else base.name,
    )  # fmt: skip
    grantee = ref(
        "UserOrGroupId", ("Group", "User"), "User/Group ID", "ユーザー/グループ ID", required=True,
        updateable=False, relationship="UserOrGroup", on_delete="keep",
    )  # fmt: skip
    fields = [
        id_field(),
        parent,
        grantee,
        field(
            level_field(base), "picklist", "Access Level", "アクセスレベル", 40, required=True, restricted=True,
            picklist=_LEVELS,
        ),
        *(_below(name) for name in (CHILDREN if base.name == "Account" else ())),
        field("RowCause", "picklist", "Row Cause", "行の理由", 40, updateable=False, restricted=True, picklist=_CAUSES),
        *(item if item.name in _STAMPS else replace(item, hidden=True) for item in system_fields()),
    ]  # fmt: skip
    label = f"{base.label} Share" if not base.custom else f"Share: {base.label}"
    label_ja = f"{base.label_ja or base.label}の共有"
    return ObjectType(
        name=share_name(base), label=label, label_plural=label, label_ja=label_ja, label_plural_ja=label_ja,
        key_prefix=prefix, setup=True, shares=base.name, fields={item.name: item for item in fields},
    )  # fmt: skip


def _below(name: str) -> Field:
    object_name = name.removesuffix("AccessLevel")
    ja = {"Contact": "取引先責任者", "Opportunity": "商談", "Case": "ケース"}[object_name]
    return field(
        name, "picklist", f"{object_name} Access", f"{ja}のアクセス権", 40, restricted=True, picklist=_BELOW
    )


async def ensure(conn: Any) -> bool:
    """Makes the objects of share rows that are missing; true where one was."""
    catalogue = await load_catalogue(conn)
    missing = [
        value
        for value in catalogue.objects.values()
        if can_be_shared(value) and value.name not in catalogue.shares
        and not (value.custom and value.sharing == "ReadWrite")
    ]  # fmt: skip
    for base in missing:
        prefix = PREFIXES.get(base.name) or await next_key_prefix(conn)
        value = share_object(base, prefix)
        await conn.execute(
            "INSERT INTO meta.object (name, key_prefix, definition) VALUES ($1, $2, $3::jsonb)",
            value.name, value.key_prefix, definition_of(value),
        )  # fmt: skip
        await conn.executemany(
            "INSERT INTO meta.field (object_name, name, definition) VALUES ($1, $2, $3::jsonb)",
            [(value.name, item.name, item.as_json()) for item in value.fields.values()],
        )
        await make_view(conn, base, value)
    if missing:
        await bump(conn)
    return bool(missing)


async def follow_rules(conn: Any, catalogue: Catalogue, object_name: str) -> None:
    """The rows that an object's rules make are those of its rules now; `catalogue` has them."""
    share = catalogue.shares.get(object_name)
    if share is not None:
        await make_view(conn, catalogue.objects[object_name], share)


async def make_view(conn: Any, base: ObjectType, share: ObjectType) -> None:
    """Makes the view behind an object of share rows."""
    live = f'{base.table} t WHERE NOT t."IsDeleted"'
    levels = CHILDREN.values() if base.name == "Account" else ()
    columns = [
        "Id", parent_field(base), "UserOrGroupId", level_field(base), *(CHILDREN if levels else ()), "RowCause",
        "LastModifiedDate", "LastModifiedById", "IsDeleted", "CreatedDate", "CreatedById", "SystemModstamp",
    ]  # fmt: skip

    def row(share_id: str, grantee: str, access: str, below: Iterable[str], cause: str) -> str:
        shown = [share_id, 't."Id"', grantee, access, *(below if levels else ()), f"'{cause}'::text"]
        at, by = ("s.modified_at", "s.modified_by") if cause == "Manual" else _CHANGED
        return "SELECT " + ", ".join([*shown, at, by, "false", at, by, at])

    def made_of_record(mark: str) -> str:
        return f'meta.share_id({_quoted(share.key_prefix)}, {_quoted(mark)}, t."Id") COLLATE "C"'

    parts = [
        row("s.id", "s.grantee_id", "s.access", [f"s.{name}" for name in levels], "Manual")
        + f' FROM meta.share s JOIN {base.table} t ON t."Id" = s.record_id'
        f' WHERE s.object_name = {_quoted(base.name)} AND NOT t."IsDeleted"',
        row(made_of_record("0"), 't."OwnerId"', "'All'::text", ["'Edit'::text" for _ in levels], "Owner")
        + f" FROM {live}",
    ]
    for rule in base.sharing_rules:
        below = (rule.contact_access, rule.opportunity_access, rule.case_access)
        parts.append(
            row(
                made_of_record(ALPHABET[rule.slot]),
                f'{_quoted(rule.shared_to)}::text COLLATE "C"',
                f"{_quoted(rule.access)}::text",
                [f"{_quoted(level)}::text" for level in below],
                "Rule",
            )
            + f" FROM {live} AND {_shared_by(base, rule)}"
        )
    names = ", ".join(f'"{name}"' for name in columns)
    await conn.execute(f"CREATE OR REPLACE VIEW {share.table} ({names}) AS " + " UNION ALL ".join(parts))


def _shared_by(base: ObjectType, rule: SharingRule) -> str:
    if rule.criteria is not None:
        return ready(rule.criteria, base).sql("t", literal)
    source = _quoted(rule.shared_from or "")
    return (
        f't."OwnerId" = ANY(ARRAY(SELECT {source} UNION ALL'
        f" SELECT user_id FROM meta.group_user WHERE group_id = {source}))"
    )


def _quoted(text: str) -> str:
    """A text as SQL says it; standard_conforming_strings is on, as PostgreSQL has it by itself."""
    return "'" + text.replace("\x00", "").replace("'", "''") + "'"


def literal(content: Any) -> str:
    """A value as SQL says it, for views, which have no parameters."""
    if isinstance(content, list):
        items: list[Any] = content
        return "ARRAY[" + ", ".join(literal(item) for item in items) + "]"
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, int | float):
        return repr(content)
    return _quoted(str(content))
