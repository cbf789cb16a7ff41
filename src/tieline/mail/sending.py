"""The worker's part: mails that are due are sent, tried again with a growing pause, or given up with a reason.

A mail is claimed before it goes out and marked after, so nothing waits on the network inside a transaction. Only a
worker that dies in between makes a mail go out twice; both carry the same id.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.engine import Row

from tieline.db.database import Database
from tieline.mail import smtp
from tieline.mail.letter import Letter
from tieline.mail.post import MAIL, Post
from tieline.mail.smtp import NotSent
from tieline.mail.tables import mail
from tieline.rounds import Rounds
from tieline.vault import SecretUnreadable

log = structlog.get_logger()

FIRST_RETRY = timedelta(seconds=20)
LONGEST_RETRY = timedelta(hours=1)
KEPT = timedelta(days=30)
"""For so long it can be looked up what became of a mail."""
POLL_S = 5.0
_TRYING = timedelta(minutes=3)
"""Longer than sending may take: nobody else sends it meanwhile, and a killed worker's turn comes to another."""


class Sending(Rounds):
    """Sends what is posted. `wake` makes it look at once."""

    def __init__(self, db: Database, post: Post) -> None:
        super().__init__(POLL_S)
        self._db = db
        self._post = post

    async def round(self) -> None:
        while await self.send_one():
            pass
        await self._clean()

    async def send_one(self) -> bool:
        """Try one mail that is due; False when none is."""
        async with self._db.system() as tx:
            due = (
                select(mail.c.account_id, mail.c.id)
                .where(mail.c.state == "waiting", mail.c.next_at <= tx.now)
                .order_by(mail.c.next_at)
                .limit(1)
                .with_for_update(skip_locked=True)
                .cte("due")
            )
            row = await tx.one(
                update(mail)
                .where(mail.c.account_id == due.c.account_id, mail.c.id == due.c.id)
                .values(next_at=tx.now + _TRYING, attempts=mail.c.attempts + 1)
                .returning(mail)
            )
            late = row is not None and row.give_up_at <= tx.now
        if row is None:
            return False
        try:
            if late:
                raise NotSent(row.reason or "too_late", final=True)
            await self._sent(row)
        except NotSent as error:
            await self._failed(row, error)
        else:
            await self._mark(row.account_id, row.id, state="sent", reason=None)
        return True

    async def _sent(self, row: Row[Any]) -> None:
        settings = self._post.settings
        if settings is None:
            raise NotSent("no_mail_server")
        try:
            letter = Letter.from_json(self._post.vault.open(row.sealed, row.account_id, row.id, MAIL))
        except SecretUnreadable as error:
            raise NotSent("key_missing") from error
        if settings.smtp is not None:
            made = smtp.message(settings, row.id, row.recipient, letter)
            await asyncio.to_thread(smtp.send, settings.smtp, made)

    async def _failed(self, row: Row[Any], error: NotSent) -> None:
        log.warning("mail.not_sent", id=str(row.id), reason=error.code, attempts=row.attempts)
        if error.final:
            await self._mark(row.account_id, row.id, state="failed", reason=error.code)
            return
        pause = min(FIRST_RETRY * 2 ** min(row.attempts - 1, 20), LONGEST_RETRY)
        async with self._db.system() as tx:
            await tx.execute(
                update(mail)
                .where(mail.c.account_id == row.account_id, mail.c.id == row.id)
                .values(next_at=min(tx.now + pause, row.give_up_at), reason=error.code)
            )

    async def _mark(self, account_id: UUID, id: UUID, *, state: str, reason: str | None) -> None:
        settings = self._post.settings
        kept = settings is not None and settings.smtp is None
        async with self._db.system() as tx:
            await tx.execute(
                update(mail)
                .where(mail.c.account_id == account_id, mail.c.id == id)
                .values(
                    state=state,
                    reason=reason,
                    sent_at=tx.now if state == "sent" else None,
                    **({} if kept else {"sealed": None}),
                )
            )

    async def _clean(self) -> None:
        async with self._db.system() as tx:
            await tx.execute(delete(mail).where(mail.c.created_at < tx.now - KEPT))
