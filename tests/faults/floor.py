"""A contact center without processes: the verbs, the rows and a scripted switch, driven fact by fact.

What the switch reports is not taken by itself: a test says which facts arrive, when and how often. Everything
between two facts is awaited, so that a run depends on nothing but what the test decides.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, text, update

from tieline import numbers
from tieline.agents import service as agents
from tieline.agents.service import Seat, make_agent
from tieline.agents.tables import agent, callbar_command
from tieline.callbar import wire
from tieline.callbar.commands import Commands
from tieline.callbar.recent import Recent
from tieline.calllog.tables import call_log, delivery
from tieline.db.database import Database, Transaction
from tieline.engagements.commands import Place, SwitchDesk
from tieline.engagements.facts import Facts, FactsMissing
from tieline.engagements.service import Arrival, Engagements
from tieline.engagements.tables import engagement, engagement_event, media_node, offer, switch_command
from tieline.identity import people
from tieline.identity.tables import app_user
from tieline.ids import new_id
from tieline.numbers import PhoneNumber
from tieline.queues.service import make_queue, queue_by_id
from tieline.salesforce.match import record_now
from tieline.salesforce.tables import connection
from tieline.telephony.scripted import ScriptedSwitch
from tieline.telephony.switch import LegRole, SwitchError, SwitchEvent

AGENTS = 2
CALLEE = "+14155550199"


class NobodyKnown:
    """A CRM that knows no number."""

    def __init__(self, connection_id: UUID) -> None:
        self._connection_id = connection_id

    async def default_connection(self, tx: Transaction) -> UUID | None:
        """The floor's connection."""
        return self._connection_id

    async def match(
        self, tx: Transaction, connection_id: UUID | None, number: PhoneNumber | None, *, withheld: bool
    ) -> Mapping[str, Any]:
        """Nobody's number."""
        return {"status": "withheld" if withheld else "none", "records": [], "more": False}

    async def country_codes(self, tx: Transaction, connection_id: UUID) -> Sequence[str]:
        """North America."""
        return ("+1",)

    async def record(
        self, tx: Transaction, connection_id: UUID | None, record_id: str
    ) -> dict[str, Any] | None:
        """No such record."""
        return None

    def signed_in(self, account_id: UUID, connection_id: UUID) -> None:
        """Its settings do not change."""

    async def connected(self, tx: Transaction, connection_id: UUID) -> bool:
        """Its CRM is always there."""
        return True

    async def active(self, tx: Transaction, connection_id: UUID) -> bool:
        """Its org always has the product activated."""
        return True

    async def layout_reported(self, tx: Transaction, connection_id: UUID, layout: Mapping[str, Any]) -> None:
        """Layouts are not looked at."""

    async def record_seen(
        self, account_id: UUID, connection_id: UUID, object_type: str, record_id: str
    ) -> Mapping[str, Any] | None:
        """No such record."""
        return None


class AnyLine:
    """Every number can be reached; whether somebody answers the test says."""

    async def reach(self, tx: Transaction, engagement_id: UUID, e164: str) -> str | None:
        """It rings."""
        return None


class OneSwitch:
    """The scripted switch as the switch of every node."""

    def __init__(self, switch: ScriptedSwitch) -> None:
        self._switch = switch

    def switch(self, node: str, address: str) -> ScriptedSwitch:
        """The one switch."""
        return self._switch


class OwnDesk(SwitchDesk):
    """Books on its floor's switch: several floors live side by side on one database."""

    def __init__(self, db: Database, switch: ScriptedSwitch) -> None:
        super().__init__(db, OneSwitch(switch))
        self._own = switch

    async def place(self) -> Place:
        """The floor's switch in its present life."""
        return Place(self._own.node, self._own.journal.epoch)


