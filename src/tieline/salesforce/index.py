"""The local phone index: numbers of each connection's records, so that ring time asks nobody.

Filled once by pages in the order of ids, which a killed worker's successor continues, and kept fresh by
asking what was modified since (one composite call for all objects, deleted records included). A record that
was deleted, merged away or changed its numbers leaves the keys it had. Other country codes fill it anew over
what is there, so that callers who were known stay known meanwhile. One worker at a time serves a connection:
it holds the lease on the connection's row.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self
from uuid import UUID

import structlog
from sqlalchemy import delete, func, select, text, update
from sqlalchemy.engine import Row

from tieline.db.database import Database, Transaction
from tieline.names import stored
from tieline.numbers import index_keys
from tieline.rounds import Lanes
from tieline.salesforce import org_settings, owners
from tieline.salesforce.client import SalesforceClient, quoted
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.org_settings import OrgSettings
from tieline.salesforce.tables import connection, indexed_record, phone_index
from tieline.salesforce.tokens import Salesforce

log = structlog.get_logger()

INDEXED = ("Contact", "Lead", "Account")
ACTIVE_INTERVAL = timedelta(seconds=3)
"""Between looks while an agent of the connection has a live callbar or somebody reads the history; with `_POLL_S`,
the looks themselves and the way to the pages a change shows within 5 s."""
WATCHED = timedelta(seconds=45)
"""Whoever shows records to people says so again before this is over."""
_POLL_S = 0.5
IDLE_INTERVAL = timedelta(seconds=50)
"""Nobody works in the CRM; a grant that was taken away is noticed within a minute all the same."""
RETRY_INTERVAL = timedelta(seconds=10)
LEASE = timedelta(seconds=90)
OVERLAP = timedelta(seconds=60)
"""Transactions of the org commit later than their records' stamps say; what is read twice is written once."""
SETTINGS_INTERVAL = timedelta(minutes=10)
PAGE = 2000
_DESCRIBE_LIFE_S = 600.0
_OTHERS = ("FirstName", "LastName", "OwnerId", "IsPersonAccount", "IsConverted")
_DONE = "done"
_AT_ONCE = 4
_NEVER = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_LEASE_ONE = text("""
UPDATE connection SET index_lease_until = :until
WHERE (account_id, id) = (
    SELECT c.account_id, c.id FROM connection c
    WHERE c.state = 'connected' AND (c.index_lease_until IS NULL OR c.index_lease_until < :now)
      AND (c.index_checked_at IS NULL OR c.index_checked_at < :now - CASE
        WHEN c.index_state <> 'ready' OR c.failing_since IS NOT NULL THEN CAST(:retry AS interval)
        WHEN c.watched_until > :now OR EXISTS (
            SELECT 1 FROM agent a JOIN app_user u ON u.account_id = a.account_id AND u.id = a.user_id
            WHERE u.account_id = c.account_id AND u.connection_id = c.id AND a.seat_until > :now)
        THEN CAST(:active AS interval) ELSE CAST(:idle AS interval) END)
    ORDER BY c.index_checked_at NULLS FIRST LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING account_id, id
""")


async def watch(tx: Transaction) -> None:
    """People look at records of the account's connections: for `WATCHED` the indexes are as fresh as for a call."""
    soon = tx.now + WATCHED / 2
    await tx.execute(
        update(connection)
        .where(
            connection.c.account_id == tx.account_id,
            connection.c.state == "connected",
            func.coalesce(connection.c.watched_until, tx.now) < soon,
        )
        .values(watched_until=tx.now + WATCHED)
    )


