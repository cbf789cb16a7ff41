"""The verbs on agents: status, presence, seat and line, and the sequence their callbars follow.

Whatever changes what an agent's callbar shows calls `changed`; all changes of one transaction become one step
of the agent's sequence and one announcement, made just before commit under the agent's row lock. Engagements
are locked before agents, and agents in the order of their ids, so that no two transactions wait in a circle.
Locks are FOR NO KEY UPDATE: they do not collide with the foreign keys that point at these rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Text, bindparam, case, cast, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.dialects.postgresql import insert as upsert

from tieline.agents.presence import Status, concluded
from tieline.agents.tables import agent, callbar_command
from tieline.db.database import Transaction
from tieline.db.statement import Found, Statement
from tieline.errors import NotFound, TielineError, TooMany

SEAT_LEASE = timedelta(seconds=20)
"""The last callbar gone for so long makes the agent offline."""
SEAT_ALIVE = timedelta(seconds=5)
"""A seat not renewed for so long (its node died) may be taken by another callbar without asking."""
_KEY = "agents.changed"

# Built once: what every step of every call runs.
_OWN = (agent.c.account_id == bindparam("of_account")) & (agent.c.user_id == bindparam("of_agent"))
_LOCKED = Statement(select(agent).where(_OWN).with_for_update(key_share=True))
_presence = case(
    {status.value: bindparam(f"if_{status.value}", type_=Text) for status in Status}, value=agent.c.status
)
_STEP = Statement(
    update(agent)
    .where(_OWN)
    .values(
        sequence=agent.c.sequence + 1,
        engagement_state=bindparam("of_engagement", type_=Text),
        presence=_presence,
        presence_since=case(
            (agent.c.presence == _presence, agent.c.presence_since),
            else_=bindparam("at", type_=DateTime(timezone=True)),
        ),
    )
    # The number of the step is known only here: the message is completed where it is counted.
    .returning(
        cast(bindparam("message", type_=JSONB) + func.jsonb_build_object("v", agent.c.sequence), Text).label(
            "announced"
        )
    ),
    announces=True,
)
_FREE = Statement(
    update(agent).where(_OWN).values(idle_since=bindparam("since", type_=DateTime(timezone=True)))
)


class SeatLost(TielineError):
    """Another callbar of this agent owns the audio now."""

    code, status = "seat_lost", 409


@dataclass(slots=True)
class _Change:
    name: str
    engagement_id: UUID | None
    gone: str | None
    engagement_state: str | None


KEEP = "keep"
"""Says that the state of the agent's engagement stays as it is."""


async def locked(tx: Transaction, agent_id: UUID) -> Found:
    """The agent's row, locked until commit. Raises `NotFound`."""
    row = await tx.find_one(_LOCKED, _own(tx, agent_id))
    if row is None:
        raise NotFound("no such agent")
    return row


def _own(tx: Transaction, agent_id: UUID) -> dict[str, Any]:
    return {"of_account": tx.account_id, "of_agent": agent_id}


def changed(
    tx: Transaction,
    agent_id: UUID,
    name: str,
    *,
    engagement_id: UUID | None = None,
    engagement_state: str | None = KEEP,
    gone: str | None = None,
) -> None:
    """Say that the agent's callbar shows something new, as event `name`.

    `engagement_state` is the state of the engagement that the agent has after this transaction (None: free
    now), from which presence is concluded; `gone` tells why `engagement_id` has left the callbar, which
    frees the agent. The last call per agent in a transaction names the event.
    """
    changes: dict[UUID, _Change] | None = tx.scratch.get(_KEY)
    if changes is None:
        changes = tx.scratch[_KEY] = {}
        pending = changes

        async def flush() -> None:
            for id, change in sorted(pending.items()):
                await _flush(tx, id, change)

        tx.before_commit(flush)
    state = None if gone else engagement_state
    if state == KEEP and agent_id in changes:
        state = changes[agent_id].engagement_state
    changes[agent_id] = _Change(name, engagement_id, gone, state)


async def _flush(tx: Transaction, agent_id: UUID, change: _Change) -> None:
    state = change.engagement_state
    if state == KEEP:
        state = (await locked(tx, agent_id)).engagement_state
    more = {"e": change.name}
    if change.engagement_id:
        more["x"] = str(change.engagement_id)
    if change.gone:
        more["g"] = change.gone
    step = {
        "of_engagement": state,
        "at": tx.now,
        "message": tx.message("agent", agent_id, 0, **more),
        **{f"if_{status.value}": concluded(status, state).value for status in Status},
    }
    tx.later(_STEP, _own(tx, agent_id) | step)


async def set_status(tx: Transaction, agent_id: UUID, status: str, reason: str | None) -> None:
    """Set the agent's status; the caller says `changed`. A fresh *ready* starts the idle time anew."""
    values: dict[str, Any] = {"status": status, "reason": reason, "status_since": tx.now}
    if status == "ready":
        values["idle_since"] = case((agent.c.status == "ready", agent.c.idle_since), else_=tx.now)
    await tx.execute(
        update(agent).where(agent.c.account_id == tx.account_id, agent.c.user_id == agent_id).values(**values)
    )


