"""Lightning apps of the org (`CustomApplication`): navigation items, utility items, console or standard.

Rows of `meta.custom_app`. Items are named as the Metadata API names tabs: `standard-home`, `standard-Contact`, and a
custom object by its own name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..access.questions import Caller, rights
from ..errors import Fault
from ..ids import make_id
from ..metadata import Catalogue, ObjectType
from ..softphone import check_look

NavType = Literal["Console", "Standard"]

TABLE = """
CREATE TABLE meta.custom_app (
    name text PRIMARY KEY, id text COLLATE "C" NOT NULL UNIQUE,
    position bigint GENERATED ALWAYS AS IDENTITY, definition jsonb NOT NULL
);
"""
MAX_ITEMS = 50
MAX_UTILITIES = 20
HOME = "standard-home"
UTILITIES: Mapping[str, Mapping[str, Any]] = {
    "softphone": {
        "label": ("Phone", "電話"),
        "icon": "call",
        "width": 340,
        "height": 480,
        "auto_start": True,
    },
    "history": {
        "label": ("History", "履歴"),
        "icon": "clock",
        "width": 340,
        "height": 480,
        "auto_start": False,
    },
    "omni": {
        "label": ("Omni-Channel", "オムニチャネル"),
        "icon": "omni_channel",
        "width": 340,
        "height": 480,
        "auto_start": False,
    },
    "notes": {"label": ("Notes", "メモ"), "icon": "note", "width": 380, "height": 420, "auto_start": False},
}
"""Kinds of utility item that this org has, with what an item of the kind is unless its app says otherwise."""
_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")


@dataclass(frozen=True)
class CustomApp:
    """An app. Each of `utility_items` has a `type`, and what it says differently: label, icon, width, height, auto_start."""

    name: str
    label: str
    nav_type: NavType = "Standard"
    label_ja: str | None = None
    description: str = ""
    description_ja: str | None = None
    items: tuple[str, ...] = (HOME,)
    utility_items: tuple[Mapping[str, Any], ...] = field(default_factory=tuple[Mapping[str, Any], ...])
    standard: bool = False
    id: str = ""

    def label_in(self, language: str) -> str:
        """The label for a user's language."""
        return (self.label_ja or self.label) if language == "ja" else self.label

    def description_in(self, language: str) -> str:
        """The description for a user's language."""
        return (self.description_ja or self.description) if language == "ja" else self.description

    def definition(self) -> dict[str, Any]:
        """What is kept of the app beside its name and id."""
        return {
            "label": self.label,
            "nav_type": self.nav_type,
            "label_ja": self.label_ja,
            "description": self.description,
            "description_ja": self.description_ja,
            "items": list(self.items),
            "utility_items": [dict(item) for item in self.utility_items],
            "standard": self.standard,
        }


SOFTPHONE_SIZE = (340, 480)
"""Width and height, in pixels, of the softphone's panel in a new app."""
_UTILITIES: tuple[Mapping[str, Any], ...] = ({"type": "history"}, {"type": "notes"})
"""A new org's apps have no softphone: an administrator adds it in App Manager."""
STANDARD_APPS: Sequence[CustomApp] = (
    CustomApp(
        "LightningService",
        "Service Console",
        "Console",
        "サービスコンソール",
        "Help customers with many records open side by side",
        "多くのレコードを並べて開き、顧客に対応します",
        (HOME, "standard-Contact", "standard-Account", "standard-Lead", "standard-Case", "standard-Opportunity",
         "standard-Task"),
        _UTILITIES,
        True,
    ),
    CustomApp(
        "LightningSales",
        "Sales",
        "Standard",
        "セールス",
        "Leads, accounts and opportunities, one page at a time",
        "リード、取引先、商談をひとつずつ開いて進めます",
        (HOME, "standard-Lead", "standard-Account", "standard-Contact", "standard-Opportunity", "standard-Task",
         "standard-Case"),
        _UTILITIES,
        True,
    ),
)  # fmt: skip
"""The apps that an org has from its first day; the first is what a user sees who has chosen none."""


async def install(conn: Any) -> None:
    """Makes the table and the apps that come with the org."""
    await conn.execute(TABLE)
    instance: str = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'instance'")
    # An org that is older than its apps had the softphone everywhere, and keeps it.
    older = await conn.fetchval('SELECT EXISTS (SELECT FROM data."Organization")')
    for app in STANDARD_APPS:
        items = ({"type": "softphone"}, *app.utility_items) if older else app.utility_items
        await store(conn, instance, replace(app, utility_items=items))


async def size_softphones(conn: Any) -> None:
    """Apps that say nothing of the softphone's size get the size it has had; without one the definition's holds."""
    for app in await all_apps(conn):
        items = [
            dict(zip(("width", "height"), SOFTPHONE_SIZE, strict=True)) | dict(item)
            if item["type"] == "softphone"
            else dict(item)
            for item in app.utility_items
        ]
        await conn.execute(
            "UPDATE meta.custom_app SET definition = $2 WHERE name = $1",
            app.name,
            app.definition() | {"utility_items": items},
        )