@dataclass(frozen=True, slots=True)
class ObjectFields:
    """Which fields of an object are read."""

    object_type: str
    name_field: str
    others: tuple[str, ...]
    """Which of `_OTHERS` the object has."""
    phone_fields: tuple[str, ...]

    @classmethod
    def of(cls, object_type: str, fields: Sequence[Mapping[str, Any]]) -> Self:
        """Of the fields that describe lists."""
        names = {str(field["name"]) for field in fields}
        return cls(
            object_type,
            next((str(field["name"]) for field in fields if field.get("nameField")), "Name"),
            tuple(name for name in _OTHERS if name in names),
            tuple(str(field["name"]) for field in fields if field.get("type") == "phone"),
        )

    def select(self) -> str:
        """The head of a query for these fields."""
        owner = owners.FIELDS if "OwnerId" in self.others else ()
        names = (
            "Id",
            self.name_field,
            *self.others,
            *owner,
            "IsDeleted",
            "SystemModstamp",
            *self.phone_fields,
        )
        return f"SELECT {', '.join(dict.fromkeys(names))} FROM {self.object_type}"  # noqa: S608, names of the org's describe

    def numbered(self) -> str:
        """The condition that a record holds any number."""
        return " OR ".join(f"{name} != null" for name in self.phone_fields)

    def counts(self, row: Mapping[str, Any]) -> bool:
        """Whether a row's numbers are kept. A person account has a contact of its own, which stands for it: one
        person is one match, and is a Task's Who. A converted lead went into a contact and takes no Task any more."""
        of_person = self.object_type == "Account" and bool(row.get("IsPersonAccount"))
        return not (row.get("IsDeleted") or of_person or row.get("IsConverted"))


@dataclass(frozen=True, slots=True)
class _Leased:
    account_id: UUID
    connection_id: UUID


@dataclass(frozen=True, slots=True)
class _Standing:
    """How far an index is."""

    ready: bool
    stale: bool
    progress: Mapping[str, str]
    until: datetime | None
    settings_at: datetime | None


