"""Running a deployment: the whole package in the order in which its parts need each other, DDL included.

The caller's transaction keeps all of it or nothing. A second deployment of the same package changes nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace

from ..page_layouts import draws_pages
from ..schema import bump
from .apps import without_secret
from .archive import Absent, Package, Problem, read_node
from .components import forget, keep
from .deployment import Component, Deployment
from .kinds import ALL, FOLDER_SHAPES, KINDS, Kind, parts_of
from .naming import local_name
from .progress import Progress
from .shapes import Reference, check
from .stored import referenced

_LARGE = 64 * 1024


class Stopped(Exception):
    """The deployment was asked to stop."""


async def run(deployment: Deployment, progress: Progress) -> list[Component]:
    """Deploys everything; the caller commits or rolls back. Stopped as soon as `progress` says so."""
    package = deployment.package
    before = _deletions(package.deleted_before, "destructiveChangesPre.xml")
    after = _deletions(package.deleted_after, "destructiveChanges.xml")
    components = await components_of(package)
    progress.total = len(before) + len(components) + len(after)

    async def each(found: Iterable[Component], work: Callable[[Kind, Component], Awaitable[None]]) -> None:
        last = ""
        for component in found:
            if progress.stopping:
                raise Stopped
            kind = KINDS.get(component.type)
            if kind is not None and component.type != last and kind.parent == "":
                await deployment.reload()
            last = component.type
            deployment.outcomes.append(component)
            if kind is not None and component.problem is None:
                await deployment.attempt(component, lambda k=kind, c=component: work(k, c))
            progress.errors += component.failed
            progress.deployed += not component.failed

    await each(before, lambda kind, component: delete(deployment, kind, component))
    await each(components, lambda kind, component: _deploy(deployment, kind, component))
    await each(after, lambda kind, component: delete(deployment, kind, component))
    await deployment.reload()
    return deployment.outcomes


# -- what a package holds ------------------------------------------------------------------------------------


async def components_of(package: Package) -> list[Component]:
    """All components of a package, checked for being there and well-formed, in the order of deployment."""
    found: dict[str, list[Component]] = {kind.name: [] for kind in ALL}
    strange: list[Component] = []
    for kind in ALL:
        if kind.folder:
            await _collect(package, kind, found, strange)
    named = {name for names in found.values() for name in ((item.type, item.name) for item in names)}
    for type_name, members in package.members.items():
        kind = KINDS.get(type_name)
        if kind is None:
            strange.append(
                _refused(
                    type_name,
                    "",
                    "package.xml",
                    f"Unknown type name '{type_name[:60]}' specified in package.xml",
                )
            )
            continue
        for member in sorted(members - {"*"}):
            if (type_name, member) in named:
                continue
            strange.append(
                _refused(
                    type_name,
                    member,
                    "package.xml",
                    f"In field: fullName - no {type_name} named {member[:80]} found"
                    if kind.parent
                    else f"Entity of type '{type_name}' named '{member[:80]}' was found in package.xml, but was not"
                    " found in zipped directory",
                )
            )
    return [*strange, *(component for kind in ALL for component in found[kind.name])]


def _refused(type_name: str, name: str, file: str, problem: str) -> Component:
    return Component(type_name, name, file, problem=problem)


async def _collect(
    package: Package, kind: Kind, found: dict[str, list[Component]], strange: list[Component]
) -> None:
    """The components of one folder's type, and the parts that stand in its files."""
    wanted = package.members.get(kind.name, frozenset())
    parts = {part.name: package.members.get(part.name, frozenset()) for part in parts_of(kind.name)}
    around = {member.split(".")[0] for names in parts.values() for member in names}
    if kind.name == "CustomLabels" and any(parts.values()):
        around = {"CustomLabels"}
    for name, file, files in _files(package, kind, strange):
        whole = "*" in wanted or name in wanted
        if not whole and name not in around:
            continue
        component = Component(kind.name, name, file, files=files)
        try:
            await _read(component, kind, package, name)
        except Problem as problem:
            component.problem, component.line = problem.message, problem.line
            found[kind.name].append(component)
            continue
        component.whole = component.node
        tags = {part.tag: part for part in parts_of(kind.name)}
        if tags:
            component.node = replace(
                component.whole, children=[item for item in component.whole.children if item.tag not in tags]
            )
        if whole or kind.name == "CustomLabels":
            found[kind.name].append(component)
        for element in component.whole.children:
            part = tags.get(element.tag)
            if part is None:
                continue
            full_name = element.get("fullName") or "?"
            full_name = full_name if kind.name == "CustomLabels" else f"{name}.{full_name}"
            if whole or "*" in parts[part.name] or full_name in parts[part.name]:
                found[part.name].append(Component(part.name, full_name, file, element))


