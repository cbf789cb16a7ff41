"""The org's process dies in the middle of a deployment: nothing of it is left, and whoever asks is told so."""

from __future__ import annotations

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import pytest
from tests.integration.crm.package_files import SESSION, archive, manifest, text_field
from tests.integration.crm.test_deploy import deploy, outcome
from tests.integration.crm.test_metadata_api import begin
from tests.integration.crm.test_rest import DATA, error
from tests.lone_org import LoneOrg, lone_org

from tieline.local_org import reached

pytestmark = pytest.mark.timeout(300)

OBJECTS = ["Killed1__c", "Killed2__c"]
FIELDS = 150


def package() -> bytes:
    """Objects with so many fields that their deployment takes a while."""
    fields = "".join(text_field(f"F{number}__c", length=40) for number in range(FIELDS))
    text = SESSION.replace("<fields>", fields + "<fields>", 1)
    return archive(
        {
            "package.xml": manifest(CustomObject=OBJECTS),
            **{f"objects/{name}.object": text.replace(">Sessions<", f">{name[:-3]}s<") for name in OBJECTS},
        }
    )


async def api(org: LoneOrg, token: str) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(base_url=org.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)


async def half_done(http: httpx2.AsyncClient, deployment: str) -> dict[str, Any]:
    """Waits until some of the deployment's components stand in its transaction, and others do not."""
    async with asyncio.timeout(60):
        while True:
            asked = await http.get(f"{DATA}/metadata/deployRequest/{deployment}")
            result: dict[str, Any] = asked.json()["deployResult"]
            assert not result["done"], result
            if result["numberComponentsDeployed"] > FIELDS:
                return result


async def left_behind(org: LoneOrg) -> list[str]:
    """What a deployment may leave in the org's database: tables, registered objects and fields, components."""
    async with reached(org.environment) as (settings, name):
        conn = await asyncpg.connect(settings.database_url)
        database = await conn.fetchval("SELECT database_name FROM crm_org WHERE name = $1", name)
        await conn.close()
        conn = await asyncpg.connect(settings.database_url, database=database)
        try:
            rows = await conn.fetch(
                "SELECT 'table ' || relname AS what FROM pg_class WHERE relname LIKE 'Killed%'"
                " UNION ALL SELECT 'object ' || name FROM meta.object WHERE name LIKE 'Killed%'"
                " UNION ALL SELECT 'field ' || name FROM meta.field WHERE object_name LIKE 'Killed%'"
                " UNION ALL SELECT 'component ' || full_name FROM meta.component WHERE full_name LIKE 'Killed%'"
            )
        finally:
            await conn.close()
    return [row["what"] for row in rows]


async def test_a_killed_org_leaves_nothing_of_a_deployment_and_tells_that_it_failed(tmp_path: Path) -> None:
    async with lone_org(tmp_path, "--empty") as org:
        token = await org.token()
        async with await api(org, token) as http:
            deployment = await begin(http, package())
            waiting = await begin(http, archive({"package.xml": manifest()}))
            told = await half_done(http, deployment)
            assert told["status"] == "InProgress"
        assert await org.ended(signal.SIGKILL) == -signal.SIGKILL
        await org.start()
        began = time.monotonic()
        async with await api(org, token) as http:
            for dead in (deployment, waiting):
                result = await outcome(http, dead)
                assert (result["status"], result["done"], result["success"]) == ("Failed", True, False)
                assert "nothing of it was kept" in result["errorMessage"]
            assert time.monotonic() - began < 5
            assert await left_behind(org) == []
            for name in OBJECTS:
                assert error(await http.get(f"{DATA}/sobjects/{name}/describe")) == (404, "NOT_FOUND")
            result = await deploy(http, package())
            assert result["success"], result["details"]["componentFailures"]
            described = await http.get(f"{DATA}/sobjects/{OBJECTS[-1]}/describe")
            assert f"F{FIELDS - 1}__c" in {field["name"] for field in described.json()["fields"]}
        assert len(await left_behind(org)) > len(OBJECTS) * FIELDS
