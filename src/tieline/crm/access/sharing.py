# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Which records of an object a user may see, edit and delete: defaults, owner, roles, queues, shares, sharing rules.

One SQL condition per object and level, AND-ed into whatever reads or locks rows. Owners whose records somebody in a
role reaches (users of the roles below it, their queues and groups) stand in `meta.role_owner`, members of groups in
`meta.group_user`; both are worked out anew when roles, users' roles, groups or members change. So a condition is
`OwnerId = ANY(array)`, which indexes serve; and whoever reaches the records of others reaches what is shared with them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from ..criteria import ready
from ..errors import Fault
from ..metadata import Catalogue, ObjectType, SharingRule
from .rights import Caller, rights

Level = Literal["read", "edit", "delete"]
Param = Callable[[Any], str]
_BELOW_ACCOUNTS = {
    "Contact": "contact_access",
    "Opportunity": "opportunity_access",
    "Case": "case_access",
}
"""Objects that a share of their account may open, and what in it says so."""
RECOMPUTED_BY = frozenset({"User", "UserRole", "Group", "GroupMember"})
"""Objects whose rows decide who reaches whose records."""

TABLES = """
CREATE TABLE meta.role_below (
    above_id text COLLATE "C" NOT NULL, role_id text COLLATE "C" NOT NULL, PRIMARY KEY (above_id, role_id)
);
CREATE TABLE meta.group_user (
    group_id text COLLATE "C" NOT NULL, user_id text COLLATE "C" NOT NULL, PRIMARY KEY (group_id, user_id)
);
CREATE TABLE meta.role_owner (
    role_id text COLLATE "C" NOT NULL, owner_id text COLLATE "C" NOT NULL, PRIMARY KEY (role_id, owner_id)
);
CREATE INDEX group_user_by_user ON meta.group_user (user_id);
"""

_ROLES = """
WITH RECURSIVE below(above_id, role_id) AS (
    SELECT "ParentRoleId", "Id" FROM data."UserRole" WHERE "ParentRoleId" IS NOT NULL AND NOT "IsDeleted"
    UNION
    SELECT b.above_id, r."Id" FROM below b JOIN data."UserRole" r
        ON r."ParentRoleId" = b.role_id AND NOT r."IsDeleted"
)
INSERT INTO meta.role_below SELECT above_id, role_id FROM below
"""
_GROUPS = """
WITH RECURSIVE inside(group_id, inner_id) AS (
    SELECT "Id", "Id" FROM data."Group" WHERE NOT "IsDeleted"
    UNION
    SELECT i.group_id, m."UserOrGroupId" FROM inside i
        JOIN data."GroupMember" m ON m."GroupId" = i.inner_id AND NOT m."IsDeleted"
)
INSERT INTO meta.group_user
SELECT i.group_id, i.inner_id FROM inside i WHERE i.inner_id LIKE '005%'
UNION
SELECT i.group_id, u."Id" FROM inside i
    JOIN data."Group" g ON g."Id" = i.inner_id AND g."Type" IN ('Role', 'RoleAndSubordinates', 'Organization')
    JOIN data."User" u ON g."Type" = 'Organization' OR u."UserRoleId" = g."RelatedId"
        OR (g."Type" = 'RoleAndSubordinates' AND u."UserRoleId" IN (
            SELECT role_id FROM meta.role_below WHERE above_id = g."RelatedId"))
"""
_OWNERS = """
WITH below(role_id, user_id) AS (
    SELECT r.above_id, u."Id" FROM meta.role_below r JOIN data."User" u ON u."UserRoleId" = r.role_id
)
INSERT INTO meta.role_owner
SELECT role_id, user_id FROM below
UNION
SELECT b.role_id, m.group_id FROM below b JOIN meta.group_user m ON m.user_id = b.user_id
    JOIN data."Group" g ON g."Id" = m.group_id AND (g."Type" <> 'Regular' OR g."DoesIncludeBosses")
"""
_LOCK = 0x7368617265
"""Recomputing waits for other recomputing: both read what the other has not yet committed."""


