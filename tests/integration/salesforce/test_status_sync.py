"""Which status follows which: from the org's records to every callbar of the connection."""

from __future__ import annotations

import asyncio

from tests.integration.center import Center

from tieline.salesforce import org_settings
from tieline.salesforce.client import SalesforceClient

from .test_following import center, client

__all__ = ["center", "client"]
SETTINGS, RELATION = "Tieline_Product_Settings__c", "Tieline_Presence_Status_Relation__c"


async def test_saved_relations_are_on_callbars_at_once_and_gone_statuses_are_not(
    center: Center,
    client: SalesforceClient,
) -> None:
    made: list[tuple[str, str]] = []

    async def add(object_type: str, **values: object) -> str:
        record_id = str((await client.call("POST", f"/sobjects/{object_type}", body=values))["id"])
        made.append((object_type, record_id))
        return record_id

    async def say() -> None:
        path = "/api/v1/salesforce/settings-changed"
        answer = await center.http.post(path, headers={"Origin": center.host_origin})
        assert answer.status_code == 204

    agent = await center.callbar("two")
    assert (await agent.until(lambda state: bool(state)))["status_sync"] is None
    # Nobody deletes presence statuses over the API.
    label = {"MasterLabel": "On a call", "Language": "en_US"}
    body = {"DeveloperName": "Sync_Busy", **label}
    status = (await client.call("POST", "/sobjects/ServicePresenceStatus", body=body))["id"]
    try:
        for order, (mine, theirs) in enumerate(
            [
                ("occupied", "Sync_Busy"),
                ("occupied", "-offline-"),
                ("ready", "Not_There"),
                ("offline", "-offline-"),
            ]
        ):
            await add(
                RELATION,
                Name=mine,
                Contact_Center_Status__c=mine,
                Salesforce_Status__c=theirs,
                Order__c=order,
            )
        # Without a switch nothing follows.
        assert (await org_settings.read(client)).status_sync is None
        switches = await add(SETTINGS, Name="ContactCenter", Product__c="ContactCenter", Omni_Sync__c=True)
        async with asyncio.timeout(5):
            await say()
            state = await agent.until(lambda state: state["status_sync"] is not None)
        assert state["status_sync"] == {
            "to_salesforce": True,
            "to_contact_center": False,
            "relations": [
                {"contact_center": "occupied", "salesforce": status, "label": "On a call"},
                {"contact_center": "offline", "salesforce": "offline", "label": ""},
            ],
        }
        read = await org_settings.read(client)
        assert org_settings.OrgSettings.from_json(read.to_json()) == read
        await client.call("PATCH", f"/sobjects/{SETTINGS}/{switches}", body={"Omni_Sync__c": False})
        async with asyncio.timeout(5):
            await say()
            await agent.until(lambda state: state["status_sync"] is None)
    finally:
        for object_type, record_id in reversed(made):
            await client.call("DELETE", f"/sobjects/{object_type}/{record_id}")
