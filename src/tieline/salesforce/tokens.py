"""Access tokens of connections: read, renewed once, kept sealed.

Renewal is single flight over all processes. Two wrong ways were left out: a row lock would keep a transaction
open over the network, and an advisory lock of a database session would bind a pooled connection to a task
that may be cancelled. Instead whoever finds the token stale takes a short lease on the connection's row, by
one statement that also checks that the token is still the stale one; then asks the org with no transaction
open; then saves, if the version has not moved. Others wait for the version to rise. A killed process's lease
ends by itself.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import structlog
from sqlalchemy import Column, ColumnElement, func, or_, select, update
from sqlalchemy.engine import Row

from tieline.db.database import Database
from tieline.oauth import grants
from tieline.salesforce.client import SalesforceClient, Token, answer_of
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.network import http_client
from tieline.salesforce.tables import connection, revocation
from tieline.settings import Settings
from tieline.vault import SecretUnreadable, Vault

log = structlog.get_logger()

LEASE = timedelta(seconds=40)
"""Longer than a token request may take, so that nobody else asks while an answer may still come."""
_TOKEN_CALL_S = 25.0
_WAIT_S = 0.15
_APP_GONE = "invalid_client_id"
"""The org no longer has the client app that its package brought: the package was uninstalled, and it erased the tokens
that it had of us."""
_SECRETS = (connection.c.access_token, connection.c.refresh_token, connection.c.client_secret)


class Salesforce:
    """What reaching CRMs needs, one for a process: database, settings, vault, and the HTTP client that goes out."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self.database = database
        self.settings = settings
        self.vault = Vault(settings.keys)
        self.http = http_client(trust_loopback=settings.trust_loopback_crm)
        self._rooms: dict[str, dict[Any, Any]] = {}

    def client(self, account_id: UUID, connection_id: UUID) -> SalesforceClient:
        """The client of a connection."""
        return SalesforceClient(self.http, ConnectionTokens(self, account_id, connection_id))

    def room(self, name: str) -> dict[Any, Any]:
        """A cache by name that lives as long as this object."""
        return self._rooms.setdefault(name, {})

    async def close(self) -> None:
        """Close the connections to CRMs."""
        await self.http.aclose()


