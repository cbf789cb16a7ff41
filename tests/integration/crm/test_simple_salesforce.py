"""simple-salesforce, unmodified, over TLS: an outsider's view of records, queries and describe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound
from tests.ports import free_ports

from .certificates import server_files
from .conftest import ADMIN, World, client_of, served


@pytest.fixture
async def sf(world: World, tmp_path: Path) -> AsyncIterator[Salesforce]:
    """A client with the administrator's token, against the same org on a TLS port."""
    http = await client_of(world, ADMIN)
    await http.aclose()
    pem, key = server_files(tmp_path)
    port = free_ports()
    async with served(world.settings, port, ssl_certfile=pem, ssl_keyfile=key):
        session = requests.Session()
        session.verify = str(pem)
        session.trust_env = False
        yield Salesforce(
            instance_url=f"https://localhost:{port}",
            session_id=world.tokens[ADMIN]["access_token"],
            session=session,
            version="59.0",
        )
        session.close()


async def test_an_outside_client_works_unmodified(sf: Any) -> None:
    def work() -> None:
        made = sf.Contact.create({"LastName": "Outside", "FirstName": "Sim"})
        assert made["success"] is True
        assert sf.Contact.get(made["id"])["Name"] == "Sim Outside"
        assert sf.Contact.update(made["id"], {"Phone": "1"}) == 204
        found = sf.query("SELECT Id, Phone FROM Contact WHERE LastName = 'Outside'")
        assert found["records"][0]["Phone"] == "1"
        rows = sf.bulk2 and [{"LastName": f"Out{n:04d}"} for n in range(3)]
        for row in rows:
            sf.Contact.create(row)
        assert len(list(sf.query_all_iter("SELECT Id FROM Contact WHERE LastName LIKE 'Out0%'"))) == 3
        assert sf.search("FIND {Outside} RETURNING Contact(Id)")["searchRecords"]
        assert sf.quick_search("Outside")["searchRecords"]
        assert "Contact" in {item["name"] for item in sf.describe()["sobjects"]}
        assert sf.Contact.describe()["keyPrefix"] == "003"
        assert sf.limits()["DailyApiRequests"]["Max"] > 0
        assert sf.api_usage["api-usage"].used > 0
        deleted = sf.Contact.delete(made["id"])
        assert deleted == 204
        with pytest.raises(SalesforceResourceNotFound):
            sf.Contact.get(made["id"])
        with pytest.raises(SalesforceMalformedRequest):
            sf.query("SELECT Nope FROM Contact")

    await asyncio.to_thread(work)
