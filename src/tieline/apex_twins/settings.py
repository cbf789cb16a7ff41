"""`TielineSettings`: settings that Lightning Data Service cannot reach, because custom settings are outside of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tieline.apex_twins.access import integration
from tieline.apex_twins.records import delete, insert, own, prefix_of, select, update
from tieline.crm.lightning.twins import AuraHandledException, Method, calls_out
from tieline.crm.rest import Call

MAX_COUNTRY_CODES = 20
_CODE = "Tieline_Country_Code__c"
_ADAPTER = "/cci/multi/callbar-cti"


async def _codes(call: Call) -> tuple[str, list[dict[str, Any]]]:
    value = own(call, _CODE)
    prefix = prefix_of(value, _CODE)
    return prefix, await select(
        call,
        f"SELECT Id, {prefix}Code__c, {prefix}Order__c FROM {value.name} ORDER BY {prefix}Order__c, {prefix}Code__c",  # noqa: S608
    )


async def country_codes(call: Call, parameters: Mapping[str, Any]) -> list[str]:
    """The dialling codes in order; `1` alone where none was chosen."""
    prefix, rows = await _codes(call)
    return [row[f"{prefix}Code__c"] for row in rows] or ["1"]


async def save_country_codes(call: Call, parameters: Mapping[str, Any]) -> list[str]:
    """Makes exactly these the codes, in this order: 1 to 20 of 1 to 3 digits, none twice."""
    given: Any = parameters.get("codes")
    codes: list[str] = [str(each) for each in given] if isinstance(given, list) else []
    if not codes:
        raise AuraHandledException("NONE")
    if len(codes) > MAX_COUNTRY_CODES:
        raise AuraHandledException("TOO_MANY")
    if len(set(codes)) != len(codes):
        raise AuraHandledException("DUPLICATE")
    if not all(re.fullmatch(r"[1-9]\d{0,2}", code) for code in codes):
        raise AuraHandledException("INVALID")
    prefix, rows = await _codes(call)
    value = own(call, _CODE)
    known = {row[f"{prefix}Code__c"]: row for row in rows}
    await delete(call, value, [row["Id"] for code, row in known.items() if code not in codes])
    moved: list[tuple[str, dict[str, Any]]] = []
    fresh: list[dict[str, Any]] = []
    for order, code in enumerate(codes, 1):
        row = known.get(code)
        if row is None:
            fresh.append({"Name": code, f"{prefix}Code__c": code, f"{prefix}Order__c": order})
        elif row[f"{prefix}Order__c"] != order:
            moved.append((row["Id"], {f"{prefix}Order__c": order}))
    await update(call, value, moved)
    await insert(call, value, fresh)
    return codes


async def portal(call: Call, parameters: Mapping[str, Any]) -> str | None:
    """The contact center's address, which the call center's adapter address tells."""
    rows = await select(
        call,
        f"SELECT AdapterUrl FROM CallCenter WHERE AdapterUrl LIKE '%{_ADAPTER}%' ORDER BY InternalName",  # noqa: S608
    )
    return str(rows[0]["AdapterUrl"]).partition(_ADAPTER)[0] if rows else None


@calls_out
async def phone_index(call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """How far the contact center is with reading the org's numbers, and by which codes; `reason` where it is not told."""
    unknown = {"reason": None, "codes": [], "state": None, "loaded": None, "total": None}
    try:
        told = await integration(call)
    except AuraHandledException as refused:
        return unknown | {"reason": str(refused)}
    if told is None:
        return unknown | {"reason": "UNREACHABLE"}
    connected = told.get("connection")
    if not connected:
        return unknown | {"reason": "NOT_CONNECTED"}
    index = connected["index"]
    return unknown | {
        "codes": connected["country_codes"],
        "state": index["state"],
        "loaded": index["loaded"],
        "total": index["total"],
    }


METHODS: Mapping[str, Method] = {
    "countryCodes": country_codes,
    "saveCountryCodes": save_country_codes,
    "portal": portal,
    "phoneIndex": phone_index,
}
