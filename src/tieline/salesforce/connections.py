"""Connections: an account's authorised links to CRMs. Connect, list, change, remove.

Connecting is OAuth's web-server flow with PKCE (S256). The state is random, good once, for ten minutes, bound
to the connection and to the user who began; it and the verifier's plain text are never stored. What the org
answers is checked before it is believed: where the API is, and that a renewed grant is of the same org.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import httpx2
import structlog
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.engine import Row

from tieline.calllog import service as calllog
from tieline.db.database import Transaction
from tieline.errors import InputInvalid, NotAllowed, NotFound, TielineError
from tieline.identity.tables import account, app_user
from tieline.ids import new_id
from tieline.salesforce import org_users, revocations
from tieline.salesforce.client import FixedToken, SalesforceClient, answer_of
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.network import refuse_address
from tieline.salesforce.org_settings import OrgSettings
from tieline.salesforce.tables import connection, indexed_record, oauth_attempt, record_owner
from tieline.salesforce.tokens import Salesforce, token_request

__all__ = [
    "Addresses",
    "AuthorisationInvalid",
    "AuthorisationRefused",
    "ConnectionDraft",
    "ConnectionNameTaken",
    "Connections",
    "OtherOrg",
    "Salesforce",
    "addresses_at",
    "addresses_of",
    "embedded_by",
    "listed",
    "status_of",
]

log = structlog.get_logger()

Environment = Literal["production", "sandbox", "domain", "embedded"]
"""`domain` is an org's own address, where an org that allows no sign-in at login.salesforce.com is signed in to."""
SCOPES = ("api", "refresh_token", "openid", "id")
"""What is asked of an org: its API, to stay signed in, and who authorised us."""
ATTEMPT_LIFE = timedelta(minutes=10)
CALLBACK_PATH = "/oauth/salesforce/callback"
_LOGIN = {"production": "https://login.salesforce.com", "sandbox": "https://test.salesforce.com"}
_INSTANCE = re.compile(r"https://[a-z0-9-]+(?:\.[a-z0-9-]+)*\.my\.salesforce\.com")
_HOST = re.compile(r"(?!-)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*")
RELATED_DOMAINS = 20
_ORIGINS_LOCK = 0x7469_0002
"""Advisory lock of the transactions that let an origin embed a callbar: each may embed one."""
_IDENTITY = re.compile(r"/id/(00D[A-Za-z0-9]{12,15})/(005[A-Za-z0-9]{12,15})")


class ConnectionNameTaken(TielineError):
    """The account has a connection of this name."""

    code, status = "connection_name_taken", 409


class OrgTaken(TielineError):
    """Another connection is of this org: its callbar could not tell which of the two it belongs to."""

    code, status = "connection_org_taken", 409


class DomainTaken(TielineError):
    """Another connection's callbar is embedded from this origin: from the page alone, the two could not be told apart."""

    code, status = "domain_taken", 409


class AuthorisationInvalid(NotAllowed):
    """The callback's state is unknown, used, too old, or somebody else's."""

    code = "authorisation_invalid"


class AuthorisationRefused(TielineError):
    """The org did not authorise us. `params.reason` is the org's code."""

    code, status = "authorisation_refused", 409


class OtherOrg(TielineError):
    """Authorising again led to another org; the index and the logs of two orgs must not mix."""

    code, status = "connection_other_org", 409


class IntegrationsOff(NotAllowed):
    """The operator has switched the account's integrations off: connections work on, nobody makes or changes one."""

    code = "integrations_off"


@dataclass(frozen=True, slots=True)
class ConnectionDraft:
    """What an administrator gives for a new connection, or for another environment of one.

    The addresses are given for the embedded org only, `login_origin` also for an org's own domain.
    """

    name: str
    environment: Environment
    client_id: str
    client_secret: str | None = None
    api_base: str | None = None
    login_origin: str | None = None
    embedding_origins: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Addresses:
    """The three addresses of a connection; at Salesforce, too, they differ."""

    api_base: str
    login_origin: str
    embedding_origins: tuple[str, ...]


