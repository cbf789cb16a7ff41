"""Metadata deployment: a package becomes objects, fields, call centers and OAuth clients, or nothing happens.

One transaction for the whole package, DDL included; a second deployment of the same package changes nothing.
What is deployed takes effect with the next request.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from .auth import seal, unseal
from .callcenters import store_call_center
from .deploy_rules import deploy_duplicate_rule, deploy_matching_rules, deploy_validation_rule
from .errors import Fault
from .metadata import Catalogue, Field, FieldType, ObjectType, PicklistValue
from .oauth import scope_word
from .package import FOLDERS, PARTS_OF_OBJECTS, Node, Package, Problem, read_node
from .rest import Call
from .schema import add_field, create_object, load_catalogue, next_key_prefix, update_field, update_object
from .softphone import Definition, check_adapter_url
from .standard import id_field, name_field, owner_field, system_fields

_CUSTOM_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*__c")
_MAX_FIELDS = 500
_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{8,256}")

_OBJECT_ELEMENTS = frozenset({
    "actionOverrides", "allowInChatterGroups", "compactLayoutAssignment", "customSettingsType",
    "deploymentStatus", "description", "enableActivities", "enableBulkApi", "enableFeeds", "enableHistory",
    "enableLicensing", "enableReports", "enableSearch", "enableSharing", "enableStreamingApi",
    "externalSharingModel", "fields", "fullName", "gender", "label", "listViews", "nameField", "pluralLabel",
    "searchLayouts", "sharingModel", "startsWith", "validationRules", "visibility",
})  # fmt: skip
_FIELD_ELEMENTS = frozenset({
    "caseSensitive", "defaultValue", "deleteConstraint", "description", "displayFormat", "externalId",
    "fullName", "inlineHelpText", "label", "length", "precision", "referenceTo", "relationshipLabel",
    "relationshipName", "required", "scale", "trackFeedHistory", "trackHistory", "trackTrending", "type",
    "unique", "valueSet", "visibleLines",
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
    "Phone": "phone",
    "Email": "email",
    "Picklist": "picklist",
    "Lookup": "reference",
    "Url": "url",
}
_LENGTHS = {"TextArea": 255, "Phone": 40, "Email": 80, "Picklist": 255, "Url": 255}
_KEYED = frozenset({"Text", "Number", "Email"})


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
    deployment = _Deployment(call, package, call.catalogue)
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
    await deployment.each("CustomObjectTranslation", lambda n, e, o: _deploy_translation(deployment, n, e, o))
    await deployment.each("CallCenter", lambda n, e, o: _deploy_call_center(deployment, n, e, o))
    apps = _Apps(deployment)
    await deployment.each("ExternalClientApplication", apps.application)
    await deployment.each("ExtlClntAppOauthSettings", apps.oauth_settings)
    await deployment.each("ExtlClntAppGlobalOauthSettings", apps.global_settings)
    await apps.store()
    return deployment.outcomes


def _check_manifest(deployment: _Deployment) -> None:
    package = deployment.package
    for type_name, members in package.members.items():
        if type_name in PARTS_OF_OBJECTS:
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
    present_objects = set(package.names("CustomObject"))
    for part in PARTS_OF_OBJECTS:
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
        return  # a standard object: only its fields are taken
    if not _CUSTOM_NAME.fullmatch(name) or len(name) > 43:
        raise Problem(f"The object name {name[:60]!r} is not valid: it must end with __c", node.line)
    setting = node.get("customSettingsType")
    if setting not in (None, "List"):
        raise Problem(f"customSettingsType {setting} is not supported by this org", node.line)
    label = node.need("label")[:40]
    plural = node.get("pluralLabel") or label
    kind = "list_setting" if setting else "custom"
    if known is not None:
        if known.kind != kind:
            raise Problem("A custom object cannot be changed into a custom setting, or back", node.line)
        wanted = replace(
            known,
            label=label,
            label_plural=plural,
            activities=known.activities or node.flag("enableActivities"),
        )
        outcome.changed = wanted != known
        if outcome.changed:
            await update_object(deployment.conn, wanted)
        return
    fields = [id_field(), *_own_fields(node, setting is not None), *system_fields()]
    value = ObjectType(
        name=name,
        label=label,
        label_plural=plural,
        key_prefix=await next_key_prefix(deployment.conn),
        kind=kind,
        setup=setting is not None,
        searchable=setting is None and node.get("enableSearch") != "false",
        activities=node.flag("enableActivities"),
        fields={item.name: item for item in fields},
    )
    await create_object(deployment.conn, value)
    outcome.created = outcome.changed = True
    await deployment.reload()


def _own_fields(node: Node, setting: bool) -> list[Field]:
    if setting:
        return [name_field(38, "Name", "名前", unique=True)]
    naming = node.all("nameField")
    if not naming:
        raise Problem("Required field is missing: nameField", node.line)
    label = naming[0].need("label")
    kind = naming[0].need("type")
    if kind == "Text":
        return [name_field(80, label, label, required=False), owner_field()]
    if kind != "AutoNumber":
        raise Problem(f"nameField type {kind[:40]} is not valid", naming[0].line)
    pattern = naming[0].get("displayFormat") or "{0}"
    if not re.fullmatch(r"[^{}]{0,20}\{0{1,10}\}[^{}]{0,10}", pattern):
        raise Problem(f"displayFormat {pattern[:40]!r} is not valid", naming[0].line)
    return [
        name_field(80, label, label, createable=False, updateable=False, auto_number=pattern),
        owner_field(),
    ]


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
        old = value.get(item.name)
        if old is None:
            if len(value.fields) >= _MAX_FIELDS:
                raise Problem(f"The object cannot have more than {_MAX_FIELDS} fields", node.line)
            await add_field(deployment.conn, value, item)
            outcome.created = outcome.changed = True
            continue
        if old.name != item.name:
            raise Problem(f"There is already a field named {old.name} on {target}", node.line)
        if old.type != item.type or old.reference_to != item.reference_to:
            raise Problem(f"Cannot change the type of field {item.name}", node.line)
        wanted = replace(item, label_ja=old.label_ja, picklist=_keep_labels(old, item))
        if wanted != old:
            await update_field(deployment.conn, value, old, wanted)
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
    elif kind == "Picklist":
        values["picklist"], values["restricted"] = _picklist(node)
    elif kind == "Lookup":
        target = catalogue.get(node.need("referenceTo"))
        if target is None:
            raise Problem(
                f"referenceTo value of '{node.need('referenceTo')[:60]}' does not resolve to a valid sObject type",
                node.line,
            )
        constraint = node.get("deleteConstraint") or "SetNull"
        if constraint not in ("SetNull", "Cascade", "Restrict"):
            raise Problem(f"deleteConstraint {constraint[:40]} is not valid", node.line)
        values |= {
            "length": 18,
            "reference_to": (target.name,),
            "relationship": name.removesuffix("__c") + "__r",
            "child_relationship": node.get("relationshipName"),
            "on_delete": {"SetNull": "set_null", "Cascade": "cascade", "Restrict": "restrict"}[constraint],
        }
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


# -- OAuth clients -------------------------------------------------------------------------------------------


class _Apps:
    """External client applications: three files make one OAuth client."""

    def __init__(self, deployment: _Deployment):
        self.deployment = deployment
        self.touched: dict[str, list[Outcome]] = {}

    async def _parts(self, name: str) -> dict[str, Any]:
        stored = await self.deployment.conn.fetchval(
            "SELECT value FROM meta.setting WHERE name = $1", f"eca/{name}"
        )
        return stored or {}

    async def _put(self, name: str, part: str, values: dict[str, Any], outcome: Outcome) -> None:
        parts = await self._parts(name)
        outcome.created = part not in parts
        outcome.changed = parts.get(part) != values
        if outcome.changed:
            await self.deployment.conn.execute(
                "INSERT INTO meta.setting VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                f"eca/{name}",
                parts | {part: values},
            )
        self.touched.setdefault(name, []).append(outcome)

    async def application(self, name: str, node: Node, outcome: Outcome) -> None:
        """The application itself."""
        state = node.need("distributionState")
        if state not in ("Local", "Packaged", "Packageable", "Managed", "AutoInstalled"):
            raise Problem(f"distributionState {state[:40]} is not valid", node.line)
        values = {"label": node.need("label")[:80], "contact": node.need("contactEmail")[:80], "state": state}
        await self._put(name, "application", values, outcome)

    async def _owner(self, node: Node) -> str:
        name = node.need("externalClientApplication")
        if "application" not in await self._parts(name):
            raise Problem(
                f"In field: externalClientApplication - no ExternalClientApplication named {name[:60]} found",
                node.line,
            )
        return name

    async def oauth_settings(self, name: str, node: Node, outcome: Outcome) -> None:
        """Its scopes."""
        scopes: list[str] = []
        for text in node.need("commaSeparatedOauthScopes").split(","):
            word = scope_word(text)
            if word is None:
                raise Problem(f"'{text.strip()[:40]}' is not a valid OAuth scope", node.line)
            if word not in scopes:
                scopes.append(word)
        await self._put(await self._owner(node), "oauth", {"scopes": scopes}, outcome)

    async def global_settings(self, name: str, node: Node, outcome: Outcome) -> None:
        """Its callback addresses, consumer key and secret. The secret is kept sealed."""
        owner = await self._owner(node)
        callbacks = [text for text in node.need("callbackUrl").split() if text]
        for text in callbacks:
            _check_callback(text, node)
        before = (await self._parts(owner)).get("global", {})
        client_id = node.get("consumerKey") or before.get("client_id") or f"3MVG9{secrets.token_urlsafe(48)}"
        if not _CLIENT_ID.fullmatch(client_id):
            raise Problem(
                "consumerKey must consist of 8 to 256 letters, digits, dots, dashes and underscores",
                node.line,
            )
        call = self.deployment.call
        context = f"{call.org.org_id}/{client_id}"
        key = call.org.settings.data_key
        sealed = bytes.fromhex(before["secret"]) if before.get("client_id") == client_id else None
        known = unseal(key, sealed, context) if sealed else None
        secret = node.get("consumerSecret") or known or secrets.token_hex(32)
        if len(secret) < 8:
            raise Problem("consumerSecret must have at least 8 characters", node.line)
        values = {
            "client_id": client_id,
            "secret": before["secret"] if secret == known else seal(key, secret, context).hex(),
            "callbacks": callbacks,
            "pkce_required": node.flag("isPkceRequired", True),
            "secret_optional": node.flag("isConsumerSecretOptional"),
            "secret_for_refresh": node.flag("isSecretRequiredForRefreshToken", True),
            "rotate_refresh": node.flag("isRefreshTokenRotationEnabled"),
        }
        await self._put(owner, "global", values, outcome)

    async def store(self) -> None:
        """Writes the OAuth client of every application that is complete."""
        conn = self.deployment.conn
        for name, outcomes in self.touched.items():
            parts = await self._parts(name)
            if not {"application", "oauth", "global"} <= parts.keys():
                continue
            settings: dict[str, Any] = parts["global"]

            async def write(
                parts: dict[str, Any] = parts, settings: dict[str, Any] = settings, name: str = name
            ) -> None:
                await conn.execute(
                    "DELETE FROM auth.app WHERE name = $1 AND client_id <> $2", name, settings["client_id"]
                )
                await conn.execute(
                    "INSERT INTO auth.app (client_id, name, label, secret_sealed, callbacks, scopes, pkce_required,"
                    " secret_optional, secret_for_refresh, rotate_refresh, contact_email)"
                    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (client_id) DO UPDATE SET"
                    " name = excluded.name, label = excluded.label, secret_sealed = excluded.secret_sealed,"
                    " callbacks = excluded.callbacks, scopes = excluded.scopes, pkce_required = excluded.pkce_required,"
                    " secret_optional = excluded.secret_optional, secret_for_refresh = excluded.secret_for_refresh,"
                    " rotate_refresh = excluded.rotate_refresh, contact_email = excluded.contact_email"
                    " WHERE auth.app.name = excluded.name",
                    settings["client_id"],
                    name,
                    parts["application"]["label"],
                    bytes.fromhex(settings["secret"]),
                    settings["callbacks"],
                    parts["oauth"]["scopes"],
                    settings["pkce_required"],
                    settings["secret_optional"],
                    settings["secret_for_refresh"],
                    settings["rotate_refresh"],
                    parts["application"]["contact"],
                )
                if not await conn.fetchval(
                    "SELECT 1 FROM auth.app WHERE client_id = $1 AND name = $2", settings["client_id"], name
                ):
                    raise Problem("consumerKey is already used by another application")

            await self.deployment.attempt(outcomes[-1], write)


def _check_callback(url: str, node: Node) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    loopback = host in ("localhost", "127.0.0.1", "::1") or host.endswith(".localhost")
    if parts.fragment or (parts.scheme == "http" and not loopback) or not parts.scheme or len(url) > 2000:
        raise Problem(f"callbackUrl {url[:80]!r} must be https, or http on a loopback address", node.line)
    if parts.scheme in ("http", "https") and not host:
        raise Problem(f"callbackUrl {url[:80]!r} has no host", node.line)
    if parts.scheme in ("javascript", "data", "file", "blob"):
        raise Problem(f"callbackUrl {url[:80]!r} is not allowed", node.line)