def _app(row: Mapping[str, Any]) -> CustomApp:
    kept: dict[str, Any] = dict(row["definition"])
    kept["items"] = tuple(kept["items"])
    kept["utility_items"] = tuple(kept["utility_items"])
    return CustomApp(name=row["name"], id=row["id"], **kept)


async def all_apps(conn: Any) -> list[CustomApp]:
    """Every app, in the order in which they were made."""
    rows = await conn.fetch("SELECT name, id, definition FROM meta.custom_app ORDER BY position")
    return [_app(row) for row in rows]


async def store(conn: Any, instance: str, app: CustomApp) -> CustomApp:
    """Writes an app, new or known by its name; answers it with its id."""
    number: int = await conn.fetchval("SELECT nextval('meta.record_number')")
    app_id: str = await conn.fetchval(
        "INSERT INTO meta.custom_app (name, id, definition) VALUES ($1, $2, $3)"
        " ON CONFLICT (name) DO UPDATE SET definition = excluded.definition RETURNING id",
        app.name,
        make_id("06m", instance, number),
        app.definition(),
    )
    return replace(app, id=app_id)


async def delete(conn: Any, name: str) -> bool:
    """Deletes an app; False where there is none of that name."""
    return bool(await conn.fetchval("DELETE FROM meta.custom_app WHERE name = $1 RETURNING true", name))


def tab_object(catalogue: Catalogue, item: str) -> ObjectType | None:
    """The object that a navigation item opens, or None for the home page and for what the org does not have."""
    value = catalogue.get(item.removeprefix("standard-"))
    return value if value is not None and value.custom == (not item.startswith("standard-")) else None


def may_open(caller: Caller, value: ObjectType) -> bool:
    """True for objects whose records have pages of their own, and that the user may read."""
    return rights(caller, value).read and not value.setup and value.kind in ("standard", "custom")


def checked(app: CustomApp, catalogue: Catalogue, tabs: Collection[str] = ()) -> CustomApp:
    """The app, once everything it says is known to this org; `tabs` are its custom tabs. INVALID_INPUT otherwise."""
    if not _NAME.fullmatch(app.name) or len(app.name) > 80:
        raise _refuse("name must begin with a letter and have letters, digits and single underscores", "name")
    if not 1 <= len(app.label.strip()) <= 80 or len(app.description) > 1000:
        raise _refuse("label must have 1 to 80 characters, description at most 1000", "label")
    if len(app.items) > MAX_ITEMS or not app.items:
        raise _refuse(f"an app has 1 to {MAX_ITEMS} navigation items", "items")
    for item in app.items:
        if item != HOME and tab_object(catalogue, item) is None and item not in tabs:
            raise _refuse(f"there is no tab {item[:80]!r}", "items")
    if len(app.utility_items) > MAX_UTILITIES:
        raise _refuse(f"an app has at most {MAX_UTILITIES} utility items", "utility_items")
    types = [str(item.get("type")) for item in app.utility_items]
    if len(set(types)) != len(types) or not set(types) <= set(UTILITIES):
        raise _refuse(f"utility items are of the types {', '.join(UTILITIES)}, each once", "utility_items")
    for item in app.utility_items:
        whole = dict(UTILITIES[item["type"]]) | {
            name: each for name, each in item.items() if each is not None
        }
        check_look(whole["width"], whole["height"], whole["icon"])
    return replace(app, items=tuple(dict.fromkeys(app.items)))


def _refuse(message: str, *fields: str) -> Fault:
    return Fault("INVALID_INPUT", message, fields=list(fields))


def utilities(
    app: CustomApp,
    org_wide: Sequence[Mapping[str, Any]],
    language: str,
    softphone_size: tuple[int, int] = SOFTPHONE_SIZE,
) -> list[dict[str, Any]]:
    """The app's utility items, whole: what the kind is, the org says for all apps, and the app itself, in this order.

    Of the softphone, `softphone_size` (of the call center's definition) stands where neither org nor app says one.
    """
    everywhere = {str(item["type"]): item for item in org_wide}
    found: list[dict[str, Any]] = []
    for item in app.utility_items:
        kind = UTILITIES.get(str(item["type"]))
        if kind is None:
            continue
        whole = dict(kind) | {"type": item["type"], "label": kind["label"][1 if language == "ja" else 0]}
        if item["type"] == "softphone":
            whole |= dict(zip(("width", "height"), softphone_size, strict=True))
        for said in (everywhere.get(str(item["type"]), {}), item):
            whole |= {name: each for name, each in said.items() if each is not None and name in whole}
        found.append(whole)
    return found
