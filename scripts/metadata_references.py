"""Resolves what the Salesforce project's files say of each other: every name must be the name of something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from scripts.metadata_types import Node, local, read

_STANDARD_FIELDS = frozenset({
    "AccountId", "ActivityDate", "AssistantPhone", "CreatedById", "CreatedDate", "Description", "DeveloperName", "Email",
    "Fax", "HomePhone",
    "Id", "LastModifiedById", "LastModifiedDate", "MasterLabel", "MobilePhone", "Name", "OtherPhone", "OwnerId", "Phone",
    "Title", "WhatId", "WhoId",
})  # fmt: skip
"""Fields of Salesforce that the project names. Another one is a mistake until it is written here."""
_STANDARD_OBJECTS = frozenset({"Account", "Activity", "Case", "Contact", "Event", "Lead", "Task", "User"})
_STANDARD_COMPONENTS = re.compile(r"(force|flexipage|opencti|runtime_omnichannel|omni|record_flexipage):\w+")
_CODE = re.compile(
    r"@salesforce/(label|apex|schema|messageChannel|customPermission)/([\w.]+)|from\s+['\"]c/(\w+)['\"]"
)
_TAG = re.compile(r"<c-([a-z][a-z0-9-]*)")
_TRANSLATED = ("customApplications", "customTabs", "customLabels")


def text(node: Node, tag: str) -> str | None:
    """The text of a child."""
    found = node.find(f"{{*}}{tag}")
    return None if found is None else (found.text or "").strip()


def texts(node: Node, tag: str) -> list[str]:
    """The texts of all elements of that name, at any depth."""
    return [(found.text or "").strip() for found in node.iter(f"{{*}}{tag}")]


class Project:
    """The files of the project, and the names they give."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = {path: read(path) for path in sorted(root.rglob("*-meta.xml"))}
        self.objects: set[str] = set()
        self.fields: dict[str, dict[str, Node]] = {}
        self.named: dict[str, dict[str, Node]] = {}
        for path, node in self.files.items():
            kind, name = local(node), self.name_of(path)
            if kind == "CustomObject":
                self.objects.add(name)
            elif kind == "CustomField":
                self.fields.setdefault(path.parents[1].name, {})[text(node, "fullName") or name] = node
            elif kind == "CustomLabels":
                for label in node:
                    self.named.setdefault("CustomLabel", {})[text(label, "fullName") or ""] = label
                continue
            self.named.setdefault(kind, {})[name] = node

    @staticmethod
    def name_of(path: Path) -> str:
        """A component's name: its file's, with its folder's for what stands in folders."""
        name = path.name.removesuffix("-meta.xml").rpartition(".")[0]
        return f"{path.parent.name}/{name}" if path.parent.parent.name in ("reports", "dashboards") else name

    def has(self, kind: str, name: str | None) -> bool:
        return bool(name) and name in self.named.get(kind, {})

    def field(self, object_name: str, field: str) -> bool:
        """Whether an object has a field: one of the project's, or a known one of Salesforce."""
        own = self.fields.get("Activity" if object_name in ("Task", "Event") else object_name, {})
        return field in own or field in _STANDARD_FIELDS


def problems_of(project: Project) -> Iterator[tuple[Path, str]]:
    """Every name that is the name of nothing, with the file that says it."""
    checks = {
        "CompactLayout": _columns, "ListView": _columns, "CustomApplication": _application, "CustomField": _field,
        "CustomFieldTranslation": _field_translation, "CustomMetadata": _metadata_record, "CustomObject": _object,
        "CustomTab": _tab, "CallCenter": _call_center, "Dashboard": _dashboard, "FlexiPage": _page, "Layout": _layout,
        "ExternalCredential": _references, "NamedCredential": _references, "ExtlClntAppOauthSettings": _references,
        "ExtlClntAppGlobalOauthSettings": _references, "PermissionSet": _permission_set, "Report": _report,
        "Translations": _translations,
    }  # fmt: skip
    for path, node in project.files.items():
        check = checks.get(local(node))
        for problem in check(project, path, node) if check else ():
            yield path, problem
        for problem in _lengths(node):
            yield path, problem
    yield from _untranslated(project)
    yield from _code(project)


def _lengths(node: Node) -> Iterator[str]:
    for tag, most in (("label", 80), ("inlineHelpText", 510), ("description", 1000), ("help", 510)):
        limit = 40 if tag == "label" and local(node) in ("CustomObject", "CustomField") else most
        if len(text(node, tag) or "") > limit:
            yield f"<{tag}> is longer than {limit} characters"


def _tab(project: Project, path: Path, node: Node) -> Iterator[str]:
    name = project.name_of(path)
    if text(node, "customObject") == "true" and name not in project.objects:
        yield f"the tab's object {name} is not there"
    yield from _named(project, node, {"lwcComponent": "LightningComponentBundle", "flexiPage": "FlexiPage"})


