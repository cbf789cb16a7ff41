"""Components as rows: what has been deployed, as it was written, with the files that belong to it.

Every type is kept here. Types that live elsewhere too (objects, permission sets, call centers) keep here what no other
table does, so that a retrieved file says everything that the deployed one said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..ids import make_id
from .archive import Node, read_node, write_node

KEY_PREFIXES: Mapping[str, str] = {
    "ApexClass": "01p", "ApexComponent": "099", "ApexPage": "066", "ApexTrigger": "01q",
    "AuraDefinitionBundle": "0Ab", "CallCenter": "04v", "CompactLayout": "0AH", "ConnectedApp": "0H4",
    "CorsWhitelistOrigin": "07T", "CspTrustedSite": "08y", "CustomApplication": "02u", "CustomField": "00N",
    "CustomLabel": "101", "CustomLabels": "101", "CustomMetadata": "m00", "CustomObject": "01I",
    "CustomObjectTranslation": "01h", "CustomPermission": "0CP", "CustomTab": "01r", "Dashboard": "01Z",
    "DuplicateRule": "0Bm", "ExternalClientApplication": "0xI", "ExternalCredential": "0pr", "FieldSet": "0IX",
    "FlexiPage": "0M0", "Layout": "00h", "LightningComponentBundle": "0Rb", "LightningMessageChannel": "0Mc",
    "Profile": "00e",
    "AssignmentRule": "01Q", "PlatformEventChannelMember": "0v8", "SharingCriteriaRule": "02c", "SharingOwnerRule": "02c",
    "ListView": "00B", "MatchingRules": "0JD", "NamedCredential": "0XA", "PermissionSet": "0PS",
    "RecordType": "012", "RemoteSiteSetting": "0rp", "Report": "00O", "StaticResource": "081",
    "Translations": "01h", "ValidationRule": "03d", "WebLink": "00b",
}  # fmt: skip
"""Key prefix by type; types without one of their own take `0ZZ`."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A component's row. `source` is its XML without the parts that are components themselves."""

    type: str
    name: str
    id: str
    source: Node | None
    created_at: datetime
    created_by: str
    changed_at: datetime
    changed_by: str
    namespace: str | None


_COLUMNS = "type, full_name, id, source, created_at, created_by, deployed_at, deployed_by, namespace"


def _stored(row: Any) -> Stored:
    source: bytes | None = row["source"]
    node = read_node(source, *_roots(source)) if source else None
    return Stored(
        row["type"], row["full_name"], row["id"], node, row["created_at"], row["created_by"],
        row["deployed_at"], row["deployed_by"], row["namespace"],
    )  # fmt: skip


def _roots(source: bytes) -> Sequence[str]:
    # What was written here is read back whatever its root is called: a part's is the element in its parent's file.
    start = source.index(b"<", source.index(b"?>"))
    return [source[start + 1 :].split(b">")[0].split(b" ")[0].split(b"/")[0].decode()]


async def stored(conn: Any, type_name: str, name: str) -> Stored | None:
    """A component's row."""
    row = await conn.fetchrow(
        f"SELECT {_COLUMNS} FROM meta.component WHERE type = $1 AND full_name = $2",  # noqa: S608 - constant
        type_name,
        name,
    )
    return _stored(row) if row else None


async def all_stored(conn: Any, type_name: str) -> list[Stored]:
    """All rows of a type, by name."""
    rows = await conn.fetch(
        f"SELECT {_COLUMNS} FROM meta.component WHERE type = $1 ORDER BY full_name",  # noqa: S608 - constant
        type_name,
    )
    return [_stored(row) for row in rows]


async def names_of(conn: Any, type_name: str) -> list[str]:
    """Names of the stored components of a type."""
    rows = await conn.fetch(
        "SELECT full_name FROM meta.component WHERE type = $1 ORDER BY full_name", type_name
    )
    return [row["full_name"] for row in rows]


async def files_of(conn: Any, type_name: str, name: str) -> dict[str, bytes]:
    """The files of a component that are not its XML, by path in a package."""
    rows = await conn.fetch(
        "SELECT path, content FROM meta.component_file WHERE type = $1 AND full_name = $2 ORDER BY path",
        type_name,
        name,
    )
    return {row["path"]: row["content"] for row in rows}


async def keep(
    conn: Any,
    instance: str,
    user_id: str,
    type_name: str,
    name: str,
    node: Node | None,
    files: Mapping[str, bytes],
    *,
    id: str = "",
    namespace: str | None = None,
) -> tuple[str, bool, bool]:
    """Writes a component; answers its id, whether it is new, and whether anything changed."""
    source = write_node(node) if node is not None else None
    digest = hashlib.sha256(source or b"")
    for path, content in sorted(files.items()):
        digest.update(b"\0" + path.encode() + b"\0" + hashlib.sha256(content).digest())
    known = await conn.fetchrow(
        "SELECT id, content_hash, source IS NULL AS bare FROM meta.component WHERE type = $1 AND full_name = $2",
        type_name,
        name,
    )
    if known is not None and known["content_hash"] == digest.digest() and not known["bare"]:
        return known["id"], False, False
    component_id = id or (known["id"] if known else "")
    if not component_id:
        number = await conn.fetchval("SELECT nextval('meta.record_number')")
        component_id = make_id(KEY_PREFIXES.get(type_name, "0ZZ"), instance, number)
    await conn.execute(
        "INSERT INTO meta.component (type, full_name, content_hash, id, source, created_by, deployed_by, namespace)"
        " VALUES ($1, $2, $3, $4, $5, $6, $6, $7) ON CONFLICT (type, full_name) DO UPDATE SET"
        " content_hash = excluded.content_hash, id = excluded.id, source = excluded.source, deployed_at = now(),"
        " deployed_by = excluded.deployed_by, namespace = coalesce(excluded.namespace, meta.component.namespace)",
        type_name,
        name,
        digest.digest(),
        component_id,
        source,
        user_id,
        namespace,
    )
    if known is not None:
        await conn.execute(
            "DELETE FROM meta.component_file WHERE type = $1 AND full_name = $2", type_name, name
        )
    if files:
        await conn.executemany(
            "INSERT INTO meta.component_file (type, full_name, path, content) VALUES ($1, $2, $3, $4)",
            [(type_name, name, path, content) for path, content in files.items()],
        )
    return component_id, known is None, True


async def forget(conn: Any, type_name: str, name: str) -> bool:
    """Deletes a component's row and files; False where there is none."""
    status: str = await conn.execute(
        "DELETE FROM meta.component WHERE type = $1 AND full_name = $2", type_name, name
    )
    return status != "DELETE 0"


async def forget_parts(conn: Any, parent: str) -> None:
    """Deletes the rows of what belonged to an object."""
    await conn.execute(
        "DELETE FROM meta.component WHERE full_name LIKE $1 AND type = ANY($2)",
        parent.replace("\\", "\\\\").replace("_", "\\_").replace("%", "\\%") + ".%",
        ["CustomField", "RecordType", "ValidationRule", "ListView", "CompactLayout", "FieldSet", "WebLink"],
    )
