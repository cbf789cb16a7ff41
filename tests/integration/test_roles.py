"""The table of roles against the running application: route by route, for every role, as the table says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import update
from tests.integration.center import PASSWORD, Center, a_center
from tests.integration.routes import path_of, routes_of

from tieline.db.database import Database
from tieline.identity import people, roles
from tieline.identity.tables import app_user

CATALOGUES = Path(__file__).resolve().parents[2] / "web" / "src" / "admin" / "locales"
ENDS_SESSIONS = ("DELETE /api/v1/session", "DELETE /api/v1/sessions")
ENDLESS = "GET /api/v1/live"


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        async with database.system(center.account_id) as tx:
            for role in ("owner", "supervisor"):
                await people.make_user(
                    tx, email=center.email(role), name=role, language="en", roles=[role], password=PASSWORD
                )
            owners = update(app_user).where(app_user.c.email == center.email("owner"))
            await tx.execute(owners.values(roles=["owner", "administrator"]))
        yield center


USERS = {"owner": "owner", "administrator": "admin", "supervisor": "supervisor", "agent": "one"}


def test_the_table_names_the_applications_routes_and_no_others(center: Center) -> None:
    found = {f"{method} {route.path}" for method, route in routes_of(center)}
    named = set(roles.BY_ROUTE) | roles.OPEN
    assert named - found == {"GET /api/v1/mailbox"}, "the mailbox is there where there is no mail server"
    assert found <= named
    assert not set(roles.BY_ROUTE) & roles.OPEN
    assert len(roles.BY_ROUTE) == sum(len(right.routes) for right in roles.RIGHTS), "a route has one right"


@pytest.mark.parametrize("role", roles.ROLES)
async def test_each_role_is_let_in_where_the_table_says_and_nowhere_else(center: Center, role: str) -> None:
    portal = await center.portal(USERS[role])
    session = (await portal.get("/api/v1/session")).json()["user"]
    assert session["rights"] == [right.key for right in roles.RIGHTS if role in right.roles]
    wrong: list[str] = []
    # Those that end the session come last.
    routes = [(f"{method} {route.path}", method, path_of(route)) for method, route in routes_of(center)]
    for name, method, path in sorted(routes, key=lambda each: each[0] in ENDS_SESSIONS):
        right = roles.BY_ROUTE.get(name)
        if right is None or (name == ENDLESS and role in right.roles):
            continue
        # Without a body: who may come in is asked before what was sent is looked at.
        answer = await portal.request(method, path)
        refused = answer.status_code == 403 and answer.json()["code"] == "not_allowed"
        if refused == (role in right.roles) or answer.status_code in (401, 500):
            wrong.append(f"{name}: {answer.status_code} {answer.text[:100]}")
        if name in ENDS_SESSIONS:
            portal = await center.portal(USERS[role])
        nobody = await center.http.request(method, path)
        if nobody.status_code != 401:
            wrong.append(f"{name} without a session: {nobody.status_code}")
    assert wrong == []


async def test_everybody_can_read_the_table_and_each_right_has_its_words(center: Center) -> None:
    told = (await (await center.portal("one")).get("/api/v1/roles")).json()
    assert told["roles"] == list(roles.ROLES)
    assert {right["key"]: tuple(right["roles"]) for right in told["rights"]} == {
        right.key: right.roles for right in roles.RIGHTS
    }
    for language in ("en", "ja"):
        words = json.loads((CATALOGUES / f"{language}.json").read_text("utf-8"))
        rights = {key.removeprefix("right.") for key in words if key.startswith("right.")}
        assert rights == {right.key for right in roles.RIGHTS}, language
