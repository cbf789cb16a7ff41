# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Packages: versions on the org's shelf, and installing, upgrading and uninstalling them.

A version is a metadata archive with a name, a publisher and perhaps a namespace. Installing is a deployment, whole or
not at all; what it brought is remembered, so that an upgrade keeps data and an uninstallation takes all of it away.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import audit_trail
from ..access.permissions import ADMINISTRATOR, follow, grant_fields, grant_object, openable_fields
from ..access.rights import grantable
from ..errors import Fault, not_found
from ..ids import make_id, parse_id
from ..metadata import Catalogue, Rights
from ..rest import Call
from ..values import format_datetime
from . import jobs
from .archive import MANIFEST, Package, Problem, read_package
from .deployment import Component, Deployment
from .kinds import ALL, KINDS
from .namespaces import valid_namespace, with_namespace
from .naming import local_name
from .run import components_of, delete

MAX_VERSIONS = 100
"""Versions of all packages on one org's shelf."""
_VERSION = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?(?:\.(\d{1,4}))?")
AUDIENCES = ("administrators", "all", "profiles")
_FULL = Rights(True, True, True, True)
_KEPT_TYPES = frozenset({"CustomObject", "CustomField", "RecordType"})
"""Components that hold data: an upgrade that no longer brings them leaves them."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version on the shelf."""

    id: str
    package_id: str
    name: str
    namespace: str | None
    publisher: str
    label: str
    number: tuple[int, int, int, int]
    description: str | None

    @property
    def text(self) -> str:
        """`1.2`, with patch and build where they are not zero."""
        major, minor, patch, build = self.number
        return f"{major}.{minor}" + (f".{patch}" if patch or build else "") + (f".{build}" if build else "")

    def as_json(self, origin: str) -> dict[str, Any]:
        """As the shelf tells it; `origin` is where people sign in."""
        return {
            "id": self.id,
            "package_id": self.package_id,
            "name": self.name,
            "namespace": self.namespace,
            "publisher": self.publisher,
            "version": self.text,
            "label": self.label,
            "description": self.description,
            "install_url": f"{origin}/packaging/installPackage.apexp?p0={self.id}",
        }


_VERSION_SQL = """
SELECT v.id, v.package_id, p.name, p.namespace, p.publisher, v.label, v.major, v.minor, v.patch, v.build, v.description
  FROM meta.package_version v JOIN meta.package p ON p.id = v.package_id
"""


def _version(row: Any) -> Version:
    number = (row["major"], row["minor"], row["patch"], row["build"])
    return Version(
        row["id"], row["package_id"], row["name"], row["namespace"], row["publisher"], row["label"], number,
        row["description"],
    )  # fmt: skip


# -- the shelf -----------------------------------------------------------------------------------------------


def _text(given: Mapping[str, Any], name: str, most: int, *, needed: bool = False) -> str | None:
    value = given.get(name)
    text = value.strip() if isinstance(value, str) else ""
    if needed and not text:
        raise Fault("REQUIRED_FIELD_MISSING", f"{name} is required", fields=[name])
    if len(text) > most or any(char < " " for char in text):
        raise Fault(
            "STRING_TOO_LONG", f"{name} is too long or has control characters (at most {most})", fields=[name]
        )
    return text or None


