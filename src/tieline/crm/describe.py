"""Describing objects and fields the way the API does, in the user's language and with the user's rights."""

from __future__ import annotations

from typing import Any

from .access.questions import Caller, default_record_type, permissionable, record_types, rights
from .language import standard_name
from .metadata import Catalogue, Field, ObjectType, child_relationship

_SOAP = {
    "id": "tns:ID", "reference": "tns:ID", "boolean": "xsd:boolean", "int": "xsd:int", "double": "xsd:double",
    "currency": "xsd:double", "percent": "xsd:double", "date": "xsd:date", "datetime": "xsd:dateTime",
    "time": "xsd:time", "address": "urn:address",
}  # fmt: skip


def describe_field(value: ObjectType, item: Field, language: str) -> dict[str, Any]:
    """One field of a describe."""
    number = item.type in ("double", "currency", "percent")
    return {
        "aggregatable": item.type not in ("textarea", "boolean", "address", "multipicklist"),
        "aiPredictionField": False,
        "autoNumber": item.auto_number is not None,
        "byteLength": item.length * 3,
        "calculated": False,
        "calculatedFormula": None,
        "cascadeDelete": item.on_delete == "cascade",
        "caseSensitive": item.case_sensitive,
        "compoundFieldName": value.compound_of.get(item.name),
        "controllerName": None,
        "createable": item.createable,
        "custom": item.custom,
        "defaultValue": item.default
        if item.default is not None
        else (False if item.type == "boolean" else None),
        "defaultValueFormula": None,
        "defaultedOnCreate": item.type == "boolean"
        or item.default is not None
        or item.auto_number is not None
        or item.name
        in ("OwnerId", "Id", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById")
        or any(choice.default for choice in item.picklist),
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": 9 if item.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": item.external_id,
        "extraTypeInfo": "plaintextarea" if item.type == "textarea" else None,
        "filterable": item.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": item.filterable and not number and item.type not in ("datetime", "multipicklist"),
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": item.type == "id" or item.external_id or item.name_field or item.type == "email",
        "inlineHelpText": None,
        "label": item.label_in(language),
        "length": item.length,
        "mask": None,
        "maskType": None,
        "name": item.name,
        "nameField": item.name_field,
        "namePointing": len(item.reference_to) > 1,
        "nillable": not item.required and item.type != "boolean",
        "permissionable": permissionable(value, item),
        "picklistValues": [
            {
                "active": True,
                "defaultValue": choice.default,
                "label": choice.label_in(language),
                "validFor": None,
                "value": choice.value,
            }
            for choice in item.picklist
        ],
        "polymorphicForeignKey": len(item.reference_to) > 1,
        "precision": item.precision or (18 if number else 0),
        "queryByDistance": item.type == "address",
        "referenceTargetField": None,
        "referenceTo": sorted(item.reference_to),
        "relationshipName": item.relationship,
        "relationshipOrder": 0 if item.master else None,
        "restrictedDelete": item.on_delete == "restrict",
        "restrictedPicklist": item.restricted,
        "scale": item.scale,
        "searchPrefilterable": item.type == "reference",
        "soapType": _SOAP.get(item.type, "xsd:string"),
        "sortable": item.filterable and item.type != "multipicklist",
        "type": item.type,
        "unique": item.unique,
        "updateable": item.updateable,
        "writeRequiresMasterRead": False,
    }


def summary(value: ObjectType, caller: Caller, version: str) -> dict[str, Any]:
    """The short description used by describe global and basic information."""
    granted = rights(caller, value)
    language = caller.words
    base = f"/services/data/v{version}/sobjects/{value.name}"
    return {
        "activateable": False,
        "associateEntityType": "Share" if value.shares else None,
        "associateParentEntity": value.shares,
        "createable": granted.create,
        "custom": value.custom,
        "customSetting": value.setting,
        "deepCloneable": False,
        "deletable": granted.delete,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": value.key_prefix,
        "label": value.label_in(language),
        "labelPlural": value.label_plural_in(language),
        "layoutable": not value.setup,
        "mergeable": value.name in ("Account", "Contact", "Lead"),
        "mruEnabled": not value.setup,
        "name": value.name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": value.searchable,
        "triggerable": not value.setup,
        "undeletable": granted.delete and not value.setup,
        "updateable": granted.edit,
        "urls": {
            "rowTemplate": base + "/{ID}",
            "describe": base + "/describe",
            "sobject": base,
        },
    }


def describe(value: ObjectType, catalogue: Catalogue, caller: Caller, version: str) -> dict[str, Any]:
    """The whole description of an object."""
    language = caller.words
    return summary(value, caller, version) | {
        "actionOverrides": [],
        "childRelationships": [
            {
                "cascadeDelete": reference.on_delete == "cascade",
                "childSObject": child.name,
                "deprecatedAndHidden": False,
                "field": reference.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": child_relationship(child, reference),
                "restrictedDelete": reference.on_delete == "restrict",
            }
            for child, reference in catalogue.children.get(value.name, [])
            if rights(caller, child).read
        ],
        "compactLayoutable": not value.setup,
        "defaultImplementation": None,
        "extendedBy": None,
        "extendsInterfaces": None,
        "fields": [describe_field(value, item, language) for item in value.fields.values()],
        "implementedBy": None,
        "implementsInterfaces": None,
        "listviewable": None,
        "lookupLayoutable": None,
        "namedLayoutInfos": [],
        "networkScopeFieldName": None,
        "recordTypeInfos": _record_types(value, caller, version),
        "searchLayoutable": value.searchable,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": "All", "name": "everything"}, {"label": "Mine", "name": "mine"}],
    }


def _record_types(value: ObjectType, caller: Caller, version: str) -> list[dict[str, Any]]:
    base = f"/services/data/v{version}/sobjects/{value.name}/describe/layouts"
    available = record_types(caller, value)
    default = default_record_type(caller, value)
    found = [
        {
            "active": info.active,
            "available": info in available,
            "defaultRecordTypeMapping": info == default,
            "developerName": info.developer_name,
            "master": False,
            "name": info.name,
            "recordTypeId": info.id,
            "urls": {"layout": f"{base}/{info.id}"},
        }
        for info in value.record_types
    ]
    master: dict[str, Any] = {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": default is None,
        "developerName": "Master",
        "master": True,
        "name": standard_name("Master", caller.words),
        "recordTypeId": "012000000000000AAA",
        "urls": {},
    }
    return [*found, master]
