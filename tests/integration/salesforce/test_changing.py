"""Changing a connection: name, environment, org, related domains; and what its removal leaves behind."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from sqlalchemy import select, update

from tieline.db.database import Database
from tieline.errors import InputInvalid
from tieline.salesforce import revocations
from tieline.salesforce.connections import (
    AuthorisationRefused,
    ConnectionDraft,
    ConnectionNameTaken,
    Connections,
    DomainTaken,
    OrgTaken,
    OtherOrg,
    Salesforce,
    embedded_by,
    impact,
    living,
    related_origin,
    set_related_domains,
)
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.tables import connection, revocation

from .conftest import Tenant
from .org import CLIENT_ID, CLIENT_SECRET, Org


async def answers(salesforce: Salesforce, of: Tenant) -> bool:
    """Whether the org still takes the connection's grant."""
    client = salesforce.client(of.account_id, of.connection_id)
    try:
        await client.get("/limits")
    except CrmFailure:
        return False
    return True


def embedded(org: Org, **more: str) -> ConnectionDraft:
    return ConnectionDraft("", "embedded", CLIENT_ID, CLIENT_SECRET, org.base, org.my, (org.lightning,))


async def test_a_new_name_needs_no_sign_in_and_is_unique(
    salesforce: Salesforce, database: Database, connected: Tenant
) -> None:
    connections = Connections(salesforce)
    async with database.account(connected.account_id) as tx:
        await connections.rename(tx, connected.connection_id, "  Acme   CRM ")
        await connections.rename(tx, connected.connection_id, "Acme CRM")
        assert (await living(tx, connected.connection_id)).name == "Acme CRM"
        with pytest.raises(ConnectionNameTaken):
            await connections.rename(tx, connected.connection_id, "CRM")
        with pytest.raises(InputInvalid):
            await connections.rename(tx, connected.connection_id, " ")
    assert await answers(salesforce, connected)


async def test_the_old_environment_works_until_the_new_one_is_authorised(
    salesforce: Salesforce, database: Database, connected: Tenant, org: Org
) -> None:
    connections = Connections(salesforce)
    async with database.account(connected.account_id) as tx:
        before = await living(tx, connected.connection_id)
        to_sandbox = await connections.move(
            tx, connected.connection_id, ConnectionDraft("", "sandbox", CLIENT_ID), connected.user_id
        )
        assert to_sandbox.startswith("https://test.salesforce.com/services/oauth2/authorize?")
        url = await connections.move(tx, connected.connection_id, embedded(org), connected.user_id)
    assert await answers(salesforce, connected)
    told = await org.allow(url)
    with pytest.raises(AuthorisationRefused):
        await connections.finish(
            user_id=connected.user_id, state=told["state"], code=None, error="access_denied"
        )
    assert await answers(salesforce, connected)

    async with database.account(connected.account_id) as tx:
        url = await connections.move(tx, connected.connection_id, embedded(org), connected.user_id)
    told = await org.allow(url)
    await connections.finish(user_id=connected.user_id, state=told["state"], code=told["code"])
    async with database.account(connected.account_id) as tx:
        after = await living(tx, connected.connection_id)
    assert (after.environment, after.state, after.org_id) == ("embedded", "connected", before.org_id)
    assert after.embedding_origins == [org.lightning]
    assert after.connected_by == connected.user_id and after.connected_at > before.connected_at
    # The grant that it had is told to the org as no longer ours.
    assert await revocations.revoke_one(salesforce, connected.connection_id)
    assert not await revocations.revoke_one(salesforce, connected.connection_id)
    assert await answers(salesforce, connected)


async def test_another_org_is_moved_to_only_when_that_was_asked_for(
    salesforce: Salesforce, database: Database, connected: Tenant, org: Org
) -> None:
    connections = Connections(salesforce)
    async with database.system() as tx:
        # A sandbox that was refreshed is an org of another id at the same address.
        await tx.execute(
            update(connection)
            .where(connection.c.id == connected.connection_id)
            .values(org_id="00D000000000001AAA", index_state="ready")
        )
    async with database.account(connected.account_id) as tx:
        url = await connections.authorise(tx, connected.connection_id, connected.user_id)
    told = await org.allow(url)
    with pytest.raises(OtherOrg):
        await connections.finish(user_id=connected.user_id, state=told["state"], code=told["code"])
    async with database.account(connected.account_id) as tx:
        url = await connections.move(tx, connected.connection_id, embedded(org), connected.user_id)
    told = await org.allow(url)
    await connections.finish(user_id=connected.user_id, state=told["state"], code=told["code"])
    async with database.account(connected.account_id) as tx:
        row = await living(tx, connected.connection_id)
    assert row.org_id != "00D000000000001AAA" and row.index_state == "none"


