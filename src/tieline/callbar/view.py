"""What an agent's callbar shows, read from the rows: the snapshot, and the parts of it that an event carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.engine import Row

from tieline import names, numbers
from tieline.agents import reasons
from tieline.agents.service import Seat, owns
from tieline.agents.tables import agent
from tieline.callbar import wire
from tieline.db.database import Database, Transaction
from tieline.db.statement import Found, Statement
from tieline.engagements.tables import engagement
from tieline.errors import NotFound
from tieline.identity.tables import app_user
from tieline.queues import service as queues
from tieline.queues.tables import disposition, queue, queue_member

HOME_COUNTRY = {"ja": "JP", "en": "US"}
"""The country (ISO code) whose way of writing numbers an agent reads most easily, by language."""

# Built once: what every event reads.
_AGENT = (
    select(agent, app_user.c.name, app_user.c.email, app_user.c.language)
    .join(app_user, (app_user.c.account_id == agent.c.account_id) & (app_user.c.id == agent.c.user_id))
    .where(agent.c.account_id == bindparam("of_account"), agent.c.user_id == bindparam("of_agent"))
)
_WITH_QUEUE = select(engagement, queue.c.name.label("queue_name")).join(
    queue, (queue.c.account_id == engagement.c.account_id) & (queue.c.id == engagement.c.queue_id)
)
_CARDS = Statement(
    _WITH_QUEUE.where(
        engagement.c.account_id == bindparam("of_account"),
        engagement.c.agent_id == bindparam("of_agent"),
        engagement.c.closed_at.is_(None),
    ).order_by(engagement.c.offered_at)
)
_choices = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_object("id", disposition.c.id, "label", disposition.c.label),
                disposition.c.position,
            )
        )
    )
    .where(disposition.c.account_id == queue.c.account_id, disposition.c.queue_id == queue.c.id)
    .scalar_subquery()
)
_card_of = (
    _WITH_QUEUE.add_columns(_choices.label("choices"))
    .where(
        engagement.c.account_id == bindparam("of_account"),
        engagement.c.agent_id == bindparam("of_agent"),
        engagement.c.id == bindparam("of_id"),
        engagement.c.closed_at.is_(None),
    )
    .subquery()
)
_EVENT = Statement(
    select(
        _card_of,
        agent.c.sequence.label("agent_sequence"),
        agent.c.status,
        agent.c.reason,
        agent.c.presence,
        agent.c.presence_since,
        app_user.c.language.label("agent_language"),
        func.tieline_now().label("now"),
    )
    .select_from(agent)
    .join(app_user, (app_user.c.account_id == agent.c.account_id) & (app_user.c.id == agent.c.user_id))
    .outerjoin(_card_of, true())
    .where(agent.c.account_id == bindparam("of_account"), agent.c.user_id == bindparam("of_agent"))
)
"""An agent and one of the agent's engagements, of one moment because it is one statement."""


async def snapshot(
    tx: Transaction,
    seat: Seat,
    related_objects: Sequence[Mapping[str, Any]] = (),
    status_sync: Mapping[str, Any] | None = None,
) -> wire.Snapshot:
    """Everything the callbar shows. `tx` must see one moment only (`Database.view`)."""
    row = await _agent(tx, seat)
    served = await tx.all(
        select(queue.c.id, queue.c.name)
        .join(
            queue_member,
            (queue_member.c.account_id == queue.c.account_id) & (queue_member.c.queue_id == queue.c.id),
        )
        .where(queue.c.account_id == tx.account_id, queue_member.c.user_id == seat.agent_id)
        .order_by(queue.c.name)
    )
    return wire.Snapshot(
        sequence=row.sequence,
        time=tx.now,
        agent=wire.Agent(
            id=str(seat.agent_id),
            name=row.name,
            email=row.email,
            language=row.language,
            presence=_presence(row),
        ),
        owner=owns(row, seat),
        not_ready_reasons=[
            wire.NotReadyReason(code=reason.code, name=reason.name(row.language), active=reason.active)
            for reason in await reasons.listed(tx)
        ],
        queues=[wire.QueueRef(id=str(q.id), name=q.name) for q in served],
        engagements=await _cards(tx, row),
        related_objects=[wire.RelatedObject.model_validate(each) for each in related_objects],
        status_sync=wire.StatusSync.model_validate(status_sync) if status_sync else None,
    )


