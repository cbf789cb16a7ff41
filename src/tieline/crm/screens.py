"""What programs ask about pages: layouts, compact layouts, quick actions.

They say what the console's own pages show: deployed layouts by profile and record type, where there are any.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .access.questions import default_record_type, record_types, rights
from .errors import not_found
from .ids import parse_id
from .language import standard_name
from .metadata import ObjectType
from .page_layouts import BLANK
from .rest import Call, Reply, Request, route

MASTER = "012000000000000AAA"
"""The record type that every object has: none."""
_NO_SECTION: Mapping[str, Any] = {}
MAX_COMPACT = 10


def _language(call: Call) -> str:
    return call.caller.words


def _item(
    call: Call, value: ObjectType, name: str, section: Mapping[str, Any] = _NO_SECTION
) -> dict[str, Any]:
    if name == BLANK:
        return {
            "editableForNew": False,
            "editableForUpdate": False,
            "label": "",
            "layoutComponents": list[Any](),
            "placeholder": True,
            "required": False,
        }
    item = value.fields[name]
    fixed = name in section.get("readonly", ())
    editable = item.updateable and not fixed and rights(call.caller, value).edit
    return {
        "editableForNew": item.createable and not fixed,
        "editableForUpdate": editable,
        "label": item.label_in(_language(call)),
        "layoutComponents": [
            {"displayLines": 1, "tabOrder": 1, "type": "Field", "value": name, "fieldType": item.type}
        ],
        "placeholder": False,
        "required": item.required or name in section.get("required", ()),
    }


async def _sections(call: Call, value: ObjectType, type_id: str | None) -> list[dict[str, Any]]:
    pages = await call.org.pages.at(call.conn, call.catalogue)
    found: list[dict[str, Any]] = []
    for section in pages.sections(value, call.caller, type_id):
        names: list[str] = section["fields"]
        columns: int = section.get("columns", 2)
        rows = [names[start : start + columns] for start in range(0, len(names), columns)]
        found.append(
            {
                "columns": columns,
                "heading": section["label"],
                "layoutRows": [
                    {"layoutItems": [_item(call, value, name, section) for name in row], "numItems": len(row)}
                    for row in rows
                ],
                "rows": len(rows),
                "useCollapsibleSection": False,
                "useHeading": bool(section["label"]),
            }
        )
    return found


async def _layout(call: Call, value: ObjectType, type_id: str | None) -> dict[str, Any]:
    sections = await _sections(call, value, type_id)
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


@route("GET", "sobjects/{name}/describe/layouts", lacks="no related lists, no buttons")
async def layouts(call: Call, request: Request) -> Reply:
    """The layouts of an object and which record type has which."""
    value = _laid_out(call, request.path["name"])
    available = record_types(call.caller, value)
    default = default_record_type(call.caller, value)
    base = f"{call.base}/sobjects/{value.name}/describe/layouts"
    mappings = [
        {
            "available": info is None or info in available,
            "defaultRecordTypeMapping": info == default,
            "developerName": info.developer_name if info else "Master",
            "layoutId": None,
            "master": info is None,
            "name": info.name if info else standard_name("Master", _language(call)),
            "picklistsForRecordType": None,
            "recordTypeId": info.id if info else MASTER,
            "urls": {"layout": f"{base}/{info.id if info else MASTER}"},
        }
        for info in (*value.record_types, None)
    ]
    return Reply(
        body={
            "layouts": [
                await _layout(call, value, info.id if info else None) for info in (None, *value.record_types)
            ],
            "recordTypeMappings": mappings,
            "recordTypeSelectorRequired": [len(available) > 1],
        }
    )


@route("GET", "sobjects/{name}/describe/layouts/{record_type}", lacks="no related lists, no buttons")
async def layout(call: Call, request: Request) -> Reply:
    """The layout of one record type."""
    value = _laid_out(call, request.path["name"])
    type_id = parse_id(request.path["record_type"])
    if type_id != MASTER and all(info.id != type_id for info in value.record_types):
        raise not_found()
    return Reply(body=await _layout(call, value, type_id))


async def _compact(call: Call, value: ObjectType) -> dict[str, Any]:
    pages = await call.org.pages.at(call.conn, call.catalogue)
    names = [value.name_field.name if value.name_field else "Id", *pages.highlights(value, None)][
        :MAX_COMPACT
    ]
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
            "compactLayouts": [await _compact(call, value)],
            "defaultCompactLayoutId": None,
            "recordTypeCompactLayoutMappings": [mapping],
            "urls": {"primary": f"{call.base}/sobjects/{value.name}/describe/compactLayouts/primary"},
        }
    )


@route("GET", "sobjects/{name}/describe/compactLayouts/primary", lacks="the system default only")
async def primary_compact_layout(call: Call, request: Request) -> Reply:
    """The compact layout that counts."""
    return Reply(body=await _compact(call, _laid_out(call, request.path["name"])))


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
    return Reply(body={value.name: await _compact(call, value) for value in values})


@route("GET", "quickActions", lacks="this org has none: an empty list")
async def quick_actions(call: Call, request: Request) -> Reply:
    """Global actions: none."""
    return Reply(body=[])


@route("GET", "sobjects/{name}/quickActions", lacks="this org has none: an empty list")
async def object_quick_actions(call: Call, request: Request) -> Reply:
    """An object's actions: none."""
    call.records.object(request.path["name"])
    return Reply(body=[])
