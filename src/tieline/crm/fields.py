"""Words in which the standard objects are written down: one function for each kind of field."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .metadata import Field, FieldType, ObjectType, PicklistValue


def field(
    name: str, type_: FieldType, label: str, label_ja: str | None = None, length: int = 0, **more: Any
) -> Field:
    """A field; lengths are in characters."""
    return Field(name=name, type=type_, label=label, label_ja=label_ja, length=length, **more)


def pick(*values: str | tuple[str, str], default: str | None = None) -> tuple[PicklistValue, ...]:
    """Picklist values: API names, or pairs with the Japanese label."""
    found: list[PicklistValue] = []
    for value in values:
        text, ja = (value, None) if isinstance(value, str) else value
        found.append(PicklistValue(text, text, ja, text == default))
    return tuple(found)


def ref(name: str, to: str | tuple[str, ...], label: str, label_ja: str | None = None, **more: Any) -> Field:
    """A lookup to one or several objects."""
    relationship = more.pop("relationship", name.removesuffix("Id"))
    targets = (to,) if isinstance(to, str) else to
    return Field(
        name=name,
        type="reference",
        label=label,
        label_ja=label_ja,
        length=18,
        reference_to=targets,
        relationship=relationship,
        **more,
    )


def id_field() -> Field:
    """`Id`, first of every object."""
    return field(
        "Id", "id", "Record ID", "レコード ID", 18, required=True, createable=False, updateable=False
    )


def platform_event_fields() -> list[Field]:
    """What every platform event has beside the fields of its own; the org writes them."""
    common: dict[str, Any] = {"createable": False, "updateable": False}
    return [
        field("ReplayId", "string", "Replay ID", "再生 ID", 1000, **common),
        field("EventUuid", "string", "Event UUID", "イベント UUID", 36, **common),
        field("CreatedDate", "datetime", "Created Date", "作成日", **common),
        ref(
            "CreatedById",
            "User",
            "Created By ID",
            "作成者 ID",
            relationship="CreatedBy",
            on_delete="keep",
            **common,
        ),
    ]


def system_fields() -> list[Field]:
    """Who made and changed a record, and when; the org writes them."""
    common: dict[str, Any] = {"createable": False, "updateable": False, "required": True}
    return [
        field("IsDeleted", "boolean", "Deleted", "削除", **common),
        field("CreatedDate", "datetime", "Created Date", "作成日", **common),
        ref("CreatedById", "User", "Created By ID", "作成者 ID", relationship="CreatedBy", on_delete="keep", **common),
        field("LastModifiedDate", "datetime", "Last Modified Date", "最終更新日", **common),
        ref(
            "LastModifiedById", "User", "Last Modified By ID", "最終更新者 ID",
            relationship="LastModifiedBy", on_delete="keep", **common,
        ),
        field("SystemModstamp", "datetime", "System Modstamp", "システム Modstamp", **common),
    ]  # fmt: skip


def owner_field(*, queues: bool = False) -> Field:
    """`OwnerId`; the creator unless the request says otherwise. `queues` may own records of some objects."""
    to = ("User", "Group") if queues else ("User",)
    return ref("OwnerId", to, "Owner ID", "所有者 ID", relationship="Owner", on_delete="keep")


def name_field(length: int = 255, label: str = "Name", label_ja: str = "名前", **more: Any) -> Field:
    """`Name`, which people read."""
    return field("Name", "string", label, label_ja, length, name_field=True, **({"required": True} | more))


def read_only(name: str, type_: FieldType, label: str, label_ja: str, length: int = 0, **more: Any) -> Field:
    """A field that only the org writes."""
    return field(name, type_, label, label_ja, length, createable=False, updateable=False, **more)


def phone(name: str, label: str, label_ja: str) -> Field:
    """A telephone number, kept as it was typed."""
    return field(name, "phone", label, label_ja, 40)


def address(prefix: str, label: str, label_ja: str) -> list[Field]:
    """The parts of an address, and the whole, which is read only."""
    parts = [
        field(
            f"{prefix}Street", "textarea", f"{label} Street", f"町名・番地 ({label_ja})", 255, multiline=True
        ),
        field(f"{prefix}City", "string", f"{label} City", f"市区郡 ({label_ja})", 40),
        field(f"{prefix}State", "string", f"{label} State/Province", f"都道府県 ({label_ja})", 80),
        field(f"{prefix}PostalCode", "string", f"{label} Zip/Postal Code", f"郵便番号 ({label_ja})", 20),
        field(f"{prefix}Country", "string", f"{label} Country", f"国 ({label_ja})", 80),
        *_place(prefix, f"{label} ", f" ({label_ja})"),
    ]
    return [*parts, whole_address(prefix, f"{label} Address", f"住所 ({label_ja})", parts)]


def plain_address() -> list[Field]:
    """The address of an object that has one only: `Street`, `City` and so on."""
    parts = [
        field("Street", "textarea", "Street", "町名・番地", 255, multiline=True),
        field("City", "string", "City", "市区郡", 40),
        field("State", "string", "State/Province", "都道府県", 80),
        field("PostalCode", "string", "Zip/Postal Code", "郵便番号", 20),
        field("Country", "string", "Country", "国", 80),
        *_place("", "", ""),
    ]
    return [*parts, whole_address("", "Address", "住所", parts)]


def _place(prefix: str, label: str, label_ja: str) -> list[Field]:
    """Where an address is on the earth, and how exactly that is known."""
    accuracies = pick(
        ("Address", "住所"), ("NearAddress", "住所付近"), ("Block", "街区"), ("Street", "町名・番地"),
        ("ExtendedZip", "拡張郵便番号"), ("Zip", "郵便番号"), ("Neighborhood", "近隣"), ("City", "市区郡"),
        ("County", "郡"), ("State", "都道府県"), ("Unknown", "不明"),
    )  # fmt: skip
    return [
        field(f"{prefix}Latitude", "double", f"{label}Latitude", f"緯度{label_ja}", precision=18, scale=15),
        field(f"{prefix}Longitude", "double", f"{label}Longitude", f"経度{label_ja}", precision=18, scale=15),
        field(
            f"{prefix}GeocodeAccuracy", "picklist", f"{label}Geocode Accuracy", f"地理コードの精度{label_ja}", 40,
            picklist=accuracies, restricted=True,
        ),
    ]  # fmt: skip


def whole_address(prefix: str, label: str, label_ja: str, parts: list[Field]) -> Field:
    """The compound field over the parts of an address."""
    return read_only(
        f"{prefix}Address", "address", label, label_ja, filterable=False, calculated=True,
        components=tuple(part.name for part in parts),
    )  # fmt: skip


def person_name_fields(salutation: bool = True) -> list[Field]:
    """The parts of a person's name, and the name composed of them."""
    fields = [
        field("LastName", "string", "Last Name", "姓", 80, required=True),
        field("FirstName", "string", "First Name", "名", 40),
    ]
    if salutation:
        values = pick("Mr.", "Ms.", "Mrs.", "Dr.", "Prof.")
        fields.append(field("Salutation", "picklist", "Salutation", "敬称", 40, picklist=values))
    fields.append(
        name_field(
            121, "Full Name", "氏名", createable=False, updateable=False, calculated=True, required=True
        )
    )
    return fields