class PhoneIndex(Lanes[_Leased]):
    """Keeps the phone indexes of all connections; `run` is the worker's loop."""

    def __init__(self, salesforce: Salesforce) -> None:
        super().__init__(_POLL_S, at_once=_AT_ONCE)
        self._salesforce = salesforce
        self._database: Database = salesforce.database
        self._fields: dict[UUID, tuple[float, tuple[ObjectFields, ...]]] = salesforce.room("index.fields")

    async def run_once(self) -> bool:
        """Serve one due connection; False when none is due."""
        leased = await self.take()
        if leased:
            await self.serve(leased)
        return leased is not None

    async def take(self) -> _Leased | None:
        async with self._database.system() as tx:
            row = await tx.one(
                _LEASE_ONE,
                {
                    "now": tx.now,
                    "until": tx.now + LEASE,
                    "retry": RETRY_INTERVAL,
                    "active": ACTIVE_INTERVAL,
                    "idle": IDLE_INTERVAL,
                },
            )
        return _Leased(row.account_id, row.id) if row else None

    async def serve(self, of: _Leased) -> None:
        """Read settings when they are old, then load or refresh; whatever fails is tried again later."""
        client = self._salesforce.client(of.account_id, of.connection_id)
        failed: str | None = None
        try:
            standing, now = await self._standing(of)
            if standing.settings_at is None or standing.settings_at < now - SETTINGS_INTERVAL:
                await org_settings.refresh(self._database, client, of.account_id, of.connection_id)
                standing, now = await self._standing(of)
            if standing.ready:
                await self._refresh(client, of, standing.until)
            else:
                await self._load(client, of, standing)
        except CrmFailure as failure:
            failed = failure.code
            log.warning(
                "index.failed", connection_id=str(of.connection_id), code=failure.code, kind=failure.kind
            )
        except Exception:
            failed = "internal_error"
            log.exception("index.failed", connection_id=str(of.connection_id))
        finally:
            await asyncio.shield(self._release(of, failed, client.api_usage))

    async def _standing(self, of: _Leased) -> tuple[_Standing, datetime]:
        async with self._database.system() as tx:
            row = await tx.one(
                select(
                    connection.c.index_state,
                    connection.c.index_stale,
                    connection.c.index_progress,
                    connection.c.index_until,
                    connection.c.org_settings_at,
                ).where(*_is(connection.c, of))
            )
        if row is None:
            raise _removed()
        standing = _Standing(
            row.index_state == "ready",
            row.index_stale,
            row.index_progress,
            row.index_until,
            row.org_settings_at,
        )
        return standing, tx.now

    async def _release(self, of: _Leased, failed: str | None, api_usage: tuple[int, int] | None) -> None:
        async with self._database.system(of.account_id) as tx:
            values: dict[str, Any] = {"index_lease_until": None, "index_checked_at": tx.now}
            if failed:
                values |= {
                    "error_code": failed,
                    "error_at": tx.now,
                    "failing_since": func.coalesce(connection.c.failing_since, tx.now),
                }
            else:
                values |= {"succeeded_at": tx.now, "failing_since": None}
            if api_usage is not None:
                values |= {"api_used": api_usage[0], "api_limit": api_usage[1]}
            await tx.execute(update(connection).where(*_is(connection.c, of)).values(**values))

    # --- load ------------------------------------------------------------------------------------------

    async def _load(self, client: SalesforceClient, of: _Leased, standing: _Standing) -> None:
        """Read every record with a number, object by object; continues where `standing.progress` stands.

        A stale index keeps its records and how far it was fresh: what changed or went meanwhile comes with the
        first refresh.
        """
        fields = await self._describe(client, of.connection_id)
        if not standing.progress:
            begun: dict[str, Any] = {"index_total": await self._total(client, fields), "index_loaded": 0}
            if not standing.stale:
                begun |= {"index_state": "loading", "index_until": await self._newest(client, fields)}
            async with self._database.system(of.account_id) as tx:
                if not standing.stale:
                    await tx.execute(delete(indexed_record).where(*_is_part(indexed_record.c, of)))
                await tx.execute(update(connection).where(*_is(connection.c, of)).values(**begun))
        async with self._writing(of) as (_, loaded_with):
            pass
        for one in fields:
            after = standing.progress.get(one.object_type, "")
            while after != _DONE:
                page = await client.query(self._page_query(one, after))
                rows: list[dict[str, Any]] = [row async for part in client.pages(page) for row in part]
                after = rows[-1]["Id"] if len(rows) >= PAGE else _DONE
                async with self._writing(of) as (tx, codes):
                    _same(codes, loaded_with)
                    await _write(tx, of, one, rows, await _keys(one, rows, codes))
                    await tx.execute(
                        update(connection)
                        .where(*_is(connection.c, of))
                        .values(
                            index_lease_until=tx.now + LEASE,
                            index_progress=connection.c.index_progress.op("||")({one.object_type: after}),
                            index_loaded=connection.c.index_loaded + len(rows),
                        )
                    )
        async with self._writing(of) as (tx, codes):
            _same(codes, loaded_with)
            await tx.execute(
                update(connection)
                .where(*_is(connection.c, of), connection.c.index_state == "loading")
                .values(index_state="ready", index_stale=False, index_progress={})
            )
            tx.announce("records", of.connection_id)
        log.info("index.loaded", connection_id=str(of.connection_id))

    @staticmethod
    def _page_query(one: ObjectFields, after: str) -> str:
        following = f"Id > {quoted(after)} AND " if after else ""
        return f"{one.select()} WHERE {following}({one.numbered()}) ORDER BY Id LIMIT {PAGE}"

    @staticmethod
    async def _total(client: SalesforceClient, fields: Sequence[ObjectFields]) -> int | None:
        """How many records the load will read; None where the org does not say: counting is what a large org may
        take too long for, and no reason not to load."""
        try:
            pages = await client.composite_queries(
                [
                    f"SELECT COUNT(Id) FROM {one.object_type} WHERE {one.numbered()}"  # noqa: S608
                    for one in fields
                ]
            )
        except CrmFailure as failure:
            log.warning("index.not_counted", code=failure.code)
            return None
        return sum(int(row["expr0"]) for page in pages for row in page.get("records") or ())

    @staticmethod
    async def _newest(client: SalesforceClient, fields: Sequence[ObjectFields]) -> datetime | None:
        """The newest stamp of any record before the load: what changes during it is seen by the first refresh."""
        pages = await client.composite_queries(
            [
                f"SELECT SystemModstamp FROM {one.object_type} ORDER BY SystemModstamp DESC LIMIT 1"  # noqa: S608
                for one in fields
            ],
            deleted=True,
        )
        stamps = [_time(row["SystemModstamp"]) for page in pages for row in page.get("records") or ()]
        return max(stamps, default=None)

    # --- refresh ---------------------------------------------------------------------------------------

    async def _refresh(self, client: SalesforceClient, of: _Leased, until: datetime | None) -> None:
        """Read what changed since, and keep how far that was."""
        fields = await self._describe(client, of.connection_id)
        since = (until or _NEVER) - (OVERLAP if until else timedelta())
        from_then = _soql_time(since)
        records = [f"{one.select()} WHERE SystemModstamp >= {from_then}" for one in fields]
        *pages, users = await client.composite_queries(
            [*records, owners.changed_users(from_then)], deleted=True
        )
        newest = until
        for one, first in zip(fields, pages, strict=True):
            async for rows in client.pages(first):
                stamps = [_time(row["SystemModstamp"]) for row in rows]
                newest = max([*stamps, newest] if newest else stamps, default=None)
                async with self._writing(of) as (tx, codes):
                    if await _write(tx, of, one, rows, await _keys(one, rows, codes)):
                        tx.announce("records", of.connection_id)
                    if len(rows) > PAGE // 2:  # a mass change takes longer than one look
                        await tx.execute(
                            update(connection)
                            .where(*_is(connection.c, of))
                            .values(index_lease_until=tx.now + LEASE)
                        )
        async for rows in client.pages(users):
            stamps = [_time(row["SystemModstamp"]) for row in rows]
            newest = max([*stamps, newest] if newest else stamps, default=None)
            async with self._writing(of) as (tx, _):
                if await owners.rename(tx, of.connection_id, rows):
                    tx.announce("records", of.connection_id)
        if newest != until:
            async with self._database.system(of.account_id) as tx:
                await tx.execute(update(connection).where(*_is(connection.c, of)).values(index_until=newest))

    async def read_one(self, of: _Leased, object_type: str, record_id: str) -> dict[str, Any] | None:
        """Fetch one record now. Gives it as `names.stored` does, None when it is deleted or there is none.
        Raises `CrmFailure`."""
        client = self._salesforce.client(of.account_id, of.connection_id)
        for one in await self._describe(client, of.connection_id):
            if one.object_type == object_type:
                page = await client.query(f"{one.select()} WHERE Id = {quoted(record_id)}", deleted=True)
                rows: list[dict[str, Any]] = page.get("records") or []
                async with self._writing(of) as (tx, codes):
                    if await _write(tx, of, one, rows, await _keys(one, rows, codes)):
                        tx.announce("records", of.connection_id)
                if rows and not rows[0].get("IsDeleted"):
                    found = rows[0]
                    return stored(
                        {
                            "id": record_id,
                            "object_type": object_type,
                            "name": _name(one, found),
                            "first_name": found.get("FirstName"),
                            "last_name": found.get("LastName"),
                            **owners.owner_of(found),
                        }
                    )
        return None

    async def _describe(self, client: SalesforceClient, connection_id: UUID) -> tuple[ObjectFields, ...]:
        """Every phone field of the indexed objects that the org has and our user may read."""
        known = self._fields.get(connection_id)
        if known and time.monotonic() - known[0] < _DESCRIBE_LIFE_S:
            return known[1]
        found: list[ObjectFields] = []
        for object_type in INDEXED:
            try:
                fields: list[dict[str, Any]] = (await client.describe(object_type)).get("fields") or []
            except CrmFailure as failure:
                if failure.http_status != 404:
                    raise
                continue
            one = ObjectFields.of(object_type, fields)
            if one.phone_fields:
                found.append(one)
        self._fields[connection_id] = (time.monotonic(), tuple(found))
        return tuple(found)

    @asynccontextmanager
    async def _writing(self, of: _Leased) -> AsyncGenerator[tuple[Transaction, tuple[str, ...]]]:
        """A transaction with the country codes. The row's lock makes a change of the codes wait, so that no key
        of the old codes is written after the index was told to load anew."""
        async with self._database.system(of.account_id) as tx:
            row = await tx.one(
                select(connection.c.org_settings, connection.c.state)
                .where(*_is(connection.c, of))
                .with_for_update(key_share=True)
            )
            if row is None or row.state == "removed":
                raise _removed()
            yield tx, OrgSettings.from_json(row.org_settings).country_codes