def _files(
    package: Package, kind: Kind, strange: list[Component]
) -> list[tuple[str, str, Mapping[str, bytes]]]:
    """Name, path and content files of each component in a type's folder."""
    folder = f"{kind.folder}/"
    paths = sorted(path for path in package.files if path.startswith(folder))
    if kind.bundle:
        bundles: dict[str, dict[str, bytes]] = {}
        for path in paths:
            name, slash, _ = path[len(folder) :].partition("/")
            if slash:
                bundles.setdefault(name, {})[path] = package.files[path]
        return [(name, folder + name, files) for name, files in bundles.items()]
    found: list[tuple[str, str, Mapping[str, bytes]]] = []
    ending = f".{kind.suffix}"
    for path in paths:
        name = path[len(folder) :]
        if kind.folders and name.endswith("-meta.xml"):
            bare = name.removesuffix("-meta.xml").removesuffix(f".{kind.name.lower()}Folder")
            found.append((bare, path, {}))
        elif kind.beside and name.endswith(f"{ending}-meta.xml"):
            continue
        elif not name.endswith(ending) or ("/" in name and not kind.folders):
            problem = f"Invalid file {path[:120]}: a file of type {kind.name} ends with {ending}"
            strange.append(_refused(kind.name, name.rpartition(".")[0] or name, path, problem))
        else:
            files = {path: package.files[path]} if kind.beside else {}
            found.append((name.removesuffix(ending), path, files))
    return found


async def _read(component: Component, kind: Kind, package: Package, name: str) -> None:
    path = component.file
    root = kind.root
    if kind.folders and path.endswith("-meta.xml"):
        root = FOLDER_SHAPES[kind.name]
    elif kind.beside:
        path = f"{path}-meta.xml"
    elif kind.bundle:
        ending = "-meta.xml"
        main = [
            item
            for item in component.files
            if item.startswith(f"{path}/{local_name(name)}.") and item.endswith(ending)
        ]
        if not main:
            raise Problem(f"The file {path[:100]}/{name[:60]}.{kind.suffix}{ending} is missing")
        path = main[0]
        component.files = {item: content for item, content in component.files.items() if item != path}
    raw = package.files.get(path)
    if raw is None:
        raise Problem(f"The file {path[:120]} is missing")
    if kind.bundle:
        component.files = {**component.files, path: raw}
    tags = (root, "Folder") if root in FOLDER_SHAPES.values() else (root,)
    if len(raw) > _LARGE:
        component.node = await asyncio.to_thread(read_node, raw, *tags)
    else:
        component.node = read_node(raw, *tags)


def _deletions(members: Mapping[str, frozenset[str]], file: str) -> list[Component]:
    """What is to be deleted, what needs others before them."""
    found: list[Component] = []
    for type_name in members:
        if type_name not in KINDS:
            problem = f"Unknown type name '{type_name[:60]}' specified in {file}"
            found.append(_refused(type_name, "", file, problem))
    for kind in reversed(ALL):
        for name in sorted(members.get(kind.name, frozenset())):
            component = Component(kind.name, name, file)
            if name == "*":
                component.problem = "Wildcards are not allowed in a manifest of deletions"
            found.append(component)
    return found


