"""Connecting: OAuth with PKCE against the org, renewal of tokens, and what happens when the grant is gone."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select, update

from tieline.db.database import Database
from tieline.db.embedded import EmbeddedPostgres
from tieline.errors import InputInvalid
from tieline.salesforce.connections import (
    AuthorisationInvalid,
    AuthorisationRefused,
    ConnectionDraft,
    ConnectionNameTaken,
    Connections,
    Salesforce,
    embedded_by,
    listed,
)
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.tables import connection, oauth_attempt
from tieline.salesforce.tokens import reseal
from tieline.settings import Keys, Settings

from .conftest import Tenant, connect
from .org import CLIENT_ID, CLIENT_SECRET, Org, package


async def row_of(database: Database, connection_id: UUID) -> Any:
    async with database.system() as tx:
        return await tx.one(select(connection).where(connection.c.id == connection_id))


async def expire_access_tokens(postgres: EmbeddedPostgres) -> None:
    conn = await asyncpg.connect(postgres.url("crm_twin_acme"))
    await conn.execute("UPDATE auth.access_token SET expires_at = now() - interval '1 hour'")
    await conn.close()


async def forget_grants(postgres: EmbeddedPostgres) -> None:
    conn = await asyncpg.connect(postgres.url("crm_twin_acme"))
    await conn.execute("DELETE FROM auth.grant")
    await conn.close()


async def test_an_authorised_connection_knows_its_org_and_calls_it(
    salesforce: Salesforce, database: Database, connected: Tenant, org: Org
) -> None:
    row = await row_of(database, connected.connection_id)
    assert (row.state, row.api_base, row.login_origin) == ("connected", org.base, org.my)
    assert row.org_id.startswith("00D") and row.org_user_id.startswith("005")
    assert {"api", "refresh_token"} <= set(row.scopes)
    client = salesforce.client(connected.account_id, connected.connection_id)
    users = await client.query_all("SELECT Id, Username FROM User WHERE Username = 'admin@acme.example'")
    assert [user["Id"][:15] for user in users] == [row.org_user_id[:15]]
    async with database.account(connected.account_id) as tx:
        assert {r.name for r in await listed(tx)} == {"CRM", "Embedded"}


async def test_a_state_is_good_once_and_only_for_the_user_who_began(
    salesforce: Salesforce, database: Database, tenant: Tenant, org: Org
) -> None:
    connections = Connections(salesforce)
    draft = ConnectionDraft("One", "embedded", CLIENT_ID, CLIENT_SECRET, org.base, org.my)
    async with database.account(tenant.account_id) as tx:
        _, url = await connections.begin(tx, draft, tenant.user_id)
    told = await org.allow(url)
    with pytest.raises(AuthorisationInvalid):
        await connections.finish(user_id=UUID(int=7), state=told["state"], code=told["code"])
    with pytest.raises(AuthorisationInvalid):
        await connections.finish(user_id=tenant.user_id, state="foreign", code=told["code"])
    await connections.finish(user_id=tenant.user_id, state=told["state"], code=told["code"])
    with pytest.raises(AuthorisationInvalid):
        await connections.finish(user_id=tenant.user_id, state=told["state"], code=told["code"])


async def test_a_refusal_an_expiry_and_a_foreign_issuer_connect_nothing(
    salesforce: Salesforce, database: Database, tenant: Tenant, org: Org
) -> None:
    connections = Connections(salesforce)

    async def begin(name: str) -> tuple[UUID, dict[str, str]]:
        draft = ConnectionDraft(name, "embedded", CLIENT_ID, CLIENT_SECRET, org.base, org.my)
        async with database.account(tenant.account_id) as tx:
            connection_id, url = await connections.begin(tx, draft, tenant.user_id)
        return connection_id, await org.allow(url)

    refused, told = await begin("refused")
    with pytest.raises(AuthorisationRefused) as caught:
        await connections.finish(
            user_id=tenant.user_id, state=told["state"], code=None, error="access_denied"
        )
    assert caught.value.params["reason"] == "access_denied"
    expired, told = await begin("expired")
    async with database.system() as tx:
        await tx.execute(update(oauth_attempt).values(expires_at=tx.now))
    with pytest.raises(AuthorisationInvalid):
        await connections.finish(user_id=tenant.user_id, state=told["state"], code=told["code"])
    foreign, told = await begin("foreign")
    with pytest.raises(AuthorisationInvalid):
        await connections.finish(
            user_id=tenant.user_id,
            state=told["state"],
            code=told["code"],
            issuer="https://evil.example",
        )
    guessed, told = await begin("guessed")
    with pytest.raises(AuthorisationRefused):
        await connections.finish(user_id=tenant.user_id, state=told["state"], code="guess")
    for connection_id in (refused, expired, foreign, guessed):
        assert (await row_of(database, connection_id)).state == "authorising"


async def test_names_are_unique_and_addresses_are_checked(
    salesforce: Salesforce, database: Database, tenant: Tenant, org: Org
) -> None:
    connections = Connections(salesforce)
    async with database.account(tenant.account_id) as tx:
        with pytest.raises(ConnectionNameTaken):
            await connections.begin(tx, ConnectionDraft("CRM", "production", CLIENT_ID), tenant.user_id)
        for address in (
            "http://10.0.0.1",
            "ftp://localhost",
            "http://localhost/path",
            "",
            "http://a@localhost",
        ):
            with pytest.raises(InputInvalid):
                await connections.begin(
                    tx,
                    ConnectionDraft("New", "embedded", CLIENT_ID, None, address),
                    tenant.user_id,
                )
        _, url = await connections.begin(tx, ConnectionDraft("Real", "sandbox", CLIENT_ID), tenant.user_id)
        assert url.startswith("https://test.salesforce.com/services/oauth2/authorize?")


async def test_an_expired_token_is_renewed_once_however_many_calls_find_out(
    salesforce: Salesforce, database: Database, connected: Tenant, postgres: EmbeddedPostgres, settings: Any
) -> None:
    before = await row_of(database, connected.connection_id)
    await expire_access_tokens(postgres)
    other_process = Salesforce(database, settings)
    clients = [
        s.client(connected.account_id, connected.connection_id) for s in (salesforce, other_process) * 10
    ]
    await asyncio.gather(*(client.query("SELECT Id FROM User LIMIT 1") for client in clients))
    await other_process.close()
    after = await row_of(database, connected.connection_id)
    assert after.token_version == before.token_version + 1
    assert after.token_lease_until is None


async def test_a_rotated_refresh_token_is_kept(
    salesforce: Salesforce, database: Database, connected: Tenant, postgres: EmbeddedPostgres
) -> None:
    conn = await asyncpg.connect(postgres.url("crm_twin_acme"))
    await conn.execute("UPDATE auth.app SET rotate_refresh = true")
    try:
        client = salesforce.client(connected.account_id, connected.connection_id)
        for _ in range(2):  # the second renewal needs what the first one was given
            await expire_access_tokens(postgres)
            await client.query("SELECT Id FROM User LIMIT 1")
    finally:
        await conn.execute("UPDATE auth.app SET rotate_refresh = false")
        await conn.close()
    assert (await row_of(database, connected.connection_id)).state == "connected"


async def test_a_lease_of_a_killed_process_ends(
    salesforce: Salesforce, database: Database, connected: Tenant, postgres: EmbeddedPostgres
) -> None:
    await expire_access_tokens(postgres)
    async with database.system() as tx:
        await tx.execute(
            update(connection)
            .where(connection.c.id == connected.connection_id)
            .values(token_lease_until=tx.now + timedelta(seconds=0.5))
        )
    await salesforce.client(connected.account_id, connected.connection_id).query(
        "SELECT Id FROM User LIMIT 1"
    )
    assert (await row_of(database, connected.connection_id)).token_lease_until is None


async def test_a_grant_that_is_gone_needs_an_administrator_who_can_mend_it(
    salesforce: Salesforce, database: Database, connected: Tenant, postgres: EmbeddedPostgres, org: Org
) -> None:
    await forget_grants(postgres)
    client = salesforce.client(connected.account_id, connected.connection_id)
    with pytest.raises(CrmFailure) as caught:
        await client.query("SELECT Id FROM User LIMIT 1")
    assert caught.value.kind == "sign_in"
    row = await row_of(database, connected.connection_id)
    assert (row.state, row.error_code) == ("reconnect", "invalid_grant")
    connections = Connections(salesforce)
    async with database.account(connected.account_id) as tx:
        url = await connections.authorise(tx, connected.connection_id, connected.user_id)
    told = await org.allow(url)
    await connections.finish(user_id=connected.user_id, state=told["state"], code=told["code"])
    await client.query("SELECT Id FROM User LIMIT 1")
    row = await row_of(database, connected.connection_id)
    assert (row.state, row.error_code) == ("connected", None)


async def test_removing_a_connection_revokes_and_erases_its_tokens(
    salesforce: Salesforce, database: Database, connected: Tenant, postgres: EmbeddedPostgres, org: Org
) -> None:
    row = await row_of(database, connected.connection_id)
    token = salesforce.vault.open(
        row.access_token, connected.account_id, connected.connection_id, "access_token"
    )
    await Connections(salesforce).remove(connected.account_id, connected.connection_id)
    answer = await org.http.get(
        f"{org.base}/services/data/v66.0/limits", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 401
    row = await row_of(database, connected.connection_id)
    assert (row.state, row.access_token, row.refresh_token, row.client_secret) == (
        "removed",
        None,
        None,
        None,
    )
    # The name is free again.
    await connect(salesforce, connected, org)


async def test_secrets_move_to_the_newest_key(
    salesforce: Salesforce, database: Database, connected: Tenant, settings: Settings
) -> None:
    keys = settings.keys
    newer = replace(settings, keys=Keys("k2", {"k2": bytes(range(32)), **keys.by_id}))
    rotated = Salesforce(database, newer)
    assert await reseal(rotated) >= 3
    assert await reseal(rotated) == 0
    only_new = Salesforce(database, replace(newer, keys=Keys("k2", {"k2": bytes(range(32))})))
    client = only_new.client(connected.account_id, connected.connection_id)
    await client.query("SELECT Id FROM User LIMIT 1")
    back = Salesforce(
        database, replace(settings, keys=Keys(keys.current, {**keys.by_id, "k2": bytes(range(32))}))
    )
    assert await reseal(back) >= 3
    for one in (rotated, only_new, back):
        await one.close()


async def test_the_orgs_own_search_finds_a_number(salesforce: Salesforce, connected: Tenant) -> None:
    client = salesforce.client(connected.account_id, connected.connection_id)
    made = await client.call("POST", "/sobjects/Contact", body={"LastName": "Found", "Phone": "03-4567-0199"})
    found = await client.search("03-4567-0199", ["Contact"])
    assert made["id"] in [record["Id"] for record in found]


async def test_an_origin_leads_to_its_one_connection(
    salesforce: Salesforce, database: Database, connected: Tenant, org: Org
) -> None:
    async with database.system() as tx:
        assert await embedded_by(tx, "https://nobody.example") is None
        await tx.execute(
            update(connection)
            .where(connection.c.id == connected.connection_id)
            .values(embedding_origins=[f"https://{connected.connection_id}.example"])
        )
        found = await embedded_by(tx, f"https://{connected.connection_id}.example")
        assert found is not None and found.id == connected.connection_id


async def test_no_token_stands_readable_in_a_dump(
    salesforce: Salesforce,
    database: Database,
    connected: Tenant,
    postgres: EmbeddedPostgres,
    database_url: str,
) -> None:
    row = await row_of(database, connected.connection_id)
    secrets = [
        salesforce.vault.open(getattr(row, name), connected.account_id, connected.connection_id, name)
        for name in ("access_token", "refresh_token", "client_secret")
    ]
    conn = await asyncpg.connect(postgres.url(urlsplit(database_url).path[1:]))
    tables = await conn.fetch("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    rows = [row for (table,) in tables for row in await conn.fetch(f"SELECT t::text FROM {table} t")]
    await conn.close()
    dump = "\n".join(str(row[0]) for row in rows)
    assert str(connected.connection_id) in dump
    for secret in secrets:
        assert len(secret) > 10
        assert secret not in dump
        assert secret.encode().hex() not in dump


async def test_our_metadata_deploys_twice(salesforce: Salesforce, connected: Tenant, org: Org) -> None:
    client = salesforce.client(connected.account_id, connected.connection_id)
    described = await client.describe("Tieline_Session_History__c")
    fields = {field["name"]: field for field in described["fields"]}
    assert fields["Engagement_Id__c"]["externalId"] and fields["Engagement_Id__c"]["unique"]
    assert fields["Number__c"]["type"] == "phone"
    again = await org.deploy(package())
    touched = [row for row in again["details"]["componentSuccesses"] if row["created"] or row["changed"]]
    assert touched == []