async def index_record(
    salesforce: Salesforce, account_id: UUID, connection_id: UUID, object_type: str, record_id: str
) -> dict[str, Any] | None:
    """Read one record into the index at once, such as a contact just created for a caller.

    Gives it as `names.stored` does; None when numbers of such objects are not kept, there is no such record, or
    the CRM does not answer: the refresh finds it later.
    """
    if object_type not in INDEXED:
        return None
    try:
        return await PhoneIndex(salesforce).read_one(
            _Leased(account_id, connection_id), object_type, record_id
        )
    except CrmFailure as failure:
        log.warning("index.record_failed", connection_id=str(connection_id), code=failure.code)
        return None


_Keys = dict[str, list[tuple[str, str, str, str]]]
"""Record id -> (key, field, grade, raw)."""


async def _keys(one: ObjectFields, rows: Sequence[Mapping[str, Any]], codes: Sequence[str]) -> _Keys:
    """The keys of a page of records; a page of thousands is worked out beside the event loop."""

    def work() -> _Keys:
        return {
            row["Id"]: [
                (key.key, name, key.grade, str(row[name]))
                for name in one.phone_fields
                if row.get(name)
                for key in index_keys(str(row[name]), codes)
            ]
            for row in rows
            if one.counts(row)
        }

    return await asyncio.to_thread(work) if len(rows) > 50 else work()


