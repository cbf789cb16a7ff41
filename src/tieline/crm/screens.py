"""What programs ask about pages: layouts, compact layouts, quick actions.

The org has one layout and one compact layout for each object, made of the same table as the console's pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .access import rights
from .errors import not_found
from .language import standard_name
from .layouts import LIST_COLUMNS, detail_sections
from .metadata import ObjectType
from .rest import Call, Reply, Request, route

MASTER = "012000000000000AAA"
"""The record type that every object has: none."""


def _language(call: Call) -> str:
    return call.caller.words


def _item(call: Call, value: ObjectType, name: str) -> dict[str, Any]:
    item = value.fields[name]
    editable = item.updateable and rights(call.caller, value).edit
    return {
        "editableForNew": item.createable,
        "editableForUpdate": editable,
        "label": item.label_in(_language(call)),
        "layoutComponents": [
            {"displayLines": 1, "tabOrder": 1, "type": "Field", "value": name, "fieldType": item.type}
        ],
        "placeholder": False,
        "required": item.required,
    }


def _sections(call: Call, value: ObjectType) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for section in detail_sections(value, _language(call)):
        names: list[str] = section["fields"]
        rows = [names[start : start + 2] for start in range(0, len(names), 2)]
        found.append(
            {
                "columns": 2,
                "heading": section["label"],
                "layoutRows": [
                    {"layoutItems": [_item(call, value, name) for name in row], "numItems": len(row)}
                    for row in rows
                ],
                "rows": len(rows),
                "useCollapsibleSection": False,
                "useHeading": True,
            }
        )
    return found


def _layout(call: Call, value: ObjectType) -> dict[str, Any]:
    sections = _sections(call, value)
    return {
        "buttonLayoutSection": {"detailButtons": list[Any]()},
        "detailLayoutSections": sections,
        "editLayoutSections": sections,
        "highlightsPanelLayoutSection": None,
        "id": None,
        "multirowEditLayoutSections": list[Any](),
        "quickActionList": {"quickActionListItems": list[Any]()},
        "relatedContent": None,
        "relatedLists": list[Any](),
        "saveOptions": list[Any](),
    }


def _laid_out(call: Call, name: str) -> ObjectType:
    value = call.records.object(name)
    if value.setup:
        raise not_found()
    return value


@route("GET", "sobjects/{name}/describe/layouts", lacks="one layout, no related lists, no buttons")
async def layouts(call: Call, request: Request) -> Reply:
    """The layouts of an object and which record type has which."""
    value = _laid_out(call, request.path["name"])
    mapping = {
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "layoutId": None,
        "master": True,
        "name": standard_name("Master", _language(call)),
        "picklistsForRecordType": None,
        "recordTypeId": MASTER,
        "urls": {"layout": f"{call.base}/sobjects/{value.name}/describe/layouts/{MASTER}"},
    }
    return Reply(
        body={
            "layouts": [_layout(call, value)],
            "recordTypeMappings": [mapping],
            "recordTypeSelectorRequired": [False],
        }
    )


@route("GET", "sobjects/{name}/describe/layouts/{record_type}", lacks="the master record type only")
async def layout(call: Call, request: Request) -> Reply:
    """The layout of one record type."""
    value = _laid_out(call, request.path["name"])
    if request.path["record_type"][:15] != MASTER[:15]:
        raise not_found()
    return Reply(body=_layout(call, value))


def _compact(call: Call, value: ObjectType) -> dict[str, Any]:
    fallback: Sequence[str] = [value.name_field.name] if value.name_field else ["Id"]
    names = [name for name in LIST_COLUMNS.get(value.name, fallback) if name in value.fields][:5]
    return {
        "actions": list[Any](),
        "fieldItems": [_item(call, value, name) for name in names],
        "id": None,
        "imageItems": list[Any](),
        "label": standard_name("System Default", _language(call)),
        "name": "SYSTEM",
        "objectType": value.name,
    }


@route("GET", "sobjects/{name}/describe/compactLayouts", lacks="the system default only")
async def compact_layouts(call: Call, request: Request) -> Reply:
    """The compact layouts of an object."""
    value = _laid_out(call, request.path["name"])
    mapping = {
        "available": True,
        "compactLayoutId": None,
        "compactLayoutName": "SYSTEM",
        "recordTypeId": MASTER,
        "recordTypeName": "Master",
        "urls": {
            "compactLayout": f"{call.base}/sobjects/{value.name}/describe/compactLayouts/primary/{MASTER}"
        },
    }
    return Reply(
        body={
            "compactLayouts": [_compact(call, value)],
            "defaultCompactLayoutId": None,
            "recordTypeCompactLayoutMappings": [mapping],
            "urls": {"primary": f"{call.base}/sobjects/{value.name}/describe/compactLayouts/primary"},
        }
    )


@route("GET", "sobjects/{name}/describe/compactLayouts/primary", lacks="the system default only")
async def primary_compact_layout(call: Call, request: Request) -> Reply:
    """The compact layout that counts."""
    return Reply(body=_compact(call, _laid_out(call, request.path["name"])))


@route(
    "GET", "sobjects/{name}/describe/compactLayouts/primary/{record_type}", lacks="the system default only"
)
async def compact_layout(call: Call, request: Request) -> Reply:
    """The compact layout of one record type."""
    if request.path["record_type"][:15] != MASTER[:15]:
        raise not_found()
    return await primary_compact_layout(call, request)


@route("GET", "compactLayouts", lacks="the system default only")
async def primary_compact_layouts(call: Call, request: Request) -> Reply:
    """The compact layouts of several objects, `q=Account,Contact`."""
    names = [name.strip() for name in request.query.get("q", "").split(",") if name.strip()][:100]
    values = [_laid_out(call, name) for name in names]
    return Reply(body={value.name: _compact(call, value) for value in values})


@route("GET", "quickActions", lacks="this org has none: an empty list")
async def quick_actions(call: Call, request: Request) -> Reply:
    """Global actions: none."""
    return Reply(body=[])


@route("GET", "sobjects/{name}/quickActions", lacks="this org has none: an empty list")
async def object_quick_actions(call: Call, request: Request) -> Reply:
    """An object's actions: none."""
    call.records.object(request.path["name"])
    return Reply(body=[])
