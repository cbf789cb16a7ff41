"""The routes of the running application, and what fits into them."""

from __future__ import annotations

import re
from typing import Any

from fastapi.routing import APIRoute
from tests.integration.center import Center

from tieline.ids import new_id
from tieline.web.document import api_routes

TEXTS = {"email": "somebody@example.com", "^[A-Za-z0-9_-]{43}$": "a" * 43, "^[0-9]{2}$": "12"}
"""Texts for formats and patterns of the routes' bodies."""


def routes_of(center: Center) -> list[tuple[str, APIRoute]]:
    """Each method of each route that answers requests."""
    found = [
        (method, route)
        for route in api_routes(center.server.config.app.routes)  # type: ignore[union-attr]
        for method in sorted(route.methods or ())
    ]
    assert len(found) > 40, "the application's routes are found"
    return found


def path_of(route: APIRoute) -> str:
    """The route's path with something in its places."""
    return re.sub(r"\{(\w+)(:path)?\}", lambda m: "x" if m.group(2) else str(new_id()), route.path)


def sample(schema: dict[str, Any], defs: dict[str, Any]) -> Any:
    """A value that a JSON schema allows, as small as it may be."""
    if "$ref" in schema:
        return sample(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], defs)
    if "const" in schema or "enum" in schema:
        return schema.get("const", (schema.get("enum") or [None])[0])
    match schema.get("type"):
        case "object":
            needed = schema.get("required", [])
            return {name: sample(schema["properties"][name], defs) for name in needed}
        case "array":
            return [sample(schema["items"], defs)] * schema.get("minItems", 0)
        case "string":
            text = TEXTS.get(schema.get("pattern", schema.get("format", "")), "x")
            return text * max(1, schema.get("minLength", 1) if text == "x" else 1)
        case "boolean":
            return True
        case "integer" | "number":
            return schema.get("minimum", 1)
        case _:
            return None


def body_of(method: str, route: APIRoute, document: dict[str, Any]) -> Any:
    """A body that the route takes; None where it takes none."""
    operation = document["paths"].get(route.path, {}).get(method.lower(), {})
    content = operation.get("requestBody", {}).get("content", {})
    schema = content.get("application/json", {}).get("schema")
    return sample(schema, document.get("components", {}).get("schemas", {})) if schema else None