async def event_of(
    db: Database, seat: Seat, *, sequence: int, name: str, engagement_id: str | None, gone: str | None
) -> wire.Event | None:
    """The event that leads to step `sequence` of the agent, or None when the rows are further already.

    The event carries the parts that its announcement named as they stand now, which is the state right after
    the event because both have the same sequence.
    """
    of_id = UUID(engagement_id) if engagement_id is not None and gone is None else None
    rows = await db.alone(_EVENT, {"of_account": seat.account_id, "of_agent": seat.agent_id, "of_id": of_id})
    if not rows or rows[0].agent_sequence != sequence:
        return None
    row = rows[0]
    if of_id is not None and row.id is None:
        return None
    return wire.Event(
        sequence=sequence,
        time=row.now,
        name=name,
        presence=_presence(row),
        engagement=_card(row, row.agent_language, _dispositions(row.choices)) if row.id is not None else None,
        gone=wire.Gone.model_validate({"id": engagement_id, "why": gone}) if engagement_id and gone else None,
    )


async def _agent(tx: Transaction, seat: Seat) -> Row[Any]:
    row = await tx.one(_AGENT, {"of_account": tx.account_id, "of_agent": seat.agent_id})
    if row is None:
        raise NotFound("no such agent")
    return row


async def _cards(tx: Transaction, of: Row[Any]) -> list[wire.Engagement]:
    """The engagements that an agent has now."""
    rows = await tx.find(_CARDS, {"of_account": tx.account_id, "of_agent": of.user_id})
    choices = await queues.dispositions(tx, [row.queue_id for row in rows])
    return [
        _card(
            row, of.language, [wire.Disposition(id=str(c.id), label=c.label) for c in choices[row.queue_id]]
        )
        for row in rows
    ]


def _dispositions(choices: list[dict[str, str]] | None) -> list[wire.Disposition]:
    return [wire.Disposition(id=choice["id"], label=choice["label"]) for choice in choices or ()]


def _presence(row: Row[Any] | Found) -> wire.Presence:
    return wire.Presence(
        state=row.presence,
        status=row.status,
        reason=row.reason if row.status == "not_ready" else None,
        since=row.presence_since,
    )


def party_of(row: Row[Any] | Found, language: str) -> wire.Party:
    """The customer's side of an engagement row, written as readers of `language` expect numbers."""
    display = None
    if not row.withheld and row.number_raw:
        display = (
            numbers.display(row.number_e164, HOME_COUNTRY[language]) if row.number_e164 else row.number_raw
        )
    return wire.Party(
        e164=row.number_e164,
        display=display,
        extension=row.number_extension,
        withheld=row.withheld,
        claimed_name=row.claimed_name,
    )


def _card(row: Found, language: str, choices: list[wire.Disposition]) -> wire.Engagement:
    connected = row.state == "connected"
    wrap_up_until = row.deadline_at if row.state == "wrap_up" else None
    return wire.Engagement(
        id=str(row.id),
        state=row.state,
        direction=row.direction,
        queue=wire.QueueRef(id=str(row.queue_id), name=row.queue_name),
        party=party_of(row, language),
        waiting_since=row.queued_at,
        offered_at=row.offered_at,
        offer_expires_at=row.deadline_at if row.state == "offered" else None,
        connected_at=row.connected_at if connected or wrap_up_until else None,
        ended_at=row.ended_at,
        wrap_up_until=wrap_up_until,
        end_cause=row.end_cause,
        held=row.held,
        held_since=row.held_since,
        muted=row.muted,
        pending=row.pending,
        digits=row.digits,
        popped=row.popped,
        match=_match(row.match, language),
        related=wire.KnownRecord.model_validate(names.shown(row.related, language)) if row.related else None,
        dispositions=choices,
        disposition_id=str(row.disposition_id) if row.disposition_id else None,
        notes=row.notes,
    )


def _match(match: Mapping[str, Any] | None, language: str) -> wire.Match:
    if match is None:
        return wire.Match(status="unavailable")
    records = [names.shown(record, language) for record in match["records"]]
    return wire.Match.model_validate({**match, "records": records})
