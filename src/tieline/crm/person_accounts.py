# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Person accounts: accounts that are people, each with a contact that follows it.

Switched on for a whole org, once and for ever, as at Salesforce. From then on an account that is made with a last name
is a person: its name is composed, its `Person...` fields are the contact's, so are its `X__pc` fields for the custom
fields of contacts, and the contact is changed through the account only. Queries on Contact return these contacts, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .access.permissions import grant_fields, open_fields, openable_fields, opened
from .errors import Fault
from .ids import make_id
from .metadata import Catalogue, Field, ObjectType
from .schema import add_field, load_catalogue, update_field, with_field

RECORD_TYPE = "PersonAccount"
_NAMES = ("FirstName", "LastName", "Salutation")
_SHARED = ("Phone", "Fax", "OwnerId")
_OF_PERSONS = (
    "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone", "AssistantName", "Email", "Title", "Department",
    "Birthdate", "LeadSource", "MailingStreet", "MailingCity", "MailingState", "MailingPostalCode", "MailingCountry",
)  # fmt: skip

MIRRORED: Mapping[str, str] = {
    **{name: name for name in (*_NAMES, *_SHARED)},
    **{f"Person{name}": name for name in _OF_PERSONS},
}
"""Fields of the account to those of its contact."""
_PERSON_ONLY = frozenset({*_NAMES, *(f"Person{name}" for name in _OF_PERSONS)})
_OF_CONTACT = "__pc"
_READ_ONLY: dict[str, Any] = {"createable": False, "updateable": False}

Row = dict[str, Any]


def enabled(catalogue: Catalogue) -> bool:
    """Whether the org has person accounts."""
    return "IsPersonAccount" in catalogue.objects["Account"].fields


async def enable(conn: Any, instance: str, user_id: str) -> bool:
    """Gives an org person accounts; false where it has them already. There is no way back.

    Runs in the caller's transaction; the next request sees it.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(hashtextextended('person accounts', 0))")
    catalogue = await load_catalogue(conn)
    if enabled(catalogue):
        return False
    account, contact, lead = (catalogue.objects[name] for name in ("Account", "Contact", "Lead"))
    for name, value in (("Account", account), ("Contact", contact)):
        label, label_ja = "Is Person Account", "個人取引先"
        await add_field(conn, value, Field("IsPersonAccount", "boolean", label, label_ja, **_READ_ONLY))
        if name == "Account":
            await add_field(conn, account, _contact_field())
    for target, source in MIRRORED.items():
        known = contact.get(source)
        if known is not None and account.get(target) is None:
            await add_field(conn, account, replace(known, name=target, required=False))
    for item in contact.fields.values():
        if (shown := account_field(item)) is not None:
            await add_field(conn, account, shown)
    old = {"Account": account, "Contact": contact}
    catalogue = await load_catalogue(conn)
    for name, before in old.items():
        value = catalogue.objects[name]
        fields = {
            key: editable
            for key, editable in openable_fields(value).items()
            if key not in before.fields and not key.endswith(_OF_CONTACT)
        }
        await open_fields(conn, value, fields, to_users=True)
    for set_id, granted in contact.field_grants.items():
        own = {
            f"{name[:-1]}pc": edit for name, edit in granted.items() if account_field(contact.fields[name])
        }
        await grant_fields(conn, [set_id], "Account", own)
    # A lead without a company becomes a person account.
    company = lead.fields["Company"]
    await update_field(conn, lead, company, replace(company, required=False))
    record_types = catalogue.objects["RecordType"]
    if record_types.get("IsPersonType") is None:
        label = Field("IsPersonType", "boolean", "Is Person Type", "個人取引先種別", **_READ_ONLY)
        await add_field(conn, record_types, label)
    number = await conn.fetchval("SELECT nextval('meta.record_number')")
    await conn.execute(
        f'INSERT INTO {record_types.table} ("Id", "Name", "DeveloperName", "SobjectType", "IsActive", "IsPersonType",'
        ' "IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")'
        " VALUES ($1, 'Person Account', $2, 'Account', true, true, false, now(), $3, now(), $3, now())",
        make_id(record_types.key_prefix, instance, number),
        RECORD_TYPE,
        user_id,
    )
    return True


def _contact_field() -> Field:
    return Field(
        "PersonContactId", "reference", "Contact ID", "取引先責任者 ID", 18, reference_to=("Contact",),
        relationship="PersonContact", on_delete="keep", **_READ_ONLY,
    )  # fmt: skip


def account_field(item: Field) -> Field | None:
    """The account's field for a custom field of contacts, `X__pc` for `X__c`; None where there is none."""
    if not item.custom or item.auto_number is not None or item.master:
        return None
    return replace(
        item, name=f"{item.name[:-1]}pc", required=False, unique=False, external_id=False, child_relationship=None,
        relationship=item.relationship and f"{item.relationship[:-1]}pr",
    )  # fmt: skip