async def add_version(call: Call, raw: bytes, given: Mapping[str, Any]) -> Version:
    """Puts a metadata archive on the shelf as a version: `name`, `publisher`, `version`, `namespace`, `description`.

    Refuses what is no package, and a version that is there already or lower than the last one.
    """
    jobs.require_modify_metadata(call)
    name = _text(given, "name", 80, needed=True)
    publisher = _text(given, "publisher", 80, needed=True) or ""
    namespace = _text(given, "namespace", 15)
    description = _text(given, "description", 1000)
    found = _VERSION.fullmatch(_text(given, "version", 20, needed=True) or "")
    if found is None:
        raise Fault("INVALID_INPUT", "version must be of the form 1.2 or 1.2.3.4", fields=["version"])
    if namespace is not None and not valid_namespace(namespace):
        raise Fault(
            "INVALID_INPUT", "namespace must begin with a letter and have at most 15 letters and digits",
            fields=["namespace"],
        )  # fmt: skip
    package = await asyncio.to_thread(read_package, raw)
    await asyncio.to_thread(_installed_form, package, namespace)
    number = [int(part or 0) for part in found.groups()]
    conn = call.conn
    async with conn.transaction():
        await conn.execute("LOCK TABLE meta.package IN SHARE ROW EXCLUSIVE MODE")
        if await conn.fetchval("SELECT count(*) FROM meta.package_version") >= MAX_VERSIONS:
            raise Fault("LIMIT_EXCEEDED", f"The shelf holds {MAX_VERSIONS} versions: remove old ones first")
        package_id = await conn.fetchval(
            "SELECT id FROM meta.package WHERE lower(name) = lower($1)"
            " AND coalesce(lower(namespace), '') = coalesce(lower($2), '')",
            name,
            namespace,
        )
        if package_id is None:
            package_id = await _new_id(call, "033")
            await conn.execute(
                "INSERT INTO meta.package (id, name, namespace, publisher) VALUES ($1, $2, $3, $4)",
                package_id, name, namespace, publisher,
            )  # fmt: skip
        last = await conn.fetchrow(
            "SELECT major, minor, patch, build FROM meta.package_version WHERE package_id = $1"
            " ORDER BY major DESC, minor DESC, patch DESC, build DESC LIMIT 1",
            package_id,
        )
        if last is not None and tuple(last) >= tuple(number):
            shown = ".".join(str(part) for part in last)
            raise Fault(
                "INVALID_INPUT", f"version must be higher than {shown}, the last one", fields=["version"]
            )
        version_id = await _new_id(call, "04t")
        await conn.execute(
            "INSERT INTO meta.package_version (id, package_id, label, major, minor, patch, build, description, archive)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            version_id, package_id, _text(given, "label", 80) or name, *number, description, raw,
        )  # fmt: skip
    return await version_of(conn, version_id)


async def _new_id(call: Call, prefix: str) -> str:
    return make_id(
        prefix, call.org.instance, await call.conn.fetchval("SELECT nextval('meta.record_number')")
    )


async def version_of(conn: Any, version_id: str) -> Version:
    """A version on the shelf, by its id of 15 or 18 characters."""
    row = await conn.fetchrow(f"{_VERSION_SQL} WHERE v.id = $1", parse_id(version_id) or "")
    if row is None:
        raise not_found("There is no such package version in this org")
    return _version(row)


async def versions(conn: Any) -> list[Version]:
    """The shelf, newest versions first."""
    rows = await conn.fetch(
        f"{_VERSION_SQL} ORDER BY lower(p.name), v.major DESC, v.minor DESC, v.patch DESC, v.build DESC"
    )
    return [_version(row) for row in rows]


async def remove_version(call: Call, version_id: str) -> None:
    """Takes a version off the shelf. INVALID_INPUT while it is the installed one."""
    jobs.require_modify_metadata(call)
    version = await version_of(call.conn, version_id)
    if await call.conn.fetchval("SELECT 1 FROM meta.package_install WHERE version_id = $1", version.id):
        raise Fault("INVALID_INPUT", "This version is installed: uninstall it first")
    await call.conn.execute("DELETE FROM meta.package_version WHERE id = $1", version.id)
    await call.conn.execute(
        "DELETE FROM meta.package p WHERE id = $1 AND NOT EXISTS"
        " (SELECT 1 FROM meta.package_version v WHERE v.package_id = p.id)",
        version.package_id,
    )


def _installed_form(package: Package, namespace: str | None) -> Package:
    if namespace is None:
        return package
    try:
        return with_namespace(package, namespace)
    except Problem as problem:
        raise Fault("INVALID_FILE", problem.message) from None


async def archive_of(conn: Any, version: Version) -> Package:
    """A version's files as they are installed: names carry the namespace."""
    raw: bytes = await conn.fetchval("SELECT archive FROM meta.package_version WHERE id = $1", version.id)
    package = await asyncio.to_thread(read_package, raw)
    return await asyncio.to_thread(_installed_form, package, version.namespace)


async def contents(conn: Any, version: Version) -> dict[str, list[str]]:
    """What a version brings: names by type, as they will be in the org."""
    package = await archive_of(conn, version)
    found: dict[str, list[str]] = {}
    for component in await components_of(package):
        if component.file != MANIFEST:
            found.setdefault(component.type, []).append(component.name)
    return found


# -- what is installed ---------------------------------------------------------------------------------------


