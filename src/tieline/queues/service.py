"""Queues: found by the number dialled or the name in a link; their free agents."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, func, insert, select

from tieline.agents.tables import agent
from tieline.db.database import Database, Transaction
from tieline.db.statement import Found, Statement
from tieline.errors import NotFound
from tieline.identity.tables import account, app_user
from tieline.ids import new_id
from tieline.queues.tables import disposition, queue, queue_member, queue_number

DECLINE_PAUSE = timedelta(seconds=20)
"""Who declined an engagement is not offered it again for so long."""


_OWN = (queue.c.account_id == bindparam("of_account")) & (queue.c.id == bindparam("of_queue"))
_HEARD = (
    select(queue, func.coalesce(queue_number.c.greeting, queue.c.greeting).label("greeting_heard"))
    .outerjoin(
        queue_number,
        (queue_number.c.account_id == queue.c.account_id) & (queue_number.c.e164 == bindparam("dialled")),
    )
    .where(_OWN)
)
_BY_ID = Statement(_HEARD)
# An advisory lock and not one on the row: taking that one would be a write, which waits for the disk at commit.
_key = func.hashtextextended(func.concat("routing ", queue.c.id), 0)
_LOCK = Statement(_HEARD.add_columns(func.pg_advisory_xact_lock(_key)))
_BY_NUMBER = Statement(
    select(queue, account.c.test_phone)
    .join(
        queue_number,
        (queue_number.c.account_id == queue.c.account_id) & (queue_number.c.queue_id == queue.c.id),
    )
    .join(account, account.c.id == queue.c.account_id)
    .where(queue_number.c.e164 == bindparam("number"))
)
AVAILABLE = (
    (agent.c.account_id == bindparam("of_account"))
    & (agent.c.status == "ready")
    & agent.c.engagement_state.is_(None)
    & (agent.c.seat_until > bindparam("now", type_=DateTime(timezone=True)))
    & agent.c.line_up_at.is_not(None)
)
"""Condition on `agent`: ready and free, with a living callbar whose audio is up. Parameters `of_account`, `now`."""
FREE_MEMBERS = (
    select(agent.c.user_id, agent.c.idle_since, agent.c.line_node, agent.c.line_epoch)
    .join(
        queue_member,
        (queue_member.c.account_id == agent.c.account_id) & (queue_member.c.user_id == agent.c.user_id),
    )
    .where(AVAILABLE, queue_member.c.queue_id == bindparam("of_queue"))
)
"""Available members of a queue, with the media node of their audio and its life. Parameters `of_account`, `of_queue`,
`now`."""
# PostgreSQL checks the condition again on the row as it is once locked.
_CLAIM = Statement(
    select(agent.c.user_id, app_user.c.connection_id)
    .join(app_user, (app_user.c.account_id == agent.c.account_id) & (app_user.c.id == agent.c.user_id))
    .where(agent.c.user_id == bindparam("of_agent"), AVAILABLE)
    .with_for_update(key_share=True, of=agent)
)
_DISPOSITIONS = Statement(
    select(disposition)
    .where(
        disposition.c.account_id == bindparam("of_account"),
        disposition.c.queue_id == any_(bindparam("of_queues", type_=ARRAY(Uuid))),
    )
    .order_by(disposition.c.position)
)


class QueueNotFound(NotFound):
    """Nothing answers at this number or name."""

    code = "queue_not_found"


async def queue_by_number(db: Database, e164: str) -> Found:
    """The queue that `e164` leads to, in whichever account, with the account's `test_phone`."""
    rows = await db.alone(_BY_NUMBER, {"number": e164})
    if not rows:
        raise QueueNotFound("no queue at this number")
    return rows[0]


async def queue_by_id(tx: Transaction, queue_id: UUID, *, dialled_e164: str | None = None) -> Found:
    """A queue of the transaction's account.

    `greeting_heard` is what its callers hear first: the greeting of the number dialled, else the queue's.
    """
    return await _one(tx, _BY_ID, queue_id, dialled_e164)


async def dispositions(tx: Transaction, queue_ids: Sequence[UUID]) -> dict[UUID, list[Found]]:
    """Dispositions of each queue, in their order."""
    found: dict[UUID, list[Found]] = {id: [] for id in queue_ids}
    if found:
        for row in await tx.find(_DISPOSITIONS, {"of_account": tx.account_id, "of_queues": list(found)}):
            found[row.queue_id].append(row)
    return found


async def claim(tx: Transaction, agent_id: UUID) -> Found | None:
    """Lock the agent if still available; None when another was faster. Gives the agent's `connection_id`.

    It waits for whoever holds the row (a lease's renewal, another queue's router): passing over the agent
    who has been free for longest would be unfair, and over the only one leave the caller waiting.
    """
    return await tx.find_one(_CLAIM, {"of_account": tx.account_id, "of_agent": agent_id, "now": tx.now})


async def lock(tx: Transaction, queue_id: UUID, *, dialled_e164: str | None = None) -> Found:
    """Hold the queue until commit: one routes it at a time. Gives what `queue_by_id` does."""
    return await _one(tx, _LOCK, queue_id, dialled_e164)


async def _one(tx: Transaction, statement: Statement, queue_id: UUID, dialled_e164: str | None) -> Found:
    own = {"of_account": tx.account_id, "of_queue": queue_id, "dialled": dialled_e164}
    row = await tx.find_one(statement, own)
    if row is None:
        raise QueueNotFound("no such queue")
    return row


async def queues_of(tx: Transaction, agent_id: UUID) -> list[UUID]:
    """The queues an agent serves."""
    rows = await tx.all(
        select(queue_member.c.queue_id).where(
            queue_member.c.account_id == tx.account_id, queue_member.c.user_id == agent_id
        )
    )
    return [row.queue_id for row in rows]


async def make_queue(
    tx: Transaction,
    *,
    slug: str,
    name: str,
    numbers: Sequence[tuple[str, str]],
    members: Sequence[UUID],
    disposition_labels: Sequence[str],
) -> UUID:
    """Make a queue with its numbers (E.164, greeting), members and dispositions; gives its id."""
    id = new_id()
    own = {"account_id": tx.account_id}
    await tx.execute(insert(queue).values(**own, id=id, slug=slug, name=name))
    if numbers:
        rows = [{**own, "e164": number, "queue_id": id, "greeting": greeting} for number, greeting in numbers]
        await tx.execute(insert(queue_number), rows)
    if members:
        await tx.execute(insert(queue_member), [{**own, "queue_id": id, "user_id": user} for user in members])
    if disposition_labels:
        await tx.execute(
            insert(disposition),
            [
                {**own, "id": new_id(), "queue_id": id, "label": label, "position": position}
                for position, label in enumerate(disposition_labels)
            ],
        )
    return id
