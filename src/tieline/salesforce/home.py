"""The state of the integration as a checklist that checks itself: every line is concluded from what is so now, or from
what an org last said and when. Nothing here waits for an org, and nothing is ever ticked off by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import func, select
from sqlalchemy.engine import Row

from tieline.calllog.tables import delivery
from tieline.db.database import Transaction
from tieline.identity import accounts
from tieline.identity.tables import app_user
from tieline.salesforce.connections import integrations_on, listed, status_of
from tieline.salesforce.problems import LATE
from tieline.salesforce.survey import State
from tieline.salesforce.tables import connection, org_user
from tieline.web.http import Guard

FRESH = timedelta(minutes=5)
"""An index that was compared with its org within this time is fresh; idle ones are compared once a minute."""
RIGHTS = ("customers", "all_customers", "tasks", "session_history", "settings", "users")
"""Questions of the survey that are about the integration user."""
ORG = ("org", "open_cti", "package", "permission_sets", "call_center", "console", "presence")
_WORST: Sequence[State] = ("wrong", "missing", "unknown", "note", "ok")


@dataclass(frozen=True, slots=True)
class Step:
    """One line. `page` is where it is mended, `at` when an org told it; None: it is so now."""

    key: str
    state: State
    code: str = "ok"
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    page: str | None = None
    at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """As the page reads it."""
        return {
            "key": self.key,
            "state": self.state,
            "code": self.code,
            "params": dict(self.params),
            "page": self.page,
            "at": self.at.isoformat() if self.at else None,
        }


@dataclass(frozen=True, slots=True)
class People:
    """Active users: how many are agents, and what of them stands in the way."""

    agents: int
    unconnected: int
    not_found: int
    several: int
    no_permission_set: int
    no_call_center: int
    unmatched: int
    """With client integration, but not yet looked for in the org."""
    untold: int = 0
    """Found there, but whether they have a permission set is not told."""


def of_plan(plan: str, seats: int, used: int) -> list[Step]:
    """The lines about what the account has bought: a plan that may connect applications, a licence for each user."""
    page = "/portal/account"
    allowed = accounts.PLANS[plan].applications
    counts = {"used": used, "seats": seats}
    if used > seats:
        licences = Step("licenses", "wrong", "over", counts, page)
    elif used == seats:
        licences = Step("licenses", "note", "full", counts, page)
    else:
        licences = Step("licenses", "ok", params=counts, page=page)
    named = {"plan": plan.capitalize(), "plans": accounts.plans_with_applications()}
    if not allowed:
        return [Step("plan", "wrong", "no_applications", named, page), licences]
    return [Step("plan", "ok", params=named, page=page), licences]


def of_people(people: People) -> list[Step]:
    """The lines about users."""
    users = "/portal/users"
    if people.agents == 0:
        return [Step("agents", "missing", "no_agent", page=users)]
    lines = [
        _counted("agents", people.unconnected, "unconnected", users + "?connection=none&role=agent"),
        _counted("found", people.not_found, "not_found", users + "?org=not_found"),
        _counted("unique", people.several, "several", users + "?org=several"),
        _counted(
            "permitted", people.no_permission_set, "no_permission_set", users + "?org=no_permission_set"
        ),
        _counted("in_call_center", people.no_call_center, "no_call_center", users + "?org=no_call_center"),
    ]
    if people.unmatched and not people.not_found:
        lines[1] = Step("found", "unknown", "not_asked", {"count": people.unmatched})
    if people.untold and not people.no_permission_set:
        lines[3] = Step("permitted", "unknown", "not_told")
    return lines


def _counted(key: str, count: int, code: str, page: str) -> Step:
    return Step(key, "wrong", code, {"count": count}, page) if count else Step(key, "ok", page=page)


def of_connection(row: Row[Any], failed: int, late: int, now: datetime) -> list[Step]:
    """The lines about one connection."""
    page = f"/portal/connections/{row.id}"
    status = status_of(row)
    lines = [
        Step(
            "connection",
            "ok" if status == "connected" else "wrong",
            status,
            {"token_at": row.token_at.isoformat() if row.token_at else None},
            page,
            row.succeeded_at if status == "not_reachable" else None,
        )
    ]
    if status == "disconnected":
        return lines
    lines.append(of_rights(row.survey, page, row.surveyed_at))
    lines += [_told(row.survey, name, page, row.surveyed_at) for name in ORG]
    fresh = row.index_checked_at is not None and row.index_checked_at > now - FRESH
    if row.index_state != "ready":
        lines.append(Step("index", "missing", str(row.index_state), page=page))
    else:
        lines.append(
            Step(
                "index",
                "ok" if fresh else "wrong",
                "ok" if fresh else "stale",
                {},
                page,
                row.index_checked_at,
            )
        )
    if failed or late:
        lines.append(
            Step("deliveries", "wrong", "waiting", {"failed": failed, "late": late}, "/portal/problems")
        )
    else:
        lines.append(Step("deliveries", "ok", page="/portal/problems"))
    return lines


def of_rights(survey: Mapping[str, Mapping[str, Any]], page: str, at: datetime | None) -> Step:
    """The integration user's rights in one line: the worst of them."""
    found = [_told(survey, name, page, at) for name in RIGHTS]
    worst = min(found, key=lambda step: _WORST.index(step.state))
    return Step("rights", worst.state, worst.code, worst.params, page, at)


