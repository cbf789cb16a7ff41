"""Making orgs, and databases of another release."""

from __future__ import annotations

import dataclasses
import json

import asyncpg
import pytest
import structlog

from tieline.crm.migrations import ORG_STEPS, Step, WrongHead, migrate, require_head
from tieline.crm.pages import Words
from tieline.crm.provision import create_org, migrate_all
from tieline.crm.settings import CrmSettings
from tieline.crm.sign_in.apps import SCOPES
from tieline.db.embedded import EmbeddedPostgres

from .conftest import ADMIN, PASSWORD, World, client_of
from .test_soap import envelope, login_of
from .test_tokens import JWT_BEARER


async def test_making_an_org_again_changes_nothing(world: World) -> None:
    again = await create_org(
        world.settings, name="acme", label="Other", admin_username="x@y.example", admin_password=PASSWORD
    )
    assert again == world.org_id
    conn = await world.database()
    assert await conn.fetchval('SELECT count(*) FROM data."Organization"') == 1
    assert await conn.fetchval('SELECT "Name" FROM data."Organization"') == "Acme"
    assert await conn.fetchval('SELECT count(*) FROM data."User" WHERE "Username" = $1', ADMIN) == 1
    await conn.close()
    assert await migrate_all(world.settings) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Not A Name"},
        {"admin_language": "fr"},
        {"admin_password": "short"},
        {"admin_username": "nobody"},
    ],
)
async def test_bad_input_makes_no_org(world: World, wrong: dict[str, str]) -> None:
    good = {"name": "second", "label": "Second", "admin_username": "a@b.example", "admin_password": PASSWORD}
    with pytest.raises(ValueError, match=r"\w"):
        await create_org(world.settings, **(good | wrong))
    conn = await asyncpg.connect(world.settings.database_url)
    assert "second" not in await conn.fetchval("SELECT array_agg(name) FROM crm_org")
    await conn.close()


async def test_a_database_of_another_release_is_refused(postgres: EmbeddedPostgres) -> None:
    maintenance = await asyncpg.connect(postgres.url())
    await maintenance.execute("DROP DATABASE IF EXISTS crm_heads WITH (FORCE)")
    await maintenance.execute("CREATE DATABASE crm_heads")
    await maintenance.close()
    conn = await asyncpg.connect(postgres.url("crm_heads"))

    async def nothing(_: object) -> None:
        return

    steps = [Step("one", nothing), Step("two", nothing)]
    with pytest.raises(WrongHead, match="migrate"):
        await require_head(conn, steps)
    assert await migrate(conn, steps) == 2
    assert await migrate(conn, steps) == 0
    await require_head(conn, steps)
    with pytest.raises(WrongHead, match="another release"):
        await migrate(conn, steps[:1])
    with pytest.raises(WrongHead, match="another release"):
        await require_head(conn, [*ORG_STEPS])
    await conn.close()


async def test_logs_carry_no_secret_and_nobody_s_data(world: World) -> None:
    http = await client_of(world, ADMIN)
    token = world.tokens[ADMIN]["access_token"]
    with structlog.testing.capture_logs() as logs:
        await http.get(
            "/services/data/v66.0/query", params={"q": "SELECT Id FROM Contact WHERE LastName = 'Secretive'"}
        )
        await http.get("/services/data/v66.0/sobjects/Session__c/Key__c/+14155550100")
        await http.get(f"/services/oauth2/userinfo?oauth_token={token}")
        await http.post(
            "/services/oauth2/token", data={"grant_type": "refresh_token", "refresh_token": "5Aep-sensitive"}
        )
        await http.post("/login", data={"username": "someone@acme.example", "password": "pass-phrase"})
        await http.get("/services/oauth2/revoke", params={"token": "5Aep-sensitive"})
        form = {"grant_type": "password", "username": "someone@acme.example", "password": "pass-phrase"}
        await http.post(
            "/services/oauth2/token", data=form | {"client_id": "x", "client_secret": "sensitive"}
        )
        await http.post(
            "/services/oauth2/token", data={"grant_type": JWT_BEARER, "assertion": "sensitive.a.b"}
        )
        login = envelope(login_of("someone@acme.example", "pass-phrase"), session_id="sensitive")
        await http.post("/services/Soap/u/66.0", content=login)
    await http.aclose()
    text = repr(logs)
    assert [entry["event"] for entry in logs] == ["request"] * 9
    assert logs[0]["path"] == "/services/data/v66.0/query"
    for secret in (token, "Secretive", "14155550100", "sensitive", "someone", "pass-phrase"):
        assert secret not in text


async def test_an_org_of_the_last_release_keeps_its_apps_and_tokens(postgres: EmbeddedPostgres) -> None:
    maintenance = await asyncpg.connect(postgres.url())
    await maintenance.execute("DROP DATABASE IF EXISTS crm_last_release WITH (FORCE)")
    await maintenance.execute("CREATE DATABASE crm_last_release")
    await maintenance.close()
    conn = await asyncpg.connect(postgres.url("crm_last_release"))
    await conn.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    last = [step.name for step in ORG_STEPS].index("2026_11_22_standard_objects") + 1
    await migrate(conn, ORG_STEPS[:last])
    await conn.execute(
        "INSERT INTO auth.app (client_id, name, label, secret_sealed, callbacks, scopes)"
        " VALUES ('kept-client', 'Kept', 'Kept', 'x', '{http://localhost/cb}', '{api}');"
        "INSERT INTO auth.grant (id, client_id, user_id, scopes) VALUES (gen_random_uuid(), 'kept-client', 'u', '{api}');"
        "INSERT INTO auth.access_token SELECT 'access', id, now() + interval '1 hour' FROM auth.grant;"
        "INSERT INTO auth.refresh_token SELECT 'refresh', id, NULL FROM auth.grant"
    )
    await migrate(conn, ORG_STEPS)
    app = await conn.fetchrow("SELECT * FROM auth.app WHERE client_id = 'kept-client'")
    assert (app["kind"], app["permitted"], app["refresh_policy"]) == ("external", "all", "infinite")
    assert await conn.fetchval("SELECT minutes FROM auth.access_token WHERE hash = 'access'") == 120
    assert await conn.fetchval("SELECT used_at FROM auth.refresh_token WHERE hash = 'refresh'")
    assert await conn.fetchval("SELECT kind FROM auth.app WHERE client_id = 'PlatformCLI'") == "built_in"
    await conn.close()


def test_every_scope_is_said_in_words_in_both_languages() -> None:
    words = Words(CrmSettings(database_url="", data_key=bytes(32)).locales)
    for language in ("en", "ja"):
        assert not [scope for scope in SCOPES.values() if not words.knows(language, f"scope_{scope}")]


def test_hosts_name_a_door_and_an_org() -> None:
    settings = CrmSettings(database_url="", data_key=bytes(32))
    assert settings.place_of("localhost:8401") == ("base", None)
    assert settings.place_of("127.0.0.1:8443") == ("base", None)
    assert settings.place_of("ACME.my.localhost:8401") == ("my", "acme")
    assert settings.place_of("acme.lightning.localhost:8401") == ("lightning", "acme")
    for host in (
        "acme.my.localhost",
        "a.b.my.localhost:8401",
        ".my.localhost:8401",
        "evil",
        "",
        "localhost.evil",
    ):
        assert settings.place_of(host) is None
    with pytest.raises(ValueError, match="32 bytes"):
        dataclasses.replace(settings, data_key=b"short")
