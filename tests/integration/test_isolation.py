"""One account never sees another's rows: at the doors, and in the database behind them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError
from tests.integration.apps import USER_INFO, App
from tests.integration.center import PASSWORD, Center, a_center
from tests.integration.routes import body_of, routes_of

from tieline.callbar import wire
from tieline.db.database import Database
from tieline.db.schema import metadata
from tieline.db.tables import engagements
from tieline.identity import people
from tieline.identity.roles import BY_ROUTE, ROLES
from tieline.identity.tables import account
from tieline.ids import new_id
from tieline.web.http import scope_of

ACCOUNT_TABLES = sorted(t.name for t in metadata.tables.values() if t.info.get("account"))


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


@pytest.mark.parametrize("table", ACCOUNT_TABLES)
async def test_row_level_security_hides_every_account_table(database: Database, table: str) -> None:
    async with database.system() as tx:
        protected = await tx.scalar(
            text("SELECT relrowsecurity FROM pg_class WHERE oid = CAST(:table AS regclass)"), {"table": table}
        )
    assert protected
    async with database.account(new_id()) as tx:
        assert await tx.scalar(select(func.count()).select_from(metadata.tables[table])) == 0


async def test_writing_into_another_account_is_refused(center: Center) -> None:
    with pytest.raises(DBAPIError, match="row-level security"):
        async with center.db.account(new_id()) as tx:
            await tx.execute(
                engagements.engagement_event.insert().values(
                    account_id=center.account_id, engagement_id=new_id(), sequence=1, at=tx.now, name="x"
                )
            )


ROLE_USERS = {"owner": "owner", "administrator": "admin", "supervisor": "supervisor", "agent": "one"}
BODIES: dict[str, dict[str, Any]] = {
    "POST /api/v1/users": {"roles": ["agent"]},
    # What a schema alone does not tell: a change that changes something, values with meaning.
    "PATCH /api/v1/connections/{connection_id}": {"name": "Theirs now"},
    "PUT /api/v1/users/{user_id}": {"roles": ["agent"], "version": 0, "connection_id": None},
    "PUT /api/v1/users/{user_id}/org-user": {"username": "somebody@example.com"},
    "PUT /api/v1/developer-apps/{app_id}": {
        "redirect_uris": ["https://evil.example/"],
        "scopes": [USER_INFO],
        "version": 0,
    },
}


async def staffed(center: Center) -> None:
    """Give a center a user of each role."""
    async with center.db.system(center.account_id) as tx:
        for role, given in (("owner", ["owner", "administrator"]), ("supervisor", ["supervisor"])):
            await people.make_user(
                tx, email=center.email(role), name=role, language="en", roles=given, password=PASSWORD
            )


async def everything_of(center: Center) -> dict[str, list[str]]:
    """Every row of the account, table by table."""
    async with center.db.system() as tx:
        rows = {
            name: await tx.all(
                select(metadata.tables[name]).where(metadata.tables[name].c.account_id == center.account_id)
            )
            for name in ACCOUNT_TABLES
        }
        rows["account"] = await tx.all(select(account).where(account.c.id == center.account_id))
    return {name: sorted(map(repr, found)) for name, found in rows.items()}


async def identifiers(center: Center) -> dict[str, str]:
    """A row of each kind that routes are about, by the name that paths and bodies give its id."""
    app = await App.made(center)
    await app.let_in()
    grant = (await app.portal.get("/api/v1/added-apps")).json()["apps"][0]["grants"][0]["id"]
    phone = await center.call()
    await phone.hang_up()
    await phone.state("ended")
    calls = (await app.portal.get("/api/v1/engagements")).json()["engagements"]
    return {
        "user_id": str(center.agents["two"]),
        "connection_id": str(center.connection_id),
        "engagement_id": calls[0]["id"],
        "app_id": app.id,
        "grant_id": grant,
        "session_id": (await app.portal.get("/api/v1/sessions")).json()["sessions"][0]["id"],
    }


def with_ids(body: Any, ids: Mapping[str, str | None], origin: str) -> Any:
    """The body with these identifiers in the places for them; None leaves those out that may be left out."""
    if not isinstance(body, dict):
        return body
    filled = dict(body)
    for name in body:
        if name in ids:
            filled[name] = ids[name]
        elif name == "user_ids":
            filled[name] = [ids["user_id"]]
        elif name == "origin":
            filled[name] = origin
    return filled


async def test_no_route_reaches_into_another_account(database: Database, tmp_path: Path) -> None:
    """Each route of the application's document, for each role, with every identifier of another account."""
    pages = tmp_path / "other"
    pages.mkdir()
    async with a_center(database, tmp_path) as mine, a_center(database, pages) as other:
        theirs, own = await identifiers(mine), await identifiers(other)
        await staffed(other)
        document = other.server.config.app.openapi()  # type: ignore[union-attr]
        before = await everything_of(mine)
        marks = {mine.tag, mine.number, *theirs.values(), *map(str, mine.agents.values()), str(mine.queue_id)}
        wrong: list[str] = []
        asked = 0

        async def ask(client: httpx2.AsyncClient, name: str, path: str, body: Any, *may_be: int) -> None:
            nonlocal asked
            asked += 1
            method = name.partition(" ")[0]
            answer = await client.request(method, path, json=body)
            seen = [mark for mark in marks if mark in answer.text]
            if answer.status_code not in may_be or seen:
                wrong.append(f"{name} {body}: {answer.status_code} {answer.text[:200]} {seen}")

        for role in ROLES:
            portal = await other.portal(ROLE_USERS[role])
            for method, route in routes_of(other):
                name = f"{method} {route.path}"
                right = BY_ROUTE.get(name)
                if right is None or name == "GET /api/v1/live":
                    continue
                allowed = role in right.roles
                places = re.findall(r"\{(\w+)\}", route.path)
                body = body_of(method, route, document)
                if isinstance(body, dict):
                    body |= BODIES.get(name, {})
                if not places and method == "GET":
                    await ask(portal, name, route.path, None, 200 if allowed else 403, 303, 400)
                # One foreign identifier at a time: the others are the asker's own.
                for place in (place for place in places if place in theirs):
                    path = route.path.format_map({**own, "document": "standard", place: theirs[place]})
                    clean = with_ids(body, dict.fromkeys(own), other.host_origin)
                    await ask(portal, name, path, clean, 404 if allowed else 403)
                if isinstance(body, dict) and with_ids(body, theirs, mine.host_origin) != body:
                    path = route.path.format_map({**own, "document": "standard"})
                    foreign = with_ids(body, theirs, mine.host_origin)
                    await ask(portal, name, path, foreign, *((200, 404, 422) if allowed else (403,)))
        app = await App.made(other)
        token = {"Authorization": f"Bearer {(await app.let_in())['access_token']}"}
        # Last what gives the token back.
        for method, route in sorted(routes_of(other), key=lambda each: each[1].path == "/oauth/grant"):
            if scope_of(route) is not None:
                path = route.path.format_map(theirs)
                body = with_ids(body_of(method, route, document), dict.fromkeys(own), other.host_origin)
                if isinstance(body, dict):
                    body |= BODIES.get(f"{method} {route.path}", {})
                answer = await other.http.request(method, path, json=body, headers=token)
                good = (
                    answer.status_code == 404 if "{" in route.path else answer.status_code in (200, 201, 204)
                )
                if not good or any(mark in answer.text for mark in marks):
                    wrong.append(f"app: {method} {route.path}: {answer.status_code} {answer.text[:200]}")
        callbar = await other.callbar("one")
        for command in wire.Command.model_json_schema()["properties"]["name"]["enum"]:
            if command.startswith("engagement.") and command != "engagement.dial":
                more = {
                    "engagement.digits": {"digits": "1"},
                    "engagement.note": {"notes": "x"},
                    "engagement.relate": {"object_type": "Contact", "record_id": "003000000000001"},
                }.get(command, {})
                answer = await callbar.send(command, engagement_id=theirs["engagement_id"], **more)
                if answer["type"] != "refused" or answer["code"] not in (
                    "engagement_not_found",
                    "record_not_found",
                ):
                    wrong.append(f"{command}: {answer}")
        assert not wrong, "\n".join(wrong)
        assert asked > 150, asked
        after = await everything_of(mine)
        assert {name: rows for name, rows in after.items() if rows != before[name]} == {}
        # Nor has what they sent been kept on their side.
        kept = await everything_of(other)
        assert [name for name, rows in kept.items() for row in rows if any(m in row for m in marks)] == []
