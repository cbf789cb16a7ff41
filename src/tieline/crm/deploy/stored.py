"""Checks of components that are kept as they are written: pages, tabs, apps, code, labels, layouts, reports.

What they name must be there. Code is kept, not run: it is checked as far as a file can be without a compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..metadata import ObjectType
from .archive import Problem
from .deployment import Component, Deployment
from .naming import NAME, check_developer_name, local_name
from .shapes import Reference

_ENDPOINT = re.compile(r"(https|wss|http)://[^\s\"'<>\\;,]{1,2000}")
_AURA_MAIN = (".cmp", ".app", ".evt", ".intf", ".tokens")
_TAB_TARGETS = ("customObject", "flexiPage", "lwcComponent", "auraComponent", "url", "page", "scontrol")


async def referenced(deployment: Deployment, references: Iterable[Reference]) -> None:
    """Problem for a name of a component that is not there. Salesforce's own tabs and apps always are."""
    for reference in references:
        name = reference.name
        if reference.type == "CustomObject":
            deployment.object(name, reference.line, reference.element)
            continue
        if reference.type in ("CustomTab", "CustomApplication") and name.startswith(
            ("standard-", "standard__")
        ):
            continue
        if name not in await deployment.names(reference.type):
            raise Problem(
                f"In field: {reference.element} - no {reference.type} named {name[:80]} found", reference.line
            )


async def tab(deployment: Deployment, component: Component) -> None:
    """A tab shows one thing: an object, a page, a component or an address."""
    node = component.node
    targets = [tag for tag in _TAB_TARGETS if node.get(tag) not in (None, "", "false")]
    if len(targets) != 1:
        raise Problem(f"A tab needs exactly one of {', '.join(_TAB_TARGETS[:5])}", node.line)
    if targets == ["customObject"]:
        deployment.object(component.name, node.line)
    elif not node.get("label"):
        raise Problem("Required field is missing: label", node.line)
    url = node.get("url")
    if url and not (_ENDPOINT.fullmatch(url) or url.startswith("/")):
        raise Problem(f"'{url[:60]}' is not a valid URL", node.line)


async def application(deployment: Deployment, component: Component) -> None:
    """A Lightning app has a label and at least one form factor."""
    node = component.node
    check_developer_name(component.name, node.line)
    node.need("label")
    for element in node.all("workspaceConfig"):
        for mapping in element.all("mappings"):
            name = mapping.need("tab")
            if not name.startswith("standard-") and name not in await deployment.names("CustomTab"):
                raise Problem(f"In field: tab - no CustomTab named {name[:80]} found", mapping.line)
    pages = [
        element.get("content")
        for element in node.all("actionOverrides")
        if element.get("type") == "Flexipage"
    ]
    for name in pages:
        if name and name not in await deployment.names("FlexiPage"):
            raise Problem(f"In field: content - no FlexiPage named {name[:80]} found", node.line)


async def flexi_page(deployment: Deployment, component: Component) -> None:
    """A Lightning page: its own components must be there."""
    check_developer_name(component.name, component.node.line)
    if component.node.get("type") == "RecordPage" and not component.node.get("sobjectType"):
        raise Problem("Required field is missing: sobjectType", component.node.line)
    for region in component.node.all("flexiPageRegions"):
        found = [item for item in region.all("itemInstances") for item in item.all("componentInstance")]
        for element in [*found, *region.all("componentInstances")]:
            namespace, colon, name = element.need("componentName").partition(":")
            if not colon:
                namespace, name = "c", namespace
            own = namespace in ("c", deployment.namespace)
            prefix = f"{deployment.namespace}__" if deployment.namespace else ""
            known = await deployment.names("LightningComponentBundle") | await deployment.names(
                "AuraDefinitionBundle"
            )
            if own and name not in known and prefix + name not in known:
                raise Problem(
                    f"We couldn't retrieve the design time component information for component {namespace}:{name[:60]}",
                    element.line,
                )


def _bundle_files(component: Component) -> dict[str, bytes]:
    folder = component.file.rstrip("/") + "/"
    return {path.removeprefix(folder): content for path, content in component.files.items()}


async def lightning_component(deployment: Deployment, component: Component) -> None:
    """A bundle of a Lightning web component: camelCase name, a module or a template, UTF-8 throughout."""
    name = local_name(component.name)
    if not re.fullmatch(r"[a-z][a-zA-Z0-9]*(_[a-zA-Z0-9]+)*", name) or len(name) > 80:
        raise Problem(
            f"The component name {name[:60]!r} is not valid: it must begin with a lower-case letter"
        )
    files = _bundle_files(component)
    if not any(f"{name}.{suffix}" in files for suffix in ("js", "ts", "html", "css")):
        raise Problem(f"Cannot find Lightning Component Bundle {name[:60]}: {name[:60]}.js is missing")
    for path, content in files.items():
        if path.rsplit(".", 1)[-1] in ("js", "ts", "html", "css"):
            _text(content, path)
    for element in component.node.all("targets"):
        for target in element.all("target"):
            if not re.fullmatch(r"lightning\w*__\w+|analytics__\w+|lightning__\w+", target.text):
                raise Problem(f"Unknown target '{target.text[:60]}'", target.line)


async def aura_bundle(deployment: Deployment, component: Component) -> None:
    """A bundle of an Aura component, application, event or interface."""
    name = local_name(component.name)
    files = _bundle_files(component)
    if not any(f"{name}{suffix}" in files for suffix in _AURA_MAIN):
        raise Problem(f"No definition {name[:60]}.cmp, .app, .evt, .intf or .tokens in the bundle")
    for path, content in files.items():
        _text(content, path)


