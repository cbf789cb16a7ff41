# ruff: noqa: S608 - statements are constants of this module; values are parameters
"""The Tooling API as far as tools ask: deployed components, objects, fields and packages as records to be queried.

Read only: what is deployed goes through the Metadata API. An object here is a statement over the tables of metadata,
run by the same query language as records. `SourceMember` and scratch orgs are not there, as in an org without tracking.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..access.questions import rights, visible_part
from ..describe import describe, summary
from ..errors import Fault, not_found
from ..metadata import Catalogue, ObjectType
from ..query.columns import column_metadata
from ..query.definitions import APP_DEFINITION, HAS_UTILITIES, UTILITY_BAR, Column, View, view
from ..query.running import attributes, run_more, run_query
from ..rest import Call, Reply, Request, record_id_of, route
from ..values import write_value
from .archive import read_node
from .components import KEY_PREFIXES
from .shapes import to_json


def _element(tag: str) -> str:
    """Text of an element right below the root of a component's XML, which is kept with an indent of four."""
    text = f"substring(convert_from(c.source, 'UTF8') from '(?n)^    <{tag}>([^<]*)</{tag}>')"
    for entity, char in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "''"), ("&amp;", "&")):
        text = f"replace({text}, '{entity}', '{char}')"
    return text


_NAME = "c.full_name"
_LOCAL = "regexp_replace(c.full_name, '^(.*\\.)?([A-Za-z][A-Za-z0-9]{0,14}__(?!c$|mdt$))?', '')"
_BODY = (
    "(SELECT convert_from(f.content, 'UTF8') FROM meta.component_file f WHERE f.type = c.type"
    " AND f.full_name = c.full_name AND f.path NOT LIKE '%-meta.xml' ORDER BY f.path LIMIT 1)"
)
_STAMPS: Sequence[Column] = (
    ("CreatedDate", "datetime", "c.created_at"),
    ("CreatedById", "reference", "nullif(c.created_by, '')"),
    ("LastModifiedDate", "datetime", "c.deployed_at"),
    ("LastModifiedById", "reference", "nullif(c.deployed_by, '')"),
    ("SystemModstamp", "datetime", "c.deployed_at"),
)
_VERSIONED: Column = ("ApiVersion", "double", f"{_element('apiVersion')}::double precision")
_CODE: Sequence[Column] = (
    _VERSIONED,
    ("Status", "string", f"coalesce({_element('status')}, 'Active')"),
    ("Body", "textarea", _BODY),
    ("LengthWithoutComments", "int", f"length({_BODY})"),
)
_MARKUP: Sequence[Column] = (
    _VERSIONED,
    ("MasterLabel", "string", _element("label")),
    ("Markup", "textarea", _BODY),
)


def _texts(*pairs: tuple[str, str]) -> Sequence[Column]:
    return tuple((name, "string", _element(tag)) for name, tag in pairs)


_COMPONENTS: Sequence[tuple[str, str, Sequence[Column]]] = (
    ("ApexClass", "Name", _CODE),
    ("ApexTrigger", "Name", _CODE),
    ("ApexPage", "Name", _MARKUP),
    ("ApexComponent", "Name", _MARKUP),
    ("StaticResource", "Name", _texts(("ContentType", "contentType"), ("CacheControl", "cacheControl"))),
    (
        "LightningComponentBundle",
        "DeveloperName",
        (
            _VERSIONED,
            *_texts(
                ("MasterLabel", "masterLabel"), ("Description", "description"), ("IsExposed", "isExposed")
            ),
        ),
    ),
    ("AuraDefinitionBundle", "DeveloperName", (_VERSIONED, *_texts(("Description", "description")))),
    ("CustomTab", "DeveloperName", _texts(("MasterLabel", "label"), ("Url", "url"), ("Motif", "motif"))),
    (
        "CustomApplication",
        "DeveloperName",
        _texts(
            ("Label", "label"), ("NavType", "navType"), ("UiType", "uiType"), ("Description", "description")
        ),
    ),
    ("Layout", "Name", ()),
    (
        "ValidationRule",
        "ValidationName",
        _texts(
            ("ErrorMessage", "errorMessage"),
            ("ErrorDisplayField", "errorDisplayField"),
            ("Description", "description"),
        ),
    ),
    (
        "LightningMessageChannel",
        "DeveloperName",
        _texts(("MasterLabel", "masterLabel"), ("Description", "description")),
    ),
    ("CustomObject", "DeveloperName", ()),
    ("CustomField", "DeveloperName", (("TableEnumOrId", "string", "split_part(c.full_name, '.', 1)"),)),
)