def addresses_of(draft: ConnectionDraft, *, trust_loopback: bool) -> Addresses:
    """The addresses to begin with. Those of a real org are known only once it has answered (`addresses_at`).
    Raises `InputInvalid`."""
    if draft.environment == "domain":
        own = (draft.login_origin or "").strip().lower().rstrip("/")
        if not _INSTANCE.fullmatch(own):
            raise InputInvalid(
                "an own domain looks like https://name.my.salesforce.com", field="login_origin"
            )
        return Addresses(own, own, ())
    if draft.environment != "embedded":
        login = _LOGIN[draft.environment]
        return Addresses(login, login, ())
    if not trust_loopback:
        raise InputInvalid("embedded orgs are for this machine only", field="environment")
    api_base = _origin(draft.api_base, "api_base")
    try:
        refuse_address(httpx2.URL(api_base), trust_loopback=trust_loopback)
    except CrmFailure as failure:
        raise InputInvalid(failure.message, field="api_base") from failure
    return Addresses(
        api_base,
        _origin(draft.login_origin or api_base, "login_origin"),
        tuple(_origin(origin, "embedding_origins") for origin in draft.embedding_origins),
    )


def addresses_at(environment: str, before: Addresses, instance_url: str) -> Addresses:
    """The addresses once the org has told its `instance_url`: at Salesforce `https://X.my.salesforce.com` also
    serves sign-in, and its pages stand at `https://X.lightning.force.com`. Raises `AuthorisationRefused`.

    The embedded org keeps what was given: programs may not resolve the names that browsers do.
    """
    if environment == "embedded":
        return before
    instance = instance_url.lower().rstrip("/")
    if not _INSTANCE.fullmatch(instance):
        raise AuthorisationRefused("the org's address is not Salesforce's", reason="instance_url")
    lightning = instance.removesuffix(".my.salesforce.com") + ".lightning.force.com"
    return Addresses(instance, instance, (lightning, instance))


