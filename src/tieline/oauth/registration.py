"""Orgs of Salesforce's that introduce themselves (RFC 7591), so that no administrator copies keys and secrets.

The org's server asks for a client and gets its secret; no page sees it. Such a client can do nothing: it belongs to no
account until an administrator allows what it asks for at the consent page, which names the org's host. Then it is an
app of that account like any other. An org that introduces itself again takes the place of its former self.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from tieline.db.database import Database, Transaction
from tieline.identity.service import digest
from tieline.oauth import apps
from tieline.oauth.rules import wrong_with_uri
from tieline.oauth.scopes import SCOPES
from tieline.oauth.tables import oauth_app, oauth_registration

LIFE = timedelta(hours=1)
"""For so long an administrator may take to allow it."""
MOST_WAITING = 2000
"""Registrations that nobody has let in yet; one that was let in is an app, and counted by its account."""
_ORG_HOST = re.compile(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.my\.(?:salesforce|cloudforce|salesforce-setup)\.(?:com|mil)"
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A client that no account has let in yet, with what an app has."""

    client_id: str
    secret_hash: bytes
    name: str
    redirect_uris: list[str]
    scopes: list[str]


def is_orgs(uri: str, *, trust_loopback: bool) -> bool:
    """Whether a redirect URI leads to an org: to a My Domain host of Salesforce's, or to the org on this machine."""
    if wrong_with_uri(uri) is not None:
        return False
    parts = urlsplit(uri)
    host = parts.hostname or ""
    if trust_loopback and (host in ("localhost", "127.0.0.1") or host.endswith(".localhost")):
        return True
    return parts.scheme == "https" and parts.port is None and _ORG_HOST.fullmatch(host) is not None


async def register(db: Database, redirect_uri: str) -> tuple[str, str]:
    """A client for an org, and its secret, which is known to nobody afterwards.

    Where too many wait, the one that nobody has looked at for longest gives way: whoever fills the table takes the
    places of their own, and an org whose consent page an administrator has just opened keeps its place.
    """
    client_id, secret = f"tieline-{secrets.token_hex(12)}", apps.new_secret()
    async with db.system() as tx:
        await tx.execute(delete(oauth_registration).where(oauth_registration.c.expires_at < tx.now))
        kept = select(oauth_registration.c.client_id).order_by(oauth_registration.c.expires_at.desc())
        await tx.execute(
            delete(oauth_registration).where(
                oauth_registration.c.client_id.in_(kept.offset(MOST_WAITING - 1))
            )
        )
        await tx.execute(
            insert(oauth_registration).values(
                client_id=client_id,
                secret_hash=digest(secret),
                name=f"Salesforce ({urlsplit(redirect_uri).netloc})"[:80],
                redirect_uri=redirect_uri,
                expires_at=tx.now + LIFE,
            )
        )
    return client_id, secret


async def waiting(tx: Transaction, client_id: str) -> Waiting | None:
    """The client that has introduced itself and waits for an account; `tx` is the system's.

    Who asks is signed in and about to decide, so its time begins anew.
    """
    row = await tx.one(
        update(oauth_registration)
        .where(oauth_registration.c.client_id == client_id, oauth_registration.c.expires_at > tx.now)
        .values(expires_at=tx.now + LIFE)
        .returning(oauth_registration)
    )
    if row is None:
        return None
    return Waiting(row.client_id, bytes(row.secret_hash), row.name, [row.redirect_uri], list(SCOPES))


async def let_in(db: Database, client: Waiting, account_id: UUID, by: UUID) -> UUID:
    """Make a waiting client an app of the account, in place of an earlier one of the same org; gives the app's id."""
    async with db.system(account_id) as tx:
        await apps.one_at_a_time(tx)
        gone: Any = await tx.one(
            delete(oauth_registration)
            .where(oauth_registration.c.client_id == client.client_id)
            .returning(oauth_registration.c.client_id)
        )
        known = await apps.listed(tx)
        if gone is None:  # allowed twice at once: the other one has made the app
            return next(row.id for row in known if row.client_id == client.client_id)
        before = next(
            (row for row in known if row.name == client.name and row.redirect_uris == client.redirect_uris),
            None,
        )
        if before is None:
            draft = apps.Draft(client.name, client.redirect_uris, client.scopes)
            id, _ = await apps.make(tx, draft, confidential=True, by=by)
        else:
            id = before.id
        await tx.execute(
            update(oauth_app)
            .where(oauth_app.c.account_id == account_id, oauth_app.c.id == id)
            .values(
                client_id=client.client_id,
                secret_hash=client.secret_hash,
                secret_at=tx.now,
                scopes=client.scopes,
                version=oauth_app.c.version + 1,
            )
        )
        tx.announce("oauth_app", id)
        return id
