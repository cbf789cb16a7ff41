"""Developer apps: programs of others that an account knows, so that its users may let them in."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Row

from tieline.db.database import Transaction
from tieline.errors import InputInvalid, NotFound, TielineError
from tieline.identity.service import digest
from tieline.identity.tables import app_user
from tieline.ids import new_id
from tieline.oauth.rules import MOST_URIS, wrong_with_uri
from tieline.oauth.scopes import SCOPES
from tieline.oauth.tables import oauth_app, oauth_grant

MOST_APPS = 100


class AppChanged(TielineError):
    """Somebody else has changed the app since it was read."""

    code, status = "changed_meanwhile", 409


class AppNameTaken(TielineError):
    """Another app of the account has this name; a consent page would not tell them apart."""

    code, status = "name_taken", 409


@dataclass(frozen=True, slots=True)
class Draft:
    """What an administrator decides about an app."""

    name: str
    redirect_uris: Sequence[str]
    scopes: Sequence[str]


_APPS = select(
    oauth_app,
    app_user.c.name.label("created_by_name"),
    select(func.count())
    .select_from(oauth_grant)
    .where(
        oauth_grant.c.account_id == oauth_app.c.account_id,
        oauth_grant.c.app_id == oauth_app.c.id,
        oauth_grant.c.ended_at.is_(None),
    )
    .correlate(oauth_app)
    .scalar_subquery()
    .label("grants"),
).select_from(
    oauth_app.outerjoin(
        app_user,
        (app_user.c.account_id == oauth_app.c.account_id) & (app_user.c.id == oauth_app.c.created_by),
    )
)


async def listed(tx: Transaction) -> list[Row[Any]]:
    """The account's apps by name."""
    return await tx.all(_APPS.where(oauth_app.c.account_id == tx.account_id).order_by(oauth_app.c.name))


async def one(tx: Transaction, app_id: UUID) -> Row[Any]:
    """An app. Raises `NotFound`."""
    row = await tx.one(_APPS.where(_own(tx, app_id)))
    if row is None:
        raise NotFound("no such app")
    return row


async def make(tx: Transaction, draft: Draft, *, confidential: bool, by: UUID) -> tuple[UUID, str | None]:
    """Make an app; gives its id and, if it is confidential, its secret, which is known to nobody afterwards."""
    await one_at_a_time(tx)
    known = await listed(tx)
    if len(known) >= MOST_APPS:
        raise InputInvalid("too many apps", field="name", reason="most", most=MOST_APPS)
    values = _checked(draft, known, None)
    secret = new_secret() if confidential else None
    id = new_id()
    await tx.execute(
        insert(oauth_app).values(
            account_id=tx.account_id,
            id=id,
            client_id=f"tieline-{secrets.token_hex(12)}",
            secret_hash=digest(secret) if secret else None,
            secret_at=tx.now if secret else None,
            created_by=by,
            created_at=tx.now,
            **values,
        )
    )
    tx.announce("oauth_app", id)
    return id, secret


async def change(tx: Transaction, app_id: UUID, version: int, draft: Draft) -> None:
    """Write an app as it is to be. What it may do no longer, its tokens may not do any more, at once.

    Raises `AppChanged`, `AppNameTaken`, `InputInvalid`, `NotFound`.
    """
    await one_at_a_time(tx)
    before = await one(tx, app_id)
    if before.version != version:
        raise AppChanged(version=before.version)
    values = _checked(draft, await listed(tx), app_id)
    await tx.execute(update(oauth_app).where(_own(tx, app_id)).values(version=version + 1, **values))
    tx.announce("oauth_app", app_id)


async def rotate_secret(tx: Transaction, app_id: UUID) -> str:
    """A new secret for a confidential app; the old one is refused from now on. Raises `InputInvalid`, `NotFound`."""
    before = await one(tx, app_id)
    if before.secret_hash is None:
        raise InputInvalid("a public app has no secret", field="app_id")
    secret = new_secret()
    await tx.execute(
        update(oauth_app)
        .where(_own(tx, app_id))
        .values(secret_hash=digest(secret), secret_at=tx.now, version=oauth_app.c.version + 1)
    )
    tx.announce("oauth_app", app_id)
    return secret


async def remove(tx: Transaction, app_id: UUID) -> None:
    """Delete an app; its grants, codes and tokens go with it. Raises `NotFound`."""
    await one(tx, app_id)
    await tx.execute(delete(oauth_app).where(_own(tx, app_id)))
    tx.announce("oauth_app", app_id)


def _own(tx: Transaction, app_id: UUID) -> Any:
    return (oauth_app.c.account_id == tx.account_id) & (oauth_app.c.id == app_id)


async def one_at_a_time(tx: Transaction) -> None:
    """Wait for whoever else changes the account's apps, until this transaction ends."""
    await tx.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"oauth_app:{tx.account_id}", 0)))
    )


def new_secret() -> str:
    """A secret that nobody guesses."""
    return f"tls_{secrets.token_urlsafe(32)}"


def _checked(draft: Draft, known: Sequence[Row[Any]], own: UUID | None) -> dict[str, Any]:
    name = " ".join(draft.name.split())
    if not 0 < len(name) <= 80 or not name.isprintable():
        raise InputInvalid("a name of 1 to 80 characters", field="name", reason="length")
    if any(app.name.casefold() == name.casefold() and app.id != own for app in known):
        raise AppNameTaken(field="name")
    uris = list(dict.fromkeys(uri.strip() for uri in draft.redirect_uris if uri.strip()))
    if not 0 < len(uris) <= MOST_URIS:
        raise InputInvalid("1 to 10 redirect URIs", field="redirect_uris", reason="count")
    for uri in uris:
        if reason := wrong_with_uri(uri):
            raise InputInvalid("no redirect URI", field="redirect_uris", reason=reason, uri=uri[:100])
    scopes = [scope for scope in SCOPES if scope in draft.scopes]
    if not scopes or set(draft.scopes) - set(SCOPES):
        raise InputInvalid("at least one of the scopes", field="scopes", reason="count")
    return {"name": name, "redirect_uris": uris, "scopes": scopes}