async def follow_field(conn: Any, catalogue: Catalogue, item: Field, *, to_users: bool) -> None:
    """A custom field of contacts that was made or changed, on accounts that are people."""
    shown = account_field(item) if enabled(catalogue) else None
    if shown is None:
        return
    account = catalogue.objects["Account"]
    old = account.get(shown.name)
    if old is None:
        await add_field(conn, account, shown)
        await open_fields(conn, account, opened(with_field(account, shown), shown), to_users=to_users)
    elif old != shown:
        await update_field(conn, account, old, shown)


def decide_kind(row: Row, given: Mapping[str, Any], *, new: bool) -> None:
    """What kind of account it is, and a person's name. Faults where its fields do not go together."""
    if new:
        row["IsPersonAccount"] = given.get("LastName") is not None
    if not row["IsPersonAccount"]:
        wrong = [
            name
            for name in given
            if (name in _PERSON_ONLY or name.endswith(_OF_CONTACT)) and given[name] is not None
        ]
        if wrong:
            raise _bad_fields(wrong)
        return
    if "Name" in given:
        raise _bad_fields(["Name"])
    if row.get("LastName") is None:
        raise Fault("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName]", fields=["LastName"])
    row["Name"] = " ".join(part for part in (row.get("FirstName"), row["LastName"]) if part)


def _bad_fields(names: list[str]) -> Fault:
    return Fault(
        "INVALID_FIELD_FOR_INSERT_UPDATE",
        f"Account: bad field names on insert/update call: {', '.join(names)}",
        fields=names,
    )


def mirrored(contact: ObjectType, given: Mapping[str, Any]) -> Row:
    """What a person's contact takes over of values given to the account."""
    found = ((MIRRORED.get(name) or _of_contact(name), content) for name, content in given.items())
    return {name: content for name, content in found if name in contact.fields}


def _of_contact(name: str) -> str:
    return f"{name.removesuffix(_OF_CONTACT)}__c" if name.endswith(_OF_CONTACT) else ""


def require_free(value: ObjectType, row: Mapping[str, Any]) -> None:
    """INVALID_PERSON_ACCOUNT_OPERATION for the contact of a person account, which follows its account."""
    if value.name == "Contact" and row.get("IsPersonAccount"):
        raise Fault(
            "INVALID_PERSON_ACCOUNT_OPERATION",
            "This contact belongs to a person account: change the account instead",
            fields=[],
        )


async def note_contacts(conn: Any, account: ObjectType, contacts: Mapping[str, str]) -> None:
    """Writes down the contact of each new person account, and its record type where the org has those."""
    record_type = ""
    if "RecordTypeId" in account.fields:
        record_type = (
            ', "RecordTypeId" = coalesce(a."RecordTypeId", (SELECT "Id" FROM data."RecordType" WHERE'
            ' "SobjectType" = \'Account\' AND "IsPersonType" AND NOT "IsDeleted" ORDER BY "Id" LIMIT 1))'
        )
    await conn.execute(
        f'UPDATE {account.table} a SET "PersonContactId" = p.contact{record_type}'
        ' FROM unnest($1::text[], $2::text[]) AS p(account, contact) WHERE a."Id" = p.account',
        list(contacts),
        list(contacts.values()),
    )
