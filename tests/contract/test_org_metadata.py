"""The Metadata API as clients of others know it: jsforce over SOAP and REST, simple-salesforce over TLS."""

from __future__ import annotations

import asyncio
import base64
import io
import zipfile
from time import monotonic
from typing import Any

import pytest
from tests.contract.test_org_bulk_and_events import node
from tests.contract.test_org_clients import Served, client_of, needs_node, served
from tests.integration.crm.metadata_samples import document
from tests.integration.crm.package_files import archive, manifest

assert served  # the fixture


def package(name: str, inner: str) -> bytes:
    """A package of one tab."""
    content: dict[str, str | bytes] = {
        "package.xml": manifest(CustomTab=[name]),
        f"tabs/{name}.tab": document("CustomTab", inner),
    }
    return archive(content)


GOOD = "<label>{}</label><url>https://a.example</url>"
BAD = "<label>Bad</label>\n<lwcComponent>ghost</lwcComponent>"


@needs_node
async def test_jsforce_deploys_lists_and_retrieves(served: Served) -> None:
    packages = {"GOOD": package("Js_Tab", GOOD.format("Js")), "BAD": package("Js_Bad", BAD)}
    given = {name: base64.b64encode(content).decode() for name, content in packages.items()}
    seen = await node(served, "jsforce_metadata.mjs", ORG_URL=f"https://localhost:{served.tls_port}", **given)
    (failure,) = seen.pop("failures")
    assert failure[:3] == ["Js_Bad", "Error", 2]
    assert "no LightningComponentBundle named ghost" in failure[3]
    assert seen == {
        "described": ["tabs", "tab", False, False, True],
        "children": True,
        "tried": ["Succeeded", True, True, 0],
        "left": [],
        "deployed": ["Succeeded", True, False, 0],
        "parts": [["CustomTab", "Js_Tab", True]],
        "refused": ["Failed", False, False, 1],
        "rest": ["Succeeded", True, False, 0],
        "listed": ["Js_Tab"],
        "read": "Js",
        "retrieved": ["Succeeded", True, ["unpackaged/tabs/Js_Tab.tab"]],
        "zip": "PK",
        "wrong": "sf:INVALID_FILE",
    }


async def test_simple_salesforce_deploys_and_retrieves(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its flags are written `True` and `False`, as Python writes them."""

    # Its zeep has a session of its own, which is told whom to trust by this alone.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(served.authority))

    def work() -> None:
        sf = client_of(served)

        def deploy(content: bytes, **options: Any) -> dict[str, Any]:
            asked = sf.deploy(io.BytesIO(content), sandbox=False, **options)
            assert asked["state"] == "Queued"
            until = monotonic() + 60
            while (told := sf.checkDeployStatus(asked["asyncId"]))["state"] in ("Pending", "InProgress"):
                assert monotonic() < until, told
            return told

        def tabs() -> set[str]:
            found = sf.toolingexecute("query", params={"q": "SELECT FullName FROM CustomTab"})
            return {row["FullName"] for row in found["records"]}

        good = package("Sim_Tab", GOOD.format("Sim"))
        tried = deploy(good, checkOnly=True)
        assert (tried["state"], tried["deployment_detail"]["failed_count"]) == ("Succeeded", "0")
        assert "Sim_Tab" not in tabs()
        assert deploy(good)["state"] == "Succeeded"
        assert "Sim_Tab" in tabs()
        refused = deploy(package("Sim_Bad", BAD))
        (error,) = refused["deployment_detail"]["errors"]
        assert (refused["state"], error["type"], error["status"]) == ("Failed", "CustomTab", "Error")
        assert "no LightningComponentBundle named ghost" in error["message"]
        assert "Sim_Bad" not in tabs()
        retrieval, state = sf.mdapi.retrieve("", unpackaged={"CustomTab": ["Sim_Tab"]})
        assert state == "Queued"
        state, message, problems, content = sf.mdapi.retrieve_zip(retrieval)
        assert (state, message, problems) == ("Succeeded", None, [])
        with zipfile.ZipFile(io.BytesIO(content)) as found:
            assert "<label>Sim</label>" in found.read("unpackaged/tabs/Sim_Tab.tab").decode()
        assert "CustomTab" in {kind.xmlName for kind in sf.mdapi.describe_metadata().metadataObjects}
        listed = sf.mdapi.list_metadata([{"type": "CustomTab"}])
        assert "Sim_Tab" in {row.fullName for row in listed}
        assert sf.mdapi.CustomTab.read("Sim_Tab").label == "Sim"

    await asyncio.to_thread(work)
