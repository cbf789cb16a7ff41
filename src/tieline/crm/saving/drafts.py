"""Records on their way: what was given, the whole row that comes of it, and what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ..errors import Fault
from ..metadata import Field, ObjectType
from ..standard import CLOSED_TASK_STATUSES, STAGES
from ..values import clean_text, read_value

Row = dict[str, Any]
_COMPOSED = re.compile(r"\{(0+)\}")


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of one record: its id, or why it was refused."""

    id: str | None = None
    created: bool = False
    faults: tuple[Fault, ...] = ()
    event: str | None = None
    """The UUID of the platform event that the record was."""

    @property
    def success(self) -> bool:
        """True when the record was saved."""
        return not self.faults


@dataclass(slots=True)
class Draft:
    """One record on its way: the values given, then the whole row."""

    position: int
    given: Row
    row: Row
    record_id: str = ""
    before: Row | None = None

    @property
    def changed(self) -> list[str]:
        """Names of the fields that were given another value."""
        before = self.before or {}
        return [name for name, value in self.given.items() if name not in before or before[name] != value]


def person_name(row: Mapping[str, Any]) -> str:
    """The composed name: first name, then last name. Other orders are for screens."""
    return " ".join(part for part in (row.get("FirstName"), row.get("LastName")) if part)


def auto_number(pattern: str, number: int) -> str:
    """A display format such as `VC-{00000}` filled with a number."""
    return _COMPOSED.sub(lambda found: str(number).zfill(len(found.group(1))), pattern, count=1)


def name_is_id(value: ObjectType, item: Field) -> bool:
    """True for a custom object's optional text name, which falls back to the record's id."""
    return value.kind == "custom" and item.name == "Name" and not item.required


def _default(item: Field) -> Any:
    """What a field of a new record holds where nothing was given."""
    if item.type == "boolean":
        return item.default is True
    if item.default is not None:
        return read_value(item, item.default)
    return _default_choice(item) if item.type == "picklist" else None


def _default_choice(item: Field) -> str | None:
    return next((choice.value for choice in item.picklist if choice.default), None)


def with_defaults(value: ObjectType, values: Row, user_id: str) -> Row:
    """The whole row of a new record of which some values were given."""
    defaults: Row | None = value.worked_out.get("defaults")
    if defaults is None:
        stored = [item for item in value.fields.values() if item.stored]
        defaults = value.worked_out["defaults"] = {item.name: _default(item) for item in stored}
    row = dict(defaults)
    for name, content in values.items():
        if name not in row:
            continue
        item = value.fields[name]
        if content is None:
            if item.type == "boolean":
                continue
            if item.required and item.type == "picklist":
                content = _default_choice(item)
        row[name] = content
    if "OwnerId" in row and row["OwnerId"] is None:
        row["OwnerId"] = user_id
    return row


def _derive_stage(row: Row, given: Row) -> None:
    """What an opportunity's stage says; a probability that is given with it stays."""
    probability, row["IsClosed"], row["IsWon"], row["ForecastCategory"] = STAGES.get(
        str(row.get("StageName")), (row.get("Probability"), False, False, "Pipeline")
    )
    if "StageName" in given and given.get("Probability") is None:
        given["Probability"] = row["Probability"] = probability
    amount, chance = row.get("Amount"), row.get("Probability")
    row["ExpectedRevenue"] = None if amount is None or chance is None else round(amount * chance / 100, 2)


def derive(value: ObjectType, row: Row, related: Mapping[str, Mapping[str, Any]], given: Row) -> None:
    """Fills the fields that follow from others."""
    if value.person and value.name != "Account":
        row["Name"] = person_name(row) or None
    if value.name in ("Task", "Event"):
        who, what = row.get("WhoId"), row.get("WhatId")
        if who and what and str(who).startswith("00Q"):
            raise Fault(
                "FIELD_INTEGRITY_EXCEPTION",
                "Related To ID: a Lead cannot be combined with a related record",
                fields=["WhatId"],
            )
        for other in (what, who):
            if other is None:
                continue
            if str(other).startswith("001"):
                row["AccountId"] = other
                break
            if other in related and related[other].get("AccountId"):
                row["AccountId"] = related[other]["AccountId"]
                break
        else:
            if not who and not what:
                row["AccountId"] = None
    if value.name == "Task":
        closed = row.get("Status") in CLOSED_TASK_STATUSES
        row["IsClosed"] = closed
        if not closed:
            row["CompletedDateTime"] = None
        elif row.get("CompletedDateTime") is None:
            row["CompletedDateTime"] = datetime.now(UTC).replace(microsecond=0)
        row["IsHighPriority"] = row.get("Priority") == "High"
    elif value.name == "Opportunity":
        _derive_stage(row, given)
    elif value.name == "Case":
        row["IsClosed"] = row.get("Status") == "Closed"
        if not row["IsClosed"]:
            row["ClosedDate"] = None
        elif row.get("ClosedDate") is None:
            row["ClosedDate"] = datetime.now(UTC).replace(microsecond=0)
        contact = related.get(row.get("ContactId") or "")
        if contact is not None and not row.get("AccountId"):
            row["AccountId"] = contact.get("AccountId")
    elif value.name == "User":
        row["UserType"] = "Standard"
        username = clean_text(str(row.get("Username") or ""))
        if username and ("@" not in username or " " in username):
            raise Fault(
                "INVALID_EMAIL_ADDRESS", f"Username: invalid email address: {username}", fields=["Username"]
            )
