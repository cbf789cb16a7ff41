"""Users from a CSV file over real HTTP: what it says before, what it does, and what it refuses."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select
from tests.integration.center import Center, a_center

from tieline.db.database import Database
from tieline.mail.tables import mail
from tieline.queues.tables import queue_member
from tieline.settings import MailSettings

HEAD = "email,name,language,roles,queues,client_integration,active\n"


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path, mail=MailSettings("t@example.com", None)) as center:
        yield center


async def sent(portal: httpx2.AsyncClient, body: str | bytes, **query: Any) -> dict[str, Any]:
    answer = await portal.post("/api/v1/users/import", params=query, content=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def counts(answer: dict[str, Any]) -> tuple[int, int, int, int]:
    return answer["new"], answer["changed"], answer["same"], answer["wrong"]


async def test_a_file_is_shown_before_it_is_written_and_twice_is_once(center: Center) -> None:
    portal = await center.portal("admin")
    queue = (await portal.get("/api/v1/queues")).json()["queues"][0]["name"]
    email = f"hanako@{center.tag}.example"
    body = (
        HEAD
        + f"{email.upper()},山田 花子,ja,agent;supervisor,{queue},CRM,yes\n"
        + f"{center.email('one')},Renamed,en,agent,,CRM,\n"
        + f"bad@{center.tag}.example,Bad,en,boss,,,\n"
    )
    plan = await sent(portal, body)
    assert (counts(plan), plan["written"]) == ((1, 1, 0, 1), False)
    assert plan["lines"][0] | {"number": 0} == {
        "number": 0, "email": f"bad@{center.tag}.example", "name": "Bad", "kind": "wrong",
        "reason": "roles", "value": "boss",
    }  # fmt: skip
    assert plan["lines"][0]["number"] == 4
    before = await portal.get("/api/v1/users", params={"search": email})
    assert before.json()["total"] == 0
    done = await sent(portal, body, write=True, invite=True)
    assert counts(done) == (1, 1, 0, 1)
    made = (await portal.get("/api/v1/users", params={"search": email})).json()["users"][0]
    assert (made["name"], made["language"], made["roles"]) == ("山田 花子", "ja", ["agent", "supervisor"])
    assert (made["connection"]["name"], made["invited"]) == ("CRM", True)
    async with center.db.account(center.account_id) as tx:
        members = {row.user_id for row in await tx.all(select(queue_member))}
        letters = await tx.all(select(mail.c.recipient))
    assert str(made["id"]) in {str(id) for id in members}
    assert center.agents["one"] not in members, "the file's empty cell is no queue"
    assert [row.recipient for row in letters] == [email]
    assert counts(await sent(portal, body, write=True, invite=True)) == (0, 0, 2, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
async def test_what_spreadsheets_write_is_read(center: Center, encoding: str, separator: str) -> None:
    portal = await center.portal("admin")
    cells = [["メールアドレス", "氏名", "ロール"], [f"x@{center.tag}.example", "髙橋 美咲", "エージェント"]]
    body = "\r\n".join(separator.join(row) for row in cells).encode(encoding)
    answer = await sent(portal, body)
    assert counts(answer) == (1, 0, 0, 0), answer
    assert answer["lines"][0]["name"] == "髙橋 美咲"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("=cmd|x@example.com,A,,,,,", "formula"), ("a@example.com,+1+1,,,,,", "formula"),
        ("nobody,A,,,,,", "email"), ("a@example.com,,,,,,", "name"), ("a@example.com,A,fr,,,,", "language"),
        ("a@example.com,A,,,nowhere,,", "queues"), ("a@example.com,A,,,,Nothing,", "client_integration"),
        ("a@example.com,A,,,,,maybe", "active"), ("a@example.com,A,,,,,no", "inactive_new"),
    ],
)  # fmt: skip
async def test_a_wrong_line_is_told_and_left_out(center: Center, line: str, reason: str) -> None:
    portal = await center.portal("admin")
    good = f"ok@{center.tag}.example,Ok,,,,,\n"
    answer = await sent(portal, HEAD + good + line + "\n" + good, write=True)
    assert counts(answer) == (1, 0, 0, 2)
    assert [each["reason"] for each in answer["lines"]][:2] == [reason, "twice"]


async def test_an_address_of_another_account_is_refused_when_written(
    center: Center, database: Database, tmp_path: Path
) -> None:
    pages = tmp_path / "other"
    pages.mkdir()
    async with a_center(database, pages) as other:
        portal = await center.portal("admin")
        body = HEAD + f"{other.email('one')},Taken,,,,,\n"
        assert counts(await sent(portal, body)) == (1, 0, 0, 0), "a preview does not tell who is there"
        answer = await sent(portal, body, write=True)
        assert (counts(answer), answer["lines"][0]["reason"]) == ((0, 0, 0, 1), "email_taken")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "columns"), (b"name,roles\nA,agent\n", "columns"), (HEAD.encode(), "empty"),
        (b"email,name,email\n", "column_twice"), (b"email,name,salary\nx,y,1\n", "column_unknown"),
        (b"email,name\n" + b"a@example.com,A\n" * 10_001, "many"), (b"\x89PNG\r\n\x1a\n\x00\x00", "encoding"),
        (b'email,name\n"a@example.com,A', "form"),
    ],
)  # fmt: skip
async def test_a_wrong_file_is_refused_whole(center: Center, body: bytes, reason: str) -> None:
    portal = await center.portal("admin")
    answer = await portal.post("/api/v1/users/import", content=body)
    assert (answer.status_code, answer.json()["params"]["reason"]) == (422, reason)


async def test_a_hundred_thousand_lines_are_refused_at_once(center: Center) -> None:
    portal = await center.portal("admin")
    for line, status, code in (
        (b"a@example.com,A\n", 422, "import_file_invalid"),
        (b"a-much-longer-address@example.com,A B\n", 413, "body_too_large"),
    ):
        began = time.monotonic()
        answer = await portal.post("/api/v1/users/import", content=b"email,name\n" + line * 120_000)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert time.monotonic() - began < 5


async def test_the_template_can_be_imported_but_for_its_examples(center: Center) -> None:
    portal = await center.portal("admin")
    template = await portal.get("/api/v1/users/import-template")
    assert template.headers["Content-Disposition"].startswith("attachment")
    answer = await sent(portal, template.content)
    assert {each["reason"] for each in answer["lines"]} <= {"queues", "client_integration", None}
    agent = await center.portal("one")
    assert (await agent.get("/api/v1/users/import-template")).status_code == 403
    assert (await agent.post("/api/v1/users/import", content=template.content)).status_code == 403


async def test_ten_thousand_users_are_imported_and_paged(center: Center) -> None:
    portal = await center.portal("admin")
    portal.timeout = httpx2.Timeout(120)
    queue = (await portal.get("/api/v1/queues")).json()["queues"][0]["name"]
    there = (await portal.get("/api/v1/users")).json()["total"]

    def file(role: str) -> str:
        rows = (f"u{n}@{center.tag}.example,User {n:05},ja,{role},{queue},CRM,yes" for n in range(10_000))
        return HEAD + "\n".join(rows)

    async def timed(what: str, body: str, **query: Any) -> tuple[int, int, int, int]:
        began = time.monotonic()
        answer = await sent(portal, body, **query)
        took = time.monotonic() - began
        print(f"{what} of 10,000 users: {took:.1f} s")
        assert took < 60, what
        assert len(answer["lines"]) == 10_000
        return counts(answer)

    assert await timed("preview", file("agent")) == (10_000, 0, 0, 0)
    assert await timed("import with invitations", file("agent"), write=True, invite=True) == (10_000, 0, 0, 0)
    assert await timed("the same again", file("agent"), write=True, invite=True) == (0, 0, 10_000, 0)
    assert await timed("changing", file("agent;supervisor"), write=True) == (0, 10_000, 0, 0)
    async with center.db.account(center.account_id) as tx:
        assert await tx.scalar(select(func.count()).select_from(mail)) == 10_000
        assert await tx.scalar(select(func.count()).select_from(queue_member)) == 10_002

    took: list[float] = []
    for query in (
        {},
        {"search": "user 09"},
        {"role": "agent"},
        {"connection": str(center.connection_id)},
    ) * 5:
        began = time.monotonic()
        page = (await portal.get("/api/v1/users", params=query)).json()
        took.append(time.monotonic() - began)
        assert len(page["users"]) == 50 and page["next"]
    assert (await portal.get("/api/v1/users")).json()["total"] == there + 10_000
    print(f"pages of 10,000 users: p95 {sorted(took)[-2] * 1000:.0f} ms")
    assert sorted(took)[len(took) // 2] < 1.0