# -- one component -------------------------------------------------------------------------------------------


async def _deploy(deployment: Deployment, kind: Kind, component: Component) -> None:
    references: list[Reference] = []
    if component.node.tag in FOLDER_SHAPES.values() or component.node.tag == "Folder":
        check(component.node, "Folder", kind.name, references)
    elif kind.shape is not None:
        check(component.node, kind.shape, kind.name, references)
    await _editable(deployment, kind, component)
    if kind.check is not None:
        await kind.check(deployment, component)
    if kind.apply is not None:
        await kind.apply(deployment, component)
    await referenced(deployment, references)
    if kind.name == "CustomObject" and not component.node.children and not component.created:
        return  # named for the sake of its parts
    component_id, created, changed = await keep(
        deployment.conn,
        deployment.call.org.instance,
        deployment.call.caller.user_id,
        kind.name,
        component.name,
        without_secret(component.node),
        component.files,
        id=component.id,
        namespace=deployment.namespace,
    )
    component.id = component.id or component_id
    if kind.read is None:
        component.created = component.created or created
    component.changed = component.changed or changed
    if changed and draws_pages(kind.name):
        await bump(deployment.conn)
    (await deployment.names(kind.name)).add(component.name)


async def _editable(deployment: Deployment, kind: Kind, component: Component) -> None:
    """Problem where a component belongs to an installed package and may be changed by its next version only."""
    if kind.subscriber or (kind.name == "CustomObject" and not component.node.children):
        return
    owner = await deployment.owner(kind.name, component.name)
    if owner is not None and owner != deployment.namespace:
        raise Problem(
            f"Cannot modify managed object: entity={kind.name}, component={component.name[:80]}, state=installed",
            component.node.line,
        )


async def delete(deployment: Deployment, kind: Kind, component: Component) -> None:
    """Takes one component away; what is not there is told as a warning."""
    name = component.name
    owner = await deployment.owner(kind.name, name)
    if owner is not None and owner != deployment.namespace:
        raise Problem(f"Cannot delete managed object: entity={kind.name}, component={name[:80]}")
    user = await _user_of(deployment, kind, name)
    if user is not None:
        raise Problem(f"This {kind.name} is referenced elsewhere in the org: {user}")
    try:
        if kind.remove is not None:
            await kind.remove(deployment, component)
        gone = await forget(deployment.conn, kind.name, name)
        if not gone and kind.remove is None:
            raise Absent(f"No {kind.name} named: {name[:80]} found")
    except Absent as absent:
        component.problem, component.warning = absent.message, True
        return
    component.deleted = component.changed = True
    if draws_pages(kind.name):
        await bump(deployment.conn)
    (await deployment.names(kind.name)).discard(name)


_USERS: Mapping[str, tuple[str, ...]] = {
    "FlexiPage": ("CustomApplication", "CustomTab"),
    "CustomTab": ("CustomApplication",),
    "LightningComponentBundle": ("CustomTab", "FlexiPage"),
    "AuraDefinitionBundle": ("CustomTab", "FlexiPage"),
    "ApexPage": ("CustomTab",),
    "ExternalAuthIdentityProvider": ("ExternalCredential",),
    "ExternalCredential": ("NamedCredential",),
}
"""Types whose components keep a component of a type from being deleted while they name it."""


async def _user_of(deployment: Deployment, kind: Kind, name: str) -> str | None:
    """A component that names this one, such as the app of a utility bar."""
    users = _USERS.get(kind.name)
    if users is None:
        return None
    bundle = kind.bundle
    rows = await deployment.conn.fetch(
        "SELECT type, full_name, source FROM meta.component WHERE type = ANY($1) AND source IS NOT NULL",
        list(users),
    )
    for row in rows:
        source: bytes = row["source"]
        words = (f">{name}<", f">c:{name}<") if bundle else (f">{name}<",)
        if any(word.encode() in source for word in words):
            return f"{row['type']} - {row['full_name']}"
    return None
