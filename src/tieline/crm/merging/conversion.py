# ruff: noqa: S608 - identifiers come from the catalogue, values are parameters
"""Lead conversion: a lead becomes an account, a contact and, unless unwanted, an opportunity.

Existing accounts and contacts may be given: they keep what they have and take from the lead what they lack. The lead's
activities move to the contact. The lead stays, read-only, and says what it became. All of it happens, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ..access.questions import require
from ..changes import announce
from ..errors import Fault
from ..ids import parse_id
from ..metadata import ObjectType
from ..records import Records
from ..saving.drafts import Saved

_NOW = "date_trunc('milliseconds', clock_timestamp())"
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country", "Latitude", "Longitude", "GeocodeAccuracy")
_TO_ACCOUNT = {
    "Phone": "Phone", "Fax": "Fax", "Website": "Website", "Industry": "Industry", "AnnualRevenue": "AnnualRevenue",
    "NumberOfEmployees": "NumberOfEmployees", "Rating": "Rating", "Description": "Description",
    **{part: f"Billing{part}" for part in _ADDRESS},
}  # fmt: skip
_TO_CONTACT = {
    "FirstName": "FirstName", "LastName": "LastName", "Salutation": "Salutation", "Title": "Title", "Phone": "Phone",
    "MobilePhone": "MobilePhone", "Fax": "Fax", "Email": "Email", "LeadSource": "LeadSource",
    "Description": "Description", **{part: f"Mailing{part}" for part in _ADDRESS},
}  # fmt: skip
_TO_PERSON = {
    "FirstName": "FirstName", "LastName": "LastName", "Salutation": "Salutation", "Title": "PersonTitle",
    "Phone": "Phone", "MobilePhone": "PersonMobilePhone", "Fax": "Fax", "Email": "PersonEmail",
    "LeadSource": "PersonLeadSource", "Description": "Description",
    **{part: f"PersonMailing{part}" for part in _ADDRESS},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is asked for. Without ids new records are made; `opportunity_name` is the company's unless given."""

    lead_id: str
    converted_status: str
    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None
    opportunity_name: str | None = None
    create_opportunity: bool = True
    overwrite_lead_source: bool = False
    owner_id: str | None = None


@dataclass(frozen=True, slots=True)
class Converted:
    """What a lead became, or why it stayed one."""

    lead_id: str | None
    account_id: str | None = None
    contact_id: str | None = None
    opportunity_id: str | None = None
    faults: tuple[Fault, ...] = ()


class _Refused(Exception):
    """Leaves the transaction without keeping anything."""

    def __init__(self, faults: tuple[Fault, ...]):
        super().__init__()
        self.faults = faults


def _done(results: list[Saved]) -> str:
    if results[0].faults or results[0].id is None:
        raise _Refused(results[0].faults)
    return results[0].id


async def convert(records: Records, asked: Conversion) -> Converted:
    """Converts one lead. Faults are answered, not raised."""
    try:
        async with records.conn.transaction():
            return await _convert(records, asked)
    except _Refused as refused:
        return Converted(None, faults=refused.faults)
    except Fault as fault:
        return Converted(None, faults=(fault,))


async def _convert(records: Records, asked: Conversion) -> Converted:
    catalogue, conn = records.catalogue.whole, records.conn
    objects = catalogue.objects
    value = objects["Lead"]
    require(records.caller, value, "edit")
    lead = await _live(records, value, asked.lead_id)
    status = await conn.fetchval(
        'SELECT "ApiName" FROM data."LeadStatus" WHERE lower("ApiName") = lower($1) AND "IsConverted"'
        ' AND NOT "IsDeleted"',
        asked.converted_status,
    )
    if status is None:
        raise Fault(
            "INVALID_STATUS", f"invalid convertedStatus: {asked.converted_status[:80]}", fields=["Status"]
        )
    owner = _owner(records, lead, asked)
    person = (
        not lead["Company"] and asked.account_id is None and "IsPersonAccount" in objects["Account"].fields
    )
    if not lead["Company"] and asked.account_id is None and not person:
        raise Fault("REQUIRED_FIELD_MISSING", "Required fields are missing: [Company]", fields=["Company"])
    account_id = await _account(records, objects["Account"], lead, asked, owner, person=person)
    contact_id = await _contact(records, objects["Contact"], lead, asked, owner, account_id)
    opportunity_id = await _opportunity(records, objects["Opportunity"], lead, asked, owner, account_id)
    for name in ("Task", "Event"):
        rows = await conn.fetch(
            f'UPDATE {objects[name].table} SET "WhoId" = $2, "AccountId" = $3, "WhatId" = coalesce($4, "WhatId"),'
            f' "SystemModstamp" = {_NOW} WHERE "WhoId" = $1 AND NOT "IsDeleted" RETURNING "Id"',
            lead["Id"],
            contact_id,
            account_id,
            opportunity_id,
        )
        await announce(conn, [(name, row["Id"], "updated") for row in rows])
        if rows:
            await announce(conn, [("Contact", contact_id, "activity"), ("Account", account_id, "activity")])
    await conn.execute(
        f'UPDATE {value.table} SET "Status" = $2, "IsConverted" = true, "ConvertedDate" = $3,'
        ' "ConvertedAccountId" = $4, "ConvertedContactId" = $5, "ConvertedOpportunityId" = $6,'
        f' "LastModifiedDate" = {_NOW}, "LastModifiedById" = $7, "SystemModstamp" = {_NOW} WHERE "Id" = $1',
        lead["Id"], status, _today(records), account_id, contact_id, opportunity_id, records.caller.user_id,
    )  # fmt: skip
    await announce(conn, [(value.name, lead["Id"], "updated")])
    return Converted(lead["Id"], account_id, contact_id, opportunity_id)


