"""The package installed, connected and uninstalled: what the contact center notices of it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import update
from tests.integration.center import a_center

from tieline.db.database import Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.identity.tables import app_user
from tieline.salesforce.connections import Connections, Salesforce
from tieline.salesforce.tables import connection

from .conftest import Tenant, connect
from .org import Org, package
from .test_index import look as look_at_index
from .test_index import names

_LOGIN = (
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    "<login xmlns='urn:partner.soap.sforce.com'><username>{}</username><password>{}</password>"
    "</login></soapenv:Body></soapenv:Envelope>"
)


@pytest.fixture(scope="module")
async def empty_org(
    postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Org]:
    """An org of its own that has nothing of ours."""
    maintenance = await asyncpg.connect(postgres.url())
    await maintenance.execute("CREATE DATABASE crm_uninstalled")
    await maintenance.close()
    made = Org(postgres.url("crm_uninstalled"), tmp_path_factory.mktemp("org"))
    await made.start()
    await made.sign_in()
    yield made
    await made.stop()


async def put_on_shelf(org: Org, content: bytes) -> str:
    """The package on the org's shelf; gives the version's id."""
    soap = {"Content-Type": "text/xml", "SOAPAction": "login"}
    answer = await org.http.post(
        f"{org.base}/services/Soap/u/66.0", content=_LOGIN.format(org.username, org.password), headers=soap
    )
    session = re.search(r"<sessionId>([^<]+)<", answer.text)
    assert session is not None, answer.text
    answer = await org.http.post(
        f"{org.base}/services/packages",
        params={"name": "Tieline", "publisher": "Tieline", "version": "1.0"},
        content=content,
        headers={"Authorization": f"Bearer {session.group(1)}"},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def done(org: Org, asked: dict[str, Any]) -> None:
    """Waits until what was asked for with a package is done."""
    async with asyncio.timeout(60):
        while asked["status"] == "IN_PROGRESS":
            await asyncio.sleep(0.05)
            asked = (await org.console("GET", f"setup/packages/requests/{asked['id']}")).json()
    assert asked["status"] == "SUCCESS", asked


async def test_after_uninstalling_softphones_and_the_connection_say_so(
    salesforce: Salesforce, database: Database, empty_org: Org, tmp_path: Path
) -> None:
    org = empty_org
    version = await put_on_shelf(org, package())
    asked = await org.console(
        "POST", "setup/packages", json={"version_id": version, "audience": "administrators"}
    )
    await done(org, asked.json())
    async with a_center(database, tmp_path) as center:
        account = Tenant(center.account_id, center.agents["admin"], center.connection_id)
        async with database.system() as tx:
            await tx.execute(update(connection).values(state="removed"))
        center.connection_id = await connect(salesforce, account, org)
        center.host_origin = org.lightning
        connected = Tenant(account.account_id, account.user_id, center.connection_id)
        async with database.system(center.account_id) as tx:
            of_one = app_user.c.id == center.agents["one"]
            await tx.execute(update(app_user).where(of_one).values(connection_id=center.connection_id))
        contact = {"LastName": "Known", "Phone": "+81 3-4567-0177"}
        await org.console("POST", "data/v66.0/sobjects/Contact", json=contact)
        await look_at_index(database, salesforce, connected)
        assert await names(database, connected, "03-4567-0177") == ("one", ["Known"])
        agent = await center.callbar("one")
        await agent.ready()

        asked = await org.console("DELETE", f"setup/packages/{version}", json={"with_data": True})
        await done(org, asked.json())
        await look_at_index(database, salesforce, connected)
        await agent.until(lambda _: bool(agent.crm))
        assert agent.crm == [False]
        portal = await center.portal("admin")
        (problem,) = (await portal.get("/api/v1/problems")).json()["connections"]
        assert (problem["id"], problem["code"]) == (str(center.connection_id), "invalid_client_id")
        # Calls go on, and who calls is known all the same.
        await center.call("+81345670177")
        card = await agent.card("offered")
        assert [record["name"] for record in card["match"]["records"]] == ["Known"]
        other = await center.callbar("one")
        await other.until(lambda _: bool(other.crm))

        again = await org.console(
            "POST", "setup/packages", json={"version_id": version, "audience": "administrators"}
        )
        await done(org, again.json())
        connections = Connections(salesforce)
        async with database.account(connected.account_id) as tx:
            url = await connections.authorise(tx, connected.connection_id, connected.user_id)
        told = await org.allow(url)
        await connections.finish(
            user_id=connected.user_id, state=told["state"], code=told.get("code"), error=told.get("error")
        )
        await agent.until(lambda _: len(agent.crm) == 2)
        assert agent.crm == [False, True]
