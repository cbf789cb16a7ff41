"""The book that every verb on engagements writes in: rows under their lock, the story, requests to the switch.

It decides nothing; `offers.py`, `conversation.py` and `service.py` do, one upon the other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import DateTime, Uuid, bindparam, select, text, update

from tieline.agents import service as agents
from tieline.db.database import Database, Transaction
from tieline.db.statement import Found, Statement
from tieline.engagements.commands import SwitchDesk
from tieline.engagements.tables import engagement, offer
from tieline.identity.tables import app_user
from tieline.ids import new_id
from tieline.names import PARTS
from tieline.numbers import PhoneNumber

# Built once: what every step of every call runs.
_OWN = (engagement.c.account_id == bindparam("of_account")) & (engagement.c.id == bindparam("of_id"))
_LOAD = Statement(select(engagement).where(_OWN).with_for_update(key_share=True))
_OF_AGENT = Statement(
    select(engagement)
    .where(
        engagement.c.account_id == bindparam("of_account"),
        engagement.c.agent_id == bindparam("of_agent"),
        engagement.c.closed_at.is_(None),
    )
    .with_for_update(key_share=True)
)
_CLOSE_OFFER = Statement(
    update(offer)
    .where(
        offer.c.account_id == bindparam("of_account"),
        offer.c.engagement_id == bindparam("of_id"),
        offer.c.state == "offered",
    )
    .values(
        state=bindparam("how", type_=offer.c.state.type),
        ended_at=bindparam("at", type_=DateTime(timezone=True)),
    )
)
# Each line comes after those that the engagement's story has; the engagement is locked.
_TELL = Statement(
    text("""
    INSERT INTO engagement_event (account_id, engagement_id, sequence, at, name, data)
    SELECT :account, engagement_id, place + coalesce((
        SELECT max(sequence) FROM engagement_event AS before
        WHERE before.account_id = :account AND before.engagement_id = line.engagement_id
    ), 0), :at, name, data
    FROM jsonb_to_recordset(CAST(:lines AS jsonb))
        AS line(engagement_id uuid, place int, name text, data jsonb)
    """).bindparams(bindparam("account", type_=Uuid), bindparam("at", type_=DateTime(timezone=True)))
)


@lru_cache(maxsize=256)
def _set_of(columns: tuple[str, ...]) -> Statement:
    values = {name: bindparam(name, type_=engagement.c[name].type) for name in columns}
    return Statement(update(engagement).where(_OWN).values(values))


_HELD = "engagements.held"
"""Rows that this transaction holds, by id, as it will leave them; and what it has changed of each."""
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

    async def load(self, tx: Transaction, engagement_id: UUID) -> Found | None:
        """The engagement's row, locked until commit, with what this transaction has changed of it."""
        held = _held(tx).rows.get(engagement_id)
        if held is not None:
            return held
        row = await tx.find_one(_LOAD, {"of_account": tx.account_id, "of_id": engagement_id})
        return self.keep(tx, row) if row is not None else None

    async def of_agent(self, tx: Transaction, agent_id: UUID) -> Found | None:
        """The engagement the agent has now, locked. To be asked before anything of it is changed."""
        row = await tx.find_one(_OF_AGENT, {"of_account": tx.account_id, "of_agent": agent_id})
        return self.keep(tx, row) if row is not None else None

    def keep(self, tx: Transaction, row: Found) -> Found:
        """Take in a row that a statement of this transaction has locked, or made."""
        return _held(tx).rows.setdefault(row.id, row)

    async def _connection_of(self, tx: Transaction, agent_id: UUID) -> UUID | None:
        return await tx.scalar(
            select(app_user.c.connection_id).where(
                app_user.c.account_id == tx.account_id, app_user.c.id == agent_id
            )
        )

    def _set(self, tx: Transaction, row: Found, **values: Any) -> Found:
        """Change columns of an engagement; gives the row as it is now. It is written just before commit."""
        held = _held(tx)
        fresh = held.rows[row.id].but(values)
        held.rows[row.id] = fresh
        held.changes.setdefault(row.id, {}).update(values)
        return fresh

    def _tell(self, tx: Transaction, id: UUID, name: str, data: Mapping[str, Any] | None = None) -> None:
        """Add a line to the engagement's story, and let whoever watches it know; written just before commit."""
        lines: list[dict[str, Any]] | None = tx.scratch.get(_STORY)
        if lines is None:
            lines = tx.scratch[_STORY] = []
            story = lines

            async def write() -> None:
                tx.later(_TELL, {"lines": json.dumps(story), "account": tx.account_id, "at": tx.now})

            tx.before_commit(write)
        lines.append(
            {
                "engagement_id": str(id),
                "place": 1 + sum(line["engagement_id"] == str(id) for line in lines),
                "name": name,
                "data": dict(data or {}),
            }
        )
        tx.announce("engagement", id, e=name)

    def _ask(self, tx: Transaction, row: Found, verb: str, params: Mapping[str, Any]) -> None:
        self.desk.ask(tx, verb, params, node=row.node, epoch=row.epoch, engagement_id=row.id)

    def _play(self, tx: Transaction, row: Found, media: list[str], **values: Any) -> Found:
        """Let the customer hear something new; `values` are written with it. Gives the row as it is now."""
        # A play's id is never used again, and an engagement may return to the queue.
        play_id = new_id()
        fresh = self._set(tx, row, play_id=play_id, **values)
        leg = str(row.caller_leg_id)
        params = {"leg_id": leg, "media": media, "loop_last": True, "play_id": str(play_id)}
        self._ask(tx, row, "play", params)
        return fresh

    def _close_offer(self, tx: Transaction, row: Found, how: str) -> None:
        own = {"of_account": tx.account_id, "of_id": row.id}
        tx.later(_CLOSE_OFFER, own | {"how": how, "at": tx.now})

    def _fact(self, tx: Transaction, row: Found, name: str) -> None:
        self._tell(tx, row.id, name)
        agents.changed(tx, row.agent_id, name, engagement_id=row.id)


class _Held:
    """What a transaction holds and has changed of engagements."""

    def __init__(self, tx: Transaction) -> None:
        self.rows: dict[UUID, Found] = {}
        self.changes: dict[UUID, dict[str, Any]] = {}
        self._tx = tx

    async def write(self) -> None:
        """Leave the changes to be written."""
        for id, values in self.changes.items():
            own = {"of_account": self.rows[id].account_id, "of_id": id}
            self._tx.later(_set_of(tuple(sorted(values))), own | values)


def _held(tx: Transaction) -> _Held:
    held: _Held | None = tx.scratch.get(_HELD)
    if held is None:
        held = tx.scratch[_HELD] = _Held(tx)
        tx.before_commit(held.write)
    return held


def number_of(row: Found) -> PhoneNumber | None:
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
