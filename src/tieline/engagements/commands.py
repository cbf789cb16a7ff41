"""What we ask of the switch: rows first, requests after commit, sent again by any node until done.

A command is written in the transaction that needs it, with an idempotent id, and goes out once that has
committed. A node that dies in between loses nothing: the row is due again after `RESEND` and any node's sweep
sends it. Success deletes the row; the switch's fact, not this answer, moves the engagement.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, DateTime, Uuid, any_, bindparam, delete, select, text, update

from tieline.db.database import Database, Transaction
from tieline.db.statement import Statement
from tieline.engagements.tables import media_node, switch_command
from tieline.ids import new_id
from tieline.telephony.switch import Switch, SwitchError

RESEND = timedelta(seconds=2)
GIVE_UP = timedelta(seconds=30)
"""A command older than this is of no use any more: deadlines of the engagement have acted instead."""
KNOWN = timedelta(minutes=1)
"""A media node whose heartbeat is older is asked nothing any more; whether a known one lives it tells itself."""
ADDRESS_KEPT_S = 1.0
"""A node's address is looked up again after so long: a restarted one may have another. Less than `RESEND`."""
PLACE_KEPT_S = 0.5
"""The node for new audio is asked again after so long: less than a media process takes to start."""
_TIMEOUT_S = 5.0

_BATCH = "switch.commands"
_WRITE = Statement(
    text("""
    INSERT INTO switch_command (id, account_id, engagement_id, node, epoch, position, verb, params,
        created_at, next_at, deadline_at)
    SELECT id, :account, engagement_id, node, epoch, position, verb, params, :at, :next_at, :deadline_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS command(id uuid, engagement_id uuid, node text,
        epoch bigint, position int, verb text, params jsonb)
    """).bindparams(
        bindparam("account", type_=Uuid),
        bindparam("at", type_=DateTime(timezone=True)),
        bindparam("next_at", type_=DateTime(timezone=True)),
        bindparam("deadline_at", type_=DateTime(timezone=True)),
    )
)
_DONE = Statement(
    delete(switch_command).where(switch_command.c.id == any_(bindparam("done", type_=ARRAY(Uuid))))
)
_ADDRESS = Statement(select(media_node.c.address).where(media_node.c.id == bindparam("node")))

log = structlog.get_logger()


class SwitchDirectory(Protocol):
    """Finds the switch of a node."""

    def switch(self, node: str, address: str) -> Switch:
        """The client for a node; made once per address."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """A media node in one life of its process."""

    node: str
    epoch: int


@dataclass(frozen=True, slots=True)
class SwitchCommand:
    """One request to the switch: `verb` and `params` are those of the `Switch` protocol."""

    id: UUID
    node: str
    verb: str
    params: Mapping[str, Any]


async def call_switch(switch: Switch, verb: str, params: Mapping[str, Any], command_id: str) -> Any:
    """Do one verb, within a time limit. Raises `SwitchError`."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await getattr(switch, verb)(**_typed(verb, params), command_id=command_id)
    except TimeoutError:
        raise SwitchError("switch_timeout", f"no answer to {verb}", retryable=True) from None


def _typed(verb: str, params: Mapping[str, Any]) -> dict[str, Any]:
    typed = dict(params)
    if verb == "play":
        typed["media"] = tuple(typed["media"])
    return typed


