"""The bare floor under an offer: the rows that one call writes and the socket that tells of it, and nothing else.

A program that somebody would write to show how fast this can be: asyncpg with prepared statements, one for each
table's row, no layers, no checks, no rules. It writes what our transactions write, in as many transactions
(arriving, the fact, the offer, the caller's leaving), is told by NOTIFY as every node is, reads the card back and
sends it. Facts come as lines over TCP; sockets are served by the same server as ours.

    python -m bench.floor '{"url": ..., "port": ..., "account": ..., "connection": ..., "queue": ...}'
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
from bench.stage import serving

from tieline.db.database import SYSTEM_ROLE
from tieline.ids import new_id

NODE = "floor"
ENGAGEMENT = """
INSERT INTO engagement (account_id, id, direction, state, queue_id, connection_id, number_raw, number_e164,
    dialled_e164, match, node, epoch, caller_leg_id, deadline_at, arrived_at)
VALUES ($1, $2, 'inbound', 'arriving', $3, $4, $5, $5, '+14155550100', $6, 'floor', 1, $2,
    now() + interval '15 s', now())
"""
STORY = """
INSERT INTO engagement_event (account_id, engagement_id, sequence, at, name, data)
VALUES ($1, $2, $3, now(), $4, $5)
"""
TELL = "SELECT pg_notify('bench_floor', $1)"
FACT = "INSERT INTO switch_event (node, epoch, sequence, kind, leg_id, data) VALUES ('floor', 1, $1, $2, $3, '{}')"
TAKEN = "UPDATE media_node SET consumed_epoch = 1, consumed = $1 WHERE id = 'floor'"
QUEUED = """
UPDATE engagement SET state = 'queued', queued_at = now(), deadline_at = NULL, play_id = $2
WHERE account_id = $1 AND id = $2
"""
ASK = """
INSERT INTO switch_command (id, account_id, engagement_id, node, epoch, position, verb, params, created_at,
    next_at, deadline_at)
VALUES ($3, $1, $2, 'floor', 1, 0, $4, $5, now(), now() + interval '2 s', now() + interval '30 s')
"""
DONE = "DELETE FROM switch_command WHERE id = $1"
MATCH = """
SELECT r.record_id, r.object_type, r.name, p.raw FROM phone_index p
JOIN indexed_record r ON r.account_id = p.account_id AND r.connection_id = p.connection_id
    AND r.record_id = p.record_id
WHERE p.account_id = $1 AND p.connection_id = $2 AND p.key = $3
"""
FREE_AGENT = """
SELECT user_id FROM agent WHERE account_id = $1 AND status = 'ready' AND engagement_state IS NULL
ORDER BY idle_since LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
"""
OFFER = """
INSERT INTO offer (account_id, id, engagement_id, agent_id, state, offered_at, expires_at)
VALUES ($1, $2, $3, $4, 'offered', now(), now() + interval '20 s')
"""
OFFERED = """
UPDATE engagement SET state = 'offered', agent_id = $3, match = $4, related = $5, offered_at = now(),
    deadline_at = now() + interval '20 s'
WHERE account_id = $1 AND id = $2
"""
RINGING = """
UPDATE agent SET engagement_state = 'offered', presence = 'ringing', presence_since = now(), sequence = sequence + 1
WHERE account_id = $1 AND user_id = $2 RETURNING sequence
"""
CARD = "SELECT * FROM engagement WHERE account_id = $1 AND id = $2"
GONE = """
UPDATE engagement SET state = 'closed', outcome = 'abandoned', end_cause = 'caller_hung_up', ended_at = now(),
    closed_at = now(), deadline_at = NULL
