"""Custom fields: read from files into the catalogue's words, and written back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from .. import person_accounts
from ..access.permissions import open_fields, opened
from ..metadata import Catalogue, Field, FieldType, ObjectType, PicklistValue
from ..schema import add_field, drop_field, update_field, with_field
from ..validation import rules_of
from .archive import Absent, Node, Problem, group, leaf
from .deployment import Component, Deployment
from .naming import check_api_name, display_format

_MAX_FIELDS = 500
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
_UNSUPPORTED = frozenset({
    "Address", "Array", "CustomDataType", "EncryptedText", "ExternalLookup", "File", "Hierarchy", "Html",
    "IndirectLookup", "Integer", "Location", "Long", "MetadataRelationship", "Summary",
})  # fmt: skip
"""Types of Salesforce that this org has no fields of."""
_KEYED = frozenset({"Text", "Number", "Email"})
MODELLED = frozenset({
    "caseSensitive", "defaultValue", "deleteConstraint", "displayFormat", "externalId", "fullName", "label", "length",
    "precision", "referenceTo", "relationshipName", "reparentableMasterDetail", "required", "scale", "type", "unique",
    "valueSet",
})  # fmt: skip
"""Elements that the catalogue knows better than the file that was deployed."""


async def apply(deployment: Deployment, component: Component) -> None:
    """Adds a field, or changes what may be changed of one that is there; on activities: to tasks and events."""
    object_name, _, name = component.name.partition(".")
    node = component.node
    if object_name in ("Task", "Event"):
        raise Problem(
            f"Entity Enumeration Or ID: bad value for restricted picklist field: {object_name}", node.line
        )
    targets = ("Task", "Event") if object_name == "Activity" else (object_name,)
    first = deployment.object(targets[0], node.line)
    known = first.get(name)
    if known is not None and not known.custom and node.get("type") is None:
        return  # a standard field, named for its help text or tracking
    check_api_name(name, "__c", deployment.namespace, known is not None, node.line)
    item = _read_field(deployment.catalogue, node)
    for target in targets:
        await _put(deployment, deployment.object(target, node.line), item, component)


async def _put(deployment: Deployment, value: ObjectType, item: Field, component: Component) -> None:
    node, old = component.node, value.get(item.name)
    if value.shares is not None:
        raise Problem(f"{value.name} takes no fields", node.line)
    if old is None:
        if len(value.fields) >= _MAX_FIELDS:
            raise Problem(f"The object cannot have more than {_MAX_FIELDS} fields", node.line)
        await add_field(deployment.conn, value, item)
        wider = with_field(value, item)
        await open_fields(deployment.conn, value, opened(wider, item), to_users=deployment.to_users)
        deployment.know(wider)
        await _follow(deployment, value, item)
        component.created = component.changed = True
        return
    if old.name != item.name:
        raise Problem(f"There is already a field named {old.name} on {value.name}", node.line)
    if (old.type, old.reference_to, old.master) != (item.type, item.reference_to, item.master):
        raise Problem(f"Cannot change the type of field {item.name}", node.line)
    wanted = replace(item, label_ja=old.label_ja, picklist=_keep_labels(old, item))
    if wanted != old:
        await update_field(deployment.conn, value, old, wanted)
        deployment.know(with_field(value, wanted))
        await _follow(deployment, value, wanted)
        component.changed = True


async def _follow(deployment: Deployment, value: ObjectType, item: Field) -> None:
    """A contact's field is one of accounts that are people, too."""
    if value.name == "Contact":
        await person_accounts.follow_field(
            deployment.conn, deployment.catalogue, item, to_users=deployment.to_users
        )


def _line(node: Node, tag: str) -> int:
    found = node.all(tag)
    return found[0].line if found else node.line


def _keep_labels(old: Field, item: Field) -> tuple[PicklistValue, ...]:
    known = {choice.value: choice.label_ja for choice in old.picklist}
    return tuple(replace(choice, label_ja=known.get(choice.value)) for choice in item.picklist)


def _read_field(catalogue: Catalogue, node: Node) -> Field:
    name = node.need("fullName")
    kind = node.need("type")
    if kind not in _TYPES:
        if kind in _UNSUPPORTED:
            raise Problem(f"Fields of type {kind} are not supported by this org", _line(node, "type"))
        raise Problem(f"'{kind[:40]}' is not a valid value for the enum 'FieldType'", _line(node, "type"))
    if node.get("formula"):
        raise Problem("Formula fields are not supported by this org", _line(node, "formula"))
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
        values |= {"auto_number": display_format(node), "createable": False, "updateable": False}
    elif kind in ("Picklist", "MultiselectPicklist"):
        values["picklist"], values["restricted"] = _picklist(node)
    elif kind in ("Lookup", "MasterDetail"):
        target = catalogue.get(node.need("referenceTo"))
        if target is None:
            raise Problem(
                f"referenceTo value of '{node.need('referenceTo')[:60]}' does not resolve to a valid sObject type",
                _line(node, "referenceTo"),
            )
        master = kind == "MasterDetail"
        if master and (target.setup or target.name in ("Lead", "Task", "Event")):
            raise Problem(f"{target.name} cannot be the master of a master-detail relationship", node.line)
        constraint = "Cascade" if master else node.get("deleteConstraint") or "SetNull"
        if constraint not in ("SetNull", "Cascade", "Restrict"):
            raise Problem(
                f"'{constraint[:40]}' is not a valid value for the enum 'DeleteConstraint'", node.line
            )
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


