"""Writes call logs into a Salesforce org: the `CrmWriter` of delivery.

New logs go as graphs, 75 a call; later revisions as collections. A log that the org holds already (its key is
unique) is delivered. A log whose person, record or owner the org no longer takes is written without them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast
from uuid import UUID

from tieline.calllog.delivery import BatchRefused, CrmAway, Item, Outcome
from tieline.salesforce import org_users
from tieline.salesforce.client import MAX_COLLECTION, MAX_GRAPHS, SalesforceClient, quoted
from tieline.salesforce.failures import CrmFailure, Problem, kind_of, problem_in
from tieline.salesforce.mapping import (
    LATER_FIELDS,
    SESSION,
    SESSION_KEY,
    TASK_LINK,
    Look,
    OrgUser,
    graph_of,
    update_of,
)
from tieline.salesforce.tokens import Salesforce

_LOOK_LIFE_S = 3600.0
_USER_LIFE_S = 600.0
# The org objects to what the log points to or to whom it belongs, not to the log.
_POINTER_CODES = frozenset(
    {
        "INVALID_CROSS_REFERENCE_KEY",
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        "ENTITY_IS_DELETED",
        "CANNOT_UPDATE_CONVERTED_LEAD",
        "FIELD_INTEGRITY_EXCEPTION",
        "INACTIVE_OWNER_OR_USER",
        "OP_WITH_INVALID_USER_TYPE_EXCEPTION",
        "TRANSFER_REQUIRES_READ",
        "MALFORMED_ID",
    }
)
_ROUNDS = 6
_GONE_CODES = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"})


class SalesforceWriter:
    """Writes the logs of every Salesforce connection."""

    def __init__(self, salesforce: Salesforce) -> None:
        self._salesforce = salesforce
        self._looks: dict[UUID, tuple[float, Look]] = {}
        self._users: dict[tuple[UUID, str], tuple[float, OrgUser | None]] = {}

    async def write(self, account_id: UUID, connection_id: UUID, items: Sequence[Item]) -> list[Outcome]:
        """See `CrmWriter.write`."""
        client = self._salesforce.client(account_id, connection_id)
        try:
            return await self._write(client, connection_id, items)
        except CrmFailure as failure:
            if failure.code == "connection_removed":
                return [Outcome(item.log.engagement_id, "never", code=failure.code) for item in items]
            # A 500 may be one log's fault; everything else that is not the request's fault is the org's.
            if failure.kind == "never" or failure.http_status == 500:
                raise BatchRefused(failure.code, failure.message) from failure
            raise CrmAway(failure.code, retry_after_s=failure.retry_after_s) from failure

    async def _write(
        self, client: SalesforceClient, connection_id: UUID, items: Sequence[Item]
    ) -> list[Outcome]:
        look = await self._look(client, connection_id)
        users = await self._owners(client, connection_id, items)
        by_id = {str(item.log.engagement_id): item for item in items}
        ids: dict[str, dict[str, str]] = {
            key: dict(item.records) for key, item in by_id.items() if item.delivered_before
        }
        found = await self._found(
            client, [key for key, item in by_id.items() if item.sent_before and key not in ids]
        )
        outcomes: dict[str, Outcome] = {}
        try:
            left = [key for key in by_id if key not in ids and key not in found]
            for start in range(0, len(left), MAX_GRAPHS):
                part = [by_id[key] for key in left[start : start + MAX_GRAPHS]]
                found |= await self._create(client, look, users, part, outcomes)
            for key, records in found.items():
                if by_id[key].revision > 1:
                    ids[key] = records
                else:
                    outcomes[key] = Outcome(by_id[key].log.engagement_id, "delivered", records)
            outcomes |= await self._update(client, look, users, [(by_id[key], ids[key]) for key in ids])
        except CrmFailure as failure:
            if not outcomes:
                raise
            # Something was written: the failure concerns only what is left.
            for key, item in by_id.items():
                if key not in outcomes:
                    outcomes[key] = Outcome(
                        item.log.engagement_id, "later", code=failure.code, message=failure.message
                    )
        return [
            outcomes.get(key) or Outcome(item.log.engagement_id, "later", code="answer_incomplete")
            for key, item in by_id.items()
        ]

    async def _create(
        self,
        client: SalesforceClient,
        look: Look,
        users: Mapping[str, OrgUser | None],
        items: Sequence[Item],
        outcomes: dict[str, Outcome],
    ) -> dict[str, dict[str, str]]:
        """Write new logs; `outcomes` takes what became of them. Gives those that the org held already.

        Goes in rounds, because an org stops a call after some failures: what was halted goes again, and what
        points to something gone goes again without pointing.
        """
        found: dict[str, dict[str, str]] = {}
        bare: set[str] = set()
        left = {str(item.log.engagement_id): item for item in items}
        for _ in range(_ROUNDS):
            results = await client.graphs(
                [graph_of(item.log, look, _user(users, item), bare=key in bare) for key, item in left.items()]
            )
            halted: dict[str, Item] = {}
            repeated: dict[str, Item] = {}
            for key, item in left.items():
                problem, status = _graph_problem(results.get(key))
                if problem is None:
                    outcomes[key] = _created(item, results[key])
                elif problem.code == "DUPLICATE_VALUE":
                    repeated[key] = item
                elif problem.code == "PROCESSING_HALTED":
                    halted[key] = item
                elif problem.code in _POINTER_CODES and key not in bare:
                    bare.add(key)
                    halted[key] = item
                else:
                    outcomes[key] = _refused(item, problem, status)
            if repeated:
                # Where one was there already, those behind it probably are, too.
                found |= await self._found(client, [*repeated, *halted])
                for key, item in repeated.items():
                    if key not in found:  # another unique field of the org's own
                        outcomes[key] = _refused(item, Problem("DUPLICATE_VALUE"), 400)
            left = {key: item for key, item in halted.items() if key not in found}
            if not left:
                break
        for key, item in left.items():
            outcomes[key] = Outcome(item.log.engagement_id, "later", code="PROCESSING_HALTED")
        return found

    async def _update(
        self,
        client: SalesforceClient,
        look: Look,
        users: Mapping[str, OrgUser | None],
        pairs: Sequence[tuple[Item, Mapping[str, str]]],
    ) -> dict[str, Outcome]:
        """Bring written logs to their newest revision. A Task that somebody deleted is left deleted."""
        outcomes: dict[str, Outcome] = {}
        for bare in (False, True):
            left = [(item, ids) for item, ids in pairs if str(item.log.engagement_id) not in outcomes]
            for start in range(0, len(left), MAX_COLLECTION // 2):
                part = left[start : start + MAX_COLLECTION // 2]
                rows = [
                    (item, row)
                    for item, ids in part
                    for row in update_of(
                        item.log,
                        look,
                        _user(users, item),
                        task_id=ids.get("Task", ""),
                        session_id=ids.get(SESSION, ""),
                        bare=bare,
                    )
                    if row["id"]  # a record whose id was never told cannot be changed
                ]
                results = await client.update_collection([row for _, row in rows]) if rows else []
                for item, ids in part:
                    problems = [
                        problem_in(result) or Problem("UNKNOWN_EXCEPTION")
                        for (of, _), result in zip(rows, results, strict=True)
                        if of is item and not result.get("success")
                    ]
                    worst = next((p for p in problems if p.code not in _GONE_CODES or not bare), None)
                    key = str(item.log.engagement_id)
                    if worst is None:
                        outcomes[key] = Outcome(item.log.engagement_id, "delivered", dict(ids))
                    elif bare or worst.code not in _POINTER_CODES | _GONE_CODES:
                        outcomes[key] = _refused(item, worst, 400)
        return outcomes

    async def _found(self, client: SalesforceClient, keys: Sequence[str]) -> dict[str, dict[str, str]]:
        """Which of these engagements the org holds, with their record ids."""
        if not keys:
            return {}
        rows = await client.query_all(
            f"SELECT Id, {SESSION_KEY}, Task_Id__c FROM {SESSION} WHERE {SESSION_KEY} IN ({_list(keys)})"  # noqa: S608, quoted
        )
        return {
            str(row[SESSION_KEY]): {SESSION: row["Id"], "Task": row.get("Task_Id__c") or ""} for row in rows
        }

    async def _look(self, client: SalesforceClient, connection_id: UUID) -> Look:
        known = self._looks.get(connection_id)
        if known and time.monotonic() - known[0] < _LOOK_LIFE_S:
            return known[1]
        try:
            session = (await client.describe(SESSION)).get("fields") or []
        except CrmFailure as failure:
            if failure.http_status == 404:
                raise CrmAway("package_missing") from failure
            raise
        fields = (await client.describe("Task")).get("fields") or []
        closed = await client.query_all(
            "SELECT MasterLabel FROM TaskStatus WHERE IsClosed = true ORDER BY SortOrder LIMIT 1"
        )
        look = Look(
            closed_status=str(closed[0]["MasterLabel"]) if closed else "Completed",
            task_link=any(field.get("name") == TASK_LINK for field in fields),
            session_fields=LATER_FIELDS & {str(field.get("name")) for field in session},
        )
        self._looks[connection_id] = (time.monotonic(), look)
        return look

    async def _owners(
        self, client: SalesforceClient, connection_id: UUID, items: Iterable[Item]
    ) -> dict[str, OrgUser | None]:
        """The org's active users by the agents' e-mail addresses; an agent the org does not know has none."""
        emails = {item.log.agent_email.lower() for item in items if item.log.agent_email}
        now = time.monotonic()
        unknown = [
            email
            for email in emails
            if now - self._users.get((connection_id, email), (-_USER_LIFE_S, None))[0] >= _USER_LIFE_S
        ]
        if unknown:
            async with self._salesforce.database.system() as tx:
                chosen = await org_users.chosen(tx, connection_id, unknown)
            names = _list([*unknown, *chosen.values()])
            rows = await client.query_all(
                "SELECT Id, Email, Username, TimeZoneSidKey FROM User WHERE IsActive = true"  # noqa: S608, quoted
                f" AND (Email IN ({names}) OR Username IN ({names})) ORDER BY CreatedDate"
            )
            for email in unknown:
                # An address may be several users': the oldest of them.
                found = org_users.match_of(email, chosen.get(email), rows, oldest_first=True).user
                user = OrgUser(found["Id"], found.get("TimeZoneSidKey")) if found else None
                self._users[connection_id, email] = (now, user)
        return {email: self._users[connection_id, email][1] for email in emails}


def _user(users: Mapping[str, OrgUser | None], item: Item) -> OrgUser | None:
    return users.get((item.log.agent_email or "").lower())


def _list(values: Iterable[str]) -> str:
    return ", ".join(quoted(value) for value in values)


def _responses(result: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    response = (result or {}).get("graphResponse") or {}
    return cast("list[dict[str, Any]]", response.get("compositeResponse") or [])


def _graph_problem(result: Mapping[str, Any] | None) -> tuple[Problem | None, int]:
    """Why a graph was rolled back: the node to blame, not those that were halted for it."""
    if result is None:
        return Problem("PROCESSING_HALTED", "no answer for this graph"), 400
    if result.get("isSuccessful"):
        return None, 200
    halted: tuple[Problem, int] = (Problem("PROCESSING_HALTED"), 400)
    for part in _responses(result):
        status = int(part.get("httpStatusCode") or 0)
        problem = problem_in(part.get("body"))
        if status >= 300 and problem and problem.code not in ("PROCESSING_HALTED", "TRANSACTION_HALTED"):
            return problem, status
    return halted


def _created(item: Item, result: Mapping[str, Any]) -> Outcome:
    ids = {str(part.get("referenceId")): part.get("body") or {} for part in _responses(result)}
    return Outcome(
        item.log.engagement_id,
        "delivered",
        {
            "Task": str(ids.get("task", {}).get("id") or ""),
            SESSION: str(ids.get("session", {}).get("id") or ""),
        },
    )


def _refused(item: Item, problem: Problem, status: int) -> Outcome:
    kind, _ = kind_of(status, problem)
    return Outcome(
        item.log.engagement_id,
        "never" if kind == "never" else "later",
        code=problem.code,
        message=problem.message,
    )
