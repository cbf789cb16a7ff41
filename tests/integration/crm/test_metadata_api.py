"""Deployments as programs run them: SOAP and REST, beside the requests, stopped, killed, partial, hostile."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Callable

import httpx2
import pytest

from .conftest import ADMIN, World, client_of
from .metadata_samples import document
from .package_files import SESSION, archive, manifest, text_field
from .test_deploy import deploy, outcome
from .test_metadata_types import METADATA, soap
from .test_rest import DATA, error
from .test_soap import envelope, value


def tab(label: str = "A") -> dict[str, str | bytes]:
    text = document("CustomTab", f"<label>{label}</label><url>https://a.example</url>")
    return {"package.xml": manifest(CustomTab=["A"]), "tabs/A.tab": text}


def many(count: int, name: str = "Wide__c") -> bytes:
    """A custom object with many fields."""
    fields = "".join(text_field(f"F{number}__c", length=40) for number in range(count))
    text = SESSION.replace(">Sessions<", f">{name[:-3]}s<").replace("<fields>", fields + "<fields>", 1)
    return archive({"package.xml": manifest(CustomObject=[name]), f"objects/{name}.object": text})


async def begin(http: httpx2.AsyncClient, raw: bytes, **options: object) -> str:
    parts = {
        "json": (None, json.dumps({"deployOptions": options}), "application/json"),
        "file": ("package.zip", raw, "application/zip"),
    }
    answer = await http.post(f"{DATA}/metadata/deployRequest", files=parts)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_soap_deploys_and_tells_of_each_component(admin: httpx2.AsyncClient) -> None:
    zipped = base64.b64encode(archive(tab())).decode()
    options = "<rollbackOnError>true</rollbackOnError><singlePackage>true</singlePackage>"
    begun = await soap(
        admin, f"<deploy><ZipFile>{zipped}</ZipFile><DeployOptions>{options}</DeployOptions></deploy>"
    )
    assert (value(begun.text, "done"), value(begun.text, "state")) == ("false", "Queued")
    deployment = value(begun.text, "id")
    await outcome(admin, deployment)
    asked = f"<asyncProcessId>{deployment}</asyncProcessId><includeDetails>true</includeDetails>"
    status = await soap(admin, f"<checkDeployStatus>{asked}</checkDeployStatus>")
    assert (value(status.text, "status"), value(status.text, "componentType")) == ("Succeeded", "CustomTab")
    assert value(status.text, "fileName") == "tabs/A.tab"
    short = await soap(
        admin, f"<checkDeployStatus><asyncProcessId>{deployment}</asyncProcessId></checkDeployStatus>"
    )
    assert "<details>" not in short.text
    unknown = await soap(
        admin, "<checkDeployStatus><asyncProcessId>0Af000000000000AAA</asyncProcessId></checkDeployStatus>"
    )
    assert unknown.status_code == 500


async def test_without_rollback_what_is_right_stays(admin: httpx2.AsyncClient) -> None:
    files = tab("Kept") | {
        "package.xml": manifest(CustomTab=["A", "B"]),
        "tabs/B.tab": document("CustomTab", "<label>B</label><lwcComponent>ghost</lwcComponent>"),
    }
    result = await deploy(admin, archive(files), rollbackOnError=False)
    assert (result["status"], result["success"]) == ("SucceededPartial", False)
    assert (result["numberComponentsDeployed"], result["numberComponentErrors"]) == (1, 1)
    listed = await soap(admin, "<listMetadata><queries><type>CustomTab</type></queries></listMetadata>")
    assert "<fullName>A</fullName>" in listed.text
    assert "<fullName>B</fullName>" not in listed.text


async def test_a_deployment_is_stopped_and_leaves_nothing(admin: httpx2.AsyncClient, world: World) -> None:
    deployment = await begin(admin, many(300, "Stopped__c"))
    asked = await admin.patch(
        f"{DATA}/metadata/deployRequest/{deployment}", json={"deployResult": {"status": "Canceling"}}
    )
    assert (asked.status_code, asked.json()["deployResult"]["status"]) == (202, "Canceling")
    result = await outcome(admin, deployment)
    assert (result["status"], result["done"], result["success"]) == ("Canceled", True, False)
    assert error(await admin.get(f"{DATA}/sobjects/Stopped__c")) == (404, "NOT_FOUND")
    again = await soap(admin, f"<cancelDeploy><String>{deployment}</String></cancelDeploy>")
    assert value(again.text, "done") == "true"
    wrong = await admin.patch(f"{DATA}/metadata/deployRequest/{deployment}", json={"deployResult": {}})
    assert error(wrong) == (400, "INVALID_INPUT")


async def test_a_deployment_that_dies_with_its_process_is_told_as_failed(world: World) -> None:
    admin = await client_of(world, ADMIN)
    conn = await world.database()
    held = conn.transaction()
    await held.start()
    await conn.execute("SELECT pg_advisory_xact_lock(1684369516)")  # another deployment is at work
    deployment = await begin(admin, archive(tab("Dead")))
    first = await admin.get(f"{DATA}/metadata/deployRequest/{deployment}")
    assert first.json()["deployResult"]["done"] is False
    await conn.execute(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l WHERE l.locktype = 'advisory' AND NOT l.granted"
        " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    result = await outcome(admin, deployment)
    assert (result["status"], result["done"]) == ("Failed", True)
    assert "nothing of it was kept" in result["errorMessage"]
    await held.rollback()
    assert (await deploy(admin, archive(tab("Alive"))))["success"]
    await conn.close()
    await admin.aclose()


async def test_deployments_wait_for_each_other(admin: httpx2.AsyncClient) -> None:
    begun = [await begin(admin, archive(tab(f"T{number}"))) for number in range(4)]
    results = [await outcome(admin, deployment) for deployment in begun]
    assert [result["status"] for result in results] == ["Succeeded"] * 4


async def test_too_many_waiting_deployments_are_refused(admin: httpx2.AsyncClient, world: World) -> None:
    conn = await world.database()
    held = conn.transaction()
    await held.start()
    await conn.execute("SELECT pg_advisory_xact_lock(1684369516)")
    begun = [await begin(admin, archive(tab(f"W{number}"))) for number in range(10)]
    refused = await admin.post(f"{DATA}/metadata/deployRequest", files={"file": ("p.zip", archive(tab()))})
    assert error(refused) == (503, "LIMIT_EXCEEDED")
    await held.rollback()
    await conn.close()
    for deployment in begun:
        assert (await outcome(admin, deployment))["success"]


# -- hostile input -------------------------------------------------------------------------------------------


def _bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for number in range(100):
            target.writestr(f"classes/C{number}.cls", b" " * 4_000_000)
    return out.getvalue()


def _lying() -> bytes:
    """A zip whose directory says that a large file is small."""
    raw = bytearray(archive({"package.xml": b"<a/>" + b" " * 3_000_000}))
    size = (3_000_004).to_bytes(4, "little")
    return bytes(raw.replace(size, (4).to_bytes(4, "little")))


def _crowd() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        for number in range(10_001):
            target.writestr(f"classes/C{number}.cls", b"")
    return out.getvalue()


def _deep() -> bytes:
    return archive({"package.xml": manifest(), "/".join(["a"] * 100) + "/x.cls": "x"})


def _utf16() -> bytes:
    return archive(
        {
            "package.xml": manifest()
            .replace('version="1.0"', 'version="1.0" encoding="UTF-16"')
            .encode("utf-16")
        }
    )


def _doctype() -> bytes:
    laughs = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    return archive({"package.xml": laughs + manifest()[21:]})


def _twice() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as target:
        target.writestr("package.xml", manifest())
        with pytest.warns(UserWarning, match="Duplicate"):
            target.writestr("package.xml", manifest())
    return out.getvalue()


def _symlink_up() -> bytes:
    return archive({"package.xml": manifest(), "tabs/../../etc/passwd": "x"})


HOSTILE: list[tuple[Callable[[], bytes], str, str]] = [
    (_bomb, "LIMIT_EXCEEDED", "larger than 100 MB"),
    (_lying, "INVALID_FILE", "not a readable zip"),
    (_crowd, "LIMIT_EXCEEDED", "number of files"),
    (_deep, "INVALID_FILE", "too long or too deep"),
    (_utf16, "INVALID_FILE", "must be UTF-8"),
    (_doctype, "INVALID_FILE", "DOCTYPE"),
    (_twice, "INVALID_FILE", "twice"),
    (_symlink_up, "INVALID_FILE", "not allowed"),
    (lambda: b"PK\x03\x04 nothing", "INVALID_FILE", "not a readable zip"),
]


@pytest.mark.parametrize(("make", "code", "message"), HOSTILE, ids=[item[0].__name__ for item in HOSTILE])
async def test_a_hostile_archive_is_refused_at_once_and_leaves_no_trace(
    admin: httpx2.AsyncClient, world: World, make: Callable[[], bytes], code: str, message: str
) -> None:
    raw = make()
    conn = await world.database()
    before = await conn.fetchval("SELECT count(*) FROM meta.deployment")
    refused = await admin.post(f"{DATA}/metadata/deployRequest", files={"file": ("p.zip", raw)})
    assert error(refused) == (400, code)
    assert message in refused.json()[0]["message"]
    body = f"<deploy><ZipFile>{base64.b64encode(raw).decode()}</ZipFile></deploy>"
    over_soap = await soap(admin, body)
    assert (over_soap.status_code, value(over_soap.text, "exceptionCode")) == (500, code)
    assert await conn.fetchval("SELECT count(*) FROM meta.deployment") == before
    await conn.close()


async def test_a_component_with_too_many_elements_is_named(admin: httpx2.AsyncClient) -> None:
    text = document("CustomTab", "<a/>" * 400_001)
    result = await deploy(admin, archive({"package.xml": manifest(CustomTab=["A"]), "tabs/A.tab": text}))
    assert "elements" in result["details"]["componentFailures"][0]["problem"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<deploy><ZipFile>%%%</ZipFile></deploy>", "not base64"),
        ("<deploy/>", "needs the element ZipFile"),
        ("<retrieve/>", "needs the element retrieveRequest"),
        ("<fly/>", "No operation available"),
        ("<listMetadata/>", "queries can be listed"),
    ],
)
async def test_a_wrong_request_is_told_what_it_lacks(
    admin: httpx2.AsyncClient, text: str, message: str
) -> None:
    answer = await soap(admin, text)
    assert answer.status_code == 500
    assert message in answer.text


async def test_entities_do_not_grow_in_an_envelope(admin: httpx2.AsyncClient) -> None:
    laughs = '<!DOCTYPE a [<!ENTITY a "hahahaha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    text = envelope("<describeMetadata/>", "x", METADATA)
    declaration = '<?xml version="1.0"?>'
    for raw in (
        text.replace(declaration, declaration + laughs).encode(),
        text.replace(declaration, '<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"),
        text.replace(declaration, '<?xml version="1.0" encoding="UTF-7"?>').encode("utf-7"),
    ):
        answer = await admin.post("/services/Soap/m/66.0", content=raw, headers={"Content-Type": "text/xml"})
        assert (answer.status_code, value(answer.text, "faultcode")) == (500, "soapenv:Client")
