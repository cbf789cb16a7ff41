"""Which fields the console shows for an object: list columns and the sections of the record page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .metadata import ObjectType

LIST_COLUMNS: Mapping[str, Sequence[str]] = {
    "Contact": ("Name", "AccountId", "Title", "Phone", "MobilePhone", "Email", "OwnerId"),
    "Account": ("Name", "Phone", "Industry", "BillingCity", "OwnerId", "LastModifiedDate"),
    "Lead": ("Name", "Company", "Phone", "Email", "Status", "OwnerId"),
    "Opportunity": ("Name", "AccountId", "StageName", "Amount", "CloseDate", "OwnerId"),
    "Case": ("CaseNumber", "Subject", "Status", "Priority", "ContactId", "OwnerId"),
    "User": ("Name", "Username", "Email", "Phone", "ProfileId", "IsActive"),
    "Task": ("Subject", "WhoId", "WhatId", "Status", "ActivityDate", "OwnerId"),
    "Event": ("Subject", "WhoId", "WhatId", "StartDateTime", "OwnerId"),
}

ACTIVITY_FIELDS = frozenset(
    {
        "Subject", "Description", "CallType", "CallDurationInSeconds", "CallDisposition", "CallObject",
        "ActivityDate", "CreatedDate", "Status", "Priority", "IsClosed", "WhoId", "WhatId", "OwnerId", "Type",
        "TaskSubtype", "StartDateTime", "EndDateTime", "Location",
    }
)  # fmt: skip

_MAIN = ("Details", "詳細")
_ADDRESS = ("Address", "住所")
_MORE = ("Additional Information", "追加情報")
_NOTES = ("Description", "説明")
_SYSTEM = ("System Information", "システム情報")

_SECTIONS: Mapping[str, Sequence[tuple[tuple[str, str], Sequence[str]]]] = {
    "Contact": (
        (_MAIN, ("Name", "AccountId", "Title", "Department", "Phone", "MobilePhone", "HomePhone", "OtherPhone",
                 "Email", "Fax", "ReportsToId", "OwnerId")),
        (_ADDRESS, ("MailingStreet", "MailingCity", "MailingState", "MailingPostalCode", "MailingCountry")),
        (_MORE, ("LeadSource", "Birthdate", "AssistantName", "AssistantPhone")),
        (_NOTES, ("Description",)),
    ),
    "Account": (
        (_MAIN, ("Name", "Phone", "ParentId", "Fax", "Type", "Website", "Industry", "AccountNumber",
                 "NumberOfEmployees", "AnnualRevenue", "OwnerId")),
        (_ADDRESS, ("BillingStreet", "BillingCity", "BillingState", "BillingPostalCode", "BillingCountry",
                    "ShippingStreet", "ShippingCity", "ShippingState", "ShippingPostalCode", "ShippingCountry")),
        (_NOTES, ("Description",)),
    ),
    "Lead": (
        (_MAIN, ("Name", "Company", "Title", "Status", "Phone", "MobilePhone", "Email", "Fax", "Website",
                 "LeadSource", "Industry", "OwnerId")),
        (_ADDRESS, ("Street", "City", "State", "PostalCode", "Country")),
        (_NOTES, ("Description",)),
    ),
}  # fmt: skip
_NEVER = frozenset(
    {
        "Id", "IsDeleted", "SystemModstamp", "FirstName", "LastName", "Salutation", "Latitude", "Longitude",
        "GeocodeAccuracy",
    }
)  # fmt: skip
_STAMPS = ("CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate")


def detail_sections(value: ObjectType, language: str) -> list[dict[str, Any]]:
    """Sections `{label, fields}` of a record page. Fields that no section names come under the first."""
    sections: list[tuple[tuple[str, str], list[str]]] = [
        (label, list(names)) for label, names in _SECTIONS.get(value.name, ())
    ]
    placed = {name for _, names in sections for name in names}
    rest = [
        name
        for name, item in value.fields.items()
        if name not in placed
        and item.type != "address"
        and name not in _STAMPS
        and (name not in _NEVER if value.person else name not in _NEVER - {"FirstName", "LastName"})
        and (not sections or item.custom)
    ]
    if not sections:
        sections = [(_MAIN, rest)]
    elif rest:
        sections.insert(1, (_MORE if len(sections) < 3 else ("Custom Fields", "カスタム項目"), rest))
    stamps = [name for name in _STAMPS if name in value.fields]
    sections.append((_SYSTEM, stamps))
    index = 1 if language == "ja" else 0
    return [
        {"label": label[index], "fields": [name for name in names if name in value.fields]}
        for label, names in sections
        if names
    ]
