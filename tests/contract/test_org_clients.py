"""Clients of others, unmodified, against the embedded org: simple-salesforce over TLS, jsforce both ways.

One org for the module, started as anybody starts one: `tieline crm`, with its own PostgreSQL and certificates.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceResourceNotFound,
)
from tests.ports import free_ports

from tieline.children import dies_with_parent

pytestmark = pytest.mark.timeout(400)
"""Two orgs are made first, which a busy machine takes its time for."""
ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "docs" / "guide" / name for name in ("local-org.md", "change-events.md")]
JSFORCE = ROOT / "tests" / "clients" / "node_modules" / "jsforce"
needs_node = pytest.mark.skipif(
    "CI" not in os.environ and (not JSFORCE.exists() or shutil.which("node") is None),
    reason="`scripts/setup clients` has not been run; `make test` does that, and in CI nothing is skipped",
)


@dataclass(frozen=True)
class Served:
    """A running org: its addresses, its authority, and how its own commands find it."""

    port: int
    tls_port: int
    data: Path
    token: str
    pubsub_port: int

    @property
    def authority(self) -> Path:
        return self.data / "org" / "tls" / "ca.pem"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TIELINE_")}
        return {
            **kept,
            "TIELINE_DATA_DIR": str(self.data),
            "REQUESTS_CA_BUNDLE": str(self.authority),
            "NODE_EXTRA_CA_CERTS": str(self.authority),
            "PATH": f"{Path(sys.executable).parent}:{kept.get('PATH', '')}",
        }


@pytest.fixture(scope="module")
async def served(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    data, port = tmp_path_factory.mktemp("data"), free_ports(3)
    served = Served(port, port + 1, data, "", port + 2)
    log = (data / "log").open("wb")
    process = await asyncio.create_subprocess_exec(
        *(
            sys.executable,
            "-m",
            "tieline",
            "crm",
            "--listen",
            f"127.0.0.1:{port}",
            "--tls-port",
            str(port + 1),
            *("--org", "acme", "--org", "beta"),
            "--pubsub-port",
            str(port + 2),
        ),
        env=served.environment(),
        cwd=data,
        stdout=log,
        stderr=log,
        preexec_fn=dies_with_parent(signal.SIGTERM),
    )
    async with asyncio.timeout(300), httpx2.AsyncClient() as http:
        while "Ctrl-C" not in (data / "log").read_text():
            assert process.returncode is None, (data / "log").read_text()
            await asyncio.sleep(0.1)
        assert (await http.get(f"http://127.0.0.1:{port}/health")).status_code == 200
    asked = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tieline", "crm", "token", env=served.environment(), stdout=subprocess.PIPE
    )
    token = (await asked.communicate())[0].decode().strip()
    yield Served(port, port + 1, data, token, port + 2)
    process.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(process.wait(), 30) == 0
    log.close()


def client_of(served: Served) -> Any:
    session = requests.Session()
    session.trust_env = False
    session.verify = str(served.authority)
    return Salesforce(
        instance_url=f"https://localhost:{served.tls_port}",
        session_id=served.token,
        session=session,
        version="59.0",
    )


async def test_simple_salesforce_works_over_tls(served: Served) -> None:
    def work() -> None:
        sf = client_of(served)
        made = sf.Contact.create({"LastName": "Outside", "FirstName": "Sim"})
        assert made["success"] is True
        assert sf.Contact.get(made["id"])["Name"] == "Sim Outside"
        assert sf.Contact.get_by_custom_id("Id", made["id"])["Id"] == made["id"]
        assert sf.Contact.update(made["id"], {"Phone": "1"}) == 204
        assert sf.Contact.upsert(f"Id/{made['id']}", {"Title": "Up"}) == 200
        rows = [{"LastName": "Many", "FirstName": f"{n:03d}"} for n in range(450)]
        for start in range(0, 450, 200):
            chunk = [row | {"attributes": {"type": "Contact"}} for row in rows[start : start + 200]]
            answer = sf.restful("composite/sobjects", method="POST", json={"records": chunk})
            assert all(row["success"] for row in answer)
        text = "SELECT Id, FirstName FROM Contact WHERE LastName = 'Many'"
        small = {"Sforce-Query-Options": "batchSize=200"}
        first = sf.query(text, headers=small)
        assert (first["totalSize"], len(first["records"]), first["done"]) == (450, 200, False)
        second = sf.query_more(first["nextRecordsUrl"], identifier_is_url=True)
        assert len(second["records"]) in (200, 250)
        assert len(list(sf.query_all_iter(text, headers=small))) == 450
        assert sf.query_all(text)["totalSize"] == 450
        assert sf.Contact.delete(sf.query(text)["records"][0]["Id"]) == 204
        assert sf.query_all(text, include_deleted=True)["totalSize"] == 450
        assert sf.query_all(text)["totalSize"] == 449
        assert sf.search("FIND {Outside} RETURNING Contact(Id)")["searchRecords"]
        assert sf.quick_search("Outside")["searchRecords"]
        entries = [
            {
                "method": "GET",
                "url": f"/services/data/v59.0/sobjects/Contact/{made['id']}",
                "referenceId": "a",
            },
            {"method": "GET", "url": "/services/data/v59.0/sobjects/Contact/@{a.Id}", "referenceId": "b"},
        ]
        parts = sf.restful("composite", method="POST", json={"compositeRequest": entries})
        assert parts["compositeResponse"][1]["body"]["Title"] == "Up"
        assert "Contact" in {item["name"] for item in sf.describe()["sobjects"]}
        assert sf.Contact.describe()["keyPrefix"] == "003"
        assert sf.Contact.metadata()["objectDescribe"]["name"] == "Contact"
        assert sf.Contact.describe_layout("012000000000000AAA")["detailLayoutSections"]
        assert sf.limits()["DailyApiRequests"]["Max"] > 0
        assert sf.api_usage["api-usage"].used > 0
        assert sf.is_sandbox() is False
        assert sf.Contact.delete(made["id"]) == 204
        with pytest.raises(SalesforceResourceNotFound):
            sf.Contact.get(made["id"])
        with pytest.raises(SalesforceMalformedRequest):
            sf.query("SELECT Nope FROM Contact")
        with pytest.raises(SalesforceGeneralError):
            sf.restful("limits", method="PUT")

    await asyncio.to_thread(work)


@needs_node
@pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])
async def test_jsforce_works(served: Served, secure: bool) -> None:
    url = f"https://localhost:{served.tls_port}" if secure else f"http://localhost:{served.port}"
    process = await asyncio.create_subprocess_exec(
        "node",
        str(ROOT / "tests" / "clients" / "jsforce_org.mjs"),
        env={**served.environment(), "ORG_URL": url, "ORG_TOKEN": served.token, "VERSION": "64.0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    told, wrong = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 0, wrong.decode()[-2000:]
    assert json.loads(told) == {
        "made": True,
        "read": json.loads(told)["read"],
        "changed": True,
        "many": 450,
        "total": 451,
        "page": 200,
        "more": True,
        "found": 451,
        "upserted": True,
        "updated": True,
        "rows": [True, False],
        "code": "REQUIRED_FIELD_MISSING",
        "search": True,
        "composite": "Upserted",
        "describe": "003",
        "global": True,
        "limits": True,
        "counted": True,
        "identity": "admin@acme.example",
        "recent": True,
        "replicated": True,
        "destroyed": 200,
        "missing": "NOT_FOUND",
        "refused": "INVALID_FIELD",
        "deleted": 201,
    }


async def test_orgs_beside_each_other_are_reached_by_token_and_by_host(served: Served) -> None:
    asked = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tieline", "crm", "token", "--org", "beta"),
        env=served.environment(),
        stdout=subprocess.PIPE,
    )
    beta = (await asked.communicate())[0].decode().strip()
    query = {"q": "SELECT Name FROM Organization"}
    async with httpx2.AsyncClient(base_url=f"http://localhost:{served.port}") as http:
        for token, name in ((served.token, "acme"), (beta, "beta")):
            headers = {"Authorization": f"Bearer {token}"}
            found = await http.get("/services/data/v64.0/query", params=query, headers=headers)
            assert found.json()["records"][0]["Name"] == name.title()
            other = {"acme": "beta", "beta": "acme"}[name]
            headers["Host"] = f"{other}.my.localhost:{served.port}"
            refused = await http.get("/services/data/v64.0/query", params=query, headers=headers)
            assert refused.status_code == 401


@needs_node
async def test_jsforce_s_soap_works(served: Served) -> None:
    process = await asyncio.create_subprocess_exec(
        "node",
        str(ROOT / "tests" / "clients" / "jsforce_soap.mjs"),
        env={
            **served.environment(),
            "ORG_URL": f"http://localhost:{served.port}",
            "ORG_TOKEN": served.token,
            "VERSION": "64.0",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    told, wrong = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 0, wrong.decode()[-2000:]
    assert json.loads(told) == {
        "made": [True, True, False],
        "code": "REQUIRED_FIELD_MISSING",
        "changed": True,
        "upserted": False,
        "merged": True,
        "after": ["Chief", True],
        "deleted": True,
        "back": True,
        "emptied": True,
        "gone": "UNDELETE_FAILED",
        "user": "admin@acme.example",
        "time": True,
    }


def blocks(language: str) -> list[str]:
    """The guides' code blocks of a language that stand alone."""
    text = "\n".join(guide.read_text("utf-8") for guide in GUIDES)
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.timeout(400)  # a dozen programs start
async def test_the_guide_s_examples_run_as_they_stand(served: Served, tmp_path: Path) -> None:
    """Ports are the only thing that is changed."""

    def here(text: str) -> str:
        return text.replace("8443", str(served.tls_port)).replace("8401", str(served.port))

    async def run(*command: str) -> None:
        process = await asyncio.create_subprocess_exec(
            *command, env=served.environment(), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        told, _ = await asyncio.wait_for(process.communicate(), 60)
        assert process.returncode == 0, f"{command}: {told.decode()[-2000:]}"

    shell, python, node = blocks("sh"), blocks("python"), blocks("js")
    assert len(shell) >= 3
    assert len(python) >= 2
    assert len(node) >= 1
    for text in shell:
        await run("bash", "-euc", here(text))
    for text in python:
        await run(sys.executable, "-c", here(text))
    if JSFORCE.exists() and shutil.which("node"):
        (tmp_path / "node_modules").symlink_to(JSFORCE.parent)
        for number, text in enumerate(node):
            script = tmp_path / f"guide{number}.mjs"
            script.write_text(here(text))
            await run("node", str(script))
