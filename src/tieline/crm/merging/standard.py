# ruff: noqa: E501, S608 - a table: one field, one line; identifiers come from the catalogue, values are parameters
"""What merging and lead conversion add to an org: fields that say what became of a record, and the lead's statuses."""

from __future__ import annotations

from typing import Any

from ..access.permissions import open_fields, openable_fields
from ..fields import id_field, system_fields
from ..ids import make_id
from ..metadata import Field, ObjectType
from ..schema import add_field, create_object, load_catalogue

CONVERTED_STATUSES = frozenset({"Closed - Converted"})
_DEFAULT_STATUS = "Open - Not Contacted"


def _written_by_the_org(name: str, label: str, label_ja: str, target: str, on_delete: Any) -> Field:
    return Field(
        name, "reference", label, label_ja, 18, createable=False, updateable=False, reference_to=(target,),
        relationship=name.removesuffix("Id"), on_delete=on_delete,
    )  # fmt: skip


FIELDS: tuple[tuple[str, Field], ...] = (
    *(
        (name, _written_by_the_org("MasterRecordId", "Master Record ID", "マスタレコード ID", name, "keep"))
        for name in ("Account", "Contact", "Lead")
    ),
    ("Lead", Field("ConvertedDate", "date", "Converted Date", "取引開始日", createable=False, updateable=False)),
    ("Lead", _written_by_the_org("ConvertedAccountId", "Converted Account ID", "取引開始先取引先 ID", "Account", "set_null")),
    ("Lead", _written_by_the_org("ConvertedContactId", "Converted Contact ID", "取引開始先取引先責任者 ID", "Contact", "set_null")),
    ("Lead", _written_by_the_org("ConvertedOpportunityId", "Converted Opportunity ID", "取引開始先商談 ID", "Opportunity", "set_null")),
)  # fmt: skip

_READ_ONLY: dict[str, Any] = {"createable": False, "updateable": False}
_LEAD_STATUS_FIELDS = (
    id_field(),
    Field("MasterLabel", "string", "Master Label", "マスタ表示ラベル", 255, name_field=True, **_READ_ONLY),
    Field("ApiName", "string", "API Name", "API 参照名", 255, **_READ_ONLY),
    Field("SortOrder", "int", "Sort Order", "並び替え順", **_READ_ONLY),
    Field("IsDefault", "boolean", "Is Default", "デフォルト", **_READ_ONLY),
    Field("IsConverted", "boolean", "Is Converted", "取引の開始済み", **_READ_ONLY),
    *system_fields(),
)
LEAD_STATUS = ObjectType(
    "LeadStatus",
    "Lead Status Value",
    "Lead Status Values",
    "01J",
    "リード状況の値",
    "リード状況の値",
    setup=True,
    createable=False,
    updateable=False,
    deletable=False,
    fields={item.name: item for item in _LEAD_STATUS_FIELDS},
)


_BACK_AGAIN = """
CREATE FUNCTION data.back_again() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN NEW."MasterRecordId" := NULL; RETURN NEW; END $$
"""
"""What is undeleted was not merged after all, whoever undeletes it."""


async def install(conn: Any) -> None:
    """Adds what is missing of all this to an org."""
    catalogue = await load_catalogue(conn)
    for name, item in FIELDS:
        value = catalogue.objects[name]
        if value.get(item.name) is None:
            await add_field(conn, value, item)
    catalogue = await load_catalogue(conn)
    for name in ("Account", "Contact", "Lead"):
        value = catalogue.objects[name]
        added = {item.name for owner, item in FIELDS if owner == name}
        fields = {key: editable for key, editable in openable_fields(value).items() if key in added}
        await open_fields(conn, value, fields, to_users=True)
    await conn.execute(_BACK_AGAIN)
    for name in ("Account", "Contact", "Lead"):
        await conn.execute(
            f'CREATE TRIGGER back_again BEFORE UPDATE OF "IsDeleted" ON {catalogue.objects[name].table}'
            ' FOR EACH ROW WHEN (OLD."IsDeleted" AND NOT NEW."IsDeleted") EXECUTE FUNCTION data.back_again()'
        )
    if "LeadStatus" in catalogue.objects:
        return
    await create_object(conn, LEAD_STATUS)
    instance = await conn.fetchval("SELECT value FROM meta.setting WHERE name = 'instance'")
    system = make_id("005", instance, 0)
    for position, status in enumerate(catalogue.objects["Lead"].fields["Status"].picklist, start=1):
        number = await conn.fetchval("SELECT nextval('meta.record_number')")
        await conn.execute(
            f'INSERT INTO {LEAD_STATUS.table} ("Id", "MasterLabel", "ApiName", "SortOrder", "IsDefault", "IsConverted",'
            ' "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")'
            " VALUES ($1, $2, $2, $3, $4, $5, now(), $6, now(), $6, now())",
            make_id(LEAD_STATUS.key_prefix, instance, number),
            status.value,
            position,
            status.value == _DEFAULT_STATUS,
            status.value in CONVERTED_STATUSES,
            system,
        )