async def installed(conn: Any) -> list[dict[str, Any]]:
    """The installed packages, as Set-up lists them."""
    rows = await conn.fetch(
        _VERSION_SQL.replace(
            "SELECT ", 'SELECT i.id AS install_id, i.installed_at, i.changed_at, u."Name" AS user_name, ', 1
        )
        + ' JOIN meta.package_install i ON i.version_id = v.id LEFT JOIN data."User" u ON u."Id" = i.installed_by'
        " ORDER BY lower(p.name)"
    )
    return [
        {
            "id": row["install_id"],
            "package_id": row["package_id"],
            "version_id": row["id"],
            "name": row["name"],
            "namespace": row["namespace"],
            "publisher": row["publisher"],
            "version": _version(row).text,
            "description": row["description"],
            "installed_at": format_datetime(row["installed_at"]),
            "changed_at": format_datetime(row["changed_at"]),
            "installed_by": row["user_name"],
        }
        for row in rows
    ]


async def _installation(conn: Any, any_id: str) -> dict[str, Any]:
    wanted = parse_id(any_id)
    for row in await installed(conn):
        if wanted in (row["id"], row["package_id"], row["version_id"]):
            return row
    raise not_found("There is no such installed package")


async def detail(call: Call, any_id: str) -> dict[str, Any]:
    """An installed package with its components, and how many records go when it goes."""
    row = await _installation(call.conn, any_id)
    members = await call.conn.fetch(
        "SELECT m.type, m.full_name FROM meta.package_member m WHERE m.package_id = $1 ORDER BY m.type, m.full_name",
        row["package_id"],
    )
    components = [{"type": member["type"], "name": member["full_name"]} for member in members]
    return row | {"components": components, "data": await _data(call.conn, call.catalogue.whole, members)}


async def _data(conn: Any, catalogue: Catalogue, members: Sequence[Any]) -> list[dict[str, Any]]:
    """Records of the package's own objects, and values of its fields on other objects."""
    found: list[dict[str, Any]] = []
    own = {member["full_name"] for member in members if member["type"] == "CustomObject"}
    for member in members:
        name: str = member["full_name"]
        if member["type"] == "CustomObject":
            value = catalogue.get(name)
            if value is not None and value.custom and value.kind != "metadata_type":
                found.append(
                    {"name": name, "count": await conn.fetchval(f"SELECT count(*) FROM {value.table}")}
                )
        elif member["type"] == "CustomField" and name.split(".")[0] not in own:
            object_name, _, field_name = name.partition(".")
            for target in ("Task", "Event") if object_name == "Activity" else (object_name,):
                value = catalogue.get(target)
                item = value.get(field_name) if value else None
                if value is not None and item is not None:
                    count = await conn.fetchval(f"SELECT count({item.column}) FROM {value.table}")
                    found.append({"name": f"{target}.{field_name}", "count": count})
    return [row for row in found if row["count"]]


# -- installing ----------------------------------------------------------------------------------------------


async def begin_install(
    call: Call, version_id: str, audience: str, profiles: Sequence[str] = ()
) -> dict[str, Any]:
    """Begins to install or upgrade; answers the request. `profiles` are ids, for the audience `profiles`."""
    jobs.require_modify_metadata(call)
    version = await version_of(call.conn, version_id)
    if audience not in AUDIENCES:
        raise Fault("INVALID_INPUT", f"audience must be one of {', '.join(AUDIENCES)}", fields=["audience"])
    sets = await _sets(call.conn, audience, profiles)
    current = next(
        (row for row in await installed(call.conn) if row["package_id"] == version.package_id), None
    )
    if current is not None:
        before = await version_of(call.conn, current["version_id"])
        if before.number > version.number:
            raise Fault(
                "INVALID_INPUT", f"A newer version ({before.text}) is installed", fields=["version_id"]
            )
    if version.namespace and current is None:
        taken = await call.conn.fetchval(
            "SELECT p.name FROM meta.package p JOIN meta.package_install i ON i.package_id = p.id"
            " WHERE lower(p.namespace) = lower($1)",
            version.namespace,
        )
        if taken:
            raise Fault("INVALID_INPUT", f"The namespace {version.namespace} belongs to the package {taken}")

    async def finish(deployment: Deployment) -> None:
        await _record(deployment, version, sets)

    package = await archive_of(call.conn, version)
    job = jobs.Job(package, jobs.options_of({}), version.namespace, finish)
    return await _begun(call, "install", version, await jobs.begin(call, job))


