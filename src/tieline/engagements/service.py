"""The verbs that people set off: callers arrive, agents answer, dial, hold, write, close.

Each verb loads the engagement's row under its lock, lets the table in `engagement.py` decide, writes the new
state with its deadline, tells the story and announces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from tieline.agents import service as agents
from tieline.agents.presence import DEACTIVATED, checked_choice
from tieline.agents.reasons import active_codes
from tieline.db.database import Transaction
from tieline.db.statement import Found, Statement, inserting
from tieline.engagements.commands import Place
from tieline.engagements.conversation import CONFIRM, KEYS_KEPT, SET_UP, Conversation
from tieline.engagements.engagement import (
    CallerGone,
    State,
    TransitionRefused,
    Trigger,
    after,
)
from tieline.engagements.ledger import number_of, single
from tieline.engagements.refusals import (
    AgentBusy,
    AgentWithoutQueue,
    AudioNotConnected,
    EngagementNotFound,
    StillPending,
)
from tieline.engagements.tables import engagement
from tieline.errors import InputInvalid
from tieline.ids import new_id
from tieline.numbers import PhoneNumber
from tieline.queues import service as queues
from tieline.queues.tables import disposition

JOIN = timedelta(seconds=5)
"""The switch joins caller and agent within this, or the caller goes back into the queue."""
ANSWER = timedelta(seconds=45)
"""Whom we call has so long to answer."""
_NEW_COMMON = (
    "account_id", "id", "direction", "state", "queue_id", "connection_id", "number_raw", "number_e164",
    "number_extension", "match", "node", "epoch", "caller_leg_id", "deadline_at", "arrived_at",
)  # fmt: skip


def _new(*columns: str) -> Statement:
    return Statement(inserting(engagement, *_NEW_COMMON, *columns).returning(engagement))


_ARRIVED = _new("withheld", "claimed_name", "dialled_e164")
_DIALED = _new("agent_id", "related", "popped", "queued_at", "offered_at")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A caller at the door."""

    queue: Found
    number: PhoneNumber | None
    number_raw: str | None
    withheld: bool
    claimed_name: str | None
    dialled_e164: str | None