class SwitchDesk:
    """Writes, sends and resends switch commands for one process."""

    def __init__(self, db: Database, directory: SwitchDirectory) -> None:
        self._db = db
        self._directory = directory
        self._sending: set[asyncio.Task[None]] = set()
        self._addresses: dict[str, tuple[str, float]] = {}
        self._place: tuple[Place, float] | None = None
        self._done: list[UUID] = []

    def ask(
        self,
        tx: Transaction,
        verb: str,
        params: Mapping[str, Any],
        *,
        node: str,
        epoch: int,
        engagement_id: UUID | None = None,
    ) -> None:
        """Write a command with the transaction; it is sent, in order with the others, once that has committed."""
        batch: list[dict[str, Any]] | None = tx.scratch.get(_BATCH)
        if batch is None:
            batch = tx.scratch[_BATCH] = []
            rows = batch

            async def write() -> None:
                when = {"at": tx.now, "next_at": tx.now + RESEND, "deadline_at": tx.now + GIVE_UP}
                tx.later(_WRITE, {"rows": json.dumps(rows), "account": tx.account_id, **when})

            tx.before_commit(write)
            tx.after_commit(
                lambda: self._send_soon(
                    [SwitchCommand(UUID(row["id"]), row["node"], row["verb"], row["params"]) for row in rows]
                )
            )
        batch.append(
            {
                "id": str(new_id()),
                "engagement_id": str(engagement_id) if engagement_id else None,
                "node": node,
                "epoch": epoch,
                "position": len(batch),
                "verb": verb,
                "params": dict(params),
            }
        )

    def _send_soon(self, commands: list[SwitchCommand]) -> None:
        task = asyncio.create_task(self._send(commands))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, commands: list[SwitchCommand]) -> None:
        done: list[UUID] = []
        for command in commands:
            try:
                switch = await self.switch(command.node)
                await call_switch(switch, command.verb, command.params, str(command.id))
            except SwitchError as error:
                log.warning("switch.command", verb=command.verb, code=error.code, retryable=error.retryable)
                if error.retryable:
                    break  # those after it must not overtake it; the sweep sends them again
            except Exception:
                log.exception("switch.command", verb=command.verb)
                break
            done.append(command.id)
        # One of those who have something done writes it for all who come meanwhile.
        writing = bool(self._done)
        self._done += done
        if not writing and self._done:
            await self._write_done()

    async def _write_done(self) -> None:
        try:
            while self._done:
                written = self._done.copy()
                await self._db.alone(_DONE, {"done": written})
                del self._done[: len(written)]
        except Exception:
            # They are sent once more then, which the switch takes for the same command.
            log.exception("switch.command.done")
        finally:
            self._done.clear()  # also when cancelled: whoever comes next finds nobody writing

    async def sweep(self) -> None:
        """Send again what is due, from whichever node wrote it; drop what is too old."""
        async with self._db.system() as tx:
            await tx.execute(delete(switch_command).where(switch_command.c.deadline_at < tx.now))
            due = (
                select(switch_command.c.id)
                .where(switch_command.c.next_at <= tx.now)
                .order_by(switch_command.c.created_at, switch_command.c.position)
                .limit(100)
                .with_for_update(skip_locked=True, key_share=True)
            )
            rows = await tx.all(
                update(switch_command)
                .where(switch_command.c.id.in_(due))
                .values(next_at=tx.now + RESEND)
                .returning(switch_command)
            )
        by_call: dict[Any, list[Any]] = {}
        for row in sorted(rows, key=lambda r: (r.created_at, r.position)):
            by_call.setdefault(row.engagement_id or row.id, []).append(row)
        for group in by_call.values():
            self._send_soon([SwitchCommand(r.id, r.node, r.verb, r.params) for r in group])

    async def switch(self, node: str) -> Switch:
        """The switch of a node. Raises `SwitchError` when there is no such node."""
        address, known_until = self._addresses.get(node, ("", 0.0))
        if time.monotonic() >= known_until:
            rows = await self._db.alone(_ADDRESS, {"node": node})
            if not rows:
                raise SwitchError("node_unknown", f"no media node {node}", retryable=False)
            address = rows[0].address
            self._addresses[node] = (address, time.monotonic() + ADDRESS_KEPT_S)
        return self._directory.switch(node, address)

    async def place(self) -> Place:
        """Where new audio goes: the first node that answers, the one heard of last first.

        Nodes are asked themselves: a row may be a heartbeat behind a restart, and what is booked on a dead epoch
        would be taken for lost with it; after an absence of the database it may be older, and the node alive.
        Raises `SwitchError` when none answers.
        """
        if self._place is not None and time.monotonic() < self._place[1]:
            return self._place[0]
        async with self._db.system() as tx:
            rows = await tx.all(
                select(media_node.c.id, media_node.c.address)
                .where(media_node.c.heartbeat_at > tx.now - KNOWN)
                .order_by(media_node.c.heartbeat_at.desc())
            )
        for row in rows:
            try:
                async with asyncio.timeout(_TIMEOUT_S):
                    health = await self._directory.switch(row.id, row.address).health()
            except (SwitchError, TimeoutError) as error:
                log.warning("switch.silent", node=row.id, error=str(error))
                continue
            place = Place(row.id, health.epoch)
            self._place = place, time.monotonic() + PLACE_KEPT_S
            return place
        raise SwitchError("no_media_node", "no media node answers", retryable=True)

    async def drain(self) -> None:
        """Wait for requests under way, at most five seconds: the rest is another node's."""
        if self._sending:
            await asyncio.wait(list(self._sending), timeout=5)