def _origin(value: str | None, field: str) -> str:
    parts = urlsplit((value or "").strip().rstrip("/"))
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.path
        or parts.query
        or parts.username
    ):
        raise InputInvalid(f"{field} needs an origin", field=field)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _sha256(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()


class Connections:
    """The verbs on connections."""

    def __init__(self, salesforce: Salesforce) -> None:
        self._salesforce = salesforce
        self._trust_loopback = salesforce.settings.trust_loopback_crm
        self.redirect_uri = salesforce.settings.public_url + CALLBACK_PATH

    async def begin(self, tx: Transaction, draft: ConnectionDraft, user_id: UUID) -> tuple[UUID, str]:
        """Make a connection that waits for authorisation. Gives its id and the URL to send the browser to.

        `tx` is the account's. Raises `ConnectionNameTaken` and `InputInvalid`.
        """
        account_id = _account(tx)
        addresses = self._addresses(draft)
        connection_id = new_id()
        name = await _free_name(tx, draft.name, connection_id)
        await tx.execute(
            insert(connection).values(
                account_id=account_id,
                id=connection_id,
                name=name,
                environment=draft.environment,
                state="authorising",
                api_base=addresses.api_base,
                login_origin=addresses.login_origin,
                embedding_origins=list(addresses.embedding_origins),
                client_id=draft.client_id,
                client_secret=self._salesforce.vault.seal(
                    draft.client_secret, account_id, connection_id, "client_secret"
                )
                if draft.client_secret
                else None,
                org_settings=OrgSettings().to_json(),
                created_at=tx.now,
            )
        )
        return connection_id, await self.authorise(tx, connection_id, user_id)

    def _addresses(self, draft: ConnectionDraft) -> Addresses:
        if not 0 < len(draft.client_id) <= 255 or not draft.client_id.isprintable():
            raise InputInvalid("a client id", field="client_id")
        return addresses_of(draft, trust_loopback=self._trust_loopback)

    async def rename(self, tx: Transaction, connection_id: UUID, name: str) -> None:
        """Give a connection another name. Raises `ConnectionNameTaken`, `InputInvalid` and `NotFound`."""
        await living(tx, connection_id)
        name = await _free_name(tx, name, connection_id)
        await tx.execute(
            update(connection)
            .where(connection.c.account_id == tx.account_id, connection.c.id == connection_id)
            .values(name=name)
        )
        tx.announce("connection", connection_id)

    async def move(self, tx: Transaction, connection_id: UUID, to: ConnectionDraft, user_id: UUID) -> str:
        """The URL at which the user authorises a connection for another environment, or for another org.

        Until that has succeeded the connection is what it was. Raises `InputInvalid` and `NotFound`.
        """
        addresses = self._addresses(to)
        change = {
            "environment": to.environment,
            "client_id": to.client_id,
            "api_base": addresses.api_base,
            "login_origin": addresses.login_origin,
            "embedding_origins": list(addresses.embedding_origins),
        }
        return await self.authorise(tx, connection_id, user_id, change=change, client_secret=to.client_secret)

    async def authorise(
        self,
        tx: Transaction,
        connection_id: UUID,
        user_id: UUID,
        *,
        change: dict[str, Any] | None = None,
        client_secret: str | None = None,
    ) -> str:
        """The URL at which the user authorises a connection, new or again. Raises `NotFound`.

        `change` is what it becomes thereby, with `client_secret` (see `move`).
        """
        account_id = _account(tx)
        row = await living(tx, connection_id)
        at = change or {"login_origin": row.login_origin, "client_id": row.client_id}
        vault = self._salesforce.vault
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        await tx.execute(delete(oauth_attempt).where(oauth_attempt.c.expires_at < tx.now))
        await tx.execute(
            insert(oauth_attempt).values(
                account_id=account_id,
                state_hash=_sha256(state),
                connection_id=connection_id,
                user_id=user_id,
                verifier=vault.seal(verifier, account_id, connection_id, "verifier"),
                change=change,
                client_secret=vault.seal(client_secret, account_id, connection_id, "client_secret")
                if client_secret
                else None,
                expires_at=tx.now + ATTEMPT_LIFE,
            )
        )
        challenge = base64.urlsafe_b64encode(_sha256(verifier)).rstrip(b"=").decode()
        query = urlencode(
            {
                "response_type": "code",
                "client_id": at["client_id"],
                "redirect_uri": self.redirect_uri,
                "scope": " ".join(SCOPES),
                "state": state,
                "code_challenge": challenge,
                "code_challenge_method": "S256",
            }
        )
        return f"{at['login_origin']}/services/oauth2/authorize?{query}"

    async def finish(
        self,
        *,
        user_id: UUID,
        state: str,
        code: str | None,
        error: str | None = None,
        issuer: str | None = None,
    ) -> UUID:
        """Redeem the callback of the user who began. Gives the connection's id.

        Raises `AuthorisationInvalid` (state), `AuthorisationRefused` (the org said no), `OtherOrg`, `CrmFailure`.
        """
        attempt, row = await self._redeem(state, user_id)
        if error or not code:
            raise AuthorisationRefused(f"the org answered {error}", reason=(error or "no_code")[:60])
        account_id, connection_id = row.account_id, row.id
        vault = self._salesforce.vault
        becomes: dict[str, Any] = attempt.change or {
            name: getattr(row, name)
            for name in ("environment", "client_id", "api_base", "login_origin", "embedding_origins")
        }
        secret = attempt.client_secret if attempt.change else row.client_secret
        if issuer and issuer.rstrip("/") != becomes["login_origin"]:
            raise AuthorisationInvalid("the callback comes from another issuer")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "client_id": becomes["client_id"],
            "code_verifier": vault.open(attempt.verifier, account_id, connection_id, "verifier"),
        }
        if secret is not None:
            form["client_secret"] = vault.open(secret, account_id, connection_id, "client_secret")
        try:
            answer = await token_request(self._salesforce.http, becomes["api_base"], form)
        except CrmFailure as failure:
            if failure.kind == "later":
                raise
            raise AuthorisationRefused(failure.message, reason=failure.code) from failure
        before = Addresses(becomes["api_base"], becomes["login_origin"], tuple(becomes["embedding_origins"]))
        addresses = addresses_at(becomes["environment"], before, str(answer.get("instance_url") or ""))
        org_id, org_user_id = await self._identity(addresses.api_base, answer)
        another = row.org_id is not None and row.org_id[:15] != org_id[:15]
        if another and attempt.change is None:
            # A refreshed sandbox is a new org, too: moving the connection there is an act of its own.
            raise OtherOrg(environment=row.environment)
        async with self._salesforce.database.system(account_id) as tx:
            await tx.execute(select(func.pg_advisory_xact_lock(_ORIGINS_LOCK)))
            if await _embedding(
                tx, connection.c.embedding_origins, addresses.embedding_origins, connection_id
            ):
                raise OrgTaken
            now = await living(tx, connection_id, lock=True)
            if attempt.change is not None:
                await revocations.leave(tx, now)
            if another:
                await _forget_records(tx, connection_id)
                await org_users.forget(tx, connection_id)
            values: dict[str, Any] = {
                "state": "connected",
                "environment": becomes["environment"],
                "client_id": becomes["client_id"],
                "client_secret": secret,
                "refresh_token": None,
                "connected_by": user_id,
                "connected_at": tx.now,
                "succeeded_at": tx.now,
                "api_base": addresses.api_base,
                "login_origin": addresses.login_origin,
                "embedding_origins": list(addresses.embedding_origins),
                "org_id": org_id,
                "org_user_id": org_user_id,
                "access_token": vault.seal(answer["access_token"], account_id, connection_id, "access_token"),
                "scopes": str(answer.get("scope") or "").split(),
                "token_version": connection.c.token_version + 1,
                "token_lease_until": None,
                "token_at": tx.now,
                "error_code": None,
                "error_at": None,
                "failing_since": None,
                # The worker looks at settings and index at once.
                "org_settings_at": None,
                "index_checked_at": None,
            }
            if attempt.change is None:
                del values["refresh_token"]  # the old one stays where the org gives no new one
            if another:
                values |= {"index_state": "none", "index_stale": False, "index_progress": {}}
                values |= {"index_until": None}
                values |= {"index_loaded": 0, "index_total": None}
                values |= {"survey": {}, "surveyed_at": None}
            if answer.get("refresh_token"):
                values["refresh_token"] = vault.seal(
                    answer["refresh_token"], account_id, connection_id, "refresh_token"
                )
            await tx.execute(
                update(connection)
                .where(connection.c.account_id == account_id, connection.c.id == connection_id)
                .values(**values)
            )
            await calllog.retry(tx, connection_id)
            tx.announce("connection", connection_id)
        log.info("connection.connected", connection_id=str(connection_id), environment=becomes["environment"])
        return connection_id

    async def _redeem(self, state: str, user_id: UUID) -> tuple[Row[Any], Row[Any]]:
        """Take the attempt, which nobody can take twice, and its connection."""
        async with self._salesforce.database.system() as tx:
            attempt = await tx.one(
                delete(oauth_attempt)
                .where(oauth_attempt.c.state_hash == _sha256(state), oauth_attempt.c.user_id == user_id)
                .returning(oauth_attempt)
            )
            row = attempt and await tx.one(
                select(connection).where(
                    connection.c.account_id == attempt.account_id, connection.c.id == attempt.connection_id
                )
            )
            expired = attempt is not None and attempt.expires_at < tx.now
        if attempt is None or row is None or expired or row.state == "removed":
            raise AuthorisationInvalid("unknown, used or expired state")
        return attempt, row

    async def _identity(self, api_base: str, answer: dict[str, Any]) -> tuple[str, str]:
        """Org and user behind a token, asked of the org itself at the address we shall use."""
        path = _IDENTITY.fullmatch(urlsplit(str(answer.get("id") or "")).path)
        if path is None:
            raise AuthorisationRefused("the org told no identity", reason="identity")
        identity = await answer_of(
            self._salesforce.http,
            "GET",
            api_base + path.group(0),
            headers={"Authorization": f"Bearer {answer['access_token']}", "Accept": "application/json"},
        )
        told = identity if isinstance(identity, dict) else {}
        org_id, user_id = str(told.get("organization_id")), str(told.get("user_id"))
        if org_id[:15] != path.group(1)[:15] or user_id[:15] != path.group(2)[:15]:
            raise AuthorisationRefused("the org told two identities", reason="identity")
        # An org that refuses its API to this grant is better known now than at the first call.
        await SalesforceClient(self._salesforce.http, FixedToken(api_base, answer["access_token"])).get("/")
        return org_id, user_id

    async def remove(self, account_id: UUID, connection_id: UUID) -> None:
        """Erase a connection's tokens and index; the org is told to revoke the grant, as soon as it answers."""
        async with self._salesforce.database.account(account_id) as tx:
            row = await living(tx, connection_id, lock=True)
            await revocations.leave(tx, row)
            await tx.execute(
                update(connection)
                .where(connection.c.account_id == account_id, connection.c.id == connection_id)
                .values(
                    state="removed",
                    # The name is free again; the row stays, because logs were delivered through it.
                    name=f"{row.name} {connection_id}",
                    access_token=None,
                    refresh_token=None,
                    client_secret=None,
                    token_version=row.token_version + 1,
                    embedding_origins=[],
                    related_domains=[],
                    index_state="none",
                    survey={},
                    died_at=None,
                )
            )
            await _forget_records(tx, connection_id)
            await org_users.forget(tx, connection_id)
            await tx.execute(
                update(app_user)
                .where(app_user.c.account_id == account_id, app_user.c.connection_id == connection_id)
                .values(connection_id=None)
            )
            tx.announce("connection", connection_id)
        # At once where the org answers; else the worker goes on.
        await revocations.revoke_one(self._salesforce, connection_id)