async def _write(
    tx: Transaction,
    of: _Leased,
    one: ObjectFields,
    rows: Sequence[Mapping[str, Any]],
    keys: _Keys,
) -> bool:
    """Bring the index to what `rows` say. True when anything changed: reading the same twice writes nothing."""
    ids = [str(row["Id"]) for row in rows]
    if not ids:
        return False
    known = {
        row.record_id: row
        for row in await tx.all(
            select(
                indexed_record.c.record_id,
                indexed_record.c.name,
                indexed_record.c.first_name,
                indexed_record.c.last_name,
                indexed_record.c.owner_id,
                indexed_record.c.modified_at,
            ).where(*_is_part(indexed_record.c, of), indexed_record.c.record_id.in_(ids))
        )
    }
    held: dict[str, set[tuple[str, str, str, str]]] = {}
    for row in await tx.all(
        select(phone_index).where(*_is_part(phone_index.c, of), phone_index.c.record_id.in_(ids))
    ):
        held.setdefault(row.record_id, set()).add((row.key, row.field, row.grade, row.raw))
    gone: list[str] = []
    changed: list[tuple[str, _Facts, datetime]] = []
    rekeyed: list[str] = []
    for row in rows:
        record_id, modified_at = str(row["Id"]), _time(row["SystemModstamp"])
        before = known.get(record_id)
        if before is not None and modified_at < before.modified_at:
            continue  # an older answer that arrives late
        wanted = keys.get(record_id) or []
        if not wanted:
            if before is not None:
                gone.append(record_id)
            continue
        facts = (_name(one, row), row.get("FirstName"), row.get("LastName"), row.get("OwnerId"))
        other_keys = held.get(record_id, set()) != set(wanted)
        if other_keys:
            rekeyed.append(record_id)
        if other_keys or before is None or _facts(before) != facts:
            changed.append((record_id, facts, modified_at))
    if gone:
        await tx.execute(
            delete(indexed_record).where(
                *_is_part(indexed_record.c, of), indexed_record.c.record_id.in_(gone)
            )
        )
    own = {"account_id": of.account_id, "connection_id": of.connection_id}
    if changed:
        await tx.execute(
            _INSERT_RECORDS,
            {
                **own,
                "object_type": one.object_type,
                "ids": [item[0] for item in changed],
                "names": [facts[0] for _, facts, _ in changed],
                "firsts": [facts[1] for _, facts, _ in changed],
                "lasts": [facts[2] for _, facts, _ in changed],
                "owners": [facts[3] for _, facts, _ in changed],
                "times": [item[2] for item in changed],
            },
        )
    if rekeyed:
        await tx.execute(
            delete(phone_index).where(*_is_part(phone_index.c, of), phone_index.c.record_id.in_(rekeyed))
        )
        flat = [(record_id, *key) for record_id in rekeyed for key in keys[record_id]]
        await tx.execute(
            _INSERT_KEYS,
            {
                **own,
                "records": [item[0] for item in flat],
                "keys": [item[1] for item in flat],
                "fields": [item[2] for item in flat],
                "grades": [item[3] for item in flat],
                "raws": [item[4] for item in flat],
            },
        )
    renamed = await owners.keep(tx, of.connection_id, [row for row in rows if keys.get(str(row["Id"]))])
    return bool(gone or changed or renamed)