def _text(content: bytes, path: str) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(f"{path[:80]}: the encoding must be UTF-8") from None


_COMMENTS_AND_TEXTS = re.compile(r"/\*.*?\*/|//[^\n]*|'(?:\\.|[^'\\\n])*'", re.DOTALL)


async def apex(deployment: Deployment, component: Component) -> None:
    """A class, trigger or page: its text must declare what its file is called."""
    check_developer_name(component.name, None, 40)
    text = _text(component.files[component.file], component.file)
    name = local_name(component.name)
    if component.type in ("ApexPage", "ApexComponent"):
        word = "page" if component.type == "ApexPage" else "component"
        if not re.search(rf"<apex:{word}\b", text, re.IGNORECASE):
            raise Problem(f"Expected <apex:{word}>", 1)
        return
    bare = _COMMENTS_AND_TEXTS.sub(lambda found: "\n" * found.group().count("\n"), text)
    word = "trigger" if component.type == "ApexTrigger" else "class|interface|enum"
    found = re.search(rf"\b(?:{word})\s+(\w+)", bare, re.IGNORECASE)
    if found is None:
        raise Problem(f"Invalid type: expecting a {word.split('|')[0]}", 1)
    if found.group(1).lower() != name.lower():
        line = bare.count("\n", 0, found.start()) + 1
        raise Problem(
            f"Invalid {word.split('|')[0]} name: {found.group(1)[:60]} (expected {name[:60]})", line
        )
    if bare.count("{") != bare.count("}"):
        raise Problem("Unexpected end of file: the braces do not match", text.count("\n") + 1)


async def static_resource(deployment: Deployment, component: Component) -> None:
    """A static resource's name; its content is anything."""
    check_developer_name(component.name, component.node.line)


async def named(deployment: Deployment, component: Component) -> None:
    """A component of which only the name is checked beside its shape."""
    check_developer_name(component.name.rpartition(".")[2], component.node.line)


async def address(deployment: Deployment, component: Component) -> None:
    """A trusted address: it must be one."""
    node = component.node
    for tag in ("endpointUrl", "url", "urlPattern"):
        text = node.get(tag)
        if text and not _ENDPOINT.fullmatch(text):
            raise Problem(f"'{text[:60]}' is not a valid URL", node.all(tag)[0].line)
    if component.type == "CspTrustedSite" and not any(
        child.tag.startswith("isApplicableTo") and child.text == "true" for child in node.children
    ):
        raise Problem("At least one CSP directive must be true", node.line)


async def message_channel(deployment: Deployment, component: Component) -> None:
    """A message channel; `Name__c` and `Name` are one."""
    check_developer_name(component.name.removesuffix("__c"), component.node.line)
    names = [element.need("fieldName") for element in component.node.all("lightningMessageFields")]
    if len(set(names)) != len(names):
        raise Problem("A message channel must not have a field twice", component.node.line)


async def label(deployment: Deployment, component: Component) -> None:
    """A custom label: at most 1000 characters, in a language of the org."""
    node = component.node
    check_developer_name(component.name, node.line)
    if len(node.need("value")) > 1000:
        raise Problem("Value: data value too large (max length=1000)", node.line)


def _field(value: ObjectType, name: str) -> bool:
    return not name.endswith("__c") or value.get(name) is not None


def _object_of(deployment: Deployment, name: str, line: int) -> ObjectType:
    return deployment.object("Task" if name == "Activity" else name, line)


async def list_view(deployment: Deployment, component: Component) -> None:
    """A list view: its custom columns and filters must be fields of the object."""
    object_name, _, name = component.name.partition(".")
    node = component.node
    value = _object_of(deployment, object_name, node.line)
    if not NAME.fullmatch(name) or len(name) > 80:
        raise Problem(f"The name {name[:60]!r} is not valid", node.line)
    for element in node.all("columns"):
        if not _field(value, element.text):
            raise Problem(f"Could not resolve list view column: {element.text[:80]}", element.line)
    for element in node.all("filters"):
        if not _field(value, element.need("field")):
            raise Problem(f"Could not resolve list view column: {element.need('field')[:80]}", element.line)


async def part_of_object(deployment: Deployment, component: Component) -> None:
    """A part of an object that names fields: they must be there."""
    object_name, _, name = component.name.partition(".")
    node = component.node
    value = _object_of(deployment, object_name, node.line)
    check_developer_name(name, node.line)
    for element in node.all("fields"):
        if not _field(value, element.text):
            raise Problem(
                f"In field: field - no CustomField named {value.name}.{element.text[:60]} found", element.line
            )


async def layout(deployment: Deployment, component: Component) -> None:
    """A page layout `Object-Name`: the custom fields it places must be there."""
    object_name, dash, _ = component.name.partition("-")
    node = component.node
    if not dash:
        raise Problem(f"The name {component.name[:60]!r} is not of the form Object-Layout Name", node.line)
    value = _object_of(deployment, object_name, node.line)
    for section in node.all("layoutSections"):
        for column in section.all("layoutColumns"):
            for item in column.all("layoutItems"):
                name = item.get("field")
                if name and not _field(value, name):
                    raise Problem(
                        f"In field: field - no CustomField named {value.name}.{name[:60]} found", item.line
                    )


async def in_folder(deployment: Deployment, component: Component) -> None:
    """A report or dashboard, which stands in a folder, or the folder itself."""
    folder, slash, name = component.name.rpartition("/")
    if not slash:
        check_developer_name(component.name, component.node.line)
        return
    check_developer_name(name, component.node.line)
    if folder not in await deployment.names(component.type) and folder != "unfiled$public":
        raise Problem(f"Cannot find folder:{folder[:80]}", component.node.line)
