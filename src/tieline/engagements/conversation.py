"""What the switch reports, what time brings, and how an engagement ends.

State moves here when audio does. Ending writes the call log in the same transaction; what must happen later in
any case is a deadline, acted on by `sweep.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select

from tieline.agents import service as agents
from tieline.agents.presence import MISSED_CALL
from tieline.calllog import service as calllog
from tieline.db.database import Transaction
from tieline.db.statement import Found
from tieline.engagements.engagement import (
    State,
    Trigger,
    after,
    allowed,
    end_cause,
    outcome,
)
from tieline.engagements.ledger import number_of
from tieline.engagements.offers import Offers
from tieline.engagements.record import call_log_of
from tieline.engagements.tables import engagement
from tieline.queues import service as queues

log = structlog.get_logger()

AGENT_LOST = timedelta(seconds=30)
"""A conversation waits so long for an agent whose audio has gone."""
CONFIRM = timedelta(seconds=5)
"""A hold, mute or hang-up that the switch has not confirmed by then is given up and shown as such."""
SET_UP = timedelta(seconds=60)
"""A customer whose audio is not up after this long is given up. The switch reports a failed set-up itself, after 10 s;
this is for a switch that reports nothing, and longer than facts may lag when the node that takes them is killed."""
KEYS_KEPT = 40
"""So many of the keys pressed are kept while a call lasts."""


class Conversation(Offers):
    """From the first fact of the switch to the closed record."""

    async def caller_connected(self, tx: Transaction, row: Found) -> None:
        """The customer's audio is up: a caller goes into the queue, with greeting and music; a callee talks."""
        if not allowed(row.state, Trigger.CALLER_CONNECTED):
            return
        if row.state == State.DIALING:
            self._ask(tx, row, "stop_play", {"play_id": str(row.id)})
            await self._connected(tx, row, Trigger.CALLER_CONNECTED)
            return
        # Most agents work in the CRM in which the caller was matched on arrival: looked up again now, before the queue is
        # held, which is for as short as can be.
        match = await self.crm.match(tx, row.connection_id, number_of(row), withheld=row.withheld)
        # From here on the queue is held, and the caller offered in this transaction if somebody is free. That takes the
        # queue after the engagement, against the order of locks: nobody who routes it can wait for this engagement,
        # which is not in line before the commit.
        of = await queues.lock(tx, row.queue_id, dialled_e164=row.dialled_e164)
        state = after(row.state, Trigger.CALLER_CONNECTED)
        waiting = self._play(
            tx,
            row,
            [of.greeting_heard, of.music],
            state=state,
            match=dict(match),
            queued_at=tx.now,
            deadline_at=None,
        )
        self._tell(tx, row.id, "engagement.queued")
        if not await self._offer_next(tx, of, waiting):
            # An agent who becomes free now has not been seen, and may not see who waits before the commit.
            self.route_soon(tx, queue_id=row.queue_id)

    async def agent_joined(self, tx: Transaction, row: Found) -> None:
        """Caller and agent hear each other."""
        if not allowed(row.state, Trigger.AGENT_JOINED):
            return
        await self._connected(tx, row, Trigger.AGENT_JOINED)

    async def _connected(self, tx: Transaction, row: Found, trigger: Trigger) -> None:
        state = after(row.state, trigger)
        self._set(
            tx,
            row,
            state=state,
            connected_at=row.connected_at or tx.now,
            deadline_at=None,
            outcome="answered",
            held=False,
            muted=False,
            pending=None,
            pending_until=None,
        )
        self._tell(tx, row.id, "engagement.connected", {"agent_id": str(row.agent_id)})
        agents.changed(tx, row.agent_id, "engagement.connected", engagement_id=row.id, engagement_state=state)

    async def join_failed(self, tx: Transaction, row: Found) -> None:
        """The two could not be joined: the caller goes back into the queue and hears music again."""
        if not allowed(row.state, Trigger.JOIN_FAILED):
            return
        line = await agents.locked(tx, row.agent_id)
        if line.line_leg_id is not None:
            self._ask(tx, row, "move_leg", {"leg_id": str(line.line_leg_id), "call_id": None})
        self._tell(tx, row.id, "engagement.join_failed", {"agent_id": str(row.agent_id)})
        await self._requeue(tx, row, Trigger.JOIN_FAILED, "withdrawn")
        of = await queues.queue_by_id(tx, row.queue_id)
        self._play(tx, row, [of.music])

    async def held(self, tx: Transaction, row: Found, held: bool) -> None:
        """The customer is on hold, or back."""
        if row.state != State.CONNECTED or row.held == held:
            return
        ms = 0 if held or row.held_since is None else _ms(tx.now - row.held_since)
        self._set(
            tx,
            row,
            held=held,
            held_since=tx.now if held else None,
            held_ms=row.held_ms + ms,
            **_confirmed(row, "hold" if held else "resume"),
        )
        self._fact(tx, row, "engagement.held" if held else "engagement.resumed")

    async def muted(self, tx: Transaction, row: Found, muted: bool) -> None:
        """The agent is muted, or heard again."""
        if row.state != State.CONNECTED or row.muted == muted:
            return
        self._set(tx, row, muted=muted, **_confirmed(row, "mute" if muted else "unmute"))
        self._fact(tx, row, "engagement.muted" if muted else "engagement.unmuted")

    async def agent_audio(self, tx: Transaction, row: Found, *, up: bool) -> None:
        """The agent's audio went away or came back in mid-conversation; the caller waits a while."""
        if row.state == State.ANSWERING and not up:
            await self.join_failed(tx, row)
        elif row.state == State.DIALING and not up:
            await self._ended(tx, row, Trigger.CONVERSATION_ENDED, None)
        elif row.state == State.CONNECTED:
            self._set(tx, row, deadline_at=None if up else tx.now + AGENT_LOST)
            self._fact(tx, row, "engagement.agent_audio_back" if up else "engagement.agent_audio_lost")

    async def digit(self, tx: Transaction, row: Found, digit: str) -> None:
        """The customer has pressed a key."""
        if row.state != State.CONNECTED:
            return
        self._set(tx, row, digits=(row.digits + digit)[-KEYS_KEPT:])
        agents.changed(tx, row.agent_id, "engagement.digit", engagement_id=row.id)

    async def _agent_lost(self, tx: Transaction, row: Found) -> None:
        """The agent did not come back: the caller is told and goes before everybody else."""
        self._tell(tx, row.id, "engagement.agent_lost", {"agent_id": str(row.agent_id)})
        if row.held:
            params = {"leg_id": str(row.caller_leg_id), "held": False, "music": None}
            self._ask(tx, row, "set_held", params)
        fresh = self._set(tx, row, priority=1, held=False, held_since=None, muted=False, pending=None)
        await self._requeue(tx, fresh, Trigger.AGENT_LOST, "withdrawn")
        of = await queues.queue_by_id(tx, row.queue_id, dialled_e164=row.dialled_e164)
        notice = "notice/sorry-ja" if of.greeting_heard.endswith("/ja") else "notice/sorry-en"
        self._play(tx, row, [notice, of.music])

    async def joining(self, tx: Transaction, row: Found) -> None:
        """One telephone has taken the outbound call: its audio comes up; no other may take it."""
        self._set(tx, row, pending="join", pending_until=tx.now + SET_UP, deadline_at=tx.now + SET_UP)

    async def report_digits(self, tx: Transaction, row: Found, digits: str) -> None:
        """The customer's page has sent keys by signalling: the switch makes facts of them, as of all keys."""
        if row.state == State.CONNECTED:
            params = {"leg_id": str(row.caller_leg_id), "digits": digits}
            self._ask(tx, row, "report_digits", params)

    async def callee_refused(self, tx: Transaction, row: Found, why: str) -> None:
        """Whom we call is busy, or does not want to talk (`UNANSWERED`)."""
        await self._ended(tx, row, Trigger.CALLER_GONE, why)

    async def caller_gone(self, tx: Transaction, row: Found, reason: str | None) -> None:
        """The caller's leg is gone, for whatever reason."""
        await self._ended(tx, row, Trigger.CALLER_GONE, reason)

    async def conversation_ended(self, tx: Transaction, row: Found, trigger: Trigger) -> None:
        """The conversation is over without the caller's leg having gone by itself."""
        await self._ended(tx, row, trigger, None)

    async def _ended(self, tx: Transaction, row: Found, trigger: Trigger, reason: str | None) -> None:
        if not allowed(row.state, trigger):
            return
        state = after(row.state, trigger)
        cause = end_cause(State(row.state), trigger, reason)
        held_ms = row.held_ms + (_ms(tx.now - row.held_since) if row.held_since else 0)
        values: dict[str, Any] = {
            "ended_at": tx.now,
            "end_cause": cause,
            "outcome": outcome(State(row.state), trigger),
            "held_ms": held_ms,
            "held": False,
            "held_since": None,
            "muted": False,
            "pending": None,
            "pending_until": None,
            "digits": "",
            "digits_sent": "",
        }
        if trigger is not Trigger.SWITCH_LOST:
            if row.state == State.DIALING:
                self._ask(tx, row, "stop_play", {"play_id": str(row.id)})
            self._ask(tx, row, "end_call", {"call_id": str(row.id)})
            if row.muted:
                line = await agents.locked(tx, row.agent_id)
                if line.line_leg_id is not None:
                    self._ask(tx, row, "set_muted", {"leg_id": str(line.line_leg_id), "muted": False})
        name = "engagement.ended" if state is State.WRAP_UP else "engagement.abandoned"
        if state is State.WRAP_UP:
            of = await queues.queue_by_id(tx, row.queue_id)
            values["deadline_at"] = tx.now + timedelta(milliseconds=of.wrap_up_ms)
            fresh = self._set(tx, row, state=state, **values)
            self._tell(tx, row.id, name, {"cause": cause})
            if of.wrap_up_ms == 0:
                await self.wrapped_up(tx, fresh)
            else:
                agents.changed(tx, row.agent_id, name, engagement_id=row.id, engagement_state=state)
            return
        self._close_offer(tx, row, "withdrawn")
        fresh = self._set(tx, row, state=state, closed_at=tx.now, deadline_at=None, **values)
        self._tell(tx, row.id, name, {"cause": cause})
        await self._log(tx, fresh)
        if row.agent_id is not None:
            agents.changed(tx, row.agent_id, name, engagement_id=row.id, gone="abandoned")
            self.route_soon(tx, agent_id=row.agent_id)

    async def wrapped_up(self, tx: Transaction, row: Found) -> None:
        """Close the engagement: the call log and its delivery are written here, in the same transaction."""
        state = after(row.state, Trigger.WRAPPED_UP)
        fresh = self._set(tx, row, state=state, closed_at=tx.now, deadline_at=None)
        self._tell(tx, row.id, "engagement.closed")
        await self._log(tx, fresh)
        await agents.became_free(tx, row.agent_id)
        agents.changed(tx, row.agent_id, "engagement.closed", engagement_id=row.id, gone="closed")
        self.route_soon(tx, agent_id=row.agent_id)

    async def _log(self, tx: Transaction, row: Found) -> None:
        calllog.record(tx, await call_log_of(tx, row, portal_url=self._portal_url), row.connection_id)

    async def delivered(self, tx: Transaction, engagement_ids: Sequence[UUID]) -> None:
        """The call logs of these engagements stand in the CRM: the story says so, and their agents' callbars."""
        rows = await tx.all(
            select(engagement.c.id, engagement.c.agent_id)
            .where(engagement.c.account_id == tx.account_id, engagement.c.id.in_(engagement_ids))
            .order_by(engagement.c.id)
        )
        for row in rows:
            self._tell(tx, row.id, "call_log.delivered")
            if row.agent_id is not None:
                agents.changed(tx, row.agent_id, "call_log.delivered")

    async def deadline_passed(self, tx: Transaction, row: Found) -> None:
        """The engagement has stayed in its state for too long."""
        match State(row.state):
            case State.ARRIVING:
                await self._ended(tx, row, Trigger.CALLER_GONE, "set_up_failed")
            case State.OFFERED:
                await agents.locked(tx, row.agent_id)
                await agents.set_status(tx, row.agent_id, "not_ready", MISSED_CALL)
                await self._end_offer(tx, row, "missed")
            case State.ANSWERING:
                await self.join_failed(tx, row)
            case State.DIALING:
                await self._ended(tx, row, Trigger.CALLER_GONE, "no_answer")
            case State.CONNECTED:
                await self._agent_lost(tx, row)
            case State.WRAP_UP:
                await self.wrapped_up(tx, row)
            case _:
                self._set(tx, row, deadline_at=None)

    async def pending_passed(self, tx: Transaction, row: Found) -> None:
        """The switch has not confirmed a request in time: say so; the agent may ask again."""
        self._set(tx, row, pending=None, pending_until=None)
        self._fact(tx, row, "engagement.request_failed")

    async def seat_lost(self, tx: Transaction, agent_id: UUID) -> None:
        """The agent's last callbar has been gone for too long: offline; a ringing offer moves on."""
        row = await self.of_agent(tx, agent_id)
        await agents.locked(tx, agent_id)
        await agents.set_status(tx, agent_id, "offline", None)
        if row is not None and row.state == State.OFFERED:
            await self._end_offer(tx, row, "withdrawn")
        else:
            agents.changed(tx, agent_id, "status.changed")


def _confirmed(row: Found, what: str) -> dict[str, Any]:
    return {"pending": None, "pending_until": None} if row.pending == what else {}


def _ms(duration: timedelta) -> int:
    return max(0, round(duration.total_seconds() * 1000))
