"""`TielineRelatedObjects`: the objects whose records an agent may relate a call to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieline.apex_twins.records import delete, insert, own, prefix_of, select, update
from tieline.crm.access.questions import rights
from tieline.crm.lightning.twins import AuraHandledException, Method
from tieline.crm.rest import Call

MAX_RELATED_OBJECTS = 10
_RELATED = "Tieline_Related_Object__c"


def _available(call: Call) -> list[dict[str, str]]:
    task = call.catalogue.objects["Task"]
    names = [name for field in ("WhoId", "WhatId") for name in task.fields[field].reference_to]
    found = (call.catalogue.objects[name] for name in names)
    return [
        {"name": value.name, "label": value.label_in(call.caller.words)}
        for value in found
        if rights(call.caller, value).read and value.searchable
    ]


async def _rows(call: Call) -> tuple[str, list[dict[str, Any]]]:
    value = own(call, _RELATED)
    p = prefix_of(value, _RELATED)
    return p, await select(
        call,
        f"SELECT Id, {p}Object__c, {p}Order__c, {p}Default__c FROM {value.name}"  # noqa: S608
        f" ORDER BY {p}Order__c, {p}Object__c LIMIT 200",
    )


async def choice(call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """What a call's Task may point to and the user may see, and what is chosen of it."""
    p, rows = await _rows(call)
    chosen = [row[f"{p}Object__c"] for row in rows]
    preferred = next((row[f"{p}Object__c"] for row in reversed(rows) if row[f"{p}Default__c"]), None)
    return {
        "available": _available(call),
        "chosen": chosen,
        "preferred": preferred or (chosen[0] if chosen else None),
    }


def _checked(call: Call, parameters: Mapping[str, Any]) -> tuple[list[str], str | None]:
    given, preferred = parameters.get("objects"), parameters.get("preferred")
    if not isinstance(given, list):
        raise AuraHandledException("INVALID")
    objects = [str(each) for each in given]
    if len(objects) > MAX_RELATED_OBJECTS:
        raise AuraHandledException("TOO_MANY")
    if len(set(objects)) != len(objects):
        raise AuraHandledException("DUPLICATE")
    if not set(objects) <= {each["name"] for each in _available(call)}:
        raise AuraHandledException("UNKNOWN")
    if preferred not in objects if objects else preferred is not None:
        raise AuraHandledException("INVALID")
    return objects, preferred


async def save(call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Makes exactly these the objects, in this order: at most 10, none twice, `preferred` one of them."""
    objects, preferred = _checked(call, parameters)
    value = own(call, _RELATED)
    p, rows = await _rows(call)
    known = {row[f"{p}Object__c"]: row for row in rows}
    kept: list[tuple[str, dict[str, Any]]] = []
    fresh: list[dict[str, Any]] = []
    for order, name in enumerate(objects, 1):
        row, first = known.get(name), name == preferred
        place = {f"{p}Order__c": order, f"{p}Default__c": first}
        if row is None:
            fresh.append({"Name": name, f"{p}Object__c": name, **place})
        elif row[f"{p}Order__c"] != order or row[f"{p}Default__c"] != first:
            kept.append((row["Id"], place))
    await delete(call, value, [row["Id"] for name, row in known.items() if name not in objects])
    await update(call, value, kept)
    await insert(call, value, fresh)
    return await choice(call, {})


METHODS: Mapping[str, Method] = {"choice": choice, "save": save}
