"""Call logs in the org: one session history record and one Task for each engagement, whatever happens."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import insert, select, text, update
from tests.integration.crm.package_files import NS, archive, manifest

from tieline.calllog import service
from tieline.calllog.delivery import FAILPOINTS, NEVER_TRIES, Delivery
from tieline.calllog.log import CallLog, LoggedRecord
from tieline.calllog.tables import delivery, delivery_lane
from tieline.children import dies_with_parent
from tieline.db.database import Database
from tieline.engagements.tables import engagement
from tieline.ids import new_id
from tieline.queues.tables import queue
from tieline.salesforce.client import SalesforceClient, quoted
from tieline.salesforce.connections import Connections, Salesforce
from tieline.salesforce.tables import connection
from tieline.salesforce.writer import SalesforceWriter

from .conftest import KEYS, Tenant
from .org import PUBLIC_URL, Org

Close = Callable[..., Awaitable[list[CallLog]]]


@pytest.fixture
async def close(database: Database, connected: Tenant) -> Close:
    """Closes engagements of the connected account; keywords change their logs. Nothing else is due."""
    queue_id = new_id()
    async with database.system() as tx:
        await tx.execute(text("DELETE FROM delivery"))
        await tx.execute(text("DELETE FROM delivery_lane"))
        await tx.execute(
            insert(queue).values(account_id=connected.account_id, id=queue_id, slug="support", name="Support")
        )

    async def act(count: int = 1, **members: Any) -> list[CallLog]:
        logs: list[CallLog] = []
        async with database.account(connected.account_id) as tx:
            for _ in range(count):
                engagement_id = new_id()
                await tx.execute(
                    insert(engagement).values(
                        account_id=connected.account_id,
                        id=engagement_id,
                        direction="inbound",
                        state="closed",
                        queue_id=queue_id,
                        node="n",
                        epoch=1,
                        caller_leg_id=new_id(),
                        arrived_at=tx.now,
                    )
                )
                values: dict[str, Any] = {
                    "direction": "inbound",
                    "outcome": "answered",
                    "arrived_at": tx.now,
                    "answered_at": tx.now,
                    "ended_at": tx.now,
                    "number_e164": "+81345670100",
                    "number_display": "03-4567-0100",
                    "queue_name": "Support",
                    "agent_name": "佐藤 花子",
                    "agent_email": "agent1@acme.example",
                    "talked_s": 42,
                    "disposition": "Solved",
                    "notes": "Line one\nLine two: “ß” 😀",
                    "link": f"{PUBLIC_URL}/portal/engagements/{engagement_id}",
                    **members,
                }
                log = CallLog(engagement_id=engagement_id, **values)
                service.record(tx, log, connected.connection_id)
                logs.append(log)
        return logs

    return act


@pytest.fixture
def client(salesforce: Salesforce, connected: Tenant) -> SalesforceClient:
    """The org as our connection sees it."""
    return salesforce.client(connected.account_id, connected.connection_id)


async def drain(salesforce: Salesforce) -> None:
    work = Delivery(salesforce.database, SalesforceWriter(salesforce))
    while await work.run_once():
        pass


async def pass_time(database: Database, by: timedelta) -> None:
    async with database.system() as tx:
        await tx.execute(text("UPDATE clock SET ahead = ahead + CAST(:by AS interval)"), {"by": by})


async def state_of(database: Database, log: CallLog) -> Any:
    async with database.system() as tx:
        return await tx.one(select(delivery).where(delivery.c.engagement_id == log.engagement_id))


async def in_org(
    client: SalesforceClient, logs: list[CallLog]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Sessions and Tasks the org holds of these logs."""
    ids = ", ".join(quoted(str(log.engagement_id)) for log in logs)
    sessions = await client.query_all(
        "SELECT Id, Name, Engagement_Id__c, Task_Id__c, Contact__c, Talked_Seconds__c, Notes__c, Agent_User__c"
        f" FROM Tieline_Session_History__c WHERE Engagement_Id__c IN ({ids})"
    )
    tasks = await client.query_all(
        "SELECT Id, Subject, Status, IsClosed, TaskSubtype, CallType, CallDurationInSeconds, CallDisposition,"
        " CallObject, WhoId, WhatId, OwnerId, Owner.Name, Description, ActivityDate, Tieline_Engagement_Link__c"
        f" FROM Task WHERE CallObject IN ({ids})"
    )
    return sessions, tasks