# -- reading back and deleting --------------------------------------------------------------------------------


def _targets(catalogue: Catalogue, name: str) -> tuple[ObjectType, Field] | None:
    """The object and the field of `Object.Field`; of `Activity` the task's."""
    object_name, _, field_name = name.partition(".")
    value = catalogue.get("Task" if object_name == "Activity" else object_name)
    item = value.get(field_name) if value is not None else None
    return (value, item) if value is not None and item is not None else None


async def names(conn: Any, catalogue: Catalogue) -> list[str]:
    """`Object.Field` of every custom field; those of activities once."""
    return sorted(
        f"{'Activity' if value.name == 'Task' else value.name}.{item.name}"
        for value in catalogue.objects.values()
        for item in value.fields.values()
        if item.custom and value.name != "Event"
    )


async def read(conn: Any, catalogue: Catalogue, name: str) -> Sequence[Node] | None:
    """What the catalogue knows of a custom field."""
    found = _targets(catalogue, name)
    if found is None or not found[1].custom:
        return None
    item = found[1]
    kind = _type_of(item)
    parts: list[Node] = [leaf("fullName", item.name), leaf("label", item.label), leaf("type", kind)]
    if kind in ("Text", "LongTextArea"):
        parts.append(leaf("length", item.length))
    if kind in ("Number", "Currency", "Percent"):
        parts += [leaf("precision", item.precision), leaf("scale", item.scale)]
    if kind in _KEYED:
        parts += [leaf("externalId", item.external_id), leaf("unique", item.unique)]
        if item.unique and kind == "Text":
            parts.append(leaf("caseSensitive", item.case_sensitive))
    if kind == "AutoNumber":
        parts += [leaf("displayFormat", item.auto_number), leaf("externalId", item.external_id)]
    if kind == "Checkbox":
        parts.append(leaf("defaultValue", item.default is True))
    elif item.default is not None:
        parts.append(leaf("defaultValue", f'"{item.default}"' if kind == "Text" else item.default))
    if item.reference_to:
        parts.append(leaf("referenceTo", item.reference_to[0]))
        if item.child_relationship:
            parts.append(leaf("relationshipName", item.child_relationship))
        if item.master:
            parts.append(leaf("reparentableMasterDetail", item.updateable))
        else:
            constraint = {"set_null": "SetNull", "cascade": "Cascade", "restrict": "Restrict"}
            parts.append(leaf("deleteConstraint", constraint.get(item.on_delete, "SetNull")))
    if kind not in ("Checkbox", "AutoNumber", "LongTextArea", "MasterDetail"):
        parts.append(leaf("required", item.required))
    if item.picklist or kind in ("Picklist", "MultiselectPicklist"):
        values = [
            group(
                "value",
                leaf("fullName", choice.value),
                leaf("default", choice.default),
                leaf("label", choice.label),
            )
            for choice in item.picklist
        ]
        definition = group("valueSetDefinition", leaf("sorted", False), *values)
        parts.append(group("valueSet", leaf("restricted", item.restricted), definition))
    return parts


def _type_of(item: Field) -> str:
    """The metadata type of a field."""
    if item.auto_number:
        return "AutoNumber"
    if item.type == "reference":
        return "MasterDetail" if item.master else "Lookup"
    if item.type == "textarea":
        return "LongTextArea" if item.length > 255 else "TextArea"
    return next(name for name, kind in _TYPES.items() if kind == item.type)


async def remove(deployment: Deployment, component: Component) -> None:
    """Drops a custom field with its values. Problem where a rule of its object reads it."""
    found = _targets(deployment.catalogue, component.name)
    if found is None:
        raise Absent(f"No CustomField named: {component.name[:90]} found")
    item = found[1]
    if not item.custom:
        raise Problem(f"Cannot delete standard field: {component.name[:90]}")
    activity = component.name.startswith("Activity.")
    for target in ("Task", "Event") if activity else (found[0].name,):
        value = deployment.object(target, None)
        word = re.compile(rf"\b{re.escape(item.name)}\b", re.IGNORECASE)
        for rule in await rules_of(deployment.conn, value.name):
            if word.search(rule.formula):
                raise Problem(
                    f"This custom field is referenced elsewhere in the org: Validation Rule - {rule.name}"
                )
        await drop_field(deployment.conn, value, item)
        kept = {key: field for key, field in value.fields.items() if key != item.name}
        deployment.know(replace(value, fields=kept))
