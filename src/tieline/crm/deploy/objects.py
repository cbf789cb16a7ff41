"""Custom objects, custom settings and custom metadata types; standard objects where a package adds to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..access.permissions import open_object
from ..fields import (
    hierarchy_setting_fields,
    id_field,
    metadata_type_fields,
    name_field,
    owner_field,
    platform_event_fields,
    system_fields,
)
from ..metadata import Catalogue, Field, Kind, ObjectType
from ..schema import create_object, drop_object, next_key_prefix, update_object
from .archive import Absent, Node, Problem, group, leaf
from .components import forget_parts
from .deployment import Component, Deployment
from .naming import check_api_name, display_format

_KINDS: dict[str, Kind] = {
    "Type": "metadata_type",
    "Event": "platform_event",
    "List": "list_setting",
    "Hierarchy": "hierarchy_setting",
    "Custom": "custom",
}
_SHARING = ("ReadWrite", "Read", "Private", "ControlledByParent")
MODELLED = frozenset({
    "customSettingsType", "enableActivities", "enableSearch", "fullName", "label", "nameField", "pluralLabel",
    "sharingModel",
})  # fmt: skip
"""Elements that the catalogue knows better than the file that was deployed."""


async def apply(deployment: Deployment, component: Component) -> None:
    """Makes an object, or changes what a file may change of one that is there."""
    name, node = component.name, component.whole
    known = deployment.catalogue.get(name)
    if known is not None:
        component.name = known.name
    if name == "Activity" or (known is not None and not known.custom):
        await _share(deployment, known, node, component)
        return  # a standard object: its fields and its sharing are taken
    setting = node.get("customSettingsType")
    if setting not in (None, "List", "Hierarchy"):
        raise Problem(f"'{setting[:40]}' is not a valid value for the enum 'CustomSettingsType'", node.line)
    is_type, is_event = name.endswith("__mdt"), name.endswith("__e")
    suffix = "__mdt" if is_type else "__e" if is_event else "__c"
    check_api_name(name, suffix, deployment.namespace, known is not None, node.line)
    if (is_type or is_event) and setting:
        raise Problem("A custom metadata type or platform event cannot be a custom setting", node.line)
    if known is not None and node.get("label") is None:
        return  # the file names an object for the sake of its parts
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
        component.changed = wanted != known
        if component.changed:
            await update_object(deployment.conn, wanted)
            deployment.know(wanted)
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
    component.created = component.changed = True
    deployment.know(value)


def _sharing_of(value: ObjectType, node: Node) -> Any:
    """The organization-wide default that the file says, else the one there is."""
    model = node.get("sharingModel")
    if model is None or (value.kind != "custom" and value.custom):
        return value.sharing
    if model == "ReadWriteTransfer":
        model = "ReadWrite"
    if model not in _SHARING:
        raise Problem(f"'{model[:40]}' is not a valid value for the enum 'SharingModel'", node.line)
    if (
        model == "ControlledByParent"
        and value.custom
        and not any(field_node.get("type") == "MasterDetail" for field_node in node.all("fields"))
        and value.master is None
    ):
        raise Problem("sharingModel ControlledByParent needs a master-detail relationship", node.line)
    return model


async def _share(deployment: Deployment, known: ObjectType | None, node: Node, component: Component) -> None:
    """Sharing of a standard object; of activities: of tasks and events."""
    names = ("Task", "Event") if known is None else (known.name,)
    for name in names:
        value = deployment.catalogue.objects[name]
        wanted = replace(value, sharing=_sharing_of(value, node))
        if wanted != value:
            await update_object(deployment.conn, wanted)
            deployment.know(wanted)
            component.changed = True


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
    pattern = display_format(naming[0])
    return name_field(80, label, label, createable=False, updateable=False, auto_number=pattern)


# -- reading back and deleting --------------------------------------------------------------------------------


async def names(conn: Any, catalogue: Catalogue) -> list[str]:
    """Objects that metadata may name: those with records of people, and every custom one."""
    return sorted(value.name for value in catalogue.objects.values() if value.custom or not value.setup)


async def read(conn: Any, catalogue: Catalogue, name: str) -> Sequence[Node] | None:
    """What the catalogue knows of an object."""
    if name == "Activity":
        return [leaf("sharingModel", catalogue.objects["Task"].sharing)]
    value = catalogue.get(name)
    if value is None:
        return None
    if not value.custom:
        return [leaf("sharingModel", value.sharing)]
    found = [leaf("label", value.label)]
    if value.kind in ("list_setting", "hierarchy_setting"):
        return [*found, leaf("customSettingsType", "List" if value.kind == "list_setting" else "Hierarchy")]
    found.append(leaf("pluralLabel", value.label_plural))
    if value.kind in ("metadata_type", "platform_event"):
        return found
    named = value.name_field
    if named is not None:
        found.append(
            group(
                "nameField",
                leaf("displayFormat", named.auto_number) if named.auto_number else None,
                leaf("label", named.label),
                leaf("type", "AutoNumber" if named.auto_number else "Text"),
            )
        )
    return [
        *found,
        leaf("sharingModel", value.sharing),
        leaf("enableActivities", value.activities),
        leaf("enableSearch", value.searchable),
    ]


async def remove(deployment: Deployment, component: Component) -> None:
    """Drops a custom object with its records. Problem where others point to it."""
    value = deployment.catalogue.get(component.name)
    if value is None:
        raise Absent(f"No CustomObject named: {component.name[:60]} found")
    if not value.custom:
        raise Problem(f"Cannot delete standard object: {value.name}")
    pointing = sorted(
        f"{other.name}.{item.name}"
        for other, item in deployment.catalogue.children.get(value.name, [])
        if item.custom and other.name != value.name
    )
    if pointing:
        raise Problem(
            f"This custom object is referenced elsewhere in the org: Custom Field - {', '.join(pointing[:5])}"
        )
    share = deployment.catalogue.shares.get(value.name)
    if share is not None:
        await drop_object(deployment.conn, share)
        deployment.unknow(share.name)
    await deployment.conn.execute("DELETE FROM meta.event_member WHERE object_name = $1", value.name)
    await drop_object(deployment.conn, value)
    await forget_parts(deployment.conn, value.name)
    deployment.unknow(value.name)