async def test_an_org_has_one_connection(
    salesforce: Salesforce, database: Database, connected: Tenant, org: Org
) -> None:
    connections = Connections(salesforce)
    async with database.account(connected.account_id) as tx:
        second, url = await connections.begin(tx, replace(embedded(org), name="Second"), connected.user_id)
    told = await org.allow(url)
    with pytest.raises(OrgTaken):
        await connections.finish(user_id=connected.user_id, state=told["state"], code=told["code"])
    async with database.account(connected.account_id) as tx:
        assert (await living(tx, second)).state == "authorising"


async def test_a_grant_is_revoked_though_its_org_was_away(
    salesforce: Salesforce, database: Database, connected: Tenant, org: Org
) -> None:
    async with database.account(connected.account_id) as tx:
        assert (await impact(tx, connected.connection_id))["users"] == 0
        row = await living(tx, connected.connection_id)
    mine = revocation.c.connection_id == connected.connection_id
    opened = salesforce.vault.open(row.refresh_token, row.account_id, row.id, "refresh_token")
    async with org.failing({"kind": "outage", "path": "/services/oauth2/revoke"}):
        await Connections(salesforce).remove(connected.account_id, connected.connection_id)
    async with database.system() as tx:
        (waiting,) = await tx.all(select(revocation).where(mine))
        assert waiting.attempts == 1 and waiting.next_at > tx.now
        assert opened.encode() not in waiting.token
        await tx.execute(update(revocation).where(mine).values(next_at=tx.now))
    assert await revocations.revoke_one(salesforce, connected.connection_id)
    async with database.system() as tx:
        assert await tx.all(select(revocation).where(mine)) == []
    form = {
        "grant_type": "refresh_token",
        "refresh_token": opened,
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
    }
    answer = await salesforce.http.post(f"{org.base}/services/oauth2/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_related_domains_may_embed_the_callbar_until_they_are_taken_away(
    database: Database, connected: Tenant, org: Org
) -> None:
    async with database.system(connected.account_id) as tx:
        kept = await set_related_domains(
            tx, connected.connection_id, ["Shop.Example.com/", "https://shop.example.com", org.lightning]
        )
    assert kept == ["https://shop.example.com"]
    async with database.system() as tx:
        found = await embedded_by(tx, "https://shop.example.com")
        assert found is not None and found.id == connected.connection_id
        assert list(found.origins) == [org.lightning, "https://shop.example.com"]
        assert await embedded_by(tx, "https://www.shop.example.com") is None
    async with database.system(connected.account_id) as tx:
        assert await set_related_domains(tx, connected.connection_id, []) == []
    async with database.system() as tx:
        assert await embedded_by(tx, "https://shop.example.com") is None


async def test_nobody_takes_an_orgs_own_origin_or_anothers_domain(
    database: Database, connected: Tenant, tenant_maker: object, org: Org
) -> None:
    async with database.system() as tx:
        other = UUID(int=99)
        account = await tx.one(select(connection).where(connection.c.id == connected.connection_id))
        assert account is not None
        values = {
            **account._mapping,
            "id": other,
            "name": "Other",
            "embedding_origins": ["https://other.example"],
        }
        await tx.execute(connection.insert().values(**values))
    for domain in ("https://other.example", org.lightning):
        async with database.system(connected.account_id) as tx:
            target = connected.connection_id if domain != org.lightning else other
            with pytest.raises(DomainTaken):
                await set_related_domains(tx, target, [domain])


@pytest.mark.parametrize(
    ("typed", "origin"),
    [
        ("example.com", "https://example.com"),
        (" HTTPS://Example.com:443/ ", "https://example.com"),
        ("https://example.com:8443", "https://example.com:8443"),
        ("https://日本語.example", "https://xn--wgv71a119e.example"),
        ("http://localhost:8080", "http://localhost:8080"),
    ],
)
def test_a_domain_is_kept_as_browsers_write_it(typed: str, origin: str) -> None:
    assert related_origin(typed) == origin


@pytest.mark.parametrize(
    "typed",
    [
        "", "*", "https://*.example.com", "http://example.com", "https://user@example.com", "https://example.com/path",
        "https://example.com?x", "javascript:alert(1)", "data:text/html,x", "https://exa mple.com", "com",
        "https://example.com:99999", "null", "https://example.com;frame-ancestors *", "https://example.com 'self'",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused(typed: str) -> None:
    with pytest.raises(InputInvalid):
        related_origin(typed)
