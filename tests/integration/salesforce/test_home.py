"""The checklist, the diagnostic bundle, call center documents and the integrations switch, through their doors."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text, update
from tests.integration.center import Center, a_center

from tieline.calllog.tables import call_log, delivery
from tieline.db.database import Database
from tieline.engagements.tables import engagement
from tieline.identity.tables import account
from tieline.mail.post import Post
from tieline.mail.tables import mail
from tieline.salesforce.connections import Salesforce
from tieline.salesforce.incidents import PATIENCE, Incidents
from tieline.salesforce.tables import connection, indexed_record
from tieline.settings import MailSettings

from .org import Org

SECRET = "s3cr3t-marker-9f"
PERSON = "Marker-Person"
NUMBER = "+14155557391"


@pytest.fixture
async def center(database: Database, tmp_path: Path) -> AsyncIterator[Center]:
    async with a_center(database, tmp_path) as made:
        yield made


async def change(center: Center, **columns: Any) -> None:
    """Write columns of the center's connection."""
    async with center.db.system() as tx:
        await tx.execute(update(connection).where(connection.c.id == center.connection_id).values(**columns))


async def test_the_checklist_answers_from_what_is_known_while_the_org_is_away(center: Center) -> None:
    survey = {"call_center": {"state": "wrong", "code": "foreign_host", "params": {"hosts": "zoom.us"}}}
    async with center.db.system() as tx:
        at = tx.now
    # The connection's org does not exist: nothing answers at its address.
    await change(center, survey=survey, surveyed_at=at, survey_error="crm_unreachable", error_at=at)
    portal = await center.portal("admin")
    started = time.monotonic()
    answer = await portal.get("/api/v1/home")
    assert time.monotonic() - started < 1.0
    groups = {group["kind"]: group for group in answer.json()["groups"]}
    assert groups["connection"]["error"] == "crm_unreachable"
    lines = {step["key"]: step for step in groups["connection"]["steps"]}
    assert lines["connection"]["code"] == "not_reachable"
    assert (lines["call_center"]["code"], lines["call_center"]["params"]) == (
        "foreign_host",
        {"hosts": "zoom.us"},
    )
    assert lines["call_center"]["at"] == at.isoformat()
    assert groups["users"]["steps"][0]["state"] == "ok"
    assert groups["users"]["steps"][1]["code"] == "not_asked"


async def test_only_administrators_see_it(center: Center) -> None:
    agent = await center.portal("one")
    for path in ("/api/v1/home", "/api/v1/diagnostics", "/api/v1/call-center/standard"):
        assert (await agent.get(path)).status_code == 403
        assert (await center.http.get(path)).status_code == 401


async def test_the_bundle_holds_no_secret_no_name_and_no_number(center: Center) -> None:
    await center.call(NUMBER)
    async with center.db.system() as tx:
        await tx.execute(
            update(account).where(account.c.id == center.account_id).values(name=f"Account {PERSON}")
        )
        of = {"account_id": center.account_id}
        await tx.execute(
            insert(indexed_record).values(
                **of,
                connection_id=center.connection_id,
                record_id="003000000000001AAA",
                object_type="Contact",
                name=PERSON,
                modified_at=tx.now,
            )
        )
        engagement_id = await tx.scalar(
            select(engagement.c.id).where(engagement.c.account_id == center.account_id)
        )
        content = {"number_e164": NUMBER, "agent_name": PERSON, "notes": f"{PERSON} {NUMBER}"}
        await tx.execute(
            insert(call_log).values(**of, engagement_id=engagement_id, content=content, created_at=tx.now)
        )
        await tx.execute(
            insert(delivery).values(
                **of,
                engagement_id=engagement_id,
                connection_id=center.connection_id,
                state="failed",
                pending_since=tx.now,
                error_code="REQUIRED_FIELD_MISSING",
                error_message=f"{PERSON} {NUMBER}",
            )
        )
    await change(
        center,
        client_id=SECRET,
        name=f"CRM of {PERSON}",
        client_secret=SECRET.encode(),
        refresh_token=SECRET.encode(),
        error_code=f"{PERSON} {NUMBER}",
        survey={
            "call_center": {
                "state": "wrong",
                "code": "foreign_host",
                "params": {"hosts": f"{SECRET}.example"},
            }
        },
    )
    answer = await (await center.portal("admin")).get("/api/v1/diagnostics")
    assert answer.status_code == 200 and answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        files = {name.rpartition("/")[2]: archive.read(name).decode() for name in archive.namelist()}
    assert set(files) == {
        "versions.json", "settings.json", "account.json", "connections.json", "checklist.json", "problems.json",
    }  # fmt: skip
    everything = "\n".join(files.values())
    keys = center.settings.keys.by_id["test"].decode()
    for marked in (SECRET, PERSON, NUMBER, NUMBER[2:], center.tag, keys, "@", "zoom", center.db.url):
        assert marked not in everything, marked
    told = json.loads(files["connections.json"])[0]
    assert told["id"] == str(center.connection_id) and told["index"]["records"] == 1
    assert told["has_refresh_token"] is True and told["error_code"] == "not_a_code"
    assert json.loads(files["problems.json"])["deliveries"][0]["code"] == "REQUIRED_FIELD_MISSING"
    assert json.loads(files["versions.json"])["migration"]


