"""An org that tells of changes to accounts, contacts, tasks, users and an object of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from tests.ports import free_ports

from tieline.db.embedded import EmbeddedPostgres

from ..conftest import ADMIN, AGENT, World, a_world, client_of, served
from ..package_files import archive, manifest, text_field
from ..test_deploy import deploy
from ..test_rest import DATA

SELECTED = (
    "AccountChangeEvent",
    "ContactChangeEvent",
    "TaskChangeEvent",
    "UserChangeEvent",
    "Box__ChangeEvent",
)
NS = "http://soap.sforce.com/2006/04/metadata"


def long_text(name: str) -> str:
    return (
        f"<fields><fullName>{name}</fullName><label>L</label><type>LongTextArea</type><length>131072</length>"
        "<visibleLines>3</visibleLines></fields>"
    )


BOX = f"""<CustomObject xmlns="{NS}"><label>Box</label><pluralLabel>Boxes</pluralLabel><deploymentStatus>Deployed
</deploymentStatus><sharingModel>ReadWrite</sharingModel><nameField><label>Name</label><type>Text</type></nameField>
{text_field("Colour__c")}<fields><fullName>Weight__c</fullName><label>W</label><type>Number</type><precision>8</precision>
<scale>2</scale></fields>{"".join(long_text(f"Long{n}__c") for n in ("", 2, 3))}</CustomObject>"""
ALARM = f"""<CustomObject xmlns="{NS}"><label>Alarm</label><pluralLabel>Alarms</pluralLabel><eventType>HighVolume</eventType>
<publishBehavior>PublishAfterCommit</publishBehavior>{text_field("Place__c")}
<fields><fullName>Loud__c</fullName><label>Loud</label><type>Checkbox</type><defaultValue>false</defaultValue></fields>
<fields><fullName>At__c</fullName><label>At</label><type>DateTime</type></fields></CustomObject>"""


@pytest.fixture(scope="session")
async def telling(postgres: EmbeddedPostgres, web_dist: Path) -> AsyncIterator[World]:
    """The org, with a platform event `Alarm__e`; the Pub/Sub API is served in clear."""
    async with a_world(postgres, web_dist, "crm_events", pubsub_port=free_ports()) as world:
        http = await client_of(world, ADMIN)
        files: dict[str, str | bytes] = {
            "package.xml": manifest(CustomObject=["Box__c", "Alarm__e"]),
            "objects/Box__c.object": BOX,
            "objects/Alarm__e.object": ALARM,
        }
        result = await deploy(http, archive(files))
        assert result["success"], result["details"]["componentFailures"]
        for entity in SELECTED:
            about = {"eventChannel": "ChangeEvents", "selectedEntity": entity}
            answer = await http.post(
                f"{DATA}/tooling/sobjects/PlatformEventChannelMember",
                json={"FullName": f"ChangeEvents_{entity.replace('__', '_')}", "Metadata": about},
            )
            assert answer.status_code == 201, answer.text
        await http.aclose()
        yield world


@pytest.fixture(scope="session")
async def quiet(postgres: EmbeddedPostgres, web_dist: Path) -> AsyncIterator[World]:
    """Another org, which tells little of one transaction."""
    async with a_world(postgres, web_dist, "crm_quiet", change_events_per_transaction=10) as world:
        yield world


@pytest.fixture
async def teller(telling: World) -> AsyncIterator[httpx2.AsyncClient]:
    """The administrator's client."""
    http = await client_of(telling, ADMIN)
    yield http
    await http.aclose()


@pytest.fixture
async def listener(telling: World) -> AsyncIterator[httpx2.AsyncClient]:
    """An agent's client."""
    http = await client_of(telling, AGENT)
    yield http
    await http.aclose()


@pytest.fixture
async def small(telling: World) -> AsyncIterator[World]:
    """The same org, served by a process with small limits."""
    port = free_ports()
    settings = replace(telling.settings, pubsub_port=None, long_poll_s=0.4, cometd_clients=2)
    async with served(settings, port):
        yield replace(telling, port=port, settings=settings)
