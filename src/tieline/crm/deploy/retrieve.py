"""Out of the org again: components as files, lists of them, and what types there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ..errors import Fault
from ..ids import make_id
from ..metadata import Catalogue
from ..rest import Call
from ..values import format_datetime
from .archive import MANIFEST, Node, in_order, leaf, manifest, overlaid, write_node, zipped
from .components import Stored, all_stored, files_of, names_of, stored
from .jobs import require_modify_metadata
from .kinds import ALL, BY_FOLDER, FOLDER_SHAPES, KINDS, Kind, parts_of
from .naming import namespace_of

MAX_MEMBERS = 10_000
KEPT_HOURS = 24
FOLDER_TYPES: Mapping[str, str] = {f"{name}Folder": name for name in FOLDER_SHAPES}
"""Types that list the folders of another: `ReportFolder`."""


def describe(namespace: str | None) -> dict[str, Any]:
    """The types of this org, as `describeMetadata` tells them."""
    found: list[dict[str, Any]] = []
    for kind in ALL:
        if not kind.folder:
            continue
        row: dict[str, Any] = {
            "childXmlNames": [part.name for part in parts_of(kind.name)],
            "directoryName": kind.folder,
            "inFolder": kind.folders,
            "metaFile": kind.beside,
            "suffix": None if kind.bundle else kind.suffix,
            "xmlName": kind.name,
        }
        found.append({name: content for name, content in row.items() if content is not None})
    return {
        "metadataObjects": found,
        "organizationNamespace": namespace or "",
        "partialSaveAllowed": True,
        "testRequired": False,
    }


# -- lists -------------------------------------------------------------------------------------------------------


async def list_of(call: Call, type_name: str, folder: str | None) -> list[dict[str, Any]]:
    """Properties of all components of a type, as `listMetadata` tells them. INVALID_TYPE for no type of this org."""
    if type_name in FOLDER_TYPES:
        base = KINDS[FOLDER_TYPES[type_name]]
        rows = [row for row in await all_stored(call.conn, base.name) if "/" not in row.name]
        return [_properties(call, base, row.name, row, type_name) for row in rows]
    kind = KINDS.get(type_name)
    if kind is None:
        raise Fault("INVALID_TYPE", f"Unknown type:{type_name[:60]}")
    known = {row.name: row for row in await all_stored(call.conn, kind.name)}
    names = set(known) if kind.names is None else set(await kind.names(call.conn, call.catalogue.whole))
    if kind.folders:
        names = {name for name in names if name.partition("/")[0] == folder and "/" in name}
    return [_properties(call, kind, name, known.get(name), type_name) for name in sorted(names)]


def _file_name(kind: Kind, name: str) -> str:
    if kind.parent == "CustomLabels":
        return "labels/CustomLabels.labels"
    if kind.parent:
        parent = KINDS[kind.parent]
        return f"{parent.folder}/{name.split('.')[0]}.{parent.suffix}"
    return f"{kind.folder}/{name}" if kind.bundle else f"{kind.folder}/{name}.{kind.suffix}"


def _properties(call: Call, kind: Kind, name: str, row: Stored | None, type_name: str) -> dict[str, Any]:
    epoch = "1970-01-01T00:00:00.000Z"

    def when(moment: datetime | None) -> str:
        return format_datetime(moment).replace("+0000", "Z") if moment else epoch

    system = make_id("005", call.org.instance, 0)
    found: dict[str, Any] = {
        "createdById": (row.created_by if row else "") or system,
        "createdByName": "",
        "createdDate": when(row.created_at if row else None),
        "fileName": _file_name(kind, name),
        "fullName": name,
        "id": row.id if row else "",
        "lastModifiedById": (row.changed_by if row else "") or system,
        "lastModifiedByName": "",
        "lastModifiedDate": when(row.changed_at if row else None),
        "manageableState": "installed" if row and row.namespace else "unmanaged",
        "type": type_name,
    }
    prefix = namespace_of(name.rpartition(".")[2])
    return found | {"namespacePrefix": prefix} if prefix else found


async def with_names(call: Call, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The properties with the names of the users whose ids they hold."""
    ids = {row[name] for row in rows for name in ("createdById", "lastModifiedById")}
    users = await call.conn.fetch('SELECT "Id", "Name" FROM data."User" WHERE "Id" = ANY($1)', list(ids))
    known = {user["Id"]: user["Name"] for user in users}
    return [
        row
        | {
            "createdByName": known.get(row["createdById"], "Automated Process"),
            "lastModifiedByName": known.get(row["lastModifiedById"], "Automated Process"),
        }
        for row in rows
    ]


# -- one component ---------------------------------------------------------------------------------------------


async def node_of(conn: Any, catalogue: Catalogue, kind: Kind, name: str) -> Node | None:
    """A component as it is now; an object without its parts."""
    row = await stored(conn, kind.name, name)
    if kind.read is None:
        return row.source if row else None
    live = await kind.read(conn, catalogue, name)
    if live is None:
        return None
    return overlaid(row.source if row else None, live, kind.modelled, kind.root)


async def whole_node(conn: Any, catalogue: Catalogue, kind: Kind, name: str) -> Node | None:
    """A component with the parts that stand in its file."""
    node = await node_of(conn, catalogue, kind, name)
    if node is None and kind.name != "CustomLabels":
        return None
    parts: list[Node] = []
    for part in parts_of(kind.name):
        for part_name in await _names_of_parts(conn, catalogue, part, name):
            found = await node_of(conn, catalogue, part, part_name)
            if found is not None:
                parts.append(found)
    node = node or Node(kind.root)
    return in_order(replace(node, children=[*node.children, *parts]))


