"""Posting a mail: a row in the transaction that causes it. The worker sends it once that has committed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from tieline.db.database import Transaction
from tieline.ids import new_id
from tieline.mail.letter import written
from tieline.mail.tables import mail
from tieline.settings import Settings
from tieline.vault import Vault

MAIL = "mail"
"""Kind of the announcement that wakes the worker; also the purpose under which a letter is sealed."""
LIFE = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mail to be posted: to whom, in which language, and what fills its template."""

    to: str
    language: str
    values: Mapping[str, str]


class Post:
    """Where mail is posted."""

    def __init__(self, settings: Settings) -> None:
        self.vault = Vault(settings.keys)
        self.settings = settings.mail

    @property
    def works(self) -> bool:
        """Whether this installation sends mail."""
        return self.settings is not None

    async def put(
        self,
        tx: Transaction,
        template: str,
        *,
        to: str,
        language: str,
        life: timedelta = LIFE,
        **values: str,
    ) -> bool:
        """Post a mail of the transaction's account; `values` fill the template, `life` is for how long it matters.

        False, and nothing is posted, on an installation that sends no mail.
        """
        return await self.put_all(tx, template, [Wanted(to, language, values)], life=life)

    async def put_all(
        self, tx: Transaction, template: str, letters: Sequence[Wanted], *, life: timedelta = LIFE
    ) -> bool:
        """Post a mail of a template to each of many; as `put`."""
        if not self.works:
            return False
        # Thousands of letters are written beside what else this process does.
        rows = await asyncio.to_thread(self._rows, tx, template, letters, life)
        if rows:
            await tx.execute(insert(mail), rows)
            tx.announce(MAIL, rows[0]["id"])
        return True

    def _rows(
        self, tx: Transaction, template: str, letters: Sequence[Wanted], life: timedelta
    ) -> list[dict[str, Any]]:
        assert tx.account_id is not None
        rows: list[dict[str, Any]] = []
        for each in letters:
            id = new_id()
            letter = written(template, each.language, **each.values)
            rows.append(
                {
                    "account_id": tx.account_id,
                    "id": id,
                    "recipient": each.to,
                    "template": template,
                    "sealed": self.vault.seal(letter.to_json(), tx.account_id, id, MAIL),
                    "next_at": tx.now,
                    "give_up_at": tx.now + life,
                    "created_at": tx.now,
                }
            )
        return rows