@pytest.mark.parametrize("document", ["standard", "sso"])
async def test_call_center_documents_are_imported_unchanged(center: Center, org: Org, document: str) -> None:
    answer = await (await center.portal("admin")).get(f"/api/v1/call-center/{document}")
    assert "attachment" in answer.headers["content-disposition"]
    host = f"127.0.0.1:{center.port}"
    expected = host if document == "standard" else f"{center.tag}.{host}"
    assert f">http://{expected}/cci/multi/callbar-cti<" in answer.text
    # The org's set-up has imported our call center already: a new name, as for a second contact center.
    content = answer.text.replace(">TielineContactCenter", f">Center{center.tag}")
    imported = await org.console("POST", "setup/call-centers/import", content=content.encode())
    assert imported.status_code == 201, imported.text


async def test_integrations_switched_off_are_not_changed_but_work(center: Center) -> None:
    portal = await center.portal("admin")
    async with center.db.system() as tx:
        await tx.execute(update(account).where(account.c.id == center.account_id).values(integrations=False))
    mine = f"/api/v1/connections/{center.connection_id}"
    new = {"name": "Second", "environment": "production", "client_id": "x"}
    for method, path, body in (
        ("POST", "/api/v1/connections", new),
        ("PATCH", mine, {"name": "Other"}),
        ("POST", f"{mine}/authorise", None),
        ("PUT", f"{mine}/related-domains", {"domains": ["https://example.com"]}),
    ):
        answer = await portal.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (403, "integrations_off"), path
    listed = (await portal.get("/api/v1/connections")).json()
    assert listed["integrations"] is False and len(listed["connections"]) == 1
    home = (await portal.get("/api/v1/home")).json()
    assert home["groups"][0]["steps"][0]["code"] == "integrations_off"
    assert await center.callbar_token("one")


async def test_a_dead_connection_is_told_once_and_forgotten_when_well(center: Center) -> None:
    settings = center.settings
    post = Post(settings)
    post.settings = MailSettings(sender="center@tieline.example", smtp=None)
    incidents = Incidents(Salesforce(center.db, settings), post)

    async def mails() -> list[str]:
        async with center.db.system() as tx:
            mine = mail.c.account_id == center.account_id
            rows = await tx.all(select(mail.c.template, mail.c.recipient).where(mine).order_by(mail.c.id))
        assert {row.recipient for row in rows} <= {center.email("admin")}
        return [row.template for row in rows]

    async def banner() -> list[str]:
        problems = (await (await center.portal("admin")).get("/api/v1/problems")).json()
        return [each["status"] for each in problems["connections"]]

    async with center.db.system() as tx:
        now = tx.now
    await change(center, failing_since=now, error_code="crm_unreachable", error_at=now)
    await incidents.sweep()
    assert await mails() == [] and await banner() == []
    await change(center, failing_since=now - PATIENCE - timedelta(seconds=1))
    await incidents.sweep()
    await incidents.sweep()
    assert await mails() == ["connection_away"] and await banner() == ["not_reachable"]
    await change(center, failing_since=None, error_code=None, error_at=None)
    await incidents.sweep()
    assert await banner() == []
    await change(center, state="reconnect", error_code="invalid_grant", error_at=now)
    await incidents.sweep()
    await incidents.sweep()
    assert await mails() == ["connection_away", "connection_refused"]
    assert await banner() == ["needs_sign_in"]


async def test_users_are_filtered_by_what_is_wrong_in_the_org(center: Center) -> None:
    async with center.db.system() as tx:
        for name, found, allowed in (("one", 0, None), ("two", 1, False)):
            await tx.execute(
                text(
                    "INSERT INTO org_user (account_id, user_id, connection_id, found, permission_set, call_center,"
                    " matched_at) VALUES (:account, :user, :connection, :found, :allowed, true, now())"
                ),
                {
                    "account": center.account_id,
                    "user": center.agents[name],
                    "connection": center.connection_id,
                    "found": found,
                    "allowed": allowed,
                },
            )
    portal = await center.portal("admin")

    async def who(trouble: str) -> list[str]:
        users = (await portal.get("/api/v1/users", params={"org": trouble})).json()["users"]
        return [user["email"] for user in users]

    assert await who("not_found") == [center.email("one")]
    assert await who("no_permission_set") == [center.email("two")]
    assert await who("several") == []
    lines = (await portal.get("/api/v1/home")).json()["groups"][-1]["steps"]
    assert [(line["key"], line["code"]) for line in lines if line["state"] == "wrong"] == [
        ("found", "not_found"),
        ("permitted", "no_permission_set"),
    ]
    chosen = await portal.put(
        f"/api/v1/users/{center.agents['one']}/org-user", json={"username": "one@org.example"}
    )
    assert chosen.json()["org_user"]["chosen"] == "one@org.example"
    wrong = await portal.put(f"/api/v1/users/{center.agents['one']}/org-user", json={"username": "no name"})
    assert (wrong.status_code, wrong.json()["params"]["field"]) == (422, "username")
