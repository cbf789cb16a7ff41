"""Signing in, all of it, over real HTTP: reset by mail, lock-out, the second step, sessions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import delete, select, text, update
from tests.integration.center import PASSWORD, Center, a_center

from tieline.db.database import Database
from tieline.identity import totp
from tieline.identity.tables import account, app_user, recovery_code, sign_in_failure
from tieline.mail.tables import mail
from tieline.settings import MailSettings

CHOSEN = "correct horse battery"


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with database.system() as tx:
        await tx.execute(delete(sign_in_failure))
        await tx.execute(delete(mail))
    async with a_center(database, tmp_path, mail=MailSettings("t@example.com", None)) as center:
        yield center


async def sign_in(
    center: Center, name: str, code: str | None = None, password: str = PASSWORD
) -> httpx2.Response:
    body = {"email": center.email(name), "password": password, **({"code": code} if code else {})}
    return await center.http.post("/api/v1/session", json=body)


async def mails(center: Center, count: int) -> list[dict[str, Any]]:
    """What the mailbox holds, once it is so many."""
    async with asyncio.timeout(10):
        while len(found := (await center.http.get("/api/v1/mailbox")).json()["mails"]) < count:
            await asyncio.sleep(0.02)
    return found


async def code_of(center: Center, secret: str) -> str:
    async with center.db.system() as tx:
        return totp.code_at(secret, int(tx.now.timestamp()) // totp.STEP_S)


async def enrolled(center: Center, portal: httpx2.AsyncClient) -> tuple[str, list[str]]:
    begun = (await portal.post("/api/v1/second-step")).json()
    assert begun["picture"].startswith("data:image/svg+xml") and begun["secret"] in begun["uri"]
    done = await portal.put("/api/v1/second-step", json={"code": await code_of(center, begun["secret"])})
    assert done.status_code == 200, done.text
    return begun["secret"], done.json()["recovery_codes"]


# -- a forgotten password ---


async def test_a_forgotten_password_is_chosen_anew_by_the_mailed_link(center: Center) -> None:
    portal = await center.portal("one")
    asked = await center.http.post("/api/v1/password-reset", json={"email": center.email("one").upper()})
    assert (asked.status_code, asked.json()) == (202, {})
    (letter,) = await mails(center, 1)
    found = re.search(r"/portal/password#(\S+)", letter["text"])
    assert found
    body = {"token": found[1], "password": CHOSEN}
    assert (await center.http.post("/api/v1/password", json=body)).json() == {"email": center.email("one")}
    assert (await portal.get("/api/v1/engagements")).status_code == 401, "sessions end"
    assert (await sign_in(center, "one")).status_code == 401
    assert (await sign_in(center, "one", password=CHOSEN)).status_code == 200
    assert (await center.http.post("/api/v1/password", json=body)).json()["code"] == "link_invalid"
    assert len(await mails(center, 2)) == 2, "the user is told that it was changed"


async def test_nobody_learns_which_addresses_are_users(center: Center) -> None:
    answers = []
    for email in (center.email("one"), f"nobody@{center.tag}.example"):
        for _ in range(5):
            answer = await center.http.post("/api/v1/password-reset", json={"email": email})
            answers.append((answer.status_code, answer.text))
    assert set(answers) == {(202, "{}")}
    # Three an hour are mailed, however often somebody asks.
    assert len(await mails(center, 3)) == 3
    for _ in range(10):
        await center.http.post("/api/v1/password-reset", json={"email": "x@example.com"})
    refused = await center.http.post("/api/v1/password-reset", json={"email": "x@example.com"})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 3600


async def test_a_reset_link_is_too_old_after_an_hour(center: Center) -> None:
    await center.http.post("/api/v1/password-reset", json={"email": center.email("two")})
    (letter,) = await mails(center, 1)
    await center.pass_time(3601)
    token = letter["text"].partition("/portal/password#")[2].split()[0]
    answer = await center.http.post("/api/v1/password", json={"token": token, "password": CHOSEN})
    assert answer.json()["code"] == "link_invalid"


async def test_without_mail_an_administrator_is_named(database: Database, tmp_path: Path) -> None:
    async with a_center(database, tmp_path) as center:
        answer = await center.http.post("/api/v1/password-reset", json={"email": center.email("one")})
        assert (answer.status_code, answer.json()["code"]) == (409, "no_mail")


@pytest.mark.parametrize(
    "easy", ["Password123!", "qwertyuiop12", "letmein2024!", "1234567890ab", "iloveyou1234"]
)
async def test_a_common_password_is_refused_and_the_link_stays_good(center: Center, easy: str) -> None:
    portal = await center.portal("admin")
    one = (await portal.get("/api/v1/users", params={"search": center.email("one")})).json()["users"][0]
    link = (await portal.post(f"/api/v1/users/{one['id']}/password-link")).json()["link"]
    token = link.partition("#")[2]
    refused = await center.http.post("/api/v1/password", json={"token": token, "password": easy})
    assert (refused.status_code, refused.json()["params"]["reason"]) == (422, "easy")
    chosen = await center.http.post("/api/v1/password", json={"token": token, "password": CHOSEN})
    assert chosen.status_code == 200


async def test_after_too_many_wrong_passwords_even_the_right_one_waits(center: Center) -> None:
    for _ in range(8):
        assert (await sign_in(center, "one", password="wrong")).status_code == 401
    locked = await sign_in(center, "one")
    assert (locked.status_code, locked.json()["code"]) == (429, "too_many_attempts")
    wait = int(locked.headers["Retry-After"])
    assert 0 < wait <= 300
    assert (await sign_in(center, "two")).status_code == 200, "others sign in"
    await center.pass_time(wait + 1)
    assert (await sign_in(center, "one")).status_code == 200


# -- the second step ---


async def test_a_user_with_an_app_signs_in_with_a_code_that_counts_once(center: Center) -> None:
    other = await center.portal("one")
    portal = await center.portal("one")
    secret, codes = await enrolled(center, portal)
    assert len(set(codes)) == 10
    assert (await other.get("/api/v1/engagements")).status_code == 401, "other sessions end"
    assert (await sign_in(center, "one")).json()["code"] == "code_needed"
    used = await code_of(center, secret)
    assert (await sign_in(center, "one", used)).json()["code"] == "code_wrong", "it was used to switch it on"
    await center.pass_time(30)
    fresh = await code_of(center, secret)
    assert (await sign_in(center, "one", f"{fresh[:3]} {fresh[3:]}")).status_code == 200
    assert (await sign_in(center, "one", fresh)).json()["code"] == "code_wrong"
    assert (await sign_in(center, "one", codes[0].upper())).status_code == 200
    assert (await sign_in(center, "one", codes[0])).json()["code"] == "code_wrong"
    assert (await portal.get("/api/v1/second-step")).json() == {
        "on": True,
        "missing": False,
        "recovery_codes_left": 9,
    }
    async with center.db.system() as tx:
        sealed = await tx.scalar(
            select(app_user.c.totp_secret).where(app_user.c.email == center.email("one"))
        )
        hashes = await tx.all(select(recovery_code.c.code_hash))
    assert secret.encode() not in sealed
    assert not any(codes[1].encode() in row.code_hash for row in hashes)


async def test_guessing_codes_ends_soon_also_inside_a_session(center: Center) -> None:
    portal = await center.portal("one")
    secret, _ = await enrolled(center, portal)
    for _ in range(5):
        assert (await sign_in(center, "one", "000000")).status_code == 401
        assert (await portal.post("/api/v1/second-step/off", json={"code": "000000"})).status_code == 422
    await center.pass_time(30)
    assert (await sign_in(center, "one", await code_of(center, secret))).status_code == 429
    good = {"code": await code_of(center, secret)}
    assert (await portal.post("/api/v1/second-step/off", json=good)).status_code == 429
    await center.pass_time(3600)
    good = {"code": await code_of(center, secret)}
    assert (await portal.post("/api/v1/second-step/off", json=good)).status_code == 204
    assert (await sign_in(center, "one")).status_code == 200


async def test_an_administrator_takes_the_step_of_a_lost_phone_away(center: Center) -> None:
    portal = await center.portal("one")
    await enrolled(center, portal)
    admin = await center.portal("admin")
    one = (await admin.get("/api/v1/users", params={"search": center.email("one")})).json()["users"][0]
    assert one["second_step"]
    assert (await portal.delete(f"/api/v1/users/{one['id']}/second-step")).status_code == 403
    assert (await admin.delete(f"/api/v1/users/{one['id']}/second-step")).status_code == 204
    assert (await portal.get("/api/v1/engagements")).status_code == 401
    assert (await sign_in(center, "one")).status_code == 200
    assert len(await mails(center, 1)) == 1


async def test_where_managers_need_a_step_nothing_else_is_open_until_it_is_there(center: Center) -> None:
    admin, agent = await center.portal("admin"), await center.portal("one")
    async with center.db.system() as tx:
        await tx.execute(
            update(account).where(account.c.id == center.account_id).values(managers_second_step=True)
        )
    refused = await admin.get("/api/v1/users")
    assert (refused.status_code, refused.json()["code"]) == (403, "second_step_missing")
    assert (await admin.get("/api/v1/session")).json()["user"]["second_step"] == "missing"
    assert (await agent.get("/api/v1/engagements")).status_code == 200
    await enrolled(center, admin)
    assert (await admin.get("/api/v1/users")).status_code == 200


def test_codes_are_those_of_the_rfc() -> None:
    # RFC 6238, appendix B, for SHA-1; the last six of its eight digits.
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    for seconds, code in ((59, "287082"), (1111111109, "081804"), (20000000000, "353130")):
        assert totp.code_at(secret, seconds // 30) == code


# -- sessions ---


async def test_a_user_sees_where_they_are_signed_in_and_ends_it(center: Center) -> None:
    chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
    center.http.headers["User-Agent"] = chrome
    assert (await sign_in(center, "one")).status_code == 200
    center.http.cookies.clear()
    callbar = await center.callbar("one")
    portal = await center.portal("one")
    sessions = (await portal.get("/api/v1/sessions")).json()["sessions"]
    # The pop-up's portal session is one as well.
    assert sorted(each["kind"] for each in sessions) == ["callbar", "portal", "portal", "portal"]
    assert [each["current"] for each in sessions].count(True) == 1
    assert any(each["device"] == "Chrome, Windows" and each["address"] == "127.0.0.1" for each in sessions)
    theirs = next(each["id"] for each in sessions if each["kind"] == "callbar")
    stranger = await center.portal("two")
    assert (await stranger.delete(f"/api/v1/sessions/{theirs}")).status_code == 404
    for _ in range(2):
        assert (await portal.delete(f"/api/v1/sessions/{theirs}")).status_code == 204
    async with asyncio.timeout(5):
        await callbar.socket.wait_closed()
    assert (await portal.delete("/api/v1/sessions/others")).json() == {"ended": 2}
    (left,) = (await portal.get("/api/v1/sessions")).json()["sessions"]
    assert left["current"]
    await center.pass_time(120)
    async with center.db.system() as tx:
        before = await tx.scalar(
            text("SELECT max(last_used_at) FROM session WHERE id = :id"), {"id": left["id"]}
        )
    await portal.get("/api/v1/sessions")
    async with center.db.system() as tx:
        after = await tx.scalar(
            text("SELECT max(last_used_at) FROM session WHERE id = :id"), {"id": left["id"]}
        )
    assert after > before