async def integrations_on(tx: Transaction) -> bool:
    """Whether the account's *Integrations* are on, as they are unless the operator has switched them off."""
    return bool(await tx.scalar(select(account.c.integrations).where(account.c.id == tx.account_id)))


async def need_integrations(tx: Transaction) -> None:
    """Raise `IntegrationsOff` where the operator has switched them off."""
    if not await integrations_on(tx):
        raise IntegrationsOff


async def living(tx: Transaction, connection_id: UUID, *, lock: bool = False) -> Row[Any]:
    """A connection that was not removed, its row held until commit if `lock`. Raises `NotFound`."""
    wanted = select(connection).where(
        connection.c.account_id == _account(tx),
        connection.c.id == connection_id,
        connection.c.state != "removed",
    )
    row = await tx.one(wanted.with_for_update() if lock else wanted)
    if row is None:
        raise NotFound("no such connection")
    return row


async def _free_name(tx: Transaction, name: str, connection_id: UUID) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= 80:
        raise InputInvalid("a name of 1 to 80 characters", field="name")
    taken = await tx.scalar(
        select(connection.c.id).where(
            connection.c.account_id == _account(tx),
            connection.c.name == name,
            connection.c.id != connection_id,
        )
    )
    if taken:
        raise ConnectionNameTaken(name=name)
    return name


