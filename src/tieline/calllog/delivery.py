"""Bringing call logs to the CRM: each once, none lost, whatever dies in between.

A worker claims due deliveries of one connection for a while, writes them through the `CrmWriter` with no
transaction open, and marks what came of it. A killed worker's claim ends, and the next one finds in the CRM
what was written. While a CRM is away its lane is held: one probe at a time, others' lanes untouched, nothing
counted against a log. A log that the CRM refuses is tried again a few times by itself, then set aside with
the reason; its neighbours are delivered.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol
from uuid import UUID

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.engine import Row

from tieline.calllog.log import CallLog
from tieline.calllog.tables import call_log, delivery
from tieline.db.database import Database, Transaction
from tieline.rounds import Lanes

log = structlog.get_logger()

BATCH = 75
CLAIM = timedelta(seconds=45)
"""Longer than a batch may take with all its calls; a killed worker's claim ends after it."""
NEVER_TRIES = 5
"""A log that the CRM refuses is set aside after so many tries."""
HICCUP = timedelta(seconds=2)
PROBE_INTERVAL = timedelta(seconds=10)
"""A CRM that did not answer once is asked again after a hiccup's time, from then on once in this interval."""
FIRST_WAIT_S, LONGEST_WAIT_S = 2.0, 300.0
_POLL_S = 2.0
_AT_ONCE = 4
_BACKLOG_CALLS = 3

FAILPOINTS = ("before_claim", "after_claim", "after_send", "before_mark")
"""Names for TIELINE_FAILPOINT: the process kills itself there; for tests of exactly that."""


@dataclass(frozen=True, slots=True)
class Item:
    """One claimed delivery."""

    log: CallLog
    revision: int
    attempts: int
    """How often the CRM refused it."""
    sent_before: bool
    """An earlier claim ended without a mark: the CRM may hold it already."""
    delivered_before: bool
    records: Mapping[str, str]
    """Ids the CRM gave, by object: `Task` and what else was written."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one log."""

    engagement_id: UUID
    kind: Literal["delivered", "later", "never"]
    records: Mapping[str, str] = field(default_factory=dict[str, str])
    code: str | None = None
    message: str | None = None


