"""The list views that every object has from its first day, and the object `ListView` that holds all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..fields import field, name_field, object_type, read_only
from ..ids import make_id
from ..layouts import LIST_COLUMNS
from ..metadata import Field, ObjectType
from .definition import Condition, ListView

LIST_VIEW = object_type(
    "ListView",
    "00B",
    ("List View", "List Views", "リストビュー"),
    [
        name_field(40, "List View Name", "リストビュー名", createable=False, updateable=False),
        read_only("DeveloperName", "string", "API Name", "API 参照名", 80),
        read_only("NamespacePrefix", "string", "Namespace Prefix", "名前空間プレフィックス", 15),
        read_only("SobjectType", "string", "SObject Type", "sObject 種別", 40),
        read_only("IsSoqlCompatible", "boolean", "Is SOQL Compatible", "SOQL 互換", default=True),
        field("IsPublic", "boolean", "Visible to all users", "すべてのユーザーに表示", hidden=True),
        field("IsStandard", "boolean", "Came with the org", "標準", hidden=True),
        field("Definition", "textarea", "Definition", "定義", 32_000, hidden=True, filterable=False),
    ],
    setup=True,
    createable=False,
    updateable=False,
    deletable=False,
)
"""Its rows are the list views; the hidden fields hold what the API tells in its own resources."""

_OPEN: Mapping[str, tuple[Condition, ...]] = {
    "Task": (Condition("IsClosed", "equals", ("false",)),),
    "Case": (Condition("IsClosed", "equals", ("false",)),),
}


def default_columns(value: ObjectType) -> list[Field]:
    """Columns of a list that nobody has chosen any for."""
    names: Sequence[str] | None = LIST_COLUMNS.get(value.name)
    if names is None:
        custom = [item.name for item in value.fields.values() if item.custom and item.type != "textarea"][:5]
        first = [value.name_field.name] if value.name_field else ["Id"]
        names = [*first, *custom, *(["OwnerId"] if "OwnerId" in value.fields else []), "LastModifiedDate"]
    return [value.fields[name] for name in names if name in value.fields]


def standard_views(value: ObjectType) -> list[ListView]:
    """The views an object comes with: all, one's own, the new ones, and the open ones where records can be closed."""
    if value.setup or value.kind not in ("standard", "custom"):
        return []
    plural, ja = value.label_plural, value.label_plural_in("ja")
    plain = value.name.removesuffix("__c")
    # Without columns and order of their own, so that fields that come later show, too.

    def view(name: str, label: str, label_ja: str, **more: Any) -> ListView:
        return ListView("", value.name, name, label[:40], label_ja[:40], standard=True, **more)

    found = [view(f"All{plain}", f"All {plural}", f"すべての{ja}")]
    owned = "OwnerId" in value.fields
    if owned:
        found.append(view(f"My{plain}", f"My {plural}", f"私の{ja}", scope="mine"))
    if value.name in _OPEN:
        more: dict[str, Any] = {"conditions": _OPEN[value.name]}
        if "ActivityDate" in value.fields:
            more["sort"] = "ActivityDate"
        found.append(view(f"AllOpen{plain}", f"All Open {plural}", f"すべての未完了の{ja}", **more))
        found.append(view(f"MyOpen{plain}", f"My Open {plural}", f"私の未完了の{ja}", scope="mine", **more))
    elif not value.custom and "CreatedDate" in value.fields:
        new = (Condition("CreatedDate", "equals", ("THIS_WEEK",)),)
        found.append(view(f"NewThisWeek{plain}", "New This Week", "今週の新規データ", conditions=new))
    return found


async def add_standard_views(conn: Any, value: ObjectType) -> None:
    """Gives an object that is new its standard views. Does nothing in an org that has no list views yet."""
    views = standard_views(value)
    if not views or not await conn.fetchval("SELECT to_regclass('data.\"ListView\"') IS NOT NULL"):
        return
    instance: str = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'instance'")
    system = make_id("005", instance, 0)
    for view in views:
        await insert(conn, view, make_id("00B", instance, await _number(conn)), system)


async def translate_standard_views(conn: Any, value: ObjectType) -> None:
    """Gives the views that an object came with the Japanese labels that its own now makes."""
    for view in standard_views(value):
        await conn.execute(
            'UPDATE data."ListView" SET "Definition" = jsonb_set("Definition"::jsonb, \'{label_ja}\', to_jsonb($3::text))'
            '::text WHERE "SobjectType" = $1 AND "DeveloperName" = $2 AND "IsStandard" AND NOT "IsDeleted"',
            value.name,
            view.name,
            view.label_ja,
        )


async def _number(conn: Any) -> int:
    return await conn.fetchval("SELECT nextval('meta.record_number')")


async def insert(conn: Any, view: ListView, view_id: str, user_id: str) -> None:
    """Writes the row of a view that is new."""
    await conn.execute(
        'INSERT INTO data."ListView" ("Id", "Name", "DeveloperName", "SobjectType", "IsSoqlCompatible", "IsPublic",'
        ' "IsStandard", "Definition", "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate",'
        ' "LastModifiedById", "SystemModstamp")'
        " VALUES ($1, $2, $3, $4, true, $5, $6, $7::jsonb::text, false, now(), $8, now(), $8, now())",
        view_id,
        view.label,
        view.name,
        view.object_name,
        view.public,
        view.standard,
        view.definition(),
        user_id,
    )


async def install(conn: Any, objects: Sequence[ObjectType]) -> None:
    """The standard views of the objects that an org has already."""
    for value in objects:
        await add_standard_views(conn, value)
    await conn.execute(
        'CREATE UNIQUE INDEX one_listview ON data."ListView" (lower("SobjectType"), lower("DeveloperName"),'
        ' (CASE WHEN "IsPublic" THEN \'\' ELSE "CreatedById" END)) WHERE NOT "IsDeleted"'
    )