async def _begun(call: Call, kind: str, version: Version, result: Mapping[str, Any]) -> dict[str, Any]:
    request_id = await _new_id(call, "0Hf" if kind == "install" else "06y")
    await call.conn.execute(
        "INSERT INTO meta.package_request (id, package_id, version_id, kind, deployment_id, user_id)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        request_id, version.package_id, version.id, kind, result["id"], call.caller.user_id,
    )  # fmt: skip
    return await request_of(call, request_id)


async def _sets(conn: Any, audience: str, profiles: Sequence[str]) -> list[str]:
    """The permission sets of the profiles that an installation is for; the administrators' always."""
    wanted = [parse_id(text) or "" for text in profiles]
    rows = await conn.fetch(
        'SELECT s."Id" AS set_id, p."Id" AS id, p."Name" AS name FROM data."PermissionSet" s JOIN data."Profile" p'
        ' ON p."Id" = s."ProfileId" WHERE s."IsOwnedByProfile" AND NOT s."IsDeleted" ORDER BY s."Id"'
    )
    unknown = set(wanted) - {row["id"] for row in rows}
    if audience == "profiles" and (not wanted or unknown):
        raise Fault("INVALID_INPUT", "profiles must be ids of profiles of this org", fields=["profiles"])
    return [
        row["set_id"]
        for row in rows
        if audience == "all"
        or row["name"] == ADMINISTRATOR
        or (audience == "profiles" and row["id"] in wanted)
    ]


async def _record(deployment: Deployment, version: Version, sets: Sequence[str]) -> None:
    """At the end of an installation: its members, what its audience may do, and what the last version had besides."""
    conn, call = deployment.conn, deployment.call
    await deployment.reload()
    catalogue = deployment.catalogue
    upgrade = await conn.fetchval(
        "SELECT 1 FROM meta.package_install WHERE package_id = $1", version.package_id
    )
    await _note(deployment, version, "upgradedPackage" if upgrade else "installedPackage")
    members = {(item.type, item.name) for item in deployment.outcomes if not item.deleted}
    # An object that was there before, and is named for the sake of the package's fields, is not the package's.
    members = {
        (kind, name)
        for kind, name in members
        if kind != "CustomObject" or ((value := catalogue.get(name)) is not None and value.custom)
    }
    gone = await conn.fetch(
        "SELECT type, full_name FROM meta.package_member WHERE package_id = $1", version.package_id
    )
    before = {(row["type"], row["full_name"]) for row in gone}
    for kind in reversed(ALL):
        for type_name, name in sorted(before - members):
            if type_name == kind.name and type_name not in _KEPT_TYPES:
                await _gone(deployment, type_name, name)
    kept = {(type_name, name) for type_name, name in before - members if type_name in _KEPT_TYPES}
    await conn.execute(
        "INSERT INTO meta.package_install (package_id, id, version_id, installed_by) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT (package_id) DO UPDATE SET version_id = excluded.version_id, changed_at = now()",
        version.package_id, await _new_id_in(deployment, "0A3"), version.id, call.caller.user_id,
    )  # fmt: skip
    await conn.execute("DELETE FROM meta.package_member WHERE package_id = $1", version.package_id)
    await conn.executemany(
        "INSERT INTO meta.package_member (package_id, type, full_name) VALUES ($1, $2, $3)",
        [(version.package_id, type_name, name) for type_name, name in sorted(members | kept)],
    )
    await _grant(
        deployment, {name for kind, name in members if kind in ("CustomObject", "CustomField")}, sets
    )


async def _new_id_in(deployment: Deployment, prefix: str) -> str:
    number = await deployment.conn.fetchval("SELECT nextval('meta.record_number')")
    return make_id(prefix, deployment.call.org.instance, number)


async def _grant(deployment: Deployment, names: set[str], sets: Sequence[str]) -> None:
    """Opens what a package brings to the profiles that it is installed for."""
    conn, catalogue = deployment.conn, deployment.catalogue
    rows = 0
    for name in sorted(names):
        object_name, dot, field_name = name.partition(".")
        targets = ("Task", "Event") if object_name == "Activity" else (object_name,)
        for target in targets:
            value = catalogue.get(target)
            if value is None:
                continue
            if not dot and grantable(value):
                given = _FULL if value.kind == "custom" else Rights(True)
                rows += await grant_object(conn, sets, value.name, given)
            elif field_name in (fields := openable_fields(value)):
                rows += await grant_fields(conn, sets, value.name, {field_name: fields[field_name]})
    if rows:
        await follow(conn, catalogue.objects["ObjectPermissions"])