def _told(survey: Mapping[str, Mapping[str, Any]], name: str, page: str, at: datetime | None) -> Step:
    finding = survey.get(name)
    if finding is None:
        return Step(name, "unknown", "not_asked", page=page)
    return Step(name, finding["state"], finding["code"], finding["params"], page, at)


def worst_of(steps: Iterable[Step]) -> State:
    """The state of a group: that of its worst line."""
    states = {step.state for step in steps}
    worst: State = "ok"
    for state in reversed(_WORST):
        worst = state if state in states else worst
    return worst


def router(guard: Guard) -> APIRouter:
    """Routes of the home page."""
    routes = APIRouter(prefix="/api/v1", tags=["home"])

    @routes.get("/home")
    async def home(request: Request) -> dict[str, Any]:
        """The checklist: groups of lines, of the account, of each connection and of the users."""
        who = guard.who(request)
        async with guard.db.view(who.account_id) as tx:
            return await read(tx)

    return routes


async def read(tx: Transaction) -> dict[str, Any]:
    """The checklist of the transaction's account."""
    on = await integrations_on(tx)
    rows = await listed(tx)
    waiting = await _waiting(tx)
    bought = await accounts.settings_of(tx)
    groups: list[dict[str, Any]] = [
        _group(
            "account",
            None,
            [
                Step("integrations", "ok" if on else "wrong", "ok" if on else "integrations_off"),
                *of_plan(bought.plan, accounts.seats_of(bought), await accounts.seats_used(tx)),
            ],
        )
    ]
    if not rows:
        add = "/portal/connections/new" if on else "/portal/connections"
        groups.append(_group("connection", None, [Step("connection", "missing", "none", page=add)]))
    for row in rows:
        failed, late = waiting.get(row.id, (0, 0))
        groups.append(
            _group("connection", row, of_connection(row, failed, late, tx.now), error=row.survey_error)
        )
    groups.append(_group("users", None, of_people(await _people(tx))))
    return {"at": tx.now.isoformat(), "groups": groups}


def _group(kind: str, row: Row[Any] | None, steps: Sequence[Step], **more: Any) -> dict[str, Any]:
    return {
        "kind": kind,
        "connection": {"id": str(row.id), "name": row.name} if row is not None else None,
        "surveyed_at": row.surveyed_at.isoformat() if row is not None and row.surveyed_at else None,
        "state": worst_of(steps),
        "steps": [step.to_json() for step in steps],
        **more,
    }


async def _waiting(tx: Transaction) -> dict[Any, tuple[int, int]]:
    """Of each connection: call logs refused for good, and such that have waited for long."""
    late = func.count().filter(delivery.c.state == "pending", delivery.c.pending_since < tx.now - LATE)
    rows = await tx.all(
        select(
            delivery.c.connection_id,
            func.count().filter(delivery.c.state == "failed").label("failed"),
            late.label("late"),
        )
        .where(delivery.c.account_id == tx.account_id, delivery.c.state.in_(("failed", "pending")))
        .group_by(delivery.c.connection_id)
    )
    return {row.connection_id: (row.failed, row.late) for row in rows}


async def _people(tx: Transaction) -> People:
    known = (org_user.c.account_id == app_user.c.account_id) & (org_user.c.user_id == app_user.c.id)
    living = (
        (connection.c.account_id == app_user.c.account_id)
        & (connection.c.id == app_user.c.connection_id)
        & (connection.c.state != "removed")
    )
    agent = app_user.c.roles.contains(["agent"])
    joined = connection.c.id.is_not(None)
    asked = joined & org_user.c.matched_at.is_not(None)

    def count(condition: Any, name: str) -> Any:
        return func.count().filter(condition).label(name)

    row = await tx.one(
        select(
            count(agent, "agents"),
            count(agent & ~joined, "unconnected"),
            count(asked & (org_user.c.found == 0), "not_found"),
            count(asked & (org_user.c.found > 1), "several"),
            count(asked & org_user.c.permission_set.is_(False), "no_permission_set"),
            count(asked & org_user.c.call_center.is_(False), "no_call_center"),
            count(joined & org_user.c.matched_at.is_(None), "unmatched"),
            count(
                asked & org_user.c.org_user_id.is_not(None) & org_user.c.permission_set.is_(None), "untold"
            ),
        )
        .select_from(
            app_user.outerjoin(connection, living).outerjoin(
                org_user, known & (org_user.c.connection_id == app_user.c.connection_id)
            )
        )
        .where(app_user.c.account_id == tx.account_id, app_user.c.active)
    )
    assert row is not None
    return People(
        row.agents,
        row.unconnected,
        row.not_found,
        row.several,
        row.no_permission_set,
        row.no_call_center,
        row.unmatched,
        row.untold,
    )
