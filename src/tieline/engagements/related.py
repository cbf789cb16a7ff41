"""Whom an engagement is about, as the CRM has it now: lists of past engagements follow a changed name or owner.

The name is looked up when a list is read instead of being copied into every engagement of the customer.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement
from sqlalchemy.engine import Row

from tieline import names
from tieline.engagements.tables import engagement

RecordNow = Callable[[ColumnElement[UUID], ColumnElement[UUID], ColumnElement[str]], ColumnElement[Any]]
"""Account, connection and record id -> SQL for the record as the CRM's index has it now, in the members that
`names.stored` takes, or null; given by the composition root."""


def related_now(record_now: RecordNow) -> ColumnElement[Any]:
    """SQL for an engagement's related record as the index has it now; lists select it as `related_now`."""
    of = engagement.c
    return record_now(of.account_id, of.connection_id, of.related["id"].astext)


def record_of(row: Row[Any], language: str) -> dict[str, Any] | None:
    """The related record of a row with `related_now`, for a reader: what it is called and whose it is now, or was
    when the engagement was open where the index knows it no more."""
    record = names.stored(row.related_now) if row.related_now else row.related
    return names.shown(record, language) if record else None