async def _forget_records(tx: Transaction, connection_id: UUID) -> None:
    """Erase the phone index of a connection; what of its records stands in engagements stays there."""
    for table in (indexed_record, record_owner):
        await tx.execute(
            delete(table).where(table.c.account_id == tx.account_id, table.c.connection_id == connection_id)
        )


async def set_related_domains(tx: Transaction, connection_id: UUID, domains: Sequence[str]) -> list[str]:
    """Which origins may embed the callbar beside the org's own. Gives them as they are kept.

    `tx` is the system's, for the account: other accounts' domains count as well. Raises `InputInvalid`
    (`params.domain`), `DomainTaken` and `NotFound`.
    """
    row = await living(tx, connection_id, lock=True)
    kept: list[str] = []
    for domain in domains:
        origin = related_origin(domain)
        if origin not in kept and origin not in row.embedding_origins:
            kept.append(origin)
    if len(kept) > RELATED_DOMAINS:
        raise InputInvalid(f"at most {RELATED_DOMAINS} related domains", field="domains")
    await tx.execute(select(func.pg_advisory_xact_lock(_ORIGINS_LOCK)))
    for column in (connection.c.embedding_origins, connection.c.related_domains):
        if await _embedding(tx, column, kept, connection_id):
            raise DomainTaken
    await tx.execute(
        update(connection)
        .where(connection.c.account_id == tx.account_id, connection.c.id == connection_id)
        .values(related_domains=kept)
    )
    tx.announce("connection", connection_id)
    return kept


async def _embedding(tx: Transaction, column: Any, origins: Sequence[str], but: UUID) -> bool:
    """Whether another living connection, of whichever account, has one of these origins in a column."""
    living_one = connection.c.state.in_(("connected", "reconnect"))
    found = select(connection.c.id).where(column.overlap(list(origins)), living_one, connection.c.id != but)
    return bool(origins) and await tx.scalar(found.limit(1)) is not None