WHERE account_id = $1 AND id = $2 RETURNING agent_id
"""
WITHDRAWN = """
UPDATE offer SET state = 'withdrawn', ended_at = now()
WHERE account_id = $1 AND engagement_id = $2 AND state = 'offered'
"""
LOG = "INSERT INTO call_log (account_id, engagement_id, content, created_at) VALUES ($1, $2, $3, now())"
DELIVERY = """
INSERT INTO delivery (account_id, engagement_id, connection_id, state, next_at, pending_since)
VALUES ($1, $2, $3, 'pending', now(), now())
"""
FREE = """
UPDATE agent SET engagement_state = NULL, presence = 'ready', presence_since = now(), sequence = sequence + 1
WHERE account_id = $1 AND user_id = $2 RETURNING sequence
"""
_SEND = Callable[[dict[str, Any]], Awaitable[None]]


class Floor:
    """One account's calls."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._url: str = told["url"]
        self._account, self._connection = UUID(told["account"]), UUID(told["connection"])
        self._queue = UUID(told["queue"])
        self._sockets: dict[str, _SEND] = {}
        self._sequence = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._facts = asyncio.Lock()
        self._pool: asyncpg.Pool

    async def run(self, port: int) -> None:
        """Serve until killed."""
        self._pool = await asyncpg.create_pool(
            self._url, min_size=8, max_size=8, server_settings={"role": SYSTEM_ROLE}
        )
        async with self._pool.acquire() as db:
            await db.execute("INSERT INTO media_node VALUES ('floor', '', 1, now() - interval '1 h')")
            await db.execute("UPDATE agent SET status = 'ready' WHERE account_id = $1", self._account)
        listener = await asyncpg.connect(self._url, server_settings={"role": SYSTEM_ROLE})
        await listener.add_listener(
            "bench_floor", lambda *heard: self._soon(self._show(json.loads(str(heard[-1]))))
        )
        async with serving(self._socket, port):
            server = await asyncio.start_server(self._take_lines, "127.0.0.1", 0)
            print(server.sockets[0].getsockname()[1], flush=True)
            await server.serve_forever()

    def _soon(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            print(f"floor: {type(error).__name__}: {error}", file=sys.stderr, flush=True)

    async def _socket(self, scope: dict[str, Any], receive: Any, send: _SEND) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept"})
        self._sockets[scope["path"].strip("/")] = send
        while (await receive())["type"] != "websocket.disconnect":
            pass

    async def _take_lines(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            told = json.loads(line)
            id = UUID(told["call"])
            match told["fact"]:
                case "arrived":
                    self._soon(self._arrived(id, told["number"], writer))
                case "connected":
                    self._soon(self._connected(id, told["number"]))
                case _:
                    self._soon(self._gone(id))

    async def _arrived(self, id: UUID, e164: str, writer: asyncio.StreamWriter) -> None:
        async with self._pool.acquire() as db, db.transaction():
            match = await self._match(db, e164)
            await db.execute(
                ENGAGEMENT, self._account, id, self._queue, self._connection, e164, json.dumps(match)
            )
            await db.execute(STORY, self._account, id, 1, "engagement.arrived", "{}")
            await db.execute(TELL, "{}")
        writer.write(f"{id}\n".encode())

    async def _match(self, db: Any, e164: str) -> list[dict[str, Any]]:
        return [dict(row) for row in await db.fetch(MATCH, self._account, self._connection, e164)]

    async def _fact(self, db: Any, id: UUID, kind: str) -> None:
        # Facts of a switch are taken in their order, so their transactions follow one another.
        self._sequence += 1
        await db.execute(FACT, self._sequence, kind, id)
        await db.execute(TAKEN, self._sequence)

    async def _connected(self, id: UUID, e164: str) -> None:
        command = new_id()
        async with self._facts, self._pool.acquire() as db, db.transaction():
            await self._fact(db, id, "leg.connected")
            await db.execute(QUEUED, self._account, id)
            await db.execute(ASK, self._account, id, command, "play", "{}")
            await db.execute(STORY, self._account, id, 2, "engagement.queued", "{}")
            await db.execute(TELL, "{}")
        self._soon(self._asked(command))
        while not await self._offered(id, e164):  # noqa: ASYNC110 - agents become free in rows
            await asyncio.sleep(0.005)  # everybody is busy

    async def _offered(self, id: UUID, e164: str) -> bool:
        async with self._pool.acquire() as db, db.transaction():
            agent_id = await db.fetchval(FREE_AGENT, self._account)
            if agent_id is None:
                return False
            match = await self._match(db, e164)
            await db.execute(OFFER, self._account, new_id(), id, agent_id)
            await db.execute(OFFERED, self._account, id, agent_id, json.dumps(match), json.dumps(match[0]))
            await db.execute(
                STORY, self._account, id, 3, "engagement.offered", json.dumps({"agent_id": str(agent_id)})
            )
            await db.execute(TELL, "{}")
            sequence = await db.fetchval(RINGING, self._account, agent_id)
            await db.execute(TELL, json.dumps({"agent": str(agent_id), "call": str(id), "v": sequence}))
        return True

    async def _asked(self, command: UUID) -> None:
        async with self._pool.acquire() as db:
            await db.execute(DONE, command)

    async def _show(self, told: dict[str, Any]) -> None:
        if "agent" not in told:
            return
        async with self._pool.acquire() as db:
            row = await db.fetchrow(CARD, self._account, UUID(told["call"]))
        name = "engagement.offered" if row["state"] == "offered" else "engagement.abandoned"
        card = {key: value if isinstance(value, int | bool) else str(value) for key, value in row.items()}
        card["party"] = {"e164": row["number_e164"]}
        card["match"] = {"status": "one", "records": json.loads(row["match"])}
        message = {"type": "event", "sequence": told["v"], "name": name, "engagement": card}
        await self._sockets[told["agent"]]({"type": "websocket.send", "text": json.dumps(message)})

    async def _gone(self, id: UUID) -> None:
        command = new_id()
        async with self._facts, self._pool.acquire() as db, db.transaction():
            await self._fact(db, id, "leg.gone")
            agent_id = await db.fetchval(GONE, self._account, id)
            await db.execute(WITHDRAWN, self._account, id)
            await db.execute(ASK, self._account, id, command, "end_call", "{}")
            await db.execute(STORY, self._account, id, 4, "engagement.abandoned", "{}")
            await db.execute(TELL, "{}")
            await db.execute(LOG, self._account, id, json.dumps({"engagement_id": str(id)}))
            await db.execute(DELIVERY, self._account, id, self._connection)
            sequence = await db.fetchval(FREE, self._account, agent_id)
            await db.execute(TELL, json.dumps({"agent": str(agent_id), "call": str(id), "v": sequence}))
        self._soon(self._asked(command))


async def main() -> None:
    """Run for the account told on the command line."""
    told = json.loads(sys.argv[1])
    await Floor(told).run(told["port"])


if __name__ == "__main__":
    asyncio.run(main())