def _component_view(type_name: str, named: str, columns: Sequence[Column]) -> View:
    bare = f"regexp_replace({_LOCAL}, '__(c|mdt|e)$', '')" if type_name.startswith("Custom") else _LOCAL
    everything: Sequence[Column] = (
        (named, "string", bare),
        ("FullName", "string", _NAME),
        ("NamespacePrefix", "string", "c.namespace"),
        ("ManageableState", "string", "CASE WHEN c.namespace IS NULL THEN 'unmanaged' ELSE 'installed' END"),
        *columns,
        *_STAMPS,
    )
    source = f"meta.component c WHERE c.type = '{type_name}' AND c.id <> ''"
    return view(type_name, KEY_PREFIXES[type_name], everything, source, named, "c.id")


_PACKAGE: Sequence[Column] = (
    ("Name", "string", "p.name"),
    ("NamespacePrefix", "string", "p.namespace"),
    ("Description", "string", "NULL::text"),
)
_PACKAGE_VERSION: Sequence[Column] = (
    ("Name", "string", "v.label"),
    ("SubscriberPackageId", "reference", "v.package_id"),
    ("MajorVersion", "int", "v.major"),
    ("MinorVersion", "int", "v.minor"),
    ("PatchVersion", "int", "v.patch"),
    ("BuildNumber", "int", "v.build"),
    ("Description", "string", "v.description"),
    ("ReleaseState", "string", "'Released'"),
    ("IsBeta", "boolean", "false"),
    ("IsDeprecated", "boolean", "false"),
    ("IsPasswordProtected", "boolean", "false"),
    (
        "Package2ContainerOptions",
        "string",
        "CASE WHEN (SELECT p.namespace IS NOT NULL FROM meta.package p"
        " WHERE p.id = v.package_id) THEN 'Managed' ELSE 'Unlocked' END",
    ),
    (
        "IsManaged",
        "boolean",
        "(SELECT p.namespace IS NOT NULL FROM meta.package p WHERE p.id = v.package_id)",
    ),
    ("PublisherName", "string", "(SELECT p.publisher FROM meta.package p WHERE p.id = v.package_id)"),
)
_INSTALLED: Sequence[Column] = (
    ("SubscriberPackageId", "reference", "i.package_id"),
    ("SubscriberPackageVersionId", "reference", "i.version_id"),
)
_ENTITY: Sequence[Column] = (
    ("QualifiedApiName", "string", "o.name"),
    ("DeveloperName", "string", "regexp_replace(o.name, '__(c|mdt|e)$', '')"),
    ("DurableId", "string", "o.name"),
    ("Label", "string", "o.definition->>'label'"),
    ("PluralLabel", "string", "o.definition->>'label_plural'"),
    ("MasterLabel", "string", "o.definition->>'label'"),
    ("KeyPrefix", "string", "o.key_prefix"),
    ("NamespacePrefix", "string", "substring(o.name from '^([A-Za-z][A-Za-z0-9]{0,14})__(?!c$|mdt$|e$)')"),
    ("IsCustomSetting", "boolean", "o.definition->>'kind' IN ('list_setting', 'hierarchy_setting')"),
    ("IsCustomizable", "boolean", "true"),
    ("IsQueryable", "boolean", "true"),
)
_FIELD: Sequence[Column] = (
    ("QualifiedApiName", "string", "f.name"),
    ("DeveloperName", "string", "regexp_replace(f.name, '__c$', '')"),
    ("DurableId", "string", "f.object_name || '.' || f.name"),
    ("EntityDefinitionId", "string", "f.object_name"),
    ("Label", "string", "f.definition->>'label'"),
    ("MasterLabel", "string", "f.definition->>'label'"),
    ("DataType", "string", "f.definition->>'type'"),
    ("Length", "int", "(f.definition->>'length')::int"),
    ("Precision", "int", "(f.definition->>'precision')::int"),
    ("Scale", "int", "(f.definition->>'scale')::int"),
    ("IsNillable", "boolean", "NOT (f.definition->>'required')::boolean"),
)


_BAR_PROPERTY = """jsonb_build_object('name', CASE p.key WHEN 'auto_start' THEN 'eager' ELSE p.key END,
    'type', 'decorator', 'value', p.value #>> '{}')"""
_BAR_ITEM = f"""jsonb_build_object('componentInstance', jsonb_build_object(
    'componentName', k.component, 'identifier', replace(k.component, ':', '_'),
    'componentInstanceProperties', coalesce((SELECT jsonb_agg({_BAR_PROPERTY} ORDER BY p.key)
        FROM jsonb_each(i.item - 'type') p WHERE p.value <> 'null'), '[]'::jsonb)))"""