def related_origin(domain: str) -> str:
    """A domain as administrators type it (`example.com`, `https://example.com/`) as an origin. Raises `InputInvalid`.

    https only, except on this machine: a page that anybody on the way can change must not hold a callbar. No
    wildcards, no paths, no credentials; a name is written as browsers send it (lower case, Punycode).
    """
    text = domain.strip()
    text = text if "://" in text else f"https://{text}"
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").encode("idna").decode() if parts.hostname else ""
        port = parts.port
    except (ValueError, UnicodeError) as error:
        raise InputInvalid("no web address", field="domains", domain=domain[:200]) from error
    local = host in ("localhost", "127.0.0.1") or host.endswith(".localhost")
    named = _HOST.fullmatch(host) is not None and ("." in host or local)
    plain = parts.path in ("", "/") and not parts.query and not parts.fragment and "@" not in parts.netloc
    if not named or not plain or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise InputInvalid("no origin that can be allowed", field="domains", domain=domain[:200])
    usual = {"https": 443, "http": 80}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None and port != usual else "")


async def impact(tx: Transaction, connection_id: UUID) -> dict[str, int]:
    """What removing a connection would do: whose client integration goes off, which call logs would stay here."""
    await living(tx, connection_id)
    mine = (app_user.c.account_id == tx.account_id) & (app_user.c.connection_id == connection_id)
    users = await tx.scalar(select(func.count()).select_from(app_user).where(mine))
    records = await tx.scalar(
        select(func.count())
        .select_from(indexed_record)
        .where(indexed_record.c.account_id == tx.account_id, indexed_record.c.connection_id == connection_id)
    )
    logs = await calllog.undelivered(tx, connection_id)
    return {"users": int(users or 0), "logs": logs, "records": int(records or 0)}


async def listed(tx: Transaction) -> Sequence[Row[Any]]:
    """The account's connections by name, without any secret."""
    return await tx.all(
        select(
            connection.c.id,
            connection.c.name,
            connection.c.environment,
            connection.c.state,
            connection.c.login_origin,
            connection.c.org_id,
            connection.c.embedding_origins,
            connection.c.related_domains,
            connection.c.connected_at,
            connection.c.succeeded_at,
            connection.c.api_used,
            connection.c.api_limit,
            app_user.c.name.label("connected_by"),
            connection.c.org_settings,
            connection.c.org_settings_at,
            connection.c.index_state,
            connection.c.index_checked_at,
            connection.c.error_code,
            connection.c.error_at,
            connection.c.token_at,
            connection.c.survey,
            connection.c.surveyed_at,
            connection.c.survey_error,
            connection.c.created_at,
        )
        .select_from(
            connection.outerjoin(
                app_user,
                (app_user.c.account_id == connection.c.account_id)
                & (app_user.c.id == connection.c.connected_by),
            )
        )
        .where(connection.c.account_id == tx.account_id, connection.c.state != "removed")
        .order_by(connection.c.name)
    )


def status_of(row: Row[Any]) -> str:
    """A connection's condition: `connected`, `not_reachable` (its org does not answer as it should), `needs_sign_in`
    (the org no longer takes our grant), `disconnected` (never authorised so far)."""
    if row.state == "authorising":
        return "disconnected"
    if row.state != "connected":
        return "needs_sign_in"
    failed_at: datetime | None = row.error_at
    return "not_reachable" if failed_at and (row.succeeded_at or row.created_at) < failed_at else "connected"


async def embedded_by(tx: Transaction, origin: str) -> Row[Any] | None:
    """The one connection (`account_id`, `id`, `origins`) whose callbar pages at `origin` may embed; None when
    there is none, or more than one. `tx` is the system's: the account is not yet known.

    An org's own origin, proven by whoever connected it, comes before what somebody else calls a related domain.
    """
    for column in (connection.c.embedding_origins, connection.c.related_domains):
        rows = await tx.all(
            select(
                connection.c.account_id,
                connection.c.id,
                (connection.c.embedding_origins + connection.c.related_domains).label("origins"),
            )
            .where(column.contains([origin]), connection.c.state.in_(("connected", "reconnect")))
            .limit(2)
        )
        if rows:
            return rows[0] if len(rows) == 1 else None
    return None


def _account(tx: Transaction) -> UUID:
    if tx.account_id is None:
        raise ValueError("connections are made in a transaction of their account")
    return tx.account_id