class ConnectionTokens:
    """The token source of one connection."""

    def __init__(self, salesforce: Salesforce, account_id: UUID, connection_id: UUID) -> None:
        self._salesforce = salesforce
        self._account_id = account_id
        self._connection_id = connection_id

    @property
    def _mine(self) -> ColumnElement[bool]:
        return (connection.c.account_id == self._account_id) & (connection.c.id == self._connection_id)

    async def current(self) -> Token:
        """The token as stored. Raises `CrmFailure` (sign_in) unless the connection is connected."""
        async with self._salesforce.database.system(self._account_id) as tx:
            row = await tx.one(
                select(
                    connection.c.state,
                    connection.c.api_base,
                    connection.c.access_token,
                    connection.c.token_version,
                ).where(self._mine)
            )
        return self._token(row)

    def _token(self, row: Row[Any] | None) -> Token:
        if row is None or row.state == "removed":
            raise CrmFailure("never", "connection_removed", "the connection was removed")
        if row.state != "connected" or row.access_token is None:
            raise CrmFailure("sign_in", "connection_not_authorised", "the connection needs to be authorised")
        value = self._salesforce.vault.open(
            row.access_token, self._account_id, self._connection_id, "access_token"
        )
        return Token(row.api_base, value, row.token_version)

    async def renewed(self, stale: Token) -> Token:
        """A token newer than `stale`: another's renewal if there is one, else our own."""
        async with asyncio.timeout(LEASE.total_seconds() * 2):
            while True:
                async with self._salesforce.database.system(self._account_id) as tx:
                    leased = await tx.one(
                        update(connection)
                        .where(
                            self._mine,
                            connection.c.state == "connected",
                            connection.c.token_version == stale.version,
                            or_(
                                connection.c.token_lease_until.is_(None),
                                connection.c.token_lease_until < tx.now,
                            ),
                        )
                        .values(token_lease_until=tx.now + LEASE)
                        .returning(connection)
                    )
                if leased is not None:
                    return await self._renew(leased)
                token = await self.current()
                if token.version != stale.version:
                    return token
                await asyncio.sleep(_WAIT_S)

    async def _renew(self, row: Row[Any]) -> Token:
        def opened(column: str) -> str:
            return self._salesforce.vault.open(
                getattr(row, column), self._account_id, self._connection_id, column
            )

        try:
            if row.refresh_token is None:
                raise CrmFailure("sign_in", "invalid_grant", "there is no refresh token")
            form = {
                "grant_type": "refresh_token",
                "refresh_token": opened("refresh_token"),
                "client_id": row.client_id,
            }
            if row.client_secret is not None:
                form["client_secret"] = opened("client_secret")
            answer = await token_request(self._salesforce.http, row.api_base, form)
        except CrmFailure as failure:
            await self._give_up(row, failure)
            raise
        except BaseException:
            # Cancelled or broken: the lease is given back, so that the next need not wait for its end.
            await asyncio.shield(self._release(row))
            raise
        return await self._save(row, answer)

    async def _save(self, row: Row[Any], answer: dict[str, Any]) -> Token:
        """Keep the new tokens, a rotated refresh token among them, before anybody uses them."""
        vault = self._salesforce.vault
        values: dict[str, Any] = {
            "access_token": vault.seal(
                answer["access_token"], self._account_id, self._connection_id, "access_token"
            ),
            "token_version": row.token_version + 1,
            "token_lease_until": None,
            "error_code": None,
            "error_at": None,
        }
        if answer.get("refresh_token"):
            values["refresh_token"] = vault.seal(
                answer["refresh_token"], self._account_id, self._connection_id, "refresh_token"
            )
        async with self._salesforce.database.system(self._account_id) as tx:
            saved = await tx.one(
                update(connection)
                .where(self._mine, connection.c.token_version == row.token_version)
                .values(**values, token_at=tx.now)
                .returning(connection.c.api_base, connection.c.token_version)
            )
        if saved is None:  # an administrator authorised anew meanwhile: theirs is the newer grant
            return await self.current()
        log.info("connection.token_renewed", connection_id=str(self._connection_id))
        return Token(saved.api_base, answer["access_token"], saved.token_version)

    async def _give_up(self, row: Row[Any], failure: CrmFailure) -> None:
        """A grant that is gone needs an administrator; anything else leaves the connection as it is."""
        async with self._salesforce.database.system(self._account_id) as tx:
            values: dict[str, Any] = {"token_lease_until": None}
            if failure.kind == "sign_in":
                values |= {"state": "reconnect", "error_code": failure.code, "error_at": tx.now}
            changed = await tx.execute(
                update(connection)
                .where(self._mine, connection.c.token_version == row.token_version)
                .values(**values)
            )
            if failure.code == _APP_GONE and changed.rowcount:
                await grants.org_is_gone(tx, {row.api_base, row.login_origin})
            if failure.kind == "sign_in" and changed.rowcount:
                tx.announce("connection", self._connection_id)
                log.warning(
                    "connection.reconnect_needed",
                    connection_id=str(self._connection_id),
                    code=failure.code,
                )

    async def _release(self, row: Row[Any]) -> None:
        async with self._salesforce.database.system(self._account_id) as tx:
            await tx.execute(
                update(connection)
                .where(self._mine, connection.c.token_version == row.token_version)
                .values(token_lease_until=func.least(connection.c.token_lease_until, tx.now))
            )


async def reseal(salesforce: Salesforce) -> int:
    """Move every secret that an older key sealed to the newest one; after it the older key may go. Gives how many.

    A secret that changed meanwhile is left: whoever changed it used the newest key.
    """
    moved = 0
    async with salesforce.database.system() as tx:
        connections = await tx.all(select(connection.c.account_id, connection.c.id, *_SECRETS))
        revocations = await tx.all(select(revocation))
    for row in connections:
        for column in _SECRETS:
            moved += await _resealed(salesforce, row, column, row.id, column.name)
    for row in revocations:
        moved += await _resealed(salesforce, row, revocation.c.token, row.connection_id, row.kind)
    return moved


async def _resealed(
    salesforce: Salesforce, row: Row[Any], column: Column[Any], connection_id: UUID, name: str
) -> int:
    """Reseal one secret, sealed for a connection's column `name`; 1 if it had to be."""
    sealed = getattr(row, column.name)
    if sealed is None:
        return 0
    try:
        anew = salesforce.vault.resealed(sealed, row.account_id, connection_id, name)
    except SecretUnreadable:
        log.error("connection.secret_unreadable", connection_id=str(connection_id), column=name)
        return 0
    if anew is None:
        return 0
    table = column.table
    async with salesforce.database.system(row.account_id) as tx:
        changed = await tx.execute(
            update(table)
            .where(table.c.account_id == row.account_id, table.c.id == row.id, column == sealed)
            .values({column.name: anew})
        )
        return changed.rowcount


async def token_request(http: httpx2.AsyncClient, origin: str, form: dict[str, str]) -> dict[str, Any]:
    """POST to an org's token endpoint. Gives the answer, in which `access_token` is a text; raises `CrmFailure`."""
    content = str(httpx2.QueryParams(form)).encode()
    answer = await answer_of(
        http,
        "POST",
        origin + "/services/oauth2/token",
        content=content,
        headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        total_s=_TOKEN_CALL_S,
    )
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise CrmFailure("later", "answer_unreadable", "the token endpoint's answer holds no token")
    return dict(answer)
