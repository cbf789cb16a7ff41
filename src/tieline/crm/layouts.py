"""Which fields the console shows for an object: list columns, and pages that no deployed layout draws."""

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
_WEB = ("Web Information", "Web 情報")
_CALL = ("Call", "コール情報")
_REMINDER = ("Reminder", "アラーム")
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
        (_MORE, ("AnnualRevenue", "NumberOfEmployees", "Rating")),
        (_NOTES, ("Description",)),
    ),
    "Opportunity": (
        (_MAIN, ("Name", "AccountId", "CloseDate", "StageName", "Amount", "Probability", "ExpectedRevenue", "Type",
                 "NextStep", "LeadSource", "OwnerId")),
        (_NOTES, ("Description",)),
    ),
    "Case": (
        (_MAIN, ("CaseNumber", "Status", "ContactId", "Priority", "AccountId", "Origin", "Type", "Reason", "ParentId",
                 "ClosedDate", "OwnerId")),
        (_NOTES, ("Subject", "Description")),
        (_WEB, ("SuppliedName", "SuppliedEmail", "SuppliedCompany", "SuppliedPhone")),
    ),
    "Task": (
        (_MAIN, ("Subject", "OwnerId", "ActivityDate", "Status", "WhoId", "Priority", "WhatId", "Type",
                 "CompletedDateTime")),
        (_CALL, ("CallType", "CallDurationInSeconds", "CallDisposition", "CallObject")),
        (_NOTES, ("Description",)),
        (_REMINDER, ("IsReminderSet", "ReminderDateTime")),
    ),
    "Event": (
        (_MAIN, ("Subject", "OwnerId", "StartDateTime", "EndDateTime", "WhoId", "WhatId", "Location", "Type",
                 "IsAllDayEvent", "ShowAs", "IsPrivate")),
        (_NOTES, ("Description",)),
        (_REMINDER, ("IsReminderSet", "ReminderDateTime")),
    ),
}  # fmt: skip
_HIGHLIGHTS: Mapping[str, Sequence[str]] = {
    "Account": ("Phone", "Website", "Type", "Industry", "OwnerId"),
    "Case": ("Priority", "Status", "ContactId", "AccountId", "OwnerId"),
    "Contact": ("AccountId", "Title", "Phone", "MobilePhone", "Email"),
    "Lead": ("Company", "Title", "Phone", "MobilePhone", "Email"),
    "Event": ("WhoId", "WhatId", "StartDateTime", "OwnerId"),
    "Task": ("WhoId", "WhatId", "Status", "CallType", "CallDisposition", "OwnerId"),
    "Opportunity": ("AccountId", "CloseDate", "Amount", "OwnerId"),
    "User": ("Username", "Email", "Phone", "ProfileId", "UserRoleId"),
}
_LONG = frozenset({"textarea", "multipicklist", "address"})
_NEVER = frozenset(
    {
        "Id", "IsDeleted", "SystemModstamp", "FirstName", "LastName", "Salutation", "Latitude", "Longitude",
        "GeocodeAccuracy", "RecordTypeId",
    }
)  # fmt: skip
_STAMPS = ("CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate")


def highlight_fields(value: ObjectType) -> list[str]:
    """What a person reads first of a record, at most six fields; custom objects show their first custom ones."""
    names = _HIGHLIGHTS.get(value.name)
    if names is None:
        shown = [item.name for item in value.fields.values() if item.custom and item.type not in _LONG]
        names = [*shown[:4], *(["OwnerId"] if "OwnerId" in value.fields else ["CreatedDate"])]
    return [name for name in names if name in value.fields]


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