class Floor:
    """One account, one queue, agents with callbars, callers, and the log of the switch."""

    def __init__(self, db: Database, account_id: UUID) -> None:
        self.db = db
        self.account_id = account_id
        self.connection_id = new_id()
        self.seats: list[Seat] = []
        self.queue_id: UUID
        self._equip()

    def _equip(self) -> None:
        self.switch = ScriptedSwitch(node=f"floor-{new_id()}", auto_connect=False)
        crm = NobodyKnown(self.connection_id)
        desk = OwnDesk(self.db, self.switch)
        self.engagements = Engagements(self.db, desk, crm, AnyLine(), portal_url="http://127.0.0.1")
        self.commands = Commands(self.engagements, crm, Recent(record_now))
        self.facts = Facts(self.db, self.engagements)
        self.log: list[SwitchEvent] = []
        """Everything the switch has reported, over all its lives."""
        self.taken = 0
        """So many of them have been taken."""
        self.refusals: list[str] = []
        self._epoch = 0

    @classmethod
    async def open(cls, db: Database) -> Floor:
        """An account with its agents; `begin` opens it for calls."""
        tag = secrets.token_hex(6)
        async with db.system() as tx:
            account_id = await people.make_account(
                tx, name=tag, vanity=tag, test_phone=False, web_calls=False
            )
            floor = cls(db, account_id)
            await floor._furnish(tx, tag)
        return floor

    async def begin(self) -> None:
        """Forget all calls; a new switch; both agents are ready and their audio is up."""
        await self.close()
        self._equip()
        legs = [new_id() for _ in self.seats]
        for leg in legs:
            await self.switch.add_webrtc_leg(
                str(leg), "v=0", role=LegRole.AGENT, call_id=None, command_id=f"{leg}:add"
            )
            self.switch.connect(str(leg))
        self.hear()
        self.taken = len(self.log)
        epoch = self._epoch = self.switch.journal.epoch
        async with self.db.system() as tx:
            for table in (delivery, call_log, offer, engagement_event, engagement, callbar_command):
                await tx.execute(delete(table).where(table.c.account_id == self.account_id))
            await tx.execute(
                insert(media_node).values(
                    id=self.switch.node,
                    address="scripted",
                    epoch=epoch,
                    heartbeat_at=tx.now,
                    consumed_epoch=epoch,
                    consumed=self.taken,
                )
            )
            for index, (seat, leg) in enumerate(zip(self.seats, legs, strict=True)):
                await tx.execute(
                    update(agent)
                    .where(agent.c.account_id == self.account_id, agent.c.user_id == seat.agent_id)
                    .values(
                        status="ready",
                        reason=None,
                        presence="ready",
                        engagement_state=None,
                        sequence=0,
                        dialed_at=[],
                        idle_since=tx.now - timedelta(hours=1) + timedelta(seconds=index),
                        seat_until=tx.now + timedelta(days=3650),
                        line_leg_id=leg,
                        line_node=self.switch.node,
                        line_epoch=epoch,
                        line_up_at=tx.now,
                    )
                )

    async def _furnish(self, tx: Transaction, tag: str) -> None:
        await tx.execute(
            insert(connection).values(
                account_id=self.account_id,
                id=self.connection_id,
                name="CRM",
                environment="embedded",
                state="connected",
                api_base="http://127.0.0.1:1",
                login_origin="http://127.0.0.1:1",
                embedding_origins=[],
                client_id="test",
                index_state="ready",
                created_at=tx.now,
            )
        )
        for index in range(AGENTS):
            id = new_id()
            await tx.execute(
                insert(app_user).values(
                    account_id=self.account_id,
                    id=id,
                    email=f"{index}@{tag}.example",
                    name=f"Agent {index}",
                    language="en",
                    roles=["agent"],
                    connection_id=self.connection_id,
                    password_hash="never signs in",
                )
            )
            await make_agent(tx, id)
            seat = Seat(self.account_id, id, self.connection_id, str(new_id()))
            taken = await agents.take_seat(tx, seat, by_force=True)
            assert taken is not None
            self.seats.append(taken)
        self.queue_id = await make_queue(
            tx,
            slug=tag,
            name="Support",
            numbers=[],
            members=[seat.agent_id for seat in self.seats],
            disposition_labels=[],
        )

    # -- what people do -----------------------------------------------------------------------------------

    async def command(self, index: int, name: Any, **params: Any) -> bool:
        """An agent's callbar sends a command; whether it was carried out."""
        command = wire.Command(command_id=str(new_id()), name=name, params=params)
        answer = await self.commands.run(self.seats[index], command)
        await self.settle()
        if isinstance(answer, wire.Refused):
            assert answer.code not in ("internal_error", "temporarily_unavailable"), answer
            self.refusals.append(f"{name}: {answer.code}")
        return isinstance(answer, wire.Done)

    async def arrive(self, from_: str) -> None:
        """A caller dials the queue; their audio is not up yet."""
        place = Place(self.switch.node, self.switch.journal.epoch)
        async with self.db.account(self.account_id) as tx:
            queue = await queue_by_id(tx, self.queue_id)
            number = numbers.parse(from_, ("US",))
            row = await self.engagements.arrive(tx, Arrival(queue, number, from_, False, None, None), place)
        await self.switch.create_call(str(row.id), command_id=f"{row.id}:create")
        await self._add_leg(row.caller_leg_id, row.id, LegRole.CALLER)
        await self.settle()

    async def pick_up(self, engagement_id: UUID) -> None:
        """Whom we call takes the call."""
        async with self.db.account(self.account_id) as tx:
            row = await self.engagements.load(tx, engagement_id)
            if row is None or row.state != "dialing" or row.pending == "join":
                return
            await self.engagements.joining(tx, row)
        await self._add_leg(row.caller_leg_id, row.id, LegRole.CALLER)
        await self.settle()

    async def _add_leg(self, leg_id: UUID, call_id: UUID, role: LegRole) -> None:
        with contextlib.suppress(SwitchError):
            await self.switch.add_webrtc_leg(
                str(leg_id), "v=0", role=role, call_id=str(call_id), command_id=f"{leg_id}:add"
            )

    async def answer_line(self, index: int) -> None:
        """The audio of an agent's callbar comes up."""
        async with self.db.account(self.account_id) as tx:
            leg = await tx.scalar(
                select(agent.c.line_leg_id).where(agent.c.user_id == self.seats[index].agent_id)
            )
        self.far(self.switch.connect, leg)
        await self.settle()

    async def lose_line(self, index: int) -> None:
        """The audio of an agent's callbar is lost."""
        async with self.db.account(self.account_id) as tx:
            leg = await tx.scalar(
                select(agent.c.line_leg_id).where(agent.c.user_id == self.seats[index].agent_id)
            )
        self.far(self.switch.lose_media, leg)

    def far(self, act: Any, leg_id: UUID | None, *more: Any) -> None:
        """A far end acts on its leg, if that is still there."""
        if leg_id is not None and str(leg_id) in self.switch.board.legs:
            act(str(leg_id), *more)

    async def restart(self) -> None:
        """The switch dies with all its calls and comes back; its last words may be lost or not."""
        self.hear()
        self.switch.restart()
        async with self.db.system() as tx:
            await tx.execute(
                update(media_node)
                .where(media_node.c.id == self.switch.node)
                .values(epoch=self.switch.journal.epoch, heartbeat_at=tx.now)
            )

    async def let_time_pass(self) -> None:
        """Every deadline of the account's engagements passes, and the sweep acts on them."""
        async with self.db.system() as tx:
            for column in ("deadline_at", "pending_until"):
                await tx.execute(
                    update(engagement)
                    .where(engagement.c.account_id == self.account_id, engagement.c[column].is_not(None))
                    .values({column: tx.now})
                )
        # As the sweep does it, for this account alone: other floors are somebody else's time.
        for due in await self.open_engagements():
            async with self.db.account(self.account_id) as tx:
                row = await self.engagements.load(tx, due.id)
                if row is None:
                    continue
                if row.deadline_at is not None:
                    await self.engagements.deadline_passed(tx, row)
                elif row.pending_until is not None:
                    await self.engagements.pending_passed(tx, row)
            await self.settle()

    async def open_engagements(self) -> list[Any]:
        """Engagements that are not closed, in the order they came."""
        async with self.db.account(self.account_id) as tx:
            return await tx.all(
                select(engagement)
                .where(engagement.c.account_id == self.account_id, engagement.c.closed_at.is_(None))
                .order_by(engagement.c.arrived_at, engagement.c.id)
            )

    async def settle(self) -> None:
        """Wait for routing and for what is asked of the switch; then take down what it has reported."""
        await self.engagements.drain()
        self.hear()

    def hear(self) -> None:
        """Add what the switch has reported to the log."""
        journal = self.switch.journal
        known = sum(1 for event in self.log if event.epoch == journal.epoch)
        self.log.extend(journal.since(known, limit=journal.last + 1))

    # -- facts arrive -------------------------------------------------------------------------------------

    async def deliver(self, event: SwitchEvent) -> bool:
        """One fact arrives; whether it was taken. One that comes too early is left for later."""
        if event.epoch > self._epoch:
            # As the consumer does it before it takes the first fact of a new life.
            await self.facts.switch_lost(self.switch.node, event.epoch)
        try:
            taken = await self.facts.take(event)
        except FactsMissing:
            return False
        if taken:
            await self.settle()
            self.taken, self._epoch = self.log.index(event) + 1, event.epoch
        return taken

    async def catch_up(self) -> None:
        """Everything that has not been taken arrives, in the switch's order, and what follows from it."""
        await self.settle()
        for _ in range(5 * len(self.log) + 5):
            if self.taken == len(self.log):
                if self._epoch == self.switch.journal.epoch:
                    return
                # As the consumer does it when it asks a node: a new life may be without facts for long.
                self._epoch = self.switch.journal.epoch
                await self.facts.switch_lost(self.switch.node, self._epoch)
                await self.settle()
            elif not await self.deliver(self.log[self.taken]):
                # As the consumer: read again from where the rows say that we stand.
                self.taken = await self._stand()
        raise AssertionError("facts in the switch's order are taken")

    async def _stand(self) -> int:
        await self.facts.write_stand(self.switch.node)
        await self.facts.stand(self.switch.node, afresh=True)
        async with self.db.system() as tx:
            row = await tx.one(select(media_node).where(media_node.c.id == self.switch.node))
        assert row is not None
        stand = (row.consumed_epoch or 0, row.consumed)
        return sum(1 for event in self.log if (event.epoch, event.sequence) <= stand)

    # -- what has come of it ------------------------------------------------------------------------------

    async def end_state(self) -> dict[str, Any]:
        """Everything that must not depend on how facts arrived: ids by their order, no times."""
        async with self.db.account(self.account_id) as tx:
            own = self.account_id
            engagements = await tx.all(
                select(engagement)
                .where(engagement.c.account_id == own)
                .order_by(engagement.c.arrived_at, engagement.c.id)
            )
            offers = await tx.all(
                select(offer).where(offer.c.account_id == own).order_by(offer.c.offered_at, offer.c.id)
            )
            lines = {row.user_id: row for row in await tx.all(select(agent).where(agent.c.account_id == own))}
            stories = await tx.all(
                select(engagement_event)
                .where(engagement_event.c.account_id == own)
                .order_by(engagement_event.c.sequence)
            )
            logs = await tx.all(select(call_log).where(call_log.c.account_id == own))
            due = await tx.all(select(delivery.c.engagement_id).where(delivery.c.account_id == own))
        who = {str(seat.agent_id): index for index, seat in enumerate(self.seats)}
        number = {row.id: index for index, row in enumerate(engagements)}
        columns = ["direction", "state", "outcome", "end_cause", "held", "muted", "pending", "digits"]
        columns += ["digits_sent", "priority", "popped", "match"]
        story: dict[int, list[Any]] = {index: [] for index in number.values()}
        for line in stories:
            told = {k: who.get(v, v) if isinstance(v, str) else v for k, v in line.data.items()}
            story[number[line.engagement_id]].append((line.name, told))
        return {
            "engagements": [
                {c: getattr(row, c) for c in columns} | {"agent": who.get(str(row.agent_id))}
                for row in engagements
            ],
            "offers": [(number[row.engagement_id], who[str(row.agent_id)], row.state) for row in offers],
            "agents": [
                (
                    line.status,
                    line.reason,
                    line.presence,
                    line.engagement_state,
                    line.sequence,
                    bool(line.line_up_at),
                )
                for line in (lines[seat.agent_id] for seat in self.seats)
            ],
            "story": story,
            "logs": sorted(
                (number[row.engagement_id], row.content["outcome"], row.content["end_cause"]) for row in logs
            ),
            "deliveries": sorted(number[row.engagement_id] for row in due),
            "refusals": self.refusals,
            "switch": (self.switch.board.call_count, len(self.switch.board.legs)),
        }

    async def commands_waiting(self) -> int:
        """Requests to the switch that are not done."""
        async with self.db.system() as tx:
            rows = await tx.all(
                select(switch_command.c.id).where(switch_command.c.account_id == self.account_id)
            )
        return len(rows)

    async def next_day(self, *, back: bool = False) -> None:
        """Move the clock of every process a day ahead, or back again."""
        statement = text("UPDATE clock SET ahead = ahead + make_interval(days => :days)")
        async with self.db.system() as tx:
            await tx.execute(statement, {"days": -1 if back else 1})

    async def close(self) -> None:
        """Leave no node behind for other tests to find."""
        await self.settle()
        async with self.db.system() as tx:
            await tx.execute(delete(media_node).where(media_node.c.id == self.switch.node))


def doubled(event: SwitchEvent) -> SwitchEvent:
    """The same fact again, as another object."""
    return replace(event)
