"""The call log: what is kept of a closed engagement.

Complete in itself: whoever delivers it reads nothing else. Its JSON is what stands in `call_log.content`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Literal, cast
from uuid import UUID

Outcome = Literal["answered", "abandoned", "unanswered", "failed"]
"""`unanswered`: whom we called did not take the call; `end_cause` tells why."""
Direction = Literal["inbound", "outbound", "internal"]


@dataclass(frozen=True, slots=True)
class LoggedRecord:
    """A CRM record that a log points to."""

    id: str
    object_type: str
    name: str


@dataclass(frozen=True, slots=True)
class CallLog:
    """A closed engagement. Times are UTC; seconds are whole and never negative."""

    engagement_id: UUID
    direction: Direction
    outcome: Outcome
    arrived_at: datetime
    ended_at: datetime
    number_e164: str | None = None
    """None when withheld or no number at all."""
    number_display: str | None = None
    """As people of the agent's country write it."""
    number_raw: str | None = None
    withheld: bool = False
    queue_name: str | None = None
    agent_name: str | None = None
    agent_email: str | None = None
    """The agent's org user is found by it."""
    language: Literal["en", "ja"] = "en"
    """Of the agent: in which the log is worded in the CRM."""
    time_zone: str = "UTC"
    """In which the call's day is told (a Task has a date only)."""
    answered_at: datetime | None = None
    waited_s: int = 0
    talked_s: int = 0
    held_s: int = 0
    end_cause: str | None = None
    disposition: str | None = None
    notes: str = ""
    matched: tuple[LoggedRecord, ...] = ()
    related: LoggedRecord | None = None
    link: str | None = None
    """The engagement's page in the portal."""

    def to_json(self) -> dict[str, Any]:
        """The log as JSON values: times in ISO 8601, ids in lower case."""
        content = asdict(self)
        content["engagement_id"] = str(self.engagement_id)
        for name in _TIMES:
            value = content[name]
            content[name] = value.isoformat() if value else None
        content["matched"] = list(content["matched"])
        return content

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> CallLog:
        """The log that `to_json` wrote; members of a newer release are left out."""
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in content.items() if name in known}
        values["engagement_id"] = UUID(values["engagement_id"])
        for name in _TIMES:
            if values.get(name):
                values[name] = datetime.fromisoformat(values[name])
        values["matched"] = tuple(_record(record) for record in values.get("matched") or ())
        values["related"] = _record(values["related"]) if values.get("related") else None
        return cls(**values)

    def linked(self) -> LoggedRecord | None:
        """The record the call is about: the related one, else the only match; several matches are nobody's."""
        if self.related:
            return self.related
        return self.matched[0] if len(self.matched) == 1 else None


_TIMES = ("arrived_at", "answered_at", "ended_at")


def _record(value: object) -> LoggedRecord:
    record = cast("Mapping[str, str]", value)
    return LoggedRecord(record["id"], record["object_type"], record.get("name") or "")
