"""The app manager: the org's Lightning apps, their names, navigation items and utility items."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from .. import audit_trail
from ..console import Visit, answering
from ..deploy.components import names_of
from ..errors import not_found
from ..lightning.tabs import component_tabs
from ..navigation.apps import HOME, UTILITIES, CustomApp, all_apps, checked, may_open, store
from ..web import json_response
from .administration import administering, body_of, looking, refusal, text_of

_PROPERTIES: Mapping[str, type] = {
    "label": str,
    "icon": str,
    "width": int,
    "height": int,
    "auto_start": bool,
}


def _shown(app: CustomApp, language: str) -> dict[str, Any]:
    return {
        "name": app.name,
        "label": app.label_in(language),
        "description": app.description_in(language),
        "nav_type": app.nav_type,
        "items": list(app.items),
        "utility_items": [dict(item) for item in app.utility_items],
    }


@answering
async def list_lightning_apps(request: Request) -> Response:
    """All apps, the kinds of utility items, and the tabs that an app may have."""
    async with looking(request) as visit:
        at = 1 if visit.language == "ja" else 0
        tabs = [
            {
                "name": value.name if value.custom else f"standard-{value.name}",
                "label": value.label_plural_in(visit.language),
            }
            for value in visit.call.catalogue.objects.values()
            if may_open(visit.caller, value)
        ]
        tabs += [
            {"name": tab.name, "label": tab.label}
            for tab in await component_tabs(visit.conn, visit.caller, frozenset())
        ]
        return json_response(
            {
                "apps": [_shown(app, visit.language) for app in await all_apps(visit.conn)],
                "utilities": [
                    dict(kind) | {"type": name, "label": kind["label"][at]}
                    for name, kind in UTILITIES.items()
                ],
                "tabs": [{"name": HOME, "label": None}, *tabs],
            }
        )


def _utility(item: Any) -> dict[str, Any]:
    """One utility item; what it does not say is the kind's, or of the softphone's size the call center's."""
    if not isinstance(item, dict):
        raise refusal("utility_items", "must be a list of objects")
    given: dict[str, Any] = item
    found: dict[str, Any] = {"type": str(given.get("type"))}
    for name, kind in _PROPERTIES.items():
        value = given.get(name)
        if value is None or value == "":
            continue
        if type(value) is not kind or (isinstance(value, str) and len(value) > 80):
            raise refusal("utility_items", f"have a wrong {name}")
        found[name] = value
    return found


def _changed(visit: Visit, app: CustomApp, body: Mapping[str, Any], tabs: Collection[str]) -> CustomApp:
    values: dict[str, Any] = {}
    if "label" in body:
        label = text_of("label", body["label"], 80)
        if label != app.label_in(visit.language):
            # A name that an administrator gave is everybody's, whatever they speak.
            values |= {"label": label, "label_ja": None}
    for name in ("items", "utility_items"):
        if name in body:
            given: Any = body[name]
            if not isinstance(given, list):
                raise refusal(name, "must be a list")
            entries: list[Any] = given
            values[name] = tuple(
                _utility(each) if name == "utility_items" else str(each) for each in entries[:100]
            )
    return checked(replace(app, **values), visit.call.catalogue.whole, tabs)


@answering
async def change_lightning_app(request: Request) -> Response:
    """Changes an app: `{label?, items?, utility_items?}`; users see it when they load the console anew."""
    body = await body_of(request)
    async with administering(request) as visit, visit.conn.transaction():
        name = request.path_params["name"]
        app = next((each for each in await all_apps(visit.conn) if each.name == name), None)
        if app is None:
            raise not_found()
        changed = _changed(visit, app, body, await names_of(visit.conn, "CustomTab"))
        await store(visit.conn, visit.call.org.instance, changed)
        await audit_trail.note(
            visit.conn,
            visit.caller,
            "apps",
            "changedLightningApp",
            name=changed.label_in(visit.language),
            fields=sorted(body)[:20],
        )
        return json_response(_shown(changed, visit.language))


_PREFIX = "/console/api/setup/lightning-apps"

ROUTES = [
    Route(_PREFIX, list_lightning_apps),
    Route(f"{_PREFIX}/{{name}}", change_lightning_app, methods=["PATCH"]),
]