def _named(project: Project, node: Node, kinds: dict[str, str]) -> Iterator[str]:
    for tag, kind in kinds.items():
        for name in texts(node, tag):
            if not project.has(kind, name):
                yield f"there is no {kind} {name}"


def _references(project: Project, path: Path, node: Node) -> Iterator[str]:
    yield from _named(
        project,
        node,
        {
            "externalAuthIdentityProvider": "ExternalAuthIdentityProvider",
            "externalClientApplication": "ExternalClientApplication",
            "externalCredential": "ExternalCredential",
        },
    )


def _application(project: Project, path: Path, node: Node) -> Iterator[str]:
    shown = set(texts(node, "tabs"))
    for name in shown:
        if not name.startswith("standard-") and not project.has("CustomTab", name):
            yield f"there is no CustomTab {name}"
    for name in texts(node, "tab"):
        if name not in shown:
            yield f"{name} is in the workspace but not among the app's tabs"
    bar = text(node, "utilityBar")
    if bar is not None:
        page = project.named.get("FlexiPage", {}).get(bar)
        if page is None or text(page, "type") != "UtilityBar":
            yield f"there is no utility bar {bar}"
    yield from _named(project, node, {"content": "FlexiPage"})


def _page(project: Project, path: Path, node: Node) -> Iterator[str]:
    for name in texts(node, "componentName"):
        own = name.removeprefix("c:")
        if ":" in own:
            if not _STANDARD_COMPONENTS.fullmatch(own):
                yield f"there is no component {name}"
        elif not project.has("LightningComponentBundle", own) and not project.has(
            "AuraDefinitionBundle", own
        ):
            yield f"there is no component {name}"
    about = text(node, "sobjectType")
    if about is not None and about not in project.objects | _STANDARD_OBJECTS:
        yield f"there is no object {about}"


def _object(project: Project, path: Path, node: Node) -> Iterator[str]:
    name = project.name_of(path)
    compact = text(node, "compactLayoutAssignment")
    if compact not in (None, "SYSTEM"):
        layouts = [found.name for found in path.parent.glob("compactLayouts/*")]
        if f"{compact}.compactLayout-meta.xml" not in layouts:
            yield f"there is no compact layout {compact}"
    yield from _named(project, node, {"content": "FlexiPage"})
    if not text(node, "description"):
        yield f"{name} has no description"
    if f"{name}-ja" not in project.named.get("CustomObjectTranslation", {}):
        yield f"{name} has no Japanese"


def _field(project: Project, path: Path, node: Node) -> Iterator[str]:
    to = text(node, "referenceTo")
    if to is not None and to not in project.objects | _STANDARD_OBJECTS:
        yield f"there is no object {to}"
    if text(node, "fullName") != project.name_of(path):
        yield f"the file is not named after {text(node, 'fullName')}"
    if not text(node, "description"):
        yield "the field has no description"
    translated = project.root.rglob(
        f"{path.parents[1].name}-ja/{project.name_of(path)}.fieldTranslation-meta.xml"
    )
    if next(translated, None) is None:
        yield "the field has no Japanese"


def _field_translation(project: Project, path: Path, node: Node) -> Iterator[str]:
    object_name, name = path.parent.name.removesuffix("-ja"), text(node, "name") or ""
    field = project.fields.get(object_name, {}).get(name)
    if field is None:
        yield f"there is no field {object_name}.{name}"
    elif not text(node, "label"):
        yield "the label is missing"
    elif (text(field, "inlineHelpText") is None) != (text(node, "help") is None):
        yield "help is there in one language only"


def _columns(project: Project, path: Path, node: Node) -> Iterator[str]:
    object_name = path.parents[1].name
    for tag in ("columns", "field", "fields"):
        for name in texts(node, tag):
            if name != "NAME" and not project.field(object_name, name):
                yield f"there is no field {object_name}.{name}"


def _layout(project: Project, path: Path, node: Node) -> Iterator[str]:
    object_name = project.name_of(path).partition("-")[0]
    if object_name not in project.objects:
        yield f"there is no object {object_name}"
    placed = texts(node, "field")
    for name in placed:
        if not project.field(object_name, name):
            yield f"there is no field {object_name}.{name}"
    for name, field in project.fields.get(object_name, {}).items():
        if text(field, "required") == "true" and name not in placed:
            yield f"the required field {name} is not on the layout"


