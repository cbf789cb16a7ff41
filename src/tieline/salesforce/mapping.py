"""A call log as Salesforce records: a session history record and a Task, written as one graph.

The session history's `Engagement_Id__c` is a unique external id: a graph that comes again fails on it and is
rolled back as a whole, so the Task is never written twice. Salesforce's spelling is at home here.
What of this a real org has not yet confirmed is in `docs/unconfirmed.md`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from tieline.calllog.log import CallLog, LoggedRecord
from tieline.salesforce.client import DATA

SESSION = "Tieline_Session_History__c"
SESSION_KEY = "Engagement_Id__c"
TASK_LINK = "Tieline_Engagement_Link__c"

LATER_FIELDS = frozenset({"Number_Shown__c", "Status__c", "Related_Record_Id__c"})
"""Fields that came with a later version of the package: an org may not have them yet."""
_PEOPLE = frozenset({"Contact", "Lead"})
_CALL_TYPE = {"inbound": "Inbound", "outbound": "Outbound", "internal": "Internal"}
_REASONS = frozenset({"busy", "no_answer", "unreachable", "agent_hung_up"})
"""Causes of an unanswered call that have words of their own."""
_LOOKUPS = {"Contact": "Contact__c", "Lead": "Lead__c", "Account": "Account__c"}


@dataclass(frozen=True, slots=True)
class OrgUser:
    """The agent as the org knows them."""

    id: str
    time_zone: str | None


@dataclass(frozen=True, slots=True)
class Look:
    """What a log needs to know of the org."""

    closed_status: str
    """A `TaskStatus` that means closed; its label differs from org to org."""
    task_link: bool = True
    """The org has our link field on activities."""
    session_fields: frozenset[str] = LATER_FIELDS
    """Which of `LATER_FIELDS` the org has."""


@cache
def _words(language: str) -> dict[str, str]:
    path = Path(__file__).parent / "locales" / f"{language}.json"
    return json.loads(path.read_text(encoding="utf-8"))


def subject_of(log: CallLog) -> str:
    """The Task's subject in the agent's language, such as `Call from 03-1234-5678 (Support)`; of a call out that
    nobody took also why, such as `Call to 03-1234-5678: busy (Support)`."""
    words = _words(log.language)
    kind = "abandoned" if log.direction == "inbound" and log.outcome != "answered" else log.direction
    number = log.number_display or log.number_e164
    whose = "withheld" if log.withheld else "from" if number else "unknown"
    text = words[f"subject.{kind}.{whose}"].format(number=number)
    reason = _reason(log)
    form = ("unanswered" if reason else "") + (".queue" if log.queue_name else "")
    if form:
        text = words[f"subject.{form.lstrip('.')}"].format(subject=text, reason=reason, queue=log.queue_name)
    return text[:255]


def disposition_of(log: CallLog) -> str | None:
    """What the agent chose; where nothing was chosen for a call out that nobody took, why that was."""
    reason = _reason(log)
    return (log.disposition or (reason and reason[0].upper() + reason[1:]) or "")[:255] or None


def _reason(log: CallLog) -> str | None:
    """Why nobody took a call out, in the agent's language; None of every other call."""
    if log.direction != "outbound" or log.outcome == "answered":
        return None
    return _words(log.language)[f"reason.{log.end_cause if log.end_cause in _REASONS else 'failed'}"]


def task_fields(log: CallLog, look: Look, user: OrgUser | None, *, bare: bool = False) -> dict[str, Any]:
    """The Task. `bare` leaves out whom and what it points to and its owner, for when the org refused those.

    The engagement's page is linked in our field; in the comments only where the org has no such field.
    """
    zone = _zone(user.time_zone if user and user.time_zone else log.time_zone)
    link_field = look.task_link and log.link is not None and len(log.link) <= 255
    description = "\n\n".join(part for part in (log.notes.strip(), not link_field and log.link) if part)
    fields: dict[str, Any] = {
        "Subject": subject_of(log),
        "Status": look.closed_status,
        "CallType": _CALL_TYPE[log.direction],
        "CallDurationInSeconds": log.talked_s,
        "CallDisposition": disposition_of(log),
        "CallObject": str(log.engagement_id),
        "ActivityDate": log.arrived_at.astimezone(zone).date().isoformat(),
        "Description": description[:32000] or None,
        **_pointers(log, bare),
    }
    if link_field:
        fields[TASK_LINK] = log.link
    if user and not bare:
        fields["OwnerId"] = user.id
    return fields