async def _take(deployment: Deployment, component: Component) -> None:
    """Deletes one component of a package. Problem where others need it."""
    if component.type == "PermissionSet":
        await deployment.conn.execute(
            'DELETE FROM data."PermissionSetAssignment" a USING data."PermissionSet" s'
            ' WHERE s."Id" = a."PermissionSetId" AND s."Name" = $1 AND NOT s."IsOwnedByProfile"',
            local_name(component.name),
        )
    await delete(deployment, KINDS[component.type], component)


# -- uninstalling --------------------------------------------------------------------------------------------


async def begin_uninstall(call: Call, any_id: str, *, with_data: bool) -> dict[str, Any]:
    """Begins to uninstall; answers the request. DELETE_FAILED while there is data and `with_data` does not say so."""
    jobs.require_modify_metadata(call)
    row = await detail(call, any_id)
    if row["data"] and not with_data:
        shown = ", ".join(f"{item['name']} ({item['count']})" for item in row["data"][:10])
        raise Fault("DELETE_FAILED", f"Uninstalling deletes data: {shown}. Confirm that it may go.")
    version = await version_of(call.conn, row["version_id"])
    members = row["components"]

    async def finish(deployment: Deployment) -> None:
        await _uninstall(deployment, version, members)

    package = Package({}, {})
    job = jobs.Job(package, jobs.options_of({}), version.namespace, finish)
    return await _begun(call, "uninstall", version, await jobs.begin(call, job))


async def _uninstall(deployment: Deployment, version: Version, members: Sequence[Mapping[str, str]]) -> None:
    """Takes all components away, what needs others first. Problems go into the outcomes."""
    own = {member["name"] for member in members if member["type"] == "CustomObject"}
    for kind in reversed(ALL):
        for member in members:
            name = member["name"]
            if member["type"] != kind.name:
                continue
            if kind.name == "RecordType" and name.split(".")[0] in own:
                continue  # goes with its object and the records that have it
            await _gone(deployment, kind.name, name)
    if not any(component.failed for component in deployment.outcomes):
        await deployment.conn.execute(
            "DELETE FROM meta.package_install WHERE package_id = $1", version.package_id
        )
        await _note(deployment, version, "uninstalledPackage")


async def _note(deployment: Deployment, version: Version, action: str) -> None:
    """Writes into the setup audit trail what was done with a package, together with the doing."""
    await audit_trail.note(
        deployment.conn, deployment.call.caller, "packages", action, name=version.name, value=version.text
    )


async def _gone(deployment: Deployment, type_name: str, name: str) -> None:
    """Takes one component away, its problem noted among the outcomes."""
    component = Component(type_name, name, "")
    deployment.outcomes.append(component)
    await deployment.attempt(component, lambda: _take(deployment, component))


# -- requests ------------------------------------------------------------------------------------------------


async def request_of(call: Call, request_id: str) -> dict[str, Any]:
    """An installation or uninstallation that was asked for: `status` IN_PROGRESS, SUCCESS or ERROR, and problems."""
    row = await call.conn.fetchrow(
        "SELECT * FROM meta.package_request WHERE id = $1", parse_id(request_id) or ""
    )
    if row is None:
        raise not_found("There is no such request")
    result = await jobs.status(call, row["deployment_id"])
    status = "IN_PROGRESS" if not result["done"] else "SUCCESS" if result["success"] else "ERROR"
    problems = [
        f"{failure['componentType']} {failure['fullName']}: {failure['problem']}"
        for failure in result["details"]["componentFailures"]
    ]
    if status == "ERROR" and not problems:
        problems = [str(result.get("errorMessage") or result["status"])]
    return {
        "id": row["id"],
        "kind": row["kind"],
        "package_id": row["package_id"],
        "version_id": row["version_id"],
        "status": status,
        "done": result["numberComponentsDeployed"],
        "total": result["numberComponentsTotal"],
        "problems": problems[:100],
    }