_BAR_KINDS = """(VALUES ('softphone', 'opencti:softPhone'), ('omni', 'runtime_omnichannel:agentWidget'),
    ('history', 'console:history'), ('notes', 'notes:utilityBarNoteList')) k(kind, component)"""
_BAR = f"""jsonb_build_object('masterLabel', (a.definition->>'label') || ' UtilityBar', 'type', 'UtilityBar',
    'template', jsonb_build_object('name', 'one:utilityBarTemplateDesktop'),
    'flexiPageRegions', jsonb_build_array(jsonb_build_object('name', 'utilityItems', 'type', 'Region', 'itemInstances',
        (SELECT jsonb_agg({_BAR_ITEM} ORDER BY i.at)
         FROM jsonb_array_elements(a.definition->'utility_items') WITH ORDINALITY i(item, at)
         JOIN {_BAR_KINDS} ON k.kind = i.item->>'type'))))"""
_UPPER = "'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345'"
_BAR_ID = (
    # An app's id with the prefix of pages, whose second letter is a capital: the checksum counts it.
    f"'0M0' || substr(a.id, 4, 12) || substr({_UPPER}, strpos({_UPPER}, substr(a.id, 16, 1)) + 2, 1) || substr(a.id, 17)"
)
_PAGES = f"""(SELECT id, full_name, namespace, created_at, created_by, deployed_at, deployed_by, source,
        convert_from(source, 'UTF8') AS content, {_element("masterLabel")} AS label, {_element("type")} AS kind,
        {_element("sobjectType")} AS entity
    FROM meta.component c WHERE c.type = 'FlexiPage' AND c.id <> ''
    UNION ALL SELECT {_BAR_ID}, {UTILITY_BAR}, NULL, o."CreatedDate", '', o."CreatedDate", '', NULL,
        ({_BAR})::text, (a.definition->>'label') || ' UtilityBar', 'UtilityBar', NULL
    FROM meta.custom_app a, data."Organization" o WHERE {HAS_UTILITIES}
      AND NOT EXISTS (SELECT FROM meta.component c WHERE c.type = 'FlexiPage' AND c.full_name = {UTILITY_BAR})) c"""
"""Pages that were deployed, and the utility bars of apps."""
_FLEXI_PAGE: Sequence[Column] = (
    ("DeveloperName", "string", _LOCAL),
    ("FullName", "string", _NAME),
    ("NamespacePrefix", "string", "c.namespace"),
    ("ManageableState", "string", "CASE WHEN c.namespace IS NULL THEN 'unmanaged' ELSE 'installed' END"),
    ("MasterLabel", "string", "c.label"),
    ("Type", "string", "c.kind"),
    ("EntityDefinitionId", "string", "c.entity"),
    ("Metadata", "textarea", "c.content"),
    *_STAMPS,
)


def _relating(view: View, **targets: str) -> View:
    """The view with references to other objects: field and target."""
    fields = dict(view.fields)
    for name, target in targets.items():
        fields[name] = replace(fields[name], reference_to=(target,), relationship=name.removesuffix("Id"))
    return replace(view, fields=fields)


VIEWS: Sequence[View] = (
    *(_component_view(*row) for row in _COMPONENTS),
    view("SubscriberPackage", "033", _PACKAGE, "meta.package p", "Name", "p.id"),
    _relating(
        view("SubscriberPackageVersion", "04t", _PACKAGE_VERSION, "meta.package_version v", "Name", "v.id"),
        SubscriberPackageId="SubscriberPackage",
    ),
    _relating(
        view("InstalledSubscriberPackage", "0A3", _INSTALLED, "meta.package_install i", "", "i.id"),
        SubscriberPackageId="SubscriberPackage",
        SubscriberPackageVersionId="SubscriberPackageVersion",
    ),
    view("FlexiPage", KEY_PREFIXES["FlexiPage"], _FLEXI_PAGE, _PAGES, "DeveloperName", "c.id"),
    APP_DEFINITION,
    view("EntityDefinition", "4ie", _ENTITY, "meta.object o", "QualifiedApiName", "o.name"),
    view(
        "FieldDefinition", "4fe", _FIELD, "meta.field f", "QualifiedApiName", "f.object_name || '.' || f.name"
    ),
)
"""Objects of the Tooling API."""


def _tooling(call: Call) -> Catalogue:
    """What the user may see, with the objects of the Tooling API. INSUFFICIENT_ACCESS without the right to Set-up."""
    if not (call.caller.may("ViewSetup") or call.caller.administrator):
        raise Fault(
            "INSUFFICIENT_ACCESS", "This needs the permission View Setup and Configuration", status=403
        )
    whole = call.catalogue.whole
    objects = {**whole.objects, **{view.name: view for view in VIEWS}}
    return visible_part(Catalogue(whole.version, objects), call.caller)


