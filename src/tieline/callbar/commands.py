"""The callbar's commands: each is one transaction, done once however often it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from tieline import dialing, names, numbers
from tieline.agents import service as agents
from tieline.agents.service import Seat
from tieline.agents.tables import agent
from tieline.callbar import wire
from tieline.callbar.recent import Recent
from tieline.db.database import Transaction
from tieline.engagements.commands import Place, call_switch
from tieline.engagements.engagement import State
from tieline.engagements.refusals import EngagementNotFound, NoSwitch, SwitchBusy
from tieline.engagements.service import Engagements
from tieline.errors import InputInvalid, TielineError
from tieline.identity import people
from tieline.identity.tables import app_user
from tieline.ids import new_id
from tieline.numbers import PhoneNumber
from tieline.telephony.switch import LegRole, SwitchError

log = structlog.get_logger()

_CONFLICTS = frozenset({"40001", "40P01", "55P03"})
"""SQL states that mean "somebody was in the way": the same transaction again will do."""
_TRIES = 4


class IntegrationDeactivated(TielineError):
    """An administrator of the org has deactivated the product."""

    code, status = "integration_deactivated", 409


class CallbarCrm(Protocol):
    """What the callbar's host tells us about the CRM; given by the composition root."""

    async def layout_reported(self, tx: Transaction, connection_id: UUID, layout: Mapping[str, Any]) -> None:
        """Keep the org's softphone layout. Raises `InputInvalid`."""
        ...

    async def record_seen(
        self, account_id: UUID, connection_id: UUID, object_type: str, record_id: str
    ) -> Mapping[str, Any] | None:
        """Read the record through the connection and index it now; its id, object_type and name, or None."""
        ...

    async def org_says(self, tx: Transaction, connection_id: UUID) -> Mapping[str, Any]:
        """What the org's administrators have set for callbars: `related_objects` and `status_sync`, as
        `wire.Snapshot` has them."""
        ...

    async def find_records(
        self, account_id: UUID, connection_id: UUID, user_id: UUID, object_type: str, text: str
    ) -> Sequence[Mapping[str, Any]]:
        """Records of a related object that the agent may read, as `names.stored` gives them, with a `detail`.
        Raises what the agent is told."""
        ...

    async def related_record(
        self, account_id: UUID, connection_id: UUID, user_id: UUID, object_type: str, record_id: str
    ) -> Mapping[str, Any]:
        """A record of a related object that the agent may read, as an engagement's `related` holds it. Raises what the
        agent is told."""
        ...

    async def country_codes(self, tx: Transaction, connection_id: UUID) -> Sequence[str]:
        """The connection's country codes, in order."""
        ...

    async def connected(self, tx: Transaction, connection_id: UUID) -> bool:
        """Whether the CRM takes the connection's grant."""
        ...

    async def active(self, tx: Transaction, connection_id: UUID) -> bool:
        """False while the org has the product deactivated."""
        ...

    def signed_in(self, account_id: UUID, connection_id: UUID) -> None:
        """A callbar has come to the connection; returns at once."""
        ...


