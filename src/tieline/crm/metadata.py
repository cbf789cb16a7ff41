"""What an org knows about its objects and fields.

A `Catalogue` is an immutable picture of the registry tables (`meta.object`, `meta.field`) at one version.
Every identifier that reaches SQL comes from here, never from a request. API names are unique without regard
to case, as at Salesforce.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from .filters import Criteria

FieldType = Literal[
    "id",
    "string",
    "textarea",
    "picklist",
    "multipicklist",
    "combobox",
    "phone",
    "email",
    "url",
    "boolean",
    "int",
    "double",
    "currency",
    "percent",
    "date",
    "datetime",
    "time",
    "reference",
    "address",
]

COLUMN_TYPES: Mapping[str, str] = {
    "id": 'text COLLATE "C"',
    "reference": 'text COLLATE "C"',
    "boolean": "boolean",
    "int": "integer",
    "double": "double precision",
    "currency": "double precision",
    "percent": "double precision",
    "date": "date",
    "datetime": "timestamptz",
    "time": "time",
    "address": "jsonb",
}
"""PostgreSQL type of each field type; every other type is `text`."""

Kind = Literal["standard", "custom", "list_setting", "hierarchy_setting", "metadata_type", "platform_event"]
Sharing = Literal["ReadWrite", "Read", "Private", "ControlledByParent"]
"""Who sees records of others, before roles and queues: the organization-wide default of an object."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What may be done with the records of one object; the last two reach beyond sharing."""

    read: bool = False
    create: bool = False
    edit: bool = False
    delete: bool = False
    view_all: bool = False
    modify_all: bool = False

    def __or__(self, other: Rights) -> Rights:
        """What either of two permission sets opens."""
        return Rights(*(getattr(self, name) or getattr(other, name) for name in Rights.__slots__))


@dataclass(frozen=True, slots=True)
class RecordTypeInfo:
    """A record type as describes show it."""

    id: str
    name: str
    developer_name: str
    active: bool
    access: tuple[tuple[str, bool], ...] = ()
    """Permission sets, those of profiles included, that open it, and whether it is the default there."""


Access = Literal["Read", "Edit"]


@dataclass(frozen=True, slots=True)
class SharingRule:
    """Records that a group of people reaches: those of owners in a group, or, without one, those a filter names.

    `slot` is a number from 1 that the rule keeps; ids of share rows carry it.
    """

    object_name: str
    name: str
    label: str
    access: Access
    shared_to: str
    shared_from: str | None = None
    criteria: Criteria | None = None
    contact_access: str = "None"
    opportunity_access: str = "None"
    case_access: str = "None"
    slot: int = 0


@dataclass(frozen=True, slots=True)
class PicklistValue:
    """One value of a picklist, with its label in both languages."""

    value: str
    label: str
    label_ja: str | None = None
    default: bool = False

    def label_in(self, language: str) -> str:
        """The label for a user's language (`ja` or anything else)."""
        return (self.label_ja or self.label) if language == "ja" else self.label


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `calculated` values are set by the org; `unique` holds among records not deleted."""

    name: str
    type: FieldType
    label: str
    label_ja: str | None = None
    length: int = 0
    precision: int = 0
    scale: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    unique: bool = False
    external_id: bool = False
    case_sensitive: bool = False
    custom: bool = False
    calculated: bool = False
    name_field: bool = False
    auto_number: str | None = None
    default: str | bool | float | None = None
    picklist: tuple[PicklistValue, ...] = ()
    restricted: bool = False
    reference_to: tuple[str, ...] = ()
    relationship: str | None = None
    child_relationship: str | None = None
    on_delete: Literal["set_null", "cascade", "restrict", "keep"] = "set_null"
    multiline: bool = False
    filterable: bool = True
    components: tuple[str, ...] = ()
    """Fields that a compound is made of; the compound itself is written by the database."""
    master: bool = False
    """True for master-detail: the record belongs to the one it points to."""
    hidden: bool = False
    """True for what every table has and this object does not show."""

    @property
    def stored(self) -> bool:
        """False where the database fills the column by itself."""
        return not self.components

    @property
    def column(self) -> str:
        """The quoted column. Names come from the registry, whose writers admit `[A-Za-z][A-Za-z0-9_]*`."""
        return f'"{self.name}"'

    @property
    def textual(self) -> bool:
        """True where the stored value is text that compares without regard to case."""
        return self.type not in COLUMN_TYPES

    def label_in(self, language: str) -> str:
        """The label for a user's language (`ja` or anything else)."""
        return (self.label_ja or self.label) if language == "ja" else self.label

    def as_json(self) -> dict[str, Any]:
        """The form kept in the registry."""
        return asdict(self)

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Field:
        """The value of a registry row."""
        values = dict(data)
        values["picklist"] = tuple(PicklistValue(**value) for value in values.get("picklist", ()))
        values["reference_to"] = tuple(values.get("reference_to", ()))
        values["components"] = tuple(values.get("components", ()))
        return Field(**values)


