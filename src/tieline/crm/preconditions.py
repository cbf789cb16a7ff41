"""Conditional requests: entity tags (accounts only, as at Salesforce) and dates.

Dates have whole seconds, so a record that changed twice within one second looks unchanged to them; tags do not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

from .errors import Fault


def http_date(text: str | None) -> datetime | None:
    """A date of a header; None where there is none or it cannot be read, and then it is no condition."""
    if not text:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def entity_tag(row: Mapping[str, Any]) -> str:
    """The tag of a record's present state; reading some of its fields or all gives the same one."""
    text = f"{row['Id']} {row['SystemModstamp']}"
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _tags(text: str) -> set[str]:
    return {
        part.strip().removeprefix("W/").removesuffix('--gzip"').strip('"') for part in text.split(",")[:50]
    }


def _named(text: str, row: Mapping[str, Any]) -> bool:
    return text.strip() == "*" or entity_tag(row).strip('"') in _tags(text)


def _changed_at(row: Mapping[str, Any]) -> datetime | None:
    found = row.get("LastModifiedDate") or row.get("SystemModstamp")
    return found.replace(microsecond=0) if isinstance(found, datetime) else None


def unchanged(headers: Mapping[str, str], row: Mapping[str, Any], *, tagged: bool) -> bool:
    """True where a reader's copy is still right. 412 where the reader insists on a copy that is not."""
    require_unchanged(
        {name: value for name, value in headers.items() if name != "if-none-match"}, row, tagged=tagged
    )
    if tagged and "if-none-match" in headers:
        return _named(headers["if-none-match"], row)
    since, at = http_date(headers.get("if-modified-since")), _changed_at(row)
    return since is not None and at is not None and at <= since


def require_unchanged(headers: Mapping[str, str], row: Mapping[str, Any], *, tagged: bool) -> None:
    """412 PRECONDITION_FAILED where the record is not, or no longer, what the headers say."""
    failed = False
    if tagged and "if-match" in headers:
        failed = not _named(headers["if-match"], row)
    elif tagged and "if-none-match" in headers:
        failed = _named(headers["if-none-match"], row)
    else:
        since, at = http_date(headers.get("if-unmodified-since")), _changed_at(row)
        failed = since is not None and at is not None and at > since
    if failed:
        raise Fault(
            "PRECONDITION_FAILED", "The record has changed since: read it again, then repeat", status=412
        )


_SEEN_BY = """
SELECT greatest(
    c.changed_at, u."SystemModstamp",
    (SELECT max(greatest(a."SystemModstamp", CASE WHEN a."ExpirationDate" <= now() THEN a."ExpirationDate" END))
       FROM data."PermissionSetAssignment" a WHERE a."AssigneeId" = u."Id")
) FROM meta.catalogue c CROSS JOIN data."User" u WHERE u."Id" = $1
"""
_MARGIN = timedelta(seconds=60)
"""A change is dated when its transaction begins and seen when that ends, which is at most so much later."""


async def describe_unchanged(conn: Any, headers: Mapping[str, str], user_id: str) -> bool:
    """True where no object or field of the org, and nothing of what the user may see, changed since the reader's copy."""
    since = http_date(headers.get("if-modified-since"))
    if since is None:
        return False
    changed_at: datetime = await conn.fetchval(_SEEN_BY, user_id)
    return changed_at + _MARGIN < since