async def contact(client: SalesforceClient, name: str = "Caller") -> LoggedRecord:
    answer = await client.call("POST", "/sobjects/Contact", body={"LastName": name, "Phone": "03-4567-0100"})
    return LoggedRecord(answer["id"], "Contact", name)


async def test_a_closed_call_stands_in_the_org_as_the_agents_task_on_the_callers_record(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient
) -> None:
    who = await contact(client)
    (log,) = await close(matched=(who,), language="ja")
    await drain(salesforce)
    (session,), (task,) = await in_org(client, [log])
    assert session["Task_Id__c"] == task["Id"] and session["Contact__c"] == who.id
    assert session["Notes__c"] == log.notes and session["Talked_Seconds__c"] == 42
    assert task["Subject"] == "03-4567-0100 からの着信（Support）"
    assert (task["IsClosed"], task["TaskSubtype"], task["CallType"]) == (True, "Call", "Inbound")
    assert (task["CallDurationInSeconds"], task["CallDisposition"], task["WhoId"]) == (42, "Solved", who.id)
    assert task["OwnerId"] == session["Agent_User__c"]
    assert task["Tieline_Engagement_Link__c"] == log.link and log.link not in (task["Description"] or "")
    row = await state_of(database, log)
    assert row.state == "delivered"
    assert row.records == {"Task": task["Id"], "Tieline_Session_History__c": session["Id"]}


async def test_a_call_out_that_nobody_took_says_why_in_the_org(
    salesforce: Salesforce, client: SalesforceClient, close: Close
) -> None:
    unanswered = {"direction": "outbound", "outcome": "unanswered", "answered_at": None, "talked_s": 0}
    busy, away = [
        (await close(**unanswered, end_cause=cause, language=language, disposition=None))[0]
        for cause, language in (("busy", "ja"), ("no_answer", "en"))
    ]
    await drain(salesforce)
    for log, subject, disposition in (
        (busy, "03-4567-0100 への発信（話し中・Support）", "話し中"),
        (away, "Call to 03-4567-0100: no answer (Support)", "No answer"),
    ):
        _, (task,) = await in_org(client, [log])
        assert (task["Subject"], task["CallDisposition"], task["CallType"]) == (
            subject,
            disposition,
            "Outbound",
        )
        assert (task["IsClosed"], task["CallDurationInSeconds"]) == (True, 0)


async def test_a_record_related_later_moves_the_call_there(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient, connected: Tenant
) -> None:
    (log,) = await close()
    await drain(salesforce)
    who = await contact(client)
    async with database.account(connected.account_id) as tx:
        await service.amend(tx, log.engagement_id, {"related": who, "notes": "Now known"})
    await drain(salesforce)
    (session,), (task,) = await in_org(client, [log])
    assert (task["WhoId"], session["Contact__c"], session["Notes__c"]) == (who.id, who.id, "Now known")
    assert (await state_of(database, log)).delivered_revision == 2


async def test_a_caller_deleted_meanwhile_loses_the_link_and_not_the_log(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient
) -> None:
    who = await contact(client)
    (gone,) = await close(matched=(who,))
    (never,) = await close(related=LoggedRecord("003000000000001AAA", "Contact", "Nobody"))
    good = await close(3)
    await client.call("DELETE", f"/sobjects/Contact/{who.id}")
    await drain(salesforce)
    _, tasks = await in_org(client, [gone, never, *good])
    assert len(tasks) == 5 and {task["WhoId"] for task in tasks} == {None}
    assert (await state_of(database, gone)).state == "delivered"


