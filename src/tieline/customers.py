"""The CRM as engagements and callbars ask it: local look-ups in what is known of it, and single records read now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import bindparam, select

from tieline.db.database import Transaction
from tieline.numbers import PhoneNumber
from tieline.salesforce import index, org_settings, related
from tieline.salesforce import layout as layouts
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.match import match, record_of
from tieline.salesforce.org_settings import RelatedObject
from tieline.salesforce.related import AgentNotInCrm, RecordNotFound, RecordsUnavailable
from tieline.salesforce.tables import connection
from tieline.salesforce.tokens import Salesforce

log = structlog.get_logger()

_DEFAULT_CONNECTION = (
    select(connection.c.id)
    .where(
        connection.c.account_id == bindparam("of_account"),
        connection.c.state.in_(("connected", "reconnect")),
    )
    .order_by(connection.c.created_at)
    .limit(1)
)


class Crm:
    """The CRM as engagements and callbars ask it: the phone index, layouts, single records."""

    def __init__(self, salesforce: Salesforce) -> None:
        self._salesforce = salesforce
        self._reading: set[asyncio.Task[None]] = set()
        self._look: Callable[[UUID, UUID], None] = _nothing

    def when_signed_in(self, look: Callable[[UUID, UUID], None]) -> None:
        """Who else is told when a callbar comes to a connection: account and connection."""
        self._look = look

    async def default_connection(self, tx: Transaction) -> UUID | None:
        """The account's oldest living connection."""
        return await tx.scalar(_DEFAULT_CONNECTION, {"of_account": tx.account_id})

    async def match(
        self, tx: Transaction, connection_id: UUID | None, number: PhoneNumber | None, *, withheld: bool
    ) -> Mapping[str, Any]:
        """Whose number this is."""
        return await match(tx, connection_id, number, withheld)

    async def record(
        self, tx: Transaction, connection_id: UUID | None, record_id: str
    ) -> dict[str, Any] | None:
        """A record as the phone index has it now."""
        return await record_of(tx, connection_id, record_id)

    def signed_in(self, account_id: UUID, connection_id: UUID) -> None:
        """A callbar has come: the org's settings are read again, beside it."""
        self._look(account_id, connection_id)
        task = asyncio.create_task(org_settings.freshen(self._salesforce, account_id, connection_id))
        self._reading.add(task)
        task.add_done_callback(self._read)

    def _read(self, task: asyncio.Task[None]) -> None:
        self._reading.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("org_settings.failed", exc_info=error)

    async def close(self) -> None:
        """Give up what is being read."""
        for task in list(self._reading):
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def active(self, tx: Transaction, connection_id: UUID) -> bool:
        """False while the org has the product deactivated."""
        return (await org_settings.load(tx, connection_id)).active

    async def country_codes(self, tx: Transaction, connection_id: UUID) -> Sequence[str]:
        """The connection's country codes, in order."""
        return (await org_settings.load(tx, connection_id)).country_codes

    async def org_says(self, tx: Transaction, connection_id: UUID) -> Mapping[str, Any]:
        """What an org's administrators have set for callbars."""
        said = await org_settings.load(tx, connection_id)
        return {
            "related_objects": [
                {"object_type": each.object_type, "label": each.label, "preferred": each.preferred}
                for each in said.related_objects
            ],
            "status_sync": said.to_json()["status_sync"],
        }

    async def find_records(
        self, account_id: UUID, connection_id: UUID, user_id: UUID, object_type: str, text: str
    ) -> Sequence[Mapping[str, Any]]:
        """Records of a related object that the agent may read."""
        of, org_user_id = await self._relating(account_id, connection_id, user_id, object_type)
        with _told():
            client = self._salesforce.client(account_id, connection_id)
            return await related.find(client, of, text, org_user_id)

    async def related_record(
        self, account_id: UUID, connection_id: UUID, user_id: UUID, object_type: str, record_id: str
    ) -> Mapping[str, Any]:
        """A record of a related object that the agent may read."""
        of, org_user_id = await self._relating(account_id, connection_id, user_id, object_type)
        with _told():
            client = self._salesforce.client(account_id, connection_id)
            found = await related.read(client, of, [record_id], org_user_id)
        if not found:
            raise RecordNotFound
        return {name: value for name, value in found[0].items() if name != "detail"}

    async def _relating(
        self, account_id: UUID, connection_id: UUID, user_id: UUID, object_type: str
    ) -> tuple[RelatedObject, str]:
        async with self._salesforce.database.view(account_id) as tx:
            offered = (await org_settings.load(tx, connection_id)).related_objects
            org_user_id = await related.org_user_of(tx, connection_id, user_id)
        of = next((each for each in offered if each.object_type == object_type), None)
        if of is None:
            raise RecordNotFound
        if org_user_id is None:
            raise AgentNotInCrm
        return of, org_user_id

    async def connected(self, tx: Transaction, connection_id: UUID) -> bool:
        """Whether the CRM takes the connection's grant."""
        mine = (connection.c.account_id == tx.account_id) & (connection.c.id == connection_id)
        return await tx.scalar(select(connection.c.state).where(mine)) != "reconnect"

    async def layout_reported(self, tx: Transaction, connection_id: UUID, layout: Mapping[str, Any]) -> None:
        """Keep the org's softphone layout."""
        await layouts.store(tx, connection_id, layout)

    async def record_seen(
        self, account_id: UUID, connection_id: UUID, object_type: str, record_id: str
    ) -> Mapping[str, Any] | None:
        """Read and index one record now."""
        return await index.index_record(self._salesforce, account_id, connection_id, object_type, record_id)


@contextmanager
def _told() -> Generator[None]:
    """What an org refuses or leaves unanswered, as the callbar is told it."""
    try:
        yield
    except CrmFailure as failure:
        log.warning("related.failed", code=failure.code)
        raise RecordsUnavailable from failure


def _nothing(account_id: UUID, connection_id: UUID) -> None:
    """Nobody else is told."""
