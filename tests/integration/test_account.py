"""The account through its doors: settings, plan and seats, vanity names; and the operator's commands."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import structlog
from sqlalchemy import update
from tests.integration.center import PASSWORD, Center, a_center
from typer.testing import CliRunner

from tieline.cli import app
from tieline.db.database import Database
from tieline.identity.tables import account

SETTINGS = (
    "name", "vanity", "time_zone", "language", "outbound_codes", "test_phone", "web_calls", "managers_second_step",
)  # fmt: skip


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as center:
        yield center


async def put(portal: httpx2.AsyncClient, read: dict[str, Any], **other: Any) -> httpx2.Response:
    body = {"version": read["version"], **{name: read[name] for name in SETTINGS}, **other}
    return await portal.put("/api/v1/account", json=body)


async def tieline(center: Center, *arguments: str) -> tuple[int, str]:
    """Run a command of ours as an operator does; gives its exit code and what it printed."""
    environment = {
        "TIELINE_DATABASE_URL": center.db.url,
        "TIELINE_PUBLIC_URL": center.origin,
        "TIELINE_KEYS": "k:" + "a" * 43 + "=",
        "TIELINE_WEB_LISTEN": f"127.0.0.1:{center.port}",
        "TIELINE_WEB_DIST": str(center.settings.web_dist),
        "TIELINE_MEDIA_PORTS": "45000-45999",
    }
    logging = structlog.get_config()
    try:
        ran = await asyncio.to_thread(CliRunner().invoke, app, arguments, env=environment)
    finally:
        structlog.configure(**logging)  # the command's own log goes to where its output went
    return ran.exit_code, ran.output


async def test_settings_hold_at_once_and_who_changed_them_is_kept(center: Center) -> None:
    portal = await center.portal("admin")
    read = (await portal.get("/api/v1/account")).json()
    changed = await put(
        portal, read, time_zone="Asia/Tokyo", outbound_codes=["+81", "1", "81"], test_phone=False
    )
    assert changed.status_code == 200, changed.text
    now = changed.json()
    assert (now["time_zone"], now["outbound_codes"], now["version"]) == ("Asia/Tokyo", ["81", "1"], 1)
    (entry,) = now["changes"]
    assert (entry["by"], entry["changes"]["test_phone"]) == ("Admin", [True, False])
    assert "name" not in entry["changes"]
    assert (await put(portal, now)).json()["version"] == 1, "saving what is there changes nothing"


async def test_of_two_administrators_the_later_one_is_told(center: Center) -> None:
    first, second = await center.portal("admin"), await center.portal("admin")
    read = (await first.get("/api/v1/account")).json()
    assert (await put(first, read, name="First")).status_code == 200
    late = await put(second, read, name="Second")
    assert (late.status_code, late.json()["code"]) == (409, "account_changed_meanwhile")
    assert (await second.get("/api/v1/account")).json()["name"] == "First"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "), ("name", "x" * 81), ("vanity", "Ab"), ("vanity", "-acme"), ("vanity", "a--b"),
        ("vanity", "acme.x"), ("vanity", "admin"), ("time_zone", "Mars/Olympus"), ("outbound_codes", ["999"]),
        ("outbound_codes", ["１"]), ("outbound_codes", ["1"] * 201), ("language", "fr"),
    ],
)  # fmt: skip
async def test_a_wrong_setting_is_refused_and_nothing_changes(
    center: Center, field: str, value: object
) -> None:
    portal = await center.portal("admin")
    read = (await portal.get("/api/v1/account")).json()
    answer = await put(portal, read, **{"web_calls": False, field: value})
    assert answer.status_code == 422, answer.text
    assert answer.json()["params"]["field"].startswith(field)
    assert (await portal.get("/api/v1/account")).json() == read


async def test_a_former_vanity_name_leads_to_the_new_one_and_is_nobody_elses(
    center: Center, database: Database, tmp_path: Path
) -> None:
    portal = await center.portal("admin")
    read = (await portal.get("/api/v1/account")).json()
    old, new = read["vanity"], f"n{center.tag}"

    async def at(name: str) -> httpx2.Response:
        host = f"{name}.{center.settings.public_host}"
        return await center.http.get("/portal/users?x=1", headers={"Host": host})

    known, unknown = await at(old), await at("nobody-has-this")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text), (
        "names do not tell who exists"
    )
    assert (await put(portal, read, vanity=new.upper())).json()["vanity"] == new
    moved = await at(old)
    assert moved.status_code == 307
    assert moved.headers["Location"] == f"http://{new}.{center.settings.public_host}/portal/users?x=1"

    async def signs_in(name: str, email: str) -> tuple[int, str]:
        headers = {"Host": f"{name}.{center.settings.public_host}"}
        body = {"email": email, "password": PASSWORD}
        answer = await center.http.post("/api/v1/session", json=body, headers=headers)
        return answer.status_code, "" if answer.status_code == 200 else answer.json()["code"]

    own = center.email("one")
    assert await signs_in(new, own) == await signs_in(old, own) == (200, "")
    refused = (401, "credentials_wrong")
    assert await signs_in("nobody-has-this", own) == refused
    pages = tmp_path / "other"
    pages.mkdir()
    async with a_center(database, pages) as other:
        assert await signs_in(new, other.email("one")) == refused, "it is another account's address"
        theirs = await other.portal("admin")
        mine = (await theirs.get("/api/v1/account")).json()
        taken = f"t{other.tag}"
        assert (await put(theirs, mine, vanity=new)).json()["code"] == "vanity_taken"
        assert (await put(theirs, mine, vanity=taken)).status_code == 200
        back = (await portal.get("/api/v1/account")).json()
        assert (await put(portal, back, vanity=taken)).json()["code"] == "vanity_taken"
    await center.pass_time(91 * 86_400)
    assert (await at(old)).status_code == 200


async def test_seats_are_taken_by_active_users_and_given_back(center: Center) -> None:
    portal = await center.portal("admin")
    used = (await portal.get("/api/v1/account")).json()["seats_used"]
    async with center.db.system() as tx:
        await tx.execute(
            update(account).where(account.c.id == center.account_id).values(plan="pro", seats=used + 1)
        )
    new = [
        {"email": f"s{number}@{center.tag}.example", "name": "S", "language": "en", "roles": ["agent"]}
        for number in range(3)
    ]
    answers = await asyncio.gather(*(portal.post("/api/v1/users", json=each) for each in new))
    assert sorted(each.status_code for each in answers) == [201, 409, 409]
    refused = next(each for each in answers if each.status_code == 409)
    assert (refused.json()["code"], refused.json()["params"]["seats"]) == ("seats_taken", used + 1)
    one = (await portal.get("/api/v1/users", params={"search": center.email("one")})).json()["users"][0]
    body = {
        **{key: one[key] for key in ("version", "name", "language", "roles")},
        "active": False,
        "connection_id": None,
    }
    gone = await portal.put(f"/api/v1/users/{one['id']}", json=body)
    assert gone.status_code == 200, gone.text
    loser = new[next(at for at, each in enumerate(answers) if each.status_code == 409)]
    assert (await portal.post("/api/v1/users", json=loser)).status_code == 201
    again = await portal.put(
        f"/api/v1/users/{one['id']}", json={**body, "version": gone.json()["version"], "active": True}
    )
    assert again.json()["code"] == "seats_taken"


async def test_a_plan_without_applications_names_those_that_have_them(center: Center) -> None:
    portal = await center.portal("admin")
    code, output = await tieline(center, "account", "set", center.tag, "--plan", "basic", "--seats", "7")
    assert (code, "7 seats" in output) == (0, True), output
    new = {
        "name": "Second", "environment": "production", "client_id": "x", "client_secret": "y",
        "login_origin": "https://x.my.salesforce.com",
    }  # fmt: skip
    refused = await portal.post("/api/v1/connections", json=new)
    assert (refused.status_code, refused.json()["code"]) == (403, "plan_without_applications")
    assert refused.json()["params"]["plans"] == "Pro, Business, Education"
    shown = (await portal.get("/api/v1/account")).json()
    assert (shown["plan"], shown["seats"], shown["applications"]) == ("basic", 7, False)
    assert shown["changes"][0]["by"] == ""
    code, output = await tieline(center, "account", "set", center.tag, "--seats", "26")
    assert (code, "more seats than the plan has" in output) == (1, True), output


async def test_only_administrators_see_the_account(center: Center) -> None:
    agent = await center.portal("one")
    assert (await agent.get("/api/v1/account")).status_code == 403


async def test_an_operator_makes_an_account_whose_owner_signs_in_by_the_link(center: Center) -> None:
    vanity, email = f"v{center.tag}", f"owner@v{center.tag}.example"
    command = (
        "account",
        "create",
        "--name",
        "New Co",
        "--vanity",
        vanity,
        "--email",
        email,
        "--owner",
        "Olive",
    )
    code, output = await tieline(center, *command, "--plan", "gold")
    assert (code, "basic, pro, business, education" in " ".join(output.split())) == (1, True), output
    code, output = await tieline(center, *command)
    assert code == 0, output
    link = output.split()[-1]
    assert link.startswith(f"{center.origin}/portal/password#")
    chosen = {"token": link.partition("#")[2], "password": "correct horse battery"}
    assert (await center.http.post("/api/v1/password", json=chosen)).status_code == 200
    signed_in = await center.http.post(
        "/api/v1/session", json={"email": email, "password": chosen["password"]}
    )
    assert signed_in.json()["user"]["roles"] == ["administrator", "owner"]
    assert signed_in.json()["account"]["name"] == "New Co"
    code, output = await tieline(center, *command)
    assert (code, "vanity taken" in output) == (1, True), output
    code, output = await tieline(center, "account", "password-link", email)
    assert (code, "/portal/password#" in output) == (0, True), output


async def test_the_doctor_says_what_to_repair(center: Center) -> None:
    code, output = await tieline(center, "doctor")
    lines = {line[8:].partition(":")[0]: line[:6].strip() for line in output.splitlines() if line[:1] != " "}
    assert lines["Database"] == lines["Roles"] == lines["Migrations"] == lines["Web"] == "OK", output
    assert lines["Media"] == lines["Clock"] == lines["Pages"] == lines["Mail"] == "OK", output
    assert code == (0 if "REPAIR" not in output else 1)
    code, output = await tieline(center, "doctor", "--help")
    assert code == 0
    center_port, center.port = center.port, 1
    try:
        code, output = await tieline(center, "doctor")
    finally:
        center.port = center_port
    assert (code, "REPAIR  Web: nothing answers at 127.0.0.1:1" in output) == (1, True), output
    assert "Start `tieline web`" in output