def session_fields(
    log: CallLog, user: OrgUser | None, *, bare: bool = False, has: frozenset[str] = LATER_FIELDS
) -> dict[str, Any]:
    """The session history record, but for its key and its Task; of later fields those that the org `has`."""
    linked = log.linked()
    fields: dict[str, Any] = {
        "Name": subject_of(log)[:80],
        "Direction__c": log.direction,
        "Number__c": (log.number_e164 or "")[:40] or None,
        "Queue__c": (log.queue_name or "")[:80] or None,
        "Agent__c": (log.agent_name or "")[:120] or None,
        "Agent_User__c": user.id if user and not bare else None,
        "Arrived_At__c": _time(log.arrived_at),
        "Answered_At__c": _time(log.answered_at) if log.answered_at else None,
        "Ended_At__c": _time(log.ended_at),
        "Waited_Seconds__c": log.waited_s,
        "Talked_Seconds__c": log.talked_s,
        "Held_Seconds__c": log.held_s,
        "Outcome__c": log.outcome,
        "End_Cause__c": (log.end_cause or "")[:40] or None,
        "Disposition__c": (log.disposition or "")[:255] or None,
        "Notes__c": log.notes[:32000] or None,
        "Link__c": log.link if log.link and len(log.link) <= 255 else None,
        **dict.fromkeys(_LOOKUPS.values()),
    }
    later = {
        "Number_Shown__c": (log.number_display or "")[:40] or None,
        "Status__c": "closed",
        "Related_Record_Id__c": linked.id if linked and not bare else None,
    }
    fields |= {name: value for name, value in later.items() if name in has}
    for record in () if bare else (_caller(log), linked):
        if record and record.object_type in _LOOKUPS:
            fields[_LOOKUPS[record.object_type]] = record.id
    return fields


def graph_of(log: CallLog, look: Look, user: OrgUser | None, *, bare: bool = False) -> dict[str, Any]:
    """The graph that writes both records or neither; its id is the engagement's."""
    return {
        "graphId": str(log.engagement_id),
        "compositeRequest": [
            {
                "method": "POST",
                "url": f"{DATA}/sobjects/Task",
                "referenceId": "task",
                # Create-only fields stand here and not in `task_fields`, which also updates.
                "body": {"TaskSubtype": "Call", "Priority": "Normal"}
                | _given(task_fields(log, look, user, bare=bare)),
            },
            {
                "method": "POST",
                "url": f"{DATA}/sobjects/{SESSION}",
                "referenceId": "session",
                "body": {SESSION_KEY: str(log.engagement_id), "Task_Id__c": "@{task.id}"}
                | _given(session_fields(log, user, bare=bare, has=look.session_fields)),
            },
        ],
    }


def update_of(
    log: CallLog, look: Look, user: OrgUser | None, *, task_id: str, session_id: str, bare: bool = False
) -> list[dict[str, Any]]:
    """The two records of a later revision, for a collection call."""
    return [
        {"attributes": {"type": "Task"}, "id": task_id, **task_fields(log, look, user, bare=bare)},
        {
            "attributes": {"type": SESSION},
            "id": session_id,
            **session_fields(log, user, bare=bare, has=look.session_fields),
        },
    ]


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _pointers(log: CallLog, bare: bool) -> dict[str, str | None]:
    """Whom (a person) and what (anything else) the call is about.

    The contact whose number it is stays the Who of a call that the agent related to something else; a Lead takes no
    What beside it.
    """
    linked = None if bare else log.linked()
    if linked is None:
        return {"WhoId": None, "WhatId": None}
    if linked.object_type in _PEOPLE:
        return {"WhoId": linked.id, "WhatId": None}
    caller = _caller(log)
    return {"WhoId": caller.id if caller else None, "WhatId": linked.id}


def _caller(log: CallLog) -> LoggedRecord | None:
    """The contact that alone has the caller's number."""
    only = log.matched[0] if len(log.matched) == 1 else None
    return only if only and only.object_type == "Contact" else None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown to this machine's time zones
        return ZoneInfo("UTC")


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")
