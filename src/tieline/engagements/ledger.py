"""The book that every verb on engagements writes in: rows under their lock, the story, requests to the switch.

It decides nothing; `offers.py`, `conversation.py` and `service.py` do, one upon the other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.engine import Row

from tieline.agents import service as agents
from tieline.db.database import BUS_CHANNEL, Database, Transaction
from tieline.engagements.commands import SwitchDesk
from tieline.engagements.tables import engagement, offer
from tieline.identity.tables import app_user
from tieline.ids import new_id
from tieline.names import PARTS
from tieline.numbers import PhoneNumber

# Built once: what every step of every call runs.
_OWN = (engagement.c.account_id == bindparam("of_account")) & (engagement.c.id == bindparam("of_id"))
_LOAD = select(engagement).where(_OWN).with_for_update(key_share=True)
_SET = update(engagement).where(_OWN).returning(engagement)
_OF_AGENT = (
    select(engagement)
    .where(
        engagement.c.account_id == bindparam("of_account"),
        engagement.c.agent_id == bindparam("of_agent"),
        engagement.c.closed_at.is_(None),
    )
    .with_for_update(key_share=True)
)
_CLOSE_OFFER = update(offer).where(
    offer.c.account_id == bindparam("of_account"),
    offer.c.engagement_id == bindparam("of_id"),
    offer.c.state == "offered",
)
# Each line comes after those that the engagement's story has; the engagement is locked.
_TELL = text("""
WITH line AS (
    SELECT * FROM jsonb_to_recordset(CAST(:lines AS jsonb))
        AS line(engagement_id uuid, place int, name text, data jsonb, message jsonb)
), told AS (
    INSERT INTO engagement_event (account_id, engagement_id, sequence, at, name, data)
    SELECT :account, engagement_id, place + coalesce((
        SELECT max(sequence) FROM engagement_event AS before
        WHERE before.account_id = :account AND before.engagement_id = line.engagement_id
    ), 0), :at, name, data FROM line
)
SELECT pg_notify(:channel, CAST(message AS text)) FROM line ORDER BY place
""").bindparams(
    bindparam("account", type_=engagement.c.account_id.type),
    bindparam("at", type_=engagement.c.arrived_at.type),
)
_STORY = "engagements.story"


class Crm(Protocol):
    """What engagements ask about the customer; given by the composition root. Local look-ups only."""

    async def default_connection(self, tx: Transaction) -> UUID | None:
        """The connection that engagements without an agent are logged to."""
        ...

    async def match(
        self, tx: Transaction, connection_id: UUID | None, number: PhoneNumber | None, *, withheld: bool
    ) -> Mapping[str, Any]:
        """Whose number this is, in the wire shape of `callbar.wire.Match`; its records as `names.stored` gives them."""
        ...

    async def record(
        self, tx: Transaction, connection_id: UUID | None, record_id: str
    ) -> dict[str, Any] | None:
        """A record as `related` holds it, as it is called now; None when it is not known."""
        ...


class Lines(Protocol):
    """The ways out: how a number is reached; given by the composition root."""

    async def reach(self, tx: Transaction, engagement_id: UUID, e164: str) -> str | None:
        """Let it ring at the number once the transaction has committed; None, or why it cannot (`UNANSWERED`)."""
        ...


class Ledger:
    """Reads and writes engagements; holds no state of its own."""

    def __init__(self, db: Database, desk: SwitchDesk, crm: Crm, lines: Lines, *, portal_url: str) -> None:
        self.db = db
        self.desk = desk
        self.crm = crm
        self.lines = lines
        self._portal_url = portal_url
        self._routing: set[asyncio.Task[None]] = set()

    async def load(self, tx: Transaction, engagement_id: UUID) -> Row[Any] | None:
        """The engagement's row, locked until commit."""
        return await tx.one(_LOAD, {"of_account": tx.account_id, "of_id": engagement_id})

    async def of_agent(self, tx: Transaction, agent_id: UUID) -> Row[Any] | None:
        """The engagement the agent has now, locked."""
        return await tx.one(_OF_AGENT, {"of_account": tx.account_id, "of_agent": agent_id})

    async def _connection_of(self, tx: Transaction, agent_id: UUID) -> UUID | None:
        return await tx.scalar(
            select(app_user.c.connection_id).where(
                app_user.c.account_id == tx.account_id, app_user.c.id == agent_id
            )
        )

    async def _set(self, tx: Transaction, row: Row[Any], **values: Any) -> Row[Any]:
        fresh = await tx.all(_SET, {"of_account": tx.account_id, "of_id": row.id, **values})
        return fresh[0]

    def _tell(self, tx: Transaction, id: UUID, name: str, data: Mapping[str, Any] | None = None) -> None:
        """Add a line to the engagement's story, and let whoever watches it know; written just before commit."""
        lines: list[dict[str, Any]] | None = tx.scratch.get(_STORY)
        if lines is None:
            lines = tx.scratch[_STORY] = []
            story = lines

            async def write() -> None:
                told = {"lines": json.dumps(story), "account": tx.account_id, "at": tx.now}
                await tx.execute(_TELL, {**told, "channel": BUS_CHANNEL})

            tx.before_commit(write)
        lines.append(
            {
                "engagement_id": str(id),
                "place": 1 + sum(line["engagement_id"] == str(id) for line in lines),
                "name": name,
                "data": dict(data or {}),
                "message": tx.message("engagement", id, e=name),
            }
        )

    def _ask(self, tx: Transaction, row: Row[Any], verb: str, params: Mapping[str, Any]) -> None:
        self.desk.ask(tx, verb, params, node=row.node, epoch=row.epoch, engagement_id=row.id)

    async def _play(self, tx: Transaction, row: Row[Any], media: list[str], **values: Any) -> None:
        """Let the customer hear something new; `values` are written with it."""
        # A play's id is never used again, and an engagement may return to the queue.
        play_id = new_id()
        await self._set(tx, row, play_id=play_id, **values)
        leg = str(row.caller_leg_id)
        params = {"leg_id": leg, "media": media, "loop_last": True, "play_id": str(play_id)}
        self._ask(tx, row, "play", params)

    async def _close_offer(self, tx: Transaction, row: Row[Any], how: str) -> None:
        own = {"of_account": tx.account_id, "of_id": row.id}
        await tx.execute(_CLOSE_OFFER, own | {"state": how, "ended_at": tx.now})

    def _fact(self, tx: Transaction, row: Row[Any], name: str) -> None:
        self._tell(tx, row.id, name)
        agents.changed(tx, row.agent_id, name, engagement_id=row.id)


def number_of(row: Row[Any]) -> PhoneNumber | None:
    """The customer's number as parsed on arrival."""
    if row.number_e164 is None:
        return None
    return PhoneNumber(
        e164=row.number_e164, extension=row.number_extension, raw=row.number_raw or row.number_e164
    )


def single(match: Mapping[str, Any]) -> dict[str, Any] | None:
    """The record an engagement is about when exactly one matches: only then is a number enough of a hint."""
    if match["status"] != "one":
        return None
    return reference(match["records"][0])


def reference(record: Mapping[str, Any]) -> dict[str, Any]:
    """A matched record as `related` holds it: which it is, what it is called and whose it is."""
    return {key: record[key] for key in ("id", "object_type", "name", *PARTS, "owner") if key in record}