_DESCRIPTION_LENGTH = 32_000


def description(label: str = "Description", label_ja: str = "説明") -> Field:
    """Long text about the record."""
    return field(
        "Description", "textarea", label, label_ja, _DESCRIPTION_LENGTH, multiline=True, filterable=False
    )


def object_type(
    name: str, prefix: str, labels: tuple[str, str, str], fields: list[Field], **more: Any
) -> ObjectType:
    """An object with `Id`, its fields and the system fields; labels are singular, plural, Japanese."""
    everything = [id_field(), *fields, *system_fields()]
    return ObjectType(
        name=name,
        label=labels[0],
        label_plural=labels[1],
        label_ja=labels[2],
        label_plural_ja=labels[2],
        key_prefix=prefix,
        fields={value.name: value for value in everything},
        **more,
    )


def hierarchy_setting_fields() -> list[Field]:
    """What a hierarchy custom setting has beside its own fields: whose setting it is, once each."""
    owners = ("Organization", "Profile", "User")
    return [
        name_field(38, required=False),
        ref("SetupOwnerId", owners, "Location", "場所", relationship="SetupOwner", required=True, unique=True,
            updateable=False, on_delete="cascade"),
    ]  # fmt: skip


def metadata_type_fields() -> list[Field]:
    """What a custom metadata type has beside its own fields; who wrote a record is not shown."""
    shown = {"SystemModstamp"}
    return [
        read_only(
            "DeveloperName",
            "string",
            "Custom Metadata Record Name",
            "カスタムメタデータレコード名",
            40,
            required=True,
            unique=True,
        ),
        read_only("MasterLabel", "string", "Label", "表示ラベル", 40, required=True, name_field=True),
        read_only("Language", "picklist", "Master Language", "マスタ言語", 40),
        read_only("NamespacePrefix", "string", "Namespace Prefix", "名前空間プレフィックス", 15),
        read_only("Label", "string", "Label", "表示ラベル", 40),
        read_only("QualifiedApiName", "string", "Qualified API Name", "完全修飾 API 名", 70),
        *(item if item.name in shown else replace(item, hidden=True) for item in system_fields()),
    ]
