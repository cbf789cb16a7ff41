"""Mail: posted with what causes it, sent once by the worker over a real SMTP conversation, tried again, given up."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import delete, select
from tests.integration.center import Center, a_center
from tests.ports import free_ports

from tieline.app import create_app
from tieline.db.database import Database
from tieline.mail.post import Post
from tieline.mail.sending import Sending
from tieline.mail.tables import mail
from tieline.settings import MailSettings, SettingsError, Smtp, read_settings

SENDER = "Tieline <no-reply@tieline.example>"


class Inbox:
    """What a mail server does with mails: keeps them, or says no."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.content, policy=default))  # type: ignore[arg-type]
        return self.answer


@pytest.fixture
def inbox() -> Iterator[tuple[Inbox, Smtp]]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=free_ports())
    controller.start()
    try:
        yield inbox, Smtp("127.0.0.1", controller.port, "", "", "none")
    finally:
        controller.stop()


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with database.system() as tx:
        await tx.execute(delete(mail))
    async with a_center(database, tmp_path, mail=MailSettings(SENDER, None)) as center:
        yield center


def sending(center: Center, smtp: Smtp | None) -> Sending:
    settings = replace(center.settings, mail=MailSettings(SENDER, smtp))
    return Sending(center.db, Post(settings))


async def invite(center: Center, language: str = "ja") -> dict[str, Any]:
    portal = await center.portal("admin")
    new = {"email": f"n@{center.tag}.example", "name": "新人", "language": language, "roles": ["agent"]}
    answer = await portal.post("/api/v1/users", json=new)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def rows(center: Center) -> list[Any]:
    async with center.db.account(center.account_id) as tx:
        return await tx.all(select(mail).order_by(mail.c.created_at))


async def test_an_invitation_is_sent_once_and_forgotten(center: Center, inbox: tuple[Inbox, Smtp]) -> None:
    made = await invite(center)
    assert made["mailed"]
    (waiting,) = await rows(center)
    # The link is in nobody's reach who sees the rows.
    assert made["link"].partition("#")[2].encode() not in waiting.sealed
    box, smtp = inbox
    worker = sending(center, smtp)
    assert await worker.send_one()
    assert not await worker.send_one()
    (letter,) = box.mails
    assert (letter["To"], letter["From"]) == (f"n@{center.tag}.example", SENDER)
    assert letter["Subject"] == f"Admin さんから Account {center.tag} コンタクトセンターへの招待"
    assert letter["Auto-Submitted"] == "auto-generated"
    plain, rich = letter.get_body(("plain",)), letter.get_body(("html",))
    assert plain is not None and rich is not None
    assert made["link"] in plain.get_content() and f'href="{made["link"]}"' in rich.get_content()
    (sent,) = await rows(center)
    assert (sent.state, sent.sealed, sent.attempts) == ("sent", None, 1)


async def test_a_server_that_is_away_gets_it_later(center: Center, inbox: tuple[Inbox, Smtp]) -> None:
    await invite(center)
    box, smtp = inbox
    nowhere = sending(center, replace(smtp, port=1))
    assert await nowhere.send_one()
    (row,) = await rows(center)
    assert (row.state, row.reason, row.attempts) == ("waiting", "unreachable", 1)
    assert not await nowhere.send_one(), "not before its time"
    await center.pass_time(21)
    box.answer = "451 busy"
    worker = sending(center, smtp)
    assert await worker.send_one()
    await center.pass_time(3600)
    box.answer = "250 OK"
    assert await worker.send_one()
    assert len(box.mails) == 1
    assert (await rows(center))[0].state == "sent"


async def test_what_is_refused_or_too_late_is_given_up_with_a_reason(
    center: Center, inbox: tuple[Inbox, Smtp]
) -> None:
    await invite(center)
    box, smtp = inbox
    box.answer = "550 no such user"
    assert await sending(center, smtp).send_one()
    (row,) = await rows(center)
    assert (row.state, row.reason, row.sealed) == ("failed", "content_refused", None)
    portal = await center.portal("admin")
    one = (await portal.get("/api/v1/users", params={"search": center.email("one")})).json()["users"][0]
    assert (await portal.post(f"/api/v1/users/{one['id']}/password-link")).json()["mailed"]
    await center.pass_time(3 * 86_400)
    box.answer = "250 OK"
    assert await sending(center, smtp).send_one()
    assert (await rows(center))[-1].state == "failed"
    assert box.mails == []


async def test_without_encryption_no_mail_leaves_by_starttls(
    center: Center, inbox: tuple[Inbox, Smtp]
) -> None:
    await invite(center)
    box, smtp = inbox
    assert await sending(center, replace(smtp, security="starttls")).send_one()
    assert (await rows(center))[0].reason == "not_supported"
    assert box.mails == []


async def test_the_demos_mailbox_shows_mails_and_a_real_installation_has_none(
    center: Center, inbox: tuple[Inbox, Smtp]
) -> None:
    made = await invite(center, "en")
    assert await sending(center, None).send_one()
    (shown,) = [
        each
        for each in (await center.http.get("/api/v1/mailbox")).json()["mails"]
        if center.tag in each["to"]
    ]
    assert shown["subject"].startswith("Admin invites you to")
    assert re.search(r"/portal/password#\S{40,}", shown["text"])
    assert made["link"] in shown["text"]
    for settings in (None, MailSettings(SENDER, inbox[1])):
        app = create_app(replace(center.settings, mail=settings), web=center.web)
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url=center.origin) as client:
            assert (await client.get("/api/v1/mailbox")).status_code == 404


GOOD = {
    "TIELINE_DATABASE_URL": "postgresql://x",
    "TIELINE_PUBLIC_URL": "https://contact.example.com",
    "TIELINE_KEYS": "k:" + "a" * 43 + "=",
    "TIELINE_MAIL_FROM": SENDER,
}


@pytest.mark.parametrize(
    ("url", "smtp"),
    [
        ("smtps://u%40x:p%2F1@mail.example.com", Smtp("mail.example.com", 465, "u@x", "p/1", "tls")),
        ("smtp://mail.example.com:2525", Smtp("mail.example.com", 2525, "", "", "starttls")),
        ("smtp+plain://localhost", Smtp("localhost", 25, "", "", "none")),
    ],
)
def test_a_mail_server_is_read_from_its_url(url: str, smtp: Smtp) -> None:
    assert read_settings({**GOOD, "TIELINE_SMTP_URL": url}).mail == MailSettings(SENDER, smtp)


@pytest.mark.parametrize(
    "wrong",
    [
        {"TIELINE_SMTP_URL": "http://mail.example.com"},
        {"TIELINE_SMTP_URL": "smtp+plain://u:p@mail.example.com"},
        {"TIELINE_SMTP_URL": "smtp://mail.example.com:99999"},
        {"TIELINE_SMTP_URL": "smtp://mail.example.com", "TIELINE_MAIL_FROM": ""},
        {"TIELINE_MAILBOX": "1"},
    ],
)
def test_a_wrong_mail_setting_is_refused_with_its_name(wrong: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"TIELINE_(SMTP_URL|MAIL_FROM|MAILBOX)"):
        read_settings({**GOOD, **wrong})


def test_without_settings_no_mail_is_sent() -> None:
    assert read_settings(GOOD).mail is None