async def became_free(tx: Transaction, agent_id: UUID) -> None:
    """Start the agent's idle time: the last engagement was closed."""
    await tx.find(_FREE, _own(tx, agent_id) | {"since": tx.now})


@dataclass(frozen=True, slots=True)
class Seat:
    """A callbar of an agent. `seat_id` is its own random id; `fence` is the number its ownership began with."""

    account_id: UUID
    agent_id: UUID
    connection_id: UUID
    seat_id: str
    fence: int = 0


def owns(row: Any, seat: Seat) -> bool:
    """Whether the seat owns the agent's audio, by the agent's row."""
    return row.seat_id == seat.seat_id and row.seat_fence == seat.fence


async def check_seat(tx: Transaction, seat: Seat) -> None:
    """Raise `SeatLost` unless the seat owns the agent's audio."""
    row = await tx.one(
        select(agent.c.seat_id, agent.c.seat_fence).where(
            agent.c.account_id == tx.account_id, agent.c.user_id == seat.agent_id
        )
    )
    if row is None or not owns(row, seat):
        raise SeatLost


async def take_seat(
    tx: Transaction, seat: Seat, *, by_force: bool = False, coming: bool = False
) -> Seat | None:
    """Make this callbar the owner of the agent's audio and give it with its fence; None while another lives.

    Whoever owned it under the same id and is `coming` now (a reloaded page, a callbar that comes back to
    another node) owns it again at once. Only then: the socket it left behind may seem to live for a while,
    on a node that has not noticed, and must not take it back. Callbars of the agent are told.
    """
    row = await locked(tx, seat.agent_id)
    alive = row.seat_seen_at is not None and row.seat_seen_at > tx.now - SEAT_ALIVE
    if alive and not by_force and not (coming and row.seat_id == seat.seat_id):
        return None
    fence = row.seat_fence + 1
    await tx.execute(
        update(agent)
        .where(agent.c.account_id == tx.account_id, agent.c.user_id == seat.agent_id)
        .values(seat_id=seat.seat_id, seat_fence=fence, seat_seen_at=tx.now, seat_until=tx.now + SEAT_LEASE)
    )
    tx.announce("seat", seat.agent_id, fence)
    return replace(seat, fence=fence)


async def keep_seats(tx: Transaction, seats: Sequence[Seat]) -> set[tuple[str, int]]:
    """Renew the leases of seats that are still owned, and give those, as (seat id, fence). For system transactions.

    A seat that was left meanwhile stays left: renewed, it would keep the next callbar waiting for nobody.
    """
    kept = await tx.all(
        update(agent)
        .where(
            tuple_(agent.c.seat_id, agent.c.seat_fence).in_([(s.seat_id, s.fence) for s in seats]),
            agent.c.seat_seen_at.is_not(None),
        )
        .values(seat_seen_at=tx.now, seat_until=tx.now + SEAT_LEASE)
        .returning(agent.c.seat_id, agent.c.seat_fence)
    )
    return {(row.seat_id, row.seat_fence) for row in kept}


async def leave_seat(tx: Transaction, seat: Seat) -> None:
    """The owner's socket has closed: another callbar may own now; without one the agent goes offline later."""
    left = await tx.one(
        update(agent)
        .where(
            agent.c.account_id == tx.account_id,
            agent.c.user_id == seat.agent_id,
            agent.c.seat_id == seat.seat_id,
            agent.c.seat_fence == seat.fence,
        )
        .values(seat_seen_at=None)
        .returning(agent.c.seat_fence)
    )
    if left is not None:
        tx.announce("seat", seat.agent_id, seat.fence)


async def first_time(tx: Transaction, agent_id: UUID, command_id: str) -> bool:
    """Whether this command has not been carried out before; remembers it with the transaction."""
    done = await tx.one(
        upsert(callbar_command)
        .values(account_id=tx.account_id, agent_id=agent_id, command_id=command_id, done_at=tx.now)
        .on_conflict_do_nothing()
        .returning(callbar_command.c.command_id)
    )
    return done is not None


async def make_agent(tx: Transaction, user_id: UUID) -> None:
    """Make a user an agent: offline, without a seat."""
    await tx.execute(insert(agent).values(account_id=tx.account_id, user_id=user_id))


DIALS_PER_MINUTE = 10
"""More than a person dials by hand: what exceeds it is a page gone wild, or fraud."""


async def count_dial(tx: Transaction, agent_id: UUID) -> None:
    """Count one more dial of the agent, under the agent's row lock. Raises `TooMany`."""
    row = await locked(tx, agent_id)
    recent = [at for at in row.dialed_at if at > tx.now - timedelta(minutes=1)]
    if len(recent) >= DIALS_PER_MINUTE:
        raise TooMany(retry_after_s=max(1, int((recent[0] + timedelta(minutes=1) - tx.now).total_seconds())))
    await tx.execute(
        update(agent)
        .where(agent.c.account_id == tx.account_id, agent.c.user_id == agent_id)
        .values(dialed_at=[*recent, tx.now])
    )