async def recompute(conn: Any) -> None:
    """Works out anew who reaches whose records. Within the transaction of the change that asks for it."""
    await conn.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    await conn.execute(
        "DELETE FROM meta.role_owner; DELETE FROM meta.group_user; DELETE FROM meta.role_below"
    )
    await conn.execute(_ROLES)
    if await conn.fetchval("SELECT EXISTS (SELECT 1 FROM meta.role_below WHERE above_id = role_id)"):
        raise Fault(
            "FIELD_INTEGRITY_EXCEPTION",
            "The role hierarchy must not contain a loop.",
            fields=["ParentRoleId"],
        )
    await conn.execute(_GROUPS)
    await conn.execute(_OWNERS)


def row_condition(
    catalogue: Catalogue, caller: Caller, value: ObjectType, alias: str, param: Param, level: Level = "read"
) -> str | None:
    """The condition on rows of `value` (table alias `alias`) that a user may reach; None: all of them.

    `param` takes a value and answers its placeholder. Object and field permissions are not looked at here.
    """
    whole = catalogue.whole
    value = whole.objects.get(value.name, value)
    if value.shares is not None:
        parent = next(item.name for item in value.fields.values() if item.reference_to == (value.shares,))
        return _by_parent(whole, caller, value, parent, alias, param, level)
    granted = rights(caller, value)
    if value.name == "ListView":
        return f'({alias}."IsPublic" OR {alias}."CreatedById" = {param(caller.user_id)})'  # people's own are private
    if granted.modify_all or (level == "read" and granted.view_all):
        return None
    if value.setup or value.kind not in ("standard", "custom"):
        return None
    if value.master is not None:
        return _by_parent(whole, caller, value, value.master.name, alias, param, level)
    if value.name in ("Task", "Event") and value.sharing in ("Private", "ControlledByParent"):
        return _activities(whole, caller, value, alias, param, level)
    if value.sharing == "ControlledByParent" and "AccountId" in value.fields:
        parent = _by_parent(whole, caller, value, "AccountId", alias, param, level)
        own = f'({alias}."AccountId" IS NULL AND {_owned(caller, alias, param)})'
        return f'({alias}."AccountId" IS NOT NULL OR {own})' if parent is None else f"({parent} OR {own})"
    if "OwnerId" not in value.fields:
        return None
    if value.sharing == "ReadWrite" and level != "delete":
        return None
    if value.sharing == "Read" and level == "read":
        return None
    owned = _owned(caller, alias, param)
    if level == "delete" or value.name not in whole.shares:
        return owned
    return "(" + " OR ".join([owned, *_shared(whole, caller, value, alias, param, level)]) + ")"


def _reached(caller: Caller, param: Param) -> str:
    """A user, the user's groups, and everybody in roles below with their groups: as an array in SQL."""
    me = f'({param(caller.user_id)}::text COLLATE "C")'
    return (
        f"ARRAY(SELECT {me} UNION ALL SELECT group_id FROM meta.group_user WHERE user_id = {me}"
        ' UNION ALL SELECT o.owner_id FROM meta.role_owner o JOIN data."User" u ON u."UserRoleId" = o.role_id'
        f' WHERE u."Id" = {me})'
    )


def _owned(caller: Caller, alias: str, param: Param) -> str:
    return f'{alias}."OwnerId" = ANY({_reached(caller, param)})'


def _shared(
    whole: Catalogue, caller: Caller, value: ObjectType, alias: str, param: Param, level: Level
) -> list[str]:
    """Ways to a record beside its owner: a share of it, of its account, or a sharing rule."""
    enough = ["Edit"] if level == "edit" else ["Read", "Edit"]
    reached = _reached(caller, param)

    def shared(record: str, kind: str, column: str) -> str:
        return (
            f"{record} = ANY(ARRAY(SELECT s.record_id FROM meta.share s WHERE s.object_name = {param(kind)}"
            f" AND s.grantee_id = ANY({reached}) AND s.{column} = ANY({param(enough)}::text[])))"
        )

    ways = [shared(f'{alias}."Id"', value.name, "access")]
    ways += [
        _by_rule(value, rule, alias, param, reached) for rule in value.sharing_rules if rule.access in enough
    ]
    below = _BELOW_ACCOUNTS.get(value.name)
    if below is not None:
        ways.append(shared(f'{alias}."AccountId"', "Account", below))
        account, inner = whole.objects["Account"], f"{alias}_a"
        ways += [
            f'EXISTS (SELECT 1 FROM {account.table} {inner} WHERE {inner}."Id" = {alias}."AccountId"'
            f" AND {_by_rule(account, rule, inner, param, reached)})"
            for rule in account.sharing_rules
            if getattr(rule, below) in enough
        ]
    if value.name == "Account" and level == "read":
        ways += _of_children(whole, caller, alias, reached)
    return ways