_INSERT_RECORDS = text("""
INSERT INTO indexed_record (account_id, connection_id, object_type, record_id, name, first_name, last_name,
    owner_id, modified_at)
SELECT :account_id, :connection_id, :object_type, * FROM unnest(CAST(:ids AS text[]), CAST(:names AS text[]),
    CAST(:firsts AS text[]), CAST(:lasts AS text[]), CAST(:owners AS text[]), CAST(:times AS timestamptz[]))
ON CONFLICT (account_id, connection_id, record_id) DO UPDATE
SET name = excluded.name, first_name = excluded.first_name, last_name = excluded.last_name,
    owner_id = excluded.owner_id, modified_at = excluded.modified_at
""")
_INSERT_KEYS = text("""
INSERT INTO phone_index (account_id, connection_id, record_id, key, field, grade, raw)
SELECT :account_id, :connection_id, * FROM unnest(CAST(:records AS text[]), CAST(:keys AS text[]),
    CAST(:fields AS text[]), CAST(:grades AS text[]), CAST(:raws AS text[]))
ON CONFLICT DO NOTHING
""")


def _name(one: ObjectFields, row: Mapping[str, Any]) -> str:
    return str(row.get(one.name_field) or "")


_Facts = tuple[str, str | None, str | None, str | None]
"""Name, first name, last name, owner: what is kept of a record beside its keys."""


def _facts(row: Row[Any]) -> _Facts:
    return row.name, row.first_name, row.last_name, row.owner_id


def _same(codes: Sequence[str], loaded_with: Sequence[str]) -> None:
    """Other country codes since the load began: it begins anew."""
    if codes != loaded_with:
        raise CrmFailure("later", "settings_changed", "the country codes changed during the load")


def _removed() -> CrmFailure:
    return CrmFailure("never", "connection_removed", "the connection was removed")


def _is(columns: Any, of: _Leased) -> tuple[Any, Any]:
    return columns.account_id == of.account_id, columns.id == of.connection_id


def _is_part(columns: Any, of: _Leased) -> tuple[Any, Any]:
    return columns.account_id == of.account_id, columns.connection_id == of.connection_id


def _time(value: str) -> datetime:
    """A time as the API writes it, `2026-11-22T03:04:05.000+0000`."""
    return datetime.fromisoformat(value)


def _soql_time(moment: datetime) -> str:
    return (
        moment.astimezone(_NEVER.tzinfo).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    )
