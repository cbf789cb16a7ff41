"""Tabs and who sees them: rows of `PermissionSetTabSetting`.

Tabs are named as the Metadata API names them: `standard-Account`, a custom object by its own name, a deployed
`CustomTab` by its name. A custom tab that no permission set names is there for all who may open what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from ..errors import Fault
from ..fields import field, object_type, pick, ref
from ..metadata import Catalogue
from ..saving.drafts import Draft, Saved
from ..schema import create_object
from .permissions import grant_tab
from .questions import Caller

SETTING = "PermissionSetTabSetting"
Visibility = Literal["None", "Available", "Visible"]
VISIBILITIES: tuple[Visibility, ...] = get_args(Visibility)
KEPT: Mapping[str, str | None] = {"None": None, "Available": "DefaultOff", "Visible": "DefaultOn"}
"""How a row says what the Metadata API and the pages say; where it is *None*, there is no row."""
SAID: Mapping[str, Visibility] = {"DefaultOff": "Available", "DefaultOn": "Visible"}

TAB_SETTING = object_type(
    SETTING, "01P", ("Permission Set Tab Setting", "Permission Set Tab Settings", "権限セットのタブ設定"), [
    ref("ParentId", "PermissionSet", "Parent ID", "親 ID", child_relationship="TabSettings", required=True,
        updateable=False, on_delete="cascade"),
    field("Name", "string", "Tab Name", "タブ名", 80, required=True, updateable=False, name_field=True),
    field("Visibility", "picklist", "Visibility", "表示設定", 40, required=True, restricted=True,
          picklist=pick(("DefaultOff", "使用可能"), ("DefaultOn", "表示"))),
], setup=True)  # fmt: skip

_ONE_OF_EACH = (
    'CREATE UNIQUE INDEX one_permissionsettabsetting ON data."PermissionSetTabSetting" ("ParentId", lower("Name"))'
    ' WHERE NOT "IsDeleted"'
)
_DEPLOYED = r"""
SELECT s."Id" AS set_id, said[1] AS name, said[2] AS visibility
  FROM meta.component c
  JOIN data."PermissionSet" s
    ON c.full_name = coalesce(s."NamespacePrefix" || '__', '') || s."Name" AND NOT s."IsDeleted",
  LATERAL regexp_matches(convert_from(c.source, 'UTF8'),
    '<tabSettings>\s*<tab>([^<]+)</tab>\s*<visibility>(Available|Visible)</visibility>', 'g') AS said
 WHERE c.type = 'PermissionSet'
"""


async def install(conn: Any) -> None:
    """Where tab settings are kept, with those of the permission sets that were deployed before."""
    await create_object(conn, TAB_SETTING)
    await conn.execute(_ONE_OF_EACH)
    for row in await conn.fetch(_DEPLOYED):
        await grant_tab(conn, row["set_id"], row["name"], KEPT[row["visibility"]])


async def known(conn: Any, catalogue: Catalogue) -> dict[str, str]:
    """Every tab of the org by its name in small letters: those of standard objects, and the deployed ones."""
    found = [
        f"standard-{value.name}"
        for value in catalogue.whole.objects.values()
        if value.kind == "standard" and not value.setup
    ]
    found += [
        row["full_name"]
        for row in await conn.fetch("SELECT full_name FROM meta.component WHERE type = 'CustomTab'")
    ]
    return {name.lower(): name for name in found}


async def objects_shown(conn: Any, catalogue: Catalogue, caller: Caller) -> frozenset[str]:
    """Objects that the user's app launcher lists: standard ones, and custom ones that have a tab which is not kept
    from the user."""
    tabs = set((await known(conn, catalogue)).values()) - await kept_from(conn, caller)
    return frozenset(
        value.name
        for value in catalogue.objects.values()
        if (value.name if value.custom else f"standard-{value.name}") in tabs
    )


async def check(
    conn: Any, catalogue: Catalogue, drafts: Iterable[Draft], results: list[Saved | None]
) -> list[Draft]:
    """Rows that name a tab of this org, spelled as the tab is; the others are answered."""
    names = await known(conn, catalogue)
    passed: list[Draft] = []
    for draft in drafts:
        name = names.get(str(draft.row["Name"]).lower())
        if name is None:
            message = f"Tab Name: there is no tab {str(draft.row['Name'])[:80]}"
            fault = Fault("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, fields=["Name"])
            results[draft.position] = Saved(faults=(fault,))
            continue
        draft.row["Name"] = name
        passed.append(draft)
    return passed


async def kept_from(conn: Any, caller: Caller) -> frozenset[str]:
    """Custom tabs that some permission set shows, and none of this user's: they are not in the user's navigation."""
    if caller.administrator:
        return frozenset()
    rows = await conn.fetch(
        f'SELECT "Name" AS name FROM data."{SETTING}" WHERE NOT "IsDeleted" AND "Name" NOT LIKE \'standard-%\''  # noqa: S608
        ' GROUP BY "Name" HAVING NOT bool_or("ParentId" = ANY($1) AND "Visibility" = \'DefaultOn\')',
        list(caller.permission_sets),
    )
    return frozenset(row["name"] for row in rows)
