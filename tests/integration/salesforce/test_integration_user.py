"""The connection works as a user who has nothing but the package's permission set for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select

from tieline.calllog import service
from tieline.calllog.log import LoggedRecord
from tieline.db.database import Database
from tieline.salesforce import org_settings
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.tables import connection

from .conftest import Tenant, connect
from .org import Org
from .test_delivery import Close, close, drain, state_of
from .test_index import look, names

__all__ = ["close"]  # the fixture
INTEGRATION = "integration@acme.example"
PROFILE = "Minimum Access - Salesforce"


@pytest.fixture(scope="module")
async def integration_user(org: Org) -> AsyncIterator[Org]:
    """The user's own browser."""
    made = await org.console(
        "POST",
        "setup/users",
        json={
            "username": INTEGRATION,
            "email": INTEGRATION,
            "last_name": "Integration",
            "password": org.password,
            "profile": PROFILE,
        },
    )
    assert made.status_code == 201, made.text
    await org.permit(made.json()["id"], "Tieline_Integration_User")
    visitor = org.visitor(INTEGRATION)
    await visitor.sign_in()
    yield visitor
    await visitor.http.aclose()


@pytest.fixture
async def connected(salesforce: Salesforce, tenant: Tenant, integration_user: Org) -> Tenant:
    """An account connected to the org as the integration user."""
    connection_id = await connect(salesforce, tenant, integration_user)
    return Tenant(tenant.account_id, tenant.user_id, connection_id)


async def test_it_reads_numbers_and_settings_and_writes_call_logs_and_nothing_else(
    salesforce: Salesforce, database: Database, org: Org, connected: Tenant, close: Close
) -> None:
    api = "data/v66.0/sobjects"
    made = await org.console(
        "POST", f"{api}/Contact", json={"LastName": "Reached", "Phone": "+81 3-4567-0188"}
    )
    contact_id = made.json()["id"]
    await look(database, salesforce, connected)
    assert await names(database, connected, "03-4567-0188") == ("one", ["Reached"])

    client = salesforce.client(connected.account_id, connected.connection_id)
    settings = await org_settings.refresh(database, client, connected.account_id, connected.connection_id)
    assert "1" in settings.country_codes

    who = LoggedRecord(contact_id, "Contact", "Reached")
    (log,) = await close(matched=(who,), agent_email="admin@acme.example")
    await drain(salesforce)
    row = await state_of(database, log)
    assert (row.state, row.error_code, row.error_message) == ("delivered", None, None)
    shown = await org.console("GET", f"{api}/Task/{row.records['Task']}")
    task = shown.json()
    assert (task["WhoId"], task["Tieline_Engagement_Link__c"]) == (contact_id, log.link)
    assert (
        task["OwnerId"]
        == (await client.query_all("SELECT Id FROM User WHERE Username = 'admin@acme.example'"))[0]["Id"]
    )

    async with database.account(connected.account_id) as tx:
        await service.amend(tx, log.engagement_id, {"notes": "Added later"})
    await drain(salesforce)
    session = await org.console(
        "GET", f"{api}/Tieline_Session_History__c/{row.records['Tieline_Session_History__c']}"
    )
    assert session.json()["Notes__c"] == "Added later"

    async with database.system() as tx:
        state = await tx.scalar(select(connection.c.state).where(connection.c.id == connected.connection_id))
    assert state == "connected"
    for object_type, body in (
        ("Contact", {"LastName": "Mine"}),
        ("Tieline_Country_Code__c", {"Name": "9", "Code__c": "9"}),
        ("Account", {"Name": "Mine"}),
    ):
        with pytest.raises(Exception, match=r"INSUFFICIENT|CANNOT_INSERT|not.*allowed|access"):
            await client.call("POST", f"/sobjects/{object_type}", body=body)
