"""`UserRecordAccess`: what a user may do with up to 200 records, asked for like an object that has no table.

As at Salesforce a query names one user and the records: `WHERE UserId = '...' AND RecordId IN ('...')`.
"""

from __future__ import annotations

from typing import Any

from ..errors import Fault, no_such_column
from ..ids import parse_id
from ..metadata import Catalogue
from ..query.soql_tree import Comparison, Path, Query, Selected, Test, Text
from ..sign_in.auth import caller_of_user
from .questions import Caller, rights
from .sharing import Level, reachable

MAX_RECORDS = 200
_FIELDS = (
    "RecordId", "UserId", "HasReadAccess", "HasEditAccess", "HasDeleteAccess", "HasTransferAccess",
    "HasAllAccess", "MaxAccessLevel",
)  # fmt: skip
_LEVELS: tuple[Level, ...] = ("read", "edit", "delete")


def _refuse(message: str) -> Fault:
    return Fault("INVALID_QUERY_FILTER_OPERATOR", message)


async def answer(
    conn: Any, catalogue: Catalogue, caller: Caller, query: Query, *, version: str
) -> dict[str, Any]:
    """`{totalSize, done, records}`, in the order of the ids asked for. Others than oneself: with Manage Users."""
    asked = [_field(item) for item in query.select]
    user_id, record_ids = _filter(query.where)
    if user_id != caller.user_id and not (caller.may("ManageUsers") or caller.may("ViewAllData")):
        raise Fault("INSUFFICIENT_ACCESS", "insufficient access rights on cross-reference id", status=403)
    user = caller if user_id == caller.user_id else await caller_of_user(conn, user_id)
    allowed = {level: await _allowed(conn, catalogue, user, record_ids, level) for level in _LEVELS}
    rows: list[dict[str, Any]] = []
    for record_id in record_ids:
        read, edit, delete = (record_id in allowed[level] for level in _LEVELS)
        row: dict[str, Any] = {
            "RecordId": record_id,
            "UserId": user_id,
            "HasReadAccess": read,
            "HasEditAccess": edit,
            "HasDeleteAccess": delete,
            "HasTransferAccess": delete or (edit and user is not None and user.may("TransferAnyEntity")),
            "HasAllAccess": delete,
            "MaxAccessLevel": "All" if delete else "Edit" if edit else "Read" if read else "None",
        }
        url = f"/services/data/v{version}/sobjects/UserRecordAccess/000000000000000AAA"
        rows.append(
            {"attributes": {"type": "UserRecordAccess", "url": url}} | {name: row[name] for name in asked}
        )
    return {"totalSize": len(rows), "done": True, "records": rows}


async def _allowed(
    conn: Any, catalogue: Catalogue, user: Caller | None, record_ids: list[str], level: Level
) -> set[str]:
    """Live records among the ids that the user may use so."""
    found: set[str] = set()
    by_object: dict[str, list[str]] = {}
    for record_id in record_ids:
        value = catalogue.whole.of_id(record_id)
        if value is not None:
            by_object.setdefault(value.name, []).append(record_id)
    for name, ids in by_object.items():
        value = catalogue.whole.objects[name]
        if user is None or not getattr(rights(user, value), level):
            continue
        rows = await conn.fetch(
            f'SELECT "Id" FROM {value.table} WHERE "Id" = ANY($1) AND NOT "IsDeleted"',  # noqa: S608 - catalogue
            ids,
        )
        found |= await reachable(conn, catalogue, user, value, [row["Id"] for row in rows], level)
    return found


def _field(item: object) -> str:
    node = item.expression if isinstance(item, Selected) else item
    name = str(node)[:80]
    known = next((known for known in _FIELDS if known.lower() == name.lower()), None)
    if not isinstance(node, Path) or known is None:
        raise no_such_column(name, "UserRecordAccess")
    return known


def _filter(where: Test | None) -> tuple[str, list[str]]:
    tests = list(where.items) if where is not None and not isinstance(where, Comparison) else [where]
    if where is not None and not isinstance(where, Comparison) and where.kind != "and":
        raise _refuse("UserRecordAccess is filtered by UserId and RecordId only, with = or IN")
    user_id: str | None = None
    record_ids: list[str] | None = None
    for test in tests:
        if not isinstance(test, Comparison) or test.operator not in ("=", "IN"):
            raise _refuse("UserRecordAccess is filtered by UserId and RecordId only, with = or IN")
        name = str(test.left).lower()
        values = test.value if isinstance(test.value, tuple) else (test.value,)
        ids = [_id(value) for value in values]
        if name == "userid" and len(ids) == 1:
            user_id = ids[0]
        elif name == "recordid" and ids:
            record_ids = list(dict.fromkeys(ids))
        else:
            raise _refuse("UserRecordAccess is filtered by UserId and RecordId only, with = or IN")
    if user_id is None or record_ids is None:
        raise _refuse("UserRecordAccess needs one UserId and the RecordIds")
    if len(record_ids) > MAX_RECORDS:
        raise Fault("EXCEEDED_ID_LIMIT", f"UserRecordAccess answers for at most {MAX_RECORDS} records")
    return user_id, record_ids


def _id(value: Any) -> str:
    found = parse_id(value.value) if isinstance(value, Text) else None
    if found is None:
        raise Fault("INVALID_QUERY_FILTER_OPERATOR", "invalid ID field")
    return found