async def test_a_lead_converted_meanwhile_loses_the_link_and_not_the_log(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient, org: Org
) -> None:
    body = {"LastName": "Caller", "Company": "C"}
    lead = str((await client.call("POST", "/sobjects/Lead", body=body))["id"])
    (log,) = await close(matched=(LoggedRecord(lead, "Lead", "Caller"),))
    asked = {"lead": lead, "status": "Closed - Converted"}
    assert (await org.console("POST", "convert-lead", json=asked)).status_code == 200
    await drain(salesforce)
    _, tasks = await in_org(client, [log])
    assert [task["WhoId"] for task in tasks] == [None]
    assert (await state_of(database, log)).state == "delivered"


async def test_a_log_that_breaks_a_rule_of_the_org_fails_alone_and_arrives_when_the_rule_is_gone(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient, org: Org
) -> None:
    rule = {
        active: archive(
            {
                "package.xml": manifest(CustomObject=["Task"]),
                "objects/Task.object": f"""<?xml version="1.0"?><CustomObject {NS}><validationRules>
                <fullName>Short_calls</fullName><active>{active}</active>
                <errorConditionFormula>CallDurationInSeconds = 41</errorConditionFormula>
                <errorMessage>Calls of 41 seconds are not logged.</errorMessage></validationRules></CustomObject>""",
            }
        )
        for active in ("true", "false")
    }
    await org.deploy(rule["true"])
    good = await close(3)
    (bad,) = await close(talked_s=41)
    await drain(salesforce)
    assert len((await in_org(client, good))[1]) == 3
    row = await state_of(database, bad)
    assert (row.state, row.error_code) == ("pending", "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    await org.deploy(rule["false"])
    await pass_time(database, timedelta(hours=1))
    await drain(salesforce)
    assert len((await in_org(client, [bad]))[1]) == 1


async def test_a_task_deleted_in_the_org_stays_deleted(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient, connected: Tenant
) -> None:
    (log,) = await close()
    await drain(salesforce)
    _, (task,) = await in_org(client, [log])
    await client.call("DELETE", f"/sobjects/Task/{task['Id']}")
    async with database.account(connected.account_id) as tx:
        await service.amend(tx, log.engagement_id, {"notes": "too late"})
    await drain(salesforce)
    assert (await in_org(client, [log]))[1] == []
    assert (await state_of(database, log)).state == "delivered"


async def test_a_backlog_drains_in_few_calls(
    salesforce: Salesforce, close: Close, client: SalesforceClient
) -> None:
    logs = await close(200)
    calls = 0

    async def count(request: httpx2.Request) -> None:
        nonlocal calls
        calls += 1

    salesforce.http.event_hooks = {"request": [count], "response": []}
    await drain(salesforce)
    # Three graph calls, and what is asked once an hour: two describes, the closed status, the agents.
    assert calls <= 7
    salesforce.http.event_hooks = {"request": [], "response": []}
    sessions, tasks = await in_org(client, logs)
    assert (len(sessions), len(tasks)) == (200, 200)


async def test_what_was_sent_and_not_marked_is_found_and_not_sent_again(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient
) -> None:
    logs = await close(80)
    await drain(salesforce)
    for forgotten in (timedelta(), timedelta(seconds=1)):
        # As a killed worker leaves it: pending, with a claim that has ended; or without any trace of one.
        async with database.system() as tx:
            await tx.execute(
                update(delivery).values(
                    state="pending",
                    next_at=tx.now,
                    delivered_revision=None,
                    records={},
                    claimed_until=tx.now if forgotten else None,
                )
            )
        await drain(salesforce)
        sessions, tasks = await in_org(client, logs)
        assert (len(sessions), len(tasks)) == (80, 80)
        async with database.system() as tx:
            assert set(await tx.all(select(delivery.c.state).distinct())) == {("delivered",)}
            assert await tx.scalar(select(delivery.c.records["Task"].astext).limit(1))


async def test_a_log_the_org_refuses_fails_alone(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient
) -> None:
    good = await close(5)
    (bad,) = await close(talked_s=10**15)
    more = await close(5)
    await drain(salesforce)
    assert len((await in_org(client, good + more))[1]) == 10
    row = await state_of(database, bad)
    assert (row.state, row.attempts) == ("pending", 1) and row.error_code


async def test_an_org_that_is_away_gets_every_log_once_when_it_is_back(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient, org: Org
) -> None:
    logs = await close(5)
    await org.stop()
    try:
        await drain(salesforce)
        logs += await close(5)
        await drain(salesforce)
        assert {(await state_of(database, log)).state for log in logs} == {"pending"}
    finally:
        await org.start()
    await pass_time(database, timedelta(seconds=15))
    await drain(salesforce)
    sessions, tasks = await in_org(client, logs)
    assert (len(sessions), len(tasks)) == (10, 10)


@pytest.mark.parametrize("point", FAILPOINTS)
async def test_a_worker_killed_anywhere_loses_and_doubles_nothing(
    salesforce: Salesforce,
    database: Database,
    database_url: str,
    close: Close,
    client: SalesforceClient,
    point: str,
) -> None:
    logs = await close(10)
    assert await run_worker(database_url, point) == -signal.SIGKILL
    await pass_time(database, timedelta(minutes=2))
    assert await run_worker(database_url, "") == 0
    sessions, tasks = await in_org(client, logs)
    assert (len(sessions), len(tasks)) == (10, 10)
    assert {(await state_of(database, log)).state for log in logs} == {"delivered"}


@pytest.mark.timeout(300)  # nine programs start
async def test_workers_killed_at_random_before_a_failing_org_deliver_all_logs_once(
    salesforce: Salesforce,
    database: Database,
    database_url: str,
    close: Close,
    client: SalesforceClient,
    connected: Tenant,
    org: Org,
) -> None:
    logs = await close(300)
    chance = random.Random(5)
    graph = "*/composite/graph"
    kinds: tuple[dict[str, Any], ...] = (
        {"kind": "outage"},
        {"kind": "cut", "applied": True},
        {"kind": "limit"},
        {"kind": "cut"},
    )
    async with org.failing({"kind": "latency", "jitter_ms": 1, "path": "*"}) as every:
        for _ in range(4):
            failing = [chance.choice(kinds) | {"path": graph, "count": 1}] if chance.random() < 0.5 else []
            async with org.failing(*failing):
                workers = [await start_worker(database_url, "") for _ in range(2)]
                seen = await every.hits()
                async with asyncio.timeout(60):
                    while await every.hits() - seen < 4 and all(w.returncode is None for w in workers):
                        await asyncio.sleep(0.05)
                await asyncio.sleep(chance.random() / 5)
                for worker in workers:
                    if worker.returncode is None:
                        worker.kill()
                    await worker.wait()
            await pass_time(database, timedelta(minutes=1))
    await pass_time(database, timedelta(minutes=1))
    await drain(salesforce)
    sessions, tasks = await in_org(client, logs)
    assert (len(sessions), len(tasks)) == (300, 300)
    async with database.system() as tx:
        assert set(await tx.all(select(delivery.c.state).distinct())) == {("delivered",)}


async def run_worker(database_url: str, failpoint: str) -> int:
    process = await start_worker(database_url, failpoint)
    async with asyncio.timeout(60):
        return await process.wait()


async def start_worker(database_url: str, failpoint: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(Path(__file__).with_name("deliverer.py")),
        env={
            **os.environ,
            "TIELINE_DATABASE_URL": database_url,
            "TIELINE_PUBLIC_URL": PUBLIC_URL,
            "TIELINE_KEYS": KEYS,
            "TIELINE_TRUST_LOOPBACK_CRM": "1",
            "TIELINE_FAILPOINT": failpoint,
        },
        preexec_fn=dies_with_parent(signal.SIGKILL),
    )


async def test_a_grant_that_ends_in_mid_shift_drops_nothing(
    salesforce: Salesforce, database: Database, close: Close, client: SalesforceClient, connected: Tenant
) -> None:
    logs = await close(3)
    mine = connection.c.id == connected.connection_id
    async with database.system() as tx:
        await tx.execute(update(connection).where(mine).values(state="reconnect"))
    await drain(salesforce)
    assert {(await state_of(database, log)).attempts for log in logs} == {0}
    async with database.system() as tx:
        await tx.execute(update(connection).where(mine).values(state="connected"))
    async with database.account(connected.account_id) as tx:
        await service.retry(tx, connected.connection_id)
    await drain(salesforce)
    assert len((await in_org(client, logs))[1]) == 3


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param({"kind": "error", "status": 500, "body": ""}, id="500"),
        pytest.param({"kind": "error"}, id="500-json"),
        pytest.param({"kind": "html"}, id="502-html"),
        pytest.param({"kind": "outage"}, id="503"),
        pytest.param({"kind": "limit"}, id="over-limit"),
        pytest.param({"kind": "error", "status": 429, "body": ""}, id="429"),
        pytest.param(
            {"kind": "error", "status": 429, "body": "", "headers": {"Retry-After": "7"}},
            id="429-retry-after",
        ),
        pytest.param({"kind": "html", "status": 200}, id="200-login-page"),
        pytest.param(
            {"kind": "error", "status": 302, "body": "", "headers": {"Location": "http://localhost:1/"}},
            id="redirect",
        ),
        pytest.param({"kind": "error", "status": 300, "body": "[]"}, id="300"),
        pytest.param({"kind": "error", "status": 200, "body": ""}, id="200-empty"),
        pytest.param({"kind": "half"}, id="half-json-applied"),
        pytest.param({"kind": "broken"}, id="reset-in-the-answer-applied"),
        pytest.param({"kind": "cut"}, id="reset"),
        pytest.param({"kind": "cut", "applied": True}, id="reset-after-apply"),
        pytest.param({"kind": "html", "applied": True}, id="502-after-apply"),
        pytest.param({"kind": "session"}, id="token-expired-in-mid-batch"),
    ],
)
async def test_no_fault_on_the_way_loses_or_doubles_a_log(
    salesforce: Salesforce,
    database: Database,
    close: Close,
    client: SalesforceClient,
    connected: Tenant,
    org: Org,
    fault: dict[str, Any],
) -> None:
    logs = await close(20)
    async with org.failing(fault | {"path": "*/composite/graph", "count": 1}) as failing:
        await drain(salesforce)
        for _ in range(4):
            await pass_time(database, timedelta(seconds=15))
            await drain(salesforce)
        assert await failing.hits() == 1
    sessions, tasks = await in_org(client, logs)
    assert (len(sessions), len(tasks)) == (20, 20)
    assert {(await state_of(database, log)).state for log in logs} == {"delivered"}


async def test_logs_of_a_removed_connection_are_set_aside(
    salesforce: Salesforce, database: Database, close: Close, connected: Tenant
) -> None:
    logs = await close(2)
    await Connections(salesforce).remove(connected.account_id, connected.connection_id)
    for _ in range(NEVER_TRIES):
        await drain(salesforce)
        await pass_time(database, timedelta(minutes=6))
    assert {(row.state, row.error_code) for row in [await state_of(database, log) for log in logs]} == {
        ("failed", "connection_removed")
    }


async def test_an_org_without_our_package_keeps_the_logs_waiting(
    salesforce: Salesforce, database: Database, close: Close, connected: Tenant, org: Org
) -> None:
    (log,) = await close()
    missing = {"kind": "error", "status": 404, "code": "NOT_FOUND", "count": 1}
    async with org.failing(missing | {"path": "*/sobjects/Tieline_Session_History__c/describe"}):
        await drain(salesforce)
    async with database.system() as tx:
        lane = await tx.one(
            select(delivery_lane).where(delivery_lane.c.connection_id == connected.connection_id)
        )
    assert lane is not None and lane.error_code == "package_missing"
    row = await state_of(database, log)
    assert (row.state, row.attempts) == ("pending", 0)
