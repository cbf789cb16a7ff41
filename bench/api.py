"""The public API at 200 requests a second on one core, and the portal's lists, in an account of 10,000 users."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx2
from bench.figures import Figure, over_rounds
from bench.stage import Account, Share, a_database, a_web_process, make_agents, own_keys
from sqlalchemy import insert

from tieline.db.database import OWNER_ROLE, Database
from tieline.identity.service import digest
from tieline.identity.tables import app_user, session
from tieline.ids import new_id
from tieline.oauth.scopes import SCOPES
from tieline.oauth.tables import oauth_app, oauth_grant, oauth_token
from tieline.web.http import PORTAL_COOKIE

USERS = 10_000
PER_SECOND = 200
SECONDS = 8
GRANTS = 40
"""So many that none comes to its limit of requests."""
LIST_ROUNDS = 20


async def run(rounds: int) -> list[Figure]:
    """Measure, with the web process on one core."""
    async with a_database() as url, a_web_process(url, keys=own_keys()) as web:
        os.sched_setaffinity(web.pid, {min(os.sched_getaffinity(0))})
        db = Database(url)
        try:
            account = await make_agents(db, USERS)
            tokens, cookie = await _let_in(db, account)
            await _analyzed(url)
        finally:
            await db.close()
        limits = httpx2.Limits(max_connections=100, max_keepalive_connections=100)
        async with httpx2.AsyncClient(
            base_url=web.origin, trust_env=False, limits=limits, timeout=30
        ) as http:
            await _asked(web.origin, tokens, account, seconds=1)
            share = Share(web.pid)
            asked = [await _asked(web.origin, tokens, account, seconds=SECONDS) for _ in range(rounds)]
            used = share.per_cent()
            lists = [await _lists(http, cookie) for _ in range(rounds)]
    return [
        Figure(
            f"API, {PER_SECOND} requests/s, p99",
            over_rounds(asked, 99),
            "ms",
            most=50,
            note=f"median {over_rounds(asked, 50):.1f} ms, {used:.0f} % of one core",
        ),
        *(
            Figure(
                f"list of {name} ({USERS:,} users), p95",
                over_rounds([each[name] for each in lists], 95),
                "ms",
                most=200,
            )
            for name in lists[0]
        ),
    ]


async def _analyzed(url: str) -> None:
    """What the server does by itself a minute after so many rows have come."""
    bare = await asyncpg.connect(url, server_settings={"role": OWNER_ROLE})
    try:
        await bare.execute("ANALYZE")
    finally:
        await bare.close()


async def _let_in(db: Database, account: Account) -> tuple[list[str], str]:
    """An administrator who has let an app in many times; gives the tokens, and the cookie of a portal session."""
    admin, app = new_id(), new_id()
    tokens = [secrets.token_urlsafe(32) for _ in range(GRANTS)]
    cookie = secrets.token_urlsafe(32)
    own = {"account_id": account.id}
    async with db.system(account.id) as tx:
        later = tx.now + timedelta(hours=8)
        await tx.execute(
            insert(app_user).values(
                **own, id=admin, email="admin@bench.example", name="Admin", language="en",
                roles=["owner", "administrator"], password_hash="",
            )
        )  # fmt: skip
        await tx.execute(
            insert(session).values(
                **own, id=new_id(), user_id=admin, kind="portal", token_hash=digest(cookie), created_at=tx.now,
                expires_at=later,
            )
        )  # fmt: skip
        await tx.execute(
            insert(oauth_app).values(
                **own, id=app, name="Bench", client_id="bench", redirect_uris=["https://bench.example/"],
                scopes=list(SCOPES), created_at=tx.now,
            )
        )  # fmt: skip
        grants = [
            {
                **own, "id": new_id(), "app_id": app, "user_id": admin, "scopes": list(SCOPES),
                "created_at": tx.now,
            }
            for _ in tokens
        ]  # fmt: skip
        await tx.execute(insert(oauth_grant), grants)
        await tx.execute(
            insert(oauth_token),
            [
                {
                    **own, "token_hash": digest(token), "grant_id": grant["id"], "kind": "access",
                    "scopes": list(SCOPES), "created_at": tx.now, "expires_at": later,
                }
                for token, grant in zip(tokens, grants, strict=True)
            ],
        )  # fmt: skip
    return tokens, cookie


def _paths(users: Sequence[UUID]) -> list[str]:
    """What apps ask for, once around: statuses, somebody's status, a page of users, one user."""
    return [
        "/api/v1/statuses",
        f"/api/v1/agents/{random.choice(users)}",
        "/api/v1/agents?limit=50",
        f"/api/v1/users/{random.choice(users)}",
        f"/api/v1/users?search=agent{random.randrange(USERS)}@",
        "/api/v1/users?limit=50",
    ]


class Wire:
    """One kept connection, with no more of HTTP than it takes to ask: the generator shares the machine."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def get(self, path: str, token: str) -> int:
        """Ask, read the whole answer, and give its status."""
        self._writer.write(
            f"GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
        )
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await self._reader.readexactly(int(length))
        return int(head.split(b" ", 2)[1])

    def close(self) -> None:
        """Hang up."""
        self._writer.close()


async def _asked(origin: str, tokens: Sequence[str], account: Account, *, seconds: int) -> list[float]:
    """Ask at a steady pace, whether or not what was asked before has been answered; gives how long each took, in ms."""
    host = urlsplit(origin)
    users = [agent.id for agent in account.agents]
    took: list[float] = []
    idle: list[Wire] = []

    async def one(path: str, token: str, due: float) -> None:
        wire = idle.pop() if idle else Wire(*await asyncio.open_connection(host.hostname, host.port))
        status = await wire.get(path, token)
        took.append((time.perf_counter() - due) * 1000)
        idle.append(wire)
        assert status == 200, (path, status)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        paths: list[str] = []
        for number in range(PER_SECOND * seconds):
            due = began + number / PER_SECOND
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            paths = paths or _paths(users)
            tasks.create_task(one(paths.pop(), tokens[number % len(tokens)], due))
    for wire in idle:
        wire.close()
    return took


async def _lists(http: httpx2.AsyncClient, cookie: str) -> dict[str, list[float]]:
    """The portal's lists, one after the other, as its pages ask for them; gives how long each took, in ms."""
    took: dict[str, list[float]] = {}
    for _ in range(LIST_ROUNDS):
        for name, path in {
            "users": "/api/v1/users?active=true",
            "users of a search": "/api/v1/users?active=true&search=agent%2077",
            "users without client integration": "/api/v1/users?active=true&connection=none&role=agent",
            "agents": "/api/v1/agents",
            "engagements": "/api/v1/engagements",
            "added apps": "/api/v1/added-apps",
            "home": "/api/v1/home",
        }.items():
            began = time.perf_counter()
            answer = await http.get(path, headers={"Cookie": f"{PORTAL_COOKIE}={cookie}"})
            assert answer.status_code == 200, (path, answer.status_code, answer.text[:200])
            took.setdefault(name, []).append((time.perf_counter() - began) * 1000)
    return took
