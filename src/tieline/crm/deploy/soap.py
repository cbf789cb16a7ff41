"""The Metadata API over SOAP: what the org has, into it and out of it again."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]

from ..errors import Fault
from ..rest import Call
from ..soap.door import Part, operation
from ..soap.xml_values import INSTANCE, Given
from . import jobs, retrieve
from .archive import NAMESPACE, Node
from .kinds import KINDS

MAX_QUERIES = 3
MAX_READ = 10


@operation("describeMetadata", doors="m")
async def describe_metadata(call: Call, asked: Part) -> dict[str, Any]:
    """All types of this org."""
    jobs.require_modify_metadata(call)
    return {"result": retrieve.describe(None)}


@operation("listMetadata", doors="m")
async def list_metadata(call: Call, asked: Part) -> dict[str, Any]:
    """Properties of all components of up to three types."""
    jobs.require_modify_metadata(call)
    queries = asked.all("queries")
    if not 1 <= len(queries) <= MAX_QUERIES:
        raise Fault("EXCEEDED_MAX_TYPES_LIMIT", f"1 to {MAX_QUERIES} queries can be listed at a time")
    found: list[dict[str, Any]] = []
    for query in queries:
        found += await retrieve.list_of(call, (query.value("type") or "").strip(), query.value("folder"))
    return {"result": await retrieve.with_names(call, found)}


@operation("readMetadata", doors="m")
async def read_metadata(call: Call, asked: Part) -> dict[str, Any]:
    """Up to ten components of a type by name; one that is not there is `xsi:nil`."""
    jobs.require_modify_metadata(call)
    kind = KINDS.get((asked.value("type") or "").strip())
    if kind is None:
        raise Fault("INVALID_TYPE", f"Unknown type:{(asked.value('type') or '')[:60]}")
    names = [(part.text or "").strip() for part in asked.all("fullNames")]
    if len(names) > MAX_READ:
        raise Fault("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MAX_READ} records")
    records: list[Any] = []
    for name in names:
        node = await retrieve.whole_node(call.conn, call.catalogue.whole, kind, name)
        if node is None:
            records.append(None)
            continue
        records.append(
            Given(lambda element, n=retrieve.with_full_name(node, name), k=kind.name: _fill(element, n, k))
        )
    return {"result": {"records": records}}


def _fill(element: Any, node: Node, type_name: str | None = None) -> None:
    """Gives an element the content of a node."""
    kind = type_name or node.type
    if kind:
        element.set(f"{{{INSTANCE}}}type", kind)
    if node.nil:
        element.set(f"{{{INSTANCE}}}nil", "true")
    for child in node.children:
        _fill(etree.SubElement(element, f"{NAMESPACE}{child.tag}"), child)
    if not node.children:
        element.text = node.text


@operation("deploy", doors="m")
async def deploy(call: Call, asked: Part) -> dict[str, Any]:
    """Begins a deployment of a zip in base64."""
    try:
        archive = base64.b64decode("".join((asked.need("ZipFile").text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise Fault("INVALID_FILE", "ZipFile is not base64") from None
    given = asked.one("DeployOptions")
    options: dict[str, Any] = {}
    for part in given.parts if given else ():
        if part.name != "runTests":
            options[part.name] = part.text
    if given:
        options["runTests"] = [part.text or "" for part in given.all("runTests")]
    result = await jobs.start(call, archive, options)
    return {"result": {"done": False, "id": result["id"], "state": "Queued"}}


@operation("checkDeployStatus", doors="m")
async def check_deploy_status(call: Call, asked: Part) -> dict[str, Any]:
    """How far a deployment is, and what became of its components."""
    result = await jobs.status(call, (asked.value("asyncProcessId") or "").strip())
    shown = {name: content for name, content in result.items() if name not in ("options", "details")}
    if asked.flag("includeDetails"):
        details: dict[str, Any] = result["details"]
        shown["details"] = {
            name: [_told(row) for row in content] if isinstance(content, list) else content  # pyright: ignore[reportUnknownVariableType]
            for name, content in details.items()
        }
    return {"result": shown}


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """A component's row without the elements that are nothing."""
    return {name: content for name, content in row.items() if content is not None}


@operation("cancelDeploy", doors="m")
async def cancel_deploy(call: Call, asked: Part) -> dict[str, Any]:
    """Asks a deployment to stop."""
    text = asked.value("String") or asked.value("asyncProcessId") or asked.value("id") or ""
    result = await jobs.cancel(call, text.strip())
    return {"result": {"done": bool(result["done"]), "id": result["id"]}}


@operation("retrieve", doors="m")
async def begin_retrieve(call: Call, asked: Part) -> dict[str, Any]:
    """Retrieves components: what a manifest names."""
    # The element's name is retrieveRequest; clients that say request are understood as well.
    request = asked.one("request") or asked.need("retrieveRequest")
    if request.all("packageNames") and any((part.text or "").strip() for part in request.all("packageNames")):
        raise Fault("INVALID_PACKAGE_NAME", "No package named: only unpackaged components can be retrieved")
    asked_for: dict[str, list[str]] = {}
    unpackaged = request.one("unpackaged")
    for types in unpackaged.all("types") if unpackaged else ():
        name = (types.value("name") or "").strip()
        asked_for.setdefault(name, []).extend((part.text or "").strip() for part in types.all("members"))
    result = await retrieve.retrieve(call, asked_for, call.version)
    return {"result": {"done": False, "id": result["id"], "state": "Queued"}}


@operation("checkRetrieveStatus", doors="m")
async def check_retrieve_status(call: Call, asked: Part) -> dict[str, Any]:
    """A retrieval's result with its archive."""
    result, archive = await retrieve.retrieved(call, (asked.value("asyncProcessId") or "").strip())
    shown = dict(result)
    if asked.flag("includeZip", True):
        shown["zipFile"] = base64.b64encode(archive).decode()
    return {"result": shown}
