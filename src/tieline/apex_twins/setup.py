"""`TielineSetup`: the product's set-up, as far as a query is needed to find it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tieline.apex_twins.records import own, prefix_of, select
from tieline.crm.lightning.twins import Method
from tieline.crm.rest import Call

_SETUP = "Tieline_Product_Setup__c"


async def product(call: Call, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The contact center's set-up; not active and without an id while nobody has activated it."""
    value = own(call, _SETUP)
    p = prefix_of(value, _SETUP)
    rows = await select(
        call,
        f"SELECT Id, {p}Active__c, {p}Activated_At__c, {p}Activated_By__r.Name, {p}Step__c FROM {value.name}"  # noqa: S608
        f" WHERE {p}Product__c = 'ContactCenter' LIMIT 1",
    )
    if not rows:
        return {"recordId": None, "active": False, "activatedAt": None, "activatedBy": None, "step": None}
    row = rows[0]
    by: Mapping[str, Any] | None = row[f"{p}Activated_By__r"]
    return {
        "recordId": row["Id"],
        "active": row[f"{p}Active__c"],
        "activatedAt": row[f"{p}Activated_At__c"],
        "activatedBy": by["Name"] if by else None,
        "step": row[f"{p}Step__c"],
    }


METHODS: Mapping[str, Method] = {"product": product}