class Engagements(Conversation):
    """The verbs. One instance per process; it holds no state of its own."""

    async def arrive(self, tx: Transaction, arrival: Arrival, place: Place) -> Found:
        """A caller has come: save the engagement; the caller's audio is set up next, at `place`."""
        id = new_id()
        connection_id = await self.crm.default_connection(tx)
        match = await self.crm.match(tx, connection_id, arrival.number, withheld=arrival.withheld)
        values = {
            "account_id": tx.account_id,
            "id": id,
            "direction": "inbound",
            "state": State.ARRIVING,
            "queue_id": arrival.queue.id,
            "connection_id": connection_id,
            "number_raw": arrival.number_raw,
            "number_e164": arrival.number.e164 if arrival.number else None,
            "number_extension": arrival.number.extension if arrival.number else None,
            "withheld": arrival.withheld,
            "claimed_name": arrival.claimed_name,
            "dialled_e164": arrival.dialled_e164,
            "match": dict(match),
            "node": place.node,
            "epoch": place.epoch,
            "caller_leg_id": new_id(),
            "deadline_at": tx.now + SET_UP,
            "arrived_at": tx.now,
        }
        row = self.keep(tx, (await tx.find(_ARRIVED, values))[0])
        self._tell(tx, id, "engagement.arrived", {"dialled": arrival.dialled_e164})
        return row

    async def set_status(self, tx: Transaction, agent_id: UUID, status: str, reason: str | None) -> None:
        """The agent chooses a status; going offline or not ready gives a ringing offer back to the queue."""
        chosen, why = checked_choice(status, reason, await active_codes(tx) if reason else ())
        row = await self.of_agent(tx, agent_id)
        await agents.locked(tx, agent_id)
        await agents.set_status(tx, agent_id, chosen, why)
        if chosen.value != "ready" and row is not None and row.state == State.OFFERED:
            await self._end_offer(tx, row, "declined")
        else:
            agents.changed(tx, agent_id, "status.changed")
            self.route_soon(tx, agent_id=agent_id)

    async def suspend(self, tx: Transaction, agent_id: UUID) -> None:
        """The agent takes no more engagements because the org has the product deactivated; a call under way goes on."""
        row = await self.of_agent(tx, agent_id)
        if (await agents.locked(tx, agent_id)).reason == DEACTIVATED:
            return
        await agents.set_status(tx, agent_id, "not_ready", DEACTIVATED)
        if row is not None and row.state == State.OFFERED:
            await self._end_offer(tx, row, "declined")
        else:
            agents.changed(tx, agent_id, "status.changed")

    async def resume(self, tx: Transaction, agent_id: UUID) -> None:
        """The product is active again: the agent may become ready."""
        await self.of_agent(tx, agent_id)
        if (await agents.locked(tx, agent_id)).reason != DEACTIVATED:
            return
        await agents.set_status(tx, agent_id, "not_ready", None)
        agents.changed(tx, agent_id, "status.changed")

    async def answer(self, tx: Transaction, agent_id: UUID, engagement_id: UUID) -> None:
        """The agent accepts the offer: the switch is asked to join the two."""
        row = await self._theirs(tx, agent_id, engagement_id)
        line = await agents.locked(tx, agent_id)
        if line.line_up_at is None or line.line_node != row.node:
            raise AudioNotConnected
        state = after(row.state, Trigger.ACCEPTED)
        self._close_offer(tx, row, "accepted")
        self._set(tx, row, state=state, deadline_at=tx.now + JOIN)
        self._ask(tx, row, "move_leg", {"leg_id": str(line.line_leg_id), "call_id": str(row.id)})
        self._ask(tx, row, "stop_play", {"play_id": str(row.play_id)})
        self._tell(tx, row.id, "engagement.accepted", {"agent_id": str(agent_id)})
        agents.changed(tx, agent_id, "engagement.accepted", engagement_id=row.id, engagement_state=state)

    async def decline(self, tx: Transaction, agent_id: UUID, engagement_id: UUID) -> None:
        """The agent declines the offer: the caller goes on to the next agent and keeps the place."""
        row = await self._theirs(tx, agent_id, engagement_id)
        if row.state != State.OFFERED:
            raise TransitionRefused(state=row.state)
        await self._end_offer(tx, row, "declined")

    async def dial(
        self, tx: Transaction, agent_id: UUID, number: PhoneNumber, related: Mapping[str, Any] | None
    ) -> UUID:
        """The agent calls a number (finished and permitted, see `dialing.py`); gives the engagement's id.

        Raises `AgentBusy`, `AudioNotConnected`, `AgentWithoutQueue`.
        """
        if await self.of_agent(tx, agent_id) is not None:
            raise AgentBusy
        line = await agents.locked(tx, agent_id)
        if line.engagement_state is not None:
            raise AgentBusy
        if line.line_up_at is None:
            raise AudioNotConnected
        serves = await queues.queues_of(tx, agent_id)
        if not serves:
            raise AgentWithoutQueue
        connection_id = await self._connection_of(tx, agent_id) or await self.crm.default_connection(tx)
        match = await self.crm.match(tx, connection_id, number, withheld=False)
        if related is not None:
            related = await self.crm.record(tx, connection_id, related["id"]) or related
        id = new_id()
        values = {
            "account_id": tx.account_id,
            "id": id,
            "direction": "outbound",
            "state": State.DIALING,
            "queue_id": serves[0],
            "agent_id": agent_id,
            "connection_id": connection_id,
            "number_raw": number.raw,
            "number_e164": number.e164,
            "number_extension": number.extension,
            "match": dict(match),
            "related": dict(related) if related else single(match),
            # Whom the agent clicked is open already; whom the number belongs to is popped once.
            "popped": related is not None,
            "node": line.line_node,
            "epoch": line.line_epoch,
            "caller_leg_id": new_id(),
            "deadline_at": tx.now + ANSWER,
            "arrived_at": tx.now,
            "queued_at": tx.now,
            "offered_at": tx.now,
        }
        row = self.keep(tx, (await tx.find(_DIALED, values))[0])
        leg = str(line.line_leg_id)
        self._ask(tx, row, "create_call", {"call_id": str(id)})
        self._ask(tx, row, "move_leg", {"leg_id": leg, "call_id": str(id)})
        ringback = {"leg_id": leg, "media": ["tone/ringback"], "loop_last": True, "play_id": str(id)}
        self._ask(tx, row, "play", ringback)
        self._tell(tx, id, "engagement.dialed", {"agent_id": str(agent_id)})
        agents.changed(tx, agent_id, "engagement.dialed", engagement_id=id, engagement_state=State.DIALING)
        why_not = await self.lines.reach(tx, id, number.e164)
        if why_not is not None:
            await self._ended(tx, row, Trigger.CALLER_GONE, why_not)
        return id

    async def send_digits(self, tx: Transaction, agent_id: UUID, engagement_id: UUID, digits: str) -> None:
        """The agent presses keys for the customer to receive. What they are is told to nobody else."""
        row = await self._talking(tx, agent_id, engagement_id, unless_pending=False)
        self._set(tx, row, digits_sent=(row.digits_sent + digits)[-KEYS_KEPT:])
        self._ask(tx, row, "send_digits", {"leg_id": str(row.caller_leg_id), "digits": digits})
        self._tell(tx, row.id, "engagement.digits_sent")

    async def hang_up(self, tx: Transaction, agent_id: UUID, engagement_id: UUID) -> None:
        """The agent ends the conversation, or gives up calling."""
        dialing = await self._theirs(tx, agent_id, engagement_id)
        if dialing.state == State.DIALING:
            await self._ended(tx, dialing, Trigger.CALLER_GONE, "removed")
            return
        row = await self._talking(tx, agent_id, engagement_id, unless_pending=False)
        await self._request(tx, row, "hang_up")
        self._ask(tx, row, "end_call", {"call_id": str(row.id)})

    async def hold(self, tx: Transaction, agent_id: UUID, engagement_id: UUID, held: bool) -> None:
        """Put the customer on hold with music, or come back."""
        row = await self._talking(tx, agent_id, engagement_id)
        if row.held == held:
            return
        of = await queues.queue_by_id(tx, row.queue_id)
        await self._request(tx, row, "hold" if held else "resume")
        params = {"leg_id": str(row.caller_leg_id), "held": held, "music": of.music if held else None}
        self._ask(tx, row, "set_held", params)

    async def mute(self, tx: Transaction, agent_id: UUID, engagement_id: UUID, muted: bool) -> None:
        """Mute or unmute the agent towards the customer."""
        row = await self._talking(tx, agent_id, engagement_id)
        if row.muted == muted:
            return
        line = await agents.locked(tx, agent_id)
        if line.line_leg_id is None:
            raise AudioNotConnected
        await self._request(tx, row, "mute" if muted else "unmute")
        self._ask(tx, row, "set_muted", {"leg_id": str(line.line_leg_id), "muted": muted})

    async def note(
        self,
        tx: Transaction,
        agent_id: UUID,
        engagement_id: UUID,
        *,
        notes: str | None,
        disposition_id: str | None,
    ) -> None:
        """Save what was typed so far; None leaves a part as it is, an empty disposition clears it."""
        row = await self._theirs(tx, agent_id, engagement_id)
        values: dict[str, Any] = {}
        if notes is not None:
            values["notes"] = notes
        if disposition_id is not None:
            values["disposition_id"] = await self._disposition(tx, row.queue_id, disposition_id)
        if values:
            self._set(tx, row, **values)
            agents.changed(tx, agent_id, "engagement.noted", engagement_id=row.id)

    async def _disposition(self, tx: Transaction, queue_id: UUID, text: str) -> UUID | None:
        if not text:
            return None
        try:
            id = UUID(text)
        except ValueError:
            raise InputInvalid(field="disposition_id") from None
        if await tx.one(
            select(disposition.c.id).where(
                disposition.c.account_id == tx.account_id,
                disposition.c.queue_id == queue_id,
                disposition.c.id == id,
            )
        ):
            return id
        raise InputInvalid(field="disposition_id")

    async def popped(self, tx: Transaction, agent_id: UUID, engagement_id: UUID) -> None:
        """The callbar has opened the record; no other will."""
        row = await self._theirs(tx, agent_id, engagement_id)
        if not row.popped:
            self._set(tx, row, popped=True)
            agents.changed(tx, agent_id, "engagement.popped", engagement_id=row.id)

    async def rematched(
        self, tx: Transaction, agent_id: UUID, engagement_id: UUID, related: Mapping[str, Any] | None
    ) -> None:
        """The index has learned something: match again; a record just made for the caller becomes the related one."""
        row = await self._theirs(tx, agent_id, engagement_id)
        await self._matched(tx, row, await self.match_now(tx, row, related))

    async def relate(
        self, tx: Transaction, agent_id: UUID, engagement_id: UUID, record: Mapping[str, Any]
    ) -> None:
        """The agent says what the engagement is about: a record as `related` holds it, which takes the place of the
        one before."""
        row = await self._theirs(tx, agent_id, engagement_id)
        if row.state in (State.OFFERED, State.ANSWERING):
            raise TransitionRefused(state=row.state)
        if row.related == record:
            return
        self._set(tx, row, related=dict(record))
        self._tell(tx, row.id, "engagement.related", {"object_type": record["object_type"]})
        agents.changed(tx, agent_id, "engagement.related", engagement_id=row.id)

    async def follow_records(self, tx: Transaction, engagement_id: UUID) -> None:
        """Records that the CRM keeps of the customer have changed: an open engagement with an agent shows them."""
        row = await self.load(tx, engagement_id)
        if row is not None and row.agent_id is not None and row.closed_at is None:
            await self._matched(tx, row, await self.match_now(tx, row))

    async def match_now(
        self, tx: Transaction, row: Found, made: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        """`match` and `related` of an engagement as the index has them now, or None when nothing differs.

        The record once chosen stays, under the name it has now. Where none is, a record just `made` for the
        caller is chosen, or the only one that matches.
        """
        match = dict(await self.crm.match(tx, row.connection_id, number_of(row), withheld=row.withheld))
        related: dict[str, Any] | None = row.related
        if related is not None:
            related = await self.crm.record(tx, row.connection_id, related["id"]) or related
        elif made is not None and (not match["records"] or made["id"] in {r["id"] for r in match["records"]}):
            related = dict(made)
        else:
            related = single(match)
        changed = match != row.match or related != row.related
        return {"match": match, "related": related} if changed else None

    async def _matched(self, tx: Transaction, row: Found, values: Mapping[str, Any] | None) -> None:
        if values is None:
            return
        self._set(tx, row, **values)
        self._tell(tx, row.id, "engagement.matched", {"match": values["match"]["status"]})
        agents.changed(tx, row.agent_id, "engagement.matched", engagement_id=row.id)

    async def close(self, tx: Transaction, agent_id: UUID, engagement_id: UUID) -> None:
        """The agent has finished the record."""
        row = await self._theirs(tx, agent_id, engagement_id)
        await self.wrapped_up(tx, row)

    async def _theirs(self, tx: Transaction, agent_id: UUID, engagement_id: UUID) -> Found:
        row = await self.load(tx, engagement_id)
        if row is None or row.agent_id != agent_id:
            raise EngagementNotFound
        if row.state == State.CLOSED:
            raise CallerGone if row.outcome == "abandoned" else TransitionRefused(state=row.state)
        return row

    async def _talking(
        self, tx: Transaction, agent_id: UUID, engagement_id: UUID, *, unless_pending: bool = True
    ) -> Found:
        row = await self._theirs(tx, agent_id, engagement_id)
        if row.state != State.CONNECTED:
            raise TransitionRefused(state=row.state)
        if unless_pending and row.pending is not None:
            raise StillPending
        return row

    async def _request(self, tx: Transaction, row: Found, pending: str) -> None:
        self._set(tx, row, pending=pending, pending_until=tx.now + CONFIRM)
        agents.changed(tx, row.agent_id, f"engagement.{pending}_asked", engagement_id=row.id)