@dataclass(frozen=True)
class ObjectType:
    """One object and its fields, in order."""

    name: str
    label: str
    label_plural: str
    key_prefix: str
    label_ja: str | None = None
    label_plural_ja: str | None = None
    kind: Kind = "standard"
    setup: bool = False
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    searchable: bool = False
    activities: bool = False
    sharing: Sharing = "ReadWrite"
    shares: str | None = None
    """For `AccountShare` and its like: the object whose records the rows share."""
    fields: Mapping[str, Field] = field(default_factory=dict[str, Field])
    grants: Mapping[str, Rights] = field(default_factory=dict[str, Rights])
    """Object permissions by permission set, those of profiles included."""
    field_grants: Mapping[str, Mapping[str, bool]] = field(default_factory=dict[str, Mapping[str, bool]])
    """By permission set: fields that may be read, and whether they may be edited, too."""
    record_types: tuple[RecordTypeInfo, ...] = ()
    sharing_rules: tuple[SharingRule, ...] = ()
    catalogue: Catalogue | None = field(default=None, compare=False, repr=False)
    """All objects there are, this one among them: sharing looks up parents there."""

    @property
    def table(self) -> str:
        """The quoted table."""
        return f'data."{self.name}"'

    @property
    def custom(self) -> bool:
        """True for what an administrator or a deployment made."""
        return self.kind != "standard" or self.name.endswith("__Share")

    @property
    def setting(self) -> bool:
        """True for custom settings, which are set-up rather than data."""
        return self.kind in ("list_setting", "hierarchy_setting")

    @cached_property
    def worked_out(self) -> dict[str, Any]:
        """What follows from the fields and is needed for each record: others keep it here, under their own names."""
        return {}

    @cached_property
    def master(self) -> Field | None:
        """The field to the record that owns this one, on the detail side of a master-detail."""
        return next((value for value in self.fields.values() if value.master), None)

    @cached_property
    def compound_of(self) -> dict[str, str]:
        """The compound that a field is a component of, by the component's name."""
        found = {part: value.name for value in self.fields.values() for part in value.components}
        if self.person:
            found |= {part: "Name" for part in ("FirstName", "LastName", "Salutation") if part in self.fields}
        return found

    @cached_property
    def by_lower(self) -> dict[str, Field]:
        """Fields by lower-case API name."""
        return {name.lower(): value for name, value in self.fields.items()}

    @cached_property
    def by_relationship(self) -> dict[str, Field]:
        """Reference fields by lower-case relationship name (`Account`, `Owner`, `Rel__r`)."""
        return {
            value.relationship.lower(): value
            for value in self.fields.values()
            if value.type == "reference" and value.relationship
        }

    @cached_property
    def name_field(self) -> Field | None:
        """The field that names a record to people, if the object has one."""
        return next((value for value in self.fields.values() if value.name_field), None)

    @cached_property
    def unique_indexes(self) -> dict[str, Field]:
        """Unique fields by the name of the index that guards them."""
        return {
            index_name("ux", self.name, value.name): value for value in self.fields.values() if value.unique
        }

    @cached_property
    def person(self) -> bool:
        """True where Name is composed of FirstName and LastName."""
        return "LastName" in self.fields and "Name" in self.fields

    def get(self, name: str) -> Field | None:
        """The field of that API name, in any case."""
        return self.by_lower.get(name.lower())

    def label_in(self, language: str) -> str:
        """The singular label."""
        return (self.label_ja or self.label) if language == "ja" else self.label

    def label_plural_in(self, language: str) -> str:
        """The plural label."""
        if language == "ja":
            return self.label_plural_ja or self.label_ja or self.label_plural
        return self.label_plural