async def _names_of_parts(conn: Any, catalogue: Catalogue, part: Kind, parent: str) -> list[str]:
    names = await (part.names(conn, catalogue) if part.names else names_of(conn, part.name))
    if part.parent == "CustomLabels":
        return names
    return [name for name in names if name.startswith(f"{parent}.")]


# -- archives --------------------------------------------------------------------------------------------------


@dataclass
class _Archive:
    """What is being retrieved: files, parts by their file, and what could not be found."""

    call: Call
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    parts: dict[str, list[Node]] = field(default_factory=dict[str, list[Node]])
    members: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    problems: list[dict[str, str]] = field(default_factory=list[dict[str, str]])

    @property
    def catalogue(self) -> Catalogue:
        return self.call.catalogue.whole


async def retrieve(call: Call, asked: Mapping[str, Iterable[str]], version: str) -> dict[str, Any]:
    """Makes an archive of what is asked for, and keeps it for a day; answers its result without the archive."""
    require_modify_metadata(call)
    archive = _Archive(call)
    count = 0
    for type_name, members in asked.items():
        kind = KINDS.get(type_name)
        if kind is None and type_name in FOLDER_TYPES:
            kind = KINDS[FOLDER_TYPES[type_name]]
        if kind is None:
            problem = f"Entity type: '{type_name[:60]}' is unknown"
            archive.problems.append({"fileName": f"unpackaged/{MANIFEST}", "problem": problem})
            continue
        names = [name.removesuffix("/") for name in members]
        count += len(names)
        if count > MAX_MEMBERS:
            raise Fault("LIMIT_EXCEEDED", f"Maximum number of members ({MAX_MEMBERS}) exceeded")
        if "*" in names:
            names = [name for name in names if name != "*"] + await _all_names(archive, kind)
        for name in dict.fromkeys(names):
            await _add(archive, kind, name)
    for file, nodes in archive.parts.items():
        kind = BY_FOLDER[file.partition("/")[0]]
        archive.files[file] = write_node(in_order(Node(kind.root, children=nodes)))
    archive.files[MANIFEST] = write_node(manifest(archive.members, version))
    content = zipped({f"unpackaged/{path}": text for path, text in archive.files.items()})
    number = await call.conn.fetchval("SELECT nextval('meta.record_number')")
    result: dict[str, Any] = {
        "done": True,
        "fileProperties": [
            row | {"fileName": f"unpackaged/{row['fileName']}"}
            for row in await with_names(call, archive.rows)
        ],
        "id": make_id("09S", call.org.instance, number),
        "messages": archive.problems,
        "status": "Succeeded",
        "success": True,
    }
    await call.conn.execute(
        "DELETE FROM meta.retrieval WHERE created_at < now() - make_interval(hours => $1)", KEPT_HOURS
    )
    await call.conn.execute(
        "INSERT INTO meta.retrieval (id, user_id, result, archive) VALUES ($1, $2, $3, $4)",
        result["id"],
        call.caller.user_id,
        result,
        content,
    )
    return result


async def retrieved(call: Call, retrieval_id: str) -> tuple[dict[str, Any], bytes]:
    """A retrieval's result and archive."""
    require_modify_metadata(call)
    row = await call.conn.fetchrow(
        "SELECT result, archive FROM meta.retrieval WHERE (id = $1 OR left(id, 15) = $1) AND user_id = $2",
        retrieval_id,
        call.caller.user_id,
    )
    if row is None:
        raise Fault("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return row["result"], row["archive"]


async def _all_names(archive: _Archive, kind: Kind) -> list[str]:
    conn, catalogue = archive.call.conn, archive.catalogue
    if kind.name == "CustomLabels":
        return ["CustomLabels"]
    names = await (kind.names(conn, catalogue) if kind.names else names_of(conn, kind.name))
    if kind.name == "CustomObject":
        return [name for name in names if catalogue.objects[name].custom]
    return names


async def _add(archive: _Archive, kind: Kind, name: str) -> None:
    conn, catalogue = archive.call.conn, archive.catalogue
    row = await stored(conn, kind.name, name)
    node = (
        await node_of(conn, catalogue, kind, name)
        if kind.parent
        else await whole_node(conn, catalogue, kind, name)
    )
    if node is None:
        problem = f"Entity of type '{kind.name}' named '{name[:80]}' cannot be found"
        archive.problems.append({"fileName": f"unpackaged/{MANIFEST}", "problem": problem})
        return
    path = _file_name(kind, name)
    if kind.parent:
        if path not in archive.files:
            archive.parts.setdefault(path, []).append(node)
    elif kind.bundle:
        archive.files |= await files_of(conn, kind.name, name)
    elif kind.beside:
        archive.files |= await files_of(conn, kind.name, name)
        archive.files[f"{path}-meta.xml"] = write_node(node)
    elif kind.folders and "/" not in name:
        archive.files[f"{kind.folder}/{name}-meta.xml"] = write_node(node)
    else:
        archive.files[path] = write_node(node)
        archive.parts.pop(path, None)
    archive.members.setdefault(kind.name, set()).add(name)
    archive.rows.append(_properties(archive.call, kind, name, row, kind.name))


def with_full_name(node: Node, name: str) -> Node:
    """A component as it is told by itself: its name is its first element."""
    rest = [child for child in node.children if child.tag != "fullName"]
    return replace(node, children=[leaf("fullName", name), *rest])