def _permission_set(project: Project, path: Path, node: Node) -> Iterator[str]:
    yield from _named(project, node, {"apexClass": "ApexClass", "application": "CustomApplication"})
    for name in texts(node, "tab"):
        if not project.has("CustomTab", name):
            yield f"there is no CustomTab {name}"
    opened = set(texts(node, "object"))
    for name in opened:
        if name not in project.objects | _STANDARD_OBJECTS:
            yield f"there is no object {name}"
    for full in texts(node, "field"):
        object_name, _, name = full.partition(".")
        if not project.field(object_name, name):
            yield f"there is no field {full}"
        field = project.fields.get(object_name, {}).get(name)
        if field is not None and text(field, "required") == "true":
            yield f"{full} is required: a permission set cannot name it"
        if object_name not in opened and object_name not in ("Task", "Event"):
            yield f"{full} is opened without its object"
    for tag, suffix in (("customSettingAccesses", "__c"), ("customMetadataTypeAccesses", "__mdt")):
        for found in node.iter(f"{{*}}{tag}"):
            name = text(found, "name") or ""
            setting = project.named.get("CustomObject", {}).get(name)
            fits = setting is not None and (suffix == "__mdt" or text(setting, "customSettingsType"))
            if not fits or not name.endswith(suffix):
                yield f"there is no {tag} {name}"
    for principal in texts(node, "externalCredentialPrincipal"):
        name, _, wanted = principal.partition("-")
        found = project.named.get("ExternalCredential", {}).get(name)
        if found is None or wanted not in texts(found, "parameterName"):
            yield f"there is no principal {principal}"


def _metadata_record(project: Project, path: Path, node: Node) -> Iterator[str]:
    kind = f"{project.name_of(path).partition('.')[0]}__mdt"
    if kind not in project.objects:
        yield f"there is no type {kind}"
    for name in texts(node, "field"):
        if name not in project.fields.get(kind, {}):
            yield f"there is no field {kind}.{name}"


def _call_center(project: Project, path: Path, node: Node) -> Iterator[str]:
    for item in node.iter("{*}items"):
        if text(item, "name") == "reqAdapterUrl" and text(item, "value") != text(node, "adapterUrl"):
            yield "adapterUrl and reqAdapterUrl differ"


def _report(project: Project, path: Path, node: Node) -> Iterator[str]:
    if not (path.parent.parent / f"{path.parent.name}.reportFolder-meta.xml").exists():
        yield f"there is no folder {path.parent.name}"
    about = (text(node, "reportType") or "").removeprefix("CustomEntity$")
    if about not in project.objects:
        yield f"there is no object {about}"
    for tag in ("field", "column", "dateColumn"):
        for full in texts(node, tag):
            object_name, _, name = full.partition(".")
            if full != "CUST_NAME" and not (object_name == about and project.field(about, name)):
                yield f"there is no column {full}"


def _dashboard(project: Project, path: Path, node: Node) -> Iterator[str]:
    yield from _named(project, node, {"report": "Report"})


def _translations(project: Project, path: Path, node: Node) -> Iterator[str]:
    for tag in _TRANSLATED:
        kind = {"customApplications": "CustomApplication", "customTabs": "CustomTab"}.get(tag, "CustomLabel")
        for found in node.iter(f"{{*}}{tag}"):
            if not project.has(kind, text(found, "name")):
                yield f"there is no {kind} {text(found, 'name')}"


def _untranslated(project: Project) -> Iterator[tuple[Path, str]]:
    """Apps, tabs with labels of their own and custom labels that have no Japanese."""
    for path, node in project.files.items():
        if local(node) != "Translations" or project.name_of(path) != "ja":
            continue
        said = {tag: {text(found, "name") for found in node.iter(f"{{*}}{tag}")} for tag in _TRANSLATED}
        tabs = {name for name, tab in project.named.get("CustomTab", {}).items() if text(tab, "label")}
        for tag, names in (
            ("customApplications", set(project.named.get("CustomApplication", {}))),
            ("customTabs", tabs),
            ("customLabels", set(project.named.get("CustomLabel", {}))),
        ):
            for name in sorted(names - said[tag]):
                yield path, f"{name} has no Japanese among the {tag}"


def _code(project: Project) -> Iterator[tuple[Path, str]]:
    """What components' code imports from the org and from each other."""
    bundles = project.named.get("LightningComponentBundle", {})
    for path in sorted((*project.root.rglob("lwc/*/*.js"), *project.root.rglob("lwc/*/*.html"))):
        content = path.read_text("utf-8")
        for kind, name, component in _CODE.findall(content):
            if component and component not in bundles:
                yield path, f"there is no component c/{component}"
            elif kind and not _imported(project, kind, name):
                yield path, f"there is no {kind} {name}"
        for tag in _TAG.findall(content) if path.suffix == ".html" else ():
            name = re.sub(r"-([a-z0-9])", lambda found: found.group(1).upper(), tag)
            if name not in bundles:
                yield path, f"there is no component <c-{tag}>"


def _imported(project: Project, kind: str, name: str) -> bool:
    if kind == "label":
        return project.has("CustomLabel", name.removeprefix("c."))
    if kind == "messageChannel":
        return project.has("LightningMessageChannel", name.removesuffix("__c"))
    if kind == "customPermission":
        return project.has("CustomPermission", name)
    owner, _, member = name.partition(".")
    if kind == "schema":
        known = owner in project.objects | _STANDARD_OBJECTS
        return known and (not member or project.field(owner, member.partition(".")[0]))
    for path in project.root.rglob(f"classes/{owner}.cls"):
        return re.search(rf"@AuraEnabled[^;{{]*\b{member}\s*\(", path.read_text("utf-8")) is not None
    return False