def _of_children(whole: Catalogue, caller: Caller, alias: str, reached: str) -> list[str]:
    """Whoever owns a contact, an opportunity or a case sees its account."""
    children = [whole.objects[name] for name in _BELOW_ACCOUNTS]
    return [
        f'EXISTS (SELECT 1 FROM {child.table} {alias}_c WHERE {alias}_c."AccountId" = {alias}."Id"'
        f' AND {alias}_c."OwnerId" = ANY({reached}) AND NOT {alias}_c."IsDeleted")'
        for child in children
        if child.sharing != "ControlledByParent" and rights(caller, child).read
    ]


def _by_rule(value: ObjectType, rule: SharingRule, alias: str, param: Param, reached: str) -> str:
    target = f"{param(rule.shared_to)}::text = ANY({reached})"
    if rule.criteria is not None:
        return f"({target} AND {ready(rule.criteria, value).sql(alias, param)})"
    source = f"{param(rule.shared_from)}::text"
    return (
        f'{alias}."OwnerId" = ANY(ARRAY(SELECT o.id FROM (SELECT {source} AS id UNION ALL'
        f" SELECT user_id FROM meta.group_user WHERE group_id = {source}) o WHERE {target}))"
    )


def _by_parent(
    whole: Catalogue, caller: Caller, value: ObjectType, name: str, alias: str, param: Param, level: Level
) -> str | None:
    """Rows whose parent the user reaches; changing or deleting a child needs the right to edit the parent."""
    reference = value.fields[name]
    parent = whole.get(reference.reference_to[0])
    if parent is None or not rights(caller, parent).read:
        return "false"
    inner = f"{alias}_p"
    condition = row_condition(whole, caller, parent, inner, param, "read" if level == "read" else "edit")
    if condition is None:
        return None
    return f'EXISTS (SELECT 1 FROM {parent.table} {inner} WHERE {inner}."Id" = {alias}.{reference.column} AND {condition})'


def _activities(
    whole: Catalogue, caller: Caller, value: ObjectType, alias: str, param: Param, level: Level
) -> str:
    """One's own activities; and, to read them (or to edit, where the parent controls), those of records one reaches."""
    ways = [_owned(caller, alias, param)]
    if level == "read" or value.sharing == "ControlledByParent":
        for name in ("WhatId", "WhoId"):
            column = f'{alias}."{name}"'
            open_prefixes: list[str] = []
            for target_name in value.fields[name].reference_to:
                target = whole.get(target_name)
                if target is None or not rights(caller, target).read:
                    continue
                inner = f"{alias}_{target.key_prefix}"
                condition = row_condition(
                    whole, caller, target, inner, param, "read" if level == "read" else "edit"
                )
                if condition is None:
                    open_prefixes.append(target.key_prefix)
                else:
                    ways.append(
                        f'EXISTS (SELECT 1 FROM {target.table} {inner} WHERE {inner}."Id" = {column} AND {condition})'
                    )
            if open_prefixes:
                ways.append(f"left({column}, 3) = ANY({param(open_prefixes)}::text[])")
    return "(" + " OR ".join(ways) + ")"


async def reachable(
    conn: Any, catalogue: Catalogue, caller: Caller, value: ObjectType, ids: list[str], level: Level = "read"
) -> set[str]:
    """Those of the ids, deleted ones included, that the user may see, edit or delete."""
    params: list[Any] = [ids]

    def param(content: Any) -> str:
        params.append(content)
        return f"${len(params)}"

    condition = row_condition(catalogue, caller, value, "t", param, level)
    if condition is None or not ids:
        return set(ids)
    rows = await conn.fetch(
        f'SELECT t."Id" FROM {value.table} t WHERE t."Id" = ANY($1) AND {condition}',
        *params,
    )
    return {row["Id"] for row in rows}
