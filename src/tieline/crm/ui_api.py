"""The part of the User Interface API that Lightning's data service stands on: records, object info, picklists.

Values come with the text that is shown for them. Field names are qualified (`Contact.Account.Name`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from .access.questions import default_record_type, record_types, rights
from .errors import Fault, not_found, unsupported_type
from .ids import parse_id
from .language import standard_name
from .metadata import Field, ObjectType, child_relationship
from .page_layouts import PageLayouts
from .preconditions import entity_tag
from .query.formats import format_value, zone_of
from .query.running import run_query
from .rest import Call, Reply, Request, one, record_id_of, route
from .saving.drafts import Saved
from .screens import MASTER
from .values import format_datetime, parse_date, parse_datetime

_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){1,5}")
MAX_FIELDS = 500
MAX_BATCH = 200
_TYPES = {
    "id": "Reference", "string": "String", "textarea": "TextArea", "picklist": "Picklist", "combobox": "ComboBox",
    "phone": "Phone", "email": "Email", "url": "Url", "boolean": "Boolean", "int": "Int", "double": "Double",
    "currency": "Currency", "percent": "Percent", "date": "Date", "datetime": "DateTime", "reference": "Reference",
}  # fmt: skip


# -- records -------------------------------------------------------------------------------------------------


def _object(call: Call, name: str) -> ObjectType:
    value = call.catalogue.get(name)
    if value is None or not rights(call.caller, value).read:
        raise unsupported_type(name)
    return value


def _paths(call: Call, value: ObjectType, names: Iterable[str], *, optional: bool) -> list[tuple[str, ...]]:
    """Qualified names as paths below the object. INVALID_FIELD for what there is not, unless it is optional."""
    found: list[tuple[str, ...]] = []
    for name in names:
        parts = name.strip().split(".")
        known: Field | None = None
        current: ObjectType | None = value
        if _FIELD.fullmatch(name.strip()) and parts[0].lower() == value.name.lower():
            for part in parts[1:-1]:
                reference = current.by_relationship.get(part.lower()) if current else None
                target = reference.reference_to[0] if reference and reference.reference_to else ""
                current = call.catalogue.get(target)
            known = current.get(parts[-1]) if current and rights(call.caller, current).read else None
        if known is not None:
            found.append((*parts[1:-1], known.name))
        elif not optional:
            raise Fault("INVALID_FIELD", f"No such column '{name.strip()[:120]}' on entity '{value.name}'.")
    return found


def _listed(request: Request, name: str) -> list[str]:
    names = [part for part in request.query.get(name, "").split(",") if part.strip()]
    if len(names) > MAX_FIELDS:
        raise Fault("INVALID_INPUT", f"{name} can name at most {MAX_FIELDS} fields")
    return names


async def _asked(call: Call, value: ObjectType, request: Request) -> list[tuple[str, ...]]:
    given = {"fields", "optionalFields", "layoutTypes"} & request.query.keys()
    if not given:
        raise Fault("ILLEGAL_QUERY_PARAMETER_VALUE", "Give fields, optionalFields or layoutTypes")
    paths = _paths(call, value, _listed(request, "fields"), optional=False)
    paths += _paths(call, value, _listed(request, "optionalFields"), optional=True)
    if "layoutTypes" in given:
        paths += [(name,) for name in value.fields]
    return paths


async def _represented(
    call: Call, value: ObjectType, ids: list[str], paths: list[tuple[str, ...]]
) -> dict[str, dict[str, Any]]:
    """Record representations by id, with the fields at the paths."""
    system = ("Id", "LastModifiedById", "LastModifiedDate", "SystemModstamp")
    wanted = dict.fromkeys([(name,) for name in system if name in value.fields] + paths)
    selected = ", ".join(".".join(path) for path in wanted)
    quoted = ", ".join(f"'{record_id}'" for record_id in ids)
    answer = await run_query(
        call.conn,
        call.catalogue,
        call.caller,
        f"SELECT {selected} FROM {value.name} WHERE Id IN ({quoted})",  # noqa: S608 - checked names and ids
        version=call.version,
    )
    shown = {path[0].lower() for path in paths}
    return {record["Id"]: _representation(call, value, record, shown) for record in answer["records"]}


def _representation(
    call: Call, value: ObjectType, record: Mapping[str, Any], shown: set[str] | None
) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, content in record.items():
        if name == "attributes" or (shown is not None and name.lower() not in shown):
            continue
        reference = value.by_relationship.get(name.lower())
        if isinstance(content, dict) and reference is not None:
            nested: dict[str, Any] = content
            target = call.catalogue.get(str(nested["attributes"]["url"]).split("/")[-2])
            fields[name] = {
                "displayValue": nested.get("Name"),
                "value": _representation(call, target, nested, None) if target else None,
            }
        else:
            item = value.get(name)
            fields[name] = {"displayValue": _displayed(call, item, content), "value": content}
    stamp = record.get("SystemModstamp")
    tag = entity_tag({"Id": record.get("Id", ""), "SystemModstamp": stamp}).strip('"')
    at = parse_datetime(str(stamp)) if stamp else None
    return {
        "apiName": value.name,
        "childRelationships": dict[str, Any](),
        "eTag": tag,
        "fields": fields,
        "id": record.get("Id") or str(record["attributes"]["url"]).split("/")[-1],
        "lastModifiedById": record.get("LastModifiedById"),
        "lastModifiedDate": _iso(record.get("LastModifiedDate")),
        "recordTypeId": MASTER,
        "recordTypeInfo": None,
        "systemModstamp": _iso(stamp),
        "weakEtag": int(at.timestamp() * 1000) if at else 0,
    }


def _iso(text: Any) -> str | None:
    at = parse_datetime(text) if isinstance(text, str) else None
    return format_datetime(at).replace("+0000", "Z") if at else None


def _displayed(call: Call, item: Field | None, content: Any) -> str | None:
    """The text shown for a value, or None where the value shows itself."""
    if item is None or content is None:
        return None
    if item.type == "picklist":
        for choice in item.picklist:
            if choice.value == content:
                return choice.label_in(call.caller.words)
        return str(content)
    caller = call.caller
    if item.type in ("date", "datetime"):
        moment = parse_datetime(str(content)) if item.type == "datetime" else parse_date(str(content))
        return format_value(item, moment, caller.locale, zone_of(caller.time_zone)) if moment else None
    if item.type in ("int", "double", "currency", "percent"):
        return format_value(item, content, caller.locale, zone_of(caller.time_zone))
    return None


def _of_id(call: Call, raw: str) -> tuple[ObjectType, str]:
    record_id = record_id_of(raw)
    value = call.catalogue.of_id(record_id)
    if value is None or not rights(call.caller, value).read:
        raise not_found()
    return value, record_id


async def _whole(
    call: Call, value: ObjectType, record_id: str, paths: list[tuple[str, ...]]
) -> dict[str, Any]:
    found = await _represented(call, value, [record_id], paths)
    if record_id not in found:
        raise not_found()
    return found[record_id]


@route(
    "GET", "ui-api/records/{id}", lacks="layoutTypes gives all fields; no childRelationships, no updateMru"
)
async def read_record(call: Call, request: Request) -> Reply:
    """A record with the fields asked for, and the text shown for each."""
    value, record_id = _of_id(call, request.path["id"])
    shown = await _whole(call, value, record_id, await _asked(call, value, request))
    return Reply(200, shown, {"ETag": f'"{shown["eTag"]}"'})


@route("GET", "ui-api/records/batch/{ids}", lacks="as `ui-api/records/{id}`")
async def read_records(call: Call, request: Request) -> Reply:
    """Up to 200 records; each is found or not alone."""
    ids = [part for part in request.path["ids"].split(",") if part]
    if len(ids) > MAX_BATCH:
        raise Fault("INVALID_INPUT", f"At most {MAX_BATCH} records can be read at once")
    results: list[dict[str, Any]] = []
    for raw in ids:
        try:
            value, record_id = _of_id(call, raw)
            names = [
                name
                for name in _listed(request, "fields")
                if name.lower().startswith(value.name.lower() + ".")
            ]
            paths = _paths(call, value, names, optional=False)
            paths += _paths(call, value, _listed(request, "optionalFields"), optional=True)
            results.append({"result": await _whole(call, value, record_id, paths), "statusCode": 200})
        except Fault as fault:
            results.append({"result": [fault.as_row()], "statusCode": fault.status})
    return Reply(body={"hasErrors": any(row["statusCode"] >= 400 for row in results), "results": results})


def _fields_of(request: Request) -> dict[str, Any]:
    fields: Any = request.body_object().get("fields")
    if not isinstance(fields, dict):
        raise Fault("INVALID_INPUT", "fields must be a JSON object")
    found: dict[str, Any] = fields
    return found


async def _saved(
    call: Call, value: ObjectType, results: list[Saved], given: Mapping[str, Any]
) -> dict[str, Any]:
    saved = one(results)
    names = {item.name for name in given if (item := value.get(name)) is not None}
    if value.name_field:
        names.add(value.name_field.name)
    return await _whole(call, value, saved.id or "", [(name,) for name in sorted(names)])


@route("POST", "ui-api/records", writes=True, lacks="the answer has the fields given and the name")
async def create_record(call: Call, request: Request) -> Reply:
    """Makes a record, `{apiName, fields}`: 201 and the record."""
    name: Any = request.body_object().get("apiName")
    value = _object(call, str(name or ""))
    fields = _fields_of(request)
    made = await _saved(call, value, await call.records.create(value, [fields]), fields)
    return Reply(201, made, {"Location": f"{call.base}/ui-api/records/{made['id']}"})


@route("PATCH", "ui-api/records/{id}", writes=True, lacks="the answer has the fields given and the name")
async def change_record(call: Call, request: Request) -> Reply:
    """Changes a record, `{fields}`: 200 and the record. 412 where it is not as old as If-Unmodified-Since says."""
    value, record_id = _of_id(call, request.path["id"])
    fields = {name: content for name, content in _fields_of(request).items() if name.lower() != "id"}
    since = parse_datetime(request.headers.get("if-unmodified-since", ""))
    if since is not None:
        columns = [value.fields[name] for name in ("Id", "LastModifiedDate") if name in value.fields]
        row = (await call.records.fetch(value, [record_id], columns)).get(record_id)
        if row is not None and row["LastModifiedDate"] > since:
            raise Fault(
                "PRECONDITION_FAILED", "The record has changed since: read it again, then repeat", status=412
            )
    return Reply(
        body=await _saved(call, value, await call.records.update(value, [(record_id, fields)]), fields)
    )


@route("DELETE", "ui-api/records/{id}", writes=True)
async def delete_record(call: Call, request: Request) -> Reply:
    """Deletes a record: 204."""
    value, record_id = _of_id(call, request.path["id"])
    one(await call.records.delete(value, [record_id]))
    return Reply(204)


# -- object info ---------------------------------------------------------------------------------------------


def _field_info(item: Field, language: str, call: Call) -> dict[str, Any]:
    number = item.type in ("double", "currency", "percent")
    return {
        "apiName": item.name,
        "calculated": False,
        "compound": False,
        "compoundComponentName": None,
        "compoundFieldName": None,
        "controllerName": None,
        "controllingFields": list[str](),
        "createable": item.createable,
        "custom": item.custom,
        "dataType": _TYPES.get(item.type, "String"),
        "extraTypeInfo": "PlainTextArea" if item.type == "textarea" else None,
        "filterable": item.filterable,
        "filteredLookupInfo": None,
        "highScaleNumber": False,
        "htmlFormatted": False,
        "inlineHelpText": None,
        "label": item.label_in(language),
        "length": item.length,
        "nameField": item.name_field,
        "polymorphicForeignKey": len(item.reference_to) > 1,
        "precision": item.precision or (18 if number else 0),
        "reference": item.type == "reference",
        "referenceTargetField": None,
        "referenceToInfos": [
            {"apiName": name, "nameFields": [known.name_field.name] if known.name_field else list[str]()}
            for name in item.reference_to
            if (known := call.catalogue.get(name)) is not None
        ],
        "relationshipName": item.relationship,
        "required": item.required,
        "scale": item.scale,
        "searchPrefilterable": item.type == "reference",
        "sortable": item.filterable,
        "unique": item.unique,
        "updateable": item.updateable,
    }


def object_info(call: Call, value: ObjectType) -> dict[str, Any]:
    """What Lightning needs to know of an object."""
    language = call.caller.words
    granted = rights(call.caller, value)
    default = default_record_type(call.caller, value)
    return {
        "apiName": value.name,
        "associateEntityType": None,
        "associateParentEntity": None,
        "childRelationships": [
            {
                "childObjectApiName": child.name,
                "fieldName": reference.name,
                "junctionIdListNames": list[str](),
                "junctionReferenceTo": list[str](),
                "relationshipName": child_relationship(child, reference),
            }
            for child, reference in call.catalogue.children.get(value.name, [])
            if rights(call.caller, child).read
        ],
        "createable": granted.create,
        "custom": value.custom,
        "defaultRecordTypeId": default.id if default else MASTER,
        "deletable": granted.delete,
        "dependentFields": dict[str, Any](),
        "feedEnabled": False,
        "fields": {name: _field_info(item, language, call) for name, item in value.fields.items()},
        "keyPrefix": value.key_prefix,
        "label": value.label_in(language),
        "labelPlural": value.label_plural_in(language),
        "layoutable": not value.setup,
        "mruEnabled": not value.setup,
        "nameFields": [value.name_field.name] if value.name_field else list[str](),
        "queryable": True,
        "recordTypeInfos": {
            info.id: {
                "available": True,
                "defaultRecordTypeMapping": info == default,
                "master": False,
                "name": info.name,
                "recordTypeId": info.id,
            }
            for info in record_types(call.caller, value)
        }
        | {
            MASTER: {
                "available": True,
                "defaultRecordTypeMapping": default is None,
                "master": True,
                "name": standard_name("Master", language),
                "recordTypeId": MASTER,
            }
        },
        "searchLayoutable": value.searchable,
        "searchable": value.searchable,
        "themeInfo": None,
        "updateable": granted.edit,
    }


@route("GET", "ui-api/object-info", lacks="no theme")
async def directory(call: Call, request: Request) -> Reply:
    """All objects in short."""
    language = call.caller.words
    return Reply(
        body={
            "objects": {
                value.name: {
                    "apiName": value.name,
                    "keyPrefix": value.key_prefix,
                    "label": value.label_in(language),
                    "labelPlural": value.label_plural_in(language),
                    "nameFields": [value.name_field.name] if value.name_field else list[str](),
                    "objectInfoUrl": f"{call.base}/ui-api/object-info/{value.name}",
                }
                for value in call.catalogue.objects.values()
                if rights(call.caller, value).read
            }
        }
    )


@route("GET", "ui-api/object-info/{name}", lacks="no theme, no dependent fields")
async def read_object_info(call: Call, request: Request) -> Reply:
    """One object in full."""
    return Reply(body=object_info(call, _object(call, request.path["name"])))


@route("GET", "ui-api/object-info/batch/{names}", lacks="no theme, no dependent fields")
async def read_object_infos(call: Call, request: Request) -> Reply:
    """Up to 100 objects in full; each is found or not alone."""
    results: list[dict[str, Any]] = []
    for name in [part for part in request.path["names"].split(",") if part][:100]:
        try:
            results.append({"result": object_info(call, _object(call, name)), "statusCode": 200})
        except Fault as fault:
            results.append({"result": [fault.as_row()], "statusCode": fault.status})
    return Reply(body={"results": results})


def _picklist(
    call: Call, value: ObjectType, item: Field, record_type: str, pages: PageLayouts
) -> dict[str, Any]:
    offered = pages.picklist(item, record_type)
    choices = [
        {
            "attributes": None,
            "label": choice.label_in(call.caller.words),
            "validFor": list[int](),
            "value": choice.value,
        }
        for choice in offered
    ]
    default = next((choices[n] for n, choice in enumerate(offered) if choice.default), None)
    base = f"{call.base}/ui-api/object-info/{value.name}/picklist-values/{record_type}"
    return {
        "controllerValues": dict[str, int](),
        "defaultValue": default,
        "url": f"{base}/{item.name}",
        "values": choices,
    }


async def _record_type(call: Call, request: Request) -> tuple[ObjectType, str, PageLayouts]:
    value = _object(call, request.path["name"])
    found = parse_id(request.path["record_type"])
    if found is None or (found != MASTER and all(info.id != found for info in value.record_types)):
        raise not_found()
    return value, found, await call.org.pages.at(call.conn, call.catalogue)


@route("GET", "ui-api/object-info/{name}/picklist-values/{record_type}", lacks="no dependent values")
async def picklists(call: Call, request: Request) -> Reply:
    """The values of all picklists of an object."""
    value, record_type, pages = await _record_type(call, request)
    return Reply(
        body={
            "picklistFieldValues": {
                item.name: _picklist(call, value, item, record_type, pages)
                for item in value.fields.values()
                if item.picklist
            }
        }
    )


@route("GET", "ui-api/object-info/{name}/picklist-values/{record_type}/{field}", lacks="no dependent values")
async def picklist(call: Call, request: Request) -> Reply:
    """The values of one picklist."""
    value, record_type, pages = await _record_type(call, request)
    item = value.get(request.path["field"])
    if item is None or not item.picklist:
        raise not_found()
    return Reply(body=_picklist(call, value, item, record_type, pages))
