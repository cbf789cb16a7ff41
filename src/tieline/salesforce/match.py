"""Match: whose number is this. One indexed look-up in the local phone index, never the network.

A number is not a key: several records may carry it, and all count. A person found by two fields is one.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Integer,
    ScalarSelect,
    Text,
    Uuid,
    bindparam,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tieline.db.database import Transaction
from tieline.db.statement import Statement
from tieline.names import MEMBERS, stored
from tieline.numbers import GRADES, PhoneNumber, country_code_of, record_form, search_forms
from tieline.salesforce.org_settings import DEFAULT_COUNTRY_CODES, OrgSettings
from tieline.salesforce.tables import indexed_record, record_owner

MAX_RECORDS = 20
"""So many are named; more than one is `many`, however many there are."""
MIN_SEARCH = 3
"""A CRM's search page takes no shorter text."""

# `grades` is ordered best first; forms without a country code are asked for only if it is a configured one.
# Written so that stale statistics, such as right after a load, leave the planner no other way than both
# primary keys: an array of keys instead of a join, and a lateral query behind OFFSET 0.
LOOK_UP = text("""
WITH one AS MATERIALIZED (
    SELECT index_state, index_stale, org_settings,
           coalesce(org_settings->'country_codes' ? :country_code, :by_default) AS at_home
    FROM connection WHERE account_id = :account_id AND id = :connection_id
), found AS (
    SELECT p.record_id, min(array_position(CAST(:grades AS text[]), p.grade)) AS grade,
           (array_agg(p.raw ORDER BY array_position(CAST(:grades AS text[]), p.grade), p.field))[1] AS raw
    FROM phone_index p
    WHERE p.account_id = :account_id AND p.connection_id = :connection_id AND p.key = ANY (ARRAY(
        SELECT key FROM unnest(CAST(:keys AS text[])) WITH ORDINALITY AS form(key, position), one
        WHERE position = 1 OR at_home))
    GROUP BY p.record_id
)
SELECT one.index_state, one.index_stale, one.org_settings, r.*, found.grade, found.raw
FROM one
LEFT JOIN (found CROSS JOIN LATERAL (
    SELECT i.record_id AS id, i.object_type, i.name, i.first_name, i.last_name, o.name AS owner_name,
           o.first_name AS owner_first_name, o.last_name AS owner_last_name
    FROM indexed_record i LEFT JOIN record_owner o
        ON o.account_id = :account_id AND o.connection_id = :connection_id AND o.owner_id = i.owner_id
    WHERE i.account_id = :account_id AND i.connection_id = :connection_id AND i.record_id = found.record_id
    OFFSET 0
) r) ON true
ORDER BY found.grade, r.name, r.id
LIMIT :limit
""").bindparams(
    bindparam("account_id", type_=Uuid),
    bindparam("connection_id", type_=Uuid),
    bindparam("by_default", type_=Boolean),
    bindparam("keys", type_=ARRAY(Text)),
    bindparam("grades", type_=ARRAY(Text)),
    bindparam("limit", type_=Integer),
)
_RUN = Statement(LOOK_UP)


async def match(
    tx: Transaction, connection_id: UUID | None, number: PhoneNumber | None, withheld: bool
) -> dict[str, Any]:
    """The match of a number in a connection's CRM, in the shape of `callbar.wire.Match`, but that its records
    are as they are stored (see `names.py`).

    `unavailable` while the index is not ready (the callbar then falls back to the CRM's own search), and without a
    connection. An index that is loaded anew for other country codes answers for whom it knows. Records are ordered by
    grade, then name. `search` is what finds them on the CRM's search page; `new_record_phone` is how a new contact
    should hold the number.
    """
    if withheld:
        return _answer("withheld")
    if connection_id is None:
        return _answer("unavailable")
    if number is None:
        return _answer("none")
    country_code = country_code_of(number.e164)
    rows = await tx.find(
        _RUN,
        {
            "account_id": tx.account_id,
            "connection_id": connection_id,
            "country_code": country_code,
            "by_default": country_code in DEFAULT_COUNTRY_CODES,
            "keys": [form.key for form in search_forms(number, (country_code,))],
            "grades": list(GRADES),
            "limit": MAX_RECORDS + 1,
        },
    )
    if not rows:
        return _answer("unavailable")
    new_phone = record_form(number.e164, OrgSettings.from_json(rows[0].org_settings).country_codes)
    ready = rows[0].index_state == "ready"
    if not ready and not (rows[0].index_stale and rows[0].id):
        return _answer("unavailable", search=_searchable(new_phone), new_record_phone=new_phone)
    records = [
        stored({member: getattr(row, member) for member in MEMBERS})
        | {"detail": row.raw, "grade": GRADES[row.grade - 1]}
        for row in rows
        if row.id is not None
    ]
    if any(record["grade"] != "short" for record in records):
        records = [record for record in records if record["grade"] != "short"]
    # The form that most of the records hold is what lists most of them where search takes texts as typed.
    written = Counter(record["detail"] for record in records).most_common(1)
    return _answer(
        "none" if not records else "one" if len(records) == 1 else "many",
        records=records[:MAX_RECORDS],
        search=_searchable(written[0][0] if written else new_phone),
        new_record_phone=new_phone,
    )


def record_now(
    account_id: ColumnElement[UUID], connection_id: ColumnElement[UUID], record_id: ColumnElement[str]
) -> ScalarSelect[Any]:
    """An SQL expression: the record as the index has it now, in the members that `names.stored` takes; null when
    the index does not know it (any more).

    A subquery for each row, so that whoever pages through a long list looks up what is on the page.
    """
    of, owner = indexed_record.c, record_owner.c
    columns = (
        *(of.record_id, of.object_type, of.name, of.first_name, of.last_name),
        *(owner.name, owner.first_name, owner.last_name),
    )
    members = chain.from_iterable(zip(MEMBERS, columns, strict=True))
    return (
        select(func.jsonb_build_object(*members, type_=JSONB))
        .select_from(
            indexed_record.outerjoin(
                record_owner,
                (owner.account_id == of.account_id)
                & (owner.connection_id == of.connection_id)
                & (owner.owner_id == of.owner_id),
            )
        )
        .where(of.account_id == account_id, of.connection_id == connection_id, of.record_id == record_id)
        .correlate_except(indexed_record, record_owner)
        .scalar_subquery()
    )


async def record_of(tx: Transaction, connection_id: UUID | None, record_id: str) -> dict[str, Any] | None:
    """A record by its id as the index has it now, as it is stored."""
    own = {"of_account": tx.account_id, "of_connection": connection_id, "of_id": record_id}
    found = await tx.scalar(_RECORD, own)
    return stored(found) if found else None


_RECORD = select(
    record_now(
        bindparam("of_account", type_=Uuid),
        bindparam("of_connection", type_=Uuid),
        bindparam("of_id", type_=Text),
    )
)


def _searchable(phone: str) -> str | None:
    return phone if len(phone) >= MIN_SEARCH else None


def _answer(status: str, **more: Any) -> dict[str, Any]:
    return {"status": status, "records": [], "search": None, "new_record_phone": None} | more
