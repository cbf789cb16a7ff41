"""Metadata deployment: a package becomes objects, fields, call centers and OAuth clients, or nothing happens.

One transaction for the whole package, DDL included; a second deployment of the same package changes nothing.
What is deployed takes effect with the next request.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg

from . import person_accounts
from .callcenters import store_call_center
from .deploy_access import deploy_metadata_record, deploy_permission_set, deploy_record_type
from .deploy_apps import AppDeployment
from .deploy_assignment import deploy_assignment_rules
from .deploy_rules import deploy_duplicate_rule, deploy_matching_rules, deploy_validation_rule
from .errors import Fault
from .fields import (
    hierarchy_setting_fields,
    id_field,
    metadata_type_fields,
    name_field,
    owner_field,
    platform_event_fields,
    system_fields,
)
from .metadata import Catalogue, Field, FieldType, Kind, ObjectType, PicklistValue
from .package import FOLDERS, PARTS, Node, Package, Problem, read_node
from .permissions import open_fields, open_object, opened
from .rest import Call
from .schema import (
    add_field,
    create_object,
    load_catalogue,
    next_key_prefix,
    update_field,
    update_object,
    with_field,
)
from .shares import objects as share_objects
from .shares.rules import deploy_sharing_rules
from .softphone import Definition, check_adapter_url

_CUSTOM_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")
_EVENT_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__e")
_TYPE_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__mdt")
_MAX_FIELDS = 500

_OBJECT_ELEMENTS = frozenset({
    "actionOverrides", "allowInChatterGroups", "compactLayoutAssignment", "customSettingsType",
    "deploymentStatus", "description", "enableActivities", "enableBulkApi", "enableFeeds", "enableHistory",
    "enableLicensing", "enableReports", "enableSearch", "enableSharing", "enableStreamingApi",
    "externalSharingModel", "fields", "fullName", "gender", "label", "listViews", "nameField", "pluralLabel",
    "eventType", "publishBehavior", "recordTypes", "searchLayouts", "sharingModel", "startsWith", "validationRules",
    "visibility",
})  # fmt: skip
_FIELD_ELEMENTS = frozenset({
    "caseSensitive", "defaultValue", "deleteConstraint", "description", "displayFormat", "externalId",
    "fullName", "inlineHelpText", "label", "length", "precision", "referenceTo", "relationshipLabel",
    "relationshipName", "relationshipOrder", "reparentableMasterDetail", "required", "scale", "startingNumber",
    "trackFeedHistory", "trackHistory", "trackTrending", "type", "unique", "valueSet", "visibleLines",
    "writeRequiresMasterRead",
})  # fmt: skip
_TYPES: dict[str, FieldType] = {
    "Text": "string",
    "TextArea": "textarea",
    "LongTextArea": "textarea",
    "Number": "double",
    "Currency": "currency",
    "Percent": "percent",
    "Checkbox": "boolean",
    "DateTime": "datetime",
    "Date": "date",
    "Time": "time",
    "AutoNumber": "string",
    "MultiselectPicklist": "multipicklist",
    "MasterDetail": "reference",
    "Phone": "phone",
    "Email": "email",
    "Picklist": "picklist",
    "Lookup": "reference",
    "Url": "url",
}
_LENGTHS = {
    "TextArea": 255,
    "Phone": 40,
    "Email": 80,
    "Picklist": 255,
    "Url": 255,
    "MultiselectPicklist": 4099,
    "AutoNumber": 30,
}
_KEYED = frozenset({"Text", "Number", "Email"})
_KINDS: dict[str, Kind] = {
    "Type": "metadata_type",
    "Event": "platform_event",
    "List": "list_setting",
    "Hierarchy": "hierarchy_setting",
    "Custom": "custom",
}
_SHARING = ("ReadWrite", "Read", "Private", "ControlledByParent")


@dataclass
class Outcome:
    """What became of one component."""

    type: str
    name: str
    file: str
    created: bool = False
    changed: bool = False
    id: str = ""
    problem: str | None = None
    line: int | None = None

    def as_json(self, now: str) -> dict[str, Any]:
        """As deployments report it."""
        row: dict[str, Any] = {
            "componentType": self.type,
            "fullName": self.name,
            "fileName": self.file,
            "created": self.created,
            "changed": self.changed,
            "deleted": False,
            "success": self.problem is None,
            "createdDate": now,
            "id": self.id or None,
            "warning": False,
        }
        if self.problem is not None:
            row |= {
                "problem": self.problem,
                "problemType": "Error",
                "lineNumber": self.line,
                "columnNumber": 1 if self.line else None,
            }
        return row


@dataclass
class _Deployment:
    """A package on its way into an org, within one transaction."""

    call: Call
    package: Package
    catalogue: Catalogue
    outcomes: list[Outcome] = field(default_factory=list[Outcome])

    @property
    def conn(self) -> Any:
        return self.call.conn

    @property
    def to_users(self) -> bool:
        """Whether what is made opens to profile Standard User: not where the package says itself who may see it."""
        return not self.package.names("PermissionSet")

    async def each(self, type_name: str, work: Callable[[str, Node, Outcome], Awaitable[None]]) -> None:
        """Runs `work` for every component of a type; a problem is noted and the next one tried."""
        for name in self.package.names(type_name):
            path = self.package.path_of(type_name, name)
            outcome = Outcome(type_name, name, path)
            self.outcomes.append(outcome)
            await self.attempt(outcome, lambda n=name, p=path, o=outcome: self._one(type_name, n, p, o, work))

    async def _one(
        self,
        type_name: str,
        name: str,
        path: str,
        outcome: Outcome,
        work: Callable[[str, Node, Outcome], Awaitable[None]],
    ) -> None:
        await work(name, read_node(self.package.files[path], type_name), outcome)

    async def attempt(self, outcome: Outcome, work: Callable[[], Awaitable[None]]) -> None:
        """One component in a savepoint, so that later ones can still report their own problems."""
        try:
            async with self.conn.transaction():
                await work()
        except Problem as problem:
            outcome.problem, outcome.line = problem.message, problem.line
        except Fault as fault:
            outcome.problem = fault.message
        except asyncpg.exceptions.UniqueViolationError:
            outcome.problem = "duplicate value found: existing records have the same value in a unique field"
        except asyncpg.exceptions.TooManyColumnsError:
            outcome.problem = "The object has too many fields"

    async def reload(self) -> None:
        """Sees what has just been made."""
        self.catalogue = await load_catalogue(self.conn)


async def run(call: Call, package: Package) -> list[Outcome]:
    """Deploys everything, in the order in which parts need each other. The caller commits or rolls back."""
    deployment = _Deployment(call, package, call.catalogue.whole)
    _check_manifest(deployment)
    nodes: dict[str, Node] = {}

    async def object_itself(name: str, node: Node, outcome: Outcome) -> None:
        nodes[name] = node
        await _deploy_object(deployment, name, node, outcome)

    await deployment.each("CustomObject", object_itself)
    await deployment.reload()
    for name, node in nodes.items():
        path = package.path_of("CustomObject", name)
        for element in node.all("fields"):
            full_name = element.get("fullName") or "?"
            outcome = Outcome("CustomField", f"{name}.{full_name}", path)
            deployment.outcomes.append(outcome)
            await deployment.attempt(
                outcome, lambda n=name, e=element, o=outcome: _deploy_field(deployment, n, e, o)
            )
            await deployment.reload()
        for element in node.all("recordTypes"):
            outcome = Outcome("RecordType", f"{name}.{element.get('fullName') or '?'}", path)
            deployment.outcomes.append(outcome)
            await deployment.attempt(
                outcome, lambda n=name, e=element, o=outcome: _deploy_record_type(deployment, n, e, o)
            )
            await deployment.reload()
    await deployment.each("CustomMetadata", lambda n, e, o: _deploy_metadata_record(deployment, n, e, o))
    await deployment.each("PermissionSet", lambda n, e, o: _deploy_permission_set(deployment, n, e, o))
    for name, node in nodes.items():
        for element in node.all("validationRules"):
            full_name = element.get("fullName") or "?"
            outcome = Outcome("ValidationRule", f"{name}.{full_name}", package.path_of("CustomObject", name))
            deployment.outcomes.append(outcome)
            await deployment.attempt(
                outcome, lambda n=name, e=element, o=outcome: _deploy_validation_rule(deployment, n, e, o)
            )
    await deployment.each("MatchingRules", lambda n, e, o: _deploy_matching_rules(deployment, n, e, o))
    await deployment.each("DuplicateRule", lambda n, e, o: _deploy_duplicate_rule(deployment, n, e, o))
    await share_objects.ensure(call.conn)
    await deployment.reload()
    await deployment.each("SharingRules", lambda n, e, o: _deploy_sharing_rules(deployment, n, e, o))
    await deployment.each("AssignmentRules", lambda n, e, o: _deploy_assignment_rules(deployment, n, e, o))
    await deployment.each("CustomObjectTranslation", lambda n, e, o: _deploy_translation(deployment, n, e, o))
    await deployment.each("CallCenter", lambda n, e, o: _deploy_call_center(deployment, n, e, o))
    apps = AppDeployment(deployment)
    await deployment.each("ExternalClientApplication", apps.application)
    await deployment.each("ExtlClntAppOauthSettings", apps.oauth_settings)
    await deployment.each("ExtlClntAppGlobalOauthSettings", apps.global_settings)
    await deployment.each("ExtlClntAppOauthConfigurablePolicies", apps.policies)
    await apps.store()
    await deployment.each("ConnectedApp", apps.connected_app)
    return deployment.outcomes


def _check_manifest(deployment: _Deployment) -> None:
    package = deployment.package
    for type_name, members in package.members.items():
        if type_name in PARTS:
            continue
        if type_name not in FOLDERS:
            outcome = Outcome(type_name, "", "package.xml")
            outcome.problem = f"Unknown type name '{type_name[:60]}' specified in package.xml"
            deployment.outcomes.append(outcome)
            continue
        present = set(package.names(type_name))
        for member in sorted(members - present - {"*"}):
            outcome = Outcome(type_name, member, "package.xml")
            outcome.problem = (
                f"Entity of type '{type_name}' named '{member[:80]}' was found in package.xml, but was not found in "
                "zipped directory"
            )
            deployment.outcomes.append(outcome)
    for part, whole in PARTS.items():
        present_objects = set(package.names(whole))
        for member in sorted(package.members.get(part, frozenset())):
            if member != "*" and member.split(".")[0] not in present_objects:
                outcome = Outcome(part, member, "package.xml")
                outcome.problem = f"In field: fullName - no {part} named {member[:80]} found"
                deployment.outcomes.append(outcome)


# -- objects and fields --------------------------------------------------------------------------------------


async def _deploy_object(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    node.only(_OBJECT_ELEMENTS, "CustomObject")
    if name in ("Task", "Event") and node.all("fields"):
        raise Problem(f"Entity Enumeration Or ID: bad value for restricted picklist field: {name}", node.line)
    known = deployment.catalogue.get(name)
    if name == "Activity" or (known is not None and not known.custom):
        await _share(deployment, known, node, outcome)
        return  # a standard object: its fields and its sharing are taken
    setting = node.get("customSettingsType")
    if setting not in (None, "List", "Hierarchy"):
        raise Problem(f"customSettingsType {setting} is not supported by this org", node.line)
    is_type = _TYPE_NAME.fullmatch(name) is not None
    is_event = _EVENT_NAME.fullmatch(name) is not None
    if (
        not (is_type or is_event or _CUSTOM_NAME.fullmatch(name))
        or len(name) > 43
        or ((is_type or is_event) and setting)
    ):
        raise Problem(
            f"The object name {name[:60]!r} is not valid: it must end with __c, __e or __mdt", node.line
        )
    label = node.need("label")[:40]
    plural = node.get("pluralLabel") or label
    kind = _KINDS["Type" if is_type else "Event" if is_event else setting or "Custom"]
    if known is not None:
        if known.kind != kind:
            raise Problem("A custom object cannot be changed into a custom setting, or back", node.line)
        wanted = replace(
            known,
            label=label,
            label_plural=plural,
            activities=known.activities or node.flag("enableActivities"),
            sharing=_sharing_of(known, node),
        )
        outcome.changed = wanted != known
        if outcome.changed:
            await update_object(deployment.conn, wanted)
        return
    fields = [id_field(), *_own_fields(node, kind)]
    prefix = await next_key_prefix(deployment.conn)
    value = ObjectType(
        name=name,
        label=label,
        label_plural=plural,
        key_prefix=f"{'m' if is_type else 'e'}{prefix[1:]}" if is_type or is_event else prefix,
        kind=kind,
        setup=kind != "custom",
        searchable=kind == "custom" and node.get("enableSearch") != "false",
        activities=node.flag("enableActivities"),
        createable=not is_type,
        updateable=not (is_type or is_event),
        deletable=not (is_type or is_event),
        fields={item.name: item for item in fields},
    )
    value = replace(value, sharing=_sharing_of(value, node))
    await create_object(deployment.conn, value)
    await open_object(deployment.conn, value, to_users=deployment.to_users)
    outcome.created = outcome.changed = True
    await deployment.reload()


def _sharing_of(value: ObjectType, node: Node) -> Any:
    """The organization-wide default that the file says, else the one there is."""
    model = node.get("sharingModel")
    if model is None or (value.kind != "custom" and value.custom):
        return value.sharing
    if model == "ReadWriteTransfer":
        model = "ReadWrite"
    if model not in _SHARING:
        raise Problem(f"sharingModel {model[:40]} is not supported by this org", node.line)
    if (
        model == "ControlledByParent"
        and value.custom
        and not any(field_node.get("type") == "MasterDetail" for field_node in node.all("fields"))
        and value.master is None
    ):
        raise Problem("sharingModel ControlledByParent needs a master-detail relationship", node.line)
    return model


async def _share(deployment: _Deployment, known: ObjectType | None, node: Node, outcome: Outcome) -> None:
    """Sharing of a standard object; of activities: of tasks and events."""
    names = ("Task", "Event") if known is None else (known.name,)
    for name in names:
        value = deployment.catalogue.objects[name]
        wanted = replace(value, sharing=_sharing_of(value, node))
        if wanted != value:
            await update_object(deployment.conn, wanted)
            outcome.changed = True


def _own_fields(node: Node, kind: str) -> list[Field]:
    if kind == "metadata_type":
        return metadata_type_fields()
    if kind == "platform_event":
        return platform_event_fields()
    if kind == "list_setting":
        return [name_field(38, "Name", "名前", unique=True), *system_fields()]
    if kind == "hierarchy_setting":
        return [*hierarchy_setting_fields(), *system_fields()]
    details = any(element.get("type") == "MasterDetail" for element in node.all("fields"))
    owner = [] if details else [owner_field(queues=True)]
    return [_name_of(node), *owner, *system_fields()]


def _name_of(node: Node) -> Field:
    naming = node.all("nameField")
    if not naming:
        raise Problem("Required field is missing: nameField", node.line)
    label = naming[0].need("label")
    kind = naming[0].need("type")
    if kind == "Text":
        return name_field(80, label, label, required=False)
    if kind != "AutoNumber":
        raise Problem(f"nameField type {kind[:40]} is not valid", naming[0].line)
    pattern = _display_format(naming[0])
    return name_field(80, label, label, createable=False, updateable=False, auto_number=pattern)


def _display_format(node: Node) -> str:
    pattern = node.get("displayFormat") or "{0}"
    if not re.fullmatch(r"[^{}]{0,20}\{0{1,10}\}[^{}]{0,10}", pattern):
        raise Problem(f"displayFormat {pattern[:40]!r} is not valid", node.line)
    return pattern


async def _deploy_record_type(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    value = deployment.catalogue.objects.get(name)
    if value is None:
        raise Problem(f"In field: fullName - no CustomObject named {name[:60]} found", node.line)
    outcome.created, outcome.changed, outcome.id = await deploy_record_type(deployment.call, value, node)


async def _deploy_permission_set(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    outcome.created, outcome.changed, outcome.id = await deploy_permission_set(
        deployment.call, deployment.catalogue, name, node
    )


async def _deploy_metadata_record(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    outcome.created, outcome.changed, outcome.id = await deploy_metadata_record(
        deployment.call, deployment.catalogue, name, node
    )


async def _deploy_field(deployment: _Deployment, object_name: str, node: Node, outcome: Outcome) -> None:
    if object_name in ("Task", "Event"):
        raise Problem(
            f"Entity Enumeration Or ID: bad value for restricted picklist field: {object_name}", node.line
        )
    item = _read_field(deployment.catalogue, node)
    targets = ("Task", "Event") if object_name == "Activity" else (object_name,)
    for target in targets:
        value = deployment.catalogue.get(target)
        if value is None:
            raise Problem(f"In field: fullName - no CustomObject named {object_name} found", node.line)
        if value.shares is not None:
            raise Problem(f"{value.name} takes no fields", node.line)
        old = value.get(item.name)
        if old is None:
            if len(value.fields) >= _MAX_FIELDS:
                raise Problem(f"The object cannot have more than {_MAX_FIELDS} fields", node.line)
            await add_field(deployment.conn, value, item)
            await open_fields(
                deployment.conn, value, opened(with_field(value, item), item), to_users=deployment.to_users
            )
            if target == "Contact":
                await person_accounts.follow_field(
                    deployment.conn, deployment.catalogue, item, to_users=deployment.to_users
                )
            outcome.created = outcome.changed = True
            continue
        if old.name != item.name:
            raise Problem(f"There is already a field named {old.name} on {target}", node.line)
        if old.type != item.type or old.reference_to != item.reference_to:
            raise Problem(f"Cannot change the type of field {item.name}", node.line)
        if old.master != item.master:
            raise Problem(f"Cannot change the type of field {item.name}", node.line)
        wanted = replace(item, label_ja=old.label_ja, picklist=_keep_labels(old, item))
        if wanted != old:
            await update_field(deployment.conn, value, old, wanted)
            if target == "Contact":
                await person_accounts.follow_field(
                    deployment.conn, deployment.catalogue, wanted, to_users=deployment.to_users
                )
            outcome.changed = True


def _keep_labels(old: Field, item: Field) -> tuple[PicklistValue, ...]:
    known = {choice.value: choice.label_ja for choice in old.picklist}
    return tuple(replace(choice, label_ja=known.get(choice.value)) for choice in item.picklist)


def _read_field(catalogue: Catalogue, node: Node) -> Field:
    node.only(_FIELD_ELEMENTS, "CustomField")
    name = node.need("fullName")
    kind = node.need("type")
    if not _CUSTOM_NAME.fullmatch(name) or len(name) > 43:
        raise Problem(f"The field name {name[:60]!r} is not valid: it must end with __c", node.line)
    if kind not in _TYPES:
        raise Problem(f"Field type {kind[:40]} is not supported by this org", node.line)
    for tag in ("externalId", "unique"):
        if node.flag(tag) and kind not in _KEYED:
            raise Problem(f"Can not specify '{tag}' for a CustomField of type {kind}", node.line)
    values: dict[str, Any] = {
        "name": name,
        "type": _TYPES[kind],
        "label": node.need("label")[:40],
        "custom": True,
        "length": _LENGTHS.get(kind, 0),
        "required": node.flag("required"),
        "unique": node.flag("unique"),
        "external_id": node.flag("externalId"),
        "case_sensitive": node.flag("caseSensitive"),
        "multiline": kind in ("TextArea", "LongTextArea"),
        "filterable": kind != "LongTextArea",
    }
    default = node.get("defaultValue")
    if kind == "Text":
        node.need("length")
        values["length"] = node.number("length", 255, 1, 255)
    elif kind == "LongTextArea":
        values["length"] = node.number("length", 32_768, 256, 131_072)
    elif kind in ("Number", "Currency", "Percent"):
        values["precision"] = node.number("precision", 18, 1, 18)
        values["scale"] = node.number("scale", 0, 0, 17)
        if values["scale"] > values["precision"]:
            raise Problem("scale must not exceed precision", node.line)
    elif kind == "Checkbox":
        if default not in ("true", "false"):
            raise Problem("A checkbox needs a defaultValue of true or false", node.line)
        values["default"] = default == "true"
        values["required"] = False
        default = None
    elif kind == "AutoNumber":
        values |= {"auto_number": _display_format(node), "createable": False, "updateable": False}
    elif kind in ("Picklist", "MultiselectPicklist"):
        values["picklist"], values["restricted"] = _picklist(node)
    elif kind in ("Lookup", "MasterDetail"):
        target = catalogue.get(node.need("referenceTo"))
        if target is None:
            raise Problem(
                f"referenceTo value of '{node.need('referenceTo')[:60]}' does not resolve to a valid sObject type",
                node.line,
            )
        master = kind == "MasterDetail"
        if master and (target.setup or target.name in ("Lead", "Task", "Event")):
            raise Problem(f"{target.name} cannot be the master of a master-detail relationship", node.line)
        constraint = "Cascade" if master else node.get("deleteConstraint") or "SetNull"
        if constraint not in ("SetNull", "Cascade", "Restrict"):
            raise Problem(f"deleteConstraint {constraint[:40]} is not valid", node.line)
        values |= {
            "length": 18,
            "reference_to": (target.name,),
            "relationship": name.removesuffix("__c") + "__r",
            "child_relationship": node.get("relationshipName"),
            "on_delete": {"SetNull": "set_null", "Cascade": "cascade", "Restrict": "restrict"}[constraint],
            "master": master,
        }
        if master:
            values |= {"required": True, "updateable": node.flag("reparentableMasterDetail")}
    if default is not None and kind in ("Text", "Picklist", "Number"):
        values["default"] = default.strip('"')
    return Field(**values)


def _picklist(node: Node) -> tuple[tuple[PicklistValue, ...], bool]:
    sets = node.all("valueSet")
    definitions = sets[0].all("valueSetDefinition") if sets else []
    if not definitions:
        raise Problem("A picklist needs a valueSet with a valueSetDefinition", node.line)
    found = [
        PicklistValue(
            value.need("fullName"), value.get("label") or value.need("fullName"), None, value.flag("default")
        )
        for value in definitions[0].all("value")
    ]
    if len({choice.value for choice in found}) != len(found):
        raise Problem("A picklist must not have a value twice", definitions[0].line)
    return tuple(found), sets[0].flag("restricted")


async def _deploy_validation_rule(
    deployment: _Deployment, object_name: str, node: Node, outcome: Outcome
) -> None:
    instance = deployment.call.org.instance
    outcome.id, outcome.created, outcome.changed = await deploy_validation_rule(
        deployment.conn, deployment.catalogue, instance, object_name, node
    )


async def _deploy_matching_rules(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    outcome.id, outcome.created, outcome.changed = await deploy_matching_rules(
        deployment.conn, deployment.catalogue, name, node
    )


async def _deploy_duplicate_rule(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    outcome.id, outcome.created, outcome.changed = await deploy_duplicate_rule(
        deployment.conn, deployment.catalogue, name, node
    )


async def _deploy_sharing_rules(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    outcome.id, outcome.created, outcome.changed = await deploy_sharing_rules(deployment.conn, name, node)
    await deployment.reload()


async def _deploy_assignment_rules(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    outcome.id, outcome.created, outcome.changed = await deploy_assignment_rules(
        deployment.conn, deployment.catalogue, deployment.call.caller.user_id, name, node
    )


async def _deploy_translation(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    """Labels of an object and its fields in Japanese (`Object-ja`)."""
    object_name, _, language = name.rpartition("-")
    if language != "ja":
        raise Problem(f"The language {language[:10]} is not enabled in this org", node.line)
    targets = ("Task", "Event") if object_name == "Activity" else (object_name,)
    for target in targets:
        value = deployment.catalogue.get(target)
        if value is None:
            raise Problem(f"In field: fullName - no CustomObject named {object_name[:60]} found", node.line)
        labels = [case.need("value") for case in node.all("caseValues")]
        if labels and value.custom and value.label_ja != labels[0]:
            await update_object(
                deployment.conn, replace(value, label_ja=labels[0], label_plural_ja=labels[-1])
            )
            outcome.changed = True
        for element in node.all("fields"):
            item = value.get(element.need("name"))
            if item is None:
                raise Problem(
                    f"In field: field - no CustomField named {element.need('name')[:60]} found", element.line
                )
            labels_of_values = {
                part.need("masterLabel"): part.get("translation") for part in element.all("picklistValues")
            }
            wanted = replace(
                item,
                label_ja=element.get("label") or item.label_ja,
                picklist=tuple(
                    replace(choice, label_ja=labels_of_values.get(choice.label) or choice.label_ja)
                    for choice in item.picklist
                ),
            )
            if wanted != item:
                await update_field(deployment.conn, value, item, wanted)
                outcome.changed = True
    await deployment.reload()


# -- call centers --------------------------------------------------------------------------------------------


async def _deploy_call_center(deployment: _Deployment, name: str, node: Node, outcome: Outcome) -> None:
    node.only(
        frozenset({"adapterUrl", "customSettings", "displayName", "displayNameLabel", "internalNameLabel",
                   "sections", "version", "fullName", "contactCenterChannels"}),
        "CallCenter",
    )  # fmt: skip
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,39}", name):
        raise Problem(f"The internal name {name[:60]!r} is not valid", node.line)
    sections: list[dict[str, Any]] = [
        {
            "name": section.need("name"),
            "label": section.get("label"),
            "items": [
                {"name": item.need("name"), "label": item.get("label"), "value": item.get("value") or ""}
                for item in section.all("items")
            ],
        }
        for section in node.all("sections")
    ]
    general = next((section for section in sections if section["name"] == "reqGeneralInfo"), None)
    if general is None:
        general = dict[str, Any](name="reqGeneralInfo", label="General Information", items=[])
        sections.insert(0, general)
    items: list[dict[str, Any]] = general["items"]
    given: dict[str, str] = {"reqAdapterUrl": node.get("adapterUrl") or ""}
    custom = node.get("customSettings")
    if custom:
        try:
            parsed: Any = json.loads(custom)
        except ValueError:
            raise Problem("customSettings is not valid JSON", node.line) from None
        if isinstance(parsed, dict):
            settings: dict[str, Any] = parsed
            given |= {str(key): str(content) for key, content in settings.items()}
    for key, content in given.items():
        if content and not any(item["name"] == key for item in items):
            items.append({"name": key, "label": None, "value": content})
    adapter = next((item["value"] for item in items if item["name"] == "reqAdapterUrl"), "")
    check_adapter_url(adapter)
    definition = Definition(name, node.need("displayName")[:80], adapter, sections)
    call = deployment.call
    before = await deployment.conn.fetchrow(
        'SELECT c."Name", c."AdapterUrl", d.sections FROM data."CallCenter" c JOIN meta.call_center_definition d'
        ' ON d.call_center_id = c."Id" WHERE lower(c."InternalName") = lower($1) AND NOT c."IsDeleted"',
        name,
    )
    if before and (before["Name"], before["AdapterUrl"], before["sections"]) == (
        definition.display_name,
        definition.adapter_url,
        sections,
    ):
        return
    outcome.id, outcome.created = await store_call_center(
        deployment.conn, call.org.instance, "04v", call.caller.user_id, definition, replace=True
    )
    outcome.changed = True