class CrmAway(Exception):
    """The CRM as a whole took nothing: away, over its limits, or no longer authorised."""

    def __init__(self, code: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after_s = retry_after_s


class BatchRefused(Exception):
    """The CRM answered, but refused the request as a whole: perhaps one log in it is to blame."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


class CrmWriter(Protocol):
    """Writes call logs into one connection's CRM."""

    async def write(self, account_id: UUID, connection_id: UUID, items: Sequence[Item]) -> list[Outcome]:
        """Write at most `BATCH` logs; an outcome for each. A log that is there already is delivered.

        Raises `CrmAway` when none was taken, and `BatchRefused`.
        """
        ...


OnDelivered = Callable[[Transaction, Sequence[UUID]], Awaitable[None]]
"""Told of engagements in the transaction that marks them delivered."""


@dataclass(frozen=True, slots=True)
class _Lane:
    account_id: UUID
    connection_id: UUID
    failures: int


# A lane is due when something of it is, and no probe of a CRM that is away has been made lately.
_NEXT_LANE = text("""
SELECT l.account_id, l.connection_id, l.failures FROM delivery_lane l
WHERE (l.held_until IS NULL OR l.held_until <= :now)
  AND NOT (l.connection_id = ANY (CAST(:busy AS uuid[])))
  AND EXISTS (SELECT 1 FROM delivery d WHERE d.connection_id = l.connection_id AND d.account_id = l.account_id
              AND d.state = 'pending' AND d.next_at <= :now)
ORDER BY l.held_until NULLS FIRST, random()
LIMIT 1 FOR UPDATE SKIP LOCKED
""")

_HOLD = text("""
UPDATE delivery_lane SET held_until = :until, failures = :failures,
    error_code = CASE WHEN :failures > 0 THEN coalesce(:code, error_code) END
WHERE account_id = :account_id AND connection_id = :connection_id
""")

_CLAIM = text("""
WITH due AS (
    SELECT account_id, engagement_id, claimed_until IS NOT NULL AS sent_before FROM delivery
    WHERE account_id = :account_id AND connection_id = :connection_id AND state = 'pending' AND next_at <= :now
    ORDER BY next_at LIMIT :limit FOR UPDATE SKIP LOCKED
), claimed AS (
    UPDATE delivery d SET claimed_until = :until, next_at = :until FROM due
    WHERE d.account_id = due.account_id AND d.engagement_id = due.engagement_id
    RETURNING d.account_id, d.engagement_id, d.attempts, d.delivered_revision, d.records, due.sent_before
)
SELECT claimed.*, l.content, l.revision FROM claimed
JOIN call_log l ON l.account_id = claimed.account_id AND l.engagement_id = claimed.engagement_id
""")

# `claimed_until` is the fence: a worker whose claim ended and was taken over marks nothing.
_MARK_DELIVERED = text("""
UPDATE delivery d SET delivered_revision = o.revision, delivered_at = CAST(:now AS timestamptz), attempts = 0,
    claimed_until = NULL, records = d.records || CAST(o.records AS jsonb), error_code = NULL, error_message = NULL,
    state = CASE WHEN l.revision > o.revision THEN 'pending' ELSE 'delivered' END,
    next_at = CASE WHEN l.revision > o.revision THEN CAST(:now AS timestamptz) END
FROM unnest(CAST(:ids AS uuid[]), CAST(:revisions AS int[]), CAST(:records AS text[]))
     AS o(engagement_id, revision, records), call_log l
WHERE d.account_id = :account_id AND d.engagement_id = o.engagement_id AND d.claimed_until = :claimed_until
  AND l.account_id = d.account_id AND l.engagement_id = d.engagement_id
RETURNING d.engagement_id
""")

_MARK_UNDELIVERED = text("""
UPDATE delivery SET claimed_until = NULL, attempts = :attempts, state = :state, next_at = :next_at,
    error_code = coalesce(:code, error_code), error_message = coalesce(:message, error_message)
WHERE account_id = :account_id AND engagement_id = :engagement_id AND claimed_until = :claimed_until
""")


class Delivery(Lanes[_Lane]):
    """The delivering half of a worker."""

    def __init__(
        self, database: Database, writer: CrmWriter, *, on_delivered: OnDelivered | None = None
    ) -> None:
        super().__init__(_POLL_S, at_once=_AT_ONCE)
        self._database = database
        self._writer = writer
        self._on_delivered = on_delivered
        self._busy: set[UUID] = set()
        self._failpoint = os.environ.get("TIELINE_FAILPOINT", "")

    async def run_once(self) -> bool:
        """Try one batch of one connection; False when nothing is due."""
        lane = await self.take()
        if lane is None:
            return False
        try:
            await self._batch(lane)
            return True
        finally:
            self._busy.discard(lane.connection_id)

    async def serve(self, lane: _Lane) -> None:
        """Deliver a lane's batches until nothing is due or its CRM is away."""
        try:
            while await self._batch(lane) == BATCH:
                # A backlog: while one call is answered, others are on their way.
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(_BACKLOG_CALLS):
                        tasks.create_task(self._batch(lane))
        except Exception:
            log.exception("delivery.failed", connection_id=str(lane.connection_id))
            await self._hold(lane, "internal_error", None)
        finally:
            self._busy.discard(lane.connection_id)
            self.wake()  # others may have waited for this place

    async def take(self) -> _Lane | None:
        self._fail("before_claim")
        async with self._database.system() as tx:
            row = await tx.one(_NEXT_LANE, {"now": tx.now, "busy": list(self._busy)})
            if row is None:
                return None
            lane = _Lane(row.account_id, row.connection_id, row.failures)
            if lane.failures:  # nobody else probes while this one does
                await tx.execute(_HOLD, self._held(lane, tx.now + PROBE_INTERVAL, lane.failures, None))
        self._busy.add(lane.connection_id)
        return lane

    @staticmethod
    def _held(lane: _Lane, until: datetime | None, failures: int, code: str | None) -> dict[str, Any]:
        return {
            "account_id": lane.account_id,
            "connection_id": lane.connection_id,
            "until": until,
            "failures": failures,
            "code": code,
        }

    async def _batch(self, lane: _Lane) -> int:
        """Claim, write and mark one batch; how many were dealt with. A lane that was held gets one probe."""
        probing = lane.failures > 0
        async with self._database.system(lane.account_id) as tx:
            until = tx.now + CLAIM
            rows = await tx.all(
                _CLAIM,
                {
                    "account_id": lane.account_id,
                    "connection_id": lane.connection_id,
                    "now": tx.now,
                    "until": until,
                    "limit": 1 if probing else BATCH,
                },
            )
        self._fail("after_claim")
        if not rows:
            return 0
        claim = _Claim(lane, until)
        items = [item for row in rows if (item := _item(row))]
        if len(items) < len(rows):
            readable = {item.log.engagement_id for item in items}
            await self._set_aside(claim, [r.engagement_id for r in rows if r.engagement_id not in readable])
            if not items:
                return len(rows)
        try:
            async with asyncio.timeout(CLAIM.total_seconds() * 0.9):
                taken = await self._write(claim, items)
        except (CrmAway, TimeoutError) as away:
            code = away.code if isinstance(away, CrmAway) else "crm_timeout"
            await self._give_back(claim, code, away.retry_after_s if isinstance(away, CrmAway) else None)
            return 0
        if not taken:
            await self._hold(lane, "log_refused", None)
        elif probing:
            async with self._database.system(lane.account_id) as tx:
                await tx.execute(_HOLD, self._held(lane, None, 0, None))
        return len(items) if taken and not probing else 0

    async def _write(self, claim: _Claim, items: Sequence[Item]) -> bool:
        """Write and mark. A batch refused as a whole is halved until the logs to blame stand alone; they are
        blamed only when others were taken, because an org that refuses everything is away. True when one was
        taken."""
        try:
            outcomes = await self._call(claim, items)
        except BatchRefused as refused:
            blamed: list[tuple[Item, BatchRefused]] = []
            if len(items) == 1:
                blamed.append((items[0], refused))
            elif not await self._halve(claim, items, blamed):
                raise CrmAway(refused.code) from refused
            await self._mark(
                claim,
                [item for item, _ in blamed],
                [
                    Outcome(item.log.engagement_id, "never", code=why.code, message=why.message)
                    for item, why in blamed
                ],
            )
            return len(items) > 1
        self._fail("after_send")
        await self._mark(claim, items, outcomes)
        return True

    async def _call(self, claim: _Claim, items: Sequence[Item]) -> list[Outcome]:
        """Have the writer write. A log on which it breaks is found as one that spoils its batch is."""
        try:
            return await self._writer.write(claim.lane.account_id, claim.lane.connection_id, items)
        except (CrmAway, BatchRefused, TimeoutError):
            raise
        except Exception as error:
            log.exception("delivery.writer_failed", connection_id=str(claim.lane.connection_id))
            raise BatchRefused("internal_error", type(error).__name__) from error

    async def _halve(
        self, claim: _Claim, items: Sequence[Item], blamed: list[tuple[Item, BatchRefused]]
    ) -> bool:
        """Write both halves; what is refused alone goes to `blamed`. False when nothing was taken: it stops at
        the second log refused alone, so that an org which refuses everything is not asked for each."""
        taken = False
        for half in (items[: len(items) // 2], items[len(items) // 2 :]):
            try:
                outcomes = await self._call(claim, half)
            except BatchRefused as refused:
                if len(half) == 1:
                    blamed.append((half[0], refused))
                else:
                    taken = await self._halve(claim, half, blamed) or taken
                if not taken and len(blamed) > 1:
                    return False
            else:
                taken = True
                await self._mark(claim, half, outcomes)
        return taken

    async def _mark(self, claim: _Claim, items: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        by_id = {outcome.engagement_id: outcome for outcome in outcomes}
        self._fail("before_mark")
        async with self._database.system(claim.lane.account_id) as tx:
            ids = sorted(item.log.engagement_id for item in items)
            # Locked in this order by amendments too, so that the revision compared with is the newest.
            await tx.all(
                select(call_log.c.engagement_id)
                .where(call_log.c.account_id == claim.lane.account_id, call_log.c.engagement_id.in_(ids))
                .order_by(call_log.c.engagement_id)
                .with_for_update()
            )
            delivered: list[tuple[Item, Outcome]] = []
            for item in items:
                outcome = by_id.get(item.log.engagement_id)
                if outcome is not None and outcome.kind == "delivered":
                    delivered.append((item, outcome))
                else:
                    await self._mark_undelivered(tx, claim, item, outcome)
            if delivered:
                rows = await tx.all(
                    _MARK_DELIVERED,
                    {
                        "account_id": claim.lane.account_id,
                        "claimed_until": claim.until,
                        "now": tx.now,
                        "ids": [item.log.engagement_id for item, _ in delivered],
                        "revisions": [item.revision for item, _ in delivered],
                        "records": [json.dumps(dict(outcome.records)) for _, outcome in delivered],
                    },
                )
                if rows and self._on_delivered:
                    await self._on_delivered(tx, [row.engagement_id for row in rows])

    async def _mark_undelivered(
        self, tx: Transaction, claim: _Claim, item: Item, outcome: Outcome | None
    ) -> None:
        never = outcome is not None and outcome.kind == "never"
        attempts = item.attempts + 1
        failed = never and attempts >= NEVER_TRIES
        if failed:
            log.error(
                "delivery.set_aside",
                engagement_id=str(item.log.engagement_id),
                code=outcome.code if outcome else None,
                attempts=attempts,
            )
        await tx.execute(
            _MARK_UNDELIVERED,
            {
                "account_id": claim.lane.account_id,
                "engagement_id": item.log.engagement_id,
                "claimed_until": claim.until,
                "attempts": attempts,
                "state": "failed" if failed else "pending",
                "next_at": None if failed else tx.now + timedelta(seconds=wait_s(attempts)),
                "code": outcome.code if outcome else "no_outcome",
                "message": (outcome.message or "")[:500] if outcome else "",
            },
        )

    async def _set_aside(self, claim: _Claim, unreadable: Sequence[UUID]) -> None:
        """Logs that cannot even be read: no later try would help."""
        log.error("delivery.log_unreadable", engagement_ids=[str(id) for id in unreadable])
        async with self._database.system(claim.lane.account_id) as tx:
            await tx.execute(
                update(delivery)
                .where(
                    delivery.c.account_id == claim.lane.account_id,
                    delivery.c.engagement_id.in_(unreadable),
                    delivery.c.claimed_until == claim.until,
                )
                .values(state="failed", claimed_until=None, next_at=None, error_code="log_unreadable")
            )

    async def _give_back(self, claim: _Claim, code: str, retry_after_s: float | None) -> None:
        """The CRM is away: what was claimed and not marked is due again, and the lane is held."""
        async with self._database.system(claim.lane.account_id) as tx:
            await tx.execute(
                text(
                    # The claim's trace stays: an unanswered request may have been carried out.
                    "UPDATE delivery SET next_at = :now, claimed_until = :now"
                    " WHERE account_id = :account_id AND connection_id = :connection_id AND state = 'pending'"
                    " AND claimed_until = :claimed_until"
                ),
                {
                    "account_id": claim.lane.account_id,
                    "connection_id": claim.lane.connection_id,
                    "claimed_until": claim.until,
                    "now": tx.now,
                },
            )
        await self._hold(claim.lane, code, retry_after_s)

    async def _hold(self, lane: _Lane, code: str, retry_after_s: float | None) -> None:
        failures = lane.failures + 1
        usual = (HICCUP if failures == 1 else PROBE_INTERVAL).total_seconds()
        wait = min(max(usual, retry_after_s or 0.0), LONGEST_WAIT_S) * random.uniform(1.0, 1.2)
        async with self._database.system(lane.account_id) as tx:
            until = tx.now + timedelta(seconds=wait)
            await tx.execute(_HOLD, self._held(lane, until, failures, code))
        log.warning(
            "delivery.crm_away",
            connection_id=str(lane.connection_id),
            code=code,
            failures=failures,
            wait_s=round(wait, 1),
        )

    def _fail(self, point: str) -> None:
        if self._failpoint == point:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class _Claim:
    lane: _Lane
    until: datetime


def _item(row: Row[Any]) -> Item | None:
    """The claimed row as an item, or None when its log is not one."""
    try:
        content = CallLog.from_json(row.content)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return Item(
        log=content,
        revision=row.revision,
        attempts=row.attempts,
        sent_before=row.sent_before,
        delivered_before=row.delivered_revision is not None,
        records=row.records,
    )


def wait_s(attempts: int) -> float:
    """Seconds before the next try: from 2 s doubling to 5 min, each shortened at random by up to a half."""
    longest = min(FIRST_WAIT_S * 2 ** min(attempts - 1, 20), LONGEST_WAIT_S)
    return longest * random.uniform(0.5, 1.0)