async def _live(records: Records, value: ObjectType, raw_id: str) -> dict[str, Any]:
    """A record that exists, is not deleted and may be edited by the user, locked."""
    record_id = parse_id(raw_id)
    if record_id is None:
        raise Fault("MALFORMED_ID", f"malformed id {raw_id[:80]}", fields=["Id"])
    row = None
    if record_id[:3] == value.key_prefix:
        row = await records.conn.fetchrow(
            f'SELECT * FROM {value.table} WHERE "Id" = $1 FOR UPDATE', record_id
        )
    if row is None:
        raise Fault("INVALID_CROSS_REFERENCE_KEY", f"invalid cross reference id: {record_id}", fields=[])
    if row["IsDeleted"]:
        raise Fault("ENTITY_IS_DELETED", "entity is deleted", fields=[])
    # A change of nothing: whoever may not edit the record is refused as in any other change of it.
    _done(await records.update(value, [(record_id, {})]))
    return dict(row)


def _owner(records: Records, lead: Mapping[str, Any], asked: Conversion) -> str:
    if asked.owner_id:
        return asked.owner_id
    # A queue owns no accounts: what came from its lead belongs to whoever converts it.
    return lead["OwnerId"] if str(lead["OwnerId"]).startswith("005") else records.caller.user_id


def _taken(value: ObjectType, lead: Mapping[str, Any], mapping: Mapping[str, str]) -> dict[str, Any]:
    """The lead's values under the names they have in another object, as far as it has them."""
    return {
        target: _as_input(lead[source])
        for source, target in mapping.items()
        if lead.get(source) is not None and target in value.fields
    }


def _as_input(content: Any) -> Any:
    return content.isoformat() if isinstance(content, date | datetime) else content


async def _account(
    records: Records,
    value: ObjectType,
    lead: Mapping[str, Any],
    asked: Conversion,
    owner: str,
    *,
    person: bool,
) -> str:
    if asked.account_id is None:
        if person:
            given = _taken(value, lead, _TO_PERSON)
        else:
            given = {"Name": lead["Company"]} | _taken(value, lead, _TO_ACCOUNT)
        return _done(await records.create(value, [given | {"OwnerId": owner}]))
    account = await _live(records, value, asked.account_id)
    mapping = _TO_PERSON if account.get("IsPersonAccount") else _TO_ACCOUNT
    lacking = {
        name: content for name, content in _taken(value, lead, mapping).items() if account.get(name) is None
    }
    return _done(await records.update(value, [(account["Id"], lacking)])) if lacking else account["Id"]


async def _contact(
    records: Records,
    value: ObjectType,
    lead: Mapping[str, Any],
    asked: Conversion,
    owner: str,
    account_id: str,
) -> str:
    person = await _person_contact(records, account_id)
    if person:
        if asked.contact_id and parse_id(asked.contact_id) != person:
            raise Fault("INVALID_PERSON_ACCOUNT_OPERATION", "A person account has one contact", fields=[])
        return person
    if asked.contact_id is None:
        given = _taken(value, lead, _TO_CONTACT) | {"AccountId": account_id, "OwnerId": owner}
        return _done(await records.create(value, [given]))
    contact = await _live(records, value, asked.contact_id)
    if asked.account_id is None:
        raise Fault("INVALID_CROSS_REFERENCE_KEY", "A contact can be given with its account only", fields=[])
    if contact["AccountId"] not in (None, account_id):
        raise Fault("INVALID_CROSS_REFERENCE_KEY", "The contact belongs to another account", fields=[])
    taken = _taken(value, lead, _TO_CONTACT)
    changes = {name: content for name, content in taken.items() if contact.get(name) is None}
    if asked.overwrite_lead_source and "LeadSource" in taken:
        changes["LeadSource"] = taken["LeadSource"]
    if contact["AccountId"] is None:
        changes["AccountId"] = account_id
    return _done(await records.update(value, [(contact["Id"], changes)])) if changes else contact["Id"]


async def _person_contact(records: Records, account_id: str) -> str | None:
    account = records.catalogue.whole.objects["Account"]
    if "PersonContactId" not in account.fields:
        return None
    return await records.conn.fetchval(
        f'SELECT "PersonContactId" FROM {account.table} WHERE "Id" = $1', account_id
    )


async def _opportunity(
    records: Records,
    value: ObjectType,
    lead: Mapping[str, Any],
    asked: Conversion,
    owner: str,
    account_id: str,
) -> str | None:
    if asked.opportunity_id is not None:
        opportunity = await _live(records, value, asked.opportunity_id)
        if opportunity["AccountId"] not in (None, account_id):
            raise Fault(
                "INVALID_CROSS_REFERENCE_KEY", "The opportunity belongs to another account", fields=[]
            )
        return opportunity["Id"]
    if not asked.create_opportunity:
        return None
    own = f"{lead['Company'] or lead['Name']}"[: value.fields["Name"].length - 1] + "-"
    given: dict[str, Any] = {
        "Name": asked.opportunity_name or own,
        "AccountId": account_id,
        "OwnerId": owner,
        "CloseDate": _end_of_quarter(_today(records)).isoformat(),
    } | _taken(value, lead, {"LeadSource": "LeadSource"})
    stages = value.fields["StageName"].picklist
    if stages:
        given["StageName"] = stages[0].value
    return _done(await records.create(value, [given]))


def _today(records: Records) -> date:
    try:
        zone: Any = ZoneInfo(records.caller.time_zone)
    except (KeyError, ValueError, OSError):
        zone = UTC
    return datetime.now(UTC).astimezone(zone).date()


def _end_of_quarter(day: date) -> date:
    month = (day.month - 1) // 3 * 3 + 3
    following = date(day.year + month // 12, month % 12 + 1, 1)
    return following - timedelta(days=1)
