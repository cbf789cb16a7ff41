"""Settings that are kept in the org, and only there written: read through the connection, checked, copied.

The one class that holds their defaults and bounds. The copy with its read time stands in
`connection.org_settings`; a setting that the org does not (yet) have takes its default.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Self
from uuid import UUID

import structlog
from sqlalchemy import select, update

from tieline.db.database import Database, Transaction
from tieline.numbers import regions_of
from tieline.salesforce.client import SalesforceClient
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.tables import connection
from tieline.salesforce.tokens import Salesforce

log = structlog.get_logger()

DEFAULT_COUNTRY_CODES = ("1",)
MAX_COUNTRY_CODES = 20
ORG_SETTINGS = "org_settings"
"""Bus kind: settings of a connection (the message's id) are other than they were."""
FRESH = timedelta(minutes=1)
"""Settings read within this time are not read again for a sign-in."""
_COUNTRY_CODES = "SELECT Code__c FROM Tieline_Country_Code__c ORDER BY Order__c, Code__c"
_ACTIVE = "SELECT Active__c FROM Tieline_Product_Setup__c WHERE Product__c = 'ContactCenter'"
MAX_RELATED_OBJECTS = 10
_RELATED = "SELECT Object__c, Default__c FROM Tieline_Related_Object__c ORDER BY Order__c, Object__c"
MAX_STATUS_RELATIONS = 100
_SYNC = "SELECT Omni_Sync__c, Omni_Sync_Back__c FROM Tieline_Product_Settings__c WHERE Product__c = 'ContactCenter'"
_RELATIONS = (
    "SELECT Contact_Center_Status__c, Salesforce_Status__c FROM Tieline_Presence_Status_Relation__c"
    " ORDER BY Order__c, Id"
)
_STATUSES = "SELECT Id, DeveloperName, MasterLabel FROM ServicePresenceStatus"
OFFLINE = "offline"
"""Of both sides; Omni-Channel has no such status: whoever is offline is logged out."""
SALESFORCE_OFFLINE = "-offline-"
"""How a relation names it: no developer name has a hyphen."""
_UNKNOWN_OBJECT = ("INVALID_TYPE", "INVALID_FIELD")
_API_NAME = re.compile(r"[A-Za-z]\w{0,79}")
_OTHERS = ("FirstName", "LastName", "IsConverted", "Company", "Subject")
"""What tells records of one object apart, where it has them."""


@dataclass(frozen=True, slots=True)
class RelatedObject:
    """An object whose records an agent may relate a call to, as the org describes it."""

    object_type: str
    label: str
    """In the language of the connection's user."""
    name_field: str = "Name"
    others: tuple[str, ...] = ()
    """What else is read of a record."""
    owned: bool = True
    preferred: bool = False
    """The one that the callbar offers first."""

    @classmethod
    def of(cls, told: Mapping[str, Any], *, preferred: bool) -> Self | None:
        """From a describe; None when a Task cannot point to the object."""
        children: Sequence[Mapping[str, Any]] = told.get("childRelationships") or ()
        if not any(
            each.get("childSObject") == "Task" and each.get("field") in ("WhoId", "WhatId")
            for each in children
        ):
            return None
        fields: Sequence[Mapping[str, Any]] = told.get("fields") or ()
        names = {str(field["name"]) for field in fields}
        name_field = next((str(field["name"]) for field in fields if field.get("nameField")), "Name")
        others = [name for name in _OTHERS if name in names]
        if "AccountId" in names:
            others.append("Account.Name")
        return cls(
            str(told["name"]),
            str(told.get("label") or told["name"])[:80],
            name_field,
            tuple(others),
            "OwnerId" in names,
            preferred,
        )


@dataclass(frozen=True, slots=True)
class StatusRelation:
    """A contact center status and the Omni-Channel status that it is like."""

    contact_center: str
    """`ready`, `not_ready`, `not_ready:<reason>`, `occupied`, `wrap_up` or `offline`."""
    salesforce: str
    """The id of the presence status, or `offline`."""
    label: str


@dataclass(frozen=True, slots=True)
class StatusSync:
    """Which side follows the other, and what is like what. A status that the org no longer has is left out."""

    to_salesforce: bool
    to_contact_center: bool
    relations: tuple[StatusRelation, ...]


@dataclass(frozen=True, slots=True)
class OrgSettings:
    """What the org's administrators have set."""

    country_codes: tuple[str, ...] = DEFAULT_COUNTRY_CODES
    """Dialling codes in order, at most 20, without repeats; they give the regions of numbers typed nationally."""
    active: bool = True
    """False once an administrator has deactivated the product; an org that never said anything is active."""
    related_objects: tuple[RelatedObject, ...] = ()
    """Objects whose records an agent may relate a call to, in order; none: nothing is offered."""
    status_sync: StatusSync | None = None
    """None while the switches are off, or Omni-Channel is."""

    @classmethod
    def of(
        cls,
        country_codes: Sequence[object],
        active: object = None,
        related_objects: Sequence[RelatedObject] = (),
        status_sync: StatusSync | None = None,
    ) -> Self:
        """Checked settings: codes that do not exist and repeats are left out; none at all is the default."""
        codes: list[str] = []
        for value in country_codes:
            code = str(value or "").strip().lstrip("+")
            if code not in codes and code.isascii() and code.isdigit() and regions_of([code]):
                codes.append(code)
        return cls(
            tuple(codes[:MAX_COUNTRY_CODES]) or DEFAULT_COUNTRY_CODES,
            active is not False,
            tuple(related_objects[:MAX_RELATED_OBJECTS]),
            status_sync,
        )

    def to_json(self) -> dict[str, Any]:
        """As it stands in `connection.org_settings`."""
        return {
            "country_codes": list(self.country_codes),
            "active": self.active,
            "related_objects": [
                asdict(each) | {"others": list(each.others)} for each in self.related_objects
            ],
            "status_sync": asdict(self.status_sync)
            | {"relations": [asdict(each) for each in self.status_sync.relations]}
            if self.status_sync
            else None,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Self:
        """From `connection.org_settings`; `{}`, never read, is the default."""
        return cls.of(
            content.get("country_codes") or (),
            content.get("active"),
            [
                RelatedObject(**each | {"others": tuple(each["others"])})
                for each in content.get("related_objects") or ()
            ],
            StatusSync(**sync | {"relations": tuple(StatusRelation(**each) for each in sync["relations"])})
            if (sync := content.get("status_sync"))
            else None,
        )


async def load(tx: Transaction, connection_id: UUID) -> OrgSettings:
    """The copy of a connection's settings."""
    content = await tx.scalar(
        select(connection.c.org_settings).where(
            connection.c.account_id == tx.account_id, connection.c.id == connection_id
        )
    )
    return OrgSettings.from_json(content or {})


async def read(client: SalesforceClient) -> OrgSettings:
    """The settings as the org has them now. Raises `CrmFailure`; an org without our objects gives defaults."""
    codes = [row.get("Code__c") for row in await _rows(client, _COUNTRY_CODES)]
    setup = await _rows(client, _ACTIVE)
    related = await _related(client)
    sync = await _status_sync(client)
    return OrgSettings.of(codes, setup[0].get("Active__c") if setup else None, related, sync)


async def _status_sync(client: SalesforceClient) -> StatusSync | None:
    switches = await _rows(client, _SYNC)
    to_salesforce, to_contact_center = (
        bool(switches and switches[0].get(name)) for name in ("Omni_Sync__c", "Omni_Sync_Back__c")
    )
    if not (to_salesforce or to_contact_center):
        return None
    # An org whose Omni-Channel is off has no such object.
    known = {str(row.get("DeveloperName")): row for row in await _rows(client, _STATUSES)}
    if not known:
        return None
    relations: dict[str, StatusRelation] = {}
    for row in (await _rows(client, _RELATIONS))[:MAX_STATUS_RELATIONS]:
        center, name = str(row.get("Contact_Center_Status__c")), str(row.get("Salesforce_Status__c"))
        found = known.get(name)
        if center in relations:
            continue
        if name == SALESFORCE_OFFLINE:
            relations[center] = StatusRelation(center, OFFLINE, "")
        elif found is not None:
            relations[center] = StatusRelation(
                center, str(found["Id"]), str(found.get("MasterLabel") or name)
            )
    return StatusSync(to_salesforce, to_contact_center, tuple(relations.values()))


async def _related(client: SalesforceClient) -> list[RelatedObject]:
    """The chosen objects as the org describes them now; left out is what is gone, hidden from our user or takes no
    activities."""
    found: list[RelatedObject] = []
    for row in (await _rows(client, _RELATED))[:MAX_RELATED_OBJECTS]:
        name = str(row.get("Object__c") or "")
        if not _API_NAME.fullmatch(name):
            continue
        try:
            told = await client.describe(name)
        except CrmFailure as failure:
            if failure.http_status not in (403, 404):
                raise
            continue
        if one := RelatedObject.of(told, preferred=row.get("Default__c") is True):
            found.append(one)
    return found


async def _rows(client: SalesforceClient, soql: str) -> Sequence[Mapping[str, Any]]:
    try:
        return await client.query_all(soql)
    except CrmFailure as failure:
        if failure.code not in _UNKNOWN_OBJECT:
            raise
        return ()


async def refresh(
    database: Database, client: SalesforceClient, account_id: UUID, connection_id: UUID
) -> OrgSettings:
    """Read the settings and keep the copy. Other country codes make the phone index load anew, because they
    change which number a national form means; until then a whole one answers what it can by the earlier codes."""
    settings = await read(client)
    async with database.system(account_id) as tx:
        mine = (connection.c.account_id == account_id) & (connection.c.id == connection_id)
        row = await tx.one(
            select(connection.c.org_settings, connection.c.index_state, connection.c.index_stale)
            .where(mine)
            .with_for_update()
        )
        if row is None:
            return settings
        values: dict[str, Any] = {"org_settings": settings.to_json(), "org_settings_at": tx.now}
        before = OrgSettings.from_json(row.org_settings)
        if before.country_codes != settings.country_codes and row.index_state != "none":
            values |= {"index_state": "loading", "index_progress": {}, "index_checked_at": None}
            values |= {"index_stale": row.index_stale or row.index_state == "ready"}
            values |= {"index_loaded": 0, "index_total": None}
        await tx.execute(update(connection).where(mine).values(**values))
        if before != settings:
            tx.announce(ORG_SETTINGS, connection_id)
    return settings


async def freshen(salesforce: Salesforce, account_id: UUID, connection_id: UUID) -> None:
    """Read the settings because somebody signed in, unless they were read, or asked for here, within the last
    minute. An org that does not answer leaves the copy as it is."""
    asked: dict[UUID, float] = salesforce.room("org_settings.asked")
    before = asked.get(connection_id)
    if before is not None and time.monotonic() - before < FRESH.total_seconds():
        return
    asked[connection_id] = time.monotonic()
    mine = (connection.c.account_id == account_id) & (connection.c.id == connection_id)
    async with salesforce.database.system(account_id) as tx:
        row = await tx.one(select(connection.c.state, connection.c.org_settings_at).where(mine))
    if row is None or row.state != "connected":
        return
    if row.org_settings_at is not None and row.org_settings_at > tx.now - FRESH:
        return
    try:
        client = salesforce.client(account_id, connection_id)
        await refresh(salesforce.database, client, account_id, connection_id)
    except CrmFailure as failure:
        log.warning("org_settings.failed", connection_id=str(connection_id), code=failure.code)


APART_S = 2.0
"""Between two readings of one connection's settings that pages ask for."""


class Told:
    """Reads a connection's settings anew when a page of its org says that they have changed.

    The page says nothing but that, and is not asked who it is: the settings come from the org, through the
    connection. However often it is said, there is one reading in `APART_S`, and one after the last word.
    """

    def __init__(self, salesforce: Salesforce) -> None:
        self._salesforce = salesforce
        self._reading: dict[UUID, asyncio.Task[None]] = {}
        self._again: set[UUID] = set()

    def changed(self, account_id: UUID, connection_id: UUID) -> None:
        """Some settings have changed; returns at once."""
        if connection_id in self._reading:
            self._again.add(connection_id)
            return
        self._reading[connection_id] = asyncio.create_task(self._read(account_id, connection_id))

    async def _read(self, account_id: UUID, connection_id: UUID) -> None:
        try:
            while True:
                self._again.discard(connection_id)
                try:
                    client = self._salesforce.client(account_id, connection_id)
                    await refresh(self._salesforce.database, client, account_id, connection_id)
                except CrmFailure as failure:
                    log.warning("org_settings.failed", connection_id=str(connection_id), code=failure.code)
                await asyncio.sleep(APART_S)
                if connection_id not in self._again:
                    return
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("org_settings.failed", connection_id=str(connection_id))
        finally:
            del self._reading[connection_id]

    async def close(self) -> None:
        """Give up what is being read."""
        for task in list(self._reading.values()):
            task.cancel()
        await asyncio.gather(*self._reading.values(), return_exceptions=True)
