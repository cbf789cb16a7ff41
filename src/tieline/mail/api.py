"""The demo's mailbox: what would have been sent, to read in a browser. It exists where there is no mail server only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from sqlalchemy import select

from tieline.db.database import Database
from tieline.mail.letter import Letter
from tieline.mail.post import MAIL, Post
from tieline.mail.tables import mail

_SHOWN = 50


def router(db: Database, post: Post) -> APIRouter:
    """Routes of the mailbox; none where mail goes out."""
    routes = APIRouter(prefix="/api/v1", tags=["mailbox"])
    if post.settings is None or post.settings.smtp is not None:
        return routes

    @routes.get("/mailbox")
    async def mailbox() -> dict[str, Any]:
        """The newest mails of every account. Whoever may open the demo may read them: it is on one's own machine."""
        async with db.system() as tx:
            rows = await tx.all(
                select(mail)
                .where(mail.c.sealed.is_not(None))
                .order_by(mail.c.created_at.desc(), mail.c.id.desc())
                .limit(_SHOWN)
            )
        letters = [
            (row, Letter.from_json(post.vault.open(row.sealed, row.account_id, row.id, MAIL))) for row in rows
        ]
        return {
            "mails": [
                {
                    "id": str(row.id),
                    "to": row.recipient,
                    "at": row.created_at,
                    "subject": letter.subject,
                    "text": letter.text,
                }
                for row, letter in letters
            ]
        }

    return routes