@dataclass(frozen=True)
class Catalogue:
    """All objects of an org at one version."""

    version: int
    objects: Mapping[str, ObjectType]
    complete: Catalogue | None = None
    """For what one user may see: the catalogue it is cut from."""

    @property
    def whole(self) -> Catalogue:
        """Everything there is, whoever asks."""
        return self.complete or self

    @cached_property
    def views(self) -> dict[Any, Catalogue]:
        """Kept by `access.visible_part`: what users see, by what they hold."""
        return {}

    @cached_property
    def by_lower(self) -> dict[str, ObjectType]:
        """Objects by lower-case API name."""
        return {name.lower(): value for name, value in self.objects.items()}

    @cached_property
    def by_prefix(self) -> dict[str, ObjectType]:
        """Objects by key prefix."""
        return {value.key_prefix: value for value in self.objects.values()}

    @cached_property
    def children(self) -> dict[str, list[tuple[ObjectType, Field]]]:
        """For each object, the reference fields of others that may point to it."""
        found: dict[str, list[tuple[ObjectType, Field]]] = {name: [] for name in self.objects}
        for value in self.objects.values():
            for reference in value.fields.values():
                for target in reference.reference_to:
                    if target in found:
                        found[target].append((value, reference))
        return found

    @cached_property
    def shares(self) -> dict[str, ObjectType]:
        """The objects of share rows by the object whose records they share."""
        return {value.shares: value for value in self.objects.values() if value.shares}

    def get(self, name: str) -> ObjectType | None:
        """The object of that API name, in any case."""
        return self.by_lower.get(name.lower())

    def of_id(self, record_id: str) -> ObjectType | None:
        """The object whose key prefix an id carries."""
        return self.by_prefix.get(record_id[:3])


def index_name(kind: str, object_name: str, field_name: str) -> str:
    """A stable index name below PostgreSQL's 63 characters."""
    digest = hashlib.sha256(f"{object_name}.{field_name}".encode()).hexdigest()[:12]
    return f"{kind}_{object_name[:24]}_{field_name[:18]}_{digest}".lower()


@dataclass
class Granted:
    """What the permission rows say of one object, as read from the database."""

    rights: dict[str, Rights] = field(default_factory=dict[str, Rights])
    fields: dict[str, dict[str, bool]] = field(default_factory=dict[str, dict[str, bool]])
    record_types: list[RecordTypeInfo] = field(default_factory=list[RecordTypeInfo])
    sharing_rules: list[SharingRule] = field(default_factory=list[SharingRule])


def build_catalogue(
    version: int, rows: Iterable[Mapping[str, Any]], granted: Mapping[str, Granted] | None = None
) -> Catalogue:
    """The catalogue from registry rows `{definition, fields}`, both JSON text, and permissions by object.

    What-references are completed here: they may point to every object that takes activities.
    """
    objects: dict[str, ObjectType] = {}
    for row in rows:
        definition: dict[str, Any] = json.loads(row["definition"])
        fields = [Field.from_json(item) for item in json.loads(row["fields"])]
        given = (granted or {}).get(definition["name"]) or Granted()
        value = ObjectType(
            **definition,
            fields={item.name: item for item in fields},
            grants=given.rights,
            field_grants=given.fields,
            record_types=tuple(given.record_types),
            sharing_rules=tuple(given.sharing_rules),
        )
        objects[value.name] = value
    with_activities = tuple(
        name
        for name, value in objects.items()
        if value.activities and name not in ("Contact", "Lead")  # those are Who
    )
    for name in ("Task", "Event"):
        if name in objects:
            fields_now = dict(objects[name].fields)
            fields_now["WhatId"] = replace(fields_now["WhatId"], reference_to=with_activities)
            objects[name] = replace(objects[name], fields=fields_now)
    catalogue = Catalogue(version, objects)
    for value in objects.values():
        object.__setattr__(value, "catalogue", catalogue)
    return catalogue


def definition_of(value: ObjectType) -> dict[str, Any]:
    """An object without its fields, as the registry keeps it."""
    loaded = {"fields", "grants", "field_grants", "record_types", "sharing_rules", "catalogue"}
    names = ObjectType.__dataclass_fields__
    return {name: getattr(value, name) for name in names if name not in loaded}


def child_relationship(child: ObjectType, reference: Field) -> str | None:
    """The name under which a parent knows these children."""
    name = reference.child_relationship
    if name and child.name == "Event":
        return "Events"
    if name and reference.custom and not name.endswith("__r"):
        return f"{name}__r"
    return name
