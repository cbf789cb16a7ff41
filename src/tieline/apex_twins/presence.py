"""`TielinePresence`: which status of the contact center is like which Omni-Channel status, and which side follows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tieline.apex_twins.records import delete, insert, own, prefix_of, select, update
from tieline.crm.lightning.twins import AuraHandledException, Method
from tieline.crm.omni.presence import enabled
from tieline.crm.rest import Call

MAX_RELATIONS = 100
_SETTINGS, _RELATION = "Tieline_Product_Settings__c", "Tieline_Presence_Status_Relation__c"
_CENTER = re.compile(r"(?=.{1,80}$)(?:ready|not_ready(?::[a-z0-9_]+)?|occupied|wrap_up|offline)")
_OFFLINE = "-offline-"


async def _settings(call: Call) -> tuple[str, dict[str, Any] | None]:
    value = own(call, _SETTINGS)
    p = prefix_of(value, _SETTINGS)
    rows = await select(
        call,
        f"SELECT Id, {p}Omni_Sync__c, {p}Omni_Sync_Back__c FROM {value.name}"  # noqa: S608
        f" WHERE {p}Product__c = 'ContactCenter' LIMIT 1",
    )
    return p, rows[0] if rows else None


async def _rows(call: Call) -> tuple[str, list[dict[str, Any]]]:
    value = own(call, _RELATION)
    p = prefix_of(value, _RELATION)
    return p, await select(
        call,
        f"SELECT Id, {p}Contact_Center_Status__c, {p}Salesforce_Status__c FROM {value.name}"  # noqa: S608
        f" ORDER BY {p}Order__c, Id LIMIT 200",
    )


async def _statuses(call: Call) -> list[dict[str, Any]]:
    if not await enabled(call.conn):
        return []
    rows = await select(
        call, "SELECT DeveloperName, MasterLabel FROM ServicePresenceStatus ORDER BY MasterLabel LIMIT 500"
    )
    return [{"name": row["DeveloperName"], "label": row["MasterLabel"]} for row in rows]


async def state(call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Everything as it stands; relations to statuses that are gone among it."""
    p, kept = await _settings(call)
    q, rows = await _rows(call)
    return {
        "enabled": await enabled(call.conn),
        "toSalesforce": bool(kept and kept[f"{p}Omni_Sync__c"]),
        "toContactCenter": bool(kept and kept[f"{p}Omni_Sync_Back__c"]),
        "statuses": await _statuses(call),
        "relations": [
            {"center": row[f"{q}Contact_Center_Status__c"], "salesforce": row[f"{q}Salesforce_Status__c"]}
            for row in rows
        ],
    }


async def _checked(call: Call, given: Any) -> list[tuple[str, str]]:
    if not isinstance(given, list):
        raise AuraHandledException("INVALID")
    relations: list[tuple[str, str]] = [
        (str(each.get("center")), str(each.get("salesforce"))) for each in given if isinstance(each, dict)
    ]
    if len(relations) > MAX_RELATIONS:
        raise AuraHandledException("TOO_MANY")
    there = {_OFFLINE} | {each["name"] for each in await _statuses(call)}
    seen: set[str] = set()
    for center, salesforce in relations:
        if not _CENTER.fullmatch(center):
            raise AuraHandledException("INVALID")
        if center in seen:
            raise AuraHandledException("DUPLICATE")
        seen.add(center)
        if salesforce not in there:
            raise AuraHandledException("UNKNOWN")
    return relations


async def save(call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Makes exactly these the relations, in this order: a status of the contact center once, at most 100."""
    relations = await _checked(call, parameters.get("relations"))
    settings, relation = own(call, _SETTINGS), own(call, _RELATION)
    p, kept = await _settings(call)
    switches = {
        f"{p}Omni_Sync__c": parameters.get("toSalesforce") is True,
        f"{p}Omni_Sync_Back__c": parameters.get("toContactCenter") is True,
    }
    if kept is None:
        await insert(
            call, settings, [{"Name": "ContactCenter", f"{p}Product__c": "ContactCenter", **switches}]
        )
    else:
        await update(call, settings, [(kept["Id"], switches)])
    q, rows = await _rows(call)
    await delete(call, relation, [row["Id"] for row in rows])
    await insert(
        call,
        relation,
        [
            {
                "Name": center,
                f"{q}Contact_Center_Status__c": center,
                f"{q}Salesforce_Status__c": salesforce,
                f"{q}Direction__c": "to_salesforce" if center in ("occupied", "wrap_up") else "both",
                f"{q}Order__c": order,
            }
            for order, (center, salesforce) in enumerate(relations, 1)
        ],
    )
    return await state(call, {})


METHODS: Mapping[str, Method] = {"state": state, "save": save}
