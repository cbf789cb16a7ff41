"""The survey of an org, against the running org."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update

from tieline.db.database import Database
from tieline.identity.tables import app_user
from tieline.ids import new_id
from tieline.salesforce import org_users, survey
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.survey import Surveys
from tieline.salesforce.tables import connection, org_user

from .conftest import Tenant
from .org import ADMIN, PUBLIC_URL, Org


async def surveyed(salesforce: Salesforce, tenant: Tenant) -> Any:
    """The connection's row after a survey that was asked for."""
    async with salesforce.database.account(tenant.account_id) as tx:
        await survey.ask(tx, [tenant.connection_id])
    while await Surveys(salesforce).run_once():
        pass
    async with salesforce.database.system() as tx:
        row = await tx.one(select(connection).where(connection.c.id == tenant.connection_id))
    assert row is not None
    return row


def codes(row: Any) -> dict[str, tuple[str, str]]:
    return {name: (each["state"], each["code"]) for name, each in row.survey.items()}


async def test_everything_an_org_must_have_is_asked_one_by_one(
    salesforce: Salesforce, connected: Tenant
) -> None:
    row = await surveyed(salesforce, connected)
    found = codes(row)
    assert row.survey_error is None and row.surveyed_at is not None
    assert set(found) == set(survey.CHECKS)
    for name in (
        "org",
        "customers",
        "tasks",
        "session_history",
        "settings",
        "users",
        "open_cti",
        "call_center",
        "permission_sets",
        "all_customers",
    ):
        assert found[name] == ("ok", "ok"), (name, row.survey[name])
    assert row.api_used > 0


async def test_a_refreshed_sandbox_is_noticed(salesforce: Salesforce, connected: Tenant) -> None:
    async with salesforce.database.system() as tx:
        await tx.execute(
            update(connection)
            .where(connection.c.id == connected.connection_id)
            .values(org_id="00D000000000001AAA")
        )
    row = await surveyed(salesforce, connected)
    assert codes(row)["org"] == ("wrong", "another_org")


async def test_a_call_center_of_another_host_is_told(
    salesforce: Salesforce, connected: Tenant, org: Org
) -> None:
    centers = (await org.console("GET", "setup/call-centers")).json()
    assert centers, "the org's set-up imported ours"
    moved = replace(salesforce.settings, public_url=PUBLIC_URL.replace("localhost", "127.0.0.1"))
    elsewhere = Salesforce(salesforce.database, moved)
    row = await surveyed(elsewhere, connected)
    await elsewhere.close()
    assert codes(row)["call_center"] == ("wrong", "foreign_host")
    hosts = row.survey["call_center"]["params"]["hosts"].split(", ")
    assert PUBLIC_URL.removeprefix("http://") in hosts


async def test_a_softphone_that_is_in_no_app_is_told(
    salesforce: Salesforce, connected: Tenant, org: Org
) -> None:
    apps = (await org.console("GET", "setup/lightning-apps")).json()["apps"]

    async def put(app: str, *types: str) -> None:
        items = {"utility_items": [{"type": each} for each in types]}
        answer = await org.console("PATCH", f"setup/lightning-apps/{app}", json=items)
        assert answer.status_code == 200, answer.text

    async def told() -> tuple[tuple[str, str], str]:
        row = await surveyed(salesforce, connected)
        return codes(row)["console"], row.survey["console"]["params"]["names"]

    for app in apps:
        await put(app["name"], "history")
    (state, _), names = await told()
    assert state == "missing" and "Service Console" in names
    await put("LightningSales", "history", "softphone")
    assert await told() == (("note", "standard_only"), "Sales")
    await put("LightningService", "history", "softphone")
    assert await told() == (("ok", "ok"), "Service Console")
    for app in apps:
        answer = await org.console(
            "PATCH", f"setup/lightning-apps/{app['name']}", json={"utility_items": app["utility_items"]}
        )
        assert answer.status_code == 200


async def test_an_org_that_is_away_leaves_the_last_answers(
    salesforce: Salesforce, connected: Tenant, org: Org
) -> None:
    before = await surveyed(salesforce, connected)
    async with org.failing({"kind": "outage"}):
        after = await surveyed(salesforce, connected)
    assert after.survey == before.survey and after.surveyed_at == before.surveyed_at
    assert after.survey_error is not None


@pytest.fixture
def people(database: Database, connected: Tenant) -> Callable[..., Any]:
    """Makes users with client integration, by their addresses."""

    async def make(*emails: str) -> list[UUID]:
        ids = [new_id() for _ in emails]
        async with database.system() as tx:
            for id, email in zip(ids, emails, strict=True):
                await tx.execute(
                    insert(app_user).values(
                        account_id=connected.account_id,
                        id=id,
                        email=email,
                        name=email,
                        language="en",
                        roles=["agent"],
                        password_hash="",
                        connection_id=connected.connection_id,
                    )
                )
        return ids

    return make


async def test_users_are_found_in_the_org_and_corrected(
    salesforce: Salesforce, connected: Tenant, people: Callable[..., Any]
) -> None:
    stranger = f"{new_id()}@nowhere.example"
    (id,) = await people(stranger)
    await surveyed(salesforce, connected)

    async def row() -> Any:
        async with salesforce.database.system() as tx:
            return await tx.one(select(org_user).where(org_user.c.user_id == id))

    assert ((await row()).found, (await row()).org_user_id) == (0, None)
    async with salesforce.database.account(connected.account_id) as tx:
        await org_users.choose(tx, id, ADMIN)
    await surveyed(salesforce, connected)
    found = await row()
    assert (found.found, found.how, found.username) == (1, "chosen", ADMIN)
    assert found.org_user_id.startswith("005") and found.call_center is not None
    async with salesforce.database.account(connected.account_id) as tx:
        await org_users.choose(tx, id, None)
    await surveyed(salesforce, connected)
    assert ((await row()).found, (await row()).chosen) == (0, None)


async def test_five_hundred_users_cost_few_calls(
    salesforce: Salesforce, connected: Tenant, people: Callable[..., Any], org: Org
) -> None:
    tag = new_id().hex
    await people(*(f"{tag}-{number}@nowhere.example" for number in range(500)))
    before = await surveyed(salesforce, connected)
    after = await surveyed(salesforce, connected)
    assert after.api_used - before.api_used <= 20