class Commands:
    """Carries out commands for the callbars of this process."""

    def __init__(self, engagements: Engagements, crm: CallbarCrm, recent: Recent) -> None:
        self._engagements = engagements
        self._db = engagements.db
        self._crm = crm
        self._recent = recent

    def greet(self, seat: Seat) -> None:
        """A callbar has taken its agent's seat: what the CRM's administrators set meanwhile is read beside it."""
        self._crm.signed_in(seat.account_id, seat.connection_id)

    async def crm_connected(self, seat: Seat) -> bool:
        """Whether the seat's CRM takes the connection's grant."""
        async with self._db.view(seat.account_id) as tx:
            return await self._crm.connected(tx, seat.connection_id)

    async def org_says(self, tx: Transaction, seat: Seat) -> Mapping[str, Any]:
        """What the seat's org says of its callbars."""
        return await self._crm.org_says(tx, seat.connection_id)

    async def run(self, seat: Seat, command: wire.Command) -> wire.Done | wire.Refused:
        """Do the command and answer it; never raises but when cancelled."""
        try:
            result = await self._run(seat, command)
        except TielineError as error:
            return wire.Refused(command_id=command.command_id, code=error.code, params=error.params)
        except ValidationError as error:
            field = ".".join(str(part) for part in error.errors()[0]["loc"])
            return wire.Refused(
                command_id=command.command_id, code=InputInvalid.code, params={"field": field}
            )
        except (SQLAlchemyError, OSError, TimeoutError):
            log.exception("callbar.command", name=command.name)
            return wire.Refused(command_id=command.command_id, code="temporarily_unavailable")
        except Exception:
            log.exception("callbar.command", name=command.name)
            return wire.Refused(command_id=command.command_id, code="internal_error")
        return wire.Done(command_id=command.command_id, result=result)

    async def _run(self, seat: Seat, command: wire.Command) -> dict[str, Any] | None:
        if command.name == "audio.connect":
            return await self._connect_audio(seat, wire.AudioConnect.model_validate(command.params))
        if command.name == "number.preview":
            return await self._preview(seat, wire.Dial.model_validate(command.params))
        if command.name == "calls.recent":
            async with self._db.view(seat.account_id) as tx:
                return (await self._recent.of(tx, seat)).model_dump()
        if command.name == "records.search":
            return await self._find(seat, wire.RecordsSearch.model_validate(command.params))
        if command.name == "engagement.relate":
            await self._relate(seat, wire.Relate.model_validate(command.params))
            return None
        if command.name == "record.seen":
            await self._record_seen(seat, wire.RecordSeen.model_validate(command.params))
            return None
        for attempt in range(_TRIES):
            try:
                async with self._db.account(seat.account_id) as tx:
                    await agents.check_seat(tx, seat)
                    if await agents.first_time(tx, seat.agent_id, command.command_id):
                        return await self._in(tx, seat, command)
                return None
            except DBAPIError as error:
                if attempt == _TRIES - 1 or getattr(error.orig, "sqlstate", None) not in _CONFLICTS:
                    raise
                await asyncio.sleep(0.01 * (attempt + 1))
        return None

    async def _in(self, tx: Transaction, seat: Seat, command: wire.Command) -> dict[str, Any] | None:
        verbs, me = self._engagements, seat.agent_id
        if command.name == "status.set":
            wanted = wire.StatusSet.model_validate(command.params)
            if wanted.status != "offline":
                await self._check_active(tx, seat)
            await verbs.set_status(tx, me, wanted.status, wanted.reason)
            return None
        if command.name == "layout.report":
            layout = wire.LayoutReport.model_validate(command.params).layout
            await self._crm.layout_reported(tx, seat.connection_id, layout)
            return None
        if command.name == "engagement.dial":
            wanted = wire.Dial.model_validate(command.params)
            await self._check_active(tx, seat)
            number = await self._dialled(tx, seat, wanted)
            related = wanted.record.model_dump() if wanted.record else None
            id = await verbs.dial(tx, me, number, related)
            await agents.count_dial(tx, me)
            return {"engagement_id": str(id)}
        if command.name == "engagement.digits":
            keys = wire.Digits.model_validate(command.params)
            await verbs.send_digits(tx, me, _id(keys.engagement_id), keys.digits)
            return None
        if command.name == "engagement.note":
            note = wire.Note.model_validate(command.params)
            await verbs.note(
                tx, me, _id(note.engagement_id), notes=note.notes, disposition_id=note.disposition_id
            )
            return None
        of = _id(wire.OfEngagement.model_validate(command.params).engagement_id)
        match command.name:
            case "engagement.answer":
                await verbs.answer(tx, me, of)
            case "engagement.decline":
                await verbs.decline(tx, me, of)
            case "engagement.hold" | "engagement.resume":
                await verbs.hold(tx, me, of, command.name == "engagement.hold")
            case "engagement.mute" | "engagement.unmute":
                await verbs.mute(tx, me, of, command.name == "engagement.mute")
            case "engagement.hang_up":
                await verbs.hang_up(tx, me, of)
            case "engagement.popped":
                await verbs.popped(tx, me, of)
            case "engagement.close":
                await verbs.close(tx, me, of)
            case _:
                raise InputInvalid(field="name")
        return None

    async def _check_active(self, tx: Transaction, seat: Seat) -> None:
        if not await self._crm.active(tx, seat.connection_id):
            raise IntegrationDeactivated

    async def _connect_audio(self, seat: Seat, wanted: wire.AudioConnect) -> dict[str, Any]:
        """Give the agent a new leg. Each offer gets a leg of its own, so that late facts of the one before miss."""
        leg_id = new_id()
        desk = self._engagements.desk
        async with self._db.account(seat.account_id) as tx:
            await agents.check_seat(tx, seat)
            row = await self._engagements.of_agent(tx, seat.agent_id)
        talking = row is not None and row.state in (State.CONNECTED, State.DIALING)
        try:
            place = Place(row.node, row.epoch) if row is not None and talking else await desk.place()
        except SwitchError as error:
            raise NoSwitch from error
        node, epoch = place.node, place.epoch
        async with self._db.account(seat.account_id) as tx:
            await agents.check_seat(tx, seat)
            before = await agents.locked(tx, seat.agent_id)
            await tx.execute(
                update(agent)
                .where(agent.c.account_id == tx.account_id, agent.c.user_id == seat.agent_id)
                .values(line_leg_id=leg_id, line_node=node, line_epoch=epoch, line_up_at=None)
            )
            if before.line_leg_id is not None and before.line_node is not None:
                desk.ask(
                    tx,
                    "remove_leg",
                    {"leg_id": str(before.line_leg_id)},
                    node=before.line_node,
                    epoch=before.line_epoch,
                )
        params = {
            "leg_id": str(leg_id),
            "offer_sdp": wanted.sdp,
            "role": LegRole.AGENT,
            "call_id": str(row.id) if row is not None and talking else None,
        }
        try:
            switch = await desk.switch(node)
            sdp = await call_switch(switch, "add_webrtc_leg", params, str(leg_id))
            if row is not None and talking and row.muted:
                await call_switch(switch, "set_muted", {"leg_id": str(leg_id), "muted": True}, str(new_id()))
        except SwitchError as error:
            log.warning("audio.connect", code=error.code)
            if error.code == "switch_busy":
                raise SwitchBusy from error
            if error.retryable:
                raise NoSwitch from error
            raise InputInvalid(field="sdp") from error
        return {"sdp": sdp}

    async def _dialled(self, tx: Transaction, seat: Seat, wanted: wire.Dial) -> PhoneNumber:
        country_codes = await self._crm.country_codes(tx, seat.connection_id)
        allowed = await people.outbound_codes(tx) or country_codes
        prefixes = dialing.Prefixes(**wanted.prefixes.model_dump())
        return dialing.dialled(wanted.number, prefixes, country_codes=country_codes, allowed_codes=allowed)

    async def _preview(self, seat: Seat, wanted: wire.Dial) -> dict[str, Any]:
        async with self._db.account(seat.account_id) as tx:
            try:
                number = await self._dialled(tx, seat, wanted)
            except TielineError as error:
                return wire.DialPreview(refused=error.code, params=error.params).model_dump()
        return wire.DialPreview(e164=number.e164, display=numbers.display(number.e164, None)).model_dump()

    async def _find(self, seat: Seat, wanted: wire.RecordsSearch) -> dict[str, Any]:
        text = " ".join(wanted.text.split())
        if not text:
            raise InputInvalid(field="text")
        found = await self._crm.find_records(
            seat.account_id, seat.connection_id, seat.agent_id, wanted.object_type, text
        )
        async with self._db.view(seat.account_id) as tx:
            language = await tx.scalar(
                select(app_user.c.language).where(
                    app_user.c.account_id == seat.account_id, app_user.c.id == seat.agent_id
                )
            )
        return wire.FoundRecords(
            records=[wire.FoundRecord.model_validate(names.shown(record, language)) for record in found]
        ).model_dump()

    async def _relate(self, seat: Seat, wanted: wire.Relate) -> None:
        """Doing it twice relates it once, so that the same command may come again."""
        record = await self._crm.related_record(
            seat.account_id, seat.connection_id, seat.agent_id, wanted.object_type, wanted.record_id
        )
        async with self._db.account(seat.account_id) as tx:
            await agents.check_seat(tx, seat)
            await self._engagements.relate(tx, seat.agent_id, _id(wanted.engagement_id), record)

    async def _record_seen(self, seat: Seat, seen: wire.RecordSeen) -> None:
        record = await self._crm.record_seen(
            seat.account_id, seat.connection_id, seen.object_type, seen.record_id
        )
        if record is None:
            return
        async with self._db.account(seat.account_id) as tx:
            row = await self._engagements.of_agent(tx, seat.agent_id)
            if row is not None:
                await self._engagements.rematched(tx, seat.agent_id, row.id, record)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise EngagementNotFound from None
