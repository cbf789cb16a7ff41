"""Users through the REST door: what administrators may do, what ends at once, and what nobody may."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from tests.integration.center import PASSWORD, Center, a_center

from tieline.db.database import Database
from tieline.identity.tables import app_user

CHOSEN = "correct horse battery"


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


async def user(portal: httpx2.AsyncClient, email: str) -> dict[str, Any]:
    found = (await portal.get("/api/v1/users", params={"search": email})).json()["users"]
    assert len(found) == 1, found
    return found[0]


def as_is(user: dict[str, Any], **other: Any) -> dict[str, Any]:
    """What the page sends back for a user, with some of it changed."""
    kept = {key: user[key] for key in ("version", "name", "language", "active")}
    roles = [role for role in user["roles"] if role != "owner"]
    connection = user["connection"]["id"] if user["connection"] else None
    return {**kept, "roles": roles, "connection_id": connection, **other}


async def test_a_user_is_added_and_chooses_a_password_by_the_link(center: Center) -> None:
    portal = await center.portal("admin")
    new = {"email": f" New@{center.tag}.Example ", "name": "New  User", "language": "ja", "roles": ["agent"]}
    made = await portal.post("/api/v1/users", json=new)
    assert made.status_code == 201, made.text
    assert made.json()["link"].startswith(f"{center.origin}/portal/password#")
    token = made.json()["link"].partition("#")[2]
    email = f"new@{center.tag}.example"
    row = await user(portal, email)
    assert (row["name"], row["language"], row["roles"], row["invited"]) == ("New User", "ja", ["agent"], True)
    assert (await portal.post("/api/v1/users", json=new)).json()["code"] == "email_taken"

    sign_in = {"email": email, "password": CHOSEN}
    assert (await center.http.post("/api/v1/session", json=sign_in)).status_code == 401
    for easy in ("short", "a" * 30, f"{email}-123", "1212121212"):
        refused = await center.http.post("/api/v1/password", json={"token": token, "password": easy})
        assert (refused.status_code, refused.json()["params"]["field"]) == (422, "password"), easy
    chosen = await center.http.post("/api/v1/password", json={"token": token, "password": CHOSEN})
    assert chosen.json() == {"email": email}
    assert (await center.http.post("/api/v1/session", json=sign_in)).status_code == 200
    again = await center.http.post("/api/v1/password", json={"token": token, "password": CHOSEN})
    assert (again.status_code, again.json()["code"]) == (403, "link_invalid")
    assert not (await user(portal, email))["invited"]


async def test_a_newer_link_ends_the_older_and_time_ends_both(center: Center) -> None:
    portal = await center.portal("admin")
    one = await user(portal, center.email("one"))
    links = [(await portal.post(f"/api/v1/users/{one['id']}/password-link")).json()["link"] for _ in range(2)]
    bodies = [{"token": link.partition("#")[2], "password": CHOSEN} for link in links]
    assert (await center.http.post("/api/v1/password", json=bodies[0])).status_code == 403
    await center.pass_time(3 * 86_400 + 1)
    assert (await center.http.post("/api/v1/password", json=bodies[1])).status_code == 403


async def test_two_administrators_do_not_undo_each_other(center: Center) -> None:
    portal = await center.portal("admin")
    one = await user(portal, center.email("one"))
    path = f"/api/v1/users/{one['id']}"
    assert (await portal.put(path, json=as_is(one, name="First"))).json()["name"] == "First"
    late = await portal.put(path, json=as_is(one, name="Second"))
    assert (late.status_code, late.json()["code"]) == (409, "changed_meanwhile")
    assert (await portal.get(path)).json()["name"] == "First"


async def test_what_is_taken_from_an_agent_ends_at_once(center: Center) -> None:
    portal = await center.portal("admin")
    callbar = await center.callbar("one")
    one = await user(portal, center.email("one"))
    assert one["connection"]["id"] == str(center.connection_id)
    off = {"user_ids": [one["id"]], "connection_id": None}
    assert (await portal.put("/api/v1/users/client-integration", json=off)).json() == {"changed": 1}
    async with asyncio.timeout(5):
        await callbar.socket.wait_closed()
    assert (await portal.put("/api/v1/users/client-integration", json=off)).json() == {"changed": 0}

    agent = await center.portal("two")
    two = await user(portal, center.email("two"))
    gone = await portal.put(f"/api/v1/users/{two['id']}", json=as_is(two, active=False))
    assert gone.status_code == 200, gone.text
    assert (await agent.get("/api/v1/engagements")).status_code == 401
    refused = {"email": center.email("two"), "password": PASSWORD}
    assert (await center.http.post("/api/v1/session", json=refused)).status_code == 401
    found = (await portal.get("/api/v1/users", params={"active": "false"})).json()
    assert [each["email"] for each in found["users"]] == [center.email("two")]


async def test_an_account_has_one_owner_who_hands_it_over(center: Center, database: Database) -> None:
    async with database.system() as tx:
        await tx.execute(
            update(app_user)
            .where(app_user.c.email == center.email("admin"))
            .values(roles=["owner", "administrator"])
        )
    portal = await center.portal("admin")
    admin, one = await user(portal, center.email("admin")), await user(portal, center.email("one"))
    mine = f"/api/v1/users/{admin['id']}"
    for wrong in ({"active": False}, {"roles": ["supervisor"]}):
        answer = await portal.put(mine, json=as_is(admin, **wrong))
        assert (answer.status_code, answer.json()["code"]) == (403, "owner_protected"), wrong
    assert (await portal.put(mine, json=as_is(admin, roles=["owner"]))).status_code == 422
    agent = await center.portal("one")
    assert (await agent.post(f"/api/v1/users/{one['id']}/owner")).status_code == 403
    assert (await portal.post(f"/api/v1/users/{one['id']}/owner")).status_code == 204
    assert (await user(portal, center.email("one")))["roles"] == ["owner", "administrator", "agent"]
    assert (await user(portal, center.email("admin")))["roles"] == ["administrator"]
    # An administrator does not become the owner by way of a password.
    link = await portal.post(f"/api/v1/users/{one['id']}/password-link")
    assert link.json()["code"] == "owner_protected"
    assert (await portal.post(f"{mine}/owner")).status_code == 403


async def test_who_changed_what_of_a_user_is_kept(center: Center) -> None:
    portal = await center.portal("admin")
    new = {"email": f"kept@{center.tag}.example", "name": "Kept", "language": "en", "roles": ["agent"]}
    id = (await portal.post("/api/v1/users", json=new)).json()["id"]
    path = f"/api/v1/users/{id}"

    async def put(**other: Any) -> None:
        now = (await portal.get(path)).json()
        assert (await portal.put(path, json=as_is(now, **other))).status_code == 200

    await put(roles=["supervisor"], connection_id=str(center.connection_id))
    await put()
    await put(active=False)
    off = {"user_ids": [id], "connection_id": None}
    assert (await portal.put("/api/v1/users/client-integration", json=off)).json() == {"changed": 1}
    skills = {"skills": [{"name": "Billing", "level": 3}]}
    for _ in range(2):
        assert (await portal.put(f"{path}/skills", json=skills)).status_code == 200
    told = (await portal.get(f"{path}/changes")).json()["changes"]
    assert {each["by"] for each in told} == {"Admin"}
    assert [each["changes"] for each in told] == [
        {"skills": [{}, {"Billing": 3}]},
        {"client_integration": ["CRM", None]},
        {"active": [True, False]},
        {"roles": [["agent"], ["supervisor"]], "client_integration": [None, "CRM"]},
        {"email": [None, new["email"]], "name": [None, "Kept"], "roles": [None, ["agent"]]},
    ]


async def test_users_are_found_and_paged(center: Center) -> None:
    portal = await center.portal("admin")
    for number in range(5):
        new = {"email": f"p{number}@{center.tag}.example", "name": f"Page_{number}", "language": "en"}
        assert (await portal.post("/api/v1/users", json={**new, "roles": ["supervisor"]})).status_code == 201
    names: list[str] = []
    after = ""
    while True:
        query = {"search": "page_", "limit": 2, "after": after}
        page = (await portal.get("/api/v1/users", params=query)).json()
        assert page["total"] == 5
        names += [each["name"] for each in page["users"]]
        if page["next"] is None:
            break
        after = page["next"]
    assert names == [f"Page_{number}" for number in range(5)]
    # A percent sign is looked for as such.
    assert (await portal.get("/api/v1/users", params={"search": "%"})).json()["total"] == 0
    supervisors = (await portal.get("/api/v1/users", params={"role": "supervisor"})).json()["total"]
    assert supervisors >= 5
    assert (await portal.get("/api/v1/users", params={"after": "nonsense"})).status_code == 422


async def test_only_administrators_of_the_account_see_its_users(
    center: Center, database: Database, tmp_path: Path
) -> None:
    agent = await center.portal("one")
    assert (await agent.get("/api/v1/users")).status_code == 403
    admin = await center.portal("admin")
    mine = await user(admin, center.email("one"))
    pages = tmp_path / "other"
    pages.mkdir()
    async with a_center(database, pages) as other:
        stranger = await other.portal("admin")
        assert center.tag not in (await stranger.get("/api/v1/users", params={"limit": 200})).text
        for method, path, body in (
            ("GET", f"/api/v1/users/{mine['id']}", None),
            ("PUT", f"/api/v1/users/{mine['id']}", as_is(mine)),
            ("POST", f"/api/v1/users/{mine['id']}/password-link", None),
        ):
            assert (await stranger.request(method, path, json=body)).status_code in (404, 422), path
        off = {"user_ids": [mine["id"]], "connection_id": None}
        assert (await stranger.put("/api/v1/users/client-integration", json=off)).json() == {"changed": 0}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no-address"), ("email", "a b@example.com"), ("email", "@example.com"), ("name", "   "),
        ("name", "x" * 121), ("roles", []), ("roles", ["owner"]), ("language", "fr"), ("connection_id", "nonsense"),
    ],
)  # fmt: skip
async def test_a_bad_user_is_refused(center: Center, field: str, value: object) -> None:
    portal = await center.portal("admin")
    good = {"email": f"x@{center.tag}.example", "name": "X", "language": "en", "roles": ["agent"]}
    answer = await portal.post("/api/v1/users", json={**good, field: value})
    assert answer.status_code in (404, 422), answer.text
