"""The survey of an org: what a connection needs of it, asked one by one through the API, each answer kept.

The worker takes it when a connection was authorised, once an hour, and when an administrator looks. Pages show the
answers as they were last heard, with their age: no page waits for an org. What of it a real org may answer otherwise
stands in one function each (`docs/unconfirmed.md`, H1 to H9).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal, cast
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from sqlalchemy import select, text, update

from tieline.db.database import Transaction
from tieline.identity.tables import account
from tieline.rounds import Rounds
from tieline.salesforce import org_users
from tieline.salesforce.client import SalesforceClient, quoted
from tieline.salesforce.failures import CrmFailure
from tieline.salesforce.mapping import SESSION, SESSION_KEY, TASK_LINK
from tieline.salesforce.tables import connection
from tieline.salesforce.tokens import Salesforce

log = structlog.get_logger()

SURVEY = "survey"
"""Bus kind: somebody asks for a survey of the connection (the message's id)."""
INTERVAL = timedelta(hours=1)
RETRY = timedelta(seconds=30)
LEASE = timedelta(seconds=120)
_WHOLE_S = 60.0
_POLL_S = 5.0

State = Literal["ok", "note", "wrong", "missing", "unknown"]
"""`note`: works, but somebody should know; `missing`: not set up yet; `unknown`: the org does not tell."""

COUNTRY_CODES = "Tieline_Country_Code__c"
PRESENCE = "Tieline_Presence_Status_Relation__c"
PRODUCT_SETTINGS = "Tieline_Product_Settings__c"
MAPPED = frozenset({"ready", "not_ready", "occupied", "wrap_up"})
"""Statuses without which an agent's status in the org would stand still; offline is a log-out there."""
PACKAGE = "Tieline"
SOFTPHONE = "opencti:softPhone"
"""The utility item *Open CTI Softphone*, as metadata names it."""
_MOST_BARS = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing; `code` has a sentence in the catalogues, filled by `params`."""

    state: State
    code: str = "ok"
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def to_json(self) -> dict[str, Any]:
        """As it stands in `connection.survey`."""
        return {"state": self.state, "code": self.code, "params": dict(self.params)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the questions start from."""

    org_id: str
    org_user_id: str
    objects: Mapping[str, Mapping[str, Any]]
    """The org's own list of objects as its integration user sees them, by name."""
    hosts: frozenset[str]
    """Hosts of ours that a call center may point to."""

    def may(self, name: str, *rights: str) -> bool:
        """Whether the integration user has all these rights (`queryable`, `createable` …) to an object."""
        return all(self.objects.get(name, {}).get(right) for right in rights)


async def _org(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether it is still the org that was connected: a refreshed sandbox has the same address and another id."""
    rows = await client.query_all("SELECT Id, OrganizationType, IsSandbox FROM Organization")
    if not rows:
        return Finding("unknown", "not_told")
    if str(rows[0]["Id"])[:15] != asked.org_id[:15]:
        return Finding("wrong", "another_org", {"org_id": str(rows[0]["Id"])})
    return Finding("ok", params={"edition": str(rows[0].get("OrganizationType") or "")})


async def _customers(client: SalesforceClient, asked: Asked) -> Finding:
    """Sales Cloud's people and companies, which callers are looked up among."""
    unread = [name for name in ("Contact", "Lead", "Account") if not asked.may(name, "queryable")]
    return Finding("wrong", "cannot_read", {"objects": ", ".join(unread)}) if unread else Finding("ok")


async def _all_customers(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether every record is seen, or those that the org's sharing shows only: others' callers stay unknown."""
    if await client.query_all(
        f"SELECT Id FROM User WHERE Profile.PermissionsModifyAllData = true AND Id = {quoted(asked.org_user_id)}"  # noqa: S608
    ):
        return Finding("ok")
    mine = (
        f"SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = {quoted(asked.org_user_id)}"  # noqa: S608
    )
    names = ("Contact", "Lead", "Account")
    rows = await client.query_all(
        "SELECT SobjectType, PermissionsViewAllRecords FROM ObjectPermissions WHERE PermissionsViewAllRecords = true"  # noqa: S608
        f" AND SobjectType IN ({', '.join(map(quoted, names))}) AND ParentId IN ({mine})"
    )
    seen = {str(row["SobjectType"]) for row in rows}
    hidden = [name for name in names if name not in seen]
    return Finding("note", "shared_only", {"objects": ", ".join(hidden)}) if hidden else Finding("ok")


async def _tasks(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether call logs can be written as Tasks, with the link to the engagement on them."""
    if not asked.may("Task", "createable", "updateable"):
        return Finding("wrong", "cannot_write", {"objects": "Task"})
    fields = {str(each["name"]): each for each in (await client.describe("Task")).get("fields") or []}
    if not fields.get("WhoId", {}).get("createable"):
        return Finding("wrong", "cannot_write", {"objects": "Task.WhoId"})
    return Finding("ok") if fields.get(TASK_LINK, {}).get("createable") else Finding("note", "no_link")


async def _session_history(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether session history is there and can be written."""
    if SESSION not in asked.objects:
        return Finding("missing", "no_package")
    if not asked.may(SESSION, "queryable", "createable", "updateable"):
        return Finding("wrong", "cannot_write", {"objects": SESSION})
    fields = (await client.describe(SESSION)).get("fields") or []
    key = next((each for each in fields if each.get("name") == SESSION_KEY), {})
    return (
        Finding("ok")
        if key.get("createable")
        else Finding("wrong", "cannot_write", {"objects": f"{SESSION}.{SESSION_KEY}"})
    )


async def _settings(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether the settings that are kept in the org can be read."""
    if COUNTRY_CODES not in asked.objects:
        return Finding("missing", "no_package")
    return (
        Finding("ok")
        if asked.may(COUNTRY_CODES, "queryable")
        else Finding("wrong", "cannot_read", {"objects": COUNTRY_CODES})
    )


async def _users(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether the org's users can be read, with what call logs and this page need of them."""
    try:
        rows = await client.query_all(
            "SELECT Id, Username, Email, TimeZoneSidKey, CallCenterId FROM User WHERE IsActive = true LIMIT 2"
        )
    except CrmFailure as failure:
        if failure.kind != "never":
            raise
        return Finding("wrong", "cannot_read", {"objects": "User"})
    # Every org has more than one active user; who sees only themselves lacks the right to see the others.
    return Finding("ok") if len(rows) > 1 else Finding("note", "sees_one_user")


async def _open_cti(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether the org has Open CTI, on which the callbar stands: orgs without it have no call centers."""
    return Finding("ok") if "CallCenter" in asked.objects else Finding("wrong", "no_open_cti")


async def _call_center(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether a call center was imported whose adapter URL leads to us."""
    if not asked.may("CallCenter", "queryable"):
        return Finding("unknown", "not_told")
    rows = await client.query_all("SELECT Name, AdapterUrl FROM CallCenter ORDER BY Name")
    hosts = [urlsplit(str(row.get("AdapterUrl") or "")).netloc.lower() for row in rows]
    ours = [str(row["Name"]) for row, host in zip(rows, hosts, strict=True) if host in asked.hosts]
    if ours:
        return Finding("ok", params={"names": ", ".join(ours)[:200]})
    if not hosts:
        return Finding("missing", "no_call_center")
    return Finding("wrong", "foreign_host", {"hosts": ", ".join(sorted({h or "–" for h in hosts}))[:200]})


async def _console(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether an app that the connected user may open has the softphone among its utility items; a console best.

    The items are those of the app's utility bar, which is a page of its own: one request each, the consoles' first.
    """
    apps = await client.query_all(
        "SELECT Label, NavType, UtilityBar FROM AppDefinition WHERE UiType = 'Lightning' ORDER BY Label"
    )
    consoles = [str(app["Label"]) for app in apps if app.get("NavType") == "Console"]
    bars: dict[str, list[Mapping[str, Any]]] = {}
    for app in sorted(apps, key=lambda each: each.get("NavType") != "Console"):
        if app.get("UtilityBar"):
            bars.setdefault(str(app["UtilityBar"]), []).append(app)
    for bar, having in list(bars.items())[:_MOST_BARS]:
        answer = await client.get(
            "/tooling/query",
            {"q": f"SELECT Metadata FROM FlexiPage WHERE DeveloperName = {quoted(bar)} LIMIT 1"},  # noqa: S608
        )
        rows = cast("list[dict[str, Any]]", (answer or {}).get("records") or [])
        if any(SOFTPHONE in _components(row.get("Metadata")) for row in rows):
            names = ", ".join(str(app["Label"]) for app in having)[:200]
            console = having[0].get("NavType") == "Console"
            return Finding(
                "ok" if console else "note", "ok" if console else "standard_only", {"names": names}
            )
    if not consoles:
        return Finding("wrong", "no_console")
    return Finding("missing", "no_softphone", {"names": ", ".join(consoles)[:200]})


def _components(page: Any) -> set[str]:
    """Names of the components on a page, from its metadata."""
    found: set[str] = set()
    for region in (page or {}).get("flexiPageRegions") or []:
        for item in region.get("itemInstances") or []:
            found.add(str((item.get("componentInstance") or {}).get("componentName")))
    return found


async def _package(client: SalesforceClient, asked: Asked) -> Finding:
    """The installed package's version; metadata that was deployed without a package has none."""
    if SESSION not in asked.objects:
        return Finding("missing", "no_package")
    answer = await client.get(
        "/tooling/query",
        {
            "q": "SELECT SubscriberPackage.Name, SubscriberPackageVersion.MajorVersion,"
            " SubscriberPackageVersion.MinorVersion, SubscriberPackageVersion.PatchVersion"
            " FROM InstalledSubscriberPackage"
        },
    )
    for row in cast("list[dict[str, Any]]", (answer or {}).get("records") or []):
        if str((row.get("SubscriberPackage") or {}).get("Name") or "").startswith(PACKAGE):
            at = row.get("SubscriberPackageVersion") or {}
            parts = (at.get(part) for part in ("MajorVersion", "MinorVersion", "PatchVersion"))
            return Finding("ok", "installed", {"version": ".".join(str(part or 0) for part in parts)})
    return Finding("note", "deployed")


async def _permission_sets(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether the package's permission sets are there to be assigned."""
    rows = await client.query_all(
        f"SELECT Name FROM PermissionSet WHERE Name IN ({', '.join(map(quoted, org_users.PERMISSION_SETS))})"  # noqa: S608
    )
    return Finding("ok") if rows else Finding("missing", "no_package")


async def _presence(client: SalesforceClient, asked: Asked) -> Finding:
    """Whether each status has one in the org, where statuses are synchronised."""
    if not asked.may(PRESENCE, "queryable") or not asked.may(PRODUCT_SETTINGS, "queryable"):
        return Finding("missing", "no_package")
    settings = await client.query_all(f"SELECT Omni_Sync__c FROM {PRODUCT_SETTINGS}")  # noqa: S608
    if not any(row.get("Omni_Sync__c") for row in settings):
        return Finding("ok", "sync_off")
    rows = await client.query_all(f"SELECT Contact_Center_Status__c FROM {PRESENCE}")  # noqa: S608
    mapped = {str(row.get("Contact_Center_Status__c")).partition(":")[0] for row in rows}
    left = sorted(MAPPED - mapped)
    return Finding("wrong", "unmapped", {"statuses": left}) if left else Finding("ok")


CHECKS: Mapping[str, Callable[[SalesforceClient, Asked], Awaitable[Finding]]] = {
    "org": _org,
    "customers": _customers,
    "all_customers": _all_customers,
    "tasks": _tasks,
    "session_history": _session_history,
    "settings": _settings,
    "users": _users,
    "open_cti": _open_cti,
    "call_center": _call_center,
    "console": _console,
    "package": _package,
    "permission_sets": _permission_sets,
    "presence": _presence,
}


async def take(client: SalesforceClient, asked: Asked) -> dict[str, Finding]:
    """Every answer. Raises `CrmFailure` when the org does not answer at all, now or any more."""

    async def answered(check: Callable[[SalesforceClient, Asked], Awaitable[Finding]]) -> Finding:
        try:
            return await check(client, asked)
        except CrmFailure as failure:
            if failure.kind != "never":
                raise
            return Finding("unknown", "refused", {"reason": failure.code})

    try:
        async with asyncio.TaskGroup() as tasks:
            running = {name: tasks.create_task(answered(check)) for name, check in CHECKS.items()}
    except BaseExceptionGroup as group:
        failures, others = group.split(CrmFailure)
        if failures is None or others is not None:
            raise
        raise failures.exceptions[0] from None
    return {name: task.result() for name, task in running.items()}


async def ask(tx: Transaction, connection_ids: Sequence[UUID]) -> None:
    """Have connections surveyed soon; the pages hear of it when it is done."""
    await tx.execute(
        update(connection)
        .where(
            connection.c.account_id == tx.account_id,
            connection.c.id.in_(connection_ids),
            connection.c.state == "connected",
        )
        .values(survey_asked_at=tx.now)
    )
    for id in connection_ids:
        tx.announce(SURVEY, id)


_LEASE_ONE = text("""
UPDATE connection SET survey_lease_until = :until
WHERE (account_id, id) = (
    SELECT c.account_id, c.id FROM connection c
    WHERE c.state = 'connected' AND (c.survey_lease_until IS NULL OR c.survey_lease_until < :now)
      AND (c.surveyed_at IS NULL OR c.surveyed_at < :now - CAST(:interval AS interval)
        OR c.survey_asked_at > c.surveyed_at OR c.connected_at > c.surveyed_at)
    ORDER BY c.survey_asked_at NULLS LAST, c.surveyed_at NULLS FIRST LIMIT 1
    FOR UPDATE SKIP LOCKED)
RETURNING account_id, id, org_id, org_user_id
""")


class Surveys(Rounds):
    """Takes the surveys that are due; `run` is the worker's loop."""

    def __init__(self, salesforce: Salesforce) -> None:
        super().__init__(_POLL_S)
        self._salesforce = salesforce

    async def round(self) -> None:
        """One survey at a time: nobody waits for it but a page that shows the last one."""
        while await self.run_once():
            pass

    async def run_once(self) -> bool:
        """Take one survey that is due; False when none is."""
        database = self._salesforce.database
        async with database.system() as tx:
            row = await tx.one(_LEASE_ONE, {"now": tx.now, "until": tx.now + LEASE, "interval": INTERVAL})
            vanity = row and await tx.scalar(select(account.c.vanity).where(account.c.id == row.account_id))
        if row is None:
            return False
        client = self._salesforce.client(row.account_id, row.id)
        started = tx.now
        failed: str | None = None
        findings: dict[str, Finding] = {}
        try:
            async with asyncio.timeout(_WHOLE_S):
                objects = (await client.get("/sobjects") or {}).get("sobjects") or []
                public = self._salesforce.settings.public_host
                asked = Asked(
                    row.org_id or "",
                    row.org_user_id or "",
                    {str(each["name"]): each for each in objects},
                    frozenset({public.lower(), f"{vanity}.{public}".lower()}),
                )
                findings = await take(client, asked)
                await org_users.match(database, client, row.account_id, row.id)
        except TimeoutError:
            failed = "crm_timeout"
        except CrmFailure as failure:
            failed = failure.code
        except Exception:
            log.exception("survey.failed", connection_id=str(row.id))
            failed = "internal_error"
        async with database.system(row.account_id) as tx:
            values: dict[str, Any] = {"survey_error": failed}
            if failed:
                values |= {"survey_lease_until": tx.now + RETRY, "survey_asked_at": None}
            else:
                values |= {
                    "survey": {name: finding.to_json() for name, finding in findings.items()},
                    "surveyed_at": started,
                    "survey_lease_until": None,
                }
            if client.api_usage is not None:
                values |= {"api_used": client.api_usage[0], "api_limit": client.api_usage[1]}
            await tx.execute(
                update(connection)
                .where(connection.c.account_id == row.account_id, connection.c.id == row.id)
                .values(**values)
            )
            tx.announce("connection", row.id)
        log.info("survey.taken", connection_id=str(row.id), failed=failed)
        return True
