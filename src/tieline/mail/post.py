"""Posting a mail: a row in the transaction that causes it. The worker sends it once that has committed."""

from __future__ import annotations

from datetime import timedelta

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
        if not self.works:
            return False
        assert tx.account_id is not None
        id = new_id()
        letter = written(template, language, **values)
        await tx.execute(
            insert(mail).values(
                account_id=tx.account_id,
                id=id,
                recipient=to,
                template=template,
                sealed=self.vault.seal(letter.to_json(), tx.account_id, id, MAIL),
                next_at=tx.now,
                give_up_at=tx.now + life,
                created_at=tx.now,
            )
        )
        tx.announce(MAIL, id)
        return True
