"""Translations: labels of objects and fields, and what `Translations` says of custom labels, tabs and apps."""

from __future__ import annotations

from dataclasses import replace

from ..listviews.standard import translate_standard_views
from ..navigation.apps import all_apps, store
from ..schema import update_field, update_object, with_field
from .archive import Problem
from .deployment import Component, Deployment

LANGUAGES = ("ja", "en_US")
"""Languages an org speaks."""


async def apply_object(deployment: Deployment, component: Component) -> None:
    """Labels of an object and its fields in Japanese (`Object-ja`)."""
    object_name, _, language = component.name.rpartition("-")
    node = component.node
    if language != "ja":
        raise Problem(f"The language {language[:10]} is not enabled in this org", node.line)
    targets = ("Task", "Event") if object_name == "Activity" else (object_name,)
    for target in targets:
        value = deployment.catalogue.get(target)
        if value is None:
            raise Problem(f"In field: fullName - no CustomObject named {object_name[:60]} found", node.line)
        labels = [case.need("value") for case in node.all("caseValues")]
        if labels and value.custom and value.label_ja != labels[0]:
            value = replace(value, label_ja=labels[0], label_plural_ja=labels[-1])
            await update_object(deployment.conn, value)
            await translate_standard_views(deployment.conn, value)
            deployment.know(value)
            component.changed = True
        name_field, called = value.name_field, node.get("nameFieldLabel")
        if called and value.custom and name_field is not None and name_field.label_ja != called:
            wanted = replace(name_field, label_ja=called)
            await update_field(deployment.conn, value, name_field, wanted)
            value = with_field(value, wanted)
            deployment.know(value)
            component.changed = True
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
                value = with_field(value, wanted)
                deployment.know(value)
                component.changed = True


async def check(deployment: Deployment, component: Component) -> None:
    """A file of translations: its language must be one of the org's, what it translates must be there."""
    if component.name not in LANGUAGES:
        raise Problem(f"The language {component.name[:10]} is not enabled in this org", component.node.line)
    for tag, type_name in (
        ("customLabels", "CustomLabel"),
        ("customTabs", "CustomTab"),
        ("customApplications", "CustomApplication"),
    ):
        known = await deployment.names(type_name)
        for element in component.node.all(tag):
            name = element.need("name")
            if name not in known and not name.startswith("standard"):
                raise Problem(f"In field: name - no {type_name} named {name[:60]} found", element.line)


async def apply(deployment: Deployment, component: Component) -> None:
    """What the launcher calls the apps in Japanese."""
    if component.name != "ja":
        return
    said = {element.need("name"): element for element in component.node.all("customApplications")}
    for app in await all_apps(deployment.conn):
        element = said.get(app.name)
        if element is None or app.standard:
            continue
        label, description = element.get("label"), element.get("description")
        wanted = replace(
            app,
            label_ja=label[:80] if label else app.label_ja,
            description_ja=description[:1000] if description else app.description_ja,
        )
        if wanted != app:
            await store(deployment.conn, deployment.call.org.instance, wanted)
            component.changed = True
