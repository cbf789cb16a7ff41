"""The object manager: the org's objects and fields, to be read."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ..console import Visit, answering
from ..errors import not_found
from ..layouts import detail_sections
from ..metadata import Field, ObjectType
from ..web import json_response
from .administration import looking


def _shown(value: ObjectType, language: str) -> dict[str, Any]:
    return {
        "name": value.name,
        "label": value.label_in(language),
        "plural": value.label_plural_in(language),
        "kind": value.kind,
        "custom": value.custom,
        "key_prefix": value.key_prefix,
        "setup": value.setup,
        "fields": len(value.fields),
    }


def _field(visit: Visit, item: Field) -> dict[str, Any]:
    return {
        "name": item.name,
        "label": item.label_in(visit.language),
        "type": item.type,
        "length": item.length or None,
        "precision": item.precision or None,
        "scale": item.scale,
        "required": item.required,
        "unique": item.unique,
        "external_id": item.external_id,
        "custom": item.custom,
        "references": [
            target.label_in(visit.language)
            for target in (visit.call.catalogue.whole.get(name) for name in item.reference_to)
            if target is not None
        ],
        "values": [
            {
                "value": value.value,
                "label": (value.label_ja or value.label) if visit.language == "ja" else value.label,
                "default": value.default,
            }
            for value in item.picklist
        ],
    }


@answering
async def list_objects(request: Request) -> Response:
    """All objects: `{objects: [{name, label, kind, custom, fields}]}`."""
    async with looking(request) as visit:
        objects = [
            _shown(value, visit.language)
            for value in visit.call.catalogue.whole.objects.values()
            if not (value.setup and value.kind == "standard")
        ]
        objects.sort(key=lambda each: each["label"])
        return json_response({"objects": objects})


@answering
async def show_object(request: Request) -> Response:
    """One object with its fields, its page layout's sections and its validation rules."""
    async with looking(request) as visit:
        value = visit.call.catalogue.whole.get(request.path_params["name"])
        if value is None:
            raise not_found()
        rules = await visit.conn.fetch(
            "SELECT name, active, formula, message, field FROM meta.validation_rule WHERE object_name = $1"
            " ORDER BY lower(name)",
            value.name,
        )
        fields = [item for item in value.fields.values() if not item.hidden]
        return json_response(
            _shown(value, visit.language)
            | {
                "field_list": sorted(
                    (_field(visit, item) for item in fields), key=lambda each: str(each["label"])
                ),
                "layout": detail_sections(value, visit.language),
                "rules": [dict(row) for row in rules],
            }
        )


_PREFIX = "/console/api/setup/objects"

ROUTES = [
    Route(_PREFIX, list_objects),
    Route(f"{_PREFIX}/{{name}}", show_object),
]