def _object(call: Call, name: str) -> ObjectType:
    value = _tooling(call).get(name)
    if value is None or (isinstance(value, View) and not rights(call.caller, value).read):
        raise not_found()
    return value


@route("GET", "tooling", lacks="read only: what is deployed goes through the Metadata API")
async def resources(call: Call, request: Request) -> Reply:
    """Where the Tooling API's resources are."""
    base = f"{call.base}/tooling"
    return Reply(body={name: f"{base}/{name}" for name in ("sobjects", "query")})


@route("GET", "tooling/query", lacks="components, apps, objects, fields and packages")
async def query(call: Call, request: Request) -> Reply:
    """A query over metadata, or with `columns=true` what its columns are."""
    text = request.query.get("q")
    if text is None:
        raise Fault("MALFORMED_QUERY", "SOQL statement is required: parameter q")
    catalogue = _tooling(call)
    if request.query.get("columns", "").lower() == "true":
        return Reply(body=column_metadata(text, catalogue, call.caller))
    body = await run_query(call.conn, catalogue, call.caller, text, version=call.version, batch=call.batch)
    told = [record for record in body["records"] if "Metadata" in record]
    if len(told) > 1:
        raise Fault(
            "MALFORMED_QUERY",
            "When retrieving results with Metadata or FullName fields, the query qualifications must specify no more"
            f" than one row for retrieval. Result size: {len(told)}",
        )
    for record in told:
        record["Metadata"] = _metadata(record["Metadata"])
    return Reply(body=_rewritten(body) | {"size": len(body["records"]), "queryLocator": None})


@route("GET", "tooling/query/{locator}")
async def query_more(call: Call, request: Request) -> Reply:
    """A further page."""
    locator = request.path["locator"]
    body = await run_more(
        call.conn, _tooling(call), call.caller, locator, version=call.version, batch=call.batch
    )
    return Reply(body=_rewritten(body))


def _metadata(content: str) -> dict[str, Any]:
    """A page's `Metadata`, of its file or of the utility bar that its app keeps."""
    if content.startswith("{"):
        return json.loads(content)
    return to_json(read_node(content.encode(), "FlexiPage"), "FlexiPage")


def _rewritten(value: Any) -> Any:
    """Addresses in an answer, below `tooling`."""
    if isinstance(value, dict):
        items: dict[str, Any] = value
        return {
            name: content.replace("/sobjects/", "/tooling/sobjects/").replace("/query/", "/tooling/query/")
            if name in ("url", "nextRecordsUrl") and isinstance(content, str)
            else _rewritten(content)
            for name, content in items.items()
        }
    if isinstance(value, list):
        rows: list[Any] = value
        return [_rewritten(row) for row in rows]
    return value


@route("GET", "tooling/sobjects")
async def describe_global(call: Call, request: Request) -> Reply:
    """The objects of the Tooling API."""
    _tooling(call)
    found = [summary(view, call.caller, call.version) for view in sorted(VIEWS, key=lambda item: item.name)]
    return Reply(body={"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": found})


@route("GET", "tooling/sobjects/{name}")
async def basic_information(call: Call, request: Request) -> Reply:
    """One object in short."""
    value = _object(call, request.path["name"])
    return Reply(
        body={"objectDescribe": summary(value, call.caller, call.version), "recentItems": list[Any]()}
    )


@route("GET", "tooling/sobjects/{name}/describe")
async def describe_object(call: Call, request: Request) -> Reply:
    """One object in full; `SourceMember` is not there, which tells tools that sources are not tracked."""
    value = _object(call, request.path["name"])
    return Reply(body=describe(value, _tooling(call), call.caller, call.version))


@route("GET", "tooling/sobjects/{name}/{id}")
async def read(call: Call, request: Request) -> Reply:
    """One record."""
    value = _object(call, request.path["name"])
    record_id = record_id_of(request.path["id"])
    columns = ", ".join(item.column for item in value.fields.values())
    row = await call.conn.fetchrow(f'SELECT {columns} FROM {value.table} t WHERE "Id" = $1', record_id)
    if row is None:
        raise not_found()
    body: dict[str, Any] = {"attributes": attributes(value.name, record_id, call.version)}
    body |= {name: write_value(row[name]) for name in value.fields}
    if "Metadata" in body:
        body["Metadata"] = _metadata(body["Metadata"])
    return Reply(body=_rewritten(body))
